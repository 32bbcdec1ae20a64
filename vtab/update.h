/* One call of xUpdate: what SQLite gave, as a change for the driver. */
#ifndef DRAWBRIDGE_VTAB_UPDATE_H
#define DRAWBRIDGE_VTAB_UPDATE_H

#include "vtab/table.h"

struct update {
    struct table *table;
    int argc;
    sqlite3_value **argv;
    bool from;    /* no column of the UPDATE is marked as left alone */
    bool by_row;  /* OR FAIL: the rows before a failing one stay */
    int conflict; /* SQLITE_IGNORE ... */
    struct change change;
    struct value *values; /* of change */
    uint8_t *states;
    struct value key; /* change.row.key of IDENTITY_KEY */
    struct write_result result;
};

/* Fills what stands behind argv. Values live in the table's change_arena, until the next row.
 * What the table cannot take, or nobody can tell, is refused. */
enum status update_take(struct update *, struct error *);

#endif
