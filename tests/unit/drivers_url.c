/* drivers/url.c: schemes, percent signs, and which words of a query part belong to whom. */
#include "drivers/url.h"

#include "tests/support/check.h"

static void schemes_are_found(void **state) {
    static const struct {
        const char *url, *scheme, *want;
    } cases[] = {
        { "postgresql://h/d", "postgresql", "//h/d" },
        { "PostgreSQL://h/d", "postgresql", "//h/d" },
        { "postgresql+asyncpg://h/d", "postgresql", "//h/d" },
        { "sqlite+aiosqlite:///x.db", "sqlite", "///x.db" },
        { "sqlite::memory:", "sqlite", ":memory:" },
        { "sqlite:", "sqlite", "" },
        { "sqlite+:x", "sqlite", "x" },
        { "postgresql://h/d", "postgres", NULL },
        { "postgresql", "postgresql", NULL },
        { "postgres", "postgresql", NULL },
        { "", "sqlite", NULL },
        { "sqlite+", "sqlite", NULL },
        { "sqlite+a/b:x", "sqlite", NULL },
        { "sqlite3:x", "sqlite", NULL },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_text(
                cases[i].url, cases[i].want, url_after_scheme(cases[i].url, cases[i].scheme));
    }
}

static void percent_signs_are_resolved(void **state) {
    static const struct {
        const char *text, *want; /* want NULL: refused */
    } cases[] = {
        { "", "" },
        { "abc+d e", "abc+d e" },
        { "%41%6a%6A", "Ajj" },
        { "%25%25", "%%" },
        { "%c3%A9", "\xc3\xa9" },
        { "%01", "\x01" },
        { "%", NULL },
        { "a%4", NULL },
        { "%4g", NULL },
        { "%g4", NULL },
        { "%%41", NULL },
        { "%00", NULL },
        { "a%00b", NULL },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        enum status want = cases[i].want != NULL ? STATUS_OK : STATUS_USAGE;
        struct error err = { 0 };
        struct text out, back;

        text_init(&out, 1000);
        text_init(&back, 1000);
        check_status(cases[i].text, want,
                url_decode(&out, cases[i].text, strlen(cases[i].text), &err), &err);
        if (want == STATUS_OK) {
            check_text(cases[i].text, cases[i].want, text_get(&out));
            url_encode(&back, text_get(&out), out.length);
            text_truncate(&out, 0);
            url_decode(&out, text_get(&back), back.length, &err);
            check_text("there and back", cases[i].want, text_get(&out));
        }
        text_clear(&out);
        text_clear(&back);
        error_clear(&err);
    }
}

static bool is_backend_word(const char *word) {
    return strcmp(word, "sslmode") == 0 || strcmp(word, "host") == 0;
}

static const char malformed[] =
        "URL has something other than word=value behind its \"?\" (in a password \"?\", \"@\" "
        "and \"/\" are written as %3F, %40 and %2F)";

static void words_are_sorted_out(void **state) {
    static const struct option_spec specs[] = {
        { .name = "role", .type = OPTION_TEXT },
        { .name = "set.", .type = OPTION_TEXT, .flags = OPTION_PREFIX },
        { .name = "readonly", .type = OPTION_BOOL },
        { .name = NULL },
    };
    static const struct option_spec *const tables[] = { specs, NULL };
    static const struct {
        const char *url, *rest; /* rest NULL: refused */
        const char *role;       /* the option or the error */
    } cases[] = {
        { "//h/d", "//h/d", NULL },
        { "//h/d?", "//h/d", NULL },
        { "//h/d?&&", "//h/d", NULL },
        { "//h/d?sslmode=require", "//h/d?sslmode=require", NULL },
        { "//h/d?role=a", "//h/d", "a" },
        { "//h/d?role=a%26b%3D%41", "//h/d", "a&b=A" },
        { "//h/d?role=a@b", "//h/d", "a@b" },
        { "//h/d?role=", "//h/d", "" },
        { "//h/d?role=a=b", "//h/d", "a=b" },
        { "//h/d?r%6Fle=a", "//h/d", "a" },
        { "//h/d?role=a&sslmode=x&readonly=1&host=%2Ftmp&role=b", "//h/d?sslmode=x&host=%2Ftmp",
                "b" },
        { "//h/d?host=/tmp", "//h/d?host=/tmp", NULL },
        { "//?host=/tmp&role=a", "//?host=/tmp", "a" },
        { "//h/d?ssl%6Dode=require", "//h/d?ssl%6Dode=require", NULL },
        { "//u:p?role=x@h/d?role=a", "//u:p?role=x@h/d", "a" },
        { "postgresql://u:p?x@h/d?role=a", "postgresql://u:p?x@h/d", "a" },
        { "//u:p?x@h", "//u:p?x@h", NULL },
        { "a//b?role=x@y", "a//b", "x@y" },
        { ":memory:?role=a", ":memory:", "a" },
        { "/dir/x@y.db?role=a", "/dir/x@y.db", "a" },

        { "//h/d?clo=1", NULL, "unknown option \"clo\": known are role, set.NAME, readonly" },
        { "//h/d?readonly=x", NULL, "option \"readonly\" cannot be \"x\": it must be 0 or 1" },
        { "//h/d?role", NULL, malformed },
        { "//h/d?=a", NULL, "option is not of the form word=value" },
        { "//u:can/ary?canary@h/d", NULL, malformed },
        { "//u:can/ary?canary=ca@h/d", NULL, malformed },
        { "//u:can/ary?canary@h/d?role=a", NULL, malformed },
        { "//h/d?role=%", NULL,
                "URL has a \"%\" without two hexadecimal digits behind it (the sign itself is "
                "written as %25)" },
        { "//h/d?r%00le=x", NULL, "URL cannot hold %00" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *url = cases[i].url;
        struct error err = { 0 };
        struct options options;
        struct text rest;
        enum status status;

        options_init(&options, tables, NULL);
        text_init(&rest, 1000);
        status = url_split_query(url, is_backend_word, &options, &rest, &err);
        check_status(url, cases[i].rest != NULL ? STATUS_OK : STATUS_USAGE, status, &err);
        if (status == STATUS_OK) {
            check_text(url, cases[i].rest, text_get(&rest));
            check_text(url, cases[i].role, options_text(&options, "role"));
        } else {
            check_text(url, cases[i].role, err.message);
            check_true(url, strstr(err.message, "canary") == NULL);
        }
        options_clear(&options);
        text_clear(&rest);
        error_clear(&err);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemes_are_found),
        cmocka_unit_test(percent_signs_are_resolved),
        cmocka_unit_test(words_are_sorted_out),
    };

    return check_run(tests);
}
