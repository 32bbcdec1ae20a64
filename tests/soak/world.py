"""The data of the soak, which verify themselves: every value is a function of the row's key, and
sums are the same whatever happens. And the changes that are made to their tables meanwhile, none of
which changes what a right answer is."""
ROWS = 3000
TOTAL = 100_000          # of both ledgers together, whatever moves between them
ENTRIES = 40             # rows of each ledger


def a(key):
    return key * 31 % 10007


def b(key):
    return f"row number {key}"


def p(key):
    return key * 5


def q(key):
    return key * 7


def v(key):
    """A column that is a number at one time and a text at another: it is compared as a text."""
    return str(key * 3)


SUM_A = sum(a(key) for key in range(1, ROWS + 1))
SUM_P = sum(p(key) for key in range(1, ROWS + 1))

_MOVING = "id int PRIMARY KEY, p bigint NOT NULL, q bigint NOT NULL, v int NOT NULL"
_FILL = f"SELECT i, i * 5, i * 7, i * 3 FROM generate_series(1, {ROWS}) AS i"

SETUP = f"""
    CREATE TABLE facts (id int PRIMARY KEY, a int NOT NULL, b text NOT NULL, pair int NOT NULL);
    INSERT INTO facts SELECT i, i * 31 % 10007, 'row number ' || i, {ROWS} + 1 - i
        FROM generate_series(1, {ROWS}) AS i;
    CREATE INDEX ON facts (b);
    CREATE TABLE moving ({_MOVING});
    INSERT INTO moving {_FILL};
    CREATE TABLE ledger_1 (id int PRIMARY KEY, amount int NOT NULL);
    CREATE TABLE ledger_2 (id int PRIMARY KEY, amount int NOT NULL);
    INSERT INTO ledger_1 SELECT i, {TOTAL // 2 // ENTRIES} FROM generate_series(1, {ENTRIES}) AS i;
    INSERT INTO ledger_2 SELECT i, {TOTAL // 2 // ENTRIES} FROM generate_series(1, {ENTRIES}) AS i;
    ANALYZE;
"""

# Each is one transaction: before and after it, moving has every key once, and p, q, v as above.
CHANGES = {
    "columns swapped": "ALTER TABLE moving RENAME p TO x; ALTER TABLE moving RENAME q TO p; "
                       "ALTER TABLE moving RENAME x TO q; "
                       "UPDATE moving SET p = id::bigint * 5, q = id::bigint * 7",
    "retyped to text": "ALTER TABLE moving ALTER v TYPE text USING v::text",
    "retyped to int": "ALTER TABLE moving ALTER v TYPE int USING v::int",
    "retyped to numeric": "ALTER TABLE moving ALTER v TYPE numeric(12, 0) USING v::numeric",
    "retyped to double": "ALTER TABLE moving ALTER p TYPE double precision; "
                         "ALTER TABLE moving ALTER p TYPE bigint",
    "column dropped and added": "ALTER TABLE moving DROP q; "
                                "ALTER TABLE moving ADD q bigint NOT NULL DEFAULT 0; "
                                "UPDATE moving SET q = id::bigint * 7",
    "column added": "ALTER TABLE moving ADD IF NOT EXISTS z int DEFAULT 1",
    "column taken away": "ALTER TABLE moving DROP IF EXISTS z",
    "recreated": f"DROP TABLE moving; CREATE TABLE moving ({_MOVING}); INSERT INTO moving {_FILL}",
    "recreated otherwise": "DROP TABLE moving; CREATE TABLE moving (v text, q bigint, p bigint, "
                           "id int PRIMARY KEY); INSERT INTO moving (id, p, q, v) " + _FILL,
    "replaced by a view": f"ALTER TABLE moving RENAME TO moved; CREATE VIEW moving AS "
                          "SELECT id, p, q, v FROM moved",
    "rewritten": "ALTER TABLE moving ALTER p TYPE bigint USING p + 0",
}
# A view cannot be altered as a table can; the change after it undoes it.
UNDO = "DROP VIEW moving; ALTER TABLE moved RENAME TO moving"

TRANSFER = "UPDATE ledger_1 SET amount = amount - {0} WHERE id = {1}; " \
           "UPDATE ledger_2 SET amount = amount + {0} WHERE id = {2}"
