/* What the statements that are under way say: SQLite does not tell a virtual table for which of
 * them it is called. */
#ifndef DRAWBRIDGE_VTAB_RUNNING_H
#define DRAWBRIDGE_VTAB_RUNNING_H

#include "base/sqlite.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct connection;
struct table;

/* A number for the run of a statement that writes: the next one has another. Two that wrote
 * nothing may have the same: that they did is among the breaks the connection counts. */
uint64_t running_signature(sqlite3 *);
/* The same, looked for once in each row that is written. */
uint64_t running_row_signature(const struct connection *);
/* A number for the runs of all statements under way: it stays while they are the same ones. */
uint64_t running_mark(sqlite3 *);
/* The one statement that is under way; NULL: there are several. */
sqlite3_stmt *running_only(sqlite3 *);
int running_writers(sqlite3 *);     /* how many of them are statements that write */
bool running_shows_rows(sqlite3 *); /* does one of those give rows, by RETURNING? */

/* Does the list of columns of the INSERT or UPDATE under way leave this one out? */
enum left_out { LEFT_OUT_NO, LEFT_OUT_YES, LEFT_OUT_UNKNOWN };

enum running_kind { RUNNING_INSERT, RUNNING_UPDATE };

/* What is known of the INSERT or UPDATE that writes to a table now; kept by the table. Zeroed
 * is none. */
struct running_list {
    uint64_t signature;        /* of the statement it is about */
    uint8_t *left_out;         /* enum left_out, by column; in the arena given */
    bool known;                /* false: no text that writes so to the table was found */
    bool direct;               /* a statement says so itself, and not a trigger alone */
    int writers;               /* statements under way that write, this one among them */
    bool shows_rows;           /* one of those gives rows, this one or that of a trigger */
    bool one_row;              /* INSERT: its text gives one row, and nothing else inserts */
    bool returning;            /* INSERT: it shows the rows as it thinks they are */
    uint8_t *shown_columns;    /* by column: RETURNING has it */
    bool shows_rowid;          /* and among them the rowid, which is no column */
    sqlite3_stmt *shown;       /* the statement with RETURNING that was let through last, */
    int shown_run, shown_step; /* and where it stood */
};

/* Learns it when another statement is under way than before. arena lives as long as *list. */
enum status running_learn(const struct table *, enum running_kind, struct arena *arena,
        struct running_list *list, struct error *);

#endif
