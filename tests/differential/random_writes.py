"""Random programs that write, from a seed: the same statements to attached tables and to a local twin.

A program is a tree as those of random_queries.py: shrink() may drop any statement of it, any row,
any column. Statements whose outcome SQL leaves open are not made: where the order in which rows are
changed would show (a key that is set, OR FAIL), one row is found by its key.
"""
import random
import sqlite3

from differential.render import Writer, shrink

# name -> column -> (kind, extras); the key; how the remote declares it, when not as the twin does.
INTEGER, TEXT, REAL, NUMERIC, BLOB = "INTEGER", "TEXT", "DOUBLE PRECISION", "NUMERIC(10,2)", "BLOB"
TABLES = {
    "owner": ({"id": INTEGER, "name": TEXT}, ["id"]),
    "item": ({"id": INTEGER, "code": TEXT, "n": INTEGER, "note": TEXT, "price": NUMERIC, "own": INTEGER}, ["id"]),
    "word": ({"w": TEXT, "n": INTEGER, "r": REAL}, ["w"]),
    "pair": ({"a": INTEGER, "b": TEXT, "v": TEXT}, ["a", "b"]),
    "duo": ({"a": INTEGER, "b": TEXT, "v": TEXT}, ["a", "b"]),  # neither a rowid nor a key of one column
    "heap": ({"a": INTEGER, "b": TEXT, "v": BLOB}, []),
}
TWIN = """
CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE item(id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER DEFAULT 7 CONSTRAINT small CHECK (n < 90),
    note TEXT NOT NULL DEFAULT 'none', price NUMERIC(10,2), own INTEGER REFERENCES owner(id));
CREATE TABLE word(w TEXT NOT NULL PRIMARY KEY, n INTEGER, r DOUBLE PRECISION) WITHOUT ROWID;
CREATE TABLE pair(a INTEGER NOT NULL, b TEXT NOT NULL, v TEXT DEFAULT 'v', PRIMARY KEY(a, b));
CREATE TABLE duo(a INTEGER NOT NULL, b TEXT NOT NULL, v TEXT DEFAULT 'd', PRIMARY KEY(a, b)) WITHOUT ROWID;
CREATE TABLE heap(a INTEGER, b TEXT DEFAULT 'b', v BLOB);
"""
# The next number is the one that a local table would take: behind the rows that were there before the statement,
# which OR REPLACE may have taken (STABLE), and those that it has written.
POSTGRES = "".join(f"""
CREATE FUNCTION {volatility}_{table}() RETURNS integer LANGUAGE plpgsql {volatility} AS
    'BEGIN RETURN (SELECT coalesce(max(id), 0) + 1 FROM {table}); END';
""" for table in ("owner", "item") for volatility in ("stable", "volatile")) + TWIN.replace(" WITHOUT ROWID", "").replace("BLOB", "bytea").replace(
    "CREATE TABLE owner(id INTEGER", "CREATE TABLE owner(id INTEGER DEFAULT greatest(stable_owner(), volatile_owner())").replace(
    "CREATE TABLE item(id INTEGER", "CREATE TABLE item(id INTEGER DEFAULT greatest(stable_item(), volatile_item())").replace(
    "TABLE duo", "TABLE beneath") + "CREATE VIEW duo AS SELECT * FROM beneath;"
LOCAL = """
CREATE TABLE here(id INTEGER PRIMARY KEY, b TEXT UNIQUE, n INTEGER);
CREATE TRIGGER here_new AFTER INSERT ON here BEGIN INSERT INTO item(code, n) VALUES(new.b, new.n); END;
CREATE TRIGGER here_set AFTER UPDATE ON here BEGIN
    UPDATE word SET n = new.n WHERE w = new.b; INSERT INTO heap(a) VALUES(new.id); END;
CREATE TRIGGER here_old AFTER DELETE ON here BEGIN DELETE FROM heap WHERE b = old.b; END;
"""
ROWS = """
INSERT INTO owner VALUES(1, 'Ann'), (2, 'Bob'), (3, 'Cid');
INSERT INTO item VALUES(1, 'a', 1, 'x', 1.5, 1), (2, 'b', 50, 'y', 2, 2), (3, NULL, NULL, 'z', NULL, NULL),
    (5, 'e', 80, 'x', 0.25, 1);
INSERT INTO word VALUES('a', 1, 0.5), ('b', 2, NULL), ('7', 3, 7), ('07', NULL, -1.5);
INSERT INTO pair VALUES(1, 'a', 'x'), (1, 'b', 'y'), (2, 'a', 'x'), (3, '', NULL);
INSERT INTO duo VALUES(1, 'a', 'x'), (1, 'b', 'y'), (2, 'a', 'x'), (3, '', NULL);
INSERT INTO heap VALUES(1, 'a', NULL), (1, 'a', NULL), (2, 'b', x'00ff'), (NULL, NULL, x'');
"""
EMPTY = "DELETE FROM item; DELETE FROM owner; DELETE FROM word; DELETE FROM pair; DELETE FROM duo; DELETE FROM heap;"
HERE = ({"id": INTEGER, "b": TEXT, "n": INTEGER}, ["id"])
HERE_ROWS = "DELETE FROM here; DELETE FROM item; DELETE FROM heap;"

POOLS = {
    INTEGER: [*range(1, 9), *range(1, 9), 0, -3, 40, 60, 95, "4", " 12 ", 6.0],
    TEXT: ["a", "b", "c", "e", "7", "07", "", "Ünï", "x" * 40, 7, 1.5],
    REAL: [0.5, 7, -1.5, 1e300, 0.1, "2.5"],
    NUMERIC: [1.5, 2, 0.25, "3.75", -1, 99999.99],
    BLOB: [b"", b"\0\xff", b"abc"],
}
CONFLICTS = [""] * 8 + ["OR IGNORE", "OR REPLACE", "OR FAIL", "OR ABORT", "OR ROLLBACK"]


class WriteText(Writer):
    """One statement of a program as SQL text; arguments as Writer gathers them."""

    def write_names(self, names):
        return ", ".join(self(name) for name in names)

    def write_insert(self, word, table, names, source, returning):
        columns = f"({self(('names', names))})" if names else ""
        shown = f" RETURNING {', '.join(returning)}" if returning else ""
        return f"INSERT {word} INTO {table}{columns} {self(source)}{shown}"

    def write_default_values(self):
        return "DEFAULT VALUES"

    def write_values(self, rows):
        return "VALUES " + ", ".join(f"({self.list(row)})" for row in rows)

    def write_upsert(self, rows, sets):
        return f"{self.write_values(rows)} ON CONFLICT(id) DO UPDATE SET {self.list(sets)}"

    def write_set(self, name, tree):
        return f"{name} = {self(tree)}"

    def write_update(self, word, table, sets, source, where):
        text = f"UPDATE {word} {table} SET {self.list(sets)}"
        return text + (f" FROM ({self(source)}) AS s" if source else "") + self.where(where)

    def write_delete(self, table, where):
        return f"DELETE FROM {table}" + self.where(where)

    def where(self, trees):
        return f" WHERE {self.list(trees, ' AND ')}" if trees else ""


class Maker:
    def __init__(self, seed, remote_keys=False):
        """remote_keys: places on the remote are rowids, and duo is a view there."""
        self.rng = random.Random(seed)
        self.remote_keys = remote_keys
        self.savepoints = []

    def value(self, kind, nulls=0.12):
        value = None if self.rng.random() < nulls else self.rng.choice(POOLS[kind])
        return ("value", value, self.rng.random() < 0.5)

    def facts(self, table):
        return HERE if table == "here" else TABLES[table]

    def table(self):
        return self.rng.choice([*TABLES, "item", "item", "word", "pair"])

    def conflict(self, table):
        """What is in the way of a row cannot be told through a view."""
        word = self.rng.choice(CONFLICTS)
        return "" if self.remote_keys and table == "duo" and word == "OR REPLACE" else word

    # ------------------------------------------------------------------ conditions

    def one_row(self, table):
        """By its whole key: the order of changes cannot show."""
        columns, key = self.facts(table)
        return [("operation", "=", ("text", f"{table}.{name}"), self.value(columns[name], 0.02)) for name in key]

    def condition(self, table):
        columns, _ = self.facts(table)
        name = self.rng.choice(list(columns))
        column = ("text", f"{table}.{name}")
        roll = self.rng.random()
        if roll < 0.2:
            return ("null", column, self.rng.choice(["IS NULL", "NOTNULL"]))
        if roll < 0.45:
            return ("in", column, self.rng.choice(["IN", "NOT IN"]),
                    [self.value(columns[name], 0) for _ in range(self.rng.randrange(1, 4))])
        if roll < 0.55:
            other = self.rng.choice([name for name in TABLES if name != table])
            mine = [n for n, kind in TABLES[other][0].items() if kind == columns[name]]
            if mine:
                return ("in_select", column, "IN", ("text", f"SELECT {mine[0]} FROM {other}"))
        return ("operation", self.rng.choice(["=", "<", ">=", "<>", "IS"]), column, self.value(columns[name], 0.05))

    def where(self, table):
        return [self.condition(table) for _ in range(self.rng.choice([0, 1, 1, 1, 2]))]

    # ------------------------------------------------------------------ statements

    def insert(self):
        table = self.table()
        columns, key = self.facts(table)
        word = self.conflict(table)
        names = [name for name in columns if name in key or self.rng.random() < 0.7]
        if key == ["id"] and self.rng.random() < 0.5:
            names.remove("id")
        self.rng.shuffle(names)
        if self.rng.random() < 0.25:
            names = []
        roll = self.rng.random()
        returning = []
        if roll < 0.06:
            names, source = [], ("default_values",)
        elif roll < 0.25:
            source, names = self.insert_select(columns, key, names or list(columns))
        else:
            source = ("values", [[self.value(columns[name])
                                  for name in names or columns] for _ in range(self.rng.choice([1, 1, 1, 2, 3, 7]))])
            if names and self.rng.random() < 0.1 and word not in ("OR IGNORE", "OR REPLACE"):  # refused
                returning = [name for name in names if name != "id"]
        return ("insert", word, table, [("text", name) for name in names], source, returning)

    def insert_select(self, columns, key, names):
        """From another table, in a total order, so that numbers are given alike."""
        source = self.rng.choice([name for name in TABLES if name != "heap"])
        theirs, their_key = TABLES[source]
        parts, kept = [], []
        for name in names:
            fitting = [n for n, kind in theirs.items() if kind == columns[name]]
            if not fitting and name not in key:
                continue
            part = ("text", self.rng.choice(fitting)) if fitting else self.value(columns[name], 0)
            if columns[name] == INTEGER and part[0] == "text" and name == "id":
                part = ("operation", "+", part, ("value", self.rng.choice([0, 10, 100]), False))
            parts.append(part)
            kept.append(name)
        where = [self.condition(source)] if self.rng.random() < 0.7 else []
        return ("select", parts, [("text", source)], where, "", [], [], [("text", name) for name in their_key],
                None), kept

    def sets(self, table, names, source):
        columns, _ = self.facts(table)
        found = []
        for name in names:
            kind = columns[name]
            roll = self.rng.random()
            if source and kind == INTEGER and roll < 0.6:
                tree = ("text", "s.column2")
            elif kind == INTEGER and roll < 0.35:
                tree = ("operation", "+", ("text", f"{table}.{name}"), self.value(INTEGER, 0))
            elif kind == TEXT and roll < 0.25:
                tree = ("operation", "||", ("text", f"{table}.{name}"), ("value", "!", True))
            else:
                tree = self.value(kind)
            found.append(("set", name, tree))
        return found

    def update(self):
        table = self.table()
        columns, key = self.facts(table)
        word = self.conflict(table)
        single = bool(key) and (self.rng.random() < 0.5 or word in ("OR FAIL", "OR REPLACE"))
        unique = {"code", *key}
        names = [name for name in columns if self.rng.random() < 0.4 and (single or name not in unique)]
        names = names or [next(name for name in columns if name not in unique)]
        if word in ("OR FAIL", "OR REPLACE") and not single:
            word = ""
        source = None
        where = self.one_row(table) if single else self.where(table)
        if key and self.rng.random() < 0.2:
            kind = columns[key[0]]
            keys = self.rng.sample([v for v in POOLS[kind] if isinstance(v, int if kind == INTEGER else str)], 3)
            keys = list(dict.fromkeys(keys))[:1 if single else 3]
            source = ("values", [[("value", k, False), self.value(INTEGER)] for k in keys])
            where = [*where, ("operation", "=", ("text", "s.column1"), ("text", f"{table}.{key[0]}"))]
        return ("update", word, table, self.sets(table, names, source), source, where)

    def delete(self):
        table = self.table()
        where = self.one_row(table) if self.rng.random() < 0.4 else self.where(table)
        return ("delete", table, where)

    def here(self):
        """A local table whose triggers write; ON CONFLICT DO UPDATE, which virtual tables do not have."""
        columns, _ = HERE
        roll = self.rng.random()
        row = [self.value(columns[name], 0.05) for name in columns]
        if roll < 0.5:
            return ("insert", "", "here", [("text", name) for name in columns],
                    ("upsert", [row], self.sets("here", ["n"], None)), [])
        if roll < 0.75:
            return ("update", "", "here", self.sets("here", ["n"], None), None, self.where("here"))
        return ("delete", "here", self.where("here"))

    def control(self):
        roll = self.rng.random()
        if roll < 0.3:
            self.savepoints.append(f"s{len(self.savepoints) + 1}")
            return ("text", f"SAVEPOINT {self.savepoints[-1]}")
        if roll < 0.45 and self.savepoints:
            at = self.rng.randrange(len(self.savepoints))
            name = self.savepoints[at]
            del self.savepoints[at:]
            return ("text", f"RELEASE {name}")
        if roll < 0.7 and self.savepoints:
            at = self.rng.randrange(len(self.savepoints))
            name = self.savepoints[at]
            del self.savepoints[at + 1:]
            return ("text", f"ROLLBACK TO {name}")
        if roll < 0.85:
            return ("text", self.rng.choice(["BEGIN", "BEGIN IMMEDIATE"]))
        self.savepoints.clear()
        return ("text", self.rng.choice(["COMMIT", "ROLLBACK"]))

    def statement(self):
        kind = self.rng.choices([self.insert, self.update, self.delete, self.here, self.control], [6, 5, 3, 2, 3])[0]
        return kind()

    def program(self, length):
        return ("program", [self.statement() for _ in range(length)])


def render(tree):
    write = WriteText()
    return write(tree), tuple(write.args)


FOREIGN_KEY, PRIMARY_KEY, UNIQUE = 787, 1555, 2067  # SQLITE_CONSTRAINT_...


class Parted(Exception):
    """The remote refused what the twin took, as is documented: the two go on from different states."""


class Outcome:
    """What one connection says of a statement."""

    def __init__(self, db, sql, args):
        before = db.total_changes
        self.code, self.text, self.rows = 0, "", []
        try:
            self.rows = sorted(map(repr, db.execute(sql, args).fetchall()))
        except sqlite3.Error as failure:
            self.code = failure.sqlite_errorcode or 0
            self.text = str(failure).partition("\n")[0]
        self.total = db.total_changes - before
        self.changes, self.rowid = db.execute("SELECT changes(), last_insert_rowid()").fetchone()
        self.active = db.in_transaction

    def __str__(self):
        return (f"code {self.code} {self.text!r}, changes {self.changes}, total {self.total}, rowid {self.rowid}, "
                f"{'in a transaction' if self.active else 'no transaction'}, rows {self.rows}")


class Twins:
    """The attached tables, their local twin, and how to set all back."""

    def __init__(self, attached, remote_say, remote_rows, remote_keys):
        self.attached, self.say, self.remote_rows, self.remote_keys = attached, remote_say, remote_rows, remote_keys
        self.twin = sqlite3.connect(":memory:", isolation_level=None)
        self.twin.executescript("PRAGMA foreign_keys = 1;" + TWIN + LOCAL)
        self.attached.executescript(LOCAL)
        self.statements = self.failures = 0
        self.copies = False  # of several rows of a COPY that break constraints the server names any one

    def reset(self):
        for db in (self.attached, self.twin):
            if db.in_transaction:
                db.execute("ROLLBACK")
            db.execute("DELETE FROM here")
        self.twin.executescript(EMPTY + ROWS)
        self.say(EMPTY + ROWS)

    def content(self, db, table):
        return sorted(map(repr, db.execute(f"SELECT * FROM {table}").fetchall()))

    def differs(self, tree):
        """Plays the program; None, or words on the first difference."""
        self.reset()
        self.fresh_rowid = False
        said, found = [], None
        for statement in tree[1]:
            sql, args = render(statement)
            said.append(f"{sql}  {args}" if args else sql)
            try:
                found = self.compare(statement, sql, args)
            except Parted:
                return None
            if found:
                return "\n  ".join([*said, found])
        if self.twin.in_transaction:
            said.append("COMMIT")
            found = self.compare(("text", "COMMIT"), "COMMIT", ())
        found = found or self.compare_contents([*TABLES, "here"]) or self.compare_remote()
        return "\n  ".join([*said, found]) if found else None

    def compare(self, statement, sql, args):
        theirs, ours = Outcome(self.twin, sql, args), Outcome(self.attached, sql, args)
        self.statements += 1
        self.failures += theirs.code != 0
        if theirs.code == sqlite3.SQLITE_ERROR and theirs.text == ours.text:
            return None  # no statement at all: what shrink() left of one, a COMMIT of nothing
        if ours.text == "FOREIGN KEY constraint failed" and theirs.code == 0 and statement[1] == "OR REPLACE":
            raise Parted  # a row of the statement replaced the one that broke it
        rowids = self.same_rowid(statement, ours, theirs)
        same = (self.same_failure(statement, ours, theirs) and ours.active == theirs.active and ours.rows == theirs.rows
                and ours.total == theirs.total)
        if statement[0] != "text":
            same = same and ours.changes == theirs.changes and rowids
        if ours.text != theirs.text and self.same_failure(statement, ours, theirs):
            for db in (self.twin, self.attached):  # another constraint was broken as well, and may have ended it
                db.execute("ROLLBACK" if db.in_transaction else "SELECT 1").fetchall()
        elif not same:
            return f"remote: {ours}\n  local:  {theirs}"
        return self.compare_contents([*TABLES, "here"] if statement[0] == "text" else
                                     ["item", "word", "heap"] if "here" in statement[1:3] else
                                     [statement[1] if statement[0] == "delete" else statement[2]])

    def same_failure(self, statement, ours, theirs):
        """OR FAIL and its kin are told by the plain code, which alone makes SQLite do what they say; they are
        not for foreign keys. The remote looks at those with each row, a local table when all are written."""
        word = statement[1] if statement[0] in ("insert", "update") else ""
        special = word in ("OR FAIL", "OR ROLLBACK", "OR IGNORE")
        constraint = theirs.code & 0xff == sqlite3.SQLITE_CONSTRAINT
        if constraint and ours.text == "FOREIGN KEY constraint failed":
            return ours.code == FOREIGN_KEY or special and ours.code == sqlite3.SQLITE_ERROR
        if constraint and self.copies:
            return ours.code & 0xff == theirs.code & 0xff
        if constraint and special:
            return ours.code & 0xff == theirs.code & 0xff and ours.text == theirs.text
        if self.remote_keys and ours.code == UNIQUE and " duo." in ours.text:
            return theirs.code == PRIMARY_KEY and ours.text == theirs.text  # a view does not say which of its keys
        return ours.code == theirs.code and ours.text == theirs.text

    def same_rowid(self, statement, ours, theirs):
        """A place on the remote is no number of a local table; after one nothing can be said until a number
        is given again."""
        if statement[0] == "insert" and statement[2] in ("pair", "heap", "duo"):
            self.fresh_rowid = self.fresh_rowid and not self.remote_keys
        elif statement[0] == "insert" and statement[2] in ("owner", "item") and theirs.total > 0 and theirs.code == 0:
            self.fresh_rowid = True
        elif theirs.code:
            self.fresh_rowid = False  # locally, rows of the statement had stood until it failed
        return not self.fresh_rowid or ours.rowid == theirs.rowid

    def compare_contents(self, tables):
        for table in tables:
            ours, theirs = self.content(self.attached, table), self.content(self.twin, table)
            if ours != theirs:
                return f"{table} on the remote: {ours}\n  {table} local: {theirs}"
        return None

    def compare_remote(self):
        """What another session of the remote sees, when all is committed."""
        for table in TABLES:
            ours, theirs = self.remote_rows(table), self.twin.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if ours != theirs:
                return f"{table} holds {ours} rows for others, {theirs} locally"
        return None


def check(twins, seed, length):
    """None when both sides agree on the program of this seed, else words on the smallest one that shows it."""
    tree = Maker(seed, twins.remote_keys).program(length)
    first = twins.differs(tree)
    if first is None:
        return None
    tree = shrink(tree, lambda less: twins.differs(less) is not None, tries=400)
    return f"seed {seed}: {twins.differs(tree)}\nfirst seen as\n  {first}"
