/* Any bytes as the messages of a COPY: rows whose fields lie inside their message, or one
 * error, and nothing behind the end. The first byte says how many columns are due, the second
 * how long the messages are. */
#include "drivers/postgres/copy.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static void check_fields(const struct pg_copy_reader *reader, const struct pg_field *fields,
        const char *message, size_t length) {
    const char *from = message;

    for (size_t i = 0; i < reader->column_count; i++) {
        if (fields[i].bytes == NULL) {
            require(fields[i].length == 0);
            continue;
        }
        require(fields[i].bytes >= from + 4 && fields[i].length <= length);
        require(fields[i].bytes + fields[i].length <= message + length);
        from = fields[i].bytes + fields[i].length;
    }
    require(reader->headed && !reader->ended);
    require(reader->at >= from && reader->at + reader->left == message + length);
}

/* All rows of one message, which stands in memory of its own. */
static enum status read_message(
        struct pg_copy_reader *reader, const uint8_t *data, size_t length) {
    struct pg_field fields[COLUMNS_MAX];
    struct error err = { 0 };
    char *message = malloc(length);
    enum status status;
    bool row;

    require(message != NULL);
    memcpy(message, data, length);
    pg_copy_feed(reader, message, length);
    do {
        size_t left = reader->left;

        status = pg_copy_row(reader, fields, &row, &err);
        require(status == err.status);
        require(status == STATUS_OK || (status == STATUS_PROTOCOL && !row));
        if (row) {
            check_fields(reader, fields, message, length);
            require(reader->left < left);
        }
    } while (row);
    require(status != STATUS_OK || reader->left == 0);
    free(message);
    error_clear(&err);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pg_copy_reader reader = { 0 };
    enum status status = STATUS_OK;
    size_t message;

    if (size < 2) {
        return 0;
    }
    reader.column_count = data[0] % (COLUMNS_MAX + 1);
    message = data[1] == 0 ? size : data[1];
    for (size_t at = 2; at < size && status == STATUS_OK; at += message) {
        status = read_message(&reader, data + at, size - at < message ? size - at : message);
    }
    return 0;
}
