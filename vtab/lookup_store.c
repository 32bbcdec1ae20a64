/* Copies of batches; see lookup_store.h. One piece of memory per batch, so that a million rows
 * of three integers take about 10 bytes each and a thousand allocations. */
#include "vtab/lookup_store.h"

#include "base/memory.h"

#include <string.h>

enum { CHUNKS_MAX = 1 << (32 - STORE_ROW_BITS) };

void store_clear(struct store *store) {
    for (size_t i = 0; i < store->chunk_count; i++) {
        memory_free(store->chunks[i]);
    }
    memory_free(store->chunks);
    memory_free(store->plan);
    memset(store, 0, sizeof(*store));
}

static size_t chunk_bytes(const struct batch *batch) {
    return sizeof(struct store_chunk) + 2 * sizeof(void *) +
           batch->column_count * sizeof(struct packed) +
           (batch->has_rowids ? (size_t)batch->rows * sizeof(int64_t) : 0);
}

size_t store_batch_bytes(const struct batch *batch) {
    size_t cell = sizeof(union cell) + 1;

    return chunk_bytes(batch) + batch->heap_used +
           batch->column_count * ((size_t)batch->rows * cell + sizeof(union cell));
}

static struct store_chunk *chunk_create(
        const struct batch *batch, const struct packed *columns, size_t bytes) {
    struct store_chunk *chunk = memory_resize_array(NULL, bytes, 1);
    size_t rows = (size_t)batch->rows;
    char *at;

    if (chunk == NULL) {
        return NULL;
    }
    chunk->rows = rows;
    chunk->rowids = NULL;
    at = (char *)&chunk->columns[batch->column_count];
    if (batch->has_rowids) {
        chunk->rowids = memcpy(at, batch->rowids, rows * sizeof(int64_t));
        at += rows * sizeof(int64_t);
    }
    for (size_t column = 0; column < batch->column_count; column++) {
        chunk->columns[column] = columns[column];
        chunk->columns[column].data = at;
        pack_fill(&chunk->columns[column], batch, column);
        at += columns[column].bytes;
    }
    return chunk;
}

/* How each column is packed, and the bytes of all. */
static enum status store_plan(
        struct store *store, const struct batch *batch, size_t *bytes, struct error *err) {
    if (store->plan == NULL || store->column_count != batch->column_count) {
        memory_free(store->plan);
        store->plan = memory_alloc_array(batch->column_count + 1, sizeof(*store->plan));
        if (store->plan == NULL) {
            return error_nomem(err);
        }
        store->column_count = batch->column_count;
    }
    *bytes = chunk_bytes(batch);
    for (size_t column = 0; column < batch->column_count; column++) {
        pack_plan(&store->plan[column], batch, column);
        *bytes += store->plan[column].bytes;
    }
    return STATUS_OK;
}

enum status store_add(struct store *store, const struct batch *batch, struct error *err) {
    struct store_chunk *chunk;
    size_t bytes = 0;
    enum status status = store_plan(store, batch, &bytes, err);

    if (status != STATUS_OK) {
        return status;
    }
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
    chunk = chunk_create(batch, store->plan, bytes);
    if (chunk == NULL) {
        return error_nomem(err);
    }
    store->chunks[store->chunk_count++] = chunk;
    store->rows += batch->rows;
    store->bytes += bytes;
    return STATUS_OK;
}

bool store_find(const struct store *store, uint32_t *number) {
    size_t chunk = *number >> STORE_ROW_BITS;
    uint32_t row = *number & STORE_ROW_MASK;

    if (chunk < store->chunk_count && row >= store->chunks[chunk]->rows) {
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
        struct value value;

        store_get(chunk, column, number, &value);
        switch (value.kind) {
        case VALUE_NULL:
            batch_put_null(batch);
            break;
        case VALUE_INTEGER:
            batch_put_integer(batch, value.integer);
            break;
        case VALUE_REAL:
            batch_put_real(batch, value.real);
            break;
        default: /* an inner NUL is noticed again */
            status = batch_put_bytes(batch, value.kind, value.bytes, value.length, err);
            break;
        }
    }
    if (status == STATUS_OK) {
        batch_end_row(
                batch, chunk->rowids != NULL ? chunk->rowids[number & STORE_ROW_MASK] : 0);
    }
    return status;
}
