/* The keys of rows, by which pages follow each other: what a row's key is, whether two rows
 * share one, and the values that the next page begins at.
 *
 * A key is the text that a filter takes for the very value. Of a column that is shown as JSON
 * (arrays, composites, hstore) that is not what is shown: it is asked for once more as text. */
#include "drivers/postgrest/scan.h"

#include <string.h>

/* The raw values of the order's columns, each behind its length. */
static enum status read_key(struct pr_scan *scan, size_t count, struct error *err) {
    text_truncate(&scan->key, 0);
    for (size_t i = 0; i < scan->order_count; i++) {
        const struct pr_member *member = pr_scan_member(scan, scan->key_places[i], count);
        bool raw = pr_column(scan->schema, scan->order[i].column)->raw;
        size_t length = SIZE_MAX;

        if (member == NULL || (raw && member->kind != PR_STRING && member->kind != PR_NULL)) {
            return error_set(err, STATUS_SCHEMA, "remote table changed: its key is missing");
        }
        length = member->kind == PR_NULL ? SIZE_MAX : member->value_length;
        text_append_bytes(&scan->key, (const char *)&length, sizeof(length));
        text_append_bytes(&scan->key, member->value, length == SIZE_MAX ? 0 : length);
    }
    return text_status(&scan->key, err);
}

static bool same_key(const struct text *a, const struct text *b) {
    return a->length == b->length && memcmp(text_get(a), text_get(b), a->length) == 0;
}

enum status pr_scan_check_key(
        struct pr_scan *scan, size_t count, bool *known, struct error *err) {
    struct text before = scan->key;
    bool again;
    enum status status;

    scan->key = scan->spare;
    scan->spare = before;
    status = read_key(scan, count, err);
    if (status != STATUS_OK) {
        return status;
    }
    again = scan->overlaps && same_key(&scan->key, &scan->last_key);
    *known = again && scan->page_rows == 0;
    scan->found_last |= *known;
    if ((again && !*known) || (scan->page_rows > 0 && same_key(&scan->key, &scan->spare))) {
        return error_set(err, STATUS_UNSUPPORTED,
                "two rows of \"%s\" have the same key, so that pages cannot go by it",
                scan->schema->remote_name);
    }
    return STATUS_OK;
}

/* "is null" finds rows of NULLs as well, which come elsewhere in the order. */
static enum status check_null(const struct pr_scan *scan, int column, struct error *err) {
    if (pr_column(scan->schema, column)->pg.type_kind != 'c') {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED,
            "key column \"%s\" holds a NULL, from which pages cannot go on",
            scan->schema->columns[column].name);
    error_explain(err, NULL, NULL,
            "Its type may be a composite, of which a row of NULLs is called NULL as well: key= "
            "must name columns that are never NULL.");
    return STATUS_UNSUPPORTED;
}

enum status pr_scan_keep_bound(struct pr_scan *scan, struct error *err) {
    const char *at = text_get(&scan->key);

    for (size_t i = 0; i < scan->order_count; i++) {
        size_t length, used;

        memcpy(&length, at, sizeof(length));
        at += sizeof(length);
        memory_free(scan->bound[i]);
        scan->bound[i] = NULL;
        if (length == SIZE_MAX) {
            enum status status = check_null(scan, scan->order[i].column, err);

            if (status != STATUS_OK) {
                return status;
            }
            continue;
        }
        scan->bound[i] = memory_alloc(length + 1);
        if (scan->bound[i] == NULL) {
            return error_nomem(err);
        }
        if (!pr_unescape(at, length, scan->bound[i], &used)) {
            return error_set(err, STATUS_PROTOCOL, "key has an escape that is no character");
        }
        scan->bound[i][used] = '\0';
        at += length;
    }
    return STATUS_OK;
}
