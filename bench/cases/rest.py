"""Over HTTP: what pages, their proof and the values in them cost beside a plain download, and how
many requests are sent."""
from harness.case import Case, DUCKDB, FDW, Floor, NATIVE, VIRTUALPG

FLOOR = "floor: libcurl and jansson, the same pages"
KEYS = "floor: libcurl and jansson, all keys in lists"
NOT_HTTP = {name: "reads no PostgREST server" for name in (NATIVE, VIRTUALPG, FDW, DUCKDB)}

CASES = [
    Case("rest-scan", "SELECT * FROM pages over PostgREST: {pages} rows of five columns in pages of "
                      "1,000, every value read",
         "SELECT * FROM pages", [Floor(FLOOR, "pages", "SELECT * FROM pages")],
         tables=("pages",), rest=True, skip=NOT_HTTP, bounds={FLOOR: 1.3}, requests=1),
    Case("rest-join", "{keys} local keys JOIN {pages} rows over PostgREST",
         "SELECT count(*), sum(p.k) FROM keys JOIN pages p ON p.id = keys.k",
         [Floor(KEYS, "page_keys", "all keys, in lists")],
         tables=("pages",), local_keys=True, rest=True, skip=NOT_HTTP),
]
