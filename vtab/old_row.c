/* By its old rowid or key; see old_row.h. */
#include "vtab/old_row.h"

#include "vtab/affinity.h"
#include "vtab/transaction.h"

/* What tells such a row apart is known when it is read, and no longer when it is written. */
static enum status refuse_row(
        const struct table *table, enum change_kind kind, struct error *err) {
    error_set(err, STATUS_READONLY, "cannot %s rows of table \"%s\": %s",
            kind == CHANGE_DELETE ? "DELETE" : "UPDATE", table->name,
            transaction_why_insert_only(table->schema));
    error_explain(err, NULL, NULL,
            (table->server->target.driver->capabilities & DRIVER_SQL) != 0
                    ? "write to the tables beneath, or say it with bridge_exec"
                    : "write to the tables beneath, or show all digits of a numeric key "
                      "(numeric=text)");
    return STATUS_READONLY;
}

enum status old_row_refuse_null(const struct table *table, int column, struct error *err) {
    error_set(err, STATUS_UNSUPPORTED,
            "a row of table \"%s\" cannot be found again: its key has a NULL in column \"%s\"",
            table->name, table->schema->columns[column].name);
    error_explain(err, NULL, NULL, "write to the tables beneath, or choose another key=");
    return STATUS_UNSUPPORTED;
}

/* A key that was only said to be one (key=) may hold a NULL, which equals nothing: a DELETE by
 * it would look as if a cascade had taken the row before. */
static enum status check_nulls(
        const struct table *table, const struct value *key, struct error *err) {
    const struct schema *schema = table->schema;

    for (size_t i = 0; i < schema->find_count; i++) {
        if (key[i].kind == VALUE_NULL) {
            return old_row_refuse_null(table, schema->find_columns[i], err);
        }
    }
    return STATUS_OK;
}

enum status old_row_find(const struct table *table, enum change_kind kind, sqlite3_value *old,
        struct value *key, struct row_identity *out, struct error *err) {
    const struct schema *schema = table->schema;

    switch (schema->identity) {
    case IDENTITY_INTEGER_KEY:
    case IDENTITY_ROWID:
        out->rowid = sqlite3_value_int64(old);
        return STATUS_OK;
    case IDENTITY_KEY:
        out->key = key;
        return affinity_value(
                old, affinity_of(schema->columns[schema->key_column].declared), key, err);
    case IDENTITY_ROW:
        break;
    }
    if (schema->find_count == 0) {
        return refuse_row(table, kind, err);
    }
    out->key = row_keys_find(&table->row_keys, sqlite3_value_int64(old));
    return out->key != NULL ? check_nulls(table, out->key, err)
                            : error_set(err, STATUS_STALE,
                                      "a row of table \"%s\" was not read before", table->name);
}
