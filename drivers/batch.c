/* Rows held by column; see batch.h. */
#include "drivers/batch.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

enum { HEAP_BYTES_FIRST = 4096, HEAP_BYTES_KEPT = 4 * BATCH_HEAP_BYTES_SOFT };

void batch_init(struct batch *batch) {
    memset(batch, 0, sizeof(*batch));
}

static void batch_free_columns(struct batch *batch) {
    memory_free(batch->kinds);
    memory_free(batch->cells);
    memory_free(batch->rowids);
    batch->kinds = NULL;
    batch->cells = NULL;
    batch->rowids = NULL;
    batch->column_count = 0;
}

static void batch_free_heap(struct batch *batch) {
    memory_free(batch->heap);
    batch->heap = NULL;
    batch->heap_size = 0;
}

enum status batch_reset(
        struct batch *batch, size_t column_count, bool has_rowids, struct error *err) {
    batch->rows = 0;
    batch->heap_used = 0;
    batch->next_column = 0;
    batch->has_rowids = has_rowids;
    if (batch->heap_size > HEAP_BYTES_KEPT) { /* one huge row must not be paid for ever after */
        batch_free_heap(batch);
    }
    if (batch->column_count != column_count) {
        batch_free_columns(batch);
    }
    if (column_count > 0 && batch->kinds == NULL) {
        /* Not zeroed, which would cost a lookup more than its one row. */
        batch->kinds = memory_resize_array(NULL, column_count, BATCH_ROWS_MAX);
        batch->cells =
                memory_resize_array(NULL, column_count, BATCH_ROWS_MAX * sizeof(*batch->cells));
        if (batch->kinds == NULL || batch->cells == NULL) {
            batch_free_columns(batch);
            return error_nomem(err);
        }
        batch->column_count = column_count;
    }
    if (has_rowids && batch->rowids == NULL) {
        batch->rowids = memory_alloc_array(BATCH_ROWS_MAX, sizeof(*batch->rowids));
        if (batch->rowids == NULL) {
            return error_nomem(err);
        }
    }
    return STATUS_OK;
}

void batch_clear(struct batch *batch) {
    batch_free_columns(batch);
    batch_free_heap(batch);
    batch_init(batch);
}

bool batch_full(const struct batch *batch) {
    return batch->rows >= BATCH_ROWS_MAX || batch->heap_used >= BATCH_HEAP_BYTES_SOFT;
}

void batch_begin_row(struct batch *batch) {
    assert(batch->rows < BATCH_ROWS_MAX); /* ensured by callers: they ask batch_full() */
    batch->next_column = 0;
}

/* Room for `length` bytes and the NUL behind them. */
static enum status batch_grow_heap(struct batch *batch, size_t length, struct error *err) {
    size_t size = batch->heap_size > 0 ? batch->heap_size : HEAP_BYTES_FIRST;
    size_t needed;
    char *heap;

    if (length > BATCH_HEAP_BYTES_MAX || batch->heap_used > BATCH_HEAP_BYTES_MAX - length) {
        return error_set(
                err, STATUS_TOO_BIG, "row is longer than %d bytes", BATCH_HEAP_BYTES_MAX);
    }
    needed = batch->heap_used + length + 1;
    while (size < needed) { /* twice the half is above what SQLite's allocator gives at once */
        size = size > BATCH_HEAP_BYTES_MAX / 2 ? (size_t)BATCH_HEAP_BYTES_MAX + 1 : size * 2;
    }
    if (size > batch->heap_size) {
        heap = memory_resize_array(batch->heap, size, 1);
        if (heap == NULL) {
            return error_nomem(err);
        }
        batch->heap = heap;
        batch->heap_size = size;
    }
    return STATUS_OK;
}

char *batch_reserve(struct batch *batch, size_t length, struct error *err) {
    if (batch->heap_size - batch->heap_used > length) {
        return batch->heap + batch->heap_used;
    }
    return batch_grow_heap(batch, length, err) == STATUS_OK ? batch->heap + batch->heap_used
                                                            : NULL;
}

void batch_put_reserved(struct batch *batch, enum value_kind kind, size_t length) {
    char *bytes = batch->heap + batch->heap_used;
    union cell *cell;

    if (kind == VALUE_TEXT && memchr(bytes, '\0', length) != NULL) {
        kind = VALUE_TEXT_NUL;
    }
    bytes[length] = '\0';
    cell = batch_next(batch, kind);
    cell->start = (uint32_t)batch->heap_used;
    cell->length = (uint32_t)length;
    batch->heap_used += length + 1;
}

enum status batch_put_bytes(struct batch *batch, enum value_kind kind, const char *bytes,
        size_t length, struct error *err) {
    if (batch->heap_size - batch->heap_used <= length) {
        enum status status = batch_grow_heap(batch, length, err);

        if (status != STATUS_OK) {
            return status;
        }
    }
    if (length > 0) {
        memcpy(batch->heap + batch->heap_used, bytes, length);
    }
    batch_put_reserved(batch, kind, length);
    return STATUS_OK;
}

void batch_end_row(struct batch *batch, int64_t rowid) {
    assert(batch->next_column == batch->column_count); /* one put per column */
    if (batch->has_rowids) {
        batch->rowids[batch->rows] = rowid;
    }
    batch->rows++;
}
