"""Random writes to attached tables and to a local twin: see differential/random_writes.py.

RANDOM_WRITES asks for another number of statements, RANDOM_SEED for other ones: a failure names
its seed, and RANDOM_SEED=n RANDOM_WRITES=1 plays just that program again."""
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import psycopg
import pytest

from differential import random_writes
from support.remotes import attach, connect, pg_remote, sqlite_remote

STATEMENTS = int(os.environ.get("RANDOM_WRITES", 1000))  # over each driver
SEED = int(os.environ.get("RANDOM_SEED", 0))
LENGTH = 20
SHOWN = 3


@pytest.fixture
def over_sqlite():
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # thousands of commits
    folder = Path(tempfile.mkdtemp(prefix="drawbridge-writes-", dir=memory))
    shop = sqlite_remote(folder / "writes.db")
    shop.run("DROP VIEW cities; DROP TABLE orders; DROP TABLE customers;" + random_writes.TWIN)
    other = sqlite3.connect(folder / "writes.db", isolation_level=None)
    db = connect()
    attach(db, shop, "name=writes", "log=0")
    yield random_writes.Twins(db, other.executescript, counter(other), False)
    db.close()
    other.close()
    shutil.rmtree(folder)


@pytest.fixture(params=["batch=auto", "batch=2"], ids=["together", "copied"])  # with two, most of a longer INSERT is a COPY
def over_postgres(request, pg_remote):
    pg_remote.run(random_writes.POSTGRES)
    other = psycopg.connect(pg_remote.url, autocommit=True)
    db = connect()
    attach(db, pg_remote, "name=writes", "log=0", "except=duo,beneath", request.param)
    db.execute("CREATE VIRTUAL TABLE duo USING postgres(server=writes, table=duo, key='a,b')")
    yield random_writes.Twins(db, lambda sql: other.execute(sql.replace("x'00ff'", "'\\x00ff'").replace("x''", "'\\x'")), counter(other), True)
    db.close()
    other.close()


def counter(other):
    return lambda table: other.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def verify(twins, statements):
    found, seed = [], SEED
    while twins.statements < statements and len(found) < SHOWN:
        words = random_writes.check(twins, seed, LENGTH)
        if words:
            found.append(words)
        seed += 1
    assert not found, "\n\n".join(found)
    return seed


def check_mixture(twins, statements):
    verify(twins, statements)
    assert twins.statements >= statements
    assert statements < 500 or 0.05 < twins.failures / twins.statements < 0.5


def test_over_sqlite(over_sqlite):
    check_mixture(over_sqlite, STATEMENTS)


def test_over_postgres(request, over_postgres):
    few = over_postgres.copies = "copied" in request.node.name
    check_mixture(over_postgres, STATEMENTS // 4 if few else STATEMENTS)
