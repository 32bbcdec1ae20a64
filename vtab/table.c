/* xCreate to xDestroy: options -> server -> schema -> declared columns.
 *
 * A definition is own when xCreate made it in this session and found when xConnect read it from
 * a database file. A file may come from a stranger: a found table may only name a server that
 * this session named itself, and is DIRECTONLY, so that no view or trigger of the file can use
 * it. */
#include "vtab/table.h"

#include "vtab/cursor.h"
#include "vtab/own.h"
#include "vtab/plan.h"
#include "vtab/report.h"
#include "vtab/transaction.h"
#include "vtab/words.h"

#include <string.h>

enum { DECLARATION_BYTES_MAX = 4 * 1024 * 1024, ARGUMENTS_BYTES_MAX = 4 * 1024 * 1024 };

static const struct option_spec *const table_words[] = { table_options, value_options, NULL };

/* ---- words of the definition --------------------------------------------------------------
 */

static const char blanks[] = " \t\r\n";

static void append_trimmed(struct text *text, const char *from, size_t length) {
    while (length > 0 && strchr(blanks, *from) != NULL) {
        from++;
        length--;
    }
    while (length > 0 && strchr(blanks, from[length - 1]) != NULL) {
        length--;
    }
    text_append_bytes(text, from, length);
}

/* 'it''s' -> it's, "a ""b""" -> a "b"; anything else stays as it is. */
static void unquote(struct text *value) {
    char quote = '\0';
    size_t length = 0;

    if (value->length > 1) {
        quote = value->data[0];
    }
    if ((quote != '\'' && quote != '"') || value->data[value->length - 1] != quote) {
        return;
    }
    for (size_t i = 1; i + 1 < value->length; i++) {
        value->data[length++] = value->data[i];
        i += value->data[i] == quote && value->data[i + 1] == quote;
    }
    text_truncate(value, length);
}

/* key=value with SQL quotes around the value or not. */
static enum status table_add_word(struct table *table, const char *word, struct error *err) {
    const char *equals = strchr(word, '=');
    struct text key, value;
    enum status status;

    if (equals == NULL) {
        return options_add(&table->options, word, err); /* says what is wrong with it */
    }
    text_init(&key, ARGUMENTS_BYTES_MAX);
    text_init(&value, ARGUMENTS_BYTES_MAX);
    append_trimmed(&key, word, (size_t)(equals - word));
    append_trimmed(&value, equals + 1, strlen(equals + 1));
    unquote(&value);
    status = text_status(&key, err);
    if (status == STATUS_OK) {
        status = text_status(&value, err);
    }
    if (status == STATUS_OK) {
        status = options_set(&table->options, text_get(&key), text_get(&value), err);
    }
    text_clear(&key);
    text_clear(&value);
    return status;
}

static enum status table_read_words(struct table *table, int argc, const char *const *argv,
        struct text *all, struct error *err) {
    options_init(&table->options, table_words, NULL);
    for (int i = 3; i < argc; i++) {
        enum status status = table_add_word(table, argv[i], err);

        if (status != STATUS_OK) {
            return status;
        }
        text_append(all, argv[i]);
        text_append_char(all, ',');
    }
    return text_status(all, err);
}

/* ---- server -------------------------------------------------------------------------------
 */

/* A secret in the definition's own text would stay in the schema; env:NAME keeps it out. */
static enum status table_refuse_secret(const struct words *words, struct error *err) {
    const struct driver *driver = words->target.driver;
    bool secret = driver->has_secret != NULL && driver->has_secret(words->target.connection);

    for (const struct option_entry *entry = words->server.first; entry != NULL;
            entry = entry->next) {
        secret = secret || (entry->spec->flags & OPTION_SECRET) != 0;
    }
    if (strcmp(words->target.source, "argument") != 0 || !secret) {
        return STATUS_OK;
    }
    error_set(err, STATUS_USAGE,
            "a definition cannot hold a password: it would stay in the schema");
    error_explain(err, NULL, NULL,
            "SELECT bridge_server('NAME', 'URL'), then USING ...(server=NAME, ...)");
    return STATUS_USAGE;
}

/* A url= table has a server of its own, named as the table is. */
static enum status table_new_server(struct table *table, const char *url, struct error *err) {
    struct server *known = server_find(table->connection, table->name);
    struct words words = { 0 };
    enum status status = words_read(url, 0, NULL, false, &words, err);

    if (status == STATUS_OK && words.attach.first != NULL) {
        status = error_set(err, STATUS_USAGE, "option \"%s\" belongs to bridge_attach",
                words.attach.first->name);
    }
    if (status == STATUS_OK) {
        status = table_refuse_secret(&words, err);
    }
    if (status == STATUS_OK && known != NULL && words_define(&words, known)) {
        table->server = known; /* a CREATE that was rolled back left it */
    } else if (status == STATUS_OK && known != NULL) {
        status = error_set(err, STATUS_USAGE,
                "a server \"%s\" exists already: name it with server= instead of url=",
                table->name);
    } else if (status == STATUS_OK) {
        status = server_define(table->connection, table->name, &words.target, &words.server,
                &table->server, err);
    }
    words_clear(&words);
    return status;
}

static enum status table_find_server(struct table *table, const struct own_definition *own,
        bool creating, struct error *err) {
    const char *name = options_text(&table->options, "server");
    const char *url = options_text(&table->options, "url");
    enum status status = STATUS_OK;

    if ((name == NULL) == (url == NULL)) {
        return error_set(
                err, STATUS_USAGE, "a table needs server=NAME or url=URL, one of them");
    }
    if (url != NULL && creating && table->connection->locked) {
        return error_set(err, STATUS_DENIED, "the bridge is locked: no new server");
    }
    if (url != NULL && creating) {
        status = table_new_server(table, url, err);
    } else if (url != NULL && own == NULL) {
        error_set(err, STATUS_DENIED,
                "table \"%s\" of this database file names a URL of its own: only servers that "
                "this session names are connected",
                table->name);
        /* SQLite connects a table even to drop it. */
        error_explain(err, NULL, NULL,
                "to take it out of the file: PRAGMA writable_schema=ON; DELETE FROM "
                "sqlite_schema WHERE name='NAME'; PRAGMA writable_schema=RESET");
        return STATUS_DENIED;
    } else {
        name = url != NULL ? own->server : name;
        table->server = server_find(table->connection, name);
        if (table->server == NULL) {
            status = error_set(err, STATUS_USAGE, "no server is named \"%s\"", name);
            error_explain(err, NULL, NULL, "SELECT bridge_server('NAME', 'URL') names one");
        }
    }
    if (status == STATUS_OK) {
        server_retain(table->server);
        table->options.parent = &table->server->options;
    }
    return status;
}

/* ---- declaration --------------------------------------------------------------------------
 */

static bool column_is_key(const struct schema *schema, size_t column) {
    return (schema->identity == IDENTITY_INTEGER_KEY || schema->identity == IDENTITY_KEY) &&
           schema->key_column == (int)column;
}

static void declare_column(const struct schema *schema, size_t i, struct text *sql) {
    const struct column *column = &schema->columns[i];

    text_append(sql, i > 0 ? ", " : "");
    plan_append_name(sql, column->name);
    if (column_is_key(schema, i) && schema->identity == IDENTITY_INTEGER_KEY) {
        text_append(sql, " INTEGER PRIMARY KEY"); /* that very word makes it the rowid */
        return;
    }
    if (column->declared[0] != '\0') {
        text_append_char(sql, ' ');
        text_append(sql, column->declared);
    }
    text_append(sql, column->not_null ? " NOT NULL" : "");
    text_append(sql, column_is_key(schema, i) ? " PRIMARY KEY" : "");
    if (column->declared_collation != NULL) {
        text_append(sql, " COLLATE ");
        text_append(sql, column->declared_collation);
    }
}

/* declare_keys=1: a key of several columns is shown to reflection; SQLite's integrity_check
 * then speaks of an index that is not there. */
static void declare_key(const struct table *table, struct text *sql) {
    const struct schema *schema = table->schema;

    if (!options_bool(&table->options, "declare_keys") || schema->key_column >= 0) {
        return;
    }
    for (size_t i = 0; i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];

        if (key->kind == KEY_PRIMARY && key->column_count > 0) {
            text_append(sql, ", PRIMARY KEY (");
            for (size_t k = 0; k < key->column_count; k++) {
                text_append(sql, k > 0 ? ", " : "");
                plan_append_name(sql, schema->columns[key->columns[k]].name);
            }
            text_append_char(sql, ')');
        }
    }
}

static enum status table_declare(struct table *table, sqlite3 *db, struct error *err) {
    const struct schema *schema = table->schema;
    struct text sql;
    enum status status;

    if (schema->column_count == 0) {
        return error_set(err, STATUS_UNSUPPORTED,
                "table \"%s\" has no columns: SQLite cannot show it", table->name);
    }
    text_init(&sql, DECLARATION_BYTES_MAX);
    text_append(&sql, "CREATE TABLE x(");
    for (size_t i = 0; i < schema->column_count; i++) {
        declare_column(schema, i, &sql);
    }
    declare_key(table, &sql);
    text_append(&sql, schema->identity == IDENTITY_KEY ? ") WITHOUT ROWID" : ")");
    status = text_status(&sql, err);
    if (status == STATUS_OK && sqlite3_declare_vtab(db, text_get(&sql)) != SQLITE_OK) {
        const char *why = sqlite3_errmsg(db);

        /* SQLite's parser stops as well, and gives another code for it. */
        status = strcmp(why, sqlite3_errstr(SQLITE_INTERRUPT)) == 0
                         ? error_set(err, STATUS_CANCELLED, "interrupted")
                         : error_set(err, STATUS_UNSUPPORTED,
                                   "could not declare table \"%s\": %s", table->name, why);
    }
    text_clear(&sql);
    return status;
}

/* ---- life ---------------------------------------------------------------------------------
 */

static void table_free(struct table *table) {
    if (table != NULL) {
        cursor_destroy(table->spare);
        digest_map_clear(&table->rowids);
        row_keys_clear(&table->row_keys);
        arena_clear(&table->change_arena);
        arena_clear(&table->list_arena);
        schema_release(table->schema);
        if (table->server != NULL) {
            server_release(table->server);
        }
        connection_release(table->connection);
        options_clear(&table->options);
        memory_free(table->place);
        memory_free(table->name);
        memory_free(table);
    }
}

static enum status table_shape(struct table *table, sqlite3 *db, struct error *err) {
    enum status status =
            server_describe(table->server, &table->options, false, &table->schema, err);

    if (status == STATUS_OK) {
        table->driver = table->server->target.driver;
        status = connection_is_utf16(table->connection, &table->utf16, err);
    }
    if (status == STATUS_OK) {
        status = table_declare(table, db, err);
    }
    return status;
}

/* A word for a column that is not there would have no effect, and look as if it had. Only of a
 * new table: one that is found may have lost the column since. */
static enum status table_check_columns(const struct table *table, struct error *err) {
    for (const struct option_entry *entry = table->options.first; entry != NULL;
            entry = entry->next) {
        if (entry->suffix != NULL && (entry->spec->flags & OPTION_PER_COLUMN) != 0 &&
                schema_find_column(table->schema, entry->suffix) < 0) {
            return error_set(err, STATUS_USAGE,
                    "option \"%s\": table \"%s\" has no column \"%s\"", entry->name,
                    table->name, entry->suffix);
        }
    }
    return STATUS_OK;
}

static enum status table_open(struct table *table, sqlite3 *db, int argc,
        const char *const *argv, bool creating, struct error *err) {
    const struct own_definition *own = NULL;
    struct text arguments;
    enum status status;

    text_init(&arguments, ARGUMENTS_BYTES_MAX);
    table->place = memory_copy_text(argv[1]);
    table->name = memory_copy_text(argv[2]);
    if (table->place == NULL || table->name == NULL) {
        return error_nomem(err);
    }
    status = table_read_words(table, argc, argv, &arguments, err);
    if (status == STATUS_OK) {
        own = own_find(table->connection, table->place, table->name);
        if (own != NULL && strcmp(own->arguments, text_get(&arguments)) != 0) {
            own = NULL;
        }
        status = table_find_server(table, own, creating, err);
    }
    if (status == STATUS_OK) {
        status = table_shape(table, db, err);
    }
    if (status == STATUS_OK && creating) {
        status = table_check_columns(table, err);
    }
    if (status == STATUS_OK && creating) {
        status = own_remember(table, table->name, text_get(&arguments), err);
    }
    if (status == STATUS_OK) {
        sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
        if (!creating && own == NULL) {
            /* The file may be a stranger's: its views and triggers must not reach a server. */
            sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
        }
    }
    text_clear(&arguments);
    return status;
}

static int table_start(sqlite3 *db, void *connection, int argc, const char *const *argv,
        bool creating, sqlite3_vtab **out, char **message) {
    struct table *table = memory_alloc(sizeof(*table));
    struct error err = { 0 };

    if (table == NULL) {
        return SQLITE_NOMEM;
    }
    table->connection = connection_retain(connection);
    if (table_open(table, db, argc, argv, creating, &err) != STATUS_OK) {
        table_free(table);
        return report_vtab(message, &err);
    }
    if (creating) {
        transaction_created(table);
    }
    table->next = table->connection->tables;
    table->connection->tables = table;
    *out = &table->base;
    return SQLITE_OK;
}

struct table *table_find(
        const struct connection *connection, const char *place, const char *name) {
    struct table *table = connection->tables;

    while (table != NULL && (sqlite3_stricmp(table->place, place) != 0 ||
                                    sqlite3_stricmp(table->name, name) != 0)) {
        table = table->next;
    }
    return table;
}

int table_create(sqlite3 *db, void *connection, int argc, const char *const *argv,
        sqlite3_vtab **out, char **message) {
    return table_start(db, connection, argc, argv, true, out, message);
}

int table_connect(sqlite3 *db, void *connection, int argc, const char *const *argv,
        sqlite3_vtab **out, char **message) {
    return table_start(db, connection, argc, argv, false, out, message);
}

int table_disconnect(sqlite3_vtab *base) {
    struct table *table = (struct table *)base;
    struct table **at = &table->connection->tables;

    while (*at != table) {
        at = &(*at)->next;
    }
    *at = table->next;
    table_free(table);
    return SQLITE_OK;
}

/* DROP TABLE ends the local definition, and the server that a url= table had for itself; the
 * remote table is not touched. */
int table_destroy(sqlite3_vtab *base) {
    struct table *table = (struct table *)base;
    struct error err = { 0 };

    if (transaction_leave(table, &err) != STATUS_OK) {
        server_failed(table->server, &err); /* SQLite passes no text on from here */
        error_clear(&err);
        return SQLITE_LOCKED;
    }
    own_forget(table->connection, table->place, table->name);
    if (options_text(&table->options, "url") != NULL) {
        server_remove(table->server);
    }
    return table_disconnect(base);
}

/* ALTER TABLE RENAME is a matter of this side alone; the new name is as much our own. */
int table_rename(sqlite3_vtab *base, const char *new_name) {
    struct table *table = (struct table *)base;
    const struct own_definition *own = own_find(table->connection, table->place, table->name);
    struct error err = { 0 };
    char *name = memory_copy_text(new_name);

    if (name == NULL) {
        return SQLITE_NOMEM;
    }
    if (own != NULL && own_remember(table, new_name, own->arguments, &err) != STATUS_OK) {
        memory_free(name);
        return report_vtab(&base->zErrMsg, &err);
    }
    memory_free(table->name);
    table->name = name;
    return SQLITE_OK;
}
