-- load: no
-- file: CREATE TABLE notes (x); INSERT INTO notes VALUES ('mine'); PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES ('table', 'customers', 'customers', 0, 'CREATE VIRTUAL TABLE "customers" USING postgres(server="shop", schema="public", table="customers")'), ('table', 'evil', 'evil', 0, 'CREATE VIRTUAL TABLE evil USING sqlite(url=''sqlite:/etc/passwd'', table=x)'), ('view', 'oslo', 'oslo', 0, 'CREATE VIEW oslo AS SELECT name FROM customers'); PRAGMA writable_schema = 0
-- A file that holds attached tables is opened without the extension: its own tables work, the remote
-- ones say what is missing.
.tables
SELECT * FROM notes;
SELECT * FROM customers;
SELECT * FROM oslo;
SELECT name, sql FROM sqlite_schema WHERE name = 'customers';
INSERT INTO notes VALUES ('more');
SELECT count(*) FROM notes;
PRAGMA integrity_check;
DROP TABLE customers;
