"""Every kind of SQL over attached tables, through both drivers, on Debian's SQLite and the newest: the
same statement on local copies has to answer alike."""
import os
import sqlite3
import time

import pytest

from support import sqlite
from support.copies import HOSTS, Pair, answer, rows
from support.paths import ROOT

SHOP = (ROOT / "examples" / "shop.sql").read_text()

# Beside the shop: values that look alike, rows without a key, a text key, more columns than a mask of
# columns has bits, views. {blob} and {x} are the two ways to write bytes.
AWKWARD = """
CREATE TABLE odd (id integer PRIMARY KEY, t text, i bigint, r double precision, b {blob});
INSERT INTO odd VALUES
    (1, '7', 7, 7, {x}37'), (2, '007', 0, 0.5, {x}'), (3, NULL, NULL, NULL, NULL),
    (4, '', -1, -0.5, {x}00'), (5, 'a', 9007199254740993, 9007199254740992, {x}ff00'),
    (6, 'A', 9223372036854775807, 1e300, {x}61'), (7, 'a ', -9223372036854775808, -1e300, {x}6120'),
    (8, 'ä', 1, 1, {x}c3a4'), (9, '1e3', 1000, 1000, {x}31'), (10, 'z%_', 2, 0.1, NULL),
    (11, 'Ā', 3, 3, {x}c480'), (12, '😀', 4, 4, {x}f09f9880'), (13, 'ﬀ', 5, 5, {x}efac80');
CREATE TABLE pairs (a integer, b text);
INSERT INTO pairs VALUES (1, 'x'), (1, 'x'), (2, 'x'), (NULL, 'y'), (NULL, NULL), (NULL, NULL), (3, NULL);
CREATE TABLE words (w varchar(20) PRIMARY KEY, n integer);
INSERT INTO words VALUES ('one', 1), ('two', 2), ('Two', 2), ('7', 7), ('07', 7), ('', NULL);
CREATE TABLE tree (id integer PRIMARY KEY, parent integer, name text NOT NULL);
INSERT INTO tree VALUES (1, NULL, 'root'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'aa'), (5, 4, 'aaa'), (6, 3, 'ba');
CREATE TABLE wide (id integer PRIMARY KEY, {wide});
INSERT INTO wide WITH RECURSIVE n (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < 5) SELECT g, {values} FROM n;
CREATE TABLE big (id integer PRIMARY KEY, a integer, t text);
INSERT INTO big WITH RECURSIVE n (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < 20000)
    SELECT g, g % 100, 't' || g FROM n;
CREATE TABLE keyless (a integer, b text);
INSERT INTO keyless WITH RECURSIVE n (g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < 3000)
    SELECT g % 7, CAST(g % 5 AS text) FROM n;
CREATE VIEW vkeyless AS SELECT * FROM keyless;
CREATE VIEW spent AS
    SELECT o.customer_id, count(*) AS orders, max(o.id) AS last_order FROM orders o GROUP BY o.customer_id;
"""

LOCAL = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, customer INTEGER, text TEXT);
INSERT INTO notes VALUES (1, 2, 'call'), (2, 11, 'nobody'), (3, NULL, 'none'), (4, 2, 'write');
CREATE TABLE mixed (x, y);
INSERT INTO mixed VALUES (1, '1'), ('1', 1), (2.0, 'two'), (NULL, NULL), (x'37', '7'), ('007', 7), (7, '07');
"""


WIDE = {"wide": ", ".join(f"c{n} integer" for n in range(200)),
        "values": ", ".join(f"g * {n}" for n in range(200))}


def make_shop(pg):
    """A database with all of it; its name."""
    name = pg.create_database(f"sql_{os.getpid()}_{time.monotonic_ns()}", "icu")
    pg.psql(SHOP + AWKWARD.format(blob="bytea", x="'\\x", **WIDE), database=name)
    pg.psql("ANALYZE", database=name)
    return name


@pytest.fixture(scope="module")
def urls(pg, tmp_path_factory):
    name = make_shop(pg)
    path = tmp_path_factory.mktemp("sql") / "shop.db"
    file = sqlite3.connect(path)
    file.executescript(SHOP + AWKWARD.format(blob="blob", x="x'", **WIDE))
    file.close()
    return {"postgres": pg.url(name), "sqlite": f"sqlite:{path}"}


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def url(request, urls):
    return urls[request.param]


@pytest.fixture(scope="module", params=sorted(HOSTS))
def host(request):
    return request.param


def script(connection, text):
    for statement in filter(str.strip, text.split(";\n")):
        rows(connection, statement)


def reading_pair(host, url):
    """A pair for statements that change nothing."""
    pair = Pair(host, url)
    for connection in (pair.attached, pair.local):
        script(connection, LOCAL)
    return pair


@pytest.fixture(scope="module")
def reading(url, host):
    pair = reading_pair(host, url)
    yield pair
    pair.close()


@pytest.fixture
def pair(url, host, request):
    """A pair of this test alone. READONLY as parameter: of a server that is not to be written."""
    pair = Pair(host, url, "except=wide,big,*keyless", *getattr(request, "param", []))
    for connection in (pair.attached, pair.local):
        script(connection, LOCAL)
    yield pair
    pair.close()


READS = {
    "joins": """
SELECT c.name, o.id FROM customers c JOIN orders o ON o.customer_id = c.id
SELECT c.name, o.id FROM customers c, orders o WHERE o.customer_id = c.id AND o.paid
SELECT c.name, o.id FROM customers c CROSS JOIN orders o WHERE o.id < 3
SELECT c.name, n.text FROM customers c LEFT JOIN notes n ON n.customer = c.id
SELECT n.text, c.name FROM notes n LEFT JOIN customers c ON c.id = n.customer
SELECT n.text, c.name FROM notes n LEFT JOIN customers c ON c.id = n.customer WHERE c.id IS NULL
SELECT n.text, c.name FROM notes n LEFT JOIN customers c ON c.id = n.customer AND c.city = 'Lyon'
SELECT n.text, c.name FROM notes n LEFT JOIN customers c ON c.id = n.customer WHERE c.city IS NOT 'Oslo'
SELECT n.text, c.name FROM customers c RIGHT JOIN notes n ON n.customer = c.id
SELECT n.text, c.name FROM customers c FULL JOIN notes n ON n.customer = c.id
SELECT a.id, b.id FROM customers a FULL JOIN orders b ON a.id = b.id AND b.paid WHERE a.id IS NULL OR b.id IS NULL
SELECT a.id, b.id FROM customers a RIGHT JOIN orders b ON a.id = b.customer_id AND a.city = 'Oslo'
SELECT * FROM customers NATURAL JOIN (SELECT 2 AS id, 'Bjørn' AS name)
SELECT * FROM customers NATURAL LEFT JOIN (SELECT id, 'x' AS extra FROM notes)
SELECT id, name, title FROM customers JOIN products USING (id)
SELECT id, name, title FROM customers LEFT JOIN products USING (id)
SELECT id, name, title FROM products FULL JOIN customers USING (id)
SELECT a.name, b.name FROM customers a JOIN customers b ON a.city = b.city AND a.id < b.id
SELECT a.name, b.name FROM customers a LEFT JOIN customers b ON a.city = b.city AND a.id < b.id
SELECT c.name, p.title, i.quantity FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id
SELECT p.title, sum(i.quantity * p.price) FROM products p LEFT JOIN order_items i ON i.product_id = p.id GROUP BY p.id
SELECT t.id, m.x FROM odd t JOIN mixed m ON t.t = m.x
SELECT t.id, m.x FROM odd t JOIN mixed m ON m.x = t.t
SELECT t.id, m.y FROM odd t JOIN mixed m ON t.i = m.y
SELECT t.id, m.x FROM odd t JOIN mixed m ON t.b = m.x
SELECT t.id, m.x FROM odd t JOIN mixed m ON t.r <= m.x
SELECT a.id, b.id FROM odd a JOIN odd b ON a.t = b.i
SELECT a.id, b.id FROM odd a JOIN odd b ON a.i = b.r
SELECT a.id, b.id FROM odd a JOIN odd b ON a.t = b.t COLLATE NOCASE
SELECT a.id, b.id FROM odd a JOIN odd b ON a.t < b.t
SELECT o.id, w.n FROM odd o JOIN words w ON o.t = w.w
SELECT o.id, w.w FROM odd o JOIN words w ON o.i = w.w
SELECT o.id, w.w FROM odd o JOIN words w ON w.w = o.i OR w.w = o.t
SELECT p.a, q.a, p.b FROM pairs p JOIN pairs q ON p.a IS q.a AND p.b IS q.b
SELECT p.a, q.b FROM pairs p LEFT JOIN pairs q ON p.a = q.a
SELECT s.orders, c.name FROM spent s JOIN customers c ON c.id = s.customer_id
SELECT c.name, s.orders FROM customers c LEFT JOIN spent s ON s.customer_id = c.id AND s.orders > 3
SELECT count(*) FROM customers, products, words
SELECT c.id FROM customers c JOIN notes n ON n.customer BETWEEN c.id - 1 AND c.id + 1
""",
    "ctes and views": """
WITH RECURSIVE up(id, parent, depth) AS (SELECT id, parent, 0 FROM tree WHERE id = 5 UNION ALL SELECT t.id, t.parent, depth + 1 FROM tree t JOIN up ON t.id = up.parent) SELECT * FROM up ORDER BY depth
WITH RECURSIVE down(id, path) AS (SELECT id, name FROM tree WHERE parent IS NULL UNION ALL SELECT t.id, path || '/' || t.name FROM tree t JOIN down ON t.parent = down.id) SELECT path FROM down ORDER BY path
WITH RECURSIVE down(id) AS (SELECT 1 UNION SELECT t.id FROM tree t, down WHERE t.parent = down.id) SELECT count(*) FROM down
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12) SELECT i, name FROM n LEFT JOIN customers ON id = i ORDER BY i
WITH oslo AS (SELECT * FROM customers WHERE city = 'Oslo') SELECT a.name, b.name FROM oslo a, oslo b WHERE a.id < b.id
WITH oslo AS MATERIALIZED (SELECT * FROM customers WHERE city = 'Oslo') SELECT a.name, b.name FROM oslo a, oslo b WHERE a.id < b.id
WITH oslo AS NOT MATERIALIZED (SELECT * FROM customers WHERE city = 'Oslo') SELECT count(*) FROM oslo WHERE id > 2
WITH a(x) AS (VALUES (1), (2), ('3')), b AS (SELECT x FROM a) SELECT name FROM customers WHERE id IN b
SELECT * FROM (SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id) WHERE n > 4
SELECT * FROM (SELECT * FROM customers ORDER BY id LIMIT 3) ORDER BY name DESC
SELECT name FROM (SELECT name, id FROM customers UNION ALL SELECT title, id FROM products) WHERE id = 2
SELECT x.name FROM (SELECT * FROM customers LEFT JOIN notes ON notes.customer = customers.id) x WHERE x.text = 'call'
""",
    "windows": """
SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY placed, id) FROM orders ORDER BY id
SELECT id, rank() OVER (ORDER BY city), dense_rank() OVER (ORDER BY city) FROM customers ORDER BY id
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id
SELECT id, lag(name) OVER w, lead(name, 2, '-') OVER w FROM customers WINDOW w AS (ORDER BY name DESC) ORDER BY id
SELECT id, first_value(id) OVER (PARTITION BY city ORDER BY id DESC), nth_value(id, 2) OVER (PARTITION BY city ORDER BY id) FROM customers ORDER BY id
SELECT id, count(*) FILTER (WHERE paid) OVER (ORDER BY id) FROM orders ORDER BY id
SELECT id, ntile(3) OVER (ORDER BY i NULLS LAST, id), percent_rank() OVER (ORDER BY r) FROM odd ORDER BY id
SELECT id, max(r) OVER (ORDER BY i RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING) FROM odd WHERE i BETWEEN -5 AND 2000 ORDER BY id
SELECT id, group_concat(id) OVER (ORDER BY id GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM customers ORDER BY id
SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY id DESC) AS n FROM orders) WHERE n = 1 ORDER BY id
SELECT id FROM (SELECT id, city, row_number() OVER (PARTITION BY city ORDER BY id) AS n FROM customers) WHERE city = 'Oslo' AND n < 3 ORDER BY id
""",
    "aggregates": """
SELECT count(*), count(city), count(DISTINCT city), min(name), max(name) FROM customers
SELECT count(*), sum(id), avg(id), total(id), min(placed), max(placed) FROM orders WHERE customer_id = 6
SELECT sum(i), avg(r), total(r) FROM odd WHERE id IN (1, 2, 4, 8, 9)
SELECT min(t), max(t), min(b), max(b), min(i), max(i), min(r), max(r) FROM odd
SELECT min(t COLLATE NOCASE), max(t COLLATE NOCASE) FROM odd WHERE t > ''
SELECT count(*) FILTER (WHERE paid), count(*) FILTER (WHERE NOT paid) FROM orders
SELECT customer_id, count(*) FILTER (WHERE paid), max(id) FILTER (WHERE NOT paid) FROM orders GROUP BY customer_id
SELECT city, count(*), group_concat(name, '+') FROM (SELECT * FROM customers ORDER BY id) GROUP BY city
SELECT city, count(*) FROM customers GROUP BY city HAVING count(*) > 1
SELECT city, max(id), name FROM customers GROUP BY city
SELECT length(city), count(*) FROM customers GROUP BY length(city) HAVING max(id) > 3
SELECT substr(placed, 1, 7) AS month, count(*) FROM orders GROUP BY month ORDER BY month
SELECT customer_id, paid, count(*) FROM orders GROUP BY customer_id, paid ORDER BY 1, 2
SELECT a, b, count(*) FROM pairs GROUP BY a, b
SELECT upper(t), count(*) FROM odd GROUP BY t COLLATE NOCASE
SELECT rtrim(t), count(*) FROM odd GROUP BY t COLLATE RTRIM
SELECT DISTINCT city FROM customers
SELECT DISTINCT customer_id, paid FROM orders
SELECT DISTINCT b FROM pairs ORDER BY b
SELECT count(*) FROM (SELECT DISTINCT t COLLATE NOCASE FROM odd)
SELECT count(DISTINCT a), count(DISTINCT b), sum(DISTINCT a) FROM pairs
SELECT DISTINCT p.title FROM products p JOIN order_items i ON i.product_id = p.id WHERE i.quantity = 5 ORDER BY p.title
SELECT count(*) FROM orders WHERE 0
SELECT max(id) FROM orders WHERE customer_id = 99
SELECT customer_id FROM orders GROUP BY customer_id HAVING sum(paid) = count(*) ORDER BY customer_id DESC
SELECT json_group_array(name) FROM (SELECT name FROM customers ORDER BY id LIMIT 2)
""",
    "compounds": """
SELECT id FROM customers UNION SELECT id FROM products ORDER BY id
SELECT id FROM customers UNION ALL SELECT id FROM products ORDER BY id
SELECT id FROM customers INTERSECT SELECT customer FROM notes
SELECT id FROM customers EXCEPT SELECT customer_id FROM orders WHERE NOT paid ORDER BY 1
SELECT city FROM customers EXCEPT SELECT NULL
SELECT t FROM odd UNION SELECT w FROM words ORDER BY t
SELECT t FROM odd INTERSECT SELECT w FROM words
SELECT count(*) FROM (SELECT t COLLATE NOCASE FROM odd UNION SELECT w FROM words)
SELECT id, 'c' FROM customers WHERE id < 3 UNION ALL SELECT id, 'p' FROM products WHERE id < 3 ORDER BY 2, 1 LIMIT 3
SELECT id FROM customers UNION ALL SELECT id FROM orders ORDER BY id DESC LIMIT 4 OFFSET 2
SELECT a, b FROM pairs UNION SELECT a, b FROM pairs
SELECT a, b FROM pairs EXCEPT SELECT 1, 'x'
VALUES (1), (2) UNION SELECT id FROM products WHERE id > 4
SELECT * FROM (SELECT id FROM orders WHERE id < 4 UNION ALL SELECT id FROM customers WHERE id > 8) WHERE id IN (1, 9) ORDER BY id
""",
    "subqueries": """
SELECT name, (SELECT count(*) FROM orders WHERE customer_id = c.id) FROM customers c
SELECT name, (SELECT placed FROM orders WHERE customer_id = c.id ORDER BY placed DESC LIMIT 1) FROM customers c
SELECT name, (SELECT name FROM customers d WHERE d.id > c.id ORDER BY d.id LIMIT 1) FROM customers c
SELECT name FROM customers c WHERE (SELECT count(*) FROM orders WHERE customer_id = c.id) > 4
SELECT name FROM customers WHERE id = (SELECT max(customer_id) FROM orders)
SELECT name FROM customers WHERE id = (SELECT customer FROM notes WHERE id = 3)
SELECT name FROM customers WHERE id IN (SELECT customer FROM notes)
SELECT name FROM customers WHERE id NOT IN (SELECT customer FROM notes WHERE customer IS NOT NULL)
SELECT name FROM customers WHERE id NOT IN (SELECT customer FROM notes)
SELECT id FROM odd WHERE t IN (SELECT x FROM mixed)
SELECT id FROM odd WHERE t IN (SELECT y FROM mixed)
SELECT id FROM odd WHERE i IN (SELECT x FROM mixed)
SELECT id FROM odd WHERE b IN (SELECT x FROM mixed)
SELECT id FROM odd WHERE t IN (SELECT i FROM odd)
SELECT id FROM odd WHERE i IN (SELECT t FROM odd)
SELECT id FROM odd WHERE r IN (SELECT i FROM odd)
SELECT x FROM mixed WHERE x IN (SELECT t FROM odd)
SELECT x FROM mixed WHERE x IN (SELECT i FROM odd)
SELECT 7 IN (SELECT t FROM odd), '7' IN (SELECT i FROM odd), NULL IN (SELECT t FROM odd), 99 IN (SELECT i FROM odd)
SELECT name FROM customers WHERE EXISTS (SELECT * FROM orders WHERE customer_id = customers.id AND NOT paid)
SELECT name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.customer_id = c.id AND i.product_id = 6)
SELECT EXISTS (SELECT 1 FROM customers WHERE id = 1), EXISTS (SELECT 1 FROM customers WHERE id = 99)
SELECT (SELECT name FROM customers WHERE id = o.customer_id) AS n, count(*) FROM orders o GROUP BY n ORDER BY n
SELECT (SELECT (SELECT city FROM customers WHERE id = o.customer_id) FROM orders o WHERE o.id = i.order_id) FROM order_items i WHERE i.product_id = 4
SELECT id FROM orders ORDER BY (SELECT name FROM customers WHERE id = customer_id), id LIMIT 5
SELECT id FROM orders LIMIT (SELECT count(*) FROM products) OFFSET (SELECT min(id) FROM products)
SELECT name FROM customers WHERE (id, city) IN (SELECT customer, 'Oslo' FROM notes)
SELECT name FROM customers WHERE (id, city) = (SELECT id, city FROM customers WHERE name = 'Dag')
SELECT CASE WHEN EXISTS (SELECT 1 FROM products WHERE price > p.price) THEN title ELSE 'top' END FROM products p
""",
    "expressions": """
SELECT id, CASE city WHEN 'Oslo' THEN 'N' WHEN NULL THEN '?' ELSE 'o' END FROM customers
SELECT id, CASE WHEN id > 5 THEN name WHEN city IS NULL THEN 'x' END FROM customers WHERE CASE WHEN id % 2 THEN city ELSE 'Oslo' END = 'Oslo'
SELECT id FROM customers WHERE name = 'ada' COLLATE NOCASE
SELECT id FROM customers WHERE name COLLATE NOCASE IN ('ADA', 'dag')
SELECT id FROM odd WHERE t = 'a' COLLATE RTRIM
SELECT id FROM odd WHERE t > 'A' COLLATE NOCASE
SELECT id FROM odd WHERE 'a' COLLATE NOCASE = t
SELECT id FROM odd ORDER BY t COLLATE NOCASE, id
SELECT id FROM odd ORDER BY t COLLATE RTRIM DESC, id
SELECT id FROM orders WHERE (customer_id, id) > (6, 20) ORDER BY customer_id, id
SELECT id FROM orders WHERE (customer_id, id) <= (6, 20) ORDER BY customer_id DESC, id DESC LIMIT 5
SELECT order_id FROM order_items WHERE (order_id, product_id) = (5, 2)
SELECT order_id, product_id FROM order_items WHERE (order_id, product_id) IN (VALUES (1, 1), (1, 6), (9, 9))
SELECT order_id FROM order_items WHERE (quantity, product_id) BETWEEN (5, 1) AND (5, 2)
SELECT id FROM customers WHERE id BETWEEN 3 AND 5
SELECT id FROM customers WHERE id NOT BETWEEN 3 AND 9
SELECT id FROM customers WHERE id BETWEEN 5 AND 3
SELECT id FROM odd WHERE t BETWEEN '0' AND '8'
SELECT id FROM odd WHERE r BETWEEN -1 AND 1
SELECT id FROM odd WHERE i BETWEEN '0' AND '7'
SELECT id FROM odd WHERE t BETWEEN 0 AND 8
SELECT id FROM odd WHERE b BETWEEN x'00' AND x'61'
SELECT id FROM odd WHERE t IS NULL OR i IS NULL
SELECT id FROM odd WHERE t ISNULL
SELECT id FROM odd WHERE t NOTNULL AND b IS NULL
SELECT id FROM odd WHERE t IS NOT '7'
SELECT id FROM odd WHERE t IS DISTINCT FROM 'a'
SELECT id FROM odd WHERE NOT t = '7'
SELECT id FROM odd WHERE NOT (t < 'a')
SELECT id FROM odd WHERE i IS TRUE
SELECT id FROM odd WHERE i
SELECT id FROM odd WHERE t LIKE 'A%'
SELECT id FROM odd WHERE t LIKE '%\\%%' ESCAPE '\\'
SELECT id FROM odd WHERE t NOT LIKE 'a%'
SELECT id FROM odd WHERE t GLOB '[a-z]*'
SELECT id FROM odd WHERE t LIKE NULL
SELECT id FROM odd WHERE i LIKE '9%'
SELECT id FROM odd WHERE t || '' = '7'
SELECT id FROM odd WHERE i + 0 = 7
SELECT id FROM odd WHERE i = 7.0 AND r = '7'
SELECT id FROM odd WHERE i = '7 '
SELECT id FROM odd WHERE r = i
SELECT id FROM odd WHERE t = i
SELECT id FROM odd WHERE i > t
SELECT id FROM odd WHERE i = 1 OR t = 'a' OR b = x'00' OR r < -1
SELECT id FROM odd WHERE (i = 7 OR i = 0) AND (t = '7' OR t = '007')
SELECT a, b FROM pairs WHERE a = 1 OR b = 'x'
SELECT a, b FROM pairs WHERE a IS NULL OR b IS NULL
SELECT w FROM words WHERE n = 7 OR w = '7' OR w LIKE 't%'
SELECT w FROM words WHERE w IN ('7', 'two', 'TWO', 7)
SELECT w FROM words WHERE w = 7
SELECT w FROM words WHERE w = CAST('7' AS INTEGER)
SELECT w FROM words WHERE w >= 'T' ORDER BY w
SELECT id FROM odd WHERE i IN (7, '7', 7.0, NULL, 'x')
SELECT id FROM odd WHERE i NOT IN (7, NULL)
SELECT id FROM odd WHERE r IN (0.1, 0.5, '1000')
SELECT id FROM odd WHERE b IN (x'', x'00', 'a')
SELECT id FROM odd WHERE t IN ('7', 7, NULL)
SELECT id FROM odd WHERE typeof(t) = 'text' AND typeof(i) = 'integer' AND typeof(r) = 'real'
SELECT id, length(t), hex(t), unicode(t), upper(t), quote(b), i / 2, r * 2, -i, ~id FROM odd WHERE i IS NULL OR abs(i / 2) < 1e18
SELECT date(since, '+1 month'), strftime('%j', since), julianday(since) FROM customers
SELECT id FROM customers WHERE since > '2023' AND since < '2024-02'
SELECT id FROM customers WHERE since BETWEEN '2021-05-17' AND '2022-01-11'
SELECT id FROM customers WHERE since IN ('2021-03-01', '2024-07-07', '2024-7-7')
SELECT id FROM customers WHERE since > 2020
SELECT id FROM orders WHERE placed LIKE '2024-12%'
SELECT id FROM orders WHERE placed < '2024-02-01' ORDER BY placed, id
SELECT id FROM orders WHERE paid = 'true' OR paid = 0
SELECT id FROM products WHERE price = 12.5 OR price = '34' OR price > 400
SELECT id FROM products WHERE price < 19.99
SELECT price, price * 3, typeof(price), price = 89.9 FROM products
SELECT rowid, _rowid_, oid, name FROM customers WHERE rowid = 3
SELECT max(rowid), count(DISTINCT rowid) FROM orders WHERE rowid > 5
SELECT name FROM customers WHERE rowid IN (1, 3) OR rowid = 4
SELECT count(*) = count(DISTINCT rowid) FROM pairs
SELECT iif(city IS NULL, 'none', city) FROM customers ORDER BY id DESC LIMIT 1
""",
    "many rows and columns": """
SELECT count(*) FROM big WHERE id IN (SELECT id FROM big WHERE a = 7)
SELECT count(*) FROM big WHERE id IN (SELECT value FROM json_each((SELECT json_group_array(id) FROM big)))
SELECT count(*) FROM big WHERE t IN (SELECT 't' || value FROM json_each((SELECT json_group_array(id) FROM big WHERE id < 5000)))
SELECT count(*), sum(a) FROM big WHERE id > 10 AND id < 15000 AND a IN (1,2,3)
SELECT c0, c199, c62, c63, c64 FROM wide ORDER BY id
SELECT c63 FROM wide WHERE c150 = 300
SELECT id FROM wide WHERE c199 > 400 OR c62 = 62 OR c63 = 126
SELECT * FROM wide WHERE c70 = 70
SELECT count(*) FROM wide WHERE c70 IS NOT NULL
SELECT a, b, count(*) FROM keyless GROUP BY a, b
SELECT count(*) FROM keyless WHERE a = 1 OR b = '2'
SELECT count(*) FROM vkeyless WHERE a = 1 OR b = '2'
SELECT a, count(*) FROM vkeyless WHERE a = 1 OR b = '2' OR a IS NULL GROUP BY a
SELECT count(*) FROM (SELECT DISTINCT a, b FROM vkeyless)
SELECT a.a, b.b FROM vkeyless a JOIN vkeyless b ON a.a = b.a AND a.b = b.b LIMIT 1
SELECT count(*) FROM vkeyless a JOIN keyless b ON a.a = b.a AND a.b < b.b
""",
    "rowids": """
SELECT name FROM customers WHERE rowid = 1.5
SELECT name FROM customers WHERE rowid = '1'
SELECT name FROM customers WHERE rowid = 'x'
SELECT name FROM customers WHERE rowid > 1e300
SELECT name FROM customers WHERE rowid < 1e300
SELECT name FROM customers WHERE rowid IS NULL
SELECT name FROM customers WHERE rowid = x''
SELECT name FROM customers WHERE rowid < 'x'
SELECT name FROM customers WHERE rowid > 2.5 AND rowid <= '4'
SELECT name FROM customers WHERE rowid BETWEEN 2 AND 3 ORDER BY rowid DESC
SELECT name FROM customers WHERE rowid IN (1, '2', 3.0, 3.5, NULL)
SELECT name FROM customers WHERE rowid <> 1 AND rowid IS NOT 2
SELECT name FROM customers WHERE rowid LIKE '1%'
SELECT count(*) FROM odd WHERE rowid = 9223372036854775807
SELECT a, b FROM pairs WHERE rowid IN (SELECT rowid FROM pairs WHERE a = 1)
SELECT a, b FROM pairs p WHERE rowid = (SELECT max(rowid) FROM pairs q WHERE q.b IS p.b)
SELECT count(*) FROM order_items WHERE rowid IN (SELECT rowid FROM order_items WHERE quantity = 5)
SELECT count(*) FROM spent WHERE rowid IN (SELECT rowid FROM spent)
""",
    "values and subqueries": """
SELECT id, json_object('n', name, 'c', city) FROM customers
SELECT e.key, e.value FROM customers c, json_each(json_array(c.name, c.city)) e WHERE c.id = 1
SELECT c.id, e.value FROM customers c LEFT JOIN json_each('[1,2,3]') e ON e.value = c.id
SELECT id FROM customers WHERE json_array(id) IN (SELECT json_array(customer) FROM notes)
SELECT 1 WHERE (SELECT count(*) FROM customers) = 10
SELECT name FROM customers WHERE city = (SELECT city FROM customers WHERE id = 2) AND id <> 2
SELECT c.name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id AND o.id > (SELECT min(id) FROM orders WHERE customer_id = c.id)) FROM customers c
SELECT count(*) FROM customers a, customers b, customers c WHERE a.id = b.id AND b.id = c.id
SELECT count(*) FROM orders WHERE id IN (SELECT order_id FROM order_items WHERE product_id IN (SELECT id FROM products WHERE price > 30))
SELECT t FROM odd WHERE t BETWEEN 'a' AND 'b' COLLATE NOCASE
SELECT id FROM odd WHERE (t, i) IN (SELECT t, i FROM odd WHERE id > 5)
SELECT id FROM odd WHERE (t, i) = (SELECT '7', 7)
SELECT id FROM odd WHERE (i, t) < (SELECT 8, 'x')
SELECT id FROM odd WHERE t = (SELECT '7' COLLATE NOCASE)
SELECT id FROM odd WHERE t IN (SELECT w FROM words WHERE n = odd.i)
SELECT id FROM odd WHERE i = (SELECT n FROM words WHERE w = odd.t)
SELECT id FROM odd WHERE i NOT IN (SELECT n FROM words)
SELECT id FROM odd WHERE i NOT IN (SELECT n FROM words WHERE n IS NOT NULL)
SELECT id FROM odd WHERE CAST(t AS INTEGER) = i
SELECT id FROM odd WHERE t = CAST(i AS TEXT)
SELECT id FROM odd WHERE +t = 7
SELECT id FROM odd WHERE t = +i
SELECT id FROM odd WHERE i = +t
SELECT id FROM odd WHERE t > 5
SELECT id FROM odd WHERE t < 5
SELECT id FROM odd WHERE i < 'a'
SELECT id FROM odd WHERE r <= '0.5'
SELECT id FROM odd WHERE r > 'a'
SELECT id FROM odd WHERE r IN (SELECT x FROM mixed)
SELECT id FROM odd WHERE b > 'zzz'
SELECT id FROM odd WHERE b < 5
SELECT id FROM odd WHERE b >= x'' AND b < x'62'
SELECT max(i), t FROM odd
SELECT min(r), id FROM odd WHERE r > 0
SELECT id FROM orders WHERE paid = 1 AND paid IS NOT 0 AND paid IN (1, '1', 'true')
SELECT id FROM orders WHERE placed BETWEEN '2024-03-20' AND '2024-03-20 09'
SELECT id FROM orders WHERE placed = '2024-03-13 18:00:00' OR placed = '2024-03-13 18:00:00.000000'
SELECT id FROM orders WHERE placed IS NOT '2024-03-13 18:00:00.000000' AND id < 3
SELECT id FROM orders WHERE placed GLOB '2024-0[1-3]-*'
SELECT id FROM orders ORDER BY placed DESC, id LIMIT 3
SELECT id FROM products WHERE price BETWEEN 12.4999999999 AND '34.00'
SELECT id FROM products WHERE price = 89.9 OR price = 89.90000000000001
SELECT id FROM products ORDER BY price LIMIT 2
SELECT * FROM customers NATURAL JOIN customers
SELECT count(*) FROM customers NOT INDEXED WHERE id = 1
SELECT a.id FROM customers a LEFT JOIN customers b ON b.id = a.id + 8 LEFT JOIN customers c ON c.id = b.id + 1
SELECT a.id, b.id, c.id FROM customers a LEFT JOIN (customers b JOIN customers c ON c.id = b.id + 1) ON b.id = a.id
SELECT a.id, b.id FROM customers a LEFT JOIN customers b ON b.id = a.id AND a.city = 'Oslo' WHERE b.id IS NULL
SELECT count(*) FROM customers a FULL JOIN customers b ON a.id = b.id + 5
SELECT x.id, y.id FROM (SELECT id FROM customers LIMIT 3) x LEFT JOIN (SELECT id FROM customers WHERE id > 2) y USING (id)
SELECT c.name FROM customers c WHERE c.id IN (SELECT customer_id FROM orders GROUP BY customer_id HAVING count(*) > 5)
SELECT DISTINCT a.city FROM customers a JOIN customers b ON a.city = b.city
SELECT group_concat(DISTINCT city) FROM (SELECT city FROM customers WHERE city > 'O' ORDER BY city)
SELECT id, sum(id) OVER () FROM customers ORDER BY id LIMIT 3 OFFSET 2
""",
    "order and limit": """
SELECT name FROM customers ORDER BY name
SELECT name FROM customers ORDER BY name DESC
SELECT id FROM customers ORDER BY city, id DESC
SELECT id FROM customers ORDER BY city NULLS LAST, id
SELECT id FROM customers ORDER BY city DESC NULLS FIRST, id
SELECT id FROM odd ORDER BY t, id
SELECT id FROM odd ORDER BY i DESC, id
SELECT id FROM odd ORDER BY r, id
SELECT id FROM odd ORDER BY b, id
SELECT id FROM odd ORDER BY length(t), id DESC
SELECT id FROM odd ORDER BY i % 3, -id
SELECT id AS x FROM odd ORDER BY x + 0 DESC
SELECT id, t FROM odd ORDER BY 2 DESC, 1 LIMIT 4
SELECT id FROM orders ORDER BY id LIMIT 5
SELECT id FROM orders ORDER BY id LIMIT 5 OFFSET 37
SELECT id FROM orders ORDER BY id LIMIT 3, 4
SELECT id FROM orders ORDER BY id LIMIT -1
SELECT id FROM orders ORDER BY id LIMIT -1 OFFSET 35
SELECT id FROM orders ORDER BY id LIMIT 2 OFFSET -5
SELECT id FROM orders ORDER BY id LIMIT 0
SELECT id FROM orders ORDER BY id LIMIT 5 OFFSET 100
SELECT id FROM orders WHERE customer_id = 6 ORDER BY placed DESC, id LIMIT 2 OFFSET 1
SELECT id FROM orders WHERE customer_id = id ORDER BY id LIMIT 1
SELECT id FROM orders WHERE customer_id + id = 10 ORDER BY id LIMIT 1
SELECT id FROM orders WHERE paid AND placed LIKE '%5:00.%' ORDER BY id LIMIT 3
SELECT a, b FROM pairs ORDER BY a, b
SELECT a, b FROM pairs ORDER BY b DESC, a DESC LIMIT 3
SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY c.name, o.id LIMIT 6
SELECT since FROM customers ORDER BY since DESC LIMIT 2
SELECT placed FROM orders ORDER BY placed LIMIT 3 OFFSET 3
SELECT title FROM products ORDER BY price DESC
SELECT title FROM products ORDER BY random() * 0, id
""",
}


@pytest.mark.parametrize("kind", READS)
def test_reads(reading, kind):
    ask_reads(reading, kind)


def ask_reads(reading, kind):
    statements = READS[kind].strip().split("\n")
    differing = []
    for sql in statements:
        try:
            found = reading.same(sql)
            assert not isinstance(found, str), f"{sql}: {found}"
        except AssertionError as difference:
            differing.append(str(difference))
    assert not differing, f"{len(differing)} of {len(statements)} differ:\n" + "\n".join(differing)


PARAMETERS = [
    ("SELECT name FROM customers WHERE id = ?", [(1,), ("3",), (2.0,), (None,), ("x",), (99,), (b"1",)]),
    ("SELECT id FROM odd WHERE t = ?", [("7",), (7,), (b"7",), (None,), ("a",), ("",)]),
    ("SELECT id FROM odd WHERE t IS ?", [("7",), (7,), (None,)]),
    ("SELECT id FROM odd WHERE t LIKE ?", [("a%",), ("%",), ("",), (None,), (7,), ("z\\%",)]),
    ("SELECT id FROM odd WHERE i > ?", [(0,), (0.5,), ("0",), ("x",), (b"",), (None,), (2**63 - 1,)]),
    ("SELECT id FROM odd WHERE i IN (?, ?, ?)", [(7, "0", None), (7.0, 7, 7), ("x", b"y", None)]),
    ("SELECT id FROM odd WHERE b = ?", [(b"",), (b"\xff\x00",), ("",), (None,)]),
    ("SELECT id FROM orders ORDER BY id LIMIT ? OFFSET ?",
     [(3, 2), (-1, 38), (0, 0), (2, -1), ("2", 1), (2.0, 0), (1000, 39)]),
    ("SELECT id FROM orders WHERE customer_id = ? ORDER BY id DESC LIMIT ?", [(6, 2), (6, -1), (0, 5)]),
    ("SELECT name FROM customers WHERE (id, city) > (?, ?) ORDER BY id LIMIT 2", [(2, "Oslo"), (2, None)]),
    ("SELECT count(*) FROM orders WHERE placed >= ? AND placed < ?",
     [("2024-03-01", "2024-04-01"), ("2024", "2025"), ("2024-03-20 09:45:00", "2024-03-20 09:45:01")]),
]


@pytest.mark.parametrize("sql, values", PARAMETERS, ids=[sql for sql, _ in PARAMETERS])
def test_one_statement_with_one_value_after_the_other(reading, sql, values):
    """The statement is prepared once and kept (both modules cache by text): plans cannot depend on the
    values of its first run."""
    for parameters in values + values[::-1]:
        reading.same(sql, parameters)


def test_interleaved_cursors(reading):
    """Several statements are read in turns, on the same table and on others."""
    texts = ["SELECT id FROM orders ORDER BY id", "SELECT id, name FROM customers ORDER BY name",
             "SELECT order_id, product_id FROM order_items ORDER BY 1, 2",
             "SELECT id FROM orders WHERE paid ORDER BY id DESC", "SELECT id FROM orders ORDER BY id"]

    def interleaved(connection):
        cursors = [connection.cursor().execute(text) for text in texts]
        found, open_cursors = [[] for _ in texts], set(range(len(texts)))
        while open_cursors:
            for number in sorted(open_cursors):
                row = next(iter(cursors[number]), None)
                if row is None:
                    open_cursors.discard(number)
                else:
                    found[number].append(row)
        return found

    assert interleaved(reading.attached) == interleaved(reading.local)


def test_a_cursor_left_open_does_not_stand_in_the_way(reading):
    half = iter(reading.attached.cursor().execute("SELECT id FROM orders ORDER BY id"))
    assert next(half) == (1,)
    reading.same("SELECT count(*) FROM orders")
    reading.same("SELECT name FROM customers WHERE id = 4")
    assert next(half) == (2,)
    assert len(list(half)) == 38


# ---------------------------------------------------------------- local tables from remote ones

CHANGES = [
    "INSERT INTO notes (customer, text) SELECT id, name FROM customers WHERE city = 'Oslo'",
    "INSERT OR REPLACE INTO notes SELECT id, id, name FROM customers WHERE id < 3",
    "UPDATE notes SET text = (SELECT name FROM customers c WHERE c.id = notes.customer)",
    "UPDATE notes SET text = c.name FROM customers c WHERE c.id = notes.customer",
    "UPDATE notes SET customer = 1 WHERE customer IN (SELECT id FROM customers WHERE city = 'Oslo')",
    "DELETE FROM notes WHERE customer NOT IN (SELECT id FROM customers)",
    "DELETE FROM notes WHERE EXISTS (SELECT 1 FROM customers WHERE id = customer)",
    "INSERT INTO notes SELECT id, customer_id, placed FROM orders WHERE id > 4 "
    "ON CONFLICT (id) DO UPDATE SET text = excluded.text",
    "WITH top AS (SELECT customer_id, count(*) AS n FROM orders GROUP BY 1) "
    "INSERT INTO notes (customer, text) SELECT customer_id, n FROM top WHERE n > 3",
    "CREATE TABLE made AS SELECT * FROM customers JOIN orders ON orders.customer_id = customers.id",
    "CREATE TABLE made AS SELECT id, price, price * 2 AS twice FROM products",
    "CREATE TEMP TABLE made AS SELECT * FROM odd",
]


@pytest.mark.parametrize("sql", CHANGES)
def test_local_tables_take_remote_rows(pair, sql):
    pair.same(sql)
    made = "made" if " made " in sql else "notes"
    pair.same(f"SELECT * FROM {made}")
    pair.same(f"SELECT name, type FROM pragma_table_info('{made}')")
    pair.same("SELECT changes()")


def test_returning_of_a_local_table(pair):
    pair.same("INSERT INTO notes (customer, text) SELECT id, name FROM customers WHERE id < 4 "
              "RETURNING id, customer, text")
    pair.same("DELETE FROM notes WHERE customer IN (SELECT id FROM customers) RETURNING text")


def test_views_and_triggers_on_attached_tables(pair):
    for connection in (pair.attached, pair.local):
        script(connection, """
CREATE VIEW oslo AS SELECT id, name FROM customers WHERE city = 'Oslo';
CREATE VIEW deep AS SELECT o.id, v.name FROM orders o JOIN oslo v ON v.id = o.customer_id;
CREATE TEMP VIEW passing AS SELECT * FROM deep WHERE id > 10;
CREATE TABLE seen (customer INTEGER, name TEXT, orders INTEGER);
CREATE TRIGGER note_made AFTER INSERT ON notes BEGIN
    INSERT INTO seen SELECT id, name, (SELECT count(*) FROM orders WHERE customer_id = c.id)
        FROM customers c WHERE c.id = new.customer; END;
CREATE TRIGGER note_gone BEFORE DELETE ON notes
    WHEN (SELECT city FROM customers WHERE id = old.customer) = 'Oslo' BEGIN
    SELECT RAISE(ABORT, 'kept'); END;
CREATE TRIGGER into_view INSTEAD OF INSERT ON oslo BEGIN
    INSERT INTO notes (customer, text) VALUES (new.id, new.name); END""".replace(";\n    ", "; "))
    pair.same("SELECT * FROM oslo ORDER BY id")
    pair.same("SELECT * FROM deep WHERE id < 20 ORDER BY id")
    pair.same("SELECT * FROM passing")
    pair.same("INSERT INTO notes (customer, text) VALUES (1, 'x'), (6, 'y'), (77, 'z')")
    pair.same("INSERT INTO oslo VALUES (2, 'by view')")
    pair.same("SELECT * FROM seen")
    pair.same_error("DELETE FROM notes WHERE customer = 2")
    pair.same("DELETE FROM notes WHERE customer = 1")
    pair.same("SELECT * FROM notes")


def test_checks_and_keys_of_local_tables_beside_attached_ones(pair):
    pair.same("PRAGMA foreign_keys = ON")
    pair.same("CREATE TABLE child (n INTEGER REFERENCES notes (id) ON DELETE CASCADE, c INTEGER CHECK (c > 0))")
    pair.same("INSERT INTO child SELECT 1, id FROM customers WHERE id < 4")
    pair.same_error("INSERT INTO child SELECT 99, id FROM customers")
    pair.same_error("INSERT INTO child SELECT 1, -id FROM customers")
    pair.same("DELETE FROM notes WHERE id IN (SELECT id FROM customers WHERE id = 1)")
    pair.same("SELECT count(*) FROM child")


# ---------------------------------------------------------------- transactions and schemas

def test_savepoints_around_reads(pair):
    for sql in ["BEGIN", "SELECT count(*) FROM orders", "SAVEPOINT a",
                "INSERT INTO notes (customer) SELECT id FROM customers", "SELECT count(*) FROM notes",
                "SAVEPOINT b", "DELETE FROM notes", "SELECT name FROM customers WHERE id = 2",
                "ROLLBACK TO b", "SELECT count(*) FROM notes", "RELEASE b", "ROLLBACK TO a",
                "SELECT count(*) FROM notes", "SELECT max(id) FROM orders", "RELEASE a", "COMMIT",
                "SELECT count(*) FROM notes"]:
        pair.same(sql)


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "SAVEPOINT s"])
def test_transactions(pair, begin, end):
    end = end if begin != "SAVEPOINT s" else {"COMMIT": "RELEASE s", "ROLLBACK": "ROLLBACK TO s"}[end]
    for sql in [begin, "INSERT INTO notes (customer) SELECT max(id) FROM customers",
                "SELECT name FROM customers WHERE city = 'Oslo' ORDER BY id", end,
                "SELECT count(*) FROM notes", "SELECT count(*) FROM customers"]:
        pair.same(sql)


def test_attached_databases(pair, tmp_path):
    for connection, name in ((pair.attached, "a.db"), (pair.local, "b.db")):
        rows(connection, "ATTACH ? AS side", (str(tmp_path / name),))
    for sql in ["CREATE TABLE side.kept AS SELECT id, name FROM customers WHERE id > 5",
                "SELECT k.name FROM side.kept k JOIN orders o ON o.customer_id = k.id ORDER BY o.id",
                "INSERT INTO side.kept SELECT id, title FROM products",
                "SELECT count(*) FROM side.kept", "SELECT count(*) FROM main.customers",
                "DETACH side"]:
        pair.same(sql)


def test_local_schema_changes_between_reads(pair):
    for sql in ["CREATE INDEX by_customer ON notes (customer)",
                "SELECT n.text, c.name FROM notes n JOIN customers c ON c.id = n.customer ORDER BY n.id",
                "ALTER TABLE notes ADD COLUMN more", "SELECT count(*) FROM customers",
                "ALTER TABLE notes RENAME TO remarks",
                "SELECT n.text, c.name FROM remarks n JOIN customers c ON c.id = n.customer ORDER BY n.id",
                "DROP TABLE remarks", "SELECT name FROM customers WHERE id = 5"]:
        pair.same(sql)


def test_upkeep_leaves_attached_tables_alone(pair):
    for sql in ["ANALYZE", "VACUUM", "REINDEX", "PRAGMA optimize", "PRAGMA integrity_check",
                "PRAGMA quick_check", "PRAGMA foreign_key_check", "SELECT count(*) FROM customers",
                "SELECT name FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.id = 3"]:
        pair.same(sql)


@pytest.mark.parametrize("pragma", ["table_info", "table_xinfo"])
@pytest.mark.parametrize("table", ["customers", "order_items", "words", "odd", "spent"])
def test_pragmas_show_the_columns(reading, pragma, table):
    reading.same(f"PRAGMA {pragma}({table})")


@pytest.mark.parametrize("pragma", ["index_list", "foreign_key_list"])
def test_pragmas_that_a_virtual_table_cannot_answer(reading, pragma):
    assert rows(reading.attached, f"PRAGMA {pragma}(order_items)") == []


def test_table_list(reading):
    kinds = dict(rows(reading.attached, "SELECT name, type FROM pragma_table_list WHERE schema = 'main'"))
    assert {kinds[name] for name in ("customers", "words", "spent")} == {"virtual"}
    assert kinds["notes"] == "table"


def test_integrity_check_of_one_table(reading):
    assert rows(reading.attached, "PRAGMA integrity_check(customers)") == [("ok",)]


def test_explain(reading):
    for text in ("SELECT name FROM customers WHERE id = 1 OR city = 'Oslo'", "SELECT * FROM pairs p JOIN odd o"):
        assert len(rows(reading.attached, "EXPLAIN " + text)) > 5
        assert all("VIRTUAL TABLE INDEX 0:columns" in row[3]
                   for row in rows(reading.attached, "EXPLAIN QUERY PLAN " + text) if "customers" in row[3])


# ---------------------------------------------------------------- names and ends of attached tables

def test_rename_keeps_reading(pair):
    pair.same("ALTER TABLE customers RENAME TO people")
    pair.same("SELECT name FROM people WHERE city = 'Oslo' ORDER BY id")
    pair.same("SELECT p.name, o.id FROM people p JOIN orders o ON o.customer_id = p.id ORDER BY o.id")
    pair.same_error("SELECT * FROM customers")
    pair.same("DROP TABLE people")
    pair.same_error("SELECT * FROM people")


def test_rename_in_a_transaction_that_is_rolled_back(pair):
    for sql in ["BEGIN", "ALTER TABLE customers RENAME TO people", "SELECT count(*) FROM people", "ROLLBACK",
                "SELECT count(*) FROM customers"]:
        pair.same(sql)
    pair.same_error("SELECT count(*) FROM people")


def test_drop_leaves_the_remote_alone(pair, url, host):
    rows(pair.attached, "DROP TABLE customers")
    assert "no such table" in answer(pair.attached, "SELECT * FROM customers")
    other = HOSTS[host]()
    rows(other, "SELECT bridge_attach(?)", (url,))
    assert rows(other, "SELECT count(*) FROM customers") == [(10,)]
    assert rows(
        pair.attached, "SELECT bridge_attach(?, 'latency_ms=1', 'name=remote', 'tables=customers')", (url,))
    pair.same("SELECT * FROM customers")


# ---------------------------------------------------------------- what is refused

WRITES = [
    "INSERT INTO customers VALUES (11, 'Kim', NULL, '2024-01-01')",
    "INSERT INTO customers (id, name) SELECT id + 100, title FROM products",
    "INSERT INTO customers SELECT * FROM customers WHERE 0",
    "INSERT INTO customers DEFAULT VALUES",
    "INSERT OR IGNORE INTO customers (id) VALUES (1)",
    "REPLACE INTO customers (id, name) VALUES (1, 'x')",
    "INSERT INTO customers (id, name) VALUES (12, 'x') RETURNING id",
    "UPDATE customers SET name = 'x' WHERE id = 1",
    "UPDATE customers SET name = 'x' WHERE id = 99",
    "UPDATE customers SET name = 'x' WHERE 0",
    "UPDATE customers SET id = id + 1",
    "UPDATE customers SET name = n.text FROM notes n WHERE n.customer = customers.id",
    "UPDATE OR REPLACE customers SET id = 1",
    "DELETE FROM customers WHERE id = 1",
    "DELETE FROM customers WHERE id = 99",
    "DELETE FROM customers",
    "DELETE FROM pairs WHERE a = 1",
    "DELETE FROM words WHERE w = 'one'",
    "UPDATE words SET n = 1 WHERE w = 'none'",
    "UPDATE spent SET orders = 0",
    "WITH x AS (SELECT 1) DELETE FROM orders WHERE id IN x",
]


READONLY = pytest.mark.parametrize("pair", [["readonly=1"]], indirect=True, ids=["readonly"])


@READONLY
@pytest.mark.parametrize("sql", WRITES)
def test_writes_are_refused(pair, sql):
    code, message = sqlite.error(pair.attached, sql)
    assert code in (sqlite3.SQLITE_READONLY, None)
    assert "is read-only" in message
    pair.same("SELECT * FROM customers")
    pair.same("SELECT * FROM words")
    assert not in_transaction(pair.attached)


@READONLY
def test_writes_are_refused_within_a_transaction_and_leave_it_open(pair):
    rows(pair.attached, "BEGIN")
    rows(pair.attached, "INSERT INTO notes (text) VALUES ('kept')")
    for sql in WRITES:
        assert "is read-only" in sqlite.error(pair.attached, sql)[1]
        assert in_transaction(pair.attached)
    rows(pair.attached, "COMMIT")
    assert rows(pair.attached, "SELECT count(*) FROM notes WHERE text = 'kept'") == [(1,)]


@pytest.mark.parametrize("sql, words", [
    ("INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT (id) DO NOTHING", "UPSERT"),
    ("INSERT INTO customers (id, name) VALUES (1, 'x') ON CONFLICT DO UPDATE SET name = 'y'", "UPSERT"),
    ("CREATE INDEX i ON customers (name)", "virtual tables may not be indexed"),
    ("CREATE TRIGGER t AFTER INSERT ON customers BEGIN SELECT 1; END", "cannot create triggers on virtual tables"),
    ("ALTER TABLE customers ADD COLUMN x", "virtual tables may not be altered"),
    ("ALTER TABLE customers DROP COLUMN name", "cannot drop column from virtual table"),
    ("ALTER TABLE customers RENAME COLUMN name TO x", "cannot rename columns of virtual table"),
    ("CREATE TABLE customers (x)", "already exists"),
])
def test_what_sqlite_itself_refuses(pair, sql, words):
    assert words in sqlite.error(pair.attached, sql)[1]
    pair.same("SELECT * FROM customers")


@READONLY
def test_a_trigger_that_writes_to_an_attached_table_is_refused(pair):
    rows(pair.attached, "CREATE TRIGGER t AFTER INSERT ON notes BEGIN DELETE FROM customers WHERE id = new.customer; END")
    assert "is read-only" in sqlite.error(pair.attached, "INSERT INTO notes (customer) VALUES (1)")[1]
    pair.same("SELECT * FROM customers")
    pair.same("SELECT * FROM notes")


def in_transaction(connection):
    return getattr(connection, "in_transaction")


def test_errors_of_a_row_end_the_statement_alone(pair):
    pair.same_error("SELECT abs(i) FROM odd ORDER BY id")  # of the smallest integer
    pair.same_error("SELECT json_extract(t, '$') FROM odd WHERE id = 5")
    pair.same("SELECT count(*) FROM odd")
