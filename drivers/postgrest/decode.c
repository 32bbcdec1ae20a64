/* Members of a row -> cells of a batch. Pure.
 *
 * A value is text here and binary on PostgreSQL's own wire; what has a binary form of a few
 * bytes is brought into it and given to the postgres driver's decoder, so that the two drivers
 * cannot differ in what a user sees. A value that is not of its column's type means that the
 * table is not as described. */
#include "drivers/postgrest/decode.h"

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

enum status pr_mismatch(const struct pr_decoding *d) {
    return error_set(d->err, STATUS_SCHEMA,
            "remote table changed: column \"%s\" holds what is no %s", d->column->name,
            d->column->remote_type);
}

bool pr_text_is(const struct pr_decoding *d, const char *word) {
    return strlen(word) == d->length && memcmp(word, d->text, d->length) == 0;
}

enum status pr_put_binary(const struct pr_decoding *d, const char *bytes, size_t length) {
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

static enum status decode_integer(const struct pr_decoding *d) {
    bool number = d->member->kind == PR_NUMBER || d->facts->select != PR_SELECT_PLAIN;
    int64_t integer;

    if (!number || !read_integer(d->text, d->length, &integer)) {
        return pr_mismatch(d);
    }
    batch_put_integer(d->batch, integer);
    return STATUS_OK;
}

static enum status decode_bool(const struct pr_decoding *d) {
    bool yes = d->member->kind == PR_TRUE || pr_text_is(d, "true") || pr_text_is(d, "t");
    char byte = yes ? 1 : 0;

    if (!yes && d->member->kind != PR_FALSE && !pr_text_is(d, "false") && !pr_text_is(d, "f")) {
        return pr_mismatch(d);
    }
    return pr_put_binary(d, &byte, 1);
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

static enum status decode_float8(const struct pr_decoding *d) {
    struct decimal decimal;
    uint64_t bits;
    double real;

    if (pr_text_is(d, "NaN")) {
        real = NAN;
    } else if (pr_text_is(d, "Infinity")) {
        real = HUGE_VAL;
    } else if (pr_text_is(d, "-Infinity")) {
        real = -HUGE_VAL;
    } else if (read_decimal(d->text, d->length, &decimal)) {
        real = decimal_real(&decimal);
    } else {
        return pr_mismatch(d);
    }
    memcpy(&bits, &real, sizeof(bits));
    bits = htobe64(bits);
    return pr_put_binary(d, (const char *)&bits, sizeof(bits));
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

static enum status decode_numeric(const struct pr_decoding *d) {
    struct decimal decimal;
    int64_t integer;

    if (pr_text_is(d, "NaN")) {
        return pg_decode_nan(&d->facts->pg, d->batch, d->err);
    }
    if (pr_text_is(d, "Infinity") || pr_text_is(d, "-Infinity")) {
        batch_put_real(d->batch, d->text[0] == '-' ? -HUGE_VAL : HUGE_VAL);
        return STATUS_OK;
    }
    if (!read_decimal(d->text, d->length, &decimal)) {
        return pr_mismatch(d);
    }
    if (decimal_integer(&decimal, &integer)) {
        batch_put_integer(d->batch, integer);
    } else {
        pg_put_number(d->batch, decimal_real(&decimal));
    }
    return STATUS_OK;
}

/* ---- texts and bytes ----------------------------------------------------------------------
 */

static enum status decode_text(const struct pr_decoding *d) {
    if (d->member->kind != PR_STRING && !d->facts->raw &&
            d->facts->select != PR_SELECT_NUMERIC) {
        return pr_mismatch(d);
    }
    if (d->facts->raw && d->facts->pg.element_oid != 0 && d->member->kind != PR_ARRAY) {
        return pr_mismatch(d);
    }
    if (d->facts->pg.nan_null && pr_text_is(d, "NaN")) { /* numeric=text */
        batch_put_null(d->batch);
        return STATUS_OK;
    }
    return pr_put_binary(d, d->text, d->length);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, size_t digits, char *out) {
    if (digits % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < digits; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        *out++ = (char)(high << 4 | low);
    }
    return true;
}

static enum status decode_uuid(const struct pr_decoding *d) {
    static const size_t groups[] = { 8, 4, 4, 4, 12 }; /* digits, with dashes between them */
    char bytes[UUID_BYTES];
    size_t at = 0, count = 0;
    bool well = d->length == 36;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && well; i++) {
        well = (at == 0 || d->text[at - 1] == '-') &&
               read_hex(d->text + at, groups[i], bytes + count);
        at += groups[i] + 1;
        count += groups[i] / 2;
    }
    return well ? pr_put_binary(d, bytes, count) : pr_mismatch(d);
}

static enum status decode_blob(const struct pr_decoding *d) {
    char *bytes;

    if (d->facts->pg.type_oid == PG_TYPE_UUID) {
        return decode_uuid(d);
    }
    if (d->facts->pg.type_oid != PG_TYPE_BYTEA) {
        return pr_put_binary(d, d->text, d->length);
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
    if (!read_hex(d->text + 2, d->length - 2, bytes)) {
        return pr_mismatch(d);
    }
    batch_put_reserved(d->batch, VALUE_BLOB, d->length / 2 - 1);
    return STATUS_OK;
}

/* ---- the whole ----------------------------------------------------------------------------
 */

static enum status (*const decoders[PG_DECODER_COUNT])(const struct pr_decoding *) = {
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
    [PG_DECODE_DATE] = pr_decode_date,
    [PG_DECODE_TIMESTAMP] = pr_decode_timestamp,
    [PG_DECODE_TIMESTAMP_ISOFORMAT] = pr_decode_timestamp,
    [PG_DECODE_TIMESTAMP_SECONDS] = pr_decode_timestamp,
    [PG_DECODE_TIMESTAMP_UTC_OFFSET] = pr_decode_timestamp,
    [PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET] = pr_decode_timestamp,
    [PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET] = pr_decode_timestamp,
    [PG_DECODE_TIMESTAMP_UNIXEPOCH] = pr_decode_timestamp,
    [PG_DECODE_TIME] = pr_decode_time,
};

enum status pr_decode(const struct column *column, const struct pr_member *member,
        struct text *scratch, struct batch *batch, struct error *err) {
    struct pr_decoding d = { .column = column,
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
