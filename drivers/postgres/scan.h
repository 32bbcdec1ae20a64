/* A running statement, for scan.c (queries over relations) and statement.c (the user's own
 * SQL): both send and fetch in the same way and differ in how a row becomes cells. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_SCAN_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_SCAN_H

#include "drivers/postgres/wire.h"

enum {
    PG_FEW_ROWS_MAX = 100, /* of QUERY_FEW: with more it starts over */
    FETCH_ROWS_FIRST = 32, /* when nothing is known: quick to answer, cheap when enough */
    FETCH_GROWTH = 4,
    FETCH_BYTES_WANTED = 1024 * 1024,
    /* QUERY_ALL: nobody waits for the first rows, and round trips count. */
    FETCH_ROWS_ALL = 50000,
    FETCH_BYTES_ALL = 4 * 1024 * 1024,
    PG_KEY_COLUMNS_MAX = 32 /* the server's own limit */
};

enum pg_transport {
    PG_TRANSPORT_CURSOR,
    PG_TRANSPORT_RESULT, /* the whole result at once */
    PG_TRANSPORT_COPY,   /* all rows in one stream: copy_scan.c */
    PG_TRANSPORT_COUNT
};

/* One value as it came. bytes NULL is NULL. */
struct pg_field {
    const char *bytes; /* NULL: the value is */
    size_t length;
    const struct column *column; /* of the schema; NULL: it shows in none */
};

struct pg_copy_reader;

struct pg_scan {
    struct scan base;
    enum pg_transport transport;
    bool generated;   /* see pg_result_error() */
    bool binary;      /* the form of its results */
    struct text sql;  /* what base.statement points to */
    char *parameters; /* JSON, for the log; NULL unless wanted */

    /* how rows are read; zero columns for those of a mere count */
    size_t column_count;
    bool has_rowids;
    enum status (*check)(struct pg_scan *, const PGresult *, struct error *);
    enum status (*row)(struct pg_scan *, int row, struct batch *, struct error *);

    /* of a query over a relation */
    struct schema *schema; /* one reference */
    int *columns;
    struct pg_field *fields; /* of one row: its columns and its identity */
    size_t field_count;
    struct pg_copy_reader *reader; /* of PG_TRANSPORT_COPY */
    bool definition_due;           /* it has to be compared before a row is shown */
    bool writes;                   /* what is sent are rows: the definition of now counts */
    bool probed, trusted;          /* the statement took a probe along, and it may do */
    bool alone;                    /* QUERY_ALONE */
    bool few;                      /* QUERY_FEW, and its statement has a LIMIT of one more */
    struct pg_parameters values;   /* of a few: for the statement without it */
    bool ends; /* the snapshot ends with the answer: COMMIT went with it, or there is no BEGIN
                */
    int64_t marker;   /* what the probe gave; 0: nothing */
    int lead;         /* fields in front of the row's: see pg_definition_join() */
    size_t key_extra; /* columns of the key that travel behind the others: see malformed.c */

    /* where it is */
    struct pg_scan *next;          /* of the session's open ones */
    unsigned cursor;               /* its number */
    unsigned declared_at;          /* the newest savepoint's serial then */
    bool cursor_gone;              /* with a savepoint that was rolled back to */
    struct pg_request *definition; /* asked for beside the first rows; NULL: no need to */
    struct pg_request *request;    /* the one under way; NULL: none */
    int fetch_rows;                /* that it asks for */
    int64_t undone;                /* the session's, when it was sent */
    int64_t row_goal;
    bool read_all;     /* QUERY_ALL */
    PGresult *result;  /* being read */
    int next_row;      /* of result */
    bool started;      /* its first result has come */
    bool was_prepared; /* the statement was one that the server had, or gets with it */
    bool ended;        /* no more results */
    enum status failure;
    char *failure_text; /* for the log; may be NULL for lack of memory */
};

static inline struct pg_scan *pg_scan_from(struct scan *scan) {
    return (struct pg_scan *)scan; /* ensured by the registry: one driver, one kind of scan */
}

/* Zeroed but for its session and an empty sql. Ended by pg_scan_end(). */
enum status pg_scan_create(struct session *, struct pg_scan **out, struct error *);
/* Sends scan->sql by scan->transport: with BEGIN in front when it is the snapshot's first. */
enum status pg_scan_send(struct pg_scan *, const struct pg_command *parameters, struct error *);

/* ---- relation.c ---------------------------------------------------------------------------
 */

/* How the rows of a query over a relation are read. */
enum status pg_scan_keep_query(struct pg_scan *, const struct query *, struct error *);
/* scan->fields as a row of the batch; its number in the scan, from 1 on, is for errors. */
enum status pg_relation_row(
        struct pg_scan *, struct batch *, int64_t number, struct error *err);

/* ---- definition.c -------------------------------------------------------------------------
 */

/* Has this relation a definition that nobody looked at in this snapshot? */
bool pg_definition_due(const struct pg_scan *);
/* Sends the question behind the statement, where no probe is trusted. */
enum status pg_definition_ask(struct pg_scan *, struct error *);
/* What the statement came to, given that; STATUS_SCHEMA: the relation is not as described. */
enum status pg_definition_finish(struct pg_scan *, enum status statement, struct error *);
/* Forgets what was asked beside a statement that has failed, or is sent again. */
void pg_definition_drop(struct pg_scan *);
/* Is it known to be as described, until a lock is given up: may rows be written unasked? */
bool pg_definition_holds(struct session *, const struct schema *);
/* For a COPY: the question as statements in front of it, where it is due; what comes of it. */
void pg_definition_append(struct pg_scan *, struct text *sql);
enum status pg_definition_check(struct pg_scan *, const PGresult *answer, struct error *);
/* The status of a statement that failed before the definition was known. */
enum status pg_definition_unknown(enum status failed, struct error *);

/* ---- probe.c ------------------------------------------------------------------------------
 */

/* A statement of one row at most that comes again is its own probe from here on: one statement
 * less in a request. In front of the row's fields stand two: the probe's, and whether there is
 * a row (scan->lead). */
enum status pg_definition_join(struct pg_scan *, const struct query *, struct error *);
bool pg_definition_no_row(const struct pg_scan *, const PGresult *, int row);
/* Where it has not been compared in this snapshot: the probe, as the last command of
 * scan->request, when the relation has one; then its answer, NULL when there was none. */
enum status pg_definition_probe(struct pg_scan *, struct error *);
bool pg_definition_trusted(const struct pg_scan *); /* will that do? Before it is added. */
void pg_definition_probed(struct pg_scan *, const PGresult *answer);
/* The definition is as it was, by the question. Without memory for it nothing is learned. */
void pg_definition_learn(const struct pg_scan *);

/* ---- malformed.c --------------------------------------------------------------------------
 */

/* May bytes come that cannot be shown? Then the key that names their row should travel, too:
 * its columns that are not asked for, at most `count` of them. Gives how many there are. */
size_t pg_malformed_key(const struct query *, int *columns, size_t count);
/* Ends the message of a value of scan->fields that could not be decoded with the row it stands
 * in: its key, or its number in the scan. */
void pg_malformed_row(const struct pg_scan *, int64_t number, struct error *);

/* ---- statement.c --------------------------------------------------------------------------
 */

enum pg_statement_kind {
    PG_STATEMENT_OTHER,
    PG_STATEMENT_SELECT, /* SELECT, WITH, VALUES, TABLE: can stand in FROM (...) */
    PG_STATEMENT_SHOW    /* SHOW, EXPLAIN: gives rows, but only by itself */
};

/* Arguments of the user's, as libpq takes them. Zeroed is empty; freed by arena_clear(). */
struct pg_arguments {
    struct arena arena;
    const char **values;
    Oid *types; /* 0: as the statement uses it */
    int *lengths, *formats;
};

enum status pg_arguments_set(
        struct pg_arguments *, const struct value *args, size_t count, struct error *);
/* The first word, behind blanks, comments and brackets. */
const char *pg_statement_verb(const char *sql);
enum pg_statement_kind pg_statement_kind(const char *sql);
/* Without blanks and semicolons at its end. */
size_t pg_statement_length(const char *sql);

#endif
