"""The remote's relations change behind our back, together with their rows, and every way that rows come
has to notice: a cursor, a stream, a whole result, a prepared lookup.

Right is what was before the change or what is after it, whole: never rows of one state by the definition
of the other. A statement that was asked after the change, outside of a transaction, gives what is after
it, or says that the table changed and does so the next time."""
import concurrent.futures
import time

import pytest

from support import sqlite
from test_remote_ddl import KNOWN, answer, is_failure

# Each relation has (id, a, b): 40 rows. Who reads them by another definition mistakes a for b, misses
# rows or sees some twice.
BASE = """
    DROP SCHEMA IF EXISTS moved CASCADE;
    CREATE SCHEMA moved;
    SET search_path = moved;
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN word AS text NOT NULL CHECK (VALUE <> '');
    CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE FUNCTION a(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'a' || i $$;
    CREATE FUNCTION b(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'b' || i $$;
    CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL, b text);
    CREATE TABLE s (id int PRIMARY KEY, b text, a text NOT NULL);
    CREATE TABLE l (id int PRIMARY KEY, a mood NOT NULL, b text);
    CREATE TABLE d (id int PRIMARY KEY, a word, b text);
    CREATE TABLE c (id int PRIMARY KEY, a text COLLATE blind NOT NULL, b text);
    CREATE TABLE p (id int NOT NULL, a text NOT NULL, b text) PARTITION BY RANGE (id);
    CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (1) TO (21);
    CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM (21) TO (101) PARTITION BY LIST (id);
    CREATE TABLE p_21 PARTITION OF p_2 DEFAULT;
    CREATE TABLE under (id int PRIMARY KEY, x text NOT NULL, y text NOT NULL);
    INSERT INTO t SELECT i, a(i), b(i) FROM generate_series(1, 40) i;
    INSERT INTO s SELECT i, 'new ' || b(i), 'new ' || a(i) FROM generate_series(1, 40) i;
    INSERT INTO l SELECT i, 'ok', b(i) FROM generate_series(1, 40) i;
    INSERT INTO d SELECT i, a(i), b(i) FROM generate_series(1, 40) i;
    INSERT INTO c SELECT i, a(i), b(i) FROM generate_series(1, 40) i;
    INSERT INTO p SELECT i, a(i), b(i) FROM generate_series(1, 40) i;
    INSERT INTO under SELECT i, a(i), b(i) FROM generate_series(1, 40) i;
    CREATE VIEW v AS SELECT id, x AS a, y AS b FROM under;
    CREATE VIEW vv AS SELECT id, a, b FROM v;
    CREATE MATERIALIZED VIEW m AS SELECT id, x AS a, y AS b FROM under;
    CREATE TABLE aside AS SELECT 1 AS id;
    UPDATE pg_class SET reltuples = 1000000, relpages = 10000
        WHERE relnamespace = 'moved'::regnamespace AND relkind IN ('r', 'm', 'p');
"""

# name -> relation, what another client does in transactions of its own.
CHANGES = {
    "view replaced with its rows": ("v", [
        "UPDATE under SET x = y, y = x; CREATE OR REPLACE VIEW v AS SELECT id, y AS a, x AS b FROM under"]),
    "view below replaced with its rows": ("vv", [
        "UPDATE under SET x = y, y = x; CREATE OR REPLACE VIEW v AS SELECT id, y AS a, x AS b FROM under"]),
    "table below a view emptied": ("v", [
        "TRUNCATE under; INSERT INTO under SELECT i, 'n' || i, 'o' || i FROM generate_series(1, 40) i"]),
    "table below a view swapped": ("v", [
        "ALTER TABLE under RENAME TO was; CREATE TABLE under AS SELECT id, y AS x, x AS y FROM was;"
        "UPDATE was SET x = 'gone', y = 'gone';"
        "CREATE OR REPLACE VIEW v AS SELECT id, y AS a, x AS b FROM under"]),
    "materialized view refreshed": ("m", [
        "UPDATE under SET x = 'n' || id, y = 'o' || id; REFRESH MATERIALIZED VIEW m"]),
    "table emptied and filled": ("t", [
        "TRUNCATE t; INSERT INTO t SELECT i, 'n' || i, 'o' || i FROM generate_series(1, 40) i"]),
    "table swapped by rename": ("t", [
        "ALTER TABLE t RENAME TO was; ALTER TABLE s RENAME TO t; UPDATE was SET a = 'gone', b = 'gone'"]),
    "columns swapped by rename": ("t", [
        "ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b;"
        "UPDATE t SET a = b, b = a"]),
    "key dropped, rows twice": ("t", [
        "ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT id, a, 'twice' FROM t"]),
    "label added": ("l", ["ALTER TYPE mood ADD VALUE 'angry' BEFORE 'sad'", "UPDATE l SET a = 'angry'"]),
    "label renamed": ("l", ["ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'"]),
    "domain allows more": ("d", [
        "ALTER DOMAIN word DROP NOT NULL; ALTER DOMAIN word DROP CONSTRAINT word_check;"
        "UPDATE d SET a = NULL WHERE id % 2 = 0; UPDATE d SET a = '' WHERE id % 2 = 1"]),
    "domain allows less": ("d", [
        "ALTER DOMAIN word ADD CONSTRAINT long CHECK (length(VALUE) > 1); UPDATE d SET a = a || '+'"]),
    "collation refreshed": ("c", ["ALTER COLLATION blind REFRESH VERSION; UPDATE c SET a = upper(a)"]),
    "collation renamed": ("c", ["ALTER COLLATION blind RENAME TO other; UPDATE c SET a = upper(a)"]),
    "partition attached": ("p", [
        "CREATE TABLE p_3 (LIKE p); INSERT INTO p_3 SELECT i, a(i), b(i) FROM generate_series(101, 140) i;"
        "UPDATE p SET b = 'moved'; ALTER TABLE p ATTACH PARTITION p_3 FOR VALUES FROM (101) TO (201)"]),
    "partition detached": ("p", ["UPDATE p SET b = 'moved'; ALTER TABLE p DETACH PARTITION p_1"]),
    "partition swapped": ("p", [
        "CREATE TABLE p_3 (b text, id int NOT NULL, a text NOT NULL); INSERT INTO p_3 SELECT b, id, 'n' || a FROM "
        "p_1; UPDATE p SET a = 'n' || a; ALTER TABLE p DETACH PARTITION p_1; "
        "ALTER TABLE p ATTACH PARTITION p_3 FOR VALUES FROM (1) TO (21)"]),
    "partition of a partition emptied": ("p", [
        "TRUNCATE p_21; INSERT INTO p SELECT i, 'n' || i, 'o' || i FROM generate_series(21, 40) i"]),
}

# How rows come -> options, the statement, what bridge_explain says of it.
WAYS = {
    "cursor": (["statement_timeout_ms=600000"], "SELECT id, a, b FROM {r}", "cursor"),
    "copy": ([], "SELECT id, a, b FROM {r}", "copy"),
    "result": ([], "SELECT count(*), min(a), min(b) FROM {r} WHERE id = 5", "result"),
    "count": ([], "SELECT count(*) FROM {r}", "result"),
    "lookup": ([], "SELECT k, a, b FROM aux.keys CROSS JOIN {r} ON id = k", "result"),
}
NO_KEY = {"v", "vv", "m", "p"}  # what is found there by its id may be many rows,
NO_COPY = {"v", "vv"}           # and how many there are is not known

MOMENTS = ["between statements", "inside BEGIN", "while it waits"]


def attach(url, *options):
    """apsw: its statements are prepared once and run again."""
    connection = sqlite.connect_newest()
    connection.execute("ATTACH ':memory:' AS aux; CREATE TABLE aux.keys(k); INSERT INTO aux.keys VALUES (5), (7), (30)")
    marks = ", ".join("?" * (3 + len(options)))
    list(connection.execute(f"SELECT bridge_attach({marks})", (url, "name=s", "schema=moved", *options)))
    return connection


def transport(connection, sql):
    return {text for text, in connection.execute(
        "SELECT text FROM bridge_explain(?) WHERE item = 'transport'", (sql,))}


def say(server, statements):
    for statement in statements:
        server.psql("SET search_path = moved; " + statement, database="c")


def while_it_waits(server, statements, ask):
    """The last of the transactions commits when the question waits for it, or has been answered."""
    say(server, statements[:-1])
    with server.connect("c") as other, concurrent.futures.ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN; SET LOCAL search_path = moved; " + statements[-1])
        asked = pool.submit(ask)
        deadline = time.monotonic() + 30
        while not asked.done() and not server.psql(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND application_name = 'drawbridge'", database="c"):
            assert time.monotonic() < deadline, "nothing waits for the lock"
            time.sleep(0.01)
        other.execute("COMMIT")
        return asked.result()


def one_cell(server, change, way, moment):
    relation, statements = CHANGES[change]
    options, sql, comes = WAYS[way]
    sql = sql.format(r=relation)
    server.psql(BASE, database="c")
    url = server.url("c")
    connection = attach(url, *options)
    if way == "count" or relation not in NO_KEY:
        assert transport(connection, sql) == {comes}
    before = answer(connection, sql)
    for _ in range(3):  # what is remembered of it is trusted by then
        assert answer(connection, sql) == before and not is_failure(before)
    if moment == "inside BEGIN":
        list(connection.execute("BEGIN"))
        assert answer(connection, "SELECT id FROM aside") == [(1,)]
    if moment == "while it waits":
        found = while_it_waits(server, statements, lambda: answer(connection, sql))
    else:
        say(server, statements)
        found = answer(connection, sql)
    if moment == "inside BEGIN":
        assert not connection.get_autocommit()
        connection.execute("COMMIT")
    fresh = attach(url, *options)
    after = answer(fresh, sql)
    fresh.close()
    assert not is_failure(after)
    if is_failure(found):
        assert any(words in found for words in KNOWN), found
    else:
        right = [after] if moment == "between statements" else [before, after]
        assert found in right, (found[:3], len(found), "right", [(one[:3], len(one)) for one in right])
    again = answer(connection, sql)
    if is_failure(again):
        assert any(words in again for words in KNOWN), again
        again = answer(connection, sql)
    assert again == after
    connection.close()


def cells(share):
    """Every change by every way at every moment, or each n-th of them."""
    found = [(change, way, moment) for change, (relation, _) in CHANGES.items() for way in WAYS
             for moment in MOMENTS if not (way == "copy" and relation in NO_COPY)]
    return found[::share]


@pytest.mark.full
@pytest.mark.parametrize("change, way, moment", cells(11))
def test_a_change(pg, change, way, moment):
    one_cell(pg, change, way, moment)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["12", "15", "18"])
@pytest.mark.parametrize("change, way, moment", cells(1))
def test_every_change(request, version, change, way, moment):
    one_cell(request.getfixturevalue({"12": "pg12", "15": "pg", "18": "pg18"}[version]), change, way, moment)
