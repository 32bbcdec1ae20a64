/* Many rows of an INSERT as COPY ... FROM STDIN: what the server does beside the host's
 * reading, at a third of an INSERT's cost. Only for rows whose keys nobody waits for; the last
 * one of a statement goes by INSERT, which tells the newest rowid.
 *
 * COPY does what INSERT does (defaults, constraints, triggers), save three things that the
 * server is asked about first: rules, row security, and, since its bytes carry no types, the
 * columns' types. All are kept as they are by the lock that a row written before has taken. */
#include "drivers/postgres/copy.h"
#include "drivers/postgres/write.h"

#include <string.h>

enum {
    PIECE_BYTES = 64 * 1024,           /* goes to the server at once */
    COPY_BYTES_MAX = 16 * 1024 * 1024, /* of one COPY: its failure shows when it ends */
    FRAME_BYTES_MAX = 2147483647,      /* a row that waits may be twice as long as text */
};

static bool relation_fits(const struct schema *schema) {
    return (schema->kind == RELATION_TABLE || schema->kind == RELATION_PARTITIONED_TABLE) &&
           schema->remote_name != NULL && !pg_relation(schema)->foreign_leaves;
}

bool pg_copy_in_fits(const struct pg_writer *writer) {
    const struct pg_session *session = pg_session_from(writer->base.session);
    const struct pg_copying *copying = &writer->copying;

    return copying->locked && pg_definition_holds(writer->base.session, writer->schema) &&
           !copying->refused && writer->shape.kind == CHANGE_INSERT &&
           writer->shape.on_conflict == ON_CONFLICT_ABORT && session->open_scans == 0 &&
           !session->statement_timeout && relation_fits(writer->schema) &&
           pg_copy_format(&writer->shape) != PG_COPY_NEVER &&
           pg_copy_holds(&writer->shape, &writer->rows);
}

/* ---- the question -------------------------------------------------------------------------
 */

static void append_columns(struct text *sql, const struct pg_shape *shape) {
    const char *separator = "";

    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (pg_is_set(shape, i)) {
            text_append(sql, separator);
            pg_append_identifier(sql, shape->schema->columns[i].remote_name);
            separator = ", ";
        }
    }
}

static bool types_fit(const struct pg_shape *shape, const PGresult *described) {
    int field = 0;

    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (pg_is_set(shape, i) &&
                PQftype(described, field++) != pg_column(shape->schema, (int)i)->type_oid) {
            return false;
        }
    }
    return described != NULL && PQnfields(described) == field;
}

/* The server's own description of the columns is as new as the lock; what a statement reads of
 * the catalog is as old as its snapshot, which is what rules are to be seen in. */
static enum status ask(struct pg_session *session, struct pg_request *request[2],
        const char *const sql[2], struct error *err) {
    enum status status = pg_request_create(session, &request[0], err);

    if (status == STATUS_OK) {
        status = pg_snapshot_enter(session, request[0], err);
    }
    if (status == STATUS_OK) {
        status = pg_request_describe(request[0], sql[0], err);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(request[0], err);
    }
    if (status == STATUS_OK) {
        status = pg_request_create(session, &request[1], err);
    }
    if (status == STATUS_OK) {
        status = pg_request_add_text(request[1], sql[1], err);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(request[1], err);
    }
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        status = pg_request_finish(request[i], true, err);
    }
    /* What was queued without its end cannot be taken back. */
    return status == STATUS_OK || session->base.broken || status == STATUS_CANCELLED ||
                           (request[1] != NULL && request[1]->done)
                   ? status
                   : pg_session_break(session, status, "a write could not be sent", err);
}

static enum status ask_server(struct pg_writer *writer, struct error *err) {
    struct pg_session *session = pg_session_from(writer->base.session);
    struct pg_request *request[2] = { NULL, NULL };
    struct text columns, facts, name;
    enum status status;

    text_init(&columns, TEXT_SQL_BYTES_MAX);
    text_init(&facts, TEXT_SQL_BYTES_MAX);
    text_init(&name, TEXT_SQL_BYTES_MAX);
    pg_append_relation(&name, writer->schema);
    text_append(&columns, "SELECT ");
    append_columns(&columns, &writer->shape);
    text_printf(&columns, " FROM %s", text_get(&name));
    text_append(&facts, "SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = ");
    pg_append_literal(&facts, text_get(&name));
    text_append(&facts, "::pg_catalog.regclass AND NOT c.relhasrules AND c.relkind IN "
                        "('r', 'p') AND NOT pg_catalog.row_security_active(c.oid)");
    status = text_status(&name, err);
    status = status == STATUS_OK ? text_status(&columns, err) : status;
    status = status == STATUS_OK ? text_status(&facts, err) : status;
    if (status == STATUS_OK) {
        const char *const sql[2] = { text_get(&columns), text_get(&facts) };

        status = ask(session, request, sql, err);
    }
    if (status == STATUS_OK) {
        writer->copying.asked = true;
        writer->copying.refused = !types_fit(&writer->shape, request[0]->result) ||
                                  PQntuples(request[1]->result) != 1;
    }
    pg_request_drop(request[0]);
    pg_request_drop(request[1]);
    text_clear(&name);
    text_clear(&facts);
    text_clear(&columns);
    return status;
}

/* ---- one COPY -----------------------------------------------------------------------------
 */

/* What all rows of the shape have in common. */
static enum status take_fields(struct pg_writer *writer, struct error *err) {
    struct pg_copying *copying = &writer->copying;

    copying->binary = pg_copy_format(&writer->shape) == PG_COPY_BINARY;
    memory_free(copying->fields);
    copying->fields =
            memory_alloc_array(pg_parameter_count(&writer->shape), sizeof(*copying->fields));
    if (copying->fields == NULL) {
        return error_nomem(err);
    }
    pg_copy_fields(&writer->shape, copying->fields);
    return STATUS_OK;
}

static enum status put_frame(struct pg_copying *copying, struct error *err) {
    enum status status = text_status(&copying->frame, err);

    if (status == STATUS_OK) {
        status = pg_copy_in_put(
                copying->request, text_get(&copying->frame), copying->frame.length, err);
    }
    copying->bytes += (int64_t)copying->frame.length;
    text_truncate(&copying->frame, 0);
    return status;
}

/* Rows that lie as COPY has them. */
static enum status put_frames(struct pg_writer *writer, size_t rows, struct error *err) {
    struct pg_copying *copying = &writer->copying;
    size_t at = pg_frame_start(&writer->rows, 0), end = pg_frame_start(&writer->rows, rows);
    enum status status = copying->frame.length > 0 ? put_frame(copying, err) : STATUS_OK;

    while (at < end && status == STATUS_OK && copying->request->feeding) {
        size_t length = end - at < PIECE_BYTES ? end - at : PIECE_BYTES;

        status = pg_copy_in_put(
                copying->request, text_get(&writer->rows.bytes) + at, length, err);
        copying->bytes += (int64_t)length;
        at += length;
    }
    copying->rows += (int64_t)rows;
    return status;
}

static enum status put_rows(struct pg_writer *writer, size_t rows, struct error *err) {
    struct pg_copying *copying = &writer->copying;
    pg_copy_append *append = copying->binary ? pg_copy_append_binary : pg_copy_append_text;
    size_t count = pg_parameter_count(&writer->shape);
    enum status status = STATUS_OK;

    for (size_t row = 0; row < rows && status == STATUS_OK && copying->request->feeding;
            row++) {
        append(&copying->frame, copying->fields, &writer->rows, row, count);
        copying->rows++;
        if (copying->frame.length >= PIECE_BYTES || row + 1 == rows) {
            status = put_frame(copying, err); /* whoever ends the COPY finds all of it sent */
        }
    }
    return status;
}

static enum status start(struct pg_writer *writer, struct error *err) {
    struct pg_session *session = pg_session_from(writer->base.session);
    struct pg_copying *copying = &writer->copying;
    enum status status = take_fields(writer, err);

    if (copying->sql.bytes_max == 0) {
        text_init(&copying->sql, TEXT_SQL_BYTES_MAX);
        text_init(&copying->frame, FRAME_BYTES_MAX);
    }
    text_truncate(&copying->sql, 0);
    text_truncate(&copying->frame, 0);
    text_append(&copying->sql, "COPY ");
    pg_append_relation(&copying->sql, writer->schema);
    text_append(&copying->sql, " (");
    append_columns(&copying->sql, &writer->shape);
    text_append(&copying->sql,
            copying->binary ? ") FROM STDIN (FORMAT binary)" : ") FROM STDIN (FORMAT text)");
    status = status == STATUS_OK ? text_status(&copying->sql, err) : status;
    if (status != STATUS_OK) {
        return status;
    }
    copying->rows = 0;
    copying->bytes = 0;
    copying->trips = session->base.counts.round_trips;
    writer->base.statement = text_get(&copying->sql);
    status = pg_request_create(session, &copying->request, err);
    if (status == STATUS_OK) {
        status = pg_copy_in_start(copying->request, text_get(&copying->sql), err);
    }
    if (copying->binary) {
        pg_copy_head(&copying->frame);
    }
    return status;
}

static void log_copy(
        const struct pg_writer *writer, enum status status, const struct error *err) {
    const struct pg_copying *copying = &writer->copying;
    struct pg_session *session = pg_session_from(writer->base.session);
    struct statement_record record = { .sql = text_get(&copying->sql),
        .ms = copying->request->waited_ms,
        .rows = status == STATUS_OK ? copying->rows : 0,
        .bytes = copying->bytes,
        .round_trips = session->base.counts.round_trips - copying->trips,
        .error = status != STATUS_OK ? err->message : NULL };

    pg_log(session, &record);
}

static enum status take_answer(struct pg_writer *writer, struct error *err) {
    const struct pg_request *request = writer->copying.request;
    enum status status;

    if (request->failure != NULL) {
        status = pg_copy_error(&writer->shape, request->failure, err);
        return status == STATUS_LOST ? pg_session_break(pg_session_from(writer->base.session),
                                               status, "the server ended it", NULL)
                                     : status;
    }
    return request->affected == writer->copying.rows
                   ? STATUS_OK
                   : pg_rows_left_out(
                             writer->schema, request->affected, writer->copying.rows, err);
}

enum status pg_copy_in_finish(struct pg_writer *writer, struct error *err) {
    struct pg_copying *copying = &writer->copying;
    struct error why = { 0 };
    enum status status = STATUS_OK;

    if (copying->request == NULL) {
        return STATUS_OK;
    }
    if (copying->request->feeding) {
        if (copying->binary) {
            pg_copy_tail(&copying->frame);
        }
        status = put_frame(copying, &why);
    }
    if (status == STATUS_OK) {
        status = pg_copy_in_end(copying->request, &why);
    }
    if (status == STATUS_OK) {
        status = take_answer(writer, &why);
    }
    log_copy(writer, status, &why);
    pg_request_drop(copying->request);
    copying->request = NULL;
    if (status != STATUS_OK) {
        error_statement(&why, text_get(&copying->sql));
    }
    error_move(err, &why);
    return status;
}

/* One that somebody else had to end is over. */
static enum status begin_copy(struct pg_writer *writer, struct error *err) {
    struct pg_copying *copying = &writer->copying;
    enum status status = STATUS_OK;

    if (copying->request != NULL &&
            (!copying->request->feeding || copying->bytes >= COPY_BYTES_MAX)) {
        status = pg_copy_in_finish(writer, err);
    }
    return status == STATUS_OK && copying->request == NULL ? start(writer, err) : status;
}

enum status pg_copy_in_rows(
        struct pg_writer *writer, bool but_last, bool *taken, struct error *err) {
    size_t rows = writer->rows.count - but_last;
    struct pg_copying *copying = &writer->copying;
    enum status status = STATUS_OK;

    *taken = false;
    if (!copying->asked) {
        status = ask_server(writer, err);
    }
    if (status != STATUS_OK || copying->refused) {
        return status;
    }
    status = begin_copy(writer, err);
    if (status == STATUS_OK) {
        status = writer->rows.frame.used ? put_frames(writer, rows, err)
                                         : put_rows(writer, rows, err);
    }
    if (status == STATUS_OK && !copying->request->feeding) {
        status = pg_copy_in_finish(writer, err); /* it was refused */
    }
    if (but_last) {
        pg_rows_keep_last(&writer->rows, pg_parameter_count(&writer->shape));
    } else {
        pg_rows_reset(&writer->rows);
    }
    *taken = true;
    return status;
}

void pg_copy_in_clear(struct pg_writer *writer) {
    struct pg_copying *copying = &writer->copying;

    if (copying->request != NULL && !copying->request->done) {
        pg_copy_in_close(copying->request, "its rows are not wanted any more");
    }
    pg_request_drop(copying->request);
    text_clear(&copying->sql);
    text_clear(&copying->frame);
    memory_free(copying->fields);
    memset(copying, 0, sizeof(*copying));
}
