/* Facts of the types that tests speak of, as describe.c would read them from the catalog. */
#include "tests/support/pg_schema.h"

#include "drivers/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OID_OF_USERS = 90000 }; /* types of users and extensions: the number does not matter */

#define NUMERIC_TYPMOD(precision, scale) (((precision) << 16 | (scale)) + 4)

/* What is left out is 0: of pg_catalog, kind 'b', no type modifier. */
static const struct facts {
    const char *type; /* as a test names it */
    uint32_t oid;
    const char *name;
    const char *schema;
    char kind;
    int32_t typmod;
    uint32_t element;
    enum pg_collation_kind collation;
    bool domain;
} facts[] = {
    { "int2", 21, "int2" },
    { "int4", 23, "int4" },
    { "int8", 20, "int8" },
    { "oid", 26, "oid" },
    { "float8", 701, "float8" },
    { "float4", 700, "float4" },
    { "num10_2", 1700, "numeric", .typmod = NUMERIC_TYPMOD(10, 2) },
    { "num18_0", 1700, "numeric", .typmod = NUMERIC_TYPMOD(18, 0) },
    { "numeric", 1700, "numeric" },
    { "money", 790, "money" },
    { "bool", 16, "bool" },
    { "text", 25, "text", .collation = PG_COLLATION_DETERMINISTIC },
    { "varchar", 1043, "varchar", .collation = PG_COLLATION_DETERMINISTIC, .typmod = 404 },
    { "text_c", 25, "text", .collation = PG_COLLATION_C },
    { "text_nd", 25, "text", .collation = PG_COLLATION_NONDETERMINISTIC },
    { "citext", OID_OF_USERS, "citext", .schema = "public",
            .collation = PG_COLLATION_DETERMINISTIC },
    { "bpchar", 1042, "bpchar", .collation = PG_COLLATION_DETERMINISTIC, .typmod = 314 },
    { "name", 19, "name", .collation = PG_COLLATION_C },
    { "bytea", 17, "bytea" },
    { "uuid", 2950, "uuid" },
    { "date", 1082, "date" },
    { "ts", 1114, "timestamp" },
    { "tstz", 1184, "timestamptz" },
    { "time", 1083, "time" },
    { "timetz", 1266, "timetz" },
    { "interval", 1186, "interval" },
    { "enum", OID_OF_USERS, "mood", .schema = "truth", .kind = 'e' },
    { "json", 114, "json" },
    { "jsonb", 3802, "jsonb" },
    { "xml", 142, "xml" },
    { "inet", 869, "inet" },
    { "cidr", 650, "cidr" },
    { "macaddr", 829, "macaddr" },
    { "int4range", 3904, "int4range", .kind = 'r' },
    { "int4multirange", 4451, "int4multirange", .kind = 'm' },
    { "varbit", 1562, "varbit" },
    { "pg_lsn", 3220, "pg_lsn" },
    { "tsvector", 3614, "tsvector" },
    { "regclass", 2205, "regclass" },
    { "point", 600, "point" },
    { "intarr", 1007, "_int4", .element = 23 },
    { "textarr", 1009, "_text", .element = 25, .collation = PG_COLLATION_DETERMINISTIC },
    { "composite", OID_OF_USERS, "comp", .schema = "truth", .kind = 'c' },
    { "hstore", OID_OF_USERS, "hstore", .schema = "public" },
    { "domain_int", 23, "int4", .domain = true },
    { "domain_text", 1043, "varchar", .collation = PG_COLLATION_DETERMINISTIC, .typmod = 404,
            .domain = true },
    { "domain_enum", OID_OF_USERS, "mood", .schema = "truth", .kind = 'e', .domain = true },
    { "domain_float8", 701, "float8", .domain = true },
};

static _Noreturn void stop(const char *what, const char *why) {
    fprintf(stderr, "Bail out! %s: %s\n", what, why);
    exit(1);
}

static const struct facts *facts_of(const char *type) {
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        if (strcmp(facts[i].type, type) == 0) {
            return &facts[i];
        }
    }
    stop("no facts of a type", type);
}

static void *zeroed(struct arena *arena, size_t count, size_t bytes) {
    void *memory = arena_alloc_array(arena, count, bytes);

    if (memory == NULL) {
        stop("schema", "out of memory");
    }
    return memory;
}

static void fill_column(
        struct schema *schema, struct column *column, const struct pg_schema_column *from) {
    const struct facts *of = facts_of(from->type);
    struct pg_column *pg = zeroed(&schema->arena, 1, sizeof(*pg));
    struct text sql;

    pg->type_oid = of->oid;
    pg->typmod = of->typmod != 0 ? of->typmod : -1;
    pg->type_schema = of->schema != NULL ? of->schema : "pg_catalog";
    pg->type_name = of->name;
    pg->type_kind = 'b';
    if (of->kind != 0) {
        pg->type_kind = of->kind;
    }
    pg->element_oid = of->element;
    pg->collation = of->collation;
    pg->domain = of->domain;
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    if (of->schema != NULL) {
        pg_append_identifier(&sql, of->schema);
        text_append_char(&sql, '.');
        pg_append_identifier(&sql, of->name);
    } else {
        text_printf(&sql, "pg_catalog.%s", of->name);
    }
    pg->type_sql = arena_copy_text(&schema->arena, text_get(&sql));
    text_clear(&sql);
    column->remote_name = arena_copy_text(&schema->arena, from->name);
    column->remote_type = pg->type_name;
    column->remote_not_null = from->not_null;
    column->driver_data = pg;
}

static void present(struct schema *schema, const char *const *words) {
    const struct option_spec *tables[] = { table_options, value_options, NULL };
    struct options options;
    struct error err = { 0 };

    options_init(&options, tables, NULL);
    for (; words != NULL && *words != NULL; words++) {
        if (options_add(&options, *words, &err) != STATUS_OK) {
            stop(*words, err.message);
        }
    }
    if (pg_present(schema, &options, &err) != STATUS_OK) {
        stop("presentation", err.message);
    }
    options_clear(&options);
}

struct schema *pg_schema_make(const char *remote_schema, const char *remote_name,
        const struct pg_schema_column *columns, size_t count, const char *const *options) {
    struct schema *schema = schema_create();
    struct pg_relation *relation;

    if (schema == NULL) {
        stop("schema", "out of memory");
    }
    relation = zeroed(&schema->arena, 1, sizeof(*relation));
    relation->utf8 = true;
    schema->driver_data = relation;
    if (remote_schema != NULL) {
        schema->kind = RELATION_TABLE;
        schema->remote_schema = arena_copy_text(&schema->arena, remote_schema);
        schema->remote_name = arena_copy_text(&schema->arena, remote_name);
    } else {
        schema->kind = RELATION_QUERY;
        schema->query = arena_copy_text(&schema->arena, remote_name);
    }
    schema->columns = zeroed(&schema->arena, count, sizeof(*schema->columns));
    schema->column_count = count;
    for (size_t i = 0; i < count; i++) {
        fill_column(schema, &schema->columns[i], &columns[i]);
    }
    present(schema, options);
    return schema;
}
