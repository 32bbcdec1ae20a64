/* What the rooms would like to say while they work: silent unless DRAWBRIDGE_TRACE asks, read
 * once per process. It holds areas, each "area", "-area" or "all", in order: `all,-wire`. Lines
 * go to stderr. No secret may be given to it: parameters, URLs and values stay out. */
#ifndef DRAWBRIDGE_BASE_TRACE_H
#define DRAWBRIDGE_BASE_TRACE_H

#include <stdbool.h>

enum trace_area {
    TRACE_PLAN = 1,   /* what the planner asked and was told */
    TRACE_DRIVER = 2, /* calls of driver slots and what they came to */
    TRACE_WIRE = 4,   /* statements and round trips */
};

bool trace_on(enum trace_area); /* cheap: for callers whose arguments are costly to make */
void trace(enum trace_area, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
