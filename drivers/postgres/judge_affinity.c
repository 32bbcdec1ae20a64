/* TEXT to number, as SQLite does it for a column of numeric affinity.
 *
 * SQLite converts decimal text by its own arithmetic, which is not always rounded correctly and
 * changed several times (x87 long double up to 3.42, pairs of doubles or long double after).
 * All of them come within the relative errors stated here, so when every number in that
 * neighbourhood rounds to the same double, that is the double the host will compare with;
 * otherwise both ends are told and the judge says SUPERSET. The host's locale plays no part. */
#include "drivers/postgres/judge.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

static_assert(LDBL_MANT_DIG >= 64, "the error bounds below count on a long double of 64 bits");

enum {
    EXPONENT_LIMIT = 9999, /* SQLite stops counting there, too */
    POWER_EXACT = 22,      /* 10^22 is the last power of ten that is a double */
    DECADE_INFINITE = 310, /* 10^310 and above: infinite in every version */
    DECADE_ZERO = -330,    /* below 10^-330: zero */
    DECADE_COARSE = 270,   /* not far beyond, SQLite scales twice and rounds in between */
};

/* One correctly rounded operation, or at most ten multiplications by rounded powers of ten. */
static const long double ERROR_SHORT = 0x1p-59L;
/* Digits beyond the 18th or 19th cut off, powers of ten made by repeated squaring. */
static const long double ERROR_LONG = 0x1p-56L;
static const long double ERROR_COARSE = 0x1p-48L;

/* digits * 10^exponent; `cut`: a digit that is not 0 was left out. */
struct decimal {
    uint64_t digits;
    int exponent;
    bool negative;
    bool cut;
    bool pure_integer; /* neither point nor exponent was written */
};

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *scan_digits(
        const char *at, const char *end, int places, struct decimal *out) {
    static const uint64_t full = UINT64_C(1000000000000000000); /* 19 digits are there */

    for (; at < end && is_digit(*at); at++) {
        if (out->digits < full) {
            out->digits = out->digits * 10 + (uint64_t)(*at - '0');
            out->exponent += places;
        } else {
            out->cut = out->cut || *at != '0';
            out->exponent += places + 1;
        }
    }
    return at;
}

/* NULL when the exponent has no digit. */
static const char *scan_exponent(const char *at, const char *end, struct decimal *out) {
    bool negative = at < end && *at == '-';
    int exponent = 0;

    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    if (at == end || !is_digit(*at)) {
        return NULL;
    }
    for (; at < end && is_digit(*at); at++) {
        exponent = exponent < EXPONENT_LIMIT ? exponent * 10 + (*at - '0') : EXPONENT_LIMIT;
    }
    out->exponent += negative ? -exponent : exponent;
    return at;
}

/* The grammar of sqlite3AtoF(): blanks around are allowed, anything else is not a number. */
static bool scan_decimal(const char *at, const char *end, struct decimal *out) {
    const char *first;
    size_t digits;

    memset(out, 0, sizeof(*out));
    while (at < end && is_blank(*at)) {
        at++;
    }
    if (at < end && (*at == '-' || *at == '+')) {
        out->negative = *at == '-';
        at++;
    }
    first = at;
    at = scan_digits(at, end, 0, out);
    digits = (size_t)(at - first);
    out->pure_integer = true;
    if (at < end && *at == '.') {
        out->pure_integer = false;
        first = ++at;
        at = scan_digits(at, end, -1, out);
        digits += (size_t)(at - first);
    }
    if (digits == 0) {
        return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        out->pure_integer = false;
        at = scan_exponent(at + 1, end, out);
    }
    while (at != NULL && at < end && is_blank(*at)) {
        at++;
    }
    return at == end;
}

static bool scan_integer(const char *at, const char *end, int64_t *out) {
    uint64_t limit = INT64_MAX;
    uint64_t sum = 0;
    bool negative = false;

    while (!is_digit(*at)) { /* one is there: scan_decimal() found it */
        negative = *at == '-';
        at++;
    }
    limit += negative ? 1 : 0;
    for (; at < end && is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (sum > (limit - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static int decade(const struct decimal *decimal) {
    int places = 0;

    for (uint64_t left = decimal->digits; left > 0; left /= 10) {
        places++;
    }
    return places + decimal->exponent;
}

static long double power_of_ten(int exponent) {
    long double power = 1, square = 10;

    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 != 0) {
            power *= square;
        }
        square *= square;
    }
    return power;
}

/* Moves powers of ten between the parts where that is exact: 1.0, 1e3, 90071992547409930e-1. */
static void simplify(struct decimal *decimal) {
    while (decimal->exponent < 0 && decimal->digits % 10 == 0) {
        decimal->digits /= 10;
        decimal->exponent++;
    }
    while (decimal->exponent > 0 && decimal->digits <= INT64_MAX / 10) {
        decimal->digits *= 10;
        decimal->exponent--;
    }
}

static void bound_general(const struct decimal *decimal, int place, struct number *out) {
    int exponent = decimal->exponent;
    long double middle = (long double)decimal->digits, error = ERROR_LONG;

    if (exponent < 0) {
        middle /= power_of_ten(-exponent);
    } else {
        middle *= power_of_ten(exponent);
    }
    if (!decimal->cut && decimal->digits < UINT64_C(1) << 53 && exponent >= -POWER_EXACT &&
            exponent <= POWER_EXACT) {
        error = ERROR_SHORT;
    }
    if (place > DECADE_COARSE || place < -DECADE_COARSE) {
        error = ERROR_COARSE;
    }
    out->lo = (double)(middle - middle * error);
    out->hi = (double)(middle + middle * error);
    if (place < -DECADE_COARSE) { /* among subnormals a relative error says nothing */
        out->lo = out->lo > 2 * DBL_TRUE_MIN ? out->lo - 2 * DBL_TRUE_MIN : 0;
        out->hi += 2 * DBL_TRUE_MIN;
    }
}

static void bound_real(struct decimal *decimal, struct number *out) {
    int place = decade(decimal);

    simplify(decimal);
    if (decimal->digits == 0 || place < DECADE_ZERO) {
        out->lo = out->hi = 0;
    } else if (place > DECADE_INFINITE) {
        out->lo = out->hi = INFINITY;
    } else if (decimal->exponent == 0 && !decimal->cut && decimal->digits <= INT64_MAX) {
        out->lo = out->hi = (double)(int64_t)decimal->digits;
    } else {
        bound_general(decimal, place, out);
    }
    if (decimal->negative) {
        double lo = out->lo;

        out->lo = -out->hi;
        out->hi = -lo;
    }
}

bool number_from_text(const char *bytes, size_t length, struct number *out) {
    struct decimal decimal;

    memset(out, 0, sizeof(*out));
    if (!scan_decimal(bytes, bytes + length, &decimal)) {
        return false;
    }
    if (decimal.pure_integer && scan_integer(bytes, bytes + length, &out->integer)) {
        out->is_integer = true;
        return true;
    }
    bound_real(&decimal, out);
    return true;
}
