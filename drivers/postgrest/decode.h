/* A value on its way from JSON to a cell, for the files of decode. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGREST_DECODE_H
#define DRAWBRIDGE_DRIVERS_POSTGREST_DECODE_H

#include "drivers/postgrest/internal.h"

struct pr_decoding {
    const struct column *column;
    const struct pr_column *facts;
    const struct pr_member *member;
    const char *text; /* escapes resolved */
    size_t length;
    struct batch *batch;
    struct error *err;
};

/* STATUS_SCHEMA: the value is not of its column's type. */
enum status pr_mismatch(const struct pr_decoding *);
bool pr_text_is(const struct pr_decoding *, const char *word);
/* What PostgreSQL's own wire would bring. */
enum status pr_put_binary(const struct pr_decoding *, const char *bytes, size_t length);

/* decode_datetime.c */
enum status pr_decode_date(const struct pr_decoding *);
enum status pr_decode_timestamp(const struct pr_decoding *);
enum status pr_decode_time(const struct pr_decoding *);

#endif
