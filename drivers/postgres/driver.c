/* The postgres driver: its table, its options, and nothing else. */
#include "drivers/postgres/internal.h"

/* What libpq knows stays in the connection string. */
const struct option_spec postgres_server_options[] = {
    { .name = "pooler",
            .type = OPTION_CHOICE,
            .fallback = "auto",
            .choices = "auto|none|transaction",
            .help = "is there a pooler that lends its connections for one transaction each" },
    { .name = NULL },
};

const struct driver postgres_driver = {
    .name = "postgres",
    .capabilities =
            DRIVER_SQL | DRIVER_SNAPSHOT | DRIVER_WRITE | DRIVER_SAVEPOINT | DRIVER_POOL,
    .server_options = postgres_server_options,
    .library = "libpq",
    .library_version = pg_library_version,
    .parse_url = pg_parse_url,
    .has_secret = pg_has_secret,
    .open = pg_open,
    .close = pg_close,
    .session_key = pg_session_key,
    .reset = pg_reset,
    .resume = pg_resume,
    .ping = pg_ping,
    .catalog = pg_catalog,
    .describe_query = pg_describe_query,
    .present = pg_present,
    .may_push = pg_may_push,
    .may_order = pg_may_order,
    .judge = pg_judge,
    .begin = pg_begin,
    .finish = pg_finish,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .savepoint = pg_savepoint,
    .release = pg_release,
    .rollback_to = pg_rollback_to,
    .scan_start = pg_scan_start,
    .scan_next = pg_scan_next,
    .scan_end = pg_scan_end,
    .query_start = pg_query_start,
    .write_start = pg_write_start,
    .write_row = pg_write_row,
    .write_flush = pg_write_flush,
    .write_end = pg_write_end,
    .insert_rows = pg_insert_rows,
    .execute = pg_execute,
};
