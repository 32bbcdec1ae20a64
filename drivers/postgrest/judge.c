/* Decides what of a condition a URL can say. Pure.
 *
 * The postgres driver's judge knows which rows a condition wants and how PostgreSQL would be
 * asked for them; each of its forms is put into the words of PostgREST here, or into words that
 * select some rows more, or is not sent. Filters name columns only: no casts, no collations, no
 * functions. Over texts, whose collation nobody tells, regular expressions stand in for
 * COLLATE "C" (judge_text.c). */
#include "drivers/postgrest/internal.h"

#include "drivers/postgres/judge.h"
#include "drivers/postgres/types.h"

#include <string.h>

enum { REGEX_BYTES_MAX = 64 * 1024 };

static const char *const why_words = "a URL has no words for it";
static const char *const why_loose = "the column's collation may hold unequal texts for equal";
static const char *const why_float4 = "PostgREST compares a real without its decimal form";
static const char *const why_row = "a row of NULLs may be a value";
static const char *const why_pattern = "a character may be several bytes to the server";
static const char *const why_range = "only the beginning of the text is compared";

struct translating {
    const struct pr_column *facts;
    enum collation collation;
    struct arena *arena;
    struct predicate_term *out; /* room for one */
    enum verdict verdict;       /* EXACT, SUPERSET or SKIP: of this term */
    const char *why;
    bool nomem;
};

/* ---- terms --------------------------------------------------------------------------------
 */

static void loosen(struct translating *t, const char *why) {
    t->verdict = VERDICT_SUPERSET;
    t->why = why;
}

static void refuse(struct translating *t, const char *why) {
    t->verdict = VERDICT_SKIP;
    t->why = why;
}

static void put_values(struct translating *t, enum pr_form form, enum condition_operator op,
        const struct value *values, size_t count) {
    *t->out = (struct predicate_term){ pr_form(form, op), values, count };
}

static void put_text(struct translating *t, enum pr_form form, enum condition_operator op,
        const char *text, size_t length) {
    struct value *value = arena_alloc(t->arena, sizeof(*value));

    if (value != NULL) {
        value->kind = VALUE_TEXT;
        value->length = length;
        value->bytes = arena_copy(t->arena, text, length);
    }
    if (value == NULL || value->bytes == NULL) {
        t->nomem = true;
        return;
    }
    put_values(t, form, op, value, 1);
}

static void put_word(struct translating *t, enum pr_form form, enum condition_operator op,
        const char *word) {
    put_text(t, form, op, word, strlen(word));
}

static void put_regex(struct translating *t, enum pr_form form, struct text *regex) {
    enum status status = text_status(regex, NULL);

    if (status == STATUS_TOO_BIG) {
        refuse(t, "the pattern is too long to be sent");
    } else if (status != STATUS_OK) {
        t->nomem = true;
    } else {
        put_text(t, form, OPERATOR_EQ, text_get(regex), regex->length);
    }
    text_clear(regex);
}

/* ---- one translator per form of the postgres driver --------------------------------------
 */

static void to_is(struct translating *t, const struct predicate_term *term) {
    enum judge_template form = (enum judge_template)(term->form / OPERATOR_COUNT);

    switch (form) {
    case FORM_NOT_NULL:
        put_word(t, PR_IS_NOT, OPERATOR_EQ, "null");
        break;
    case FORM_TRUE:
        put_word(t, PR_IS, OPERATOR_EQ, "true");
        break;
    case FORM_FALSE:
        put_word(t, PR_IS, OPERATOR_EQ, "false");
        break;
    case FORM_ROW_IS_NULL:
        put_word(t, PR_IS, OPERATOR_EQ, "null");
        loosen(t, why_row);
        break;
    case FORM_ROW_NOT_NULL:
        refuse(t, why_row);
        break;
    default:
        put_word(t, PR_IS, OPERATOR_EQ, "null");
        break;
    }
}

static void to_nan(struct translating *t, const struct predicate_term *term) {
    bool is = term->form / OPERATOR_COUNT == FORM_IS_NAN;

    put_word(t, PR_COMPARE, is ? OPERATOR_EQ : OPERATOR_NE, "NaN");
}

static void to_compare(struct translating *t, const struct predicate_term *term) {
    put_values(t, PR_COMPARE, (enum condition_operator)(term->form % OPERATOR_COUNT),
            term->values, 1);
}

static void to_number(struct translating *t, const struct predicate_term *term) {
    put_values(t, PR_WITHOUT_NAN, (enum condition_operator)(term->form % OPERATOR_COUNT),
            term->values, 1);
}

static void to_between(struct translating *t, const struct predicate_term *term) {
    put_values(t, PR_BETWEEN, OPERATOR_EQ, term->values, 2);
}

/* The bounds among the values are float4; what is compared as a decimal is left to SQLite. */
static void to_float4(struct translating *t, const struct predicate_term *term) {
    switch ((enum judge_template)(term->form / OPERATOR_COUNT)) {
    case FORM_FLOAT4_EQ:
        put_values(t, PR_BETWEEN, OPERATOR_EQ, term->values, 2);
        break;
    case FORM_FLOAT4_FROM:
        put_values(t, PR_COMPARE, OPERATOR_GE, term->values, 1);
        break;
    case FORM_FLOAT4_TO:
        put_values(t, PR_COMPARE, OPERATOR_LE, term->values, 1);
        break;
    default:
        refuse(t, why_float4);
        return;
    }
    loosen(t, why_float4);
}

static void to_odd_year(struct translating *t, const struct predicate_term *term) {
    static const struct {
        enum judge_template form;
        enum condition_operator op;
        const char *bound;
    } bounds[] = {
        { FORM_BEFORE_AD, OPERATOR_LT, "0001-01-01" },
        { FORM_BEFORE_AD_UTC, OPERATOR_LT, "0001-01-01 00:00:00+00" },
        { FORM_AFTER_9999, OPERATOR_GE, "10000-01-01" },
        { FORM_AFTER_9999_UTC, OPERATOR_GE, "10000-01-01 00:00:00+00" },
    };

    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        if ((int)bounds[i].form == term->form / OPERATOR_COUNT) {
            put_word(t, PR_COMPARE, bounds[i].op, bounds[i].bound);
        }
    }
}

static bool is_plain_text(const struct translating *t) {
    return t->facts->pg.family == PG_FAMILY_TEXT ||
           t->facts->pg.family == PG_FAMILY_TEXT_NONDETERMINISTIC;
}

/* char(n) and name compare by a collation of their own, and pad or cut the value. */
static bool has_loose_equality(const struct translating *t) {
    uint32_t oid = t->facts->pg.type_oid;

    return oid == PG_TYPE_BPCHAR || oid == PG_TYPE_NAME ||
           t->facts->pg.family == PG_FAMILY_CITEXT;
}

static void to_text_order(
        struct translating *t, enum condition_operator op, const struct value *value) {
    struct text regex;
    bool possible, exact;

    text_init(&regex, REGEX_BYTES_MAX);
    exact = pr_match_range(&regex, op, value->bytes, &possible);
    if (!possible) {
        text_clear(&regex);
        refuse(t, why_words);
        return;
    }
    put_regex(t, PR_MATCH, &regex);
    if (!exact && t->verdict == VERDICT_EXACT) {
        loosen(t, why_range);
    }
}

static void to_text(struct translating *t, const struct predicate_term *term) {
    enum condition_operator op = (enum condition_operator)(term->form % OPERATOR_COUNT);
    bool bytewise = is_plain_text(t) && t->facts->pg.collation == PG_COLLATION_C;
    struct text regex;

    if (bytewise) {
        to_compare(t, term);
    } else if (op == OPERATOR_EQ && (is_plain_text(t) || has_loose_equality(t))) {
        to_compare(t, term);
        loosen(t, why_loose);
    } else if (!is_plain_text(t)) {
        refuse(t, why_words);
    } else if (op == OPERATOR_NE) {
        text_init(&regex, REGEX_BYTES_MAX);
        pr_match_equal(&regex, term->values[0].bytes);
        put_regex(t, PR_NOT_MATCH, &regex);
    } else {
        to_text_order(t, op, &term->values[0]);
    }
}

/* NOCASE and RTRIM: the value has been folded or trimmed. */
static void to_collated(struct translating *t, const struct predicate_term *term) {
    enum condition_operator op = (enum condition_operator)(term->form % OPERATOR_COUNT);
    bool folded = term->form / OPERATOR_COUNT == FORM_LOWER;
    struct text regex;

    if (!is_plain_text(t) || (op != OPERATOR_EQ && op != OPERATOR_NE)) {
        refuse(t, why_words);
        return;
    }
    text_init(&regex, REGEX_BYTES_MAX);
    (folded ? pr_match_folded : pr_match_trimmed)(&regex, term->values[0].bytes);
    put_regex(t, op == OPERATOR_EQ ? PR_MATCH : PR_NOT_MATCH, &regex);
}

/* Only labels that the document lists: the server refuses others. */
static void to_enum(struct translating *t, const struct predicate_term *term) {
    for (size_t i = 0; i < t->facts->label_count; i++) {
        if (strcmp(t->facts->labels[i], term->values[0].bytes) == 0) {
            to_compare(t, term);
            return;
        }
    }
    refuse(t, "the document lists no such label");
}

static void to_number_like(struct translating *t, const struct predicate_term *term) {
    (void)term;
    if (is_plain_text(t)) {
        put_word(t, PR_MATCH, OPERATOR_EQ, pr_match_number);
    } else {
        refuse(t, why_words);
    }
}

/* The forms for lists are missing: the values of a list are judged one by one here. */
static void (*const translators[FORM_COUNT])(
        struct translating *, const struct predicate_term *) = {
    [FORM_IS_NULL] = to_is,
    [FORM_NOT_NULL] = to_is,
    [FORM_ROW_IS_NULL] = to_is,
    [FORM_ROW_NOT_NULL] = to_is,
    [FORM_TRUE] = to_is,
    [FORM_FALSE] = to_is,
    [FORM_IS_NAN] = to_nan,
    [FORM_NOT_NAN] = to_nan,
    [FORM_TYPED] = to_compare,
    [FORM_TYPED_NUMBER] = to_number,
    [FORM_TYPED_BETWEEN] = to_between,
    [FORM_FLOAT4_EQ] = to_float4,
    [FORM_FLOAT4_NE] = to_float4,
    [FORM_FLOAT4_FROM] = to_float4,
    [FORM_FLOAT4_TO] = to_float4,
    [FORM_NUMERIC] = to_compare,
    [FORM_NUMERIC_BETWEEN] = to_between,
    [FORM_TEXT] = to_text,
    [FORM_TEXT_BOTH] = to_text,
    [FORM_CITEXT] = to_text,
    [FORM_BYTES] = to_text,
    [FORM_LOWER] = to_collated,
    [FORM_RTRIM] = to_collated,
    [FORM_NUMBER_LIKE] = to_number_like,
    [FORM_ENUM] = to_enum,
    [FORM_BEFORE_AD] = to_odd_year,
    [FORM_BEFORE_AD_UTC] = to_odd_year,
    [FORM_AFTER_9999] = to_odd_year,
    [FORM_AFTER_9999_UTC] = to_odd_year,
};

/* ---- judgements ---------------------------------------------------------------------------
 */

static void judge_skip(struct judgement *out, const char *why) {
    *out = (struct judgement){ .verdict = VERDICT_SKIP, .why = why };
}

/* Puts each term of a judgement into words: one that has none makes it unsendable. */
static enum status translate(
        const struct pr_column *facts, struct arena *arena, struct judgement *j) {
    size_t count = j->predicate.term_count;
    struct predicate_term *terms;

    if (j->verdict != VERDICT_EXACT && j->verdict != VERDICT_SUPERSET) {
        return STATUS_OK;
    }
    terms = arena_alloc_array(arena, count + 1, sizeof(*terms));
    if (terms == NULL) {
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const struct predicate_term *term = &j->predicate.terms[i];
        struct translating t = {
            .facts = facts, .arena = arena, .out = &terms[i], .verdict = VERDICT_EXACT
        };

        if (translators[term->form / OPERATOR_COUNT] == NULL) {
            judge_skip(j, why_words);
            return STATUS_OK;
        }
        translators[term->form / OPERATOR_COUNT](&t, term);
        if (t.nomem) {
            return STATUS_NOMEM;
        }
        if (t.verdict == VERDICT_SKIP) {
            judge_skip(j, t.why);
            return STATUS_OK;
        }
        if (t.verdict == VERDICT_SUPERSET) {
            j->verdict = VERDICT_SUPERSET;
            j->why = t.why;
        }
    }
    j->predicate.terms = terms;
    return STATUS_OK;
}

enum status pr_judge_one(const struct schema *schema, const struct condition *condition,
        const struct value *value, struct arena *arena, struct judgement *out) {
    enum status status = pg_judge(schema, condition, value, value != NULL, arena, out);

    return status == STATUS_OK ? translate(pr_column(schema, condition->column), arena, out)
                               : status;
}

/* ---- patterns ---- */

static enum status judge_pattern(const struct schema *schema, const struct condition *condition,
        const struct value *value, struct arena *arena, struct judgement *out) {
    const struct pr_column *facts = pr_column(schema, condition->column);
    struct predicate_term *term = arena_alloc(arena, sizeof(*term));
    struct translating t = { .facts = facts, .arena = arena, .out = term };
    bool possible = true, exact;
    struct text regex;

    if (term == NULL) {
        return STATUS_NOMEM;
    }
    *out = (struct judgement){ .predicate = { condition->column, term, 1 } };
    if (value->kind == VALUE_NULL) {
        out->verdict = VERDICT_EMPTY;
        out->why = "no value of this column can match";
        return STATUS_OK;
    }
    if (!is_plain_text(&t) || value->kind != VALUE_TEXT ||
            value->length > JUDGE_PATTERN_BYTES_MAX ||
            memchr(value->bytes, '\0', value->length) != NULL ||
            !text_is_utf8(value->bytes, value->length)) {
        judge_skip(out, why_words);
        return STATUS_OK;
    }
    text_init(&regex, REGEX_BYTES_MAX);
    exact = condition->op == OPERATOR_LIKE ? pr_match_like(&regex, value->bytes)
                                           : pr_match_glob(&regex, value->bytes, &possible);
    t.verdict = VERDICT_EXACT;
    put_regex(&t, PR_MATCH, &regex);
    if (t.nomem) {
        return STATUS_NOMEM;
    }
    if (t.verdict == VERDICT_SKIP || !possible) {
        judge_skip(out, why_words);
    } else {
        out->verdict = exact ? VERDICT_EXACT : VERDICT_SUPERSET;
        out->why = exact ? NULL : why_pattern;
    }
    return STATUS_OK;
}

/* ---- the driver's slots ---- */

enum status pr_judge(const struct schema *schema, const struct condition *condition,
        const struct value *values, size_t count, struct arena *arena, struct judgement *out) {
    switch (condition->op) {
    case OPERATOR_LIKE:
    case OPERATOR_GLOB:
        return judge_pattern(schema, condition, values, arena, out);
    case OPERATOR_IN:
        return pr_judge_list(schema, condition, values, count, arena, out);
    default:
        return pr_judge_one(schema, condition, values, arena, out);
    }
}

static bool is_null_test(enum condition_operator op) {
    return op == OPERATOR_IS_NULL || op == OPERATOR_NOT_NULL || op == OPERATOR_IS ||
           op == OPERATOR_IS_NOT;
}

bool pr_may_push(const struct schema *schema, const struct condition *condition) {
    const struct pr_column *facts = pr_column(schema, condition->column);
    struct translating t = { .facts = facts };
    enum condition_operator op = condition->op;
    bool equality = op == OPERATOR_EQ || op == OPERATOR_IN;

    if (!pg_may_push(schema, condition) || is_null_test(op)) {
        return is_null_test(op);
    }
    if (op == OPERATOR_LIKE || op == OPERATOR_GLOB) {
        return is_plain_text(&t);
    }
    switch (facts->pg.family) {
    case PG_FAMILY_CITEXT:
    case PG_FAMILY_CAST_TEXT:
        return equality && has_loose_equality(&t);
    case PG_FAMILY_ENUM:
        return equality;
    default:
        return true;
    }
}

bool pr_may_order(const struct schema *schema, const struct order_term *order, size_t count) {
    return pg_may_order(schema, order, count);
}
