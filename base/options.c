/* key=value words; see options.h. The tables of what may be said are the callers' (registry.c
 * and the drivers); this file only reads them. */
#include "base/options.h"

#include "base/sqlite.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTIONS_KNOWN_MAX = 128, /* words of all tables of one set, for the error that lists them */
    OPTIONS_DISTANCE_MAX = 40, /* longer words are compared by their beginning */
    OPTIONS_MESSAGE_BYTES = 4096,
};

static const struct {
    const char *word;
    bool value;
} bool_words[] = {
    { "0", false },
    { "1", true },
    { "false", false },
    { "true", true },
    { "off", false },
    { "on", true },
    { "no", false },
    { "yes", true },
};

/* ---- making and finding --------------------------------------------------------------------
 */

void options_init(struct options *options, const struct option_spec *const *tables,
        const struct options *parent) {
    size_t count = 0;

    memset(options, 0, sizeof(*options));
    options->parent = parent;
    for (; tables[count] != NULL; count++) {
        assert(count + 1 <
                OPTION_TABLES_MAX); /* ensured by callers: their tables are constants */
        options->tables[count] = tables[count];
    }
}

void options_clear(struct options *options) {
    arena_clear(&options->arena);
    options->first = NULL;
    options->last = NULL;
}

/* Is it this spec's word, alone or with what its flags allow behind it? */
static bool spec_matches(const struct option_spec *spec, const char *word, size_t length) {
    size_t own = strlen(spec->name);

    if (length < own || memcmp(word, spec->name, own) != 0) {
        return false;
    }
    if (spec->flags & OPTION_PREFIX) {
        return length > own;
    }
    if (length == own) {
        return !(spec->flags & OPTION_COLUMN_ONLY);
    }
    return (spec->flags & OPTION_PER_COLUMN) && length > own + 1 && word[own] == '.';
}

static const struct option_spec *find_spec(
        const struct options *options, const char *word, size_t length) {
    for (size_t t = 0; options->tables[t] != NULL; t++) {
        for (const struct option_spec *spec = options->tables[t]; spec->name != NULL; spec++) {
            if (spec_matches(spec, word, length)) {
                return spec;
            }
        }
    }
    return NULL;
}

bool options_knows(const struct options *options, const char *word, size_t length) {
    return find_spec(options, word, length) != NULL;
}

/* ---- unknown words -------------------------------------------------------------------------
 */

static size_t smallest(size_t a, size_t b, size_t c) {
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* How many letters to put in, take out or change, to make one word of the other. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t row[OPTIONS_DISTANCE_MAX + 1];

    a_length = a_length < OPTIONS_DISTANCE_MAX ? a_length : OPTIONS_DISTANCE_MAX;
    b_length = b_length < OPTIONS_DISTANCE_MAX ? b_length : OPTIONS_DISTANCE_MAX;
    for (size_t i = 0; i <= a_length; i++) {
        row[i] = i;
    }
    for (size_t k = 1; k <= b_length; k++) {
        size_t diagonal = row[0];

        row[0] = k;
        for (size_t i = 1; i <= a_length; i++) {
            size_t above = row[i];

            row[i] = smallest(row[i] + 1, row[i - 1] + 1, diagonal + (a[i - 1] != b[k - 1]));
            diagonal = above;
        }
    }
    return row[a_length];
}

struct known {
    const struct option_spec *spec;
    size_t distance;
};

/* Keeps the nearest first; words equally near stay in the tables' order. */
static void add_known(struct known *known, size_t *count, struct known item) {
    size_t at = *count;

    for (size_t i = 0; i < *count; i++) {
        if (strcmp(known[i].spec->name, item.spec->name) == 0) {
            return; /* two tables have the same word */
        }
    }
    for (; at > 0 && known[at - 1].distance > item.distance; at--) {
        known[at] = known[at - 1];
    }
    known[at] = item;
    (*count)++;
}

static size_t list_known(
        const struct options *options, const char *word, size_t length, struct known *known) {
    size_t count = 0;

    for (size_t t = 0; options->tables[t] != NULL; t++) {
        for (const struct option_spec *spec = options->tables[t];
                spec->name != NULL && count < OPTIONS_KNOWN_MAX; spec++) {
            size_t distance = edit_distance(word, length, spec->name, strlen(spec->name));

            add_known(known, &count, (struct known){ spec, distance });
        }
    }
    return count;
}

static enum status unknown_word(
        const struct options *options, const char *word, size_t length, struct error *err) {
    struct known known[OPTIONS_KNOWN_MAX];
    const char *dot = memchr(word, '.', length);
    size_t count =
            list_known(options, word, dot != NULL ? (size_t)(dot - word) : length, known);
    enum status status;
    struct text list;

    text_init(&list, OPTIONS_MESSAGE_BYTES);
    for (size_t i = 0; i < count; i++) {
        text_append(&list, i > 0 ? ", " : "");
        text_append(&list, known[i].spec->name);
        text_append(&list, known[i].spec->flags & OPTION_PREFIX ? "NAME" : "");
        text_append(&list, known[i].spec->flags & OPTION_COLUMN_ONLY ? ".COLUMN" : "");
    }
    status = error_set(err, STATUS_USAGE, "unknown option \"%.*s\": known are %s", (int)length,
            word, text_get(&list));
    text_clear(&list);
    return status;
}

/* A URL given in an option's place holds a password in what looks like the word. */
static bool may_be_named(const char *word, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (strchr("@/:?#", word[i]) != NULL) {
            return false;
        }
    }
    return length > 0 && length <= OPTIONS_DISTANCE_MAX;
}

/* ---- values --------------------------------------------------------------------------------
 */

static bool read_bool(const char *text, bool *out) {
    for (size_t i = 0; i < sizeof(bool_words) / sizeof(bool_words[0]); i++) {
        if (sqlite3_stricmp(text, bool_words[i].word) == 0) {
            *out = bool_words[i].value;
            return true;
        }
    }
    return false;
}

static bool read_integer(const char *text, int64_t *out) {
    const char *digits = text[0] == '-' ? text + 1 : text;

    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == 0;
}

static bool is_choice(const char *choices, const char *value) {
    size_t length = strlen(value);

    while (length > 0) {
        size_t item = strcspn(choices, "|");

        if (item == length && memcmp(choices, value, length) == 0) {
            return true;
        }
        if (choices[item] == '\0') {
            return false;
        }
        choices += item + 1;
    }
    return false;
}

/* What a value must be, where it is not; empty where it is. */
static void check_value(
        const struct option_spec *spec, const char *value, struct text *wanted) {
    int64_t integer;
    bool boolean;

    switch (spec->type) {
    case OPTION_TEXT:
        break;
    case OPTION_BOOL:
        if (!read_bool(value, &boolean)) {
            text_append(wanted, "0 or 1");
        }
        break;
    case OPTION_INTEGER:
        if (spec->choices != NULL && is_choice(spec->choices, value)) {
            break;
        }
        if (!read_integer(value, &integer) || integer < spec->min || integer > spec->max) {
            text_printf(wanted, "%s%san integer from %lld to %lld",
                    spec->choices != NULL ? spec->choices : "",
                    spec->choices != NULL ? " or " : "", (long long)spec->min,
                    (long long)spec->max);
        }
        break;
    case OPTION_CHOICE:
        if (!is_choice(spec->choices, value)) {
            text_printf(wanted, "one of %s", spec->choices);
        }
        break;
    }
}

static enum status refuse_bad_value(
        const struct option_spec *spec, const char *key, const char *value, struct error *err) {
    enum status status;
    struct text wanted;

    text_init(&wanted, OPTIONS_MESSAGE_BYTES);
    check_value(spec, value, &wanted);
    status = text_status(&wanted, err);
    if (status == STATUS_OK && wanted.length > 0) {
        status = spec->flags & OPTION_SECRET
                         ? error_set(err, STATUS_USAGE,
                                   "option \"%s\" has a value that is not allowed: it must be "
                                   "%s",
                                   key, text_get(&wanted))
                         : error_set(err, STATUS_USAGE,
                                   "option \"%s\" cannot be \"%s\": it must be %s", key, value,
                                   text_get(&wanted));
    }
    text_clear(&wanted);
    return status;
}

/* ---- setting -------------------------------------------------------------------------------
 */

static enum status add_entry(struct options *options, const char *key, size_t key_length,
        const char *value, struct error *err) {
    const struct option_spec *spec = find_spec(options, key, key_length);
    struct option_entry *entry;
    enum status status;
    char *name;

    if (spec == NULL && !may_be_named(key, key_length)) {
        return error_set(err, STATUS_USAGE, "option is not of the form word=value");
    }
    if (spec == NULL) {
        return unknown_word(options, key, key_length, err);
    }
    entry = arena_alloc(&options->arena, sizeof(*entry));
    name = arena_copy(&options->arena, key, key_length);
    value = arena_copy_text(&options->arena, value);
    if (entry == NULL || name == NULL || value == NULL) {
        return error_nomem(err);
    }
    status = refuse_bad_value(spec, name, value, err);
    if (status != STATUS_OK) {
        return status;
    }
    entry->spec = spec;
    entry->name = name;
    entry->value = value;
    entry->suffix = strchr(name, '.');
    entry->suffix = entry->suffix != NULL ? entry->suffix + 1 : NULL;
    *(options->last != NULL ? &options->last->next : &options->first) = entry;
    options->last = entry;
    return STATUS_OK;
}

enum status options_add(struct options *options, const char *text, struct error *err) {
    const char *equals, *value;
    size_t length;

    text += strspn(text, " \t\r\n");
    equals = strchr(text, '=');
    if (equals == NULL && may_be_named(text, strlen(text))) {
        return error_set(
                err, STATUS_USAGE, "option \"%s\" has no value: write %s=VALUE", text, text);
    }
    if (equals == NULL) {
        return error_set(err, STATUS_USAGE, "option is not of the form word=value");
    }
    value = equals + 1 + strspn(equals + 1, " \t\r\n");
    length = (size_t)(equals - text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        length--;
    }
    return add_entry(options, text, length, value, err);
}

enum status options_set(
        struct options *options, const char *key, const char *value, struct error *err) {
    return add_entry(options, key, strlen(key), value, err);
}

/* ---- asking --------------------------------------------------------------------------------
 */

/* The entry in force, or NULL. column NULL: the one for the whole set. */
static const struct option_entry *find_entry(
        const struct options *options, const char *name, const char *column) {
    const struct option_entry *found = NULL;

    for (; options != NULL && found == NULL; options = options->parent) {
        for (const struct option_entry *entry = options->first; entry != NULL;
                entry = entry->next) {
            if (column == NULL
                            ? strcmp(entry->name, name) == 0
                            : entry->suffix != NULL && strcmp(entry->spec->name, name) == 0 &&
                                      sqlite3_stricmp(entry->suffix, column) == 0) {
                found = entry; /* no break: the last one counts */
            }
        }
    }
    return found;
}

/* The default of a word, which must be one of some set's. */
static const char *find_fallback(const struct options *options, const char *name) {
    for (; options != NULL; options = options->parent) {
        for (size_t t = 0; options->tables[t] != NULL; t++) {
            for (const struct option_spec *spec = options->tables[t]; spec->name != NULL;
                    spec++) {
                if (strcmp(spec->name, name) == 0 || spec_matches(spec, name, strlen(name))) {
                    return spec->fallback;
                }
            }
        }
    }
    assert(!"a word of a constant table"); /* ensured by callers */
    return NULL;
}

const char *options_text(const struct options *options, const char *name) {
    const struct option_entry *entry = find_entry(options, name, NULL);

    return entry != NULL ? entry->value : find_fallback(options, name);
}

bool options_bool(const struct options *options, const char *name) {
    const char *text = options_text(options, name);
    bool value = false;

    return text != NULL && read_bool(text, &value) && value;
}

int64_t options_integer(const struct options *options, const char *name) {
    const char *text = options_text(options, name);
    int64_t value = 0;

    return text != NULL && read_integer(text, &value) ? value : 0;
}

const char *options_column_text(
        const struct options *options, const char *name, const char *column) {
    const struct option_entry *entry = find_entry(options, name, column);

    return entry != NULL ? entry->value : options_text(options, name);
}

bool options_given(const struct options *options, const char *name) {
    for (; options != NULL; options = options->parent) {
        for (const struct option_entry *entry = options->first; entry != NULL;
                entry = entry->next) {
            if (strcmp(entry->name, name) == 0 ||
                    ((entry->spec->flags & OPTION_PREFIX) &&
                            strcmp(entry->spec->name, name) == 0)) {
                return true;
            }
        }
    }
    return false;
}

bool options_column_given(const struct options *options, const char *name, const char *column) {
    return find_entry(options, name, column) != NULL;
}
