/* What became of a transaction whose COMMIT was not answered: a connection of its own asks the
 * server for the fate of the transaction's number. Nothing is ever sent again. */
#include "drivers/postgres/wire.h"

#include "base/process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ASK_AGAIN_MS = 50, HURRY_MS = 150, UNKNOWN_WORDS_BYTES = 160 };

struct outcome {
    const struct pg_session *lost;
    double until_ms;
    bool heeds;                    /* the host may still stop it */
    char why[UNKNOWN_WORDS_BYTES]; /* it cannot be told */
};

enum fate { FATE_UNKNOWN, FATE_COMMITTED, FATE_ABORTED, FATE_OPEN };

static const struct {
    const char *word;
    enum fate fate;
} fates[] = {
    { "committed", FATE_COMMITTED },
    { "aborted", FATE_ABORTED },
    { "in progress", FATE_OPEN },
};

/* A server that was started since, or another one that took its place, may have given the
 * number to somebody else: then even "committed" says nothing of this transaction. */
static enum fate fate_read(struct outcome *outcome, const PGresult *answer) {
    if (PQntuples(answer) != 1 || PQgetisnull(answer, 0, 0)) {
        snprintf(outcome->why, sizeof(outcome->why), "the server no longer knows");
        return FATE_UNKNOWN;
    }
    if (strcmp(PQgetvalue(answer, 0, 1), outcome->lost->transaction.server) != 0) {
        snprintf(outcome->why, sizeof(outcome->why), "the server has been started anew");
        return FATE_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++) {
        if (strcmp(PQgetvalue(answer, 0, 0), fates[i].word) == 0) {
            return fates[i].fate;
        }
    }
    return FATE_UNKNOWN;
}

/* One question on a session that is open. */
static enum fate fate_ask(
        struct outcome *outcome, struct pg_session *session, struct error *err) {
    const char *values[] = { outcome->lost->transaction.id };
    struct pg_command command = {
        .sql = "SELECT pg_catalog.txid_status($1::pg_catalog.int8), "
               "pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time())"
               "::pg_catalog.text",
        .values = values,
        .count = 1,
    };
    struct pg_request *request = NULL;
    enum fate fate = FATE_UNKNOWN;
    enum status status = pg_request_create(session, &request, err);

    if (status != STATUS_OK) {
        return FATE_OPEN;
    }
    status = pg_request_add(request, &command, err);
    if (status == STATUS_OK) {
        status = pg_request_send(request, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_finish(request, false, err);
    }
    fate = status == STATUS_OK ? fate_read(outcome, request->result) : FATE_OPEN;
    pg_request_drop(request);
    return fate;
}

/* A host that was interrupted before stays so for this statement: that is no reason to leave it
 * without an answer that is quick to have. Then the session has no host. */
static enum status ask_open(
        struct outcome *outcome, struct pg_session *session, struct error *err) {
    enum status status;

    session->base.driver = outcome->lost->base.driver;
    session->base.owner = process_id();
    if (outcome->heeds) {
        session->base.host = outcome->lost->base.host;
        session->base.host.logged = NULL;
    }
    session->connect_timeout_ms = (int64_t)(outcome->until_ms - pg_now_ms());
    text_init(&session->notices, PG_NOTICES_BYTES_MAX);
    if (session->connect_timeout_ms <= 0) {
        return error_set(err, STATUS_TIMEOUT, "no time is left");
    }
    status = pg_connect(session, outcome->lost->place, err);
    if (status == STATUS_OK && (PQsetnonblocking(session->connection, 1) != 0 ||
                                       !PQenterPipelineMode(session->connection))) {
        status = pg_connect_error(PQerrorMessage(session->connection), err);
    }
    session->deadline_ms = outcome->until_ms;
    return status;
}

/* Connects and asks until the fate is known; FATE_OPEN: the connection failed. */
static enum fate fate_find(struct outcome *outcome) {
    struct pg_session *session = memory_alloc(sizeof(*session));
    struct error err = { 0 };
    enum fate fate = FATE_OPEN;

    if (session == NULL) {
        return FATE_OPEN;
    }
    if (ask_open(outcome, session, &err) == STATUS_OK) {
        do {
            fate = fate_ask(outcome, session, &err);
            if (fate == FATE_OPEN) {
                usleep(ASK_AGAIN_MS * 1000);
            }
        } while (fate == FATE_OPEN && !session->base.broken && pg_now_ms() < outcome->until_ms);
    }
    if (fate == FATE_OPEN) {
        snprintf(outcome->why, sizeof(outcome->why), "%.*s", UNKNOWN_WORDS_BYTES - 1,
                err.status != STATUS_OK ? err.message : "the server has not ended it");
    }
    if (err.status == STATUS_CANCELLED) {
        outcome->until_ms = 0;
    }
    error_clear(&err);
    pg_close(&session->base);
    return fate;
}

static enum status unknown(const struct outcome *outcome, struct error *err) {
    const char *id = outcome->lost->transaction.id;
    enum status status = error_set(err, STATUS_OUTCOME_UNKNOWN,
            "commit outcome unknown: the connection was lost after COMMIT was sent, "
            "transaction %s, %s",
            id[0] != '\0' ? id : "without a number", outcome->why);

    error_explain(err, NULL, outcome->lost->lost.message,
            "SELECT txid_status(number) on the server tells whether it was committed.");
    return status;
}

enum status pg_outcome_find(
        struct pg_session *lost, int64_t timeout_ms, bool hurry, struct error *err) {
    struct outcome outcome = {
        .lost = lost,
        .until_ms =
                pg_now_ms() + (double)(hurry && timeout_ms > HURRY_MS ? HURRY_MS : timeout_ms),
        .heeds = !hurry,
        .why = "which the server had not told yet",
    };
    enum fate fate = FATE_OPEN;

    if (lost->transaction.id[0] == '\0') {
        return unknown(&outcome, err);
    }
    while (fate == FATE_OPEN && pg_now_ms() < outcome.until_ms) {
        fate = fate_find(&outcome);
        if (fate == FATE_OPEN) {
            usleep(ASK_AGAIN_MS * 1000);
        }
    }
    switch (fate) {
    case FATE_COMMITTED:
        return STATUS_OK;
    case FATE_ABORTED:
        error_set(err, STATUS_LOST, "transaction was not committed: %s", lost->lost.message);
        error_explain(err, lost->lost.sqlstate, lost->lost.detail, lost->lost.hint);
        return STATUS_LOST;
    default:
        return unknown(&outcome, err);
    }
}
