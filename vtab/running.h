/* What the statements that are under way say: SQLite does not tell a virtual table for which of
 * them it is called. */
#ifndef DRAWBRIDGE_VTAB_RUNNING_H
#define DRAWBRIDGE_VTAB_RUNNING_H

#include "base/sqlite.h"

#include <stdbool.h>
#include <stdint.h>

/* A number for the run of a statement that writes: the next one has another. Two that wrote
 * nothing may have the same. */
uint64_t running_signature(sqlite3 *);
bool running_writes(sqlite3 *); /* is one of them a statement that writes? */

#endif
