"""The postgrest driver over a real database: the grid, random queries, splits and pages, by a
server that speaks PostgREST's protocol (support/postgrest.py)."""
import json
import os
import re

import pytest

from differential import grid, random_queries, shares
from differential.families import FAMILIES
from differential.world import TYPES, World, copy_families, report, use
from support import sqlite
from support.paths import ROOT
from support.postgrest import Postgrest
from support.remotes import connect, rows, value
from support.rest_server import RestServer, rows as empty

# The server writes the JSON of hstore without blanks, as PostgREST does not; its recorded answers
# have them (test_postgrest.py).
LEFT_OUT = {"hstore"}
SAMPLE = 40


@pytest.fixture(scope="module")
def rest_world(pg, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rest")
    pg.create_database("grid_rest", "icu")
    world = World(sqlite.connect(cached_statements=2000))
    with pg.connect("grid_rest") as connection:
        copy_families(world, connection, FAMILIES)
    server = Postgrest(pg, "grid_rest", ["grid"], folder).start()
    document = server.document("grid")
    world.attach(server.url, "schema=grid", f"openapi={document}")
    world.document = json.loads(document.read_text())
    grid.make_sides(world)
    yield world
    world.db.close()
    server.stop()


def verify(world, family, every):
    world.differences.clear()
    world.broken.clear()
    assert grid.run(world, FAMILIES[family], every) > 0
    assert not world.differences, report(world.differences)
    assert not world.broken, "\n".join(world.broken)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - LEFT_OUT))
def test_sample(rest_world, family):
    if family in rest_world.tables():
        verify(rest_world, family, SAMPLE)


@pytest.mark.full
@pytest.mark.plain
@pytest.mark.parametrize("family", sorted(set(FAMILIES) - LEFT_OUT))
def test_larger_sample(rest_world, family):
    if family in rest_world.tables():
        verify(rest_world, family, 8)


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("family", sorted(set(FAMILIES) - LEFT_OUT))
def test_full(rest_world, family):
    if family in rest_world.tables():
        verify(rest_world, family, 1)


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.timeout(1200)
def test_shares(rest_world):
    """What is pushed over HTTP is on record: pushing less fails. What is answered says nothing of
    that, so nothing is."""
    with RestServer(lambda request: empty(request, []), rest_world.document) as server:
        world = World(sqlite.connect(cached_statements=0))
        world.attach(server.url, "schema=grid")
        world.tables = rest_world.tables
        shares.verify("postgrest", shares.measure(world, FAMILIES))
        world.db.close()


# ---------------------------------------------------------------------- random queries

QUERIES = int(os.environ.get("RANDOM_QUERIES", 5000))
SEED = int(os.environ.get("RANDOM_SEED", 0))
PARTS = 10


@pytest.fixture(scope="module")
def random_world(pg, tmp_path_factory):
    pg.create_database("random_rest", "icu")
    world = World(sqlite.connect())
    with pg.connect("random_rest") as remote:
        use(remote, "grid")
        remote.execute(TYPES)
        random_queries.make_world(world, remote)
    server = Postgrest(pg, "random_rest", ["random"], tmp_path_factory.mktemp("random")).start()
    world.attach(server.url, "schema=random", f"openapi={server.document('random')}")
    yield world
    world.db.close()
    server.stop()


def verify_queries(world, seeds):
    found = [words for words in (random_queries.check(world, seed) for seed in seeds) if words]
    assert not found, "\n".join(found[:5])


def test_random_sample(random_world):
    verify_queries(random_world, range(1_000_000, 1_000_100))


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("part", range(PARTS))
def test_random_queries(random_world, part):
    verify_queries(random_world, range(SEED + part, SEED + QUERIES, PARTS))


# ---------------------------------------------------------------------- pages and lists

@pytest.fixture(scope="module")
def shop(pg, tmp_path_factory):
    pg.create_database("rest_shop", "icu")
    pg.psql("""
        CREATE TABLE big(id bigint PRIMARY KEY, grp int, name text, at timestamptz, n numeric);
        INSERT INTO big SELECT i * 3, nullif(i % 7, 3), 'n' || i % 50, now(), i / 8.0
          FROM generate_series(1, 5000) i;
        CREATE TABLE pairs(a text, b int, c float8, PRIMARY KEY (a, b));
        INSERT INTO pairs SELECT 'k' || i % 13, i, i / 3.0 FROM generate_series(1, 800) i;
        CREATE TABLE stamps(at timestamptz PRIMARY KEY, n numeric(20, 4) NOT NULL);
        INSERT INTO stamps SELECT '2024-01-01'::timestamptz + i * interval '7 minutes', i
          FROM generate_series(1, 300) i;
        CREATE COLLATION nd (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE loose(id int PRIMARY KEY, t text COLLATE nd);
        INSERT INTO loose SELECT i, CASE i % 3 WHEN 0 THEN 'n' WHEN 1 THEN 'N' END || i / 6
          FROM generate_series(1, 600) i;
        CREATE VIEW totals AS SELECT grp, count(*) AS n FROM big GROUP BY grp;
        """, database="rest_shop")
    folder = tmp_path_factory.mktemp("shop")
    server = Postgrest(pg, "rest_shop", ["public"], folder).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def both(pg, shop):
    """The same tables over HTTP (r), in pages of a few rows, and over libpq (p)."""
    db = connect()
    value(db, "SELECT bridge_attach(?, 'name=r', 'as=r', ?, 'page_rows=37', 'max_url_bytes=700')",
          shop.url, f"openapi={shop.document('public')}")
    value(db, "SELECT bridge_attach(?, 'name=p', 'as=p')", pg.url("rest_shop"))
    yield db
    db.close()


LISTS = [  # long ones, in several requests
    "SELECT id FROM {}.big WHERE id IN (SELECT value * 2 FROM json_each(:ids)) ORDER BY id",
    "SELECT id FROM {}.big WHERE id IN (SELECT value * 2 FROM json_each(:ids)) ORDER BY id DESC LIMIT 70",
    "SELECT t, id FROM {}.loose WHERE t IN (SELECT substr('nN', 1 + value % 2, 1) || (value / 5) "
    "FROM json_each(:ids))",
    "SELECT name, id FROM {}.big WHERE name IN (SELECT 'n' || value FROM json_each(:ids))"]
BOTH = [
    "SELECT * FROM {}.big ORDER BY id", "SELECT * FROM {}.big ORDER BY id DESC",
    "SELECT grp, id FROM {}.big ORDER BY grp, id", "SELECT grp, id FROM {}.big ORDER BY grp DESC, id",
    "SELECT id FROM {}.big ORDER BY grp DESC, id LIMIT 100 OFFSET 650",
    "SELECT count(*) FROM {}.big", "SELECT count(*), sum(id) FROM {}.big WHERE grp IS NULL",
    "SELECT * FROM {}.pairs ORDER BY a, b", "SELECT b FROM {}.pairs ORDER BY c DESC",
    "SELECT * FROM {}.stamps ORDER BY at", "SELECT count(*) FROM {}.stamps WHERE at > '2024-01-02'",
    "SELECT * FROM {}.totals ORDER BY grp", "SELECT id FROM {}.big WHERE name LIKE 'n1%' ORDER BY id",
    "SELECT id FROM {}.big WHERE name GLOB 'n[1-3]?' ORDER BY id",
    "SELECT id FROM {}.big WHERE name >= 'n4' AND name < 'n45' ORDER BY id",
    "SELECT id FROM {}.big WHERE name = 'N7' COLLATE NOCASE ORDER BY id",
    "SELECT id FROM {}.big WHERE id BETWEEN 3000 AND 4000 AND n > 130 ORDER BY id",
    "SELECT x.id FROM {}.big x JOIN {}.pairs y ON x.id = y.b ORDER BY x.id",
    "SELECT max(id), min(id) FROM {}.big", "SELECT rowid, id FROM {}.big WHERE rowid < 60",
    "SELECT DISTINCT grp FROM {}.big ORDER BY grp",
    "SELECT (SELECT name FROM {}.big b WHERE b.id = a.b) FROM {}.pairs a ORDER BY a.b",
]


@pytest.mark.parametrize("query", LISTS)
def test_long_lists_are_divided(both, query):
    ids = {"ids": json.dumps(list(range(1, 900)))}
    last = value(both, "SELECT max(id) FROM bridge_log")
    mine = both.execute(query.replace("{}", "r"), ids).fetchall()
    said = rows(both, "SELECT statement, round_trips FROM bridge_log WHERE id > ? AND server = 'r'", last)
    want = both.execute(query.replace("{}", "p"), ids).fetchall()
    assert (mine if "ORDER BY" in query else sorted(mine)) == (
        want if "ORDER BY" in query else sorted(want)) and len(mine) > 60
    assert all("=in.($1" in statement for statement, _ in said), said
    assert sum(trips for _, trips in said) > 3


@pytest.mark.parametrize("query", BOTH)
def test_the_same_rows_as_over_libpq(both, query):
    ids = {"ids": json.dumps(list(range(1, 900)))} if ":ids" in query else {}
    mine = both.execute(query.replace("{}", "r"), ids).fetchall()
    assert mine == both.execute(query.replace("{}", "p"), ids).fetchall()
    assert mine


def test_a_server_with_a_cap(pg, shop, tmp_path):
    server = Postgrest(pg, "rest_shop", ["public"], tmp_path, max_rows=10).start()
    try:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'name=r', ?)", server.url,
              f"openapi={server.document('public')}")
        assert rows(db, "SELECT count(*), sum(b) FROM (SELECT b FROM pairs)") == [(800, 320400)]
        assert value(db, "SELECT count(*) FROM big") == 5000
        assert len(rows(db, "SELECT id FROM big ORDER BY grp, id LIMIT 25")) == 25
    finally:
        server.stop()


def test_a_change_of_the_table_is_told(pg, tmp_path):
    pg.create_database("rest_change", "c")
    pg.psql("CREATE TABLE t(id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 2)",
            database="rest_change")
    server = Postgrest(pg, "rest_change", ["public"], tmp_path).start()
    try:
        db = connect()
        value(db, "SELECT bridge_attach(?, ?)", server.url, f"openapi={server.document('public')}")
        assert rows(db, "SELECT * FROM t") == [(1, 2)]
        pg.psql("ALTER TABLE t RENAME a TO b; NOTIFY pgrst, 'reload schema'",
                database="rest_change")
        assert "remote table changed" in sqlite.error(db, "SELECT * FROM t")[1]
    finally:
        server.stop()


# ---------------------------------------------------------------------- only the URL changes

def test_the_readme_over_each_way(pg, tmp_path):
    """README's first example, its URL alone changed: libpq, PostgREST, local fixtures."""
    readme = (ROOT / "README.md").read_text()
    code, said = re.search(r"```sql\n(\.load.*?)```\n```text\n(.*?)```", readme, re.S).groups()
    first = "postgresql://localhost/shop"
    for url in (first, "http://localhost:3000", "sqlite:fixtures.db"):
        assert f"    SELECT bridge_attach('{url}');" in readme
    pg.create_database("rest_readme", "icu")
    pg.psql((ROOT / "examples/shop.sql").read_text(), database="rest_readme")
    server = Postgrest(pg, "rest_readme", ["public"], tmp_path).start()
    try:
        rest = f"{server.url}?openapi={server.document('public')}"
        fixtures = connect()
        value(fixtures, "SELECT bridge_attach(?, 'as=p')", pg.url("rest_readme"))
        fixtures.execute("ATTACH ? AS f", (str(tmp_path / "fixtures.db"),))
        for name, in rows(fixtures, "SELECT name FROM p.sqlite_schema"):
            fixtures.execute(f'CREATE TABLE f."{name}" AS SELECT * FROM p."{name}"')
        fixtures.close()
        for url in (pg.url("rest_readme"), rest, f"sqlite:{tmp_path}/fixtures.db"):
            db = connect()
            printed = []
            for statement in re.findall(r"^SELECT.*?;", code.replace(first, url), re.M | re.S):
                cursor = db.execute(statement)
                printed.append([cursor.description[0][0], *(str(row[0]) for row in cursor)])
            want = [line for line in said.splitlines() if set(line) != {"-"}]
            assert sum(printed, []) == want, url
            db.close()
    finally:
        server.stop()
