/* Plain SQL on the host's own connection; see host.h. */
#include "vtab/host.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* What the codes of local statements are called here; report.c turns them back. */
static const struct {
    int code;
    enum status status;
} host_statuses[] = {
    { SQLITE_NOMEM, STATUS_NOMEM },
    { SQLITE_INTERRUPT, STATUS_CANCELLED },
    { SQLITE_AUTH, STATUS_DENIED },
    { SQLITE_READONLY, STATUS_READONLY },
    { SQLITE_BUSY, STATUS_TIMEOUT },
    { SQLITE_LOCKED, STATUS_TIMEOUT },
    { SQLITE_CANTOPEN, STATUS_UNREACHABLE },
    { SQLITE_TOOBIG, STATUS_TOO_BIG },
};

enum status host_failed(sqlite3 *db, int code, struct error *err) {
    const char *message = sqlite3_errmsg(db);
    enum status status = STATUS_USAGE;

    for (size_t i = 0; i < sizeof(host_statuses) / sizeof(host_statuses[0]); i++) {
        if (host_statuses[i].code == (code & 0xff)) {
            status = host_statuses[i].status;
        }
    }
    error_set(err, status, "%s", message);
    if (strlen(message) >= ERROR_MESSAGE_BYTES) {
        error_explain(err, NULL, message, NULL); /* the message was cut */
    }
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
