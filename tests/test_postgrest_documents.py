"""OpenAPI documents that are not what PostgREST writes: the tables are right, or an error says what
is wrong. Recorded documents are in test_postgrest.py. (Issue 6: line 1.)"""
import json

import pytest

from support import sqlite
from support.remotes import connect, rows as select, value
from support.rest_server import RestServer, recorded, rows

KEY = {"format": "int32", "description": "Note:\nThis is a Primary Key.<pk/>"}
PETS = {"swagger": "2.0", "info": {"title": "Petstore"}, "definitions": {"Pet": {"type": "object", "properties": {
    "id": {"type": "integer", "format": "int64"}, "category": {"$ref": "#/definitions/Category"},
    "name": {"type": "string"}}}}}


def of(properties, **more):
    return {"swagger": "2.0", "definitions": {"t": {"properties": properties, **more}}}


def text_of(definition):
    return '{"swagger":"2.0","definitions":{' + definition + "}}"


def nested(depth):
    return '{"swagger":"2.0","x":' + "[" * depth + "]" * depth + ',"definitions":{}}'


MALFORMED = {  # what is wrong -> (document, part of the message)
    "nothing": ("", "could not read OpenAPI document"),
    "no JSON": ("<html><body>Not found</body></html>", "could not read OpenAPI document"),
    "cut off": (json.dumps(of({"id": KEY}))[:-9], "could not read OpenAPI document"),
    "bytes that are no UTF-8": (b'{"swagger":"2.0","x":"\xff"}', "could not read OpenAPI document"),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(of({"id": KEY})).encode(), "could not read OpenAPI document"),
    "two documents": (json.dumps(of({"id": KEY})) * 2, "could not read OpenAPI document"),
    "huge nesting": (nested(100_000), "could not read OpenAPI document"),
    "an array": ("[]", "is no OpenAPI document"),
    "another document": ({"name": "postrust", "version": "3.1.0"}, "is no OpenAPI document"),
    "a number for a version": ({"swagger": 2.0, "definitions": {}}, "is no OpenAPI document"),
    "OpenAPI 3": ({"openapi": "3.0.3", "components": {"schemas": {"t": {"properties": {"id": KEY}}}}},
                  "it is of OpenAPI 3.0.3"),
    "definitions in an array": ({"swagger": "2.0", "definitions": [{"t": {}}]}, '"definitions" are no object'),
    "a definition that is an array": ({"swagger": "2.0", "definitions": {"t": []}}, 'no columns of "t"'),
    "a definition that is null": ({"swagger": "2.0", "definitions": {"t": None}}, 'no columns of "t"'),
    "a definition by reference": ({"swagger": "2.0", "definitions": {
        "t": {"$ref": "#/definitions/u"}, "u": {"$ref": "#/definitions/t"}}}, "no columns of"),
    "columns in an array": (of([{"id": KEY}]), 'no columns of "t"'),
    "columns that are missing": ({"swagger": "2.0", "definitions": {"t": {"type": "object"}}}, 'no columns of "t"'),
    "required as an object": (of({"id": KEY}, required={"id": True}), '"required" of "t" is no array'),
    "a column that is an array": (of({"id": []}), 'no type for column "id"'),
    "a column by reference": (of({"id": {"$ref": "#/definitions/t/properties/id"}}), 'no type for column "id"'),
    "a type that is a number": (of({"id": {"format": 4}}), 'no type for column "id"'),
    "a type that is malformed": (of({"id": {"format": "numeric(9,2"}}), 'of column "id" is malformed'),
    "another server's": (PETS, 'no type for column "category" of "Pet"'),
    "a table twice": (text_of('"t":{"properties":{}},"t":{"properties":{}}'), "duplicate"),
    "a column twice": (text_of('"t":{"properties":{"a":{"format":"text"},"a":{"format":"int32"}}}'), "duplicate"),
    "a NUL in a name": (text_of('"t":{"properties":{"a\\u0000b":{"format":"text"}}}'), "could not read"),
}


def attach(server, *options):
    db = connect()
    marks = ", ?" * len(options)
    value(db, f"SELECT bridge_attach(?, 'as=r'{marks})", server.url, *options)
    return db


def bytes_of(document):
    text = document if isinstance(document, (str, bytes)) else json.dumps(document)
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_documents(tmp_path, what):
    document, words = MALFORMED[what]
    file = tmp_path / "openapi.json"
    file.write_bytes(bytes_of(document))
    with RestServer(lambda request: rows(request, []), None) as server:
        db = connect()
        text = sqlite.error(db, "SELECT bridge_attach(?, ?)", (server.url, f"openapi={file}"))[1]
        assert words in text, text
        file.write_text(json.dumps(of({"id": KEY})))
        assert value(db, "SELECT bridge_attach(?, ?)", server.url, f"openapi={file}") == 1


def test_a_file_that_is_none(tmp_path):
    with RestServer(lambda request: rows(request, []), None) as server:
        for path in (tmp_path / "missing.json", tmp_path):
            text = sqlite.error(connect(), "SELECT bridge_attach(?, ?)", (server.url, f"openapi={path}"))[1]
            assert "OpenAPI document" in text, text


def test_a_document_that_says_little_more():
    """What this driver has no use for may be of any shape."""
    document = of({"id": {**KEY, "enum": "x", "maxLength": "y", "default": {"a": 1}},
                   "n": {"format": "text", "default": 10**30, "description": 5},
                   "v": {"format": "character varying", "maxLength": 1e30},
                   "m": {"format": "api.mood", "enum": ["sad", 5, None]}},
                  required=["id", 5, None, "nobody"], description=["x"])
    document["definitions"]["a"] = {"properties": {"id": KEY, "r": {
        "format": "int32", "description": "Note:\nThis is a Foreign Key to `t.id`.<fk table='t' column='id'/>"}}}
    document["paths"] = {"/t": {"get": {"$ref": "#/paths/~1t"}, "post": {"$ref": "#/paths/~1t"}}}

    def answer(request):
        return rows(request, [{"id": 1, "n": "x", "v": "y" * 9, "m": "happy", "r": 1}])

    with RestServer(answer, document) as server:
        db = attach(server)
        assert select(db, "SELECT id, n, v, m FROM r.t") == [(1, "x", "y" * 9, "happy")]
        assert select(db, "SELECT id FROM r.t WHERE m = 'happy'") == [(1,)]  # a label that is not listed
        assert select(db, "SELECT name, type FROM pragma_table_info('t', 'r') WHERE name = 'v'") == [("v", "VARCHAR")]
        assert select(db, "SELECT name, writable FROM bridge_tables ORDER BY name") == [("a", 0), ("t", 1)]
        assert select(db, "SELECT ref_table, ref_columns FROM bridge_keys WHERE kind = 'foreign'") == [("t", "id")]


def test_a_role_that_sees_nothing():
    with RestServer(lambda request: rows(request, []), {"swagger": "2.0", "paths": {}}) as server:
        db = connect()
        assert value(db, "SELECT bridge_attach(?, 'as=r')", server.url) == 0
    assert "definitions" in json.loads(recorded("openapi-001")["body"])


@pytest.mark.parametrize("count", [2000, 2001, pytest.param(10_000, marks=pytest.mark.slow)])
def test_many_columns(count):
    """As many as SQLite takes."""
    document = of({"id": KEY, **{f"c{i}": {"format": "text"} for i in range(1, count)}}, required=["id"])
    last = f"c{count - 1}"

    def answer(request):
        return rows(request, [{name: 1 if name == "id" else name for name in request.query["select"].split(",")}])

    with RestServer(answer, document) as server:
        if count > 2000:
            text = sqlite.error(connect(), "SELECT bridge_attach(?)", (server.url,))[1]
            assert 'could not declare table "t": too many columns' in text
            return
        db = attach(server)
        assert select(db, f"SELECT id, {last} FROM r.t WHERE c1 = 'c1'") == [(1, last)]
        found, = select(db, "SELECT * FROM r.t")
        assert len(found) == count and found[-1] == last


def test_names_that_differ_by_their_case_alone():
    document = of({"id": KEY, "ID": {"format": "text"}, "Id": {"format": "text"}}, required=["id"])
    with RestServer(lambda request: rows(request, [{"id": 1, "ID": "a", "Id": "b"}]), document) as server:
        db = attach(server)
        names = [name for name, in select(db, "SELECT name FROM pragma_table_info('t', 'r')")]
        assert len({name.lower() for name in names}) == 3
        assert select(db, "SELECT * FROM r.t") == [(1, "a", "b")]
        assert {"id", "ID", "Id"} == set(server.asked()[-1].query["select"].split(","))
