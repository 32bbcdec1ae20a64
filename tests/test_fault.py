"""tests/fault with a server: allocations and calls of the driver fail in turn, over PostgreSQL."""
import os
import subprocess

import pytest

from support import canary
from support.paths import BUILD

SCANS = """
    CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, city text, n float8);
    INSERT INTO people SELECT i, 'n' || (i * 7919 % 1500),
        CASE i % 4 WHEN 0 THEN 'Oslo' WHEN 1 THEN 'Rome' WHEN 2 THEN 'Bonn' END, i * 0.25
        FROM generate_series(1, 1500) i;
    CREATE TABLE bare (a text, b int);
    INSERT INTO bare SELECT city, id % 5 FROM people WHERE id <= 40 ORDER BY id;
    CREATE TABLE keyed (k text PRIMARY KEY, v int);
    INSERT INTO keyed SELECT 'k' || id, id FROM people WHERE id <= 100 ORDER BY id;
    CREATE TABLE long (id int PRIMARY KEY, t text);
    INSERT INTO long SELECT id, repeat('x', 40000) FROM people WHERE id <= 9 ORDER BY id;
"""
SESSIONS = """
    CREATE TABLE a (id int PRIMARY KEY, name text); INSERT INTO a VALUES (1, 'x'), (2, 'y');
    CREATE TABLE b (x int); CREATE TABLE b2 (x int); CREATE TABLE c (k text PRIMARY KEY, v int);
"""


SHARES = 5  # of the cases; ./check takes the first share, ./check all every one


@pytest.mark.parametrize("share", [pytest.param(i, marks=[pytest.mark.slow] * (i > 0)) for i in range(SHARES)])
@pytest.mark.parametrize("program, tables", [("scans", SCANS), ("sessions", SESSIONS)])
def test_over_postgres(pg, program, tables, share):
    database = f"fault_{program}_{share}"
    pg.create_database(database, "c")
    pg.psql(tables, database=database)
    done = subprocess.run([BUILD / f"tests/fault/fault_{program}"], timeout=300, text=True,
                          env={**os.environ, "FAULT_URL": pg.url(database, idle_close_ms=0), "FAULT_SHARE": f"{share}/{SHARES}"}, capture_output=True)
    assert done.returncode == 0, canary.seen(done.stdout + done.stderr)
    pg.drop_database(database)
