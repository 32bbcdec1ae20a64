/* Rows that may wait for others of their statement, to travel together. */
#ifndef DRAWBRIDGE_VTAB_WAITING_H
#define DRAWBRIDGE_VTAB_WAITING_H

#include "drivers/change.h"
#include "vtab/table.h"

/* May this row, which the table's writer gets next, wait? Asked once for each. by_row: OR
 * FAIL. */
bool waiting_allowed(struct table *, const struct change *, bool by_row);
/* Is it the only one of its statement? */
bool waiting_is_only_row(const struct table *, const struct change *);
/* RETURNING hands rows out when all are written, and before the statement ends: who takes the
 * first one alone would never hear that rows which waited were not stored. */
bool waiting_shows_rows(const struct table *, const struct change *);
/* A row of the statement cannot even be sent: those that wait are not written either. */
void waiting_dropped(struct table *, const struct error *);

#endif
