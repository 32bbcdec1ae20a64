-- .dump writes definitions, never remote rows, and no URL. What it writes can be read back.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop', 'tables=customers,order_items');
CREATE TABLE notes (id INTEGER PRIMARY KEY, text);
INSERT INTO notes VALUES (1, 'one');
CREATE VIEW oslo AS SELECT name FROM customers WHERE city = 'Oslo';
.dump
.dump notes
.mode insert copy
SELECT * FROM customers WHERE id < 3;
