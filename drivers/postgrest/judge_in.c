/* A list of values: the rule of = for each, those that are compared by = gathered into one list
 * of PostgREST's. One value that cannot be sent makes the whole list unsendable, since the rows
 * it wants are unknown. Pure. */
#include "drivers/postgrest/internal.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_ODD_MAX = 16 };

static const char *const why_list = "the list holds values that a URL has no words for";

struct list {
    struct value *same;         /* of values that are compared by = */
    struct predicate_term *odd; /* LIST_ODD_MAX of all others */
    size_t same_count, odd_count;
    bool loose, superset, impossible;
    const char *why;
};

static void list_add(struct list *list, const struct judgement *j) {
    const struct predicate_term *term = &j->predicate.terms[0];

    switch (j->verdict) {
    case VERDICT_EMPTY:
        return;
    case VERDICT_EXACT:
        break;
    case VERDICT_SUPERSET:
        list->superset = true;
        list->why = j->why;
        break;
    default:
        list->impossible = true;
        list->why = j->why;
        return;
    }
    if (j->predicate.term_count == 1 && term->form == pr_form(PR_COMPARE, OPERATOR_EQ)) {
        list->loose = list->loose || j->verdict == VERDICT_SUPERSET;
        list->same[list->same_count++] = term->values[0];
        return;
    }
    for (size_t i = 0; i < j->predicate.term_count; i++) {
        if (list->odd_count == LIST_ODD_MAX) {
            list->impossible = true;
            list->why = why_list;
            return;
        }
        list->odd[list->odd_count++] = j->predicate.terms[i];
    }
}

static int compare_values(const void *a, const void *b) {
    return strcmp(((const struct value *)a)->bytes, ((const struct value *)b)->bytes);
}

/* A value that is there twice would bring its rows twice when the list is divided. */
static size_t sort_values(struct value *values, size_t count) {
    size_t kept = 0;

    qsort(values, count, sizeof(*values), compare_values);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(values[kept - 1].bytes, values[i].bytes) != 0) {
            values[kept++] = values[i];
        }
    }
    return kept;
}

static void list_finish(struct list *list, int column, struct judgement *out) {
    size_t count = list->odd_count;

    if (list->impossible) {
        *out = (struct judgement){ .verdict = VERDICT_SKIP, .why = list->why };
        return;
    }
    if (list->same_count > 0) {
        size_t kept = sort_values(list->same, list->same_count);
        enum pr_form form = kept == 1 ? PR_COMPARE : list->loose ? PR_IN_LOOSE : PR_IN;

        list->odd[count++] =
                (struct predicate_term){ pr_form(form, OPERATOR_EQ), list->same, kept };
    }
    *out = (struct judgement){
        .verdict = count == 0       ? VERDICT_EMPTY
                   : list->superset ? VERDICT_SUPERSET
                                    : VERDICT_EXACT,
        .predicate = { column, list->odd, count },
        .why = count == 0 ? "no value of this column can match" : list->why,
    };
}

enum status pr_judge_list(const struct schema *schema, const struct condition *condition,
        const struct value *values, size_t count, struct arena *arena, struct judgement *out) {
    struct condition each = { condition->column, OPERATOR_EQ, condition->collation };
    struct list list = { .same = arena_alloc_array(arena, count + 1, sizeof(*list.same)),
        .odd = arena_alloc_array(arena, LIST_ODD_MAX + 1, sizeof(*list.odd)) };

    if (list.same == NULL || list.odd == NULL) {
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < count && !list.impossible; i++) {
        struct judgement j;
        enum status status;

        if (values[i].kind == VALUE_NULL) {
            continue;
        }
        status = pr_judge_one(schema, &each, &values[i], arena, &j);
        if (status != STATUS_OK) {
            return status;
        }
        list_add(&list, &j);
    }
    list_finish(&list, condition->column, out);
    return STATUS_OK;
}
