/* Is a relation still as described? Asked where judges found that no row can match, so that no
 * row will tell.
 *
 * A request that reads nothing tells whether the columns are there; of their types answers say
 * nothing, so that the description is read again, from where it came. */
#include "drivers/postgrest/internal.h"

#include <string.h>

/* ---- are the columns there? ---------------------------------------------------------------
 */

static enum status ask(struct pr_session *session, const struct schema *schema,
        const struct pr_spelling *to, struct error *err) {
    struct pr_request request = { .target = text_get(&to->url),
        .profile = schema->remote_schema };
    struct statement_record record = { .sql = text_get(&to->shown), .round_trips = 1 };
    struct pr_exchange *x = NULL;
    struct error why = { 0 };
    enum status status = pr_send(session, &request, &x, &why);

    if (status == STATUS_OK) {
        status = pr_await(session, &request, &x, &why);
    }
    if (x != NULL) {
        record.ms = x->ms;
        record.bytes = x->bytes;
    }
    record.error = status != STATUS_OK ? why.message : NULL;
    pr_log(session, &record);
    pr_exchange_end(x);
    error_move(err, &why);
    return status;
}

static enum status ask_for_columns(
        struct pr_session *session, const struct schema *schema, struct error *err) {
    int *columns = memory_alloc_array(schema->column_count + 1, sizeof(*columns));
    struct pr_spelling to;
    enum status status;

    if (columns == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        columns[i] = (int)i;
    }
    pr_spelling_init(&to);
    text_append(&to.shown, "GET ");
    pr_append_source(&to, schema, columns, schema->column_count, NULL, 0);
    text_append(&to.url, "&limit=0");
    text_append(&to.shown, "&limit=0");
    status = text_status(&to.url, err);
    status = status == STATUS_OK ? text_status(&to.shown, err) : status;
    status = status == STATUS_OK ? ask(session, schema, &to, err) : status;
    pr_spelling_clear(&to);
    memory_free(columns);
    return status;
}

/* ---- are they described as before? --------------------------------------------------------
 */

struct comparison {
    const struct schema *before;
    bool found, same;
};

static bool same_labels(const struct pr_column *a, const struct pr_column *b) {
    bool same = a->label_count == b->label_count;

    for (size_t i = 0; same && i < a->label_count; i++) {
        same = strcmp(a->labels[i], b->labels[i]) == 0;
    }
    return same;
}

static bool same_column(const struct column *before, const struct column *now) {
    const struct pr_column *a = before->driver_data, *b = now->driver_data;

    return strcmp(before->remote_name, now->remote_name) == 0 &&
           strcmp(before->remote_type, now->remote_type) == 0 &&
           before->remote_not_null == now->remote_not_null && a->pg.typmod == b->pg.typmod &&
           same_labels(a, b);
}

static bool has_same(const struct schema *now, const struct column *before) {
    for (size_t i = 0; i < now->column_count; i++) {
        if (same_column(before, &now->columns[i])) {
            return true;
        }
    }
    return false;
}

/* Columns that were added are nobody's here. */
static enum status compare(void *context, struct schema *now) {
    struct comparison *comparison = context;
    const struct schema *before = comparison->before;

    comparison->found = true;
    comparison->same = true;
    for (size_t i = 0; i < before->column_count; i++) {
        comparison->same = comparison->same && has_same(now, &before->columns[i]);
    }
    schema_release(now);
    return STATUS_OK;
}

enum status pr_confirm(struct session *base, const struct schema *schema, struct error *err) {
    struct comparison comparison = { .before = schema };
    struct catalog_filter filter = { .schemas = &schema->remote_schema,
        .schema_count = schema->remote_schema != NULL,
        .table = schema->remote_name };
    enum status status = ask_for_columns(pr_session(base), schema, err);

    if (status == STATUS_OK) {
        status = pr_catalog(base, &filter, compare, &comparison, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (!comparison.found || !comparison.same) {
        return error_set(err, STATUS_SCHEMA,
                "remote table changed: \"%s\" is described in other words than before",
                schema->remote_name);
    }
    return STATUS_OK;
}
