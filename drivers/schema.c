/* Making, naming and comparing of struct schema. */
#include "drivers/schema.h"

#include "base/sqlite.h"

#include <stdio.h>
#include <string.h>

static const char *const relation_kind_names[] = {
    [RELATION_TABLE] = "table",
    [RELATION_VIEW] = "view",
    [RELATION_MATERIALIZED_VIEW] = "materialized view",
    [RELATION_PARTITIONED_TABLE] = "partitioned table",
    [RELATION_FOREIGN_TABLE] = "foreign table",
    [RELATION_QUERY] = "query",
};

static const char *const key_kind_names[] = {
    [KEY_PRIMARY] = "primary",
    [KEY_UNIQUE] = "unique",
    [KEY_FOREIGN] = "foreign",
    [KEY_CHECK] = "check",
    [KEY_INDEX] = "index",
};

struct schema *schema_create(void) {
    struct schema *schema = memory_alloc(sizeof(*schema));

    if (schema != NULL) {
        schema->references = 1;
        schema->rows_estimate = -1;
        schema->key_column = -1;
    }
    return schema;
}

struct schema *schema_retain(struct schema *schema) {
    schema->references++;
    return schema;
}

struct statistics *schema_create_statistics(struct schema *schema) {
    struct statistics *statistics = memory_alloc(sizeof(*statistics));

    if (statistics != NULL) {
        statistics->columns = arena_alloc_array(
                &statistics->arena, schema->column_count + 1, sizeof(*statistics->columns));
    }
    if (statistics == NULL || statistics->columns == NULL) {
        memory_free(statistics);
        return NULL;
    }
    schema->statistics = statistics;
    return statistics;
}

void schema_take_counts(struct schema *schema, struct schema *from) {
    struct statistics *statistics = schema->statistics;

    schema->rows_estimate = from->rows_estimate;
    schema->row_bytes = from->row_bytes;
    schema->statistics = from->statistics;
    from->statistics = statistics;
    for (size_t i = 0; i < schema->column_count && i < from->column_count; i++) {
        schema->columns[i].distinct_count = from->columns[i].distinct_count;
        schema->columns[i].width_bytes = from->columns[i].width_bytes;
    }
}

void schema_release(struct schema *schema) {
    if (schema != NULL && --schema->references == 0) {
        if (schema->statistics != NULL) {
            arena_clear(&schema->statistics->arena);
            memory_free(schema->statistics);
        }
        arena_clear(&schema->arena);
        memory_free(schema);
    }
}

static bool schema_name_taken(const struct schema *schema, size_t before, const char *name) {
    for (size_t i = 0; i < before; i++) {
        if (sqlite3_stricmp(schema->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

enum status schema_name_columns(struct schema *schema, struct error *err) {
    for (size_t i = 0; i < schema->column_count; i++) {
        struct column *column = &schema->columns[i];
        size_t bytes = strlen(column->remote_name) + 24;
        char *name;

        column->name = column->remote_name;
        if (!schema_name_taken(schema, i, column->name)) {
            continue;
        }
        name = arena_alloc(&schema->arena, bytes);
        if (name == NULL) {
            return error_nomem(err);
        }
        column->name = name;
        for (unsigned n = 2; n == 2 || schema_name_taken(schema, i, name); n++) {
            snprintf(name, bytes, "%s_%u", column->remote_name, n);
        }
    }
    return STATUS_OK;
}

static bool text_equal(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool column_equal(const struct column *a, const struct column *b) {
    return text_equal(a->remote_name, b->remote_name) && text_equal(a->name, b->name) &&
           text_equal(a->remote_type, b->remote_type) && text_equal(a->declared, b->declared) &&
           text_equal(a->declared_collation, b->declared_collation) &&
           text_equal(a->collation, b->collation) &&
           text_equal(a->presentation, b->presentation) && a->not_null == b->not_null &&
           a->one_to_one == b->one_to_one && a->text_values == b->text_values &&
           a->remote_not_null == b->remote_not_null && a->identity == b->identity &&
           a->generated == b->generated && text_equal(a->default_sql, b->default_sql) &&
           text_equal(a->comment, b->comment);
}

static bool key_equal(const struct key *a, const struct key *b) {
    return a->kind == b->kind && text_equal(a->name, b->name) &&
           text_equal(a->ref_table, b->ref_table) &&
           text_equal(a->ref_columns, b->ref_columns) &&
           text_equal(a->definition, b->definition) && a->valid == b->valid &&
           a->immediate == b->immediate && a->partial == b->partial &&
           a->column_count == b->column_count &&
           (a->column_count == 0 ||
                   memcmp(a->columns, b->columns, a->column_count * sizeof(*a->columns)) == 0);
}

bool schema_equal(const struct schema *a, const struct schema *b) {
    if (a->kind != b->kind || !text_equal(a->remote_schema, b->remote_schema) ||
            !text_equal(a->remote_name, b->remote_name) || !text_equal(a->query, b->query) ||
            !text_equal(a->comment, b->comment) || !text_equal(a->state, b->state) ||
            a->identity != b->identity || a->key_column != b->key_column ||
            a->column_count != b->column_count || a->key_count != b->key_count ||
            a->writable != b->writable) {
        return false;
    }
    for (size_t i = 0; i < a->column_count; i++) {
        if (!column_equal(&a->columns[i], &b->columns[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < a->key_count; i++) {
        if (!key_equal(&a->keys[i], &b->keys[i])) {
            return false;
        }
    }
    return true;
}

int schema_find_column(const struct schema *schema, const char *name) {
    for (size_t i = 0; i < schema->column_count; i++) {
        if (sqlite3_stricmp(schema->columns[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *relation_kind_name(enum relation_kind kind) {
    return relation_kind_names[kind];
}

const char *key_kind_name(enum key_kind kind) {
    return key_kind_names[kind];
}
