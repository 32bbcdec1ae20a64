/* The postgres driver against a real server: what no stand-in shows. POSTGRES_URL names a
 * database in which the user may make tables and end sessions; everything is made in a schema
 * of its own. Without it there is nothing to test, and the run fails. */
#include "drivers/postgres/internal.h"
#include "drivers/registry.h"

#include "tests/support/host.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static PGconn *admin; /* a client of its own, beside the driver's */
static const char *url;
static double interrupt_at_ms; /* 0: never */
static char logged[65536];     /* every record of the session's log, a line each */

static double now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool interrupted(void *context) {
    (void)context;
    return interrupt_at_ms > 0 && now_ms() > interrupt_at_ms;
}

static void keep_record(void *context, const struct statement_record *record) {
    size_t used = strlen(logged);

    (void)context;
    snprintf(logged + used, sizeof(logged) - used, "%s|%s|%s|%lld rows|%lld trips\n",
            record->sql, record->error != NULL ? record->error : "",
            record->notices != NULL ? record->notices : "", (long long)record->rows,
            (long long)record->round_trips);
}

static const struct host test_host = { .interrupted = interrupted, .logged = keep_record };

static void run(const char *sql) {
    PGresult *result = PQexec(admin, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK &&
            PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(admin));
    }
    PQclear(result);
}

static long ask(const char *sql) {
    PGresult *result = PQexec(admin, sql);
    long answer;

    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        fail_msg("%s: %s", sql, PQerrorMessage(admin));
    }
    answer = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return answer;
}

/* Nothing of ours runs. The end of a snapshot is not waited for, so it may take a moment. */
static void assert_left_alone(void) {
    static const char sql[] = "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                              "'drawbridge' AND state <> 'idle'";
    double begun = now_ms();

    while (ask(sql) != 0) {
        assert_true(now_ms() - begun < 500);
        usleep(5000);
    }
}

/* ---- sessions -----------------------------------------------------------------------------
 */

static const struct option_spec *const option_tables[] = { server_options, value_options,
    NULL };

/* Words after the URL are options. */
static enum status open_with(
        const char *where, const char *const *words, struct session **out, struct error *err) {
    char *connection = NULL, *display = NULL;
    struct options options;
    enum status status;

    options_init(&options, option_tables, NULL);
    status = pg_parse_url(where, &options, &connection, &display, err);
    assert_int_equal(STATUS_OK, status);
    assert_null(strstr(display, "canary"));
    for (; words != NULL && *words != NULL; words++) {
        assert_int_equal(STATUS_OK, options_add(&options, *words, err));
    }
    status = pg_open(connection, &options, &test_host, out, err);
    memory_free(connection);
    memory_free(display);
    options_clear(&options);
    return status;
}

static struct session *open_session(const char *const *words) {
    struct session *session = NULL;
    struct error err = { 0 };

    if (open_with(url, words, &session, &err) != STATUS_OK) {
        fail_msg("open: %s", err.message);
    }
    return session;
}

struct found {
    struct schema *schema;
    int count;
};

static enum status keep_schema(void *context, struct schema *schema) {
    struct found *found = context;

    found->count++;
    schema_release(found->schema);
    found->schema = schema;
    return STATUS_OK;
}

static struct schema *describe(struct session *session, const char *table) {
    static const char *const schemas[] = { "wire" };
    struct catalog_filter filter = { schemas, 1, table };
    struct found found = { 0 };
    struct error err = { 0 };
    struct options options;

    if (pg_catalog(session, &filter, keep_schema, &found, &err) != STATUS_OK) {
        fail_msg("catalog: %s", err.message);
    }
    assert_int_equal(1, found.count);
    options_init(&options, option_tables, NULL);
    if (pg_present(found.schema, &options, &err) != STATUS_OK) {
        fail_msg("present: %s", err.message);
    }
    options_clear(&options);
    return found.schema;
}

/* ---- scans --------------------------------------------------------------------------------
 */

static struct query all_columns(const struct schema *schema) {
    static const int columns[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    struct query query = {
        .schema = schema, .columns = columns, .column_count = schema->column_count, .limit = -1
    };

    return query;
}

static struct scan *start(struct session *session, const struct query *query) {
    struct scan *scan = NULL;
    struct error err = { 0 };

    if (pg_scan_start(session, query, &scan, &err) != STATUS_OK) {
        fail_msg("scan_start: %s", err.message);
    }
    return scan;
}

/* Reads to the end or the first failure, which stays in err. */
static int64_t drain(struct scan *scan, enum status *status, struct error *err) {
    struct batch batch;
    int64_t rows = 0;

    batch_init(&batch);
    do {
        *status = pg_scan_next(scan, &batch, err);
        rows += *status == STATUS_OK ? batch.rows : 0;
    } while (*status == STATUS_OK && batch.rows > 0);
    batch_clear(&batch);
    return rows;
}

static int64_t count_rows(struct session *session, const struct schema *schema) {
    struct query query = all_columns(schema);
    struct scan *scan = start(session, &query);
    struct error err = { 0 };
    enum status status;
    int64_t rows = drain(scan, &status, &err);

    if (status != STATUS_OK) {
        fail_msg("scan: %s", err.message);
    }
    pg_scan_end(scan);
    return rows;
}

/* ---- tests --------------------------------------------------------------------------------
 */

static int set_up(void **state) {
    (void)state;
    run("DROP SCHEMA IF EXISTS wire CASCADE");
    run("CREATE SCHEMA wire");
    run("CREATE TABLE wire.t (id int PRIMARY KEY, name text NOT NULL, price numeric(10,2))");
    run("INSERT INTO wire.t SELECT i, 'n' || i, i / 4.0 FROM generate_series(1, 20000) i");
    run("ANALYZE wire.t");
    interrupt_at_ms = 0;
    logged[0] = '\0';
    return 0;
}

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
    pg_begin(session, 60000, &err);
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
    pg_begin(session, 60000, &err);
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

static void backend_is_killed(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct scan *scan = start(session, &query);
    struct batch batch;
    struct error err = { 0 };
    enum status status;

    (void)state;
    batch_init(&batch);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'drawbridge'");
    usleep(50000);
    drain(scan, &status, &err);
    assert_int_equal(STATUS_LOST, status);
    assert_non_null(strstr(err.message, "terminating connection due to administrator command"));
    assert_string_equal("57P01", err.sqlstate);
    assert_true(session->broken);
    error_clear(&err);
    drain(scan, &status, &err); /* and again */
    assert_int_equal(STATUS_LOST, status);
    error_clear(&err);
    pg_scan_end(scan);
    assert_int_equal(STATUS_LOST, pg_scan_start(session, &query, &scan, &err));
    error_clear(&err);
    pg_finish(session);
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

/* The server is stopped in the middle, and the host is interrupted: back within two seconds. */
static void server_is_frozen(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct scan *scan = start(session, &query);
    struct batch batch;
    struct error err = { 0 };
    enum status status;
    pid_t backend = (pid_t)ask("SELECT pid FROM pg_stat_activity "
                               "WHERE application_name = 'drawbridge'");
    double begun;

    (void)state;
    batch_init(&batch);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    if (kill(backend, SIGSTOP) != 0) {
        skip();
    }
    begun = now_ms();
    interrupt_at_ms = begun + 200;
    drain(scan, &status, &err);
    kill(backend, SIGCONT);
    assert_int_equal(STATUS_CANCELLED, status);
    assert_true(now_ms() - begun < 2000);
    assert_true(session->broken);
    error_clear(&err);
    pg_scan_end(scan);
    pg_finish(session);
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

static struct scan *start_query(struct session *session, const char *sql) {
    struct scan *scan = NULL;
    struct error err = { 0 };

    if (pg_query_start(session, sql, NULL, 0, &scan, &err) != STATUS_OK) {
        fail_msg("query_start: %s", err.message);
    }
    return scan;
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

static void timeouts_are_told(void **state) {
    static const char *const words[] = { "statement_timeout_ms=100", NULL };
    struct session *session = open_session(words);
    struct scan *scan = start_query(session, "SELECT pg_sleep(60)");
    struct error err = { 0 };
    enum status status;

    (void)state;
    drain(scan, &status, &err);
    assert_int_equal(STATUS_TIMEOUT, status);
    assert_string_equal("57014", err.sqlstate);
    error_clear(&err);
    pg_scan_end(scan);
    assert_false(session->broken);
    pg_close(session);
}

static void idle_snapshot_ends(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct error err = { 0 };
    struct batch batch;
    struct scan *scan;
    enum status status;

    (void)state;
    batch_init(&batch);
    pg_begin(session, 100, &err);
    scan = start(session, &query);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    usleep(400000);
    drain(scan, &status, &err);
    assert_int_equal(STATUS_LOST, status);
    assert_string_equal("25P03", err.sqlstate);
    error_clear(&err);
    pg_scan_end(scan);
    pg_finish(session);
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

struct change_case {
    const char *sql;
    const char *words;
};

/* DDL behind our back is noticed before a value is shown. */
static void changes_are_noticed(void **state) {
    static const struct change_case cases[] = {
        { "ALTER TABLE wire.t DROP COLUMN price", "price" },
        { "ALTER TABLE wire.t RENAME COLUMN name TO other", "name" },
        { "ALTER TABLE wire.t ALTER COLUMN id TYPE bigint", "\"id\" is of another type" },
        { "ALTER TABLE wire.t ALTER COLUMN price TYPE numeric(12,3)", "\"price\" has another" },
        { "ALTER TABLE wire.t ALTER COLUMN price TYPE text", "price" },
        { "ALTER TABLE wire.t ALTER COLUMN name DROP NOT NULL; UPDATE wire.t SET name = NULL",
                "\"name\" may be NULL now" },
        { "DROP TABLE wire.t", "wire.t" },
        { "DROP SCHEMA wire CASCADE", "wire.t" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session *session;
        struct schema *schema;
        struct query query;
        struct error err = { 0 };
        struct scan *scan;
        enum status status;

        set_up(state);
        session = open_session(NULL);
        schema = describe(session, "t");
        run(cases[i].sql);
        query = all_columns(schema);
        scan = start(session, &query);
        assert_int_equal(0, drain(scan, &status, &err));
        if (status != STATUS_SCHEMA || strstr(err.message, cases[i].words) == NULL) {
            fail_msg("%s: %s: %s", cases[i].sql, status_name(status), err.message);
        }
        error_clear(&err);
        pg_scan_end(scan);
        assert_int_equal(STATUS_OK, pg_ping(session, &(double){ 0 }, &err));
        schema_release(schema);
        pg_close(session);
    }
}

static void denial_is_told(void **state) {
    static const char *const words[] = { "role=wire_reader", NULL };
    static const char *const nobody[] = { "role=wire_nobody", NULL };
    static const char *const pinned[] = { "set.TimeZone=CET", NULL };
    static const char *const setting[] = { "set.wire.tenant=7", NULL };
    struct session *session = NULL;
    struct schema *schema;
    struct query query;
    struct error err = { 0 };
    struct scan *scan;
    enum status status;

    (void)state;
    run("DROP ROLE IF EXISTS wire_reader");
    run("CREATE ROLE wire_reader; GRANT USAGE ON SCHEMA wire TO wire_reader");
    session = open_session(words);
    schema = describe(session, "t");
    assert_false(schema->writable);
    assert_non_null(strstr(schema->why_not, "privilege"));
    query = all_columns(schema);
    scan = start(session, &query);
    drain(scan, &status, &err);
    assert_int_equal(STATUS_DENIED, status);
    assert_string_equal("42501", err.sqlstate);
    assert_non_null(strstr(err.message, "permission denied for table t"));
    assert_non_null(err.statement);
    error_clear(&err);
    pg_scan_end(scan);
    schema_release(schema);
    pg_close(session);
    run("REVOKE ALL ON SCHEMA wire FROM wire_reader; DROP ROLE wire_reader");

    assert_int_equal(STATUS_REMOTE, open_with(url, nobody, &session, &err));
    assert_non_null(strstr(err.message, "role \"wire_nobody\" does not exist"));
    error_clear(&err);
    assert_int_equal(STATUS_USAGE, open_with(url, pinned, &session, &err));
    error_clear(&err);
    session = open_session(setting);
    scan = start_query(session, "SHOW wire.tenant");
    drain(scan, &status, &err);
    assert_int_equal(STATUS_OK, status);
    pg_scan_end(scan);
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

static void queries_are_described(void **state) {
    static const char sql[] =
            "SELECT 1, 2, name COLLATE \"C\" AS c, name, 1.5::numeric(4,1) AS d "
            "FROM wire.t ORDER BY id; ";
    struct session *session = open_session(NULL);
    struct schema *schema = NULL;
    struct error err = { 0 };
    struct options options;

    (void)state;
    if (pg_describe_query(session, sql, &schema, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(5, schema->column_count);
    assert_string_equal("?column?", schema->columns[0].remote_name);
    assert_string_equal("?column?_2", schema->columns[1].remote_name);
    assert_string_equal("numeric(4,1)", schema->columns[4].remote_type);
    assert_int_equal(PG_COLLATION_NONE, pg_column(schema, 0)->collation);
    assert_int_equal(PG_COLLATION_C, pg_column(schema, 2)->collation);
    assert_string_equal("C", schema->columns[2].collation);
    assert_null(schema->columns[3].collation);
    options_init(&options, option_tables, NULL);
    assert_int_equal(STATUS_OK, pg_present(schema, &options, &err));
    options_clear(&options);
    assert_int_equal(20000, count_rows(session, schema));
    schema_release(schema);
    assert_int_equal(STATUS_UNSUPPORTED,
            pg_describe_query(session, "DELETE FROM wire.t", &schema, &err));
    error_clear(&err);
    assert_int_equal(
            STATUS_REMOTE, pg_describe_query(session, "SELECT 1; SELECT 2", &schema, &err));
    error_clear(&err);
    pg_close(session);
}

static void refusals_are_told(void **state) {
    struct session *session = NULL;
    struct error err = { 0 };
    char where[512];

    (void)state;
    assert_int_equal(STATUS_UNREACHABLE,
            open_with("postgresql://u:canary@127.0.0.1:1/d", NULL, &session, &err));
    assert_non_null(strstr(err.message, "Connection refused"));
    error_clear(&err);
    snprintf(where, sizeof(where),
            "host=127.0.0.1 port=%s user=%s password=canary_wrong dbname=%s", PQport(admin),
            PQuser(admin), PQdb(admin));
    assert_int_equal(STATUS_UNREACHABLE, open_with(where, NULL, &session, &err));
    assert_non_null(strstr(err.message, "password authentication failed"));
    assert_null(strstr(err.message, "canary"));
    error_clear(&err);
    snprintf(where, sizeof(where),
            "host=127.0.0.1 port=%s user=%s password=%s dbname=wire_none", PQport(admin),
            PQuser(admin), PQpass(admin));
    assert_int_equal(STATUS_UNREACHABLE, open_with(where, NULL, &session, &err));
    assert_non_null(strstr(err.message, "database \"wire_none\" does not exist"));
    error_clear(&err);
}

static const struct key *find_key(const struct schema *schema, const char *name) {
    for (size_t i = 0; i < schema->key_count; i++) {
        if (strcmp(schema->keys[i].name, name) == 0) {
            return &schema->keys[i];
        }
    }
    fail_msg("no key %s", name);
    return NULL;
}

static void types_are_resolved(void **state) {
    static const struct {
        const char *declared, *printed, *type_sql;
        int typmod;
        enum pg_collation_kind collation;
        bool domain;
        uint32_t element;
    } cases[] = {
        { "int", "integer", "pg_catalog.int4", -1, PG_COLLATION_NONE, false, 0 },
        { "wire.\"Dom\"", "wire.\"Dom\"", "pg_catalog.\"numeric\"", 655366, PG_COLLATION_NONE,
                true, 0 },
        { "wire.dom2", "wire.dom2", "pg_catalog.\"numeric\"", 655366, PG_COLLATION_NONE, true,
                0 },
        { "wire.\"Mood\"[]", "wire.\"Mood\"[]", "wire.\"_Mood\"", -1, PG_COLLATION_NONE, false,
                1 },
        { "wire.\"Mood\"", "wire.\"Mood\"", "wire.\"Mood\"", -1, PG_COLLATION_NONE, false, 0 },
        { "text", "text", "pg_catalog.text", -1, PG_COLLATION_DETERMINISTIC, false, 0 },
        { "text COLLATE \"C\"", "text", "pg_catalog.text", -1, PG_COLLATION_C, false, 0 },
        { "text COLLATE \"POSIX\"", "text", "pg_catalog.text", -1, PG_COLLATION_C, false, 0 },
        { "text COLLATE ucs_basic", "text", "pg_catalog.text", -1, PG_COLLATION_C, false, 0 },
        { "text COLLATE \"en-x-icu\"", "text", "pg_catalog.text", -1,
                PG_COLLATION_DETERMINISTIC, false, 0 },
        { "wire.domc", "wire.domc", "pg_catalog.\"varchar\"", 14, PG_COLLATION_C, true, 0 },
        { "text COLLATE wire.nd", "text", "pg_catalog.text", -1, PG_COLLATION_NONDETERMINISTIC,
                false, 0 },
        { "name", "name", "pg_catalog.name", -1, PG_COLLATION_C, false, 0 },
        { "\"char\"", "\"char\"", "pg_catalog.\"char\"", -1, PG_COLLATION_NONE, false, 0 },
        { "point", "point", "pg_catalog.point", -1, PG_COLLATION_NONE, false, 0 },
        { "int2vector", "int2vector", "pg_catalog.int2vector", -1, PG_COLLATION_NONE, false,
                21 },
    };
    struct session *session = open_session(NULL);

    (void)state;
    run("CREATE DOMAIN wire.\"Dom\" AS numeric(10,2); CREATE DOMAIN wire.dom2 AS wire.\"Dom\"; "
        "CREATE TYPE wire.\"Mood\" AS ENUM ('a'); CREATE DOMAIN wire.domc AS varchar(10) "
        "COLLATE \"C\";"
        "CREATE COLLATION wire.nd (provider = icu, locale = 'und', deterministic = false)");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct pg_column *type;
        struct schema *schema;
        char sql[256];

        snprintf(sql, sizeof(sql),
                "DROP TABLE IF EXISTS wire.one; CREATE TABLE wire.one (a %s)",
                cases[i].declared);
        run(sql);
        schema = describe(session, "one");
        type = pg_column(schema, 0);
        if (strcmp(schema->columns[0].remote_type, cases[i].printed) != 0 ||
                strcmp(type->type_sql, cases[i].type_sql) != 0 ||
                type->typmod != cases[i].typmod || type->collation != cases[i].collation ||
                type->domain != cases[i].domain ||
                (type->element_oid != 0) != (cases[i].element != 0)) {
            fail_msg("%s: %s %s %d collation %d", cases[i].declared,
                    schema->columns[0].remote_type, type->type_sql, type->typmod,
                    (int)type->collation);
        }
        schema_release(schema);
    }
    pg_close(session);
}

static void relations_are_described(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema;
    const struct key *key;

    (void)state;
    run("CREATE TABLE wire.ref (a int, b text, PRIMARY KEY (b, a));"
        "CREATE TABLE wire.k (gone int, id int GENERATED ALWAYS AS IDENTITY, "
        "x int DEFAULT 7 CHECK (x > 0), y text NOT NULL, z int GENERATED ALWAYS AS (x * 2) "
        "STORED, "
        "CONSTRAINT k_pk PRIMARY KEY (id), CONSTRAINT k_u UNIQUE (y, x) DEFERRABLE);"
        "ALTER TABLE wire.k ADD CONSTRAINT k_fk FOREIGN KEY (y, x) REFERENCES wire.ref (b, a) "
        "NOT VALID;"
        "ALTER TABLE wire.k DROP COLUMN gone; CREATE UNIQUE INDEX k_part ON wire.k (x) WHERE x "
        "> 1;"
        "CREATE UNIQUE INDEX k_expr ON wire.k (lower(y), x); CREATE INDEX k_inc ON wire.k (x) "
        "INCLUDE (y); COMMENT ON TABLE wire.k IS 'table''s'; COMMENT ON COLUMN wire.k.y IS "
        "'c'");
    schema = describe(session, "k");
    assert_int_equal(4, schema->column_count);
    assert_int_equal(7, schema->key_count);
    assert_string_equal("table's", schema->comment);
    assert_string_equal("c", schema->columns[2].comment);
    assert_int_equal('a', schema->columns[0].identity);
    assert_string_equal("7", schema->columns[1].default_sql);
    assert_int_equal('s', schema->columns[3].generated);
    assert_true(schema->writable);
    key = find_key(schema, "k_pk");
    assert_true(key->kind == KEY_PRIMARY && key->valid && key->immediate && !key->partial &&
                key->column_count == 1 && key->columns[0] == 0);
    assert_string_equal("PRIMARY KEY (id)", key->definition);
    key = find_key(schema, "k_u");
    assert_true(key->kind == KEY_UNIQUE && !key->immediate && key->column_count == 2 &&
                key->columns[0] == 2 && key->columns[1] == 1);
    assert_true(find_key(schema, "k_part")->partial && find_key(schema, "k_expr")->partial);
    key = find_key(schema, "k_fk");
    assert_true(key->kind == KEY_FOREIGN && !key->valid);
    assert_string_equal("wire.ref", key->ref_table);
    assert_string_equal("b,a", key->ref_columns);
    assert_int_equal(1, find_key(schema, "k_inc")->column_count);
    assert_int_equal(KEY_CHECK, find_key(schema, "k_x_check")->kind);
    schema_release(schema);

    run("CREATE VIEW wire.v AS SELECT * FROM wire.t; CREATE VIEW wire.v2 AS SELECT count(*) "
        "FROM wire.t;"
        "CREATE MATERIALIZED VIEW wire.m AS SELECT 1 AS a; CREATE TABLE wire.zero ();"
        "CREATE TABLE wire.part (a int NOT NULL) PARTITION BY LIST (a);"
        "CREATE TABLE wire.part_none (a int) PARTITION BY LIST (a);"
        "CREATE TABLE wire.part1 PARTITION OF wire.part FOR VALUES IN (1);"
        "CREATE TABLE wire.part2 PARTITION OF wire.part FOR VALUES IN (2) PARTITION BY LIST "
        "(a);"
        "CREATE TABLE wire.part3 PARTITION OF wire.part2 DEFAULT;"
        "CREATE TABLE wire.parent (id int PRIMARY KEY); CREATE TABLE wire.child () INHERITS "
        "(wire.parent);"
        "CREATE TABLE wire.\"Odd \"\"x.y\\z\" (\"Ä b\" int, \"select\" int)");
    schema = describe(session, "v");
    assert_true(schema->kind == RELATION_VIEW && schema->writable && schema->rows_estimate < 0);
    schema_release(schema);
    schema = describe(session, "v2");
    assert_true(!schema->writable && strstr(schema->why_not, "view") != NULL);
    schema_release(schema);
    schema = describe(session, "m");
    assert_true(schema->kind == RELATION_MATERIALIZED_VIEW && !schema->writable);
    schema_release(schema);
    schema = describe(session, "zero");
    assert_int_equal(0, schema->column_count);
    schema_release(schema);
    schema = describe(session, "part");
    assert_true(
            schema->kind == RELATION_PARTITIONED_TABLE && schema->columns[0].remote_not_null);
    assert_int_equal(2, pg_relation(schema)->leaf_count);
    assert_true(pg_relation(schema)->leaf_oids[0] < pg_relation(schema)->leaf_oids[1]);
    schema_release(schema);
    schema = describe(session, "part_none");
    assert_int_equal(1, pg_relation(schema)->leaf_count);
    schema_release(schema);
    schema = describe(session, "parent");
    assert_int_equal(2, pg_relation(schema)->leaf_count);
    assert_false(schema->keys[0].valid);
    assert_false(schema->columns[0].remote_not_null);
    schema_release(schema);
    schema = describe(session, "Odd \"x.y\\z");
    assert_string_equal("\303\204 b", schema->columns[0].remote_name);
    assert_int_equal(0, count_rows(session, schema));
    schema_release(schema);
    pg_close(session);
}

/* A name that the server would cut must not find the table it was cut to; no name, no table. */
static void names_are_exact(void **state) {
    static const char *const schemas[] = { "wire", "no such", "quo\"te\\" };
    static const char long_name[] =
            "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg";
    struct catalog_filter filter = { schemas, 3, "T" };
    struct session *session = open_session(NULL);
    struct found found = { 0 };
    struct error err = { 0 };
    char name[128];

    (void)state;
    snprintf(name, sizeof(name), "CREATE TABLE wire.%s (a int)", long_name);
    run(name);
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    snprintf(name, sizeof(name), "%sx", long_name);
    filter.table = name;
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(0, found.count);
    filter.table = long_name;
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(1, found.count);
    /* The search path by default. */
    run("CREATE TABLE IF NOT EXISTS public.wire_public (a int)");
    filter = (struct catalog_filter){ .table = "wire_public" };
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(2, found.count);
    filter.table = "pg_class";
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(2, found.count);
    run("DROP TABLE public.wire_public");
    schema_release(found.schema);
    pg_close(session);
}

/* A thousand tables of ten columns come in one round trip and well under a second. */
static void many_tables(void **state) {
    static const char *const schemas[] = { "wire" };
    struct catalog_filter filter = { schemas, 1, NULL };
    struct session *session = open_session(NULL);
    int64_t trips = session->counts.round_trips;
    struct found found = { 0 };
    struct error err = { 0 };
    double begun;

    (void)state;
    run("DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE wire.m%s (id int "
        "PRIMARY "
        "KEY, a int, b text NOT NULL, c numeric(10,2), d timestamptz DEFAULT now(), e uuid, "
        "f jsonb, g bytea, h date, i boolean, UNIQUE (b))', i); END LOOP; END $$");
    begun = now_ms();
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    print_message("# 1001 tables in %.0f ms\n", now_ms() - begun);
    assert_int_equal(1001, found.count);
    assert_int_equal(trips + 1, session->counts.round_trips);
    assert_true(now_ms() - begun < 2000);
    schema_release(found.schema);
    pg_close(session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_is_read, set_up),
        cmocka_unit_test_setup(few_round_trips, set_up),
        cmocka_unit_test_setup(one_snapshot, set_up),
        cmocka_unit_test_setup(backend_is_killed, set_up),
        cmocka_unit_test_setup(server_is_frozen, set_up),
        cmocka_unit_test_setup(interrupt_is_obeyed, set_up),
        cmocka_unit_test_setup(ended_scan_is_stopped, set_up),
        cmocka_unit_test_setup(timeouts_are_told, set_up),
        cmocka_unit_test_setup(idle_snapshot_ends, set_up),
        cmocka_unit_test_setup(changes_are_noticed, set_up),
        cmocka_unit_test_setup(denial_is_told, set_up),
        cmocka_unit_test_setup(only_reading_is_run, set_up),
        cmocka_unit_test_setup(settings_come_back, set_up),
        cmocka_unit_test_setup(arguments_travel, set_up),
        cmocka_unit_test_setup(queries_are_described, set_up),
        cmocka_unit_test_setup(refusals_are_told, set_up),
        cmocka_unit_test_setup(types_are_resolved, set_up),
        cmocka_unit_test_setup(relations_are_described, set_up),
        cmocka_unit_test_setup(names_are_exact, set_up),
        cmocka_unit_test_setup(many_tables, set_up),
    };
    int failed;

    url = getenv("POSTGRES_URL");
    if (url == NULL || host_start() != 0) {
        fprintf(stderr, "POSTGRES_URL is not set\n");
        return 2;
    }
    admin = PQconnectdb(url);
    if (PQstatus(admin) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(admin));
        return 2;
    }
    PQclear(PQexec(admin, "SET client_min_messages = warning"));
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQclear(PQexec(admin, "DROP SCHEMA IF EXISTS wire CASCADE"));
    PQfinish(admin);
    return failed;
}
