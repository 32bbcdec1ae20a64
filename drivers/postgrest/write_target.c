/* Which rows and columns a request writes: its URL. Pure.
 *
 * PATCH and DELETE change every row that their filter finds, and all rows when there is none: a
 * target is made of keys or not at all. */
#include "drivers/postgrest/write.h"

#include <string.h>

enum status pr_key_value(struct pr_writer *writer, const struct row_identity *row,
        struct value *out, struct error *err) {
    const struct schema *schema = writer->base.schema;
    enum status status = STATUS_OK;

    text_truncate(&writer->scratch, 0);
    if (schema->identity == IDENTITY_KEY) {
        status = pr_value_text(schema, schema->key_column, row->key, &writer->scratch, err);
    } else {
        text_printf(&writer->scratch, "%lld", (long long)row->rowid);
    }
    if (status != STATUS_OK) {
        return status;
    }
    *out = (struct value){ .kind = VALUE_TEXT };
    out->length = writer->scratch.length;
    out->bytes = arena_copy(&writer->arena, text_get(&writer->scratch), out->length);
    return out->bytes != NULL ? text_status(&writer->scratch, err) : error_nomem(err);
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
    pr_append_counted(&to, schema, relation->key[0]);
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
