/* Which rows and columns a request writes: its URL. Pure.
 *
 * PATCH and DELETE change every row that their filter finds, and all rows when there is none: a
 * target is made of keys or not at all. */
#include "drivers/postgrest/write.h"
#include "drivers/url.h"

#include <string.h>

enum { ESCAPED = 3 }; /* "%22" */

static enum status key_value(struct pr_writer *writer, size_t place,
        const struct row_identity *row, struct value *out, struct error *err) {
    const struct schema *schema = writer->base.schema;
    bool number = schema->identity == IDENTITY_INTEGER_KEY;
    enum status status = STATUS_OK;

    text_truncate(&writer->scratch, 0);
    if (number) {
        text_printf(&writer->scratch, "%lld", (long long)row->rowid);
    } else {
        status = pr_value_text(
                schema, writer->find[place], &row->key[place], &writer->scratch, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    *out = (struct value){ .kind = VALUE_TEXT, .length = writer->scratch.length };
    out->bytes = arena_copy(&writer->arena, text_get(&writer->scratch), out->length);
    return out->bytes != NULL ? text_status(&writer->scratch, err) : error_nomem(err);
}

enum status pr_key_values(struct pr_writer *writer, const struct row_identity *row,
        struct value *out, struct error *err) {
    enum status status = STATUS_OK;

    for (size_t i = 0; i < writer->find_count && status == STATUS_OK; i++) {
        status = key_value(writer, i, row, &out[i], err);
    }
    return status;
}

/* Of a text in a URL, within quotes. */
static size_t quoted_bytes(const char *text, size_t length) {
    size_t bytes = (size_t)2 * ESCAPED;

    for (size_t i = 0; i < length; i++) {
        bytes += url_is_plain(text[i])               ? 1
                 : text[i] == '"' || text[i] == '\\' ? (size_t)2 * ESCAPED
                                                     : ESCAPED;
    }
    return bytes;
}

/* "and(a.eq."x",b.eq."y"),", or of a single column less than that. */
size_t pr_key_bytes(const struct pr_writer *writer, const struct value *key) {
    enum { AND = sizeof("and(),"), EQUAL = sizeof(".eq.,") };
    const struct schema *schema = writer->base.schema;
    bool single = writer->find_count == 1;
    size_t bytes = single ? 1 : AND;

    for (size_t i = 0; i < writer->find_count; i++) {
        const char *name = schema->columns[writer->find[i]].remote_name;

        bytes += single ? 0 : quoted_bytes(name, strlen(name)) + EQUAL;
        bytes += quoted_bytes(key[i].bytes, key[i].length);
    }
    return bytes;
}

static void append_keys(struct pr_spelling *to, const struct pr_writer *writer) {
    const struct schema *schema = writer->base.schema;
    struct predicate_term term = { pr_form(writer->count == 1 ? PR_COMPARE : PR_IN,
                                           OPERATOR_EQ),
        writer->keys, (size_t)writer->count };
    struct predicate predicate = { writer->find[0], &term, 1 };

    if (writer->find_count > 1) {
        pr_append_rows(to, schema, writer->find, writer->find_count, writer->keys,
                (size_t)writer->count);
    } else {
        pr_append_predicate(to, schema, &predicate);
    }
}

const char *pr_write_method(const struct pr_writer *writer) {
    return writer->kind == CHANGE_INSERT   ? "POST"
           : writer->kind == CHANGE_UPDATE ? "PATCH"
                                           : "DELETE";
}

/* One column, for the rows to be counted, and those that may have been rounded. */
static void append_counted(struct pr_spelling *to, const struct pr_writer *writer) {
    const struct schema *schema = writer->base.schema;
    int key = pr_relation(schema)->key[0];

    pr_append_counted(to, schema, key);
    for (size_t i = 0; i < schema->column_count && writer->rounds; i++) {
        if (writer->states[i] && (int)i != key && pr_may_round(pr_column(schema, (int)i))) {
            pr_append_kept(to, schema, (int)i);
        }
    }
}

/* What the answer is to show: a few columns, or all. */
static enum status append_source(
        struct pr_spelling *to, struct pr_writer *writer, struct error *err) {
    const struct schema *schema = writer->base.schema;
    int *all;

    if (!writer->returns) {
        append_counted(to, writer);
        return STATUS_OK;
    }
    all = arena_alloc_array(&writer->arena, schema->column_count + 1, sizeof(*all));
    if (all == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        all[i] = (int)i;
    }
    pr_append_source(to, schema, all, schema->column_count, NULL, 0);
    return STATUS_OK;
}

enum status pr_measure_target(struct pr_writer *writer, struct error *err) {
    const struct schema *schema = writer->base.schema;
    const char *name = schema->columns[writer->find[0]].remote_name;
    struct pr_spelling to;
    enum status status;

    pr_spelling_init(&to);
    status = append_source(&to, writer, err);
    status = status == STATUS_OK ? text_status(&to.url, err) : status;
    writer->target_bytes = strlen(pr_session(writer->base.session)->url) + to.url.length +
                           sizeof("&=in.()") + quoted_bytes(name, strlen(name));
    pr_spelling_clear(&to);
    return status;
}

/* Always named: should the server know of no such key, it says so instead of leaving the words
 * about conflicts out. */
static void append_conflict(struct pr_spelling *to, const struct pr_writer *writer) {
    const struct schema *schema = writer->base.schema;
    const struct pr_relation *relation = pr_relation(schema);

    if (writer->conflict != NULL) {
        pr_append_names(to, schema, "on_conflict", writer->conflict->columns,
                writer->conflict->column_count);
    } else if (writer->merges) {
        pr_append_names(to, schema, "on_conflict", relation->key, relation->key_count);
    }
}

enum status pr_write_target(struct pr_writer *writer, struct error *err) {
    const struct schema *schema = writer->base.schema;
    struct pr_spelling to;
    enum status status;

    pr_spelling_init(&to);
    status = append_source(&to, writer, err);
    if (writer->kind != CHANGE_INSERT) {
        append_keys(&to, writer);
    }
    if (writer->uneven) {
        pr_append_names(&to, schema, "columns", writer->sent, writer->sent_count);
    }
    append_conflict(&to, writer);
    text_truncate(&writer->target, 0);
    text_append(&writer->target, text_get(&to.url));
    text_truncate(&writer->statement, 0);
    text_printf(&writer->statement, "%s %s", pr_write_method(writer), text_get(&to.shown));
    writer->base.statement = text_get(&writer->statement);
    text_append(&writer->parameters, text_get(&to.parameters));
    status = status == STATUS_OK ? text_status(&to.url, err) : status;
    status = status == STATUS_OK ? text_status(&writer->target, err) : status;
    status = status == STATUS_OK ? text_status(&writer->statement, err) : status;
    pr_spelling_clear(&to);
    return status;
}
