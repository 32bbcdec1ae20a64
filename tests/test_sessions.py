"""Sessions: the pool that keeps them for the next connection, what is cleaned on the way, a fork, and
what they are opened with: role, settings, several hosts, TLS, SCRAM."""
import ctypes
import gc
import json
import os
import socket
import subprocess
import time

import pytest

from support import canary, sqlite
from support.postgres import Postgres

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, tenant text);
INSERT INTO t SELECT i, 'tenant ' || i % 3 FROM generate_series(1, 30000) i;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON t USING (tenant = current_setting('app.tenant'));
CREATE VIEW whoami AS SELECT current_user::text AS who, session_user::text AS login,
    current_setting('app.tenant', true) AS tenant, current_setting('work_mem') AS memory,
    pg_backend_pid() AS pid;
CREATE FUNCTION dirty() RETURNS int LANGUAGE sql AS $$
    SELECT set_config('work_mem', '77MB', false), set_config('DateStyle', 'German', false),
        set_config('role', 'nobody', false), pg_advisory_lock(42); SELECT 1 $$;
CREATE VIEW dirt AS SELECT dirty() AS a;
CREATE ROLE nobody; CREATE ROLE "odd role'; DROP TABLE t; --";
CREATE ROLE client LOGIN PASSWORD '{password}';
CREATE ROLE reader; GRANT reader, nobody, "odd role'; DROP TABLE t; --" TO client;
GRANT SELECT ON t TO reader, "odd role'; DROP TABLE t; --";
GRANT SELECT ON whoami, dirt TO public;
"""


@pytest.fixture(scope="module")
def server():
    server = Postgres("15", {"log_min_messages": "debug1"})
    try:
        server.start()
        server.psql(SETUP.format(password=server.password), database="c")
        yield server
    finally:
        server.remove()


@pytest.fixture(autouse=True)
def emptied(request):
    """What earlier tests left in the pool is closed by the server, so that each starts with none."""
    if "server" in request.fixturenames:
        ended(request.getfixturevalue("server"))


def ended(server):
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'drawbridge'", database="postgres")
    wait_for(lambda: not backends(server))


def wait_for(true, seconds=10):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def backends(server):
    return {pid for pid, in server.psql("SELECT pid FROM pg_stat_activity WHERE "
                                        "application_name = 'drawbridge'", database="postgres")}


def opened(url, *options, tables="*"):
    connection = sqlite.connect(isolation_level=None)
    marks = ", ?" * len(options)
    connection.execute(f"SELECT bridge_attach(?, 'name=s', ?{marks})",
                       (url, f"tables={tables}", *options)).fetchone()
    return connection


def who(connection):
    return connection.execute("SELECT who, login, tenant, memory FROM whoami").fetchone()


def pid(connection):
    return connection.execute("SELECT pid FROM whoami").fetchone()[0]


def pid_once(url, *options):
    connection = opened(url, *options)
    found = pid(connection)
    connection.close()
    return found


# ------------------------------------------------------------------ the pool

def test_a_session_serves_the_next_connection(server):
    first = pid_once(server.url("c"))
    assert pid_once(server.url("c")) == first
    assert backends(server) == {first}


def test_a_session_serves_the_next_attach(server):
    connection = opened(server.url("c"))
    first = pid(connection)
    connection.execute("SELECT bridge_detach('s')").fetchone()
    connection.execute("SELECT bridge_attach(?)", (server.url("c"),)).fetchone()
    assert pid(connection) == first
    connection.close()


def test_a_session_has_one_holder(server):
    one, two = opened(server.url("c")), opened(server.url("c"))
    assert pid(one) != pid(two)
    one.close()
    two.close()


DIFFERENT = ["role=reader", "set.app.tenant=x", "set.app.tenant=y", "set.app.other=x", "pooler=none",
             "statement_timeout_ms=5000"]


def test_the_key_has_everything_that_a_session_is_opened_with(server, monkeypatch):
    plain = pid_once(server.url("c"))
    found = {plain} | {pid_once(server.url("c"), word) for word in DIFFERENT}
    found.add(pid_once(server.url("c", user="client")))
    found.add(pid_once(server.url("c", connect_timeout=9)))
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=9MB")
    found.add(pid_once(server.url("c")))
    assert len(found) == len(DIFFERENT) + 4
    monkeypatch.delenv("PGOPTIONS")
    assert pid_once(server.url("c"), "log=5") == plain  # what only the holder looks at is no part


def test_not_more_are_kept_than_is_good(server):
    connections = [opened(server.url("c")) for _ in range(12)]
    pids = {pid(connection) for connection in connections}
    assert len(pids) == 12 == len(backends(server))
    for connection in connections:
        connection.close()
    wait_for(lambda: len(backends(server)) == 8)


def test_what_is_not_to_be_kept_is_closed(server):
    pid_once(server.url("c"), "idle_close_ms=0")
    wait_for(lambda: not backends(server))


def test_what_waits_too_long_is_closed(server):
    first = pid_once(server.url("c"), "idle_close_ms=200")
    time.sleep(0.3)
    other = opened(server.url("c", user="client"), tables="whoami")  # any use of the pool
    wait_for(lambda: first not in backends(server))
    other.close()


def test_what_a_connection_holds_too_long_is_opened_anew(server):
    connection = opened(server.url("c"), "idle_close_ms=200")
    first = pid(connection)
    assert pid(connection) == first
    time.sleep(0.3)
    second = pid(connection)
    assert second != first
    wait_for(lambda: backends(server) == {second})
    rows = connection.execute("SELECT id FROM t ORDER BY id")  # an open cursor is no idleness
    assert rows.fetchone() == (1,)
    time.sleep(0.3)
    assert pid(connection) == second
    rows.close()
    connection.close()


@pytest.mark.parametrize("how", ["bridge_query", "view"])
def test_the_next_holder_finds_it_clean(server, how):
    first = opened(server.url("c"))
    found = pid(first)
    if how == "view":
        assert first.execute("SELECT a FROM dirt").fetchone() == (1,)
    else:
        assert first.execute("SELECT row FROM bridge_query('s', 'SELECT dirty()')").fetchone()
    first.close()
    second = opened(server.url("c"))
    assert who(second) == ("postgres", "postgres", None, "4MB")
    assert pid(second) == found
    assert second.execute("SELECT row FROM bridge_query('s', 'SELECT current_date > ''1.2.2001''::date AS a, "
                          "current_setting(''DateStyle'') AS b')").fetchone()[0].endswith('"ISO, MDY"}')
    assert server.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", database="c") == [(0,)]
    second.close()


def test_a_session_that_died_while_it_waited_is_replaced_unseen(server):
    first = pid_once(server.url("c"))
    ended(server)
    assert pid_once(server.url("c")) != first
    connection = opened(server.url("c"))
    for sql in ("SELECT bridge_ping('s')", "SELECT bridge_refresh('s')", "SELECT count(*) FROM t",
                "SELECT * FROM bridge_query('s', 'SELECT 1')"):
        ended(server)
        assert connection.execute(sql).fetchone() is not None
    connection.close()


def test_a_session_whose_role_was_taken_away_is_not_lent(server):
    url = server.url("c", user="client")
    connection = opened(url, "role=reader", tables="whoami")
    server.psql("REVOKE reader FROM client", database="c")
    try:
        connection.close()  # here the role is set again, and refused
        code, text = sqlite.error(sqlite.connect(), "SELECT bridge_attach(?, 'role=reader')", (url,))
        assert "permission denied to set role \"reader\"" in text, text
    finally:
        server.psql("GRANT reader TO client", database="c")


def test_a_statement_left_unread_does_not_hinder(server):
    connection = opened(server.url("c"))
    found = pid(connection)
    connection.execute("SELECT id FROM t").fetchone()
    connection.close()
    gc.collect()
    assert pid_once(server.url("c")) == found


def test_a_program_that_ends_says_goodbye(server):
    """The shell ends while the session it gave back is being cleaned."""
    log = len(server.log())
    for _ in range(3):
        done = sqlite.shell(f"SELECT bridge_attach('{server.url('c')}', 'tables=whoami'); SELECT who FROM whoami;")
        assert done.out == "1\npostgres\n"
    wait_for(lambda: not backends(server))
    unheard_of(server.log()[log:])


def unheard_of(text):
    for words in ("unexpected EOF", "could not receive data", "could not send data", "Connection reset"):
        assert words not in text, text


# ------------------------------------------------------------------ fork

def in_child(do):
    """What do() gave, as text, in a child that then ends as a program in C does."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = repr(do())
        except BaseException as error:
            found = canary.seen(str(error))
        os.write(writer, found.encode())
        ctypes.CDLL(None).exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as answer:
        return answer.read()


def test_a_fork_with_an_open_cursor(server):
    """The child asks on a session of its own, cannot read on in its parent's cursor, closes all; the
    parent goes on, and the server has seen no session end in another way than by its client's word."""
    connection = opened(server.url("c"))
    idle = pid_once(server.url("c", user="client"))  # one waits in the pool
    rows = connection.execute("SELECT id FROM t ORDER BY id")
    seen = [rows.fetchone()[0] for _ in range(10)]
    before = pid(connection)
    log = len(server.log())

    def child():
        own = pid(connection)
        found = connection.execute("SELECT count(*) FROM t").fetchone()
        pooled = pid_once(server.url("c", user="client"))
        try:
            rest = len(rows.fetchall())
        except sqlite.sqlite3.Error as error:
            rest = "belongs to the process that opened it" in str(error)
        connection.close()
        return own != before, found, pooled != idle, rest

    assert in_child(child) == "(True, (30000,), True, True)"
    seen += [row[0] for row in rows]
    assert seen == list(range(1, 30001))
    assert pid(connection) == before
    assert pid_once(server.url("c", user="client")) == idle
    connection.close()
    unheard_of(server.log()[log:])


def test_a_fork_of_a_fork(server):
    connection = opened(server.url("c"))
    mine = pid(connection)

    def child():
        own = pid(connection)
        return own != mine and in_child(lambda: pid(connection) not in (own, mine)) == "True" and \
            pid(connection) == own

    assert in_child(child) == "True"
    assert pid(connection) == mine
    connection.close()


# ------------------------------------------------------------------ role and settings

def test_role(server):
    url = server.url("c", user="client")
    with_role = opened(url, "role=reader", "set.app.tenant=tenant 1")
    assert who(with_role) == ("reader", "client", "tenant 1", "4MB")
    assert with_role.execute("SELECT count(*), min(tenant), max(tenant) FROM t").fetchone() == \
        (10000, "tenant 1", "tenant 1")
    with_role.close()
    without = opened(url, tables="whoami")
    assert who(without)[0] == "client"
    without.close()


def test_tenants_see_their_own_rows(server):
    """Row-level security by a setting, one session after the other and side by side."""
    url = server.url("c", user="client")
    for _ in range(2):
        tenants = [opened(url, "role=reader", f"set.app.tenant=tenant {i}") for i in range(3)]
        for i, connection in enumerate(tenants):
            assert connection.execute("SELECT DISTINCT tenant FROM t").fetchall() == [(f"tenant {i}",)]
        for connection in tenants:
            connection.close()


@pytest.mark.parametrize("value", ["x'; DROP TABLE t; --", "\\'; DROP TABLE t; --", "a\"b", "$1", "%s", "é€"])
def test_values_are_only_values(server, value):
    connection = opened(server.url("c"), f"set.app.tenant={value}", "set.standard.x=1")
    assert who(connection)[2] == value
    connection.close()


def test_a_role_with_an_odd_name(server):
    name = "odd role'; DROP TABLE t; --"
    connection = opened(server.url("c", user="client"), f"role={name}", "set.app.tenant=tenant 1")
    assert who(connection)[0] == name
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (10000,)
    connection.close()


FAIL_CLOSED = [
    ("role=nobody_at_all", 'role "nobody_at_all" does not exist'),
    ("role=postgres", 'permission denied to set role "postgres"'),
    ("set.no_such_setting=1", 'unrecognized configuration parameter "no_such_setting"'),
    ("set.app.=1", "invalid configuration parameter name"),
    ("set.log_min_messages=error", 'permission denied to set parameter "log_min_messages"'),
    ("set.work_mem=much", 'invalid value for parameter "work_mem"'),
    ("set.datestyle=German", "values are read under DateStyle"),
]


@pytest.mark.parametrize("option, words", FAIL_CLOSED, ids=[row[0] for row in FAIL_CLOSED])
def test_what_cannot_be_set_lets_nothing_be_read(server, option, words):
    connection = sqlite.connect(isolation_level=None)
    url = server.url("c", user="client")
    assert words in sqlite.error(connection, "SELECT bridge_attach(?, ?)", (url, option))[1]
    connection.execute("SELECT bridge_server('s', ?, ?)", (url, option))
    for sql in ("SELECT * FROM bridge_query('s', 'SELECT 1')", "SELECT bridge_ping('s')",
                "CREATE VIRTUAL TABLE t USING postgres(server=s, table=t)"):
        assert words in sqlite.error(connection, sql)[1]
    connection.close()


# ------------------------------------------------------------------ libpq's own options

@pytest.fixture(scope="module")
def standby(server):
    """A second server that refuses writes; not a replica of the first."""
    other = Postgres("15", {"default_transaction_read_only": "on"})
    try:
        other.start()
        with other.connect("postgres") as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("CREATE TABLE only_here (a int)")
        yield other
    finally:
        other.remove()


def several(one, two, attributes):
    return (f"postgresql://postgres:{one.password}@127.0.0.1:{one.port},127.0.0.1:{two.port}/postgres"
            f"?target_session_attrs={attributes}")


@pytest.mark.parametrize("attributes, wanted", [("any", "two"), ("read-write", "one"), ("read-only", "two")])
def test_several_hosts(server, standby, attributes, wanted):
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_server('s', ?)", (several(standby, server, attributes),))
    row = connection.execute("SELECT row FROM bridge_query('s', 'SHOW port')")
    assert row.fetchone() == (json.dumps({"port": str((standby if wanted == "two" else server).port)},
                                         separators=(",", ":")),)
    connection.close()


def test_the_second_host_when_the_first_is_gone(server):
    connection = sqlite.connect(isolation_level=None)
    gone = Postgres("15")
    gone.port = closed_port()
    connection.execute("SELECT bridge_server('s', ?)", (several(gone, server, "any"),))
    assert connection.execute("SELECT bridge_ping('s') >= 0").fetchone() == (1,)
    connection.close()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def secure(server, tmp_path_factory):
    """A server with a certificate for localhost; the root certificate's file beside it."""
    folder = tmp_path_factory.mktemp("tls")
    folder.chmod(0o755)
    run = lambda *words: subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost", "-keyout", "key", "-out", "root")
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other",
        "-keyout", "other.key", "-out", "other")
    tls = Postgres("15", {"ssl": "on"})
    try:
        tls._make()
        for name, source in (("server.key", "key"), ("server.crt", "root")):
            path = tls.folder / "data" / name
            path.write_bytes((folder / source).read_bytes())
            path.chmod(0o600)
            if tls._user is not None:
                os.chown(path, tls._user.pw_uid, tls._user.pw_gid)
        tls.start()
        yield tls, folder
    finally:
        tls.remove()


TLS = "SELECT row FROM bridge_query('s', 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')"


def test_tls(secure):
    tls, folder = secure
    connection = sqlite.connect(isolation_level=None)
    for words in ({"sslmode": "require"}, {"sslmode": "verify-full", "sslrootcert": folder / "root"}):
        connection.execute("SELECT bridge_server('s', ?)", (tls.url("c", host="localhost", **words),))
        assert connection.execute(TLS).fetchone() == ('{"ssl":true}',)
    connection.execute("SELECT bridge_server('s', ?)", (tls.url("c", host="localhost", sslmode="disable"),))
    assert connection.execute(TLS).fetchone() == ('{"ssl":false}',)
    for host, root, words in (("localhost", "other", "certificate verify failed"),
                              ("127.0.0.1", "root", "does not match host name")):
        connection.execute("SELECT bridge_server('s', ?)", (
            tls.url("c", host=host, sslmode="verify-full", sslrootcert=folder / root),))
        code, text = sqlite.error(connection, TLS)
        assert words in text, text
    connection.close()


def test_a_fork_under_tls(secure):
    """The child closes no more than its descriptor: a goodbye of TLS would end the parent's session."""
    tls, folder = secure
    connection = opened(tls.url("c", host="localhost", sslmode="require"))
    connection.execute("CREATE VIRTUAL TABLE n USING postgres(server=s, query='SELECT i FROM "
                       "generate_series(1, 20000) i')")
    rows = connection.execute("SELECT i FROM n")
    assert rows.fetchone() == (1,)
    assert in_child(lambda: (connection.execute("SELECT count(*) FROM n").fetchone(),
                             connection.close())) == "((20000,), None)"
    assert len(rows.fetchall()) == 19999
    connection.close()


def test_scram(server):
    """The server asks for it (initdb --auth=scram-sha-256), and can be made to be asked for it."""
    stored = server.psql("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid "
                         "WHERE rolname = 'client'", database="c")
    assert stored == [(True,)]
    connection = opened(server.url("c", user="client", tcp=True), tables="whoami")
    assert who(connection)[0] == "client"
    connection.close()
    text = sqlite.error(sqlite.connect(), "SELECT bridge_attach(?)",
                        (server.url("c", user="client", password="wrong", tcp=True),))[1]
    assert 'password authentication failed for user "client"' in text
