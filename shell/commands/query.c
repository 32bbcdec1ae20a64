/* drawbridge query URL SQL */
#include "shell/host.h"

int command_query(const struct invocation *call) {
    int code = host_check_url(call->url);

    return code != EXIT_DONE ? code : host_run_sqlite3(call, call->sql);
}
