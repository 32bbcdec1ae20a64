/* The run of bridge_detach: tables, then the schema that as= made, then the server. */
#include "vtab/attach.h"

#include "vtab/host.h"
#include "vtab/plan.h"

#include <string.h>

enum { DEFINITION_BYTES_MAX = 64 * 1024 };

/* The beginning of what bridge_attach writes for a table of this server. */
static void append_definition(
        struct text *text, const struct server *server, const struct local_object *object) {
    text_append(text, "CREATE VIRTUAL TABLE ");
    plan_append_name(text, object->name);
    text_printf(text, " USING %s(server=", server->target.driver->name);
    plan_append_name(text, server->name);
    text_append(text, ", ");
}

/* Told by the stored definition, whatever it is called by now: bridge_server may have replaced
 * the server since, and with it what was known of its tables. Those that the user made himself
 * stay. */
static enum status drop_tables(struct server *server, const struct local_objects *objects,
        int *count, struct error *err) {
    struct text begin;
    enum status status = STATUS_OK;

    text_init(&begin, DEFINITION_BYTES_MAX);
    for (const struct local_object *object = objects->first;
            object != NULL && status == STATUS_OK; object = object->next) {
        text_truncate(&begin, 0);
        append_definition(&begin, server, object);
        status = text_status(&begin, err);
        if (status == STATUS_OK && strncmp(object->sql, text_get(&begin), begin.length) == 0) {
            status = host_run(server->connection->db, err, "DROP TABLE \"%w\".\"%w\"",
                    server->place, object->name);
            *count += status == STATUS_OK;
        }
    }
    text_clear(&begin);
    return status;
}

static enum status drop_all(struct server *server, const struct local_objects *objects,
        int *count, struct error *err) {
    struct host_changes changes;
    enum status status =
            host_changes_begin(&changes, server->connection->db, server->place, err);

    if (status == STATUS_OK) {
        status = drop_tables(server, objects, count, err);
        status = host_changes_end(&changes, status, err);
    }
    return status;
}

/* A schema that holds something else stays: tables of another server, which then answers for
 * it, or the user's own. */
static enum status leave_place(struct server *server, struct error *err) {
    struct local_objects left = { 0 };
    enum status status = local_objects_read(server->connection->db, server->place, &left, err);
    bool empty = left.first == NULL;

    local_objects_clear(&left);
    if (status != STATUS_OK) {
        return status;
    }
    if (empty) {
        return host_run(server->connection->db, err, "DETACH \"%w\"", server->place);
    }
    for (struct server *other = server->connection->servers; other != NULL;
            other = other->next) {
        if (other != server && other->place != NULL &&
                sqlite3_stricmp(other->place, server->place) == 0) {
            other->place_attached = true;
            break;
        }
    }
    return STATUS_OK;
}

static enum status detach_place(struct server *server, int *count, struct error *err) {
    struct local_objects objects = { 0 };
    struct places places = { 0 };
    enum status status = places_read(server->connection->db, &places, err);
    bool there = status == STATUS_OK && places_find(&places, server->place) >= 0;

    places_clear(&places);
    if (!there) {
        return status; /* the user detached the schema, tables and all */
    }
    if (server->place_attached && !sqlite3_get_autocommit(server->connection->db)) {
        return error_set(err, STATUS_USAGE,
                "cannot detach schema \"%s\" within a transaction: COMMIT or ROLLBACK first",
                server->place);
    }
    status = local_objects_read(server->connection->db, server->place, &objects, err);
    if (status == STATUS_OK) {
        status = drop_all(server, &objects, count, err);
    }
    local_objects_clear(&objects);
    if (status == STATUS_OK && server->place_attached) {
        status = leave_place(server, err);
    }
    return status;
}

enum status attach_detach(struct server *server, int *count, struct error *err) {
    enum status status = STATUS_OK;

    *count = 0;
    if (server->cursors > 0) {
        return error_set(err, STATUS_USAGE,
                "server \"%s\" cannot be detached while a query reads from it", server->name);
    }
    if (server->place != NULL) {
        status = detach_place(server, count, err);
    }
    if (status == STATUS_OK) {
        server_remove(server);
    }
    return status;
}
