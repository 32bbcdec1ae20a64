"""Fills tables of every type on a server and in SQLite, asks judge_grid about every condition of
the grid, and compares the rows that it would fetch with those that SQLite selects.

A verdict is about every affinity that the right-hand side may have had, so each condition is tried
with a bound value and with columns of NUMERIC and TEXT affinity that hold it."""
import collections
import re
import sqlite3
import subprocess

import psycopg

from judge import grid
from judge.values import GLOBS, PATTERNS

PINNED = ("SET DateStyle = 'ISO, MDY'; SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'; "
          "SET extra_float_digits = 1; SET lc_monetary = 'C'; ")
CODECS = {"UTF8": "utf-8", "LATIN1": "latin-1", "SQL_ASCII": "ascii"}
AFFINITIES = ("NUMERIC", "TEXT")


def fits(text, codec):
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return not re.search(r"\\u", text) or codec == "utf-8"  # what JSON escapes may not fit either


def holds(connection, name, value):
    """Has this server a place for the value?"""
    if name == "numeric" and "Infinity" in str(value):
        return connection.info.server_version >= 140000
    codec = CODECS[connection.info.parameter_status("server_encoding")]
    return not isinstance(value, str) or fits(value, codec)


def fill(connection, local, name):
    """Makes t_NAME on both sides with equal rows; the local ones must stay as they are."""
    kind = grid.TYPES[name]
    connection.execute(f"CREATE TABLE truth.t_{name} (id serial, c {kind.remote})")
    cast = kind.remote.partition(" COLLATE")[0]
    through = {"money": "%s::numeric::money", "composite": "%s::truth.comp", "bytea": "%s::bytea"}
    value_sql = through.get(name, f"%s::text::{cast}")
    for value in [None, *grid.VALUES[name]]:
        if not holds(connection, name, value):
            continue
        value = value if value is None or isinstance(value, bytes) else str(value)
        connection.execute(f"INSERT INTO truth.t_{name} (c) VALUES ({value_sql})", (value,))
    rows = [(row, None if text is None else kind.read(text)) for row, text in connection.execute(
        f"SELECT id, {kind.select} FROM truth.t_{name} ORDER BY id").fetchall()]
    local.execute(f"CREATE TABLE t_{name} (id INTEGER PRIMARY KEY, c {kind.declared})")
    local.executemany(f"INSERT INTO t_{name} VALUES (?, ?)", rows)
    stored = local.execute(f"SELECT id, c FROM t_{name} ORDER BY id").fetchall()
    assert list(map(repr, stored)) == list(map(repr, rows)), f"{name}: not stable when stored"
    return dict(rows)


def encode(value):
    if value is None:
        return "n"
    if isinstance(value, int):
        return f"i:{value}"
    if isinstance(value, float):
        return f"r:{value.hex()}"
    return f"t:{value.encode().hex()}" if isinstance(value, str) else f"b:{value.hex()}"


class Local:
    """What SQLite selects."""

    def __init__(self, database, name):
        self.database, self.name = database, name
        for affinity in AFFINITIES:
            database.execute(f"CREATE TEMP TABLE IF NOT EXISTS r_{affinity} (v {affinity})")

    def ids(self, condition, parameters=(), other=""):
        return {row[0] for row in self.database.execute(
            f"SELECT t.id FROM t_{self.name} t{other} WHERE {condition}", parameters)}

    def compare(self, operator, value, collation):
        """The rows for each affinity of the right-hand side that can hold this very value."""
        yield self.ids(f"c {operator} ? COLLATE {collation}", (value,))
        for affinity in AFFINITIES:
            self.database.execute(f"DELETE FROM r_{affinity}")
            self.database.execute(f"INSERT INTO r_{affinity} VALUES (?)", (value,))
            held = self.database.execute(f"SELECT v FROM r_{affinity}").fetchone()[0]
            if repr(held) == repr(value) and value is not None:
                yield self.ids(f"c {operator} v COLLATE {collation}", (), f", r_{affinity}")

    def listed(self, values):
        """As a literal list, after which the virtual table gets the values with the column's
        affinity applied: those come along."""
        kind = grid.TYPES[self.name].declared
        kind = "NUMERIC" if kind in ("REAL", "DOUBLE PRECISION") else kind  # as SQLite does
        self.database.execute("DROP TABLE IF EXISTS temp.list")
        self.database.execute(f"CREATE TEMP TABLE list (v {kind})")
        self.database.executemany("INSERT INTO list VALUES (?)", [(value,) for value in values])
        held = [row[0] for row in self.database.execute("SELECT v FROM list")]
        marks = ", ".join("?" * len(values))
        return held, self.ids(f"c IN ({marks})", values)


def conditions(name, local):
    """(operator, collation, values given to the judge, what SQLite selects in each context)"""
    for operator in grid.OPERATORS:
        for value in grid.right_sides(name):
            for collation in grid.TYPES[name].collations:
                if collation == "BINARY" or isinstance(value, str):
                    wanted = list(local.compare(operator, value, collation))
                    yield operator, collation, [value], wanted
    for operator, patterns in (("LIKE", PATTERNS), ("GLOB", GLOBS)):
        for value in [*patterns, None, 5, 12, 1.5, b"a"]:
            yield operator, "BINARY", [value], [local.ids(f"c {operator} ?", (value,))]
    yield "ISNULL", "BINARY", [None], [local.ids("c IS NULL")]
    yield "NOTNULL", "BINARY", [None], [local.ids("c IS NOT NULL")]
    for values in grid.lists(name):
        held, wanted = local.listed(values)
        yield "IN", "BINARY", held, [wanted]


def fault(verdict, got, wanted):
    if any(want - got for want in wanted):
        return "LOST"
    if verdict != "superset" and any(got - want for want in wanted):
        return "EXTRA"
    return None


def run(tool, url, names=None, options=(), null_nan=False):
    """Returns the verdicts counted per type and the list of what is wrong."""
    local = sqlite3.connect(":memory:")
    local.execute("PRAGMA automatic_index = OFF")  # 3.40 loses rows by its Bloom filter on RTRIM
    counts, wrong = {}, []
    with psycopg.connect(url, autocommit=True, client_encoding="UTF8") as connection:
        encoding = connection.info.parameter_status("server_encoding")
        connection.execute(PINNED)
        connection.execute(grid.SETUP)
        if encoding != "SQL_ASCII":
            connection.execute(grid.SETUP_ICU)
        for name in names or grid.TYPES:
            rows = fill(connection, local, name)
            if null_nan:
                local.execute(f"UPDATE t_{name} SET c = NULL WHERE c = 'NaN'")
                rows = dict(local.execute(f"SELECT id, c FROM t_{name}"))
            counts[name] = run_type([tool, url, encoding, *options], local, name, rows, wrong)
    return counts, wrong


def run_type(command, local, name, rows, wrong):
    jobs = list(conditions(name, Local(local, name)))
    lines = ["\t".join([name, operator, collation, *map(encode, values)])
             for operator, collation, values, _ in jobs]
    lines += [f"{name}\tORDER\tasc", f"{name}\tORDER\tdesc"]
    answers = subprocess.run(command, input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                             check=True, encoding="utf-8", errors="replace").stdout.split("\n")
    count = collections.Counter()
    for job, answer in zip(jobs, answers):
        verdict, ids, sql = answer.split("\t", 2)
        count[verdict] += 1
        check(wrong, name, job, verdict, ids, sql, set(rows))
    for line, answer in zip(lines[-2:], answers[len(jobs):]):
        check_order(wrong, count, local, name, line, answer, rows)
    return count


def check(wrong, name, job, verdict, ids, sql, everything):
    operator, collation, values, wanted = job
    if verdict == "skip":
        return
    if ids.startswith("error"):
        wrong.append((name, operator, collation, values[:5], ids, sql))
        return
    got = everything if verdict == "all" else {int(text) for text in ids.split(",") if text}
    what = fault(verdict, got, wanted)
    if what is not None:
        wrong.append((name, operator, collation, values[:5], what, verdict, sql, sorted(got),
                      [sorted(want) for want in wanted]))


def check_order(wrong, count, local, name, line, answer, rows):
    verdict, ids, sql = answer.split("\t", 2)
    count["order"] += verdict == "exact"
    if verdict == "exact":
        want = [repr(row[0]) for row in local.execute(
            f"SELECT c FROM t_{name} ORDER BY c {line.split()[-1]}")]
        got = ids
        if not ids.startswith("error"):
            got = [repr(rows[int(text)]) for text in ids.split(",")]
        if want != got:
            wrong.append((name, line, sql, want, got))
