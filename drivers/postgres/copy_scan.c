/* The transport for whole tables: all rows in one stream, as fast as the wire is, and by
 * parallel plans where the server likes them.
 *
 * It needs the session for itself as long as it lasts, and ending it early takes a
 * cancellation, so it is for queries that will probably be read to their end. The rows carry no
 * types. So the relation's definition is compared first: in the snapshot that the rows are
 * from, and behind a lock that keeps it as it is. A savepoint keeps the snapshot when the COPY
 * is stopped. */
#include "drivers/postgres/copy.h"

enum {
    ROWS_WORTH = 5000, /* below that a few FETCHes are as quick and cost less to set up */
    ROWS_FIRST = 32,   /* nobody waits for a whole batch before the first row */
};

static bool stream_fits(const struct pg_session *session, const struct query *query) {
    return (query->flags & QUERY_STREAM) != 0 && !session->interleaved &&
           session->open_scans == 1 && session->first == session->last &&
           query->order_count == 0;
}

/* Where all rows are read at once, nobody else needs the session before they have come. */
bool pg_copy_fits(const struct pg_session *session, const struct query *query) {
    bool fits = (query->flags & QUERY_ALL) != 0 || stream_fits(session, query);

    return fits && !session->statement_timeout && !session->shared &&
           !session->transaction.writes && query->column_count > 0 && query->row_goal == 0 &&
           pg_relation(query->schema)->definition != NULL &&
           query->schema->rows_estimate >= ROWS_WORTH;
}

/* Rows that are asked for again, with another column, have to come in the same order, so no
 * parallel plan may be made: a function that is never called, since the condition is constant,
 * forbids it. */
static const char in_order_end[] = ") AS s WHERE true OR pg_catalog.pg_export_snapshot() = ''";

/* Everything is one message and one round trip. */
static enum status copy_statements(
        struct pg_scan *scan, const struct query *query, struct text *sql, struct error *err) {
    bool in_order = (query->flags & QUERY_ALL) != 0;
    struct text select;
    enum status status;

    text_init(&select, TEXT_SQL_BYTES_MAX);
    status = pg_select(query, &select, NULL, err);
    if (status == STATUS_OK) {
        pg_snapshot_append(pg_session_from(scan->base.session), sql);
        text_append(sql, "SAVEPOINT g; ");
        pg_definition_append(scan, sql);
        text_append(sql, "COPY (");
        text_append(sql, in_order ? "SELECT * FROM (" : "");
        text_append_bytes(sql, text_get(&select), select.length);
        text_append(sql, in_order ? in_order_end : "");
        text_append(sql, ") TO STDOUT (FORMAT binary); RELEASE SAVEPOINT g");
        status = text_status(sql, err);
    }
    text_clear(&select);
    return status;
}

enum status pg_copy_start(struct pg_scan *scan, const struct query *query, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    bool snapshot_open = session->snapshot_open;
    struct text sql;
    enum status status;

    scan->base.statement = text_get(&scan->sql);
    scan->base.transport = "copy";
    scan->reader = memory_alloc(sizeof(*scan->reader));
    if (scan->reader == NULL) {
        return error_nomem(err);
    }
    scan->reader->column_count = scan->field_count;
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    status = pg_request_create(session, &scan->request, err);
    if (status == STATUS_OK) {
        scan->request->guarded = true;
        status = copy_statements(scan, query, &sql, err);
    }
    if (status == STATUS_OK) {
        status = pg_copy_send(scan->request, text_get(&sql), err);
    }
    if (status != STATUS_OK) {
        session->snapshot_open = snapshot_open; /* nothing was sent, or the session is broken */
    }
    text_clear(&sql);
    return status;
}

/* ---- rows ---------------------------------------------------------------------------------
 */

static void copy_count(struct pg_scan *scan) {
    scan->base.ms = scan->request->waited_ms;
    scan->base.bytes = scan->request->bytes;
    scan->base.round_trips = scan->base.session->counts.round_trips - scan->request->trip;
}

/* With the first message, before any value of it is shown. */
static enum status copy_begin(struct pg_scan *scan, struct error *err) {
    scan->started = true;
    return scan->definition_due ? pg_definition_check(scan, scan->request->result, err)
                                : STATUS_OK;
}

static enum status copy_end(struct pg_scan *scan, struct error *err) {
    enum status status = pg_request_finish(scan->request, scan->generated, err);

    scan->ended = true;
    if (status != STATUS_OK) {
        return scan->started ? status : pg_definition_unknown(status, err);
    }
    return scan->reader->ended ? STATUS_OK
                               : error_set(err, STATUS_PROTOCOL,
                                         "malformed rows from the server: no end of COPY");
}

/* The next message into the reader. False: there is none yet, or there are no more. */
static enum status copy_message(
        struct pg_scan *scan, bool wait, bool *more, struct error *err) {
    const char *bytes = NULL;
    size_t length = 0;
    enum status status = pg_copy_next(scan->request, wait, &bytes, &length, err);

    *more = status == STATUS_OK && length > 0;
    if (*more) {
        pg_copy_feed(scan->reader, bytes, length);
        return scan->started ? STATUS_OK : copy_begin(scan, err);
    }
    if (status == STATUS_OK && scan->request->done) {
        status = copy_end(scan, err);
    }
    copy_count(scan);
    return status;
}

enum status pg_copy_fill(struct pg_scan *scan, struct batch *batch, struct error *err) {
    enum status status = batch_reset(batch, scan->column_count, scan->has_rowids, err);
    int64_t rows_max = scan->base.rows == 0 ? ROWS_FIRST : BATCH_ROWS_MAX;
    bool more = true, row = false;

    while (status == STATUS_OK && more && !scan->ended && !batch_full(batch) &&
            batch->rows < rows_max) {
        status = pg_copy_row(scan->reader, scan->fields, &row, err);
        if (status == STATUS_OK && row) {
            status = pg_relation_row(scan, batch, scan->base.rows + batch->rows + 1, err);
        } else if (status == STATUS_OK) {
            status = copy_message(scan, batch->rows == 0, &more, err);
        }
    }
    scan->base.rows += batch->rows;
    return status;
}

void pg_copy_stop(struct pg_scan *scan) {
    struct pg_session *session = pg_session_from(scan->base.session);

    if (scan->transport != PG_TRANSPORT_COPY || scan->request == NULL) {
        return;
    }
    copy_count(scan);
    if (session->first == scan->request) {
        scan->request->held = false; /* its rows are let go; it ends within the cancellation */
        scan->request = NULL;
        pg_session_cancel(session);
    }
}
