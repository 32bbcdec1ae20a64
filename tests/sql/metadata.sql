-- What PRAGMAs cannot show: remote names, types, defaults, keys, comments.
SELECT name, driver FROM bridge_servers;
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'name=shop');
SELECT name, driver, source, place, tables, state, last_error FROM bridge_servers;
SELECT server, place, name, remote_schema, remote_name, kind, attached, writable, why_not FROM bridge_tables;
SELECT table_name, position, name, remote_type, declared, not_null, default_sql, collation, presentation, one_to_one FROM bridge_columns WHERE server = 'shop';
SELECT table_name, name, kind, columns, ref_table, ref_columns, definition, valid FROM bridge_keys WHERE server = 'shop';
SELECT bridge_attach('env:DATABASE_URL', 'latency_ms=1', 'as=kinds', 'schema=kinds');
SELECT name, remote_type, declared, presentation, one_to_one FROM bridge_columns WHERE server = 'kinds' ORDER BY table_name, position;
SELECT bridge_ping('shop') >= 0;
SELECT json_valid(bridge_version());
INSERT INTO bridge_servers VALUES (1);
DELETE FROM bridge_log;
