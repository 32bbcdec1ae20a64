"""Transactions of the remote are those of the SQLite connection: whatever is said, attached tables
hold what local ones would.

The twin test says the same to local tables and to attached ones: every sequence of SAVEPOINT, RELEASE,
ROLLBACK TO (the innermost or the outermost, also when there is none), writes to two tables and a write
that fails. ./check asks a fixed sample, ./check all (TWIN_SAMPLE=0) all 2 x 262,144 sequences of six."""
import itertools
import os
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path

import psycopg
import pytest

from support import sqlite
from support.remotes import attach, connect, file_remote, pg_remote, remote, rows, sqlite_remote, value

LENGTH = int(os.environ.get("TWIN_LENGTH", "6"))
SAMPLE = int(os.environ.get("TWIN_SAMPLE", 0 if os.environ.get("CHECK") == "all" else 2500))  # 0: all of them

TABLES = """CREATE TABLE t1(id integer primary key, v integer not null unique);
CREATE TABLE t2(id integer primary key, v integer not null unique);
INSERT INTO t1 VALUES(1, 1); INSERT INTO t2 VALUES(1, 1);"""

OPERATIONS = ["savepoint", "release inner", "release outer", "rollback inner", "rollback outer",
              "write t1", "write t2", "fail"]
WRITES = ["INSERT INTO {t}(v) VALUES({n})", "UPDATE {t} SET v = {n} WHERE v = 1",
          "INSERT INTO {t}(v) VALUES({n}), ({n} + 1)", "INSERT INTO {t}(v) SELECT {n} UNION SELECT {n} + 1",
          "DELETE FROM {t} WHERE v = 1", "UPDATE {t} SET v = {n} FROM (SELECT 1 AS one) WHERE v = one"]
FAILURES = ["INSERT INTO t1(v) VALUES(1)", "INSERT INTO t1(v) VALUES({n}), (NULL)",
            "INSERT INTO t2(v) VALUES({n}), ({n})", "UPDATE t1 SET v = NULL",
            "INSERT OR ROLLBACK INTO t1(v) VALUES(NULL)", "INSERT OR FAIL INTO t2(v) VALUES({n}), (NULL)"]


class Names:
    """The savepoints that stand, by the rules of SQLite."""

    def __init__(self):
        self.stack, self.next = [], 1

    def say(self, operation):
        kind, _, which = operation.partition(" ")
        if kind == "savepoint":
            self.stack.append(f"s{self.next}")
            self.next += 1
            return f"SAVEPOINT {self.stack[-1]}"
        place = (-1 if which == "inner" else 0) if self.stack else None
        name = self.stack[place] if self.stack else "s1"
        if self.stack:
            at = self.stack.index(name)
            del self.stack[at + (kind == "rollback"):]
        return f"RELEASE {name}" if kind == "release" else f"ROLLBACK TO {name}"


def statements(sequence, seed):
    """The SQL of a sequence. Which write and which failure is the seed's choice."""
    names, choose = Names(), random.Random(seed)
    for i, operation in enumerate(sequence):
        if operation.startswith("write"):
            yield choose.choice(WRITES).format(t=operation[-2:], n=10 * i + 10)
        elif operation == "fail":
            yield choose.choice(FAILURES).format(n=10 * i + 10)
        else:
            yield names.say(operation)


def run(connection, sql):
    try:
        connection.execute(sql).fetchall()
        return None
    except sqlite3.Error as failure:
        return str(failure).partition("\n")[0]


def content(connection, columns="id, v"):
    """Without the ids where the remote's sequence makes them: it goes on over a rollback."""
    return connection.execute(f"SELECT 't1', {columns} FROM t1 UNION ALL SELECT 't2', {columns} FROM t2 "
                              "ORDER BY 1, 2").fetchall()


def play(twin, attached, begins, sequence, seed, look, columns):
    """Says it to both; gives what differs first, or None."""
    said = []
    for sql in [*(["BEGIN"] if begins else []), *statements(sequence, seed)]:
        said.append(sql)
        ours, theirs = run(attached, sql), run(twin, sql)
        if (ours is None) != (theirs is None):
            return said, ours, theirs
        if ours is not None and "constraint" in theirs and ours != theirs:
            return said, ours, theirs
        if attached.in_transaction != twin.in_transaction:
            return said, "in a transaction" if attached.in_transaction else "in none", None
        if look and content(attached, columns) != content(twin, columns):
            return said, content(attached, columns), content(twin, columns)
    if twin.in_transaction:
        end = "COMMIT" if seed % 4 else "ROLLBACK"
        said.append(end)
        ours, theirs = run(attached, end), run(twin, end)
        if ours != theirs:
            return said, ours, theirs
    return None if content(attached, columns) == content(twin, columns) else (said, content(attached, columns), content(twin, columns))


def sequences(length, sample):
    if sample == 0:
        yield from enumerate(itertools.product(OPERATIONS, repeat=length))
        return
    choose = random.Random(20261121)
    for seed in range(sample):
        yield seed, [choose.choice(OPERATIONS) for _ in range(length)]


SEED_ROWS = "DELETE FROM t1; DELETE FROM t2; INSERT INTO t1 VALUES(1, 1); INSERT INTO t2 VALUES(1, 1);"


@pytest.fixture(params=["sqlite", "postgres"])
def twins(request):
    """A local twin, the attached tables, and how to set both back."""
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # thousands of commits
    folder = Path(tempfile.mkdtemp(prefix="drawbridge-twin-", dir=memory))
    if request.param == "sqlite":
        shop = sqlite_remote(folder / "twin.db")
        shop.run("DROP VIEW cities; DROP TABLE orders; DROP TABLE customers;" + TABLES)
        other = sqlite3.connect(folder / "twin.db", isolation_level=None)
        say = other.executescript
    else:
        shop = request.getfixturevalue("pg_remote")
        shop.run(TABLES.replace("id integer", "id serial"))
        other = psycopg.connect(shop.url, autocommit=True)
        say = other.execute
    twin = sqlite3.connect(":memory:", isolation_level=None)
    twin.executescript(TABLES)
    attached = connect()
    attach(attached, shop, "name=twin", "log=0")

    def reset():
        twin.executescript(SEED_ROWS)
        say(SEED_ROWS + ("" if request.param == "sqlite" else
                         "SELECT setval('t1_id_seq', 1), setval('t2_id_seq', 1)"))

    yield twin, attached, reset, request.param
    attached.close()
    twin.close()
    other.close()
    shutil.rmtree(folder)


@pytest.mark.parametrize("begins", [False, True], ids=["autocommit", "begin"])
def test_sequences_as_on_a_local_twin(twins, begins):
    twin, attached, reset, driver = twins
    sample = SAMPLE if SAMPLE == 0 or driver == "sqlite" else SAMPLE // 4
    tried = 0
    for seed, sequence in sequences(LENGTH, sample):
        reset()
        difference = play(twin, attached, begins, sequence, seed, seed % 3 == 0,
                          "id, v" if driver == "sqlite" else "v")
        assert difference is None, (seed, *difference)
        tried += 1
    assert tried >= 100
