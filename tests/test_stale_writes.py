"""Writes by a definition that another client has changed: rows are never bent, taken or lost by it.

Right is what a connection does that was never told of the old definition: the same rows, or an error
and no row. A transaction that began before the change may refuse, and says so; then it is right when
it is run again."""
import os

import pytest

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
                           "ROLLBACK TO p"], []),
}
MAY_REFUSE = ("within", "its lock given up")  # a rewritten table's rows are in the way there, and not seen


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


@pytest.mark.full
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("change", CHANGES)
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
        known = "remote table changed" in found or ("REPLACE" in form and "UNIQUE constraint" in found)
        if moment not in MAY_REFUSE or not known or stored(remote, "old", table) != was:
            problems.append((form, "refused", found))
        found = said(db, form)
        if found is not None:
            problems.append((form, "again", found))
    if (found is None) != (wanted is None) or stored(remote, "old", table) != right:
        problems.append((form, found, wanted, stored(remote, "old", table), right))
