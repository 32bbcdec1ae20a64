/* What the tests of the sqlite judge share: a remote full of awkward values, and a plain SQLite
 * connection that knows the truth about them. */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_SQLITE_TRUTH_H
#define DRAWBRIDGE_TESTS_SUPPORT_SQLITE_TRUTH_H

#include "drivers/sqlite/internal.h"

enum {
    TRUTH_VALUES_MAX = 128,
    TRUTH_AFFINITIES = 5, /* of truth_types, one each; the others are spellings */
    TRUTH_TYPES = 10,
    TRUTH_SOURCES = 4,
    TRUTH_SQL_BYTES = 4096
};

extern const char *const truth_values[]; /* SQL; number 0 is NULL */
extern const int truth_value_count;
extern const char *const truth_types[TRUTH_TYPES];
extern const char *const truth_collations[]; /* by enum collation */

/* Rows by their number, which is that of the value in them. */
struct row_set {
    unsigned char has[TRUTH_VALUES_MAX];
};

/* The remote has per type i the tables t<i> and i<i> (with indexes) and the views v<i>, that
 * changes nothing, and u<i>, whose column holds what its type would not. The truth has
 * temp.rhs, with the columns text, numeric and none of each value. */
struct truth {
    sqlite3 *db;
    struct session *session;
    struct options options;
    long checks, exact, superset, skipped, empty;
};

void truth_open(struct truth *, const char *encoding);
void truth_close(struct truth *); /* prints the figures */
sqlite3_stmt *truth_prepare(struct truth *, const char *sql);
void truth_collect(sqlite3_stmt *, struct row_set *rows);
struct schema *truth_describe(struct truth *, const char *table);
/* temp.local: a copy of a remote table as its declaration has it; fails where a value that is
 * presented would not stay as it is in such a column. */
void truth_copy(struct truth *, const struct schema *, const char *table);
/* What a source (0 none, 1 TEXT, 2 NUMERIC, 3 BLOB column) makes of a value. */
struct value truth_value(sqlite3_stmt *rhs, int source, int value);
sqlite3_stmt *truth_rhs(struct truth *);
void truth_scan(
        struct truth *, const struct schema *, const struct predicate *, struct row_set *rows);

/* Notes the verdict, and fails if it is not true: label says of what. */
void truth_check(struct truth *, enum verdict, const char *label, const struct row_set *wanted,
        const struct row_set *got);
void truth_note(struct truth *, enum verdict);

#endif
