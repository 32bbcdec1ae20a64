"""DuckDB with its postgres extension as a worker: the same lines on standard input and output as
the programs of bench/floors (floors/measure.h).

    duckdb_worker.py '{"setup": [...], "sql": "...", "keys": 0, "repeat": 1, "prefix": null,
                       "first_only": false}'
"""
import json
import re
import sys
import time
from pathlib import Path

import duckdb
import duckdb_extension_postgres_scanner

KEY_STRIDE = 7919  # as in floors/measure.c


def connect():
    found = Path(duckdb_extension_postgres_scanner.__file__).parent.rglob("*.duckdb_extension")
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{next(found)}'")
    return connection


def status_mb(name):
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def run(connection, spec):
    rows, first_ms, total = 0, None, 0
    start = time.perf_counter()
    for i in range(spec["repeat"]):
        key = 1 + i * KEY_STRIDE % spec["keys"] if spec["keys"] else None
        if spec["prefix"]:
            key = f"{spec['prefix']}{key}"
        result = connection.execute(spec["sql"], [key] if spec["keys"] else None)
        while (row := result.fetchone()) is not None:
            if first_ms is None:
                first_ms = (time.perf_counter() - start) * 1e3
            rows += 1
            total += sum(int(value) for value in row if isinstance(value, int))
            if spec["first_only"]:
                break
    return {"ms": (time.perf_counter() - start) * 1e3, "first_ms": first_ms or 0, "rows": rows,
            "sum": str(total % 2**64)}


def main():
    spec = json.loads(sys.argv[1])
    connection = connect()
    for statement in spec["setup"]:
        connection.execute(statement)
    start_mb = status_mb("VmRSS")
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        Path("/proc/self/clear_refs").write_text("5")
        cpu = time.process_time()
        figures = run(connection, spec)
        figures["cpu_ms"] = (time.process_time() - cpu) * 1e3
        figures["mb"] = status_mb("VmHWM") - start_mb
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
