"""Which part of the conditions is pushed: counted per family by bridge_explain's verdicts, and
compared with what shares.json has on record, so that pushing less is noticed."""
import json
import os
from pathlib import Path

from differential.grid import OPERATORS, pick
from differential.values import GLOBS, PATTERNS, right_sides

RECORD = Path(__file__).with_name("shares.json")
VERDICTS = ("exact", "superset", "local", "empty")


def conditions(family):
    for operator in OPERATORS:
        for right in pick(right_sides(family.kind), 25, family.name + operator):
            yield f"c {operator} ?", (right,)
    for right in pick(PATTERNS, 10, family.name):
        yield "c LIKE ?", (right,)
    for right in pick(GLOBS, 10, family.name):
        yield "c GLOB ?", (right,)
    texts = [right for right in right_sides(family.kind) if isinstance(right, str)]
    for right in pick(texts, 8, family.name):
        yield "c = ? COLLATE NOCASE", (right,)
        yield "c < ? COLLATE RTRIM", (right,)
        yield "c IN (?, 'b', 5)", (right,)
    yield "c IS NULL", ()
    yield "c IS NOT NULL", ()


def measure(world, families):
    """family -> how often each verdict was given."""
    counts = {}
    for name in world.tables():
        count = counts[name] = dict.fromkeys(VERDICTS, 0)
        for condition, args in conditions(families[name]):
            marks = ", ?" * len(args)
            rows = world.db.execute(
                f"SELECT verdict FROM bridge_explain(?{marks}) WHERE item = 'where'",
                (f"SELECT id, c FROM r.{name} WHERE {condition}", *args)).fetchall()
            assert rows, f"{name}: nothing is said of {condition} with {args!a}"
            for verdict, in rows:
                count[verdict] += 1
    return counts


def worse(now, then):
    """exact and empty are best, local is worst; a superset may become exact."""
    best_now, best_then = now["exact"] + now["empty"], then["exact"] + then["empty"]
    return best_now < best_then or now["local"] > then["local"]


def verify(remote, counts):
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if os.environ.get("SHARES") == "write":
        record[remote] = counts
        RECORD.write_text(text_of(record))
        return
    assert set(counts) == set(record[remote]), "families came or went: run with SHARES=write"
    less = [f"{name}: {counts[name]} was {record[remote][name]}" for name in counts
            if worse(counts[name], record[remote][name])]
    assert not less, "less is pushed than before:\n" + "\n".join(less)


def text_of(record):
    """JSON with a family a line, so that a change reads well."""
    blocks = []
    for remote, counts in record.items():
        lines = [f"    {json.dumps(name)}: {json.dumps(count)}" for name, count in counts.items()]
        blocks.append(f"  {json.dumps(remote)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
