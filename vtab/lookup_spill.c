/* Kept rows in a temporary database; see lookup_spill.h. SQLite's page cache bounds the memory,
 * and its own comparisons find the rows: columns have no type, so nothing is converted. */
#include "vtab/lookup_spill.h"

#include "base/memory.h"
#include "base/text.h"
#include "drivers/query.h"
#include "vtab/cell.h"

enum { KIB = 1024, CACHE_KIB_MIN = 256 };

static const char *const collation_names[] = {
    [COLLATION_BINARY] = "BINARY",
    [COLLATION_NOCASE] = "NOCASE",
    [COLLATION_RTRIM] = "RTRIM",
    [COLLATION_OTHER] = "BINARY", /* never a key: such conditions stay local */
};

static enum status spill_failed(struct spill *spill, int code, struct error *err) {
    return code == SQLITE_NOMEM
                   ? error_nomem(err)
                   : error_set(err, STATUS_REMOTE, "could not keep rows for a join: %s",
                             sqlite3_errmsg(spill->db));
}

static enum status spill_run(struct spill *spill, const struct text *sql, struct error *err) {
    enum status status = text_status(sql, err);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    code = sqlite3_exec(spill->db, text_get(sql), NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : spill_failed(spill, code, err);
}

static enum status spill_prepare(
        struct spill *spill, const struct text *sql, sqlite3_stmt **out, struct error *err) {
    enum status status = text_status(sql, err);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    code = sqlite3_prepare_v2(spill->db, text_get(sql), -1, out, NULL);
    return code == SQLITE_OK ? STATUS_OK : spill_failed(spill, code, err);
}

/* i is the rowid, as it came from the remote; n the number of the row. */
static enum status spill_tables(struct spill *spill, size_t memory_bytes, struct error *err) {
    size_t kib = memory_bytes / KIB;
    struct text sql;
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    text_printf(&sql,
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; "
            "PRAGMA cache_size=-%zu; CREATE TABLE r(n INTEGER PRIMARY KEY, i",
            kib > CACHE_KIB_MIN ? kib : (size_t)CACHE_KIB_MIN);
    for (size_t i = 0; i < spill->column_count; i++) {
        text_printf(&sql, ", c%zu", i);
    }
    text_append(&sql, "); BEGIN");
    status = spill_run(spill, &sql, err);
    text_truncate(&sql, 0);
    text_append(&sql, "INSERT INTO r VALUES(NULL, ?");
    for (size_t i = 0; i < spill->column_count; i++) {
        text_append(&sql, ", ?");
    }
    text_append(&sql, ")");
    if (status == STATUS_OK) {
        status = spill_prepare(spill, &sql, &spill->insert, err);
    }
    text_clear(&sql);
    return status;
}

enum status spill_create(struct spill **out, size_t column_count, bool has_rowids,
        size_t memory_bytes, struct error *err) {
    struct spill *spill = memory_alloc(sizeof(*spill));
    enum status status;

    if (spill == NULL) {
        return error_nomem(err);
    }
    spill->column_count = column_count;
    spill->has_rowids = has_rowids;
    if (sqlite3_open_v2("", &spill->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
            SQLITE_OK) {
        status = spill_failed(spill, sqlite3_errcode(spill->db), err);
    } else {
        sqlite3_limit(spill->db, SQLITE_LIMIT_COLUMN, 32767);
        status = spill_tables(spill, memory_bytes, err);
    }
    if (status != STATUS_OK) {
        spill_destroy(spill);
        return status;
    }
    *out = spill;
    return STATUS_OK;
}

void spill_destroy(struct spill *spill) {
    if (spill != NULL) {
        sqlite3_finalize(spill->insert);
        sqlite3_finalize(spill->idle);
        sqlite3_close(spill->db);
        memory_free(spill);
    }
}

static int bind_value(sqlite3_stmt *statement, int at, const struct value *value) {
    switch (value->kind) {
    case VALUE_INTEGER:
        return sqlite3_bind_int64(statement, at, value->integer);
    case VALUE_REAL:
        return sqlite3_bind_double(statement, at, value->real);
    case VALUE_BLOB:
        return value->length == 0 ? sqlite3_bind_zeroblob(statement, at, 0)
                                  : sqlite3_bind_blob64(statement, at, value->bytes,
                                            value->length, SQLITE_TRANSIENT);
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        return sqlite3_bind_text64(
                statement, at, value->bytes, value->length, SQLITE_TRANSIENT, SQLITE_UTF8);
    case VALUE_NULL:
        break;
    }
    return sqlite3_bind_null(statement, at);
}

static void batch_value(
        const struct batch *batch, size_t column, int64_t row, struct value *out) {
    const union cell *cell = batch_cell(batch, column, row);

    out->kind = batch_kind(batch, column, row);
    if (out->kind == VALUE_INTEGER) {
        out->integer = cell->integer;
    } else if (out->kind == VALUE_REAL) {
        out->real = cell->real;
    } else if (out->kind != VALUE_NULL) {
        out->bytes = batch->heap + cell->start;
        out->length = cell->length;
    }
}

enum status spill_add(struct spill *spill, const struct batch *batch, struct error *err) {
    for (int64_t row = 0; row < batch->rows; row++) {
        int code = sqlite3_bind_int64(
                spill->insert, 1, spill->has_rowids ? batch->rowids[row] : 0);

        for (size_t column = 0; column < spill->column_count && code == SQLITE_OK; column++) {
            struct value value;

            batch_value(batch, column, row, &value);
            code = bind_value(spill->insert, (int)column + 2, &value);
        }
        if (code == SQLITE_OK) {
            sqlite3_step(spill->insert);
            code = sqlite3_reset(spill->insert);
        }
        if (code != SQLITE_OK) {
            return spill_failed(spill, code, err);
        }
    }
    return STATUS_OK;
}

enum status spill_index(
        struct spill *spill, const struct lookup_keys *keys, struct error *err) {
    struct text sql;
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    text_append(&sql, "CREATE INDEX k ON r(");
    for (size_t i = 0; i < keys->count; i++) {
        text_printf(&sql, "%sc%zu COLLATE %s", i > 0 ? ", " : "", keys->keys[i].place,
                collation_names[keys->keys[i].collation]);
    }
    text_append(&sql, "); COMMIT");
    status = spill_run(spill, &sql, err);
    text_clear(&sql);
    return status;
}

enum status spill_find(struct spill *spill, const struct lookup_keys *keys,
        const struct value *values, sqlite3_stmt **reader, struct error *err) {
    int code = SQLITE_OK;
    struct text sql;
    enum status status = STATUS_OK;

    if (*reader == NULL) {
        *reader = spill->idle;
        spill->idle = NULL;
    }
    if (*reader == NULL) {
        text_init(&sql, TEXT_SQL_BYTES_MAX);
        text_append(&sql, "SELECT i");
        for (size_t i = 0; i < spill->column_count; i++) {
            text_printf(&sql, ", c%zu", i);
        }
        text_append(&sql, " FROM r WHERE ");
        for (size_t i = 0; i < keys->count; i++) {
            text_printf(&sql, "%sc%zu COLLATE %s IS ?", i > 0 ? " AND " : "",
                    keys->keys[i].place, collation_names[keys->keys[i].collation]);
        }
        text_append(&sql, " ORDER BY n");
        status = spill_prepare(spill, &sql, reader, err);
        text_clear(&sql);
    }
    if (status == STATUS_OK) {
        sqlite3_reset(*reader);
    }
    for (size_t i = 0; i < keys->count && status == STATUS_OK && code == SQLITE_OK; i++) {
        code = bind_value(*reader, (int)i + 1, &values[i]);
    }
    return code == SQLITE_OK ? status : spill_failed(spill, code, err);
}

/* The next cursor need not prepare another: correlated subqueries have one for each row. */
void spill_leave(struct spill *spill, sqlite3_stmt *reader) {
    sqlite3_reset(reader);
    if (reader != NULL && spill->idle == NULL) {
        spill->idle = reader;
    } else {
        sqlite3_finalize(reader);
    }
}

static enum status put_column(
        sqlite3_stmt *reader, int column, struct batch *batch, struct error *err) {
    struct value value;
    enum status status = cell_value(sqlite3_column_value(reader, column), NULL, &value, err);

    if (status != STATUS_OK) {
        return status;
    }
    switch (value.kind) {
    case VALUE_INTEGER:
        batch_put_integer(batch, value.integer);
        return STATUS_OK;
    case VALUE_REAL:
        batch_put_real(batch, value.real);
        return STATUS_OK;
    case VALUE_NULL:
        batch_put_null(batch);
        return STATUS_OK;
    default:
        return batch_put_bytes(batch, value.kind, value.bytes, value.length, err);
    }
}

enum status spill_read(struct spill *spill, sqlite3_stmt *reader, struct batch *batch,
        bool *ended, struct error *err) {
    enum status status = STATUS_OK;
    int code = SQLITE_ROW;

    while (status == STATUS_OK && code == SQLITE_ROW && !batch_full(batch)) {
        code = sqlite3_step(reader);
        if (code == SQLITE_ROW) {
            batch_begin_row(batch);
            for (size_t i = 0; i < spill->column_count && status == STATUS_OK; i++) {
                status = put_column(reader, (int)i + 1, batch, err);
            }
            if (status == STATUS_OK) {
                batch_end_row(batch, sqlite3_column_int64(reader, 0));
            }
        } else if (code != SQLITE_DONE) {
            status = spill_failed(spill, code, err);
        }
    }
    *ended = code == SQLITE_DONE; /* another step would begin anew */
    return status;
}
