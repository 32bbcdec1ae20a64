"""The grid that the judge is tried on: per type awkward values and awkward right-hand sides.

TYPES names for each type (a row of tests/support/pg_schema.c) the PostgreSQL type, what the virtual
table declares, how the presented value is read in SQL and, as text, in Python, and the collations
that matter."""
import math
import re
from decimal import Decimal

from judge.values import BLOBS, DATES, MIXED, NUMBERS, REALS, TEXTS, VALUES


def _float(text):
    return text if text == "NaN" else float(text) + 0.0


def _numeric(text):
    if text == "NaN":
        return text
    if "Infinity" in text:
        return float(text)
    exact, real = Decimal(text), float(text)
    if exact == exact.to_integral_value() and -2**63 <= exact < 2**63:
        return int(exact)
    if not math.isinf(real) and real == math.floor(real) and -2.0**63 < real < 2.0**63:
        return int(real)
    return real


def _six_digits(text):
    """A timestamp or time as it is presented: six digits behind the second, no zone."""
    match = re.match(r"((?:\d+-\d\d-\d\d )?\d\d:\d\d:\d\d)(?:\.(\d+))?"
                     r"(?:[+-]\d\d(?::\d\d)*)?( BC)?\Z", text)
    if not match:
        return text
    return match[1] + "." + (match[2] or "").ljust(6, "0") + (match[3] or "")


class Type:
    def __init__(self, remote, declared, select="c::text", read=str, collations=True):
        self.remote, self.declared, self.select, self.read = remote, declared, select, read
        self.collations = ["BINARY", "NOCASE", "RTRIM"] if collations else ["BINARY"]


def _number(remote, declared, read, select="c::text"):
    return Type(remote, declared, select, read, collations=False)


_JSON = '"JSON(TEXT)"'
TYPES = {
    "int2": _number("int2", "SMALLINT", int),
    "int4": _number("int4", "INTEGER", int),
    "int8": _number("int8", "BIGINT", int),
    "oid": _number("oid", "INTEGER", int),
    "float8": _number("float8", "DOUBLE PRECISION", _float),
    "float4": _number("float4", "REAL", _float),
    "num10_2": _number("numeric(10,2)", "NUMERIC(10,2)", _numeric),
    "num18_0": _number("numeric(18,0)", "NUMERIC(18,0)", _numeric),
    "numeric": _number("numeric", "NUMERIC", _numeric),
    "money": _number("money", "NUMERIC", _numeric, "c::numeric::text"),
    "bool": _number("bool", "BOOLEAN", int, "c::int::text"),
    "text": Type("text", "TEXT"),
    "varchar": Type("varchar(400)", "VARCHAR(400)"),
    "text_c": Type('text COLLATE "C"', "TEXT"),
    "text_nd": Type("text COLLATE truth.nd", "TEXT"),
    "citext": Type("citext", "CITEXT"),
    "bpchar": Type("char(310)", "CHAR(310)"),
    "name": Type("name", "TEXT"),
    "bytea": Type("bytea", "BLOB", "encode(c, 'hex')", bytes.fromhex, collations=False),
    "uuid": Type("uuid", "CHAR(36)"),
    "date": Type("date", '"DATE(TEXT)"'),
    "ts": Type("timestamp", '"TIMESTAMP(TEXT)"', read=_six_digits),
    "tstz": Type("timestamptz", '"TIMESTAMP(TEXT)"', read=_six_digits),
    "time": Type("time", '"TIME(TEXT)"', read=_six_digits),
    "timetz": Type("timetz", "TEXT"),
    "interval": Type("interval", "TEXT"),
    "enum": Type("truth.mood", "TEXT"),
    "json": Type("json", _JSON),
    "jsonb": Type("jsonb", _JSON),
    "xml": Type("xml", "TEXT"),
    "inet": Type("inet", "TEXT", "CASE WHEN c IS NOT NULL THEN format('%s', c) END"),
    "cidr": Type("cidr", "TEXT"),
    "macaddr": Type("macaddr", "TEXT"),
    "int4range": Type("int4range", "TEXT"),
    "int4multirange": Type("int4multirange", "TEXT"),
    "varbit": Type("varbit", "TEXT"),
    "pg_lsn": Type("pg_lsn", "TEXT"),
    "tsvector": Type("tsvector", "TEXT"),
    "regclass": Type("regclass", "TEXT"),
    "point": Type("point", "TEXT"),
    "intarr": Type("int4[]", _JSON, "to_json(c)::text"),
    "textarr": Type("text[]", _JSON, "to_json(c)::text"),
    "composite": Type("truth.comp", _JSON, "to_json(c)::text"),
    "hstore": Type("hstore", _JSON, "to_json(c)::text"),
    "domain_int": _number("truth.posint", "INTEGER", int),
    "domain_text": Type("truth.dtext", "TEXT"),
    "domain_enum": Type("truth.dmood", "TEXT"),
    "domain_float8": _number("truth.dfloat", "DOUBLE PRECISION", _float),
}

SETUP = """
DROP SCHEMA IF EXISTS truth CASCADE;
CREATE SCHEMA truth;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE TYPE truth.mood AS ENUM ('sad', 'ok', 'happy', 'Ok', '10');
CREATE TYPE truth.comp AS (a int, b text);
CREATE DOMAIN truth.posint AS int CHECK (VALUE > -1000000);
CREATE DOMAIN truth.dtext AS varchar(400);
CREATE DOMAIN truth.dmood AS truth.mood;
CREATE DOMAIN truth.dfloat AS float8;
"""
SETUP_ICU = """
CREATE COLLATION truth.nd (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
"""

OPERATORS = ["=", "!=", "<", "<=", ">", ">=", "IS", "IS NOT"]
_DATES = ("date", "ts", "tstz", "time")
_TEXTS = ("text", "varchar", "text_c", "text_nd", "citext", "domain_text", "bpchar", "name", "enum",
          "domain_enum")


def right_sides(name):
    base = [None] + NUMBERS + REALS + BLOBS + MIXED
    if name in _DATES:
        return base + DATES + TEXTS[:30]
    if name in _TEXTS:
        return base + TEXTS + DATES[:12]
    return base + TEXTS[:4] + TEXTS[47:75]


def lists(name):
    """Lists for IN: short and long, of one class and mixed, with and without NULL."""
    sides = right_sides(name)
    of = {kind: [side for side in sides if isinstance(side, kind)]
          for kind in (int, float, str, bytes)}
    own = [value for value in VALUES[name] if isinstance(value, (int, str))]
    yield from ([], [None], of[int][:1], of[int], of[float], of[int] + of[float], of[str],
                of[bytes])
    yield from (own, own[:1], own[:3] + [None], [*of[str], None], own + of[bytes],
                of[str][:5] + of[int][:2])
    yield from ([side for side in sides if side is not None], list(range(300)),
                [0.5, "0.5", b"0.5"])
    yield [text for text in of[str] if re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", text)]
