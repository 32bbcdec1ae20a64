/* Rows that a statement is going to change are locked as they are read: of two sessions that
 * race for a row the second one waits, and sees what became of it. */
#ifndef DRAWBRIDGE_VTAB_LOCKING_H
#define DRAWBRIDGE_VTAB_LOCKING_H

#include "vtab/cursor.h"

/* QUERY_LOCK, when this cursor reads rows that the running UPDATE or DELETE may change; else 0.
 * exact: all conditions that SQLite told are sent as they are. After cursor->plan and the limit
 * of the query are known. */
unsigned locking_flags(struct cursor *, bool exact);
/* Is the statement an UPDATE or DELETE of this table itself? */
bool locking_is_target(const struct table *, sqlite3_stmt *);
/* Something was written since the locked scan began, and it would pass over those rows. */
bool locking_is_over(const struct cursor *);
/* Before a row is updated or deleted. STATUS_UNSUPPORTED: another session's change since it was
 * read would be overwritten unseen. */
enum status locking_check(const struct table *, struct error *);

#endif
