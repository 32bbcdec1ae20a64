"""Runs one case: every contender in a process of its own, one run each per round, so that what
disturbs the machine disturbs them alike."""
import statistics
from dataclasses import dataclass, field

from harness import contenders
from harness.case import NATIVE, OURS
from harness.worker import Failed, Worker


@dataclass
class Row:
    """What is known of one contender in one case."""
    label: str
    words: list
    factor: float
    is_floor: bool = False
    figures: list = field(default_factory=list)
    peak_mb: float = 0
    answer: tuple = None       # rows and the sum of their integers
    requests: int = None       # of the newest run, over HTTP
    spent_s: float = 0
    why_not: str = None
    worker: Worker = None

    def note(self, case, told):
        self.figures.append(told[case.figure] * self.factor)
        self.peak_mb = max(self.peak_mb, told["mb"])
        self.spent_s += told["ms"] / 1000
        self.answer = (told["rows"], told["sum"])

    def summary(self, base):
        known = {"contender": self.label, "floor": self.is_floor, "figures": self.figures}
        if self.why_not:
            known["why_not"] = self.why_not
        if self.requests is not None:
            known["requests"] = self.requests
        if self.figures:
            median = statistics.median(self.figures)
            known.update(median=median, min=min(self.figures), max=max(self.figures),
                         peak_mb=self.peak_mb, ratio=median / base if base else None)
        return known


def _rows(case, world, names):
    rows = []
    for floor in case.floors:
        words, factor = contenders.floor(case, world, floor)
        rows.append(Row(floor.label, words, factor, is_floor=True))
    for name in names:
        row = Row(name, None, 1 / case.repeat_of(name), why_not=case.skip.get(name))
        if row.why_not is None:
            try:
                row.words = contenders.CONTENDERS[name](case, world)
            except contenders.Missing as missing:
                row.why_not = str(missing)
        rows.append(row)
    return rows


def _run(case, row, limit_s, world):
    """One run of one contender; the reason goes into the row when it fails."""
    try:
        if case.before:
            world.say(case.before)
        if row.worker is None:
            row.worker = Worker(row.words, limit_s)
        before = world.rest_requests() if case.rest else 0
        row.note(case, row.worker.go())
        if case.rest:
            row.requests = world.rest_requests() - before
    except (Failed, OSError) as failure:
        row.why_not = str(failure)
    if row.worker is not None and (case.fresh or row.why_not):
        row.worker.end()
        row.worker = None


def _disagreements(case, rows):
    """Ours has to answer as the local table does, and as the server when asked the same."""
    by_label = {row.label: row.answer for row in rows if row.answer is not None}
    same = [floor.label for floor in case.floors if floor.sql == case.sql] + [NATIVE]
    return [f"{OURS} answers {by_label[OURS]}, {label} {by_label[label]} (rows, sum)"
            for label in same
            if OURS in by_label and label in by_label and by_label[OURS] != by_label[label]]


def _too_many_requests(case, rows):
    sent = {row.label: row.requests for row in rows if row.requests is not None}
    floor = sent.get(rows[0].label)
    most = case.requests * floor if case.requests and floor is not None else None
    return ([f"{OURS} sent {sent[OURS]} requests, {rows[0].label} {floor}"]
            if most is not None and sent.get(OURS, 0) > most else [])


def measure(case, world, names, rounds, limit_s):
    """The case's part of the result: a row per contender, and what was found wrong."""
    rows = _rows(case, world, names)
    rounds = min(rounds, case.rounds_max or rounds)
    try:
        for number in range(rounds + 1):  # the first one warms up
            for row in rows:
                if row.why_not is None and row.spent_s < 2 * limit_s:
                    _run(case, row, limit_s, world)
                    if number == 0 and rounds > 0 and row.spent_s < limit_s / 4:
                        row.figures.clear()
    finally:
        for row in rows:
            if row.worker is not None:
                row.worker.end()
    first = rows[0]
    base = statistics.median(first.figures) if first.figures else None
    problems = _disagreements(case, rows)
    problems += [f"{row.label}: {row.why_not}" for row in rows if row.is_floor and row.why_not]
    problems += _too_many_requests(case, rows)
    return {"name": case.name, "title": world.named(case.title), "unit": case.unit, "sql": case.sql,
            "bounds": case.bounds, "slack_ms": case.slack_ms, "group": case.group,
            "problems": problems,
            "rows": [row.summary(base) for row in rows]}
