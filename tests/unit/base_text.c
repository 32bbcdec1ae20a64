/* base/text.c: limits, the failure that stays, and the bytes of each kind of append. */
#include "base/text.h"

#include "base/memory.h"
#include "tests/support/check.h"

enum { LIMIT = 10 };

static void append_json(struct text *text, const char *bytes) {
    text_append_json(text, bytes, strlen(bytes));
}

static void append_hex(struct text *text, const char *bytes) {
    text_append_hex(text, bytes, strlen(bytes));
}

static void append_printed(struct text *text, const char *bytes) {
    text_printf(text, "%s", bytes);
}

static void appends_stop_at_the_limit(void **state) {
    static const struct {
        const char *label, *given;
        void (*append)(struct text *, const char *);
        const char *want; /* NULL: too big */
    } cases[] = {
        { "nothing", "", text_append, "" },
        { "below", "123456789", text_append, "123456789" },
        { "at", "1234567890", text_append, "1234567890" },
        { "above", "12345678901", text_append, NULL },
        { "printed at", "1234567890", append_printed, "1234567890" },
        { "printed above", "12345678901", append_printed, NULL },
        { "printed nothing", "", append_printed, "" },
        { "hex at", "\x01\xab\xff\x7f\x80", append_hex, "01abff7f80" },
        { "hex above", "123456", append_hex, NULL },
        { "JSON at", "12345678", append_json, "\"12345678\"" },
        { "JSON above", "123456789", append_json, NULL },
        { "JSON quote", "a\"b", append_json, "\"a\\\"b\"" },
        { "JSON backslash", "\\", append_json, "\"\\\\\"" },
        { "JSON newline", "\n", append_json, "\"\\n\"" },
        { "JSON control", "\x1f", append_json, "\"\\u001f\"" },
        { "JSON UTF-8", "\xc3\xa9\x7f", append_json, "\"\xc3\xa9\x7f\"" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *label = cases[i].label;
        struct error err = { 0 };
        struct text text;

        text_init(&text, LIMIT);
        cases[i].append(&text, cases[i].given);
        check_text(label, cases[i].want != NULL ? cases[i].want : "", text_get(&text));
        check_status(label, cases[i].want != NULL ? STATUS_OK : STATUS_TOO_BIG,
                text_status(&text, &err), &err);
        text_clear(&text);
        text_append(&text, "1234567890"); /* the limit is still the same */
        check_text(label, "1234567890", text_get(&text));
        text_clear(&text);
        error_clear(&err);
    }
}

static void a_failure_stays(void **state) {
    struct text text;

    (void)state;
    text_init(&text, LIMIT);
    text_append(&text, "kept");
    text_append(&text, "too long for it");
    text_append(&text, "x");
    text_append_char(&text, 'x');
    text_truncate(&text, 0);
    check_text("failed", "", text_get(&text));
    check_int("status", STATUS_TOO_BIG, text_status(&text, NULL));
    check_true("stolen", text_steal(&text) == NULL);
    check_int("ready again", STATUS_OK, text_status(&text, NULL));
    check_true("nothing held", text.data == NULL && text.length == 0);
}

static void truncating_and_stealing(void **state) {
    struct text text;
    char *stolen;

    (void)state;
    text_init(&text, LIMIT);
    text_truncate(&text, 0);
    text_truncate(&text, 5);
    stolen = text_steal(&text);
    check_text("of nothing", "", stolen);
    memory_free(stolen);
    text_append_bytes(&text, "a\0bcd", 5);
    check_int("inner NUL counted", 5, (int64_t)text.length);
    text_truncate(&text, 7);
    check_bytes("not longer", "a\0bcd", 6, text_get(&text), text.length + 1);
    text_truncate(&text, 3);
    check_bytes("cut", "a\0b", 4, text_get(&text), text.length + 1);
    stolen = text_steal(&text);
    check_bytes("stolen", "a\0b", 4, stolen, 4);
    memory_free(stolen);
    check_text("empty after", "", text_get(&text));
}

static void growth_keeps_the_bytes(void **state) {
    enum { COUNT = 20000 };
    struct text text;

    (void)state;
    text_init(&text, TEXT_SQL_BYTES_MAX);
    for (int i = 0; i < COUNT; i++) {
        text_append_char(&text, (char)('a' + i % 26));
    }
    check_int("length", COUNT, (int64_t)text.length);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(text.data[i], 'a' + i % 26);
    }
    check_int("terminated", 0, text.data[COUNT]);
    text_clear(&text);
}

static void room_is_part_of_the_text(void **state) {
    struct text text;
    char *room;

    (void)state;
    text_init(&text, LIMIT);
    text_append(&text, "ab");
    room = text_extend(&text, 4);
    check_true("given", room != NULL);
    memset(room, 'x', 4);
    text_truncate(&text, 5); /* one was too many */
    text_append(&text, "g");
    check_text("used", "abxxxg", text_get(&text));
    check_true("no more than the limit", text_extend(&text, LIMIT) == NULL);
    check_int("said", STATUS_TOO_BIG, text_status(&text, NULL));
    text_clear(&text);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_stop_at_the_limit),
        cmocka_unit_test(a_failure_stays),
        cmocka_unit_test(truncating_and_stealing),
        cmocka_unit_test(room_is_part_of_the_text),
        cmocka_unit_test(growth_keeps_the_bytes),
    };

    return check_run(tests);
}
