/* struct error -> what SQLite tells its user: the one place that knows SQLITE_* codes of ours.
 */
#ifndef DRAWBRIDGE_VTAB_REPORT_H
#define DRAWBRIDGE_VTAB_REPORT_H

#include "base/sqlite.h"
#include "base/status.h"

struct schema;

/* The result code of design.md 6. */
int report_code(const struct error *);
/* The same for what fails in xSync. After plain SQLITE_BUSY SQLite would keep the local
 * transaction open, and a second COMMIT would succeed without the remote. */
int report_commit_code(const struct error *);
/* The same inside a transaction that has written: with its session all of it is lost, and
 * SQLite must roll back as well. */
int report_written_code(const struct error *);
/* One text with everything: message, SQLSTATE, detail, hint, remote statement. Given by
 * sqlite3_malloc; NULL when memory is out. */
char *report_text(const struct error *);
/* The reverse of both: an error that SQLite has passed on from one of our own tables, or one of
 * its own. */
void report_read(int extended_code, const char *text, struct error *);
/* A broken constraint of a table in SQLite's own words, under the names it has in SQLite; what
 * the remote says of it comes behind. Without a schema only what names no column. Nothing is
 * done with any other error. */
void report_constraint(struct error *, const struct schema *, const char *table);
/* What to do when another session was faster. Nothing is done with any other error. */
void report_race(struct error *);
/* Both for a virtual table's method: replaces *message (sqlite3_malloc'ed or NULL), clears err,
 * returns the code. */
int report_vtab(char **message, struct error *);
/* The same as a scalar function's result. */
void report_function(sqlite3_context *, struct error *);

#endif
