/* Questions that were asked before in one statement, and their answers: see lookup.h. */
#include "vtab/lookup_internal.h"

#include "vtab/cost.h"

#include <string.h>

enum { BUCKETS_MIN = 16 };

/* ---- questions ----------------------------------------------------------------------------
 */

static void append_value(struct text *text, const struct value *value) {
    char kind = (char)value->kind;

    text_append_bytes(text, &kind, 1);
    switch (value->kind) {
    case VALUE_INTEGER:
    case VALUE_REAL:
        text_append_bytes(text, (const char *)&value->integer, sizeof(value->integer));
        break;
    case VALUE_NULL:
        break;
    default:
        text_append_bytes(text, (const char *)&value->length, sizeof(value->length));
        text_append_bytes(text, value->bytes, value->length);
        break;
    }
}

/* How many values a condition has is part of it: the lists of two INs could be divided
 * otherwise. So is its verdict: a value that was sent for one statement stays local in another
 * (guess.h). False: it cannot be written down, so nothing of it is remembered. */
bool lookup_ask(struct lookup *lookup, const struct cursor *cursor) {
    struct text *question = &lookup->question;

    text_truncate(question, 0);
    if (question->failure != STATUS_OK) {
        text_clear(question);
    }
    for (size_t i = 0; i < lookup->condition_count; i++) {
        const struct condition_input *input = &cursor->inputs[i];
        char verdict = (char)input->judgement.verdict;

        text_append_bytes(question, &verdict, 1);
        text_append_bytes(question, (const char *)&input->count, sizeof(input->count));
        for (size_t k = 0; k < input->count; k++) {
            append_value(question, &input->values[k]);
        }
        lookup->ends[i] = question->length;
    }
    text_append_bytes(
            question, (const char *)&cursor->query.limit, sizeof(cursor->query.limit));
    return text_status(question, NULL) == STATUS_OK;
}

static bool parts_equal(
        const char *a, const size_t *a_ends, const char *b, const size_t *b_ends, size_t i) {
    size_t a_start = i > 0 ? a_ends[i - 1] : 0, b_start = i > 0 ? b_ends[i - 1] : 0;

    return a_ends[i] - a_start == b_ends[i] - b_start &&
           memcmp(a + a_start, b + b_start, a_ends[i] - a_start) == 0;
}

void lookup_learn(struct lookup *lookup) {
    const char *question = text_get(&lookup->question);

    if (lookup->first_question == NULL) {
        lookup->first_question = memory_alloc(lookup->question.length);
        if (lookup->first_question != NULL) {
            memcpy(lookup->first_question, question, lookup->question.length);
            memcpy(lookup->first_ends, lookup->ends,
                    lookup->condition_count * sizeof(*lookup->ends));
        }
        return;
    }
    for (size_t i = 0; i < lookup->condition_count; i++) {
        lookup->changes[i] =
                lookup->changes[i] || !parts_equal(question, lookup->ends,
                                              lookup->first_question, lookup->first_ends, i);
    }
}

void lookup_parts(const struct lookup *lookup, const bool *marks, struct text *parts) {
    const char *question = text_get(&lookup->question);

    for (size_t i = 0; i < lookup->condition_count; i++) {
        size_t start = i > 0 ? lookup->ends[i - 1] : 0, length = lookup->ends[i] - start;

        if (marks[i]) {
            text_append_bytes(parts, (const char *)&length, sizeof(length));
            text_append_bytes(parts, question + start, length);
        }
    }
}

static uint64_t question_hash(const struct text *question) {
    const char *bytes = text_get(question);
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < question->length; i++) { /* FNV-1a */
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    }
    return hash ^ (hash >> 32);
}

/* ---- answers ------------------------------------------------------------------------------
 */

size_t lookup_bytes_left(const struct cursor *cursor) {
    int64_t limit = cursor->table->server->cache_bytes;
    size_t used = cursor->table->connection->lookup_bytes;

    return limit > 0 && (size_t)limit > used ? (size_t)limit - used : 0;
}

struct kept *lookup_answer(const struct lookup *lookup) {
    uint64_t hash = question_hash(&lookup->question);
    struct kept *kept = lookup->bucket_count > 0
                                ? lookup->buckets[hash & (lookup->bucket_count - 1)]
                                : NULL;

    while (kept != NULL &&
            (kept->question_hash != hash || kept->question_length != lookup->question.length ||
                    memcmp(kept->question, text_get(&lookup->question),
                            kept->question_length) != 0)) {
        kept = kept->next;
    }
    return kept;
}

static bool answers_grow(struct lookup *lookup) {
    size_t count = lookup->bucket_count > 0 ? lookup->bucket_count * 4 : BUCKETS_MIN;
    struct kept **buckets = memory_alloc_array(count, sizeof(struct kept *));

    if (buckets == NULL) {
        return false;
    }
    for (size_t i = 0; i < lookup->bucket_count; i++) {
        while (lookup->buckets[i] != NULL) {
            struct kept *kept = lookup->buckets[i];
            struct kept **bucket = &buckets[kept->question_hash & (count - 1)];

            lookup->buckets[i] = kept->next;
            kept->next = *bucket;
            *bucket = kept;
        }
    }
    memory_free(lookup->buckets);
    lookup->buckets = buckets;
    lookup->bucket_count = count;
    return true;
}

/* The answer that will be read may be kept, if it turns out to be small enough. */
void lookup_expect(struct lookup *lookup, struct cursor *cursor) {
    struct kept *kept =
            lookup_bytes_left(cursor) > 0 ? kept_create(cursor->table->connection) : NULL;

    if (kept == NULL) {
        return;
    }
    kept->question = memory_alloc(lookup->question.length);
    if (kept->question == NULL) {
        kept_release(kept);
        return;
    }
    memcpy(kept->question, text_get(&lookup->question), lookup->question.length);
    kept->question_length = lookup->question.length;
    kept->question_hash = question_hash(&lookup->question);
    cursor->lookup.pending = kept;
}

void lookup_drop_pending(struct cursor *cursor) {
    kept_release(cursor->lookup.pending);
    cursor->lookup.pending = NULL;
}

static void answer_complete(struct lookup *lookup, struct cursor *cursor) {
    struct kept *kept = cursor->lookup.pending;

    kept_count(kept);
    if (lookup->answer_count >= lookup->bucket_count && !answers_grow(lookup)) {
        lookup_drop_pending(cursor);
        return;
    }
    kept->next = lookup->buckets[kept->question_hash & (lookup->bucket_count - 1)];
    lookup->buckets[kept->question_hash & (lookup->bucket_count - 1)] = kept;
    lookup->answer_count++;
    cursor->lookup.pending = NULL;
}

/* The first time one batch is enough: most scans are never repeated. */
static bool answer_fits(const struct lookup *lookup, const struct cursor *cursor) {
    const struct kept *kept = cursor->lookup.pending;
    size_t bytes = kept->store.bytes + store_batch_bytes(&cursor->batch);

    if (kept->store.chunk_count > 0 && (lookup->calls < 2 || lookup->answers_too_big)) {
        return false;
    }
    return bytes + kept->question_length + sizeof(*kept) <= lookup_bytes_left(cursor) / 2;
}

void lookup_note(struct cursor *cursor, enum status status) {
    struct lookup *lookup = cursor->lookup.lookup;
    const struct batch *batch = &cursor->batch;

    if (lookup == NULL || cursor->lookup.age != cursor->table->server->lookups_age ||
            cursor->lookup.shape != lookup->shape) {
        lookup_drop_pending(cursor);
        return;
    }
    lookup->spent_us += cost_rows_us(cursor->table, cursor->query.columns,
            cursor->query.column_count, (double)batch->rows);
    if (cursor->lookup.pending == NULL) {
        return;
    }
    if (status == STATUS_OK && batch->rows == 0) {
        answer_complete(lookup, cursor);
        return;
    }
    if (status == STATUS_OK && !answer_fits(lookup, cursor)) {
        lookup->answers_too_big |= lookup->calls >= 2;
        status = STATUS_TOO_BIG;
    }
    if (status == STATUS_OK) {
        status = store_add(&cursor->lookup.pending->store, batch, NULL);
    }
    if (status != STATUS_OK) {
        lookup_drop_pending(cursor);
    } else if ((cursor->query.flags & QUERY_UNIQUE) != 0) {
        answer_complete(lookup, cursor); /* SQLite will not ask for another row */
    }
}

void lookup_drop_answers(struct lookup *lookup) {
    for (size_t i = 0; i < lookup->bucket_count; i++) {
        while (lookup->buckets[i] != NULL) {
            struct kept *kept = lookup->buckets[i];

            lookup->buckets[i] = kept->next;
            kept_release(kept);
        }
    }
    memory_free(lookup->buckets);
    lookup->buckets = NULL;
    lookup->bucket_count = 0;
    lookup->answer_count = 0;
}
