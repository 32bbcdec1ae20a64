/* Every allocation of the postgres driver fails in turn, from the URL to the last row: each
 * call says so or does its work, no row is lost in silence, and nothing leaks. */
#include "tests/contract/server.h"
#include "tests/support/failing_memory.h"

enum { ATTEMPTS_MAX = 2000, ROWS = 200 };

/* What was read; a failure is told by the status alone. */
struct attempt {
    struct session *session;
    struct schema *schema;
    int64_t rows;
};

static enum status try_open(struct attempt *attempt, struct error *err) {
    struct options options;
    char *connection = NULL, *display = NULL;
    enum status status;

    options_init(&options, option_tables, NULL);
    status = pg_parse_url(url, &options, &connection, &display, err);
    if (status == STATUS_OK) {
        status = options_add(&options, "set.wire.tenant=7", err);
    }
    if (status == STATUS_OK) {
        status = pg_open(connection, &options, &(struct host){ .log_parameters = true },
                &attempt->session, err);
    }
    memory_free(connection);
    memory_free(display);
    options_clear(&options);
    return status;
}

static enum status try_present(struct attempt *attempt, struct error *err) {
    struct options options;
    enum status status;

    options_init(&options, option_tables, NULL);
    status = pg_present(attempt->schema, &options, err);
    options_clear(&options);
    return status;
}

static enum status try_catalog(struct attempt *attempt, struct error *err) {
    static const char *const schemas[] = { "wire" };
    struct catalog_filter filter = { schemas, 1, "t" };
    struct found found = { 0 };
    enum status status = pg_catalog(attempt->session, &filter, keep_schema, &found, err);

    attempt->schema = found.schema;
    return status == STATUS_OK ? try_present(attempt, err) : status;
}

static enum status try_describe(struct attempt *attempt, struct error *err) {
    static const char sql[] = "SELECT id, id, name, price FROM wire.t";
    enum status status = pg_describe_query(attempt->session, sql, &attempt->schema, err);

    return status == STATUS_OK ? try_present(attempt, err) : status;
}

static enum status try_rows(struct attempt *attempt, struct scan *scan, struct error *err) {
    struct batch batch;
    enum status status;

    batch_init(&batch);
    do {
        status = pg_scan_next(scan, &batch, err);
        attempt->rows += status == STATUS_OK ? batch.rows : 0;
    } while (status == STATUS_OK && batch.rows > 0);
    batch_clear(&batch);
    return status;
}

static enum status try_scan(struct attempt *attempt, struct error *err) {
    struct query query = all_columns(attempt->schema);
    struct scan *scan = NULL;
    enum status status = pg_scan_start(attempt->session, &query, &scan, err);

    if (status == STATUS_OK) {
        status = try_rows(attempt, scan, err);
    }
    pg_scan_end(scan);
    return status;
}

static enum status try_query(struct attempt *attempt, struct error *err) {
    const struct value args[] = { { .kind = VALUE_TEXT, .bytes = "x", .length = 1 },
        { .kind = VALUE_INTEGER, .integer = ROWS } };
    struct scan *scan = NULL;
    enum status status = pg_query_start(attempt->session,
            "SELECT $1::text FROM generate_series(1, $2::int)", args, 2, &scan, err);

    if (status == STATUS_OK) {
        status = try_rows(attempt, scan, err);
    }
    pg_scan_end(scan);
    return status;
}

static enum status try_show(struct attempt *attempt, struct error *err) {
    struct scan *scan = NULL;
    enum status status = pg_query_start(attempt->session, "SHOW TimeZone", NULL, 0, &scan, err);

    if (status == STATUS_OK) {
        status = try_rows(attempt, scan, err);
    }
    pg_scan_end(scan);
    return status;
}

static const struct {
    const char *name;
    enum status (*steps[3])(struct attempt *, struct error *);
    int64_t rows;
} walks[] = {
    { "a table", { try_open, try_catalog, try_scan }, ROWS },
    { "a query", { try_open, try_describe, try_scan }, ROWS },
    { "the user's own", { try_open, try_query, try_show }, ROWS + 1 },
};

static enum status walk(size_t which, int fail_at, struct error *err) {
    struct attempt attempt = { .rows = 0 };
    enum status status = STATUS_OK;

    failing_allocation(fail_at);
    for (size_t i = 0; i < 3 && status == STATUS_OK; i++) {
        status = walks[which].steps[i](&attempt, err);
    }
    pg_close(attempt.session);
    schema_release(attempt.schema);
    if (status == STATUS_OK && attempt.rows != walks[which].rows) {
        fail_msg("%s, allocation %d: %lld rows without a failure", walks[which].name, fail_at,
                (long long)attempt.rows);
    }
    return status;
}

static void every_allocation_is_answered(void **state) {
    (void)state;
    run("DELETE FROM wire.t WHERE id > 200");
    for (size_t which = 0; which < sizeof(walks) / sizeof(walks[0]); which++) {
        int attempt = 1;
        bool reached = true;

        for (; reached && attempt < ATTEMPTS_MAX; attempt++) {
            struct error err = { 0 };
            enum status status = walk(which, attempt, &err);

            reached = failing_allocations_left() == 0;
            if (reached ? status != STATUS_OK && status != STATUS_NOMEM && status != STATUS_LOST
                        : status != STATUS_OK) {
                fail_msg("%s, allocation %d: %s: %s", walks[which].name, attempt,
                        status_name(status), err.message);
            }
            error_clear(&err);
        }
        print_message("# %s: %d allocations\n", walks[which].name, attempt - 2);
        assert_true(!reached);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_allocation_is_answered, set_up),
    };

    failing_memory_install();
    return server_run("postgres_fault", tests, sizeof(tests) / sizeof(tests[0]));
}
