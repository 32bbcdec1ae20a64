/* Definitions that CREATE VIRTUAL TABLE made in this session: the tables that are trusted to
 * name any server. Kept in connection->own. */
#ifndef DRAWBRIDGE_VTAB_OWN_H
#define DRAWBRIDGE_VTAB_OWN_H

#include "vtab/table.h"

/* The table's place and server under that name; replaces what was known of it. */
enum status own_remember(
        const struct table *, const char *name, const char *arguments, struct error *);
/* NULL: it was read from a file. Borrowed until the next change. */
const struct own_definition *own_find(
        const struct connection *, const char *place, const char *name);
void own_forget(struct connection *, const char *place, const char *name);

#endif
