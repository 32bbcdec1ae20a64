/* One column of kept rows in as few bytes as its values need: most are whole numbers near each
 * other, or texts of one length such as dates. */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_PACK_H
#define DRAWBRIDGE_VTAB_LOOKUP_PACK_H

#include "drivers/batch.h"

enum pack_form {
    PACK_CELLS,   /* as in a batch, with bytes of its own behind */
    PACK_NUMBERS, /* integers: width bytes each, above base */
    PACK_REALS,
    PACK_BYTES, /* all of one kind and of "base" bytes each */
};

struct packed {
    uint8_t form, kind, width;
    int64_t base;
    size_t bytes; /* at data; a multiple of 8 */
    char *data;
};

/* Chooses the form and says how many bytes it takes; data is left to the caller. */
void pack_plan(struct packed *, const struct batch *, size_t column);
void pack_fill(struct packed *, const struct batch *, size_t column);
/* Texts with an inner NUL are VALUE_TEXT, too. Bytes are borrowed. rows: of the column. */
void pack_get(const struct packed *, size_t rows, size_t row, struct value *out);

#endif
