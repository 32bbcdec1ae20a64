/* Every allocation of describing, presenting, judging and decoding over PostgREST fails in
 * turn: each call says so or does its work, and nothing leaks. */
#include "tests/support/failing_memory.h"
#include "tests/support/rest_schema.h"

static enum status try_describe(struct error *err) {
    struct schema *schema = NULL;
    enum status status = rest_schema(
            "id bigint, \"a b\" varchar(9), n numeric(10,2), t text, z timestamptz, j json[]",
            "key=id", &schema, err);

    schema_release(schema);
    return status;
}

static enum status keep_none(void *context, struct schema *schema) {
    (void)context;
    schema_release(schema);
    return STATUS_OK;
}

static enum status try_document(struct error *err) {
    static const char document[] =
            "{\"swagger\":\"2.0\",\"definitions\":{\"t\":{\"description\":\"a "
            "table\",\"required\":"
            "[\"id\"],\"properties\":{\"id\":{\"format\":\"int32\",\"description\":\"the "
            "key\\n\\n"
            "Note:\\nThis is a Primary "
            "Key.<pk/>\"},\"e\":{\"format\":\"s.mood\",\"enum\":[\"a\"],"
            "\"default\":\"a\"},\"f\":{\"format\":\"int64\",\"default\":7,\"description\":"
            "\"Note:\\n"
            "This is a Foreign Key to `u.id`.<fk table='u' column='id'/>\"}}}}}";

    return pr_read_document(document, sizeof(document) - 1, "s", NULL, keep_none, NULL, err);
}

static enum status try_filters(struct error *err) {
    static const struct value values[] = { { .kind = VALUE_TEXT, .bytes = "a_%", .length = 3 },
        { .kind = VALUE_TEXT, .bytes = "12", .length = 2 } };
    static const enum condition_operator ops[] = { OPERATOR_EQ, OPERATOR_NE, OPERATOR_LE,
        OPERATOR_LIKE, OPERATOR_GLOB, OPERATOR_IS_NOT, OPERATOR_IN };
    int left = failing_allocations_left();
    struct schema *schema = NULL;
    enum status status;

    status = rest_schema("t text, i integer, d date", NULL, &schema, err);
    failing_allocation(left);
    for (size_t i = 0; i < check_count(ops) && status == STATUS_OK; i++) {
        struct condition condition = { (int)i % 2, ops[i], COLLATION_BINARY };
        enum verdict verdict;
        struct text text;

        text_init(&text, PR_TARGET_BYTES_MAX);
        status = rest_filter(schema, &condition, values, ops[i] == OPERATOR_IN ? 2 : 1, &text,
                &verdict, err);
        text_clear(&text);
    }
    schema_release(schema);
    return status;
}

static enum status try_decode(struct error *err) {
    static const char value[] =
            "\\u00e9 and more text than a small buffer has room for, again, "
            "and again, so that it has to grow";
    struct pr_member member = { .value = value,
        .value_length = sizeof(value) - 1,
        .kind = PR_STRING,
        .value_escaped = true };
    int left = failing_allocations_left();
    struct schema *schema = NULL;
    struct batch batch = { 0 };
    struct text scratch;
    enum status status;

    status = rest_schema("t text", NULL, &schema, err);
    failing_allocation(left);
    text_init(&scratch, BATCH_HEAP_BYTES_MAX);
    if (status == STATUS_OK) {
        status = batch_reset(&batch, 1, false, err);
    }
    if (status == STATUS_OK) {
        batch_begin_row(&batch);
        status = pr_decode(&schema->columns[0], &member, &scratch, &batch, err);
    }
    batch_clear(&batch);
    text_clear(&scratch);
    schema_release(schema);
    return status;
}

static void each_allocation_fails_in_turn(void **state) {
    static const struct attempt_case cases[] = { { "describe", try_describe },
        { "document", try_document }, { "filters", try_filters }, { "decode", try_decode } };

    (void)state;
    check_each_allocation(cases, check_count(cases), 2);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(
            each_allocation_fails_in_turn) };

    failing_memory_install();
    return check_run(tests);
}
