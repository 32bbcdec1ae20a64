/* Domain asserts over cmocka, for tests that are a table of cases and one loop. Each assert
 * takes the case's label first and names it when it fails:
 *
 *     static void quotes_names(void **state) {
 *         static const struct { const char *label, *name, *want; } cases[] = {
 *             { "plain", "a", "\"a\"" }, { "with a quote", "a\"b", "\"a\"\"b\"" },
 *         };
 *         for (size_t i = 0; i < check_count(cases); i++) {
 *             check_text(cases[i].label, cases[i].want, quoted(cases[i].name));
 *         }
 *     }
 *     int main(void) {
 *         static const struct CMUnitTest tests[] = { cmocka_unit_test(quotes_names) };
 *         return check_run(tests);
 *     }
 */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_CHECK_H
#define DRAWBRIDGE_TESTS_SUPPORT_CHECK_H

#include <setjmp.h> /* cmocka.h needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "tests/support/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define check_count(array) (sizeof(array) / sizeof((array)[0]))

/* Starts the host, then runs the tests with TAP on stdout; what main() returns. One per
 * program. */
#define check_run(tests) check_run_named(__FILE__, (tests), check_count(tests))

#define check_true(label, got)      check_true_at(__FILE__, __LINE__, (label), #got, (got) ? 1 : 0)
#define check_int(label, want, got) check_int_at(__FILE__, __LINE__, (label), (want), (got))
/* Either may be NULL. */
#define check_text(label, want, got) check_text_at(__FILE__, __LINE__, (label), (want), (got))
#define check_bytes(label, want, want_bytes, got, got_bytes)                                   \
    check_bytes_at(__FILE__, __LINE__, (label), (want), (want_bytes), (got), (got_bytes))
/* The status by name; when it is another one, the error's message is shown. err may be NULL. */
#define check_status(label, want, got, err)                                                    \
    check_status_at(__FILE__, __LINE__, (label), (want), (got), (err))

static inline int check_run_named(
        const char *name, const struct CMUnitTest *tests, size_t count) {
    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

/* Ends the test; cmocka's own function does not say that it never returns. */
static inline _Noreturn void check_fail(const char *file, int line) {
    _fail(file, line);
    __builtin_unreachable();
}

static inline void check_true_at(
        const char *file, int line, const char *label, const char *expression, int got) {
    if (!got) {
        print_error("%s: not true: %s\n", label, expression);
        check_fail(file, line);
    }
}

static inline void check_int_at(
        const char *file, int line, const char *label, int64_t want, int64_t got) {
    if (want != got) {
        print_error("%s: want %" PRId64 ", got %" PRId64 "\n", label, want, got);
        check_fail(file, line);
    }
}

static inline void check_text_at(
        const char *file, int line, const char *label, const char *want, const char *got) {
    if (want != got && (want == NULL || got == NULL || strcmp(want, got) != 0)) {
        print_error("%s:\n  want %s\n  got  %s\n", label, want == NULL ? "(NULL)" : want,
                got == NULL ? "(NULL)" : got);
        check_fail(file, line);
    }
}

static inline void check_hex(char out[129], const void *bytes, size_t count) {
    const unsigned char *byte = bytes;

    out[0] = '\0';
    for (size_t i = 0; i < count && i < 64; i++) {
        /* What is shown here has failed already: it may be padding, or never set. */
        snprintf(out + 2 * i, 3, "%02x", byte[i]); // NOLINT(clang-analyzer-core.CallAndMessage)
    }
}

static inline void check_bytes_at(const char *file, int line, const char *label,
        const void *want, size_t want_bytes, const void *got, size_t got_bytes) {
    char want_hex[129], got_hex[129];

    if (want_bytes != got_bytes || (want_bytes > 0 && memcmp(want, got, want_bytes) != 0)) {
        check_hex(want_hex, want, want_bytes);
        check_hex(got_hex, got, got_bytes);
        print_error("%s:\n  want %zu bytes %s\n  got  %zu bytes %s\n", label, want_bytes,
                want_hex, got_bytes, got_hex);
        check_fail(file, line);
    }
}

static inline void check_status_at(const char *file, int line, const char *label,
        enum status want, enum status got, const struct error *err) {
    if (want != got) {
        print_error("%s: want %s, got %s: %s\n", label, status_name(want), status_name(got),
                err == NULL ? "" : err->message);
        check_fail(file, line);
    }
}

#endif
