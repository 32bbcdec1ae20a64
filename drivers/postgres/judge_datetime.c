/* Columns whose text form sorts like their values, as long as the text is a canonical one:
 * uuid, time, and within the years 1 to 9999 date and timestamps. A canonical text, or the
 * beginning of one, is compared natively, so that indexes serve; any other text with the text
 * expression. */
#include "drivers/postgres/judge.h"

#include <string.h>

enum { CANONICAL_BYTES_MAX = 36 };

/* "0" stands for a digit, "x" for a hexadecimal one in lower case; the rest for itself.
 * `lowest` completes a text that breaks off. */
struct canon {
    const char *pattern;
    const char *lowest;
    const char *suffix;                /* for the server: the zone of a timestamptz */
    enum judge_template before, after; /* years that sort apart; FORM_NONE: there are none */
    bool (*is_valid)(const char *text);
};

static int number_at(const char *text, int digits) {
    int number = 0;

    for (int i = 0; i < digits; i++) {
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

static bool is_date(const char *text) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = number_at(text, 4), month = number_at(text + 5, 2), day = number_at(text + 8, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool is_clock(const char *text) {
    return number_at(text, 2) <= 23 && number_at(text + 3, 2) <= 59 &&
           number_at(text + 6, 2) <= 59;
}

static bool is_time(const char *text) {
    return is_clock(text) || strcmp(text, "24:00:00.000000") == 0;
}

static bool is_timestamp(const char *text) {
    return is_date(text) && is_clock(text + 11);
}

static const struct canon *canon_of(enum pg_family family) {
    static const struct canon date = { "0000-00-00", "0001-01-01", "", FORM_BEFORE_AD,
        FORM_AFTER_9999, is_date };
    static const struct canon timestamp = { "0000-00-00 00:00:00.000000",
        "0001-01-01 00:00:00.000000", "", FORM_BEFORE_AD, FORM_AFTER_9999, is_timestamp };
    static const struct canon timestamptz = { "0000-00-00 00:00:00.000000",
        "0001-01-01 00:00:00.000000", "+00", FORM_BEFORE_AD_UTC, FORM_AFTER_9999_UTC,
        is_timestamp };
    static const struct canon time = { "00:00:00.000000", "00:00:00.000000", "", FORM_NONE,
        FORM_NONE, is_time };

    switch (family) {
    case PG_FAMILY_DATE:
        return &date;
    case PG_FAMILY_TIMESTAMP:
        return &timestamp;
    case PG_FAMILY_TIMESTAMPTZ:
        return &timestamptz;
    default:
        return &time;
    }
}

static bool matches(const char *pattern, const char *text) {
    for (; *pattern != '\0'; pattern++, text++) {
        bool digit = *text >= '0' && *text <= '9';

        if (*pattern == '0'       ? !digit
                : *pattern == 'x' ? !digit && (*text < 'a' || *text > 'f')
                                  : *text != *pattern) {
            return false;
        }
    }
    return *text == '\0';
}

/* The least canonical text that is not below this one, in `out`; *whole tells that it is the
 * text itself. False when there is no simple answer. */
static bool complete(
        const struct canon *canon, const struct value *text, char *out, bool *whole) {
    size_t length = strlen(canon->pattern);

    if (text->length > length || text->length < 4 ||
            memchr(text->bytes, '\0', text->length) != NULL) {
        return false;
    }
    memcpy(out, text->bytes, text->length);
    memcpy(out + text->length, canon->lowest + text->length, length - text->length + 1);
    *whole = text->length == length;
    /* Behind the first digit of a month or day the lowest second one is 0, save behind 0. */
    if (!*whole && out[4] == '-' && (text->length == 6 || text->length == 9) &&
            out[text->length - 1] != '0') {
        out[text->length] = '0';
    }
    return matches(canon->pattern, out) && canon->is_valid(out);
}

/* Years outside 1 to 9999 are shown longer and do not sort by text as by time; dates=ad is the
 * user's word that there are none. */
static void add_odd_years(struct judging *j, const struct canon *canon) {
    if (canon->before == FORM_NONE || j->column->dates_ad || j->op == OPERATOR_EQ ||
            j->op == OPERATOR_NE) {
        return;
    }
    judging_term(j, judge_holds(j->op, 1) ? canon->before : canon->after, OPERATOR_EQ, 0, NULL);
    judging_verdict(j, VERDICT_SUPERSET, "years before 1 and after 9999 sort apart as text");
}

void judge_datetime(struct judging *j, const struct value *value) {
    const struct canon *canon = canon_of(j->column->family);
    char text[CANONICAL_BYTES_MAX + 1];
    enum condition_operator op = j->op;
    bool whole;

    if (value->kind != VALUE_TEXT || j->collation != COLLATION_BINARY ||
            !complete(canon, value, text, &whole)) {
        judge_text(j, value);
        return;
    }
    if (!whole && op == OPERATOR_EQ) { /* no value is shown that short */
        judging_empty(j);
        return;
    }
    if (!whole && op == OPERATOR_NE) {
        judging_all(j);
        return;
    }
    if (!whole) {
        op = op == OPERATOR_GT ? OPERATOR_GE : op == OPERATOR_LE ? OPERATOR_LT : op;
    }
    memcpy(text + strlen(text), canon->suffix, strlen(canon->suffix) + 1);
    judging_exact(j, FORM_TYPED, op, text);
    add_odd_years(j, canon);
}

void judge_uuid(struct judging *j, const struct value *value) {
    bool text = value->kind == VALUE_TEXT && j->collation == COLLATION_BINARY;

    if (text && value->length == CANONICAL_BYTES_MAX &&
            matches("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", value->bytes)) {
        judging_exact(j, FORM_TYPED, j->op, value->bytes);
    } else if (text && j->op == OPERATOR_EQ) {
        judging_empty(j);
    } else if (text && j->op == OPERATOR_NE) {
        judging_all(j);
    } else {
        judge_text(j, value);
    }
}
