/* What all columns of numbers share: the classes of values, spelling, native comparisons. The
 * right side has numeric affinity applied, as SQLite does for such a column whatever that side
 * is.
 *
 * NaN is presented as TEXT (or as NULL under nan=null): as TEXT it equals itself and stands
 * above every number and below every BLOB, which is PostgreSQL's own order, so that native
 * comparisons with numbers stay exact. */
#include "drivers/postgres/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const judge_why_version =
        "versions of SQLite differ in the last bit of this decimal text";

bool judge_holds(enum condition_operator op, int order) {
    switch (op) {
    case OPERATOR_EQ:
        return order == 0;
    case OPERATOR_NE:
        return order != 0;
    case OPERATOR_LT:
        return order < 0;
    case OPERATOR_LE:
        return order <= 0;
    case OPERATOR_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* All numbers match or none does, and so does NaN. */
void judge_all_or_none(struct judging *j, bool numbers, bool nan) {
    if (!judging_has_nan(j) || j->column->nan_null || numbers == nan) {
        if (numbers) {
            judging_all(j);
        } else {
            judging_empty(j);
        }
        return;
    }
    judging_exact(j, numbers ? FORM_NOT_NAN : FORM_IS_NAN, OPERATOR_EQ, NULL);
}

static int order_of_nan(const struct value *text) {
    size_t shorter = text->length < 3 ? text->length : 3;
    int order = memcmp("NaN", text->bytes, shorter);

    return order != 0 ? order : (text->length < 3) - (text->length > 3);
}

/* SQLite offers c GLOB '1.5e*' and c GLOB 'Inf*' as c >= '1.5e' and c >= 'Inf', too. The text
 * of a REAL may begin like that, though the number itself is below any TEXT: its row must come.
 */
static bool may_begin_pattern(const struct judging *j, const struct value *text) {
    return j->op == OPERATOR_GE && j->column->family != PG_FAMILY_INTEGER &&
           j->column->family != PG_FAMILY_BOOL && text->length > 0 &&
           strchr("-0123456789Ii", text->bytes[0]) != NULL;
}

/* Sets *out for a number; judges what is none: numbers stand below TEXT, TEXT below BLOB. */
bool judge_class(struct judging *j, const struct value *value, struct number *out) {
    memset(out, 0, sizeof(*out));
    switch (value->kind) {
    case VALUE_INTEGER:
        out->is_integer = true;
        out->integer = value->integer;
        return true;
    case VALUE_REAL:
        out->lo = out->hi = value->real;
        return true;
    case VALUE_BLOB:
        judge_all_or_none(j, judge_holds(j->op, -1), judge_holds(j->op, -1));
        return false;
    default:
        break;
    }
    if (number_from_text(value->bytes, value->length, out)) {
        return true;
    }
    if (j->collation != COLLATION_BINARY && judging_has_nan(j)) {
        judging_skip(j, "NaN is shown as text, which this collation compares");
    } else if (may_begin_pattern(j, value)) {
        judging_skip(j, "it may be the range of a pattern that matches a number's text");
    } else {
        judge_all_or_none(j, judge_holds(j->op, -1), judge_holds(j->op, order_of_nan(value)));
    }
    return false;
}

/* ---- spelling -----------------------------------------------------------------------------
 */

/* The host's locale may write another decimal point, even one of several bytes. */
void number_fix_point(char *text) {
    char *to = text;
    bool point = false;

    for (const char *from = text; *from != '\0'; from++) {
        if (strchr("0123456789+-e", *from) != NULL) {
            *to++ = *from;
        } else if (!point) {
            *to++ = '.';
            point = true;
        }
    }
    *to = '\0';
}

/* Shortest text that reads back as the same double. 15 digits first: they give back any decimal
 * of 15 digits, which judge_numeric_narrow() counts on. */
const char *number_real_text(double real, char text[JUDGE_NUMBER_BYTES]) {
    if (isinf(real)) {
        return real > 0 ? "Infinity" : "-Infinity";
    }
    if (real == 0) {
        return "0"; /* also for -0.0, which is equal */
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, JUDGE_NUMBER_BYTES, "%.*g", digits, real);
        if (strtod(text, NULL) == real) {
            break;
        }
    }
    number_fix_point(text);
    return text;
}

/* By hand: each lookup of a join has a key. */
const char *number_integer_text(int64_t integer, char text[JUDGE_NUMBER_BYTES]) {
    uint64_t left = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    char *at = text + JUDGE_NUMBER_BYTES - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (integer < 0) {
        *--at = '-';
    }
    return at;
}

/* A native comparison with a number. Natively NaN is above it; shown as NULL it is out. */
void judge_typed(struct judging *j, enum condition_operator op, const char *text) {
    bool drop_nan = j->column->nan_null && judging_has_nan(j) && judge_holds(op, 1);

    judging_exact(j, drop_nan ? FORM_TYPED_NUMBER : FORM_TYPED, op, text);
}

/* All values but NULL, where that says more than the rows wanted. */
void judge_all_superset(struct judging *j, const char *why) {
    judging_all(j);
    if (j->verdict == VERDICT_ALL) {
        judging_skip(j, why);
    } else {
        judging_verdict(j, VERDICT_SUPERSET, why);
    }
}

/* Somewhere in lo..hi lies the number that SQLite will compare with. */
void judge_typed_range(struct judging *j, const char *lo, const char *hi) {
    const char *both[] = { lo, hi };

    switch (j->op) {
    case OPERATOR_EQ:
        judging_term(j, FORM_TYPED_BETWEEN, OPERATOR_EQ, 2, both);
        break;
    case OPERATOR_NE:
        judge_all_superset(j, judge_why_version);
        return;
    case OPERATOR_LT:
    case OPERATOR_LE:
        judging_term(j, FORM_TYPED, OPERATOR_LE, 1, &hi);
        break;
    default:
        judging_term(j, FORM_TYPED, OPERATOR_GE, 1, &lo);
        break;
    }
    judging_verdict(j, VERDICT_SUPERSET, judge_why_version);
}
