"""Every example of README.md and docs/*.md runs, and says what the page says.

A section (##) of a page is one session, top to bottom, in a directory that holds drawbridge.so,
build/ and shop.db, against a database shop (examples/shop.sql) made anew for it:

    ```sql      goes to one sqlite3 shell. It starts with the extension loaded and the shop
                attached, unless the section's first sql block loads the extension itself
    ```sh       runs under bash
    ```python   runs under the Python that has what it imports: each SQLAlchemy, the clients' own,
                or Debian's
    ```text     is what the block before it printed. … stands for anything within a line, a line
                that is only … for any lines

`<!-- also on sqlite:shop.db -->` in a section runs its sql blocks once more with that URL; the
output has to be the same. DOCS=write puts what was printed into the pages, to be looked at.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import canary, sqlite
from support.paths import BUILD, ROOT

URL = "postgresql://localhost/shop"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNNABLE = ("sql", "sh", "python")
PRELUDE = [".mode column --wrap 72 --ww", ".load ./drawbridge"]
END_OF_BLOCK = "@@ end of block @@"


class Block:
    def __init__(self, language, line):
        self.language, self.line = language, line  # line: of the opening fence, from 0
        self.code = []
        self.expected = None  # lines, when a text block follows
        self.expected_line = None


class Section:
    def __init__(self, page, title):
        self.page, self.title = page, title
        self.blocks = []
        self.also_on = []

    def __str__(self):
        return f"{self.page.name}: {self.title}"


def sections(page):
    found = [Section(page, "top")]
    block = last = None
    for number, line in enumerate(page.read_text().splitlines()):
        if block is not None:
            if line != "```":
                block.code.append(line)
                continue
            if block.language == "text" and last is not None:
                last.expected, last.expected_line = block.code, block.line
                last = None
            elif block.language in RUNNABLE:
                found[-1].blocks.append(block)
                last = block
            block = None
        elif line.startswith("```"):
            block = Block(line[3:], number)
        elif line.startswith("## "):
            found.append(Section(page, line[3:]))
            last = None
        elif match := re.fullmatch(r"<!-- also on (\S+) -->", line):
            found[-1].also_on.append(match[1])
        elif line.strip():
            last = None  # a text block belongs to the block just above it
    return [section for section in found if section.blocks]


SECTIONS = [section for page in PAGES for section in sections(page)]


class Session:
    """What a reader of a section has in front of him."""

    def __init__(self, section, folder, server, url):
        self.section, self.folder, self.url = section, folder, url
        self.shell = None
        self.env = sqlite.environment({
            "PATH": f"{BUILD}:{BUILD}/venv-datasette/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port), "PGUSER": "postgres", "PGPASSWORD": server.password,
            "HOME": str(folder), "LC_ALL": "C.UTF-8", "PYTHONPATH": "",
        })

    def close(self):
        if self.shell is not None:
            self.shell.stdin.close()
            self.shell.wait(20)
            self.shell.stdout.close()

    def run(self, block):
        code = "\n".join(block.code).replace(URL, self.url) + "\n"
        return getattr(self, block.language)(code).rstrip("\n")

    def sql(self, code):
        if self.shell is None:
            # stderr joins stdout, line by line, so that errors stand where they happened.
            self.shell = subprocess.Popen(
                ["stdbuf", "-oL", "sqlite3", "-batch", "-init", "/dev/null", ":memory:"],
                cwd=self.folder, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True)
            if not code.startswith(".load"):
                attach = f"SELECT bridge_attach('{self.url}');"
                self.feed("\n".join([*PRELUDE, ".output /dev/null", attach, ".output"]) + "\n")
            else:
                self.feed(PRELUDE[0] + "\n")
        return re.sub(r"^((?:Parse|Runtime) error) near line \d+", r"\1", self.feed(code),
                      flags=re.M)

    def feed(self, code):
        self.shell.stdin.write(f"{code}.print '{END_OF_BLOCK}'\n")
        self.shell.stdin.flush()
        printed = []
        for line in self.shell.stdout:
            if line == END_OF_BLOCK + "\n":
                return "".join(printed)
            printed.append(line)
        raise AssertionError("the shell ended:\n" + "".join(printed))

    def sh(self, code):
        return self.program(["bash", "-c", code])

    def python(self, code):
        script = self.folder / "example.py"
        script.write_text(code)
        pythons = ["/usr/bin/python3"]
        if re.search(r"^(import|from) (pydal|aiosqlite|apscheduler)", code, re.M):
            pythons = [BUILD / "venv-clients/bin/python"]
        elif re.search(r"^(import|from) sqlalchemy", code, re.M):
            pythons = [BUILD / f"venv-sqlalchemy{major}" / "bin/python" for major in (14, 20)]
        elif re.search(r"^import apsw", code, re.M):
            pythons = [BUILD / "venv-main/bin/python"]
        printed = {self.program([python, script]) for python in pythons}
        assert len(printed) == 1, f"two versions of a library print different things: {printed}"
        return printed.pop()

    def program(self, words):
        return subprocess.run([str(word) for word in words], cwd=self.folder, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120).stdout


def matches(expected, printed):
    pattern = ""
    for line in expected:
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += re.escape(line.rstrip()).replace("…", ".*") + r" *\n"
    return re.fullmatch(pattern, printed + "\n" if printed else "") is not None


def write(block, printed, page, grown):
    """Puts what was printed into the page; gives by how many lines it grew so far."""
    lines = page.read_text().splitlines()
    start = block.expected_line + 1 + grown
    lines[start:start + len(block.expected)] = [line.rstrip() for line in printed.splitlines()]
    page.write_text("\n".join(lines) + "\n")
    return grown + len(printed.splitlines()) - len(block.expected)


@pytest.fixture(scope="module")
def shop(pg):
    """Makes the database shop anew, with statistics."""
    name = pg.create_database("shop_template", "icu")
    pg.psql((ROOT / "examples/shop.sql").read_text() + "; ANALYZE", database=name)

    def remake():
        pg.psql("DROP DATABASE IF EXISTS shop WITH (FORCE)", database="postgres")
        pg.psql("CREATE DATABASE shop TEMPLATE shop_template", database="postgres")
        return pg
    yield remake
    pg.psql("DROP DATABASE IF EXISTS shop WITH (FORCE)", database="postgres")
    pg.drop_database(name)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "drawbridge.so").symlink_to(sqlite.SO)
    (tmp_path / "build").symlink_to(BUILD)
    subprocess.run(["/usr/bin/sqlite3", tmp_path / "shop.db"], check=True,
                   input=(ROOT / "examples/shop.sql").read_bytes())
    return tmp_path


def run_section(section, folder, server, url, languages):
    grown = 0
    session = Session(section, folder, server, url)
    try:
        for block in section.blocks:
            if block.language not in languages:
                continue
            printed = canary.seen(session.run(block))
            if matches(block.expected or [], printed):
                continue
            if os.environ.get("DOCS") == "write" and block.expected is not None and url == URL:
                grown = write(block, printed, section.page, grown)
                block.expected = printed.splitlines()
                continue
            raise AssertionError(f"{section.page.name}, line {block.line + 1}, printed\n{printed}\n"
                                 f"but the page says\n" + "\n".join(block.expected or ["(nothing)"]))
    finally:
        session.close()
    return grown


@pytest.mark.plain
@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_the_examples_run(section, shop, folder):
    grown = run_section(section, folder, shop(), URL, RUNNABLE)
    for later in SECTIONS[SECTIONS.index(section) + 1:] if grown else []:
        for block in later.blocks if later.page == section.page else []:
            block.line += grown
            if block.expected is not None:
                block.expected_line += grown
    for url in section.also_on:
        run_section(section, folder, shop(), url, ("sql",))


def test_every_page_has_examples_or_needs_none():
    without = {page.name for page in PAGES} - {section.page.name for section in SECTIONS}
    assert without <= {"flow.md", "adding-a-driver.md", "benchmarks.md"}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"],
                         ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)", page.read_text()):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor[1:] in slugs, f"{page.name} links to {target}{anchor}"


@pytest.mark.parametrize("name", ["flow.md", "adding-a-driver.md"])
def test_named_parts_of_the_source_exist(name):
    page = (ROOT / "docs" / name).read_text()
    sources = {path.relative_to(ROOT): path.read_text()
               for folder in ("base", "drivers", "vtab", "loadable", "shell", "tests")
               for path in (ROOT / folder).rglob("*.[ch]")}
    everything = "\n".join(sources.values())
    for function in re.findall(r"(?<!sub)\b(?!subdir)(\w+)\(\)", page):
        assert re.search(rf"^[^\s#/].*\b{function}\(", everything, re.M), f"{name}: {function}()"
    for constant in re.findall(r"\b(?:STATUS|VERDICT|IDENTITY|DRIVER|WAIT)_[A-Z_]+\b", page):
        assert constant in everything, f"{name}: {constant}"
    for file in re.findall(r"\b(?:base|drivers|vtab|tests)/[\w/.]+\.[ch]\b", page):
        assert Path(file) in sources, f"{name}: {file}"
