"""Two sessions that change the same rows: of two racing UPDATE ... WHERE used = 0 exactly one changes
a row and the other none; what comes too late in a transaction is SQLITE_BUSY, and nothing is
overwritten unseen."""
import sqlite3
import threading
import time

import pytest

from support.remotes import attach, connect, pg_remote, rows, value

ISOLATIONS = ["repeatable", "read-committed", "serializable"]
NOTICING = ["repeatable", "serializable"]  # a snapshot stands for the whole transaction
TAKE = "UPDATE tickets SET used = 1, by_whom = ? WHERE used = 0"

TABLES = """
CREATE TABLE tickets(id integer primary key, used integer not null, by_whom text, n integer not null);
INSERT INTO tickets VALUES(1, 0, NULL, 0), (2, 1, 'nobody', 0);
CREATE TABLE codes(code text primary key, used integer not null, by_whom text);
INSERT INTO codes VALUES('a', 0, NULL), ('b', 1, 'nobody');
CREATE TABLE keyless(used integer not null, by_whom text);
INSERT INTO keyless VALUES(0, NULL), (1, 'nobody');
"""


@pytest.fixture
def shop(pg_remote):
    pg_remote.run(TABLES)
    return pg_remote


def attached(shop, isolation="repeatable"):
    db = connect(check_same_thread=False)
    attach(db, shop, f"isolation={isolation}")
    return db


def change(db, sql, *parameters):
    """How many rows it changed."""
    db.execute(sql, parameters).fetchall()
    return value(db, "SELECT changes()")


def failure(db, sql, *parameters):
    """The result code's name and the words."""
    with pytest.raises(sqlite3.Error) as caught:
        db.execute(sql, parameters).fetchall()
    return caught.value.sqlite_errorname, str(caught.value)


class Behind(threading.Thread):
    """Runs something that waits for a lock which `holder` has, until waited() says that it does."""

    def __init__(self, shop, pg, what):
        super().__init__(daemon=True)
        self.what, self.result, self.error = what, None, None
        self.pg, self.name = pg, shop.name
        self.start()

    def run(self):
        try:
            self.result = self.what()
        except sqlite3.Error as error:
            self.error = error

    def waits(self):
        until = time.monotonic() + 20
        while not self.pg.psql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                               f"datname = '{self.name}'", database="postgres"):
            assert time.monotonic() < until, "nobody waits for a lock"
            assert self.is_alive(), (self.result, self.error)
            time.sleep(0.01)
        return self

    def answer(self):
        self.join(30)
        assert not self.is_alive()
        return self.result, self.error


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("begin", ["", "BEGIN"])
@pytest.mark.parametrize("table", ["tickets", "codes", "keyless"])
def test_the_loser_changes_nothing(shop, pg, isolation, begin, table):
    """A third session has the row and changes it while both wait."""
    db = attached(shop, isolation)
    holder = pg.connect(shop.name)
    holder.autocommit = False
    holder.execute(f"UPDATE {table} SET used = 1, by_whom = 'holder' WHERE used = 0")
    if begin:
        db.execute(begin)
    late = Behind(shop, pg, lambda: change(db, TAKE.replace("tickets", table), "late")).waits()
    holder.commit()
    assert late.answer() == (0, None)
    if begin:
        db.execute("COMMIT")
    assert pg.psql(f"SELECT by_whom FROM {table} ORDER BY 1", database=shop.name) == [("holder",), ("nobody",)]
    holder.close()


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_the_row_comes_when_the_other_gives_up(shop, pg, isolation):
    db = attached(shop, isolation)
    holder = pg.connect(shop.name)
    holder.autocommit = False
    holder.execute("UPDATE tickets SET used = 1 WHERE id = 1")
    late = Behind(shop, pg, lambda: change(db, TAKE, "late")).waits()
    holder.rollback()
    assert late.answer() == (1, None)
    assert rows(db, "SELECT used, by_whom FROM tickets WHERE id = 1") == [(1, "late")]
    holder.close()


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_delete_that_comes_late(shop, pg, isolation):
    db = attached(shop, isolation)
    holder = pg.connect(shop.name)
    holder.autocommit = False
    holder.execute("UPDATE tickets SET used = 1 WHERE id = 1")
    late = Behind(shop, pg, lambda: change(db, "DELETE FROM tickets WHERE used = 0")).waits()
    holder.commit()
    assert late.answer() == (0, None)
    assert value(db, "SELECT count(*) FROM tickets") == 2
    holder.close()


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("begin", [False, True])
def test_many_take_one(shop, isolation, begin):
    """Eight threads, thirty rounds: each time one takes the ticket. Only a serializable commit may
    be told to try again, and then it does."""
    threads, rounds = 8, 30
    dbs = [attached(shop, isolation) for _ in range(threads)]
    changed, faults = [[] for _ in dbs], []
    gate = threading.Barrier(threads)

    def take(number):
        while True:
            try:
                if begin:
                    dbs[number].execute("BEGIN")
                count = change(dbs[number], TAKE, str(number))
                if begin:
                    dbs[number].execute("COMMIT")
                return count
            except sqlite3.Error as error:
                if dbs[number].in_transaction:
                    dbs[number].execute("ROLLBACK")
                if isolation != "serializable" or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    raise

    def work(number):
        try:
            for at in range(rounds):
                if gate.wait(60) == 0:
                    dbs[number].execute("UPDATE tickets SET used = 0 WHERE id = 1")
                gate.wait(60)
                changed[number].append(take(number))
                gate.wait(60)
        except Exception as error:
            faults.append(repr(error))
            gate.abort()

    workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert faults == []
    assert [sum(counts) for counts in zip(*changed)] == [1] * rounds


@pytest.mark.parametrize("isolation", NOTICING)
def test_later_in_a_transaction_the_loser_is_busy(shop, pg, isolation):
    db = attached(shop, isolation)
    db.execute("BEGIN")
    db.execute("INSERT INTO codes VALUES('mine', 0, NULL)")
    shop.run("UPDATE tickets SET used = 1, by_whom = 'other' WHERE id = 1")
    name, words = failure(db, TAKE, "late")
    assert name == "SQLITE_BUSY"
    assert "40001" in words and "ROLLBACK, and run the transaction again" in words, words
    assert db.in_transaction
    assert value(db, "SELECT count(*) FROM codes") == 3  # what was written before still stands
    db.execute("COMMIT")
    assert pg.psql("SELECT by_whom FROM tickets WHERE id = 1", database=shop.name) == [("other",)]
    assert change(db, TAKE, "late") == 0


def test_later_in_a_read_committed_transaction_the_row_is_checked_again(shop, pg):
    db = attached(shop, "read-committed")
    db.execute("BEGIN")
    assert value(db, "SELECT n FROM tickets WHERE id = 1") == 0
    shop.run("UPDATE tickets SET n = 10 WHERE id = 1")
    assert change(db, "UPDATE tickets SET n = n + 1 WHERE id = 1") == 1
    db.execute("COMMIT")
    assert pg.psql("SELECT n FROM tickets WHERE id = 1", database=shop.name) == [(11,)]


@pytest.mark.parametrize("sql", [
    "UPDATE tickets SET n = n + 1 WHERE id = 1",
    "UPDATE tickets SET n = n + 1 WHERE id + 0 = 1",
    "UPDATE tickets AS t SET n = n + 1 WHERE id = (SELECT min(id) FROM tickets)",
    "UPDATE tickets SET n = tickets.n + one FROM (SELECT 1 AS one) WHERE id = one",
    "WITH w(one) AS (VALUES(1)) UPDATE tickets SET n = n + 1 WHERE id IN (SELECT one FROM w)"])
def test_read_committed_overwrites_nothing_unseen(shop, pg, sql):
    """The row is changed while the statement waits for it: both changes count."""
    db = attached(shop, "read-committed")
    holder = pg.connect(shop.name)
    holder.autocommit = False
    holder.execute("UPDATE tickets SET n = 10 WHERE id = 1")
    late = Behind(shop, pg, lambda: change(db, sql)).waits()
    holder.commit()
    assert late.answer() == (1, None)
    assert pg.psql("SELECT n FROM tickets WHERE id = 1", database=shop.name) == [(11,)]
    holder.close()


def test_read_committed_refuses_what_it_cannot_lock(shop):
    shop.run("CREATE VIEW open_tickets AS SELECT id, n FROM tickets WHERE id < 10")
    db = attached(shop, "read-committed")
    db.execute("CREATE TABLE local(id); ")
    db.execute("CREATE TEMP TRIGGER up AFTER INSERT ON main.local BEGIN "
               "UPDATE tickets SET n = n + 1 WHERE id = new.id; END")
    assert "under isolation=read-committed" in failure(db, "INSERT INTO local VALUES(1)")[1]
    assert value(db, "SELECT n FROM tickets WHERE id = 1") == 0
    assert value(db, "SELECT count(*) FROM local") == 0


@pytest.mark.parametrize("isolation", NOTICING)
def test_the_same_trigger_elsewhere(shop, isolation):
    db = attached(shop, isolation)
    db.execute("CREATE TABLE local(id)")
    db.execute("CREATE TEMP TRIGGER up AFTER INSERT ON main.local BEGIN "
               "UPDATE tickets SET n = n + 1 WHERE id = new.id; END")
    db.execute("INSERT INTO local SELECT id FROM tickets")
    assert rows(db, "SELECT n FROM tickets") == [(1,), (1,)]


def test_only_rows_to_be_changed_are_locked(shop, pg):
    """The statement's text in the log says FOR UPDATE for the target and for nothing else."""
    db = attached(shop)
    for sql, locks in [("UPDATE tickets SET n = n + 1 WHERE id = 1", 1),
                       ("DELETE FROM tickets WHERE id = 7", 1),
                       ("UPDATE tickets SET n = (SELECT max(n) FROM tickets) WHERE id = 1", 0),
                       ("UPDATE tickets SET n = (SELECT count(*) FROM codes) WHERE id = 1", 1),
                       ("UPDATE tickets SET n = 5 WHERE id + 0 = 1", 0),
                       ("SELECT * FROM tickets WHERE id = 1", 0),
                       ("INSERT INTO tickets SELECT id + 10, used, by_whom, n FROM tickets WHERE id = 1", 0)]:
        before = value(db, "SELECT count(*) FROM bridge_log WHERE statement LIKE 'SELECT%FOR UPDATE'")
        db.execute(sql).fetchall()
        after = value(db, "SELECT count(*) FROM bridge_log WHERE statement LIKE 'SELECT%FOR UPDATE'")
        assert after - before == locks, sql


def test_a_deadlock_is_busy(shop, pg):
    """Each has what the other wants. The server ends one of them, after deadlock_timeout."""
    first, second = attached(shop), attached(shop)
    for db, key in ((first, 1), (second, 2)):
        db.execute("BEGIN")
        assert change(db, "UPDATE tickets SET n = 1 WHERE id = ?", key) == 1

    def cross(db, key):
        """Gives up its locks when it loses, so that the other one can go on."""
        try:
            return change(db, "UPDATE tickets SET n = 2 WHERE id = ?", key), None
        except sqlite3.Error as error:
            db.execute("ROLLBACK")
            return None, error

    late = Behind(shop, pg, lambda: cross(first, 2)).waits()
    answers = [cross(second, 1), late.answer()[0]]
    errors = [error for _, error in answers if error is not None]
    assert len(errors) == 1 and errors[0].sqlite_errorname == "SQLITE_BUSY", answers
    assert "40P01" in str(errors[0])
    assert sorted(count for count, _ in answers if count is not None) == [1]


def test_a_commit_that_loses_is_not_plainly_busy(shop, pg):
    """Write skew: each reads what the other changes. After plain SQLITE_BUSY a second COMMIT would
    say that all is well."""
    first, second = attached(shop, "serializable"), attached(shop, "serializable")
    for db, key in ((first, 1), (second, 2)):
        db.execute("BEGIN")
        assert value(db, "SELECT sum(n) FROM tickets") == 0
        db.execute("UPDATE tickets SET n = 1 WHERE id = ?", (key,))
    first.execute("COMMIT")
    name, words = failure(second, "COMMIT")
    assert name == "SQLITE_BUSY_SNAPSHOT" and "40001" in words, (name, words)
    assert not second.in_transaction
    assert "no transaction is active" in failure(second, "COMMIT")[1]
    assert pg.psql("SELECT n FROM tickets ORDER BY id", database=shop.name) == [(1,), (0,)]
