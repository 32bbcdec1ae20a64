/* Every allocation of presenting and decoding fails in turn: each call says so or does its
 * work, and nothing leaks. */
#include "drivers/postgres/internal.h"
#include "drivers/registry.h"

#include "tests/support/failing_memory.h"

enum { COPIES = 20 };

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
    int left = failing_allocations_left();
    enum status status;
    struct options options;
    struct schema *schema;

    options_init(&options, tables, NULL);
    options_set(&options, "nan", "null", err);
    options_set(&options, "geometry", "wkt", err);
    options_set(&options, "type.c_8", "DECIMAL", err);
    options_set(&options, "key", "c_7,c_9", err);
    schema = make_schema();
    failing_allocation(left);
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
    static const struct attempt_case cases[] = { { "present", try_present },
        { "decode", try_decode } };

    (void)state;
    check_each_allocation(cases, check_count(cases), 4);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(
            each_allocation_fails_in_turn) };

    failing_memory_install();
    return check_run(tests);
}
