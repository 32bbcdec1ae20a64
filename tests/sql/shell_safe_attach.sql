-- arguments: -cmd LOAD -safe
-- Attached tables are read under safe mode: defensive, and nothing outside of the database by the
-- shell's own commands.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'tables=customers,orders');
SELECT c.name, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY n DESC, c.name LIMIT 3;
CREATE VIEW v AS SELECT name FROM customers WHERE id = 1;
SELECT * FROM v;
CREATE VIRTUAL TABLE far USING postgres(server=golden, schema=relations, table=by_city);
SELECT * FROM far WHERE n > 1;
DROP TABLE far;
SELECT bridge_detach('golden');
