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

/* Does the server's message speak of this value, or else of this type? */
static int speaks_of(const char *message, const struct pg_column *pg,
        const struct column *column, const char *bytes, size_t length) {
    enum { QUOTED_BYTES_MAX = 200 };
    char quoted[QUOTED_BYTES_MAX + 3];
    int score = strstr(message, pg->type_name) != NULL ||
                strstr(message, column->remote_type) != NULL ||
                (strcmp(pg->type_name, "jsonb") == 0 && strstr(message, " json") != NULL);

    if (length > QUOTED_BYTES_MAX) {
        return score;
    }
    snprintf(quoted, sizeof(quoted), "\"%.*s\"", (int)length, bytes);
    return score + (strstr(message, quoted) != NULL ? 2 : 0);
}

/* The column whose value it most likely was; -1: none can be told. */
static int blame(
        const struct pg_shape *shape, const struct pg_rows *rows, const char *message) {
    size_t count = pg_parameter_count(shape), parameter = 0;
    int best = -1, best_score = 0, candidates = 0, candidate = -1;

    for (size_t i = 0; i < shape->schema->column_count; i++) {
        const struct pg_column *pg = pg_column(shape->schema, (int)i);

        if (!pg_is_set(shape, i) || pg_value_rule(pg)->parameter != PG_PARAMETER_TEXT) {
            parameter += pg_is_set(shape, i);
            continue;
        }
        candidates++;
        candidate = (int)i;
        for (size_t row = 0; row < rows->count; row++) {
            const struct pg_argument *argument = &rows->arguments[row * count + parameter];
            int score = argument->length < 0
                                ? 0
                                : speaks_of(message, pg, &shape->schema->columns[i],
                                          text_get(&rows->bytes) + argument->start,
                                          (size_t)argument->length);

            if (score > best_score) {
                best = (int)i;
                best_score = score;
            }
        }
        parameter++;
    }
    return best >= 0 || candidates != 1 ? best : candidate;
}

static enum status value_error(const struct pg_shape *shape, const struct pg_rows *rows,
        const PGresult *result, struct error *err) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    int column = blame(shape, rows, message);
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

enum status pg_write_error(const struct pg_shape *shape, const struct pg_rows *rows,
        const PGresult *result, struct error *err) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    struct error why = { 0 };
    enum status status;

    if (sqlstate != NULL && strncmp(sqlstate, "22", 2) == 0) {
        status = value_error(shape, rows, result, &why);
    } else {
        status = pg_result_error(result, true, &why);
    }
    if (status == STATUS_CONSTRAINT) {
        explain_key(shape->schema, &why);
    }
    error_move(err, &why);
    return status;
}
