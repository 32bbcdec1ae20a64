/* Trace lines; see trace.h. */
#include "base/trace.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_UNREAD = 1 << 30, TRACE_LINE_BYTES = 2048 };

static const struct {
    const char *name;
    unsigned areas;
} area_names[] = {
    { "all", TRACE_PLAN | TRACE_DRIVER | TRACE_WIRE },
    { "plan", TRACE_PLAN },
    { "driver", TRACE_DRIVER },
    { "wire", TRACE_WIRE },
};

/* The areas wanted. Threads that come first at once read the same text to the same result. */
static atomic_uint wanted = TRACE_UNREAD;

static unsigned read_areas(const char *list) {
    unsigned areas = 0;

    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ",");
        size_t minus = *list == '-';

        for (size_t i = 0; i < sizeof(area_names) / sizeof(area_names[0]); i++) {
            if (strlen(area_names[i].name) == length - minus &&
                    memcmp(list + minus, area_names[i].name, length - minus) == 0) {
                areas = minus ? areas & ~area_names[i].areas : areas | area_names[i].areas;
            }
        }
        list += length + (list[length] == ',');
    }
    return areas;
}

bool trace_on(enum trace_area area) {
    unsigned areas = atomic_load_explicit(&wanted, memory_order_relaxed);

    if (areas == TRACE_UNREAD) {
        areas = read_areas(getenv("DRAWBRIDGE_TRACE"));
        atomic_store_explicit(&wanted, areas, memory_order_relaxed);
    }
    return (areas & area) != 0;
}

void trace(enum trace_area area, const char *format, ...) {
    char line[TRACE_LINE_BYTES];
    va_list args;

    if (!trace_on(area)) {
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(stderr, "drawbridge: %s\n", line); /* one call: lines of two threads do not mix */
}
