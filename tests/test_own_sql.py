"""The user's own SQL beside attached tables: what bridge_exec and bridge_query may do to a transaction
that writes."""
import pytest

from support import sqlite
from support.remotes import attach, connect, pg_remote, remote, rows, value


def say(db, *statements):
    for sql in statements:
        db.execute(sql).fetchall()


@pytest.fixture
def shop(remote):
    remote.run("CREATE TABLE loose(a integer)")
    return remote


@pytest.fixture
def db(shop):
    connection = connect()
    attach(connection, shop, "name=s")
    say(connection, "BEGIN", "INSERT INTO loose VALUES(1)")
    yield connection
    connection.close()


@pytest.mark.parametrize("sql", ["; COMMIT", " ;; /* ; */ -- ;\n ; ROLLBACK", ";END", "; SAVEPOINT x",
                                 "; SET search_path = nowhere", ";COPY loose TO STDOUT"])
def test_what_ends_a_transaction_hides_behind_no_semicolon(db, shop, sql):
    """A server passes over empty statements in front of it."""
    if shop.driver == "sqlite" and ("SET" in sql or "COPY" in sql):
        assert "syntax error" in sqlite.error(db, "SELECT bridge_exec('s', ?)", (sql,))[1]
    else:
        assert "not authorized" in (text := sqlite.error(db, "SELECT bridge_exec('s', ?)", (sql,))[1]) \
            or "cannot be run here" in text or "one statement" in text
    say(db, "INSERT INTO loose VALUES(2)")
    assert rows(db, "SELECT a FROM loose ORDER BY a") == [(1,), (2,)]
    say(db, "ROLLBACK")
    assert rows(db, "SELECT a FROM loose") == []


@pytest.mark.parametrize("sql", ["", "  ", ";", " ; ;", "/* ; */", "-- nothing", ";--\n;"])
def test_an_empty_statement_costs_nothing(db, sql):
    assert "statement is empty" in sqlite.error(db, "SELECT bridge_exec('s', ?)", (sql,))[1]
    say(db, "COMMIT")
    assert rows(db, "SELECT a FROM loose") == [(1,)]


@pytest.fixture
def writer(pg_remote):
    """A function that writes, and a table of a query that calls it."""
    pg_remote.run("CREATE TABLE loose(a integer); CREATE FUNCTION put(a integer) RETURNS integer LANGUAGE sql AS"
                  " 'INSERT INTO loose VALUES (a) RETURNING a'")
    connection = connect()
    attach(connection, pg_remote, "name=s")
    say(connection, "CREATE VIRTUAL TABLE asked USING postgres(server=s, query='SELECT put(7)')",
        "BEGIN", "INSERT INTO loose VALUES(1)")
    yield connection
    connection.close()


@pytest.mark.parametrize("sql", ["EXPLAIN ANALYZE INSERT INTO loose VALUES (7)", "SELECT put(7)",
                                 "SELECT CASE WHEN n < 3000 THEN n ELSE put(7) END FROM generate_series(1, 3000) n"])
def test_a_query_writes_nothing_where_others_do(writer, sql):
    """Nor in a FETCH that comes later; the transaction goes on, and its own statements write."""
    failure = sqlite.error(writer, "SELECT row FROM bridge_query('s', ?)", (sql,))
    assert failure[1].startswith("cannot execute INSERT in a read-only transaction"), failure
    say(writer, "INSERT INTO loose VALUES(2)")
    assert value(writer, "SELECT bridge_exec('s', 'SELECT put(3)')") == 0
    say(writer, "COMMIT")
    assert rows(writer, "SELECT a FROM loose ORDER BY a") == [(1,), (2,), (3,)]


def test_a_table_of_a_query_writes_nothing_where_others_do(writer):
    assert "read-only" in sqlite.error(writer, "SELECT * FROM asked")[1]
    assert rows(writer, "SELECT row FROM bridge_query('s', 'SELECT count(*) AS n FROM loose')") == [('{"n":1}',)]
    say(writer, "SAVEPOINT x", "INSERT INTO loose VALUES(9)", "ROLLBACK TO x", "INSERT INTO loose VALUES(2)", "COMMIT")
    assert rows(writer, "SELECT a FROM loose ORDER BY a") == [(1,), (2,)]
