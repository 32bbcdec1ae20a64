"""The postgres driver on each server, and the postgrest driver: the promises of drivers/driver.h,
and what only a real server shows. The cases are in C, under tests/contract."""
import os
import subprocess

import pytest

from support.paths import BUILD
from support.postgrest import Front, Postgrest


def run_contract(program, **variables):
    run = subprocess.run([BUILD / "tests/contract" / program], env={**os.environ, **variables},
                         capture_output=True, text=True, timeout=300)
    failed = [line for line in run.stdout.splitlines() if not line.startswith("ok ")]
    assert run.returncode == 0, "\n".join(failed + run.stderr.splitlines())


@pytest.mark.parametrize("program, variable", [
    ("driver_contract", "CONTRACT_URL"), ("driver_writing", "CONTRACT_URL"),
    ("postgres_catalog", "POSTGRES_URL"),
    ("postgres_errors", "POSTGRES_URL"), ("postgres_fault", "POSTGRES_URL"),
    ("postgres_wire", "POSTGRES_URL")])
def test_postgres(any_pg, program, variable):
    url = any_pg.url("libc" if any_pg.version == "12" else "icu", tcp=True)
    run_contract(program, **{variable: url})


@pytest.mark.parametrize("program", ["driver_contract", "driver_writing"])
def test_postgrest(pg, program, tmp_path):
    pg.create_database(program, "icu")
    server = Postgrest(pg, program, ["public"], tmp_path, writes=True).start()
    try:
        with Front(server) as front:
            run_contract(program, CONTRACT_URL=front.url, CONTRACT_DATABASE=pg.url(program, tcp=True))
    finally:
        server.stop()
