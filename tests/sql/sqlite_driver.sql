-- The embedded driver: another SQLite database behind the same face, values in every storage class.
SELECT bridge_attach('env:FILE_URL', 'latency_ms=1', 'name=file');
.tables
.mode list
.nullvalue NULL
SELECT * FROM loose;
SELECT rowid FROM loose WHERE a = 1;
SELECT rowid FROM loose WHERE b = '7' ORDER BY rowid;
SELECT rowid FROM loose WHERE b > 2 ORDER BY b;
SELECT rowid FROM loose WHERE c = 7;
SELECT rowid FROM loose WHERE c = '7';
SELECT rowid FROM loose WHERE d IS NULL;
SELECT rowid FROM loose WHERE e = x'00';
SELECT rowid FROM loose WHERE f IN (1, '7', NULL, x'00') ORDER BY rowid;
SELECT typeof(a), typeof(b), typeof(c), typeof(d), typeof(e), typeof(f) FROM loose;
SELECT v FROM text_key WHERE k = 7 ORDER BY v;
SELECT v FROM text_key WHERE k = CAST('7' AS INTEGER) ORDER BY v;
SELECT v FROM text_key WHERE k = 'x' OR v = 'a' ORDER BY v;
SELECT v FROM two_keys WHERE a = 1 AND b = 2;
SELECT k FROM folded WHERE k = 'A' ORDER BY rowid;
SELECT k, v FROM folded WHERE v = 'x' ORDER BY k, rowid;
SELECT k FROM folded WHERE k = 'A' COLLATE BINARY;
SELECT * FROM made WHERE c > 3;
SELECT name FROM oslo ORDER BY id LIMIT 2;
.mode quote
SELECT hex(t), length(t), typeof(t) FROM inner_nul;
SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE id < 4) ORDER BY name;
SELECT name FROM customers WHERE name LIKE 'a%' OR name GLOB 'B*';
.mode list
SELECT title, price FROM products ORDER BY price DESC LIMIT 2;
.mode quote
PRAGMA table_info(made);
PRAGMA table_xinfo(two_keys);
SELECT name, kind, writable FROM bridge_tables;
SELECT table_name, kind, columns, ref_table FROM bridge_keys;
SELECT row FROM bridge_query('file', 'SELECT max(price) AS m FROM products');
SELECT * FROM bridge_query('file', 'DELETE FROM products');
CREATE VIRTUAL TABLE q USING sqlite(server=file, query='SELECT city, count(*) AS n FROM customers GROUP BY 1');
SELECT * FROM q WHERE n > 1;
SELECT bridge_attach('sqlite::memory:', 'name=empty');
SELECT bridge_attach('sqlite:/no/such/file.db', 'name=missing');
BEGIN;
DELETE FROM order_items WHERE order_id = 1;
UPDATE products SET price = '7.50' WHERE price > 50;
INSERT INTO products(title, price) VALUES ('Lamp', '19.50');
SELECT title, price FROM products;
ROLLBACK;
SELECT count(*) FROM products;
SELECT bridge_detach('file');
.tables
