/* What the running statement's text tells of a cursor that SQLite does not: whether it only
 * counts, will want rowids, reads to the end. Never more than a guess: what it misses costs, no
 * more. */
#ifndef DRAWBRIDGE_VTAB_GUESS_H
#define DRAWBRIDGE_VTAB_GUESS_H

#include "vtab/cursor.h"

/* Fills on_terms, counts, names_rowid, reads_all and alone of a cursor whose plan is new. */
enum status guess_use(struct cursor *, struct error *);
/* Operators that SQLite tells only virtual tables of. */
bool guess_for_virtual_tables_only(enum condition_operator);

#endif
