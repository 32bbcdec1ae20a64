"""Bytes that are not UTF-8, as a SQL_ASCII database may hold: an error that names row and column,
or the bytes themselves under type.COLUMN=BLOB."""
import pytest

from support import sqlite

CORRUPT_VTAB = 11 | 1 << 8


@pytest.fixture(scope="module")
def url(pg):
    database = pg.create_database("malformed", "ascii")
    pg.psql("""
        CREATE TABLE keyed (id int PRIMARY KEY, t text, n int);
        INSERT INTO keyed SELECT i, 'word', i FROM generate_series(1, 100) i;
        INSERT INTO keyed VALUES (777, E'ab\\xff', 0);
        CREATE TABLE bare AS SELECT id, t FROM keyed ORDER BY id;
        CREATE TABLE pairs (a text, b date, c bytea, v text, PRIMARY KEY (a, b, c));
        INSERT INTO pairs VALUES ('x "y"', '2024-01-02', '\\x00ff', E'\\xfe');
        CREATE TABLE inside (a text, b int, v text, PRIMARY KEY (a, b));
        INSERT INTO inside VALUES ('good', 1, 'v'), (E'\\xfe', 2, 'w');
        CREATE VIEW seen AS SELECT id, t FROM keyed;
        CREATE TABLE parts (id int, t text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (9);
        INSERT INTO parts VALUES (1, 'a'), (5, E'\\xc3');
        """, database=database)
    return pg.url(database)


@pytest.fixture
def db(url):
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_attach(?, 'name=s')", (url,))
    yield connection
    connection.close()


@pytest.mark.parametrize("sql, row", [
    ("SELECT t FROM keyed", "in the row with id = 777"),
    ("SELECT * FROM keyed", "in the row with id = 777"),
    ("SELECT count(t) FROM keyed WHERE n < 50", "in the row with id = 777"),
    ("SELECT t FROM keyed WHERE id = 777", "in the row with id = 777"),
    ("SELECT rowid, t FROM bare", "in row 101 of this scan"),
    ("SELECT t FROM bare WHERE id > 99", "in row 2 of this scan"),
    ("SELECT t FROM seen", "in row 101 of this scan"),
    ("SELECT v FROM pairs", "in the row with a = \"x \\\"y\\\"\", b = \"2024-01-02\", c = x'00ff'"),
    ("SELECT a FROM inside", "in row 2 of this scan"),
    ("SELECT t FROM parts", "in the row with id = 5"),
])
def test_the_row_and_column_are_named(db, sql, row):
    column = "v" if "pairs" in sql else "a" if "inside" in sql else "t"
    code, message = sqlite.error(db, sql)
    assert code == CORRUPT_VTAB
    assert f"text in column \"{column}\" is not UTF-8: byte 0x" in message and row in message, message
    assert "type.COLUMN=BLOB" in message


def test_other_rows_and_columns_are_readable(db):
    assert db.execute("SELECT count(*), sum(id), max(n) FROM keyed").fetchone() == (101, 5827, 100)
    assert db.execute("SELECT t FROM keyed WHERE id = 5").fetchall() == [("word",)]
    assert db.execute("SELECT v FROM inside WHERE b = 1").fetchall() == [("v",)]


def test_the_key_travels_only_where_it_may_be_needed(db):
    def statement():
        return db.execute("SELECT statement FROM bridge_log ORDER BY id DESC").fetchone()[0]

    db.execute("SELECT n FROM keyed").fetchall()
    assert statement() == 'SELECT "n" FROM "public"."keyed"'
    db.execute("SELECT t FROM keyed WHERE n > 99").fetchall()
    assert statement().startswith('SELECT "t", "n", "id" FROM "public"."keyed"')


def test_the_bytes_as_they_are(db):
    db.execute("CREATE VIRTUAL TABLE raw USING postgres(server=s, table=keyed, type.t=BLOB)")
    assert db.execute("SELECT t FROM raw WHERE id = 777").fetchone() == (b"ab\xff",)
