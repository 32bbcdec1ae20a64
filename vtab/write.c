/* xUpdate -> a neutral change -> the server's writer, in the transaction of transaction.c.
 *
 * Affinity is applied here. Columns that an UPDATE leaves alone are not sent: what was read may
 * show less than what is stored. */
#include "vtab/table.h"

#include "vtab/affinity.h"
#include "vtab/bulk.h"
#include "vtab/levels.h"
#include "vtab/locking.h"
#include "vtab/old_row.h"
#include "vtab/report.h"
#include "vtab/running.h"
#include "vtab/transaction.h"
#include "vtab/waiting.h"

#include <string.h>

/* argv of xUpdate: the old rowid or key, the new one, then the columns. */
enum { ARGUMENT_OLD, ARGUMENT_NEW, ARGUMENT_COLUMNS };

struct update {
    struct table *table;
    int argc;
    sqlite3_value **argv;
    bool from;    /* no column of the UPDATE is marked as left alone */
    bool by_row;  /* OR FAIL: the rows before a failing one stay */
    int conflict; /* SQLITE_IGNORE ... */
    struct change change;
    struct value *values; /* of change */
    uint8_t *states;
    struct value key; /* change.row.key of IDENTITY_KEY */
    struct write_result result;
};

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

/* ---- SQLite's arguments -> change ---------------------------------------------------------
 */

/* Is this column the table's INTEGER PRIMARY KEY? SQLite gives its value as the new rowid or as
 * the column, or both. */
static bool is_integer_key(const struct schema *schema, size_t column) {
    return schema->identity == IDENTITY_INTEGER_KEY && schema->key_column == (int)column;
}

static sqlite3_value *column_argument(const struct update *update, size_t column) {
    sqlite3_value *value = update->argv[ARGUMENT_COLUMNS + column];
    sqlite3_value *rowid = update->argv[ARGUMENT_NEW];
    bool unset = sqlite3_value_type(value) == SQLITE_NULL;

    if (!is_integer_key(update->table->schema, column) ||
            sqlite3_value_type(rowid) == SQLITE_NULL) {
        return value;
    }
    if (update->change.kind == CHANGE_INSERT) {
        return unset ? rowid : value;
    }
    return sqlite3_value_int64(rowid) != sqlite3_value_int64(update->argv[ARGUMENT_OLD])
                   ? rowid
                   : value;
}

static enum status refuse_generated(
        const struct update *update, const struct column *column, struct error *err) {
    return error_set(err, STATUS_VALUE,
            "cannot %s generated column \"%s\" of table \"%s\": the remote makes its value",
            update->change.kind == CHANGE_INSERT ? "INSERT into" : "UPDATE", column->name,
            update->table->name);
}

static bool is_made_there(const struct table *table, size_t column) {
    const struct column *facts = &table->schema->columns[column];

    return is_integer_key(table->schema, column) || facts->identity != 0 ||
           facts->generated != 0;
}

static bool may_have_default(const struct table *table, size_t column) {
    const struct column *facts = &table->schema->columns[column];

    return facts->default_sql != NULL || facts->default_untold ||
           table->schema->kind == RELATION_VIEW; /* those of what is beneath it */
}

/* A NULL for a key that the remote makes is always left to it, any other only when the INSERT
 * does not name the column, whether it had a default or not when it was described; what was
 * bound was given. */
static enum status check_left_out(const struct update *update, size_t column,
        sqlite3_value *value, bool *left_out, struct error *err) {
    const struct table *table = update->table;
    bool null = sqlite3_value_type(value) == SQLITE_NULL;
    enum left_out said = table->insert.left_out[column];

    *left_out = null && is_made_there(table, column);
    if (*left_out || !null || sqlite3_value_frombind(value)) {
        return STATUS_OK;
    }
    if (said == LEFT_OUT_UNKNOWN && may_have_default(table, column)) {
        error_set(err, STATUS_USAGE,
                "cannot tell whether column \"%s\" of table \"%s\" is NULL or left to its "
                "default",
                table->schema->columns[column].name, table->name);
        error_explain(err, NULL, NULL,
                "name the columns in the INSERT, in the same way in all triggers that insert");
        return STATUS_USAGE;
    }
    *left_out = said == LEFT_OUT_YES;
    return STATUS_OK;
}

/* RETURNING shows what SQLite sent, and NULL for all that the remote made. */
static enum status check_returning(const struct update *update, size_t i, struct error *err) {
    const struct column *column = &update->table->schema->columns[i];

    if (!update->table->insert.shown_columns[i] ||
            (!is_made_there(update->table, i) && !may_have_default(update->table, i))) {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED,
            "INSERT ... RETURNING cannot show column \"%s\" of table \"%s\": the remote makes "
            "its value",
            column->name, update->table->name);
    error_explain(err, NULL, NULL,
            "leave RETURNING out and read the row WHERE rowid = last_insert_rowid()");
    return STATUS_UNSUPPORTED;
}

/* UPDATE ... FROM marks no column as left alone. */
static bool takes_all_as_set(const struct update *update) {
    for (int i = ARGUMENT_COLUMNS; i < update->argc; i++) {
        if (sqlite3_value_nochange(update->argv[i])) {
            return false;
        }
    }
    return true;
}

/* What is not known to be set was read, and may show less than what is stored. */
static enum status check_set(
        const struct update *update, size_t i, bool *unchanged, struct error *err) {
    const struct table *table = update->table;
    const struct column *column = &table->schema->columns[i];
    enum left_out said = update->from ? table->set.left_out[i] : LEFT_OUT_NO;

    if (update->from && !table->set.known) {
        said = LEFT_OUT_UNKNOWN;
    }
    *unchanged = said == LEFT_OUT_YES;
    if (said != LEFT_OUT_UNKNOWN || (column->one_to_one && column->generated == 0)) {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED,
            "cannot tell whether this UPDATE sets column \"%s\" of table \"%s\": its value, "
            "written back as it was read, could change",
            column->name, table->name);
    error_explain(err, NULL, NULL,
            "instead of UPDATE ... FROM use UPDATE ... SET column = (SELECT ...) WHERE key IN "
            "(SELECT ...), or set the same columns in all triggers that update the table");
    return STATUS_UNSUPPORTED;
}

/* OR REPLACE makes a NULL that may not be the default. */
static bool may_become_default(const struct update *update, size_t i, sqlite3_value *value) {
    const struct column *column = &update->table->schema->columns[i];

    return update->change.kind == CHANGE_INSERT && update->conflict == SQLITE_REPLACE &&
           column->remote_not_null && column->default_sql != NULL &&
           sqlite3_value_type(value) == SQLITE_NULL;
}

static enum status take_column(struct update *update, size_t i, struct error *err) {
    const struct column *column = &update->table->schema->columns[i];
    sqlite3_value *value = column_argument(update, i);
    bool insert = update->change.kind == CHANGE_INSERT;
    bool left_out = !insert && sqlite3_value_nochange(value);

    if (!insert) {
        enum status status = left_out ? STATUS_OK : check_set(update, i, &left_out, err);

        if (status != STATUS_OK || left_out) {
            update->states[i] = CELL_UNCHANGED;
            return status;
        }
    } else {
        enum status status = check_left_out(update, i, value, &left_out, err);

        if (status != STATUS_OK || left_out) {
            update->states[i] = CELL_DEFAULT;
            return status == STATUS_OK ? check_returning(update, i, err) : status;
        }
    }
    if (column->generated != 0) {
        return refuse_generated(update, column, err);
    }
    if (!insert && is_integer_key(update->table->schema, i) &&
            sqlite3_value_type(value) == SQLITE_NULL) {
        return error_set(err, STATUS_VALUE, "datatype mismatch"); /* as a local key says it */
    }
    if (may_become_default(update, i, value) && check_returning(update, i, err) != STATUS_OK) {
        return err->status;
    }
    update->states[i] = CELL_SET;
    return affinity_value(value, column->declared, &update->values[i], err);
}

/* SQLite shows -1, also where the row was given one. */
static enum status check_returning_rowid(const struct update *update, struct error *err) {
    const struct table *table = update->table;

    if (!table->insert.shows_rowid) {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED,
            "INSERT ... RETURNING cannot show the rowid of table \"%s\": SQLite does not know "
            "it",
            table->name);
    error_explain(err, NULL, NULL,
            "name the key's column, or leave RETURNING out and ask for last_insert_rowid()");
    return STATUS_UNSUPPORTED;
}

static enum status take_columns(struct update *update, struct error *err) {
    const struct schema *schema = update->table->schema;
    struct arena *arena = &update->table->change_arena;
    enum status status = STATUS_OK;

    update->values = arena_alloc_array(arena, schema->column_count, sizeof(*update->values));
    update->states = arena_alloc_array(arena, schema->column_count, sizeof(*update->states));
    if (update->values == NULL || update->states == NULL) {
        return error_nomem(err);
    }
    if (update->change.kind == CHANGE_INSERT) {
        status = running_learn(update->table, RUNNING_INSERT, &update->table->list_arena,
                &update->table->insert, err);
        status = status == STATUS_OK ? check_returning_rowid(update, err) : status;
    } else if (takes_all_as_set(update)) {
        update->from = true;
        status = running_learn(update->table, RUNNING_UPDATE, &update->table->list_arena,
                &update->table->set, err);
    }
    for (size_t i = 0; i < schema->column_count && status == STATUS_OK; i++) {
        status = take_column(update, i, err);
    }
    update->change.values = update->values;
    update->change.states = update->states;
    return status;
}

/* Rowids that the remote makes cannot be chosen here. */
static enum status check_rowid(const struct update *update, struct error *err) {
    const struct schema *schema = update->table->schema;
    sqlite3_value *new = update->argv[ARGUMENT_NEW];
    bool insert = update->change.kind == CHANGE_INSERT;

    if (schema->identity == IDENTITY_INTEGER_KEY || schema->identity == IDENTITY_KEY ||
            sqlite3_value_type(new) == SQLITE_NULL ||
            (!insert && sqlite3_value_int64(new) ==
                                sqlite3_value_int64(update->argv[ARGUMENT_OLD]))) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_UNSUPPORTED,
            "the rowid of table \"%s\" cannot be set: the remote makes it",
            update->table->name);
}

static enum on_conflict conflict_of(int conflict) {
    return conflict == SQLITE_IGNORE    ? ON_CONFLICT_IGNORE
           : conflict == SQLITE_REPLACE ? ON_CONFLICT_REPLACE
                                        : ON_CONFLICT_ABORT;
}

static enum status take_change(struct update *update, struct error *err) {
    enum status status = STATUS_OK;

    arena_reset(&update->table->change_arena);
    update->conflict = sqlite3_vtab_on_conflict(update->table->connection->db);
    update->by_row = update->conflict == SQLITE_FAIL;
    update->change.on_conflict = conflict_of(update->conflict);
    update->change.kind = update->argc == 1 ? CHANGE_DELETE
                          : sqlite3_value_type(update->argv[ARGUMENT_OLD]) == SQLITE_NULL
                                  ? CHANGE_INSERT
                                  : CHANGE_UPDATE;
    if (update->change.kind != CHANGE_INSERT) {
        status = old_row_find(update->table, update->change.kind, update->argv[ARGUMENT_OLD],
                &update->key, &update->change.row, err);
    }
    if (status == STATUS_OK && update->change.kind != CHANGE_INSERT) {
        status = locking_check(update->table, err);
    }
    if (status == STATUS_OK && update->change.kind != CHANGE_DELETE) {
        status = check_rowid(update, err);
    }
    if (status == STATUS_OK && update->change.kind != CHANGE_DELETE) {
        status = take_columns(update, err);
    }
    return status;
}

/* ---- sending ------------------------------------------------------------------------------
 */

/* Where all rows of a statement are one request their answer comes too late for SQLite to pass
 * over one of them, or to keep those before it. */
static enum status check_one_request(const struct update *update, struct error *err) {
    const struct server *server = update->table->server;
    bool passes_over = update->change.on_conflict == ON_CONFLICT_IGNORE &&
                       update->change.kind == CHANGE_INSERT;

    if (!server_can(server, DRIVER_ONE_REQUEST) ||
            waiting_is_only_row(update->table, &update->change) ||
            (!passes_over && !update->by_row)) {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED,
            "OR %s cannot be kept for table \"%s\" but for INSERT ... VALUES of one row: "
            "server \"%s\" writes a statement as a whole",
            passes_over ? "IGNORE" : "FAIL", update->table->name, server->name);
    error_explain(err, NULL, NULL,
            passes_over ? "write row by row, or leave the rows out with WHERE NOT EXISTS"
                        : "write row by row");
    return STATUS_UNSUPPORTED;
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

int table_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    struct update update = { .table = (struct table *)base, .argc = argc, .argv = argv };
    struct error err = { 0 };

    struct gathering *gathering = update.table->connection->gathering;
    enum status status = transaction_writable(update.table, &err);

    if (status == STATUS_OK) {
        status = take_change(&update, &err);
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
