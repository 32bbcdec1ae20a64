"""What stands between client and data: a pooler that lends its connections for one transaction each,
one that spreads over a primary and its replica, and partitions on other servers. Answers are those of
a server of one's own, whatever other clients leave behind."""
import threading
import time
from contextlib import nullcontext
from functools import partial
from itertools import islice

import psycopg
import pytest

from differential import grid, random_queries, special
from differential.attached import ask, open_world
from differential.families import FAMILIES
from differential.world import TYPES, World, report, use
from support import sqlite
from support.pgbouncer import PgBouncer
from support.pgpool import Pgpool
from support.postgres import Postgres, Replica
from test_sql import READS, ask_reads, make_shop, reading_pair

# What another client leaves in the one connection there is; PgBouncer looks after some of it.
LEFT = ["SET search_path = pg_catalog", "SET DateStyle = 'German'", "SET TimeZone = 'Asia/Tokyo'",
        "SET extra_float_digits = -10", "SET bytea_output = 'escape'", "SET IntervalStyle = 'iso_8601'",
        "SET transform_null_equals = on", "SET lc_monetary = 'en_US.UTF-8'", "SET array_nulls = off",
        "SET xmlbinary = 'hex'", "SET row_security = off", "SET statement_timeout = 60000",
        "SET synchronize_seqscans = on", "SET standard_conforming_strings = off", "SET work_mem = '1MB'"]
SAMPLE = 20
SEEDS = 3_000_000  # of random queries that no other test asks


@pytest.fixture(scope="module")
def server():
    server = Postgres("15")
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="module")
def bouncer(server):
    with PgBouncer(server) as bouncer:
        yield bouncer


class Hostile:
    """Another client that goes on changing the settings of the connection it is lent."""

    def __init__(self, bouncer, database):
        self.connection = bouncer.connect(database)
        self.turns, self.over = 0, threading.Event()
        self.leave()
        self.thread = threading.Thread(target=self.go_on)

    def leave(self):
        for statement in LEFT:
            self.connection.execute(statement)
        self.turns += 1

    def go_on(self):
        while not self.over.wait(0.05):
            self.leave()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.connection.close()


@pytest.fixture(scope="module")
def world(server, bouncer):
    world = open_world(server, "icu", bouncer.url)
    yield world
    world.db.close()


# ------------------------------------------------------------------ what is not of the grid

# Each makes a database, and asks by way of what stands in between, beside whoever else is there.

def special_rows(server, way, beside, every, start=0):
    """Tables of every identity, with rows that are easily mistaken for one another."""
    name = server.create_database(f"special_{time.monotonic_ns()}", "icu")
    world = World(sqlite.connect(cached_statements=2000))
    with server.connect(name) as pg:
        use(pg, "grid")
        pg.execute(TYPES)
        special.make_world(world, pg)
    world.attach(way(name), "schema=special")
    grid.make_sides(world)
    with beside(name):
        for table in special.NAMES:
            for text, args, ordered in islice(special.statements(table), start, None, every):
                world.check(text, args, ordered)
    assert not world.differences, report(world.differences)
    world.db.close()
    return world.checks


def random_queries_of(server, way, beside, every):
    name = server.create_database(f"random_{time.monotonic_ns()}", "icu")
    world = World(sqlite.connect())
    with server.connect(name) as pg:
        use(pg, "grid")
        pg.execute(TYPES)
        random_queries.make_world(world, pg)
    world.attach(way(name), "schema=random")
    seeds = range(SEEDS, SEEDS + 2000, every)
    with beside(name):
        found = [words for words in (random_queries.check(world, seed) for seed in seeds) if words]
    assert not found, "\n".join(found[:5])
    world.db.close()
    return len(seeds)


def every_kind_of_sql(server, way, beside, every):
    name = make_shop(server)
    pair = reading_pair("debian", way(name))
    kinds = list(READS)[::every]
    with beside(name):
        for kind in kinds:
            ask_reads(pair, kind)
    pair.close()
    return len(kinds)


# Eight minutes of special rows are eight tests, or one would be over the limit.
REST = pytest.mark.parametrize("ask_rest, every", [
    *(pytest.param(partial(special_rows, start=start), 8, id=f"special_rows-{start}") for start in range(8)),
    pytest.param(random_queries_of, 1, id="random_queries"), pytest.param(every_kind_of_sql, 1, id="sql")])


@pytest.mark.parametrize("ask_rest", [random_queries_of, every_kind_of_sql])
def test_sample_of_the_rest(server, bouncer, ask_rest):
    every = 4 if ask_rest is every_kind_of_sql else 200
    assert ask_rest(server, bouncer.url, partial(Hostile, bouncer), every) > 0


@pytest.mark.slow
@pytest.mark.plain
@REST
def test_the_rest_whole(server, bouncer, ask_rest, every):
    assert ask_rest(server, bouncer.url, partial(Hostile, bouncer), every) > 0


def transport(world):
    return world.db.execute("SELECT row FROM bridge_query('r', 'SHOW DateStyle')").fetchone()[0]


def test_one_connection_is_what_there_is(server, bouncer, world):
    with Hostile(bouncer, "grid_icu"):
        assert transport(world) == '{"DateStyle":"ISO, MDY"}'
        assert server.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'grid_icu' AND "
                           "pid <> pg_backend_pid()", database="grid_icu") == [(1,)]


def test_sample(bouncer, world):
    with Hostile(bouncer, "grid_icu") as hostile:
        assert ask(world, SAMPLE) > 3000
    assert hostile.turns > 1


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("family", FAMILIES)
def test_whole(bouncer, world, family):
    with Hostile(bouncer, "grid_icu"):
        assert ask(world, families=[family]) > 0


def test_nothing_of_ours_is_left(server, bouncer, world):
    """The other client finds its own settings, no prepared statement, no open transaction."""
    with bouncer.connect("grid_icu") as other:
        other.execute("SET IntervalStyle = 'iso_8601'")
        other.execute("SET extra_float_digits = -10")
        for sql in ("SELECT count(*) FROM r.int4", "SELECT bridge_ping('r')", "SELECT bridge_refresh('r')"):
            world.db.execute(sql).fetchall()
        assert other.execute("SHOW IntervalStyle").fetchone() == ("iso_8601",)
        assert other.execute("SHOW extra_float_digits").fetchone() == ("-10",)
        assert other.execute("SHOW role").fetchone() == ("none",)
        assert other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_role_and_settings_hold_and_do_not_stay(server, bouncer):
    server.psql("""CREATE ROLE clerk; CREATE TABLE rows AS SELECT i AS id, i % 2 AS tenant
        FROM generate_series(1, 10) i; ALTER TABLE rows ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON rows USING (tenant = current_setting('app.tenant')::int);
        GRANT SELECT ON rows TO clerk""", database="c")
    connection, other = sqlite.connect(isolation_level=None), bouncer.connect("c")
    connection.execute("SELECT bridge_attach(?, 'tables=rows', 'role=clerk', 'set.app.tenant=1', 'name=s')",
                       (bouncer.url("c"),))
    for _ in range(3):
        assert connection.execute("SELECT group_concat(id) FROM rows").fetchone() == ("1,3,5,7,9",)
        assert other.execute("SELECT current_user, current_setting('app.tenant', true)").fetchone() in (
            ("postgres", None), ("postgres", ""))
        assert other.execute("SELECT count(*) FROM rows").fetchone() == (10,)
    server.psql("REVOKE SELECT ON rows FROM clerk", database="c")
    assert "permission denied" in sqlite.error(connection, "SELECT * FROM rows")[1]
    connection.close()
    other.close()


@pytest.mark.parametrize("option, left", [("pooler=auto", "iso_8601"), ("pooler=transaction", "iso_8601"),
                                          ("pooler=none", "postgres")])
def test_the_option(server, bouncer, option, left):
    """none takes the pooler for the server, and then leaves its settings to others."""
    with bouncer.connect("c") as other:
        other.execute("SET IntervalStyle = 'iso_8601'")
        connection = sqlite.connect(isolation_level=None)
        connection.execute("SELECT bridge_server('s', ?, ?)", (bouncer.url("c"), option))
        connection.execute("SELECT bridge_ping('s')")
        assert other.execute("SHOW IntervalStyle").fetchone() == (left,)
        assert other.execute("SHOW default_transaction_read_only").fetchone() == ("off",)
        connection.close()


@pytest.mark.parametrize("option", ["pooler=transaction", "pooler=auto"])
def test_straight_to_the_server(server, option):
    """There the option changes no answer, and auto finds none."""
    server.psql("CREATE TABLE IF NOT EXISTS few AS SELECT i AS id FROM generate_series(1, 5) i", database="c")
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_attach(?, 'tables=few', 'name=s', ?)", (server.url("c"), option))
    assert connection.execute("SELECT sum(id) FROM few").fetchone() == (15,)
    kept = connection.execute("SELECT row FROM bridge_query('s', 'SELECT count(*) AS n FROM "
                              "pg_prepared_statements')").fetchone()[0]
    assert kept == ('{"n":0}' if option == "pooler=transaction" else '{"n":1}')
    connection.close()


def test_a_failure_leaves_the_connection_usable(server, bouncer):
    """A request that fails ends with its transaction; the next one begins its own."""
    server.psql("CREATE OR REPLACE VIEW zero AS SELECT 1 / (i - i) AS a FROM generate_series(1, 2) i; "
                "CREATE TABLE IF NOT EXISTS few AS SELECT i AS id FROM generate_series(1, 5) i", database="c")
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_attach(?, 'tables=zero,few', 'name=s')", (bouncer.url("c"),))
    for _ in range(3):
        assert "division by zero" in sqlite.error(connection, "SELECT * FROM zero")[1]
        assert connection.execute("SELECT sum(id) FROM few").fetchone() == (15,)
        assert "does not exist" in sqlite.error(
            connection, "SELECT * FROM bridge_query('s', 'SELECT * FROM nowhere')")[1]
    with bouncer.connect("c") as other:
        assert other.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert other.execute("SELECT 1").fetchone() == (1,)
    connection.close()


# ------------------------------------------------------------------ pgpool: a primary and a replica

@pytest.fixture(scope="module", params=[{}])
def pair(server, request):
    """Its databases come from the primary; the grid's is replayed before anybody asks."""
    replica = Replica(server)
    try:
        replica.start()
        with Pgpool(server, replica, **request.param) as pool:
            yield replica, pool
    finally:
        replica.remove()


@pytest.fixture(scope="module")
def balanced(server, pair):
    replica, pool = pair

    def way(name):
        replica.wait()
        return pool.url(name)

    world = open_world(server, "turkish", way)
    yield world
    world.db.close()


@pytest.mark.slow
@pytest.mark.plain
def test_behind_pgpool(balanced):
    assert ask(balanced, SAMPLE) > 3000


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("family", FAMILIES)
def test_behind_pgpool_whole(balanced, family):
    assert ask(balanced, families=[family]) > 0


@pytest.mark.slow
@pytest.mark.plain
@REST
def test_the_rest_behind_pgpool(server, pair, ask_rest, every):
    replica, pool = pair

    def way(name):
        replica.wait()
        return pool.url(name)

    assert ask_rest(server, way, nullcontext, every) > 0


READ = {"SELECT a FROM t WHERE id = 5": "new", "SELECT count(*) FROM t": 5001, "SELECT max(id) FROM t": 5001,
        "SELECT min(a) FROM t": "new",
        "WITH k(i) AS (VALUES(1), (2)) SELECT max(a) FROM k LEFT JOIN t ON t.id = k.i": "new",
        "SELECT row FROM bridge_query('s', 'SELECT max(a) FROM t')": '{"max":"new"}'}


@pytest.mark.plain
@pytest.mark.parametrize("pair", [{"disable_load_balance_on_write": "off"}], indirect=True)
def test_a_replica_behind_pgpool_is_not_read(server, pair):
    """pgpool chooses a server for each statement that reads: one snapshot would be of two states, and
    settings and role would hold on one of them. So all of it is asked of the primary."""
    replica, pool = pair
    server.psql("CREATE TABLE t AS SELECT i AS id, 'old' AS a FROM generate_series(1, 5000) i; "
                "ALTER TABLE t ADD PRIMARY KEY (id); ANALYZE t", database="c")
    replica.wait()
    replica.psql("SELECT pg_wal_replay_pause()", database="postgres")
    server.psql("UPDATE t SET a = 'new'; INSERT INTO t VALUES (5001, 'new')", database="c")
    others, found = [], []
    while "old" not in others:  # a session goes to one of the two, by chance
        assert len(others) < 50
        with psycopg.connect(pool.url("c"), autocommit=True) as other:
            others += other.execute("SELECT a FROM t WHERE id = 5").fetchone()
    for _ in range(6):
        connection = sqlite.connect(isolation_level=None)
        connection.execute("SELECT bridge_attach(?, 'tables=t', 'name=s', 'idle_close_ms=0')",
                           (pool.url("c"),))
        found += [(sql, new, connection.execute(sql).fetchone()[0]) for sql, new in READ.items()]
        connection.close()
    assert [one for one in found if one[1] != one[2]] == []


# ------------------------------------------------------------------ tables on two other servers

@pytest.fixture(scope="module")
def shards():
    servers = [Postgres("15"), Postgres("15")]
    try:
        for shard in servers:
            shard.start()
            shard.create_database("shard", "icu")
            with shard.connect("shard") as pg:
                use(pg, "grid")
                pg.execute(TYPES)
        yield servers
    finally:
        for shard in servers:
            shard.remove()


def partitioned(shards):
    """How a table of the grid is made: its rows on two servers by turns of the key."""
    def make(pg, table, pg_type):
        if not pg.execute("SELECT 1 FROM pg_foreign_server").fetchone():
            pg.execute("CREATE EXTENSION postgres_fdw SCHEMA public; CREATE SCHEMA parts")
            for number, shard in enumerate(shards):
                pg.execute(f"CREATE SERVER shard{number} FOREIGN DATA WRAPPER postgres_fdw OPTIONS "
                           f"(host '{shard.folder}', port '{shard.port}', dbname 'shard'); "
                           f"CREATE USER MAPPING FOR CURRENT_USER SERVER shard{number} OPTIONS "
                           f"(user 'postgres', password '{shard.password}')")
        pg.execute(f'CREATE TABLE "{table}" (id int NOT NULL, c {pg_type}) PARTITION BY HASH (id)')
        for number, shard in enumerate(shards):
            with shard.connect("shard") as there:
                there.execute("SET search_path = grid, public")
                there.execute(f'CREATE TABLE "{table}" (id int NOT NULL, c {pg_type})')
            pg.execute(f'CREATE FOREIGN TABLE parts."{table}_{number}" PARTITION OF "{table}" FOR VALUES '
                       f"WITH (MODULUS 2, REMAINDER {number}) SERVER shard{number} "
                       f"OPTIONS (schema_name 'grid', table_name '{table}')")
    return make


@pytest.fixture(scope="module")
def fronted(shards):
    front = Postgres("15")
    try:
        world = open_world(front.start(), "icu", make=partitioned(shards))
        assert all(shard.psql('SELECT count(*) > 0 FROM grid.int4', database="shard") == [(True,)]
                   for shard in shards)
        yield world
        world.db.close()
    finally:
        front.remove()


# A table of rows that lie elsewhere has no key: its rowids are numbers of this place.

@pytest.mark.slow
@pytest.mark.plain
def test_tables_that_lie_on_two_other_servers(fronted):
    assert ask(fronted, SAMPLE, but="rowid") > 3000


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.parametrize("family", FAMILIES)
def test_tables_on_two_other_servers_whole(fronted, family):
    assert ask(fronted, families=[family], but="rowid") > 0


def test_many_rows_are_written_through_the_pooler(server, bouncer):
    """By COPY, in the transaction whose connection is lent; the next one finds the connection as ever."""
    server.psql("CREATE TABLE many(id serial PRIMARY KEY, n int, t text UNIQUE)", database="c")
    connection = sqlite.connect(isolation_level=None)
    connection.execute("SELECT bridge_attach(?, 'tables=many', 'name=s')", (bouncer.url("c"),))
    insert = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
              "INSERT INTO many(n, t) SELECT i, {} FROM n")
    connection.execute(insert.format("i"))
    assert connection.execute("SELECT last_insert_rowid(), changes()").fetchone() == (5000, 5000)
    assert "UNIQUE constraint failed: many.t" in sqlite.error(connection, insert.format("'x' || i % 4000"))[1]
    assert connection.execute("SELECT count(*), sum(n) FROM many").fetchone() == (5000, 12502500)
    copies = connection.execute("SELECT rows FROM bridge_log WHERE statement LIKE 'COPY%STDIN%' ORDER BY id").fetchall()
    assert copies == [(4998,), (0,)]
    connection.close()
