/* xUpdate: a change (update.c) -> the server's writer, in the transaction of transaction.c, and
 * what becomes of it. */
#include "vtab/table.h"

#include "vtab/bulk.h"
#include "vtab/levels.h"
#include "vtab/report.h"
#include "vtab/running.h"
#include "vtab/transaction.h"
#include "vtab/update.h"
#include "vtab/waiting.h"

/* ---- writers ------------------------------------------------------------------------------
 */

static void forget_writer(struct table *table) {
    if (table->writer != NULL) {
        table->writer->session->driver->write_end(table->writer);
        table->writer = NULL;
    }
    table->waiting = false;
}

void table_drop_writers(struct server *server) {
    while (server->writing != NULL) {
        struct table *table = server->writing;

        server->writing = table->next_writing;
        forget_writer(table);
    }
}

static enum status find_writer(
        struct table *table, struct session *session, struct writer **out, struct error *err) {
    enum status status = STATUS_OK;

    if (table->writer == NULL) {
        status = session->driver->write_start(session, table->schema, &table->writer, err);
        if (status == STATUS_OK) {
            table->writer->rows_max = options_integer(&table->server->options, "batch");
            table->next_writing = table->server->writing;
            table->server->writing = table;
        }
    }
    *out = table->writer;
    return status;
}

/* ---- sending ------------------------------------------------------------------------------
 */

static enum status refuse_late(const struct update *update, struct error *err) {
    const struct change *change = &update->change;
    const struct {
        bool asked;
        const char *what, *hint;
    } late[] = {
        { change->on_conflict == ON_CONFLICT_IGNORE && change->kind == CHANGE_INSERT,
                "OR IGNORE", "write row by row, or leave the rows out with WHERE NOT EXISTS" },
        { update->by_row, "OR FAIL", "write row by row" },
        { waiting_shows_rows(update->table, change), "RETURNING",
                "write row by row, or by bridge_insert(), which gives the rows as they are "
                "stored" },
    };

    for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
        if (late[i].asked) {
            error_set(err, STATUS_UNSUPPORTED,
                    "%s cannot be kept for table \"%s\" but for INSERT ... VALUES of one row: "
                    "server \"%s\" writes a statement as a whole",
                    late[i].what, update->table->name, update->table->server->name);
            error_explain(err, NULL, NULL, late[i].hint);
            return STATUS_UNSUPPORTED;
        }
    }
    return STATUS_OK;
}

/* Where all rows of a statement are one request their answer comes too late for SQLite to pass
 * over one of them, to keep those before it, or to show none that was not stored. */
static enum status check_one_request(const struct update *update, struct error *err) {
    return server_can(update->table->server, DRIVER_ONE_REQUEST) &&
                           !waiting_is_only_row(update->table, &update->change)
                   ? refuse_late(update, err)
                   : STATUS_OK;
}

/* What one table's rows wait for may be another's. */
static enum status flush_others(struct table *table, struct error *err) {
    struct server *server = table->server;
    struct table *other = server->writing;

    while (other != NULL && (other == table || !other->waiting)) {
        other = other->next_writing;
    }
    if (other != NULL && server_can(server, DRIVER_ONE_REQUEST)) {
        return error_set(err, STATUS_UNSUPPORTED,
                "a statement cannot write to table \"%s\" and to table \"%s\": server \"%s\" "
                "writes it as one request",
                other->name, table->name, server->name);
    }
    return other != NULL ? table_flush_all(server, err) : STATUS_OK;
}

/* A DELETE passes over rows that its own cascades and triggers took, as SQLite does, where that
 * can be told (the drivers' matter). */
static void explain_stale(struct error *err) {
    if (err->status == STATUS_STALE) {
        error_explain(err, NULL, NULL,
                "another session wrote it, or a cascade or trigger of the remote in this same "
                "statement: then take the rows that the remote changes by itself out of the "
                "WHERE");
    }
}

/* In autocommit what fails at the end undoes no more than the statement. */
static unsigned write_flags(const struct table *table) {
    bool late = sqlite3_get_autocommit(table->connection->db) != 0;

    return WRITE_WANT_ROWID | (table->waiting ? 0 : WRITE_SYNC) | (late ? WRITE_LATE : 0);
}

static enum status send_once(void *pointer, struct error *err) {
    struct update *update = pointer;
    struct table *table = update->table;
    struct session *session;
    struct writer *writer = NULL;
    enum status status = transaction_write(table->server, update->by_row, &session, err);

    if (status != STATUS_OK) {
        return status; /* nothing was sent */
    }
    status = flush_others(table, err);
    if (status == STATUS_OK) {
        status = find_writer(table, session, &writer, err);
    }
    if (status == STATUS_OK) {
        table->waiting = waiting_allowed(table, &update->change, update->by_row);
        status = session->driver->write_row(
                writer, &update->change, write_flags(table), &update->result, err);
    }
    if (status != STATUS_OK) {
        error_statement(err, writer != NULL ? writer->statement : NULL);
        explain_stale(err);
        table_drop_writers(table->server);
    }
    transaction_wrote(table->server, status, err);
    return status;
}

enum status table_flush_all(struct server *server, struct error *err) {
    enum status status = STATUS_OK;

    for (struct table *table = server->writing; table != NULL && status == STATUS_OK;
            table = table->next_writing) {
        struct write_result result = { 0 };
        int64_t rows = 0;

        status =
                table->writer->session->driver->write_flush(table->writer, &result, &rows, err);
        if (status != STATUS_OK) {
            error_statement(err, table->writer->statement);
            explain_stale(err);
            report_constraint(err, table->schema, table->name);
        } else if (table->waiting && result.has_rowid && table->insert.direct) {
            sqlite3_set_last_insert_rowid(table->connection->db, result.rowid);
        }
        table->waiting = false;
    }
    return status;
}

/* OR IGNORE and its kin are not for foreign keys: one that fails undoes the statement, and
 * nothing else. SQLite does what they say for every code of a constraint. */
static bool passes_over(const struct update *update, const struct error *err) {
    return err->status == STATUS_CONSTRAINT && err->constraint == CONSTRAINT_FOREIGN_KEY &&
           (update->conflict == SQLITE_IGNORE || update->by_row ||
                   update->conflict == SQLITE_ROLLBACK);
}

/* Older SQLites do what OR IGNORE and OR FAIL say only for the plain code. */
static int report_update(struct update *update, struct error *err) {
    bool written = update->table->server->transaction.written;
    int code = passes_over(update, err) ? SQLITE_ERROR
               : written                ? report_written_code(err)
                                        : report_code(err);
    bool plain = update->conflict == SQLITE_FAIL || update->conflict == SQLITE_ROLLBACK ||
                 update->conflict == SQLITE_IGNORE;

    update->table->connection->breaks++;
    report_constraint(err, update->table->schema, update->table->name);
    report_race(err);
    server_failed(update->table->server, err);
    report_vtab(&update->table->base.zErrMsg, err);
    return plain && (code & 0xff) == SQLITE_CONSTRAINT ? SQLITE_CONSTRAINT : code;
}

/* Becomes last_insert_rowid(), which a row without rowid leaves alone. That of a row that waits
 * comes when it is written, unless it was given. */
static sqlite3_int64 new_rowid(const struct update *update) {
    const struct schema *schema = update->table->schema;
    int key = schema->key_column;

    if (update->table->waiting && update->change.kind == CHANGE_INSERT &&
            schema->identity == IDENTITY_INTEGER_KEY && update->states[key] == CELL_SET &&
            update->values[key].kind == VALUE_INTEGER) {
        return update->values[key].integer; /* the result may be that of a row before it */
    }
    if (update->result.has_rowid) {
        return update->result.rowid;
    }
    return sqlite3_last_insert_rowid(update->table->connection->db);
}

/* SQLite shows the row nevertheless. */
static int refuse_returning_skipped(struct update *update, struct error *err) {
    error_set(err, STATUS_UNSUPPORTED,
            "INSERT OR IGNORE ... RETURNING would show a row that was not stored in table "
            "\"%s\"",
            update->table->name);
    error_explain(err, NULL, NULL, "leave RETURNING or OR IGNORE out");
    return report_update(update, err);
}

static int give_up(struct update *update, struct error *err) {
    bool replaces = update->change.on_conflict == ON_CONFLICT_REPLACE;
    sqlite3 *db = update->table->connection->db;
    bool alone = sqlite3_get_autocommit(db) != 0 && running_writers(db) == 1;
    int code = table_changed_for_write(update->table, replaces, alone, err);

    if (code == SQLITE_OK) {
        return report_update(update, err);
    }
    update->table->connection->breaks++;
    return code;
}

static int update_row(
        struct table *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    struct update update = { .table = table, .argc = argc, .argv = argv };
    struct gathering *gathering = update.table->connection->gathering;
    struct error err;
    enum status status;

    error_init(&err);
    status = transaction_writable(update.table, &err);
    if (status == STATUS_OK) {
        status = update_take(&update, &err);
    }
    if (status != STATUS_OK) {
        waiting_dropped(update.table, &err);
    } else if (gathering != NULL) {
        status = gathering_add(gathering, update.table->schema, &update.change, &err);
    } else {
        status = check_one_request(&update, &err);
        status = status == STATUS_OK
                         ? transaction_try(update.table->server, send_once, &update, &err)
                         : status;
    }
    if (status != STATUS_OK) {
        return give_up(&update, &err);
    }
    if (update.result.affected == 0 && update.conflict == SQLITE_IGNORE) {
        update.table->connection->breaks++;
        return update.change.kind == CHANGE_INSERT && update.table->insert.returning
                       ? refuse_returning_skipped(&update, &err)
                       : SQLITE_CONSTRAINT; /* passed over, and not counted by changes() */
    }
    *rowid = new_rowid(&update);
    return SQLITE_OK;
}

int table_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    struct connection *connection = ((struct table *)base)->connection;
    int code;

    connection->row_signature = running_signature(connection->db);
    code = update_row((struct table *)base, argc, argv, rowid);
    connection->row_signature = 0;
    return code;
}
