/* A COPY on a session: out of pipeline mode for as long as its answer lasts, its messages one
 * by one, and out of the way when somebody else needs the session. */
#include "drivers/postgres/copy.h"

#include <string.h>

/* Nothing else may be under way: what comes next is told apart by nothing. */
static enum status session_settle(struct pg_session *session, struct error *err) {
    struct pg_wait waiting = pg_wait_begin(session, pg_now_ms());
    enum status status = pg_session_read(session, err);

    while (status == STATUS_OK && session->first != NULL) {
        status = pg_session_wait(session, &waiting, err);
        if (status == STATUS_OK) {
            status = pg_session_read(session, err);
        }
    }
    return status;
}

enum status pg_copy_send(struct pg_request *request, const char *sql, struct error *err) {
    struct pg_session *session = request->session;
    enum status status = session_settle(session, err);
    double start = pg_now_ms();

    if (status != STATUS_OK) {
        return status;
    }
    if (!PQexitPipelineMode(session->connection) || !PQsendQuery(session->connection, sql) ||
            PQflush(session->connection) < 0) {
        return pg_session_failed(session, err);
    }
    session->base.counts.bytes_out += (int64_t)strlen(sql);
    request->copy = true;
    request->command_count = 1;
    session->first = request;
    session->last = request;
    request->trip = session->base.counts.round_trips;
    request->waited_ms = pg_now_ms() - start;
    return STATUS_OK;
}

/* ---- reading ------------------------------------------------------------------------------
 */

static enum status copy_ended(struct pg_request *request, struct error *err) {
    struct pg_session *session = request->session;

    if (!PQenterPipelineMode(session->connection)) {
        return pg_session_failed(session, err);
    }
    pg_request_end(request);
    return STATUS_OK;
}

static enum status copy_result(
        struct pg_request *request, PGresult *result, struct error *err) {
    struct pg_session *session = request->session;

    if (PQresultStatus(result) == PGRES_COPY_OUT || PQresultStatus(result) == PGRES_COPY_IN) {
        request->copying = !request->feeds;
        request->feeding = request->feeds;
        pg_request_answered(request);
        PQclear(result);
        return STATUS_OK;
    }
    pg_request_take(request, result);
    return PQstatus(session->connection) == CONNECTION_BAD ? pg_session_failed(session, err)
                                                           : STATUS_OK;
}

/* Of what has come: a message (given: PQfreemem), or none yet, or the end, when the request is
 * not in the session's queue any more. */
static enum status copy_take(
        struct pg_session *session, char **message, int *length, struct error *err) {
    struct pg_request *request = session->first;
    enum status status = STATUS_OK;

    *length = 0;
    while (status == STATUS_OK && session->first == request && !request->feeding) {
        if (request->copying) {
            *length = PQgetCopyData(session->connection, message, 1);
            if (*length >= 0) {
                session->base.counts.bytes_in += *length;
                request->bytes += *length;
                return STATUS_OK;
            }
            request->copying = false; /* the result behind it tells how it ended */
            if (*length < -1) {
                *length = 0;
                return pg_session_failed(session, err);
            }
            *length = 0;
        } else if (PQisBusy(session->connection)) {
            return STATUS_OK;
        } else {
            PGresult *result = PQgetResult(session->connection);

            status = result != NULL ? copy_result(request, result, err)
                                    : copy_ended(request, err);
        }
    }
    return status;
}

/* A scan that still wants its rows finds them in the file; without one they are let go. */
static enum status copy_put_aside(
        struct pg_request *request, char *message, int length, struct error *err) {
    enum status status = STATUS_OK;

    if (request->held && request->spill != NULL) {
        status = pg_spill_write(request->spill, message, (size_t)length, err);
    }
    PQfreemem(message);
    return status;
}

enum status pg_copy_read(struct pg_session *session, struct error *err) {
    struct pg_request *request = session->first;
    int readable = PQconsumeInput(session->connection), length = 0;
    char *message = NULL;
    enum status status;

    do {
        status = copy_take(session, &message, &length, err);
        if (status == STATUS_OK && length > 0) {
            status = copy_put_aside(request, message, length, err);
        }
    } while (status == STATUS_OK && length > 0);
    if (status == STATUS_OK && !readable && session->first == request) {
        return pg_session_failed(session, err);
    }
    return status;
}

enum status pg_copy_out_of_the_way(struct pg_session *session, struct error *err) {
    struct pg_request *request = session->first;
    struct pg_wait waiting = pg_wait_begin(session, pg_now_ms());
    bool reads = !request->feeds;
    enum status status = STATUS_OK;

    if (request->feeds) {
        pg_copy_in_close(request, NULL);
    } else if (request->spill == NULL) {
        status = pg_spill_create(&request->spill, err);
    }
    while (status == STATUS_OK && session->first == request) {
        status = pg_session_read(session, err);
        if (status == STATUS_OK && session->first == request) {
            status = pg_session_wait(session, &waiting, err);
        }
    }
    session->interleaved = session->interleaved || reads;
    if (status != STATUS_OK && session->first == request) {
        request->cut = true; /* its rows are not whole any more */
        pg_session_cancel(session);
    }
    return status;
}

/* One look at the wire. */
static enum status copy_look(struct pg_request *request, int *length, struct error *err) {
    struct pg_session *session = request->session;
    enum status status = copy_take(session, &request->message, length, err);

    if (status == STATUS_OK && *length == 0 && !request->done) {
        int readable = PQconsumeInput(session->connection);

        status = copy_take(session, &request->message, length, err);
        if (status == STATUS_OK && *length == 0 && !request->done && !readable) {
            status = pg_session_failed(session, err);
        }
    }
    return status;
}

enum status pg_copy_next(struct pg_request *request, bool wait, const char **bytes,
        size_t *length, struct error *err) {
    struct pg_wait waiting = { 0 };
    double start = 0;
    enum status status = STATUS_OK;
    int got = 0;

    PQfreemem(request->message);
    request->message = NULL;
    if (request->cut) {
        return error_set(err, STATUS_REMOTE, "rows could not be put aside for another query");
    }
    if (request->spill != NULL) {
        return pg_spill_read(request->spill, bytes, length, err);
    }
    while (status == STATUS_OK && !request->done) {
        status = copy_look(request, &got, err);
        if (status != STATUS_OK || got > 0 || request->done || !wait) {
            break;
        }
        if (start <= 0) {
            start = pg_now_ms();
            waiting = pg_wait_begin(request->session, start);
        }
        status = pg_session_wait(request->session, &waiting, err);
    }
    request->waited_ms += start > 0 ? pg_now_ms() - start : 0;
    *bytes = request->message;
    *length = (size_t)got;
    return status;
}
