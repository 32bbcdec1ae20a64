/* The relations that a server is known to have: read with its catalog, or one by one. */
#include "vtab/connection.h"

#include "base/text.h"

#include <string.h>

enum { VALUES_BYTES_MAX = 4 * 1024 * 1024 };

static bool text_same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct known_table *known_find(
        struct server *server, const struct schema *schema, const char *values) {
    for (struct known_table *known = server->tables; known != NULL; known = known->next) {
        if (strcmp(known->values, values) == 0 &&
                text_same(known->schema->remote_schema, schema->remote_schema) &&
                text_same(known->schema->remote_name, schema->remote_name) &&
                text_same(known->schema->query, schema->query)) {
            return known;
        }
    }
    return NULL;
}

static enum status known_add(
        struct server *server, struct schema *schema, const char *values, struct error *err) {
    struct known_table *known = memory_alloc(sizeof(*known)), **at = &server->tables;

    if (known == NULL) {
        return error_nomem(err);
    }
    known->values = memory_copy_text(values);
    if (known->values == NULL) {
        memory_free(known);
        return error_nomem(err);
    }
    known->schema = schema_retain(schema);
    known->described = true;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = known;
    return STATUS_OK;
}

/* Takes in a schema that was just described. Keeps the old one when nothing changed, so that
 * what is declared and what is known stay the same object. */
static enum status known_put(struct server *server, struct schema *schema, const char *values,
        bool *changed, struct error *err) {
    struct known_table *known = known_find(server, schema, values);

    *changed = true;
    if (known == NULL) {
        return known_add(server, schema, values, err);
    }
    known->doubted = false;
    if (schema_equal(known->schema, schema)) {
        *changed = false;
        schema_take_counts(known->schema, schema);
        return STATUS_OK;
    }
    schema_release(known->schema);
    known->schema = schema_retain(schema);
    return STATUS_OK;
}

/* ---- the whole catalog --------------------------------------------------------------------
 */

struct catalog_walk {
    struct server *server;
    struct options options; /* of a table about which nothing was said */
    struct schema **seen;
    size_t seen_count;
    int changed;
    struct known_table **tail; /* end of the list: a thousand tables are appended in one walk */
    struct error *err;
};

static enum status walk_keep(struct catalog_walk *walk, struct schema *schema) {
    struct schema **larger;

    if ((walk->seen_count & (walk->seen_count - 1)) == 0) {
        larger = memory_resize_array(walk->seen,
                walk->seen_count == 0 ? 1 : walk->seen_count * 2, sizeof(struct schema *));
        if (larger == NULL) {
            return STATUS_NOMEM;
        }
        walk->seen = larger;
    }
    walk->seen[walk->seen_count++] = schema;
    return STATUS_OK;
}

static enum status walk_each(void *context, struct schema *schema) {
    struct catalog_walk *walk = context;
    enum status status =
            walk->server->target.driver->present(schema, &walk->options, walk->err);

    if (status == STATUS_OK && walk_keep(walk, schema) != STATUS_OK) {
        status = error_nomem(walk->err);
    }
    if (status != STATUS_OK) {
        schema_release(schema);
    }
    return status;
}

static bool walk_saw(const struct catalog_walk *walk, const struct schema *schema) {
    for (size_t i = 0; i < walk->seen_count; i++) {
        if (text_same(walk->seen[i]->remote_schema, schema->remote_schema) &&
                text_same(walk->seen[i]->remote_name, schema->remote_name)) {
            return true;
        }
    }
    return false;
}

/* Forgets what is gone; relations of schemas that were not asked for stay. */
static void walk_forget_missing(struct catalog_walk *walk) {
    struct known_table **at = &walk->server->tables;

    while (*at != NULL) {
        struct known_table *known = *at;
        bool asked = false;

        for (size_t i = 0; i < walk->seen_count && !asked; i++) {
            asked = text_same(walk->seen[i]->remote_schema, known->schema->remote_schema);
        }
        if (asked && known->schema->kind != RELATION_QUERY && !walk_saw(walk, known->schema)) {
            *at = known->next;
            walk->changed++;
            schema_release(known->schema);
            memory_free(known->values);
            memory_free(known->place);
            memory_free(known->name);
            memory_free(known);
        } else {
            at = &known->next;
        }
    }
}

static enum status walk_merge(struct catalog_walk *walk, struct error *err) {
    bool first = walk->server->tables == NULL;

    for (size_t i = 0; i < walk->seen_count; i++) {
        bool changed = true;
        enum status status;

        if (first) { /* nothing to compare with: append */
            struct known_table *known = memory_alloc(sizeof(*known));

            if (known == NULL || (known->values = memory_copy_text("")) == NULL) {
                memory_free(known);
                return error_nomem(err);
            }
            known->schema = schema_retain(walk->seen[i]);
            *walk->tail = known;
            walk->tail = &known->next;
        } else {
            status = known_put(walk->server, walk->seen[i], "", &changed, err);
            if (status != STATUS_OK) {
                return status;
            }
            known_find(walk->server, walk->seen[i], "")->described = false;
        }
        walk->changed += changed;
    }
    if (!first) {
        walk_forget_missing(walk);
    }
    return STATUS_OK;
}

struct name_list {
    struct arena arena;
    const char **names;
    size_t count, capacity;
};

static enum status name_list_add(void *context, const char *item, size_t length) {
    struct name_list *list = context;
    const char **names = list->names;

    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        names = arena_alloc_array(&list->arena, list->capacity, sizeof(*names));
        if (names == NULL) {
            return STATUS_NOMEM;
        }
        for (size_t i = 0; i < list->count; i++) {
            names[i] = list->names[i];
        }
        list->names = names;
    }
    names[list->count] = arena_copy(&list->arena, item, length);
    return names[list->count++] != NULL ? STATUS_OK : STATUS_NOMEM;
}

enum status server_load_catalog(
        struct server *server, const char *schemas, int *changed, struct error *err) {
    struct catalog_walk walk = { .server = server, .tail = &server->tables, .err = err };
    static const struct option_spec *const tables[] = { table_options, value_options, NULL };
    struct name_list list = { 0 };
    struct catalog_filter filter = { 0 };
    struct session *session;
    enum status status = server_session(server, &session, err);

    options_init(&walk.options, tables, &server->options);

    if (status == STATUS_OK && schemas != NULL) {
        status = list_each(schemas, name_list_add, &list);
    }
    if (status == STATUS_OK) {
        filter.schemas = list.names;
        filter.schema_count = list.count;
        status = server->target.driver->catalog(session, &filter, walk_each, &walk, err);
    }
    if (status == STATUS_OK) {
        status = walk_merge(&walk, err);
    }
    if (status == STATUS_OK) {
        server->catalog_complete = true;
        *changed = walk.changed;
    } else if (status == STATUS_NOMEM) {
        error_nomem(err); /* the lists do not say so themselves */
    }
    for (size_t i = 0; i < walk.seen_count; i++) {
        schema_release(walk.seen[i]);
    }
    memory_free(walk.seen);
    options_clear(&walk.options);
    arena_clear(&list.arena);
    return status;
}

/* ---- one relation -------------------------------------------------------------------------
 */

/* The words that shape values, as one text: two tables on one relation may differ in them. */
static void values_text(const struct options *options, struct text *values) {
    static const char *const not_values[] = { "server", "url", "schema", "table", "query",
        "rows", "declare_keys" };

    for (const struct option_entry *entry = options->first; entry != NULL;
            entry = entry->next) {
        bool shapes = true;

        for (size_t i = 0; i < sizeof(not_values) / sizeof(not_values[0]); i++) {
            shapes = shapes && strcmp(entry->spec->name, not_values[i]) != 0;
        }
        if (shapes) {
            text_append(values, entry->name);
            text_append_char(values, '=');
            text_append(values, entry->value);
            text_append_char(values, '\n');
        }
    }
}

static struct known_table *known_wanted(struct server *server, const char *schema,
        const char *table, const char *query, const char *values) {
    for (struct known_table *known = server->tables; known != NULL; known = known->next) {
        const struct schema *have = known->schema;

        if (strcmp(known->values, values) == 0 && text_same(have->query, query) &&
                (query != NULL ||
                        (text_same(have->remote_name, table) &&
                                (schema != NULL ? text_same(have->remote_schema, schema)
                                                : known->by_search_path)))) {
            return known;
        }
    }
    return NULL;
}

struct single_walk {
    struct schema *first; /* in the order of the search path */
};

static enum status single_each(void *context, struct schema *schema) {
    struct single_walk *walk = context;

    if (walk->first == NULL) {
        walk->first = schema;
    } else {
        schema_release(schema);
    }
    return STATUS_OK;
}

static enum status describe_table(struct server *server, struct session *session,
        const char *remote_schema, const char *table, struct schema **out, struct error *err) {
    struct catalog_filter filter = {
        .schemas = &remote_schema, .schema_count = remote_schema != NULL, .table = table
    };
    struct single_walk walk = { 0 };
    enum status status =
            server->target.driver->catalog(session, &filter, single_each, &walk, err);

    if (status == STATUS_OK && walk.first == NULL) {
        status = error_set(err, STATUS_REMOTE,
                "table \"%s%s%s\" does not exist on server \"%s\"",
                remote_schema != NULL ? remote_schema : "", remote_schema != NULL ? "." : "",
                table, server->name);
    }
    if (status != STATUS_OK) {
        schema_release(walk.first);
        return status;
    }
    *out = walk.first;
    return STATUS_OK;
}

static enum status describe_fresh(struct server *server, const struct options *options,
        const char *values, struct schema **out, struct error *err) {
    const char *query = options_text(options, "query"), *table = options_text(options, "table");
    struct session *session;
    struct schema *schema = NULL;
    bool changed;
    enum status status = server_session(server, &session, err);

    if (status == STATUS_OK && query != NULL && server->target.driver->describe_query == NULL) {
        status = error_set(err, STATUS_UNSUPPORTED,
                "server \"%s\" takes no statements: name a table or view of it", server->name);
    } else if (status == STATUS_OK && query != NULL) {
        status = server->target.driver->describe_query(session, query, &schema, err);
    } else if (status == STATUS_OK) {
        status = describe_table(
                server, session, options_text(options, "schema"), table, &schema, err);
    }
    if (status == STATUS_OK) {
        status = server->target.driver->present(schema, options, err);
    }
    if (status == STATUS_OK) {
        status = known_put(server, schema, values, &changed, err);
    }
    if (status == STATUS_OK) { /* the object that was known already, when nothing changed */
        struct known_table *known = known_find(server, schema, values);

        known->by_search_path |= table != NULL && options_text(options, "schema") == NULL;
        *out = schema_retain(known->schema);
    }
    schema_release(schema);
    return status;
}

void server_doubt(struct server *server, const struct schema *schema) {
    for (struct known_table *known = server->tables; known != NULL; known = known->next) {
        known->doubted |= known->schema == schema;
    }
}

enum status server_describe(struct server *server, const struct options *options, bool fresh,
        struct schema **out, struct error *err) {
    const char *query = options_text(options, "query"), *table = options_text(options, "table");
    struct known_table *known = NULL;
    struct text values;
    enum status status;

    if ((query == NULL) == (table == NULL)) {
        return error_set(err, STATUS_USAGE,
                "a table needs table=NAME or query='SELECT ...', one of them");
    }
    text_init(&values, VALUES_BYTES_MAX);
    values_text(options, &values);
    status = text_status(&values, err);
    if (status == STATUS_OK && !fresh) {
        known = known_wanted(
                server, options_text(options, "schema"), table, query, text_get(&values));
    }
    if (known != NULL && (!known->doubted || server->in_snapshot)) {
        *out = schema_retain(known->schema);
    } else if (status == STATUS_OK) {
        status = describe_fresh(server, options, text_get(&values), out, err);
    }
    text_clear(&values);
    return status;
}
