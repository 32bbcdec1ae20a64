/* Changes of a running statement, kept until it has ended; see bulk.h. */
#include "vtab/bulk.h"

#include <string.h>

static enum status make_room(struct gathering *gathering, struct error *err) {
    size_t capacity = gathering->capacity > 0 ? gathering->capacity * 2 : 64;
    struct change *changes;

    if (gathering->count < gathering->capacity) {
        return STATUS_OK;
    }
    changes = memory_resize_array(gathering->changes, capacity, sizeof(*changes));
    if (changes == NULL) {
        return error_nomem(err);
    }
    gathering->changes = changes;
    gathering->capacity = capacity;
    return STATUS_OK;
}

static enum status copy_value(
        struct arena *arena, const struct value *from, struct value *to, struct error *err) {
    *to = *from;
    if (from->kind != VALUE_TEXT && from->kind != VALUE_BLOB) {
        return STATUS_OK;
    }
    to->bytes = arena_copy(arena, from->length > 0 ? from->bytes : "", from->length);
    return to->bytes != NULL ? STATUS_OK : error_nomem(err);
}

static enum status copy_values(struct gathering *gathering, const struct schema *schema,
        const struct change *from, struct change *to, struct error *err) {
    struct arena *arena = &gathering->arena;
    size_t count = schema->column_count;
    struct value *values = arena_alloc_array(arena, count, sizeof(*values));
    uint8_t *states = arena_alloc_array(arena, count, sizeof(*states));
    enum status status = STATUS_OK;

    if (values == NULL || states == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        bool given = gathering->given == NULL || gathering->given[i];

        states[i] = given ? from->states[i] : (uint8_t)CELL_DEFAULT;
        if (states[i] == CELL_SET) {
            status = copy_value(arena, &from->values[i], &values[i], err);
        }
    }
    to->values = values;
    to->states = states;
    return status;
}

static enum status copy_key(struct arena *arena, const struct schema *schema,
        const struct change *from, struct change *to, struct error *err) {
    size_t count = schema->identity == IDENTITY_ROW ? schema->find_count : 1;
    struct value *key = arena_alloc_array(arena, count, sizeof(*key));
    enum status status = key != NULL ? STATUS_OK : error_nomem(err);

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = copy_value(arena, &from->row.key[i], &key[i], err);
    }
    to->row.key = key;
    return status;
}

enum status gathering_add(struct gathering *gathering, const struct schema *schema,
        const struct change *change, struct error *err) {
    enum status status = make_room(gathering, err);
    struct change copy = *change;

    if (status == STATUS_OK && change->kind != CHANGE_DELETE) {
        status = copy_values(gathering, schema, change, &copy, err);
    }
    if (status == STATUS_OK && change->kind != CHANGE_INSERT && change->row.key != NULL) {
        status = copy_key(&gathering->arena, schema, change, &copy, err);
    }
    if (status == STATUS_OK) {
        gathering->changes[gathering->count++] = copy;
    }
    return status;
}

void gathering_clear(struct gathering *gathering) {
    memory_free(gathering->changes);
    arena_clear(&gathering->arena);
    memset(gathering, 0, sizeof(*gathering));
}
