"""Tables that change behind the back of a connection over PostgREST: what answers tell of it, and
what the description has to be asked for, since answers name no types."""
import pytest

from support import sqlite
from support.postgrest import Front, Postgrest
from support.remotes import connect, rows as select, value

SETUP = """
DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE t(id int PRIMARY KEY, a int, b varchar(5), m mood);
INSERT INTO t VALUES (1, 10, 'x', 'sad'), (2, NULL, 'y', 'happy');
"""


@pytest.fixture(scope="module")
def server(pg, tmp_path_factory):
    pg.create_database("rest_ddl", "icu")
    server = Postgrest(pg, "rest_ddl", ["public"], tmp_path_factory.mktemp("rd"), writes=True).start()
    yield server
    server.stop()


@pytest.fixture
def front(pg, server):
    change(pg, server, SETUP)
    with Front(server) as front:
        yield front


@pytest.fixture
def db(front):
    db = connect()
    value(db, "SELECT bridge_attach(?, 'name=r', 'as=r')", front.url)
    assert len(select(db, "SELECT * FROM r.t")) == 2
    yield db
    db.close()


def change(pg, server, sql):
    """Statements that the server has prepared know the tables as they were, which those of PostgREST
    do not: it starts anew."""
    for statement in sql.split("; "):
        pg.psql(statement, database="rest_ddl")
    server.stop()
    server.start()


RETYPED = "ALTER TABLE t ALTER a TYPE text USING coalesce(a::text, 'abc')"
CHANGES = {  # change -> (query, the rows as they are then)
    "a column more": ("ALTER TABLE t ADD n int DEFAULT 5", "SELECT * FROM r.t ORDER BY id",
                      [(1, 10, "x", "sad"), (2, None, "y", "happy")]),
    "a column less": ("ALTER TABLE t DROP b", "SELECT * FROM r.t ORDER BY id",
                      [(1, 10, "sad"), (2, None, "happy")]),
    "a column renamed": ("ALTER TABLE t RENAME b TO c", "SELECT c FROM r.t ORDER BY id", None),
    "two columns swapped": ("ALTER TABLE t RENAME a TO z; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME z TO b",
                            "SELECT id, a, b FROM r.t ORDER BY id", [(1, "x", 10), (2, "y", None)]),
    "another type": (RETYPED, "SELECT a, typeof(a) FROM r.t ORDER BY id", [("10", "text"), ("abc", "text")]),
    "a fraction": ("ALTER TABLE t ALTER a TYPE numeric USING a + 0.5", "SELECT a FROM r.t WHERE id = 1", [(10.5,)]),
    "another type, looked for": (RETYPED, "SELECT id FROM r.t WHERE a = 'abc'", [(2,)]),
    "another type, counted": (RETYPED, "SELECT count(*) FROM r.t WHERE a = 'abc'", [(1,)]),
    "another type, joined": (RETYPED, "SELECT t.id FROM (SELECT 'abc' AS k UNION ALL SELECT 'ab') k "
                                      "JOIN r.t ON t.a = k.k", [(2,)]),
    "a longer type": ("ALTER TABLE t ALTER b TYPE text; UPDATE t SET b = 'longer' WHERE id = 1",
                      "SELECT id FROM r.t WHERE b = 'longer'", [(1,)]),
    "a label more": ("ALTER TYPE mood ADD VALUE 'new'; UPDATE t SET m = 'new' WHERE id = 1",
                     "SELECT id FROM r.t WHERE m = 'new'", [(1,)]),
    "no key any more": ("ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ALTER id DROP NOT NULL; "
                        "UPDATE t SET id = NULL WHERE id = 1", "SELECT b FROM r.t WHERE id IS NULL", [("x",)]),
    "a view instead": ("ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT id, a, b, m FROM u UNION ALL "
                       "SELECT 1, 10, 'x', 'sad' UNION ALL SELECT NULL, 0, 'n', NULL",
                       "SELECT count(*) FROM r.t WHERE id IS NULL", [(1,)])}


USUAL = ("a column less", "another type", "another type, looked for", "no key any more")


@pytest.mark.parametrize("what", [what if what in USUAL else pytest.param(what, marks=pytest.mark.slow)
                                  for what in CHANGES])
def test_changes_are_noticed(pg, server, db, what):
    ddl, query, want = CHANGES[what]
    change(pg, server, ddl)
    if want is None:  # the words of the query are not those that were attached
        assert sqlite.error(db, query)
        assert "remote table changed" in sqlite.error(db, "SELECT b FROM r.t")[1] \
            or select(db, "SELECT 1 FROM pragma_table_info('t', 'r') WHERE name = 'c'")
        want = [("x",), ("y",)]
    assert select(db, query) == want


def test_a_column_more_is_shown_when_asked_for(pg, server, db):
    change(pg, server, "ALTER TABLE t ADD n int DEFAULT 5")
    assert value(db, "SELECT bridge_refresh('r')") == 1
    assert select(db, "SELECT id, n FROM r.t ORDER BY id") == [(1, 5), (2, 5)]


def test_what_cannot_match_is_asked_once_per_statement(db, front):
    before = len(front.requests)
    assert select(db, "SELECT count(*) FROM r.t WHERE a = 'abc' OR a = 'abd'") == [(0,)]
    assert len(front.requests) - before == 2  # a page without rows, and the description
    before = len(front.requests)
    assert select(db, "SELECT k.value FROM json_each('[\"a\",\"b\",\"c\"]') k JOIN r.t ON t.a = k.value") == []
    assert len(front.requests) - before == 2
    before = len(front.requests)
    assert select(db, "SELECT * FROM r.t WHERE a = NULL") == []


def test_writes_to_what_is_there_no_more(pg, server, db):
    change(pg, server, "ALTER TABLE t DROP b")
    for sql in ("INSERT INTO r.t(id, b) VALUES (3, 'z')", "UPDATE r.t SET b = 'z'"):
        assert sqlite.error(db, sql)
    assert select(db, "SELECT * FROM r.t ORDER BY id") == [(1, 10, "sad"), (2, None, "happy")]
    change(pg, server, "DROP TABLE t")
    for sql in ("SELECT * FROM r.t", "SELECT * FROM r.t WHERE a = 'abc'", "DELETE FROM r.t",
                "INSERT INTO r.t(id) VALUES (9)"):
        assert "no such table" in sqlite.error(db, sql)[1] or "changed" in sqlite.error(db, sql)[1] \
            or "does not exist" in sqlite.error(db, sql)[1], sqlite.error(db, sql)
