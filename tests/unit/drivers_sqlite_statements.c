/* drivers/sqlite/statements.c, guard.c, decode.c and scan.c: what a user's query may not do,
 * and what comes back from one that may. */
#include "tests/support/host.h"
#include "tests/support/sqlite_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    sqlite3 *db = place_make("foreign.db", "CREATE TABLE t(a); INSERT INTO t VALUES('A')");
    struct session *session = place_open(place_path("foreign.db"), NULL);

    (void)state;
    sqlite3_close(db);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error err = { 0 };
        char out[1024];
        enum status status = place_ask(session, cases[i].sql, out, sizeof(out), &err);

        if (status != cases[i].status) {
            fail_msg("%s: %s: %s", cases[i].sql, status_name(status), err.message);
        }
        error_clear(&err);
        assert_false(session->broken);
        place_answers(session, "SELECT count(*) AS n FROM t WHERE a LIKE 'a'", "{\"n\":1}");
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
    sqlite3 *db = place_make(name, sql);
    struct session *session;

    sqlite3_create_collation(db, "backwards", SQLITE_UTF8, NULL, collate_backwards);
    place_run(db, "CREATE TABLE w(a TEXT COLLATE backwards PRIMARY KEY) WITHOUT ROWID;"
                  "CREATE TABLE t(a TEXT COLLATE backwards); CREATE INDEX i ON t(a);"
                  "INSERT INTO w VALUES('a'), ('b'), ('c'); INSERT INTO t SELECT a FROM w");
    sqlite3_close(db);
    session = place_open(place_path(name), NULL);
    place_answers(session, "SELECT count(*) AS n FROM w", "{\"n\":3}");
    place_answers(session, "SELECT count(*) AS n FROM t", "{\"n\":3}");
    place_answers(session, "SELECT a FROM w WHERE a COLLATE BINARY > 'b'", "{\"a\":\"c\"}");
    place_answers(session, "SELECT max(a COLLATE BINARY) AS a FROM t", "{\"a\":\"c\"}");
    place_refuses(session, "SELECT a FROM w WHERE a = 'b'", STATUS_REMOTE);
    place_refuses(session, "SELECT a FROM t WHERE a > 'b'", STATUS_REMOTE);
    place_refuses(session, "SELECT DISTINCT a || '' COLLATE backwards FROM t", STATUS_REMOTE);
    place_answers(session, "SELECT count(*) AS n FROM w", "{\"n\":3}");
    place_answers(session, "SELECT 'A' = 'a' COLLATE NOCASE AS n", "{\"n\":1}");
    place_answers(session, "SELECT 'b' < 'a' COLLATE RTRIM AS n", "{\"n\":0}");
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
    session = place_open("", NULL);
    sqlite3_cancel_auto_extension(entry);
    assert_false(sq_session(session)->like_builtin);
    sqlite_driver.close(session);
    session = place_open("", NULL);
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
    struct session *session = place_open("", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        place_answers(session, cases[i].sql, cases[i].json);
    }
    sqlite_driver.close(session);
}

static void test_arguments_and_the_log(void **state) {
    struct value args[] = { { .kind = VALUE_INTEGER, .integer = 5 },
        { .kind = VALUE_TEXT, .bytes = "x\0y", .length = 3 }, { .kind = VALUE_NULL },
        { .kind = VALUE_REAL, .real = 0.5 },
        { .kind = VALUE_BLOB, .bytes = "\1", .length = 1 } };
    struct session *session = place_open("", NULL);
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    struct error err = { 0 };

    (void)state;
    place_log.count = 0;
    assert_int_equal(
            sqlite_driver.query_start(session,
                    "SELECT ?1 AS a, length(CAST(?2 AS BLOB)) AS b, ?3 AS c, ?4 AS d, ?5 AS e",
                    args, 5, &scan, &err),
            STATUS_OK);
    assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_OK);
    assert_string_equal(batch.heap + batch_cell(&batch, 0, 0)->start,
            "{\"a\":5,\"b\":3,\"c\":null,\"d\":0.5,\"e\":\"01\"}");
    sqlite_driver.scan_end(scan);
    assert_int_equal(place_log.count, 1);
    assert_string_equal(place_log.parameters, "[5,\"x\\u0000y\",null,0.5,\"01\"]");
    assert_non_null(strstr(place_log.sql, "SELECT ?1 AS a"));
    batch_clear(&batch);
    sqlite_driver.close(session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
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
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
