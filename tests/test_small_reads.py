"""Small reads: the index that serves a condition on text, and round trips counted on the wire, where
each costs ten milliseconds."""
import json
import sqlite3
import time

import pytest

from support import sqlite
from support.proxy import Proxy

SETUP = """
    CREATE TABLE words (id int PRIMARY KEY, word text NOT NULL, code text UNIQUE, n int, lost int);
    INSERT INTO words SELECT i, 'word ' || i, 'c' || i, i % 100, nullif(i % 7, 0) FROM generate_series(1, 20000) i;
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
    "SELECT min(code) FROM words": 2,
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


ENDS = {
    "SELECT min(id) FROM words": 'SELECT "id" FROM "public"."words" ORDER BY "id" LIMIT 1',
    "select MIN(lost) from main.words as w;":
        'SELECT "lost" FROM "public"."words" WHERE "lost" IS NOT NULL ORDER BY "lost" LIMIT 1',
    "SELECT max(id) FROM words": 'SELECT "id" FROM "public"."words" ORDER BY "id" DESC LIMIT 1',
    "SELECT min(n), max(n) FROM words": 'SELECT "n" FROM "public"."words"',
    "SELECT min(n) + 1 FROM words": 'SELECT "n" FROM "public"."words"',
    "SELECT min(n) FROM words UNION ALL SELECT 1": 'SELECT "n" FROM "public"."words"',
    "SELECT min(lost) FROM words WHERE lost > 3": None,
}


def test_an_end_of_an_order_is_one_row(pg, database):
    """And what says more than that is read as it is said."""
    connection = attach(pg.url(database))
    local = sqlite3.connect(":memory:")
    local.execute("CREATE TABLE words (id int PRIMARY KEY, word text NOT NULL, code text UNIQUE, n int, lost int)")
    local.executemany("INSERT INTO words VALUES (?, ?, ?, ?, ?)", connection.execute("SELECT * FROM words"))
    for sql, sent in ENDS.items():
        assert connection.execute(sql).fetchall() == local.execute(sql.replace("main.", "")).fetchall(), sql
        statement = connection.execute("SELECT statement FROM bridge_log ORDER BY id DESC LIMIT 1").fetchone()[0]
        assert sent is None or statement == sent
    assert connection.execute("SELECT min(a) FROM few").fetchone() == ("a1",)
    pg.psql("CREATE TABLE void (id int PRIMARY KEY, a int)", database=database)
    connection.execute("SELECT bridge_refresh('s')")
    assert connection.execute("SELECT min(a) FROM void").fetchone() == (None,)
    pg.psql("INSERT INTO void VALUES (1, NULL), (2, NULL)", database=database)
    assert connection.execute("SELECT min(a) FROM void").fetchone() == (None,)
    connection.close()


class Count:
    """Not what min() is."""

    def __init__(self):
        self.rows = 0

    def step(self, value):
        self.rows += 1

    def finalize(self):
        return self.rows


def test_a_min_of_the_applications_own_sees_every_row(pg, database):
    connection = attach(pg.url(database))
    assert connection.execute("SELECT min(lost) FROM words").fetchone() == (1,)
    connection.create_aggregate("min", 1, Count)
    assert connection.execute("SELECT min(lost) FROM words").fetchone() == (20000,)
    connection.close()


# Statements that read one table once: the end of their snapshot travels with them.
ALONE = [
    "SELECT word FROM words WHERE id = 7",
    "select w.word from main.words as w where w.id = 7 and w.n = 7;",
    "SELECT \"word\" FROM \"words\" w WHERE id = -7",
    "SELECT max(id) FROM words",
    "SELECT id FROM words WHERE word = 'word 9'",
    "SELECT id, word FROM words ORDER BY id LIMIT 10",
    "SELECT word FROM words LIMIT ?1;",
    "SELECT min(n) FROM words",
]
# Others, which may ask again, and then have to see the same state of the server.
NOT_ALONE = [
    "SELECT word FROM words WHERE id = 7 UNION ALL SELECT word FROM words WHERE id = 8",
    "SELECT a.word FROM words a, words b WHERE a.id = 7 AND b.id = 8",
    "SELECT (SELECT word FROM words WHERE id = 8) FROM words WHERE id = 7",
    "SELECT word, other FROM temp.twice WHERE id = 7",
    "SELECT word, other FROM few WHERE id = 7",  # a view hides the table of that name
]


def test_the_snapshot_ends_with_the_answer(pg, database):
    """Counted on the wire, every turn of it: the end of a snapshot that goes apart is one more."""
    with Proxy(("127.0.0.1", pg.port)) as proxy:
        connection = attach(pg.url(database, host="127.0.0.1", port=proxy.port, sslmode="disable"))
        for view in ("twice", "few"):
            connection.execute(f"""CREATE TEMP VIEW {view} AS SELECT a.id, a.word, b.word AS other
                                   FROM main.words a JOIN main.words b ON b.id = a.id + 1""")
        took, statements = {}, {}
        for sql in ALONE + NOT_ALONE:
            values = (5,) * ("?" in sql)
            rows = connection.execute(sql, values).fetchall()
            for _ in range(9):
                assert connection.execute(sql, values).fetchall() == rows
            time.sleep(0.1)
            before = proxy.counts.turns
            sent = []
            proxy.rewrite = lambda side, data: sent.append(data) or data if side == "client" else data
            assert connection.execute(sql, values).fetchall() == rows
            time.sleep(0.1)
            proxy.rewrite = None
            took[sql] = proxy.counts.turns - before
            statements[sql] = b"".join(sent).count(b"\0drawbridge_")
        connection.close()
    assert {sql: took[sql] for sql in ALONE if took[sql] != 1} == {}
    assert {sql: took[sql] for sql in NOT_ALONE if took[sql] < 2} == {}
    # No BEGIN and COMMIT: the statement, its own probe where it gives one row, another beside it else.
    assert {sql: count for sql, count in statements.items() if sql in ALONE and
            count != (2 if "LIMIT" in sql or "'word 9'" in sql else 1)} == {}


def test_what_has_no_begin_reads_only(pg, database):
    """A policy that would write, under lookups that are trusted by then; and writes that follow them."""
    pg.psql("""DROP TABLE IF EXISTS guarded, noted; CREATE TABLE noted (a text);
               CREATE TABLE guarded (id int PRIMARY KEY, a text); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
               INSERT INTO guarded SELECT i, 'a' || i FROM generate_series(1, 50) i;
               DROP ROLE IF EXISTS watched; CREATE ROLE watched;
               GRANT ALL ON guarded, noted TO watched;
               CREATE OR REPLACE FUNCTION note() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
                   INSERT INTO public.noted SELECT current_setting('transaction_isolation');
                   RETURN true; EXCEPTION WHEN read_only_sql_transaction THEN RETURN true; END $$;
               CREATE POLICY noting ON guarded USING (public.note())""", database=database)
    connection = attach(pg.url(database), "tables=guarded", "role=watched")
    for _ in range(12):
        assert connection.execute("SELECT a FROM guarded WHERE id = 5").fetchall() == [("a5",)]
    assert pg.psql("SELECT count(*) FROM noted", database=database) == [(0,)]
    connection.execute("UPDATE guarded SET a = 'new' WHERE id = 5")
    assert pg.psql("SELECT DISTINCT a FROM noted", database=database) == [("repeatable read",)]
    assert connection.execute("SELECT a FROM guarded WHERE id = 5").fetchall() == [("new",)]
    connection.close()


def test_a_few_rows_that_are_many(pg, database):
    """More rows than the statistics speak of: asked for anew, before the first one is given."""
    pg.psql("DROP TABLE IF EXISTS few_of; CREATE TABLE few_of (id int PRIMARY KEY, k int, t text);"
            "CREATE INDEX ON few_of (k); INSERT INTO few_of SELECT i, i, 't' || i FROM generate_series(1, 5000) i",
            database=database)
    pg.psql("ANALYZE few_of", database=database)
    connection = attach(pg.url(database), "tables=few_of")
    sql = "SELECT id, t FROM few_of WHERE k = ? ORDER BY id"
    last = "SELECT statement, rows FROM bridge_log ORDER BY id DESC LIMIT 1"
    for _ in range(9):
        assert connection.execute(sql, (7,)).fetchall() == [(7, "t7")]
    assert connection.execute(last).fetchone()[0].endswith(" LIMIT 101")
    for many in (98, 1, 1, 3000):  # with the one there was: 99, 100, 101, 3101
        pg.psql(f"INSERT INTO few_of SELECT n + i, 7, 'more' FROM generate_series(1, {many}) i,"
                "(SELECT max(id) AS n FROM few_of) AS m", database=database)
        expected = [(int(i), t) for i, t in
                    pg.psql("SELECT id, t FROM few_of WHERE k = 7 ORDER BY id", database=database)]
        for _ in range(3):
            assert connection.execute(sql, (7,)).fetchall() == expected
        statement, rows = connection.execute(last).fetchone()
        assert statement.endswith(" LIMIT 101") == (len(expected) <= 100) and rows >= len(expected)
        assert connection.execute(sql, (8,)).fetchall() == [(8, "t8")]
        assert connection.execute("SELECT a.id FROM few_of a WHERE a.k = 7 AND a.t = 't7'").fetchall() == [(7,)]
    connection.close()


# What another client does between two of many lookups -> what the next one gives.
CHANGES = {
    "ANALYZE looked": [("a5",)],
    "VACUUM looked": [("a5",)],
    "UPDATE looked SET a = 'new' WHERE id = 5": [("new",)],
    "ALTER TABLE looked DROP CONSTRAINT looked_pkey; INSERT INTO looked VALUES (5, 'twin')":
        [("a5",), ("twin",)],
    "ALTER TABLE looked ALTER a TYPE bytea USING a::bytea": [(b"a5",)],
    "ALTER TABLE looked RENAME TO away; CREATE TABLE looked AS SELECT 5 AS id, 'other' AS a": [("other",)],
    "ALTER TABLE looked DROP COLUMN a": "no such column: a",
}


@pytest.mark.parametrize("lookups", [6, 12], ids=["beside a probe", "as its own probe"])
@pytest.mark.parametrize("change, expected", CHANGES.items())
def test_a_change_between_lookups(pg, database, change, expected, lookups):
    """By then the server is trusted to tell of changes, and the lookup takes its end along."""
    pg.psql("DROP TABLE IF EXISTS looked, away; CREATE TABLE looked (id int PRIMARY KEY, a text);"
            "INSERT INTO looked SELECT i, 'a' || i FROM generate_series(1, 50) i", database=database)
    connection = attach(pg.url(database), "tables=looked")
    for _ in range(lookups):
        assert connection.execute("SELECT a FROM looked WHERE id = 5").fetchall() == [("a5",)]
    for part in change.split("; "):
        pg.psql(part, database=database)
    for _ in range(3):
        if isinstance(expected, str):
            with pytest.raises(sqlite3.Error, match=expected):
                connection.execute("SELECT a FROM looked WHERE id = 5").fetchall()
        else:
            assert sorted(connection.execute("SELECT a FROM looked WHERE id = 5").fetchall()) == expected
    connection.close()


def test_a_lookup_that_is_its_own_probe(pg, database):
    """One statement tells the row and whether the relation is as it was: rows that are not there, too."""
    pg.psql("DROP TABLE IF EXISTS joined; CREATE TABLE joined (id int8 PRIMARY KEY, here bool, r numeric(8, 2), t varchar(9));"
            "INSERT INTO joined VALUES (1, NULL, NULL, NULL), (2, true, 2.25, ''), (3, false, 0, 'r')", database=database)
    connection = attach(pg.url(database), "tables=joined", "log=2")
    rows = {1: (1, None, None, None), 2: (2, 1, 2.25, ""), 3: (3, 0, 0, "r")}
    for sql in ("SELECT * FROM joined WHERE id = ?", "SELECT here, id FROM joined WHERE id = ? AND here IS NOT NULL",
                "SELECT rowid, t FROM joined AS j WHERE j.id = ? ORDER BY r LIMIT 3"):
        for turn in range(12):
            for key in (1, 4, 2, None, 3, 5):
                row = rows.get(key)
                if row is not None and sql.startswith("SELECT here"):
                    row = (row[1], row[0]) if row[1] is not None else None
                elif row is not None and sql.startswith("SELECT rowid"):
                    row = (row[0], row[3])
                assert connection.execute(sql, (key,)).fetchall() == ([row] if row is not None else [])
        statement, count = connection.execute("SELECT statement, rows FROM bridge_log ORDER BY id DESC").fetchone()
        assert "LEFT JOIN (SELECT true AS here, " in statement and count == 0
    assert connection.execute("SELECT max(id) FROM joined").fetchall() == [(3,)]
    connection.close()


def test_short_writes_come_again(pg, database):
    """What stands around them is prepared: after failures, and after somebody took that away, too."""
    pg.psql("DROP TABLE IF EXISTS short; CREATE TABLE short (id int PRIMARY KEY, a text)", database=database)
    connection = attach(pg.url(database), "tables=short")
    insert, number = "INSERT INTO short VALUES (?, 'a')", 0
    for between in ("SELECT a FROM short WHERE id = 2", "INSERT INTO short VALUES (1, 'twin')",
                    "SELECT bridge_exec('s', 'DO $$ BEGIN EXECUTE ''DEALLOCATE ALL''; END $$')", "SELECT 1"):
        for _ in range(4):
            number += 1
            connection.execute(insert, (number,))
            if "twin" in between:
                with pytest.raises(sqlite3.IntegrityError):
                    connection.execute(between)
            else:
                connection.execute(between).fetchall()
    connection.execute("UPDATE short SET a = 'b' WHERE id = 3")
    connection.close()
    assert pg.psql("SELECT count(*), max(id), min(a), max(a) FROM short", database=database) == [(16, 16, "a", "b")]
