"""A server that speaks PostgREST's protocol over a database of a private PostgreSQL, and the
OpenAPI document that PostgREST would give for it (this server gives none):

    server = Postgrest(pg, "shop", schemas=["public"], folder=tmp_path)
    server.url, server.document("public")     # attach with openapi=...

It is postrust-server, which ./check builds into build/parts. Its way to write JSON is not
PostgREST's; what is read as c::text is the same.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from urllib.parse import quote

from support.paths import PARTS
from support.rest_server import Answer, Request, RestServer

VERSION = "3.1.0"
PROGRAM = PARTS / f"postrust-{VERSION}" / "bin" / "postrust"

# What the document calls a type that format_type() calls otherwise.
FORMATS = {"integer": "int32", "smallint": "int32", "bigint": "int64"}

COLUMNS = """
SELECT c.relname, a.attname, format_type(coalesce(nullif(b.typbasetype, 0), t.oid), NULL),
       CASE WHEN coalesce(bb.typname, b.typname) IN ('varchar', 'bpchar')
            THEN nullif(greatest(a.atttypmod, b.typtypmod), -1) - 4 END,
       a.attnotnull,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary
               AND a.attnum = ANY (i.indkey)),
       CASE WHEN t.typtype = 'e' THEN
            (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
       END, c.relkind
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_type t ON t.oid = a.atttypid
     JOIN pg_type b ON b.oid = t.oid LEFT JOIN pg_type bb ON bb.oid = b.typbasetype
WHERE n.nspname = %s AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
ORDER BY c.relname, a.attnum
"""


def document(pg, database, schema):
    """As PostgREST 14 writes it, as far as the driver reads it."""
    definitions = {}
    with pg.connect(database) as connection:
        connection.execute("SET search_path = pg_catalog")  # so that other types are qualified
        rows = connection.execute(COLUMNS, (schema,)).fetchall()
        bases = dict(connection.execute(
            "WITH RECURSIVE d AS (SELECT oid AS domain, typbasetype AS base FROM pg_type "
            "WHERE typtype = 'd' UNION ALL SELECT d.domain, t.typbasetype FROM d "
            "JOIN pg_type t ON t.oid = d.base WHERE t.typtype = 'd') "
            "SELECT format_type(domain, NULL), format_type(base, NULL) FROM d "
            "JOIN pg_type t ON t.oid = d.base WHERE t.typtype <> 'd'").fetchall())
    for table, column, kind, length, not_null, key, labels, relkind in rows:
        definition = definitions.setdefault(table, {"properties": {}, "type": "object"})
        kind = bases.get(kind, kind)
        one = {"format": FORMATS.get(kind, kind), "type": "string"}
        if length is not None and length > 0:
            one["maxLength"] = length
        if labels is not None:
            one["enum"] = labels
        if key:
            one["description"] = "Note:\nThis is a Primary Key.<pk/>"
        if not_null and relkind in "rpf":
            definition.setdefault("required", []).append(column)
        definition["properties"][column] = one
    return {"swagger": "2.0", "info": {"version": "14.17"}, "definitions": definitions}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgrest:
    def __init__(self, pg, database, schemas, folder, max_rows=None, secret=None, writes=False):
        """writes: tables that are made later can be read and written as well."""
        self.pg, self.database, self.schemas, self.folder = pg, database, schemas, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self._grant("ALL" if writes else "SELECT")
        self.environment = {
            "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "PGRST_COMPAT_MODE": "true",
            "DATABASE_URL": pg.url(database, tcp=True), "PGRST_DB_SCHEMAS": ",".join(schemas),
            "PGRST_DB_ANON_ROLE": "rest_anon", "PGRST_DB_CHANNEL_ENABLED": "true",
            "PGRST_DB_POOL_TIMEOUT": "5", "PGRST_SERVER_HOST": "127.0.0.1",
            "PGRST_JWT_SECRET": secret or "0123456789abcdef0123456789abcdef",
            "PGRST_SERVER_PORT": str(self.port)}
        if max_rows is not None:
            self.environment["PGRST_DB_MAX_ROWS"] = str(max_rows)

    def _grant(self, rights):
        with self.pg.connect(self.database) as connection:
            if not connection.execute(
                    "SELECT FROM pg_roles WHERE rolname = 'rest_anon'").fetchall():
                connection.execute("CREATE ROLE rest_anon NOLOGIN")
            for schema in self.schemas:
                connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO rest_anon; '
                                   f'GRANT {rights} ON ALL TABLES IN SCHEMA "{schema}" TO rest_anon; '
                                   f'GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO rest_anon')
                if rights == "ALL":
                    for kind in ("TABLES", "SEQUENCES"):
                        connection.execute(f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema}" '
                                           f"GRANT ALL ON {kind} TO rest_anon")

    def start(self):
        if not PROGRAM.exists():
            raise AssertionError(f"{PROGRAM} is missing: run ./check")
        log = open(self.folder / "postgrest.log", "ab")
        self.process = subprocess.Popen([str(PROGRAM)], env=self.environment, stdout=log,
                                        stderr=log, start_new_session=True)
        log.close()
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_/ready", timeout=5).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    text = (self.folder / "postgrest.log").read_text()
                    raise AssertionError(f"postrust did not start:\n{text}") from None
                time.sleep(0.05)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.kill(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def document(self, schema):
        """The path of a file with the document of a schema, as it is now."""
        path = self.folder / f"{schema}.json"
        path.write_text(json.dumps(document(self.pg, self.database, schema)))
        return path


def forward(server, request):
    """What the server answers to it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request(request.method, request.target, request.body or None, request.headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return Answer(answer.status, {key: text for key, text in answer.getheaders() if key.lower() not in (
        "content-length", "transfer-encoding", "connection", "date")}, body)


class Front(RestServer):
    """Such a server with the document at its root that PostgREST has there: of the tables as they
    are now, once the server behind knows them too."""

    def __init__(self, server, schema="public"):
        super().__init__(self._forward)
        self.server, self.schema = server, schema

    def _forward(self, request):
        """Statements that this server prepared are refused after a change of the table, on each of its
        connections once: those of PostgREST give JSON, which has always the same type."""
        answer = forward(self.server, request)
        for _ in range(50):
            if b"cached plan must not change" not in answer.body:
                break
            answer = forward(self.server, request)
        return answer

    def answer(self, request):
        if request.path == "/":
            self.document = document(self.server.pg, self.server.database, self.schema)
            self._wait()
        return super().answer(request)

    def _wait(self):
        deadline = time.monotonic() + 30
        unknown = list(self.document["definitions"].items())
        while unknown := [one for one in unknown if not self._is_known(*one)]:
            assert time.monotonic() < deadline, f"{unknown} stay unknown"
            with self.server.pg.connect(self.server.database) as connection:
                connection.execute("NOTIFY pgrst, 'reload schema'")
            time.sleep(0.05)

    def _is_known(self, table, definition):
        names = ",".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
                         for name in definition["properties"])
        target = f"/{quote(table)}?select={quote(names)}&limit=0"
        return forward(self.server, Request("GET", target, {"Accept-Profile": self.schema}, 0)).status == 200
