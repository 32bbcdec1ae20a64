/* The neutral question: which columns of which rows in which order. Made by vtab/cursor.c from
 * a plan and the values at hand, turned into the remote's language by each driver's dialect. */
#ifndef DRAWBRIDGE_DRIVERS_QUERY_H
#define DRAWBRIDGE_DRIVERS_QUERY_H

#include "drivers/schema.h"
#include "drivers/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum condition_operator {
    OPERATOR_EQ,
    OPERATOR_NE,
    OPERATOR_LT,
    OPERATOR_LE,
    OPERATOR_GT,
    OPERATOR_GE,
    OPERATOR_IS,
    OPERATOR_IS_NOT,
    OPERATOR_IS_NULL,
    OPERATOR_NOT_NULL,
    OPERATOR_LIKE, /* SQLite's own like(), no ESCAPE */
    OPERATOR_GLOB,
    OPERATOR_IN, /* any number of values, NULLs among them */
    OPERATOR_COUNT
};

enum collation { COLLATION_BINARY, COLLATION_NOCASE, COLLATION_RTRIM, COLLATION_OTHER };

/* What SQLite compares: known at plan time, without the value. */
struct condition {
    int column;
    enum condition_operator op;
    enum collation collation; /* matters when both sides are TEXT */
};

enum verdict {
    VERDICT_SKIP,     /* nothing may be sent; SQLite checks the rows */
    VERDICT_SUPERSET, /* at least the rows SQLite wants */
    VERDICT_EXACT,    /* just those, for every affinity the right-hand side may have had */
    VERDICT_EMPTY,    /* no row can match: none is asked for */
    VERDICT_ALL,      /* every row matches: exact, and nothing needs to be sent */
};

/* One condition in the remote's form: terms joined by OR. A driver's judge makes it and its
 * dialect spells it; nobody else looks inside a term. */
struct predicate_term {
    int form;                   /* row of the driver's table of forms */
    const struct value *values; /* in the remote's form, in the judge's arena */
    size_t value_count;
};

struct predicate {
    int column;
    const struct predicate_term *terms;
    size_t term_count;
};

struct order_term {
    int column;
    bool descending; /* NULLs first when ascending, last when descending: SQLite's order */
};

enum query_flag {
    QUERY_COUNT_ONLY = 1, /* batches of rows without columns: only batch.rows counts */
    QUERY_IDENTITY = 2,   /* batch.rowids is wanted (schema.identity IDENTITY_ROWID) */
    QUERY_UNIQUE = 4,     /* a unique key is bound to one value: at most one row */
    /* In a transaction that writes: the statement is going to change all these rows. They are
     * locked as they are read, where the remote can; a row that another transaction changed
     * since is STATUS_RETRY, or under ISOLATION_READ_COMMITTED comes as it is now. */
    QUERY_LOCK = 16,
    QUERY_STREAM = 8, /* many rows, probably all of them wanted, and no other scan is open
                       * on the session: they may come in a way that occupies it. When one
                       * opens later nevertheless, it must be served */
    QUERY_ALL = 32,   /* every row will be read at once: the fewest round trips count */
    QUERY_ALONE = 64, /* nothing else will be asked in this snapshot, which is not begun yet:
                       * the driver may end it with the answer */
    QUERY_FEW = 128,  /* beside that one: a handful of rows is expected. When more come, the
                       * driver may ask again in another snapshot before it gives any */
};

struct query { /* borrowed for the call of scan_start */
    const struct schema *schema;
    const int *columns; /* ascending; the batch's columns in this order */
    size_t column_count;
    const struct predicate *predicates; /* joined by AND */
    size_t predicate_count;
    const struct order_term *order;
    size_t order_count;
    int64_t row_goal; /* rows probably wanted, 0 unknown; a hint for sizes, never a limit */
    int64_t limit;    /* -1 none; set only when nothing is left to check locally */
    unsigned flags;
};

#endif
