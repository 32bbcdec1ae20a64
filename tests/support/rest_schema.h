/* A schema of the postgrest driver from words, without a server. */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_REST_SCHEMA_H
#define DRAWBRIDGE_TESTS_SUPPORT_REST_SCHEMA_H

#include "drivers/postgrest/internal.h"
#include "drivers/registry.h"

/* columns: as in columns.TABLE=. word: an option of the table, or NULL. */
static inline enum status rest_schema(
        const char *columns, const char *word, struct schema **out, struct error *err) {
    static const struct option_spec *const tables[] = { table_options, value_options, NULL };
    struct options options;
    enum status status = pr_described_schema("t", columns, NULL, out, err);

    options_init(&options, tables, NULL);
    if (status == STATUS_OK && word != NULL) {
        status = options_add(&options, word, err);
    }
    if (status == STATUS_OK) {
        status = pr_present(*out, &options, err);
    }
    options_clear(&options);
    return status;
}

/* What a condition becomes: its filter as people write it, values included; "" without one. */
static inline enum status rest_filter(const struct schema *schema,
        const struct condition *condition, const struct value *values, size_t count,
        struct text *out, enum verdict *verdict, struct error *err) {
    struct arena arena = { NULL };
    struct judgement judgement;
    struct pr_spelling spelling;
    enum status status = pr_judge(schema, condition, values, count, &arena, &judgement);

    pr_spelling_init(&spelling);
    if (status == STATUS_OK) {
        *verdict = judgement.verdict;
        if (*verdict == VERDICT_EXACT || *verdict == VERDICT_SUPERSET) {
            pr_append_predicate(&spelling, schema, &judgement.predicate);
        }
        text_append(out, text_get(&spelling.url));
        status = text_status(&spelling.url, err);
    } else {
        error_nomem(err);
    }
    pr_spelling_clear(&spelling);
    arena_clear(&arena);
    return status == STATUS_OK ? text_status(out, err) : status;
}

#endif
