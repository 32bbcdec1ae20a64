"""bridge_explain, bridge_plan and bridge_query."""
import json
import os
import sqlite3
import threading
import time

import pytest

from support import sqlite
from support.remotes import (
    attach, check_failure, connect, file_remote, pg_remote, remote, rows, value)


# ---------------------------------------------------------------------------- explain, plan

def test_explain_of_a_read(remote):
    db = connect()
    attach(db, remote)
    sql = "SELECT c.name, o.total FROM customers AS c JOIN orders AS o ON o.customer = c.id WHERE c.city = ?"
    cursor = db.execute("SELECT * FROM bridge_explain(?, 'Oslo')", (sql,))
    assert [c[0] for c in cursor.description] == ["scan", "server", "name", "item", "text", "verdict",
                                                  "why", "fetched", "round_trips", "ms"]
    found = cursor.fetchall()
    assert {row[1] for row in found} == {remote.name}
    assert {row[2] for row in found} == {"customers", "orders"}
    items = {(row[2], row[3]) for row in found}
    assert {("customers", "remote"), ("customers", "where"), ("customers", "columns")} <= items
    assert ("customers", "where", '"city" = ?', "exact") in {(r[2], r[3], r[4], r[5]) for r in found}
    assert all((row[7] is not None) == (row[3] == "remote") for row in found)


def test_explain_counts_a_repeated_scan_as_one(remote):
    db = connect()
    attach(db, remote)
    db.execute("CREATE TEMP TABLE keys(k)")
    db.executemany("INSERT INTO keys VALUES (?)", [(k,) for k in (1, 2, 3, 4)])
    found = rows(db, "SELECT DISTINCT scan FROM bridge_explain("
                     "'SELECT (SELECT count(*) FROM keys k2), c.name FROM keys CROSS JOIN customers c ON c.id = k')")
    assert found == [(1,)]


@pytest.mark.parametrize("sql", [
    "UPDATE local SET x = (SELECT max(id) FROM customers WHERE city = 'Oslo')",
    "INSERT INTO local SELECT id FROM customers WHERE city = 'Oslo'",
    "DELETE FROM local WHERE x IN (SELECT id FROM customers WHERE city = 'Oslo')",
])
def test_explain_of_a_write_plans_it(remote, sql):
    db = connect()
    attach(db, remote)
    db.execute("CREATE TEMP TABLE local(x)")
    db.execute("INSERT INTO local VALUES (7)")
    found = rows(db, "SELECT name, item, text, fetched FROM bridge_explain(?)", sql)
    assert ("customers", "where", '"city" = ?', None) in found
    assert rows(db, "SELECT * FROM local") == [(7,)]


@pytest.mark.parametrize("sql, expected", [
    ("SELECT id FROM customers AS x WHERE city = ? AND name > 'B' ORDER BY id LIMIT 2",
     {("columns", None), ("where", None), ("order", None)}),
    ("SELECT count(*) FROM customers", {("columns", None)}),
    ("SELECT * FROM customers WHERE name REGEXP 'x'", {("columns", None), ("where", "local")}),
    ("SELECT 1", set()),
    ("BEGIN", set()),
])
def test_plan(remote, sql, expected):
    db = connect()
    db.create_function("regexp", 2, lambda *_: True)
    attach(db, remote)
    found = rows(db, "SELECT name, item, verdict, fetched FROM bridge_plan(?)", sql)
    assert {(item, verdict) for _, item, verdict, _ in found} >= expected
    assert {name for name, *_ in found} == ({"customers"} if expected else set())
    assert all(fetched is None for *_, fetched in found)
    assert not rows(db, "SELECT * FROM bridge_log WHERE error IS NOT NULL")


def test_plan_with_odd_names(file_remote):
    name = 'a " where " and " | local "'
    quoted = name.replace('"', '""')
    file_remote.run(f'CREATE TABLE "x""y"("{quoted}" INTEGER, b TEXT)')
    db = connect()
    attach(db, file_remote)
    found = rows(db, f'SELECT name, item, text FROM bridge_plan(?)',
                 f'SELECT b FROM "x""y" WHERE "{quoted}" = 1 AND b > 2 ORDER BY b')
    assert ('x"y', "where", f'"{quoted}" = ?') in found
    assert [item for _, item, _ in found].count("where") == 2


def test_plan_runs_nothing(remote):
    db = connect()
    attach(db, remote)
    before = value(db, "SELECT statements FROM bridge_servers")
    rows(db, "SELECT * FROM bridge_plan('SELECT * FROM customers')")
    assert value(db, "SELECT statements FROM bridge_servers") == before


def test_explain_within_explain(remote):
    db = connect()
    attach(db, remote)
    inner = "SELECT * FROM orders"
    outer = f"SELECT c.id, e.text FROM customers c, bridge_explain('{inner}') e WHERE c.city = 'Oslo'"
    found = rows(db, "SELECT DISTINCT name FROM bridge_explain(?)", outer)
    assert found == [("customers",)]


@pytest.mark.parametrize("call, texts", [
    ("bridge_explain()", ["bridge_explain(sql, argument...) needs a statement"]),
    ("bridge_plan", ["bridge_plan(sql, argument...) needs a statement"]),
    ("bridge_explain(NULL)", ["needs a statement"]),
    ("bridge_explain('')", ["no statement in the text"]),
    ("bridge_explain(' ; -- nothing')", ["no statement in the text"]),
    ("bridge_explain('SELECT 1; SELECT 2')", ["only one statement"]),
    ("bridge_explain('SELECT 1; nonsense')", ["only one statement"]),
    ("bridge_explain('EXPLAIN SELECT 1')", ["without EXPLAIN"]),
    ("bridge_explain('SELECT 1', 2)", ["the statement has 0 parameters, 1 were given"]),
    ("bridge_explain('SELEC 1')", ['near "SELEC": syntax error']),
    ("bridge_explain('SELECT * FROM nowhere')", ["no such table: nowhere"]),
    ("bridge_plan('SELECT * FROM nowhere')", ["no such table: nowhere"]),
    ("bridge_explain('SELECT json(''{'')')", ["malformed JSON"]),
])
def test_explain_refuses(call, texts):
    check_failure(sqlite.error(connect(), f"SELECT * FROM {call}"), "SQLITE_ERROR", *texts)


def test_explain_takes_a_trailing_semicolon_and_comment():
    assert rows(connect(), "SELECT * FROM bridge_explain(' ; SELECT ?1 ; -- end', 5)") == []


def test_explain_reports_a_remote_failure_in_full(file_remote):
    db = connect()
    attach(db, file_remote)
    os.rename(file_remote.url.removeprefix("sqlite:"), file_remote.url.removeprefix("sqlite:") + ".gone")
    value(db, "SELECT bridge_server('dead', 'sqlite:/nowhere/none.db')")
    failure = sqlite.error(db, "SELECT * FROM bridge_explain("
                               "'SELECT * FROM bridge_query(''dead'', ''SELECT 1'')')")
    check_failure(failure, "SQLITE_CANTOPEN", "/nowhere/none.db")


# ---------------------------------------------------------------------------- query

def test_query(remote):
    db = connect()
    attach(db, remote, "name=s")
    mark = "?1" if remote.driver == "sqlite" else "$1"
    found = rows(db, "SELECT n, row, typeof(n), typeof(row) FROM bridge_query('s', "
                     f"'SELECT id, name, city FROM customers WHERE id >= {mark} ORDER BY id', 2)")
    assert [(n, json.loads(row)) for n, row, *_ in found] == [
        (1, {"id": 2, "name": "Bob", "city": "Rome"}), (2, {"id": 3, "name": "Cid", "city": None})]
    assert list(json.loads(found[0][1])) == ["id", "name", "city"]
    assert found[0][2:] == ("integer", "text")


def test_query_streams_and_stops(file_remote):
    db = connect()
    attach(db, file_remote, "name=s")
    sql = ("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t LIMIT 100000000) "
           "SELECT i FROM t")
    started = time.monotonic()
    assert len(rows(db, "SELECT n FROM bridge_query('s', ?) LIMIT 5000", sql)) == 5000
    assert time.monotonic() - started < 5
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


def test_query_in_a_join(file_remote):
    db = connect()
    attach(db, file_remote, "name=s")
    found = rows(db, "SELECT c.id, json_extract(q.row, '$.n') FROM customers c, bridge_query('s', "
                     "'SELECT count(*) AS n FROM orders WHERE customer = ?1', c.id) q ORDER BY c.id")
    assert found == [(1, 2), (2, 1), (3, 0)]


@pytest.mark.parametrize("call, code, texts", [
    ("bridge_query", "SQLITE_ERROR", ["needs a server and a statement"]),
    ("bridge_query('s')", "SQLITE_ERROR", ["needs a server and a statement"]),
    ("bridge_query(NULL, 'SELECT 1')", "SQLITE_ERROR", ["needs a server"]),
    ("bridge_query('x', 'SELECT 1')", "SQLITE_ERROR", ['no server is named "x"']),
    ("bridge_query('postgresql://u:secret@h/d', 'SELECT 1')", "SQLITE_ERROR", ["not a URL"]),
    ("bridge_query('s', 'SELECT FROM WHERE')", "SQLITE_ERROR", ["syntax error"]),
    ("bridge_query('s', 'SELECT * FROM nowhere')", "SQLITE_ERROR", ["nowhere"]),
])
def test_query_refuses(remote, call, code, texts):
    db = connect()
    attach(db, remote, "name=s")
    failure = sqlite.error(db, f"SELECT * FROM {call}")
    check_failure(failure, code, *texts)
    assert "secret" not in failure[1]
    assert value(db, "SELECT count(*) FROM customers") == 3
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


@pytest.mark.parametrize("sql", ["DELETE FROM customers", "DROP TABLE orders", "INSERT INTO customers VALUES (9, 'x', 'y')"])
def test_query_only_reads(remote, sql):
    db = connect()
    attach(db, remote, "name=s")
    sqlite.error(db, "SELECT * FROM bridge_query('s', ?)", (sql,))
    assert value(db, "SELECT count(*) FROM customers") == 3 == value(db, "SELECT count(*) FROM orders")


def test_interrupt_reaches_a_query(file_remote):
    db = connect(check_same_thread=False)
    attach(db, file_remote, "name=s")
    sql = ("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t LIMIT 1000000000) "
           "SELECT count(*) AS n FROM t")
    threading.Timer(0.3, db.interrupt).start()
    started = time.monotonic()
    failure = sqlite.error(db, "SELECT * FROM bridge_query('s', ?)", (sql,))
    assert failure[0] == sqlite3.SQLITE_INTERRUPT and time.monotonic() - started < 3
    assert value(db, "SELECT count(*) FROM customers") == 3


@pytest.mark.parametrize("change", ["ALTER TABLE moving ALTER a TYPE text",
                                    "ALTER TABLE moving RENAME a TO c",
                                    "DROP TABLE moving; CREATE TABLE moving (z int, b int)"])
def test_explain_follows_a_change_at_once(pg_remote, change):
    pg_remote.run("CREATE TABLE moving (a int, b int); INSERT INTO moving VALUES (1, 2)")
    db = connect()
    attach(db, pg_remote, "name=s")
    assert rows(db, "SELECT * FROM moving") == [(1, 2)]
    pg_remote.run(change)
    try:
        found = rows(db, "SELECT text, fetched FROM bridge_explain('SELECT * FROM moving') "
                         "WHERE item = 'remote'")
        assert found == [(found[0][0], 0 if "DROP" in change else 1)]
        assert rows(db, "SELECT count(*) FROM moving") == [(found[0][1],)]
    finally:
        pg_remote.run("DROP TABLE moving")


def test_a_missing_argument_is_the_servers_word(pg_remote):
    """Not a lost connection: the snapshot around it goes on."""
    pg_remote.run("CREATE TABLE waiting AS SELECT i AS id FROM generate_series(1, 5000) i")
    db = connect()
    attach(db, pg_remote, "name=s", "tables=waiting")
    reader = db.execute("SELECT id FROM waiting")
    reader.fetchone()
    check_failure(sqlite.error(db, "SELECT * FROM bridge_query('s', 'SELECT $1::int + $2::int', 1)"),
                  "SQLITE_ERROR", "requires 2", "08P01")
    assert len(reader.fetchall()) == 4999
    assert value(db, "SELECT reconnects FROM bridge_servers") == 0
    pg_remote.run("DROP TABLE waiting")
