/* What the server's errors mean: SQLSTATE -> enum status, in one table. */
#include "drivers/postgres/wire.h"

#include <stdio.h>
#include <string.h>

struct state_meaning {
    const char *prefix; /* of the SQLSTATE; the first row that fits counts */
    enum status status;
    bool generated_only; /* only in a statement of this driver's own making */
};

static const struct state_meaning state_meanings[] = {
    { "57014", STATUS_CANCELLED, false }, /* also a timeout: told apart by who asked */
    { "55P03", STATUS_TIMEOUT, false },
    { "25P03", STATUS_LOST, false }, /* idle_in_transaction_session_timeout */
    { "57P", STATUS_LOST, false },   /* the server, or this session, is being shut down */
    { "08", STATUS_LOST, false },
    { "40001", STATUS_RETRY, false },
    { "40P01", STATUS_RETRY, false },
    { "23", STATUS_CONSTRAINT, false },
    { "25006", STATUS_READONLY, false },
    { "42501", STATUS_DENIED, false },
    { "53200", STATUS_REMOTE, false }, /* the server's memory, not the host's */
    { "3F000", STATUS_SCHEMA, true },
    { "42P01", STATUS_SCHEMA, true }, /* table */
    { "42703", STATUS_SCHEMA, true }, /* column */
    { "42704", STATUS_SCHEMA, true }, /* type or collation */
    { "42804", STATUS_SCHEMA, true }, /* the rest: a type that is not what it was */
    { "42809", STATUS_SCHEMA, true },
    { "42846", STATUS_SCHEMA, true },
    { "42883", STATUS_SCHEMA, true },
    { "42P21", STATUS_SCHEMA, true },
    { "42P22", STATUS_SCHEMA, true },
};

void pg_message_line(const char *message, char *line, size_t line_bytes) {
    size_t used = 0;

    while (*message != '\0' && used + 3 < line_bytes) {
        size_t part = strcspn(message, "\n");

        used += (size_t)snprintf(line + used, line_bytes - used, "%s%.*s", used > 0 ? "; " : "",
                (int)part, message);
        if (used >= line_bytes) {
            break;
        }
        message += part;
        message += strspn(message, "\n\t ");
    }
    if (used == 0) {
        snprintf(line, line_bytes, "no reason given");
    }
}

/* "LOCATION:  auth_failed, auth.c:345", in whatever language: where in the server it was said.
 */
static bool line_is_location(const char *line, size_t length) {
    size_t digits = 0;

    while (digits < length && line[length - digits - 1] >= '0' &&
            line[length - digits - 1] <= '9') {
        digits++;
    }
    return digits > 0 && length > digits + 3 &&
           strncmp(line + length - digits - 3, ".c:", 3) == 0;
}

/* Finds "XXXXX: " behind "FATAL:  " and where that begins; NULL: the line has none. */
static const char *line_sqlstate(const char *line, size_t length) {
    static const char blanks[] = ":  ";

    for (size_t i = 0; i + sizeof(blanks) + 6 < length; i++) {
        const char *state = line + i + sizeof(blanks) - 1;

        if (memcmp(line + i, blanks, sizeof(blanks) - 1) == 0 &&
                strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
                strncmp(state + 5, ": ", 2) == 0) {
            return state;
        }
    }
    return NULL;
}

/* libpq has no fields for what went wrong while it connected, only this text. */
enum status pg_connect_error(const char *message, struct error *err) {
    char line[ERROR_MESSAGE_BYTES] = "", sqlstate[6] = "", hint[ERROR_MESSAGE_BYTES] = "";
    size_t used = 0;

    for (size_t length; *message != '\0' && used + 3 < sizeof(line);
            message += length + (message[length] != '\0')) {
        const char *state;

        length = strcspn(message, "\n");
        state = line_sqlstate(message, length);
        if (message[0] == '\t') {
            snprintf(hint, sizeof(hint), "%.*s", (int)length - 1, message + 1);
        } else if (state != NULL) {
            snprintf(sqlstate, sizeof(sqlstate), "%.5s", state);
            used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%.*s%.*s",
                    used > 0 ? "; " : "", (int)(state - message), message,
                    (int)(length - 7 - (size_t)(state - message)), state + 7);
        } else if (length > 0 && !line_is_location(message, length)) {
            used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%.*s",
                    used > 0 ? "; " : "", (int)length, message);
        }
    }
    error_set(err, STATUS_UNREACHABLE, "could not connect to server: %s",
            used > 0 ? line : "no reason given");
    error_explain(err, sqlstate, NULL, hint[0] != '\0' ? hint : NULL);
    return STATUS_UNREACHABLE;
}

static enum status state_status(const char *sqlstate, bool generated) {
    for (size_t i = 0; i < sizeof(state_meanings) / sizeof(state_meanings[0]); i++) {
        const struct state_meaning *meaning = &state_meanings[i];

        if (strncmp(sqlstate, meaning->prefix, strlen(meaning->prefix)) == 0 &&
                (generated || !meaning->generated_only)) {
            return meaning->status;
        }
    }
    return STATUS_REMOTE;
}

static const struct {
    const char *sqlstate;
    enum constraint_kind kind;
} constraints[] = {
    { "23502", CONSTRAINT_NOT_NULL },
    { "23503", CONSTRAINT_FOREIGN_KEY },
    { "23001", CONSTRAINT_FOREIGN_KEY }, /* ON DELETE RESTRICT, from PostgreSQL 18 on */
    { "23505", CONSTRAINT_UNIQUE },
    { "23514", CONSTRAINT_CHECK },
};

char *pg_detail_columns(const char *detail) {
    const char *start = detail != NULL ? strchr(detail, '(') : NULL;
    const char *end = start != NULL ? strstr(start, ")=(") : NULL;
    struct text names;

    if (end == NULL) {
        return NULL;
    }
    text_init(&names, ERROR_MESSAGE_BYTES);
    for (const char *at = start + 1; at < end; at++) {
        if (at[0] != ' ' || at[-1] != ',') {
            text_append_char(&names, *at);
        }
    }
    return text_steal(&names);
}

static void explain_constraint(
        const PGresult *result, const char *sqlstate, struct error *err) {
    const char *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);

    if (err == NULL || err->status != STATUS_CONSTRAINT || err->constraint_name != NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(constraints) / sizeof(constraints[0]); i++) {
        if (strcmp(constraints[i].sqlstate, sqlstate) == 0) {
            err->constraint = constraints[i].kind;
        }
    }
    err->constraint_name =
            memory_copy_text(PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME));
    if (err->columns == NULL) {
        err->columns =
                column != NULL ? memory_copy_text(column)
                : err->constraint == CONSTRAINT_UNIQUE
                        ? pg_detail_columns(PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL))
                        : NULL;
    }
}

/* Class 08 as a mere ERROR speaks of another connection, such as a foreign table's, or of how a
 * statement was used: this one goes on. */
static bool connection_goes_on(const PGresult *result, const char *sqlstate) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return strncmp(sqlstate, "08", 2) == 0 && severity != NULL &&
           strcmp(severity, "ERROR") == 0;
}

bool pg_result_is_aborted(const PGresult *result) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate != NULL && strcmp(sqlstate, "25P02") == 0;
}

enum status pg_result_error(const PGresult *result, bool generated, struct error *err) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char line[ERROR_MESSAGE_BYTES];
    enum status status;

    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        return error_set(err, STATUS_REMOTE, "a statement sent with it failed");
    }
    if (sqlstate == NULL ||
            primary == NULL) { /* libpq's own words: the connection, or memory */
        pg_message_line(PQresultErrorMessage(result), line, sizeof(line));
        return error_set(err, STATUS_LOST, "connection to server was lost: %s", line);
    }
    if (pg_result_is_aborted(result)) {
        primary = "snapshot is over: another statement that shared it has failed";
    }
    status = state_status(sqlstate, generated);
    /* Asked for by us, a cancellation is told by whoever waits; what comes here was ordered by
     * statement_timeout, or by an administrator. The code is the same and the text translated:
     * both mean that the statement took longer than someone would bear. */
    if (strcmp(sqlstate, "57014") == 0 && strstr(primary, "user request") == NULL) {
        status = STATUS_TIMEOUT;
    }
    if (status == STATUS_LOST && connection_goes_on(result, sqlstate)) {
        status = STATUS_REMOTE;
    }
    if (status == STATUS_LOST) {
        status = error_set(err, status, "connection to server was lost: %s", primary);
    } else if (status == STATUS_SCHEMA) {
        status = error_set(err, status, "remote table changed: %s", primary);
    } else {
        status = error_set(err, status, "%s", primary);
    }
    error_explain(err, sqlstate, PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
            PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    explain_constraint(result, sqlstate, err);
    return status;
}
