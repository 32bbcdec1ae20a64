/* A neutral query -> SQLite's SQL and its parameters. Pure; the one place that spells it.
 *
 * Every column is named through the alias r: SQLite takes a quoted name that it cannot find for
 * a string, and would answer with that. Every comparison and order names its collation, since
 * the column's own may be one that nobody knows here. */
#include "drivers/sqlite/internal.h"

#include <string.h>

static const char *const collation_names[] = {
    [COLLATION_BINARY] = "BINARY",
    [COLLATION_NOCASE] = "NOCASE",
    [COLLATION_RTRIM] = "RTRIM",
};

void sq_append_identifier(struct text *out, const char *name) {
    text_append_char(out, '"');
    for (; *name != '\0'; name++) {
        text_append(out, *name == '"' ? "\"" : "");
        text_append_char(out, *name);
    }
    text_append_char(out, '"');
}

const char *sq_collation_name(const struct schema *schema, enum collation collation) {
    if (collation == COLLATION_BINARY && sq_relation(schema)->utf16) {
        return "drawbridge_utf8"; /* connection.c: BINARY would sort UTF-16 */
    }
    return collation_names[collation];
}

void sq_parameters_clear(struct sq_parameters *parameters) {
    memory_free(parameters->values);
    memset(parameters, 0, sizeof(*parameters));
}

static enum status add_parameter(struct sq_parameters *parameters, const struct value *value,
        struct text *sql, struct error *err) {
    if (parameters->count == parameters->capacity) {
        size_t capacity = parameters->capacity * 2 + 8;
        const struct value **values =
                memory_resize_array(parameters->values, capacity, sizeof(*values));

        if (values == NULL) {
            return error_nomem(err);
        }
        parameters->values = values;
        parameters->capacity = capacity;
    }
    parameters->values[parameters->count++] = value;
    text_printf(sql, "?%zu", parameters->count);
    return STATUS_OK;
}

static enum status add_values(const struct predicate_term *term, struct text *sql,
        struct sq_parameters *parameters, struct error *err) {
    for (size_t i = 0; i < term->value_count; i++) {
        enum status status;

        text_append(sql, i > 0 ? "," : "");
        status = add_parameter(parameters, &term->values[i], sql, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Fills in a form of judge.c. */
static enum status add_term(const struct query *query, int column,
        const struct predicate_term *term, struct text *sql, struct sq_parameters *parameters,
        struct error *err) {
    enum status status = STATUS_OK;

    for (const char *at = sq_form_sql(term->form); *at != '\0' && status == STATUS_OK; at++) {
        if (*at != '%') {
            text_append_char(sql, *at);
            continue;
        }
        switch (*++at) {
        case 'c':
            sq_append_column(sql, query->schema, column);
            break;
        case 'k':
            text_append(sql, sq_collation_name(query->schema, sq_form_collation(term->form)));
            break;
        default: /* '1' or '*' */
            status = add_values(term, sql, parameters, err);
            break;
        }
    }
    return status;
}

static enum status add_where(const struct query *query, struct text *sql,
        struct sq_parameters *parameters, struct error *err) {
    enum status status = STATUS_OK;

    for (size_t i = 0; i < query->predicate_count; i++) {
        const struct predicate *predicate = &query->predicates[i];

        text_append(sql, i == 0 ? " WHERE " : " AND ");
        text_append(sql, predicate->term_count > 1 ? "(" : "");
        for (size_t t = 0; t < predicate->term_count && status == STATUS_OK; t++) {
            text_append(sql, t > 0 ? " OR " : "");
            status = add_term(
                    query, predicate->column, &predicate->terms[t], sql, parameters, err);
        }
        text_append(sql, predicate->term_count > 1 ? ")" : "");
    }
    return status;
}

static void add_columns(const struct query *query, struct text *sql) {
    if (query->flags & QUERY_COUNT_ONLY) {
        text_append(sql, "count(*)");
        return;
    }
    for (size_t i = 0; i < query->column_count; i++) {
        text_append(sql, i > 0 ? ", " : "");
        sq_append_column(sql, query->schema, query->columns[i]);
    }
    if (query->flags & QUERY_IDENTITY) {
        text_printf(sql, "%sr.%s", query->column_count > 0 ? ", " : "",
                sq_relation(query->schema)->rowid_name);
    } else if (query->column_count == 0) {
        text_append(sql, "NULL"); /* rows without columns, in their order */
    }
}

/* Columns of a query get names by position: r.c0, r.c1. The user's own tables must not be taken
 * for the WITH, so it is not called r. */
static void add_with(const struct schema *schema, struct text *sql) {
    text_append(sql, "WITH drawbridge_query(");
    for (size_t i = 0; i < schema->column_count; i++) {
        text_printf(sql, "%sc%zu", i > 0 ? ", " : "", i);
    }
    text_printf(sql, ") AS (\n%s\n) ", schema->query); /* a comment may end its last line */
}

static void add_order(const struct query *query, struct text *sql) {
    for (size_t i = 0; i < query->order_count; i++) {
        const struct order_term *term = &query->order[i];
        const char *declared = query->schema->columns[term->column].declared_collation;

        text_append(sql, i == 0 ? " ORDER BY " : ", ");
        sq_append_column(sql, query->schema, term->column);
        text_printf(sql, " COLLATE %s%s",
                declared != NULL ? declared
                                 : sq_collation_name(query->schema, COLLATION_BINARY),
                term->descending ? " DESC" : "");
    }
}

enum status sq_select(const struct query *query, struct text *sql,
        struct sq_parameters *parameters, struct error *err) {
    const struct schema *schema = query->schema;
    enum status status;

    if (schema->kind == RELATION_QUERY) {
        add_with(schema, sql);
    }
    text_append(sql, "SELECT ");
    add_columns(query, sql);
    if (schema->kind == RELATION_QUERY) {
        text_append(sql, " FROM drawbridge_query AS r");
    } else {
        text_append(sql, " FROM main.");
        sq_append_identifier(sql, schema->remote_name);
        text_append(sql, " AS r");
    }
    status = add_where(query, sql, parameters, err);
    if (!(query->flags & QUERY_COUNT_ONLY)) {
        add_order(query, sql);
        if (query->limit >= 0) {
            text_printf(sql, " LIMIT %lld", (long long)query->limit);
        }
    }
    return status == STATUS_OK ? text_status(sql, err) : status;
}
