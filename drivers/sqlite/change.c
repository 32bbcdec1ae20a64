/* A neutral change -> SQLite's SQL. Pure; write.c binds the values and runs it. Conflicts are
 * SQLite's own: OR IGNORE and OR REPLACE do on the remote what they do on a local table. */
#include "drivers/sqlite/internal.h"

static const char *const conflict_words[] = {
    [ON_CONFLICT_ABORT] = "",
    [ON_CONFLICT_IGNORE] = "OR IGNORE ",
    [ON_CONFLICT_REPLACE] = "OR REPLACE ",
};

void sq_append_table(struct text *sql, const struct schema *schema) {
    text_append(sql, "main.");
    sq_append_identifier(sql, schema->remote_name);
}

static bool is_set(const struct change *change, size_t column) {
    return change->states[column] == CELL_SET;
}

static void append_insert(
        struct text *sql, const struct schema *schema, const struct change *change) {
    size_t count = 0;

    text_printf(sql, "INSERT %sINTO ", conflict_words[change->on_conflict]);
    sq_append_table(sql, schema);
    for (size_t i = 0; i < schema->column_count; i++) {
        if (is_set(change, i)) {
            text_append(sql, count++ == 0 ? "(" : ", ");
            sq_append_identifier(sql, schema->columns[i].remote_name);
        }
    }
    if (count == 0) {
        text_append(sql, " DEFAULT VALUES");
        return;
    }
    text_append(sql, ") VALUES(");
    for (size_t i = 0; i < count; i++) {
        text_printf(sql, "%s?%zu", i == 0 ? "" : ", ", i + 1);
    }
    text_append_char(sql, ')');
}

/* Compared as the key's own index does: it holds one such row at most, and no NULL. */
static void append_where(struct text *sql, const struct schema *schema, size_t parameter) {
    size_t count = schema->identity == IDENTITY_ROW ? schema->find_count : 1;

    text_append(sql, " WHERE ");
    if (schema->identity == IDENTITY_ROWID) {
        text_printf(sql, "%s = ?%zu", sq_relation(schema)->rowid_name, parameter);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int column =
                schema->identity == IDENTITY_ROW ? schema->find_columns[i] : schema->key_column;

        text_append(sql, i == 0 ? "" : " AND ");
        sq_append_identifier(sql, schema->columns[column].remote_name);
        text_printf(sql, " = ?%zu", parameter + i);
    }
}

static size_t append_update(
        struct text *sql, const struct schema *schema, const struct change *change) {
    size_t count = 0;

    text_printf(sql, "UPDATE %s", conflict_words[change->on_conflict]);
    sq_append_table(sql, schema);
    for (size_t i = 0; i < schema->column_count; i++) {
        if (is_set(change, i)) {
            text_append(sql, count++ == 0 ? " SET " : ", ");
            sq_append_identifier(sql, schema->columns[i].remote_name);
            text_printf(sql, " = ?%zu", count);
        }
    }
    return count;
}

enum status sq_change_sql(const struct schema *schema, const struct change *change,
        struct text *sql, struct error *err) {
    switch (change->kind) {
    case CHANGE_INSERT:
        append_insert(sql, schema, change);
        break;
    case CHANGE_UPDATE:
        append_where(sql, schema, append_update(sql, schema, change) + 1);
        break;
    case CHANGE_DELETE:
        text_append(sql, "DELETE FROM ");
        sq_append_table(sql, schema);
        append_where(sql, schema, 1);
        break;
    }
    return text_status(sql, err);
}

enum status sq_find_sql(const struct schema *schema, struct text *sql, struct error *err) {
    text_append(sql, "SELECT 1 FROM ");
    sq_append_table(sql, schema);
    append_where(sql, schema, 1);
    return text_status(sql, err);
}
