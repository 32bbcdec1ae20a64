"""Eight threads with a SQLite connection each, 1,000 queries a thread, one in five behind a write, sessions
changing hands; and two tenants on one pool whose sessions are ended meanwhile: every answer is right, and
under the thread sanitizer (./check tsan) nothing is touched by two at once."""
import json
import operator
import os
import subprocess
import threading
from pathlib import Path

import pytest

from support import canary, sqlite
from support.paths import BUILD
from support.rest_server import Answer, RestServer, rows as rest_rows

PROGRAM = Path(os.environ.get("THREADS_PROGRAM", BUILD / "tests" / "threads"))
THREADS, QUERIES, REST_QUERIES = 8, 1000, 40
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


def rest_answer():
    """The two tables, by the filters that are asked for."""
    tables = {"/t": [{"id": i, "twice": i * 2} for i in range(1, 1001)], "/w": []}
    made, compare = threading.Lock(), {"eq": operator.eq, "lte": operator.le, "gte": operator.ge, "gt": operator.gt}

    def answer(request):
        found = tables[request.path]
        if request.method == "POST":
            with made:
                one = {"id": len(found) + 1, "turn": json.loads(request.body)[0]["turn"]}
                found.append(one)
            return Answer(201, {}, json.dumps([one]).encode())
        for name in {"id", "twice", "turn"} & set(request.query):
            word, _, number = request.query[name].partition(".")
            found = [row for row in found if compare[word](row[name], float(number))]
        found = found[::-1] if request.query.get("order", "").startswith("id.desc") else found
        return rest_rows(request, found[:int(request.query.get("limit", 1000))], total=len(found))
    return answer, tables


def test_threads_over_postgrest():
    """Each with sessions of its own: what they share is the libraries."""
    number, key = {"format": "int32"}, {"format": "int32", "description": "<pk/>"}
    definitions = {"t": {"required": ["id"], "properties": {"id": key, "twice": number}},
                   "w": {"required": ["id"], "properties": {"id": key, "turn": number}}}
    answer, tables = rest_answer()
    with RestServer(answer, {"swagger": "2.0", "definitions": definitions}) as server:
        assert run(server.url, THREADS, REST_QUERIES) == (THREADS * REST_QUERIES, 0)
    assert len(tables["/w"]) == THREADS * REST_QUERIES // 5


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
