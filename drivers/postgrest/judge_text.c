/* Regular expressions in place of COLLATE "C": they compare characters, whatever the column's
 * collation and the server's encoding are. Pure.
 *
 * Characters outside of ASCII are written as themselves, so that the server brings them into
 * its own encoding; ranges are of ASCII characters only, above which every other character
 * stands in all encodings of a server. Where an expression must allow for any character, it
 * allows for its up to four bytes: a database in SQL_ASCII counts those. */
#include "drivers/postgrest/internal.h"

#include <string.h>

enum { RANGE_BYTES_MAX = 12 };

#define ANY_CHARACTER ".{1,4}"
#define HIGHEST       "\\U0010ffff"

const char *const pr_match_number = "^[ \\t\\n\\v\\f\\r]*[-+]?[.]?[0-9]";

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void append_literal(struct text *regex, char c) {
    if ((unsigned char)c < ' ' || c == 0x7f) {
        text_printf(regex, "\\u%04x", (unsigned)(unsigned char)c);
        return;
    }
    if ((unsigned char)c < 0x80 && !is_letter(c) && (c < '0' || c > '9') && c != ' ' &&
            c != '_') {
        text_append_char(regex, '\\');
    }
    text_append_char(regex, c);
}

static void append_folded(struct text *regex, char c) {
    if (is_letter(c)) {
        text_printf(regex, "[%c%c]", c & ~0x20, c | 0x20);
    } else {
        append_literal(regex, c);
    }
}

bool pr_match_equal(struct text *regex, const char *literal) {
    text_append_char(regex, '^');
    for (; *literal != '\0'; literal++) {
        append_literal(regex, *literal);
    }
    text_append_char(regex, '$');
    return true;
}

bool pr_match_folded(struct text *regex, const char *lower) {
    text_append_char(regex, '^');
    for (; *lower != '\0'; lower++) {
        append_folded(regex, *lower);
    }
    text_append_char(regex, '$');
    return true;
}

bool pr_match_trimmed(struct text *regex, const char *trimmed) {
    text_append_char(regex, '^');
    for (; *trimmed != '\0'; trimmed++) {
        append_literal(regex, *trimmed);
    }
    text_append(regex, " *$");
    return true;
}

bool pr_match_like(struct text *regex, const char *pattern) {
    bool exact = true;

    text_append_char(regex, '^');
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '%') {
            text_append(regex, ".*");
        } else if (*pattern == '_') {
            text_append(regex, ANY_CHARACTER);
            exact = false;
        } else {
            append_folded(regex, *pattern);
        }
    }
    text_append_char(regex, '$');
    return exact;
}

/* ---- GLOB ---------------------------------------------------------------------------------
 */

/* The end of a set whose "[" is at `at`; NULL: it has none, and so matches nothing. */
static const char *set_end(const char *at) {
    at++;
    at += *at == '^';
    at += *at == ']';
    at = strchr(at, ']');
    return at;
}

/* Sets of plain letters, digits and their ranges; of all others any character may be one. */
static bool append_set(struct text *regex, const char *at, const char *end) {
    const char *first = at + 1;

    for (at = first; at < end; at++) {
        if (!is_letter(*at) && (*at < '0' || *at > '9') &&
                (*at != '-' || at == first || at + 1 == end || at[-1] > at[1])) {
            text_append(regex, ANY_CHARACTER);
            return false;
        }
    }
    text_append_char(regex, '[');
    text_append_bytes(regex, first, (size_t)(end - first));
    text_append_char(regex, ']');
    return true;
}

bool pr_match_glob(struct text *regex, const char *pattern, bool *possible) {
    bool exact = true;

    *possible = true;
    text_append_char(regex, '^');
    for (const char *end; *pattern != '\0'; pattern++) {
        switch (*pattern) {
        case '*':
            text_append(regex, ".*");
            break;
        case '?':
            text_append(regex, ANY_CHARACTER);
            exact = false;
            break;
        case '[':
            end = set_end(pattern);
            if (end == NULL) {
                *possible = false;
                return false;
            }
            exact = append_set(regex, pattern, end) && exact;
            pattern = end;
            break;
        default:
            append_literal(regex, *pattern);
            break;
        }
    }
    text_append_char(regex, '$');
    return exact;
}

/* ---- ranges -------------------------------------------------------------------------------
 */

/* Texts above the first `length` characters: at some place a higher one. */
static void append_above(struct text *regex, const char *literal, size_t length, bool equal) {
    for (size_t i = 0; i < length; i++) {
        for (size_t k = 0; k < i; k++) {
            append_literal(regex, literal[k]);
        }
        text_printf(regex, "[\\u%04x-" HIGHEST "]|", (unsigned)literal[i] + 1);
    }
    for (size_t k = 0; k < length; k++) {
        append_literal(regex, literal[k]);
    }
    text_append(regex, equal ? "" : ".");
}

/* Texts below: a proper beginning, or at some place a lower character. */
static void append_below(struct text *regex, const char *literal, size_t length, bool equal) {
    for (size_t i = 0; i < length; i++) {
        for (size_t k = 0; k < i; k++) {
            append_literal(regex, literal[k]);
        }
        text_append(regex, "$|");
        if (literal[i] > 1) {
            for (size_t k = 0; k < i; k++) {
                append_literal(regex, literal[k]);
            }
            text_printf(regex, "[\\u0001-\\u%04x]|", (unsigned)literal[i] - 1);
        }
    }
    if (equal) {
        for (size_t k = 0; k < length; k++) {
            append_literal(regex, literal[k]);
        }
    } else {
        text_truncate(regex, regex->length - 1); /* the last "|" */
    }
}

bool pr_match_range(
        struct text *regex, enum condition_operator op, const char *literal, bool *possible) {
    size_t length = 0;
    bool above = op == OPERATOR_GT || op == OPERATOR_GE, whole, equal;

    while (length < RANGE_BYTES_MAX && literal[length] > 0 && literal[length] < 0x7f) {
        length++;
    }
    whole = literal[length] == '\0';
    *possible = length > 0;
    if (!*possible) {
        return false;
    }
    text_append(regex, "^(?:");
    if (above) { /* of a text that was cut, what begins like it may be above */
        equal = !whole || op == OPERATOR_GE;
        append_above(regex, literal, length, equal);
    } else {
        equal = !whole || op == OPERATOR_LE;
        append_below(regex, literal, length, equal);
        text_append(regex, whole && equal ? "$" : "");
    }
    text_append_char(regex, ')');
    return whole;
}
