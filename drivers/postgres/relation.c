/* Queries over relations: what is asked and in which form, and whether what came is what is
 * decoded. Pairs with dialect.c, which makes the SQL, and decode.c, which reads the values. */
#include "drivers/postgres/copy.h"

#include <string.h>

/* ---- rows of a relation -------------------------------------------------------------------
 */

static enum status scan_changed(
        const struct column *column, const char *how, struct error *err) {
    return error_set(err, STATUS_SCHEMA, "remote table changed: column \"%s\" %s",
            column->remote_name, how);
}

/* Before any value is shown: is what came what is decoded? */
static enum status relation_check(
        struct pg_scan *scan, const PGresult *result, struct error *err) {
    if ((size_t)(PQnfields(result) - scan->lead) != scan->field_count) {
        return error_set(err, STATUS_SCHEMA,
                "remote table changed: %d columns came where %zu were expected",
                PQnfields(result) - scan->lead, scan->field_count);
    }
    for (size_t i = 0; i < scan->column_count + scan->key_extra; i++) {
        const struct column *column = &scan->schema->columns[scan->columns[i]];
        const struct pg_column *facts = column->driver_data;

        if (facts->wire_oid != 0 && PQftype(result, scan->lead + (int)i) != facts->wire_oid) {
            return scan_changed(column, "is of another type", err);
        }
        if (facts->wire_typmod_checked &&
                PQfmod(result, scan->lead + (int)i) != facts->wire_typmod) {
            return scan_changed(column, "has another precision or length", err);
        }
    }
    return STATUS_OK;
}

static enum status relation_rowid(
        const struct pg_scan *scan, int64_t *rowid, struct error *err) {
    const struct pg_relation *relation = pg_relation(scan->schema);
    const struct pg_field *ctid = &scan->fields[scan->column_count + scan->key_extra],
                          *tableoid = ctid + 1;

    if (ctid->bytes == NULL) {
        return error_set(err, STATUS_PROTOCOL, "row came without its identity");
    }
    return relation->leaf_count > 0
                   ? pg_decode_rowid(relation, ctid->bytes, ctid->length, tableoid->bytes,
                             tableoid->length, rowid, err)
                   : pg_decode_rowid(relation, ctid->bytes, ctid->length, NULL, 0, rowid, err);
}

enum status pg_relation_row(
        struct pg_scan *scan, struct batch *batch, int64_t number, struct error *err) {
    int64_t rowid = 0;
    enum status status = STATUS_OK;

    batch_begin_row(batch);
    for (size_t i = 0; i < scan->column_count && status == STATUS_OK; i++) {
        const struct pg_field *field = &scan->fields[i];
        const struct column *column = field->column;

        if (field->bytes == NULL && column->not_null) {
            return scan_changed(column, "may be NULL now", err);
        }
        status = pg_decode(column->driver_data, field->bytes, field->length, batch, err);
    }
    if (status == STATUS_PROTOCOL && err != NULL) {
        pg_malformed_row(scan, number, err);
    }
    if (status == STATUS_OK && scan->has_rowids) {
        status = relation_rowid(scan, &rowid, err);
    }
    if (status == STATUS_OK) {
        batch_end_row(batch, rowid);
    }
    return status;
}

static enum status relation_row(
        struct pg_scan *scan, int row, struct batch *batch, struct error *err) {
    if (pg_definition_no_row(scan, scan->result, row)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < scan->field_count; i++) {
        int field = scan->lead + (int)i;
        bool null = PQgetisnull(scan->result, row, field) != 0;

        scan->fields[i].bytes = null ? NULL : PQgetvalue(scan->result, row, field);
        scan->fields[i].length = (size_t)PQgetlength(scan->result, row, field);
    }
    return pg_relation_row(
            scan, batch, scan->base.rows - PQntuples(scan->result) + row + 1, err);
}

/* ---- a mere count -------------------------------------------------------------------------
 */

static enum status count_check(
        struct pg_scan *scan, const PGresult *result, struct error *err) {
    (void)scan;
    if (PQntuples(result) != 1 || PQnfields(result) != 1 || PQgetlength(result, 0, 0) != 8) {
        return error_set(err, STATUS_PROTOCOL, "server gave something else than a count");
    }
    return STATUS_OK;
}

static enum status count_row(
        struct pg_scan *scan, int row, struct batch *batch, struct error *err) {
    const unsigned char *bytes = (const unsigned char *)PQgetvalue(scan->result, row, 0);
    uint64_t count = 0;

    (void)err;
    for (int i = 0; i < 8; i++) {
        count = count << 8 | bytes[i];
    }
    batch->rows = (int64_t)count;
    return STATUS_OK;
}

/* ---- start --------------------------------------------------------------------------------
 */

/* As many rows as one FETCH would ask for at first, and no more can come. */
static bool is_short(const struct query *query) {
    return query->limit >= 0 && query->limit <= BATCH_ROWS_MAX &&
           query->schema->row_bytes * (double)query->limit <= FETCH_BYTES_WANTED;
}

static bool asks_for_few(const struct query *query) {
    return (query->flags & QUERY_FEW) != 0 && (query->flags & QUERY_COUNT_ONLY) == 0 &&
           query->schema->kind != RELATION_QUERY &&
           query->schema->row_bytes * PG_FEW_ROWS_MAX <= FETCH_BYTES_WANTED;
}

static enum pg_transport relation_transport(
        const struct pg_session *session, const struct query *query) {
    if ((query->flags & (QUERY_COUNT_ONLY | QUERY_UNIQUE)) != 0 || is_short(query) ||
            asks_for_few(query)) {
        return PG_TRANSPORT_RESULT;
    }
    return pg_copy_fits(session, query) ? PG_TRANSPORT_COPY : PG_TRANSPORT_CURSOR;
}

enum status pg_scan_keep_query(
        struct pg_scan *scan, const struct query *query, struct error *err) {
    /* Counting references is all that is done to it. */
    scan->schema = schema_retain((struct schema *)query->schema);
    scan->row_goal = query->row_goal;
    scan->generated = query->schema->kind != RELATION_QUERY;
    scan->binary = true;
    scan->transport = relation_transport(pg_session_from(scan->base.session), query);
    if ((query->flags & QUERY_COUNT_ONLY) != 0) {
        scan->check = count_check;
        scan->row = count_row;
        return STATUS_OK;
    }
    scan->check = relation_check;
    scan->row = relation_row;
    scan->alone = (query->flags & QUERY_ALONE) != 0;
    scan->few = asks_for_few(query);
    scan->read_all = (query->flags & QUERY_ALL) != 0;
    scan->has_rowids = (query->flags & QUERY_IDENTITY) != 0;
    scan->column_count = query->column_count;
    scan->columns = memory_alloc_array(
            query->column_count + PG_KEY_COLUMNS_MAX, sizeof(*scan->columns));
    scan->fields = memory_alloc_array(
            query->column_count + PG_KEY_COLUMNS_MAX + 2, sizeof(*scan->fields));
    if (scan->columns == NULL || scan->fields == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < query->column_count; i++) {
        scan->columns[i] = query->columns[i];
        scan->fields[i].column = &query->schema->columns[query->columns[i]];
    }
    scan->key_extra =
            pg_malformed_key(query, scan->columns + query->column_count, PG_KEY_COLUMNS_MAX);
    scan->field_count = query->column_count + scan->key_extra;
    if (scan->has_rowids) {
        scan->field_count += pg_relation(query->schema)->leaf_count > 0 ? 2 : 1;
    }
    return STATUS_OK;
}

/* For the log, and only there. */
static char *parameters_json(const struct pg_parameters *parameters) {
    struct text json;

    text_init(&json, TEXT_SQL_BYTES_MAX);
    text_append(&json, "[");
    for (size_t i = 0; i < parameters->count; i++) {
        text_append(&json, i > 0 ? "," : "");
        if (parameters->values[i] == NULL) {
            text_append(&json, "null");
        } else {
            text_append_json(&json, parameters->values[i], strlen(parameters->values[i]));
        }
    }
    text_append(&json, "]");
    return text_steal(&json);
}

enum status pg_scan_start(
        struct session *base, const struct query *query, struct scan **out, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    struct pg_parameters parameters = { .count = 0 };
    struct query asked = *query;
    struct pg_scan *scan = NULL;
    enum status status = pg_scan_create(base, &scan, err);

    if (status != STATUS_OK) {
        return status;
    }
    status = pg_scan_keep_query(scan, query, err);
    if (scan->key_extra > 0) {
        asked.columns = scan->columns;
        asked.column_count += scan->key_extra;
    }
    asked.limit = scan->few ? PG_FEW_ROWS_MAX + 1 : asked.limit;
    if (status == STATUS_OK) {
        status = pg_select(&asked, &scan->sql, &parameters, err);
    }
    if (status == STATUS_OK) {
        status = pg_definition_join(scan, query, err);
    }
    if (status == STATUS_OK && session->base.host.log_parameters) {
        scan->parameters = parameters_json(&parameters);
    }
    if (status == STATUS_OK) {
        struct pg_command command = { .values = parameters.values, .count = parameters.count };

        /* A function in the user's query may change settings; see pg_finish(). */
        session->user_sql = session->user_sql || !scan->generated;
        status = scan->transport == PG_TRANSPORT_COPY ? pg_copy_start(scan, &asked, err)
                                                      : pg_scan_send(scan, &command, err);
    }
    scan->values = parameters;
    if (status != STATUS_OK) {
        scan->failure = status;
        pg_scan_end(&scan->base);
        return status;
    }
    *out = &scan->base;
    return STATUS_OK;
}

/* By a statement that gives no rows: what is asked along with it, or the types that it has,
 * tell whether the relation is another one. It is no query of anybody's, and not logged. */
enum status pg_confirm(struct session *base, const struct schema *schema, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    const struct pg_relation *relation = pg_relation(schema);
    struct query query = { .schema = schema, .flags = QUERY_UNIQUE, .limit = 0 };
    struct batch batch;
    struct scan *scan = NULL;
    int *columns = NULL;
    enum status status;

    if (session->snapshot_open && *relation->checked_in == session->held_since_ms) {
        return STATUS_OK;
    }
    batch_init(&batch);
    if (relation->definition == NULL) { /* a user's query is known by its columns */
        columns = memory_alloc_array(schema->column_count, sizeof(*columns));
        if (columns == NULL) {
            return error_nomem(err);
        }
        for (size_t i = 0; i < schema->column_count; i++) {
            columns[query.column_count++] = (int)i;
        }
        query.columns = columns;
    }
    status = pg_scan_start(base, &query, &scan, err);
    if (status == STATUS_OK) {
        status = pg_scan_next(scan, &batch, err);
        *relation->checked_in = status == STATUS_OK ? session->held_since_ms : 0;
        scan->statement = NULL;
        pg_scan_end(scan);
    }
    batch_clear(&batch);
    memory_free(columns);
    return status;
}
