"""Whose rows a token shows on a real server, when the next page is asked for, and how much of a long
answer is held."""
import base64
import hashlib
import hmac
import json
import resource
import subprocess
import time

import pytest

from support import sqlite
from support.paths import BUILD
from support.postgrest import Postgrest
from support.remotes import connect, rows as select, value
from support.rest_server import Answer, RestServer, rows

SECRET = "a secret of at least thirty-two bytes"
DDL = """
CREATE TABLE open(id int PRIMARY KEY);
CREATE TABLE pay(id int PRIMARY KEY, owner text, amount int);
ALTER TABLE pay ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON pay USING (owner = current_user);
INSERT INTO open VALUES (1);
INSERT INTO pay VALUES (1, 'rest_ann', 10), (2, 'rest_bob', 20), (3, 'rest_ann', 30);
DO $$ BEGIN CREATE ROLE rest_ann NOLOGIN; CREATE ROLE rest_bob NOLOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
"""


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(role, seconds=600):
    words = [part(json.dumps(one).encode()) for one in (
        {"alg": "HS256", "typ": "JWT"}, {"role": role, "exp": int(time.time()) + seconds})]
    signed = ".".join(words)
    return signed + "." + part(hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest())


@pytest.fixture(scope="module")
def server(pg, tmp_path_factory):
    pg.create_database("rest_roles", "icu")
    pg.psql(DDL, database="rest_roles")
    server = Postgrest(pg, "rest_roles", ["public"], tmp_path_factory.mktemp("roles"), secret=SECRET)
    pg.psql("REVOKE ALL ON pay FROM rest_anon; GRANT USAGE ON SCHEMA public TO rest_ann, rest_bob; "
            "GRANT SELECT, UPDATE ON pay TO rest_ann, rest_bob", database="rest_roles")
    yield server.start()
    server.stop()
    pg.psql("DROP OWNED BY rest_ann, rest_bob; DROP ROLE rest_ann, rest_bob", database="rest_roles")


def attached(server, *options):
    db = connect()
    marks = ", ?" * len(options)
    value(db, f"SELECT bridge_attach(?, 'as=r', ?{marks})", server.url, f"openapi={server.document('public')}", *options)
    return db


def test_the_token_says_the_role(pg, server, tmp_path):
    assert select(attached(server), "SELECT id FROM r.open") == [(1,)]
    assert sqlite.error(attached(server), "SELECT * FROM r.pay")[1]
    for role, want in (("rest_ann", [(1, 10), (3, 30)]), ("rest_bob", [(2, 20)])):
        db = attached(server, "token=" + token(role))
        assert select(db, "SELECT id, amount FROM r.pay ORDER BY id") == want
        assert value(db, "SELECT count(*) FROM r.pay") == len(want)
    db.execute("UPDATE r.pay SET amount = 21 WHERE id > 0")  # as bob
    assert pg.psql("SELECT sum(amount)::int FROM pay", database="rest_roles") == [(61,)]
    assert sqlite.error(db, "DELETE FROM r.pay")[1]
    file = tmp_path / "token"
    file.write_text(token("rest_ann", -600))
    db = attached(server, f"token_file={file}")
    assert sqlite.error(db, "SELECT * FROM r.pay")[1]
    file.write_text(token("rest_ann"))
    assert value(db, "SELECT sum(amount) FROM r.pay") == 40


def test_the_next_page_is_under_way():
    """It is asked for before SQLite has read the page that came; a LIMIT asks for no more than it takes."""
    document = {"swagger": "2.0", "definitions": {"t": {"required": ["id"], "properties": {
        "id": {"format": "int32", "description": "Note:\nThis is a Primary Key.<pk/>"}}}}}

    def answer(request):
        first, limit = int(request.query.get("id", "gte.1")[4:]), int(request.query["limit"])
        return rows(request, [{"id": i} for i in range(first, 13)][:limit], total=13 - first)

    with RestServer(answer, document) as server:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'as=r', 'page_rows=3')", server.url)
        cursor = db.execute("SELECT id FROM r.t")
        assert next(iter(cursor)) == (1,)
        deadline = time.monotonic() + 20
        while len(server.asked()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(server.asked()) == 2 and server.asked()[1].query["id"] == "gte.3"
        assert cursor.fetchall() == [(i,) for i in range(2, 13)]
        asked = len(server.asked())
        assert select(db, "SELECT id FROM r.t LIMIT 2") == [(1,), (2,)]
        time.sleep(0.2)
        assert len(server.asked()) == asked + 1


@pytest.mark.slow
@pytest.mark.plain
def test_memory_is_bounded():
    """An answer of 100 MB is read by a process that has room for 90, its libraries included."""
    count, text = 100_000, "x" * 1000
    document = {"swagger": "2.0", "definitions": {"t": {"properties": {"id": {"format": "int32"}, "name": {"format": "text"}}}}}

    def answer(request):
        if request.query.get("limit") == "0":
            return rows(request, [], total=count)
        assert request.counted

        def pieces():
            yield Answer(200, {"Content-Range": f"0-{count - 1}/{count}", "Connection": "close"}).encode().replace(
                b"Content-Length: 0\r\n", b"")
            for first in range(0, count, 1000):
                yield ("[" if first == 0 else ",").encode() + ",".join(
                    '{"id":%d,"name":"%s"}' % (i, text) for i in range(first, first + 1000)).encode()
            yield b"]"
        return pieces()

    with RestServer(answer, document) as server:
        done = subprocess.run([BUILD / "drawbridge", "query", server.url, "SELECT sum(length(name)) + sum(id) FROM t WHERE +id >= 0"],
                              capture_output=True, text=True, timeout=300,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (90 << 20, 90 << 20)))
    assert done.returncode == 0, done.stderr
    assert str(count * 1000 + count * (count - 1) // 2) in done.stdout
