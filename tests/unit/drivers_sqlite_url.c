/* drivers/sqlite/url.c: every spelling, and what is refused. */
#include "drivers/sqlite/internal.h"
#include "tests/support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct option_spec *const tables[] = { NULL, NULL };

static const struct {
    const char *url;
    enum status status;
    const char *connection, *display; /* connection "" is memory */
} cases[] = {
    { "sqlite:", STATUS_OK, "", "sqlite::memory:" },
    { "sqlite::memory:", STATUS_OK, "", "sqlite::memory:" },
    { "sqlite://", STATUS_OK, "", "sqlite::memory:" },
    { "sqlite:///", STATUS_OK, "", "sqlite::memory:" },
    { "sqlite:///:memory:", STATUS_OK, "", "sqlite::memory:" },
    { "sqlite:x.db", STATUS_OK, "x.db", "sqlite:x.db" },
    { "SQLITE:x.db", STATUS_OK, "x.db", "sqlite:x.db" },
    { "sqlite:/dir/x.db", STATUS_OK, "/dir/x.db", "sqlite:/dir/x.db" },
    { "sqlite:///rel.db", STATUS_OK, "rel.db", "sqlite:rel.db" },
    { "sqlite:////abs.db", STATUS_OK, "/abs.db", "sqlite:/abs.db" },
    { "sqlite+aiosqlite:///x.db", STATUS_OK, "x.db", "sqlite:x.db" },
    { "sqlite+pysqlite:///x.db", STATUS_OK, "x.db", "sqlite:x.db" },
    { "sqlite+pysqlite:////tmp/x.db", STATUS_OK, "/tmp/x.db", "sqlite:/tmp/x.db" },
    { "sqlite:a%20b%3Fc.db", STATUS_OK, "a b?c.db", "sqlite:a b?c.db" },
    { "sqlite:file:x.db", STATUS_OK, "x.db", "sqlite:x.db" },
    { "sqlite:file:/dir/x.db", STATUS_OK, "/dir/x.db", "sqlite:/dir/x.db" },
    { "sqlite:file:///dir/x.db?mode=ro", STATUS_OK, "/dir/x.db", "sqlite:/dir/x.db" },
    { "sqlite:///file:x.db?mode=ro&uri=true", STATUS_OK, "x.db", "sqlite:x.db" },
    { "sqlite:///x.db?check_same_thread=false&timeout=5", STATUS_OK, "x.db", "sqlite:x.db" },
    { "sqlite:///x.db?mode=memory&cache=shared", STATUS_USAGE, NULL, NULL },
    { "sqlite://host/x.db", STATUS_USAGE, NULL, NULL },
    { "sqlite://user:canary@host/x.db", STATUS_USAGE, NULL, NULL },
    { "sqlite:x%zz.db", STATUS_USAGE, NULL, NULL },
    { "sqlite:x%00.db", STATUS_USAGE, NULL, NULL },
    { "sqlite:x.db?nothing=1", STATUS_USAGE, NULL, NULL },
    { "sqlite3:x.db", STATUS_UNSUPPORTED, NULL, NULL },
    { "postgresql://host/db", STATUS_UNSUPPORTED, NULL, NULL },
    { "x.db", STATUS_UNSUPPORTED, NULL, NULL },
};

static void test_spellings(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *connection = NULL, *display = NULL;
        struct options options;
        struct error err = { 0 };
        enum status status;

        options_init(&options, tables, NULL);
        status = sqlite_driver.parse_url(cases[i].url, &options, &connection, &display, &err);
        if (status != cases[i].status) {
            fail_msg("%s: %s: %s", cases[i].url, status_name(status), err.message);
        }
        if (status == STATUS_OK) {
            assert_string_equal(connection, cases[i].connection);
            assert_string_equal(display, cases[i].display);
        } else {
            assert_null(connection);
            assert_null(display);
            assert_null(strstr(err.message, "canary"));
        }
        assert_int_equal(err.status, status == STATUS_UNSUPPORTED ? STATUS_OK : status);
        memory_free(connection);
        memory_free(display);
        options_clear(&options);
        error_clear(&err);
    }
}

static void test_share_goes_to_the_options(void **state) {
    const struct option_spec *const with_share[] = { sqlite_driver.server_options, NULL };
    char *connection = NULL, *display = NULL;
    struct options options;
    struct error err = { 0 };

    (void)state;
    options_init(&options, with_share, NULL);
    assert_int_equal(sqlite_driver.parse_url("sqlite::memory:?share=a%20b", &options,
                             &connection, &display, &err),
            STATUS_OK);
    assert_string_equal(connection, "");
    assert_string_equal(options_text(&options, "share"), "a b");
    memory_free(connection);
    memory_free(display);
    options_clear(&options);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_share_goes_to_the_options),
    };

    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
