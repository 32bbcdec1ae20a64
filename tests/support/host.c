/* Plays loadable/extension.c for the unit tests: SQLite gives its API table only to extensions,
 * so one is registered for a moment and keeps the pointer. */
#define DRAWBRIDGE_DEFINES_API
#include "tests/support/host.h"

#include "base/sqlite.h"

#include <stdio.h>

SQLITE_EXTENSION_INIT1

/* Until the pointer is set these must be the linked functions, not entries of the table. */
#undef sqlite3_auto_extension
#undef sqlite3_cancel_auto_extension
#undef sqlite3_close
#undef sqlite3_open

static int host_keep_api(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
    (void)db;
    (void)message;
    SQLITE_EXTENSION_INIT2(api);
    return SQLITE_OK;
}

int host_start(void) {
    void (*entry)(void) = (void (*)(void))host_keep_api;
    sqlite3 *db = NULL;

    if (sqlite3_auto_extension(entry) == SQLITE_OK) {
        sqlite3_open(":memory:", &db);
        sqlite3_close(db);
        sqlite3_cancel_auto_extension(entry);
    }
    if (sqlite3_api == NULL) {
        fprintf(stderr, "the host could not start: SQLite gave no API table\n");
        return 1;
    }
    return 0;
}
