"""The same tables twice: attached, and as local tables with the same declared columns and values. A
statement has to answer alike on both, storage classes included."""
import sqlite3

import apsw

from support import sqlite


def connect_utf16():
    """Texts of a database in UTF-16 reach an extension converted, and go back so."""
    connection = sqlite.connect(isolation_level=None)
    connection.execute("PRAGMA encoding = 'UTF-16'")
    connection.execute("CREATE TABLE first (x)")
    connection.execute("DROP TABLE first")
    return connection


HOSTS = {"debian": lambda: sqlite.connect(isolation_level=None), "debian-utf16": connect_utf16,
         "newest": sqlite.connect_newest}
ERRORS = (sqlite3.Error, apsw.Error)


class Pair:
    """Two connections of one SQLite version: tables of the first are attached, of the second local."""

    def __init__(self, host, url, *options):
        self.attached, self.local = HOSTS[host](), HOSTS[host]()
        words = ("latency_ms=1", "name=remote", *options)
        marks = ", ?" * len(words)
        rows(self.attached, f"SELECT bridge_attach(?{marks})", (url, *words))
        rows(self.local, "BEGIN")
        for (name,) in rows(self.attached, "SELECT name FROM sqlite_schema"):
            copy(self.attached, self.local, name)
        rows(self.local, "COMMIT")

    def run(self, sql, parameters=()):
        """Both answers: rows, or the words of the error."""
        return answer(self.attached, sql, parameters), answer(self.local, sql, parameters)

    def same(self, sql, parameters=(), ordered=None):
        """Asserts that both answer alike; gives the answer. Rows are compared in order when the
        statement has an ORDER BY."""
        remote, local = self.run(sql, parameters)
        if not (ordered if ordered is not None else "ORDER BY" in sql):
            remote, local = unordered(remote), unordered(local)
        assert remote == local, sql
        return local

    def same_error(self, sql, parameters=()):
        """Asserts that both refuse, in the same words."""
        remote, local = self.run(sql, parameters)
        assert isinstance(local, str) and remote == local, sql

    def close(self):
        self.attached.close()
        self.local.close()


def rows(connection, sql, parameters=()):
    return list(connection.execute(sql, parameters))


def answer(connection, sql, parameters=()):
    try:
        return [tuple((type(value).__name__, value) for value in row)
                for row in rows(connection, sql, parameters)]
    except ERRORS as error:
        return str(error)


def unordered(found):
    return found if isinstance(found, str) else sorted(found, key=repr)


def copy(attached, local, name):
    """A local table declared as the attached one is, with the rows that it shows."""
    columns = rows(attached, f'PRAGMA table_info("{name}")')
    quoted = [f'"{column[1]}"' for column in columns]
    keys = [column for column in columns if column[5]]
    body = ", ".join(
        f'{quoted[i]} {declared(column[2])} {"NOT NULL" if column[3] else ""} '
        f'{"PRIMARY KEY" if column[5] else ""}' for i, column in enumerate(columns))
    without = "WITHOUT ROWID" if keys and keys[0][2] != "INTEGER" else ""
    rows(local, f'CREATE TABLE "{name}" ({body}) {without}')
    marks = ", ".join("?" * len(columns))
    for row in rows(attached, f'SELECT * FROM "{name}"'):
        rows(local, f'INSERT INTO "{name}" VALUES ({marks})', tuple(row))


def declared(type_name):
    """A type such as DATE(TEXT) stands in quotes, see the types page: unquoted it is not SQL."""
    return f'"{type_name}"' if "(TEXT)" in type_name else type_name
