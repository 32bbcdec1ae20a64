/* base/memory.c: sizes that cannot be had, and what an arena promises about its pieces. */
#include "base/memory.h"
#include "tests/support/check.h"

#include <stdbool.h>

static bool all_zero(const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void test_sizes_that_overflow_are_refused(void **state) {
    static const struct {
        size_t count, item_bytes;
        bool given;
    } cases[] = {
        { 0, 0, true },
        { 0, SIZE_MAX, true },
        { SIZE_MAX, 0, true },
        { 3, 7, true },
        { SIZE_MAX, 2, false },
        { SIZE_MAX / 2 + 1, 2, false },
        { 2, SIZE_MAX / 2 + 1, false },
        { SIZE_MAX, SIZE_MAX, false },
        { 1, SIZE_MAX, false },
        { 1, SIZE_MAX / 2, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = { 0 };
        char *memory = memory_alloc_array(cases[i].count, cases[i].item_bytes);
        void *resized = memory_resize_array(NULL, cases[i].count, cases[i].item_bytes);
        char *piece = arena_alloc_array(&arena, cases[i].count, cases[i].item_bytes);

        assert_int_equal(memory != NULL, cases[i].given);
        assert_int_equal(resized != NULL, cases[i].given);
        assert_int_equal(piece != NULL, cases[i].given);
        if (cases[i].given) {
            assert_true(all_zero(memory, cases[i].count * cases[i].item_bytes));
            assert_true(all_zero(piece, cases[i].count * cases[i].item_bytes));
        }
        memory_free(memory);
        memory_free(resized);
        arena_clear(&arena);
    }
}

static void test_a_refused_resize_leaves_the_old_memory(void **state) {
    char *text = memory_copy_text("kept");

    (void)state;
    assert_null(memory_resize_array(text, SIZE_MAX, 2));
    assert_string_equal(text, "kept");
    memory_free(text);
    assert_null(memory_copy_text(NULL));
    memory_free(NULL);
}

/* Sizes from 0 to beyond the largest block: zeroed, aligned, apart, and where they were. */
static void test_arena_pieces_stay(void **state) {
    static const size_t sizes[] = { 0, 1, 7, 8, 15, 16, 17, 1000, 1024, 1025, 5000, 65536,
        200000 };
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]), PIECES = 20 * COUNT };
    struct arena arena = { 0 };

    (void)state;
    for (int reset = 0; reset < 3; reset++) {
        unsigned char *pieces[PIECES];

        for (size_t i = 0; i < PIECES; i++) {
            size_t size = sizes[i % COUNT];

            pieces[i] = arena_alloc(&arena, size);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 8, 0);
            assert_true(all_zero((char *)pieces[i], size));
            memset(pieces[i], (int)(i % 251) + 1, size);
        }
        for (size_t i = 0; i < PIECES; i++) {
            for (size_t k = 0; k < sizes[i % COUNT]; k++) {
                assert_int_equal(pieces[i][k], i % 251 + 1);
            }
        }
        arena_reset(&arena);
    }
    arena_clear(&arena);
    arena_clear(&arena);
    arena_reset(&arena);
}

static void test_arena_copies_end_in_nul(void **state) {
    struct arena arena = { 0 };

    (void)state;
    assert_null(arena_copy_text(&arena, NULL));
    assert_string_equal(arena_copy_text(&arena, ""), "");
    assert_string_equal(arena_copy_text(&arena, "abc"), "abc");
    assert_string_equal(arena_copy(&arena, "abc", 2), "ab");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    assert_memory_equal(arena_copy(&arena, "a\0b", 3), "a\0b", 4);
    assert_null(arena_copy(&arena, "a", SIZE_MAX));
    arena_clear(&arena);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_a_refused_resize_leaves_the_old_memory),
        cmocka_unit_test(test_arena_pieces_stay),
        cmocka_unit_test(test_arena_copies_end_in_nul),
    };

    return check_run(tests);
}
