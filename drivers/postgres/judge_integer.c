/* Integer columns, numeric without fraction among them, and bool: values are compared with
 * bounds of the column's type, so that no literal is out of its range and every index can be
 * used. */
#include "drivers/postgres/judge.h"

/* What the column is compared with in the end. */
struct test {
    bool constant; /* no value decides: all match or none does */
    bool match;
    enum condition_operator op;
    int64_t integer;
};

static struct test constant(enum condition_operator op, int order) {
    return (struct test){ .constant = true, .match = judge_holds(op, order), .op = op };
}

static struct test test_integer(
        const struct judging *j, enum condition_operator op, int64_t integer) {
    if (integer > j->column->integer_max) {
        return constant(op, -1);
    }
    if (integer < j->column->integer_min) {
        return constant(op, 1);
    }
    return (struct test){ .op = op, .integer = integer };
}

/* A fraction is replaced by the whole number below it: no value lies between. */
static struct test test_integer_real(const struct judging *j, double real) {
    enum condition_operator op = j->op;
    int64_t whole;

    if (real >= 0x1p63) {
        return constant(op, -1);
    }
    if (real < -0x1p63) {
        return constant(op, 1);
    }
    whole = (int64_t)real;
    if ((double)whole != real) {
        if (op == OPERATOR_EQ || op == OPERATOR_NE) {
            return constant(op, 1);
        }
        whole -= real < (double)whole ? 1 : 0;
        op = op == OPERATOR_LT ? OPERATOR_LE : op == OPERATOR_GE ? OPERATOR_GT : op;
    }
    return test_integer(j, op, whole);
}

static bool test_same(const struct test *a, const struct test *b) {
    if (a->constant || b->constant) {
        return a->constant == b->constant && a->match == b->match;
    }
    return a->op == b->op && a->integer == b->integer;
}

static void judge_integer_test(struct judging *j, const struct test *test) {
    char text[JUDGE_NUMBER_BYTES];

    if (test->constant) {
        judge_all_or_none(j, test->match, judge_holds(j->op, 1));
    } else {
        judge_typed(j, test->op, number_integer_text(test->integer, text));
    }
}

void judge_integer(struct judging *j, const struct value *value) {
    struct number number;
    struct test lo, hi;

    if (!judge_class(j, value, &number)) {
        return;
    }
    if (number.is_integer) {
        lo = test_integer(j, j->op, number.integer);
        judge_integer_test(j, &lo);
        return;
    }
    lo = test_integer_real(j, number.lo);
    hi = test_integer_real(j, number.hi);
    if (test_same(&lo, &hi)) {
        judge_integer_test(j, &lo);
    } else {
        judging_skip(j, judge_why_version);
    }
}

static int order_of_int(int left, const struct number *number, double real) {
    if (number->is_integer) {
        return (left > number->integer) - (left < number->integer);
    }
    return (left > real) - (left < real);
}

void judge_bool(struct judging *j, const struct value *value) {
    struct number number;
    bool match[2];

    if (!judge_class(j, value, &number)) {
        return;
    }
    for (int shown = 0; shown <= 1; shown++) {
        match[shown] = judge_holds(j->op, order_of_int(shown, &number, number.lo));
        if (match[shown] != judge_holds(j->op, order_of_int(shown, &number, number.hi))) {
            judging_skip(j, judge_why_version);
            return;
        }
    }
    if (match[0] == match[1]) {
        judge_all_or_none(j, match[0], match[0]);
    } else {
        judging_exact(j, match[1] ? FORM_TRUE : FORM_FALSE, OPERATOR_EQ, NULL);
    }
}
