"""Passwords show nowhere, and a database file from a stranger connects nowhere."""
import json
import sqlite3
from pathlib import Path

import pytest

from support import canary, sqlite


@pytest.fixture(scope="module")
def url(pg):
    pg.create_database("secret", "c")
    pg.psql("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one')",
            database="secret")
    return pg.url("secret", password=canary.PASSWORD)


def test_nothing_shows_the_password(url, tmp_path):
    log = tmp_path / "log"
    file = tmp_path / "file.db"
    script = f"""SELECT bridge_attach('{url}', 'as=main', 'name=s', 'log_parameters=1', 'log_file={log}');
        SELECT * FROM t WHERE a = 'one';
        SELECT * FROM bridge_servers; SELECT * FROM bridge_log; SELECT * FROM bridge_tables;
        SELECT * FROM bridge_explain('SELECT * FROM t');
        SELECT * FROM nowhere;
        SELECT bridge_attach('{url}', 'nonsense=1');
        SELECT bridge_attach('{url}x');
        SELECT bridge_server('other', '{url}', 'role=nobody'); SELECT bridge_ping('other');
        CREATE VIRTUAL TABLE mine USING postgres(url='{url}', table=t);
        SELECT sql FROM sqlite_schema;
        .dump
        .schema
        """
    result = sqlite.shell(script, database=str(file), env={"DRAWBRIDGE_TRACE": "all"})
    assert "one" in result.out and "cannot hold a password" in result.err
    canary.seen(file.read_bytes())
    canary.seen(log.read_text())
    assert json.loads(log.read_text().splitlines()[0])


DEFINITIONS = {
    "a URL of its own": "CREATE VIRTUAL TABLE t USING postgres(url='{url}', table=t)",
    "a server nobody named": "CREATE VIRTUAL TABLE t USING postgres(server=s, schema=public, table=t)",
    "the environment": "CREATE VIRTUAL TABLE t USING postgres(url='env:DATABASE_URL', table=t)",
    "a query": "CREATE VIRTUAL TABLE t USING postgres(url='{url}', query='SELECT 1 AS a')",
    "a SQLite file": "CREATE VIRTUAL TABLE t USING sqlite(url='sqlite:{other}', table=t)",
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_strangers_file_connects_nowhere(pg, url, tmp_path, monkeypatch, name):
    """The definition is written into the file by hand, as a stranger would; trust goes both ways."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as made:
        made.execute("CREATE TABLE t(a)")
    plain = url.replace(canary.PASSWORD, "wrong")
    file = tmp_path / "strange.db"
    with sqlite3.connect(file) as made:
        made.execute("PRAGMA writable_schema = ON")
        definition = DEFINITIONS[name].format(url=plain, other=other)
        made.execute("INSERT INTO sqlite_schema VALUES('table', 't', 't', 0, ?)", (definition,))
        made.execute("CREATE VIEW v AS SELECT * FROM t")
    monkeypatch.setenv("DATABASE_URL", url)
    before = pg.psql("SELECT sessions FROM pg_stat_database WHERE datname = 'secret'", database="postgres")
    for trusted in (0, 1):
        connection = sqlite.connect(str(file))
        connection.execute(f"PRAGMA trusted_schema = {trusted}")
        for sql in ("SELECT * FROM t", "SELECT * FROM v"):
            code, message = sqlite.error(connection, sql)
            assert "server" in message
        assert connection.execute("SELECT count(*) FROM bridge_servers").fetchone() == (0,)
        connection.close()
    assert pg.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'secret' "
                   "AND application_name = 'drawbridge'", database="postgres") == [(0,)]
    assert before is not None


def test_found_tables_serve_no_views(url, tmp_path):
    """A server that this session named may be read, but not through the file's own views."""
    file = str(tmp_path / "own.db")
    connection = sqlite.connect(file)
    connection.execute("SELECT bridge_attach(?, 'as=main', 'name=s')", (url,))
    connection.execute("CREATE VIEW v AS SELECT * FROM t")
    assert connection.execute("SELECT * FROM v").fetchall() == [(1, "one")]
    connection.close()
    connection = sqlite.connect(file)
    connection.execute("SELECT bridge_server('s', ?)", (url,))
    assert connection.execute("SELECT * FROM t").fetchall() == [(1, "one")]
    assert "unsafe use" in sqlite.error(connection, "SELECT * FROM v")[1]


@pytest.mark.parametrize("sql", ["SELECT bridge_attach('{url}')", "SELECT bridge_server('x', '{url}')",
                                 "SELECT * FROM bridge_query('s', 'SELECT 1')"])
def test_locked(url, sql):
    connection = sqlite.connect()
    connection.execute("SELECT bridge_attach(?, 'name=s')", (url,))
    connection.execute("SELECT bridge_lock()")
    code, message = sqlite.error(connection, sql.format(url=url))
    assert code == sqlite3.SQLITE_AUTH and "locked" in message
    assert connection.execute("SELECT a FROM t").fetchall() == [("one",)]


@pytest.mark.plain  # the sanitized program brings a runtime of its own
def test_process_titles(url):
    """Neither the command's own arguments nor those of its child hold the password."""
    program = Path(sqlite.SO).with_name("drawbridge")
    result = sqlite.command([program, url], stdin=".system cat /proc/$PPID/cmdline\n"
                                                 ".system ps -e -o args\n")
    assert "sqlite3" in result.out and result.code == 0


# What the file of a stranger may hold beside tables, and what its owner may do to it.
@pytest.mark.parametrize("trusted", (0, 1))
@pytest.mark.parametrize("made, sql", [
    ("CREATE VIEW v AS SELECT bridge_attach('{url}')", "SELECT * FROM v"),
    ("CREATE VIEW v AS SELECT * FROM bridge_query('s', 'SELECT 1')", "SELECT * FROM v"),
    ("CREATE VIEW v AS SELECT * FROM bridge_servers", "SELECT * FROM v"),
    ("CREATE VIEW v AS SELECT bridge_ping('s')", "SELECT * FROM v"),
    ("CREATE TABLE v(a, b AS (bridge_server('x', '{url}')))", "SELECT * FROM v"),
    ("CREATE TABLE v(a CHECK (bridge_server('x', '{url}') IS NULL))", "INSERT INTO v VALUES(1)"),
    ("CREATE TABLE v(a, b DEFAULT (bridge_server('x', '{url}')))", "INSERT INTO v(a) VALUES(1)"),
    ("CREATE TABLE v(a); CREATE TRIGGER r AFTER INSERT ON v BEGIN SELECT bridge_attach('{url}'); END",
     "INSERT INTO v VALUES(1)"),
    ("CREATE TABLE v(a); CREATE TRIGGER r AFTER INSERT ON v BEGIN "
     "INSERT INTO v SELECT row FROM bridge_query('s', 'SELECT 1'); END", "INSERT INTO v VALUES(1)"),
])
def test_a_strangers_schema_calls_nothing(pg, url, tmp_path, trusted, made, sql):
    """The session has named a server s, which the file would like to use."""
    file = tmp_path / "strange.db"
    by_hand = sqlite3.connect(file)
    by_hand.execute("PRAGMA writable_schema = ON")
    for definition in made.format(url=url.replace(canary.PASSWORD, "wrong")).split("; CREATE "):
        definition = definition if definition.startswith("CREATE") else "CREATE " + definition
        kind, name = definition.split()[1].lower(), definition.split()[2].split("(")[0]
        page = 0
        if kind == "table":
            by_hand.execute("CREATE TABLE v(a)")
            by_hand.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'v'", (definition,))
        else:
            by_hand.execute("INSERT INTO sqlite_schema VALUES(?, ?, 'v', ?, ?)",
                            (kind, name, page, definition))
    by_hand.commit()
    by_hand.close()
    connection = sqlite.connect(str(file), isolation_level=None)
    connection.execute(f"PRAGMA trusted_schema = {trusted}")
    connection.execute("SELECT bridge_server('s', ?)", (url,))
    code, message = sqlite.error(connection, sql)
    assert any(words in message for words in ("unsafe use", "prohibited", "non-deterministic", "malformed")), message
    if "malformed" not in message:  # then nothing at all can be read
        assert connection.execute("SELECT name, state FROM bridge_servers").fetchall() == [("s", "new")]


def test_locked_by_the_environment(url):
    script = (f"SELECT bridge_attach('{url}');\nSELECT bridge_server('s', '{url}');\n"
              f"CREATE VIRTUAL TABLE x USING postgres(url='{url}', table=t);\n"
              "SELECT count(*) FROM bridge_servers;\n")
    result = sqlite.shell(script, env={"DRAWBRIDGE_LOCK": "1"})
    assert result.err.count("locked") == 3 and result.out == "0\n", result


def test_the_authorizer_is_asked(url):
    """It may deny a function, a table and a column as with any other."""
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_attach(?, 'name=s')", (url,))

    def deny(action, first, second, *_):
        denied = (action, first, second) == (sqlite3.SQLITE_READ, "t", "a") or \
            action == sqlite3.SQLITE_FUNCTION and second == "bridge_ping" or \
            (action, second) == (sqlite3.SQLITE_CREATE_VTABLE, "postgres")
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    connection.set_authorizer(deny)
    for sql, words in (("SELECT a FROM t", "access to t.a is prohibited"),
                       ("SELECT bridge_ping('s')", "not authorized to use function: bridge_ping"),
                       ("CREATE VIRTUAL TABLE temp.x USING postgres(server=s, table=t)", "not authorized"),
                       ("SELECT bridge_attach('" + url + "', 'as=again', 'name=again')", "not authorized")):
        code, message = sqlite.error(connection, sql)
        assert code & 0xff in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_ERROR) and words in message, message
    assert connection.execute("SELECT id FROM t").fetchall() == [(1,)]
    assert connection.execute("SELECT count(*) FROM bridge_tables WHERE server = 'again'").fetchone() == (0,)


def test_reading_under_query_only_and_defensive(url):
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_attach(?, 'name=s')", (url,))
    connection.execute("PRAGMA query_only = ON")
    assert connection.execute("SELECT * FROM t").fetchall() == [(1, "one")]
    assert sqlite.error(connection, "SELECT bridge_attach(?, 'name=z', 'prefix=z_')", (url,))[0] is not None
    connection.execute("PRAGMA query_only = OFF")
    assert connection.execute("SELECT * FROM t").fetchall() == [(1, "one")]


def test_a_change_is_followed_under_defensive(pg, url):
    """PRAGMA writable_schema is refused there; what connects the tables afresh is not."""
    newest = sqlite.connect_newest()
    newest.config(1010, 1)  # SQLITE_DBCONFIG_DEFENSIVE
    pg.psql("DROP TABLE IF EXISTS d; CREATE TABLE d AS SELECT 1 AS a", database="secret")
    list(newest.execute("SELECT bridge_attach(?, 'name=s')", (url,)))
    assert list(newest.execute("SELECT * FROM d")) == [(1,)]
    pg.psql("DROP TABLE d; CREATE TABLE d AS SELECT 'x' AS b, 2 AS c", database="secret")
    assert list(newest.execute("SELECT * FROM d")) == [("x", 2)]
    newest.close()
    pg.psql("DROP TABLE d", database="secret")
