"""The postgrest driver against scripted answers: what recorded answers of the real server mean,
how pages and counts are believed, what travels in a request, and what goes wrong on the way.
What requests select is asked of a real database in test_postgrest_grid.py.

What the driver promises, and where it is shown:
  tables from documents, options, malformed ones   here, _documents, _ddl
  filters, order, pages, counts, lists, numbers    here, _grid, _pages, _attacks
  every recorded exchange                          here, _recorded
  writes: one request, keys, upserts, rounding     _write, _rows
  preferences that nobody confirms, schemas        _preferences
  tokens, TLS, redirects, proxies, lost            _transport
    connections, interrupts, retries
  broken and endless answers                       here, _attacks"""
import json
import sqlite3
import threading
import time

import pytest

from support import sqlite
from support.paths import ROOT
from support.remotes import CODE, connect, rows as select, value
from support.rest_server import (Answer, RestServer, failure, recorded, rows,
                                 silent_server)

DATA = ROOT / "tests" / "data" / "postgrest"

PEOPLE = {"swagger": "2.0", "definitions": {
    "people": {"required": ["id"], "properties": {
        "id": {"format": "int32", "type": "integer", "description": "Note:\nThis is a Primary Key.<pk/>"},
        "name": {"format": "text", "type": "string"},
        "price": {"format": "numeric", "type": "number"}}},
    "seen": {"properties": {"id": {"format": "int32", "type": "integer"},
                            "name": {"format": "text", "type": "string"}}}}}


def person(number, name=None):
    return {"id": number, "name": name or f"n{number}", "price": f"{number}.50"}


def attach(db, server, *options):
    marks = ", ?" * len(options)
    return value(db, f"SELECT bridge_attach(?, 'name=r', 'as=r'{marks})", server.url, *options)


def logged(db, column):
    return [row[0] for row in db.execute(
        f"SELECT {column} FROM bridge_log WHERE statement LIKE 'GET /_%' ORDER BY id")]


def table_answer(found):
    """A table that answers by its key, as the real server would: from a row on, up to a limit."""
    def answer(request):
        mine = found
        if "id" in request.query and request.query["id"].startswith("gte."):
            mine = [row for row in found if row["id"] >= int(request.query["id"][4:])]
        limit = int(request.query.get("limit", 10**9))
        return rows(request, mine[:limit], total=len(mine))
    return answer


# ---------------------------------------------------------------------- recorded answers

# Table of the schema types -> the exchanges that hold its rows. `as text` where this driver asks
# for the text, plain where it does not; both where both are right.
TYPES = {
    "ints": ["types-001"], "floats": ["types-004", "types-006"],
    "numerics": ["types-007", "types-009"], "bools": ["types-010", "types-012"],
    "texts": ["types-015"], "byteas": ["types-016", "types-018"],
    "dates": ["types-019", "types-021"], "intervals": ["types-022", "types-024"],
    "uuids": ["types-025", "types-027"], "jsons": ["types-030"], "arrays": ["types-031"],
    "customs": ["types-034"], "ranges": ["types-037", "types-039"], "nets": ["types-040"],
    "bits": ["types-043", "types-045"], "misc": ["types-046"], "wide": ["types-049"]}
# Columns that this driver asks for in a form that was not recorded: money as numeric; and in the
# wide table char(n) and json as text, which texts and jsons have. A regclass is written by the
# search_path of whoever writes it: "misc" here, "types.misc" there.
UNRECORDED = {"numerics": {"m"}, "misc": {"rc"}, "wide": {"m", "c", "j", "jb"}}


@pytest.fixture(scope="module")
def truth(pg):
    """The recorded database, read by the postgres driver."""
    pg.create_database("recorded", "icu")
    statements = "".join(line for line in (DATA / "schema.sql").read_text().splitlines(True)
                         if not line.startswith("\\"))
    pg.psql(statements, database="recorded")
    db = connect()
    value(db, "SELECT bridge_attach(?, 'name=p', 'as=p', 'schema=types')", pg.url("recorded"))
    yield db
    db.close()


def answer_recorded(request, name):
    response = recorded(name)
    return rows(request, response["body"])


@pytest.mark.parametrize("table, name", [(table, name) for table in TYPES for name in TYPES[table]])
def test_recorded_types(truth, table, name):
    document = json.loads(recorded("openapi-003")["body"])
    with RestServer(lambda request: answer_recorded(request, name), document) as server:
        attach(truth, server, "schema=types", f"tables={table}")
        try:
            columns = [column for column, in select(
                truth, f"SELECT name FROM pragma_table_info('{table}', 'r')")
                if column not in UNRECORDED.get(table, ())]
            words = ", ".join(f'"{column}", typeof("{column}")' for column in columns)
            mine = select(truth, f"SELECT {words} FROM r.{table} ORDER BY id")
            assert mine == select(truth, f"SELECT {words} FROM p.{table} ORDER BY id")
            assert len(mine) > 1
        finally:
            truth.execute("SELECT bridge_detach('r')").fetchall()


def test_recorded_declarations(truth):
    """The same tables as over libpq, but for what the document does not tell."""
    document = json.loads(recorded("openapi-003")["body"])
    with RestServer(lambda request: rows(request, []), document) as server:
        attach(truth, server, "schema=types")
        try:
            for table in TYPES:
                want = select(truth, f"SELECT name, type, \"notnull\", pk FROM "
                                     f"pragma_table_info('{table}', 'p')")
                mine = select(truth, f"SELECT name, type, \"notnull\", pk FROM "
                                     f"pragma_table_info('{table}', 'r')")
                untold = {"SMALLINT": "INTEGER", "NUMERIC(10,2)": "NUMERIC",
                          "NUMERIC(50,10)": "NUMERIC", "NUMERIC(9,0)": "NUMERIC"}
                # Nor whether NOT NULL is a domain's, which rows may be free of: keys alone are it.
                want = [(name, untold.get(kind, kind), null if key else 0, key)
                        for name, kind, null, key in want]
                different = [(a, b) for a, b in zip(want, mine) if a != b]
                # Of a type of the user's own the document tells the name alone.
                assert len(want) == len(mine)
                assert all(b[1] == "JSON(TEXT)" for a, b in different), different
        finally:
            truth.execute("SELECT bridge_detach('r')").fetchall()


@pytest.mark.parametrize("name, schema, tables", [
    ("openapi-001", None, {"book", "v_book", "w_item", "page"}), ("openapi-003", "types", set(TYPES)),
    ("openapi-004", "odd", set()), ("openapi-005", "other", set())])
def test_recorded_documents(name, schema, tables):
    document = json.loads(recorded(name)["body"])
    with RestServer(lambda request: rows(request, []), document) as server:
        db = connect()
        attach(db, server, *([f"schema={schema}"] if schema else []))
        found = {name for name, in select(db, "SELECT remote_name FROM bridge_tables")}
        assert found == set(document["definitions"]) and found >= tables
        assert {kind for kind, in select(db, "SELECT kind FROM bridge_tables WHERE name = 'v_book'")} \
            <= {"view"}
        if name == "openapi-001":
            assert select(db, "SELECT kind, columns FROM bridge_keys WHERE table_name = 'w_pair'") == \
                [("primary", "a,b")]
            assert select(db, "SELECT ref_table, ref_columns FROM bridge_keys WHERE kind = 'foreign' "
                              "AND table_name = 'w_item'") == [("w_item", "id")]


# ---------------------------------------------------------------------- pages

def test_a_small_table_is_one_request():
    with RestServer(table_answer([person(i) for i in range(1, 6)]), PEOPLE) as server:
        db = connect()
        attach(db, server)
        assert select(db, "SELECT id, name, price FROM r.people") == \
            [(i, f"n{i}", i + 0.5) for i in range(1, 6)]
        assert [request.target for request in server.asked()] == [
            "/people?select=id,name,price::text&order=id.asc&limit=1000"]
        assert server.asked()[0].counted


@pytest.mark.parametrize("cap", [2, 3, 7, 10, 1000])
def test_no_row_is_lost_to_a_server_that_cuts_answers_short(cap):
    """db-max-rows: a page of any length may be cut, with or without a count."""
    people = [person(i) for i in range(1, 24)]

    def answer(request):
        mine = people
        if "id" in request.query:
            mine = [row for row in people if row["id"] >= int(request.query["id"][4:])]
        limit = min(int(request.query.get("limit", 10**9)), cap)
        return rows(request, mine[:limit], total=len(mine))

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server, "page_rows=8")
        assert select(db, "SELECT id FROM r.people") == [(i,) for i in range(1, 24)]
        assert select(db, "SELECT id FROM r.people LIMIT 15") == [(i,) for i in range(1, 16)]
        assert value(db, "SELECT count(*) FROM r.people WHERE name <> 'n3'") == 22


def test_requests_are_few():
    """Of a scan one a page, and of a join with local keys fewer than there are keys: how many, depends
    on how long the first ones take."""
    people = {i: person(i) for i in range(1, 2001)}

    def answer(request):
        if not request.query.get("id", "gte.").startswith("gte."):
            keys = request.query["id"].removeprefix("eq.").removeprefix("in.(").rstrip(")").split(",")
            return rows(request, [people[int(key)] for key in keys if int(key) in people])
        return table_answer(list(people.values()))(request)

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server, "page_rows=500")
        assert len(select(db, "SELECT id, name FROM r.people")) == 2000
        assert len(server.asked()) == 4
        keys = json.dumps(list(range(1, 2001, 5)))
        for sql, most in (
                ("SELECT count(p.name) FROM json_each(?) k JOIN r.people p ON p.id = k.value", 150),
                ("SELECT count(p.name) FROM json_each(?) k LEFT JOIN r.people p ON p.id = k.value", 150),
                ("SELECT count(name) FROM r.people WHERE id IN (SELECT value FROM json_each(?))", 2)):
            before = len(server.asked())
            assert value(db, sql, keys) == 400
            assert len(server.asked()) - before <= most, (sql, len(server.asked()) - before)


def test_counts_are_asked_for_first_and_last_only():
    with RestServer(table_answer([person(i) for i in range(1, 101)]), PEOPLE) as server:
        db = connect()
        attach(db, server, "page_rows=10")
        assert len(select(db, "SELECT id FROM r.people")) == 100
        counted = [request.counted for request in server.asked()]
        assert counted[0] and counted[-1] and sum(counted) == 2, counted
        assert value(db, "SELECT count(*) FROM r.people") == 100
        assert server.asked()[-1].query["limit"] == "0"


def test_an_answer_without_a_count_is_not_believed():
    def answer(request):
        return Answer(200, {"Content-Range": "0-0/*"}, json.dumps([person(1)]).encode())

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server)
        assert "did not say how many rows" in sqlite.error(db, "SELECT * FROM r.people")[1]


def test_a_view_without_a_key_comes_whole_or_not_at_all():
    seen = [{"id": i, "name": f"n{i}"} for i in range(1, 6)]
    cap = [5]

    def answer(request):
        return rows(request, seen[:min(cap[0], int(request.query.get("limit", 5)))], total=5)

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server)
        assert len(select(db, "SELECT * FROM r.seen")) == 5
        cap[0] = 3
        code, text = sqlite.error(db, "SELECT * FROM r.seen")
        assert "3 of the 5 rows" in text and "key=" in text
        assert len(select(db, "SELECT id, name FROM r.seen LIMIT 2")) == 2


def test_a_key_of_the_users_pages_a_view():
    seen = [{"id": i, "name": f"n{i}"} for i in range(1, 10)]
    with RestServer(table_answer(seen), PEOPLE) as server:
        db = connect()
        value(db, "SELECT bridge_server('s', ?, 'page_rows=4')", server.url)
        db.execute("CREATE VIRTUAL TABLE v USING postgrest(server=s, table=seen, key=id)")
        assert select(db, "SELECT id FROM v") == [(i,) for i in range(1, 10)]
        assert server.asked()[-1].query["order"] == "id.asc.nullsfirst"


def test_two_rows_of_one_key_are_noticed():
    seen = [{"id": i, "name": f"n{i}"} for i in (1, 2, 3, 4, 4, 5, 6)]
    with RestServer(table_answer(seen), PEOPLE) as server:
        db = connect()
        for page_rows in (2, 4, 5, 100):
            value(db, "SELECT bridge_server('s', ?, ?)", server.url, f"page_rows={page_rows}")
            db.execute("CREATE VIRTUAL TABLE v USING postgrest(server=s, table=seen, key=id)")
            assert "same key" in sqlite.error(db, "SELECT id FROM v")[1]
            db.execute("DROP TABLE v")


def test_long_lists_travel_in_several_requests():
    people = {i: person(i) for i in range(1, 5001)}

    def answer(request):
        words = request.query["id"]
        wanted = words[4:-1].replace('"', "").split(",") if words.startswith("in.(") else [words[3:]]
        found = [people[int(word)] for word in wanted if int(word) in people]
        return rows(request, sorted(found, key=lambda row: row["id"]))

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server, "max_url_bytes=1000")
        ids = json.dumps([i * 3 for i in range(1, 801)] + [3, 6, 9])
        found = select(db, "SELECT id FROM r.people WHERE id IN (SELECT value FROM json_each(?))", ids)
        assert sorted(found) == [(i * 3,) for i in range(1, 801)]
        assert len(server.asked()) > 5
        assert all(len(server.url + request.target) <= 1000 for request in server.asked())


def test_a_filter_that_is_refused_is_left_to_sqlite():
    def answer(request):
        if "id" in request.query:
            return failure(400, "22003", "value out of range for type integer")
        return rows(request, [person(1), person(2)])

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server)
        assert select(db, "SELECT id FROM r.people WHERE id < 3000000000 AND name = 'n2'") == [(2,)]
        assert len(server.asked()) == 2
        assert "out of range" in logged(db, "notices")[-1]


@pytest.mark.parametrize("order, requests", [("", 5), ("ORDER BY id", 5), ("ORDER BY id DESC", 2)])
def test_a_long_list_of_which_some_is_out_of_range(order, requests):
    """The server refuses one of several requests, rows of others have come: none is lost, none comes twice."""
    found = [person(i) for i in range(1, 401)]

    def answer(request):
        op, _, words = request.query.get("id", "gte.0").partition(".")
        numbers = [int(word) for word in words.strip("()").split(",")]
        if max(numbers) > 32767:
            return failure(400, "22003", "value is out of range for type smallint")
        fits = {"in": lambda n: n in numbers, "eq": lambda n: n in numbers, "gt": lambda n: n > numbers[0],
                "gte": lambda n: n >= numbers[0]}[op]
        mine = [row for row in found if fits(row["id"])]
        return rows(request, mine[::-1] if "desc" in request.query["order"] else mine)

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server, "max_url_bytes=950")
        ids = json.dumps([40000, *range(2, 401, 2), 70000])
        mine = select(db, f"SELECT id FROM r.people WHERE id IN (SELECT value FROM json_each(?)) {order}", ids)
        want = [(i,) for i in range(2, 401, 2)]
        assert (mine if order else sorted(mine)) == (want[::-1] if "DESC" in order else want)
        assert len(server.asked()) == requests
        assert "out of range" in logged(db, "notices")[-1]


def test_a_time_zone_that_was_not_applied_is_not_believed():
    document = {"swagger": "2.0", "definitions": {"t": {"properties": {
        "id": {"format": "int32"}, "a": {"format": "timestamp with time zone[]"}}}}}

    def answer(request):
        return rows(request, '[{"id":1,"a":["2024-01-01T00:00:00+02:00"]}]',
                    **{"Preference-Applied": "count=exact"})

    with RestServer(answer, document) as server:
        db = connect()
        attach(db, server)
        assert "in UTC" in sqlite.error(db, "SELECT a FROM r.t")[1]
        assert select(db, "SELECT id FROM r.t") == [(1,)]


# ---------------------------------------------------------------------- what travels

def test_values_and_names_are_escaped():
    document = {"swagger": "2.0", "definitions": {"a b&c": {"properties": {
        "select": {"format": "text"}, "x.y": {"format": "text"}, "ü\"q": {"format": "text"}}}}}
    with RestServer(lambda request: rows(request, []), document) as server:
        db = connect()
        attach(db, server)
        name = "a,b)\"\\ &=+%é"
        select(db, "SELECT * FROM r.\"a b&c\" WHERE \"select\" = ?", name)
        request = server.asked()[-1]
        assert request.path == "/a%20b%26c"
        assert request.query['"select"'] == "eq." + name
        assert request.query["select"] == '"select","x.y","ü\\"q"'
        assert "+" not in request.target
        select(db, "SELECT * FROM r.\"a b&c\" WHERE \"x.y\" IN (?, 'b')", name)
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        assert server.asked()[-1].query['"x.y"'] == f'in.("{quoted}","b")'


def test_tokens_headers_and_schemas_travel_and_are_not_shown(tmp_path):
    token = tmp_path / "token"
    token.write_text("first-secret\n")
    seen = []

    def answer(request):
        seen.append(request.headers)
        if request.headers.get("authorization") != "Bearer second-secret":
            token.write_text("second-secret\n")
            return failure(401, "PGRST303", "JWT expired", None, None)
        return rows(request, [person(1)])

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server, f"token_file={token}", "header.apikey=header-secret", "schema=shop")
        assert len(select(db, "SELECT * FROM r.people")) == 1
        assert seen[-1]["apikey"] == "header-secret" and seen[-1]["accept-profile"] == "shop"
        assert len(seen) == 2
        shown = repr(select(db, "SELECT * FROM bridge_servers") + select(db, "SELECT * FROM bridge_log")
                     + select(db, "SELECT * FROM bridge_tables"))
        assert "secret" not in shown
        assert "secret" not in sqlite.error(db, "SELECT bridge_server('x', ?, 'nonsense=1', 'token=secret')",
                                            (server.url,))[1]
        definition = f"CREATE VIRTUAL TABLE t USING postgrest(url='{server.url}?token=secret', table=people)"
        assert "cannot hold a password" in sqlite.error(db, definition)[1]


def test_a_token_that_stays_refused_is_tried_twice_only(tmp_path, monkeypatch):
    monkeypatch.setenv("REST_TOKEN", "stale")
    with RestServer(lambda _: failure(401, "PGRST303", "JWT expired"), PEOPLE) as server:
        db = connect()
        attach(db, server, "token_env=REST_TOKEN")
        assert sqlite.error(db, "SELECT * FROM r.people")[0] & 0xff == CODE["SQLITE_AUTH"]
        assert len(server.asked()) == 2


def test_redirects_are_not_followed():
    with RestServer(lambda request: rows(request, []), PEOPLE) as other:
        def answer(_request):
            return Answer(307, {"Location": other.url + "/people"})

        with RestServer(answer, PEOPLE) as server:
            db = connect()
            attach(db, server, "token=abc")
            assert "Redirects are not followed" in sqlite.error(db, "SELECT * FROM r.people")[1]
            assert other.requests == []


@pytest.mark.parametrize("url, text", [
    ("http://", "names no host"), ("https:///x", "names no host"),
    ("http://me:pass@host/", "cannot hold a user's name"), ("http://host/#x", "#"),
    ("ftp://host/", "not known"), ("http+x://host/", "no known kind")])
def test_urls_that_are_refused(url, text):
    failed = sqlite.error(connect(), "SELECT bridge_attach(?)", (url,))[1]
    assert text in failed and "pass" not in failed


def test_env_takes_http_urls(monkeypatch):
    with RestServer(lambda request: rows(request, []), PEOPLE) as server:
        monkeypatch.setenv("DATABASE_URL", server.url)
        db = connect()
        assert value(db, "SELECT bridge_attach('env:')") == 2


def test_queries_of_the_users_own_are_refused():
    with RestServer(table_answer([]), PEOPLE) as server:
        db = connect()
        value(db, "SELECT bridge_server('s', ?)", server.url)
        assert "takes no statements" in sqlite.error(db, "SELECT * FROM bridge_query('s', 'SELECT 1')")[1]
        assert "takes no statements" in sqlite.error(
            db, "CREATE VIRTUAL TABLE q USING postgrest(server=s, query='SELECT 1')")[1]


# ---------------------------------------------------------------------- without a document

def test_columns_by_the_users_words():
    with RestServer(table_answer([person(1)]), None) as server:
        db = connect()
        code, text = sqlite.error(db, "SELECT bridge_attach(?)", (server.url,))
        assert "openapi=FILE" in text and "columns.TABLE" in text
        words = 'columns.people=id bigint, name varchar(9), "price" numeric(10,2)'
        assert attach(db, server, words) == 1
        assert select(db, "SELECT name, type FROM pragma_table_info('people', 'r')") == [
            ("id", "BIGINT"), ("name", "VARCHAR(9)"), ("price", "NUMERIC(10,2)")]
        assert select(db, "SELECT * FROM r.people") == [(1, "n1", 1.5)]
        assert "must be a list" in sqlite.error(
            db, "SELECT bridge_attach(?, 'columns.t=id')", (server.url,))[1]


def test_a_document_in_a_file(tmp_path):
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(PEOPLE))
    with RestServer(table_answer([person(1)]), None) as server:
        db = connect()
        assert attach(db, server, f"openapi={file}") == 2
        assert len(select(db, "SELECT * FROM r.people")) == 1
        file.write_text("{")
        assert "could not read OpenAPI document" in sqlite.error(
            connect(), "SELECT bridge_attach(?, ?)", (server.url, f"openapi={file}"))[1]


# ---------------------------------------------------------------------- faults

def json_answer(body, **headers):
    def answer(request):
        return Answer(200, {"Content-Range": "0-0/1", **headers}, body)
    return answer


FAULTS = {  # fault -> (answer, part of the result code's name, part of the message)
    "no answer": (lambda _: None, "SQLITE_CANTOPEN", "lost"),
    "no HTTP": (lambda _: b"hello there\r\n\r\n", "SQLITE_", ""),
    "half a head": (lambda _: b"HTTP/1.1 200 OK\r\nContent-", "SQLITE_CORRUPT", "other than JSON"),
    "half a body": (lambda _: b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                              b"Content-Range: 0-0/1\r\nContent-Length: 100\r\n\r\n[{\"id\":1",
                    "SQLITE_CANTOPEN", "lost"),
    "cut rows": (json_answer(b'[{"id":1,"name":"a"'), "SQLITE_", "middle of its rows"),
    "no array": (json_answer(b'{"id":1}'), "SQLITE_", "no array"),
    "garbage": (json_answer(b'[{"id":1,"name":"a","price":"1"}] x'), "SQLITE_", "behind its last row"),
    "a bad escape": (json_answer(b'[{"id":1,"name":"\\ud800","price":"1"}]'), "SQLITE_", "escape"),
    "a NUL": (json_answer(b'[{"id":1,"name":"\\u0000","price":"1"}]'), "SQLITE_", "escape"),
    "no UTF-8": (json_answer(b'[{"id":1,"name":"\xff","price":"1"}]'), "SQLITE_", "UTF-8"),
    "not JSON": (json_answer(b"<html>", **{"Content-Type": "text/html"}), "SQLITE_", "other than JSON"),
    "a huge integer": (json_answer(b'[{"id":99999999999999999999,"name":"a","price":"1"}]'),
                       "SQLITE_ERROR", "no int32"),
    "a fraction": (json_answer(b'[{"id":1.5,"name":"a","price":"1"}]'), "SQLITE_ERROR", "no int32"),
    "a number for text": (json_answer(b'[{"id":1,"name":5,"price":"1"}]'), "SQLITE_ERROR", "no text"),
    "deep nesting": (json_answer(b'[{"id":1,"name":' + b"[" * 200000 + b"]" * 200000
                                 + b',"price":"1"}]'), "SQLITE_CORRUPT", "no array of rows"),
    "a missing column": (json_answer(b'[{"id":1,"price":"1"}]'), "SQLITE_ERROR", "missing"),
    "more rows than told": (json_answer(b'[{"id":1,"name":"a","price":"1"},'
                                        b'{"id":2,"name":"a","price":"1"}]'), "SQLITE_", "another number"),
    "table gone": (lambda _: failure(404, "PGRST205", "Could not find the table"), "SQLITE_", ""),
    "busy for long": (lambda _: Answer(503, {"Retry-After": "3600"}), "SQLITE_CANTOPEN", "503"),
    "a gateway's words": (lambda _: Answer(401, {}, b'{"message":"No API key found","hint":"Send one"}'),
                          "SQLITE_AUTH", "HTTP status 401\ndetail: No API key found"),
    "words without a code": (lambda _: Answer(400, {}, b'{"code":null,"message":"too many","details":null}'),
                             "SQLITE_ERROR", "HTTP status 400\ndetail: too many"),
    "a gateway's page": (lambda _: Answer(502, {"Content-Type": "text/html"}, b"<html>"),
                         "SQLITE_CANTOPEN", "502"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault):
    """Every fault is an error, with nothing read before it taken for the answer; and the server is
    of use again at once when it is well."""
    answer, code, text = FAULTS[fault]
    well = [False]

    def script(request):
        return table_answer([person(1)])(request) if well[0] else answer(request)

    with RestServer(script, PEOPLE) as server:
        db = connect()
        attach(db, server)
        failed = sqlite.error(db, "SELECT * FROM r.people", )
        assert text in failed[1], failed
        names = {name for name in dir(sqlite3) if name.startswith(code)
                 and getattr(sqlite3, name) == failed[0] & 0xff}
        assert names, failed
        well[0] = True
        assert select(db, "SELECT id FROM r.people") == [(1,)]


def test_huge_numbers_and_long_rows_are_exact():
    name = "x" * 3_000_000
    body = json.dumps([person(1, name), person(2, "é\n\"\\" * 1000)]).replace(
        '"1.50"', '"123456789012345678.9"')
    with RestServer(lambda request: rows(request, body), PEOPLE) as server:
        db = connect()
        attach(db, server)
        assert select(db, "SELECT name, price FROM r.people") == [
            (name, 123456789012345678.9), ("é\n\"\\" * 1000, 2.5)]


def test_an_idle_connection_that_was_closed_is_replaced_unseen():
    def answer(request):
        return rows(request, [person(1)], Connection="keep-alive")

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server)
        before = server.connections
        select(db, "SELECT * FROM r.people")
        select(db, "SELECT * FROM r.people")
        assert server.connections == before  # kept alive
    lost = [True]

    def closing(request):
        if lost[0]:
            lost[0] = False
            encoded = rows(request, [person(1)]).encode()
            return encoded  # bytes: the server closes behind them without a word
        return rows(request, [person(1)])

    with RestServer(closing, PEOPLE) as server:
        db = connect()
        attach(db, server)
        assert select(db, "SELECT id FROM r.people") == [(1,)]
        time.sleep(0.1)
        assert select(db, "SELECT id FROM r.people") == [(1,)]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(status):
    busy = [2]

    def answer(request):
        if busy[0]:
            busy[0] -= 1
            return failure(status, "PGRST002", "no schema cache", **{"Retry-After": "0"})
        return rows(request, [person(1)])

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server)
        assert len(select(db, "SELECT * FROM r.people")) == 1
        assert len(server.asked()) == 3


def test_timeouts_and_interrupts():
    waiting = threading.Event()

    def answer(_request):
        waiting.wait(20)
        return None

    with RestServer(answer, PEOPLE) as server:
        db = connect()
        attach(db, server, "statement_timeout_ms=300")
        started = time.monotonic()
        code, text = sqlite.error(db, "SELECT * FROM r.people")
        assert "statement_timeout_ms" in text and time.monotonic() - started < 5
        assert code & 0xff == CODE["SQLITE_BUSY"]
        free = connect(check_same_thread=False)
        attach(free, server)
        threading.Timer(0.3, free.interrupt).start()
        started = time.monotonic()
        failed = sqlite.error(free, "SELECT * FROM r.people")
        assert failed[0] & 0xff == sqlite3.SQLITE_INTERRUPT
        assert time.monotonic() - started < 0.3 + 1.5
        waiting.set()


def test_nobody_answers():
    server = silent_server()
    port = server.getsockname()[1]
    db = connect()
    code, _ = sqlite.error(db, "SELECT bridge_attach(?, 'statement_timeout_ms=400')",
                           (f"http://127.0.0.1:{port}",))
    assert code & 0xff == CODE["SQLITE_BUSY"]
    server.close()
    code, text = sqlite.error(db, "SELECT bridge_attach(?)", (f"http://127.0.0.1:{port}",))
    assert code & 0xff == CODE["SQLITE_CANTOPEN"] and "could not connect" in text


def test_a_proxy_by_libcurls_own_means(monkeypatch):
    """The name is nobody's: whoever answers is the proxy."""
    with RestServer(table_answer([person(1)]), PEOPLE) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        db = connect()
        value(db, "SELECT bridge_attach('http://rest.invalid/v1', 'as=r', 'token=abc', "
                  "'columns.people=id int, name text, price numeric')")
        assert select(db, "SELECT id FROM r.people") == [(1,)]
        assert proxy.requests[-1].target.startswith("http://rest.invalid/v1/people?")
        assert proxy.requests[-1].headers["authorization"] == "Bearer abc"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with RestServer(table_answer([person(2)]), PEOPLE) as direct:
            before = len(proxy.requests)
            value(db, "SELECT bridge_attach(?, 'as=d')", direct.url)
            assert select(db, "SELECT id FROM d.people") == [(2,)] and len(proxy.requests) == before


def test_a_certificate_is_checked(tmp_path):
    import ssl
    import subprocess
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with RestServer(table_answer([person(1)]), PEOPLE) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        db = connect()
        code, text = sqlite.error(db, "SELECT bridge_attach(?)", (url,))
        assert code & 0xff == CODE["SQLITE_CANTOPEN"] and "certificate" in text
        assert value(db, "SELECT bridge_attach(?, 'tls_verify=0')", url) == 2
        assert select(db, "SELECT id FROM people") == [(1,)]
