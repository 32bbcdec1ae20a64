-- Failures say what failed and why, and leave everything usable.
SELECT bridge_attach('env:NOBODY_URL', 'name=a');
SELECT bridge_attach('env:NOWHERE_URL', 'name=b');
SELECT bridge_attach('postgresql://127.0.0.1:1/x?connect_timeout_ms=2000', 'name=c');
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop', 'readonly=1');
CREATE VIRTUAL TABLE t USING postgres(server=shop, table=nothing);
CREATE VIRTUAL TABLE t USING postgres(server=shop);
CREATE VIRTUAL TABLE t USING postgres(server=shop, table=customers, nan=maybe);
CREATE VIRTUAL TABLE t USING postgres(server=nobody, table=customers);
CREATE VIRTUAL TABLE t USING postgres(table=customers);
CREATE VIRTUAL TABLE t USING postgres(server=shop, table=customers, tabel=x);
CREATE VIRTUAL TABLE t USING sqlite(server=shop, table=customers);
CREATE VIRTUAL TABLE kinds USING postgres(server=shop, schema=kinds, table=numbers);
SELECT nope FROM customers;
INSERT INTO customers VALUES (11, 'Kim', NULL, '2024-01-01');
UPDATE customers SET name = 'x' WHERE id = 0;
DELETE FROM orders WHERE id = 0;
CREATE INDEX i ON customers (name);
ALTER TABLE customers ADD COLUMN x;
DROP TABLE products;
SELECT count(*) FROM orders;

-- the reader's role sees two of the tables
SELECT bridge_attach('env:READER_URL', 'latency_ms=1', 'as=reader');
SELECT name, attached FROM bridge_tables WHERE server = 'reader';
SELECT count(*) FROM reader.customers;
SELECT count(*) FROM reader.orders;
CREATE VIRTUAL TABLE q USING postgres(server=reader, query='SELECT * FROM customers');
SELECT count(*) FROM q;

-- an error within a transaction leaves local work alone
BEGIN;
CREATE TABLE kept (x);
INSERT INTO kept VALUES (1);
SELECT * FROM bridge_query('shop', 'SELECT 1/0');
SELECT count(*) FROM customers;
COMMIT;
SELECT * FROM kept;
