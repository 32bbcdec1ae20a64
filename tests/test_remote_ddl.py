"""The remote's tables change behind our back: every kind of change, at every moment.

What a statement gives is right by the definition that the table has then, or by the one it had
when the statement's snapshot began; or it is an error that says that the table changed, and the
next run (after bridge_refresh at the latest) is right again. Right is what a connection that was
never told of the old definition sees."""
import concurrent.futures
import os
import threading
import time

import apsw
import pytest

from support import canary, sqlite

BASE = """
    DROP SCHEMA IF EXISTS ddl CASCADE;
    DROP SCHEMA IF EXISTS ddl2 CASCADE;
    CREATE SCHEMA ddl;
    SET search_path = ddl;
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL, n numeric(10,2) NOT NULL, u int UNIQUE NOT NULL,
                    m mood, k bigint NOT NULL);
    INSERT INTO t SELECT i, 'Word ' || i % 7, i * 1.25, i * 10, 'ok', i FROM generate_series(1, 60) i;
    CREATE TABLE w (a text PRIMARY KEY, b int NOT NULL);
    INSERT INTO w SELECT 'key ' || i, i FROM generate_series(1, 60) i;
    CREATE TABLE other AS SELECT i AS id FROM generate_series(1, 3000) i;
    CREATE TABLE parts (id int NOT NULL, a text) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (100);
    INSERT INTO parts SELECT i, 'p' || i FROM generate_series(1, 50) i;
"""

# name -> what another client does. Where rows are put in they would be lost, shown wrongly or
# shown twice by the old definition.
CHANGES = {
    "column dropped": "ALTER TABLE t DROP COLUMN a",
    "first column dropped": "ALTER TABLE t DROP COLUMN id",
    "column renamed": "ALTER TABLE t RENAME a TO b",
    "columns swapped": "ALTER TABLE t RENAME k TO x; ALTER TABLE t RENAME u TO k; ALTER TABLE t RENAME x TO u",
    "text to bytea": "ALTER TABLE t ALTER a TYPE bytea USING convert_to(a, 'UTF8')",
    "int to bigint": "ALTER TABLE t ALTER u TYPE bigint USING u + 5000000000",
    "bigint to text": "ALTER TABLE t ALTER k TYPE text USING 'k' || k",
    "bigint to double": "ALTER TABLE t ALTER k TYPE double precision USING k + 0.5",
    "key retyped": "ALTER TABLE t ALTER id TYPE numeric(20,3) USING id + 0.125",
    "precision widened": "ALTER TABLE t ALTER n TYPE numeric(30,12) USING n + 0.000000000001",
    "precision narrowed": "ALTER TABLE t ALTER n TYPE numeric(8,1)",
    "column added": "ALTER TABLE t ADD z int DEFAULT 7",
    "column added by rewriting": "ALTER TABLE t ADD z float8 DEFAULT random()",
    "column dropped and added": "ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD a text NOT NULL DEFAULT 'new'",
    "table dropped": "DROP TABLE t",
    "table renamed": "ALTER TABLE t RENAME TO t2",
    "table recreated alike": "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL, n numeric(10,2) NOT NULL,"
        " u int UNIQUE NOT NULL, m mood, k bigint NOT NULL); INSERT INTO t VALUES (5, 'five', 5, 50, 'sad', 5)",
    "table recreated otherwise": "DROP TABLE t; CREATE TABLE t (k int, a int, id text);"
        " INSERT INTO t VALUES (NULL, 1, 'x'), (2, NULL, 'x')",
    "table replaced by a view": "ALTER TABLE t RENAME TO t2; CREATE VIEW t AS SELECT * FROM t2 UNION ALL SELECT * FROM t2",
    "table replaced by a partitioned one": "ALTER TABLE t RENAME TO t2; CREATE TABLE t (LIKE t2) PARTITION BY LIST (k);"
        " CREATE TABLE t_rest PARTITION OF t DEFAULT; INSERT INTO t SELECT * FROM t2; INSERT INTO t SELECT * FROM t2",
    "collation changed": "ALTER TABLE t ALTER a TYPE text COLLATE blind; UPDATE t SET a = upper(a) WHERE id < 30",
    "NOT NULL dropped": "ALTER TABLE t ALTER a DROP NOT NULL; UPDATE t SET a = NULL WHERE id % 2 = 0",
    "NOT NULL of a key dropped": "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ALTER id DROP NOT NULL;"
        " INSERT INTO t SELECT NULL, a, n, u + 1000, m, k FROM t WHERE k < 4",
    "primary key dropped": "ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT id, a, n, u + 1000, m, k FROM t",
    "unique dropped": "ALTER TABLE t DROP CONSTRAINT t_u_key; INSERT INTO t SELECT id + 1000, a, n, u, m, k FROM t",
    "text key dropped": "ALTER TABLE w DROP CONSTRAINT w_pkey; INSERT INTO w SELECT a, b + 1000 FROM w",
    "key moved": "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (k);"
        " INSERT INTO t SELECT id, a, n, u + 1000, m, k + 1000 FROM t",
    "label added": "ALTER TYPE mood ADD VALUE 'angry' BEFORE 'sad'",
    "label renamed": "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
    "partition added": "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);"
        " INSERT INTO parts SELECT i, 'q' || i FROM generate_series(100, 150) i",
    "partition detached": "ALTER TABLE parts DETACH PARTITION parts_1",
    "schema renamed": "ALTER SCHEMA ddl RENAME TO ddl2",
    "rewritten": "VACUUM FULL t",
}

# Statements that would go wrong in a way of their own if the old definition were believed.
QUERIES = [
    "SELECT * FROM t",
    "SELECT id, a FROM t WHERE a <> 'Word 1'",
    "SELECT id, a FROM t WHERE a = 'Word 1'",
    "SELECT id FROM t WHERE a = 'WORD 1' OR k = 7",
    "SELECT k FROM t WHERE a IS NULL",
    "SELECT k FROM t WHERE a IS NOT 'Word 1'",
    "SELECT count(*) FROM t",
    "SELECT count(a), sum(n), max(k) FROM t",
    "SELECT k, u FROM t WHERE id = 5",
    "SELECT k FROM t WHERE u = 50",
    "SELECT k FROM t WHERE id IN (3, 4, 5) OR u IN (50, 60)",
    "SELECT n FROM t WHERE n = 6.25",
    "SELECT id FROM t ORDER BY k DESC LIMIT 3",
    "SELECT k FROM t ORDER BY id",
    "SELECT m FROM t WHERE m = 'ok'",
    "SELECT rowid > 0, a FROM t WHERE k < 9",
    "SELECT b FROM w WHERE a = 'key 5'",
    "SELECT b FROM w WHERE a = 'key 5' OR b = 7",
    "SELECT * FROM parts",
    "SELECT rowid IS NULL, id FROM parts WHERE a > 'p2'",
]

MOMENTS = ["before first use", "between statements", "inside BEGIN", "beside an open cursor",
           "after a local first arm", "into a local table"]


@pytest.fixture(scope="module")
def database(pg):
    pg.create_database("ddl")
    yield "ddl"
    pg.drop_database("ddl")


def attach(pg, database, schema="ddl"):
    """apsw: its statements are prepared once and run again, and cursors stay where they are."""
    connection = sqlite.connect_newest()
    connection.execute("ATTACH ':memory:' AS aux; CREATE TABLE aux.local(x); "
                       "INSERT INTO aux.local VALUES ('l1'), ('l2')")
    list(connection.execute("SELECT bridge_attach(?, 'name=s', 'schema=' || ?)",
                            (pg.url(database), schema)))
    return connection


def answer(connection, sql):
    """Its rows, sorted where the statement does not, or the error's words."""
    rows = []
    try:
        for row in connection.execute(sql):
            rows.append(row)
    except apsw.Error as failure:
        return canary.seen(str(failure))
    return rows if "ORDER BY" in sql else sorted(rows, key=repr)


def truth(pg, database, change, queries):
    """What a connection sees that attached after the change: in the end, and until bridge_refresh
    shows an added column."""
    if change == "schema renamed":  # it cannot even be attached
        return dict.fromkeys(queries, "no such table"), dict.fromkeys(queries, "no such table")
    fresh = attach(pg, database, "ddl")
    answers = {sql: answer(fresh, sql) for sql in queries}
    until = dict(answers)
    if change in ("column added", "column added by rewriting"):
        until["SELECT * FROM t"] = sorted(fresh.execute("SELECT id, a, n, u, m, k FROM t"), key=repr)
    fresh.close()
    return answers, until


def wrap(sql, moment):
    if moment == "after a local first arm":
        width = 6 if sql == "SELECT * FROM t" else 2 if sql == "SELECT * FROM parts" else \
            sql.split(" FROM ")[0].count(",") + 1
        if "ORDER BY" in sql or "count(a)" in sql:
            sql = f"SELECT * FROM ({sql})"
        return f"SELECT {', '.join(['x'] * width)} FROM aux.local UNION ALL {sql}", width
    return sql, 0


def is_failure(found):
    return isinstance(found, str)


# What a failure may say: never just that something is wrong.
KNOWN = ("remote table changed", "does not exist", "no such column", "no such table",
         "run the statement again", "was replaced or rewritten")


def unasked(sql, found):
    """SQLite knows by itself that no row of a NOT NULL column is NULL: the remote is not asked,
    and nobody can notice."""
    return "a IS NULL" in sql and found == []


def check(found, wanted, sql, change, moment, old, problems):
    if is_failure(found):
        if not any(words in found for words in KNOWN):
            problems.append((sql, found))
    elif unasked(sql, found):
        pass
    elif found != wanted and not (moment == "beside an open cursor" and found == old):
        # A cursor that was open before the change shows the state that it began with.
        problems.append((sql, "found", found[:4], len(found), "wanted", wanted[:4], len(wanted)))


def run_one(connection, sql, moment):
    if moment == "into a local table":
        connection.execute("DROP TABLE IF EXISTS aux.copy")
        try:
            connection.execute(f"CREATE TABLE aux.copy AS {sql}")
        except apsw.Error as failure:
            assert not list(connection.execute("SELECT 1 FROM aux.sqlite_schema WHERE name = 'copy'"))
            return canary.seen(str(failure))
        return answer(connection, "SELECT * FROM aux.copy" + (" ORDER BY rowid" if "ORDER BY" in sql else ""))
    sql, width = wrap(sql, moment)
    found = answer(connection, sql)
    if width and not is_failure(found):
        local = [(f"l{i}",) * width for i in (1, 2)]
        for row in local:
            assert row in found, (sql, found[:4])
            found.remove(row)
    return found


def prepare(pg, database, sql, moment):
    """A connection at that moment, and what the statement gave before."""
    connection = attach(pg, database)
    old = run_one(connection, sql, moment) if moment != "before first use" else None
    if moment == "inside BEGIN":
        connection.execute("BEGIN; INSERT INTO aux.local VALUES ('in a transaction');"
                           "DELETE FROM aux.local WHERE x LIKE 'in%'")
    reader = None
    if moment == "beside an open cursor":
        reader = connection.execute("SELECT id FROM other")
        next(reader)
    return connection, old, reader


def finish(reader, found):
    """The open cursor gives all its rows, or an error: its snapshot ended with a statement that
    failed in it."""
    try:
        rows = 1 + sum(1 for _ in reader)
        return [] if rows == 3000 else [f"the open cursor gave {rows} rows"]
    except apsw.Error as failure:
        return [] if is_failure(found) and "snapshot is over" in canary.seen(str(failure)) \
            else [str(failure)]


@pytest.mark.full
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change(pg, database, change, moment):
    """Each statement on a connection of its own: what one of them notices helps no other."""
    pg.psql(BASE, database=database)
    queries = QUERIES
    if os.environ.get("CHECK") != "all":  # each statement meets each change at one of the moments
        queries = QUERIES[(list(CHANGES).index(change) + MOMENTS.index(moment)) % 6::6]
    prepared = [(sql, *prepare(pg, database, sql, moment)) for sql in queries]
    try:
        problems = watch(pg, database, change, moment, prepared)
    finally:
        for _, connection, _, _ in prepared:
            connection.close(True)
    assert not problems, problems


def watch(pg, database, change, moment, prepared):
    queries = [sql for sql, _, _, _ in prepared]
    for statement in CHANGES[change].split("; "):
        pg.psql("SET search_path = ddl; " * (change != "rewritten") +
                statement.replace("VACUUM FULL ", "VACUUM FULL ddl."), database=database)
    current, wanted = truth(pg, database, change, queries)
    problems = []
    for sql, connection, old, reader in prepared:
        found = run_one(connection, sql, moment)
        check(found, wanted[sql], sql, change, moment, old, problems)
        if reader is not None:
            problems += [(sql, problem) for problem in finish(reader, found)]
        if moment == "inside BEGIN":
            if connection.get_autocommit():
                problems.append((sql, "the transaction is over", found))
            else:
                connection.execute("COMMIT")
    # The next run, with the new definition asked for.
    for sql, connection, _, _ in prepared:
        if change != "schema renamed":
            again = answer(connection, sql)
            if moment == "beside an open cursor" and is_failure(again) and KNOWN[-2] in again:
                # Under the old snapshot it could not be described; it is now.
                again = answer(connection, sql)
            if again not in (wanted[sql], current[sql]) and not unasked(sql, again) and not (
                    is_failure(again) and any(words in again for words in KNOWN[1:4])):
                problems.append(("the next run", sql, again, wanted[sql]))
            list(connection.execute("SELECT bridge_refresh('s')"))
            again = answer(connection, sql)
            if again != current[sql] and not (is_failure(again) and is_failure(current[sql])):
                problems.append(("after a refresh", sql, again, current[sql]))
    return problems


# What a value could not be by the old definition: no row is asked for, and still it is noticed.
UNFIT = {
    "small = 70000": "ALTER TABLE unfit ALTER small TYPE int; UPDATE unfit SET small = 70000",
    "small IN (70000, 80000)": "ALTER TABLE unfit ALTER small TYPE int; UPDATE unfit SET small = 80000",
    "id = 2.5": "ALTER TABLE unfit ALTER id TYPE numeric(4, 1) USING id + 1.5",
    "word = x'61'": "ALTER TABLE unfit ALTER word TYPE bytea USING convert_to(word, 'UTF8')",
    "mark = 'a'": "ALTER TABLE unfit ALTER mark TYPE text USING 'a'",
}
UNFIT_TABLE = """DROP SCHEMA IF EXISTS unfit CASCADE; CREATE SCHEMA unfit;
    CREATE TABLE unfit.unfit (id int PRIMARY KEY, small smallint NOT NULL, word text, mark uuid);
    INSERT INTO unfit.unfit VALUES (1, 1, 'a', '00000000-0000-0000-0000-000000000001')"""


@pytest.mark.parametrize("table", ["unfit", "asked"])
@pytest.mark.parametrize("condition", UNFIT)
def test_a_value_that_did_not_fit(pg, database, condition, table):
    pg.psql(UNFIT_TABLE, database=database)
    connection = attach(pg, database, "unfit")
    connection.execute("CREATE VIRTUAL TABLE temp.asked USING postgres(server=s, "
                       "query='SELECT * FROM unfit.unfit')")
    sql = f"SELECT count(*), max(id) FROM {table} WHERE {condition}"
    verdicts = connection.execute("SELECT verdict FROM bridge_explain(?) WHERE item = 'where'", (sql,))
    assert list(verdicts) == [("empty",)] and answer(connection, sql) == [(0, None)]
    pg.psql("SET search_path = unfit; " + UNFIT[condition], database=database)
    found = answer(connection, sql)
    if is_failure(found):
        assert any(words in found for words in KNOWN), found
        found = answer(connection, sql)
    assert found == [(1, 2.5 if "id" in condition else 1)]
    connection.close()


# What docs/guide.md says cannot be noticed -> what a table shows before, and in the same transaction.
UNNOTICED = {
    "ALTER TABLE apart INHERIT parent": ("1,2", "1,2,3"),
    "ALTER TABLE child NO INHERIT parent": ("1,2", "1"),
    "CREATE OR REPLACE FUNCTION told() RETURNS int LANGUAGE sql AS 'SELECT 7'": ("5", "7"),
}


@pytest.mark.parametrize("change", UNNOTICED)
def test_what_cannot_be_noticed(pg, database, change):
    """The rows are those of the transaction's state, under the newer definition: as the server has it."""
    pg.psql("""DROP SCHEMA IF EXISTS late CASCADE; CREATE SCHEMA late; SET search_path = late;
        CREATE TABLE parent (id int NOT NULL); INSERT INTO parent VALUES (1);
        CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (2);
        CREATE TABLE apart (id int NOT NULL); INSERT INTO apart VALUES (3); CREATE TABLE begun (id int);
        CREATE FUNCTION told() RETURNS int LANGUAGE sql AS 'SELECT 5';
        CREATE VIEW teller AS SELECT told() AS id""", database=database)
    connection = attach(pg, database, "late")
    table = "teller" if "FUNCTION" in change else "parent"
    connection.execute(f"CREATE VIRTUAL TABLE temp.asked USING postgres(server=s, query='SELECT * FROM late.{table}')")
    before, now = UNNOTICED[change]
    asked = [f"SELECT group_concat(id) FROM {name}" for name in (table, "asked")]
    assert [answer(connection, sql) for sql in asked] == [[(before,)]] * 2
    connection.execute("BEGIN")
    assert answer(connection, "SELECT count(*) FROM begun") == [(0,)]
    pg.psql(f"SET search_path = late; INSERT INTO apart VALUES (4); {change}", database=database)
    assert [answer(connection, sql) for sql in asked] == [[(now,)]] * 2
    connection.execute("COMMIT")
    later = now + ",4" if now.endswith("3") else now
    assert [answer(connection, sql) for sql in asked] == [[(later,)]] * 2
    connection.close()


def test_what_an_empty_verdict_asks(pg, database):
    """Nothing when no relation could have such a row; otherwise once per snapshot, and no rows."""
    pg.psql(UNFIT_TABLE, database=database)
    connection = attach(pg, database, "unfit")

    def asked(sql):
        counts = "SELECT round_trips, rows, (SELECT count(*) FROM bridge_log) FROM bridge_servers"
        before, = connection.execute(counts)
        assert not list(connection.execute(sql))
        after, = connection.execute(counts)
        return tuple(new - old for new, old in zip(after, before))

    for condition in ("small = NULL", "small < NULL", "word LIKE NULL", "small IN (NULL)"):
        assert asked(f"SELECT * FROM unfit WHERE {condition}") == (0, 0, 0), condition
    # Two answers are awaited; when they come together they count as one round trip.
    for sql in ("SELECT * FROM unfit WHERE small = 70000",
                "WITH v(x) AS (VALUES (70000), (80000), (90000), (100000)) "
                "SELECT * FROM v CROSS JOIN unfit ON small = x"):
        trips, rows, logged = asked(sql)
        assert (rows, logged) == (0, 0) and 1 <= trips <= 2, sql
    connection.close()


@pytest.mark.parametrize("notice", ["SELECT count(a) FROM t", "SELECT bridge_refresh('s')"])
def test_is_null_of_a_column_that_lost_not_null(pg, database, notice):
    """SQLite answers by itself until it is told: docs/guide.md says so."""
    pg.psql(BASE, database=database)
    connection = attach(pg, database)
    sql = "SELECT count(*) FROM t WHERE a IS NULL"
    pg.psql("SET search_path = ddl; " + CHANGES["NOT NULL dropped"], database=database)
    assert answer(connection, sql) == [(0,)]
    answer(connection, notice)
    assert answer(connection, sql) == [(30,)]
    connection.close()


@pytest.mark.parametrize("newest", [False, True], ids=["3.40", "newest"])
def test_a_found_table_with_an_own_url_can_be_taken_out(tmp_path, newest):
    remote, main = tmp_path / "remote.db", tmp_path / "main.db"
    sqlite.shell("CREATE TABLE t(a); INSERT INTO t VALUES (1);", database=remote, load=False)
    made = sqlite.shell(f"CREATE VIRTUAL TABLE f USING sqlite(url='sqlite:{remote}', table=t);"
                        "CREATE TABLE local(x); SELECT a FROM f;", database=main, newest=newest)
    assert (made.out, made.err) == ("1\n", "")
    refused = sqlite.shell("DROP TABLE f;", database=main, newest=newest)
    recipe = refused.err.split("to take it out of the file: ")[1].split(" (")[0].replace("NAME", "f")
    done = sqlite.shell(f".dbconfig defensive off\n{recipe}; SELECT name FROM sqlite_schema;"
                        "PRAGMA integrity_check;", database=main, newest=newest)
    assert done.out.endswith("local\nok\n") and done.err == ""


# Each leaves a, b and c of every row what they were by name, in one transaction.
WHILE_WAITING = {
    "columns swapped": "ALTER TABLE held RENAME a TO x; ALTER TABLE held RENAME b TO a; "
                       "ALTER TABLE held RENAME x TO b; UPDATE held SET a = id * 5, b = id * 7",
    "column dropped and added": "ALTER TABLE held DROP b; "
                                "ALTER TABLE held ADD b int NOT NULL DEFAULT 0; "
                                "UPDATE held SET b = id * 7",
    "column renamed": "ALTER TABLE held RENAME b TO other; ALTER TABLE held RENAME c TO b; "
                      "ALTER TABLE held ADD c int; UPDATE held SET b = id * 7, c = id * 9",
    "recreated": "DROP TABLE held; CREATE TABLE held (b int NOT NULL, id int PRIMARY KEY, c int, "
                 "a int NOT NULL); "
                 "INSERT INTO held SELECT i * 7, i, i * 9, i * 5 FROM generate_series(1, 40) i",
}


@pytest.mark.parametrize("sql", ["SELECT id, a, b, c FROM held", "SELECT id, a, b, c FROM held "
                                 "WHERE id = 7", "SELECT id, a, b, c FROM held WHERE b = 49",
                                 "SELECT h.id, h.a, h.b, h.c FROM other o JOIN held h ON h.id = o.id"])
@pytest.mark.parametrize("change", WHILE_WAITING)
def test_a_change_while_the_statement_waits(pg, database, change, sql):
    """A statement that has its snapshot and waits for the table's lock would go on with the names
    that the table has by then, over the rows that it had before."""
    pg.psql(BASE + "CREATE TABLE held (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, c int);"
            "INSERT INTO held SELECT i, i * 5, i * 7, i * 9 FROM generate_series(1, 40) i",
            database=database)
    connection = attach(pg, database)
    wanted = answer(connection, sql)
    assert wanted and not is_failure(wanted)
    with pg.connect(database) as other, concurrent.futures.ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN; SET LOCAL search_path = ddl; " + WHILE_WAITING[change])
        asked = pool.submit(answer, connection, sql)
        deadline = time.monotonic() + 30
        while not pg.psql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                          "AND application_name = 'drawbridge'", database=database):
            assert time.monotonic() < deadline, "nothing waits for the lock"
            time.sleep(0.02)
        other.execute("COMMIT")
        found = asked.result()
    if is_failure(found):
        assert any(words in found for words in KNOWN), found
        found = answer(connection, sql)
    assert found == wanted
    connection.close()


def test_an_attach_sees_one_state(pg, database):
    """A table that is dropped and made again in one transaction is in every state of the remote."""
    pg.psql("DROP SCHEMA IF EXISTS remade CASCADE; CREATE SCHEMA remade", database=database)
    remake = "DROP TABLE IF EXISTS remade.t; CREATE TABLE remade.t (id int PRIMARY KEY, a text)"
    stop = threading.Event()
    pg.psql(remake, database=database)

    def remake_it():
        with pg.connect(database) as other:
            while not stop.wait(0.2):
                other.execute(f"BEGIN; {remake}; COMMIT")

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        remaking = pool.submit(remake_it)
        try:
            for _ in range(40):
                connection = sqlite.connect()
                found = connection.execute("SELECT bridge_attach(?, 'schema=remade')",
                                           (pg.url(database),)).fetchone()
                columns = connection.execute("PRAGMA table_info(t)").fetchall()
                connection.close()
                assert found == (1,) and [column[1] for column in columns] == ["id", "a"]
        finally:
            stop.set()
        remaking.result()
