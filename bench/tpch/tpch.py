"""The 22 queries of TPC-H over attached tables: schema, data, queries and a runner.

    load(connection, sf, folder)      fills a database; connection: psycopg's; folder: for CSV files
    copy_local(attached, local)       the same tables in a SQLite connection
    run(attached, local, queries)     each query on both, timed and compared: a list of Result

The data is DuckDB's dbgen (the packages duckdb and duckdb-extension-tpch). Dates are texts in SQLite.
Keys and indexes are the same on both sides.
"""
import math
import time
from pathlib import Path
from typing import NamedTuple

QUERIES = Path(__file__).with_name("queries")

# table -> (columns with their types, primary key, columns with an index)
TABLES = {
    "region": ("r_regionkey integer, r_name text, r_comment text", "r_regionkey", ()),
    "nation": ("n_nationkey integer, n_name text, n_regionkey integer, n_comment text", "n_nationkey",
               ("n_regionkey",)),
    "supplier": ("s_suppkey integer, s_name text, s_address text, s_nationkey integer, s_phone text, "
                 "s_acctbal numeric(15,2), s_comment text", "s_suppkey", ("s_nationkey",)),
    "part": ("p_partkey integer, p_name text, p_mfgr text, p_brand text, p_type text, p_size integer, "
             "p_container text, p_retailprice numeric(15,2), p_comment text", "p_partkey", ()),
    "partsupp": ("ps_partkey integer, ps_suppkey integer, ps_availqty integer, ps_supplycost numeric(15,2), "
                 "ps_comment text", "ps_partkey, ps_suppkey", ("ps_suppkey",)),
    "customer": ("c_custkey integer, c_name text, c_address text, c_nationkey integer, c_phone text, "
                 "c_acctbal numeric(15,2), c_mktsegment text, c_comment text", "c_custkey", ("c_nationkey",)),
    "orders": ("o_orderkey integer, o_custkey integer, o_orderstatus text, o_totalprice numeric(15,2), "
               "o_orderdate date, o_orderpriority text, o_clerk text, o_shippriority integer, o_comment text",
               "o_orderkey", ("o_custkey",)),
    "lineitem": ("l_orderkey integer, l_partkey integer, l_suppkey integer, l_linenumber integer, "
                 "l_quantity numeric(15,2), l_extendedprice numeric(15,2), l_discount numeric(15,2), "
                 "l_tax numeric(15,2), l_returnflag text, l_linestatus text, l_shipdate date, l_commitdate date, "
                 "l_receiptdate date, l_shipinstruct text, l_shipmode text, l_comment text",
                 "l_orderkey, l_linenumber", ("l_partkey, l_suppkey", "l_suppkey")),
}


class Result(NamedTuple):
    query: int
    ours_ms: float
    local_ms: float
    rows: int
    equal: bool


def generate(sf):
    """A DuckDB connection that holds the tables."""
    import duckdb
    import duckdb_extension_tpch
    database = duckdb.connect(config={"allow_unsigned_extensions": True})
    folder = Path(duckdb_extension_tpch.__file__).parent / "extensions"
    database.execute(f"LOAD '{next(folder.glob('*/tpch.duckdb_extension'))}'")
    database.execute(f"CALL dbgen(sf={sf})")
    return database


def load(connection, sf, folder):
    """Fills an empty database; the data passes through CSV files in folder."""
    data = generate(sf)
    for table, (columns, key, indexes) in TABLES.items():
        path = Path(folder) / f"{table}.csv"
        data.execute(f"COPY {table} TO '{path}' (FORMAT csv, HEADER false)")
        connection.execute(f"CREATE TABLE {table}({columns}, PRIMARY KEY ({key}))")
        with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy, open(path, "rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)
        path.unlink()
        for indexed in indexes:
            connection.execute(f"CREATE INDEX ON {table}({indexed})")
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()


def _local_columns(columns):
    """Dates are texts, and numeric(15,2) is presented as a number."""
    types = {"date": "text", "numeric(15,2)": "real"}
    words = (column.split(" ") for column in columns.split(", "))
    return ", ".join(f"{name} {types.get(kind, kind)}" for name, kind in words)


def copy_local(attached, local):
    """The attached tables' rows into tables of a local SQLite database, with keys and indexes."""
    for table, (columns, key, indexes) in TABLES.items():
        local.execute(f"CREATE TABLE {table}({_local_columns(columns)}, PRIMARY KEY ({key}))")
        cursor = attached.execute(f"SELECT * FROM {table}")
        marks = ", ".join("?" * len(cursor.description))
        local.execute("BEGIN")
        local.executemany(f"INSERT INTO {table} VALUES ({marks})", cursor)
        local.execute("COMMIT")
        for n, indexed in enumerate(indexes):
            local.execute(f"CREATE INDEX {table}_{n} ON {table}({indexed})")
    local.execute("ANALYZE")


def _same_value(left, right):
    """Sums of numbers depend on the order of the rows in their last digits."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-6)
    return left == right


def same_rows(left, right):
    return len(left) == len(right) and all(
        len(a) == len(b) and all(map(_same_value, a, b)) for a, b in zip(left, right))


def _timed(connection, sql):
    start = time.perf_counter()
    found = connection.execute(sql).fetchall()
    return found, (time.perf_counter() - start) * 1000


def run(attached, local, queries=range(1, 23)):
    """Every query ends with an ORDER BY that settles the order, but for equal rows."""
    results = []
    for number in queries:
        sql = (QUERIES / f"q{number:02}.sql").read_text()
        ours, ours_ms = _timed(attached, sql)
        theirs, local_ms = _timed(local, sql)
        results.append(Result(number, ours_ms, local_ms, len(ours), same_rows(ours, theirs)))
    return results
