/* A neutral query in PostgREST's words: the target of a request, once as it travels and once
 * for people, with $1 for every value. Pure.
 *
 * Everything but letters, digits and "-._~" travels as %XX, a blank as %20 ("+" would be one,
 * too). Values behind "column=op." run to the end and have no quotes; within parentheses every
 * value is quoted. A column's name is quoted unless it is a plain word that is not PostgREST's
 * own: of an unquoted one, odd characters are dropped without a word. */
#include "drivers/postgrest/internal.h"
#include "drivers/url.h"

#include <stdio.h>
#include <string.h>

static const char *const reserved[] = { "select", "order", "limit", "offset", "and", "or",
    "not", "columns", "on_conflict" };

static const char *const operator_words[OPERATOR_COUNT] = {
    [OPERATOR_EQ] = "eq",
    [OPERATOR_NE] = "neq",
    [OPERATOR_LT] = "lt",
    [OPERATOR_LE] = "lte",
    [OPERATOR_GT] = "gt",
    [OPERATOR_GE] = "gte",
};

void pr_spelling_init(struct pr_spelling *to) {
    text_init(&to->url, PR_TARGET_BYTES_MAX);
    text_init(&to->shown, PR_TARGET_BYTES_MAX);
    text_init(&to->parameters, PR_TARGET_BYTES_MAX);
    to->parameter_count = 0;
}

void pr_spelling_clear(struct pr_spelling *to) {
    text_clear(&to->url);
    text_clear(&to->shown);
    text_clear(&to->parameters);
}

/* PostgREST's own words and signs, which are the same in both spellings. */
static void put(struct pr_spelling *to, const char *words) {
    text_append(&to->url, words);
    text_append(&to->shown, words);
}

static bool is_plain_name(const char *name) {
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return false;
        }
    }
    return name[0] != '\0' &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void put_quoted(struct text *plain, const char *text) {
    text_append_char(plain, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            text_append_char(plain, '\\');
        }
        text_append_char(plain, *text);
    }
    text_append_char(plain, '"');
}

static void put_name(struct pr_spelling *to, const char *name) {
    struct text quoted;

    if (is_plain_name(name)) {
        put(to, name);
        return;
    }
    text_init(&quoted, PR_TARGET_BYTES_MAX);
    put_quoted(&quoted, name);
    url_encode(&to->url, text_get(&quoted), quoted.length);
    text_append(&to->shown, text_get(&quoted));
    if (quoted.failure != STATUS_OK) {
        to->url.failure = quoted.failure;
    }
    text_clear(&quoted);
}

static void put_column(struct pr_spelling *to, const struct schema *schema, int column) {
    put_name(to, schema->columns[column].remote_name);
}

static void put_value(struct pr_spelling *to, const char *value, bool quoted) {
    struct text text;

    text_init(&text, PR_TARGET_BYTES_MAX);
    if (quoted) {
        put_quoted(&text, value);
    } else {
        text_append(&text, value);
    }
    url_encode(&to->url, text_get(&text), text.length);
    if (text.failure != STATUS_OK) {
        to->url.failure = text.failure;
    }
    text_clear(&text);
    text_printf(&to->shown, "$%zu", ++to->parameter_count);
    text_append_char(&to->parameters, to->parameter_count == 1 ? '[' : ',');
    text_append_json(&to->parameters, value, strlen(value));
}

/* ---- what is asked for --------------------------------------------------------------------
 */

static const char *const select_casts[] = {
    [PR_SELECT_PLAIN] = "",
    [PR_SELECT_TEXT] = "::text",
    [PR_SELECT_NUMERIC] = "::numeric",
};

/* What the server may write otherwise than it compares it: arrays as JSON, an inet as a text.
 */
static bool is_converted(const struct pr_column *facts) {
    return facts->raw || facts->select != PR_SELECT_PLAIN ||
           strcmp(facts->pg.select_expression, "%c") != 0;
}

static bool has_answer_name(const struct schema *schema, int column,
        const struct pr_order *order, size_t order_count) {
    for (size_t i = 0; i < order_count; i++) {
        if (order[i].column == column) {
            return is_converted(pr_column(schema, column));
        }
    }
    return false;
}

const char *pr_answer_name(const struct schema *schema, int column,
        const struct pr_order *order, size_t order_count, struct arena *arena) {
    char name[32];

    if (!has_answer_name(schema, column, order, order_count)) {
        return schema->columns[column].remote_name;
    }
    snprintf(name, sizeof(name), "drawbridge_%d", column);
    return arena_copy_text(arena, name);
}

const char *pr_key_name(int column, struct arena *arena) {
    char name[32];

    snprintf(name, sizeof(name), "drawbridge_key_%d", column);
    return arena_copy_text(arena, name);
}

static void put_relation(struct pr_spelling *to, const struct schema *schema) {
    put(to, "/");
    url_encode(&to->url, schema->remote_name, strlen(schema->remote_name));
    text_append(&to->shown, schema->remote_name);
    put(to, "?select=");
}

void pr_append_counted(struct pr_spelling *to, const struct schema *schema, int column) {
    put_relation(to, schema);
    put_column(to, schema, column);
}

void pr_append_kept(struct pr_spelling *to, const struct schema *schema, int column) {
    put(to, ",");
    put_column(to, schema, column);
    put(to, pr_column(schema, column)->raw ? "" : select_casts[PR_SELECT_TEXT]);
}

void pr_append_source(struct pr_spelling *to, const struct schema *schema, const int *columns,
        size_t column_count, const struct pr_order *order, size_t order_count) {
    put_relation(to, schema);
    for (size_t i = 0; i < column_count; i++) {
        put(to, i > 0 ? "," : "");
        if (has_answer_name(schema, columns[i], order, order_count)) {
            text_printf(&to->url, "drawbridge_%d:", columns[i]);
        }
        put_column(to, schema, columns[i]);
        put(to, select_casts[pr_column(schema, columns[i])->select]);
    }
    for (size_t i = 0; i < order_count; i++) {
        if (pr_column(schema, order[i].column)->raw) {
            text_printf(&to->url, ",drawbridge_key_%d:", order[i].column);
            text_append_char(&to->shown, ',');
            put_column(to, schema, order[i].column);
            put(to, select_casts[PR_SELECT_TEXT]);
        }
    }
}

void pr_append_names(struct pr_spelling *to, const struct schema *schema, const char *word,
        const int *columns, size_t count) {
    put(to, "&");
    put(to, word);
    for (size_t i = 0; i < count; i++) {
        put(to, i == 0 ? "=" : ",");
        put_column(to, schema, columns[i]);
    }
}

/* ---- filters ------------------------------------------------------------------------------
 */

/* One test of a column: at the top "c=op.value", within parentheses "c.op."value"". */
struct test {
    int column;
    const char *op; /* "eq", "not.match" */
    const char *value;
    bool is_word; /* null, true, false: never quoted, no parameter */
};

static void put_test(struct pr_spelling *to, const struct schema *schema,
        const struct test *test, bool top) {
    put_column(to, schema, test->column);
    put(to, top ? "=" : ".");
    put(to, test->op);
    put(to, ".");
    if (test->is_word) {
        put(to, test->value);
    } else {
        put_value(to, test->value, !top);
    }
}

/* Within a list a whole number needs no quotes, and a long list is short without them. */
static bool is_whole_number(const char *text) {
    size_t sign = text[0] == '-';

    return text[sign] != '\0' && text[sign + strspn(text + sign, "0123456789")] == '\0';
}

static void put_list(struct pr_spelling *to, const struct schema *schema, int column,
        const struct predicate_term *term, bool top) {
    put_column(to, schema, column);
    put(to, top ? "=in.(" : ".in.(");
    for (size_t i = 0; i < term->value_count; i++) {
        put(to, i > 0 ? "," : "");
        put_value(to, term->values[i].bytes, !is_whole_number(term->values[i].bytes));
    }
    put(to, ")");
}

/* Two tests that both must hold. */
static void put_both(struct pr_spelling *to, const struct schema *schema,
        const struct test tests[2], bool top) {
    put(to, top ? "" : "and(");
    put_test(to, schema, &tests[0], top);
    put(to, top ? "&" : ",");
    put_test(to, schema, &tests[1], top);
    put(to, top ? "" : ")");
}

static void put_term(struct pr_spelling *to, const struct schema *schema, int column,
        const struct predicate_term *term, bool top) {
    enum pr_form form = (enum pr_form)(term->form / OPERATOR_COUNT);
    const char *op = operator_words[term->form % OPERATOR_COUNT];
    const char *value = term->values[0].bytes;
    struct test tests[2] = { { column, op, value, false } };

    switch (form) {
    case PR_IN:
    case PR_IN_LOOSE:
        put_list(to, schema, column, term, top);
        return;
    case PR_BETWEEN:
        tests[0].op = "gte";
        tests[1] = (struct test){ column, "lte", term->values[1].bytes, false };
        put_both(to, schema, tests, top);
        return;
    case PR_WITHOUT_NAN:
        tests[1] = (struct test){ column, "neq", "NaN", true };
        put_both(to, schema, tests, top);
        return;
    case PR_IS:
    case PR_IS_NOT:
        tests[0].op = form == PR_IS ? "is" : "not.is";
        tests[0].is_word = true;
        break;
    case PR_MATCH:
    case PR_NOT_MATCH:
        tests[0].op = form == PR_MATCH ? "match" : "not.match";
        break;
    default:
        break;
    }
    put_test(to, schema, &tests[0], top);
}

void pr_append_predicate(struct pr_spelling *to, const struct schema *schema,
        const struct predicate *predicate) {
    put(to, "&");
    if (predicate->term_count == 1) {
        put_term(to, schema, predicate->column, &predicate->terms[0], true);
        return;
    }
    put(to, "or=(");
    for (size_t i = 0; i < predicate->term_count; i++) {
        put(to, i > 0 ? "," : "");
        put_term(to, schema, predicate->column, &predicate->terms[i], false);
    }
    put(to, ")");
}

/* One row: "a=eq.1&b=eq.x" at the top, else "and(a.eq."1",b.eq."x")". */
static void put_row(struct pr_spelling *to, const struct schema *schema, const int *columns,
        size_t count, const struct value *key, bool top) {
    put(to, top ? "" : "and(");
    for (size_t i = 0; i < count; i++) {
        struct test test = { columns[i], "eq", key[i].bytes, false };

        put(to, i == 0 ? "" : top ? "&" : ",");
        put_test(to, schema, &test, top);
    }
    put(to, top ? "" : ")");
}

void pr_append_rows(struct pr_spelling *to, const struct schema *schema, const int *columns,
        size_t column_count, const struct value *keys, size_t count) {
    put(to, "&");
    if (count == 1) {
        put_row(to, schema, columns, column_count, keys, true);
        return;
    }
    put(to, "or=(");
    for (size_t i = 0; i < count; i++) {
        put(to, i > 0 ? "," : "");
        put_row(to, schema, columns, column_count, &keys[i * column_count], false);
    }
    put(to, ")");
}

/* ---- order and pages ----------------------------------------------------------------------
 */

void pr_append_order(struct pr_spelling *to, const struct schema *schema,
        const struct pr_order *order, size_t count) {
    for (size_t i = 0; i < count; i++) {
        put(to, i == 0 ? "&order=" : ",");
        put_column(to, schema, order[i].column);
        put(to, order[i].descending ? ".desc" : ".asc");
        if (order[i].may_be_null) {
            put(to, order[i].descending ? ".nullslast" : ".nullsfirst");
        }
    }
}

/* NULLs come first when ascending, last when descending. */
static void put_behind(struct pr_spelling *to, const struct schema *schema,
        const struct pr_order *order, const char *value) {
    struct test behind = { order->column, order->descending ? "lt" : "gt", value, false };
    struct test null = { order->column, "is", "null", true };

    if (value == NULL) {
        null.op = "not.is";
        put_test(to, schema, &null, false);
    } else if (order->descending && order->may_be_null) {
        put(to, "or(");
        put_test(to, schema, &behind, false);
        put(to, ",");
        put_test(to, schema, &null, false);
        put(to, ")");
    } else {
        put_test(to, schema, &behind, false);
    }
}

/* Rows that agree in the first `same` columns and are behind in the next; all of them when
 * `same` is the whole count. */
static void put_branch(struct pr_spelling *to, const struct schema *schema,
        const struct pr_order *order, size_t same, size_t count, const char *const *values) {
    put(to, "and(");
    for (size_t i = 0; i < same; i++) {
        struct test test = { order[i].column, "eq", values[i], false };

        if (values[i] == NULL) {
            test = (struct test){ order[i].column, "is", "null", true };
        }
        put(to, i > 0 ? "," : "");
        put_test(to, schema, &test, false);
    }
    if (same < count) {
        put(to, same > 0 ? "," : "");
        put_behind(to, schema, &order[same], values[same]);
    }
    put(to, ")");
}

void pr_append_keyset(struct pr_spelling *to, const struct schema *schema,
        const struct pr_order *order, size_t count, const char *const *values) {
    bool bounded = values[0] != NULL && !(order[0].descending && order[0].may_be_null);
    const char *separator = "";

    if (bounded) { /* of one column it says all; of more, it lets an index serve */
        struct test from = { order[0].column, order[0].descending ? "lte" : "gte", values[0],
            false };

        put(to, "&");
        put_test(to, schema, &from, true);
        if (count == 1) {
            return;
        }
    }
    put(to, "&or=(");
    for (size_t same = 0; same <= count; same++) {
        if (same < count && values[same] == NULL && order[same].descending) {
            continue; /* nothing is behind a NULL that comes last */
        }
        put(to, separator);
        put_branch(to, schema, order, same, count, values);
        separator = ",";
    }
    put(to, ")");
}
