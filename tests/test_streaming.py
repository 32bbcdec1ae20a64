"""Big tables: bounded memory, the first row at once, an early end that costs little, one snapshot
for all cursors of a statement, and an attach whose round trips do not grow with the tables."""
import re
import time

import pytest

from support import sqlite
from support.proxy import Proxy

ROWS = 1_000_000


@pytest.fixture(scope="module")
def database(pg):
    name = pg.create_database("streaming", "c")
    pg.psql(f"""
        CREATE TABLE t (id int PRIMARY KEY, x text NOT NULL, k int);
        INSERT INTO t SELECT i, 'row number ' || i, i % 1000 FROM generate_series(1, {ROWS}) i;
        CREATE TABLE wide (id int PRIMARY KEY, x text);
        ALTER TABLE wide ALTER x SET STORAGE EXTERNAL;
        INSERT INTO wide SELECT i, repeat('x', 1000000) FROM generate_series(1, 60) i;
        ANALYZE t, wide;
        CREATE SCHEMA many;
    """, database="streaming")
    columns = ", ".join(f"c{i} text" for i in range(9))
    pg.psql("".join(f"CREATE TABLE many.t{i} (id int PRIMARY KEY, {columns});"
                    for i in range(1000)), database="streaming")
    return "streaming"


def peak_kb(url, sql):
    """VmHWM of a sqlite3 shell that attached and ran the statement."""
    result = sqlite.shell(f".bail on\nSELECT bridge_attach('{url}', 'schema=public');\n{sql};\n"
                          ".system grep VmHWM /proc/$PPID/status\n")
    assert result.code == 0, result.err
    return int(re.search(r"VmHWM:\s+(\d+) kB", result.out).group(1))


@pytest.mark.plain
@pytest.mark.parametrize("sql", ["SELECT sum(length(x)) FROM t", "SELECT count(*) FROM t",
                                 "SELECT max(x || k) FROM t", "SELECT sum(length(x)) FROM wide"])
def test_memory_is_bounded(pg, database, sql):
    url = pg.url(database)
    assert peak_kb(url, sql) - peak_kb(url, "SELECT 1") < 32 * 1024 * (3 if "wide" in sql else 1)


@pytest.mark.plain
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_million_rows(pg, database):
    """What the promise names: 32 MB above SELECT 1, the first rows at once, an early end."""
    pg.psql("CREATE TABLE IF NOT EXISTS t10m AS SELECT i AS id, 'row number ' || i AS x "
            "FROM generate_series(1, 10000000) i; CREATE INDEX ON t10m (id)", database=database)
    url = pg.url(database)
    assert peak_kb(url, "SELECT sum(length(x)) FROM t10m") - peak_kb(url, "SELECT 1") < 32 * 1024
    with Proxy(("127.0.0.1", pg.port)) as proxy:
        connection = through(pg, database, proxy, "tables=t10m", "schema=public")
        for sql in ("SELECT * FROM t10m", "SELECT * FROM t10m ORDER BY id"):
            connection.execute("SELECT count(*) FROM t10m WHERE id = 1").fetchall()
            before = proxy.counts.turns
            cursor = connection.execute(sql)
            assert cursor.fetchone()[0] == 1 and proxy.counts.turns - before <= 2
            cursor.close()
        assert connection.execute("SELECT id FROM t10m WHERE x || '' = 'row number 900' "
                                  "LIMIT 1").fetchone() == (900,)
        rows, = connection.execute("SELECT rows FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
        assert rows < 10_000
        connection.close()
    pg.psql("DROP TABLE t10m", database=database)


def through(pg, database, proxy, *options):
    connection = sqlite.connect()
    url = pg.url(database, host="127.0.0.1", port=proxy.port, tcp=True)
    words = ", ".join("?" * (1 + len(options)))
    connection.execute(f"SELECT bridge_attach({words})", (url, *options))
    return connection


@pytest.mark.parametrize("sql", ["SELECT * FROM t", "SELECT * FROM t ORDER BY id",
                                 "SELECT * FROM t ORDER BY id DESC", "SELECT id FROM t"])
def test_the_first_row_takes_two_round_trips(pg, database, sql):
    with Proxy(("127.0.0.1", pg.port)) as proxy:
        connection = through(pg, database, proxy, "tables=t", "schema=public")
        connection.execute("SELECT count(*) FROM t WHERE id = 1").fetchall()
        before = proxy.counts.turns
        cursor = connection.execute(sql)
        assert cursor.fetchone() is not None
        assert proxy.counts.turns - before <= 2
        cursor.close()
        rounds, = connection.execute(
            "SELECT round_trips FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
        assert rounds <= 2


def test_an_early_end_costs_little(pg, database):
    connection = sqlite.connect()
    connection.execute("SELECT bridge_attach(?, 'schema=public')", (pg.url(database),))
    row = connection.execute("SELECT id FROM t WHERE x || '' = 'row number 900' LIMIT 1").fetchone()
    assert row == (900,)
    rows, = connection.execute("SELECT rows FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
    assert 900 <= rows < 10_000
    time.sleep(0.3)
    assert pg.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'drawbridge' "
                   "AND datname = 'streaming' AND state <> 'idle'") == [(0,)]


@pytest.mark.parametrize("sql", [
    "SELECT (SELECT count(*) FROM s AS a), (SELECT sum(n) FROM s AS b)",
    "SELECT count(*), sum(b.n) FROM s AS a JOIN s AS b ON a.id = b.id",
    "SELECT count(*), sum(n) FROM (SELECT n FROM s UNION ALL SELECT n FROM s)",
])
def test_one_statement_sees_one_snapshot(pg, database, sql):
    """A function of the host lets another client write while the statement runs."""
    pg.psql("DROP TABLE IF EXISTS s; CREATE TABLE s (id int PRIMARY KEY, n int);"
            "INSERT INTO s SELECT i, 1 FROM generate_series(1, 50) i", database=database)
    connection = sqlite.connect()
    connection.execute("SELECT bridge_attach(?, 'schema=public')", (pg.url(database),))
    quiet = connection.execute(sql).fetchall()
    written = []

    def write(value):
        written.append(value)
        pg.psql("INSERT INTO s SELECT max(id) + 1, 100 FROM s; DELETE FROM s WHERE id = 7",
                database=database)
        return value

    connection.create_function("meanwhile", 1, write)
    first = "SELECT meanwhile(id) FROM s WHERE id = 3"
    both = f"SELECT *, ({first}) FROM ({sql}) AS q JOIN (SELECT id AS i FROM s ORDER BY id LIMIT 1)"
    rows = connection.execute(both).fetchall()
    assert written and [row[:len(quiet[0])] for row in rows] == quiet
    assert connection.execute(sql).fetchall() != quiet


def test_attach_of_a_thousand_tables(pg, database):
    with Proxy(("127.0.0.1", pg.port)) as proxy:
        connection = through(pg, database, proxy, "tables=nothing*", "name=warm", "schema=public")
        connecting = proxy.counts.turns
        connection = sqlite.connect()
        url = pg.url(database, host="127.0.0.1", port=proxy.port, tcp=True)
        before = proxy.counts.turns
        assert connection.execute("SELECT bridge_attach(?, 'schema=many')", (url,)).fetchone() == (1000,)
        # What connecting costs (TCP, SCRAM, settings) it costs for an empty schema as well.
        assert proxy.counts.turns - before <= connecting + 3
        log = connection.execute("SELECT sum(round_trips), sum(ms) FROM bridge_log").fetchone()
        assert log[0] <= 3
        assert connection.execute("SELECT count(c8) FROM t999").fetchone() == (0,)
