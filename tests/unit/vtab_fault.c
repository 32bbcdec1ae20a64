/* Every allocation of the functions and tables of vtab/ fails in turn, the host's own and the
 * remote's among them: each call says so or does its work, nothing leaks, and the same call on
 * the same connection works once there is memory again. */
#include "base/sqlite.h"
#include "tests/support/check.h"
#include "vtab/module.h"

#include <stdlib.h>
#include <unistd.h>

/* What the host would call must be the linked functions, not entries of the table. */
#undef sqlite3_config
#undef sqlite3_open

/* Behind the first five hundred nearly all allocations are SQLite's own, as it parses what it
 * is given: a sample of them is enough. */
enum { ATTEMPTS_ALL = 500, ATTEMPTS_STRIDE = 23, ATTEMPTS_MAX = 20000, SQL_BYTES_MAX = 1024 };

static sqlite3_mem_methods real;
static int countdown; /* fails at 1; 0: never */
static char remote[64] = "/tmp/drawbridge-fault-XXXXXX";

static bool fails_now(void) {
    return countdown > 0 && --countdown == 0;
}

static void *failing_malloc(int bytes) {
    return fails_now() ? NULL : real.xMalloc(bytes);
}

static void *failing_realloc(void *old, int bytes) {
    return fails_now() ? NULL : real.xRealloc(old, bytes);
}

/* Runs statements with "@" for the remote file; the last row's first column, as text. */
static int run(sqlite3 *db, const char *sql, char *answer, size_t bytes) {
    char text[SQL_BYTES_MAX];
    const char *rest = text, *at = strchr(sql, '@');
    int code = SQLITE_OK;

    snprintf(text, sizeof(text), "%.*s%s%s", at != NULL ? (int)(at - sql) : (int)strlen(sql),
            sql, at != NULL ? remote : "", at != NULL ? at + 1 : "");
    answer[0] = '\0';
    while (code == SQLITE_OK && *rest != '\0') {
        sqlite3_stmt *stmt = NULL;

        code = sqlite3_prepare_v2(db, rest, -1, &stmt, &rest);
        while (code == SQLITE_OK && stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
            const char *value = (const char *)sqlite3_column_text(stmt, 0);

            snprintf(answer, bytes, "%s", value != NULL ? value : "");
        }
        if (stmt != NULL) {
            code = sqlite3_finalize(stmt);
        }
    }
    return code;
}

static sqlite3 *open_host(const char *label) {
    sqlite3 *db = NULL;
    char *message = NULL;

    check_int(label, SQLITE_OK, sqlite3_open(":memory:", &db));
    check_int(label, SQLITE_OK, module_register_all(db, &message));
    return db;
}

static const struct {
    const char *label, *before, *sql, *want;
    const char *again; /* asked after a failure, to be true; NULL: sql, with the same answer */
} cases[] = {
    { "attach", "", "SELECT bridge_attach('sqlite:@', 'prefix=p_', 'tables=a')", "1" },
    { "attach as", "", "SELECT bridge_attach('sqlite:@', 'as=x', 'except=b*,c')", "1" },
    { "attach over", "CREATE TABLE a(x); CREATE VIEW v AS SELECT 1",
            "SELECT bridge_attach('sqlite:@', 'conflict=overlay', 'tables=?')", "3" },
    { "server", "", "SELECT bridge_server('s', 'sqlite:@', 'log=3')", "s" },
    { "ping", "SELECT bridge_server('s', 'sqlite:@')", "SELECT bridge_ping('s') >= 0", "1" },
    { "version", "", "SELECT json_extract(bridge_version(), '$.drivers[1]')", "sqlite" },
    { "refresh", "SELECT bridge_attach('sqlite:@')", "SELECT bridge_refresh()", "0" },
    { "refresh by hand",
            "SELECT bridge_server('s', 'sqlite:@');"
            "CREATE VIRTUAL TABLE t USING sqlite(server=s, table=a, type.name=TEXT)",
            "SELECT bridge_refresh('s')", "0" },
    { "detach", "SELECT bridge_attach('sqlite:@', 'name=s')", "SELECT bridge_detach('s')", "4",
            "SELECT (SELECT count(*) FROM sqlite_schema) + (SELECT count(*) FROM "
            "bridge_servers) "
            "IN (0, 5)" },
    { "servers", "SELECT bridge_attach('sqlite:@')", "SELECT tables FROM bridge_servers", "4" },
    { "tables", "SELECT bridge_server('s', 'sqlite:@')",
            "SELECT count(*) FROM bridge_tables WHERE server = 's'", "4" },
    { "columns", "SELECT bridge_attach('sqlite:@')", "SELECT count(*) FROM bridge_columns",
            "6" },
    { "keys", "SELECT bridge_attach('sqlite:@')", "SELECT count(*) FROM bridge_keys", "2" },
    { "log", "SELECT bridge_attach('sqlite:@'); SELECT * FROM a",
            "SELECT count(*) > 0 FROM bridge_log", "1" },
    { "explain", "SELECT bridge_attach('sqlite:@')",
            "SELECT max(fetched) FROM bridge_explain('SELECT * FROM a WHERE name > ?', 'a')",
            "2" },
    { "plan", "SELECT bridge_attach('sqlite:@')",
            "SELECT count(*) FROM bridge_plan('SELECT * FROM a JOIN c WHERE a.id = 1')", "4" },
    { "query", "SELECT bridge_server('s', 'sqlite:@')",
            "SELECT n FROM bridge_query('s', 'SELECT * FROM a WHERE id >= ?1', 1)", "2" },
};

/* One attempt; true: it went well although allocation n failed, or there was none. */
static bool attempt(size_t i, int n) {
    sqlite3_int64 before = sqlite3_memory_used();
    const char *label = cases[i].label;
    const char *again = cases[i].again != NULL ? cases[i].again : cases[i].sql;
    sqlite3 *db = open_host(label);
    char answer[128];
    int code;
    bool done;

    check_int(label, SQLITE_OK, run(db, cases[i].before, answer, sizeof(answer)));
    countdown = n;
    code = run(db, cases[i].sql, answer, sizeof(answer));
    done = countdown > 0;
    countdown = 0;
    check_true(label, sqlite3_get_autocommit(db)); /* no transaction of ours stays open */
    if (code == SQLITE_OK) {
        check_text(label, cases[i].want, answer);
    } else {
        check_text(label, sqlite3_errstr(SQLITE_NOMEM), sqlite3_errstr(code));
        code = run(db, again, answer, sizeof(answer));
        check_text(label, "", code == SQLITE_OK ? "" : sqlite3_errmsg(db));
        check_text(label, cases[i].again != NULL ? "1" : cases[i].want, answer);
    }
    check_int(label, SQLITE_OK, sqlite3_close(db));
    check_int(label, before, sqlite3_memory_used());
    return done;
}

static void each_allocation_fails_in_turn(void **state) {
    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        int n = 1;

        while (!attempt(i, n)) {
            n += n < ATTEMPTS_ALL ? 1 : ATTEMPTS_STRIDE;
            check_true(cases[i].label, n < ATTEMPTS_MAX);
        }
        check_true(cases[i].label, n > 1); /* it did allocate */
    }
}

static int make_remote(void **state) {
    sqlite3 *db = NULL;
    int file = mkstemp(remote);
    int code;

    (void)state;
    if (file < 0) {
        return -1;
    }
    close(file);
    code = sqlite3_open(remote, &db);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db,
                "CREATE TABLE a(id INTEGER PRIMARY KEY, name TEXT);"
                "INSERT INTO a VALUES (1, 'x'), (2, 'y'); CREATE TABLE b(x); CREATE TABLE "
                "b2(x);"
                "CREATE TABLE c(k TEXT PRIMARY KEY, v)",
                NULL, NULL, NULL);
    }
    sqlite3_close(db);
    return code;
}

static int remove_remote(void **state) {
    (void)state;
    return unlink(remote);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(
            each_allocation_fails_in_turn, make_remote, remove_remote) };
    sqlite3_mem_methods failing;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    failing = real;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    return check_run(tests);
}
