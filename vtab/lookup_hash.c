/* Equality as SQLite has it, hashed; see lookup_hash.h.
 *
 * What is found here SQLite checks once more, so a row too many does no harm; a row too few
 * would. The judge has found each value that comes here comparable (EXACT or SUPERSET), so what
 * is left is: numbers are equal by value, whatever their class; texts by their bytes under the
 * collation; BLOBs by their bytes; and a text that looks like a number equals numbers. */
#include "vtab/lookup_hash.h"

#include "base/memory.h"

#include <string.h>

enum { SLOTS_MIN = 16 };

/* ---- values -------------------------------------------------------------------------------
 */

void lookup_keys_note(struct lookup_keys *keys, const struct batch *batch) {
    for (size_t i = 0; i < keys->count; i++) {
        struct lookup_key *key = &keys->keys[i];

        for (int64_t row = 0; row < batch->rows; row++) {
            enum value_kind kind = batch_kind(batch, key->place, row);

            key->has_numbers |= kind == VALUE_INTEGER || kind == VALUE_REAL;
            key->has_texts |= kind == VALUE_TEXT || kind == VALUE_TEXT_NUL;
        }
    }
}

bool lookup_keys_fit(const struct lookup_keys *keys) {
    bool fit = true;

    for (size_t i = 0; i < keys->count; i++) {
        fit = fit && !(keys->keys[i].has_numbers && keys->keys[i].has_texts);
    }
    return fit;
}

static void number_of(sqlite3_value *value, struct value *out) {
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        out->kind = VALUE_INTEGER;
        out->integer = sqlite3_value_int64(value);
    } else {
        out->kind = VALUE_REAL;
        out->real = sqlite3_value_double(value);
    }
}

/* SQLite's own conversion, on a copy: the value itself is compared once more, as it is. */
static bool text_to_number(sqlite3_value *value, struct value *out) {
    sqlite3_value *copy = sqlite3_value_dup(value);
    int type = copy != NULL ? sqlite3_value_numeric_type(copy) : SQLITE_NULL;

    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        number_of(copy, out);
    }
    sqlite3_value_free(copy);
    return copy != NULL;
}

bool lookup_key_value(const struct lookup_key *key, sqlite3_value *value, struct value *out) {
    int type = sqlite3_value_type(value);

    out->kind = VALUE_NULL;
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        number_of(value, out);
        return !key->has_texts;
    }
    if (type == SQLITE_NULL) {
        return key->is;
    }
    out->kind = type == SQLITE_BLOB ? VALUE_BLOB : VALUE_TEXT;
    out->bytes = type == SQLITE_BLOB ? sqlite3_value_blob(value)
                                     : (const char *)sqlite3_value_text(value);
    out->length = (size_t)sqlite3_value_bytes(value);
    if (out->bytes == NULL) {
        out->bytes = "";
    }
    return out->kind == VALUE_BLOB || !key->has_numbers || text_to_number(value, out);
}

/* An integer wherever the number is one: equal numbers get to look the same. */
static void settle(struct value *number) {
    if (number->kind == VALUE_REAL && number->real >= -9223372036854775808.0 &&
            number->real < 9223372036854775808.0) {
        int64_t integer = (int64_t)number->real;

        if ((double)integer == number->real) {
            number->kind = VALUE_INTEGER;
            number->integer = integer;
        }
    }
}

/* How many bytes count. SQLite's NOCASE stops at a NUL; the lengths it compares then do not
 * matter here. */
static size_t trimmed(const struct value *text, enum collation collation) {
    size_t length =
            collation == COLLATION_NOCASE ? strnlen(text->bytes, text->length) : text->length;

    while (collation == COLLATION_RTRIM && length > 0 && text->bytes[length - 1] == ' ') {
        length--;
    }
    return length;
}

static unsigned char folded(char c, enum collation collation) {
    return (unsigned char)(collation == COLLATION_NOCASE && c >= 'A' && c <= 'Z' ? c - 'A' + 'a'
                                                                                 : c);
}

static uint64_t mix(uint64_t hash) {
    hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
    hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
    return hash ^ (hash >> 32);
}

static uint64_t value_hash(const struct value *value, enum collation collation) {
    uint64_t hash = 14695981039346656037u;
    struct value number = *value;
    size_t length;

    switch (value->kind) {
    case VALUE_NULL:
        return 1;
    case VALUE_INTEGER:
    case VALUE_REAL:
        settle(&number);
        memcpy(&hash, &number.integer, sizeof(hash));
        return mix(hash);
    case VALUE_BLOB:
        collation = COLLATION_BINARY;
        break;
    default:
        break;
    }
    length = trimmed(value, collation);
    for (size_t i = 0; i < length; i++) { /* FNV-1a */
        hash = (hash ^ folded(value->bytes[i], collation)) * 1099511628211u;
    }
    return mix(hash);
}

static bool texts_equal(
        const struct value *left, const struct value *right, enum collation collation) {
    size_t length = trimmed(left, collation);

    if (length != trimmed(right, collation)) {
        return false;
    }
    if (collation != COLLATION_NOCASE) {
        return memcmp(left->bytes, right->bytes, length) == 0;
    }
    for (size_t i = 0; i < length; i++) {
        if (folded(left->bytes[i], collation) != folded(right->bytes[i], collation)) {
            return false;
        }
    }
    return true;
}

static bool is_number(const struct value *value) {
    return value->kind == VALUE_INTEGER || value->kind == VALUE_REAL;
}

static bool values_equal(
        const struct value *left, const struct value *right, enum collation collation) {
    struct value a = *left, b = *right;

    if (is_number(&a) || is_number(&b)) {
        settle(&a);
        settle(&b);
        if (a.kind == VALUE_INTEGER) {
            return b.kind == VALUE_INTEGER && a.integer == b.integer;
        }
        return a.kind == VALUE_REAL && b.kind == VALUE_REAL && a.real == b.real;
    }
    if (a.kind == VALUE_NULL || b.kind == VALUE_NULL) {
        return a.kind == b.kind;
    }
    return (a.kind == VALUE_BLOB) == (b.kind == VALUE_BLOB) &&
           texts_equal(&a, &b, a.kind == VALUE_BLOB ? COLLATION_BINARY : collation);
}

/* ---- the table ----------------------------------------------------------------------------
 */

static size_t slots_needed(const struct store *store) {
    size_t slots = SLOTS_MIN;

    while (slots < (size_t)store->rows) {
        slots *= 2;
    }
    return slots;
}

size_t hash_bytes_needed(const struct store *store) {
    return (slots_needed(store) + (store->chunk_count << STORE_ROW_BITS)) * sizeof(uint32_t);
}

static uint64_t row_hash(
        const struct store *store, const struct lookup_keys *keys, uint32_t number) {
    const struct store_chunk *chunk = store_chunk(store, number);
    uint64_t hash = 0;

    for (size_t i = 0; i < keys->count; i++) {
        struct value value;

        store_get(chunk, keys->keys[i].place, number, &value);
        hash = hash * 31 + value_hash(&value, keys->keys[i].collation);
    }
    return hash;
}

/* From the last row to the first, each in front of its chain. */
enum status hash_build(struct hash *hash, const struct store *store,
        const struct lookup_keys *keys, struct error *err) {
    size_t slots = slots_needed(store);

    hash->slots = memory_alloc_array(slots, sizeof(*hash->slots));
    hash->next =
            memory_alloc_array((store->chunk_count + 1) << STORE_ROW_BITS, sizeof(*hash->next));
    if (hash->slots == NULL || hash->next == NULL) {
        hash_clear(hash);
        return error_nomem(err);
    }
    memset(hash->slots, 0xff, slots * sizeof(*hash->slots));
    hash->mask = slots - 1;
    for (size_t chunk = store->chunk_count; chunk-- > 0;) {
        for (size_t row = store->chunks[chunk]->rows; row-- > 0;) {
            uint32_t number = (uint32_t)(chunk << STORE_ROW_BITS | row);
            uint32_t *slot = &hash->slots[row_hash(store, keys, number) & hash->mask];

            hash->next[number] = *slot;
            *slot = number;
        }
    }
    return STATUS_OK;
}

void hash_clear(struct hash *hash) {
    memory_free(hash->slots);
    memory_free(hash->next);
    memset(hash, 0, sizeof(*hash));
}

static uint32_t hash_match(const struct hash *hash, const struct store *store,
        const struct lookup_keys *keys, const struct value *values, uint32_t number) {
    for (; number != HASH_NO_ROW; number = hash->next[number]) {
        const struct store_chunk *chunk = store_chunk(store, number);
        bool equal = true;

        for (size_t i = 0; i < keys->count && equal; i++) {
            struct value value;

            store_get(chunk, keys->keys[i].place, number, &value);
            equal = values_equal(&value, &values[i], keys->keys[i].collation);
        }
        if (equal) {
            break;
        }
    }
    return number;
}

uint32_t hash_first(const struct hash *hash, const struct store *store,
        const struct lookup_keys *keys, const struct value *values) {
    uint64_t sum = 0;

    for (size_t i = 0; i < keys->count; i++) {
        sum = sum * 31 + value_hash(&values[i], keys->keys[i].collation);
    }
    return hash_match(hash, store, keys, values, hash->slots[sum & hash->mask]);
}

uint32_t hash_next(const struct hash *hash, const struct store *store,
        const struct lookup_keys *keys, const struct value *values, uint32_t number) {
    return hash_match(hash, store, keys, values, hash->next[number]);
}
