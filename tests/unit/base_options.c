/* base/options.c: what may be said, what is in force, and what errors tell. */
#include "base/options.h"

#include "tests/support/check.h"

static const struct option_spec server_specs[] = {
    { .name = "role", .type = OPTION_TEXT },
    { .name = "readonly", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "log", .type = OPTION_INTEGER, .fallback = "100", .min = 0, .max = 1000 },
    { .name = "offset", .type = OPTION_INTEGER, .min = INT64_MIN, .max = INT64_MAX },
    { .name = "set.", .type = OPTION_TEXT, .flags = OPTION_PREFIX },
    { .name = "token", .type = OPTION_INTEGER, .flags = OPTION_SECRET, .min = 1, .max = 9 },
    { .name = NULL },
};

static const struct option_spec value_specs[] = {
    { .name = "numeric",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "number",
            .choices = "number|text" },
    { .name = "type", .type = OPTION_TEXT, .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY },
    { .name = "role", .type = OPTION_TEXT },
    { .name = NULL },
};

static const struct option_spec *const tables[] = { server_specs, value_specs, NULL };

static void check_words(const char *given, const char *error) {
    struct error err = { 0 };
    struct options options;

    options_init(&options, tables, NULL);
    check_status(given, error == NULL ? STATUS_OK : STATUS_USAGE,
            options_add(&options, given, &err), &err);
    check_text(given, error != NULL ? error : "", err.message);
    check_true(given, (options.first != NULL) == (error == NULL));
    error_clear(&err);
    options_clear(&options);
}

static void right_words_are_accepted(void **state) {
    static const char *const cases[] = {
        "role=reader",
        "role=",
        "  role\t=  a = b ",
        "role==",
        "readonly=1",
        "readonly=OFF",
        "log=0",
        "log=1000",
        "offset=-9223372036854775808",
        "offset=9223372036854775807",
        "set.app.tenant=7",
        "set.x=",
        "token=3",
        "numeric=text",
        "numeric.price=text",
        "type.photo=BLOB",
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_words(cases[i], NULL);
    }
}

static void wrong_words_are_explained(void **state) {
    static const struct {
        const char *given, *error;
    } cases[] = {
        { "numeric.a=b=text", "option \"numeric.a\" cannot be \"b=text\": it must be one of "
                              "number|text" },
        { "", "option is not of the form word=value" },
        { "=x", "option is not of the form word=value" },
        { "role", "option \"role\" has no value: write role=VALUE" },
        { "postgresql://u:canary@h/d", "option is not of the form word=value" },
        { "postgresql://u:canary@h/d?x=1", "option is not of the form word=value" },
        { "canary-canary-canary-canary-canary-canary-canary",
                "option is not of the form word=value" },
        { "readonly=2", "option \"readonly\" cannot be \"2\": it must be 0 or 1" },
        { "readonly=", "option \"readonly\" cannot be \"\": it must be 0 or 1" },
        { "log=1001",
                "option \"log\" cannot be \"1001\": it must be an integer from 0 to 1000" },
        { "log=-1", "option \"log\" cannot be \"-1\": it must be an integer from 0 to 1000" },
        { "log= ", "option \"log\" cannot be \"\": it must be an integer from 0 to 1000" },
        { "log=1 ", "option \"log\" cannot be \"1 \": it must be an integer from 0 to 1000" },
        { "log=0x1", "option \"log\" cannot be \"0x1\": it must be an integer from 0 to 1000" },
        { "log=-", "option \"log\" cannot be \"-\": it must be an integer from 0 to 1000" },
        { "offset=9223372036854775808", "option \"offset\" cannot be \"9223372036854775808\": "
                                        "it must be an integer from "
                                        "-9223372036854775808 to 9223372036854775807" },
        { "token=canary", "option \"token\" has a value that is not allowed: it must be an "
                          "integer from 1 to 9" },
        { "numeric=num",
                "option \"numeric\" cannot be \"num\": it must be one of number|text" },
        { "numeric=", "option \"numeric\" cannot be \"\": it must be one of number|text" },
        { "numeric=number|text",
                "option \"numeric\" cannot be \"number|text\": it must be one of number|text" },
        { "clo=1", "unknown option \"clo\": known are log, role, set.NAME, type.COLUMN, token, "
                   "offset, readonly, numeric" },
        { "numric.price=1", "unknown option \"numric.price\": known are numeric, role, log, "
                            "offset, set.NAME, token, type.COLUMN, readonly" },
        { "set.=1", "unknown option \"set.\": known are set.NAME, log, offset, role, token, "
                    "type.COLUMN, numeric, readonly" },
        { "numeric.=text", "unknown option \"numeric.\": known are numeric, role, set.NAME, "
                           "token, type.COLUMN, log, offset, readonly" },
        { "role.x=1", "unknown option \"role.x\": known are role, log, token, type.COLUMN, "
                      "set.NAME, readonly, offset, numeric" },
        { "type=BLOB", "unknown option \"type\": known are type.COLUMN, role, token, log, "
                       "set.NAME, offset, numeric, readonly" },
        { "Role=x", "unknown option \"Role\": known are role, log, token, type.COLUMN, "
                    "set.NAME, offset, readonly, numeric" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_words(cases[i].given, cases[i].error);
    }
}

static void entries_keep_what_was_given(void **state) {
    struct options options;

    (void)state;
    options_init(&options, tables, NULL);
    check_int("blanks", STATUS_OK, options_add(&options, " set.app.tenant = a b ", NULL));
    check_text("name", "set.app.tenant", options.first->name);
    check_text("suffix", "app.tenant", options.first->suffix);
    check_text("value", "a b ", options.first->value);
    check_text("asked by its whole name", "a b ", options_text(&options, "set.app.tenant"));
    check_int("second", STATUS_OK, options_set(&options, "role", " r ", NULL));
    check_true("in order", options.first->next == options.last && options.last->next == NULL);
    check_true("no suffix", options.last->suffix == NULL);
    check_text("as it is", " r ", options_text(&options, "role"));
    check_true("prefix", options_given(&options, "set."));
    check_true("knows", options_knows(&options, "numeric.xyz", 9));
    check_true("not a mere dot", !options_knows(&options, "numeric.xyz", 8));
    options_clear(&options);
    check_true("cleared", options.first == NULL && !options_given(&options, "role"));
    check_int("ready again", STATUS_OK, options_add(&options, "role=x", NULL));
    options_clear(&options);
}

static void sets_chain(void **state) {
    static const struct option_spec *const value_tables[] = { value_specs, NULL };
    struct options server, table;

    (void)state;
    options_init(&server, tables, NULL);
    options_init(&table, value_tables, &server);
    check_text("default", "number", options_column_text(&table, "numeric", "a"));
    check_int("default", 100, options_integer(&table, "log"));
    check_true("unset", options_text(&table, "role") == NULL);
    check_true("unset bool", !options_bool(&table, "readonly"));
    check_int("unset integer", 0, options_integer(&table, "offset"));

    options_add(&server, "numeric.A=text", NULL);
    options_add(&server, "log=5", NULL);
    options_add(&server, "log=6", NULL);
    options_add(&server, "readonly=yes", NULL);
    options_add(&server, "offset=-12", NULL);
    check_int("last one counts", 6, options_integer(&table, "log"));
    check_int("negative", -12, options_integer(&table, "offset"));
    check_true("from the parent", options_bool(&table, "readonly"));
    check_true("given above", options_given(&table, "log"));
    check_text("parent's column, in any case", "text",
            options_column_text(&table, "numeric", "a"));
    check_text("another column", "number", options_column_text(&table, "numeric", "b"));
    check_true("a column's is not the set's", !options_given(&table, "numeric"));
    check_true("a column's", options_column_given(&table, "numeric", "a"));
    check_true("not that one's", !options_column_given(&table, "numeric", "b"));

    options_add(&table, "numeric=number", NULL);
    check_text("a column's wins", "text", options_column_text(&table, "numeric", "a"));
    options_add(&table, "numeric.a=number", NULL);
    check_text(
            "the nearer column's wins", "number", options_column_text(&table, "numeric", "a"));
    check_text("column only", NULL, options_column_text(&table, "type", "a"));
    options_clear(&table);
    options_clear(&server);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_words_are_accepted),
        cmocka_unit_test(wrong_words_are_explained),
        cmocka_unit_test(entries_keep_what_was_given),
        cmocka_unit_test(sets_chain),
    };

    return check_run(tests);
}
