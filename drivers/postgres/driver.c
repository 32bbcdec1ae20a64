/* The postgres driver: its table, and nothing else. */
#include "drivers/postgres/internal.h"

/* Besides what all servers know; what libpq knows stays in the connection string. */
const struct option_spec pg_options[] = {
    { .name = "role", .type = OPTION_TEXT, .help = "role to take on after connecting" },
    { .name = "set.",
            .type = OPTION_TEXT,
            .flags = OPTION_PREFIX,
            .help = "a setting of the session: set.app.tenant=7" },
    { .name = NULL },
};

const struct driver postgres_driver = {
    .name = "postgres",
    .capabilities = DRIVER_SQL | DRIVER_SNAPSHOT,
    .server_options = pg_options,
    .library = "libpq",
    .library_version = pg_library_version,
    .parse_url = pg_parse_url,
    .has_secret = pg_has_secret,
    .open = pg_open,
    .close = pg_close,
    .ping = pg_ping,
    .catalog = pg_catalog,
    .describe_query = pg_describe_query,
    .present = pg_present,
    .may_push = pg_may_push,
    .may_order = pg_may_order,
    .judge = pg_judge,
    .begin = pg_begin,
    .finish = pg_finish,
    .scan_start = pg_scan_start,
    .scan_next = pg_scan_next,
    .scan_end = pg_scan_end,
    .query_start = pg_query_start,
};
