/* What bridge_explain and bridge_plan collect while a statement runs or is planned. */
#ifndef DRAWBRIDGE_VTAB_EXPLAIN_H
#define DRAWBRIDGE_VTAB_EXPLAIN_H

#include "drivers/query.h"

#include <stdint.h>

struct connection;
struct recorder;

enum explain_item {
    EXPLAIN_REMOTE, /* the remote statement */
    EXPLAIN_WHERE,  /* one per condition that SQLite offered */
    EXPLAIN_ORDER,
    EXPLAIN_LIMIT,
    EXPLAIN_COLUMNS,
    EXPLAIN_TRANSPORT,
};

/* The cursor reports each xFilter as one scan while connection->recorder is set; a scan that is
 * repeated for another outer row under the same plan reports under the number it has. Texts are
 * copied. verdict: "exact", "superset", "local", "empty" or NULL; why may be NULL. */
int recorder_scan(struct recorder *, const char *server, const char *table);
void recorder_note(struct recorder *, int scan, enum explain_item, const char *text,
        const char *verdict, const char *why);
void recorder_done(
        struct recorder *, int scan, int64_t fetched, int64_t round_trips, double ms);

/* The modules bridge_explain and bridge_plan; 0 or an SQLITE_* code. */
int explain_register(struct connection *);

#endif
