"""The 22 queries of TPC-H over attached tables, at SF 0.1 with a million rows. The floor is what
has to travel (tpch/floors.py); together they are to cost no more than SQLite's own time for local
tables and the floor."""
from harness.case import Case, DUCKDB, FDW, Floor, VIRTUALPG
from tpch.floors import FLOORS
from tpch.tpch import QUERIES, TABLES

FLOOR = "floor: COPY BINARY of the used columns of each table, decoded in C"
IN_SQLITE = "the queries are written in SQLite's words"


def case(number):
    return Case(f"tpch-q{number:02}", f"TPC-H, query {number}",
                (QUERIES / f"q{number:02}.sql").read_text().rstrip().rstrip(";"),
                [Floor(FLOOR, "copies", "\n".join(FLOORS[number]))],
                database="tpch", tables=tuple(TABLES), group="tpch", slack_ms=500,
                bounds={"native SQLite": 3}, rounds_max=3,
                skip={VIRTUALPG: "left out to save time", FDW: IN_SQLITE, DUCKDB: IN_SQLITE})


CASES = [case(number) for number in sorted(FLOORS)]
