/* Values across the border: sqlite3_value -> struct value, a batch's cell -> sqlite3_result_*.
 */
#ifndef DRAWBRIDGE_VTAB_CELL_H
#define DRAWBRIDGE_VTAB_CELL_H

#include "base/sqlite.h"
#include "base/status.h"
#include "drivers/batch.h"
#include "drivers/value.h"

struct arena;

/* Storage class and bytes as they are: no affinity is applied. Text is valid UTF-16 decoded or
 * the bytes SQLite holds. Bytes are borrowed from the sqlite3_value when arena is NULL, else
 * copied. */
enum status cell_value(sqlite3_value *, struct arena *, struct value *out, struct error *);
void cell_result(sqlite3_context *, const struct batch *, size_t column, int64_t row);
/* For functions and metadata tables; text is copied. */
void cell_result_value(sqlite3_context *, const struct value *);

#endif
