/* Rowids of rows that are found by a key of several columns (schema.find_columns): of views
 * with key=a,b, of a WITHOUT ROWID table of an SQLite file.
 *
 * A number is made of the key alone, so that it means the same row in every statement of the
 * connection. It does not lead back: keys of rows whose rowid was asked for while SQLite writes
 * are kept, since xUpdate gets the number and nothing else. */
#ifndef DRAWBRIDGE_VTAB_ROW_KEYS_H
#define DRAWBRIDGE_VTAB_ROW_KEYS_H

#include "base/memory.h"
#include "base/status.h"
#include "drivers/batch.h"
#include "drivers/schema.h"

enum { ROW_KEYS_BYTES_MAX = 64 * 1024 * 1024 }; /* of one statement */

struct row_key {
    int64_t number;
    const struct value *values; /* by schema.find_columns; NULL: the slot is free */
};

/* Zeroed is empty. */
struct row_keys {
    struct row_key *slots;
    size_t capacity, count;
    size_t bytes; /* of the values */
    struct arena arena;
};

void row_keys_clear(struct row_keys *);
/* Keeps the key of a row of the batch; places: schema column -> batch column. STATUS_TOO_BIG:
 * there is no more room. STATUS_UNSUPPORTED: another row has the same number. */
enum status row_keys_keep(struct row_keys *, const struct schema *, const struct batch *,
        const int *places, int64_t row, int64_t number, struct error *);
/* One value for each of schema.find_columns; NULL: no such row was kept. Valid until the next
 * row_keys_clear(). */
const struct value *row_keys_find(const struct row_keys *, int64_t number);

#endif
