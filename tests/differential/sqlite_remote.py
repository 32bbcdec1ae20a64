"""The sqlite driver's side of the differential suite: a file as the remote, read by SQLite alone
for the local copies. A column of SQLite may hold every storage class, inner NUL bytes too."""
import sqlite3

from differential.families import Family, table
from differential.values import BLOBS, INTEGERS, REALS, TEXTS

NULS = ["\0", "a\0", "a\0b", "\0a", "7\0", "A\0B"]
MIXED = [None, *INTEGERS, *REALS, *BLOBS, *TEXTS, *NULS]

F = Family
FAMILIES = table(
    F("integer_", "", "INTEGER", "int", values="int8"),
    F("bigint_", "", "BIGINT", "int", values="int8", every=3),
    F("real_", "", "REAL", "real", values="float8"),
    F("double_", "", "DOUBLE PRECISION", "real", values="float8", every=3),
    F("numeric_", "", "NUMERIC", "real", values="numeric"),
    F("text_", "", "TEXT", "text", values="text"),
    F("varchar_", "", "VARCHAR(20)", "text", values="text", every=3),
    F("blob_", "", "BLOB", "text", values="text"),
    F("none_", "", "", "text", values="text"),
    F("nocase_", "", "TEXT", "text", values="text", collation="NOCASE"),
    F("rtrim_", "", "TEXT", "text", values="text", collation="RTRIM"),
    F("nocase_any", "", "", "text", values="text", collation="NOCASE", every=2),
    F("date_", "", "DATE", "date", values="ts"),
    F("timestamp_", "", '"TIMESTAMP(TEXT)"', "date", values="ts", every=2),
    F("boolean_", "", "BOOLEAN", "int", values="int4", every=3),
)


def make_families(path):
    """A file with every family, each holding whatever its affinity lets it hold."""
    remote = sqlite3.connect(path)
    for family in FAMILIES.values():
        collation = f" COLLATE {family.collation}" if family.collation else ""
        remote.execute(f"CREATE TABLE {family.name}(id INTEGER PRIMARY KEY, "
                       f"c {family.declared}{collation})")
        remote.executemany(f"INSERT INTO {family.name}(c) VALUES(?)", [(v,) for v in MIXED])
    remote.commit()
    remote.close()


def copy_all(world, path):
    """The tables of a file as local copies, declared by the very words of the file."""
    remote = sqlite3.connect(path)
    for name, sql in remote.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"):
        rows = remote.execute(f"SELECT * FROM {name}").fetchall()
        world.db.execute(sql.replace("CREATE TABLE ", "CREATE TABLE l.", 1))
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            world.db.executemany(f"INSERT INTO l.{name} VALUES({marks})", rows)
    remote.close()


def open_families(world, path):
    make_families(path)
    copy_all(world, path)
    world.attach(f"sqlite:{path}")


def mirror(world, other, path):
    """A file with the local tables of another world as the remote of this one."""
    remote = sqlite3.connect(path)
    for name, sql in other.db.execute("SELECT name, sql FROM l.sqlite_schema WHERE sql NOTNULL"):
        rows = other.db.execute(f"SELECT * FROM l.{name}").fetchall()
        remote.execute(sql)
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            remote.executemany(f"INSERT INTO {name} VALUES({marks})", rows)
    remote.commit()
    remote.close()
    copy_all(world, path)
    world.attach(f"sqlite:{path}")
