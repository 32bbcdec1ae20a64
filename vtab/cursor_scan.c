/* The scan of a cursor: the query is run, its batches are fetched, its rows are numbered.
 * cursor.c hands them to SQLite.
 *
 * The scan asks for the columns that SQLite said it would read and, as far as can be guessed,
 * for rowids or a mere count. SQLite may read more after all (rowids and the key of a WITHOUT
 * ROWID table are in no list of used columns): then the scan starts again in the same snapshot,
 * with what is missing. */
#include "vtab/cursor_scan.h"

#include "vtab/explain.h"
#include "vtab/locking.h"
#include "vtab/transaction.h"

#include <string.h>

void cursor_end_scan(struct cursor *cursor) {
    lookup_leave(cursor);
    if (cursor->reader.scan != NULL) {
        struct recorder *recorder = cursor->table->connection->recorder;

        if (recorder != NULL && cursor->explain_scan >= 0) {
            recorder_done(recorder, cursor->explain_scan, cursor->reader.scan->rows,
                    cursor->reader.scan->round_trips, cursor->reader.scan->ms);
        }
        cursor->reader.scan->session->driver->scan_end(cursor->reader.scan);
        cursor->reader.scan = NULL;
    }
}

/* ---- running the query --------------------------------------------------------------------
 */

static void explain_query(const struct cursor *cursor) {
    struct recorder *recorder = cursor->table->connection->recorder;
    const struct query *query = &cursor->query;
    struct text text;
    int scan = cursor->explain_scan;

    if (recorder == NULL || scan < 0 || cursor->reader.scan == NULL) {
        return;
    }
    text_init(&text, PLAN_TEXT_BYTES_MAX);
    recorder_note(recorder, scan, EXPLAIN_REMOTE, cursor->reader.scan->statement, NULL, NULL);
    recorder_note(
            recorder, scan, EXPLAIN_TRANSPORT, cursor->reader.scan->transport, NULL, NULL);
    for (size_t i = 0; i < query->column_count; i++) {
        text_append(&text, i > 0 ? ", " : "");
        plan_append_name(&text, query->schema->columns[query->columns[i]].name);
    }
    recorder_note(recorder, scan, EXPLAIN_COLUMNS,
            cursor->count_only ? "count" : text_get(&text), NULL, NULL);
    text_truncate(&text, 0);
    for (size_t i = 0; i < query->order_count; i++) {
        text_append(&text, i > 0 ? ", " : "");
        plan_append_name(&text, query->schema->columns[query->order[i].column].name);
        text_append(&text, query->order[i].descending ? " desc" : "");
    }
    if (query->order_count > 0) {
        recorder_note(recorder, scan, EXPLAIN_ORDER, text_get(&text), "exact", NULL);
    }
    if (query->row_goal > 0) {
        text_truncate(&text, 0);
        text_printf(&text, "%lld", (long long)query->row_goal);
        recorder_note(recorder, scan, EXPLAIN_LIMIT, text_get(&text),
                query->limit >= 0 ? "exact" : "superset",
                query->limit >= 0 ? NULL : "only the first fetch is sized by it");
    }
    text_clear(&text);
}

static enum status cursor_fetch(struct cursor *cursor, struct error *err) {
    enum status status;

    cursor->first += cursor->batch.rows;
    cursor->row = 0;
    if (locking_is_over(cursor)) {
        cursor->eof = true;
        return error_set(err, STATUS_UNSUPPORTED,
                "table \"%s\" was written while rows to be changed were read from it",
                cursor->table->name);
    }
    if (lookup_serves(cursor)) {
        status = lookup_next(cursor, err);
    } else {
        status = reader_next(cursor->table->server, &cursor->reader, &cursor->batch, err);
        lookup_note(cursor, status);
    }
    cursor->eof = status != STATUS_OK || cursor->batch.rows == 0;
    return status;
}

static void cursor_rewind(struct cursor *cursor) {
    cursor->first = 0;
    cursor->batch.rows = 0;
    digest_map_clear(&cursor->occurrences);
}

static enum status cursor_ask(
        struct cursor *cursor, struct session *session, struct error *err) {
    if (!cursor->empty) {
        return session->driver->scan_start(session, &cursor->query, &cursor->reader.scan, err);
    }
    return table_confirm(cursor->table, session, err);
}

static enum status cursor_run(struct cursor *cursor, struct error *err) {
    struct server *server = cursor->table->server;
    struct session *session;
    enum status status = reader_session(server, &cursor->reader, &session, err);

    cursor->query.flags &= QUERY_UNIQUE | QUERY_STREAM | QUERY_LOCK | QUERY_ALONE | QUERY_FEW;
    cursor->query.flags |= cursor->count_only ? QUERY_COUNT_ONLY : 0;
    cursor->query.flags |= cursor->identity && cursor->table->schema->identity == IDENTITY_ROWID
                                   ? QUERY_IDENTITY
                                   : 0;
    cursor_rewind(cursor);
    cursor->writes = server->writes;
    if (status == STATUS_OK) {
        server->snapshot_statements++;
        status = cursor_ask(cursor, session, err);
        if (status != STATUS_OK) {
            reader_failed(server, &cursor->reader, status);
        }
    }
    if (status == STATUS_OK) {
        status = cursor_fetch(cursor, err);
    }
    if (status == STATUS_OK) {
        explain_query(cursor);
    } else {
        cursor_end_scan(cursor);
    }
    return status;
}

/* A session that died while it was idle is noticed by its next statement. Nothing was read in
 * this snapshot yet, so another session may take its place unseen: once. A transaction whose
 * first rows another session changed meanwhile begins anew, where it sees that change. */
enum status cursor_start(struct cursor *cursor, struct error *err) {
    struct server *server = cursor->table->server;
    bool first = cursor->reader.aside == NULL &&
                 (!server->in_snapshot || server->snapshot_statements == 0);
    bool used_before = server->session != NULL && !server->session->broken;
    bool untouched = !server->transaction.used;
    enum status status = cursor_run(cursor, err);

    used_before |= server->session != NULL && server->session->lent_before;
    if (status == STATUS_LOST && first && used_before && untouched &&
            (!server->transaction.begun || transaction_restart(server))) {
        error_clear(err);
        server_restart(server);
        status = cursor_run(cursor, err);
    }
    for (int tries = 1; status == STATUS_RETRY && transaction_restart(server) &&
                        tries < TRANSACTION_TRIES_MAX;
            tries++) {
        error_clear(err);
        status = cursor_run(cursor, err);
    }
    return status;
}

/* From what is kept of earlier requests, or by a request. */
enum status cursor_answer(struct cursor *cursor, sqlite3_value **argv, struct error *err) {
    bool locks = (cursor->query.flags & QUERY_LOCK) != 0; /* what is kept was read without */
    bool kept = !locks && !cursor->empty && (cursor->query.flags & QUERY_ALONE) == 0;
    enum status status = STATUS_OK;

    reader_begin(cursor->table->server, &cursor->reader);
    cursor->lookup.lookup = kept ? cursor->lookup.lookup : NULL;
    if (kept) {
        status = lookup_begin(cursor, argv, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (!lookup_serves(cursor)) {
        return cursor_start(cursor, err);
    }
    cursor->writes = cursor->table->server->writes;
    cursor_rewind(cursor);
    return cursor_fetch(cursor, err);
}

/* ---- what was not foreseen ----------------------------------------------------------------
 */

/* Numbers rows that have no number of their own; every row of the scan passes here in turn. */
enum status cursor_number_row(struct cursor *cursor, struct error *err) {
    struct table *table = cursor->table;
    struct digest digest;
    int64_t before;
    enum status status;

    if (cursor->eof || cursor->count_only || !cursor->identity ||
            table->schema->identity != IDENTITY_ROW) {
        return STATUS_OK;
    }
    if (table->schema->find_count > 0) {
        digest = digest_columns(&cursor->batch, cursor->row, cursor->places,
                table->schema->find_columns, table->schema->find_count,
                table->connection->row_key);
        cursor->rowid = (int64_t)(digest.low >> 1);
        return STATUS_OK;
    }
    digest = digest_row(&cursor->batch, cursor->row, table->rowid_key);
    status = digest_map_count(&cursor->occurrences, digest, &before, err);
    if (status == STATUS_OK) {
        status = digest_map_number(&table->rowids, digest, before, &cursor->rowid, err);
    }
    return status;
}

enum status cursor_step(struct cursor *cursor, struct error *err) {
    enum status status = reader_check(cursor->table->server, &cursor->reader, err);

    cursor->row++;
    if (status == STATUS_OK && cursor->row >= cursor->batch.rows) {
        status = cursor_fetch(cursor, err);
    }
    if (status == STATUS_OK) {
        status = cursor_number_row(cursor, err);
    }
    return status;
}

static bool cells_equal(const struct batch *a, size_t column_a, int64_t row_a,
        const struct batch *b, size_t column_b, int64_t row_b) {
    enum value_kind kind = batch_kind(a, column_a, row_a);
    const union cell *left = batch_cell(a, column_a, row_a);
    const union cell *right = batch_cell(b, column_b, row_b);

    if (kind != batch_kind(b, column_b, row_b)) {
        return false;
    }
    if (kind == VALUE_NULL || kind == VALUE_INTEGER || kind == VALUE_REAL) {
        return kind == VALUE_NULL || left->integer == right->integer; /* the same 8 bytes */
    }
    return left->length == right->length &&
           memcmp(a->heap + left->start, b->heap + right->start, left->length) == 0;
}

/* What SQLite may have read of the current row by now. */
struct row_seen {
    struct batch batch;
    int64_t row;
    int *places;
};

static bool row_is_as_seen(const struct cursor *cursor, const struct row_seen *seen) {
    bool same = !cursor->eof;

    for (size_t i = 0; i < cursor->table->schema->column_count && same; i++) {
        same = seen->places[i] < 0 ||
               (cursor->places[i] >= 0 &&
                       cells_equal(&seen->batch, (size_t)seen->places[i], seen->row,
                               &cursor->batch, (size_t)cursor->places[i], cursor->row));
    }
    return same;
}

static enum status cursor_again(struct cursor *cursor, struct error *err) {
    bool fetched = !lookup_serves(cursor) || lookup_serves_answer(cursor);
    enum status status = lookup_widen(cursor, err);

    if (status == STATUS_OK && fetched) {
        cursor_end_scan(cursor);
        status = cursor_run(cursor, err);
    } else if (status == STATUS_OK) {
        cursor_rewind(cursor);
        status = cursor_fetch(cursor, err);
    }
    return status == STATUS_OK ? cursor_number_row(cursor, err) : status;
}

static enum status cursor_cannot_widen(
        struct cursor *cursor, bool identity, struct error *err) {
    cursor->table->rowids_used |= identity; /* next time it comes with the rows */
    error_set(err, STATUS_REMOTE,
            "more of the rows of table \"%s\" is needed than was fetched, and they cannot be "
            "read "
            "again as they were",
            cursor->table->name);
    error_explain(
            err, NULL, NULL, identity ? "The statement succeeds when it is run again." : NULL);
    return STATUS_REMOTE;
}

/* The same rows again with more of each, forward to the one it stood on: in one snapshot the
 * same query gives the same rows in the same order (cursors run no parallel plans, and scans
 * are not synchronised). That row must be as it was seen, or the order was another one after
 * all. A stream may run parallel plans, and is only asked for where this is not foreseen. */
enum status cursor_widen(struct cursor *cursor, int extra, bool identity, struct error *err) {
    size_t columns = cursor->table->schema->column_count;
    int64_t target = cursor->first + cursor->row;
    bool repeats = (cursor->query.flags & (QUERY_STREAM | QUERY_ALONE)) == 0 &&
                   (cursor->table->driver->capabilities & DRIVER_SNAPSHOT) != 0;
    struct row_seen seen;
    enum status status;

    if ((target > 0 && !repeats) || cursor->writes != cursor->table->server->writes) {
        return cursor_cannot_widen(cursor, identity, err);
    }
    seen.places = memory_alloc_array(columns + 1, sizeof(*seen.places));
    if (seen.places == NULL) {
        return error_nomem(err);
    }
    memcpy(seen.places, cursor->places, columns * sizeof(*seen.places));
    for (size_t i = 0; i < columns && cursor->count_only; i++) {
        seen.places[i] = -1;
    }
    seen.batch = cursor->batch;
    seen.row = cursor->row;
    batch_init(&cursor->batch);
    cursor->count_only = false;
    cursor->narrowed = false;
    cursor->identity |= identity;
    cursor->query.flags &= ~(unsigned)(QUERY_ALONE | QUERY_FEW);
    cursor->table->rowids_used |= identity;
    cursor_choose_columns(cursor, extra);
    status = cursor_again(cursor, err);
    while (status == STATUS_OK && !cursor->eof && cursor->first + cursor->row < target) {
        status = cursor_step(cursor, err);
    }
    if (status == STATUS_OK && !row_is_as_seen(cursor, &seen)) {
        status = cursor_cannot_widen(cursor, identity, err);
    }
    batch_clear(&seen.batch);
    memory_free(seen.places);
    return status;
}
