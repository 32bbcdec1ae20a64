/* Rows that were gathered -> the driver's change_rows, and what comes back as JSON. */
#include "vtab/bulk.h"

#include "vtab/levels.h"
#include "vtab/report.h"

#include <string.h>

/* ---- the answer ---------------------------------------------------------------------------
 */

static void append_cell(
        struct text *json, const struct batch *batch, size_t column, int64_t row) {
    const union cell *cell = batch_cell(batch, column, row);

    switch (batch_kind(batch, column, row)) {
    case VALUE_NULL:
        text_append(json, "null");
        break;
    case VALUE_INTEGER:
        text_printf(json, "%lld", (long long)cell->integer);
        break;
    case VALUE_REAL:
        text_append_json_real(json, cell->real);
        break;
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        text_append_json(json, batch->heap + cell->start, cell->length);
        break;
    case VALUE_BLOB: /* as rows are given */
        text_append(json, "\"\\\\x");
        text_append_hex(json, batch->heap + cell->start, cell->length);
        text_append_char(json, '"');
        break;
    }
}

static void append_row(struct bulk_write *write, const struct batch *batch, int64_t row) {
    const struct schema *schema = write->schema;

    text_append(&write->json, write->json.length > 1 ? ",{" : "{");
    for (size_t i = 0; i < schema->column_count; i++) {
        const char *name = schema->columns[i].name;

        text_append(&write->json, i > 0 ? "," : "");
        text_append_json(&write->json, name, strlen(name));
        text_append_char(&write->json, ':');
        if (write->readable[i]) {
            append_cell(&write->json, batch, i, row);
        } else {
            text_append(&write->json, "null");
        }
    }
    text_append_char(&write->json, '}');
}

static enum status read_rows(
        struct bulk_write *write, struct scan *scan, int64_t *rowid, struct error *err) {
    const struct schema *schema = write->schema;
    struct batch batch;
    enum status status;

    batch_init(&batch);
    do {
        status = scan->session->driver->scan_next(scan, &batch, err);
        for (int64_t row = 0; status == STATUS_OK && row < batch.rows; row++) {
            append_row(write, &batch, row);
            if (schema->identity == IDENTITY_INTEGER_KEY) {
                *rowid = batch_cell(&batch, (size_t)schema->key_column, row)->integer;
            }
        }
        status = status == STATUS_OK ? text_status(&write->json, err) : status;
    } while (status == STATUS_OK && batch.rows > 0);
    batch_clear(&batch);
    return status;
}

/* ---- sending ------------------------------------------------------------------------------
 */

/* How many from here on can be one statement. */
static size_t rows_alike(const struct bulk_write *write, size_t first) {
    const struct gathering *gathered = &write->gathered;
    const struct change *one = &gathered->changes[first];
    size_t columns = write->schema->column_count, count = 1;
    bool any = one->kind != CHANGE_INSERT ||
               memchr(one->states, CELL_SET, columns * sizeof(*one->states)) != NULL;

    while (any && count < CHANGE_SET_ROWS_MAX && first + count < gathered->count &&
            (one->kind == CHANGE_DELETE || memcmp(one->states, one[count].states,
                                                   columns * sizeof(*one->states)) == 0)) {
        count++;
    }
    return count;
}

static size_t rows_at_once(const struct bulk_write *write, size_t first) {
    return server_can(write->table->server, DRIVER_ONE_REQUEST) ? write->gathered.count - first
                                                                : rows_alike(write, first);
}

static enum status send_alike(struct bulk_write *write, struct session *session, size_t *first,
        int64_t *rowid, struct error *err) {
    struct change_set set = { .schema = write->schema,
        .rows = &write->gathered.changes[*first],
        .row_count = rows_at_once(write, *first) };
    struct change_conflict conflict = { 0 };
    struct scan *scan = NULL;
    size_t taken = 0;
    enum status status = STATUS_OK;

    if (write->upsert != NULL) {
        status = upsert_updates(
                write->upsert, set.schema, set.rows[0].states, &write->arena, &conflict, err);
        set.conflict = &conflict;
    }
    if (status == STATUS_OK) {
        status = session->driver->change_rows(session, &set, &taken, &scan, err);
    }

    if (status != STATUS_OK) {
        return status;
    }
    status = read_rows(write, scan, rowid, err);
    if (status != STATUS_OK) {
        error_statement(err, scan->statement);
    }
    session->driver->scan_end(scan);
    *first += taken;
    return status;
}

/* One savepoint stands around all of it. */
static enum status send_once(void *pointer, struct error *err) {
    struct bulk_write *write = pointer;
    struct server *server = write->table->server;
    struct session *session;
    int64_t rowid = sqlite3_last_insert_rowid(write->db);
    enum status status = transaction_write(server, true, &session, err);

    if (status != STATUS_OK) {
        return status; /* nothing was sent */
    }
    text_truncate(&write->json, 1);
    status = table_flush_all(server, err);
    for (size_t first = 0; status == STATUS_OK && first < write->gathered.count;) {
        status = send_alike(write, session, &first, &rowid, err);
    }
    if (status != STATUS_OK) {
        table_drop_writers(server);
    }
    transaction_wrote(server, status, err);
    if (status == STATUS_OK && write->gathered.changes[0].kind == CHANGE_INSERT) {
        sqlite3_set_last_insert_rowid(write->db, rowid);
    }
    return status;
}

enum status bulk_send(struct bulk_write *write, struct error *err) {
    enum status status;

    if (write->gathered.count == 0) {
        return STATUS_OK;
    }
    /* The statement that was run may have found the relation changed. */
    write->table = table_find(write->call->connection, write->place, write->name);
    if (write->table == NULL || write->table->schema != write->schema) {
        write->again = true;
        return error_set(err, STATUS_SCHEMA,
                "table \"%s\" changed on the remote: say it once more", write->name);
    }
    status = transaction_try(write->table->server, send_once, write, err);
    if (status != STATUS_OK &&
            table_changed_for_write(write->table, false, write->alone, err) != SQLITE_OK) {
        write->again = true;
        status = error_set(err, STATUS_SCHEMA,
                "table \"%s\" changed on the remote: say it once more", write->name);
    } else if (status != STATUS_OK) {
        report_constraint(err, write->schema, write->name);
        report_race(err);
        server_failed(write->table->server, err);
    }
    return status;
}
