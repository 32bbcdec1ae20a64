"""What is measured on: a PostgreSQL of the run's own with the tables, a second one that reaches it
by postgres_fdw, the same tables in a SQLite file, and far-away networks.

    wide    ten columns of mixed types        items   a key, two integers, an indexed text
    many.*  a thousand tables of ten columns
    the tables of TPC-H, in a database of their own: SF 0.1 with a million rows
    written, loaded, changed    to be written to; written_new is postgres_fdw's, without the key
"""
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from support.postgres import Postgres

from harness.case import DATABASE, TPCH
from harness.parts import BUILD, PROGRAMS
from tpch import tpch

SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "synchronize_seqscans": "off"}
LATENCIES_MS = (0, 1, 10)
KEY_STRIDE = 7919  # the keys of floors/measure.c

TABLES = """
CREATE TABLE wide (id int8 PRIMARY KEY, k int4, f float8 NOT NULL, n numeric(12,2) NOT NULL,
    t text NOT NULL, u uuid NOT NULL, b bool NOT NULL, d date NOT NULL, ts timestamptz NOT NULL,
    y bytea NOT NULL);
INSERT INTO wide SELECT i, CASE WHEN i % 10 > 0 THEN i * 37 % 100000 END, sqrt(i) * 1000,
    i * 7 % 1000000 + 0.25, substr(md5(i::text), 1, 20), md5(i::text)::uuid, i % 2 = 0,
    date '2000-01-01' + (i % 9000)::int,
    timestamptz '2001-02-03 04:05:06+00' + i * interval '1.5 s', decode(md5(i::text), 'hex')
    FROM generate_series(1, {rows}) AS i;
CREATE TABLE items (id int4 PRIMARY KEY, a int4 NOT NULL, b int4 NOT NULL, t text NOT NULL);
INSERT INTO items SELECT i, i * 31 % 10007, i % 100, 'item number ' || i
    FROM generate_series(1, {rows}) AS i;
CREATE INDEX ON items (t);
CREATE TABLE written (id serial PRIMARY KEY, k int4, v int8, t text);
CREATE TABLE loaded (k int4, v int8, t text);
CREATE TABLE changed (id int4 PRIMARY KEY, n int4);
INSERT INTO changed SELECT i, 0 FROM generate_series(1, 1000) AS i;
CREATE SCHEMA many;
"""
COPIES = """
CREATE TABLE wide (id INTEGER PRIMARY KEY, k INTEGER, f REAL, n NUMERIC, t TEXT, u TEXT, b INTEGER,
    d TEXT, ts TEXT, y BLOB);
CREATE TABLE items (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, t TEXT);
INSERT INTO wide SELECT * FROM remote.wide ORDER BY id;
INSERT INTO items SELECT * FROM remote.items ORDER BY id;
CREATE INDEX items_t ON items (t);
"""
MANY = "CREATE TABLE many.t{} (id int PRIMARY KEY, a int NOT NULL, b text, c text, " \
       "d numeric(10,2), e date, f timestamptz, g bool, h uuid, i float8);"
FOREIGN = """
CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{host}', port '{port}',
    dbname '{database}', fetch_size '10000', batch_size '1000', use_remote_estimate 'true');
CREATE USER MAPPING FOR postgres SERVER {name} OPTIONS (user 'postgres', password '{password}');
CREATE SCHEMA {name};
IMPORT FOREIGN SCHEMA public LIMIT TO (wide, items, written, loaded, changed) FROM SERVER {name} INTO {name};
CREATE FOREIGN TABLE {name}.written_new (k int4, v int8, t text) SERVER {name}
    OPTIONS (schema_name 'public', table_name 'written');
"""
# A local table with the keys, in each contender's SQL; the same numbers, in the same order.
LOCAL_KEYS = {
    "sqlite": ["CREATE TEMP TABLE keys (k INTEGER PRIMARY KEY)",
               "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {keys}) "
               "INSERT INTO temp.keys SELECT 1 + i * {stride} % {rows} FROM n"],
    "postgres": ["CREATE TEMP TABLE keys (k int PRIMARY KEY)",
                 "INSERT INTO keys SELECT 1 + i * {stride} % {rows} "
                 "FROM generate_series(0::int8, {keys} - 1) AS i", "ANALYZE keys"],
    "duckdb": ["CREATE TABLE memory.main.keys AS SELECT (1 + i * {stride} % {rows})::int AS k "
               "FROM range({keys}) AS r(i)"],
}
# Rows to be written, the same that floors/postgres.c makes.
LOCAL_SOURCE = {
    "sqlite": ["CREATE TEMP TABLE source (k INTEGER PRIMARY KEY, v INTEGER, t TEXT)",
               "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {keys}) "
               "INSERT INTO temp.source SELECT i, i * 7, 'item number ' || i FROM n"],
    "postgres": ["CREATE TEMP TABLE source AS SELECT i::int AS k, i * 7 AS v, 'item number ' || i AS t "
                 "FROM generate_series(0::int8, {keys} - 1) AS i"],
    "duckdb": ["CREATE TABLE memory.main.source AS SELECT i::int AS k, i * 7 AS v, "
               "'item number ' || i AS t FROM range({keys}) AS r(i)"],
}


class World:
    def __init__(self, rows):
        """A tenth as many keys as rows; a thousand tables unless everything is tiny."""
        self.rows, self.keys, self.many = rows, max(1, rows // 10), min(1000, rows // 20)
        self.folder = Path(tempfile.mkdtemp(prefix="drawbridge-bench-",
                                            dir=os.environ.get("CHECK_TMP", "/tmp")))
        self.server = Postgres("15", SETTINGS)
        self.pages = min(rows, 100_000)
        self.foreign = None
        self._relays = {}
        self._rest = None
        self._loaded = set()

    def named(self, title):
        return title.format(rows=f"{self.rows:,}", keys=f"{self.keys:,}", many=f"{self.many:,}",
                            pages=f"{self.pages:,}")

    def start(self):
        self.server.start()
        database = self.server.database(DATABASE)
        self.server.psql(TABLES.format(rows=self.rows), database=database)
        self.server.psql("".join(MANY.format(i) for i in range(self.many)), database=database)
        self.server.psql("VACUUM ANALYZE", database=database)
        self.server.psql("CHECKPOINT", database=database)

    def start_foreign(self):
        self.foreign = Postgres("15", SETTINGS)
        self.foreign.start()
        self.foreign.psql("CREATE EXTENSION postgres_fdw", database=DATABASE)
        for latency_ms in LATENCIES_MS:
            host, port = self._place(latency_ms) or (self.server.folder, self.server.port)
            self.foreign.psql(FOREIGN.format(name=f"bench_{latency_ms}", host=host, port=port,
                                             database=DATABASE, password=self.server.password),
                              database=DATABASE)

    def rest_url(self):
        """A server of harness/rest.py, started when first asked for."""
        if self._rest is None:
            self._rest = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("rest.py"), str(self.pages)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._rest_url = self._rest.stdout.readline().strip()
        return self._rest_url

    def rest_requests(self):
        """How many that server was sent."""
        with urllib.request.urlopen(self.rest_url() + "/requests") as answer:
            return int(answer.read())

    def end(self):
        if self._rest is not None:
            self._rest.communicate()
        for relay in self._relays.values():
            relay.stdin.close()
            relay.wait(10)
            relay.stdout.close()
        for server in (self.foreign, self.server):
            if server is not None:
                server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, latency_ms, database=DATABASE):
        """The server at that distance: over the unix socket, or through a relay."""
        place = self._place(latency_ms)
        self._load(database)
        return (self.server.url(database, host=place[0], port=place[1]) if place
                else self.server.url(database))

    def foreign_url(self):
        return self.foreign.url(DATABASE)

    def native(self, database=DATABASE):
        """A SQLite file with the same tables and values, made once."""
        path = self.folder / f"{database}.db"
        if not path.exists():
            load = ["-x", BUILD / "drawbridge.so", "-s", f"""
                PRAGMA synchronous = off;
                SELECT bridge_attach('{self.url(0, database)}', 'as=remote', 'schema=public');
                {tpch.copy_sql() if database == TPCH else COPIES}
                ANALYZE"""]
            subprocess.run([PROGRAMS / "bench_sqlite", path, *load, "SELECT 1"], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return path

    def _load(self, database):
        if database == TPCH and TPCH not in self._loaded:
            import psycopg

            self._loaded.add(TPCH)
            self.server.create_database(TPCH)
            with psycopg.connect(self.server.url(TPCH)) as connection:
                tpch.load(connection, max(self.rows / 1e7, 0.01), self.folder)

    def local_keys(self, kind):
        return [text.format(keys=self.keys, rows=self.rows, stride=KEY_STRIDE)
                for text in LOCAL_KEYS[kind]]

    def local_source(self, kind):
        return [text.format(keys=self.keys) for text in LOCAL_SOURCE[kind]]

    def say(self, sql):
        self.server.psql(sql, database=DATABASE)

    def _place(self, latency_ms):
        if latency_ms == 0:
            return None
        if latency_ms not in self._relays:
            self._relays[latency_ms] = relay = subprocess.Popen(
                [PROGRAMS / "bench_delay", str(latency_ms * 500), str(self.server.port)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            relay.place = ("127.0.0.1", int(relay.stdout.readline()))
        return self._relays[latency_ms].place
