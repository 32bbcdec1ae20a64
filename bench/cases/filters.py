"""Conditions that the server can decide: one row of a hundred, by a column without an index."""
from harness.case import Case, Floor

KEPT = "SELECT id, k, t FROM wide WHERE k BETWEEN 5000 AND 5999"

CASES = [
    Case("filter", "one row in a hundred of {rows}, no index: k BETWEEN 5000 AND 5999",
         KEPT, [Floor("floor: COPY BINARY of the same rows", "copy", KEPT)]),
    Case("filter-in", "k IN (five values): one row in 20,000 of {rows}, no index",
         "SELECT id, t FROM wide WHERE k IN (17, 170, 1700, 17000, 71000)",
         [Floor("floor: COPY BINARY of the same rows", "copy",
                "SELECT id, t FROM wide WHERE k IN (17, 170, 1700, 17000, 71000)")]),
    Case("filter-null", "k IS NULL AND b: one row in twenty of {rows}, no index",
         "SELECT id FROM wide WHERE k IS NULL AND b",
         [Floor("floor: COPY BINARY of the same rows", "copy",
                "SELECT id FROM wide WHERE k IS NULL AND b")]),
]
