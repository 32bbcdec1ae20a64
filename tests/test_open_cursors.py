"""What a program may do while it reads: attach, detach, drop, refresh, roll back, ask again from its own
functions, fork. The rows being read go on, or the deed is refused; nothing is left behind."""
import gc
import os
import sqlite3

import pytest

from support import sqlite
from support.remotes import (
    attach, attach_error, check_failure, connect, names, remote, rows, value)

ORDERS = "SELECT id FROM orders ORDER BY id"


@pytest.fixture
def db(remote):
    connection = connect()
    attach(connection, remote, "name=shop")
    yield connection
    connection.close()


@pytest.fixture
def half(db):
    """A cursor that has given the first of three rows."""
    cursor = db.cursor().execute(ORDERS)
    assert cursor.fetchone() == (10,)
    return cursor


def check_whole(db, half):
    assert half.fetchall() == [(11,), (12,)]
    assert value(db, "SELECT count(*) FROM orders") == 3


def test_detach_is_refused(db, half):
    check_failure(sqlite.error(db, "SELECT bridge_detach('shop')"), "SQLITE_ERROR", "while a query reads")
    check_whole(db, half)
    assert value(db, "SELECT bridge_detach('shop')") == 3


def test_replacing_the_server_is_refused(db, half, remote):
    words = ("SELECT bridge_server('shop', ?, 'latency_ms=7')", (remote.url,))
    check_failure(sqlite.error(db, *words), "SQLITE_ERROR", "while a query reads")
    check_whole(db, half)
    assert value(db, words[0], *words[1]) == "shop"
    assert value(db, "SELECT count(*) FROM orders") == 3


def test_drop_is_refused(db, half):
    assert "locked" in sqlite.error(db, "DROP TABLE orders")[1]
    check_whole(db, half)


def test_dropping_another_table(db, half):
    db.execute("DROP TABLE customers")
    check_whole(db, half)
    assert "customers" not in names(db)


def test_refresh_and_attach_again(db, half, remote):
    assert value(db, "SELECT bridge_refresh('shop')") == 0
    assert attach(db, remote, "name=shop") == 3
    assert attach(db, remote, "name=other", "prefix=o_") == 3
    check_whole(db, half)
    assert value(db, "SELECT count(*) FROM o_orders") == 3


def test_refresh_with_a_change(db, half, remote):
    """PostgreSQL's catalog belongs to the snapshot that the cursor reads; a SQLite file that is being
    read cannot be changed. So the change shows once the cursor is through."""
    if remote.driver == "postgres":
        remote.run("ALTER TABLE customers ADD COLUMN more integer")
        assert value(db, "SELECT bridge_refresh('shop')") == 0
        check_whole(db, half)
    else:
        check_whole(db, half)
        remote.run("ALTER TABLE customers ADD COLUMN more integer")
    assert value(db, "SELECT bridge_refresh('shop')") == 1
    assert value(db, "SELECT count(more) FROM customers") == 0


@pytest.mark.parametrize("writes", [False, True])
def test_rollback(db, remote, writes):
    db.execute("CREATE TEMP TABLE notes (x)")
    db.execute("BEGIN")
    if writes:
        db.execute("INSERT INTO notes VALUES (1)")
    cursor = db.cursor().execute(ORDERS)
    assert cursor.fetchone() == (10,)
    db.execute("ROLLBACK")
    check_whole(db, cursor)
    assert value(db, "SELECT count(*) FROM notes") == 0


UNDO = ["ROLLBACK", "ROLLBACK TO a"]


@pytest.mark.parametrize("undo", UNDO)
def test_rows_that_are_rolled_back_are_not_shown(db, undo):
    """SQLite would go on with the rows as they are again: what was fetched ahead is refused."""
    db.execute("BEGIN")
    db.execute("SAVEPOINT a")
    db.execute("UPDATE orders SET customer = 3")
    cursors = [db.cursor().execute("SELECT id, customer FROM orders ORDER BY id"),
               db.cursor().execute("SELECT c.id, o.id FROM customers c JOIN orders o ON o.customer = c.id")]
    assert [cursor.fetchone() for cursor in cursors] == [(10, 3), (3, 10)]
    db.execute(undo)
    for cursor in cursors:
        with pytest.raises(sqlite3.OperationalError, match="(?s)were rolled back.*before ROLLBACK"):
            print(cursor.fetchall())
    assert value(db, "SELECT count(*) FROM orders WHERE customer = 3") == 0
    if undo != "ROLLBACK":
        db.execute("COMMIT")
    assert value(db, "SELECT count(*) FROM orders WHERE customer = 3") == 0


def test_rows_from_before_what_is_rolled_back_go_on(db):
    """A savepoint around each row of a query, as programs have it; one is kept."""
    db.execute("BEGIN")
    db.execute("UPDATE orders SET customer = 3 WHERE id = 11")
    seen = []
    for key, customer in db.cursor().execute("SELECT id, customer FROM orders ORDER BY id"):
        db.execute("SAVEPOINT each")
        db.execute("UPDATE orders SET customer = 3 WHERE id = ?", (key,))
        if key != 12:
            db.execute("ROLLBACK TO each")
        db.execute("RELEASE each")
        seen.append((key, customer))
    assert [key for key, _ in seen] == [10, 11, 12] and seen[1] == (11, 3)
    db.execute("COMMIT")
    assert rows(db, "SELECT id FROM orders WHERE customer = 3 ORDER BY id") == [(11,), (12,)]


def test_a_query_within_a_savepoint_that_is_kept(db):
    """What it saw belongs to the savepoint around then."""
    db.execute("BEGIN")
    db.execute("SAVEPOINT a")
    db.execute("SAVEPOINT b")
    db.execute("UPDATE orders SET customer = 3")
    cursor = db.cursor().execute("SELECT id, customer FROM orders ORDER BY id")
    assert cursor.fetchone() == (10, 3)
    db.execute("RELEASE b")
    db.execute("SAVEPOINT b")
    db.execute("UPDATE customers SET name = 'x'")
    db.execute("ROLLBACK TO b")
    assert cursor.fetchone() == (11, 3)
    db.execute("ROLLBACK TO a")
    with pytest.raises(sqlite3.OperationalError, match="rolled back"):
        cursor.fetchall()
    db.execute("ROLLBACK")


MANY = "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO orders(id) SELECT i + 100 FROM n"


def test_a_query_goes_on_over_commit(db):
    """Of a transaction that wrote: the rows are those of before its end."""
    db.execute("BEGIN")
    db.execute(MANY)
    cursors = [db.cursor().execute(ORDERS) for _ in range(3)]
    assert [cursor.fetchone() for cursor in cursors] == [(10,)] * 3
    assert len(cursors[1].fetchmany(1999)) == 1999
    db.execute("COMMIT")
    db.execute("UPDATE customers SET name = 'x'")
    assert cursors[0].fetchall() == [(11,), (12,)] + [(i + 100,) for i in range(1, 5001)]
    del cursors[2]
    assert [len(cursors[1].fetchall()), cursors[1].fetchall()] == [3003, []]
    assert value(db, "SELECT count(*) FROM orders WHERE id > 100") == 5000
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


def test_more_rows_than_can_be_kept_over_commit(remote):
    db = connect()
    attach(db, remote, "name=shop", "join_cache_bytes=1000")
    db.execute("BEGIN")
    db.execute(MANY)
    cursor = db.cursor().execute(ORDERS)
    assert cursor.fetchone() == (10,)
    db.execute("COMMIT")
    if remote.driver == "sqlite":
        assert len(cursor.fetchall()) == 5002
    else:
        with pytest.raises(sqlite3.OperationalError, match="(?s)transaction.*has ended.*before COMMIT"):
            cursor.fetchall()
    assert value(db, "SELECT count(*) FROM orders") == 5003
    db.close()


def test_statements_of_ones_own_functions(db):
    db.create_function("orders_of", 1, lambda key: value(
        db, "SELECT count(*) FROM orders WHERE customer = ?", key))
    assert rows(db, "SELECT id, orders_of(id) FROM customers ORDER BY id") == [(1, 2), (2, 1), (3, 0)]
    assert rows(db, "SELECT id FROM customers WHERE orders_of(id) = 1") == [(2,)]


def test_functions_that_attach_and_detach(db, remote):
    assert rows(db, f"SELECT id, bridge_attach('{remote.url}', 'name=other', 'prefix=o_') FROM customers") == [
        (1, 3), (2, 3), (3, 3)]
    check_failure(sqlite.error(db, "SELECT id, bridge_detach('shop') FROM customers"),
                  "SQLITE_ERROR", "while a query reads")
    assert rows(db, "SELECT DISTINCT bridge_detach('other') FROM sqlite_schema LIMIT 1") == [(3,)]
    assert value(db, "SELECT count(*) FROM customers") == 3


def test_another_connection_within_a_function(db, remote):
    def ask(key):
        other = connect()
        attach(other, remote)
        found = value(other, "SELECT name FROM customers WHERE id = ?", key)
        other.close()
        return found

    db.create_function("elsewhere", 1, ask)
    assert rows(db, "SELECT elsewhere(id) = name FROM customers") == [(1,)] * 3


def test_many_cursors(db):
    cursors = [db.cursor().execute(ORDERS) for _ in range(100)]
    assert {cursor.fetchone() for cursor in cursors} == {(10,)}
    assert sum(len(cursor.fetchall()) for cursor in cursors) == 200


def test_a_connection_forgotten_with_a_cursor_open(remote):
    connection = connect()
    attach(connection, remote)
    cursor = connection.execute(ORDERS)
    cursor.fetchone()
    del connection, cursor
    gc.collect()
    again = connect()
    assert attach(again, remote) == 3


def test_nothing_is_left_open(remote):
    def once():
        connection = connect()
        attach(connection, remote)
        assert value(connection, "SELECT count(*) FROM orders") == 3
        connection.execute(ORDERS).fetchone()
        connection.close()

    once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        once()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_child_process_does_not_use_its_parents_session(db, half):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = "3 rows" if rows(db, "SELECT count(*) FROM orders") == [(3,)] else "other rows"
        except BaseException as error:
            found = str(error)
        os.write(writer, found.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    found = os.read(reader, 1000).decode()
    os.close(reader)
    assert found == "3 rows" or "belongs to the process that opened it" in found
    check_whole(db, half)
