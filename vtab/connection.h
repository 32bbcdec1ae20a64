/* One SQLite connection: the servers it named, their sessions and snapshots, what it created.
 *
 * Made by the entry point, shared by every module and function that it registers, freed with
 * the last of them. Everything runs on the thread that holds SQLite's connection. */
#ifndef DRAWBRIDGE_VTAB_CONNECTION_H
#define DRAWBRIDGE_VTAB_CONNECTION_H

#include "base/options.h"
#include "base/sqlite.h"
#include "base/status.h"
#include "drivers/driver.h"
#include "drivers/registry.h"
#include "vtab/log.h"

struct recorder;  /* vtab/explain.h */
struct table;     /* vtab/table.h */
struct lookup;    /* vtab/lookup.c */
struct gathering; /* vtab/bulk.h */

/* One relation of a server as this connection knows it. */
struct known_table {
    struct known_table *next;
    struct schema *schema; /* one reference */
    char *values;          /* the value options it is presented under; "" the server's own */
    char *place, *name;    /* where bridge_attach put it; NULL: it is only listed */
    bool by_search_path;   /* found by its bare name: the search path led to this schema */
    bool in_search_path;   /* a catalog of the search path listed it */
    bool described;        /* asked for by itself: no catalog that was read has it */
    bool doubted;          /* found changed in a snapshot that may be older than the change */
    bool gone;             /* the remote has it no more; to be dropped from its place */
};

enum server_state { SERVER_NEW, SERVER_IDLE, SERVER_BUSY, SERVER_TRANSACTION, SERVER_BROKEN };

/* A server's part in the transaction of the SQLite connection; transaction.c keeps it. */
struct transaction {
    int tables;           /* that SQLite told of it; 0: there is none */
    bool begun;           /* on the session; false: nothing was asked or written yet */
    bool writes;          /* begun as one that writes; false: a READ ONLY snapshot */
    bool base;            /* it began with a savepoint: BEGIN, not a single statement's */
    bool used;            /* something was answered in it */
    bool written;         /* something was sent to be written */
    int depth;            /* SQLite's savepoints that the session has */
    bool own;             /* one of ours above them, for the running statement */
    bool own_read;        /* another one above that, for what is read after writing */
    bool unguarded;       /* written since the one for reading */
    uint64_t statement;   /* which statement ours is for */
    int write_depth;      /* of its savepoints that the newest writes stand in, + 1; 0: none */
    int around;           /* SQLite's savepoint around the running statement, + 1; 0: none */
    int64_t inserted;     /* rows of that statement */
    bool finished;        /* it was ended on the remote, in xSync or xRollback */
    struct error failure; /* why nothing more can be done in it, or why commit failed */
};

/* A session that readers keep for their snapshot after another took its place. */
struct aside {
    struct aside *next;
    struct session *session;
    int readers;
};

/* Rows that were fetched before the transaction ended in which they were asked for. */
struct drained {
    struct drained *next;
    struct batch batch;
};

/* Who reads from a server: a cursor, or a bridge_query. Part of either. */
struct reader {
    struct reader *next;     /* of the server's */
    struct scan *scan;       /* NULL: none is running */
    struct aside *aside;     /* NULL: it reads from the server's own session */
    int seen_depth;          /* the write_depth that its rows were read with */
    bool undone;             /* they were rolled back since */
    bool ended;              /* with the transaction it read in: it can ask for no more, */
    bool is_drained;         /* but all the rows of its scan were fetched before; */
    struct drained *drained; /* those that were not handed over yet */
};

struct server {
    struct server *next;
    struct connection *connection;
    int references; /* the connection's list, and every table that uses it */
    bool removed;   /* detached: tables that still hold it answer with an error */
    char *name;
    struct target target;
    struct options options; /* server and value options, with the defaults behind them */
    struct log_options log; /* of these, as they are needed for every statement, */
    int64_t idle_ms;        /* and idle_snapshot_ms=, and, for every lookup, */
    int64_t cache_bytes;    /* join_cache_bytes= */
    char *place;            /* where bridge_attach put its tables; NULL */
    bool place_attached;    /* as=NAME made that schema: bridge_detach detaches it */
    struct options
            attach; /* the words of bridge_attach, for bridge_refresh; unset without place */
    struct known_table *tables; /* in catalog order */
    bool catalog_complete;      /* a whole catalog has been read at least once */
    struct session *session;    /* NULL until first use */
    struct session *foreign;    /* of the process this one was forked from: to be closed */
    int cursors;                /* open ones: while there are any, the snapshot lasts */
    bool in_snapshot;
    int64_t snapshot_statements; /* scans started in it */
    struct transaction transaction;
    int64_t writes;        /* rows written, and ends of transactions, so far */
    struct table *writing; /* tables with a writer, by next_writing */
    struct reader *readers;
    struct aside *asides;
    struct lookup *lookups; /* what cursors remember of it: vtab/lookup.h */
    int64_t lookups_age;    /* counts how often that was forgotten */
    int64_t reconnects;
    struct session_counts past; /* of sessions that are gone */
    char *last_error;
};

/* A definition that CREATE VIRTUAL TABLE made in this session; any other was read from a file.
 */
struct own_definition {
    struct own_definition *next;
    char *place, *name, *arguments;
    char *server; /* the name of its server: a url= table has one of its own */
};

struct connection {
    sqlite3 *db;
    int references;
    struct server *servers;
    struct own_definition *own;
    struct log log;
    struct recorder *recorder;   /* set while bridge_explain runs a statement */
    struct table *tables;        /* that SQLite has connected, the newest first */
    struct gathering *gathering; /* set while rows of a statement are gathered, not sent */
    bool alone;  /* the savepoint that is open is one of bridge_insert's own, in autocommit */
    bool locked; /* bridge_lock() or DRAWBRIDGE_LOCK=1 */
    int64_t redescribed; /* times a change made SQLite connect its tables afresh */
    int creating_own;    /* > 0 while bridge_attach creates tables */
    bool enlisting;      /* the write under way only serves to hear of the transaction */
    uint64_t breaks;     /* failed writes, savepoints, begins and ends of transactions */
    size_t lookup_bytes; /* of all that lookups keep */
    uint64_t row_key[2]; /* what numbers of vtab/row_keys.h are made with */
    /* Are like(), glob() and min() SQLite's own? Asked once per snapshot. */
    bool builtins_known, like_builtin, glob_builtin, min_builtin, like_case_sensitive;
    uint64_t row_signature; /* running_signature(), while a row is written; 0: none is */
};

struct connection *connection_create(sqlite3 *); /* one reference; NULL when memory is out */
struct connection *connection_retain(struct connection *);
void connection_release(void *connection); /* fits every xDestroy */
/* host.interrupted: sqlite3_interrupt(), Ctrl-C or a progress handler that says stop. */
bool connection_interrupted(void *connection);
/* true also where it could not be learned: text is compared here then. */
enum status connection_is_utf16(struct connection *, bool *utf16, struct error *);

/* SQLite compares the names of servers without case. */
struct server *server_find(struct connection *, const char *name);
/* Makes or replaces a server; target and options are taken over (and zeroed) on success.
 * Replacing one with open cursors is refused. *out is borrowed. */
enum status server_define(struct connection *, const char *name, struct target *,
        struct options *, struct server **out, struct error *);
struct server *server_retain(struct server *);
void server_release(struct server *);
void server_remove(struct server *); /* out of the connection's list; its session is closed */

/* The session, connected if need be. A broken one is replaced when nothing is open on it. */
enum status server_session(struct server *, struct session **out, struct error *);
/* The session inside this server's snapshot, begun if need be. The caller holds a cursor. */
enum status server_snapshot(struct server *, struct session **out, struct error *);
/* Leaves the open readers to the session they read from, and takes another for what comes. */
enum status server_step_aside(struct server *, struct error *);
void server_end_snapshot(struct server *);
/* A row was written, or a transaction has ended: what was read before may not hold now. */
void server_wrote(struct server *);
void server_end_session(struct server *); /* nothing may be open on it */
void server_open_reader(struct server *, struct reader *);
void server_close_reader(struct server *, struct reader *); /* the last ends the snapshot */
/* Drops the snapshot and, when broken, the session, so that the next use starts afresh. Only
 * while no scan is open. */
void server_restart(struct server *);
enum server_state server_state(const struct server *);
struct session_counts server_counts(const struct server *);
/* Keeps the text for bridge_servers.last_error. */
void server_failed(struct server *, const struct error *);
/* Kept settings that need no session. */
double server_latency_ms(const struct server *);

/* Reads the catalog: every relation of the schemas (option text "a,b" or NULL) that is not
 * known yet or has changed; those that are gone are forgotten. *changed counts the differences.
 * strict: a schema that the remote does not have is an error. */
enum status server_load_catalog(
        struct server *, const char *schemas, bool strict, int *changed, struct error *);
/* One relation, known or asked for now. table_options chain to the server's and say which:
 * table= and schema=, or query=. *out is given (schema_release). fresh: ask the remote again.
 */
enum status server_describe(struct server *, const struct options *table_options, bool fresh,
        struct schema **out, struct error *);
/* This schema was found wrong in a snapshot, where the present cannot be described: the next
 * server_describe() outside of one asks the remote, fresh or not. */
void server_doubt(struct server *, const struct schema *);

#endif
