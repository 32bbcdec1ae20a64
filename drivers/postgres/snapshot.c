/* One state of the remote for all scans of a statement: a READ ONLY transaction that begins
 * with the first of them and ends without anybody waiting for it. */
#include "drivers/postgres/prepared.h"

#include <stdio.h>

enum { FETCH_GRACE_MS = 10 };

enum status pg_begin(
        struct session *base, const struct transaction_options *options, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    enum status status = pg_session_check(session, err);

    if (status == STATUS_OK) {
        session->transaction.writes = options->writes;
        session->transaction.isolation = options->isolation;
        session->snapshot_wanted = true;
        session->snapshot_own = false;
        session->idle_ms =
                options->writes ? 0 : options->idle_ms; /* a host may take its time */
    }
    return status;
}

static const char begin_sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
static const char end_sql[] = "COMMIT";

enum status pg_snapshot_end(struct pg_request *request, struct error *err) {
    return pg_prepared_add_text(request, end_sql, err);
}

void pg_snapshot_ended(struct pg_session *session, bool worked) {
    if (session->snapshot_lone) {
        session->snapshot_lone = false;
        session->snapshot_open = false;
    } else if (worked) {
        session->snapshot_open = false;
        pg_prepared_worked(session, begin_sql);
        pg_prepared_worked(session, end_sql);
    }
}

static void snapshot_begun(struct pg_session *session) {
    error_clear(&session->spoilt);
    session->snapshot_open = true;
    session->snapshot_began_ms = pg_now_ms();
    session->held_since_ms = session->snapshot_began_ms;
    if (!session->snapshot_wanted) {
        session->snapshot_wanted = true;
        session->snapshot_own = true;
        session->idle_ms = 0;
    }
}

void pg_snapshot_be_lone(struct pg_session *session) {
    snapshot_begun(session);
    session->snapshot_lone = true;
}

/* False: the session has it already. */
static bool snapshot_idle_sql(const struct pg_session *session, char *sql, size_t sql_bytes) {
    snprintf(sql, sql_bytes, "SET LOCAL idle_in_transaction_session_timeout = %lld",
            (long long)session->idle_ms);
    return session->idle_ms != session->idle_set_ms;
}

enum status pg_snapshot_enter(
        struct pg_session *session, struct pg_request *request, struct error *err) {
    char idle_sql[96];
    enum status status;

    if (session->snapshot_open) {
        return pg_transaction_enter(session, request, err);
    }
    session->snapshot_open = true; /* before the request: it begins with BEGIN */
    session->transaction.sent = session->transaction.writes;
    status = pg_prepared_add_text(request,
            session->transaction.writes ? pg_transaction_begin_sql(session) : begin_sql, err);
    if (status == STATUS_OK) {
        status = pg_settings_enter(session, request, err);
    }
    if (status != STATUS_OK) {
        return status; /* what was queued cannot be taken back: the caller drops the session */
    }
    snapshot_begun(session);
    if (snapshot_idle_sql(session, idle_sql, sizeof(idle_sql))) {
        status = pg_request_add_text(request, idle_sql, err);
    }
    return status == STATUS_OK ? pg_transaction_enter(session, request, err) : status;
}

void pg_snapshot_append(struct pg_session *session, struct text *sql) {
    char idle_sql[96];

    if (!session->snapshot_open) {
        text_printf(sql, "%s; ", begin_sql);
        snapshot_begun(session);
        if (snapshot_idle_sql(session, idle_sql, sizeof(idle_sql))) {
            text_printf(sql, "%s; ", idle_sql);
        }
    }
}

/* A statement that fails ends the transaction, and with it the cursors of statements that have
 * nothing to do with it; a savepoint keeps them. It costs little beside a FETCH, and nothing
 * where a scan is alone. In a transaction that writes it keeps what was written. */
enum status pg_snapshot_guard(
        struct pg_session *session, struct pg_request *request, struct error *err) {
    if (!session->snapshot_open || (session->open_scans < 2 && !session->transaction.writes)) {
        return STATUS_OK;
    }
    request->guarded = true;
    return pg_request_add_text(request, "SAVEPOINT g", err);
}

enum status pg_snapshot_release(struct pg_request *request, struct error *err) {
    return request->guarded ? pg_request_add_text(request, "RELEASE SAVEPOINT g", err)
                            : STATUS_OK;
}

void pg_snapshot_undo(struct pg_session *session) {
    struct pg_request *request = NULL;

    /* Without it the snapshot stays failed for all who share it, and they are told. */
    if (session->snapshot_open && pg_request_create(session, &request, NULL) == STATUS_OK) {
        if (pg_request_add_text(request, "ROLLBACK TO SAVEPOINT g", NULL) == STATUS_OK &&
                pg_request_add_text(request, "RELEASE SAVEPOINT g", NULL) == STATUS_OK) {
            pg_request_send(request, NULL);
            session->undone++;
            error_clear(&session->spoilt);
        }
        pg_request_drop(request);
    }
}

static bool only_brief_ones(const struct pg_session *session) {
    const struct pg_request *request = session->first;

    while (request != NULL && request->brief) {
        request = request->next;
    }
    return request == NULL;
}

/* A FETCH sent ahead may still run, and nobody wants its rows. It gets the time that a quick
 * one needs; then it is cancelled, so that nothing of ours goes on running. */
void pg_session_settle(struct pg_session *session) {
    double until = pg_now_ms() + FETCH_GRACE_MS + 2 * session->base.latency_ms;

    while (pg_session_read(session, NULL) == STATUS_OK && !only_brief_ones(session)) {
        if (pg_now_ms() >= until) {
            pg_session_cancel(session);
            return;
        }
        pg_session_poll(session, FETCH_GRACE_MS);
    }
}

void pg_finish(struct session *base) {
    struct pg_session *session = pg_session_from(base);
    /* Nothing was written, so the two differ only in what becomes of settings that a function
     * in a statement of the user's may have changed. */
    const char *sql = session->user_sql ? "ROLLBACK" : end_sql;
    struct pg_request *request = NULL;

    session->snapshot_wanted = false;
    session->snapshot_own = false;
    session->user_sql_before |= session->user_sql;
    session->user_sql = false;
    if (!session->snapshot_open || pg_session_check(session, NULL) != STATUS_OK) {
        return;
    }
    pg_session_settle(session);
    if (session->snapshot_lone) {
        pg_snapshot_ended(session, false);
        return;
    }
    if (pg_request_create(session, &request, NULL) != STATUS_OK ||
            pg_request_add_text(request, sql, NULL) != STATUS_OK ||
            pg_request_send(request, NULL) != STATUS_OK) {
        /* Without its end the snapshot would live on under the next statement. */
        pg_session_break(session, STATUS_LOST, "snapshot could not be ended", NULL);
    }
    session->snapshot_open = false;
    pg_request_drop(request);
}
