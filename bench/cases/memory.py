"""What a big answer leaves in memory: the peak of the process during a scan, above what it held
once the tables were attached."""
from harness.case import Case, DUCKDB, FDW, Floor

CASES = [
    Case("memory", "peak memory of SELECT * FROM wide above the start, {rows} rows",
         "SELECT * FROM wide",
         [Floor("floor: COPY BINARY, decoded in C", "copy", "SELECT * FROM wide")],
         sqls={DUCKDB: "SELECT count(*), bit_xor(hash(id, k, f, n, t, u, b, d, ts, y)) FROM wide"},
         skip={FDW: "its memory is the server's"}, figure="mb", rounds_max=1),
]
