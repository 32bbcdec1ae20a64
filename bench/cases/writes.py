"""Writes: a local table into a remote one, with keys made there and without; 1,000 rows changed; one row in
autocommit. What was written by the run before is taken away before the clock starts. VirtualPG writes to tables with
a key, and gives all columns; postgres_fdw leaves one to the server where the foreign table does not have it."""
from harness.case import ALL_KEYS, FDW, NATIVE, VIRTUALPG, Case, Floor

COPY = "floor: libpq, COPY BINARY of the same rows"
PREPARED = "floor: libpq, prepared"
LOCAL = ["CREATE TEMP TABLE written(id INTEGER PRIMARY KEY, k INTEGER, v INTEGER, t TEXT)",
         "CREATE TEMP TABLE loaded(k INTEGER, v INTEGER, t TEXT)",
         "CREATE TEMP TABLE changed(id INTEGER PRIMARY KEY, n INTEGER)",
         "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
         "INSERT INTO changed SELECT i, 0 FROM n"]


def insert(name, title, table, bound, **rivals):
    return Case(name, title, f"INSERT INTO {table}(k, v, t) SELECT k, v, t FROM source",
                [Floor(COPY, "load", f"COPY {table}(k, v, t) FROM STDIN (FORMAT binary)", ALL_KEYS)],
                tables=(table,), before=f"TRUNCATE {table}", local_source=True, writes=True,
                setups={NATIVE: LOCAL}, bounds={COPY: bound}, **rivals)


CASES = [
    insert("insert-keys", "INSERT ... SELECT of {keys} rows, keys made by the server", "written", 2.0,
           sqls={VIRTUALPG: "INSERT INTO written SELECT k + 1, k, v, t FROM source",
                 FDW: "INSERT INTO written_new(k, v, t) SELECT k, v, t FROM source"}),
    insert("insert-bulk", "INSERT ... SELECT of {keys} rows into a table without a key", "loaded", 1.2,
           skip={VIRTUALPG: "a table without a primary key is read-only"}),
    Case("update-1000", "UPDATE of 1,000 rows by their key", "UPDATE changed SET n = n + 1 WHERE id <= 1000",
         [Floor(PREPARED, "prepared", "UPDATE changed SET n = n + 1 WHERE id <= 1000 RETURNING id")],
         tables=("changed",), writes=True, setups={NATIVE: LOCAL}),
    Case("insert-one", "INSERT of one row, autocommit", "INSERT INTO written(k, v, t) VALUES ($1, 7, 'row')",
         [Floor(PREPARED, "prepared", "INSERT INTO written(k, v, t) VALUES ($1, 7, 'row') RETURNING id")],
         sqls={VIRTUALPG: "INSERT INTO written VALUES ($1, 1, 7, 'row')",
               FDW: "INSERT INTO written_new(k, v, t) VALUES ($1, 7, 'row') RETURNING k"},
         tables=("written",), keyed=True, before="TRUNCATE written", writes=True, repeat=50, rival_repeat=10,
         setups={NATIVE: LOCAL}),
]
