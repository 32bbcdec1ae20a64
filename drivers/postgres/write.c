/* Rows on their way into one relation. Rows of one shape gather and go together (write_send.c).
 * In order: what was gathered goes before a row of another shape. */
#include "drivers/postgres/write.h"

#include <string.h>

enum { GATHERED_ROWS_MAX = 1000, GATHERED_BYTES_MAX = 1024 * 1024 };

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
    writer->base.sure = pg_definition_holds(base, schema);
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
    pg_copy_in_clear(writer);
    pg_rows_clear(&writer->rows);
    text_clear(&writer->sql);
    schema_release(writer->schema);
    memory_free(writer->states);
    memory_free(writer);
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
    status = pg_writer_flush(writer, result, &why);
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
    if (change->kind != CHANGE_DELETE && change->on_conflict != ON_CONFLICT_REPLACE) {
        return memcmp(shape->states, change->states, writer->schema->column_count) == 0;
    }
    for (size_t i = 0; change->kind != CHANGE_DELETE && i < writer->schema->column_count; i++) {
        if (shape->states[i] != state_of(writer->schema, change, i)) {
            return false;
        }
    }
    return true;
}

static void take_shape(struct pg_writer *writer, const struct change *change, bool returning) {
    bool same = same_shape(writer, change, returning);

    writer->copying.asked = writer->copying.asked && same;
    writer->copying.refused = writer->copying.refused && same;
    writer->shape.kind = change->kind;
    writer->shape.on_conflict = change->on_conflict;
    writer->shape.returning = returning;
    for (size_t i = 0; change->kind != CHANGE_DELETE && i < writer->schema->column_count; i++) {
        writer->states[i] = state_of(writer->schema, change, i);
    }
}

/* Rows of which more come may go by COPY. */
static enum status take_layout(struct pg_writer *writer, unsigned flags, struct error *err) {
    bool late = (flags & (WRITE_LATE | WRITE_SYNC)) == WRITE_LATE;

    writer->rows.frame.used = false;
    return late && writer->shape.kind == CHANGE_INSERT
                   ? pg_frame_choose(&writer->rows, &writer->shape, err)
                   : STATUS_OK;
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

static bool enough_gathered(const struct pg_writer *writer) {
    size_t rows_max = writer->base.rows_max > 0 ? (size_t)writer->base.rows_max
                                                : (size_t)GATHERED_ROWS_MAX;

    return writer->rows.count >= rows_max || writer->rows.bytes.length >= GATHERED_BYTES_MAX;
}

static bool may_copy(const struct pg_writer *writer, unsigned flags) {
    return (flags & WRITE_LATE) != 0 && pg_copy_in_fits(writer);
}

/* Before another row, which may be of another kind, and which alone tells that there is one
 * behind those that wait: the last one is not for a COPY. */
static enum status make_room(struct pg_writer *writer, const struct change *change,
        unsigned flags, struct write_result *result, struct error *err) {
    bool returning = returns_rowid(writer->schema, change, flags);
    bool waits = writer->rows.count > 0 || writer->copying.request != NULL;
    bool taken = false;
    enum status status = STATUS_OK;
    bool ignore = change->on_conflict == ON_CONFLICT_IGNORE && change->kind != CHANGE_DELETE;

    if (waits && (ignore || !same_shape(writer, change, returning))) {
        return pg_writer_flush(writer, result, err);
    }
    if (enough_gathered(writer) && may_copy(writer, flags)) {
        status = pg_copy_in_rows(writer, false, &taken, err);
    }
    return status == STATUS_OK && !taken && enough_gathered(writer)
                   ? pg_writer_flush(writer, result, err)
                   : status;
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
    status = make_room(writer, change, flags, result, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (writer->rows.count == 0) {
        take_shape(writer, change, returning);
        status = take_layout(writer, flags, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (changes_nothing(writer)) {
        result->affected = 1;
        return STATUS_OK;
    }
    status = pg_rows_add(&writer->rows, &writer->shape, change, err);
    if (status != STATUS_OK || ((flags & WRITE_SYNC) == 0 && !ignore &&
                                       (!enough_gathered(writer) || may_copy(writer, flags)))) {
        return status;
    }
    status =
            ignore ? flush_ignoring(writer, result, err) : pg_writer_flush(writer, result, err);
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
    if (waiting == 0 && writer->copying.request == NULL) {
        return STATUS_OK;
    }
    status = pg_writer_flush(writer, result, err);
    *rows = status == STATUS_OK ? waiting : 0;
    return status;
}
