/* A transaction that writes: savepoints, COMMIT and ROLLBACK.
 *
 * Nothing is sent before it is needed: BEGIN goes with the first statement, a savepoint with
 * the next one, and one in which nothing was done is never sent at all. What must be known
 * after a lost COMMIT, the transaction's number on the server, travels behind its first
 * write. */
#include "drivers/postgres/prepared.h"
#include "drivers/postgres/scan.h"

#include <stdio.h>
#include <string.h>

enum { CONTROL_BYTES = 64 };

const char *pg_transaction_begin_sql(const struct pg_session *session) {
    static const char *const begin[][2] = {
        [ISOLATION_REPEATABLE] = { "BEGIN ISOLATION LEVEL REPEATABLE READ",
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE" },
        [ISOLATION_READ_COMMITTED] = { "BEGIN ISOLATION LEVEL READ COMMITTED",
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" },
        [ISOLATION_SERIALIZABLE] = { "BEGIN ISOLATION LEVEL SERIALIZABLE",
                "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE" },
    };

    /* A server whose own default is to read only keeps it, and refuses. */
    return begin[session->transaction.isolation][session->reads_only];
}

/* ---- savepoints ---------------------------------------------------------------------------
 */

static enum status control_add(
        struct pg_request *request, const char *verb, unsigned serial, struct error *err) {
    char sql[CONTROL_BYTES];

    snprintf(sql, sizeof(sql), "%s s%u", verb, serial);
    return pg_request_add_text(request, sql, err);
}

/* Steps name savepoints that were sent; those that were not are newer. */
enum status pg_transaction_enter(
        struct pg_session *session, struct pg_request *request, struct error *err) {
    struct pg_transaction *transaction = &session->transaction;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < transaction->step_count && status == STATUS_OK; i++) {
        const struct pg_step *step = &transaction->steps[i];

        status = control_add(request,
                step->release ? "RELEASE SAVEPOINT" : "ROLLBACK TO SAVEPOINT", step->serial,
                err);
    }
    transaction->step_count = 0;
    for (size_t i = 0; i < transaction->savepoint_count && status == STATUS_OK; i++) {
        struct pg_savepoint *savepoint = &transaction->savepoints[i];

        if (!savepoint->sent) {
            savepoint->sent = true;
            status = control_add(request, "SAVEPOINT", savepoint->serial, err);
        }
    }
    return status;
}

static enum status step_add(
        struct pg_transaction *transaction, bool release, unsigned serial, struct error *err) {
    size_t count = transaction->step_count;

    if (count > 0 && !release && !transaction->steps[count - 1].release &&
            transaction->steps[count - 1].serial == serial) {
        return STATUS_OK; /* again, and nothing was sent since */
    }
    if (count == transaction->step_capacity) {
        size_t capacity = count > 0 ? count * 2 : 8;
        struct pg_step *steps =
                memory_resize_array(transaction->steps, capacity, sizeof(*steps));

        if (steps == NULL) {
            return error_nomem(err);
        }
        transaction->steps = steps;
        transaction->step_capacity = capacity;
    }
    transaction->steps[transaction->step_count++] =
            (struct pg_step){ .release = release, .serial = serial };
    return STATUS_OK;
}

enum status pg_savepoint(struct session *base, int level, struct error *err) {
    struct pg_transaction *transaction = &pg_session_from(base)->transaction;
    size_t count = transaction->savepoint_count;

    if (count == transaction->savepoint_capacity) {
        size_t capacity = count > 0 ? count * 2 : 8;
        struct pg_savepoint *savepoints =
                memory_resize_array(transaction->savepoints, capacity, sizeof(*savepoints));

        if (savepoints == NULL) {
            return error_nomem(err);
        }
        transaction->savepoints = savepoints;
        transaction->savepoint_capacity = capacity;
    }
    transaction->savepoints[transaction->savepoint_count++] =
            (struct pg_savepoint){ .level = level, .serial = ++transaction->serial };
    return STATUS_OK;
}

/* The oldest savepoint of this level or a deeper one; savepoint_count: there is none. */
static size_t savepoint_find(const struct pg_transaction *transaction, int level) {
    size_t at = 0;

    while (at < transaction->savepoint_count && transaction->savepoints[at].level < level) {
        at++;
    }
    return at;
}

enum status pg_release(struct session *base, int level, struct error *err) {
    struct pg_transaction *transaction = &pg_session_from(base)->transaction;
    size_t at = savepoint_find(transaction, level);
    bool sent = at < transaction->savepoint_count && transaction->savepoints[at].sent;

    if (sent) {
        enum status status =
                step_add(transaction, true, transaction->savepoints[at].serial, err);

        if (status != STATUS_OK) {
            return status;
        }
    }
    transaction->savepoint_count = at;
    return STATUS_OK;
}

/* The server forgets cursors that were declared behind the savepoint. */
static void scans_forget(struct pg_session *session, unsigned serial) {
    for (struct pg_scan *scan = session->scans; scan != NULL; scan = scan->next) {
        scan->cursor_gone = scan->cursor_gone || scan->declared_at >= serial;
    }
    session->transaction.serial++; /* those to come are told from these */
}

enum status pg_rollback_to(struct session *base, int level, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    struct pg_transaction *transaction = &session->transaction;
    size_t at = savepoint_find(transaction, level);
    struct pg_savepoint *savepoint;
    enum status status = STATUS_OK;

    if (at == transaction->savepoint_count) {
        return STATUS_OK; /* nothing was done since */
    }
    savepoint = &transaction->savepoints[at];
    if (savepoint->sent) {
        status = step_add(transaction, false, savepoint->serial, err);
        scans_forget(session, savepoint->serial);
        session->held_since_ms = pg_now_ms(); /* it gives up what was locked behind it */
    }
    if (status == STATUS_OK) {
        transaction->savepoint_count = at + 1;
    }
    return status;
}

/* ---- its number ---------------------------------------------------------------------------
 */

/* The second column tells one run of the server from the next: after a crash the number of a
 * transaction that left no trace is given to another one. */
static const char identity_sql[] =
        "SELECT pg_catalog.txid_current(), "
        "pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time())::pg_catalog.text";

/* Reads the answer, if it has come. */
static void identity_take(struct pg_transaction *transaction) {
    struct pg_request *request = transaction->identity;

    if (request == NULL || !request->done) {
        return;
    }
    if (request->failure == NULL && request->result != NULL &&
            PQntuples(request->result) == 1) {
        snprintf(transaction->id, sizeof(transaction->id), "%s",
                PQgetvalue(request->result, 0, 0));
        snprintf(transaction->server, sizeof(transaction->server), "%s",
                PQgetvalue(request->result, 0, 1));
    }
    pg_request_drop(request);
    transaction->identity = NULL;
}

/* Behind the write and not before it: a question that fails must not hide why. */
enum status pg_transaction_wrote(struct pg_session *session, struct error *err) {
    struct pg_transaction *transaction = &session->transaction;
    enum status status;

    transaction->wrote = true;
    identity_take(transaction);
    if (transaction->id[0] != '\0' || transaction->identity != NULL) {
        return STATUS_OK;
    }
    status = pg_request_create(session, &transaction->identity, err);
    if (status == STATUS_OK) {
        status = pg_prepared_add_text(transaction->identity, identity_sql, err);
    }
    return status == STATUS_OK ? pg_request_send(transaction->identity, err) : status;
}

/* ---- the end ------------------------------------------------------------------------------
 */

static void transaction_end(struct pg_session *session) {
    struct pg_transaction *transaction = &session->transaction;

    pg_request_drop(transaction->identity);
    transaction->identity = NULL;
    transaction->id[0] = '\0';
    transaction->writes = false;
    transaction->sent = false;
    transaction->wrote = false;
    transaction->savepoint_count = 0;
    transaction->step_count = 0;
    session->snapshot_wanted = false;
    session->snapshot_own = false;
    session->snapshot_open = false;
    session->user_sql_before |= session->user_sql;
    session->user_sql = false;
}

void pg_transaction_clear(struct pg_transaction *transaction) {
    pg_request_drop(transaction->identity);
    memory_free(transaction->savepoints);
    memory_free(transaction->steps);
    memset(transaction, 0, sizeof(*transaction));
}

void pg_rollback(struct session *base) {
    struct pg_session *session = pg_session_from(base);
    struct pg_request *request = NULL;

    if (session->snapshot_open && pg_session_check(session, NULL) == STATUS_OK) {
        pg_session_settle(session);
        if (pg_request_create(session, &request, NULL) != STATUS_OK ||
                pg_request_add_text(request, "ROLLBACK", NULL) != STATUS_OK ||
                pg_request_send(request, NULL) != STATUS_OK) {
            pg_session_break(session, STATUS_LOST, "transaction could not be ended", NULL);
        }
        pg_request_drop(request);
    }
    transaction_end(session);
}

/* The answer to COMMIT. A transaction that had failed before is rolled back by it, without an
 * error: only the tag tells. */
static enum status commit_answer(const struct pg_request *request, struct error *err) {
    if (request->failure != NULL) {
        return pg_result_error(request->failure, true, err);
    }
    if (request->result == NULL) {
        return error_set(err, STATUS_LOST, "server gave no answer to COMMIT");
    }
    if (strcmp(PQcmdStatus(request->result), "COMMIT") != 0) {
        return error_set(err, STATUS_REMOTE,
                "transaction was rolled back: a statement in it had failed before COMMIT");
    }
    return STATUS_OK;
}

/* A host that is interrupted, or has waited long enough, asks the server to stop: the answer
 * counts, and who stopped it is told only where that is the answer. STATUS_LOST: none came. */
static enum status commit_wait(struct pg_session *session, struct pg_request *request,
        bool *stopped, struct error *err) {
    struct error waited = { 0 };
    enum status status = pg_request_wait(request, &waited), answer;

    *stopped = status == STATUS_CANCELLED || status == STATUS_TIMEOUT;
    if (!request->done || request->lost) {
        error_clear(&waited);
        return STATUS_LOST;
    }
    session->snapshot_open = false;
    answer = commit_answer(request, err);
    if (answer == STATUS_CANCELLED && *stopped) {
        error_clear(err);
        error_move(err, &waited);
        return status;
    }
    error_clear(&waited);
    return answer;
}

static const char commit_sql[] = "COMMIT";

/* What stands around short transactions is parsed once. */
static void transaction_worked(struct pg_session *session) {
    pg_prepared_worked(session, pg_transaction_begin_sql(session));
    pg_prepared_worked(session, commit_sql);
    if (session->transaction.id[0] != '\0') {
        pg_prepared_worked(session, identity_sql);
    }
}

/* Once COMMIT is on its way only the server, or nobody, can tell what became of it. */
static enum status commit_send(
        struct pg_session *session, int64_t timeout_ms, struct error *err) {
    struct pg_request *request = NULL;
    struct error why = { 0 };
    bool stopped = false;
    enum status status = pg_request_create(session, &request, err);

    if (status != STATUS_OK) {
        return status;
    }
    status = pg_transaction_enter(session, request, &why);
    if (status == STATUS_OK) {
        status = pg_prepared_add_text(request, commit_sql, &why);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(request, &why);
    }
    if (status == STATUS_OK) {
        status = commit_wait(session, request, &stopped, &why);
    }
    if (status == STATUS_OK) {
        transaction_worked(session);
    }
    if (status == STATUS_LOST) { /* some of it may have been sent, whatever failed */
        pg_session_break(session, STATUS_LOST, "no answer to COMMIT", NULL);
        error_clear(&why);
        status = pg_outcome_find(session, timeout_ms, stopped, err);
    }
    error_move(err, &why);
    pg_request_drop(request);
    return status;
}

/* A transaction that only read needs no answer, save a serializable one, whose reads hold only
 * when it commits, and one in which SQL of the user's may have written. */
static bool commit_matters(const struct pg_session *session) {
    const struct pg_transaction *transaction = &session->transaction;

    return transaction->wrote || session->user_sql ||
           transaction->isolation == ISOLATION_SERIALIZABLE;
}

/* A FETCH sent ahead that failed behind COMMIT's back would make a ROLLBACK of it. */
static enum status settle_scans(struct pg_session *session, struct error *err) {
    for (const struct pg_request *at = session->first; at != NULL; at = at->next) {
        if (at->guarded) {
            pg_session_settle(session);
            break;
        }
    }
    return pg_session_check(session, err);
}

/* SQL of the user's that was committed may have changed settings for good, or taken prepared
 * statements away: what writes could not be sent again. */
static void settle_again(struct pg_session *session) {
    struct pg_request *request = NULL;

    if (session->shared || session->base.broken) {
        return;
    }
    pg_prepared_clear(session);
    session->definition_prepared = false;
    if (pg_request_create(session, &request, NULL) != STATUS_OK ||
            pg_request_add_text(request, "DEALLOCATE ALL", NULL) != STATUS_OK ||
            pg_request_add_text(request, session->settings, NULL) != STATUS_OK ||
            pg_request_send(request, NULL) != STATUS_OK) {
        pg_session_break(session, STATUS_LOST, "settings could not be made again", NULL);
    }
    pg_request_drop(request);
}

enum status pg_commit(struct session *base, int64_t timeout_ms, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    struct statement_record record = { .sql = "COMMIT" };
    int64_t trips = base->counts.round_trips;
    double start = pg_now_ms();
    struct error why = { 0 };
    enum status status;
    bool user_sql;

    if (!session->transaction.sent || (!commit_matters(session) && !base->broken)) {
        pg_rollback(base);
        return STATUS_OK;
    }
    status = pg_session_check(session, &why);
    if (status == STATUS_OK && session->transaction.identity != NULL) {
        status = pg_request_wait(session->transaction.identity, &why);
    }
    if (status == STATUS_OK) {
        identity_take(&session->transaction);
        status = settle_scans(session, &why);
    }
    if (status == STATUS_OK) {
        status = commit_send(session, timeout_ms, &why);
    }
    record.ms = pg_now_ms() - start;
    record.round_trips = base->counts.round_trips - trips;
    record.error = status != STATUS_OK ? why.message : NULL;
    pg_log(session, &record);
    error_move(err, &why);
    user_sql = session->user_sql;
    pg_rollback(base);
    if (user_sql) {
        settle_again(session);
    }
    return status;
}
