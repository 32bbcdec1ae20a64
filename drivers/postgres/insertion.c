/* INSERTs whose rows come back as they were stored: bridge_insert and bridge_upsert. All rows
 * are one statement, INSERT ... FROM unnest() [ON CONFLICT ...] RETURNING, read as a scan. */
#include "drivers/postgres/write.h"

#include <string.h>

struct inserting {
    const struct insertion *insertion;
    struct pg_shape shape;
    struct pg_rows rows;
    struct pg_sending parameters;
    int *columns; /* all of the schema's */
};

static void append_names(
        struct text *sql, const struct schema *schema, const int *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        text_append(sql, i > 0 ? ", " : "");
        pg_append_identifier(sql, schema->columns[columns[i]].remote_name);
    }
}

static bool keeps_null(const struct insertion_conflict *conflict, int column) {
    for (size_t i = 0; i < conflict->keep_null_count; i++) {
        if (conflict->keep_null[i] == column) {
            return true;
        }
    }
    return false;
}

static void append_assignment(struct text *sql, const struct insertion *insertion, int column) {
    const char *name = insertion->schema->columns[column].remote_name;
    bool keep = keeps_null(insertion->conflict, column);

    pg_append_identifier(sql, name);
    text_append(sql, keep ? " = coalesce(excluded." : " = excluded.");
    pg_append_identifier(sql, name);
    if (keep) {
        text_append(sql, ", r.");
        pg_append_identifier(sql, name);
        text_append_char(sql, ')');
    }
}

static void append_conflict(struct text *sql, const struct insertion *insertion) {
    const struct insertion_conflict *conflict = insertion->conflict;

    text_append(sql, " ON CONFLICT ");
    if (conflict->target != NULL) {
        text_append(sql, conflict->target);
    } else if (conflict->column_count > 0) {
        text_append_char(sql, '(');
        append_names(sql, insertion->schema, conflict->columns, conflict->column_count);
        text_append_char(sql, ')');
    }
    if (conflict->nothing || conflict->update_count == 0) {
        text_append(sql, " DO NOTHING");
        return;
    }
    text_append(sql, " DO UPDATE SET ");
    for (size_t i = 0; i < conflict->update_count; i++) {
        text_append(sql, i > 0 ? ", " : "");
        append_assignment(sql, insertion, conflict->update[i]);
    }
}

/* Every "%c" is the column, of the row as stored. */
static void append_shown(struct text *sql, const struct column *column) {
    const struct pg_column *pg = column->driver_data;

    for (const char *at = pg->select_expression; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 'c') {
            text_append(sql, "r.");
            pg_append_identifier(sql, column->remote_name);
            at++;
        } else {
            text_append_char(sql, *at);
        }
    }
}

static enum status insertion_sql(
        const struct inserting *inserting, struct text *sql, struct error *err) {
    const struct schema *schema = inserting->insertion->schema;

    pg_append_insert(sql, &inserting->shape);
    if (inserting->insertion->conflict != NULL) {
        append_conflict(sql, inserting->insertion);
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        text_append(sql, i > 0 ? ", " : " RETURNING ");
        append_shown(sql, &schema->columns[i]);
    }
    return text_status(sql, err);
}

static enum status insertion_rows(struct inserting *inserting, struct error *err) {
    const struct insertion *insertion = inserting->insertion;
    bool one = insertion->row_count == 1 || pg_parameter_count(&inserting->shape) == 0;
    enum status status = STATUS_OK;

    if (one && insertion->row_count != 1) {
        return error_set(err, STATUS_UNSUPPORTED,
                "rows without any value can only be inserted one at a time");
    }
    inserting->shape.source = one ? PG_SOURCE_ROW : PG_SOURCE_ARRAYS;
    for (size_t i = 0; i < insertion->row_count && status == STATUS_OK; i++) {
        status = pg_rows_add(&inserting->rows, &inserting->shape, &insertion->rows[i], err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    return one ? pg_sending_row(&inserting->parameters, &inserting->rows, 0,
                         pg_parameter_count(&inserting->shape), err)
               : pg_sending_arrays(
                         &inserting->parameters, &inserting->rows, &inserting->shape, err);
}

static enum status insertion_columns(struct inserting *inserting, struct error *err) {
    size_t count = inserting->insertion->schema->column_count;

    inserting->columns = memory_alloc_array(count + 1, sizeof(*inserting->columns));
    if (inserting->columns == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        inserting->columns[i] = (int)i;
    }
    return STATUS_OK;
}

static enum status insertion_send(
        struct inserting *inserting, struct pg_scan *scan, struct error *err) {
    const struct schema *schema = inserting->insertion->schema;
    struct query query = { .schema = schema,
        .columns = inserting->columns,
        .column_count = schema->column_count,
        .limit = -1,
        .flags = QUERY_UNIQUE /* the whole result at once */ };
    struct pg_command command = { .values = inserting->parameters.values,
        .lengths = inserting->parameters.lengths,
        .formats = inserting->parameters.formats,
        .count = inserting->parameters.count };
    enum status status = pg_scan_keep_query(scan, &query, err);

    if (status == STATUS_OK) {
        status = insertion_sql(inserting, &scan->sql, err);
    }
    if (status == STATUS_OK) {
        status = pg_scan_send(scan, &command, err);
    }
    return status == STATUS_OK ? pg_transaction_wrote(pg_session_from(scan->base.session), err)
                               : status;
}

enum status pg_insert_rows(struct session *base, const struct insertion *insertion,
        struct scan **out, struct error *err) {
    struct inserting inserting = { .insertion = insertion };
    struct pg_scan *scan = NULL;
    enum status status = STATUS_OK;

    if (!pg_session_from(base)->transaction.writes) {
        return error_set(err, STATUS_READONLY, "no transaction that writes has begun");
    }
    inserting.shape.schema = insertion->schema;
    inserting.shape.kind = CHANGE_INSERT;
    inserting.shape.states = insertion->rows[0].states;
    status = insertion_rows(&inserting, err);
    if (status == STATUS_OK) {
        status = insertion_columns(&inserting, err);
    }
    if (status == STATUS_OK) {
        status = pg_scan_create(base, &scan, err);
    }
    if (status == STATUS_OK) {
        status = insertion_send(&inserting, scan, err);
    }
    pg_rows_clear(&inserting.rows);
    arena_clear(&inserting.parameters.arena);
    memory_free(inserting.columns);
    if (status != STATUS_OK) {
        if (scan != NULL) {
            scan->failure = status;
            pg_scan_end(&scan->base);
        }
        return status;
    }
    *out = &scan->base;
    return STATUS_OK;
}
