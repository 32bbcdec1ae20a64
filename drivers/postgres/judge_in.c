/* A list of values: the rule of = for each, like forms gathered into one array.
 *
 * Time and memory are linear in the list: a list has few distinct forms, and each is one array
 * parameter however long it is. NULLs match nothing; one value that cannot be sent makes the
 * whole list unsendable, since the rows it wants are unknown. */
#include "drivers/postgres/judge.h"

#include <assert.h>
#include <string.h>

enum {
    GROUPS_MAX = 8, /* above what = has of distinct forms within one family */
    RANGES_MAX = 16 /* values that are sent as a range each; more become one range */
};

/* All values of one form: the first as it was judged, and all of them as array literals. */
struct group {
    struct predicate_term first;
    struct text arrays[PG_TERM_VALUES_MAX];
    size_t count;
};

struct gathering {
    struct judging *j; /* of the list: its arena gets what is kept */
    struct group groups[GROUPS_MAX];
    size_t group_count;
    struct predicate_term ranges[RANGES_MAX];
    size_t range_count;                   /* may pass RANGES_MAX */
    const struct value *least, *greatest; /* of the values that are ranges */
    double least_real, greatest_real;
    const char *why; /* the last reason for SUPERSET, or NULL */
};

static bool is_plain(const char *text) {
    return text[0] != '\0' && text[strspn(text, "0123456789+-.e")] == '\0';
}

static void array_add(struct text *array, const char *text) {
    text_append_char(array, array->length == 0 ? '{' : ',');
    if (is_plain(text)) {
        text_append(array, text);
        return;
    }
    text_append_char(array, '"');
    for (size_t plain = strcspn(text, "\"\\"); text[plain] != '\0';
            plain = strcspn(text, "\"\\")) {
        text_append_bytes(array, text, plain);
        text_append_char(array, '\\');
        text_append_char(array, text[plain]);
        text += plain + 1;
    }
    text_append(array, text);
    text_append_char(array, '"');
}

/* The element's term lives in a scratch arena. */
static void copy_term(
        struct judging *j, const struct predicate_term *from, struct predicate_term *to) {
    struct value *values = arena_alloc_array(j->arena, from->value_count + 1, sizeof(*values));

    for (size_t i = 0; values != NULL && i < from->value_count; i++) {
        values[i] = from->values[i];
        values[i].bytes = arena_copy(j->arena, values[i].bytes, values[i].length);
        j->nomem = j->nomem || values[i].bytes == NULL;
    }
    j->nomem = j->nomem || values == NULL;
    *to = (struct predicate_term){ from->form, values, from->value_count };
}

static struct group *find_group(struct gathering *g, const struct predicate_term *term) {
    struct group *group;

    for (size_t i = 0; i < g->group_count; i++) {
        if (g->groups[i].first.form == term->form) {
            return &g->groups[i];
        }
    }
    assert(g->group_count < GROUPS_MAX);
    group = &g->groups[g->group_count++];
    copy_term(g->j, term, &group->first);
    for (size_t i = 0; i < PG_TERM_VALUES_MAX; i++) {
        text_init(&group->arrays[i], JUDGE_VALUE_BYTES_MAX);
    }
    return group;
}

static void add_grouped(struct gathering *g, const struct predicate_term *term) {
    struct group *group = find_group(g, term);

    for (size_t i = 0; i < term->value_count; i++) {
        array_add(&group->arrays[i], term->values[i].bytes);
    }
    group->count++;
}

/* Of TEXT only numbers come here. */
static void number_of(const struct value *value, struct number *out) {
    *out = (struct number){ .lo = value->real, .hi = value->real };
    if (value->kind == VALUE_TEXT) {
        (void)number_from_text(value->bytes, value->length, out);
    }
    if (value->kind == VALUE_INTEGER || out->is_integer) {
        int64_t integer = value->kind == VALUE_INTEGER ? value->integer : out->integer;

        out->lo = out->hi = (double)integer;
    }
}

static void add_range(
        struct gathering *g, const struct predicate_term *term, const struct value *value) {
    struct number number;

    number_of(value, &number);
    if (g->range_count < RANGES_MAX) {
        copy_term(g->j, term, &g->ranges[g->range_count]); /* the rest is in the span */
    }
    if (g->range_count == 0 || number.lo < g->least_real) {
        g->least = value;
        g->least_real = number.lo;
    }
    if (g->range_count == 0 || number.hi > g->greatest_real) {
        g->greatest = value;
        g->greatest_real = number.hi;
    }
    g->range_count++;
}

static void judge_element(
        struct gathering *g, const struct value *value, struct arena *scratch) {
    struct judging element = *g->j;
    enum judge_template template;

    element.op = OPERATOR_EQ;
    element.arena = scratch;
    element.term_count = 0;
    judge_compare(&element, value);
    g->j->nomem = g->j->nomem || element.nomem;
    g->j->verdict = element.verdict;
    g->j->why = element.why;
    if (g->j->nomem || element.term_count == 0) {
        return;
    }
    assert(element.term_count == 1); /* the rules of = have no second term */
    g->why = element.verdict == VERDICT_SUPERSET ? element.why : g->why;
    template = (enum judge_template)(element.terms[0].form / OPERATOR_COUNT);
    if (element.terms[0].value_count == 0 || judge_form_any(template) != FORM_NONE) {
        add_grouped(g, element.terms);
    } else {
        add_range(g, element.terms, value);
    }
}

/* ---- the whole list -----------------------------------------------------------------------
 */

static void finish_group(struct gathering *g, struct group *group, struct predicate_term *out) {
    enum judge_template template = (enum judge_template)(group->first.form / OPERATOR_COUNT);
    struct predicate_term arrays = group->first;
    struct value values[PG_TERM_VALUES_MAX];

    *out = group->first;
    if (group->count == 1 || group->first.value_count == 0) {
        return;
    }
    for (size_t i = 0; i < group->first.value_count; i++) {
        struct text *array = &group->arrays[i];
        enum status status;

        text_append_char(array, '}');
        status = text_status(array, NULL);
        g->j->nomem = g->j->nomem || status == STATUS_NOMEM;
        if (status == STATUS_TOO_BIG) {
            judging_skip(g->j, "the list is too long to be sent");
            return;
        }
        values[i] = (struct value){ .kind = VALUE_TEXT };
        values[i].bytes = text_get(array);
        values[i].length = array->length;
    }
    arrays.form = judge_form(judge_form_any(template), OPERATOR_EQ);
    arrays.values = values;
    copy_term(g->j, &arrays, out);
}

/* One range over all values that would be a range each; false: there is none with two ends. */
static bool finish_span(struct gathering *g, struct predicate_term *out) {
    struct judging from = *g->j, to = *g->j;
    enum judge_template between = FORM_NUMERIC_BETWEEN;
    struct value values[2];

    from.op = OPERATOR_GE;
    judge_compare(&from, g->least);
    to.op = OPERATOR_LE;
    judge_compare(&to, g->greatest);
    g->j->nomem = g->j->nomem || from.nomem || to.nomem;
    if (g->j->nomem || from.term_count != 1 || to.term_count != 1) {
        return false;
    }
    if (from.terms[0].form == judge_form(FORM_TYPED, OPERATOR_GE)) {
        between = FORM_TYPED_BETWEEN;
    }
    if (from.terms[0].value_count != 1 || to.terms[0].value_count != 1) {
        return false;
    }
    values[0] = from.terms[0].values[0];
    values[1] = to.terms[0].values[0];
    copy_term(
            g->j, &(struct predicate_term){ judge_form(between, OPERATOR_EQ), values, 2 }, out);
    return true;
}

static void finish(
        struct gathering *g, const struct predicate_term **terms, size_t *term_count) {
    bool span = g->range_count > RANGES_MAX;
    size_t ranges = span ? 1 : g->range_count;
    struct predicate_term *out;

    if (g->group_count + ranges == 0) {
        judging_empty(g->j);
        return;
    }
    judging_verdict(g->j, g->why != NULL ? VERDICT_SUPERSET : VERDICT_EXACT, g->why);
    out = arena_alloc_array(g->j->arena, g->group_count + ranges, sizeof(*out));
    if (out == NULL) {
        g->j->nomem = true;
        return;
    }
    for (size_t i = 0; i < g->group_count; i++) {
        finish_group(g, &g->groups[i], &out[i]);
    }
    if (span && !finish_span(g, &out[g->group_count])) {
        judging_skip(g->j, g->why);
    } else if (!span) {
        memcpy(out + g->group_count, g->ranges, ranges * sizeof(*out));
    }
    if (g->j->verdict != VERDICT_SKIP) {
        *terms = out;
        *term_count = g->group_count + ranges;
    }
}

void judge_in(struct judging *j, const struct value *values, size_t count,
        const struct predicate_term **terms, size_t *term_count) {
    struct gathering g = { .j = j };
    struct arena scratch = { NULL };

    j->verdict = VERDICT_EMPTY;
    for (size_t i = 0; i < count && !j->nomem && j->verdict != VERDICT_SKIP; i++) {
        arena_reset(&scratch);
        judge_element(&g, &values[i], &scratch);
    }
    if (!j->nomem && j->verdict != VERDICT_SKIP) {
        finish(&g, terms, term_count);
    }
    for (size_t i = 0; i < g.group_count; i++) {
        for (size_t k = 0; k < PG_TERM_VALUES_MAX; k++) {
            text_clear(&g.groups[i].arrays[k]);
        }
    }
    arena_clear(&scratch);
}
