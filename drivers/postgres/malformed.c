/* Which row holds a value that cannot be shown: said by its key, else by its number in the
 * scan.
 *
 * In a SQL_ASCII database text may be any bytes, so whoever meets some that are no UTF-8 has to
 * find and mend them. There the primary key travels along with text even where nobody asked for
 * it; elsewhere malformed bytes are the network's fault, and the key is named if it is there.
 */
#include "drivers/postgres/scan.h"

#include <stdio.h>
#include <string.h>

static const struct key *row_key(const struct schema *schema) {
    for (size_t i = 0; i < schema->key_count; i++) {
        if (schema->keys[i].kind == KEY_PRIMARY && schema->keys[i].column_count > 0) {
            return &schema->keys[i];
        }
    }
    return NULL;
}

/* -1: it is not among them. */
static int place_of(int column, const int *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (columns[i] == column) {
            return (int)i;
        }
    }
    return -1;
}

static bool asks_for_text(const struct query *query) {
    for (size_t i = 0; i < query->column_count; i++) {
        const struct pg_column *facts = query->schema->columns[query->columns[i]].driver_data;

        if (facts->decoder == PG_DECODE_TEXT) {
            return true;
        }
    }
    return false;
}

size_t pg_malformed_key(const struct query *query, int *columns, size_t count) {
    const struct key *key = row_key(query->schema);
    size_t added = 0;

    if (key == NULL || !pg_relation(query->schema)->sql_ascii || !asks_for_text(query)) {
        return 0;
    }
    for (size_t i = 0; i < key->column_count && added < count; i++) {
        if (place_of(key->columns[i], query->columns, query->column_count) < 0) {
            columns[added++] = key->columns[i];
        }
    }
    return added;
}

static void append_cell(struct text *name, const struct batch *batch) {
    const union cell *cell = batch_cell(batch, 0, 0);

    switch (batch_kind(batch, 0, 0)) {
    case VALUE_INTEGER:
        text_printf(name, "%lld", (long long)cell->integer);
        break;
    case VALUE_REAL:
        text_append_json_real(name, cell->real);
        break;
    case VALUE_TEXT:
    case VALUE_TEXT_NUL:
        text_append_json(name, batch->heap + cell->start, cell->length);
        break;
    case VALUE_BLOB:
        text_append(name, "x'");
        for (uint32_t i = 0; i < cell->length; i++) {
            text_printf(name, "%02x", (unsigned char)batch->heap[cell->start + i]);
        }
        text_append_char(name, '\'');
        break;
    case VALUE_NULL:
        text_append(name, "NULL");
        break;
    }
}

/* One column of the key as a filter in SQLite would have it; false: it cannot be told either.
 */
static bool append_key_column(struct text *name, const struct pg_scan *scan, int column) {
    int place = place_of(column, scan->columns, scan->column_count + scan->key_extra);
    const struct column *of = &scan->schema->columns[column];
    struct batch batch = { 0 };
    bool known = place >= 0 && batch_reset(&batch, 1, false, NULL) == STATUS_OK;

    if (known) {
        batch_begin_row(&batch);
        known = pg_decode(of->driver_data, scan->fields[place].bytes,
                        scan->fields[place].length, &batch, NULL) == STATUS_OK;
    }
    if (known) {
        text_printf(name, "%s%s = ", name->length > 0 ? ", " : "", of->name);
        append_cell(name, &batch);
    }
    batch_clear(&batch);
    return known;
}

void pg_malformed_row(const struct pg_scan *scan, int64_t number, struct error *err) {
    const struct key *key = row_key(scan->schema);
    bool known = key != NULL;
    size_t used = strlen(err->message);
    struct text name;

    text_init(&name, sizeof(err->message));
    for (size_t i = 0; known && i < key->column_count; i++) {
        known = append_key_column(&name, scan, key->columns[i]);
    }
    if (known && text_status(&name, NULL) == STATUS_OK) {
        snprintf(err->message + used, sizeof(err->message) - used, ", in the row with %s",
                text_get(&name));
    } else {
        snprintf(err->message + used, sizeof(err->message) - used, ", in row %lld of this scan",
                (long long)number);
    }
    text_clear(&name);
}
