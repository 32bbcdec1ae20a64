/* sqlite3_drawbridge_init: the one exported symbol, and the home of SQLite's API table. */
#define DRAWBRIDGE_DEFINES_API
#include "loadable/drawbridge.h"

#include "base/sqlite.h"
#include "vtab/module.h"

#include <pthread.h>
#include <stdbool.h>

SQLITE_EXTENSION_INIT1

/* Whoever loads the extension reads the table afterwards without asking anybody. So it is
 * written once, by the first, and seen through this mutex by all others. */
static pthread_mutex_t api_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool api_set(const sqlite3_api_routines *api) {
    bool ours;

    pthread_mutex_lock(&api_mutex);
    if (sqlite3_api == NULL) {
        SQLITE_EXTENSION_INIT2(api);
    }
    ours = sqlite3_api == api;
    pthread_mutex_unlock(&api_mutex);
    return ours;
}

/* One process may hold two SQLite libraries (Python's own and apsw's). They do not share memory
 * or mutexes, so one copy of this code can serve only the first that loads it. */
__attribute__((visibility("default"))) int sqlite3_drawbridge_init(
        sqlite3 *db, char **message, const sqlite3_api_routines *api) {
    int code;

    if (!api_set(api)) {
        if (message != NULL) {
            *message =
                    api->mprintf("drawbridge is already loaded into another SQLite library of "
                                 "this process");
        }
        return SQLITE_ERROR;
    }
    code = module_register_all(db, message);
    return code == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : code;
}
