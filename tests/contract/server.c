/* See server.h. */
#include "tests/contract/server.h"

#include "tests/support/host.h"

#include <time.h>
#include <unistd.h>

PGconn *admin;
const char *url;
double interrupt_at_ms;
char logged[LOGGED_BYTES];

double now_ms(void) {
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
    snprintf(logged + used, LOGGED_BYTES - used, "%s|%s|%s|%lld rows|%lld trips\n", record->sql,
            record->error != NULL ? record->error : "",
            record->notices != NULL ? record->notices : "", (long long)record->rows,
            (long long)record->round_trips);
}

static const struct host test_host = { .interrupted = interrupted, .logged = keep_record };

void run(const char *sql) {
    PGresult *result = PQexec(admin, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK &&
            PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(admin));
    }
    PQclear(result);
}

long ask(const char *sql) {
    PGresult *result = PQexec(admin, sql);
    long answer;

    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        fail_msg("%s: %s", sql, PQerrorMessage(admin));
    }
    answer = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return answer;
}

void assert_left_alone(void) {
    static const char sql[] = "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                              "'drawbridge wire' AND state <> 'idle'";
    double begun = now_ms();

    while (ask(sql) != 0) {
        assert_true(now_ms() - begun < 500);
        usleep(5000);
    }
}

/* ---- sessions -----------------------------------------------------------------------------
 */

const struct option_spec *const option_tables[] = { server_options, postgres_server_options,
    value_options, NULL };

enum status open_with(
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

struct session *open_session(const char *const *words) {
    struct session *session = NULL;
    struct error err = { 0 };

    if (open_with(url, words, &session, &err) != STATUS_OK) {
        fail_msg("open: %s", err.message);
    }
    return session;
}

enum status keep_schema(void *context, struct schema *schema) {
    struct found *found = context;

    found->count++;
    schema_release(found->schema);
    found->schema = schema;
    return STATUS_OK;
}

struct schema *describe(struct session *session, const char *table) {
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

struct query all_columns(const struct schema *schema) {
    static const int columns[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    struct query query = {
        .schema = schema, .columns = columns, .column_count = schema->column_count, .limit = -1
    };

    return query;
}

struct scan *start(struct session *session, const struct query *query) {
    struct scan *scan = NULL;
    struct error err = { 0 };

    if (pg_scan_start(session, query, &scan, &err) != STATUS_OK) {
        fail_msg("scan_start: %s", err.message);
    }
    return scan;
}

int64_t drain(struct scan *scan, enum status *status, struct error *err) {
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

int64_t count_rows(struct session *session, const struct schema *schema) {
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

struct scan *start_query(struct session *session, const char *sql) {
    struct scan *scan = NULL;
    struct error err = { 0 };

    if (pg_query_start(session, sql, NULL, 0, &scan, &err) != STATUS_OK) {
        fail_msg("query_start: %s", err.message);
    }
    return scan;
}

int set_up(void **state) {
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

int server_run(const char *name, const struct CMUnitTest *tests, size_t count) {
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
    setenv("PGAPPNAME", "drawbridge wire", 1); /* other sessions are not to be ended */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    PQclear(PQexec(admin, "DROP SCHEMA IF EXISTS wire CASCADE"));
    PQfinish(admin);
    return failed;
}
