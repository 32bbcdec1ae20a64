/* A scan: its start, the rows of its pages -> batches, its end. page.c sees to it that there is
 * a page, and that the last one is the last. */
#include "drivers/postgrest/scan.h"
#include "drivers/postgrest/write.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---------------------------------------------------------------------------------
 */

/* Members come in the order that was asked for; one that does not is looked for. */
const struct pr_member *pr_scan_member(struct pr_scan *scan, size_t place, size_t count) {
    const char *name = scan->names[place];

    if (place < count && pr_member_is(&scan->members[place], name, &scan->scratch)) {
        return &scan->members[place];
    }
    for (size_t i = 0; i < count; i++) {
        if (pr_member_is(&scan->members[i], name, &scan->scratch)) {
            return &scan->members[i];
        }
    }
    return NULL;
}

static size_t place_of(const struct pr_scan *scan, int column) {
    size_t place = 0;

    while (scan->columns[place] != column) { /* scan_start() saw to it that it is there */
        place++;
    }
    return place;
}

static enum status decode_row(
        struct pr_scan *scan, size_t count, struct batch *batch, struct error *err) {
    enum status status = STATUS_OK;

    batch_begin_row(batch);
    for (size_t i = 0; i < scan->batch_columns && status == STATUS_OK; i++) {
        const struct column *column = &scan->schema->columns[scan->columns[i]];
        const struct pr_member *member = pr_scan_member(scan, i, count);

        if (member == NULL) {
            return error_set(err, STATUS_SCHEMA,
                    "remote table changed: column \"%s\" is missing", column->remote_name);
        }
        status = pr_decode(column, member, &scan->scratch, batch, err);
    }
    if (status == STATUS_OK) {
        batch_end_row(batch, 0);
    }
    return status;
}

static int compare_text(const void *text, const void *value) {
    return strcmp(text, ((const struct value *)value)->bytes);
}

/* A row that another part brings: a collation that finds it by a text of this one, too. */
static enum status check_part(
        struct pr_scan *scan, size_t count, bool *others, struct error *err) {
    const struct pr_part *part = &scan->parts[scan->part];
    const struct pr_member *member = pr_scan_member(scan, place_of(scan, scan->divided), count);
    size_t length = 0;

    text_truncate(&scan->scratch, 0);
    if (member == NULL || member->kind != PR_STRING) {
        return STATUS_OK; /* decode_row() says what is wrong with it */
    }
    text_append_bytes(&scan->scratch, member->value, member->value_length);
    text_append_char(&scan->scratch, '\0'); /* room for the end */
    if (text_status(&scan->scratch, err) != STATUS_OK) {
        return scan->scratch.failure;
    }
    if (pr_unescape(member->value, member->value_length, scan->scratch.data, &length)) {
        scan->scratch.data[length] = '\0';
        *others = bsearch(scan->scratch.data, part->texts, part->text_count,
                          sizeof(*part->texts), compare_text) == NULL;
    }
    return STATUS_OK;
}

/* One more than was asked for, or than there are: the answer need not end. */
static enum status check_room(const struct pr_scan *scan, struct error *err) {
    int64_t total = scan->exchange->head.total;

    if ((scan->page_asked < 0 || scan->page_rows < scan->page_asked) &&
            (total < 0 || scan->page_rows < total)) {
        return STATUS_OK;
    }
    return pr_page_miscounted(scan->page_rows + 1, err);
}

/* Members that nobody asked for do no harm, but of one that comes twice nobody can tell which
 * is meant. */
static enum status check_members(const struct pr_scan *scan, size_t count, struct error *err) {
    for (size_t i = 0; i < count && count > scan->name_count; i++) {
        const struct pr_member *a = &scan->members[i];

        for (size_t k = 0; k < i; k++) {
            const struct pr_member *b = &scan->members[k];

            if (a->name_length == b->name_length &&
                    memcmp(a->name, b->name, a->name_length) == 0) {
                return error_set(err, STATUS_PROTOCOL, "a row of the answer has \"%.*s\" twice",
                        (int)(a->name_length < 64 ? a->name_length : 64), a->name);
            }
        }
    }
    return STATUS_OK;
}

static enum status take_row(
        struct pr_scan *scan, size_t count, struct batch *batch, struct error *err) {
    bool known = false;
    enum status status = check_room(scan, err);

    if (status == STATUS_OK) {
        status = check_members(scan, count, err);
    }
    if (status == STATUS_OK && scan->keyed) {
        status = pr_scan_check_key(scan, count, &known, err);
    }
    if (status == STATUS_OK && scan->written != NULL) {
        status = pr_check_kept(scan->written, scan->members, count, err);
    }
    if (status == STATUS_OK && !known && scan->divided >= 0) {
        status = check_part(scan, count, &known, err);
    }
    if (status == STATUS_OK && !known) {
        status = decode_row(scan, count, batch, err);
        scan->base.rows++;
        scan->base.session->counts.rows++;
        scan->limit -= scan->limit > 0;
    }
    scan->page_rows++;
    return status;
}

/* The page goes on with nothing but its end: then the next one can be sent for at once. */
static bool page_is_read(const struct pr_scan *scan) {
    const struct pr_exchange *x = scan->exchange;
    size_t at = x->start;

    while (at < x->used && strchr(" \t\r\n", x->body[at]) != NULL) {
        at++;
    }
    return at < x->used && x->body[at] == ']';
}

static enum status page_broken(struct error *err) {
    return error_set(err, STATUS_PROTOCOL, "answer is no array of rows in JSON");
}

/* Rows of the page until the batch is full or the page ends (*closed). */
static enum status read_page(
        struct pr_scan *scan, struct batch *batch, bool *closed, struct error *err) {
    struct pr_exchange *x = scan->exchange;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && (!batch_full(batch) || page_is_read(scan))) {
        size_t count, used;
        enum pr_step step = pr_read_row(&scan->reader, x->body + x->start, x->used - x->start,
                scan->members, scan->member_max, &count, &used);

        switch (step) {
        case PR_STEP_ROW:
            status = take_row(scan, count, batch, err);
            pr_exchange_consume(x, used);
            break;
        case PR_STEP_END:
            pr_exchange_consume(x, used);
            *closed = true;
            return pr_page_close(scan, err);
        case PR_STEP_MORE:
            status = !x->done ? pr_exchange_more(x, err)
                              : error_set(err, STATUS_PROTOCOL,
                                        "answer ended in the middle of its rows");
            break;
        default:
            return page_broken(err);
        }
    }
    return status;
}

enum status pr_scan_rows(struct pr_scan *scan, struct batch *batch, struct error *err) {
    enum status status = STATUS_OK;
    bool closed = false;

    while (status == STATUS_OK && !scan->ended && batch->rows == 0 && !closed) {
        if (scan->cut) {
            return pr_page_cut(scan, err);
        }
        if (scan->exchange == NULL) {
            status = pr_page_send(scan, err);
        }
        if (status == STATUS_OK && !scan->opened) {
            status = pr_page_open(scan, err);
        }
        if (status == STATUS_OK) {
            status = read_page(scan, batch, &closed, err);
            closed = closed && batch->rows > 0; /* an empty page says nothing to SQLite */
        }
    }
    return status;
}

static enum status scan_count(struct pr_scan *scan, struct batch *batch, struct error *err) {
    int64_t total = 0, sum = 0;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !scan->ended) {
        status = pr_page_count(scan, &total, err);
        sum += total;
    }
    if (status == STATUS_OK) {
        batch->rows = scan->limit >= 0 && sum > scan->limit ? scan->limit : sum;
        scan->base.rows = batch->rows;
    }
    return status;
}

enum status pr_scan_next(struct scan *base, struct batch *batch, struct error *err) {
    struct pr_scan *scan = pr_scan(base);
    struct error why = { 0 };

    if (scan->failure != STATUS_OK) {
        return error_set(err, scan->failure, "%s",
                scan->failure_text != NULL ? scan->failure_text : "scan has failed");
    }
    scan->failure = batch_reset(batch, scan->batch_columns, false, &why);
    if (scan->failure == STATUS_OK && !scan->ended) {
        scan->failure = scan->written != NULL ? pr_returned_next(scan, batch, &why)
                        : scan->counts        ? scan_count(scan, batch, &why)
                                              : pr_scan_rows(scan, batch, &why);
    }
    if (scan->failure == STATUS_OK) {
        return STATUS_OK;
    }
    batch->rows = 0;
    scan->failure_text = memory_copy_text(why.message);
    error_statement(&why, base->statement);
    error_move(err, &why);
    return scan->failure;
}

/* ---- a scan's life ------------------------------------------------------------------------
 */

static bool has_column(const int *columns, size_t count, int column) {
    for (size_t i = 0; i < count; i++) {
        if (columns[i] == column) {
            return true;
        }
    }
    return false;
}

static void add_order(struct pr_scan *scan, int column, bool descending, bool may_be_null) {
    for (size_t i = 0; i < scan->order_count; i++) {
        if (scan->order[i].column == column) {
            return;
        }
    }
    scan->order[scan->order_count++] = (struct pr_order){ column, descending, may_be_null };
    if (!pr_column(scan->schema, column)->raw &&
            !has_column(scan->columns, scan->column_count, column)) {
        scan->columns[scan->column_count++] = column;
    }
}

/* What the members of a row are called: the columns, then the texts of those in the order that
 * come as JSON. */
static enum status name_members(struct pr_scan *scan, struct error *err) {
    const struct schema *schema = scan->schema;
    size_t names_max = scan->column_count + scan->order_count;
    size_t count = scan->column_count;

    scan->member_max = names_max + schema->column_count + PR_MEMBERS_MORE;
    scan->members = arena_alloc_array(&scan->arena, scan->member_max, sizeof(*scan->members));
    scan->names = arena_alloc_array(&scan->arena, names_max, sizeof(*scan->names));
    scan->key_places =
            arena_alloc_array(&scan->arena, scan->order_count + 1, sizeof(*scan->key_places));
    if (scan->members == NULL || scan->names == NULL || scan->key_places == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        scan->names[i] = pr_answer_name(
                schema, scan->columns[i], scan->order, scan->order_count, &scan->arena);
    }
    for (size_t i = 0; i < scan->order_count; i++) {
        int column = scan->order[i].column;
        bool raw = pr_column(schema, column)->raw;

        scan->key_places[i] = raw ? count : place_of(scan, column);
        if (raw) {
            scan->names[count++] = pr_key_name(column, &scan->arena);
        }
    }
    scan->name_count = count;
    for (size_t i = 0; i < count; i++) {
        if (scan->names[i] == NULL) {
            return error_nomem(err);
        }
    }
    return STATUS_OK;
}

/* The order that the query wants, then the key: together they tell every row apart. */
static enum status choose_columns(
        struct pr_scan *scan, const struct query *query, struct error *err) {
    const struct schema *schema = query->schema;
    const struct pr_relation *relation = pr_relation(schema);
    size_t orders = query->order_count + relation->key_count;
    size_t columns = query->column_count + orders + 1;

    scan->columns = arena_alloc_array(&scan->arena, columns, sizeof(*scan->columns));
    scan->order = arena_alloc_array(&scan->arena, orders + 1, sizeof(*scan->order));
    scan->bound = arena_alloc_array(&scan->arena, orders + 1, sizeof(*scan->bound));
    if (scan->columns == NULL || scan->order == NULL || scan->bound == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < query->column_count && !scan->counts; i++) {
        scan->columns[i] = query->columns[i];
        scan->column_count = i + 1;
    }
    scan->batch_columns = scan->column_count;
    for (size_t i = 0; i < query->order_count && !scan->counts; i++) {
        const struct order_term *term = &query->order[i];

        add_order(
                scan, term->column, term->descending, !schema->columns[term->column].not_null);
    }
    for (size_t i = 0; i < relation->key_count && !scan->counts; i++) {
        add_order(scan, relation->key[i], false, relation->key_asserted);
    }
    scan->keyed = relation->key_count > 0 && !scan->counts;
    if (scan->column_count == 0) { /* rows without columns are counted by one of them */
        scan->columns[scan->column_count++] = relation->key_count > 0 ? relation->key[0] : 0;
    }
    return name_members(scan, err);
}

/* The statement as people read it; the filters go between these two. */
static enum status write_statement(
        struct pr_scan *scan, const struct query *query, struct error *err) {
    struct pr_spelling source, order;
    enum status status;

    pr_spelling_init(&source);
    pr_spelling_init(&order);
    pr_append_source(&source, scan->schema, scan->columns, scan->column_count, scan->order,
            scan->order_count);
    pr_append_order(&order, scan->schema, scan->order, scan->order_count);
    text_printf(&scan->statement, "GET %s", text_get(&source.shown));
    text_append(&scan->target, text_get(&source.url)); /* for its length */
    text_append(&scan->target, text_get(&order.url));
    status = pr_scan_filter(scan, query, err);
    text_append(&scan->statement, text_get(&order.shown));
    if (status == STATUS_OK) {
        status = text_status(&scan->statement, err);
    }
    pr_spelling_clear(&source);
    pr_spelling_clear(&order);
    return status;
}

struct pr_scan *pr_scan_create(struct session *session, const struct schema *schema) {
    struct pr_scan *scan = memory_alloc(sizeof(*scan));

    if (scan == NULL) {
        return NULL;
    }
    scan->base.session = session;
    scan->schema = schema_retain((struct schema *)schema);
    scan->divided = -1;
    scan->expected = -1;
    text_init(&scan->statement, PR_TARGET_BYTES_MAX);
    text_init(&scan->target, PR_TARGET_BYTES_MAX);
    text_init(&scan->scratch, BATCH_HEAP_BYTES_MAX);
    text_init(&scan->key, BATCH_HEAP_BYTES_MAX);
    text_init(&scan->last_key, BATCH_HEAP_BYTES_MAX);
    text_init(&scan->spare, BATCH_HEAP_BYTES_MAX);
    return scan;
}

enum status pr_scan_start(struct session *session, const struct query *query, struct scan **out,
        struct error *err) {
    struct pr_scan *scan = pr_scan_create(session, query->schema);
    enum status status;

    if (scan == NULL) {
        return error_nomem(err);
    }
    scan->counts = (query->flags & QUERY_COUNT_ONLY) != 0;
    scan->limit = query->limit;
    scan->goal = query->row_goal;
    status = pr_write_check_read(pr_session(session), query->schema, err);
    if (status == STATUS_OK) {
        status = choose_columns(scan, query, err);
    }
    if (status == STATUS_OK) {
        status = write_statement(scan, query, err);
    }
    if (status == STATUS_OK) {
        scan->base.statement = text_get(&scan->statement);
        scan->base.transport = scan->keyed ? "pages" : "result";
        scan->ended = scan->limit == 0;
        status = scan->ended ? STATUS_OK : pr_page_send(scan, err);
    }
    if (status != STATUS_OK) {
        pr_scan_end(&scan->base);
        return status;
    }
    *out = &scan->base;
    return STATUS_OK;
}

static void scan_log(struct pr_scan *scan) {
    struct statement_record record = { .sql = scan->base.statement,
        .parameters = scan->parameters,
        .ms = scan->base.ms,
        .rows = scan->base.rows,
        .bytes = scan->base.bytes,
        .round_trips = scan->base.round_trips,
        .notices = scan->notices,
        .error = scan->failure == STATUS_OK   ? NULL
                 : scan->failure_text != NULL ? scan->failure_text
                                              : status_name(scan->failure) };

    pr_log(pr_session(scan->base.session), &record);
}

void pr_scan_end(struct scan *base) {
    struct pr_scan *scan = pr_scan(base);

    if (scan == NULL) {
        return;
    }
    if (scan->exchange != NULL) {
        base->ms += scan->exchange->ms;
        base->bytes += scan->exchange->bytes;
        pr_exchange_end(scan->exchange);
    }
    if (base->round_trips > 0) {
        scan_log(scan);
    }
    for (size_t i = 0; scan->bound != NULL && i < scan->order_count; i++) {
        memory_free(scan->bound[i]);
    }
    text_clear(&scan->statement);
    text_clear(&scan->target);
    text_clear(&scan->scratch);
    text_clear(&scan->key);
    text_clear(&scan->last_key);
    text_clear(&scan->spare);
    memory_free(scan->parameters);
    memory_free(scan->notices);
    memory_free(scan->failure_text);
    schema_release(scan->schema);
    arena_clear(&scan->arena);
    pr_write_end(scan->written != NULL ? &scan->written->base : NULL);
    memory_free(scan);
}
