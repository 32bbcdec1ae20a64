/* What the decode files share: readers of network byte order, and one decoder per kind of
 * value.
 *
 * A decoder is given bytes that are not NULL, of the length its row in decode.c's table
 * demands, and puts one value into the batch or leaves the row unfinished with an error.
 * Nothing else is believed of the bytes: they may come from anyone who speaks the protocol. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_DECODE_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_DECODE_H

#include "drivers/postgres/internal.h"

#include <endian.h>
#include <string.h>

typedef enum status pg_decode_function(const struct pg_column *, const char *bytes,
        size_t length, struct batch *, struct error *);

static inline uint16_t pg_read_u16(const char *bytes) {
    uint16_t value;

    memcpy(&value, bytes, sizeof(value));
    return be16toh(value);
}

static inline uint32_t pg_read_u32(const char *bytes) {
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return be32toh(value);
}

static inline uint64_t pg_read_u64(const char *bytes) {
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return be64toh(value);
}

/* "malformed numeric in column "price": digit 10000"; fills err, gives STATUS_PROTOCOL. */
enum status pg_malformed(const struct pg_column *, struct error *, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* NaN as the column shows it. */
enum status pg_decode_nan(const struct pg_column *, struct batch *, struct error *);
/* A number under NUMERIC affinity: INTEGER when it is integral and fits, else REAL. */
void pg_put_number(struct batch *, double);

pg_decode_function pg_decode_numeric; /* decode_numeric.c */
pg_decode_function pg_decode_date;    /* decode_datetime.c */
pg_decode_function pg_decode_timestamp;
pg_decode_function pg_decode_time;

#endif
