/* Rows of a JSON array, member by member, as the raw bytes they came in. Pure.
 *
 * A reader that builds numbers or objects would lose digits, blanks and repeated members; this
 * one finds where each value begins and ends and leaves the rest to decode.c. It reads from
 * the beginning of a row each time, so that a row may come in any number of pieces, and it
 * keeps a list of open brackets instead of calling itself, so that their depth is bounded. */
#include "drivers/postgrest/internal.h"

#include <string.h>

enum { NESTING_MAX = 8 * 1024 }; /* PostgreSQL's own stack allows for less */

struct place {
    const char *at, *end;
};

/* What a look at some bytes came to. */
enum found { FOUND, FOUND_MORE, FOUND_BAD };

static void skip_blanks(struct place *p) {
    while (p->at < p->end &&
            (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) {
        p->at++;
    }
}

/* Behind the opening quote; leaves `at` behind the closing one. */
static enum found skip_string(struct place *p, bool *escaped) {
    *escaped = false;
    while (p->at < p->end) {
        unsigned char c = (unsigned char)*p->at;

        if (c == '"') {
            p->at++;
            return FOUND;
        }
        if (c < 0x20) {
            return FOUND_BAD;
        }
        if (c == '\\') {
            *escaped = true;
            p->at++;
        }
        p->at++;
    }
    p->at = p->end;
    return FOUND_MORE;
}

static bool is_number(const char *at, const char *end) {
    const char *digits;

    at += at < end && *at == '-';
    digits = at;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    if (at == digits || (at - digits > 1 && *digits == '0')) {
        return false;
    }
    if (at < end && *at == '.') {
        digits = ++at;
        while (at < end && *at >= '0' && *at <= '9') {
            at++;
        }
        if (at == digits) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        digits = at;
        while (at < end && *at >= '0' && *at <= '9') {
            at++;
        }
        if (at == digits) {
            return false;
        }
    }
    return at == end;
}

/* true, false, null or a number: it ends where something else begins. */
static enum found read_bare(struct place *p, struct pr_member *member) {
    static const struct {
        const char *word;
        enum pr_kind kind;
    } words[] = { { "null", PR_NULL }, { "true", PR_TRUE }, { "false", PR_FALSE } };

    while (p->at < p->end && strchr(",]} \t\r\n", *p->at) == NULL) {
        p->at++;
    }
    if (p->at == p->end) {
        return FOUND_MORE;
    }
    member->value_length = (size_t)(p->at - member->value);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].word) == member->value_length &&
                memcmp(words[i].word, member->value, member->value_length) == 0) {
            member->kind = words[i].kind;
            return FOUND;
        }
    }
    member->kind = PR_NUMBER;
    return is_number(member->value, p->at) ? FOUND : FOUND_BAD;
}

/* ---- objects and arrays -------------------------------------------------------------------
 */

/* What may come next. The places behind an opening bracket allow for the closing one. */
enum due { DUE_VALUE, DUE_FIRST_VALUE, DUE_NAME, DUE_FIRST_NAME, DUE_COLON, DUE_COMMA };

struct nesting {
    uint8_t objects[NESTING_MAX]; /* by depth: is it an object? */
    size_t depth;
    enum due due;
};

static enum found open_bracket(struct nesting *n, char c) {
    if (n->depth == NESTING_MAX) {
        return FOUND_BAD;
    }
    n->objects[n->depth++] = c == '{';
    n->due = c == '{' ? DUE_FIRST_NAME : DUE_FIRST_VALUE;
    return FOUND;
}

static enum found close_bracket(struct nesting *n, char c) {
    bool closes =
            n->due == DUE_COMMA || n->due == (c == '}' ? DUE_FIRST_NAME : DUE_FIRST_VALUE);

    if (!closes || n->objects[n->depth - 1] != (c == '}')) {
        return FOUND_BAD;
    }
    n->depth--;
    n->due = DUE_COMMA;
    return FOUND;
}

static enum found take_sign(struct nesting *n, char c) {
    if (c == ':' && n->due == DUE_COLON) {
        n->due = DUE_VALUE;
        return FOUND;
    }
    if (c == ',' && n->due == DUE_COMMA) {
        n->due = n->objects[n->depth - 1] ? DUE_NAME : DUE_VALUE;
        return FOUND;
    }
    return FOUND_BAD;
}

/* A name, a string, or a bare word or number. */
static enum found take_scalar(struct nesting *n, struct place *p) {
    bool name = n->due == DUE_NAME || n->due == DUE_FIRST_NAME, escaped;
    struct pr_member member = { .value = p->at };

    if (!name && n->due != DUE_VALUE && n->due != DUE_FIRST_VALUE) {
        return FOUND_BAD;
    }
    n->due = name ? DUE_COLON : DUE_COMMA;
    if (*p->at == '"') {
        p->at++;
        return skip_string(p, &escaped);
    }
    return name ? FOUND_BAD : read_bare(p, &member);
}

/* At a bracket; leaves `at` behind the one that closes it. */
static enum found skip_nested(struct place *p) {
    struct nesting n;
    enum found found;

    n.depth = 0; /* the rest is set as brackets open */
    found = open_bracket(&n, *p->at++);
    while (found == FOUND && n.depth > 0) {
        bool value;

        skip_blanks(p);
        if (p->at == p->end) {
            return FOUND_MORE;
        }
        value = n.due == DUE_VALUE || n.due == DUE_FIRST_VALUE;
        switch (*p->at) {
        case '{':
        case '[':
            found = value ? open_bracket(&n, *p->at++) : FOUND_BAD;
            break;
        case '}':
        case ']':
            found = close_bracket(&n, *p->at++);
            break;
        case ':':
        case ',':
            found = take_sign(&n, *p->at++);
            break;
        default:
            found = take_scalar(&n, p);
        }
    }
    return found;
}

/* ---- members ------------------------------------------------------------------------------
 */

static enum found read_value(struct place *p, struct pr_member *member) {
    enum found found;

    skip_blanks(p);
    if (p->at == p->end) {
        return FOUND_MORE;
    }
    member->value = p->at;
    member->value_escaped = false;
    if (*p->at == '"') {
        p->at++;
        member->value++;
        member->kind = PR_STRING;
        found = skip_string(p, &member->value_escaped);
        member->value_length = (size_t)(p->at - member->value) - (found == FOUND);
        return found;
    }
    if (*p->at == '{' || *p->at == '[') {
        member->kind = *p->at == '{' ? PR_OBJECT : PR_ARRAY;
        found = skip_nested(p);
        member->value_length = (size_t)(p->at - member->value);
        return found;
    }
    return read_bare(p, member);
}

static enum found take(struct place *p, char c) {
    skip_blanks(p);
    if (p->at == p->end) {
        return FOUND_MORE;
    }
    return *p->at++ == c ? FOUND : FOUND_BAD;
}

static enum found read_member(struct place *p, struct pr_member *member) {
    enum found found = take(p, '"');

    member->name = p->at;
    if (found == FOUND) {
        found = skip_string(p, &member->name_escaped);
        member->name_length = (size_t)(p->at - member->name) - (found == FOUND);
    }
    if (found == FOUND) {
        found = take(p, ':');
    }
    return found == FOUND ? read_value(p, member) : found;
}

static enum pr_step step_of(enum found found) {
    return found == FOUND_MORE ? PR_STEP_MORE : PR_STEP_BAD;
}

/* Behind the opening brace. */
static enum pr_step read_members(
        struct place *p, struct pr_member *members, size_t max, size_t *count) {
    *count = 0;
    skip_blanks(p);
    if (p->at < p->end && *p->at == '}') {
        p->at++;
        return PR_STEP_ROW;
    }
    for (;;) {
        enum found found;

        if (*count == max) {
            return PR_STEP_MANY;
        }
        found = read_member(p, &members[*count]);
        if (found != FOUND) {
            return step_of(found);
        }
        (*count)++;
        skip_blanks(p);
        if (p->at == p->end) {
            return PR_STEP_MORE;
        }
        if (*p->at == '}') {
            p->at++;
            return PR_STEP_ROW;
        }
        if (*p->at++ != ',') {
            return PR_STEP_BAD;
        }
    }
}

enum pr_step pr_read_row(struct pr_page_reader *reader, const char *bytes, size_t length,
        struct pr_member *members, size_t max, size_t *count, size_t *used) {
    struct place p = { bytes, bytes + length };
    enum pr_step step;

    *used = 0;
    if (reader->at == PR_AT_END) {
        skip_blanks(&p);
        return p.at == p.end ? PR_STEP_END : PR_STEP_BAD;
    }
    if (reader->at == PR_AT_START) {
        enum found found = take(&p, '[');

        if (found != FOUND) {
            return step_of(found);
        }
    }
    skip_blanks(&p);
    if (p.at == p.end) {
        return PR_STEP_MORE;
    }
    if (*p.at == ']') {
        reader->at = PR_AT_END;
        *used = (size_t)(p.at + 1 - bytes);
        return PR_STEP_END;
    }
    if (reader->at == PR_AT_NEXT) {
        enum found found = take(&p, ',');

        if (found != FOUND) {
            return step_of(found);
        }
    }
    skip_blanks(&p);
    if (p.at == p.end) {
        return PR_STEP_MORE;
    }
    if (*p.at++ != '{') {
        return PR_STEP_BAD;
    }
    step = read_members(&p, members, max, count);
    if (step == PR_STEP_ROW) {
        reader->at = PR_AT_NEXT;
        *used = (size_t)(p.at - bytes);
    }
    return step;
}

bool pr_is_json(const char *text, size_t length) {
    struct place p = { text, text + length + 1 }; /* the NUL ends what ends nowhere else */
    struct pr_member member;

    if (read_value(&p, &member) != FOUND) {
        return false;
    }
    skip_blanks(&p);
    return p.at == text + length;
}

/* ---- strings ------------------------------------------------------------------------------
 */

static int hex_value(const char *at) {
    int value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static char *put_utf8(char *out, uint32_t point) {
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
        *out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (char)(0xe0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    }
    return out;
}

/* "\uXXXX", perhaps a pair of them; at stands on the "u". NULL: not a character of text. */
static const char *read_unicode(const char *at, const char *end, uint32_t *point) {
    int high = end - at >= 5 ? hex_value(at + 1) : -1, low;

    at += 5;
    if (high <= 0 || (high >= 0xdc00 && high < 0xe000)) {
        return NULL;
    }
    *point = (uint32_t)high;
    if (high < 0xd800 || high >= 0xe000) {
        return at;
    }
    low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hex_value(at + 2) : -1;
    if (low < 0xdc00 || low >= 0xe000) {
        return NULL;
    }
    *point = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    return at + 6;
}

bool pr_unescape(const char *raw, size_t raw_length, char *out, size_t *length) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *at = raw, *end = raw + raw_length;
    char *to = out;

    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape != NULL ? escape : end) - at);
        const char *name;
        uint32_t point;

        memmove(to, at, plain);
        to += plain;
        if (escape == NULL) {
            break;
        }
        at = escape + 1;
        name = at < end && *at != '\0' ? strchr(names, *at) : NULL;
        if (name != NULL) {
            *to++ = values[name - names];
            at++;
            continue;
        }
        at = at < end && *at == 'u' ? read_unicode(at, end, &point) : NULL;
        if (at == NULL) {
            return false;
        }
        to = put_utf8(to, point);
    }
    *length = (size_t)(to - out);
    return true;
}

bool pr_member_is(const struct pr_member *member, const char *name, struct text *scratch) {
    size_t length = member->name_length;

    if (!member->name_escaped) {
        return strlen(name) == length && memcmp(name, member->name, length) == 0;
    }
    text_truncate(scratch, 0);
    text_append_bytes(scratch, member->name, length);
    return scratch->failure == STATUS_OK &&
           pr_unescape(member->name, length, scratch->data, &length) &&
           strlen(name) == length && memcmp(name, scratch->data, length) == 0;
}
