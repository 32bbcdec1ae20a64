"""Which way rows come, and that every way gives the same: transports, round trips, what happens
while a stream of rows is under way. Time is never asserted."""
import re
import resource
import sqlite3
import time

import pytest

from support import sqlite
from support.proxy import Proxy

ROWS = 60_000


@pytest.fixture(scope="module")
def database(pg):
    name = pg.create_database("transport", "icu")
    pg.psql(f"""
        CREATE TABLE big (id int PRIMARY KEY, k int NOT NULL, x text, n numeric(12,2), w numeric,
                          f float8, b bool, d date, ts timestamptz, u uuid, y bytea, a int[]);
        INSERT INTO big SELECT i, i % 1000, CASE WHEN i % 7 > 0 THEN 'row ''' || i || E'\\\\ \\u00f8' END,
            i * 1.25, i * 1.00000000000000001, i / 7.0, i % 2 = 0, date '2000-01-01' + i % 20000,
            timestamptz '2020-01-01' + i * interval '1.5 s', md5(i::text)::uuid,
            CASE WHEN i % 5 > 0 THEN decode(md5(i::text), 'hex') END, ARRAY[i, NULL]
            FROM generate_series(1, {ROWS}) i;
        CREATE INDEX ON big (k);
        CREATE TABLE plain (v int, w text);
        INSERT INTO plain SELECT i % 1000, repeat('w', i % 50) FROM generate_series(1, {ROWS}) i;
        CREATE TABLE parts (id int, v text) PARTITION BY LIST (id);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
        CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
        INSERT INTO parts SELECT 1 + i % 2, 'v' || i FROM generate_series(1, {ROWS}) i;
        CREATE TABLE small (id int PRIMARY KEY, t text NOT NULL);
        INSERT INTO small SELECT i, 't' || i FROM generate_series(1, 100) i;
        CREATE VIEW seen AS SELECT * FROM big;
        ANALYZE;
    """, database="transport")
    return "transport"


def attach(url, *options, connect=sqlite.connect):
    connection = connect()
    words = ", ".join("?" * (1 + len(options)))
    list(connection.execute(f"SELECT bridge_attach({words})", (url, *options)))
    return connection


@pytest.fixture
def db(pg, database):
    connection = attach(pg.url(database), "name=s")
    yield connection
    connection.close()


def transport(connection, sql):
    """Of the tables of a statement, in the order they were asked for."""
    return [text for text, in connection.execute(
        "SELECT text FROM bridge_explain(?) WHERE item = 'transport' ORDER BY scan", (sql,))]


def active(pg):
    return pg.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'drawbridge' "
                   "AND state = 'active'")[0][0]


def wait_until_idle(pg):
    deadline = time.monotonic() + 5
    while active(pg) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert active(pg) == 0


# ---------------------------------------------------------------- which one

@pytest.mark.parametrize("sql, wanted", [
    ("SELECT * FROM big", ["copy"]),
    ("SELECT sum(k) FROM big WHERE k > 10 AND x IS NOT NULL", ["copy"]),
    ("SELECT x FROM plain_copy", ["copy"]),
    ("SELECT v FROM parts", ["copy"]),
    ("CREATE TEMP TABLE c AS SELECT * FROM big", ["copy"]),
    ("SELECT * FROM big ORDER BY id", ["cursor"]),
    ("SELECT * FROM big LIMIT 5", ["cursor"]),
    ("SELECT * FROM big WHERE k || '' = '5' LIMIT 5", ["cursor"]),
    ("SELECT EXISTS (SELECT x FROM big WHERE k > 5)", ["cursor"]),
    ("SELECT x FROM big WHERE k = 5", ["cursor"]),
    ("SELECT x FROM big WHERE k IN (5, 6)", ["cursor"]),
    ("SELECT t FROM small", ["cursor"]),
    ("SELECT x FROM seen", ["cursor"]),
    ("SELECT a.x, b.x FROM big a, big b WHERE a.k = 5 AND b.id = a.id", ["cursor", "result", "copy"]),
    ("SELECT x FROM big WHERE id = 5", ["result"]),
    ("SELECT count(*) FROM big", ["result"]),
])
def test_which_transport(pg, database, sql, wanted):
    """At a latency that is always the same: lookups next door may be cheaper than one fetch."""
    db = attach(pg.url(database), "name=s", "latency_ms=1")
    if "plain_copy" in sql:
        sql = "SELECT w FROM plain"
    if sql.startswith("CREATE"):
        db.execute(sql)
        sent, = db.execute("SELECT statement FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
        assert sent.startswith('SELECT "id", "k"')
        assert db.execute("SELECT count(*), sum(k) FROM c").fetchone() == (ROWS, 29970000)
    else:
        assert transport(db, sql) == wanted
    db.close()


def test_a_statement_timeout_is_for_statements_not_for_readers(pg, database):
    limited = attach(pg.url(database), "statement_timeout_ms=600000")
    assert transport(limited, "SELECT * FROM big") == ["cursor"]
    by_user = attach(pg.url(database), "set.statement_timeout=10min")
    assert transport(by_user, "SELECT * FROM big") == ["cursor"]


# ---------------------------------------------------------------- the same rows

@pytest.mark.parametrize("table", ["big", "plain", "parts"])
@pytest.mark.parametrize("columns", ["*", "rowid, *"])
def test_a_stream_gives_what_a_cursor_gives(pg, database, db, table, columns):
    sql = f"SELECT {columns} FROM {table}"
    other = attach(pg.url(database), "statement_timeout_ms=600000")
    assert (transport(db, sql), transport(other, sql)) == (["copy"], ["cursor"])
    kinds = lambda rows: sorted(([(type(v), v) for v in row] for row in rows), key=repr)
    streamed, fetched = db.execute(sql).fetchall(), other.execute(sql).fetchall()
    assert len(streamed) == ROWS
    assert kinds(streamed) == kinds(fetched)


@pytest.mark.parametrize("value", ["it's", "\\", "\\'", "'; DROP TABLE big; --", "$1", "ø\\ø", "a\nb",
                                   "\\047", "--", "/*", "{1}", 'say "x"'])
def test_values_in_the_text_of_a_statement(pg, database, db, value):
    sql = "SELECT count(*) || '', sum(id) FROM big WHERE x > ?"
    assert transport(db, f"SELECT id FROM big WHERE x > 'a'") == ["copy"]
    other = attach(pg.url(database), "statement_timeout_ms=600000")
    assert db.execute(sql, (value,)).fetchall() == other.execute(sql, (value,)).fetchall()
    sent, = db.execute("SELECT statement FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
    assert "$1" in sent and (value == "$1" or value not in sent)
    conforming = attach(pg.url(database), "name=l", "log_parameters=1")
    conforming.execute(sql, (value,)).fetchall()
    assert conforming.execute("SELECT parameters FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()[0]


def test_one_round_trip(pg, database):
    with Proxy(("127.0.0.1", pg.port)) as proxy:
        connection = attach(pg.url(database, host="127.0.0.1", port=proxy.port, tcp=True))
        for _ in range(2):
            time.sleep(0.2)  # the end of the last snapshot is answered, too
            before = proxy.counts.turns
            cursor = connection.execute("SELECT * FROM big WHERE k >= 0")
            assert cursor.fetchone() is not None
            assert proxy.counts.turns - before == 1
            cursor.close()
        trips, = connection.execute(
            "SELECT round_trips FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
        assert trips == 1


# ---------------------------------------------------------------- lookups

def executions(connection):
    """How often the server ran each statement that it keeps prepared."""
    return dict(connection.execute("""
        SELECT row ->> 'statement', row ->> 'n' FROM bridge_query('s',
            'SELECT statement, generic_plans + custom_plans AS n FROM pg_prepared_statements')"""))


def kept(connection, words):
    return {text: n for text, n in executions(connection).items() if words in text}


def asked(connection):
    """How often the server was asked for a definition, by this session and those that had it before."""
    return sum(kept(connection, "relkind").values())


def look_up(connection, key):
    rows = connection.execute("SELECT t FROM small WHERE id = ?", (key,)).fetchall()
    trips, = connection.execute(
        "SELECT round_trips FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
    return rows, trips


def test_a_lookup_is_one_round_trip_of_prepared_statements(db):
    before = asked(db)
    for key in range(1, 11):
        assert look_up(db, key) == ([(f"t{key}",)], 1)
        assert look_up(db, -key) == ([], 1)
    # The plain statement is kept when it comes again; then it takes the probe along as a column.
    plain, joined = sorted(kept(db, '"t" FROM "public"."small"').items(), key=lambda item: len(item[0]))
    assert plain == ('/*NO LOAD BALANCE*/ SELECT "id", "t" FROM "public"."small" WHERE "id" = $1::int4', 1)
    assert joined[1] == 17 and "'now'::timestamptz" in joined[0]
    probe, = (item for item in kept(db, "'now'::timestamptz").items() if item != joined)
    assert probe[1] == 1
    assert asked(db) - before == 5  # and then what probes is trusted


def test_other_reads_share_the_probe(db):
    before = asked(db)
    for _ in range(4):
        assert len(db.execute("SELECT * FROM small ORDER BY id LIMIT 10").fetchall()) == 10
        assert db.execute("SELECT max(id) FROM small").fetchone() == (100,)
        assert db.execute("SELECT count(*) FROM small").fetchone() == (100,)
        trips = db.execute("SELECT max(round_trips) FROM (SELECT round_trips FROM bridge_log "
                           "ORDER BY id DESC LIMIT 3)").fetchone()
        assert trips == (1,)
    assert asked(db) - before == 5  # max() is its own probe soon, which is asked about as well


def test_partitions_are_always_asked_for(pg, database):
    """What becomes of a partition does not show in a statement over the whole."""
    db = attach(pg.url(database), "name=s")
    for _ in range(6):
        assert db.execute("SELECT v FROM parts WHERE id = 1 AND v = 'v2'").fetchall() == [("v2",)]
    assert kept(db, "'now'::timestamptz") == {}
    assert list(kept(db, "relkind").values()) == [6]


def test_the_server_keeps_a_bounded_number(pg, database):
    db = attach(pg.url(database), "name=s")
    for bits in range(1, 128):
        columns = ", ".join(name for bit, name in enumerate("kxnwfbd") if bits >> bit & 1)
        for _ in range(2):  # it is kept when it comes again
            assert len(db.execute(f"SELECT {columns} FROM big WHERE id = 7").fetchall()) == 1
    assert 60 < len(executions(db)) <= 66


@pytest.mark.parametrize("sql", ["SELECT t FROM small WHERE id = 5", "SELECT t FROM small ORDER BY id LIMIT 1",
                                 "SELECT count(*) FROM small"])
def test_statements_taken_away(pg, database, sql):
    pg.psql("CREATE OR REPLACE FUNCTION forget() RETURNS int LANGUAGE plpgsql AS "
            "$$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$", database=database)
    db = attach(pg.url(database), "name=s")
    wanted = [db.execute(sql).fetchall() for _ in range(5)][0]
    for _ in range(3):
        db.execute("SELECT row FROM bridge_query('s', 'SELECT forget()')").fetchall()
        for _ in range(4):
            assert db.execute(sql).fetchall() == wanted


@pytest.mark.parametrize("lookups", range(1, 7))
@pytest.mark.parametrize("change, wanted", [
    ("ALTER t TYPE bytea USING convert_to(t, 'UTF8')", [(b"t5",)]),
    ("DROP CONSTRAINT moving_pkey; INSERT INTO moving VALUES (5, 'again')", [("again",), ("t5",)]),
    ("RENAME t TO o; ALTER TABLE moving RENAME p TO t; ALTER TABLE moving RENAME o TO p", [("p5",)]),
    ("RENAME TO away; CREATE TABLE moving AS SELECT 5 AS id, 7.5::float8 AS t", [(7.5,)]),
])
def test_a_change_between_lookups(pg, database, lookups, change, wanted):
    """However far the statement and its probe have come."""
    pg.psql("DROP TABLE IF EXISTS moving, away; CREATE TABLE moving (id int PRIMARY KEY, t text, p text); "
            "INSERT INTO moving SELECT i, 't' || i, 'p' || i FROM generate_series(1, 100) i",
            database=database)
    db = attach(pg.url(database), "name=s", "tables=moving")
    for _ in range(lookups):
        assert db.execute("SELECT t FROM moving WHERE id = 5").fetchall() == [("t5",)]
    pg.psql(f"ALTER TABLE moving {change}", database=database)
    for _ in range(4):
        assert sorted(db.execute("SELECT t FROM moving WHERE id = 5").fetchall()) == wanted


# ---------------------------------------------------------------- early ends

def test_an_early_end_stops_the_server(pg, database, db):
    for _ in range(5):
        cursor = db.execute("SELECT a.id FROM big AS a")
        assert cursor.fetchone() is not None
        cursor.close()
        rows, = db.execute("SELECT rows FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
        assert rows < 10_000
        assert db.execute("SELECT t FROM small WHERE id = 5").fetchall() == [("t5",)]
    wait_until_idle(pg)
    reconnects, = db.execute("SELECT reconnects FROM bridge_servers").fetchone()
    assert reconnects == 0


def test_an_early_end_keeps_the_snapshot(pg, database, db):
    """The stream of an inner query ends early; what is asked later sees the state it saw."""
    db.execute("CREATE TEMP TABLE three(i); ").close()
    db.execute("INSERT INTO three VALUES (1), (2), (3)")
    changes = []

    def change():
        pg.psql("UPDATE small SET t = 'new' WHERE id = 7", database=database)
        changes.append(1)
        return 0

    db.create_function("change", 0, change)
    old, = pg.psql("SELECT t FROM small WHERE id = 7", database=database)[0]
    found = db.execute("""
        SELECT (SELECT id FROM big WHERE id > i), change(), (SELECT t FROM small WHERE id = 7),
               (SELECT k FROM big WHERE k > i + 100) IS NULL
        FROM three, (SELECT t AS held FROM small WHERE id = 1)""").fetchall()
    assert changes == [1, 1, 1]
    assert [row[2] for row in found] == [old] * 3
    pg.psql("UPDATE small SET t = 't7' WHERE id = 7", database=database)


def test_interrupted(pg, database, db):
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 40

    cursor = db.execute("SELECT * FROM big")
    cursor.fetchone()
    db.set_progress_handler(stop, 1000)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        cursor.fetchall()
    db.set_progress_handler(None, 0)
    wait_until_idle(pg)
    assert len(db.execute("SELECT * FROM big").fetchall()) == ROWS


# ---------------------------------------------------------------- other cursors meanwhile

def test_queries_inside_a_running_stream(pg, database, db):
    """The stream makes way, gives all its rows, and the next scan does not start another."""
    seen = 0
    for at, (key, x) in enumerate(db.execute("SELECT id, x FROM big")):
        if at % 10_000 == 5:
            assert db.execute("SELECT x FROM big WHERE id = ?", (key,)).fetchall() == [(x,)]
            assert db.execute("SELECT count(*) FROM small").fetchone() == (100,)
        seen += key
    assert seen == ROWS * (ROWS + 1) // 2
    assert transport(db, "SELECT * FROM big") == ["cursor"]


def test_two_streams_at_once(db):
    first, second = db.execute("SELECT id FROM big"), db.execute("SELECT id FROM big WHERE k >= 0")
    rows = [[], []]
    for _ in range(ROWS):
        rows[0].append(first.fetchone())
        rows[1].append(second.fetchone())
    assert (first.fetchone(), second.fetchone()) == (None, None)
    assert sorted(rows[0]) == sorted(rows[1]) == [(i,) for i in range(1, ROWS + 1)]


def test_one_snapshot_for_a_stream_and_what_interrupts_it(pg, database, db):
    cursor = db.execute("SELECT v, w FROM plain WHERE v >= 0")
    rows = [cursor.fetchone()]
    pg.psql("INSERT INTO plain VALUES (5, 'new'); UPDATE small SET t = 'new' WHERE id = 9",
            database=database)
    assert db.execute("SELECT t FROM small WHERE id = 9").fetchall() == [("t9",)]
    assert db.execute("SELECT count(*) FROM plain").fetchone() == (ROWS,)
    rows += cursor.fetchall()
    assert len(rows) == ROWS and (5, "new") not in rows
    assert db.execute("SELECT count(*) FROM plain").fetchone() == (ROWS + 1,)
    pg.psql("DELETE FROM plain WHERE w = 'new'; UPDATE small SET t = 't9' WHERE id = 9",
            database=database)


@pytest.mark.parametrize("sql, wanted", [
    ("SELECT sum((SELECT max(id) FROM small s WHERE s.id <= b.k)) FROM big b WHERE b.id <= 300", None),
    ("SELECT count(*) || '', sum(b.id) FROM big a LEFT JOIN small b ON b.id = a.k", None),
    ("SELECT count(*) || '' FROM big a JOIN big b ON a.id = b.id AND a.k < 3", None),
    ("SELECT count(*) || '' FROM big a WHERE k > 900 AND id NOT IN (SELECT v FROM plain)", None),
    ("SELECT count(*) || '' FROM (SELECT x FROM big UNION ALL SELECT w FROM plain)", [(str(2 * ROWS),)]),
    ("SELECT count(*) || '' FROM (SELECT x FROM big UNION SELECT w FROM plain)", None),
])
def test_statements_with_several_scans(pg, database, db, sql, wanted):
    local = sqlite.connect()
    for table in ("big", "plain", "small"):
        columns = "id, k, x" if table == "big" else "*"
        rows = db.execute(f"SELECT {columns} FROM {table}").fetchall()
        names = {"big": "id, k, x", "plain": "v, w", "small": "id, t"}[table]
        local.execute(f"CREATE TABLE {table}({names})")
        local.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    local.execute("CREATE INDEX big_id ON big(id)")
    local.execute("CREATE INDEX small_id ON small(id)")
    fresh = attach(pg.url(database))
    found = fresh.execute(sql).fetchall()
    assert found == local.execute(sql).fetchall()
    assert wanted is None or found == wanted


def test_refresh_and_ping_inside_a_running_stream(db):
    cursor = db.execute("SELECT id FROM big")
    cursor.fetchone()
    assert db.execute("SELECT bridge_ping('s')").fetchone()[0] >= 0
    assert db.execute("SELECT row FROM bridge_query('s', 'SELECT 1 AS one')").fetchall() == [('{"one":1}',)]
    assert len(cursor.fetchall()) == ROWS - 1


def test_no_room_to_put_rows_aside(db):
    """Where nothing can be written the query that came later fails and says so; and so does the
    stream, whose rows are not whole any more."""
    cursor = db.execute("SELECT * FROM big")
    cursor.fetchone()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        code, message = sqlite.error(db, "SELECT t FROM small WHERE id = 5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "could not write a temporary file" in message and "SQLITE_TMPDIR" in message
    with pytest.raises(sqlite3.OperationalError, match="could not be put aside"):
        cursor.fetchall()
    assert len(db.execute("SELECT * FROM big").fetchall()) == ROWS


# ---------------------------------------------------------------- faults

def test_foreign_bytes(pg, database):
    changes = {
        "signature": (b"PGCOPY\n", b"PGCOPY\r", "no header of COPY"),
        "kind": (b"d\0\0\0\x16\0\x02", b"~\0\0\0\x16\0\x02", "connection to server was lost"),
        "row": (b"\x00\x02\x00\x00\x00\x04", b"\x00\x03\x00\x00\x00\x04", "another number of values"),
    }
    for old, new, words in changes.values():
        with Proxy(("127.0.0.1", pg.port)) as proxy:
            connection = attach(pg.url(database, host="127.0.0.1", port=proxy.port, tcp=True))
            assert transport(connection, "SELECT id, k FROM big") == ["copy"]
            proxy.rewrite = lambda side, data: data.replace(old, new, 1) if side == "server" else data
            code, message = sqlite.error(connection, "SELECT id, k FROM big")
            assert words in message and ("malformed rows" in message or "lost" in words)
            proxy.rewrite = None
            assert connection.execute("SELECT count(*) FROM small").fetchone() == (100,)


def test_the_connection_ends_amid_a_stream(pg, database):
    with Proxy(("127.0.0.1", pg.port)) as proxy:
        connection = attach(pg.url(database, host="127.0.0.1", port=proxy.port, tcp=True))
        proxy.cut_after(server=300_000)
        # Before the first row of all, on a machine that is busy, it is tried on another connection.
        with pytest.raises(sqlite3.OperationalError, match="connection to server was lost|could not connect"):
            connection.execute("SELECT * FROM big").fetchall()
        proxy.cut_after()
        assert len(connection.execute("SELECT * FROM big").fetchall()) == ROWS


def test_the_server_fails_amid_a_stream(pg, database, db):
    pg.psql("CREATE TABLE bad AS SELECT i, 'x' AS t FROM generate_series(1, 20000) i; "
            "ALTER TABLE bad ADD c int GENERATED ALWAYS AS (0) STORED; ANALYZE bad;"
            "CREATE FUNCTION fail(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN "
            "IF $1 = 15000 THEN RAISE 'row is bad' USING ERRCODE = 'P0001', HINT = 'mend it'; END IF; "
            "RETURN true; END $$; ALTER TABLE bad ENABLE ROW LEVEL SECURITY; "
            "CREATE POLICY p ON bad USING (fail(i)); CREATE ROLE reader; GRANT SELECT ON bad, small TO reader",
            database=database)
    reader = attach(pg.url(database), "role=reader", "tables=bad,small")
    assert reader.execute("SELECT count(*) FROM small").fetchone() == (100,)
    code, message = sqlite.error(reader, "SELECT i, t FROM bad")
    assert re.search(r"row is bad.*P0001.*mend it", message, re.S)
    assert reader.execute("SELECT count(*) FROM small").fetchone() == (100,)
    pg.psql("DROP TABLE bad; DROP FUNCTION fail; REVOKE ALL ON small FROM reader; DROP ROLE reader",
            database=database)


@pytest.mark.parametrize("change", ["ALTER k TYPE float8", "ALTER k TYPE text USING 'k' || k",
                                    "RENAME k TO m", "DROP COLUMN k", "ALTER x TYPE bytea USING NULL"])
def test_a_table_that_changed(pg, database, change):
    """The rows of a stream carry no types: what they are is compared first."""
    pg.psql("DROP TABLE IF EXISTS moving; CREATE TABLE moving AS SELECT id, k, x FROM big; ANALYZE moving",
            database=database)
    connection = attach(pg.url(database), "tables=moving")
    assert transport(connection, "SELECT * FROM moving") == ["copy"]
    pg.psql(f"ALTER TABLE moving {change}", database=database)
    fresh = attach(pg.url(database), "tables=moving")
    assert connection.execute("SELECT * FROM moving").fetchall() == fresh.execute("SELECT * FROM moving").fetchall()
