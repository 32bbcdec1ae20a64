"""Keys: those that the remote makes come back, each kind of key finds its row again, and a row
that changed or went since it was read makes the statement fail, never another row be hit."""
import sqlite3

import pytest

from support import sqlite

SETUP = """
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE serial(id serial PRIMARY KEY, v text);
CREATE TABLE always(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
CREATE TABLE small(id smallint PRIMARY KEY, v text);
CREATE TABLE k_uuid(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), v text);
CREATE TABLE k_text(id text PRIMARY KEY, v text);
CREATE TABLE k_citext(id citext PRIMARY KEY, v text);
CREATE TABLE k_mood(id mood PRIMARY KEY, v text);
CREATE TABLE k_date(id date PRIMARY KEY, v text);
CREATE TABLE k_stamp(id timestamptz PRIMARY KEY, v text);
CREATE TABLE k_numeric(id numeric(10,2) PRIMARY KEY, v text);
CREATE TABLE k_wide(id numeric PRIMARY KEY, v text);
CREATE TABLE k_bytes(id bytea PRIMARY KEY, v text);
CREATE TABLE pair(a int, b text, v text, PRIMARY KEY(a, b));
CREATE TABLE heap(a int, v text);
CREATE TABLE parted(a int, v text, PRIMARY KEY(a)) PARTITION BY RANGE(a);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (100);
CREATE TABLE leaves(a int, v text) PARTITION BY LIST(a);
CREATE TABLE leaves_1 PARTITION OF leaves FOR VALUES IN (1);
CREATE TABLE leaves_2 PARTITION OF leaves FOR VALUES IN (2);
CREATE VIEW seen AS SELECT a, b, v FROM pair;
CREATE VIEW seen_serial AS SELECT id, v FROM serial;
CREATE TABLE made(id int PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED,
    at timestamptz DEFAULT '2024-01-01');
CREATE TABLE uniques(id int PRIMARY KEY, a int UNIQUE, b int, c int, UNIQUE(b, c));
CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE holes(id int PRIMARY KEY, v text);
CREATE TRIGGER holes BEFORE INSERT ON holes FOR EACH ROW WHEN (NEW.v = 'no')
    EXECUTE FUNCTION leave_out();
"""
KEYS = {
    "small": (1, 2), "k_text": ("a", "07"), "k_citext": ("Ab", "cd"), "k_mood": ("sad", "happy"),
    "k_date": ("2024-02-29", "2024-03-01"), "k_numeric": (1.5, 2), "k_wide": (1e20, 0.1),
    "k_stamp": ("2024-02-29 12:00:00.000000", "2024-03-01 12:00:00.500000"),
    "k_bytes": (b"\0\xff", b""),
    "k_uuid": ("550e8400-e29b-41d4-a716-446655440000", "650e8400-e29b-41d4-a716-446655440000"),
}


@pytest.fixture(scope="module")
def place(pg):
    name = pg.create_database("write_keys", "icu")
    with pg.connect(name) as remote:
        remote.autocommit = True
        remote.execute(SETUP)
        db = sqlite.connect(isolation_level=None)
        db.execute("SELECT bridge_attach(?, 'name=k', 'except=seen')", (pg.url(name),))
        db.execute("CREATE VIRTUAL TABLE seen USING postgres(server=k, table=seen, key='a,b')")
        yield db, remote
        db.close()
    pg.drop_database(name)


def rows(place, table):
    return sorted(map(repr, place[1].execute(f"SELECT * FROM {table}").fetchall()))


def last(db):
    return db.execute("SELECT last_insert_rowid()").fetchone()[0]


@pytest.mark.parametrize("table", ["serial", "always"])
def test_keys_of_the_remote_come_back(place, table):
    db, remote = place
    remote.execute(f"TRUNCATE {table}")
    for word in "one", "two":
        db.execute(f"INSERT INTO {table}(v) VALUES(?)", (word,))
        (made,) = remote.execute(f"SELECT id FROM {table} WHERE v = %s", (word,)).fetchone()
        assert last(db) == made
    db.execute(f"INSERT INTO {table} VALUES(NULL, 'three'), (1000, 'given')")
    assert last(db) == 1000
    assert remote.execute(f"SELECT v FROM {table} WHERE id = 1000").fetchone() == ("given",)
    (newest,) = remote.execute(f"SELECT id FROM {table} WHERE v = 'three'").fetchone()
    db.execute(f"UPDATE {table} SET v = 'changed' WHERE id = ?", (newest,))
    assert remote.execute(f"SELECT id FROM {table} WHERE v = 'changed'").fetchone() == (newest,)


@pytest.mark.parametrize("table", KEYS)
def test_each_kind_of_key_finds_its_row(place, table):
    db, _ = place
    one, two = KEYS[table]
    db.execute(f"INSERT INTO {table} VALUES(?, 'x'), (?, 'y')", (one, two))
    before = rows(place, table)
    assert len(before) == 2
    assert db.execute(f"UPDATE {table} SET v = v || '!'").rowcount == 2
    assert rows(place, table) == [row.replace("'x'", "'x!'").replace("'y'", "'y!'")
                                  for row in before]
    db.execute(f"UPDATE {table} SET v = 'only' WHERE id = ?", (one,))
    assert db.execute(f"SELECT count(*) FROM {table} WHERE v = 'only'").fetchone() == (1,)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(f"INSERT INTO {table} VALUES(?, 'again')", (one,))
    assert db.execute(f"DELETE FROM {table} WHERE id = ?", (one,)).rowcount == 1
    (left,) = db.execute(f"SELECT id FROM {table}").fetchall()
    assert left == (two,)
    db.execute(f"DELETE FROM {table}")
    assert rows(place, table) == []


def test_a_key_itself_changes(place):
    db, remote = place
    remote.execute("TRUNCATE serial, k_text, pair")
    db.execute("INSERT INTO serial VALUES(1, 'x')")
    db.execute("UPDATE serial SET id = 7")
    assert rows(place, "serial") == ["(7, 'x')"]
    db.execute("INSERT INTO k_text VALUES('a', 'x')")
    db.execute("UPDATE k_text SET id = 'b'")
    assert rows(place, "k_text") == ["('b', 'x')"]
    db.execute("INSERT INTO pair VALUES(1, 'a', 'x'), (1, 'b', 'y')")
    db.execute("UPDATE pair SET b = b || 'c'")
    assert rows(place, "pair") == ["(1, 'ac', 'x')", "(1, 'bc', 'y')"]


@pytest.mark.parametrize("table", ["heap", "leaves", "pair", "parted"])
def test_rows_are_found_by_their_place(place, table):
    db, remote = place
    remote.execute(f"TRUNCATE {table}")
    value = {"pair": "(1, 'b', 'x'), (2, 'b', 'x')", "parted": "(1, 'x'), (50, 'x')"}
    db.execute(f"INSERT INTO {table} VALUES {value.get(table, '''(1, 'x'), (2, 'x')''')}")
    for word in "y", "z":  # the place moves with each
        assert db.execute(f"UPDATE {table} SET v = ?", (word,)).rowcount == 2
    (rowid,) = db.execute(f"SELECT rowid FROM {table} WHERE a = 1").fetchone()
    assert db.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,)).rowcount == 1
    assert remote.execute(f"SELECT count(*), max(v) FROM {table}").fetchone() == (1, "z")


def test_equal_rows_are_told_apart(place):
    db, remote = place
    remote.execute("TRUNCATE heap; INSERT INTO heap VALUES(1, 'x'), (1, 'x'), (1, 'x')")
    (rowid,) = db.execute("SELECT min(rowid) FROM heap").fetchone()
    db.execute("UPDATE heap SET v = 'one' WHERE rowid = ?", (rowid,))
    assert rows(place, "heap") == ["(1, 'one')", "(1, 'x')", "(1, 'x')"]


def test_a_row_moves_to_another_partition(place):
    db, remote = place
    remote.execute("TRUNCATE leaves; INSERT INTO leaves VALUES(1, 'x')")
    db.execute("UPDATE leaves SET a = 2")
    assert remote.execute("SELECT tableoid::regclass::text FROM leaves").fetchone() == ("leaves_2",)


def test_generated_columns_and_defaults(place):
    db, remote = place
    remote.execute("TRUNCATE made")
    db.execute("INSERT INTO made(id, n) VALUES(1, 21)")
    assert remote.execute("SELECT n, twice, extract(year from at)::int FROM made").fetchone() == (
        21, 42, 2024)
    db.execute("UPDATE made SET n = 4")
    assert remote.execute("SELECT twice FROM made").fetchone() == (8,)
    with pytest.raises(sqlite3.Error, match="twice"):
        db.execute("UPDATE made SET twice = 4")


def test_or_replace_removes_every_row_in_conflict(place):
    db, remote = place
    remote.execute("TRUNCATE uniques; INSERT INTO uniques VALUES(1, 1, 1, 1), (2, 2, 2, 2), "
                   "(3, 3, 3, 3), (4, 4, 4, 4)")
    db.execute("INSERT OR REPLACE INTO uniques VALUES(1, 2, 3, 3)")
    assert rows(place, "uniques") == ["(1, 2, 3, 3)", "(4, 4, 4, 4)"]
    db.execute("UPDATE OR REPLACE uniques SET a = 4 WHERE id = 1")
    assert rows(place, "uniques") == ["(1, 4, 3, 3)"]


def test_a_trigger_that_leaves_rows_out_is_told(place):
    db, remote = place
    with pytest.raises(sqlite3.Error, match="left some out"):
        db.execute("INSERT INTO holes VALUES(1, 'yes'), (2, 'no')")
    assert rows(place, "holes") == []


def test_a_row_that_changed_since_fails_the_statement(pg, place):
    """Read in a transaction, then changed by another: nothing is overwritten."""
    db, remote = place
    for table in "heap", "serial", "k_text":
        column = "id" if table != "heap" else "a"
        remote.execute(f"TRUNCATE {table}; INSERT INTO {table} VALUES('1', 'x')")
        for change in "UPDATE {} SET v = 'theirs'", "DELETE FROM {}":
            db.execute("BEGIN")
            assert db.execute(f"SELECT v FROM {table}").fetchone() is not None
            remote.execute(change.format(table))
            with pytest.raises(sqlite3.OperationalError) as failure:
                db.execute(f"UPDATE {table} SET v = 'ours' WHERE {column} = '1'")
            assert failure.value.sqlite_errorname.startswith("SQLITE_BUSY")
            db.execute("ROLLBACK")
            assert not any("ours" in row for row in rows(place, table))


def test_views(place):
    db, remote = place
    remote.execute("TRUNCATE pair, serial; INSERT INTO pair VALUES(1, 'a', 'x'), (1, 'b', 'y')")
    db.execute("INSERT INTO seen VALUES(2, 'c', 'z')")
    assert rows(place, "pair") == ["(1, 'a', 'x')", "(1, 'b', 'y')", "(2, 'c', 'z')"]
    with pytest.raises(sqlite3.OperationalError, match="nothing tells its rows apart"):
        db.execute("INSERT INTO seen_serial VALUES(5, 'through')")
    db.execute("CREATE VIRTUAL TABLE keyed USING postgres(server=k, table=seen_serial, key=id)")
    db.execute("INSERT INTO keyed VALUES(5, 'new')")
    db.execute("UPDATE keyed SET v = 'through'")
    assert rows(place, "serial") == ["(5, 'through')"]


def test_a_key_with_null_finds_no_row(place):
    """What nothing equals is not there when it is looked for: a DELETE must not take it for gone already."""
    db, remote = place
    remote.execute("CREATE TABLE half(a int, b text, v text); CREATE VIEW seen_half AS SELECT * FROM half;"
                   "INSERT INTO half VALUES(1, NULL, 'x'), (2, 'b', 'y')")
    for name, key in ("halved", "'a,b'"), ("halved_1", "b"):
        db.execute(f"CREATE VIRTUAL TABLE {name} USING postgres(server=k, table=seen_half, key={key})")
        for sql in (f"DELETE FROM {name} WHERE v = 'x'", f"UPDATE {name} SET v = 'z' WHERE v = 'x'",
                    f"DELETE FROM {name}", f"""SELECT bridge_delete('{name}', '{{"v":"x"}}')"""):
            with pytest.raises(sqlite3.OperationalError, match="has a NULL in column \"b\""):
                db.execute(sql)
    db.execute("DELETE FROM halved WHERE v = 'y'")
    assert rows(place, "half") == ["(1, None, 'x')"]


@pytest.fixture(params=["postgres", "sqlite"])
def pairs(request, place, tmp_path):
    """A key of two columns and nothing else: a view with key=a,b, a WITHOUT ROWID table. (db, others' rows)"""
    db, remote = place
    if request.param == "postgres":
        remote.execute("TRUNCATE pair; INSERT INTO pair VALUES(1, 'a', 'x'), (1, 'b', 'y'), (2, 'a', 'x')")
        yield db, lambda: rows(place, "pair")
        return
    other = sqlite3.connect(tmp_path / "pairs.db", isolation_level=None)
    other.executescript("CREATE TABLE seen(a integer, b text, v text, PRIMARY KEY(a, b)) WITHOUT ROWID;"
                        "INSERT INTO seen VALUES(1, 'a', 'x'), (1, 'b', 'y'), (2, 'a', 'x')")
    own = sqlite.connect(isolation_level=None)
    own.execute("SELECT bridge_attach(?)", (f"sqlite:{tmp_path / 'pairs.db'}",))
    yield own, lambda: sorted(map(repr, other.execute("SELECT * FROM seen")))
    own.close()
    other.close()


def test_keys_of_several_columns(pairs):
    db, stored = pairs
    assert db.execute("UPDATE seen SET v = v || '!' WHERE a = 1 OR b = 'a'").rowcount == 3
    assert db.execute("UPDATE seen SET b = 'c', v = NULL WHERE a = 1 AND b = 'b'").rowcount == 1
    assert stored() == ["(1, 'a', 'x!')", "(1, 'c', None)", "(2, 'a', 'x!')"]
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed: seen.a, seen.b"):
        db.execute("UPDATE seen SET b = 'a' WHERE a = 1")
    db.execute("UPDATE seen SET v = 'from' FROM (SELECT 2 AS k) AS s WHERE a = s.k")
    db.execute("BEGIN")
    assert db.execute("DELETE FROM seen WHERE v IS NULL").rowcount == 1
    assert db.execute("UPDATE seen SET a = a + 10").rowcount == 2
    assert db.execute("SELECT a, v FROM seen ORDER BY a").fetchall() == [(11, "x!"), (12, "from")]
    db.execute("ROLLBACK")
    assert stored() == ["(1, 'a', 'x!')", "(1, 'c', None)", "(2, 'a', 'from')"]
    assert db.execute("DELETE FROM seen").rowcount == 3
    assert stored() == []


def test_a_rowid_made_of_a_key_stays(pairs):
    """It is the same in another statement, and that of a row which went is nobody else's."""
    db, stored = pairs
    before = dict(db.execute("SELECT rowid, b FROM seen WHERE a = 1").fetchall())
    assert dict(db.execute("SELECT rowid, b FROM seen WHERE v = 'y' OR b = 'a' AND a = 1").fetchall()) == before
    wanted, = [rowid for rowid, b in before.items() if b == "b"]
    for count in 1, 0:
        assert db.execute("DELETE FROM seen WHERE rowid = ?", (wanted,)).rowcount == count
        assert stored() == ["(1, 'a', 'x')", "(2, 'a', 'x')"]


def test_a_row_of_a_view_that_changed_since(place):
    db, remote = place
    remote.execute("TRUNCATE pair; INSERT INTO pair VALUES(1, 'a', 'x'), (1, 'b', 'y'), (2, 'a', 'x')")
    db.execute("BEGIN")
    assert len(db.execute("SELECT * FROM seen").fetchall()) == 3
    remote.execute("UPDATE pair SET v = 'theirs' WHERE a = 2")
    with pytest.raises(sqlite3.OperationalError) as failure:
        db.execute("UPDATE seen SET v = 'ours'")
    assert failure.value.sqlite_errorname.startswith("SQLITE_BUSY")
    db.execute("ROLLBACK")
    assert not any("ours" in row for row in rows(place, "pair"))


def test_a_view_takes_the_defaults_beneath_it(place):
    db, remote = place
    remote.execute("ALTER TABLE pair ALTER v SET DEFAULT 'beneath'; TRUNCATE pair")
    try:
        db.execute("INSERT INTO seen(a, b) VALUES(1, 'a')")
        db.execute("INSERT INTO seen(a, b, v) VALUES(2, 'b', NULL)")
        assert rows(place, "pair") == ["(1, 'a', 'beneath')", "(2, 'b', None)"]
    finally:
        remote.execute("ALTER TABLE pair ALTER v DROP DEFAULT")


def test_integrity(place):
    db, _ = place
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
