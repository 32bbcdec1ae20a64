"""What the user's own words mean over PostgREST: columns.TABLE=, json that is written, keys that look alike."""
import sqlite3

import pytest

from support import sqlite
from support.remotes import connect, rows as select, value
from support.rest_server import Answer, RestServer, failure, rows

KEY = {"format": "int32", "description": "Note:\nThis is a Primary Key.<pk/>"}
DOCUMENT = {"swagger": "2.0", "definitions": {
    "papers": {"required": ["id"], "properties": {"id": KEY, "j": {"format": "json"}, "jb": {"format": "jsonb"}}},
    "prices": {"required": ["n"], "properties": {"n": {**KEY, "format": "numeric"}, "v": {"format": "int32"}}}}}


def told(server, words):
    db = connect()
    value(db, "SELECT bridge_attach(?, 'name=r', 'as=r', ?)", server.url, words)
    return select(db, "SELECT name, type FROM pragma_table_info('people', 'r')")


@pytest.mark.parametrize("kind, declared", [
    ("INT4", "INTEGER"), ("Double  Precision", "DOUBLE PRECISION"), ("Numeric(10, 2)", "NUMERIC(10,2)"),
    ("bigserial", "BIGINT"), ("serial", "INTEGER"), ("float(24)", "REAL"), ("float(25)", "DOUBLE PRECISION"),
    ("TIMESTAMP(3) With Time Zone", "TIMESTAMP(TEXT)"), ('"char"', "TEXT"), ("mood", "JSON(TEXT)"), ('api."My mood"', "JSON(TEXT)")])
def test_types_are_read_as_sql_reads_them(kind, declared):
    with RestServer(lambda request: rows(request, []), None) as server:
        assert told(server, f"columns.people=id bigint, a {kind}") == [("id", "BIGINT"), ("a", declared)]


@pytest.mark.parametrize("words", ["id int not null", "id bigint PRIMARY KEY", "id int default 5", "id int array", "id bigint; drop"])
def test_what_is_more_than_a_type_is_refused(words):
    """It was the name of an unknown type, and the numbers came as texts."""
    with RestServer(lambda request: rows(request, []), None) as server:
        text = sqlite.error(connect(), "SELECT bridge_attach(?, ?)", (server.url, f"columns.people={words}"))[1]
        assert "more than a type" in text and '"id"' in text and server.asked() == []
        text = sqlite.error(connect(), "SELECT bridge_attach(?, 'columns.people=id int, a text, id int')", (server.url,))[1]
        assert 'names column "id" twice' in text


# ---------------------------------------------------------------------- json that is written

class Papers:
    def __call__(self, request):
        if request.method == "GET":
            return rows(request, [])
        return Answer(201, {}, b'[{"id":1}]')


@pytest.mark.parametrize("given", ['{"a" : [1,  2], "b":"\\u00e9\\/"}', "[ ]", "12.50", "1e5", "true", '"é\\n\\u0001\\\\ \x7f"'])
def test_json_travels_as_it_is_written(given):
    with RestServer(Papers(), DOCUMENT) as server:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'as=r')", server.url)
        db.execute("INSERT INTO r.papers(id, j) VALUES (1, ?)", (given,))
        assert server.writes()[0].body.decode() == f'[{{"id":1,"j":{given}}}]'


@pytest.mark.parametrize("given, why", [(" 12", "blanks"), ('{"a":1}\n', "blanks"), ('"\\u00e9"', "other escapes"),
                                        ('"a\\/b"', "other escapes"), ('"\\u001F"', "other escapes")])
def test_json_whose_bytes_would_change_is_refused(given, why):
    """PostgreSQL takes the value out of the row that it came in: a lone string is written anew."""
    with RestServer(Papers(), DOCUMENT) as server:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'as=r')", server.url)
        code, text = sqlite.error(db, "INSERT INTO r.papers(id, j) VALUES (1, ?)", (given,))
        assert code == sqlite3.SQLITE_MISMATCH and why in text and server.writes() == []
        db.execute("INSERT INTO r.papers(id, jb) VALUES (1, ?)", (given,))  # jsonb keeps no bytes anyway
        assert len(server.writes()) == 1


def test_rows_that_nothing_tells_apart_are_not_said_by_another_word():
    with RestServer(lambda request: rows(request, [{"drawbridge_0": "0.1", "v": 1}]), DOCUMENT) as server:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'as=r')", server.url)
        code, text = sqlite.error(db, "UPDATE r.prices SET v = 2")
        assert code == sqlite3.SQLITE_READONLY and "numeric=text" in text and "bridge_exec" not in text


def test_a_url_that_curl_cannot_read():
    code, text = sqlite.error(connect(), "SELECT bridge_attach('http://127.0.0.1:99999')")
    assert code == sqlite3.SQLITE_ERROR and "URL cannot be used" in text and "lost" not in text


def test_a_write_that_lost_a_race_is_not_sent_again():
    """PostgREST repeats it by itself; whatever stands in its place is asked once."""
    def lost(request):
        return rows(request, [{"id": 1, "j": None, "jb": None}]) if request.method == "GET" else failure(409, "40001")

    with RestServer(lost, DOCUMENT) as server:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'as=r')", server.url)
        for sql in ("INSERT INTO r.papers(id) VALUES (2)", "INSERT INTO r.papers(id) VALUES (2), (3)",
                    "SELECT bridge_insert('r.papers', '{\"id\":2}')"):
            server.requests.clear()
            assert sqlite.error(db, sql)[0] & 0xff == sqlite3.SQLITE_BUSY and len(server.writes()) == 1, sql


def test_an_answer_that_is_no_http():
    with RestServer(lambda request: b"hello\r\n\r\n", DOCUMENT) as server:
        db = connect()
        value(db, "SELECT bridge_attach(?, 'as=r')", server.url)
        code, text = sqlite.error(db, "SELECT * FROM r.papers")
        assert code == sqlite3.SQLITE_CORRUPT_VTAB and "no HTTP" in text
        code, text = sqlite.error(db, "INSERT INTO r.papers(id) VALUES (2)")
        assert code == sqlite3.SQLITE_IOERR and "nobody can tell" in text
