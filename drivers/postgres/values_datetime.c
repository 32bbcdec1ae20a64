/* Dates and times as parameters. Only ISO forms are taken: the server would evaluate "now",
 * guess at other orders, drop the offset of a timestamp and the time of a date, and round what
 * is finer than a microsecond or than the type. */
#include "drivers/postgres/values.h"

#include <ctype.h>
#include <string.h>

enum { PRECISION_MAX = 6, FRACTION_DIGITS_MAX = 6 };

/* What was found in a text so far. */
struct moment {
    const char *at; /* what is left */
    int digits;     /* of the fraction, zeros at its end not counted */
    bool has_time, has_offset, infinite;
};

/* A number of at least `least` digits, up to `most`; false: there is none, or it is above max.
 */
static bool read_number(struct moment *m, int least, int most, int min, int max, int *out) {
    int count = 0, number = 0;

    while (count < most && isdigit((unsigned char)m->at[count])) {
        number = number * 10 + (m->at[count++] - '0');
    }
    if (count < least || isdigit((unsigned char)m->at[count]) || number < min || number > max) {
        return false;
    }
    m->at += count;
    *out = number;
    return true;
}

static bool read_mark(struct moment *m, const char *marks) {
    if (*m->at == '\0' || strchr(marks, *m->at) == NULL) {
        return false;
    }
    m->at++;
    return true;
}

static bool read_date(struct moment *m) {
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = 0, month = 0, day = 0;
    bool leap;

    if (!read_number(m, 4, 7, 1, 5874897, &year) || !read_mark(m, "-") ||
            !read_number(m, 2, 2, 1, 12, &month) || !read_mark(m, "-") ||
            !read_number(m, 2, 2, 1, days[month - 1], &day)) {
        return false;
    }
    if (strstr(m->at, "BC") != NULL) {
        year--; /* 1 BC is a leap year */
    }
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month != 2 || day < 29 || leap;
}

static bool read_fraction(struct moment *m) {
    for (int i = 1; isdigit((unsigned char)*m->at); i++, m->at++) {
        if (i > FRACTION_DIGITS_MAX && *m->at != '0') {
            return false;
        }
        m->digits = *m->at != '0' ? i : m->digits;
    }
    return isdigit((unsigned char)m->at[-1]);
}

static bool read_clock(struct moment *m) {
    int hour = 0, minute = 0, second = 0;

    m->has_time = true;
    if (!read_number(m, 2, 2, 0, 24, &hour) || !read_mark(m, ":") ||
            !read_number(m, 2, 2, 0, 59, &minute)) {
        return false;
    }
    if (read_mark(m, ":") && (!read_number(m, 2, 2, 0, 59, &second) ||
                                     (read_mark(m, ".") && !read_fraction(m)))) {
        return false;
    }
    return hour < 24 || (minute == 0 && second == 0 && m->digits == 0);
}

/* "Z", "+02", "+0200", "+02:00", "+02:00:30" */
static bool read_offset(struct moment *m) {
    int number = 0;

    m->has_offset = true;
    if (read_mark(m, "Zz")) {
        return true;
    }
    if (!read_mark(m, "+-")) {
        m->has_offset = false;
        return true;
    }
    if (isdigit((unsigned char)m->at[0]) && isdigit((unsigned char)m->at[1]) &&
            isdigit((unsigned char)m->at[2])) {
        return read_number(m, 4, 4, 0, 1559, &number);
    }
    return read_number(m, 2, 2, 0, 15, &number) &&
           (!read_mark(m, ":") ||
                   (read_number(m, 2, 2, 0, 59, &number) &&
                           (!read_mark(m, ":") || read_number(m, 2, 2, 0, 59, &number))));
}

static bool read_end(struct moment *m) {
    return *m->at == '\0' || strcmp(m->at, " BC") == 0;
}

static bool read_infinity(struct moment *m, const char *text) {
    m->infinite = strcmp(text, "infinity") == 0 || strcmp(text, "-infinity") == 0;
    return m->infinite;
}

static bool read_moment(struct moment *m, const char *text) {
    m->at = text;
    if (read_infinity(m, text)) {
        return true;
    }
    if (!read_date(m)) {
        return false;
    }
    if ((*m->at == ' ' || *m->at == 'T') && isdigit((unsigned char)m->at[1])) {
        m->at++;
        if (!read_clock(m) || !read_offset(m)) {
            return false;
        }
    }
    return read_end(m);
}

/* The text, when there is one and nothing hides behind a NUL in it. */
static enum status writing_text(struct pg_writing *w, const char **text) {
    if (w->value->kind != VALUE_TEXT) {
        return pg_refuse(w, "only TEXT is taken for this type");
    }
    if (memchr(w->value->bytes, '\0', w->value->length) != NULL) {
        return pg_refuse(w, "it has an inner NUL, which PostgreSQL cannot hold");
    }
    *text = w->value->bytes;
    return STATUS_OK;
}

static enum status append(struct pg_writing *w, const struct moment *m) {
    int precision = w->pg->typmod >= 0 ? w->pg->typmod : PRECISION_MAX;

    if (m->digits > precision) {
        return pg_refuse(w, "it would be rounded: it has more decimals than the type keeps");
    }
    return pg_append_parameter(w, w->value->bytes, w->value->length);
}

enum status pg_write_date(struct pg_writing *w) {
    struct moment m = { 0 };
    const char *text = NULL;
    enum status status = writing_text(w, &text);

    if (status != STATUS_OK) {
        return status;
    }
    if (!read_moment(&m, text)) {
        return pg_refuse(w, "it is no date such as 2024-02-29");
    }
    if (m.has_time) {
        return pg_refuse(w, "its time would be lost");
    }
    return append(w, &(struct moment){ 0 });
}

enum status pg_write_time(struct pg_writing *w) {
    struct moment m = { 0 };
    const char *text = NULL;
    bool zone = strcmp(w->pg->type_name, "timetz") == 0;
    enum status status = writing_text(w, &text);

    if (status != STATUS_OK) {
        return status;
    }
    m.at = text;
    if (!read_clock(&m) || !read_offset(&m) || *m.at != '\0') {
        return pg_refuse(w, "it is no time such as 12:30:00.000000");
    }
    if (m.has_offset && !zone) {
        return pg_refuse(w, "its offset would be lost");
    }
    return append(w, &m);
}

static enum status write_timestamp(struct pg_writing *w, bool zone, bool seconds) {
    struct moment m = { 0 };
    const char *text = NULL;
    enum status status = writing_text(w, &text);

    if (status != STATUS_OK) {
        return status;
    }
    if (!read_moment(&m, text)) {
        return pg_refuse(w, "it is no timestamp such as 2024-02-29 12:30:00.000000");
    }
    if (m.has_offset && !zone) {
        return pg_refuse(w, "its offset would be lost");
    }
    if (seconds && m.digits > 0) {
        return pg_refuse(w, "its fraction would not be shown: the column shows seconds");
    }
    return append(w, &m);
}

enum status pg_write_timestamp(struct pg_writing *w) {
    return write_timestamp(w, false, false);
}

enum status pg_write_timestamp_seconds(struct pg_writing *w) {
    return write_timestamp(w, false, true);
}

enum status pg_write_timestamptz(struct pg_writing *w) {
    return write_timestamp(w, true, false);
}

enum status pg_write_timestamptz_seconds(struct pg_writing *w) {
    return write_timestamp(w, true, true);
}

/* Digits finer than a microsecond are cut, and fields that the type does not keep: those types
 * are rare, and nothing here can tell which fields a text has. */
enum status pg_write_interval(struct pg_writing *w) {
    const char *text = NULL, *point;
    enum status status = writing_text(w, &text);

    if (status != STATUS_OK) {
        return status;
    }
    if (w->value->number != VALUE_NULL) {
        return pg_refuse(w, "a number has no unit, as in 5 seconds");
    }
    if (w->pg->typmod >= 0) {
        return pg_refuse(w, "the type keeps only some fields or decimals of an interval");
    }
    for (point = strchr(text, '.'); point != NULL; point = strchr(point + 1, '.')) {
        if (strspn(point + 1, "0123456789") > FRACTION_DIGITS_MAX) {
            return pg_refuse(w, "it is finer than a microsecond");
        }
    }
    return pg_write_only_text(w);
}
