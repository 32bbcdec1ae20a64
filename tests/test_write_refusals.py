"""UPDATE ... FROM sends only what its SET names, and what cannot be told or done is refused."""
import json

import pytest

from support import sqlite
from support.remotes import attach, connect, pg_remote, remote, rows, value

WIDE = "12345678901234567890.0123456789"


def say(db, *statements):
    for sql in statements:
        db.execute(sql).fetchall()


@pytest.fixture
def wide(pg_remote):
    """Columns that show less than they hold. `twice` no one may send."""
    pg_remote.run(f"""
        CREATE TABLE wide(id integer PRIMARY KEY, n numeric(30,10), f real, "odd, = name" text, c text,
            twice integer GENERATED ALWAYS AS (id * 2) STORED);
        INSERT INTO wide VALUES (1, {WIDE}, 0.1, 'p', 'x'), (2, {WIDE}, 0.1, 'q', 'y')""")
    db = connect()
    attach(db, pg_remote, "name=shop")
    say(db, "CREATE TABLE s(id integer primary key, v)", "INSERT INTO s VALUES(1, 'one'), (2, 'two')")
    yield db, lambda: [tuple(json.loads(row).values()) for row, in rows(
        db, "SELECT row FROM bridge_query('shop', "
            "'SELECT id, n::text, f::text, \"odd, = name\", c, twice FROM wide ORDER BY id')")]
    db.close()


def same(row, **changes):
    names = ("id", "n", "f", "odd", "c", "twice")
    return tuple(changes.get(name, old) for name, old in zip(names, row))


@pytest.mark.parametrize("sql, changes", [
    ("UPDATE wide SET c = s.v FROM s WHERE s.id = wide.id", {"c": "one"}),
    ('UPDATE OR FAIL main.wide AS w SET "c" = s.v, [odd, = name] = (CASE WHEN 1 THEN s.v END) '
     "FROM s WHERE s.id = w.id", {"c": "one", "odd": "one"}),
    ("WITH k AS (SELECT * FROM s) UPDATE wide SET (c, `odd, = name`) = (k.v, 'a,n=1') FROM k WHERE k.id = wide.id",
     {"c": "one", "odd": "a,n=1"}),
    ("UPDATE wide SET c = s.v IS DISTINCT FROM 'one', f = 0.5 FROM s WHERE s.id = wide.id",
     {"c": "0", "f": "0.5"}),
    ("UPDATE wide /* SET n = 1 */ SET c = 'n = 1, f = 2' FROM s, (SELECT 1 AS n) AS n WHERE s.id = wide.id "
     "AND n.n = 1", {"c": "n = 1, f = 2"}),
    ("UPDATE wide SET n = 1.5 FROM s WHERE s.id = wide.id", {"n": "1.5000000000"}),
], ids=["one", "quoted", "row value", "distinct from", "words elsewhere", "itself"])
def test_update_from_sends_what_set_names(wide, sql, changes):
    db, stored = wide
    before = stored()
    assert before[0][1] == WIDE
    say(db, sql + " AND s.id = 1" if " s.id" in sql else sql + " AND k.id = 1")
    assert stored() == [same(before[0], **changes), before[1]]


def test_update_from_with_named_parameters(wide):
    """Some are called like the words that end a SET."""
    db, stored = wide
    before = stored()
    db.execute('UPDATE wide SET c = :from, "odd, = name" = @where, f = $order FROM s WHERE s.id = wide.id AND s.id = 1',
               {"from": "a", "where": "b", "order": 0.5})
    assert stored() == [same(before[0], c="a", odd="b", f="0.5"), before[1]]


def test_update_from_in_triggers(wide):
    db, stored = wide
    before = stored()
    say(db, "CREATE TABLE l(id, v)", "CREATE TRIGGER l1 AFTER INSERT ON l BEGIN "
        "UPDATE wide SET c = s.v FROM s WHERE s.id = wide.id AND s.id = new.id; END", "INSERT INTO l VALUES(1, 'x')")
    assert stored() == [same(before[0], c="one"), before[1]]
    say(db, "CREATE TRIGGER l2 AFTER DELETE ON l BEGIN UPDATE wide SET n = 1 WHERE id = 2; END", "INSERT INTO l VALUES(2, 'x')")
    assert stored() == [same(before[0], c="one"), same(before[1], c="two")]  # SQLite marks what l2 leaves alone
    say(db, "DELETE FROM l WHERE id = 2")
    assert stored() == [same(before[0], c="one"), same(before[1], c="two", n="1.0000000000")]
    say(db, "UPDATE wide SET (n, c) = (2, 'old') WHERE id = 2",
        "CREATE TRIGGER l3 AFTER UPDATE ON l BEGIN UPDATE wide SET n = 1 FROM s WHERE s.id = wide.id; END")
    text = sqlite.error(db, "INSERT INTO l VALUES(2, 'x')")[1]
    assert 'cannot tell whether this UPDATE sets column "n" of table "wide"' in text and "WHERE key IN" in text
    assert stored() == [same(before[0], c="one"), same(before[1], c="old", n="2.0000000000")]
    say(db, "UPDATE wide SET c = (SELECT v FROM s WHERE s.id = wide.id) WHERE id IN (SELECT id FROM s)")
    assert stored() == [same(before[0], c="one"), same(before[1], c="two", n="2.0000000000")]


def test_update_from_of_the_key(remote):
    remote.run("CREATE TABLE k(id integer primary key, v text); INSERT INTO k VALUES (1, 'x'), (2, 'y')")
    db = connect()
    attach(db, remote)
    say(db, "UPDATE k SET rowid = s.a FROM (SELECT 7 AS a) AS s WHERE id = 1")
    say(db, "UPDATE k SET id = s.a, v = 'z' FROM (SELECT 8 AS a) AS s WHERE id = 2")
    assert rows(db, "SELECT * FROM k ORDER BY id") == [(7, "x"), (8, "z")]
    db.close()


def test_views_without_a_key(pg_remote):
    """bridge_tables says beforehand what a write will say."""
    pg_remote.run("CREATE TABLE pair(a integer, b text, primary key(a, b)); CREATE VIEW seen AS SELECT * FROM pair")
    db = connect()
    attach(db, pg_remote, "name=shop")
    for sql in ("INSERT INTO seen VALUES(2, 'x')", "UPDATE seen SET b = 'w'", "DELETE FROM seen"):
        said = sqlite.error(db, sql)[1]
        assert "nothing tells its rows apart" in said and "with key=" in said
    assert rows(db, "SELECT writable, why_not FROM bridge_tables WHERE name = 'seen'") == [
        (0, "nothing tells its rows apart")]
    db.close()


def test_a_key_whose_values_look_alike(pg_remote):
    pg_remote.run("CREATE TABLE wide(n numeric, b text, v text); CREATE VIEW seen AS SELECT * FROM wide;"
                  f"INSERT INTO wide VALUES ({WIDE}, 'x', 'y'), ({WIDE}1, 'x', 'z')")
    db = connect()
    attach(db, pg_remote, "name=shop", "except=seen")
    say(db, "CREATE VIRTUAL TABLE seen USING postgres(server=shop, table=seen, key='n,b')")
    for sql in ("INSERT INTO seen VALUES(2, 'x', 'z')", "UPDATE seen SET v = 'w'", "DELETE FROM seen"):
        assert "nothing tells its rows apart" in sqlite.error(db, sql)[1]
    db.close()


TREES = """
CREATE TABLE tree(id integer primary key, up integer references tree(id) on delete cascade);
CREATE TABLE named(id text primary key, up text references named(id) on delete cascade){without};
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, NULL);
INSERT INTO named VALUES ('a', NULL), ('b', 'a'), ('c', 'b'), ('d', NULL);
"""
KEEPS = {
    "sqlite": "CREATE TRIGGER keeps BEFORE DELETE ON tree WHEN old.id = 4 BEGIN SELECT RAISE(IGNORE); END",
    "postgres": "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
                "CREATE TRIGGER keeps BEFORE DELETE ON tree FOR EACH ROW WHEN (OLD.id = 4) EXECUTE FUNCTION keep()",
}


@pytest.mark.parametrize("begin", ["", "BEGIN"])
@pytest.mark.parametrize("table, key", [("tree", 3), ("named", "'c'")])
def test_a_delete_passes_over_what_a_cascade_deleted(remote, begin, table, key):
    remote.run(TREES.format(without=" without rowid" if remote.driver == "sqlite" else ""))
    db = connect()
    attach(db, remote)
    if begin:
        say(db, begin)
    say(db, f"DELETE FROM {table} WHERE id <= {key}")
    assert rows(db, f"SELECT up FROM {table}") == [(None,)]
    say(db, f"DELETE FROM {table}", *(["COMMIT"] if begin else []))
    assert value(db, f"SELECT count(*) FROM {table}") == 0
    db.close()


@pytest.mark.parametrize("begin", ["", "BEGIN"])
def test_a_row_that_a_trigger_keeps_is_not_passed_over(remote, begin):
    remote.run(TREES.format(without="") + KEEPS[remote.driver])
    db = connect()
    attach(db, remote)
    if begin:
        say(db, begin)
    text = sqlite.error(db, "DELETE FROM tree")[1]
    assert "gone" in text and "cascade or trigger of the remote in this same statement" in text
    assert value(db, "SELECT count(*) FROM tree") == 4
    db.close()


def test_a_row_without_a_key_that_a_trigger_moved(pg_remote):
    """It is at another place: still there, and not to be found."""
    pg_remote.run("CREATE TABLE moved(a integer, n integer); INSERT INTO moved VALUES (1, 0), (2, 0);"
                  "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE moved SET n = n + 1; "
                  "RETURN NULL; END'; CREATE TRIGGER moves AFTER DELETE ON moved FOR EACH ROW EXECUTE FUNCTION move()")
    db = connect()
    attach(db, pg_remote)
    assert "gone" in sqlite.error(db, "DELETE FROM moved")[1]
    assert rows(db, "SELECT * FROM moved") == [(1, 0), (2, 0)]
    db.close()


def test_returning_the_rowid(remote):
    remote.run("CREATE TABLE loose(a integer, b text); CREATE TABLE k(id integer primary key, v text)")
    db = connect()
    attach(db, remote)
    for name in ("rowid", '"OID"', "a + (_rowid_)"):
        assert "cannot show the rowid" in sqlite.error(db, f"INSERT INTO loose VALUES(1, 'x') RETURNING {name}")[1]
    assert value(db, "SELECT count(*) FROM loose") == 0
    assert rows(db, "INSERT INTO loose VALUES(1, 'rowid') RETURNING b, 'rowid'") == [("rowid", "rowid")]
    assert "cannot show the rowid" in sqlite.error(db, "INSERT INTO k VALUES(5, 'x') RETURNING rowid")[1]
    assert rows(db, "INSERT INTO k VALUES(5, 'x') RETURNING id") == [(5,)]
    assert "RETURNING" in sqlite.error(db, "INSERT INTO k(v) VALUES('y') RETURNING rowid")[1]
    db.close()
