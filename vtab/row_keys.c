/* Keys by number, in a hash table; see row_keys.h. */
#include "vtab/row_keys.h"

#include <string.h>

enum { ROW_KEYS_SLOTS_FIRST = 64 };

void row_keys_clear(struct row_keys *keys) {
    memory_free(keys->slots);
    arena_clear(&keys->arena);
    memset(keys, 0, sizeof(*keys));
}

/* Numbers are digests: any of their bits will do. */
static struct row_key *find_slot(const struct row_keys *keys, int64_t number) {
    size_t at = (size_t)number & (keys->capacity - 1);

    while (keys->slots[at].values != NULL && keys->slots[at].number != number) {
        at = (at + 1) & (keys->capacity - 1);
    }
    return &keys->slots[at];
}

const struct value *row_keys_find(const struct row_keys *keys, int64_t number) {
    return keys->capacity > 0 ? find_slot(keys, number)->values : NULL;
}

static enum status grow(struct row_keys *keys, struct error *err) {
    struct row_keys larger = { .capacity = keys->capacity > 0 ? keys->capacity * 2
                                                              : ROW_KEYS_SLOTS_FIRST };

    if (keys->capacity > 0 && keys->count < keys->capacity / 4 * 3) {
        return STATUS_OK;
    }
    larger.slots = memory_alloc_array(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < keys->capacity; i++) {
        if (keys->slots[i].values != NULL) {
            *find_slot(&larger, keys->slots[i].number) = keys->slots[i];
        }
    }
    memory_free(keys->slots);
    keys->slots = larger.slots;
    keys->capacity = larger.capacity;
    return STATUS_OK;
}

static bool has_bytes(enum value_kind kind) {
    return kind == VALUE_TEXT || kind == VALUE_BLOB;
}

static struct value value_at(const struct batch *batch, size_t column, int64_t row) {
    const union cell *cell = batch_cell(batch, column, row);
    struct value value = { .kind = batch_kind(batch, column, row) };

    value.kind = value.kind == VALUE_TEXT_NUL ? VALUE_TEXT : value.kind;
    if (has_bytes(value.kind)) {
        value.bytes = batch->heap + cell->start;
        value.length = cell->length;
    } else {
        value.integer = cell->integer; /* or the REAL's bits */
    }
    return value;
}

static bool value_same(const struct value *a, const struct value *b) {
    if (a->kind != b->kind) {
        return false;
    }
    return has_bytes(a->kind)
                   ? a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0
                   : a->integer == b->integer;
}

static enum status copy_value(
        struct row_keys *keys, const struct value *from, struct value *to, struct error *err) {
    char *bytes;

    *to = *from;
    if (!has_bytes(from->kind)) {
        return STATUS_OK;
    }
    bytes = arena_alloc(&keys->arena, from->length + 1);
    if (bytes == NULL) {
        return error_nomem(err);
    }
    memcpy(bytes, from->bytes, from->length);
    bytes[from->length] = '\0';
    to->bytes = bytes;
    keys->bytes += from->length + 1;
    return STATUS_OK;
}

static enum status check_same(const struct value *kept, const struct schema *schema,
        const struct batch *batch, const int *places, int64_t row, struct error *err) {
    for (size_t i = 0; i < schema->find_count; i++) {
        struct value value = value_at(batch, (size_t)places[schema->find_columns[i]], row);

        if (!value_same(&kept[i], &value)) {
            return error_set(err, STATUS_UNSUPPORTED,
                    "two keys of \"%s\" have the same rowid in this connection: open another",
                    schema->remote_name);
        }
    }
    return STATUS_OK;
}

enum status row_keys_keep(struct row_keys *keys, const struct schema *schema,
        const struct batch *batch, const int *places, int64_t row, int64_t number,
        struct error *err) {
    const struct value *kept = row_keys_find(keys, number);
    struct value *values;
    enum status status = STATUS_OK;

    if (kept != NULL) {
        return check_same(kept, schema, batch, places, row, err);
    }
    if (keys->bytes >= ROW_KEYS_BYTES_MAX) {
        return error_set(err, STATUS_TOO_BIG,
                "too many rows of \"%s\" for one statement: their keys take more than %d MiB; "
                "change some at a time",
                schema->remote_name, ROW_KEYS_BYTES_MAX / 1024 / 1024);
    }
    status = grow(keys, err);
    values = arena_alloc_array(&keys->arena, schema->find_count, sizeof(*values));
    if (status == STATUS_OK && values == NULL) {
        status = error_nomem(err);
    }
    for (size_t i = 0; i < schema->find_count && status == STATUS_OK; i++) {
        struct value value = value_at(batch, (size_t)places[schema->find_columns[i]], row);

        status = copy_value(keys, &value, &values[i], err);
    }
    if (status == STATUS_OK) {
        *find_slot(keys, number) = (struct row_key){ .number = number, .values = values };
        keys->count++;
        keys->bytes += schema->find_count * sizeof(*values);
    }
    return status;
}
