/* Relations from the OpenAPI document of a server, from a file with such a document, or from
 * the user's own words (columns.TABLE=).
 *
 * The document tells names, types, NOT NULL and primary keys, and nothing of indexes, of
 * collations and precisions, nor whether a relation is a view: one is taken for a table only
 * when it has a key whose columns are all required, which views never have. */
#include "drivers/postgrest/internal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct walk {
    const json_t *document;
    const char *remote_schema, *table; /* NULL: the server's default; all */
    enum status (*each)(void *context, struct schema *);
    void *context;
    struct error *err;
};

enum status pr_schema_create(const char *remote_schema, const char *name, size_t column_count,
        struct schema **out, struct error *err) {
    struct schema *schema = schema_create();
    struct pr_relation *relation;

    if (schema == NULL) {
        return error_nomem(err);
    }
    relation = arena_alloc(&schema->arena, sizeof(*relation));
    schema->columns =
            arena_alloc_array(&schema->arena, column_count + 1, sizeof(*schema->columns));
    schema->remote_schema = arena_copy_text(&schema->arena, remote_schema);
    schema->remote_name = arena_copy_text(&schema->arena, name);
    if (relation == NULL || schema->columns == NULL || schema->remote_name == NULL ||
            (remote_schema != NULL && schema->remote_schema == NULL)) {
        schema_release(schema);
        return error_nomem(err);
    }
    /* Rows have no place of their own over HTTP: no rowid is made of one. */
    relation->pg = (struct pg_relation){ .utf8 = true, .foreign_leaves = true };
    schema->driver_data = relation;
    schema->column_count = column_count;
    schema->kind = RELATION_VIEW;
    schema->rows_estimate = -1;
    schema->writable = true; /* unless the document says otherwise; the server decides */
    *out = schema;
    return STATUS_OK;
}

/* ---- one definition of a document ---------------------------------------------------------
 */

static bool is_required(const json_t *definition, const char *name) {
    const json_t *required = json_object_get(definition, "required");
    size_t index;
    json_t *item;

    json_array_foreach(required, index, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0) {
            return true;
        }
    }
    return false;
}

/* The description holds the comment, and then notes that PostgREST writes itself. */
static enum status read_comment(
        struct schema *schema, struct column *column, const char *description) {
    const char *note = strstr(description, "Note:\nThis is a ");
    size_t length = note != NULL ? (size_t)(note - description) : strlen(description);

    while (length > 0 && strchr("\n ", description[length - 1]) != NULL) {
        length--;
    }
    if (length > 0) {
        column->comment = arena_copy(&schema->arena, description, length);
        return column->comment != NULL ? STATUS_OK : STATUS_NOMEM;
    }
    return STATUS_OK;
}

static enum status read_default(
        struct schema *schema, struct column *column, const json_t *value) {
    static const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    size_t length;
    char *printed;

    if (json_is_string(value)) {
        column->default_sql = arena_copy_text(&schema->arena, json_string_value(value));
        return column->default_sql != NULL ? STATUS_OK : STATUS_NOMEM;
    }
    if (value == NULL || json_is_null(value)) {
        return STATUS_OK;
    }
    length = json_dumpb(value, NULL, 0, flags);
    printed = arena_alloc(&schema->arena, length + 1);
    if (printed == NULL) {
        return STATUS_NOMEM;
    }
    json_dumpb(value, printed, length, flags);
    column->default_sql = printed;
    return STATUS_OK;
}

static enum status read_labels(
        struct schema *schema, struct pr_column *facts, const json_t *labels) {
    size_t count = json_array_size(labels), index;
    const char **texts = arena_alloc_array(&schema->arena, count + 1, sizeof(*texts));
    json_t *label;

    if (texts == NULL) {
        return STATUS_NOMEM;
    }
    json_array_foreach(labels, index, label) {
        const char *text = json_string_value(label);

        texts[index] = arena_copy_text(&schema->arena, text != NULL ? text : "");
        if (texts[index] == NULL) {
            return STATUS_NOMEM;
        }
    }
    facts->labels = texts;
    facts->label_count = count;
    return STATUS_OK;
}

static enum status read_column(struct schema *schema, struct column *column, const char *name,
        const json_t *property, struct error *err) {
    const char *format = json_string_value(json_object_get(property, "format"));
    const char *description = json_string_value(json_object_get(property, "description"));
    const json_t *labels = json_object_get(property, "enum");
    double length = json_number_value(json_object_get(property, "maxLength"));
    enum status status;

    column->remote_name = arena_copy_text(&schema->arena, name);
    if (column->remote_name == NULL) {
        return error_nomem(err);
    }
    if (format == NULL) {
        return error_set(err, STATUS_PROTOCOL,
                "OpenAPI document names no type for column \"%s\" of \"%s\"", name,
                schema->remote_name);
    }
    status = pr_column_type(schema, column, format,
            length > 0 && length < INT32_MAX ? (int64_t)length : -1, json_is_array(labels),
            err);
    if (status == STATUS_OK && json_is_array(labels)) {
        status = read_labels(schema, (struct pr_column *)column->driver_data, labels);
    }
    if (status == STATUS_OK && description != NULL) {
        status = read_comment(schema, column, description);
    }
    if (status == STATUS_OK) {
        status = read_default(schema, column, json_object_get(property, "default"));
    }
    return status == STATUS_NOMEM ? error_nomem(err) : status;
}

/* ---- keys ---- */

static bool property_has(const json_t *property, const char *mark) {
    const char *description = json_string_value(json_object_get(property, "description"));

    return description != NULL && strstr(description, mark) != NULL;
}

/* <fk table='category' column='id'/> */
static enum status read_foreign_key(
        struct schema *schema, int column, const json_t *property, struct key *key) {
    const char *text = json_string_value(json_object_get(property, "description"));
    const char *table = strstr(text, "<fk table='") + strlen("<fk table='");
    const char *table_end = strstr(table, "' column='"), *reference, *reference_end;
    int *columns = arena_alloc_array(&schema->arena, 1, sizeof(*columns));

    if (table_end == NULL) {
        return STATUS_OK;
    }
    reference = table_end + strlen("' column='");
    reference_end = strstr(reference, "'/>");
    if (reference_end == NULL) {
        return STATUS_OK;
    }
    key->kind = KEY_FOREIGN;
    key->name = schema->columns[column].remote_name;
    key->column_count = 1;
    key->columns = columns;
    key->ref_table = arena_copy(&schema->arena, table, (size_t)(table_end - table));
    key->ref_columns =
            arena_copy(&schema->arena, reference, (size_t)(reference_end - reference));
    key->valid = true;
    key->immediate = true;
    if (columns == NULL || key->ref_table == NULL || key->ref_columns == NULL) {
        return STATUS_NOMEM;
    }
    columns[0] = column;
    schema->key_count++;
    return STATUS_OK;
}

/* Views show the keys of their tables, which hold for none of their own rows. */
static enum status read_keys(
        struct schema *schema, const json_t *definition, const json_t *properties) {
    int *columns = arena_alloc_array(&schema->arena, schema->column_count + 1, sizeof(int));
    struct key *keys =
            arena_alloc_array(&schema->arena, schema->column_count + 2, sizeof(*keys));
    bool required = true;
    size_t count = 0, i = 0;
    const char *name;
    json_t *property;
    enum status status = STATUS_OK;

    if (columns == NULL || keys == NULL) {
        return STATUS_NOMEM;
    }
    schema->keys = keys;
    json_object_foreach((json_t *)properties, name, property) {
        if (property_has(property, "<pk/>")) {
            columns[count++] = (int)i;
            required = required && is_required(definition, name);
        }
        i++;
    }
    if (count > 0 && required) {
        keys[schema->key_count++] = (struct key){ .kind = KEY_PRIMARY,
            .name = schema->remote_name,
            .columns = columns,
            .column_count = count,
            .valid = true,
            .immediate = true };
        schema->kind = RELATION_TABLE;
        for (i = 0; i < schema->column_count; i++) {
            schema->columns[i].remote_not_null =
                    is_required(definition, schema->columns[i].remote_name);
        }
    }
    i = 0;
    json_object_foreach((json_t *)properties, name, property) {
        if (status == STATUS_OK && property_has(property, "<fk table='")) {
            status = read_foreign_key(schema, (int)i, property, &keys[schema->key_count]);
        }
        i++;
    }
    return status;
}

/* What can be done to a relation is told by its methods. A document without paths tells nothing
 * of them, and the server decides. */
static void read_methods(const struct walk *walk, struct schema *schema) {
    static const char *const methods[] = { "post", "patch", "delete" };
    const json_t *paths = json_object_get(walk->document, "paths"), *path;
    struct text name;

    text_init(&name, PR_DOCUMENT_BYTES_MAX);
    text_printf(&name, "/%s", schema->remote_name);
    path = json_object_get(paths, text_get(&name));
    text_clear(&name);
    schema->writable = paths == NULL;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        schema->writable = schema->writable || json_object_get(path, methods[i]) != NULL;
    }
    schema->why_not = schema->writable ? NULL : "the server offers no way to write it";
}

/* Of another shape it would be read as a table without columns or keys. */
static enum status check_definition(
        const char *name, const json_t *definition, struct error *err) {
    const json_t *required = json_object_get(definition, "required");

    if (!json_is_object(json_object_get(definition, "properties"))) {
        return error_set(err, STATUS_PROTOCOL,
                "OpenAPI document lists no columns of \"%.200s\": its \"properties\" are no "
                "object",
                name);
    }
    if (required != NULL && !json_is_array(required)) {
        return error_set(err, STATUS_PROTOCOL,
                "OpenAPI document is malformed: \"required\" of \"%.200s\" is no array", name);
    }
    return STATUS_OK;
}

static enum status read_definition(
        const struct walk *walk, const char *name, const json_t *definition) {
    const json_t *properties = json_object_get(definition, "properties");
    const char *comment = json_string_value(json_object_get(definition, "description"));
    struct schema *schema;
    size_t i = 0;
    const char *column;
    json_t *property;
    enum status status = check_definition(name, definition, walk->err);

    if (status == STATUS_OK) {
        status = pr_schema_create(
                walk->remote_schema, name, json_object_size(properties), &schema, walk->err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    json_object_foreach((json_t *)properties, column, property) {
        if (status == STATUS_OK) {
            status = read_column(schema, &schema->columns[i++], column, property, walk->err);
        }
    }
    if (status == STATUS_OK && comment != NULL) {
        schema->comment = arena_copy_text(&schema->arena, comment);
        status = schema->comment != NULL ? STATUS_OK : error_nomem(walk->err);
    }
    read_methods(walk, schema);
    if (status == STATUS_OK && read_keys(schema, definition, properties) != STATUS_OK) {
        status = error_nomem(walk->err);
    }
    if (status != STATUS_OK) {
        schema_release(schema);
        return status;
    }
    return walk->each(walk->context, schema);
}

/* A role that sees nothing gets a document without definitions. */
static enum status check_document(const json_t *document, struct error *err) {
    const json_t *definitions = json_object_get(document, "definitions");
    const char *version = json_string_value(json_object_get(document, "swagger"));

    if (json_is_string(json_object_get(document, "openapi"))) {
        return error_set(err, STATUS_PROTOCOL,
                "could not read OpenAPI document: it is of OpenAPI %.20s, where PostgREST "
                "gives "
                "2.0 (\"swagger\")",
                json_string_value(json_object_get(document, "openapi")));
    }
    if (version == NULL || strcmp(version, "2.0") != 0) {
        return error_set(
                err, STATUS_PROTOCOL, "what describes the tables is no OpenAPI document");
    }
    if (definitions != NULL && !json_is_object(definitions)) {
        return error_set(err, STATUS_PROTOCOL,
                "OpenAPI document is malformed: its \"definitions\" are no object");
    }
    return STATUS_OK;
}

static enum status read_definitions(const struct walk *walk) {
    const json_t *document = walk->document;
    const json_t *definitions = json_object_get(document, "definitions");
    enum status status = check_document(document, walk->err);
    const char *name;
    json_t *definition;

    json_object_foreach((json_t *)definitions, name, definition) {
        if (status == STATUS_OK && (walk->table == NULL || strcmp(walk->table, name) == 0)) {
            status = read_definition(walk, name, definition);
        }
    }
    return status;
}

enum status pr_read_document(const char *text, size_t length, const char *remote_schema,
        const char *table, enum status (*each)(void *context, struct schema *), void *context,
        struct error *err) {
    json_error_t why;
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    struct walk walk = { document, remote_schema, table, each, context, err };
    enum status status;

    if (document == NULL && json_error_code(&why) == json_error_numeric_overflow) {
        /* a default that is a number beyond int64 */
        document = json_loadb(
                text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &why);
        walk.document = document;
    }
    if (document == NULL) {
        return error_set(err, STATUS_PROTOCOL, "could not read OpenAPI document: %s at byte %d",
                why.text, why.position);
    }
    status = read_definitions(&walk);
    json_decref(document);
    return status;
}
