/* Rows on their way into one relation. Rows of one shape gather and go together: INSERTs as
 * arrays in one statement, UPDATEs and DELETEs as one prepared statement that is run once for
 * each, all of it one round trip. In order: what was gathered goes before a row of another
 * shape. */
#include "drivers/postgres/write.h"

#include <stdlib.h>
#include <string.h>

enum { GATHERED_ROWS_MAX = 1000, GATHERED_BYTES_MAX = 1024 * 1024 };

struct pg_writer {
    struct writer base;
    struct schema *schema; /* one reference */
    uint8_t *states;       /* of the rows that wait; the shape's */
    struct pg_shape shape;
    struct pg_rows rows;
    struct text sql; /* what base.statement points to */
};

static struct pg_writer *writer_from(struct writer *writer) {
    return (struct pg_writer *)writer; /* ensured by the registry: one driver, one kind */
}

enum status pg_write_start(struct session *base, const struct schema *schema,
        struct writer **out, struct error *err) {
    struct pg_writer *writer;
    enum status status = pg_session_check(pg_session_from(base), err);

    if (status != STATUS_OK) {
        return status;
    }
    if (!pg_session_from(base)->transaction.writes) {
        return error_set(err, STATUS_READONLY, "no transaction that writes has begun");
    }
    writer = memory_alloc(sizeof(*writer));
    if (writer == NULL) {
        return error_nomem(err);
    }
    writer->states = memory_alloc_array(schema->column_count + 1, sizeof(*writer->states));
    if (writer->states == NULL) {
        memory_free(writer);
        return error_nomem(err);
    }
    /* Counting references is all that is done to it. */
    writer->schema = schema_retain((struct schema *)schema);
    writer->base.session = base;
    writer->base.schema = schema;
    writer->shape.schema = schema;
    writer->shape.states = writer->states;
    text_init(&writer->sql, TEXT_SQL_BYTES_MAX);
    *out = &writer->base;
    return STATUS_OK;
}

void pg_write_end(struct writer *base) {
    struct pg_writer *writer = writer_from(base);

    if (writer == NULL) {
        return;
    }
    pg_rows_clear(&writer->rows);
    text_clear(&writer->sql);
    schema_release(writer->schema);
    memory_free(writer->states);
    memory_free(writer);
}

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
        status = pg_request_send(sending->request, err);
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

/* Did every row do just what it was to do? */
static enum status check_rows(const struct batch_sending *sending, struct error *err) {
    struct pg_writer *writer = sending->writer;
    const struct pg_request *request = sending->request;
    const char *table = writer->schema->remote_name;

    if (writer->shape.kind == CHANGE_INSERT) {
        if (request->affected == (int64_t)writer->rows.count) {
            return STATUS_OK;
        }
        return error_set(err, STATUS_REMOTE,
                "table \"%s\" took %lld of %zu rows: a trigger or rule of its own left some "
                "out",
                table, (long long)request->affected, writer->rows.count);
    }
    if (request->affected == (int64_t)writer->rows.count - request->uneven &&
            (request->uneven == 0 || rows_are_gone(sending))) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_STALE,
            "a row of table \"%s\" is gone or was changed since it was read", table);
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

/* Sends what waits, and waits for what comes of it. */
static enum status flush(
        struct pg_writer *writer, struct write_result *result, struct error *err) {
    struct batch_sending sending = { .writer = writer,
        .session = pg_session_from(writer->base.session) };
    int64_t trips = writer->base.session->counts.round_trips;
    double start = pg_now_ms();
    struct error why = { 0 };
    enum status status = pg_session_check(sending.session, &why);

    if (status != STATUS_OK) {
        error_move(err, &why);
        return status;
    }
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
        status = take_answer(&sending, result, &why);
    }
    log_batch(&sending, pg_now_ms() - start, writer->base.session->counts.round_trips - trips,
            status, &why);
    pg_request_drop(sending.request);
    arena_clear(&sending.parameters.arena);
    pg_rows_reset(&writer->rows);
    if (status != STATUS_OK) {
        error_statement(&why, writer->base.statement);
    }
    error_move(err, &why);
    return status;
}

/* ---- one row at a time --------------------------------------------------------------------
 */

static enum status control(
        struct pg_session *session, const char *const *words, bool enter, struct error *err) {
    struct pg_request *request = NULL;
    enum status status = pg_request_create(session, &request, err);

    if (status == STATUS_OK && enter) {
        status = pg_snapshot_enter(session, request, err);
    }
    for (; status == STATUS_OK && *words != NULL; words++) {
        status = pg_request_add_text(request, *words, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(request, err);
    }
    pg_request_drop(request);
    return status;
}

/* OR IGNORE skips what breaks a constraint, save a foreign key, as SQLite does. One that is not
 * unique fails the statement, so a savepoint stands around each row; nobody waits for it. */
static enum status flush_ignoring(
        struct pg_writer *writer, struct write_result *result, struct error *err) {
    static const char *const before[] = { "SAVEPOINT i", NULL };
    static const char *const after[] = { "RELEASE SAVEPOINT i", NULL };
    static const char *const undo[] = { "ROLLBACK TO SAVEPOINT i", "RELEASE SAVEPOINT i",
        NULL };
    struct pg_session *session = pg_session_from(writer->base.session);
    struct error why = { 0 };
    enum status status = control(session, before, true, err);
    bool skipped;

    if (status != STATUS_OK) {
        pg_rows_reset(&writer->rows);
        return status;
    }
    status = flush(writer, result, &why);
    skipped = status == STATUS_CONSTRAINT && why.constraint != CONSTRAINT_FOREIGN_KEY &&
              why.constraint != CONSTRAINT_OTHER;
    if (skipped) {
        error_clear(&why);
        result->affected = 0;
        result->has_rowid = false;
        status = STATUS_OK;
    }
    error_move(err, &why);
    if (status != STATUS_OK) {
        return status;
    }
    return control(session, skipped ? undo : after, false, err);
}

/* ---- gathering ----------------------------------------------------------------------------
 */

/* A NULL where none may be becomes the default under OR REPLACE, if there is one: SQLite's. */
static uint8_t state_of(const struct schema *schema, const struct change *change, size_t i) {
    const struct column *column = &schema->columns[i];

    if (change->on_conflict == ON_CONFLICT_REPLACE && change->kind != CHANGE_DELETE &&
            change->states[i] == CELL_SET && change->values[i].kind == VALUE_NULL &&
            column->remote_not_null && column->default_sql != NULL) {
        return CELL_DEFAULT;
    }
    return change->states[i];
}

/* Would the row be the same statement as those that wait? */
static bool same_shape(
        const struct pg_writer *writer, const struct change *change, bool returning) {
    const struct pg_shape *shape = &writer->shape;

    if (shape->kind != change->kind || shape->on_conflict != change->on_conflict ||
            shape->returning != returning) {
        return false;
    }
    for (size_t i = 0; change->kind != CHANGE_DELETE && i < writer->schema->column_count; i++) {
        if (shape->states[i] != state_of(writer->schema, change, i)) {
            return false;
        }
    }
    return true;
}

static void take_shape(struct pg_writer *writer, const struct change *change, bool returning) {
    writer->shape.kind = change->kind;
    writer->shape.on_conflict = change->on_conflict;
    writer->shape.returning = returning;
    for (size_t i = 0; change->kind != CHANGE_DELETE && i < writer->schema->column_count; i++) {
        writer->states[i] = state_of(writer->schema, change, i);
    }
}

static bool returns_rowid(
        const struct schema *schema, const struct change *change, unsigned flags) {
    if (change->kind != CHANGE_INSERT || (flags & WRITE_WANT_ROWID) == 0) {
        return false;
    }
    return schema->identity == IDENTITY_ROWID ||
           (schema->identity == IDENTITY_INTEGER_KEY &&
                   (change->states[schema->key_column] != CELL_SET ||
                           change->values[schema->key_column].kind != VALUE_INTEGER));
}

/* A key that was given is the rowid; a trigger of the remote's that changed it is its own
 * affair, since who may only insert could not be shown the row. */
static void given_rowid(
        const struct schema *schema, const struct change *change, struct write_result *result) {
    if (change->kind == CHANGE_INSERT && schema->identity == IDENTITY_INTEGER_KEY &&
            change->states[schema->key_column] == CELL_SET &&
            change->values[schema->key_column].kind == VALUE_INTEGER) {
        result->has_rowid = true;
        result->rowid = change->values[schema->key_column].integer;
    }
}

static bool changes_nothing(const struct pg_writer *writer) {
    for (size_t i = 0; writer->shape.kind == CHANGE_UPDATE && i < writer->schema->column_count;
            i++) {
        if (writer->states[i] == CELL_DEFAULT) {
            return false;
        }
    }
    return writer->shape.kind == CHANGE_UPDATE &&
           pg_parameter_count(&writer->shape) == pg_identity_count(writer->schema);
}

static enum status refuse_row(const struct schema *schema, struct error *err) {
    return error_set(err, STATUS_READONLY,
            "rows of \"%s\" cannot be found again to be changed: it has no key (option key=)",
            schema->remote_name);
}

enum status pg_write_row(struct writer *base, const struct change *change, unsigned flags,
        struct write_result *result, struct error *err) {
    struct pg_writer *writer = writer_from(base);
    bool returning = returns_rowid(writer->schema, change, flags);
    bool ignore = change->on_conflict == ON_CONFLICT_IGNORE && change->kind != CHANGE_DELETE;
    enum status status = STATUS_OK;

    memset(result, 0, sizeof(*result));
    if (change->kind != CHANGE_INSERT && pg_identity_count(writer->schema) == 0) {
        return refuse_row(writer->schema, err);
    }
    if (writer->rows.count > 0 && (ignore || !same_shape(writer, change, returning))) {
        status = flush(writer, result, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (writer->rows.count == 0) {
        take_shape(writer, change, returning);
    }
    if (changes_nothing(writer)) {
        result->affected = 1;
        return STATUS_OK;
    }
    status = pg_rows_add(&writer->rows, &writer->shape, change, err);
    if (status != STATUS_OK ||
            ((flags & WRITE_SYNC) == 0 && !ignore && writer->rows.count < GATHERED_ROWS_MAX &&
                    writer->rows.bytes.length < GATHERED_BYTES_MAX)) {
        return status;
    }
    status = ignore ? flush_ignoring(writer, result, err) : flush(writer, result, err);
    if (status == STATUS_OK && result->affected > 0) {
        given_rowid(writer->schema, change, result);
    }
    return status;
}

enum status pg_write_flush(
        struct writer *base, struct write_result *result, int64_t *rows, struct error *err) {
    struct pg_writer *writer = writer_from(base);
    int64_t waiting = (int64_t)writer->rows.count;
    enum status status = STATUS_OK;

    memset(result, 0, sizeof(*result));
    *rows = 0;
    if (waiting == 0) {
        return STATUS_OK;
    }
    status = flush(writer, result, err);
    *rows = status == STATUS_OK ? waiting : 0;
    return status;
}
