/* drivers/sqlite/connection.c, guard.c, statements.c and scan.c: files in every state that
 * another program may leave them in, locks, timeouts, and what a stranger's query may not do.
 */
#include "drivers/sqlite/internal.h"
#include "tests/support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct option_spec test_options[] = {
    { .name = "statement_timeout_ms", .type = OPTION_INTEGER, .fallback = "0", .max = 1000000 },
    { .name = "share", .type = OPTION_TEXT },
    { .name = "rowid", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "type", .type = OPTION_TEXT, .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY },
    { .name = NULL },
};
static const struct option_spec *const option_tables[] = { test_options, NULL };

static char directory[] = "/tmp/drawbridge-sqlite-XXXXXX";
static double interrupt_at_ms; /* 0: never */
static char last_sql[512], last_parameters[512];
static int logged;

/* ---- support ----------------------------------------------------------------------- */

static bool interrupted(void *context) {
    (void)context;
    return interrupt_at_ms > 0 && sq_now_ms() >= interrupt_at_ms;
}

static void keep_record(void *context, const struct statement_record *record) {
    (void)context;
    logged++;
    snprintf(last_sql, sizeof(last_sql), "%s", record->sql);
    snprintf(last_parameters, sizeof(last_parameters), "%s",
            record->parameters != NULL ? record->parameters : "");
}

static const char *in_directory(const char *name) {
    static char paths[4][256];
    static int turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static void run(sqlite3 *db, const char *sql) {
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static sqlite3 *make_file(const char *name, const char *sql) {
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(in_directory(name), &db), SQLITE_OK);
    run(db, sql);
    return db;
}

static void copy_file(const char *from, const char *to) {
    char command[1024];

    snprintf(command, sizeof(command), "cp '%s' '%s'", in_directory(from), in_directory(to));
    assert_int_equal(system(command), 0);
}

/* words: options, NULL-ended by the caller's "". */
static enum status open_words(
        const char *place, const char *word, struct session **out, struct error *err) {
    struct host host = {
        .interrupted = interrupted, .logged = keep_record, .log_parameters = true
    };
    struct options options;
    enum status status = STATUS_OK;

    options_init(&options, option_tables, NULL);
    if (word != NULL) {
        status = options_add(&options, word, err);
    }
    if (status == STATUS_OK) {
        status = sqlite_driver.open(place, &options, &host, out, err);
    }
    options_clear(&options);
    return status;
}

static struct session *open_place(const char *place, const char *word) {
    struct session *session = NULL;
    struct error err = { 0 };

    if (open_words(place, word, &session, &err) != STATUS_OK) {
        fail_msg("%s: %s: %s", place, status_name(err.status), err.message);
    }
    return session;
}

/* The first row of a query as JSON in `out`, or the status that came instead. */
static enum status ask(
        struct session *session, const char *sql, char *out, size_t size, struct error *err) {
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    enum status status = sqlite_driver.query_start(session, sql, NULL, 0, &scan, err);

    if (status == STATUS_OK) {
        status = sqlite_driver.scan_next(scan, &batch, err);
    }
    if (status == STATUS_OK) {
        snprintf(out, size, "%s",
                batch.rows > 0 ? batch.heap + batch_cell(&batch, 0, 0)->start : "");
    }
    if (scan != NULL) {
        sqlite_driver.scan_end(scan);
    }
    batch_clear(&batch);
    return status;
}

static void must_answer(struct session *session, const char *sql, const char *json) {
    struct error err = { 0 };
    char out[1024] = "";

    if (ask(session, sql, out, sizeof(out), &err) != STATUS_OK) {
        fail_msg("%s: %s: %s", sql, status_name(err.status), err.message);
    }
    assert_string_equal(out, json);
}

static void must_refuse(struct session *session, const char *sql, enum status wanted) {
    struct error err = { 0 };
    char out[1024] = "";
    enum status status = ask(session, sql, out, sizeof(out), &err);

    if (status != wanted) {
        fail_msg("%s: %s in place of %s: %s", sql, status_name(status), status_name(wanted),
                err.message);
    }
    assert_true(strlen(err.message) > 0);
    error_clear(&err);
}

/* ---- places ------------------------------------------------------------------------ */

static void test_what_cannot_be_opened(void **state) {
    static const struct {
        const char *name, *word, *part;
        enum status status;
    } cases[] = {
        { "missing.db", NULL, "No such file", STATUS_UNREACHABLE },
        { "directory", NULL, "could not open SQLite database", STATUS_UNREACHABLE },
        { "text.db", NULL, "not a database", STATUS_UNREACHABLE },
        { "no/such/place.db", NULL, "No such file", STATUS_UNREACHABLE },
        { "good.db", "share=x", "share", STATUS_USAGE },
    };
    FILE *text = fopen(in_directory("text.db"), "w");

    (void)state;
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database, just text\n", text);
    }
    fclose(text);
    mkdir(in_directory("directory"), 0700);
    sqlite3_close(make_file("good.db", "CREATE TABLE t(a)"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session *session = NULL;
        struct error err = { 0 };
        enum status status =
                open_words(in_directory(cases[i].name), cases[i].word, &session, &err);

        if (status != cases[i].status || strstr(err.message, cases[i].part) == NULL) {
            fail_msg("%s: %s: %s", cases[i].name, status_name(status), err.message);
        }
        assert_null(session);
        error_clear(&err);
    }
    assert_int_equal(access(in_directory("missing.db"), F_OK), -1);
}

static void test_memory(void **state) {
    struct session *one = open_place("", NULL), *two = open_place("", "share=m");
    struct session *three;
    sqlite3 *admin = NULL;

    (void)state;
    assert_int_equal(
            sqlite3_open_v2("file:/m?vfs=memdb", &admin,
                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL),
            SQLITE_OK);
    run(admin, "CREATE TABLE t(a); INSERT INTO t VALUES(7)");
    sqlite3_close(admin);
    three = open_place("", "share=m");
    must_answer(two, "SELECT a FROM t", "{\"a\":7}");
    must_answer(three, "SELECT a FROM t", "{\"a\":7}");
    must_refuse(one, "SELECT a FROM t", STATUS_REMOTE);
    assert_null(sqlite_driver.local_file(one));
    assert_null(sqlite_driver.local_file(two));
    sqlite_driver.close(one);
    sqlite_driver.close(two);
    sqlite_driver.close(three);
    two = open_place("", "share=m"); /* the last session took it along */
    must_refuse(two, "SELECT a FROM t", STATUS_REMOTE);
    sqlite_driver.close(two);
}

static void test_local_file(void **state) {
    struct session *session;
    char expected[256], *real;

    (void)state;
    sqlite3_close(make_file("here.db", "CREATE TABLE t(a)"));
    assert_int_equal(chdir(directory), 0);
    session = open_place("here.db", NULL);
    real = realpath("here.db", NULL);
    snprintf(expected, sizeof(expected), "%s", real);
    free(real);
    assert_string_equal(sqlite_driver.local_file(session), expected);
    sqlite_driver.close(session);
}

/* A write-ahead log: closed and open, with and without its index, as a crash leaves it. */
static void test_write_ahead_logs(void **state) {
    sqlite3 *writer =
            make_file("wal.db", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                                "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    struct session *session;

    (void)state;
    session = open_place(in_directory("wal.db"), NULL);
    must_answer(session, "SELECT count(*) AS n FROM t", "{\"n\":1}");
    run(writer, "INSERT INTO t VALUES(2)");
    must_answer(session, "SELECT count(*) AS n FROM t", "{\"n\":2}");
    copy_file("wal.db", "crashed.db");
    copy_file("wal.db-wal", "crashed.db-wal");
    sqlite_driver.close(session);
    sqlite3_close(writer);
    assert_int_equal(access(in_directory("wal.db-wal"), F_OK), -1);
    session = open_place(in_directory("wal.db"), NULL);
    must_answer(session, "SELECT count(*) AS n FROM t", "{\"n\":2}");
    sqlite_driver.close(session);
    session = open_place(in_directory("crashed.db"), NULL);
    must_answer(session, "SELECT count(*) AS n FROM t", "{\"n\":2}");
    sqlite_driver.close(session);
}

/* A journal that a crashed writer left must be rolled back before a row is read. */
static void test_hot_journals(void **state) {
    sqlite3 *writer = make_file("hot.db",
            "CREATE TABLE t(a); INSERT INTO t VALUES('before'); PRAGMA cache_size = 1;"
            "BEGIN; UPDATE t SET a = 'after';"
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) "
            "INSERT INTO t SELECT zeroblob(2000) FROM c");
    struct session *session;

    (void)state;
    copy_file("hot.db", "left.db");
    copy_file("hot.db-journal", "left.db-journal");
    run(writer, "ROLLBACK");
    sqlite3_close(writer);
    session = open_place(in_directory("left.db"), NULL);
    must_answer(
            session, "SELECT count(*) AS n, max(a) AS a FROM t", "{\"n\":1,\"a\":\"before\"}");
    must_refuse(session, "DELETE FROM t", STATUS_READONLY);
    must_answer(session, "SELECT count(*) AS n FROM t", "{\"n\":1}");
    sqlite_driver.close(session);
}

/* The same, left while the session is open: it is lost, and a new one repairs. */
static void test_a_journal_that_turns_up_later(void **state) {
    struct session *session;
    struct error err = { 0 };
    char out[64];
    enum status status;
    sqlite3 *writer =
            make_file("later.db", "CREATE TABLE t(a); INSERT INTO t VALUES('before')");

    (void)state;
    session = open_place(in_directory("later.db"), NULL);
    must_answer(session, "SELECT a FROM t", "{\"a\":\"before\"}");
    run(writer, "PRAGMA cache_size = 1; BEGIN; UPDATE t SET a = 'after';"
                "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) "
                "INSERT INTO t SELECT zeroblob(2000) FROM c");
    copy_file("later.db", "kept.db");
    copy_file("later.db-journal", "kept.db-journal");
    run(writer, "ROLLBACK");
    sqlite3_close(writer);
    copy_file("kept.db", "later.db");
    copy_file("kept.db-journal", "later.db-journal");
    status = ask(session, "SELECT count(*) AS n, max(a) AS a FROM t", out, sizeof(out), &err);
    if (status == STATUS_OK) {
        assert_string_equal(out, "{\"n\":1,\"a\":\"before\"}");
    } else {
        assert_int_equal(status, STATUS_LOST);
        assert_true(session->broken);
    }
    error_clear(&err);
    sqlite_driver.close(session);
    session = open_place(in_directory("later.db"), NULL);
    must_answer(
            session, "SELECT count(*) AS n, max(a) AS a FROM t", "{\"n\":1,\"a\":\"before\"}");
    sqlite_driver.close(session);
}

/* ---- locks, timeouts, interrupts --------------------------------------------------- */

static const char endless[] = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
                              "SELECT count(*) FROM c";

static void test_locks_and_timeouts(void **state) {
    sqlite3 *writer = make_file("lock.db", "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    struct session *session = open_place(in_directory("lock.db"), "statement_timeout_ms=200");
    double started_ms;

    (void)state;
    run(writer, "BEGIN EXCLUSIVE");
    started_ms = sq_now_ms();
    must_refuse(session, "SELECT a FROM t", STATUS_TIMEOUT);
    assert_true(sq_now_ms() - started_ms >= 150);
    assert_true(sq_now_ms() - started_ms < 2000);
    started_ms = sq_now_ms();
    interrupt_at_ms = started_ms + 50;
    must_refuse(session, "SELECT a FROM t", STATUS_CANCELLED);
    interrupt_at_ms = 0;
    assert_true(sq_now_ms() - started_ms < 50 + 2 * WAIT_SLICE_MS);
    run(writer, "COMMIT");
    must_answer(session, "SELECT a FROM t", "{\"a\":1}");

    started_ms = sq_now_ms();
    must_refuse(session, endless, STATUS_TIMEOUT);
    assert_true(sq_now_ms() - started_ms >= 150);
    assert_true(sq_now_ms() - started_ms < 2000);
    must_answer(session, "SELECT a FROM t", "{\"a\":1}");
    started_ms = sq_now_ms();
    interrupt_at_ms = started_ms + 50;
    must_refuse(session, endless, STATUS_CANCELLED);
    interrupt_at_ms = 0;
    assert_true(sq_now_ms() - started_ms < 50 + 2 * WAIT_SLICE_MS);
    must_answer(session, "SELECT a FROM t", "{\"a\":1}");
    sqlite_driver.close(session);
    sqlite3_close(writer);
}

static void test_an_interrupted_scan_keeps_failing(void **state) {
    struct session *session = open_place("", NULL);
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_int_equal(
            sqlite_driver.query_start(session, endless, NULL, 0, &scan, &err), STATUS_OK);
    interrupt_at_ms = sq_now_ms() + 20;
    assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_CANCELLED);
    interrupt_at_ms = 0;
    error_clear(&err);
    assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_CANCELLED);
    error_clear(&err);
    sqlite_driver.scan_end(scan);
    batch_clear(&batch);
    sqlite_driver.close(session);
}

static void test_a_broken_file(void **state) {
    sqlite3 *db = make_file("broken.db",
            "CREATE TABLE t(a); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
            "WHERE n < 2000) INSERT INTO t SELECT zeroblob(900) FROM c");
    struct session *session = open_place(in_directory("broken.db"), NULL);
    FILE *file = fopen(in_directory("broken.db"), "r+b");

    (void)state;
    sqlite3_close(db);
    for (long page = 20; page < 200; page++) {
        fseek(file, page * 4096, SEEK_SET);
        for (int i = 0; i < 4096; i++) {
            fputc(0xa5, file);
        }
    }
    fclose(file);
    must_refuse(session, "SELECT sum(length(a)) FROM t", STATUS_PROTOCOL);
    must_answer(session, "SELECT 1 AS one", "{\"one\":1}");
    sqlite_driver.close(session);
}

/* ---- what a query may not do ------------------------------------------------------- */

static void test_foreign_statements(void **state) {
    static const struct {
        const char *sql;
        enum status status;
    } cases[] = {
        { "PRAGMA user_version", STATUS_OK },
        { "PRAGMA table_info(t)", STATUS_OK },
        { "SELECT * FROM pragma_table_info('t')", STATUS_OK },
        { "EXPLAIN QUERY PLAN SELECT * FROM t", STATUS_OK },
        { "VALUES(1)", STATUS_OK },
        { "SELECT 1; -- end", STATUS_OK },
        { "PRAGMA case_sensitive_like = 1", STATUS_DENIED },
        { "PRAGMA query_only = 0", STATUS_DENIED },
        { "PRAGMA user_version = 5", STATUS_DENIED },
        { "PRAGMA journal_mode = OFF", STATUS_DENIED },
        { "PRAGMA trusted_schema = 1", STATUS_DENIED },
        { "ATTACH ':memory:' AS x", STATUS_DENIED },
        { "DETACH main", STATUS_DENIED },
        { "BEGIN", STATUS_DENIED },
        { "SAVEPOINT x", STATUS_DENIED },
        { "COMMIT", STATUS_DENIED },
        { "VACUUM", STATUS_READONLY },
        { "INSERT INTO t VALUES(1) RETURNING a", STATUS_READONLY },
        { "CREATE TABLE u(a)", STATUS_READONLY },
        { "CREATE TEMP TABLE u(a)", STATUS_READONLY },
        { "SELECT load_extension('x')", STATUS_REMOTE },
        { "SELECT ?1", STATUS_USAGE },
        { "SELECT 1; SELECT 2", STATUS_USAGE },
        { "  ; ", STATUS_USAGE },
        { "SELEC 1", STATUS_REMOTE },
    };
    sqlite3 *db = make_file("foreign.db", "CREATE TABLE t(a); INSERT INTO t VALUES('A')");
    struct session *session = open_place(in_directory("foreign.db"), NULL);

    (void)state;
    sqlite3_close(db);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = { 0 };
        char out[1024];
        enum status status = ask(session, cases[i].sql, out, sizeof(out), &err);

        if (status != cases[i].status) {
            fail_msg("%s: %s: %s", cases[i].sql, status_name(status), err.message);
        }
        error_clear(&err);
        assert_false(session->broken);
        must_answer(session, "SELECT count(*) AS n FROM t WHERE a LIKE 'a'", "{\"n\":1}");
    }
    sqlite_driver.close(session);
}

static int collate_backwards(
        void *context, int a_length, const void *a, int b_length, const void *b) {
    int order = memcmp(b, a, (size_t)(a_length < b_length ? a_length : b_length));

    (void)context;
    return order != 0 ? order : b_length - a_length;
}

/* Tables can be read whatever their indexes are sorted by; what must be compared cannot be
 * told, and is not guessed. */
static void check_unknown_collations(const char *name, const char *sql) {
    sqlite3 *db = make_file(name, sql);
    struct session *session;

    sqlite3_create_collation(db, "backwards", SQLITE_UTF8, NULL, collate_backwards);
    run(db, "CREATE TABLE w(a TEXT COLLATE backwards PRIMARY KEY) WITHOUT ROWID;"
            "CREATE TABLE t(a TEXT COLLATE backwards); CREATE INDEX i ON t(a);"
            "INSERT INTO w VALUES('a'), ('b'), ('c'); INSERT INTO t SELECT a FROM w");
    sqlite3_close(db);
    session = open_place(in_directory(name), NULL);
    must_answer(session, "SELECT count(*) AS n FROM w", "{\"n\":3}");
    must_answer(session, "SELECT count(*) AS n FROM t", "{\"n\":3}");
    must_answer(session, "SELECT a FROM w WHERE a COLLATE BINARY > 'b'", "{\"a\":\"c\"}");
    must_answer(session, "SELECT max(a COLLATE BINARY) AS a FROM t", "{\"a\":\"c\"}");
    must_refuse(session, "SELECT a FROM w WHERE a = 'b'", STATUS_REMOTE);
    must_refuse(session, "SELECT a FROM t WHERE a > 'b'", STATUS_REMOTE);
    must_refuse(session, "SELECT DISTINCT a || '' COLLATE backwards FROM t", STATUS_REMOTE);
    must_answer(session, "SELECT count(*) AS n FROM w", "{\"n\":3}");
    must_answer(session, "SELECT 'A' = 'a' COLLATE NOCASE AS n", "{\"n\":1}");
    must_answer(session, "SELECT 'b' < 'a' COLLATE RTRIM AS n", "{\"n\":0}");
    sqlite_driver.close(session);
}

static void test_unknown_collations(void **state) {
    (void)state;
    check_unknown_collations("collation8.db", "PRAGMA encoding = 'UTF-8'");
    check_unknown_collations("collation16.db", "PRAGMA encoding = 'UTF-16'");
}

static void like_nothing(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    (void)values;
    sqlite3_result_int(context, 0);
}

static int replace_like(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
    (void)message;
    (void)api;
    return sqlite3_create_function(db, "LIKE", 2, SQLITE_UTF8, NULL, like_nothing, NULL, NULL);
}

static void test_a_replaced_like_is_noticed(void **state) {
    void (*entry)(void) = (void (*)(void))replace_like;
    struct session *session;

    (void)state;
    sqlite3_auto_extension(entry);
    session = open_place("", NULL);
    sqlite3_cancel_auto_extension(entry);
    assert_false(sq_session(session)->like_builtin);
    sqlite_driver.close(session);
    session = open_place("", NULL);
    assert_true(sq_session(session)->like_builtin);
    sqlite_driver.close(session);
}

/* ---- values as JSON, parameters, the log ------------------------------------------- */

static void test_values_as_json(void **state) {
    static const struct {
        const char *sql, *json;
    } cases[] = {
        { "SELECT 9223372036854775807 AS a, -1 AS b", "{\"a\":9223372036854775807,\"b\":-1}" },
        { "SELECT 0.1 AS a, 2.0 AS b, -1e300 AS c", "{\"a\":0.1,\"b\":2.0,\"c\":-1e+300}" },
        { "SELECT 0.1 + 0.2 AS a, -0.0 AS b", "{\"a\":0.30000000000000004,\"b\":0.0}" },
        { "SELECT 9e999 AS a, -9e999 AS b", "{\"a\":9e999,\"b\":-9e999}" },
        { "SELECT NULL AS a, '' AS b, x'' AS c, x'00ff' AS d",
                "{\"a\":null,\"b\":\"\",\"c\":\"\",\"d\":\"00ff\"}" },
        { "SELECT 'a' || char(0) || '\"\\' AS a, 1 AS a",
                "{\"a\":\"a\\u0000\\\"\\\\\",\"a\":1}" },
    };
    struct session *session = open_place("", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        must_answer(session, cases[i].sql, cases[i].json);
    }
    sqlite_driver.close(session);
}

static void test_arguments_and_the_log(void **state) {
    struct value args[] = { { .kind = VALUE_INTEGER, .integer = 5 },
        { .kind = VALUE_TEXT, .bytes = "x\0y", .length = 3 }, { .kind = VALUE_NULL },
        { .kind = VALUE_REAL, .real = 0.5 },
        { .kind = VALUE_BLOB, .bytes = "\1", .length = 1 } };
    struct session *session = open_place("", NULL);
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    struct error err = { 0 };

    (void)state;
    logged = 0;
    assert_int_equal(
            sqlite_driver.query_start(session,
                    "SELECT ?1 AS a, length(CAST(?2 AS BLOB)) AS b, ?3 AS c, ?4 AS d, ?5 AS e",
                    args, 5, &scan, &err),
            STATUS_OK);
    assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_OK);
    assert_string_equal(batch.heap + batch_cell(&batch, 0, 0)->start,
            "{\"a\":5,\"b\":3,\"c\":null,\"d\":0.5,\"e\":\"01\"}");
    sqlite_driver.scan_end(scan);
    assert_int_equal(logged, 1);
    assert_string_equal(last_parameters, "[5,\"x\\u0000y\",null,0.5,\"01\"]");
    assert_non_null(strstr(last_sql, "SELECT ?1 AS a"));
    batch_clear(&batch);
    sqlite_driver.close(session);
}

/* ------------------------------------------------------------------------------------ */

static int set_up(void **state) {
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int tear_down(void **state) {
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r '%s'", directory);
    return system(command) != 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_be_opened),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_local_file),
        cmocka_unit_test(test_write_ahead_logs),
        cmocka_unit_test(test_hot_journals),
        cmocka_unit_test(test_a_journal_that_turns_up_later),
        cmocka_unit_test(test_locks_and_timeouts),
        cmocka_unit_test(test_an_interrupted_scan_keeps_failing),
        cmocka_unit_test(test_a_broken_file),
        cmocka_unit_test(test_foreign_statements),
        cmocka_unit_test(test_unknown_collations),
        cmocka_unit_test(test_a_replaced_like_is_noticed),
        cmocka_unit_test(test_values_as_json),
        cmocka_unit_test(test_arguments_and_the_log),
    };

    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
