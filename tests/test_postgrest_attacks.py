"""Answers that come in odd ways, tables that change between two pages, and odd names and values on
a real database: over PostgREST the answer is right, or an error."""
import email.utils
import gzip
import json
import sqlite3
import threading
import time

import pytest

from support import sqlite
from support.postgrest import Postgrest
from support.remotes import CODE, connect, rows as select, value
from support.rest_server import Answer, RestServer, failure, rows

DOCUMENT = {"swagger": "2.0", "definitions": {
    "people": {"required": ["id"], "properties": {
        "id": {"format": "int32", "description": "Note:\nThis is a Primary Key.<pk/>"},
        "name": {"format": "text"}, "f": {"format": "double precision"}}},
    "seen": {"properties": {"id": {"format": "int32"}, "name": {"format": "text"}}}}}


def person(number):
    return {"id": number, "name": f"n{number}", "f": "0.5"}


def attached(server, *options):
    db = connect(check_same_thread=False)
    marks = ", ?" * len(options)
    value(db, f"SELECT bridge_attach(?, 'name=r', 'as=r'{marks})", server.url, *options)
    return db


def people_of(found, request):
    mine = sorted(found)
    if "id" in request.query:
        mine = [number for number in mine if number >= int(request.query["id"].removeprefix("gte."))]
    return mine


# ---------------------------------------------------------------------- how answers come

BODY = json.dumps([person(1), person(2)]).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Range: 0-1/2\r\n"


def chunked(body, size):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


WAYS = {  # how it comes -> the answer
    "in chunks of a byte": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY, 1),
    "in chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY, 50),
    "over HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"\r\n" + BODY,
    "behind interim answers": b"HTTP/1.1 103 Early Hints\r\nContent-Range: 0-0/9\r\n\r\n" * 3 + HEAD
                              + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "with blanks all over": HEAD + b"Connection: close\r\n\r\n" + b" \n" + BODY.replace(b",", b" ,\t\r\n") + b"\n " * 99}


@pytest.mark.parametrize("way", WAYS)
def test_ways_that_answers_come(way):
    with RestServer(lambda _: WAYS[way], DOCUMENT) as server:
        assert select(attached(server), "SELECT id, name, f FROM r.people") == [(1, "n1", 0.5), (2, "n2", 0.5)]


def told(body, **headers):
    """One row, as far as the head tells."""
    return lambda _: Answer(200, {"Content-Range": "0-0/1", **headers}, body)


def with_trailer(_request):
    """Without a count where it is read, and with one behind the rows."""
    return (HEAD.replace(b"0-1/2", b"0-1/*") + b"Transfer-Encoding: chunked\r\nTrailer: Content-Range\r\n\r\n"
            + chunked(BODY, 50)[:-2] + b"Content-Range: 0-1/2\r\n\r\n")


def endless_head(line, first=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"):
    yield first
    while True:
        yield line


def endless_blanks():
    yield HEAD + b"Connection: close\r\n\r\n" + BODY
    while True:
        yield b" " * 4096


ONE = b'{"id":1,"name":"a","f":"0.5"}'


def endless(piece):
    yield HEAD.replace(b"0-1/2", b"*/*") + b"\r\n["
    while True:
        yield piece


BROKEN = {  # what comes -> (the answer, part of the message)
    "gzip that nobody asked for": (lambda _: HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
                                   + gzip.compress(BODY), "no array of rows"),
    "no Content-Range": (lambda _: Answer(200, {}, BODY), "did not say how many rows"),
    "a star for a count": (lambda _: Answer(200, {"Content-Range": "0-1/*"}, BODY), "did not say how many rows"),
    "a count that is none": (lambda _: Answer(200, {"Content-Range": "0-1/x"}, BODY), "did not say how many rows"),
    "a count too long": (lambda _: Answer(200, {"Content-Range": "0-1/99999999999999999999"}, BODY),
                         "did not say how many rows"),
    "a count too small": (lambda _: Answer(200, {"Content-Range": "0-1/1"}, BODY), "another number"),
    "206 without the rest": (lambda _: Answer(206, {"Content-Range": "0-1/3"}, BODY), "the same key"),
    "416": (lambda _: failure(416, "PGRST103", "Requested range not satisfiable"), "not satisfiable"),
    "204": (lambda _: Answer(204, {}), "204"),
    "205": (lambda _: Answer(205, {}), "205"),
    "304": (lambda _: Answer(304, {}), "304"),
    "300 with a page": (lambda _: Answer(300, {"Content-Type": "text/html"}, b"<a href='x'>"), "300"),
    "a page": (lambda _: Answer(200, {"Content-Type": "text/html", "Content-Range": "0-0/1"}, b"<html>"), "other than JSON"),
    "rows that are called a page": (lambda _: Answer(200, {"Content-Type": "text/html", "Content-Range": "0-1/2"}, BODY),
                                    "other than JSON"),
    "a length too small": (lambda _: HEAD + b"Content-Length: %d\r\n\r\n" % (len(BODY) - 5) + BODY, "middle of its rows"),
    "a length too large": (lambda _: HEAD + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 5) + BODY, "lost"),
    "a length that is none": (lambda _: HEAD + b"Content-Length: -1\r\n\r\n" + BODY, ""),
    "chunks without an end": (lambda _: HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY, 50)[:-5], "lost"),
    "a chunk that is none": (lambda _: HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY, ""),
    "gzip that is broken": (lambda _: HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n\x1f\x8b" + BODY,
                            "no array of rows"),
    "two documents": (told(b"[" + ONE + b"][" + ONE + b"]"), "behind its last row"),
    "a byte order mark": (told(b"\xef\xbb\xbf[" + ONE + b"]"), "no array of rows"),
    "nothing": (told(b""), "middle of its rows"),
    "null": (told(b"null"), "no array of rows"),
    "rows that are arrays": (told(b"[[1]]"), "no array of rows"),
    "a name twice": (told(b'[{"id":1,"id":2,"name":"a","f":"0.5"}]'), '"id" twice'),
    "a name twice, behind": (told(b'[{"id":1,"name":"a","f":"0.5","name":"b"}]'), '"name" twice'),
    "a member that is missing": (told(b'[{"id":1,"f":"0.5"}]'), '"name" is missing'),
    "a NUL in a name": (told(b'[{"id":1,"na\\u0000me":"a","f":"0.5"}]'), "is missing"),
    "a NUL byte": (told(b'[{"id":1,"name":"a\x00b","f":"0.5"}]'), "no array of rows"),
    "bytes that are no UTF-8": (told(b'[{"id":1,"name":"\xc3\x28","f":"0.5"}]'), "UTF-8"),
    "true for an integer": (told(b'[{"id":true,"name":"a","f":"0.5"}]'), "is no int32"),
    "an object for a text": (told(b'[{"id":1,"name":{"a":1},"f":"0.5"}]'), "is no text"),
    "a word for a number": (told(b'[{"id":1,"name":"a","f":"much"}]'), "is no double"),
    "a number with a zero before it": (told(b'[{"id":01,"name":"a","f":"0.5"}]'), "no array of rows"),
    "brackets that do not match": (told(b'[{"id":1,"name":"a","f":"0.5","x":[1}}]'), "no array of rows"),
    "a comma too many": (told(b'[{"id":1,"name":"a","f":"0.5","x":[1,]}]'), "no array of rows"),
    "an object without a name": (told(b'[{"id":1,"name":"a","f":"0.5","x":{1:2}}]'), "no array of rows"),
    "deep nesting": (told(b'[{"id":1,"name":"a","f":"0.5","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"),
                     "no array of rows"),
    "a count behind the rows": (with_trailer, "did not say how many rows"),
    "a head without end": (lambda _: endless_head(b"X-Padding: " + b"x" * 9000 + b"\r\n"), "head of the answer is longer"),
    "a line without end": (lambda _: endless_head(b"x" * 9000), "a line without end"),
    "interim answers without end": (lambda _: endless_head(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 100, b""),
                                    "head of the answer is longer"),
    "rows without end": (lambda _: endless(BODY[1:-1] + b","), "did not say how many rows"),
    "a chunk that ends early": (lambda _: HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + BODY, "lost"),
    "a text for an integer": (lambda _: Answer(200, {"Content-Range": "0-0/1"},
                                               b'[{"id":"1","name":"a","f":"1"}]'), "is no int32"),
    "a schema cache that is not there": (lambda _: failure(503, "PGRST002", "no cache", **{"Retry-After": "99"}),
                                         "no cache")}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_believed(what):
    answer, text = BROKEN[what]
    well = [False]

    def script(request):
        return rows(request, [person(1)]) if well[0] else answer(request)

    with RestServer(script, DOCUMENT) as server:
        db = attached(server)
        failed = sqlite.error(db, "SELECT * FROM r.people")
        assert text in failed[1], failed
        well[0] = True
        assert select(db, "SELECT id FROM r.people") == [(1,)]


def test_blanks_without_end():
    """Behind the last row: that there is more of them changes nothing."""
    with RestServer(lambda _: endless_blanks(), DOCUMENT) as server:
        assert select(attached(server), "SELECT id FROM r.people") == [(1,), (2,)]


def test_a_member_that_nobody_asked_for():
    """It does no harm, as long as all the others are there."""
    body = b'[{"x":{"id":[5,{"a":null}]},"f":"0.5","y":"\\u00e9","id":1,"name":"a"}]'
    with RestServer(told(body), DOCUMENT) as server:
        assert select(attached(server), "SELECT id, name, f FROM r.people") == [(1, "a", 0.5)]


@pytest.mark.parametrize("body, text", [(b'"[1]"', "is no integer[]"), (b"5", "is no integer[]"), (b'{"a":1}', "is no integer[]"),
                                        (b"[1,2", "no array of rows"), (b"[1}", "no array of rows"), (b"[1 2]", "no array of rows"),
                                        (b"[1, [2, null]]", None)])
def test_arrays_that_are_none(body, text):
    document = {"swagger": "2.0", "definitions": {"t": {"properties": {"a": {"format": "integer[]"}}}}}
    with RestServer(told(b'[{"a":' + body + b"}]"), document) as server:
        db = attached(server)
        if text is None:
            assert select(db, "SELECT a FROM r.t") == [(body.decode(),)]
        else:
            assert text in sqlite.error(db, "SELECT a FROM r.t")[1]


@pytest.mark.parametrize("declared, text", [
    ("uuid", "0123456789abcdef0123456789abcdef0123"), ("uuid", "0123456-789ab-cdef-0123-456789abcdef"),
    ("uuid", "01234567-89ab-cdef-0123-456789abcdeg"), ("bytea", "\\\\x01-02"), ("bytea", "\\\\x010"), ("bytea", "\\\\x0g")])
def test_digits_that_are_none(declared, text):
    body = f'[{{"id":1,"a":"{text}"}}]'.encode()
    with RestServer(told(body), DOCUMENT) as server:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'as=r', ?, 'uuid=blob')", server.url, f"columns.t=id int, a {declared}")
        code, why = sqlite.error(db, "SELECT a FROM r.t")
        assert code & 0xff == sqlite3.SQLITE_ERROR and f"is no {declared}" in why, why


@pytest.mark.parametrize("sql", ["INSERT INTO r.people(name) VALUES ('a')", "DELETE FROM r.people WHERE id = 1",
                                 "SELECT bridge_insert('r.people', '{\"name\":\"a\"}')"])
def test_written_rows_without_end(sql):
    def answer(request):
        if request.method == "GET":
            return rows(request, [person(1)] if "limit=0" not in request.target else [])

        def pieces():
            yield b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n[" + json.dumps(person(1)).encode()
            while True:
                yield b"," + json.dumps(person(2)).encode()
        return pieces()

    with RestServer(answer, DOCUMENT) as server:
        db = attached(server)
        code, text = sqlite.error(db, sql)
        assert "wrote more rows" in text and code & 0xff == sqlite3.SQLITE_CORRUPT, (code, text)
        assert len(server.writes()) == 1


@pytest.mark.parametrize("after, tries", [("0", 4), ("-5", 4), ("99999999999999999999", 1), ("3600", 1), ("soon", 4), ("", 4)])
def test_retry_after_of_any_kind(after, tries):
    """A wait that is too long is the user's, and one that is none is a short one."""
    with RestServer(lambda _: failure(503, "PGRST002", "no cache", **{"Retry-After": after}), DOCUMENT) as server:
        db = attached(server)
        started = time.monotonic()
        assert "no cache" in sqlite.error(db, "SELECT id FROM r.people")[1]
        assert len(server.asked()) == tries and time.monotonic() - started < 10


def test_rows_without_end():
    """More than were asked for, or than there are, are noticed as they come."""
    def answer(request):
        head = HEAD if request.counted else HEAD.replace(b"0-1/2", b"*/*")

        def pieces():
            yield head + b"Connection: close\r\n\r\n["
            for number in range(10**9):
                yield json.dumps(person(number)).encode() + b","
        return pieces()

    with RestServer(answer, DOCUMENT) as server:
        db = attached(server, "page_rows=10")
        for table in ("people", "seen"):
            assert "another number" in sqlite.error(db, f"SELECT count(id), max(name) FROM r.{table}")[1]
        assert "another number" in sqlite.error(db, "SELECT max(x) FROM (SELECT name AS x FROM r.people LIMIT 5)")[1]


def test_interrupted_within_an_answer():
    over = threading.Event()

    def answer(_request):
        yield HEAD + b"Content-Length: 999999\r\n\r\n" + BODY[:-1]
        over.wait(20)

    with RestServer(answer, DOCUMENT) as server:
        db = attached(server)
        threading.Timer(0.3, db.interrupt).start()
        started = time.monotonic()
        code, _ = sqlite.error(db, "SELECT count(name) FROM r.people")
        assert code & 0xff == sqlite3.SQLITE_INTERRUPT and time.monotonic() - started < 0.3 + 1.5
        over.set()


def test_retry_after_a_date():
    times = []

    def answer(request):
        times.append(time.monotonic())
        if len(times) == 1:
            return failure(503, "PGRST002", "no cache",
                           **{"Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)})
        return rows(request, [person(1)])

    with RestServer(answer, DOCUMENT) as server:
        db = attached(server)
        assert select(db, "SELECT id FROM r.people") == [(1,)]
        assert 0.5 < times[1] - times[0] < 5


# ---------------------------------------------------------------------- between two pages

BETWEEN = {  # what happens to the rows 1..20 after the first page of 5 -> rows that are there all the time
    "inserted before": lambda found: found.update(range(-5, 1)),
    "inserted behind": lambda found: found.update(range(21, 26)),
    "the last row of the page deleted": lambda found: found.discard(5),
    "rows of the page deleted": lambda found: found.difference_update({3, 4, 5}),
    "the next rows deleted": lambda found: found.difference_update(range(6, 16)),
    "all the others deleted": lambda found: found.difference_update(range(6, 21)),
    "all rows deleted": lambda found: found.clear()}


@pytest.mark.parametrize("what", BETWEEN)
@pytest.mark.parametrize("cap", [2, 1000])
def test_changes_between_two_pages(what, cap):
    """No row twice, and none missing that was there from first to last."""
    found, changed = set(range(1, 21)), []

    def answer(request):
        if len(server.asked()) == 2:
            BETWEEN[what](found)
            changed.append(True)
        mine = people_of(found, request)
        return rows(request, [person(number) for number in mine[:min(cap, int(request.query["limit"]))]],
                    total=len(mine))

    with RestServer(answer, DOCUMENT) as server:
        db = attached(server, "page_rows=5")
        read = [number for number, in select(db, "SELECT id FROM r.people")]
        assert len(set(read)) == len(read) and read == sorted(read) and changed
        assert set(read) >= set(range(1, 21)) & found and set(read) <= set(range(1, 26))


@pytest.mark.parametrize("cap", [1, 2])
def test_a_server_that_gives_next_to_nothing(cap):
    found = set(range(1, 8))

    def answer(request):
        mine = people_of(found, request)
        return rows(request, [person(number) for number in mine[:min(cap, int(request.query["limit"]))]],
                    total=len(mine))

    with RestServer(answer, DOCUMENT) as server:
        db = attached(server)
        if cap == 1:
            assert "too few rows" in sqlite.error(db, "SELECT id FROM r.people")[1]
        else:
            assert select(db, "SELECT id FROM r.people") == [(number,) for number in range(1, 8)]


# ---------------------------------------------------------------------- odd names and values

NAMES = ["select", "order", "limit", "offset", "and", "or", "not", "columns", "on_conflict", "a b", "x.y",
         'q"t', "ü", "a,b", "(p)", "in", "a:b", "a->b", "*", "é%20", "back\\slash", "1st", "UPPER"]
VALUES = ["", " ", "x", "null", "true", "1", "a,b", "(a)", 'say "a"', "back\\slash", "100%", "_", "*", "a*b",
          "é%20+&=#?/", "in.(1)", "not.eq.1", "eq.x", "{a}", "'", "\n\t", "ab ", "\U0001f600", "a.b:c", None]


@pytest.fixture(scope="module")
def odd(pg, tmp_path_factory):
    pg.create_database("rest_odd", "icu")
    quoted = ['"' + name.replace('"', '""') + '"' for name in NAMES]
    with pg.connect("rest_odd") as connection:
        connection.execute(f"CREATE TABLE odd(id int PRIMARY KEY, {', '.join(name + ' text' for name in quoted)})")
        for number, text in enumerate(VALUES):
            connection.execute("INSERT INTO odd VALUES (%s" + ", %s" * len(NAMES) + ")",
                               (number, *[text] * len(NAMES)))
    server = Postgrest(pg, "rest_odd", ["public"], tmp_path_factory.mktemp("odd")).start()
    db = connect()
    value(db, "SELECT bridge_attach(?, 'name=r', 'as=r', ?, 'page_rows=7')", server.url,
          f"openapi={server.document('public')}")
    yield db, quoted
    db.close()
    server.stop()


@pytest.mark.parametrize("place", [place if place % 5 == 0 else pytest.param(place, marks=pytest.mark.slow)
                                   for place in range(len(NAMES))], ids=NAMES)
def test_odd_names_and_values(odd, place):
    db, quoted = odd
    name = quoted[place]
    assert select(db, f"SELECT {name} FROM r.odd ORDER BY id") == [(text,) for text in VALUES]
    for number, text in enumerate(VALUES):
        if text is not None:
            assert select(db, f"SELECT id FROM r.odd WHERE {name} = ?", text) == [(number,)], text
    some = json.dumps([*VALUES[::2], None])
    want = [(number,) for number, text in enumerate(VALUES) if text in VALUES[::2] and text is not None]
    assert select(db, f"SELECT id FROM r.odd WHERE {name} IN (SELECT value FROM json_each(?)) ORDER BY id",
                  some) == want
    assert select(db, f"SELECT id FROM r.odd WHERE {name} LIKE '%*%' ORDER BY id") == [
        (number,) for number, text in enumerate(VALUES) if text and "*" in text]
    assert select(db, f"SELECT id FROM r.odd WHERE {name} LIKE '100\\%' ESCAPE '\\'") == [(VALUES.index("100%"),)]
    assert select(db, f"SELECT id FROM r.odd WHERE {name} IS NULL") == [(VALUES.index(None),)]
