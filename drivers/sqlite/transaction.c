/* The remote connection's transactions: one from the first reader to the last, or from begin to
 * finish, or, when it writes, to commit or rollback. It is a real one of SQLite's, and so are
 * its savepoints, so what holds on the other side holds here. */
#include "drivers/sqlite/internal.h"

#include <stdio.h>

enum { CONTROL_BYTES = 64 };

/* Without sq_execute(): an interrupted host must not keep a transaction open. */
static int control(struct sq_session *session, const char *sql) {
    int code;

    session->stopped = STATUS_OK;
    session->trusted = true;
    code = sqlite3_exec(session->db, sql, NULL, NULL, NULL);
    session->trusted = false;
    return code;
}

/* A transaction that begins with a write asks for the lock at once, as SQLite's own statements
 * do: two that read first would wait for each other. */
static enum status start(struct sq_session *session, struct error *err) {
    const char *sql = session->writing && session->write_first ? "BEGIN IMMEDIATE" : "BEGIN";
    enum status status = sq_execute(session, sql, err);

    if (status == STATUS_OK) {
        session->in_transaction = true;
        session->version_known = false;
    }
    return status;
}

/* SQLite rolls a transaction back by itself when memory runs out in it. What follows would see
 * another state of the database, so it is refused until all readers have left. */
static enum status make_sure(struct sq_session *session, struct error *err) {
    if (!session->in_transaction) {
        return start(session, err);
    }
    if (sqlite3_get_autocommit(session->db)) {
        return error_set(err, STATUS_LOST, "%s of the SQLite database has ended",
                session->writing ? "transaction" : "snapshot");
    }
    return STATUS_OK;
}

enum status sq_enter(struct sq_session *session, struct error *err) {
    enum status status = make_sure(session, err);

    if (status == STATUS_OK) {
        session->readers++;
    }
    return status;
}

enum status sq_start_writing(struct sq_session *session, struct error *err) {
    if (!session->writing) {
        return error_set(err, STATUS_READONLY, "no transaction that writes has begun");
    }
    return make_sure(session, err);
}

static void end_transaction(struct sq_session *session) {
    if (session->readers > 0 || session->snapshot || session->writing ||
            !session->in_transaction) {
        return;
    }
    session->in_transaction = false;
    if (!sqlite3_get_autocommit(session->db) && control(session, "COMMIT") != SQLITE_OK) {
        session->base.broken = true;
    }
}

void sq_leave(struct sq_session *session) {
    session->readers--;
    end_transaction(session);
}

/* A snapshot that is read goes on in the transaction. */
enum status sq_begin(
        struct session *base, const struct transaction_options *options, struct error *err) {
    struct sq_session *session = sq_session(base);

    if (!options->writes) {
        session->snapshot = true; /* sq_enter() begins it with the next statement */
        return STATUS_OK;
    }
    session->snapshot = false;
    session->writing = true;
    session->write_first = options->write_first;
    (void)err;
    return STATUS_OK;
}

void sq_finish(struct session *base) {
    sq_session(base)->snapshot = false;
    end_transaction(sq_session(base));
}

/* ---- the end of one that writes ---------------------------------------------------- */

/* Readers that are left keep their view of the database without the transaction. */
static void stop_writing(struct sq_session *session) {
    session->writing = false;
    session->in_transaction = false;
    session->version_known = false;
}

void sq_rollback(struct session *base) {
    struct sq_session *session = sq_session(base);

    if (!sqlite3_get_autocommit(session->db) && control(session, "ROLLBACK") != SQLITE_OK) {
        session->base.broken = true;
    }
    stop_writing(session);
}

enum status sq_commit(struct session *base, int64_t timeout_ms, struct error *err) {
    struct sq_session *session = sq_session(base);
    double limit_ms = session->busy_limit_ms;
    enum status status = STATUS_OK;

    if (session->in_transaction && sqlite3_get_autocommit(session->db)) {
        status = error_set(err, STATUS_LOST, "transaction of the SQLite database has ended");
    } else if (session->in_transaction) {
        session->busy_limit_ms = (double)timeout_ms;
        status = sq_execute(session, "COMMIT", err);
        session->busy_limit_ms = limit_ms;
    }
    if (status != STATUS_OK) {
        sq_rollback(base);
        return status;
    }
    stop_writing(session);
    return STATUS_OK;
}

/* ---- savepoints -------------------------------------------------------------------- */

static enum status savepoint_control(
        struct session *base, const char *words, int level, struct error *err) {
    struct sq_session *session = sq_session(base);
    enum status status = sq_start_writing(session, err);
    char sql[CONTROL_BYTES];

    snprintf(sql, sizeof(sql), "%s bridge_%d", words, level);
    return status == STATUS_OK ? sq_execute(session, sql, err) : status;
}

enum status sq_savepoint(struct session *base, int level, struct error *err) {
    return savepoint_control(base, "SAVEPOINT", level, err);
}

enum status sq_release(struct session *base, int level, struct error *err) {
    return savepoint_control(base, "RELEASE", level, err);
}

/* Interrupted or not: what is to be undone is undone. */
enum status sq_rollback_to(struct session *base, int level, struct error *err) {
    struct sq_session *session = sq_session(base);
    enum status status = sq_start_writing(session, err);
    char sql[CONTROL_BYTES];
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    snprintf(sql, sizeof(sql), "ROLLBACK TO bridge_%d", level);
    code = control(session, sql);
    session->version_known = false;
    return code == SQLITE_OK ? STATUS_OK : sq_fail(session, code, sql, err);
}
