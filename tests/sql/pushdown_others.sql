-- Arrays, composites, ranges and the rest: JSON or the server's own text.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'schema=kinds', 'tables=others');
.mode quote
SELECT * FROM others ORDER BY id;

SELECT id FROM others WHERE a = '[1,2]';
SELECT o.id, e.value FROM others o, json_each(o.a) e ORDER BY 1, 2;
SELECT id, p ->> 'b' FROM others WHERE p IS NOT NULL;
SELECT id FROM others WHERE p IS NULL;
SELECT id FROM others WHERE h = '{"k": "v"}';
SELECT id FROM others WHERE r = '[1,5)';
SELECT id FROM others WHERE bits = '0101';
SELECT id FROM others WHERE bits = 101;
SELECT id FROM others WHERE net > '1' ORDER BY net;
SELECT id FROM others WHERE mac = '08:00:2b:01:02:03';
CREATE VIRTUAL TABLE literal USING postgres(server=golden, schema=kinds, table=others, array=literal, composite=literal);
SELECT id, a, at, p, h FROM literal ORDER BY id;
SELECT id FROM literal WHERE a = '{1,2}';

-- values under other options
CREATE VIRTUAL TABLE opted USING postgres(server=golden, schema=kinds, table=numbers, numeric.n=text, nan=null, bool=tf);
SELECT id, n, typeof(n), quote(b) FROM opted ORDER BY id;
SELECT id FROM opted WHERE n = '0.1';
SELECT id FROM opted WHERE f8 IS NULL;
SELECT id FROM opted WHERE b = 'T';
CREATE VIRTUAL TABLE hexed USING postgres(server=golden, schema=kinds, table=texts, uuid=hex, bpchar=padded, citext=nocase);
SELECT id, u, c FROM hexed WHERE u = '0a1b2c3d000040008000000000000001';
SELECT id FROM hexed WHERE ci = 'ABC' ORDER BY ci;
