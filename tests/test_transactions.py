"""Transactions of the remote are those of the SQLite connection: whatever is said, attached tables
hold what local ones would.

The twin test says the same to local tables and to attached ones: every sequence of SAVEPOINT, RELEASE,
ROLLBACK TO (the innermost or the outermost, also when there is none), writes to two tables and a write
that fails. ./check asks a fixed sample, ./check all every one of the 262,144 sequences of six and of the
shorter ones, with and without BEGIN, through both drivers. With fewer than two savepoints the innermost
is the outermost, so that many of them read the same: each text is asked once. TWIN_SEED=n makes other
writes of it."""
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

LENGTH = 6
SAMPLE = int(os.environ.get("TWIN_SAMPLE", 2500))
SEED = int(os.environ.get("TWIN_SEED", 0))

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


def play(twins, begins, sequence, seed):
    """Says it to both; gives what differs first, or None. Each third time after every statement, and
    always at the end, where a session of its own looks at what the remote has."""
    twin, attached, other, columns = twins.twin, twins.attached, twins.other, twins.columns
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
        if seed % 3 == 0 and content(attached, columns) != content(twin, columns):
            return said, content(attached, columns), content(twin, columns)
    if twin.in_transaction:
        end = "COMMIT" if seed % 4 else "ROLLBACK"
        said.append(end)
        ours, theirs = run(attached, end), run(twin, end)
        if ours != theirs:
            return said, ours, theirs
    kept, seen = content(twin, columns), content(other, columns)
    if seen == kept and seed % 3 == 1:
        seen = content(attached, columns)
    return None if seen == kept else (said, seen, kept)


def sample(count):
    """The same ones on every run, each with its seed."""
    choose = random.Random(20261121)
    for seed in range(count):
        yield seed, [choose.choice(OPERATIONS) for _ in range(LENGTH)]


def text(sequence):
    """What all writes of a kind have in common."""
    names = Names()
    return tuple(operation if operation.startswith(("write", "fail")) else names.say(operation)
                 for operation in sequence)


def every(first, second):
    """All of up to six that begin with these two, one of each text."""
    seen = set()
    for length in range(LENGTH - 1):
        for rest in itertools.product(OPERATIONS, repeat=length):
            sequence = (first, second, *rest)
            if text(sequence) not in seen:
                seen.add(text(sequence))
                yield SEED + len(seen), sequence


class Twins:
    """A local twin, the attached tables, and a session beside them on the same remote."""

    ROWS = "DELETE FROM t1; DELETE FROM t2; INSERT INTO t1 VALUES(1, 1); INSERT INTO t2 VALUES(1, 1);"

    def __init__(self, shop, other, say, columns):
        self.other, self.say, self.columns = other, say, columns
        self.twin = sqlite3.connect(":memory:", isolation_level=None)
        self.twin.executescript(TABLES)
        self.first = content(self.twin, columns)
        self.attached = connect()
        attach(self.attached, shop, "name=twin", "log=0")

    def reset(self):
        """Both as in the beginning; they are alike. A sequence that changed nothing needs none."""
        if content(self.twin, self.columns) != self.first:
            self.twin.executescript(f"BEGIN; {self.ROWS} COMMIT")
            self.say(f"BEGIN; {self.ROWS} COMMIT")

    def ask(self, begins, sequences):
        """How many sequences went as on the twin, which is all of them."""
        asked = 0
        for seed, sequence in sequences:
            self.reset()
            difference = play(self, begins, sequence, seed)
            assert difference is None, (seed, *difference)
            asked += 1
        return asked

    def close(self):
        for connection in (self.attached, self.twin, self.other):
            connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
def twins(request):
    if request.param == "postgres":
        shop = request.getfixturevalue("pg_remote")
        shop.run(TABLES.replace("id integer", "id serial") +
                 "SELECT nextval('t1_id_seq'), nextval('t2_id_seq')")
        other = psycopg.connect(shop.url, autocommit=True)
        twins = Twins(shop, other, other.execute, "v")
        yield twins
        twins.close()
        return
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # thousands of commits
    folder = Path(tempfile.mkdtemp(prefix="drawbridge-twin-", dir=memory))
    shop = sqlite_remote(folder / "twin.db")
    shop.run("DROP VIEW cities; DROP TABLE orders; DROP TABLE customers;" + TABLES)
    other = sqlite3.connect(folder / "twin.db", isolation_level=None)
    twins = Twins(shop, other, other.executescript, "id, v")
    yield twins
    twins.close()
    shutil.rmtree(folder)


BEGINS = pytest.mark.parametrize("begins", [False, True], ids=["autocommit", "begin"])


@BEGINS
def test_sequences_as_on_a_local_twin(twins, begins):
    count = SAMPLE if twins.columns == "id, v" else SAMPLE // 4
    assert twins.ask(begins, sample(count)) == count >= 100


# In parts of a minute or so. Where a part begins there are no two savepoints, and so no outermost one.
PARTS = list(itertools.product([operation for operation in OPERATIONS if "outer" not in operation], repeat=2))


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("first, second", PARTS)
@BEGINS
def test_every_sequence_as_on_a_local_twin(twins, begins, first, second):
    assert twins.ask(begins, every(first, second)) > 1000


@pytest.mark.slow
def test_every_sequence_is_among_them():
    asked = {text(sequence) for part in PARTS for _, sequence in every(*part)}
    for length in range(2, LENGTH + 1):
        for sequence in itertools.product(OPERATIONS, repeat=length):
            assert text(sequence) in asked
