/* The process's number, kept where a fork wipes it; see process.h.
 *
 * The kernel empties the page in the child. A handler of pthread_atfork() would miss _Fork()
 * and clone(). */
#include "base/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic pid_t *kept; /* NULL: this kernel cannot do it */

/* The page stays: the library is never unloaded. */
static void make_page(void) {
    void *page = mmap(
            NULL, sizeof(*kept), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return;
    }
    if (madvise(page, sizeof(*kept), MADV_WIPEONFORK) == 0) {
        kept = page;
    } else {
        munmap(page, sizeof(*kept));
    }
}

pid_t process_id(void) {
    pid_t id;

    if (pthread_once(&once, make_page) != 0 || kept == NULL) {
        return getpid();
    }
    id = atomic_load_explicit(kept, memory_order_relaxed);
    if (id == 0) {
        id = getpid();
        atomic_store_explicit(kept, id, memory_order_relaxed);
    }
    return id;
}
