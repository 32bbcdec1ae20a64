/* A call of a bridge_* function, for the files that have some. */
#ifndef DRAWBRIDGE_VTAB_CALL_H
#define DRAWBRIDGE_VTAB_CALL_H

#include "vtab/connection.h"

/* What it is given and where its answer goes. */
struct call {
    sqlite3_context *context;
    struct connection *connection;
    int argc;
    sqlite3_value **argv;
};

/* An argument as text. It is never repeated in an error when it may be a URL with a password.
 */
enum status call_text(
        const struct call *, int i, const char *what, const char **out, struct error *);
/* PRAGMA query_only holds for what is written elsewhere as well: STATUS_READONLY. */
enum status call_writes(const struct call *, struct error *);

/* ---- vtab/bulk.c ---- */

enum status call_insert(const struct call *, struct error *);
enum status call_upsert(const struct call *, struct error *);
enum status call_update(const struct call *, struct error *);
enum status call_delete(const struct call *, struct error *);

#endif
