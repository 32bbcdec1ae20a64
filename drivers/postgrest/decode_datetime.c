/* Dates and times of a row -> the binary form that the postgres driver decodes. Pure. */
#include "drivers/postgrest/decode.h"

#include "drivers/postgres/types.h"

#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool read_digits(const char **at, const char *end, int min, int max, int64_t *out) {
    int count = 0;

    *out = 0;
    while (*at < end && count < max && is_digit(**at)) {
        *out = *out * 10 + (**at - '0');
        (*at)++;
        count++;
    }
    return count >= min;
}

static bool take(const char **at, const char *end, char c) {
    bool there = *at < end && **at == c;

    *at += there;
    return there;
}

/* Since 2000-01-01, in the proleptic Gregorian calendar; year 0 is 1 BC. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    int64_t shifted = year - (month <= 2);
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 730425;
}

/* "HH:MM:SS" with up to six digits behind a point, in microseconds. */
static bool read_clock(const char **at, const char *end, int64_t *us) {
    int64_t hours, minutes, seconds, fraction = 0;
    const char *first;

    if (!read_digits(at, end, 2, 2, &hours) || !take(at, end, ':') ||
            !read_digits(at, end, 2, 2, &minutes) || !take(at, end, ':') ||
            !read_digits(at, end, 2, 2, &seconds) || minutes > 59 || seconds > 60) {
        return false;
    }
    if (take(at, end, '.')) {
        first = *at;
        if (!read_digits(at, end, 1, 6, &fraction)) {
            return false;
        }
        for (int64_t places = *at - first; places < 6; places++) {
            fraction *= 10;
        }
    }
    *us = ((hours * 60 + minutes) * 60 + seconds) * 1000000 + fraction;
    return true;
}

/* "+05:30", "-04:56:02", "Z"; in seconds. */
static bool read_offset(const char **at, const char *end, int64_t *seconds) {
    int64_t hours, minutes = 0, rest = 0;
    bool negative = *at < end && **at == '-';

    *seconds = 0;
    if (take(at, end, 'Z')) {
        return true;
    }
    if (!take(at, end, '-') && !take(at, end, '+')) {
        return false;
    }
    if (!read_digits(at, end, 2, 2, &hours) ||
            (take(at, end, ':') && !read_digits(at, end, 2, 2, &minutes)) ||
            (take(at, end, ':') && !read_digits(at, end, 2, 2, &rest))) {
        return false;
    }
    *seconds = (hours * 60 + minutes) * 60 + rest;
    *seconds = negative ? -*seconds : *seconds;
    return true;
}

static bool read_day(
        const char **at, const char *end, int64_t *year, int64_t *month, int64_t *day) {
    return read_digits(at, end, 4, 7, year) && take(at, end, '-') &&
           read_digits(at, end, 2, 2, month) && take(at, end, '-') &&
           read_digits(at, end, 2, 2, day) && *year > 0 && *month >= 1 && *month <= 12 &&
           *day >= 1 && *day <= 31;
}

static bool read_era(const char **at, const char *end, int64_t *year) {
    if (end - *at == 3 && memcmp(*at, " BC", 3) == 0) {
        *at = end;
        *year = 1 - *year;
    }
    return *at == end;
}

static enum status put_date(const struct pr_decoding *d, int32_t days) {
    uint32_t bytes = htobe32((uint32_t)days);

    return pr_put_binary(d, (const char *)&bytes, sizeof(bytes));
}

static enum status put_us(const struct pr_decoding *d, int64_t us) {
    uint64_t bytes = htobe64((uint64_t)us);

    return pr_put_binary(d, (const char *)&bytes, sizeof(bytes));
}

enum status pr_decode_date(const struct pr_decoding *d) {
    const char *at = d->text, *end = at + d->length;
    int64_t year, month, day;

    if (pr_text_is(d, "infinity") || pr_text_is(d, "-infinity")) {
        return put_date(d, *at == '-' ? INT32_MIN : INT32_MAX);
    }
    if (!read_day(&at, end, &year, &month, &day) || !read_era(&at, end, &year)) {
        return pr_mismatch(d);
    }
    return put_date(d, (int32_t)days_from_civil(year, month, day));
}

enum status pr_decode_timestamp(const struct pr_decoding *d) {
    const char *at = d->text, *end = at + d->length;
    int64_t year, month, day, us, offset = 0;
    bool zoned = d->facts->pg.type_oid == PG_TYPE_TIMESTAMPTZ;

    if (pr_text_is(d, "infinity") || pr_text_is(d, "-infinity")) {
        return put_us(d, *at == '-' ? INT64_MIN : INT64_MAX);
    }
    if (!read_day(&at, end, &year, &month, &day) ||
            (!take(&at, end, 'T') && !take(&at, end, ' ')) || !read_clock(&at, end, &us) ||
            (zoned && !read_offset(&at, end, &offset)) || !read_era(&at, end, &year) ||
            year > 294277 || year < -4714) {
        return pr_mismatch(d);
    }
    return put_us(d,
            days_from_civil(year, month, day) * INT64_C(86400000000) + us - offset * 1000000);
}

enum status pr_decode_time(const struct pr_decoding *d) {
    const char *at = d->text, *end = at + d->length;
    int64_t us;

    return read_clock(&at, end, &us) && at == end ? put_us(d, us) : pr_mismatch(d);
}
