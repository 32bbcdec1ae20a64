/* Queries over relations: send, fetch ahead, check, decode. Pairs with dialect.c, which makes
 * the SQL, and decode.c, which reads the values.
 *
 * Rows come by a cursor whose fetches grow: a scan that is stopped early has cost little. Where
 * at most one row can come, or a mere count, the whole result is asked for at once. */
#include "drivers/postgres/copy.h"
#include "drivers/postgres/prepared.h"

#include <stdio.h>
#include <string.h>

static const char *const transport_names[PG_TRANSPORT_COUNT] = {
    [PG_TRANSPORT_CURSOR] = "cursor",
    [PG_TRANSPORT_RESULT] = "result",
    [PG_TRANSPORT_COPY] = "copy",
};

/* ---- fetching -----------------------------------------------------------------------------
 */

/* How many rows the next FETCH asks for: growing, but no more bytes than wanted, by the rows
 * seen, and not beyond the goal while that is still ahead. */
static int scan_next_size(const struct pg_scan *scan, const PGresult *result) {
    int rows = PQntuples(result), size = scan->fetch_rows * FETCH_GROWTH;
    size_t row_bytes = rows > 0 ? PQresultMemorySize(result) / (size_t)rows : 0;
    size_t bytes = scan->read_all ? FETCH_BYTES_ALL : FETCH_BYTES_WANTED;
    int64_t wanted = scan->row_goal - scan->base.rows;

    if (size < FETCH_ROWS_FIRST) {
        size = FETCH_ROWS_FIRST;
    }
    if (size > (scan->read_all ? FETCH_ROWS_ALL : BATCH_ROWS_MAX)) {
        size = scan->read_all ? FETCH_ROWS_ALL : BATCH_ROWS_MAX;
    }
    if (row_bytes > 0 && (size_t)size > bytes / row_bytes) {
        size = (int)(bytes / row_bytes);
    }
    if (wanted > 0 && size > wanted) {
        size = (int)wanted;
    }
    return size > 0 ? size : 1;
}

static int scan_first_size(const struct pg_scan *scan) {
    double row_bytes = scan->schema != NULL ? scan->schema->row_bytes : 0;
    int64_t size = scan->row_goal > 0 ? scan->row_goal : FETCH_ROWS_FIRST;

    if (size > BATCH_ROWS_MAX) {
        size = BATCH_ROWS_MAX;
    }
    if (row_bytes * (double)size > FETCH_BYTES_WANTED) {
        size = (int64_t)(FETCH_BYTES_WANTED / row_bytes);
    }
    return size > 0 ? (int)size : 1;
}

static enum status scan_add_fetch(struct pg_scan *scan, struct error *err) {
    char sql[64];
    struct pg_command fetch = { .sql = sql, .binary = scan->binary };

    snprintf(sql, sizeof(sql), "FETCH FORWARD %d FROM c%u", scan->fetch_rows, scan->cursor);
    return pg_request_add(scan->request, &fetch, err);
}

/* What only reads must not write in a transaction that does: a function could, or EXPLAIN
 * ANALYZE. The end of the savepoint takes it back. */
static enum status scan_guard(struct pg_scan *scan, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    bool user_sql = scan->schema == NULL || scan->schema->kind == RELATION_QUERY;
    enum status status = pg_snapshot_guard(session, scan->request, err);

    return status == STATUS_OK && user_sql && session->transaction.writes
                   ? pg_request_add_text(
                             scan->request, "SET LOCAL transaction_read_only = on", err)
                   : status;
}

static enum status scan_send_fetch(struct pg_scan *scan, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    enum status status;

    if (scan->cursor_gone) {
        return error_set(err, STATUS_LOST,
                "rows were being read in a part of the transaction that was rolled back");
    }
    status = pg_request_create(session, &scan->request, err);
    scan->undone = session->undone;
    if (status == STATUS_OK) {
        status = pg_transaction_enter(session, scan->request, err);
    }
    if (status == STATUS_OK) {
        status = scan_guard(scan, err);
    }
    if (status == STATUS_OK) {
        status = scan_add_fetch(scan, err);
    }
    if (status == STATUS_OK) {
        status = pg_snapshot_release(scan->request, err);
    }
    return status == STATUS_OK ? pg_request_send(scan->request, err) : status;
}

/* Is the statement all that is read in its snapshot? Nobody has to be asked about the relation
 * behind it then. */
static bool scan_may_end(const struct pg_scan *scan) {
    const struct pg_session *session = pg_session_from(scan->base.session);

    return scan->alone && !session->snapshot_open && session->open_scans == 1 &&
           scan->transport == PG_TRANSPORT_RESULT && !session->transaction.writes &&
           !session->user_sql;
}

/* Without BEGIN a request is a transaction of its own, and here one that reads only, of one
 * snapshot: settings.c. What a view runs could change that for the next one. */
static bool scan_may_be_lone(const struct pg_scan *scan) {
    return pg_session_from(scan->base.session)->reads_only && scan->schema != NULL &&
           (scan->schema->kind == RELATION_TABLE ||
                   scan->schema->kind == RELATION_MATERIALIZED_VIEW) &&
           pg_definition_trusted(scan);
}

/* A lookup is the same statement again and again, so it is guarded until it has worked once
 * (two that look the same only cost one of them its guard). */
static enum status scan_enter(struct pg_scan *scan, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    enum status status;

    scan->ends = scan_may_end(scan);
    if (scan->ends && scan_may_be_lone(scan)) {
        pg_snapshot_be_lone(session);
        return STATUS_OK;
    }
    status = pg_snapshot_enter(session, scan->request, err);

    scan->declared_at = session->transaction.serial;
    if (status == STATUS_OK && (session->transaction.writes ||
                                       text_hash(text_get(&scan->sql)) != session->proven)) {
        status = scan_guard(scan, err);
    }
    return status;
}

/* The snapshot ends with the answer, unless the definition is asked for behind it. */
static enum status scan_add_end(struct pg_scan *scan, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);

    scan->ends = scan->ends && (!scan->definition_due || scan->trusted);
    return scan->ends && !session->snapshot_lone ? pg_snapshot_end(scan->request, err)
                                                 : STATUS_OK;
}

static enum status scan_declare(
        const struct pg_scan *scan, struct text *declare, struct error *err) {
    if (scan->transport != PG_TRANSPORT_CURSOR) {
        return text_status(&scan->sql, err);
    }
    text_printf(declare, "DECLARE c%u NO SCROLL CURSOR FOR ", scan->cursor);
    text_append_bytes(declare, text_get(&scan->sql), scan->sql.length);
    return text_status(declare, err);
}

/* A lookup comes again; the user's own statements need not be the same again. */
static enum status scan_add_result(
        struct pg_scan *scan, struct pg_command *command, struct error *err) {
    struct pg_prepared *prepared = NULL;

    command->sql = text_get(&scan->sql);
    command->binary = scan->binary;
    if (scan->schema != NULL) {
        prepared = pg_prepared_find(pg_session_from(scan->base.session), command->sql);
    }
    scan->was_prepared = prepared != NULL;
    return prepared != NULL ? pg_prepared_add(scan->request, prepared, command, err)
                            : pg_request_add(scan->request, command, err);
}

/* What the server holds against a prepared statement is that the relation is another one, or
 * that somebody took the statement away: asking again is no repetition then. */
static enum status scan_note_prepared(
        struct pg_scan *scan, enum status status, struct error *why) {
    struct pg_session *session = pg_session_from(scan->base.session);

    if (status == STATUS_OK) {
        pg_prepared_worked(session, text_get(&scan->sql)); /* or it is parsed again */
        return status;
    }
    pg_prepared_forget(session, text_get(&scan->sql));
    if (scan->was_prepared && why->status == STATUS_REMOTE &&
            (strcmp(why->sqlstate, "0A000") == 0 || strcmp(why->sqlstate, "26000") == 0)) {
        why->status = STATUS_SCHEMA;
        return STATUS_SCHEMA;
    }
    return status;
}

enum status pg_scan_send(
        struct pg_scan *scan, const struct pg_command *parameters, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    struct pg_command command = *parameters;
    struct text declare;
    enum status status;

    scan->base.statement = text_get(&scan->sql);
    scan->base.transport = transport_names[scan->transport];
    scan->cursor = ++session->cursor_serial;
    text_init(&declare, TEXT_SQL_BYTES_MAX);
    status = scan_declare(scan, &declare, err);
    if (status == STATUS_OK && command.count > PG_PARAMETERS_MAX) {
        status = error_set(err, STATUS_TOO_BIG, "statement has more than %d parameters",
                PG_PARAMETERS_MAX);
    }
    /* From here on a failure is the session's: what was queued without a Sync cannot be undone.
     */
    if (status == STATUS_OK) {
        status = pg_request_create(session, &scan->request, err);
    }
    if (status == STATUS_OK) {
        status = scan_enter(scan, err);
    }
    if (status == STATUS_OK && scan->transport == PG_TRANSPORT_CURSOR) {
        scan->fetch_rows = scan_first_size(scan);
        command.sql = text_get(&declare);
        status = pg_request_add(scan->request, &command, err);
        status = status == STATUS_OK ? scan_add_fetch(scan, err) : status;
    } else if (status == STATUS_OK) {
        status = scan_add_result(scan, &command, err);
    }
    text_clear(&declare);
    if (status == STATUS_OK) {
        status = pg_definition_probe(scan, err);
    }
    if (status == STATUS_OK) {
        status = pg_snapshot_release(scan->request, err);
    }
    if (status == STATUS_OK) {
        status = scan_add_end(scan, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(scan->request, err);
    }
    return status == STATUS_OK ? pg_definition_ask(scan, err) : status;
}

/* Takes the answer that is awaited into scan->result. */
static enum status scan_take_result(struct pg_scan *scan, struct error *err) {
    struct pg_request *request = scan->request;
    int64_t trips = scan->base.session->counts.round_trips;
    enum status status = pg_request_finish(request, scan->generated, err);

    if (!scan->started) {
        pg_definition_probed(scan, scan->lead == 0       ? request->second
                                   : status == STATUS_OK ? request->result
                                                         : NULL);
    }
    if (scan->ends) {
        pg_snapshot_ended(pg_session_from(scan->base.session), status == STATUS_OK);
    }
    scan->base.ms += request->waited_ms;
    scan->base.bytes += request->bytes;
    scan->base.round_trips += scan->base.session->counts.round_trips - trips;
    if (status == STATUS_OK && PQresultStatus(request->result) != PGRES_TUPLES_OK) {
        status = error_set(err, STATUS_REMOTE, "statement gives no rows");
    }
    if (status == STATUS_OK) {
        scan->result = request->result;
        request->result = NULL;
        scan->next_row = 0;
        scan->base.rows += PQntuples(scan->result);
        if (scan->base.rows == 1 && pg_definition_no_row(scan, scan->result, 0)) {
            scan->base.rows = 0;
        }
    }
    pg_request_drop(request);
    scan->request = NULL;
    return status;
}

/* A FETCH that was refused because of another scan's failure did nothing. It is sent again when
 * that failure has been undone since; each time takes another failure, so this ends. */
static bool scan_may_repeat(const struct pg_scan *scan, const struct error *why) {
    return scan->started && strcmp(why->sqlstate, "25P02") == 0 &&
           scan->undone < pg_session_from(scan->base.session)->undone;
}

static enum status scan_await(struct pg_scan *scan, struct error *err) {
    struct error why = { 0 };
    enum status status = scan_take_result(scan, &why);

    while (scan_may_repeat(scan, &why)) {
        error_clear(&why);
        status = scan_send_fetch(scan, &why);
        if (status == STATUS_OK) {
            status = scan_take_result(scan, &why);
        }
    }
    if (scan->schema != NULL && scan->transport == PG_TRANSPORT_RESULT) {
        status = scan_note_prepared(scan, status, &why);
    }
    if (status == STATUS_OK && !scan->started) {
        scan->started = true;
        pg_session_from(scan->base.session)->proven = text_hash(text_get(&scan->sql));
    }
    error_move(err, &why);
    return status;
}

/* More than a few rows came, and nobody has seen one. The statement ends in its LIMIT. */
static enum status scan_start_over(struct pg_scan *scan, struct error *err) {
    struct pg_command command = { .values = scan->values.values, .count = scan->values.count };
    size_t length = scan->sql.length;

    while (text_get(&scan->sql)[--length] != 'L') {
    }
    text_truncate(&scan->sql, length - 1);
    PQclear(scan->result);
    scan->result = NULL;
    scan->base.rows = 0;
    scan->few = false;
    scan->started = false;
    scan->was_prepared = false;
    scan->probed = false;
    scan->transport = PG_TRANSPORT_CURSOR;
    return pg_scan_send(scan, &command, err);
}

static enum status scan_receive(struct pg_scan *scan, struct error *err) {
    enum status status = scan_await(scan, err);

    if (status == STATUS_OK) {
        status = scan->check(scan, scan->result, err);
    }
    return pg_definition_finish(scan, status, err);
}

/* The next FETCH is sent before the rows of this one are decoded, so that the server works
 * while SQLite reads; only when the goal has just been met it waits to be asked for. */
static enum status scan_advance(struct pg_scan *scan, struct error *err) {
    int64_t rows_before = scan->base.rows;
    bool goal_met;
    enum status status = STATUS_OK;

    PQclear(scan->result);
    scan->result = NULL;
    if (scan->request == NULL) {
        status = scan_send_fetch(scan, err);
    }
    if (status == STATUS_OK) {
        status = scan_receive(scan, err);
    }
    if (status == STATUS_OK && scan->few && PQntuples(scan->result) > PG_FEW_ROWS_MAX) {
        status = scan_start_over(scan, err);
        status = status == STATUS_OK ? scan_receive(scan, err) : status;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (scan->transport == PG_TRANSPORT_RESULT || PQntuples(scan->result) < scan->fetch_rows) {
        scan->ended = true;
        return STATUS_OK;
    }
    scan->fetch_rows = scan_next_size(scan, scan->result);
    goal_met = scan->row_goal > rows_before && scan->row_goal <= scan->base.rows;
    return goal_met ? STATUS_OK : scan_send_fetch(scan, err);
}

static enum status scan_fill(struct pg_scan *scan, struct batch *batch, struct error *err) {
    enum status status = batch_reset(batch, scan->column_count, scan->has_rowids, err);

    if (status == STATUS_OK &&
            (scan->result == NULL || scan->next_row >= PQntuples(scan->result))) {
        if (scan->ended) {
            PQclear(scan->result);
            scan->result = NULL;
            return STATUS_OK;
        }
        status = scan_advance(scan, err);
    }
    while (status == STATUS_OK && scan->next_row < PQntuples(scan->result) &&
            !batch_full(batch)) {
        status = scan->row(scan, scan->next_row++, batch, err);
    }
    return status;
}

enum status pg_scan_next(struct scan *base, struct batch *batch, struct error *err) {
    struct pg_scan *scan = pg_scan_from(base);
    struct error why = { 0 };

    if (scan->failure != STATUS_OK) {
        return error_set(err, scan->failure, "%s",
                scan->failure_text != NULL ? scan->failure_text : "scan has failed");
    }
    scan->failure = scan->transport == PG_TRANSPORT_COPY ? pg_copy_fill(scan, batch, &why)
                                                         : scan_fill(scan, batch, &why);
    if (scan->failure == STATUS_OK) {
        return STATUS_OK;
    }
    batch->rows = 0;
    scan->failure_text = memory_copy_text(why.message);
    error_statement(&why, base->statement);
    error_move(err, &why);
    return scan->failure;
}

/* ---- a scan's life ------------------------------------------------------------------------
 */

enum status pg_scan_create(struct session *base, struct pg_scan **out, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    enum status status = pg_session_check(session, err);

    if (status != STATUS_OK) {
        return status;
    }
    *out = memory_alloc(sizeof(**out));
    if (*out == NULL) {
        return error_nomem(err);
    }
    (*out)->base.session = base;
    text_init(&(*out)->sql, TEXT_SQL_BYTES_MAX);
    session->open_scans++;
    (*out)->next = session->scans;
    session->scans = *out;
    return STATUS_OK;
}

/* The cursor goes without an answer being awaited. A FETCH under way is left to run: to cancel
 * it would end the snapshot under other scans. pg_finish() cancels what is left. */
static void scan_close_cursor(struct pg_scan *scan) {
    struct pg_session *session = pg_session_from(scan->base.session);
    struct pg_request *request = NULL;
    char sql[32];

    if (scan->transport != PG_TRANSPORT_CURSOR || !session->snapshot_open ||
            scan->failure != STATUS_OK || scan->cursor_gone ||
            (session->snapshot_own && session->open_scans == 0)) {
        return;
    }
    if (pg_request_create(session, &request, NULL) != STATUS_OK) {
        return; /* broken, or out of memory: it ends with the snapshot */
    }
    snprintf(sql, sizeof(sql), "CLOSE c%u", scan->cursor);
    request->brief = true;
    if (pg_request_add_text(request, sql, NULL) == STATUS_OK) {
        pg_request_send(request, NULL);
    }
    pg_request_drop(request);
}

static void scan_log(const struct pg_scan *scan) {
    struct statement_record record = { .sql = scan->base.statement,
        .parameters = scan->parameters,
        .ms = scan->base.ms,
        .rows = scan->base.rows,
        .bytes = scan->base.bytes,
        .round_trips = scan->base.round_trips,
        .error = scan->failure == STATUS_OK   ? NULL
                 : scan->failure_text != NULL ? scan->failure_text
                                              : status_name(scan->failure) };

    pg_log(pg_session_from(scan->base.session), &record);
}

void pg_scan_end(struct scan *base) {
    struct pg_scan *scan = pg_scan_from(base);
    struct pg_session *session = NULL;

    if (scan == NULL) {
        return;
    }
    session = pg_session_from(base->session);
    session->open_scans--;
    for (struct pg_scan **at = &session->scans; *at != NULL; at = &(*at)->next) {
        if (*at == scan) {
            *at = scan->next;
            break;
        }
    }
    pg_request_drop(scan->definition);
    pg_copy_stop(scan);
    pg_request_drop(scan->request);
    if (base->statement != NULL) { /* it was sent */
        scan_close_cursor(scan);
        scan_log(scan);
    }
    if (session->snapshot_own && session->open_scans == 0) {
        pg_finish(&session->base);
    }
    PQclear(scan->result);
    schema_release(scan->schema);
    text_clear(&scan->sql);
    pg_parameters_clear(&scan->values);
    memory_free(scan->columns);
    memory_free(scan->fields);
    memory_free(scan->reader);
    memory_free(scan->parameters);
    memory_free(scan->failure_text);
    memory_free(scan);
}
