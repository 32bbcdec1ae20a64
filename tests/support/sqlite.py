"""SQLite with the extension loaded: Debian's own and the newest, as a Python connection and as the
sqlite3 shell.

DRAWBRIDGE_SO chooses another build than build/drawbridge.so. A sanitized one needs its runtime
preloaded: children get it here, this process needs it from the start (`./check python-asan`).
VALGRIND=1 runs every shell under valgrind. What either finds in a child fails the test at once.
"""
import os
import shutil
import sqlite3
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import apsw

from support import canary
from support.paths import BUILD, ROOT

SO = Path(os.environ.get("DRAWBRIDGE_SO", BUILD / "drawbridge.so")).resolve()
SHELL = Path("/usr/bin/sqlite3")
# The newest SQLite comes built with apsw: a shell, and the library that the shell uses.
NEWEST_SHELL = Path(apsw.__file__).parent / "sqlite_extra_binaries" / "sqlite3_shell"
NEWEST_LIBRARY = NEWEST_SHELL.with_name("libsqlite3_tool.so")


class Result(NamedTuple):
    out: str
    err: str
    code: int


@cache
def sanitizer_runtime():
    """The library to preload for SO; None for a plain build."""
    if not SO.exists() or b"__asan_init" not in SO.read_bytes():
        return None
    return subprocess.run(["clang", "-print-file-name=libclang_rt.asan-x86_64.so"],
                          capture_output=True, text=True, check=True).stdout.strip()


def environment(extra=None, newest=False):
    """The environment of a child that loads SO. newest: the child's SQLite is the newest one,
    whichever it is linked with (Debian's shell refuses that; Python does not mind)."""
    env = {**os.environ, **(extra or {})}
    preload = [str(path) for path in (sanitizer_runtime(), newest and NEWEST_LIBRARY) if path]
    if preload:
        env["LD_PRELOAD"] = ":".join(preload)
    if sanitizer_runtime():
        # Leaks are valgrind's to find: Python and the shell leave some of their own.
        env["ASAN_OPTIONS"] = "detect_leaks=0"
    return env


def connect(database=":memory:", **options):
    """A connection of Debian's SQLite (module sqlite3) with the extension loaded."""
    connection = sqlite3.connect(database, **options)
    connection.enable_load_extension(True)
    connection.load_extension(str(SO))
    return connection


@cache
def _second_folder():
    return tempfile.TemporaryDirectory(prefix="drawbridge-second-")


def second_so():
    """A copy of SO. One copy of the extension in a process serves one SQLite library, and the module
    sqlite3 has the first."""
    path = Path(_second_folder().name) / SO.name
    if not path.exists():
        shutil.copy(SO, path)
    return path


def connect_newest(database=":memory:"):
    """A connection of the newest SQLite (module apsw) with the extension loaded."""
    connection = apsw.Connection(str(database))
    connection.enable_load_extension(True)
    connection.load_extension(str(second_so()))
    return connection


def error(connection, sql, parameters=()):
    """(result code, message) of a statement that has to fail; the message is searched for the
    password. The code is the extended one, where the Python module tells it."""
    try:
        for _ in connection.execute(sql, parameters):
            pass
    except sqlite3.Error as failure:
        return getattr(failure, "sqlite_errorcode", None), canary.seen(str(failure))
    except apsw.Error as failure:
        return failure.extendedresult, canary.seen(str(failure))
    raise AssertionError(f"no error: {sql}")


def shell(script, *arguments, database=":memory:", newest=False, load=True, env=None, timeout=120):
    """Runs a script in the sqlite3 shell, after .load unless load=False; gives what it printed.
    arguments stand before the database: shell("SELECT 1;", "-json")."""
    program = [NEWEST_SHELL if newest else SHELL, "-batch", "-init", "/dev/null"]
    script = (f".load {SO.with_suffix('')}\n" if load else "") + script
    if not script.endswith("\n"):
        script += "\n"
    return command([*program, *arguments, database], env=env, stdin=script, timeout=timeout)


def command(words, env=None, stdin="", timeout=120):
    """Runs any program that loads SO (build/drawbridge, a shell of one's own words); what it
    prints is searched for the password."""
    log = tempfile.NamedTemporaryFile(prefix="valgrind-") if under_valgrind() else None
    try:
        if log:
            words = [*valgrind(log.name), *words]
            timeout *= 20
        done = subprocess.run([str(word) for word in words], env=environment(env), input=stdin,
                              capture_output=True, text=True, errors="replace", timeout=timeout)
        found = log.read().decode(errors="replace") if log else ""
    finally:
        if log:
            log.close()
    if "AddressSanitizer" in done.stderr or "runtime error:" in done.stderr:
        found += done.stderr
    assert not found, f"a memory error, exit code {done.returncode}:\n{found}"
    return Result(canary.seen(done.stdout), canary.seen(done.stderr), done.returncode)


def under_valgrind():
    return os.environ.get("VALGRIND") == "1"


def valgrind(log):
    """Children are not followed; a module's names are kept after SQLite has unloaded it."""
    words = ["valgrind", "-q", f"--log-file={log}", "--leak-check=full",
             "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
             "--keep-debuginfo=yes", "--num-callers=40"]
    suppressions = ROOT / "tests" / "valgrind.supp"
    return words + ([f"--suppressions={suppressions}"] if suppressions.exists() else [])
