"""Writes by a definition that another client has changed: rows are never bent, taken or lost by it.

Right is what a connection does that was never told of the old definition: the same rows, or an error
and no row. A transaction that began before the change may refuse, and says so; then it is right when
it is run again."""
import concurrent.futures
import os
import threading
import time

import pytest

from support import sqlite
from support.remotes import attach, connect, file_remote, pg_remote, rows, value

ROWS = "(1, 'x', 1.25, 2.5, 1), (2, 'y', 2.5, 3.25, 2)"
TABLE = f"""CREATE TABLE {{t}} (id int PRIMARY KEY, a text UNIQUE, n numeric(10,4), f float8, s smallint NOT NULL);
    INSERT INTO {{t}} VALUES {ROWS};"""
COLUMNS = "(id, a, n, f, s)"

# What another client does.
CHANGES = {
    "unique dropped": "ALTER TABLE {t} DROP CONSTRAINT {t}_a_key",
    "primary key dropped": "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey",
    "all keys dropped": "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey; ALTER TABLE {t} DROP CONSTRAINT {t}_a_key",
    "key moved": "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey; ALTER TABLE {t} ADD PRIMARY KEY (s)",
    "unique added": "ALTER TABLE {t} ADD UNIQUE (f)",
    "precision narrowed": "ALTER TABLE {t} ALTER n TYPE numeric(10,1)",
    "precision widened": "ALTER TABLE {t} ALTER n TYPE numeric(20,8)",
    "float to int": "ALTER TABLE {t} ALTER f TYPE int USING 7",
    "float to text": "ALTER TABLE {t} ALTER f TYPE text",
    "smallint to int": "ALTER TABLE {t} ALTER s TYPE int",
    "text to char": "ALTER TABLE {t} ALTER a TYPE char(4)",
    "text to varchar": "ALTER TABLE {t} ALTER a TYPE varchar(2)",
    "NOT NULL dropped": "ALTER TABLE {t} ALTER s DROP NOT NULL",
    "NOT NULL added": "ALTER TABLE {t} ALTER n SET NOT NULL",
    "column dropped": "ALTER TABLE {t} DROP COLUMN f",
    "column renamed": "ALTER TABLE {t} RENAME f TO g",
    "columns swapped": "ALTER TABLE {t} RENAME f TO x; ALTER TABLE {t} RENAME n TO f; ALTER TABLE {t} RENAME x TO n",
    "column generated": "ALTER TABLE {t} DROP COLUMN f; ALTER TABLE {t} ADD f float8 GENERATED ALWAYS AS (s * 2) STORED",
    "recreated otherwise": "DROP TABLE {t}; CREATE TABLE {t} (s int, f int, n numeric(3,1), a char(5), id text);"
                           " INSERT INTO {t} VALUES (1, 2, 1.5, 'x', '1')",
    "a view": "ALTER TABLE {t} RENAME TO {t}_; CREATE VIEW {t} AS SELECT id, a, n, f, s FROM {t}_",
    "dropped": "DROP TABLE {t}",
}

NEW = "9, 'new ', 2.65, 2.6, 9"
NUMBERS = "WITH RECURSIVE k(i) AS (SELECT 9 UNION ALL SELECT i + 1 FROM k WHERE i < 20) "
FORMS = [
    f"INSERT INTO {{t}}{COLUMNS} VALUES ({NEW})",
    f"INSERT INTO {{t}}{COLUMNS} VALUES (70, 'w', 1, 1, 70000)",
    f"INSERT INTO {{t}}{COLUMNS} VALUES (9, 'p', 2.65, 2.6, 9), (10, 'q', 3.65, 3.6, 10), (11, 'r', 0.05, 0.5, 11)",
    NUMBERS + f"INSERT INTO {{t}}{COLUMNS} SELECT i, 'k' || i, i + 0.25, i + 0.5, i FROM k",
    f"INSERT INTO {{t}}{COLUMNS} SELECT id, a, n, f, s FROM src",
    f"INSERT OR REPLACE INTO {{t}}{COLUMNS} VALUES (9, 'x', 2, 3, 9)",
    f"REPLACE INTO {{t}}{COLUMNS} VALUES (1, 'z', 2, 3, 9), (10, 'y', 2.65, 2.5, 2)",
    f"INSERT OR IGNORE INTO {{t}}{COLUMNS} VALUES (9, 'x', 2.65, 2.6, 9), (1, 'z', 2, 3, 7), (8, 'v', 2, 4, 8)",
    "UPDATE {t} SET n = 2.65, f = 2.6 WHERE a = 'x'",
    "UPDATE OR REPLACE {t} SET a = 'y' WHERE s = 1",
    "UPDATE {t} SET s = s + 40000, n = 7.77",
    "DELETE FROM {t} WHERE a = 'x' OR f = 3.25",
    """SELECT count(*) FROM (SELECT bridge_insert('{t}', '[{{"id":9,"a":"new","n":2.65,"f":2.6,"s":9}}]'))""",
    """SELECT count(*) FROM (SELECT bridge_upsert('{t}', '[{{"id":9,"a":"x","n":2.65,"f":2.6,"s":9}}]', 'a'))""",
    """SELECT count(*) FROM (SELECT bridge_update('{t}', '{{"n":2.65,"f":2.6}}', '{{"a":"x"}}'))""",
    """SELECT count(*) FROM (SELECT bridge_delete('{t}', '{{"a":"x"}}'))""",
    "INSERT INTO both_{t} VALUES (3)",
]

# name -> what is said before the change, and between it and the statement.
MOMENTS = {
    "autocommit": ([], []),
    "autocommit, well known": (["UPDATE {t} SET n = 1.25 WHERE id = 1"] * 5, []),
    "begin": ([], ["BEGIN"]),
    "begin before it": (["BEGIN"], []),
    "after a write": ([], ["BEGIN", "INSERT INTO other VALUES ('before')"]),
    "after a savepoint": ([], ["BEGIN", "INSERT INTO other VALUES ('before')", "SAVEPOINT p"]),
    "within": (["BEGIN", "INSERT INTO other VALUES ('before')"], []),
    "its lock given up": (["BEGIN", "SAVEPOINT p", f"INSERT INTO {{t}}{COLUMNS} VALUES (5, 'v', 5, 5, 5)",
                           "ROLLBACK TO p", "SELECT x FROM other"], []),
}
MAY_REFUSE = ("within", "its lock given up")  # a rewritten table's rows are in the way there, and not seen


KNOWN = ("remote table changed", "run the transaction again", "cannot store")


def chosen(change, moment):
    """Numbers of the forms that are asked: each meets each change at two of the moments."""
    at = list(CHANGES).index(change) + list(MOMENTS).index(moment)
    return [i for i in range(len(FORMS)) if os.environ.get("CHECK") == "all" or (i + at) % 4 == 0]


def setup(remote, schema, tables):
    remote.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}; CREATE TABLE other (x text);"
                  "CREATE TABLE src AS SELECT i AS id, 'src' || i AS a, i + 0.65 AS n, i + 0.6 AS f, i AS s "
                  "FROM generate_series(9, 12) i;" + "".join(TABLE.format(t=t) for t in tables))


def alter(remote, schema, change, *tables):
    remote.execute(f"SET search_path = {schema}; " + "; ".join(CHANGES[change].format(t=t) for t in tables))


def fresh(pg_remote, schema, *tables):
    db = connect()
    db.execute("SELECT bridge_attach(?, 'name=s', 'batch=2', 'schema=' || ?)", (pg_remote.url, schema)).fetchall()
    for table in tables:
        db.execute(f"CREATE TEMP VIEW both_{table} AS SELECT 1 AS i")
        db.execute(f"CREATE TEMP TRIGGER tr_{table} INSTEAD OF INSERT ON both_{table} BEGIN "
                   f"INSERT INTO other VALUES ('trigger'); INSERT INTO {table}{COLUMNS} "
                   "VALUES (NEW.i, 'tr', 2.65, 2.6, NEW.i); END")
    return db


def said(db, sql):
    """None, or the error's words."""
    try:
        db.execute(sql).fetchall()
    except Exception as failure:
        assert "SQL logic error" not in str(failure) and "schema has changed" not in str(failure), (sql, failure)
        return str(failure)
    return None


def stored(remote, schema, table):
    try:
        return sorted(map(repr, remote.execute(f"SELECT * FROM {schema}.{table}").fetchall()))
    except Exception as failure:
        return str(failure).partition("\n")[0].replace(schema + ".", "")


def end(db, failed):
    if db.in_transaction:
        db.execute("ROLLBACK" if failed else "COMMIT")


def cases(changes, moments):
    """All pairs; by default each change is met at one moment, and each moment by some changes."""
    return [pytest.param(change, moment, id=f"{change}-{moment}",
                         marks=[] if c % len(moments) == m else [pytest.mark.slow])
            for c, change in enumerate(changes) for m, moment in enumerate(moments)]


@pytest.mark.parametrize("change, moment", cases(CHANGES, MOMENTS))
def test_a_change(pg, pg_remote, change, moment):
    numbers = chosen(change, moment)
    tables = [f"t{i}" for i in numbers]
    problems = []
    with pg.connect(pg_remote.name) as remote:
        remote.autocommit = True
        setup(remote, "old", tables)
        setup(remote, "new", tables)
        alter(remote, "new", change, *tables)
        told = fresh(pg_remote, "new", *tables)
        for i, table in zip(numbers, tables):
            db = fresh(pg_remote, "old", table)
            meet(db, told, remote, change, moment, FORMS[i].format(t=table), table, problems)
            db.close()
        told.close()
    assert not problems, "\n".join(map(repr, problems))


def meet(db, told, remote, change, moment, form, table, problems):
    before, behind = MOMENTS[moment]
    for sql in before:
        assert said(db, sql.format(t=table)) is None
    alter(remote, "old", change, table)
    was = stored(remote, "old", table)
    for sql in behind:
        assert said(db, sql) is None
    found = said(db, form)
    end(db, found)
    wanted = said(told, form)
    right = stored(remote, "new", table)
    if found is not None and wanted is None:
        known = any(words in found for words in KNOWN) or ("REPLACE" in form and "UNIQUE constraint" in found)
        if moment not in MAY_REFUSE or not known or stored(remote, "old", table) != was:
            problems.append((form, "refused", found))
        found = said(db, form)
        if found is not None:
            problems.append((form, "again", found))
    if (found is None) != (wanted is None) or stored(remote, "old", table) != right:
        problems.append((form, found, wanted, stored(remote, "old", table), right))


@pytest.fixture
def shop(pg, pg_remote):
    with pg.connect(pg_remote.name) as remote:
        remote.autocommit = True
        remote.execute("CREATE TABLE other (x text);" + TABLE.format(t="t"))
        db = connect()
        attach(db, pg_remote, "name=s", "batch=2")
        yield db, remote
        db.close()


DROP_KEY = "ALTER TABLE t DROP CONSTRAINT t_a_key"


def ours(remote, columns="*", table="t"):
    return remote.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()


def test_as_a_local_table(shop):
    """Literally: a table of the new definition, here."""
    db, remote = shop
    db.execute("CREATE TEMP TABLE twin(id integer primary key, a text, f integer)")
    db.execute("INSERT INTO twin VALUES (1, 'x', 2), (2, 'y', 3)")
    remote.execute(DROP_KEY + "; ALTER TABLE t ALTER f TYPE int USING id + 1")
    for sql in ("REPLACE INTO {}(id, a, f{}) VALUES (9, 'x', 4{})", "INSERT OR REPLACE INTO {}(id, a, f{}) VALUES (1, 'y', 5{})"):
        db.execute(sql.format("t", ", s", ", 0"))
        db.execute(sql.format("twin", "", ""))
    assert ours(remote, "id, a, f") == rows(db, "SELECT * FROM twin ORDER BY id")
    with pytest.raises(Exception, match="cannot store a REAL value in column \"f\""):
        db.execute("INSERT INTO t(id, f, s) VALUES (10, 2.6, 0)")  # PostgreSQL would make 3 of it


@pytest.mark.parametrize("begins", [False, True], ids=["autocommit", "begin"])
def test_nothing_is_done_twice(shop, begins):
    """What the statement did here before it began afresh; and what is told of it."""
    db, remote = shop
    db.execute("CREATE TEMP TABLE local(i integer primary key, n int)")
    db.execute("CREATE TEMP TABLE seen(i)")
    db.execute("CREATE TEMP TRIGGER follows AFTER INSERT ON local BEGIN INSERT INTO seen VALUES (NEW.i); "
               "INSERT INTO other SELECT 'other'; INSERT INTO t(id, a, s) VALUES (NEW.i, 'k' || NEW.n, 1); END")
    db.execute("BEGIN" if begins else "SELECT 1")
    remote.execute(DROP_KEY)
    assert db.execute("INSERT INTO local VALUES (11, 1), (12, 1), (13, 1)").rowcount == 3
    assert value(db, "SELECT last_insert_rowid()") == 13
    db.execute("COMMIT" if begins else "SELECT 1")
    assert rows(db, "SELECT i FROM seen") == [(11,), (12,), (13,)] == rows(db, "SELECT i FROM local")
    assert ours(remote, "id, a")[2:] == [(11, "k1"), (12, "k1"), (13, "k1")]
    assert ours(remote, "x, 1", "other") == [("other", 1)] * 3


@pytest.mark.parametrize("begins", [False, True], ids=["autocommit", "begin"])
def test_a_change_while_the_row_waits(pg, pg_remote, shop, begins):
    """For the lock of the one who changes the table: its snapshot is older than the change."""
    _, remote = shop
    ready, change = threading.Event(), threading.Event()

    def write():
        own = connect()
        attach(own, pg_remote, "name=s")
        ready.set()
        assert change.wait(30)
        own.execute("BEGIN" if begins else "SELECT 1")
        own.execute("REPLACE INTO t(id, a, s) VALUES (9, 'x', 9)")
        own.execute("COMMIT" if begins else "SELECT 1")
        own.close()

    with pg.connect(pg_remote.name) as other, concurrent.futures.ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        assert ready.wait(30)
        other.execute("BEGIN; " + DROP_KEY + "; INSERT INTO t VALUES (7, 'x', 0, 0, 0)")
        change.set()
        deadline = time.monotonic() + 30
        while not remote.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
                                 "current_database() AND application_name = 'drawbridge'").fetchall():
            assert time.monotonic() < deadline and not writing.done(), "nothing waits for the lock"
            time.sleep(0.02)
        other.execute("COMMIT")
        writing.result()
    assert ours(remote, "id, a") == [(1, "x"), (2, "y"), (7, "x"), (9, "x")]


def test_partitions_come_and_go(pg_remote, shop):
    db, remote = shop
    remote.execute("CREATE TABLE p(id int PRIMARY KEY, a text) PARTITION BY RANGE (id);"
                   "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
                   "CREATE TABLE loose(id int, a text) PARTITION BY RANGE (id);"
                   "CREATE TABLE l1 PARTITION OF loose FOR VALUES FROM (0) TO (10)")
    value(db, "SELECT bridge_refresh('s')")
    attach(db, pg_remote, "name=s", "batch=2")
    for i in range(1, 5):
        remote.execute(f"CREATE TABLE p{i + 1} PARTITION OF p FOR VALUES FROM ({i}0) TO ({i + 1}0);"
                       f"CREATE TABLE l{i + 1} PARTITION OF loose FOR VALUES FROM ({i}0) TO ({i + 1}0)")
        if i % 2:
            db.execute("BEGIN")
        db.execute("INSERT INTO p VALUES (?, 'p')", (i * 10,))
        db.execute("INSERT INTO loose VALUES (?, 'l')", (i * 10,))
        if i % 2:
            db.execute("COMMIT")
        assert rows(db, "SELECT id FROM loose WHERE rowid = last_insert_rowid()") == [(i * 10,)]
    remote.execute("ALTER TABLE p DETACH PARTITION p2; DROP TABLE l2")
    db.execute("INSERT INTO p VALUES (1, 'p')")
    db.execute("INSERT OR REPLACE INTO p VALUES (20, 'q')")
    db.execute("INSERT INTO loose VALUES (1, 'l')")
    assert ours(remote, "id, a", "p") == [(1, "p"), (20, "q"), (30, "p"), (40, "p")]
    assert ours(remote, "id, a", "loose") == [(1, "l"), (20, "l"), (30, "l"), (40, "l")]


def test_a_change_of_our_own(shop):
    """By bridge_exec in the same transaction, which is rolled back then."""
    db, remote = shop
    db.execute("BEGIN")
    db.execute("INSERT INTO t(id, a, s) VALUES (5, 'v', 5)")
    value(db, "SELECT bridge_exec('s', ?)", DROP_KEY)
    db.execute("REPLACE INTO t(id, a, s) VALUES (9, 'x', 9)")
    assert value(db, "SELECT count(*) FROM t WHERE a = 'x'") == 2
    db.execute("ROLLBACK")
    db.execute("REPLACE INTO t(id, a, s) VALUES (9, 'x', 9)")
    assert ours(remote, "id, a") == [(2, "y"), (9, "x")]


def test_rows_that_fail_leave_no_statement_behind(shop):
    """The probe that came along was kept by the server, or was not, and both are known."""
    db, remote = shop
    for i in range(12):
        with pytest.raises(Exception, match="UNIQUE constraint failed: t.a"):
            db.execute("INSERT INTO t(id, a, s) VALUES (?, 'x', 1)", (100 + i,))
        if i % 3 == 2:
            db.execute("INSERT INTO t(id, s) VALUES (?, 1)", (50 + i,))
    kept = value(db, "SELECT row FROM bridge_query('s', 'SELECT count(*) AS n FROM pg_prepared_statements WHERE name ~ ''^drawbridge''')")
    assert 1 <= int("".join(filter(str.isdigit, kept))) <= 7  # BEGIN, COMMIT and the transaction's number among them
    remote.execute(DROP_KEY)
    db.execute("REPLACE INTO t(id, a, s) VALUES (9, 'x', 9)")
    assert ours(remote, "a, count(*)", "t WHERE a = 'x' GROUP BY a") == [("x", 2)]


def test_the_newest_sqlite(pg_remote, shop):
    _, remote = shop
    db = sqlite.connect_newest()
    list(db.execute("SELECT bridge_attach(?, 'name=s')", (pg_remote.url,)))
    remote.execute(DROP_KEY)
    db.execute("BEGIN; REPLACE INTO t(id, a, s) VALUES (9, 'x', 9)")
    remote.execute("ALTER TABLE other ALTER x TYPE char(2)")
    with pytest.raises(Exception, match="altered after this transaction began(.|\n)*ROLLBACK, and run the transaction again"):
        db.execute("INSERT INTO other VALUES ('z ')")
    db.execute("COMMIT; INSERT INTO t(id, a, s) SELECT value, 'y', 1 FROM json_each('[20,21,22]')")
    with pytest.raises(Exception, match="blanks"):
        db.execute("INSERT INTO other VALUES ('z ')")
    assert ours(remote, "id, a") == [(1, "x"), (2, "y"), (9, "x"), (20, "y"), (21, "y"), (22, "y")]
    db.close()


FILE_TABLE = "CREATE TABLE t(id integer primary key, a text unique, n numeric, f double, s int not null)"
FILE_CHANGES = {
    "unique dropped": "CREATE TABLE t(id integer primary key, a text, n numeric, f double, s int not null)",
    "primary key dropped": "CREATE TABLE t(id integer, a text unique, n numeric, f double, s int not null)",
    "key moved": "CREATE TABLE t(id int, a text, n numeric, f double, s integer primary key)",
    "real to int": "CREATE TABLE t(id integer primary key, a text unique, n numeric, f int, s int not null)",
    "int to text": "CREATE TABLE t(id integer primary key, a text unique, n numeric, f double, s text not null)",
    "columns swapped": "CREATE TABLE t(id integer primary key, a text unique, f double, n text, s int not null)",
    "strict": "CREATE TABLE t(id integer primary key, a text unique, n text, f real, s int not null) STRICT",
}


@pytest.mark.parametrize("change, moment", cases(FILE_CHANGES, ["autocommit", "begin", "after a write"]))
def test_a_file_as_the_remote(file_remote, tmp_path, change, moment):
    """The sqlite driver's own look at the file's schema finds the same: what is stored is what the file's
    own SQLite makes of it."""
    forms = [form.format(t="t") for form in FORMS if "src" not in form and "both_" not in form and "bridge" not in form
             and "+" not in form]
    problems = []
    for form in forms:
        file_remote.run(f"DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS other; {FILE_TABLE}; CREATE TABLE other(x); "
                        f"INSERT INTO t VALUES {ROWS}")
        db, local = connect(), connect()
        attach(db, file_remote, "name=s")
        file_remote.run(f"DROP TABLE t; {FILE_CHANGES[change]}; INSERT INTO t({COLUMNS[1:-1]}) VALUES {ROWS}")
        local.execute(FILE_CHANGES[change])
        local.execute(f"INSERT INTO t({COLUMNS[1:-1]}) VALUES {ROWS}")
        for sql in MOMENTS[moment][1]:
            db.execute(sql)
        found, wanted = said(db, form), said(local, form)
        if found is not None and wanted is None:
            end(db, found)
            found = said(db, form)
        end(db, found)
        other = connect(str(tmp_path / "shop.db"))
        stored_there, right = ([tuple(map(repr, row)) for row in each.execute(f"SELECT {COLUMNS[1:-1]} FROM t ORDER BY 1, 2, 5")]
                               for each in (other, local))
        if stored_there != right or (found is None) != (wanted is None):
            problems.append((form, found, wanted, stored_there, right))
        for each in (db, local, other):
            each.close()
    assert not problems, "\n".join(map(repr, problems))
