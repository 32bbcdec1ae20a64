"""The families of the grid on a server and here: a World, whatever stands between."""
from differential import grid
from differential.families import FAMILIES
from differential.world import World, copy_families, make_hostile, plain_table, report
from support import sqlite

# Kind of database -> whether its settings are hostile, which parts of the grid are asked there.
DATABASES = {"icu": True, "turkish": True, "c": False}


def open_world(server, kind, url=None, make=plain_table):
    """A database with all families, hostile or not, attached, and the copies. url: a function that
    gives the way to a database of that name, when it is not straight to the server. make: how a table
    comes into being."""
    name = f"grid_{kind}"
    server.create_database(name, kind)
    world = World(sqlite.connect(cached_statements=2000))
    with server.connect(name) as pg:
        if DATABASES[kind]:
            make_hostile(pg, name)
        copy_families(world, pg, FAMILIES, make=make)
    world.attach((url or server.url)(name), "schema=grid")
    grid.make_sides(world)
    return world


def ask(world, every=1, families=None, but=None):
    """Every n-th check of those families, or of all; how many there were. but: a word that
    statements may differ by."""
    before = world.checks
    for name in families or world.tables():
        grid.run(world, FAMILIES[name], every)
    found = [one for one in world.differences if but is None or but not in one.sql]
    assert not found, report(found)
    assert not world.broken, "statements that SQLite refuses: " + "\n".join(world.broken)
    return world.checks - before
