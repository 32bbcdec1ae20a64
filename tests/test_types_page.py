"""The tables of docs/types.md, against a server: what is declared, what is shown, what is sent."""
import re

import pytest

from support import sqlite
from support.paths import ROOT

PAGE = (ROOT / "docs/types.md").read_text()
SET_UP = """
    CREATE EXTENSION citext; CREATE EXTENSION hstore;
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TYPE pair AS (x integer, y text);
    CREATE DOMAIN price AS numeric(10,2);
"""


def tables(marker):
    """Rows of each table behind the marker, as cells."""
    for table in re.findall(rf"<!-- {marker} -->\n\n((?:\|.*\n)+)", PAGE):
        for row in table.splitlines()[2:]:
            yield [cell.strip() for cell in row[1:-1].split("|")]


def code(cell):
    return re.match(r"`(.*?)`(?: \(.*\))?$", cell)[1]


LOOKS = [[code(cell) for cell in row] for row in tables("looks")]
VERDICTS = [(row[0].strip("`"), code(row[1]), row[2]) for row in tables("verdicts")]


@pytest.fixture(scope="module")
def database(pg):
    pg.create_database("types", "icu")
    pg.psql(SET_UP, database="types")
    yield "types"
    pg.psql("DROP DATABASE types WITH (FORCE)", database="postgres")


def attach(pg, database, table, types, *options):
    """A table with a column c0, c1, ... for each type; gives the connection."""
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(types))
    pg.psql(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({columns})", database=database)
    db = sqlite.connect()
    words = [pg.url(database), f"tables={table}", *options]
    db.execute(f"SELECT bridge_attach({', '.join('?' * len(words))})", words)
    return db


def test_columns_look_as_the_page_says(pg, database):
    types = [row[-4] for row in LOOKS]
    options = []
    for i, row in enumerate(LOOKS):
        if len(row) == 5:
            word, value = row[0].split("=")
            options.append(f"{word}.c{i}={value}")
    db = attach(pg, database, "looks", types, *options)
    values = ", ".join(f"'{row[-3]}'" for row in LOOKS)
    pg.psql(f"INSERT INTO looks VALUES ({values})", database=database)
    shown = db.execute("SELECT " + ", ".join(f"quote(c{i})" for i in range(len(LOOKS)))
                       + " FROM looks").fetchone()
    declared = [row[0] for row in db.execute(
        "SELECT declared FROM bridge_columns WHERE table_name = 'looks' ORDER BY position")]
    found = [[*row[:-2], *pair] for row, pair in zip(LOOKS, zip(declared, shown))]
    assert [pair for pair in zip(found, LOOKS) if pair[0] != pair[1]] == []


@pytest.mark.parametrize("kind, condition, verdict", VERDICTS,
                         ids=[f"{kind}: {condition}" for kind, condition, _ in VERDICTS])
def test_conditions_are_sent_as_the_page_says(pg, database, kind, condition, verdict):
    db = attach(pg, database, "verdicts", ["text" if kind == "any" else kind])
    sql = "SELECT * FROM verdicts WHERE " + re.sub(r"\bc\b", "c0", condition)
    found = {row[0] for row in db.execute(
        "SELECT verdict FROM bridge_explain(?) WHERE item = 'where'", [sql])}
    # SQLite adds a range to a pattern that begins with plain text.
    assert verdict in found and (found == {verdict} or "LIKE" in condition or "GLOB" in condition)
