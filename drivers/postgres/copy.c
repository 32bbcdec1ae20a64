/* The frames of COPY in binary form -> fields of rows. Pure, and nothing is believed of the
 * bytes: they may come from anyone who speaks the protocol. */
#include "drivers/postgres/copy.h"

#include "drivers/postgres/decode.h"

enum {
    SIGNATURE_BYTES = 11,
    HEADER_BYTES = SIGNATURE_BYTES + 8, /* flags and the length of an extension */
    FLAGS_CRITICAL = (int)0xffff0000u,  /* those that a reader must know; there are none */
    COUNT_BYTES = 2,
    LENGTH_BYTES = 4
};

static const char signature[SIGNATURE_BYTES] = "PGCOPY\n\377\r\n"; /* the NUL is part of it */

static enum status copy_malformed(const char *what, struct error *err) {
    return error_set(err, STATUS_PROTOCOL, "malformed rows from the server: %s", what);
}

static const char *copy_skip(struct pg_copy_reader *reader, size_t length) {
    const char *at = reader->at;

    reader->at += length;
    reader->left -= length;
    return at;
}

static enum status copy_header(struct pg_copy_reader *reader, struct error *err) {
    const char *header = reader->at;
    uint32_t extension;

    if (reader->left < HEADER_BYTES || memcmp(header, signature, SIGNATURE_BYTES) != 0) {
        return copy_malformed("no header of COPY", err);
    }
    if ((pg_read_u32(header + SIGNATURE_BYTES) & (uint32_t)FLAGS_CRITICAL) != 0) {
        return copy_malformed("unknown flags", err);
    }
    extension = pg_read_u32(header + SIGNATURE_BYTES + 4);
    if (extension > reader->left - HEADER_BYTES) {
        return copy_malformed("header is cut off", err);
    }
    copy_skip(reader, HEADER_BYTES + (size_t)extension);
    reader->headed = true;
    return STATUS_OK;
}

/* Every value of a scan passes here: where it stands is kept out of memory. */
static enum status copy_fields(
        struct pg_copy_reader *reader, struct pg_field *fields, struct error *err) {
    const char *at = reader->at, *end = reader->at + reader->left;

    for (size_t i = 0; i < reader->column_count; i++) {
        int32_t length;

        if (end - at < LENGTH_BYTES) {
            return copy_malformed("row is cut off", err);
        }
        length = (int32_t)pg_read_u32(at);
        at += LENGTH_BYTES;
        fields[i].bytes = length == -1 ? NULL : at;
        fields[i].length = length == -1 ? 0 : (size_t)length;
        if (length < -1 || end - at < (ptrdiff_t)fields[i].length) {
            return copy_malformed("value is longer than its row", err);
        }
        at += fields[i].length;
    }
    reader->left = (size_t)(end - at);
    reader->at = at;
    return STATUS_OK;
}

void pg_copy_feed(struct pg_copy_reader *reader, const char *bytes, size_t length) {
    reader->at = bytes;
    reader->left = length;
}

enum status pg_copy_row(
        struct pg_copy_reader *reader, struct pg_field *fields, bool *row, struct error *err) {
    enum status status = STATUS_OK;
    int16_t count;

    *row = false;
    if (reader->left > 0 && !reader->headed) {
        status = copy_header(reader, err);
    }
    if (status != STATUS_OK || reader->left == 0) {
        return status;
    }
    if (reader->ended || reader->left < COUNT_BYTES) {
        return copy_malformed(reader->ended ? "bytes behind the end" : "row is cut off", err);
    }
    count = (int16_t)pg_read_u16(copy_skip(reader, COUNT_BYTES));
    if (count == -1) {
        reader->ended = true;
        return reader->left == 0 ? STATUS_OK : copy_malformed("bytes behind the end", err);
    }
    if (count < 0 || (size_t)count != reader->column_count) {
        return copy_malformed("row has another number of values", err);
    }
    status = copy_fields(reader, fields, err);
    *row = status == STATUS_OK;
    return status;
}
