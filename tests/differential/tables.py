"""Tables of several columns: on the remote, and as local copies of the shape that the remote's key
asks for."""
from differential.families import FAMILIES
from differential.world import use


def declaration(name, columns, key):
    """The local CREATE TABLE: one integer key column is the rowid, one other column that tells
    rows apart is the key of a WITHOUT ROWID table, every other key is not declared."""
    kinds = {column: FAMILIES[family] for column, family in columns.items()}
    single = kinds[key[0]] if len(key) == 1 else None
    integer = single and single.name in ("int2", "int4", "int8")
    # A wide numeric and a float4 may look alike for two rows.
    declared = single and not integer and single.name not in ("numeric", "money", "point")
    lines = []
    for column, family in kinds.items():
        if integer and column == key[0]:
            lines.append(f"{column} INTEGER PRIMARY KEY")
        else:
            lines.append(f"{column} {family.declared}" + " NOT NULL" * (column in key) +
                         " PRIMARY KEY" * bool(declared and column in key))
    tail = " WITHOUT ROWID" if declared else ""
    return f"{name}({', '.join(lines)}){tail}"


def create_remote(pg, name, columns, key, rows):
    kinds = [f"{column} {FAMILIES[family].pg_type}" for column, family in columns.items()]
    if key:
        kinds.append(f"PRIMARY KEY ({', '.join(key)})")
    pg.execute(f"CREATE TABLE {name} ({', '.join(kinds)})")
    marks = ", ".join(["%s"] * len(columns))
    with pg.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)


def read_remote(pg, name, columns):
    """The rows of a table or view as SQLite should show them."""
    families = [FAMILIES[family] for family in columns.values()]
    reads = [f"({family.select.replace('{c}', column)})::text"
             for column, family in zip(columns, families)]
    rows = pg.execute(f"SELECT {', '.join(reads)} FROM {name}").fetchall()
    return [tuple(None if text is None else family.read(text)
                  for text, family in zip(row, families)) for row in rows]


def copy(world, pg, name, columns, key):
    rows = read_remote(pg, name, columns)
    world.db.execute(f"CREATE TABLE l.{declaration(name, columns, key)}")
    marks = ", ".join("?" * len(columns))
    world.db.executemany(f"INSERT INTO l.{name} VALUES({marks})", rows)
    kept = world.db.execute(f"SELECT * FROM l.{name}").fetchall()
    assert sorted(map(repr, kept)) == sorted(map(repr, rows)), f"{name} bends its values"


def create(world, pg, schema, tables, views=None, more=""):
    """Remote tables and their copies. tables: name -> (columns, key, rows); more: SQL for what
    is not a plain table; views: name -> (columns, key) of what it makes."""
    use(pg, schema)
    pg.execute(f"SET search_path = {schema}, public, grid")
    for name, (columns, key, rows) in tables.items():
        create_remote(pg, name, columns, key, rows)
    if more:
        pg.execute(more)
    for name, (columns, key, _) in tables.items():
        copy(world, pg, name, columns, key)
    for name, (columns, key) in (views or {}).items():
        copy(world, pg, name, columns, key)
