"""SQLAlchemy's ORM, 1.4 or 2.0, writing to attached tables of library.sql: flush order, identity keys,
relationships, begin_nested, many rows at once. Run by tests/test_clients_writing.py with the extension's
path; DATABASE_URL says what to attach. Prints "well" when all assertions held."""
import datetime
import sys
import uuid
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload
from sqlalchemy.pool import StaticPool

TWO = sa.__version__.startswith("2.")
statements = []

# The recipe of docs/clients.md, word by word.
engine = sa.create_engine("sqlite://", poolclass=StaticPool)
for word in ("insert_returning", "update_returning", "delete_returning"):  # 2.0: SQLite has none of them here
    setattr(engine.dialect, word, False)


@event.listens_for(engine, "connect")
def attach(connection, record):
    connection.isolation_level = None
    connection.enable_load_extension(True)
    connection.load_extension(sys.argv[1])
    connection.execute("SELECT bridge_attach('env:DATABASE_URL', 'name=shop', 'profile=sqlalchemy')").fetchall()


@event.listens_for(engine, "begin")
def begin(connection):
    connection.exec_driver_sql("BEGIN")


@event.listens_for(engine, "before_cursor_execute")
def keep(connection, cursor, statement, parameters, context, many):
    statements.append((statement, len(parameters) if many else 1))


Base = declarative_base()


class Author(Base):
    __tablename__ = "authors"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(50), nullable=False)
    born = sa.Column(sa.Date)
    books = relationship("Book", back_populates="author", order_by="Book.title", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "books"
    id = sa.Column(sa.Integer, primary_key=True)
    author_id = sa.Column(sa.ForeignKey("authors.id"), nullable=False)
    title = sa.Column(sa.Text, nullable=False)
    price = sa.Column(sa.Numeric(10, 2))
    sold = sa.Column(sa.Boolean, server_default="false")
    at = sa.Column(sa.DateTime)
    tags = sa.Column(sa.JSON)
    author = relationship("Author", back_populates="books")
    links = relationship("Link", foreign_keys="Link.book_id", cascade="all, delete-orphan")


class Link(Base):
    __tablename__ = "links"
    book_id = sa.Column(sa.ForeignKey("books.id"), primary_key=True)
    other_id = sa.Column(sa.ForeignKey("books.id"), primary_key=True)
    note = sa.Column(sa.Text)


class Device(Base):
    __tablename__ = "devices"
    id = sa.Column(sa.Uuid if TWO else sa.CHAR(32), primary_key=True)
    name = sa.Column(sa.Text)


def new_key():
    return uuid.uuid4() if TWO else uuid.uuid4().hex


def remote(session, sql):
    """Asked in the server's own SQL, within the session's transaction."""
    return [row for row, in session.connection().exec_driver_sql("SELECT row FROM bridge_query('shop', ?)", (sql,))]


# ------------------------------------------------------------------ insert, flush order, identity keys

when = datetime.datetime(2024, 2, 29, 12, 34, 56, 7)
with Session(engine) as session:
    ann = Author(name="Ann", born=datetime.date(1990, 5, 17))
    ann.books = [Book(title="Zinc", price=Decimal("12.50"), at=when, tags={"a": [1, None]}), Book(title="Argon", sold=True)]
    session.add_all([Book(title="Boron", author=ann), ann, Author(name="Bob")])  # children before parents
    session.flush()
    assert ann.id and [book.title for book in ann.books] == ["Zinc", "Argon", "Boron"]
    assert len({book.id for book in ann.books}) == 3 and all(book.author_id == ann.id for book in ann.books)
    assert remote(session, "SELECT count(*) AS n FROM authors") == ['{"n":2}']
    session.commit()
    assert [(b.title, b.price, b.sold, b.at, b.tags) for b in ann.books] == [
        ("Argon", None, True, None, None), ("Boron", None, False, None, None),
        ("Zinc", Decimal("12.50"), False, when, {"a": [1, None]})]
    assert session.get(Author, ann.id) is ann and ann.born == datetime.date(1990, 5, 17)
    key = ann.id

# ------------------------------------------------------------------ update, delete, relationships

with Session(engine) as session:
    ann = session.get(Author, key)
    statements.clear()
    ann.books[0].price = Decimal("3.25")
    session.commit()
    assert [s for s, _ in statements if s.startswith("UPDATE")] == ["UPDATE books SET price=? WHERE books.id = ?"]
    argon, boron, zinc = ann.books
    argon.links = [Link(other_id=boron.id, note="near"), Link(other_id=zinc.id)]  # a key of two columns
    session.commit()
    argon.links[0].note = "far"
    session.commit()
    del argon.links[1]
    session.commit()
    assert session.execute(select(Link.other_id, Link.note)).all() == [(boron.id, "far")]
    boron.author = session.execute(select(Author).filter_by(name="Bob")).scalar_one()
    session.commit()
    assert [book.title for book in ann.books] == ["Argon", "Zinc"]
    loaded = session.execute(select(Author).options(selectinload(Author.books)).order_by(Author.name)).scalars().all()
    assert [(a.name, len(a.books)) for a in loaded] == [("Ann", 2), ("Bob", 1)]
    assert session.execute(sa.update(Book).where(Book.sold.is_(True)).values(title="sold").execution_options(
        synchronize_session="fetch")).rowcount == 1
    assert argon.title == "sold"
    session.rollback()
    assert argon.title == "Argon"
    try:
        zinc.author_id = 12345
        session.commit()
        raise AssertionError("a foreign key was not kept")
    except IntegrityError as error:
        assert "FOREIGN KEY constraint failed" in str(error)
        session.rollback()
    session.delete(ann)  # its books, and their links, before it
    session.commit()
    assert session.execute(select(func.count()).select_from(Book)).scalar() == 1
    assert session.execute(select(func.count()).select_from(Link)).scalar() == 0

# ------------------------------------------------------------------ keys that the application makes

with Session(engine) as session:
    made = Device(id=new_key(), name="lamp")
    session.add(made)
    session.commit()
    made.name = "door"
    session.commit()
    assert session.execute(select(Device).where(Device.id == made.id)).scalar_one().name == "door"
    session.delete(made)
    session.commit()
    assert session.execute(select(func.count()).select_from(Device)).scalar() == 0

# ------------------------------------------------------------------ begin_nested

with Session(engine) as session:
    session.add(Author(name="Cid"))
    session.flush()
    for name, kept in (("Dag", True), ("Cid", False), ("Eva", True)):
        try:
            with session.begin_nested():
                session.add(Author(name=name))
            assert kept
        except IntegrityError as error:
            assert not kept and "UNIQUE constraint failed: authors.name" in str(error)
    outer = session.begin_nested()
    session.add(Author(name="Fay"))
    session.flush()
    outer.rollback()
    session.commit()
    assert session.execute(select(Author.name).order_by(Author.name)).scalars().all() == ["Bob", "Cid", "Dag", "Eva"]

# ------------------------------------------------------------------ many rows

with Session(engine) as session:
    bob = session.execute(select(Author.id).filter_by(name="Bob")).scalar_one()
    session.bulk_insert_mappings(Book, [{"author_id": bob, "title": f"bulk {i}"} for i in range(300)])
    session.bulk_save_objects([Book(author_id=bob, title=f"saved {i}", sold=i % 2 == 0) for i in range(20)])
    session.execute(sa.insert(Book.__table__).values([{"author_id": bob, "title": f"values {i}"} for i in range(50)]))
    session.execute(sa.insert(Book.__table__), [{"author_id": bob, "title": f"many {i}"} for i in range(50)])
    session.add_all([Book(author_id=bob, title=f"object {i}") for i in range(30)])
    session.commit()
    counted = session.execute(select(func.count(), func.count(sa.distinct(Book.id))).where(Book.author_id == bob)).one()
    assert tuple(counted) == (451, 451), counted
    books = session.execute(select(Book).where(Book.title.like("object %"))).scalars().all()
    session.bulk_update_mappings(Book, [{"id": book.id, "title": book.title + "!"} for book in books])
    session.commit()
    assert session.execute(select(func.count()).select_from(Book).where(Book.title.like("object %!"))).scalar() == 30
    assert session.execute(sa.delete(Book).where(Book.title.like("bulk %")).execution_options(
        synchronize_session=False)).rowcount == 300
    session.commit()

# ------------------------------------------------------------------ what goes wrong leaves nothing

with Session(engine) as session:
    session.add_all([Author(name="Gus"), Author(name="Bob")])
    try:
        session.commit()
        raise AssertionError("a duplicate was stored")
    except IntegrityError as error:
        assert "UNIQUE constraint failed: authors.name" in str(error)
    session.rollback()
    assert session.execute(select(func.count()).select_from(Author).filter_by(name="Gus")).scalar() == 0
    session.add(Book(author_id=1, title=None))
    try:
        session.flush()
        raise AssertionError("a NULL was stored")
    except IntegrityError as error:
        assert "NOT NULL constraint failed: books.title" in str(error)

with engine.connect() as connection:  # what would lie is refused, and says what to do
    try:
        connection.exec_driver_sql("INSERT INTO authors(name) VALUES('Hal') RETURNING id")
        raise AssertionError("RETURNING showed a key")
    except sa.exc.OperationalError as error:
        assert "RETURNING" in str(error) and "last_insert_rowid()" in str(error)

print("well")
