"""The postgres driver on each server: the promises of drivers/driver.h, and what only a real
server shows. The cases are in C, under tests/contract."""
import os
import subprocess

import pytest

from support.paths import BUILD


@pytest.mark.parametrize("program, variable", [
    ("driver_contract", "CONTRACT_URL"), ("driver_writing", "CONTRACT_URL"),
    ("postgres_catalog", "POSTGRES_URL"),
    ("postgres_errors", "POSTGRES_URL"), ("postgres_fault", "POSTGRES_URL"),
    ("postgres_wire", "POSTGRES_URL")])
def test_postgres(any_pg, program, variable):
    url = any_pg.url("libc" if any_pg.version == "12" else "icu", tcp=True)
    run = subprocess.run([BUILD / "tests/contract" / program], env={**os.environ, variable: url},
                         capture_output=True, text=True, timeout=300)
    failed = [line for line in run.stdout.splitlines() if not line.startswith("ok ")]
    assert run.returncode == 0, "\n".join(failed + run.stderr.splitlines())
