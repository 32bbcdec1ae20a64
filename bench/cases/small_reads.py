"""Reads of a row or ten, warm: prepared once, executed with other keys, outside of BEGIN."""
from harness.case import Case, Floor

FLOOR = "floor: libpq, prepared"
KEY = "SELECT id, a, b, t FROM items WHERE id = $1"
TEXT = "SELECT id, a, b FROM items WHERE t = $1"
TEN = "SELECT id, a, b FROM items ORDER BY id LIMIT 10"
MAX = "SELECT max(id) FROM items"


def keyed(name, title, sql, bounds, **more):
    return Case(name, title, sql, [Floor(FLOOR, "prepared", sql)], keyed=True, bounds=bounds,
                **more)


CASES = [
    keyed("key", "one row of {rows} by its key, warm", KEY, {FLOOR: 2}, repeat=200,
          rival_repeat=10),
    keyed("key-10ms", "the same at a round trip of 10 ms", KEY, {FLOOR: 2}, repeat=5,
          latency_ms=10),
    keyed("text", "one row of {rows} by an indexed text column of an ICU database", TEXT, {},
          prefix="item number ", repeat=200, rival_repeat=10),
    Case("order-limit", "ORDER BY key LIMIT 10 of {rows} rows", TEN,
         [Floor(FLOOR, "prepared", TEN)], repeat=100, rival_repeat=10, bounds={FLOOR: 5}),
    Case("max", "max(key) of {rows} rows", MAX, [Floor(FLOOR, "prepared", MAX)], repeat=100,
         rival_repeat=10, bounds={FLOOR: 5}),
]
