/* Does the statement under way read this table, once, and nothing else? */
#ifndef DRAWBRIDGE_VTAB_ALONE_H
#define DRAWBRIDGE_VTAB_ALONE_H

#include "vtab/cursor.h"

enum alone {
    ALONE_NO,    /* or nobody can tell */
    ALONE_ONCE,  /* one SELECT from the table alone, which asks the cursor once */
    ALONE_FIRST, /* and wants max() of the plan's order: its first row tells it */
};

/* sql: of the only statement under way. */
enum alone alone_reads(const struct cursor *, const char *sql);

#endif
