/* Rows laid out as COPY BINARY has them; see frame.h. Most values are of the class that their
 * column holds, so that a row's bytes are known before the first is written; the other rows go
 * value by value through the rules of values.h. */
#include "drivers/postgres/frame.h"

#include "drivers/postgres/judge.h"
#include "drivers/postgres/write.h"

#include <endian.h>
#include <string.h>

enum { COUNT_BYTES = 2, LENGTH_BYTES = 4, TEXT_BYTES_MAX = INT32_MAX / 2 };

/* ---- the layout ---------------------------------------------------------------------------
 */

static struct pg_frame_field field_of(const struct schema *schema, size_t column, int width) {
    const struct pg_column *pg = pg_column(schema, (int)column);
    const struct pg_rule *rule = pg_value_rule(pg);
    struct pg_frame_field field = { .column = (int)column,
        .real = rule->write == pg_write_float8,
        .text = rule->write == pg_write_text };

    if (rule->write == pg_write_integer) {
        field.width = (uint8_t)(width > 0 ? width : PG_FRAME_WIDE_BYTES);
        field.min = pg->integer_min;
        field.max = pg->integer_max;
    }
    return field;
}

enum status pg_frame_choose(
        struct pg_rows *rows, const struct pg_shape *shape, struct error *err) {
    struct pg_frame *frame = &rows->frame;
    size_t count = pg_parameter_count(shape), n = 0;
    struct pg_frame_field *fields =
            memory_resize_array(frame->fields, count + 1, sizeof(*fields));

    frame->used = false;
    if (fields == NULL) {
        return error_nomem(err);
    }
    frame->fields = fields;
    frame->count = count;
    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (pg_is_set(shape, i)) {
            int width = pg_copy_width(pg_column(shape->schema, (int)i));

            if (width < 0) {
                return STATUS_OK;
            }
            fields[n++] = field_of(shape->schema, i, width);
        }
    }
    frame->used = count > 0 && count <= INT16_MAX;
    return STATUS_OK;
}

size_t pg_frame_start(const struct pg_rows *rows, size_t row) {
    return row < rows->count
                   ? rows->arguments[row * rows->frame.count].start - LENGTH_BYTES - COUNT_BYTES
                   : rows->bytes.length;
}

bool pg_frame_is_narrow(const struct pg_rows *rows, size_t field) {
    return rows->frame.used && rows->frame.fields[field].width > 0 &&
           rows->frame.fields[field].width < PG_FRAME_WIDE_BYTES;
}

void pg_frame_widen(const char *bytes, int32_t length, char wide[PG_FRAME_WIDE_BYTES]) {
    size_t more = PG_FRAME_WIDE_BYTES - (size_t)length;

    memset(wide, (signed char)bytes[0] < 0 ? 0xff : 0, more);
    memcpy(wide + more, bytes, (size_t)length);
}

/* ---- a row whose values are all of their columns' classes ---------------------------------
 */

/* What the rules of integers, floats and texts take without more ado. */
static bool is_plain(
        const struct pg_frame_field *field, const struct value *value, size_t *bytes) {
    switch (value->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_INTEGER:
        *bytes += field->width;
        return field->width > 0 && value->integer >= field->min && value->integer <= field->max;
    case VALUE_REAL:
        *bytes += sizeof(value->real);
        return field->real;
    case VALUE_TEXT:
        *bytes += value->length;
        return field->text && value->length <= TEXT_BYTES_MAX &&
               memchr(value->bytes, '\0', value->length) == NULL &&
               text_is_utf8(value->bytes, value->length);
    default:
        return false;
    }
}

static char *put_plain(char *to, const struct pg_frame_field *field, const struct value *value,
        int32_t *length) {
    const char *bytes = value->bytes;
    uint64_t wire = 0;

    switch (value->kind) {
    case VALUE_NULL:
        *length = -1;
        return pg_put_int32(to, -1);
    case VALUE_INTEGER:
        wire = htobe64((uint64_t)value->integer);
        bytes = (const char *)&wire + sizeof(wire) - field->width;
        *length = field->width;
        break;
    case VALUE_REAL:
        memcpy(&wire, &value->real, sizeof(wire));
        wire = htobe64(wire);
        bytes = (const char *)&wire;
        *length = sizeof(wire);
        break;
    default:
        *length = (int32_t)value->length;
    }
    to = pg_put_int32(to, *length);
    memcpy(to, bytes, (size_t)*length);
    return to + *length;
}

static enum status add_plain(struct pg_rows *rows, const struct change *change, size_t bytes,
        struct pg_argument *argument, struct error *err) {
    const struct pg_frame_field *fields = rows->frame.fields;
    char *to = text_extend(&rows->bytes, bytes);

    if (to == NULL) {
        return text_status(&rows->bytes, err);
    }
    to = pg_put_int16(to, (int16_t)rows->frame.count);
    for (size_t i = 0; i < rows->frame.count; i++, argument++) {
        argument->start = (size_t)(to - rows->bytes.data) + LENGTH_BYTES;
        to = put_plain(to, &fields[i], &change->values[fields[i].column], &argument->length);
    }
    return STATUS_OK;
}

/* ---- any other row ------------------------------------------------------------------------
 */

/* The last bytes of the int8, whose value is known to fit. */
static void narrow(struct pg_rows *rows, struct pg_argument *argument, size_t width) {
    char *bytes = rows->bytes.data + argument->start;

    memmove(bytes, bytes + argument->length - width, width);
    argument->length = (int32_t)width;
    text_truncate(&rows->bytes, argument->start + width);
}

static enum status add_value(struct pg_rows *rows, const struct schema *schema,
        const struct value *value, size_t field, struct pg_argument *argument,
        struct error *err) {
    enum status status = STATUS_OK;
    char *length = text_extend(&rows->bytes, LENGTH_BYTES);

    argument->start = rows->bytes.length;
    argument->length = -1;
    if (length != NULL && value->kind != VALUE_NULL) {
        status = pg_value_write(
                schema, rows->frame.fields[field].column, value, &rows->bytes, err);
        argument->length = (int32_t)(rows->bytes.length - argument->start);
    }
    if (status == STATUS_OK) {
        status = text_status(&rows->bytes, err);
    }
    if (status == STATUS_OK && argument->length >= 0 && pg_frame_is_narrow(rows, field)) {
        narrow(rows, argument, rows->frame.fields[field].width);
    }
    if (status == STATUS_OK) {
        pg_put_int32(rows->bytes.data + argument->start - LENGTH_BYTES, argument->length);
    }
    return status;
}

enum status pg_frame_add(struct pg_rows *rows, const struct pg_shape *shape,
        const struct change *change, struct pg_argument *arguments, struct error *err) {
    const struct pg_frame *frame = &rows->frame;
    size_t bytes = COUNT_BYTES + frame->count * LENGTH_BYTES;
    enum status status = STATUS_OK;
    bool plain = true;
    char *to;

    for (size_t i = 0; i < frame->count && plain; i++) {
        plain = is_plain(&frame->fields[i], &change->values[frame->fields[i].column], &bytes);
    }
    if (plain) {
        return add_plain(rows, change, bytes, arguments, err);
    }
    to = text_extend(&rows->bytes, COUNT_BYTES);
    if (to == NULL) {
        return text_status(&rows->bytes, err);
    }
    pg_put_int16(to, (int16_t)frame->count);
    for (size_t i = 0; i < frame->count && status == STATUS_OK; i++) {
        status = add_value(rows, shape->schema, &change->values[frame->fields[i].column], i,
                &arguments[i], err);
    }
    return status;
}
