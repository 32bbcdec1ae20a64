"""One SQLite connection that holds the same tables twice: schema l has local copies, schema r
the remote tables. A statement says {at} where the schema belongs; both answers have to be equal
in rows, values, storage classes and bytes, or the errors in kind.

The copies are made without the extension: psycopg reads the values as text under pinned
settings, families.py says how they look in SQLite.
"""
import sqlite3
from typing import NamedTuple

import psycopg
from psycopg import sql

from differential.values import values_of

PINNED = """SET DateStyle='ISO, MDY'; SET TimeZone='UTC'; SET IntervalStyle='postgres';
SET extra_float_digits=1; SET bytea_output='hex'; SET lc_monetary='C';
SET standard_conforming_strings=on"""

# What an application may have made the default of its database.
HOSTILE = {"DateStyle": "German", "TimeZone": "America/New_York", "IntervalStyle": "iso_8601",
           "standard_conforming_strings": "off", "extra_float_digits": "-3",
           "bytea_output": "escape", "default_transaction_isolation": "serializable",
           "search_path": "pg_catalog"}

TYPES = """
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'Ok', '10');
CREATE TYPE comp AS (a int, b text);
CREATE COLLATION nd (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN posint AS int CHECK (VALUE > -1000000);
CREATE DOMAIN dtext AS varchar(400);
CREATE DOMAIN ndtext AS text COLLATE nd;
CREATE DOMAIN amount AS numeric(10,2);
CREATE DOMAIN price AS amount;
"""


class Difference(NamedTuple):
    sql: str
    args: tuple
    local: object
    remote: object

    def __str__(self):
        lines = [f"{self.sql}  with {self.args!a}"]
        if isinstance(self.local, list) and isinstance(self.remote, list):
            lost, extra = minus(self.local, self.remote), minus(self.remote, self.local)
            lines += [f"    {name} {len(rows)}: {rows[:6]!a}"
                      for name, rows in (("lost", lost), ("extra", extra)) if rows]
            if not lost and not extra:
                lines.append(f"    order: {self.local[:8]!a} is {self.remote[:8]!a}")
        else:
            lines.append(f"    local {self.local!a:.300}\n    remote {self.remote!a:.300}")
        return "\n".join(lines)


def minus(left, right):
    """Multiset difference of rows, 1 and 1.0 and '1' apart."""
    rest = [repr(row) for row in right]
    kept = []
    for row in left:
        if repr(row) in rest:
            rest.remove(repr(row))
        else:
            kept.append(row)
    return kept


class World:
    def __init__(self, connection):
        self.db = connection
        self.db.isolation_level = None
        self.db.execute("ATTACH ':memory:' AS l")
        self.checks = 0
        self.differences = []
        self.broken = []  # what the local side refused; fine only where both sides may
        self._texts = {}

    def attach(self, url, *options):
        """The remote tables, as schema r."""
        if "r" in {row[1] for row in self.db.execute("PRAGMA database_list")}:
            self.db.execute("DETACH r")
        marks = ", ?" * len(options)
        return self.db.execute(f"SELECT bridge_attach(?, 'as=r', 'name=r'{marks})",
                               (url, *options)).fetchone()[0]

    def tables(self):
        return [name for name, in self.db.execute(
            "SELECT name FROM l.sqlite_schema WHERE name NOT LIKE 'sides%' ORDER BY rowid")]

    def copy(self, name, columns, rows):
        """A local table; the values have to be stable under the declaration."""
        self.db.execute(f"CREATE TABLE l.{name}({columns})")
        marks = ", ".join("?" * len(rows[0])) if rows else ""
        if rows:
            self.db.executemany(f"INSERT INTO l.{name} VALUES({marks})", rows)
            kept = self.db.execute(f"SELECT * FROM l.{name}").fetchall()
            assert sorted(map(repr, kept)) == sorted(map(repr, rows)), f"{name} bends its values"

    def run(self, text, args):
        try:
            return self.db.execute(text, args).fetchall()
        except sqlite3.Error as error:
            return error

    def check(self, text, args=(), ordered=False):
        """True when both sides agree."""
        texts = self._texts.get(text)
        if texts is None:
            texts = text.replace("{at}", "l"), text.replace("{at}", "r")
            if len(self._texts) > 5000:
                self._texts.clear()
            self._texts[text] = texts
        self.checks += 1
        local, remote = self.run(texts[0], args), self.run(texts[1], args)
        if isinstance(local, sqlite3.Error):
            self.broken.append(f"{text}: {local}")
        if local == remote and repr(local) == repr(remote):
            return True
        if same(local, remote, ordered):
            return True
        self.differences.append(Difference(text, args, local, remote))
        return False


def same(local, remote, ordered):
    if isinstance(local, list) and isinstance(remote, list):
        if ordered:
            return repr(local) == repr(remote)
        return sorted(map(repr, local)) == sorted(map(repr, remote))
    return error_of(local) == error_of(remote) is not None


def error_of(answer):
    """What both sides have to say alike: the result code."""
    if not isinstance(answer, sqlite3.Error):
        return None
    return getattr(answer, "sqlite_errorcode", None), type(answer)


def make_hostile(pg, database):
    """For every later session of this database; the extension has to pin what it relies on."""
    for name, value in HOSTILE.items():
        pg.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(
            sql.Identifier(database), sql.Identifier(name), sql.Literal(value)))


def use(pg, schema):
    """Pins how psycopg reads, and makes the schema when there is none."""
    pg.execute(PINNED)
    pg.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path = {schema}, public")


def plain_table(pg, table, pg_type):
    pg.execute(sql.SQL("CREATE TABLE {} (id int PRIMARY KEY, c " + pg_type + ")")
               .format(sql.Identifier(table)))


def fill(pg, family, version, table, make=plain_table):
    """The family's table on the remote, and its rows as SQLite should show them; None when this
    server has no such type (an XML type without libxml)."""
    if version < family.since or not has_type(pg, family):
        return None
    name = sql.Identifier(table)
    make(pg, table, family.pg_type)
    rows = [None] * family.null + values_of(family.values or family.name, version)
    with pg.cursor() as cursor:
        cursor.executemany(sql.SQL("INSERT INTO {} VALUES (%s, %s)").format(name),
                           list(enumerate(rows, 1)))
    expression = sql.SQL("SELECT id, (" + family.select.replace("{c}", "c") +
                         ")::text FROM {} ORDER BY id")
    return [(key, None if text is None else family.read(text))
            for key, text in pg.execute(expression.format(name)).fetchall()]


def has_type(pg, family):
    if family.pg_type != "xml":
        return True
    try:
        pg.execute("SELECT '<a/>'::xml")
        return True
    except psycopg.errors.FeatureNotSupported:
        return False


def copy_families(world, pg, families, schema="grid", make=plain_table):
    """Makes every family's table on the remote, each by make(), and its copy here."""
    use(pg, schema)
    if schema == "grid":
        pg.execute(TYPES)
    else:
        pg.execute(f"SET search_path = {schema}, public, grid")
    for family in families.values():
        rows = fill(pg, family, pg.info.server_version // 10000, family.name, make)
        if rows is not None:
            collation = f" COLLATE {family.collation}" if family.collation else ""
            world.copy(family.name, f"id INTEGER PRIMARY KEY, c {family.declared}{collation}",
                       rows)


def report(differences, shown=12):
    """The words of a failed test: what differed, with SQL and values."""
    more = f"\n... and {len(differences) - shown} more" if len(differences) > shown else ""
    return "\n".join(map(str, differences[:shown])) + more
