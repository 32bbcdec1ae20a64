/* drawbridge tables URL */
#include "shell/host.h"

int command_tables(const struct invocation *call) {
    int code = host_check_url(call->url);

    return code != EXIT_DONE
                   ? code
                   : host_run_sqlite3(call,
                             "SELECT name, remote_schema, remote_name, kind, rows_estimate, "
                             "writable, "
                             "comment FROM bridge_tables ORDER BY remote_schema, remote_name");
}
