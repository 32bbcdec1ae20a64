"""How each contender is asked: the words of the process that runs its part of a case. A contender
that cannot be had gives the reason instead (Missing), which stands in the table."""
import json
import sys

from harness import parts
from harness.case import ALL_KEYS, DATABASE, DUCKDB, FDW, NATIVE, OURS, VIRTUALPG
from harness.parts import BUILD, PROGRAMS

FOLDER = parts.ROOT / "bench" / "harness"


class Missing(Exception):
    pass


def _options(case, world, repeat, keyed, setup=()):
    """The words that the programs of bench/floors share."""
    words = ["-1"] if case.figure == "first_ms" else []
    for statement in setup:
        words += ["-s", statement]
    words += ["-k", world.rows] if keyed else []
    words += ["-p", case.prefix] if case.prefix else []
    return [*words, "-r", repeat]


def floor(case, world, floor):
    """(words, what the figure of a run is multiplied with to be the figure of the case)."""
    if floor.mode == "pages":
        return [PROGRAMS / "bench_pages", world.rest_url() + "/pages?select=id,k,f::text,t,b", "1000"], 1
    if floor.mode == "page_keys":
        return [PROGRAMS / "bench_pages", world.rest_url() + "/pages?select=id,k", "1000",
                world.rows, world.keys], 1
    part = world.keys if floor.repeat == ALL_KEYS else min(floor.repeat, world.keys)
    repeat = part or case.repeat
    words = [PROGRAMS / "bench_postgres",
             *_options(case, world, repeat, case.keyed or floor.repeat != 0),
             floor.mode, world.url(case.latency_ms, case.database), floor.sql]
    if floor.repeat == 0:
        return words, 1 / case.repeat
    return words, world.keys / repeat if floor.per_key else 1


def _local(case, world, kind):
    return [*(world.local_keys(kind) if case.local_keys else []),
            *(world.local_source(kind) if case.local_source else [])]


def _sql(case, world, name):
    return case.sqls.get(name, case.sql).replace("{url}", world.url(case.latency_ms))


def _through_sqlite(case, world, name, database, before):
    keys = _local(case, world, "sqlite")
    return [PROGRAMS / "bench_sqlite", database, *before,
            *_options(case, world, case.repeat_of(name), case.keyed,
                      [*case.setups.get(name, []), *keys]),
            _sql(case, world, name)]


def ours(case, world):
    before = ["-x", BUILD / "drawbridge.so"]
    if case.tables:
        url, schema = ((world.rest_url(), "") if case.rest else
                       (world.url(case.latency_ms, case.database), "'schema=public', "))
        before += ["-s", f"SELECT bridge_attach('{url}', {schema}'tables={','.join(case.tables)}')"]
    return _through_sqlite(case, world, OURS, ":memory:", before)


def native(case, world):
    return _through_sqlite(case, world, NATIVE, world.native(case.database), [])


def virtualpg(case, world):
    library, why = parts.virtualpg()
    if library is None:
        raise Missing(why)
    before = ["-x", library]
    for table in case.tables:
        before += ["-s", f"CREATE VIRTUAL TABLE {table} USING VirtualPostgres("
                         f"'{world.url(case.latency_ms)}', 'public', '{table}'"
                         f"{', W' if case.writes else ''})"]
    return _through_sqlite(case, world, VIRTUALPG, ":memory:", before)


def fdw(case, world):
    if world.foreign is None:
        world.start_foreign()
    keys = _local(case, world, "postgres")
    setup = [f"SET search_path = pg_temp, bench_{case.latency_ms}", *keys,
             *case.setups.get(FDW, [])]
    repeat = case.repeat_of(FDW)
    mode = ("prepared" if case.keyed else "simple" if case.writes or not case.tables else
            "copy" if repeat == 1 else "prepared")
    return [PROGRAMS / "bench_postgres", *_options(case, world, repeat, case.keyed, setup), mode,
            world.foreign_url(), _sql(case, world, FDW)]


def duckdb(case, world):
    setup = []
    if case.tables:
        setup += [f"ATTACH '{world.url(case.latency_ms)}' AS remote (TYPE postgres"
                  f"{'' if case.writes else ', READ_ONLY'})",
                  "SET search_path = 'memory.main,remote.public'"]
    setup += _local(case, world, "duckdb")
    spec = {"setup": [*setup, *case.setups.get(DUCKDB, [])], "sql": _sql(case, world, DUCKDB),
            "keys": world.rows if case.keyed else 0, "repeat": case.repeat_of(DUCKDB),
            "prefix": case.prefix, "first_only": case.figure == "first_ms"}
    return [sys.executable, FOLDER / "duckdb_worker.py", json.dumps(spec)]


CONTENDERS = {OURS: ours, NATIVE: native, VIRTUALPG: virtualpg, FDW: fdw, DUCKDB: duckdb}


def versions(world, rivals):
    """What was measured, by each part's own word."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(str(BUILD / "drawbridge.so"))
    known = json.loads(connection.execute("SELECT bridge_version()").fetchone()[0])
    found = {"drawbridge": known["drawbridge"], "SQLite": known["sqlite"], "libpq": known["libpq"],
             "PostgreSQL": world.server.psql("SHOW server_version", database=DATABASE)[0][0]}
    if VIRTUALPG in rivals:
        library, version = parts.virtualpg()
        found[VIRTUALPG] = version if library else f"missing: {version}"
    if FDW in rivals:
        found[FDW] = f"of PostgreSQL {found['PostgreSQL']}"
    if DUCKDB in rivals:
        import duckdb as module

        found[DUCKDB] = f"{module.__version__} with duckdb-extension-postgres-scanner"
    return found
