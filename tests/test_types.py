"""What every type looks like in SQLite: differential/types.py line by line, on each server, in
databases of several encodings, locales and hostile settings."""
import sqlite3

import psycopg
import pytest

from differential.types import CASES, REFUSED, SETUP
from differential.world import PINNED, make_hostile
from support import sqlite
from support.postgres import Postgres

# Array types belong to their element; int2vector and oidvector are types of their own.
TYPES_OF_SERVER = """
SELECT t.typname FROM pg_type t WHERE t.typtype IN ('b', 'r', 'm')
    AND t.typnamespace = 'pg_catalog'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)"""
TYPES_OF_CASES = """
SELECT DISTINCT t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'types' AND a.attnum > 0"""

PLACES = [("pg12", "c", True), ("pg12", "latin1", False), ("pg12", "ascii", True),
          ("pg", "icu", True), ("pg", "turkish", True), ("pg", "latin1", True),
          ("pg", "ascii", False), ("pg18", "icu", True), ("pg18", "latin1", False),
          ("pg18", "ascii", True), *((version, "c", True) for version in ("13", "14", "16", "17"))]


# ./check quick has one server, ./check three, ./check all each.
MARKS = {"pg": [], "pg12": [pytest.mark.full], "pg18": [pytest.mark.full]}
PARAMS = [pytest.param(place, id="-".join(place[:2]),
                       marks=MARKS.get(place[0], [pytest.mark.slow])) for place in PLACES]


@pytest.fixture(scope="module", params=PARAMS)
def place(request):
    """(server, database, the cases it can hold, by number, connection of SQLite)."""
    name, kind, hostile = request.param
    if name.startswith("pg"):
        server = request.getfixturevalue(name)
    else:
        server = Postgres(name).start()
        request.addfinalizer(server.remove)
    database = server.create_database(f"types_{kind}", kind)
    with server.connect(database) as pg:
        if hostile:
            make_hostile(pg, database)
        pg.execute(PINNED)
        pg.execute("CREATE SCHEMA types; SET search_path = types, public")
        pg.execute(SETUP)
        made = {number: case for number, case in enumerate(CASES)
                if make(pg, f"case_{number}", case)}
    db = sqlite.connect()
    db.execute("SELECT bridge_server('types', ?)", (server.url(database),))
    yield server, database, made, db
    db.close()


def make(pg, table, case):
    """False when this server has no such type."""
    version = pg.info.server_version // 10000
    if not case.since <= version <= case.until:
        return False
    try:
        pg.execute(f"CREATE TABLE {table} (c {case.pg_type})")
        pg.execute(f"INSERT INTO {table} VALUES ({case.value})")
    except psycopg.errors.FeatureNotSupported:
        assert case.pg_type == "xml"  # built without libxml
        return False
    return True


def test_every_line(place):
    _, _, made, db = place
    wrong = []
    for number, case in made.items():
        words = "".join(f", {word}" for word in case.options)
        db.execute(f"CREATE VIRTUAL TABLE temp.case_{number} USING postgres("
                   f"server=types, schema=types, table=case_{number}{words})")
        try:
            got = db.execute(f"SELECT c FROM case_{number}").fetchall()
        except sqlite3.Error as error:
            got = error
        if repr(got) != repr([(case.expected,)]):
            wrong.append(f"{case}: {got!r:.200}")
    assert not wrong, "\n".join(wrong)


def test_values_are_stable(place):
    """A local column of the declared type holds the value as it is."""
    _, _, made, db = place
    for number, case in made.items():
        declared = db.execute(f"PRAGMA temp.table_xinfo(case_{number})").fetchone()[2]
        db.execute(f'CREATE TEMP TABLE held(c "{declared}")')
        db.execute("INSERT INTO held VALUES(?)", (case.expected,))
        held = db.execute("SELECT c FROM held").fetchone()[0]
        assert repr(held) == repr(case.expected), case
        db.execute("DROP TABLE temp.held")


def test_every_type_has_a_line(place):
    server, database, _, _ = place
    known = {name for name, in server.psql(TYPES_OF_CASES, database=database)}
    there = {name for name, in server.psql(TYPES_OF_SERVER, database=database)}
    if not {"xml"} & known:
        there.discard("xml")  # this build has none to show
    assert there - known == REFUSED & there


def test_bytes_that_are_not_utf8(pg):
    """An error that names the place, or a BLOB when that is declared."""
    database = pg.create_database("types_bytes", "ascii")
    with pg.connect(database) as remote:
        remote.execute("CREATE TABLE t (id int PRIMARY KEY, c text)")
        remote.execute(r"INSERT INTO t VALUES (1, 'a'), (2, E'\xff\xfe')")
    db = sqlite.connect()
    db.execute("SELECT bridge_attach(?, 'name=bytes')", (pg.url(database),))
    assert db.execute("SELECT c FROM t WHERE id = 1").fetchall() == [("a",)]
    _, message = sqlite.error(db, "SELECT c FROM t ORDER BY id")
    assert '"c"' in message and "UTF-8" in message
    db.execute("CREATE VIRTUAL TABLE temp.b USING postgres("
               "server=bytes, schema=public, table=t, type.c=BLOB)")
    assert db.execute("SELECT c FROM b ORDER BY id").fetchall() == [(b"a",), (b"\xff\xfe",)]
