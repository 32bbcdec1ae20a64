/* The sqlite3_module records of the drivers and the registration of everything that SQL sees.
 */
#include "vtab/module.h"

#include "vtab/cursor.h"
#include "vtab/explain.h"
#include "vtab/table.h"

/* xUpdate stands in the record although tables cannot be written yet: without it SQLite would
 * accept declarations (a composite key WITHOUT ROWID) that could not be kept later. xBegin
 * refuses first, so that an UPDATE that matches no row is refused as well. */
static int table_refuse_write(sqlite3_vtab *base) {
    const struct table *table = (const struct table *)base;

    sqlite3_free(base->zErrMsg);
    base->zErrMsg = sqlite3_mprintf(
            "table \"%s\" is read-only: this version of Drawbridge cannot write", table->name);
    return SQLITE_READONLY;
}

static int table_update(
        sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    (void)argc;
    (void)argv;
    (void)rowid;
    return table_refuse_write(base);
}

static int table_begin(sqlite3_vtab *base) {
    return table_refuse_write(base);
}

static int table_nothing_to_do(sqlite3_vtab *base) {
    (void)base;
    return SQLITE_OK;
}

static const sqlite3_module table_module = {
    .iVersion = 1,
    .xCreate = table_create,
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xDestroy = table_destroy,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
    .xUpdate = table_update,
    .xBegin = table_begin,
    .xSync = table_nothing_to_do,
    .xCommit = table_nothing_to_do,
    .xRollback = table_nothing_to_do,
    .xRename = table_rename,
};

static int register_drivers(struct connection *connection) {
    int code = SQLITE_OK;

    for (size_t i = 0; drivers[i] != NULL && code == SQLITE_OK; i++) {
        code = sqlite3_create_module_v2(connection->db, drivers[i]->name, &table_module,
                connection_retain(connection), connection_release);
    }
    return code;
}

int module_register_all(sqlite3 *db, char **message) {
    struct connection *connection;
    int code;

    if (sqlite3_libversion_number() < SQLITE_VERSION_NEEDED) {
        *message = sqlite3_mprintf(
                "drawbridge needs SQLite 3.38 or later, this is %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    connection = connection_create(db);
    if (connection == NULL) {
        return SQLITE_NOMEM;
    }
    code = register_drivers(connection);
    if (code == SQLITE_OK) {
        code = functions_register(connection);
    }
    if (code == SQLITE_OK) {
        code = metadata_register(connection);
    }
    if (code == SQLITE_OK) {
        code = explain_register(connection);
    }
    if (code == SQLITE_OK) {
        code = query_table_register(connection);
    }
    connection_release(connection);
    return code;
}
