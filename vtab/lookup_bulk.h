/* One fetch of all the rows that single lookups would have asked for. */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_BULK_H
#define DRAWBRIDGE_VTAB_LOOKUP_BULK_H

#include "vtab/lookup_kept.h"

struct cursor;

struct bulk_plan {
    struct lookup_keys keys;
    const bool *fixed; /* per condition of the plan: it goes with its present value */
    int64_t rows_max;  /* more are not worth it */
    size_t bytes_max;  /* in memory */
};

/* *out is given; NULL: there were too many rows, or values that cannot be served; *rows says
 * how many were seen. The cursor's batch is used up. */
enum status bulk_fetch(struct cursor *, const struct bulk_plan *, struct kept **out,
        int64_t *rows, struct error *);

#endif
