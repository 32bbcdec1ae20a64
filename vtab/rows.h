/* Read-only tables that need no CREATE: one generic module for the metadata tables, bridge_log,
 * bridge_query and bridge_explain. A source fills rows of values; rows.c does the rest.
 *
 * Rows are copies: what they were made from may change or go while a statement reads them. */
#ifndef DRAWBRIDGE_VTAB_ROWS_H
#define DRAWBRIDGE_VTAB_ROWS_H

#include "base/memory.h"
#include "base/sqlite.h"
#include "base/status.h"
#include "drivers/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

enum { ROWS_ARGUMENTS_MAX = 10 }; /* a server, a statement and its eight arguments */

/* Cells are put one after another, column_count of them make a row. Lack of memory sticks and
 * is told once, after filling. */
struct rows {
    struct arena arena; /* the bytes */
    struct value *cells;
    size_t column_count, cell_count, cell_capacity;
    bool out_of_memory;
    /* A failure of a statement that was run on the host's own connection: its code and whole
     * text (sqlite3_malloc'ed) instead of a struct error's. */
    int host_code;
    char *host_message;
};

void rows_reset(struct rows *); /* none again, and no failure */
void rows_put_null(struct rows *);
void rows_put_integer(struct rows *, int64_t);
void rows_put_real(struct rows *, double);
void rows_put_text(struct rows *, const char *);                 /* copied; NULL gives NULL */
void rows_put_bytes(struct rows *, const char *, size_t length); /* TEXT, copied */
/* Keeps code and text of the last failure on db; returns STATUS_REMOTE. */
enum status rows_fail_host(struct rows *, sqlite3 *db, int code);

struct rows_arguments {
    sqlite3_value *values[ROWS_ARGUMENTS_MAX]; /* NULL: not given */
    int count;                                 /* up to the last one given */
    const char *only; /* rows_source.only_column is asked for this text alone (ASCII case
                       * ignored); NULL: all. A hint: SQLite checks the rows again */
};

/* Constant description of one table. */
struct rows_source {
    const char *name;
    const char *columns; /* "n INTEGER, row TEXT": column definitions, comma-separated */
    const char *hidden;  /* the same for the arguments: "server, sql, arg1"; NULL: none */
    int column_count, argument_count;
    int arguments_needed;
    const char *usage; /* the message when fewer were given */
    int only_column;   /* see rows_arguments.only; -1: none */
    /* The first rows. *state is given to more() and end(). */
    enum status (*start)(struct connection *, const struct rows_arguments *, struct rows *,
            void **state, struct error *);
    /* The next rows, none at the end; NULL: start() gave all. */
    enum status (*more)(void *state, struct rows *, struct error *);
    void (*end)(void *state); /* NULL when more is; also after a failure that left a state */
};

/* 0 or an SQLITE_* code. */
int rows_register(struct connection *, const struct rows_source *);

#endif
