/* Many changes as one statement with RETURNING: bridge_insert and its kin. The SQL differs from
 * change.c's in that; what it means is SQLite's own here as well. */
#include "drivers/sqlite/internal.h"

struct bulk_sql {
    const struct change_set *bulk;
    size_t taken; /* rows of it */
    struct text sql;
    const struct value **values; /* of ?1, ?2, ... */
    size_t count;
    struct value *rowids; /* what identities by rowid are bound from */
};

static void append_name(struct bulk_sql *w, int column) {
    sq_append_identifier(&w->sql, w->bulk->schema->columns[column].remote_name);
}

static void append_value(struct bulk_sql *w, const struct value *value) {
    w->values[w->count++] = value;
    text_printf(&w->sql, "?%zu", w->count);
}

static bool is_set(const struct change *change, size_t column) {
    return change->kind != CHANGE_DELETE && change->states[column] == CELL_SET;
}

static size_t set_count(const struct change_set *bulk) {
    size_t count = 0;

    for (size_t i = 0; i < bulk->schema->column_count; i++) {
        count += is_set(&bulk->rows[0], i);
    }
    return count;
}

/* ---- INSERT ------------------------------------------------------------------------ */

static void append_row(struct bulk_sql *w, const struct change *change) {
    const char *separator = "(";

    for (size_t i = 0; i < w->bulk->schema->column_count; i++) {
        if (is_set(change, i)) {
            text_append(&w->sql, separator);
            append_value(w, &change->values[i]);
            separator = ", ";
        }
    }
    text_append_char(&w->sql, ')');
}

static void append_assignment(struct bulk_sql *w, size_t i) {
    const struct change_conflict *conflict = w->bulk->conflict;
    int column = conflict->update[i];

    append_name(w, column);
    text_append(&w->sql, " = ");
    if (!conflict->as_is[i]) {
        text_append(&w->sql, conflict->keep[i] ? "coalesce(excluded." : "excluded.");
        append_name(w, column);
        text_append(&w->sql, conflict->keep[i] ? ", " : "");
    }
    if (conflict->as_is[i] || conflict->keep[i]) {
        sq_append_identifier(&w->sql, w->bulk->schema->remote_name);
        text_append_char(&w->sql, '.');
        append_name(w, column);
    }
    text_append(&w->sql, conflict->keep[i] && !conflict->as_is[i] ? ")" : "");
}

static void append_conflict(struct bulk_sql *w) {
    const struct change_conflict *conflict = w->bulk->conflict;

    text_append(&w->sql, " ON CONFLICT ");
    text_append(&w->sql, conflict->target != NULL ? conflict->target : "(");
    for (size_t i = 0; conflict->target == NULL && i < conflict->column_count; i++) {
        text_append(&w->sql, i > 0 ? ", " : "");
        append_name(w, conflict->columns[i]);
    }
    text_append(&w->sql, conflict->target != NULL ? "" : ")");
    text_append(&w->sql, conflict->nothing ? " DO NOTHING" : " DO UPDATE SET ");
    for (size_t i = 0; !conflict->nothing && i < conflict->update_count; i++) {
        text_append(&w->sql, i > 0 ? ", " : "");
        append_assignment(w, i);
    }
}

static void append_insert(struct bulk_sql *w) {
    const struct change_set *bulk = w->bulk;
    const char *separator = " (";

    text_append(&w->sql, "INSERT INTO ");
    sq_append_table(&w->sql, bulk->schema);
    for (size_t i = 0; i < bulk->schema->column_count; i++) {
        if (is_set(&bulk->rows[0], i)) {
            text_append(&w->sql, separator);
            append_name(w, (int)i);
            separator = ", ";
        }
    }
    if (set_count(bulk) == 0) { /* which ON CONFLICT cannot follow */
        text_append(&w->sql, " DEFAULT VALUES");
        return;
    }
    text_append(&w->sql, ") VALUES ");
    for (size_t i = 0; i < w->taken; i++) {
        text_append(&w->sql, i > 0 ? ", " : "");
        append_row(w, &bulk->rows[i]);
    }
    if (bulk->conflict != NULL) {
        append_conflict(w);
    }
}

/* ---- UPDATE and DELETE ------------------------------------------------------------- */

static size_t identity_count(const struct schema *schema) {
    return schema->identity == IDENTITY_ROW ? schema->find_count : 1;
}

static void append_identity(struct bulk_sql *w, size_t i) {
    const struct schema *schema = w->bulk->schema;
    const struct row_identity *row = &w->bulk->rows[i].row;

    if (schema->identity == IDENTITY_INTEGER_KEY || schema->identity == IDENTITY_ROWID) {
        w->rowids[i] = (struct value){ .kind = VALUE_INTEGER, .integer = row->rowid };
        append_value(w, &w->rowids[i]);
        return;
    }
    for (size_t part = 0; part < identity_count(schema); part++) {
        if (schema->identity == IDENTITY_ROW) {
            text_append(&w->sql, part > 0 ? " AND " : "(");
            append_name(w, schema->find_columns[part]);
            text_append(&w->sql, " = ");
        }
        append_value(w, &row->key[part]);
    }
    text_append(&w->sql, schema->identity == IDENTITY_ROW ? ")" : "");
}

static void append_where(struct bulk_sql *w) {
    const struct schema *schema = w->bulk->schema;
    bool several = schema->identity == IDENTITY_ROW;

    text_append(&w->sql, " WHERE ");
    if (schema->identity == IDENTITY_ROWID) {
        text_append(&w->sql, sq_relation(schema)->rowid_name);
    } else if (!several) {
        append_name(w, schema->key_column);
    }
    text_append(&w->sql, several ? "" : " IN (");
    for (size_t i = 0; i < w->taken; i++) {
        text_append(&w->sql, i == 0 ? "" : several ? " OR " : ", ");
        append_identity(w, i);
    }
    text_append(&w->sql, several ? "" : ")");
}

static void append_update(struct bulk_sql *w) {
    const struct change *change = &w->bulk->rows[0];
    const char *separator = " SET ";

    text_append(&w->sql, "UPDATE ");
    sq_append_table(&w->sql, w->bulk->schema);
    for (size_t i = 0; i < w->bulk->schema->column_count; i++) {
        if (is_set(change, i)) {
            text_append(&w->sql, separator);
            append_name(w, (int)i);
            text_append(&w->sql, " = ");
            append_value(w, &change->values[i]);
            separator = ", ";
        }
    }
    append_where(w);
}

static enum status append_statement(struct bulk_sql *w, struct error *err) {
    switch (w->bulk->rows[0].kind) {
    case CHANGE_INSERT:
        append_insert(w);
        break;
    case CHANGE_UPDATE:
        append_update(w);
        break;
    case CHANGE_DELETE:
        text_append(&w->sql, "DELETE FROM ");
        sq_append_table(&w->sql, w->bulk->schema);
        append_where(w);
        break;
    }
    for (size_t i = 0; i < w->bulk->schema->column_count; i++) {
        text_append(&w->sql, i > 0 ? ", " : " RETURNING ");
        sq_append_stored(&w->sql, w->bulk->schema, (int)i);
    }
    return text_status(&w->sql, err);
}

/* ---- running ----------------------------------------------------------------------- */

/* As many as there may be parameters for. */
static size_t rows_taken(const struct sq_session *session, const struct change_set *bulk) {
    size_t most = (size_t)sqlite3_limit(session->db, SQLITE_LIMIT_VARIABLE_NUMBER, -1);
    size_t each = bulk->rows[0].kind == CHANGE_INSERT ? set_count(bulk)
                                                      : identity_count(bulk->schema);
    size_t shared = bulk->rows[0].kind == CHANGE_UPDATE ? set_count(bulk) : 0;
    size_t rows = most > shared && each > 0 ? (most - shared) / each : 1;

    return rows == 0 ? 1 : rows < bulk->row_count ? rows : bulk->row_count;
}

static enum status check_values(const struct bulk_sql *w, struct error *err) {
    const struct schema *schema = w->bulk->schema;
    enum status status = STATUS_OK;

    for (size_t row = 0; row < w->taken; row++) {
        const struct change *change = &w->bulk->rows[row];

        for (size_t i = 0; i < schema->column_count && status == STATUS_OK; i++) {
            if (is_set(change, i)) {
                status = sq_check_value(schema, i, &change->values[i], err);
            }
        }
    }
    return status;
}

static enum status start_writing(
        struct sq_session *session, const struct change_set *bulk, struct error *err) {
    enum status status = sq_guard_start(session, 0, err);

    if (status == STATUS_OK) {
        status = sq_start_writing(session, err);
    }
    return status == STATUS_OK ? sq_verify(session, bulk->schema, err) : status;
}

enum status sq_change_rows(struct session *base, const struct change_set *bulk, size_t *taken,
        struct scan **out, struct error *err) {
    struct sq_session *session = sq_session(base);
    struct bulk_sql w = { .bulk = bulk, .taken = rows_taken(session, bulk) };
    size_t most = (set_count(bulk) + identity_count(bulk->schema)) * w.taken;
    enum status status;

    text_init(&w.sql, TEXT_SQL_BYTES_MAX);
    w.values = memory_alloc_array(most, sizeof(*w.values));
    w.rowids = memory_alloc_array(w.taken, sizeof(*w.rowids));
    status = w.values != NULL && w.rowids != NULL ? STATUS_OK : error_nomem(err);
    if (status == STATUS_OK) {
        status = check_values(&w, err);
    }
    if (status == STATUS_OK) {
        status = append_statement(&w, err);
    }
    if (status == STATUS_OK) {
        status = start_writing(session, bulk, err);
    }
    if (status == STATUS_OK) {
        status = sq_enter(session, err);
    }
    if (status == STATUS_OK) {
        status = sq_returning_start(
                session, bulk->schema, text_get(&w.sql), w.values, w.count, out, err);
    }
    if (status == STATUS_OK) {
        *taken = w.taken;
    }
    text_clear(&w.sql);
    memory_free(w.values);
    memory_free(w.rowids);
    return status;
}
