/* key=value words, driven by tables of option_spec.
 *
 * The same words stand in function arguments, in CREATE VIRTUAL TABLE and in a URL's query
 * part. Sets chain: a table's options fall back to its server's, those to the defaults of the
 * tables. `word.COLUMN=value` sets one for a column where the spec has OPTION_PER_COLUMN. */
#ifndef DRAWBRIDGE_BASE_OPTIONS_H
#define DRAWBRIDGE_BASE_OPTIONS_H

#include "base/memory.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum option_type { OPTION_TEXT, OPTION_BOOL, OPTION_INTEGER, OPTION_CHOICE };

enum option_flag {
    OPTION_SECRET = 1,     /* its value reaches neither errors nor traces nor metadata tables */
    OPTION_PER_COLUMN = 2, /* also as name.COLUMN=value */
    OPTION_PREFIX = 4,   /* the name ends in "." and stands for any word that begins with it */
    OPTION_REPEATED = 8, /* may be given several times; otherwise the last one counts */
    OPTION_COLUMN_ONLY = 16, /* with OPTION_PER_COLUMN: never for the whole set */
};

struct option_spec {
    const char *name; /* NULL ends a table */
    enum option_type type;
    unsigned flags;
    const char *fallback; /* the default, as a user would write it; NULL: unset */
    const char *choices;  /* OPTION_CHOICE: "raw|sqlalchemy|pydal"; OPTION_INTEGER: words that
                           * may stand for one, which options_integer() gives as 0 */
    int64_t min, max;     /* OPTION_INTEGER: both inclusive */
    const char *help;     /* one line, lower case */
};

struct option_entry {
    const struct option_spec *spec;
    const char *name;   /* as given, up to "=": "numeric.price", "set.app.tenant" */
    const char *suffix; /* behind the first dot ("price", "app.tenant"), or NULL */
    const char *value;
    struct option_entry *next; /* in the order given */
};

enum { OPTION_TABLES_MAX = 6 };

struct options {
    struct arena arena;
    const struct option_spec *tables[OPTION_TABLES_MAX]; /* what may be said; NULL ends */
    struct option_entry *first, *last;
    const struct options *parent; /* asked when a word is not set here; borrowed */
};

/* tables: NULL-ended, borrowed for ever (constants). Clear frees all but the parent. */
void options_init(struct options *, const struct option_spec *const *tables,
        const struct options *parent);
void options_clear(struct options *);

/* Is the word in front of "=" one of this set's? */
bool options_knows(const struct options *, const char *word, size_t length);
/* One `key=value`. An unknown key is STATUS_USAGE with the known ones, nearest first; so is a
 * value that its spec does not allow. Blanks around key and "=" are dropped. */
enum status options_add(struct options *, const char *text, struct error *);
enum status options_set(struct options *, const char *key, const char *value, struct error *);

/* The value in force: this set, its parents, the default. name must be in a table (asserted).
 */
const char *options_text(const struct options *, const char *name); /* NULL when unset */
bool options_bool(const struct options *, const char *name);        /* false when unset */
int64_t options_integer(const struct options *, const char *name);  /* 0 when unset */
/* The same for one column: `name.column=` (ASCII case ignored) anywhere in the chain wins. */
const char *options_column_text(const struct options *, const char *name, const char *column);
/* Was it said at all, here or in a parent: for the whole set (or any word of an OPTION_PREFIX),
 * for one column? */
bool options_given(const struct options *, const char *name);
bool options_column_given(const struct options *, const char *name, const char *column);

/* The items of a list "a,b": calls each with one, blanks trimmed, without the double quotes
 * that protect commas and blanks ("" inside of them is a quote); empty items are left out
 * unless quoted. Stops at the first status that is not OK; STATUS_NOMEM may also be its own. */
enum status list_each(const char *list,
        enum status (*each)(void *context, const char *item, size_t length), void *context);
/* ASCII case-insensitive match of a shell pattern with * and ?. */
bool glob_matches(const char *pattern, size_t pattern_length, const char *text);

#endif
