/* Sending requests and reading their answers, without ever blocking in libpq; see wire.h. */
#include "drivers/postgres/wire.h"

#include "base/process.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double pg_now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- the session's end --------------------------------------------------------------------
 */

static enum status session_lost(const struct pg_session *session, struct error *err) {
    enum status status = error_set(err, session->lost.status, "%s", session->lost.message);

    error_explain(err, session->lost.sqlstate, session->lost.detail, session->lost.hint);
    return status;
}

enum status pg_session_check(struct pg_session *session, struct error *err) {
    if (session->base.broken) {
        return session_lost(session, err);
    }
    if (session->base.owner != process_id()) {
        return error_set(
                err, STATUS_LOST, "connection to server belongs to the process that opened it");
    }
    return STATUS_OK;
}

enum status pg_session_break(
        struct pg_session *session, enum status status, const char *reason, struct error *err) {
    /* What the server itself said before the end is kept already and knows better. */
    if (!session->base.broken) {
        error_set(&session->lost, status, "connection to server was lost: %s", reason);
        session->base.broken = true;
        PQfinish(session->connection);
        session->connection = NULL;
        session->snapshot_open = false;
        session->snapshot_lone = false;
    }
    while (session->first != NULL) {
        struct pg_request *request = session->first;

        session->first = request->next;
        request->next = NULL;
        request->done = true;
        request->lost = true;
        if (!request->held) {
            pg_request_drop(request);
        }
    }
    session->last = NULL;
    return session_lost(session, err);
}

enum status pg_session_failed(struct pg_session *session, struct error *err) {
    char line[ERROR_MESSAGE_BYTES];

    pg_message_line(PQerrorMessage(session->connection), line, sizeof(line));
    return pg_session_break(session, STATUS_LOST, line, err);
}

/* ---- requests -----------------------------------------------------------------------------
 */

enum status pg_request_create(
        struct pg_session *session, struct pg_request **out, struct error *err) {
    enum status status = pg_session_check(session, err);

    if (status == STATUS_OK && session->first != NULL && session->first->copy) {
        status = pg_copy_out_of_the_way(session, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    *out = memory_alloc(sizeof(**out));
    if (*out == NULL) {
        return error_nomem(err);
    }
    (*out)->session = session;
    (*out)->held = true;
    return STATUS_OK;
}

/* A command is in libpq's queue, or libpq failed and nobody knows how far it came. */
static enum status request_added(struct pg_request *request, int accepted, struct error *err) {
    struct pg_session *session = request->session;

    if (!accepted) {
        return pg_session_failed(session, err);
    }
    request->command_count++;
    if (request->command_count == 1) {
        if (session->last != NULL) {
            session->last->next = request;
        } else {
            session->first = request;
        }
        session->last = request;
    }
    return STATUS_OK;
}

/* Before a command: where the session is shared, a request outside a transaction begins with
 * the settings. Nobody has forked since the request was made. */
static enum status request_begin(struct pg_request *request, struct error *err) {
    struct pg_session *session = request->session;
    enum status status = session->base.broken ? session_lost(session, err) : STATUS_OK;

    if (status == STATUS_OK && session->shared && !session->snapshot_open &&
            request->command_count == 0 && !request->settled) {
        request->settles = true;
        status = pg_settings_enter(session, request, err);
    }
    return status;
}

/* pgpool spreads statements that only read over a primary and its replicas, each by itself:
 * what a transaction reads would be of several states, and what set_config() made, the role
 * among it, would hold on one of them. It cannot be recognised with certainty; its own comment
 * keeps a statement at the primary, and costs others nothing. */
static enum status request_text(
        struct pg_session *session, const char *sql, struct text *text, struct error *err) {
    const char *stay = strncmp(sql, "SELECT", 6) == 0 ? "/*NO LOAD BALANCE*/ " : "";

    text_init(text, TEXT_SQL_BYTES_MAX);
    text_printf(text, "%s%s", stay, sql);
    session->base.counts.bytes_out += (int64_t)strlen(sql);
    return text_status(text, err);
}

enum status pg_request_add(
        struct pg_request *request, const struct pg_command *command, struct error *err) {
    struct pg_session *session = request->session;
    enum status status = request_begin(request, err);
    struct text sql;

    if (status != STATUS_OK) {
        return status;
    }
    if (command->count > PG_PARAMETERS_MAX) {
        return error_set(err, STATUS_TOO_BIG, "statement has more than %d parameters",
                PG_PARAMETERS_MAX);
    }
    for (size_t i = 0; i < command->count; i++) {
        bool binary = command->formats != NULL && command->formats[i] != 0;

        if (command->values[i] != NULL) {
            session->base.counts.bytes_out +=
                    binary ? command->lengths[i] : (int64_t)strlen(command->values[i]);
        }
    }
    if (command->prepared) {
        session->base.counts.bytes_out += (int64_t)strlen(command->sql);
        return request_added(request,
                PQsendQueryPrepared(session->connection, command->sql, (int)command->count,
                        command->values, command->lengths, command->formats, command->binary),
                err);
    }
    status = request_text(session, command->sql, &sql, err);
    if (status == STATUS_OK) {
        status = request_added(request,
                PQsendQueryParams(session->connection, text_get(&sql), (int)command->count,
                        command->types, command->values, command->lengths, command->formats,
                        command->binary),
                err);
    }
    text_clear(&sql);
    return status;
}

enum status pg_request_add_text(
        struct pg_request *request, const char *sql, struct error *err) {
    struct pg_command command = { .sql = sql };

    return pg_request_add(request, &command, err);
}

enum status pg_request_prepare(
        struct pg_request *request, const char *name, const char *sql, struct error *err) {
    struct pg_session *session = request->session;
    enum status status = request_begin(request, err);
    struct text text;

    if (status != STATUS_OK) {
        return status;
    }
    status = request_text(session, sql, &text, err);
    if (status == STATUS_OK) {
        status = request_added(request,
                PQsendPrepare(session->connection, name, text_get(&text), 0, NULL), err);
    }
    text_clear(&text);
    return status;
}

enum status pg_request_describe(
        struct pg_request *request, const char *sql, struct error *err) {
    enum status status = pg_request_prepare(request, "", sql, err);

    return status == STATUS_OK
                   ? request_added(request,
                             PQsendDescribePrepared(request->session->connection, ""), err)
                   : status;
}

enum status pg_request_send(struct pg_request *request, struct error *err) {
    struct pg_session *session = request->session;
    enum status status = session->base.broken ? session_lost(session, err) : STATUS_OK;

    request->sent_ms = pg_now_ms();
    if (status != STATUS_OK) {
        return status;
    }
    assert(request->command_count > 0); /* ensured by callers: a Sync alone is no request */
    if (!PQpipelineSync(session->connection) || PQflush(session->connection) < 0) {
        return pg_session_failed(session, err);
    }
    request->trip = session->base.counts.round_trips;
    request->waited_ms = pg_now_ms() - request->sent_ms; /* it may have answered by now */
    return STATUS_OK;
}

void pg_request_drop(struct pg_request *request) {
    if (request == NULL) {
        return;
    }
    PQclear(request->result);
    PQclear(request->second);
    PQclear(request->failure);
    PQfreemem(request->message);
    pg_spill_destroy(request->spill);
    request->result = NULL;
    request->second = NULL;
    request->failure = NULL;
    request->message = NULL;
    request->spill = NULL;
    request->held = false;
    /* One that never got a command is in no queue; one that is in the queue is freed by reading
     * its answer, since what comes must be told apart from the answers behind it. */
    if (request->done || request->command_count == 0) {
        memory_free(request);
    }
}

/* ---- reading ------------------------------------------------------------------------------
 */

/* The server says why before it closes the connection; and where one prepared statement is
 * gone, somebody took all of them away. */
static void session_note_failure(struct pg_session *session, const PGresult *result) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct error reason = { 0 };

    if (sqlstate != NULL && strcmp(sqlstate, "26000") == 0) {
        pg_prepared_clear(session);
        session->definition_prepared = false;
    }
    if (pg_result_error(result, false, &reason) == STATUS_LOST) {
        error_move(&session->lost, &reason);
    } else if (session->spoilt.status == STATUS_OK && !pg_result_is_aborted(result)) {
        error_move(&session->spoilt, &reason);
    }
    error_clear(&reason);
}

void pg_request_answered(struct pg_request *request) {
    struct session_counts *counts = &request->session->base.counts;

    if (request->trip >= counts->round_trips) {
        counts->round_trips = request->trip + 1;
    }
}

static void request_done(struct pg_session *session, struct pg_request *request) {
    session->first = request->next;
    if (session->first == NULL) {
        session->last = NULL;
    }
    request->next = NULL;
    request->done = true;
    pg_request_answered(request);
    if (!request->held) {
        pg_request_drop(request);
    }
}

/* Rows are kept in preference to the mere success of a command behind them. */
static void request_keep(struct pg_request *request, PGresult *result) {
    bool rows = request->result != NULL && PQresultStatus(request->result) == PGRES_TUPLES_OK;

    if (rows && PQresultStatus(result) == PGRES_COMMAND_OK) {
        PQclear(result);
        return;
    }
    if (rows && request->both) {
        PQclear(request->second);
        request->second = result;
        return;
    }
    PQclear(request->result);
    request->result = result;
}

void pg_request_end(struct pg_request *request) {
    struct pg_session *session = request->session;
    bool undo = request->undo;

    request_done(session, request);
    if (undo) {
        pg_snapshot_undo(session);
    }
}

/* Only INSERT, UPDATE, DELETE and the like affect rows; what FETCH gives is no news. */
static void request_count_rows(struct pg_request *request, PGresult *result) {
    const char *rows = PQcmdTuples(result);

    if (strncmp(PQcmdStatus(result), "SELECT", 6) == 0) {
        request->selected += strtoll(rows, NULL, 10);
    } else if (rows[0] != '\0' && strncmp(PQcmdStatus(result), "FETCH", 5) != 0) {
        request->affected += strtoll(rows, NULL, 10);
        request->uneven += strcmp(rows, "1") != 0;
    }
}

void pg_request_take(struct pg_request *request, PGresult *result) {
    struct pg_session *session = request->session;
    int64_t bytes = (int64_t)PQresultMemorySize(result);

    request->bytes += bytes;
    session->base.counts.bytes_in += bytes;
    request_count_rows(request, result);
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        PQclear(result);
        pg_request_end(request);
        return;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (request->held && !(request->settles && request->answered == 0)) {
            request_keep(request, result);
            return;
        }
        break;
    case PGRES_PIPELINE_ABORTED: /* the one that failed came before it */
        break;
    default:
        session_note_failure(session, result);
        /* Where the savepoint itself was refused there is none to go back to. */
        request->undo = request->guarded && !pg_result_is_aborted(result);
        if (request->held && request->failure == NULL) {
            request->failure = result;
            return;
        }
    }
    PQclear(result);
}

enum status pg_session_read(struct pg_session *session, struct error *err) {
    enum status status = pg_session_check(session, err);
    int readable;

    if (status != STATUS_OK || session->first == NULL) {
        return status;
    }
    if (session->first->copy) {
        return pg_copy_read(session, err);
    }
    /* Results that came before the connection's end are still to be had when this fails. */
    readable = PQconsumeInput(session->connection);
    while (session->first != NULL && !PQisBusy(session->connection)) {
        PGresult *result = PQgetResult(session->connection);

        if (result != NULL) {
            pg_request_take(session->first, result);
        } else {
            session->first->answered++;
            if (session->first->answered > session->first->command_count) {
                break; /* nothing more will come: the connection has ended */
            }
        }
        if (PQstatus(session->connection) == CONNECTION_BAD) {
            return pg_session_failed(session, err);
        }
    }
    if (!readable || (session->first != NULL && !PQisBusy(session->connection))) {
        return pg_session_failed(session, err);
    }
    return STATUS_OK;
}

enum status pg_session_look(struct pg_session *session, struct error *err) {
    struct pollfd wire = { .events = POLLIN };
    enum status status = pg_session_read(session, err);

    if (status != STATUS_OK || session->first != NULL) {
        return status;
    }
    wire.fd = PQsocket(session->connection);
    while (poll(&wire, 1, 0) > 0) {
        if (!PQconsumeInput(session->connection)) {
            return pg_session_failed(session, err);
        }
    }
    PQisBusy(session->connection); /* looks at what came: pg_notice_received() keeps a FATAL */
    return session->lost.status == STATUS_OK ? STATUS_OK : pg_session_failed(session, err);
}

enum status pg_request_finish(struct pg_request *request, bool generated, struct error *err) {
    enum status status = pg_request_wait(request, err);

    if (status != STATUS_OK) {
        return status;
    }
    if (request->failure != NULL) {
        status = pg_result_error(request->failure, generated, err);
        if (pg_result_is_aborted(request->failure)) { /* whoever failed may not have looked */
            const char *why = request->session->spoilt.message;

            error_explain(err, NULL, why[0] != '\0' ? why : NULL, "run the statement again");
        }
        return status == STATUS_LOST
                       ? pg_session_break(request->session, status, "the server ended it", NULL)
                       : status;
    }
    return request->result == NULL
                   ? error_set(err, STATUS_PROTOCOL, "server gave no answer to a statement")
                   : STATUS_OK;
}
