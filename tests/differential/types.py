"""A line per type and option: what PostgreSQL holds, and what SQLite has to show, storage class
included. The test fails when a server has a type without a line here or an entry in REFUSED.

Each expected value was written by hand from the documented table of types.
"""
from typing import NamedTuple

INF = float("inf")


class Case(NamedTuple):
    pg_type: str      # of the column
    value: str        # an SQL expression
    expected: object  # int, float, str, bytes or None
    options: tuple = ()
    since: int = 12
    until: int = 99


# Nobody can write a value of these: they have no input function, or one that always fails.
REFUSED = {"gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list",
           "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary"}

SETUP = """
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE TYPE colour AS ENUM ('red', 'Green', '12');
CREATE TYPE place AS (x int, y text);
CREATE TYPE spot AS (at place, n numeric);
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive CHECK (VALUE < 100);
CREATE DOMAIN label AS varchar(20);
CREATE DOMAIN price AS numeric(10,2);
CREATE DOMAIN cost AS price;
CREATE DOMAIN day AS date;
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN flag AS boolean;
CREATE DOMAIN ints AS int[];
CREATE DOMAIN hue AS colour;
CREATE DOMAIN spotted AS place;
CREATE DOMAIN lax AS citext;
"""

TIMESTAMP, OFFSET = "'2024-02-29 12:34:56.5'", "'2024-02-29 12:34:56.5+02'"
UUID = "'550E8400-e29b-41d4-a716-446655440000'"
DASHED, HEX = "550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000"
TEXT, NAN = ("numeric=text",), ("nan=null",)
ISO, CUT, EPOCH = ("timestamp=isoformat",), ("timestamp=seconds",), ("timestamp=unixepoch",)
AWARE = ("timestamptz=+00:00",)
LITERAL = ("array=literal",)

CASES = [Case(*line) for line in [
    # whole numbers
    ("int2", "-32768", -32768), ("int2", "NULL", None), ("int4", "2147483647", 2**31 - 1),
    ("int8", "9223372036854775807", 2**63 - 1), ("int8", "-9223372036854775808", -2**63),
    ("oid", "4294967295", 4294967295), ("xid", "'4294967295'", "4294967295"),
    ("cid", "'7'", "7"), ("xid8", "'18446744073709551615'", "18446744073709551615", (), 13),
    ("tid", "'(4294967294,65535)'", "(4294967294,65535)"),
    # doubles
    ("float8", "0.1", 0.1), ("float8", "'-0'", 0.0), ("float8", "1e300", 1e300),
    ("float8", "'5e-324'", 5e-324), ("float8", "'Infinity'", INF),
    ("float8", "'-Infinity'", -INF), ("float8", "'NaN'", "NaN"), ("float8", "'NaN'", None, NAN),
    ("float8", "5", 5.0), ("float4", "0.1", 0.1), ("float4", "'16777217'", 16777216.0),
    ("float4", "'-0'", 0.0), ("float4", "'1e-45'", 1e-45), ("float4", "'NaN'", "NaN"),
    ("float4", "'NaN'", None, NAN), ("float4", "'3.4028235e38'", 3.4028235e38),
    ("float4", "'-Infinity'", -INF),
    # numeric
    ("numeric(18,0)", "999999999999999999", 999999999999999999),
    ("numeric(18,0)", "'NaN'", "NaN"), ("numeric(10,2)", "12.50", 12.5),
    ("numeric(10,2)", "12.00", 12), ("numeric(15,15)", "0.123456789012345", 0.123456789012345),
    ("numeric(10,2)", "12.50", "12.50", TEXT), ("numeric(10,2)", "'NaN'", "NaN"),
    ("numeric(10,2)", "'NaN'", None, NAN), ("numeric", "12.50", 12.5), ("numeric", "0.00", 0),
    ("numeric", "1152921504606847026", 1152921504606847026),
    ("numeric", "1152921504606847026.5", 1152921504606846976),
    ("numeric", "9007199254740993.5", 9007199254740994), ("numeric", "'1e400'", INF),
    ("numeric", "9223372036854775808", 9223372036854775808.0), ("numeric", "'-1e400'", -INF),
    ("numeric", "'1e-400'", 0), ("numeric", "0.1", 0.1),
    ("numeric", "123456789012345678901234567890.5", 1.2345678901234568e29),
    ("numeric", "'NaN'", "NaN"), ("numeric", "'NaN'", None, NAN),
    ("numeric", "'Infinity'", INF, (), 14), ("numeric", "'-Infinity'", -INF, (), 14),
    ("numeric", "12.50", "12.50", TEXT), ("numeric", "'1e-400'", "0." + "0" * 399 + "1", TEXT),
    ("numeric", "'Infinity'", "Infinity", TEXT, 14), ("numeric", "'NaN'", "NaN", TEXT),
    ("numeric", "'NaN'", None, TEXT + NAN), ("numeric(30,4)", "5", 5),
    ("numeric(4,-2)", "12345", 12300, (), 15), ("numeric(2,4)", "0.0012", 0.0012, (), 15),
    ("money", "12.5::numeric", 12.5), ("money", "-3::numeric", -3),
    ("money", "12.5::numeric", "12.50", TEXT),
    ("money", "92233720368547758.07::numeric", 92233720368547760),
    ("bool", "true", 1), ("bool", "false", 0), ("bool", "true", "T", ("bool=tf",)),
    ("bool", "false", "F", ("profile=pydal",)),
    # text
    ("text", "'é'", "é"), ("text", "''", ""), ("text", "'0012'", "0012"),
    ("text", "repeat('x', 300000)", "x" * 300000), ("varchar", "'a '", "a "),
    ("varchar(5)", "'12.0'", "12.0"), ("bpchar(5)", "'ab'", "ab"),
    ("bpchar(5)", "'ab'", "ab   ", ("bpchar=padded",)), ("char(3)", "' é'", " é"),
    ("name", "'Name'", "Name"), ('"char"', "'x'", "x"), ("citext", "'ÀbC'", "ÀbC"),
    ("citext", "'AbC'", "AbC", ("citext=nocase",)), ("text", "'é'", "é".encode(),
                                                     ("type.c=BLOB",)),
    ("text", "'ab'", "ab", ("type.c=VARCHAR(9)",)), ("text", "'ab'", "ab", ("collation=C",)),
    ('text COLLATE "C"', "'ab'", "ab"), ("refcursor", "'cur'", "cur"),
    ("bytea", "'\\x00ff41'", b"\x00\xffA"), ("bytea", "''", b""),
    ("xml", "'<a>é</a>'", "<a>é</a>"),
    # dates and times
    ("date", "'2024-02-29'", "2024-02-29"), ("date", "'infinity'", "infinity"),
    ("date", "'0044-03-15 BC'", "0044-03-15 BC"), ("date", "'10000-01-01'", "10000-01-01"),
    ("date", "'4713-01-01 BC'", "4713-01-01 BC"), ("date", "'5874897-12-31'", "5874897-12-31"),
    ("date", "'2024-02-29'", "2024-02-29", ("dates=ad",)),
    ("timestamp", TIMESTAMP, "2024-02-29 12:34:56.500000"),
    ("timestamp", "'1999-12-31'", "1999-12-31 00:00:00.000000"),
    ("timestamp", "'0044-03-15 12:00 BC'", "0044-03-15 12:00:00.000000 BC"),
    ("timestamp", "'-infinity'", "-infinity"),
    ("timestamp", "'294276-12-31 23:59:59.999999'", "294276-12-31 23:59:59.999999"),
    ("timestamp", TIMESTAMP, "2024-02-29 12:34:56.500000", ISO),
    ("timestamp", "'1999-12-31'", "1999-12-31 00:00:00", ISO),
    ("timestamp", TIMESTAMP, "2024-02-29 12:34:56", CUT),
    ("timestamp", TIMESTAMP, "2024-02-29 12:34:56", ("profile=pydal",)),
    ("timestamp", TIMESTAMP, 1709210096.5, EPOCH), ("timestamp", "'1969-12-31'", -86400, EPOCH),
    ("timestamp(0)", "'2024-02-29 12:34:56.5'", "2024-02-29 12:34:57.000000"),
    ("timestamptz", OFFSET, "2024-02-29 10:34:56.500000"),
    ("timestamptz", "'infinity'", "infinity"),
    ("timestamptz", OFFSET, "2024-02-29 10:34:56.500000+00:00", AWARE),
    ("timestamptz", OFFSET, "2024-02-29 10:34:56", CUT),
    ("timestamptz", OFFSET, "2024-02-29 10:34:56.500000", ISO),
    ("timestamptz", "'1999-12-31 00:00+00'", "1999-12-31 00:00:00+00:00", ISO + AWARE),
    ("timestamptz", OFFSET, "2024-02-29 10:34:56+00:00", CUT + AWARE),
    ("timestamptz", OFFSET, 1709202896.5, EPOCH),
    ("time", "'12:34:56.5'", "12:34:56.500000"), ("time", "'24:00'", "24:00:00.000000"),
    ("timetz", "'12:34:56.5-05:30'", "12:34:56.5-05:30"),
    ("interval", "'1 year 2 mons -3 days 04:05:06.5'", "1 year 2 mons -3 days +04:05:06.5"),
    ("interval", "'0'", "00:00:00"), ("interval", "'1 day 00:00:01.5'", 86401.5,
                                      ("interval=seconds",)),
    ("interval", "'1 year'", 31557600.0, ("interval=seconds",)),
    # identifiers and documents
    ("uuid", UUID, DASHED), ("uuid", UUID, HEX, ("uuid=hex",)),
    ("uuid", UUID, HEX, ("profile=sqlalchemy",)),
    ("uuid", UUID, bytes.fromhex(HEX), ("uuid=blob",)),
    ("json", "'{\"b\": 1, \"a\":2}'", '{"b": 1, "a":2}'), ("json", "'123'", "123"),
    ("jsonb", "'{\"b\": 1, \"a\":2}'", '{"a": 2, "b": 1}'), ("jsonb", "'1.50'", "1.50"),
    ("jsonpath", "'$.a'", '$."a"'), ("hstore", "'a=>1, b=>NULL'", '{"a": "1", "b": null}'),
    # networks, bits, search, log
    ("inet", "'192.168.1.1'", "192.168.1.1"), ("inet", "'192.168.1.1/24'", "192.168.1.1/24"),
    ("cidr", "'10.0.0.0/8'", "10.0.0.0/8"), ("macaddr", "'08002b010203'", "08:00:2b:01:02:03"),
    ("macaddr8", "'08002b0102030405'", "08:00:2b:01:02:03:04:05"), ("bit(4)", "B'0101'", "0101"),
    ("varbit", "B'001'", "001"),
    ("pg_lsn", "'16/B374D848'", "16/B374D848"), ("tsvector", "'b a:1'", "'a':1 'b'"),
    ("tsquery", "'a & !b'", "'a' & !'b'"), ("txid_snapshot", "'1:5:2,3'", "1:5:2,3"),
    ("pg_snapshot", "'1:5:2,3'", "1:5:2,3", (), 13),
    # geometry
    ("point", "'(1.5,-2)'", "(1.5,-2)"), ("lseg", "'[(1,2),(3,4)]'", "[(1,2),(3,4)]"),
    ("box", "'(1,2),(3,4)'", "(3,4),(1,2)"), ("path", "'((1,2),(3,4))'", "((1,2),(3,4))"),
    ("polygon", "'((1,2),(3,4),(5,0))'", "((1,2),(3,4),(5,0))"),
    ("circle", "'<(1,2),3>'", "<(1,2),3>"), ("line", "'{1,2,3}'", "{1,2,3}"),
    # names of catalog objects
    ("regclass", "'pg_class'", "pg_class"), ("regproc", "'now'", "now"),
    ("regprocedure", "'now()'", "now()"), ("regoper", "'||/'", "||/"),
    ("regoperator", "'+(int4,int4)'", "+(integer,integer)"), ("regtype", "'int4'", "integer"),
    ("regconfig", "'english'", "english"), ("regdictionary", "'simple'", "simple"),
    ("regnamespace", "'pg_catalog'", "pg_catalog"), ("regrole", "'postgres'", "postgres"),
    ("regcollation", "'\"C\"'", '"C"', (), 13),
    ("int2vector", "'1 2'", "1 2"), ("oidvector", "'1 2'", "1 2"),
    ("aclitem", "'postgres=r/postgres'", "postgres=r/postgres"),
    # ranges and multiranges
    ("int4range", "'[1,5]'", "[1,6)"), ("int4range", "'empty'", "empty"),
    ("int8range", "'[1,)'", "[1,)"), ("numrange", "'(1.5,2.50]'", "(1.5,2.50]"),
    ("daterange", "'[2024-01-01,2024-01-05)'", "[2024-01-01,2024-01-05)"),
    ("tsrange", "'[2024-01-01,2024-01-05 12:00)'",
     '["2024-01-01 00:00:00","2024-01-05 12:00:00")'),
    ("tstzrange", "'[2024-01-01 00:00+02,)'", '["2023-12-31 22:00:00+00",)'),
    ("floatrange", "'[0.1,0.3)'", "[0.1,0.3)"),
    ("int4multirange", "'{[1,3),[5,7)}'", "{[1,3),[5,7)}", (), 14),
    ("int8multirange", "'{}'", "{}", (), 14), ("nummultirange", "'{[1,2)}'", "{[1,2)}", (), 14),
    ("datemultirange", "'{[2024-01-01,2024-01-05)}'", "{[2024-01-01,2024-01-05)}", (), 14),
    ("tsmultirange", "'{[2024-01-01,)}'", '{["2024-01-01 00:00:00",)}', (), 14),
    ("tstzmultirange", "'{[2024-01-01 00:00+00,)}'", '{["2024-01-01 00:00:00+00",)}', (), 14),
    ("floatmultirange", "'{[0.1,0.3)}'", "{[0.1,0.3)}", (), 14),
    # enums, domains, arrays, composites
    ("colour", "'Green'", "Green"), ("colour", "'12'", "12"), ("positive", "7", 7),
    ("small", "7", 7), ("label", "'x'", "x"), ("price", "12.50", 12.5), ("cost", "12.50", 12.5),
    ("cost", "12.50", "12.50", TEXT), ("day", "'2024-02-29'", "2024-02-29"),
    ("moment", OFFSET, "2024-02-29 10:34:56.500000"), ("flag", "true", 1), ("hue", "'red'", "red"),
    ("lax", "'AbC'", "AbC"), ("ints", "'{1,2}'", "[1,2]"), ("int4[]", "'{1,NULL,3}'", "[1,null,3]"),
    ("int4[]", "'[0:1]={1,2}'", "[1,2]"), ("int4[]", "'{{1,2},{3,4}}'", "[[1,2],[3,4]]"),
    ("int4[]", "'{1,NULL}'", "{1,NULL}", LITERAL), ("text[]", "'{a,\"b c\"}'", '["a","b c"]'),
    ("text[]", "'{a,\"b c\"}'", '{a,"b c"}', LITERAL), ("text[]", "'{}'", "[]"),
    ("timestamptz[]", "ARRAY[" + OFFSET + "]::timestamptz[]", '["2024-02-29T10:34:56.5+00:00"]'),
    ("bytea[]", "ARRAY['\\x00ff'::bytea]", '["\\\\x00ff"]'),
    ("interval[]", "ARRAY['1 day'::interval]", '["1 day"]'), ("colour[]", "'{red}'", '["red"]'),
    ("positive[]", "'{1}'", "[1]"), ("jsonb[]", "ARRAY['{\"a\":1}'::jsonb]", '[{"a": 1}]'),
    ("float8[]", "'{0.1,NaN}'", '[0.1,"NaN"]'), ("place", "ROW(1,'a b')", '{"x":1,"y":"a b"}'),
    ("place", "ROW(1,'a b')", '(1,"a b")', ("composite=literal",)),
    ("place", "ROW(NULL,NULL)", '{"x":null,"y":null}'), ("place", "NULL", None),
    ("spot", "ROW(ROW(1,'a'),2.50)", '{"at":{"x":1,"y":"a"},"n":2.50}'),
    ("spotted", "ROW(1,'a')", '{"x":1,"y":"a"}'), ("place[]", "ARRAY[ROW(1,'a')::place]",
                                                   '[{"x":1,"y":"a"}]'),
]]
