"""Repeated keyed reads of one statement: what is remembered, when all is fetched at once, and that
the answers are those of a local copy."""
import subprocess
import sys
import textwrap

import pytest

from support import sqlite
from support.paths import ROOT
from support.remotes import attach, connect, file_remote, pg_remote, remote, rows, value
from support.sqlite import environment

WIDE = """
CREATE TABLE items(id integer primary key, code text, ratio double precision, part integer, line integer,
                   note text, UNIQUE(part, line));
"""


def fill(remote, count):
    """count rows whose values repeat, are NULL and look like numbers, now and then."""
    series = ("SELECT g FROM generate_series(1, {0}) AS g" if remote.driver == "postgres" else
              "WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < {0}) SELECT g FROM s")
    remote.run(WIDE + f"""
        INSERT INTO items SELECT g, CASE WHEN g % 7 = 0 THEN NULL WHEN g % 3 = 0 THEN 'K' || (g % 50)
            WHEN g % 3 = 1 THEN '00' || (g % 20) ELSE '' || (g % 20) END,
            CASE WHEN g % 11 = 0 THEN NULL ELSE g / 4.0 END, g / 10, g % 10, 'note ' || g
            FROM ({series.format(count)}) AS s;
    """ + ("ANALYZE items;" if remote.driver == "postgres" else ""))


def opened(remote, *options):
    """A connection with the remote attached and a local copy of its table."""
    db = connect()
    attach(db, remote, "latency_ms=0", "log=100000", "tables=items", *options)
    local = sqlite.connect(isolation_level=None)
    local.execute("CREATE TABLE items(id INTEGER PRIMARY KEY, code TEXT, ratio REAL, part INTEGER, line INTEGER, "
                  "note TEXT)")
    local.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", db.execute("SELECT * FROM items").fetchall())
    return db, local


def both(db, local, sql):
    for connection in (db, local):
        connection.execute(sql)


def requests(db, sql):
    """The rows of a statement, and the remote statements that it took: (text, rows, round trips)."""
    before = value(db, "SELECT coalesce(max(id), 0) FROM bridge_log")
    found = rows(db, sql)
    return found, rows(db, "SELECT statement, rows, round_trips FROM bridge_log WHERE id > ?", before)


def same(db, local, sql):
    found, sent = requests(db, sql)
    assert sorted(map(repr, found)) == sorted(map(repr, rows(local, sql))), sql
    return sent


# The left sides: values as a local table may hold them, under each affinity.
KEYS = [1, 2, 2, 7, 7.0, 7.5, "7", "007", " 7", "7.0", None, None, "K3", "k3", "K3  ", "", "x", b"7", 10**15, -1]


@pytest.mark.parametrize("declared", ["INTEGER", "REAL", "TEXT", "NUMERIC", "BLOB", ""])
@pytest.mark.parametrize("cache", ["67108864", "1", "0"])
def test_every_value_finds_what_it_would_find_locally(remote, declared, cache):
    fill(remote, 300)
    db, local = opened(remote, f"join_cache_bytes={cache}")
    both(db, local, f"CREATE TABLE keys(k {declared})")
    for connection in (db, local):
        connection.executemany("INSERT INTO keys VALUES (?)", [(k,) for k in KEYS * 3])
    for condition in ("i.id = k", "i.code = k", "i.code = k COLLATE NOCASE", "i.code COLLATE RTRIM = k",
                      "i.ratio = k", "i.part IS k", "i.code IS k", "i.part = k AND i.line = 3",
                      "i.part = k AND i.line = k", "i.id = k AND i.code > 'a'", "i.id = k AND i.ratio > k / 8"):
        same(db, local, f"SELECT k, i.* FROM keys LEFT JOIN items i ON {condition}")
        same(db, local, f"SELECT k, (SELECT count(*) || max(note) FROM items i WHERE {condition}) FROM keys")
        same(db, local, f"SELECT k FROM keys WHERE EXISTS (SELECT 1 FROM items i WHERE {condition})")


def test_the_same_value_is_asked_for_once(remote):
    fill(remote, 5000)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys VALUES (3), (4), (3), (4), (3), (99999), (99999)")
    assert len(same(db, local, "SELECT k, note FROM keys LEFT JOIN items ON id = k")) == 3
    assert len(same(db, local, "SELECT k, (SELECT note FROM items WHERE id = k) FROM keys")) == 3
    assert len(same(db, local, "SELECT k, (SELECT sum(line) FROM items WHERE part < k) FROM keys")) == 3


def test_without_cache_every_lookup_is_a_request(remote):
    fill(remote, 100)
    db, local = opened(remote, "join_cache_bytes=0")
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys VALUES (3), (4), (3)")
    assert len(same(db, local, "SELECT k, note FROM keys LEFT JOIN items ON id = k")) == 3


JOINS = {
    "left join": "SELECT k, note FROM keys LEFT JOIN items ON id = k",
    "scalar subquery": "SELECT k, (SELECT note FROM items WHERE id = k) FROM keys",
    "exists": "SELECT k FROM keys WHERE NOT EXISTS (SELECT 1 FROM items WHERE id = k)",
    "aggregate": "SELECT k, (SELECT sum(ratio) FROM items WHERE part = k) FROM keys",
    "two columns": "SELECT k, note FROM keys LEFT JOIN items ON part = k AND line = k % 10",
    "fixed beside": "SELECT k, note FROM keys LEFT JOIN items ON id = k AND code = 'K3'",
    "range beside": "SELECT k, note FROM keys LEFT JOIN items ON id = k AND part < k / 20",
    "order within": "SELECT k, (SELECT group_concat(note) FROM (SELECT note FROM items WHERE part = k "
                    "ORDER BY line DESC LIMIT 3)) FROM keys",
}


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("cache", ["67108864", "20000"])
def test_many_lookups_become_one_fetch(remote, name, cache):
    fill(remote, 5000)
    db, local = opened(remote, f"join_cache_bytes={cache}")
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 2000) "
                    "SELECT (g * 1237) % 6000 FROM s")
    sent = same(db, local, JOINS[name])
    assert len(sent) < 100
    assert sum(trips for _, _, trips in sent) < 150


def test_exists_fetches_what_is_compared(pg_remote):
    """SQLite says that EXISTS (SELECT *) reads every column, and reads none."""
    fill(pg_remote, 5000)
    db, local = opened(pg_remote)
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 2000) "
                    "SELECT (g * 1237) % 6000 FROM s")
    sent = same(db, local, "SELECT k FROM keys WHERE EXISTS (SELECT * FROM items WHERE part = k AND line <> k % 3 "
                           "AND line > id % 7)")
    whole, = [statement for statement, fetched, _ in sent if fetched == 5000]
    assert whole == 'SELECT "id", "part", "line" FROM "public"."items"'


@pytest.mark.parametrize("cache", ["67108864", "20000"])
def test_a_column_that_seemed_unread_is_read_after_all(remote, cache):
    """Late, and within the rows of one key."""
    fill(remote, 5000)
    db, local = opened(remote, f"join_cache_bytes={cache}")
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 500) "
                    "SELECT g FROM s")
    sent = same(db, local, "SELECT k, (SELECT group_concat(CASE WHEN k > 450 AND line = 5 THEN note END) || sum(line) "
                           "FROM items WHERE part = k) FROM keys WHERE NOT EXISTS (SELECT 1 FROM keys WHERE k < 0)")
    assert len(sent) < 60


def test_kept_values_are_what_they_were(remote):
    """Columns are packed by what their values need: of every width, near each other and far."""
    pg = remote.driver == "postgres"
    series = ("SELECT g FROM generate_series(0, 2999) AS g" if pg else
              "WITH RECURSIVE s(g) AS (SELECT 0 UNION ALL SELECT g + 1 FROM s WHERE g < 2999) SELECT g FROM s")
    empty, bytes_ = ("'\\x'::bytea", "'\\x00ff'::bytea") if pg else ("x''", "x'00ff'")
    remote.run(f"""
        CREATE TABLE extremes(id integer primary key, same bigint, near bigint, far bigint, wide bigint, ratio
            double precision, fixed text, loose text, bytes {'bytea' if pg else 'blob'}, none text);
        INSERT INTO extremes SELECT g, -7, 1000000000000000 + g % 200, g * 70000, CASE g % 3
            WHEN 0 THEN 9223372036854775807 WHEN 1 THEN -9223372036854775807 - 1 ELSE g END,
            CASE WHEN g % 5 > 0 THEN g / 8.0 END, 'day ' || (100 + g % 900), CASE WHEN g % 4 > 0 THEN
            substr('a longer text', 1, g % 14) END, CASE WHEN g % 2 = 0 THEN {empty} ELSE {bytes_} END, NULL
            FROM ({series}) AS s;""" + ("ANALYZE extremes" if pg else ""))
    db = connect()
    attach(db, remote, "latency_ms=0", "log=100000", "tables=extremes")
    local = sqlite.connect(isolation_level=None)
    local.execute("CREATE TABLE extremes(id INTEGER PRIMARY KEY, same INTEGER, near INTEGER, far INTEGER, "
                  "wide INTEGER, ratio REAL, fixed TEXT, loose TEXT, bytes BLOB, none TEXT)")
    local.executemany("INSERT INTO extremes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      db.execute("SELECT * FROM extremes").fetchall())
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 1000) "
                    "SELECT g * 7 % 3100 FROM s")
    for condition in ("e.id = k", "e.far = k * 70000", "e.near = 1000000000000000 + k AND e.id < 400"):
        assert len(same(db, local, f"SELECT k, e.* FROM keys LEFT JOIN extremes e ON {condition}")) < 100


@pytest.mark.parametrize("changed", ["key", "value"])
def test_a_condition_that_seemed_fixed_may_change(remote, changed):
    """The first half of the outer rows has one value, so that it is taken for fixed."""
    fill(remote, 5000)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(n INTEGER PRIMARY KEY, k, v)")
    both(db, local, "INSERT INTO keys WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 3000) "
                    "SELECT g, g % 500, CASE WHEN g < 1500 THEN 3 ELSE g % 10 END FROM s")
    outer = "(SELECT * FROM keys ORDER BY n)"
    condition = "part = k AND line = v" if changed == "key" else "part = k AND line < v"
    sent = same(db, local, f"SELECT n, (SELECT count(*) FROM items WHERE {condition}) FROM {outer}")
    assert len(sent) < 200


def test_a_value_that_is_no_number_among_numbers(remote):
    fill(remote, 3000)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 400) "
                    "SELECT CASE WHEN g % 5 = 0 THEN 'x' || g WHEN g % 5 = 1 THEN g || '.0' WHEN g % 5 = 2 "
                    "THEN x'31' ELSE g END FROM s")
    assert len(same(db, local, "SELECT k, note FROM keys LEFT JOIN items ON id = k")) < 150


def test_rowids_and_duplicates_of_a_relation_without_key(remote):
    remote.run("CREATE TABLE bag(k integer, v text);" + "INSERT INTO bag VALUES (1, 'a'), (1, 'a'), (2, 'b');" * 300)
    db = connect()
    attach(db, remote, "latency_ms=0", "log=100000", "tables=bag,cities")
    db.execute("CREATE TABLE keys(k)")
    db.executemany("INSERT INTO keys VALUES (?)", [(n % 3,) for n in range(300)])
    found, sent = requests(db, "SELECT k.k, count(b.rowid), count(DISTINCT b.rowid), count(v) FROM keys k "
                               "LEFT JOIN bag b ON b.k = k.k GROUP BY k.k")
    assert found == [(0, 0, 0, 0), (1, 60000, 600, 60000), (2, 30000, 300, 30000)]
    assert len(sent) < 20
    found, sent = requests(db, "SELECT count(*), count(DISTINCT b.rowid) FROM keys k JOIN bag b ON b.k = k.k "
                               "OR b.v = char(96 + k.k)")
    assert found == [(90000, 900)]


def test_what_was_not_foreseen_is_read_again(remote):
    """A view hides that rowids are read, and only the last outer row reads one."""
    remote.run("CREATE TABLE bag(k integer, v text);"
               + "".join(f"INSERT INTO bag VALUES ({n % 50}, 'v{n}');" for n in range(400)))
    db = connect()
    attach(db, remote, "latency_ms=0", "log=100000", "tables=bag", "as=far")
    db.execute("CREATE TABLE keys(k)")
    db.executemany("INSERT INTO keys VALUES (?)", [(n,) for n in range(50)])
    db.execute("CREATE TEMP VIEW hidden AS SELECT rowid AS r, k, v FROM far.bag")
    found = rows(db, "SELECT k.k, h.v, CASE WHEN k.k = 49 THEN h.r END FROM keys k LEFT JOIN hidden h ON h.k = k.k")
    numbers = [r for k, _, r in found if k == 49]
    assert len(found) == 400 and len(set(numbers)) == len(numbers) == 8
    assert {v for _, v, _ in found} == {f"v{n}" for n in range(400)}
    assert [rows(db, "SELECT v FROM hidden WHERE r = ?", r) for r in numbers] == \
        [[(v,)] for k, v, _ in found if k == 49]


def test_a_change_between_statements_is_seen(remote):
    fill(remote, 200)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys VALUES (3), (4), (3), (5), (4)")
    sql = "SELECT k, note FROM keys LEFT JOIN items ON id = k"
    same(db, local, sql)
    remote.run("UPDATE items SET note = 'new' WHERE id IN (3, 5)")
    local.execute("UPDATE items SET note = 'new' WHERE id IN (3, 5)")
    same(db, local, sql)


def test_a_change_within_a_statement_is_not_seen(pg_remote):
    """Postgres: the statement has one snapshot, whether a row is remembered, fetched or asked for."""
    fill(pg_remote, 3000)
    db, _ = opened(pg_remote)
    db.execute("CREATE TABLE keys(k)")
    db.executemany("INSERT INTO keys VALUES (?)", [(n,) for n in (1, 2, 1, *range(3, 900), 1, 2)])
    cursor = db.execute("SELECT k, note FROM keys LEFT JOIN items ON id = k")
    found = [cursor.fetchone()]
    pg_remote.run("UPDATE items SET note = 'new'")
    found += cursor.fetchall()
    assert found == [(k, f"note {k}") for (k,) in rows(db, "SELECT k FROM keys")]
    assert rows(db, "SELECT k, note FROM keys LEFT JOIN items ON id = k LIMIT 1") == [(1, "new")]


def test_two_lookups_of_one_plan_at_a_time(remote):
    """Both cursors read by the same plan, one within the rows of the other."""
    fill(remote, 400)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(k)")
    both(db, local, "INSERT INTO keys WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 40) "
                    "SELECT g FROM s")
    same(db, local, "SELECT a.k, x.note, b.k, y.note FROM keys a LEFT JOIN items x ON x.part = a.k "
                    "LEFT JOIN keys b ON b.k = x.line LEFT JOIN items y ON y.part = b.k")


def test_explain_counts_the_fetch(remote):
    fill(remote, 1000)
    db, _ = opened(remote)
    db.execute("CREATE TABLE keys(k)")
    db.executemany("INSERT INTO keys VALUES (?)", [(n,) for n in range(500)])
    sent = rows(db, "SELECT text, why, fetched FROM bridge_explain("
                    "'SELECT k, note FROM keys LEFT JOIN items ON id = k') WHERE item = 'remote'")
    assert any(why == "one fetch for the lookups that follow" for _, why, _ in sent)
    assert 1000 <= sum(fetched or 0 for _, _, fetched in sent) < 1100


MEMORY = """
    import resource, sys
    sys.path.insert(0, "tests")
    from support.remotes import connect, value
    db = connect()
    value(db, "SELECT bridge_attach(?, 'latency_ms=0', 'tables=large', ?)", sys.argv[1], sys.argv[2])
    db.execute("CREATE TABLE keys AS WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 20000) "
               "SELECT (g * 7919) % 300000 AS k FROM s")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert value(db, "SELECT count(b) FROM keys LEFT JOIN large ON id = k") == 20000
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_within_the_option(pg_remote):
    """300,000 rows are about 8 MB as they are kept; above the limit they are not in memory."""
    pg_remote.run("CREATE TABLE large(id integer primary key, a integer, b integer);"
                  "INSERT INTO large SELECT g, g, g FROM generate_series(1, 300000) g; ANALYZE large")
    used = {}
    for cache in (67108864, 1000000):
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(MEMORY), pg_remote.url, f"join_cache_bytes={cache}"],
                              capture_output=True, text=True, cwd=ROOT, env=environment())
        assert done.returncode == 0, done.stderr
        used[cache] = int(done.stdout)
    # A FETCH under way takes some megabytes by itself: libpq holds its result.
    assert used[1000000] < 28000 and used[67108864] < 65536 + 28000


def test_lists_of_two_conditions_are_not_taken_for_each_other(remote):
    """IN (1, 1) AND IN (2, 3) after IN (1, 2) AND IN (3, 3): the same values, divided otherwise."""
    fill(remote, 100)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(n, a, b, c, d)")
    for connection in (db, local):
        connection.executemany("INSERT INTO keys VALUES (?, ?, ?, ?, ?)",
                               [(1, 1, 1, 2, 3), (2, 1, 2, 3, 3), (3, 0, 1, 2, 2), (4, 0, 0, 1, 2)])
    for lists in ("(a, b) AND line IN (c, d)", "(SELECT a UNION SELECT b) AND line IN (SELECT c UNION SELECT d)"):
        same(db, local, f"SELECT n, i.id FROM keys CROSS JOIN items i WHERE part IN {lists}")
        same(db, local, f"SELECT n, (SELECT count(*) || min(id) FROM items WHERE part IN {lists}) FROM keys")


def test_an_answer_is_not_for_a_statement_that_keeps_the_condition_local(remote):
    """The same plan and value: sent for the one, and of an outer join's ON for the other (SQLite before 3.51)."""
    fill(remote, 20)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(n)")
    both(db, local, "INSERT INTO keys VALUES (1), (10), (12)")
    held = db.execute("SELECT * FROM items")  # the snapshot, and what is remembered of it, stay
    held.fetchone()
    same(db, local, "SELECT id, part FROM items WHERE part <> 1")
    same(db, local, "SELECT id, part, n FROM items LEFT JOIN keys ON part <> 1 AND n = id")
    held.close()


def test_a_column_is_read_late_after_a_transaction(remote):
    """Only some of the last rows read the note: when rows are found in a bulk that has none, long after the last
    write of the connection, they are fetched again."""
    fill(remote, 100)
    db, local = opened(remote)
    both(db, local, "CREATE TABLE keys(n)")
    both(db, local, "INSERT INTO keys SELECT value FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,"
                    "21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50]')")
    for begin, end in ("BEGIN", "COMMIT"), ("BEGIN", "ROLLBACK"):
        both(db, local, begin)
        same(db, local, "SELECT count(*) FROM items")
        both(db, local, end)
        same(db, local, "SELECT n FROM keys WHERE EXISTS "
                        "(SELECT 1 FROM items WHERE id = n AND (n < 40 OR note <> 'note 44'))")
