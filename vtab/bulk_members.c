/* JSON objects -> columns and values, and the INSERTs they stand for. SQLite reads the JSON, so
 * that its numbers, texts and booleans are what json_each() makes of them. */
#include "vtab/bulk.h"

#include "base/number.h"
#include "vtab/cell.h"

#include <string.h>

/* SQLite would end the text there, and PostgreSQL has no such character. */
static enum status refuse_nul(const char *json, struct error *err) {
    for (const char *at = strchr(json, '\\'); at != NULL; at = strchr(at + 2, '\\')) {
        if (strncmp(at + 1, "u0000", 5) == 0) {
            return error_set(
                    err, STATUS_USAGE, "JSON with the character \\u0000 cannot be written");
        }
        if (at[1] == '\0') {
            break;
        }
    }
    return STATUS_OK;
}

static enum status prepare(struct bulk_write *write, const char *sql, const char *text,
        sqlite3_stmt **out, struct error *err) {
    int code = sqlite3_prepare_v2(write->db, sql, -1, out, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_bind_text(*out, 1, text, -1, SQLITE_STATIC);
    }
    return code == SQLITE_OK ? STATUS_OK : host_failed(write->db, code, err);
}

/* ---- values -------------------------------------------------------------------------------
 */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* JSON has no bytes: in a column declared BLOB "\x6162" is two, as rows that come back have
 * them. */
static enum status read_hex(struct bulk_write *write, struct value *value, struct error *err) {
    size_t length;
    char *bytes;

    if (value->kind != VALUE_TEXT || value->length < 2 || value->length % 2 != 0 ||
            memcmp(value->bytes, "\\x", 2) != 0) {
        return STATUS_OK;
    }
    for (size_t i = 2; i < value->length; i++) {
        if (hex_digit(value->bytes[i]) < 0) {
            return STATUS_OK;
        }
    }
    length = value->length / 2 - 1;
    bytes = arena_alloc(&write->arena, length + 1);
    if (bytes == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(hex_digit(value->bytes[2 + 2 * i]) * 16 +
                          hex_digit(value->bytes[3 + 2 * i]));
    }
    *value = (struct value){ .kind = VALUE_BLOB, .bytes = bytes, .length = length };
    return STATUS_OK;
}

enum status bulk_bind(
        sqlite3_stmt *stmt, int parameter, const struct value *value, struct error *err) {
    int code = SQLITE_OK;

    switch (value->kind) {
    case VALUE_NULL:
        code = sqlite3_bind_null(stmt, parameter);
        break;
    case VALUE_INTEGER:
        code = sqlite3_bind_int64(stmt, parameter, value->integer);
        break;
    case VALUE_REAL:
        code = sqlite3_bind_double(stmt, parameter, value->real);
        break;
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        code = sqlite3_bind_text64(
                stmt, parameter, value->bytes, value->length, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case VALUE_BLOB:
        code = sqlite3_bind_blob64(stmt, parameter, value->length > 0 ? value->bytes : "",
                value->length, SQLITE_STATIC);
        break;
    }
    return code == SQLITE_OK ? STATUS_OK : host_failed(sqlite3_db_handle(stmt), code, err);
}

/* ---- members ------------------------------------------------------------------------------
 */

/* key, type, value of json_each(). */
static enum status take_member(struct bulk_write *write, sqlite3_stmt *each, bool where,
        struct members *members, struct error *err) {
    const struct schema *schema = write->schema;
    const char *name = (const char *)sqlite3_column_text(each, 0);
    const char *type = (const char *)sqlite3_column_text(each, 1);
    enum status status;
    int column;

    if (name == NULL || type == NULL) {
        return error_nomem(err);
    }
    if (where && strcmp(name, "*") == 0 && strcmp(type, "true") == 0) {
        members->all = true;
        return STATUS_OK;
    }
    column = schema_find_column(schema, name);
    if (column < 0) {
        return error_set(
                err, STATUS_USAGE, "table \"%s\" has no column \"%s\"", write->name, name);
    }
    if (members->given[column]) {
        return error_set(err, STATUS_USAGE, "column \"%s\" is given twice", name);
    }
    members->given[column] = true;
    members->count++;
    status = cell_value(
            sqlite3_column_value(each, 2), &write->arena, &members->values[column], err);
    if (status == STATUS_OK && sqlite3_stricmp(schema->columns[column].declared, "BLOB") == 0) {
        status = read_hex(write, &members->values[column], err);
    }
    return status;
}

/* SQLite's json_each() reads numbers with strtod(), in whatever locale the host has set. */
static int step_json(sqlite3_stmt *each) {
    locale_t hosts = number_enter();
    int code = sqlite3_step(each);

    number_leave(hosts);
    return code;
}

/* The rows of a started json_each() that are left. */
static enum status take_members(struct bulk_write *write, sqlite3_stmt *each, bool where,
        struct members *members, struct error *err) {
    size_t count = write->schema->column_count;
    enum status status = STATUS_OK;
    int code = SQLITE_ROW;

    members->given = arena_alloc_array(&write->arena, count, sizeof(*members->given));
    members->values = arena_alloc_array(&write->arena, count, sizeof(*members->values));
    if (members->given == NULL || members->values == NULL) {
        return error_nomem(err);
    }
    while (status == STATUS_OK && (code = step_json(each)) == SQLITE_ROW) {
        status = take_member(write, each, where, members, err);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        return host_failed(write->db, code, err);
    }
    return status;
}

static enum status json_type(struct bulk_write *write, const char *json, bool *object,
        bool *array, struct error *err) {
    sqlite3_stmt *stmt = NULL;
    enum status status = refuse_nul(json, err);
    int code;

    if (status == STATUS_OK) {
        status = prepare(write, "SELECT json_type(?1)", json, &stmt, err);
    }
    if (status == STATUS_OK) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW) {
            const char *type = (const char *)sqlite3_column_text(stmt, 0);

            *object = type != NULL && strcmp(type, "object") == 0;
            *array = type != NULL && strcmp(type, "array") == 0;
        } else {
            status = host_failed(write->db, code, err);
        }
    }
    sqlite3_finalize(stmt);
    return status;
}

static const char each_member[] = "SELECT key, type, value FROM json_each(?1)";

enum status bulk_members(struct bulk_write *write, const char *json, bool where,
        struct members *members, struct error *err) {
    bool object = false, array = false;
    sqlite3_stmt *each = NULL;
    enum status status = json_type(write, json, &object, &array, err);

    if (status == STATUS_OK && !object) {
        status = error_set(err, STATUS_USAGE, "the JSON must be an object: column to value");
    }
    if (status == STATUS_OK) {
        status = prepare(write, each_member, json, &each, err);
    }
    if (status == STATUS_OK) {
        status = take_members(write, each, where, members, err);
    }
    sqlite3_finalize(each);
    if (status == STATUS_OK && members->all && members->count > 0) {
        return error_set(
                err, STATUS_USAGE, "\"*\" means all rows: nothing can stand beside it");
    }
    return status;
}

/* ---- INSERTs ------------------------------------------------------------------------------
 */

/* The INSERT for rows that give these columns; ?1 is the first column, given or not. */
struct inserting {
    struct bulk_write *write;
    sqlite3_stmt *each, *insert;
    const bool *given; /* of `insert` */
};

static enum status insert_sql(const struct bulk_write *write, const struct members *members,
        struct text *sql, struct error *err) {
    const char *separator = "(";

    text_append(sql, "INSERT INTO ");
    bulk_append_table(sql, write);
    for (size_t i = 0; i < write->schema->column_count; i++) {
        if (members->given[i]) {
            text_append(sql, separator);
            bulk_append_name(sql, write->schema->columns[i].name);
            separator = ", ";
        }
    }
    text_append(sql, members->count > 0 ? ") VALUES" : " DEFAULT VALUES");
    separator = "(";
    for (size_t i = 0; i < write->schema->column_count; i++) {
        if (members->given[i]) {
            text_printf(sql, "%s?%zu", separator, i + 1);
            separator = ", ";
        }
    }
    text_append(sql, members->count > 0 ? ")" : "");
    return text_status(sql, err);
}

static enum status insert_prepare(
        struct inserting *inserting, const struct members *members, struct error *err) {
    struct bulk_write *write = inserting->write;
    size_t count = write->schema->column_count;
    struct text sql;
    enum status status;
    int code;

    if (inserting->insert != NULL &&
            memcmp(inserting->given, members->given, count * sizeof(*members->given)) == 0) {
        return STATUS_OK;
    }
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    status = insert_sql(write, members, &sql, err);
    if (status == STATUS_OK) {
        sqlite3_finalize(inserting->insert);
        inserting->insert = NULL;
        code = sqlite3_prepare_v2(write->db, text_get(&sql), -1, &inserting->insert, NULL);
        status = code == SQLITE_OK ? STATUS_OK : host_failed(write->db, code, err);
        inserting->given = members->given;
    }
    text_clear(&sql);
    return status;
}

static enum status insert_row(
        struct inserting *inserting, const char *object, struct error *err) {
    struct bulk_write *write = inserting->write;
    struct members members = { 0 };
    enum status status;
    int code;

    sqlite3_reset(inserting->each);
    code = sqlite3_bind_text(inserting->each, 1, object, -1, SQLITE_TRANSIENT);
    if (code != SQLITE_OK) {
        return host_failed(write->db, code, err);
    }
    status = take_members(write, inserting->each, false, &members, err);
    if (status == STATUS_OK && members.count == 0 && write->upsert != NULL) {
        status = error_set(
                err, STATUS_USAGE, "a row that gives no column cannot be in conflict");
    }
    if (status == STATUS_OK) {
        status = insert_prepare(inserting, &members, err);
    }
    for (size_t i = 0; status == STATUS_OK && i < write->schema->column_count; i++) {
        if (members.given[i]) {
            status = bulk_bind(inserting->insert, (int)i + 1, &members.values[i], err);
        }
    }
    if (status == STATUS_OK) {
        write->gathered.given = members.given;
        status = bulk_gather(write, inserting->insert, err);
    }
    return status;
}

static enum status insert_each(
        struct inserting *inserting, sqlite3_stmt *rows, struct error *err) {
    enum status status = STATUS_OK;
    int code = SQLITE_ROW;

    while (status == STATUS_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(rows, 0);
        const char *object = (const char *)sqlite3_column_text(rows, 1);

        if (type == NULL || strcmp(type, "object") != 0) {
            status = error_set(err, STATUS_USAGE, "the rows must be objects: column to value");
        } else {
            status = object != NULL ? insert_row(inserting, object, err) : error_nomem(err);
        }
    }
    return status == STATUS_OK && code != SQLITE_DONE
                   ? host_failed(inserting->write->db, code, err)
                   : status;
}

enum status bulk_gather_inserts(struct bulk_write *write, const char *json, struct error *err) {
    struct inserting inserting = { .write = write };
    sqlite3_stmt *rows = NULL;
    bool object = false, array = false;
    enum status status = json_type(write, json, &object, &array, err);

    if (status == STATUS_OK && !object && !array) {
        status = error_set(
                err, STATUS_USAGE, "the rows must be a JSON object or an array of objects");
    }
    if (status == STATUS_OK) {
        status = prepare(write, each_member, "{}", &inserting.each, err);
    }
    if (status == STATUS_OK && object) {
        status = insert_row(&inserting, json, err);
    } else if (status == STATUS_OK) {
        status = prepare(write, "SELECT type, value FROM json_each(?1)", json, &rows, err);
        status = status == STATUS_OK ? insert_each(&inserting, rows, err) : status;
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(inserting.each);
    sqlite3_finalize(inserting.insert);
    return status;
}
