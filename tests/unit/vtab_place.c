/* Stored SQL and names as bridge_attach reads them. */
#include "tests/support/check.h"
#include "vtab/place.h"

#include "base/sqlite.h"

static void finds_mentions(void **state) {
    static const struct {
        const char *label, *sql, *name;
        bool want;
    } cases[] = {
        { "bare", "CREATE VIEW v AS SELECT * FROM orders", "orders", true },
        { "case", "CREATE VIEW v AS SELECT * FROM ORDERS", "orders", true },
        { "qualified", "CREATE VIEW v AS SELECT main.orders.x FROM main.t", "orders", true },
        { "double quotes", "SELECT * FROM \"or\"\"ders\"", "or\"ders", true },
        { "brackets", "SELECT * FROM [or ders]", "or ders", true },
        { "backticks", "SELECT * FROM `or``ders`", "or`ders", true },
        { "a string is a name in FROM", "SELECT * FROM 'orders'", "orders", true },
        { "without blanks", "SELECT(x)FROM\"orders\"", "orders", true },
        { "non-ASCII", "SELECT * FROM größe", "größe", true },
        { "at the end of an open quote", "SELECT \"orders", "orders", true },
        { "prefix", "SELECT * FROM orders2", "orders", false },
        { "suffix", "SELECT * FROM my_orders", "orders", false },
        { "part of a quoted name", "SELECT * FROM \"my orders\"", "orders", false },
        { "line comment", "SELECT 1 -- orders\n, 2", "orders", false },
        { "behind a line comment", "SELECT 1 -- x\n FROM orders", "orders", true },
        { "block comment", "SELECT 1 /* orders */", "orders", false },
        { "open block comment", "SELECT 1 /* orders", "orders", false },
        { "comment in a string", "SELECT '--' FROM orders", "orders", true },
        { "quote in a comment", "SELECT 1 -- it's\n FROM orders", "orders", true },
        { "minus is no comment", "SELECT 1 - orders", "orders", true },
        { "empty", "", "orders", false },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct local_object object = { .sql = cases[i].sql };

        check_int(cases[i].label, cases[i].want, local_object_mentions(&object, cases[i].name));
    }
}

static void knows_tables_of_ours(void **state) {
    static const struct {
        const char *label, *sql;
        bool want;
    } cases[] = {
        { "postgres", "CREATE VIRTUAL TABLE \"a\" USING postgres(server=\"s\")", true },
        { "sqlite, any case", "create virtual table a using SQLite(x)", true },
        { "odd name", "CREATE VIRTUAL TABLE \"using \"\" fts5\" USING sqlite()", true },
        { "another module", "CREATE VIRTUAL TABLE postgres USING fts5(x)", false },
        { "a table", "CREATE TABLE postgres(x)", false },
        { "a view", "CREATE VIEW v AS SELECT 1", false },
        { "cut off", "CREATE VIRTUAL TABLE a USING", false },
        { "automatic index", "", false },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct local_object object = { .sql = cases[i].sql };

        check_int(cases[i].label, cases[i].want, local_object_is_ours(&object));
    }
}

static void maps_names_without_case(void **state) {
    struct name_map map = { 0 };
    static char names[3000][8];

    (void)state;
    check_true("empty", name_map_find(&map, "a") == NULL);
    for (size_t i = 0; i < check_count(names); i++) {
        snprintf(names[i], sizeof(names[i]), "T%zu", i);
        check_true(names[i], name_map_add(&map, names[i], names[i]));
    }
    check_true("the first stays", name_map_add(&map, "t7", &map));
    for (size_t i = 0; i < check_count(names); i++) {
        char lower[8];

        snprintf(lower, sizeof(lower), "t%zu", i);
        check_true(lower, name_map_find(&map, lower) == names[i]);
    }
    check_true("unknown", name_map_find(&map, "t3000") == NULL);
    name_map_clear(&map);
    check_true("cleared", name_map_find(&map, "t1") == NULL);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(finds_mentions),
        cmocka_unit_test(knows_tables_of_ours), cmocka_unit_test(maps_names_without_case) };

    return check_run(tests);
}
