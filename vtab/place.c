/* The local schemas as the functions see them; see place.h. */
#include "vtab/place.h"

#include "drivers/registry.h"
#include "vtab/host.h"

#include <ctype.h>
#include <string.h>

/* ---- names --------------------------------------------------------------------------------
 */

struct name_slot {
    const char *name;
    void *value;
};

static size_t name_hash(const char *name) {
    size_t hash = 5381;

    for (; *name != '\0'; name++) {
        hash = hash * 33 + (unsigned char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
    }
    return hash;
}

/* The slot that holds the name, or the free one where it belongs. */
static struct name_slot *name_slot(const struct name_map *map, const char *name) {
    size_t at = name_hash(name) & (map->capacity - 1);

    while (map->slots[at].name != NULL && sqlite3_stricmp(map->slots[at].name, name) != 0) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->slots[at];
}

void *name_map_find(const struct name_map *map, const char *name) {
    return map->capacity > 0 ? name_slot(map, name)->value : NULL;
}

static bool name_map_grow(struct name_map *map) {
    struct name_map larger = { .capacity = map->capacity > 0 ? map->capacity * 2 : 64,
        .count = map->count };

    larger.slots = memory_alloc_array(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].name != NULL) {
            *name_slot(&larger, map->slots[i].name) = map->slots[i];
        }
    }
    memory_free(map->slots);
    *map = larger;
    return true;
}

bool name_map_add(struct name_map *map, const char *name, void *value) {
    struct name_slot *slot;

    if (map->count * 2 >= map->capacity && !name_map_grow(map)) {
        return false;
    }
    slot = name_slot(map, name);
    if (slot->name == NULL) {
        slot->name = name;
        slot->value = value;
        map->count++;
    }
    return true;
}

void name_map_clear(struct name_map *map) {
    memory_free(map->slots);
    memset(map, 0, sizeof(*map));
}

/* ---- tokens of stored SQL -----------------------------------------------------------------
 */

struct token {
    const char *start;
    size_t length;
    bool quoted; /* in any of SQLite's four ways; start is behind the quote */
};

static const char *skip_comment(const char *sql) {
    const char *end;

    if (strncmp(sql, "--", 2) == 0) {
        return sql + strcspn(sql, "\n");
    }
    if (strncmp(sql, "/*", 2) == 0) {
        end = strstr(sql + 2, "*/");
        return end != NULL ? end + 2 : sql + strlen(sql);
    }
    return NULL;
}

static bool is_word_byte(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

/* The next word or quoted text at or behind *sql; false at the end. Everything else is skipped.
 * A string counts, too: SQLite takes FROM 'orders' for a name. */
static bool next_token(const char **sql, struct token *token) {
    const char *at = *sql, *after;

    for (; *at != '\0' && !is_word_byte(*at) && strchr("\"'`[", *at) == NULL; at++) {
        after = skip_comment(at);
        if (after != NULL) {
            at = after - 1;
        }
    }
    if (*at == '\0') {
        return false;
    }
    token->quoted = !is_word_byte(*at);
    token->start = at + token->quoted;
    if (token->quoted) {
        char quote = (char)(*at == '[' ? ']' : *at);

        for (at++; *at != '\0' && (*at != quote || (quote != ']' && at[1] == quote)); at++) {
            at += *at == quote;
        }
    } else {
        while (is_word_byte(*at)) {
            at++;
        }
    }
    token->length = (size_t)(at - token->start);
    *sql = *at != '\0' && token->quoted ? at + 1 : at;
    return true;
}

/* Doubled quotes inside a quoted token count once. */
static bool token_is(const struct token *token, const char *name) {
    const char *at = token->start, *end = at + token->length;
    char quote = (char)(token->quoted ? at[-1] : '\0');

    for (; *name != '\0' && at < end; at++, name++) {
        if (sqlite3_strnicmp(at, name, 1) != 0) {
            return false;
        }
        at += quote != '\0' && quote != '[' && *at == quote;
    }
    return *name == '\0' && at == end;
}

bool local_object_mentions(const struct local_object *object, const char *name) {
    const char *sql = object->sql;
    struct token token;

    while (next_token(&sql, &token)) {
        if (token_is(&token, name)) {
            return true;
        }
    }
    return false;
}

/* CREATE VIRTUAL TABLE name USING module(...), as SQLite stores it. */
bool local_object_is_ours(const struct local_object *object) {
    static const char *const words[] = { "create", "virtual", "table", NULL, "using" };
    const char *sql = object->sql;
    struct token token;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!next_token(&sql, &token) || (words[i] != NULL && !token_is(&token, words[i]))) {
            return false;
        }
    }
    if (!next_token(&sql, &token)) {
        return false;
    }
    for (size_t i = 0; drivers[i] != NULL; i++) {
        if (token_is(&token, drivers[i]->name)) {
            return true;
        }
    }
    return false;
}

/* ---- objects ------------------------------------------------------------------------------
 */

static enum status local_objects_add(
        struct local_objects *objects, sqlite3_stmt *stmt, struct error *err) {
    struct local_object *object = arena_alloc(&objects->arena, sizeof(*object));
    const char *sql = (const char *)sqlite3_column_text(stmt, 2);

    if (object == NULL) {
        return error_nomem(err);
    }
    object->type = arena_copy_text(&objects->arena, (const char *)sqlite3_column_text(stmt, 0));
    object->name = arena_copy_text(&objects->arena, (const char *)sqlite3_column_text(stmt, 1));
    object->sql = arena_copy_text(&objects->arena, sql != NULL ? sql : "");
    if (object->type == NULL || object->name == NULL || object->sql == NULL) {
        return error_nomem(err);
    }
    object->next = objects->first;
    objects->first = object;
    objects->only_ours = objects->only_ours && local_object_is_ours(object);
    if (strcmp(object->type, "trigger") != 0 &&
            !name_map_add(&objects->by_name, object->name, object)) {
        return error_nomem(err);
    }
    return STATUS_OK;
}

enum status local_objects_read(
        sqlite3 *db, const char *schema, struct local_objects *objects, struct error *err) {
    char *sql = sqlite3_mprintf("SELECT type, name, sql FROM \"%w\".sqlite_schema "
                                "WHERE type IS NOT NULL AND name IS NOT NULL",
            schema);
    sqlite3_stmt *stmt = NULL;
    enum status status = STATUS_OK;
    int code = SQLITE_NOMEM;

    objects->only_ours = true;
    if (sql != NULL) {
        code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        sqlite3_free(sql);
    }
    if (code == SQLITE_OK) {
        while (status == STATUS_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
            status = local_objects_add(objects, stmt, err);
        }
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = host_failed(db, code, err);
    }
    sqlite3_finalize(stmt);
    return status;
}

const struct local_object *local_objects_find(
        const struct local_objects *objects, const char *name) {
    return name_map_find(&objects->by_name, name);
}

void local_objects_clear(struct local_objects *objects) {
    name_map_clear(&objects->by_name);
    arena_clear(&objects->arena);
    memset(objects, 0, sizeof(*objects));
}

/* ---- schemas ------------------------------------------------------------------------------
 */

enum status places_read(sqlite3 *db, struct places *places, struct error *err) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &stmt, NULL);

    /* temp is listed only once it is in use, but always looked at first */
    places->names[places->count++] = "temp";
    if (code == SQLITE_OK) {
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW && places->count < PLACES_MAX) {
            const char *name = (const char *)sqlite3_column_text(stmt, 1);

            if (name == NULL || strcmp(name, "temp") != 0) {
                name = arena_copy_text(&places->arena, name);
                if (name == NULL) {
                    break;
                }
                places->names[places->count++] = name;
            }
        }
    }
    if (code == SQLITE_ROW) {
        error_nomem(err);
    } else if (code != SQLITE_DONE) {
        host_failed(db, code, err);
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? STATUS_OK : err->status;
}

void places_clear(struct places *places) {
    arena_clear(&places->arena);
    places->count = 0;
}

int places_find(const struct places *places, const char *name) {
    for (size_t i = 0; i < places->count; i++) {
        if (sqlite3_stricmp(places->names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

enum status places_default(sqlite3 *db, const char **place, struct error *err) {
    const char *file = sqlite3_db_filename(db, "main");
    struct local_objects objects = { 0 };
    enum status status = STATUS_OK;

    *place = "temp";
    if (file == NULL || file[0] == '\0') {
        status = local_objects_read(db, "main", &objects, err);
        if (status == STATUS_OK && objects.only_ours) {
            *place = "main";
        }
        local_objects_clear(&objects);
    }
    return status;
}
