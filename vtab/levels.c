/* Savepoints on a server's session, below SQLite's and above them, and how a transaction begins
 * there; see transaction.h.
 *
 * SQLite counts its savepoints from 0 and may announce one that others below it went before
 * without us: they get their place then, at the same point, as SQLite's own pager does it. On
 * the session stand, from the bottom: the start of the transaction (only inside BEGIN: ROLLBACK
 * TO the savepoint that began it comes as number -1), SQLite's own, one around the running
 * statement, one around what is read after writing, since some servers end a transaction in
 * which a query failed. */
#include "vtab/levels.h"

#include <string.h>

bool server_can(const struct server *server, enum driver_capability capability) {
    return (server->target.driver->capabilities & (unsigned)capability) != 0;
}

/* ---- levels on the session ----------------------------------------------------------------
 */

int transaction_level(const struct transaction *transaction, int number) {
    return number + transaction->base;
}

int transaction_own_level(const struct transaction *transaction) {
    return transaction_level(transaction, transaction->depth);
}

bool transaction_has_levels(const struct server *server) {
    return server->transaction.begun && server->transaction.writes &&
           server_can(server, DRIVER_SAVEPOINT);
}

enum status transaction_set_level(struct server *server, int level, struct error *err) {
    return server->target.driver->savepoint(server->session, level, err);
}

/* Both of ours go: SQLite's next savepoint takes their place. */
enum status transaction_drop_own(struct server *server, struct error *err) {
    struct transaction *transaction = &server->transaction;
    int level = transaction_own_level(transaction);
    bool any = transaction->own || transaction->own_read;

    transaction->own = false;
    transaction->own_read = false;
    transaction->statement = 0;
    return any ? server->target.driver->release(server->session, level, err) : STATUS_OK;
}

void transaction_fail(struct server *server, const struct error *err) {
    struct transaction *transaction = &server->transaction;

    error_set(&transaction->failure, err->status, "%s", err->message);
    error_explain(&transaction->failure, err->sqlstate, err->detail, err->hint);
}

/* What the error of an operation leaves of the transaction, when it could not be undone. */
void transaction_fail_lost(struct server *server) {
    error_set(&server->transaction.failure, STATUS_LOST,
            "the transaction on server \"%s\" is lost", server->name);
}

void transaction_back_to(struct server *server, int level) {
    struct error err = { 0 };

    if (server->session == NULL || server->session->broken) {
        transaction_fail_lost(server);
    } else if (server->target.driver->rollback_to(server->session, level, &err) != STATUS_OK) {
        transaction_fail(server, &err);
    }
    error_clear(&err);
}

/* ---- beginning ----------------------------------------------------------------------------
 */

enum isolation transaction_isolation(const struct server *server) {
    static const char *const names[] = {
        [ISOLATION_REPEATABLE] = "repeatable",
        [ISOLATION_READ_COMMITTED] = "read-committed",
        [ISOLATION_SERIALIZABLE] = "serializable",
    };
    const char *name = options_text(&server->options, "isolation");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum isolation)i;
        }
    }
    return ISOLATION_REPEATABLE;
}

static enum status transaction_set_levels(struct server *server, struct error *err) {
    struct transaction *transaction = &server->transaction;
    enum status status = STATUS_OK;
    int levels;

    transaction->base = sqlite3_get_autocommit(server->connection->db) == 0;
    levels = transaction_own_level(transaction);
    for (int level = 0; transaction_has_levels(server) && status == STATUS_OK && level < levels;
            level++) {
        status = transaction_set_level(server, level, err);
    }
    return status;
}

static enum status begin_remote(struct server *server, bool write, struct error *err) {
    struct transaction *transaction = &server->transaction;
    struct transaction_options options = { .isolation = transaction_isolation(server),
        .writes =
                server_can(server, DRIVER_WRITE) && !options_bool(&server->options, "readonly"),
        .write_first = write };
    struct session *session;
    enum status status = STATUS_OK;

    if (server->in_snapshot && server->snapshot_statements > 0 &&
            !server_can(server, DRIVER_SHARED_SESSION)) {
        status = server_step_aside(server, err);
    }
    if (status == STATUS_OK) {
        status = server_session(server, &session, err);
    }
    if (status == STATUS_OK && (server_can(server, DRIVER_SNAPSHOT) || options.writes)) {
        status = server->target.driver->begin(session, &options, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    server->in_snapshot = false;
    transaction->begun = true;
    transaction->writes = options.writes;
    return transaction_set_levels(server, err);
}

enum status transaction_make_sure(struct server *server, bool write, struct error *err) {
    struct transaction *transaction = &server->transaction;
    const struct error *failure = &transaction->failure;

    if (transaction->finished && failure->status == STATUS_OK) {
        error_set(err, STATUS_USAGE,
                "remote committed, local not: server \"%s\" has committed this transaction",
                server->name);
        error_explain(err, NULL, NULL, "COMMIT again, or ROLLBACK what is local");
        return STATUS_USAGE;
    }
    if (failure->status != STATUS_OK) {
        error_set(err, failure->status, "the transaction on server \"%s\" has failed: %s",
                server->name, failure->message);
        error_explain(err, failure->sqlstate, failure->detail, failure->hint);
        return failure->status;
    }
    return transaction->begun ? STATUS_OK : begin_remote(server, write, err);
}

bool transaction_restart(struct server *server) {
    struct transaction *transaction = &server->transaction;

    if (!transaction->begun || transaction->used || transaction->finished) {
        return false;
    }
    if (server->session != NULL && !server->session->broken) {
        if (transaction->writes) {
            server->target.driver->rollback(server->session);
        } else {
            server->target.driver->finish(server->session);
        }
    }
    transaction->begun = false;
    transaction->unguarded = false;
    transaction->statement = 0;
    transaction->own = false;
    transaction->own_read = false;
    error_clear(&transaction->failure);
    return true;
}

enum status transaction_try(struct server *server,
        enum status (*write)(void *context, struct error *), void *context, struct error *err) {
    bool used_before = server->session != NULL && !server->session->broken;
    enum status status = write(context, err);

    if (server_can(server, DRIVER_ONE_REQUEST)) {
        return status; /* a request that writes is not sent twice */
    }
    if (status == STATUS_LOST && used_before && transaction_restart(server)) {
        error_clear(err);
        status = write(context, err);
    }
    for (int tries = 1; status == STATUS_RETRY && transaction_restart(server) &&
                        tries < TRANSACTION_TRIES_MAX;
            tries++) {
        error_clear(err);
        status = write(context, err);
    }
    return status;
}
