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
    if (strcmp(sqlstate, "25P02") == 0) {
        primary = "snapshot is over: another statement that shared it has failed";
    }
    status = state_status(sqlstate, generated);
    /* Asked for by us, a cancellation is told by whoever waits; what comes here was ordered by
     * statement_timeout, or by an administrator. The code is the same and the text translated:
     * both mean that the statement took longer than someone would bear. */
    if (strcmp(sqlstate, "57014") == 0 && strstr(primary, "user request") == NULL) {
        status = STATUS_TIMEOUT;
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
    return status;
}
