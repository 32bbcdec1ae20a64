/* Plain SQL on the host's own connection. Going through SQL, never around it, is what makes the
 * authorizer, query_only and the like hold for everything the functions do. */
#ifndef DRAWBRIDGE_VTAB_HOST_H
#define DRAWBRIDGE_VTAB_HOST_H

#include "base/sqlite.h"
#include "base/status.h"

#include <stdbool.h>

/* Runs one statement to its end. format is sqlite3_mprintf()'s: %w inside double quotes. */
enum status host_run(sqlite3 *, struct error *, const char *format, ...);
/* The failure that the connection just had, in SQLite's words. */
enum status host_failed(sqlite3 *, int code, struct error *);
/* A look at what the connection has ended with this code, and the looker does without an
 * answer: only what stops the user's statement is a failure. A progress handler may say stop
 * just once, so whoever runs a statement of its own has to pass it on. */
enum status host_looked(sqlite3 *, int code, struct error *);

/* Statements that happen together or not at all, within the user's transaction or without one.
 *
 * After the host ran out of memory SQLite refuses every further statement until the outermost
 * one has ended: ours could not be undone, and a transaction that nobody knows of would stay
 * open and swallow what the user writes later. So a small reader stays under way meanwhile.
 * When it ends in that state, SQLite itself rolls everything back, as it does when any SELECT
 * fails so. */
struct host_changes {
    sqlite3 *db;
    sqlite3_stmt *guard;
    bool within; /* a transaction of the user's */
};

/* place: the schema that changes; it exists. */
enum status host_changes_begin(
        struct host_changes *, sqlite3 *, const char *place, struct error *);
/* A table with rows of its own cannot be dropped while the guard reads: this lets go of it for
 * a moment. */
enum status host_changes_drop(struct host_changes *, const char *type, const char *place,
        const char *name, struct error *);
/* status: how it went so far. Gives what holds in the end. */
enum status host_changes_end(struct host_changes *, enum status status, struct error *);

#endif
