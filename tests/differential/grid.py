"""The grid: every operator with every value on every family, as statements for World.check().

A statement stands for both sides; `id` and `c` are all columns there are. What is sorted by a
total order is compared as a list, all else as a multiset.
"""
from itertools import islice
from zlib import crc32

from differential.values import GLOBS, PATTERNS, VALUES, right_sides

OPERATORS = ("=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT")
RANGES = ("<", "<=", ">", ">=")
# The affinities that a right-hand column can have; BLOB is none.
AFFINITIES = ("TEXT", "NUMERIC", "INTEGER", "REAL", "BLOB")
KINDS = ("int", "real", "text", "cast", "date", "blob")


def pick(items, count, salt):
    """Some of the items, always the same ones: about `count`, spread over all."""
    items = list(items)
    step = max(1, len(items) // count)
    return list(islice(items, crc32(salt.encode()) % step, None, step))


def literal(value):
    """A value as SQL text that means just that value."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return None if "\0" in value else "'" + value.replace("'", "''") + "'"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if value in (float("inf"), float("-inf")):
        return "9e999" if value > 0 else "-9e999"
    return str(value)


def make_sides(world):
    """Local tables with the right-hand sides, a column per affinity; k tells them apart."""
    for kind in KINDS:
        columns = ", ".join(f"{affinity.lower()}_ {affinity}" for affinity in AFFINITIES)
        world.db.execute(f"CREATE TABLE l.sides_{kind}(k INTEGER PRIMARY KEY, {columns})")
        world.db.executemany(f"INSERT INTO l.sides_{kind} VALUES(?, ?2, ?2, ?2, ?2, ?2)",
                             enumerate(right_sides(kind)))


def held(family):
    """Values that the column may hold, as an application would write them."""
    texts = VALUES[family.values or family.name]
    if family.kind in ("int", "real"):
        return [family.read(text) for text in texts if family.select == "{c}"] or [0, 1, 1.5]
    return [bytes.fromhex(text[2:]) for text in texts] if family.name == "bytea" else texts


# ---------------------------------------------------------------------- the parts of the grid

def comparisons(family, where):
    for operator in OPERATORS:
        for right in right_sides(family.kind):
            yield f"{where} c {operator} ?", (right,), False


def collations(family, where):
    if family.kind not in ("text", "cast"):
        return
    rights = [right for right in right_sides(family.kind) if isinstance(right, str)]
    for turn, operator in enumerate(OPERATORS):
        for number, right in enumerate(rights):
            if (number + turn) % 2:
                yield f"{where} c {operator} ? COLLATE NOCASE", (right,), False
            else:
                yield f"{where} c COLLATE RTRIM {operator} ?", (right,), False


def literals(family, where):
    for operator in OPERATORS:
        for right in pick(right_sides(family.kind), 8, family.name + operator):
            if literal(right) is not None:
                yield f"{where} c {operator} {literal(right)}", (), False
                yield f"{where} {literal(right)} {operator} c", (), False


def patterns(family, where):
    for right in (*PATTERNS, None, 5, 12, 1.5, b"a", "%\0%"):
        yield f"{where} c LIKE ?", (right,), False
        yield f"{where} c NOT LIKE ?", (right,), False
    for right in (*GLOBS, None, 12, b"a*"):
        yield f"{where} c GLOB ?", (right,), False
    for right in pick(PATTERNS, 12, family.name):
        yield f"{where} c LIKE {literal(right)}", (), False
        yield f"{where} c LIKE ? ESCAPE '\\'", (right.replace("\\", ""),), False
    for right in pick(GLOBS, 12, family.name):
        yield f"{where} c GLOB {literal(right)}", (), False


def nulls(family, where):
    for test in ("IS NULL", "IS NOT NULL", "NOTNULL", "ISNULL", "= NULL", "<> NULL",
                 "IS NOT DISTINCT FROM NULL", "IN (NULL)", "NOT IN (NULL)", "IN ()",
                 "NOT IN ()", "BETWEEN NULL AND 5", "LIKE NULL"):
        yield f"{where} c {test}", (), False
    yield f"{where} NOT (c IS NULL)", (), False
    yield f"{where} c IS NULL OR c IS NOT NULL", (), False
    yield f"{where} c", (), False
    yield f"{where} NOT c", (), False


def lists(family, where):
    """IN over mixed lists: of one class, of several, with NULL, from a table of any affinity."""
    rights, own = right_sides(family.kind), held(family)
    for size in (1, 2, 3, 5, 8):
        marks = ", ".join("?" * size)
        for start in range(0, len(rights) - size, 11):
            mixed = [*rights[start:start + size:2], *own[start % len(own):][:size]][:size]
            mixed += [None] * (size - len(mixed))
            yield f"{where} c IN ({marks})", tuple(mixed), False
            yield f"{where} c NOT IN ({marks})", tuple(mixed), False
    for affinity in AFFINITIES:
        sides = f"SELECT {affinity.lower()}_ FROM l.sides_{family.kind} WHERE k % 17 ="
        for rest in range(8):
            yield f"{where} c IN ({sides} ?)", (rest,), False
            yield f"{where} c NOT IN ({sides} ?)", (rest,), False


def ranges(family, where):
    rights = right_sides(family.kind)
    pairs = list(zip(rights, rights[7:])) + [(a, a) for a in pick(rights, 10, family.name)]
    for low, high in pick(pairs, 60, family.name):
        yield f"{where} c BETWEEN ? AND ?", (low, high), False
        yield f"{where} c >= ? AND c < ?", (low, high), False
    for low, high in pick(pairs, 15, family.name):
        yield f"{where} c NOT BETWEEN ? AND ?", (low, high), False


def alternatives(family, where):
    rights = right_sides(family.kind)
    for one, other in pick(zip(rights, rights[5:]), 20, family.name):
        yield f"{where} c = ? OR c = ?", (one, other), False
        yield f"{where} c = ? OR id = 3", (one,), False
        yield f"{where} c < ? OR c > ?", (one, other), False
        yield f"{where} NOT (c = ?)", (one,), False
        yield f"{where} c = ? AND id > 2", (one,), False
        yield f"{where} c <> ? AND c <> ?", (one, other), False
        yield f"{where} id IN (1, 2, 3, 5) AND c >= ?", (one,), False
        yield f"{where} c = ? AND c IS NOT NULL", (one,), False
        yield f"{where} CASE WHEN c > ? THEN 1 END", (one,), False


def casts(family, where):
    rights = [right for right in right_sides(family.kind) if not isinstance(right, bytes)]
    for affinity in AFFINITIES:
        for operator in ("=", "<", ">=", "IS NOT"):
            for right in pick(rights, 8, family.name + affinity):
                yield f"{where} c {operator} CAST(? AS {affinity})", (right,), False


def joined(family, where):
    """Right-hand sides as columns: one statement, a lookup for each of its rows."""
    for affinity in AFFINITIES:
        for operator in OPERATORS:
            yield (f"SELECT s.k, t.id, t.c FROM l.sides_{family.kind} AS s "
                   f"CROSS JOIN {{at}}.{family.name} AS t "
                   f"WHERE t.c {operator} s.{affinity.lower()}_ AND s.k % 3 = ?",
                   (crc32((family.name + affinity + operator).encode()) % 3,), False)
        yield (f"SELECT s.k, t.id, t.c FROM l.sides_{family.kind} AS s "
               f"LEFT JOIN {{at}}.{family.name} AS t ON t.c = s.{affinity.lower()}_", (), False)
        yield (f"SELECT t.id, t.c, (SELECT min(k) FROM l.sides_{family.kind} "
               f"WHERE {affinity.lower()}_ = t.c) FROM {{at}}.{family.name} AS t", (), False)


def orders(family, where):
    t = f"{{at}}.{family.name}"
    for end in ("", " LIMIT 3", " LIMIT 3 OFFSET 2", " LIMIT -1 OFFSET 4", " LIMIT 0"):
        for way in ("", " DESC"):
            yield f"SELECT id, c FROM {t} ORDER BY c{way}, id{way}{end}", (), True
            yield f"SELECT id, c FROM {t} ORDER BY c{way}, id{end}", (), True
            yield f"SELECT id, c FROM {t} ORDER BY id{way}{end}", (), True
            if not family.collation:  # else different values are equal, and either may be shown
                yield f"SELECT c FROM {t} ORDER BY c{way}{end}", (), True
                yield f"SELECT c FROM {t} ORDER BY c COLLATE NOCASE{way}, c{way}{end}", (), True
                yield f"SELECT DISTINCT c FROM {t} ORDER BY c{way}{end}", (), True
    for way in ("ASC NULLS LAST", "DESC NULLS FIRST"):
        yield f"SELECT id, c FROM {t} ORDER BY c {way}, id", (), True
    for operator in ("<", ">=", "<>", "="):
        for right in pick(right_sides(family.kind), 10, family.name + operator):
            yield (f"{where} c {operator} ? ORDER BY c, id LIMIT 3 OFFSET 1", (right,), True)
            yield (f"{where} c {operator} ? ORDER BY c DESC, id LIMIT 4", (right,), True)
    for right in pick(right_sides(family.kind), 12, family.name):
        yield f"{where} (c, id) > (?, 2) ORDER BY c, id LIMIT 5", (right,), True


def aggregates(family, where):
    t = f"{{at}}.{family.name}"
    ends = () if family.collation else ("min(c), typeof(min(c))", "max(c), typeof(max(c))")
    for what in ("count(*)", "count(c)", "count(DISTINCT c)", "sum(length(c))", "max(typeof(c))",
                 "min(hex(c))", *ends):
        yield f"SELECT {what} FROM {t}", (), False
        for right in pick(right_sides(family.kind), 6, family.name + what):
            yield f"SELECT {what} FROM {t} WHERE c > ?", (right,), False
            yield f"SELECT {what} FROM {t} WHERE c = ?", (right,), False
    if not family.collation:
        for text in ("SELECT min(c) FROM {t}", "SELECT max(c) FROM {t}",
                     "SELECT DISTINCT c FROM {t}", "SELECT DISTINCT c, id % 2 FROM {t}",
                     "SELECT c, count(*), min(id) FROM {t} GROUP BY c",
                     "SELECT c, count(*) FROM {t} GROUP BY c HAVING min(id) > 3",
                     "SELECT c FROM {t} UNION SELECT c FROM {t} WHERE id > 3",
                     "SELECT c FROM {t} EXCEPT SELECT c FROM {t} WHERE id > 3"):
            yield text.replace("{t}", t), (), False
    for text in ("SELECT typeof(c), count(*) FROM {t} GROUP BY 1",
                 "SELECT count(*), min(id) FROM {t} GROUP BY c",
                 "SELECT id, c, hex(c), quote(c), typeof(c), length(c) FROM {t}",
                 "SELECT rowid, c FROM {t}", "SELECT 1 FROM {t}", "SELECT id FROM {t}",
                 "SELECT a.id, b.id FROM {t} AS a JOIN {t} AS b ON a.c = b.c AND a.id < b.id",
                 "SELECT a.id, b.id FROM {t} AS a, {t} AS b WHERE a.c < b.c AND b.id < 9",
                 "SELECT id FROM {t} WHERE c IN (SELECT c FROM {t} WHERE id % 2)",
                 "SELECT id FROM {t} AS a WHERE EXISTS (SELECT 1 FROM {t} WHERE c > a.c)",
                 "SELECT id, row_number() OVER (ORDER BY c, id) FROM {t}"):
        yield text.replace("{t}", t), (), False


# What depends on how the server compares, and what is about the statement more than the values.
VALUE_PARTS = (comparisons, collations, patterns, nulls, lists, ranges, joined, orders)
PARTS = (*VALUE_PARTS, literals, alternatives, casts, aggregates)


def statements(family, every=1, parts=PARTS):
    """(text, arguments, ordered): all of a family, or each n-th of every part."""
    every *= family.every
    where = f"SELECT id, c FROM {{at}}.{family.name} WHERE"
    for part in parts:
        first = crc32((family.name + part.__name__).encode()) % every
        yield from islice(part(family, where), first, None, every)


def run(world, family, every=1, parts=PARTS):
    """How many checks were made; what differed is in world.differences."""
    before = world.checks
    for text, args, ordered in statements(family, every, parts):
        world.check(text, args, ordered)
    return world.checks - before
