"""Tables of every identity, with rows that are easily mistaken for one another: keys that look
alike, text that is a number, equal rows, NULLs in unique columns, more columns than colUsed has
bits."""
from itertools import product

from differential import tables

WIDE = ["1152921504606846976", "1152921504606847026", "1152921504606847026.5",
        "9007199254740992", "9007199254740992.5", "9007199254740993", "5", "5.5", "NaN", "0",
        "1e400", "-1e400"]
WORDS = ["7", "007", "07", "7.0", " 7", "a", "A", "a ", "b", "", "12", "é", "É", "NaN"]
UUIDS = [f"00000000-0000-0000-0000-00000000000{digit}" for digit in range(8)]
STAMPS = ["2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "0044-03-15 12:00:00 BC", "infinity",
          "10000-01-01 00:00:00", "-infinity"]


def keyed(family, values, **more):
    """A table whose key is of this family."""
    return ({"k": family, "v": "int4", "w": "text"}, ["k"],
            [[value, number % 4 or None, WORDS[number % 5]] for number, value in enumerate(values)])


def pairs(first, second):
    return [[a, b, number % 3, WORDS[number % 7]]
            for number, (a, b) in enumerate(product(first, second))]


TABLES = {
    "key_int2": keyed("int2", [0, 1, 2, 7, -1, 32767, -32768]),
    "key_int4": keyed("int4", [0, 1, 2, 5, 7, -1, 2**31 - 1]),
    "key_int8": keyed("int8", [0, 1, 7, 2**53, 2**53 + 1, 2**63 - 1, 1 - 2**63, -1]),
    "key_oid": keyed("oid", [0, 1, 7, 2**32 - 1]),
    "key_text": keyed("text", WORDS),
    "key_text_nd": keyed("text_nd", ["7", "007", "a", "b", "é", "12"]),
    "key_citext": keyed("citext", ["7", "007", "a", "b", "é", "12"]),
    "key_bpchar": keyed("bpchar", ["7", "007", "a", "A", "b", " a"]),
    "key_uuid": keyed("uuid", UUIDS),
    "key_narrow": keyed("num10_2", ["0", "0.10", "0.30", "5", "7", "12.5", "-1"]),
    "key_numeric": keyed("numeric", WIDE),
    "key_num18": keyed("num18_0", [0, 5, 7, 10**17]),
    "key_float8": keyed("float8", ["0", "0.1", "5", "NaN", "Infinity", "-Infinity", "7"]),
    "key_float4": keyed("float4", ["0", "0.1", "5", "NaN", "16777216", "7"]),
    "key_bool": keyed("bool", ["t", "f"]),
    "key_date": keyed("date", ["2024-01-01", "0044-03-15 BC", "infinity", "1999-12-31"]),
    "key_ts": keyed("ts", STAMPS),
    "key_bytea": keyed("bytea", ["\\x", "\\x00", "\\x61", "\\xff"]),
    "key_jsonb": keyed("jsonb", ["1", "1.5", '"a"', "{}", "null"]),
    "key_interval": keyed("interval", ["1 day", "2 days", "1 mon"]),
    "key_inet": keyed("inet", ["10.0.0.1", "10.0.0.2", "10.0.0.1/8"]),
    "key_money": keyed("money", ["0.10", "90071992547409.92", "90071992547409.93", "5"]),
    "key_two": ({"k": "int4", "w": "text", "v": "int4", "x": "text"}, ["k", "w"],
                pairs(range(5), ["7", "007", "a", "A", "a "])),
    "key_two_wide": ({"k": "numeric", "w": "text", "v": "int4", "x": "text"}, ["k", "w"],
                     pairs(WIDE[:6], ["7", "a"])),
    "key_none": ({"k": "int4", "w": "text", "v": "numeric"}, [],
                 [[number % 3, WORDS[number % 4], WIDE[number % 5]] for number in range(30)] * 2),
    "unique_columns": ({"k": "int4", "v": "int4", "w": "text", "n": "numeric", "u": "uuid"},
                       ["k"],
                       [[number, number % 9 or None, word, WIDE[number] if number < 12 else None,
                         UUIDS[number] if number < 8 else None]
                        for number, word in enumerate([None, None, *WORDS])]),
    "many_columns": ({"k": "int4", **{f"c{number}": "int4" for number in range(80)},
                      "v": "int4", "w": "text"}, ["k"],
                     [[key, *((key * number) % 7 or None for number in range(80)), key % 3,
                       WORDS[key]] for key in range(12)]),
    "parent": ({"k": "int4", "v": "int4", "w": "text"}, [],
               [[number, number % 3, WORDS[number]] for number in range(6)]),
}
VIEWS = {
    "view_doubles": ({"w": "text", "v": "numeric"}, []),
    "view_join": ({"k": "int4", "w": "text", "v": "int4"}, []),
    "matview": ({"k": "int4", "w": "text", "v": "numeric"}, []),
    "parts": ({"k": "int4", "w": "text", "v": "int4"}, []),
    "parts_keyed": ({"k": "int4", "w": "text", "v": "int4"}, ["k", "w"]),
}
MORE = """
CREATE VIEW view_doubles AS SELECT w, v FROM key_none;
CREATE VIEW view_join AS SELECT a.k, b.w, b.v FROM key_int4 a JOIN key_two b ON a.k >= b.k;
CREATE MATERIALIZED VIEW matview AS SELECT * FROM key_none;
CREATE TABLE parts (k int, w text, v int) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (5);
CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT g % 9, CASE WHEN g % 2 = 0 THEN '7' ELSE '007' END, g % 4
    FROM generate_series(1, 30) g;
CREATE TABLE parts_keyed (k int, w text, v int, PRIMARY KEY (k, w)) PARTITION BY LIST (w);
CREATE TABLE parts_keyed_1 PARTITION OF parts_keyed FOR VALUES IN ('7', 'a');
CREATE TABLE parts_keyed_2 PARTITION OF parts_keyed DEFAULT;
INSERT INTO parts_keyed SELECT g, w, g % 3 FROM generate_series(1, 9) g,
    unnest(ARRAY['7', '007', 'a', 'A']) w;
CREATE TABLE child_1 () INHERITS (parent);
CREATE TABLE child_2 (more int) INHERITS (parent);
INSERT INTO child_1 SELECT g, g % 3, '007' FROM generate_series(3, 9) g;
INSERT INTO child_2 SELECT g, g % 3, '7', g FROM generate_series(3, 9) g;
CREATE UNIQUE INDEX ON unique_columns (v) WHERE k < 9;
CREATE UNIQUE INDEX ON unique_columns (w);
CREATE UNIQUE INDEX ON unique_columns (n);
ALTER TABLE unique_columns ADD UNIQUE (u);
ANALYZE
"""
NAMES = [*TABLES, *VIEWS]

VALUES = [None, 0, 1, 5, 7, 7.0, 0.1, 2**53, 2**53 + 1, 2**60, 2**60 + 50, 1.0 * 2**60, "7", "007",
          "7.0", "a", "A", "a ", "NaN", "", b"a", float("inf"), 2**63 - 1, UUIDS[1],
          "2024-01-01 00:00:00.000000", "\u00e9"]

# {t} the table; {a} its first column, {b} another one. Each ? is one of VALUES.
TEMPLATES = (
    "SELECT * FROM {t} WHERE {a} = ?", "SELECT * FROM {t} WHERE {b} = ?",
    "SELECT * FROM {t} WHERE {a} = ? OR {b} = ?", "SELECT * FROM {t} WHERE {b} = ? OR {a} = ?",
    "SELECT * FROM {t} WHERE {a} = ? OR {a} = ?", "SELECT * FROM {t} WHERE {a} < ? OR {b} > ?",
    "SELECT * FROM {t} WHERE {a} = ? OR {b} IS NULL OR {a} = ?",
    "SELECT {b} FROM {t} WHERE {a} IN (?, ?, 7) OR {b} IN (?, 'a')",
    "SELECT count(*) FROM {t} WHERE {a} = ? OR {b} = ?",
    "SELECT * FROM {t} WHERE {a} = ? AND {b} = ?",
    "SELECT * FROM {t} WHERE ({a} = ? AND {b} = ?) OR ({a} = ? AND {b} > ?)",
    "SELECT * FROM {t} WHERE NOT ({a} = ? OR {b} = ?)",
    "SELECT * FROM {t} WHERE {a} IS ?", "SELECT * FROM {t} WHERE {a} IS NOT ?",
    "SELECT * FROM {t} WHERE {a} IN (?, ?)", "SELECT * FROM {t} WHERE {a} NOT IN (?, ?)",
    "SELECT * FROM {t} WHERE {a} BETWEEN ? AND ?",
    "SELECT * FROM {t} WHERE ({a}, {b}) = (?, ?)", "SELECT * FROM {t} WHERE ({a}, {b}) > (?, ?)",
    "SELECT a.*, b.{a} FROM {t} AS a JOIN {t} AS b ON a.{a} = b.{a} WHERE a.{a} = ?",
    "SELECT a.{a}, b.{b} FROM {t} AS a JOIN {t} AS b ON a.{a} = b.{b} WHERE b.{b} > ?",
    "SELECT a.{a}, b.{b} FROM {t} AS a LEFT JOIN {t} AS b ON a.{a} = b.{a} AND b.{b} = ?",
    "SELECT a.{a} FROM {t} AS a WHERE EXISTS (SELECT 1 FROM {t} WHERE {b} = a.{b} AND {a} > ?)",
    "SELECT * FROM {t} WHERE {a} IN (SELECT {a} FROM {t} WHERE {b} = ?)",
    "SELECT s.k, t.* FROM l.sides_text AS s CROSS JOIN {t} AS t ON t.{a} = s.numeric_ "
    "WHERE s.k % 5 = ?",
    "SELECT s.k, t.* FROM l.sides_text AS s CROSS JOIN {t} AS t "
    "ON t.{a} = s.text_ OR t.{b} = s.integer_ WHERE s.k % 11 = ?",
    "SELECT * FROM {t} WHERE {a} = (SELECT numeric_ FROM l.sides_text WHERE k = ?)",
    "SELECT max({a}), min({b}), count({b}) FROM {t} WHERE {a} <> ?",
    "SELECT {a}, count(*) FROM {t} WHERE {b} IS NOT ? GROUP BY {a}",
    "SELECT DISTINCT {b} FROM {t} WHERE {a} >= ?",
    "SELECT {a} FROM {t} WHERE {a} > ? UNION SELECT {b} FROM {t} WHERE {b} = ?",
    "SELECT * FROM {t} AS a WHERE rowid IN (SELECT rowid FROM {t} WHERE {a} = ?)",
    "SELECT count(DISTINCT rowid) FROM {t} WHERE {a} = ? OR {b} = ?",
    "SELECT a.{a}, b.{a} FROM {t} AS a, {t} AS b WHERE a.rowid = b.rowid AND a.{b} > ?",
)
ORDERED = (
    "SELECT * FROM {t} ORDER BY {all}", "SELECT * FROM {t} ORDER BY {all} LIMIT 4 OFFSET 1",
    "SELECT {a} FROM {t} ORDER BY {a} DESC", "SELECT {b} FROM {t} ORDER BY {b} DESC LIMIT 3",
    "SELECT * FROM {t} WHERE {a} >= 5 ORDER BY {all} LIMIT 3",
    "SELECT * FROM {t} WHERE {b} = '7' OR {a} = 7 ORDER BY {all} LIMIT 3",
)


def make_world(world, pg):
    tables.create(world, pg, "special", TABLES, VIEWS, MORE)


def columns_of(name):
    return list((VIEWS if name in VIEWS else TABLES)[name][0])


def statements(name):
    columns = columns_of(name)
    words = {"t": "{at}." + name, "all": ", ".join(columns[:8])}
    without_rowid = name.startswith("key_") and name not in WITH_ROWID
    for a, b in ((columns[0], columns[1]), (columns[1], columns[0]), (columns[-1], columns[0])):
        for template in TEMPLATES:
            if "rowid" in template and without_rowid:
                continue
            text = template.format(a=a, b=b, **words)
            marks = text.count("?")
            for number in range(len(VALUES)):
                args = tuple(VALUES[(number + 5 * mark) % len(VALUES)] for mark in range(marks))
                yield text, args, False
        for template in ORDERED:
            yield template.format(a=a, b=b, **words), (), name != "many_columns"


WITH_ROWID = {"key_int2", "key_int4", "key_int8", "key_numeric", "key_money", "key_two",
              "key_two_wide", "key_none"}
