"""Functions of the host that run statements inside another one, which has rows under way: what becomes of
the inner statement is its own affair, as in SQLite."""
import sqlite3

import pytest

from support.remotes import attach, connect, pg_remote, remote, rows, value, sqlite_remote

DDL = """
CREATE TABLE many(id integer PRIMARY KEY, v integer);
CREATE TABLE strict(id integer PRIMARY KEY, v integer CONSTRAINT small CHECK (v < 100));
CREATE TABLE loose(k integer, v integer);
"""
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "


class Inner:
    """within(i) gives i, and runs the statements that stand for that number."""

    def __init__(self, db, statements):
        self.db, self.statements, self.said = db, statements, []
        db.create_function("within", 1, self.run)

    def run(self, i):
        for sql in self.statements.get(i, ()):
            try:
                self.said.append(self.db.execute(sql).fetchall())
            except sqlite3.Error as failure:
                self.said.append(str(failure).partition("\n")[0])
        return i


def twins(remote, words=()):
    remote.run(DDL)
    attached = connect()
    attach(attached, remote, "name=shop", *words)
    local = sqlite3.connect(":memory:", isolation_level=None)
    local.executescript(DDL)
    return attached, local


@pytest.mark.parametrize("begins", [False, True], ids=["autocommit", "begin"])
@pytest.mark.parametrize("batch", ["batch=2", "batch=auto"])
def test_an_inner_statement_that_fails_undoes_itself_alone(remote, batch, begins):
    """It did so with the rows before it that had not been sent yet."""
    attached, local = twins(remote, [batch])
    seen = []
    for db in (attached, local):
        inner = Inner(db, {
            104: ["INSERT INTO loose VALUES(1, 1)"],
            108: ["INSERT INTO strict VALUES(1, 300)", "INSERT INTO strict VALUES(1, 3)"],
            112: ["INSERT INTO many VALUES(111, 0)", "INSERT INTO many SELECT i, 0 FROM (SELECT 900 AS i UNION SELECT 5)"],
            116: ["INSERT INTO strict VALUES('x', 1)", "UPDATE strict SET v = v + 99", "SELECT count(*) FROM many"],
        })
        db.execute("BEGIN" if begins else "SELECT 1")
        db.execute(NUMBERS.format(120) + "INSERT INTO many SELECT within(i), i FROM n")
        db.execute("COMMIT" if begins else "SELECT 1")
        assert not db.in_transaction
        inner.said[5] = inner.said[5].startswith(("cannot store", "datatype mismatch"))
        seen.append((inner.said, *(rows(db, f"SELECT * FROM {name} ORDER BY 1, 2") for name in ("many", "strict", "loose"))))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 120 and seen[0][2] == [(1, 3)]
    attached.close()


def test_a_row_of_the_outer_statement_that_fails_within_the_inner_one(pg_remote):
    """It is told there, and nothing of either is kept."""
    attached, _ = twins(pg_remote, ["batch=auto"])
    inner = Inner(attached, {8: ["INSERT INTO loose VALUES(1, 1)"]})
    with pytest.raises(sqlite3.Error):
        attached.execute(NUMBERS.format(20) + "INSERT INTO strict SELECT i, CASE i WHEN 5 THEN 300 END FROM (SELECT within(i) AS i FROM n)")
    assert inner.said and value(attached, "SELECT count(*) FROM strict") == value(attached, "SELECT count(*) FROM loose") == 0
    attached.close()
