"""Hours of trouble in one piece: mixed queries on eight connections while the server restarts,
connections are cut and killed, other clients change the tables and move money between them.

No answer is wrong (each verifies itself, tests/soak/world.py), every error is one of those that
docs/reference.md lists, nothing hangs, and neither memory nor descriptors grow. When the trouble is
over every connection answers again. SOAK_SECONDS says how long (1800)."""
import faulthandler
import json
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from soak import world
from support import canary, sqlite
from support.paths import ROOT
from support.proxy import Proxy

SECONDS = int(os.environ.get("SOAK_SECONDS", 1800))
ERROR, BUSY_TIMEOUT, INTERRUPT, CANTOPEN = 1, 5 | 3 << 8, 9, 14
GROWTH_KB_MAX = 8 * 1024

# What may be said, and under which code. The table of result codes in docs/reference.md.
DOCUMENTED = [
    (CANTOPEN, r"connection to server was lost: "),
    (CANTOPEN, r"could not connect to server: "),
    (CANTOPEN, r"could not connect to server( at \S+)?: no answer within \d+ ms"),
    (INTERRUPT, r"interrupted"),
    (INTERRUPT, r"canceling statement due to user request"),       # pg_cancel_backend
    (ERROR, r"(?s)snapshot is over: another statement that shared it has failed"
            r".*canceling statement due to user request.*\nhint: run the statement again"),
    (ERROR, r"(?s)remote table changed: .*\nhint: .*run the statement again"),
]


class Disturber:
    """Whatever can go wrong with a server that is used by others, once in a while."""

    def __init__(self, server, proxy, database):
        self.server, self.proxy, self.database = server, proxy, database
        self.dice = random.Random(7)
        self.counts = {}
        self.moved = False
        self.other = None

    def run(self, seconds):
        end = time.monotonic() + seconds
        restart_s = max(10, seconds / 60)
        next_restart = time.monotonic() + restart_s
        while time.monotonic() < end:
            time.sleep(self.dice.uniform(0.05, 0.8))
            if time.monotonic() > next_restart:
                self.do(self.restart)
                next_restart = time.monotonic() + restart_s
            else:
                self.do(self.dice.choice([self.change, self.change, self.terminate, self.cancel,
                                          self.cut, self.cut_within, self.freeze, self.vacuum]))
        self.proxy.cut_after()
        self.proxy.thaw()

    def do(self, what):
        self.counts[what.__name__] = self.counts.get(what.__name__, 0) + 1
        what()

    def psql(self, statements):
        return self.server.psql("SET lock_timeout = '5s'; " + statements, database=self.database)

    def change(self):
        name, statements = self.dice.choice(list(world.CHANGES.items()))
        if self.moved:
            name, statements = "undo", world.UNDO
        try:
            self.psql(f"BEGIN; {statements}; COMMIT")
        except psycopg.errors.LockNotAvailable:
            return  # a reader holds the table; the whole change is undone
        self.moved = name == "replaced by a view"

    def terminate(self):
        self.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                  "WHERE application_name = 'drawbridge' ORDER BY random() LIMIT 1")

    def cancel(self):
        self.psql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                  "WHERE application_name = 'drawbridge' AND state = 'active' LIMIT 1")

    def cut(self):
        self.proxy.cut()

    def cut_within(self):
        self.proxy.cut_after(server=self.dice.randint(1, 60_000))
        time.sleep(0.2)
        self.proxy.cut_after()

    def freeze(self):
        self.proxy.freeze()
        time.sleep(self.dice.uniform(0.05, 0.5))
        self.proxy.thaw()

    def vacuum(self):
        try:
            with self.server.connect(self.database) as connection:
                connection.execute("SET lock_timeout = '2s'")
                connection.execute("VACUUM FULL facts")
        except psycopg.errors.LockNotAvailable:
            pass

    def restart(self):
        self.server.restart(self.dice.choice(["fast", "immediate"]))


def transfers(server, database, stopped):
    """Money moves between the ledgers, many times a second."""
    dice = random.Random(3)
    while not stopped.is_set():
        try:
            with server.connect(database) as connection:
                while not stopped.wait(0.01):
                    amount, *entries = (dice.randint(-50, 50), dice.randint(1, world.ENTRIES),
                                        dice.randint(1, world.ENTRIES))
                    with connection.transaction():
                        connection.execute(world.TRANSFER.format(amount, *entries))
        except psycopg.Error:
            stopped.wait(0.1)  # the server restarts


def undocumented(errors):
    """The errors that no row of DOCUMENTED allows, with how often."""
    return [(text, count) for text, count in errors.items()
            if not any(json.loads(text)[0] == code and re.match(words, json.loads(text)[1])
                       for code, words in DOCUMENTED)]


def growth(samples, name):
    """From the second quarter to the last of the run, by medians."""
    values = [sample[name] for sample in samples]
    quarter = len(values) // 4
    return statistics.median(values[-quarter:]) - statistics.median(values[quarter:2 * quarter])


@pytest.mark.slow
@pytest.mark.plain
@pytest.mark.timeout(SECONDS + 300)
def test_soak(own_pg, tmp_path):
    faulthandler.cancel_dump_traceback_later()  # this test is longer than any; it has its own limit
    database = own_pg.create_database("soak")
    own_pg.psql(world.SETUP, database=database)
    proxy = Proxy(("127.0.0.1", own_pg.port))
    urls = [own_pg.url(database), own_pg.url(database, host="127.0.0.1", port=proxy.port)]
    stopped = threading.Event()
    money = threading.Thread(target=transfers, args=(own_pg, database, stopped))
    with open(tmp_path / "out", "w+") as out, open(tmp_path / "err", "w+") as err:
        child = subprocess.Popen(
            [sys.executable, ROOT / "tests" / "soak" / "reader.py", str(SECONDS), *urls],
            stdin=subprocess.PIPE, stdout=out, stderr=err, text=True,
            env=sqlite.environment({"MALLOC_ARENA_MAX": "2"}))
        money.start()
        disturber = Disturber(own_pg, proxy, database)
        try:
            disturber.run(SECONDS)
        finally:
            stopped.set()
            money.join()
            child.communicate("stop\n", timeout=120)
        proxy.close()
        out.seek(0)
        err.seek(0)
        *samples, last = [json.loads(line) for line in out.read().splitlines()] or [{}]
        assert child.returncode == 0, canary.seen(err.read())[-3000:]
    print(json.dumps({"disturbed": disturber.counts, "answers": last["answers"],
                      "kb": growth(samples, "kb"), "fds": growth(samples, "fds"),
                      "errors": sorted(last["errors"].items(), key=lambda item: -item[1])[:20]},
                     indent=1))
    assert last["wrong"] == []
    assert undocumented(last["errors"]) == []
    assert last["ended"], last["stuck"]
    assert not any(sample["waiting"] for sample in samples), "a statement took over 30 s"
    assert len(last["answers"]) == 15 and min(last["answers"].values()) > 0
    assert growth(samples, "kb") < GROWTH_KB_MAX
    assert growth(samples, "fds") <= 2
    left = own_pg.psql("SELECT count(*) FROM pg_stat_activity "
                       "WHERE application_name = 'drawbridge'", database=database)
    assert left == [(0,)], "sessions outlive the process that made them"
