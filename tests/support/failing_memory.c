/* Allocations that fail when told to. */
#include "tests/support/failing_memory.h"

#include <sqlite3.h>

enum { ATTEMPTS_MAX = 2000 };

static sqlite3_mem_methods real;
static int countdown; /* fails at 1; 0: never */

static bool fails_now(void) {
    return countdown > 0 && --countdown == 0;
}

static void *failing_malloc(int bytes) {
    return fails_now() ? NULL : real.xMalloc(bytes);
}

static void *failing_realloc(void *old, int bytes) {
    return fails_now() ? NULL : real.xRealloc(old, bytes);
}

void failing_memory_install(void) {
    sqlite3_mem_methods failing;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    failing = real;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
}

void failing_allocation(int n) {
    countdown = n;
}

int failing_allocations_left(void) {
    int left = countdown;

    countdown = 0;
    return left;
}

static enum status try_one(const struct attempt_case *what, int n) {
    struct error err = { 0 };
    enum status status;

    failing_allocation(n);
    status = what->attempt(&err);
    failing_allocations_left();
    check_true(what->label, status == STATUS_OK || status == STATUS_NOMEM);
    check_status(what->label, status, err.status, &err);
    error_clear(&err);
    return status;
}

void check_each_allocation(const struct attempt_case *cases, size_t count, int least) {
    for (size_t i = 0; i < count; i++) {
        sqlite3_int64 before = sqlite3_memory_used();
        int n = 1;

        while (try_one(&cases[i], n) != STATUS_OK) {
            check_int(cases[i].label, before, sqlite3_memory_used());
            check_true(cases[i].label, ++n < ATTEMPTS_MAX);
        }
        check_int(cases[i].label, before, sqlite3_memory_used());
        check_true(cases[i].label, n > least); /* it did allocate */
    }
}
