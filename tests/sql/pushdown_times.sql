-- What becomes of conditions on dates and times, whose text is what SQLite's functions and Python read.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'schema=kinds', 'tables=times');
.mode quote
SELECT * FROM times ORDER BY id;

SELECT id FROM times WHERE d = '2024-02-29';
SELECT id FROM times WHERE d >= '2024-02-29';
SELECT id FROM times WHERE d < '2024-03' ORDER BY id;
SELECT id FROM times WHERE d = '2024-02-30';
SELECT id FROM times WHERE d > '2024-02-30';
SELECT id FROM times WHERE d BETWEEN '2024' AND '2025' ORDER BY d;
SELECT id FROM times WHERE d > 2024;
SELECT id FROM times WHERE strftime('%Y', d) = '2024';
SELECT id FROM times WHERE date(d) IS NULL;
SELECT id FROM times WHERE ts = '2024-02-29 12:34:56.500000';
SELECT id FROM times WHERE ts = '2024-02-29 12:34:56.5';
SELECT id FROM times WHERE ts >= '2024-02-29 12:34' AND ts < '2024-03-01';
SELECT id FROM times WHERE ts LIKE '2024-%';
SELECT id FROM times WHERE tz = '2024-02-29 10:34:56.500000';
SELECT id FROM times WHERE tz > '2024' ORDER BY tz;
SELECT id FROM times WHERE t = '12:34:56.500000';
SELECT id FROM times WHERE t > '12' ORDER BY t;
SELECT id FROM times WHERE ttz = '12:34:56+02';
SELECT id FROM times WHERE i = '1 day';
SELECT id FROM times WHERE i = '24:00:00';
SELECT id FROM times ORDER BY d;
SELECT id FROM times ORDER BY ts DESC;

-- other presentations
CREATE VIRTUAL TABLE iso USING postgres(server=golden, schema=kinds, table=times, timestamp=isoformat, timestamptz='+00:00', interval=seconds);
.mode list
.nullvalue NULL
SELECT id, ts, tz, i, typeof(i) FROM iso ORDER BY id;
SELECT id FROM iso WHERE ts = '2024-02-29 12:34:56.500000';
SELECT id FROM iso WHERE i >= 86400;
CREATE VIRTUAL TABLE epoch USING postgres(server=golden, schema=kinds, table=times, timestamp=unixepoch);
SELECT id, ts, tz, typeof(ts) FROM epoch ORDER BY id;
SELECT id FROM epoch WHERE ts > 1709000000;
