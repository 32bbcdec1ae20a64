"""Sessions of Debian's sqlite3 shell against a private PostgreSQL and a SQLite file: tests/sql/NAME.sql
with what must come out in NAME.out, remote statements included (see support/golden.py).

    GOLDEN=write ./check python -k golden      records anew; read the difference before committing it
"""
import difflib
import os
import sqlite3

import pytest

from support import golden
from support.paths import ROOT

SESSIONS = ROOT / "tests" / "sql"
SHOP = (ROOT / "examples" / "shop.sql").read_text()

pytestmark = pytest.mark.golden


class Places:
    """Kept in an object, since pytest shows what a failed test was given, and URLs hold a password."""

    def __init__(self, env, replacements):
        self.env, self.replacements = env, replacements


@pytest.fixture(scope="module")
def places(pg, tmp_path_factory):
    """The shop behind both drivers; what differs from run to run, and what stands for it."""
    name = pg.create_database("golden", "icu")
    pg.psql(SHOP, database=name)
    pg.psql((SESSIONS / "remote.setup").read_text()
            .replace("{host}", str(pg.folder)).replace("{port}", str(pg.port))
            .replace("{password}", pg.password), database=name)
    folder = tmp_path_factory.mktemp("golden")
    with sqlite3.connect(folder / "shop.db") as file:
        file.executescript(SHOP)
        file.executescript((SESSIONS / "file.setup").read_text())
    file.close()
    env = {
        "DATABASE_URL": pg.url(name),
        "READER_URL": pg.url(name, user="golden_reader"),
        "NOBODY_URL": pg.url(name, password="wrong"),
        "NOWHERE_URL": pg.url("golden_nowhere"),
        "FILE_URL": f"sqlite:{folder / 'shop.db'}",
        "DB_FOLDER": str(folder),
    }
    yield Places(env, {str(pg.folder): "FOLDER", str(folder): "FOLDER", str(pg.port): "PORT"})
    pg.drop_database(name)
    pg.psql("DROP ROLE golden_reader", database="postgres")


@pytest.mark.parametrize("name", sorted(path.stem for path in SESSIONS.glob("*.sql")))
def test_golden(places, tmp_path, name):
    session = golden.read(SESSIONS / f"{name}.sql")
    database = ":memory:"
    if session.prepare is not None:
        database = tmp_path / "local.db"
        with sqlite3.connect(database) as local:
            local.executescript(session.prepare)
        local.close()
    record = golden.play(session, places.env, database,
                         {**places.replacements, str(tmp_path): "LOCAL"})
    expected = SESSIONS / f"{name}.out"
    if os.environ.get("GOLDEN") == "write":
        expected.write_text(record)
    difference = difflib.unified_diff(
        expected.read_text().splitlines(), record.splitlines(), "expected", "now", lineterm="")
    assert not "\n".join(difference)


def test_every_record_has_its_session():
    assert ({path.stem for path in SESSIONS.glob("*.sql")}
            == {path.stem for path in SESSIONS.glob("*.out")})
