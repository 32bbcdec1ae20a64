"""The 22 queries of TPC-H over attached tables: schema, data and queries.

    load(connection, sf, folder)      fills a database; connection: psycopg's; folder: for CSV files
    copy_sql()                        SQL that copies the tables of remote.* into a SQLite database
    queries                           QUERIES/q01.sql to q22.sql; floors.py has what they cannot do without

The data is DuckDB's dbgen (the packages duckdb and duckdb-extension-tpch). Dates are texts in SQLite.
Keys and indexes are the same on both sides.
"""
from pathlib import Path

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
    """Dates are texts, and a numeric(15,2) is an integer where it is whole."""
    types = {"date": "text", "numeric(15,2)": "numeric"}
    words = (column.split(" ") for column in columns.split(", "))
    return ", ".join(f"{name} {types.get(kind, kind)}" for name, kind in words)


def copy_sql():
    """With keys and indexes."""
    words = []
    for table, (columns, key, indexes) in TABLES.items():
        words.append(f"CREATE TABLE {table}({_local_columns(columns)}, PRIMARY KEY ({key}));")
        words.append(f"INSERT INTO {table} SELECT * FROM remote.{table};")
        words += [f"CREATE INDEX {table}_{n} ON {table}({indexed});" for n, indexed in enumerate(indexes)]
    return "\n".join(words)
