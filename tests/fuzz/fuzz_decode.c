/* Any bytes as a value of any type, and as a ctid: one cell comes of them, or one error. The
 * first byte chooses the decoder, the second the flags. */
#include "drivers/postgres/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static void check_cell(const struct pg_column *column, const struct batch *batch) {
    const union cell *cell = batch_cell(batch, 0, 0);

    switch (batch_kind(batch, 0, 0)) {
    case VALUE_REAL:
        require(cell->real == cell->real);
        break;
    case VALUE_NULL:
        require(column->nan_null);
        break;
    case VALUE_INTEGER:
        break;
    default:
        require((size_t)cell->start + cell->length < batch->heap_size);
        require(batch->heap[cell->start + cell->length] == '\0');
        break;
    }
}

static void decode_value(struct pg_column *column, const char *bytes, size_t size) {
    struct error err = { 0 };
    struct batch batch = { 0 };
    enum status status;

    require(batch_reset(&batch, 1, false, NULL) == STATUS_OK);
    batch_begin_row(&batch);
    status = pg_decode(column, bytes, size, &batch, &err);
    require(status == err.status);
    require(status == STATUS_OK || status == STATUS_PROTOCOL);
    if (status == STATUS_OK) {
        batch_end_row(&batch, 0);
        check_cell(column, &batch);
    }
    batch_clear(&batch);
    error_clear(&err);
}

static void decode_rowid(const char *bytes, size_t size, bool leaves) {
    static const uint32_t oids[] = { 1, 0x30303030, 0x31313131, UINT32_MAX };
    struct pg_relation relation = { .leaf_oids = oids, .leaf_count = leaves ? 4 : 0 };
    size_t ctid_length = size < 6 ? size : 6;
    struct error err = { 0 };
    int64_t rowid = -1;
    enum status status = pg_decode_rowid(&relation, bytes, ctid_length, bytes + ctid_length,
            size - ctid_length, &rowid, &err);

    require(status == err.status);
    require((status == STATUS_OK) == (rowid >= 0));
    error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pg_column column = { .name = "c" };
    char *bytes;

    if (size < 2) {
        return 0;
    }
    column.decoder = (enum pg_decoder)(data[0] % PG_DECODER_COUNT);
    column.nan_null = data[1] & 1;
    size -= 2;
    bytes = malloc(size > 0 ? size : 1); /* of its own, so that a byte too far is noticed */
    require(bytes != NULL);
    memcpy(bytes, data + 2, size);
    decode_value(&column, bytes, size);
    decode_rowid(bytes, size, data[1] & 2);
    free(bytes);
    return 0;
}
