/* Registration of everything that SQL sees. */
#ifndef DRAWBRIDGE_VTAB_MODULE_H
#define DRAWBRIDGE_VTAB_MODULE_H

#include "vtab/connection.h"

/* Modules of the drivers, functions and metadata tables on one SQLite connection. */
int module_register_all(sqlite3 *, char **message);

int functions_register(struct connection *); /* vtab/functions.c: bridge_attach and its kin */
int metadata_register(struct connection *); /* vtab/metadata.c: bridge_servers ... bridge_log */
int query_table_register(struct connection *); /* vtab/query_table.c: bridge_query */

#endif
