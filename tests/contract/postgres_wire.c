/* The postgres driver's sessions, scans and statements on a real server. */
#include "tests/contract/server.h"

static void everything_is_read(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");

    (void)state;
    assert_int_equal(RELATION_TABLE, schema->kind);
    assert_int_equal(3, schema->column_count);
    assert_string_equal("numeric(10,2)", schema->columns[2].remote_type);
    assert_true(schema->rows_estimate == 20000);
    assert_true(schema->columns[0].remote_not_null && schema->columns[1].remote_not_null);
    assert_int_equal(20000, count_rows(session, schema));
    assert_left_alone();
    schema_release(schema);
    pg_close(session);
}

static void few_round_trips(void **state) {
    struct session *session = open_session(NULL);
    int64_t opened = session->counts.round_trips, described;
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct batch batch;
    struct error err = { 0 };
    struct scan *scan;

    (void)state;
    described = session->counts.round_trips;
    assert_int_equal(1, opened);
    assert_int_equal(2, described);
    pg_begin(session, &(struct transaction_options){ .idle_ms = 60000 }, &err);
    scan = start(session, &query);
    batch_init(&batch);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    assert_int_equal(3, session->counts.round_trips);
    assert_int_equal(1, scan->round_trips);
    pg_scan_end(scan);
    pg_finish(session);
    query.flags = QUERY_COUNT_ONLY;
    query.column_count = 0;
    scan = start(session, &query);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    assert_int_equal(20000, batch.rows);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    assert_int_equal(0, batch.rows);
    assert_string_equal("result", scan->transport);
    pg_scan_end(scan);
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

/* Three scans take turns while another client writes: all see the state at the first one. */
static void one_snapshot(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct scan *scans[3];
    int64_t rows[3] = { 0 };
    struct batch batch;
    struct error err = { 0 };
    int open = 3;

    (void)state;
    batch_init(&batch);
    pg_begin(session, &(struct transaction_options){ .idle_ms = 60000 }, &err);
    scans[0] = start(session, &query);
    assert_int_equal(STATUS_OK, pg_scan_next(scans[0], &batch, &err));
    rows[0] = batch.rows;
    run("DELETE FROM wire.t WHERE id > 100");
    scans[1] = start(session, &query);
    run("INSERT INTO wire.t SELECT i, 'x', 0 FROM generate_series(50000, 50100) i");
    scans[2] = start(session, &query);
    while (open > 0) {
        open = 0;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(STATUS_OK, pg_scan_next(scans[i], &batch, &err));
            rows[i] += batch.rows;
            open += batch.rows > 0;
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(20000, rows[i]);
        pg_scan_end(scans[i]);
    }
    pg_finish(session);
    assert_int_equal(201, count_rows(session, schema));
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

/* An interrupt cancels, and the session goes on. */
static void interrupt_is_obeyed(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct scan *scan = start_query(session, "SELECT pg_sleep(60)");
    struct error err = { 0 };
    enum status status;
    double begun = now_ms();

    (void)state;
    interrupt_at_ms = begun + 50;
    drain(scan, &status, &err);
    assert_int_equal(STATUS_CANCELLED, status);
    assert_true(now_ms() - begun < 1000);
    error_clear(&err);
    pg_scan_end(scan);
    interrupt_at_ms = 0;
    assert_false(session->broken);
    assert_int_equal(20000, count_rows(session, schema));
    schema_release(schema);
    pg_close(session);
}

/* A scan that is given up leaves nothing running. */
static void ended_scan_is_stopped(void **state) {
    static const char sql[] = "SELECT i, CASE WHEN i > 32 THEN pg_sleep(1) END "
                              "FROM generate_series(1, 100) i";
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct scan *scan = start_query(session, sql);
    struct batch batch;
    struct error err = { 0 };

    (void)state;
    batch_init(&batch);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    assert_int_equal(32, batch.rows);
    pg_scan_end(scan);
    assert_int_equal(20000, count_rows(session, schema));
    assert_left_alone();
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

static void only_reading_is_run(void **state) {
    static const struct {
        const char *sql;
        enum status status;
        const char *words; /* of the error, or the first row */
    } cases[] = {
        { "SELECT 1 AS a, 'x' AS b", STATUS_OK, "{\"a\":1,\"b\":\"x\"}" },
        { "  /* a /* b */ */ -- c\n (VALUES (1));", STATUS_OK, "{\"column1\":1}" },
        { "WITH q AS (SELECT 2 AS n) SELECT * FROM q -- end", STATUS_OK, "{\"n\":2}" },
        { "SHOW TimeZone", STATUS_OK, "{\"TimeZone\":\"UTC\"}" },
        { "EXPLAIN (COSTS OFF) SELECT 1", STATUS_OK, "{\"QUERY PLAN\":\"Result\"}" },
        { "SELECT 1; SELECT 2", STATUS_REMOTE, "syntax error" },
        { "SELECT nothing", STATUS_REMOTE, "column \"nothing\" does not exist" },
        { "COMMIT", STATUS_UNSUPPORTED, "not one that reads" },
        { "SET TimeZone TO CET", STATUS_UNSUPPORTED, "not one that reads" },
        { "DELETE FROM wire.t", STATUS_UNSUPPORTED, "not one that reads" },
        { "WITH d AS (DELETE FROM wire.t RETURNING *) SELECT * FROM d", STATUS_REMOTE, "WITH" },
        { "EXPLAIN ANALYZE DELETE FROM wire.t", STATUS_READONLY, "read-only" },
        { "SELECT 1/0", STATUS_REMOTE, "division by zero" },
    };
    struct session *session = open_session(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = { 0 };
        struct scan *scan = NULL;
        struct batch batch;
        enum status status = pg_query_start(session, cases[i].sql, NULL, 0, &scan, &err);
        const char *got;

        batch_init(&batch);
        if (status == STATUS_OK) {
            status = pg_scan_next(scan, &batch, &err);
        }
        got = status == STATUS_OK ? batch.heap + batch_cell(&batch, 0, 0)->start : err.message;
        if (status != cases[i].status || strstr(got, cases[i].words) == NULL) {
            fail_msg("%s: %s: %s", cases[i].sql, status_name(status), got);
        }
        pg_scan_end(scan);
        batch_clear(&batch);
        error_clear(&err);
    }
    assert_int_equal(20000, ask("SELECT count(*) FROM wire.t"));
    pg_close(session);
}

static void settings_come_back(void **state) {
    struct session *session = open_session(NULL);
    struct scan *scan =
            start_query(session, "SELECT set_config('bytea_output', 'escape', false)");
    struct error err = { 0 };
    struct batch batch;
    enum status status;

    (void)state;
    drain(scan, &status, &err);
    assert_int_equal(STATUS_OK, status);
    pg_scan_end(scan);
    scan = start_query(session, "SHOW bytea_output");
    batch_init(&batch);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    assert_non_null(strstr(batch.heap, "hex"));
    pg_scan_end(scan);
    batch_clear(&batch);
    pg_close(session);
}

static void arguments_travel(void **state) {
    const struct value args[] = { { .kind = VALUE_INTEGER, .integer = 7 },
        { .kind = VALUE_REAL, .real = 0.5 },
        { .kind = VALUE_TEXT, .bytes = "o'clock", .length = 7 },
        { .kind = VALUE_BLOB, .bytes = "\0\1", .length = 2 }, { .kind = VALUE_NULL } };
    struct session *session = open_session(NULL);
    struct scan *scan = NULL;
    struct error err = { 0 };
    struct batch batch;

    (void)state;
    batch_init(&batch);
    assert_int_equal(STATUS_OK,
            pg_query_start(session,
                    "SELECT $1::int + 1 AS i, $2::float8 AS r, $3 AS t, $4 AS b, $5::int AS n",
                    args, 5, &scan, &err));
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    assert_string_equal(
            "{\"i\":8,\"r\":0.5,\"t\":\"o'clock\",\"b\":\"\\\\x0001\",\"n\":null}", batch.heap);
    pg_scan_end(scan);
    batch_clear(&batch);
    pg_close(session);
}

static void statements_are_logged(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct scan *scan;
    struct error err = { 0 };
    enum status status;

    (void)state;
    count_rows(session, schema);
    run("CREATE FUNCTION wire.say() RETURNS int LANGUAGE plpgsql AS "
        "'BEGIN RAISE NOTICE ''hello''; RETURN 1; END'");
    scan = start_query(session, "SELECT wire.say()");
    assert_int_equal(1, drain(scan, &status, &err));
    pg_scan_end(scan);
    scan = start_query(session, "SELECT 1/0");
    drain(scan, &status, &err);
    error_clear(&err);
    pg_scan_end(scan);
    assert_non_null(strstr(logged, "FROM \"wire\".\"t\"|||20000 rows"));
    assert_non_null(strstr(logged, "AS q||NOTICE: hello|1 rows|1 trips"));
    assert_non_null(strstr(logged, "AS q|division by zero||0 rows"));
    assert_null(strstr(logged, "FETCH"));
    schema_release(schema);
    pg_close(session);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_is_read, set_up),
        cmocka_unit_test_setup(few_round_trips, set_up),
        cmocka_unit_test_setup(one_snapshot, set_up),
        cmocka_unit_test_setup(interrupt_is_obeyed, set_up),
        cmocka_unit_test_setup(ended_scan_is_stopped, set_up),
        cmocka_unit_test_setup(only_reading_is_run, set_up),
        cmocka_unit_test_setup(settings_come_back, set_up),
        cmocka_unit_test_setup(arguments_travel, set_up),
        cmocka_unit_test_setup(statements_are_logged, set_up),
    };

    return server_run("postgres_wire", tests, sizeof(tests) / sizeof(tests[0]));
}
