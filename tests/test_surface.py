"""The SQL surface beside the tables: bridge_attach and its kin, the metadata tables, bridge_log,
bridge_explain, bridge_plan, bridge_query; each with its options, its refusals and their codes."""
import json
import os
import sqlite3
import threading
import time

import pytest

from support import sqlite
from support.canary import PASSWORD

CODE = {name: getattr(sqlite3, name) for name in (
    "SQLITE_ERROR", "SQLITE_AUTH", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_BUSY")}

DDL = """
CREATE TABLE customers(id integer primary key, name text, city text);
INSERT INTO customers VALUES (1, 'Ann', 'Oslo'), (2, 'Bob', 'Rome'), (3, 'Cid', NULL);
CREATE TABLE orders(id integer primary key, customer integer references customers(id), total double precision);
INSERT INTO orders VALUES (10, 1, 5.5), (11, 1, 6), (12, 2, 7);
CREATE VIEW cities AS SELECT city, count(*) AS n FROM customers GROUP BY city;
"""


class Remote:
    """A database of this test alone, behind one driver."""

    def __init__(self, driver, name, url, run):
        self.driver, self.name, self.url, self.run = driver, name, url, run
        self.schema = "main" if driver == "sqlite" else "public"


@pytest.fixture(params=["sqlite", "postgres"])
def remote(request, tmp_path):
    if request.param == "sqlite":
        yield sqlite_remote(tmp_path / "shop.db")
        return
    pg = request.getfixturevalue("pg")
    name = pg.create_database(f"surface_{os.getpid()}_{time.monotonic_ns()}")
    remote = Remote("postgres", name, pg.url(name), lambda sql: pg.psql(sql, database=name))
    remote.run(DDL)
    yield remote
    with pg.connect("postgres") as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def pg_remote(pg):
    name = pg.create_database(f"surface_{os.getpid()}_{time.monotonic_ns()}")
    remote = Remote("postgres", name, pg.url(name), lambda sql: pg.psql(sql, database=name))
    yield remote
    with pg.connect("postgres") as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def file_remote(tmp_path):
    return sqlite_remote(tmp_path / "shop.db")


def sqlite_remote(path):
    def run(sql):
        connection = sqlite3.connect(path)
        connection.executescript(sql)
        connection.close()

    remote = Remote("sqlite", path.stem, f"sqlite:{path}", run)
    run(DDL)
    return remote


def value(db, sql, *parameters):
    return db.execute(sql, parameters).fetchone()[0]


def rows(db, sql, *parameters):
    return db.execute(sql, parameters).fetchall()


def attach(db, remote, *options):
    marks = ", ?" * len(options)
    return value(db, f"SELECT bridge_attach(?{marks})", remote.url, *options)


def attach_error(db, remote, *options):
    marks = ", ?" * len(options)
    return sqlite.error(db, f"SELECT bridge_attach(?{marks})", (remote.url, *options))


def names(db, place="main"):
    return {name for (name,) in rows(db, f'SELECT name FROM "{place}".sqlite_schema')}


def schemas(db):
    return [row[1] for row in rows(db, "PRAGMA database_list")]


def connect(database=":memory:", **options):
    return sqlite.connect(database, isolation_level=None, **options)


def check_failure(failure, code, *texts):
    assert failure[0] == CODE[code], failure
    for text in texts:
        assert text in failure[1], failure


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
                  'CREATE TABLE "odd "" name.\'x\''"'"'(x int); CREATE TABLE "select"(x int);'
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
    assert time.monotonic() - started < 2
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
    assert version["drivers"] == ["postgres", "sqlite"]


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


# ---------------------------------------------------------------------------- metadata

def test_servers(remote):
    db = connect()
    attach(db, remote, "name=s", "latency_ms=3")
    value(db, "SELECT count(*) FROM customers")
    cursor = db.execute("SELECT * FROM bridge_servers")
    row = dict(zip([c[0] for c in cursor.description], cursor.fetchone()))
    assert list(row) == ["name", "driver", "url", "source", "place", "tables", "state",
                         "server_version", "latency_ms", "statements", "round_trips", "rows",
                         "bytes_in", "bytes_out", "reconnects", "last_error"]
    assert (row["name"], row["driver"], row["source"], row["place"]) == ("s", remote.driver, "argument", "main")
    assert (row["tables"], row["state"], row["latency_ms"], row["reconnects"]) == (3, "idle", 3.0, 0)
    assert row["statements"] >= 1 and row["round_trips"] >= 1 and row["server_version"][0].isdigit()
    assert PASSWORD not in row["url"] and row["last_error"] is None


def test_state_is_busy_while_a_cursor_reads(remote):
    db = connect()
    attach(db, remote)
    cursor = db.execute("SELECT * FROM customers")
    cursor.fetchone()
    assert value(db, "SELECT state FROM bridge_servers") == "busy"
    cursor.close()
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


def test_tables_columns_keys(remote):
    db = connect()
    attach(db, remote, "prefix=r_", "tables=customers,orders,cities")
    assert rows(db, "SELECT name, remote_name, kind, attached, writable FROM bridge_tables ORDER BY 1") == [
        ("r_cities", "cities", "view", 1, 0), ("r_customers", "customers", "table", 1, 0),
        ("r_orders", "orders", "table", 1, 0)]
    assert all(why for (why,) in rows(db, "SELECT why_not FROM bridge_tables"))
    assert rows(db, "SELECT position, name, remote_name, not_null FROM bridge_columns "
                    "WHERE table_name = 'r_customers' ORDER BY position") == [
        (1, "id", "id", 1), (2, "name", "name", 0), (3, "city", "city", 0)]
    assert rows(db, "SELECT columns, valid FROM bridge_keys WHERE table_name = 'r_orders' "
                    "AND kind = 'primary'") == [("id", 1)]
    assert rows(db, "SELECT columns, ref_table FROM bridge_keys WHERE table_name = 'r_orders' "
                    "AND kind = 'foreign'") == [("customer", f"{remote.schema}.customers")]


def test_a_named_server_is_asked_once(remote):
    db = connect()
    value(db, "SELECT bridge_server('s', ?)", remote.url)
    assert value(db, "SELECT count(*) FROM bridge_tables WHERE server = 's'") == 3
    before = value(db, "SELECT statements FROM bridge_servers")
    assert rows(db, "SELECT place, attached FROM bridge_tables LIMIT 1") == [(None, 0)]
    assert value(db, "SELECT count(*) FROM bridge_columns") > 6
    assert value(db, "SELECT statements FROM bridge_servers") == before


def test_a_dead_server_is_left_out(file_remote, tmp_path):
    db = connect()
    value(db, "SELECT bridge_server('dead', ?)", f"sqlite:{tmp_path}/none.db")
    attach(db, file_remote)
    assert value(db, "SELECT last_error FROM bridge_servers WHERE name = 'dead'") is None
    assert value(db, "SELECT count(*) FROM bridge_tables WHERE server = 'shop'") == 3
    assert value(db, "SELECT last_error FROM bridge_servers WHERE name = 'dead'") is None  # not asked
    assert value(db, "SELECT count(*) FROM bridge_tables") == 3
    assert "none.db" in value(db, "SELECT last_error FROM bridge_servers WHERE name = 'dead'")


@pytest.mark.parametrize("condition, count", [
    ("server = 'SHOP'", 0), ("server = 'SHOP' COLLATE NOCASE", 3), ("server = 'shop ' COLLATE RTRIM", 3),
    ("server IN ('shop', 'x')", 3), ("server = 7", 0), ("server IS 'shop'", 3), ("server LIKE 'sh%'", 3),
    ("server = (SELECT name FROM bridge_servers)", 3),
])
def test_conditions_on_the_server(file_remote, condition, count):
    db = connect()
    attach(db, file_remote)
    assert value(db, f"SELECT count(*) FROM bridge_tables WHERE {condition}") == count


# ---------------------------------------------------------------------------- log

def test_log_keeps_the_last_statements(remote):
    db = connect()
    attach(db, remote, "log=3", "log_parameters=1")
    for city in ("a", "b", "c", "d", "Oslo"):
        rows(db, "SELECT * FROM customers WHERE city = ?", city)
    cursor = db.execute("SELECT * FROM bridge_log")
    assert [c[0] for c in cursor.description] == ["id", "at", "server", "statement", "ms", "rows",
                                                  "bytes", "round_trips", "error", "notices", "parameters"]
    log = cursor.fetchall()
    assert len(log) == 3 and [entry[0] for entry in log] == sorted(entry[0] for entry in log)
    assert log[-1][2] == remote.name and "customers" in log[-1][3] and log[-1][5] == 1
    assert json.loads(log[-1][10]) == ["Oslo"]
    assert value(db, "SELECT count(*) FROM bridge_log WHERE abs(julianday('now') - julianday(at)) < 0.01") == 3


def test_no_parameters_unless_asked(remote):
    db = connect()
    attach(db, remote)
    rows(db, "SELECT * FROM customers WHERE city = 'Oslo'")
    assert rows(db, "SELECT DISTINCT parameters FROM bridge_log") == [(None,)]


def test_log_0_keeps_nothing(remote):
    db = connect()
    attach(db, remote, "log=0")
    rows(db, "SELECT * FROM customers")
    assert rows(db, "SELECT * FROM bridge_log") == []


def test_log_file(remote, tmp_path):
    db = connect()
    path = tmp_path / "log.json"
    attach(db, remote, f"log_file={path}", "log=0")
    rows(db, "SELECT * FROM customers WHERE name = 'x \"y\" \\ ü'")
    rows(db, "SELECT * FROM orders")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert "orders" in lines[-1]["statement"] and lines[-1]["rows"] == 3
    assert "parameters" not in lines[-1] and oct(path.stat().st_mode & 0o777) == "0o600"


def test_log_min_ms(remote, tmp_path):
    db = connect()
    path = tmp_path / "log.json"
    attach(db, remote, f"log_file={path}", "log_min_ms=60000")
    rows(db, "SELECT * FROM customers")
    assert rows(db, "SELECT * FROM bridge_log") == [] and not path.exists()


def test_a_log_file_that_cannot_be_written(file_remote, tmp_path):
    db = connect()
    attach(db, file_remote, f"log_file={tmp_path}/none/log.json")
    rows(db, "SELECT * FROM customers")
    rows(db, "SELECT * FROM customers")
    assert "could not write log file" in value(db, "SELECT error FROM bridge_log ORDER BY id DESC LIMIT 1")


# ---------------------------------------------------------------------------- explain, plan

def test_explain_of_a_read(remote):
    db = connect()
    attach(db, remote)
    sql = "SELECT c.name, o.total FROM customers AS c JOIN orders AS o ON o.customer = c.id WHERE c.city = ?"
    cursor = db.execute("SELECT * FROM bridge_explain(?, 'Oslo')", (sql,))
    assert [c[0] for c in cursor.description] == ["scan", "server", "name", "item", "text", "verdict",
                                                  "why", "fetched", "round_trips", "ms"]
    found = cursor.fetchall()
    assert {row[1] for row in found} == {remote.name}
    assert {row[2] for row in found} == {"customers", "orders"}
    items = {(row[2], row[3]) for row in found}
    assert {("customers", "remote"), ("customers", "where"), ("customers", "columns")} <= items
    assert ("customers", "where", '"city" = ?', "exact") in {(r[2], r[3], r[4], r[5]) for r in found}
    assert all((row[7] is not None) == (row[3] == "remote") for row in found)


def test_explain_counts_a_repeated_scan_as_one(remote):
    db = connect()
    attach(db, remote)
    db.execute("CREATE TEMP TABLE keys(k)")
    db.executemany("INSERT INTO keys VALUES (?)", [(k,) for k in (1, 2, 3, 4)])
    found = rows(db, "SELECT DISTINCT scan FROM bridge_explain("
                     "'SELECT (SELECT count(*) FROM keys k2), c.name FROM keys CROSS JOIN customers c ON c.id = k')")
    assert found == [(1,)]


@pytest.mark.parametrize("sql", [
    "UPDATE local SET x = (SELECT max(id) FROM customers WHERE city = 'Oslo')",
    "INSERT INTO local SELECT id FROM customers WHERE city = 'Oslo'",
    "DELETE FROM local WHERE x IN (SELECT id FROM customers WHERE city = 'Oslo')",
])
def test_explain_of_a_write_plans_it(remote, sql):
    db = connect()
    attach(db, remote)
    db.execute("CREATE TEMP TABLE local(x)")
    db.execute("INSERT INTO local VALUES (7)")
    found = rows(db, "SELECT name, item, text, fetched FROM bridge_explain(?)", sql)
    assert ("customers", "where", '"city" = ?', None) in found
    assert rows(db, "SELECT * FROM local") == [(7,)]


@pytest.mark.parametrize("sql, expected", [
    ("SELECT id FROM customers AS x WHERE city = ? AND name > 'B' ORDER BY id LIMIT 2",
     {("columns", None), ("where", None), ("order", None)}),
    ("SELECT count(*) FROM customers", {("columns", None)}),
    ("SELECT * FROM customers WHERE name REGEXP 'x'", {("columns", None), ("where", "local")}),
    ("SELECT 1", set()),
    ("BEGIN", set()),
])
def test_plan(remote, sql, expected):
    db = connect()
    db.create_function("regexp", 2, lambda *_: True)
    attach(db, remote)
    found = rows(db, "SELECT name, item, verdict, fetched FROM bridge_plan(?)", sql)
    assert {(item, verdict) for _, item, verdict, _ in found} >= expected
    assert {name for name, *_ in found} == ({"customers"} if expected else set())
    assert all(fetched is None for *_, fetched in found)
    assert not rows(db, "SELECT * FROM bridge_log WHERE error IS NOT NULL")


def test_plan_with_odd_names(file_remote):
    name = 'a " where " and " | local "'
    quoted = name.replace('"', '""')
    file_remote.run(f'CREATE TABLE "x""y"("{quoted}" INTEGER, b TEXT)')
    db = connect()
    attach(db, file_remote)
    found = rows(db, f'SELECT name, item, text FROM bridge_plan(?)',
                 f'SELECT b FROM "x""y" WHERE "{quoted}" = 1 AND b > 2 ORDER BY b')
    assert ('x"y', "where", f'"{quoted}" = ?') in found
    assert [item for _, item, _ in found].count("where") == 2


def test_plan_runs_nothing(remote):
    db = connect()
    attach(db, remote)
    before = value(db, "SELECT statements FROM bridge_servers")
    rows(db, "SELECT * FROM bridge_plan('SELECT * FROM customers')")
    assert value(db, "SELECT statements FROM bridge_servers") == before


def test_explain_within_explain(remote):
    db = connect()
    attach(db, remote)
    inner = "SELECT * FROM orders"
    outer = f"SELECT c.id, e.text FROM customers c, bridge_explain('{inner}') e WHERE c.city = 'Oslo'"
    found = rows(db, "SELECT DISTINCT name FROM bridge_explain(?)", outer)
    assert found == [("customers",)]


@pytest.mark.parametrize("call, texts", [
    ("bridge_explain()", ["bridge_explain(sql, argument...) needs a statement"]),
    ("bridge_plan", ["bridge_plan(sql, argument...) needs a statement"]),
    ("bridge_explain(NULL)", ["needs a statement"]),
    ("bridge_explain('')", ["no statement in the text"]),
    ("bridge_explain(' ; -- nothing')", ["no statement in the text"]),
    ("bridge_explain('SELECT 1; SELECT 2')", ["only one statement"]),
    ("bridge_explain('SELECT 1; nonsense')", ["only one statement"]),
    ("bridge_explain('EXPLAIN SELECT 1')", ["without EXPLAIN"]),
    ("bridge_explain('SELECT 1', 2)", ["the statement has 0 parameters, 1 were given"]),
    ("bridge_explain('SELEC 1')", ['near "SELEC": syntax error']),
    ("bridge_explain('SELECT * FROM nowhere')", ["no such table: nowhere"]),
    ("bridge_plan('SELECT * FROM nowhere')", ["no such table: nowhere"]),
    ("bridge_explain('SELECT json(''{'')')", ["malformed JSON"]),
])
def test_explain_refuses(call, texts):
    check_failure(sqlite.error(connect(), f"SELECT * FROM {call}"), "SQLITE_ERROR", *texts)


def test_explain_takes_a_trailing_semicolon_and_comment():
    assert rows(connect(), "SELECT * FROM bridge_explain(' ; SELECT ?1 ; -- end', 5)") == []


def test_explain_reports_a_remote_failure_in_full(file_remote):
    db = connect()
    attach(db, file_remote)
    os.rename(file_remote.url.removeprefix("sqlite:"), file_remote.url.removeprefix("sqlite:") + ".gone")
    value(db, "SELECT bridge_server('dead', 'sqlite:/nowhere/none.db')")
    failure = sqlite.error(db, "SELECT * FROM bridge_explain("
                               "'SELECT * FROM bridge_query(''dead'', ''SELECT 1'')')")
    check_failure(failure, "SQLITE_CANTOPEN", "/nowhere/none.db")


# ---------------------------------------------------------------------------- query

def test_query(remote):
    db = connect()
    attach(db, remote, "name=s")
    mark = "?1" if remote.driver == "sqlite" else "$1"
    found = rows(db, "SELECT n, row, typeof(n), typeof(row) FROM bridge_query('s', "
                     f"'SELECT id, name, city FROM customers WHERE id >= {mark} ORDER BY id', 2)")
    assert [(n, json.loads(row)) for n, row, *_ in found] == [
        (1, {"id": 2, "name": "Bob", "city": "Rome"}), (2, {"id": 3, "name": "Cid", "city": None})]
    assert list(json.loads(found[0][1])) == ["id", "name", "city"]
    assert found[0][2:] == ("integer", "text")


def test_query_streams_and_stops(file_remote):
    db = connect()
    attach(db, file_remote, "name=s")
    sql = ("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t LIMIT 100000000) "
           "SELECT i FROM t")
    started = time.monotonic()
    assert len(rows(db, "SELECT n FROM bridge_query('s', ?) LIMIT 5000", sql)) == 5000
    assert time.monotonic() - started < 5
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


def test_query_in_a_join(file_remote):
    db = connect()
    attach(db, file_remote, "name=s")
    found = rows(db, "SELECT c.id, json_extract(q.row, '$.n') FROM customers c, bridge_query('s', "
                     "'SELECT count(*) AS n FROM orders WHERE customer = ?1', c.id) q ORDER BY c.id")
    assert found == [(1, 2), (2, 1), (3, 0)]


@pytest.mark.parametrize("call, code, texts", [
    ("bridge_query", "SQLITE_ERROR", ["needs a server and a statement"]),
    ("bridge_query('s')", "SQLITE_ERROR", ["needs a server and a statement"]),
    ("bridge_query(NULL, 'SELECT 1')", "SQLITE_ERROR", ["needs a server"]),
    ("bridge_query('x', 'SELECT 1')", "SQLITE_ERROR", ['no server is named "x"']),
    ("bridge_query('postgresql://u:secret@h/d', 'SELECT 1')", "SQLITE_ERROR", ["not a URL"]),
    ("bridge_query('s', 'SELEC')", "SQLITE_ERROR", ["syntax error"]),
    ("bridge_query('s', 'SELECT * FROM nowhere')", "SQLITE_ERROR", ["nowhere"]),
])
def test_query_refuses(remote, call, code, texts):
    db = connect()
    attach(db, remote, "name=s")
    failure = sqlite.error(db, f"SELECT * FROM {call}")
    check_failure(failure, code, *texts)
    assert "secret" not in failure[1]
    assert value(db, "SELECT count(*) FROM customers") == 3
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


@pytest.mark.parametrize("sql", ["DELETE FROM customers", "DROP TABLE orders", "INSERT INTO customers VALUES (9, 'x', 'y')"])
def test_query_only_reads(remote, sql):
    db = connect()
    attach(db, remote, "name=s")
    sqlite.error(db, "SELECT * FROM bridge_query('s', ?)", (sql,))
    assert value(db, "SELECT count(*) FROM customers") == 3 == value(db, "SELECT count(*) FROM orders")


def test_interrupt_reaches_a_query(file_remote):
    db = connect(check_same_thread=False)
    attach(db, file_remote, "name=s")
    sql = ("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t LIMIT 1000000000) "
           "SELECT count(*) AS n FROM t")
    threading.Timer(0.3, db.interrupt).start()
    started = time.monotonic()
    failure = sqlite.error(db, "SELECT * FROM bridge_query('s', ?)", (sql,))
    assert failure[0] == sqlite3.SQLITE_INTERRUPT and time.monotonic() - started < 3
    assert value(db, "SELECT count(*) FROM customers") == 3
