/* bridge_insert, bridge_upsert, bridge_update, bridge_delete: from the call to its answer; see
 * bulk.h. */
#include "vtab/bulk.h"

#include "vtab/levels.h"
#include "vtab/place.h"
#include "vtab/report.h"
#include "vtab/running.h"

#include <string.h>

void bulk_append_name(struct text *sql, const char *name) {
    text_append_char(sql, '"');
    for (; *name != '\0'; name++) {
        text_append(sql, *name == '"' ? "\"" : "");
        text_append_char(sql, *name);
    }
    text_append_char(sql, '"');
}

void bulk_append_table(struct text *sql, const struct bulk_write *write) {
    bulk_append_name(sql, write->place);
    text_append_char(sql, '.');
    bulk_append_name(sql, write->name);
}

enum status bulk_gather(struct bulk_write *write, sqlite3_stmt *stmt, struct error *err) {
    struct connection *connection = write->table->connection;
    struct gathering *outer = connection->gathering;
    int code;

    connection->gathering = &write->gathered;
    do {
        code = sqlite3_step(stmt); /* PRAGMA count_changes makes a row of the count */
    } while (code == SQLITE_ROW);
    connection->gathering = outer;
    if (code != SQLITE_DONE) {
        return host_failed(write->db, code, err);
    }
    sqlite3_reset(stmt);
    return STATUS_OK;
}

/* ---- the table ----------------------------------------------------------------------------
 */

static bool exists(sqlite3 *db, const char *place, const char *name) {
    return sqlite3_table_column_metadata(db, place, name, NULL, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

/* SQLite connects a table when it is first used. */
static enum status connect_table(
        struct bulk_write *write, const char *place, const char *name, struct error *err) {
    char *sql = sqlite3_mprintf("SELECT NULL FROM \"%w\".\"%w\"", place, name);
    sqlite3_stmt *stmt = NULL;
    int code = SQLITE_NOMEM;

    if (sql != NULL) {
        code = sqlite3_prepare_v2(write->db, sql, -1, &stmt, NULL);
    }
    sqlite3_free(sql);
    if (code != SQLITE_OK) {
        host_failed(write->db, code, err);
    }
    sqlite3_finalize(stmt);
    if (code != SQLITE_OK) {
        return err->status;
    }
    write->table = table_find(write->call->connection, place, name);
    if (write->table == NULL) {
        return error_set(err, STATUS_USAGE, "\"%s\" is not a remote table", name);
    }
    write->schema = schema_retain(write->table->schema);
    write->place = arena_copy_text(&write->arena, write->table->place);
    write->name = arena_copy_text(&write->arena, write->table->name);
    return write->place != NULL && write->name != NULL ? STATUS_OK : error_nomem(err);
}

/* "table", looked for as SQLite does, or "place.table". */
static enum status find_table(struct bulk_write *write, const char *name, struct error *err) {
    struct places places = { .count = 0 };
    const char *found = NULL, *table = name;
    enum status status = places_read(write->db, &places, err);

    for (size_t i = 0; i < places.count && found == NULL; i++) {
        size_t length = strlen(places.names[i]);

        if (exists(write->db, places.names[i], name)) {
            found = places.names[i];
        } else if (sqlite3_strnicmp(name, places.names[i], (int)length) == 0 &&
                   name[length] == '.' &&
                   exists(write->db, places.names[i], name + length + 1)) {
            found = places.names[i];
            table = name + length + 1;
        }
    }
    if (status == STATUS_OK) {
        status = found != NULL ? connect_table(write, found, table, err)
                               : error_set(err, STATUS_USAGE, "there is no table \"%s\"", name);
    }
    places_clear(&places);
    return status;
}

/* A step of EXPLAIN; NULL: none. */
static void note_readable(struct bulk_write *write, sqlite3_stmt *step) {
    const char *name = step != NULL ? (const char *)sqlite3_column_text(step, 1) : NULL;
    int column = step != NULL ? sqlite3_column_int(step, 3) : -1;

    if (name != NULL && strcmp(name, "VColumn") == 0 && column >= 0 &&
            (size_t)column < write->schema->column_count) {
        write->readable[column] = true;
    }
}

/* Rows come back whole: an authorizer that hides a column has it hidden here as well. What
 * SQLite would read is asked of it, by the steps it makes of a SELECT. */
static enum status find_readable(struct bulk_write *write, struct error *err) {
    const struct schema *schema = write->schema;
    sqlite3_stmt *steps = NULL;
    struct text sql;
    enum status status;
    int code;

    write->readable =
            arena_alloc_array(&write->arena, schema->column_count, sizeof(*write->readable));
    if (write->readable == NULL) {
        return error_nomem(err);
    }
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    for (size_t i = 0; i < schema->column_count; i++) {
        text_append(&sql, i > 0 ? ", " : "EXPLAIN SELECT ");
        bulk_append_name(&sql, schema->columns[i].name);
    }
    text_append(&sql, " FROM ");
    bulk_append_table(&sql, write);
    status = text_status(&sql, err);
    if (status == STATUS_OK) {
        code = sqlite3_prepare_v2(write->db, text_get(&sql), -1, &steps, NULL);
        while (code == SQLITE_OK || code == SQLITE_ROW) {
            code = sqlite3_step(steps);
            note_readable(write, code == SQLITE_ROW ? steps : NULL);
        }
        status = code == SQLITE_DONE ? STATUS_OK : host_failed(write->db, code, err);
    }
    sqlite3_finalize(steps);
    text_clear(&sql);
    return status;
}

/* ---- around all of them -------------------------------------------------------------------
 */

/* The rows of a call are one request, for good: no other statement may be about to undo it. */
static enum status check_alone(const struct bulk_write *write, struct error *err) {
    const struct server *server = write->table->server;

    if (write->alone || !server_can(server, DRIVER_ONE_REQUEST)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_READONLY,
            "table \"%s\" cannot be written by a statement that writes to others: server "
            "\"%s\" has no transactions, what is written is written at once and for good",
            write->table->name, server->name);
}

static enum status begin(struct bulk_write *write, const struct call *call, struct error *err) {
    const char *name;
    enum status status = call_text(call, 0, "the table's name", &name, err);

    write->call = call;
    write->db = call->connection->db;
    text_init(&write->json, (size_t)sqlite3_limit(write->db, SQLITE_LIMIT_LENGTH, -1));
    text_append_char(&write->json, '[');
    if (status == STATUS_OK) {
        status = call_writes(call, err);
    }
    if (status == STATUS_OK) {
        status = find_table(write, name, err);
    }
    if (status == STATUS_OK) {
        status = transaction_writable(write->table, err);
    }
    if (status == STATUS_OK) {
        status = find_readable(write, err);
    }
    if (status == STATUS_OK && sqlite3_get_autocommit(write->db) &&
            running_writers(write->db) == 0) {
        status = host_changes_begin(&write->own, write->db, write->place, err);
        write->alone = status == STATUS_OK;
        call->connection->alone = write->alone;
    }
    return status == STATUS_OK ? check_alone(write, err) : status;
}

static enum status end(struct bulk_write *write, enum status status, struct error *err) {
    text_append_char(&write->json, ']');
    if (status == STATUS_OK) {
        status = text_status(&write->json, err);
    }
    if (write->alone) {
        status = host_changes_end(&write->own, status, err);
        write->call->connection->alone = false;
    }
    if (status == STATUS_OK) {
        sqlite3_result_text64(write->call->context, text_get(&write->json), write->json.length,
                SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    text_clear(&write->json);
    gathering_clear(&write->gathered);
    schema_release(write->schema);
    arena_clear(&write->arena);
    return status;
}

/* Of the whole argument: SQLite's JSON would end at a NUL. */
static enum status json_argument(
        const struct call *call, int i, const char *what, const char **out, struct error *err) {
    enum status status = call_text(call, i, what, out, err);

    if (status == STATUS_OK && strlen(*out) != (size_t)sqlite3_value_bytes(call->argv[i])) {
        return error_set(err, STATUS_USAGE, "%s: text with a NUL is no JSON", what);
    }
    return status;
}

enum { BULK_TRIES_MAX = 10 };

/* Where the remote's definition has changed, which is found when the rows are sent or while
 * those to be changed are read, nothing of the call is kept: it begins anew. */
static enum status run(const struct call *call,
        enum status (*once)(struct bulk_write *, struct error *), struct error *err) {
    const struct connection *connection = call->connection;
    bool again = true;
    enum status status = STATUS_OK;

    for (int tries = 1; again; tries++) {
        struct bulk_write write = { .alone = false };
        int64_t redescribed = connection->redescribed;

        error_clear(err);
        status = begin(&write, call, err);
        if (status == STATUS_OK) {
            status = once(&write, err);
        }
        status = end(&write, status, err);
        again = status != STATUS_OK && tries < BULK_TRIES_MAX &&
                (write.again || connection->redescribed != redescribed);
    }
    return status;
}

/* ---- INSERT -------------------------------------------------------------------------------
 */

static enum status insert_once(struct bulk_write *write, struct error *err) {
    const char *rows;
    enum status status = json_argument(write->call, 1, "the rows", &rows, err);

    if (status == STATUS_OK) {
        status = bulk_gather_inserts(write, rows, err);
    }
    return status == STATUS_OK ? bulk_send(write, err) : status;
}

enum status call_insert(const struct call *call, struct error *err) {
    return run(call, insert_once, err);
}

static enum status upsert_once(struct bulk_write *write, struct error *err) {
    struct upsert upsert = { .listed = false };
    enum status status = upsert_read(write, &upsert, err);

    write->upsert = &upsert;
    status = status == STATUS_OK ? insert_once(write, err) : status;
    write->upsert = NULL;
    return status;
}

enum status call_upsert(const struct call *call, struct error *err) {
    return run(call, upsert_once, err);
}

/* ---- UPDATE and DELETE --------------------------------------------------------------------
 */

/* Parameters: ?1 on what is set, then what the rows are found by, each by column. */
static void append_where(
        struct text *sql, const struct schema *schema, const struct members *where) {
    const char *separator = " WHERE ";

    for (size_t i = 0; i < schema->column_count; i++) {
        if (where->given[i]) {
            text_append(sql, separator);
            bulk_append_name(sql, schema->columns[i].name);
            if (where->values[i].kind == VALUE_NULL) {
                text_append(sql, " IS NULL");
            } else {
                text_printf(sql, " = ?%zu", schema->column_count + i + 1);
            }
            separator = " AND ";
        }
    }
}

static void append_set(
        struct text *sql, const struct schema *schema, const struct members *set) {
    const char *separator = " SET ";

    for (size_t i = 0; i < schema->column_count; i++) {
        if (set->given[i]) {
            text_append(sql, separator);
            bulk_append_name(sql, schema->columns[i].name);
            text_printf(sql, " = ?%zu", i + 1);
            separator = ", ";
        }
    }
}

static enum status bind_all(sqlite3_stmt *stmt, const struct members *members, size_t count,
        size_t first, bool nulls, struct error *err) {
    enum status status = STATUS_OK;

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (members->given[i] && (nulls || members->values[i].kind != VALUE_NULL)) {
            status = bulk_bind(stmt, (int)(first + i), &members->values[i], err);
        }
    }
    return status;
}

/* set NULL: a DELETE. */
static enum status change(struct bulk_write *write, const struct members *set,
        const struct members *where, struct error *err) {
    const struct schema *schema = write->schema;
    sqlite3_stmt *stmt = NULL;
    struct text sql;
    enum status status;
    int code;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    text_append(&sql, set != NULL ? "UPDATE " : "DELETE FROM ");
    bulk_append_table(&sql, write);
    if (set != NULL) {
        append_set(&sql, schema, set);
    }
    append_where(&sql, schema, where);
    status = text_status(&sql, err);
    if (status == STATUS_OK) {
        code = sqlite3_prepare_v2(write->db, text_get(&sql), -1, &stmt, NULL);
        status = code == SQLITE_OK ? STATUS_OK : host_failed(write->db, code, err);
    }
    if (status == STATUS_OK && set != NULL) {
        status = bind_all(stmt, set, schema->column_count, 1, true, err);
    }
    if (status == STATUS_OK) {
        status = bind_all(
                stmt, where, schema->column_count, schema->column_count + 1, false, err);
    }
    if (status == STATUS_OK) {
        status = bulk_gather(write, stmt, err);
    }
    sqlite3_finalize(stmt);
    text_clear(&sql);
    return status == STATUS_OK ? bulk_send(write, err) : status;
}

static enum status read_where(
        struct bulk_write *write, int argument, struct members *where, struct error *err) {
    const char *json;
    enum status status = json_argument(write->call, argument, "the condition", &json, err);

    if (status == STATUS_OK) {
        status = bulk_members(write, json, true, where, err);
    }
    if (status == STATUS_OK && where->count == 0 && !where->all) {
        status = error_set(err, STATUS_USAGE,
                "the condition names no column: {\"*\": true} stands for all rows");
    }
    return status;
}

static enum status read_set(
        struct bulk_write *write, int argument, struct members *set, struct error *err) {
    const char *json;
    enum status status = json_argument(write->call, argument, "what is set", &json, err);

    if (status == STATUS_OK) {
        status = bulk_members(write, json, false, set, err);
    }
    return status == STATUS_OK && set->count == 0
                   ? error_set(err, STATUS_USAGE, "what is set names no column")
                   : status;
}

static enum status update_once(struct bulk_write *write, struct error *err) {
    struct members set = { 0 }, where = { 0 };
    enum status status = read_set(write, 1, &set, err);

    if (status == STATUS_OK) {
        status = read_where(write, 2, &where, err);
    }
    return status == STATUS_OK ? change(write, &set, &where, err) : status;
}

enum status call_update(const struct call *call, struct error *err) {
    return run(call, update_once, err);
}

static enum status delete_once(struct bulk_write *write, struct error *err) {
    struct members where = { 0 };
    enum status status = read_where(write, 1, &where, err);

    return status == STATUS_OK ? change(write, NULL, &where, err) : status;
}

enum status call_delete(const struct call *call, struct error *err) {
    return run(call, delete_once, err);
}
