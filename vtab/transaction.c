/* SQLite's transaction and savepoints on the sessions of servers; see transaction.h.
 *
 * SQLite counts its savepoints from 0 and may announce one that others below it went before
 * without us: they get their place then, at the same point, as SQLite's own pager does it. On
 * the session stand, from the bottom: the start of the transaction (only inside BEGIN: ROLLBACK
 * TO the savepoint that began it comes as number -1), SQLite's own, one around the running
 * statement, one around what is read after writing, since some servers end a transaction in
 * which a query failed. */
#include "vtab/transaction.h"

#include "vtab/report.h"
#include "vtab/running.h"

#include <string.h>

static struct server *server_of(sqlite3_vtab *base) {
    return ((struct table *)base)->server;
}

static bool has(const struct server *server, enum driver_capability capability) {
    return (server->target.driver->capabilities & (unsigned)capability) != 0;
}

/* ---- what can be written ------------------------------------------------------------------
 */

const char *transaction_why_not(const struct server *server, const struct schema *schema) {
    if (options_bool(&server->options, "readonly")) {
        return "its server was named with readonly=1";
    }
    if (!has(server, DRIVER_WRITE)) {
        return "its driver cannot write";
    }
    if (!schema->writable) {
        return schema->why_not != NULL ? schema->why_not : "the remote says so";
    }
    if (schema->identity == IDENTITY_ROW && schema->find_count == 0) {
        return "nothing tells its rows apart";
    }
    return NULL;
}

enum status transaction_writable(const struct table *table, struct error *err) {
    const char *why_not = transaction_why_not(table->server, table->schema);

    if (why_not != NULL) {
        return error_set(
                err, STATUS_READONLY, "table \"%s\" is read-only: %s", table->name, why_not);
    }
    if (table->born) {
        error_set(err, STATUS_READONLY,
                "table \"%s\" was made in this transaction and cannot be written before it is "
                "committed",
                table->name);
        error_explain(err, NULL, NULL,
                "savepoints that stood before the table would not hold for what is written");
        return STATUS_READONLY;
    }
    return STATUS_OK;
}

/* ---- levels on the session ----------------------------------------------------------------
 */

static int level_of(const struct transaction *transaction, int number) {
    return number + transaction->base;
}

static int own_level(const struct transaction *transaction) {
    return level_of(transaction, transaction->depth);
}

static bool has_levels(const struct server *server) {
    return server->transaction.begun && server->transaction.writes &&
           has(server, DRIVER_SAVEPOINT);
}

static enum status set_level(struct server *server, int level, struct error *err) {
    return server->target.driver->savepoint(server->session, level, err);
}

/* Both of ours go: SQLite's next savepoint takes their place. */
static enum status drop_own(struct server *server, struct error *err) {
    struct transaction *transaction = &server->transaction;
    int level = own_level(transaction);
    bool any = transaction->own || transaction->own_read;

    transaction->own = false;
    transaction->own_read = false;
    transaction->statement = 0;
    return any ? server->target.driver->release(server->session, level, err) : STATUS_OK;
}

static void fail(struct server *server, const struct error *err) {
    struct transaction *transaction = &server->transaction;

    error_set(&transaction->failure, err->status, "%s", err->message);
    error_explain(&transaction->failure, err->sqlstate, err->detail, err->hint);
}

/* What the error of an operation leaves of the transaction, when it could not be undone. */
static void fail_lost(struct server *server) {
    error_set(&server->transaction.failure, STATUS_LOST,
            "the transaction on server \"%s\" is lost", server->name);
}

static void back_to(struct server *server, int level) {
    struct error err = { 0 };

    if (server->session == NULL || server->session->broken) {
        fail_lost(server);
    } else if (server->target.driver->rollback_to(server->session, level, &err) != STATUS_OK) {
        fail(server, &err);
    }
    error_clear(&err);
}

/* ---- beginning ----------------------------------------------------------------------------
 */

static enum isolation isolation_of(const struct server *server) {
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

static enum status set_levels(struct server *server, struct error *err) {
    struct transaction *transaction = &server->transaction;
    enum status status = STATUS_OK;
    int levels;

    transaction->base = sqlite3_get_autocommit(server->connection->db) == 0;
    levels = own_level(transaction);
    for (int level = 0; has_levels(server) && status == STATUS_OK && level < levels; level++) {
        status = set_level(server, level, err);
    }
    return status;
}

static enum status begin_remote(struct server *server, bool write, struct error *err) {
    struct transaction *transaction = &server->transaction;
    struct transaction_options options = { .isolation = isolation_of(server),
        .writes = has(server, DRIVER_WRITE) && !options_bool(&server->options, "readonly"),
        .write_first = write };
    struct session *session;
    enum status status = STATUS_OK;

    if (server->in_snapshot && server->snapshot_statements > 0 &&
            !has(server, DRIVER_SHARED_SESSION)) {
        status = server_step_aside(server, err);
    }
    if (status == STATUS_OK) {
        status = server_session(server, &session, err);
    }
    if (status == STATUS_OK && (has(server, DRIVER_SNAPSHOT) || options.writes)) {
        status = server->target.driver->begin(session, &options, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    server->in_snapshot = false;
    transaction->begun = true;
    transaction->writes = options.writes;
    return set_levels(server, err);
}

static enum status make_sure(struct server *server, bool write, struct error *err) {
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
    transaction->begun = false;
    transaction->own = false;
    transaction->own_read = false;
    error_clear(&transaction->failure);
    return true;
}

/* ---- reading ------------------------------------------------------------------------------
 */

enum status transaction_read(struct server *server, struct session **out, struct error *err) {
    struct transaction *transaction = &server->transaction;
    enum status status = make_sure(server, false, err);

    if (status == STATUS_OK) {
        status = table_flush_all(server, err);
    }
    if (status == STATUS_OK && has_levels(server) && transaction->unguarded &&
            !has(server, DRIVER_SHARED_SESSION)) {
        int level = own_level(transaction) + transaction->own;

        if (transaction->own_read) {
            status = server->target.driver->release(server->session, level, err);
        }
        if (status == STATUS_OK) {
            status = set_level(server, level, err);
        }
        transaction->own_read = status == STATUS_OK;
        transaction->unguarded = status != STATUS_OK;
    }
    if (status == STATUS_OK) {
        *out = server->session;
    }
    return status;
}

static void end_scans(struct server *server) {
    if (has(server, DRIVER_SHARED_SESSION)) {
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

    end_scans(server);
    transaction->begun = false;
    transaction->used = false;
    transaction->own = false;
    transaction->own_read = false;
}

void reader_failed(struct server *server, const struct reader *reader, enum status why) {
    struct transaction *transaction = &server->transaction;
    int level = own_level(transaction) + transaction->own;

    if (reader->aside != NULL || !transaction->begun || transaction->finished ||
            has(server, DRIVER_SHARED_SESSION)) {
        return;
    }
    if (why == STATUS_LOST && !transaction->used) {
        return; /* transaction_restart() may follow */
    }
    if (server->session->broken && !transaction->written) {
        forget_reading(server); /* this statement fails, the next one sees a newer state */
    } else if (has_levels(server) && (transaction->own_read || level > 0)) {
        back_to(server, transaction->own_read ? level : level - 1);
    } else {
        fail_lost(server);
    }
}

enum status reader_session(
        struct server *server, struct reader *reader, struct session **out, struct error *err) {
    if (reader->ended) {
        return error_set(err, STATUS_LOST,
                "the transaction that this query read in on server \"%s\" has ended",
                server->name);
    }
    if (reader->aside != NULL) {
        *out = reader->aside->session;
        return STATUS_OK;
    }
    transaction_enlist_reader(server);
    return server_snapshot(server, out, err);
}

enum status reader_next(
        struct server *server, struct reader *reader, struct batch *batch, struct error *err) {
    struct session *session;
    enum status status = STATUS_OK;

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
    server->transaction.used |= status == STATUS_OK;
    return status;
}

/* ---- taking part by reading ---------------------------------------------------------------
 */

/* Writing to a schema locks its file: one in memory does no harm. */
static bool is_harmless(sqlite3 *db, const char *place) {
    const char *file = sqlite3_db_filename(db, place);

    return sqlite3_stricmp(place, "temp") == 0 || file == NULL || file[0] == '\0';
}

/* SQLite calls no method for what is only read inside BEGIN. A write that changes nothing, to a
 * table of the server in temp or memory, makes it tell of the transaction; it sets changes() to
 * 0, so it is done once. Under query_only, or when the authorizer forbids it, it fails, and
 * reads are as they are outside BEGIN. */
void transaction_enlist_reader(struct server *server) {
    struct connection *connection = server->connection;
    const struct own_definition *own = connection->own;
    char *sql;

    if (server->transaction.tables > 0 || connection->enlisting ||
            sqlite3_get_autocommit(connection->db)) {
        return;
    }
    while (own != NULL && (sqlite3_stricmp(own->server, server->name) != 0 ||
                                  !is_harmless(connection->db, own->place))) {
        own = own->next;
    }
    sql = own != NULL
                  ? sqlite3_mprintf("DELETE FROM \"%w\".\"%w\" WHERE 0", own->place, own->name)
                  : NULL;
    if (sql != NULL) {
        connection->enlisting = true;
        sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
        connection->enlisting = false;
        sqlite3_free(sql);
    }
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

static enum status guard_statement(struct server *server, bool by_row, struct error *err) {
    struct transaction *transaction = &server->transaction;
    uint64_t statement = running_signature(server->connection->db);
    enum status status;

    if ((!by_row && transaction->statement == statement) || !has_levels(server)) {
        return STATUS_OK;
    }
    status = drop_own(server, err);
    if (status == STATUS_OK && (transaction->written || by_row)) {
        status = set_level(server, own_level(transaction), err);
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
        status = make_sure(server, true, err);
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

    server->writes++;
    transaction->unguarded = true;
    if (status == STATUS_OK) {
        transaction->written = true;
        transaction->used = true;
    } else if (status == STATUS_LOST && !transaction->used) {
        return; /* transaction_restart() may follow */
    } else if (has_levels(server) && transaction->own) {
        transaction->own_read = false;
        back_to(server, own_level(transaction));
    } else if (has_levels(server) && own_level(transaction) > 0) {
        transaction->own_read = false;
        back_to(server, own_level(transaction) - 1); /* nothing was written before */
    } else {
        fail(server, err);
    }
}

/* ---- the end ------------------------------------------------------------------------------
 */

static void clear(struct server *server) {
    error_clear(&server->transaction.failure);
    memset(&server->transaction, 0, sizeof(server->transaction));
    server->writes++;
    if (server->removed && server->cursors == 0) {
        server_end_session(server);
    }
}

static void enlist(struct table *table) {
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

/* Queries that are not read to their end go on over the end of a transaction that only read, as
 * in SQLite: they keep its session. */
static bool leave_to_readers(struct server *server) {
    const struct reader *reader = server->readers;
    struct error err = { 0 };
    bool left;

    while (reader != NULL && (reader->aside != NULL || reader->scan == NULL)) {
        reader = reader->next;
    }
    if (reader == NULL || server->transaction.written || has(server, DRIVER_SHARED_SESSION) ||
            server->session == NULL || server->session->broken) {
        return false;
    }
    left = server_step_aside(server, &err) == STATUS_OK;
    error_clear(&err);
    return left;
}

static void rollback_remote(struct server *server) {
    struct transaction *transaction = &server->transaction;

    table_drop_writers(server);
    if (transaction->begun && !transaction->finished && !leave_to_readers(server)) {
        end_scans(server);
        if (server->session != NULL && transaction->writes) {
            server->target.driver->rollback(server->session);
        } else if (server->session != NULL && has(server, DRIVER_SNAPSHOT)) {
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
        if (!is_harmless(db, place) && sqlite3_txn_state(db, place) == SQLITE_TXN_WRITE) {
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
    enum status status = table_flush_all(server, err);

    if (status == STATUS_OK) {
        status = check_atomic(server, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    table_drop_writers(server);
    transaction->finished = true;
    if (leave_to_readers(server)) {
        return STATUS_OK;
    }
    end_scans(server);
    if (server->session == NULL || server->session->broken) {
        server->target.driver->rollback(server->session);
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
        make_sure(table->server, false, &err);
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
    if (!has(server, DRIVER_WRITE) || options_bool(&server->options, "readonly")) {
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
    transaction_enlist_reader(server);
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
    fail(server_of(base), err);
    return report_vtab(&base->zErrMsg, err);
}

int transaction_savepoint(sqlite3_vtab *base, int number) {
    struct server *server = server_of(base);
    struct transaction *transaction = &server->transaction;
    struct error err = { 0 };
    enum status status = STATUS_OK;

    if (transaction->depth > number || transaction->finished) {
        return SQLITE_OK;
    }
    if (has_levels(server) && transaction->failure.status == STATUS_OK) {
        status = table_flush_all(server, &err);
        if (status == STATUS_OK) {
            status = drop_own(server, &err);
        }
        while (status == STATUS_OK && transaction->depth <= number) {
            status = set_level(server, level_of(transaction, transaction->depth), &err);
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

    if (number >= transaction->depth || transaction->finished) {
        return SQLITE_OK;
    }
    if (has_levels(server) && transaction->failure.status == STATUS_OK) {
        status = table_flush_all(server, &err);
        if (status == STATUS_OK) {
            status = server->target.driver->release(
                    server->session, level_of(transaction, number), &err);
        }
    }
    transaction->depth = number < 0 ? 0 : number;
    transaction->own = false;
    transaction->own_read = false;
    transaction->statement = 0;
    return report_levels(base, status, &err);
}

int transaction_rollback_to(sqlite3_vtab *base, int number) {
    struct server *server = server_of(base);
    struct transaction *transaction = &server->transaction;

    if (number >= transaction->depth || transaction->finished) {
        return SQLITE_OK;
    }
    table_drop_writers(server);
    server->writes++;
    transaction->depth = number + 1;
    transaction->own = false;
    transaction->own_read = false;
    transaction->statement = 0;
    if (has_levels(server)) {
        bool lost = transaction->failure.status == STATUS_LOST;

        error_clear(&transaction->failure); /* unless it cannot go back, all is well again */
        if (lost || level_of(transaction, number) < 0) {
            fail_lost(server);
        } else {
            back_to(server, level_of(transaction, number));
        }
    }
    return SQLITE_OK;
}
