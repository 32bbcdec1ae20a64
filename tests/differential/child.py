"""A part of the suite in a process of its own, whose SQLite is the newest one: run() starts it,
main() is what it does. The question goes by stdin, since it holds a password, the answer by
stdout, both as JSON."""
import json
import subprocess
import sys
from pathlib import Path

import psycopg

from differential import grid, random_queries, sqlite_remote
from differential.families import FAMILIES
from differential.world import TYPES, World, copy_families, use
from support import sqlite
from support.paths import ROOT


def run(server, part, kind, **question):
    """part: grid or random; kind: postgres or sqlite."""
    database = f"newest_{part}_{kind}"
    server.create_database(database, "icu")
    question.update(part=part, kind=kind, url=server.url(database),
                    folder=str(question["folder"]))
    words = [sys.executable, "-m", "differential.child"]
    done = subprocess.run(words, input=json.dumps(question), capture_output=True, text=True,
                          cwd=ROOT / "tests", env=sqlite.environment(newest=True), timeout=280)
    server.drop_database(database)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["sqlite"] != "3.40.1"
    return answer


def main():
    question = json.load(sys.stdin)
    world = World(sqlite.connect(cached_statements=2000))
    path = Path(question["folder"], "remote.db")
    with psycopg.connect(question["url"], autocommit=True) as pg:
        if question["part"] == "random":
            world, found = ask_random(world, pg, question, path)
        else:
            found = ask_grid(world, pg, question, path)
    print(json.dumps({"checks": world.checks, "found": found,
                      "sqlite": world.db.execute("SELECT sqlite_version()").fetchone()[0]}))


def ask_random(world, pg, question, path):
    use(pg, "grid")
    pg.execute(TYPES)
    random_queries.make_world(world, pg)
    if question["kind"] == "sqlite":
        copies, world = world, World(sqlite.connect())
        sqlite_remote.mirror(world, copies, path)
    else:
        world.attach(question["url"], "schema=random")
    words = (random_queries.check(world, seed) for seed in range(question["seeds"]))
    return world, [word for word in words if word][:10]


def ask_grid(world, pg, question, path):
    if question["kind"] == "sqlite":
        families = sqlite_remote.FAMILIES
        sqlite_remote.open_families(world, path)
    else:
        families = FAMILIES
        copy_families(world, pg, families)
        world.attach(question["url"], "schema=grid")
    grid.make_sides(world)
    for name in world.tables():
        grid.run(world, families[name], question["every"])
    return [str(difference) for difference in world.differences[:20]]


if __name__ == "__main__":
    main()
