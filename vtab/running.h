/* What the statements that are under way say: SQLite does not tell a virtual table for which of
 * them it is called. */
#ifndef DRAWBRIDGE_VTAB_RUNNING_H
#define DRAWBRIDGE_VTAB_RUNNING_H

#include "base/sqlite.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct table;

/* A number for the run of a statement that writes: the next one has another. Two that wrote
 * nothing may have the same. */
uint64_t running_signature(sqlite3 *);
int running_writers(sqlite3 *); /* how many of them are statements that write */

/* Does the INSERT under way leave this column out? */
enum left_out { LEFT_OUT_NO, LEFT_OUT_YES, LEFT_OUT_UNKNOWN };

/* What is known of the INSERT that writes to a table now; kept by the table. Zeroed is none. */
struct running_insert {
    uint64_t signature;        /* of the statement it is about */
    uint8_t *left_out;         /* enum left_out, by column; in the table's arena */
    bool known;                /* false: no text that inserts into the table was found */
    bool returning;            /* it shows the rows as it thinks they are */
    sqlite3_stmt *shown;       /* the statement with RETURNING that was let through last, */
    int shown_run, shown_step; /* and where it stood */
};

/* Learns it when another statement is under way than before. arena lives as long as *out. */
enum status running_insert_learn(
        const struct table *, struct arena *, struct running_insert *, struct error *);

#endif
