/* A value of SQLite's as a parameter of a remote statement.
 *
 * Pure. Parameters travel in the binary format as one of four plain types, and the statement
 * casts each to what its column needs. Whatever the server would bend without a word (round,
 * cut, wrap, evaluate) is refused here, before anything is sent; what it refuses by itself is
 * left to it, and pg_value_blame() finds the column that it speaks of. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_VALUES_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_VALUES_H

#include "drivers/postgres/internal.h"

enum pg_parameter {
    PG_PARAMETER_INT8,
    PG_PARAMETER_FLOAT8,
    PG_PARAMETER_TEXT,
    PG_PARAMETER_BYTEA
};

/* The value under conversion. */
struct pg_writing {
    const struct schema *schema;
    const struct column *column;
    const struct pg_column *pg;
    const struct value *value; /* never NULL */
    struct text *out;
    struct error *err;
};

typedef enum status pg_write_function(struct pg_writing *);

/* How the values of a column travel. */
struct pg_rule {
    enum pg_parameter parameter;
    /* SQL of the value: "%p" the parameter, "%t" the column's type, "%m" with its modifier,
     * "%s" that type's schema */
    const char *expression;
    pg_write_function *write;
};

const struct pg_rule *pg_value_rule(const struct pg_column *);
/* Of a type that is shown as text, whatever a column of it is shown as. */
const struct pg_rule *pg_text_rule(const struct pg_column *);
const char *pg_parameter_name(enum pg_parameter); /* "int8" */
uint32_t pg_parameter_oid(enum pg_parameter);
/* Appends the value's bytes; it is not NULL. STATUS_VALUE names table, column, value class and
 * remote type. */
enum status pg_value_write(const struct schema *, int column, const struct value *,
        struct text *out, struct error *);
/* "an INTEGER" */
const char *pg_value_class(const struct value *);

/* ---- for the files of values ------------------------------------------------------------- */

/* STATUS_VALUE: why it cannot be stored. */
enum status pg_refuse(struct pg_writing *, const char *why);
#if defined(__clang_analyzer__) && !defined(PG_DEFINES_REFUSE)
/* See base/status.h: never STATUS_OK. */
#define pg_refuse(w, why) ((void)pg_refuse(w, why), STATUS_VALUE)
#endif
enum status pg_append_parameter(struct pg_writing *, const void *bytes, size_t length);
/* TEXT without inner NUL, valid UTF-8; numbers as SQLite writes them. Otherwise refused. The
 * text is NUL-terminated; number holds that of a number. */
enum { PG_NUMBER_BYTES = 40 };
enum status pg_writing_text(
        struct pg_writing *, char number[PG_NUMBER_BYTES], const char **text, size_t *length);

/* values_text.c */
pg_write_function pg_write_text;
pg_write_function pg_write_varchar;
pg_write_function pg_write_bpchar;
pg_write_function pg_write_bpchar_padded;
pg_write_function pg_write_name;
pg_write_function pg_write_char;
pg_write_function pg_write_bit;
pg_write_function pg_write_varbit;
pg_write_function pg_write_counter;
pg_write_function pg_write_counter8;
pg_write_function pg_write_uuid;
pg_write_function pg_write_uuid_blob;
pg_write_function pg_write_bytea;
pg_write_function pg_write_raw_text;
pg_write_function pg_write_only_text;

/* values_datetime.c */
pg_write_function pg_write_date;
pg_write_function pg_write_time;
pg_write_function pg_write_timestamp;
pg_write_function pg_write_timestamp_seconds;
pg_write_function pg_write_timestamptz;
pg_write_function pg_write_timestamptz_seconds;
pg_write_function pg_write_interval;
pg_write_function pg_write_seconds;

/* values_number.c */
pg_write_function pg_write_integer;
pg_write_function pg_write_bool;
pg_write_function pg_write_float8;
pg_write_function pg_write_float4;
pg_write_function pg_write_numeric;
pg_write_function pg_write_money;

#endif
