/* drivers/postgres/types.c, present.c, shape.c: how columns look under which options, and how
 * rows are told apart. */
#include "drivers/postgres/types.h"
#include "drivers/registry.h"

#include "tests/support/check.h"

#include <stdlib.h>

enum {
    C = PG_COLLATION_C,
    DET = PG_COLLATION_DETERMINISTIC,
    NONDET = PG_COLLATION_NONDETERMINISTIC
};

enum { ONE = 1, NEVER = 2, TEXTS = 4, NULLS = 8 }; /* one_to_one, ..., nan_null */

static const struct option_spec *const all_options[] = { table_options, value_options, NULL };

static const char timestamp_order[] =
        "(CASE WHEN pg_catalog.isfinite(%c) THEN pg_catalog.to_char(%c, "
        "'YYYY-MM-DD HH24:MI:SS.US') OPERATOR(pg_catalog.||) CASE WHEN %c "
        "OPERATOR(pg_catalog.<) '0001-01-01'::pg_catalog.timestamp THEN ' BC' ELSE '' END "
        "ELSE %c::pg_catalog.text END) COLLATE pg_catalog.\"C\"";

#define AS_TEXT   "%c::pg_catalog.text"
#define AS_JSON   "pg_catalog.to_json(%c)::pg_catalog.text"
#define AS_OUTPUT "(CASE WHEN %c IS DISTINCT FROM NULL THEN pg_catalog.concat(%c) END)"
#define BYTEWISE  " COLLATE pg_catalog.\"C\""

/* The facts of a type as describe.c gives them. */
struct facts {
    uint32_t oid;
    const char *name;
    int32_t typmod;
    char kind;
    uint32_t element;
    int collation;
};

#define BASE(oid, name, typmod)                                                                \
    { oid, name, typmod, 'b', 0, 0 }

static const struct {
    struct facts facts;
    const char *options, *declared;
    enum pg_family family;
    enum pg_decoder decoder;
    const char *select, *text, *order;
    unsigned flags;
} cases[] = {
    { BASE(21, "int2", -1), "", "SMALLINT", PG_FAMILY_INTEGER, PG_DECODE_INT2, "%c", AS_TEXT,
            "%c", ONE },
    { BASE(20, "int8", -1), "", "BIGINT", PG_FAMILY_INTEGER, PG_DECODE_INT8, "%c", AS_TEXT,
            "%c", ONE },
    { BASE(26, "oid", -1), "", "INTEGER", PG_FAMILY_INTEGER, PG_DECODE_OID, "%c", AS_TEXT, "%c",
            ONE },
    { BASE(16, "bool", -1), "", "BOOLEAN", PG_FAMILY_BOOL, PG_DECODE_BOOL, "%c",
            "%c::pg_catalog.int4::pg_catalog.text", "%c", ONE },
    { BASE(16, "bool", -1), "profile=pydal", "CHAR(1)", PG_FAMILY_CAST_TEXT, PG_DECODE_BOOL_TF,
            "%c", "(CASE WHEN %c THEN 'T' WHEN NOT %c THEN 'F' END)", "%c",
            ONE | NEVER | TEXTS },
    { BASE(701, "float8", -1), "", "DOUBLE PRECISION", PG_FAMILY_FLOAT8, PG_DECODE_FLOAT8, "%c",
            NULL, "%c", ONE | TEXTS },
    { BASE(701, "float8", -1), "nan=null", "DOUBLE PRECISION", PG_FAMILY_FLOAT8,
            PG_DECODE_FLOAT8, "%c", NULL,
            "(CASE WHEN %c OPERATOR(pg_catalog.<>) 'NaN'::pg_catalog.float8 THEN %c END)",
            NULLS },
    { BASE(700, "float4", -1), "nan.C=null", "REAL", PG_FAMILY_FLOAT4, PG_DECODE_FLOAT8,
            "%c::pg_catalog.text::pg_catalog.float8", NULL,
            "(CASE WHEN %c OPERATOR(pg_catalog.<>) 'NaN'::pg_catalog.float4 THEN %c END)",
            NULLS },
    { BASE(1700, "numeric", -1), "", "NUMERIC", PG_FAMILY_NUMERIC_WIDE, PG_DECODE_NUMERIC, "%c",
            NULL, NULL, TEXTS },
    { BASE(1700, "numeric", 655366), "", "NUMERIC(10,2)", PG_FAMILY_NUMERIC_NARROW,
            PG_DECODE_NUMERIC, "%c", NULL, "%c", ONE | TEXTS },
    { BASE(1700, "numeric", 983044), "", "NUMERIC(15,0)", PG_FAMILY_NUMERIC_NARROW,
            PG_DECODE_NUMERIC, "%c", AS_TEXT, "%c", ONE | TEXTS },
    { BASE(1700, "numeric", 1179652), "", "NUMERIC(18,0)", PG_FAMILY_INTEGER, PG_DECODE_NUMERIC,
            "%c", AS_TEXT, "%c", ONE | TEXTS },
    { BASE(1700, "numeric", 1179652), "nan=null", "NUMERIC(18,0)", PG_FAMILY_INTEGER,
            PG_DECODE_NUMERIC, "%c", NULL,
            "(CASE WHEN %c OPERATOR(pg_catalog.<>) 'NaN'::pg_catalog.numeric THEN %c END)",
            NULLS },
    { BASE(1700, "numeric", 1245188), "", "NUMERIC(19,0)", PG_FAMILY_NUMERIC_WIDE,
            PG_DECODE_NUMERIC, "%c", NULL, NULL, TEXTS },
    { BASE(1700, "numeric", 1048582), "", "NUMERIC(16,2)", PG_FAMILY_NUMERIC_WIDE,
            PG_DECODE_NUMERIC, "%c", NULL, NULL, TEXTS },
    { BASE(1700, "numeric", 329730), "", "NUMERIC", PG_FAMILY_NUMERIC_NARROW, PG_DECODE_NUMERIC,
            "%c", AS_TEXT, "%c", ONE | TEXTS }, /* numeric(5,-2) */
    { BASE(1700, "numeric", 985086), "", "NUMERIC", PG_FAMILY_NUMERIC_WIDE, PG_DECODE_NUMERIC,
            "%c", NULL, NULL, TEXTS }, /* numeric(15,-6): 21 digits */
    { BASE(1700, "numeric", 197404), "", "NUMERIC(3,792)", PG_FAMILY_NUMERIC_WIDE,
            PG_DECODE_NUMERIC, "%c", NULL, NULL, TEXTS }, /* below any double */
    { BASE(1700, "numeric", 655366), "numeric.c=text", "TEXT", PG_FAMILY_CAST_TEXT,
            PG_DECODE_TEXT, AS_TEXT, AS_TEXT, AS_TEXT BYTEWISE, ONE | TEXTS },
    { BASE(1700, "numeric", 655366), "numeric.other=text", "NUMERIC(10,2)",
            PG_FAMILY_NUMERIC_NARROW, PG_DECODE_NUMERIC, "%c", NULL, "%c", ONE | TEXTS },
    { BASE(790, "money", -1), "", "NUMERIC", PG_FAMILY_NUMERIC_WIDE, PG_DECODE_NUMERIC,
            "%c::pg_catalog.numeric", NULL, NULL, 0 },
    { { 25, "text", -1, 'b', 0, C }, "", "TEXT", PG_FAMILY_TEXT, PG_DECODE_TEXT, "%c", "%c",
            "%c", ONE | TEXTS },
    { { 25, "text", -1, 'b', 0, DET }, "", "TEXT", PG_FAMILY_TEXT, PG_DECODE_TEXT, "%c", "%c",
            "%c" BYTEWISE, ONE | TEXTS },
    { { 25, "text", -1, 'b', 0, DET }, "collation=C", "TEXT", PG_FAMILY_TEXT, PG_DECODE_TEXT,
            "%c", "%c", "%c" BYTEWISE, ONE | TEXTS }, /* the catalog knows better */
    { { 25, "text", -1, 'b', 0, NONDET }, "", "TEXT", PG_FAMILY_TEXT_NONDETERMINISTIC,
            PG_DECODE_TEXT, "%c", "%c", "%c" BYTEWISE, ONE | TEXTS },
    { BASE(25, "text", -1), "", "TEXT", PG_FAMILY_TEXT_NONDETERMINISTIC, PG_DECODE_TEXT, "%c",
            "%c", "%c" BYTEWISE, ONE | TEXTS }, /* nobody said */
    { { 1043, "varchar", 44, 'b', 0, DET }, "", "VARCHAR(40)", PG_FAMILY_TEXT, PG_DECODE_TEXT,
            "%c", "%c", "%c" BYTEWISE, ONE | TEXTS },
    { { 19, "name", -1, 'b', 0, C }, "", "TEXT", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT, "%c",
            AS_TEXT, "%c", ONE | TEXTS },
    { { 1042, "bpchar", 14, 'b', 0, DET }, "", "CHAR(10)", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT,
            AS_TEXT, AS_TEXT, AS_TEXT BYTEWISE, ONE | TEXTS },
    { { 1042, "bpchar", 14, 'b', 0, DET }, "bpchar=padded", "CHAR(10)", PG_FAMILY_CAST_TEXT,
            PG_DECODE_TEXT, AS_OUTPUT, AS_OUTPUT, AS_OUTPUT BYTEWISE, ONE | TEXTS },
    { { 25, "text", -1, 'b', 0, C }, "type.c=BLOB", "\"BLOB\"", PG_FAMILY_NULLS_ONLY,
            PG_DECODE_BLOB, "%c", NULL, NULL, ONE },
    { BASE(17, "bytea", -1), "", "BLOB", PG_FAMILY_BYTEA, PG_DECODE_BLOB, "%c", NULL, "%c",
            ONE },
    { BASE(2950, "uuid", -1), "", "CHAR(36)", PG_FAMILY_UUID, PG_DECODE_UUID, "%c", AS_TEXT,
            "%c", ONE | NEVER | TEXTS },
    { BASE(2950, "uuid", -1), "profile=sqlalchemy", "CHAR(32)", PG_FAMILY_CAST_TEXT,
            PG_DECODE_UUID_HEX, "%c", "pg_catalog.replace(" AS_TEXT ", '-', '')", "%c",
            ONE | TEXTS },
    { BASE(2950, "uuid", -1), "uuid=blob", "BLOB", PG_FAMILY_NULLS_ONLY, PG_DECODE_BLOB, "%c",
            NULL, "%c", ONE },
    { BASE(1082, "date", -1), "", "\"DATE(TEXT)\"", PG_FAMILY_DATE, PG_DECODE_DATE, "%c",
            AS_TEXT, AS_TEXT BYTEWISE, ONE | NEVER | TEXTS },
    { BASE(1082, "date", -1), "dates=ad", "\"DATE(TEXT)\"", PG_FAMILY_DATE, PG_DECODE_DATE,
            "%c", AS_TEXT, "%c", ONE | NEVER | TEXTS },
    { BASE(1082, "date", -1), "type.c=DATE", "\"DATE\"", PG_FAMILY_NULLS_ONLY, PG_DECODE_DATE,
            "%c", NULL, NULL, ONE | NEVER | TEXTS },
    { BASE(1114, "timestamp", -1), "dates.c=ad", "\"TIMESTAMP(TEXT)\"", PG_FAMILY_TIMESTAMP,
            PG_DECODE_TIMESTAMP, "%c", "*", "%c", ONE | NEVER | TEXTS },
    { BASE(1114, "timestamp", 3), "", "\"TIMESTAMP(TEXT)\"", PG_FAMILY_TIMESTAMP,
            PG_DECODE_TIMESTAMP, "%c", "*", timestamp_order, ONE | NEVER | TEXTS },
    { BASE(1114, "timestamp", -1), "timestamp=seconds dates=ad", "\"TIMESTAMP(TEXT)\"",
            PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_SECONDS, "%c", "*", "*", NEVER | TEXTS },
    { BASE(1114, "timestamp", -1), "timestamp=unixepoch dates=ad", "NUMERIC",
            PG_FAMILY_NULLS_ONLY, PG_DECODE_TIMESTAMP_UNIXEPOCH, "%c", NULL, NULL, 0 },
    { BASE(1184, "timestamptz", -1), "timestamp=isoformat timestamptz=+00:00",
            "\"TIMESTAMP(TEXT)\"", PG_FAMILY_CAST_TEXT,
            PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET, "%c", "*", "*", ONE | NEVER | TEXTS },
    { BASE(1184, "timestamptz", -1), "timestamp=unixepoch timestamptz=+00:00", "NUMERIC",
            PG_FAMILY_NULLS_ONLY, PG_DECODE_TIMESTAMP_UNIXEPOCH, "%c", NULL, NULL, 0 },
    { BASE(1083, "time", -1), "", "\"TIME(TEXT)\"", PG_FAMILY_TIME, PG_DECODE_TIME, "%c",
            "pg_catalog.to_char(%c, 'HH24:MI:SS.US')", "%c", ONE | NEVER | TEXTS },
    { BASE(1186, "interval", -1), "interval=seconds", "DOUBLE PRECISION", PG_FAMILY_NULLS_ONLY,
            PG_DECODE_FLOAT8, "pg_catalog.date_part('epoch', %c)", NULL, NULL, 0 },
    { BASE(3802, "jsonb", -1), "", "\"JSON(TEXT)\"", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT,
            AS_TEXT, AS_TEXT, AS_TEXT BYTEWISE, ONE | TEXTS },
    { BASE(869, "inet", -1), "", "TEXT", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT, AS_OUTPUT,
            AS_OUTPUT, AS_OUTPUT BYTEWISE, ONE | NEVER | TEXTS },
    { BASE(9, "citext", -1), "", "CITEXT", PG_FAMILY_CITEXT, PG_DECODE_TEXT, AS_TEXT, AS_TEXT,
            AS_TEXT BYTEWISE, ONE | TEXTS },
    { BASE(9, "citext", -1), "citext=nocase", "CITEXT", PG_FAMILY_CITEXT, PG_DECODE_TEXT,
            AS_TEXT, AS_TEXT, "pg_catalog.lower(" AS_TEXT BYTEWISE ")" BYTEWISE, TEXTS },
    { BASE(9, "citext", -1), "citext=nocase type.c=BLOB", "\"BLOB\"", PG_FAMILY_NULLS_ONLY,
            PG_DECODE_BLOB, AS_TEXT, NULL, NULL, 0 },
    { BASE(9, "geometry", -1), "geometry=wkt", "TEXT", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT,
            "\"my schema\".st_astext(%c)", "\"my schema\".st_astext(%c)",
            "\"my schema\".st_astext(%c)" BYTEWISE, NEVER | TEXTS },
    { BASE(9, "ltree", -1), "", "TEXT", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT, AS_OUTPUT,
            AS_OUTPUT, AS_OUTPUT BYTEWISE, TEXTS },
    { { 9, "mood", -1, 'e', 0, 0 }, "", "TEXT", PG_FAMILY_ENUM, PG_DECODE_TEXT, AS_TEXT,
            AS_TEXT, AS_TEXT BYTEWISE, ONE | TEXTS },
    { { 9, "citext", -1, 'e', 0, 0 }, "", "TEXT", PG_FAMILY_ENUM, PG_DECODE_TEXT, AS_TEXT,
            AS_TEXT, AS_TEXT BYTEWISE, ONE | TEXTS }, /* a name alone makes no extension */
    { { 9, "pair", -1, 'c', 0, 0 }, "", "\"JSON(TEXT)\"", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT,
            AS_JSON, AS_JSON, AS_JSON BYTEWISE, NEVER | TEXTS },
    { { 9, "pair", -1, 'c', 0, 0 }, "composite=literal", "TEXT", PG_FAMILY_CAST_TEXT,
            PG_DECODE_TEXT, AS_OUTPUT, AS_OUTPUT, AS_OUTPUT BYTEWISE, NEVER | TEXTS },
    { { 9, "floatrange", -1, 'r', 0, 0 }, "", "TEXT", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT,
            AS_OUTPUT, AS_OUTPUT, AS_OUTPUT BYTEWISE, NEVER | TEXTS },
    { { 1007, "_int4", -1, 'b', 23, 0 }, "", "\"JSON(TEXT)\"", PG_FAMILY_CAST_TEXT,
            PG_DECODE_TEXT, AS_JSON, AS_JSON, AS_JSON BYTEWISE, NEVER | TEXTS },
    { { 1007, "_int4", -1, 'b', 23, 0 }, "array.c=literal", "TEXT", PG_FAMILY_CAST_TEXT,
            PG_DECODE_TEXT, AS_OUTPUT, AS_OUTPUT, AS_OUTPUT BYTEWISE, NEVER | TEXTS },
    { { 22, "int2vector", -1, 'b', 21, 0 }, "", "TEXT", PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT,
            AS_TEXT, AS_TEXT, AS_TEXT BYTEWISE, ONE | TEXTS },
    { { 2249, "record", -1, 'p', 0, 0 }, "", "\"JSON(TEXT)\"", PG_FAMILY_CAST_TEXT,
            PG_DECODE_TEXT, AS_JSON, AS_JSON, AS_JSON BYTEWISE, NEVER | TEXTS },
};

/* A relation of columns "c", "d", ... of the types given. */
static struct schema *make_schema(const struct facts *facts, size_t count) {
    struct schema *schema = schema_create();
    struct pg_relation *relation = arena_alloc(&schema->arena, sizeof(*relation));

    schema->kind = RELATION_TABLE;
    schema->remote_name = "t";
    schema->columns = arena_alloc_array(&schema->arena, count, sizeof(*schema->columns));
    schema->column_count = count;
    schema->driver_data = relation;
    relation->utf8 = true;
    for (size_t i = 0; i < count; i++) {
        struct pg_column *pg = arena_alloc(&schema->arena, sizeof(*pg));
        char name[2] = { (char)('c' + i), '\0' }, type[128];

        snprintf(type, sizeof(type), "%s%s",
                facts[i].oid == 9 ? "\"my schema\"." : "pg_catalog.", facts[i].name);
        *pg = (struct pg_column){ .type_oid = facts[i].oid,
            .typmod = facts[i].typmod,
            .type_name = facts[i].name,
            .type_sql = arena_copy_text(&schema->arena, type),
            .type_kind = facts[i].kind,
            .element_oid = facts[i].element,
            .collation = (enum pg_collation_kind)facts[i].collation };
        schema->columns[i].driver_data = pg;
        schema->columns[i].remote_name = arena_copy_text(&schema->arena, name);
        schema->columns[i].remote_type = facts[i].name;
        schema->columns[i].remote_not_null = true;
    }
    return schema;
}

static enum status present(struct schema *schema, const char *words, struct error *err) {
    struct options options;
    enum status status = STATUS_OK;
    char copy[256], *next = copy;

    options_init(&options, all_options, NULL);
    snprintf(copy, sizeof(copy), "%s", words);
    for (char *word = strtok_r(copy, " ", &next); word != NULL && status == STATUS_OK;
            word = strtok_r(NULL, " ", &next)) {
        status = options_add(&options, word, err);
    }
    if (status == STATUS_OK) {
        status = pg_present(schema, &options, err);
    }
    options_clear(&options);
    return status;
}

static void check_expression(const char *label, const char *want, const char *got) {
    if (want == NULL || strcmp(want, "*") != 0) {
        check_text(label, want, got);
    }
}

static void columns_look_as_they_must(void **state) {
    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct schema *schema = make_schema(&cases[i].facts, 1);
        const struct pg_column *pg = pg_column(schema, 0);
        const struct column *column = &schema->columns[0];
        struct error err = { 0 };
        char label[128];

        snprintf(label, sizeof(label), "%s %d %s", cases[i].facts.name, cases[i].facts.typmod,
                cases[i].options);
        check_status(label, STATUS_OK, present(schema, cases[i].options, &err), &err);
        check_text(label, cases[i].declared, column->declared);
        check_int(label, cases[i].family, pg->family);
        check_int(label, cases[i].decoder, pg->decoder);
        check_expression(label, cases[i].select, pg->select_expression);
        check_expression(label, cases[i].text, pg->text_expression);
        check_expression(label, cases[i].order, pg->order_expression);
        check_int(label, (cases[i].flags & ONE) != 0, column->one_to_one);
        check_int(label, (cases[i].flags & NEVER) != 0, pg->never_numeric);
        check_int(label, (cases[i].flags & TEXTS) != 0, column->text_values);
        check_int(label, (cases[i].flags & NULLS) != 0, pg->nan_null);
        check_int(label, (cases[i].flags & NULLS) == 0, column->not_null);
        check_text(label, "c", pg->name);
        error_clear(&err);
        schema_release(schema);
    }
}

/* What a declared type would change is refused, and what is none. */
static void declared_types_keep_values(void **state) {
    static const struct {
        struct facts facts;
        const char *options;
        enum status status;
    } words[] = {
        { BASE(23, "int4", -1), "type.c=TEXT", STATUS_USAGE },
        { BASE(23, "int4", -1), "type.c=REAL", STATUS_USAGE },
        { BASE(23, "int4", -1), "type.c=DATETIME", STATUS_OK },
        { BASE(23, "int4", -1), "type.c=BLOB", STATUS_OK },
        { BASE(701, "float8", -1), "type.c=NUMERIC", STATUS_USAGE },
        { BASE(701, "float8", -1), "type.c=FLOAT", STATUS_OK },
        { BASE(1700, "numeric", -1), "type.c=REAL", STATUS_USAGE },
        { BASE(1700, "numeric", -1), "type.c=VARCHAR", STATUS_USAGE },
        { BASE(1700, "numeric", -1), "type.c=DECIMAL(9,2)", STATUS_OK },
        { BASE(25, "text", -1), "type.c=JSON", STATUS_USAGE },
        { BASE(25, "text", -1), "type.c=CLOB", STATUS_OK },
        { BASE(1114, "timestamp", -1), "type.c=DATETIME", STATUS_OK },
        { BASE(17, "bytea", -1), "type.c=INTEGER", STATUS_OK },
        { BASE(25, "text", -1), "type.c=TEXT\"", STATUS_USAGE },
        { BASE(25, "text", -1), "type.c=TEXTHidden", STATUS_USAGE },
        { { 2281, "internal", -1, 'p', 0, 0 }, "", STATUS_UNSUPPORTED },
    };

    (void)state;
    for (size_t i = 0; i < check_count(words); i++) {
        struct schema *schema = make_schema(&words[i].facts, 1);
        struct error err = { 0 };

        check_status(words[i].options, words[i].status, present(schema, words[i].options, &err),
                &err);
        check_int(words[i].options, words[i].status, err.status);
        error_clear(&err);
        schema_release(schema);
    }
}

static void other_encodings_sort_otherwise(void **state) {
    static const struct facts facts[] = { { 25, "text", -1, 'b', 0, C }, BASE(114, "json", -1),
        BASE(2950, "uuid", -1), BASE(1082, "date", -1), BASE(23, "int4", -1) };
    struct schema *schema = make_schema(facts, check_count(facts));

    (void)state;
    ((struct pg_relation *)schema->driver_data)->utf8 = false;
    check_int("present", STATUS_OK, present(schema, "", NULL));
    check_text("text", NULL, pg_column(schema, 0)->order_expression);
    check_text("json", NULL, pg_column(schema, 1)->order_expression);
    check_text("uuid", "%c", pg_column(schema, 2)->order_expression);
    check_text("date", AS_TEXT BYTEWISE, pg_column(schema, 3)->order_expression);
    check_text("int4", "%c", pg_column(schema, 4)->order_expression);
    schema_release(schema);
}

static void a_query_takes_the_users_word(void **state) {
    static const struct facts facts[] = { BASE(25, "text", -1) };
    struct schema *schema = make_schema(facts, 1);

    (void)state;
    schema->kind = RELATION_QUERY;
    check_int("present", STATUS_OK, present(schema, "collation.c=C", NULL));
    check_int("family", PG_FAMILY_TEXT, pg_column(schema, 0)->family);
    check_text("order", "%c", pg_column(schema, 0)->order_expression);
    check_true("nullable", !schema->columns[0].not_null);
    schema_release(schema);
}

/* ---- shapes: columns c int4, d text, e numeric, f int8, g nullable int4 ---- */

enum { PARTIAL = 1, DEFERRED = 2, INVALID = 4, LEAVES = 8, FOREIGN = 16, MANY = 32 };

static const struct {
    const char *label;
    enum relation_kind relation;
    const char *key; /* 'p' or 'u', then columns by letter: "pcd" */
    unsigned flags;
    const char *options;
    enum identity identity;
    int column;
} shapes[] = {
    { "integer", RELATION_TABLE, "pc", 0, "", IDENTITY_INTEGER_KEY, 0 },
    { "bigint", RELATION_TABLE, "pf", 0, "rowid=1", IDENTITY_INTEGER_KEY, 3 },
    { "text", RELATION_TABLE, "pd", 0, "", IDENTITY_KEY, 1 },
    { "text, rowid", RELATION_TABLE, "pd", 0, "rowid=1", IDENTITY_ROWID, -1 },
    { "looks alike", RELATION_TABLE, "pe", 0, "", IDENTITY_ROWID, -1 },
    { "as text", RELATION_TABLE, "pe", 0, "numeric=text", IDENTITY_KEY, 2 },
    { "declared", RELATION_TABLE, "pc", 0, "type.c=NUMERIC", IDENTITY_KEY, 0 },
    { "two columns", RELATION_TABLE, "pcd", 0, "", IDENTITY_ROWID, -1 },
    { "none", RELATION_TABLE, "", 0, "", IDENTITY_ROWID, -1 },
    { "unique", RELATION_TABLE, "uc", 0, "", IDENTITY_ROWID, -1 },
    { "unique, chosen", RELATION_TABLE, "uc", 0, "key=c", IDENTITY_INTEGER_KEY, 0 },
    { "two, chosen", RELATION_TABLE, "ucd", 0, "key=d,C", IDENTITY_ROWID, -1 },
    { "part chosen", RELATION_TABLE, "ucd", 0, "key=d", -1, STATUS_USAGE },
    { "nullable", RELATION_TABLE, "ug", 0, "key=g", -1, STATUS_USAGE },
    { "no column", RELATION_TABLE, "uc", 0, "key=zz", -1, STATUS_USAGE },
    { "no item", RELATION_TABLE, "uc", 0, "key=,", -1, STATUS_USAGE },
    { "partial", RELATION_TABLE, "pc", PARTIAL, "", IDENTITY_ROWID, -1 },
    { "deferred", RELATION_TABLE, "pc", DEFERRED, "", IDENTITY_ROWID, -1 },
    { "invalid", RELATION_TABLE, "pc", INVALID, "", IDENTITY_ROWID, -1 },
    { "deferred, chosen", RELATION_TABLE, "uc", DEFERRED, "key=c", -1, STATUS_USAGE },
    { "inherited", RELATION_TABLE, "pc", LEAVES, "", IDENTITY_ROWID, -1 },
    { "inherited, foreign", RELATION_TABLE, "pc", LEAVES | FOREIGN, "", IDENTITY_ROW, -1 },
    { "partitioned", RELATION_PARTITIONED_TABLE, "pc", LEAVES, "", IDENTITY_INTEGER_KEY, 0 },
    { "partitioned, none", RELATION_PARTITIONED_TABLE, "", LEAVES, "", IDENTITY_ROWID, -1 },
    { "foreign leaf", RELATION_PARTITIONED_TABLE, "", LEAVES | FOREIGN, "", IDENTITY_ROW, -1 },
    { "many leaves", RELATION_PARTITIONED_TABLE, "", MANY, "", IDENTITY_ROW, -1 },
    { "view", RELATION_VIEW, "", 0, "", IDENTITY_ROW, -1 },
    { "view, key", RELATION_VIEW, "", 0, "key=c", IDENTITY_INTEGER_KEY, 0 },
    { "view, text key", RELATION_VIEW, "", 0, "key=d", IDENTITY_KEY, 1 },
    { "view, alike", RELATION_VIEW, "", 0, "key=e", IDENTITY_ROW, -1 },
    { "view, two", RELATION_VIEW, "", 0, "key=c,d", IDENTITY_ROW, -1 },
    { "materialized", RELATION_MATERIALIZED_VIEW, "", 0, "", IDENTITY_ROWID, -1 },
    { "foreign", RELATION_FOREIGN_TABLE, "", 0, "", IDENTITY_ROW, -1 },
    { "query", RELATION_QUERY, "", 0, "key=d", IDENTITY_KEY, 1 },
};

static struct schema *make_shape(size_t i, int *columns, struct key *key) {
    static const struct facts facts[] = { BASE(23, "int4", -1), { 25, "text", -1, 'b', 0, DET },
        BASE(1700, "numeric", -1), BASE(20, "int8", -1), BASE(23, "int4", -1) };
    struct schema *schema = make_schema(facts, check_count(facts));
    struct pg_relation *relation = (struct pg_relation *)schema->driver_data;
    unsigned flags = shapes[i].flags;

    schema->kind = shapes[i].relation;
    schema->columns[4].remote_not_null = false;
    relation->leaf_count = (flags & MANY) != 0 ? 32768 : (flags & LEAVES) != 0 ? 2 : 0;
    relation->foreign_leaves = (flags & FOREIGN) != 0;
    *key = (struct key){ .kind = shapes[i].key[0] == 'p' ? KEY_PRIMARY : KEY_UNIQUE,
        .columns = columns,
        .valid = (flags & INVALID) == 0,
        .immediate = (flags & DEFERRED) == 0,
        .partial = (flags & PARTIAL) != 0 };
    if (shapes[i].key[0] != '\0') {
        for (const char *at = shapes[i].key + 1; *at != '\0'; at++) {
            columns[key->column_count++] = *at - 'c';
        }
        schema->keys = key;
        schema->key_count = 1;
    }
    return schema;
}

static void rows_are_told_apart(void **state) {
    (void)state;
    for (size_t i = 0; i < check_count(shapes); i++) {
        int columns[4];
        struct key key;
        struct schema *schema = make_shape(i, columns, &key);
        struct error err = { 0 };
        enum status status = present(schema, shapes[i].options, &err);

        if ((int)shapes[i].identity < 0) {
            check_status(shapes[i].label, (enum status)shapes[i].column, status, &err);
        } else {
            check_status(shapes[i].label, STATUS_OK, status, &err);
            check_int(shapes[i].label, shapes[i].identity, schema->identity);
            check_int(shapes[i].label, shapes[i].column, schema->key_column);
        }
        if (status == STATUS_OK && schema->identity == IDENTITY_INTEGER_KEY) {
            check_text(
                    shapes[i].label, "INTEGER", schema->columns[schema->key_column].declared);
        }
        error_clear(&err);
        schema_release(schema);
    }
}

/* NOT NULL is believed where the server enforces it for every row. */
static void not_null_is_not_believed_blindly(void **state) {
    static const struct {
        enum relation_kind relation;
        size_t leaves;
        bool foreign, want;
    } relations[] = {
        { RELATION_TABLE, 0, false, true },
        { RELATION_TABLE, 2, false, false },
        { RELATION_PARTITIONED_TABLE, 2, false, true },
        { RELATION_PARTITIONED_TABLE, 2, true, false },
        { RELATION_FOREIGN_TABLE, 0, false, false },
        { RELATION_VIEW, 0, false, false },
    };
    static const struct facts facts[] = { BASE(23, "int4", -1) };

    (void)state;
    for (size_t i = 0; i < check_count(relations); i++) {
        struct schema *schema = make_schema(facts, 1);
        struct pg_relation *relation = (struct pg_relation *)schema->driver_data;

        schema->kind = relations[i].relation;
        relation->leaf_count = relations[i].leaves;
        relation->foreign_leaves = relations[i].foreign;
        check_int("present", STATUS_OK, present(schema, "", NULL));
        check_int("not null", relations[i].want, schema->columns[0].not_null);
        schema_release(schema);
    }
}

static void presentations_are_written_down(void **state) {
    static const struct facts facts[] = { BASE(23, "int4", -1), BASE(1184, "timestamptz", -1),
        BASE(1700, "numeric", -1) };
    struct schema *schema = make_schema(facts, check_count(facts));

    (void)state;
    check_int("present", STATUS_OK, present(schema, "nan=null type.e=DECIMAL", NULL));
    check_text("int4", "", schema->columns[0].presentation);
    check_text("timestamptz", "timestamp=seconds6 timestamptz=naive",
            schema->columns[1].presentation);
    check_text(
            "numeric", "numeric=number nan=null type=DECIMAL", schema->columns[2].presentation);
    schema_release(schema);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_look_as_they_must),
        cmocka_unit_test(declared_types_keep_values),
        cmocka_unit_test(other_encodings_sort_otherwise),
        cmocka_unit_test(a_query_takes_the_users_word),
        cmocka_unit_test(rows_are_told_apart),
        cmocka_unit_test(not_null_is_not_believed_blindly),
        cmocka_unit_test(presentations_are_written_down),
    };

    return check_run(tests);
}
