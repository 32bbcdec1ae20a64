/* Every allocation of the base room and of drivers/ above it fails in turn: each call says so
 * or does its work, nothing leaks, and the same call works once there is memory again. */
#include "drivers/batch.h"
#include "drivers/postgres/internal.h"
#include "drivers/registry.h"
#include "drivers/url.h"

#include "base/text.h"
#include "tests/support/failing_memory.h"

#include <sqlite3.h>
#include <stdlib.h>

/* ---- what is tried: each returns a status and leaves nothing behind -------------------------
 */

static enum status try_text(struct error *err) {
    struct text text;
    enum status status;
    char *stolen;

    text_init(&text, TEXT_SQL_BYTES_MAX);
    for (int i = 0; i < 100; i++) {
        text_printf(&text, "%d, ", i);
        text_append_hex(&text, "abc", 3);
        text_append_json(&text, "a\"b", 3);
    }
    status = text_status(&text, err);
    check_true("empty when failed", status == STATUS_OK || text_get(&text)[0] == '\0');
    stolen = text_steal(&text);
    check_true("stolen when it went well", (stolen != NULL) == (status == STATUS_OK));
    memory_free(stolen);
    return status;
}

static enum status try_options(struct error *err) {
    static const struct option_spec *const tables[] = { server_options, value_options,
        postgres_server_options, NULL };
    enum status status = STATUS_OK;
    struct options options;

    options_init(&options, tables, NULL);
    for (int i = 0; i < 50 && status == STATUS_OK; i++) {
        status = options_add(&options, "set.app.tenant=some text that takes room", err);
    }
    if (status == STATUS_OK) {
        status = options_add(&options, "log=1", err);
    }
    check_true("kept when it went well",
            (options_integer(&options, "log") == 1) == (status == STATUS_OK));
    options_clear(&options);
    return status;
}

static enum status count_item(void *context, const char *item, size_t length) {
    (void)item;
    *(size_t *)context += length;
    return STATUS_OK;
}

static enum status try_list(struct error *err) {
    size_t bytes = 0;
    enum status status = list_each("a,\"b,c\",\"d\"\"e\"", count_item, &bytes);

    check_true("all or not OK", (bytes == 7) == (status == STATUS_OK));
    return status == STATUS_NOMEM ? error_nomem(err) : status;
}

static enum status try_target(struct error *err) {
    static const struct option_spec *const tables[] = { server_options, value_options,
        postgres_server_options, NULL };
    struct target target = { 0 };
    struct options options;
    enum status status;

    options_init(&options, tables, NULL);
    status = target_resolve(
            "postgresql://u:p@h/d?sslmode=require&role=a%20b&set.x=y", &options, &target, err);
    check_true("all or nothing", (target.driver != NULL) == (status == STATUS_OK));
    check_true("all or nothing", (target.source != NULL) == (status == STATUS_OK));
    target_clear(&target);
    options_clear(&options);
    return status;
}

static enum status try_batch(struct error *err) {
    static const char bytes[5000];
    struct batch batch = { 0 };
    enum status status = batch_reset(&batch, 3, true, err);

    for (int row = 0; row < 20 && status == STATUS_OK; row++) {
        batch_begin_row(&batch);
        batch_put_integer(&batch, row);
        status = batch_put_bytes(&batch, VALUE_BLOB, bytes, sizeof(bytes), err);
        if (status == STATUS_OK) {
            batch_put_null(&batch);
            batch_end_row(&batch, row);
        }
    }
    check_true("all rows or not OK", (batch.rows == 20) == (status == STATUS_OK));
    batch_clear(&batch);
    return status;
}

static enum status try_schema(struct error *err) {
    struct schema *schema = schema_create();
    enum status status = STATUS_NOMEM;

    if (schema == NULL) {
        return error_nomem(err);
    }
    schema->columns = arena_alloc_array(&schema->arena, 40, sizeof(*schema->columns));
    if (schema->columns != NULL) {
        schema->column_count = 40;
        for (size_t i = 0; i < 40; i++) {
            schema->columns[i].remote_name = "the same name that takes some room in the arena";
        }
        status = schema_name_columns(schema, err);
    }
    schema_release(schema);
    return status == STATUS_NOMEM ? error_nomem(err) : status;
}

static enum status try_error(struct error *err) {
    struct error inner = { 0 };
    bool whole;

    error_set(&inner, STATUS_REMOTE, "refused");
    error_explain(&inner, "42P01", "detail", "hint");
    error_statement(&inner, "SELECT 1");
    check_text("told without memory", "refused", inner.message);
    check_text("told without memory", "42P01", inner.sqlstate);
    whole = inner.detail != NULL && inner.hint != NULL && inner.statement != NULL;
    error_clear(&inner);
    return whole ? STATUS_OK : error_nomem(err);
}

static void each_allocation_fails_in_turn(void **state) {
    static const struct attempt_case cases[] = {
        { "text", try_text },
        { "options", try_options },
        { "list", try_list },
        { "target", try_target },
        { "batch", try_batch },
        { "schema", try_schema },
        { "error", try_error },
    };

    (void)state;
    check_each_allocation(cases, check_count(cases), 1);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(
            each_allocation_fails_in_turn) };

    failing_memory_install();
    return check_run(tests);
}
