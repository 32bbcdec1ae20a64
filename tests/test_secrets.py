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


def test_process_titles(url):
    """Neither the command's own arguments nor those of its child hold the password."""
    program = Path(sqlite.SO).with_name("drawbridge")
    result = sqlite.command([program, url], stdin=".system cat /proc/$PPID/cmdline\n"
                                                 ".system ps -e -o args\n")
    assert "sqlite3" in result.out and result.code == 0
