"""The column families of the grid: a PostgreSQL type, and how its values have to look in SQLite.

Nothing here is asked of the extension. `select` is what psycopg reads, as text under pinned
settings; `read` turns that text into the SQLite value; `declared` is the declared type of the
local copy. All three say again, in other words than the driver's, what the documented table of
types promises.
"""
import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Callable

INT64_MIN, INT64_END = -2**63, 2**63

# The output function, which is not the cast to text for every type; NULL stays NULL.
OUTPUT = "CASE WHEN {c} IS DISTINCT FROM NULL THEN concat({c}) END"
JSON = "to_json({c})"


@dataclass(frozen=True)
class Family:
    name: str
    pg_type: str           # as in CREATE TABLE, collation included
    declared: str
    kind: str              # int, real, text, cast, date or blob: which right-hand sides it meets
    read: Callable = field(default=str)
    select: str = "{c}"
    options: tuple = ()    # words of bridge_attach that give this presentation
    values: str = ""       # whose VALUES it has; its own when empty
    collation: str = ""    # of the declaration
    since: int = 12        # the first PostgreSQL that has the type
    null: bool = True      # the column may be NULL
    every: int = 1         # only each n-th check: a variation of another family


def text_of_bytes(hexadecimal):
    return bytes.fromhex(hexadecimal)


def real(text):
    """NaN is text; a column of SQLite stores -0.0 as 0.0."""
    return "NaN" if text == "NaN" else float(text) + 0.0


def number(text):
    """INTEGER where the decimal is whole and fits, else the nearest double, which again is an
    INTEGER when it is whole and fits."""
    if text == "NaN":
        return text
    if "Infinity" in text:
        return float(text)
    exact = Decimal(text)
    if exact == exact.to_integral_value() and INT64_MIN <= exact < INT64_END:
        return int(exact)
    rounded = float(text)
    if math.isfinite(rounded) and rounded.is_integer() and abs(rounded) < 2.0**63:
        return int(rounded)
    return rounded


_TIMESTAMP = re.compile(r"(\d+-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00)?( BC)?")


def _timestamp(text, fraction, offset=""):
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return text  # infinity
    digits = (match[2] or "").ljust(6, "0")
    return match[1] + fraction(digits) + offset + (match[3] or "")


def six(digits):
    return "." + digits


def iso(digits):
    return "" if digits == "000000" else "." + digits


def cut(digits):
    return ""


def timestamp(text):
    return _timestamp(text, six)


def time(text):
    seconds, _, fraction = text.partition(".")
    return f"{seconds}.{fraction.ljust(6, '0')}"


def not_nan(read):
    return lambda text: None if text == "NaN" else read(text)


def bit(text):
    return {"t": 1, "f": 0, "true": 1, "false": 0}[text]


def letter(text):
    return text[0].upper()


def undashed(text):
    return text.replace("-", "")


def table(*families):
    return {family.name: family for family in families}


F = Family
FAMILIES = table(
    F("int2", "int2", "SMALLINT", "int", int),
    F("int4", "int4", "INTEGER", "int", int),
    F("int8", "int8", "BIGINT", "int", int),
    F("oid", "oid", "INTEGER", "int", int),
    F("num18_0", "numeric(18,0)", "NUMERIC(18,0)", "int", number),
    F("bool", "bool", "BOOLEAN", "int", bit),
    F("domain_int", "posint", "INTEGER", "int", int),
    F("float8", "float8", "DOUBLE PRECISION", "real", real),
    F("float4", "float4", "REAL", "real", real),
    F("num10_2", "numeric(10,2)", "NUMERIC(10,2)", "real", number),
    F("numeric", "numeric", "NUMERIC", "real", number),
    F("num30_4", "numeric(30,4)", "NUMERIC(30,4)", "real", number, every=3),
    F("money", "money", "NUMERIC", "real", number, "{c}::numeric"),
    F("domain_numeric", "price", "NUMERIC(10,2)", "real", number, values="num10_2", every=3),
    F("text", "text", "TEXT", "text"),
    F("varchar", "varchar(400)", "VARCHAR(400)", "text", values="text", every=4),
    F("text_c", 'text COLLATE "C"', "TEXT", "text", values="text"),
    F("text_nd", "text COLLATE nd", "TEXT", "text", values="text"),
    F("text_tr", 'text COLLATE "tr-x-icu"', "TEXT", "text", values="text", every=4),
    F("text_ucs", "text COLLATE ucs_basic", "TEXT", "text", values="text", every=4),
    F("citext", "citext", "CITEXT", "text", values="text"),
    F("bpchar", "char(310)", "CHAR(310)", "text", values="text", every=2),
    F("name", "name", "TEXT", "text", every=2),
    F("enum", "mood", "TEXT", "text"),
    F("domain_text", "dtext", "VARCHAR(400)", "text", values="text", every=4),
    F("domain_nd", "ndtext", "TEXT", "text", values="text", every=4),
    F("bytea", "bytea", "BLOB", "blob", text_of_bytes, "encode({c}, 'hex')"),
    F("uuid", "uuid", "CHAR(36)", "cast"),
    F("date", "date", '"DATE(TEXT)"', "date"),
    F("ts", "timestamp", '"TIMESTAMP(TEXT)"', "date", timestamp),
    F("tstz", "timestamptz", '"TIMESTAMP(TEXT)"', "date", timestamp),
    F("ts0", "timestamp(0)", '"TIMESTAMP(TEXT)"', "date", timestamp, values="ts", every=4),
    F("time", "time", '"TIME(TEXT)"', "date", time),
    F("timetz", "timetz", "TEXT", "cast"),
    F("interval", "interval", "TEXT", "cast"),
    F("json", "json", '"JSON(TEXT)"', "cast"),
    F("jsonb", "jsonb", '"JSON(TEXT)"', "cast"),
    F("xml", "xml", "TEXT", "cast"),
    F("inet", "inet", "TEXT", "cast", select=OUTPUT),
    F("cidr", "cidr", "TEXT", "cast", every=2),
    F("macaddr", "macaddr", "TEXT", "cast", every=2),
    F("int4range", "int4range", "TEXT", "cast"),
    F("int4multirange", "int4multirange", "TEXT", "cast", since=14, every=2),
    F("varbit", "varbit", "TEXT", "cast"),
    F("pg_lsn", "pg_lsn", "TEXT", "cast", every=2),
    F("tsvector", "tsvector", "TEXT", "cast"),
    F("regclass", "regclass", "TEXT", "cast", every=2),
    F("point", "point", "TEXT", "cast", every=2),
    F("char", '"char"', "TEXT", "cast", select=OUTPUT, every=2),
    F("intarr", "int4[]", '"JSON(TEXT)"', "cast", select=JSON),
    F("textarr", "text[]", '"JSON(TEXT)"', "cast", select=JSON),
    F("composite", "comp", '"JSON(TEXT)"', "cast", select=JSON),
    F("hstore", "hstore", '"JSON(TEXT)"', "cast", select=JSON),
)

EPOCH = "extract(epoch FROM {c})::numeric"
ISO_TZ, CUT_TZ = "timestamptz=+00:00", "timestamp=seconds"
# The same types under every option that changes how they look. numeric since 14: extract() gave
# a double before, which is no exact witness.
OPTION_FAMILIES = table(
    F("numeric_text", "numeric", "TEXT", "cast", options=("numeric=text",), values="numeric"),
    F("num10_2_text", "numeric(10,2)", "TEXT", "cast", options=("numeric=text",),
      values="num10_2"),
    F("num18_0_text", "numeric(18,0)", "TEXT", "cast", options=("numeric=text",),
      values="num18_0"),
    F("money_text", "money", "TEXT", "cast", select="{c}::numeric", options=("numeric=text",),
      values="money"),
    F("numeric_text_null", "numeric", "TEXT", "cast", not_nan(str), values="numeric",
      options=("numeric=text", "nan=null")),
    F("float8_null", "float8", "DOUBLE PRECISION", "real", not_nan(real), options=("nan=null",),
      values="float8"),
    F("float8_not_null", "float8 NOT NULL", "DOUBLE PRECISION", "real", not_nan(real),
      options=("nan=null",), values="float8", null=False),
    F("float4_null", "float4", "REAL", "real", not_nan(real), options=("nan=null",),
      values="float4"),
    F("numeric_null", "numeric", "NUMERIC", "real", not_nan(number), options=("nan=null",),
      values="numeric"),
    F("num10_2_null", "numeric(10,2)", "NUMERIC(10,2)", "real", not_nan(number),
      options=("nan=null",), values="num10_2"),
    F("ts_iso", "timestamp", '"TIMESTAMP(TEXT)"', "date", lambda t: _timestamp(t, iso),
      options=("timestamp=isoformat",), values="ts"),
    F("ts_cut", "timestamp", '"TIMESTAMP(TEXT)"', "date", lambda t: _timestamp(t, cut),
      options=("timestamp=seconds",), values="ts"),
    F("ts_epoch", "timestamp", "NUMERIC", "real", number, EPOCH,
      options=("timestamp=unixepoch",), values="ts_epoch", since=14),
    F("tstz_epoch", "timestamptz", "NUMERIC", "real", number, EPOCH,
      options=("timestamp=unixepoch",), values="tstz_epoch", since=14),
    F("tstz_offset", "timestamptz", '"TIMESTAMP(TEXT)"', "date",
      lambda t: _timestamp(t, six, "+00:00"), options=(ISO_TZ,), values="tstz"),
    F("tstz_iso", "timestamptz", '"TIMESTAMP(TEXT)"', "date", lambda t: _timestamp(t, iso),
      options=("timestamp=isoformat",), values="tstz"),
    F("tstz_cut_offset", "timestamptz", '"TIMESTAMP(TEXT)"', "date",
      lambda t: _timestamp(t, cut, "+00:00"), options=(CUT_TZ, ISO_TZ), values="tstz"),
    F("uuid_hex", "uuid", "CHAR(32)", "cast", undashed, options=("uuid=hex",), values="uuid"),
    F("uuid_blob", "uuid", "BLOB", "blob", lambda t: bytes.fromhex(undashed(t)),
      options=("uuid=blob",), values="uuid"),
    F("uuid_sqlalchemy", "uuid", "CHAR(32)", "cast", undashed, options=("profile=sqlalchemy",),
      values="uuid"),
    F("bool_tf", "bool", "CHAR(1)", "cast", letter, options=("bool=tf",), values="bool"),
    F("bool_pydal", "bool", "CHAR(1)", "cast", letter, options=("profile=pydal",),
      values="bool"),
    F("ts_pydal", "timestamp", '"TIMESTAMP(TEXT)"', "date", lambda t: _timestamp(t, cut),
      options=("profile=pydal",), values="ts"),
    F("citext_nocase", "citext", "CITEXT", "text", options=("citext=nocase",), values="text",
      collation="NOCASE"),
    F("intarr_literal", "int4[]", "TEXT", "cast", options=("array=literal",), values="intarr"),
    F("textarr_literal", "text[]", "TEXT", "cast", options=("array=literal",),
      values="textarr"),
    F("composite_literal", "comp", "TEXT", "cast", options=("composite=literal",),
      values="composite"),
    F("interval_seconds", "interval", "DOUBLE PRECISION", "real", real,
      "date_part('epoch', {c})", options=("interval=seconds",), values="interval"),
    F("bpchar_padded", "char(12)", "CHAR(12)", "text", select=OUTPUT,
      options=("bpchar=padded",), values="bpchar12"),
    F("text_as_blob", "text", "BLOB", "blob", str.encode, options=("type.c=BLOB",),
      values="text", every=4),
    F("text_as_varchar", "text", "VARCHAR(300)", "text", options=("type.c=VARCHAR(300)",),
      values="text", every=4),
    F("num10_2_decimal", "numeric(10,2)", "DECIMAL(10,2)", "real", number,
      options=("type.c=DECIMAL(10,2)",), values="num10_2"),
    F("text_collation_c", "text", "TEXT", "text", options=("collation=C",), values="text",
      every=4),
    F("date_ad", "date", '"DATE(TEXT)"', "date", options=("dates=ad",), values="date_ad"),
    F("ts_ad", "timestamp", '"TIMESTAMP(TEXT)"', "date", timestamp, options=("dates=ad",),
      values="ts_ad"),
)
