/* drawbridge explain URL SQL */
#include "shell/host.h"

#include <stdio.h>

int command_explain(const struct invocation *call) {
    int code = host_check_url(call->url);
    char *sql;

    if (code != EXIT_DONE) {
        return code;
    }
    sql = sqlite3_mprintf("SELECT * FROM bridge_explain(%Q)", call->sql);
    if (sql == NULL) {
        fprintf(stderr, "drawbridge: out of memory\n");
        return EXIT_FAILED;
    }
    code = host_run_sqlite3(call, sql);
    sqlite3_free(sql);
    return code;
}
