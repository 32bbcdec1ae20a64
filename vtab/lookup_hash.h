/* Finding kept rows by the values of their key columns, as SQLite compares them. */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_HASH_H
#define DRAWBRIDGE_VTAB_LOOKUP_HASH_H

#include "base/sqlite.h"
#include "drivers/query.h"
#include "vtab/lookup_store.h"

#include <stdbool.h>

enum { LOOKUP_KEYS_MAX = 8 };

/* One column that is compared, by "=" or IS. */
struct lookup_key {
    size_t condition; /* of the plan */
    size_t place;     /* column of the kept rows */
    bool is;          /* NULL finds NULL */
    enum collation collation;
    bool has_numbers, has_texts; /* kinds of the values kept; both: cannot be served */
};

struct lookup_keys {
    struct lookup_key keys[LOOKUP_KEYS_MAX];
    size_t count;
};

enum { HASH_NO_ROW = UINT32_MAX };

/* Rows of one hash in a chain, in the order in which they came. Zeroed is empty. */
struct hash {
    uint32_t *slots, *next; /* row numbers; HASH_NO_ROW: none */
    size_t mask;
};

/* Notes which kinds of values the batch has. */
void lookup_keys_note(struct lookup_keys *, const struct batch *);
/* Can equality with every such value be decided by the rules of this file? Where a column holds
 * numbers and texts it depends on affinities that nobody tells. */
bool lookup_keys_fit(const struct lookup_keys *);
/* The value as the column's values are compared with it: a text that looks like a number is one
 * where numbers are kept. False: cannot be served. The value's bytes are borrowed. */
bool lookup_key_value(const struct lookup_key *, sqlite3_value *, struct value *out);

size_t hash_bytes_needed(const struct store *);
enum status hash_build(
        struct hash *, const struct store *, const struct lookup_keys *, struct error *);
void hash_clear(struct hash *);
/* The first row that has these values, and the one behind a row; HASH_NO_ROW: none. */
uint32_t hash_first(const struct hash *, const struct store *, const struct lookup_keys *,
        const struct value *values);
uint32_t hash_next(const struct hash *, const struct store *, const struct lookup_keys *,
        const struct value *values, uint32_t number);

#endif
