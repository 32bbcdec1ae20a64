"""Eight threads with a SQLite connection each, 1,000 queries a thread, sessions changing hands: every
answer is right, and under the thread sanitizer (./check tsan) nothing is touched by two at once."""
import os
import subprocess
from pathlib import Path

import pytest

from support import canary, sqlite
from support.paths import BUILD

PROGRAM = Path(os.environ.get("THREADS_PROGRAM", BUILD / "tests" / "threads"))
THREADS, QUERIES = 8, 1000


@pytest.mark.plain
@pytest.mark.threads
def test_threads(pg):
    pg.create_database("threads")
    pg.psql("CREATE TABLE t AS SELECT i AS id, i * 2 AS twice FROM generate_series(1, 1000) i; "
            "ALTER TABLE t ADD PRIMARY KEY (id)", database="threads")
    environment = {**os.environ, "POSTGRES_URL": pg.url("threads"),
                   "TSAN_OPTIONS": "exitcode=66 second_deadlock_stack=1"}
    done = subprocess.run([PROGRAM, sqlite.SO, str(THREADS), str(QUERIES)],
                          env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, canary.seen(done.stderr)) == (0, "")
    assert int(done.stdout) == THREADS * QUERIES
