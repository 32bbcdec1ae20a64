/* Running statements: a scan's and the user's own. SQLite makes a row when it is asked for one,
 * so a scan costs what is read of it; batches grow from the hint for those who read little.
 *
 * A statement counts as one round trip, so that figures of drivers can be laid side by side. */
#include "drivers/sqlite/internal.h"

#include <string.h>

enum { ROWS_FIRST = 100, ROWS_GROWTH = 4, PARAMETERS_BYTES_MAX = 1024 * 1024 };

enum sq_scan_kind { SQ_SCAN_ROWS, SQ_SCAN_COUNT, SQ_SCAN_JSON };

struct sq_scan {
    struct scan base;
    sqlite3_stmt *statement;
    char *sql;        /* base.statement */
    char *parameters; /* as JSON, for the log; NULL: not wanted */
    char *failure;    /* the message of the error that ended it; NULL: none, or no memory */
    enum status failed;
    enum sq_scan_kind kind;
    size_t column_count;
    bool identity;
    bool finished;
    int64_t batch_rows;     /* of the next batch */
    int64_t limit;          /* of a count; -1: none */
    struct schema *written; /* of a statement that writes: one reference; NULL: it only reads */
};

static struct sq_scan *sq_scan(struct scan *scan) {
    return (struct sq_scan *)scan;
}

/* ---- ending ------------------------------------------------------------------------ */

static void log_scan(const struct sq_scan *scan) {
    const struct session *session = scan->base.session;
    struct statement_record record = {
        .sql = scan->sql,
        .parameters = scan->parameters,
        .ms = scan->base.ms,
        .rows = scan->base.rows,
        .bytes = scan->base.bytes,
        .round_trips = scan->base.round_trips,
        .error = scan->failure,
    };

    if (session->host.logged != NULL) {
        session->host.logged(session->host.context, &record);
    }
}

static void destroy_scan(struct sq_scan *scan) {
    struct sq_session *session = sq_session(scan->base.session);

    if (scan->kind == SQ_SCAN_JSON) {
        sqlite3_finalize(scan->statement); /* it may be anything: not one to keep */
    } else {
        sq_put_back(session, scan->statement);
    }
    memory_free(scan->sql);
    memory_free(scan->parameters);
    memory_free(scan->failure);
    schema_release(scan->written);
    memory_free(scan);
}

void sq_scan_end(struct scan *base) {
    struct sq_session *session = sq_session(base->session);

    log_scan(sq_scan(base));
    destroy_scan(sq_scan(base));
    sq_leave(session);
}

/* ---- starting ---------------------------------------------------------------------- */

static enum status create_scan(struct sq_session *session, enum sq_scan_kind kind,
        const char *sql, struct sq_scan **out, struct error *err) {
    struct sq_scan *scan = memory_alloc(sizeof(*scan));

    if (scan == NULL) {
        return error_nomem(err);
    }
    scan->base.session = &session->base;
    scan->base.transport = "cursor";
    scan->base.round_trips = 1;
    scan->kind = kind;
    scan->limit = -1;
    scan->batch_rows = ROWS_FIRST;
    scan->sql = memory_copy_text(sql);
    scan->base.statement = scan->sql;
    if (scan->sql == NULL) {
        memory_free(scan);
        return error_nomem(err);
    }
    session->base.counts.statements++;
    session->base.counts.round_trips++;
    *out = scan;
    return STATUS_OK;
}

static void append_parameter(struct text *json, size_t index, const struct value *value) {
    text_append(json, index > 0 ? "," : "[");
    sq_append_json_value(json, value);
}

/* A list too long for the log is left out of it; so is one there is no memory for. */
static void keep_parameters(struct sq_scan *scan, struct text *json) {
    text_append(json, json->length > 0 ? "]" : "[]");
    scan->parameters = text_steal(json);
}

static enum status bind_parameters(struct sq_session *session, struct sq_scan *scan,
        const struct value *const *values, size_t count, struct error *err) {
    enum status status = STATUS_OK;
    struct text json;

    text_init(&json, PARAMETERS_BYTES_MAX);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = sq_bind(session, scan->statement, (int)i + 1, values[i], err);
        if (session->base.host.log_parameters) {
            append_parameter(&json, i, values[i]);
        }
    }
    if (session->base.host.log_parameters) {
        keep_parameters(scan, &json);
    }
    text_clear(&json);
    return status;
}

static void size_scan(struct sq_scan *scan, const struct query *query) {
    scan->column_count = query->column_count;
    scan->identity = (query->flags & QUERY_IDENTITY) != 0;
    scan->limit = query->limit;
    if (query->flags & QUERY_UNIQUE) {
        scan->batch_rows = 1;
    } else if (query->row_goal > 0) {
        scan->batch_rows = query->row_goal < BATCH_ROWS_MAX ? query->row_goal : BATCH_ROWS_MAX;
    }
}

/* Within the transaction that sq_enter() made sure of. */
static enum status start(struct sq_session *session, const struct query *query,
        struct sq_scan **out, struct error *err) {
    bool count = (query->flags & QUERY_COUNT_ONLY) != 0;
    struct sq_parameters parameters = { 0 };
    struct sq_scan *scan = NULL;
    struct text sql;
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    status = sq_verify(session, query->schema, err);
    if (status == STATUS_OK) {
        status = sq_select(query, &sql, &parameters, err);
    }
    if (status == STATUS_OK) {
        status = create_scan(
                session, count ? SQ_SCAN_COUNT : SQ_SCAN_ROWS, text_get(&sql), &scan, err);
    }
    if (status != STATUS_OK) {
        goto out;
    }
    size_scan(scan, query);
    status = sq_prepare(session, scan->sql, &scan->statement, err);
    if (status == STATUS_OK) {
        status = bind_parameters(session, scan, parameters.values, parameters.count, err);
    }
    if (status == STATUS_OK) {
        *out = scan;
        scan = NULL;
    }
out:
    if (scan != NULL) {
        destroy_scan(scan);
    }
    sq_parameters_clear(&parameters);
    text_clear(&sql);
    return status;
}

enum status sq_scan_start(
        struct session *base, const struct query *query, struct scan **out, struct error *err) {
    struct sq_session *session = sq_session(base);
    struct sq_scan *scan = NULL;
    enum status status = sq_guard_start(session, 0, err);

    if (status == STATUS_OK) {
        status = sq_enter(session, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = start(session, query, &scan, err);
    if (status != STATUS_OK) {
        sq_leave(session);
        return status;
    }
    *out = &scan->base;
    return STATUS_OK;
}

enum status sq_confirm(struct session *base, const struct schema *schema, struct error *err) {
    struct sq_session *session = sq_session(base);
    enum status status = sq_guard_start(session, 0, err);

    if (status == STATUS_OK) {
        status = sq_enter(session, err);
    }
    if (status == STATUS_OK) {
        status = sq_verify(session, schema, err);
        sq_leave(session);
    }
    return status;
}

/* ---- the user's own statements ----------------------------------------------------- */

static enum status bind_arguments(struct sq_session *session, struct sq_scan *scan,
        const struct value *args, size_t count, struct error *err) {
    const struct value **values = memory_alloc_array(count, sizeof(*values));
    enum status status;

    if (values == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = &args[i];
    }
    status = bind_parameters(session, scan, values, count, err);
    memory_free(values);
    return status;
}

static enum status start_foreign(struct sq_session *session, const char *sql,
        const struct value *args, size_t count, struct sq_scan **out, struct error *err) {
    sqlite3_stmt *statement = NULL;
    struct sq_scan *scan = NULL;
    size_t length = 0, wanted;
    enum status status = sq_prepare_foreign(session, sql, &statement, &length, err);

    if (status != STATUS_OK) {
        return status;
    }
    wanted = (size_t)sqlite3_bind_parameter_count(statement);
    if (wanted != count) {
        sqlite3_finalize(statement);
        return error_set(
                err, STATUS_USAGE, "query has %zu parameters, %zu were given", wanted, count);
    }
    status = create_scan(session, SQ_SCAN_JSON, sql, &scan, err);
    if (status != STATUS_OK) {
        sqlite3_finalize(statement);
        return status;
    }
    scan->statement = statement;
    scan->column_count = 1;
    status = bind_arguments(session, scan, args, count, err);
    if (status != STATUS_OK) {
        destroy_scan(scan);
        return status;
    }
    *out = scan;
    return STATUS_OK;
}

enum status sq_query_start(struct session *base, const char *sql, const struct value *args,
        size_t count, struct scan **out, struct error *err) {
    struct sq_session *session = sq_session(base);
    struct sq_scan *scan = NULL;
    enum status status = sq_enter(session, err);

    if (status != STATUS_OK) {
        return status;
    }
    status = start_foreign(session, sql, args, count, &scan, err);
    if (status != STATUS_OK) {
        sq_leave(session);
        return status;
    }
    *out = &scan->base;
    return STATUS_OK;
}

/* ---- statements that write ----------------------------------------------------------- */

enum status sq_returning_start(struct sq_session *session, const struct schema *schema,
        const char *sql, const struct value *const *values, size_t count, struct scan **out,
        struct error *err) {
    struct sq_scan *scan = NULL;
    enum status status = create_scan(session, SQ_SCAN_ROWS, sql, &scan, err);

    if (status == STATUS_OK) {
        /* Counting references is all that is done to it. */
        scan->written = schema_retain((struct schema *)schema);
        scan->column_count = schema->column_count;
        scan->batch_rows = BATCH_ROWS_MAX;
        status = sq_prepare(session, sql, &scan->statement, err);
    }
    if (status == STATUS_OK) {
        status = bind_parameters(session, scan, values, count, err);
    }
    if (status != STATUS_OK) {
        if (scan != NULL) {
            destroy_scan(scan);
        }
        sq_leave(session);
        return status;
    }
    *out = &scan->base;
    return STATUS_OK;
}

/* ---- reading ----------------------------------------------------------------------- */

static enum status take_row(struct sq_scan *scan, struct batch *batch, struct error *err) {
    switch (scan->kind) {
    case SQ_SCAN_COUNT:
        batch->rows = sqlite3_column_int64(scan->statement, 0);
        if (scan->limit >= 0 && batch->rows > scan->limit) {
            batch->rows = scan->limit;
        }
        return STATUS_OK;
    case SQ_SCAN_JSON:
        return sq_decode_json(scan->statement, batch, &scan->base.bytes, err);
    case SQ_SCAN_ROWS:
        break;
    }
    return sq_decode_row(scan->statement, batch, &scan->base.bytes, err);
}

/* Rows until the batch is as big as is wanted now. A count is one row that means many. */
static enum status fill(struct sq_session *session, struct sq_scan *scan, struct batch *batch,
        struct error *err) {
    while (!batch_full(batch) && batch->rows < scan->batch_rows) {
        int code = sq_step(session, scan->statement);
        enum status status;

        if (code == SQLITE_DONE) {
            scan->finished = true;
            return STATUS_OK;
        }
        if (code != SQLITE_ROW) {
            return sq_fail(session, code, scan->sql, err);
        }
        status = take_row(scan, batch, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (scan->kind == SQ_SCAN_COUNT) {
            scan->finished = true;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

static void account(struct sq_session *session, struct sq_scan *scan, const struct batch *batch,
        int64_t bytes_before) {
    scan->base.rows += scan->kind == SQ_SCAN_COUNT ? 1 : batch->rows;
    session->base.counts.rows += scan->kind == SQ_SCAN_COUNT ? 1 : batch->rows;
    session->base.counts.bytes_in += scan->base.bytes - bytes_before;
    if (scan->batch_rows < BATCH_ROWS_MAX) {
        scan->batch_rows *= ROWS_GROWTH;
    }
}

enum status sq_scan_next(struct scan *base, struct batch *batch, struct error *err) {
    struct sq_scan *scan = sq_scan(base);
    struct sq_session *session = sq_session(base->session);
    int64_t bytes_before = base->bytes;
    bool count = scan->kind == SQ_SCAN_COUNT;
    struct error cause = { 0 };
    enum status status =
            batch_reset(batch, count ? 0 : scan->column_count, scan->identity, err);

    if (status != STATUS_OK || scan->finished) {
        return status;
    }
    if (scan->failed != STATUS_OK) { /* or half a result would pass for the whole */
        return error_set(err, scan->failed, "%s",
                scan->failure != NULL ? scan->failure : "scan has failed");
    }
    status = sq_guard_start(session, base->ms, &cause);
    if (status == STATUS_OK) {
        status = fill(session, scan, batch, &cause);
        base->ms += sq_now_ms() - session->started_ms;
    }
    if (status == STATUS_OK) {
        account(session, scan, batch, bytes_before);
        return STATUS_OK;
    }
    if (scan->written != NULL) {
        sq_blame_table(scan->written, &cause);
    }
    scan->failed = status;
    scan->failure = memory_copy_text(cause.message);
    error_move(err, &cause);
    return status;
}
