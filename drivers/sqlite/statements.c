/* Prepared statements of the remote connection: ours, of which the last few are kept for the
 * next scan of the same shape, and the user's, which must be one that only reads. */
#include "drivers/sqlite/internal.h"

#include <string.h>

/* A statement longer than that has a long IN list, whose length will hardly come again. */
enum { STATEMENT_BYTES_KEPT = 16 * 1024 };

static sqlite3_stmt *take_kept(struct sq_session *session, const char *sql) {
    for (size_t i = 0; i < session->kept_count; i++) {
        sqlite3_stmt *statement = session->kept[i];

        if (strcmp(sqlite3_sql(statement), sql) == 0) {
            session->kept_count--;
            memmove(&session->kept[i], &session->kept[i + 1],
                    (session->kept_count - i) * sizeof(session->kept[0]));
            return statement;
        }
    }
    return NULL;
}

enum status sq_prepare(
        struct sq_session *session, const char *sql, sqlite3_stmt **out, struct error *err) {
    sqlite3_stmt *statement = take_kept(session, sql);
    int code;

    if (statement == NULL) {
        code = sqlite3_prepare_v3(
                session->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
        if (code != SQLITE_OK) {
            return sq_fail(session, code, sql, err);
        }
    }
    *out = statement;
    return STATUS_OK;
}

void sq_put_back(struct sq_session *session, sqlite3_stmt *statement) {
    if (statement == NULL) {
        return;
    }
    sqlite3_reset(statement); /* its result is the last step's, told there */
    if (session->base.broken || strlen(sqlite3_sql(statement)) > STATEMENT_BYTES_KEPT) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_clear_bindings(statement);
    if (session->kept_count == SQ_STATEMENTS_KEPT) {
        sqlite3_finalize(session->kept[0]);
        session->kept_count--;
        memmove(&session->kept[0], &session->kept[1],
                session->kept_count * sizeof(session->kept[0]));
    }
    session->kept[session->kept_count++] = statement;
}

void sq_forget_statements(struct sq_session *session) {
    for (size_t i = 0; i < session->kept_count; i++) {
        sqlite3_finalize(session->kept[i]);
    }
    session->kept_count = 0;
}

enum status sq_bind(struct sq_session *session, sqlite3_stmt *statement, int index,
        const struct value *value, struct error *err) {
    int code = SQLITE_OK;

    switch (value->kind) {
    case VALUE_NULL:
        code = sqlite3_bind_null(statement, index);
        break;
    case VALUE_INTEGER:
        code = sqlite3_bind_int64(statement, index, value->integer);
        break;
    case VALUE_REAL:
        code = sqlite3_bind_double(statement, index, value->real);
        break;
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        code = sqlite3_bind_text64(statement, index, value->length > 0 ? value->bytes : "",
                value->length, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case VALUE_BLOB: /* a NULL pointer would bind NULL */
        code = sqlite3_bind_blob64(statement, index, value->length > 0 ? value->bytes : "",
                value->length, SQLITE_TRANSIENT);
        break;
    }
    return code == SQLITE_OK ? STATUS_OK : sq_fail(session, code, sqlite3_sql(statement), err);
}

/* Is there nothing but blanks, comments and semicolons left? */
static enum status check_tail(struct sq_session *session, const char *tail, struct error *err) {
    while (*tail != '\0') {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v3(session->db, tail, -1, 0, &statement, &tail);

        sqlite3_finalize(statement);
        if (code != SQLITE_OK || statement != NULL) {
            return error_set(err, STATUS_USAGE, "query must be one statement");
        }
    }
    return STATUS_OK;
}

static enum status check_reads(sqlite3_stmt *statement, struct error *err) {
    if (statement == NULL) {
        return error_set(err, STATUS_USAGE, "query is empty");
    }
    if (!sqlite3_stmt_readonly(statement)) {
        return error_set(err, STATUS_READONLY, "query cannot write");
    }
    if (sqlite3_column_count(statement) == 0) {
        return error_set(err, STATUS_USAGE, "query must be a statement that gives rows");
    }
    return STATUS_OK;
}

/* One statement and nothing behind it; tail: where it ends. */
static enum status prepare_one(struct sq_session *session, const char *sql, sqlite3_stmt **out,
        const char **tail, struct error *err) {
    enum status status = sq_guard_start(session, 0, err);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    code = sqlite3_prepare_v3(session->db, sql, -1, 0, out, tail);
    return code == SQLITE_OK ? STATUS_OK : sq_fail(session, code, sql, err);
}

enum status sq_prepare_writing(
        struct sq_session *session, const char *sql, sqlite3_stmt **out, struct error *err) {
    sqlite3_stmt *statement = NULL;
    const char *tail = sql;
    enum status status = prepare_one(session, sql, &statement, &tail, err);

    if (status == STATUS_DENIED) {
        error_explain(err, NULL, NULL,
                "transactions are the host's: BEGIN, COMMIT and SAVEPOINT there hold for the "
                "remote as well; ATTACH and most PRAGMAs are refused");
    }
    if (status == STATUS_OK && statement == NULL) {
        status = error_set(err, STATUS_USAGE, "statement is empty");
    }
    if (status == STATUS_OK) {
        status = check_tail(session, tail, err);
    }
    if (status != STATUS_OK) {
        sqlite3_finalize(statement);
        return status;
    }
    *out = statement;
    return STATUS_OK;
}

enum status sq_prepare_foreign(struct sq_session *session, const char *sql, sqlite3_stmt **out,
        size_t *length, struct error *err) {
    sqlite3_stmt *statement = NULL;
    const char *tail = sql;
    enum status status = prepare_one(session, sql, &statement, &tail, err);

    if (status == STATUS_OK) {
        status = check_reads(statement, err);
    }
    if (status == STATUS_OK) {
        status = check_tail(session, tail, err);
    }
    if (status != STATUS_OK) {
        sqlite3_finalize(statement);
        return status;
    }
    *length = (size_t)(tail - sql);
    while (*length > 0 && strchr("; \t\r\n\f", sql[*length - 1]) != NULL) {
        (*length)--;
    }
    *out = statement;
    return STATUS_OK;
}
