/* Many changes as one statement whose rows come back: bridge_insert and its kin. INSERT ...
 * FROM unnest() [ON CONFLICT ...], UPDATE or DELETE of the rows with the identities in arrays,
 * all with RETURNING; the answer is read as a scan. */
#include "drivers/postgres/write.h"

#include <string.h>

struct bulk_sending {
    struct pg_session *session;
    const struct change_set *bulk;
    struct pg_shape shape;
    struct pg_rows rows;
    struct pg_sending parameters;
    struct pg_request *request;
    struct pg_scan *scan;
    int64_t undone; /* the session's, when it was sent */
};

/* ---- the statement ------------------------------------------------------------------------
 */

static void append_name(struct text *sql, const struct change_set *bulk, int column) {
    pg_append_identifier(sql, bulk->schema->columns[column].remote_name);
}

static void append_assignment(struct text *sql, const struct change_set *bulk, size_t i) {
    const struct change_conflict *conflict = bulk->conflict;
    bool keeps = conflict->keep[i] && !conflict->as_is[i];
    int column = conflict->update[i];

    append_name(sql, bulk, column);
    text_append(sql, " = ");
    if (!conflict->as_is[i]) {
        text_append(sql, keeps ? "coalesce(excluded." : "excluded.");
        append_name(sql, bulk, column);
    }
    if (conflict->as_is[i] || keeps) {
        text_append(sql, keeps ? ", r." : "r.");
        append_name(sql, bulk, column);
    }
    text_append(sql, keeps ? ")" : "");
}

static void append_conflict(struct text *sql, const struct change_set *bulk) {
    const struct change_conflict *conflict = bulk->conflict;

    text_append(sql, " ON CONFLICT ");
    text_append(sql, conflict->target != NULL ? conflict->target : "(");
    for (size_t i = 0; conflict->target == NULL && i < conflict->column_count; i++) {
        text_append(sql, i > 0 ? ", " : "");
        append_name(sql, bulk, conflict->columns[i]);
    }
    text_append(sql, conflict->target != NULL ? "" : ")");
    text_append(sql, conflict->nothing ? " DO NOTHING" : " DO UPDATE SET ");
    for (size_t i = 0; !conflict->nothing && i < conflict->update_count; i++) {
        text_append(sql, i > 0 ? ", " : "");
        append_assignment(sql, bulk, i);
    }
}

/* Every "%c" is the column, of the row as it is stored. */
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

static enum status bulk_sql(const struct bulk_sending *sending, struct error *err) {
    const struct schema *schema = sending->bulk->schema;
    struct text *sql = &sending->scan->sql;
    enum status status = pg_write_sql(&sending->shape, sql, err);

    if (sending->bulk->conflict != NULL) {
        append_conflict(sql, sending->bulk);
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        text_append(sql, i > 0 ? ", " : " RETURNING ");
        append_shown(sql, &schema->columns[i]);
    }
    return status == STATUS_OK ? text_status(sql, err) : status;
}

/* ---- its rows -----------------------------------------------------------------------------
 */

enum { BULK_BYTES_MAX = 16 * 1024 * 1024 };

/* As many as make a message of a decent size. */
static enum status bulk_rows(struct bulk_sending *sending, struct error *err) {
    const struct change_set *bulk = sending->bulk;
    struct pg_shape *shape = &sending->shape;
    enum status status = STATUS_OK;

    shape->schema = bulk->schema;
    shape->kind = bulk->rows[0].kind;
    shape->states = bulk->rows[0].states;
    for (size_t i = 0; i < bulk->row_count && status == STATUS_OK &&
                       sending->rows.bytes.length < BULK_BYTES_MAX;
            i++) {
        status = pg_rows_add(&sending->rows, shape, &bulk->rows[i], err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    shape->source = sending->rows.count > 1 ? PG_SOURCE_ARRAYS : PG_SOURCE_ROW;
    return sending->rows.count > 1
                   ? pg_sending_arrays(&sending->parameters, &sending->rows, shape, err)
                   : pg_sending_row(&sending->parameters, &sending->rows, 0,
                             pg_parameter_count(shape), err);
}

/* ---- sending ------------------------------------------------------------------------------
 */

static enum status bulk_send(struct bulk_sending *sending, struct error *err) {
    struct pg_command command = { .sql = text_get(&sending->scan->sql),
        .values = sending->parameters.values,
        .lengths = sending->parameters.lengths,
        .formats = sending->parameters.formats,
        .count = sending->parameters.count,
        .binary = true };
    enum status status = pg_request_create(sending->session, &sending->request, err);

    if (status != STATUS_OK) {
        return status;
    }
    sending->undone = sending->session->undone;
    status = pg_snapshot_enter(sending->session, sending->request, err);
    if (status == STATUS_OK) {
        status = pg_request_add(sending->request, &command, err);
    }
    if (status == STATUS_OK) {
        sending->scan->request = sending->request;
        status = pg_definition_probe(sending->scan, err);
        sending->scan->request = NULL;
    }
    if (status == STATUS_OK) {
        status = pg_request_send(sending->request, err);
    }
    if (status == STATUS_OK) {
        status = pg_definition_ask(sending->scan, err);
    }
    if (status == STATUS_OK) {
        status = pg_transaction_wrote(sending->session, err);
    }
    /* What was queued without its end cannot be taken back. */
    return status == STATUS_OK || sending->session->base.broken || status == STATUS_CANCELLED
                   ? status
                   : pg_session_break(
                             sending->session, status, "a write could not be sent", err);
}

/* A scan's failure, read only now, may have stopped the statement from being run: then it did
 * nothing, and that failure has been undone since. */
static bool may_repeat(const struct bulk_sending *sending) {
    const PGresult *failure = sending->request->failure;

    return failure != NULL && pg_result_is_aborted(failure) &&
           sending->undone < sending->session->undone;
}

static enum status bulk_run(struct bulk_sending *sending, struct error *err) {
    bool again = false;
    enum status status;

    do {
        pg_request_drop(sending->request);
        sending->request = NULL;
        pg_definition_drop(sending->scan);
        status = bulk_send(sending, err);
        if (status == STATUS_OK) {
            status = pg_request_wait(sending->request, err);
        }
        again = status == STATUS_OK && may_repeat(sending);
    } while (again);
    return status;
}

/* ---- the answer ---------------------------------------------------------------------------
 */

/* Did every row do just what it was to do? Rows in conflict may be left as they are. */
static enum status check_count(const struct bulk_sending *sending, struct error *err) {
    const struct change_set *bulk = sending->bulk;
    int64_t rows = PQntuples(sending->request->result), sent = (int64_t)sending->rows.count;
    const char *table = bulk->schema->remote_name;

    if (rows == sent || (bulk->conflict != NULL && rows < sent)) {
        return STATUS_OK;
    }
    if (bulk->rows[0].kind != CHANGE_INSERT) {
        return error_set(err, STATUS_STALE,
                "a row of table \"%s\" is gone or was changed since it was read", table);
    }
    return error_set(err, STATUS_REMOTE,
            "table \"%s\" took %lld of %lld rows: a trigger or rule of its own left some out",
            table, (long long)rows, (long long)sent);
}

static enum status bulk_answer(struct bulk_sending *sending, struct error *err) {
    struct pg_request *request = sending->request;
    struct pg_scan *scan = sending->scan;
    enum status status;

    if (request->failure != NULL) {
        status = pg_write_error(&sending->shape, &sending->rows, request->failure, err);
        return status == STATUS_LOST
                       ? pg_session_break(sending->session, status, "the server ended it", NULL)
                       : status;
    }
    if (request->result == NULL || PQresultStatus(request->result) != PGRES_TUPLES_OK) {
        return error_set(err, STATUS_PROTOCOL, "server gave no rows of a statement that does");
    }
    pg_definition_probed(scan, request->second);
    status = pg_definition_finish(scan, STATUS_OK, err);
    if (status == STATUS_OK) {
        status = check_count(sending, err);
    }
    if (status == STATUS_OK) {
        status = scan->check(scan, request->result, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    scan->result = request->result;
    request->result = NULL;
    scan->base.rows = PQntuples(scan->result);
    scan->started = true;
    scan->ended = true;
    return STATUS_OK;
}

static enum status bulk_scan(struct bulk_sending *sending, struct error *err) {
    const struct schema *schema = sending->bulk->schema;
    int *columns = memory_alloc_array(schema->column_count + 1, sizeof(*columns));
    struct query query = { .schema = schema,
        .columns = columns,
        .column_count = schema->column_count,
        .limit = -1,
        .flags = QUERY_UNIQUE /* the whole result at once */ };
    enum status status = columns != NULL ? STATUS_OK : error_nomem(err);

    for (size_t i = 0; columns != NULL && i < schema->column_count; i++) {
        columns[i] = (int)i;
    }
    if (status == STATUS_OK) {
        status = pg_scan_create(&sending->session->base, &sending->scan, err);
    }
    if (status == STATUS_OK) {
        sending->scan->writes = true;
        status = pg_scan_keep_query(sending->scan, &query, err);
    }
    memory_free(columns);
    return status;
}

static enum status bulk_start(struct bulk_sending *sending, struct error *err) {
    int64_t trips = sending->session->base.counts.round_trips;
    enum status status = bulk_rows(sending, err);

    if (status == STATUS_OK) {
        status = bulk_scan(sending, err);
    }
    if (status == STATUS_OK) {
        status = bulk_sql(sending, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    sending->scan->base.statement = text_get(&sending->scan->sql);
    sending->scan->base.transport = "result";
    status = bulk_run(sending, err);
    if (status == STATUS_OK) {
        status = bulk_answer(sending, err);
    }
    sending->scan->base.round_trips = sending->session->base.counts.round_trips - trips;
    if (sending->request != NULL) {
        sending->scan->base.ms = sending->request->waited_ms;
        sending->scan->base.bytes = sending->request->bytes;
    }
    return status;
}

enum status pg_change_rows(struct session *base, const struct change_set *bulk, size_t *taken,
        struct scan **out, struct error *err) {
    struct bulk_sending sending = { .session = pg_session_from(base), .bulk = bulk };
    struct error why = { 0 };
    enum status status = pg_session_check(sending.session, &why);

    if (status == STATUS_OK && !sending.session->transaction.writes) {
        status = error_set(&why, STATUS_READONLY, "no transaction that writes has begun");
    }
    if (status == STATUS_OK) {
        status = bulk_start(&sending, &why);
    }
    if (status == STATUS_OK) {
        *taken = sending.rows.count;
        *out = &sending.scan->base;
    } else if (sending.scan != NULL) {
        error_statement(&why, sending.scan->base.statement);
        pg_definition_drop(sending.scan);
        sending.scan->failure = status;
        sending.scan->failure_text = memory_copy_text(why.message);
        pg_scan_end(&sending.scan->base);
    }
    pg_request_drop(sending.request);
    pg_rows_clear(&sending.rows);
    arena_clear(&sending.parameters.arena);
    error_move(err, &why);
    return status;
}
