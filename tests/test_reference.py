"""docs/reference.md has every word of this build, and no other: options from the drivers' tables,
functions, modules and columns from what SQLite sees."""
import json
import re

import pytest

from support import sqlite
from support.paths import ROOT

REFERENCE = (ROOT / "docs/reference.md").read_text()
SPEC = re.compile(r"const struct option_spec (\w+)\[\] = \{(.*?)\n\};", re.S)


def field(text, name):
    found = re.search(rf"\.{name} = \"([^\"]*)\"", text)
    return found[1] if found else None


def specs():
    """{table: {option: its text}} of every table of options that is not empty."""
    found = {}
    for path in [ROOT / "drivers/registry.c", ROOT / "vtab/bulk_upsert.c", *sorted((ROOT / "drivers").glob("*/driver.c"))]:
        for table, body in SPEC.findall(path.read_text()):
            parts = re.split(r"\{ \.name = \"([^\"]+)\"", body)[1:]
            options = dict(zip(parts[::2], parts[1::2]))
            if options:
                found[table] = options
    return found


def documented(kind):
    """{names of the marker: rows of the table behind it, each a list of cells}."""
    found = {}
    for names, table in re.findall(rf"<!-- {kind}: ([\w ]+) -->\n\n((?:\|.*\n)+)", REFERENCE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
                for row in table.splitlines()[2:]]
        found[names] = rows
    return found


SPECS, OPTIONS = specs(), documented("options")


def test_each_table_of_options_is_there():
    assert set(SPECS) == set(OPTIONS)


@pytest.mark.parametrize("table", sorted(OPTIONS))
def test_options_are_those_of_the_build(table):
    rows = {row[0].strip("`").removesuffix("="): row for row in OPTIONS[table]}
    assert list(rows) == list(SPECS[table])
    for name, text in SPECS[table].items():
        values = re.findall(r"`([^`]*)`", rows[name][1])
        choices = field(text, "choices")
        fallback = field(text, "fallback")
        if choices:
            assert sorted(values) == sorted(choices.split("|")), name
        if fallback:
            assert values[0] == fallback, name
        elif not choices:
            assert rows[name][1] == ("-" if fallback is None else "(empty)"), name
        if table == "value_options":
            column = ("only" if "COLUMN_ONLY" in text else "yes") if "PER_COLUMN" in text else ""
            assert rows[name][2] == column, name


def known_words(statement):
    code, message = sqlite.error(sqlite.connect(), statement)
    assert "unknown option" in message
    words = message.partition("known are ")[2].split(", ")
    return {re.sub(r"^set\.NAME$", "set.", word).removesuffix(".COLUMN") for word in words}


@pytest.mark.parametrize("statement, tables", [
    ("SELECT bridge_attach('sqlite:', 'zzz=1')",
     ("attach_options", "server_options", "sqlite_server_options", "value_options")),
    ("SELECT bridge_server('s', 'postgresql://h/d', 'zzz=1')",
     ("server_options", "postgres_server_options", "value_options")),
    ("CREATE VIRTUAL TABLE t USING sqlite(zzz=1)", ("table_options", "value_options")),
])
def test_the_build_knows_these_options(statement, tables):
    assert known_words(statement) == {name for table in tables for name in SPECS[table]}


def test_functions_and_modules():
    db = sqlite.connect()
    names = {row[0] for row in db.execute(
        "SELECT name FROM pragma_function_list WHERE name LIKE 'bridge%' UNION "
        "SELECT name FROM pragma_module_list WHERE name LIKE 'bridge%'")}
    mentioned = set(re.findall(r"`(bridge_\w+)(?=[`(.])", REFERENCE))
    assert mentioned == names
    drivers = json.loads(db.execute("SELECT bridge_version()").fetchone()[0])["drivers"]
    assert re.findall(r"^\| `(\w+)` \| a table", REFERENCE, re.M) == drivers


def test_columns_are_those_of_the_build():
    db = sqlite.connect()
    tables = documented("table")
    modules = {row[0] for row in db.execute(
        "SELECT name FROM pragma_module_list WHERE name LIKE 'bridge%'")}
    assert {name for names in tables for name in names.split()} == modules
    for names, rows in tables.items():
        listed = [column for row in rows for column in re.findall(r"`(\w+)`", row[0])]
        for name in names.split():
            columns = [row[0] for row in db.execute(
                "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", [name])]
            assert listed == columns, name


def test_the_trace_has_the_areas_asked_for():
    script = "SELECT bridge_attach('sqlite:', 'name=s');\nSELECT * FROM bridge_query('s', 'SELECT 1');"
    for areas, lines in (("all", 2), ("all,-wire", 1), ("wire", 1), ("nothing", 0)):
        printed = sqlite.shell(script, env={"DRAWBRIDGE_TRACE": areas}).err
        assert printed.count("drawbridge: server \"s\"") == lines, (areas, printed)


def test_exit_codes_are_those_of_the_shell():
    header = (ROOT / "shell/command.h").read_text()
    codes = [int(code) for code in re.findall(r"EXIT_\w+ = (\d)", header)]
    assert [int(code) for code in re.findall(r"^\| (\d) \|", REFERENCE, re.M)] == codes


def test_environment_variables_are_those_of_the_code():
    sources = [path.read_text() for folder in ("base", "drivers", "vtab", "shell")
               for path in (ROOT / folder).rglob("*.c")]
    named = {name for text in sources
             for name in re.findall(r"\"(DRAWBRIDGE_\w+|DB_\w+|DATABASE_URL|PG[A-Z]+)\"", text)}
    section = REFERENCE[REFERENCE.index("## Environment"):]
    missing = {name for name in named - {"DRAWBRIDGE_URL", "DRAWBRIDGE_LIBDIR"}
               if f"`{name}`" not in section}
    assert missing <= {"PGHOSTADDR"}
