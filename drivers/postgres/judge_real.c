/* float8, float4 and numeric columns: what SQLite sees are doubles, save that numeric shows
 * whole numbers as integers. */
#include "drivers/postgres/judge.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the column is compared with in the end. */
struct test {
    bool constant; /* no number decides: all of them match or none does */
    bool match;
    enum condition_operator op;
    double real;
};

static bool is_exact(const struct number *number) {
    return number->is_integer || number->lo == number->hi;
}

/* SQLite compares an integer with a double exactly; not every integer is a double, so the
 * nearest one takes its place and the operator tells on which side of it the integer was. */
static struct test test_double(enum condition_operator op, int64_t integer) {
    double real = (double)integer;
    bool above = real >= 0x1p63 || (int64_t)real > integer;

    if (!above && (int64_t)real == integer) {
        return (struct test){ .op = op, .real = real };
    }
    if (op == OPERATOR_EQ || op == OPERATOR_NE) {
        return (struct test){ .constant = true, .match = op == OPERATOR_NE };
    }
    if (op == OPERATOR_LT || op == OPERATOR_LE) {
        op = above ? OPERATOR_LT : OPERATOR_LE;
    } else {
        op = above ? OPERATOR_GE : OPERATOR_GT;
    }
    return (struct test){ .op = op, .real = real };
}

static struct test test_number(enum condition_operator op, const struct number *number) {
    return number->is_integer ? test_double(op, number->integer)
                              : (struct test){ .op = op, .real = number->lo };
}

void judge_float8(struct judging *j, const struct value *value) {
    char lo[JUDGE_NUMBER_BYTES], hi[JUDGE_NUMBER_BYTES];
    struct number number;
    struct test test;

    if (!judge_class(j, value, &number)) {
        return;
    }
    if (!is_exact(&number)) {
        judge_typed_range(j, number_real_text(number.lo, lo), number_real_text(number.hi, hi));
        return;
    }
    test = test_number(j->op, &number);
    if (test.constant) {
        judge_all_or_none(j, test.match, test.match);
    } else {
        judge_typed(j, test.op, number_real_text(test.real, lo));
    }
}

static const char *float4_text(float real, char text[JUDGE_NUMBER_BYTES]) {
    if (isinf(real)) {
        return real > 0 ? "Infinity" : "-Infinity";
    }
    snprintf(text, JUDGE_NUMBER_BYTES, "%.9g", (double)real);
    number_fix_point(text);
    return text;
}

static float float4_above(float real) {
    int32_t bits;

    if (real == 0) {
        return FLT_TRUE_MIN;
    }
    memcpy(&bits, &real, sizeof(bits));
    bits += real > 0 ? 1 : -1;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

/* The smallest float4 above `real` and its nearest neighbours; never beyond infinity. */
static float float4_bound(double real) {
    if (real > FLT_MAX) {
        return INFINITY;
    }
    if (real < -FLT_MAX) {
        return -FLT_MAX;
    }
    return float4_above((float)real);
}

static void judge_float4_test(struct judging *j, const struct test *test) {
    char above[JUDGE_NUMBER_BYTES], below[JUDGE_NUMBER_BYTES];
    char near[JUDGE_NUMBER_BYTES], real[JUDGE_NUMBER_BYTES];
    const char *shown = number_real_text(test->real, real);
    const char *all[] = { float4_text(-float4_bound(-test->real), below),
        float4_text(float4_bound(test->real), above), shown, NULL };
    const char *from[] = { all[0], shown };
    const char *to[] = { all[1], shown };

    switch (test->op) {
    case OPERATOR_EQ:
        all[3] = test->real > FLT_MAX || test->real < -FLT_MAX
                         ? all[0] /* beyond the type: one of its two ends */
                         : float4_text((float)test->real, near);
        judging_term(j, FORM_FLOAT4_EQ, OPERATOR_EQ, 4, all);
        break;
    case OPERATOR_NE:
        judging_term(j, FORM_FLOAT4_NE, OPERATOR_NE, 1, &shown);
        break;
    case OPERATOR_LT:
    case OPERATOR_LE:
        judging_term(j, FORM_FLOAT4_TO, test->op, 2, to);
        break;
    default:
        judging_term(j, FORM_FLOAT4_FROM, test->op, 2, from);
        break;
    }
}

void judge_float4(struct judging *j, const struct value *value) {
    struct number number;
    struct test test;

    if (!judge_class(j, value, &number)) {
        return;
    }
    if (!is_exact(&number)) {
        judging_skip(j, judge_why_version);
        return;
    }
    test = test_number(j->op, &number);
    if (test.constant) {
        judge_all_or_none(j, test.match, test.match);
        return;
    }
    judge_float4_test(j, &test);
    if (j->column->nan_null && judge_holds(test.op, 1)) {
        judging_verdict(j, VERDICT_SUPERSET, "NaN is shown as NULL");
    } else {
        judging_verdict(j, VERDICT_EXACT, NULL);
    }
}

/* ---- numeric ------------------------------------------------------------------------------
 */

/* numeric(p <= 15, s): a value and the double shown for it determine each other, so the
 * shortest decimal of the double stands for it. */
void judge_numeric_narrow(struct judging *j, const struct value *value) {
    char lo[JUDGE_NUMBER_BYTES], hi[JUDGE_NUMBER_BYTES];
    struct number number;

    if (!judge_class(j, value, &number)) {
        return;
    }
    if (number.is_integer) {
        judge_typed(j, j->op, number_integer_text(number.integer, lo));
    } else if (isinf(number.lo) || isinf(number.hi)) {
        /* Older servers have no infinite numeric; a finite one is on one side of it. */
        judge_all_or_none(j, judge_holds(j->op, number.lo < 0 ? 1 : -1), judge_holds(j->op, 1));
    } else if (number.lo == number.hi) {
        judge_typed(j, j->op, number_real_text(number.lo, lo));
    } else {
        judge_typed_range(j, number_real_text(number.lo, lo), number_real_text(number.hi, hi));
    }
}

static double double_above(double real) {
    int64_t bits;

    if (isinf(real) && real > 0) {
        return real;
    }
    if (real == 0) {
        return DBL_TRUE_MIN;
    }
    memcpy(&bits, &real, sizeof(bits));
    bits += real > 0 ? 1 : -1;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

/* Two steps away, so that neither rounding in the presentation nor in the text of the bound can
 * leave a row out. Infinite bounds bound nothing: they are not sent. */
static void judge_wide_range(struct judging *j, double lo, double hi, const char *why) {
    char lo_text[JUDGE_NUMBER_BYTES], hi_text[JUDGE_NUMBER_BYTES];
    double below = -double_above(double_above(-lo)), above = double_above(double_above(hi));
    const char *both[] = { number_real_text(below, lo_text), number_real_text(above, hi_text) };
    bool from = j->op == OPERATOR_EQ || j->op == OPERATOR_GT || j->op == OPERATOR_GE;
    bool to = j->op == OPERATOR_EQ || j->op == OPERATOR_LT || j->op == OPERATOR_LE;

    from = from && !isinf(below);
    to = to && !isinf(above);
    if (!from && !to) {
        judge_all_superset(j, why);
        return;
    }
    if (from && to) {
        judging_term(j, FORM_NUMERIC_BETWEEN, OPERATOR_EQ, 2, both);
    } else {
        judging_term(
                j, FORM_NUMERIC, from ? OPERATOR_GE : OPERATOR_LE, 1, from ? both : both + 1);
    }
    judging_verdict(j, VERDICT_SUPERSET, why);
}

void judge_numeric_wide(struct judging *j, const struct value *value) {
    struct number number;

    if (!judge_class(j, value, &number)) {
        return;
    }
    if (number.is_integer) {
        number.lo = number.hi = (double)number.integer;
    }
    judge_wide_range(j, number.lo, number.hi, "wide numerics are shown rounded to a double");
}
