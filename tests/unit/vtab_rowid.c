/* Numbers of rows that have none: equal rows are counted, no two rows share a number. */
#include "vtab/rowid.h"

#include "tests/support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void put_row(
        struct batch *batch, enum value_kind kind, const char *text, int64_t number) {
    batch_begin_row(batch);
    if (kind == VALUE_INTEGER) {
        batch_put_integer(batch, number);
    } else if (kind == VALUE_NULL) {
        batch_put_null(batch);
    } else {
        assert_int_equal(batch_put_bytes(batch, kind, text, strlen(text), NULL), STATUS_OK);
    }
    batch_put_integer(batch, 1);
    batch_end_row(batch, 0);
}

static void tells_rows_apart(void **state) {
    struct batch batch = { 0 };
    struct digest digests[7];

    (void)state;
    assert_int_equal(batch_reset(&batch, 2, false, NULL), STATUS_OK);
    put_row(&batch, VALUE_TEXT, "a", 0);
    put_row(&batch, VALUE_BLOB, "a", 0);
    put_row(&batch, VALUE_TEXT, "ab", 0);
    put_row(&batch, VALUE_TEXT, "", 0);
    put_row(&batch, VALUE_NULL, NULL, 0);
    put_row(&batch, VALUE_INTEGER, NULL, 0);
    put_row(&batch, VALUE_TEXT, "a", 0);
    for (int i = 0; i < 7; i++) {
        digests[i] = digest_row(&batch, i, key);
    }
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < i; k++) {
            assert_true(digests[i].low != digests[k].low || digests[i].high != digests[k].high);
        }
    }
    assert_true(digests[6].low == digests[0].low && digests[6].high == digests[0].high);
    batch_clear(&batch);
}

static void numbers_occurrences(void **state) {
    struct digest_map counts = { 0 }, numbers = { 0 };
    int64_t before, number, first[3000];

    (void)state;
    for (uint64_t i = 0; i < 3000; i++) { /* every digest three times */
        struct digest digest = { .low = i / 3 * 64, .high = 5 };

        assert_int_equal(digest_map_count(&counts, digest, &before, NULL), STATUS_OK);
        assert_int_equal(before, i % 3);
        assert_int_equal(
                digest_map_number(&numbers, digest, before, &first[i], NULL), STATUS_OK);
        assert_int_equal(first[i], i + 1);
    }
    for (uint64_t i = 3000; i-- > 0;) { /* another scan, another order: the same numbers */
        struct digest digest = { .low = i / 3 * 64, .high = 5 };

        assert_int_equal(digest_map_number(&numbers, digest, (int64_t)(i % 3), &number, NULL),
                STATUS_OK);
        assert_int_equal(number, first[i]);
    }
    digest_map_clear(&counts);
    digest_map_clear(&numbers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_rows_apart),
        cmocka_unit_test(numbers_occurrences),
    };

    host_start();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
