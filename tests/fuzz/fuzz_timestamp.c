/* Eight bytes as a timestamp in every form, and as a date and a time: the text is read back by
 * hand to the very number. */
#include "drivers/postgres/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

/* Julian day number of a day of the Gregorian calendar, less that of 2000-01-01. */
static int64_t days_of(int64_t year, int month, int day) {
    int64_t a = (14 - month) / 12;
    int64_t y = year + 4800 * 2 - a; /* 4800 years more, so that nothing divided is negative */
    int64_t m = month + 12 * a - 3;

    return day + (153 * m + 2) / 5 + 365 * y + y / 4 - y / 100 + y / 400 - 1753164 - 2451545 -
           32045;
}

static bool read_text(const char *text, int64_t *us) {
    int month, day, hour, minute, second, used = 0, fraction = 0;
    int64_t year;

    if (sscanf(text, "%" SCNd64 "-%d-%d %d:%d:%d%n", &year, &month, &day, &hour, &minute,
                &second, &used) != 6) {
        return false;
    }
    text += used;
    if (text[0] == '.') {
        require(sscanf(text, ".%6d%n", &fraction, &used) == 1 && used == 7);
        text += used;
    }
    if (strncmp(text, "+00:00", 6) == 0) {
        text += 6;
    }
    if (strcmp(text, " BC") == 0) {
        year = 1 - year;
        text += 3;
    }
    require(text[0] == '\0');
    *us = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *us = *us * 1000000 + fraction;
    return true;
}

static void decode(enum pg_decoder decoder, const char *bytes, size_t size, char text[64]) {
    struct pg_column column = { .name = "t", .decoder = decoder };
    struct batch batch = { 0 };

    text[0] = '\0';
    require(batch_reset(&batch, 1, false, NULL) == STATUS_OK);
    batch_begin_row(&batch);
    if (pg_decode(&column, bytes, size, &batch, NULL) == STATUS_OK) {
        batch_end_row(&batch, 0);
        if (batch_kind(&batch, 0, 0) == VALUE_TEXT) {
            require(batch_cell(&batch, 0, 0)->length < 64);
            snprintf(text, 64, "%s", batch.heap);
        }
    }
    batch_clear(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t want = 0, got;
    char text[64], bytes[8];

    if (size < 8) {
        return 0;
    }
    memcpy(bytes, data, 8);
    for (int i = 0; i < 8; i++) {
        want = (int64_t)((uint64_t)want << 8 | data[i]);
    }
    for (int decoder = PG_DECODE_TIMESTAMP; decoder < PG_DECODE_TIMESTAMP_UNIXEPOCH;
            decoder++) {
        decode((enum pg_decoder)decoder, bytes, 8, text);
        if (!read_text(text, &got)) {
            require(text[0] == '\0' || strstr(text, "infinity") != NULL);
        } else if (decoder == PG_DECODE_TIMESTAMP_SECONDS ||
                   decoder == PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET) {
            require(got <= want && want - got < 1000000);
        } else {
            require(got == want);
        }
    }
    decode(PG_DECODE_TIMESTAMP_UNIXEPOCH, bytes, 8, text);
    decode(PG_DECODE_TIME, bytes, 8, text);
    require(text[0] == '\0' || (text[2] == ':' && strlen(text) == 15));
    decode(PG_DECODE_DATE, bytes, 4, text);
    require(strlen(text) < 20);
    return 0;
}
