"""SQLAlchemy, 1.4 or 2.0, over attached tables: reflection, automap, declared models, loading
strategies, and each type as the application's own code would get it. Run by tests/test_clients.py with
the extension's path; DATABASE_URL says what to attach. Prints "well" when all assertions held."""
import datetime
import sys
import uuid
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import event, func, select
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship, selectinload, subqueryload
from sqlalchemy.pool import StaticPool

TWO = sa.__version__.startswith("2.")
statements = []


def engine(*options):
    made = sa.create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(made, "connect")
    def attach(connection, record):
        connection.enable_load_extension(True)
        connection.load_extension(sys.argv[1])
        marks = "".join(", ?" for _ in options)
        connection.execute(f"SELECT bridge_attach('env:DATABASE_URL'{marks})", options).fetchall()

    @event.listens_for(made, "before_cursor_execute")
    def keep(connection, cursor, statement, parameters, context, many):
        statements.append(statement)

    return made


shop = engine("profile=sqlalchemy", "declare_keys=1")

# ------------------------------------------------------------------ reflection

inspector = sa.inspect(shop)
assert set(inspector.get_table_names()) >= {"customers", "orders", "order_items", "products", "kinds"}
assert inspector.has_table("customers") and not inspector.has_table("nothing")
assert inspector.get_pk_constraint("customers")["constrained_columns"] == ["id"]
assert inspector.get_pk_constraint("order_items")["constrained_columns"] == ["order_id", "product_id"]
assert inspector.get_pk_constraint("coupons")["constrained_columns"] == ["code"]
assert inspector.get_pk_constraint("devices")["constrained_columns"] == ["id"]
assert inspector.get_foreign_keys("orders") == []  # PRAGMAs cannot show them: bridge_keys does
assert [c["name"] for c in inspector.get_columns("customers") if not c["nullable"]] == ["name", "since"]

REFLECTED = {
    "id": sa.INTEGER, "small": sa.SMALLINT, "big": sa.BIGINT, "price": sa.NUMERIC, "wide": sa.NUMERIC,
    "real4": sa.REAL, "double8": sa.Float, "flag": sa.BOOLEAN, "day": sa.DATE, "at": sa.TIMESTAMP,
    "at_tz": sa.TIMESTAMP, "clock": sa.TIME, "doc": sa.JSON, "docb": sa.JSON, "raw": sa.BLOB,
    "u": sa.CHAR, "tags": sa.JSON, "label": sa.VARCHAR, "fixed": sa.CHAR, "body": sa.TEXT,
    "mood": sa.TEXT, "span": sa.TEXT, "address": sa.TEXT,
}
columns = {c["name"]: c["type"] for c in inspector.get_columns("kinds")}
assert set(columns) == set(REFLECTED), columns
for name, expected in REFLECTED.items():
    assert isinstance(columns[name], expected), (name, columns[name])
assert (columns["price"].precision, columns["price"].scale) == (10, 2)
assert columns["label"].length == 20 and columns["u"].length == 32

metadata = sa.MetaData()
metadata.reflect(shop)
kinds = metadata.tables["kinds"]

# ------------------------------------------------------------------ values by reflected types

FULL = {
    "id": 1, "small": -5, "big": 9223372036854775807, "price": Decimal("12.50"), "wide": Decimal("0.5"),
    "real4": 0.1, "double8": 1.5e300, "flag": True, "day": datetime.date(2024, 2, 29),
    "at": datetime.datetime(2024, 2, 29, 12, 34, 56, 500000), "at_tz": datetime.datetime(2024, 2, 29, 10, 0),
    "clock": datetime.time(12, 34, 56, 7), "doc": {"a": [1, None]}, "docb": [1, "x"], "raw": b"\x00\xff",
    "u": "0a1b2c3d000040008000000000000001", "tags": [1, 2], "label": "Ünï", "fixed": "ab",
    "body": "text", "mood": "happy", "span": "1 day", "address": "10.0.0.1",
}
with shop.connect() as connection:
    full, empty = connection.execute(select(kinds).order_by(kinds.c.id)).mappings().all()
    assert dict(full) == FULL, dict(full)
    assert {k: type(v) for k, v in full.items()} == {k: type(v) for k, v in FULL.items()}
    assert all(value is None for name, value in empty.items() if name != "id")

    # Conditions with Python values come back to the same row, which means they were bound as shown.
    for name, value in FULL.items():
        if name in ("doc", "docb", "tags"):
            continue  # JSON compares by its text; below
        found = connection.execute(select(kinds.c.id).where(kinds.c[name] == value)).scalars().all()
        assert found == [1], (name, found)
    in_day = kinds.c.at.between(datetime.datetime(2024, 2, 29), datetime.datetime(2024, 3, 1))
    assert connection.execute(select(kinds.c.id).where(in_day)).scalars().all() == [1]
    assert connection.execute(select(kinds.c.doc["a"][0].as_integer()).where(kinds.c.id == 1)).scalar() == 1
    assert connection.execute(select(func.count()).select_from(kinds).where(kinds.c.flag.is_(True))).scalar() == 1
    assert connection.execute(select(kinds.c.id).where(kinds.c.id.in_([1, 2, 3])).order_by(kinds.c.id.desc())
                              ).scalars().all() == [2, 1]
    assert connection.execute(sa.text("SELECT :a + (SELECT max(id) FROM kinds)"), {"a": 1}).scalar() == 3

# ------------------------------------------------------------------ automap

Automap = automap_base()
if TWO:
    Automap.prepare(autoload_with=shop)
else:
    Automap.prepare(shop, reflect=True)
assert {"customers", "orders", "order_items", "products", "coupons"} <= set(Automap.classes.keys())
with Session(shop) as session:
    Customer = Automap.classes.customers
    assert session.get(Customer, 2).name == "Bjørn"
    assert session.get(Customer, 99) is None
    assert session.get(Automap.classes.order_items, (1, 6)).quantity == 1
    assert session.get(Automap.classes.coupons, "SUMMER").percent == 20
    assert session.query(Customer).filter_by(city="Oslo").count() == 3
    assert [c.name for c in session.query(Customer).order_by(Customer.name).limit(2).offset(1)] == ["Bjørn", "Chiara"]

# ------------------------------------------------------------------ declared models

Base = declarative_base()


class Customer(Base):
    __tablename__ = "customers"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String, nullable=False)
    city = sa.Column(sa.String)
    since = sa.Column(sa.Date)
    orders = relationship("Order", back_populates="customer", order_by="Order.id")


class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    customer_id = sa.Column(sa.ForeignKey("customers.id"))
    placed = sa.Column(sa.DateTime)
    paid = sa.Column(sa.Boolean)
    customer = relationship("Customer", back_populates="orders")
    items = relationship("Item", order_by="Item.product_id")


class Item(Base):
    __tablename__ = "order_items"
    order_id = sa.Column(sa.ForeignKey("orders.id"), primary_key=True)
    product_id = sa.Column(sa.ForeignKey("products.id"), primary_key=True)
    quantity = sa.Column(sa.Integer)
    product = relationship("Product")


class Product(Base):
    __tablename__ = "products"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.String)
    price = sa.Column(sa.Numeric(10, 2))


class Device(Base):
    __tablename__ = "devices"
    if TWO:
        id = sa.Column(sa.Uuid, primary_key=True)
    else:
        id = sa.Column(sa.CHAR(32), primary_key=True)
    name = sa.Column(sa.String)


SUMS = {1: 0, 2: 5, 3: 6, 4: 5}  # of orders placed by customers 1 to 4 in the second half of 2024
with Session(shop) as session:
    for load in (selectinload, subqueryload, joinedload):
        session.expunge_all()
        customers = session.execute(
            select(Customer).where(Customer.city == "Oslo").order_by(Customer.id)
            .options(load(Customer.orders).options(load(Order.items)))).unique().scalars().all()
        assert [c.name for c in customers] == ["Bjørn", "Dag", "Gunnar"]
        before = len(statements)
        assert [[o.id for o in c.orders] for c in customers] == [[2, 10, 40], [17, 33, 35, 36, 37], [8, 16, 38]]
        assert [i.quantity for i in customers[0].orders[1].items] == [3, 1, 4]
        assert len(statements) == before, "loaded again, although eagerly loaded"
    session.expunge_all()
    order = session.get(Order, 1)
    assert order.customer.name == "Femke" and order.placed == datetime.datetime(2024, 3, 13, 18)
    assert order.paid is True and [i.product.title for i in order.items] == ["Rope, 10 m", "Lantern", "Winch"]
    assert order.items[0].product.price == Decimal("12.50")
    assert type(order.items[0].product.price) is Decimal
    total = session.execute(
        select(Customer.name, func.sum(Item.quantity * Product.price))
        .join(Order, Order.customer_id == Customer.id).join(Item, Item.order_id == Order.id)
        .join(Product, Product.id == Item.product_id).where(Customer.id == 2).group_by(Customer.name)).one()
    assert total[0] == "Bjørn" and abs(float(total[1]) - (12.5 + 2 * 19.99 + 3 * 34 + 7.25 + 4 * 450 + 3 * 7.25)) < 1e-9
    unpaid = session.query(Order).filter(Order.paid.is_(False)).order_by(Order.placed.desc()).first()
    assert unpaid.placed == datetime.datetime(2024, 12, 14, 13, 45)
    assert session.query(Order).filter(Order.placed >= datetime.datetime(2024, 12, 1)).count() == 4
    assert session.query(Customer).filter(~Customer.orders.any()).count() == 0
    assert {c.id for c in session.query(Customer).filter(Customer.orders.any(Order.paid.is_(False)))} == {
        1, 3, 4, 5, 6, 7, 8, 9}
    pages = [[o.id for o in session.query(Order).order_by(Order.id).limit(15).offset(at)] for at in (0, 15, 30)]
    assert sum(pages, []) == list(range(1, 41))
    assert [row.n for row in session.query(func.row_number().over(order_by=Customer.id).label("n"))] == list(range(1, 11))

    key = uuid.UUID("0a1b2c3d-0000-4000-8000-000000000001")
    device = session.get(Device, key if TWO else key.hex)
    assert device.name == "lamp" and device.id == (key if TWO else key.hex)
    assert session.query(Device).filter(Device.id.in_([device.id])).one() is device

    # A yielded result is read as it comes.
    rows = session.execute(select(Order.id).order_by(Order.id).execution_options(yield_per=7))
    assert [n for part in rows.partitions() for (n,) in part] == list(range(1, 41))

# ------------------------------------------------------------------ writing, and taking it back

with Session(shop) as session:
    session.add(Customer(id=11, name="Kim", since=datetime.date(2024, 1, 1)))
    session.flush()
    assert session.query(Customer).count() == 11
    session.rollback()
    assert session.query(Customer).count() == 10

# ------------------------------------------------------------------ timestamptz=+00:00

if TWO:
    aware = engine("timestamptz=+00:00")
    with aware.connect() as connection:
        found = connection.execute(sa.text("SELECT at_tz FROM kinds WHERE id = 1").columns(
            at_tz=sa.DateTime(timezone=True))).scalar()
        assert found == datetime.datetime(2024, 2, 29, 10, tzinfo=datetime.timezone.utc), found

print("well")
