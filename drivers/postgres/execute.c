/* One statement of the user's own in the transaction that writes: bridge_exec. What would end
 * the transaction, or change the session under everything else on it, is refused. */
#include "drivers/postgres/scan.h"

#include "base/sqlite.h"

#include <stdlib.h>
#include <string.h>

static const char transaction_control[] =
        "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are SQLite's here: say them to SQLite";
static const char session_setting[] =
        "it would change the session that tables are read on: give the server the option "
        "set.NAME=value or role=";
static const char data_stream[] = "rows of COPY cannot be passed on: INSERT them";

static const struct {
    const char *verb, *why;
} refused_verbs[] = {
    { "BEGIN", transaction_control },
    { "START", transaction_control },
    { "COMMIT", transaction_control },
    { "END", transaction_control },
    { "ROLLBACK", transaction_control },
    { "ABORT", transaction_control },
    { "SAVEPOINT", transaction_control },
    { "RELEASE", transaction_control },
    { "PREPARE", transaction_control },
    { "SET", session_setting },
    { "RESET", session_setting },
    { "DISCARD", session_setting },
    { "DEALLOCATE", session_setting },
    { "CLOSE", session_setting },
    { "FETCH", session_setting },
    { "MOVE", session_setting },
    { "COPY", data_stream },
};

/* PostgreSQL passes over semicolons before a statement, and gives an empty one no result. */
static const char *first_verb(const char *sql) {
    const char *verb = pg_statement_verb(sql);

    while (*verb == ';') {
        verb = pg_statement_verb(verb + 1);
    }
    return verb;
}

static enum status execute_check(const char *sql, struct error *err) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    const char *verb = first_verb(sql);
    size_t length = strspn(verb, letters);

    if (*verb == '\0') {
        return error_set(err, STATUS_USAGE, "the statement is empty");
    }

    for (size_t i = 0; i < sizeof(refused_verbs) / sizeof(refused_verbs[0]); i++) {
        if (strlen(refused_verbs[i].verb) == length &&
                sqlite3_strnicmp(verb, refused_verbs[i].verb, (int)length) == 0) {
            return error_set(err, STATUS_UNSUPPORTED, "%s cannot be run here: %s",
                    refused_verbs[i].verb, refused_verbs[i].why);
        }
    }
    return STATUS_OK;
}

static enum status execute_send(struct pg_session *session, struct pg_request **request,
        const struct pg_command *command, struct error *err) {
    enum status status = pg_request_create(session, request, err);

    if (status == STATUS_OK) {
        status = pg_snapshot_enter(session, *request, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_add(*request, command, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(*request, err);
    }
    return status == STATUS_OK ? pg_transaction_wrote(session, err) : status;
}

enum status pg_execute(struct session *base, const char *sql, const struct value *args,
        size_t count, int64_t *affected, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    struct statement_record record = { .sql = sql };
    struct pg_arguments arguments = { .values = NULL };
    struct pg_request *request = NULL;
    int64_t trips = base->counts.round_trips;
    struct error why = { 0 };
    enum status status = execute_check(sql, err);

    if (status != STATUS_OK) {
        return status;
    }
    if (!session->transaction.writes) {
        return error_set(err, STATUS_READONLY, "no transaction that writes has begun");
    }
    status = pg_arguments_set(&arguments, args, count, &why);
    if (status == STATUS_OK) {
        struct pg_command command = { .sql = sql,
            .values = arguments.values,
            .types = arguments.types,
            .lengths = arguments.lengths,
            .formats = arguments.formats,
            .count = count };

        session->user_sql = true; /* a function in it may change settings; see pg_finish() */
        session->held_since_ms = pg_now_ms(); /* and relations, whatever is locked */
        status = execute_send(session, &request, &command, &why);
    }
    if (status == STATUS_OK) {
        status = pg_request_finish(request, false, &why);
        record.ms = request->waited_ms;
        record.bytes = request->bytes;
    }
    if (status == STATUS_OK) {
        *affected = request->affected;
        record.rows = request->affected;
    }
    record.round_trips = base->counts.round_trips - trips;
    record.error = status != STATUS_OK ? why.message : NULL;
    pg_log(session, &record);
    pg_request_drop(request);
    arena_clear(&arguments.arena);
    if (status != STATUS_OK) {
        error_statement(&why, sql);
    }
    error_move(err, &why);
    return status;
}
