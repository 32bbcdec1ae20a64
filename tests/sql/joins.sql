-- Joins: the inner table is asked by key where that is the cheaper way, else scanned once.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop');
CREATE TEMP TABLE notes (customer INTEGER, text TEXT);
INSERT INTO notes VALUES (2, 'call'), (11, 'nobody'), (NULL, 'none'), (2, 'write');
SELECT n.text, c.name FROM notes n JOIN customers c ON c.id = n.customer ORDER BY 1;
SELECT n.text, c.name FROM notes n LEFT JOIN customers c ON c.id = n.customer ORDER BY 1;
SELECT c.name, n.text FROM customers c LEFT JOIN notes n ON n.customer = c.id WHERE c.id < 4 ORDER BY 1, 2;
SELECT n.text, c.name FROM customers c RIGHT JOIN notes n ON n.customer = c.id ORDER BY 1;
SELECT n.text, c.name FROM customers c FULL JOIN notes n ON n.customer = c.id ORDER BY 1, 2 LIMIT 6;
SELECT c.name, p.title, i.quantity FROM order_items i JOIN products p ON p.id = i.product_id JOIN orders o ON o.id = i.order_id JOIN customers c ON c.id = o.customer_id WHERE o.id = 1 ORDER BY p.id;
SELECT a.name, b.name FROM customers a JOIN customers b ON a.city = b.city AND a.id < b.id ORDER BY 1, 2;
SELECT count(*) FROM customers, products;
SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND NOT o.paid) ORDER BY name;
SELECT name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id) ORDER BY name;
SELECT name, (SELECT max(placed) FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE id IN (1, 2) ORDER BY id;
SELECT count(*) FROM order_items NATURAL JOIN (SELECT 1 AS order_id);
SELECT count(*) FROM orders JOIN order_items ON order_id = id WHERE product_id = 6;

-- two servers, two drivers, one statement
SELECT bridge_attach('env:FILE_URL', 'as=file', 'tables=customers,orders');
SELECT a.name, b.city FROM customers a JOIN file.customers b USING (id) WHERE a.city = 'Oslo' ORDER BY a.id;
SELECT count(*) FROM (SELECT id, name FROM customers EXCEPT SELECT id, name FROM file.customers);
