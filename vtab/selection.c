/* Which remote relations bridge_attach takes, and under which names: schema=, tables=, except=,
 * prefix=.
 *
 * Relations come in the order of schema=, within one schema in catalog order. Of names that
 * differ in nothing but case, or that two schemas share, the first keeps its own and the next
 * get _2, _3: none is hidden, as a search path would do. */
#include "vtab/attach.h"

#include "vtab/plan.h"

#include <stdio.h>
#include <string.h>

enum { DEFINITION_BYTES_MAX = 64 * 1024 };

/* These exist by their name alone, until a table takes it. */
static const char *const reserved_names[] = { "bridge_servers", "bridge_tables",
    "bridge_columns", "bridge_keys", "bridge_log", "bridge_explain", "bridge_plan",
    "bridge_query" };

struct pattern_search {
    const char *name;
    bool found;
};

static enum status pattern_try(void *context, const char *item, size_t length) {
    struct pattern_search *search = context;

    search->found = search->found || glob_matches(item, length, search->name);
    return STATUS_OK;
}

/* *found: does one pattern of the list match? */
static enum status list_matches(const char *list, const char *name, bool *found) {
    struct pattern_search search = { .name = name };
    enum status status = STATUS_OK;

    if (list != NULL) {
        status = list_each(list, pattern_try, &search);
    }
    *found = search.found;
    return status;
}

static bool selection_has(
        const struct attachment *attachment, const struct known_table *known) {
    for (size_t i = 0; i < attachment->count; i++) {
        if (attachment->items[i].known == known) {
            return true;
        }
    }
    return false;
}

static enum status selection_add(struct attachment *attachment, struct known_table *known) {
    if (attachment->count == attachment->capacity) {
        size_t capacity = attachment->capacity > 0 ? attachment->capacity * 2 : 64;
        struct attach_item *items =
                memory_resize_array(attachment->items, capacity, sizeof(*items));

        if (items == NULL) {
            return STATUS_NOMEM;
        }
        attachment->items = items;
        attachment->capacity = capacity;
    }
    memset(&attachment->items[attachment->count], 0, sizeof(*attachment->items));
    attachment->items[attachment->count++].known = known;
    return STATUS_OK;
}

/* SQLite has no tables without columns: such a relation is only listed. */
static enum status selection_consider(
        struct attachment *attachment, struct known_table *known) {
    const struct schema *schema = known->schema;
    bool wanted, unwanted;
    enum status status;

    if (schema->remote_name == NULL || known->values[0] != '\0' || known->described ||
            known->gone || schema->column_count == 0) {
        return STATUS_OK;
    }
    status = list_matches(
            options_text(attachment->words, "tables"), schema->remote_name, &wanted);
    if (status == STATUS_OK) {
        status = list_matches(
                options_text(attachment->words, "except"), schema->remote_name, &unwanted);
    }
    if (status == STATUS_OK && wanted && !unwanted && !selection_has(attachment, known)) {
        status = selection_add(attachment, known);
    }
    return status;
}

static enum status select_schema(void *context, const char *item, size_t length) {
    struct attachment *attachment = context;
    enum status status = STATUS_OK;

    for (struct known_table *known = attachment->server->tables;
            known != NULL && status == STATUS_OK; known = known->next) {
        const char *schema = known->schema->remote_schema;

        if (schema != NULL && strlen(schema) == length && memcmp(schema, item, length) == 0) {
            status = selection_consider(attachment, known);
        }
    }
    return status;
}

static enum status select_all(struct attachment *attachment) {
    enum status status = STATUS_OK;

    for (struct known_table *known = attachment->server->tables;
            known != NULL && status == STATUS_OK; known = known->next) {
        status = selection_consider(attachment, known);
    }
    return status;
}

struct missing_search {
    const struct attachment *attachment;
    struct error *err;
};

static enum status missing_try(void *context, const char *item, size_t length) {
    const struct missing_search *search = context;

    if (memchr(item, '*', length) != NULL || memchr(item, '?', length) != NULL) {
        return STATUS_OK;
    }
    for (const struct known_table *known = search->attachment->server->tables; known != NULL;
            known = known->next) {
        if (known->schema->remote_name != NULL &&
                glob_matches(item, length, known->schema->remote_name)) {
            return STATUS_OK;
        }
    }
    return error_set(search->err, STATUS_REMOTE,
            "table \"%.*s\" does not exist on server \"%s\"", (int)length, item,
            search->attachment->server->name);
}

/* ---- names --------------------------------------------------------------------------------
 */

static const char *wanted_name(struct attachment *attachment, const struct attach_item *item) {
    const char *prefix = options_text(attachment->words, "prefix");
    const char *remote = item->known->schema->remote_name;
    size_t bytes = strlen(prefix) + strlen(remote) + 2;
    char *name = arena_alloc(&attachment->arena, bytes);

    if (name != NULL) { /* SQLite keeps names that begin with sqlite_ for itself */
        bool ours = prefix[0] == '\0' && sqlite3_strnicmp(remote, "sqlite_", 7) == 0;

        snprintf(name, bytes, "%s%s%s", ours ? "_" : "", prefix, remote);
    }
    return name;
}

static enum status choose_name(
        struct attachment *attachment, struct name_map *taken, struct attach_item *item) {
    const char *wanted = wanted_name(attachment, item);
    size_t bytes = wanted != NULL ? strlen(wanted) + 24 : 0;
    char *name = arena_alloc(&attachment->arena, bytes);

    if (wanted == NULL || name == NULL) {
        return STATUS_NOMEM;
    }
    snprintf(name, bytes, "%s", wanted);
    for (unsigned n = 2; name_map_find(taken, name) != NULL; n++) {
        snprintf(name, bytes, "%s_%u", wanted, n);
    }
    item->name = name;
    return name_map_add(taken, name, item) ? STATUS_OK : STATUS_NOMEM;
}

/* What is attached already keeps its name, whatever came or went since. */
static bool keeps_name(const struct attachment *attachment, const struct known_table *known) {
    return known->place != NULL && sqlite3_stricmp(known->place, attachment->place) == 0;
}

static enum status choose_names(struct attachment *attachment) {
    struct name_map taken = { 0 };
    enum status status = STATUS_OK;
    size_t reserved = sizeof(reserved_names) / sizeof(reserved_names[0]);

    for (size_t i = 0; i < reserved && status == STATUS_OK; i++) {
        status = name_map_add(&taken, reserved_names[i], attachment) ? STATUS_OK : STATUS_NOMEM;
    }
    for (size_t i = 0; i < attachment->count && status == STATUS_OK; i++) {
        struct attach_item *item = &attachment->items[i];

        if (keeps_name(attachment, item->known)) {
            item->name = arena_copy_text(&attachment->arena, item->known->name);
            status = item->name != NULL && name_map_add(&taken, item->name, item)
                             ? STATUS_OK
                             : STATUS_NOMEM;
        }
    }
    for (size_t i = 0; i < attachment->count && status == STATUS_OK; i++) {
        if (attachment->items[i].name == NULL) {
            status = choose_name(attachment, &taken, &attachment->items[i]);
        }
    }
    name_map_clear(&taken);
    return status;
}

/* The URL never stands here: the definition names its server. */
static enum status define_item(struct attachment *attachment, struct attach_item *item) {
    const struct schema *schema = item->known->schema;
    struct text text;

    text_init(&text, DEFINITION_BYTES_MAX);
    plan_append_name(&text, item->name);
    text_printf(&text, " USING %s(server=", attachment->server->target.driver->name);
    plan_append_name(&text, attachment->server->name);
    if (schema->remote_schema != NULL) {
        text_append(&text, ", schema=");
        plan_append_name(&text, schema->remote_schema);
    }
    text_append(&text, ", table=");
    plan_append_name(&text, schema->remote_name);
    text_append(&text, ")");
    item->definition = arena_copy_text(&attachment->arena, text_get(&text));
    if (text.failure != STATUS_OK) {
        item->definition = NULL;
    }
    text_clear(&text);
    return item->definition != NULL ? STATUS_OK : STATUS_NOMEM;
}

enum status attach_select(struct attachment *attachment, bool strict, struct error *err) {
    const char *schemas = options_text(attachment->words, "schema");
    struct missing_search missing = { attachment, err };
    enum status status;

    if (strict) {
        status = list_each(options_text(attachment->words, "tables"), missing_try, &missing);
        if (status != STATUS_OK) {
            return status == STATUS_NOMEM ? error_nomem(err) : status;
        }
    }
    status = schemas != NULL ? list_each(schemas, select_schema, attachment)
                             : select_all(attachment);
    if (status == STATUS_OK) {
        status = choose_names(attachment);
    }
    for (size_t i = 0; i < attachment->count && status == STATUS_OK; i++) {
        status = define_item(attachment, &attachment->items[i]);
    }
    return status == STATUS_OK ? STATUS_OK : error_nomem(err);
}
