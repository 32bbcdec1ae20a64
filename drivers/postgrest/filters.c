/* Which filters of a query travel, and in how many requests: a URL has a limit.
 *
 * What does not fit is left to SQLite, which checks every row anyway; but a long list of values
 * of which each row can have only one is divided among requests instead. */
#include "drivers/postgrest/scan.h"

#include "drivers/postgres/types.h"

#include <stdlib.h>
#include <string.h>

enum {
    LIST_BYTES_MIN = 256, /* of a URL, for its share of a list */
    BOUND_BYTES = 192     /* for limit= and the place where a page begins */
};

struct fitting {
    struct pr_scan *scan;
    const struct query *query;
    size_t *lengths; /* by predicate, as it travels */
    bool *left_out;
    int divided; /* predicate, -1 none */
    size_t budget;
};

static bool is_whole_number(const struct fitting *f, int column) {
    return pr_column(f->query->schema, column)->pg.family == PG_FAMILY_INTEGER;
}

/* Whole numbers in order: parts that follow each other keep an order that begins with them. */
static bool is_ordered_by(const struct fitting *f, int column) {
    return f->query->order[0].column == column && is_whole_number(f, column);
}

static bool is_descending(const struct fitting *f) {
    return f->query->order_count > 0 && f->query->order[0].descending;
}

static bool is_fetched(const struct fitting *f, int column) {
    for (size_t i = 0; i < f->scan->batch_columns; i++) {
        if (f->scan->columns[i] == column) {
            return true;
        }
    }
    return false;
}

/* Of a list of texts the collation may find a row by several: then each part keeps the rows
 * that have just its own, byte by byte. Others SQLite would drop. */
static bool is_told_apart(const struct fitting *f, int column) {
    const struct pr_column *facts = pr_column(f->query->schema, column);

    return facts->select == PR_SELECT_PLAIN && facts->pg.decoder == PG_DECODE_TEXT &&
           (facts->pg.type_oid == PG_TYPE_TEXT || facts->pg.type_oid == PG_TYPE_VARCHAR) &&
           !f->scan->counts && is_fetched(f, column);
}

static bool may_divide(const struct fitting *f, size_t i) {
    const struct predicate *predicate = &f->query->predicates[i];
    int column = predicate->column;

    if (f->divided >= 0 || predicate->term_count != 1 ||
            (f->query->order_count > 0 && !is_ordered_by(f, column))) {
        return false;
    }
    return predicate->terms[0].form == pr_form(PR_IN, OPERATOR_EQ) ||
           (predicate->terms[0].form == pr_form(PR_IN_LOOSE, OPERATOR_EQ) &&
                   is_told_apart(f, column));
}

static size_t predicate_length(const struct schema *schema, const struct predicate *predicate) {
    struct pr_spelling spelling;
    size_t length;

    pr_spelling_init(&spelling);
    pr_append_predicate(&spelling, schema, predicate);
    length = spelling.url.failure == STATUS_OK ? spelling.url.length : PR_TARGET_BYTES_MAX;
    pr_spelling_clear(&spelling);
    return length;
}

static size_t rest_length(const struct fitting *f) {
    size_t sum = 0;

    for (size_t i = 0; i < f->query->predicate_count; i++) {
        sum += f->left_out[i] || (int)i == f->divided ? 0 : f->lengths[i];
    }
    return sum;
}

/* Takes the longest out until the others fit; false: a mere count has to have them all. */
static bool fit(struct fitting *f) {
    while (rest_length(f) + (f->divided >= 0 ? LIST_BYTES_MIN : 0) > f->budget) {
        size_t longest = 0;

        for (size_t i = 0; i < f->query->predicate_count; i++) {
            if (!f->left_out[i] && (int)i != f->divided &&
                    (f->left_out[longest] || (int)longest == f->divided ||
                            f->lengths[i] > f->lengths[longest])) {
                longest = i;
            }
        }
        if (f->left_out[longest] || (int)longest == f->divided) {
            return true; /* the columns alone are too long */
        }
        if (may_divide(f, longest)) {
            f->divided = (int)longest;
        } else if (f->scan->counts) {
            return false;
        } else {
            f->left_out[longest] = true;
            f->scan->limit = -1; /* SQLite will drop rows */
        }
    }
    return true;
}

/* The statement is what the first request says, its values apart. */
static enum status keep_part(
        struct pr_scan *scan, struct pr_spelling *spelling, struct error *err) {
    size_t at = scan->part_count;

    if ((at & (at - 1)) == 0) { /* room for twice as many at every power of two */
        size_t capacity = at > 0 ? at * 2 : 1;
        struct pr_part *parts = arena_alloc_array(&scan->arena, capacity, sizeof(*parts));

        if (parts == NULL) {
            return error_nomem(err);
        }
        if (at > 0) {
            memcpy(parts, scan->parts, at * sizeof(*parts));
        }
        scan->parts = parts;
    }
    if (text_status(&spelling->url, err) != STATUS_OK) {
        return spelling->url.failure;
    }
    scan->parts[at].filter =
            arena_copy(&scan->arena, text_get(&spelling->url), spelling->url.length);
    if (scan->parts[at].filter == NULL) {
        return error_nomem(err);
    }
    if (at == 0) {
        text_append(&scan->statement, text_get(&spelling->shown));
        if (scan->base.session->host.log_parameters && spelling->parameter_count > 0) {
            text_append_char(&spelling->parameters, ']');
            scan->parameters = memory_copy_text(text_get(&spelling->parameters));
        }
    }
    scan->part_count++;
    return STATUS_OK;
}

/* The filters that fit, with this term in the place of the divided list. */
static void append_filters(const struct fitting *f, const struct predicate_term *term,
        struct pr_spelling *spelling) {
    for (size_t i = 0; i < f->query->predicate_count; i++) {
        const struct predicate *predicate = &f->query->predicates[i];
        struct predicate piece = { predicate->column, term, 1 };

        if (!f->left_out[i]) {
            pr_append_predicate(
                    spelling, f->query->schema, (int)i == f->divided ? &piece : predicate);
        }
    }
}

/* The rows behind those of the parts so far: the last value of them is `last`. */
static enum status keep_onward(
        const struct fitting *f, const struct value *last, struct error *err) {
    struct predicate_term behind = {
        pr_form(PR_COMPARE, is_descending(f) ? OPERATOR_LT : OPERATOR_GT), last, 1
    };
    struct pr_part *part = &f->scan->parts[f->scan->part_count - 1];
    struct pr_spelling spelling;
    enum status status;

    pr_spelling_init(&spelling);
    append_filters(f, &behind, &spelling);
    status = text_status(&spelling.url, err);
    if (status == STATUS_OK) {
        part->onward =
                arena_copy(&f->scan->arena, text_get(&spelling.url), spelling.url.length);
        status = part->onward != NULL ? STATUS_OK : error_nomem(err);
    }
    pr_spelling_clear(&spelling);
    return status;
}

/* The filters that fit, with these values of the divided list. */
static enum status add_part(
        struct fitting *f, const struct value *values, size_t count, struct error *err) {
    struct predicate_term term = { pr_form(count == 1 ? PR_COMPARE : PR_IN, OPERATOR_EQ),
        values, count };
    struct pr_spelling spelling;
    enum status status;

    pr_spelling_init(&spelling);
    append_filters(f, &term, &spelling);
    status = keep_part(f->scan, &spelling, err);
    if (status == STATUS_OK && f->scan->divided >= 0) {
        struct pr_part *part = &f->scan->parts[f->scan->part_count - 1];

        part->texts = values;
        part->text_count = count;
    }
    pr_spelling_clear(&spelling);
    return status;
}

static int compare_numbers(const void *a, const void *b) {
    long long left = strtoll(((const struct value *)a)->bytes, NULL, 10);
    long long right = strtoll(((const struct value *)b)->bytes, NULL, 10);

    return (left > right) - (left < right);
}

static int compare_numbers_descending(const void *a, const void *b) {
    return compare_numbers(b, a);
}

/* The values as the parts are to have them: whole numbers in the order of the rows, so that
 * those that are too large for the column come together. */
static const struct value *order_values(
        const struct fitting *f, const struct predicate_term *whole) {
    struct value *values;

    if (!is_whole_number(f, f->query->predicates[f->divided].column)) {
        return whole->values;
    }
    values = arena_alloc_array(&f->scan->arena, whole->value_count, sizeof(*values));
    if (values != NULL) {
        memcpy(values, whole->values, whole->value_count * sizeof(*values));
        qsort(values, whole->value_count, sizeof(*values),
                is_descending(f) ? compare_numbers_descending : compare_numbers);
    }
    return values;
}

/* The judge's memory may end before the scan does. */
static const struct value *keep_texts(
        const struct fitting *f, const struct predicate_term *whole) {
    struct value *values =
            arena_alloc_array(&f->scan->arena, whole->value_count, sizeof(*values));

    for (size_t i = 0; i < whole->value_count && values != NULL; i++) {
        values[i] = whole->values[i];
        values[i].bytes =
                arena_copy(&f->scan->arena, whole->values[i].bytes, whole->values[i].length);
        if (values[i].bytes == NULL) {
            return NULL;
        }
    }
    return values;
}

/* One of several requests. */
static enum status add_piece(struct fitting *f, const struct value *values, size_t count,
        const struct value *before, struct error *err) {
    enum status status = add_part(f, values, count, err);
    bool ordered = is_whole_number(f, f->query->predicates[f->divided].column);

    return status == STATUS_OK && ordered && before != NULL ? keep_onward(f, before, err)
                                                            : status;
}

/* As many values in each request as fit. */
static enum status add_parts(struct fitting *f, struct error *err) {
    const struct predicate *predicate = &f->query->predicates[f->divided];
    struct predicate_term term = predicate->terms[0], *whole = &term;
    const struct value *before = NULL; /* the last one of the part before */
    bool loose = term.form == pr_form(PR_IN_LOOSE, OPERATOR_EQ);
    size_t rest = rest_length(f), first = 0, used = 0;
    enum status status = STATUS_OK;

    f->scan->divided = loose ? predicate->column : -1;
    term.values = loose ? keep_texts(f, &term) : order_values(f, &term);
    if (term.values == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < whole->value_count && status == STATUS_OK; i++) {
        struct predicate_term one = { whole->form, &whole->values[i], 1 };
        struct predicate alone = { predicate->column, &one, 1 };
        size_t length = predicate_length(f->query->schema, &alone);

        if (i > first && rest + used + length > f->budget) {
            status = add_piece(f, &whole->values[first], i - first, before, err);
            before = &whole->values[i - 1];
            first = i;
            used = 0;
        }
        used += length; /* the column's name and its brackets counted in: a little too much */
    }
    return status == STATUS_OK ? add_piece(f, &whole->values[first], whole->value_count - first,
                                         before, err)
                               : status;
}

static size_t filters_budget(const struct pr_scan *scan) {
    const struct pr_session *session = pr_session(scan->base.session);
    size_t fixed = strlen(session->url) + scan->target.length + BOUND_BYTES;

    return (size_t)session->max_url_bytes > fixed ? (size_t)session->max_url_bytes - fixed : 0;
}

enum status pr_scan_filter(struct pr_scan *scan, const struct query *query, struct error *err) {
    struct fitting f = { .scan = scan, .query = query, .divided = -1 };
    size_t count = query->predicate_count;

    scan->divided = -1;
    f.lengths = arena_alloc_array(&scan->arena, count + 1, sizeof(*f.lengths));
    f.left_out = arena_alloc_array(&scan->arena, count + 1, sizeof(*f.left_out));
    if (f.lengths == NULL || f.left_out == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        f.lengths[i] = predicate_length(query->schema, &query->predicates[i]);
    }
    f.budget = filters_budget(scan);
    if (!fit(&f)) {
        return error_set(
                err, STATUS_TOO_BIG, "the conditions of a count do not fit into max_url_bytes");
    }
    for (size_t i = 0; i < count; i++) {
        scan->filtered = scan->filtered || !f.left_out[i];
    }
    return f.divided >= 0 ? add_parts(&f, err) : add_part(&f, NULL, 0, err);
}

static enum status note_refusal(
        struct pr_scan *scan, const struct error *why, struct error *err) {
    struct text notice;

    text_init(&notice, (size_t)ERROR_MESSAGE_BYTES * 2);
    text_printf(&notice, "the filters were left to SQLite: %s", why->message);
    memory_free(scan->notices);
    scan->notices = text_steal(&notice);
    return scan->notices != NULL ? STATUS_OK : error_nomem(err);
}

enum status pr_scan_unfilter(struct pr_scan *scan, const struct error *why, struct error *err) {
    scan->parts[0] = (struct pr_part){ .filter = arena_copy_text(&scan->arena, "") };
    scan->divided = -1;
    if (scan->parts[0].filter == NULL) {
        return error_nomem(err);
    }
    scan->part_count = 1;
    scan->filtered = false;
    scan->limit = -1;
    return note_refusal(scan, why, err);
}

/* The list's values go up, or down, and the server has refused one that is out of the column's
 * range: rows for those behind it are looked for among all that are behind the part before. */
enum status pr_scan_onward(struct pr_scan *scan, const struct error *why, struct error *err) {
    struct pr_part *part = &scan->parts[scan->part];

    *part = (struct pr_part){ .filter = part->onward };
    scan->part_count = scan->part + 1;
    scan->limit = -1;
    return note_refusal(scan, why, err);
}
