/* The plan's text: printed, read back, refused. */
#include "vtab/plan.h"

#include "tests/support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct column columns[] = {
    { .remote_name = "id", .name = "id" },
    { .remote_name = "a \"b\"", .name = "a \"b\"" },
    { .remote_name = "naïve, no", .name = "naïve, no" },
    { .remote_name = "where", .name = "where" },
};
static const struct schema schema = { .columns = columns, .column_count = 4 };

static struct {
    const char *text;
} const good[] = {
    { "columns none" },
    { "columns *" },
    { "columns \"id\", \"where\"" },
    { "columns \"a \"\"b\"\"\" where \"id\" = ?" },
    { "columns \"id\" where \"id\" in ? and \"naïve, no\" >= ? collate nocase and \"where\" is "
      "null" },
    { "columns \"id\" where \"id\" is not ? and \"where\" is not null and \"where\" like ?" },
    { "columns * order by \"id\" desc, \"where\"" },
    { "columns * where \"id\" > ? order by \"id\" limit ? offset ?" },
    { "columns * where \"id\" = ? goal ? unique" },
    { "columns \"id\" where \"where\" <> ? collate rtrim | local \"id\" regexp" },
};

static void prints_what_it_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct arena arena = { 0 };
        struct plan plan;
        struct text text;

        assert_int_equal(plan_parse(good[i].text, &schema, &arena, &plan, NULL), STATUS_OK);
        text_init(&text, PLAN_TEXT_BYTES_MAX);
        plan_print(&plan, &schema, &text);
        if (plan.local_text != NULL) {
            text_append(&text, " |");
            text_append(&text, plan.local_text);
        }
        assert_string_equal(text_get(&text), good[i].text);
        text_clear(&text);
        arena_clear(&arena);
    }
}

static const char *const bad[] = {
    "",
    "columns",
    "columns \"id",
    "columns \"nobody\"",
    "columns \"where\", \"id\"", /* not ascending */
    "columns \"id\", \"id\"",
    "columns * where",
    "columns * where \"id\"",
    "columns * where \"id\" ~ ?",
    "columns * where \"id\" = ? and",
    "columns * order by",
    "columns * order by \"id\",",
    "columns * limit",
    "columns * unique?",
    "columns * nonsense",
};

static void refuses_the_rest(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct arena arena = { 0 };
        struct error err = { 0 };
        struct plan plan;

        if (plan_parse(bad[i], &schema, &arena, &plan, &err) != STATUS_USAGE) {
            fail_msg("accepted: %s", bad[i]);
        }
        error_clear(&err);
        arena_clear(&arena);
    }
}

static void reads_every_part(void **state) {
    struct arena arena = { 0 };
    struct plan plan;

    (void)state;
    assert_int_equal(
            plan_parse("columns \"id\", \"where\" where \"a \"\"b\"\"\" <= ? collate nocase "
                       "order by \"where\" desc limit ? offset ?",
                    &schema, &arena, &plan, NULL),
            STATUS_OK);
    assert_int_equal(plan.column_count, 2);
    assert_int_equal(plan.columns[1], 3);
    assert_int_equal(plan.condition_count, 1);
    assert_int_equal(plan.conditions[0].column, 1);
    assert_int_equal(plan.conditions[0].op, OPERATOR_LE);
    assert_int_equal(plan.conditions[0].collation, COLLATION_NOCASE);
    assert_int_equal(plan.order_count, 1);
    assert_true(plan.order[0].descending);
    assert_int_equal(plan.limit, PLAN_LIMIT_EXACT);
    assert_true(plan.offset);
    assert_false(plan.unique);
    arena_clear(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_it_read),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(reads_every_part),
    };

    host_start();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
