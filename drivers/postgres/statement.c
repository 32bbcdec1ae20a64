/* The user's own SQL for bridge_query: what kind of statement it is, and running it, each row a
 * JSON object. Only what reads is run, in a READ ONLY transaction: SET or COMMIT would pull the
 * settings and the snapshot from under everything else on the session. */
#include "drivers/postgres/scan.h"

#include "base/sqlite.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *verb;
    enum pg_statement_kind kind;
} statement_verbs[] = {
    { "SELECT", PG_STATEMENT_SELECT },
    { "WITH", PG_STATEMENT_SELECT },
    { "VALUES", PG_STATEMENT_SELECT },
    { "TABLE", PG_STATEMENT_SELECT },
    { "SHOW", PG_STATEMENT_SHOW },
    { "EXPLAIN", PG_STATEMENT_SHOW },
};

/* Comments nest in PostgreSQL. Gives what stands behind the one that begins here. */
static const char *skip_comment(const char *sql) {
    int depth = 0;

    do {
        if (strncmp(sql, "/*", 2) == 0) {
            depth++;
            sql += 2;
        } else if (strncmp(sql, "*/", 2) == 0) {
            depth--;
            sql += 2;
        } else if (*sql != '\0') {
            sql++;
        }
    } while (depth > 0 && *sql != '\0');
    return sql;
}

/* The first word, behind blanks, comments and the brackets of (SELECT ...) UNION ... */
const char *pg_statement_verb(const char *sql) {
    for (;;) {
        sql += strspn(sql, " \t\r\n\f\v(");
        if (strncmp(sql, "--", 2) == 0) {
            sql += strcspn(sql, "\r\n");
        } else if (strncmp(sql, "/*", 2) == 0) {
            sql = skip_comment(sql);
        } else {
            return sql;
        }
    }
}

enum pg_statement_kind pg_statement_kind(const char *sql) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    const char *verb = pg_statement_verb(sql);
    size_t length = strspn(verb, letters);

    for (size_t i = 0; i < sizeof(statement_verbs) / sizeof(statement_verbs[0]); i++) {
        if (strlen(statement_verbs[i].verb) == length &&
                sqlite3_strnicmp(verb, statement_verbs[i].verb, (int)length) == 0) {
            return statement_verbs[i].kind;
        }
    }
    return PG_STATEMENT_OTHER;
}

/* A semicolon at the very end can stand in no literal, since a literal ends in its quote;
 * inside a comment it does no harm when cut. */
size_t pg_statement_length(const char *sql) {
    size_t length = strlen(sql);

    while (length > 0 && strchr(" \t\r\n\f\v;", sql[length - 1]) != NULL) {
        length--;
    }
    return length;
}

/* ---- arguments ----------------------------------------------------------------------------
 */

enum { TYPE_BYTEA = 17, NUMBER_BYTES = 32 };

/* Values travel as text of no stated type, so that $1 takes the type of what it stands beside,
 * as with any client; bytes can only be bytea. */
static enum status argument_set(struct pg_arguments *arguments, size_t at,
        const struct value *value, struct error *err) {
    char number[NUMBER_BYTES];

    switch (value->kind) {
    case VALUE_NULL:
        return STATUS_OK;
    case VALUE_INTEGER:
        snprintf(number, sizeof(number), "%lld", (long long)value->integer);
        arguments->values[at] = arena_copy_text(&arguments->arena, number);
        break;
    case VALUE_REAL:
        sqlite3_snprintf(sizeof(number), number, "%!.17g", value->real);
        arguments->values[at] = arena_copy_text(&arguments->arena, number);
        break;
    case VALUE_BLOB:
        if (value->length > INT32_MAX) {
            return error_set(err, STATUS_TOO_BIG, "argument %zu is too long", at + 1);
        }
        arguments->types[at] = TYPE_BYTEA;
        arguments->formats[at] = 1;
        arguments->lengths[at] = (int)value->length;
        arguments->values[at] = arena_copy(&arguments->arena, value->bytes, value->length);
        break;
    default:
        if (memchr(value->bytes, '\0', value->length) != NULL) {
            return error_set(err, STATUS_VALUE,
                    "argument %zu has an inner NUL, which PostgreSQL cannot hold", at + 1);
        }
        arguments->values[at] = arena_copy(&arguments->arena, value->bytes, value->length);
    }
    return arguments->values[at] == NULL ? error_nomem(err) : STATUS_OK;
}

enum status pg_arguments_set(struct pg_arguments *arguments, const struct value *args,
        size_t count, struct error *err) {
    struct arena *arena = &arguments->arena;
    enum status status = STATUS_OK;

    arguments->values = arena_alloc_array(arena, count + 1, sizeof(*arguments->values));
    arguments->types = arena_alloc_array(arena, count + 1, sizeof(*arguments->types));
    arguments->lengths = arena_alloc_array(arena, count + 1, sizeof(*arguments->lengths));
    arguments->formats = arena_alloc_array(arena, count + 1, sizeof(*arguments->formats));
    if (arguments->values == NULL || arguments->types == NULL || arguments->lengths == NULL ||
            arguments->formats == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = argument_set(arguments, i, &args[i], err);
    }
    return status;
}

/* ---- rows ---------------------------------------------------------------------------------
 */

static enum status any_result(struct pg_scan *scan, const PGresult *result, struct error *err) {
    (void)scan;
    (void)result;
    (void)err;
    return STATUS_OK;
}

/* The server made the JSON. */
static enum status json_row(
        struct pg_scan *scan, int row, struct batch *batch, struct error *err) {
    enum status status;

    batch_begin_row(batch);
    status = batch_put_bytes(batch, VALUE_TEXT, PQgetvalue(scan->result, row, 0),
            (size_t)PQgetlength(scan->result, row, 0), err);
    if (status == STATUS_OK) {
        batch_end_row(batch, 0);
    }
    return status;
}

/* A row of SHOW or EXPLAIN: its texts as an object. */
static enum status text_row(
        struct pg_scan *scan, int row, struct batch *batch, struct error *err) {
    struct text json;
    enum status status;

    text_init(&json, TEXT_SQL_BYTES_MAX);
    for (int i = 0; i < PQnfields(scan->result); i++) {
        const char *name = PQfname(scan->result, i);

        text_append(&json, i == 0 ? "{" : ",");
        text_append_json(&json, name, strlen(name));
        text_append(&json, ":");
        if (PQgetisnull(scan->result, row, i)) {
            text_append(&json, "null");
        } else {
            text_append_json(&json, PQgetvalue(scan->result, row, i),
                    (size_t)PQgetlength(scan->result, row, i));
        }
    }
    text_append(&json, "}");
    status = text_status(&json, err);
    if (status == STATUS_OK) {
        batch_begin_row(batch);
        status = batch_put_bytes(batch, VALUE_TEXT, text_get(&json), json.length, err);
    }
    if (status == STATUS_OK) {
        batch_end_row(batch, 0);
    }
    text_clear(&json);
    return status;
}

/* ---- start --------------------------------------------------------------------------------
 */

static enum status statement_prepare(struct pg_scan *scan, const char *sql, struct error *err) {
    enum pg_statement_kind kind = pg_statement_kind(sql);
    size_t length = pg_statement_length(sql);

    if (kind == PG_STATEMENT_OTHER) {
        return error_set(err, STATUS_UNSUPPORTED,
                "statement is not one that reads: SELECT, WITH, VALUES, TABLE, SHOW or "
                "EXPLAIN");
    }
    scan->column_count = 1;
    scan->check = any_result;
    if (kind == PG_STATEMENT_SELECT) {
        scan->transport = PG_TRANSPORT_CURSOR;
        scan->row = json_row;
        /* The line break ends a comment that may stand last. */
        text_append(&scan->sql, "SELECT pg_catalog.row_to_json(q)::pg_catalog.text FROM (");
        text_append_bytes(&scan->sql, sql, length);
        text_append(&scan->sql, "\n) AS q");
    } else {
        scan->transport = PG_TRANSPORT_RESULT;
        scan->row = text_row;
        text_append_bytes(&scan->sql, sql, length);
    }
    return text_status(&scan->sql, err);
}

enum status pg_query_start(struct session *base, const char *sql, const struct value *args,
        size_t count, struct scan **out, struct error *err) {
    struct pg_session *session = pg_session_from(base);
    struct pg_arguments arguments = { .values = NULL };
    struct pg_scan *scan = NULL;
    enum status status = pg_scan_create(base, &scan, err);

    if (status != STATUS_OK) {
        return status;
    }
    status = statement_prepare(scan, sql, err);
    if (status == STATUS_OK) {
        status = pg_arguments_set(&arguments, args, count, err);
    }
    if (status == STATUS_OK) {
        struct pg_command command = { .values = arguments.values,
            .types = arguments.types,
            .lengths = arguments.lengths,
            .formats = arguments.formats,
            .count = count };

        session->user_sql = true;
        status = pg_scan_send(scan, &command, err);
    }
    arena_clear(&arguments.arena);
    if (status != STATUS_OK) {
        scan->failure = status;
        pg_scan_end(&scan->base);
        return status;
    }
    *out = &scan->base;
    return STATUS_OK;
}
