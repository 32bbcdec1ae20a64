"""What each query of TPC-H cannot do without when the tables are far away: COPY BINARY of the
columns that it uses of each table it names, under the conditions on that table alone. A table that
is named twice counts twice; conditions common to all branches of an OR count as conditions."""

PHONES = "substr(c_phone, 1, 2) IN ('13', '31', '23', '29', '30', '18', '17')"
LATE = "l_commitdate < l_receiptdate"
SUPPLIER = "SELECT s_suppkey, s_nationkey FROM supplier"
NATION = "SELECT n_nationkey, n_name FROM nation"
CUSTOMER = "SELECT c_custkey, c_nationkey FROM customer"


def region(name):
    return f"SELECT r_regionkey, r_name FROM region WHERE r_name = '{name}'"


def nation(name):
    return f"{NATION} WHERE n_name = '{name}'"


def between(column, first, behind):
    return f"{column} >= '{first}' AND {column} < '{behind}'"


FLOORS = {
    1: ["SELECT l_returnflag, l_linestatus, l_quantity, l_extendedprice, l_discount, l_tax, l_shipdate "
        "FROM lineitem WHERE l_shipdate <= '1998-09-02'"],
    2: ["SELECT p_partkey, p_mfgr, p_size, p_type FROM part WHERE p_size = 15 AND p_type LIKE '%BRASS'",
        "SELECT s_suppkey, s_nationkey, s_acctbal, s_name, s_address, s_phone, s_comment FROM supplier",
        "SELECT ps_partkey, ps_suppkey, ps_supplycost FROM partsupp",
        "SELECT n_nationkey, n_name, n_regionkey FROM nation", region("EUROPE"),
        "SELECT ps_partkey, ps_suppkey, ps_supplycost FROM partsupp", SUPPLIER,
        "SELECT n_nationkey, n_regionkey FROM nation", region("EUROPE")],
    3: ["SELECT c_custkey, c_mktsegment FROM customer WHERE c_mktsegment = 'BUILDING'",
        "SELECT o_orderkey, o_custkey, o_orderdate, o_shippriority FROM orders WHERE o_orderdate < '1995-03-15'",
        "SELECT l_orderkey, l_extendedprice, l_discount, l_shipdate FROM lineitem "
        "WHERE l_shipdate > '1995-03-15'"],
    4: ["SELECT o_orderkey, o_orderpriority, o_orderdate FROM orders WHERE "
        + between("o_orderdate", "1993-07-01", "1993-10-01"),
        f"SELECT l_orderkey, l_commitdate, l_receiptdate FROM lineitem WHERE {LATE}"],
    5: [CUSTOMER, "SELECT o_orderkey, o_custkey, o_orderdate FROM orders WHERE "
        + between("o_orderdate", "1994-01-01", "1995-01-01"),
        "SELECT l_orderkey, l_suppkey, l_extendedprice, l_discount FROM lineitem", SUPPLIER,
        "SELECT n_nationkey, n_name, n_regionkey FROM nation", region("ASIA")],
    6: ["SELECT l_extendedprice, l_discount, l_shipdate, l_quantity FROM lineitem WHERE "
        + between("l_shipdate", "1994-01-01", "1995-01-01")
        + " AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24"],
    7: [SUPPLIER, "SELECT l_orderkey, l_suppkey, l_shipdate, l_extendedprice, l_discount FROM lineitem "
        "WHERE l_shipdate BETWEEN '1995-01-01' AND '1996-12-31'",
        "SELECT o_orderkey, o_custkey FROM orders", CUSTOMER, NATION, NATION],
    8: ["SELECT p_partkey, p_type FROM part WHERE p_type = 'ECONOMY ANODIZED STEEL'", SUPPLIER,
        "SELECT l_orderkey, l_partkey, l_suppkey, l_extendedprice, l_discount FROM lineitem",
        "SELECT o_orderkey, o_custkey, o_orderdate FROM orders "
        "WHERE o_orderdate BETWEEN '1995-01-01' AND '1996-12-31'", CUSTOMER,
        "SELECT n_nationkey, n_regionkey FROM nation", NATION, region("AMERICA")],
    9: ["SELECT p_partkey, p_name FROM part WHERE p_name LIKE '%green%'", SUPPLIER,
        "SELECT l_orderkey, l_partkey, l_suppkey, l_quantity, l_extendedprice, l_discount FROM lineitem",
        "SELECT ps_partkey, ps_suppkey, ps_supplycost FROM partsupp",
        "SELECT o_orderkey, o_orderdate FROM orders", NATION],
    10: ["SELECT c_custkey, c_name, c_acctbal, c_phone, c_address, c_comment, c_nationkey FROM customer",
         "SELECT o_orderkey, o_custkey, o_orderdate FROM orders WHERE "
         + between("o_orderdate", "1993-10-01", "1994-01-01"),
         "SELECT l_orderkey, l_returnflag, l_extendedprice, l_discount FROM lineitem WHERE l_returnflag = 'R'",
         NATION],
    11: ["SELECT ps_partkey, ps_suppkey, ps_supplycost, ps_availqty FROM partsupp", SUPPLIER, nation("GERMANY"),
         "SELECT ps_suppkey, ps_supplycost, ps_availqty FROM partsupp", SUPPLIER, nation("GERMANY")],
    12: ["SELECT o_orderkey, o_orderpriority FROM orders",
         "SELECT l_orderkey, l_shipmode, l_commitdate, l_receiptdate, l_shipdate FROM lineitem "
         f"WHERE l_shipmode IN ('MAIL', 'SHIP') AND {LATE} AND l_shipdate < l_commitdate AND "
         + between("l_receiptdate", "1994-01-01", "1995-01-01")],
    13: ["SELECT c_custkey FROM customer",
         "SELECT o_orderkey, o_custkey, o_comment FROM orders WHERE o_comment NOT LIKE '%special%requests%'"],
    14: ["SELECT l_partkey, l_extendedprice, l_discount, l_shipdate FROM lineitem WHERE "
         + between("l_shipdate", "1995-09-01", "1995-10-01"), "SELECT p_partkey, p_type FROM part"],
    15: ["SELECT l_suppkey, l_extendedprice, l_discount, l_shipdate FROM lineitem WHERE "
         + between("l_shipdate", "1996-01-01", "1996-04-01"),
         "SELECT s_suppkey, s_name, s_address, s_phone FROM supplier"],
    16: ["SELECT ps_partkey, ps_suppkey FROM partsupp",
         "SELECT p_partkey, p_brand, p_type, p_size FROM part WHERE p_brand <> 'Brand#45' "
         "AND p_type NOT LIKE 'MEDIUM POLISHED%' AND p_size IN (49, 14, 23, 45, 19, 3, 36, 9)",
         "SELECT s_suppkey, s_comment FROM supplier WHERE s_comment LIKE '%Customer%Complaints%'"],
    17: ["SELECT l_partkey, l_quantity, l_extendedprice FROM lineitem",
         "SELECT p_partkey, p_brand, p_container FROM part WHERE p_brand = 'Brand#23' AND p_container = 'MED BOX'",
         "SELECT l_partkey, l_quantity FROM lineitem"],
    18: ["SELECT c_custkey, c_name FROM customer",
         "SELECT o_orderkey, o_custkey, o_orderdate, o_totalprice FROM orders",
         "SELECT l_orderkey, l_quantity FROM lineitem", "SELECT l_orderkey, l_quantity FROM lineitem"],
    19: ["SELECT l_partkey, l_quantity, l_extendedprice, l_discount, l_shipmode, l_shipinstruct FROM lineitem "
         "WHERE l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON'",
         "SELECT p_partkey, p_brand, p_container, p_size FROM part"],
    20: ["SELECT s_suppkey, s_name, s_address, s_nationkey FROM supplier", nation("CANADA"),
         "SELECT ps_partkey, ps_suppkey, ps_availqty FROM partsupp",
         "SELECT p_partkey, p_name FROM part WHERE p_name LIKE 'forest%'",
         "SELECT l_partkey, l_suppkey, l_quantity, l_shipdate FROM lineitem WHERE "
         + between("l_shipdate", "1994-01-01", "1995-01-01")],
    21: ["SELECT s_suppkey, s_name, s_nationkey FROM supplier",
         f"SELECT l_orderkey, l_suppkey, l_receiptdate, l_commitdate FROM lineitem WHERE {LATE}",
         "SELECT o_orderkey, o_orderstatus FROM orders WHERE o_orderstatus = 'F'", nation("SAUDI ARABIA"),
         "SELECT l_orderkey, l_suppkey FROM lineitem",
         f"SELECT l_orderkey, l_suppkey, l_receiptdate, l_commitdate FROM lineitem WHERE {LATE}"],
    22: [f"SELECT c_custkey, c_phone, c_acctbal FROM customer WHERE {PHONES}",
         f"SELECT c_acctbal, c_phone FROM customer WHERE c_acctbal > 0.00 AND {PHONES}",
         "SELECT o_custkey FROM orders"],
}
