/* One session: opening it, the settings that everything else relies on, the log.
 *
 * What is pinned here is what types.c, dialect.c and decode.c assume about the text forms of
 * values; a setting that could not be made ends the attempt, so that no value is ever read
 * under another one. Unqualified names in the driver's own SQL mean pg_catalog, hence the care
 * for search_path; the user's own path stays behind it, since query= tables need it. */
#include "drivers/postgres/wire.h"

#include "base/sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SERVER_VERSION_MIN = 120000 };

/* Every name here is refused as set.NAME: a value read under another setting would be wrong. */
static const struct {
    const char *name, *value;
} pinned_settings[] = {
    { "DateStyle", "ISO, MDY" },
    { "TimeZone", "UTC" },
    { "IntervalStyle", "postgres" },
    { "extra_float_digits", "1" }, /* shortest form that reads back the same */
    { "bytea_output", "hex" },
    { "standard_conforming_strings", "on" },
    { "lc_monetary", "C" },
    { "synchronize_seqscans", "off" }, /* two scans of one table give one order */
    { "client_encoding", "UTF8" },
};

enum { PINNED_COUNT = sizeof(pinned_settings) / sizeof(pinned_settings[0]) };

/* pg_catalog is searched first unless the path names it later; then it is put in front. The
 * facts come along. */
static const char settle_sql[] =
        "SELECT pg_catalog.set_config('search_path', CASE WHEN pg_catalog.array_position("
        "pg_catalog.current_schemas(false), 'pg_catalog'::pg_catalog.name) "
        "OPERATOR(pg_catalog.>) 1 THEN 'pg_catalog, '::pg_catalog.text "
        "OPERATOR(pg_catalog.||) pg_catalog.current_setting('search_path') "
        "ELSE pg_catalog.current_setting('search_path') END, false), "
        "pg_catalog.has_table_privilege('pg_catalog.pg_stats'::pg_catalog.regclass, 'SELECT'), "
        "pg_catalog.current_setting('statement_timeout') OPERATOR(pg_catalog.<>) '0'";

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

/* ---- settings -----------------------------------------------------------------------------
 */

static enum status settings_add(
        struct pg_request *request, const char *name, const char *value, struct error *err) {
    const char *values[] = { name, value };
    struct pg_command command = {
        .sql = "SELECT pg_catalog.set_config($1, $2, false)", .values = values, .count = 2
    };

    return pg_request_add(request, &command, err);
}

static enum status settings_check(const struct options *options, struct error *err) {
    for (; options != NULL; options = options->parent) {
        for (const struct option_entry *entry = options->first; entry != NULL;
                entry = entry->next) {
            if (strcmp(entry->spec->name, "set.") != 0) {
                continue;
            }
            for (size_t i = 0; i < PINNED_COUNT; i++) {
                if (sqlite3_stricmp(entry->suffix, pinned_settings[i].name) == 0) {
                    return error_set(err, STATUS_USAGE,
                            "option \"set.%s\" cannot be given: values are read under %s = %s",
                            entry->suffix, pinned_settings[i].name, pinned_settings[i].value);
                }
            }
        }
    }
    return STATUS_OK;
}

/* set.NAME=value in the order given, a parent's first, so that the nearest one lasts. */
static enum status settings_add_users(
        struct pg_request *request, const struct options *options, struct error *err) {
    enum status status = STATUS_OK;

    if (options->parent != NULL) {
        status = settings_add_users(request, options->parent, err);
    }
    for (const struct option_entry *entry = options->first;
            entry != NULL && status == STATUS_OK; entry = entry->next) {
        if (strcmp(entry->spec->name, "set.") == 0) {
            status = settings_add(request, entry->suffix, entry->value, err);
        }
    }
    return status;
}

/* A server without an encoding would refuse bytes that are not UTF-8 before decode.c sees them.
 */
static const char *pinned_value(const struct pg_session *session, size_t i) {
    bool encoding = strcmp(pinned_settings[i].name, "client_encoding") == 0;

    return encoding && session->sql_ascii ? "SQL_ASCII" : pinned_settings[i].value;
}

static enum status settings_add_all(
        struct pg_request *request, const struct options *options, struct error *err) {
    const char *role = options_text(options, "role");
    int64_t timeout_ms = options_integer(options, "statement_timeout_ms");
    char timeout_text[24];
    enum status status = STATUS_OK;

    for (size_t i = 0; i < PINNED_COUNT && status == STATUS_OK; i++) {
        status = settings_add(
                request, pinned_settings[i].name, pinned_value(request->session, i), err);
    }
    if (status == STATUS_OK && role != NULL) {
        status = settings_add(request, "role", role, err);
    }
    if (status == STATUS_OK) {
        status = settings_add_users(request, options, err);
    }
    if (status == STATUS_OK && timeout_ms > 0) {
        snprintf(timeout_text, sizeof(timeout_text), "%lld", (long long)timeout_ms);
        status = settings_add(request, "statement_timeout", timeout_text, err);
    }
    /* Here once, and not in every transaction: a lookup is short. */
    snprintf(timeout_text, sizeof(timeout_text), "%lld",
            (long long)request->session->idle_set_ms);
    if (status == STATUS_OK) {
        status =
                settings_add(request, "idle_in_transaction_session_timeout", timeout_text, err);
    }
    return status == STATUS_OK ? pg_request_add_text(request, settle_sql, err) : status;
}

/* All of it is one round trip and one transaction: either every setting holds or none. */
static enum status settings_make(
        struct pg_session *session, const struct options *options, struct error *err) {
    struct pg_request *request = NULL;
    struct error why = { 0 };
    enum status status = settings_check(options, err);

    if (status != STATUS_OK) {
        return status;
    }
    status = pg_request_create(session, &request, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = settings_add_all(request, options, &why);
    if (status == STATUS_OK) {
        status = pg_request_send(request, &why);
    }
    if (status == STATUS_OK) {
        status = pg_request_finish(request, false, &why);
    }
    if (status == STATUS_OK) {
        session->base.latency_ms = request->waited_ms;
        session->stats_readable = strcmp(PQgetvalue(request->result, 0, 1), "t") == 0;
        session->statement_timeout = strcmp(PQgetvalue(request->result, 0, 2), "t") == 0;
    } else if (status == STATUS_LOST) {
        status = error_set(
                err, STATUS_UNREACHABLE, "could not connect to server: %s", why.message);
    } else if (status != STATUS_CANCELLED) {
        status = error_set(err, status, "could not set up the session: %s", why.message);
    }
    error_explain(err, why.sqlstate, why.detail, why.hint);
    error_move(err, &why);
    pg_request_drop(request);
    return status;
}

enum status pg_open(const char *connection, const struct options *options,
        const struct host *host, struct session **out, struct error *err) {
    struct pg_session *session = memory_alloc(sizeof(*session));
    enum status status;

    if (session == NULL) {
        return error_nomem(err);
    }
    session->base.driver = &postgres_driver;
    session->base.host = *host;
    session->owner = getpid();
    session->connect_timeout_ms = options_integer(options, "connect_timeout_ms");
    session->idle_set_ms = options_integer(options, "idle_snapshot_ms");
    text_init(&session->notices, PG_NOTICES_BYTES_MAX);
    status = pg_connect(session, connection, err);
    if (status == STATUS_OK) {
        status = connect_check(session, err);
    }
    if (status == STATUS_OK) {
        status = settings_make(session, options, err);
    }
    if (status != STATUS_OK) {
        pg_close(&session->base);
        return status;
    }
    session->deadline_ms = 0;
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
    if (session->connection != NULL && session->owner != getpid()) {
        close_foreign(session);
    }
    pg_session_break(session, STATUS_LOST, "closed", NULL);
    pg_prepared_clear(session);
    error_clear(&session->lost);
    text_clear(&session->notices);
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
