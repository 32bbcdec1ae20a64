/* The runs of bridge_attach and bridge_refresh.
 *
 * An attach asks the remote first, decides all that can be refused, and only then creates the
 * tables, within one savepoint. The same words again find everything in its place and so amount
 * to a refresh. Tables in the schema are what counts: a transaction that is rolled back takes
 * them along and leaves the server named, and another connection of a shared cache may have
 * made them.
 */
#include "vtab/attach.h"

#include "vtab/change.h"
#include "vtab/host.h"

#include <string.h>

static bool text_same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* ---- creating -----------------------------------------------------------------------------
 */

/* Tables of ours whose relation is gone. */
static enum status drop_gone(struct attachment *attachment, int *count, struct error *err) {
    enum status status = STATUS_OK;

    for (const struct known_table *known = attachment->server->tables;
            known != NULL && status == STATUS_OK; known = known->next) {
        const struct local_object *object =
                known->gone ? local_objects_find(&attachment->objects, known->name) : NULL;

        if (object != NULL && local_object_is_ours(object)) {
            status = host_run(attachment->connection->db, err, "DROP TABLE \"%w\".\"%w\"",
                    known->place, known->name);
            *count += status == STATUS_OK;
        }
    }
    return status;
}

static enum status create_item(struct attachment *attachment, struct host_changes *changes,
        struct attach_item *item, struct error *err) {
    enum status status = STATUS_OK;

    if (item->action == ATTACH_SKIP) {
        return STATUS_OK;
    }
    item->kept_place = memory_copy_text(attachment->place);
    item->kept_name = memory_copy_text(item->name);
    if (item->kept_place == NULL || item->kept_name == NULL) {
        return error_nomem(err);
    }
    if (item->action == ATTACH_REPLACE) {
        status = host_changes_drop(
                changes, item->old->type, attachment->place, item->old->name, err);
    }
    if (status == STATUS_OK && item->action != ATTACH_KEEP) {
        status = host_run(attachment->connection->db, err, "CREATE VIRTUAL TABLE \"%w\".%s",
                attachment->place, item->definition);
    }
    return status;
}

/* All or nothing, save for a new schema that cannot go again while a transaction holds it. */
static enum status create_all(struct attachment *attachment, int *gone, struct error *err) {
    sqlite3 *db = attachment->connection->db;
    struct host_changes changes;
    struct error undo = { 0 };
    enum status status = STATUS_OK;

    if (attachment->place_is_new) {
        status = host_run(db, err, "ATTACH ':memory:' AS \"%w\"", attachment->place);
        if (status != STATUS_OK) {
            return status;
        }
    }
    status = host_changes_begin(&changes, db, attachment->place, err);
    if (status == STATUS_OK) {
        status = drop_gone(attachment, gone, err);
        for (size_t i = 0; i < attachment->count && status == STATUS_OK; i++) {
            status = create_item(attachment, &changes, &attachment->items[i], err);
        }
        status = host_changes_end(&changes, status, err);
    }
    if (status != STATUS_OK && attachment->place_is_new) {
        host_run(db, &undo, "DETACH \"%w\"", attachment->place);
        error_clear(&undo);
    }
    return status;
}

/* From here on the server knows where its tables are. */
static void attachment_keep(struct attachment *attachment) {
    for (size_t i = 0; i < attachment->count; i++) {
        struct attach_item *item = &attachment->items[i];

        if (item->kept_name != NULL) {
            memory_free(item->known->place);
            memory_free(item->known->name);
            item->known->place = item->kept_place;
            item->known->name = item->kept_name;
            item->kept_place = NULL;
            item->kept_name = NULL;
        }
    }
}

static enum status server_set_place(struct attachment *attachment, struct error *err) {
    struct server *server = attachment->server;
    char *place = memory_copy_text(attachment->place);

    if (place == NULL) {
        return error_nomem(err);
    }
    memory_free(server->place);
    server->place = place;
    server->place_attached = server->place_attached || attachment->place_is_new;
    return STATUS_OK;
}

static void attachment_clear(struct attachment *attachment) {
    for (size_t i = 0; i < attachment->count; i++) {
        memory_free(attachment->items[i].kept_place);
        memory_free(attachment->items[i].kept_name);
    }
    memory_free(attachment->items);
    local_objects_clear(&attachment->objects);
    arena_clear(&attachment->arena);
}

/* ---- where to -----------------------------------------------------------------------------
 */

static enum status choose_place(struct attachment *attachment, struct error *err) {
    sqlite3 *db = attachment->connection->db;
    const char *as = options_text(attachment->words, "as");
    const char *place = as != NULL && as[0] != '\0' ? as : attachment->server->place;
    struct places places = { 0 };
    enum status status = STATUS_OK;
    int at = -1;

    if (place == NULL) {
        status = places_default(db, &place, err);
    }
    if (status == STATUS_OK) {
        status = places_read(db, &places, err);
    }
    if (status == STATUS_OK) {
        at = places_find(&places, place);
        attachment->place_is_new = at < 0;
        attachment->place =
                arena_copy_text(&attachment->arena, at < 0 ? place : places.names[at]);
        if (attachment->place == NULL) {
            status = error_nomem(err);
        }
    }
    if (status == STATUS_OK && at >= 0) {
        status = local_objects_read(db, attachment->place, &attachment->objects, err);
    }
    places_clear(&places);
    return status;
}

/* ---- the runs -----------------------------------------------------------------------------
 */

static enum status attachment_run(
        struct attachment *attachment, bool strict, int *changed, struct error *err) {
    struct catalog_change change = { 0 };
    int gone = 0;
    enum status status = change_load(&change, attachment->server, attachment->words,
            strict ? CHANGE_STRICT : CHANGE_CATALOG, err);

    if (status == STATUS_OK) {
        status = choose_place(attachment, err);
    }
    if (status == STATUS_OK) {
        status = attach_select(attachment, strict, err);
    }
    if (status == STATUS_OK) {
        status = attach_check(attachment, err);
    }
    if (status == STATUS_OK) {
        status = create_all(attachment, &gone, err);
    }
    if (status == STATUS_OK) {
        attachment_keep(attachment);
        change_forget_gone(attachment->server);
        status = server_set_place(attachment, err);
    }
    status = change_apply(&change, attachment->connection->db, status, err);
    *changed = change.changed + gone;
    change_clear(&change);
    return status;
}

/* Another definition under a known name is refused: its tables would change their meaning. */
static enum status attach_find_server(struct connection *connection, struct words *words,
        struct server **out, bool *is_new, struct error *err) {
    struct text name;
    struct server *server;
    enum status status = words_server_name(words, &name, err);

    *is_new = false;
    if (status == STATUS_OK) {
        server = server_find(connection, text_get(&name));
        if (server == NULL) {
            *is_new = true;
            status = server_define(
                    connection, text_get(&name), &words->target, &words->server, out, err);
        } else if (!words_define(words, server)) {
            status = error_set(err, STATUS_USAGE,
                    "server \"%s\" is named already, with another URL or other options",
                    server->name);
            error_explain(err, NULL, NULL, "bridge_detach it first, or give another name=");
        } else {
            *out = server;
        }
    }
    text_clear(&name);
    return status;
}

/* One server has one place and one prefix: its tables are found again by them. */
static enum status check_attached_words(
        const struct server *server, const struct words *words, struct error *err) {
    static const char *const fixed[] = { "as", "prefix" };

    for (size_t i = 0; server->place != NULL && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (!text_same(options_text(&words->attach, fixed[i]),
                    options_text(&server->attach, fixed[i]))) {
            error_set(err, STATUS_USAGE,
                    "server \"%s\" is attached already, with another %s=", server->name,
                    fixed[i]);
            error_explain(err, NULL, NULL, "bridge_detach it first, or give another name=");
            return STATUS_USAGE;
        }
    }
    return STATUS_OK;
}

enum status attach_server(struct connection *connection, const char *url, int argc,
        sqlite3_value **argv, int *count, struct error *err) {
    struct attachment attachment = { .connection = connection };
    struct words words = { 0 };
    bool is_new = false;
    int changed;
    enum status status = words_read(url, argc, argv, true, &words, err);

    if (status == STATUS_OK) {
        status = attach_find_server(connection, &words, &attachment.server, &is_new, err);
    }
    if (status == STATUS_OK) {
        status = check_attached_words(attachment.server, &words, err);
    }
    if (status == STATUS_OK) {
        attachment.words = &words.attach;
        status = attachment_run(&attachment, true, &changed, err);
        if (status == STATUS_OK) {
            options_clear(&attachment.server->attach);
            attachment.server->attach = words.attach;
            memset(&words.attach, 0, sizeof(words.attach));
        } else if (is_new) {
            server_remove(attachment.server);
        }
    }
    *count = 0;
    for (size_t i = 0; i < attachment.count; i++) {
        *count += attachment.items[i].action != ATTACH_SKIP;
    }
    attachment_clear(&attachment);
    words_clear(&words);
    return status;
}

enum status attach_refresh(struct server *server, int *changed, struct error *err) {
    struct attachment attachment = {
        .connection = server->connection, .server = server, .words = &server->attach
    };
    struct catalog_change change = { 0 };
    enum status status;

    if (server->place != NULL) {
        status = attachment_run(&attachment, false, changed, err);
        for (size_t i = 0; i < attachment.count; i++) {
            *changed += attachment.items[i].action == ATTACH_CREATE ||
                        attachment.items[i].action == ATTACH_REPLACE;
        }
        attachment_clear(&attachment);
        return status;
    }
    status = change_load(&change, server, NULL,
            server->catalog_complete ? CHANGE_CATALOG : CHANGE_DESCRIBED, err);
    status = change_apply(&change, server->connection->db, status, err);
    *changed = change.changed;
    change_clear(&change);
    return status;
}
