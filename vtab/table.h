/* A virtual table: one remote relation as one connection declared it. */
#ifndef DRAWBRIDGE_VTAB_TABLE_H
#define DRAWBRIDGE_VTAB_TABLE_H

#include "vtab/connection.h"
#include "vtab/row_keys.h"
#include "vtab/rowid.h"
#include "vtab/running.h"

struct table {
    sqlite3_vtab base; /* must be first: SQLite sees only this */
    struct connection *connection;
    struct table *next;          /* of the connection's */
    struct server *server;       /* one reference */
    const struct driver *driver; /* the one that made schema */
    struct schema *schema;       /* one reference; what was declared */
    struct options options;      /* the table's own words; they fall back to the server's */
    char *place, *name;
    bool utf16;
    int cursors;
    struct cursor *spare;  /* closed, for the next xOpen: correlated subqueries open many */
    int64_t plans;         /* how often SQLite asked for one: each new statement does */
    bool enlisted;         /* SQLite told it of a transaction that is not over */
    bool born;             /* in that transaction */
    struct writer *writer; /* NULL until the transaction writes to it */
    struct table *next_writing; /* of the server's */
    bool waiting;               /* rows of its writer may not be sent yet */
    uint64_t locked;            /* the statement whose rows were locked as they were read */
    uint64_t confirmed;         /* the run of statements that table_confirm() was asked in */
    /* Of an UPDATE or DELETE, while its cursor is open: rows that it is going to change, which
     * all are read before the first one is written, and rows it has changed. */
    int64_t changing, changed;
    struct running_list insert, set;
    uint8_t *affinities;       /* enum affinity, by column; NULL: no row was written yet */
    struct value *row_values;  /* room for a row's, */
    uint8_t *row_states;       /* and enum cell_state; as affinities */
    struct arena list_arena;   /* of these five */
    struct arena change_arena; /* values of the row that is being written */
    bool rowids_used;          /* a statement asked for rowids after all: send them at once */
    struct digest_map rowids;  /* IDENTITY_ROW: numbers given out while cursors are open */
    uint64_t rowid_key[2];
    struct row_keys row_keys; /* the same, with find_columns: of rows that may be written */
};

int table_create(sqlite3 *, void *connection, int argc, const char *const *argv,
        sqlite3_vtab **, char **message);
int table_connect(sqlite3 *, void *connection, int argc, const char *const *argv,
        sqlite3_vtab **, char **message);
int table_disconnect(sqlite3_vtab *);
int table_destroy(sqlite3_vtab *);
int table_rename(sqlite3_vtab *, const char *new_name);
/* The table of that name as SQLite has it connected now; NULL: none of ours. */
struct table *table_find(const struct connection *, const char *place, const char *name);
/* xBestIndex: vtab/index.c. Only consults data; nothing is asked of the remote. */
int table_best_index(sqlite3_vtab *, sqlite3_index_info *);
/* xUpdate: vtab/write.c. */
int table_update(sqlite3_vtab *, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);
/* What waits in the writers of a server is written; they end. On failure they end as well. */
enum status table_flush_all(struct server *, struct error *);
void table_drop_writers(struct server *); /* without writing what waits */
/* driver.confirm, once per snapshot: where a driver has none, once per run of a statement. */
enum status table_confirm(struct table *, struct session *, struct error *);
/* The relation is not as described: describes it again and makes SQLite connect its tables and
 * prepare the running statement afresh (vtab/refresh.c). The SQLITE_* code to return.
 * SQLITE_OK, and why is left as it is: it is as described, and nothing was read from it in the
 * snapshot that was too old: one more try may find it so. */
int table_changed(struct table *, struct error *why, int64_t opened_at_steps);
/* A write has failed, of which nothing is kept: perhaps because the relation is not as
 * described? Where it is not, the same is done. SQLITE_SCHEMA: SQLite undoes what else the
 * statement did and begins it afresh, and so may a function. SQLITE_OK: why is what went wrong.
 * replaces: it was to take rows out of the way. alone: a transaction of its own, whose failure
 * ends it. */
int table_changed_for_write(struct table *, bool replaces, bool alone, struct error *why);
/* How far the running statement is; for table_changed(). -1: cannot tell. */
int64_t table_statement_steps(struct table *);

#endif
