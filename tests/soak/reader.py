"""One process of the soak: eight threads, a connection each, ask and check until the time is over.

    reader.py SECONDS URL...      the threads take the URLs in turn

Prints one line of JSON per second (memory, descriptors, answers), and at the end what was asked,
what failed and how, and every answer that was wrong. "stop" on standard input ends the disturbed
part early; then every thread has to get one right answer to each question without any error.
"""
import collections
import json
import os
import random
import sqlite3
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from soak import world  # noqa: E402
from support import sqlite  # noqa: E402

THREADS = 8
WRONG_KEPT = 20
SOME = 50  # local keys in a join


class Wrong(Exception):
    """An answer that no state of the data gives."""


def want(true, *what):
    if not true:
        raise Wrong(repr(what)[:500])


# ------------------------------------------------------------------ questions

def whole_table(db, dice):
    rows = db.execute("SELECT id, a, b FROM facts").fetchall()
    want(len(rows) == world.ROWS, len(rows))
    for key, a, b in rows:
        want(a == world.a(key) and b == world.b(key), key, a, b)
    want(len({row[0] for row in rows}) == world.ROWS, "a key twice")


def one_row(db, dice):
    key = dice.randint(1, world.ROWS)
    rows = db.execute("SELECT a, b FROM facts WHERE id = ?", (key,)).fetchall()
    want(rows == [(world.a(key), world.b(key))], key, rows)
    rows = db.execute("SELECT id FROM facts WHERE b = ?", (world.b(key),)).fetchall()
    want(rows == [(key,)], key, rows)


def no_row(db, dice):
    rows = db.execute("SELECT * FROM facts WHERE id = ?", (-dice.randint(1, 99),)).fetchall()
    want(rows == [], rows)


def ordered_part(db, dice):
    first = dice.randint(1, world.ROWS - 20)
    rows = db.execute("SELECT id, a FROM facts WHERE id >= ? ORDER BY id LIMIT 20", (first,))
    want(rows.fetchall() == [(key, world.a(key)) for key in range(first, first + 20)], first)


def sums(db, dice):
    row = db.execute("SELECT count(*), sum(a), min(id), max(id) FROM facts").fetchone()
    want(row == (world.ROWS, world.SUM_A, 1, world.ROWS), row)


def early_end(db, dice):
    cursor = db.execute("SELECT id, b FROM facts")
    key, b = cursor.fetchone()
    cursor.close()
    want(b == world.b(key), key, b)


def joined(db, dice):
    rows = db.execute("SELECT l.k, f.a FROM local l JOIN facts f ON f.id = l.k").fetchall()
    want(sorted(rows) == [(key, world.a(key)) for key in local_keys()], rows)


def left_joined(db, dice):
    rows = db.execute("SELECT l.k, f.a FROM local l LEFT JOIN facts f ON f.id = l.k + ?",
                      (world.ROWS - SOME,)).fetchall()
    expected = [(key, world.a(key + world.ROWS - SOME) if key <= SOME else None)
                for key in local_keys()]
    want(sorted(rows) == expected, rows)


def correlated(db, dice):
    rows = db.execute("SELECT k, (SELECT a FROM facts WHERE id = local.k) FROM local").fetchall()
    want(sorted(rows) == [(key, world.a(key)) for key in local_keys()], rows)


def joined_with_itself(db, dice):
    row = db.execute("SELECT count(*), sum(g.a) FROM facts f JOIN facts g ON g.id = f.pair "
                     "WHERE f.id <= 300").fetchone()
    want(row == (300, sum(world.a(world.ROWS + 1 - key) for key in range(1, 301))), row)


def moving_rows(db, dice):
    rows = db.execute("SELECT id, p, q, v FROM moving").fetchall()
    want(sorted(row[0] for row in rows) == list(range(1, world.ROWS + 1)), len(rows))
    for key, p, q, v in rows:
        want(p == world.p(key) and q == world.q(key) and str(v) == world.v(key), key, p, q, v)


def moving_row(db, dice):
    key = dice.randint(1, world.ROWS)
    rows = db.execute("SELECT id, q, v FROM moving WHERE p = ?", (world.p(key),)).fetchall()
    want([(row[0], row[1], str(row[2])) for row in rows] == [(key, world.q(key), world.v(key))],
         key, rows)


def moving_sum(db, dice):
    row = db.execute("SELECT count(*), sum(p) FROM moving").fetchone()
    want(row == (world.ROWS, world.SUM_P), row)


def one_snapshot(db, dice):
    """Money moves all the time: only one state for the whole statement gives the total."""
    row = db.execute("SELECT (SELECT sum(amount) FROM ledger_1) + "
                     "(SELECT sum(amount) FROM ledger_2)").fetchone()
    want(row == (world.TOTAL,), row)


def reads_beside_local_work(db, dice):
    """A failing read must not take the transaction's local rows with it."""
    db.execute("BEGIN")
    try:
        db.execute("INSERT INTO local VALUES (?)", (10_000_000,))
        one_row(db, dice)
    finally:
        kept = db.execute("SELECT count(*) FROM local").fetchone()
        in_transaction = db.in_transaction
        db.execute("ROLLBACK")
    want(in_transaction and kept == (SOME * 2 + 1,), in_transaction, kept)


QUESTIONS = (whole_table, one_row, one_row, one_row, no_row, ordered_part, sums, early_end, joined,
             left_joined, correlated, joined_with_itself, moving_rows, moving_row, moving_sum,
             one_snapshot, reads_beside_local_work)


def local_keys():
    return range(1, 2 * SOME + 1)


# ------------------------------------------------------------------ threads

class Reader(threading.Thread):
    def __init__(self, number, url):
        super().__init__(daemon=True)
        self.url, self.dice = url, random.Random(number)
        self.db = None
        self.interrupts = 0           # made by us, each of which may end one statement
        self.answers = collections.Counter()
        self.errors = collections.Counter()
        self.wrong = []
        self.asking = (time.monotonic(), "start")
        self.disturbed = True
        self.done = False

    def open(self):
        db = sqlite.connect(isolation_level=None, check_same_thread=False)
        try:
            db.execute("SELECT bridge_attach(?, 'schema=public', 'connect_timeout_ms=5000')",
                       (self.url,)).fetchall()
            db.execute("CREATE TEMP TABLE local (k INTEGER PRIMARY KEY)")
            db.executemany("INSERT INTO local VALUES (?)", [(key,) for key in local_keys()])
        except sqlite3.Error:
            db.close()
            raise
        self.db = db

    def close(self):
        if self.db is not None:
            db, self.db = self.db, None
            db.close()

    def ask(self, question):
        """Asks once; True when the answer was right."""
        self.asking = (time.monotonic(), question.__name__)
        try:
            if self.db is None:
                self.open()
            question(self.db, self.dice)
            self.answers[question.__name__] += 1
            return True
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            self.errors[json.dumps([code, str(error)[:300]])] += 1
        except Wrong as wrong:
            self.wrong.append(f"{question.__name__}: {wrong}")
            del self.wrong[WRONG_KEPT:]
        return False

    def run(self):
        while self.disturbed:
            self.ask(self.dice.choice(QUESTIONS))
            if self.dice.random() < 0.005:
                self.close()
        self.close()
        failed_before = sum(self.errors.values())
        for question in QUESTIONS:
            self.ask(question)
        if sum(self.errors.values()) > failed_before:
            self.wrong.append(f"an error when all was calm: {list(self.errors)[-1]}")
        self.close()
        self.done = True


def interrupt_some(readers, dice):
    """Ctrl-C from another thread, now and then."""
    reader = dice.choice(readers)
    db = reader.db
    if db is not None:
        reader.interrupts += 1
        try:
            db.interrupt()
        except sqlite3.ProgrammingError:
            pass  # it was closed meanwhile


def figures(readers):
    status = Path("/proc/self/status").read_text()
    now = time.monotonic()
    return {"kb": int(status.split("VmRSS:")[1].split()[0]),
            "fds": len(os.listdir("/proc/self/fd")),
            "answers": sum(sum(reader.answers.values()) for reader in readers),
            "waiting": [(round(now - reader.asking[0]), reader.asking[1]) for reader in readers
                        if not reader.done and now - reader.asking[0] > 30]}


def main():
    end = time.monotonic() + float(sys.argv[1])
    urls = sys.argv[2:]
    readers = [Reader(number, urls[number % len(urls)]) for number in range(THREADS)]
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stopped.set()), daemon=True).start()
    dice = random.Random(99)
    for reader in readers:
        reader.start()
    while time.monotonic() < end and not stopped.is_set():
        time.sleep(1)
        interrupt_some(readers, dice)
        print(json.dumps(figures(readers)), flush=True)
    stopped.wait()  # whoever disturbs has ended, and all servers are up
    for reader in readers:
        reader.disturbed = False
    for reader in readers:
        reader.join(60)
    print(json.dumps({
        "ended": all(reader.done for reader in readers),
        "stuck": [reader.asking[1] for reader in readers if not reader.done],
        "interrupts": sum(reader.interrupts for reader in readers),
        "answers": sum((reader.answers for reader in readers), collections.Counter()),
        "errors": sum((reader.errors for reader in readers), collections.Counter()),
        "wrong": [text for reader in readers for text in reader.wrong]}), flush=True)


main()
