/* Allocations that fail when told to: the n-th from now, the others go well. */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_FAILING_MEMORY_H
#define DRAWBRIDGE_TESTS_SUPPORT_FAILING_MEMORY_H

#include "tests/support/check.h"

#include <stdbool.h>

/* Before SQLite is used at all; while none is asked to fail all allocations go well. */
void failing_memory_install(void);
/* The n-th from now fails, the others go well. 0: none does. */
void failing_allocation(int n);
/* How many are left before the one that fails, itself included; 0: it came, or none was asked
 * for. From now on none fails. */
int failing_allocations_left(void);

/* Something to try: returns a status and leaves nothing behind. */
struct attempt_case {
    const char *label;
    enum status (*attempt)(struct error *);
};

/* Tries each with the first, the second, ... allocation failing until it goes well: it says
 * STATUS_NOMEM or does its work, and nothing leaks. It allocates at least `least` times. */
void check_each_allocation(const struct attempt_case *cases, size_t count, int least);

#endif
