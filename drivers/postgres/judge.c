/* Decides what of a condition may be sent to PostgreSQL, and as which form: the value at hand
 * chooses, and what cannot be proven is not sent. Pure; dialect.c spells the forms.
 *
 * A verdict is about the presented values, as SQLite sees them in the virtual table, so it
 * rests on what types.c says of the column. */
#include "drivers/postgres/judge.h"

#include <assert.h>
#include <string.h>

enum { OID_MONEY = 790, OID_NUMERIC = 1700 };

static const char *const why_presentation = "nothing but NULL tests is proven for this type";
static const char *const why_no_text = "the server's text of the value differs from SQLite's";

/* One row per family: how it compares, and whether presented values are TEXT. */
struct family {
    void (*compare)(struct judging *, const struct value *); /* NULL: never */
    bool text;
};

static const struct family families[] = {
    [PG_FAMILY_INTEGER] = { judge_integer, false },
    [PG_FAMILY_BOOL] = { judge_bool, false },
    [PG_FAMILY_FLOAT8] = { judge_float8, false },
    [PG_FAMILY_FLOAT4] = { judge_float4, false },
    [PG_FAMILY_NUMERIC_NARROW] = { judge_numeric_narrow, false },
    [PG_FAMILY_NUMERIC_WIDE] = { judge_numeric_wide, false },
    [PG_FAMILY_TEXT] = { judge_text, true },
    [PG_FAMILY_TEXT_NONDETERMINISTIC] = { judge_text, true },
    [PG_FAMILY_CITEXT] = { judge_text, true },
    [PG_FAMILY_CAST_TEXT] = { judge_text, true },
    [PG_FAMILY_ENUM] = { judge_text, true },
    [PG_FAMILY_BYTEA] = { judge_bytea, false },
    [PG_FAMILY_UUID] = { judge_uuid, false },
    [PG_FAMILY_DATE] = { judge_datetime, false },
    [PG_FAMILY_TIMESTAMP] = { judge_datetime, false },
    [PG_FAMILY_TIMESTAMPTZ] = { judge_datetime, false },
    [PG_FAMILY_TIME] = { judge_datetime, false },
    [PG_FAMILY_NULLS_ONLY] = { NULL, false },
};

/* ---- verdicts -----------------------------------------------------------------------------
 */

void judging_verdict(struct judging *j, enum verdict verdict, const char *why) {
    j->verdict = verdict;
    j->why = why;
}

void judging_skip(struct judging *j, const char *why) {
    j->term_count = 0;
    judging_verdict(j, VERDICT_SKIP, why);
}

void judging_empty(struct judging *j) {
    j->term_count = 0;
    judging_verdict(j, VERDICT_EMPTY, "no value of this column can match");
}

void judging_term(struct judging *j, enum judge_template form, enum condition_operator op,
        size_t value_count, const char *const *texts) {
    struct value *values = arena_alloc_array(j->arena, value_count + 1, sizeof(*values));

    assert(j->term_count < JUDGE_TERMS_MAX && value_count <= PG_TERM_VALUES_MAX);
    if (values == NULL) {
        j->nomem = true;
        return;
    }
    for (size_t i = 0; i < value_count; i++) {
        values[i].kind = VALUE_TEXT;
        values[i].length = texts[i] != NULL ? strlen(texts[i]) : 0;
        values[i].bytes = arena_copy_text(j->arena, texts[i]);
        j->nomem = j->nomem || values[i].bytes == NULL;
    }
    j->terms[j->term_count++] = (struct predicate_term){
        .form = judge_form(form, op), .values = values, .value_count = value_count
    };
}

void judging_exact(struct judging *j, enum judge_template form, enum condition_operator op,
        const char *value) {
    judging_term(j, form, op, value != NULL ? 1 : 0, &value);
    judging_verdict(j, VERDICT_EXACT, NULL);
}

bool judging_has_nan(const struct judging *j) {
    switch (j->column->family) {
    case PG_FAMILY_FLOAT8:
    case PG_FAMILY_FLOAT4:
    case PG_FAMILY_NUMERIC_NARROW:
        return true;
    case PG_FAMILY_NUMERIC_WIDE:
        return j->column->type_oid != OID_MONEY;
    case PG_FAMILY_INTEGER:
        return j->column->decoder == PG_DECODE_NUMERIC;
    case PG_FAMILY_CAST_TEXT: /* numeric=text */
        return j->column->type_oid == OID_NUMERIC;
    default:
        return false;
    }
}

void judging_all(struct judging *j) {
    j->term_count = 0;
    if (j->not_null) {
        judging_verdict(j, VERDICT_ALL, "no value of this column can fail");
    } else if (j->column->row_null) {
        judging_exact(j, FORM_ROW_NOT_NULL, OPERATOR_EQ, NULL);
    } else {
        judging_exact(j, j->column->nan_null ? FORM_NOT_NAN : FORM_NOT_NULL, OPERATOR_EQ, NULL);
    }
}

static void add_nulls(struct judging *j) {
    judging_term(
            j, j->column->row_null ? FORM_ROW_IS_NULL : FORM_IS_NULL, OPERATOR_EQ, 0, NULL);
    if (j->column->nan_null) {
        judging_term(j, FORM_IS_NAN, OPERATOR_EQ, 0, NULL);
    }
}

/* ---- operators ----------------------------------------------------------------------------
 */

void judge_compare(struct judging *j, const struct value *value) {
    if (value->kind == VALUE_NULL) {
        judging_empty(j);
    } else if (families[j->column->family].compare == NULL) {
        judging_skip(j, why_presentation);
    } else {
        families[j->column->family].compare(j, value);
    }
}

static void judge_is_null(struct judging *j, const struct value *value) {
    (void)value;
    add_nulls(j);
    judging_verdict(j, VERDICT_EXACT, NULL);
}

static void judge_not_null(struct judging *j, const struct value *value) {
    (void)value;
    judging_all(j);
}

static void judge_is(struct judging *j, const struct value *value) {
    if (value->kind == VALUE_NULL) {
        judge_is_null(j, value);
        return;
    }
    j->op = OPERATOR_EQ;
    judge_compare(j, value);
}

static void judge_is_not(struct judging *j, const struct value *value) {
    if (value->kind == VALUE_NULL) {
        judging_all(j);
        return;
    }
    j->op = OPERATOR_NE;
    judge_compare(j, value);
    switch (j->verdict) {
    case VERDICT_EMPTY: /* then NULL alone differs from the value */
        judge_is_null(j, value);
        break;
    case VERDICT_EXACT:
        if (j->terms[0].form == judge_form(FORM_NOT_NULL, OPERATOR_EQ) ||
                j->terms[0].form == judge_form(FORM_ROW_NOT_NULL, OPERATOR_EQ)) {
            j->term_count = 0;
            judging_verdict(j, VERDICT_ALL, "no value of this column can fail");
        } else {
            add_nulls(j);
        }
        break;
    case VERDICT_SUPERSET: /* all values and NULL: every row */
        judging_skip(j, j->why);
        break;
    default:
        break;
    }
}

/* A pattern compares with the text that SQLite makes of the value. */
static void judge_pattern_of(struct judging *j, const struct value *value,
        void (*judge)(struct judging *, const struct value *)) {
    if (value->kind == VALUE_NULL) {
        judging_empty(j);
    } else if (families[j->column->family].compare == NULL) {
        judging_skip(j, why_presentation);
    } else if (j->column->text_expression == NULL) {
        judging_skip(j, why_no_text);
    } else {
        judge(j, value);
    }
}

static void judge_like_of(struct judging *j, const struct value *value) {
    judge_pattern_of(j, value, judge_like);
}

static void judge_glob_of(struct judging *j, const struct value *value) {
    judge_pattern_of(j, value, judge_glob);
}

/* OPERATOR_IN takes any number of values and is judged apart. */
static void (*const by_operator[OPERATOR_COUNT])(struct judging *, const struct value *) = {
    [OPERATOR_EQ] = judge_compare,
    [OPERATOR_NE] = judge_compare,
    [OPERATOR_LT] = judge_compare,
    [OPERATOR_LE] = judge_compare,
    [OPERATOR_GT] = judge_compare,
    [OPERATOR_GE] = judge_compare,
    [OPERATOR_IS] = judge_is,
    [OPERATOR_IS_NOT] = judge_is_not,
    [OPERATOR_IS_NULL] = judge_is_null,
    [OPERATOR_NOT_NULL] = judge_not_null,
    [OPERATOR_LIKE] = judge_like_of,
    [OPERATOR_GLOB] = judge_glob_of,
};

static void judging_begin(struct judging *j, const struct schema *schema,
        const struct condition *condition, struct arena *arena) {
    const struct pg_relation *relation = pg_relation(schema);

    *j = (struct judging){ .column = pg_column(schema, condition->column),
        .not_null = schema->columns[condition->column].not_null,
        .utf8 = relation->utf8,
        .op = condition->op,
        .collation = condition->collation,
        .arena = arena };
}

enum status pg_judge(const struct schema *schema, const struct condition *condition,
        const struct value *values, size_t count, struct arena *arena, struct judgement *out) {
    const struct predicate_term *terms = NULL;
    size_t term_count = 0;
    struct judging j;

    judging_begin(&j, schema, condition, arena);
    if (condition->op == OPERATOR_IN) {
        judge_in(&j, values, count, &terms, &term_count);
    } else {
        assert(count == 1 || condition->op == OPERATOR_IS_NULL ||
                condition->op == OPERATOR_NOT_NULL);
        by_operator[condition->op](&j, values);
        term_count = j.term_count;
        if (term_count > 0) {
            struct predicate_term *copy = arena_alloc_array(arena, term_count, sizeof(*copy));

            if (copy != NULL) {
                memcpy(copy, j.terms, term_count * sizeof(*copy));
            }
            j.nomem = j.nomem || copy == NULL;
            terms = copy;
        }
    }
    if (j.nomem) {
        return STATUS_NOMEM;
    }
    *out = (struct judgement){ .verdict = j.verdict,
        .predicate = { condition->column, terms, term_count },
        .why = j.why };
    return STATUS_OK;
}

/* ---- plan time ----------------------------------------------------------------------------
 */

bool pg_may_push(const struct schema *schema, const struct condition *condition) {
    const struct pg_column *column = pg_column(schema, condition->column);
    const struct family *family = &families[column->family];

    switch (condition->op) {
    case OPERATOR_IS_NULL:
    case OPERATOR_NOT_NULL:
    case OPERATOR_IS: /* the value may be NULL */
    case OPERATOR_IS_NOT:
        return true;
    case OPERATOR_LIKE:
    case OPERATOR_GLOB:
        return family->compare != NULL && column->text_expression != NULL;
    default:
        break;
    }
    if (family->text) {
        return column->text_expression != NULL && condition->collation != COLLATION_OTHER;
    }
    return family->compare != NULL;
}

bool pg_may_order(const struct schema *schema, const struct order_term *order, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (pg_column(schema, order[i].column)->order_expression == NULL) {
            return false;
        }
    }
    return true;
}
