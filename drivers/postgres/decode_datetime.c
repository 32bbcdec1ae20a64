/* Binary date, time and timestamp -> text, or seconds since 1970.
 *
 * The wire counts from 2000-01-01: dates in days, timestamps in microseconds (timestamptz in
 * UTC), times in microseconds since midnight. The calendar is the proleptic Gregorian one;
 * years before 1 are written as PostgreSQL does, "0044-03-15 BC". */
#include "drivers/postgres/decode.h"

#include <stdio.h>

static const int64_t us_per_second = 1000000;
static const int64_t us_per_day = 86400 * (int64_t)1000000;
static const int64_t unix_seconds_2000 = 946684800; /* 2000-01-01 counted from 1970-01-01 */

/* PostgreSQL's own ends; what lies outside never comes from a server that keeps its word. */
static const int64_t date_first = -2451545;                 /* 4714-11-24 BC */
static const int64_t date_end = 2145031949;                 /* the day after 5874897-12-31 */
static const int64_t timestamp_first = -211813488000000000; /* 4714-11-24 BC */
static const int64_t timestamp_end = 9223371331200000000;   /* 294277-01-01 */

enum { DATETIME_TEXT_BYTES = 64, YEAR_BYTES = 12 }; /* no text is longer than 40 */

enum fraction { FRACTION_ALWAYS, FRACTION_WHEN_SET, FRACTION_NEVER };

struct civil {
    int year; /* 1 BC is 0 */
    int month, day;
};

/* Days since 2000-01-01 -> calendar day. Counted in centuries and years that begin on a 1
 * March, so that the leap day is the last day of its year. Each division is one by a constant,
 * or a multiplication whose upper half is the quotient, as Neri and Schneider have shown: this
 * is most of the work of a scan with dates. */
static struct civil civil_from_days(int64_t days) {
    enum { ERAS = 20 }; /* of 400 years: the first date has a positive count */
    uint64_t quarters = 4 * (uint64_t)(days + 730425 + ERAS * INT64_C(146097)) + 3;
    uint32_t century = (uint32_t)(quarters / 146097);
    uint32_t rest = (uint32_t)(quarters % 146097) | 3; /* quarter days of the century */
    uint64_t years = UINT64_C(2939745) * rest;
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t month = 2141 * day_of_year + 197913;
    int late = day_of_year >= 306; /* January and February */

    return (struct civil){ .year = (int)(century * 100 + (uint32_t)(years >> 32)) + late -
                                   ERAS * 400,
        .month = (int)(month >> 16) - (late ? 12 : 0),
        .day = (int)((month & 0xffff) / 2141) + 1 };
}

/* Written by hand, since they are most of the work of a scan with dates: snprintf() takes ten
 * times as long. Each returns the place behind what it wrote. */
static char *write_pair(char *to, int number) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    memcpy(to, pairs + (size_t)number * 2, 2);
    return to + 2;
}

/* A few letters, mostly none. */
static char *write_text(char *to, const char *text) {
    while (*text != '\0') {
        *to++ = *text++;
    }
    return to;
}

static char *write_day(char *to, const struct civil *civil) {
    int year = civil->year > 0 ? civil->year : 1 - civil->year;

    if (year > 9999) {
        to += snprintf(to, YEAR_BYTES, "%d", year);
    } else {
        to = write_pair(to, year / 100);
        to = write_pair(to, year % 100);
    }
    *to++ = '-';
    to = write_pair(to, civil->month);
    *to++ = '-';
    return write_pair(to, civil->day);
}

static char *write_time(char *to, int64_t us, enum fraction fraction) {
    int seconds = (int)(us / us_per_second);
    int rest = (int)(us % us_per_second);

    to = write_pair(to, seconds / 3600);
    *to++ = ':';
    to = write_pair(to, seconds / 60 % 60);
    *to++ = ':';
    to = write_pair(to, seconds % 60);
    if (fraction == FRACTION_ALWAYS || (fraction == FRACTION_WHEN_SET && rest != 0)) {
        *to++ = '.';
        to = write_pair(to, rest / 10000);
        to = write_pair(to, rest / 100 % 100);
        to = write_pair(to, rest % 100);
    }
    return to;
}

static enum status put_infinity(bool above, struct batch *batch, struct error *err) {
    return above ? batch_put_bytes(batch, VALUE_TEXT, "infinity", 8, err)
                 : batch_put_bytes(batch, VALUE_TEXT, "-infinity", 9, err);
}

enum status pg_decode_date(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    int32_t days = (int32_t)pg_read_u32(bytes);
    struct civil civil;
    char *text, *end;

    (void)length;
    if (days == INT32_MAX || days == INT32_MIN) {
        return put_infinity(days > 0, batch, err);
    }
    if (days < date_first || days >= date_end) {
        return pg_malformed(column, err, "day %d", days);
    }
    text = batch_reserve(batch, DATETIME_TEXT_BYTES, err);
    if (text == NULL) {
        return err != NULL ? err->status : STATUS_NOMEM;
    }
    civil = civil_from_days(days);
    end = write_text(write_day(text, &civil), civil.year > 0 ? "" : " BC");
    batch_put_written(batch, (size_t)(end - text));
    return STATUS_OK;
}

enum status pg_decode_time(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    int64_t us = (int64_t)pg_read_u64(bytes);
    char text[DATETIME_TEXT_BYTES];
    char *end;

    (void)length;
    if (us < 0 || us > us_per_day) { /* 24:00:00 is a time of its own */
        return pg_malformed(column, err, "microsecond %lld", (long long)us);
    }
    end = write_time(text, us, FRACTION_ALWAYS);
    return batch_put_bytes(batch, VALUE_TEXT, text, (size_t)(end - text), err);
}

/* How each decoder writes a timestamp. */
static const struct timestamp_form {
    enum fraction fraction;
    const char *suffix;
} timestamp_forms[PG_DECODER_COUNT] = {
    [PG_DECODE_TIMESTAMP] = { FRACTION_ALWAYS, "" },
    [PG_DECODE_TIMESTAMP_ISOFORMAT] = { FRACTION_WHEN_SET, "" },
    [PG_DECODE_TIMESTAMP_SECONDS] = { FRACTION_NEVER, "" },
    [PG_DECODE_TIMESTAMP_UTC_OFFSET] = { FRACTION_ALWAYS, "+00:00" },
    [PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET] = { FRACTION_WHEN_SET, "+00:00" },
    [PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET] = { FRACTION_NEVER, "+00:00" },
};

static enum status put_timestamp(
        const struct pg_column *column, int64_t us, struct batch *batch, struct error *err) {
    const struct timestamp_form *form = &timestamp_forms[column->decoder];
    int64_t days = (us >= 0 ? us : us - (us_per_day - 1)) / us_per_day; /* rounds down */
    struct civil civil = civil_from_days(days);
    char *text = batch_reserve(batch, DATETIME_TEXT_BYTES, err), *end;

    if (text == NULL) {
        return err != NULL ? err->status : STATUS_NOMEM;
    }
    end = write_day(text, &civil);
    *end++ = ' ';
    end = write_time(end, us - days * us_per_day, form->fraction);
    end = write_text(end, form->suffix);
    end = write_text(end, civil.year > 0 ? "" : " BC");
    batch_put_written(batch, (size_t)(end - text));
    return STATUS_OK;
}

/* A fraction is added as a double: it is the nearest one for three centuries around 1970, and
 * types.c claims nothing for the rest. */
static void put_unixepoch(int64_t us, struct batch *batch) {
    int64_t seconds = (us >= 0 ? us : us - (us_per_second - 1)) / us_per_second;
    int64_t rest = us - seconds * us_per_second;

    seconds += unix_seconds_2000; /* in seconds, since microseconds could overflow */
    if (rest == 0) {
        batch_put_integer(batch, seconds);
    } else if (seconds < INT64_C(1) << 33 && seconds > -(INT64_C(1) << 33)) {
        pg_put_number(batch, (double)(seconds * us_per_second + rest) / 1e6);
    } else {
        pg_put_number(batch, (double)seconds + (double)rest / 1e6);
    }
}

enum status pg_decode_timestamp(const struct pg_column *column, const char *bytes,
        size_t length, struct batch *batch, struct error *err) {
    int64_t us = (int64_t)pg_read_u64(bytes);
    bool infinite = us == INT64_MAX || us == INT64_MIN;

    (void)length;
    if (!infinite && (us < timestamp_first || us >= timestamp_end)) {
        return pg_malformed(column, err, "microsecond %lld", (long long)us);
    }
    if (column->decoder == PG_DECODE_TIMESTAMP_UNIXEPOCH) {
        if (infinite) {
            batch_put_real(batch, us > 0 ? __builtin_inf() : -__builtin_inf());
        } else {
            put_unixepoch(us, batch);
        }
        return STATUS_OK;
    }
    return infinite ? put_infinity(us > 0, batch, err) : put_timestamp(column, us, batch, err);
}
