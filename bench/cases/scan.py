"""A whole table, every value read: what the transport and the row path cost."""
from harness.case import Case, DUCKDB, Floor, NATIVE

FLOOR = "floor: COPY BINARY, decoded in C"
HASHED = "SELECT count(*), bit_xor(hash({})) FROM wide"
COLUMNS = "id, k, f, n, t, u, b, d, ts, y"

CASES = [
    Case("scan", "SELECT * FROM wide: {rows} rows of ten mixed columns, every value read",
         "SELECT * FROM wide",
         [Floor(FLOOR, "copy", "SELECT * FROM wide")],
         # Python objects would cost more than the scan, so DuckDB hashes every value itself.
         sqls={DUCKDB: HASHED.format(COLUMNS)},
         bounds={FLOOR: 1.15, NATIVE: 1.4}),
    Case("scan-sum", "SELECT sum(f): one column of {rows} rows, added up by SQLite",
         "SELECT sum(f) FROM wide",
         [Floor("floor: COPY BINARY of the column, decoded in C", "copy", "SELECT f FROM wide")]),
]
