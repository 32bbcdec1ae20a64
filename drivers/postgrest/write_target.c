/* Which rows and columns a request writes: its URL. Pure.
 *
 * PATCH and DELETE change every row that their filter finds, and all rows when there is none: a
 * target is made of keys or not at all. */
#include "drivers/postgrest/write.h"

#include <stdio.h>
#include <string.h>

/* The judge knows how the key's type is compared exactly as it is shown. */
static enum status judge_key(const struct schema *schema, const struct value *key,
        struct arena *arena, struct value *out, struct error *err) {
    struct condition condition = { schema->key_column, OPERATOR_EQ, COLLATION_BINARY };
    struct judgement judgement = { 0 };
    const struct predicate_term *term;

    if (pr_judge_one(schema, &condition, key, arena, &judgement) != STATUS_OK) {
        return error_nomem(err);
    }
    term = judgement.predicate.terms;
    if ((judgement.verdict != VERDICT_EXACT && judgement.verdict != VERDICT_SUPERSET) ||
            judgement.predicate.term_count != 1 ||
            term->form != pr_form(PR_COMPARE, OPERATOR_EQ)) {
        return error_set(err, STATUS_UNSUPPORTED,
                "a row of table \"%s\" cannot be found by its key \"%s\" over PostgREST: %s",
                schema->remote_name, schema->columns[schema->key_column].remote_name,
                judgement.why != NULL ? judgement.why : "its type has no exact form there");
    }
    *out = term->values[0];
    return STATUS_OK;
}

enum status pr_key_value(const struct schema *schema, const struct row_identity *row,
        struct arena *arena, struct value *out, struct error *err) {
    char number[32];
    int length;

    if (schema->identity == IDENTITY_KEY) {
        return judge_key(schema, row->key, arena, out, err);
    }
    length = snprintf(number, sizeof(number), "%lld", (long long)row->rowid);
    *out = (struct value){ .kind = VALUE_TEXT };
    out->bytes = arena_copy(arena, number, (size_t)length);
    out->length = (size_t)length;
    return out->bytes != NULL ? STATUS_OK : error_nomem(err);
}

size_t pr_key_bytes(const struct value *key) {
    enum { QUOTES_AND_COMMA = 9, ESCAPED = 3 };

    return key->length * ESCAPED + QUOTES_AND_COMMA;
}

static void append_keys(struct pr_spelling *to, const struct pr_writer *writer) {
    const struct schema *schema = writer->base.schema;
    struct predicate_term term = { pr_form(writer->count == 1 ? PR_COMPARE : PR_IN,
                                           OPERATOR_EQ),
        writer->keys, (size_t)writer->count };
    struct predicate predicate = { schema->key_column, &term, 1 };

    pr_append_predicate(to, schema, &predicate);
}

const char *pr_write_method(const struct pr_writer *writer) {
    return writer->kind == CHANGE_INSERT   ? "POST"
           : writer->kind == CHANGE_UPDATE ? "PATCH"
                                           : "DELETE";
}

size_t pr_target_bytes(const struct pr_writer *writer) {
    const struct schema *schema = writer->base.schema;
    const char *url = pr_session(writer->base.session)->url;
    const char *key = schema->columns[pr_relation(schema)->key[0]].remote_name;
    enum { WORDS = 48, ESCAPED = 3 };

    return strlen(url) + (strlen(schema->remote_name) + 2 * strlen(key)) * ESCAPED + WORDS;
}

enum status pr_write_target(struct pr_writer *writer, struct error *err) {
    const struct schema *schema = writer->base.schema;
    const struct pr_relation *relation = pr_relation(schema);
    struct pr_spelling to;
    enum status status;

    pr_spelling_init(&to);
    pr_append_source(&to, schema, relation->key, 1, NULL, 0);
    if (writer->kind != CHANGE_INSERT) {
        append_keys(&to, writer);
    }
    if (writer->uneven) {
        pr_append_names(&to, schema, "columns", writer->sent, writer->sent_count);
    }
    if (writer->merges && relation->key_asserted) {
        pr_append_names(&to, schema, "on_conflict", relation->key, relation->key_count);
    }
    text_truncate(&writer->target, 0);
    text_append(&writer->target, text_get(&to.url));
    text_truncate(&writer->statement, 0);
    text_printf(&writer->statement, "%s %s", pr_write_method(writer), text_get(&to.shown));
    writer->base.statement = text_get(&writer->statement);
    text_append(&writer->parameters, text_get(&to.parameters));
    status = text_status(&to.url, err);
    status = status == STATUS_OK ? text_status(&writer->target, err) : status;
    status = status == STATUS_OK ? text_status(&writer->statement, err) : status;
    pr_spelling_clear(&to);
    return status;
}
