"""Over HTTP: what pages, their proof and the values in them cost beside a plain download."""
from harness.case import Case, DUCKDB, FDW, Floor, NATIVE, VIRTUALPG

FLOOR = "floor: libcurl and jansson, the same pages"
NOT_HTTP = {name: "reads no PostgREST server" for name in (NATIVE, VIRTUALPG, FDW, DUCKDB)}

CASES = [
    Case("rest-scan", "SELECT * FROM pages over PostgREST: {pages} rows of five columns in pages of "
                      "1,000, every value read",
         "SELECT * FROM pages", [Floor(FLOOR, "pages", "SELECT * FROM pages")],
         tables=("pages",), rest=True, skip=NOT_HTTP, bounds={FLOOR: 1.3}),
]
