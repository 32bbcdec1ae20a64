/* The neutral write: one row to insert, update or delete. Made by vtab/write.c from what SQLite
 * hands to xUpdate, turned into the remote's statements by each driver's write.c.
 *
 * Values are as SQLite would store them in the declared column: the affinity of the declared
 * type has been applied. What the remote cannot hold as it is, or would silently bend, the
 * driver refuses (STATUS_VALUE) before anything is sent. */
#ifndef DRAWBRIDGE_DRIVERS_CHANGE_H
#define DRAWBRIDGE_DRIVERS_CHANGE_H

#include "drivers/schema.h"
#include "drivers/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum change_kind { CHANGE_INSERT, CHANGE_UPDATE, CHANGE_DELETE };

enum cell_state {
    CELL_UNCHANGED, /* UPDATE: not sent; the only state of generated columns */
    CELL_SET,
    CELL_DEFAULT, /* INSERT: left out, the remote's default or identity fills it */
};

/* What becomes of a row that breaks a constraint. */
enum on_conflict {
    ON_CONFLICT_ABORT,   /* the statement fails (also OR FAIL and OR ROLLBACK: vtab's matter) */
    ON_CONFLICT_IGNORE,  /* the row is skipped, whatever constraint it breaks */
    ON_CONFLICT_REPLACE, /* rows that conflict on any unique key go first */
};

/* Which row: just as it was read in this transaction. */
struct row_identity {
    int64_t rowid;           /* IDENTITY_INTEGER_KEY, IDENTITY_ROWID */
    const struct value *key; /* IDENTITY_KEY: one value; IDENTITY_ROW with schema.find_columns:
                              * one for each of them */
};

struct change {
    enum change_kind kind;
    enum on_conflict on_conflict;
    struct row_identity row;    /* UPDATE, DELETE */
    const struct value *values; /* by column of the schema; INSERT, UPDATE */
    const uint8_t *states;      /* enum cell_state, the same */
};

/* What became of the newest row whose answer has come. */
struct write_result {
    int64_t affected; /* 0: skipped by ON_CONFLICT_IGNORE */
    bool has_rowid;   /* INSERT: the remote said which rowid the row has */
    int64_t rowid;
};

enum write_flag {
    /* The answer is there before write_row() returns. Without it the row may wait for
     * write_flush(), or for a later write_row(), which then reports its failure. */
    WRITE_SYNC = 1,
    WRITE_WANT_ROWID = 2, /* the result's rowid will be used: last_insert_rowid() */
    WRITE_LATE = 4, /* of many rows the failure of any may show as late as write_flush() */
};

/* Rows to be changed in one statement that gives them back: bridge_insert and its kin. All have
 * the same kind and states and ON_CONFLICT_ABORT; of UPDATEs all set the same values. A driver
 * of DRIVER_ONE_REQUEST gets all there are, whatever the states of INSERTs. */
enum { CHANGE_SET_ROWS_MAX = 500 };

/* ON CONFLICT of an INSERT. */
struct change_conflict {
    const char *target; /* the remote's own text, "(a) WHERE b > 0"; NULL: */
    const int *columns; /* the columns of a unique key */
    size_t column_count;
    bool nothing;      /* rows in conflict stay as they are and are not given back */
    const int *update; /* else columns to set; never empty */
    const bool *keep;  /* by place in update: a NULL that was given keeps the old value, */
    const bool *as_is; /* any value does: the row is written only to be given back */
    size_t update_count;
};

struct change_set {
    const struct schema *schema;
    const struct change *rows; /* UPDATE, DELETE: of an identity that tells rows apart */
    size_t row_count;          /* 1 to CHANGE_SET_ROWS_MAX; 1 when no column is set */
    const struct change_conflict *conflict; /* NULL: it is an error */
};

#endif
