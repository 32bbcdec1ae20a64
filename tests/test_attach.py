"""bridge_attach: where to, which tables under which names, conflicts, again and all or nothing."""
import json
import sqlite3
import time

import pytest

from support import sqlite
from support.remotes import (
    attach, attach_error, check_failure, connect, file_remote, names, pg_remote, remote, rows,
    schemas, sqlite_remote, value)


# ---------------------------------------------------------------------------- attach: where to

def test_attach_shows_every_table(remote):
    db = connect()
    assert attach(db, remote) == 3
    assert names(db) == {"customers", "orders", "cities"}
    assert rows(db, "SELECT name FROM customers WHERE city = 'Oslo'") == [("Ann",)]
    assert rows(db, "SELECT n FROM cities ORDER BY city") == [(1,), (1,), (1,)]


def test_the_schema_holds_the_servers_name_and_no_url(remote):
    db = connect()
    attach(db, remote, "name=it's \"quoted\", isn't it)")
    sql = value(db, "SELECT sql FROM sqlite_schema WHERE name = 'orders'")
    assert sql == (f'CREATE VIRTUAL TABLE "orders" USING {remote.driver}('
                   f'server="it\'s ""quoted"", isn\'t it)", schema="{remote.schema}", table="orders")')
    assert value(db, "SELECT count(*) FROM orders") == 3


@pytest.mark.parametrize("prepare, database, place", [
    ("", ":memory:", "main"),
    ("CREATE TABLE t(x)", ":memory:", "temp"),
    ("CREATE VIEW t AS SELECT 1", ":memory:", "temp"),
    ("", "file", "temp"),
])
def test_default_place(file_remote, tmp_path, prepare, database, place):
    db = connect(tmp_path / "host.db" if database == "file" else database)
    db.execute(prepare)
    attach(db, file_remote)
    assert names(db, place) >= {"customers", "orders", "cities"}
    assert value(db, "SELECT place FROM bridge_servers") == place


def test_two_servers_share_a_private_memory_database(file_remote, tmp_path):
    db = connect()
    other = sqlite_remote(tmp_path / "other.db")
    assert attach(db, file_remote) == 3
    assert attach(db, other, "prefix=o_") == 3
    assert names(db) == {"customers", "orders", "cities", "o_customers", "o_orders", "o_cities"}


def test_as_attaches_a_schema_in_memory(remote):
    db = connect()
    assert attach(db, remote, "as=Shop") == 3
    assert schemas(db) == ["main", "Shop"]
    assert value(db, "SELECT count(*) FROM shop.customers") == 3
    assert rows(db, "SELECT name, place FROM bridge_servers") == [("Shop", "Shop")]


def test_as_uses_a_schema_that_is_there(file_remote, tmp_path):
    db = connect()
    db.execute("ATTACH ? AS aux", (str(tmp_path / "aux.db"),))
    assert attach(db, file_remote, "as=AUX") == 3
    assert names(db, "aux") == {"customers", "orders", "cities"}
    assert value(db, "SELECT bridge_detach('aux')") == 3
    assert schemas(db) == ["main", "aux"]  # not ours to detach


@pytest.mark.parametrize("url, name", [
    ("sqlite:{}/shop.db", "shop"), ("sqlite:///{}/my.shop.db", "my.shop"), ("sqlite:{}/plain", "plain"),
])
def test_server_is_named_after_the_database(tmp_path, url, name):
    sqlite_remote(tmp_path / f"{name}.db" if ".db" in url else tmp_path / name)
    db = connect()
    value(db, "SELECT bridge_attach(?)", url.format(tmp_path))
    assert value(db, "SELECT name FROM bridge_servers") == name


def test_name_and_as_name_the_server(remote):
    db = connect()
    attach(db, remote, "name=a")
    attach(db, remote, "as=b")
    attach(db, remote, "as=c", "name=d")
    assert rows(db, "SELECT name, place FROM bridge_servers") == [("a", "main"), ("b", "b"), ("d", "c")]


# ---------------------------------------------------------------------------- attach: which tables

@pytest.mark.parametrize("options, expected", [
    (["tables=customers,orders"], {"customers", "orders"}),
    (["tables=C*"], {"customers", "cities"}),
    (["tables=*s,x?"], {"customers", "orders", "cities"}),
    (["except=c*"], {"orders"}),
    (["tables=c*", "except=cities"], {"customers"}),
    (["tables=c*", "prefix=r_"], {"r_customers", "r_cities"}),
    (["tables=nothing*"], set()),
])
def test_lists_and_prefix(remote, options, expected):
    db = connect()
    assert attach(db, remote, *options) == len(expected)
    assert names(db) == expected


def test_a_missing_table_is_named(remote):
    db = connect()
    check_failure(attach_error(db, remote, "tables=customers,custmers"), "SQLITE_ERROR",
                  'table "custmers" does not exist on server')
    assert names(db) == set() and rows(db, "SELECT * FROM bridge_servers") == []


def test_words_in_the_urls_query_part(file_remote):
    db = connect()
    url = file_remote.url + "?tables=orders&as=q&log=7"
    assert value(db, "SELECT bridge_attach(?)", url) == 1
    assert names(db, "q") == {"orders"}
    # an argument stands behind the URL, and the last word counts
    db = connect()
    assert value(db, "SELECT bridge_attach(?, 'tables=*')", url) == 3


def test_schemas_in_order_of_the_list(pg_remote):
    pg_remote.run("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t(x int); CREATE TABLE b.t(y int);"
                  "CREATE TABLE a.only_a(x int); CREATE TABLE public.p(z int)")
    db = connect()
    assert attach(db, pg_remote, "schema=b,a") == 3
    assert rows(db, "SELECT name, remote_schema, remote_name FROM bridge_tables WHERE attached "
                    "ORDER BY name") == [("only_a", "a", "only_a"), ("t", "b", "t"), ("t_2", "a", "t")]
    db = connect()
    assert attach(db, pg_remote) == 1
    assert names(db) == {"p"}


def test_names_that_sqlite_cannot_tell_apart(pg_remote):
    pg_remote.run('CREATE TABLE t(x int); CREATE TABLE "T"(y int); CREATE TABLE "t_2"(z int);'
                  'CREATE TABLE sqlite_stat(x int); CREATE TABLE bridge_log(x int);'
                  'CREATE TABLE "odd "" name.\'x\'"(x int); CREATE TABLE "select"(x int);'
                  'CREATE TABLE nothing()')
    db = connect()
    assert attach(db, pg_remote) == 7
    found = dict(rows(db, "SELECT remote_name, name FROM bridge_tables"))
    assert len(found) == 8 and len({name.lower() for name in found.values()}) == 8
    assert found["sqlite_stat"] == "_sqlite_stat" and found["bridge_log"] == "bridge_log_2"
    assert rows(db, "SELECT attached, place FROM bridge_tables WHERE remote_name = 'nothing'") == [(0, None)]
    for remote_name, name in found.items():
        if remote_name != "nothing":
            quoted = name.replace('"', '""')
            assert rows(db, f'SELECT count(*) FROM "{quoted}"') == [(0,)]
    assert value(db, "SELECT count(*) FROM bridge_log") > 0


def test_a_remote_table_named_as_a_table_of_ours(file_remote):
    file_remote.run("CREATE TABLE bridge_log(x); CREATE TABLE bridge_log_2(x)")
    db = connect()
    assert attach(db, file_remote, "tables=bridge*") == 2
    assert names(db) == {"bridge_log_2", "bridge_log_2_2"}


# ---------------------------------------------------------------------------- attach: conflicts

@pytest.fixture
def host(tmp_path):
    """A file database that has tables of the remote's names."""
    db = connect(tmp_path / "host.db")
    db.executescript("CREATE TABLE customers(x); INSERT INTO customers VALUES ('local');"
                     "CREATE VIEW cities AS SELECT 'local' AS city;")
    return db


def test_conflict_error_names_all(host, file_remote):
    check_failure(attach_error(host, file_remote), "SQLITE_ERROR",
                  "2 local objects would be hidden or replaced", "main.customers (table)",
                  "main.cities (view)", "conflict=overlay", "as=NAME")
    assert names(host, "temp") == set() and rows(host, "SELECT * FROM bridge_servers") == []
    assert value(host, "SELECT x FROM customers") == "local"


def test_conflict_overlay(host, file_remote):
    assert attach(host, file_remote, "conflict=overlay") == 3
    assert value(host, "SELECT count(*) FROM customers") == 3
    assert value(host, "SELECT x FROM main.customers") == "local"


def test_conflict_skip(host, file_remote):
    assert attach(host, file_remote, "conflict=skip") == 1
    assert value(host, "SELECT x FROM customers") == "local"
    assert value(host, "SELECT count(*) FROM orders") == 3
    assert rows(host, "SELECT name, attached FROM bridge_tables ORDER BY name") == [
        ("cities", 0), ("customers", 0), ("orders", 1)]


def test_conflict_replace_drops_nothing_of_another_schema(host, file_remote):
    check_failure(attach_error(host, file_remote, "conflict=replace"), "SQLITE_ERROR",
                  "main.customers (table), main.cities (view)")
    assert value(host, "SELECT x FROM customers") == "local"


def test_conflict_replace_in_the_same_schema(host, file_remote):
    assert attach(host, file_remote, "as=main", "conflict=replace") == 3
    assert value(host, "SELECT count(*) FROM main.customers") == 3


@pytest.mark.parametrize("rule", ["error", "overlay"])
def test_what_stands_in_the_place_cannot_be_overlaid(host, file_remote, rule):
    check_failure(attach_error(host, file_remote, "as=main", f"conflict={rule}"), "SQLITE_ERROR",
                  "main.customers (table)", "main.cities (view)")


def test_an_index_in_the_way_is_never_dropped(file_remote, tmp_path):
    db = connect(tmp_path / "host.db")
    db.executescript("CREATE TABLE t(x); CREATE INDEX orders ON t(x)")
    check_failure(attach_error(db, file_remote, "as=main", "conflict=replace"), "SQLITE_ERROR",
                  "main.orders (index)")
    assert attach(db, file_remote) == 3  # a table of temp hides no index


def test_a_schema_behind_the_place_is_not_hidden(file_remote):
    db = connect()
    db.execute("CREATE TABLE customers(x)")
    assert attach(db, file_remote, "as=shop") == 3  # main.customers is found first, as before
    assert rows(db, "SELECT * FROM customers") == []


def test_attached_schemas_can_be_hidden(file_remote, tmp_path):
    db = connect(tmp_path / "host.db")
    db.execute("ATTACH ':memory:' AS aux")
    db.execute("CREATE TABLE aux.orders(x)")
    check_failure(attach_error(db, file_remote), "SQLITE_ERROR", "1 local object would", "aux.orders (table)")


@pytest.mark.parametrize("user", [
    "CREATE VIEW v AS SELECT * FROM main.customers",
    "CREATE VIEW v AS SELECT * FROM \"CUSTOMERS\"",
    "CREATE VIEW v AS SELECT * FROM [customers] /* not */",
    "CREATE TABLE t(x); CREATE TRIGGER v AFTER INSERT ON t BEGIN DELETE FROM customers; END",
    "CREATE TRIGGER v AFTER INSERT ON customers BEGIN SELECT 1; END",
    "CREATE TEMP TRIGGER v AFTER INSERT ON customers BEGIN SELECT 1; END",
])
def test_overlay_is_refused_below_a_view_or_trigger(tmp_path, file_remote, user):
    db = connect(tmp_path / "host.db")
    db.executescript("CREATE TABLE customers(x);" + user)
    check_failure(attach_error(db, file_remote, "conflict=overlay"), "SQLITE_ERROR",
                  "cannot overlay", ".v uses customers", "overlay_views=1")
    assert value(db, "SELECT count(*) FROM customers") == 0


@pytest.mark.parametrize("harmless", [
    "CREATE VIEW v AS SELECT 1 AS my_customers -- customers\n",
    "CREATE VIEW v AS SELECT 'x' /* customers */",
    "CREATE TEMP VIEW v AS SELECT * FROM customers",
])
def test_overlay_beside_views_that_do_not_use_it(tmp_path, file_remote, harmless):
    db = connect(tmp_path / "host.db")
    db.executescript("CREATE TABLE customers(x);" + harmless)
    assert attach(db, file_remote, "conflict=overlay") == 3


def test_overlay_when_told(tmp_path, file_remote):
    db = connect(tmp_path / "host.db")
    db.executescript("CREATE TABLE customers(x); CREATE VIEW v AS SELECT * FROM customers")
    assert attach(db, file_remote, "conflict=overlay", "overlay_views=1") == 3
    assert rows(db, "SELECT * FROM v") == [] and value(db, "SELECT count(*) FROM customers") == 3


# ---------------------------------------------------------------------------- attach: again, atomic

def test_the_same_again_is_a_refresh(remote):
    db = connect()
    assert attach(db, remote) == attach(db, remote) == 3
    remote.run("CREATE TABLE late(id integer primary key)")
    assert attach(db, remote) == 4
    assert value(db, "SELECT count(*) FROM bridge_servers") == 1


def test_more_tables_later(remote):
    db = connect()
    assert attach(db, remote, "tables=c*") == 2
    assert attach(db, remote, "tables=o*") == 1
    assert names(db) == {"customers", "orders", "cities"}
    assert value(db, "SELECT bridge_detach(name) FROM bridge_servers") == 3


def test_another_definition_under_the_name_is_refused(file_remote, tmp_path):
    db = connect()
    other = sqlite_remote(tmp_path / "other.db")
    attach(db, file_remote, "name=s")
    check_failure(attach_error(db, other, "name=S"), "SQLITE_ERROR", 'server "s" is named already')
    check_failure(attach_error(db, file_remote, "name=s", "readonly=1"), "SQLITE_ERROR", "other options")
    check_failure(attach_error(db, file_remote, "name=s", "as=x"), "SQLITE_ERROR", "another as=")
    check_failure(attach_error(db, file_remote, "name=s", "prefix=x"), "SQLITE_ERROR", "another prefix=")
    assert attach(db, file_remote, "name=s") == 3


def test_a_failure_in_the_middle_leaves_nothing(file_remote):
    db = connect()
    created = []

    def authorize(action, name, *_):
        if action == sqlite3.SQLITE_CREATE_VTABLE:
            created.append(name)
            return sqlite3.SQLITE_DENY if len(created) == 3 else sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK

    db.set_authorizer(authorize)
    check_failure(attach_error(db, file_remote, "as=shop"), "SQLITE_AUTH", "not authorized")
    db.set_authorizer(None)
    assert len(created) == 3 and schemas(db) == ["main"]
    assert rows(db, "SELECT * FROM bridge_servers") == []
    assert attach(db, file_remote, "as=shop") == 3


def test_within_a_transaction_that_is_rolled_back(remote):
    db = connect()
    db.execute("BEGIN")
    assert attach(db, remote) == 3
    db.execute("ROLLBACK")
    assert names(db) == set()
    assert rows(db, "SELECT name, tables FROM bridge_servers") == [(remote.name, 0)]
    assert attach(db, remote) == 3
    assert value(db, "SELECT count(*) FROM customers") == 3


def test_within_a_transaction_that_commits(remote):
    db = connect()
    db.execute("BEGIN")
    assert attach(db, remote, "as=shop") == 3
    db.execute("COMMIT")
    assert value(db, "SELECT count(*) FROM shop.customers") == 3
    assert value(db, "SELECT bridge_detach('shop')") == 3


def test_query_only_is_honoured(file_remote):
    db = connect()
    db.execute("PRAGMA query_only = 1")
    check_failure(attach_error(db, file_remote), "SQLITE_READONLY")
    assert rows(db, "SELECT * FROM bridge_servers") == []


def test_a_second_connection_of_a_shared_cache(file_remote):
    uri = f"file:shared{time.monotonic_ns()}?mode=memory&cache=shared"
    first, second = connect(uri, uri=True), connect(uri, uri=True)
    assert attach(first, file_remote) == 3
    assert attach(second, file_remote) == 3
    assert value(second, "SELECT count(*) FROM customers") == value(first, "SELECT count(*) FROM customers")


def test_the_hosts_own_file_is_refused(file_remote):
    db = connect(file_remote.url.removeprefix("sqlite:"))
    check_failure(attach_error(db, file_remote), "SQLITE_ERROR", "open in this very connection")


@pytest.mark.plain
def test_a_thousand_tables(tmp_path):
    remote = sqlite_remote(tmp_path / "big.db")
    remote.run("BEGIN;" + "".join(f"CREATE TABLE t{i}(id INTEGER PRIMARY KEY, a, b, c);"
                                  for i in range(997)) + "COMMIT;")
    db = connect()
    started = time.monotonic()
    assert attach(db, remote) == 1000
    assert time.monotonic() - started < 5
    assert value(db, "SELECT round_trips FROM bridge_servers") <= 3


# ---------------------------------------------------------------------------- attach: refusals

@pytest.mark.parametrize("arguments, texts", [
    ([], ["the URL is missing"]),
    ([None], ["the URL is missing"]),
    ([""], ["the URL is empty"]),
    (["gopher://x"], []),
    (["env:NO_SUCH_VARIABLE_HERE"], ['environment variable "NO_SUCH_VARIABLE_HERE" is not set']),
    (["{url}", "clo=x"], ['unknown option "clo"', "log"]),
    (["{url}", "tables"], ['option "tables" has no value']),
    (["{url}", None], ["an option is NULL"]),
    (["{url}", "conflict=maybe"], ["conflict", "error", "overlay"]),
    (["{url}", "log=many"], ["log"]),
    (["{url}", "name="], ["cannot be empty"]),
])
def test_attach_refuses(file_remote, arguments, texts):
    db = connect()
    arguments = [a.format(url=file_remote.url) if a else a for a in arguments]
    marks = ", ".join("?" * len(arguments))
    check_failure(sqlite.error(db, f"SELECT bridge_attach({marks})", arguments), "SQLITE_ERROR", *texts)
    assert rows(db, "SELECT * FROM bridge_servers") == []


def test_attach_of_what_is_not_there(tmp_path):
    db = connect()
    failure = sqlite.error(db, "SELECT bridge_attach(?)", (f"sqlite:{tmp_path}/none.db",))
    check_failure(failure, "SQLITE_CANTOPEN", "none.db")
    assert not (tmp_path / "none.db").exists()


def test_functions_are_direct_only(file_remote, tmp_path):
    db = connect(tmp_path / "host.db")
    db.execute("CREATE TABLE t(x)")
    db.execute(f"CREATE VIEW v AS SELECT bridge_attach('{file_remote.url}')")
    check_failure(sqlite.error(db, "SELECT * FROM v"), "SQLITE_ERROR", "unsafe use of bridge_attach")
    db.execute("CREATE VIEW w AS SELECT bridge_version()")
    assert json.loads(value(db, "SELECT * FROM w"))


@pytest.mark.parametrize("table", ["bridge_servers", "bridge_tables", "bridge_columns", "bridge_keys",
                                   "bridge_log", "bridge_explain('SELECT 1')", "bridge_plan('SELECT 1')",
                                   "bridge_query('a', 'SELECT 1')"])
def test_tables_are_direct_only_and_read_only(tmp_path, table):
    db = connect(tmp_path / "host.db")
    name = table.split("(")[0]
    db.execute(f"CREATE VIEW v AS SELECT * FROM {table}")
    check_failure(sqlite.error(db, "SELECT * FROM v"), "SQLITE_ERROR", f'unsafe use of virtual table "{name}"')
    check_failure(sqlite.error(db, f"DELETE FROM {name}"), "SQLITE_ERROR", "may not be modified")
    check_failure(sqlite.error(db, f"CREATE VIRTUAL TABLE x USING {name}"), "SQLITE_ERROR")


# ---------------------------------------------------------------------------- words without a meaning

def test_a_schema_that_is_not_there(remote):
    """Said, and nothing is attached; one without tables is another thing."""
    db = connect()
    check_failure(attach_error(db, remote, f"schema={remote.schema},nowhere"), "SQLITE_ERROR",
                  'remote schema "nowhere" does not exist', remote.schema)
    assert names(db) == set() and rows(db, "SELECT * FROM bridge_servers") == []
    assert attach(db, remote, f"schema={remote.schema}") == 3


def test_an_empty_schema_is_there(pg_remote):
    pg_remote.run("CREATE SCHEMA void")
    db = connect()
    assert attach(db, pg_remote, "schema=void") == 0
    pg_remote.run("CREATE TABLE void.first(a int)")
    assert value(db, "SELECT bridge_refresh()") == 1
    pg_remote.run("DROP SCHEMA void CASCADE")
    assert value(db, "SELECT bridge_refresh()") == 1  # gone, which a refresh may find
    assert names(db) == set()


@pytest.mark.parametrize("words", [(), ("schema=lone",)])
def test_the_last_table_of_a_schema_goes(pg_remote, words):
    pg_remote.run("CREATE SCHEMA lone; CREATE TABLE lone.last(a int);"
                  "ALTER ROLE CURRENT_USER SET search_path = lone")
    db = connect()
    try:
        assert attach(db, pg_remote, *words) == 1
        pg_remote.run("DROP TABLE lone.last")
        assert value(db, "SELECT bridge_refresh()") == 1 and names(db) == set()
        assert rows(db, "SELECT * FROM bridge_tables") == []
    finally:
        pg_remote.run("ALTER ROLE CURRENT_USER RESET search_path; DROP SCHEMA lone")


@pytest.mark.parametrize("word", ["role=reader", "set.work_mem=10MB"])
def test_what_only_postgres_has_is_refused(file_remote, word):
    db = connect()
    key = word.partition("=")[0]
    check_failure(attach_error(db, file_remote, word), "SQLITE_ERROR", f'unknown option "{key}"')
    check_failure(sqlite.error(db, "SELECT bridge_server('s', ?)", (f"{file_remote.url}?{word}",)),
                  "SQLITE_ERROR", f'unknown option "{key}"')


def test_a_word_for_a_column_that_is_not_there(remote):
    db = connect()
    attach(db, remote, "name=s")
    table = f"USING {remote.driver}(server=s, table=customers, type.nme=BLOB)"
    check_failure(sqlite.error(db, f"CREATE VIRTUAL TABLE c {table}"), "SQLITE_ERROR",
                  'option "type.nme": table "c" has no column "nme"')
    db.execute(f"CREATE VIRTUAL TABLE c {table.replace('nme', 'NAME')}")
    assert rows(db, "SELECT name FROM c WHERE id = 1") in ([(b"Ann",)], [("Ann",)])
