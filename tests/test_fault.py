"""tests/fault/scans.c with a server: every allocation of statements over PostgreSQL fails in turn."""
import os
import subprocess

from support import canary
from support.paths import BUILD

TABLES = """
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


def test_allocations_over_postgres(pg):
    pg.create_database("fault", "c")
    pg.psql(TABLES, database="fault")
    done = subprocess.run([BUILD / "tests/fault/fault_scans"], timeout=290, text=True,
                          env={**os.environ, "FAULT_URL": pg.url("fault")}, capture_output=True)
    assert done.returncode == 0, canary.seen(done.stdout + done.stderr)
    pg.drop_database("fault")
