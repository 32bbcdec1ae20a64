/* Which row an UPDATE or DELETE means: what SQLite says of it -> what the driver finds it by.
 */
#ifndef DRAWBRIDGE_VTAB_OLD_ROW_H
#define DRAWBRIDGE_VTAB_OLD_ROW_H

#include "drivers/change.h"
#include "vtab/table.h"

/* `old` is xUpdate's: the rowid, or the key of a WITHOUT ROWID table, which `key` then holds.
 * *out borrows from it, or from the table's row_keys. */
enum status old_row_find(const struct table *, enum change_kind, sqlite3_value *old,
        struct value *key, struct row_identity *out, struct error *);
/* The key of a row that is read to be written has a NULL there: an error that says so. */
enum status old_row_refuse_null(const struct table *, int column, struct error *);

#endif
