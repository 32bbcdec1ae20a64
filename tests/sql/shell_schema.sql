-- .schema shows each attached table as its definition, which names a server and no URL, and its columns.
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop');
.schema
.schema orders
.schema --indent cust%
.fullschema
.indexes
.databases
.schema main.products
