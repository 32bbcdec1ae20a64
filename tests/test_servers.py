"""bridge_server, bridge_detach, bridge_refresh, bridge_ping, bridge_version, bridge_lock."""
import json
import sqlite3

import psycopg
import pytest

from support import sqlite
from support.remotes import (
    attach, check_failure, connect, file_remote, names, remote, rows, schemas, sqlite_remote,
    value)


# ---------------------------------------------------------------------------- server, detach, refresh

def test_server_connects_nothing(tmp_path):
    db = connect()
    assert value(db, "SELECT bridge_server('s', ?)", f"sqlite:{tmp_path}/none.db") == "s"
    assert rows(db, "SELECT name, state, place, tables, server_version FROM bridge_servers") == [
        ("s", "new", None, 0, None)]


def test_server_and_a_table_of_it(remote):
    db = connect()
    value(db, "SELECT bridge_server('s', ?, 'log=5')", remote.url)
    db.execute(f"CREATE VIRTUAL TABLE o USING {remote.driver}(server=s, table=orders)")
    assert value(db, "SELECT count(*) FROM o") == 3
    value(db, "SELECT bridge_server('S', ?)", remote.url)  # replaces it
    assert value(db, "SELECT count(*) FROM bridge_servers") == 1


@pytest.mark.parametrize("arguments, texts", [
    ([], ["the server's name is missing"]),
    (["s"], ["the URL is missing"]),
    (["s", None], ["the URL is missing"]),
    (["", "sqlite:"], ["the server's name is empty"]),
    (["postgresql://u:secret@h/d", "s"], ["cannot be a URL"]),
    (["s", "sqlite:", "tables=x"], ['"tables" belongs to bridge_attach']),
    (["s", "sqlite:", "nonsense=x"], ['unknown option "nonsense"']),
])
def test_server_refuses(arguments, texts):
    db = connect()
    marks = ", ".join("?" * len(arguments))
    failure = sqlite.error(db, f"SELECT bridge_server({marks})", arguments)
    check_failure(failure, "SQLITE_ERROR", *texts)
    assert "secret" not in failure[1]


def test_a_server_in_use_is_not_replaced_nor_detached(remote):
    db = connect()
    attach(db, remote, "name=s")
    cursor = db.execute("SELECT * FROM customers")
    cursor.fetchone()
    check_failure(sqlite.error(db, "SELECT bridge_server('s', 'sqlite:')"), "SQLITE_ERROR",
                  "cannot be replaced while")
    check_failure(sqlite.error(db, "SELECT bridge_detach('s')"), "SQLITE_ERROR", "cannot be detached while")
    assert len(cursor.fetchall()) == 2
    assert value(db, "SELECT bridge_detach('s')") == 3


def test_detach(remote):
    db = connect()
    attach(db, remote)
    assert value(db, "SELECT bridge_detach(?)", remote.name.upper()) == 3
    assert names(db) == set() and rows(db, "SELECT * FROM bridge_servers") == []
    check_failure(sqlite.error(db, "SELECT bridge_detach(?)", (remote.name,)), "SQLITE_ERROR",
                  f'no server is named "{remote.name}"')
    assert attach(db, remote) == 3


def test_detach_by_place_detaches_the_schema(remote):
    db = connect()
    attach(db, remote, "as=shop", "name=other")
    assert value(db, "SELECT bridge_detach('shop')") == 3
    assert schemas(db) == ["main"]


def test_detach_leaves_what_is_not_ours(file_remote):
    db = connect()
    attach(db, file_remote, "as=shop")
    db.execute("CREATE TABLE shop.mine(x)")
    assert value(db, "SELECT bridge_detach('shop')") == 3
    assert schemas(db) == ["main", "shop"] and names(db, "shop") == {"mine"}


def test_the_last_server_of_a_schema_detaches_it(file_remote, tmp_path):
    db = connect()
    other = sqlite_remote(tmp_path / "other.db")
    attach(db, file_remote, "as=shop", "name=a")
    attach(db, other, "as=shop", "name=b", "prefix=o_")
    assert value(db, "SELECT bridge_detach('a')") == 3
    assert names(db, "shop") == {"o_customers", "o_orders", "o_cities"}
    assert value(db, "SELECT bridge_detach('b')") == 3
    assert schemas(db) == ["main"]


def test_detach_of_a_schema_within_a_transaction(file_remote):
    db = connect()
    attach(db, file_remote, "as=shop")
    db.execute("BEGIN")
    check_failure(sqlite.error(db, "SELECT bridge_detach('shop')"), "SQLITE_ERROR", "within a transaction")
    db.execute("ROLLBACK")
    assert value(db, "SELECT bridge_detach('shop')") == 3


def test_detach_after_the_user_did_it(file_remote):
    db = connect()
    attach(db, file_remote, "as=shop")
    db.execute("DETACH shop")
    assert rows(db, "SELECT tables FROM bridge_servers") == [(0,)]
    assert value(db, "SELECT bridge_detach('shop')") == 0


def test_detach_after_a_replacement_and_a_rename(remote):
    db = connect()
    attach(db, remote, "name=s")
    db.execute("ALTER TABLE orders RENAME TO bills")
    db.execute(f"CREATE VIRTUAL TABLE mine USING {remote.driver}(server=s, table=orders)")
    value(db, "SELECT bridge_server('s', ?, 'readonly=1')", remote.url)
    assert value(db, "SELECT count(*) FROM bills") == 3
    assert value(db, "SELECT bridge_detach('s')") == 3
    assert names(db) == {"mine"}


def test_tables_of_a_detached_server_say_so(remote):
    db = connect()
    value(db, "SELECT bridge_server('s', ?)", remote.url)
    db.execute(f"CREATE VIRTUAL TABLE o USING {remote.driver}(server=s, table=orders)")
    assert value(db, "SELECT bridge_detach('s')") == 0
    check_failure(sqlite.error(db, "SELECT * FROM o"), "SQLITE_ERROR", 'server "s"', "detached")


def test_refresh_counts_what_changed(remote):
    db = connect()
    attach(db, remote)
    assert value(db, "SELECT bridge_refresh()") == 0
    remote.run("ALTER TABLE orders ADD COLUMN note text; UPDATE orders SET note = 'n'")
    assert value(db, "SELECT bridge_refresh(?)", remote.name) == 1
    assert rows(db, "SELECT DISTINCT note FROM orders") == [("n",)]
    remote.run("CREATE TABLE late(id integer primary key); DROP VIEW cities")
    assert value(db, "SELECT bridge_refresh()") == 2
    assert names(db) == {"customers", "orders", "late"}
    assert value(db, "SELECT bridge_refresh()") == 0


def test_refresh_of_a_table_made_by_hand(remote):
    db = connect()
    value(db, "SELECT bridge_server('s', ?)", remote.url)
    db.execute(f"CREATE VIRTUAL TABLE o USING {remote.driver}(server=s, table=orders)")
    db.execute(f"CREATE VIRTUAL TABLE q USING {remote.driver}(server=s, query='SELECT * FROM orders')")
    remote.run("ALTER TABLE orders ADD COLUMN note text")
    assert value(db, "SELECT bridge_refresh('s')") >= 1
    assert rows(db, "SELECT note FROM o LIMIT 1") == [(None,)]


def test_refresh_within_a_transaction(remote):
    db = connect()
    attach(db, remote)
    db.execute("BEGIN")
    db.execute("CREATE TABLE local(x)")
    remote.run("ALTER TABLE orders ADD COLUMN note text")
    assert value(db, "SELECT bridge_refresh()") == 1
    assert rows(db, "SELECT note FROM orders LIMIT 1") == [(None,)]
    db.execute("COMMIT")
    assert "local" in names(db)


def test_refresh_and_detach_of_nobody():
    db = connect()
    assert value(db, "SELECT bridge_refresh()") == 0
    for call in ("bridge_refresh", "bridge_detach", "bridge_ping"):
        check_failure(sqlite.error(db, f"SELECT {call}('nobody')"), "SQLITE_ERROR",
                      'no server is named "nobody"', "bridge_servers")
        check_failure(sqlite.error(db, f"SELECT {call}(NULL)"), "SQLITE_ERROR", "name is missing")
        failure = sqlite.error(db, f"SELECT {call}('postgresql://u:secret@h/d')")
        check_failure(failure, "SQLITE_ERROR", "not a URL")
        assert "secret" not in failure[1]


def test_ping(remote):
    db = connect()
    value(db, "SELECT bridge_server('s', ?)", remote.url)
    assert value(db, "SELECT typeof(bridge_ping('s'))") == "real"
    assert 0 <= value(db, "SELECT bridge_ping('s')") < 5000
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


def test_ping_of_what_is_not_there(tmp_path):
    db = connect()
    value(db, "SELECT bridge_server('s', ?)", f"sqlite:{tmp_path}/none.db")
    check_failure(sqlite.error(db, "SELECT bridge_ping('s')"), "SQLITE_CANTOPEN", "none.db")
    assert "none.db" in value(db, "SELECT last_error FROM bridge_servers")


def test_version():
    db = connect()
    version = json.loads(value(db, "SELECT bridge_version()"))
    assert set(version) == {"drawbridge", "sqlite", "libpq", "libcurl", "drivers"}
    assert version["sqlite"] == sqlite3.sqlite_version
    assert version["drivers"] == ["postgres", "postgrest", "sqlite"]


# ---------------------------------------------------------------------------- lock

REFUSED = {
    "bridge_attach": "SELECT bridge_attach('sqlite:')",
    "bridge_server": "SELECT bridge_server('x', 'sqlite:')",
    "bridge_query": "SELECT * FROM bridge_query('s', 'SELECT 1')",
}


def check_locked(db):
    for name, sql in REFUSED.items():
        check_failure(sqlite.error(db, sql), "SQLITE_AUTH", f"the bridge is locked: {name} is refused")
    check_failure(sqlite.error(db, "CREATE VIRTUAL TABLE t USING sqlite(url='sqlite:x.db', table=t)"),
                  "SQLITE_AUTH", "locked")


def test_lock_is_one_way(remote):
    db = connect()
    attach(db, remote, "name=s")
    assert value(db, "SELECT bridge_lock()") == 1 == value(db, "SELECT bridge_lock()")
    check_locked(db)
    assert value(db, "SELECT count(*) FROM customers") == 3  # what is attached goes on


def test_lock_by_environment(monkeypatch):
    monkeypatch.setenv("DRAWBRIDGE_LOCK", "1")
    check_locked(connect())


def test_libpq_variables_name_the_database(pg, monkeypatch):
    for name in ("DATABASE_URL", "DB_URI", "DB_TYPE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    words = psycopg.conninfo.conninfo_to_dict(pg.url("c"))
    for name in ("host", "port", "user", "password"):
        monkeypatch.setenv("PG" + name.upper(), words[name])
    monkeypatch.setenv("PGDATABASE", words["dbname"])
    db = connect()
    db.execute("SELECT bridge_attach('env:', 'schema=pg_catalog', 'tables=pg_class')")
    assert db.execute("SELECT name, url, source FROM bridge_servers").fetchall() == [
        (words["dbname"], "postgresql:///" + words["dbname"], "PG*")]
    assert db.execute("SELECT row FROM bridge_query(?, 'SELECT current_database()')",
                      (words["dbname"],)).fetchone()[0].endswith(f':"{words["dbname"]}"}}')


# ---------------------------------------------------------------------------- the newest SQLite

def test_all_of_it_on_the_newest_sqlite(remote):
    mark = "?1" if remote.driver == "sqlite" else "$1"
    done = sqlite.shell(f"""
SELECT bridge_attach('{remote.url}', 'as=s');
SELECT bridge_attach('{remote.url}', 'as=s');
SELECT name, item, text FROM bridge_plan('SELECT * FROM customers WHERE city = ? LIMIT 1') WHERE item = 'where';
SELECT name, item, verdict FROM bridge_explain('SELECT * FROM customers WHERE city = ?', 'Oslo')
    WHERE item = 'where';
SELECT n, row FROM bridge_query('s', 'SELECT id FROM orders WHERE id > {mark} ORDER BY id', 11);
SELECT name FROM bridge_tables WHERE attached ORDER BY 1;
BEGIN;
SELECT bridge_refresh();
SELECT count(*) FROM orders;
ROLLBACK;
SELECT bridge_detach('s');
SELECT count(*) FROM pragma_database_list;
""", newest=True)
    assert done.err == ""
    assert done.out.split("\n") == [
        "3", "3", 'customers|where|"city" = ?', "customers|where|exact", '1|{"id":12}',
        "cities", "customers", "orders", "0", "3", "3", "1", ""]
