/* Binary numeric -> INTEGER, REAL or TEXT 'NaN'.
 *
 * The wire holds digits of base 10000: the value is sum(digit[i] * 10000^(weight - i)). An
 * integral value within int64 is an INTEGER; all others are the nearest double, exactly
 * rounded, since a filter that was sent remotely must agree with the value shown. */
#include "drivers/postgres/decode.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HEADER_BYTES = 8,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xc000,
    SIGN_INFINITY = 0xd000,
    SIGN_MINUS_INFINITY = 0xf000,
    INT64_WEIGHT_MAX = 4,         /* 10000^5 is more than any int64 */
    EXACT_DIGITS_MAX = 4,         /* 10000^4 - 1 fits uint64 and nearly a double's 53 bits */
    EXACT_POWER_MAX = 22,         /* 10^22 is the last power of ten that is a double */
    SIGNIFICANT_DIGITS_MAX = 200, /* 800 decimal digits: no two doubles' middle needs more */
};

static const double powers_of_ten[EXACT_POWER_MAX + 1] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6,
    1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
    1e22 };

struct numeric {
    const char *digits; /* two bytes each, without zeros at either end */
    int count;
    int weight; /* power of 10000 of the first digit */
    bool negative;
};

static unsigned numeric_digit(const struct numeric *numeric, int i) {
    return pg_read_u16(numeric->digits + 2 * (size_t)i);
}

static void numeric_strip(struct numeric *numeric) {
    while (numeric->count > 0 && numeric_digit(numeric, 0) == 0) {
        numeric->digits += 2;
        numeric->count--;
        numeric->weight--;
    }
    while (numeric->count > 0 && numeric_digit(numeric, numeric->count - 1) == 0) {
        numeric->count--;
    }
}

/* An integral value that fits int64. */
static bool numeric_integer(const struct numeric *numeric, int64_t *integer) {
    uint64_t limit = (uint64_t)INT64_MAX + numeric->negative;
    uint64_t sum = 0;

    if (numeric->count == 0) {
        *integer = 0;
        return true;
    }
    if (numeric->weight > INT64_WEIGHT_MAX || numeric->count > numeric->weight + 1) {
        return false;
    }
    for (int i = 0; i <= numeric->weight; i++) {
        unsigned digit = i < numeric->count ? numeric_digit(numeric, i) : 0;

        if (sum > (limit - digit) / 10000) {
            return false;
        }
        sum = sum * 10000 + digit;
    }
    *integer = numeric->negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

/* Both parts exact as doubles: then one multiplication or division rounds once, and rightly. */
static bool numeric_short_real(const struct numeric *numeric, double *real) {
    int power = 4 * (numeric->weight - numeric->count + 1);
    uint64_t sum = 0;

    if (FLT_EVAL_METHOD != 0 || numeric->count > EXACT_DIGITS_MAX + 1) {
        return false; /* registers wider than a double would round twice */
    }
    for (int i = 0; i < numeric->count; i++) {
        if (sum > UINT64_MAX / 20000) {
            return false;
        }
        sum = sum * 10000 + numeric_digit(numeric, i);
    }
    for (; sum % 10 == 0; power++) { /* not 0: stripped numbers begin with a digit */
        sum /= 10;
    }
    if (sum > (uint64_t)1 << DBL_MANT_DIG || abs(power) > EXACT_POWER_MAX) {
        return false;
    }
    *real = power < 0 ? (double)sum / powers_of_ten[-power]
                      : (double)sum * powers_of_ten[power];
    return true;
}

/* Any length: as "123e-4" through strtod(). Without a decimal point there is nothing in it that
 * the host's locale could change. Digits beyond the limit can only break a tie: one 1 stands
 * for all of them. */
static double numeric_long_real(const struct numeric *numeric) {
    char text[4 * SIGNIFICANT_DIGITS_MAX + 32];
    size_t used = 0;
    int taken =
            numeric->count < SIGNIFICANT_DIGITS_MAX ? numeric->count : SIGNIFICANT_DIGITS_MAX;
    int power = 4 * (numeric->weight - taken + 1);

    for (int i = 0; i < taken; i++) {
        unsigned digit = numeric_digit(numeric, i);

        text[used++] = (char)('0' + digit / 1000);
        text[used++] = (char)('0' + digit / 100 % 10);
        text[used++] = (char)('0' + digit / 10 % 10);
        text[used++] = (char)('0' + digit % 10);
    }
    if (taken < numeric->count) {
        text[used++] = '1';
        power--;
    }
    snprintf(text + used, sizeof(text) - used, "e%d", power);
    return strtod(text, NULL);
}

static enum status decode_special(const struct pg_column *column, unsigned sign, int count,
        struct batch *batch, struct error *err) {
    if (count != 0) {
        return pg_malformed(column, err, "%d digits behind sign 0x%04x", count, sign);
    }
    switch (sign) {
    case SIGN_NAN:
        return pg_decode_nan(column, batch, err);
    case SIGN_INFINITY:
        batch_put_real(batch, HUGE_VAL);
        return STATUS_OK;
    case SIGN_MINUS_INFINITY:
        batch_put_real(batch, -HUGE_VAL);
        return STATUS_OK;
    default:
        return pg_malformed(column, err, "sign 0x%04x", sign);
    }
}

static enum status numeric_check_digits(
        const struct pg_column *column, const struct numeric *numeric, struct error *err) {
    for (int i = 0; i < numeric->count; i++) {
        if (numeric_digit(numeric, i) > 9999) {
            return pg_malformed(column, err, "digit %u", numeric_digit(numeric, i));
        }
    }
    return STATUS_OK;
}

enum status pg_decode_numeric(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    struct numeric numeric;
    enum status status;
    unsigned sign;
    int64_t integer;
    double real;

    if (length < HEADER_BYTES || length != HEADER_BYTES + 2 * (size_t)pg_read_u16(bytes)) {
        return pg_malformed(column, err, "%zu bytes", length);
    }
    numeric.count = pg_read_u16(bytes);
    numeric.weight = (int16_t)pg_read_u16(bytes + 2);
    numeric.digits = bytes + HEADER_BYTES;
    sign = pg_read_u16(bytes + 4);
    numeric.negative = sign == SIGN_NEGATIVE;
    if (sign != 0 && !numeric.negative) {
        return decode_special(column, sign, numeric.count, batch, err);
    }
    status = numeric_check_digits(column, &numeric, err);
    if (status != STATUS_OK) {
        return status;
    }
    numeric_strip(&numeric);
    if (numeric_integer(&numeric, &integer)) {
        batch_put_integer(batch, integer);
        return STATUS_OK;
    }
    if (!numeric_short_real(&numeric, &real)) {
        real = numeric_long_real(&numeric);
    }
    pg_put_number(batch, numeric.negative ? -real : real);
    return STATUS_OK;
}
