/* A cursor's question to the remote while it is under way: for cursor.c, which hands its rows
 * to SQLite. */
#ifndef DRAWBRIDGE_VTAB_CURSOR_SCAN_H
#define DRAWBRIDGE_VTAB_CURSOR_SCAN_H

#include "vtab/cursor.h"

/* Runs the query that cursor_prepare() made and fetches its first batch; once more on another
 * session or in another transaction, where nobody can tell. */
enum status cursor_start(struct cursor *, struct error *);
/* The same, or from what is kept of earlier requests. */
enum status cursor_answer(struct cursor *, sqlite3_value **argv, struct error *);
/* To the next row, or to the end: cursor->eof. */
enum status cursor_step(struct cursor *, struct error *);
/* Gives the current row its rowid, where the remote has none; cursor_step() has done so. */
enum status cursor_number_row(struct cursor *, struct error *);
/* The current row with a column more (-1: none), or with rowids as well. */
enum status cursor_widen(struct cursor *, int extra, bool identity, struct error *);
void cursor_end_scan(struct cursor *); /* at any point, also when none is running */

#endif
