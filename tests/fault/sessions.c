/* Every allocation, and every call of the driver, fails in turn under the functions and tables
 * of vtab/: each says so or does its work, leaves no transaction open and half of nothing,
 * nothing leaks, and the same call on the same connection works once nothing fails. */
#include "tests/fault/failing.h"

/* Behind the first five hundred nearly all allocations are SQLite's own, as it parses what it
 * is given: a sample of them is enough. */
enum {
    ATTEMPTS_ALL = 500,
    ATTEMPTS_STRIDE = 23,
    ATTEMPTS_ALL_SERVER = 20,
    ATTEMPTS_STRIDE_SERVER = 151,
    OUTCOMES_STRIDE_SERVER = 5,
    ATTEMPTS_MAX = 20000,
    CALLS_MAX = 100,
    ANSWER_BYTES = 128,
    SQL_BYTES_MAX = 1024
};

static char url[REMOTE_URL_BYTES];

/* What differs between the remotes. */
static const char *replacement(char mark) {
    switch (mark) {
    case '@':
        return url;
    case '~':
        return remote_is_server() ? "postgres" : "sqlite";
    case '#':
        return remote_is_server() ? "$1" : "?1";
    default:
        return NULL;
    }
}

/* Runs statements; the last row's first column, as text. */
static int run(sqlite3 *db, const char *sql, char *answer) {
    char text[SQL_BYTES_MAX];
    const char *rest = text;
    size_t used = 0;
    int code = SQLITE_OK;

    for (const char *at = sql; *at != '\0' && used + 1 < sizeof(text); at++) {
        const char *with = replacement(*at);

        used += (size_t)snprintf(text + used, sizeof(text) - used, with != NULL ? "%s" : "%.1s",
                with != NULL ? with : at);
    }
    check_true("room", used < sizeof(text));
    text[used] = '\0';
    answer[0] = '\0';
    while (code == SQLITE_OK && *rest != '\0') {
        sqlite3_stmt *stmt = NULL;

        code = sqlite3_prepare_v2(db, rest, -1, &stmt, &rest);
        while (code == SQLITE_OK && stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
            const char *value = (const char *)sqlite3_column_text(stmt, 0);

            snprintf(answer, ANSWER_BYTES, "%s", value != NULL ? value : "");
        }
        if (stmt != NULL) {
            code = sqlite3_finalize(stmt);
        }
    }
    return code;
}

static const struct {
    const char *label, *before, *sql, *want;
    const char *again; /* asked after a failure, to be true; NULL: sql, with the same answer */
    const char *without; /* the answer when a server that fails is left out, and noted */
} cases[] = {
    { "attach", "", "SELECT bridge_attach('@', 'prefix=p_', 'tables=a')", "1" },
    { "attach as", "", "SELECT bridge_attach('@', 'as=x', 'except=b*,c')", "1" },
    { "attach over", "CREATE TABLE a(x); CREATE VIEW v AS SELECT 1",
            "SELECT bridge_attach('@', 'conflict=overlay', 'tables=?')", "3" },
    { "server", "", "SELECT bridge_server('s', '@', 'log=3')", "s" },
    { "ping", "SELECT bridge_server('s', '@')", "SELECT bridge_ping('s') >= 0", "1" },
    { "version", "", "SELECT bridge_version() LIKE '%sqlite%'", "1" },
    { "refresh", "SELECT bridge_attach('@')", "SELECT bridge_refresh()", "0" },
    { "refresh by hand",
            "SELECT bridge_server('s', '@');"
            "CREATE VIRTUAL TABLE t USING ~(server=s, table=a, type.name=TEXT)",
            "SELECT bridge_refresh('s')", "0" },
    { "detach", "SELECT bridge_attach('@', 'name=s')", "SELECT bridge_detach('s')", "4",
            "SELECT (SELECT count(*) FROM sqlite_schema) + "
            "(SELECT count(*) FROM bridge_servers) IN (0, 5)" },
    { "create", "SELECT bridge_server('s', '@')",
            "CREATE VIRTUAL TABLE IF NOT EXISTS t USING ~(server=s, table=a);"
            "SELECT max(name) FROM t",
            "y" },
    { "create a query", "SELECT bridge_server('s', '@')",
            "CREATE VIRTUAL TABLE IF NOT EXISTS t USING ~(server=s, query='SELECT id FROM a');"
            "SELECT sum(id) FROM t",
            "3" },
    { "servers", "SELECT bridge_attach('@')", "SELECT tables FROM bridge_servers", "4" },
    { "tables", "SELECT bridge_server('s', '@')",
            "SELECT count(*) FROM bridge_tables WHERE server = 's'", "4", NULL, "0" },
    { "columns", "SELECT bridge_attach('@')", "SELECT count(*) FROM bridge_columns", "6" },
    { "keys", "SELECT bridge_attach('@')", "SELECT count(*) FROM bridge_keys", "2" },
    { "log", "SELECT bridge_attach('@'); SELECT * FROM a",
            "SELECT count(*) > 0 FROM bridge_log", "1" },
    { "explain", "SELECT bridge_attach('@')",
            "SELECT max(fetched) FROM bridge_explain('SELECT * FROM a WHERE name > ?', 'a')",
            "2" },
    { "plan", "SELECT bridge_attach('@')",
            "SELECT count(*) FROM bridge_plan('SELECT * FROM a JOIN c WHERE a.id = 1')", "4" },
    { "query", "SELECT bridge_server('s', '@')",
            "SELECT n FROM bridge_query('s', 'SELECT * FROM a WHERE id >= #', 1)", "2" },
};

/* What a case came to under a fault: right, or refused as want says and right after that. */
static void check_case(sqlite3 *db, size_t i, int code, const char *answer) {
    const char *label = cases[i].label;
    const char *sql = cases[i].again != NULL ? cases[i].again : cases[i].sql;
    char again[ANSWER_BYTES];

    check_true(label, sqlite3_get_autocommit(db)); /* no transaction of ours stays open */
    if (code == SQLITE_OK) {
        check_text(label, cases[i].want, answer);
        return;
    }
    code = run(db, sql, again);
    check_text(label, "", code == SQLITE_OK ? "" : sqlite3_errmsg(db));
    check_text(label, cases[i].again != NULL ? "1" : cases[i].want, again);
}

/* true: allocation n was not reached. */
static bool allocation_fails(size_t i, int n) {
    sqlite3_int64 before = sqlite3_memory_used();
    const char *label = cases[i].label;
    sqlite3 *db = open_host(label);
    char answer[ANSWER_BYTES];
    int code;
    bool done;

    check_int(label, SQLITE_OK, run(db, cases[i].before, answer));
    failing_allocation(n);
    code = run(db, cases[i].sql, answer);
    done = failing_allocations_left() > 0;
    if (code != SQLITE_OK) {
        check_text(label, sqlite3_errstr(SQLITE_NOMEM), sqlite3_errstr(code));
    }
    check_case(db, i, code, answer);
    check_int(label, SQLITE_OK, sqlite3_close(db));
    check_int(label, before, sqlite3_memory_used());
    return done;
}

static void each_allocation_fails_in_turn(void **state) {
    int all = remote_is_server() ? ATTEMPTS_ALL_SERVER : ATTEMPTS_ALL;
    int stride = remote_is_server() ? ATTEMPTS_STRIDE_SERVER : ATTEMPTS_STRIDE;

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        int n = 1;

        while (case_is_ours(i) && !allocation_fails(i, n)) {
            n += n < all ? 1 : stride;
            check_true(cases[i].label, n < ATTEMPTS_MAX);
        }
        check_true(cases[i].label, n > 1 || !case_is_ours(i)); /* it did allocate */
    }
}

/* true: there are no more than n calls. */
static bool call_fails(size_t i, int n, const struct outcome *outcome) {
    const char *label = cases[i].label;
    sqlite3 *db = open_host(label);
    char answer[ANSWER_BYTES];
    int code;
    bool done;

    check_int(label, SQLITE_OK, run(db, cases[i].before, answer));
    failing_call(n, outcome);
    code = run(db, cases[i].sql, answer);
    done = failing_call_left();
    if (code != SQLITE_OK) {
        check_outcome(outcome, label, db, code);
    }
    if (code == SQLITE_OK && !done && cases[i].without != NULL) {
        check_text(label, cases[i].without, answer);
        check_int(label, SQLITE_OK,
                run(db, "SELECT last_error LIKE '%injected%' FROM bridge_servers", answer));
        check_text(label, "1", answer);
        check_int(label, SQLITE_OK, run(db, cases[i].sql, answer));
    }
    check_case(db, i, code, answer);
    check_int(label, SQLITE_OK, sqlite3_close(db));
    return done;
}

static void each_call_fails_in_turn(void **state) {
    int fewest = CALLS_MAX;

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        int n = 0;

        for (const struct outcome *outcome = outcomes; outcome < outcomes + OUTCOMES;
                outcome += remote_is_server() ? OUTCOMES_STRIDE_SERVER : 1) {
            for (n = 0; case_is_ours(i) && !call_fails(i, n, outcome); n++) {
                check_true(cases[i].label, n < CALLS_MAX);
            }
        }
        fewest = n > 0 && n < fewest ? n : fewest;
    }
    check_true("calls were made", fewest < CALLS_MAX);
}

static int make_remote(void **state) {
    (void)state;
    return remote_make(url, "CREATE TABLE a(id INTEGER PRIMARY KEY, name TEXT);"
                            "INSERT INTO a VALUES (1, 'x'), (2, 'y'); CREATE TABLE b(x);"
                            "CREATE TABLE b2(x); CREATE TABLE c(k TEXT PRIMARY KEY, v)");
}

static int remove_remote(void **state) {
    (void)state;
    return remote_remove(url);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
                each_allocation_fails_in_turn, make_remote, remove_remote),
        cmocka_unit_test_setup_teardown(each_call_fails_in_turn, make_remote, remove_remote),
    };

    failing_memory_install();
    return check_run(tests);
}
