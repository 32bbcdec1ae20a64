"""Every storage class into every type, through SQLite: what was stored reads back as a local
table of the same declaration would hold it, or as the remote spells that very value; anything
else failed, and said for which table, column, value class and remote type."""
import json
import re
import sqlite3

import pytest

from differential.types import CASES, SETUP
from support import sqlite
from support.remotes import attach, connect, pg_remote

CELLS_MIN = 2000
INF = float("inf")
VALUES = [
    None, 0, 1, -1, 5, 40000, 2**31, 2**32, 2**53 + 1, 2**63 - 1, -2**63,
    0.0, 1.0, 0.5, 2.5, 0.1, 1.005, -3.25, 1e10, 1e300, 0.123456789, INF,
    "", "abc", "a ", "12", " 12 ", "1e3", "2.5", "0x10", "NaN", "Infinity", "t", "yes", "now",
    "2024-02-29", "2024-02-30", "2024-02-29 12:34:56.5", "2024-02-29 12:34:56+02:00",
    "2024-02-29T12:34:56.1234567", "02/03/2024", "12:34:56.123456", "12:34:56+02", "1 day",
    "[1,2]", "[1.5]", '{"a": "1"}', "{1,2}", "[1,5)", "(1,2)", "é", "red", "x" * 70,
    "550e8400-e29b-41d4-a716-446655440000", "{550E8400E29B41D4A716446655440000}", "10.0.0.1",
    "0101", "4294967296", "a\0b",
    b"", b"abc", b"\xff\x00", bytes(range(16)),
]
# Where TEXT in another spelling of the same value is taken and comes back in the remote's own.
EXACT = ("int", "oid", "float", "numeric", "money", "text", "varchar", "bpchar", "char", "name",
         '"char"', "citext", "bytea", "xid", "cid", "label", "small", "positive", "price", "cost",
         "lax")


# numeric(10,2) has two decimals and char(5) five characters in these presentations.
PADDED = (("numeric=text",), ("numeric=text", "nan=null"), ("bpchar=padded",))


def columns():
    """A column for each type and its options, once."""
    found = {}
    for case in CASES:
        if case.since <= 15 <= case.until and case.options not in (("collation=C",),):
            found.setdefault((case.pg_type, case.options), []).append(case.expected)
    return found


@pytest.fixture(scope="module")
def place(pg):
    name = pg.create_database("write_grid", "icu")
    db = sqlite.connect(isolation_level=None)
    local = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("SELECT bridge_server('w', ?)", (pg.url(name),))
    db.execute("SELECT bridge_server('two', ?, 'batch=2', 'log=1000')", (pg.url(name),))
    with pg.connect(name) as remote:
        remote.autocommit = True
        remote.execute(SETUP)
        yield db, local, remote
    db.close()
    local.close()
    pg.drop_database(name)


def make(place, number, pg_type, options, server="w"):
    db, local, remote = place
    remote.execute(f"CREATE TABLE t{number}(id int PRIMARY KEY, c {pg_type})")
    words = "".join(f", {word}" for word in options)
    db.execute(f"CREATE VIRTUAL TABLE t{number} USING postgres(server={server}, table=t{number}{words})")
    (declared,) = db.execute("SELECT type FROM pragma_table_info(?) WHERE name = 'c'",
                             (f"t{number}",)).fetchone()
    local.execute(f"CREATE TABLE t{number}(id INTEGER PRIMARY KEY, c \"{declared}\")")
    return f"t{number}"


def same(one, two):
    return type(one) is type(two) and one == two


def spelled_otherwise(pg_type, options, given, read):
    """Is what was read the remote's own spelling of the text that was given?"""
    if given == "Infinity" and read == INF:
        return True
    if options in PADDED:
        return isinstance(read, str)
    if not isinstance(given, str) or pg_type.split("(")[0].rstrip("0123456789") in EXACT:
        return False
    if isinstance(read, bytes) or (isinstance(read, str) and "JSON" in pg_type):
        return False
    return True


def check_spelling(db, remote, table, pg_type, options, given, read):
    """Written as it was read, it is the same value on the remote."""
    db.execute(f"INSERT INTO {table} VALUES(2, ?)", (read,))
    (equal,) = remote.execute(f"SELECT (SELECT c::text FROM {table} WHERE id = 1) IS NOT DISTINCT "
                              f"FROM (SELECT c::text FROM {table} WHERE id = 2)").fetchone()
    assert equal, (pg_type, options, given, read)
    if not options and not isinstance(read, float) and pg_type != "bool":
        (equal,) = remote.execute(f"SELECT c::text = (%s::text::{pg_type})::text FROM {table} "
                                  "WHERE id = 1", (given,)).fetchone() \
            if "[" not in pg_type else (True,)
        assert equal, (pg_type, given, read)


def check_failure(failure, table, pg_type, value):
    message = str(failure)
    if failure.sqlite_errorcode & 0xff == 19 and "constraint" in message.lower():
        return "constraint"
    assert failure.sqlite_errorcode & 0xff == sqlite3.SQLITE_MISMATCH, (pg_type, value, message)
    for word in (f'table "{table}"', 'column "c"', "type "):
        assert word in message, (pg_type, value, message)
    assert re.search("an? (INTEGER|REAL|TEXT|BLOB) value", message), (pg_type, value, message)
    return "refused"


ONE_ROW = "INSERT INTO {} VALUES(1, ?)"
# Of the server with batch=2 the second and third go by COPY; see the log.
BY_COPY = "INSERT INTO {} SELECT * FROM (VALUES(10, NULL), (1, ?), (11, NULL), (12, NULL))"


def run_cell(place, table, pg_type, options, value, insert=ONE_ROW):
    db, local, remote = place
    try:
        db.execute(insert.format(table), (value,))
    except sqlite3.Error as failure:
        assert remote.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        return check_failure(failure, table, pg_type, value)
    local.execute(insert.format(table), (value,))
    (read,) = db.execute(f"SELECT c FROM {table} WHERE id = 1").fetchone()
    (held,) = local.execute(f"SELECT c FROM {table} WHERE id = 1").fetchone()
    if not same(read, held):
        assert spelled_otherwise(pg_type, options, held, read), (pg_type, options, value, held, read)
        check_spelling(db, remote, table, pg_type, options, held, read)
    if insert == BY_COPY:
        assert db.execute(f"SELECT count(*) FROM {table} WHERE id > 9 AND c IS NULL").fetchone() == (3,)
    remote.execute(f"DELETE FROM {table}")
    local.execute(f"DELETE FROM {table}")
    return "stored"


def test_every_class_into_every_type(place):
    outcomes = {"stored": 0, "refused": 0, "constraint": 0}
    wrong = []
    for number, ((pg_type, options), shown) in enumerate(columns().items()):
        table = make(place, number, pg_type, options)
        for value in VALUES + shown:
            try:
                outcomes[run_cell(place, table, pg_type, options, value)] += 1
            except AssertionError as failure:
                wrong.append(str(failure).splitlines()[0])
                place[1].execute(f"DELETE FROM {table}")
                place[2].execute(f"DELETE FROM {table}")
    assert not wrong, "\n".join(wrong)
    assert sum(outcomes.values()) >= CELLS_MIN, outcomes
    assert outcomes["stored"] > 500 and outcomes["refused"] > 500, outcomes


SAMPLE = 7  # one cell in so many


@pytest.mark.parametrize("sample", [2 * SAMPLE, pytest.param(1, marks=pytest.mark.slow)])
def test_every_class_by_copy(place, sample):
    """The same cells as rows of a COPY, where the type allows one."""
    db, local, remote = place
    outcomes, wrong, copied, cell = {"stored": 0, "refused": 0, "constraint": 0}, [], 0, 0
    for number, ((pg_type, options), shown) in enumerate(columns().items(), 3000 * sample):
        table = make(place, number, pg_type, options, "two")
        for value in VALUES + shown:
            cell += 1
            if cell % sample:
                continue
            try:
                outcomes[run_cell(place, table, pg_type, options, value, BY_COPY)] += 1
            except AssertionError as failure:
                wrong.append(str(failure).splitlines()[0])
                local.execute(f"DELETE FROM {table}")
                remote.execute(f"DELETE FROM {table}")
        (copies,) = db.execute("SELECT count(*) FROM bridge_log WHERE statement LIKE 'COPY%FROM STDIN%' "
                               "AND error IS NULL AND instr(statement, ?)", (f'"{table}"',)).fetchone()
        copied += copies > 0
    assert not wrong, "\n".join(wrong)
    assert sum(outcomes.values()) >= CELLS_MIN // sample, outcomes
    assert copied > 50, copied


def test_bridge_insert_converts_alike(place):
    """A sample of the same cells, given as JSON: stored or refused as by an INSERT, and given back as read."""
    db, _, remote = place
    stored, cell = 0, 0
    for number, ((pg_type, options), shown) in enumerate(columns().items(), 2000):
        table = make(place, number, pg_type, options)
        for value in VALUES + shown:
            cell += 1
            if cell % SAMPLE or isinstance(value, bytes) or value in (INF, -INF) or (
                    isinstance(value, str) and "\0" in value):
                continue
            outcome, returned = None, None
            try:
                db.execute(f"INSERT INTO {table} VALUES(1, ?)", (value,))
                outcome = db.execute(f"SELECT c FROM {table}").fetchone()[0]
                remote.execute(f"DELETE FROM {table}")
            except sqlite3.Error as failure:
                outcome = str(failure).partition("\n")[0]
            try:
                row = json.dumps({"id": 1, "c": value})  # json_object() writes 15 digits of a REAL
                (answer,) = db.execute("SELECT bridge_insert(?, ?)", (table, row)).fetchone()
                returned = json.loads(answer)[0]["c"]
                if isinstance(outcome, bytes):
                    returned = bytes.fromhex(returned.removeprefix("\\x"))
                assert db.execute(f"SELECT c FROM {table}").fetchone()[0] == outcome
                remote.execute(f"DELETE FROM {table}")
                stored += 1
            except sqlite3.Error as failure:
                returned = str(failure).partition("\n")[0]
            assert same(returned, outcome), (pg_type, options, value)
    assert stored > 100, stored


def test_what_is_shown_can_be_written(place):
    """Each value of the page of types is taken again as it is shown."""
    db, _, remote = place
    refused = []
    for number, ((pg_type, options), shown) in enumerate(columns().items(), 1000):
        table = make(place, number, pg_type, options)
        for value in shown:
            if pg_type == "money" and value == 92233720368547760:
                continue  # shown rounded, above what the type holds
            try:
                db.execute(f"INSERT INTO {table} VALUES(1, ?)", (value,))
            except sqlite3.Error as failure:
                refused.append((pg_type, options, value, str(failure)))
                continue
            assert same(db.execute(f"SELECT c FROM {table}").fetchone()[0], value), (pg_type, value)
            remote.execute(f"DELETE FROM {table}")
    assert refused == []


def test_only_changed_columns_are_sent(place):
    """A numeric shown rounded, a float4 and blanks are not touched by an UPDATE beside them."""
    db, _, remote = place
    remote.execute("CREATE TABLE beside(id int PRIMARY KEY, n numeric, f real, b char(5), v int);"
                   "INSERT INTO beside VALUES(1, 12345678901234567890.123456789, 0.1, 'a', 1)")
    before = remote.execute("SELECT n::text, f::text, b::bytea FROM beside").fetchone()
    db.execute("CREATE VIRTUAL TABLE beside USING postgres(server=w, table=beside)")
    db.execute("UPDATE beside SET v = v + 1")
    (statement,) = db.execute("SELECT statement FROM bridge_log WHERE statement LIKE 'UPDATE%' "
                              "ORDER BY id DESC").fetchone()
    assert '"v" =' in statement and '"n"' not in statement and '"f"' not in statement
    assert remote.execute("SELECT n::text, f::text, b::bytea FROM beside").fetchone() == before


@pytest.mark.parametrize("values, column", [
    ({"a": "{1,2}", "j": '{"a": 1}'}, "a"), ({"a": "[1,2]", "j": '{"a": 1'}, "j"),
    ({"a": '["x"]', "j": "{}"}, "a"), ({"a": "[1]", "r": "[1,x)"}, "r"), ({"a": "[7", "j": '{"b": 7}'}, "a"),
    ({"c": '{"n":"x"}', "a": "[5]"}, "c"),
])
def test_the_column_at_fault_is_named(pg_remote, values, column):
    """The server names none: its message and context quote the value or a part of it."""
    pg_remote.run("CREATE TYPE pair AS (n int, t text); "
                  "CREATE TABLE odd(id int PRIMARY KEY, a int[], j jsonb, r int4range, c pair)")
    db = connect()
    attach(db, pg_remote, "name=shop")
    sql = f"INSERT INTO odd(id, {', '.join(values)}) VALUES(1, {', '.join('?' * len(values))})"
    said = sqlite.error(db, sql, tuple(values.values()))[1]
    assert said.startswith(f'cannot store a TEXT value in column "{column}" of table "odd", type '), said
    db.close()


@pytest.mark.parametrize("declared, lost", [
    ("varchar(3)", b"abc "), ("varchar(3)", b"abcd"), ("char(3)", b"a "), ("name", b"n" * 64), ('"char"', b"ab"), ("text", b"a\0b")])
def test_a_text_that_is_shown_as_blob_is_not_cut(pg_remote, declared, lost):
    """The types cut and pad as they do for TEXT."""
    pg_remote.run(f"CREATE TABLE raw(id int PRIMARY KEY, v {declared})")
    db = connect()
    attach(db, pg_remote, "name=shop", "tables=raw", "type.v=BLOB")
    assert sqlite.error(db, "INSERT INTO raw VALUES(1, ?)", (lost,))[1].startswith("cannot store a ")
    db.execute("INSERT INTO raw VALUES(1, ?)", (lost[:1],))
    assert db.execute("SELECT id, v FROM raw").fetchall() == [(1, lost[:1])]
    db.close()
