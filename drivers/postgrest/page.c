/* Requests for pages of rows, and the proof that no row is missing.
 *
 * A server may cut any answer short (db-max-rows) without a word. So an answer ends a scan only
 * when its exact count says that it holds all there is. Where there is a key, pages follow each
 * other by it: each begins with the last row of the one before, so that a key that two rows
 * share is noticed instead of losing one of them. Where there is none, everything has to come
 * in one answer. Pages are not one snapshot: what is written between two of them may be seen.
 */
#include "drivers/postgrest/scan.h"

#include <inttypes.h>
#include <string.h>

enum {
    TRAILER_BYTES_MAX = 64 * 1024, /* blanks behind an answer */
};

/* ---- asking -------------------------------------------------------------------------------
 */

static int64_t page_size(const struct pr_scan *scan) {
    int64_t rows = pr_session(scan->base.session)->page_rows;

    if (!scan->keyed) {
        return scan->limit;
    }
    if (scan->goal > 0 && scan->goal < rows && scan->base.rows == 0) {
        rows = scan->goal;
    }
    if (scan->limit >= 0 && scan->limit < rows) {
        rows = scan->limit;
    }
    return rows + scan->overlaps;
}

/* Where a count costs nothing more, or nothing goes without: not where a few rows are wanted of
 * many, and not between the first page and the last. */
static bool page_counts(const struct pr_scan *scan) {
    if (!scan->keyed || scan->count_next) {
        return true;
    }
    return scan->overlaps ? scan->expected <= pr_session(scan->base.session)->page_rows + 1
                          : scan->goal == 0 && scan->limit < 0;
}

static enum status write_target(struct pr_scan *scan, struct error *err) {
    struct pr_spelling place;
    enum status status;

    pr_spelling_init(&place);
    pr_append_source(&place, scan->schema, scan->columns, scan->column_count, scan->order,
            scan->order_count);
    text_append(&place.url, scan->parts[scan->part].filter);
    if (scan->overlaps) {
        pr_append_keyset(&place, scan->schema, scan->order, scan->order_count,
                (const char *const *)scan->bound);
    }
    pr_append_order(&place, scan->schema, scan->order, scan->order_count);
    if (scan->page_asked >= 0) {
        text_printf(&place.url, "&limit=%" PRId64, scan->page_asked);
    }
    text_truncate(&scan->target, 0);
    text_append(&scan->target, text_get(&place.url));
    status = text_status(&place.url, err);
    status = status == STATUS_OK ? text_status(&scan->target, err) : status;
    pr_spelling_clear(&place);
    return status;
}

enum status pr_page_send(struct pr_scan *scan, struct error *err) {
    enum status status;

    scan->page_asked = scan->counts ? 0 : page_size(scan);
    scan->request = (struct pr_request){ .profile = scan->schema->remote_schema,
        .count = scan->counts || page_counts(scan) };
    scan->reader = (struct pr_page_reader){ PR_AT_START };
    scan->page_rows = 0;
    scan->found_last = false;
    scan->opened = false;
    status = write_target(scan, err);
    scan->request.target = text_get(&scan->target);
    if (status == STATUS_OK) {
        scan->base.round_trips++;
        status = pr_send(pr_session(scan->base.session), &scan->request, &scan->exchange, err);
    }
    return status;
}

static void page_drop(struct pr_scan *scan) {
    if (scan->exchange != NULL) {
        scan->base.ms += scan->exchange->ms;
        scan->base.bytes += scan->exchange->bytes;
        pr_exchange_end(scan->exchange);
        scan->exchange = NULL;
    }
}

/* ---- the head -----------------------------------------------------------------------------
 */

/* A time zone that was asked for is only there when the answer says so. */
static enum status check_zone(const struct pr_scan *scan, struct error *err) {
    for (size_t i = 0; i < scan->batch_columns && !scan->exchange->head.utc; i++) {
        if (pr_is_zoned(pr_column(scan->schema, scan->columns[i]))) {
            return error_set(err, STATUS_UNSUPPORTED,
                    "column \"%s\" cannot be shown: this server does not write its times in "
                    "UTC "
                    "when it is asked to (PostgREST before 12)",
                    scan->schema->columns[scan->columns[i]].name);
        }
    }
    return STATUS_OK;
}

static enum status check_head(const struct pr_scan *scan, struct error *err) {
    const struct pr_head *head = &scan->exchange->head;

    if (!head->json) {
        error_set(err, STATUS_PROTOCOL, "server answered with something other than JSON");
        error_explain(err, NULL, NULL, "Is this the URL of a PostgREST server?");
        return STATUS_PROTOCOL;
    }
    if (scan->request.count && head->total < 0) {
        return error_set(err, STATUS_UNSUPPORTED,
                "server did not say how many rows there are, so none may be missing from its "
                "answer unseen");
    }
    return check_zone(scan, err);
}

/* Has nothing come yet that depends on the filter, and may the filter be to blame? */
static bool may_unfilter(const struct pr_scan *scan, const struct error *why) {
    bool first = scan->part == 0 && scan->base.rows == 0;

    return scan->filtered && !scan->counts && !scan->overlaps && pr_blames_filter(why) &&
           (first || scan->parts[scan->part].onward != NULL);
}

/* hstore has operators of other names, and json has none. */
static bool blames_key(const struct pr_scan *scan, const struct error *why) {
    return scan->keyed && (scan->overlaps || !scan->filtered) &&
           strcmp(why->sqlstate, "42883") == 0;
}

static enum status page_unordered(
        const struct pr_scan *scan, struct error *why, struct error *err) {
    error_set(err, STATUS_UNSUPPORTED, "pages of \"%s\" cannot go by its key: %s",
            scan->schema->remote_name, why->message);
    error_explain(err, why->sqlstate, NULL,
            "key= of CREATE VIRTUAL TABLE ... USING postgrest(...) names other columns; where "
            "the server can sort by this key, a page_rows= (and db-max-rows) for all rows in "
            "one answer will do.");
    error_clear(why);
    return STATUS_UNSUPPORTED;
}

enum status pr_page_open(struct pr_scan *scan, struct error *err) {
    struct pr_session *session = pr_session(scan->base.session);
    struct error why = { 0 };
    enum status status = pr_await(session, &scan->request, &scan->exchange, &why);

    if (status != STATUS_OK && may_unfilter(scan, &why)) {
        page_drop(scan);
        status = (scan->part == 0 ? pr_scan_unfilter : pr_scan_onward)(scan, &why, err);
        error_clear(&why);
        if (status == STATUS_OK) {
            status = pr_page_send(scan, err);
        }
        return status == STATUS_OK ? pr_page_open(scan, err) : status;
    }
    if (status != STATUS_OK && blames_key(scan, &why)) {
        return page_unordered(scan, &why, err);
    }
    error_move(err, &why);
    if (status == STATUS_OK) {
        status = check_head(scan, err);
    }
    scan->opened = status == STATUS_OK;
    if (scan->opened && scan->exchange->head.total >= 0) {
        scan->expected = scan->exchange->head.total;
    }
    return status;
}

/* ---- the end ------------------------------------------------------------------------------
 */

/* Up to the end of the body, so that the connection serves again: blanks alone may follow. */
static enum status page_finish(struct pr_scan *scan, struct error *err) {
    struct pr_exchange *x = scan->exchange;
    enum status status = STATUS_OK;
    size_t count, used;

    while (status == STATUS_OK && !x->done && x->used - x->start < TRAILER_BYTES_MAX) {
        status = pr_exchange_more(x, err);
    }
    if (status == STATUS_OK &&
            pr_read_row(&scan->reader, x->body + x->start, x->used - x->start, scan->members,
                    scan->member_max, &count, &used) != PR_STEP_END) {
        status = error_set(err, STATUS_PROTOCOL, "answer goes on behind its last row");
    }
    return status;
}

static enum status next_part(struct pr_scan *scan) {
    scan->part++;
    scan->overlaps = false;
    scan->count_next = false;
    scan->expected = -1;
    text_truncate(&scan->last_key, 0);
    scan->ended = scan->part == scan->part_count || scan->limit == 0;
    return STATUS_OK;
}

/* Told when SQLite asks for more than what came: a few rows may be all it wants. */
enum status pr_page_cut(const struct pr_scan *scan, struct error *err) {
    error_set(err, STATUS_UNSUPPORTED,
            "server gives %" PRId64 " of the %" PRId64 " rows of \"%s\" in one answer, and "
            "without a key the others cannot be asked for",
            scan->page_rows, scan->cut_total, scan->schema->remote_name);
    error_explain(err, NULL, NULL,
            "CREATE VIRTUAL TABLE ... USING postgrest(server=..., table=..., key=COLUMN,...) "
            "names columns that tell its rows apart.");
    return STATUS_UNSUPPORTED;
}

enum status pr_page_miscounted(int64_t rows, struct error *err) {
    return error_set(err, STATUS_PROTOCOL,
            "answer holds %" PRId64 " rows where other words of it, or of the request, say "
            "another number",
            rows);
}

/* The page's rows against what its head and its request said. */
static enum status check_rows(const struct pr_scan *scan, struct error *err) {
    const struct pr_head *head = &scan->exchange->head;
    int64_t told =
            head->first >= 0 && head->last >= head->first ? head->last - head->first + 1 : 0;

    if ((head->first >= 0 && told != scan->page_rows) ||
            (head->total >= 0 && scan->page_rows > head->total) ||
            (scan->page_asked >= 0 && scan->page_rows > scan->page_asked)) {
        return pr_page_miscounted(scan->page_rows, err);
    }
    return STATUS_OK;
}

/* Another page, from the last row of this one on. */
static enum status go_on(struct pr_scan *scan, int64_t total, struct error *err) {
    int64_t fresh = scan->page_rows - scan->found_last;
    struct text swap = scan->last_key;
    bool short_page = scan->page_rows < scan->page_asked;
    enum status status = STATUS_OK;

    if (!scan->keyed) {
        scan->cut = true;
        scan->cut_total = total;
        return STATUS_OK;
    }
    if (fresh == 0 && total < 0) { /* what it means only a count can say */
        scan->count_next = true;
        return STATUS_OK;
    }
    if (fresh <= 0) {
        return error_set(err, STATUS_UNSUPPORTED,
                "server gives too few rows in one answer to go on from one to the next "
                "(db-max-rows)");
    }
    scan->count_next = total < 0 && short_page;
    scan->expected = total >= 0           ? total - scan->page_rows + 1
                     : scan->expected > 0 ? scan->expected - fresh
                                          : -1;
    status = pr_scan_keep_bound(scan, err);
    scan->last_key = scan->key;
    scan->key = swap;
    scan->overlaps = true;
    return status;
}

enum status pr_page_close(struct pr_scan *scan, struct error *err) {
    int64_t total = scan->exchange->head.total;
    bool goal_met = scan->goal > 0 && scan->base.rows >= scan->goal;
    enum status status = page_finish(scan, err);

    if (status == STATUS_OK) {
        status = check_rows(scan, err);
    }
    page_drop(scan);
    if (status != STATUS_OK) {
        return status;
    }
    if (scan->written != NULL) {
        scan->ended = true;
    } else if (scan->limit == 0 || (total >= 0 && scan->page_rows == total)) {
        status = next_part(scan);
    } else {
        status = go_on(scan, total, err);
    }
    /* The server works while SQLite reads, unless SQLite has probably read enough. */
    return status == STATUS_OK && !scan->ended && !scan->cut && !goal_met
                   ? pr_page_send(scan, err)
                   : status;
}

enum status pr_page_count(struct pr_scan *scan, int64_t *total, struct error *err) {
    enum status status = scan->exchange == NULL ? pr_page_send(scan, err) : STATUS_OK;

    if (status == STATUS_OK) {
        status = pr_page_open(scan, err);
    }
    if (status == STATUS_OK) {
        *total = scan->exchange->head.total;
    }
    page_drop(scan);
    return status == STATUS_OK ? next_part(scan) : status;
}
