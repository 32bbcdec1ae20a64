/* What SQLite would store of a value in a column of a declared type. */
#ifndef DRAWBRIDGE_VTAB_AFFINITY_H
#define DRAWBRIDGE_VTAB_AFFINITY_H

#include "base/sqlite.h"
#include "base/status.h"
#include "drivers/value.h"

enum affinity { AFFINITY_NUMERIC, AFFINITY_TEXT, AFFINITY_BLOB, AFFINITY_REAL };

/* By SQLite's rules; declared: as in struct column. */
enum affinity affinity_of(const char *declared);
/* xUpdate gets values as they were written; SQLite's own tables would keep '12' as 12 in a
 * column of numbers. Bytes are borrowed from the sqlite3_value. */
enum status affinity_value(sqlite3_value *, enum affinity, struct value *out, struct error *);

#endif
