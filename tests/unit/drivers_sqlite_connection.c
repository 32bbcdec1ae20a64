/* drivers/sqlite/connection.c and guard.c: files in every state that another program may leave
 * them in, locks, timeouts and interrupts. */
#include "tests/support/host.h"
#include "tests/support/sqlite_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

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
    FILE *text = fopen(place_path("text.db"), "w");

    (void)state;
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database, just text\n", text);
    }
    fclose(text);
    mkdir(place_path("directory"), 0700);
    sqlite3_close(place_make("good.db", "CREATE TABLE t(a)"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session *session = NULL;
        struct error err = { 0 };
        enum status status =
                place_try(place_path(cases[i].name), cases[i].word, &session, &err);

        if (status != cases[i].status || strstr(err.message, cases[i].part) == NULL) {
            fail_msg("%s: %s: %s", cases[i].name, status_name(status), err.message);
        }
        assert_null(session);
        error_clear(&err);
    }
    assert_int_equal(access(place_path("missing.db"), F_OK), -1);
}

static void test_memory(void **state) {
    struct session *one = place_open("", NULL), *two = place_open("", "share=m");
    struct session *three;
    sqlite3 *admin = NULL;

    (void)state;
    assert_int_equal(
            sqlite3_open_v2("file:/m?vfs=memdb", &admin,
                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL),
            SQLITE_OK);
    place_run(admin, "CREATE TABLE t(a); INSERT INTO t VALUES(7)");
    sqlite3_close(admin);
    three = place_open("", "share=m");
    place_answers(two, "SELECT a FROM t", "{\"a\":7}");
    place_answers(three, "SELECT a FROM t", "{\"a\":7}");
    place_refuses(one, "SELECT a FROM t", STATUS_REMOTE);
    assert_null(sqlite_driver.local_file(one));
    assert_null(sqlite_driver.local_file(two));
    sqlite_driver.close(one);
    sqlite_driver.close(two);
    sqlite_driver.close(three);
    two = place_open("", "share=m"); /* the last session took it along */
    place_refuses(two, "SELECT a FROM t", STATUS_REMOTE);
    sqlite_driver.close(two);
}

static void test_local_file(void **state) {
    struct session *session;
    char expected[256], *real;

    (void)state;
    sqlite3_close(place_make("here.db", "CREATE TABLE t(a)"));
    assert_int_equal(chdir(place_path(".")), 0);
    session = place_open("here.db", NULL);
    real = realpath("here.db", NULL);
    snprintf(expected, sizeof(expected), "%s", real);
    free(real);
    assert_string_equal(sqlite_driver.local_file(session), expected);
    sqlite_driver.close(session);
}

/* A write-ahead log: closed and open, with and without its index, as a crash leaves it. */
static void test_write_ahead_logs(void **state) {
    sqlite3 *writer =
            place_make("wal.db", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                                 "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    struct session *session;

    (void)state;
    session = place_open(place_path("wal.db"), NULL);
    place_answers(session, "SELECT count(*) AS n FROM t", "{\"n\":1}");
    place_run(writer, "INSERT INTO t VALUES(2)");
    place_answers(session, "SELECT count(*) AS n FROM t", "{\"n\":2}");
    place_copy("wal.db", "crashed.db");
    place_copy("wal.db-wal", "crashed.db-wal");
    sqlite_driver.close(session);
    sqlite3_close(writer);
    assert_int_equal(access(place_path("wal.db-wal"), F_OK), -1);
    session = place_open(place_path("wal.db"), NULL);
    place_answers(session, "SELECT count(*) AS n FROM t", "{\"n\":2}");
    sqlite_driver.close(session);
    session = place_open(place_path("crashed.db"), NULL);
    place_answers(session, "SELECT count(*) AS n FROM t", "{\"n\":2}");
    sqlite_driver.close(session);
}

/* A journal that a crashed writer left must be rolled back before a row is read. */
static void test_hot_journals(void **state) {
    sqlite3 *writer = place_make("hot.db",
            "CREATE TABLE t(a); INSERT INTO t VALUES('before'); PRAGMA cache_size = 1;"
            "BEGIN; UPDATE t SET a = 'after';"
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) "
            "INSERT INTO t SELECT zeroblob(2000) FROM c");
    struct session *session;

    (void)state;
    place_copy("hot.db", "left.db");
    place_copy("hot.db-journal", "left.db-journal");
    place_run(writer, "ROLLBACK");
    sqlite3_close(writer);
    session = place_open(place_path("left.db"), NULL);
    place_answers(
            session, "SELECT count(*) AS n, max(a) AS a FROM t", "{\"n\":1,\"a\":\"before\"}");
    place_refuses(session, "DELETE FROM t", STATUS_READONLY);
    place_answers(session, "SELECT count(*) AS n FROM t", "{\"n\":1}");
    sqlite_driver.close(session);
}

/* The same, left while the session is open: it is lost, and a new one repairs. */
static void test_a_journal_that_turns_up_later(void **state) {
    struct session *session;
    struct error err = { 0 };
    char out[64];
    enum status status;
    sqlite3 *writer =
            place_make("later.db", "CREATE TABLE t(a); INSERT INTO t VALUES('before')");

    (void)state;
    session = place_open(place_path("later.db"), NULL);
    place_answers(session, "SELECT a FROM t", "{\"a\":\"before\"}");
    place_run(writer,
            "PRAGMA cache_size = 1; BEGIN; UPDATE t SET a = 'after';"
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500) "
            "INSERT INTO t SELECT zeroblob(2000) FROM c");
    place_copy("later.db", "kept.db");
    place_copy("later.db-journal", "kept.db-journal");
    place_run(writer, "ROLLBACK");
    sqlite3_close(writer);
    place_copy("kept.db", "later.db");
    place_copy("kept.db-journal", "later.db-journal");
    status = place_ask(
            session, "SELECT count(*) AS n, max(a) AS a FROM t", out, sizeof(out), &err);
    if (status == STATUS_OK) {
        assert_string_equal(out, "{\"n\":1,\"a\":\"before\"}");
    } else {
        assert_int_equal(status, STATUS_LOST);
        assert_true(session->broken);
    }
    error_clear(&err);
    sqlite_driver.close(session);
    session = place_open(place_path("later.db"), NULL);
    place_answers(
            session, "SELECT count(*) AS n, max(a) AS a FROM t", "{\"n\":1,\"a\":\"before\"}");
    sqlite_driver.close(session);
}

/* ---- locks, timeouts, interrupts --------------------------------------------------- */

static const char endless[] = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
                              "SELECT count(*) FROM c";

static void test_locks_and_timeouts(void **state) {
    sqlite3 *writer = place_make("lock.db", "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    struct session *session = place_open(place_path("lock.db"), "statement_timeout_ms=200");
    double started_ms;

    (void)state;
    place_run(writer, "BEGIN EXCLUSIVE");
    started_ms = sq_now_ms();
    place_refuses(session, "SELECT a FROM t", STATUS_TIMEOUT);
    assert_true(sq_now_ms() - started_ms >= 150);
    assert_true(sq_now_ms() - started_ms < 2000);
    started_ms = sq_now_ms();
    place_interrupt_at_ms = started_ms + 50;
    place_refuses(session, "SELECT a FROM t", STATUS_CANCELLED);
    place_interrupt_at_ms = 0;
    assert_true(sq_now_ms() - started_ms < 50 + 2 * WAIT_SLICE_MS);
    place_run(writer, "COMMIT");
    place_answers(session, "SELECT a FROM t", "{\"a\":1}");

    started_ms = sq_now_ms();
    place_refuses(session, endless, STATUS_TIMEOUT);
    assert_true(sq_now_ms() - started_ms >= 150);
    assert_true(sq_now_ms() - started_ms < 2000);
    place_answers(session, "SELECT a FROM t", "{\"a\":1}");
    started_ms = sq_now_ms();
    place_interrupt_at_ms = started_ms + 50;
    place_refuses(session, endless, STATUS_CANCELLED);
    place_interrupt_at_ms = 0;
    assert_true(sq_now_ms() - started_ms < 50 + 2 * WAIT_SLICE_MS);
    place_answers(session, "SELECT a FROM t", "{\"a\":1}");
    sqlite_driver.close(session);
    sqlite3_close(writer);
}

static void test_an_interrupted_scan_keeps_failing(void **state) {
    struct session *session = place_open("", NULL);
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    struct error err = { 0 };

    (void)state;
    assert_int_equal(
            sqlite_driver.query_start(session, endless, NULL, 0, &scan, &err), STATUS_OK);
    place_interrupt_at_ms = sq_now_ms() + 20;
    assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_CANCELLED);
    place_interrupt_at_ms = 0;
    error_clear(&err);
    assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_CANCELLED);
    error_clear(&err);
    sqlite_driver.scan_end(scan);
    batch_clear(&batch);
    sqlite_driver.close(session);
}

static void test_a_broken_file(void **state) {
    sqlite3 *db = place_make("broken.db",
            "CREATE TABLE t(a); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
            "WHERE n < 2000) INSERT INTO t SELECT zeroblob(900) FROM c");
    struct session *session = place_open(place_path("broken.db"), NULL);
    FILE *file = fopen(place_path("broken.db"), "r+b");

    (void)state;
    sqlite3_close(db);
    for (long page = 20; page < 200; page++) {
        fseek(file, page * 4096, SEEK_SET);
        for (int i = 0; i < 4096; i++) {
            fputc(0xa5, file);
        }
    }
    fclose(file);
    place_refuses(session, "SELECT sum(length(a)) FROM t", STATUS_PROTOCOL);
    place_answers(session, "SELECT 1 AS one", "{\"one\":1}");
    sqlite_driver.close(session);
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
    };

    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
