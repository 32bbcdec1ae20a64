"""./try, from the tree as it lies here: the tour with a server of its own, without any, and over a
user's database; on a terminal it leaves the person in the shell."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from support import canary
from support.paths import ROOT
from support.rest_server import RestServer, rows
from test_shell import Terminal

pytestmark = [pytest.mark.plain, pytest.mark.full]
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "TERM": "xterm", "SQLITE_HISTORY": "/dev/null"}


def attempt(*words):
    done = subprocess.run(["./try", *words], cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    canary.seen(done.stdout)
    assert done.returncode == 0, done.stdout
    return done.stdout


def own_folders(printed):
    return set(re.findall(r"/tmp/drawbridge\.\w+", printed))


@pytest.mark.parametrize("words, remote", [
    ([], 'FROM "public"."customers" WHERE "city" = $1'),
    (["sqlite:"], 'FROM main."customers" AS r WHERE r."city" COLLATE BINARY = ?1'),
])
def test_the_tour(words, remote):
    printed = attempt(*words)
    assert "SELECT bridge_attach('" in printed
    assert "Bjørn|2021-05-17" in printed and remote in printed
    assert "│ Oslo   │ 5     │ 9      │ 6598.03 │" in printed
    assert "bridge_explain" in printed and "│ exact   │" in printed
    assert "./try 'postgresql://user@host/database'" in printed
    assert ".echo off" not in printed
    assert len(own_folders(printed)) == 1
    assert not any(Path(folder).exists() for folder in own_folders(printed))


def test_your_own_database(pg):
    pg.create_database("own")
    pg.psql("CREATE TABLE harbours (id integer PRIMARY KEY)", database="own")
    try:
        printed = attempt(pg.url("own"))
        assert "│ harbours │ table │" in printed and "postgres" in printed
    finally:
        pg.psql("DROP DATABASE own WITH (FORCE)", database="postgres")


def test_a_postgrest_server(tmp_path):
    document = {"swagger": "2.0", "definitions": {"harbours": {"properties": {
        "id": {"format": "int32", "type": "integer"}}}}}
    with RestServer(lambda request: rows(request, []), document) as server:
        printed = attempt(server.url)
    assert "│ harbours │ view" in printed and "postgrest" in printed
    (tmp_path / "document.json").write_text(json.dumps(document))
    (tmp_path / "token").write_text("a-token")
    with RestServer(lambda request: rows(request, [])) as server:  # the URL says the rest
        printed = attempt(f"{server.url}?openapi={tmp_path}/document.json&token_file={tmp_path}/token")
        assert {request.headers.get("authorization") for request in server.requests} == {"Bearer a-token"}
    assert "│ harbours │ view" in printed and "a-token" not in printed


def test_a_database_that_is_not_there():
    done = subprocess.run(["./try", "postgresql://127.0.0.1:1/nothing"], cwd=ROOT, env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0 and "Connection refused" in done.stderr


def test_a_person_is_left_in_the_shell():
    terminal = Terminal([str(ROOT / "try"), "sqlite:"], {**os.environ, **ENVIRONMENT})
    terminal.wait_for("you are in the sqlite3 shell", 120)
    terminal.wait_for("sqlite> ")
    terminal.type("SELECT count(*) + 1000 FROM customers;\n")
    terminal.wait_for("1010")
    terminal.type("\x03")
    terminal.wait_for("sqlite> ")
    terminal.type(".quit\n")
    assert terminal.exit_code() == 0
