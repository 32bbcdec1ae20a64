/* drivers/registry.c: the tables agree with themselves, and who decides how a value looks. */
#include "drivers/registry.h"

#include "tests/support/check.h"

static const struct option_spec *const all_tables[] = { server_options, attach_options,
    table_options, value_options };

/* A default or a choice that its own spec refuses would surface far from here. */
static void check_spec(const struct option_spec *spec) {
    const struct option_spec alone[] = { *spec, { .name = NULL } };
    const struct option_spec *const tables[] = { alone, NULL };
    struct error err = { 0 };
    struct options options;
    char word[64];

    snprintf(word, sizeof(word), "%s%s", spec->name,
            spec->flags & OPTION_PREFIX        ? "x"
            : spec->flags & OPTION_COLUMN_ONLY ? ".x"
                                               : "");
    options_init(&options, tables, NULL);
    if (spec->fallback != NULL) {
        check_status(word, STATUS_OK, options_set(&options, word, spec->fallback, &err), &err);
    }
    check_true(word, spec->help != NULL && spec->help[0] != '\0');
    check_true(word, spec->type != OPTION_CHOICE || spec->choices != NULL);
    check_true(word, spec->choices == NULL || spec->type == OPTION_CHOICE ||
                             spec->type == OPTION_INTEGER);
    check_int(word, (spec->flags & OPTION_PREFIX) != 0, strchr(spec->name, '.') != NULL);
    check_true(word, spec->min <= spec->max);
    options_clear(&options);
    error_clear(&err);
}

static void tables_agree_with_themselves(void **state) {
    (void)state;
    for (size_t t = 0; t < check_count(all_tables); t++) {
        for (const struct option_spec *spec = all_tables[t]; spec->name != NULL; spec++) {
            check_spec(spec);
        }
    }
    for (size_t i = 0; drivers[i] != NULL; i++) {
        check_true(drivers[i]->name, driver_find(drivers[i]->name) == drivers[i]);
    }
    check_true("none", driver_find("oracle") == NULL);
}

static void values_look_as_decided(void **state) {
    static const struct {
        const char *label, *server, *table, *name, *want;
    } cases[] = {
        { "default", NULL, NULL, "uuid", "dashed" },
        { "unset", NULL, NULL, "collation", NULL },
        { "profile", "profile=sqlalchemy", NULL, "uuid", "hex" },
        { "profile, another word", "profile=sqlalchemy", NULL, "bool", "integer" },
        { "pydal's bool", "profile=pydal", NULL, "bool", "tf" },
        { "pydal's timestamp", NULL, "profile=pydal", "timestamp", "seconds" },
        { "pydal's uuid", NULL, "profile=pydal", "uuid", "dashed" },
        { "the table's profile first", "profile=pydal", "profile=raw", "bool", "integer" },
        { "said over profile", "bool=integer", "profile=pydal", "bool", "integer" },
        { "said below profile", "profile=pydal", "bool=integer", "bool", "integer" },
        { "column over profile", "bool.C=integer", "profile=pydal", "bool", "integer" },
        { "another column", "bool.d=integer", "profile=pydal", "bool", "tf" },
        { "column over all", "uuid.c=hex", "uuid=blob", "uuid", "hex" },
        { "the table over the server", "uuid=hex", "uuid=blob", "uuid", "blob" },
        { "type", NULL, "type.c=BLOB", "type", "BLOB" },
    };
    static const struct option_spec *const server_tables[] = { server_options, value_options,
        NULL };
    static const struct option_spec *const table_tables[] = { table_options, value_options,
        NULL };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct options server, table;

        options_init(&server, server_tables, NULL);
        options_init(&table, table_tables, &server);
        if (cases[i].server != NULL) {
            check_int(cases[i].label, STATUS_OK, options_add(&server, cases[i].server, NULL));
        }
        if (cases[i].table != NULL) {
            check_int(cases[i].label, STATUS_OK, options_add(&table, cases[i].table, NULL));
        }
        check_text(cases[i].label, cases[i].want, value_option(&table, cases[i].name, "c"));
        options_clear(&table);
        options_clear(&server);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_agree_with_themselves),
        cmocka_unit_test(values_look_as_decided),
    };

    return check_run(tests);
}
