/* What may go wrong while a driver reads: see contract.c. */
#include "tests/contract/going_wrong.h"
#include "tests/contract/remote.h"
#include "tests/contract/support.h"

#include <time.h>

enum { CANCEL_MS_MAX = 1000 };

static double now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* What takes long; a server that takes no statements has a view of it. */
static struct schema *describe_slow_query(void) {
    struct schema *schema = NULL;
    struct error err = { 0 };

    if (!can(DRIVER_SQL)) {
        remote_run("CREATE VIEW contract_slow AS SELECT pg_sleep(3)::text AS slept");
        return describe("contract_slow");
    }
    must(driver->describe_query(session,
                 "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
                 "WHERE n < 1000000000) SELECT count(*) AS n FROM c",
                 &schema, &err),
            &err);
    must(driver->present(schema, &table_set, &err), &err);
    return schema;
}

void test_interrupts(void **state) {
    struct schema *schema = describe_slow_query();
    struct error err = { 0 };
    struct batch batch = { 0 };
    struct scan *scan = NULL;
    struct query query;
    enum status status;
    double started_ms;

    (void)state;
    query = ask_all(schema);
    started_ms = now_ms();
    interrupted = true;
    status = driver->scan_start(session, &query, &scan, &err);
    if (status == STATUS_OK) {
        status = driver->scan_next(scan, &batch, &err);
    }
    interrupted = false;
    must_fail(status, STATUS_CANCELLED, &err);
    assert_true(now_ms() - started_ms < CANCEL_MS_MAX);
    if (scan != NULL) {
        driver->scan_end(scan);
    }
    batch_clear(&batch);
    schema_release(schema);
    still_usable();
}

void test_changes_behind_our_back(void **state) {
    static const struct {
        const char *change;
        enum status wanted;
        bool emptied;
    } cases[] = {
        { "ALTER TABLE contract_moving DROP COLUMN b", STATUS_SCHEMA },
        { "ALTER TABLE contract_moving RENAME COLUMN b TO c", STATUS_SCHEMA },
        { "DROP TABLE contract_moving; CREATE TABLE contract_moving(a INTEGER, b INTEGER)",
                STATUS_SCHEMA, true },
        { "DROP TABLE contract_moving", STATUS_SCHEMA },
        { "ALTER TABLE contract_moving RENAME TO contract_moved", STATUS_SCHEMA },
        { "ALTER TABLE contract_moving ADD COLUMN c TEXT", STATUS_OK },
        { "CREATE INDEX contract_index ON contract_moving(b)", STATUS_OK },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct schema *schema;
        struct query query;
        struct batch batch = { 0 };
        struct scan *scan = NULL;
        struct error err = { 0 };
        enum status status;

        remote_try("DROP TABLE contract_moved");
        remote_try("DROP TABLE contract_moving");
        remote_run("CREATE TABLE contract_moving(a INTEGER, b TEXT);"
                   "INSERT INTO contract_moving VALUES(1, '7')");
        schema = describe("contract_moving");
        query = ask_all(schema);
        assert_int_equal(count_rows(&query), 1);
        remote_run(cases[i].change);
        status = driver->confirm(session, schema, &err);
        if (cases[i].wanted == STATUS_OK) {
            must(status, &err);
        } else {
            must_fail(status, cases[i].wanted, &err);
        }
        status = driver->scan_start(session, &query, &scan, &err);
        if (status == STATUS_OK) {
            status = driver->scan_next(scan, &batch, &err);
        }
        if (cases[i].wanted == STATUS_OK) {
            must(status, &err);
            assert_int_equal(batch.rows, 1);
        } else if (cases[i].emptied && status == STATUS_OK) {
            assert_false(can(DRIVER_SNAPSHOT)); /* an answer without rows tells no types */
            assert_int_equal(batch.rows, 0);
        } else {
            must_fail(status, cases[i].wanted, &err);
        }
        if (scan != NULL) {
            driver->scan_end(scan);
        }
        batch_clear(&batch);
        schema_release(schema);
        still_usable();
    }
}
