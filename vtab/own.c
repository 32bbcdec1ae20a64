/* Definitions of tables that this session made itself; see own.h. */
#include "vtab/own.h"

static bool own_matches(const struct own_definition *own, const char *place, const char *name) {
    return sqlite3_stricmp(own->place, place) == 0 && sqlite3_stricmp(own->name, name) == 0;
}

static void own_free(struct own_definition *own) {
    memory_free(own->place);
    memory_free(own->name);
    memory_free(own->arguments);
    memory_free(own->server);
    memory_free(own);
}

void own_forget(struct connection *connection, const char *place, const char *name) {
    struct own_definition **at = &connection->own;

    while (*at != NULL) {
        struct own_definition *own = *at;

        if (own_matches(own, place, name)) {
            *at = own->next;
            own_free(own);
        } else {
            at = &own->next;
        }
    }
}

enum status own_remember(
        const struct table *table, const char *name, const char *arguments, struct error *err) {
    struct own_definition *own = memory_alloc(sizeof(*own));

    if (own == NULL) {
        return error_nomem(err);
    }
    own->place = memory_copy_text(table->place);
    own->name = memory_copy_text(name);
    own->arguments = memory_copy_text(arguments);
    own->server = memory_copy_text(table->server->name);
    if (own->place == NULL || own->name == NULL || own->arguments == NULL ||
            own->server == NULL) {
        own_free(own);
        return error_nomem(err);
    }
    own_forget(table->connection, table->place, name);
    own->next = table->connection->own;
    table->connection->own = own;
    return STATUS_OK;
}

const struct own_definition *own_find(
        const struct connection *connection, const char *place, const char *name) {
    for (const struct own_definition *own = connection->own; own != NULL; own = own->next) {
        if (own_matches(own, place, name)) {
            return own;
        }
    }
    return NULL;
}
