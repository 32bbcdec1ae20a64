-- arguments: -readonly
-- file: CREATE TABLE notes (customer INTEGER, text); INSERT INTO notes VALUES (2, 'call'), (11, 'who');
-- A database that is opened read-only takes attached tables in temp; the file stays as it is.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'tables=customers', 'readonly=1');
SELECT place, tables FROM bridge_servers;
SELECT c.name, n.text FROM notes n LEFT JOIN customers c ON c.id = n.customer ORDER BY n.rowid;
INSERT INTO notes VALUES (1, 'x');
UPDATE customers SET city = 'Bergen';
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=again', 'as=main', 'readonly=1');
SELECT name FROM sqlite_schema;
SELECT bridge_detach('golden');
