/* The tables that say what this connection knows: bridge_servers, bridge_tables,
 * bridge_columns, bridge_keys, bridge_log.
 *
 * They ask no server, with one exception: a server that was named but whose catalog nobody read
 * is asked for it once, when its tables, columns or keys are wanted. One that does not answer
 * is left out, and bridge_servers.last_error says why. */
#include "base/text.h"
#include "vtab/connection.h"
#include "vtab/module.h"
#include "vtab/place.h"
#include "vtab/rows.h"
#include "vtab/transaction.h"

#include <string.h>

/* ---- servers ------------------------------------------------------------------------------
 */

static const char *const state_names[] = {
    [SERVER_NEW] = "new",
    [SERVER_IDLE] = "idle",
    [SERVER_BUSY] = "busy",
    [SERVER_TRANSACTION] = "transaction",
    [SERVER_BROKEN] = "broken",
};

static bool is_wanted(const struct rows_arguments *arguments, const struct server *server) {
    return arguments->only == NULL || sqlite3_stricmp(arguments->only, server->name) == 0;
}

static void put_counts(struct rows *rows, const struct server *server) {
    struct session_counts counts = server_counts(server);

    rows_put_integer(rows, counts.statements);
    rows_put_integer(rows, counts.round_trips);
    rows_put_integer(rows, counts.rows);
    rows_put_integer(rows, counts.bytes_in);
    rows_put_integer(rows, counts.bytes_out);
    rows_put_integer(rows, server->reconnects);
}

/* A place's objects as they stand now: what was attached may have been dropped or rolled back.
 */
static enum status read_place(
        const struct server *server, struct local_objects *objects, struct error *err) {
    sqlite3 *db = server->connection->db;
    struct places places = { 0 };
    enum status status = STATUS_OK;

    if (server->place != NULL) {
        status = places_read(db, &places, err);
        if (status == STATUS_OK && places_find(&places, server->place) >= 0) {
            status = local_objects_read(db, server->place, objects, err);
        }
        places_clear(&places);
    }
    return status;
}

static bool is_attached(const struct local_objects *objects, const struct known_table *known) {
    const struct local_object *object =
            known->name != NULL ? local_objects_find(objects, known->name) : NULL;

    return object != NULL && local_object_is_ours(object);
}

static void put_server(
        struct rows *rows, const struct server *server, const struct local_objects *objects) {
    const struct session *session = server->session;
    int64_t attached = 0;

    for (const struct known_table *known = server->tables; known != NULL; known = known->next) {
        attached += is_attached(objects, known);
    }
    rows_put_text(rows, server->name);
    rows_put_text(rows, server->target.driver->name);
    rows_put_text(rows, server->target.display);
    rows_put_text(rows, server->target.source);
    rows_put_text(rows, server->place);
    rows_put_integer(rows, attached);
    rows_put_text(rows, state_names[server_state(server)]);
    rows_put_text(rows, session != NULL ? session->server_version : NULL);
    if (session != NULL || options_given(&server->options, "latency_ms")) {
        rows_put_real(rows, server_latency_ms(server));
    } else {
        rows_put_null(rows);
    }
    put_counts(rows, server);
    rows_put_text(rows, server->last_error);
}

static enum status servers_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **state,
        struct error *err) {
    enum status status = STATUS_OK;

    (void)state;
    for (const struct server *server = connection->servers;
            server != NULL && status == STATUS_OK; server = server->next) {
        struct local_objects objects = { 0 };

        if (is_wanted(arguments, server)) {
            status = read_place(server, &objects, err);
            if (status == STATUS_OK) {
                put_server(rows, server, &objects);
            }
            local_objects_clear(&objects);
        }
    }
    return status;
}

/* ---- relations ----------------------------------------------------------------------------
 */

/* False: the server does not answer, and that is noted. Failures of this side are returned. */
static enum status ensure_catalog(struct server *server, bool *known, struct error *err) {
    struct error failure = { 0 };
    int changed;
    enum status status = STATUS_OK;

    *known = true;
    if (!server->catalog_complete) {
        status = server_load_catalog(server,
                server->place != NULL ? options_text(&server->attach, "schema") : NULL, false,
                &changed, &failure);
    }
    if (status == STATUS_CANCELLED || status == STATUS_NOMEM) {
        error_move(err, &failure);
        return status;
    }
    if (status != STATUS_OK) {
        server_failed(server, &failure);
        *known = false;
    }
    error_clear(&failure);
    return STATUS_OK;
}

/* One relation of one server, for the three tables that list relations or their parts. */
struct relation {
    const struct server *server;
    const struct known_table *known;
    bool attached;
};

/* What a relation is called here; one that is only listed has the remote's name. */
static const char *relation_name(const struct relation *relation) {
    return relation->known->name != NULL ? relation->known->name
                                         : relation->known->schema->remote_name;
}

static enum status each_relation(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows,
        void (*put)(struct rows *, const struct relation *), struct error *err) {
    enum status status = STATUS_OK;

    for (struct server *server = connection->servers; server != NULL && status == STATUS_OK;
            server = server->next) {
        struct local_objects objects = { 0 };
        bool known = false;

        if (!is_wanted(arguments, server)) {
            continue;
        }
        status = ensure_catalog(server, &known, err);
        if (status == STATUS_OK && known) {
            status = read_place(server, &objects, err);
        }
        for (const struct known_table *table = server->tables;
                table != NULL && known && status == STATUS_OK; table = table->next) {
            struct relation relation = { server, table, is_attached(&objects, table) };

            put(rows, &relation);
        }
        local_objects_clear(&objects);
    }
    return status;
}

static void put_relation_names(struct rows *rows, const struct relation *relation) {
    rows_put_text(rows, relation->server->name);
    rows_put_text(rows, relation->attached ? relation->known->place : NULL);
    rows_put_text(rows, relation_name(relation));
}

static void put_table(struct rows *rows, const struct relation *relation) {
    const struct schema *schema = relation->known->schema;
    const char *why_not = transaction_why_not(relation->server, schema);

    put_relation_names(rows, relation);
    rows_put_text(rows, schema->remote_schema);
    rows_put_text(rows, schema->remote_name);
    rows_put_text(rows, relation_kind_name(schema->kind));
    if (schema->rows_estimate >= 0) {
        rows_put_integer(rows, (int64_t)schema->rows_estimate);
    } else {
        rows_put_null(rows);
    }
    rows_put_integer(rows, relation->attached);
    rows_put_integer(rows, why_not == NULL);
    rows_put_text(rows, why_not != NULL ? why_not : transaction_why_insert_only(schema));
    rows_put_text(rows, schema->comment);
}

static enum status tables_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **state,
        struct error *err) {
    (void)state;
    return each_relation(connection, arguments, rows, put_table, err);
}

/* ---- columns ------------------------------------------------------------------------------
 */

/* The letters of pg_attribute in words; NULL for none. */
static const char *letter_word(char letter) {
    static const struct {
        char letter;
        const char *word;
    } words[] = { { 'a', "always" }, { 'd', "by default" }, { 's', "stored" },
        { 'v', "virtual" } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].letter == letter) {
            return words[i].word;
        }
    }
    return NULL;
}

static void put_column(struct rows *rows, const struct relation *relation, size_t position) {
    const struct column *column = &relation->known->schema->columns[position];

    put_relation_names(rows, relation);
    rows_put_integer(rows, (int64_t)position + 1);
    rows_put_text(rows, column->name);
    rows_put_text(rows, column->remote_name);
    rows_put_text(rows, column->remote_type);
    rows_put_text(rows, column->declared);
    rows_put_integer(rows, column->not_null);
    rows_put_text(rows, column->default_sql);
    rows_put_text(rows, letter_word(column->identity));
    rows_put_text(rows, letter_word(column->generated));
    rows_put_text(rows, column->collation);
    rows_put_text(rows, column->presentation);
    rows_put_integer(rows, column->one_to_one);
    rows_put_text(rows, column->comment);
}

static void put_columns(struct rows *rows, const struct relation *relation) {
    for (size_t i = 0; i < relation->known->schema->column_count; i++) {
        put_column(rows, relation, i);
    }
}

static enum status columns_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **state,
        struct error *err) {
    (void)state;
    return each_relation(connection, arguments, rows, put_columns, err);
}

/* ---- keys ---------------------------------------------------------------------------------
 */

enum { KEY_COLUMNS_BYTES_MAX = 1024 * 1024 };

static void put_key_columns(
        struct rows *rows, const struct schema *schema, const struct key *key) {
    struct text names;

    if (key->column_count == 0) {
        rows_put_null(rows); /* a CHECK, or nothing but expressions */
        return;
    }
    text_init(&names, KEY_COLUMNS_BYTES_MAX);
    for (size_t i = 0; i < key->column_count; i++) {
        text_append(&names, i > 0 ? "," : "");
        text_append(&names, schema->columns[key->columns[i]].name);
    }
    rows->out_of_memory |= names.failure != STATUS_OK;
    rows_put_text(rows, text_get(&names));
    text_clear(&names);
}

static void put_keys(struct rows *rows, const struct relation *relation) {
    const struct schema *schema = relation->known->schema;

    for (size_t i = 0; i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];

        put_relation_names(rows, relation);
        rows_put_text(rows, key->name);
        rows_put_text(rows, key_kind_name(key->kind));
        put_key_columns(rows, schema, key);
        rows_put_text(rows, key->ref_table);
        rows_put_text(rows, key->ref_columns);
        rows_put_text(rows, key->definition);
        rows_put_integer(rows, key->valid);
    }
}

static enum status keys_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **state,
        struct error *err) {
    (void)state;
    return each_relation(connection, arguments, rows, put_keys, err);
}

/* ---- log ----------------------------------------------------------------------------------
 */

static enum status log_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **state,
        struct error *err) {
    const struct log_entry *entry;

    (void)arguments;
    (void)state;
    (void)err;
    for (size_t i = 0; (entry = log_at(&connection->log, i)) != NULL; i++) {
        char at[LOG_TIME_BYTES];

        log_time(entry, at);
        rows_put_integer(rows, entry->id);
        rows_put_text(rows, at);
        rows_put_text(rows, entry->server);
        rows_put_text(rows, entry->statement);
        rows_put_real(rows, entry->ms);
        rows_put_integer(rows, entry->rows);
        rows_put_integer(rows, entry->bytes);
        rows_put_integer(rows, entry->round_trips);
        rows_put_text(rows, entry->error);
        rows_put_text(rows, entry->notices);
        rows_put_text(rows, entry->parameters);
    }
    return STATUS_OK;
}

/* ---- registration -------------------------------------------------------------------------
 */

static const struct rows_source metadata_sources[] = {
    {
            .name = "bridge_servers",
            .columns = "name TEXT, driver TEXT, url TEXT, source TEXT, place TEXT, "
                       "tables INTEGER, state TEXT, server_version TEXT, latency_ms REAL, "
                       "statements INTEGER, round_trips INTEGER, \"rows\" INTEGER, "
                       "bytes_in INTEGER, bytes_out INTEGER, reconnects INTEGER, "
                       "last_error TEXT",
            .column_count = 16,
            .only_column = 0,
            .start = servers_start,
    },
    {
            .name = "bridge_tables",
            .columns = "server TEXT, place TEXT, name TEXT, remote_schema TEXT, "
                       "remote_name TEXT, kind TEXT, rows_estimate INTEGER, attached INTEGER, "
                       "writable INTEGER, why_not TEXT, comment TEXT",
            .column_count = 11,
            .only_column = 0,
            .start = tables_start,
    },
    {
            .name = "bridge_columns",
            .columns = "server TEXT, place TEXT, table_name TEXT, position INTEGER, name TEXT, "
                       "remote_name TEXT, remote_type TEXT, declared TEXT, not_null INTEGER, "
                       "default_sql TEXT, identity TEXT, \"generated\" TEXT, collation TEXT, "
                       "presentation TEXT, one_to_one INTEGER, comment TEXT",
            .column_count = 16,
            .only_column = 0,
            .start = columns_start,
    },
    {
            .name = "bridge_keys",
            .columns = "server TEXT, place TEXT, table_name TEXT, name TEXT, kind TEXT, "
                       "columns TEXT, ref_table TEXT, ref_columns TEXT, definition TEXT, "
                       "valid INTEGER",
            .column_count = 10,
            .only_column = 0,
            .start = keys_start,
    },
    {
            .name = "bridge_log",
            .columns = "id INTEGER, at TEXT, server TEXT, statement TEXT, ms REAL, "
                       "\"rows\" INTEGER, bytes INTEGER, round_trips INTEGER, error TEXT, "
                       "notices TEXT, parameters TEXT",
            .column_count = 11,
            .only_column = -1,
            .start = log_start,
    },
};

int metadata_register(struct connection *connection) {
    size_t count = sizeof(metadata_sources) / sizeof(metadata_sources[0]);
    int code = SQLITE_OK;

    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
        code = rows_register(connection, &metadata_sources[i]);
    }
    return code;
}
