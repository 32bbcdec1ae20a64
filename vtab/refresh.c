/* A remote relation that is not as it was described.
 *
 * It is described again, and PRAGMA writable_schema=RESET with SQLITE_SCHEMA makes SQLite
 * connect its virtual tables afresh and prepare the running statement again from its start:
 * right only while that statement has given no row and written nothing. SQLite does not say so
 * outright:
 *
 *   - a statement whose step counter is 0 is in its first step ever, and no row is out;
 *   - one that ran before is taken to be in its first step when the counter has not moved since
 *     the cursor was opened and its plan has no part that starts late (compound, subquery):
 * then all cursors open before the first row;
 *   - with several statements under way nobody can tell which of them is ours.
 *
 * In doubt the statement fails and asks to be run again, which then works. */
#include "vtab/table.h"

#include "vtab/report.h"

#include <string.h>

int64_t table_statement_steps(struct table *table) {
    sqlite3_stmt *stmt = running_only(table->connection->db);

    return stmt != NULL ? sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0) : -1;
}

static bool plan_starts_late(sqlite3 *db, const char *sql) {
    static const char *const late[] = { "%COMPOUND%", "%SUBQUERY%", "%CO-ROUTINE%",
        "MULTI-INDEX OR", NULL };
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *stmt = NULL;
    bool starts_late = false;
    int code = SQLITE_NOMEM;

    if (explain != NULL) {
        code = sqlite3_prepare_v2(db, explain, -1, &stmt, NULL);
    }
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(stmt, 3);

            for (size_t i = 0; detail != NULL && late[i] != NULL; i++) {
                starts_late |= sqlite3_strlike(late[i], detail, 0) == 0;
            }
        }
    }
    sqlite3_finalize(stmt);
    sqlite3_free(explain);
    return starts_late || code != SQLITE_DONE; /* a plan that is not known whole may */
}

static bool may_start_again(struct table *table, int64_t opened_at_steps) {
    sqlite3_stmt *stmt = running_only(table->connection->db);
    int steps;

    if (stmt == NULL || !sqlite3_stmt_readonly(stmt)) {
        return false;
    }
    steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
    return steps == 0 || (steps == opened_at_steps &&
                                 !plan_starts_late(table->connection->db, sqlite3_sql(stmt)));
}

static bool nothing_read_yet(const struct server *server) {
    return !server->in_snapshot || server->snapshot_statements <= 1;
}

enum status table_confirm(struct table *table, struct session *session, struct error *err) {
    const struct driver *driver = session->driver;
    bool once = (driver->capabilities & DRIVER_SNAPSHOT) == 0; /* else the driver knows */
    uint64_t run = once ? running_mark(table->connection->db) : 0;
    enum status status = STATUS_OK;

    if (driver->confirm == NULL || (once && table->confirmed == run)) {
        return STATUS_OK;
    }
    status = driver->confirm(session, table->schema, err);
    table->confirmed = status == STATUS_OK ? run : 0;
    return status;
}

int table_changed(struct table *table, struct error *why, int64_t opened_at_steps) {
    struct server *server = table->server;
    struct schema *schema = NULL;
    struct error err = { 0 };
    bool again = nothing_read_yet(server) && may_start_again(table, opened_at_steps);
    enum status status;

    if (nothing_read_yet(server)) {
        server_restart(server); /* the error has ended the remote transaction */
    } else {
        server_doubt(server, table->schema); /* it is described when it is connected next */
    }
    status = nothing_read_yet(server)
                     ? server_describe(server, &table->options, true, &schema, &err)
                     : STATUS_SCHEMA;
    if (status == STATUS_OK && table->driver == server->target.driver &&
            schema_equal(schema, table->schema)) {
        schema_release(schema);
        return SQLITE_OK;
    }
    schema_release(schema);
    if (status != STATUS_OK && status != STATUS_SCHEMA) {
        error_clear(why);
        server_failed(server, &err);
        return report_vtab(&table->base.zErrMsg, &err);
    }
    error_clear(&err);
    table->connection->redescribed++;
    sqlite3_exec(table->connection->db, "PRAGMA writable_schema=RESET", NULL, NULL, NULL);
    if (again) {
        error_clear(why);
        return SQLITE_SCHEMA;
    }
    error_explain(why, NULL, NULL, "the remote table changed: run the statement again");
    server_failed(server, why);
    return report_vtab(&table->base.zErrMsg, why);
}
