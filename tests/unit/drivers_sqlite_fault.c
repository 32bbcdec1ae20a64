/* The sqlite driver with every allocation failing in turn, SQLite's own included: each call
 * says so or does its whole work, nothing leaks, and a session that failed works again or says
 * that it is broken. */
#include "drivers/sqlite/internal.h"
#include "tests/support/failing_memory.h"

#include <stdlib.h>

enum { ATTEMPTS_MAX = 20000, NAMES_BYTES = 256 };

static const struct option_spec test_options[] = {
    { .name = "readonly", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "statement_timeout_ms", .type = OPTION_INTEGER, .fallback = "0", .max = 1000000 },
    { .name = "share", .type = OPTION_TEXT, .fallback = "fault" },
    { .name = "rowid", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "type", .type = OPTION_TEXT, .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY },
    { .name = NULL },
};
static const struct option_spec *const option_tables[] = { test_options, NULL };

static struct options options;
static struct session *session; /* of the attempts that need one */

/* ---- what is tried ------------------------------------------------------------------- */

static enum status open_session(struct session **out, struct error *err) {
    static const struct host host = { .log_parameters = true };

    return sqlite_driver.open("", &options, &host, out, err);
}

static enum status try_open(struct error *err) {
    struct session *opened = NULL;
    enum status status = open_session(&opened, err);

    check_true("given when it went well", (opened != NULL) == (status == STATUS_OK));
    sqlite_driver.close(opened);
    return status;
}

struct listing {
    char names[NAMES_BYTES];
    struct error *err;
};

static enum status add_schema(void *context, struct schema *schema) {
    struct listing *listing = context;
    size_t used = strlen(listing->names);
    enum status status = sqlite_driver.present(schema, &options, listing->err);

    snprintf(listing->names + used, sizeof(listing->names) - used, "%s(%zu,%zu) ",
            schema->remote_name, schema->column_count, schema->key_count);
    schema_release(schema);
    return status;
}

static enum status try_catalog(struct error *err) {
    static const struct catalog_filter all = { 0 };
    struct listing listing = { .err = err };
    enum status status = sqlite_driver.catalog(session, &all, add_schema, &listing, err);

    if (status == STATUS_OK) {
        check_text("all or not OK", "t(3,3) w(2,1) v(2,0) ", listing.names);
    }
    return status;
}

/* Reads a scan to its end; the rows must be all or it must fail. */
static enum status read_all(struct scan *scan, int64_t wanted, struct error *err) {
    struct batch batch = { 0 };
    int64_t rows = 0;
    enum status status;

    do {
        status = sqlite_driver.scan_next(scan, &batch, err);
        rows += status == STATUS_OK ? batch.rows : 0;
    } while (status == STATUS_OK && batch.rows > 0);
    batch_clear(&batch);
    check_true("all or not OK", rows == wanted || status != STATUS_OK);
    return status;
}

static enum status try_query(struct error *err) {
    struct value args[] = { { .kind = VALUE_TEXT, .bytes = "x", .length = 1 } };
    struct scan *scan = NULL;
    enum status status = sqlite_driver.query_start(
            session, "SELECT a, b, c, ?1 FROM t ORDER BY c", args, 1, &scan, err);

    if (status == STATUS_OK) {
        status = read_all(scan, 500, err);
        sqlite_driver.scan_end(scan);
    }
    return status;
}

static enum status scan_schema(struct schema *schema, struct arena *arena, struct error *err) {
    static const int columns[] = { 0, 1 };
    static const struct condition condition = { 1, OPERATOR_LT, COLLATION_NOCASE };
    static const struct order_term order = { 1, true };
    struct value value = { .kind = VALUE_TEXT, .bytes = "zz", .length = 2 };
    struct query query = { .schema = schema,
        .columns = columns,
        .column_count = 2,
        .predicate_count = 1,
        .order = &order,
        .order_count = 1,
        .limit = -1 };
    struct judgement judgement;
    struct scan *scan = NULL;
    enum status status = sqlite_driver.judge(schema, &condition, &value, 1, arena, &judgement);

    if (status != STATUS_OK) {
        return error_nomem(err);
    }
    query.predicates = &judgement.predicate;
    status = sqlite_driver.scan_start(session, &query, &scan, err);
    if (status == STATUS_OK) {
        status = read_all(scan, 500, err);
        sqlite_driver.scan_end(scan);
    }
    return status;
}

static enum status try_scan(struct error *err) {
    struct schema *schema = NULL;
    struct arena arena = { 0 };
    enum status status = sqlite_driver.describe_query(
            session, "SELECT a, b FROM t WHERE c >= 0", &schema, err);

    if (status == STATUS_OK) {
        status = sqlite_driver.present(schema, &options, err);
    }
    if (status == STATUS_OK) {
        status = scan_schema(schema, &arena, err);
    }
    arena_clear(&arena);
    schema_release(schema);
    return status;
}

/* ---- the loop ------------------------------------------------------------------------ */

/* A new session each time, so that all attempts make the same allocations. */
static bool attempt(const char *label, enum status (*what)(struct error *), int n) {
    struct error err = { 0 };
    enum status status;
    bool failed;

    check_status(label, STATUS_OK, open_session(&session, &err), &err);
    failing_allocation(n);
    status = what(&err);
    failed = failing_allocations_left() == 0;
    check_true(label, status == STATUS_OK || failed);
    check_status(label, status, err.status, &err);
    if (status != STATUS_OK && status != STATUS_LOST) {
        check_status(label, STATUS_NOMEM, status, &err);
    }
    error_clear(&err);
    if (!session->broken) {
        check_status(label, STATUS_OK, what(&err), &err);
    }
    sqlite_driver.close(session);
    session = NULL;
    return failed;
}

static void each_allocation_fails_in_turn(void **state) {
    static const struct {
        const char *label;
        enum status (*what)(struct error *);
    } cases[] = {
        { "open", try_open },
        { "catalog", try_catalog },
        { "query", try_query },
        { "scan", try_scan },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        sqlite3_int64 before = sqlite3_memory_used();
        int n = 1;

        while (attempt(cases[i].label, cases[i].what, n)) {
            check_int(cases[i].label, before, sqlite3_memory_used());
            check_true(cases[i].label, ++n < ATTEMPTS_MAX);
        }
        check_true(cases[i].label, n > 1); /* it did allocate */
        print_message("# %s: %d allocations\n", cases[i].label, n - 1);
    }
}

/* ---- set-up ---------------------------------------------------------------------------- */

static sqlite3 *keeper; /* of the shared database */

static int set_up(void **state) {
    (void)state;
    options_init(&options, option_tables, NULL);
    return sqlite3_open_v2("file:/fault?vfs=memdb", &keeper,
                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI,
                   NULL) != SQLITE_OK ||
           sqlite3_exec(keeper,
                   "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE UNIQUE, c "
                   "\"odd "
                   "type\"); CREATE INDEX i ON t(c) WHERE c > 1;"
                   "CREATE TABLE w(a TEXT, b, PRIMARY KEY(a, b)) WITHOUT ROWID;"
                   "CREATE VIEW v AS SELECT a, b FROM t;"
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                   "500) INSERT INTO t SELECT i, 'some text to carry ' || i, i / 2.0 FROM n",
                   NULL, NULL, NULL) != SQLITE_OK;
}

static int tear_down(void **state) {
    (void)state;
    options_clear(&options);
    return sqlite3_close(keeper) != SQLITE_OK;
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(
            each_allocation_fails_in_turn) };

    failing_memory_install();
    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
