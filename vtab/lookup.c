/* When to remember, when to fetch in bulk; see lookup.h. lookup_kept.c holds the rows,
 * lookup_bulk.c fetches them.
 *
 * Which conditions change is learned from the values themselves: those that had the same value
 * in every xFilter so far are "fixed" and go with the bulk. How many lookups are still to come
 * nobody knows; that there were many already says most about it. So a bulk is worth it when
 * single lookups have cost a good part of what it would. */
#include "vtab/lookup_internal.h"

#include "base/trace.h"
#include "drivers/session_pool.h"
#include "vtab/cost.h"
#include "vtab/lookup_bulk.h"

#include <string.h>

enum {
    BULK_ROWS_FREE = 10000, /* that many more than estimated are no disappointment */
    BULK_ROWS_FACTOR = 4,
    BULK_WORTH = 6,     /* times what single lookups have cost */
    SINGLES_CHEAP = 4,  /* a bulk that costs no more is fetched at once */
    CALLS_LEAST = 32,   /* before a bulk that costs more than some of them */
    CALLS_SPILLED = 48, /* before one that does not fit in memory */
    BULK_US_SHORT = 5 * 1000 * 1000,
};

/* ---- life ---------------------------------------------------------------------------------
 */

void lookup_drop(struct lookup *lookup) {
    lookup_drop_answers(lookup);
    kept_release(lookup->bulk);
    lookup->bulk = NULL;
}

static void lookup_destroy(struct lookup *lookup) {
    lookup_drop(lookup);
    text_clear(&lookup->question);
    memory_free(lookup->plan_text);
    memory_free(lookup->wanted);
    memory_free(lookup->read);
    memory_free(lookup->ends);
    memory_free(lookup->first_question);
    memory_free(lookup->first_ends);
    memory_free(lookup->changes);
    memory_free(lookup->fixed);
    memory_free(lookup);
}

void lookup_forget(struct server *server) {
    while (server->lookups != NULL) {
        struct lookup *lookup = server->lookups;

        server->lookups = lookup->next;
        lookup_destroy(lookup);
    }
    server->lookups_age++;
}

/* NULL when memory is out. */
static struct lookup *lookup_create(const struct cursor *cursor) {
    struct lookup *lookup = memory_alloc(sizeof(*lookup));
    size_t conditions = cursor->plan.condition_count + 1;

    if (lookup == NULL) {
        return NULL;
    }
    text_init(&lookup->question, QUESTION_BYTES_MAX);
    lookup->table = cursor->table;
    lookup->column_count = cursor->table->schema->column_count;
    lookup->condition_count = cursor->plan.condition_count;
    lookup->plan_text = memory_copy_text(cursor->plan_text);
    lookup->wanted = memory_alloc(lookup->column_count + 1);
    lookup->read = memory_alloc(lookup->column_count + 1);
    lookup->ends = memory_alloc_array(conditions, sizeof(*lookup->ends));
    lookup->first_ends = memory_alloc_array(conditions, sizeof(*lookup->first_ends));
    lookup->changes = memory_alloc(conditions);
    lookup->fixed = memory_alloc(conditions);
    if (lookup->plan_text == NULL || lookup->wanted == NULL || lookup->read == NULL ||
            lookup->ends == NULL || lookup->first_ends == NULL || lookup->changes == NULL ||
            lookup->fixed == NULL) {
        lookup_destroy(lookup);
        return NULL;
    }
    /* What differs from a value is nearly everything: a bulk without it serves all values. */
    for (size_t i = 0; i < lookup->condition_count; i++) {
        enum condition_operator op = cursor->plan.conditions[i].op;

        lookup->changes[i] = op == OPERATOR_NE || op == OPERATOR_IS_NOT;
    }
    return lookup;
}

static bool lookup_is_of(const struct lookup *lookup, const struct cursor *cursor) {
    return lookup->table == cursor->table && strcmp(lookup->plan_text, cursor->plan_text) == 0;
}

static struct lookup *lookup_find(struct cursor *cursor) {
    struct server *server = cursor->table->server;
    struct lookup *lookup = cursor->lookup.lookup;

    if (lookup != NULL && cursor->lookup.age == server->lookups_age &&
            lookup_is_of(lookup, cursor)) {
        return lookup;
    }
    lookup = server->lookups;
    while (lookup != NULL && !lookup_is_of(lookup, cursor)) {
        lookup = lookup->next;
    }
    return lookup;
}

/* ---- the bulk -----------------------------------------------------------------------------
 */

static bool is_key(enum condition_operator op) {
    return op == OPERATOR_EQ || op == OPERATOR_IS;
}

static bool lookup_keys(
        const struct lookup *lookup, const struct cursor *cursor, struct lookup_keys *keys) {
    memset(keys, 0, sizeof(*keys));
    for (size_t i = 0; i < lookup->condition_count && keys->count < LOOKUP_KEYS_MAX; i++) {
        const struct condition *condition = &cursor->plan.conditions[i];

        if (lookup->changes[i] && is_key(condition->op)) {
            keys->keys[keys->count++] = (struct lookup_key){ .condition = i,
                .place = (size_t)cursor->places[condition->column],
                .is = condition->op == OPERATOR_IS,
                .collation = condition->collation };
        }
    }
    return keys->count > 0;
}

/* The columns of keys have to come with the rows. */
static void lookup_want_keys(struct lookup *lookup, struct cursor *cursor) {
    for (size_t i = 0; i < lookup->condition_count; i++) {
        int column = cursor->plan.conditions[i].column;

        if (lookup->changes[i] && is_key(cursor->plan.conditions[i].op) &&
                cursor->places[column] < 0) {
            lookup->wanted[column] = true;
            lookup->shape++;
            lookup_drop(lookup);
        }
    }
    lookup_apply(lookup, cursor);
}

static double bulk_us(const struct cursor *cursor, double rows) {
    return cost_trip_us(cursor->table) + cost_search_us(cursor->table, NULL, 0) +
           cost_rows_us(cursor->table, cursor->query.columns, cursor->query.column_count, rows);
}

/* After a few lookups the next ones are likely, too. Where rows go to disk, and a bulk fetch is
 * no matter of minutes, round trips count more than time. */
static bool bulk_is_due(const struct lookup *lookup, const struct cursor *cursor, double rows) {
    const struct plan *plan = &cursor->plan;
    double single = cost_trip_us(cursor->table) +
                    cost_search_us(cursor->table, plan->conditions, plan->condition_count);
    double bulk = bulk_us(cursor, rows);
    double bytes = rows * (cursor->table->schema->row_bytes +
                                  (double)cursor->query.column_count * sizeof(union cell));

    if (lookup->calls <= (bulk <= SINGLES_CHEAP * single ? 1 : CALLS_LEAST)) {
        return false;
    }
    return lookup->spent_us * BULK_WORTH >= bulk ||
           (lookup->calls > CALLS_SPILLED && bulk < BULK_US_SHORT &&
                   bytes > (double)lookup_bytes_left(cursor));
}

static bool bulk_is_worth_it(
        struct lookup *lookup, struct cursor *cursor, sqlite3_value **argv, double *rows) {
    for (size_t i = 0; i < lookup->condition_count; i++) {
        lookup->fixed[i] = !lookup->changes[i];
    }
    *rows = cost_rows_left(cursor->table, &cursor->plan, lookup->fixed, argv);
    if (*rows < (double)lookup->bulk_rows_least) {
        *rows = (double)lookup->bulk_rows_least;
    }
    return bulk_is_due(lookup, cursor, *rows);
}

/* The bulk knows which values it was fetched with. */
static bool bulk_label(struct kept *bulk, const struct lookup *lookup) {
    struct text values;

    text_init(&values, QUESTION_BYTES_MAX);
    lookup_parts(lookup, lookup->fixed, &values);
    bulk->question_length = values.length;
    bulk->question = memory_alloc(values.length + 1);
    bulk->fixed = memory_alloc(lookup->condition_count + 1);
    if (text_status(&values, NULL) != STATUS_OK || bulk->question == NULL ||
            bulk->fixed == NULL) {
        text_clear(&values);
        return false;
    }
    memcpy(bulk->question, text_get(&values), values.length);
    memcpy(bulk->fixed, lookup->fixed, lookup->condition_count);
    text_clear(&values);
    return true;
}

static enum status lookup_fetch(struct lookup *lookup, struct cursor *cursor,
        const struct lookup_keys *keys, double rows_expected, struct error *err) {
    struct bulk_plan plan = { .keys = *keys,
        .fixed = lookup->fixed,
        .rows_max = (int64_t)(rows_expected * BULK_ROWS_FACTOR) + BULK_ROWS_FREE };
    int64_t rows = 0;
    enum status status;

    lookup_drop(lookup);
    plan.bytes_max = lookup_bytes_left(cursor);
    status = bulk_fetch(cursor, &plan, &lookup->bulk, &rows, err);
    lookup->spent_us = 0;
    lookup->bulk_rows_least =
            lookup->bulk == NULL ? (rows + BULK_ROWS_FREE) * BULK_ROWS_FACTOR : 0;
    trace(TRACE_PLAN, "table \"%s\": %s of %lld rows for lookups", cursor->table->name,
            lookup->bulk != NULL ? "bulk fetch" : "given up bulk fetch", (long long)rows);
    if (lookup->bulk != NULL && !bulk_label(lookup->bulk, lookup)) {
        return error_nomem(err);
    }
    return status;
}

/* The values by which the rows are found, copied: they are needed until the next xFilter. */
static bool bulk_values(struct cursor *cursor, const struct lookup_keys *keys,
        sqlite3_value **argv, struct value *values) {
    for (size_t i = 0; i < keys->count; i++) {
        const struct lookup_key *key = &keys->keys[i];
        enum verdict verdict = cursor->inputs[key->condition].judgement.verdict;

        if ((verdict != VERDICT_EXACT && verdict != VERDICT_SUPERSET) ||
                !lookup_key_value(key, argv[key->condition], &values[i])) {
            return false;
        }
        if (values[i].kind == VALUE_TEXT || values[i].kind == VALUE_BLOB) {
            values[i].bytes =
                    arena_copy(&cursor->filter_arena, values[i].bytes, values[i].length);
            if (values[i].bytes == NULL) {
                return false;
            }
        }
    }
    return true;
}

static bool bulk_fits(const struct lookup *lookup) {
    const struct kept *bulk = lookup->bulk;
    struct text values;
    bool same;

    text_init(&values, QUESTION_BYTES_MAX);
    lookup_parts(lookup, bulk->fixed, &values);
    same = text_status(&values, NULL) == STATUS_OK && values.length == bulk->question_length &&
           memcmp(text_get(&values), bulk->question, values.length) == 0;
    text_clear(&values);
    return same;
}

static enum status bulk_serve(
        struct lookup *lookup, struct cursor *cursor, sqlite3_value **argv, struct error *err) {
    struct kept_reader *reader = &cursor->lookup.reader;

    if (lookup->bulk == NULL || !bulk_fits(lookup) ||
            !bulk_values(cursor, &lookup->bulk->keys, argv, reader->values)) {
        return STATUS_OK;
    }
    kept_reader_open(reader, lookup->bulk, false);
    return kept_reader_find(reader, err);
}

/* ---- for the cursor -----------------------------------------------------------------------
 */

/* Single lookups have cost as much as they may: fetch, and serve from it. */
static enum status lookup_try_bulk(
        struct lookup *lookup, struct cursor *cursor, sqlite3_value **argv, struct error *err) {
    struct value values[LOOKUP_KEYS_MAX];
    struct lookup_keys keys;
    double rows;
    enum status status;

    if (!bulk_is_worth_it(lookup, cursor, argv, &rows)) {
        return STATUS_OK;
    }
    lookup_want_keys(lookup, cursor);
    if (!lookup_keys(lookup, cursor, &keys) || !bulk_values(cursor, &keys, argv, values)) {
        return STATUS_OK;
    }
    status = lookup_fetch(lookup, cursor, &keys, rows, err);
    return status == STATUS_OK ? bulk_serve(lookup, cursor, argv, err) : status;
}

static enum status lookup_remember(struct cursor *cursor, struct lookup **out) {
    struct server *server = cursor->table->server;
    struct lookup *lookup = lookup_find(cursor);

    if (lookup == NULL) {
        lookup = lookup_create(cursor);
        if (lookup == NULL) {
            return STATUS_NOMEM;
        }
        lookup->next = server->lookups;
        server->lookups = lookup;
    }
    cursor->lookup.lookup = lookup;
    cursor->lookup.age = server->lookups_age;
    *out = lookup;
    return STATUS_OK;
}

/* Not where what is remembered might be older than what a request would give: rows wait to be
 * written, the cursor reads in a transaction that is not the server's any more, or the session
 * is that of the process this one was forked from. */
static bool lookup_fits(const struct cursor *cursor) {
    const struct server *server = cursor->table->server;

    if (server->session != NULL && session_pool_is_foreign(server->session)) {
        return false;
    }
    return server->cache_bytes > 0 && server->writing == NULL && cursor->reader.aside == NULL &&
           !cursor->reader.ended;
}

/* A bulk that no condition went with has the rows for any values: nothing is left to compare.
 */
static enum status bulk_serve_any(
        struct lookup *lookup, struct cursor *cursor, sqlite3_value **argv, struct error *err) {
    cursor->lookup.shape = lookup->shape;
    return lookup->bulk != NULL && lookup->bulk->question_length == 0
                   ? bulk_serve(lookup, cursor, argv, err)
                   : STATUS_OK;
}

enum status lookup_begin(struct cursor *cursor, sqlite3_value **argv, struct error *err) {
    struct lookup *lookup = NULL;
    enum status status = STATUS_OK;
    struct kept *answer;

    if (cursor->count_only || !lookup_fits(cursor)) {
        cursor->lookup.lookup = NULL;
        return STATUS_OK;
    }
    if (lookup_remember(cursor, &lookup) != STATUS_OK) {
        return error_nomem(err);
    }
    lookup_narrow(lookup, cursor);
    lookup_grow(lookup, cursor);
    lookup_apply(lookup, cursor);
    lookup->calls++;
    status = bulk_serve_any(lookup, cursor, argv, err);
    if (status != STATUS_OK || lookup_serves(cursor) || !lookup_ask(lookup, cursor)) {
        return status;
    }
    lookup_learn(lookup);
    status = bulk_serve(lookup, cursor, argv, err);
    answer = lookup_serves(cursor) ? NULL : lookup_answer(lookup);
    if (answer != NULL) {
        kept_reader_open(&cursor->lookup.reader, answer, true);
    }
    if (status == STATUS_OK && !lookup_serves(cursor)) {
        status = lookup_try_bulk(lookup, cursor, argv, err);
    }
    if (status == STATUS_OK && !lookup_serves(cursor)) {
        lookup->spent_us += cost_trip_us(cursor->table) + cost_search_us(cursor->table,
                                                                  cursor->plan.conditions,
                                                                  cursor->plan.condition_count);
        lookup_expect(lookup, cursor);
    }
    cursor->lookup.shape = lookup->shape;
    return status;
}

bool lookup_serves(const struct cursor *cursor) {
    return cursor->lookup.reader.kept != NULL;
}

bool lookup_serves_answer(const struct cursor *cursor) {
    return lookup_serves(cursor) && cursor->lookup.reader.whole;
}

enum status lookup_next(struct cursor *cursor, struct error *err) {
    bool rowids = cursor->identity && cursor->table->schema->identity == IDENTITY_ROWID;
    enum status status = batch_reset(&cursor->batch, cursor->query.column_count, rowids, err);

    if (status == STATUS_OK) {
        status = kept_reader_fill(&cursor->lookup.reader, &cursor->batch, err);
    }
    return status;
}

/* The rows that this cursor was served from, once more and for it alone. */
static enum status reader_widen(struct cursor *cursor, struct error *err) {
    struct kept_reader *reader = &cursor->lookup.reader;
    struct bulk_plan plan = { .keys = reader->kept->keys,
        .fixed = reader->kept->fixed,
        .rows_max = INT64_MAX,
        .bytes_max = lookup_bytes_left(cursor) };
    struct kept *wider = NULL;
    int64_t rows;
    enum status status;

    for (size_t i = 0; i < plan.keys.count; i++) {
        size_t condition = plan.keys.keys[i].condition;

        plan.keys.keys[i].place =
                (size_t)cursor->places[cursor->plan.conditions[condition].column];
    }
    status = bulk_fetch(cursor, &plan, &wider, &rows, err);
    if (status == STATUS_OK && wider == NULL) {
        status = error_set(err, STATUS_PROTOCOL,
                "server \"%s\" gave other rows to the same query in one snapshot",
                cursor->table->server->name);
    }
    if (status == STATUS_OK) {
        kept_reader_open(reader, wider, false);
        status = kept_reader_find(reader, err);
    }
    kept_release(wider);
    return status;
}

enum status lookup_widen(struct cursor *cursor, struct error *err) {
    struct lookup *lookup = cursor->lookup.lookup;

    if (lookup != NULL && cursor->lookup.age == cursor->table->server->lookups_age) {
        lookup_grow(lookup, cursor);
    }
    if (lookup_serves(cursor) && !lookup_serves_answer(cursor)) {
        return reader_widen(cursor, err);
    }
    return STATUS_OK;
}

void lookup_leave(struct cursor *cursor) {
    struct lookup *lookup = cursor->lookup.lookup;

    /* One of an older age is gone. */
    if (cursor->narrows && lookup != NULL &&
            cursor->lookup.age == cursor->table->server->lookups_age &&
            lookup->width == WIDTH_PLANNED) {
        for (size_t i = 0; i < lookup->column_count; i++) {
            lookup->read[i] |= cursor->read[i];
        }
    }
    lookup_drop_pending(cursor);
    kept_reader_close(&cursor->lookup.reader);
}

void lookup_close(struct cursor *cursor) {
    lookup_leave(cursor);
    kept_reader_clear(&cursor->lookup.reader);
}
