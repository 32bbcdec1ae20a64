"""A query tree of random_queries.py as SQL text with arguments, and smaller trees of its kind."""
from differential.grid import literal


class Writer:
    """write(tree) -> text; the arguments gather in the order of their marks."""

    def __init__(self):
        self.args = []

    def __call__(self, tree):
        return getattr(self, "write_" + tree[0])(*tree[1:])

    def list(self, trees, between=", "):
        return between.join(self(tree) for tree in trees)

    def write_text(self, text):
        return text

    def write_value(self, value, bound):
        if bound or literal(value) is None:
            self.args.append(value)
            return "?"
        return literal(value)

    def write_column(self, alias, name):
        return f"{alias}.{name}"

    def write_operation(self, word, left, right):
        return f"({self(left)} {word} {self(right)})"

    def write_collate(self, tree, name):
        return f"({self(tree)} COLLATE {name})"

    def write_or(self, trees):
        return f"({self.list(trees, ' OR ')})"

    def write_and(self, trees):
        return f"({self.list(trees, ' AND ')})"

    def write_not(self, tree):
        return f"(NOT {self(tree)})"

    def write_call(self, name, trees):
        return f"{name}({self.list(trees)})"

    def write_distinct(self, tree):
        return f"DISTINCT {self(tree)}"

    def write_case(self, when, then, other):
        return f"(CASE WHEN {self(when)} THEN {self(then)} ELSE {self(other)} END)"

    def write_cast(self, tree, name):
        return f"CAST({self(tree)} AS {name})"

    def write_scalar(self, query):
        return f"({self(query)})"

    def write_in(self, left, word, trees):
        return f"({self(left)} {word} ({self.list(trees)}))"

    def write_in_select(self, left, word, query):
        return f"({self(left)} {word} ({self(query)}))"

    def write_exists(self, word, query):
        return f"({word} ({self(query)}))"

    def write_between(self, tree, low, high):
        return f"({self(tree)} BETWEEN {self(low)} AND {self(high)})"

    def write_null(self, tree, test):
        return f"({self(tree)} {test})"

    def write_row(self, left, word, right):
        return f"(({self.list(left)}) {word} ({self.list(right)}))"

    def write_sorted(self, tree, way):
        return f"{self(tree)} {way}"

    def write_over(self, function, partition, order):
        return f"{function} OVER ({self.window(partition, order)})"

    def write_over_of(self, function, tree, partition, order):
        return f"{function}({self(tree)}) OVER ({self.window(partition, order)})"

    def window(self, partition, order):
        parts = [f"PARTITION BY {self.list(partition)}"] if partition else []
        return " ".join(parts + ([f"ORDER BY {self.list(order)}"] if order else []))

    def write_from(self, word, name, alias, on):
        text = f"{word} {{at}}.{name} AS {alias}"
        return text + (f" ON {self(on)}" if on and word != "," else "")

    def write_select(self, columns, items, where, distinct, group, having, order, limit):
        text = f"SELECT {distinct} {self.list(columns)} FROM {self.list(items, ' ')}"
        commas = [item[4] for item in items if item[1] == "," and item[4]]
        for word, trees, between in (("WHERE", [*where, *commas], " AND "),
                                     ("GROUP BY", group, ", "), ("HAVING", having, " AND "),
                                     ("ORDER BY", order, ", ")):
            if trees:
                text += f" {word} {self.list(trees, between)}"
        return text + (f" LIMIT {limit[0]} OFFSET {limit[1]}" if limit else "")

    def write_compound(self, arms, words, width, limit):
        text = self(arms[0])
        for word, arm in zip(words, arms[1:]):
            text += f" {word} {self(arm)}"
        if limit:
            places = ", ".join(str(place) for place in range(1, width + 1))
            text += f" ORDER BY {places} LIMIT {limit[0]} OFFSET {limit[1]}"
        return text

    def write_common(self, how, inner, outer):
        return f"WITH c(x, y) AS {how} ({self(inner)}) {outer}"


def render(tree):
    write = Writer()
    text = write(tree)
    return text, tuple(write.args)


# Parts that must stay whole: an order, a LIMIT and the keys of a GROUP BY decide what is right.
KEPT = {"select": (5, 7, 8), "over": (1, 2, 3), "over_of": (3, 4), "value": (1, 2),
        "column": (1, 2)}
REPLACEABLE = ("not", "collate", "case", "operation", "cast", "or", "and")


def smaller(tree):
    """Trees with one part less: an item of a list dropped, a node replaced by one of its parts.
    Not all make sense; those fail alike on both sides."""
    kept = ()
    if isinstance(tree, list):
        for number in range(len(tree)):
            yield tree[:number] + tree[number + 1:]
    elif tree and isinstance(tree[0], str):
        kept = KEPT.get(tree[0], ())
        if tree[0] in REPLACEABLE:
            parts = tree[1] if isinstance(tree[1], list) else tree[1:]
            yield from (part for part in parts if isinstance(part, tuple))
    for number, part in enumerate(tree):
        if isinstance(part, (list, tuple)) and number not in kept:
            for less in smaller(part):
                yield tree[:number] + type(tree)([less]) + tree[number + 1:]


def smaller_top(tree):
    """What may be left out of the outermost query alone."""
    if tree[0] == "select" and tree[8] is not None:
        yield (*tree[:8], None)
    if tree[0] == "select" and tree[7]:
        yield (*tree[:7], [], None)
    if tree[0] == "compound":
        yield from tree[1]
        yield (*tree[:4], None)
    if tree[0] == "common":
        yield tree[2]
    yield from smaller(tree)


def shrink(tree, differs, tries=2000):
    """The smallest tree found that still differs."""
    found = True
    while found and tries > 0:
        found = False
        for less in smaller_top(tree):
            tries -= 1
            if tries <= 0:
                break
            try:
                found = differs(less)
            except (TypeError, ValueError, IndexError, AttributeError):
                continue  # a tree that cannot be written
            if found:
                tree = less
                break
    return tree
