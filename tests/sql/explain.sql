-- EXPLAIN QUERY PLAN shows what may be sent; bridge_plan and bridge_explain what is, and why not more.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1');
EXPLAIN QUERY PLAN SELECT name FROM customers WHERE city = 'Oslo' ORDER BY id LIMIT 10;
EXPLAIN QUERY PLAN SELECT count(*) FROM customers;
EXPLAIN QUERY PLAN SELECT * FROM customers WHERE id = 1;
EXPLAIN QUERY PLAN SELECT * FROM customers WHERE id IN (1, 2) AND name LIKE 'A%' AND city IS NOT NULL;
EXPLAIN QUERY PLAN SELECT * FROM customers WHERE name REGEXP 'x';
EXPLAIN QUERY PLAN SELECT * FROM customers WHERE id = 1 OR city = 'Oslo';
EXPLAIN QUERY PLAN SELECT * FROM customers c JOIN orders o ON o.customer_id = c.id;
.mode list
SELECT scan, server, name, item, text, verdict, why, fetched, round_trips FROM bridge_explain('SELECT name FROM customers WHERE city = ? AND name > ''A'' ORDER BY name LIMIT 2', 'Oslo');
SELECT scan, name, item, text, verdict, why, fetched FROM bridge_explain('SELECT * FROM products WHERE title = 7 OR price > 400');
SELECT scan, name, item, text, verdict, why FROM bridge_explain('SELECT * FROM products WHERE id = ''x''');
SELECT scan, name, item, text, verdict, why FROM bridge_explain('SELECT count(*) FROM orders WHERE length(placed) = 26');
SELECT scan, name, item, text, verdict, why, fetched FROM bridge_plan('SELECT * FROM orders WHERE paid ORDER BY placed');
SELECT scan, name, item, text, verdict, why, fetched FROM bridge_plan('SELECT name FROM customers WHERE id = 3');
SELECT * FROM bridge_explain('DELETE FROM customers');
SELECT * FROM bridge_explain('SELECT nope');
SELECT * FROM bridge_explain('SELECT 1; SELECT 2');
SELECT count(*) FROM bridge_explain('SELECT 1');
