"""One statement sees one state of a server, whatever others write while it runs: its first read, those
that follow, and those of functions of the host's that it calls. As a SQLite file in WAL mode does."""
import sqlite3

import pytest

from support import sqlite

SETUP = """
    CREATE TABLE a (id integer PRIMARY KEY, k integer, v integer);
    CREATE TABLE b (id integer PRIMARY KEY, k integer, v integer);
"""
FILL = "INSERT INTO {} SELECT i, i / 4, 0 FROM {}"
WRITE = "UPDATE a SET v = v + 1", "UPDATE b SET v = v + 1"
# step(x) gives x, and somebody else writes; look(i) reads by a statement of its own. The last column, and
# those before it that are called v, are of one state.
STATEMENTS = [
    "SELECT v, look(step(id)) FROM a WHERE id = 7",
    "SELECT v, look(step(id)) FROM a WHERE k = 3",
    "SELECT v, look(step(id)) FROM a WHERE k = 3 ORDER BY id LIMIT 2",
    "SELECT v, look(step(id)) FROM a ORDER BY id LIMIT 3",
    "SELECT v, look(step(id)) FROM a LIMIT 3",
    "SELECT max(id) + look(step(40)) FROM a",
    'SELECT v, "look"(step(id)) FROM a WHERE id = 7',
    "SELECT v FROM a WHERE id = 7 AND look(step(id)) + v = 2 * v",
    "SELECT v FROM a WHERE id = 7 AND v = 'x' REGEXP step(id)",
    "SELECT a.v, b.v, step(a.id) * 0 + look(8) FROM a JOIN b ON b.id = step(a.id) WHERE a.id = 7",
    "SELECT v, (SELECT v FROM b WHERE b.id = step(a.id)) FROM a WHERE id = 7",
    "SELECT v + 0 * step(id) FROM a WHERE id = 7 UNION ALL SELECT v FROM b WHERE id = 8",
    "SELECT v, look(id) FROM a WHERE step(id) IN (SELECT id FROM b WHERE v = a.v) AND k = 2",
    "WITH c AS (SELECT v, step(id) AS i FROM a WHERE k = 3) SELECT c.v, b.v, look(i) FROM c JOIN b ON b.id = c.i",
    "SELECT v, look(step(id)) FROM both WHERE id = 7",
]


def functions(db, write):
    def step(x):
        write()
        return x

    db.create_function("step", 1, step)
    db.create_function("look", 1, lambda i: db.execute("SELECT v FROM b WHERE id = ?", (i,)).fetchone()[0])
    db.create_function("regexp", 2, lambda pattern, x: db.execute(
        "SELECT v FROM b WHERE id = ?", (write() or pattern,)).fetchone()[0])
    db.execute("CREATE TEMP VIEW both AS SELECT id, v FROM a UNION ALL SELECT id + 100, v FROM b")


@pytest.fixture(scope="module")
def remote(pg):
    pg.create_database("one_state")
    pg.psql(SETUP + ";".join(FILL.format(name, "generate_series(1, 40) i") for name in "ab"), database="one_state")
    pg.psql("VACUUM ANALYZE", database="one_state")
    db, other = sqlite.connect(isolation_level=None), sqlite.connect(isolation_level=None)
    for connection in (db, other):
        connection.execute("SELECT bridge_attach(?, 'name=s')", (pg.url("one_state"),))
    functions(db, lambda: [other.execute("SELECT bridge_exec('s', ?)", (sql,)).fetchall() for sql in WRITE] and None)
    yield db
    db.close()
    other.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    path = tmp_path_factory.mktemp("twin") / "twin.db"
    db, other = (sqlite3.connect(path, isolation_level=None) for _ in range(2))
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(SETUP)
    for name in "ab":
        db.execute(FILL.format(name, "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                               "WHERE i < 40) SELECT i FROM n)"))
    functions(db, lambda: [other.execute(sql) for sql in WRITE] and None)
    yield db
    db.close()
    other.close()


@pytest.mark.parametrize("place", ["local", "remote"])
@pytest.mark.parametrize("sql", STATEMENTS)
def test_one_state(request, place, sql):
    """Often enough that the server is trusted to tell of changes, and no transaction goes around a read."""
    db = request.getfixturevalue(place)
    for _ in range(1 if place == "local" else 6):
        (before,), = db.execute("SELECT v FROM a WHERE id = 9").fetchall()
        assert db.execute("SELECT v FROM b WHERE id = 9").fetchall() == [(before,)]
        found = db.execute(sql).fetchall()
        assert {value - (40 if "max" in sql else 0) for row in found for value in row} == {before}
        assert db.execute("SELECT v FROM a WHERE id = 9").fetchone()[0] > before
