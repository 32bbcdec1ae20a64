/* What the files of the judge share: one condition while it is being judged, and the forms that
 * a verdict is made of.
 *
 *   judge.c           dispatch by operator and family, NULL tests, what may ever be sent
 *   judge_forms.c     the table of SQL templates
 *   judge_number.c    what columns of numbers share
 *   judge_integer.c   integer and bool
 *   judge_real.c      float and numeric
 *   judge_affinity.c  TEXT that looks like a number, as SQLite sees it
 *   judge_text.c      text, LIKE and GLOB, bytea
 *   judge_datetime.c  date, timestamp, time, uuid
 *   judge_in.c        lists
 *
 * The right-hand value arrives without its affinity: it may have been a literal or have come
 * from a column of any type. EXACT is said only of what holds for all of them. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_JUDGE_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_JUDGE_H

#include "drivers/postgres/internal.h"

/* Rows of the table of forms. A term's `form` is one of these with its operator:
 * judge_form(FORM_TYPED, OPERATOR_LT). */
enum judge_template {
    FORM_NONE,
    FORM_IS_NULL,
    FORM_NOT_NULL,
    FORM_ROW_IS_NULL,
    FORM_ROW_NOT_NULL,
    FORM_IS_NAN,
    FORM_NOT_NAN,
    FORM_TRUE,
    FORM_FALSE,
    FORM_TYPED,
    FORM_TYPED_ANY,
    FORM_TYPED_NUMBER,
    FORM_TYPED_BETWEEN,
    FORM_FLOAT4_EQ,
    FORM_FLOAT4_ANY,
    FORM_FLOAT4_NE,
    FORM_FLOAT4_FROM,
    FORM_FLOAT4_TO,
    FORM_NUMERIC,
    FORM_NUMERIC_BETWEEN,
    FORM_TEXT,
    FORM_TEXT_ANY,
    FORM_TEXT_BOTH,
    FORM_TEXT_BOTH_ANY,
    FORM_CITEXT,
    FORM_CITEXT_ANY,
    FORM_BYTES,
    FORM_BYTES_ANY,
    FORM_LOWER,
    FORM_LOWER_ANY,
    FORM_RTRIM,
    FORM_RTRIM_ANY,
    FORM_NUMBER_LIKE,
    FORM_ENUM,
    FORM_ENUM_ANY,
    FORM_LIKE,
    FORM_GLOB,
    FORM_BEFORE_AD,
    FORM_BEFORE_AD_UTC,
    FORM_AFTER_9999,
    FORM_AFTER_9999_UTC,
    FORM_COUNT
};

enum {
    JUDGE_TERMS_MAX = 3, /* that one value can make */

    JUDGE_PATTERN_BYTES_MAX = 50000,  /* SQLITE_MAX_LIKE_PATTERN_LENGTH: above, SQLite raises */
    JUDGE_VALUE_BYTES_MAX = 67108864, /* of one parameter, lists included */
    JUDGE_NUMBER_BYTES = 32,          /* any double or int64 as text */
};

struct judging {
    const struct pg_column *column;
    bool not_null;
    bool utf8;
    enum condition_operator op;
    enum collation collation;
    struct arena *arena;
    struct predicate_term terms[JUDGE_TERMS_MAX];
    size_t term_count;
    enum verdict verdict;
    const char *why;
    bool nomem; /* sticky */
};

/* A value with its numeric affinity applied. lo < hi when SQLite's own conversion of the text
 * depends on its version: the number is then one of the doubles between. */
struct number {
    bool is_integer;
    int64_t integer;
    double lo, hi;
};

static inline int judge_form(enum judge_template form, enum condition_operator op) {
    return (int)form * OPERATOR_COUNT + (int)op;
}

/* ---- judge.c ------------------------------------------------------------------------------
 */

void judging_skip(struct judging *, const char *why);
void judging_empty(struct judging *);
void judging_all(struct judging *); /* every row whose presented value is not NULL */
/* NaN is shown as TEXT and so stands above every number: may rows of it be there? */
bool judging_has_nan(const struct judging *);
void judging_verdict(struct judging *, enum verdict, const char *why);
void judging_term(struct judging *, enum judge_template, enum condition_operator,
        size_t value_count, const char *const *values);
/* With one value, or none when it is NULL; the verdict is EXACT. */
void judging_exact(
        struct judging *, enum judge_template, enum condition_operator, const char *value);
/* The comparison of a value that is not NULL, by j->op: =, <>, <, <=, >, >=. */
void judge_compare(struct judging *, const struct value *);
bool judge_is_text_family(enum pg_family);

/* ---- judge_forms.c ------------------------------------------------------------------------
 */

/* The form for a list in place of the form for one value; FORM_NONE: there is none. */
enum judge_template judge_form_any(enum judge_template);

/* ---- judge_affinity.c ---------------------------------------------------------------------
 */

bool number_from_text(const char *bytes, size_t length, struct number *out);

/* ---- judge_number.c -----------------------------------------------------------------------
 */

extern const char *const judge_why_version;

bool judge_holds(enum condition_operator, int order); /* order: left minus right, its sign */
/* Sets *out and returns true for a number; judges TEXT that is none and BLOB. */
bool judge_class(struct judging *, const struct value *, struct number *out);
/* All numbers match or none does; NaN may differ. */
void judge_all_or_none(struct judging *, bool numbers, bool nan);
/* SUPERSET: every value but NULL. */
void judge_all_superset(struct judging *, const char *why);
void judge_typed(struct judging *, enum condition_operator, const char *text);
void judge_typed_range(struct judging *, const char *lo, const char *hi);
const char *number_real_text(double, char text[JUDGE_NUMBER_BYTES]);
/* Somewhere in the text, not at its beginning. */
const char *number_integer_text(int64_t, char text[JUDGE_NUMBER_BYTES]);
void number_fix_point(char *text); /* of printf: whatever the locale's is becomes "." */

/* ---- judge_integer.c, judge_real.c --------------------------------------------------------
 */

void judge_integer(struct judging *, const struct value *);
void judge_bool(struct judging *, const struct value *);
void judge_float8(struct judging *, const struct value *);
void judge_float4(struct judging *, const struct value *);
void judge_numeric_narrow(struct judging *, const struct value *);
void judge_numeric_wide(struct judging *, const struct value *);

/* ---- judge_text.c -------------------------------------------------------------------------
 */

void judge_text(struct judging *, const struct value *);
void judge_bytea(struct judging *, const struct value *);
void judge_like(struct judging *, const struct value *);
void judge_glob(struct judging *, const struct value *);
bool text_is_utf8(const char *bytes, size_t length);

/* ---- judge_datetime.c ---------------------------------------------------------------------
 */

void judge_uuid(struct judging *, const struct value *);
void judge_datetime(struct judging *, const struct value *);

/* ---- judge_in.c ---------------------------------------------------------------------------
 */

/* Terms may be more than JUDGE_TERMS_MAX here, so they come in the arena. */
void judge_in(struct judging *, const struct value *, size_t count,
        const struct predicate_term **terms, size_t *term_count);

#endif
