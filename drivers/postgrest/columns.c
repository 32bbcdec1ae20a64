/* Columns by the names of their types: what an OpenAPI document or the user says of one -> the
 * facts that the postgres driver has from its catalog. Pure.
 *
 * A type of another schema is known by its name alone: whether it is a composite, a range or a
 * base type nobody says, so nothing but its text is relied on. */
#include "drivers/postgrest/internal.h"

#include "drivers/postgres/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_HEADER = 4, NAME_BYTES_MAX = 256 };

struct known_type {
    const char *name; /* as format_type() or the document writes it */
    uint32_t oid;
    const char *type_name; /* pg_type.typname */
};

/* Of the types that types.c has a row for, those that tables are made of. */
static const struct known_type known_types[] = {
    { "int32", PG_TYPE_INT4, "int4" },
    { "int64", PG_TYPE_INT8, "int8" },
    { "smallint", PG_TYPE_INT2, "int2" },
    { "int2", PG_TYPE_INT2, "int2" },
    { "integer", PG_TYPE_INT4, "int4" },
    { "int4", PG_TYPE_INT4, "int4" },
    { "int", PG_TYPE_INT4, "int4" },
    { "bigint", PG_TYPE_INT8, "int8" },
    { "int8", PG_TYPE_INT8, "int8" },
    { "smallserial", PG_TYPE_INT2, "int2" },
    { "serial", PG_TYPE_INT4, "int4" },
    { "bigserial", PG_TYPE_INT8, "int8" },
    { "oid", PG_TYPE_OID, "oid" },
    { "boolean", PG_TYPE_BOOL, "bool" },
    { "bool", PG_TYPE_BOOL, "bool" },
    { "real", 700, "float4" },
    { "float4", 700, "float4" },
    { "float", PG_TYPE_FLOAT8, "float8" },
    { "double", PG_TYPE_FLOAT8, "float8" },
    { "double precision", PG_TYPE_FLOAT8, "float8" },
    { "float8", PG_TYPE_FLOAT8, "float8" },
    { "numeric", PG_TYPE_NUMERIC, "numeric" },
    { "decimal", PG_TYPE_NUMERIC, "numeric" },
    { "money", 790, "money" },
    { "text", PG_TYPE_TEXT, "text" },
    { "character varying", PG_TYPE_VARCHAR, "varchar" },
    { "varchar", PG_TYPE_VARCHAR, "varchar" },
    { "character", PG_TYPE_BPCHAR, "bpchar" },
    { "char", PG_TYPE_BPCHAR, "bpchar" },
    { "bpchar", PG_TYPE_BPCHAR, "bpchar" },
    { "name", PG_TYPE_NAME, "name" },
    { "\"char\"", 18, "char" },
    { "bytea", PG_TYPE_BYTEA, "bytea" },
    { "uuid", PG_TYPE_UUID, "uuid" },
    { "date", PG_TYPE_DATE, "date" },
    { "timestamp", PG_TYPE_TIMESTAMP, "timestamp" },
    { "timestamp without time zone", PG_TYPE_TIMESTAMP, "timestamp" },
    { "timestamptz", PG_TYPE_TIMESTAMPTZ, "timestamptz" },
    { "timestamp with time zone", PG_TYPE_TIMESTAMPTZ, "timestamptz" },
    { "time", PG_TYPE_TIME, "time" },
    { "time without time zone", PG_TYPE_TIME, "time" },
    { "timetz", 1266, "timetz" },
    { "time with time zone", 1266, "timetz" },
    { "interval", 1186, "interval" },
    { "json", 114, "json" },
    { "jsonb", 3802, "jsonb" },
    { "jsonpath", 4072, "jsonpath" },
    { "xml", 142, "xml" },
    { "inet", 869, "inet" },
    { "cidr", 650, "cidr" },
    { "macaddr", 829, "macaddr" },
    { "macaddr8", 774, "macaddr8" },
    { "bit", 1560, "bit" },
    { "bit varying", 1562, "varbit" },
    { "varbit", 1562, "varbit" },
    { "pg_lsn", 3220, "pg_lsn" },
    { "tsvector", 3614, "tsvector" },
    { "tsquery", 3615, "tsquery" },
    { "tid", 27, "tid" },
    { "xid", 28, "xid" },
    { "cid", 29, "cid" },
    { "xid8", 5069, "xid8" },
    { "txid_snapshot", 2970, "txid_snapshot" },
    { "pg_snapshot", 5038, "pg_snapshot" },
    { "int4range", 3904, "int4range" },
    { "numrange", 3906, "numrange" },
    { "tsrange", 3908, "tsrange" },
    { "tstzrange", 3910, "tstzrange" },
    { "daterange", 3912, "daterange" },
    { "int8range", 3926, "int8range" },
    { "int4multirange", 4451, "int4multirange" },
    { "nummultirange", 4532, "nummultirange" },
    { "tsmultirange", 4533, "tsmultirange" },
    { "tstzmultirange", 4534, "tstzmultirange" },
    { "datemultirange", 4535, "datemultirange" },
    { "int8multirange", 4536, "int8multirange" },
    { "point", 600, "point" },
    { "lseg", 601, "lseg" },
    { "path", 602, "path" },
    { "box", 603, "box" },
    { "polygon", 604, "polygon" },
    { "line", 628, "line" },
    { "circle", 718, "circle" },
    { "regproc", 24, "regproc" },
    { "regprocedure", 2202, "regprocedure" },
    { "regoper", 2203, "regoper" },
    { "regoperator", 2204, "regoperator" },
    { "regclass", 2205, "regclass" },
    { "regtype", 2206, "regtype" },
    { "regconfig", 3734, "regconfig" },
    { "regdictionary", 3769, "regdictionary" },
    { "regnamespace", 4089, "regnamespace" },
    { "regrole", 4096, "regrole" },
    { "regcollation", 4191, "regcollation" },
};

/* Types of extensions that types.c knows by name. */
static const char *const extension_types[] = { "citext", "hstore", "geometry", "geography" };

/* A type's name taken apart: "numeric(10,2)[]". */
struct type_words {
    char name[NAME_BYTES_MAX]; /* without modifier and brackets */
    long modifiers[2];
    int modifier_count;
    bool array;
};

static bool split_type(const char *type, struct type_words *words) {
    size_t length = strcspn(type, "([");
    const char *rest = type + length;

    memset(words, 0, sizeof(*words));
    if (*rest == '(') { /* "timestamp(3) with time zone" goes on behind it */
        char *end;

        rest++;
        do {
            if (words->modifier_count == 2) {
                return false;
            }
            words->modifiers[words->modifier_count++] = strtol(rest, &end, 10);
            if (end == rest) {
                return false;
            }
            rest = end + strspn(end, " ");
        } while (*rest++ == ',');
        if (rest[-1] != ')') {
            return false;
        }
    }
    while (length > 0 && type[length - 1] == ' ') {
        length--;
    }
    words->array = strchr(rest, '[') != NULL;
    return length > 0 &&
           snprintf(words->name, sizeof(words->name), "%.*s%.*s", (int)length, type,
                   (int)strcspn(rest, "["), rest) < (int)sizeof(words->name);
}

static const struct known_type *known_type(const char *name) {
    static const char catalog[] = "pg_catalog.";

    if (strncmp(name, catalog, sizeof(catalog) - 1) == 0) {
        name += sizeof(catalog) - 1;
    }
    for (size_t i = 0; i < sizeof(known_types) / sizeof(known_types[0]); i++) {
        if (strcmp(known_types[i].name, name) == 0) {
            return &known_types[i];
        }
    }
    return NULL;
}

static const char *extension_type(const char *name) {
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; i < sizeof(extension_types) / sizeof(extension_types[0]); i++) {
        if (strcmp(extension_types[i], dot != NULL ? dot + 1 : name) == 0) {
            return extension_types[i];
        }
    }
    return NULL;
}

/* As pg_attribute.atttypmod would have it. */
static int32_t type_modifier(uint32_t oid, const struct type_words *words, int64_t length) {
    if (oid == PG_TYPE_NUMERIC && words->modifier_count > 0) {
        return (int32_t)((words->modifiers[0] << 16 | (words->modifiers[1] & 0x7ff)) +
                         LENGTH_HEADER);
    }
    if (oid == PG_TYPE_TIMESTAMP || oid == PG_TYPE_TIMESTAMPTZ || oid == PG_TYPE_TIME) {
        return words->modifier_count > 0 ? (int32_t)words->modifiers[0] : -1;
    }
    if (oid != PG_TYPE_VARCHAR && oid != PG_TYPE_BPCHAR) {
        return -1;
    }
    length = words->modifier_count > 0 ? words->modifiers[0] : length;
    return length > 0 && length < INT32_MAX - LENGTH_HEADER ? (int32_t)length + LENGTH_HEADER
                                                            : -1;
}

static enum pg_collation_kind collation_of(uint32_t oid) {
    return oid == PG_TYPE_TEXT || oid == PG_TYPE_VARCHAR || oid == PG_TYPE_BPCHAR ||
                           oid == PG_TYPE_NAME
                   ? PG_COLLATION_NONDETERMINISTIC /* nobody says: the worst is assumed */
                   : PG_COLLATION_NONE;
}

enum status pr_column_type(struct schema *schema, struct column *column, const char *type,
        int64_t length, bool labels, struct error *err) {
    struct pr_column *facts = arena_alloc(&schema->arena, sizeof(*facts));
    const struct known_type *known;
    struct type_words words;
    struct text cast;

    if (facts == NULL) {
        return error_nomem(err);
    }
    if (!split_type(type, &words)) {
        return error_set(err, STATUS_USAGE, "type \"%.100s\" of column \"%s\" is malformed",
                type, column->remote_name);
    }
    known = known_type(words.name);
    facts->pg.typmod = -1;
    facts->pg.type_kind = 'b';
    facts->pg.type_schema = known != NULL ? "pg_catalog" : "";
    facts->pg.type_name = arena_copy_text(&schema->arena, words.name);
    column->remote_type = arena_copy_text(&schema->arena, type);
    column->driver_data = facts;
    if (words.array) {
        facts->pg.element_oid = known != NULL ? known->oid : PG_TYPE_TEXT;
    } else if (known != NULL) {
        facts->pg.type_oid = known->oid;
        facts->pg.type_name = known->type_name;
        facts->pg.typmod = type_modifier(known->oid, &words, length);
        facts->pg.collation = collation_of(known->oid);
    } else if (labels) {
        facts->pg.type_kind = 'e';
    } else if (extension_type(words.name) != NULL) {
        facts->pg.type_name = extension_type(words.name);
    } else {
        facts->pg.type_kind = 'c'; /* the most careful of its possible kinds */
    }
    text_init(&cast, NAME_BYTES_MAX + 16);
    text_printf(&cast, "%s%s", known != NULL ? "pg_catalog." : "", words.name);
    facts->pg.type_sql = arena_copy_text(&schema->arena, text_get(&cast));
    text_clear(&cast);
    return facts->pg.type_sql != NULL && facts->pg.type_name != NULL &&
                           column->remote_type != NULL
                   ? STATUS_OK
                   : error_nomem(err);
}

/* ---- the user's words ---------------------------------------------------------------------
 */

/* The end of an item: the next comma outside of quotes and parentheses. */
static size_t item_length(const char *text) {
    int depth = 0;
    bool quoted = false;
    size_t i = 0;

    for (; text[i] != '\0' && (text[i] != ',' || depth > 0 || quoted); i++) {
        quoted ^= text[i] == '"';
        depth += (!quoted && text[i] == '(') - (!quoted && text[i] == ')');
    }
    return i;
}

/* As SQL reads it: one blank where there are several, and small letters, outside of quotes. */
static void fold_type(char *type) {
    bool quoted = false;
    char *out = type;

    for (const char *at = type; *at != '\0'; at++) {
        quoted ^= *at == '"';
        if (quoted || *at != ' ' || at[1] != ' ') {
            *out = *at;
            if (!quoted && *at >= 'A' && *at <= 'Z') {
                *out = (char)(*at | 0x20);
            }
            out++;
        }
    }
    *out = '\0';
}

static bool has_blank(const char *name) {
    bool quoted = false;

    for (; *name != '\0' && (quoted || *name != ' '); name++) {
        quoted ^= *name == '"';
    }
    return *name == ' ';
}

/* A type of the user's own is one word: more of them are NOT NULL, PRIMARY KEY and the like,
 * and the column would be shown as the text of an unknown type. */
static bool is_one_type(const char *type) {
    struct type_words words;

    return !split_type(type, &words) || known_type(words.name) != NULL ||
           !has_blank(words.name);
}

static enum status describe_type(
        struct schema *schema, struct column *column, char *type, struct error *err) {
    enum { REAL_BITS_MAX = 24 };
    struct type_words words;

    fold_type(type);
    if (!is_one_type(type)) {
        return error_set(err, STATUS_USAGE,
                "columns.%s names the type \"%.100s\" for column \"%s\", which is more than a "
                "type: constraints and defaults cannot be told",
                schema->remote_name, type, column->remote_name);
    }
    if (split_type(type, &words) && strcmp(words.name, "float") == 0 &&
            words.modifier_count > 0 && words.modifiers[0] <= REAL_BITS_MAX) {
        return pr_column_type(schema, column, "real", -1, false, err);
    }
    return pr_column_type(schema, column, type, -1, false, err);
}

/* "name type" or "\"a name\" type". */
static enum status describe_item(struct schema *schema, struct column *column, const char *item,
        size_t length, struct error *err) {
    size_t name, type;
    char *text;

    for (; length > 0 && *item == ' '; length--) {
        item++;
    }
    while (length > 0 && item[length - 1] == ' ') {
        length--;
    }
    if (length > 0 && *item == '"') {
        const char *close = memchr(item + 1, '"', length - 1);

        name = close != NULL ? (size_t)(close - item) + 1 : length;
        column->remote_name = name > 2 ? arena_copy(&schema->arena, item + 1, name - 2) : NULL;
    } else {
        const char *blank = memchr(item, ' ', length);

        name = blank != NULL ? (size_t)(blank - item) : length;
        column->remote_name = arena_copy(&schema->arena, item, name);
    }
    for (type = name; type < length && item[type] == ' '; type++) {
    }
    if (type >= length || name == 0 || column->remote_name == NULL) {
        return error_set(err, STATUS_USAGE,
                "columns.%s must be a list of \"name type\" separated by commas",
                schema->remote_name);
    }
    text = arena_copy(&schema->arena, item + type, length - type);
    return text != NULL ? describe_type(schema, column, text, err) : error_nomem(err);
}

static enum status check_twice(const struct schema *schema, size_t column, struct error *err) {
    for (size_t i = 0; i < column; i++) {
        if (strcmp(schema->columns[i].remote_name, schema->columns[column].remote_name) == 0) {
            return error_set(err, STATUS_USAGE, "columns.%s names column \"%s\" twice",
                    schema->remote_name, schema->columns[i].remote_name);
        }
    }
    return STATUS_OK;
}

enum status pr_described_schema(const char *table, const char *columns,
        const char *remote_schema, struct schema **out, struct error *err) {
    size_t count = 1;
    struct schema *schema = NULL;
    enum status status;

    for (const char *at = columns; at[item_length(at)] == ',';) {
        at += item_length(at) + 1;
        count++;
    }
    status = pr_schema_create(remote_schema, table, count, &schema, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        size_t length = item_length(columns);

        status = describe_item(schema, &schema->columns[i], columns, length, err);
        status = status == STATUS_OK ? check_twice(schema, i, err) : status;
        columns += length + (columns[length] == ',');
    }
    if (status != STATUS_OK) {
        schema_release(schema);
        return status;
    }
    *out = schema;
    return STATUS_OK;
}
