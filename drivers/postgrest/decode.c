/* Members of a row -> cells of a batch. Pure.
 *
 * A value is text here and binary on PostgreSQL's own wire; what has a binary form of a few
 * bytes is brought into it and given to the postgres driver's decoder, so that the two drivers
 * cannot differ in what a user sees. A value that is not of its column's type means that the
 * table is not as described. */
#include "drivers/postgrest/internal.h"

#include "drivers/postgres/decode.h"
#include "drivers/postgres/types.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIGITS_MAX = 800, /* no two doubles' middle needs more */
    EXPONENT_MAX = 1000000,
    UUID_BYTES = 16,
    DOUBLE_TEXT_BYTES = DIGITS_MAX + 32,
};

struct decoding {
    const struct column *column;
    const struct pr_column *facts;
    const struct pr_member *member;
    const char *text; /* escapes resolved */
    size_t length;
    struct batch *batch;
    struct error *err;
};

static enum status mismatch(const struct decoding *d) {
    return error_set(d->err, STATUS_SCHEMA,
            "remote table changed: column \"%s\" holds what is no %s", d->column->name,
            d->column->remote_type);
}

static bool text_is(const struct decoding *d, const char *word) {
    return strlen(word) == d->length && memcmp(word, d->text, d->length) == 0;
}

static enum status put_binary(const struct decoding *d, const char *bytes, size_t length) {
    return pg_decode(&d->facts->pg, bytes, length, d->batch, d->err);
}

/* ---- numbers ------------------------------------------------------------------------------
 */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool read_integer(const char *at, size_t length, int64_t *out) {
    const char *end = at + length;
    bool negative = length > 0 && *at == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative, sum = 0;

    at += negative;
    if (at == end) {
        return false;
    }
    for (; at < end; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (!is_digit(*at) || sum > (limit - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static enum status decode_integer(const struct decoding *d) {
    int64_t integer;

    if (!read_integer(d->text, d->length, &integer)) {
        return mismatch(d);
    }
    batch_put_integer(d->batch, integer);
    return STATUS_OK;
}

static enum status decode_bool(const struct decoding *d) {
    bool yes = d->member->kind == PR_TRUE || text_is(d, "true") || text_is(d, "t");
    char byte = yes ? 1 : 0;

    if (!yes && d->member->kind != PR_FALSE && !text_is(d, "false") && !text_is(d, "f")) {
        return mismatch(d);
    }
    return put_binary(d, &byte, 1);
}

/* The digits of a decimal, its point put into the exponent: what strtod() then reads does not
 * depend on the host's locale. */
struct decimal {
    char digits[DIGITS_MAX + 2]; /* without zeros in front */
    size_t count;
    int64_t exponent;
    bool negative, cut; /* cut: digits other than 0 were left out */
};

static void add_digit(struct decimal *decimal, char digit, bool fraction) {
    if (decimal->count == 0 && digit == '0') {
        decimal->exponent -= fraction;
    } else if (decimal->count < DIGITS_MAX) {
        decimal->digits[decimal->count++] = digit;
        decimal->exponent -= fraction;
    } else {
        decimal->cut = decimal->cut || digit != '0';
        decimal->exponent += !fraction;
    }
}

static bool read_decimal(const char *at, size_t length, struct decimal *decimal) {
    const char *end = at + length, *first;
    int64_t exponent;

    memset(decimal, 0, sizeof(*decimal));
    decimal->negative = length > 0 && *at == '-';
    at += decimal->negative;
    for (first = at; at < end && is_digit(*at); at++) {
        add_digit(decimal, *at, false);
    }
    if (at == first) {
        return false;
    }
    if (at < end && *at == '.') {
        for (first = ++at; at < end && is_digit(*at); at++) {
            add_digit(decimal, *at, true);
        }
        if (at == first) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && *at == '+';
        if (!read_integer(at, (size_t)(end - at), &exponent) || exponent > EXPONENT_MAX ||
                exponent < -EXPONENT_MAX) {
            return false;
        }
        decimal->exponent += exponent;
        at = end;
    }
    return at == end;
}

static double decimal_real(struct decimal *decimal) {
    char text[DOUBLE_TEXT_BYTES];

    if (decimal->count == 0) {
        return 0;
    }
    if (decimal->cut) { /* it can only break a tie: one 1 stands for all of them */
        decimal->digits[decimal->count++] = '1';
        decimal->exponent--;
        decimal->cut = false;
    }
    snprintf(text, sizeof(text), "%s%.*se%lld", decimal->negative ? "-" : "",
            (int)decimal->count, decimal->digits, (long long)decimal->exponent);
    return strtod(text, NULL);
}

static enum status decode_float8(const struct decoding *d) {
    struct decimal decimal;
    uint64_t bits;
    double real;

    if (text_is(d, "NaN")) {
        real = NAN;
    } else if (text_is(d, "Infinity")) {
        real = HUGE_VAL;
    } else if (text_is(d, "-Infinity")) {
        real = -HUGE_VAL;
    } else if (read_decimal(d->text, d->length, &decimal)) {
        real = decimal_real(&decimal);
    } else {
        return mismatch(d);
    }
    memcpy(&bits, &real, sizeof(bits));
    bits = htobe64(bits);
    return put_binary(d, (const char *)&bits, sizeof(bits));
}

/* A whole number that fits is an INTEGER. */
static bool decimal_integer(const struct decimal *decimal, int64_t *out) {
    char text[64];
    size_t zeros, digits = decimal->count;
    int64_t exponent = decimal->exponent;

    if (decimal->count == 0) {
        *out = 0;
        return true;
    }
    while (exponent < 0 && digits > 0 && decimal->digits[digits - 1] == '0') {
        digits--;
        exponent++;
    }
    if (decimal->cut || exponent < 0 || digits + (uint64_t)exponent > 20) {
        return false;
    }
    zeros = (size_t)exponent;
    snprintf(text, sizeof(text), "%s%.*s%.*s", decimal->negative ? "-" : "", (int)digits,
            decimal->digits, (int)zeros, "00000000000000000000");
    return read_integer(text, strlen(text), out);
}

static enum status decode_numeric(const struct decoding *d) {
    struct decimal decimal;
    int64_t integer;

    if (text_is(d, "NaN")) {
        return pg_decode_nan(&d->facts->pg, d->batch, d->err);
    }
    if (text_is(d, "Infinity") || text_is(d, "-Infinity")) {
        batch_put_real(d->batch, d->text[0] == '-' ? -HUGE_VAL : HUGE_VAL);
        return STATUS_OK;
    }
    if (!read_decimal(d->text, d->length, &decimal)) {
        return mismatch(d);
    }
    if (decimal_integer(&decimal, &integer)) {
        batch_put_integer(d->batch, integer);
    } else {
        pg_put_number(d->batch, decimal_real(&decimal));
    }
    return STATUS_OK;
}

/* ---- points in time -----------------------------------------------------------------------
 */

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

static enum status put_date(const struct decoding *d, int32_t days) {
    uint32_t bytes = htobe32((uint32_t)days);

    return put_binary(d, (const char *)&bytes, sizeof(bytes));
}

static enum status put_us(const struct decoding *d, int64_t us) {
    uint64_t bytes = htobe64((uint64_t)us);

    return put_binary(d, (const char *)&bytes, sizeof(bytes));
}

static enum status decode_date(const struct decoding *d) {
    const char *at = d->text, *end = at + d->length;
    int64_t year, month, day;

    if (text_is(d, "infinity") || text_is(d, "-infinity")) {
        return put_date(d, *at == '-' ? INT32_MIN : INT32_MAX);
    }
    if (!read_day(&at, end, &year, &month, &day) || !read_era(&at, end, &year)) {
        return mismatch(d);
    }
    return put_date(d, (int32_t)days_from_civil(year, month, day));
}

static enum status decode_timestamp(const struct decoding *d) {
    const char *at = d->text, *end = at + d->length;
    int64_t year, month, day, us, offset = 0;
    bool zoned = d->facts->pg.type_oid == PG_TYPE_TIMESTAMPTZ;

    if (text_is(d, "infinity") || text_is(d, "-infinity")) {
        return put_us(d, *at == '-' ? INT64_MIN : INT64_MAX);
    }
    if (!read_day(&at, end, &year, &month, &day) ||
            (!take(&at, end, 'T') && !take(&at, end, ' ')) || !read_clock(&at, end, &us) ||
            (zoned && !read_offset(&at, end, &offset)) || !read_era(&at, end, &year) ||
            year > 294277 || year < -4714) {
        return mismatch(d);
    }
    return put_us(d,
            days_from_civil(year, month, day) * INT64_C(86400000000) + us - offset * 1000000);
}

static enum status decode_time(const struct decoding *d) {
    const char *at = d->text, *end = at + d->length;
    int64_t us;

    return read_clock(&at, end, &us) && at == end ? put_us(d, us) : mismatch(d);
}

/* ---- texts and bytes ----------------------------------------------------------------------
 */

static enum status decode_text(const struct decoding *d) {
    if (d->member->kind != PR_STRING && !d->facts->raw &&
            d->facts->select != PR_SELECT_NUMERIC) {
        return mismatch(d);
    }
    if (d->facts->pg.nan_null && text_is(d, "NaN")) { /* numeric=text */
        batch_put_null(d->batch);
        return STATUS_OK;
    }
    return put_binary(d, d->text, d->length);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As many bytes as the digits say; dashes between them count for nothing. */
static bool read_hex(const char *text, size_t length, char *out, size_t *count) {
    int high = -1;

    *count = 0;
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(text[i]);

        if (digit < 0 && text[i] == '-') {
            continue;
        }
        if (digit < 0) {
            return false;
        }
        if (high < 0) {
            high = digit;
        } else {
            out[(*count)++] = (char)(high << 4 | digit);
            high = -1;
        }
    }
    return high < 0;
}

static enum status decode_uuid(const struct decoding *d) {
    char bytes[UUID_BYTES];
    size_t count;

    if (d->length != 36 || !read_hex(d->text, d->length, bytes, &count) ||
            count != UUID_BYTES) {
        return mismatch(d);
    }
    return put_binary(d, bytes, count);
}

static enum status decode_blob(const struct decoding *d) {
    size_t count;
    char *bytes;

    if (d->facts->pg.type_oid == PG_TYPE_UUID) {
        return decode_uuid(d);
    }
    if (d->facts->pg.type_oid != PG_TYPE_BYTEA) {
        return put_binary(d, d->text, d->length);
    }
    if (d->length < 2 || memcmp(d->text, "\\x", 2) != 0) {
        error_set(d->err, STATUS_UNSUPPORTED,
                "bytea in column \"%s\" does not come in its hex form", d->column->name);
        error_explain(d->err, NULL, NULL,
                "The role's setting bytea_output must be hex, which is the default.");
        return STATUS_UNSUPPORTED;
    }
    bytes = batch_reserve(d->batch, d->length / 2, d->err);
    if (bytes == NULL) {
        return d->err != NULL ? d->err->status : STATUS_NOMEM;
    }
    if (!read_hex(d->text + 2, d->length - 2, bytes, &count)) {
        return mismatch(d);
    }
    batch_put_reserved(d->batch, VALUE_BLOB, count);
    return STATUS_OK;
}

/* ---- the whole ----------------------------------------------------------------------------
 */

static enum status (*const decoders[PG_DECODER_COUNT])(const struct decoding *) = {
    [PG_DECODE_INT2] = decode_integer,
    [PG_DECODE_INT4] = decode_integer,
    [PG_DECODE_INT8] = decode_integer,
    [PG_DECODE_OID] = decode_integer,
    [PG_DECODE_BOOL] = decode_bool,
    [PG_DECODE_BOOL_TF] = decode_bool,
    [PG_DECODE_FLOAT8] = decode_float8,
    [PG_DECODE_NUMERIC] = decode_numeric,
    [PG_DECODE_TEXT] = decode_text,
    [PG_DECODE_BLOB] = decode_blob,
    [PG_DECODE_UUID] = decode_uuid,
    [PG_DECODE_UUID_HEX] = decode_uuid,
    [PG_DECODE_DATE] = decode_date,
    [PG_DECODE_TIMESTAMP] = decode_timestamp,
    [PG_DECODE_TIMESTAMP_ISOFORMAT] = decode_timestamp,
    [PG_DECODE_TIMESTAMP_SECONDS] = decode_timestamp,
    [PG_DECODE_TIMESTAMP_UTC_OFFSET] = decode_timestamp,
    [PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET] = decode_timestamp,
    [PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET] = decode_timestamp,
    [PG_DECODE_TIMESTAMP_UNIXEPOCH] = decode_timestamp,
    [PG_DECODE_TIME] = decode_time,
};

enum status pr_decode(const struct column *column, const struct pr_member *member,
        struct text *scratch, struct batch *batch, struct error *err) {
    struct decoding d = { .column = column,
        .facts = column->driver_data,
        .member = member,
        .text = member->value,
        .length = member->value_length,
        .batch = batch,
        .err = err };

    if (member->kind == PR_NULL) {
        batch_put_null(batch);
        return STATUS_OK;
    }
    if (member->value_escaped) {
        text_truncate(scratch, 0);
        text_append_bytes(scratch, member->value, member->value_length); /* for its room */
        if (text_status(scratch, err) != STATUS_OK) {
            return STATUS_NOMEM;
        }
        if (!pr_unescape(member->value, member->value_length, scratch->data, &d.length)) {
            return error_set(err, STATUS_PROTOCOL,
                    "string in column \"%s\" has an escape that is no character", column->name);
        }
        d.text = scratch->data;
    }
    return decoders[d.facts->pg.decoder](&d);
}
