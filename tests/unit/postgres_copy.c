/* drivers/postgres/copy.c and spill.c: frames of COPY become rows, or say what is wrong with
 * them; messages that were put aside come back as they were. */
#include "drivers/postgres/copy.h"

#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

#define HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define ROW    "\0\2\0\0\0\3abc\377\377\377\377"
#define END    "\377\377"

struct frames {
    const char *bytes;
    size_t length;
};

#define FRAMES(text) ((struct frames){ text, sizeof(text) - 1 })

/* Reads messages of two columns; the rows that came, or -1 with the error's words. */
static int read_all(const struct frames *messages, size_t count, bool *ended, char *words) {
    struct pg_copy_reader reader = { .column_count = 2 };
    struct pg_field fields[2];
    struct error err = { 0 };
    int rows = 0;
    bool row;

    for (size_t i = 0; i < count; i++) {
        pg_copy_feed(&reader, messages[i].bytes, messages[i].length);
        while (pg_copy_row(&reader, fields, &row, &err) == STATUS_OK && row) {
            assert_int_equal(3, fields[0].length);
            assert_memory_equal("abc", fields[0].bytes, 3);
            assert_null(fields[1].bytes);
            rows++;
        }
        if (err.status != STATUS_OK) {
            assert_int_equal(STATUS_PROTOCOL, err.status);
            snprintf(words, ERROR_MESSAGE_BYTES, "%s", err.message);
            error_clear(&err);
            return -1;
        }
    }
    *ended = reader.ended;
    return rows;
}

static void rows_come_in_any_number_of_messages(void **state) {
    const struct frames apart[] = { FRAMES(HEADER ROW), FRAMES(ROW), FRAMES(ROW), FRAMES(END) };
    const struct frames together[] = { FRAMES(HEADER ROW ROW ROW END) };
    const struct frames alone[] = { FRAMES(HEADER), FRAMES(ROW), FRAMES(END) };
    const struct frames none[] = { FRAMES(HEADER END) };
    const struct frames cut[] = { FRAMES(HEADER ROW) };
    char words[ERROR_MESSAGE_BYTES];
    bool ended = false;

    (void)state;
    assert_int_equal(3, read_all(apart, 4, &ended, words));
    assert_true(ended);
    assert_int_equal(3, read_all(together, 1, &ended, words));
    assert_true(ended);
    assert_int_equal(1, read_all(alone, 3, &ended, words));
    assert_true(ended);
    assert_int_equal(0, read_all(none, 1, &ended, words));
    assert_true(ended);
    assert_int_equal(1, read_all(cut, 1, &ended, words));
    assert_false(ended);
}

static void malformed_frames_are_refused(void **state) {
    static const struct {
        struct frames frames;
        const char *words;
    } cases[] = {
        { { "PGCOPY", 6 }, "no header of COPY" },
        { { "PGCOPY\n\377\n\r\0\0\0\0\0\0\0\0\0", 19 }, "no header of COPY" },
        { { "PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0", 19 }, "unknown flags" },
        { { "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\1", 19 }, "header is cut off" },
        { { HEADER "\0", 20 }, "row is cut off" },
        { { HEADER "\0\2\0\0\0", 24 }, "row is cut off" },
        { { HEADER "\0\2\0\0\0\4abc", 28 }, "value is longer than its row" },
        { { HEADER "\0\2\177\377\377\377abc", 28 }, "value is longer than its row" },
        { { HEADER "\0\2\377\377\377\376abc", 28 }, "value is longer than its row" },
        { { HEADER "\0\1\0\0\0\3abc", 28 }, "row has another number of values" },
        { { HEADER "\377\376", 21 }, "row has another number of values" },
        { { HEADER END "\0", 22 }, "bytes behind the end" },
    };
    const struct frames after[] = { FRAMES(HEADER END), FRAMES(ROW) };
    char words[ERROR_MESSAGE_BYTES];
    bool ended;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(-1, read_all(&cases[i].frames, 1, &ended, words));
        assert_non_null(strstr(words, cases[i].words));
    }
    assert_int_equal(-1, read_all(after, 2, &ended, words));
    assert_non_null(strstr(words, "bytes behind the end"));
}

static void spilled_messages_come_back(void **state) {
    enum { MESSAGES = 500 };
    struct pg_spill *spill = NULL;
    struct error err = { 0 };
    char message[2000];
    const char *bytes;
    size_t length;

    (void)state;
    assert_int_equal(STATUS_OK, pg_spill_create(&spill, &err));
    for (int i = 1; i <= MESSAGES; i++) {
        memset(message, i, sizeof(message));
        assert_int_equal(STATUS_OK, pg_spill_write(spill, message, (size_t)i * 4, &err));
    }
    for (int i = 1; i <= MESSAGES; i++) {
        memset(message, i, sizeof(message));
        assert_int_equal(STATUS_OK, pg_spill_read(spill, &bytes, &length, &err));
        assert_int_equal(i * 4, length);
        assert_memory_equal(message, bytes, length);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(STATUS_OK, pg_spill_read(spill, &bytes, &length, &err));
        assert_int_equal(0, length);
    }
    pg_spill_destroy(spill);
    pg_spill_destroy(NULL);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_any_number_of_messages),
        cmocka_unit_test(malformed_frames_are_refused),
        cmocka_unit_test(spilled_messages_come_back),
    };

    return check_run(tests);
}
