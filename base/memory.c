/* Allocation over sqlite3_malloc64 and arenas of doubling blocks. */
#include "base/memory.h"

#include "base/sqlite.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum {
    ARENA_BLOCK_BYTES = 1024,
    ARENA_BLOCK_BYTES_MAX = 65536,
    ARENA_ALIGNMENT = 8, /* all that sqlite3_malloc64() promises; more would not hold */
};

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(ARENA_ALIGNMENT) char data[];
};

void *memory_alloc(size_t bytes) {
    void *memory = sqlite3_malloc64(bytes > 0 ? bytes : 1);

    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

void *memory_alloc_array(size_t count, size_t item_bytes) {
    if (item_bytes != 0 && count > SIZE_MAX / item_bytes) {
        return NULL;
    }
    return memory_alloc(count * item_bytes);
}

void *memory_resize_array(void *old, size_t count, size_t item_bytes) {
    if (item_bytes != 0 && count > SIZE_MAX / item_bytes) {
        return NULL;
    }
    return sqlite3_realloc64(old, count * item_bytes > 0 ? count * item_bytes : 1);
}

char *memory_copy_text(const char *text) {
    size_t bytes;
    char *copy;

    if (text == NULL) {
        return NULL;
    }
    bytes = strlen(text) + 1;
    copy = sqlite3_malloc64(bytes);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void memory_free(void *memory) {
    sqlite3_free(memory);
}

static struct arena_block *arena_add_block(struct arena *arena, size_t bytes) {
    size_t size = arena->blocks == NULL ? ARENA_BLOCK_BYTES : arena->blocks->size * 2;
    struct arena_block *block;

    if (size > ARENA_BLOCK_BYTES_MAX) {
        size = ARENA_BLOCK_BYTES_MAX;
    }
    if (size < bytes) {
        size = bytes;
    }
    block = sqlite3_malloc64(sizeof(*block) + size);
    if (block != NULL) {
        block->next = arena->blocks;
        block->used = 0;
        block->size = size;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t bytes) {
    struct arena_block *block = arena->blocks;
    void *memory;

    if (bytes > SIZE_MAX / 2) {
        return NULL;
    }
    bytes = (bytes + ARENA_ALIGNMENT - 1) & ~((size_t)ARENA_ALIGNMENT - 1);
    if (block == NULL || block->size - block->used < bytes) {
        block = arena_add_block(arena, bytes);
        if (block == NULL) {
            return NULL;
        }
    }
    memory = block->data + block->used;
    block->used += bytes;
    memset(memory, 0, bytes);
    return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t item_bytes) {
    if (item_bytes != 0 && count > SIZE_MAX / item_bytes) {
        return NULL;
    }
    return arena_alloc(arena, count * item_bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t length) {
    char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;

    if (copy != NULL && length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *arena_copy_text(struct arena *arena, const char *text) {
    return text == NULL ? NULL : arena_copy(arena, text, strlen(text));
}

void arena_clear(struct arena *arena) {
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;

        sqlite3_free(arena->blocks);
        arena->blocks = next;
    }
}

/* The newest block is kept, which is the largest of those that grew by doubling; one made for a
 * single huge piece is not, since it would be paid for ever after. */
void arena_reset(struct arena *arena) {
    struct arena_block *keep = arena->blocks;

    if (keep == NULL || keep->size > ARENA_BLOCK_BYTES_MAX) {
        arena_clear(arena);
        return;
    }
    arena->blocks = keep->next;
    arena_clear(arena);
    keep->next = NULL;
    keep->used = 0;
    arena->blocks = keep;
}
