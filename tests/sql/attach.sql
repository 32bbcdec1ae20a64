-- The rules of bridge_attach: again is a refresh, nothing local is hidden or replaced unasked, all or
-- nothing.
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO customers VALUES (1, 'local');
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop');
SELECT name FROM bridge_servers;
.tables
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop', 'conflict=skip');
.tables
SELECT name FROM customers;
SELECT bridge_detach('shop');
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop', 'conflict=overlay');
SELECT count(*) FROM customers;
SELECT count(*) FROM main.customers;
SELECT bridge_detach('shop');
SELECT count(*) FROM customers;
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'as=shop', 'tables=c*,orders', 'except=*z');
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'as=shop', 'tables=c*,orders', 'except=*z');
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=2', 'as=shop');
SELECT count(*) FROM shop.customers;
SELECT bridge_refresh('shop'), bridge_refresh();
BEGIN;
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=two', 'prefix=two_');
SELECT count(*) FROM two_customers;
ROLLBACK;
SELECT count(*) FROM two_customers;
SELECT name, tables FROM bridge_servers ORDER BY name;
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=three', 'schema=public,shapes', 'prefix=x_', 'tables=customers,int_key');
SELECT name, remote_schema, attached FROM bridge_tables WHERE server = 'three' AND attached;
SELECT bridge_attach('env:DATABASE_URL', 'tabels=x');
SELECT bridge_attach('env:DATABASE_URL', 'conflict=perhaps');
SELECT bridge_attach('env:NO_SUCH_VARIABLE');
SELECT bridge_attach();
SELECT bridge_attach(NULL);
SELECT bridge_attach('env:DATABASE_URL', 'schema=nowhere', 'name=four');
SELECT bridge_detach('nobody');
SELECT bridge_lock();
SELECT bridge_attach('env:FILE_URL');
SELECT bridge_server('s', 'env:FILE_URL');
CREATE VIRTUAL TABLE t USING sqlite(url='sqlite::memory:', table=t);
SELECT * FROM bridge_query('shop', 'SELECT 1');
SELECT count(*) FROM shop.orders;
