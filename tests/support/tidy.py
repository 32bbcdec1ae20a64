"""The form of the C sources: each check is one test, printed as it is made. The last line is
"PASSED FAILED". Run from the root after build (gcc) and build/clang are compiled.

    tidy.py [--clang-tidy]
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

FILE_LINES_ASKED, FILE_LINES_MAX = 500, 600
FUNCTION_LINES_ASKED, FUNCTION_LINES_MAX = 70, 100

# name -> (pattern of a call, folders that may use it, why not elsewhere)
BANNED = {
    "unbounded text": (r"strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strncpy|strncat", (),
                       "no limit, or no NUL at it: see base/text.h"),
    "hidden state": (r"strtok|strerror|localtime|gmtime|ctime|asctime|setlocale|rand|srand", (),
                     "shared by all threads of the host"),
    "unchecked numbers": (r"atoi|atol|atoll|atof", (), "cannot tell an error from 0"),
    "the host's environment": (r"setenv|unsetenv|putenv|clearenv", ("shell", "tests"),
                               "the environment is the host's"),
    "the host's process": (r"exit|_exit|abort|fork|system|popen|signal|sigaction",
                           ("shell", "tests", "bench"), "the process is the host's"),
    "jumps and stack": (r"setjmp|longjmp|alloca", (), "cleanup is the label out:"),
    "a second allocator": (r"malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf",
                           ("shell", "tests", "bench", "drivers/postgres/cancel.c"),  # it says why
                           "one counter must be able to fail them all"),
    "printing": (r"printf|puts|putchar|perror", ("shell", "tests", "bench"), "library rooms never print"),
}

passed = failed = 0


def report(name, problems):
    global passed, failed
    passed += not problems
    failed += bool(problems)
    print(f"{'FAILED' if problems else 'ok'} {name}")
    for problem in problems:
        print(f"    {problem}")


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def each(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [text for text in pool.map(function, items) if text]


def without_comments(text):
    """The same lines, with comments, strings and characters blanked."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def clang_tidy(sources):
    def one(source):
        done = run("clang-tidy", "--quiet", "-p", "build/clang", source)
        return done.stdout.strip() if done.returncode else ""
    return each(one, sources)


def clang_format(files):
    return [f"clang-format -i {path}" for path in files
            if run("clang-format", "--dry-run", "-Werror", path).returncode]


def headers_alone(headers):
    """Compiles each header with the flags of the first source that has them all: tests, if any."""
    commands = json.load(open("build/compile_commands.json"))
    words = max((shlex.split(entry["command"]) for entry in commands), key=len)
    flags = [word for word in words if re.match(r"-(I|D|std=|W)", word)]

    def one(header):
        done = subprocess.run(
            ["gcc", *flags, "-Werror", "-Wno-unused", "-fsyntax-only", "-x", "c", "-"], cwd="build",
            input=f'#include "{header}"\n', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return f"{header}: {done.stdout.strip()}" if done.returncode else ""
    return each(one, headers)


def exported():
    table = run("nm", "-D", "--defined-only", "build/drawbridge.so").stdout
    names = [line.split()[-1] for line in table.splitlines()]
    return [] if names == ["sqlite3_drawbridge_init"] else [f"exported: {names}"]


def functions(path):
    """(name, lines of the body): clang-format puts a function's end, and nothing else, on a line
    of its own in the first column."""
    start = None
    for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
        line = line.rstrip()
        if re.match(r"[A-Za-z].*\{$", line) or re.match(r"\s+.*\) \{$", line) and start is None:
            start, text = number, line
        elif line == "}" and start is not None:
            yield text.strip(), number - start - 1
            start = None
        elif line.startswith("}"):
            start = None


def sizes(sources):
    """Shows what is above the size asked for, fails what is above the ceiling."""
    problems = []
    for path in sources:
        lines = len(path.read_text().splitlines())
        if lines > FILE_LINES_ASKED:
            print(f"    note: {path} has {lines} lines")
        if lines > FILE_LINES_MAX:
            problems.append(f"{path} has {lines} lines, more than {FILE_LINES_MAX}")
        for name, lines in functions(path):
            if lines > FUNCTION_LINES_ASKED:
                print(f"    note: {path}: {name} has {lines} lines")
            if lines > FUNCTION_LINES_MAX:
                problems.append(f"{path}: {name} has {lines} lines, more than {FUNCTION_LINES_MAX}")
    return problems


def banned(files, pattern, allowed, why):
    call = re.compile(rf"(?<![\w.>])(?:{pattern})\s*\(")
    problems = []
    for path in files:
        if path.parts[0] in allowed or str(path) in allowed:
            continue
        for number, line in enumerate(without_comments(path.read_text()).splitlines(), 1):
            if call.search(line):
                problems.append(f"{path}:{number}: {line.strip()} ({why})")
    return problems


def unlisted():
    """Each unit test and fuzz target stands in the table of its meson.build."""
    problems = []
    for folder, prefix in (("unit", ""), ("fuzz", "fuzz_")):
        table = Path("tests", folder, "meson.build").read_text()
        problems += [f"{path} is not in the table of tests/{folder}/meson.build"
                     for path in Path("tests", folder).glob(prefix + "*.c")
                     if f"'{path.stem.removeprefix(prefix)}'" not in table]
    return problems


def main():
    files = [path for folder in sorted(Path(".").iterdir())
             if folder.is_dir() and folder.name not in ("build", ".git")
             for path in sorted(folder.rglob("*.[ch]"))]
    sources = [path for path in files if path.suffix == ".c"]
    headers = [path for path in files if path.suffix == ".h"]
    report("clang-format", clang_format(files))
    report("headers compile alone", headers_alone(headers))
    report("exactly one exported symbol", exported())
    report("sizes", sizes(sources))
    report("tests are listed", unlisted())
    for name, rule in BANNED.items():
        report(f"banned: {name}", banned(files, *rule))
    if "--clang-tidy" in sys.argv[1:]:
        built = {os.path.relpath(os.path.join(entry["directory"], entry["file"]))
                 for entry in json.load(open("build/clang/compile_commands.json"))}
        report("every source is built", [f"{path} is in no target" for path in sources
                                         if str(path) not in built and path.parts[1] != "fuzz"])
        report("clang-tidy", clang_tidy(sorted(name for name in built if Path(name).exists())))


main()
print(passed, failed)
