/* What was said to bridge_attach or bridge_server: a URL and words behind it. */
#ifndef DRAWBRIDGE_VTAB_WORDS_H
#define DRAWBRIDGE_VTAB_WORDS_H

#include "base/options.h"
#include "base/sqlite.h"
#include "base/text.h"
#include "drivers/registry.h"

struct connection;
struct server;

/* Zeroed is empty. */
struct words {
    struct target target;
    struct options server; /* of the server and of values */
    struct options attach; /* of bridge_attach: which tables, where to */
};

/* Words of the URL's query part count as if they stood in front of the arguments. argv are
 * "word=value"; with with_attach those of bridge_attach as well. Nothing is connected. */
enum status words_read(const char *url, int argc, sqlite3_value **argv, bool with_attach,
        struct words *, struct error *);
void words_clear(struct words *);
/* name=, else as=, else the name of the database in the URL, else the driver's. */
enum status words_server_name(const struct words *, struct text *name, struct error *);
/* The named server, or the error that says how to find its name. */
enum status words_find_server(
        struct connection *, const char *name, struct server **out, struct error *);
/* Do they lead to the same place under the same options? */
bool words_define(const struct words *, const struct server *);

#endif
