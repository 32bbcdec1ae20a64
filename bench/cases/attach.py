"""A database of a thousand tables: from a process that knows nothing to tables one can ask."""
from harness.case import Case, DUCKDB, FDW, Floor, NATIVE, VIRTUALPG

CATALOG = """
SELECT c.oid, n.nspname, c.relname, c.relkind, a.attnum, a.attname, a.atttypid, a.atttypmod,
       a.attnotnull, format_type(a.atttypid, a.atttypmod), i.indkey
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE n.nspname = 'many' AND c.relkind = 'r' ORDER BY c.oid, a.attnum
"""

CASES = [
    Case("attach", "attach {many} tables of ten columns, in a new process",
         "SELECT bridge_attach('{url}', 'schema=many')",
         [Floor("floor: libpq, connect and one catalog query", "connect", CATALOG)],
         sqls={DUCKDB: "ATTACH '{url}' AS many (TYPE postgres, READ_ONLY); "
                       "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'many'",
               FDW: "IMPORT FOREIGN SCHEMA many FROM SERVER bench_0 INTO imported"},
         setups={FDW: ["DROP SCHEMA IF EXISTS imported CASCADE", "CREATE SCHEMA imported"]},
         skip={NATIVE: "has nothing to attach",
               VIRTUALPG: "one CREATE VIRTUAL TABLE for each, by hand"},
         tables=(), fresh=True),
]
