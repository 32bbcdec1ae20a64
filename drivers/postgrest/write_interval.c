/* Is an interval stored as it was sent? A document does not tell interval(1) or interval day,
 * which keep some fields of an interval only. Both texts are read as PostgreSQL reads them:
 * what was sent is the user's spelling, "90 min" or "P1DT2H", what is stored PostgreSQL's own.
 * Pure. */
#include "drivers/postgrest/write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 9, FRACTION_DIGITS = 6, MONTHS_OF_YEAR = 12 };

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)

struct interval {
    int64_t months, days, us;
};

/* A text under way. */
struct reading {
    const char *at, *end;
    bool iso, behind_t; /* "P1MT1M": a month and a minute */
    struct interval found;
};

struct decimal {
    int64_t sign, whole, millionths;
    bool fraction;
};

static bool read_digits(struct reading *r, int64_t *out) {
    int count = 0;

    for (*out = 0; r->at < r->end && isdigit((unsigned char)*r->at); r->at++) {
        if (++count > DIGITS_MAX) {
            return false;
        }
        *out = *out * 10 + (*r->at - '0');
    }
    return count > 0;
}

/* Behind the point: as far as an interval has room for it. */
static bool read_fraction(struct reading *r, struct decimal *d) {
    int64_t unit = SECOND_US / 10;

    d->fraction = r->at < r->end && *r->at == '.';
    for (r->at += d->fraction; r->at < r->end && isdigit((unsigned char)*r->at); r->at++) {
        if (!d->fraction || unit == 0) {
            return false;
        }
        d->millionths += unit * (*r->at - '0');
        unit /= 10;
    }
    return true;
}

static bool read_decimal(struct reading *r, struct decimal *d) {
    *d = (struct decimal){ .sign = 1 };
    if (r->at < r->end && (*r->at == '-' || *r->at == '+')) {
        d->sign = *r->at == '-' ? -1 : 1;
        r->at++;
    }
    return read_digits(r, &d->whole) && read_fraction(r, d);
}

/* ":30:01.5" behind the hours. */
static bool read_clock(struct reading *r, const struct decimal *hours) {
    struct decimal minutes = { 0 }, seconds = { 0 };

    r->at++;
    if (hours->fraction || !read_digits(r, &minutes.whole)) {
        return false;
    }
    if (r->at < r->end && *r->at == ':') {
        r->at++;
        if (!read_digits(r, &seconds.whole) || !read_fraction(r, &seconds)) {
            return false;
        }
    }
    r->found.us += hours->sign * (hours->whole * HOUR_US + minutes.whole * MINUTE_US +
                                         seconds.whole * SECOND_US + seconds.millionths);
    return true;
}

/* Units by their beginnings, as PostgreSQL spells and abbreviates them; the first that fits. */
static const struct {
    const char *word;
    int64_t months, days, us;
} units[] = {
    { "years", MONTHS_OF_YEAR, 0, 0 },
    { "yrs", MONTHS_OF_YEAR, 0, 0 },
    { "months", 1, 0, 0 },
    { "mons", 1, 0, 0 },
    { "weeks", 0, 7, 0 },
    { "days", 0, 1, 0 },
    { "hours", 0, 0, HOUR_US },
    { "hrs", 0, 0, HOUR_US },
    { "minutes", 0, 0, MINUTE_US },
    { "mins", 0, 0, MINUTE_US },
    { "seconds", 0, 0, SECOND_US },
    { "secs", 0, 0, SECOND_US },
};

/* One letter, or nearly the whole word. */
static bool is_unit(
        const struct reading *r, const char *word, const char *name, size_t length) {
    size_t whole = strlen(word);
    bool months = strncmp(word, "mon", 3) == 0;

    if (length == 1 && (name[0] | 0x20) == 'm') {
        return word[0] == 'm' && months == (r->iso && !r->behind_t);
    }
    if (length != 1 && length != whole && length != whole - 1) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((name[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
}

/* The word behind a number; a number without one is of seconds. */
static bool read_unit(struct reading *r, const struct decimal *d) {
    const char *name;
    size_t length = 0;

    while (!r->iso && r->at < r->end && *r->at == ' ') {
        r->at++;
    }
    name = r->at;
    while (r->at < r->end && isalpha((unsigned char)*r->at) && !(r->iso && length == 1)) {
        r->at++;
        length++;
    }
    if (length == 0) {
        r->found.us += d->sign * (d->whole * SECOND_US + d->millionths);
        return !r->iso && r->at == r->end;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (is_unit(r, units[i].word, name, length)) {
            r->found.months += d->sign * d->whole * units[i].months;
            r->found.days += d->sign * d->whole * units[i].days;
            r->found.us += d->sign *
                           (d->whole * units[i].us + d->millionths * (units[i].us / SECOND_US));
            return !d->fraction || units[i].us > 0;
        }
    }
    return false;
}

/* False: it is spelt in a way that is not understood here. */
static bool read_interval(const struct pr_member *member, struct interval *out) {
    struct reading r = { .at = member->value, .end = member->value + member->value_length };

    r.iso = r.at < r.end && *r.at == 'P';
    r.at += r.iso;
    while (r.at < r.end) {
        struct decimal d;

        if (*r.at == ' ' || (r.iso && *r.at == 'T' && !r.behind_t)) {
            r.behind_t |= *r.at == 'T';
            r.at++;
            continue;
        }
        if (!read_decimal(&r, &d) ||
                !(r.at < r.end && *r.at == ':' ? read_clock(&r, &d) : read_unit(&r, &d))) {
            return false;
        }
    }
    *out = r.found;
    return member->value_length > (size_t)r.iso;
}

static bool same(const struct interval *a, const struct interval *b) {
    return a->months == b->months && a->days == b->days && a->us == b->us;
}

/* As interval(0) to interval(5) round, and "hour to minute" and its kin cut. */
static bool is_cut_clock(const struct interval *sent, const struct interval *stored) {
    struct interval cut = *sent;
    int64_t size = llabs(sent->us), sign = sent->us < 0 ? -1 : 1;

    for (int64_t unit = 10; unit <= SECOND_US; unit *= 10) {
        cut.us = sign * ((size + unit / 2) / unit * unit);
        if (same(&cut, stored)) {
            return true;
        }
    }
    cut.us = sign * (size / MINUTE_US * MINUTE_US);
    if (same(&cut, stored)) {
        return true;
    }
    cut.us = sign * (size / HOUR_US * HOUR_US);
    return same(&cut, stored);
}

/* As "interval day", "interval month" and "interval year" cut. */
static bool is_cut_date(const struct interval *sent, const struct interval *stored) {
    struct interval cut = { sent->months, sent->days, 0 };

    if (same(&cut, stored)) {
        return true;
    }
    cut.days = 0;
    if (same(&cut, stored)) {
        return true;
    }
    cut.months -= cut.months % MONTHS_OF_YEAR;
    return same(&cut, stored);
}

enum pr_kept pr_compare_intervals(
        const struct pr_member *sent, const struct pr_member *stored) {
    struct interval a, b;

    if (!read_interval(sent, &a) || !read_interval(stored, &b) || same(&a, &b)) {
        return PR_KEPT;
    }
    return is_cut_clock(&a, &b) || is_cut_date(&a, &b) ? PR_ROUNDED : PR_ANOTHER;
}
