"""Programs that speak SQLite write to attached tables as to their own: SQLAlchemy's ORM, PyDAL, aiosqlite,
APScheduler and the shell's .import, each the real library, with no more than the recipe of docs/clients.md."""
import pytest

from support import sqlite, venv
from support.paths import ROOT

pytestmark = [pytest.mark.full, pytest.mark.plain]  # each starts programs of its own
CLIENTS = ROOT / "tests" / "clients"
LIBRARY = (CLIENTS / "library.sql").read_text()


@pytest.fixture
def library(pg):
    name = pg.create_database("library")
    pg.psql(LIBRARY, database=name)
    yield pg, name
    pg.drop_database(name)


def check(library, environment, script, *arguments):
    pg, name = library
    result = venv.command(environment, "python", CLIENTS / script, sqlite.SO, *arguments,
                          env={"DATABASE_URL": pg.url(name)})
    assert result.out.strip() == "well", result.err[-3000:]


@pytest.mark.parametrize("environment", ["sqlalchemy14", "sqlalchemy20"])
def test_sqlalchemy(library, environment):
    check(library, environment, "sqlalchemy_writing.py")


@pytest.mark.parametrize("script", ["pydal_tables.py", "aiosqlite_tasks.py", "apscheduler_jobs.py"])
def test_with_its_own_recipe(library, script):
    check(library, "clients", script)


def test_import_of_the_shell(library, tmp_path):
    """What is refused names its line and column, and stops nothing else."""
    pg, name = library
    (tmp_path / "people.csv").write_text('1,"Ann, A.",1,1990-05-17,2024-02-29 12:00:00,0.5\n'
                                         "3,Cid,1,not a date,2024-02-29 12:00:00,1\n"
                                         "4,Dag,1,2000-01-01,2024-02-29 12:00:00,2\n")
    done = sqlite.shell("SELECT bridge_attach('env:DATABASE_URL', 'tables=person');\n"
                        f".import --csv {tmp_path}/people.csv person\nSELECT id, name FROM person;\n",
                        env={"DATABASE_URL": pg.url(name)})
    assert "1|Ann, A." in done.out and "4|Dag" in done.out and "3|" not in done.out, done
    assert "people.csv:2: INSERT failed" in done.err and "born" in done.err, done
    assert pg.psql("SELECT id, name, active, born::text, score FROM person ORDER BY id", database=name) == [
        (1, "Ann, A.", True, "1990-05-17", 0.5), (4, "Dag", True, "2000-01-01", 2.0)]
