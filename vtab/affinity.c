/* SQLite's column affinities, applied with SQLite's own conversions; see affinity.h. */
#include "vtab/affinity.h"

#include "vtab/cell.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *part;
    enum affinity affinity;
} affinity_parts[] = {
    /* in SQLite's order; INTEGER keeps what NUMERIC does */
    { "INT", AFFINITY_NUMERIC },
    { "CHAR", AFFINITY_TEXT },
    { "CLOB", AFFINITY_TEXT },
    { "TEXT", AFFINITY_TEXT },
    { "BLOB", AFFINITY_BLOB },
    { "REAL", AFFINITY_REAL },
    { "FLOA", AFFINITY_REAL },
    { "DOUB", AFFINITY_REAL },
};

static bool has_part(const char *declared, const char *part) {
    for (; *declared != '\0'; declared++) {
        if (sqlite3_strnicmp(declared, part, (int)strlen(part)) == 0) {
            return true;
        }
    }
    return false;
}

enum affinity affinity_of(const char *declared) {
    for (size_t i = 0; i < sizeof(affinity_parts) / sizeof(affinity_parts[0]); i++) {
        if (has_part(declared, affinity_parts[i].part)) {
            return affinity_parts[i].affinity;
        }
    }
    return declared[0] == '\0' ? AFFINITY_BLOB : AFFINITY_NUMERIC;
}

/* A REAL that is a whole number is kept as one; at the ends of the range it stays REAL. */
static void make_integer(struct value *value) {
    static const double limit = 9223372036854775808.0;
    double real = value->real;

    if (value->kind == VALUE_REAL && real > -limit && real < limit && real == trunc(real) &&
            (int64_t)real > INT64_MIN && (int64_t)real < INT64_MAX) {
        value->kind = VALUE_INTEGER;
        value->integer = (int64_t)real;
    }
}

static void make_real(struct value *value) {
    if (value->kind == VALUE_INTEGER) {
        value->kind = VALUE_REAL;
        value->real = (double)value->integer;
    }
}

static enum status make_text(sqlite3_value *from, struct value *value, struct error *err) {
    value->number = value->kind;
    value->kind = VALUE_TEXT;
    value->bytes = (const char *)sqlite3_value_text(from);
    value->length = (size_t)sqlite3_value_bytes(from);
    return value->bytes != NULL ? STATUS_OK : error_nomem(err);
}

enum status affinity_value(
        sqlite3_value *from, enum affinity affinity, struct value *out, struct error *err) {
    enum status status;

    if (affinity == AFFINITY_NUMERIC || affinity == AFFINITY_REAL) {
        sqlite3_value_numeric_type(from); /* text that is a number becomes one */
    }
    status = cell_value(from, NULL, out, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (affinity == AFFINITY_NUMERIC) {
        make_integer(out);
    } else if (affinity == AFFINITY_REAL) {
        make_real(out);
    } else if (affinity == AFFINITY_TEXT &&
               (out->kind == VALUE_INTEGER || out->kind == VALUE_REAL)) {
        return make_text(from, out, err);
    }
    return STATUS_OK;
}
