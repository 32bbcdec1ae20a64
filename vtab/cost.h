/* What a plan costs and how many rows it gives, from statistics and the server's latency. */
#ifndef DRAWBRIDGE_VTAB_COST_H
#define DRAWBRIDGE_VTAB_COST_H

#include "base/sqlite.h"
#include "vtab/plan.h"
#include "vtab/table.h"

struct cost {
    double rows;  /* expected to come, at least 1 */
    double total; /* in SQLite's own coin: about 20 for a microsecond */
};

/* values[i]: the right side of plan.conditions[i] where it is a constant, otherwise NULL. */
struct cost cost_of(const struct table *, const struct plan *, sqlite3_value *const *values);

/* What the remote part of reading takes, in microseconds; for vtab/lookup.c, which weighs
 * single lookups against a bulk fetch. rows: that the answer has; the conditions decide whether
 * the server finds them by an index. */
double cost_trip_us(const struct table *);
double cost_rows_us(const struct table *, const int *columns, size_t column_count, double rows);
double cost_search_us(const struct table *, const struct condition *, size_t count);
/* The rows of the whole relation, as far as is known. */
double cost_table_rows(const struct table *);
/* The rows that are left when only these conditions hold, with values as for cost_of(). */
double cost_rows_left(const struct table *, const struct plan *, const bool *holds,
        sqlite3_value *const *values);

#endif
