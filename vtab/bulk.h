/* bridge_insert and its kin: rows given as JSON are written in few statements of the remote's,
 * and come back as JSON.
 *
 * What is written goes through a statement of SQLite's own, INSERT, UPDATE or DELETE, so that
 * affinity, left out columns, the rows a WHERE finds, locks, the authorizer and refusals are
 * those of any other; only, its rows are gathered instead of being sent one by one. */
#ifndef DRAWBRIDGE_VTAB_BULK_H
#define DRAWBRIDGE_VTAB_BULK_H

#include "base/text.h"
#include "drivers/change.h"
#include "vtab/call.h"
#include "vtab/host.h"
#include "vtab/table.h"

/* Copies of changes, in order. Zeroed is empty. */
struct gathering {
    const bool *given; /* INSERT, by column: the others are left to the remote; NULL: all are */
    struct arena arena;
    struct change *changes;
    size_t count, capacity;
};

/* What bridge_upsert was told. */
struct upsert {
    struct change_conflict conflict; /* but for the columns to set */
    bool listed;                     /* update= was said */
    bool *named, *kept;              /* by column: update=, keep_null= */
};

/* One call under way. */
struct bulk_write {
    const struct call *call;
    sqlite3 *db;
    struct table *table;
    struct schema *schema; /* one reference; what the call is read by */
    char *place, *name;    /* the table's; in the arena */
    bool alone;            /* the call is a transaction of its own: `own` */
    bool again;            /* it met another definition: said once more it may go well */
    struct host_changes own;
    bool *readable; /* by column: the authorizer lets it be seen */
    struct arena arena;
    struct gathering gathered;
    const struct upsert *upsert; /* NULL: it is none */
    struct text json;            /* the answer */
};

/* ---- bulk.c ---- */

void bulk_append_name(struct text *sql, const char *name); /* quoted */
void bulk_append_table(struct text *sql, const struct bulk_write *);
/* Runs a statement that writes to the table; its rows are gathered. */
enum status bulk_gather(struct bulk_write *, sqlite3_stmt *, struct error *);

/* ---- bulk_gather.c ---- */

enum status gathering_add(
        struct gathering *, const struct schema *, const struct change *, struct error *);
void gathering_clear(struct gathering *);

/* ---- bulk_members.c ---- */

/* The members of a JSON object by column, in the arena given. */
struct members {
    bool *given;
    struct value *values;
    size_t count;
    bool all; /* {"*": true} and nothing else */
};

/* Each object of an array, or the only one, becomes a row of one INSERT and is gathered. */
enum status bulk_gather_inserts(struct bulk_write *, const char *json, struct error *);
/* where: "*" is allowed. */
enum status bulk_members(
        struct bulk_write *, const char *json, bool where, struct members *, struct error *);
enum status bulk_bind(sqlite3_stmt *, int parameter, const struct value *, struct error *);

/* ---- bulk_send.c ---- */

/* Sends what was gathered; the rows that come back are appended to write->json. */
enum status bulk_send(struct bulk_write *, struct error *);

/* ---- bulk_upsert.c ---- */

enum status upsert_read(struct bulk_write *, struct upsert *, struct error *);
/* For rows of these states: only what they give is set. Arrays live in the arena. */
enum status upsert_updates(const struct upsert *, const struct schema *, const uint8_t *states,
        struct arena *, struct change_conflict *out, struct error *);

#endif
