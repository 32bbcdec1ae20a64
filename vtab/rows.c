/* The module behind rows.h: arguments in, rows of values out.
 *
 * Every such table is DIRECTONLY. They show server names, statements and parameters, run SQL or
 * connect, so a view or trigger that came in a stranger's database file must not reach them. */
#include "vtab/rows.h"

#include "vtab/cell.h"
#include "vtab/connection.h"
#include "vtab/report.h"

#include <string.h>

/* What a module record cannot say: which source, on which connection. */
struct rows_module {
    const struct rows_source *source;
    struct connection *connection;
};

struct rows_table {
    sqlite3_vtab base; /* must be first */
    const struct rows_source *source;
    struct connection *connection; /* the module's: it lives as long as its tables */
};

struct rows_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    struct rows rows;
    struct rows_arguments arguments; /* values are duplicates */
    void *state;
    size_t row;    /* in rows */
    int64_t rowid; /* over all batches, from 1 */
};

/* ---- filling ------------------------------------------------------------------------------
 */

static struct value *rows_next_cell(struct rows *rows) {
    if (rows->cell_count == rows->cell_capacity) {
        size_t capacity = rows->cell_capacity > 0 ? rows->cell_capacity * 2 : 64;
        struct value *cells = memory_resize_array(rows->cells, capacity, sizeof(*cells));

        if (cells == NULL) {
            rows->out_of_memory = true;
            return NULL;
        }
        rows->cells = cells;
        rows->cell_capacity = capacity;
    }
    return &rows->cells[rows->cell_count++];
}

static void rows_put(struct rows *rows, struct value value) {
    struct value *cell = rows_next_cell(rows);

    if (cell != NULL) {
        *cell = value;
    }
}

void rows_put_null(struct rows *rows) {
    rows_put(rows, (struct value){ .kind = VALUE_NULL });
}

void rows_put_integer(struct rows *rows, int64_t integer) {
    rows_put(rows, (struct value){ .kind = VALUE_INTEGER, .integer = integer });
}

void rows_put_real(struct rows *rows, double real) {
    rows_put(rows, (struct value){ .kind = VALUE_REAL, .real = real });
}

void rows_put_bytes(struct rows *rows, const char *bytes, size_t length) {
    struct value value = { .kind = VALUE_TEXT, .length = length };

    value.bytes = arena_copy(&rows->arena, bytes, length);
    rows->out_of_memory |= value.bytes == NULL;
    rows_put(rows, value);
}

void rows_put_text(struct rows *rows, const char *text) {
    if (text != NULL) {
        rows_put_bytes(rows, text, strlen(text));
    } else {
        rows_put_null(rows);
    }
}

enum status rows_fail_host(struct rows *rows, sqlite3 *db, int code) {
    sqlite3_free(rows->host_message);
    rows->host_message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    /* A statement that SQLite prepared plainly gives the short code only. */
    rows->host_code = (sqlite3_extended_errcode(db) & 0xff) == (code & 0xff)
                              ? sqlite3_extended_errcode(db)
                              : code;
    return STATUS_REMOTE;
}

void rows_reset(struct rows *rows) {
    arena_reset(&rows->arena);
    rows->cell_count = 0;
    rows->out_of_memory = false;
    rows->host_code = SQLITE_OK;
}

static void rows_clear(struct rows *rows) {
    arena_clear(&rows->arena);
    memory_free(rows->cells);
    sqlite3_free(rows->host_message);
    memset(rows, 0, sizeof(*rows));
}

/* ---- tables -------------------------------------------------------------------------------
 */

static void rows_module_free(void *pointer) {
    struct rows_module *module = pointer;

    connection_release(module->connection);
    memory_free(module);
}

static int rows_connect(sqlite3 *db, void *pointer, int argc, const char *const *argv,
        sqlite3_vtab **out, char **message) {
    const struct rows_module *module = pointer;
    const struct rows_source *source = module->source;
    struct rows_table *table = NULL;
    char *sql;
    int code;

    (void)argc;
    (void)argv;
    sql = sqlite3_mprintf(
            source->hidden != NULL ? "CREATE TABLE x(%s, %s)" : "CREATE TABLE x(%s)",
            source->columns, source->hidden);
    if (sql == NULL) {
        return SQLITE_NOMEM;
    }
    code = sqlite3_declare_vtab(db, sql);
    sqlite3_free(sql);
    if (code != SQLITE_OK) {
        *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
        return code;
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    table = memory_alloc(sizeof(*table));
    if (table == NULL) {
        return SQLITE_NOMEM;
    }
    table->source = source;
    table->connection = module->connection;
    *out = &table->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *base) {
    memory_free(base);
    return SQLITE_OK;
}

/* May rows_arguments.only serve this constraint? Text is compared without case there, which is
 * enough for these two collations and no other. */
static bool rows_is_only(const struct rows_source *source, sqlite3_index_info *info, int i) {
    const char *collation;

    if (source->only_column < 0 || info->aConstraint[i].iColumn != source->only_column) {
        return false;
    }
    collation = sqlite3_vtab_collation(info, i);
    return collation != NULL && (sqlite3_stricmp(collation, "BINARY") == 0 ||
                                        sqlite3_stricmp(collation, "NOCASE") == 0);
}

/* idxNum: bit n for argument n, bit argument_count for rows_arguments.only; the values follow
 * in this order. */
static int rows_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const struct rows_source *source = ((struct rows_table *)base)->source;
    int at[ROWS_ARGUMENTS_MAX + 1];
    int argument = 0;

    memset(at, -1, sizeof(at));
    for (int i = 0; i < info->nConstraint; i++) {
        int slot = info->aConstraint[i].iColumn - source->column_count;

        if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) {
            continue;
        }
        if (slot < 0 || slot >= source->argument_count) {
            slot = rows_is_only(source, info, i) && info->aConstraint[i].usable
                           ? source->argument_count
                           : -1;
        } else if (!info->aConstraint[i].usable) {
            return SQLITE_CONSTRAINT; /* an argument must be known before the rows are */
        }
        if (slot >= 0 && at[slot] < 0) {
            at[slot] = i;
        }
    }
    for (int slot = 0; slot <= source->argument_count; slot++) {
        if (at[slot] >= 0) {
            info->idxNum |= 1 << slot;
            info->aConstraintUsage[at[slot]].argvIndex = ++argument;
            info->aConstraintUsage[at[slot]].omit = slot < source->argument_count;
        }
    }
    info->estimatedCost = 1000;
    info->estimatedRows = 100;
    return SQLITE_OK;
}

/* ---- cursors ------------------------------------------------------------------------------
 */

static int rows_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    const struct rows_source *source = ((struct rows_table *)base)->source;
    struct rows_cursor *cursor = memory_alloc(sizeof(*cursor));

    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    cursor->rows.column_count = (size_t)source->column_count;
    *out = &cursor->base;
    return SQLITE_OK;
}

static void rows_stop(struct rows_cursor *cursor) {
    const struct rows_source *source = ((struct rows_table *)cursor->base.pVtab)->source;

    if (cursor->state != NULL) {
        source->end(cursor->state);
        cursor->state = NULL;
    }
    for (int i = 0; i < ROWS_ARGUMENTS_MAX; i++) {
        sqlite3_value_free(cursor->arguments.values[i]);
    }
    memset(&cursor->arguments, 0, sizeof(cursor->arguments));
    rows_reset(&cursor->rows);
    cursor->row = 0;
    cursor->rowid = 1;
}

static int rows_close(sqlite3_vtab_cursor *base) {
    struct rows_cursor *cursor = (struct rows_cursor *)base;

    rows_stop(cursor);
    rows_clear(&cursor->rows);
    memory_free(cursor);
    return SQLITE_OK;
}

/* Duplicates: reading a value as text changes it in place, and xColumn shows it later. */
static enum status rows_take_arguments(
        struct rows_cursor *cursor, int mask, sqlite3_value **argv) {
    const struct rows_source *source = ((struct rows_table *)cursor->base.pVtab)->source;
    struct rows_arguments *arguments = &cursor->arguments;

    for (int slot = 0; slot < source->argument_count; slot++) {
        if ((mask >> slot & 1) != 0) {
            arguments->values[slot] = sqlite3_value_dup(*argv++);
            if (arguments->values[slot] == NULL) {
                return STATUS_NOMEM;
            }
            arguments->count = slot + 1;
        }
    }
    if ((mask >> source->argument_count & 1) != 0 && sqlite3_value_type(*argv) == SQLITE_TEXT) {
        const char *text = (const char *)sqlite3_value_text(*argv);

        arguments->only = text != NULL ? arena_copy_text(&cursor->rows.arena, text) : NULL;
        return arguments->only != NULL ? STATUS_OK : STATUS_NOMEM;
    }
    return STATUS_OK;
}

static bool rows_has_needed(
        const struct rows_source *source, const struct rows_arguments *arguments) {
    for (int i = 0; i < source->arguments_needed; i++) {
        if (arguments->values[i] == NULL ||
                sqlite3_value_type(arguments->values[i]) == SQLITE_NULL) {
            return false;
        }
    }
    return true;
}

/* What a filling call came to, as SQLite's code. */
static int rows_finish(struct rows_cursor *cursor, enum status status, struct error *err) {
    char **message = &cursor->base.pVtab->zErrMsg;

    cursor->row = 0;
    if (status == STATUS_OK && !cursor->rows.out_of_memory) {
        return SQLITE_OK;
    }
    if (cursor->rows.host_code != SQLITE_OK) {
        sqlite3_free(*message);
        *message = cursor->rows.host_message;
        cursor->rows.host_message = NULL;
        error_clear(err);
        return cursor->rows.host_code;
    }
    if (err->status == STATUS_OK) {
        error_nomem(err);
    }
    return report_vtab(message, err);
}

static int rows_filter(
        sqlite3_vtab_cursor *base, int mask, const char *text, int argc, sqlite3_value **argv) {
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    struct rows_table *table = (struct rows_table *)base->pVtab;
    struct error err = { 0 };
    enum status status;

    (void)text;
    (void)argc;
    rows_stop(cursor);
    status = rows_take_arguments(cursor, mask, argv);
    if (status == STATUS_OK && !rows_has_needed(table->source, &cursor->arguments)) {
        status = error_set(&err, STATUS_USAGE, "%s", table->source->usage);
    }
    if (status == STATUS_OK) {
        status = table->source->start(
                table->connection, &cursor->arguments, &cursor->rows, &cursor->state, &err);
    }
    return rows_finish(cursor, status, &err);
}

static int rows_next(sqlite3_vtab_cursor *base) {
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    const struct rows_source *source = ((struct rows_table *)base->pVtab)->source;
    struct rows *rows = &cursor->rows;
    struct error err = { 0 };

    cursor->rowid++;
    cursor->row++;
    if (cursor->row * rows->column_count < rows->cell_count || source->more == NULL) {
        return SQLITE_OK;
    }
    rows_reset(rows);
    return rows_finish(cursor, source->more(cursor->state, rows, &err), &err);
}

static int rows_eof(sqlite3_vtab_cursor *base) {
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;

    return cursor->row * cursor->rows.column_count >= cursor->rows.cell_count;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;
    size_t count = cursor->rows.column_count;

    if (column < (int)count) {
        cell_result_value(context, &cursor->rows.cells[cursor->row * count + (size_t)column]);
    } else if (cursor->arguments.values[column - (int)count] != NULL) {
        sqlite3_result_value(context, cursor->arguments.values[column - (int)count]);
    }
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    *rowid = ((const struct rows_cursor *)base)->rowid;
    return SQLITE_OK;
}

/* Without xCreate they exist by their name alone, and CREATE VIRTUAL TABLE cannot use them. */
static const sqlite3_module rows_methods = {
    .iVersion = 1,
    .xConnect = rows_connect,
    .xBestIndex = rows_best_index,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

int rows_register(struct connection *connection, const struct rows_source *source) {
    struct rows_module *module = memory_alloc(sizeof(*module));

    if (module == NULL) {
        return SQLITE_NOMEM;
    }
    module->source = source;
    module->connection = connection_retain(connection);
    /* On failure SQLite has called rows_module_free() already. */
    return sqlite3_create_module_v2(
            connection->db, source->name, &rows_methods, module, rows_module_free);
}
