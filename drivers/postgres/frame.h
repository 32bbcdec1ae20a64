/* Rows of an INSERT that lie as COPY BINARY has them while they wait: a COPY gives them on as
 * they are. An INSERT finds its parameters in them, and only integers narrower than int8 are
 * not as it wants them. Pure. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_FRAME_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_FRAME_H

#include "base/status.h"
#include "drivers/change.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The wire's integers; they give what is behind. */
static inline char *pg_put_int16(char *to, int16_t number) {
    uint16_t wire = htons((uint16_t)number);

    memcpy(to, &wire, sizeof(wire));
    return to + sizeof(wire);
}

static inline char *pg_put_int32(char *to, int32_t number) {
    uint32_t wire = htonl((uint32_t)number);

    memcpy(to, &wire, sizeof(wire));
    return to + sizeof(wire);
}

struct pg_argument;
struct pg_rows;
struct pg_shape;

struct pg_frame_field {
    int column;
    bool real, text;  /* a REAL, or a TEXT that is one, is sent as it is */
    uint8_t width;    /* an integer's bytes; 0: no integer */
    int64_t min, max; /* its range */
};

/* How rows of one shape lie. Zeroed: as parameters alone. */
struct pg_frame {
    bool used;
    struct pg_frame_field *fields;
    size_t count;
};

/* For the rows that come; there are none yet. Not used where a type's binary form is not just
 * the bytes of the parameter, or the last of them. */
enum status pg_frame_choose(struct pg_rows *, const struct pg_shape *, struct error *);
/* Adds a row behind the others; arguments has room for its fields. On failure what it added to
 * the bytes is the caller's to take back. */
enum status pg_frame_add(struct pg_rows *, const struct pg_shape *, const struct change *,
        struct pg_argument *arguments, struct error *);
/* Where a row begins in the bytes; of the one behind the last: where that ends. */
size_t pg_frame_start(const struct pg_rows *, size_t row);
/* Is a field an integer of fewer bytes than its parameter has? */
bool pg_frame_is_narrow(const struct pg_rows *, size_t field);
/* The parameter of a narrow field. */
enum { PG_FRAME_WIDE_BYTES = 8 };
void pg_frame_widen(const char *bytes, int32_t length, char wide[PG_FRAME_WIDE_BYTES]);

#endif
