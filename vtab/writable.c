/* Which tables can be written, and why the others cannot; see transaction.h. */
#include "vtab/levels.h"

#include "vtab/running.h"

static bool has_primary_key(const struct schema *schema) {
    for (size_t i = 0; i < schema->key_count; i++) {
        if (schema->keys[i].kind == KEY_PRIMARY) {
            return true;
        }
    }
    return false;
}

static const char indistinct[] = "nothing tells its rows apart";

const char *transaction_why_not(const struct server *server, const struct schema *schema) {
    if (options_bool(&server->options, "readonly")) {
        return "its server was named with readonly=1";
    }
    if (!server_can(server, DRIVER_WRITE)) {
        return "its driver cannot write";
    }
    if (!schema->writable) {
        return schema->why_not != NULL ? schema->why_not : "the remote says so";
    }
    if (schema->identity == IDENTITY_ROW && schema->find_count == 0 &&
            !has_primary_key(schema)) {
        return indistinct;
    }
    return NULL;
}

const char *transaction_why_insert_only(const struct schema *schema) {
    return schema->identity == IDENTITY_ROW && schema->find_count == 0
                   ? "rows can only be inserted: they have no rowid, and values of their key "
                     "may "
                     "look alike"
                   : NULL;
}

/* What is written there is written for good: the statement has to be a transaction of its own,
 * which ends with it. */
static bool stands_alone(const struct table *table, struct error *err) {
    sqlite3 *db = table->connection->db;
    bool begun = !sqlite3_get_autocommit(db) && !table->connection->alone;

    if (!begun && running_writers(db) <= 1) {
        return true;
    }
    error_set(err, STATUS_READONLY,
            "table \"%s\" cannot be written %s: server \"%s\" has no transactions, each "
            "statement is written at once and for good",
            table->name,
            begun ? "inside BEGIN or SAVEPOINT" : "while another statement that writes is open",
            table->server->name);
    error_explain(err, NULL, NULL,
            begun ? "COMMIT first, and write in autocommit" : "finish or reset that one first");
    return false;
}

enum status transaction_writable(const struct table *table, struct error *err) {
    const char *why_not;

    if (table->writer != NULL && !server_can(table->server, DRIVER_ONE_REQUEST)) {
        return STATUS_OK; /* it was written in this transaction */
    }
    why_not = transaction_why_not(table->server, table->schema);
    if (why_not != NULL) {
        error_set(err, STATUS_READONLY, "table \"%s\" is read-only: %s", table->name, why_not);
        if (why_not == indistinct) {
            error_explain(err, NULL, NULL,
                    "make it by CREATE VIRTUAL TABLE with key=, columns whose values tell them "
                    "apart");
        }
        return STATUS_READONLY;
    }
    if (server_can(table->server, DRIVER_ONE_REQUEST) && !stands_alone(table, err)) {
        return STATUS_READONLY;
    }
    if (table->born) {
        error_set(err, STATUS_READONLY,
                "table \"%s\" was made in this transaction and cannot be written before it is "
                "committed",
                table->name);
        error_explain(err, NULL, NULL,
                "savepoints that stood before the table would not hold for what is written");
        return STATUS_READONLY;
    }
    return STATUS_OK;
}
