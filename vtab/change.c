/* Reading a server's relations again, before and after compared; see change.h. */
#include "vtab/change.h"

#include "base/text.h"
#include "vtab/host.h"

#include <string.h>

static bool text_same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static enum status change_remember(struct catalog_change *change, const struct server *server) {
    size_t count = 0;

    for (const struct known_table *known = server->tables; known != NULL; known = known->next) {
        count++;
    }
    change->before = arena_alloc_array(&change->arena, count + 1, sizeof(*change->before));
    if (change->before == NULL) {
        return STATUS_NOMEM;
    }
    for (const struct known_table *known = server->tables; known != NULL; known = known->next) {
        struct known_before *before = &change->before[change->count];

        before->place = arena_copy_text(&change->arena, known->place);
        before->name = arena_copy_text(&change->arena, known->name);
        if ((known->place != NULL && before->place == NULL) ||
                (known->name != NULL && before->name == NULL)) {
            return STATUS_NOMEM;
        }
        before->described = known->described;
        before->schema = schema_retain(known->schema);
        change->count++;
    }
    return STATUS_OK;
}

void change_clear(struct catalog_change *change) {
    for (size_t i = 0; i < change->count; i++) {
        schema_release(change->before[i].schema);
    }
    arena_clear(&change->arena);
}

const struct known_table *change_now(
        const struct server *server, const struct known_before *before) {
    const struct known_table *found = NULL;

    for (const struct known_table *known = server->tables; known != NULL; known = known->next) {
        if (known->gone) {
            continue;
        }
        if (known->schema == before->schema) {
            return known;
        }
        if (text_same(known->schema->remote_schema, before->schema->remote_schema) &&
                text_same(known->schema->remote_name, before->schema->remote_name) &&
                text_same(known->schema->query, before->schema->query) &&
                text_same(known->name, before->name)) {
            found = known;
        }
    }
    return found;
}

static void change_compare(struct catalog_change *change, const struct server *server) {
    for (size_t i = 0; i < change->count; i++) {
        const struct known_before *before = &change->before[i];
        const struct known_table *now = change_now(server, before);

        if (now != NULL && now->schema != before->schema &&
                (before->place != NULL || before->described)) {
            change->changed++;
            change->reconnect = true;
        }
    }
}

static void known_free(struct known_table *known) {
    schema_release(known->schema);
    memory_free(known->values);
    memory_free(known->place);
    memory_free(known->name);
    memory_free(known);
}

/* An attached relation that is gone stays known until its table is dropped: SQLite connects a
 * table even to drop it. */
static enum status keep_gone(struct server *server, const struct known_before *before) {
    struct known_table *known = memory_alloc(sizeof(*known));

    if (known == NULL) {
        return STATUS_NOMEM;
    }
    known->schema = schema_retain(before->schema);
    known->values = memory_copy_text("");
    known->place = memory_copy_text(before->place);
    known->name = memory_copy_text(before->name);
    known->gone = true;
    if (known->values == NULL || known->place == NULL || known->name == NULL) {
        known_free(known);
        return STATUS_NOMEM;
    }
    known->next = server->tables;
    server->tables = known;
    return STATUS_OK;
}

static enum status change_keep_gone(
        const struct catalog_change *change, struct server *server) {
    enum status status = STATUS_OK;

    change_forget_gone(server); /* of a run that failed; they are in `before` as well */
    for (size_t i = 0; i < change->count && status == STATUS_OK; i++) {
        const struct known_before *before = &change->before[i];

        if (before->place != NULL && change_now(server, before) == NULL) {
            status = keep_gone(server, before);
        }
    }
    return status;
}

void change_forget_gone(struct server *server) {
    struct known_table **at = &server->tables;

    while (*at != NULL) {
        struct known_table *known = *at;

        if (known->gone) {
            *at = known->next;
            known_free(known);
        } else {
            at = &known->next;
        }
    }
}

/* Relations that CREATE VIRTUAL TABLE asked for by themselves: no catalog brings them up to
 * date. A failure of one does not keep the others from it. */
static void describe_again(
        struct server *server, const struct known_table *known, struct error *err) {
    static const struct option_spec *const tables[] = { table_options, value_options, NULL };
    const struct schema *schema = known->schema;
    const char *words = known->values;
    struct schema *fresh = NULL;
    struct options options;
    struct text word;
    enum status status;

    options_init(&options, tables, &server->options);
    text_init(&word, TEXT_SQL_BYTES_MAX);
    status = schema->query != NULL ? options_set(&options, "query", schema->query, err)
                                   : options_set(&options, "table", schema->remote_name, err);
    if (status == STATUS_OK && schema->query == NULL && schema->remote_schema != NULL) {
        status = options_set(&options, "schema", schema->remote_schema, err);
    }
    while (status == STATUS_OK && *words != '\0') { /* "word=value\n..." */
        size_t length = strcspn(words, "\n");

        text_truncate(&word, 0);
        text_append_bytes(&word, words, length);
        status = text_status(&word, err);
        status = status == STATUS_OK ? options_add(&options, text_get(&word), err) : status;
        words += length + (words[length] == '\n');
    }
    if (status == STATUS_OK) {
        status = server_describe(server, &options, true, &fresh, err);
    }
    if (status == STATUS_OK) {
        schema_release(fresh);
    }
    text_clear(&word);
    options_clear(&options);
}

enum status change_load(struct catalog_change *change, struct server *server,
        const struct options *words, enum change_reading reading, struct error *err) {
    struct error first = { 0 };
    int differences;
    enum status status = change_remember(change, server);

    if (status != STATUS_OK) {
        return error_nomem(err);
    }
    if (reading != CHANGE_DESCRIBED) {
        status = server_load_catalog(server,
                words != NULL ? options_text(words, "schema") : NULL, reading == CHANGE_STRICT,
                &differences, err);
    }
    if (status == STATUS_OK && change_keep_gone(change, server) != STATUS_OK) {
        status = error_nomem(err);
    }
    for (const struct known_table *known = server->tables; known != NULL && status == STATUS_OK;
            known = known->next) {
        if (known->described && change->count > 0) {
            describe_again(server, known, &first); /* the first error is kept */
        }
    }
    if (status == STATUS_OK) {
        change_compare(change, server);
        status = first.status;
        error_move(err, &first);
    } else {
        error_clear(&first);
    }
    return status;
}

enum status change_apply(const struct catalog_change *change, sqlite3 *db, enum status status,
        struct error *err) {
    struct error reset = { 0 };

    if (change->reconnect) {
        host_run(db, &reset, "PRAGMA writable_schema=RESET");
        error_move(status == STATUS_OK ? err : NULL, &reset);
        status = err->status;
    }
    return status;
}
