/* Columns that are presented as TEXT, bytea, and the patterns of LIKE and GLOB.
 *
 * SQLite compares bytes of UTF-8, which is the order of COLLATE "C"; its NOCASE folds ASCII
 * only, as lower() does under "C", and its RTRIM drops spaces only. The right side is folded
 * and trimmed here. Equality under any deterministic collation is equality of bytes, so it goes
 * natively and may use any index. */
#include "drivers/postgres/judge.h"

#include <string.h>

static const char *const why_number = "a number compares with text by SQLite's rules";
static const char *const why_collation = "the collation is the application's own";
static const char *const why_encoding = "the server's encoding is not UTF-8";
static const char *const why_bytes = "the text is not valid UTF-8 or has a NUL inside";
static const char *const why_length = "the value is too long to be sent";
static const char *const why_affinity =
        "texts that look like numbers may have to compare as numbers";

/* Strict: no overlong forms, no surrogates, nothing above U+10FFFF; PostgreSQL refuses the
 * rest. */
/* Bytes at the beginning that need no second look: whole words of ASCII. */
static size_t ascii_words(const char *bytes, size_t length) {
    uint64_t word = 0;
    size_t i = 0;

    for (; length - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        if ((word & 0x8080808080808080) != 0) {
            break;
        }
    }
    return i;
}

bool text_is_utf8(const char *bytes, size_t length) {
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };

    for (size_t i = ascii_words(bytes, length); i < length;) {
        unsigned char first = (unsigned char)bytes[i];
        size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        uint32_t point = more == 0 ? first : first & (0x3fU >> more);

        if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || length - i <= more) {
            return false;
        }
        for (size_t k = 1; k <= more; k++) {
            unsigned char next = (unsigned char)bytes[i + k];

            if ((next & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (next & 0x3fU);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

static bool is_ascii(const struct value *text) {
    for (size_t i = 0; i < text->length; i++) {
        if ((unsigned char)text->bytes[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* A text that no row of the server can hold, nor the server be told of. */
static bool is_foreign(const struct value *text) {
    return memchr(text->bytes, '\0', text->length) != NULL ||
           !text_is_utf8(text->bytes, text->length);
}

static void judge_foreign(struct judging *j) {
    if (j->collation == COLLATION_BINARY && j->op == OPERATOR_EQ) {
        judging_empty(j);
    } else if (j->collation == COLLATION_BINARY && j->op == OPERATOR_NE) {
        judging_all(j);
    } else {
        judging_skip(j, why_bytes);
    }
}

/* NULL when memory is out. */
static char *copy_lower(struct judging *j, const struct value *text) {
    char *copy = arena_copy(j->arena, text->bytes, text->length);

    for (size_t i = 0; copy != NULL && i < text->length; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z') {
            copy[i] = (char)(copy[i] - 'A' + 'a');
        }
    }
    j->nomem = j->nomem || copy == NULL;
    return copy;
}

static char *copy_trimmed(struct judging *j, const struct value *text) {
    size_t length = text->length;
    char *copy;

    while (length > 0 && text->bytes[length - 1] == ' ') {
        length--;
    }
    copy = arena_copy(j->arena, text->bytes, length);
    j->nomem = j->nomem || copy == NULL;
    return copy;
}

static enum judge_template binary_form(const struct judging *j) {
    if (j->op == OPERATOR_EQ) {
        switch (j->column->family) {
        case PG_FAMILY_TEXT:
            return FORM_TEXT;
        case PG_FAMILY_TEXT_NONDETERMINISTIC:
            return FORM_TEXT_BOTH;
        case PG_FAMILY_CITEXT:
            return FORM_CITEXT;
        case PG_FAMILY_ENUM:
            return FORM_ENUM;
        default:
            return FORM_BYTES;
        }
    }
    return j->column->family == PG_FAMILY_TEXT && j->column->collation == PG_COLLATION_C
                   ? FORM_TEXT
                   : FORM_BYTES;
}

/* A value that came from a column of numeric affinity makes numbers of the texts on the left
 * that look like one, and numbers are below any text. All such texts begin with a blank, a
 * sign, a point or a digit, so above those characters both comparisons agree; and a value that
 * looks like a number itself would have come as one. */
static bool affinity_matters(const struct judging *j, const struct value *text) {
    struct number ignored;

    return !j->column->never_numeric && j->op != OPERATOR_EQ && j->op != OPERATOR_NE &&
           (text->length == 0 || (unsigned char)text->bytes[0] <= '9') &&
           !number_from_text(text->bytes, text->length, &ignored);
}

static void judge_text_value(struct judging *j, const struct value *text) {
    switch (j->collation) {
    case COLLATION_BINARY:
        judging_exact(j, binary_form(j), j->op, text->bytes);
        break;
    case COLLATION_NOCASE:
        judging_exact(j, FORM_LOWER, j->op, copy_lower(j, text));
        break;
    case COLLATION_RTRIM:
        judging_exact(j, FORM_RTRIM, j->op, copy_trimmed(j, text));
        break;
    default:
        judging_skip(j, why_collation);
        return;
    }
    if (affinity_matters(j, text)) {
        if (j->op == OPERATOR_LT || j->op == OPERATOR_LE) {
            judging_term(j, FORM_NUMBER_LIKE, OPERATOR_EQ, 0, NULL);
        }
        judging_verdict(j, VERDICT_SUPERSET, why_affinity);
    }
}

void judge_text(struct judging *j, const struct value *value) {
    switch (value->kind) {
    case VALUE_INTEGER:
    case VALUE_REAL:
        judging_skip(j, why_number);
        return;
    case VALUE_BLOB:
        if (judge_holds(j->op, -1)) {
            judging_all(j);
        } else {
            judging_empty(j);
        }
        return;
    default:
        break;
    }
    if (!j->utf8 && !is_ascii(value)) {
        judging_skip(j, why_encoding);
    } else if (is_foreign(value)) {
        judge_foreign(j);
    } else if (value->length > JUDGE_VALUE_BYTES_MAX) {
        judging_skip(j, why_length);
    } else {
        judge_text_value(j, value);
    }
}

/* BLOB stands above every other class. */
void judge_bytea(struct judging *j, const struct value *value) {
    struct text hex;
    char *literal = NULL;

    if (value->kind == VALUE_TEXT && j->op == OPERATOR_LT) {
        /* SQLite sends LIKE 'ab%' as a range of texts, and some builds of its LIKE match BLOBs.
         */
        judging_skip(j, "it may be the range of a pattern, which a BLOB may match");
        return;
    }
    if (value->kind != VALUE_BLOB) {
        if (judge_holds(j->op, 1)) {
            judging_all(j);
        } else {
            judging_empty(j);
        }
        return;
    }
    if (value->length > JUDGE_VALUE_BYTES_MAX / 2 - 1) {
        judging_skip(j, why_length);
        return;
    }
    text_init(&hex, JUDGE_VALUE_BYTES_MAX);
    text_append(&hex, "\\x");
    text_append_hex(&hex, value->bytes, value->length);
    if (text_status(&hex, NULL) == STATUS_OK) {
        literal = arena_copy(j->arena, text_get(&hex), hex.length);
    }
    text_clear(&hex);
    j->nomem = j->nomem || literal == NULL;
    judging_exact(j, FORM_TYPED, j->op, literal);
}

/* ---- patterns -----------------------------------------------------------------------------
 */

/* The pattern as TEXT, when SQLite's like() and glob() would see just that. */
static bool pattern_text(struct judging *j, const struct value *value, struct value *pattern,
        char digits[JUDGE_NUMBER_BYTES]) {
    *pattern = *value;
    if (value->kind == VALUE_INTEGER) {
        pattern->kind = VALUE_TEXT;
        pattern->bytes = number_integer_text(value->integer, digits);
        pattern->length = strlen(pattern->bytes);
        return true;
    }
    if (value->kind != VALUE_TEXT) {
        judging_skip(j, "only a text or an integer is sent as a pattern");
    } else if (value->length > JUDGE_PATTERN_BYTES_MAX) {
        judging_skip(j, "the pattern is longer than SQLite allows");
    } else if (is_foreign(value)) {
        judging_skip(j, why_bytes);
    } else {
        return true;
    }
    return false;
}

/* In another encoding a character that _ stands for may be one byte or two characters. */
static bool pattern_fits_encoding(
        struct judging *j, const struct value *pattern, const char *one) {
    if (j->utf8 || (is_ascii(pattern) && strpbrk(pattern->bytes, one) == NULL)) {
        return true;
    }
    judging_skip(j, why_encoding);
    return false;
}

void judge_like(struct judging *j, const struct value *value) {
    char digits[JUDGE_NUMBER_BYTES];
    struct value pattern;

    if (pattern_text(j, value, &pattern, digits) && pattern_fits_encoding(j, &pattern, "_")) {
        judging_exact(j, FORM_LIKE, OPERATOR_EQ, copy_lower(j, &pattern));
    }
}

/* Behind the "[" of a class, after the closing bracket; NULL when there is none. A bracket that
 * comes first belongs to the class. */
static const char *skip_class(const char *at) {
    if (*at == '^') {
        at++;
    }
    if (*at == ']') {
        at++;
    }
    at = strchr(at, ']');
    return at != NULL ? at + 1 : NULL;
}

/* GLOB to LIKE with a backslash as escape. False: a class does not end, nothing can match. */
static bool glob_to_like(const char *glob, struct text *like, bool *classes) {
    while (*glob != '\0') {
        char c = *glob++;

        if (c == '*') {
            text_append_char(like, '%');
        } else if (c == '?') {
            text_append_char(like, '_');
        } else if (c == '[') {
            text_append_char(like, '_');
            *classes = true;
            glob = skip_class(glob);
            if (glob == NULL) {
                return false;
            }
        } else {
            if (c == '%' || c == '_' || c == '\\') {
                text_append_char(like, '\\');
            }
            text_append_char(like, c);
        }
    }
    return true;
}

void judge_glob(struct judging *j, const struct value *value) {
    char digits[JUDGE_NUMBER_BYTES];
    struct value pattern;
    struct text like;
    bool classes = false;

    if (!pattern_text(j, value, &pattern, digits) ||
            !pattern_fits_encoding(j, &pattern, "?[")) {
        return;
    }
    text_init(&like, 2 * (size_t)JUDGE_PATTERN_BYTES_MAX);
    if (!glob_to_like(pattern.bytes, &like, &classes)) {
        judging_empty(j);
        goto out;
    }
    if (text_status(&like, NULL) != STATUS_OK) {
        j->nomem = true;
        goto out;
    }
    judging_exact(j, FORM_GLOB, OPERATOR_EQ, text_get(&like));
    if (classes) {
        judging_verdict(j, VERDICT_SUPERSET, "a class in brackets is sent as any character");
    }
out:
    text_clear(&like);
}
