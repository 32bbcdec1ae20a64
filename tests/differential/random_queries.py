"""Random queries from a seed: joins, subqueries, aggregates, windows, compounds, awkward values.

A query is a tree of lists, tuples and values, so that shrink() can drop any part of it: a tuple
is a node (its kind, then its parts), a list is a sequence any item of which may be left out.
render() turns it into text and arguments. Queries whose answer SQL leaves open are not made: a
LIMIT stands behind a total order only, sums run over small integers, no column stands bare beside
an aggregate.
"""
import random

from differential import tables
from differential.families import FAMILIES
from differential.render import render, shrink
from differential.values import (BLOBS, DATES, GLOBS, INTEGERS, PATTERNS, REALS, TEXTS, VALUES,
                                 WORDS)

# column -> family; the key, which is a total order of the rows. "heap" has no key and equal rows.
TABLES = {
    "person": ({"id": "int4", "a": "int4", "b": "text", "c": "numeric", "d": "float8",
                "e": "ts", "f": "bool"}, ["id"], 40),
    "word": ({"k": "text", "a": "int4", "b": "text_nd", "n": "num10_2", "u": "uuid"}, ["k"], 30),
    "pair": ({"a": "int4", "b": "text_c", "x": "int8", "y": "varchar", "z": "date"},
             ["a", "b"], 30),
    "heap": ({"a": "int2", "b": "text", "d": "float8", "v": "bytea"}, [], 25),
    "wide": ({"c": "numeric", "b": "citext", "a": "int4", "j": "jsonb"}, ["c"], 25),
}
VIEW = "shown"  # a view without a key on heap
VIEW_SQL = "CREATE VIEW shown AS SELECT * FROM heap WHERE a IS NOT NULL"
INTEGER_COLUMNS = {"id", "a"}
JOINS = ("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "CROSS JOIN", ",", "RIGHT JOIN", "FULL JOIN")
COMPARE = ("=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT", "=", "=", "<", ">")


def make_rows(name, seed=20):
    """The remote values of a table, as text; the same on every run."""
    rng = random.Random(f"{seed} {name}")
    columns, key, count = TABLES[name]
    rows, keys = [], set()
    for number in range(count):
        row = {column: random_text(rng, family) for column, family in columns.items()}
        for column in INTEGER_COLUMNS & set(columns):
            row[column] = number if column == "id" else rng.choice([None, *range(8), -1, 12])
        if "id" in row:
            row["id"] = number + 1
        if name == "pair":
            row["a"] = rng.randrange(6)
        if key and None in (row[column] for column in key):
            continue
        identity = tuple(str(row[column]) for column in key)
        if key and identity in keys:
            continue
        keys.add(identity)
        rows += [list(row.values())] * (2 if not key and rng.random() < 0.3 else 1)
    return rows


def random_text(rng, family):
    values = VALUES[{"text_nd": "text", "text_c": "text", "varchar": "text",
                     "citext": "text"}.get(family, family)]
    if rng.random() < 0.12:
        return None
    if family == "numeric":  # of two values that are equal in SQLite either may be shown
        values = [value for value in values if value != "-9223372036854775809"]
    if family == "numeric" and rng.random() < 0.5:
        return rng.choice(["1", "2", "5", "7", "0", "2.5", "1152921504606847026",
                           "1152921504606847026.5"])
    if values is TEXTS and rng.random() < 0.6:
        return rng.choice(["a", "A", "b", "7", "007", "07", "12", "", "ab", "abc", " a", "a "])
    return rng.choice([value for value in values if "nfinity" not in value or family != "numeric"])


class Maker:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.aliases = 0

    # ------------------------------------------------------------------ values and columns

    def value(self):
        pool = self.rng.choice([INTEGERS, [0, 1, 2, 3, 5, 7, 12, -1], REALS, TEXTS, WORDS, BLOBS,
                                DATES, ["a", "A", "7", "007", "12", "", "b", "ab"], [None],
                                [1.0, 2.5, 0.5, 7.0], VALUES["ts"]])
        return ("value", self.rng.choice(pool), self.rng.random() < 0.6)

    def column(self, scope, only=None):
        choices = [(alias, column) for alias, name in scope for column in columns_of(name)
                   if only is None or column in only]
        if not choices:
            return self.value()
        return ("column", *self.rng.choice(choices))

    def near(self, scope, column):
        """Often a value that the column may hold."""
        if column[0] != "column" or self.rng.random() < 0.35:
            return self.value()
        name = dict(scope)[column[1]]
        family = TABLES["heap" if name == VIEW else name][0][column[2]]
        if column[2] in INTEGER_COLUMNS:
            return ("value", self.rng.randrange(9), self.rng.random() < 0.6)
        value = random_text(self.rng, family)
        if value is not None and family in ("float8", "num10_2", "numeric", "int8", "bool"):
            value = FAMILIES[family].read(value)
        return ("value", value, self.rng.random() < 0.6)

    def pick(self, *pairs):
        """One of the functions, by weight, called."""
        return self.rng.choices([p[1] for p in pairs], [p[0] for p in pairs])[0]()

    # ------------------------------------------------------------------ expressions

    def scalar(self, scope, depth):
        if depth <= 0:
            return self.pick((5, lambda: self.column(scope)), (2, self.value))
        deeper = depth - 1
        return self.pick(
            (10, lambda: self.column(scope)), (4, self.value),
            (1, lambda: ("operation", self.rng.choice(["||", "+", "-", "*", "%", "&"]),
                         self.scalar(scope, deeper), self.scalar(scope, deeper))),
            (1, lambda: ("call", self.rng.choice(["lower", "length", "typeof", "quote", "hex",
                                                  "trim"]), [self.scalar(scope, deeper)])),
            (1, lambda: ("call", self.rng.choice(["coalesce", "nullif", "ifnull"]),
                         [self.scalar(scope, deeper), self.scalar(scope, deeper)])),
            (1, lambda: ("case", self.truth(scope, deeper), self.scalar(scope, deeper),
                         self.scalar(scope, deeper))),
            (1, lambda: ("cast", self.scalar(scope, deeper),
                         self.rng.choice(["INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB"]))),
            (1, lambda: ("scalar", self.subquery(scope, deeper))),
            (1, lambda: self.truth(scope, deeper)))

    def comparison(self, scope, depth):
        left = self.column(scope) if self.rng.random() < 0.85 else self.scalar(scope, depth)
        right = self.pick((6, lambda: self.near(scope, left)), (3, lambda: self.column(scope)),
                          (1, lambda: self.scalar(scope, depth)))
        if self.rng.random() < 0.1:
            right = ("collate", right, self.rng.choice(["NOCASE", "RTRIM", "BINARY"]))
        if self.rng.random() < 0.1:
            left, right = right, left
        return ("operation", self.rng.choice(COMPARE), left, right)

    def membership(self, scope):
        column = self.column(scope)
        return ("in", column, self.rng.choice(["IN", "IN", "NOT IN"]),
                [self.near(scope, column) for _ in range(self.rng.randrange(1, 6))])

    def between(self, scope):
        column = self.column(scope)
        return ("between", column, self.near(scope, column), self.near(scope, column))

    def truth(self, scope, depth):
        deeper = depth - 1
        if depth <= 0:
            return self.comparison(scope, 0)
        return self.pick(
            (10, lambda: self.comparison(scope, deeper)),
            (3, lambda: ("or", [self.truth(scope, deeper) for _ in range(2)])),
            (2, lambda: ("and", [self.truth(scope, deeper) for _ in range(2)])),
            (1, lambda: ("not", self.truth(scope, deeper))),
            (3, lambda: self.membership(scope)),
            (2, lambda: ("in_select", self.column(scope), self.rng.choice(["IN", "IN", "NOT IN"]),
                         self.column_query(scope, deeper))),
            (2, lambda: ("exists", self.rng.choice(["EXISTS", "NOT EXISTS"]),
                         self.column_query(scope, deeper))),
            (2, lambda: self.between(scope)),
            (2, lambda: ("null", self.column(scope), self.rng.choice(["IS NULL", "NOTNULL"]))),
            (1, lambda: ("operation", "LIKE", self.column(scope),
                         ("value", self.rng.choice(PATTERNS), self.rng.random() < 0.5))),
            (1, lambda: ("operation", "GLOB", self.column(scope),
                         ("value", self.rng.choice(GLOBS), self.rng.random() < 0.5))),
            (1, lambda: ("row", [self.column(scope), self.column(scope)],
                         self.rng.choice(["=", "<", ">=", "IS"]), [self.value(), self.value()])))

    # ------------------------------------------------------------------ queries

    def source(self):
        self.aliases += 1
        return f"t{self.aliases}", self.rng.choice([*TABLES, VIEW])

    def sources(self, outer, count, depth):
        """(FROM items, the scope that they make, without the outer one)."""
        items, scope = [], []
        for number in range(count):
            alias, name = self.source()
            scope.append((alias, name))
            if number == 0:
                items.append(("from", "", name, alias, None))
                continue
            on = self.join_condition(scope)
            if self.rng.random() < 0.3:
                on = ("and", [on, self.truth(scope, min(depth, 1))])
            items.append(("from", self.rng.choice(JOINS), name,
                          alias, on))
        return items, scope

    def join_condition(self, scope):
        left, right = self.column(scope[:-1]), self.column(scope[-1:])
        if self.rng.random() < 0.6:
            name = self.rng.choice(["a", "b"])
            if any(name in columns_of(table) for _, table in scope[:-1]) and \
                    name in columns_of(scope[-1][1]):
                left, right = self.column(scope[:-1], {name}), self.column(scope[-1:], {name})
        return ("operation", self.rng.choice(["=", "=", "=", "<", "IS"]), left, right)

    def where(self, scope, depth):
        return [self.truth(scope, depth) for _ in range(self.rng.choice([0, 1, 1, 1, 2]))]

    def subquery(self, outer, depth):
        """One row, one column."""
        items, scope = self.sources(outer, 1, depth)
        where = self.where([*scope, *outer], depth)
        if self.rng.random() < 0.6:
            return self.select([self.aggregate(scope)], items, where)
        return self.select([self.column(scope)], items, where, order=total(scope), limit=(1, 0))

    def column_query(self, outer, depth):
        items, scope = self.sources(outer, 1, depth)
        both = [*scope, *outer] if self.rng.random() < 0.5 else scope
        return self.select([self.column(scope)], items, self.where(both, depth))

    def aggregate(self, scope):
        return self.pick(
            (2, lambda: ("text", "count(*)")),
            (2, lambda: ("call", "count", [self.column(scope)])),
            (1, lambda: ("call", "count", [("distinct", self.column(scope))])),
            (2, lambda: ("call", self.rng.choice(["min", "max"]), [self.column(scope)])),
            (2, lambda: ("call", "sum", [self.column(scope, {"a"})])),
            (1, lambda: ("call", "total", [("call", "length", [self.column(scope)])])))

    def window(self, scope):
        order = total(scope)
        part = self.column(scope)
        return self.pick(
            (2, lambda: ("over", "row_number()", [], order)),
            (1, lambda: ("over", "rank()", [], [part])),
            (1, lambda: ("over", "count(*)", [part], [])),
            (1, lambda: ("over_of", self.rng.choice(["lag", "first_value"]), self.column(scope),
                         [part], order)),
            (1, lambda: ("over_of", "sum", self.column(scope, {"a"}), [], order)))

    def select(self, columns, items, where, **rest):
        return ("select", columns, items, where, rest.get("distinct", ""), rest.get("group", []),
                rest.get("having", []), rest.get("order", []), rest.get("limit"))

    def plain(self, outer=(), depth=3, tables=None):
        items, scope = self.sources(outer, tables or self.rng.choice([1, 1, 2, 2, 2, 3]), depth)
        where = self.where(scope, depth)
        columns = [self.scalar(scope, 1) if self.rng.random() < 0.3 else self.column(scope)
                   for _ in range(self.rng.randrange(1, 5))]
        order, limit = [], None
        if self.rng.random() < 0.5:
            order = [*([self.direction(self.column(scope))] if self.rng.random() < 0.7 else []),
                     *total(scope)]
            if self.rng.random() < 0.7:
                limit = (self.rng.choice([0, 1, 2, 3, 7, 20, -1]), self.rng.choice([0, 0, 1, 3]))
        return self.select(columns, items, where, order=order, limit=limit)

    def direction(self, column):
        return ("sorted", column, self.rng.choice(["", "DESC", "ASC NULLS LAST"]))

    def distinct(self):
        items, scope = self.sources((), self.rng.choice([1, 2]), 2)
        columns = [self.column(scope) for _ in range(self.rng.randrange(1, 4))]
        return self.select(columns, items, self.where(scope, 2), distinct="DISTINCT")

    def grouped(self):
        items, scope = self.sources((), self.rng.choice([1, 1, 2]), 2)
        keys = [self.column(scope) for _ in range(self.rng.choice([0, 1, 1, 2]))]
        keys = [key for key in keys if key[0] == "column"]
        having = [("operation", ">", ("text", "count(*)"), ("value", 1, False))] \
            if keys and self.rng.random() < 0.4 else []
        columns = [*keys, *(self.aggregate(scope) for _ in range(self.rng.randrange(1, 3)))]
        return self.select(columns, items, self.where(scope, 2), group=keys, having=having)

    def windowed(self):
        items, scope = self.sources((), self.rng.choice([1, 1, 2]), 2)
        columns = [self.column(scope), self.window(scope)]
        return self.select(columns, items, self.where(scope, 2))

    def compound(self):
        """Both arms show the same columns, so that equal rows are the same rows."""
        items, scope = self.sources((), 1, 2)
        columns = [self.column(scope) for _ in range(self.rng.randrange(1, 3))]
        arms = [self.select(columns, items, self.where(scope, 2))
                for _ in range(self.rng.choice([2, 2, 3]))]
        words = [self.rng.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]) for _ in arms[1:]]
        limit = (self.rng.choice([1, 3, 9]), self.rng.choice([0, 1])) \
            if self.rng.random() < 0.4 else None
        return ("compound", arms, words, len(columns), limit)

    def common(self):
        """A common table expression, read once or twice."""
        items, scope = self.sources((), self.rng.choice([1, 2]), 2)
        inner = self.select([self.column(scope), self.column(scope)], items, self.where(scope, 2))
        return ("common", self.rng.choice(["", "MATERIALIZED", "NOT MATERIALIZED"]), inner,
                self.rng.choice(["SELECT x, y FROM c", "SELECT count(*), count(x), max(y) FROM c",
                                 "SELECT p.x, q.y FROM c AS p JOIN c AS q ON p.x = q.y",
                                 "SELECT x, y FROM c WHERE x IN (SELECT y FROM c)"]))

    def query(self):
        return self.pick((10, self.plain), (2, self.distinct), (4, self.grouped),
                         (2, self.windowed), (3, self.compound), (2, self.common))


def columns_of(name):
    return list(TABLES["heap" if name == VIEW else name][0])


def total(scope):
    """Terms that put the rows of a scope in one order, up to rows that are the same. Two wide
    numerics may look alike, so their key alone is no order."""
    return [("column", alias, column) for alias, name in scope
            for column in (columns_of(name) if name in ("heap", VIEW, "wide")
                           else TABLES[name][1])]


def is_sorted(tree):
    """Whether the rows have to come in this order: a total order at the top."""
    return tree[0] == "select" and bool(tree[7]) or tree[0] == "compound" and bool(tree[4])


def make_world(world, pg):
    """The tables and the view, on the remote and here."""
    rows = {name: (columns, key, make_rows(name)) for name, (columns, key, _) in TABLES.items()}
    tables.create(world, pg, "random", rows, {VIEW: (TABLES["heap"][0], [])}, VIEW_SQL)


def check(world, seed):
    """None when both sides agree on the query of this seed, else words on the smallest query
    found that shows it."""
    def differs(tree):
        return not world.check(*render(tree), is_sorted(tree))

    tree = Maker(seed).query()
    if not differs(tree):
        return None
    found = world.differences.copy()
    differs(shrink(tree, differs))
    words = f"seed {seed}: {world.differences[-1]}\n  first seen as {found[-1].sql}"
    world.differences.clear()
    return words
