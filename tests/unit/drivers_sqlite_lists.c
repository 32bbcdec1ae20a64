/* drivers/sqlite/judge.c and dialect.c: IN lists, null tests and order, held against the truth
 * of tests/support/sqlite_truth.h as drivers_sqlite_judge.c does it for single values. */
#include "tests/support/host.h"
#include "tests/support/sqlite_truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LIST = 3 };

/* Written out, and as a sub-select over each kind of column. */
static const char *const list_forms[TRUTH_SOURCES] = { "(?1, ?2, ?3)",
    "(SELECT r.text FROM temp.rhs AS r WHERE r.n BETWEEN ?4 AND ?4 + 2)",
    "(SELECT r.numeric FROM temp.rhs AS r WHERE r.n BETWEEN ?4 AND ?4 + 2)",
    "(SELECT r.none FROM temp.rhs AS r WHERE r.n BETWEEN ?4 AND ?4 + 2)" };

struct list_check {
    struct truth *truth;
    struct schema *schema;
    const char *table;
    struct condition condition;
    int form;
    sqlite3_stmt *rhs, *statement;
};

/* The values from v on as the form's source gives them; bound to the truth as well. */
static void take_list(
        struct list_check *check, int v, struct value *list, struct arena *arena) {
    for (int k = 0; k < LIST; k++) {
        list[k] = truth_value(check->rhs, check->form, v + k);
        if (list[k].kind == VALUE_TEXT || list[k].kind == VALUE_BLOB) {
            list[k].bytes = arena_copy(arena, list[k].bytes, list[k].length);
            assert_non_null(list[k].bytes);
        }
        sqlite3_bind_value(check->statement, k + 1, sqlite3_column_value(check->rhs, 0));
    }
    sqlite3_bind_int(check->statement, LIST + 1, v);
}

static void check_list(struct list_check *check, int v) {
    struct row_set wanted, got = { { 0 } };
    struct judgement judgement;
    struct arena arena = { 0 };
    struct value list[LIST];
    char label[TRUTH_SQL_BYTES];

    take_list(check, v, list, &arena);
    truth_collect(check->statement, &wanted);
    assert_int_equal(sqlite_driver.judge(
                             check->schema, &check->condition, list, LIST, &arena, &judgement),
            STATUS_OK);
    truth_note(check->truth, judgement.verdict);
    if (judgement.verdict == VERDICT_EXACT || judgement.verdict == VERDICT_SUPERSET) {
        truth_scan(check->truth, check->schema, &judgement.predicate, &got);
    }
    if (judgement.verdict != VERDICT_SKIP) {
        snprintf(label, sizeof(label), "%s.c COLLATE %s IN %s from %s", check->table,
                truth_collations[check->condition.collation], list_forms[check->form],
                truth_values[v]);
        truth_check(check->truth, judgement.verdict, label, &wanted, &got);
    }
    arena_clear(&arena);
}

static void check_lists(struct truth *truth, const char *table) {
    struct list_check check = { .truth = truth, .table = table };

    check.schema = truth_describe(truth, table);
    truth_copy(truth, check.schema, table);
    check.rhs = truth_rhs(truth);
    for (int c = COLLATION_BINARY; c <= COLLATION_RTRIM; c++) {
        for (check.form = 0; check.form < TRUTH_SOURCES; check.form++) {
            char sql[TRUTH_SQL_BYTES];

            snprintf(sql, sizeof(sql),
                    "SELECT l.n FROM temp.local AS l WHERE l.c COLLATE %s IN %s AND "
                    "(?1, ?2, ?3, ?4) IS (?1, ?2, ?3, ?4)",
                    truth_collations[c], list_forms[check.form]);
            check.statement = truth_prepare(truth, sql);
            check.condition = (struct condition){ 1, OPERATOR_IN, (enum collation)c };
            for (int v = 0; v + LIST <= truth_value_count; v++) {
                check_list(&check, v);
            }
            sqlite3_finalize(check.statement);
        }
    }
    sqlite3_finalize(check.rhs);
    schema_release(check.schema);
}

/* The host would sort by the declared collation. Equal values may come in any order, so the
 * rows' numbers are the second key. */
static void check_order(struct truth *truth, const char *table, bool descending) {
    static const int columns[] = { 0 };
    struct schema *schema = truth_describe(truth, table);
    struct order_term order[] = { { 1, descending }, { 0, false } };
    struct query query = { .schema = schema,
        .columns = columns,
        .column_count = 1,
        .order = order,
        .order_count = 2,
        .limit = -1 };
    struct batch batch = { 0 };
    struct scan *scan = NULL;
    struct error err = { 0 };
    sqlite3_stmt *wanted;

    truth_copy(truth, schema, table);
    assert_true(sqlite_driver.may_order(schema, order, 2));
    wanted = truth_prepare(truth, descending ? "SELECT n FROM temp.local ORDER BY c DESC, n"
                                             : "SELECT n FROM temp.local ORDER BY c, n");
    assert_int_equal(sqlite_driver.scan_start(truth->session, &query, &scan, &err), STATUS_OK);
    do {
        assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_OK);
        for (int64_t i = 0; i < batch.rows; i++) {
            truth->checks++;
            assert_int_equal(sqlite3_step(wanted), SQLITE_ROW);
            if (sqlite3_column_int(wanted, 0) != batch_cell(&batch, 0, i)->integer) {
                fail_msg("%s: %s comes out of order", table,
                        truth_values[batch_cell(&batch, 0, i)->integer]);
            }
        }
    } while (batch.rows > 0);
    assert_int_equal(sqlite3_step(wanted), SQLITE_DONE);
    sqlite3_finalize(wanted);
    batch_clear(&batch);
    sqlite_driver.scan_end(scan);
    schema_release(schema);
}

static void each_relation(const char *encoding, void (*check)(struct truth *, const char *)) {
    struct truth truth;

    truth_open(&truth, encoding);
    for (const char *kind = "tivu"; *kind != '\0'; kind++) {
        for (int i = 0; i < TRUTH_AFFINITIES; i++) {
            char table[16];

            snprintf(table, sizeof(table), "%c%d", *kind, i);
            check(&truth, table);
        }
    }
    truth_close(&truth);
}

static void check_orders(struct truth *truth, const char *table) {
    check_order(truth, table, false);
    check_order(truth, table, true);
}

static void test_lists(void **state) {
    (void)state;
    each_relation("UTF-8", check_lists);
    each_relation("UTF-16le", check_lists);
}

static void test_order(void **state) {
    (void)state;
    each_relation("UTF-8", check_orders);
    each_relation("UTF-16le", check_orders);
}

/* A list that is too long for a statement is left to the host. */
static void test_a_long_list(void **state) {
    enum { LONG = 8001 };
    static struct value list[LONG];
    struct condition condition = { 0, OPERATOR_IN, COLLATION_BINARY };
    struct row_set rows;
    struct truth truth;
    struct schema *schema;

    (void)state;
    truth_open(&truth, "UTF-8");
    schema = truth_describe(&truth, "t1");
    for (int i = 0; i < LONG; i++) {
        list[i] = (struct value){ .kind = VALUE_INTEGER, .integer = i };
    }
    for (size_t count = LONG - 1; count <= LONG; count++) {
        struct arena arena = { 0 };
        struct judgement judgement;

        assert_int_equal(
                sqlite_driver.judge(schema, &condition, list, count, &arena, &judgement),
                STATUS_OK);
        assert_int_equal(judgement.verdict, count < LONG ? VERDICT_EXACT : VERDICT_SKIP);
        if (judgement.verdict == VERDICT_EXACT) {
            truth_scan(&truth, schema, &judgement.predicate, &rows);
            for (int row = 0; row < truth_value_count; row++) {
                assert_true(rows.has[row]);
            }
        }
        arena_clear(&arena);
    }
    schema_release(schema);
    truth_close(&truth);
}

/* ---- ranges that stand for patterns ------------------------------------------------ */

/* A pattern's range comes as conditions of its own, and must not lose what the pattern matches:
 * BLOBs, where LIKE matches those, and numbers that are spelled with letters. */
static const struct {
    enum condition_operator op;
    const char *bound;
    const char *first_letters; /* of the values that must pass */
    const char *value;         /* or the one value */
} range_cases[] = {
    { OPERATOR_LT, "b", "X", NULL },
    { OPERATOR_LT, "/", "X", NULL },
    { OPERATOR_GE, "I", NULL, "9e999" },
    { OPERATOR_GE, "INF", NULL, "9e999" },
    { OPERATOR_GE, "Inf", NULL, "9e999" },
    { OPERATOR_GE, "-inf", NULL, "-9e999" },
    { OPERATOR_GE, "-I", NULL, "-9e999" },
    { OPERATOR_GE, "1.0E", NULL, "1e300" },
    { OPERATOR_GE, "1.0e+", NULL, "1e300" },
    { OPERATOR_GE, "1e", NULL, "1e300" },
};

static void check_range(struct truth *truth, const struct schema *schema, size_t i) {
    struct condition condition = { 1, range_cases[i].op, COLLATION_NOCASE };
    struct value bound = { .kind = VALUE_TEXT, .bytes = range_cases[i].bound };
    struct judgement judgement;
    struct arena arena = { 0 };
    struct row_set rows;

    bound.length = strlen(bound.bytes);
    assert_int_equal(
            sqlite_driver.judge(schema, &condition, &bound, 1, &arena, &judgement), STATUS_OK);
    if (judgement.verdict != VERDICT_SKIP) {
        truth_scan(truth, schema, &judgement.predicate, &rows);
        for (int row = 0; row < truth_value_count; row++) {
            bool wanted = range_cases[i].value != NULL
                                  ? strcmp(truth_values[row], range_cases[i].value) == 0
                                  : truth_values[row][0] == range_cases[i].first_letters[0];

            if (wanted && !rows.has[row] &&
                    !(range_cases[i].value != NULL &&
                            sq_column(schema, 1)->affinity == SQ_TEXT)) {
                fail_msg("%s: %s is lost", range_cases[i].bound, truth_values[row]);
            }
        }
    }
    arena_clear(&arena);
}

static void check_ranges(struct truth *truth, const char *table) {
    struct schema *schema = truth_describe(truth, table);

    for (size_t i = 0; i < sizeof(range_cases) / sizeof(range_cases[0]); i++) {
        check_range(truth, schema, i);
    }
    schema_release(schema);
}

static void test_ranges_of_patterns(void **state) {
    (void)state;
    each_relation("UTF-8", check_ranges);
}

/* ---- NULL -------------------------------------------------------------------------- */

static const struct {
    enum condition_operator op;
    size_t count;
    enum verdict verdict;
    bool null_row; /* or all the others */
} null_cases[] = {
    { OPERATOR_IS_NULL, 0, VERDICT_EXACT, true },
    { OPERATOR_NOT_NULL, 0, VERDICT_EXACT, false },
    { OPERATOR_IS, 1, VERDICT_EXACT, true },
    { OPERATOR_IS_NOT, 1, VERDICT_EXACT, false },
    { OPERATOR_EQ, 1, VERDICT_EMPTY, false },
    { OPERATOR_NE, 1, VERDICT_EMPTY, false },
    { OPERATOR_LT, 1, VERDICT_EMPTY, false },
    { OPERATOR_GE, 1, VERDICT_EMPTY, false },
    { OPERATOR_LIKE, 1, VERDICT_EMPTY, false },
    { OPERATOR_GLOB, 1, VERDICT_EMPTY, false },
    { OPERATOR_IN, 1, VERDICT_EMPTY, false },
    { OPERATOR_IN, 0, VERDICT_EMPTY, false },
};

static void check_null(struct truth *truth, const struct schema *schema, size_t i) {
    static const struct value null = { .kind = VALUE_NULL };
    struct condition condition = { 1, null_cases[i].op, COLLATION_BINARY };
    struct judgement judgement;
    struct arena arena = { 0 };
    struct row_set rows;

    assert_int_equal(sqlite_driver.judge(schema, &condition, &null, null_cases[i].count, &arena,
                             &judgement),
            STATUS_OK);
    assert_int_equal(judgement.verdict, null_cases[i].verdict);
    if (judgement.verdict == VERDICT_EXACT) {
        truth_scan(truth, schema, &judgement.predicate, &rows);
        for (int row = 0; row < truth_value_count; row++) {
            assert_int_equal(rows.has[row], (row == 0) == null_cases[i].null_row);
        }
    }
    arena_clear(&arena);
}

static void check_nulls(struct truth *truth, const char *table) {
    struct schema *schema = truth_describe(truth, table);

    for (size_t i = 0; i < sizeof(null_cases) / sizeof(null_cases[0]); i++) {
        check_null(truth, schema, i);
    }
    schema_release(schema);
}

static void test_nulls(void **state) {
    (void)state;
    each_relation("UTF-8", check_nulls);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_a_long_list),
        cmocka_unit_test(test_ranges_of_patterns),
    };

    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
