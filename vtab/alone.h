/* Does the statement under way read this table, once, and nothing else? */
#ifndef DRAWBRIDGE_VTAB_ALONE_H
#define DRAWBRIDGE_VTAB_ALONE_H

#include "vtab/cursor.h"

/* sql: of the only statement under way. */
enum alone alone_reads(const struct cursor *, const char *sql);
/* Limit and flags of the cursor's query, the first of its statement. argv: of xFilter. */
void alone_use(struct cursor *, sqlite3_value *const *argv);

#endif
