"""Whoever writes can stop waiting as well: sqlite3_interrupt from another thread, a progress handler, the
timeouts, Ctrl-C; each in a statement that writes, in COMMIT, in bridge_exec and bridge_attach, against a
server that sleeps, one that is stopped, and a port where nobody answers.

It returns in 1.5 s, nothing of ours runs 2 s later, nothing was written unless the error says that nobody
knows, and the next write works. The bounds are those of test_interrupts.py."""
import pytest

from support import canary, sqlite
from test_interrupts import (BUSY_TIMEOUT, CANTOPEN, INTERRUPT, Child, black_hole, in_time,
                             paused, quiet, server, stopped, wait_for)

# 'sleep' waits as it is written, 'later' as it is committed.
TABLE = """
    DROP TABLE IF EXISTS w; CREATE TABLE w (id serial PRIMARY KEY, a text);
    INSERT INTO w(a) VALUES ('first'), ('sleep');
    CREATE OR REPLACE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF coalesce(new.a, old.a) = TG_ARGV[0] THEN PERFORM pg_sleep(30); END IF;
               RETURN coalesce(new, old); END';
    CREATE TRIGGER now BEFORE INSERT OR UPDATE OR DELETE ON w
        FOR EACH ROW EXECUTE FUNCTION waits('sleep');
    CREATE CONSTRAINT TRIGGER later AFTER INSERT ON w DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION waits('later')"""
FIRST = [(1, "first"), (2, "sleep")]

# What is said before, what waits.
DEEDS = {
    "insert": ([], "INSERT INTO w(a) VALUES ('sleep')"),
    "insert many": ([], "INSERT INTO w(a) SELECT CASE WHEN id > 700 THEN 'sleep' END FROM t WHERE id <= 1000"),
    "update": ([], "UPDATE w SET a = 'sleep' WHERE id = 1"),
    "delete": ([], "DELETE FROM w WHERE id = 2"),
    "in BEGIN": (["BEGIN", "INSERT INTO w(a) VALUES ('x')"], "INSERT INTO w(a) VALUES ('sleep')"),
    "commit": (["BEGIN", "INSERT INTO w(a) VALUES ('later')"], "COMMIT"),
    "autocommit": ([], "INSERT INTO w(a) VALUES ('later')"),
    "bridge_insert": ([], """SELECT bridge_insert('w', '[{"a": "x"}, {"a": "sleep"}]')"""),
    "bridge_update": ([], """SELECT bridge_update('w', '{"a": "sleep"}', '{"id": 1}')"""),
    "bridge_exec": ([], "SELECT bridge_exec('s', 'INSERT INTO w(a) VALUES (''sleep'')')"),
}
# ./check takes three of them, by one way; ./check all everything.
FEW = {"insert", "commit", "bridge_exec"}
EACH = pytest.mark.parametrize("deed", [pytest.param(deed, marks=[] if deed in FEW else pytest.mark.slow)
                                        for deed in DEEDS])
BY_ONE = pytest.mark.parametrize("by", ["interrupt", pytest.param("progress handler", marks=pytest.mark.slow)])
UNKNOWN, IOERR = "commit outcome unknown", 10


def awake(sql):
    """The same without a trigger that sleeps."""
    return sql.replace("sleep", "awake").replace("later", "awake")


def opened(server, *options):
    server.psql(TABLE, database="c")
    connection = sqlite.connect(isolation_level=None)
    marks = ", ?" * len(options)
    connection.execute(f"SELECT bridge_attach(?, 'name=s'{marks})", (server.url("c"), *options))
    connection.execute("SELECT count(*) FROM w").fetchall()
    return connection


def after(server, connection, words):
    """The remote is as it was, or nobody was told so; the next write works."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    quiet(server)
    found = server.psql("SELECT id, a FROM w ORDER BY id", database="c")
    assert found == FIRST or (UNKNOWN in words and len(found) <= 3), (found, words)
    connection.execute("INSERT INTO w(a) VALUES ('next')")
    assert connection.execute("SELECT count(*) FROM w").fetchone() == (len(found) + 1,)
    assert server.psql("SELECT count(*) FROM w WHERE a = 'next'", database="c") == [(1,)]
    connection.close()


def words_of(connection, sql):
    """A statement for stopped() and in_time(), and a place where its words will be."""
    words = []

    def said():
        try:
            connection.execute(sql).fetchall()
        except sqlite.sqlite3.Error as error:
            words.append(canary.seen(str(error)))
            raise

    return said, words


@BY_ONE
@EACH
def test_a_write_that_sleeps(server, deed, by):
    before, sql = DEEDS[deed]
    connection = opened(server)
    for statement in before:
        connection.execute(statement)
    said, words = words_of(connection, sql)
    stopped(connection, said, by)
    after(server, connection, words[0])


@BY_ONE
@EACH
def test_a_write_to_a_stopped_server(server, deed, by):
    before, sql = DEEDS[deed]
    connection = opened(server)
    for statement in before:
        connection.execute(awake(statement))
    said, words = words_of(connection, awake(sql))
    with paused(server):
        # Nobody knows what becomes of a COMMIT that was sent.
        stopped(connection, said, by, code=IOERR if deed == "commit" else INTERRUPT)
    after(server, connection, words[0])


@EACH
def test_statement_timeout_of_a_write(server, deed):
    before, sql = DEEDS[deed]
    connection = opened(server, "statement_timeout_ms=300")
    for statement in before:
        connection.execute(statement)
    said, words = words_of(connection, sql)
    in_time(said, 0.3, BUSY_TIMEOUT, "statement timeout")
    after(server, connection, words[0])


@EACH
def test_statement_timeout_of_a_write_to_a_stopped_server(server, deed):
    before, sql = DEEDS[deed]
    connection = opened(server, "statement_timeout_ms=300")
    for statement in before:
        connection.execute(awake(statement))
    said, words = words_of(connection, awake(sql))
    with paused(server):
        if deed == "commit":
            in_time(said, 0.3, IOERR, UNKNOWN)
        else:
            in_time(said, 0.3, BUSY_TIMEOUT, "statement_timeout_ms has passed")
    after(server, connection, words[0])


# ------------------------------------------------------------------ attach

@BY_ONE
def test_attach_of_a_black_hole(server, black_hole, by):
    connection = opened(server)
    said, _ = words_of(connection, f"SELECT bridge_attach('{server.url('c', port=black_hole)}', 'as=other')")
    stopped(connection, said, by)
    after(server, connection, "")


@BY_ONE
def test_attach_of_a_stopped_server(server, by):
    connection = opened(server)
    said, _ = words_of(connection, f"SELECT bridge_attach('{server.url('c')}', 'as=other', 'set.a.d=1')")
    with paused(server):
        stopped(connection, said, by)
    after(server, connection, "")


def test_connect_timeout_of_attach(server, black_hole):
    connection = opened(server)
    said, _ = words_of(connection, f"SELECT bridge_attach('{server.url('c', port=black_hole)}', 'as=other', "
                       "'connect_timeout_ms=400')")
    in_time(said, 0.4, CANTOPEN, "no answer within 400 ms")
    after(server, connection, "")


@pytest.mark.parametrize("by", ["statement timeout", pytest.param("interrupt", marks=pytest.mark.slow),
                                pytest.param("progress handler", marks=pytest.mark.slow)])
def test_attach_that_waits_for_a_lock(server, by):
    """Of a relation that another session holds: its catalog is read all the same, or the wait ends."""
    connection = opened(server)
    url, timeout = server.url("c"), "statement_timeout_ms=300"
    said, _ = words_of(connection, f"SELECT bridge_attach('{url}', 'as=other', '{timeout}')"
                       if by == "statement timeout" else f"SELECT bridge_attach('{url}', 'as=other')")
    with server.connect("c") as other:
        other.execute("BEGIN; LOCK TABLE pg_catalog.pg_constraint IN ACCESS EXCLUSIVE MODE")
        if by == "statement timeout":
            in_time(said, 0.3, BUSY_TIMEOUT, "statement timeout")
        else:
            stopped(connection, said, by)
        other.execute("ROLLBACK")
    after(server, connection, "")


# ------------------------------------------------------------------ Ctrl-C in the shell

@pytest.mark.parametrize("deed", ["insert", pytest.param("commit", marks=pytest.mark.slow),
                                  pytest.param("bridge_exec", marks=pytest.mark.slow)])
def test_ctrl_c_in_the_shell(server, deed):
    server.psql(TABLE, database="c")
    before, sql = DEEDS[deed]
    child = Child([sqlite.SHELL, "-batch", "-init", "/dev/null"],
                  f".load {sqlite.SO.with_suffix('')}\nSELECT bridge_attach('{server.url('c')}', 'name=s');\n"
                  + "".join(f"{statement};\n" for statement in [*before, sql]))
    wait_for(lambda: server.psql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'drawbridge' "
                                 "AND wait_event = 'PgSleep'", database="postgres"))
    out, err = child.interrupt()
    assert "interrupted" in err, (out, err)
    quiet(server)
    assert server.psql("SELECT id, a FROM w ORDER BY id", database="c") == FIRST
