-- .mode box and its kin lay rows out; types are as the modes see them.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1');
.mode box
SELECT id, name, city, since FROM customers WHERE id > 7 ORDER BY id;
SELECT title, price FROM products ORDER BY price DESC LIMIT 2;
SELECT * FROM orders WHERE id = 0;
.nullvalue NULL
.mode column
SELECT city, count(*) AS n FROM customers GROUP BY city ORDER BY n DESC, city LIMIT 3;
SELECT name, city FROM customers WHERE city IS NULL;
.mode json
SELECT * FROM orders ORDER BY id LIMIT 2;
.mode csv
.headers on
SELECT * FROM products WHERE title LIKE 'rope%';
.mode quote
SELECT id, placed, paid FROM orders WHERE id = 8;
.mode markdown
SELECT name, since FROM customers WHERE since < '2021-06-01' ORDER BY since;
.mode line
SELECT * FROM products WHERE id = 6;
