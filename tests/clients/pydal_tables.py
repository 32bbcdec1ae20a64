"""PyDAL over attached tables of library.sql: insert, select, update, count, references, rollback; and the
same on its own tables of the same definition. Run by tests/test_clients_writing.py with the extension's
path; DATABASE_URL says what to attach. Prints "well" when both answered alike."""
import datetime
import sys

from pydal import DAL, Field


def attach(adapter):
    adapter.connection.enable_load_extension(True)
    adapter.connection.load_extension(sys.argv[1])
    adapter.connection.execute(
        "SELECT bridge_attach('env:DATABASE_URL', 'profile=pydal', 'tables=person,thing')").fetchall()


def define(db, migrate):
    db.define_table("person", Field("name", notnull=False), Field("active", "boolean"), Field("born", "date"),
                    Field("seen", "datetime"), Field("score", "double"), migrate=migrate)
    db.define_table("thing", Field("name"), Field("owner", "reference person"), migrate=migrate)


def story(db):
    """What an application sees of it."""
    told = []
    seen = datetime.datetime(2024, 2, 29, 12, 34, 56)
    ann = db.person.insert(name="Ann", active=True, born=datetime.date(1990, 5, 17), seen=seen, score=0.5)
    bob = db.person.insert(name="Bob's", active=False)
    db.person.bulk_insert([{"name": f"n{i}", "active": i % 2 == 0, "score": i / 4} for i in range(5)])
    told += [(int(ann), int(bob)), db(db.person.active == True).count(), db(db.person.id > 0).count()]
    db.commit()
    row = db.person(ann)
    told += [row.as_dict(), row.name, row.active, row.born, row.seen, row.score, db.person(bob).active]
    told += [db(db.person.name.contains("b's")).select().first().id, db(db.person.seen == seen).select().as_list()]
    told += [[r.name for r in db(db.person.id.belongs((ann, bob))).select(orderby=~db.person.id)]]
    told += [[r.name for r in db(db.person.active == False).select(orderby=db.person.name, limitby=(0, 2))]]
    lamp = db.thing.insert(name="lamp", owner=ann)
    db.thing.insert(name="door", owner=bob)
    told += [db.thing(lamp).owner.name, [(r.person.name, r.thing.name) for r in db(
        db.thing.owner == db.person.id).select(orderby=db.thing.name)]]
    told += [db(db.person.id == ann).update(active=False, score=None), db(db.person.id == 12345).update(name="x")]
    told += [row.update_record(name="Anna").name, db.person(ann).active, db.person(ann).score]
    db.commit()
    told += [db(db.person.name.startswith("n")).delete(), db(db.person.id > 0).count()]
    db.rollback()
    told += [db(db.person.id > 0).count(), db(db.thing.owner.belongs(db(db.person.name == "Anna")._select(
        db.person.id))).count()]
    told += [db(db.person.id == ann).delete(), db(db.thing).count()]
    db.commit()
    told += [db.executesql("SELECT count(*) FROM person"), db(db.person.name.upper() == "BOB'S").count()]
    try:
        db.thing.insert(name="nobody's", owner=12345)
        told.append("stored")
    except Exception as error:
        told.append((type(error).__name__, str(error).partition("\n")[0]))
    db.rollback()
    return told


local, remote = DAL("sqlite:memory"), DAL("sqlite:memory", after_connection=attach)
define(local, True)
define(remote, False)
ours, theirs = story(remote), story(local)
assert ours[-1] == theirs[-1] == ("IntegrityError", "FOREIGN KEY constraint failed"), (ours[-1], theirs[-1])
for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
    assert repr(a) == repr(b), (number, a, b)
assert remote(remote.person).count() == 6
print("well")
