/* sqlite3_drawbridge_init: the one exported symbol, and the home of SQLite's API table. */
#define DRAWBRIDGE_DEFINES_API
#include "loadable/drawbridge.h"

#include "base/sqlite.h"
#include "vtab/module.h"

#include <stdbool.h>

SQLITE_EXTENSION_INIT1

/* One process may hold two SQLite libraries (Python's own and apsw's). They do not share memory
 * or mutexes, so one copy of this code can serve only the first that loads it. */
__attribute__((visibility("default"))) int sqlite3_drawbridge_init(
        sqlite3 *db, char **message, const sqlite3_api_routines *api) {
    const sqlite3_api_routines *first = NULL;
    int code;

    /* Once: other threads may be reading it already. */
    if (!__atomic_compare_exchange_n(
                &sqlite3_api, &first, api, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
            first != api) {
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
