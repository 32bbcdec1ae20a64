/* SQLite's transaction on the sessions of servers; see transaction.h. levels.c has the
 * savepoints there, reader.c what is read, writable.c which tables can be written. */
#include "vtab/levels.h"

#include "vtab/report.h"
#include "vtab/running.h"

#include <string.h>

static struct server *server_of(sqlite3_vtab *base) {
    return ((struct table *)base)->server;
}

/* ---- writing ------------------------------------------------------------------------------
 */

static enum status refuse_second_server(const struct server *server, struct error *err) {
    const struct server *other = server->connection->servers;

    for (; other != NULL; other = other->next) {
        if (other != server && other->transaction.written &&
                strcmp(options_text(&server->options, "atomic"), "besteffort") != 0) {
            error_set(err, STATUS_UNSUPPORTED,
                    "server \"%s\" cannot be written in a transaction that writes to server "
                    "\"%s\": they could not commit as one",
                    server->name, other->name);
            error_explain(err, NULL, NULL, "atomic=besteffort commits one after the other");
            return STATUS_UNSUPPORTED;
        }
    }
    return STATUS_OK;
}

/* Rows that wait are another statement's where that is not over: a function of the host's runs
 * this one inside it. What undoes this one must not undo them, so they go before its savepoint.
 * Should they fail, nobody could undo that statement alone: nothing of the transaction holds.
 */
static enum status flush_outer(struct server *server, bool by_row, struct error *err) {
    enum status status = STATUS_OK;

    if (by_row || running_writers(server->connection->db) > 1) {
        status = table_flush_all(server, err);
    }
    if (status != STATUS_OK) {
        table_drop_writers(server);
        transaction_fail(server, err);
    }
    return status;
}

static enum status guard_statement(struct server *server, bool by_row, struct error *err) {
    struct transaction *transaction = &server->transaction;
    uint64_t statement;
    enum status status;

    if (!transaction_has_levels(server)) {
        return STATUS_OK;
    }
    statement = running_row_signature(server->connection);
    if (!by_row && transaction->statement == statement) {
        return STATUS_OK;
    }
    status = flush_outer(server, by_row, err);
    if (status == STATUS_OK) {
        status = transaction_drop_own(server, err);
    }
    if (status == STATUS_OK && (transaction->written || by_row)) {
        status = transaction_set_level(server, transaction_own_level(transaction), err);
        transaction->own = status == STATUS_OK;
    }
    transaction->statement = statement;
    return status;
}

enum status transaction_write(
        struct server *server, bool by_row, struct session **out, struct error *err) {
    struct transaction *transaction = &server->transaction;
    enum status status = refuse_second_server(server, err);

    if (status == STATUS_OK) {
        status = transaction_make_sure(server, true, err);
    }
    if (status == STATUS_OK && !transaction->writes) {
        status = error_set(err, STATUS_READONLY, "server \"%s\" is read-only", server->name);
    }
    if (status == STATUS_OK) {
        status = guard_statement(server, by_row, err);
    }
    if (status == STATUS_OK) {
        *out = server->session;
    }
    return status;
}

void transaction_wrote(struct server *server, enum status status, const struct error *err) {
    struct transaction *transaction = &server->transaction;

    if (server_can(server, DRIVER_ONE_REQUEST) && status == STATUS_OK) {
        transaction->written = true; /* it waits: nothing that is read can show it */
        transaction->used = true;
        return;
    }
    server_wrote(server);
    transaction->unguarded = true;
    if (status == STATUS_OK) {
        transaction->written = true;
        transaction->used = true;
        transaction->write_depth = transaction->write_depth > transaction->depth
                                           ? transaction->write_depth
                                           : transaction->depth + 1;
    } else if (status == STATUS_LOST && !transaction->used) {
        return; /* transaction_restart() may follow */
    } else if (transaction_has_levels(server) && transaction->own) {
        transaction->own_read = false;
        transaction_back_to(server, transaction_own_level(transaction));
    } else if (transaction_has_levels(server) && transaction_own_level(transaction) > 0) {
        transaction->own_read = false;
        transaction_back_to(server,
                transaction_own_level(transaction) - 1); /* nothing was written before */
    } else {
        transaction_fail(server, err);
    }
}

/* ---- the end ------------------------------------------------------------------------------
 */

static void clear(struct server *server) {
    readers_release(server, 0);
    error_clear(&server->transaction.failure);
    memset(&server->transaction, 0, sizeof(server->transaction));
    server_wrote(server);
    server->connection->breaks++;
    if (server->removed && server->cursors == 0) {
        server_end_session(server);
    }
}

static void enlist(struct table *table) {
    table->connection->breaks++;
    table->server->transaction.tables++;
    table->enlisted = true;
}

static void leave(struct table *table) {
    if (!table->enlisted) {
        return;
    }
    table->enlisted = false;
    table->born = false;
    if (--table->server->transaction.tables == 0) {
        clear(table->server);
    }
}

static void rollback_remote(struct server *server) {
    struct transaction *transaction = &server->transaction;

    table_drop_writers(server);
    if (transaction->begun && !transaction->finished && !readers_keep(server)) {
        readers_undo(server, 0);
        readers_end(server);
        if (server->session != NULL && transaction->writes) {
            server->target.driver->rollback(server->session);
        } else if (server->session != NULL && server_can(server, DRIVER_SNAPSHOT)) {
            server->target.driver->finish(server->session);
        }
    }
    transaction->finished = true;
}

/* One server and a local file cannot commit as one: the file may still fail afterwards. */
static enum status check_atomic(struct server *server, struct error *err) {
    sqlite3 *db = server->connection->db;
    const char *place;

    if (!server->transaction.written ||
            strcmp(options_text(&server->options, "atomic"), "require") != 0) {
        return STATUS_OK;
    }
    for (int i = 0; (place = sqlite3_db_name(db, i)) != NULL; i++) {
        if (!place_is_harmless(db, place) && sqlite3_txn_state(db, place) == SQLITE_TXN_WRITE) {
            return error_set(err, STATUS_UNSUPPORTED,
                    "database \"%s\" is a file written in the same transaction as server "
                    "\"%s\": they cannot commit as one (atomic=require)",
                    place, server->name);
        }
    }
    return STATUS_OK;
}

static enum status commit_remote(struct server *server, struct error *err) {
    struct transaction *transaction = &server->transaction;
    int64_t timeout_ms = options_integer(&server->options, "commit_timeout_ms");
    enum status status = check_atomic(server, err);

    if (status == STATUS_OK) {
        status = table_flush_all(server, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    table_drop_writers(server);
    readers_drain(server);
    if (transaction->failure.status != STATUS_OK) {
        return transaction_make_sure(server, true, err); /* a query's error cost it all */
    }
    transaction->finished = true;
    if (readers_keep(server)) {
        return STATUS_OK;
    }
    readers_end(server);
    if (server->session == NULL || server->session->broken) {
        server->target.driver->rollback(server->session);
        if (!transaction->written && transaction_isolation(server) != ISOLATION_SERIALIZABLE) {
            return STATUS_OK; /* what was read stays read */
        }
        return error_set(err, STATUS_LOST,
                "the connection to server \"%s\" was lost: nothing of the transaction is kept",
                server->name);
    }
    return server->target.driver->commit(server->session, timeout_ms, err);
}

int transaction_begin(sqlite3_vtab *base) {
    struct table *table = (struct table *)base;
    struct transaction *transaction = &table->server->transaction;
    struct error err = { 0 };

    if (!table->connection->enlisting) {
        transaction_writable(table, &err);
    }
    if (err.status == STATUS_OK && table->server->removed) {
        error_set(&err, STATUS_USAGE, "server \"%s\" was detached", table->server->name);
    }
    if (err.status == STATUS_OK && transaction->finished) {
        transaction_make_sure(table->server, false, &err);
    }
    if (err.status != STATUS_OK) {
        return report_vtab(&base->zErrMsg, &err);
    }
    enlist(table);
    return SQLITE_OK;
}

void transaction_created(struct table *table) {
    enlist(table);
    table->born = true;
}

static int report_failure(sqlite3_vtab *base, const struct error *failure) {
    sqlite3_free(base->zErrMsg);
    base->zErrMsg = report_text(failure);
    return report_commit_code(failure);
}

/* SQLite may call it twice: when the local side could not commit and COMMIT is said again. */
int transaction_sync(sqlite3_vtab *base) {
    struct server *server = server_of(base);
    struct transaction *transaction = &server->transaction;
    struct error err = { 0 };

    if (transaction->begun && !transaction->finished &&
            transaction->failure.status == STATUS_OK) {
        if (!transaction->writes) {
            rollback_remote(server);
        } else if (commit_remote(server, &err) != STATUS_OK) {
            server_failed(server, &err);
            error_move(&transaction->failure, &err);
        }
    }
    return transaction->failure.status == STATUS_OK
                   ? SQLITE_OK
                   : report_failure(base, &transaction->failure);
}

int transaction_commit(sqlite3_vtab *base) {
    leave((struct table *)base);
    return SQLITE_OK;
}

int transaction_rollback(sqlite3_vtab *base) {
    struct server *server = server_of(base);

    if (server->transaction.finished && server->transaction.written &&
            server->transaction.failure.status == STATUS_OK) {
        struct error err = { 0 };

        error_set(&err, STATUS_REMOTE,
                "remote committed, local not: the local side of the "
                "transaction was rolled back");
        server_failed(server, &err);
    }
    rollback_remote(server);
    leave((struct table *)base);
    return SQLITE_OK;
}

enum status transaction_leave(struct table *table, struct error *err) {
    struct server *server = table->server;

    if (!table->enlisted) {
        return STATUS_OK;
    }
    if (server->transaction.tables == 1 && server->transaction.written &&
            !server->transaction.finished) {
        return error_set(err, STATUS_USAGE,
                "table \"%s\" cannot be dropped before the transaction that writes to server "
                "\"%s\" has ended",
                table->name, server->name);
    }
    if (table_flush_all(server, err) != STATUS_OK) {
        return err->status;
    }
    table_drop_writers(server);
    if (server->transaction.tables == 1) {
        rollback_remote(server);
    }
    leave(table);
    return STATUS_OK;
}

/* ---- writes of functions ------------------------------------------------------------------
 */

enum status transaction_alone_begin(struct server *server, bool *alone, struct error *err) {
    sqlite3 *db = server->connection->db;

    *alone = false;
    if (server->removed) {
        return error_set(err, STATUS_USAGE, "server \"%s\" was detached", server->name);
    }
    if (!server_can(server, DRIVER_WRITE) || options_bool(&server->options, "readonly")) {
        return error_set(err, STATUS_READONLY, "server \"%s\" is read-only", server->name);
    }
    if (server->transaction.tables > 0) {
        return STATUS_OK;
    }
    if (sqlite3_get_autocommit(db) && running_writers(db) == 0) {
        *alone = true;
        server->transaction.tables = 1;
        return STATUS_OK;
    }
    if (transaction_enlist_reader(server, err) != STATUS_OK) {
        return err->status;
    }
    if (server->transaction.tables > 0) {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED,
            "server \"%s\" cannot take part in this transaction: SQLite tells tables alone of "
            "its "
            "end",
            server->name);
    error_explain(err, NULL, NULL, "attach a table of it to temp or memory, or COMMIT first");
    return STATUS_UNSUPPORTED;
}

enum status transaction_alone_end(
        struct server *server, bool alone, enum status status, struct error *err) {
    if (!alone) {
        return status;
    }
    if (status == STATUS_OK) {
        status = commit_remote(server, err);
    }
    rollback_remote(server);
    clear(server);
    return status;
}

/* ---- savepoints ---------------------------------------------------------------------------
 */

static int report_levels(sqlite3_vtab *base, enum status status, struct error *err) {
    if (status == STATUS_OK) {
        return SQLITE_OK;
    }
    transaction_fail(server_of(base), err);
    return report_vtab(&base->zErrMsg, err);
}

int transaction_savepoint(sqlite3_vtab *base, int number) {
    struct server *server = server_of(base);
    struct transaction *transaction = &server->transaction;
    struct error err = { 0 };
    enum status status = STATUS_OK;

    server->connection->breaks++;
    transaction->around = running_writers(server->connection->db) > 0 ? number + 1 : 0;
    transaction->inserted = 0;
    if (transaction->depth > number || transaction->finished) {
        return SQLITE_OK;
    }
    if (transaction_has_levels(server) && transaction->failure.status == STATUS_OK) {
        status = table_flush_all(server, &err);
        if (status == STATUS_OK) {
            status = transaction_drop_own(server, &err);
        }
        while (status == STATUS_OK && transaction->depth <= number) {
            status = transaction_set_level(
                    server, transaction_level(transaction, transaction->depth), &err);
            transaction->depth++;
        }
    }
    transaction->depth = number + 1;
    return report_levels(base, status, &err);
}

int transaction_release(sqlite3_vtab *base, int number) {
    struct server *server = server_of(base);
    struct transaction *transaction = &server->transaction;
    struct error err = { 0 };
    enum status status = STATUS_OK;

    server->connection->breaks++;
    transaction->around = 0;
    if (number >= transaction->depth || transaction->finished) {
        return SQLITE_OK;
    }
    if (transaction_has_levels(server) && transaction->failure.status == STATUS_OK) {
        status = table_flush_all(server, &err);
        if (status == STATUS_OK) {
            status = server->target.driver->release(
                    server->session, transaction_level(transaction, number), &err);
        }
    }
    transaction->depth = number < 0 ? 0 : number;
    readers_release(server, transaction->depth + 1);
    transaction->own = false;
    transaction->own_read = false;
    transaction->statement = 0;
    return report_levels(base, status, &err);
}

int transaction_rollback_to(sqlite3_vtab *base, int number) {
    struct server *server = server_of(base);
    struct transaction *transaction = &server->transaction;

    server->connection->breaks++;
    transaction->around = 0;
    if (number >= transaction->depth || transaction->finished) {
        return SQLITE_OK;
    }
    table_drop_writers(server);
    server_wrote(server);
    readers_undo(server, number + 1);
    transaction->depth = number + 1;
    transaction->own = false;
    transaction->own_read = false;
    transaction->statement = 0;
    if (server_can(server, DRIVER_ONE_REQUEST)) {
        error_clear(&transaction->failure); /* its request was one, and is over */
    }
    if (transaction_has_levels(server)) {
        bool lost = transaction->failure.status == STATUS_LOST;

        error_clear(&transaction->failure); /* unless it cannot go back, all is well again */
        if (lost || transaction_level(transaction, number) < 0) {
            transaction_fail_lost(server);
        } else {
            transaction_back_to(server, transaction_level(transaction, number));
        }
    }
    return SQLITE_OK;
}
