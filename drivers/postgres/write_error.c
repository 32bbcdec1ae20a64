/* What the server's refusals of a write mean: which constraint was broken, on which columns,
 * and which value it could not take. */
#include "drivers/postgres/write.h"

#include <stdio.h>
#include <string.h>

/* ---- constraints --------------------------------------------------------------------------
 */

/* The relation's key of that name; a partition's own is called otherwise. NULL: none. */
static const struct key *key_named(const struct schema *schema, const char *name) {
    for (size_t i = 0; name != NULL && i < schema->key_count; i++) {
        if (schema->keys[i].name != NULL && strcmp(schema->keys[i].name, name) == 0) {
            return &schema->keys[i];
        }
    }
    return NULL;
}

static char *key_column_names(const struct schema *schema, const struct key *key) {
    struct text names;

    text_init(&names, TEXT_SQL_BYTES_MAX);
    for (size_t i = 0; i < key->column_count; i++) {
        text_append(&names, i > 0 ? "," : "");
        text_append(&names, schema->columns[key->columns[i]].remote_name);
    }
    return names.length > 0 ? text_steal(&names) : NULL;
}

/* The error's own facts are set already; the schema knows a key by its name. */
static void explain_key(const struct schema *schema, struct error *err) {
    const struct key *key = key_named(schema, err->constraint_name);
    char *columns;

    if (key == NULL || (key->kind != KEY_PRIMARY && key->kind != KEY_UNIQUE)) {
        return;
    }
    err->constraint = key->kind == KEY_PRIMARY ? CONSTRAINT_PRIMARY_KEY : CONSTRAINT_UNIQUE;
    columns = key_column_names(schema, key);
    if (columns != NULL) {
        memory_free(err->columns);
        err->columns = columns;
    }
}

/* ---- values -------------------------------------------------------------------------------
 */

enum { SPEAKS_OF_PART = 1, SPEAKS_OF_TYPE = 2, SPEAKS_OF_VALUE = 4 };

static bool contains(const char *bytes, size_t length, const char *part, size_t size) {
    for (size_t i = 0; size > 0 && i + size <= length; i++) {
        if (memcmp(bytes + i, part, size) == 0) {
            return true;
        }
    }
    return false;
}

/* An element of an array, a field of a composite: its input function quotes that alone, last.
 */
static bool has_quoted(const char *message, const char *bytes, size_t length) {
    const char *end = strrchr(message, '"');
    const char *start = end;

    while (start != NULL && start > message && start[-1] != '"') {
        start--;
    }
    return start != NULL && start > message &&
           contains(bytes, length, start, (size_t)(end - start));
}

/* Does the server's message speak of this type, or of this value? */
static int speaks_of(
        const char *message, const struct column *column, const char *bytes, size_t length) {
    enum { QUOTED_BYTES_MAX = 200 };
    const struct pg_column *pg = column->driver_data;
    char quoted[QUOTED_BYTES_MAX + 3];
    bool json = strcmp(pg->type_name, "jsonb") == 0 && strstr(message, " json") != NULL;
    int score = json || strstr(message, pg->type_name) != NULL ||
                                strstr(message, column->remote_type) != NULL
                        ? SPEAKS_OF_TYPE
                        : 0;

    score += has_quoted(message, bytes, length) ? SPEAKS_OF_PART : 0;
    if (length > QUOTED_BYTES_MAX) {
        return score;
    }
    snprintf(quoted, sizeof(quoted), "\"%.*s\"", (int)length, bytes);
    return score + (strstr(message, quoted) != NULL ? SPEAKS_OF_VALUE : 0);
}

/* Is the value the text that the server's JSON parser stood in? Its context, "JSON data, line
 * N: TEXT", quotes as much of that line as was read, with ... where it leaves some out. */
static bool is_json_at(const char *context, const char *bytes, size_t length) {
    static const char dots[] = "...", head[] = "JSON data, line ";
    const char *text = context != NULL ? strstr(context, head) : NULL;
    size_t size;

    text = text != NULL ? strstr(text, ": ") : NULL;
    if (text == NULL) {
        return false;
    }
    text += strlen(": ");
    text += strncmp(text, dots, strlen(dots)) == 0 ? strlen(dots) : 0;
    size = strcspn(text, "\n");
    if (size > strlen(dots) && strncmp(text + size - strlen(dots), dots, strlen(dots)) == 0) {
        size -= strlen(dots);
    }
    return contains(bytes, length, text, size);
}

/* What is being looked for: the column whose value the server could not take. */
struct blame {
    const struct pg_shape *shape;
    const struct pg_rows *rows;
    const char *message, *context;
    bool odd; /* the error is one that only values of odd types cause: see is_odd() */
    int column, score;
};

static void blame_column(struct blame *blame, int column, size_t parameter) {
    size_t count = pg_parameter_count(blame->shape);

    for (size_t row = 0; row < blame->rows->count; row++) {
        const struct pg_argument *argument = &blame->rows->arguments[row * count + parameter];
        const char *bytes = text_get(&blame->rows->bytes) + argument->start;
        int score;

        if (argument->length < 0 || pg_frame_is_narrow(blame->rows, parameter)) {
            continue;
        }
        score = speaks_of(blame->message, &blame->shape->schema->columns[column], bytes,
                (size_t)argument->length);
        score += is_json_at(blame->context, bytes, (size_t)argument->length) ? SPEAKS_OF_VALUE
                                                                             : 0;
        if (score > blame->score) {
            blame->score = score;
            blame->column = column;
        }
    }
}

/* Names of objects may lead nowhere, which is told as if the statement were wrong; and older
 * hstores have an error of their own. */
static bool is_odd(const struct pg_column *pg) {
    static const uint32_t oids[] = { 24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096,
        4191, 8326, 1033 }; /* regproc and its kind, aclitem: see types.c */

    for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
        if (pg->type_oid == oids[i]) {
            return true;
        }
    }
    return strcmp(pg->type_name, "hstore") == 0;
}

/* -1: none can be told. */
static int blame_find(struct blame *blame) {
    size_t parameter = 0;
    int candidates = 0, candidate = -1;

    blame->column = -1;
    for (size_t i = 0; i < blame->shape->schema->column_count; i++) {
        const struct pg_column *pg = pg_column(blame->shape->schema, (int)i);

        if (!pg_is_set(blame->shape, i)) {
            continue;
        }
        if (pg_value_rule(pg)->parameter == PG_PARAMETER_TEXT && (!blame->odd || is_odd(pg))) {
            candidates++;
            candidate = (int)i;
            blame_column(blame, (int)i, parameter);
        }
        parameter++;
    }
    return blame->column < 0 && candidates == 1 ? candidate : blame->column;
}

static enum status value_error(
        const struct pg_shape *shape, int column, const PGresult *result, struct error *err) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    enum status status;

    if (column < 0) {
        status = error_set(err, STATUS_VALUE, "cannot store a value in table \"%s\": %s",
                shape->schema->remote_name, message);
    } else {
        status = error_set(err, STATUS_VALUE,
                "cannot store a TEXT value in column \"%s\" of table \"%s\", type %s: %s",
                shape->schema->columns[column].remote_name, shape->schema->remote_name,
                shape->schema->columns[column].remote_type, message);
    }
    error_explain(err, PQresultErrorField(result, PG_DIAG_SQLSTATE),
            PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
            PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    return status;
}

/* The driver's own SQL has no errors of syntax: a value had, that is code to its type. */
static bool is_value_error(const char *sqlstate) {
    return strncmp(sqlstate, "22", 2) == 0 || strcmp(sqlstate, "42601") == 0 ||
           strcmp(sqlstate, "42602") == 0;
}

static bool is_odd_error(const char *sqlstate) {
    return strncmp(sqlstate, "42", 2) == 0 || strncmp(sqlstate, "3F", 2) == 0 ||
           strcmp(sqlstate, "XX000") == 0;
}

/* The server names the column that it stood in, whatever its language: "COPY t, line 2, column
 * a: "x"" or, of the binary format, without the value. */
static int context_column(const struct pg_shape *shape, const PGresult *result) {
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char *copy = context != NULL ? strstr(context, "COPY ") : NULL;
    size_t longest = 0;
    int column = -1;

    for (size_t i = 0; copy != NULL && i < shape->schema->column_count; i++) {
        const char *name = shape->schema->columns[i].remote_name;
        size_t length = strlen(name);
        const char *at = strstr(copy, name);

        while (at != NULL && pg_is_set(shape, i) && length > longest) {
            if (at > copy && at[-1] == ' ' &&
                    (at[length] == '\0' || strchr("\n:", at[length]))) {
                longest = length;
                column = (int)i;
            }
            at = strstr(at + 1, name);
        }
    }
    return column;
}

enum status pg_copy_error(
        const struct pg_shape *shape, const PGresult *result, struct error *err) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct error why = { 0 };
    enum status status;
    int column = context_column(shape, result);

    if (sqlstate != NULL &&
            (is_value_error(sqlstate) || (is_odd_error(sqlstate) && column >= 0))) {
        return value_error(shape, column, result, err);
    }
    status = pg_result_error(result, true, &why);
    if (status == STATUS_CONSTRAINT) {
        explain_key(shape->schema, &why);
    }
    error_move(err, &why);
    return status;
}

enum status pg_write_error(const struct pg_shape *shape, const struct pg_rows *rows,
        const PGresult *result, struct error *err) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct blame blame = { .shape = shape, .rows = rows };
    struct error why = { 0 };
    enum status status;
    int column;

    if (sqlstate != NULL && (is_value_error(sqlstate) || is_odd_error(sqlstate))) {
        blame.message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        blame.context = PQresultErrorField(result, PG_DIAG_CONTEXT);
        blame.odd = !is_value_error(sqlstate);
        column = blame_find(&blame);
        if (column >= 0 || !blame.odd) {
            return value_error(shape, column, result, err);
        }
    }
    status = pg_result_error(result, true, &why);
    if (status == STATUS_CONSTRAINT) {
        explain_key(shape->schema, &why);
    }
    error_move(err, &why);
    return status;
}
