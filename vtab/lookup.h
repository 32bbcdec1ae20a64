/* Rows that a statement asks for again: the inner side of a join, correlated subqueries.
 *
 * What is remembered belongs to a server's snapshot, so it is right for as long as that lasts,
 * and ends with it or with the first write (lookup_forget). For each plan of a table there are
 *
 *   answers  of earlier xFilters, given again for the same values;
 *   a bulk   of rows, fetched once when single lookups have cost a sixth of what it
 * would: conditions with changing values are left out of it, and equalities among them become
 * the key by which rows are found. Above join_cache_bytes= the rows stand in a temporary
 * database.
 *
 * A bulk serves only values that the judge found comparable, and SQLite checks every row again.
 */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_H
#define DRAWBRIDGE_VTAB_LOOKUP_H

#include "vtab/lookup_kept.h"

struct cursor;
struct lookup;
struct server;

/* A cursor's part of it. */
struct cursor_lookup {
    struct lookup *lookup; /* of its plan; borrowed, while age is the server's */
    int64_t age, shape;
    struct kept *pending; /* the answer that is being read; NULL: it is not to be kept */
    struct kept_reader reader;
};

/* The query is made (cursor_prepare) and some rows may match. Afterwards lookup_serves() says
 * whether its rows are at hand. */
enum status lookup_begin(struct cursor *, sqlite3_value **argv, struct error *);
bool lookup_serves(const struct cursor *);
/* All rows of an answer are at hand, not those of a bulk: a request would give the same. */
bool lookup_serves_answer(const struct cursor *);
enum status lookup_next(struct cursor *, struct error *); /* fills cursor->batch */
/* A request gave cursor->batch, or failed. */
void lookup_note(struct cursor *, enum status);
/* The cursor reads more columns than before: what was kept is of no use any more. One that is
 * served by a bulk is served by a new one, from its first row on. */
enum status lookup_widen(struct cursor *, struct error *);
void lookup_leave(struct cursor *); /* the scan is over */
void lookup_close(struct cursor *);
/* The server's tables are read anew from here on: the snapshot has ended, something was
 * written.
 */
void lookup_forget(struct server *);

#endif
