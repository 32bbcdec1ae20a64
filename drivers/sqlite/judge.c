/* Conditions and values -> predicates. Pure.
 *
 * The remote compares with the host's own code, so a pushed comparison is exact as soon as it
 * is made under the same affinity and collation. The collation is always written out. The
 * affinity of the right-hand side is what the host does not tell (semantics.md 2), so for each
 * class of column and value the answers under every affinity it may have had are put side by
 * side:
 *
 *   column    value    none, TEXT, BLOB on the right        NUMERIC on the right
 *   numeric   any      both sides NUMERIC                   the same
 *   TEXT      number   as text, or never equal              as numbers: '007' = 7
 *   none      number   storage classes                      as numbers: '7' = 7
 *   both      text     as text                              texts that look like numbers are
 *                                                           numbers, so smaller than the value
 *   any       BLOB     above all else                       the same
 *
 * So numbers against TEXT or none are not sent at all. A text from a NUMERIC column does not
 * look like a number; against such a value every text that does is smaller. Those begin with a
 * blank, a sign, a point or a digit, all below ':'; a value that begins with ':' or above is
 * larger than them as text as well, and only below that a guard is needed.
 *
 * SQLite offers LIKE 'ab%' as a range of texts, too. Some builds of its LIKE match BLOBs, which
 * are no smaller than any text: "smaller than a text" lets them pass. Numbers may be like 'inf'
 * or '1.0e%' but are smaller than any text: "not smaller than 'inf'" lets those pass. */
#include "drivers/sqlite/internal.h"

#include <string.h>

enum {
    /* SQLite's default is 32766 parameters in a statement; four long lists fit. */
    IN_VALUES_MAX = 8000,
    /* Longer patterns are an error of like(), which is the host's to raise. */
    PATTERN_BYTES_MAX = 50000,
    FIRST_ABOVE_NUMBERS = ':',
};

/* Rows of the table of forms: one per operator, then the guarded ones. */
enum {
    FORM_LT_BLOB = OPERATOR_COUNT,
    FORM_GE_REAL,
    FORM_LT_GUARDED,
    FORM_LE_GUARDED,
    FORM_COUNT
};

static const char *const forms[FORM_COUNT] = {
    [OPERATOR_EQ] = "%c COLLATE %k = %1",
    [OPERATOR_NE] = "%c COLLATE %k <> %1",
    [OPERATOR_LT] = "%c COLLATE %k < %1",
    [OPERATOR_LE] = "%c COLLATE %k <= %1",
    [OPERATOR_GT] = "%c COLLATE %k > %1",
    [OPERATOR_GE] = "%c COLLATE %k >= %1",
    [OPERATOR_IS] = "%c COLLATE %k IS %1",
    [OPERATOR_IS_NOT] = "%c COLLATE %k IS NOT %1",
    [OPERATOR_IS_NULL] = "%c IS NULL",
    [OPERATOR_NOT_NULL] = "%c IS NOT NULL",
    /* "+": SQLite's own use of an index for LIKE forgets that an infinite number is like 'Inf'.
     * Index or not, the host sends the range of a pattern as conditions of their own. */
    [OPERATOR_LIKE] = "+%c LIKE %1",
    [OPERATOR_GLOB] = "+%c GLOB %1",
    [OPERATOR_IN] = "%c COLLATE %k IN (%*)",
    [FORM_LT_BLOB] = "(%c COLLATE %k < %1 OR typeof(%c) = 'blob')",
    [FORM_GE_REAL] = "(%c COLLATE %k >= %1 OR typeof(%c) = 'real')",
    /* A text that looks like a number is below infinity when it is cast to one. */
    [FORM_LT_GUARDED] = ("(%c COLLATE %k < %1 OR %c COLLATE BINARY <= CAST('9e999' AS NUMERIC) "
                         "OR typeof(%c) = 'blob')"),
    [FORM_LE_GUARDED] =
            "(%c COLLATE %k <= %1 OR %c COLLATE BINARY <= CAST('9e999' AS NUMERIC))",
};

/* A term's form also says the collation. */
static int form_of(int row, enum collation collation) {
    return row * COLLATION_OTHER + (int)collation;
}

const char *sq_form_sql(int form) {
    return forms[form / COLLATION_OTHER];
}

enum collation sq_form_collation(int form) {
    return (enum collation)(form % COLLATION_OTHER);
}

/* ---- plan time --------------------------------------------------------------------- */

bool sq_may_push(const struct schema *schema, const struct condition *condition) {
    const struct sq_relation *relation = sq_relation(schema);

    switch (condition->op) {
    case OPERATOR_LIKE:
    case OPERATOR_GLOB:
        return relation->like_builtin && !relation->utf16;
    default:
        return (unsigned)condition->op < OPERATOR_COUNT;
    }
}

/* The same library sorts: by storage class, then by the column's declared collation. */
bool sq_may_order(const struct schema *schema, const struct order_term *order, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (order[i].column < 0 || (size_t)order[i].column >= schema->column_count) {
            return false;
        }
    }
    return true;
}

/* ---- values ------------------------------------------------------------------------ */

enum value_class { CLASS_NULL, CLASS_NUMBER, CLASS_NUMERIC_TEXT, CLASS_OTHER_TEXT, CLASS_BLOB };

static size_t count_of(const char *bytes, size_t at, size_t length, const char *set) {
    size_t count = 0;

    while (at + count < length && bytes[at + count] != '\0' &&
            strchr(set, bytes[at + count]) != NULL) {
        count++;
    }
    return count;
}

/* What NUMERIC affinity makes a number of: blanks, sign, digits and a point, exponent, blanks.
 */
static bool looks_numeric(const char *bytes, size_t length) {
    static const char blanks[] = " \t\n\v\f\r", digits[] = "0123456789";
    size_t at = count_of(bytes, 0, length, blanks), whole, fraction = 0;

    at += at < length && (bytes[at] == '+' || bytes[at] == '-');
    whole = count_of(bytes, at, length, digits);
    at += whole;
    if (at < length && bytes[at] == '.') {
        fraction = count_of(bytes, ++at, length, digits);
        at += fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (at < length && (bytes[at] == 'e' || bytes[at] == 'E')) {
        size_t exponent;

        at++;
        at += at < length && (bytes[at] == '+' || bytes[at] == '-');
        exponent = count_of(bytes, at, length, digits);
        if (exponent == 0) {
            return false;
        }
        at += exponent;
    }
    return at + count_of(bytes, at, length, blanks) == length;
}

static enum value_class class_of(const struct value *value) {
    switch (value->kind) {
    case VALUE_INTEGER:
    case VALUE_REAL:
        return CLASS_NUMBER;
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        return looks_numeric(value->bytes, value->length) ? CLASS_NUMERIC_TEXT
                                                          : CLASS_OTHER_TEXT;
    case VALUE_BLOB:
        return CLASS_BLOB;
    case VALUE_NULL:
        break;
    }
    return CLASS_NULL;
}

static bool is_text(enum value_class class) {
    return class == CLASS_NUMERIC_TEXT || class == CLASS_OTHER_TEXT;
}

/* The remote would turn it into UTF-16 and back, which not every sequence of bytes survives. */
static bool survives_utf16(const struct value *value) {
    for (size_t i = 0; i < value->length; i++) {
        if ((unsigned char)value->bytes[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* ---- one comparison ---------------------------------------------------------------- */

static enum verdict skip(struct judgement *out, const char *why) {
    out->why = why;
    return VERDICT_SKIP;
}

/* Text against a column of TEXT or no affinity; *row may become the guarded form. */
static enum verdict judge_text(const struct value *value, enum value_class class,
        enum condition_operator op, int *row, struct judgement *out) {
    bool range =
            op == OPERATOR_LT || op == OPERATOR_LE || op == OPERATOR_GT || op == OPERATOR_GE;

    if (!range || class == CLASS_NUMERIC_TEXT ||
            (value->length > 0 && (unsigned char)value->bytes[0] >= FIRST_ABOVE_NUMBERS)) {
        return VERDICT_EXACT;
    }
    if (op == OPERATOR_LT) {
        *row = FORM_LT_GUARDED;
    } else if (op == OPERATOR_LE) {
        *row = FORM_LE_GUARDED;
    }
    out->why = "a numeric right-hand side would compare numeric-looking text as numbers";
    return VERDICT_SUPERSET;
}

/* A value that is not NULL, for one of the comparing operators, BLOBs that a pattern may match
 * aside. */
static enum verdict judge_class(const struct schema *schema, const struct condition *condition,
        const struct value *value, int *row, struct judgement *out) {
    const struct sq_column *own = sq_column(schema, condition->column);
    enum value_class class = class_of(value);
    bool numeric_column = own->affinity != SQ_TEXT && own->affinity != SQ_BLOB;

    if (is_text(class) && condition->collation == COLLATION_OTHER) {
        return skip(out, "the collation is not one of SQLite's own");
    }
    if (is_text(class) && sq_relation(schema)->utf16 && !survives_utf16(value)) {
        return skip(out, "the remote stores text as UTF-16");
    }
    if (class == CLASS_BLOB) {
        return VERDICT_EXACT;
    }
    if (numeric_column) {
        return is_text(class) && own->converted
                       ? skip(out, "text against a converted numeric column")
                       : VERDICT_EXACT;
    }
    if (class == CLASS_NUMBER) {
        return skip(out, "a number may be compared as text or as number");
    }
    return judge_text(value, class, condition->op, row, out);
}

/* May the text of a number begin like that, though it is no number itself: "Inf", "-1.5e+"?
 * Where it is one SQLite does not take the pattern for a range of texts. */
static bool may_begin_number(const struct value *value) {
    static const char digits[] = "0123456789";
    const char *bytes = value->bytes;
    size_t length = value->length, at = length > 0 && bytes[0] == '-', whole;

    if (at < length && length - at <= 3 &&
            sqlite3_strnicmp(bytes + at, "inf", (int)(length - at)) == 0) {
        return true;
    }
    whole = count_of(bytes, at, length, digits);
    at += whole;
    if (at < length && bytes[at] == '.') {
        at++;
        at += count_of(bytes, at, length, digits);
    }
    if (whole == 0 || at == length || (bytes[at] != 'e' && bytes[at] != 'E')) {
        return false;
    }
    at++;
    at += at < length && (bytes[at] == '+' || bytes[at] == '-');
    return at == length;
}

/* For c LIKE 'ab%' the host may have made this condition. What is lost here it cannot bring
 * back, so whatever else the pattern matches is let through. */
static enum verdict judge_value(const struct schema *schema, const struct condition *condition,
        const struct value *value, int *row, struct judgement *out) {
    enum verdict verdict = judge_class(schema, condition, value, row, out);

    if (verdict == VERDICT_SKIP || !is_text(class_of(value))) {
        return verdict;
    }
    if (condition->op == OPERATOR_LT && verdict == VERDICT_EXACT) {
        *row = FORM_LT_BLOB;
        out->why = "it may be the range of a pattern, which a BLOB may match";
        return VERDICT_SUPERSET;
    }
    if (condition->op == OPERATOR_GE && may_begin_number(value) &&
            sq_column(schema, condition->column)->affinity != SQ_TEXT) {
        *row = FORM_GE_REAL;
        out->why = "it may be the range of a pattern, which a number may match";
        return VERDICT_SUPERSET;
    }
    return verdict;
}

static enum verdict judge_pattern(const struct schema *schema,
        const struct condition *condition, const struct value *value, struct judgement *out) {
    if (!sq_may_push(schema, condition)) {
        return skip(out, sq_relation(schema)->utf16 ? "the remote stores text as UTF-16"
                                                    : "the function was replaced");
    }
    if (value->kind != VALUE_INTEGER && value->kind != VALUE_REAL &&
            value->length > PATTERN_BYTES_MAX) {
        return skip(out, "the pattern is too long");
    }
    return VERDICT_EXACT;
}

/* ---- the whole condition ----------------------------------------------------------- */

/* Copies, for the caller's values may be gone when the scan starts a second time. */
static enum status copy_values(
        const struct value *values, size_t count, struct arena *arena, struct value **out) {
    struct value *copies = arena_alloc_array(arena, count, sizeof(*copies));

    for (size_t i = 0; copies != NULL && i < count; i++) {
        copies[i] = values[i];
        if (values[i].kind == VALUE_TEXT || values[i].kind == VALUE_TEXT_NUL ||
                values[i].kind == VALUE_BLOB) {
            copies[i].bytes = arena_copy(arena, values[i].bytes, values[i].length);
            if (copies[i].bytes == NULL) {
                return STATUS_NOMEM;
            }
        }
    }
    *out = copies;
    return copies != NULL ? STATUS_OK : STATUS_NOMEM;
}

static enum status make_predicate(const struct condition *condition, int row,
        const struct value *values, size_t count, struct arena *arena, struct judgement *out) {
    struct predicate_term *term = arena_alloc(arena, sizeof(*term));
    struct value *copies = NULL;
    enum collation collation =
            condition->collation != COLLATION_OTHER ? condition->collation : COLLATION_BINARY;

    if (term == NULL || copy_values(values, count, arena, &copies) != STATUS_OK) {
        return STATUS_NOMEM;
    }
    term->form = form_of(row, collation);
    term->values = copies;
    term->value_count = count;
    out->predicate = (struct predicate){ condition->column, term, 1 };
    return STATUS_OK;
}

/* Each element as "=" would be judged; NULLs match nothing. */
static enum status judge_in(const struct schema *schema, const struct condition *condition,
        const struct value *values, size_t count, struct arena *arena, struct judgement *out) {
    struct value *kept = arena_alloc_array(arena, count, sizeof(*kept));
    int row = OPERATOR_IN;
    size_t kept_count = 0;

    if (kept == NULL) {
        return STATUS_NOMEM;
    }
    out->verdict = VERDICT_EMPTY;
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == VALUE_NULL) {
            continue;
        }
        out->verdict = judge_value(schema, condition, &values[i], &row, out);
        if (out->verdict == VERDICT_SKIP) {
            return STATUS_OK;
        }
        kept[kept_count++] = values[i];
    }
    if (kept_count > IN_VALUES_MAX) {
        out->verdict = skip(out, "too many values for one statement");
        return STATUS_OK;
    }
    return kept_count > 0 ? make_predicate(condition, row, kept, kept_count, arena, out)
                          : STATUS_OK;
}

/* With NULL: IS and IS NOT have an answer, all others are never true. */
static enum status judge_null(
        const struct condition *condition, struct arena *arena, struct judgement *out) {
    if (condition->op != OPERATOR_IS && condition->op != OPERATOR_IS_NOT) {
        out->verdict = VERDICT_EMPTY;
        out->why = "a comparison with NULL is never true";
        return STATUS_OK;
    }
    out->verdict = VERDICT_EXACT;
    return make_predicate(condition,
            condition->op == OPERATOR_IS ? OPERATOR_IS_NULL : OPERATOR_NOT_NULL, NULL, 0, arena,
            out);
}

enum status sq_judge(const struct schema *schema, const struct condition *condition,
        const struct value *values, size_t count, struct arena *arena, struct judgement *out) {
    int row = (int)condition->op;

    memset(out, 0, sizeof(*out));
    switch (condition->op) {
    case OPERATOR_IS_NULL:
    case OPERATOR_NOT_NULL:
        out->verdict = VERDICT_EXACT;
        return make_predicate(condition, row, NULL, 0, arena, out);
    case OPERATOR_IN:
        return judge_in(schema, condition, values, count, arena, out);
    default:
        break;
    }
    if (values[0].kind == VALUE_NULL) {
        return judge_null(condition, arena, out);
    }
    if (condition->op == OPERATOR_LIKE || condition->op == OPERATOR_GLOB) {
        out->verdict = judge_pattern(schema, condition, &values[0], out);
    } else {
        out->verdict = judge_value(schema, condition, &values[0], &row, out);
    }
    return out->verdict == VERDICT_SKIP
                   ? STATUS_OK
                   : make_predicate(condition, row, &values[0], 1, arena, out);
}
