"""The grid of type x operator x value x collation, on local copies and on remote tables: see
differential/grid.py. The full grid runs on PostgreSQL 15 and Debian's SQLite (a quarter of it in
other locales, and the rest there in `./check all`), samples of it on other servers, on the newest
SQLite and over the sqlite driver."""
from itertools import islice

import pytest

from differential import child, grid, shares, special, sqlite_remote
from differential.attached import DATABASES, ask, open_world
from differential.families import FAMILIES, OPTION_FAMILIES
from differential.world import World, copy_families, report
from support import sqlite
from support.postgres import Postgres

PARTS = {"icu": grid.PARTS, "turkish": grid.VALUE_PARTS, "c": grid.VALUE_PARTS}
CHECKS_MIN = 90_000
SAMPLE = 25  # each n-th check, where the full grid is too long
SAMPLE_ELSEWHERE = 12


@pytest.fixture(scope="module")
def world_of(pg):
    """The World of a database of PostgreSQL 15, made when first asked for."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = open_world(pg, kind)
        return made[kind]

    yield get
    for world in made.values():
        world.db.close()


@pytest.fixture(scope="module")
def options_world(pg, world_of):
    """A table for every way to present a type, each with its own options."""
    world_of("icu")  # makes the types
    world = World(sqlite.connect(cached_statements=2000))
    with pg.connect("grid_icu") as remote:
        copy_families(world, remote, OPTION_FAMILIES, "options")
    world.db.execute("ATTACH ':memory:' AS r")
    world.db.execute("SELECT bridge_server('options', ?)", (pg.url("grid_icu"),))
    for name, family in OPTION_FAMILIES.items():
        words = ", ".join(family.options)
        world.db.execute(f"CREATE VIRTUAL TABLE r.{name} USING postgres("
                         f"server=options, schema=options, table={name}, {words})")
    grid.make_sides(world)
    yield world
    world.db.close()


@pytest.fixture(scope="module")
def sqlite_world(tmp_path_factory):
    world = World(sqlite.connect(cached_statements=2000))
    sqlite_remote.open_families(world, tmp_path_factory.mktemp("grid") / "remote.db")
    grid.make_sides(world)
    yield world
    world.db.close()


def verify(world, family, every=1, parts=grid.PARTS):
    world.differences.clear()
    world.broken.clear()
    assert grid.run(world, family, every, parts) > 0
    assert not world.differences, report(world.differences)
    assert not world.broken, "statements that SQLite refuses: " + "\n".join(world.broken)


@pytest.mark.full
@pytest.mark.plain
@pytest.mark.parametrize("kind, every", [("icu", 1), ("turkish", 4), ("c", 4), pytest.param("turkish", 1, marks=pytest.mark.slow),
                                         pytest.param("c", 1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", FAMILIES)
def test_full(world_of, kind, every, family):
    verify(world_of(kind), FAMILIES[family], every, parts=PARTS[kind])


@pytest.mark.parametrize("kind", DATABASES)
def test_the_full_grid_is_full(kind):
    checks = sum(1 for family in FAMILIES.values()
                 for _ in grid.statements(family, parts=PARTS[kind]))
    assert checks >= CHECKS_MIN


@pytest.mark.parametrize("family", FAMILIES)
def test_sample(world_of, family):
    verify(world_of("icu"), FAMILIES[family], SAMPLE)


@pytest.mark.full
@pytest.mark.parametrize("server, kind", [("pg12", "turkish"), ("pg12", "c"), ("pg18", "icu"),
                                          ("pg18", "turkish")])
def test_sample_on_other_servers(request, server, kind):
    sample_all(request.getfixturevalue(server), kind)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["13", "14", "16", "17"])
def test_sample_on_the_servers_between(version):
    server = Postgres(version).start()
    try:
        sample_all(server, "turkish")
        sample_all(server, "c")
    finally:
        server.remove()


def sample_all(server, kind):
    world = open_world(server, kind)
    try:
        assert ask(world, SAMPLE_ELSEWHERE * 4 if kind == "turkish" else SAMPLE_ELSEWHERE) > 0
    finally:
        world.db.close()


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_sample_on_the_newest_sqlite(pg, kind, tmp_path):
    answer = child.run(pg, "grid", kind, every=SAMPLE, folder=tmp_path)
    assert answer["found"] == []
    assert answer["checks"] > 1000


@pytest.mark.parametrize("family", OPTION_FAMILIES)
def test_options(options_world, family):
    verify(options_world, OPTION_FAMILIES[family], SAMPLE)


@pytest.mark.full
@pytest.mark.plain
@pytest.mark.parametrize("family", OPTION_FAMILIES)
def test_options_full(options_world, family):
    verify(options_world, OPTION_FAMILIES[family], 3)


@pytest.mark.parametrize("family", sqlite_remote.FAMILIES)
def test_sqlite_sample(sqlite_world, family):
    verify(sqlite_world, sqlite_remote.FAMILIES[family], SAMPLE)


@pytest.mark.full
@pytest.mark.plain
@pytest.mark.parametrize("family", sqlite_remote.FAMILIES)
def test_sqlite_full(sqlite_world, family):
    verify(sqlite_world, sqlite_remote.FAMILIES[family])


def declarations(world, place, name):
    rows = world.db.execute(f"PRAGMA {place}.table_xinfo({name})").fetchall()
    return [(column, declared, not_null, key) for _, column, declared, not_null, _, key, _ in rows]


@pytest.mark.parametrize("fixture", ["options_world", "sqlite_world"])
def test_declared_types(request, fixture, world_of):
    """The copies are declared by the documented table of types; the remote tables show the same."""
    for world in (world_of("icu"), request.getfixturevalue(fixture)):
        for name in world.tables():
            assert declarations(world, "r", name) == declarations(world, "l", name), name


# ---------------------------------------------------------------------- special rows

@pytest.fixture(scope="module")
def special_world(pg, world_of):
    world_of("icu")  # makes the types
    world = World(sqlite.connect(cached_statements=2000))
    with pg.connect("grid_icu") as remote:
        special.make_world(world, remote)
    world.attach(pg.url("grid_icu"), "schema=special")
    grid.make_sides(world)
    yield world
    world.db.close()


def verify_special(world, name, every=1):
    world.differences.clear()
    world.broken.clear()
    for text, args, ordered in islice(special.statements(name), 0, None, every):
        world.check(text, args, ordered)
    assert not world.differences, report(world.differences)
    assert not world.broken, "statements that SQLite refuses: " + "\n".join(world.broken)


@pytest.mark.full
@pytest.mark.plain
@pytest.mark.parametrize("name", special.NAMES)
def test_special_rows(special_world, name):
    verify_special(special_world, name)


@pytest.mark.parametrize("name", special.NAMES)
def test_special_rows_sample(special_world, name):
    verify_special(special_world, name, SAMPLE)


@pytest.mark.parametrize("name", special.NAMES)
def test_special_shapes(special_world, name):
    assert declarations(special_world, "r", name) == declarations(special_world, "l", name)


# ---------------------------------------------------------------------- what was pushed

@pytest.mark.full
@pytest.mark.plain
def test_shares(world_of):
    """No family is pushed less than it once was. SHARES=write records what is pushed now."""
    shares.verify("postgres", shares.measure(world_of("icu"), FAMILIES))


@pytest.mark.full
@pytest.mark.plain
def test_shares_of_options(options_world):
    shares.verify("options", shares.measure(options_world, OPTION_FAMILIES))


@pytest.mark.full
@pytest.mark.plain
def test_shares_over_sqlite(sqlite_world):
    shares.verify("sqlite", shares.measure(sqlite_world, sqlite_remote.FAMILIES))
