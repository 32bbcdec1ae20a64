"""Eight threads with a SQLite connection each, 1,000 queries a thread, one in five behind a write, sessions
changing hands; and two tenants on one pool whose sessions are ended meanwhile: every answer is right, and
under the thread sanitizer (./check tsan) nothing is touched by two at once."""
import os
import subprocess
from pathlib import Path

import pytest

from support import canary, sqlite
from support.paths import BUILD

PROGRAM = Path(os.environ.get("THREADS_PROGRAM", BUILD / "tests" / "threads"))
THREADS, QUERIES = 8, 1000
TENANTS, TENANT_QUERIES = 4, 150

pytestmark = [pytest.mark.plain, pytest.mark.threads]


def run(url, *words):
    """How many queries were answered right, and how many not at all."""
    environment = {**os.environ, "POSTGRES_URL": url, "TSAN_OPTIONS": "exitcode=66 second_deadlock_stack=1"}
    done = subprocess.run([PROGRAM, sqlite.SO, *map(str, words)], env=environment, capture_output=True,
                          text=True, timeout=300)
    assert (done.returncode, canary.seen(done.stderr)) == (0, "")
    return tuple(map(int, done.stdout.split()))


def test_threads(pg):
    pg.create_database("threads")
    pg.psql("CREATE TABLE t AS SELECT i AS id, i * 2 AS twice FROM generate_series(1, 1000) i; "
            "ALTER TABLE t ADD PRIMARY KEY (id); CREATE TABLE w (id serial PRIMARY KEY, turn int)",
            database="threads")
    assert run(pg.url("threads"), THREADS, QUERIES) == (THREADS * QUERIES, 0)
    assert pg.psql("SELECT count(*) FROM w", database="threads") == [(THREADS * QUERIES // 5,)]


def test_tenants_whose_sessions_are_ended(pg):
    """Role and setting are those of the connection, whoever had the session before it."""
    pg.create_database("tenants")
    pg.psql("""CREATE VIEW mine AS SELECT CASE current_user WHEN 'tenant_' || current_setting('app.tenant')
            THEN current_setting('app.tenant')::int ELSE -1 END AS tenant;
        CREATE FUNCTION end_one() RETURNS bool SECURITY DEFINER LANGUAGE sql AS 'SELECT pg_terminate_backend(pid)
            FROM pg_stat_activity WHERE datname = ''tenants'' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1';
        CREATE ROLE tenant_0; CREATE ROLE tenant_1; GRANT SELECT ON mine TO tenant_0, tenant_1""",
            database="tenants")
    log = len(pg.log())
    right, lost = run(pg.url("tenants"), TENANTS, TENANT_QUERIES, "tenants")
    assert right > lost and right + lost >= TENANTS * TENANT_QUERIES
    assert pg.log()[log:].count("terminating connection due to administrator command") > 5
