"""The parts that the other tests stand on: they need no extension."""
import os
import select
import socket
import subprocess
import time

import apsw
import psycopg
import pytest

from support import canary, sqlite, venv
from support.proxy import Proxy

NEWEST_SQLITE = "3.54.1"


def test_each_server_is_of_its_version(any_pg):
    number = int(any_pg.psql("SHOW server_version_num", database="c")[0][0])
    assert str(number // 10000) == any_pg.version


@pytest.mark.parametrize("kind, encoding, collate, first", [
    ("libc", "UTF8", "en_US.UTF-8", "a"), ("turkish", "UTF8", "tr_TR.UTF-8", "a"),
    ("c", "UTF8", "C", "B"), ("latin1", "LATIN1", "C", "B"), ("ascii", "SQL_ASCII", "C", "B"),
])
def test_each_server_has_its_libc_databases(any_pg, kind, encoding, collate, first):
    rows = any_pg.psql("""SELECT pg_encoding_to_char(encoding), datcollate,
        (SELECT min(x) FROM (VALUES ('a'), ('B')) t(x))
        FROM pg_database WHERE datname = current_database()""", database=kind)
    assert rows == [(encoding, collate, first)]


@pytest.mark.parametrize("server", ["pg", "pg18"])
def test_servers_from_15_have_an_icu_database(request, server):
    server = request.getfixturevalue(server)
    assert server.psql("""SELECT datlocprovider, (SELECT min(x) FROM (VALUES ('a'), ('B')) t(x))
        FROM pg_database WHERE datname = current_database()""") == [("i", "a")]


def test_12_has_icu_collations(pg12):
    assert pg12.psql("SELECT 'a' < 'B' COLLATE \"en-x-icu\"", database="c") == [(True,)]


def test_contrib_types_are_there(any_pg):
    any_pg.create_database("contrib")
    try:
        any_pg.psql("CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw",
                    database="contrib")
    finally:
        any_pg.drop_database("contrib")


def test_the_server_is_not_root(pg):
    assert os.stat(f"/proc/{pg.process.pid}").st_uid != 0


def test_a_wrong_password_is_refused(pg):
    for tcp in (False, True):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(pg.url("c", password="wrong", tcp=tcp))


def test_a_server_stops_and_starts_again(own_pg):
    own_pg.psql("CREATE TABLE t AS SELECT 1 AS a", database="c")
    own_pg.restart("immediate")
    assert own_pg.psql("SELECT a FROM t", database="c") == [(1,)]


def answer(connection):
    """The value asked for by send_query(); libpq alone would wait with Python's lock held."""
    while connection.pgconn.is_busy():
        select.select([connection.pgconn.socket], [], [], 10)
        connection.pgconn.consume_input()
    value = connection.pgconn.get_result().get_value(0, 0)
    assert connection.pgconn.get_result() is None
    return value


def test_a_paused_server_is_silent(own_pg):
    with own_pg.connect("c") as connection:
        own_pg.pause()
        try:
            connection.pgconn.send_query(b"SELECT 1")
            time.sleep(0.2)
            connection.pgconn.consume_input()
            assert connection.pgconn.is_busy()
        finally:
            own_pg.cont()
        assert answer(connection) == b"1"


def test_a_removed_server_leaves_nothing():
    from support.postgres import Postgres
    server = Postgres("15").start()
    folder, pids = server.folder, server.processes()
    server.remove()
    assert not folder.exists()
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def test_apsw_is_the_newest_sqlite():
    assert apsw.sqlite_lib_version() == NEWEST_SQLITE


def test_both_shells_are_of_their_version():
    query = "SELECT sqlite_version();"
    assert sqlite.shell(query, load=False).out == "3.40.1\n"
    assert sqlite.shell(query, load=False, newest=True).out == NEWEST_SQLITE + "\n"


def test_python_runs_on_both_sqlites():
    script = "import sqlite3; print(sqlite3.sqlite_version)"
    for newest, version in ((False, "3.40.1"), (True, NEWEST_SQLITE)):
        done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, text=True,
                              env=sqlite.environment(newest=newest))
        assert (done.stdout, done.stderr) == (version + "\n", "")


@pytest.mark.parametrize("name, module, version", [
    ("sqlalchemy14", "sqlalchemy", "1.4."), ("sqlalchemy20", "sqlalchemy", "2.0."),
    ("datasette", "datasette", "0.65."),
])
def test_each_environment_has_its_version(name, module, version):
    done = venv.run(name, f"import {module}; print({module}.__version__)")
    assert done.code == 0 and done.out.startswith(version), done


def test_the_shell_tells_out_from_err():
    done = sqlite.shell("SELECT 1; SELECT nonsense;", load=False)
    assert (done.out, done.code) == ("1\n", 1)
    assert "no such column: nonsense" in done.err


def test_a_shown_password_is_found():
    canary.seen("nothing here")
    canary.seen(b"\xff" + canary.PASSWORD.encode())
    assert canary.leaks(["also " + canary.PASSWORD]) == ["\ufffd<THE PASSWORD>",
                                                         "also <THE PASSWORD>"]
    assert canary.leaks() == []


@pytest.fixture
def proxy(pg):
    with Proxy(("127.0.0.1", pg.port)) as proxy:
        yield proxy


def connect_through(pg, proxy):
    return psycopg.connect(pg.url("c", port=proxy.port, sslmode="disable", gssencmode="disable"),
                           autocommit=True)


def test_the_proxy_counts_round_trips(pg, proxy):
    with connect_through(pg, proxy) as connection:
        proxy.reset_counts()
        for _ in range(5):
            connection.execute("SELECT 1")
        assert proxy.counts.turns == 5
        assert proxy.counts.client_bytes > 0 and proxy.counts.server_bytes > 0


def test_the_proxy_is_slow_when_asked(pg, proxy):
    with connect_through(pg, proxy) as connection:
        proxy.latency_ms = 20
        start = time.monotonic()
        connection.execute("SELECT 1")
        assert time.monotonic() - start >= 0.04


def test_the_proxy_cuts_after_bytes(pg, proxy):
    with connect_through(pg, proxy) as connection:
        proxy.cut_after(server=10000)
        before = proxy.counts.server_bytes
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT repeat('x', 100000)")
        assert proxy.counts.server_bytes - before >= 10000


def test_the_proxy_freezes_and_thaws(pg, proxy):
    with connect_through(pg, proxy) as connection:
        proxy.freeze()
        connection.pgconn.send_query(b"SELECT 1")
        time.sleep(0.1)
        connection.pgconn.consume_input()
        assert connection.pgconn.is_busy()
        proxy.thaw()
        assert answer(connection) == b"1"


def test_the_proxy_stands_for_a_socket_too(pg, tmp_path):
    with Proxy(pg.socket_path, unix=str(tmp_path / ".s.PGSQL.5432")) as proxy:
        with psycopg.connect(host=str(tmp_path), port=5432, dbname="postgres", user="postgres",
                             password=pg.password) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert proxy.counts.connections == 1


def test_a_closed_proxy_refuses():
    proxy = Proxy(("127.0.0.1", 1))
    proxy.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port))
