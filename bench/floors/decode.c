/* Binary values of PostgreSQL to what SQLite holds, in as few steps as there are. */
#include "bench/floors/decode.h"

#include <string.h>

enum {
    TYPE_BOOL = 16,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_DATE = 1082,
    TYPE_TIMESTAMP = 1114,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_NUMERIC = 1700,
    TYPE_UUID = 2950,
};
enum { NUMERIC_WEIGHT_MAX = 60, NUMERIC_SCALE_MAX = 200, NUMERIC_NEGATIVE = 0x4000 };

int16_t read_int16(const char *bytes) {
    uint16_t value;

    memcpy(&value, bytes, sizeof value);
    return (int16_t)__builtin_bswap16(value);
}

int32_t read_int32(const char *bytes) {
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return (int32_t)__builtin_bswap32(value);
}

int64_t read_int64(const char *bytes) {
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return (int64_t)__builtin_bswap64(value);
}

/* The last `width` digits of a number, with zeros in front. */
static char *put_digits(char *to, int64_t number, int width) {
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + width;
}

/* Days since 2000-01-01 as YYYY-MM-DD, by the civil calendar of eras of 400 years. */
static char *put_date(char *to, int64_t days) {
    int64_t since = days + 730425, era = (since >= 0 ? since : since - 146096) / 146097;
    int64_t day_of_era = since - era * 146097;
    int64_t year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year =
            day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;

    to = put_digits(to, year_of_era + era * 400 + (month <= 2), 4);
    *to++ = '-';
    to = put_digits(to, month, 2);
    *to++ = '-';
    return put_digits(to, day_of_year - (153 * shifted + 2) / 5 + 1, 2);
}

static char *put_timestamp(char *to, int64_t us) {
    const int64_t day_us = 86400000000;
    int64_t days = us / day_us, rest = us % day_us;

    if (rest < 0) {
        rest += day_us;
        days--;
    }
    to = put_date(to, days);
    *to++ = ' ';
    to = put_digits(to, rest / 3600000000, 2);
    *to++ = ':';
    to = put_digits(to, rest / 60000000 % 60, 2);
    *to++ = ':';
    to = put_digits(to, rest / 1000000 % 60, 2);
    *to++ = '.';
    return put_digits(to, rest % 1000000, 6);
}

static char *put_uuid(char *to, const char *bytes) {
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *to++ = '-';
        }
        *to++ = digits[(unsigned char)bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    return to;
}

/* Groups of four decimal digits, the first worth 10000^weight; scale digits after the point. */
static char *put_numeric(char *to, const char *bytes) {
    int groups = read_int16(bytes), weight = read_int16(bytes + 2),
        scale = read_int16(bytes + 6);
    char *point;

    if (weight > NUMERIC_WEIGHT_MAX || scale > NUMERIC_SCALE_MAX) {
        return to;
    }
    if (read_int16(bytes + 4) == NUMERIC_NEGATIVE) {
        *to++ = '-';
    }
    for (int i = 0; i <= (weight > 0 ? weight : 0); i++) {
        const char *group = bytes + 8 + 2 * (size_t)i;

        to = put_digits(to, i < groups && weight >= 0 ? read_int16(group) : 0, 4);
    }
    *to++ = '.';
    point = to;
    for (int i = weight + 1; to - point < scale; i++) {
        to = put_digits(
                to, i >= 0 && i < groups ? read_int16(bytes + 8 + 2 * (size_t)i) : 0, 4);
    }
    return point + scale;
}

static double read_double(const char *bytes) {
    int64_t bits = read_int64(bytes);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static double read_float(const char *bytes) {
    int32_t bits = read_int32(bytes);
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

void decode_value(unsigned type, const char *bytes, size_t length, struct decoded *out) {
    char *end = out->text;

    out->integer = 0;
    out->bytes = out->text;
    switch (type) {
    case TYPE_BOOL:
        out->integer = *bytes != 0;
        break;
    case TYPE_INT2:
        out->integer = read_int16(bytes);
        break;
    case TYPE_INT4:
        out->integer = read_int32(bytes);
        break;
    case TYPE_INT8:
        out->integer = read_int64(bytes);
        break;
    case TYPE_FLOAT4:
        out->real = read_float(bytes);
        break;
    case TYPE_FLOAT8:
        out->real = read_double(bytes);
        break;
    case TYPE_DATE:
        end = put_date(end, read_int32(bytes));
        break;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        end = put_timestamp(end, read_int64(bytes));
        break;
    case TYPE_NUMERIC:
        end = put_numeric(end, bytes);
        break;
    case TYPE_UUID:
        end = put_uuid(end, bytes);
        break;
    default: /* text and bytes are what they are; touching the first byte fetches the line */
        out->bytes = bytes;
        if (length > 0) {
            out->text[0] = *bytes;
        }
        out->length = length;
        return;
    }
    out->length = (size_t)(end - out->text);
}
