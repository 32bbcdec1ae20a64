/* Reading in a transaction, and what becomes of queries under way when it ends; see
 * transaction.h. */
#include "vtab/host.h"
#include "vtab/levels.h"

enum status transaction_read(struct server *server, struct session **out, struct error *err) {
    struct transaction *transaction = &server->transaction;
    enum status status = transaction_make_sure(server, false, err);

    if (status == STATUS_OK && !server_can(server, DRIVER_ONE_REQUEST)) {
        status = table_flush_all(server, err);
    }
    if (status == STATUS_OK && transaction_has_levels(server) && transaction->unguarded &&
            !server_can(server, DRIVER_SHARED_SESSION)) {
        int level = transaction_own_level(transaction) + transaction->own;

        if (transaction->own_read) {
            status = server->target.driver->release(server->session, level, err);
        }
        if (status == STATUS_OK) {
            status = transaction_set_level(server, level, err);
        }
        transaction->own_read = status == STATUS_OK;
        transaction->unguarded = status != STATUS_OK;
    }
    if (status == STATUS_OK) {
        *out = server->session;
    }
    return status;
}

void readers_end(struct server *server) {
    if (server_can(server, DRIVER_SHARED_SESSION)) {
        return;
    }
    for (struct reader *reader = server->readers; reader != NULL; reader = reader->next) {
        if (reader->aside == NULL) {
            reader->ended = true;
        }
        if (reader->aside == NULL && reader->scan != NULL) {
            reader->scan->session->driver->scan_end(reader->scan);
            reader->scan = NULL;
        }
    }
}

/* A transaction that only read has cost nothing: what comes next begins another. */
static void forget_reading(struct server *server) {
    struct transaction *transaction = &server->transaction;

    readers_end(server);
    transaction->begun = false;
    transaction->used = false;
    transaction->own = false;
    transaction->own_read = false;
}

void reader_failed(struct server *server, const struct reader *reader, enum status why) {
    struct transaction *transaction = &server->transaction;
    int level = transaction_own_level(transaction) + transaction->own;

    if (reader->aside != NULL || !transaction->begun || transaction->finished ||
            server_can(server, DRIVER_SHARED_SESSION)) {
        return;
    }
    if (why == STATUS_LOST && !transaction->used) {
        return; /* transaction_restart() may follow */
    }
    if (server->session->broken && !transaction->written) {
        forget_reading(server); /* this statement fails, the next one sees a newer state */
    } else if (transaction_has_levels(server) && (transaction->own_read || level > 0)) {
        transaction_back_to(server, transaction->own_read ? level : level - 1);
    } else {
        transaction_fail_lost(server);
    }
}

enum status reader_session(
        struct server *server, struct reader *reader, struct session **out, struct error *err) {
    enum status status;

    if (reader->ended) {
        error_set(err, STATUS_LOST,
                "the transaction that this query read in on server \"%s\" has ended",
                server->name);
        error_explain(err, NULL, NULL, "read its rows before COMMIT or ROLLBACK");
        return STATUS_LOST;
    }
    if (reader->aside != NULL) {
        *out = reader->aside->session;
        return STATUS_OK;
    }
    status = transaction_enlist_reader(server, err);
    return status == STATUS_OK ? server_snapshot(server, out, err) : status;
}

/* ---- what was rolled back -------------------------------------------------------------------
 */

void reader_begin(const struct server *server, struct reader *reader) {
    reader->seen_depth = server->transaction.write_depth;
    reader->undone = false;
}

enum status reader_check(
        const struct server *server, const struct reader *reader, struct error *err) {
    if (!reader->undone) {
        return STATUS_OK;
    }
    error_set(err, STATUS_LOST,
            "rows that this query was reading on server \"%s\" were rolled back", server->name);
    error_explain(err, NULL, NULL, "read its rows before ROLLBACK");
    return STATUS_LOST;
}

void readers_undo(struct server *server, int depth) {
    for (struct reader *reader = server->readers; reader != NULL; reader = reader->next) {
        reader->undone |= reader->aside == NULL && reader->seen_depth > depth;
    }
    if (server->transaction.write_depth > depth) {
        server->transaction.write_depth = depth;
    }
}

void readers_release(struct server *server, int depth) {
    for (struct reader *reader = server->readers; reader != NULL; reader = reader->next) {
        if (reader->seen_depth > depth) {
            reader->seen_depth = depth;
        }
    }
    if (server->transaction.write_depth > depth) {
        server->transaction.write_depth = depth;
    }
}

/* ---- what is left of a query ---------------------------------------------------------------
 */

void reader_forget_drained(struct reader *reader) {
    while (reader->drained != NULL) {
        struct drained *first = reader->drained;

        reader->drained = first->next;
        batch_clear(&first->batch);
        memory_free(first);
    }
}

static void hand_over(struct reader *reader, struct batch *batch) {
    struct drained *first = reader->drained;

    batch->rows = 0;
    if (first != NULL) {
        reader->drained = first->next;
        batch_clear(batch);
        *batch = first->batch;
        memory_free(first);
    }
}

/* Adds the next batch; *rows: how many it had. */
static enum status drain_batch(struct server *server, struct reader *reader,
        struct drained ***last, int64_t *rows, size_t *bytes) {
    struct drained *next = memory_alloc(sizeof(*next));
    struct error err = { 0 };
    enum status status =
            next != NULL ? reader_next(server, reader, &next->batch, &err) : STATUS_NOMEM;

    error_clear(&err);
    if (status != STATUS_OK || next->batch.rows == 0) {
        if (next != NULL) {
            batch_clear(&next->batch);
        }
        memory_free(next);
        *rows = 0;
        return status;
    }
    *rows = next->batch.rows;
    *bytes += next->batch.heap_size +
              next->batch.column_count * BATCH_ROWS_MAX * (sizeof(union cell) + 1);
    **last = next;
    *last = &next->next;
    return STATUS_OK;
}

static void drain(struct server *server, struct reader *reader, size_t bytes_max) {
    struct drained **last = &reader->drained;
    size_t bytes = 0;
    int64_t rows = 1;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && rows > 0 && bytes <= bytes_max) {
        status = drain_batch(server, reader, &last, &rows, &bytes);
    }
    if (status == STATUS_OK && rows == 0) {
        reader->is_drained = true;
    } else {
        reader_forget_drained(reader);
    }
}

void readers_drain(struct server *server) {
    size_t bytes_max = (size_t)server->cache_bytes;

    if (server_can(server, DRIVER_SHARED_SESSION) || server->session == NULL ||
            !server->transaction.written) {
        return;
    }
    for (struct reader *reader = server->readers; reader != NULL; reader = reader->next) {
        if (reader->aside == NULL && reader->scan != NULL && !server->session->broken) {
            drain(server, reader, bytes_max);
        }
    }
}

enum status reader_next(
        struct server *server, struct reader *reader, struct batch *batch, struct error *err) {
    struct session *session;
    enum status status = reader_check(server, reader, err);

    if (status != STATUS_OK) {
        return status;
    }
    if (reader->is_drained) {
        hand_over(reader, batch);
        return STATUS_OK;
    }
    if (reader->scan == NULL) {
        batch->rows = 0;
        return reader->ended ? reader_session(server, reader, &session, err) : STATUS_OK;
    }
    if (reader->aside == NULL && server->transaction.unguarded) {
        status = transaction_read(server, &session, err);
    }
    if (status == STATUS_OK) {
        status = reader->scan->session->driver->scan_next(reader->scan, batch, err);
        if (status != STATUS_OK) {
            reader_failed(server, reader, status);
        }
    }
    if (status == STATUS_OK && server_can(server, DRIVER_SHARED_SESSION)) {
        reader_begin(server, reader); /* no cursor of a server: it shows what is there now */
    }
    server->transaction.used |= status == STATUS_OK && server->transaction.begun;
    return status;
}

/* Queries that are not read to their end go on over the end of a transaction that only read, as
 * in SQLite: they keep its session. */
bool readers_keep(struct server *server) {
    const struct reader *reader = server->readers;
    struct error err = { 0 };
    bool left;

    while (reader != NULL && (reader->aside != NULL || reader->scan == NULL)) {
        reader = reader->next;
    }
    if (reader == NULL || server->transaction.written ||
            server_can(server, DRIVER_SHARED_SESSION) || server->session == NULL ||
            server->session->broken) {
        return false;
    }
    left = server_step_aside(server, &err) == STATUS_OK;
    error_clear(&err);
    return left;
}

/* ---- taking part by reading ---------------------------------------------------------------
 */

/* Writing to a schema locks its file: one in memory does no harm. */
bool place_is_harmless(sqlite3 *db, const char *place) {
    const char *file = sqlite3_db_filename(db, place);

    return sqlite3_stricmp(place, "temp") == 0 || file == NULL || file[0] == '\0';
}

/* SQLite calls no method for what is only read inside BEGIN. A write that changes nothing, to a
 * table of the server in temp or memory, makes it tell of the transaction; it sets changes() to
 * 0, so it is done once. Under query_only, or when the authorizer forbids it, it fails, and
 * reads are as they are outside BEGIN. */
enum status transaction_enlist_reader(struct server *server, struct error *err) {
    struct connection *connection = server->connection;
    const struct own_definition *own = connection->own;
    enum status status = STATUS_OK;
    char *sql;

    if (server->transaction.tables > 0 || connection->enlisting ||
            !server_can(server, DRIVER_SNAPSHOT) || sqlite3_get_autocommit(connection->db)) {
        return STATUS_OK;
    }
    while (own != NULL && (sqlite3_stricmp(own->server, server->name) != 0 ||
                                  !place_is_harmless(connection->db, own->place))) {
        own = own->next;
    }
    sql = own != NULL
                  ? sqlite3_mprintf("DELETE FROM \"%w\".\"%w\" WHERE 0", own->place, own->name)
                  : NULL;
    if (own != NULL && sql == NULL) {
        return error_nomem(err);
    }
    if (sql != NULL) {
        connection->enlisting = true;
        status = host_looked(
                connection->db, sqlite3_exec(connection->db, sql, NULL, NULL, NULL), err);
        connection->enlisting = false;
        sqlite3_free(sql);
    }
    return status;
}
