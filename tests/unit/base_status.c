/* base/status.c: the first error wins, and a long one is cut between characters. */
#include "base/status.h"

#include "base/memory.h"
#include "tests/support/check.h"

static void long_messages_are_cut_between_characters(void **state) {
    static const struct {
        const char *label, *unit;
        size_t prefix; /* bytes of 'x' in front of the units */
        size_t units;
        size_t want_bytes;
        const char *want_end;
    } cases[] = {
        { "fits", "a", 0, 511, 511, "aaa" },
        { "one too many", "a", 0, 512, 511, "a..." },
        { "two bytes, even", "\xc3\xa9", 0, 300, 511, "\xc3\xa9..." },
        { "two bytes, odd", "\xc3\xa9", 1, 300, 510, "\xc3\xa9..." },
        { "four bytes, 0", "\xf0\x9f\x98\x80", 0, 200, 511, "\xf0\x9f\x98\x80..." },
        { "four bytes, 1", "\xf0\x9f\x98\x80", 1, 200, 508, "\xf0\x9f\x98\x80..." },
        { "four bytes, 2", "\xf0\x9f\x98\x80", 2, 200, 509, "\xf0\x9f\x98\x80..." },
        { "four bytes, 3", "\xf0\x9f\x98\x80", 3, 200, 510, "\xf0\x9f\x98\x80..." },
        { "no character starts", "\x80", 0, 600, 3, "..." },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *label = cases[i].label;
        size_t end = strlen(cases[i].want_end);
        char given[1024] = { 0 };
        struct error err = { 0 };

        memset(given, 'x', cases[i].prefix);
        for (size_t k = 0; k < cases[i].units; k++) {
            size_t unit = strlen(cases[i].unit);

            memcpy(given + cases[i].prefix + k * unit, cases[i].unit, unit);
        }
        check_status(label, STATUS_REMOTE, error_set(&err, STATUS_REMOTE, "%s", given), &err);
        check_int(label, (int64_t)cases[i].want_bytes, (int64_t)strlen(err.message));
        check_text(label, cases[i].want_end, err.message + strlen(err.message) - end);
        error_clear(&err);
    }
}

static void the_first_error_wins(void **state) {
    struct error err = { 0 }, other = { 0 }, zero = { 0 };

    (void)state;
    check_int("first", STATUS_LOST, error_set(&err, STATUS_LOST, "lost %d", 1));
    check_int("second gives the first", STATUS_LOST, error_set(&err, STATUS_USAGE, "two"));
    check_int("out of memory, too", STATUS_LOST, error_nomem(&err));
    check_text("message", "lost 1", err.message);

    error_explain(&err, "bad", NULL, "");
    check_text("not a SQLSTATE", "", err.sqlstate);
    check_true("nothing to explain", err.detail == NULL && err.hint == NULL);
    error_explain(&err, "57P01", "detail", NULL);
    error_explain(&err, "42501", "other", "hint");
    error_statement(&err, "SELECT 1");
    error_statement(&err, "SELECT 2");
    check_text("SQLSTATE", "57P01", err.sqlstate);
    check_text("detail", "detail", err.detail);
    check_text("hint", "hint", err.hint);
    check_text("statement", "SELECT 1", err.statement);

    error_explain(&other, NULL, "came before its error", NULL);
    error_move(&other, &err);
    check_bytes("moved away", &zero, sizeof(zero), &err, sizeof(err));
    check_text("moved", "detail", other.detail);
    error_set(&err, STATUS_NOMEM, "late");
    error_explain(&err, NULL, "late", NULL);
    error_move(&other, &err);
    check_bytes("dropped", &zero, sizeof(zero), &err, sizeof(err));
    check_text("kept", "lost 1", other.message);
    error_clear(&other);
    check_bytes("cleared", &zero, sizeof(zero), &other, sizeof(other));
}

static void no_error_is_accepted(void **state) {
    struct error err = { 0 };

    (void)state;
    check_int("set", STATUS_VALUE, error_set(NULL, STATUS_VALUE, "x"));
    check_int("nomem", STATUS_NOMEM, error_nomem(NULL));
    error_explain(NULL, "57P01", "detail", "hint");
    error_statement(NULL, "SELECT 1");
    error_clear(NULL);
    error_set(&err, STATUS_VALUE, "x");
    error_explain(&err, NULL, "detail", NULL);
    error_move(NULL, &err);
    check_int("moved to nobody", STATUS_OK, err.status);
}

static void every_status_has_a_name(void **state) {
    (void)state;
    for (int status = STATUS_OK; status <= STATUS_NOMEM; status++) {
        const char *name = status_name((enum status)status);

        check_true("named", name != NULL && strcmp(name, "unknown") != 0);
    }
    check_text("beyond", "unknown", status_name((enum status)(STATUS_NOMEM + 1)));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(no_error_is_accepted),
        cmocka_unit_test(every_status_has_a_name),
    };

    return check_run(tests);
}
