/* The sqlite driver's record and its options; nothing else. */
#include "drivers/sqlite/internal.h"

static const struct option_spec sqlite_server_options[] = {
    { .name = "share",
            .type = OPTION_TEXT,
            .help = "a database in memory, shared in this process under this name" },
    { .name = NULL },
};

const struct driver sqlite_driver = {
    .name = "sqlite",
    .capabilities = DRIVER_SQL | DRIVER_SNAPSHOT | DRIVER_WRITE | DRIVER_SAVEPOINT |
                    DRIVER_SHARED_SESSION,
    .server_options = sqlite_server_options,
    .parse_url = sq_parse_url,
    .open = sq_open,
    .close = sq_close,
    .ping = sq_ping,
    .local_file = sq_local_file,
    .catalog = sq_catalog,
    .describe_query = sq_describe_query,
    .present = sq_present,
    .may_push = sq_may_push,
    .may_order = sq_may_order,
    .judge = sq_judge,
    .begin = sq_begin,
    .finish = sq_finish,
    .commit = sq_commit,
    .rollback = sq_rollback,
    .savepoint = sq_savepoint,
    .release = sq_release,
    .rollback_to = sq_rollback_to,
    .scan_start = sq_scan_start,
    .scan_next = sq_scan_next,
    .scan_end = sq_scan_end,
    .confirm = sq_confirm,
    .query_start = sq_query_start,
    .write_start = sq_write_start,
    .write_row = sq_write_row,
    .write_flush = sq_write_flush,
    .write_end = sq_write_end,
    .change_rows = sq_change_rows,
    .execute = sq_run,
};
