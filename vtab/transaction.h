/* xBegin to xRollbackTo: SQLite's transaction and its savepoints on the sessions of servers.
 *
 * The remote transaction begins with the first read or write in it and commits in xSync, whose
 * result SQLite heeds (that of xCommit it ignores). However many tables of a server report a
 * savepoint, its session has it once. SQLite announces none for statements that write a single
 * row, and UPDATE ... FROM: one of ours stands around each statement. */
#ifndef DRAWBRIDGE_VTAB_TRANSACTION_H
#define DRAWBRIDGE_VTAB_TRANSACTION_H

#include "vtab/connection.h"
#include "vtab/table.h"

int transaction_begin(sqlite3_vtab *);
int transaction_sync(sqlite3_vtab *);
int transaction_commit(sqlite3_vtab *);
int transaction_rollback(sqlite3_vtab *);
int transaction_savepoint(sqlite3_vtab *, int number);
int transaction_release(sqlite3_vtab *, int number);
int transaction_rollback_to(sqlite3_vtab *, int number);

/* Why no table of this schema can be written; NULL: it can. */
const char *transaction_why_not(const struct server *, const struct schema *);
/* Why rows can be inserted, but none updated or deleted; NULL: that is not so. */
const char *transaction_why_insert_only(const struct schema *);
/* Can the table be written? STATUS_READONLY with its name and why; NULL err: only the answer.
 */
enum status transaction_writable(const struct table *, struct error *);

/* Before something of the server is read: inside BEGIN it takes part in the transaction, so
 * that all of it sees one state. Where it cannot (see the body) reads are as outside BEGIN. */
enum status transaction_enlist_reader(struct server *, struct error *);
/* The session inside the transaction, for reading: a failure does not cost what was written.
 * Only while transaction.tables > 0. */
enum status transaction_read(struct server *, struct session **out, struct error *);
/* The session for writing, with a savepoint around the running statement or, by_row, around the
 * next row alone. The caller tells transaction_wrote() how it went. */
enum status transaction_write(
        struct server *, bool by_row, struct session **out, struct error *);
/* On failure what was written since that savepoint is undone. */
void transaction_wrote(struct server *, enum status, const struct error *);
/* The session died (STATUS_LOST) or lost a race (STATUS_RETRY) before it answered anything in
 * this transaction: it is as if it had not begun, and begins anew with what comes next. All
 * scans and writers have ended. false: something was answered, which would be of another
 * snapshot. */
bool transaction_restart(struct server *);
/* For one that loses its races: each time another session has won one. */
enum { TRANSACTION_TRIES_MAX = 100 };
/* Calls write(), which sends something by transaction_write(), and again where that restarts.
 */
enum status transaction_try(struct server *,
        enum status (*write)(void *context, struct error *), void *context, struct error *);
enum isolation transaction_isolation(const struct server *);
/* CREATE VIRTUAL TABLE: SQLite has it take part without xBegin, and does not tell it of
 * savepoints that stood before. */
void transaction_created(struct table *);
/* DROP TABLE within a transaction that the table takes part in. */
enum status transaction_leave(struct table *, struct error *);

/* A write that is no table's: a function's. Takes part in the open transaction, or makes one of
 * its own for this call alone. transaction_alone_end() commits that, or undoes it after a
 * failure. */
enum status transaction_alone_begin(struct server *, bool *alone, struct error *);
enum status transaction_alone_end(
        struct server *, bool alone, enum status status, struct error *);

/* ---- readers: cursors and bridge_query ---- */

/* The session that the reader reads from, in its snapshot or transaction. */
enum status reader_session(
        struct server *, struct reader *, struct session **out, struct error *);
/* A scan begins, or what was kept of one: it shows what was written so far. */
void reader_begin(const struct server *, struct reader *);
/* STATUS_LOST when what the reader has at hand was rolled back. SQLite would go on with the
 * rows as they are again; those that were fetched ahead are not. */
enum status reader_check(const struct server *, const struct reader *, struct error *);
/* scan_next() of the reader's scan. */
enum status reader_next(struct server *, struct reader *, struct batch *, struct error *);
void reader_forget_drained(struct reader *);
/* Writes that stand in more than `depth` savepoints were rolled back (kept: they are released
 * into those). */
void readers_undo(struct server *, int depth);
void readers_release(struct server *, int depth);
/* A scan could not be started or failed: keeps the transaction alive. */
void reader_failed(struct server *, const struct reader *, enum status);

#endif
