"""The benchmark runs: every case with its floors, the extension and a local table, on tiny tables.
Rivals are left out, times are not judged; answers are compared by bench/run itself."""
import json
import subprocess
import sys

import pytest

from support.paths import ROOT

# It loads build/drawbridge.so, whichever build is tested.
@pytest.mark.plain
def test_every_case_has_its_floor_and_ours(tmp_path):
    path = tmp_path / "result.json"
    page = tmp_path / "page.md"
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "run", "--no-rivals", "--rows", "400", "--rounds", "0",
         "--limit", "30", "--json", path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    result = json.loads(path.read_text())
    listed = subprocess.run([sys.executable, ROOT / "bench" / "run", "--list", "--no-rivals"],
                            capture_output=True, text=True, check=True).stdout
    assert [case["name"] for case in result["cases"]] == \
        [line.split()[0] for line in listed.splitlines()]
    for case in result["cases"]:
        floor = case["rows"][0]
        assert floor["floor"] and floor["median"] > 0 and floor["ratio"] == 1, case["name"]
        ours, = [row for row in case["rows"] if row["contender"] == "drawbridge"]
        assert ours["median"] > 0 and ours["ratio"] > 0, case["name"]
        assert f"{case['name']}: " in done.stdout

    page.write_text("above\n<!-- begin: bench/report -->\nold\n<!-- end: bench/report -->\nbelow\n")
    subprocess.run([sys.executable, ROOT / "bench" / "report", path, page], check=True)
    written = page.read_text()
    assert written.startswith("above\n") and written.endswith("below\n") and "old" not in written
    assert written.count("**drawbridge**") == len(result["cases"])


@pytest.mark.plain
@pytest.mark.slow
def test_every_rival_writes(tmp_path):
    """But for VirtualPG, which leaves tables without a key alone."""
    path = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "run", "--only", "writes", "--rows", "2000", "--rounds", "0",
         "--limit", "60", "--json", path], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    cases = json.loads(path.read_text())["cases"]
    assert len(cases) == 4
    idle = {(case["name"], row["contender"]): row["why_not"] for case in cases for row in case["rows"] if "why_not" in row}
    assert idle == {("insert-bulk", "VirtualPG"): "a table without a primary key is read-only"}


def test_an_unknown_case_is_named():
    done = subprocess.run([sys.executable, ROOT / "bench" / "run", "--only", "scan", "nonsense"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and "no case is called nonsense" in done.stderr
