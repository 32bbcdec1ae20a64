"""The PostgreSQL judge on the whole grid of type x operator x value x collation: no row that SQLite
selects may be missing from what the remote sends, an exact verdict sends no other row, and nothing
is pushed less than it was (tests/judge/shares.json; JUDGE_RECORD=1 writes it anew)."""
import json
import os
from pathlib import Path

import pytest

from judge import grid, runner
from support.paths import BUILD

TOOL = BUILD / "tests" / "judge_grid"
SHARES = Path(__file__).parent / "judge" / "shares.json"
SAMPLE = ["int4", "num18_0", "float4", "numeric", "text_c", "domain_enum", "tstz", "composite"]
ENCODED = ["text", "text_c", "citext", "bpchar", "enum", "json", "inet", "ts", "uuid", "int4"]
WITH_NAN = ["float8", "float4", "num10_2", "num18_0", "numeric", "domain_float8"]

pytestmark = pytest.mark.plain


def check(server, database, **arguments):
    server.create_database(f"grid_{database}", database)
    try:
        counts, wrong = runner.run(TOOL, server.url(f"grid_{database}"), **arguments)
    finally:
        server.drop_database(f"grid_{database}")
    assert not wrong, f"{len(wrong)} wrong, the first of them:\n" + "\n".join(map(ascii, wrong[:10]))
    return {name: {"exact": count["exact"] + count["empty"] + count["all"],
                   "superset": count["superset"], "skip": count["skip"], "order": count["order"]}
            for name, count in counts.items()}


def check_shares(shares):
    if os.environ.get("JUDGE_RECORD"):
        SHARES.write_text("{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(share)}"
                                            for name, share in shares.items()) + "\n}\n")
    recorded = json.loads(SHARES.read_text())
    less = {name: (share, recorded[name]) for name, share in shares.items()
            if share["exact"] < recorded[name]["exact"] or share["skip"] > recorded[name]["skip"]
            or share["order"] < recorded[name]["order"]}
    assert not less, f"less is pushed than recorded: {less}"


def test_a_sample(pg):
    check_shares(check(pg, "icu", names=SAMPLE))


@pytest.mark.full
def test_every_type(pg):
    shares = check(pg, "icu")
    check_shares(shares)
    assert list(shares) == list(grid.TYPES)
    assert sum(share["exact"] + share["superset"] for share in shares.values()) > 90000


@pytest.mark.full
@pytest.mark.parametrize("database, names", [
    ("turkish", ENCODED), ("latin1", ENCODED), ("ascii", ENCODED)])
def test_other_locales_and_encodings(pg, database, names):
    check(pg, database, names=names)


@pytest.mark.full
@pytest.mark.parametrize("server", ["pg12", "pg18"])
def test_other_versions(request, server):
    check(request.getfixturevalue(server), "libc", names=SAMPLE)


def test_nan_as_null(pg):
    check(pg, "icu", names=WITH_NAN, options=["nan=null"], null_nan=True)
