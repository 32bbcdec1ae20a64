-- file: CREATE TABLE notes (x); INSERT INTO notes VALUES ('mine'); PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES ('table', 'customers', 'customers', 0, 'CREATE VIRTUAL TABLE "customers" USING postgres(server="shop", schema="public", table="customers")'), ('table', 'evil', 'evil', 0, 'CREATE VIRTUAL TABLE evil USING sqlite(url=''sqlite:/etc/passwd'', table=x)'), ('view', 'oslo', 'oslo', 0, 'CREATE VIEW oslo AS SELECT name FROM customers'); PRAGMA writable_schema = 0
-- Definitions that were found in a file connect nowhere until this session names their server; a URL of
-- their own is never followed, and no view of the file reaches a server through them.
.tables
SELECT * FROM notes;
SELECT * FROM customers;
SELECT * FROM evil;
SELECT count(*) FROM bridge_servers;
SELECT bridge_server('shop', 'env:DATABASE_URL', 'latency_ms=1');
SELECT name FROM customers WHERE id = 1;
SELECT name FROM oslo;
SELECT n.x, c.name FROM notes n JOIN customers c ON c.id = n.rowid;
CREATE TEMP VIEW mine AS SELECT name FROM customers WHERE id < 3;
SELECT * FROM mine;
SELECT * FROM evil;
PRAGMA integrity_check;
SELECT bridge_detach('shop');
SELECT * FROM customers;
DROP TABLE evil;
DROP VIEW oslo;
DROP TABLE customers;
.tables
