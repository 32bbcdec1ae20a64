/* Copies of batches; see lookup_store.h. One piece of memory per batch, so that a million rows
 * of three integers take 27 bytes each and a thousand allocations. */
#include "vtab/lookup_store.h"

#include "base/memory.h"

#include <string.h>

enum { CHUNKS_MAX = 1 << (32 - STORE_ROW_BITS) };

void store_clear(struct store *store) {
    for (size_t i = 0; i < store->chunk_count; i++) {
        memory_free(store->chunks[i]);
    }
    memory_free(store->chunks);
    memset(store, 0, sizeof(*store));
}

size_t store_batch_bytes(const struct batch *batch) {
    size_t rows = (size_t)batch->rows;

    return sizeof(struct store_chunk) + 2 * sizeof(void *) +
           rows * batch->column_count * (sizeof(union cell) + 1) +
           (batch->has_rowids ? rows * sizeof(int64_t) : 0) + batch->heap_used;
}

static struct store_chunk *chunk_create(const struct batch *batch) {
    size_t rows = (size_t)batch->rows, cells = rows * batch->column_count;
    struct store_chunk *chunk = memory_alloc(store_batch_bytes(batch));
    char *at = (char *)(chunk + 1);

    if (chunk == NULL) {
        return NULL;
    }
    chunk->rows = batch->rows;
    chunk->cells = (union cell *)at;
    at += cells * sizeof(union cell);
    if (batch->has_rowids) {
        chunk->rowids = (int64_t *)at;
        memcpy(at, batch->rowids, rows * sizeof(int64_t));
        at += rows * sizeof(int64_t);
    }
    chunk->kinds = (uint8_t *)at;
    chunk->heap = at + cells;
    for (size_t column = 0; column < batch->column_count; column++) {
        memcpy(&chunk->cells[column * rows], &batch->cells[column * BATCH_ROWS_MAX],
                rows * sizeof(union cell));
        memcpy(&chunk->kinds[column * rows], &batch->kinds[column * BATCH_ROWS_MAX], rows);
    }
    if (batch->heap_used > 0) {
        memcpy(chunk->heap, batch->heap, batch->heap_used);
    }
    return chunk;
}

enum status store_add(struct store *store, const struct batch *batch, struct error *err) {
    struct store_chunk *chunk;

    if (store->chunk_count == CHUNKS_MAX) {
        return error_set(err, STATUS_TOO_BIG, "too many rows to keep");
    }
    if (store->chunk_count == store->chunk_capacity) {
        size_t capacity = store->chunk_capacity == 0 ? 1 : store->chunk_capacity * 2;
        struct store_chunk **larger =
                memory_resize_array(store->chunks, capacity, sizeof(struct store_chunk *));

        if (larger == NULL) {
            return error_nomem(err);
        }
        store->chunks = larger;
        store->chunk_capacity = capacity;
    }
    chunk = chunk_create(batch);
    if (chunk == NULL) {
        return error_nomem(err);
    }
    store->chunks[store->chunk_count++] = chunk;
    store->column_count = batch->column_count;
    store->rows += batch->rows;
    store->bytes += store_batch_bytes(batch);
    return STATUS_OK;
}

bool store_find(const struct store *store, uint32_t *number) {
    size_t chunk = *number >> STORE_ROW_BITS;
    uint32_t row = *number & STORE_ROW_MASK;

    if (chunk < store->chunk_count && row >= (uint32_t)store->chunks[chunk]->rows) {
        *number = (uint32_t)(++chunk << STORE_ROW_BITS);
    }
    return chunk < store->chunk_count;
}

enum status store_copy(
        const struct store *store, uint32_t number, struct batch *batch, struct error *err) {
    const struct store_chunk *chunk = store_chunk(store, number);
    enum status status = STATUS_OK;

    batch_begin_row(batch);
    for (size_t column = 0; column < store->column_count && status == STATUS_OK; column++) {
        const union cell *cell = store_cell(chunk, column, number);
        enum value_kind kind = store_kind(chunk, column, number);

        switch (kind) {
        case VALUE_NULL:
            batch_put_null(batch);
            break;
        case VALUE_INTEGER:
            batch_put_integer(batch, cell->integer);
            break;
        case VALUE_REAL:
            batch_put_real(batch, cell->real);
            break;
        default: /* an inner NUL is noticed again */
            status = batch_put_bytes(batch, kind == VALUE_BLOB ? VALUE_BLOB : VALUE_TEXT,
                    chunk->heap + cell->start, cell->length, err);
            break;
        }
    }
    if (status == STATUS_OK) {
        batch_end_row(
                batch, chunk->rowids != NULL ? chunk->rowids[number & STORE_ROW_MASK] : 0);
    }
    return status;
}
