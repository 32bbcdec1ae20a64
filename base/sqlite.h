/* The one way to SQLite: every call goes through the host's API table, never to a linked
 * library (a second libsqlite3 in one process would break the host's file locks).
 * loadable/extension.c defines the table's pointer; no other file includes sqlite3ext.h. */
#ifndef DRAWBRIDGE_BASE_SQLITE_H
#define DRAWBRIDGE_BASE_SQLITE_H

#include <sqlite3ext.h>

#ifndef DRAWBRIDGE_DEFINES_API
SQLITE_EXTENSION_INIT3
#endif

enum {
    SQLITE_VERSION_NEEDED = 3038000, /* sqlite3_vtab_in() and sqlite3_vtab_rhs_value() */
    SQLITE_VERSION_LIMIT_EXACT =
            3046000, /* from here LIMIT is offered only when it may be used */
    SQLITE_VERSION_OUTER_TERMS_EXACT =
            3051000 /* and terms of ON not to the tables left of an outer join */
};

#endif
