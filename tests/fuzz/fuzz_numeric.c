/* Any bytes as a binary numeric: what is well formed has the value that its digits, written out
 * in full and read by strtod(), have. */
#include "drivers/postgres/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static int read_i16(const uint8_t *bytes) {
    return (int16_t)(bytes[0] << 8 | bytes[1]);
}

/* "-0.12340001e8": every digit of the input, so that nothing is decided twice the same way. */
static double reference(const uint8_t *data, size_t count) {
    size_t room = 32 + 4 * count;
    char *text = malloc(room);
    size_t used;
    double value;

    require(text != NULL);
    used = (size_t)snprintf(text, room, data[4] == 0x40 ? "-0." : "0.");
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, room - used, "%04d", read_i16(data + 8 + 2 * i));
    }
    snprintf(text + used, room - used, "e%d", 4 * (read_i16(data + 2) + 1));
    value = strtod(text, NULL);
    free(text);
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pg_column column = { .name = "n", .decoder = PG_DECODE_NUMERIC };
    struct batch batch = { 0 };
    const union cell *cell;
    double want;

    require(batch_reset(&batch, 1, false, NULL) == STATUS_OK);
    batch_begin_row(&batch);
    if (pg_decode(&column, (const char *)data, size, &batch, NULL) == STATUS_OK) {
        batch_end_row(&batch, 0);
        cell = batch_cell(&batch, 0, 0);
        want = reference(data, (size - 8) / 2);
        switch (batch_kind(&batch, 0, 0)) {
        case VALUE_INTEGER: /* more exact than a double, but rounds to the same */
            require((double)cell->integer == want);
            break;
        case VALUE_REAL:
            require(isinf(cell->real) || cell->real == want);
            require(fabs(want) >= 0x1p63 || want != floor(want) || (data[4] & 0x80) != 0);
            break;
        default:
            require(data[4] == 0xc0);
        }
    }
    batch_clear(&batch);
    return 0;
}
