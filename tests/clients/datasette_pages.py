"""Datasette showing attached tables: its JSON, filters, facets and pages. Run by tests/test_clients.py with
the extension's path; DATABASE_URL says what to attach. Prints "well" when all assertions held."""
import asyncio
import sys
import tempfile
from pathlib import Path

from datasette.app import Datasette

# What a user puts into the folder of --plugins-dir.
PLUGIN = f"""
from datasette import hookimpl

@hookimpl
def prepare_connection(conn, database):
    if database == "_memory":
        conn.enable_load_extension(True)
        conn.load_extension({sys.argv[1]!r})
        conn.enable_load_extension(False)
        conn.execute("PRAGMA query_only = 0")
        conn.execute("SELECT bridge_attach('env:DATABASE_URL', 'declare_keys=1')")
        conn.execute("PRAGMA query_only = 1")
"""

PAGES = [
    ("customers.json?_shape=array&city=Oslo&_sort=name",
     lambda rows: [row["name"] for row in rows] == ["Bjørn", "Dag", "Gunnar"]),
    ("customers.json?_shape=array&_sort_desc=since&_size=2", lambda rows: [row["id"] for row in rows] == [10, 9]),
    ("customers/2.json?_shape=array", lambda rows: rows[0]["name"] == "Bjørn"),
    ("coupons/SUMMER.json?_shape=array", lambda rows: rows == [{"code": "SUMMER", "percent": 20}]),
    ("order_items/1,6.json?_shape=array", lambda rows: rows[0]["quantity"] == 1),
    ("customers.json?_shape=array&name__contains=i&id__gt=2",
     lambda rows: [row["name"] for row in rows] == ["Chiara", "Élodie", "Ivo", "Júlia"]),
    ("customers.json?_shape=array&city__isnull=1", lambda rows: [row["id"] for row in rows] == [10]),
    ("orders.json?_facet=customer_id&_size=1",
     lambda page: page["facet_results"]["customer_id"]["results"][0]["count"] == 8),
    ("orders.json?_facet_date=placed", lambda page: len(page["rows"]) == 40),
    ("orders.json?_size=30&_sort=placed", lambda page: len(page["rows"]) == 30 and page["next"]),
    ("orders.json", lambda page: page["filtered_table_rows_count"] == 40),
    (".json?sql=select+count(*)+as+n+from+order_items&_shape=array", lambda rows: rows == [{"n": 83}]),
    (".json?sql=select+name+from+customers+where+id=:id&id=2&_shape=array",
     lambda rows: rows == [{"name": "Bjørn"}]),
    (".json", lambda page: {t["name"]: t["primary_keys"] for t in page["tables"]}["order_items"] == [
        "order_id", "product_id"]),
]
PAGED = "orders.json?_size=15&_sort=id"


async def main(plugins):
    # Time limits are for shared machines; a test machine may be slower than any of them.
    datasette = Datasette(memory=True, plugins_dir=plugins,
                          settings={"sql_time_limit_ms": 60000, "facet_time_limit_ms": 60000})
    await datasette.invoke_startup()

    async def get(path):
        response = await datasette.client.get("/_memory" + (path if path[:1] == "." else "/" + path if path else ""))
        assert response.status_code == 200, (path, response.text)
        return response

    for path, holds in PAGES:
        found = (await get(path)).json()
        assert holds(found), (path, found)
    keys, more = [], PAGED
    while more:
        page = (await get(more)).json()
        keys += [row[0] for row in page["rows"]]
        more = page["next"] and f"{PAGED}&_next={page['next']}"
    assert keys == list(range(1, 41)), keys
    for path in ("", "customers", "customers/2", "orders?_facet=paid", "order_items"):
        html = (await get(path)).text
        assert "<html" in html and "postgresql://" not in html, path
    refused = await datasette.client.get("/_memory.json?sql=select+bridge_attach('env:X')")
    assert refused.status_code == 400, refused.text


with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "attach_shop.py").write_text(PLUGIN)
    asyncio.run(main(folder))
print("well")
