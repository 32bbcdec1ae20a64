/* How each remote type looks in SQLite: one row per type, one more per option that changes it.
 *
 * Every name in an expression is qualified, so that no search_path changes its meaning. Text
 * forms rely on the settings that connection.c pins (DateStyle, TimeZone, IntervalStyle,
 * extra_float_digits, bytea_output, lc_monetary). A cast to text is the output function but for
 * the types that have a cast function of their own; types of users and extensions may have one,
 * so theirs go through concat(), which always calls the output function. */
#include "drivers/postgres/types.h"

#include <string.h>

/* Written out once; the rows below are assembled from them. */
#define AS_TEXT   "%c::pg_catalog.text"
#define AS_OUTPUT "(CASE WHEN %c IS DISTINCT FROM NULL THEN pg_catalog.concat(%c) END)"
#define AS_JSON   "pg_catalog.to_json(%c)::pg_catalog.text"
#define BYTEWISE  " COLLATE pg_catalog.\"C\""
#define IN_UTC    "(%c AT TIME ZONE 'UTC')"
/* to_char() knows no infinity and no era unless asked; t is a timestamp, form the text of a
 * year after 1 BC. */
#define TIMESTAMP_TEXT(t, form)                                                                \
    "(CASE WHEN pg_catalog.isfinite(" t ") THEN " form " OPERATOR(pg_catalog.||) CASE WHEN " t \
    " OPERATOR(pg_catalog.<) '0001-01-01'::pg_catalog.timestamp THEN ' BC' ELSE '' END"        \
    " ELSE " t "::pg_catalog.text END)"
#define OFFSET            "\"+00:00\"" /* quoted, as to_char() takes words */
#define SECONDS6(t, end)  "pg_catalog.to_char(" t ", 'YYYY-MM-DD HH24:MI:SS.US" end "')"
#define SECONDS(t, end)   "pg_catalog.to_char(" t ", 'YYYY-MM-DD HH24:MI:SS" end "')"
#define ISOFORMAT(t, end) "pg_catalog.replace(" SECONDS6(t, end) ", '.000000', '')"
#define NOT_NAN(type, then)                                                                    \
    "(CASE WHEN %c OPERATOR(pg_catalog.<>) 'NaN'::pg_catalog." type " THEN " then " END)"

enum {
    ONE = PG_LOOK_ONE_TO_ONE,
    NEVER = PG_LOOK_NEVER_NUMERIC,
    ASCII = PG_LOOK_ASCII,
    SORTED = PG_LOOK_ORDER_TEXT,
    SIZED = PG_LOOK_SIZED,
};

#define TEXT_LOOK(declared, expression, flags)                                                 \
    {                                                                                          \
        PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT, declared, expression, expression, NULL,           \
                PG_TYPE_TEXT, (flags) | SORTED                                                 \
    }
/* A row of pg_catalog whose cast to text is its output function. */
#define TEXT_ROW(oid, flags)                                                                   \
    { oid, NULL, PG_OPTIONS_NONE, TEXT_LOOK("TEXT", AS_TEXT, flags) }

const char *const pg_option_names[PG_OPTION_SET_COUNT][PG_SET_OPTIONS_MAX] = {
    [PG_OPTIONS_BOOL] = { "bool" },
    [PG_OPTIONS_FLOAT] = { "nan" },
    [PG_OPTIONS_NUMERIC] = { "numeric", "nan" },
    [PG_OPTIONS_MONEY] = { "numeric" },
    [PG_OPTIONS_BPCHAR] = { "bpchar" },
    [PG_OPTIONS_CITEXT] = { "citext" },
    [PG_OPTIONS_TIMESTAMP] = { "timestamp" },
    [PG_OPTIONS_TIMESTAMPTZ] = { "timestamp", "timestamptz" },
    [PG_OPTIONS_INTERVAL] = { "interval" },
    [PG_OPTIONS_UUID] = { "uuid" },
    [PG_OPTIONS_ARRAY] = { "array" },
    [PG_OPTIONS_COMPOSITE] = { "composite" },
    [PG_OPTIONS_GEOMETRY] = { "geometry" },
};

static const struct pg_type types[] = {
    { PG_TYPE_INT2, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_INTEGER, PG_DECODE_INT2, "SMALLINT", "%c", AS_TEXT, "%c", PG_TYPE_INT2,
                    ONE } },
    { PG_TYPE_INT4, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_INTEGER, PG_DECODE_INT4, "INTEGER", "%c", AS_TEXT, "%c", PG_TYPE_INT4,
                    ONE } },
    { PG_TYPE_INT8, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_INTEGER, PG_DECODE_INT8, "BIGINT", "%c", AS_TEXT, "%c", PG_TYPE_INT8,
                    ONE } },
    { PG_TYPE_OID, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_INTEGER, PG_DECODE_OID, "INTEGER", "%c", AS_TEXT, "%c", PG_TYPE_OID,
                    ONE } },
    { PG_TYPE_BOOL, NULL, PG_OPTIONS_BOOL,
            { PG_FAMILY_BOOL, PG_DECODE_BOOL, "BOOLEAN", "%c",
                    "%c::pg_catalog.int4::pg_catalog.text", "%c", PG_TYPE_BOOL, ONE } },
    { PG_TYPE_FLOAT8, NULL, PG_OPTIONS_FLOAT,
            { PG_FAMILY_FLOAT8, PG_DECODE_FLOAT8, "DOUBLE PRECISION", "%c", NULL, "%c",
                    PG_TYPE_FLOAT8, ONE } },
    /* The shortest text that is read back as the same float4, as a double: 0.1 is 0.1. */
    { 700 /* float4 */, NULL, PG_OPTIONS_FLOAT,
            { PG_FAMILY_FLOAT4, PG_DECODE_FLOAT8, "REAL",
                    "%c::pg_catalog.text::pg_catalog.float8", NULL, "%c", PG_TYPE_FLOAT8,
                    ONE } },
    { PG_TYPE_NUMERIC, NULL, PG_OPTIONS_NUMERIC, /* present.c narrows it by the precision */
            { PG_FAMILY_NUMERIC_WIDE, PG_DECODE_NUMERIC, "NUMERIC", "%c", NULL, NULL,
                    PG_TYPE_NUMERIC, SIZED } },
    { 790 /* money */, NULL, PG_OPTIONS_MONEY,
            { PG_FAMILY_NUMERIC_WIDE, PG_DECODE_NUMERIC, "NUMERIC", "%c::pg_catalog.numeric",
                    NULL, NULL, PG_TYPE_NUMERIC, 0 } },
    { PG_TYPE_TEXT, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_TEXT, PG_DECODE_TEXT, "TEXT", "%c", "%c", "%c", PG_TYPE_TEXT,
                    ONE | PG_LOOK_COLLATED } },
    { PG_TYPE_VARCHAR, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_TEXT, PG_DECODE_TEXT, "VARCHAR", "%c", "%c", "%c", PG_TYPE_VARCHAR,
                    ONE | PG_LOOK_COLLATED | SIZED } },
    { PG_TYPE_NAME, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT, "TEXT", "%c", AS_TEXT, "%c", PG_TYPE_NAME,
                    ONE | PG_LOOK_COLLATED } },
    { PG_TYPE_BPCHAR, NULL, PG_OPTIONS_BPCHAR, TEXT_LOOK("CHAR", AS_TEXT, ONE | SIZED) },
    { PG_TYPE_BYTEA, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_BYTEA, PG_DECODE_BLOB, "BLOB", "%c", NULL, "%c", PG_TYPE_BYTEA, ONE } },
    { PG_TYPE_UUID, NULL, PG_OPTIONS_UUID,
            { PG_FAMILY_UUID, PG_DECODE_UUID, "CHAR(36)", "%c", AS_TEXT, "%c", PG_TYPE_UUID,
                    ONE | NEVER | ASCII } },
    { PG_TYPE_DATE, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_DATE, PG_DECODE_DATE, "\"DATE(TEXT)\"", "%c", AS_TEXT, NULL,
                    PG_TYPE_DATE, ONE | NEVER | ASCII | SORTED } },
    { PG_TYPE_TIMESTAMP, NULL, PG_OPTIONS_TIMESTAMP,
            { PG_FAMILY_TIMESTAMP, PG_DECODE_TIMESTAMP, "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT("%c", SECONDS6("%c", "")), NULL, PG_TYPE_TIMESTAMP,
                    ONE | NEVER | ASCII | SORTED } },
    { PG_TYPE_TIMESTAMPTZ, NULL, PG_OPTIONS_TIMESTAMPTZ,
            { PG_FAMILY_TIMESTAMPTZ, PG_DECODE_TIMESTAMP, "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT(IN_UTC, SECONDS6(IN_UTC, "")), NULL, PG_TYPE_TIMESTAMPTZ,
                    ONE | NEVER | ASCII | SORTED } },
    { PG_TYPE_TIME, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_TIME, PG_DECODE_TIME, "\"TIME(TEXT)\"", "%c",
                    "pg_catalog.to_char(%c, 'HH24:MI:SS.US')", "%c", PG_TYPE_TIME,
                    ONE | NEVER | ASCII } },
    { 1186 /* interval */, NULL, PG_OPTIONS_INTERVAL,
            TEXT_LOOK("TEXT", AS_TEXT, ONE | NEVER | ASCII) },
    { 869 /* inet: its cast adds the /32 */, NULL, PG_OPTIONS_NONE,
            TEXT_LOOK("TEXT", AS_OUTPUT, ONE | NEVER | ASCII) },
    { 829 /* macaddr */, NULL, PG_OPTIONS_NONE,
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TEXT, "TEXT", AS_TEXT, AS_TEXT, "%c", PG_TYPE_TEXT,
                    ONE | NEVER | ASCII } },
    { 114 /* json */, NULL, PG_OPTIONS_NONE, TEXT_LOOK("\"JSON(TEXT)\"", AS_TEXT, ONE) },
    { 3802 /* jsonb */, NULL, PG_OPTIONS_NONE, TEXT_LOOK("\"JSON(TEXT)\"", AS_TEXT, ONE) },
    TEXT_ROW(18 /* "char" */, ONE),
    TEXT_ROW(142 /* xml */, ONE),
    TEXT_ROW(650 /* cidr */, ONE | NEVER | ASCII),
    TEXT_ROW(774 /* macaddr8 */, ONE | NEVER | ASCII),
    TEXT_ROW(1266 /* timetz */, ONE | NEVER | ASCII),
    TEXT_ROW(1560 /* bit */, ONE | ASCII),
    TEXT_ROW(1562 /* varbit */, ONE | ASCII),
    TEXT_ROW(3220 /* pg_lsn */, ONE | NEVER | ASCII),
    TEXT_ROW(3614 /* tsvector */, ONE),
    TEXT_ROW(3615 /* tsquery */, 0), /* two trees may be written alike */
    TEXT_ROW(3642 /* gtsvector */, 0),
    TEXT_ROW(4072 /* jsonpath */, 0),
    /* transaction numbers and places in a heap */
    TEXT_ROW(27 /* tid */, ONE | NEVER | ASCII),
    TEXT_ROW(28 /* xid */, ONE | ASCII),
    TEXT_ROW(29 /* cid */, ONE | ASCII),
    TEXT_ROW(5069 /* xid8 */, ONE | ASCII),
    TEXT_ROW(2970 /* txid_snapshot */, ONE | NEVER | ASCII),
    TEXT_ROW(5038 /* pg_snapshot */, ONE | NEVER | ASCII),
    /* ranges and multiranges */
    TEXT_ROW(3904 /* int4range */, ONE | NEVER | ASCII),
    TEXT_ROW(3906 /* numrange */, ONE | NEVER | ASCII),
    TEXT_ROW(3908 /* tsrange */, ONE | NEVER | ASCII),
    TEXT_ROW(3910 /* tstzrange */, ONE | NEVER | ASCII),
    TEXT_ROW(3912 /* daterange */, ONE | NEVER | ASCII),
    TEXT_ROW(3926 /* int8range */, ONE | NEVER | ASCII),
    TEXT_ROW(4451 /* int4multirange */, ONE | NEVER | ASCII),
    TEXT_ROW(4532 /* nummultirange */, ONE | NEVER | ASCII),
    TEXT_ROW(4533 /* tsmultirange */, ONE | NEVER | ASCII),
    TEXT_ROW(4534 /* tstzmultirange */, ONE | NEVER | ASCII),
    TEXT_ROW(4535 /* datemultirange */, ONE | NEVER | ASCII),
    TEXT_ROW(4536 /* int8multirange */, ONE | NEVER | ASCII),
    /* geometric types: the remote compares them with a tolerance, or by area */
    TEXT_ROW(600 /* point */, NEVER | ASCII),
    TEXT_ROW(601 /* lseg */, NEVER | ASCII),
    TEXT_ROW(602 /* path */, NEVER | ASCII),
    TEXT_ROW(603 /* box */, NEVER | ASCII),
    TEXT_ROW(604 /* polygon */, NEVER | ASCII),
    TEXT_ROW(628 /* line */, NEVER | ASCII),
    TEXT_ROW(718 /* circle */, NEVER | ASCII),
    /* names of catalog objects: overloads may share one, and a name changes behind its oid */
    TEXT_ROW(24 /* regproc */, 0),
    TEXT_ROW(2202 /* regprocedure */, 0),
    TEXT_ROW(2203 /* regoper */, 0),
    TEXT_ROW(2204 /* regoperator */, 0),
    TEXT_ROW(2205 /* regclass */, 0),
    TEXT_ROW(2206 /* regtype */, 0),
    TEXT_ROW(3734 /* regconfig */, 0),
    TEXT_ROW(3769 /* regdictionary */, 0),
    TEXT_ROW(4089 /* regnamespace */, 0),
    TEXT_ROW(4096 /* regrole */, 0),
    TEXT_ROW(4191 /* regcollation */, 0),
    TEXT_ROW(8326 /* regdatabase */, 0),
    /* what the catalogs are made of */
    TEXT_ROW(22 /* int2vector */, ONE | ASCII),
    TEXT_ROW(30 /* oidvector */, ONE | ASCII),
    TEXT_ROW(194 /* pg_node_tree */, 0),
    TEXT_ROW(1033 /* aclitem */, 0),
    TEXT_ROW(1790 /* refcursor */, ONE),
    TEXT_ROW(3361 /* pg_ndistinct */, 0),
    TEXT_ROW(3402 /* pg_dependencies */, 0),
    TEXT_ROW(4600 /* pg_brin_bloom_summary */, 0),
    TEXT_ROW(4601 /* pg_brin_minmax_multi_summary */, 0),
    TEXT_ROW(5017 /* pg_mcv_list */, 0),
    /* pseudo-types that can be had as values: pg_stats shows the first */
    TEXT_ROW(2277 /* anyarray */, 0),
    TEXT_ROW(705 /* unknown */, 0),
    TEXT_ROW(2275 /* cstring */, 0),
    TEXT_ROW(2278 /* void: what SELECT pg_sleep(1) gives */, 0),
    /* types of extensions, in whichever schema they were put */
    { 0, "citext", PG_OPTIONS_CITEXT,
            { PG_FAMILY_CITEXT, PG_DECODE_TEXT, "CITEXT", AS_TEXT, AS_TEXT, NULL, PG_TYPE_TEXT,
                    ONE | SORTED } },
    { 0, "hstore", PG_OPTIONS_NONE, TEXT_LOOK("\"JSON(TEXT)\"", AS_JSON, NEVER) },
    { 0, "geometry", PG_OPTIONS_GEOMETRY, TEXT_LOOK("TEXT", AS_OUTPUT, ASCII) },
    { 0, "geography", PG_OPTIONS_GEOMETRY, TEXT_LOOK("TEXT", AS_OUTPUT, ASCII) },
};

/* Types without a row, by their kind (pg_type.typtype). */
static const struct pg_type array_type = { 0, NULL, PG_OPTIONS_ARRAY,
    TEXT_LOOK("\"JSON(TEXT)\"", AS_JSON, NEVER) };
static const struct pg_type composite_type = { 0, NULL, PG_OPTIONS_COMPOSITE,
    TEXT_LOOK("\"JSON(TEXT)\"", AS_JSON, NEVER | PG_LOOK_ROW_NULL) };
static const struct pg_type range_type = { 0, NULL, PG_OPTIONS_NONE,
    TEXT_LOOK("TEXT", AS_OUTPUT, NEVER) };
static const struct pg_type enum_type = { 0, NULL, PG_OPTIONS_NONE,
    { PG_FAMILY_ENUM, PG_DECODE_TEXT, "TEXT", AS_TEXT, AS_TEXT, NULL, PG_TYPE_TEXT,
            ONE | SORTED } };
static const struct pg_type other_type = { 0, NULL, PG_OPTIONS_NONE,
    TEXT_LOOK("TEXT", AS_OUTPUT, 0) };

static const struct {
    enum pg_option_set options;
    const char *values[PG_SET_OPTIONS_MAX]; /* NULL: any */
    struct pg_look look;
} looks[] = {
    { PG_OPTIONS_BOOL, { "tf" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_BOOL_TF, "CHAR(1)", "%c",
                    "(CASE WHEN %c THEN 'T' WHEN NOT %c THEN 'F' END)", "%c", PG_TYPE_BOOL,
                    ONE | NEVER | ASCII } },
    { PG_OPTIONS_NUMERIC, { "text", "null" },
            TEXT_LOOK("TEXT", NOT_NAN("numeric", AS_TEXT), ASCII) },
    { PG_OPTIONS_NUMERIC, { "text" }, TEXT_LOOK("TEXT", AS_TEXT, ONE | ASCII) },
    { PG_OPTIONS_MONEY, { "text" },
            TEXT_LOOK("TEXT", "%c::pg_catalog.numeric::pg_catalog.text", ONE | ASCII) },
    { PG_OPTIONS_BPCHAR, { "padded" }, TEXT_LOOK("CHAR", AS_OUTPUT, ONE | SIZED) },
    /* ASCII letters alone, as SQLite's NOCASE does: the remote may fold otherwise. */
    { PG_OPTIONS_CITEXT, { "nocase" },
            { PG_FAMILY_CITEXT, PG_DECODE_TEXT, "CITEXT", AS_TEXT, AS_TEXT,
                    "pg_catalog.lower(" AS_TEXT BYTEWISE ")" BYTEWISE, PG_TYPE_TEXT,
                    PG_LOOK_NOCASE } },
    { PG_OPTIONS_TIMESTAMP, { "isoformat" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_ISOFORMAT, "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT("%c", ISOFORMAT("%c", "")), NULL, PG_TYPE_TIMESTAMP,
                    ONE | NEVER | ASCII | SORTED } },
    { PG_OPTIONS_TIMESTAMP, { "seconds" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_SECONDS, "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT("%c", SECONDS("%c", "")), NULL, PG_TYPE_TIMESTAMP,
                    NEVER | ASCII | SORTED } },
    { PG_OPTIONS_TIMESTAMP, { "unixepoch" },
            { PG_FAMILY_NULLS_ONLY, PG_DECODE_TIMESTAMP_UNIXEPOCH, "NUMERIC", "%c", NULL, NULL,
                    PG_TYPE_TIMESTAMP, 0 } },
    { PG_OPTIONS_TIMESTAMPTZ, { "unixepoch" },
            { PG_FAMILY_NULLS_ONLY, PG_DECODE_TIMESTAMP_UNIXEPOCH, "NUMERIC", "%c", NULL, NULL,
                    PG_TYPE_TIMESTAMPTZ, 0 } },
    { PG_OPTIONS_TIMESTAMPTZ, { "isoformat", "naive" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_ISOFORMAT, "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT(IN_UTC, ISOFORMAT(IN_UTC, "")), NULL, PG_TYPE_TIMESTAMPTZ,
                    ONE | NEVER | ASCII | SORTED } },
    { PG_OPTIONS_TIMESTAMPTZ, { "seconds", "naive" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_SECONDS, "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT(IN_UTC, SECONDS(IN_UTC, "")), NULL, PG_TYPE_TIMESTAMPTZ,
                    NEVER | ASCII | SORTED } },
    { PG_OPTIONS_TIMESTAMPTZ, { "seconds6", "+00:00" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_UTC_OFFSET, "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT(IN_UTC, SECONDS6(IN_UTC, OFFSET)), NULL, PG_TYPE_TIMESTAMPTZ,
                    ONE | NEVER | ASCII | SORTED } },
    { PG_OPTIONS_TIMESTAMPTZ, { "isoformat", "+00:00" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET,
                    "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT(IN_UTC, ISOFORMAT(IN_UTC, OFFSET)), NULL,
                    PG_TYPE_TIMESTAMPTZ, ONE | NEVER | ASCII | SORTED } },
    { PG_OPTIONS_TIMESTAMPTZ, { "seconds", "+00:00" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET,
                    "\"TIMESTAMP(TEXT)\"", "%c",
                    TIMESTAMP_TEXT(IN_UTC, SECONDS(IN_UTC, OFFSET)), NULL, PG_TYPE_TIMESTAMPTZ,
                    NEVER | ASCII | SORTED } },
    /* A month counts as 30 days and a year as 365.25: not what comparing intervals does. */
    { PG_OPTIONS_INTERVAL, { "seconds" },
            { PG_FAMILY_NULLS_ONLY, PG_DECODE_FLOAT8, "DOUBLE PRECISION",
                    "pg_catalog.date_part('epoch', %c)", NULL, NULL, PG_TYPE_FLOAT8, 0 } },
    { PG_OPTIONS_UUID, { "hex" },
            { PG_FAMILY_CAST_TEXT, PG_DECODE_UUID_HEX, "CHAR(32)", "%c",
                    "pg_catalog.replace(" AS_TEXT ", '-', '')", "%c", PG_TYPE_UUID,
                    ONE | ASCII } },
    { PG_OPTIONS_UUID, { "blob" },
            { PG_FAMILY_NULLS_ONLY, PG_DECODE_BLOB, "BLOB", "%c", NULL, "%c", PG_TYPE_UUID,
                    ONE } },
    { PG_OPTIONS_ARRAY, { "literal" }, TEXT_LOOK("TEXT", AS_OUTPUT, NEVER) },
    { PG_OPTIONS_COMPOSITE, { "literal" },
            TEXT_LOOK("TEXT", AS_OUTPUT, NEVER | PG_LOOK_ROW_NULL) },
    { PG_OPTIONS_GEOMETRY, { "wkt" }, TEXT_LOOK("TEXT", "%s.st_astext(%c)", NEVER | ASCII) },
    { PG_OPTIONS_GEOMETRY, { "geojson" },
            TEXT_LOOK("\"JSON(TEXT)\"", "%s.st_asgeojson(%c)", NEVER) },
};

static bool look_matches(size_t i, enum pg_option_set options, const char *const *values) {
    if (looks[i].options != options) {
        return false;
    }
    for (size_t at = 0; at < PG_SET_OPTIONS_MAX; at++) {
        if (looks[i].values[at] != NULL && strcmp(looks[i].values[at], values[at]) != 0) {
            return false;
        }
    }
    return true;
}

const struct pg_look *pg_look_for(
        enum pg_option_set options, const char *const values[PG_SET_OPTIONS_MAX]) {
    for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
        if (look_matches(i, options, values)) {
            return &looks[i].look;
        }
    }
    return NULL;
}

const struct pg_type *pg_type_of(const struct pg_column *column) {
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (types[i].oid != 0 ? types[i].oid == column->type_oid
                              : strcmp(types[i].name, column->type_name) == 0 &&
                                        column->type_kind == 'b') {
            return &types[i];
        }
    }
    if (column->type_oid == 2249 /* record: a row without a type of its own */) {
        return &composite_type;
    }
    if (column->type_oid == 2287 /* record[] */) {
        return &array_type;
    }
    switch (column->type_kind) {
    case 'b':
        return column->element_oid != 0 ? &array_type : &other_type;
    case 'c':
        return &composite_type;
    case 'e':
        return &enum_type;
    case 'r':
    case 'm':
        return &range_type;
    default:
        return NULL;
    }
}
