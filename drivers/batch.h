/* The neutral answer: rows held by column, variable-length bytes in one heap.
 *
 * The batch owns its memory and is reset whole. Rows are built one at a time:
 * batch_begin_row(), one batch_put_*() per column in order, batch_end_row(). A failed row is
 * dropped by beginning the next one. A batch is full when it holds BATCH_ROWS_MAX rows or its
 * heap passed BATCH_HEAP_BYTES_SOFT; a row bigger than that is a batch of one. */
#ifndef DRAWBRIDGE_DRIVERS_BATCH_H
#define DRAWBRIDGE_DRIVERS_BATCH_H

#include "base/status.h"
#include "drivers/value.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BATCH_ROWS_MAX = 1000,
    BATCH_HEAP_BYTES_SOFT = 1024 * 1024,
    BATCH_HEAP_BYTES_MAX = 2147483647 - 1024, /* one row: above SQLite's own limit anyway */
};

union cell {
    int64_t integer;
    double real;
    struct {
        uint32_t start, length; /* in the heap; a NUL stands behind the last byte */
    };
};

struct batch {
    int64_t rows; /* with column_count 0 it may pass BATCH_ROWS_MAX: a mere count */
    size_t column_count;
    uint8_t *kinds;    /* enum value_kind, [column * BATCH_ROWS_MAX + row] */
    union cell *cells; /* the same layout */
    int64_t *rowids;   /* [row]; only when has_rowids */
    bool has_rowids;
    char *heap;
    size_t heap_used, heap_size;
    size_t next_column; /* while a row is being built */
};

void batch_init(struct batch *); /* a zeroed struct is one, too */
/* Empties it and makes room for this many columns. */
enum status batch_reset(struct batch *, size_t column_count, bool has_rowids, struct error *);
void batch_clear(struct batch *); /* memory back */

bool batch_full(const struct batch *);
void batch_begin_row(struct batch *);
/* kind is VALUE_TEXT or VALUE_BLOB; an inner NUL in TEXT is noticed here. */
enum status batch_put_bytes(
        struct batch *, enum value_kind, const char *bytes, size_t length, struct error *);
/* The same without copying twice: room for at most length bytes in the heap (NULL and err
 * filled when there is none); write there, then batch_put_reserved() with what was used. */
char *batch_reserve(struct batch *, size_t length, struct error *);
void batch_put_reserved(struct batch *, enum value_kind, size_t length);
void batch_end_row(struct batch *, int64_t rowid); /* rowid is ignored without has_rowids */

/* The plain values are most of what a scan decodes, so they cost no call. First the place of
 * the value now due, its kind already noted. */
static inline union cell *batch_next(struct batch *batch, enum value_kind kind) {
    size_t at = batch->next_column++ * BATCH_ROWS_MAX + (size_t)batch->rows;

    assert(batch->next_column <= batch->column_count); /* one put per column */
    batch->kinds[at] = (uint8_t)kind;
    return &batch->cells[at];
}
static inline void batch_put_null(struct batch *batch) {
    batch_next(batch, VALUE_NULL)->integer = 0;
}
static inline void batch_put_integer(struct batch *batch, int64_t integer) {
    batch_next(batch, VALUE_INTEGER)->integer = integer;
}
/* Never NaN, which SQLite makes NULL. */
static inline void batch_put_real(struct batch *batch, double real) {
    batch_next(batch, VALUE_REAL)->real = real;
}

/* After batch_reserve(): a text that is known to have no inner NUL. */
static inline void batch_put_written(struct batch *batch, size_t length) {
    union cell *cell = batch_next(batch, VALUE_TEXT);

    batch->heap[batch->heap_used + length] = '\0';
    cell->start = (uint32_t)batch->heap_used;
    cell->length = (uint32_t)length;
    batch->heap_used += length + 1;
}

/* For readers. Text stays where it is until the next reset. */
static inline enum value_kind batch_kind(
        const struct batch *batch, size_t column, int64_t row) {
    return (enum value_kind)batch->kinds[column * BATCH_ROWS_MAX + (size_t)row];
}
static inline const union cell *batch_cell(
        const struct batch *batch, size_t column, int64_t row) {
    return &batch->cells[column * BATCH_ROWS_MAX + (size_t)row];
}

#endif
