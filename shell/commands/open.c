/* drawbridge URL: the system's sqlite3, attached. */
#include "shell/host.h"

#include <stddef.h>

int command_open(const struct invocation *call) {
    int code = host_check_url(call->url);

    return code != EXIT_DONE ? code : host_run_sqlite3(call, NULL);
}
