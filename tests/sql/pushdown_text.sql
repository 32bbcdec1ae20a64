-- What becomes of conditions on text: byte order, collations, numbers that look like text, LIKE, GLOB.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'schema=kinds', 'tables=texts');
.mode quote
SELECT * FROM texts ORDER BY id;

SELECT id FROM texts WHERE t = 'abc';
SELECT id FROM texts WHERE t <> 'abc';
SELECT id FROM texts WHERE t IS NOT 'abc';
SELECT id FROM texts WHERE t >= 'a' ORDER BY t;
SELECT id FROM texts WHERE t < 'a';
SELECT id FROM texts WHERE t = 7;
SELECT id FROM texts WHERE t = '7';
SELECT id FROM texts WHERE t = CAST('7' AS INTEGER);
SELECT id FROM texts WHERE t = x'616263';
SELECT id FROM texts WHERE t < x'00';
SELECT id FROM texts WHERE t = 'ABC' COLLATE NOCASE;
SELECT id FROM texts WHERE t COLLATE RTRIM = 'abc  ';
SELECT id FROM texts WHERE t > 'ab' COLLATE NOCASE;
SELECT id FROM texts WHERE t LIKE 'a%';
SELECT id FROM texts WHERE t LIKE '%B%';
SELECT id FROM texts WHERE t LIKE 'a\_c' ESCAPE '\';
SELECT id FROM texts WHERE v LIKE 'a%c';
SELECT id FROM texts WHERE t LIKE 'ün%';
SELECT id FROM texts WHERE t GLOB 'a*';
SELECT id FROM texts WHERE t GLOB '[aA]?[cC]';
SELECT id FROM texts WHERE t NOT LIKE 'a%';
SELECT id FROM texts WHERE length(t) = 1;
SELECT id FROM texts WHERE c = 'a';
SELECT id FROM texts WHERE c = 'a  ';
SELECT id FROM texts WHERE tc > 'A' ORDER BY tc LIMIT 2;
SELECT id FROM texts WHERE n = 'abc';
SELECT id FROM texts WHERE e = 'ok';
SELECT id FROM texts WHERE e = 'none';
SELECT id FROM texts WHERE e > 'ok';
SELECT e FROM texts WHERE e IS NOT NULL ORDER BY e;
SELECT id FROM texts WHERE ci = 'abc';
SELECT id FROM texts WHERE ci = 'Abc';
SELECT id FROM texts WHERE ci = 'abc' COLLATE NOCASE;
SELECT id FROM texts WHERE u = '0a1b2c3d-0000-4000-8000-000000000001';
SELECT id FROM texts WHERE u = '0A1B2C3D-0000-4000-8000-000000000001';
SELECT id FROM texts WHERE u > '1' ORDER BY u;
SELECT id FROM texts WHERE j = '{"a": 1}';
SELECT id FROM texts WHERE jb ->> '$.a' = 1;
SELECT id FROM texts WHERE ip = '10.0.0.1';
SELECT id FROM texts WHERE by = x'616263';
SELECT id FROM texts WHERE by = 'abc';
SELECT id FROM texts WHERE by > x'07';
SELECT id FROM texts WHERE dom LIKE '%@%';
SELECT id, typeof(by), length(by), hex(by) FROM texts WHERE by IS NOT NULL ORDER BY by;

-- a user's own like() has the last word
PRAGMA case_sensitive_like = 1;
SELECT id FROM texts WHERE t LIKE 'a%';
