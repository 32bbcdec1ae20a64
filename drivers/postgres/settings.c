/* What holds in a session: settings that everything else relies on, the user's own, the role.
 *
 * What is pinned here is what types.c, dialect.c and decode.c assume about the text forms of
 * values; a setting that could not be made ends the attempt, so that no value is ever read
 * under another one. Unqualified names in the driver's own SQL mean pg_catalog, hence the care
 * for search_path; the user's own path stays behind it, since query= tables need it.
 *
 * All of it is one SELECT of set_config(), made once. Where the session is the server's own, it
 * is sent at the opening and again before the session is lent to somebody else. Behind a pooler
 * that hands its connections around there is no such thing as a session: then it goes in front
 * of every unit of work (or behind its BEGIN), for that transaction alone, so that nothing
 * another client has left counts, and nothing of ours is left. */
#include "drivers/postgres/wire.h"

#include "base/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

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

/* What another client of a pooler may have left, and what would change an answer: back to what
 * the server, the database or the role say. */
static const char *const defaulted_settings[] = { "role", "search_path", "row_security",
    "statement_timeout", "lock_timeout", "transform_null_equals", "array_nulls", "xmlbinary",
    "xmloption", "default_text_search_config", "lc_numeric", "lc_time" };

enum { DEFAULTED_COUNT = sizeof(defaulted_settings) / sizeof(defaulted_settings[0]) };

/* pg_catalog is searched first unless the path names it later; then it is put in front. */
static const char settle_path[] =
        "CASE WHEN pg_catalog.array_position("
        "pg_catalog.current_schemas(false), 'pg_catalog'::pg_catalog.name) "
        "OPERATOR(pg_catalog.>) 1 THEN 'pg_catalog, '::pg_catalog.text "
        "OPERATOR(pg_catalog.||) pg_catalog.current_setting('search_path') "
        "ELSE pg_catalog.current_setting('search_path') END";

/* ---- the statement ------------------------------------------------------------------------
 */

struct settings {
    struct pg_session *session;
    struct text sql;
    const char *local; /* SQL: does it end with the transaction? */
};

/* One list item; value NULL: the default. libpq's literals hold under any setting. */
static enum status settings_put(
        struct settings *settings, const char *name, const char *value, struct error *err) {
    PGconn *connection = settings->session->connection;
    char *name_sql = PQescapeLiteral(connection, name, strlen(name));
    char *value_sql = value != NULL ? PQescapeLiteral(connection, value, strlen(value)) : NULL;
    enum status status = STATUS_OK;

    if (name_sql == NULL || (value != NULL && value_sql == NULL)) {
        status = error_set(err, STATUS_USAGE, "setting \"%s\" is not valid text", name);
    } else {
        text_printf(&settings->sql, "pg_catalog.set_config(%s, %s, %s), ", name_sql,
                value != NULL ? value_sql : "NULL", settings->local);
    }
    PQfreemem(name_sql);
    PQfreemem(value_sql);
    return status;
}

/* set.NAME=value in the order given, a parent's first, so that the nearest one lasts. */
static enum status settings_put_users(
        struct settings *settings, const struct options *options, struct error *err) {
    enum status status = STATUS_OK;

    if (options->parent != NULL) {
        status = settings_put_users(settings, options->parent, err);
    }
    for (const struct option_entry *entry = options->first;
            entry != NULL && status == STATUS_OK; entry = entry->next) {
        if (strcmp(entry->spec->name, "set.") == 0) {
            status = settings_put(settings, entry->suffix, entry->value, err);
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

static enum status settings_put_all(
        struct settings *settings, const struct options *options, struct error *err) {
    const char *role = options_text(options, "role");
    int64_t timeout_ms = options_integer(options, "statement_timeout_ms");
    char timeout_text[24];
    enum status status = STATUS_OK;

    for (size_t i = 0; i < DEFAULTED_COUNT && status == STATUS_OK; i++) {
        status = settings_put(settings, defaulted_settings[i], NULL, err);
    }
    for (size_t i = 0; i < PINNED_COUNT && status == STATUS_OK; i++) {
        status = settings_put(
                settings, pinned_settings[i].name, pinned_value(settings->session, i), err);
    }
    if (status == STATUS_OK && role != NULL) {
        status = settings_put(settings, "role", role, err);
    }
    if (status == STATUS_OK) {
        status = settings_put_users(settings, options, err);
    }
    if (status == STATUS_OK && timeout_ms > 0) {
        snprintf(timeout_text, sizeof(timeout_text), "%lld", (long long)timeout_ms);
        status = settings_put(settings, "statement_timeout", timeout_text, err);
    }
    /* Here once, and not in every transaction: a lookup is short. */
    snprintf(timeout_text, sizeof(timeout_text), "%lld",
            (long long)settings->session->idle_set_ms);
    return status == STATUS_OK ? settings_put(settings, "idle_in_transaction_session_timeout",
                                         timeout_text, err)
                               : status;
}

/* What a statement without BEGIN is to be: a snapshot that reads only, as with BEGIN. Writers
 * say READ WRITE. A standby can do nothing else anyway, and may be promoted; where the session
 * is shared, or may be, nothing is asked without BEGIN. %s: is that so. First the fact: is it
 * so made? */
static const char settle_transactions[] =
        "NOT (%s) AND NOT pg_catalog.pg_is_in_recovery() AND "
        "pg_catalog.current_setting('default_transaction_read_only') OPERATOR(pg_catalog.=) "
        "'off', "
        "CASE WHEN NOT (%s) AND NOT pg_catalog.pg_is_in_recovery() THEN "
        "pg_catalog.set_config('default_transaction_isolation', 'repeatable read', false) "
        "OPERATOR(pg_catalog.||) "
        "pg_catalog.set_config('default_transaction_read_only', 'on', false) END, ";

/* The facts come along: do transactions read only because of this, may pg_stats be read, has a
 * statement a time limit, and is this the backend that libpq was told of. A
 * pooler that lends its connections cannot tell, and makes a number up. */
static enum status settings_make(struct pg_session *session, const struct options *options,
        const char *local, char **out, struct error *err) {
    struct settings settings = { .session = session, .local = local };
    /* Who says so of a pooler would leave a connection that only reads to others. */
    const char *shared = strcmp(session->pooler, "none") == 0 ? "true" : local;
    enum status status;

    text_init(&settings.sql, TEXT_SQL_BYTES_MAX);
    text_append(&settings.sql, "SELECT ");
    status = settings_put_all(&settings, options, err);
    text_printf(&settings.sql, settle_transactions, shared, shared);
    text_printf(&settings.sql,
            "pg_catalog.set_config('search_path', %s, %s), "
            "pg_catalog.has_table_privilege('pg_catalog.pg_stats'::pg_catalog.regclass, "
            "'SELECT'), pg_catalog.current_setting('statement_timeout') "
            "OPERATOR(pg_catalog.<>) "
            "'0', pg_catalog.pg_backend_pid()",
            settle_path, local);
    if (status == STATUS_OK) {
        status = text_status(&settings.sql, err);
    }
    if (status == STATUS_OK) {
        *out = text_steal(&settings.sql);
        status = *out == NULL ? error_nomem(err) : STATUS_OK;
    }
    text_clear(&settings.sql);
    return status;
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

/* ---- opening ------------------------------------------------------------------------------
 */

static enum status settings_failed(enum status status, struct error *why, struct error *err) {
    if (status == STATUS_LOST) {
        status = error_set(
                err, STATUS_UNREACHABLE, "could not connect to server: %s", why->message);
    } else if (status != STATUS_CANCELLED) {
        status = error_set(err, status, "could not set up the session: %s", why->message);
    }
    error_explain(err, why->sqlstate, why->detail, why->hint);
    error_move(err, why);
    return status;
}

static void settings_note(struct pg_session *session, const PGresult *result) {
    int last = PQnfields(result) - 1;

    session->reads_only = strcmp(PQgetvalue(result, 0, last - 5), "t") == 0;
    session->stats_readable = strcmp(PQgetvalue(result, 0, last - 2), "t") == 0;
    session->statement_timeout = strcmp(PQgetvalue(result, 0, last - 1), "t") == 0;
    session->shared = strcmp(session->pooler, "none") != 0 &&
                      (strcmp(session->pooler, "transaction") == 0 ||
                              strtol(PQgetvalue(result, 0, last), NULL, 10) !=
                                      PQbackendPID(session->connection));
}

/* One round trip and one transaction: either every setting holds or none. */
static enum status settings_send(
        struct pg_session *session, const char *sql, struct error *why) {
    struct pg_request *request = NULL;
    enum status status = pg_request_create(session, &request, why);

    if (status == STATUS_OK) {
        status = pg_request_add_text(request, sql, why);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(request, why);
    }
    if (status == STATUS_OK) {
        status = pg_request_finish(request, false, why);
    }
    if (status == STATUS_OK) {
        session->base.latency_ms = request->waited_ms;
        settings_note(session, request->result);
    }
    pg_request_drop(request);
    return status;
}

/* Does the first statement end with its transaction? With pooler=auto the server answers that
 * itself, so that nothing is left behind where it must not be. */
static const char *settings_local(const struct pg_session *session, char *sql, size_t bytes) {
    if (strcmp(session->pooler, "auto") == 0) {
        snprintf(sql, bytes, "pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) %d",
                PQbackendPID(session->connection));
        return sql;
    }
    return strcmp(session->pooler, "none") == 0 ? "false" : "true";
}

enum status pg_settings_open(
        struct pg_session *session, const struct options *options, struct error *err) {
    struct error why = { 0 };
    char local[96], *sql = NULL;
    enum status status = settings_check(options, err);

    if (status != STATUS_OK) {
        return status;
    }
    session->pooler = options_text(options, "pooler");
    status = settings_make(
            session, options, settings_local(session, local, sizeof(local)), &sql, &why);
    if (status == STATUS_OK) {
        status = settings_send(session, sql, &why);
    }
    if (status == STATUS_OK) {
        status = settings_make(
                session, options, session->shared ? "true" : "false", &session->settings, &why);
    }
    memory_free(sql);
    return status == STATUS_OK ? status : settings_failed(status, &why, err);
}

enum status pg_settings_enter(
        struct pg_session *session, struct pg_request *request, struct error *err) {
    struct pg_command command = { .sql = session->settings };

    if (!session->shared || request->settled) {
        return STATUS_OK;
    }
    request->settled = true; /* before it comes here again */
    return pg_request_add(request, &command, err);
}

/* ---- lending ------------------------------------------------------------------------------
 */

void pg_session_key(const struct options *options, struct text *key) {
    static const char *const words[] = { "role", "pooler", "statement_timeout_ms" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *value = options_text(options, words[i]);

        text_printf(key, " %s=%zu:%s", words[i], value != NULL ? strlen(value) : 0,
                value != NULL ? value : "");
    }
    for (; options != NULL; options = options->parent) {
        for (const struct option_entry *entry = options->first; entry != NULL;
                entry = entry->next) {
            if (strcmp(entry->spec->name, "set.") == 0) {
                text_printf(key, " set %zu:%s=%zu:%s", strlen(entry->suffix), entry->suffix,
                        strlen(entry->value), entry->value);
            }
        }
    }
    /* libpq fills from these what the connection text leaves open. */
    for (char **word = environ; word != NULL && *word != NULL; word++) {
        if (strncmp(*word, "PG", 2) == 0) {
            text_printf(key, " env %zu:%s", strlen(*word), *word);
        }
    }
}

/* What a function in somebody's statement can have left; prepared statements stay. */
static const char *const cleaning[] = { "CLOSE ALL", "RESET SESSION AUTHORIZATION", "RESET ALL",
    "UNLISTEN *", "SELECT pg_catalog.pg_advisory_unlock_all()" };

static enum status reset_add(struct pg_request *request, bool all) {
    enum status status = STATUS_OK;

    for (size_t i = 0; i < sizeof(cleaning) / sizeof(cleaning[0]) && !all; i++) {
        if (status == STATUS_OK) {
            status = pg_request_add_text(request, cleaning[i], NULL);
        }
    }
    if (status == STATUS_OK) {
        status = pg_request_add_text(
                request, all ? "DISCARD ALL" : request->session->settings, NULL);
    }
    return status == STATUS_OK ? pg_request_send(request, NULL) : status;
}

/* DISCARD ALL takes no company in its transaction. */
static enum status reset_send(struct pg_session *session, struct pg_request **out, bool all) {
    enum status status = pg_request_create(session, out, NULL);

    return status == STATUS_OK ? reset_add(*out, all) : status;
}

enum status pg_reset(struct session *base) {
    struct pg_session *session = pg_session_from(base);
    enum status status = pg_session_check(session, NULL);
    bool discard = session->user_sql || session->user_sql_before;

    if (status != STATUS_OK || session->snapshot_open || session->open_scans > 0) {
        return STATUS_LOST;
    }
    text_clear(&session->notices);
    session->interleaved = false; /* so was its last holder */
    if (session->shared) {
        return STATUS_OK; /* nothing of ours was left */
    }
    if (discard) {
        status = reset_send(session, &session->discarded, true);
        session->definition_prepared = false;
        pg_prepared_clear(session);
        session->user_sql = false;
        session->user_sql_before = false;
        if (status == STATUS_OK) {
            status = pg_request_create(session, &session->reset, NULL);
        }
        if (status == STATUS_OK) {
            status = pg_request_add_text(session->reset, session->settings, NULL);
        }
        return status == STATUS_OK ? pg_request_send(session->reset, NULL) : status;
    }
    return reset_send(session, &session->reset, false);
}

static enum status resume_finish(struct pg_request **at, struct error *err) {
    struct pg_request *request = *at;
    enum status status;

    if (request == NULL) {
        return STATUS_OK;
    }
    status = pg_request_finish(request, false, err);
    *at = NULL;
    pg_request_drop(request);
    return status;
}

enum status pg_resume(struct session *base, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    enum status status = pg_session_check(session, err);

    if (status == STATUS_OK && session->reset != NULL) {
        session->deadline_ms = pg_now_ms() + (double)session->connect_timeout_ms;
        status = resume_finish(&session->discarded, err);
        if (status == STATUS_OK) {
            status = resume_finish(&session->reset, err);
        }
        session->deadline_ms = 0;
        if (status == STATUS_OK && !session->base.broken &&
                PQtransactionStatus(session->connection) != PQTRANS_IDLE) {
            status = error_set(err, STATUS_LOST, "session is within a transaction");
        }
        text_clear(&session->notices);
    }
    return status == STATUS_OK ? pg_session_look(session, err) : status;
}
