/* Values across the border; see cell.h. */
#include "vtab/cell.h"

#include "base/memory.h"

static enum status cell_bytes(const void *bytes, int length, struct arena *arena,
        struct value *out, struct error *err) {
    if (bytes == NULL && length > 0) {
        return error_nomem(err);
    }
    out->bytes = bytes != NULL ? bytes : "";
    out->length = (size_t)length;
    if (arena != NULL) {
        out->bytes = arena_copy(arena, out->bytes, out->length);
        if (out->bytes == NULL) {
            return error_nomem(err);
        }
    }
    return STATUS_OK;
}

enum status cell_value(
        sqlite3_value *value, struct arena *arena, struct value *out, struct error *err) {
    const void *bytes;

    out->number = VALUE_NULL;
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        out->kind = VALUE_INTEGER;
        out->integer = sqlite3_value_int64(value);
        return STATUS_OK;
    case SQLITE_FLOAT:
        out->kind = VALUE_REAL;
        out->real = sqlite3_value_double(value);
        return STATUS_OK;
    case SQLITE_TEXT:
        out->kind = VALUE_TEXT;
        bytes = sqlite3_value_text(value); /* before _bytes: it may convert from UTF-16 */
        if (bytes == NULL) {
            return error_nomem(err);
        }
        return cell_bytes(bytes, sqlite3_value_bytes(value), arena, out, err);
    case SQLITE_BLOB:
        out->kind = VALUE_BLOB;
        bytes = sqlite3_value_blob(value);
        return cell_bytes(bytes, sqlite3_value_bytes(value), arena, out, err);
    default:
        out->kind = VALUE_NULL;
        return STATUS_OK;
    }
}

/* SQLite's own maximum is below 2^31, and so is a batch's heap. */
void cell_result(
        sqlite3_context *context, const struct batch *batch, size_t column, int64_t row) {
    const union cell *cell = batch_cell(batch, column, row);

    switch (batch_kind(batch, column, row)) {
    case VALUE_INTEGER:
        sqlite3_result_int64(context, cell->integer);
        break;
    case VALUE_REAL:
        sqlite3_result_double(context, cell->real);
        break;
    case VALUE_TEXT:
        /* A given length would cost SQLite a second copy, for the NUL that it adds later. */
        sqlite3_result_text(context, batch->heap + cell->start, -1, SQLITE_TRANSIENT);
        break;
    case VALUE_TEXT_NUL:
        sqlite3_result_text64(context, batch->heap + cell->start, cell->length,
                SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case VALUE_BLOB:
        sqlite3_result_blob64(
                context, batch->heap + cell->start, cell->length, SQLITE_TRANSIENT);
        break;
    case VALUE_NULL:
        sqlite3_result_null(context);
        break;
    }
}

void cell_result_value(sqlite3_context *context, const struct value *value) {
    switch (value->kind) {
    case VALUE_INTEGER:
        sqlite3_result_int64(context, value->integer);
        break;
    case VALUE_REAL:
        sqlite3_result_double(context, value->real);
        break;
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        sqlite3_result_text64(
                context, value->bytes, value->length, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case VALUE_BLOB:
        sqlite3_result_blob64(context, value->bytes, value->length, SQLITE_TRANSIENT);
        break;
    case VALUE_NULL:
        sqlite3_result_null(context);
        break;
    }
}
