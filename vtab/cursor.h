/* xOpen to xRowid: a plan and its values -> a remote query -> batches -> the current row. */
#ifndef DRAWBRIDGE_VTAB_CURSOR_H
#define DRAWBRIDGE_VTAB_CURSOR_H

#include "base/sqlite.h"
#include "drivers/driver.h"
#include "vtab/lookup.h"
#include "vtab/plan.h"
#include "vtab/rowid.h"
#include "vtab/table.h"

/* One condition of the plan in this xFilter; lives in filter_arena. */
struct condition_input {
    const struct value *values; /* bytes may be SQLite's own and end with xFilter */
    size_t count;
    struct judgement judgement;
};

/* How much of the statement under way this cursor is: vtab/alone.h. */
enum alone {
    ALONE_NO,      /* or nobody can tell */
    ALONE_ONCE,    /* one SELECT from the table alone, which asks the cursor once */
    ALONE_FIRST,   /* and wants max() of the plan's order: its first row tells it */
    ALONE_LIMITED, /* and takes the first rows as they come, as many as its LIMIT says */
    ALONE_MIN,     /* and wants min() of the plan's only column */
};

/* What one cursor asks for and where it stands. */
struct cursor {
    sqlite3_vtab_cursor base; /* must be first: SQLite sees only this */
    struct table *table;
    struct reader reader;

    /* the plan, kept while SQLite comes back with the same text (inner side of a join) */
    char *plan_text;
    struct plan plan;
    struct arena plan_arena;
    char *guessed_sql;    /* the statement under way that the next seven were guessed from, */
    uint64_t guessed_for; /* or, NULL: the statements, */
    int64_t guessed_at;   /* and the table's count of plans then */
    int explain_scan;     /* number in the recorder; -1 none yet */
    bool counts;          /* the statement looks as if it only counts rows */
    bool names_rowid;     /* it looks as if it asks for rowids */
    bool reads_all;   /* nothing in it looks as if it would stop early, or need more later */
    int64_t filters;  /* how often it was asked */
    bool on_terms;    /* some conditions may be an outer join's: see guess.c */
    bool narrows;     /* SQLite may read less than it says: EXISTS (SELECT * ...) */
    enum alone alone; /* what its text says */

    /* this xFilter: values and predicates live in filter_arena */
    struct arena filter_arena;
    struct query query;
    struct condition_input *inputs; /* of plan.conditions */
    int *columns;                   /* of query; room for all of the schema's */
    int *places;                    /* schema column -> batch column; -1: not asked for */
    bool *read;                     /* schema columns that SQLite asked this cursor for */
    bool narrowed;                  /* the plan's columns are not asked for: see lookup.c */
    bool identity;                  /* rowids are wanted */
    bool count_only;
    bool empty; /* no row can match, as long as the relation is as described */

    /* the answer */
    struct cursor_lookup lookup;
    struct batch batch;
    int64_t first; /* rows of earlier batches */
    int64_t row;   /* in this batch */
    /* The last row that an UPDATE was seen to take, or whose key a DELETE asked for, by its
     * place; -1: none. */
    int64_t changing;
    bool deletes;         /* all rows of a DELETE come from here: locking_counts_deleted() */
    int asked, asked_max; /* how often it asked for the key of that row; of any row */
    bool eof;
    int64_t opened_at_steps; /* for table_changed() */
    int64_t writes;          /* the server's, when the scan began */
    int64_t rowid;           /* of the current row: IDENTITY_ROW */
    struct digest_map occurrences;
};

/* vtab/filter.c: plan and values -> cursor->query. *never: no row can match, nothing to ask. */
enum status cursor_prepare(struct cursor *, const char *plan, int argc, sqlite3_value **argv,
        bool *never, struct error *);
/* Makes query.columns and places from a plan's columns and one more (-1: none). */
void cursor_choose_columns(struct cursor *, int extra);

int cursor_open(sqlite3_vtab *, sqlite3_vtab_cursor **);
int cursor_close(sqlite3_vtab_cursor *);
void cursor_destroy(struct cursor *); /* one that is closed; accepts NULL */
int cursor_filter(
        sqlite3_vtab_cursor *, int number, const char *plan, int argc, sqlite3_value **argv);
int cursor_next(sqlite3_vtab_cursor *);
int cursor_eof(sqlite3_vtab_cursor *);
int cursor_column(sqlite3_vtab_cursor *, sqlite3_context *, int column);
int cursor_rowid(sqlite3_vtab_cursor *, sqlite3_int64 *rowid);

#endif
