/* A running statement, for scan.c (queries over relations) and statement.c (the user's own
 * SQL): both send and fetch in the same way and differ in how a row becomes cells. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_SCAN_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_SCAN_H

#include "drivers/postgres/wire.h"

enum {
    FETCH_ROWS_FIRST = 32, /* when nothing is known: quick to answer, cheap when enough */
    FETCH_GROWTH = 4,
    FETCH_BYTES_WANTED = 1024 * 1024,
    PG_KEY_COLUMNS_MAX = 32 /* the server's own limit */
};

enum pg_transport {
    PG_TRANSPORT_CURSOR,
    PG_TRANSPORT_RESULT, /* the whole result at once */
};

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
    size_t key_extra; /* columns of the key that travel behind the others: see malformed.c */

    /* where it is */
    unsigned cursor;               /* its number */
    struct pg_request *definition; /* asked for beside the first rows; NULL: no need to */
    struct pg_request *request;    /* the one under way; NULL: none */
    int fetch_rows;                /* that it asks for */
    int64_t undone;                /* the session's, when it was sent */
    int64_t row_goal;
    PGresult *result; /* being read */
    int next_row;     /* of result */
    bool started;     /* its first result has come */
    bool ended;       /* no more results */
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

/* ---- definition.c -------------------------------------------------------------------------
 */

/* Sends the question behind the statement, where it has not been answered in this snapshot. */
enum status pg_definition_ask(struct pg_scan *, struct error *);
/* What the statement came to, given that; STATUS_SCHEMA: the relation is not as described. */
enum status pg_definition_finish(struct pg_scan *, enum status statement, struct error *);

/* ---- malformed.c --------------------------------------------------------------------------
 */

/* May bytes come that cannot be shown? Then the key that names their row should travel, too:
 * its columns that are not asked for, at most `count` of them. Gives how many there are. */
size_t pg_malformed_key(const struct query *, int *columns, size_t count);
/* Ends the message of a value that could not be decoded with the row it stands in. */
void pg_malformed_row(const struct pg_scan *, int row, struct error *);

/* ---- statement.c --------------------------------------------------------------------------
 */

enum pg_statement_kind {
    PG_STATEMENT_OTHER,
    PG_STATEMENT_SELECT, /* SELECT, WITH, VALUES, TABLE: can stand in FROM (...) */
    PG_STATEMENT_SHOW    /* SHOW, EXPLAIN: gives rows, but only by itself */
};

enum pg_statement_kind pg_statement_kind(const char *sql);
/* Without blanks and semicolons at its end. */
size_t pg_statement_length(const char *sql);

#endif
