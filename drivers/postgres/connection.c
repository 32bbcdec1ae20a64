/* One session from its opening to its end, and its log. connect.c reaches the server,
 * settings.c makes what has to hold. */
#include "drivers/postgres/wire.h"

#include "base/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SERVER_VERSION_MIN = 120000 };

/* ---- log ----------------------------------------------------------------------------------
 */

void pg_log(struct pg_session *session, const struct statement_record *record) {
    struct statement_record complete = *record;

    session->base.counts.statements++;
    session->base.counts.rows += record->rows;
    if (session->notices.length > 0) {
        complete.notices = text_get(&session->notices);
    }
    if (session->base.host.logged != NULL) {
        session->base.host.logged(session->base.host.context, &complete);
    }
    text_clear(&session->notices);
}

/* Notices are kept for the log, never printed. The reason why the server ends a connection that
 * was idle comes as a notice of level FATAL. */
void pg_notice_received(void *context, const PGresult *result) {
    struct pg_session *session = context;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (message == NULL) {
        message = PQresultErrorMessage(result);
    }
    if (severity != NULL &&
            (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) {
        error_set(&session->lost, STATUS_LOST, "connection to server was lost: %s", message);
        error_explain(&session->lost, PQresultErrorField(result, PG_DIAG_SQLSTATE),
                PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
                PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    }
    if (session->notices.length + strlen(message) + 16 < PG_NOTICES_BYTES_MAX) {
        text_printf(&session->notices, "%s%s: %s", session->notices.length > 0 ? "\n" : "",
                severity != NULL ? severity : "NOTICE", message);
    }
}

/* ---- the server ------------------------------------------------------------------------- */

static enum status connect_check(struct pg_session *session, struct error *err) {
    const char *version = PQparameterStatus(session->connection, "server_version");
    const char *encoding = PQparameterStatus(session->connection, "server_encoding");

    if (PQserverVersion(session->connection) < SERVER_VERSION_MIN) {
        return error_set(err, STATUS_UNSUPPORTED,
                "server is PostgreSQL %s, but version 12 or later is needed",
                version != NULL ? version : "of an unknown version");
    }
    snprintf(session->base.server_version, sizeof(session->base.server_version), "%.*s",
            version != NULL ? (int)strcspn(version, " ") : 0, version != NULL ? version : "");
    session->utf8 = encoding != NULL && strcmp(encoding, "UTF8") == 0;
    session->sql_ascii = encoding != NULL && strcmp(encoding, "SQL_ASCII") == 0;
    if (PQsetnonblocking(session->connection, 1) != 0 ||
            !PQenterPipelineMode(session->connection)) {
        return pg_connect_error(PQerrorMessage(session->connection), err);
    }
    return STATUS_OK;
}

/* ---- opening ------------------------------------------------------------------------------
 */

enum status pg_open(const char *connection, const struct options *options,
        const struct host *host, struct session **out, struct error *err) {
    struct pg_session *session = memory_alloc(sizeof(*session));
    enum status status;

    if (session == NULL) {
        return error_nomem(err);
    }
    session->base.driver = &postgres_driver;
    session->base.host = *host;
    session->base.owner = process_id();
    session->statement_timeout_ms = options_integer(options, "statement_timeout_ms");
    session->connect_timeout_ms = options_integer(options, "connect_timeout_ms");
    session->idle_set_ms = options_integer(options, "idle_snapshot_ms");
    text_init(&session->notices, PG_NOTICES_BYTES_MAX);
    session->place = memory_copy_text(connection);
    status = session->place != NULL ? pg_connect(session, connection, err) : error_nomem(err);
    if (status == STATUS_OK) {
        status = connect_check(session, err);
    }
    if (status == STATUS_OK) {
        status = pg_settings_open(session, options, err);
    }
    if (status != STATUS_OK) {
        pg_close(&session->base);
        return status;
    }
    session->deadline_ms = 0;
    session->base.ends_silently = PQsslInUse(session->connection);
    *out = &session->base;
    return STATUS_OK;
}

/* ---- end ----------------------------------------------------------------------------------
 */

/* A child of fork() shares the socket. Closing it the usual way would say goodbye in the
 * parent's name, so the descriptor is first made to lead nowhere. */
static void close_foreign(struct pg_session *session) {
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nowhere >= 0 && PQsocket(session->connection) >= 0) {
        dup2(nowhere, PQsocket(session->connection));
    }
    if (nowhere >= 0) {
        close(nowhere);
    }
}

void pg_library_version(char *text, size_t bytes) {
    int version = PQlibVersion(); /* 150020 is 15.20 */

    snprintf(text, bytes, "%d.%d", version / 10000, version % 10000);
}

void pg_close(struct session *base) {
    struct pg_session *session = pg_session_from(base);

    if (session == NULL) {
        return;
    }
    if (session->connection != NULL && session->base.owner != process_id()) {
        close_foreign(session);
    }
    pg_session_break(session, STATUS_LOST, "closed", NULL);
    pg_request_drop(session->discarded);
    pg_request_drop(session->reset);
    pg_transaction_clear(&session->transaction);
    pg_prepared_clear(session);
    error_clear(&session->lost);
    error_clear(&session->spoilt);
    memory_free(session->settings);
    text_clear(&session->notices);
    memory_free(session->place);
    memory_free(session);
}

enum status pg_ping(struct session *base, double *ms, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    struct statement_record record = { .sql = "SELECT 1", .round_trips = 1 };
    struct pg_request *request = NULL;
    double start = pg_now_ms();
    enum status status = pg_request_create(session, &request, err);

    if (status != STATUS_OK) {
        return status;
    }
    status = pg_request_add_text(request, record.sql, err);
    if (status == STATUS_OK) {
        status = pg_request_send(request, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_finish(request, false, err);
    }
    record.ms = pg_now_ms() - start;
    if (status == STATUS_OK) {
        *ms = record.ms;
    }
    record.error = status != STATUS_OK && err != NULL ? err->message : NULL;
    pg_log(session, &record);
    pg_request_drop(request);
    return status;
}
