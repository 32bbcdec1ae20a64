/* drivers/schema.c: names that SQLite can tell apart, and when two schemas are alike. */
#include "drivers/schema.h"

#include "tests/support/check.h"

enum { NAMES_MAX = 6 };

static struct schema *schema_of(const char *const *names, size_t count) {
    struct schema *schema = schema_create();

    check_true("created", schema != NULL);
    schema->columns = arena_alloc_array(&schema->arena, count, sizeof(*schema->columns));
    schema->column_count = count;
    for (size_t i = 0; i < count; i++) {
        schema->columns[i].remote_name = arena_copy_text(&schema->arena, names[i]);
    }
    return schema;
}

static void columns_are_named_apart(void **state) {
    static const struct {
        const char *names[NAMES_MAX];
        const char *want[NAMES_MAX];
    } cases[] = {
        { { "a", "b" }, { "a", "b" } },
        { { "a", "A" }, { "a", "A_2" } },
        { { "ab", "AB", "Ab", "aB" }, { "ab", "AB_2", "Ab_3", "aB_4" } },
        { { "a", "A", "a_2" }, { "a", "A_2", "a_2_2" } },
        { { "a_2", "a", "A" }, { "a_2", "a", "A_3" } },
        { { "A_2", "a_2", "a", "A" }, { "A_2", "a_2_2", "a", "A_3" } },
        { { "x", "x", "x" }, { "x", "x_2", "x_3" } },
        /* SQLite folds ASCII letters only: these two are different names to it */
        { { "\xc3\xa9", "\xc3\x89" }, { "\xc3\xa9", "\xc3\x89" } },
        { { "?column?", "?column?", "" }, { "?column?", "?column?_2", "" } },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        size_t count = 0;
        struct schema *schema;

        while (count < NAMES_MAX && cases[i].names[count] != NULL) {
            count++;
        }
        schema = schema_of(cases[i].names, count);
        check_int(cases[i].names[0], STATUS_OK, schema_name_columns(schema, NULL));
        for (size_t k = 0; k < count; k++) {
            check_text(cases[i].names[k], cases[i].want[k], schema->columns[k].name);
            check_int(
                    cases[i].want[k], (int64_t)k, schema_find_column(schema, cases[i].want[k]));
        }
        check_int("no such", -1, schema_find_column(schema, "none of these"));
        schema_release(schema);
    }
}

static const int first_column[] = { 0 };

static struct schema *sample(void) {
    static const char *const names[] = { "id", "name" };
    struct schema *schema = schema_of(names, 2);

    schema->remote_schema = "public";
    schema->remote_name = "people";
    schema->keys = arena_alloc_array(&schema->arena, 1, sizeof(*schema->keys));
    schema->key_count = 1;
    schema->keys[0] = (struct key){ .kind = KEY_PRIMARY,
        .columns = first_column,
        .column_count = 1,
        .valid = true,
        .immediate = true };
    schema->identity = IDENTITY_INTEGER_KEY;
    schema->key_column = 0;
    schema->columns[0].declared = "INTEGER";
    schema->columns[1].declared = "TEXT";
    schema_name_columns(schema, NULL);
    return schema;
}

/* ---- one change each -----------------------------------------------------------------------
 */

static void nothing(struct schema *schema) {
    (void)schema;
}
static void estimate(struct schema *schema) {
    schema->rows_estimate = 12;
    schema->row_bytes = 3;
    schema->columns[0].distinct_count = 2;
}
static void moved(struct schema *schema) {
    schema->remote_schema = "other";
}
static void became_view(struct schema *schema) {
    schema->kind = RELATION_VIEW;
}
static void dropped_column(struct schema *schema) {
    schema->column_count = 1;
}
static void dropped_key(struct schema *schema) {
    schema->key_count = 0;
}
static void invalid_key(struct schema *schema) {
    schema->keys[0].valid = false;
}
static void wider_key(struct schema *schema) {
    static const int both[] = { 0, 1 };

    schema->keys[0].columns = both;
    schema->keys[0].column_count = 2;
}
static void other_reference(struct schema *schema) {
    schema->keys[0].ref_table = "public.other";
}
static void retyped(struct schema *schema) {
    schema->columns[1].remote_type = "citext";
}
static void redeclared(struct schema *schema) {
    schema->columns[1].declared = "VARCHAR(3)";
}
static void presented(struct schema *schema) {
    schema->columns[1].presentation = "uuid=hex";
}
static void null_forbidden(struct schema *schema) {
    schema->columns[1].not_null = true;
}
static void collated(struct schema *schema) {
    schema->columns[1].collation = "de-x-icu";
}
static void rekeyed(struct schema *schema) {
    schema->identity = IDENTITY_ROWID;
}

static void schemas_are_compared(void **state) {
    static const struct {
        const char *label;
        void (*change)(struct schema *);
        bool equal;
    } cases[] = {
        { "nothing", nothing, true },
        { "estimates", estimate, true },
        { "schema", moved, false },
        { "kind", became_view, false },
        { "column dropped", dropped_column, false },
        { "key dropped", dropped_key, false },
        { "key invalid", invalid_key, false },
        { "key wider", wider_key, false },
        { "reference", other_reference, false },
        { "remote type", retyped, false },
        { "declared", redeclared, false },
        { "presentation", presented, false },
        { "not null", null_forbidden, false },
        { "collation", collated, false },
        { "identity", rekeyed, false },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct schema *a = sample(), *b = sample();

        cases[i].change(b);
        check_int(cases[i].label, cases[i].equal, schema_equal(a, b));
        check_int(cases[i].label, cases[i].equal, schema_equal(b, a));
        schema_release(a);
        schema_release(b);
    }
}

static void the_last_reference_frees(void **state) {
    struct schema *schema = sample();

    (void)state;
    check_true("same", schema_retain(schema) == schema);
    schema_release(schema);
    check_text("alive", "people", schema->remote_name);
    schema_release(schema);
    schema_release(NULL);
}

static void kinds_have_names(void **state) {
    (void)state;
    check_text("first", "table", relation_kind_name(RELATION_TABLE));
    check_text("last", "query", relation_kind_name(RELATION_QUERY));
    check_text("first", "primary", key_kind_name(KEY_PRIMARY));
    check_text("last", "index", key_kind_name(KEY_INDEX));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_named_apart),
        cmocka_unit_test(schemas_are_compared),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(kinds_have_names),
    };

    return check_run(tests);
}
