/* What every case of the contract needs; see support.h. */
#include "tests/contract/support.h"
#include "tests/contract/remote.h"
#include "tests/support/host.h"

#include <stdio.h>
#include <string.h>

struct target target;
const struct driver *driver;
struct session *session;
struct options server_set, table_set;
bool interrupted;
int logged;

static bool host_interrupted(void *context) {
    (void)context;
    return interrupted;
}

static void host_logged(void *context, const struct statement_record *record) {
    (void)context;
    assert_non_null(record->sql);
    assert_true(record->ms >= 0);
    logged++;
}

bool can(enum driver_capability capability) {
    return (driver->capabilities & (unsigned)capability) != 0;
}

bool on_postgres(void) {
    return strcmp(driver->name, "sqlite") != 0;
}

void must(enum status status, const struct error *err) {
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err->message);
    }
}

/* An error says what it is, and in words. */
void must_fail(enum status status, enum status wanted, struct error *err) {
    if (status != wanted) {
        fail_msg("%s in place of %s: %s", status_name(status), status_name(wanted),
                err->message);
    }
    assert_int_equal(err->status, wanted);
    assert_true(strlen(err->message) > 0);
    error_clear(err);
}

void choose_driver(void) {
    static const struct option_spec *server_tables[] = { server_options, NULL, value_options,
        NULL };
    static const struct option_spec *const table_tables[] = { table_options, value_options,
        NULL };
    const char *url = remote_url();
    struct error err = { 0 };

    options_init(&server_set,
            (const struct option_spec *const[]){ server_options, value_options, NULL }, NULL);
    must(target_resolve(url, &server_set, &target, &err), &err);
    driver = target.driver;
    server_tables[1] = driver->server_options;
    options_clear(&server_set);
    options_init(&server_set, server_tables, NULL);
    options_init(&table_set, table_tables, &server_set);
    remote_connect(driver->name, url);
}

void leave_driver(void) {
    remote_disconnect();
    target_clear(&target);
    options_clear(&table_set);
    options_clear(&server_set);
}

int run_named_cases(const char *name, const struct CMUnitTest *tests, size_t count,
        CMFixtureFunction set_up, CMFixtureFunction tear_down) {
    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests(name, tests, count, set_up, tear_down);
}

struct session *open_session(void) {
    struct host host = { .interrupted = host_interrupted, .logged = host_logged };
    struct session *opened = NULL;
    struct error err = { 0 };

    must(driver->open(target.connection, &server_set, &host, &opened, &err), &err);
    return opened;
}

enum status keep_schema(void *context, struct schema *schema) {
    struct found *found = context;
    size_t used = strlen(found->names);

    snprintf(found->names + used, sizeof(found->names) - used, "%s;", schema->remote_name);
    found->count++;
    schema_release(found->schema);
    found->schema = schema;
    return STATUS_OK;
}

struct schema *describe(const char *table) {
    struct catalog_filter filter = { .table = table };
    struct found found = { 0 };
    struct error err = { 0 };

    must(driver->catalog(session, &filter, keep_schema, &found, &err), &err);
    assert_int_equal(found.count, 1);
    must(driver->present(found.schema, &table_set, &err), &err);
    return found.schema;
}

/* All columns of the first 16. */
struct query ask_all(const struct schema *schema) {
    static const int columns[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    struct query query = { .schema = schema, .columns = columns, .limit = -1 };

    query.column_count = schema->column_count < 16 ? schema->column_count : 16;
    return query;
}

struct scan *start(const struct query *query) {
    struct scan *scan = NULL;
    struct error err = { 0 };

    must(driver->scan_start(session, query, &scan, &err), &err);
    assert_non_null(scan->statement);
    assert_non_null(scan->transport);
    assert_ptr_equal(scan->session, session);
    return scan;
}

int64_t next(struct scan *scan, struct batch *batch) {
    struct error err = { 0 };

    must(driver->scan_next(scan, batch, &err), &err);
    return batch->rows;
}

int64_t drain(struct scan *scan) {
    struct batch batch = { 0 };
    int64_t rows = 0, more;

    while ((more = next(scan, &batch)) > 0) {
        rows += more;
    }
    batch_clear(&batch);
    return rows;
}

int64_t count_rows(const struct query *query) {
    struct scan *scan = start(query);
    int64_t rows = drain(scan);

    driver->scan_end(scan);
    return rows;
}

/* Whatever went wrong before, the session answers. */
void still_usable(void) {
    struct schema *schema = describe("contract_items");
    struct query query = ask_all(schema);

    assert_false(session->broken);
    assert_int_equal(count_rows(&query), ROWS);
    schema_release(schema);
}

struct judgement judge(const struct schema *schema, struct condition condition,
        const struct value *values, size_t count, struct arena *arena) {
    struct judgement judgement;

    assert_true(driver->may_push(schema, &condition));
    assert_int_equal(
            driver->judge(schema, &condition, values, count, arena, &judgement), STATUS_OK);
    return judgement;
}
