"""Random queries on local copies and on remote tables: see differential/random_queries.py.

RANDOM_QUERIES asks for another number of queries, RANDOM_SEED for other ones: a failure names
its seed, and RANDOM_SEED=n RANDOM_QUERIES=1 asks just that one again."""
import os

import pytest

from differential import child, random_queries, sqlite_remote
from differential.world import World, use, TYPES
from support import sqlite

QUERIES = int(os.environ.get("RANDOM_QUERIES", 5000))
SEED = int(os.environ.get("RANDOM_SEED", 0))
PARTS = 10  # a failure in one leaves the others to tell of theirs
SHOWN = 5


@pytest.fixture(scope="module")
def world(pg):
    pg.create_database("random", "icu")
    with pg.connect("random") as remote:
        opened = World(sqlite.connect())
        use(remote, "grid")
        remote.execute(TYPES)
        random_queries.make_world(opened, remote)
    opened.attach(pg.url("random"), "schema=random")
    yield opened
    opened.db.close()


@pytest.fixture(scope="module")
def sqlite_world(world, tmp_path_factory):
    opened = World(sqlite.connect())
    sqlite_remote.mirror(opened, world, tmp_path_factory.mktemp("random") / "remote.db")
    yield opened
    opened.db.close()


def verify(world, seeds):
    found = []
    for seed in seeds:
        words = random_queries.check(world, seed)
        if words:
            found.append(words)
        if len(found) == SHOWN:
            break
    assert not found, "\n".join(found)


@pytest.mark.full
@pytest.mark.plain
@pytest.mark.parametrize("part", range(PARTS))
def test_queries(world, part):
    verify(world, range(SEED + part, SEED + QUERIES, PARTS))


def test_sample(world):
    verify(world, range(1_000_000, 1_000_300))


@pytest.mark.full
@pytest.mark.plain
@pytest.mark.parametrize("part", range(PARTS))
def test_queries_over_sqlite(sqlite_world, part):
    verify(sqlite_world, range(SEED + part, SEED + QUERIES, PARTS))


def test_sample_over_sqlite(sqlite_world):
    verify(sqlite_world, range(1_000_000, 1_000_300))


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_sample_on_the_newest_sqlite(pg, kind, tmp_path):
    answer = child.run(pg, "random", kind, seeds=500, folder=tmp_path)
    assert answer["found"] == []
    assert answer["checks"] >= 500


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("part", range(PARTS * 5))
def test_many_more(world, sqlite_world, part):
    """Seeds that the other tests do not ask."""
    seeds = range(2_000_000 + part * 2000, 2_000_000 + (part + 1) * 2000)
    verify(world, seeds)
    verify(sqlite_world, seeds)
