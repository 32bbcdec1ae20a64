"""What goes wrong with a remote, and what SQLite's user is told: result code, words, SQLSTATE,
detail and hint. Each case runs inside BEGIN behind a local INSERT, which has to survive; and the
connection has to work again as soon as the remote does.

The result codes decide what SQLite destroys: IOERR, FULL and NOMEM from a mere SELECT would roll
the local work back, so none of the cases has one of these."""
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import psycopg
import pytest

from support import canary, sqlite
from support.postgres import Postgres
from support.proxy import Proxy

# SQLite's result codes; the extended ones where there is one of their own.
ERROR, BUSY_TIMEOUT, INTERRUPT, CORRUPT_VTAB = 1, 5 | 3 << 8, 9, 11 | 1 << 8
CANTOPEN, TOOBIG, AUTH, READONLY = 14, 18, 23, 8

SETUP = """
    CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL, n numeric(12,3));
    INSERT INTO t SELECT i, 'word ' || i, i + 0.5 FROM generate_series(1, 50000) i;
    CREATE TABLE big (id int PRIMARY KEY, a text);
    INSERT INTO big SELECT i, repeat('x', 5000) FROM generate_series(1, 20) i;
    CREATE TABLE gone (id int PRIMARY KEY, a text);
    CREATE TABLE narrow (id int PRIMARY KEY, a text, secret text);
    INSERT INTO narrow VALUES (1, 'one', 'hidden');
    CREATE TABLE closed (id int PRIMARY KEY);
    CREATE VIEW slow AS SELECT 1 AS a FROM pg_sleep(30);
    CREATE VIEW zero AS SELECT id, 10 / (id - id) AS a FROM t;
    CREATE FUNCTION complain() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'no such luck' USING DETAIL = 'it rained', HINT = 'wait', ERRCODE = 'ZZ001';
    END $$;
    CREATE VIEW sad AS SELECT complain() AS a;
    CREATE SCHEMA shut;
    CREATE TABLE shut.t (id int PRIMARY KEY);
    CREATE ROLE reader LOGIN PASSWORD '{password}';
    CREATE ROLE crowd LOGIN CONNECTION LIMIT 0 PASSWORD '{password}';
    GRANT SELECT ON t, big, closed, gone, slow, zero, sad TO reader;
    GRANT SELECT (id, a, secret) ON narrow TO reader;
    GRANT USAGE ON SCHEMA shut TO reader;
    GRANT SELECT ON shut.t TO reader;
"""


@pytest.fixture(scope="module")
def server():
    """One server for the cases that may stop it, freeze it or throw its clients out."""
    server = Postgres("15")
    try:
        server.start()
        server.psql(SETUP.format(password=server.password), database="c")
        yield server
    finally:
        server.remove()


@contextmanager
def opened(server, url, *options):
    """A file database with a local table, the remote attached through a proxy as server s."""
    database = server.folder / "local.db"
    database.unlink(missing_ok=True)
    connection = sqlite.connect(database, isolation_level=None)
    try:
        connection.execute("CREATE TABLE main.local(a)")
        connection.execute(f"SELECT bridge_attach({', '.join('?' * (len(options) + 2))})",
                           (url, "name=s", *options)).fetchone()
        yield connection
    finally:
        connection.close()


def fails(connection, sql):
    """(code, text) of a statement that fails behind a local INSERT in a transaction, which is
    then committed and has to be there."""
    before = connection.execute("SELECT count(*) FROM main.local").fetchone()[0]
    connection.execute("BEGIN")
    connection.execute("INSERT INTO main.local VALUES(1)")
    code, text = sqlite.error(connection, sql)
    assert connection.in_transaction, (code, text)
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM main.local").fetchone()[0] == before + 1
    return code, text


def state(connection):
    return connection.execute(
        "SELECT state, last_error FROM bridge_servers WHERE name = 's'").fetchone()


def quiet(server, seconds=2.0, within=False):
    """Nothing of ours runs any more, soon. within: our own BEGIN goes on."""
    deadline = time.monotonic() + seconds
    while True:
        busy = server.psql("""SELECT state, query FROM pg_stat_activity
            WHERE application_name = 'drawbridge' AND state <> 'idle'
            AND NOT (%(within)s AND state = 'idle in transaction')""", {"within": within}, database="postgres")
        if not busy:
            return
        assert time.monotonic() < deadline, busy
        time.sleep(0.05)


# ------------------------------------------------------------------ no connection

def closed_port(server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return server.url("c", port=probe.getsockname()[1])


UNREACHABLE = [
    ("closed port", closed_port, "Connection refused", ""),
    ("missing socket", lambda server: "postgresql://u@/x?host=/nonexistent",
     "No such file or directory", ""),
    ("unknown host", lambda server: "postgresql://u@no.such.host.invalid/x",
     "could not translate host name", ""),
    ("wrong password", lambda server: server.url("c", password="wrong", tcp=True),
     "password authentication failed for user \"postgres\"", "28P01"),
    ("missing database", lambda server: server.url("c", tcp=True).replace("/c", "/nowhere"),
     "database \"nowhere\" does not exist", "3D000"),
    ("missing role", lambda server: server.url("c", user="nobody_here", tcp=True),
     "password authentication failed", "28P01"),
    ("too many connections", lambda server: server.url("c", user="crowd", tcp=True),
     "too many connections for role \"crowd\"", "53300"),
]


@pytest.mark.parametrize("name, url, words, sqlstate", UNREACHABLE, ids=[row[0] for row in UNREACHABLE])
def test_no_connection(server, name, url, words, sqlstate):
    """As a function, and under a table that was attached while the server could be reached."""
    with opened(server, server.url("c")) as connection:
        connection.execute("SELECT bridge_server('bad', ?)", (url(server),))
        connection.execute("SELECT bridge_server('s', ?)", (url(server),))
        for sql in ("SELECT bridge_ping('bad')", "SELECT * FROM t", "SELECT count(*) FROM t",
                    "CREATE VIRTUAL TABLE temp.x USING postgres(server=bad, table=t)"):
            code, text = fails(connection, sql)
            assert words in text and text.startswith("could not connect to server"), text
            assert "Is the server" not in text.splitlines()[0], text
            assert not sqlstate or f"(SQLSTATE {sqlstate})" in text, text
            assert code == CANTOPEN
        assert words in state(connection)[1] and state(connection)[0] == "new"
        connection.execute("SELECT bridge_server('s', ?)", (server.url("c"),))
        assert connection.execute("SELECT count(*), sum(id) FROM t").fetchone() == (50000, 1250025000)


def test_a_silent_server_is_given_up_in_time(server):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with opened(server, server.url("c")) as connection:
            connection.execute("SELECT bridge_server('s', ?, 'connect_timeout_ms=400')",
                               (server.url("c", port=mute.getsockname()[1]),))
            start = time.monotonic()
            code, text = fails(connection, "SELECT * FROM t")
            assert (code, "no answer within 400 ms" in text) == (CANTOPEN, True), text
            assert time.monotonic() - start < 1.5


def test_the_server_is_full():
    full = Postgres("15", {"max_connections": "5", "superuser_reserved_connections": "0",
                           "max_wal_senders": "0"})
    try:
        full.start()
        full.psql("CREATE TABLE t AS SELECT 1 AS a", database="c")
        connection = sqlite.connect(isolation_level=None)
        others = [full.connect("c") for _ in range(5)]
        code, text = sqlite.error(connection, "SELECT bridge_attach(?)", (full.url("c"),))
        assert code == CANTOPEN and "too many clients already (SQLSTATE 53300)" in text
        for other in others:
            other.close()
        connection.execute("SELECT bridge_attach(?)", (full.url("c"),))
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]
        connection.close()
    finally:
        full.remove()


# ------------------------------------------------------------------ refused by the server

@contextmanager
def changed(server, do, undo):
    server.psql(do, database="c")
    try:
        yield
    finally:
        server.psql(undo, database="c")


REFUSED = [
    # name, done to the server, statement, code, words, undone
    ("missing table", "ALTER TABLE gone RENAME TO went", "SELECT * FROM gone", ERROR,
     ["\"public.gone\" does not exist", "server \"s\""], "ALTER TABLE went RENAME TO gone"),
    ("missing column", "ALTER TABLE gone RENAME a TO b", "SELECT a FROM gone", ERROR,
     ["no such column: a"],
     "ALTER TABLE gone RENAME b TO a"),
    ("table denied", "REVOKE SELECT ON closed FROM reader", "SELECT * FROM closed", AUTH,
     ["permission denied for table closed (SQLSTATE 42501)"], "GRANT SELECT ON closed TO reader"),
    ("column denied", "REVOKE SELECT (secret) ON narrow FROM reader", "SELECT * FROM narrow", AUTH,
     ["permission denied for table narrow (SQLSTATE 42501)", "remote statement: SELECT "],
     "GRANT SELECT (secret) ON narrow TO reader"),
    ("schema denied", "REVOKE USAGE ON SCHEMA shut FROM reader", "SELECT * FROM shut_t", AUTH,
     ["permission denied for schema shut (SQLSTATE 42501)"],
     "GRANT USAGE ON SCHEMA shut TO reader"),
    ("division by zero", "SELECT 1", "SELECT * FROM zero", ERROR,
     ["division by zero (SQLSTATE 22012)", "remote statement: SELECT "], "SELECT 1"),
    ("detail and hint", "SELECT 1", "SELECT * FROM sad", ERROR,
     ["no such luck (SQLSTATE ZZ001)", "\ndetail: it rained", "\nhint: wait",
      "\nremote statement: SELECT"], "SELECT 1"),
    ("lock timeout", None, "SELECT * FROM gone", BUSY_TIMEOUT,
     ["canceling statement due to lock timeout (SQLSTATE 55P03)"], None),
]


@pytest.mark.parametrize("name, do, sql, code, words, undo", REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(server, name, do, sql, code, words, undo):
    with opened(server, server.url("c", user="reader"), "set.lock_timeout=200") as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.shut_t USING "
                           "postgres(server=s, schema=shut, table=t)")
        if do is None:
            with server.connect("c") as other:
                with other.transaction():
                    other.execute("LOCK TABLE gone")
                    found = fails(connection, sql)
        else:
            with changed(server, do, undo):
                found = fails(connection, sql)
        assert found[0] == code, found
        for part in words:
            assert part in found[1], found
        last = state(connection)
        assert last[0] == "idle", last
        if name == "missing column":  # the table was described again, and is once more
            connection.execute("SELECT bridge_refresh('s')")
        else:
            assert last[1] in found[1], (last, found)
        # The connection goes on, with the same table where that is right again.
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50000,)
        if name not in ("division by zero", "detail and hint"):
            connection.execute(sql).fetchall()
    quiet(server)


@pytest.mark.parametrize("option", ["statement_timeout_ms=300", "set.statement_timeout=300", None])
def test_statement_timeout(server, option):
    if option is None:
        server.psql("ALTER ROLE reader SET statement_timeout = 300", database="c")
    try:
        options = [option] if option else []
        with opened(server, server.url("c", user="reader"), *options) as connection:
            start = time.monotonic()
            code, text = fails(connection, "SELECT * FROM slow")
            assert time.monotonic() - start < 2
            assert code == BUSY_TIMEOUT
            assert "canceling statement due to statement timeout (SQLSTATE 57014)" in text
            assert "remote statement: SELECT \"a\" FROM \"public\".\"slow\"" in text
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (50000,)
    finally:
        server.psql("ALTER ROLE reader RESET statement_timeout", database="c")


# ------------------------------------------------------------------ lost while rows come

def backends(server):
    """Of drawbridge alone."""
    return [row[0] for row in server.psql(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'drawbridge'",
        database="postgres")]


def terminate(env):
    env.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'drawbridge'", database="postgres")


def kill_backend(env):
    """The postmaster answers by ending every backend and starting afresh."""
    for pid in backends(env.server):
        os.kill(pid, signal.SIGKILL)


def come_back(env):
    deadline = time.monotonic() + 30
    while True:
        try:
            env.server.psql("SELECT 1", database="c")
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def start_again(env):
    if env.server.process is None:
        env.server.start()


LOST = [
    ("terminated", terminate, ["terminating connection due to administrator command",
                               "(SQLSTATE 57P01)"], None),
    ("backend killed", kill_backend, ["connection to server was lost"], come_back),
    ("immediate stop", lambda env: env.server.stop("immediate"),
     ["connection to server was lost"], start_again),
    ("fast stop", lambda env: env.server.stop("fast"), ["connection to server was lost"],
     start_again),
    ("network cut", lambda env: env.proxy.cut(), ["connection to server was lost"], None),
    ("network cut within a message", lambda env: env.proxy.cut_after(server=20000),
     ["connection to server was lost"], lambda env: env.proxy.cut_after()),
]



@pytest.mark.parametrize("when", ["mid-scan", "idle", "between statements of a transaction"])
@pytest.mark.parametrize("name, event, words, repair", LOST, ids=[row[0] for row in LOST])
def test_lost(server, name, event, words, repair, when):
    if when != "mid-scan" and name == "network cut within a message":
        return  # there is no message
    with Proxy(("127.0.0.1", server.port)) as proxy:
        env = SimpleNamespace(server=server, proxy=proxy)
        url = server.url("c", port=proxy.port, sslmode="disable", gssencmode="disable")
        with opened(server, url) as connection:
            try:
                if when == "mid-scan":
                    lost_mid_scan(connection, env, event, words)
                else:
                    lost_idle(connection, env, event, repair, when)
            finally:
                if repair:
                    repair(env)
            assert connection.execute("SELECT count(*), sum(id) FROM t").fetchone() == \
                (50000, 1250025000)
            assert connection.execute("SELECT reconnects > 0 FROM bridge_servers "
                                      "WHERE name = 's'").fetchone() == (1,)


def lost_mid_scan(connection, env, event, words):
    connection.execute("BEGIN")
    connection.execute("INSERT INTO main.local VALUES(1)")
    rows = connection.execute("SELECT id, a FROM t")
    seen = [rows.fetchone()[0] for _ in range(10)]
    event(env)
    with pytest.raises(sqlite.sqlite3.OperationalError) as failure:
        for row in rows:
            seen.append(row[0])
    text = canary.seen(str(failure.value))
    assert failure.value.sqlite_errorcode == CANTOPEN, text
    for part in words:
        assert part in text, text
    assert "remote statement: SELECT \"id\", \"a\"" in text
    assert seen == list(range(1, len(seen) + 1)) and len(seen) < 50000
    assert state(connection)[0] in ("broken", "new")
    assert state(connection)[1].splitlines()[0] in text
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM main.local").fetchone() == (1,)


def lost_idle(connection, env, event, repair, when):
    """Nothing was under way: a new session takes the place of the old one unseen. Inside BEGIN one
    statement fails, or two states would pass for one."""
    if when != "idle":
        connection.execute("BEGIN")
        connection.execute("INSERT INTO main.local VALUES(1)")
    assert connection.execute("SELECT id FROM t LIMIT 1").fetchone() == (1,)
    event(env)
    if repair:
        repair(env)
    if when != "idle":
        code, text = sqlite.error(connection, "SELECT sum(id) FROM t")
        assert code == CANTOPEN and "lost" in text, text
    assert connection.execute("SELECT sum(id) FROM t").fetchone() == (1250025000,)
    if when != "idle":
        connection.execute("COMMIT")
        assert connection.execute("SELECT count(*) FROM main.local").fetchone() == (1,)


@pytest.mark.parametrize("stopped_by", ["interrupt", "progress handler"])
def test_a_frozen_network_can_be_left(server, stopped_by):
    with Proxy(("127.0.0.1", server.port)) as proxy:
        url = server.url("c", port=proxy.port, sslmode="disable", gssencmode="disable")
        with opened(server, url) as connection:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO main.local VALUES(1)")
            rows = connection.execute("SELECT id, a FROM t")
            rows.fetchone()
            proxy.freeze()
            took, code = stopped(connection, rows.fetchall, stopped_by)
            proxy.thaw()
            assert code == INTERRUPT and took < 2
            connection.execute("COMMIT")
            assert connection.execute("SELECT count(*) FROM main.local").fetchone() == (1,)
            assert connection.execute("SELECT sum(id) FROM t").fetchone() == (1250025000,)
    quiet(server)


def test_an_unread_cursor_loses_its_snapshot(server):
    """Going on is an error, never another snapshot's rows."""
    with opened(server, server.url("c"), "idle_snapshot_ms=300") as connection:
        rows = connection.execute("SELECT id FROM t ORDER BY id")
        seen = [rows.fetchone()[0] for _ in range(5)]
        time.sleep(1)
        with pytest.raises(sqlite.sqlite3.OperationalError) as failure:
            for row in rows:
                seen.append(row[0])
        assert failure.value.sqlite_errorcode == CANTOPEN
        assert "idle-in-transaction timeout (SQLSTATE 25P03)" in str(failure.value)
        assert seen == list(range(1, len(seen) + 1)) and len(seen) < 50000
        assert connection.execute("SELECT sum(id) FROM t").fetchone() == (1250025000,)


# ------------------------------------------------------------------ malformed bytes

def numeric_50(sign):
    """(5.0 :: numeric) + 0.5 as it travels for id 5, with another sign word."""
    return bytes.fromhex("0002" "0000" + sign + "0003" "0005" "1388")


MALFORMED = [
    ("text that is not UTF-8", "SELECT a FROM t", b"word 4999", b"word \xff999", CORRUPT_VTAB,
     ["column \"a\""]),
    ("a numeric with an unknown sign", "SELECT n FROM t WHERE id <= 10",
     numeric_50("0000"), numeric_50("1234"), CORRUPT_VTAB, ["column \"n\""]),
    ("a row shorter than it says", "SELECT a FROM t", b"\0\0\0\x08word 499", b"\0\0\x08\x08word 499",
     None, ["connection to server was lost"]),
    ("a message of unknown kind", "SELECT id FROM t", b"D\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x11",
     b"~\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x11", None, ["connection to server was lost"]),
]


@pytest.mark.parametrize("name, sql, good, bad, code, words", MALFORMED, ids=[row[0] for row in MALFORMED])
def test_malformed_bytes(server, name, sql, good, bad, code, words):
    with Proxy(("127.0.0.1", server.port)) as proxy:
        url = server.url("c", port=proxy.port, sslmode="disable", gssencmode="disable")
        hits = []

        def corrupt(side, data):
            if side == "server" and good in data:
                hits.append(side)
                return data.replace(good, bad)
            return data

        with opened(server, url) as connection:
            right = connection.execute(sql).fetchall()
            proxy.rewrite = corrupt
            found = fails(connection, sql)
            proxy.rewrite = None
            assert hits
            assert found[0] == (code or CANTOPEN), found
            for part in words:
                assert part in found[1], found
            assert connection.execute(sql).fetchall() == right


# ------------------------------------------------------------------ what SQLite cannot hold, words

def test_a_value_too_long_for_sqlite(server):
    with opened(server, server.url("c")) as connection:
        limit = connection.setlimit(sqlite.sqlite3.SQLITE_LIMIT_LENGTH, 4000)
        for sql in ("SELECT a FROM big", "SELECT length(a) FROM big", "SELECT count(a) FROM big"):
            code, text = fails(connection, sql)
            assert (code, text) == (TOOBIG, "string or blob too big"), (code, text)
        assert connection.execute("SELECT count(id) FROM big").fetchone() == (20,)
        connection.setlimit(sqlite.sqlite3.SQLITE_LIMIT_LENGTH, limit)
        assert connection.execute("SELECT sum(length(a)) FROM big").fetchone() == (100000,)


WORDS = [
    ("SELECT bridge_attach(:url, 'colour=red')", ["unknown option \"colour\"", "collation"]),
    ("SELECT bridge_attach(:url, 'readonli=1')", ["unknown option \"readonli\"", "readonly"]),
    ("SELECT bridge_attach(:url, 'readonly=maybe')", ["readonly", "maybe"]),
    ("SELECT bridge_attach(:url, 'statement_timeout_ms=-1')", ["statement_timeout_ms"]),
    ("SELECT bridge_attach(:url, 'uuid=fancy')", ["uuid", "dashed"]),
    ("SELECT bridge_attach(:url, 'type=BLOB')", ["type"]),
    ("SELECT bridge_attach('oracle://x/y')", ["oracle"]),
    ("SELECT bridge_attach(:url, 'set.DateStyle=German')", ["set.DateStyle", "ISO, MDY"]),
    ("SELECT bridge_attach(:url, 'role=no_such_role')", ["no_such_role", "22023"]),
    ("SELECT bridge_attach(:url, 'set.work_mem=much')", ["work_mem", "22023"]),
    ("SELECT bridge_ping('nobody')", ["\"nobody\""]),
    ("CREATE VIRTUAL TABLE x USING postgres(server=s, table=nowhere)",
     ["table \"nowhere\" does not exist on server \"s\""]),
    ("CREATE VIRTUAL TABLE x USING postgres(server=s, table=t, colour=red)",
     ["unknown option \"colour\""]),
    ("CREATE VIRTUAL TABLE x USING postgres(server=s)", ["table=NAME or query="]),
    ("CREATE VIRTUAL TABLE x USING postgres(table=t)", ["server=NAME or url=URL"]),
    ("CREATE VIRTUAL TABLE x USING postgres(server=s, query='SELEC 1')", ["SELECT"]),
    ("CREATE VIRTUAL TABLE x USING postgres(server=s, query='SELECT * FROM nowhere')",
     ["relation \"nowhere\" does not exist (SQLSTATE 42P01)"]),
    ("CREATE VIRTUAL TABLE x USING postgres(server=s, query='SELECT 1; DROP TABLE t')", ["42601"]),
    ("SELECT * FROM bridge_query('s', 'SELECT no_column FROM t')", ["no_column", "42703"]),
    ("SELECT * FROM bridge_query('s', 'DELETE FROM t')", ["statement is not one that reads"]),
]


@pytest.mark.parametrize("sql, words", WORDS, ids=[row[0] for row in WORDS])
def test_wrong_words(server, sql, words):
    with opened(server, server.url("c"), "prefix=p_") as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO main.local VALUES(1)")
        parameters = {"url": server.url("c")} if ":url" in sql else {}
        code, text = sqlite.error(connection, sql, parameters)
        for part in words:
            assert part in text, text
        connection.execute("COMMIT")
        assert connection.execute("SELECT count(*) FROM main.local").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM p_t").fetchone() == (50000,)


def test_writing_is_refused_in_words(server):
    with opened(server, server.url("c"), "readonly=1") as connection:
        for sql in ("INSERT INTO t VALUES(0, 'a', 1)", "UPDATE t SET a = 'b'", "DELETE FROM t"):
            code, text = fails(connection, sql)
            assert code == READONLY and "read-only" in text, (code, text)


# ------------------------------------------------------------------ interrupts

def stopped(connection, run, by, after=0.3):
    """(seconds until it returned after being stopped, code)."""
    start = time.monotonic()
    if by == "interrupt":
        timer = threading.Timer(after, connection.interrupt)
        timer.start()
    else:
        connection.set_progress_handler(lambda: time.monotonic() > start + after, 1000)
    try:
        with pytest.raises(sqlite.sqlite3.OperationalError) as failure:
            run()
        return time.monotonic() - start - after, failure.value.sqlite_errorcode
    finally:
        connection.set_progress_handler(None, 0)


@pytest.mark.parametrize("by", ["interrupt", "progress handler"])
@pytest.mark.parametrize("sql", [
    "SELECT * FROM slow", "SELECT count(*) FROM slow", "SELECT * FROM t, slow",
    "SELECT * FROM bridge_query('s', 'SELECT pg_sleep(30)')"])
def test_a_long_statement_stops(server, sql, by):
    with opened(server, server.url("c")) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO main.local VALUES(1)")
        took, code = stopped(connection, lambda: connection.execute(sql).fetchall(), by)
        assert code == INTERRUPT and took < 2
        quiet(server, within=True)
        connection.execute("COMMIT")
        assert connection.execute("SELECT count(*) FROM main.local").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50000,)


@pytest.mark.parametrize("by", ["interrupt", "progress handler"])
@pytest.mark.parametrize("when", ["statement", "mid-scan", "connecting"])
def test_a_stopped_server_can_be_left(server, when, by):
    with opened(server, server.url("c")) as connection:
        rows = None
        if when == "mid-scan":
            rows = connection.execute("SELECT id, a FROM t")
            rows.fetchone()
        if when == "connecting":
            connection.execute("SELECT bridge_server('s', ?)", (server.url("c"),))
        server.pause()
        try:
            took, code = stopped(
                connection, lambda: (rows or connection.execute("SELECT * FROM t")).fetchall(), by)
        finally:
            server.cont()
        assert code == INTERRUPT and took < 2
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50000,)
    quiet(server)


def test_ctrl_c_in_the_shell(server):
    """The signal goes to the shell alone, as a terminal's would; the statement ends at once."""
    script = (f".load {sqlite.SO.with_suffix('')}\n"
              f"SELECT bridge_attach('{server.url('c')}');\nSELECT * FROM slow;\n")
    shell = subprocess.Popen([str(sqlite.SHELL), "-batch", "-init", "/dev/null"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env=sqlite.environment())
    shell.stdin.write(script)
    shell.stdin.flush()
    deadline = time.monotonic() + 20
    while not server.psql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'drawbridge' "
                          "AND state = 'active'", database="postgres"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    start = time.monotonic()
    shell.send_signal(signal.SIGINT)
    out, err = shell.communicate("SELECT 'after';\n", timeout=20)
    assert time.monotonic() - start < 2
    assert "interrupted" in canary.seen(err), (out, err)
    canary.seen(out)
    quiet(server)
