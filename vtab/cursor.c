/* A cursor's life and SQLite's methods of it: filter.c makes the query, cursor_scan.c runs it,
 * here its rows are handed over. */
#include "vtab/cursor_scan.h"

#include "vtab/cell.h"
#include "vtab/old_row.h"
#include "vtab/report.h"

#include <string.h>

enum { SPARE_HEAP_BYTES_MAX = 64 * 1024 };

void cursor_destroy(struct cursor *cursor) {
    if (cursor != NULL) {
        batch_clear(&cursor->batch);
        arena_clear(&cursor->filter_arena);
        arena_clear(&cursor->plan_arena);
        memory_free(cursor->plan_text);
        memory_free(cursor->guessed_sql);
        memory_free(cursor);
    }
}

/* The table's spare one has its plan still, and its memory for a batch. */
int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    struct table *table = (struct table *)base;
    struct cursor *cursor = table->spare != NULL ? table->spare : memory_alloc(sizeof(*cursor));

    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    table->spare = NULL;
    memset(&cursor->reader, 0, sizeof(cursor->reader));
    memset(&cursor->lookup, 0, sizeof(cursor->lookup));
    cursor->table = table;
    cursor->explain_scan = -1;
    cursor->eof = true;
    cursor->filters = 0;
    cursor->opened_at_steps = table_statement_steps(table);
    server_open_reader(table->server, &cursor->reader);
    if (table->cursors++ == 0) {
        digest_map_clear(&table->rowids);
        row_keys_clear(&table->row_keys);
        table->changing = 0;
        table->changed = 0;
        sqlite3_randomness(sizeof(table->rowid_key), table->rowid_key);
    }
    *out = &cursor->base;
    return SQLITE_OK;
}

int cursor_close(sqlite3_vtab_cursor *base) {
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = cursor->table;

    cursor_end_scan(cursor);
    table->cursors--;
    server_close_reader(table->server, &cursor->reader);
    lookup_close(cursor);
    digest_map_clear(&cursor->occurrences);
    if (table->spare != NULL || cursor->batch.heap_size > SPARE_HEAP_BYTES_MAX) {
        cursor_destroy(cursor);
        return SQLITE_OK;
    }
    arena_reset(&cursor->filter_arena);
    cursor->batch.rows = 0;
    table->spare = cursor;
    return SQLITE_OK;
}

/* ---- methods ------------------------------------------------------------------------------
 */

static int cursor_report(struct cursor *cursor, struct error *err) {
    cursor->eof = true;
    report_race(err);
    server_failed(cursor->table->server, err);
    return report_vtab(&cursor->table->base.zErrMsg, err);
}

/* The snapshot may have begun before the relation was last changed; a new one has not. What
 * fails again fails for another reason, which its error tells. */
static int cursor_changed(struct cursor *cursor, struct error *err) {
    int code = table_changed(cursor->table, err, cursor->opened_at_steps);

    if (code != SQLITE_OK) {
        return code;
    }
    error_clear(err);
    if (cursor_start(cursor, err) == STATUS_OK && cursor_number_row(cursor, err) == STATUS_OK) {
        return SQLITE_OK;
    }
    if (err->status == STATUS_SCHEMA) { /* changed once more within these milliseconds */
        error_explain(err, NULL, NULL, "the remote table changed: run the statement again");
    }
    return cursor_report(cursor, err);
}

int cursor_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
        sqlite3_value **argv) {
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = cursor->table;
    struct error err = { 0 };
    enum status status;
    bool never = false;

    (void)number;
    cursor_end_scan(cursor);
    cursor->eof = true;
    cursor->changing = -1;
    if (table->driver != table->server->target.driver && !table->server->removed) {
        error_set(
                &err, STATUS_SCHEMA, "server \"%s\" leads elsewhere now", table->server->name);
        return cursor_changed(cursor, &err);
    }
    status = cursor_prepare(cursor, plan, argc, argv, &never, &err);
    if (status == STATUS_OK && !never) {
        status = cursor_answer(cursor, argv, &err);
    }
    if (status == STATUS_OK) {
        status = cursor_number_row(cursor, &err);
    }
    if (status == STATUS_SCHEMA) {
        return cursor_changed(cursor, &err);
    }
    return status == STATUS_OK ? SQLITE_OK : cursor_report(cursor, &err);
}

static int cursor_next_batch(struct cursor *cursor) {
    struct error err = { 0 };

    return cursor_step(cursor, &err) == STATUS_OK ? SQLITE_OK : cursor_report(cursor, &err);
}

/* Nearly every row is the next one of its batch, and that is as good as it was. */
int cursor_next(sqlite3_vtab_cursor *base) {
    struct cursor *cursor = (struct cursor *)base;

    bool numbered = cursor->identity && cursor->table->schema->identity == IDENTITY_ROW;

    if (numbered || cursor->row + 1 >= cursor->batch.rows || cursor->reader.undone) {
        return cursor_next_batch(cursor);
    }
    cursor->row++;
    return SQLITE_OK;
}

int cursor_eof(sqlite3_vtab_cursor *base) {
    return ((struct cursor *)base)->eof;
}

/* The one who reports has a struct error; the many who do not, need none. */
static int cursor_add_column(struct cursor *cursor, int column) {
    struct error err = { 0 };

    return cursor_widen(cursor, column, false, &err) == STATUS_OK ? SQLITE_OK
                                                                  : cursor_report(cursor, &err);
}

/* Only columns of a row that passed the WHERE are asked for so. With another cursor open on the
 * table nobody could tell whose statement writes it. */
static void cursor_note_changing(struct cursor *cursor) {
    if (cursor->table->cursors == 1 && cursor->changing != cursor->first + cursor->row) {
        cursor->changing = cursor->first + cursor->row;
        cursor->table->changing++;
    }
}

/* SQLite hands it to xUpdate as the old key: a NULL there stands for an INSERT. */
static bool is_null_key(const struct cursor *cursor, int column) {
    const struct schema *schema = cursor->table->schema;

    return schema->identity == IDENTITY_KEY && column == schema->key_column &&
           batch_kind(&cursor->batch, (size_t)cursor->places[column], cursor->row) ==
                   VALUE_NULL &&
           running_writers(cursor->table->connection->db) > 0;
}

int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    struct cursor *cursor = (struct cursor *)base;

    if (cursor->table->enlisted && sqlite3_vtab_nochange(context)) {
        cursor_note_changing(cursor);
        return SQLITE_OK; /* an UPDATE leaves it as it is: write.c is told so */
    }
    cursor->read[column] = true;
    if (cursor->count_only || cursor->places[column] < 0) {
        int code = cursor_add_column(cursor, column);

        if (code != SQLITE_OK) {
            return code;
        }
    }
    if (cursor->table->enlisted && is_null_key(cursor, column)) {
        struct error err = { 0 };

        old_row_refuse_null(cursor->table, column, &err);
        return cursor_report(cursor, &err);
    }
    cell_result(context, &cursor->batch, (size_t)cursor->places[column], cursor->row);
    return SQLITE_OK;
}

static int cursor_key_rowid(const struct cursor *cursor, sqlite3_int64 *rowid) {
    size_t place = (size_t)cursor->places[cursor->table->schema->key_column];

    if (batch_kind(&cursor->batch, place, cursor->row) != VALUE_INTEGER) {
        sqlite3_free(cursor->table->base.zErrMsg);
        cursor->table->base.zErrMsg =
                sqlite3_mprintf("the key of table \"%s\" holds a value that is no integer",
                        cursor->table->name);
        return SQLITE_CORRUPT_VTAB;
    }
    *rowid = batch_cell(&cursor->batch, place, cursor->row)->integer;
    return SQLITE_OK;
}

int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    struct cursor *cursor = (struct cursor *)base;
    const struct schema *schema = cursor->table->schema;
    struct error err = { 0 };
    bool missing = schema->identity == IDENTITY_INTEGER_KEY
                           ? cursor->places[schema->key_column] < 0
                           : !cursor->identity;

    if (cursor->count_only || missing) {
        if (cursor_widen(cursor, -1, true, &err) != STATUS_OK) {
            return cursor_report(cursor, &err);
        }
    }
    if (schema->identity == IDENTITY_INTEGER_KEY) {
        return cursor_key_rowid(cursor, rowid);
    }
    if (schema->identity == IDENTITY_ROW && schema->find_count > 0 && cursor->table->enlisted &&
            row_keys_keep(&cursor->table->row_keys, schema, &cursor->batch, cursor->places,
                    cursor->row, cursor->rowid, &err) != STATUS_OK) {
        return cursor_report(cursor, &err);
    }
    *rowid = schema->identity == IDENTITY_ROW ? cursor->rowid
                                              : cursor->batch.rowids[cursor->row];
    return SQLITE_OK;
}
