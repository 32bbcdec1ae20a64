"""Programs that speak SQLite read attached tables as their own: Python's sqlite3, apsw, SQLAlchemy,
Datasette, the newest shell; and what becomes of definitions that are kept in a database file."""
import datetime
import json
import sqlite3
import threading

import apsw
import apsw.ext
import apsw.shell
import pytest

from support import sqlite, venv
from support.paths import ROOT

SHOP = (ROOT / "examples" / "shop.sql").read_text()
CLIENTS = ROOT / "tests" / "clients"

KINDS = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE kinds (
    id integer PRIMARY KEY, small smallint, big bigint, price numeric(10,2), wide numeric, real4 real,
    double8 double precision, flag boolean, day date, at timestamp, at_tz timestamptz, clock time, doc json,
    docb jsonb, raw bytea, u uuid, tags integer[], label varchar(20), fixed char(4), body text, mood mood,
    span interval, address inet);
INSERT INTO kinds VALUES
    (1, -5, 9223372036854775807, 12.5, 0.5, 0.1, 1.5e300, true, '2024-02-29', '2024-02-29 12:34:56.5',
     '2024-02-29 12:00:00+02', '12:34:56.000007', '{"a": [1, null]}', '[1, "x"]', '\\x00ff',
     '0a1b2c3d-0000-4000-8000-000000000001', '{1,2}', 'Ünï', 'ab', 'text', 'happy', '1 day', '10.0.0.1'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL);
CREATE TABLE coupons (code varchar(10) PRIMARY KEY, percent integer);
INSERT INTO coupons VALUES ('SUMMER', 20), ('WINTER', 10);
CREATE TABLE devices (id uuid PRIMARY KEY, name text);
INSERT INTO devices VALUES ('0a1b2c3d-0000-4000-8000-000000000001', 'lamp'),
    ('0a1b2c3d-0000-4000-8000-000000000002', 'door');
"""


class Shop:
    """In an object, since pytest shows what a failed test was given, and the URL holds a password."""

    def __init__(self, url):
        self.url = url

    def attach(self, connection, *options):
        marks = "".join(", ?" for _ in options)
        return list(connection.execute(f"SELECT bridge_attach(?{marks})", (self.url, *options)))[0][0]


@pytest.fixture(scope="module")
def shop(pg):
    name = pg.create_database("clients", "icu")
    pg.psql(SHOP, database=name)
    pg.psql(KINDS, database=name)
    return Shop(pg.url(name))


def connect(shop, *options, **how):
    connection = sqlite.connect(isolation_level=None, **how)
    shop.attach(connection, *options)
    return connection


def one(connection, sql, *parameters):
    return list(connection.execute(sql, parameters))[0][0]


OSLO = "SELECT name FROM customers WHERE city = 'Oslo' ORDER BY id"
NAMES = [("Bjørn",), ("Dag",), ("Gunnar",)]


# ---------------------------------------------------------------- Python's sqlite3

def test_connections_of_many_threads(shop):
    """Each thread has a connection of its own, opened and closed there."""
    failures = []

    def work(number):
        try:
            for _ in range(3):
                connection = connect(shop)
                for key in range(1, 41):
                    assert one(connection, "SELECT id FROM orders WHERE id = ?", key) == key
                assert connection.execute(OSLO).fetchall() == NAMES
                assert one(connection, "SELECT count(*) FROM order_items") == 83
                connection.close()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_one_connection_that_threads_share(shop):
    connection = connect(shop, check_same_thread=False)
    failures, found = [], []

    def work(key):
        try:
            for _ in range(10):
                found.append(one(connection, "SELECT count(*) FROM orders WHERE customer_id = ?", key))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(n,)) for n in (6, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and sorted(found) == [7] * 10 + [8] * 10


def test_interrupt_from_another_thread(shop):
    connection = connect(shop, check_same_thread=False)
    connection.execute("CREATE VIRTUAL TABLE slow USING postgres(server=clients, query='SELECT pg_sleep(60)')")
    timer = threading.Timer(0.5, connection.interrupt)
    timer.start()
    code, message = sqlite.error(connection, "SELECT * FROM slow")
    timer.join()
    assert code == sqlite3.SQLITE_INTERRUPT
    assert connection.execute(OSLO).fetchall() == NAMES


def test_declared_types_reach_the_converters(shop):
    connection = connect(shop, detect_types=sqlite3.PARSE_DECLTYPES)
    row = connection.execute("SELECT day, at, at_tz, big, flag, raw FROM kinds WHERE id = 1").fetchone()
    assert row == (datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 34, 56, 500000),
                   datetime.datetime(2024, 2, 29, 10, 0), 9223372036854775807, 1, b"\x00\xff")
    assert connection.execute("SELECT day, at FROM kinds WHERE id = 2").fetchone() == (None, None)
    since, = connection.execute("SELECT since FROM customers WHERE since = ?",
                                (datetime.date(2021, 5, 17),)).fetchone()
    assert since == datetime.date(2021, 5, 17)
    when = datetime.datetime(2024, 2, 29, 12, 34, 56, 500000)
    assert connection.execute("SELECT id FROM kinds WHERE at = ?", (when,)).fetchall() == [(1,)]


def test_a_converter_of_ones_own(shop):
    sqlite3.register_converter("JSON", json.loads)
    try:
        connection = connect(shop, detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
        assert connection.execute("SELECT doc, docb, tags FROM kinds WHERE id = 1").fetchone() == (
            {"a": [1, None]}, [1, "x"], [1, 2])
        assert connection.execute("SELECT max(day) AS 'd [date]' FROM kinds").fetchone() == (
            datetime.date(2024, 2, 29),)
    finally:
        del sqlite3.converters["JSON"]


def test_row_factories(shop):
    connection = connect(shop)
    connection.row_factory = sqlite3.Row
    row = connection.execute("SELECT * FROM customers WHERE id = 2").fetchone()
    assert row.keys() == ["id", "name", "city", "since"]
    assert row["NAME"] == "Bjørn" and tuple(row) == (2, "Bjørn", "Oslo", "2021-05-17")
    connection.row_factory = lambda cursor, row: dict(zip([c[0] for c in cursor.description], row))
    assert connection.execute("SELECT id, title FROM products ORDER BY id").fetchmany(2) == [
        {"id": 1, "title": "Rope, 10 m"}, {"id": 2, "title": "Chain, 5 m"}]
    connection.row_factory = None
    connection.text_factory = bytes
    assert connection.execute("SELECT label FROM kinds WHERE id = 1").fetchone() == ("Ünï".encode(),)


def test_functions_and_collations_of_ones_own(shop):
    connection = connect(shop)
    connection.create_function("backwards", 1, lambda text: text[::-1], deterministic=True)
    connection.create_collation("bylength", lambda a, b: len(a) - len(b))
    connection.create_aggregate("longest", 1, Longest)
    assert connection.execute("SELECT id FROM customers WHERE backwards(name) = 'gaD'").fetchall() == [(4,)]
    assert one(connection, "SELECT longest(name) FROM customers") == "Chiara"
    shortest = "SELECT name FROM customers ORDER BY name COLLATE bylength, id LIMIT 2"
    assert connection.execute(shortest).fetchall() == [("Ada",), ("Dag",)]
    assert one(connection, "SELECT count(*) FROM customers WHERE name = 'Eva' COLLATE bylength") == 3
    connection.create_function("like", 2, lambda pattern, text: text == "Ada")
    assert connection.execute("SELECT name FROM customers WHERE name LIKE 'B%'").fetchall() == [("Ada",)]


class Longest:
    def __init__(self):
        self.found = ""

    def step(self, text):
        self.found = max(self.found, text, key=len)

    def finalize(self):
        return self.found


def test_dump(shop):
    """iterdump shows a virtual table's definition; whether rows follow is Python's affair."""
    connection = connect(shop, "tables=customers", "name=shop")
    connection.executescript("CREATE TABLE notes (x); INSERT INTO notes VALUES ('mine')")
    lines = list(connection.iterdump())
    assert "INSERT INTO \"notes\" VALUES('mine');" in lines
    assert 'USING postgres(server="shop", schema="public", table="customers")' in "".join(lines)
    assert not any("://" in line for line in lines)


def test_backup_takes_definitions_not_rows(shop, tmp_path):
    connection = connect(shop, "tables=customers", "name=shop")
    connection.execute("CREATE TABLE notes (x)")
    copy = sqlite3.connect(tmp_path / "copy.db")
    connection.backup(copy)
    assert {name for (name,) in copy.execute("SELECT name FROM sqlite_schema")} == {"customers", "notes"}
    assert connection.execute(OSLO).fetchall() == NAMES
    copy.close()
    other = sqlite.connect(tmp_path / "copy.db")
    one(other, "SELECT bridge_server('shop', ?)", shop.url)
    assert other.execute(OSLO).fetchall() == NAMES


def test_serialize(shop):
    connection = connect(shop, "tables=customers", "name=shop")
    other = sqlite.connect()
    one(other, "SELECT bridge_server('shop', ?)", shop.url)
    other.deserialize(connection.serialize())
    assert other.execute(OSLO).fetchall() == NAMES


@pytest.mark.parametrize("mode", ["rw", "rwc", "ro"])
def test_uri_files(shop, tmp_path, mode):
    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE notes (x)").connection.close()
    connection = connect(shop, database=f"file:{tmp_path / 'a.db'}?mode={mode}", uri=True)
    assert connection.execute(OSLO).fetchall() == NAMES
    assert one(connection, "SELECT place FROM bridge_servers") == "temp"


def test_context_managers_and_implicit_transactions(shop):
    connection = sqlite.connect()  # Python begins transactions by itself
    shop.attach(connection)
    connection.execute("CREATE TEMP TABLE notes (x)")
    with connection:
        connection.execute("INSERT INTO notes SELECT name FROM customers")
        assert connection.in_transaction
    with pytest.raises(ZeroDivisionError), connection:
        connection.execute("INSERT INTO notes SELECT name FROM customers")
        1 / 0
    assert one(connection, "SELECT count(*) FROM notes") == 10
    connection.executemany("INSERT INTO notes SELECT name FROM customers WHERE id = ?", [(1,), (2,)])
    connection.rollback()
    assert one(connection, "SELECT count(*) FROM notes") == 10


def test_closing_with_rows_unread(shop):
    connection = connect(shop)
    cursor = connection.execute("SELECT a.id FROM orders a, orders b, orders c")
    assert cursor.fetchone() == (1,)
    connection.close()


def test_handlers(shop):
    connection = connect(shop)
    seen = []
    connection.set_trace_callback(seen.append)
    assert connection.execute(OSLO).fetchall() == NAMES
    assert OSLO in seen
    connection.set_progress_handler(lambda: 1, 1)
    assert sqlite.error(connection, OSLO)[0] == sqlite3.SQLITE_INTERRUPT
    connection.set_progress_handler(None, 0)
    connection.set_authorizer(lambda action, table, column, *rest: sqlite3.SQLITE_DENY
                              if (action, table, column) == (sqlite3.SQLITE_READ, "customers", "name")
                              else sqlite3.SQLITE_OK)
    assert "prohibited" in sqlite.error(connection, "SELECT name FROM customers")[1]
    assert connection.execute("SELECT id FROM customers WHERE id = 1").fetchall() == [(1,)]


# ---------------------------------------------------------------- shared cache, files

def test_shared_cache(shop):
    """The second connection finds the definitions there, and attaching again is no error."""
    uri = "file:clients_shared?mode=memory&cache=shared"
    words = ("as=main", "name=shop")
    first = connect(shop, *words, database=uri, uri=True)
    second = sqlite.connect(uri, uri=True, isolation_level=None)
    assert "no server is named" in sqlite.error(second, OSLO)[1]
    assert shop.attach(second, *words) == 7
    assert second.execute(OSLO).fetchall() == first.execute(OSLO).fetchall() == NAMES
    first.close()
    assert second.execute(OSLO).fetchall() == NAMES
    third = sqlite.connect(uri, uri=True)
    one(third, "SELECT bridge_server('shop', ?)", shop.url)
    assert third.execute(OSLO).fetchall() == NAMES


def test_definitions_kept_in_a_file(shop, tmp_path):
    path = tmp_path / "kept.db"
    first = connect(shop, "as=main", "name=shop", database=path)
    first.execute("CREATE TABLE notes (customer INTEGER, text TEXT)")
    first.execute("INSERT INTO notes VALUES (2, 'call')")
    first.execute("CREATE VIEW called AS SELECT c.name, n.text FROM notes n JOIN customers c ON c.id = n.customer")
    assert first.execute("SELECT * FROM called").fetchall() == [("Bjørn", "call")]
    first.close()
    assert b"canary" not in path.read_bytes() and b"://" not in path.read_bytes()

    again = sqlite.connect(path, isolation_level=None)
    assert again.execute("SELECT * FROM notes").fetchall() == [(2, "call")]
    code, message = sqlite.error(again, OSLO)
    assert 'no server is named "shop"' in message and "bridge_server" in message
    one(again, "SELECT bridge_server('shop', ?)", shop.url)
    assert again.execute(OSLO).fetchall() == NAMES
    # What a file holds may be a stranger's: its views do not reach a server until attached anew.
    assert "unsafe use of virtual table" in sqlite.error(again, "SELECT * FROM called")[1]
    assert again.execute("SELECT c.name, n.text FROM notes n JOIN customers c ON c.id = n.customer"
                         ).fetchall() == [("Bjørn", "call")]
    assert again.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    again.close()


def test_a_file_is_attached_again(shop, tmp_path):
    path = tmp_path / "again.db"
    connect(shop, "as=main", "name=shop", "tables=customers,orders", database=path).close()
    again = sqlite.connect(path, isolation_level=None)
    assert shop.attach(again, "as=main", "name=shop", "tables=customers,orders") == 2
    assert again.execute(OSLO).fetchall() == NAMES
    assert one(again, "SELECT bridge_detach('shop')") == 2
    assert again.execute("SELECT name FROM sqlite_schema").fetchall() == []


def test_a_file_without_the_extension(shop, tmp_path):
    path = tmp_path / "bare.db"
    first = connect(shop, "as=main", "name=shop", database=path)
    first.execute("CREATE TABLE notes (x)")
    first.execute("INSERT INTO notes VALUES (1)")
    first.close()
    bare = sqlite3.connect(path, isolation_level=None)
    assert bare.execute("SELECT * FROM notes").fetchall() == [(1,)]
    bare.execute("INSERT INTO notes VALUES (2)")
    assert "no such module: postgres" in sqlite.error(bare, OSLO)[1]
    assert bare.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    bare.execute("VACUUM")
    assert one(bare, "SELECT count(*) FROM sqlite_schema WHERE name = 'customers'") == 1
    bare.close()


# ---------------------------------------------------------------- apsw and the newest SQLite

def test_apsw(shop):
    connection = sqlite.connect_newest()
    assert shop.attach(connection) == 7
    assert list(connection.execute(OSLO)) == NAMES
    cursor = connection.execute("SELECT id, day AS d, price FROM kinds WHERE id = :key", {"key": 1})
    assert cursor.get_description() == (("id", "INTEGER"), ("d", "DATE(TEXT)"), ("price", "NUMERIC(10,2)"))
    assert list(cursor) == [(1, "2024-02-29", 12.5)]
    factory = apsw.ext.DataClassRowFactory()
    connection.row_trace = factory
    assert next(connection.execute("SELECT name, city FROM customers WHERE id = 3")).city == "Torino"
    connection.row_trace = None
    info = apsw.ext.query_info(connection, OSLO, actions=True, explain_query_plan=True)
    assert "customers" in str(info.query_plan)
    with connection:
        connection.execute("CREATE TEMP TABLE notes AS SELECT name FROM customers")
    assert one(connection, "SELECT count(*) FROM notes") == 10
    assert connection.table_exists("main", "customers")
    assert connection.column_metadata(None, "customers", "since")[0] == "DATE(TEXT)"
    copy = apsw.Connection("")
    with copy.backup("main", connection, "main") as backup:
        backup.step()
    assert list(connection.execute(OSLO)) == NAMES


def test_apsw_shell(shop, tmp_path):
    connection = sqlite.connect_newest()
    shop.attach(connection, "tables=customers,orders", "name=shop")
    with open(tmp_path / "out", "w+") as out:
        shell = apsw.shell.Shell(db=connection, stdout=out, stderr=out)
        for line in (".tables", ".schema customers", ".mode csv", OSLO, ".find Torino", ".dump orders"):
            (shell.process_command if line[0] == "." else shell.process_sql)(line)
        out.seek(0)
        text = out.read()
    assert "customers" in text and "Gunnar" in text and "USING postgres(server=" in text
    assert "://" not in text


def test_newest_shell(shop):
    result = sqlite.shell("""
SELECT bridge_attach('env:DATABASE_URL', 'name=shop', 'tables=customers,orders');
.tables
.schema customers
.mode box
SELECT name, since FROM customers WHERE city = 'Oslo' ORDER BY id LIMIT 1;
.mode json
SELECT id, paid FROM orders ORDER BY id LIMIT 1;
.mode list
EXPLAIN QUERY PLAN SELECT name FROM customers WHERE city = 'Oslo' ORDER BY id LIMIT 10;
SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY 1 ORDER BY 2 DESC LIMIT 1;
.dump
""", newest=True, env={"DATABASE_URL": shop.url})
    assert result.code == 0 and result.err == "", result
    for text in ("customers     orders", 'USING postgres(server="shop", schema="public", table="customers")',
                 "│ Bjørn │ 2021-05-17 │", '[{"id":1,"paid":1}]', 'where "city" = ? order by "id"', "Hana|8",
                 "COMMIT;"):
        assert text in result.out, (text, result.out)


# ---------------------------------------------------------------- SQLAlchemy, Datasette

@pytest.mark.parametrize("name", ["sqlalchemy14", "sqlalchemy20"])
def test_sqlalchemy(shop, name):
    result = venv.command(name, "python", CLIENTS / "sqlalchemy_reading.py", sqlite.SO,
                          env={"DATABASE_URL": shop.url})
    assert result.out.strip() == "well", result.err[-3000:]


def test_datasette(shop):
    result = venv.command("datasette", "python", CLIENTS / "datasette_pages.py", sqlite.SO,
                          env={"DATABASE_URL": shop.url})
    assert result.out.strip() == "well", result.err[-3000:]
