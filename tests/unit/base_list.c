/* base/list.c: items of lists and shell patterns. */
#include "base/options.h"
#include "base/text.h"
#include "tests/support/check.h"

static enum status note_item(void *context, const char *item, size_t length) {
    struct text *seen = context;

    text_append_char(seen, '[');
    text_append_bytes(seen, item, length);
    text_append_char(seen, ']');
    return length == 4 && memcmp(item, "stop", 4) == 0 ? STATUS_SCHEMA : STATUS_OK;
}

static void lists_are_taken_apart(void **state) {
    static const struct {
        const char *list, *want;
        enum status status;
    } cases[] = {
        { "", "", STATUS_OK },
        { "a", "[a]", STATUS_OK },
        { "a,b,c", "[a][b][c]", STATUS_OK },
        { " a\t, b b ,\n c ", "[a][b b][c]", STATUS_OK },
        { ",,a,, ,b,", "[a][b]", STATUS_OK },
        { "\"a,b\",c", "[a,b][c]", STATUS_OK },
        { "\" a \",b", "[ a ][b]", STATUS_OK },
        { "\"say \"\"hi\"\"\",b", "[say \"hi\"][b]", STATUS_OK },
        { "\"\",b", "[][b]", STATUS_OK },
        { "\"\"\"\"", "[\"]", STATUS_OK },
        { "a\",\"b,c", "[a,b][c]", STATUS_OK },
        { "\"open, to the end", "[open, to the end]", STATUS_OK },
        { "a,\"", "[a][]", STATUS_OK },
        { "a,stop,b", "[a][stop]", STATUS_SCHEMA },
        { "a,\"stop\",b", "[a][stop]", STATUS_SCHEMA },
        { "\xc3\xa9,\xe2\x82\xac", "[\xc3\xa9][\xe2\x82\xac]", STATUS_OK },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct text seen;

        text_init(&seen, 1000);
        check_int(cases[i].list, cases[i].status, list_each(cases[i].list, note_item, &seen));
        check_text(cases[i].list, cases[i].want, text_get(&seen));
        text_clear(&seen);
    }
}

static void patterns_match(void **state) {
    static const struct {
        const char *pattern, *text;
        bool want;
    } cases[] = {
        { "", "", true },
        { "", "a", false },
        { "*", "", true },
        { "**", "abc", true },
        { "?", "", false },
        { "a", "A", true },
        { "ORDERS", "orders", true },
        { "orders", "orders2", false },
        { "orders2", "orders", false },
        { "or*", "orders", true },
        { "*s", "orders", true },
        { "*r*r*", "orders", true },
        { "*r*r*r*", "orders", false },
        { "o?ders", "orders", true },
        { "o?ers", "orders", false },
        { "*ab", "aab", true },
        { "*aab", "aaaaab", true },
        { "a*b*c", "axxbyyc", true },
        { "a*b*c", "axxbyy", false },
        { "?", "\xe2\x82\xac", true },
        { "??", "\xe2\x82\xac", false },
        { "*?x", "\xe2\x82\xacx", true },
        { "\xc3\x89", "\xc3\xa9", false }, /* only ASCII letters are folded */
        { "[a]", "a", false },
        { "a*************************b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_int(cases[i].pattern, cases[i].want,
                glob_matches(cases[i].pattern, strlen(cases[i].pattern), cases[i].text));
    }
    check_true("only the length given", glob_matches("a*x", 2, "abc"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_taken_apart),
        cmocka_unit_test(patterns_match),
    };

    return check_run(tests);
}
