/* Rows of a remote answer, kept: copies of batches, as small as they can be. */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_STORE_H
#define DRAWBRIDGE_VTAB_LOOKUP_STORE_H

#include "vtab/lookup_pack.h"

enum {
    STORE_ROW_BITS =
            10, /* a row's number: its chunk's, shifted by these, and its place there */
    STORE_ROW_MASK = (1 << STORE_ROW_BITS) - 1,
};

struct store_chunk {
    size_t rows;
    int64_t *rowids; /* NULL: none */
    struct packed columns[];
};

/* Zeroed is empty; the first batch says how many columns there are. */
struct store {
    size_t column_count;
    struct store_chunk **chunks;
    size_t chunk_count, chunk_capacity;
    int64_t rows;
    size_t bytes;
    struct packed *plan; /* room for that of a batch */
};

void store_clear(struct store *);
size_t store_batch_bytes(const struct batch *); /* what store_add() takes for it at most */
enum status store_add(struct store *, const struct batch *, struct error *);
/* The number of the first row at or behind this one; false at the end. */
bool store_find(const struct store *, uint32_t *number);
/* Appends a row to a batch of the same columns. */
enum status store_copy(const struct store *, uint32_t number, struct batch *, struct error *);

static inline const struct store_chunk *store_chunk(
        const struct store *store, uint32_t number) {
    return store->chunks[number >> STORE_ROW_BITS];
}
static inline void store_get(
        const struct store_chunk *chunk, size_t column, uint32_t number, struct value *out) {
    pack_get(&chunk->columns[column], chunk->rows, number & STORE_ROW_MASK, out);
}

#endif
