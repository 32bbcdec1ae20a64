/* The rows of a statement, collected until there are all of them; write_send.c sends them. */
#include "drivers/postgrest/write.h"

#include <stdio.h>
#include <string.h>

enum { KEYS_FIRST = 16 };

/* ---- the transaction that there is not ----------------------------------------------------
 */

enum status pr_begin(
        struct session *base, const struct transaction_options *options, struct error *err) {
    (void)base;
    (void)options;
    (void)err;
    return STATUS_OK;
}

/* What was to be written was written by pr_write_flush(). */
enum status pr_commit(struct session *base, int64_t timeout_ms, struct error *err) {
    (void)base;
    (void)timeout_ms;
    (void)err;
    return STATUS_OK;
}

void pr_rollback(struct session *base) {
    (void)base;
}

enum status pr_write_check_read(
        const struct pr_session *session, const struct schema *schema, struct error *err) {
    const struct schema *waiting = session->waiting;

    if (waiting == NULL || strcmp(waiting->remote_name, schema->remote_name) != 0) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_UNSUPPORTED,
            "table \"%s\" cannot be read by the statement that is writing to it: over "
            "PostgREST its rows are written when the statement ends",
            schema->remote_name);
}

/* ---- a writer's life ----------------------------------------------------------------------
 */

enum status pr_write_start(struct session *session, const struct schema *schema,
        struct writer **out, struct error *err) {
    struct pr_writer *writer = memory_alloc(sizeof(*writer));
    size_t bytes = (size_t)pr_session(session)->max_body_bytes;

    if (writer == NULL) {
        return error_nomem(err);
    }
    writer->base.session = session;
    writer->base.schema = schema;
    text_init(&writer->body, bytes + 1);
    text_init(&writer->row, bytes + 1);
    text_init(&writer->scratch, BATCH_HEAP_BYTES_MAX);
    text_init(&writer->target, PR_TARGET_BYTES_MAX);
    text_init(&writer->prefer, PR_TARGET_BYTES_MAX);
    text_init(&writer->statement, PR_TARGET_BYTES_MAX);
    text_init(&writer->parameters, bytes + PR_TARGET_BYTES_MAX);
    writer->states = arena_alloc_array(&writer->arena, schema->column_count, 1);
    writer->sent = arena_alloc_array(&writer->arena, schema->column_count, sizeof(int));
    writer->member_max = schema->column_count + PR_MEMBERS_MORE;
    writer->members =
            arena_alloc_array(&writer->arena, writer->member_max, sizeof(*writer->members));
    writer->sent_members =
            arena_alloc_array(&writer->arena, writer->member_max, sizeof(*writer->members));
    writer->find =
            schema->identity == IDENTITY_ROW ? schema->find_columns : &schema->key_column;
    writer->find_count = schema->identity == IDENTITY_ROW ? schema->find_count : 1;
    if (writer->states == NULL || writer->sent == NULL || writer->members == NULL ||
            writer->sent_members == NULL) {
        pr_write_end(&writer->base);
        return error_nomem(err);
    }
    *out = &writer->base;
    return STATUS_OK;
}

void pr_forget_waiting(const struct pr_writer *writer) {
    struct pr_session *session = pr_session(writer->base.session);

    if (session->waiting == writer->base.schema) {
        session->waiting = NULL;
    }
}

void pr_forget_rows(struct pr_writer *writer) {
    pr_forget_waiting(writer);
    writer->count = 0;
}

void pr_write_end(struct writer *base) {
    struct pr_writer *writer = pr_writer(base);

    if (writer == NULL) {
        return;
    }
    pr_forget_rows(writer);
    text_clear(&writer->body);
    text_clear(&writer->row);
    text_clear(&writer->scratch);
    text_clear(&writer->target);
    text_clear(&writer->prefer);
    text_clear(&writer->statement);
    text_clear(&writer->parameters);
    memory_free(writer->keys);
    arena_clear(&writer->arena);
    memory_free(writer);
}

/* ---- rows on their way --------------------------------------------------------------------
 */

static enum status refuse_more(
        const struct pr_writer *writer, const char *why, struct error *err) {
    static const char *const verbs[] = {
        [CHANGE_INSERT] = "INSERT",
        [CHANGE_UPDATE] = "UPDATE",
        [CHANGE_DELETE] = "DELETE",
    };

    error_set(err, STATUS_UNSUPPORTED,
            "this %s cannot be one request to table \"%s\": a request can hold %lld of its "
            "rows, %s",
            verbs[writer->kind], writer->base.schema->remote_name, (long long)writer->count,
            why);
    error_explain(err, NULL, NULL,
            "Over PostgREST a statement is one request, which is done whole or not at all. "
            "Nothing was sent: write the rows in several statements.");
    return STATUS_UNSUPPORTED;
}

/* "{"a":1,"b":"x"}" of the cells that are set. */
static enum status write_object(
        struct pr_writer *writer, const struct change *change, struct error *err) {
    const struct schema *schema = writer->base.schema;
    const char *separator = "{";
    enum status status = STATUS_OK;

    text_truncate(&writer->row, 0);
    for (size_t i = 0; i < schema->column_count && status == STATUS_OK; i++) {
        const char *name = schema->columns[i].remote_name;

        if (change->states[i] != CELL_SET) {
            continue;
        }
        text_append(&writer->row, separator);
        text_append_json(&writer->row, name, strlen(name));
        text_append_char(&writer->row, ':');
        status = pr_value_json(
                schema, (int)i, &change->values[i], &writer->scratch, &writer->row, err);
        writer->zoned = writer->zoned || (change->values[i].kind != VALUE_NULL &&
                                                 pr_is_zoned(pr_column(schema, (int)i)));
        separator = ",";
    }
    text_append(&writer->row, separator[0] == '{' ? "{}" : "}");
    return status;
}

static enum status too_long(const struct pr_writer *writer, struct error *err) {
    char why[64];

    snprintf(why, sizeof(why), "max_body_bytes=%lld",
            (long long)pr_session(writer->base.session)->max_body_bytes);
    return refuse_more(writer, why, err);
}

/* Which columns any row has; whether all rows have the same. */
static void note_columns(struct pr_writer *writer, const struct change *change) {
    const struct schema *schema = writer->base.schema;

    for (size_t i = 0; i < schema->column_count; i++) {
        bool set = change->states[i] == CELL_SET;

        writer->uneven = writer->uneven || (writer->count > 0 && set != writer->states[i]);
        writer->states[i] = writer->states[i] || set;
        writer->rounds = writer->rounds || (set && pr_may_round(pr_column(schema, (int)i)));
    }
}

static enum status add_row(
        struct pr_writer *writer, const struct change *change, struct error *err) {
    size_t limit = (size_t)pr_session(writer->base.session)->max_body_bytes;
    enum status status = write_object(writer, change, err);

    if (status != STATUS_OK) {
        return status;
    }
    if (writer->row.failure == STATUS_TOO_BIG ||
            writer->body.length + writer->row.length + 2 > limit) {
        return too_long(writer, err);
    }
    note_columns(writer, change);
    text_append_char(&writer->body, writer->count == 0 ? '[' : ',');
    text_append_bytes(&writer->body, text_get(&writer->row), writer->row.length);
    return text_status(&writer->body, err);
}

/* One request sets all its rows to the same. */
static enum status add_set(
        struct pr_writer *writer, const struct change *change, struct error *err) {
    enum status status = write_object(writer, change, err);

    if (status != STATUS_OK) {
        return status;
    }
    if (writer->row.failure == STATUS_TOO_BIG) {
        return too_long(writer, err);
    }
    if (writer->count > 0 && (writer->row.length != writer->body.length ||
                                     memcmp(text_get(&writer->row), text_get(&writer->body),
                                             writer->row.length) != 0)) {
        return refuse_more(writer, "because it sets all of them to the same values", err);
    }
    if (writer->count == 0) {
        note_columns(writer, change);
        text_append(&writer->body, text_get(&writer->row));
    }
    return text_status(&writer->body, err);
}

static enum status make_room(struct pr_writer *writer, struct error *err) {
    size_t wanted = ((size_t)writer->count + 1) * writer->find_count;
    size_t capacity = writer->key_capacity > 0 ? writer->key_capacity * 2
                                               : KEYS_FIRST * writer->find_count;
    struct value *keys;

    if (wanted <= writer->key_capacity) {
        return STATUS_OK;
    }
    keys = memory_resize_array(writer->keys, capacity, sizeof(*keys));
    if (keys == NULL) {
        return error_nomem(err);
    }
    writer->keys = keys;
    writer->key_capacity = capacity;
    return STATUS_OK;
}

static enum status add_key(
        struct pr_writer *writer, const struct change *change, struct error *err) {
    size_t limit = (size_t)pr_session(writer->base.session)->max_url_bytes;
    size_t count = writer->find_count;
    struct value *key;
    enum status status = make_room(writer, err);
    char why[64];

    if (status != STATUS_OK) {
        return status;
    }
    key = &writer->keys[(size_t)writer->count * count];
    status = pr_key_values(writer, &change->row, key, err);
    if (status == STATUS_OK && writer->count == 0) {
        status = pr_measure_target(writer, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    writer->key_bytes += pr_key_bytes(writer, key);
    if (writer->target_bytes + writer->key_bytes > limit) {
        snprintf(why, sizeof(why), "max_url_bytes=%zu", limit);
        return refuse_more(writer, why, err);
    }
    return STATUS_OK;
}

/* ---- the driver's slots -------------------------------------------------------------------
 */

static bool changes_nothing(const struct schema *schema, const struct change *change) {
    bool nothing = change->kind == CHANGE_UPDATE;

    for (size_t i = 0; nothing && i < schema->column_count; i++) {
        nothing = change->states[i] != CELL_SET;
    }
    return nothing;
}

/* A request is of one kind. */
static enum status begin_rows(
        struct pr_writer *writer, const struct change *change, struct error *err) {
    const struct schema *schema = writer->base.schema;

    if (writer->count > 0 &&
            (writer->kind != change->kind || writer->on_conflict != change->on_conflict)) {
        return refuse_more(writer, "because the next one is written in another way", err);
    }
    if (change->kind == CHANGE_UPDATE && change->on_conflict != ON_CONFLICT_ABORT) {
        return error_set(err, STATUS_UNSUPPORTED,
                "UPDATE OR %s of table \"%s\" cannot be said over PostgREST",
                change->on_conflict == ON_CONFLICT_IGNORE ? "IGNORE" : "REPLACE",
                schema->remote_name);
    }
    if (writer->count == 0) {
        writer->kind = change->kind;
        writer->on_conflict = change->on_conflict;
        writer->uneven = false;
        writer->merges = false;
        writer->zoned = false;
        writer->rounds = false;
        writer->kept = 0;
        writer->kept_reader = (struct pr_page_reader){ PR_AT_START };
        writer->key_bytes = 0;
        text_truncate(&writer->body, 0);
        text_truncate(&writer->parameters, 0);
        memset(writer->states, 0, schema->column_count);
    }
    return STATUS_OK;
}

enum status pr_write_row(struct writer *base, const struct change *change, unsigned flags,
        struct write_result *result, struct error *err) {
    struct pr_writer *writer = pr_writer(base);
    enum status status;

    *result = (struct write_result){ .affected = 1 };
    if (changes_nothing(base->schema, change)) {
        return STATUS_OK;
    }
    status = begin_rows(writer, change, err);
    if (status == STATUS_OK && change->kind != CHANGE_DELETE) {
        status = change->kind == CHANGE_INSERT ? add_row(writer, change, err)
                                               : add_set(writer, change, err);
    }
    if (status == STATUS_OK && change->kind != CHANGE_INSERT) {
        status = add_key(writer, change, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    writer->count++;
    pr_session(base->session)->waiting = base->schema;
    if ((flags & WRITE_SYNC) != 0) {
        *result = (struct write_result){ 0 };
        return pr_send_rows(writer, result, err);
    }
    return STATUS_OK;
}

enum status pr_write_flush(
        struct writer *base, struct write_result *result, int64_t *rows, struct error *err) {
    struct pr_writer *writer = pr_writer(base);

    *result = (struct write_result){ 0 };
    *rows = writer->count;
    return writer->count > 0 ? pr_send_rows(writer, result, err) : STATUS_OK;
}
