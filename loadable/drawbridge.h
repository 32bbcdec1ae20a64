/* Drawbridge: remote tables as local ones.
 *
 * In SQL: .load drawbridge, or SELECT load_extension('drawbridge'). A program that links the
 * extension in calls sqlite3_auto_extension((void (*)(void))sqlite3_drawbridge_init) once,
 * before it opens its connections. SQLite 3.38 or later is needed; an earlier one is refused.
 */
#ifndef DRAWBRIDGE_H
#define DRAWBRIDGE_H

#include <sqlite3.h>

struct sqlite3_api_routines;

/* Registers modules and functions on db. message: SQLite's own (sqlite3_free), set on failure.
 */
int sqlite3_drawbridge_init(
        sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

#endif
