/* Statements whose allocations, and whose driver's calls, fail in turn: each gives its whole
 * right answer or an error, leaves no transaction open, and the same statement on the same
 * connection is right again as soon as nothing fails. */
#include "tests/fault/failing.h"

enum {
    ATTEMPTS_ALL = 150,
    ATTEMPTS_ALL_SERVER = 30,
    ATTEMPTS_STRIDE = 13,
    ATTEMPTS_STRIDE_SERVER = 211,
    OUTCOMES_STRIDE_SERVER = 5,
    ATTEMPTS_MAX = 20000,
    CALLS_ALL = 20,
    CALLS_ALL_SERVER = 6,
    CALLS_STRIDE = 331,
    ANSWER_BYTES = 8192
};

static char url[REMOTE_URL_BYTES];

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

static sqlite3 *open_attached(void) {
    static const char setup[] =
            "CREATE TABLE local(i); INSERT INTO local VALUES (2), (5), (11), (700), (9999);"
            "SELECT bridge_attach(%Q, 'name=s');"
            "CREATE VIRTUAL TABLE asked USING %s(server=s, "
            "query='SELECT id + 1 AS x FROM people WHERE id < 20')";
    sqlite3 *db = open_host("open");
    char *sql = sqlite3_mprintf(setup, url, remote_is_server() ? "postgres" : "sqlite");
    char *message = NULL;

    check_text("set up", NULL,
            sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK ? NULL : message);
    sqlite3_free(sql);
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
    while (sqlite3_step(stmt) == SQLITE_ROW) {
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
    sqlite3 *db = open_attached();
    int all = remote_is_server() ? ATTEMPTS_ALL_SERVER : ATTEMPTS_ALL;
    int stride = remote_is_server() ? ATTEMPTS_STRIDE_SERVER : ATTEMPTS_STRIDE;

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *label = cases[i].label;
        bool done = false;

        if (!case_is_ours(i)) {
            continue;
        }
        check_int(label, SQLITE_OK, run(db, cases[i].sql, want));
        for (int n = 1; !done; n += n < all ? 1 : stride) {
            int code;

            check_true(label, n < ATTEMPTS_MAX);
            failing_allocation(n);
            code = run(db, cases[i].sql, answer);
            done = failing_allocations_left() > 0;
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

static void each_call_fails_in_turn(void **state) {
    int calls_all = remote_is_server() ? CALLS_ALL_SERVER : CALLS_ALL;
    char want[ANSWER_BYTES], answer[ANSWER_BYTES];
    sqlite3 *db = open_attached();

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *label = cases[i].label;

        if (!case_is_ours(i)) {
            continue;
        }
        check_int(label, SQLITE_OK, run(db, cases[i].sql, want));
        for (const struct outcome *outcome = outcomes; outcome < outcomes + OUTCOMES;
                outcome += remote_is_server() ? OUTCOMES_STRIDE_SERVER : 1) {
            bool done = false;

            for (int n = 0; !done; n += n < calls_all ? 1 : CALLS_STRIDE) {
                int code;

                failing_call(n, outcome);
                code = run(db, cases[i].sql, answer);
                done = failing_call_left();
                if (code == SQLITE_OK) {
                    check_text(label, want, answer);
                } else {
                    check_outcome(outcome, label, db, code);
                }
                check_again(db, label, cases[i].sql, want);
            }
        }
    }
    check_int("close", SQLITE_OK, sqlite3_close(db));
}

static int make_remote(void **state) {
    (void)state;
    return remote_make(url, tables);
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
