/* The least that a client has to do with a binary value of PostgreSQL before SQLite could take
 * it: numbers in the machine's form, everything else as text or bytes. */
#ifndef DRAWBRIDGE_BENCH_DECODE_H
#define DRAWBRIDGE_BENCH_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum { DECODED_BYTES_MAX = 512 }; /* a numeric of 244 + 200 digits */

struct decoded {
    int64_t integer; /* 0 unless the value is one */
    double real;
    char text[DECODED_BYTES_MAX];
    const char *bytes; /* text, or the value itself where it needs no change */
    size_t length;
};

/* type: an Oid. Types without a decoder of their own are passed on as they are. */
void decode_value(unsigned type, const char *bytes, size_t length, struct decoded *out);

/* Big-endian numbers of the wire. */
int16_t read_int16(const char *bytes);
int32_t read_int32(const char *bytes);
int64_t read_int64(const char *bytes);

#endif
