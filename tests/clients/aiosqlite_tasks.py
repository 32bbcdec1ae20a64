"""aiosqlite over attached tables of library.sql: 20 tasks at once, each on a connection of its own, and all
on one. Run by tests/test_clients_writing.py with the extension's path; DATABASE_URL says what to attach.
Prints "well" when nothing was lost."""
import asyncio
import sqlite3
import sys

import aiosqlite

TASKS, STEPS = 20, 10


async def attached():
    db = await aiosqlite.connect(":memory:", isolation_level=None)
    await db.enable_load_extension(True)
    await db.load_extension(sys.argv[1])
    await db.execute_fetchall("SELECT bridge_attach('env:DATABASE_URL', 'tables=marks,counters')")
    return db


async def work(db, task):
    for step in range(STEPS):
        cursor = await db.execute("INSERT INTO marks(task, step) VALUES(?, ?)", (task, step))
        key = cursor.lastrowid
        assert await db.execute_fetchall("SELECT task, step FROM marks WHERE id = ?", (key,)) == [(task, step)]
        await db.execute("UPDATE counters SET n = n + 1 WHERE id = 1")


async def own(task):
    db = await attached()
    await work(db, task)
    await db.execute("BEGIN")
    await db.execute("INSERT INTO marks(task, step) VALUES(?, -1)", (task,))
    await db.rollback()
    try:
        await db.execute("INSERT INTO marks(task, step) VALUES(?, 0)", (task,))
        raise AssertionError("a duplicate was stored")
    except sqlite3.IntegrityError:
        pass
    await db.close()


async def shared(db, task):
    """One connection has one last_insert_rowid(): a task asks for its rows by their content."""
    for step in range(STEPS):
        await db.execute("INSERT INTO marks(task, step) VALUES(?, ?)", (task, step))
        await db.execute("UPDATE counters SET n = n + 1 WHERE id = 1")
    async with db.execute("SELECT step FROM marks WHERE task = ? ORDER BY step", (task,)) as cursor:
        assert [step async for step, in cursor] == list(range(STEPS))


async def main():
    await asyncio.gather(*(own(task) for task in range(TASKS)))
    db = await attached()
    await asyncio.gather(*(shared(db, 100 + task) for task in range(TASKS)))
    assert await db.execute_fetchall("SELECT n FROM counters") == [(2 * TASKS * STEPS,)]
    assert await db.execute_fetchall("SELECT count(*), count(DISTINCT id), min(step) FROM marks") == [
        (2 * TASKS * STEPS, 2 * TASKS * STEPS, 0)]
    await db.close()


asyncio.run(main())
print("well")
