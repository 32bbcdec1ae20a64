/* Numbers for rows that have none: relations without a key or a place (views, queries).
 *
 * SQLite merges the branches of an OR by rowid, so the same row must get the same number in
 * every scan of a statement and no other row the same. A row is known by all its presented
 * values and by how many equal rows came before it in its scan: whatever order two scans have,
 * equal rows are interchangeable. Kept as 128-bit digests under a random key; bounded. */
#ifndef DRAWBRIDGE_VTAB_ROWID_H
#define DRAWBRIDGE_VTAB_ROWID_H

#include "base/status.h"
#include "drivers/batch.h"

struct digest {
    uint64_t high, low;
};

/* digest -> number; a zeroed struct is empty. */
struct digest_map {
    struct digest_slot *slots;
    size_t capacity, count;
};

enum { ROWIDS_MAX = 4 * 1024 * 1024 }; /* 128 MiB of slots */

void digest_map_clear(struct digest_map *);
/* The digest of a whole row. key: 16 random bytes, the same for all rows compared. */
struct digest digest_row(const struct batch *, int64_t row, const uint64_t key[2]);
/* Of some columns of it; places: schema column -> batch column. */
struct digest digest_columns(const struct batch *, int64_t row, const int *places,
        const int *columns, size_t count, const uint64_t key[2]);
/* How often this digest was counted before; counts it. */
enum status digest_map_count(
        struct digest_map *, struct digest, int64_t *before, struct error *);
/* The number of (digest, occurrence): the one it has, or the next free one. */
enum status digest_map_number(struct digest_map *, struct digest, int64_t occurrence,
        int64_t *number, struct error *);

#endif
