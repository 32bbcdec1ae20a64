/* A neutral query in PostgreSQL's SQL. Pure: no connection is asked for quoting, since
 * identifiers are always quoted and values always travel as parameters.
 *
 * Users read these statements in bridge_log and bridge_explain, so they are as short as safety
 * allows: the session's search_path begins with pg_catalog (connection.c), hence built-in types
 * need no schema; relations and functions do. */
#include "drivers/postgres/internal.h"

#include <inttypes.h>
#include <string.h>

enum { PARAMETERS_MAX = 65535 }; /* of the protocol: a 16-bit count */

/* Where the text of one statement grows. */
struct writing {
    const struct schema *schema;
    struct text *sql;
    struct pg_parameters *parameters;
    enum status status; /* sticky, as in text */
};

/* One condition's placeholders. */
struct filling {
    int column;
    const struct predicate_term *term;
    size_t numbers[PG_TERM_VALUES_MAX]; /* 1-based parameters of %1..; 0: not sent yet */
};

void pg_parameters_clear(struct pg_parameters *parameters) {
    arena_clear(&parameters->arena);
    memory_free(parameters->values);
    memset(parameters, 0, sizeof(*parameters));
}

static void parameters_add(struct writing *w, const struct value *value) {
    struct pg_parameters *to = w->parameters;
    size_t capacity = to->capacity > 0 ? to->capacity * 2 : 8;
    char *copy;

    if (to->count == to->capacity) {
        const char **values = memory_resize_array(to->values, capacity, sizeof(*values));

        if (values == NULL) {
            w->status = STATUS_NOMEM;
            return;
        }
        to->values = values;
        to->capacity = capacity;
    }
    copy = arena_copy(&to->arena, value->bytes, value->length);
    if (copy == NULL) {
        w->status = STATUS_NOMEM;
        return;
    }
    to->values[to->count++] = copy;
}

void pg_append_identifier(struct text *sql, const char *name) {
    text_append_char(sql, '"');
    for (const char *quote = strchr(name, '"'); quote != NULL; quote = strchr(name, '"')) {
        text_append_bytes(sql, name, (size_t)(quote + 1 - name));
        text_append_char(sql, '"');
        name = quote + 1;
    }
    text_append(sql, name);
    text_append_char(sql, '"');
}

void pg_append_relation(struct text *sql, const struct schema *schema) {
    pg_append_identifier(sql, schema->remote_schema);
    text_append_char(sql, '.');
    pg_append_identifier(sql, schema->remote_name);
}

static void append_column(struct writing *w, int column) {
    pg_append_identifier(w->sql, w->schema->columns[column].remote_name);
}

/* The session's search_path begins with pg_catalog, so a cast need not name it. */
static size_t built_in_length(const char *sql) {
    static const char built_in[] = "pg_catalog.";

    return strncmp(sql, built_in, sizeof(built_in) - 1) == 0 ? sizeof(built_in) - 1 : 0;
}

static void append_type(struct writing *w, const char *type_sql) {
    text_append(w->sql, type_sql + built_in_length(type_sql));
}

/* An expression of types.c: "%c" is the column, anything else stands for itself. */
static void append_expression(struct writing *w, const char *expression, int column) {
    for (const char *at = expression; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 'c') {
            append_column(w, column);
            at++;
        } else {
            text_append_char(w->sql, *at);
            if (at > expression && at[0] == ':' && at[-1] == ':') {
                at += built_in_length(at + 1);
            }
        }
    }
}

/* The column as what its operators are defined for. A cast from varchar to text or from a
 * domain to its base type changes no value and hides no index. */
static void append_operand(struct writing *w, int column) {
    const struct pg_column *pg = pg_column(w->schema, column);
    bool text = pg->family == PG_FAMILY_TEXT || pg->family == PG_FAMILY_TEXT_NONDETERMINISTIC;

    append_column(w, column);
    if (text && strcmp(pg->type_sql, "pg_catalog.text") != 0) {
        text_append(w->sql, "::text");
    } else if (pg->domain) {
        text_append(w->sql, "::");
        append_type(w, pg->type_sql);
    }
}

static void append_operand_expression(struct writing *w, const char *expression, int column) {
    if (strcmp(expression, "%c") == 0) {
        append_operand(w, column);
    } else {
        append_expression(w, expression, column);
    }
}

void pg_append_literal(struct text *sql, const char *value) {
    bool escapes = strchr(value, '\\') != NULL;

    /* E'' means the same whatever standard_conforming_strings says. */
    text_append(sql, escapes ? " E'" : "'");
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\') {
            text_append_char(sql, *at);
        }
        text_append_char(sql, *at);
    }
    text_append_char(sql, '\'');
}

/* The same value twice in a term is one parameter. */
static void append_parameter(struct writing *w, struct filling *filling, size_t index) {
    if (w->parameters == NULL) {
        pg_append_literal(w->sql, filling->term->values[index].bytes);
        return;
    }
    if (filling->numbers[index] == 0) {
        parameters_add(w, &filling->term->values[index]);
        filling->numbers[index] = w->parameters->count;
    }
    text_printf(w->sql, "$%zu", filling->numbers[index]);
}

static void append_placeholder(struct writing *w, struct filling *filling, char name) {
    const struct pg_column *column = pg_column(w->schema, filling->column);

    switch (name) {
    case 'c':
        append_column(w, filling->column);
        break;
    case 'v':
        append_operand(w, filling->column);
        break;
    case 'e':
        append_operand_expression(w, column->text_expression, filling->column);
        break;
    case 's':
        append_operand_expression(w, column->select_expression, filling->column);
        break;
    case 't':
        append_type(w, column->type_sql);
        break;
    case 'o':
        text_append(w->sql, pg_form_operator(filling->term->form));
        break;
    default:
        append_parameter(w, filling, (size_t)(name - '1'));
        break;
    }
}

static void append_term(struct writing *w, int column, const struct predicate_term *term) {
    struct filling filling = { .column = column, .term = term };
    const char *form = pg_form_sql(term->form);

    for (const char *at = strchr(form, '%'); at != NULL; at = strchr(form, '%')) {
        text_append_bytes(w->sql, form, (size_t)(at - form));
        append_placeholder(w, &filling, at[1]);
        form = at + 2;
    }
    text_append(w->sql, form);
}

static void append_predicate(struct writing *w, const struct predicate *predicate) {
    text_append(w->sql, predicate->term_count > 1 ? "(" : "");
    for (size_t i = 0; i < predicate->term_count; i++) {
        text_append(w->sql, i > 0 ? " OR " : "");
        append_term(w, predicate->column, &predicate->terms[i]);
    }
    text_append(w->sql, predicate->term_count > 1 ? ")" : "");
}

/* A user's query may end in a line comment, and in semicolons. */
static void append_query(struct writing *w, const char *query) {
    size_t length = strlen(query);

    while (length > 0 && strchr("; \t\r\n\f", query[length - 1]) != NULL) {
        length--;
    }
    text_append_char(w->sql, '(');
    text_append_bytes(w->sql, query, length);
    text_append(w->sql, strstr(query, "--") != NULL ? "\n) AS q" : ") AS q");
}

static void append_source(struct writing *w, const struct query *query) {
    const struct schema *schema = query->schema;

    text_append(w->sql, " FROM ");
    if (schema->kind == RELATION_QUERY) {
        append_query(w, schema->query);
    } else {
        pg_append_relation(w->sql, schema);
    }
    for (size_t i = 0; i < query->predicate_count; i++) {
        text_append(w->sql, i == 0 ? " WHERE " : " AND ");
        append_predicate(w, &query->predicates[i]);
    }
}

static void append_columns(struct writing *w, const struct query *query) {
    const char *separator = " ";

    for (size_t i = 0; i < query->column_count; i++) {
        int column = query->columns[i];

        text_append(w->sql, separator);
        append_expression(w, pg_column(w->schema, column)->select_expression, column);
        separator = ", ";
    }
    if ((query->flags & QUERY_IDENTITY) != 0) {
        text_append(w->sql, separator);
        text_append(w->sql, pg_relation(w->schema)->leaf_count > 0 ? "ctid, tableoid" : "ctid");
    }
}

/* ---- order --------------------------------------------------------------------------------
 */

/* A bare name in ORDER BY means an output column first, and PostgreSQL names the output of an
 * expression after a column or function in it. It is unambiguous while only columns are
 * selected. */
static bool selects_only_columns(const struct query *query) {
    for (size_t i = 0; i < query->column_count; i++) {
        if (strcmp(pg_column(query->schema, query->columns[i])->select_expression, "%c") != 0) {
            return false;
        }
    }
    return true;
}

/* No index serves an explicit NULLS FIRST, so it is left out where no NULL can come. */
static bool may_be_null(const struct query *query, int column) {
    if (query->schema->columns[column].not_null) {
        return false;
    }
    for (size_t i = 0; i < query->predicate_count; i++) {
        const struct predicate *predicate = &query->predicates[i];
        bool accepts_null = predicate->column != column;

        for (size_t k = 0; k < predicate->term_count; k++) {
            accepts_null = accepts_null || pg_form_accepts_null(predicate->terms[k].form);
        }
        if (!accepts_null) {
            return false;
        }
    }
    return true;
}

static void append_order_term(
        struct writing *w, const struct query *query, const struct order_term *term) {
    const char *expression = pg_column(w->schema, term->column)->order_expression;

    if (strcmp(expression, "%c") == 0 && !selects_only_columns(query)) {
        pg_append_identifier(
                w->sql, w->schema->kind == RELATION_QUERY ? "q" : w->schema->remote_name);
        text_append_char(w->sql, '.');
    }
    append_expression(w, expression, term->column);
    text_append(w->sql, term->descending ? " DESC" : "");
    if (may_be_null(query, term->column)) {
        text_append(w->sql, term->descending ? " NULLS LAST" : " NULLS FIRST");
    }
}

static void append_order(struct writing *w, const struct query *query) {
    for (size_t i = 0; i < query->order_count; i++) {
        text_append(w->sql, i == 0 ? " ORDER BY " : ", ");
        append_order_term(w, query, &query->order[i]);
    }
}

/* ---- the statement ------------------------------------------------------------------------
 */

static void append_rows(struct writing *w, const struct query *query) {
    text_append(w->sql, "SELECT");
    append_columns(w, query);
    append_source(w, query);
    append_order(w, query);
    if (query->limit >= 0) {
        text_printf(w->sql, " LIMIT %" PRId64, query->limit);
    }
    if ((query->flags & QUERY_LOCK) != 0 && query->schema->lockable) {
        text_append(w->sql, " FOR UPDATE");
    }
}

/* A limit is on the rows that are counted, not on the one row of the count. */
static void append_count(struct writing *w, const struct query *query) {
    text_append(w->sql, "SELECT count(*)");
    if (query->limit < 0) {
        append_source(w, query);
        return;
    }
    text_append(w->sql, " FROM (SELECT");
    append_source(w, query);
    text_printf(w->sql, " LIMIT %" PRId64 ") AS counted", query->limit);
}

enum status pg_select(const struct query *query, struct text *sql,
        struct pg_parameters *parameters, struct error *err) {
    struct writing w = { .schema = query->schema, .sql = sql, .parameters = parameters };

    if ((query->flags & QUERY_COUNT_ONLY) != 0) {
        append_count(&w, query);
    } else {
        append_rows(&w, query);
    }
    if (w.status == STATUS_NOMEM) {
        return error_nomem(err);
    }
    if (parameters != NULL && parameters->count > PARAMETERS_MAX) {
        return error_set(err, STATUS_TOO_BIG,
                "could not send %zu values in one statement: the protocol allows %d",
                parameters->count, PARAMETERS_MAX);
    }
    return text_status(sql, err);
}
