/* One face over the host's allocator, so that one counter (SQLITE_CONFIG_MALLOC in the tests)
 * can fail any allocation, and arenas for things that live and die together.
 *
 * Every function that allocates returns NULL when memory is out; the caller answers it. */
#ifndef DRAWBRIDGE_BASE_MEMORY_H
#define DRAWBRIDGE_BASE_MEMORY_H

#include <stddef.h>

void *memory_alloc(size_t bytes);                          /* zeroed */
void *memory_alloc_array(size_t count, size_t item_bytes); /* zeroed; the product is checked */
/* The new part is not zeroed; NULL leaves old as it was. */
void *memory_resize_array(void *old, size_t count, size_t item_bytes);
char *memory_copy_text(const char *text); /* NULL gives NULL */
void memory_free(void *);                 /* accepts NULL */

/* Many small pieces with one end of life. A zeroed struct is an empty arena. Pieces are aligned
 * to 8 bytes (integers, doubles, pointers; not long double) and stay where they are until the
 * arena is reset or cleared. */
struct arena {
    struct arena_block *blocks;
};

void *arena_alloc(struct arena *, size_t bytes);                          /* zeroed */
void *arena_alloc_array(struct arena *, size_t count, size_t item_bytes); /* zeroed, checked */
char *arena_copy(struct arena *, const char *text, size_t length); /* with a NUL behind it */
char *arena_copy_text(struct arena *, const char *text);           /* NULL gives NULL */
void arena_reset(struct arena *); /* all pieces end; one block is kept for the next round */
void arena_clear(struct arena *); /* all memory back */

#endif
