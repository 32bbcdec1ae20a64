/* Rows that wait as the bytes of COPY ... FROM STDIN: in the binary format where all columns
 * have a form of theirs here, otherwise as text. Pure. */
#include "base/number.h"
#include "drivers/postgres/judge.h"
#include "drivers/postgres/types.h"
#include "drivers/postgres/write.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- which columns ------------------------------------------------------------------------
 */

/* From the parameter, as pg_rows has it, to the binary form of the column's type. */
enum copy_form {
    COPY_TEXT, /* the text that its input function reads: the COPY is one of texts then */
    COPY_BYTES,
    COPY_INT2,
    COPY_INT4,
    COPY_FLOAT4,
    COPY_BOOL,
    COPY_UUID,
    COPY_JSONB,
    COPY_NEVER, /* made by an expression that only a statement can have; NULL needs none */
};

static const struct {
    uint32_t oid;
    enum pg_parameter parameter;
    enum copy_form form;
} forms[] = {
    { 21, PG_PARAMETER_INT8, COPY_INT2 },
    { 23, PG_PARAMETER_INT8, COPY_INT4 },
    { PG_TYPE_INT8, PG_PARAMETER_INT8, COPY_BYTES },
    { 26 /* oid */, PG_PARAMETER_INT8, COPY_INT4 },
    { PG_TYPE_FLOAT8, PG_PARAMETER_FLOAT8, COPY_BYTES },
    { 700 /* float4 */, PG_PARAMETER_TEXT, COPY_FLOAT4 },
    { 16 /* bool */, PG_PARAMETER_TEXT, COPY_BOOL },
    { PG_TYPE_TEXT, PG_PARAMETER_TEXT, COPY_BYTES },
    { PG_TYPE_VARCHAR, PG_PARAMETER_TEXT, COPY_BYTES },
    { PG_TYPE_BPCHAR, PG_PARAMETER_TEXT, COPY_BYTES },
    { PG_TYPE_BYTEA, PG_PARAMETER_BYTEA, COPY_BYTES },
    { PG_TYPE_UUID, PG_PARAMETER_TEXT, COPY_UUID },
    { 114 /* json */, PG_PARAMETER_TEXT, COPY_BYTES },
    { 3802 /* jsonb */, PG_PARAMETER_TEXT, COPY_JSONB },
    /* These have casts from text that are not their input functions. */
    { 18 /* "char" */, PG_PARAMETER_TEXT, COPY_NEVER },
    { PG_TYPE_NAME, PG_PARAMETER_TEXT, COPY_NEVER },
    { 142 /* xml */, PG_PARAMETER_TEXT, COPY_NEVER },
    { 2205 /* regclass */, PG_PARAMETER_TEXT, COPY_NEVER },
};

static bool is_plain(const struct pg_rule *rule) {
    return strcmp(rule->expression, "%p::%t") == 0 || strcmp(rule->expression, "%p") == 0;
}

static enum copy_form form_of(const struct pg_column *pg) {
    const struct pg_rule *rule = pg_value_rule(pg);

    if (!is_plain(rule)) {
        return COPY_NEVER;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].oid == pg->type_oid) {
            return forms[i].parameter == rule->parameter ? forms[i].form : COPY_NEVER;
        }
    }
    if (pg->type_kind == 'e') {
        return COPY_BYTES;
    }
    return rule->parameter == PG_PARAMETER_TEXT && strcmp(pg->type_schema, "pg_catalog") == 0
                   ? COPY_TEXT
                   : COPY_NEVER;
}

int pg_copy_width(const struct pg_column *pg) {
    switch (form_of(pg)) {
    case COPY_INT2:
        return 2;
    case COPY_INT4:
        return pg->integer_min < 0 ? 4 : -1; /* an oid has no sign */
    case COPY_BYTES:
        return 0;
    default:
        return -1;
    }
}

enum pg_copy_format pg_copy_format(const struct pg_shape *shape) {
    enum pg_copy_format all = PG_COPY_BINARY;
    size_t count = 0;

    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (pg_is_set(shape, i)) {
            enum copy_form form = form_of(pg_column(shape->schema, (int)i));

            count += form != COPY_NEVER;
            all = form == COPY_TEXT ? PG_COPY_TEXT : all;
        }
    }
    return count > 0 ? all : PG_COPY_NEVER;
}

bool pg_copy_holds(const struct pg_shape *shape, const struct pg_rows *rows) {
    size_t count = pg_parameter_count(shape), parameter = 0;

    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (!pg_is_set(shape, i)) {
            continue;
        }
        for (size_t row = 0;
                form_of(pg_column(shape->schema, (int)i)) == COPY_NEVER && row < rows->count;
                row++) {
            if (rows->arguments[row * count + parameter].length >= 0) {
                return false;
            }
        }
        parameter++;
    }
    return true;
}

/* ---- a row in the binary format -----------------------------------------------------------
 */

static char *put_sized(char *to, const char *bytes, int32_t length) {
    to = pg_put_int32(to, length);
    memcpy(to, bytes, (size_t)length);
    return to + length;
}

static int hex_value(char digit) {
    return isdigit((unsigned char)digit) ? digit - '0' : digit - 'a' + 10;
}

/* As pg_write_uuid() wrote it: lower case, with dashes. */
static char *put_uuid(char *to, const char *text, int32_t length) {
    enum { UUID_BYTES = 16 };
    char bytes[UUID_BYTES] = { 0 };
    int digits = 0;

    for (int32_t i = 0; i < length && digits < 2 * UUID_BYTES; i++) {
        if (text[i] != '-') {
            bytes[digits / 2] = (char)(bytes[digits / 2] << 4 | hex_value(text[i]));
            digits++;
        }
    }
    return put_sized(to, bytes, UUID_BYTES);
}

static char *put_float4(char *to, const char *text, int32_t length) {
    enum { NUMBER_BYTES = 64 };
    char number[NUMBER_BYTES] = "";
    uint32_t wire;
    float real;

    memcpy(number, text, length < NUMBER_BYTES ? (size_t)length : NUMBER_BYTES - 1);
    real = number_read_narrow(number);
    memcpy(&wire, &real, sizeof(wire));
    return pg_put_int32(pg_put_int32(to, (int32_t)sizeof(wire)), (int32_t)wire);
}

/* What a field takes beyond the bytes of its parameter: its length, and what a form adds. */
enum { FIELD_BYTES_MORE = 4 + 16 };

static char *put_field(char *to, enum copy_form form, const char *bytes, int32_t length) {
    static const char truth[2] = { 0, 1 };

    switch (form) {
    case COPY_INT2: /* the last bytes of the int8, whose value is known to fit */
        return put_sized(to, bytes + 6, 2);
    case COPY_INT4:
        return put_sized(to, bytes + 4, 4);
    case COPY_FLOAT4:
        return put_float4(to, bytes, length);
    case COPY_BOOL:
        return put_sized(to, &truth[bytes[0] == 't'], 1);
    case COPY_UUID:
        return put_uuid(to, bytes, length);
    case COPY_JSONB:
        to = pg_put_int32(to, length + 1);
        *to++ = 1; /* its version */
        memcpy(to, bytes, (size_t)length);
        return to + length;
    default:
        return put_sized(to, bytes, length);
    }
}

/* ---- a row as text ------------------------------------------------------------------------
 */

static void append_escaped(struct text *frame, const char *bytes, size_t length) {
    static const struct {
        char byte, escape;
    } escapes[] = { { '\\', '\\' }, { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' } };
    size_t start = 0;

    for (size_t i = 0; i < length; i++) {
        for (size_t k = 0; k < sizeof(escapes) / sizeof(escapes[0]); k++) {
            if (bytes[i] == escapes[k].byte) {
                text_append_bytes(frame, bytes + start, i - start);
                text_append_char(frame, '\\');
                text_append_char(frame, escapes[k].escape);
                start = i + 1;
            }
        }
    }
    text_append_bytes(frame, bytes + start, length - start);
}

static uint64_t read_int8(const char *bytes) {
    uint64_t number = 0;

    for (int i = 0; i < 8; i++) {
        number = number << 8 | (unsigned char)bytes[i];
    }
    return number;
}

static void append_number(struct text *frame, enum pg_parameter parameter, const char *bytes) {
    uint64_t wire = read_int8(bytes);
    char digits[JUDGE_NUMBER_BYTES];
    double real;

    memcpy(&real, &wire, sizeof(real));
    if (parameter == PG_PARAMETER_INT8) {
        text_printf(frame, "%lld", (long long)wire);
    } else if (isnan(real)) {
        text_append(frame, "NaN");
    } else {
        text_append(frame, number_real_text(real, digits));
    }
}

static void append_text(
        struct text *frame, enum pg_parameter parameter, const char *bytes, int32_t length) {
    static const char digits[] = "0123456789abcdef";

    switch (parameter) {
    case PG_PARAMETER_TEXT:
        append_escaped(frame, bytes, (size_t)length);
        break;
    case PG_PARAMETER_BYTEA:
        text_append(frame, "\\\\x");
        for (int32_t i = 0; i < length; i++) {
            text_append_char(frame, digits[(unsigned char)bytes[i] >> 4]);
            text_append_char(frame, digits[bytes[i] & 15]);
        }
        break;
    default:
        append_number(frame, parameter, bytes);
    }
}

/* ---- rows ---------------------------------------------------------------------------------
 */

void pg_copy_fields(const struct pg_shape *shape, struct pg_copy_field *fields) {
    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (pg_is_set(shape, i)) {
            const struct pg_column *pg = pg_column(shape->schema, (int)i);

            *fields++ = (struct pg_copy_field){ .form = (uint8_t)form_of(pg),
                .parameter = (uint8_t)pg_value_rule(pg)->parameter };
        }
    }
}

void pg_copy_head(struct text *frame) {
    static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

    text_append_bytes(frame, header, sizeof(header) - 1);
}

void pg_copy_tail(struct text *frame) {
    static const char end[] = { -1, -1 };

    text_append_bytes(frame, end, sizeof(end));
}

void pg_copy_append_binary(struct text *frame, const struct pg_copy_field *fields,
        const struct pg_rows *rows, size_t row, size_t count) {
    const struct pg_argument *arguments = &rows->arguments[row * count];
    size_t before = frame->length, room = sizeof(int16_t);
    char *start, *to;

    for (size_t i = 0; i < count; i++) {
        room += FIELD_BYTES_MORE + (arguments[i].length > 0 ? (size_t)arguments[i].length : 0);
    }
    start = text_extend(frame, room);
    if (start == NULL) {
        return;
    }
    to = pg_put_int16(start, (int16_t)count);
    for (size_t i = 0; i < count; i++) {
        const char *bytes = text_get(&rows->bytes) + arguments[i].start;

        to = arguments[i].length < 0 ? pg_put_int32(to, -1)
                                     : put_field(to, (enum copy_form)fields[i].form, bytes,
                                               arguments[i].length);
    }
    text_truncate(frame, before + (size_t)(to - start));
}

void pg_copy_append_text(struct text *frame, const struct pg_copy_field *fields,
        const struct pg_rows *rows, size_t row, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct pg_argument *argument = &rows->arguments[row * count + i];
        const char *bytes = text_get(&rows->bytes) + argument->start;

        text_append(frame, i > 0 ? "\t" : "");
        if (argument->length < 0) {
            text_append(frame, "\\N");
        } else {
            append_text(frame, (enum pg_parameter)fields[i].parameter, bytes, argument->length);
        }
    }
    text_append_char(frame, '\n');
}
