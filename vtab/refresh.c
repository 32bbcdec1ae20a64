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
 *   - an UPDATE or DELETE of the very table has read all it needs before it writes;
 *   - with several statements under way nobody can tell which of them is ours.
 *
 * In doubt the statement fails and asks to be run again, which then works.
 *
 * A row that is written finds the change in its own way: the driver told of it before anything
 * was kept. What the statement did before, here and on the remote, is undone when it fails, and
 * no row of it is out, since RETURNING gives them at the end: so it may begin afresh at any
 * row, and SQLite knows by itself which statement that is. In a transaction that has a past,
 * the definition must be one that its snapshot has; else the transaction has to be run again.
 */
#include "vtab/table.h"

#include "vtab/levels.h"
#include "vtab/locking.h"
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

    if (stmt != NULL && !sqlite3_stmt_readonly(stmt)) {
        return locking_is_target(table, stmt);
    }
    if (stmt == NULL) {
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

/* Within the transaction, if there is one, and at no cost to it. */
static enum status describe_here(struct table *table, struct schema **out, struct error *err) {
    struct server *server = table->server;
    struct reader reader = { .scan = NULL };
    struct session *session;
    enum status status =
            server->transaction.begun ? transaction_read(server, &session, err) : STATUS_OK;

    if (status == STATUS_OK) {
        status = server_describe(server, &table->options, true, out, err);
        if (status != STATUS_OK) {
            reader_failed(server, &reader, status);
        }
    }
    return status;
}

static bool is_as_described(const struct table *table, const struct schema *schema) {
    return table->driver == table->server->target.driver && schema_equal(schema, table->schema);
}

static void connect_afresh(struct table *table) {
    table->connection->redescribed++;
    sqlite3_exec(table->connection->db, "PRAGMA writable_schema=RESET", NULL, NULL, NULL);
}

/* The functions of a server that spell a definition look at the present: of what a snapshot has
 * and somebody has dropped since they can only say so. */
static const char internal_error[] = "XX000";
static const char transaction_again[] = "ROLLBACK, and run the transaction again";

int table_changed(struct table *table, struct error *why, int64_t opened_at_steps) {
    struct server *server = table->server;
    struct schema *schema = NULL;
    struct error err = { 0 };
    bool again = nothing_read_yet(server) && may_start_again(table, opened_at_steps);
    enum status status;

    if (nothing_read_yet(server)) {
        if (!server_can(server, DRIVER_ONE_REQUEST)) {
            transaction_restart(server); /* unless something was answered in it */
        }
        server_restart(server); /* the error has ended the remote transaction */
    } else {
        server_doubt(server, table->schema); /* it is described when it is connected next */
    }
    status = nothing_read_yet(server) ? describe_here(table, &schema, &err) : STATUS_SCHEMA;
    if (status == STATUS_OK && is_as_described(table, schema)) {
        schema_release(schema);
        return SQLITE_OK;
    }
    schema_release(schema);
    if (server->transaction.begun && strcmp(err.sqlstate, internal_error) == 0) {
        error_clear(&err); /* behind this transaction it will be found again */
        error_explain(why, NULL, NULL, transaction_again);
        server_failed(server, why);
        return report_vtab(&table->base.zErrMsg, why);
    }
    if (status != STATUS_OK && status != STATUS_SCHEMA) {
        error_clear(why);
        server_failed(server, &err);
        return report_vtab(&table->base.zErrMsg, &err);
    }
    error_clear(&err);
    connect_afresh(table);
    if (again) {
        error_clear(why);
        return SQLITE_SCHEMA;
    }
    error_explain(why, NULL, NULL, "the remote table changed: run the statement again");
    server_failed(server, why);
    return report_vtab(&table->base.zErrMsg, why);
}

/* ---- of a write --------------------------------------------------------------------------
 */

/* The remote's own words for a statement that does not fit: no such column, no such operator, a
 * value that is none of the type. */
static bool speaks_of_schema(const struct error *why) {
    return strncmp(why->sqlstate, "42", 2) == 0 || strncmp(why->sqlstate, "22", 2) == 0;
}

static bool may_have_changed(const struct error *why, bool replaces) {
    switch (why->status) {
    case STATUS_SCHEMA:
    case STATUS_VALUE: /* which may have been said here, by the type that the column had */
        return true;
    case STATUS_REMOTE:
        return speaks_of_schema(why);
    case STATUS_CONSTRAINT: /* of a key that nobody knew of: it was to be made room in */
        return replaces && (why->constraint == CONSTRAINT_UNIQUE ||
                                   why->constraint == CONSTRAINT_PRIMARY_KEY);
    default:
        return false;
    }
}

int table_changed_for_write(struct table *table, bool replaces, bool alone, struct error *why) {
    struct server *server = table->server;
    bool proven = why->status == STATUS_SCHEMA, fresh, changed;
    struct schema *schema = NULL;
    struct error err = { 0 };
    enum status status;

    if (server_can(server, DRIVER_ONE_REQUEST) || !may_have_changed(why, replaces)) {
        return SQLITE_OK; /* what one request did is done for good */
    }
    fresh = transaction_restart(server) || !server->transaction.begun;
    if (!fresh && alone && proven) {
        server_doubt(server, table->schema); /* it is described when it is connected next */
        connect_afresh(table);
        error_clear(why);
        return SQLITE_SCHEMA;
    }
    status = describe_here(table, &schema, &err);
    changed = status == STATUS_OK && !is_as_described(table, schema);
    schema_release(schema);
    error_clear(&err); /* what is known stands in why */
    if (changed) {
        connect_afresh(table);
    }
    /* Or it was so only beside a snapshot that is over. */
    if (changed || (status == STATUS_OK && proven && fresh)) {
        error_clear(why);
        return SQLITE_SCHEMA;
    }
    if (proven) {
        error_explain(why, NULL, NULL, fresh ? NULL : transaction_again);
    }
    return SQLITE_OK;
}
