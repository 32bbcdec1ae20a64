/* The inside of a recorder, for explain.c; who reports to it needs explain.h alone. */
#ifndef DRAWBRIDGE_VTAB_RECORDER_H
#define DRAWBRIDGE_VTAB_RECORDER_H

#include "base/memory.h"
#include "vtab/explain.h"
#include "vtab/rows.h"

#include <stdbool.h>

struct recorded_scan;

/* Zeroed is empty. */
struct recorder {
    struct arena arena;
    struct recorded_scan *scans; /* number 1 is the first */
    int scan_count;
    bool out_of_memory;
};

void recorder_clear(struct recorder *);
/* The ten columns of bridge_explain and bridge_plan. */
void recorder_put_rows(const struct recorder *, struct rows *);

#endif
