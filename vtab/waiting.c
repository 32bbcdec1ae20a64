/* Which rows wait: where a failure that shows late undoes all the same. See waiting.h.
 *
 * That is so for the whole of an autocommit statement. Inside BEGIN SQLite has to hear of a
 * failure while the statement runs, so somebody must know its last row. An UPDATE or DELETE has
 * read all its rows when it writes the first one, and they were counted; an INSERT does not
 * know. */
#include "vtab/waiting.h"

#include "vtab/levels.h"
#include "vtab/running.h"

#include <string.h>

enum { INSERT_ROWS_ALONE = 100 };

/* Will the statement write another row, which takes those that wait along? */
static bool another_follows(struct table *table, const struct change *change) {
    return change->kind != CHANGE_INSERT && table->cursors == 1 &&
           ++table->changed < table->changing;
}

/* Inside BEGIN the last rows of a long INSERT are written when SQLite releases the savepoint
 * around the statement. Should they fail there, SQLite undoes the whole transaction: only what
 * is worth it takes that risk. */
static bool is_long_insert(struct table *table, const struct change *change) {
    struct transaction *transaction = &table->server->transaction;

    return change->kind == CHANGE_INSERT && transaction->around > 0 &&
           transaction->around == transaction->depth &&
           transaction->inserted++ >= INSERT_ROWS_ALONE;
}

bool waiting_is_only_row(const struct table *table, const struct change *change) {
    return change->kind == CHANGE_INSERT && table->insert.one_row;
}

/* Of an INSERT that is known already: asking costs more than the row, with many statements. */
static int writers(const struct table *table, const struct change *change) {
    return change->kind == CHANGE_INSERT ? table->insert.writers
                                         : running_writers(table->connection->db);
}

bool waiting_shows_rows(const struct table *table, const struct change *change) {
    return change->kind == CHANGE_INSERT ? table->insert.shows_rows
                                         : running_shows_rows(table->connection->db);
}

/* The first row of a transaction does not wait, so that a session that died unseen is noticed
 * with it; nor the first of a table, which tells whether the relation is still as described. */
bool waiting_allowed(struct table *table, const struct change *change, bool by_row) {
    const struct server *server = table->server;
    bool follows = another_follows(table, change) || is_long_insert(table, change);

    if (server_can(server, DRIVER_ONE_REQUEST)) {
        return !waiting_is_only_row(table, change);
    }
    return server->transaction.used &&
           (follows || sqlite3_get_autocommit(table->connection->db)) &&
           change->on_conflict == ON_CONFLICT_ABORT && !by_row && table->writer->sure &&
           table->writer->rows_max != 1 && writers(table, change) == 1 &&
           !waiting_shows_rows(table, change);
}

/* Rows of a statement that this one runs inside wait on. */
void waiting_dropped(struct table *table, const struct error *err) {
    sqlite3 *db = table->connection->db;

    if (table->waiting && !sqlite3_get_autocommit(db) && running_writers(db) <= 1) {
        table_drop_writers(table->server);
        transaction_wrote(table->server, err->status, err);
    }
}
