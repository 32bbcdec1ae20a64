/* The statement of rows that waited: INSERTs as arrays in one statement, UPDATEs and DELETEs as
 * one prepared statement that is run once for each, all of it one round trip; and whether every
 * row did just what it was to do. */
#include "drivers/postgres/write.h"

#include <stdlib.h>
#include <string.h>

/* ---- sending ------------------------------------------------------------------------------
 */

/* Of one batch. */
struct batch_sending {
    struct pg_writer *writer;
    struct pg_session *session;
    const char *sql;
    struct pg_request *request;
    struct pg_sending parameters;
    int64_t undone; /* the session's, when it was sent */
    /* Asks along with the rows whether the relation is as described: under another definition
     * they could be bent, or OR REPLACE take rows that are in nobody's way. Has no schema where
     * that need not be known. */
    struct pg_scan check;
};

static enum status add_arrays(struct batch_sending *sending, struct error *err) {
    struct pg_command command = { .sql = sending->sql };
    enum status status = pg_sending_arrays(
            &sending->parameters, &sending->writer->rows, &sending->writer->shape, err);

    command.values = sending->parameters.values;
    command.lengths = sending->parameters.lengths;
    command.formats = sending->parameters.formats;
    command.count = sending->parameters.count;
    return status == STATUS_OK ? pg_request_add(sending->request, &command, err) : status;
}

/* Many rows: parsed once, as the unnamed statement, which nothing else can replace in between.
 */
static enum status add_rows(struct batch_sending *sending, struct error *err) {
    struct pg_writer *writer = sending->writer;
    size_t count = pg_parameter_count(&writer->shape);
    bool prepare = writer->rows.count > 1;
    struct pg_command command = { .sql = prepare ? "" : sending->sql, .prepared = prepare };
    enum status status = STATUS_OK;

    if (prepare) {
        status = pg_request_prepare(sending->request, "", sending->sql, err);
    }
    for (size_t row = 0; row < writer->rows.count && status == STATUS_OK; row++) {
        status = pg_sending_row(&sending->parameters, &writer->rows, row, count, err);
        command.values = sending->parameters.values;
        command.lengths = sending->parameters.lengths;
        command.formats = sending->parameters.formats;
        command.count = count;
        if (status == STATUS_OK) {
            status = pg_request_add(sending->request, &command, err);
        }
    }
    return status;
}

static enum status send_batch(struct batch_sending *sending, struct error *err) {
    enum status status = pg_request_create(sending->session, &sending->request, err);

    if (status != STATUS_OK) {
        return status;
    }
    sending->undone = sending->session->undone;
    status = pg_snapshot_enter(sending->session, sending->request, err);
    if (status == STATUS_OK) {
        status = sending->writer->shape.source == PG_SOURCE_ARRAYS ? add_arrays(sending, err)
                                                                   : add_rows(sending, err);
    }
    if (status == STATUS_OK) {
        sending->check.request = sending->request;
        status = pg_definition_probe(&sending->check, err);
        sending->check.request = NULL;
    }
    if (status == STATUS_OK) {
        status = pg_request_send(sending->request, err);
    }
    if (status == STATUS_OK) {
        status = pg_definition_ask(&sending->check, err);
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

/* A scan's failure, read only now, may have stopped the batch from being run: then it did
 * nothing, and that failure has been undone since. */
static bool may_repeat(const struct batch_sending *sending) {
    return sending->request->failure != NULL &&
           pg_result_is_aborted(sending->request->failure) &&
           sending->undone < sending->session->undone;
}

static enum status await_batch(struct batch_sending *sending, struct error *err) {
    enum status status = pg_request_wait(sending->request, err);

    while (status == STATUS_OK && may_repeat(sending)) {
        pg_request_drop(sending->request);
        sending->request = NULL;
        pg_definition_drop(&sending->check);
        status = send_batch(sending, err);
        if (status == STATUS_OK) {
            status = pg_request_wait(sending->request, err);
        }
    }
    return status;
}

/* ---- answers ------------------------------------------------------------------------------
 */

/* What the rowid is made of came as text. */
static enum status result_rowid(const struct pg_shape *shape, const PGresult *rows,
        struct write_result *result, struct error *err) {
    const struct pg_relation *relation = pg_relation(shape->schema);
    int last = PQntuples(rows) - 1;
    unsigned long block = 0;
    uint32_t oid = 0;
    size_t leaf = 0;
    char *end = NULL;

    if (last < 0) {
        return STATUS_OK; /* counted elsewhere */
    }
    if (shape->schema->identity == IDENTITY_INTEGER_KEY) {
        result->rowid = strtoll(PQgetvalue(rows, last, 0), NULL, 10);
        result->has_rowid = true;
        return STATUS_OK;
    }
    block = strtoul(PQgetvalue(rows, last, 0) + 1, &end, 10); /* "(0,1)" */
    if (relation->leaf_count > 0) {
        oid = (uint32_t)strtoul(PQgetvalue(rows, last, 1), NULL, 10);
        while (leaf < relation->leaf_count && relation->leaf_oids[leaf] != oid) {
            leaf++;
        }
        if (leaf == relation->leaf_count) {
            return error_set(err, STATUS_SCHEMA,
                    "remote table changed: the row went into a new partition of \"%s\"",
                    shape->schema->remote_name);
        }
    }
    result->rowid = (int64_t)((uint64_t)leaf << 48 | (uint64_t)block << 16 |
                              strtoul(end + 1, NULL, 10));
    result->has_rowid = true;
    return STATUS_OK;
}

/* A cascade or a trigger of the same statement deleted rows before their turn came: SQLite
 * passes over such rows. Another session cannot have, of what this transaction has read. All
 * the rows are looked for: one that a trigger kept is still there. A place tells nothing, since
 * a row that a trigger updated is at another. */
static bool rows_are_gone(const struct batch_sending *deleted) {
    struct pg_writer *writer = deleted->writer;
    struct batch_sending sending = { .writer = writer, .session = deleted->session };
    struct text sql;
    bool gone =
            writer->shape.kind == CHANGE_DELETE && writer->schema->identity != IDENTITY_ROWID;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    gone = gone && pg_find_sql(&writer->shape, &sql, NULL) == STATUS_OK;
    sending.sql = text_get(&sql);
    gone = gone && send_batch(&sending, NULL) == STATUS_OK &&
           await_batch(&sending, NULL) == STATUS_OK && sending.request->failure == NULL &&
           sending.request->selected == 0;
    pg_request_drop(sending.request);
    arena_clear(&sending.parameters.arena);
    text_clear(&sql);
    return gone;
}

enum status pg_rows_left_out(
        const struct schema *schema, int64_t stored, int64_t sent, struct error *err) {
    return error_set(err, STATUS_REMOTE,
            "table \"%s\" took %lld of %lld rows: a trigger or rule of its own left some out",
            schema->remote_name, (long long)stored, (long long)sent);
}

/* Did every row do just what it was to do? */
static enum status check_rows(const struct batch_sending *sending, struct error *err) {
    struct pg_writer *writer = sending->writer;
    const struct pg_request *request = sending->request;
    const char *table = writer->schema->remote_name;

    if (writer->shape.kind == CHANGE_INSERT) {
        if (request->affected == (int64_t)writer->rows.count) {
            return STATUS_OK;
        }
        return pg_rows_left_out(
                writer->schema, request->affected, (int64_t)writer->rows.count, err);
    }
    if (request->affected == (int64_t)writer->rows.count - request->uneven &&
            (request->uneven == 0 || rows_are_gone(sending))) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_STALE,
            "a row of table \"%s\" is gone or was changed since it was read", table);
}

/* Nothing that went wrong with rows under another definition needs to be told. */
static enum status check_definition(struct batch_sending *sending, struct error *err) {
    const struct pg_request *request = sending->request;
    const struct pg_shape *shape = &sending->writer->shape;

    if (request->failure != NULL) {
        return STATUS_OK; /* which is the answer */
    }
    pg_definition_probed(&sending->check, shape->returning ? request->second : request->result);
    return pg_definition_finish(&sending->check, STATUS_OK, err);
}

static enum status take_answer(
        struct batch_sending *sending, struct write_result *result, struct error *err) {
    struct pg_writer *writer = sending->writer;
    struct pg_request *request = sending->request;
    enum status status = STATUS_OK;

    if (request->failure != NULL) {
        status = pg_write_error(&writer->shape, &writer->rows, request->failure, err);
        return status == STATUS_LOST
                       ? pg_session_break(sending->session, status, "the server ended it", NULL)
                       : status;
    }
    if (writer->shape.on_conflict != ON_CONFLICT_IGNORE ||
            writer->shape.kind != CHANGE_INSERT || request->affected > 1) {
        status = check_rows(sending, err);
    }
    result->affected = request->affected > 0;
    if (status == STATUS_OK && writer->shape.returning && request->result != NULL) {
        status = result_rowid(&writer->shape, request->result, result, err);
    }
    return status;
}

static void log_batch(const struct batch_sending *sending, double ms, int64_t trips,
        enum status status, const struct error *err) {
    struct statement_record record = { .sql = text_get(&sending->writer->sql),
        .ms = ms,
        .rows = status == STATUS_OK ? (int64_t)sending->writer->rows.count : 0,
        .bytes = sending->request != NULL ? sending->request->bytes : 0,
        .round_trips = trips,
        .error = status != STATUS_OK ? err->message : NULL };

    pg_log(sending->session, &record);
}

enum status pg_writer_flush(
        struct pg_writer *writer, struct write_result *result, struct error *err) {
    struct batch_sending sending = { .writer = writer,
        .session = pg_session_from(writer->base.session),
        .check = { .base.session = writer->base.session,
                .schema = writer->schema,
                .writes = true } };
    double start = pg_now_ms();
    bool taken = false;
    int64_t trips;
    struct error why = { 0 };
    enum status status = pg_session_check(sending.session, &why);

    if (status == STATUS_OK && writer->copying.request != NULL && writer->rows.count > 1 &&
            pg_copy_in_fits(writer)) {
        status = pg_copy_in_rows(writer, true, &taken, &why);
    }
    if (status == STATUS_OK) {
        status = pg_copy_in_finish(writer, &why);
    }
    if (status != STATUS_OK || writer->rows.count == 0) {
        error_move(err, &why);
        return status;
    }
    trips = writer->base.session->counts.round_trips;
    writer->shape.source = writer->shape.kind == CHANGE_INSERT && writer->rows.count > 1 &&
                                           pg_parameter_count(&writer->shape) > 0
                                   ? PG_SOURCE_ARRAYS
                                   : PG_SOURCE_ROW;
    text_truncate(&writer->sql, 0);
    status = pg_write_sql(&writer->shape, &writer->sql, &why);
    writer->base.statement = text_get(&writer->sql);
    sending.sql = text_get(&writer->sql);
    if (status == STATUS_OK) {
        status = send_batch(&sending, &why);
    }
    if (status == STATUS_OK) {
        status = await_batch(&sending, &why);
    }
    if (status == STATUS_OK) {
        status = check_definition(&sending, &why);
    }
    if (status == STATUS_OK) {
        status = take_answer(&sending, result, &why);
    }
    writer->copying.locked = writer->copying.locked || status == STATUS_OK;
    writer->base.sure = status == STATUS_OK;
    log_batch(&sending, pg_now_ms() - start, writer->base.session->counts.round_trips - trips,
            status, &why);
    pg_definition_drop(&sending.check);
    pg_request_drop(sending.request);
    arena_clear(&sending.parameters.arena);
    pg_rows_reset(&writer->rows);
    if (status != STATUS_OK) {
        error_statement(&why, writer->base.statement);
    }
    error_move(err, &why);
    return status;
}
