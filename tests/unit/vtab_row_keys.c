/* Keys of several columns by the number of their row: vtab/row_keys.c. */
#include "vtab/row_keys.h"

#include "tests/support/check.h"

enum { COLUMNS = 3, COUNT = 2000 }; /* many more than the first slots */

static const int find_columns[] = { 2, 0 };
static const struct schema schema = {
    .remote_name = "t", .find_columns = find_columns, .find_count = 2
};
static const int places[COLUMNS] = { 1, -1, 0 }; /* column 1 was not fetched */

/* One row: columns 2 and 0, as the batch has them. */
static void put_row(struct batch *batch, enum value_kind kind, const char *bytes, size_t length,
        int64_t number) {
    check_status("reset", STATUS_OK, batch_reset(batch, 2, false, NULL), NULL);
    batch_begin_row(batch);
    check_status("put", STATUS_OK, batch_put_bytes(batch, kind, bytes, length, NULL), NULL);
    batch_put_integer(batch, number);
    batch_end_row(batch, 0);
}

static enum status keep(
        struct row_keys *keys, const struct batch *batch, int64_t number, struct error *err) {
    return row_keys_keep(keys, &schema, batch, places, 0, number, err);
}

static void check_key(const struct row_keys *keys, const char *label, int64_t number,
        enum value_kind kind, const char *bytes, size_t length, int64_t integer) {
    const struct value *key = row_keys_find(keys, number);

    check_true(label, key != NULL);
    check_int(label, kind, key[0].kind);
    check_bytes(label, bytes, length, key[0].bytes, key[0].length);
    check_int(label, VALUE_INTEGER, key[1].kind);
    check_int(label, integer, key[1].integer);
}

static void nothing_is_found_in_none(void **state) {
    struct row_keys keys = { 0 };

    (void)state;
    check_true("empty", row_keys_find(&keys, 0) == NULL);
    row_keys_clear(&keys);
    check_true("cleared", row_keys_find(&keys, 0) == NULL);
}

/* Numbers that share their lowest bits look for another slot; growing moves all. */
static void keys_outlive_their_batch(void **state) {
    struct row_keys keys = { 0 };
    struct batch batch = { 0 };
    char text[32];

    (void)state;
    for (int64_t i = 0; i < COUNT; i++) {
        int length = snprintf(text, sizeof(text), "key %lld", (long long)i);

        put_row(&batch, VALUE_TEXT, text, (size_t)length, -i);
        check_status("kept", STATUS_OK, keep(&keys, &batch, i * 4096 - 7, NULL), NULL);
    }
    batch_clear(&batch);
    check_int("all", COUNT, (int64_t)keys.count);
    for (int64_t i = 0; i < COUNT; i++) {
        int length = snprintf(text, sizeof(text), "key %lld", (long long)i);

        check_key(&keys, text, i * 4096 - 7, VALUE_TEXT, text, (size_t)length, -i);
    }
    check_true("none between", row_keys_find(&keys, -6) == NULL);
    row_keys_clear(&keys);
    check_true("cleared", row_keys_find(&keys, -7) == NULL);
}

static void a_number_is_of_one_key(void **state) {
    static const struct {
        const char *label;
        enum value_kind kind;
        const char *bytes;
        size_t length;
        int64_t integer;
        enum status want;
    } cases[] = {
        { "the same", VALUE_TEXT, "a\0b", 3, 1, STATUS_OK },
        { "longer", VALUE_TEXT, "a\0bc", 4, 1, STATUS_UNSUPPORTED },
        { "behind a NUL", VALUE_TEXT, "a\0c", 3, 1, STATUS_UNSUPPORTED },
        { "bytes", VALUE_BLOB, "a\0b", 3, 1, STATUS_UNSUPPORTED },
        { "the other column", VALUE_TEXT, "a\0b", 3, 2, STATUS_UNSUPPORTED },
    };
    struct row_keys keys = { 0 };
    struct batch batch = { 0 };

    (void)state;
    put_row(&batch, VALUE_TEXT, "a\0b", 3, 1);
    check_status("first", STATUS_OK, keep(&keys, &batch, 5, NULL), NULL);
    for (size_t i = 0; i < check_count(cases); i++) {
        struct error err = { 0 };

        put_row(&batch, cases[i].kind, cases[i].bytes, cases[i].length, cases[i].integer);
        check_status(cases[i].label, cases[i].want, keep(&keys, &batch, 5, &err), &err);
        error_clear(&err);
    }
    check_int("one", 1, (int64_t)keys.count);
    check_key(&keys, "as it was", 5, VALUE_TEXT, "a\0b", 3, 1); /* its NUL is no end */
    row_keys_clear(&keys);
    batch_clear(&batch);
}

static void memory_has_a_bound(void **state) {
    enum { LARGE = 1024 * 1024 };
    char *large = memory_alloc(LARGE);
    struct row_keys keys = { 0 };
    struct batch batch = { 0 };
    struct error err = { 0 };
    int64_t kept = 0;

    (void)state;
    check_true("memory", large != NULL);
    put_row(&batch, VALUE_BLOB, large, LARGE, 1);
    while (kept < 2 * ROW_KEYS_BYTES_MAX / LARGE &&
            keep(&keys, &batch, kept, &err) == STATUS_OK) {
        kept++;
    }
    check_int("as many as fit", ROW_KEYS_BYTES_MAX / LARGE, kept);
    check_status("then no more", STATUS_TOO_BIG, err.status, &err);
    error_clear(&err);
    check_status("one that is there", STATUS_OK, keep(&keys, &batch, 0, NULL), NULL);
    row_keys_clear(&keys);
    check_status("room again", STATUS_OK, keep(&keys, &batch, 0, NULL), NULL);
    row_keys_clear(&keys);
    batch_clear(&batch);
    memory_free(large);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_found_in_none),
        cmocka_unit_test(keys_outlive_their_batch), cmocka_unit_test(a_number_is_of_one_key),
        cmocka_unit_test(memory_has_a_bound) };

    return check_run(tests);
}
