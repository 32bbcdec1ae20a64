-- IN travels as one request; the branches of an OR are merged by rowid.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1');
SELECT name FROM customers WHERE id IN (1, 3, 99) ORDER BY id;
SELECT name FROM customers WHERE id IN (1, 2.0, '3', 4.5, 'x', NULL) ORDER BY id;
SELECT name FROM customers WHERE id IN (NULL);
SELECT name FROM customers WHERE id IN ();
SELECT name FROM customers WHERE id NOT IN (1, 2, 3, 4, 5, 6, 7, 8);
SELECT name FROM customers WHERE city IN ('Oslo', 'Lyon') ORDER BY name;
SELECT name FROM customers WHERE city IN ('Oslo', 7) ORDER BY name;
SELECT name FROM customers WHERE city IN ('oslo') COLLATE NOCASE;
SELECT name FROM customers WHERE city COLLATE NOCASE IN ('oslo', 'LYON') ORDER BY id;
SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE paid = 0) ORDER BY id;
WITH ids(i) AS (VALUES (2), (4), (NULL)) SELECT name FROM customers WHERE id IN (SELECT i FROM ids);
SELECT name FROM customers WHERE id = 1 OR id = 3 ORDER BY id;
SELECT name FROM customers WHERE id = 1 OR name = 'Ada' OR city = 'London';
SELECT name FROM customers WHERE id = 2 OR city = 'Oslo' ORDER BY id;
SELECT order_id, product_id FROM order_items WHERE order_id = 1 OR product_id = 6 ORDER BY 1, 2;
SELECT name FROM customers WHERE (id = 1 AND city = 'London') OR (id = 3 AND name LIKE 'C%');
SELECT order_id FROM order_items WHERE (order_id, product_id) IN (VALUES (1, 1), (2, 5), (2, 9));
SELECT order_id FROM order_items WHERE (order_id, product_id) = (1, 6);
SELECT title FROM products WHERE price IN (12.5, 34, '450');
SELECT id FROM orders WHERE placed IN ('2024-03-13 18:00:00.000000', '2024-03-13 18:00:00');
SELECT id FROM orders WHERE paid IN (0, 1) AND customer_id IN (1, 2) ORDER BY id;
.parameter init
.parameter set @a 2
.parameter set @b "'Oslo'"
SELECT name FROM customers WHERE id IN (@a, 5) AND city = @b;
