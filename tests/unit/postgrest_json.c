/* drivers/postgrest/json.c: rows of a page as raw bytes, however they are cut into pieces. */
#include "drivers/postgrest/internal.h"

#include "tests/support/check.h"

enum { MEMBERS_MAX = 8 };

/* "name=value;" of every row, "|" behind each, then how it ended. */
static void read_all(const char *page, size_t piece, char *out, size_t out_bytes) {
    struct pr_page_reader reader = { PR_AT_START };
    struct pr_member members[MEMBERS_MAX];
    size_t length = strlen(page), start = 0, end = piece < length ? piece : length, n = 0;
    static const char *const steps[] = { "row", "more", "end", "bad", "many" };
    enum pr_step step;

    for (;;) {
        size_t count, used;

        step = pr_read_row(
                &reader, page + start, end - start, members, MEMBERS_MAX, &count, &used);
        if (step == PR_STEP_MORE && end < length) {
            end = end + piece < length ? end + piece : length;
            continue;
        }
        start += used;
        if (step != PR_STEP_ROW) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            n += (size_t)snprintf(out + n, out_bytes - n, "%.*s=%d:%.*s;",
                    (int)members[i].name_length, members[i].name, (int)members[i].kind,
                    (int)members[i].value_length, members[i].value);
        }
        n += (size_t)snprintf(out + n, out_bytes - n, "|");
    }
    snprintf(out + n, out_bytes - n, "%s", steps[step]);
}

static void rows_are_read_whatever_the_pieces(void **state) {
    static const struct {
        const char *page, *want;
    } cases[] = {
        { "[]", "end" },
        { " [ ] ", "end" },
        { "[{}]", "|end" },
        { "[{\"a\":1}]", "a=1:1;|end" },
        { "[{\"a\":12.50, \"b\":\"x\\\"y\"}, \n {\"a\":null,\"b\":true}]",
                "a=1:12.50;b=0:x\\\"y;|a=4:null;b=2:true;|end" },
        { "[{\"a\":{\"x\":[\"]}\"]},\"b\":[1, 2]}]", "a=5:{\"x\":[\"]}\"]};b=6:[1, 2];|end" },
        { "[{\"a\":-0.5e+10}]", "a=1:-0.5e+10;|end" },
        { "[{\"a\":1},]", "a=1:1;|bad" },
        { "[{\"a\":1}{\"a\":1}]", "a=1:1;|bad" },
        { "[,{\"a\":1}]", "bad" },
        { "[{\"a\":01}]", "bad" },
        { "[{\"a\":1.}]", "bad" },
        { "[{\"a\":+1}]", "bad" },
        { "[{\"a\":nul}]", "bad" },
        { "[{\"a\":\"\x01\"}]", "bad" },
        { "[{\"a\" 1}]", "bad" },
        { "[{a:1}]", "bad" },
        { "[1]", "bad" },
        { "{\"a\":1}", "bad" },
        { "[{\"a\":1", "more" },
        { "[{\"a\":1}", "a=1:1;|more" },
        { "[{\"a\":\"x\\", "more" },
        { "", "more" },
        { "[{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9}]",
                "many" },
    };
    char out[512];

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        for (size_t piece = 1; piece <= strlen(cases[i].page) + 1; piece++) {
            read_all(cases[i].page, piece, out, sizeof(out));
            check_text(cases[i].page, cases[i].want, out);
        }
    }
}

static void escapes_are_resolved_or_refused(void **state) {
    static const struct {
        const char *raw, *want; /* NULL: refused */
    } cases[] = {
        { "plain", "plain" },
        { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
        { "\\u0041\\u00e9\\u20ac", "Aé€" },
        { "\\ud83d\\ude00!", "😀!" },
        { "\\ud83d", NULL },
        { "\\ud83dx", NULL },
        { "\\ud83d\\u0041", NULL },
        { "\\ude00", NULL },
        { "\\u0000", NULL },
        { "\\u00g0", NULL },
        { "\\u12", NULL },
        { "\\x", NULL },
        { "\\", NULL },
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        size_t length = 0;
        bool good = pr_unescape(cases[i].raw, strlen(cases[i].raw), out, &length);

        check_int(cases[i].raw, cases[i].want != NULL, good);
        if (good) {
            check_bytes(cases[i].raw, cases[i].want, strlen(cases[i].want), out, length);
        }
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_whatever_the_pieces),
        cmocka_unit_test(escapes_are_resolved_or_refused),
    };

    return check_run(tests);
}
