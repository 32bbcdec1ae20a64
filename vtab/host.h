/* Plain SQL on the host's own connection. Going through SQL, never around it, is what makes the
 * authorizer, query_only and the like hold for everything the functions do. */
#ifndef DRAWBRIDGE_VTAB_HOST_H
#define DRAWBRIDGE_VTAB_HOST_H

#include "base/sqlite.h"
#include "base/status.h"

/* Runs one statement to its end. format is sqlite3_mprintf()'s: %w inside double quotes. */
enum status host_run(sqlite3 *, struct error *, const char *format, ...);
/* The failure that the connection just had, in SQLite's words. */
enum status host_failed(sqlite3 *, int code, struct error *);

#endif
