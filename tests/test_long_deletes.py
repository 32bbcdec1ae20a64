"""DELETE of many rows inside BEGIN: few round trips, and whatever the WHERE asks for, a row that cannot be deleted
undoes the statement and nothing else."""
import sqlite3

import pytest

from support import sqlite
from support.remotes import attach, connect, pg_remote, rows, value  # noqa: F401

COUNT = 120
IDENTITIES = {
    "integer": "id integer PRIMARY KEY, n integer, s text",
    "text": "id text PRIMARY KEY, n integer, s text",
    "pair": "id integer, n integer, s text, PRIMARY KEY (id, n)",
    "none": "id integer, n integer, s text",
}
TABLE = """
CREATE TABLE u(a integer);
CREATE TABLE refused(id integer);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF EXISTS (SELECT FROM refused r WHERE r.id = OLD.id::int) THEN
        RAISE 'not this one' USING ERRCODE = 'check_violation'; END IF; RETURN OLD; END$$;
CREATE TABLE t({columns});
CREATE TRIGGER b BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO t SELECT i + 100, i, CASE i % 3 WHEN 0 THEN 'x' ELSE 'y' END FROM generate_series(1, {count}) AS i;
"""
WHERES = [
    "",
    "WHERE id <= 180",
    "WHERE t.id >= 130",
    "WHERE id BETWEEN 110 AND 190",
    "WHERE n % 3 = 0",
    "WHERE id > 110 AND n % 7 = 1",
    "WHERE n % 7 < 4 AND id < 190 AND id > 105",
    "WHERE n % 2 = 1 AND rowid IS NOT NULL AND s = 'x'",
    "WHERE (n = 5 OR id < 130) AND id > 103",
    "WHERE id < 120 OR n > 100",
    # A row that is not deleted is asked for its key as often as those that are, or more often.
    "WHERE (n <> 1 OR id < 150) AND id > 103",
    "WHERE CASE WHEN n > 3 THEN id > 0 ELSE id > 0 AND id > 290 END",
    "WHERE n > 3 AND id > 100 OR n < 3 AND id > 101 AND id < 102",
    "WHERE coalesce(nullif(n, 120), id > 100 AND id > 300) > 1",
    "WHERE n < 20 OR s = 'x'",
    "WHERE n IN (1, 5, 9) OR n BETWEEN 50 AND 60",
    "WHERE n IN (2, 70, 4)",
    "WHERE id IN (SELECT a FROM u)",
    "WHERE EXISTS (SELECT 1 FROM u WHERE a = t.n + 100)",
    "WHERE CASE WHEN n > 5 THEN id ELSE 0 END > 130",
    "WHERE iif(n % 2, id, 0) > 109 AND n < 80",
    "WHERE NOT id > 160 AND n IS NOT NULL",
    "WHERE id IN (SELECT max(id) FROM t UNION SELECT a FROM u)",
    "WHERE n > (SELECT avg(n) FROM t) AND id < 190",
]


@pytest.fixture(params=IDENTITIES)
def identity(request):
    return request.param


@pytest.fixture
def db(pg_remote, identity):  # noqa: F811
    pg_remote.run(TABLE.format(columns=IDENTITIES[identity], count=COUNT))
    pg_remote.run("INSERT INTO u SELECT i FROM generate_series(95, 230, 9) AS i")
    connection = connect()
    attach(connection, pg_remote, "name=shop")
    connection.execute("CREATE TABLE copy AS SELECT * FROM t")
    connection.execute("CREATE TABLE copied AS SELECT * FROM u")
    yield connection
    connection.close()


def matched(db, where):
    """By local tables that are the same."""
    where = where.replace("FROM t", "FROM copy").replace("FROM u", "FROM copied").replace("t.", "copy.")
    return rows(db, f"SELECT id, n FROM copy {where} ORDER BY n")


def trips(db, *statements):
    asked = "SELECT round_trips FROM bridge_servers WHERE name = 'shop'"
    begun = value(db, asked)
    for sql in statements:
        db.execute(sql)
    return value(db, asked) - begun


def test_a_refused_row_undoes_the_statement_alone(db, identity):
    for where in WHERES:
        where = where.replace("rowid", "id" if identity == "text" else "rowid")
        gone = matched(db, where)
        assert len(gone) > 2
        for refused in (gone[0], gone[-1]):
            db.execute("BEGIN")
            db.execute("INSERT INTO refused VALUES (?)", (refused[1] + 100,))
            assert sqlite.error(db, f"DELETE FROM t {where}")[0] == sqlite3.SQLITE_CONSTRAINT_CHECK, where
            assert db.in_transaction and value(db, "SELECT count(*) FROM t") == COUNT, where
            db.execute("DELETE FROM refused")
            assert db.execute(f"DELETE FROM t {where}").rowcount == len(gone), where
            assert rows(db, "SELECT id, n FROM copy EXCEPT SELECT id, n FROM t ORDER BY n") == gone, where
            db.execute("ROLLBACK")


def test_few_round_trips(db, identity):
    for where in WHERES[:8]:
        where = where.replace("rowid", "id" if identity == "text" else "rowid")
        read = trips(db, "BEGIN", f"SELECT sum(n) FROM t {where}", "ROLLBACK")
        few = trips(db, "BEGIN", f"DELETE FROM t {where}", "ROLLBACK")
        assert few <= read + 5 < len(matched(db, where)), where
