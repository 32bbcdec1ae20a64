/* Numbers and truth values as parameters: what would be rounded or wrapped is refused. */
#include "drivers/postgres/judge.h"
#include "drivers/postgres/types.h"
#include "drivers/postgres/values.h"

#include "base/sqlite.h"

#include <ctype.h>
#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status append_int8(struct pg_writing *w, int64_t integer) {
    uint64_t wire = htobe64((uint64_t)integer);

    return pg_append_parameter(w, &wire, sizeof(wire));
}

static enum status append_float8(struct pg_writing *w, double real) {
    uint64_t wire;

    memcpy(&wire, &real, sizeof(wire));
    wire = htobe64(wire);
    return pg_append_parameter(w, &wire, sizeof(wire));
}

/* ---- integers and floats ------------------------------------------------------------------
 */

static bool integer_of_real(double real, int64_t *integer) {
    if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0) ||
            real != trunc(real)) {
        return false;
    }
    *integer = (int64_t)real;
    return true;
}

enum status pg_write_integer(struct pg_writing *w) {
    struct number number = { 0 };
    int64_t integer = 0;
    bool whole = true;

    switch (w->value->kind) {
    case VALUE_INTEGER:
        integer = w->value->integer;
        break;
    case VALUE_REAL:
        whole = integer_of_real(w->value->real, &integer);
        break;
    case VALUE_BLOB:
        return pg_refuse(w, "bytes are no number");
    default:
        if (!number_from_text(w->value->bytes, w->value->length, &number)) {
            return pg_refuse(w, "it is no number");
        }
        integer = number.integer;
        whole = number.is_integer || integer_of_real(number.lo, &integer);
    }
    if (!whole) {
        return pg_refuse(w, "it would be rounded");
    }
    if (integer < w->pg->integer_min || integer > w->pg->integer_max) {
        return pg_refuse(w, "out of range");
    }
    return append_int8(w, integer);
}

/* What the server would take for a float besides numbers: only these, as they are shown. */
static bool special_real(const struct value *text, double *real) {
    static const struct {
        const char *word;
        double real;
    } words[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text->length == strlen(words[i].word) &&
                sqlite3_strnicmp(text->bytes, words[i].word, (int)text->length) == 0) {
            *real = words[i].real;
            return true;
        }
    }
    return false;
}

static const char nan_unseen[] = "it would be read as NULL (option nan)";

/* False: refused. */
static bool real_of_value(struct pg_writing *w, double *real, enum status *refused) {
    struct number number = { 0 };

    switch (w->value->kind) {
    case VALUE_INTEGER:
        *real = (double)w->value->integer;
        return true;
    case VALUE_REAL:
        *real = w->value->real;
        return true;
    case VALUE_BLOB:
        *refused = pg_refuse(w, "bytes are no number");
        return false;
    default:
        if (special_real(w->value, real)) {
            if (isnan(*real) && w->pg->nan_null) {
                *refused = pg_refuse(w, nan_unseen);
                return false;
            }
            return true;
        }
        if (!number_from_text(w->value->bytes, w->value->length, &number)) {
            *refused = pg_refuse(w, "it is no number");
            return false;
        }
        *real = number.is_integer ? (double)number.integer : number.lo;
        return true;
    }
}

enum status pg_write_float8(struct pg_writing *w) {
    double real = 0;
    enum status refused = STATUS_OK;

    return real_of_value(w, &real, &refused) ? append_float8(w, real) : refused;
}

/* The value is shown as the shortest decimal of the float4: it must be that of this one. */
enum status pg_write_float4(struct pg_writing *w) {
    enum { FLOAT4_DIGITS = 9 };
    double real = 0;
    enum status refused = STATUS_OK;
    char text[JUDGE_NUMBER_BYTES];
    float narrow;

    if (!real_of_value(w, &real, &refused)) {
        return refused;
    }
    if (isnan(real) || isinf(real)) {
        const char *word = isnan(real) ? "NaN" : real > 0 ? "Infinity" : "-Infinity";

        return pg_append_parameter(w, word, strlen(word));
    }
    narrow = (float)real;
    for (int digits = 1; digits <= FLOAT4_DIGITS; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)narrow);
        if (strtof(text, NULL) == narrow) {
            break;
        }
    }
    if (strtod(text, NULL) != real) {
        return pg_refuse(w, "it would be rounded: the type keeps about 7 digits");
    }
    number_fix_point(text);
    return pg_append_parameter(w, text, strlen(text));
}

/* Microseconds are what the server keeps of an interval or a point in time. */
enum status pg_write_seconds(struct pg_writing *w) {
    static const double exact_us_max = 9007199254740992.0; /* 2^53 */
    double real = 0, us;
    enum status refused = STATUS_OK;

    if (!real_of_value(w, &real, &refused)) {
        return refused;
    }
    us = rint(real * 1e6);
    if (!(fabs(us) < exact_us_max)) {
        return pg_refuse(w, "out of range");
    }
    if (us / 1e6 != real) {
        return pg_refuse(w, "it is finer than a microsecond");
    }
    return append_float8(w, real);
}

/* ---- numeric ------------------------------------------------------------------------------
 */

/* A decimal as it is written: how many digits stand before and behind its point, zeros at
 * either end not counted. */
struct decimal {
    long before, behind;
};

/* "-12.50e3"; false: it is none. */
static bool decimal_read(const char *text, struct decimal *out) {
    const char *at = text + (*text == '-' || *text == '+');
    long digits = 0, fraction = 0, leading = 0, trailing = 0, exponent = 0;
    bool point = false, any = false;

    for (; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        any = true;
        fraction += point;
        digits++;
        leading += *at == '0' && leading == digits - 1;
        trailing = *at == '0' ? trailing + 1 : 0;
    }
    if (any && (*at == 'e' || *at == 'E')) {
        char *end = NULL;

        at++;
        if (!isdigit((unsigned char)at[*at == '-' || *at == '+'])) {
            return false;
        }
        exponent = strtol(at, &end, 10);
        at = end;
    }
    if (!any || *at != '\0' || exponent > 200000 || exponent < -200000) {
        return false;
    }
    if (leading == digits) {
        *out = (struct decimal){ 0, 0 };
        return true;
    }
    out->before = digits - fraction - leading + exponent;
    out->behind = fraction - trailing - exponent;
    return true;
}

/* What the type modifier says; false: nothing. */
static bool numeric_size(int32_t typmod, long *precision, long *scale) {
    if (typmod < 4) {
        return false;
    }
    *precision = (typmod - 4) >> 16 & 0xffff;
    *scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
    return true;
}

static enum status append_decimal(
        struct pg_writing *w, const char *text, bool limited, long precision, long scale) {
    struct decimal decimal;

    if (!decimal_read(text, &decimal)) {
        return pg_refuse(w, "it is no number");
    }
    if (limited && decimal.behind > scale) {
        return pg_refuse(w, "it would be rounded: it has more decimals than the type keeps");
    }
    if (limited && decimal.before > precision - scale) {
        return pg_refuse(w, "out of range");
    }
    return pg_append_parameter(w, text, strlen(text));
}

/* TEXT keeps every digit; blanks around it are not the number's. */
static enum status trimmed_text(struct pg_writing *w, char *buffer, size_t bytes) {
    static const char blanks[] = " \t\n\v\f\r";
    const char *text = w->value->bytes;
    size_t length = w->value->length;

    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        length--;
    }
    while (length > 0 && strchr(blanks, *text) != NULL) {
        text++;
        length--;
    }
    if (length >= bytes || memchr(text, '\0', length) != NULL) {
        return pg_refuse(w, "it is no number");
    }
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return STATUS_OK;
}

static enum status write_decimal(
        struct pg_writing *w, bool special, bool limited, long precision, long scale) {
    enum { DECIMAL_BYTES = 1024 };
    char buffer[DECIMAL_BYTES] = "";
    const char *text = buffer;
    enum status status;
    double real;

    switch (w->value->kind) {
    case VALUE_INTEGER:
        snprintf(buffer, sizeof(buffer), "%" PRId64, w->value->integer);
        break;
    case VALUE_REAL:
        text = number_real_text(w->value->real, buffer);
        break;
    case VALUE_BLOB:
        return pg_refuse(w, "bytes are no number");
    default:
        status = trimmed_text(w, buffer, sizeof(buffer));
        if (status != STATUS_OK) {
            return status;
        }
        if (special_real(&(struct value){ .bytes = buffer, .length = strlen(buffer) }, &real)) {
            text = isnan(real) ? "NaN" : real > 0 ? "Infinity" : "-Infinity";
        }
    }
    if (text[0] == 'N' && w->pg->nan_null) {
        return pg_refuse(w, nan_unseen);
    }
    if (text[0] == 'N' || text[strlen(text) - (text[0] != '\0')] == 'y') {
        return special && (text[0] == 'N' || !limited)
                       ? pg_append_parameter(w, text, strlen(text))
                       : pg_refuse(w, "the type knows no such number");
    }
    return append_decimal(w, text, limited, precision, scale);
}

enum status pg_write_numeric(struct pg_writing *w) {
    long precision = 0, scale = 0;
    bool limited = numeric_size(w->pg->typmod, &precision, &scale);

    return write_decimal(w, true, limited, precision, scale);
}

enum status pg_write_money(struct pg_writing *w) {
    return write_decimal(w, false, true, 19, 2); /* the server knows the last digit's range */
}

/* ---- truth --------------------------------------------------------------------------------
 */

static const struct {
    const char *word;
    bool truth;
} truth_words[] = {
    { "t", true },
    { "true", true },
    { "y", true },
    { "yes", true },
    { "on", true },
    { "1", true },
    { "f", false },
    { "false", false },
    { "n", false },
    { "no", false },
    { "off", false },
    { "0", false },
};

static enum status append_truth(struct pg_writing *w, bool truth) {
    return pg_append_parameter(w, truth ? "t" : "f", 1);
}

enum status pg_write_bool(struct pg_writing *w) {
    const struct value *value = w->value;

    switch (value->kind) {
    case VALUE_INTEGER:
        return value->integer == 0 || value->integer == 1
                       ? append_truth(w, value->integer == 1)
                       : pg_refuse(w, "only 0 and 1 are truth values");
    case VALUE_REAL:
        return value->real == 0 || value->real == 1
                       ? append_truth(w, value->real == 1)
                       : pg_refuse(w, "only 0 and 1 are truth values");
    case VALUE_BLOB:
        return pg_refuse(w, "bytes are no truth value");
    default:
        for (size_t i = 0; i < sizeof(truth_words) / sizeof(truth_words[0]); i++) {
            if (strlen(truth_words[i].word) == value->length &&
                    sqlite3_strnicmp(value->bytes, truth_words[i].word, (int)value->length) ==
                            0) {
                return append_truth(w, truth_words[i].truth);
            }
        }
        return pg_refuse(w, "it is no truth value");
    }
}
