/* The promises of drivers/driver.h, run against any driver: CONTRACT_URL names a database in
 * which tables may be made; without it the sqlite driver is run on a file of its own. */
#include "tests/contract/going_wrong.h"
#include "tests/contract/remote.h"
#include "tests/contract/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- describing -------------------------------------------------------------------- */

static void test_columns_come_in_catalog_order(void **state) {
    static const char *const names[] = { "id", "name", "price", "Odd \"name\"", "data" };
    struct schema *schema = describe("contract_items");

    (void)state;
    assert_int_equal(schema->column_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(schema->columns[i].remote_name, names[i]);
        assert_string_equal(schema->columns[i].name, names[i]);
        assert_non_null(schema->columns[i].declared);
        assert_non_null(schema->columns[i].presentation);
    }
    assert_int_equal(schema->kind, RELATION_TABLE);
    assert_int_equal(schema->identity, IDENTITY_INTEGER_KEY);
    assert_int_equal(schema->key_column, 0);
    assert_true(schema->columns[0].not_null);
    schema_release(schema);
}

static enum status refuse(void *context, struct schema *schema) {
    ++*(int *)context;
    schema_release(schema);
    return STATUS_NOMEM;
}

static void test_catalog_walks(void **state) {
    struct catalog_filter all = { 0 }, none = { .table = "contract_missing" };
    struct found first = { 0 }, second = { 0 }, missing = { 0 };
    struct error err = { 0 };
    int asked = 0;

    (void)state;
    must(driver->catalog(session, &all, keep_schema, &first, &err), &err);
    must(driver->catalog(session, &all, keep_schema, &second, &err), &err);
    assert_true(first.count >= 2);
    assert_string_equal(first.names, second.names);
    must(driver->catalog(session, &none, keep_schema, &missing, &err), &err);
    assert_int_equal(missing.count, 0);
    assert_int_equal(driver->catalog(session, &all, refuse, &asked, &err), STATUS_NOMEM);
    assert_int_equal(asked, 1);
    error_clear(&err);
    schema_release(first.schema);
    schema_release(second.schema);
    still_usable();
}

static void test_describe_query(void **state) {
    struct schema *schema = NULL;
    struct error err = { 0 };
    struct query query;

    (void)state;
    if (!can(DRIVER_SQL)) { /* a server that takes requests for tables, and no statements */
        assert_null(driver->describe_query);
        return;
    }
    must(driver->describe_query(session,
                 "SELECT id AS a, name AS a, id + 1 FROM contract_items WHERE id <= 10",
                 &schema, &err),
            &err);
    must(driver->present(schema, &table_set, &err), &err);
    assert_int_equal(schema->kind, RELATION_QUERY);
    assert_int_equal(schema->column_count, 3);
    assert_string_equal(schema->columns[0].name, "a");
    assert_string_equal(schema->columns[1].name, "a_2");
    query = ask_all(schema);
    assert_int_equal(count_rows(&query), 10);
    schema_release(schema);
    schema = NULL;
    assert_int_not_equal(
            driver->describe_query(session, "SELECT nothing FROM nowhere", &schema, &err),
            STATUS_OK);
    assert_null(schema);
    assert_true(strlen(err.message) > 0);
    error_clear(&err);
    still_usable();
}

/* ---- scanning ---------------------------------------------------------------------- */

static void test_the_end_stays_the_end(void **state) {
    struct schema *schema = describe("contract_items");
    struct query query = ask_all(schema);
    struct scan *scan = start(&query);
    struct batch batch = { 0 };

    (void)state;
    assert_int_equal(drain(scan), ROWS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(next(scan, &batch), 0);
    }
    assert_int_equal(scan->rows, ROWS);
    batch_clear(&batch);
    driver->scan_end(scan);
    schema_release(schema);
}

static void test_scans_end_at_any_point(void **state) {
    struct schema *schema = describe("contract_items");
    struct query query = ask_all(schema);

    (void)state;
    for (int batches = 0; batches < 3; batches++) {
        struct scan *scan = start(&query);
        struct batch batch = { 0 };
        int before = logged;

        for (int i = 0; i < batches; i++) {
            assert_true(next(scan, &batch) > 0);
        }
        batch_clear(&batch);
        driver->scan_end(scan);
        assert_int_equal(logged, before + 1);
        still_usable();
    }
    schema_release(schema);
}

static void test_several_scans_at_once(void **state) {
    struct schema *items = describe("contract_items"), *rows = describe("contract_rows");
    struct query all = ask_all(items), others = ask_all(rows);
    struct scan *scans[] = { start(&all), start(&others), start(&all) };
    struct batch batch = { 0 };
    int64_t read[3] = { 0 }, more = 1;

    (void)state;
    while (more > 0) {
        more = 0;
        for (int i = 0; i < 3; i++) {
            int64_t got = next(scans[i], &batch);

            read[i] += got;
            more += got;
        }
    }
    assert_int_equal(read[0], ROWS);
    assert_int_equal(read[1], 4);
    assert_int_equal(read[2], ROWS);
    driver->scan_end(scans[1]); /* in no order */
    driver->scan_end(scans[2]);
    driver->scan_end(scans[0]);
    batch_clear(&batch);
    schema_release(items);
    schema_release(rows);
}

static void test_one_snapshot(void **state) {
    struct schema *schema = describe("contract_rows");
    struct query query = ask_all(schema);
    struct transaction_options snapshot = { .idle_ms = 60000 };
    struct error err = { 0 };
    struct scan *scan;

    (void)state;
    if (can(DRIVER_SNAPSHOT)) {
        must(driver->begin(session, &snapshot, &err), &err);
    } else { /* each request sees what is there when it comes */
        assert_null(driver->finish);
    }
    scan = start(&query);
    assert_int_equal(drain(scan), 4);
    remote_run("INSERT INTO contract_rows VALUES(9, 'new')");
    assert_int_equal(count_rows(&query), can(DRIVER_SNAPSHOT) ? 4 : 5);
    driver->scan_end(scan);
    if (can(DRIVER_SNAPSHOT)) {
        assert_int_equal(count_rows(&query), 4);
        driver->finish(session);
    }
    assert_int_equal(count_rows(&query), 5);
    remote_run("DELETE FROM contract_rows WHERE a = 9");
    schema_release(schema);
}

static void test_counting(void **state) {
    struct schema *schema = describe("contract_items");
    struct query query = { .schema = schema, .limit = -1, .flags = QUERY_COUNT_ONLY };
    struct arena arena = { 0 };
    struct value ten = { .kind = VALUE_INTEGER, .integer = 10 };
    struct judgement judgement = judge(
            schema, (struct condition){ .column = 0, .op = OPERATOR_LE }, &ten, 1, &arena);

    (void)state;
    assert_int_equal(count_rows(&query), ROWS);
    assert_int_equal(judgement.verdict, VERDICT_EXACT);
    query.predicates = &judgement.predicate;
    query.predicate_count = 1;
    assert_int_equal(count_rows(&query), 10);
    arena_clear(&arena);
    schema_release(schema);
}

/* Equal rows have rowids of their own, and the same ones in the next scan. */
static void test_rowids(void **state) {
    struct schema *schema = describe("contract_rows");
    struct query query = ask_all(schema);
    int64_t seen[2][4] = { 0 };

    (void)state;
    if (schema->identity == IDENTITY_ROW) { /* nothing tells them apart, nor does it claim to */
        assert_int_equal(schema->find_count, 0);
        assert_false(can(DRIVER_SQL));
        schema_release(schema);
        return;
    }
    assert_int_equal(schema->identity, IDENTITY_ROWID);
    query.flags = QUERY_IDENTITY;
    for (int pass = 0; pass < 2; pass++) {
        struct scan *scan = start(&query);
        struct batch batch = { 0 };

        assert_int_equal(next(scan, &batch), 4);
        memcpy(seen[pass], batch.rowids, sizeof(seen[pass]));
        batch_clear(&batch);
        driver->scan_end(scan);
    }
    assert_memory_equal(seen[0], seen[1], sizeof(seen[0]));
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            assert_int_not_equal(seen[0][i], seen[0][k]);
        }
    }
    schema_release(schema);
}

static void test_conditions_and_order(void **state) {
    struct schema *schema = describe("contract_items");
    struct query query = ask_all(schema);
    struct order_term order = { .column = 0, .descending = true };
    struct value values[] = { { .kind = VALUE_INTEGER, .integer = 3 }, { .kind = VALUE_NULL },
        { .kind = VALUE_INTEGER, .integer = 7 } };
    struct arena arena = { 0 };
    struct batch batch = { 0 };
    struct judgement judgement;
    struct scan *scan;

    (void)state;
    judgement = judge(schema, (struct condition){ .column = 0, .op = OPERATOR_EQ }, &values[1],
            1, &arena);
    assert_int_equal(judgement.verdict, VERDICT_EMPTY);
    judgement = judge(
            schema, (struct condition){ .column = 0, .op = OPERATOR_IN }, values, 3, &arena);
    assert_int_equal(judgement.verdict, VERDICT_EXACT);
    assert_true(driver->may_order(schema, &order, 1));
    query.predicates = &judgement.predicate;
    query.predicate_count = 1;
    query.order = &order;
    query.order_count = 1;
    scan = start(&query);
    assert_int_equal(next(scan, &batch), 2);
    assert_int_equal(batch_cell(&batch, 0, 0)->integer, 7);
    assert_int_equal(batch_cell(&batch, 0, 1)->integer, 3);
    driver->scan_end(scan);
    batch_clear(&batch);
    arena_clear(&arena);
    schema_release(schema);
}

/* ---- statements of the user's ------------------------------------------------------ */

static void test_user_queries(void **state) {
    struct value args[] = { { .kind = VALUE_INTEGER, .integer = 2 } };
    bool dollar = strcmp(driver->name, "postgres") == 0;
    struct error err = { 0 };
    struct batch batch = { 0 };
    struct scan *scan = NULL;

    (void)state;
    if (!can(DRIVER_SQL)) {
        assert_null(driver->query_start);
        return;
    }
    must(driver->query_start(session,
                 dollar ? "SELECT id, name FROM contract_items WHERE id <= $1::int ORDER BY id"
                        : "SELECT id, name FROM contract_items WHERE id <= ?1 ORDER BY id",
                 args, 1, &scan, &err),
            &err);
    assert_int_equal(next(scan, &batch), 2);
    assert_int_equal(batch_kind(&batch, 0, 1), VALUE_TEXT);
    assert_string_equal(
            batch.heap + batch_cell(&batch, 0, 1)->start, "{\"id\":2,\"name\":\"item 2\"}");
    assert_int_equal(next(scan, &batch), 0);
    driver->scan_end(scan);
    batch_clear(&batch);
    still_usable();
}

static void test_user_queries_only_read(void **state) {
    static const char *const statements[] = { "DELETE FROM contract_items",
        "DROP TABLE contract_items", "BEGIN", "COMMIT", "SELECT 1; SELECT 2", "",
        "SELECT nothing FROM nowhere" };

    (void)state;
    for (size_t i = 0; can(DRIVER_SQL) && i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct batch batch = { 0 };
        struct scan *scan = NULL;
        struct error err = { 0 };
        enum status status = driver->query_start(session, statements[i], NULL, 0, &scan, &err);

        if (status == STATUS_OK) {
            status = driver->scan_next(scan, &batch, &err);
        }
        if (status == STATUS_OK) {
            fail_msg("%s: was not refused", statements[i]);
        }
        assert_int_equal(err.status, status);
        assert_true(strlen(err.message) > 0);
        error_clear(&err);
        if (scan != NULL) {
            driver->scan_end(scan);
        }
        batch_clear(&batch);
        still_usable();
    }
}

static void test_counts_and_ping(void **state) {
    int64_t statements = session->counts.statements, rows = session->counts.rows;
    struct error err = { 0 };
    double ms = -1;

    (void)state;
    still_usable();
    assert_true(session->counts.statements > statements);
    assert_true(session->counts.rows >= rows + ROWS);
    must(driver->ping(session, &ms, &err), &err);
    assert_true(ms >= 0);
    /* PostgREST before 14 does not say its version, nor do its likes. */
    assert_true(strlen(session->server_version) > 0 || !can(DRIVER_SQL));
    driver->close(NULL);
}

/* ---- set-up ------------------------------------------------------------------------ */

static int set_up(void **state) {
    char sql[256];

    (void)state;
    choose_driver();
    remote_try("DROP VIEW contract_slow");
    remote_try("DROP TABLE contract_items");
    remote_try("DROP TABLE contract_rows");
    remote_run("CREATE TABLE contract_items(id INTEGER PRIMARY KEY, name TEXT, "
               "price DOUBLE PRECISION, \"Odd \"\"name\"\"\" TEXT, data TEXT);"
               "CREATE TABLE contract_rows(a INTEGER, b TEXT);"
               "INSERT INTO contract_rows VALUES(1, 'x'), (1, 'x'), (2, NULL), (NULL, 'y')");
    for (int i = 1; i <= ROWS; i++) {
        snprintf(sql, sizeof(sql),
                "%sINSERT INTO contract_items VALUES(%d, 'item %d', %d.5, "
                "NULL, '%0*d')%s",
                i == 1 ? "BEGIN;" : "", i, i, i, i % 50 + 1, 0, i == ROWS ? ";COMMIT" : "");
        remote_run(sql);
    }
    session = open_session();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    driver->close(session);
    remote_try("DROP TABLE contract_items");
    remote_try("DROP TABLE contract_rows");
    remote_try("DROP TABLE contract_moving");
    remote_try("DROP VIEW contract_slow");
    leave_driver();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_come_in_catalog_order),
        cmocka_unit_test(test_catalog_walks),
        cmocka_unit_test(test_describe_query),
        cmocka_unit_test(test_the_end_stays_the_end),
        cmocka_unit_test(test_scans_end_at_any_point),
        cmocka_unit_test(test_several_scans_at_once),
        cmocka_unit_test(test_one_snapshot),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_rowids),
        cmocka_unit_test(test_conditions_and_order),
        cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_changes_behind_our_back),
        cmocka_unit_test(test_user_queries),
        cmocka_unit_test(test_user_queries_only_read),
        cmocka_unit_test(test_counts_and_ping),
    };

    return run_cases(tests, set_up, tear_down);
}
