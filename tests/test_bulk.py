"""bridge_insert, bridge_upsert, bridge_update and bridge_delete, behind either driver: rows as stored, few
remote statements, all or nothing, inside whatever transaction there is."""
import json
import sqlite3

import pytest

from support import sqlite
from support.remotes import attach, connect, file_remote, pg_remote, remote, rows, value  # noqa: F401

DDL = """
CREATE TABLE items(id {serial} primary key, code text unique, n integer default 7 check (n > 0), note text,
                   r double precision, b {bytes}, g integer generated always as (n * 2) stored);
CREATE TABLE words(w text not null primary key, n integer){without};
CREATE TABLE loose(a integer, b text);
CREATE TABLE pairs(a integer, b integer, n integer, primary key (a, b)){without};
CREATE TABLE child(id integer primary key, item integer references items(id) deferrable initially deferred);
CREATE VIEW seen AS SELECT code FROM items;
"""


@pytest.fixture
def shop(remote):  # noqa: F811
    postgres = remote.driver == "postgres"
    remote.run(DDL.format(serial="serial" if postgres else "integer", bytes="bytea" if postgres else "blob",
                          without="" if postgres else " without rowid"))
    return remote


@pytest.fixture
def db(shop):
    connection = connect()
    attach(connection, shop, "name=shop")
    yield connection
    connection.close()


@pytest.fixture
def other(shop):
    connection = connect()
    attach(connection, shop, "name=shop")
    yield connection
    connection.close()


def call(db, function, table, *arguments):
    marks = ", ?" * len(arguments)
    words = [word if isinstance(word, str) else json.dumps(word) for word in arguments]
    return json.loads(value(db, f"SELECT bridge_{function}(?{marks})", table, *words))


def fails(db, function, table, *arguments):
    marks = ", ?" * len(arguments)
    words = [word if isinstance(word, str) else json.dumps(word) for word in arguments]
    return sqlite.error(db, f"SELECT bridge_{function}(?{marks})", (table, *words))


def say(db, *statements):
    for sql in statements:
        db.execute(sql).fetchall()


def codes(db):
    return [code for (code,) in rows(db, "SELECT code FROM items ORDER BY id")]


def test_rows_come_back_as_they_are_stored(db, other):
    stored = call(db, "insert", "items", {"code": "a", "r": 3, "b": "\\x00ff"})
    assert stored == [{"id": 1, "code": "a", "n": 7, "note": None, "r": 3.0, "b": "\\x00ff", "g": 14}]
    assert '"r":3.0' in value(db, "SELECT bridge_update('items', '{\"note\": \"x\"}', '{\"id\": 1}')")
    stored = call(db, "insert", "main.items", [{"code": "b", "n": None}, {"n": "12", "CODE": "c"}, {}])
    assert [(row["id"], row["code"], row["n"]) for row in stored] == [(2, "b", None), (3, "c", 12), (4, None, 7)]
    assert value(db, "SELECT last_insert_rowid()") == 4
    assert call(other, "update", "items", {"n": 3, "note": 'q"\n\u00e9'}, {"n": 12}) == [
        {"id": 3, "code": "c", "n": 3, "note": 'q"\n\u00e9', "r": None, "b": None, "g": 6}]
    assert [row["id"] for row in call(db, "delete", "items", {"code": None, "n": 7.0})] == [4]
    assert [row["id"] for row in call(db, "delete", "items", {"n": None, "id": 2})] == [2]
    assert call(db, "delete", "items", {"code": "nobody"}) == []
    assert call(db, "insert", "items", []) == []
    assert rows(other, "SELECT id, code, n, note, b FROM items ORDER BY id") == [
        (1, "a", 7, "x", b"\0\xff"), (3, "c", 3, 'q"\n\u00e9', None)]


def test_every_identity_is_found_again(db):
    call(db, "insert", "words", [{"w": "x", "n": 1}, {"w": "y", "n": 2}])
    assert call(db, "update", "words", {"w": "z"}, {"n": 1}) == [{"w": "z", "n": 1}]
    assert call(db, "delete", "words", {"*": True}).__len__() == 2
    call(db, "insert", "loose", [{"a": 1, "b": "p"}] * 3 + [{"a": 2}])
    assert call(db, "update", "loose", {"b": "q"}, {"a": 1}) == [{"a": 1, "b": "q"}] * 3
    assert call(db, "delete", "loose", {"b": None}) == [{"a": 2, "b": None}]
    call(db, "insert", "pairs", [{"a": 1, "b": n, "n": n} for n in range(3)])
    assert call(db, "delete", "pairs", {"*": True}).__len__() == 3
    call(db, "insert", "pairs", [{"a": 1, "b": n, "n": n} for n in range(3)])
    assert call(db, "update", "pairs", {"n": 5}, {"a": 1, "b": 2}) == [{"a": 1, "b": 2, "n": 5}]
    assert sorted(row["b"] for row in call(db, "delete", "pairs", {"a": 1})) == [0, 1, 2]


def test_upsert(db):
    first = [{"code": "a", "n": 1, "note": "one"}, {"code": "b", "n": 2, "note": "two"}]
    assert [row["n"] for row in call(db, "upsert", "items", first, "code")] == [1, 2]
    again = call(db, "upsert", "items", [{"code": "a", "n": 5, "note": None}, {"code": "c", "n": 6}], "code")
    assert [(row["code"], row["n"], row["note"]) for row in again] == [("a", 5, None), ("c", 6, None)]
    kept = call(db, "upsert", "items", {"code": "b", "n": None, "note": None}, "(code)", "keep_null=n,note")
    assert [(row["n"], row["note"]) for row in kept] == [(2, "two")]
    assert [row["n"] for row in call(db, "upsert", "items", {"code": "b", "note": "new"}, "code")] == [2]
    only = call(db, "upsert", "items", {"code": "b", "n": 9, "note": "other"}, "code", "update=n")
    assert [(row["n"], row["note"]) for row in only] == [(9, "new")]
    left = call(db, "upsert", "items", [{"code": "b", "n": 1}, {"code": "d", "n": 1}], "code", "do=nothing")
    assert [(row["code"], row["n"]) for row in left] == [("d", 1)]
    assert [row["note"] for row in call(db, "upsert", "items", {"code": "b"}, "code")] == ["new"]
    assert call(db, "upsert", "pairs", [{"a": 1, "b": 1, "n": 1}, {"a": 1, "b": 2, "n": 2}], "a, b").__len__() == 2
    assert call(db, "upsert", "pairs", {"a": 1, "b": 2, "n": 3}, "b,a") == [{"a": 1, "b": 2, "n": 3}]


def test_a_target_with_a_condition(shop, db):
    shop.run("CREATE UNIQUE INDEX live ON loose(a) WHERE b <> 'gone'")
    call(db, "insert", "loose", [{"a": 1, "b": "gone"}, {"a": 1, "b": "gone"}, {"a": 1, "b": "here"}])
    assert call(db, "upsert", "loose", {"a": 1, "b": "new"}, "(a) WHERE b <> 'gone'") == [{"a": 1, "b": "new"}]
    assert sorted(rows(db, "SELECT * FROM loose")) == [(1, "gone"), (1, "gone"), (1, "new")]
    for text in ("(a) WHERE b > 0 DO NOTHING", "(a) DO UPDATE SET a = 1", "(a", "(a) -- x", "(a) WHERE b = $x$(",
                 "(a) WHERE 1; DELETE FROM loose", "(a)) WHERE (1"):
        assert "conflict target" in fails(db, "upsert", "loose", {"a": 1}, text)[1], text


def test_five_hundred_rows_are_one_statement(db):
    many = [{"code": f"c{n}", "n": n + 1} for n in range(1200)]
    call(db, "insert", "items", {"code": "warm"})
    begun = value(db, "SELECT max(id) FROM bridge_log")
    stored = call(db, "insert", "items", many)
    assert [(row["code"], row["n"]) for row in stored] == [(row["code"], row["n"]) for row in many]
    assert [row["id"] for row in stored] == sorted(row["id"] for row in stored)
    sent = rows(db, "SELECT rows FROM bridge_log WHERE id > ? AND statement LIKE 'INSERT%'", begun)
    assert sent == [(500,), (500,), (200,)]
    begun = value(db, "SELECT max(id) FROM bridge_log")
    call(db, "upsert", "items", many[:500], "code")
    call(db, "update", "items", {"note": "all"}, {"*": True})
    sent = rows(db, "SELECT rows FROM bridge_log WHERE id > ? AND statement NOT LIKE 'SELECT%' AND rows > 0",
                begun)
    assert sent == [(500,), (500,), (500,), (201,)]


def test_round_trips(shop, db):
    """A call of its own is the rows that it finds, what it says, and COMMIT."""
    def trips(function, *arguments):
        begun = value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'")
        call(db, function, *arguments)
        return value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'") - begun

    call(db, "insert", "items", {"code": "warm"})
    extra = 1 if shop.driver == "postgres" else 0  # an embedded COMMIT is no trip
    assert trips("insert", "items", [{"code": f"c{n}"} for n in range(400)]) == 1 + extra
    assert trips("update", "items", {"n": 3}, {"code": "c7"}) == 2 + extra
    assert trips("delete", "items", {"code": "c8"}) == 2 + extra


@pytest.mark.parametrize("begin", ["", "BEGIN", "SAVEPOINT outer"])
def test_all_or_nothing(db, other, begin):
    call(db, "insert", "items", [{"code": "a"}, {"code": "b"}])
    if begin:
        say(db, begin, "INSERT INTO items(code) VALUES('c')")
    many = [{"code": f"m{n}"} for n in range(600)] + [{"code": "a", "note": "x"}]
    code, message = fails(db, "insert", "items", many)
    assert (code, message.partition("\n")[0]) == (
        sqlite3.SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: items.code")
    code, message = fails(db, "update", "items", {"n": -1}, {"code": "a"})
    assert code == sqlite3.SQLITE_CONSTRAINT_CHECK and message.startswith("CHECK constraint failed: ")
    code, message = fails(db, "update", "items", {"id": 5, "code": None}, {"*": True})
    assert code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY and message.startswith("UNIQUE constraint failed: items.id")
    code, message = fails(db, "insert", "words", {"n": 1})
    assert (code, message.partition("\n")[0]) == (
        sqlite3.SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: words.w")
    assert codes(db) == ["a", "b"] + ["c"] * bool(begin)
    assert db.in_transaction == bool(begin)
    call(db, "insert", "items", {"code": "after"})
    if begin:
        assert codes(other) == ["a", "b"]
        say(db, "COMMIT")
    assert codes(other) == ["a", "b"] + ["c"] * bool(begin) + ["after"]


def test_inside_transactions(db, other):
    say(db, "BEGIN", "SAVEPOINT one")
    call(db, "insert", "items", [{"code": "a"}, {"code": "b"}])
    say(db, "SAVEPOINT two")
    call(db, "update", "items", {"note": "seen"}, {"code": "a"})
    call(db, "delete", "items", {"code": "b"})
    assert rows(db, "SELECT code, note FROM items") == [("a", "seen")]
    assert codes(other) == []
    say(db, "ROLLBACK TO two")
    assert rows(db, "SELECT code, note FROM items ORDER BY id") == [("a", None), ("b", None)]
    say(db, "RELEASE one", "COMMIT")
    assert codes(other) == ["a", "b"]
    say(db, "BEGIN")
    call(db, "delete", "items", {"*": True})
    say(db, "ROLLBACK")
    assert codes(db) == codes(other) == ["a", "b"]


def test_a_commit_that_fails(db, other):
    code, message = fails(db, "insert", "child", [{"id": 1, "item": 77}])
    assert code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, message
    assert not db.in_transaction and rows(other, "SELECT * FROM child") == []
    call(db, "insert", "items", {"id": 77, "code": "now"})
    call(db, "insert", "child", {"id": 1, "item": 77})
    assert rows(other, "SELECT * FROM child") == [(1, 77)]


def test_within_other_statements(db, other):
    say(db, "CREATE TABLE made(answer)", "CREATE TABLE source(code)", "INSERT INTO source VALUES('a'), ('b'), ('a')")
    sql = "SELECT bridge_insert('items', json_object('code', code)) FROM source LIMIT 2"
    assert [json.loads(row)[0]["code"] for (row,) in rows(db, sql)] == ["a", "b"]
    say(db, "INSERT INTO made SELECT bridge_update('items', '{\"n\": 3}', json_object('code', code)) FROM source")
    assert [json.loads(answer)[0]["n"] for (answer,) in rows(db, "SELECT answer FROM made")] == [3, 3, 3]
    assert sqlite.error(db, "INSERT INTO made SELECT bridge_insert('items', json_object('code', 'z' || code)) "
                            "FROM source")[0] == sqlite3.SQLITE_CONSTRAINT_UNIQUE
    assert codes(other) == ["a", "b"] and value(db, "SELECT count(*) FROM made") == 3
    # Rows of the remote's own under way meanwhile.
    sql = "SELECT bridge_insert('loose', json_object('a', id, 'b', code)) FROM items ORDER BY id"
    assert len(rows(db, sql)) == 2
    assert rows(other, "SELECT b FROM loose ORDER BY a") == [("a",), ("b",)]


def test_refusals(db):
    for function, arguments, words in [
            ("insert", ("nobody", {}), 'there is no table "nobody"'),
            ("insert", ("seen", {"code": "x"}), "read-only"),
            ("insert", ("items", {"nope": 1}), 'table "items" has no column "nope"'),
            ("insert", ("items", '{"code": 1, "Code": 2}'), "given twice"),
            ("insert", ("items", '["x"]'), "must be objects"),
            ("insert", ("items", "3"), "object or an array"),
            ("insert", ("items", '{"code": '), "malformed JSON"),
            ("insert", ("items", '{"code": "a\\u0000b"}'), "u0000"),
            ("insert", ("items", {"g": 1}), "generated column"),
            ("update", ("items", {}, {"id": 1}), "names no column"),
            ("update", ("items", {"n": 1}, {}), "all rows"),
            ("update", ("items", {"n": 1}, {"*": True, "id": 1}), "nothing can stand beside"),
            ("update", ("items", {"n": 1}, {"*": False}), 'no column "*"'),
            ("delete", ("items", {}), "all rows"),
            ("upsert", ("items", {"n": 1}), "conflict target is missing"),
            ("upsert", ("items", {"n": 1}, "nope"), 'no column "nope"'),
            ("upsert", ("items", {"n": 1}, "code", "do=what"), "do"),
            ("upsert", ("items", {"n": 1}, "code", "zzz=1"), "unknown option"),
            ("upsert", ("items", {}, "code"), "gives no column")]:
        assert words in fails(db, function, *arguments)[1], (function, arguments)
    say(db, "CREATE TABLE here(a)")
    assert "is not a remote table" in fails(db, "insert", "here", {"a": 1})[1]
    assert value(db, "SELECT count(*) FROM here") == 0 == value(db, "SELECT count(*) FROM items")


def test_what_forbids_writing_forbids_this(shop, db):
    call(db, "insert", "items", {"code": "a", "note": "secret"})
    say(db, "PRAGMA query_only = 1")
    for arguments in (("insert", "items", {}), ("update", "items", {"n": 1}, {"id": 1}),
                      ("delete", "items", {"id": 1}), ("upsert", "items", {"code": "a"}, "code")):
        code, message = fails(db, *arguments)
        assert code == sqlite3.SQLITE_READONLY and "query_only" in message
    say(db, "PRAGMA query_only = 0", "SELECT bridge_lock()")
    assert call(db, "upsert", "items", {"code": "a", "n": 2}, "code")[0]["n"] == 2
    assert fails(db, "upsert", "items", {"code": "a", "n": 3}, "(code)")[0] == sqlite3.SQLITE_AUTH

    def authorizer(refused, answer):
        return lambda *facts: answer if facts[:len(refused)] == refused else sqlite3.SQLITE_OK

    for refused in ((sqlite3.SQLITE_INSERT, "items"), (sqlite3.SQLITE_READ, "items", "note")):
        db.set_authorizer(authorizer(refused, sqlite3.SQLITE_DENY))
        assert fails(db, "insert", "items", {"code": "b"})[0] == sqlite3.SQLITE_AUTH
    db.set_authorizer(authorizer((sqlite3.SQLITE_READ, "items", "note"), sqlite3.SQLITE_IGNORE))
    assert call(db, "update", "items", {"n": 4}, {"code": "a"}) == [
        {"id": 1, "code": "a", "n": 4, "note": None, "r": None, "b": None, "g": 8}]
    db.set_authorizer(None)
    assert codes(db) == ["a"]
    say(db, "CREATE TEMP VIEW v AS SELECT bridge_delete('items', '{\"*\": true}')")
    assert "unsafe use" in sqlite.error(db, "SELECT * FROM v")[1]
    readonly = connect()
    attach(readonly, shop, "readonly=1")
    assert "readonly=1" in fails(readonly, "insert", "items", {})[1]
    assert codes(readonly) == ["a"]
    readonly.close()


@pytest.mark.parametrize("begin", [False, True], ids=["autocommit", "begin"])
def test_a_long_update_takes_few_round_trips(pg_remote, begin):  # noqa: F811
    """At most five beyond its read; inside BEGIN the last row takes those that wait along."""
    pg_remote.run("CREATE TABLE t(id integer primary key, n integer check (n < 5000), s text);"
                  "INSERT INTO t SELECT i, i, 'x' FROM generate_series(1, 2500) AS i")
    db, other = connect(), connect()
    attach(db, pg_remote, "name=shop")
    attach(other, pg_remote, "name=shop")

    def trips(*statements):
        begun = value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'")
        say(db, *statements)
        return value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'") - begun

    around = (["BEGIN"], ["COMMIT"]) if begin else ([], [])
    read = trips(*around[0], "SELECT sum(n + length(s)) FROM t WHERE id <= 1000", *around[1])
    assert trips(*around[0], "UPDATE t SET n = n + 1 WHERE id <= 1000", *around[1]) <= read + 5
    assert value(other, "SELECT sum(n) FROM t") == sum(range(1, 2501)) + 1000
    # A row that breaks a constraint, at each end and within, undoes the statement and nothing else.
    if begin:
        say(db, "BEGIN", "UPDATE t SET s = 'kept' WHERE id < 3")
    for broken in (1, 2, 1200, 2499, 2500):
        sql = f"UPDATE t SET n = CASE WHEN id = {broken} THEN 9000 ELSE 0 END"
        assert sqlite.error(db, sql)[0] == sqlite3.SQLITE_CONSTRAINT_CHECK
        sql = f"UPDATE t SET n = CASE WHEN id = {broken} THEN 'word' ELSE 0 END"
        assert sqlite.error(db, sql)[0] == sqlite3.SQLITE_MISMATCH
        assert value(db, "SELECT sum(n) FROM t") == sum(range(1, 2501)) + 1000
    if begin:
        say(db, "COMMIT")
        assert value(other, "SELECT count(*) FROM t WHERE s = 'kept'") == 2
    assert value(other, "SELECT sum(n) FROM t") == sum(range(1, 2501)) + 1000
    db.close()
    other.close()


def test_one_row_is_two_round_trips(pg_remote):  # noqa: F811
    pg_remote.run("CREATE TABLE t(id serial primary key, n integer)")
    db = connect()
    attach(db, pg_remote, "name=shop")
    say(db, "INSERT INTO t(n) VALUES(1)")
    begun = value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'")
    say(db, "INSERT INTO t(n) VALUES(2)")
    assert value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'") - begun <= 2
    db.close()


def test_a_long_insert_inside_begin(pg_remote):  # noqa: F811
    """It goes in batches. What fails undoes the statement; only in its last batch the whole transaction, which
    batch=1 does not do."""
    pg_remote.run("CREATE TABLE t(id integer primary key, n integer check (n > 0)); CREATE TABLE u(a integer)")
    db, other = connect(), connect()
    attach(other, pg_remote, "name=shop")
    attach(db, pg_remote, "name=shop")
    say(db, "CREATE TABLE source(id INTEGER PRIMARY KEY, n)", "WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i "
        "WHERE i < 3000) INSERT INTO source SELECT i, i FROM i")

    def insert(broken):
        return f"INSERT INTO t SELECT id, CASE WHEN id = {broken} THEN -1 ELSE n END FROM source"

    begun = value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'")
    say(db, "BEGIN", "INSERT INTO u VALUES(1)", insert(0))
    assert value(db, "SELECT last_insert_rowid()") == 3000
    assert value(db, "SELECT round_trips FROM bridge_servers WHERE name = 'shop'") - begun < 110
    assert value(db, "SELECT sum(n) FROM t") == sum(range(1, 3001))
    say(db, "ROLLBACK", "BEGIN", "INSERT INTO u VALUES(2)")
    for broken in (1, 100, 101, 1500):
        assert sqlite.error(db, insert(broken))[0] == sqlite3.SQLITE_CONSTRAINT_CHECK
        assert db.in_transaction and value(db, "SELECT count(*) FROM t") == 0
    say(db, "COMMIT")
    assert rows(other, "SELECT a FROM u") == [(2,)]
    say(db, "BEGIN", "INSERT INTO u VALUES(3)")
    assert sqlite.error(db, insert(2999))[0] & 0xff == sqlite3.SQLITE_CONSTRAINT
    assert not db.in_transaction and rows(db, "SELECT a FROM u") == [(2,)]
    assert value(db, "SELECT count(*) FROM t") == 0
    assert "t_n_check" in value(db, "SELECT error FROM bridge_log WHERE error IS NOT NULL ORDER BY id DESC")
    db.close()
    db = connect()
    attach(db, pg_remote, "name=shop", "batch=1")
    say(db, "CREATE TABLE source(id, n)", "INSERT INTO source SELECT value, iif(value = 300, -1, 1) "
        "FROM json_each('[" + ",".join(map(str, range(1, 301))) + "]')")
    say(db, "BEGIN", "INSERT INTO u VALUES(4)")
    assert sqlite.error(db, "INSERT INTO t SELECT * FROM source")[0] == sqlite3.SQLITE_CONSTRAINT_CHECK
    say(db, "COMMIT")
    assert rows(other, "SELECT a FROM u ORDER BY a") == [(2,), (4,)] and value(other, "SELECT count(*) FROM t") == 0
    db.close()
    other.close()
