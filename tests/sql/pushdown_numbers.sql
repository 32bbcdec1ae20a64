-- What becomes of conditions on numbers: exact, widened or kept local, judged per value.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'schema=kinds', 'tables=numbers');
.mode list
.nullvalue NULL
SELECT * FROM numbers ORDER BY id;
SELECT typeof(f4), typeof(f8), typeof(n), typeof(n92), typeof(n18), typeof(m), typeof(b) FROM numbers ORDER BY id;

-- integers: values out of the type's range, fractions and text that is a number or is not
SELECT id FROM numbers WHERE i2 = 7;
SELECT id FROM numbers WHERE i2 > 100000;
SELECT id FROM numbers WHERE i2 < 100000;
SELECT id FROM numbers WHERE i2 = 7.0;
SELECT id FROM numbers WHERE i2 > 6.5;
SELECT id FROM numbers WHERE i2 = 6.5;
SELECT id FROM numbers WHERE i2 = '7';
SELECT id FROM numbers WHERE i2 = ' 7 ';
SELECT id FROM numbers WHERE i2 = 'seven';
SELECT id FROM numbers WHERE i2 < 'seven';
SELECT id FROM numbers WHERE i2 = x'07';
SELECT id FROM numbers WHERE i2 < x'07';
SELECT id FROM numbers WHERE i2 <> 7;
SELECT id FROM numbers WHERE i2 IS NOT 7;
SELECT id FROM numbers WHERE i2 IS NULL;
SELECT id FROM numbers WHERE i2 = NULL;
SELECT id FROM numbers WHERE i8 = 9223372036854775807;
SELECT id FROM numbers WHERE i8 > 9.3e18;
SELECT id FROM numbers WHERE i8 >= 9007199254740993;
SELECT id FROM numbers WHERE i8 = 9007199254740993.0;
SELECT id FROM numbers WHERE i8 BETWEEN -1 AND 10;
SELECT id FROM numbers WHERE o > 7;

-- floats: shortest text of float4, NaN as text, infinities
SELECT id FROM numbers WHERE f4 = 0.1;
SELECT id FROM numbers WHERE f4 > 0.1 AND f4 < 8;
SELECT id FROM numbers WHERE f8 = 0.1;
SELECT id FROM numbers WHERE f8 = 0;
SELECT id FROM numbers WHERE f8 > 1e308;
SELECT id FROM numbers WHERE f8 = 'NaN';
SELECT id FROM numbers WHERE f8 > 'A';
SELECT id FROM numbers WHERE f8 < 'A';

-- numeric: exact within 15 digits, widened beyond
SELECT id FROM numbers WHERE n92 = 0.1;
SELECT id FROM numbers WHERE n92 >= 2 ORDER BY n92, id;
SELECT id FROM numbers WHERE n = 0.1;
SELECT id FROM numbers WHERE n = 9007199254740992;
SELECT id FROM numbers WHERE n > 1e300;
SELECT id FROM numbers WHERE n = 'NaN';
SELECT id FROM numbers WHERE n18 = 99;
SELECT id FROM numbers WHERE m = 0.1;
SELECT id FROM numbers WHERE m > 5 ORDER BY m DESC;

-- booleans
SELECT id FROM numbers WHERE b;
SELECT id FROM numbers WHERE b = 1;
SELECT id FROM numbers WHERE b = 0 ORDER BY b;
SELECT id FROM numbers WHERE b = 2;
SELECT id FROM numbers WHERE b > 0.5;
SELECT id FROM numbers WHERE b IS TRUE;
SELECT id FROM numbers WHERE NOT b;
