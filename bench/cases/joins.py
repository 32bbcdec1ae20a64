"""A local table of keys against a big remote one: plain JOIN, LEFT JOIN, correlated subquery, at
three distances. One execution per key is what a program does that knows no better; = ANY with all
keys at once is the least that has to travel."""
from harness.case import ALL_KEYS, Case, Floor

PER_KEY = "floor: libpq, one prepared execution per key"
ANY = "floor: libpq, = ANY of all keys at once"
SELECT = "SELECT id, a, b FROM items WHERE id = "
SHAPES = {
    "join": ("{keys} local keys JOIN {rows} rows",
             "SELECT count(*), sum(i.a), sum(i.b) FROM keys JOIN items i ON i.id = keys.k", 0.08),
    "left-join": ("{keys} local keys LEFT JOIN {rows} rows",
                  "SELECT count(i.id), sum(i.a), sum(i.b) FROM keys LEFT JOIN items i "
                  "ON i.id = keys.k", 0.1),
    "correlated": ("a correlated subquery for each of {keys} local keys into {rows} rows",
                   "SELECT count(x), sum(x) FROM (SELECT (SELECT i.a FROM items i "
                   "WHERE i.id = keys.k) AS x FROM keys) AS y", 0.1),
}
# A run of the first floor takes about a second at most; the whole is as many times that.
PER_KEY_EXECUTIONS = {0: 10_000, 1: 1_000, 10: 100}


def case(shape, latency_ms):
    title, sql, bound = SHAPES[shape]
    return Case(f"{shape}-{latency_ms}ms", f"{title}, round trip of {latency_ms} ms", sql,
                [Floor(PER_KEY, "prepared", SELECT + "$1", PER_KEY_EXECUTIONS[latency_ms],
                       per_key=True),
                 Floor(ANY, "any", SELECT + "ANY ($1)", ALL_KEYS)],
                tables=("items",), local_keys=True, latency_ms=latency_ms,
                bounds={PER_KEY: bound})


CASES = [case(shape, latency_ms) for shape in SHAPES for latency_ms in PER_KEY_EXECUTIONS]
