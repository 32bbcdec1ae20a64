/* What the refusal of a write means: which constraint was broken, on which columns, and whether
 * it is certain that nothing was done. Pure. */
#include "drivers/postgrest/write.h"

#include "drivers/postgres/wire.h"

#include <string.h>

/* ---- constraints --------------------------------------------------------------------------
 */

static const struct {
    const char *sqlstate;
    enum constraint_kind kind;
} constraints[] = {
    { "23502", CONSTRAINT_NOT_NULL },
    { "23503", CONSTRAINT_FOREIGN_KEY },
    { "23001", CONSTRAINT_FOREIGN_KEY },
    { "23505", CONSTRAINT_UNIQUE },
    { "23514", CONSTRAINT_CHECK },
};

/* What stands between the quotes with this number, in whatever language; given, or NULL. */
static char *quoted_part(const char *message, int number) {
    const char *start = strchr(message, '"'), *end;

    for (int i = 0; start != NULL; i++) {
        end = strchr(start + 1, '"');
        if (end == NULL) {
            break;
        }
        if (i == number) {
            size_t length = (size_t)(end - start) - 1;
            char *copy = memory_alloc(length + 1);

            if (copy != NULL) {
                memcpy(copy, start + 1, length);
            }
            return copy;
        }
        start = strchr(end + 1, '"');
    }
    return NULL;
}

static char *last_quoted_part(const char *message) {
    char *last = NULL;

    for (int i = 0;; i++) {
        char *part = quoted_part(message, i);

        if (part == NULL) {
            return last;
        }
        memory_free(last);
        last = part;
    }
}

/* Is it just the columns of the key, in its order? */
static bool is_key(const struct schema *schema, const char *columns) {
    const struct pr_relation *relation = pr_relation(schema);

    for (size_t i = 0; i < relation->key_count; i++) {
        const char *name = schema->columns[relation->key[i]].remote_name;
        size_t length = strlen(name);

        if (strncmp(columns, name, length) != 0 ||
                columns[length] != (i + 1 < relation->key_count ? ',' : '\0')) {
            return false;
        }
        columns += length + 1;
    }
    return relation->key_count > 0 && !relation->key_asserted;
}

/* "null value in column "a" of relation "t"": only a column of this table's is named. */
static void explain_not_null(const struct schema *schema, struct error *err) {
    char *relation = quoted_part(err->message, 1);

    if (relation != NULL && strcmp(relation, schema->remote_name) == 0) {
        err->columns = quoted_part(err->message, 0);
    }
    memory_free(relation);
}

static void explain_constraint(const struct schema *schema, struct error *err) {
    for (size_t i = 0; i < sizeof(constraints) / sizeof(constraints[0]); i++) {
        if (strcmp(constraints[i].sqlstate, err->sqlstate) == 0) {
            err->constraint = constraints[i].kind;
        }
    }
    if (err->constraint == CONSTRAINT_NOT_NULL) {
        explain_not_null(schema, err);
    } else {
        err->constraint_name = last_quoted_part(err->message);
    }
    if (err->constraint == CONSTRAINT_UNIQUE) {
        err->columns = pg_detail_columns(err->detail);
        if (err->columns != NULL && is_key(schema, err->columns)) {
            err->constraint = CONSTRAINT_PRIMARY_KEY;
        }
    }
}

/* ---- the whole ----------------------------------------------------------------------------
 */

/* Without a word of the server's own, something between here and there may have answered in its
 * place, while it was at work. */
static bool leaves_it_open(long http_status, const struct error *err) {
    if (err->status == STATUS_LOST) {
        return true; /* the server's own way to its database broke */
    }
    return err->sqlstate[0] == '\0' && strstr(err->message, "(PGRST") == NULL &&
           (http_status >= 500 || http_status == 408);
}

static enum status value_refused(
        const struct schema *schema, struct error *why, struct error *err) {
    error_set(err, STATUS_VALUE, "cannot store a value in table \"%s\": %s",
            schema->remote_name, why->message);
    error_explain(err, why->sqlstate, why->detail, why->hint);
    error_clear(why);
    return STATUS_VALUE;
}

enum status pr_write_refusal(const struct schema *schema, long http_status, const char *body,
        size_t length, struct error *err) {
    struct error why = { 0 };
    enum status status = pr_answer_error(http_status, body, length, &why);

    if (leaves_it_open(http_status, &why)) {
        status = error_set(err, STATUS_OUTCOME_UNKNOWN, "%s", why.message);
        error_explain(err, why.sqlstate, why.detail, why.hint);
        error_clear(&why);
        return status;
    }
    if (strncmp(why.sqlstate, "22", 2) == 0) {
        return value_refused(schema, &why, err);
    }
    if (status == STATUS_CONSTRAINT) {
        explain_constraint(schema, &why);
    }
    error_move(err, &why);
    return status;
}
