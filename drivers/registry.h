/* The drivers of this build, and where a URL leads. */
#ifndef DRAWBRIDGE_DRIVERS_REGISTRY_H
#define DRAWBRIDGE_DRIVERS_REGISTRY_H

#include "drivers/driver.h"

/* NULL-ended, in order of preference. */
extern const struct driver *const drivers[];

const struct driver *driver_find(const char *name); /* NULL: no such driver */

/* Options that every server, table and value set knows, whatever its driver. */
extern const struct option_spec server_options[];
extern const struct option_spec attach_options[]; /* of bridge_attach, besides its server's */
extern const struct option_spec table_options[];
extern const struct option_spec value_options[]; /* of servers and tables */

/* How the values of a column are to look: the column's own word, else that of the whole set or
 * its parents, else the profile's, else the default. options must know value_options. NULL:
 * unset. */
const char *value_option(const struct options *, const char *name, const char *column);

/* Where a URL leads. Zeroed is empty; all text is owned. */
struct target {
    const struct driver *driver;
    char *connection; /* for driver->open(); may hold secrets */
    char *display;    /* without secrets */
    char *source;     /* "argument", "env:NAME", "DB_*", "PG*" */
};

/* Resolves env:NAME, plain env: and every spelling of a URL, and adds the words of the
 * URL's query part to options. Nothing is connected. */
enum status target_resolve(
        const char *url, struct options *, struct target *out, struct error *);
void target_clear(struct target *);

#endif
