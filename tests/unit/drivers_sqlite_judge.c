/* drivers/sqlite/judge.c, with dialect.c and types.c behind it: is a verdict true?
 *
 * For each declared type, stored value, operator, right-hand value and collation a plain table
 * of SQLite gives the truth, once for each affinity that the right-hand side may have. The rows
 * that the pushed condition selects from the remote must be the same (EXACT), or at least those
 * (SUPERSET). The same tables are read once more through indexes, and through views.
 * drivers_sqlite_lists.c does the same for IN and ORDER BY. */
#include "tests/support/host.h"
#include "tests/support/sqlite_truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    enum condition_operator op;
    const char *sql;
} operators[] = {
    { OPERATOR_EQ, "=" },
    { OPERATOR_NE, "<>" },
    { OPERATOR_LT, "<" },
    { OPERATOR_LE, "<=" },
    { OPERATOR_GT, ">" },
    { OPERATOR_GE, ">=" },
    { OPERATOR_IS, "IS" },
    { OPERATOR_IS_NOT, "IS NOT" },
    { OPERATOR_LIKE, "LIKE" },
    { OPERATOR_GLOB, "GLOB" },
};

enum { OPERATORS = sizeof(operators) / sizeof(operators[0]) };

/* Where a right-hand value may have come from. */
static const char *const sources[TRUTH_SOURCES] = { "?1", "r.text", "r.numeric", "r.none" };

/* One condition on column 1 of a relation, and the statements that know the truth about it. */
struct grid {
    struct truth *truth;
    const char *table;
    struct schema *schema;
    struct condition condition;
    const char *operator_sql;
    sqlite3_stmt *rhs, *truths[TRUTH_SOURCES];
};

static void prepare_truths(struct grid *grid) {
    for (int source = 0; source < TRUTH_SOURCES; source++) {
        char sql[TRUTH_SQL_BYTES];

        snprintf(sql, sizeof(sql),
                "SELECT l.n FROM temp.local AS l, temp.rhs AS r WHERE r.n = ?2 AND "
                "l.c COLLATE %s %s %s AND ?1 IS ?1",
                truth_collations[grid->condition.collation], grid->operator_sql,
                sources[source]);
        grid->truths[source] = truth_prepare(grid->truth, sql);
    }
}

/* What the driver made of a value: the same for each source that gives the same value. */
struct answer {
    struct value value;
    enum verdict verdict;
    struct row_set rows;
};

static bool same_value(const struct value *a, const struct value *b) {
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_INTEGER:
    case VALUE_REAL:
        return memcmp(&a->integer, &b->integer, sizeof(a->integer)) == 0;
    default:
        return a->length == b->length &&
               (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
    }
}

static void ask_driver(struct grid *grid, struct answer *answer) {
    struct judgement judgement;
    struct arena arena = { 0 };

    assert_int_equal(sqlite_driver.judge(grid->schema, &grid->condition, &answer->value, 1,
                             &arena, &judgement),
            STATUS_OK);
    answer->verdict = judgement.verdict;
    memset(&answer->rows, 0, sizeof(answer->rows));
    if (judgement.verdict == VERDICT_EXACT || judgement.verdict == VERDICT_SUPERSET) {
        truth_scan(grid->truth, grid->schema, &judgement.predicate, &answer->rows);
    }
    arena_clear(&arena);
}

static void check_answer(struct grid *grid, int source, int v, const struct answer *answer) {
    struct row_set wanted;
    char label[TRUTH_SQL_BYTES];

    truth_note(grid->truth, answer->verdict);
    if (answer->verdict == VERDICT_SKIP) {
        return;
    }
    sqlite3_bind_value(grid->truths[source], 1, sqlite3_column_value(grid->rhs, 0));
    sqlite3_bind_int(grid->truths[source], 2, v);
    truth_collect(grid->truths[source], &wanted);
    snprintf(label, sizeof(label), "%s.c COLLATE %s %s %s of %s", grid->table,
            truth_collations[grid->condition.collation], grid->operator_sql, sources[source],
            truth_values[v]);
    truth_check(grid->truth, answer->verdict, label, &wanted, &answer->rows);
}

static void check_value(struct grid *grid, int v) {
    struct answer answers[TRUTH_SOURCES];
    struct arena arena = { 0 };

    for (int source = 0; source < TRUTH_SOURCES; source++) {
        struct answer *answer = &answers[source];
        int earlier = 0;

        answer->value = truth_value(grid->rhs, source, v);
        if (answer->value.kind == VALUE_TEXT || answer->value.kind == VALUE_BLOB) {
            answer->value.bytes = arena_copy(&arena, answer->value.bytes, answer->value.length);
            assert_non_null(answer->value.bytes);
        }
        while (!same_value(&answers[earlier].value, &answer->value)) {
            earlier++; /* comes to an end at this one */
        }
        if (earlier < source) {
            *answer = answers[earlier];
        } else {
            ask_driver(grid, answer);
        }
        check_answer(grid, source, v, answer);
    }
    arena_clear(&arena);
}

static void check_operator(struct grid *grid, int o, enum collation collation) {
    grid->condition = (struct condition){ 1, operators[o].op, collation };
    grid->operator_sql = operators[o].sql;
    prepare_truths(grid);
    for (int v = 0; v < truth_value_count; v++) {
        check_value(grid, v);
    }
    for (int source = 0; source < TRUTH_SOURCES; source++) {
        sqlite3_finalize(grid->truths[source]);
    }
}

static void check_table(struct truth *truth, const char *table) {
    struct grid grid = { .truth = truth, .table = table };

    grid.schema = truth_describe(truth, table);
    truth_copy(truth, grid.schema, table);
    grid.rhs = truth_rhs(truth);
    for (int o = 0; o < OPERATORS; o++) {
        for (int c = COLLATION_BINARY; c <= COLLATION_RTRIM; c++) {
            check_operator(&grid, o, (enum collation)c);
        }
    }
    sqlite3_finalize(grid.rhs);
    schema_release(grid.schema);
}

static void check_all(const char *encoding, const char *kinds, int type_count) {
    struct truth truth;

    truth_open(&truth, encoding);
    for (; *kinds != '\0'; kinds++) {
        for (int i = 0; i < type_count; i++) {
            char table[16];

            snprintf(table, sizeof(table), "%c%d", *kinds, i);
            check_table(&truth, table);
        }
    }
    truth_close(&truth);
}

static void test_tables(void **state) {
    (void)state;
    check_all("UTF-8", "t", TRUTH_TYPES);
}

static void test_indexed_tables(void **state) {
    (void)state;
    check_all("UTF-8", "i", TRUTH_AFFINITIES);
}

static void test_views(void **state) {
    (void)state;
    check_all("UTF-8", "vu", TRUTH_AFFINITIES);
}

static void test_utf16(void **state) {
    (void)state;
    check_all("UTF-16le", "ti", TRUTH_AFFINITIES);
}

/* Under a collation of the user's own nothing is sent that would need it. */
static void test_other_collations(void **state) {
    static const struct value given[] = { { .kind = VALUE_INTEGER, .integer = 7 },
        { .kind = VALUE_TEXT, .bytes = "a", .length = 1 },
        { .kind = VALUE_BLOB, .bytes = "a", .length = 1 } };
    static const struct {
        const char *table;
        enum verdict verdicts[3];
    } cases[] = {
        { "t1", { VERDICT_EXACT, VERDICT_SKIP, VERDICT_EXACT } },
        { "t2", { VERDICT_SKIP, VERDICT_SKIP, VERDICT_EXACT } },
    };
    struct condition condition = { 1, OPERATOR_EQ, COLLATION_OTHER };
    struct truth truth;

    (void)state;
    truth_open(&truth, "UTF-8");
    for (size_t c = 0; c < 2; c++) {
        struct schema *schema = truth_describe(&truth, cases[c].table);

        for (size_t i = 0; i < 3; i++) {
            struct arena arena = { 0 };
            struct judgement judgement;

            assert_int_equal(
                    sqlite_driver.judge(schema, &condition, &given[i], 1, &arena, &judgement),
                    STATUS_OK);
            assert_int_equal(judgement.verdict, cases[c].verdicts[i]);
            assert_int_equal(judgement.why == NULL, judgement.verdict == VERDICT_EXACT);
            arena_clear(&arena);
        }
        schema_release(schema);
    }
    truth_close(&truth);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_collations),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_indexed_tables),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_utf16),
    };

    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
