/* What a backend must provide. Read this file first.
 *
 * driver   constant table, one per kind of backend
 * session  live connection to a remote; one SQLite connection holds it at a time
 * scan     one running remote query; several may be open on a session at once
 * writer   rows on their way into one remote relation, in the session's transaction
 *
 * A slot that can fail returns STATUS_OK, or another status with *err filled and *out left as
 * it was. A slot is NULL only where the capability named beside it is absent. All slots of a
 * session run on the thread that holds it. Text is UTF-8, time is in ms. Pointers are borrowed
 * for the call, given (the receiver frees), or valid until the next call on the same object.
 *
 * What may be pushed is asked of pure functions (may_push, may_order, judge), never of the
 * server: the judge decides per value at run time, and SQLite always checks the rows again. */
#ifndef DRAWBRIDGE_DRIVERS_DRIVER_H
#define DRAWBRIDGE_DRIVERS_DRIVER_H

#include "base/memory.h"
#include "base/options.h"
#include "base/status.h"
#include "base/text.h"
#include "drivers/batch.h"
#include "drivers/change.h"
#include "drivers/query.h"
#include "drivers/schema.h"
#include "drivers/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { WAIT_SLICE_MS = 100 }; /* the longest wait between two looks at host.interrupted */

/* One finished remote statement, for bridge_log. Borrowed for the call. */
struct statement_record {
    const char *sql;        /* what the user's query became; never the FETCH */
    const char *parameters; /* JSON array; NULL unless host.log_parameters */
    double ms;              /* from sending it to its end, waiting only */
    int64_t rows, bytes, round_trips;
    const char *error;   /* NULL when it went well */
    const char *notices; /* NULL when there were none */
};

/* What the caller lends to a session for as long as it holds it; bound at each loan. */
struct host {
    void *context;
    /* Asked at least every WAIT_SLICE_MS of waiting; true: stop the remote, STATUS_CANCELLED.
     */
    bool (*interrupted)(void *context);
    void (*logged)(void *context, const struct statement_record *);
    bool log_parameters;
};

struct session_counts {
    int64_t statements, round_trips, rows, bytes_in, bytes_out;
};

/* First member of every driver's own session; drivers keep the fields up to date. */
struct session {
    const struct driver *driver;
    struct host host;
    bool broken;                  /* lost: only close is allowed any more */
    double latency_ms;            /* the quickest answer seen so far; 0 embedded */
    char server_version[64];      /* "15.20" */
    struct session_counts counts; /* of this loan */

    /* session_pool.c's own */
    pid_t owner; /* the process that opened it: a child must not speak for it */
    struct session *pool_next;
    char *pool_key;     /* what it may be lent for; NULL: it is closed after use */
    bool ends_silently; /* its libraries may be gone when the process ends */
    bool lent_before;   /* to somebody else: it may have died unseen */
    int64_t idle_close_ms;
    double resting_since_ms; /* 0: it is in use */
};

/* First member of every driver's own scan. */
struct scan {
    struct session *session;
    const char *statement; /* remote text, without parameters; valid while the scan lives */
    const char *transport; /* "cursor", "result", "copy": for bridge_explain */
    int64_t rows, bytes, round_trips;
    double ms;
};

struct catalog_filter {
    const char *const *schemas; /* remote schemas to list; */
    size_t schema_count;        /* 0: those of the remote's search path */
    const char *table;          /* one relation by its exact name; NULL: all */
    bool strict; /* a schema that is not there is STATUS_USAGE, and the words say which are */
};

/* What a judge says of one condition and its values. */
struct judgement {
    enum verdict verdict;
    struct predicate predicate; /* EXACT and SUPERSET only; lives in the arena given */
    const char *why;            /* constant text for bridge_explain; NULL for EXACT */
};

/* First member of every driver's own writer. */
struct writer {
    struct session *session;
    const struct schema *schema;
    const char *statement; /* remote text of the newest statement, for errors and explain */
    int64_t rows_max; /* set by the caller: how many may wait; 0: as many as the driver likes */
    bool sure; /* the relation is as described: no row of those that wait will find otherwise */
};

enum isolation { ISOLATION_REPEATABLE, ISOLATION_READ_COMMITTED, ISOLATION_SERIALIZABLE };

struct transaction_options {
    enum isolation isolation; /* of a transaction that writes; snapshots are REPEATABLE */
    bool writes;              /* false: a READ ONLY snapshot, ended by finish() */
    bool write_first;         /* its first statement writes: locks may be taken at once */
    int64_t idle_ms;          /* the remote may end it when idle that long; 0: never */
};

enum driver_capability {
    DRIVER_SQL = 1,       /* query_start: statements of the user's own */
    DRIVER_SNAPSHOT = 2,  /* begin and finish: several scans see one state of the remote */
    DRIVER_WRITE = 4,     /* write_*, change_rows; begin with writes, commit, rollback */
    DRIVER_SAVEPOINT = 8, /* savepoint, release, rollback_to */
    /* A transaction may begin while a snapshot is read, and scans go on reading what they saw
     * when it ends: the caller needs no second session, and ends no scan. */
    DRIVER_SHARED_SESSION = 16,
    /* DRIVER_WRITE without transactions: what a statement writes waits in one writer, and
     * write_flush() carries all of it out as one request, which the remote does whole or not
     * at all; or change_rows() does so. The caller writes so in autocommit alone; reads go on
     * beside it. */
    DRIVER_ONE_REQUEST = 32,
    DRIVER_POOL = 64, /* session_key, reset and resume: sessions can be used again */
};

struct driver {
    const char *name; /* also the name of its SQLite module: "postgres" */
    unsigned capabilities;
    const struct option_spec
            *server_options; /* NULL-name-ended; besides those of all servers */
    /* The client library, "libpq", and its version, for bridge_version; both NULL: it has none.
     */
    const char *library;
    void (*library_version)(char *text, size_t bytes);

    /* URL -> what open() takes. Pure. connection: given; display: given, the same without
     * secrets; words of the URL's query part that are not the backend's own go to `options`.
     * Returns STATUS_UNSUPPORTED, err untouched, when the URL is not of this driver's kind. */
    enum status (*parse_url)(const char *url, struct options *options, char **connection,
            char **display, struct error *);

    /* Pure: does this connection text hold a password or another secret? NULL: never. */
    bool (*has_secret)(const char *connection);

    /* connection is parse_url's; options chain to the defaults. Connects and configures in as
     * few round trips as can be, within connect_timeout_ms. host is copied. */
    enum status (*open)(const char *connection, const struct options *, const struct host *,
            struct session **out, struct error *);
    void (*close)(
            struct session *); /* accepts NULL and broken ones; never waits for an answer */
    /* DRIVER_POOL. What open() makes of a session besides the connection text: the options and
     * the environment that it looks at. Appended to the key that sessions are kept by. */
    void (*session_key)(const struct options *, struct text *key);
    /* DRIVER_POOL. Makes it as it was opened, without waiting for an answer. Not STATUS_OK: it
     * can only be closed. All scans have ended; there is no transaction. */
    enum status (*reset)(struct session *);
    /* DRIVER_POOL. Before a use that begins no snapshot's middle: waits for the answer to
     * reset(), if that was called, and looks, without asking, whether the remote has gone. Not
     * STATUS_OK: it can only be closed. */
    enum status (*resume)(struct session *, struct error *);
    enum status (*ping)(struct session *, double *ms, struct error *);
    /* The absolute path of the one file that the remote is, so that the host's own main file
     * can be refused; gives NULL when there is none. The slot is NULL for remotes that are no
     * files. */
    const char *(*local_file)(struct session *);

    /* Every relation that passes the filter, in catalog order and few round trips (all of a
     * thousand tables in at most two). Each schema is given, with everything but present()'s
     * part. A status of each() that is not OK ends the walk and is returned. */
    enum status (*catalog)(struct session *, const struct catalog_filter *,
            enum status (*each)(void *context, struct schema *), void *context, struct error *);
    enum status (*describe_query)(
            struct session *, const char *sql, struct schema **out, struct error *);
    /* Pure, once per schema: how values look in SQLite under these options, names, shape. */
    enum status (*present)(struct schema *, const struct options *, struct error *);

    /* Pure. Plan time: could this condition or this order ever be sent. */
    bool (*may_push)(const struct schema *, const struct condition *);
    bool (*may_order)(const struct schema *, const struct order_term *, size_t count);
    /* Pure. Run time: how, for these values. OPERATOR_IN has any number, the NULL tests none,
     * all others one. STATUS_NOMEM is the only failure. */
    enum status (*judge)(const struct schema *, const struct condition *, const struct value *,
            size_t count, struct arena *, struct judgement *out);

    /* DRIVER_SNAPSHOT, DRIVER_WRITE. A snapshot or transaction begins with the next statement
     * (nothing is sent before); they never nest. A session in a READ ONLY snapshot that nothing
     * was read in yet may be begun again with writes. */
    enum status (*begin)(struct session *, const struct transaction_options *, struct error *);
    /* Ends a snapshot without waiting for an answer; all scans have ended; accepts a broken
     * session. */
    void (*finish)(struct session *);

    /* DRIVER_WRITE. The transaction is over whatever they return; all scans and writers have
     * ended. STATUS_OK: all of it is on the remote. STATUS_OUTCOME_UNKNOWN: nobody can tell,
     * and the message has the transaction's id. Anything else: nothing of it is. Where nothing
     * was sent nothing is sent. A lost answer is looked into by a session of its own until
     * timeout_ms have passed. */
    enum status (*commit)(struct session *, int64_t timeout_ms, struct error *);
    void (*rollback)(struct session *); /* without waiting; accepts a broken session */

    /* DRIVER_SAVEPOINT, inside a transaction that writes. level >= 0 grows by one with each;
     * release and rollback_to name one that was announced, or one below which some were not.
     * They are sent with the next statement; rows that still wait are flushed by the caller
     * first. rollback_to keeps its level; scans that were open go on reading what they saw or
     * answer STATUS_LOST. */
    enum status (*savepoint)(struct session *, int level, struct error *);
    enum status (*release)(struct session *, int level, struct error *);
    enum status (*rollback_to)(struct session *, int level, struct error *);

    /* scan_start may answer STATUS_SCHEMA when the remote relation is not as described; so may
     * the first scan_next. */
    enum status (*scan_start)(
            struct session *, const struct query *, struct scan **out, struct error *);
    /* Fills the batch with the next rows; 0 rows: the end, however often asked. */
    enum status (*scan_next)(struct scan *, struct batch *, struct error *);
    void (*scan_end)(
            struct scan *); /* at any point; stops the remote; session usable or broken */

    /* A query that judges found EMPTY by what the schema says: is the relation still as
     * described, in the snapshot that a scan would read? Otherwise STATUS_SCHEMA. Asks at most
     * once in each; without DRIVER_SNAPSHOT whenever it is called, which the caller does once
     * per statement. NULL: only rows can tell. */
    enum status (*confirm)(struct session *, const struct schema *, struct error *);

    /* DRIVER_SQL. One statement of the user's that only reads; arguments are $1 or ?1 and so
     * on. The scan gives one TEXT column: each row as a JSON object in column order. */
    enum status (*query_start)(struct session *, const char *sql, const struct value *args,
            size_t count, struct scan **out, struct error *);

    /* DRIVER_WRITE, inside a transaction that writes. A writer may live as long as the
     * transaction; scans may be open beside it, and see what was flushed before they began. The
     * change is borrowed for the call. STATUS_SCHEMA: the relation is not as described, now; it
     * is found so before anything else is told of the rows. STATUS_STALE: the row is not there
     * any more as it was read. STATUS_CONSTRAINT: err->constraint and err->columns say which.
     * After a failure the transaction takes nothing but rollback_to and rollback (the caller
     * opens a savepoint before each statement of SQLite's), and after STATUS_LOST nothing of it
     * is left. */
    enum status (*write_start)(
            struct session *, const struct schema *, struct writer **out, struct error *);
    enum status (*write_row)(struct writer *, const struct change *, unsigned flags,
            struct write_result *, struct error *);
    /* *rows: how many of those that waited are written now. */
    enum status (*write_flush)(
            struct writer *, struct write_result *, int64_t *rows, struct error *);
    void (*write_end)(struct writer *); /* rows that still wait are dropped; accepts NULL */
    /* DRIVER_WRITE, inside a transaction that writes: many rows in one statement. *taken: how
     * many of them it was made of, from the first on, at least one; the others want another
     * call. Under DRIVER_ONE_REQUEST that is all of them, or nothing is sent and the error says
     * how many rows one request could hold. The scan gives all columns of the schema, of the
     * rows as they are stored now (of a DELETE: as they were), an INSERT's in the order given;
     * it is read to its end before anything else is asked of the session. It fails as
     * write_row() does, here or in scan_next(). */
    enum status (*change_rows)(struct session *, const struct change_set *, size_t *taken,
            struct scan **out, struct error *);

    /* DRIVER_WRITE and DRIVER_SQL, inside a transaction that writes: one statement of the
     * user's; transaction control is refused. */
    enum status (*execute)(struct session *, const char *sql, const struct value *args,
            size_t count, int64_t *affected, struct error *);
};

#endif
