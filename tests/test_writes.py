"""Writing to attached tables, behind either driver: keys, defaults, conflicts, what is refused, and what
others see of it when."""
import sqlite3

import pytest

from support import sqlite
from support.remotes import attach, connect, pg_remote, remote, rows, value

DDL = """
CREATE TABLE items(id integer primary key, code text unique, n integer default 7 check (n > 0), note text);
CREATE TABLE words(w text not null primary key, n integer){without};
CREATE TABLE loose(a integer, b text);
"""


def say(db, *statements):
    for sql in statements:
        db.execute(sql).fetchall()


def fails(db, sql):
    return sqlite.error(db, sql)[1].partition("\n")[0]


@pytest.fixture
def shop(remote):
    """What others see is asked of a second connection."""
    made = DDL.format(without=" without rowid" if remote.driver == "sqlite" else "")
    if remote.driver == "postgres":
        made = made.replace("id integer primary key", "id serial primary key")
    remote.run(made)
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


def test_keys_and_defaults(db):
    say(db, "INSERT INTO items(code) VALUES('a')")
    assert value(db, "SELECT last_insert_rowid()") == 1
    say(db, "INSERT INTO items(code, n) VALUES('b', NULL), ('c', '12'), ('d', 3.0)")
    assert value(db, "SELECT changes()") == 3
    assert value(db, "SELECT last_insert_rowid()") == 4
    db.execute("INSERT INTO items(code, n) VALUES(?, ?)", ("e", None))
    say(db, "INSERT INTO items(id, code) VALUES(50, 'f')")
    assert value(db, "SELECT last_insert_rowid()") == 50
    assert rows(db, "SELECT id, code, n, typeof(n) FROM items ORDER BY id") == [
        (1, "a", 7, "integer"), (2, "b", None, "null"), (3, "c", 12, "integer"),
        (4, "d", 3, "integer"), (5, "e", None, "null"), (50, "f", 7, "integer")]
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]


def test_a_failed_statement_leaves_no_list_behind(shop):
    """The next statement may stand where the failed one stood in memory."""
    db = sqlite.connect(isolation_level=None, cached_statements=0)
    attach(db, shop, "name=shop")
    say(db, "INSERT INTO items(code) VALUES('a')")
    for begin, end in ((), ()), (("BEGIN",), ("COMMIT",)):
        say(db, *begin)
        assert fails(db, "INSERT INTO items(code, n) VALUES('z', -1)").startswith("CHECK")
        say(db, "INSERT INTO items(code) VALUES('b')")
        assert fails(db, "INSERT INTO items(code, n) VALUES('z', 3) RETURNING id").startswith("INSERT ... RET")
        say(db, "INSERT INTO items(code) VALUES('c')")
        say(db, "INSERT OR IGNORE INTO items(code, n) VALUES('a', 1)")
        say(db, "INSERT OR IGNORE INTO items(code) VALUES('d')", *end)
        assert rows(db, "SELECT code, n FROM items ORDER BY code") == [
            ("a", 7), ("b", 7), ("c", 7), ("d", 7)]
        say(db, "DELETE FROM items WHERE code > 'a'")
    db.close()


def test_rows_of_every_identity_are_changed(db):
    say(db, "INSERT INTO words VALUES('x', 1), ('y', 2)", "UPDATE words SET n = n + 1, w = w || '!' WHERE w = 'x'",
        "DELETE FROM words WHERE n = 2 AND w = 'y'")
    assert rows(db, "SELECT * FROM words") == [("x!", 2)]
    say(db, "INSERT INTO loose VALUES(1, 'p'), (1, 'p'), (2, 'q')", "UPDATE loose SET b = 'r' WHERE a = 2")
    say(db, "DELETE FROM loose WHERE rowid = (SELECT min(rowid) FROM loose WHERE a = 1)")
    assert value(db, "SELECT changes()") == 1
    assert rows(db, "SELECT a, b FROM loose ORDER BY a") == [(1, "p"), (2, "r")]
    say(db, "DELETE FROM words", "DELETE FROM loose")
    assert value(db, "SELECT count(*) FROM words") + value(db, "SELECT count(*) FROM loose") == 0
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("begins", [False, True], ids=["autocommit", "begin"])
def test_conflicts(db, begins):
    say(db, "INSERT INTO items(id, code, n) VALUES(101, 'a', 1), (102, 'b', 2)", *(["BEGIN"] if begins else []))
    say(db, "INSERT OR IGNORE INTO items(code) VALUES('a'), ('c')")
    assert value(db, "SELECT changes()") == 1
    say(db, "INSERT OR REPLACE INTO items(id, code, n) VALUES(102, 'a', 9)")  # both rows go
    assert rows(db, "SELECT id, code, n FROM items WHERE code <> 'c'") == [(102, "a", 9)]
    assert fails(db, "INSERT OR FAIL INTO items(id, code) VALUES(170, 'k'), (171, 'a'), (172, 'l')").startswith(
        "UNIQUE constraint failed: items.code")
    assert rows(db, "SELECT code FROM items WHERE id BETWEEN 170 AND 179") == [("k",)]
    assert fails(db, "INSERT INTO items(id, code) VALUES(180, 'm'), (181, 'a')") == "UNIQUE constraint failed: items.code"
    assert fails(db, "UPDATE items SET n = 0 WHERE code = 'a'").startswith("CHECK constraint failed")
    assert fails(db, "INSERT INTO words VALUES(NULL, 1)") == "NOT NULL constraint failed: words.w"
    assert value(db, "SELECT count(*) FROM items WHERE id BETWEEN 180 AND 189") == 0
    say(db, *(["COMMIT"] if begins else []))
    assert value(db, "SELECT count(*) FROM items") == 3


@pytest.mark.parametrize("word", ["IGNORE", "FAIL", "ROLLBACK"])
def test_a_foreign_key_undoes_the_statement_alone(shop, word):
    """Whatever the statement says, as with local tables."""
    shop.run("CREATE TABLE parts(id integer primary key, item integer references items(id));"
             "INSERT INTO items(id, code) VALUES(1, 'a'); INSERT INTO parts VALUES(1, 1)")
    db = connect()
    attach(db, shop)
    say(db, "BEGIN", "INSERT INTO parts VALUES(2, 1)")
    assert fails(db, f"INSERT OR {word} INTO parts VALUES(3, 1), (4, 99)") == "FOREIGN KEY constraint failed"
    assert fails(db, f"UPDATE OR {word} parts SET item = 98") == "FOREIGN KEY constraint failed"
    assert db.in_transaction
    say(db, "COMMIT")
    assert rows(db, "SELECT id, item FROM parts ORDER BY id") == [(1, 1), (2, 1)]
    db.close()


@pytest.mark.parametrize("begins", [False, True], ids=["autocommit", "begin"])
def test_rows_that_are_well_only_together(pg_remote, begins):
    """Refused where the remote looks at each row, and kept where it looks at the end."""
    pg_remote.run("CREATE TABLE now(id integer primary key, up integer REFERENCES now);"
                  "CREATE TABLE later(id integer primary key, up integer REFERENCES later"
                  " DEFERRABLE INITIALLY DEFERRED)")
    db, other = connect(), connect()
    attach(db, pg_remote, "name=shop")
    attach(other, pg_remote, "name=shop")
    if begins:
        db.execute("BEGIN")
    assert sqlite.error(db, "INSERT INTO now VALUES (1, 2), (2, NULL)")[0] == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    db.execute("INSERT INTO later VALUES (1, 2), (2, NULL), (3, 4), (4, 1)")
    db.execute("DELETE FROM later WHERE id > 2")
    if begins:
        db.execute("COMMIT")
    assert rows(other, "SELECT id, up FROM later") == [(1, 2), (2, None)]
    assert rows(other, "SELECT id FROM now") == []
    assert sqlite.error(db, "INSERT INTO later VALUES (7, 8)")[0] == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    assert value(other, "SELECT count(*) FROM later") == 2
    db.close()
    other.close()


def test_a_row_of_a_trigger_leaves_last_insert_rowid_alone(db):
    say(db, "CREATE TABLE local(id integer primary key)",
        "CREATE TRIGGER copy AFTER INSERT ON local BEGIN INSERT INTO items(code) VALUES(new.id); END")
    for key in (70, 80):
        say(db, f"INSERT INTO local VALUES({key})")
        assert value(db, "SELECT last_insert_rowid()") == key
    assert value(db, "SELECT count(*) FROM items") == 2


def test_codes_of_constraints(db):
    say(db, "INSERT INTO items(id, code) VALUES(101, 'a')")
    for sql, name in [("INSERT INTO items(code) VALUES('a')", "UNIQUE"),
                      ("INSERT INTO items(id) VALUES(101)", "PRIMARYKEY"),
                      ("INSERT INTO items(n) VALUES(0)", "CHECK"),
                      ("INSERT INTO words VALUES(NULL, 1)", "NOTNULL")]:
        with pytest.raises(sqlite3.IntegrityError) as failure:
            db.execute(sql)
        if hasattr(failure.value, "sqlite_errorname"):
            assert failure.value.sqlite_errorname == f"SQLITE_CONSTRAINT_{name}", sql


def test_nothing_is_seen_before_commit(db, other):
    say(db, "BEGIN", "INSERT INTO loose VALUES(1, 'x')")
    assert value(db, "SELECT count(*) FROM loose") == 1
    assert value(other, "SELECT count(*) FROM loose") == 0
    assert value(db, "SELECT state FROM bridge_servers") == "transaction"
    say(db, "COMMIT")
    assert value(other, "SELECT count(*) FROM loose") == 1
    assert value(db, "SELECT state FROM bridge_servers") == "idle"
    say(db, "BEGIN", "DELETE FROM loose", "ROLLBACK")
    assert value(db, "SELECT count(*) FROM loose") == 1


def test_reads_inside_begin_see_one_state(pg_remote):
    pg_remote.run("CREATE TABLE t(a integer)")
    db, other = connect(), connect()
    attach(db, pg_remote)
    attach(other, pg_remote)
    say(db, "BEGIN")
    assert value(db, "SELECT count(*) FROM t") == 0
    say(other, "INSERT INTO t VALUES(1)")
    assert value(db, "SELECT count(*) FROM t") == 0
    say(db, "COMMIT")
    assert value(db, "SELECT count(*) FROM t") == 1
    db.close()
    other.close()


def test_an_open_cursor_beside_writes(db):
    say(db, "INSERT INTO loose VALUES(1, 'x'), (2, 'x'), (3, 'x')")
    seen = []
    for (a,) in db.execute("SELECT a FROM loose ORDER BY a"):
        say(db, f"INSERT INTO items(code) VALUES('{a}')")
        seen.append(a)
    assert seen == [1, 2, 3]
    assert value(db, "SELECT count(*) FROM items") == 3
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


def test_a_failed_read_costs_nothing_that_was_written(db):
    say(db, "BEGIN", "INSERT INTO loose VALUES(1, 'x')")
    sqlite.error(db, "SELECT * FROM bridge_query('shop', 'SELECT nonsense FROM nowhere')")
    say(db, "INSERT INTO loose VALUES(2, 'y')", "COMMIT")
    assert value(db, "SELECT count(*) FROM loose") == 2


def test_insert_select_from_the_same_server(db):
    say(db, "INSERT INTO loose VALUES(1, 'a'), (2, 'b')", "INSERT INTO loose SELECT a + 10, b FROM loose",
        "INSERT INTO words SELECT b || a, a FROM loose WHERE a > 10")
    assert value(db, "SELECT count(*) FROM loose") == 4
    assert rows(db, "SELECT w, n FROM words ORDER BY n") == [("a11", 11), ("b12", 12)]
    say(db, "UPDATE words SET n = l.a FROM loose AS l WHERE l.b || '11' = words.w AND l.a < 10")
    assert rows(db, "SELECT n FROM words ORDER BY n") == [(1,), (12,)]


def test_local_triggers_write(db):
    say(db, "CREATE TABLE local(a, b)", "CREATE TRIGGER log AFTER INSERT ON local BEGIN "
        "INSERT INTO items(code) VALUES(new.a); INSERT INTO words(w, n) VALUES(new.a, new.b); END",
        "INSERT INTO local VALUES('x', 1), ('y', 2)")
    assert rows(db, "SELECT code, n FROM items ORDER BY id") == [("x", 7), ("y", 7)]
    assert "UNIQUE" in fails(db, "INSERT INTO local VALUES('z', 3), ('x', 4)")
    assert value(db, "SELECT count(*) FROM local") == value(db, "SELECT count(*) FROM words") == 2
    assert rows(db, "INSERT INTO local VALUES('w', 5) RETURNING a") == [("w",)]


def test_returning_shows_no_row_of_a_statement_that_fails(db):
    """SQLite has written all rows when it shows the first; who took that one alone heard of no failure."""
    say(db, "CREATE TABLE local(a)", "CREATE TRIGGER log AFTER INSERT ON local BEGIN INSERT INTO words(w) VALUES(new.a); END")
    source = "SELECT nullif(value, 'e') FROM json_each('[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]')"
    for begin, end in (("SELECT 1", "SELECT 1"), ("BEGIN", "COMMIT")):
        say(db, begin)
        for table, column in (("words(w)", "w"), ("local(a)", "a")):
            with pytest.raises(sqlite3.IntegrityError, match="NOT NULL constraint failed: words.w"):
                db.execute(f"INSERT INTO {table} {source} RETURNING {column}").fetchone()
        say(db, end)
        assert value(db, "SELECT count(*) FROM words") == value(db, "SELECT count(*) FROM local") == 0
    assert rows(db, "INSERT INTO words(w) VALUES('a'), ('b'), ('c') RETURNING w") == [("a",), ("b",), ("c",)]


def test_returning_that_would_lie_is_refused(db, shop):
    for shown in ("id", "*", "code || n"):
        assert "RETURNING" in fails(db, f"INSERT INTO items(code) VALUES('a') RETURNING {shown}")
    assert value(db, "SELECT count(*) FROM items") == 0
    assert rows(db, "INSERT INTO items(code) VALUES('z') RETURNING code, 'n'") == [("z",  "n")]
    for begin in ("SELECT 1", "BEGIN"):
        say(db, begin)
        assert "was not stored" in fails(db, "INSERT OR IGNORE INTO items(code) VALUES('y'), ('z') RETURNING code")
        assert rows(db, "SELECT code FROM items") == [("z",)]
    say(db, "ROLLBACK", "DELETE FROM items")
    assert rows(db, "INSERT INTO loose VALUES(1, 'x') RETURNING a, b") == [(1, "x")]
    shop.run("CREATE TABLE strict(a text not null default 'd', b text)")
    assert value(db, "SELECT bridge_refresh('shop')") == 1
    attach(db, shop, "name=shop")
    assert "RETURNING" in fails(db, "INSERT OR REPLACE INTO strict VALUES(NULL, 'x') RETURNING a")
    assert rows(db, "INSERT OR REPLACE INTO strict VALUES(NULL, 'x') RETURNING b") == [("x",)]
    assert rows(db, "SELECT * FROM strict") == [("d", "x")]
    open_cursor = db.execute("INSERT INTO words VALUES('p', 1), ('q', 2) RETURNING w")
    assert open_cursor.fetchone() == ("p",)
    say(db, "INSERT INTO items(code) VALUES('b')")
    assert open_cursor.fetchall() == [("q",)]
    assert value(db, "SELECT count(*) FROM items") == 1


def test_dropping_does_not_lose_what_was_written(db, other):
    say(db, "BEGIN", "INSERT INTO loose VALUES(1, 'x')")
    assert "locked" in fails(db, "DROP TABLE loose")  # SQLite passes no words on here
    assert "cannot be dropped" in value(db, "SELECT last_error FROM bridge_servers")
    say(db, "COMMIT")
    assert value(other, "SELECT count(*) FROM loose") == 1


def test_what_is_made_in_a_transaction_is_written_later(shop):
    db = connect()
    say(db, "BEGIN")
    attach(db, shop)
    assert "made in this transaction" in fails(db, "INSERT INTO loose VALUES(1, 'x')")
    say(db, "COMMIT", "INSERT INTO loose VALUES(1, 'x')")
    assert value(db, "SELECT count(*) FROM loose") == 1
    db.close()


def test_query_only_is_honoured(db):
    say(db, "INSERT INTO loose VALUES(1, 'x')", "PRAGMA query_only = 1")
    assert fails(db, "INSERT INTO loose VALUES(2, 'x')") == "attempt to write a readonly database"
    say(db, "BEGIN")
    assert value(db, "SELECT count(*) FROM loose") == 1
    say(db, "COMMIT", "PRAGMA query_only = 0", "DELETE FROM loose")


def test_readonly_servers_say_why(shop):
    db = connect()
    attach(db, shop, "readonly=1")
    for sql in ("INSERT INTO loose VALUES(1, 'x')", "UPDATE loose SET a = 1 WHERE 0", "DELETE FROM loose"):
        text = sqlite.error(db, sql)[1]
        assert 'table "loose" is read-only: its server was named with readonly=1' in text
    assert rows(db, "SELECT DISTINCT writable FROM bridge_tables") == [(0,)]
    db.close()


def test_atomic(shop, tmp_path):
    local = connect(tmp_path / "local.db")
    say(local, "CREATE TABLE main.l(a)")
    attach(local, shop, "atomic=require", "tables=loose")
    say(local, "BEGIN", "INSERT INTO l VALUES(1)", "INSERT INTO loose VALUES(1, 'x')")
    assert "atomic=require" in fails(local, "COMMIT")
    assert not local.in_transaction
    assert value(local, "SELECT count(*) FROM l") == value(local, "SELECT count(*) FROM loose") == 0
    say(local, "BEGIN", "INSERT INTO loose VALUES(1, 'x')", "COMMIT")
    assert value(local, "SELECT count(*) FROM loose") == 1
    local.close()


def test_a_second_server(shop):
    db = connect()
    attach(db, shop, "as=one", "tables=loose")
    attach(db, shop, "as=two", "tables=words")
    say(db, "BEGIN", "INSERT INTO loose VALUES(1, 'x')")
    assert "could not commit as one" in fails(db, "INSERT INTO words VALUES('a', 1)")
    say(db, "COMMIT")
    assert value(db, "SELECT count(*) FROM loose") == 1
    db.close()


def test_import_of_the_shell(shop, tmp_path):
    (tmp_path / "loose.csv").write_text("1,x\n2,y\n")
    done = sqlite.shell(f"SELECT bridge_attach('{shop.url}', 'tables=loose');\n.mode csv\n"
                        f".import {tmp_path}/loose.csv loose\nSELECT * FROM loose;\n")
    assert done.code == 0 and "1,x" in done.out and "2,y" in done.out, done


def test_exec(db, other):
    assert value(db, "SELECT bridge_exec('shop', 'INSERT INTO loose VALUES(1, ''x''), (2, ''y'')')") == 2
    assert value(other, "SELECT count(*) FROM loose") == 2
    say(db, "BEGIN", "SELECT bridge_exec('shop', 'DELETE FROM loose WHERE a = $1', 1)")
    assert value(db, "SELECT count(*) FROM loose") == 1
    assert value(other, "SELECT count(*) FROM loose") == 2
    assert "nonsense" in sqlite.error(db, "SELECT bridge_exec('shop', 'DELETE FROM nonsense')")[1]
    say(db, "ROLLBACK")
    assert value(db, "SELECT count(*) FROM loose") == 2
    for sql in ("COMMIT", "ROLLBACK", "SAVEPOINT x"):
        sqlite.error(db, f"SELECT bridge_exec('shop', '{sql}')")
    say(db, "SELECT bridge_exec('shop', 'CREATE TABLE fresh(a integer)')", "PRAGMA query_only = 1")
    assert "query_only" in fails(db, "SELECT bridge_exec('shop', 'DELETE FROM loose')")
    assert value(db, "SELECT count(*) FROM loose") == 2


def test_exec_without_tables(shop):
    db = connect()
    say(db, f"SELECT bridge_server('s', '{shop.url}')")
    assert value(db, "SELECT bridge_exec('s', 'INSERT INTO loose VALUES(1, ''x'')')") == 1
    say(db, "BEGIN")
    assert "cannot take part" in fails(db, "SELECT bridge_exec('s', 'DELETE FROM loose')")
    say(db, "COMMIT", "SELECT bridge_lock()")
    assert "locked" in fails(db, "SELECT bridge_exec('s', 'DELETE FROM loose')")
    db.close()


WORDS = """CREATE TABLE words_of_sql(id integer primary key, "values" text default 'a', "default" text default 'b',
    "where" text default 'c', "a ]b" text default 'd', "q""x" text default 'e')"""
NAMED_LIKE_WORDS = [
    "INSERT INTO words_of_sql DEFAULT VALUES",
    "INSERT OR REPLACE INTO main . [words_of_sql] /* (id) */ DEFAULT -- (\nVALUES;",
    "INSERT INTO words_of_sql AS \"values\"(id, [values]) VALUES(5, NULL)",
    "INSERT INTO words_of_sql(id, `where`, \"default\" /* , \"values\" */) SELECT 6, NULL, NULL",
    "INSERT INTO words_of_sql('id', \"q\"\"x\", \"a ]b\") VALUES(7, NULL, NULL)",
    "INSERT INTO words_of_sql VALUES(8, NULL, NULL, NULL, NULL, NULL)",
    "WITH s(i, x) AS (SELECT 'UPDATE words_of_sql SET id', 5) UPDATE words_of_sql AS w SET \"where\" = s.i, "
    "([values], \"q\"\"x\") = (x, x) FROM s WHERE w.id = x",
    "UPDATE words_of_sql SET \"values\" = NULL, \"where\" = ' FROM ' FROM (SELECT 6 AS i) WHERE id = i",
]


def test_columns_named_like_words_of_sql(shop, db):
    """What is left out of a statement is told by its text."""
    shop.run(WORDS.replace("id integer primary key", "id serial primary key") if shop.driver == "postgres" else WORDS)
    attach(db, shop, "name=shop")
    twin = sqlite3.connect(":memory:", isolation_level=None)
    twin.execute(WORDS)
    for sql in NAMED_LIKE_WORDS:
        for connection in (db, twin):
            connection.execute(sql)
        found = rows(db, "SELECT * FROM words_of_sql ORDER BY id")
        assert found == rows(twin, "SELECT * FROM words_of_sql ORDER BY id"), sql


def test_a_default_that_came_later(pg_remote):
    """A column that an INSERT leaves out is the remote's to fill, whatever it was described as."""
    pg_remote.run("CREATE TABLE late(id integer primary key, a text, b integer)")
    db = connect()
    attach(db, pg_remote, "name=shop")
    say(db, "INSERT INTO late(id) VALUES(1)")
    pg_remote.run("ALTER TABLE late ALTER a SET DEFAULT 'new', ALTER b SET DEFAULT 42")
    say(db, "INSERT INTO late(id) VALUES(2)", "INSERT INTO late(id, a) VALUES(3, NULL), (4, 'x')",
        "INSERT INTO late VALUES(5, NULL, NULL)")
    assert rows(db, "SELECT * FROM late ORDER BY id") == [
        (1, None, None), (2, "new", 42), (3, None, 42), (4, "x", 42), (5, None, None)]
    db.close()


@pytest.mark.parametrize("begin", [False, True], ids=["autocommit", "begin"])
@pytest.mark.parametrize("sql, after, local", [
    ("SET v = (SELECT sum(v) FROM sums AS s WHERE s.id <= sums.id)", [1, 3, 6, 10], [1, 3, 7, 15]),
    ("SET v = 10 WHERE (SELECT max(v) FROM sums AS s WHERE s.id <> sums.id) < 5", [10, 10, 10, 10], [10, 2, 3, 4]),
    ("SET v = v + 10 WHERE EXISTS (SELECT 1 FROM sums AS s WHERE s.id = sums.id - 1 AND s.v < 10)",
     [1, 12, 13, 14], [1, 12, 3, 14]),
    ("SET v = (SELECT sum(v) FROM sums)", [10] * 4, [10] * 4),
    ("SET v = t.sum FROM (SELECT id, (SELECT sum(v) FROM sums AS s WHERE s.id <= r.id) AS sum FROM sums AS r) AS t "
     "WHERE t.id = sums.id", [1, 3, 6, 10], [1, 3, 6, 10]),
])
def test_an_update_sees_its_table_as_it_was(remote, sql, after, local, begin):
    """SQLite makes out all rows of a virtual table before it writes the first; a local table shows what was changed."""
    fill = "INSERT INTO sums VALUES(1, 1), (2, 2), (3, 3), (4, 4);"
    remote.run("CREATE TABLE sums(id integer PRIMARY KEY, v integer);" + fill)
    db = connect()
    attach(db, remote, "tables=sums")
    twin = sqlite3.connect(":memory:")
    twin.executescript("CREATE TABLE sums(id INTEGER PRIMARY KEY, v INTEGER);" + fill)
    for connection, found in ((db, after), (twin, local)):
        connection.execute("BEGIN" if begin and connection is db else "SELECT 1")
        connection.execute("UPDATE sums " + sql)
        assert [v for v, in connection.execute("SELECT v FROM sums ORDER BY id")] == found
    db.close()
    twin.close()


def test_an_update_sees_rows_before_its_own_cascades(remote):
    tree = ("CREATE TABLE tree(id integer PRIMARY KEY, up integer REFERENCES tree(id) ON UPDATE CASCADE, v text);"
            "INSERT INTO tree VALUES(1, NULL, 'a'), (2, 1, 'b'), (3, 2, 'c');")
    remote.run(tree)
    db = connect()
    attach(db, remote, "tables=tree")
    twin = sqlite3.connect(":memory:")
    twin.executescript("PRAGMA foreign_keys = 1;" + tree)
    for connection, seen in ((db, ["b1", "c2"]), (twin, ["b101", "c102"])):
        connection.execute("UPDATE tree SET id = id + 100, v = v || up")
        assert connection.execute("SELECT * FROM tree ORDER BY id").fetchall() == [
            (101, None, None), (102, 101, seen[0]), (103, 102, seen[1])]
    db.close()
    twin.close()
