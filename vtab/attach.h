/* bridge_attach, bridge_refresh and bridge_detach: remote relations become virtual tables, are
 * brought up to date, and go. */
#ifndef DRAWBRIDGE_VTAB_ATTACH_H
#define DRAWBRIDGE_VTAB_ATTACH_H

#include "vtab/connection.h"
#include "vtab/place.h"
#include "vtab/words.h"

enum attach_action { ATTACH_CREATE, ATTACH_KEEP, ATTACH_REPLACE, ATTACH_SKIP };

struct attach_item {
    struct known_table *known;
    const char *name;       /* in the place */
    const char *definition; /* `"name" USING module(...)` */
    enum attach_action action;
    const struct local_object *old; /* ATTACH_REPLACE: dropped first */
    char *kept_place, *kept_name;   /* for known, once all went well */
};

/* One run, first to last. items, names and definitions live in the arena. */
struct attachment {
    struct connection *connection;
    struct server *server;
    const struct options *words; /* attach_options */
    struct arena arena;
    const char *place;
    bool place_is_new; /* no schema has this name yet: one in memory is attached */
    struct attach_item *items;
    size_t count, capacity;
    struct local_objects objects; /* of the place */
};

/* vtab/selection.c: which relations, under which names. strict: a table that is named without
 * wildcards must exist. */
enum status attach_select(struct attachment *, bool strict, struct error *);
/* vtab/conflict.c: an action for each, or a refusal that names all that is in the way. */
enum status attach_check(struct attachment *, struct error *);
/* Does sqlite_schema hold just this definition? */
bool attach_is_defined(const struct local_object *, const char *definition);

/* *count: tables of the server that are attached now. */
enum status attach_server(struct connection *, const char *url, int argc, sqlite3_value **argv,
        int *count, struct error *);
/* *changed: tables whose definition changed, came or went. */
enum status attach_refresh(struct server *, int *changed, struct error *);
/* *count: tables dropped. */
enum status attach_detach(struct server *, int *count, struct error *);

#endif
