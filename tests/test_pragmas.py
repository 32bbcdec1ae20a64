"""What a host may set with PRAGMA changes nothing about the answers of attached tables: they are those of a
local twin, whose main database has the same settings."""
import os
import sqlite3

import pytest

from support import sqlite

TABLES = """
CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE item(id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER DEFAULT 7, own INTEGER REFERENCES owner(id));
CREATE TABLE word(w TEXT NOT NULL PRIMARY KEY, n INTEGER){};
INSERT INTO owner VALUES (1, 'Ann'), (2, 'bob'), (3, 'Çid'), (4, '\U0001F600x'), (5, '\uFFFDz'), (6, 'aB');
INSERT INTO item VALUES (1, 'a', 1, 1), (2, 'B', 50, 2), (3, NULL, NULL, NULL), (5, 'é', 80, 1);
INSERT INTO word VALUES ('a', 1), ('B', 2), ('b', 3), ('7', 3), ('07', NULL), ('\U0001F600', 5), ('\uFFFD', 6), ('', 7);
"""
# One by one on both sides; where no order is asked for rows are sorted.
STATEMENTS = [
    "SELECT * FROM owner ORDER BY name", "SELECT name FROM owner WHERE name > 'Z' ORDER BY name DESC",
    "SELECT * FROM item WHERE code LIKE 'B%' OR code = 'A'", "SELECT * FROM owner WHERE name LIKE 'a%'",
    "SELECT w FROM word WHERE w < '\U0001F600' ORDER BY w LIMIT 9", "SELECT min(w), max(w), count(*) FROM word",
    "SELECT w FROM word WHERE w IN ('a', '\U0001F600', '7') ORDER BY w", "SELECT * FROM word ORDER BY w LIMIT 3",
    "SELECT o.name, i.code FROM owner o LEFT JOIN item i ON i.own = o.id ORDER BY o.name, i.code",
    "SELECT (SELECT name FROM owner o WHERE o.id = i.own), code FROM item i ORDER BY i.id",
    "SELECT a.id, b.id FROM owner a, owner b WHERE a.name < b.name", "SELECT hex(w), typeof(w) FROM word",
    "INSERT INTO item(id, code, own) VALUES (9, 'new', 2)", "INSERT INTO item(id, code) VALUES (10, 'a')",
    "INSERT INTO word VALUES ('\U0001F601x', 9)", "SELECT n FROM word WHERE w = '\U0001F601x'",
    "INSERT OR REPLACE INTO word VALUES ('a', 100)", "INSERT INTO item(id, own) VALUES (11, 999)",
    "BEGIN", "DELETE FROM item WHERE own = 1", "SAVEPOINT s", "DELETE FROM word WHERE w >= 'a'", "SELECT * FROM word",
    "ROLLBACK TO s", "SELECT * FROM word", "COMMIT", "SELECT * FROM item", "PRAGMA integrity_check", "PRAGMA foreign_key_check",
]
BULK = [
    ("bridge_insert('word', '[{\"w\": \"zz\", \"n\": 1}, {\"w\": \"yy\"}]')", '[{"w":"zz","n":1},{"w":"yy","n":null}]'),
    ("bridge_update('word', '{\"n\": 3}', '{\"w\": \"zz\"}')", '[{"w":"zz","n":3}]'),
    ("bridge_upsert('word', '[{\"w\": \"zz\", \"n\": 9}]', 'w')", '[{"w":"zz","n":9}]'),
    ("bridge_delete('word', '{\"w\": \"zz\"}')", '[{"w":"zz","n":9}]'),
]
SETTINGS = ["encoding = 'UTF-16'", "encoding = 'UTF-16be'", "case_sensitive_like = 1", "reverse_unordered_selects = 1",
            "count_changes = 1", "full_column_names = 1", "recursive_triggers = 1", "trusted_schema = 0",
            "query_only = 1", "ignore_check_constraints = 1", "locking_mode = EXCLUSIVE"]


def said(db, sql):
    try:
        cursor = db.execute(sql)
        found = cursor.fetchall()
        names = [column[0] for column in cursor.description or []]
    except sqlite3.Error as failure:
        return failure.sqlite_errorcode, str(failure).partition("\n")[0]
    return names, found if "ORDER BY" in sql else sorted(map(repr, found))


@pytest.fixture(scope="module")
def shop(pg):
    return pg.create_database(f"pragmas_{os.getpid()}")


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_pragma_changes_no_answer(pg, shop, setting):
    with pg.connect(shop) as connection:
        connection.execute("DROP TABLE IF EXISTS owner, item, word")
        connection.execute(TABLES.format(""))
    attached, local = sqlite.connect(isolation_level=None), sqlite3.connect(":memory:", isolation_level=None)
    for db in (attached, local):
        if "encoding" in setting:
            db.execute(f"PRAGMA {setting}")
    attached.execute("SELECT bridge_attach(?, 'name=shop')", (pg.url(shop),)).fetchall()
    local.executescript(TABLES.format(" WITHOUT ROWID") + "PRAGMA foreign_keys = 1")
    for db in (attached, local):
        db.execute(f"PRAGMA {setting}").fetchall()
    for sql in STATEMENTS:
        assert said(attached, sql) == said(local, sql), sql
    for call, answer in BULK:
        if setting.startswith("query_only"):
            assert said(attached, f"SELECT {call}") == (sqlite3.SQLITE_READONLY, "PRAGMA query_only is on")
        else:
            assert attached.execute(f"SELECT {call}").fetchone()[0] == answer
    attached.close()
