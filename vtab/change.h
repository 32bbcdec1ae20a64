/* What reading a server's catalog again changes, and telling SQLite of it. */
#ifndef DRAWBRIDGE_VTAB_CHANGE_H
#define DRAWBRIDGE_VTAB_CHANGE_H

#include "vtab/connection.h"

/* A relation as it was known before the catalog was read again. */
struct known_before {
    struct schema *schema; /* one reference */
    const char *place, *name;
    bool described;
};

struct catalog_change {
    struct arena arena;
    struct known_before *before;
    size_t count;
    int changed;    /* attached or declared ones that look different now */
    bool reconnect; /* SQLite must declare its tables anew */
};

enum change_reading {
    CHANGE_DESCRIBED, /* only what CREATE VIRTUAL TABLE described by itself before */
    CHANGE_CATALOG,   /* besides that the catalog of schema= */
    CHANGE_STRICT,    /* whose schemas must all be there */
};

/* Asks the remote; words (or NULL) say schema=. */
enum status change_load(struct catalog_change *, struct server *, const struct options *words,
        enum change_reading, struct error *);
/* The relation today; NULL: gone. A schema that did not change is the same object still. */
const struct known_table *change_now(const struct server *, const struct known_before *);
/* Makes SQLite connect its tables and prepare statements afresh where that is needed, also
 * after `status` failed: what is known has changed all the same. Returns the status that holds
 * then. */
enum status change_apply(
        const struct catalog_change *, sqlite3 *, enum status status, struct error *);
/* The tables of relations that are gone have been dropped. */
void change_forget_gone(struct server *);
void change_clear(struct catalog_change *);

#endif
