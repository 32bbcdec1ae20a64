/* Rows of a statement -> batches, value by value as SQLite holds them. Pure but for the
 * statement it reads from; scan.c steps it. */
#include "drivers/sqlite/internal.h"

#include <string.h>

enum { JSON_BYTES_MAX = BATCH_HEAP_BYTES_MAX, NUMBER_BYTES = 8 };

/* Text or blob. SQLite turns UTF-16 into UTF-8 here, which may fail for lack of memory. */
static enum status read_bytes(
        sqlite3_stmt *statement, int column, struct value *value, struct error *err) {
    bool text = sqlite3_column_type(statement, column) == SQLITE_TEXT;

    value->kind = text ? VALUE_TEXT : VALUE_BLOB;
    value->bytes = text ? (const char *)sqlite3_column_text(statement, column)
                        : sqlite3_column_blob(statement, column);
    value->length = (size_t)sqlite3_column_bytes(statement, column);
    if (value->bytes == NULL && (text || value->length > 0)) {
        return error_nomem(err);
    }
    return STATUS_OK;
}

static enum status read_value(
        sqlite3_stmt *statement, int column, struct value *value, struct error *err) {
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        value->kind = VALUE_INTEGER;
        value->integer = sqlite3_column_int64(statement, column);
        return STATUS_OK;
    case SQLITE_FLOAT:
        value->kind = VALUE_REAL;
        value->real = sqlite3_column_double(statement, column);
        return STATUS_OK;
    case SQLITE_NULL:
        value->kind = VALUE_NULL;
        return STATUS_OK;
    default:
        return read_bytes(statement, column, value, err);
    }
}

static enum status put_value(
        struct batch *batch, const struct value *value, int64_t *bytes, struct error *err) {
    switch (value->kind) {
    case VALUE_NULL:
        batch_put_null(batch);
        return STATUS_OK;
    case VALUE_INTEGER:
        *bytes += NUMBER_BYTES;
        batch_put_integer(batch, value->integer);
        return STATUS_OK;
    case VALUE_REAL:
        *bytes += NUMBER_BYTES;
        batch_put_real(batch, value->real);
        return STATUS_OK;
    default:
        *bytes += (int64_t)value->length;
        return batch_put_bytes(batch, value->kind, value->bytes, value->length, err);
    }
}

enum status sq_decode_row(
        sqlite3_stmt *statement, struct batch *batch, int64_t *bytes, struct error *err) {
    int64_t rowid = 0;

    batch_begin_row(batch);
    for (size_t i = 0; i < batch->column_count; i++) {
        struct value value;
        enum status status = read_value(statement, (int)i, &value, err);

        if (status == STATUS_OK) {
            status = put_value(batch, &value, bytes, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (batch->has_rowids) {
        rowid = sqlite3_column_int64(statement, (int)batch->column_count);
    }
    batch_end_row(batch, rowid);
    return STATUS_OK;
}

/* ---- JSON -------------------------------------------------------------------------- */

void sq_append_json_value(struct text *out, const struct value *value) {
    switch (value->kind) {
    case VALUE_NULL:
        text_append(out, "null");
        break;
    case VALUE_INTEGER:
        text_printf(out, "%lld", (long long)value->integer);
        break;
    case VALUE_REAL:
        text_append_json_real(out, value->real);
        break;
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        text_append_json(out, value->bytes, value->length);
        break;
    case VALUE_BLOB: /* JSON has no bytes: their hexadecimal digits, as hex() writes them */
        text_append_char(out, '"');
        text_append_hex(out, value->bytes, value->length);
        text_append_char(out, '"');
        break;
    }
}

static enum status append_row(
        struct text *out, sqlite3_stmt *statement, int64_t *bytes, struct error *err) {
    int count = sqlite3_column_count(statement);

    text_append_char(out, '{');
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(statement, i);
        struct value value;
        enum status status;

        if (name == NULL) {
            return error_nomem(err);
        }
        text_append(out, i > 0 ? "," : "");
        text_append_json(out, name, strlen(name));
        text_append_char(out, ':');
        status = read_value(statement, i, &value, err);
        if (status != STATUS_OK) {
            return status;
        }
        sq_append_json_value(out, &value);
    }
    text_append_char(out, '}');
    *bytes += (int64_t)out->length;
    return text_status(out, err);
}

enum status sq_decode_json(
        sqlite3_stmt *statement, struct batch *batch, int64_t *bytes, struct error *err) {
    struct text row;
    enum status status;

    text_init(&row, JSON_BYTES_MAX);
    status = append_row(&row, statement, bytes, err);
    if (status == STATUS_OK) {
        batch_begin_row(batch);
        status = batch_put_bytes(batch, VALUE_TEXT, text_get(&row), row.length, err);
    }
    if (status == STATUS_OK) {
        batch_end_row(batch, 0);
    }
    text_clear(&row);
    return status;
}
