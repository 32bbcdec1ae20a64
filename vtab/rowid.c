/* Numbers for rows that have none; see rowid.h. */
#include "vtab/rowid.h"

#include "base/memory.h"

#include <string.h>

struct digest_slot {
    struct digest digest;
    int64_t value; /* 0: free */
};

enum { DIGEST_SLOTS_FIRST = 64 };

void digest_map_clear(struct digest_map *map) {
    memory_free(map->slots);
    memset(map, 0, sizeof(*map));
}

/* ---- SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012) --------------------
 */

struct sip {
    uint64_t v0, v1, v2, v3, word;
    uint64_t length;
};

static uint64_t rotate(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

static void sip_rounds(struct sip *s, int rounds) {
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void sip_word(struct sip *s, uint64_t word) {
    s->v3 ^= word;
    sip_rounds(s, 2);
    s->v0 ^= word;
}

static void sip_add(struct sip *s, const void *bytes, size_t length) {
    const unsigned char *from = bytes;

    for (size_t i = 0; i < length; i++) {
        s->word |= (uint64_t)from[i] << 8 * (s->length & 7);
        s->length++;
        if ((s->length & 7) == 0) {
            sip_word(s, s->word);
            s->word = 0;
        }
    }
}

static struct digest sip_end(struct sip *s) {
    struct digest digest;

    sip_word(s, s->word | s->length << 56);
    s->v2 ^= 0xee;
    sip_rounds(s, 4);
    digest.high = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
    s->v1 ^= 0xdd;
    sip_rounds(s, 4);
    digest.low = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
    return digest;
}

static struct sip sip_start(const uint64_t key[2]) {
    struct sip s = { .v0 = key[0] ^ 0x736f6d6570736575,
        .v1 = key[1] ^ 0x646f72616e646f6d,
        .v2 = key[0] ^ 0x6c7967656e657261,
        .v3 = key[1] ^ 0x7465646279746573 };

    s.v1 ^= 0xee;
    return s;
}

static void sip_cell(struct sip *s, const struct batch *batch, size_t column, int64_t row) {
    const union cell *cell = batch_cell(batch, column, row);
    unsigned char kind = (unsigned char)batch_kind(batch, column, row);
    bool bytes = kind == VALUE_TEXT || kind == VALUE_TEXT_NUL || kind == VALUE_BLOB;

    sip_add(s, &kind, 1);
    if (bytes) {
        sip_add(s, &cell->length, sizeof(cell->length));
        sip_add(s, batch->heap + cell->start, cell->length);
    } else if (kind != VALUE_NULL) {
        sip_add(s, cell, sizeof(*cell));
    }
}

struct digest digest_row(const struct batch *batch, int64_t row, const uint64_t key[2]) {
    struct sip s = sip_start(key);

    for (size_t column = 0; column < batch->column_count; column++) {
        sip_cell(&s, batch, column, row);
    }
    return sip_end(&s);
}

struct digest digest_columns(const struct batch *batch, int64_t row, const int *places,
        const int *columns, size_t count, const uint64_t key[2]) {
    struct sip s = sip_start(key);

    for (size_t i = 0; i < count; i++) {
        sip_cell(&s, batch, (size_t)places[columns[i]], row);
    }
    return sip_end(&s);
}

/* ---- the map ------------------------------------------------------------------------------
 */

static struct digest_slot *map_slot(const struct digest_map *map, struct digest digest) {
    size_t at = (size_t)digest.low & (map->capacity - 1);

    while (map->slots[at].value != 0 && (map->slots[at].digest.low != digest.low ||
                                                map->slots[at].digest.high != digest.high)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->slots[at];
}

static enum status map_grow(struct digest_map *map, struct error *err) {
    struct digest_map larger = { 0 };

    if (map->count >= ROWIDS_MAX) {
        return error_set(err, STATUS_TOO_BIG,
                "more than %d rows without a key cannot be told apart in one statement: name a "
                "key with key=",
                ROWIDS_MAX);
    }
    if (map->capacity > 0 && map->count < map->capacity / 4 * 3) {
        return STATUS_OK;
    }
    larger.capacity = map->capacity == 0 ? DIGEST_SLOTS_FIRST : map->capacity * 2;
    larger.slots = memory_alloc_array(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != 0) {
            *map_slot(&larger, map->slots[i].digest) = map->slots[i];
        }
    }
    larger.count = map->count;
    digest_map_clear(map);
    *map = larger;
    return STATUS_OK;
}

/* The slot of a digest, taken with a first value when it is new. */
static enum status map_take(struct digest_map *map, struct digest digest, int64_t first,
        struct digest_slot **out, struct error *err) {
    enum status status = map_grow(map, err);

    if (status != STATUS_OK) {
        return status;
    }
    *out = map_slot(map, digest);
    if ((*out)->value == 0) {
        (*out)->digest = digest;
        (*out)->value = first;
        map->count++;
    }
    return STATUS_OK;
}

enum status digest_map_count(
        struct digest_map *map, struct digest digest, int64_t *before, struct error *err) {
    struct digest_slot *slot;
    enum status status = map_take(map, digest, 1, &slot, err);

    if (status == STATUS_OK) {
        *before = slot->value++ - 1;
    }
    return status;
}

enum status digest_map_number(struct digest_map *map, struct digest digest, int64_t occurrence,
        int64_t *number, struct error *err) {
    struct sip s = sip_start((const uint64_t[2]){ digest.high, digest.low });
    struct digest_slot *slot;
    enum status status;

    sip_add(&s, &occurrence, sizeof(occurrence));
    status = map_take(map, sip_end(&s), (int64_t)map->count + 1, &slot, err);
    if (status == STATUS_OK) {
        *number = slot->value;
    }
    return status;
}
