"""Whoever waits can stop waiting: Ctrl-C in the shell, sqlite3_interrupt from another thread, a
progress handler, the two timeouts; each against a statement that sleeps, a server that is stopped, and
a port where nobody answers. The statement returns in 1.5 s, nothing of ours runs 2 s later, and the
next query works.

The bounds are promises to a person, so they are timed, which no other test does."""
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from support import canary, sqlite
from support.postgres import Postgres
from support.proxy import Proxy

INTERRUPT, BUSY_TIMEOUT, CANTOPEN = 9, 5 | 3 << 8, 14
RETURNS_S, QUIET_S = 1.5, 2.0
SETUP = """
    CREATE TABLE t AS SELECT i AS id, 'word ' || i AS a FROM generate_series(1, 50000) i;
    ALTER TABLE t ADD PRIMARY KEY (id);
    CREATE VIEW slow AS SELECT 1 AS a FROM pg_sleep(30);
"""


@pytest.fixture(scope="module")
def server():
    server = Postgres("15")
    try:
        server.start()
        server.psql(SETUP, database="c")
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["accepts and is silent", "does not even accept"])
def black_hole(request):
    """A port of ours that leads nowhere."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address, waiting = listener.getsockname(), []
        if request.param == "does not even accept":
            for _ in range(4):  # what fills the backlog, so that the next one waits for ever
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(address)
        try:
            yield address[1]
        finally:
            for client in waiting:
                client.close()


@contextmanager
def opened(server, *options):
    """A file database with a local table, whose open transaction has to outlive the stop."""
    database = server.folder / "local.db"
    database.unlink(missing_ok=True)
    connection = sqlite.connect(database, isolation_level=None)
    marks = ", ?" * len(options)
    try:
        connection.execute("CREATE TABLE main.local(a)")
        connection.execute(f"SELECT bridge_attach(?, 'name=s'{marks})",
                           (server.url("c"), *options)).fetchone()
        connection.execute("BEGIN")
        connection.execute("INSERT INTO main.local VALUES(1)")
        yield connection
        if connection.in_transaction:
            connection.execute("COMMIT")
        assert connection.execute("SELECT count(*) FROM main.local").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50000,)
    finally:
        connection.close()
    quiet(server)


def quiet(server, within=False):
    """Nothing of ours runs any more, soon. within: our own BEGIN goes on."""
    deadline = time.monotonic() + QUIET_S
    while True:
        busy = server.psql("""SELECT state, query FROM pg_stat_activity
            WHERE application_name = 'drawbridge' AND state <> 'idle'
            AND NOT (%(within)s AND state = 'idle in transaction')""", {"within": within}, database="postgres")
        if not busy:
            return
        assert time.monotonic() < deadline, busy
        time.sleep(0.05)


@contextmanager
def paused(server):
    server.pause()
    try:
        yield
    finally:
        server.cont()


def failure_of(run):
    """(result code, words) of what has to fail."""
    with pytest.raises(sqlite.sqlite3.OperationalError) as failure:
        run()
    return failure.value.sqlite_errorcode, canary.seen(str(failure.value))


def stopped(connection, run, by, after=0.3, code=INTERRUPT):
    """Runs, stops it so many seconds later; it has to end, as interrupted, in time."""
    start = time.monotonic()
    if by == "interrupt":
        timer = threading.Timer(after, connection.interrupt)
        timer.start()
    else:
        connection.set_progress_handler(lambda: time.monotonic() > start + after, 1000)
    try:
        found = failure_of(run)
        took = time.monotonic() - start - after
    finally:
        connection.set_progress_handler(None, 0)
        if by == "interrupt":
            timer.join()
    assert found[0] == code, found
    assert took < RETURNS_S, took


# ------------------------------------------------------------------ interrupt and progress handler

BY = pytest.mark.parametrize("by", ["interrupt", "progress handler"])


@BY
@pytest.mark.parametrize("sql", [
    "SELECT * FROM slow", "SELECT count(*) FROM slow", "SELECT * FROM t, slow",
    "SELECT * FROM bridge_query('s', 'SELECT pg_sleep(30)')"])
def test_a_long_statement(server, sql, by):
    with opened(server) as connection:
        stopped(connection, lambda: connection.execute(sql).fetchall(), by)
        quiet(server, within=True)


@BY
@pytest.mark.parametrize("when", ["statement", "mid-scan", "connecting"])
def test_a_stopped_server(server, when, by):
    with opened(server) as connection:
        rows = None
        if when == "mid-scan":
            rows = connection.execute("SELECT id, a FROM t")
            rows.fetchone()
        if when == "connecting":  # another key, or the pool would have one
            connection.execute("SELECT bridge_server('s', ?, 'set.a.b=1')", (server.url("c"),))
        with paused(server):
            stopped(connection,
                    lambda: (rows or connection.execute("SELECT * FROM t")).fetchall(), by)


@BY
def test_a_frozen_network(server, by):
    with opened(server) as connection, Proxy(("127.0.0.1", server.port)) as proxy:
        url = server.url("c", port=proxy.port, sslmode="disable", gssencmode="disable")
        connection.execute("SELECT bridge_server('s', ?)", (url,))
        rows = connection.execute("SELECT id, a FROM t")
        rows.fetchone()
        proxy.freeze()
        stopped(connection, rows.fetchall, by)
        proxy.thaw()
        connection.execute("SELECT bridge_server('s', ?)", (server.url("c"),))


@BY
def test_a_black_hole(server, black_hole, by):
    with opened(server) as connection:
        connection.execute("SELECT bridge_server('s', ?)", (server.url("c", port=black_hole),))
        stopped(connection, lambda: connection.execute("SELECT * FROM t").fetchall(), by)
        connection.execute("SELECT bridge_server('s', ?)", (server.url("c"),))


# ------------------------------------------------------------------ a stop that is said once

ONCE = {
    "a pattern": ("SELECT * FROM t WHERE a LIKE 'word 1_' LIMIT 3", None),
    "an outer join": ("SELECT count(*) FROM noted LEFT JOIN few ON few.id = noted.id AND few.a <> 'x'", None),
    "a whole table": ("SELECT count(a) FROM t", None),
    "reading in a transaction": ("SELECT * FROM few", "BEGIN"),
    "a write of a trigger": ("INSERT INTO noted VALUES (7)", None),
    "a write of a function": ("SELECT bridge_exec('s', 'DELETE FROM few')", None),
    "a table that is made": ("CREATE VIRTUAL TABLE temp.made USING postgres(server=s, table=few)", None),
    "a refresh": ("SELECT bridge_refresh('s')", None),
}


def stopped_once(connection, sql, stop_at=None):
    """Runs it and says stop at that call of the progress handler alone: how often that was asked, and
    the result code."""
    asked, code = 0, 0

    def handler():
        nonlocal asked
        asked += 1
        return asked == stop_at

    connection.set_progress_handler(handler, 1)
    try:
        connection.execute(sql).fetchall()
    except sqlite.sqlite3.OperationalError as error:
        code = error.sqlite_errorcode
    finally:
        connection.set_progress_handler(None, 0)
    return asked, code


@pytest.mark.parametrize("sql, first", ONCE.values(), ids=ONCE)
def test_a_stop_said_once_is_heeded(server, sql, first):
    """KeyboardInterrupt in a progress handler is such a stop. Whichever statement of our own it falls
    in, the user's is interrupted, and does not go on with what was not learned."""
    server.psql("DROP TABLE IF EXISTS few; CREATE TABLE few (id int PRIMARY KEY, a text DEFAULT 'd'); "
                "INSERT INTO few SELECT i, 'x' FROM generate_series(1, 3) i", database="c")
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_attach(?, 'name=s')", (server.url("c"),))
    connection.execute("CREATE TEMP TABLE noted(id)")
    connection.execute("CREATE TEMP TRIGGER note AFTER INSERT ON noted BEGIN "
                       "INSERT INTO few(id) VALUES (new.id); END")

    def run(stop_at):
        connection.execute(first or "SAVEPOINT a")
        connection.execute("SELECT count(*) FROM few, sqlite_temp_schema")  # SQLite reads its schema
        try:
            return stopped_once(connection, sql, stop_at)
        finally:
            if connection.in_transaction:  # an interrupted write ends it
                connection.execute("ROLLBACK")

    run(None)
    steps, code = run(None)
    assert code == 0 and steps > 10
    stops = range(1, steps + 1, max(1, steps // 14))
    ended = [run(number) for number in stops]
    # A wait for the server costs steps now and then: without it the last stops are not reached.
    assert all(code == INTERRUPT or asked < number for (asked, code), number in zip(ended, stops)), ended
    assert INTERRUPT in [code for _, code in ended]
    assert server.psql("SELECT a FROM few", database="c") == [("x",)] * 3
    assert connection.execute("SELECT count(*) FROM few").fetchone() == (3,)
    connection.close()


# ------------------------------------------------------------------ timeouts

def in_time(run, limit_s, code, words):
    start = time.monotonic()
    found, text = failure_of(run)
    took = time.monotonic() - start
    assert found == code and words in text, (found, text)
    assert took < limit_s + RETURNS_S, took


def test_statement_timeout(server):
    with opened(server, "statement_timeout_ms=300") as connection:
        in_time(lambda: connection.execute("SELECT * FROM slow").fetchall(), 0.3, BUSY_TIMEOUT,
                "canceling statement due to statement timeout")


def test_statement_timeout_of_a_stopped_server(server):
    """The server cannot keep it then, so it is kept here."""
    with opened(server, "statement_timeout_ms=300") as connection:
        with paused(server):
            in_time(lambda: connection.execute("SELECT * FROM t").fetchall(), 0.3, BUSY_TIMEOUT,
                    "no answer, although statement_timeout_ms has passed")


def test_connect_timeout_of_a_stopped_server(server):
    with opened(server) as connection:
        connection.execute("SELECT bridge_server('s', ?, 'connect_timeout_ms=400')",
                           (server.url("c", tcp=True),))
        with paused(server):
            in_time(lambda: connection.execute("SELECT * FROM t").fetchall(), 0.4, CANTOPEN,
                    "no answer within 400 ms")


def test_connect_timeout_of_a_black_hole(server, black_hole):
    with opened(server) as connection:
        connection.execute("SELECT bridge_server('s', ?, 'connect_timeout_ms=400')",
                           (server.url("c", port=black_hole),))
        in_time(lambda: connection.execute("SELECT * FROM t").fetchall(), 0.4, CANTOPEN,
                "no answer within 400 ms")
        connection.execute("SELECT bridge_server('s', ?)", (server.url("c"),))


# ------------------------------------------------------------------ Ctrl-C

def heed_ctrl_c():
    """What a shell starts in the background inherits that SIGINT is ignored; Python then keeps it so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Child:
    """A program that is sent SIGINT while it waits, alone, as a terminal would."""

    def __init__(self, words, script=""):
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=sqlite.environment(), preexec_fn=heed_ctrl_c)
        self.process.stdin.write(script)
        self.process.stdin.flush()

    def interrupt(self, rest=""):
        """What it printed, having ended in time."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.stdin.write(rest)
        try:
            out, err = self.process.communicate(timeout=20)
        finally:
            self.process.kill()
        assert time.monotonic() - start < RETURNS_S, (canary.seen(out), canary.seen(err))
        return canary.seen(out), canary.seen(err)


def running(server):
    return server.psql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'drawbridge' "
                       "AND wait_event = 'PgSleep'", database="postgres")


def wait_for(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def shell(server, then):
    return Child([sqlite.SHELL, "-batch", "-init", "/dev/null"],
                 f".load {sqlite.SO.with_suffix('')}\nSELECT bridge_attach('{server.url('c')}', 'name=s');\n"
                 f"{then}\n")


def test_ctrl_c_in_the_shell(server):
    child = shell(server, "SELECT * FROM slow;")
    wait_for(lambda: running(server))
    out, err = child.interrupt()
    assert "interrupted" in err, (out, err)
    quiet(server)


@pytest.mark.parametrize("what", ["stopped server", "black hole"])
def test_ctrl_c_in_the_shell_while_nothing_answers(server, what, tmp_path):
    """The file says when it begins to wait."""
    began = tmp_path / "began"
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = server.url("c", port=silent.getsockname()[1] if what == "black hole" else server.port)
        child = shell(server, f"SELECT bridge_server('s', '{url}', 'set.a.c=1');\n.shell touch {began}\n"
                              ".shell sleep 0.5\nSELECT count(*) FROM t;")
        wait_for(began.exists)
        if what == "stopped server":
            with paused(server):
                time.sleep(1)
                out, err = child.interrupt()
        else:
            time.sleep(1)
            out, err = child.interrupt()
    assert "interrupted" in err, (out, err)
    quiet(server)


PYTHON = """
import signal, sqlite3, sys
db = sqlite3.connect(":memory:", isolation_level=None)
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
db.execute("SELECT bridge_attach(?)", (sys.stdin.readline().strip(),))

stop = False
def note(number, frame):
    global stop
    stop = True

signal.signal(signal.SIGINT, note)
db.set_progress_handler(lambda: stop, 1000)
try:
    db.execute("SELECT * FROM slow").fetchall()
except sqlite3.OperationalError as error:
    print(str(error).splitlines()[0])
stop = False
print(db.execute("SELECT count(*) FROM t").fetchone())
"""

# Without a handler of its own: KeyboardInterrupt is raised inside the progress handler.
PYTHON_PLAIN = """
import sqlite3, sys
db = sqlite3.connect(":memory:", isolation_level=None)
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
db.execute("SELECT bridge_attach(?)", (sys.stdin.readline().strip(),))
db.set_progress_handler(lambda: 0, 1000)
try:
    db.execute("SELECT * FROM slow").fetchall()
except (KeyboardInterrupt, sqlite3.OperationalError) as error:
    print("interrupted")
print(db.execute("SELECT count(*) FROM t").fetchone())
"""


@pytest.mark.parametrize("program", [
    pytest.param(PYTHON, id="own handler"), pytest.param(PYTHON_PLAIN, id="KeyboardInterrupt")])
def test_ctrl_c_in_python(server, program):
    """Python notes the signal while its main thread is in SQLite; a progress handler lets it act."""
    child = Child([sys.executable, "-c", program, sqlite.SO], server.url("c") + "\n")
    wait_for(lambda: running(server))
    out, err = child.interrupt()
    assert out == "interrupted\n(50000,)\n", (out, err)
    quiet(server)
