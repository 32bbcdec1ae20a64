/* drivers/batch.c: rows come out as they went in, through every growth of the heap. */
#include "drivers/batch.h"

#include "tests/support/check.h"

#include <math.h>

enum { COLUMNS = 5 };

static void put_row(struct batch *batch, int64_t n) {
    char text[64];
    int length = snprintf(text, sizeof(text), "row %lld", (long long)n);
    char *place;

    batch_begin_row(batch);
    batch_put_integer(batch, n);
    batch_put_real(batch, (double)n / 4);
    check_int(
            "text", STATUS_OK, batch_put_bytes(batch, VALUE_TEXT, text, (size_t)length, NULL));
    place = batch_reserve(batch, (size_t)n % 50, NULL);
    check_true("reserved", place != NULL);
    memset(place, (int)(n % 7), (size_t)n % 50);
    batch_put_reserved(batch, VALUE_BLOB, (size_t)n % 50);
    batch_put_null(batch);
    batch_end_row(batch, -n);
}

static void check_row(const struct batch *batch, int64_t row, int64_t n) {
    static const enum value_kind kinds[COLUMNS] = { VALUE_INTEGER, VALUE_REAL, VALUE_TEXT,
        VALUE_BLOB, VALUE_NULL };
    const union cell *text = batch_cell(batch, 2, row), *blob = batch_cell(batch, 3, row);
    char want[64];

    for (size_t column = 0; column < COLUMNS; column++) {
        check_int("kind", kinds[column], batch_kind(batch, column, row));
    }
    snprintf(want, sizeof(want), "row %lld", (long long)n);
    check_int("integer", n, batch_cell(batch, 0, row)->integer);
    check_true("real", batch_cell(batch, 1, row)->real == (double)n / 4);
    check_text("text", want, batch->heap + text->start);
    check_int("text length", (int64_t)strlen(want), text->length);
    check_int("blob length", n % 50, blob->length);
    for (uint32_t i = 0; i < blob->length; i++) {
        check_int("blob", n % 7, batch->heap[blob->start + i]);
    }
    check_int("NUL behind", 0, batch->heap[blob->start + blob->length]);
    check_int("rowid", -n, batch->rowids[row]);
}

static void rows_come_out_as_they_went_in(void **state) {
    struct batch batch = { 0 };

    (void)state;
    for (int64_t round = 0; round < 3; round++) {
        int64_t n = round * 10000;

        check_int("reset", STATUS_OK, batch_reset(&batch, COLUMNS, true, NULL));
        check_int("empty", 0, batch.rows);
        while (!batch_full(&batch)) {
            put_row(&batch, n++);
        }
        check_int("full", BATCH_ROWS_MAX, batch.rows);
        for (int64_t row = 0; row < batch.rows; row++) {
            check_row(&batch, row, round * 10000 + row);
        }
    }
    batch_clear(&batch);
    batch_clear(&batch);
}

static void special_values(void **state) {
    struct batch batch;

    (void)state;
    batch_init(&batch);
    batch_reset(&batch, 7, false, NULL);
    batch_begin_row(&batch);
    batch_put_real(&batch, -0.0);
    batch_put_real(&batch, -INFINITY);
    batch_put_bytes(&batch, VALUE_TEXT, "a\0b", 3, NULL);
    batch_put_bytes(&batch, VALUE_BLOB, "a\0b", 3, NULL);
    batch_put_bytes(&batch, VALUE_TEXT, NULL, 0, NULL);
    batch_put_bytes(&batch, VALUE_BLOB, NULL, 0, NULL);
    batch_put_bytes(&batch, VALUE_TEXT, "\0", 1, NULL);
    batch_end_row(&batch, 7);
    check_true("negative zero", signbit(batch_cell(&batch, 0, 0)->real));
    check_true("infinity", batch_cell(&batch, 1, 0)->real == -INFINITY);
    check_int("inner NUL", VALUE_TEXT_NUL, batch_kind(&batch, 2, 0));
    check_int("a blob may", VALUE_BLOB, batch_kind(&batch, 3, 0));
    check_int("empty text", VALUE_TEXT, batch_kind(&batch, 4, 0));
    check_int("empty text", 0, batch_cell(&batch, 4, 0)->length);
    check_int("empty blob", VALUE_BLOB, batch_kind(&batch, 5, 0));
    check_int("one NUL", VALUE_TEXT_NUL, batch_kind(&batch, 6, 0));
    batch_clear(&batch);
}

static void a_failed_row_is_dropped(void **state) {
    struct batch batch = { 0 };
    struct error err = { 0 };

    (void)state;
    batch_reset(&batch, 2, false, NULL);
    batch_begin_row(&batch);
    batch_put_integer(&batch, 1);
    check_status("too long", STATUS_TOO_BIG,
            batch_put_bytes(&batch, VALUE_TEXT, "", (size_t)BATCH_HEAP_BYTES_MAX + 1, &err),
            &err);
    check_int("the same without an error", STATUS_TOO_BIG,
            batch_put_bytes(&batch, VALUE_TEXT, "", SIZE_MAX, NULL));
    check_true("not reserved", batch_reserve(&batch, SIZE_MAX, NULL) == NULL);
    batch_begin_row(&batch);
    batch_put_integer(&batch, 2);
    batch_put_null(&batch);
    batch_end_row(&batch, 0);
    check_int("rows", 1, batch.rows);
    check_int("the second one", 2, batch_cell(&batch, 0, 0)->integer);
    batch_clear(&batch);
    error_clear(&err);
}

static void big_rows_fill_a_batch(void **state) {
    enum { BYTES = 6 * BATCH_HEAP_BYTES_SOFT };
    struct batch batch = { 0 };
    char *place;

    (void)state;
    batch_reset(&batch, 1, false, NULL);
    batch_begin_row(&batch);
    place = batch_reserve(&batch, BYTES, NULL);
    check_true("reserved", place != NULL);
    memset(place, 'x', BYTES);
    batch_put_reserved(&batch, VALUE_TEXT, BYTES);
    batch_end_row(&batch, 0);
    check_true("full with one row", batch_full(&batch) && batch.rows == 1);
    check_int("length", BYTES, (int64_t)strlen(batch.heap));
    batch_reset(&batch, 1, false, NULL);
    check_true("not paid for ever", batch.heap_size < BYTES);
    check_true("room again", !batch_full(&batch));
    batch_clear(&batch);
}

static void columns_may_change(void **state) {
    static const size_t counts[] = { 0, 3, 1600, 0, 1, 1 };
    struct batch batch = { 0 };

    (void)state;
    for (size_t i = 0; i < check_count(counts); i++) {
        check_int("reset", STATUS_OK, batch_reset(&batch, counts[i], i % 2 == 0, NULL));
        for (int64_t row = 0; row < 2; row++) {
            batch_begin_row(&batch);
            for (size_t column = 0; column < counts[i]; column++) {
                batch_put_integer(&batch, (int64_t)column + row);
            }
            batch_end_row(&batch, row);
        }
        for (size_t column = 0; column < counts[i]; column++) {
            check_int("cell", (int64_t)column + 1, batch_cell(&batch, column, 1)->integer);
        }
    }
    check_int("columns beyond memory", STATUS_NOMEM,
            batch_reset(&batch, SIZE_MAX / 2, false, NULL));
    check_int("usable after", STATUS_OK, batch_reset(&batch, 1, true, NULL));
    batch_clear(&batch);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_as_they_went_in),
        cmocka_unit_test(special_values),
        cmocka_unit_test(a_failed_row_is_dropped),
        cmocka_unit_test(big_rows_fill_a_batch),
        cmocka_unit_test(columns_may_change),
    };

    return check_run(tests);
}
