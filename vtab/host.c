/* Plain SQL on the host's own connection; see host.h. */
#include "vtab/host.h"

#include "vtab/report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum status host_failed(sqlite3 *db, int code, struct error *err) {
    struct error why = { 0 };
    enum status status;

    report_read(
            (sqlite3_errcode(db) & 0xff) == (code & 0xff) ? sqlite3_extended_errcode(db) : code,
            sqlite3_errmsg(db), &why);
    status = why.status;
    error_move(err, &why);
    return status;
}

enum status host_looked(sqlite3 *db, int code, struct error *err) {
    bool stops = (code & 0xff) == SQLITE_INTERRUPT || (code & 0xff) == SQLITE_NOMEM;

    return stops ? host_failed(db, code, err) : STATUS_OK;
}

enum status host_run(sqlite3 *db, struct error *err, const char *format, ...) {
    sqlite3_stmt *stmt = NULL;
    va_list arguments;
    char *sql;
    int code;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sql == NULL) {
        return error_nomem(err);
    }
    code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
    }
    if (code == SQLITE_DONE) {
        code = SQLITE_OK;
    } else {
        host_failed(db, code, err); /* before finalize() forgets why */
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_OK ? STATUS_OK : err->status;
}

static enum status guard_step(struct host_changes *changes, struct error *err) {
    int code = sqlite3_step(changes->guard);

    return code == SQLITE_ROW ? STATUS_OK : host_failed(changes->db, code, err);
}

enum status host_changes_begin(
        struct host_changes *changes, sqlite3 *db, const char *place, struct error *err) {
    char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\".sqlite_schema", place);
    int code = SQLITE_NOMEM;
    enum status status;

    changes->db = db;
    changes->guard = NULL;
    changes->within = !sqlite3_get_autocommit(db);
    if (sql != NULL) {
        code = sqlite3_prepare_v2(db, sql, -1, &changes->guard, NULL);
        sqlite3_free(sql);
    }
    status = code == SQLITE_OK ? guard_step(changes, err) : host_failed(db, code, err);
    if (status == STATUS_OK) {
        status = host_run(db, err, "SAVEPOINT bridge");
    }
    if (status != STATUS_OK) {
        sqlite3_finalize(changes->guard);
        changes->guard = NULL;
    }
    return status;
}

enum status host_changes_drop(struct host_changes *changes, const char *type, const char *place,
        const char *name, struct error *err) {
    enum status status, again;

    sqlite3_reset(changes->guard);
    status = host_run(changes->db, err, "DROP %s \"%w\".\"%w\"", type, place, name);
    again = guard_step(changes, status == STATUS_OK ? err : NULL);
    return status == STATUS_OK ? again : status;
}

enum status host_changes_end(
        struct host_changes *changes, enum status status, struct error *err) {
    struct error undo = { 0 };

    if (status == STATUS_OK) {
        status = host_run(changes->db, err, "RELEASE bridge");
    }
    if (status !=
            STATUS_OK) { /* what the failure says is not overwritten by how it is undone */
        host_run(changes->db, &undo, "ROLLBACK TO bridge");
        host_run(changes->db, &undo, "RELEASE bridge");
        error_clear(&undo);
    }
    if (sqlite3_finalize(changes->guard) != SQLITE_OK && status == STATUS_OK &&
            changes->within) {
        status = error_nomem(err); /* without a transaction RELEASE had committed before that */
    }
    changes->guard = NULL;
    return status;
}
