/* drivers/postgres/decode*.c: binary values become the cells they must, and nothing else. */
#include "drivers/postgres/internal.h"

#include "tests/support/check.h"

#include <errno.h>
#include <stdlib.h>

enum { VALUE_BYTES_MAX = 512, NUMERIC_TEXT_BYTES = 256, DAY_TEXT_BYTES = 64 };

static size_t from_hex(const char *hex, char *bytes) {
    size_t used = 0;

    for (; hex[0] != '\0'; hex += hex[0] == ' ' ? 1 : 2) {
        unsigned byte;

        if (hex[0] != ' ') {
            assert_int_equal(1, sscanf(hex, "%2x", &byte));
            bytes[used++] = (char)byte;
        }
    }
    return used;
}

/* One cell as text: "I 5", "R 0.5", "T words", "B 00ff", "Z 6100" for TEXT with a NUL, "NULL".
 */
static void cell_text(const struct batch *batch, char *text, size_t size) {
    const union cell *cell = batch_cell(batch, 0, 0);
    enum value_kind kind = batch_kind(batch, 0, 0);
    size_t used = 2;

    switch (kind) {
    case VALUE_NULL:
        snprintf(text, size, "NULL");
        break;
    case VALUE_INTEGER:
        snprintf(text, size, "I %" PRId64, cell->integer);
        break;
    case VALUE_REAL:
        snprintf(text, size, "R %.17g", cell->real);
        break;
    case VALUE_TEXT:
        snprintf(text, size, "T %s", batch->heap + cell->start);
        assert_int_equal(strlen(text) - 2, cell->length);
        break;
    case VALUE_BLOB:
    case VALUE_TEXT_NUL:
        snprintf(text, size, kind == VALUE_BLOB ? "B " : "Z ");
        for (uint32_t i = 0; i < cell->length; i++) {
            used += (size_t)snprintf(text + used, size - used, "%02x",
                    (unsigned char)batch->heap[cell->start + i]);
        }
        break;
    }
}

static enum status decode(const struct pg_column *column, const char *bytes, size_t length,
        char *text, size_t size, struct error *err) {
    struct batch batch = { 0 };
    char *exact = bytes != NULL ? malloc(length) : NULL; /* so that a byte too far is noticed */
    enum status status;

    if (bytes != NULL) {
        memcpy(exact, bytes, length);
    }
    check_int("reset", STATUS_OK, batch_reset(&batch, 1, false, NULL));
    batch_begin_row(&batch);
    status = pg_decode(column, bytes != NULL && length == 0 ? "" : exact, length, &batch, err);
    if (status == STATUS_OK) {
        batch_end_row(&batch, 0);
        cell_text(&batch, text, size);
    }
    batch_clear(&batch);
    free(exact);
    return status;
}

/* hex NULL is NULL; want "!..." is an error that contains the words. */
static const struct {
    enum pg_decoder decoder;
    const char *hex, *want;
} cases[] = {
    { PG_DECODE_INT2, "7fff", "I 32767" },
    { PG_DECODE_INT2, "8000", "I -32768" },
    { PG_DECODE_INT2, NULL, "NULL" },
    { PG_DECODE_INT2, "", "!malformed int2 in column \"c\": 0 bytes where 2 are due" },
    { PG_DECODE_INT2, "000001", "!3 bytes where 2 are due" },
    { PG_DECODE_INT4, "80000000", "I -2147483648" },
    { PG_DECODE_INT4, "7fffffff", "I 2147483647" },
    { PG_DECODE_INT4, "00000000 00000000", "!8 bytes where 4 are due" },
    { PG_DECODE_INT8, "8000000000000000", "I -9223372036854775808" },
    { PG_DECODE_INT8, "ffffffffffffffff", "I -1" },
    { PG_DECODE_OID, "ffffffff", "I 4294967295" },
    { PG_DECODE_BOOL, "00", "I 0" },
    { PG_DECODE_BOOL, "01", "I 1" },
    { PG_DECODE_BOOL, "02", "!malformed bool in column \"c\": byte 2" },
    { PG_DECODE_BOOL_TF, "00", "T F" },
    { PG_DECODE_BOOL_TF, "01", "T T" },
    { PG_DECODE_BOOL_TF, "ff", "!byte 255" },
    { PG_DECODE_FLOAT8, "3ff0000000000000", "R 1" },
    { PG_DECODE_FLOAT8, "8000000000000000", "R 0" },
    { PG_DECODE_FLOAT8, "7ff0000000000000", "R inf" },
    { PG_DECODE_FLOAT8, "fff0000000000000", "R -inf" },
    { PG_DECODE_FLOAT8, "7ff8000000000000", "T NaN" },
    { PG_DECODE_FLOAT8, "fff0000000000001", "T NaN" },
    { PG_DECODE_FLOAT8, "0000000000000001", "R 4.9406564584124654e-324" },
    { PG_DECODE_TEXT, "", "T " },
    { PG_DECODE_TEXT, "61c3a9", "T a\xc3\xa9" },
    { PG_DECODE_TEXT, "f09f9880", "T \xf0\x9f\x98\x80" },
    { PG_DECODE_TEXT, "f48fbfbf", "T \xf4\x8f\xbf\xbf" },
    { PG_DECODE_TEXT, "ed9fbf ee8080", "T \xed\x9f\xbf\xee\x80\x80" },
    { PG_DECODE_TEXT, "6162 00 63", "Z 61620063" },
    { PG_DECODE_TEXT, "6162636465666768 80", "!byte 0x80 at 8" },
    { PG_DECODE_TEXT, "e9", "!text in column \"c\" is not UTF-8: byte 0xe9 at 0" },
    { PG_DECODE_TEXT, "61c3", "!byte 0xc3 at 1" },
    { PG_DECODE_TEXT, "c080", "!byte 0xc0" },
    { PG_DECODE_TEXT, "c1bf", "!byte 0xc1" },
    { PG_DECODE_TEXT, "e09fbf", "!byte 0xe0" },
    { PG_DECODE_TEXT, "eda080", "!byte 0xed" },
    { PG_DECODE_TEXT, "f08fbfbf", "!byte 0xf0" },
    { PG_DECODE_TEXT, "f4908080", "!byte 0xf4" },
    { PG_DECODE_TEXT, "f5808080", "!byte 0xf5" },
    { PG_DECODE_TEXT, "f0908041", "!byte 0xf0" },
    { PG_DECODE_TEXT, "e4b8ff", "!byte 0xe4" },
    { PG_DECODE_BLOB, "", "B " },
    { PG_DECODE_BLOB, "00ffe9", "B 00ffe9" },
    { PG_DECODE_UUID, "550e8400e29b41d4a716446655440000",
            "T 550e8400-e29b-41d4-a716-446655440000" },
    { PG_DECODE_UUID, "550e8400e29b41d4a7164466554400", "!15 bytes where 16 are due" },
    { PG_DECODE_UUID_HEX, "550e8400e29b41d4a716446655440000",
            "T 550e8400e29b41d4a716446655440000" },
    { PG_DECODE_DATE, "00000000", "T 2000-01-01" },
    { PG_DECODE_DATE, "ffffffff", "T 1999-12-31" },
    { PG_DECODE_DATE, "0000003b", "T 2000-02-29" },
    { PG_DECODE_DATE, "fff4da8b", "T 0001-01-01 BC" },
    { PG_DECODE_DATE, "fff4dbf9", "T 0001-01-01" },
    { PG_DECODE_DATE, "ffda97a7", "T 4714-11-24 BC" },
    { PG_DECODE_DATE, "ffda97a6", "!malformed date in column \"c\": day -2451546" },
    { PG_DECODE_DATE, "7fda970c", "T 5874897-12-31" },
    { PG_DECODE_DATE, "7fda970d", "!day 2145031949" },
    { PG_DECODE_DATE, "7fffffff", "T infinity" },
    { PG_DECODE_DATE, "80000000", "T -infinity" },
    { PG_DECODE_TIME, "0000000000000000", "T 00:00:00.000000" },
    { PG_DECODE_TIME, "000000141dd76000", "T 24:00:00.000000" },
    { PG_DECODE_TIME, "000000141dd75fff", "T 23:59:59.999999" },
    { PG_DECODE_TIME, "000000141dd76001", "!malformed time" },
    { PG_DECODE_TIME, "ffffffffffffffff", "!microsecond -1" },
    { PG_DECODE_TIMESTAMP, "0000000000000000", "T 2000-01-01 00:00:00.000000" },
    { PG_DECODE_TIMESTAMP, "ffffffffffffffff", "T 1999-12-31 23:59:59.999999" },
    { PG_DECODE_TIMESTAMP, "7fffffffffffffff", "T infinity" },
    { PG_DECODE_TIMESTAMP, "8000000000000000", "T -infinity" },
    { PG_DECODE_TIMESTAMP, "7ffffffffffffffe", "!malformed timestamp" },
    { PG_DECODE_TIMESTAMP, "7fffff5bb3b29fff", "T 294276-12-31 23:59:59.999999" },
    { PG_DECODE_TIMESTAMP, "7fffff5bb3b2a000", "!malformed timestamp" },
    { PG_DECODE_TIMESTAMP, "fd0f7cc1411fa000", "T 4714-11-24 00:00:00.000000 BC" },
    { PG_DECODE_TIMESTAMP, "fd0f7cc1411f9fff", "!malformed timestamp" },
    { PG_DECODE_TIMESTAMP_UTC_OFFSET, "0000000000000001",
            "T 2000-01-01 00:00:00.000001+00:00" },
    { PG_DECODE_TIMESTAMP_UTC_OFFSET, "fd0f7cc1411fa000",
            "T 4714-11-24 00:00:00.000000+00:00 BC" },
    { PG_DECODE_TIMESTAMP_ISOFORMAT, "0000000000000000", "T 2000-01-01 00:00:00" },
    { PG_DECODE_TIMESTAMP_ISOFORMAT, "000000000007a120", "T 2000-01-01 00:00:00.500000" },
    { PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET, "0000000000000000",
            "T 2000-01-01 00:00:00+00:00" },
    { PG_DECODE_TIMESTAMP_SECONDS, "00000000000f423f", "T 2000-01-01 00:00:00" },
    { PG_DECODE_TIMESTAMP_SECONDS, "ffffffffffffffff", "T 1999-12-31 23:59:59" },
    { PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET, "ffffffffffffffff",
            "T 1999-12-31 23:59:59+00:00" },
    { PG_DECODE_TIMESTAMP_UNIXEPOCH, "0000000000000000", "I 946684800" },
    { PG_DECODE_TIMESTAMP_UNIXEPOCH, "000000000007a120", "R 946684800.5" },
    { PG_DECODE_TIMESTAMP_UNIXEPOCH, "fffca2fec4c82000", "I 0" },
    { PG_DECODE_TIMESTAMP_UNIXEPOCH, "fffca2fec4c81fff", "R -9.9999999999999995e-07" },
    { PG_DECODE_TIMESTAMP_UNIXEPOCH, "7fffff5bb3b29fff", "I 9224318016000" },
    { PG_DECODE_TIMESTAMP_UNIXEPOCH, "7fffffffffffffff", "R inf" },
    { PG_DECODE_TIMESTAMP_UNIXEPOCH, "8000000000000000", "R -inf" },
    /* numeric: count, weight, sign, scale, digits */
    { PG_DECODE_NUMERIC, "0000 0000 0000 0000", "I 0" },
    { PG_DECODE_NUMERIC, "0001 0000 0000 0002 0005", "I 5" },
    { PG_DECODE_NUMERIC, "0001 0000 4000 0000 0005", "I -5" },
    { PG_DECODE_NUMERIC, "0002 0000 0000 0002 0001 1388", "R 1.5" },
    { PG_DECODE_NUMERIC, "0001 ffff 0000 0001 03e8", "R 0.10000000000000001" },
    { PG_DECODE_NUMERIC, "0001 0001 0000 0000 0001", "I 10000" },
    { PG_DECODE_NUMERIC, "0005 0004 0000 0000 039a 0d2c 0170 1565 16af",
            "I 9223372036854775807" },
    { PG_DECODE_NUMERIC, "0005 0004 4000 0000 039a 0d2c 0170 1565 16b0",
            "I -9223372036854775808" },
    { PG_DECODE_NUMERIC, "0005 0004 0000 0000 039a 0d2c 0170 1565 16b0",
            "R 9.2233720368547758e+18" },
    { PG_DECODE_NUMERIC, "0005 0004 4000 0000 039a 0d2c 0170 1565 16b1",
            "R -9.2233720368547758e+18" },
    { PG_DECODE_NUMERIC, "0000 0000 c000 0000", "T NaN" },
    { PG_DECODE_NUMERIC, "0000 0000 d000 0020", "R inf" },
    { PG_DECODE_NUMERIC, "0000 0000 f000 0020", "R -inf" },
    { PG_DECODE_NUMERIC, "0001 7fff 0000 0000 0001", "R inf" },
    { PG_DECODE_NUMERIC, "0001 7fff 4000 0000 0001", "R -inf" },
    { PG_DECODE_NUMERIC, "0001 8000 4000 0000 0001", "I 0" },
    { PG_DECODE_NUMERIC, "0003 0001 0000 0000 0000 0007 0000", "I 7" },
    { PG_DECODE_NUMERIC, "0002 0000 0000 0000 0000 0000", "I 0" },
    { PG_DECODE_NUMERIC, "0001 0000 e000 0000 0001", "!1 digits behind sign 0xe000" },
    { PG_DECODE_NUMERIC, "0000 0000 1234 0000", "!sign 0x1234" },
    { PG_DECODE_NUMERIC, "0001 0000 c000 0000 0001", "!1 digits behind sign 0xc000" },
    { PG_DECODE_NUMERIC, "0001 0000 0000 0000 2710", "!digit 10000" },
    { PG_DECODE_NUMERIC, "0001 0000 0000 0000", "!malformed numeric in column \"c\": 8 bytes" },
    { PG_DECODE_NUMERIC, "ffff 0000 0000 0000 0001", "!10 bytes" },
    { PG_DECODE_NUMERIC, "0001 0000 00", "!5 bytes" },
    { PG_DECODE_NUMERIC, "", "!0 bytes" },
};

static void values_become_cells(void **state) {
    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct pg_column column = { .name = "c", .decoder = cases[i].decoder };
        char label[64], bytes[VALUE_BYTES_MAX], text[VALUE_BYTES_MAX] = "";
        size_t length = cases[i].hex != NULL ? from_hex(cases[i].hex, bytes) : 0;
        struct error err = { 0 };
        enum status status = decode(
                &column, cases[i].hex != NULL ? bytes : NULL, length, text, sizeof(text), &err);

        snprintf(label, sizeof(label), "case %zu: %.40s", i, cases[i].want);
        if (cases[i].want[0] == '!') {
            check_status(label, STATUS_PROTOCOL, status, &err);
            if (strstr(err.message, cases[i].want + 1) == NULL) {
                check_text(label, cases[i].want + 1, err.message);
            }
        } else {
            check_status(label, STATUS_OK, status, &err);
            check_text(label, cases[i].want, text);
        }
        error_clear(&err);
    }
}

static void nan_becomes_null(void **state) {
    static const struct {
        enum pg_decoder decoder;
        const char *hex;
    } nans[] = { { PG_DECODE_FLOAT8, "7ff8000000000000" },
        { PG_DECODE_NUMERIC, "0000 0000 c000 0000" } };

    (void)state;
    for (size_t i = 0; i < check_count(nans); i++) {
        struct pg_column column = { .name = "c", .decoder = nans[i].decoder, .nan_null = true };
        char bytes[VALUE_BYTES_MAX], text[VALUE_BYTES_MAX];
        size_t length = from_hex(nans[i].hex, bytes);

        check_int("nan", STATUS_OK, decode(&column, bytes, length, text, sizeof(text), NULL));
        check_text("nan", "NULL", text);
    }
}

/* ---- against slow references ---- */

static uint64_t random_state = 1; /* the same cases in every run */

static uint64_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void put_u16(char *bytes, unsigned value) {
    bytes[0] = (char)(value >> 8);
    bytes[1] = (char)value;
}

/* The decimal text of a numeric, written from its digits; the reference reads that. */
static size_t random_numeric(char *bytes, char text[NUMERIC_TEXT_BYTES]) {
    size_t count = (size_t)(random_next() % 9);
    int weight = (int)(random_next() % 12) - 6;
    bool negative = random_next() % 2;
    size_t used = (size_t)snprintf(text, NUMERIC_TEXT_BYTES, negative ? "-0" : "0");

    put_u16(bytes, (unsigned)count);
    put_u16(bytes + 2, (unsigned)weight & 0xffff);
    put_u16(bytes + 4, negative ? 0x4000 : 0);
    put_u16(bytes + 6, 0);
    for (size_t i = 0; i < count; i++) {
        put_u16(bytes + 8 + 2 * i, (unsigned)(random_next() % (random_next() % 4 ? 10000 : 2)));
    }
    for (int power = weight > 0 ? weight : 0; power >= -20; power--) {
        int i = weight - power;

        used += (size_t)snprintf(text + used, NUMERIC_TEXT_BYTES - used, "%s%04d",
                power == -1 ? "." : "",
                i >= 0 && i < (int)count
                        ? (unsigned char)bytes[8 + 2 * i] << 8 | (unsigned char)bytes[9 + 2 * i]
                        : 0);
    }
    return 8 + 2 * count;
}

static void numeric_reference(const char *text, char *want, size_t size) {
    const char *point = strchr(text, '.');
    double real = strtod(text, NULL);
    char *end;
    long long integer;

    errno = 0;
    integer = strtoll(text, &end, 10);
    if (strspn(point + 1, "0") == strlen(point + 1) && end == point && errno == 0) {
        snprintf(want, size, "I %lld", integer);
    } else if (real > -0x1p63 && real < 0x1p63 && real == (double)(long long)real) {
        snprintf(want, size, "I %lld", (long long)real);
    } else {
        snprintf(want, size, "R %.17g", real);
    }
}

static void numerics_round_as_strtod(void **state) {
    struct pg_column column = { .name = "c", .decoder = PG_DECODE_NUMERIC };

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char bytes[64], digits[256], want[64], got[VALUE_BYTES_MAX];
        size_t length = random_numeric(bytes, digits);

        numeric_reference(digits, want, sizeof(want));
        check_int(digits, STATUS_OK, decode(&column, bytes, length, got, sizeof(got), NULL));
        check_text(digits, want, got);
    }
}

/* A long tail of digits just above and at the middle of two doubles: 1 + 2^-53 is a tie. */
static void long_numerics_break_ties(void **state) {
    static const char tie[] = "0.00000000000000011102230246251565404236316680908203125";
    struct pg_column column = { .name = "c", .decoder = PG_DECODE_NUMERIC };

    (void)state;
    for (unsigned tail = 0; tail <= 600; tail += 300) {
        char bytes[8 + 2 * 1024] = { 0 }, got[VALUE_BYTES_MAX];
        unsigned count = 15 + tail;

        put_u16(bytes, count);
        put_u16(bytes + 8, 1);
        for (size_t i = 0; i < 14; i++) {
            char group[5] = "0000";

            for (size_t at = 0; at < 4 && 2 + 4 * i + at < strlen(tie); at++) {
                group[at] = tie[2 + 4 * i + at];
            }
            put_u16(bytes + 10 + 2 * i, (unsigned)strtoul(group, NULL, 10));
        }
        if (tail > 0) {
            put_u16(bytes + 8 + 2 * ((size_t)count - 1), 1);
        }
        check_int("tie", STATUS_OK,
                decode(&column, bytes, 8 + 2 * count, got, sizeof(got), NULL));
        check_text("tie", tail == 0 ? "I 1" : "R 1.0000000000000002", got);
    }
}

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Counts years and months one by one, from the nearest multiple of 400 years. */
static void day_reference(int64_t days, char text[DAY_TEXT_BYTES], const char **era) {
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t year = 2000 + days / 146097 * 400;
    int month = 0;

    days %= 146097;
    for (; days < 0; days += is_leap(year) ? 366 : 365) {
        year--;
    }
    for (; days >= (is_leap(year) ? 366 : 365); year++) {
        days -= is_leap(year) ? 366 : 365;
    }
    while (days >= lengths[month] + (month == 1 && is_leap(year))) {
        days -= lengths[month] + (month == 1 && is_leap(year));
        month++;
    }
    *era = year > 0 ? "" : " BC";
    snprintf(text, DAY_TEXT_BYTES, "%04lld-%02d-%02d", (long long)(year > 0 ? year : 1 - year),
            month + 1, (int)days + 1);
}

static void put_u64(char *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(value >> (56 - 8 * i));
    }
}

static void timestamps_count_as_calendars_do(void **state) {
    struct pg_column column = { .name = "c", .decoder = PG_DECODE_TIMESTAMP };
    uint64_t first = 211813488000000000;
    uint64_t span = first + 9223371331200000000u;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        /* Half of them near the years that people use. */
        int64_t us = i % 2 ? (int64_t)(random_next() % span - first)
                           : (int64_t)(random_next() % 126230400000000000) - 63113904000000000;
        int64_t days = us / 86400000000 - (us % 86400000000 < 0);
        int64_t rest = us - days * 86400000000;
        char bytes[8], day[64], want[128], got[VALUE_BYTES_MAX];
        const char *era;

        day_reference(days, day, &era);
        snprintf(want, sizeof(want), "T %s %02d:%02d:%02d.%06d%s", day,
                (int)(rest / 3600000000), (int)(rest / 60000000 % 60),
                (int)(rest / 1000000 % 60), (int)(rest % 1000000), era);
        put_u64(bytes, (uint64_t)us);
        check_int(want, STATUS_OK, decode(&column, bytes, 8, got, sizeof(got), NULL));
        check_text("timestamp", want, got);
    }
}

static void dates_count_as_calendars_do(void **state) {
    struct pg_column column = { .name = "c", .decoder = PG_DECODE_DATE };

    (void)state;
    for (int64_t days = -2451545; days < 2145031949;
            days += 1 + (int64_t)(random_next() % 20011)) {
        char bytes[8], day[64], want[128], got[VALUE_BYTES_MAX];
        const char *era;

        day_reference(days, day, &era);
        snprintf(want, sizeof(want), "T %s%s", day, era);
        put_u64(bytes, (uint64_t)days << 32);
        check_int(want, STATUS_OK, decode(&column, bytes, 4, got, sizeof(got), NULL));
        check_text("date", want, got);
    }
}

static void ctids_become_rowids(void **state) {
    static const uint32_t leaves[] = { 7, 16400, 16405, 4294967295 };
    static const struct {
        size_t leaf_count;
        const char *ctid, *tableoid;
        enum status status;
        int64_t rowid;
    } rows[] = {
        { 0, "00000000 0001", "", STATUS_OK, 1 },
        { 0, "00000001 0002", "", STATUS_OK, 65538 },
        { 0, "ffffffff ffff", "", STATUS_OK, 0xffffffffffff },
        { 4, "00000000 0001", "00000007", STATUS_OK, 1 },
        { 4, "00000000 0001", "00004010", STATUS_OK, INT64_C(1) << 48 | 1 },
        { 4, "ffffffff ffff", "ffffffff", STATUS_OK, INT64_C(3) << 48 | 0xffffffffffff },
        { 4, "00000000 0001", "00004011", STATUS_SCHEMA, 0 },
        { 4, "00000000 0001", "00000000", STATUS_SCHEMA, 0 },
        { 4, "00000000 0001", "000007", STATUS_PROTOCOL, 0 },
        { 0, "00000000 00", "", STATUS_PROTOCOL, 0 },
        { 0, "00000000 000100", "", STATUS_PROTOCOL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < check_count(rows); i++) {
        struct pg_relation relation = { .leaf_oids = leaves, .leaf_count = rows[i].leaf_count };
        char ctid[16], tableoid[16];
        size_t ctid_length = from_hex(rows[i].ctid, ctid);
        size_t oid_length = from_hex(rows[i].tableoid, tableoid);
        struct error err = { 0 };
        int64_t rowid = 0;

        check_status(rows[i].ctid, rows[i].status,
                pg_decode_rowid(
                        &relation, ctid, ctid_length, tableoid, oid_length, &rowid, &err),
                &err);
        check_int(rows[i].ctid, rows[i].rowid, rowid);
        error_clear(&err);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_cells),
        cmocka_unit_test(nan_becomes_null),
        cmocka_unit_test(numerics_round_as_strtod),
        cmocka_unit_test(long_numerics_break_ties),
        cmocka_unit_test(timestamps_count_as_calendars_do),
        cmocka_unit_test(dates_count_as_calendars_do),
        cmocka_unit_test(ctids_become_rowids),
    };

    return check_run(tests);
}
