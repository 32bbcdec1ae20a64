"""Runs a session of the sqlite3 shell and writes down what a reader wants to see: each statement,
the remote statements that it became, then what the shell showed.

Behind every statement of the session the shell is asked for bridge_log; that question and its answer
stay out of the record. Errors, which the shell writes to stderr with the line of their statement, are
put below it."""
import json
import re
import sqlite3
from itertools import groupby
from typing import NamedTuple

from support import sqlite

LOG = "SELECT 'log=' || hex(json_group_array(json_array(id, statement, error))) || '.' AS x FROM bridge_log;"
FAILURE = re.compile(r"^(?:(?P<kind>Runtime|Parse) error|Error): near line (?P<line>\d+): "
                     r"|^(?P<kind2>Runtime|Parse) error near line (?P<line2>\d+): ")


class Session(NamedTuple):
    arguments: list  # of the shell; LOAD stands for ".load drawbridge"
    prepare: str     # SQL that makes the database file; None: in memory
    load: bool       # .load before the first statement
    items: list      # statements, dot-commands, and comments with blank lines


def read(path):
    """The session of a file: headers, then its items.

        -- arguments: -cmd LOAD -safe      of the shell
        -- file: CREATE TABLE ...          the shell opens a file that was made by this SQL
        -- load: no                        nothing is loaded"""
    headers, items, pending = {}, [], ""
    for line in path.read_text().splitlines():
        header = re.fullmatch(r"-- (arguments|file|load): ?(.*)", line)
        if header and not items:
            headers[header[1]] = header[2]
        elif not pending and (not line or line.startswith((".", "--"))):
            items.append(line)
        else:
            pending += line + "\n"
            if sqlite3.complete_statement(pending):
                items.append(pending.rstrip("\n"))
                pending = ""
    assert not pending, f"{path.name} ends within a statement: {pending}"
    arguments = headers.get("arguments", "").split()
    load = "LOAD" not in arguments and "load" not in headers
    return Session(arguments, headers.get("file"), load, items)


def play(session, env, database, replacements):
    """The record of a session, as it stands in an .out file. replacements: what differs from run
    to run -> what stands for it."""
    load = f".load {sqlite.SO.with_suffix('')}"
    script, first_lines = [load] if session.load else [], []
    for number, item in enumerate(session.items):
        script += [f".print @@{number} rows"]
        first_lines.append(len(script) + 1)
        script += [*item.split("\n"), f".print @@{number} log", LOG, ".print @@"]
    arguments = [load if word == "LOAD" else word for word in session.arguments]
    result = sqlite.shell("\n".join(script), *arguments, database=database, env=env, load=False)
    assert result.code in (0, 1), result
    record = _record(session.items, first_lines, result)
    for text, stands_for in replacements.items():
        record = record.replace(text, stands_for)
    return record


def _record(items, first_lines, result):
    rows, logs = _sections(result.out)
    failures = _failures(result.err, first_lines)
    out, seen = [], 0
    for number, item in enumerate(items):
        out.append(item)
        entries = [entry for entry in _log(logs.get(number, "")) if entry[0] > seen]
        seen = max([seen, *(entry[0] for entry in entries)])
        for (statement, error), same in groupby(entries, lambda entry: entry[1:]):
            count = len(list(same))
            times = f" ({count} times)" if count > 1 else ""
            out.append(f"-- remote{times}: {statement}" + (f"\n--   failed: {error}" if error else ""))
        out += [part for part in (rows.get(number, ""), failures.get(number, "")) if part]
    return "\n".join(out) + "\n"


def _sections(out):
    """What stands between the marks that were printed: by number of statement, rows and log."""
    parts = {"rows": {}, "log": {}}
    for mark in re.finditer(r"@@(\d+) (rows|log)\n(.*?)(?=@@)", out, re.S):
        parts[mark[2]][int(mark[1])] = mark[3].rstrip("\n")
    return parts["rows"], parts["log"]


def _log(text):
    """Modes that lay out in columns break long values into several lines."""
    found = re.search(r"log=([^.]*)\.", text)
    return json.loads(bytes.fromhex(re.sub("[^0-9A-F]", "", found[1]))) if found else []


def _failures(err, first_lines):
    """Texts of stderr by number of statement: the last one that begins at or before the line. The
    shell counts the line on which a statement begins."""
    failures, number, ours = {}, 0, True
    for line in err.splitlines():
        start = FAILURE.match(line)
        if start:
            at = int(start["line"] or start["line2"])
            number = max((i for i, first in enumerate(first_lines) if first <= at), default=0)
            ours = at in first_lines
            line = f"{start['kind'] or start['kind2'] or 'Plain'} error: {line[start.end():]}"
        if ours:
            failures[number] = failures[number] + "\n" + line if number in failures else line
    return failures
