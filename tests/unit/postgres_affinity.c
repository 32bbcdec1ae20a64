/* drivers/postgres/judge_affinity.c and the check of UTF-8: what a text is before it is
 * compared. */
#include "drivers/postgres/judge.h"

#include "tests/support/check.h"

#include <stdio.h>

static void affinity(void **state) {
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        { "", "no" },
        { " ", "no" },
        { ".", "no" },
        { "+", "no" },
        { "1e", "no" },
        { "1e+", "no" },
        { "0x10", "no" },
        { "1_0", "no" },
        { "inf", "no" },
        { "NaN", "no" },
        { "\xc2\xa0"
          "1",
                "no" },
        { "1 2", "no" },
        { "--1", "no" },
        { "12", "12" },
        { " \t\n\v\f\r12 \t\n\v\f\r", "12" },
        { "+12", "12" },
        { "-0", "0" },
        { "-9223372036854775808", "-9223372036854775808" },
        { "9223372036854775807", "9223372036854775807" },
        { "9223372036854775808", "0x1p+63 0x1p+63" },
        { "5.", "0x1.4p+2 0x1.4p+2" },
        { ".5", "0x1p-1 0x1p-1" },
        { "1E3", "0x1.f4p+9 0x1.f4p+9" },
        { "0.0e999999", "0x0p+0 0x0p+0" },
        { "1e400", "inf inf" },
        { "-1e99999999999", "-inf -inf" },
        { "1e-400", "0x0p+0 0x0p+0" },
        { "9007199254740993.0", "0x1p+53 0x1p+53" },
        { "0.1", "0x1.999999999999ap-4 0x1.999999999999ap-4" },
        { "-19.99", "-0x1.3fd70a3d70a3dp+4 -0x1.3fd70a3d70a3dp+4" },
        /* Half way between two doubles, or so near that roundings decide. */
        { "9007199254740993.00000000000001", "0x1p+53 0x1.0000000000001p+53" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct number number;
        char got[128] = "no";

        if (number_from_text(cases[i].text, strlen(cases[i].text), &number)) {
            if (number.is_integer) {
                snprintf(got, sizeof(got), "%" PRId64, number.integer);
            } else {
                snprintf(got, sizeof(got), "%a %a", number.lo + 0.0, number.hi + 0.0);
            }
        }
        check_text(cases[i].text, cases[i].want, got);
    }
    check_true("a NUL ends no number", !number_from_text("1\0", 2, &(struct number){ 0 }));
}

static void utf8(void **state) {
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        { "", true },
        { "a", true },
        { "\x7f", true },
        { "\xc2\x80", true },
        { "\xdf\xbf", true },
        { "\xe0\xa0\x80", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\xef\xbf\xbf", true },
        { "\xf0\x90\x80\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\x80", false },
        { "\xbf", false },
        { "\xc0\x80", false },
        { "\xc1\xbf", false },
        { "\xc2", false },
        { "\xc2"
          "a",
                false },
        { "\xe0\x9f\xbf", false },
        { "\xe0\xa0", false },
        { "\xed\xa0\x80", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xf0\x90\x80", false },
        { "\xf4\x90\x80\x80", false },
        { "\xf5\x80\x80\x80", false },
        { "\xff", false },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_int(cases[i].text, cases[i].valid,
                text_is_utf8(cases[i].text, strlen(cases[i].text)));
    }
}

/* What is looked at by words is looked at as by bytes, wherever it stands. */
static void utf8_in_a_longer_text(void **state) {
    enum { PLACES = 20 };
    static const struct {
        const char *text;
        bool valid;
    } cases[] = { { "\xc3\xa9", true }, { "\xff", false }, { "\xc3", false },
        { "\xe2\x82\xac", true }, { "\xe2\x82", false } };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        for (int before = 0; before < PLACES; before++) {
            for (int behind = 0; behind < PLACES; behind++) {
                char text[2 * PLACES + 8];
                int length = snprintf(text, sizeof(text), "%.*s%s%.*s", before,
                        "abcdefghijklmnopqrst", cases[i].text, behind, "uvwxyz0123456789ABCD");

                check_int(text, cases[i].valid, text_is_utf8(text, (size_t)length));
            }
        }
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(affinity),
        cmocka_unit_test(utf8), cmocka_unit_test(utf8_in_a_longer_text) };

    return check_run(tests);
}
