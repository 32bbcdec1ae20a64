/* The one request of a statement that writes: what it relies on is confirmed first, then it is
 * sent, waited for, and its rows are counted in the answer. */
#include "drivers/postgrest/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_BODY_BYTES_MAX = 64 * 1024 };

/* ---- what the server heeds ----------------------------------------------------------------
 */

enum { UNASKED, HEEDED, UNHEEDED };

static const char *const preferences[PR_HEED_COUNT] = {
    [PR_HEED_MISSING] = "missing=default",
    [PR_HEED_AFFECTED] = "max-affected",
    [PR_HEED_ZONE] = "timezone=UTC",
};

/* A server that takes its preferences strictly refuses those that it does not know, and says
 * that it does; one that does not say so may pass over any of them. Asked by reading nothing,
 * once per session. */
static enum status ask(struct pr_session *session, const struct schema *schema,
        enum pr_heed heed, struct error *err) {
    struct pr_request request = { .profile = schema->remote_schema };
    struct pr_spelling target;
    struct pr_exchange *x = NULL;
    struct error why = { 0 };
    char prefer[64];
    enum status status;

    snprintf(prefer, sizeof(prefer), "handling=strict, %s%s", preferences[heed],
            heed == PR_HEED_AFFECTED ? "=1" : "");
    pr_spelling_init(&target);
    pr_append_counted(&target, schema, pr_relation(schema)->key[0]);
    text_append(&target.url, "&limit=0");
    request.target = text_get(&target.url);
    request.prefer = prefer;
    status = text_status(&target.url, &why);
    if (status == STATUS_OK) {
        status = pr_send(session, &request, &x, &why);
    }
    if (status == STATUS_OK) {
        status = pr_await(session, &request, &x, &why);
    }
    if (status == STATUS_OK) {
        bool heeds = x->head.strict && (heed != PR_HEED_ZONE || x->head.utc);

        session->heeds[heed] = heeds ? HEEDED : UNHEEDED;
    } else if (x != NULL && x->head.status == 400) {
        session->heeds[heed] = UNHEEDED;
        error_clear(&why);
        status = STATUS_OK;
    }
    pr_exchange_end(x);
    pr_spelling_clear(&target);
    error_move(err, &why);
    return status;
}

static enum status confirm(struct pr_session *session, const struct schema *schema,
        enum pr_heed heed, bool *heeds, struct error *err) {
    enum status status =
            session->heeds[heed] == UNASKED ? ask(session, schema, heed, err) : STATUS_OK;

    *heeds = session->heeds[heed] == HEEDED;
    return status;
}

/* ---- the request --------------------------------------------------------------------------
 */

/* Every column that can be, so that nothing of a replaced row stays: what a row leaves out is
 * its default. The key as well, unless the server makes it for all rows, which none can then
 * be in conflict with. */
static void choose_columns(struct pr_writer *writer) {
    const struct schema *schema = writer->base.schema;
    const struct pr_relation *relation = pr_relation(schema);
    bool key = writer->on_conflict == ON_CONFLICT_REPLACE;

    for (size_t i = 0; i < relation->key_count; i++) {
        key = key && writer->states[relation->key[i]];
    }
    writer->merges = key || (writer->conflict != NULL && !writer->conflict->nothing);
    for (size_t i = 0; i < schema->column_count && key; i++) {
        writer->uneven = writer->uneven || !writer->states[i];
        writer->states[i] = schema->columns[i].generated == 0;
    }
    writer->sent_count = 0;
    for (size_t i = 0; i < schema->column_count; i++) {
        if (writer->states[i]) {
            writer->sent[writer->sent_count++] = (int)i;
        }
    }
}

static enum status need(
        struct pr_writer *writer, enum pr_heed heed, const char *why, struct error *err) {
    struct pr_session *session = pr_session(writer->base.session);
    bool heeds = false;
    enum status status = confirm(session, writer->base.schema, heed, &heeds, err);

    if (status == STATUS_OK && !heeds) {
        return error_set(err, STATUS_UNSUPPORTED,
                "cannot write to table \"%s\": this server does not confirm %s, so that %s",
                writer->base.schema->remote_name, preferences[heed], why);
    }
    return status;
}

/* What the request relies on besides the key is confirmed before anything is written. */
static enum status choose_preferences(struct pr_writer *writer, struct error *err) {
    const struct pr_relation *relation = pr_relation(writer->base.schema);
    bool strict = writer->uneven || writer->zoned, affected = false;
    enum status status = STATUS_OK;

    text_truncate(&writer->prefer, 0);
    text_append(&writer->prefer, "return=representation");
    if (writer->uneven) {
        status = need(writer, PR_HEED_MISSING, "columns left out could become NULL", err);
        text_append(&writer->prefer, ", missing=default");
    }
    if (status == STATUS_OK && writer->zoned) {
        status = need(writer, PR_HEED_ZONE, "times could be stored in another zone", err);
        text_append(&writer->prefer, ", timezone=UTC");
    }
    if (status == STATUS_OK && writer->kind != CHANGE_INSERT && relation->key_asserted) {
        status = need(writer, PR_HEED_AFFECTED, "more rows than these could change", err);
    }
    if (status == STATUS_OK && writer->kind != CHANGE_INSERT) {
        status = confirm(pr_session(writer->base.session), writer->base.schema,
                PR_HEED_AFFECTED, &affected, err);
    }
    if (affected) {
        text_printf(&writer->prefer, ", max-affected=%lld", (long long)writer->count);
    }
    if (writer->merges) {
        text_append(&writer->prefer, ", resolution=merge-duplicates");
    } else if (writer->conflict != NULL ||
               (writer->kind == CHANGE_INSERT && writer->on_conflict == ON_CONFLICT_IGNORE)) {
        text_append(&writer->prefer, ", resolution=ignore-duplicates");
    }
    text_append(&writer->prefer, strict || affected ? ", handling=strict" : "");
    return status == STATUS_OK ? text_status(&writer->prefer, err) : status;
}

/* ---- waiting ------------------------------------------------------------------------------
 */

/* The words of whatever went wrong, once nobody can tell whether the write was carried out. */
static enum status outcome_unknown(
        const struct pr_writer *writer, struct error *why, struct error *err) {
    error_set(err, STATUS_OUTCOME_UNKNOWN,
            "nobody can tell whether the write to table \"%s\" was carried out: %s",
            writer->base.schema->remote_name, why->message);
    error_explain(err, NULL, why->detail,
            "It was sent and is not sent again. Look at the rows before you write anew.");
    error_clear(why);
    return STATUS_OUTCOME_UNKNOWN;
}

static enum status no_answer(const struct pr_writer *writer, const struct pr_exchange *x,
        struct error *why, struct error *err) {
    enum status status = why->status;

    if (pr_exchange_sent(x)) {
        return outcome_unknown(writer, why, err);
    }
    if (status == STATUS_LOST) { /* nothing left: it is as if it could not be reached */
        status = error_set(err, STATUS_UNREACHABLE, "%s", why->message);
        error_clear(why);
        return status;
    }
    error_move(err, why);
    return status;
}

static enum status refused(
        const struct pr_writer *writer, struct pr_exchange *x, struct error *err) {
    struct error why = { 0 };
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !x->done && x->used - x->start < ERROR_BODY_BYTES_MAX) {
        status = pr_exchange_more(x, &why);
    }
    if (status != STATUS_OK) {
        return outcome_unknown(writer, &why, err);
    }
    status = pr_write_refusal(
            writer->base.schema, x->head.status, x->body + x->start, x->used - x->start, &why);
    if (status == STATUS_OUTCOME_UNKNOWN) {
        return outcome_unknown(writer, &why, err);
    }
    error_move(err, &why);
    return status;
}

/* It is sent again only when it was refused for its token, before anything was done. */
static enum status await_write(const struct pr_writer *writer, const struct pr_request *request,
        struct pr_exchange **x, struct error *err) {
    struct pr_session *session = pr_session(writer->base.session);
    bool renews = session->token_file != NULL || session->token_env != NULL;

    for (;; renews = false) {
        struct error why = { 0 };
        enum status status = pr_exchange_head(*x, &why);

        if ((*x)->head.status / 100 ==
                2) {           /* 204 when it was not heeded what is to come back */
            error_clear(&why); /* done it is, whatever became of the rest of the answer */
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            return no_answer(writer, *x, &why, err);
        }
        if ((*x)->head.status != 401 || !renews) {
            return refused(writer, *x, err);
        }
        pr_exchange_end(*x);
        *x = NULL;
        status = pr_send(session, request, x, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

/* ---- its answer ---------------------------------------------------------------------------
 */

/* The rowid of a row that the server tells of. */
static void take_rowid(const struct pr_writer *writer, const struct pr_member *member,
        struct write_result *result) {
    char digits[32];

    if (writer->base.schema->identity != IDENTITY_INTEGER_KEY || member->kind != PR_NUMBER ||
            member->value_length >= sizeof(digits)) {
        return;
    }
    snprintf(digits, sizeof(digits), "%.*s", (int)member->value_length, member->value);
    result->rowid = strtoll(digits, NULL, 10);
    result->has_rowid = true;
}

/* Counts the rows that were written. */
static enum status read_rows(struct pr_writer *writer, struct pr_exchange *x,
        struct write_result *result, struct error *err) {
    struct pr_page_reader reader = { PR_AT_START };
    struct pr_member *members = writer->members;
    enum status status = STATUS_OK;

    while (status == STATUS_OK) {
        size_t count = 0, used = 0;

        switch (pr_read_row(&reader, x->body + x->start, x->used - x->start, members,
                writer->member_max, &count, &used)) {
        case PR_STEP_ROW:
            result->affected++;
            if (count > 0) {
                take_rowid(writer, &members[0], result);
            }
            status = pr_check_kept(writer, members, count, err);
            pr_exchange_consume(x, used);
            if (result->affected > writer->count) {
                return STATUS_OK; /* which pr_check_count() refuses; they need not end */
            }
            break;
        case PR_STEP_END:
            return STATUS_OK;
        case PR_STEP_MORE:
            status = !x->done ? pr_exchange_more(x, err)
                              : error_set(err, STATUS_PROTOCOL, "the answer ends too early");
            break;
        default:
            status = error_set(err, STATUS_PROTOCOL, "the answer is no array of rows in JSON");
        }
    }
    return status;
}

/* The head says that it was done; which rows it was done to, only the body says. */
enum status pr_rows_untold(
        const struct pr_writer *writer, struct error *why, struct error *err) {
    error_set(err, STATUS_OUTCOME_UNKNOWN,
            "the server carried out the write to table \"%s\", but did not say which rows it "
            "wrote: %s",
            writer->base.schema->remote_name, why->message);
    error_clear(why);
    return STATUS_OUTCOME_UNKNOWN;
}

/* Fewer than were sent: a row was gone, or something on the server left it out. */
enum status pr_check_count(const struct pr_writer *writer, int64_t rows, struct error *err) {
    const char *table = writer->base.schema->remote_name;
    bool skips = writer->kind == CHANGE_INSERT &&
                 (writer->on_conflict == ON_CONFLICT_IGNORE ||
                         (writer->conflict != NULL && writer->conflict->nothing));

    if (rows == writer->count || (skips && rows < writer->count)) {
        return STATUS_OK;
    }
    if (rows > writer->count) {
        return error_set(err, STATUS_PROTOCOL,
                "the server wrote more rows of table \"%s\" than the %lld that were meant",
                table, (long long)writer->count);
    }
    if (writer->kind == CHANGE_INSERT) {
        return error_set(err, STATUS_REMOTE,
                "the server tells of %lld of the %lld rows that were inserted into table "
                "\"%s\": these are stored, the others were left out on the server",
                (long long)rows, (long long)writer->count, table);
    }
    if (rows == 0) {
        return error_set(
                err, STATUS_STALE, "a row of table \"%s\" is gone since it was read", table);
    }
    return error_set(err, STATUS_STALE,
            "%lld of %lld rows of table \"%s\" were written; the others are gone since they "
            "were read",
            (long long)rows, (long long)writer->count, table);
}

static void log_write(struct pr_writer *writer, const struct pr_exchange *x, int64_t rows,
        struct error *why) {
    struct pr_session *session = pr_session(writer->base.session);
    bool inserts = writer->kind == CHANGE_INSERT;
    struct statement_record record = { .sql = text_get(&writer->statement),
        .rows = rows,
        .round_trips = 1,
        .error = why->status != STATUS_OK ? why->message : NULL };

    if (x != NULL) {
        record.ms = x->ms;
        record.bytes = x->bytes;
    }
    if (session->base.host.log_parameters) {
        if (writer->parameters.length > 0) {
            text_append_char(&writer->parameters, ']');
        }
        record.parameters = text_get(inserts ? &writer->body : &writer->parameters);
    }
    pr_log(session, &record);
}

/* It was confirmed before, by an answer to a question; this is the answer that counts. */
static enum status check_applied(
        const struct pr_writer *writer, const struct pr_head *head, struct error *err) {
    const char *not_applied = writer->uneven && !head->missing ? preferences[PR_HEED_MISSING]
                              : writer->zoned && !head->utc    ? preferences[PR_HEED_ZONE]
                                                               : NULL;

    if (not_applied == NULL) {
        return STATUS_OK;
    }
    error_set(err, STATUS_OUTCOME_UNKNOWN,
            "the server carried out the write to table \"%s\", but does not say that it "
            "applied "
            "%s",
            writer->base.schema->remote_name, not_applied);
    error_explain(err, NULL, NULL, "Look at the rows before you write anew.");
    return STATUS_OUTCOME_UNKNOWN;
}

static enum status exchange_rows(
        struct pr_writer *writer, struct pr_exchange **x, struct error *err) {
    struct pr_session *session = pr_session(writer->base.session);
    struct pr_request request = { .method = pr_write_method(writer),
        .target = text_get(&writer->target),
        .profile = writer->base.schema->remote_schema,
        .prefer = text_get(&writer->prefer),
        .body = writer->kind != CHANGE_DELETE ? text_get(&writer->body) : NULL,
        .body_length = writer->kind != CHANGE_DELETE ? writer->body.length : 0 };
    struct error why = { 0 };
    enum status status = pr_send(session, &request, x, &why);

    if (status == STATUS_OK) {
        status = await_write(writer, &request, x, &why);
    }
    if (status == STATUS_OK) {
        status = check_applied(writer, &(*x)->head, &why);
    }
    if (status != STATUS_OK) {
        log_write(writer, *x, 0, &why);
    }
    error_move(err, &why);
    return status;
}

enum status pr_send_write(struct pr_writer *writer, struct pr_exchange **x, struct error *err) {
    enum status status;

    if (writer->kind == CHANGE_INSERT) {
        text_append_char(&writer->body, ']');
        choose_columns(writer);
    }
    status = text_status(&writer->body, err);
    if (status == STATUS_OK) {
        status = choose_preferences(writer, err);
    }
    if (status == STATUS_OK) {
        status = pr_write_target(writer, err);
    }
    if (status == STATUS_OK) {
        status = exchange_rows(writer, x, err);
    }
    pr_forget_waiting(writer);
    return status;
}

static enum status count_rows(struct pr_writer *writer, struct pr_exchange *x,
        struct write_result *result, struct error *err) {
    struct error why = { 0 };
    enum status status = read_rows(writer, x, result, &why);

    if (status != STATUS_OK && status != STATUS_REMOTE) { /* pr_check_kept() knows the row */
        struct error broken = why;

        why = (struct error){ 0 };
        status = pr_rows_untold(writer, &broken, &why);
    } else if (status == STATUS_OK) {
        status = pr_check_count(writer, result->affected, &why);
    }
    log_write(writer, x, result->affected, &why);
    error_move(err, &why);
    return status;
}

/* A row that SQLite passes over, whatever its constraint: nothing of the request was done. */
static bool is_skipped(const struct pr_writer *writer, const struct error *err) {
    return writer->kind == CHANGE_INSERT && writer->count == 1 &&
           writer->on_conflict == ON_CONFLICT_IGNORE && err->status == STATUS_CONSTRAINT;
}

enum status pr_send_rows(
        struct pr_writer *writer, struct write_result *result, struct error *err) {
    struct pr_exchange *x = NULL;
    struct error why = { 0 };
    enum status status = pr_send_write(writer, &x, &why);

    if (status == STATUS_OK) {
        status = count_rows(writer, x, result, &why);
    }
    pr_exchange_end(x);
    if (is_skipped(writer, &why)) {
        error_clear(&why);
        status = STATUS_OK;
    }
    pr_forget_rows(writer);
    error_move(err, &why);
    return status;
}
