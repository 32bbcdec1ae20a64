/* Statements whose allocations, and whose driver's calls, fail in turn: each gives its whole
 * right answer or an error, leaves no transaction open, and the same statement on the same
 * connection is right again as soon as nothing fails.
 *
 * FAULT_URL is a server that has the tables of `tables` in its search path; without it a SQLite
 * file is made. The driver's calls are wrapped by the linker (see meson.build): the sqlite
 * driver's, which keeps all promises of drivers/driver.h without a network. */
#include "base/sqlite.h"
#include "drivers/sqlite/internal.h"
#include "tests/support/check.h"
#include "vtab/module.h"

#include <stdlib.h>
#include <unistd.h>

/* What the host would call must be the linked functions, not entries of the table. */
#undef sqlite3_config
#undef sqlite3_open

enum {
    ATTEMPTS_ALL = 150,
    ATTEMPTS_STRIDE = 13,
    ATTEMPTS_STRIDE_SERVER = 211,
    ATTEMPTS_MAX = 20000,
    CALLS_ALL = 20,
    CALLS_STRIDE = 331,
    ANSWER_BYTES = 8192
};

static char file[64];
static char attach_sql[512];

static const char tables[] =
        "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, n REAL);"
        "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 1500)"
        "INSERT INTO people SELECT i, 'n' || (i * 7919 % 1500), "
        "CASE i % 4 WHEN 0 THEN 'Oslo' WHEN 1 THEN 'Rome' WHEN 2 THEN 'Bonn' END, i * 0.25 "
        "FROM i;"
        "CREATE TABLE bare(a TEXT, b INTEGER);"
        "INSERT INTO bare SELECT city, id % 5 FROM people WHERE id <= 40;"
        "CREATE TABLE keyed(k TEXT PRIMARY KEY NOT NULL, v INTEGER);"
        "INSERT INTO keyed SELECT 'k' || id, id FROM people WHERE id <= 100;"
        "CREATE TABLE long(id INTEGER PRIMARY KEY, t TEXT);"
        "INSERT INTO long SELECT id, replace(hex(zeroblob(20000)), '0', 'x') FROM people "
        "WHERE id <= 9";

static const struct {
    const char *label, *sql; /* one row, one column */
} cases[] = {
    { "scan", "SELECT group_concat(id || name || coalesce(city, '-') || n) FROM people "
              "WHERE id <= 120" },
    { "several batches", "SELECT count(name) || '/' || sum(id) FROM people" },
    { "conditions",
            "SELECT group_concat(id) FROM people WHERE id BETWEEN 3 AND 600 AND name LIKE "
            "'N1%' AND city IN ('Oslo', 'Rome') AND name GLOB 'n*' AND n IS NOT NULL" },
    { "branches", "SELECT group_concat(id) FROM people WHERE id = 3 OR id = 7 OR name = 'n5'" },
    { "lookups",
            "SELECT group_concat(name) FROM local CROSS JOIN people ON people.id = local.i" },
    { "in a subquery",
            "SELECT group_concat(name) FROM people WHERE id IN (SELECT i FROM local)" },
    { "self-join", "SELECT sum(a.id * b.n) FROM people a JOIN people b ON a.id = b.id + 1 "
                   "WHERE a.id < 12" },
    { "order", "SELECT group_concat(id) FROM (SELECT id FROM people ORDER BY name DESC, id "
               "LIMIT 5)" },
    { "count", "SELECT count(*) FROM people" },
    { "count of some", "SELECT count(*) FROM people WHERE city = 'Bonn'" },
    { "no row", "SELECT count(*) FROM people WHERE id = 'x'" },
    { "union", "SELECT count(*) || '/' || sum(x) FROM (SELECT id AS x FROM people UNION ALL "
               "SELECT v FROM keyed)" },
    { "rows without a number",
            "SELECT count(rowid) || '/' || sum(b) FROM bare WHERE a = 'Oslo' "
            "OR b = 3" },
    { "a text key", "SELECT group_concat(v) FROM keyed WHERE k IN ('k3', 'k4') OR v = 9" },
    { "long texts", "SELECT sum(length(t)) || '/' || max(id) FROM long" },
    { "a left join", "SELECT group_concat(coalesce(v, '-')) FROM local LEFT JOIN keyed "
                     "ON v = local.i * 40" },
    { "a query table", "SELECT sum(x) FROM asked WHERE x > 3" },
};

/* ---- allocations --------------------------------------------------------------------------
 */

static sqlite3_mem_methods real;
static int countdown; /* fails at 1; 0: never */

static bool fails_now(void) {
    return countdown > 0 && --countdown == 0;
}

static void *failing_malloc(int bytes) {
    return fails_now() ? NULL : real.xMalloc(bytes);
}

static void *failing_realloc(void *old, int bytes) {
    return fails_now() ? NULL : real.xRealloc(old, bytes);
}

/* ---- the driver's calls -------------------------------------------------------------------
 */

static int calls_left;       /* that go well; -1: all */
static enum status injected; /* by the one behind them */

static bool call_fails(struct session *session, struct error *err) {
    if (calls_left < 0 || calls_left-- > 0) {
        return false;
    }
    calls_left = -1;
    error_set(err, injected, "injected");
    if (session != NULL && injected == STATUS_LOST) {
        session->broken = true;
    }
    return true;
}

/* The linker's names for what is called instead, and for what was to be called. */
#define REAL(slot)    __asm__("__real_sq_" slot)
#define WRAPPED(slot) __asm__("__wrap_sq_" slot)

typedef enum status each_schema(void *, struct schema *);

enum status real_open(const char *, const struct options *, const struct host *,
        struct session **, struct error *) REAL("open");
enum status real_catalog(struct session *, const struct catalog_filter *, each_schema *, void *,
        struct error *) REAL("catalog");
enum status real_describe_query(struct session *, const char *, struct schema **,
        struct error *) REAL("describe_query");
enum status real_begin(struct session *, int64_t, struct error *) REAL("begin");
enum status real_scan_start(struct session *, const struct query *, struct scan **,
        struct error *) REAL("scan_start");
enum status real_scan_next(struct scan *, struct batch *, struct error *) REAL("scan_next");

enum status wrap_open(const char *, const struct options *, const struct host *,
        struct session **, struct error *) WRAPPED("open");
enum status wrap_catalog(struct session *, const struct catalog_filter *, each_schema *, void *,
        struct error *) WRAPPED("catalog");
enum status wrap_describe_query(struct session *, const char *, struct schema **,
        struct error *) WRAPPED("describe_query");
enum status wrap_begin(struct session *, int64_t, struct error *) WRAPPED("begin");
enum status wrap_scan_start(struct session *, const struct query *, struct scan **,
        struct error *) WRAPPED("scan_start");
enum status wrap_scan_next(struct scan *, struct batch *, struct error *) WRAPPED("scan_next");

enum status wrap_open(const char *connection, const struct options *options,
        const struct host *host, struct session **out, struct error *err) {
    return call_fails(NULL, err) ? injected : real_open(connection, options, host, out, err);
}

enum status wrap_catalog(struct session *session, const struct catalog_filter *filter,
        each_schema *each, void *context, struct error *err) {
    return call_fails(session, err) ? injected
                                    : real_catalog(session, filter, each, context, err);
}

enum status wrap_describe_query(
        struct session *session, const char *sql, struct schema **out, struct error *err) {
    return call_fails(session, err) ? injected : real_describe_query(session, sql, out, err);
}

enum status wrap_begin(struct session *session, int64_t idle_ms, struct error *err) {
    return call_fails(session, err) ? injected : real_begin(session, idle_ms, err);
}

enum status wrap_scan_start(struct session *session, const struct query *query,
        struct scan **out, struct error *err) {
    return call_fails(session, err) ? injected : real_scan_start(session, query, out, err);
}

enum status wrap_scan_next(struct scan *scan, struct batch *batch, struct error *err) {
    return call_fails(scan->session, err) ? injected : real_scan_next(scan, batch, err);
}

/* ---- running ------------------------------------------------------------------------------
 */

static sqlite3 *open_host(void) {
    static const char setup[] =
            "CREATE TABLE local(i); INSERT INTO local VALUES (2), (5), (11), (700), (9999);"
            "CREATE VIRTUAL TABLE asked USING %s(server=s, query='SELECT id + 1 AS x FROM "
            "people "
            "WHERE id < 20')";
    sqlite3 *db = NULL;
    char *message = NULL, sql[512];

    check_int("open", SQLITE_OK, sqlite3_open(":memory:", &db));
    check_int("register", SQLITE_OK, module_register_all(db, &message));
    check_int("attach", SQLITE_OK, sqlite3_exec(db, attach_sql, NULL, NULL, &message));
    snprintf(sql, sizeof(sql), setup, getenv("FAULT_URL") != NULL ? "postgres" : "sqlite");
    check_text("set up", NULL,
            sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK ? NULL : message);
    return db;
}

/* The one value; its absence is "(none)". */
static int run(sqlite3 *db, const char *sql, char *answer) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    snprintf(answer, ANSWER_BYTES, "(none)");
    if (code != SQLITE_OK) {
        return code;
    }
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *value = (const char *)sqlite3_column_text(stmt, 0);

        if (value == NULL && sqlite3_errcode(db) == SQLITE_NOMEM) {
            continue; /* our own question failed; the statement goes on */
        }
        snprintf(answer, ANSWER_BYTES, "%s", value != NULL ? value : "(NULL)");
    }
    code = sqlite3_finalize(stmt);
    return code == SQLITE_OK && strcmp(answer, "(none)") == 0 ? SQLITE_NOMEM : code;
}

static void check_again(sqlite3 *db, const char *label, const char *sql, const char *want) {
    char answer[ANSWER_BYTES];
    int code = run(db, sql, answer);

    check_true(label, sqlite3_get_autocommit(db));
    check_text(label, "", code == SQLITE_OK ? "" : sqlite3_errmsg(db));
    check_text(label, want, answer);
}

static void each_allocation_fails_in_turn(void **state) {
    sqlite3_int64 before = sqlite3_memory_used();
    char want[ANSWER_BYTES], answer[ANSWER_BYTES];
    sqlite3 *db = open_host();
    int stride = getenv("FAULT_URL") != NULL ? ATTEMPTS_STRIDE_SERVER : ATTEMPTS_STRIDE;

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *label = cases[i].label;
        bool done = false;

        check_int(label, SQLITE_OK, run(db, cases[i].sql, want));
        for (int n = 1; !done; n += n < ATTEMPTS_ALL ? 1 : stride) {
            int code;

            check_true(label, n < ATTEMPTS_MAX);
            countdown = n;
            code = run(db, cases[i].sql, answer);
            done = countdown > 0;
            countdown = 0;
            if (code == SQLITE_OK) {
                check_text(label, want, answer);
            } else {
                check_text(label, sqlite3_errstr(SQLITE_NOMEM), sqlite3_errstr(code));
                check_again(db, label, cases[i].sql, want);
            }
        }
    }
    check_int("close", SQLITE_OK, sqlite3_close(db));
    check_int("memory", before, sqlite3_memory_used());
}

static const struct {
    enum status status;
    int code;
} outcomes[] = {
    { STATUS_CANCELLED, SQLITE_INTERRUPT },
    { STATUS_TIMEOUT, SQLITE_BUSY_TIMEOUT },
    { STATUS_UNREACHABLE, SQLITE_CANTOPEN },
    { STATUS_LOST, SQLITE_CANTOPEN },
    { STATUS_RETRY, SQLITE_BUSY },
    { STATUS_CONSTRAINT, SQLITE_CONSTRAINT },
    { STATUS_VALUE, SQLITE_MISMATCH },
    { STATUS_SCHEMA, SQLITE_ERROR },
    { STATUS_DENIED, SQLITE_AUTH },
    { STATUS_READONLY, SQLITE_READONLY },
    { STATUS_UNSUPPORTED, SQLITE_ERROR },
    { STATUS_TOO_BIG, SQLITE_TOOBIG },
    { STATUS_PROTOCOL, SQLITE_CORRUPT_VTAB },
    { STATUS_REMOTE, SQLITE_ERROR },
    { STATUS_USAGE, SQLITE_ERROR },
    { STATUS_NOMEM, SQLITE_NOMEM },
};

static void check_failed(sqlite3 *db, size_t outcome, const char *label, int code) {
    const char *status = status_name(outcomes[outcome].status);
    char named[128];

    snprintf(named, sizeof(named), "%s, %s", label, status);
    check_int(named, outcomes[outcome].code,
            code == SQLITE_OK ? code : sqlite3_extended_errcode(db));
    if (outcomes[outcome].status != STATUS_NOMEM && code != SQLITE_INTERRUPT) {
        check_true(named, strstr(sqlite3_errmsg(db), "injected") != NULL);
    }
}

static void each_call_fails_in_turn(void **state) {
    char want[ANSWER_BYTES], answer[ANSWER_BYTES];
    sqlite3 *db = open_host();

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *label = cases[i].label;

        check_int(label, SQLITE_OK, run(db, cases[i].sql, want));
        for (size_t outcome = 0; outcome < check_count(outcomes); outcome++) {
            bool done = false;

            for (int n = 0; !done; n += n < CALLS_ALL ? 1 : CALLS_STRIDE) {
                int code;

                calls_left = n;
                injected = outcomes[outcome].status;
                code = run(db, cases[i].sql, answer);
                done = calls_left >= 0;
                calls_left = -1;
                if (code == SQLITE_OK) {
                    check_text(label, want, answer);
                } else {
                    check_failed(db, outcome, label, code);
                }
                check_again(db, label, cases[i].sql, want);
            }
        }
    }
    check_int("close", SQLITE_OK, sqlite3_close(db));
}

/* ---- the remote ---------------------------------------------------------------------------
 */

static int make_remote(void **state) {
    const char *url = getenv("FAULT_URL");
    sqlite3 *db = NULL;
    int code, descriptor;

    (void)state;
    if (url != NULL) {
        sqlite3_snprintf(
                sizeof(attach_sql), attach_sql, "SELECT bridge_attach(%Q, 'name=s')", url);
        return 0;
    }
    snprintf(file, sizeof(file), "/tmp/drawbridge-scans-XXXXXX");
    descriptor = mkstemp(file);
    if (descriptor < 0) {
        return -1;
    }
    close(descriptor);
    code = sqlite3_open(file, &db);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db, tables, NULL, NULL, NULL);
    }
    sqlite3_close(db);
    sqlite3_snprintf(sizeof(attach_sql), attach_sql,
            "SELECT bridge_attach('sqlite:%s', 'name=s')", file);
    return code;
}

static int remove_remote(void **state) {
    (void)state;
    return getenv("FAULT_URL") != NULL ? 0 : unlink(file);
}

int main(void) {
    static const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(
                each_allocation_fails_in_turn, make_remote, remove_remote),
        cmocka_unit_test_setup_teardown(each_call_fails_in_turn, make_remote, remove_remote),
    };
    static const struct CMUnitTest server[] = { cmocka_unit_test_setup_teardown(
            each_allocation_fails_in_turn, make_remote, remove_remote) };
    sqlite3_mem_methods failing;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    failing = real;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    calls_left = -1;
    return getenv("FAULT_URL") != NULL ? check_run(server) : check_run(all);
}
