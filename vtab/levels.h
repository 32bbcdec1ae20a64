/* What transaction.c, levels.c and reader.c share; others use transaction.h. */
#ifndef DRAWBRIDGE_VTAB_LEVELS_H
#define DRAWBRIDGE_VTAB_LEVELS_H

#include "vtab/transaction.h"

bool server_can(const struct server *, enum driver_capability);

/* ---- levels.c ---- */

/* The session's level of SQLite's savepoint, and of ours above them. */
int transaction_level(const struct transaction *, int number);
int transaction_own_level(const struct transaction *);
bool transaction_has_levels(const struct server *); /* does the session keep savepoints now? */
enum status transaction_set_level(struct server *, int level, struct error *);
/* Both of ours go: SQLite's next savepoint takes their place. */
enum status transaction_drop_own(struct server *, struct error *);
/* Back to a level; when that fails the transaction has. */
void transaction_back_to(struct server *, int level);
/* Nothing more can be done in it; COMMIT will say why. */
void transaction_fail(struct server *, const struct error *);
void transaction_fail_lost(struct server *);
/* Begins it on the session if need be. write: a write comes first. */
enum status transaction_make_sure(struct server *, bool write, struct error *);

/* ---- reader.c ---- */

/* Before a transaction that wrote commits: what is left of queries under way is fetched, up to
 * join_cache_bytes=, since SQLite lets them go on. */
void readers_drain(struct server *);
void readers_end(struct server *); /* they can ask for no more */
/* Queries that are not read to their end go on over the end of a transaction that only read, as
 * in SQLite: they keep its session. false: there are none, or they cannot. */
bool readers_keep(struct server *);
/* Writing to a schema locks its file: one in memory does no harm. */
bool place_is_harmless(sqlite3 *, const char *place);

#endif
