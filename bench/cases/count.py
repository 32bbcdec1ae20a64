"""count(*) of a whole table: nothing but a number has to travel."""
from harness.case import Case, Floor

CASES = [
    Case("count", "SELECT count(*) of {rows} rows", "SELECT count(*) FROM wide",
         [Floor("floor: the server's own count(*)", "prepared", "SELECT count(*) FROM wide")]),
    Case("distinct", "SELECT DISTINCT of a column with 100 values, {rows} rows",
         "SELECT DISTINCT b FROM items",
         [Floor("floor: the server's own DISTINCT", "prepared", "SELECT DISTINCT b FROM items")]),
]
