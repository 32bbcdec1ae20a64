/* Every allocation of presenting and decoding fails in turn: each call says so or does its
 * work, and nothing leaks. */
#include "drivers/postgres/internal.h"
#include "drivers/registry.h"

#include "tests/support/check.h"

#include <sqlite3.h>

enum { ATTEMPTS_MAX = 1000, COPIES = 20 };

static sqlite3_mem_methods real;
static int countdown; /* fails at 1; 0: never */

static bool fails_now(void) {
    return countdown > 0 && --countdown == 0;
}

static void *failing_malloc(int bytes) {
    return fails_now() ? NULL : real.xMalloc(bytes);
}

static void *failing_realloc(void *old, int bytes) {
    return fails_now() ? NULL : real.xRealloc(old, bytes);
}

static const struct pg_column facts[] = {
    { .type_oid = 1700, .typmod = 1179652, .type_name = "numeric", .type_kind = 'b' },
    { .type_oid = 25, .typmod = -1, .type_name = "text", .type_kind = 'b' },
    { .type_oid = 1043, .typmod = 44, .type_name = "varchar", .type_kind = 'b' },
    { .type_oid = 1184, .typmod = -1, .type_name = "timestamptz", .type_kind = 'b' },
    { .type_oid = 16384, .typmod = -1, .type_name = "geometry", .type_kind = 'b' },
    { .type_oid = 16385, .typmod = -1, .type_name = "mood", .type_kind = 'e' },
    { .type_oid = 23, .typmod = -1, .type_name = "int4", .type_kind = 'b' },
};

/* Many columns, so that the arena grows while they are presented. */
static struct schema *make_schema(void) {
    struct schema *schema = schema_create();
    size_t count = COPIES * check_count(facts);
    struct pg_column *pg = arena_alloc_array(&schema->arena, count, sizeof(*pg));

    schema->columns = arena_alloc_array(&schema->arena, count, sizeof(*schema->columns));
    schema->column_count = count;
    schema->kind = RELATION_VIEW;
    schema->remote_name = "v";
    schema->driver_data = arena_alloc(&schema->arena, sizeof(struct pg_relation));
    for (size_t i = 0; i < count; i++) {
        pg[i] = facts[i % check_count(facts)];
        pg[i].type_sql = "public.some_type";
        schema->columns[i].driver_data = &pg[i];
        schema->columns[i].remote_name = "c";
        schema->columns[i].remote_type = pg[i].type_name;
    }
    return schema;
}

static enum status try_present(struct error *err) {
    static const struct option_spec *const tables[] = { table_options, value_options, NULL };
    int pause = countdown;
    enum status status;
    struct options options;
    struct schema *schema;

    countdown = 0;
    options_init(&options, tables, NULL);
    options_set(&options, "nan", "null", err);
    options_set(&options, "geometry", "wkt", err);
    options_set(&options, "type.c_8", "DECIMAL", err);
    options_set(&options, "key", "c_7,c_9", err);
    schema = make_schema();
    countdown = pause;
    status = pg_present(schema, &options, err);
    for (size_t i = 0; i < schema->column_count && status == STATUS_OK; i++) {
        check_true("presented", schema->columns[i].declared[0] != '\0');
        check_true("presented", pg_column(schema, (int)i)->select_expression != NULL);
    }
    schema_release(schema);
    options_clear(&options);
    return status;
}

static enum status try_decode(struct error *err) {
    static const char bytes[16] = "0123456789abcdef";
    static const struct {
        enum pg_decoder decoder;
        size_t length;
    } values[] = { { PG_DECODE_TEXT, 16 }, { PG_DECODE_BLOB, 16 }, { PG_DECODE_UUID, 16 },
        { PG_DECODE_TIMESTAMP, 8 } };
    enum status status = STATUS_OK;
    struct batch batch = { 0 };

    for (size_t i = 0; i < check_count(values) && status == STATUS_OK; i++) {
        struct pg_column column = { .name = "c", .decoder = values[i].decoder };

        status = batch_reset(&batch, 1, false, err);
        if (status == STATUS_OK) {
            batch_begin_row(&batch);
            status = pg_decode(&column, bytes, values[i].length, &batch, err);
        }
        batch_clear(&batch);
    }
    return status;
}

static void each_allocation_fails_in_turn(void **state) {
    static const struct {
        const char *label;
        enum status (*attempt)(struct error *);
    } cases[] = { { "present", try_present }, { "decode", try_decode } };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        sqlite3_int64 before = sqlite3_memory_used();
        enum status status = STATUS_NOMEM;
        int n = 0;

        while (status != STATUS_OK) {
            struct error err = { 0 };

            check_true(cases[i].label, ++n < ATTEMPTS_MAX);
            countdown = n;
            status = cases[i].attempt(&err);
            countdown = 0;
            check_true(cases[i].label, status == STATUS_OK || status == STATUS_NOMEM);
            check_status(cases[i].label, status, err.status, &err);
            error_clear(&err);
            check_int(cases[i].label, before, sqlite3_memory_used());
        }
        check_true(cases[i].label, n > 4); /* it did allocate */
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(
            each_allocation_fails_in_turn) };
    sqlite3_mem_methods failing;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    failing = real;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    return check_run(tests);
}
