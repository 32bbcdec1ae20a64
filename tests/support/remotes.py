"""A small shop as a remote database of one test, behind either driver, and short words for what
tests of the SQL surface do with it. A module that imports a fixture has it:

    from support.remotes import remote      # parametrised: sqlite, postgres
"""
import os
import sqlite3
import time

import pytest

from support import sqlite

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
