/* Schemas of PostgreSQL relations without a server: facts from a table, the presentation from
 * types.c, so that a test sees just what the driver would. */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_PG_SCHEMA_H
#define DRAWBRIDGE_TESTS_SUPPORT_PG_SCHEMA_H

#include "drivers/postgres/internal.h"

struct pg_schema_column {
    const char *name;
    const char
            *type; /* a row of the table of facts: "int4", "text_c", "enum"; see pg_schema.c */
    bool not_null;
};

/* The relation remote_schema.remote_name; remote_schema NULL: the query remote_name. options:
 * NULL-ended `key=value` words, or NULL. The server's encoding is UTF8; pg_relation(schema) may
 * be changed. Ends the program when something is wrong. schema_release() it. */
struct schema *pg_schema_make(const char *remote_schema, const char *remote_name,
        const struct pg_schema_column *columns, size_t count, const char *const *options);

#endif
