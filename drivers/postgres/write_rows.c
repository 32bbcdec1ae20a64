/* Rows that wait to be written, and their parameters as the wire has them. Pure. */
#include "drivers/postgres/write.h"

#include "base/sqlite.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_BYTES_MAX = 1024 * 1024 * 1024, ROWID_OFFSET_BITS = 16, ROWID_LEAF_SHIFT = 48 };

void pg_rows_reset(struct pg_rows *rows) {
    text_truncate(&rows->bytes, 0);
    rows->count = 0;
}

void pg_rows_keep_last(struct pg_rows *rows, size_t count) {
    if (rows->count > 1) {
        memmove(rows->arguments, &rows->arguments[(rows->count - 1) * count],
                count * sizeof(*rows->arguments));
        rows->count = 1;
    }
}

void pg_rows_clear(struct pg_rows *rows) {
    text_clear(&rows->bytes);
    memory_free(rows->arguments);
    memory_free(rows->frame.fields);
    memset(rows, 0, sizeof(*rows));
}

/* ---- one row ------------------------------------------------------------------------------
 */

static enum status add_value(struct pg_rows *rows, struct pg_argument *argument,
        const struct schema *schema, int column, const struct value *value, struct error *err) {
    enum status status;

    argument->start = rows->bytes.length;
    argument->length = -1;
    if (value->kind == VALUE_NULL) {
        return STATUS_OK;
    }
    status = pg_value_write(schema, column, value, &rows->bytes, err);
    argument->length = (int32_t)(rows->bytes.length - argument->start);
    return status;
}

static enum status add_bytes(struct pg_rows *rows, struct pg_argument *argument,
        const void *bytes, size_t length, struct error *err) {
    argument->start = rows->bytes.length;
    argument->length = (int32_t)length;
    text_append_bytes(&rows->bytes, bytes, length);
    return text_status(&rows->bytes, err);
}

/* The inverse of pg_decode_rowid(). */
static enum status add_place(struct pg_rows *rows, struct pg_argument *argument,
        const struct schema *schema, int64_t rowid, struct error *err) {
    enum { PLACE_BYTES = 32 };
    const struct pg_relation *relation = pg_relation(schema);
    uint64_t place = (uint64_t)rowid;
    size_t leaf = (size_t)(place >> ROWID_LEAF_SHIFT);
    char text[PLACE_BYTES];
    uint32_t oid[2] = { 0, 0 };
    enum status status;

    snprintf(text, sizeof(text), "(%u,%u)", (unsigned)(place >> ROWID_OFFSET_BITS & 0xffffffff),
            (unsigned)(place & 0xffff));
    status = add_bytes(rows, argument, text, strlen(text), err);
    if (status != STATUS_OK || relation->leaf_count == 0) {
        return status;
    }
    if (rowid < 0 || leaf >= relation->leaf_count) {
        return error_set(err, STATUS_STALE, "no row of table \"%s\" has this rowid",
                schema->remote_name);
    }
    oid[1] = htonl(relation->leaf_oids[leaf]);
    return add_bytes(rows, argument + 1, oid, sizeof(oid), err);
}

static enum status add_identity(struct pg_rows *rows, struct pg_argument *argument,
        const struct schema *schema, const struct row_identity *row, struct error *err) {
    struct value number = { .kind = VALUE_INTEGER, .integer = row->rowid };
    enum status status = STATUS_OK;

    switch (schema->identity) {
    case IDENTITY_INTEGER_KEY:
        return add_value(rows, argument, schema, schema->key_column, &number, err);
    case IDENTITY_ROWID:
        return add_place(rows, argument, schema, row->rowid, err);
    case IDENTITY_KEY:
        return add_value(rows, argument, schema, schema->key_column, row->key, err);
    case IDENTITY_ROW:
        break;
    }
    for (size_t i = 0; i < schema->find_count && status == STATUS_OK; i++) {
        status = add_value(
                rows, &argument[i], schema, schema->find_columns[i], &row->key[i], err);
    }
    return status;
}

static enum status make_room(struct pg_rows *rows, size_t count, struct error *err) {
    size_t capacity = rows->capacity > 0 ? rows->capacity : 64;
    struct pg_argument *arguments;

    if (rows->bytes.bytes_max == 0) {
        text_init(&rows->bytes, ROWS_BYTES_MAX);
    }
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity == rows->capacity) {
        return STATUS_OK;
    }
    arguments = memory_resize_array(rows->arguments, capacity, sizeof(*arguments));
    if (arguments == NULL) {
        return error_nomem(err);
    }
    rows->arguments = arguments;
    rows->capacity = capacity;
    return STATUS_OK;
}

/* A row that cannot be represented leaves nothing behind. */
enum status pg_rows_add(struct pg_rows *rows, const struct pg_shape *shape,
        const struct change *change, struct error *err) {
    size_t count = rows->frame.used ? rows->frame.count : pg_parameter_count(shape);
    size_t used = rows->bytes.length;
    enum status status = make_room(rows, (rows->count + 1) * count + 1, err);
    struct pg_argument *argument;

    if (status != STATUS_OK) {
        return status;
    }
    argument = &rows->arguments[rows->count * count];
    if (rows->frame.used) {
        status = pg_frame_add(rows, shape, change, argument, err);
    }
    for (size_t i = 0;
            !rows->frame.used && i < shape->schema->column_count && status == STATUS_OK; i++) {
        if (pg_is_set(shape, i)) {
            status =
                    add_value(rows, argument++, shape->schema, (int)i, &change->values[i], err);
        }
    }
    if (status == STATUS_OK && shape->kind != CHANGE_INSERT) {
        status = add_identity(rows, argument, shape->schema, &change->row, err);
    }
    if (status != STATUS_OK) {
        text_truncate(&rows->bytes, used);
        return status;
    }
    rows->count++;
    return STATUS_OK;
}

/* ---- parameters ---------------------------------------------------------------------------
 */

static enum status sending_start(struct pg_sending *sending, size_t count, struct error *err) {
    arena_reset(&sending->arena);
    sending->count = count;
    sending->values = arena_alloc_array(&sending->arena, count + 1, sizeof(*sending->values));
    sending->lengths = arena_alloc_array(&sending->arena, count + 1, sizeof(*sending->lengths));
    sending->formats = arena_alloc_array(&sending->arena, count + 1, sizeof(*sending->formats));
    if (sending->values == NULL || sending->lengths == NULL || sending->formats == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        sending->formats[i] = 1;
    }
    return STATUS_OK;
}

static enum status sending_argument(struct pg_sending *sending, const struct pg_rows *rows,
        size_t i, const struct pg_argument *argument, struct error *err) {
    const char *bytes = text_get(&rows->bytes) + argument->start;
    char *wide;

    sending->values[i] = bytes;
    sending->lengths[i] = argument->length;
    if (pg_frame_is_narrow(rows, i)) {
        wide = arena_alloc(&sending->arena, PG_FRAME_WIDE_BYTES);
        if (wide == NULL) {
            return error_nomem(err);
        }
        pg_frame_widen(bytes, argument->length, wide);
        sending->values[i] = wide;
        sending->lengths[i] = PG_FRAME_WIDE_BYTES;
    }
    return STATUS_OK;
}

enum status pg_sending_row(struct pg_sending *sending, const struct pg_rows *rows, size_t row,
        size_t count, struct error *err) {
    enum status status = sending_start(sending, count, err);

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct pg_argument *argument = &rows->arguments[row * count + i];

        if (argument->length >= 0) {
            status = sending_argument(sending, rows, i, argument, err);
        }
    }
    return status;
}

static char *put_element(
        char *to, const struct pg_rows *rows, const struct pg_argument *argument, bool narrow) {
    const char *bytes = text_get(&rows->bytes) + argument->start;

    if (argument->length <= 0) {
        return pg_put_int32(to, argument->length);
    }
    if (narrow) {
        to = pg_put_int32(to, PG_FRAME_WIDE_BYTES);
        pg_frame_widen(bytes, argument->length, to);
        return to + PG_FRAME_WIDE_BYTES;
    }
    to = pg_put_int32(to, argument->length);
    memcpy(to, bytes, (size_t)argument->length);
    return to + argument->length;
}

/* An array of one dimension in the binary format. */
static enum status sending_array(struct pg_sending *sending, const struct pg_rows *rows,
        size_t column, size_t count, uint32_t oid, struct error *err) {
    enum { HEADER_BYTES = 20 };
    size_t bytes = HEADER_BYTES;
    bool nulls = false, narrow = pg_frame_is_narrow(rows, column);
    char *array, *to;

    for (size_t row = 0; row < rows->count; row++) {
        int32_t length = rows->arguments[row * count + column].length;

        nulls = nulls || length < 0;
        bytes += sizeof(int32_t) + (length <= 0     ? 0
                                           : narrow ? PG_FRAME_WIDE_BYTES
                                                    : (size_t)length);
    }
    array = bytes <= INT32_MAX ? arena_alloc(&sending->arena, bytes) : NULL;
    if (array == NULL) {
        return error_nomem(err);
    }
    to = pg_put_int32(array, 1);
    to = pg_put_int32(to, nulls);
    to = pg_put_int32(to, (int32_t)oid);
    to = pg_put_int32(to, (int32_t)rows->count);
    to = pg_put_int32(to, 1);
    for (size_t row = 0; row < rows->count; row++) {
        to = put_element(to, rows, &rows->arguments[row * count + column], narrow);
    }
    sending->values[column] = array;
    sending->lengths[column] = (int)bytes;
    return STATUS_OK;
}

static enum status sending_identities(struct pg_sending *sending, const struct pg_rows *rows,
        const struct pg_shape *shape, struct error *err) {
    size_t count = pg_parameter_count(shape), parts = pg_identity_count(shape->schema);
    enum status status = pg_sending_row(sending, rows, 0, count, err);

    for (size_t i = 0; i < parts && status == STATUS_OK; i++) {
        status = sending_array(sending, rows, count - parts + i, count,
                pg_parameter_oid(pg_identity_parameter(shape->schema, i)), err);
    }
    return status;
}

enum status pg_sending_arrays(struct pg_sending *sending, const struct pg_rows *rows,
        const struct pg_shape *shape, struct error *err) {
    size_t count = pg_parameter_count(shape), column = 0;
    enum status status;

    if (shape->kind != CHANGE_INSERT) {
        return sending_identities(sending, rows, shape, err);
    }
    status = sending_start(sending, count, err);

    for (size_t i = 0; i < shape->schema->column_count && status == STATUS_OK; i++) {
        if (pg_is_set(shape, i)) {
            enum pg_parameter parameter =
                    pg_value_rule(pg_column(shape->schema, (int)i))->parameter;

            status = sending_array(
                    sending, rows, column++, count, pg_parameter_oid(parameter), err);
        }
    }
    return status;
}
