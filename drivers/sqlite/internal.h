/* What the files of the sqlite driver share: its own structs and the facts they pass on.
 *
 *   url.c                  URLs -> what open() takes (pure)
 *   connection.c           open, configure, remote errors
 *   transaction.c          snapshots, transactions, savepoints
 *   guard.c                what stops a statement: interrupts, timeouts, locks, the authorizer
 *   statements.c           prepared statements, kept for the next scan
 *   catalog.c              the walk over relations; are they still as described
 *   describe.c, keys.c     one relation -> facts of sq_column and sq_relation
 *   types.c                present(): facts + options -> the presentation part
 *   judge.c                presentation + values -> predicates (pure)
 *   dialect.c              query -> SQL + parameters (pure)
 *   scan.c, decode.c       run a statement; rows -> batch
 *   change.c, write.c      changes -> SQL (pure); writing, and what a broken constraint says
 *   bulk.c                 many changes in one statement that gives their rows back
 *
 * The remote is a database of the very library the host runs on, so a comparison means the same
 * on both sides as soon as affinities and collations agree: all that judge.c and types.c do is
 * to make sure of that. */
#ifndef DRAWBRIDGE_DRIVERS_SQLITE_INTERNAL_H
#define DRAWBRIDGE_DRIVERS_SQLITE_INTERNAL_H

#include "base/sqlite.h"
#include "base/text.h"
#include "drivers/driver.h"

enum sq_affinity { SQ_BLOB, SQ_TEXT, SQ_NUMERIC, SQ_INTEGER, SQ_REAL };

/* column.driver_data */
struct sq_column {
    enum sq_affinity remote_affinity; /* of remote_type; SQ_BLOB for ANY of a STRICT table */
    bool never_text;                  /* no value is TEXT: the rowid, STRICT columns */

    enum sq_affinity affinity; /* of the declaration: present() */
    /* The remote may hold values that the declaration would bend: they are read and compared
     * through an expression that bends them alike, and that has no affinity of its own. */
    bool converted;
};

/* schema.driver_data */
struct sq_relation {
    bool utf16;          /* text is stored as UTF-16 */
    bool like_builtin;   /* the remote connection's like() and glob() are SQLite's own */
    bool keeps_affinity; /* a table: values are as their column's affinity makes them */
    bool without_rowid;
    const char *rowid_name; /* a name of the rowid that no column hides; NULL: none */
    int integer_key;        /* the column that is the rowid, or -1 */
    int unique_key;         /* the only column of a primary key without NULLs, or -1 */
    uint64_t fingerprint;   /* of all that a scan relies on: sq_verify() */
};

static inline const struct sq_column *sq_column(const struct schema *schema, int column) {
    return schema->columns[column].driver_data;
}
static inline const struct sq_relation *sq_relation(const struct schema *schema) {
    return schema->driver_data;
}

enum { SQ_STATEMENTS_KEPT = 8, SQ_VERIFIED_KEPT = 64, SQ_BUSY_MS = 5000 };

struct sq_verified {
    uint64_t fingerprint;
    int64_t version; /* of the remote schema, when the relation was as described */
};

struct sq_session {
    struct session base;
    sqlite3 *db;
    bool is_file, utf16, like_builtin;
    bool readonly; /* readonly=1, or the file cannot be written */

    /* guard.c: the statement that is under way */
    double started_ms, asked_ms;
    double spent_ms;      /* by earlier calls for the same statement */
    double limit_ms;      /* statement_timeout_ms; 0: none */
    double busy_limit_ms; /* longest wait for a lock */
    enum status stopped;  /* STATUS_OK, _CANCELLED or _TIMEOUT: why a callback said stop */
    /* A collation of the remote's that nobody here knows; was it needed for a comparison? */
    char unknown_collation[64];
    bool compared_unknown;
    bool trusted; /* our own statements: the authorizer lets them pass */

    /* snapshots: one transaction from the first scan to the last, or from begin to finish */
    int readers;         /* between sq_enter() and sq_leave() */
    bool snapshot;       /* between begin and finish */
    bool writing;        /* between begin with writes and commit or rollback */
    bool write_first;    /* its first statement writes */
    bool in_transaction; /* BEGIN was said; SQLite may have rolled back since */
    bool version_known;
    int64_t version; /* PRAGMA schema_version in this transaction */
    struct sq_verified verified[SQ_VERIFIED_KEPT]; /* by fingerprint */

    sqlite3_stmt *kept[SQ_STATEMENTS_KEPT]; /* statements.c: idle ones, oldest first */
    size_t kept_count;
};

static inline struct sq_session *sq_session(struct session *session) {
    return (struct sq_session *)session;
}

extern const struct driver sqlite_driver;

/* ---- url.c ------------------------------------------------------------------------- */

/* connection: the file's name as given, "" for memory. */
enum status sq_parse_url(
        const char *url, struct options *, char **connection, char **display, struct error *);

/* ---- connection.c ------------------------------------------------------------------ */

enum status sq_open(const char *connection, const struct options *, const struct host *,
        struct session **out, struct error *);
void sq_close(struct session *);
enum status sq_ping(struct session *, double *ms, struct error *);
const char *sq_local_file(struct session *);

/* Makes an error of SQLite's code and message; sql: the statement to blame, or NULL. */
enum status sq_fail(struct sq_session *, int code, const char *sql, struct error *);
/* One of our own statements that has no rows to read. */
enum status sq_execute(struct sq_session *, const char *sql, struct error *);
/* The remote's schema_version, asked once per transaction. */
enum status sq_schema_version(struct sq_session *, int64_t *version, struct error *);

/* ---- transaction.c ----------------------------------------------------------------- */

enum status sq_begin(struct session *, const struct transaction_options *, struct error *);
void sq_finish(struct session *);
enum status sq_commit(struct session *, int64_t timeout_ms, struct error *);
void sq_rollback(struct session *);
enum status sq_savepoint(struct session *, int level, struct error *);
enum status sq_release(struct session *, int level, struct error *);
enum status sq_rollback_to(struct session *, int level, struct error *);
/* A reader holds the session's transaction open; the first begins it, the last ends it. */
enum status sq_enter(struct sq_session *, struct error *);
void sq_leave(struct sq_session *);
/* Makes sure of the transaction that begin said; writes hold it open by themselves. */
enum status sq_start_writing(struct sq_session *, struct error *);

/* ---- guard.c ----------------------------------------------------------------------- */

double sq_now_ms(void);
/* Puts the callbacks in place: progress, busy, authorizer. */
enum status sq_guard_install(struct sq_session *, struct error *);
/* Lets tables be read whose collations nobody here knows; utf16 must be known by now. */
enum status sq_guard_collations(struct sq_session *, struct error *);
/* Around everything that may take long. spent_ms: what the statement has used up before. */
enum status sq_guard_start(struct sq_session *, double spent_ms, struct error *);
/* sqlite3_step(); an error as well when the row rests on an unknown collation. */
int sq_step(struct sq_session *, sqlite3_stmt *);

/* ---- statements.c ------------------------------------------------------------------ */

/* A statement of ours, kept or new. Refuses nothing: the text is ours. */
enum status sq_prepare(
        struct sq_session *, const char *sql, sqlite3_stmt **out, struct error *);
/* Resets it and keeps it for the next one who asks. Accepts NULL. */
void sq_put_back(struct sq_session *, sqlite3_stmt *);
void sq_forget_statements(struct sq_session *);
/* Bind one value at ?index. */
enum status sq_bind(
        struct sq_session *, sqlite3_stmt *, int index, const struct value *, struct error *);
/* A statement of the user's: one, that only reads and has columns. length: of its text without
 * the semicolon. */
enum status sq_prepare_foreign(struct sq_session *, const char *sql, sqlite3_stmt **out,
        size_t *length, struct error *);
/* A statement of the user's that may write. */
enum status sq_prepare_writing(
        struct sq_session *, const char *sql, sqlite3_stmt **out, struct error *);

/* ---- catalog.c, describe.c, keys.c ------------------------------------------------- */

enum status sq_catalog(struct session *, const struct catalog_filter *,
        enum status (*each)(void *context, struct schema *), void *context, struct error *);
enum status sq_describe_query(
        struct session *, const char *sql, struct schema **out, struct error *);
/* What the list of relations says of one. */
struct sq_listed {
    const char *name;
    bool is_view;
    bool without_rowid;
    bool strict;
};

/* The facts of a listed relation. The schema is given. */
enum status sq_describe_relation(
        struct sq_session *, const struct sq_listed *, struct schema **out, struct error *);
/* What is being described, for describe.c and keys.c. */
struct sq_description {
    struct sq_session *session;
    const struct sq_listed *listed;
    struct schema *schema;
    struct sq_relation *relation;
    size_t keys_max;
    int primary_count, primary_column; /* columns of the primary key; one of them */
    bool primary_has_index;            /* so no column is the rowid by another name */
};

enum status sq_describe_keys(struct sq_description *, struct error *);
/* Starts a statement of which ?1 is the relation's name. */
enum status sq_ask(
        const struct sq_description *, const char *sql, sqlite3_stmt **, struct error *);
/* STATUS_OK and *more; anything but a row or the end is an error. */
enum status sq_next_row(struct sq_session *, sqlite3_stmt *, bool *more, struct error *);
/* A copy in the schema's arena; NULL stays NULL. */
enum status sq_keep_text(
        struct schema *, sqlite3_stmt *, int column, const char **out, struct error *);
/* A new schema with column_count columns and a relation, all empty but for what the session
 * knows. */
enum status sq_create_schema(
        struct sq_session *, size_t column_count, struct schema **out, struct error *);
void sq_take_fingerprint(struct schema *);
/* Is the remote relation still what the schema says? STATUS_SCHEMA when it is not. Cheap while
 * the remote's schema_version stays what it was. Inside sq_enter() only. */
enum status sq_verify(struct sq_session *, const struct schema *, struct error *);

/* ---- types.c ----------------------------------------------------------------------- */

enum status sq_present(struct schema *, const struct options *, struct error *);
enum sq_affinity sq_affinity_of(const char *type); /* SQLite's own rules */
/* Appends what stands for a column in remote SQL: r."name", or its conversion. */
void sq_append_column(struct text *, const struct schema *, int column);
/* The same in a statement that writes to the table, where it has no alias. */
void sq_append_stored(struct text *, const struct schema *, int column);

/* ---- judge.c ----------------------------------------------------------------------- */

bool sq_may_push(const struct schema *, const struct condition *);
bool sq_may_order(const struct schema *, const struct order_term *, size_t count);
enum status sq_judge(const struct schema *, const struct condition *, const struct value *,
        size_t count, struct arena *, struct judgement *out);
/* A form's SQL: "%c" the column, "%k" its collation, "%1" the value, "%*" all of them. */
const char *sq_form_sql(int form);
enum collation sq_form_collation(int form);

/* ---- dialect.c --------------------------------------------------------------------- */

/* Values of ?1, ?2, ...: borrowed from the query. */
struct sq_parameters {
    const struct value **values;
    size_t count, capacity;
};

void sq_parameters_clear(struct sq_parameters *);
void sq_append_identifier(struct text *, const char *name); /* quoted, always */
enum status sq_select(
        const struct query *, struct text *sql, struct sq_parameters *, struct error *);
const char *sq_collation_name(const struct schema *, enum collation);

/* ---- decode.c ---------------------------------------------------------------------- */

/* The current row's first columns into the batch; the one behind them is the rowid when the
 * batch has rowids. bytes grows by what came. */
enum status sq_decode_row(sqlite3_stmt *, struct batch *, int64_t *bytes, struct error *);
/* The current row as one JSON object, as drivers/sqlite promises for bridge_query. */
enum status sq_decode_json(sqlite3_stmt *, struct batch *, int64_t *bytes, struct error *);
void sq_append_json_value(struct text *, const struct value *);

/* ---- scan.c ------------------------------------------------------------------------ */

enum status sq_scan_start(
        struct session *, const struct query *, struct scan **out, struct error *);
enum status sq_scan_next(struct scan *, struct batch *, struct error *);
void sq_scan_end(struct scan *);
enum status sq_confirm(struct session *, const struct schema *, struct error *);
enum status sq_query_start(struct session *, const char *sql, const struct value *args,
        size_t count, struct scan **out, struct error *);
/* One of our own statements that writes and gives all columns of the schema back; inside
 * sq_enter(), which is left with the scan, or when it fails. */
enum status sq_returning_start(struct sq_session *, const struct schema *, const char *sql,
        const struct value *const *values, size_t count, struct scan **out, struct error *);

/* ---- change.c ---------------------------------------------------------------------- */

/* The statement for changes of one kind, conflict and states; its parameters are the values
 * set, in column order, and then the row's identity. */
enum status sq_change_sql(
        const struct schema *, const struct change *, struct text *sql, struct error *);
void sq_append_table(struct text *, const struct schema *); /* main."name" */

/* ---- bulk.c ------------------------------------------------------------------------ */

enum status sq_change_rows(struct session *, const struct change_set *, size_t *taken,
        struct scan **out, struct error *);

/* The row of an UPDATE or DELETE, looked for; its parameters are the identity. */
enum status sq_find_sql(const struct schema *, struct text *sql, struct error *);

/* ---- write.c ----------------------------------------------------------------------- */

enum status sq_write_start(
        struct session *, const struct schema *, struct writer **out, struct error *);
enum status sq_write_row(struct writer *, const struct change *, unsigned flags,
        struct write_result *, struct error *);
enum status sq_write_flush(
        struct writer *, struct write_result *, int64_t *rows, struct error *);
void sq_write_end(struct writer *);
enum status sq_run(struct session *, const char *sql, const struct value *args, size_t count,
        int64_t *affected, struct error *);
/* Which constraint, from SQLite's extended code and the message that stands in err. */
void sq_explain_constraint(int extended_code, struct error *);
/* A trigger of the table may have written to another one: its columns are not this one's. */
void sq_blame_table(const struct schema *, struct error *);
/* STATUS_VALUE: what is read of the column would not be this value. */
enum status sq_check_value(
        const struct schema *, size_t column, const struct value *, struct error *);

#endif
