"""How long until the first row of a big answer is there."""
from harness.case import Case, Floor

CASES = [
    Case("first-row", "SELECT * FROM wide, {rows} rows: until the first one is there",
         "SELECT * FROM wide",
         [Floor("floor: COPY BINARY, decoded in C", "copy", "SELECT * FROM wide")],
         figure="first_ms"),
    Case("first-row-sorted", "ORDER BY key, {rows} rows: until the first one is there",
         "SELECT * FROM items ORDER BY id",
         [Floor("floor: COPY BINARY, decoded in C", "copy", "SELECT * FROM items ORDER BY id")],
         figure="first_ms"),
]
