/* SQLite's arguments of xUpdate -> a neutral change.
 *
 * Affinity is applied here. Columns that an UPDATE leaves alone are not sent: what was read may
 * show less than what is stored. */
#include "vtab/update.h"

#include "vtab/affinity.h"
#include "vtab/locking.h"
#include "vtab/old_row.h"

/* argv of xUpdate: the old rowid or key, the new one, then the columns. */
enum { ARGUMENT_OLD, ARGUMENT_NEW, ARGUMENT_COLUMNS };

/* Is this column the table's INTEGER PRIMARY KEY? SQLite gives its value as the new rowid or as
 * the column, or both. */
static bool is_integer_key(const struct schema *schema, size_t column) {
    return schema->identity == IDENTITY_INTEGER_KEY && schema->key_column == (int)column;
}

static sqlite3_value *column_argument(const struct update *update, size_t column) {
    sqlite3_value *value = update->argv[ARGUMENT_COLUMNS + column];
    sqlite3_value *rowid = update->argv[ARGUMENT_NEW];

    if (!is_integer_key(update->table->schema, column) ||
            sqlite3_value_type(rowid) == SQLITE_NULL) {
        return value;
    }
    if (update->change.kind == CHANGE_INSERT) {
        return sqlite3_value_type(value) == SQLITE_NULL ? rowid : value;
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
            "(SELECT ...), or set the same columns in all triggers that update the table so");
    return STATUS_UNSUPPORTED;
}

/* OR REPLACE makes a NULL that may not be the default. */
static bool may_become_default(const struct update *update, size_t i, sqlite3_value *value) {
    const struct column *column = &update->table->schema->columns[i];

    return update->change.kind == CHANGE_INSERT && update->conflict == SQLITE_REPLACE &&
           column->remote_not_null && column->default_sql != NULL &&
           sqlite3_value_type(value) == SQLITE_NULL;
}

/* A value that is given to a column of just its class, as most of an INSERT's are. */
static bool take_plain(struct update *update, size_t i) {
    sqlite3_value *from = update->argv[ARGUMENT_COLUMNS + i];
    enum affinity affinity = (enum affinity)update->table->affinities[i];
    struct value *value = &update->values[i];

    value->number = VALUE_NULL;
    switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER:
        value->kind = VALUE_INTEGER;
        value->integer = sqlite3_value_int64(from);
        return affinity == AFFINITY_NUMERIC;
    case SQLITE_FLOAT:
        value->kind = VALUE_REAL;
        value->real = sqlite3_value_double(from);
        return affinity == AFFINITY_REAL;
    case SQLITE_TEXT:
        value->kind = VALUE_TEXT;
        value->bytes = (const char *)sqlite3_value_text(from);
        value->length = (size_t)sqlite3_value_bytes(from);
        return affinity == AFFINITY_TEXT && value->bytes != NULL;
    default:
        return false;
    }
}

static enum status take_column(struct update *update, size_t i, struct error *err) {
    const struct column *column = &update->table->schema->columns[i];
    sqlite3_value *value = column_argument(update, i);
    bool insert = update->change.kind == CHANGE_INSERT;
    bool left_out = !insert && sqlite3_value_nochange(value);

    if (insert && column->generated == 0 && !is_integer_key(update->table->schema, i) &&
            take_plain(update, i)) {
        update->states[i] = CELL_SET;
        return STATUS_OK;
    }
    if (!insert) {
        enum status status = left_out ? STATUS_OK : check_set(update, i, &left_out, err);

        if (status != STATUS_OK || left_out) {
            update->states[i] = CELL_UNCHANGED;
            update->values[i] = (struct value){ .kind = VALUE_NULL };
            return status;
        }
    } else {
        enum status status = check_left_out(update, i, value, &left_out, err);

        if (status != STATUS_OK || left_out) {
            update->states[i] = CELL_DEFAULT;
            update->values[i] = (struct value){ .kind = VALUE_NULL };
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
    return affinity_value(
            value, (enum affinity)update->table->affinities[i], &update->values[i], err);
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

/* Found once: to read the declared types for every value would cost as much as all the rest. */
static enum status find_affinities(struct table *table, struct error *err) {
    const struct schema *schema = table->schema;
    struct arena *arena = &table->list_arena;
    size_t count = schema->column_count;

    if (table->affinities != NULL) {
        return STATUS_OK;
    }
    table->row_values = arena_alloc_array(arena, count, sizeof(*table->row_values));
    table->row_states = arena_alloc_array(arena, count, sizeof(*table->row_states));
    if (table->row_values != NULL && table->row_states != NULL) {
        table->affinities = arena_alloc_array(arena, count, 1);
    }
    if (table->affinities == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        table->affinities[i] = (uint8_t)affinity_of(schema->columns[i].declared);
    }
    return STATUS_OK;
}

static enum status take_columns(struct update *update, struct error *err) {
    const struct schema *schema = update->table->schema;
    enum status status = find_affinities(update->table, err);

    if (status != STATUS_OK) {
        return status;
    }
    update->values = update->table->row_values;
    update->states = update->table->row_states;
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

enum status update_take(struct update *update, struct error *err) {
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
