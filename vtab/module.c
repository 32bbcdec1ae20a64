/* The sqlite3_module records of the drivers and the registration of everything that SQL sees.
 */
#include "vtab/module.h"

#include "vtab/cursor.h"
#include "vtab/explain.h"
#include "vtab/table.h"
#include "vtab/transaction.h"

static const sqlite3_module table_module = {
    .iVersion = 2,
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
    .xBegin = transaction_begin,
    .xSync = transaction_sync,
    .xCommit = transaction_commit,
    .xRollback = transaction_rollback,
    .xRename = table_rename,
    .xSavepoint = transaction_savepoint,
    .xRelease = transaction_release,
    .xRollbackTo = transaction_rollback_to,
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
