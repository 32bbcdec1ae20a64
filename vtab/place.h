/* The local schemas: which one receives remote tables, and what stands there already. */
#ifndef DRAWBRIDGE_VTAB_PLACE_H
#define DRAWBRIDGE_VTAB_PLACE_H

#include "base/memory.h"
#include "base/sqlite.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Names without case -> pointers. Zeroed is empty; names are borrowed. */
struct name_map {
    struct name_slot *slots;
    size_t count, capacity;
};

void *name_map_find(const struct name_map *, const char *name);
/* An existing name keeps what it has. False: no memory. */
bool name_map_add(struct name_map *, const char *name, void *value);
void name_map_clear(struct name_map *);

struct local_object {
    struct local_object *next;
    const char *type;       /* "table", "view", "index", "trigger" */
    const char *name, *sql; /* sql is "" for automatic indexes */
};

/* One schema's sqlite_schema. Zeroed is empty. */
struct local_objects {
    struct arena arena;
    struct local_object *first;
    struct name_map by_name; /* tables, views and indexes: they share one name space */
    bool only_ours;          /* nothing but virtual tables of our modules */
};

enum status local_objects_read(
        sqlite3 *, const char *schema, struct local_objects *, struct error *);
const struct local_object *local_objects_find(const struct local_objects *, const char *name);
void local_objects_clear(struct local_objects *);
/* A virtual table of one of our modules? */
bool local_object_is_ours(const struct local_object *);
/* Does the text of this view or trigger name it? True also for mentions that turn out harmless.
 */
bool local_object_mentions(const struct local_object *, const char *name);

enum { PLACES_MAX = 130 }; /* main, temp and SQLITE_MAX_ATTACHED's upper limit of 125 */

/* The schemas of the connection in the order in which SQLite looks for an unqualified name. */
struct places {
    struct arena arena;
    const char *names[PLACES_MAX];
    size_t count;
};

enum status places_read(sqlite3 *, struct places *, struct error *);
void places_clear(struct places *);
/* Position in the search order; -1: no such schema. */
int places_find(const struct places *, const char *name);
/* Where tables go when nobody says: temp, save in a private in-memory database that holds
 * nothing else, where it is main, so that they show in .tables and .schema as one's own would.
 */
enum status places_default(sqlite3 *, const char **place, struct error *);

#endif
