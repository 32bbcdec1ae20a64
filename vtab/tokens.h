/* SQL text, word by word: as much as is needed to find what an INSERT names. */
#ifndef DRAWBRIDGE_VTAB_TOKENS_H
#define DRAWBRIDGE_VTAB_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

/* A zeroed one with `at` set stands before the first token. */
struct tokens {
    const char *at;    /* behind the token */
    const char *start; /* the token as it is written; length 0: the end of the text */
    size_t length;
    bool is_name; /* a word or a quoted name */
    int depth;    /* of parentheses around it */
};

bool tokens_next(struct tokens *); /* false at the end */
/* Is it this keyword, not quoted? */
bool tokens_is(const struct tokens *, const char *keyword);
/* Does the token, quoted or not, name this object? ASCII case is ignored, as SQLite does. */
bool tokens_names(const struct tokens *, const char *name);

#endif
