-- .tables lists attached tables as one's own, in whichever schema they stand.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'tables=customers,orders');
.tables
.tables %ord%
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'as=shop', 'prefix=r_');
.tables
CREATE TABLE notes (id INTEGER PRIMARY KEY, customer INTEGER);
SELECT bridge_attach('env:FILE_URL', 'name=file', 'tables=text_key,two_keys');
.tables
SELECT bridge_detach('shop');
.tables
