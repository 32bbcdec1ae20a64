"""build/drawbridge: every verb, every exit code, and a URL that nobody else gets to read."""
import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest

from support import canary, sqlite
from support.paths import BUILD, ROOT
from support.rest_server import RestServer, failure, rows

pytestmark = pytest.mark.plain  # the program of build/, whatever DRAWBRIDGE_SO says

DRAWBRIDGE = BUILD / "drawbridge"
VERBS = ("query", "tables", "explain", "doctor")
OSLO = "SELECT name, since FROM customers WHERE city = 'Oslo' ORDER BY id"


@pytest.fixture(scope="module")
def url(pg):
    pg.create_database("counter", "icu")
    pg.psql((ROOT / "examples/shop.sql").read_text() + "; ANALYZE", database="counter")
    yield pg.url("counter")
    pg.psql("DROP DATABASE counter WITH (FORCE)", database="postgres")


@pytest.fixture(scope="module")
def shop_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    subprocess.run(["/usr/bin/sqlite3", path], check=True,
                   input=(ROOT / "examples/shop.sql").read_bytes())
    return path


def drawbridge(*words, stdin="", env=None, timeout=60):
    return sqlite.command([DRAWBRIDGE, *words], env=env, stdin=stdin, timeout=timeout)


@pytest.fixture(params=["postgresql", "sqlite"])
def either(request, url, shop_file):
    return url if request.param == "postgresql" else f"sqlite:{shop_file}"


# ---------------------------------------------------------------------- verbs


def test_query_prints_json(either):
    done = drawbridge("query", either, OSLO, "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == [{"name": "Bjørn", "since": "2021-05-17"},
                                    {"name": "Dag", "since": "2022-01-11"},
                                    {"name": "Gunnar", "since": "2023-04-04"}]


def test_query_prints_csv(either):
    done = drawbridge("query", "--csv", either, OSLO)
    assert (done.code, done.err) == (0, "")
    assert list(csv.reader(io.StringIO(done.out))) == [
        ["name", "since"], ["Bjørn", "2021-05-17"], ["Dag", "2022-01-11"], ["Gunnar", "2023-04-04"]]


@pytest.mark.parametrize("options", [[], ["--box"]])
def test_query_prints_boxes(either, options):
    done = drawbridge("query", either, "SELECT count(*) AS n FROM orders", *options)
    assert (done.out, done.err, done.code) == (
        "┌────┐\n│ n  │\n├────┤\n│ 40 │\n└────┘\n", "", 0)


def test_tables_lists_them(either):
    done = drawbridge("tables", either, "--json")
    assert done.code == 0 and done.err == ""
    assert {(row["name"], row["kind"]) for row in json.loads(done.out)} == {
        (name, "table") for name in ("customers", "products", "orders", "order_items")}


def test_explain_says_what_was_sent(either):
    done = drawbridge("explain", either, OSLO, "--json")
    assert done.code == 0 and done.err == ""
    rows = json.loads(done.out)
    assert [row["verdict"] for row in rows if row["item"] == "where"] == ["exact"]
    assert "\"city\"" in [row["text"] for row in rows if row["item"] == "remote"][0]


def test_open_runs_a_script(either):
    done = drawbridge(either, stdin=".mode csv\n.tables\n" + OSLO + " LIMIT 1;\n")
    assert (done.code, done.err) == (0, "")
    assert done.out.split() == ["customers", "order_items", "orders", "products",
                                "\"Bjørn\",2021-05-17"]


def test_options_of_sqlite3_go_behind_the_dashes(either):
    done = drawbridge(either, "--", "-json", "-nullvalue", "none", stdin="SELECT count(*) AS n FROM orders;")
    assert (done.out, done.code) == ('[{"n":40}]\n', 0)


def test_env_goes_on_as_it_is(url):
    done = drawbridge("query", "env:SHOP_URL", "SELECT source FROM bridge_servers", "--csv",
                      env={"SHOP_URL": url})
    assert (done.out.split(), done.code) == (["source", "env:SHOP_URL"], 0)


def test_a_statement_may_begin_with_a_comment(shop_file):
    done = drawbridge("query", "--csv", "--", f"sqlite:{shop_file}", "-- one\nSELECT 1 AS one")
    assert (done.out.split(), done.code) == (["one", "1"], 0)


def test_help_names_everything():
    done = drawbridge("--help")
    assert done.code == 0 and done.err == ""
    for word in (*VERBS, "--json", "--csv", "--box", "--help", "--version", "Exit status"):
        assert word in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_version():
    version = re.search(r"version: '(.*)'", (ROOT / "meson.build").read_text())[1]
    assert drawbridge("--version").out.startswith(f"drawbridge {version}, SQLite 3.")


# ---------------------------------------------------------------------- exit codes

FILE = "sqlite:{file}"
EXITS = [
    # words, code, what stderr (query) or stdout (doctor) says
    ([], 2, "a URL is missing"),
    (["query"], 2, "a URL is missing"),
    (["query", FILE], 2, "a statement is missing"),
    (["query", FILE, "SELECT 1", "SELECT 2"], 2, "too many words"),
    (["tables", FILE, "more"], 2, "too many words"),
    (["query", FILE, "SELECT 1", "--yaml"], 2, "unrecognized option"),
    (["doctor", FILE, "--csv"], 2, "does not go with doctor"),
    ([FILE, "--json"], 2, "does not go with"),
    (["mysql://host/shop"], 2, "URL of kind \"mysql\" is not known"),
    (["query", "nonsense", "SELECT 1"], 2, "URL is of no known kind"),
    (["query", "env:NOT_SET_ANYWHERE", "SELECT 1"], 2, "\"NOT_SET_ANYWHERE\" is not set"),
    (["tables", "{url}&zzz=1"], 2, "unknown option \"zzz\""),
    (["query", FILE, "SELECT nonsense"], 1, "no such column: nonsense"),
    (["query", FILE, "SELECT 1; SELECT nonsense; SELECT 3"], 1, "no such column: nonsense"),
    (["query", FILE + "?readonly=1", "DELETE FROM orders"], 1, "is read-only"),
    (["query", "{url}", "SELECT * FROM bridge_query('counter', 'SELECT 1/0')"], 1,
     "division by zero"),
    (["query", "{url}&statement_timeout_ms=100",
      "SELECT * FROM bridge_query('counter', 'SELECT pg_sleep(5)')"], 1, "timeout"),
    (["explain", FILE, "SELECT nonsense"], 1, "no such column: nonsense"),
    (["query", "sqlite:/no/such/file.db", "SELECT 1"], 3, "No such file or directory"),
    (["sqlite:/no/such/file.db"], 3, "No such file or directory"),
    (["tables", "postgresql://127.0.0.1:1/shop"], 3, "Connection refused"),
    (["tables", "{wrong_password}"], 3, "password authentication failed"),
    (["query", "{missing}", "SELECT 1"], 3, "database \"missing\" does not exist"),
]


@pytest.fixture(scope="module")
def places(pg, url, shop_file):
    return {"url": url, "file": shop_file, "missing": pg.url("missing"),
            "wrong_password": pg.url("counter", password="wrong")}


@pytest.mark.parametrize("words, code, says", EXITS, ids=[" ".join(row[0]) for row in EXITS])
def test_exit_codes(places, words, code, says):
    done = drawbridge(*[word.format(**places) for word in words])
    assert (done.code, says in done.err) == (code, True), done


def test_rows_before_a_failure_are_printed(shop_file):
    done = drawbridge("query", "--csv", f"sqlite:{shop_file}", "SELECT 1 AS a; SELECT nonsense")
    assert done.out.split() == ["a", "1"]


# ---------------------------------------------------------------------- doctor

STEPS = ["url", "connect", "version", "catalog", "read"]
PATIENTS = [
    # URL, exit code, step that fails, words of the finding, words of the advice
    ("{url}", 0, None, None, None),
    ("sqlite:{file}", 0, None, None, None),
    ("{wrong_password}", 3, "connect", "password authentication failed", "~/.pgpass"),
    ("{missing}", 3, "connect", "does not exist", "check its name"),
    ("postgresql://127.0.0.1:1/shop", 3, "connect", "Connection refused", "is the port right?"),
    ("postgresql://no-such-host.invalid/shop", 3, "connect", "no-such-host.invalid", "spelling"),
    ("sqlite:/no/such/file.db", 3, "connect", "No such file or directory", "check the path"),
    ("mysql://host/shop", 2, "url", "\"mysql\" is not known", None),
]


@pytest.mark.parametrize("patient, code, step, finding, advice", PATIENTS,
                         ids=[row[0] for row in PATIENTS])
def test_doctor(places, patient, code, step, finding, advice):
    done = drawbridge("doctor", patient.format(**places), "--json")
    report = json.loads(done.out)
    assert done.code == code
    if step is None:
        assert [row["step"] for row in report] == STEPS
        assert all(row["ok"] is True and row["finding"] and row["advice"] is None for row in report)
        return
    assert [row["step"] for row in report] == STEPS[:STEPS.index(step) + 1]
    assert [row["ok"] for row in report] == [True] * (len(report) - 1) + [False]
    assert finding in report[-1]["finding"]
    assert advice is None or advice in report[-1]["advice"]


@pytest.mark.parametrize("table, answer, code, words", [
    ("people", lambda request: rows(request, [{"id": 1}]), 0, 'answered: GET /people?select=id'),
    ("people", lambda request: rows(request, []), 0, 'answered: GET /people?select=id'),
    ("people", lambda _: failure(500, "XX000", "out of order"), 1, "out of order"),
    (None, lambda request: rows(request, []), 0, "there is no table to read")])
def test_doctor_of_a_postgrest_server(table, answer, code, words):
    """It takes no statements, so a table of it is read."""
    definitions = {table: {"properties": {"id": {"format": "int32"}}}} if table else {}
    with RestServer(answer, {"swagger": "2.0", "definitions": definitions}) as server:
        done = drawbridge("doctor", server.url, "--json")
    report = json.loads(done.out)
    assert done.code == code and [row["step"] for row in report] == STEPS, done.out
    assert [row["ok"] for row in report] == [True] * 4 + [code == 0] and words in report[-1]["finding"]
    with RestServer(answer) as server:  # it says nothing of itself
        done = drawbridge("doctor", server.url + "?columns.people=id%20int", "--json")
        assert json.loads(done.out)[2] == {"step": "version", "ok": True, "finding": "server version not told", "advice": None}


def test_doctor_in_words(places):
    done = drawbridge("doctor", places["wrong_password"])
    lines = done.out.splitlines()
    assert re.match(r"url +ok +driver postgres, ", lines[0])
    assert re.match(r"connect +FAIL +could not connect", lines[1])
    assert lines[-1].strip().endswith("check the user, the password, ~/.pgpass")
    assert all(line.startswith(" " * 15) for line in lines[2:])


# ---------------------------------------------------------------------- secrets


def command_lines(pid):
    """Of the process and its children: their arguments as anybody may read them. The first
    moment, before the program can have overwritten its own, is nobody's fault."""
    pids = [pid, *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [Path(f"/proc/{each}/cmdline").read_bytes() for each in pids]


def test_the_url_is_in_no_command_line_of_a_question(url):
    slow = "SELECT * FROM bridge_query('counter', 'SELECT pg_sleep(3)')"
    running = subprocess.Popen([DRAWBRIDGE, "query", url, slow], env=sqlite.environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 10
        while len(lines := command_lines(running.pid)) < 2 or b"sqlite3" not in lines[1]:
            assert time.monotonic() < deadline, lines
            time.sleep(0.01)
        assert canary.PASSWORD.encode() not in b"".join(lines)
        assert b"drawbridge\0query\0xxxx" in lines[0]
        assert not any(b"postgresql://" in line for line in lines)
        assert b"env:DRAWBRIDGE_URL" in lines[1]
        assert b"-init\0/dev/null\0" in lines[1]  # ~/.sqliterc is for the shell, not for answers
    finally:
        running.kill()
        running.communicate()


def test_a_killed_question_leaves_no_shell(url):
    slow = "SELECT * FROM bridge_query('counter', 'SELECT pg_sleep(30)')"
    running = subprocess.Popen([DRAWBRIDGE, "query", url, slow], env=sqlite.environment(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    deadline = time.monotonic() + 10
    while not (child := children.read_text().split()) or \
            b"sqlite3" not in Path(f"/proc/{child[0]}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.kill()
    running.wait()
    while Path(f"/proc/{child[0]}/cmdline").exists() and \
            Path(f"/proc/{child[0]}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_url_is_in_no_command_line_of_the_shell(url):
    running = subprocess.Popen([DRAWBRIDGE, url], env=sqlite.environment(), text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        running.stdin.write(".print ready\n")
        running.stdin.flush()
        deadline = time.monotonic() + 10
        while not (line := command_lines(running.pid)[0]).startswith(b"sqlite3\0"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert canary.PASSWORD.encode() not in line
        assert b"postgresql://" not in line and b"env:DRAWBRIDGE_URL" in line
    finally:
        running.communicate()


@pytest.mark.parametrize("sql", [
    "SELECT * FROM bridge_servers", "SELECT * FROM bridge_log", "SELECT * FROM sqlite_schema",
    "SELECT * FROM bridge_query('counter', 'SELECT pg_sleep(')",
])
def test_answers_hold_no_password(url, sql):
    drawbridge("query", url, sql)  # what it prints is searched when the test ends


# ---------------------------------------------------------------------- on a terminal


class Terminal:
    """A person at the keyboard."""

    def __init__(self, words, env):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(words[0], words, env)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern, seconds=20):
        """Reads until the pattern shows in what came since the last call."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    read = os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    read = ""
                assert read, f"the end came before {pattern!r}: {self.seen!r}"
                self.seen += canary.seen(read)
        self.seen = self.seen[found.end():]
        return found

    def exit_code(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_person_gets_the_shell_with_history_and_dot_commands(url, tmp_path):
    env = {**sqlite.environment(), "TERM": "xterm",
           "SQLITE_HISTORY": str(tmp_path / "history")}
    terminal = Terminal([str(DRAWBRIDGE), url], env)
    terminal.wait_for("sqlite> ")
    terminal.type(".tables\n")
    terminal.wait_for("customers +order_items +orders +products")
    terminal.wait_for("sqlite> ")
    terminal.type("SELECT count(*) + 1000 FROM customers;\n")
    terminal.wait_for("1010")
    terminal.wait_for("sqlite> ")
    terminal.type("\x1b[A\n")  # the key for the line before
    terminal.wait_for("1010")
    terminal.wait_for("sqlite> ")
    terminal.type("SELECT * FROM bridge_query('counter', 'SELECT pg_sleep(60)');\n")
    terminal.wait_for(r"pg_sleep\(60\)'\);")
    time.sleep(0.5)
    terminal.type("\x03")  # Ctrl-C ends the statement, not the shell
    terminal.wait_for("interrupted")
    terminal.wait_for("sqlite> ")
    terminal.type(".quit\n")
    assert terminal.exit_code() <= 1  # sqlite3 remembers that a statement failed
    history = (tmp_path / "history").read_text()
    assert "1000 FROM customers" in canary.seen(history)


# ---------------------------------------------------------------------- the manual page

PAGE = ROOT / "docs/drawbridge.1"


def test_the_manual_page_has_no_faults():
    done = subprocess.run(["groff", "-ww", "-mandoc", "-Tutf8", "-P-c", PAGE], capture_output=True,
                          text=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    text = re.sub(".\b", "", done.stdout)
    for word in (*VERBS, "--json", "--csv", "--box", "--help", "--version", "DRAWBRIDGE_LOCK",
                 "DRAWBRIDGE_TRACE", "EXIT STATUS", "EXAMPLES"):
        assert word in text, word


def test_the_manual_page_is_of_this_version():
    version = re.search(r"version: '(.*)'", (ROOT / "meson.build").read_text())[1]
    assert f"\"Drawbridge {version}\"" in PAGE.read_text()
