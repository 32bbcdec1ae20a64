/* Kept rows that are too many for memory: a private temporary database of SQLite's own, which
 * keeps them in a file without a name and finds them by an index. */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_SPILL_H
#define DRAWBRIDGE_VTAB_LOOKUP_SPILL_H

#include "vtab/lookup_hash.h"

struct spill {
    sqlite3 *db;
    sqlite3_stmt *insert;
    sqlite3_stmt *idle; /* a reader that nobody has at the moment */
    size_t column_count;
    bool has_rowids;
};

/* memory_bytes: how much of it may stay in memory. */
enum status spill_create(struct spill **, size_t column_count, bool has_rowids,
        size_t memory_bytes, struct error *);
void spill_destroy(struct spill *); /* all its readers are finalized; accepts NULL */
enum status spill_add(struct spill *, const struct batch *, struct error *);
/* After the last row: the index by these keys. */
enum status spill_index(struct spill *, const struct lookup_keys *, struct error *);
/* A reader of the rows with these values, in the order in which they came. Given; to be given
 * back by spill_leave(). */
enum status spill_find(struct spill *, const struct lookup_keys *, const struct value *values,
        sqlite3_stmt **reader, struct error *);
void spill_leave(struct spill *, sqlite3_stmt *reader); /* accepts NULL */
/* Appends rows until the batch is full or the reader has ended. */
enum status spill_read(
        struct spill *, sqlite3_stmt *reader, struct batch *, bool *ended, struct error *);

#endif
