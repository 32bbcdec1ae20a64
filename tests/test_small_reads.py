"""Small reads: the index that serves a condition on text, and round trips counted on the wire, where
each costs ten milliseconds."""
import json
import time

import pytest

from support import sqlite
from support.proxy import Proxy

SETUP = """
    CREATE TABLE words (id int PRIMARY KEY, word text NOT NULL, code text UNIQUE, n int);
    INSERT INTO words SELECT i, 'word ' || i, 'c' || i, i % 100 FROM generate_series(1, 20000) i;
    CREATE INDEX by_word ON words (word);
    CREATE TABLE few (id int PRIMARY KEY, a text);
    INSERT INTO few SELECT i, 'a' || i FROM generate_series(1, 50) i;
"""


@pytest.fixture(scope="module")
def database(pg):
    pg.create_database("small_reads", "icu")
    pg.psql(SETUP, database="small_reads")
    pg.psql("VACUUM ANALYZE words", database="small_reads")
    pg.psql("VACUUM ANALYZE few", database="small_reads")
    return "small_reads"


def attach(url, *options):
    connection = sqlite.connect(isolation_level=None)
    marks = ", ?" * len(options)
    connection.execute(f"SELECT bridge_attach(?, 'name=s'{marks})", (url, *options))
    return connection


INDEXED = {
    "word = 'word 77'": "by_word", "word = 'Word 77'": "by_word", "word IS 'word 77'": "by_word",
    "word IN ('word 1', 'word 2')": "by_word", "code = 'c9'": "words_code_key",
    "code = 'c9' AND n = 9": "words_code_key", "id = 7": "words_pkey",
}


@pytest.mark.parametrize("condition, index", INDEXED.items())
def test_equality_uses_its_index(pg, database, condition, index):
    """By EXPLAIN of the very statement that was sent, with its values, under an ICU locale."""
    connection = attach(pg.url(database), "log_parameters=1")
    found = connection.execute(f"SELECT id FROM words WHERE {condition}").fetchall()
    statement, parameters = connection.execute(
        "SELECT statement, parameters FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()
    with pg.connect(database) as server:
        values = ", ".join("NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
                           for value in json.loads(parameters))
        server.execute(f"PREPARE asked AS {statement}")
        plan = "\n".join(line for line, in server.execute(f"EXPLAIN (ANALYZE) EXECUTE asked({values})"))
    assert f"using {index}" in plan or f"on {index}" in plan, plan
    assert "Seq Scan" not in plan
    assert len(found) == (0 if "Word" in condition else 2 if " IN " in condition else 1)
    connection.close()


TRIPS = {
    "SELECT word FROM words WHERE id = 7": 1,
    "SELECT word FROM words WHERE id = -7": 1,
    "SELECT id FROM words WHERE word = 'word 9'": 1,
    "SELECT id FROM words WHERE n = 7 LIMIT 5": 1,
    "SELECT id, word FROM words ORDER BY id LIMIT 10": 1,
    "SELECT count(*) FROM words": 1,
    "SELECT sum(n) FROM words WHERE id BETWEEN 5 AND 30": 1,
    "SELECT max(id) FROM words": 2,
    "SELECT * FROM few": 2,
    "SELECT a FROM few WHERE id = 1 UNION ALL SELECT word FROM words WHERE id = 1": 2,
}


def test_round_trips_at_ten_milliseconds(pg, database):
    with Proxy(("127.0.0.1", pg.port), latency_ms=10) as proxy:
        connection = attach(pg.url(database, host="127.0.0.1", port=proxy.port, sslmode="disable"))
        took = {}
        for sql in TRIPS:
            rows = connection.execute(sql).fetchall()
            for _ in range(3):  # statements are kept, what relations are is known
                connection.execute(sql).fetchall()
            time.sleep(0.1)  # the end of the last snapshot is answered, too
            before = proxy.counts.turns
            assert connection.execute(sql).fetchall() == rows
            took[sql] = proxy.counts.turns - before - 1  # nobody waits for the end of the snapshot
        connection.close()
    assert {sql: turns for sql, turns in took.items() if turns > TRIPS[sql]} == {}
