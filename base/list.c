/* Lists of names and shell patterns, as the values of options hold them; the other half of
 * options.h. */
#include "base/options.h"

#include "base/memory.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* How far the item at the list's start goes: to a comma outside double quotes, or the end. */
static size_t item_length(const char *list, bool *quoted) {
    size_t length = 0;
    bool inside = false;

    *quoted = false;
    for (; list[length] != '\0' && (inside || list[length] != ','); length++) {
        if (list[length] == '"') {
            inside = !inside;
            *quoted = true;
        }
    }
    return length;
}

/* Without the quotes; a doubled one inside of them stands for itself. */
static size_t unquote(char *to, const char *item, size_t length) {
    size_t used = 0;
    bool inside = false;

    for (size_t i = 0; i < length; i++) {
        if (item[i] != '"') {
            to[used++] = item[i];
        } else if (inside && i + 1 < length && item[i + 1] == '"') {
            to[used++] = item[i++];
        } else {
            inside = !inside;
        }
    }
    return used;
}

static enum status each_quoted(const char *item, size_t length,
        enum status (*each)(void *context, const char *item, size_t length), void *context) {
    char *plain = memory_alloc_array(length + 1, 1);
    enum status status = STATUS_NOMEM;

    if (plain != NULL) {
        status = each(context, plain, unquote(plain, item, length));
    }
    memory_free(plain);
    return status;
}

enum status list_each(const char *list,
        enum status (*each)(void *context, const char *item, size_t length), void *context) {
    enum status status = STATUS_OK;

    while (*list != '\0' && status == STATUS_OK) {
        bool quoted;
        size_t whole = item_length(list, &quoted), length = whole;
        const char *item = list;

        while (length > 0 && is_blank(*item)) {
            item++;
            length--;
        }
        while (length > 0 && is_blank(item[length - 1])) {
            length--;
        }
        if (quoted) {
            status = each_quoted(item, length, each, context);
        } else if (length > 0) {
            status = each(context, item, length);
        }
        list += whole;
        list += *list == ',';
    }
    return status;
}

static char fold(char c) {
    if (c >= 'A' && c <= 'Z') {
        c = (char)(c - 'A' + 'a');
    }
    return c;
}

static bool continues_character(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* On a mismatch the last star takes one more character; stars before it need not be tried
 * again, so the time is at most the product of the lengths. */
bool glob_matches(const char *pattern, size_t pattern_length, const char *text) {
    const char *end = pattern + pattern_length, *star = NULL, *star_text = NULL;

    while (*text != '\0') {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            star_text = text;
        } else if (pattern < end && *pattern == '?') {
            pattern++;
            do {
                text++;
            } while (continues_character(*text));
        } else if (pattern < end && fold(*pattern) == fold(*text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++star_text;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*') {
        pattern++;
    }
    return pattern == end;
}
