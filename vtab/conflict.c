/* What is in the way of tables that bridge_attach would create: conflict=error|overlay|skip|
 * replace, overlay_views=.
 *
 * In the way is an object of that name in the same schema (it would be replaced), and a local
 * table or view of a schema that SQLite looks through later (it would be hidden). Only what is
 * hidden can be overlaid, only what stands in the same schema can be replaced: nothing of
 * another schema is ever dropped. */
#include "vtab/attach.h"

#include <string.h>

enum { CONFLICT_BYTES_MAX = 1024 * 1024 };

struct conflicts {
    struct attachment *attachment;
    const char *rule; /* the word of conflict= */
    struct places places;
    struct text names; /* of what is in the way: main.customers (table), ... */
    int count;
    struct text readers; /* views and triggers that would keep reading a hidden table */
    int reader_count;
};

bool attach_is_defined(const struct local_object *object, const char *definition) {
    static const char create[] = "CREATE VIRTUAL TABLE ";
    size_t length = sizeof(create) - 1;

    return strncmp(object->sql, create, length) == 0 &&
           strcmp(object->sql + length, definition) == 0;
}

static bool rule_is(const struct conflicts *conflicts, const char *rule) {
    return strcmp(conflicts->rule, rule) == 0;
}

static void add_conflict(
        struct conflicts *conflicts, const char *place, const struct local_object *object) {
    text_append(&conflicts->names, conflicts->count++ > 0 ? ", " : "");
    text_append(&conflicts->names, place);
    text_append_char(&conflicts->names, '.');
    text_append(&conflicts->names, object->name);
    text_append(&conflicts->names, " (");
    text_append(&conflicts->names, object->type);
    text_append_char(&conflicts->names, ')');
}

/* Tables of ours that stand in the place as they should are kept. */
static void check_place(struct conflicts *conflicts) {
    struct attachment *attachment = conflicts->attachment;

    for (size_t i = 0; i < attachment->count; i++) {
        struct attach_item *item = &attachment->items[i];
        const struct local_object *object =
                local_objects_find(&attachment->objects, item->name);

        if (object == NULL) {
            continue;
        }
        if (attach_is_defined(object, item->definition)) {
            item->action = ATTACH_KEEP;
        } else if (rule_is(conflicts, "skip")) {
            item->action = ATTACH_SKIP;
        } else if (rule_is(conflicts, "replace") && strcmp(object->type, "index") != 0) {
            item->action = ATTACH_REPLACE;
            item->old = object;
        } else {
            add_conflict(conflicts, attachment->place, object);
        }
    }
}

/* A view or trigger was bound to the object of its own schema and stays with it. */
static void add_readers(struct conflicts *conflicts, const char *place,
        const struct local_objects *objects, const char *name, bool triggers_only) {
    for (const struct local_object *object = objects->first; object != NULL;
            object = object->next) {
        bool trigger = strcmp(object->type, "trigger") == 0;
        bool view = strcmp(object->type, "view") == 0 && !triggers_only &&
                    sqlite3_stricmp(object->name, name) != 0; /* not the hidden view itself */

        if ((trigger || view) && local_object_mentions(object, name)) {
            text_append(&conflicts->readers, conflicts->reader_count++ > 0 ? ", " : "");
            text_append(&conflicts->readers, object->type);
            text_append_char(&conflicts->readers, ' ');
            text_append(&conflicts->readers, place);
            text_append_char(&conflicts->readers, '.');
            text_append(&conflicts->readers, object->name);
            text_append(&conflicts->readers, " uses ");
            text_append(&conflicts->readers, name);
        }
    }
}

static void check_hidden_item(struct conflicts *conflicts, const char *place,
        const struct local_objects *objects, struct attach_item *item) {
    const struct local_object *object = local_objects_find(objects, item->name);

    if (object == NULL || strcmp(object->type, "index") == 0 || local_object_is_ours(object) ||
            item->action == ATTACH_KEEP || item->action == ATTACH_SKIP) {
        return;
    }
    if (rule_is(conflicts, "skip")) {
        item->action = ATTACH_SKIP;
    } else if (!rule_is(conflicts, "overlay")) {
        add_conflict(conflicts, place, object);
    } else if (!options_bool(conflicts->attachment->words, "overlay_views")) {
        add_readers(conflicts, place, objects, item->name, false);
        /* A trigger of temp on an unqualified table would find the virtual one, and SQLite
         * could not read the schema any more. */
        add_readers(conflicts, conflicts->attachment->place, &conflicts->attachment->objects,
                item->name, true);
    }
}

/* The schemas behind the place in the search order. */
static enum status check_hidden(struct conflicts *conflicts, struct error *err) {
    struct attachment *attachment = conflicts->attachment;
    int at = places_find(&conflicts->places, attachment->place);
    enum status status = STATUS_OK;

    if (at < 0) {
        return STATUS_OK; /* a new schema is searched last */
    }
    for (size_t i = (size_t)at + 1; i < conflicts->places.count && status == STATUS_OK; i++) {
        struct local_objects objects = { 0 };
        const char *place = conflicts->places.names[i];

        status = local_objects_read(attachment->connection->db, place, &objects, err);
        for (size_t k = 0; k < attachment->count && status == STATUS_OK; k++) {
            check_hidden_item(conflicts, place, &objects, &attachment->items[k]);
        }
        local_objects_clear(&objects);
    }
    return status;
}

static enum status refuse(struct conflicts *conflicts, struct error *err) {
    enum status status = STATUS_OK;

    if (conflicts->count > 0) {
        status = error_set(err, STATUS_USAGE,
                "cannot attach server \"%s\": %d local object%s would be hidden or replaced",
                conflicts->attachment->server->name, conflicts->count,
                conflicts->count > 1 ? "s" : "");
        error_explain(err, NULL, text_get(&conflicts->names),
                "as=NAME and prefix=TEXT avoid it; conflict=skip leaves these tables out, "
                "conflict=overlay hides objects of other schemas, conflict=replace drops those "
                "of "
                "the same schema");
    } else if (conflicts->reader_count > 0) {
        status = error_set(err, STATUS_USAGE,
                "cannot overlay: %d view%s or trigger%s would keep reading the local table",
                conflicts->reader_count, conflicts->reader_count > 1 ? "s" : "",
                conflicts->reader_count > 1 ? "s" : "");
        error_explain(err, NULL, text_get(&conflicts->readers),
                "overlay_views=1 overlays all the same");
    }
    return status;
}

enum status attach_check(struct attachment *attachment, struct error *err) {
    struct conflicts conflicts = { .attachment = attachment,
        .rule = options_text(attachment->words, "conflict") };
    enum status status;

    text_init(&conflicts.names, CONFLICT_BYTES_MAX);
    text_init(&conflicts.readers, CONFLICT_BYTES_MAX);
    status = places_read(attachment->connection->db, &conflicts.places, err);
    if (status == STATUS_OK) {
        check_place(&conflicts);
        status = check_hidden(&conflicts, err);
    }
    if (status == STATUS_OK) {
        status = refuse(&conflicts, err);
    }
    text_clear(&conflicts.names);
    text_clear(&conflicts.readers);
    places_clear(&conflicts.places);
    return status;
}
