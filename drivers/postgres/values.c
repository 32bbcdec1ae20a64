/* Which rule converts the values of a column, and what all rules share; see values.h. */
#define PG_DEFINES_REFUSE
#include "drivers/postgres/values.h"

#include "base/sqlite.h"
#include "drivers/postgres/judge.h"
#include "drivers/postgres/types.h"

#include <string.h>

/* A cast to the type. Where it could cut (varchar, bpchar, name) the value stays text: storing
 * it in the column checks what a cast would not. */
#define CAST      "%p::%t"
#define AS_NUMBER "%p::pg_catalog.numeric::%t"
/* What is shown as JSON must be written as it would be shown; the cast that fails otherwise
 * says so. A constant would fail while the statement is planned. */
#define NOT_AS_SHOWN "('not as it would be read back: ' || %p)::%t"
#define FROM_JSON                                                                              \
    "(SELECT CASE WHEN pg_catalog.to_json(j.v)::jsonb = %p::jsonb THEN j.v ELSE " NOT_AS_SHOWN \
    " END FROM pg_catalog.json_to_record(pg_catalog.json_build_object('v', %p::json)) "        \
    "AS j(v %m))"
#define HSTORE_FROM_JSON                                                                       \
    "(SELECT CASE WHEN pg_catalog.to_json(h.v)::jsonb = %p::jsonb THEN h.v "                   \
    "ELSE ('read back as ' || pg_catalog.to_json(h.v)::text || ' and not ' || %p)::%t END "    \
    "FROM (SELECT coalesce(%s.hstore(pg_catalog.array_agg(e.key), "                            \
    "pg_catalog.array_agg(e.value)), ''::%t) AS v "                                            \
    "FROM pg_catalog.json_each_text(%p::json) AS e) AS h)"
#define SINCE_EPOCH "('epoch'::%t + pg_catalog.make_interval(secs => %p))"

#define TEXT(expression, write)                                                                \
    { PG_PARAMETER_TEXT, expression, write }

static const struct pg_rule integer_rule = { PG_PARAMETER_INT8, CAST, pg_write_integer };
static const struct pg_rule bool_rule = TEXT(CAST, pg_write_bool);
static const struct pg_rule float8_rule = { PG_PARAMETER_FLOAT8, CAST, pg_write_float8 };
static const struct pg_rule float4_rule = TEXT(CAST, pg_write_float4);
static const struct pg_rule numeric_rule = TEXT(CAST, pg_write_numeric);
static const struct pg_rule money_rule = TEXT(AS_NUMBER, pg_write_money);
static const struct pg_rule bytea_rule = { PG_PARAMETER_BYTEA, CAST, pg_write_bytea };
static const struct pg_rule uuid_rule = TEXT(CAST, pg_write_uuid);
static const struct pg_rule uuid_blob_rule = TEXT(CAST, pg_write_uuid_blob);
static const struct pg_rule date_rule = TEXT(CAST, pg_write_date);
static const struct pg_rule time_rule = TEXT(CAST, pg_write_time);
static const struct pg_rule epoch_rule = { PG_PARAMETER_FLOAT8, SINCE_EPOCH, pg_write_seconds };
static const struct pg_rule seconds_rule = { PG_PARAMETER_FLOAT8,
    "pg_catalog.make_interval(secs => %p)", pg_write_seconds };
static const struct pg_rule raw_rule = TEXT("%p", pg_write_raw_text);
static const struct pg_rule padded_rule = TEXT("%p", pg_write_bpchar_padded);
static const struct pg_rule json_rule = TEXT(FROM_JSON, pg_write_only_text);
static const struct pg_rule hstore_rule = TEXT(HSTORE_FROM_JSON, pg_write_only_text);
static const struct pg_rule word_rule = TEXT(CAST, pg_write_text); /* enums, citext */
static const struct pg_rule cast_rule = TEXT(CAST, pg_write_only_text);
static const struct pg_rule timestamp_rules[2][2] = { /* with zone; fraction cut */
    { TEXT(CAST, pg_write_timestamp), TEXT(CAST, pg_write_timestamp_seconds) },
    { TEXT(CAST, pg_write_timestamptz), TEXT(CAST, pg_write_timestamptz_seconds) }
};

/* Types that are shown as text. */
static const struct {
    uint32_t oid;
    struct pg_rule rule;
} text_rules[] = {
    { PG_TYPE_TEXT, TEXT("%p", pg_write_text) },
    { PG_TYPE_VARCHAR, TEXT("%p", pg_write_varchar) },
    { PG_TYPE_BPCHAR, TEXT("%p", pg_write_bpchar) },
    { PG_TYPE_NAME, TEXT("%p", pg_write_name) },
    { 18 /* "char" */, TEXT(CAST, pg_write_char) },
    { PG_TYPE_NUMERIC, TEXT(CAST, pg_write_numeric) },
    { 790 /* money */, TEXT(AS_NUMBER, pg_write_money) },
    { 114 /* json */, TEXT(CAST, pg_write_text) },
    { 3802 /* jsonb */, TEXT(CAST, pg_write_text) },
    { 142 /* xml */, TEXT(CAST, pg_write_text) },
    { 1186 /* interval */, TEXT(CAST, pg_write_interval) },
    { 1266 /* timetz */, TEXT(CAST, pg_write_time) },
    { 1560 /* bit */, TEXT(CAST, pg_write_bit) },
    { 1562 /* varbit */, TEXT(CAST, pg_write_varbit) },
    { 28 /* xid */, TEXT(CAST, pg_write_counter) },
    { 29 /* cid */, TEXT(CAST, pg_write_counter) },
    { 5069 /* xid8 */, TEXT(CAST, pg_write_counter8) },
};

const struct pg_rule *pg_text_rule(const struct pg_column *pg) {
    bool padded = pg->type_oid == PG_TYPE_BPCHAR && strstr(pg->select_expression, "concat(");

    for (size_t i = 0; i < sizeof(text_rules) / sizeof(text_rules[0]); i++) {
        if (text_rules[i].oid == pg->type_oid) {
            return padded ? &padded_rule : &text_rules[i].rule;
        }
    }
    if (strstr(pg->select_expression, "to_json(") != NULL) {
        return pg->type_kind == 'b' && pg->element_oid == 0 ? &hstore_rule : &json_rule;
    }
    return pg->type_kind == 'e' || strcmp(pg->type_name, "citext") == 0 ? &word_rule
                                                                        : &cast_rule;
}

static const struct pg_rule *real_rule(const struct pg_column *pg) {
    if (pg->type_oid == PG_TYPE_FLOAT8) {
        return &float8_rule;
    }
    return pg->type_kind == 'b' && strcmp(pg->type_name, "interval") == 0 ? &seconds_rule
                                                                          : &float4_rule;
}

static const struct pg_rule *timestamp_rule(const struct pg_column *pg) {
    bool cut = pg->decoder == PG_DECODE_TIMESTAMP_SECONDS ||
               pg->decoder == PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET;

    return &timestamp_rules[pg->type_oid == PG_TYPE_TIMESTAMPTZ][cut];
}

const struct pg_rule *pg_value_rule(const struct pg_column *pg) {
    switch (pg->decoder) {
    case PG_DECODE_INT2:
    case PG_DECODE_INT4:
    case PG_DECODE_INT8:
    case PG_DECODE_OID:
        return &integer_rule;
    case PG_DECODE_BOOL:
    case PG_DECODE_BOOL_TF:
        return &bool_rule;
    case PG_DECODE_FLOAT8:
        return real_rule(pg);
    case PG_DECODE_NUMERIC:
        return pg->type_oid == PG_TYPE_NUMERIC ? &numeric_rule : &money_rule;
    case PG_DECODE_BLOB:
        return pg->type_oid == PG_TYPE_BYTEA  ? &bytea_rule
               : pg->type_oid == PG_TYPE_UUID ? &uuid_blob_rule
                                              : &raw_rule;
    case PG_DECODE_UUID:
    case PG_DECODE_UUID_HEX:
        return &uuid_rule;
    case PG_DECODE_DATE:
        return &date_rule;
    case PG_DECODE_TIME:
        return &time_rule;
    case PG_DECODE_TIMESTAMP_UNIXEPOCH:
        return &epoch_rule;
    case PG_DECODE_TEXT:
        return pg_text_rule(pg);
    default:
        return timestamp_rule(pg);
    }
}

static const struct {
    const char *name;
    uint32_t oid;
} parameters[] = {
    [PG_PARAMETER_INT8] = { "int8", PG_TYPE_INT8 },
    [PG_PARAMETER_FLOAT8] = { "float8", PG_TYPE_FLOAT8 },
    [PG_PARAMETER_TEXT] = { "text", PG_TYPE_TEXT },
    [PG_PARAMETER_BYTEA] = { "bytea", PG_TYPE_BYTEA },
};

const char *pg_parameter_name(enum pg_parameter parameter) {
    return parameters[parameter].name;
}

uint32_t pg_parameter_oid(enum pg_parameter parameter) {
    return parameters[parameter].oid;
}

/* ---- what the rules share -----------------------------------------------------------------
 */

const char *pg_value_class(const struct value *value) {
    static const char *const classes[] = {
        [VALUE_NULL] = "a NULL",
        [VALUE_INTEGER] = "an INTEGER",
        [VALUE_REAL] = "a REAL",
        [VALUE_TEXT] = "a TEXT",
        [VALUE_BLOB] = "a BLOB",
        [VALUE_TEXT_NUL] = "a TEXT",
    };

    return classes[value->number != VALUE_NULL ? value->number : value->kind];
}

enum status pg_refuse(struct pg_writing *w, const char *why) {
    return error_set(w->err, STATUS_VALUE,
            "cannot store %s value in column \"%s\" of table \"%s\", type %s: %s",
            pg_value_class(w->value), w->column->remote_name,
            w->schema->remote_name != NULL ? w->schema->remote_name : "",
            w->column->remote_type, why);
}

enum status pg_append_parameter(struct pg_writing *w, const void *bytes, size_t length) {
    if (length > INT32_MAX / 2) {
        return error_set(w->err, STATUS_TOO_BIG, "value for column \"%s\" is too long",
                w->column->remote_name);
    }
    text_append_bytes(w->out, bytes, length);
    return text_status(w->out, w->err);
}

enum status pg_writing_text(
        struct pg_writing *w, char number[PG_NUMBER_BYTES], const char **text, size_t *length) {
    const struct value *value = w->value;

    switch (value->kind) {
    case VALUE_INTEGER:
        sqlite3_snprintf(PG_NUMBER_BYTES, number, "%lld", (long long)value->integer);
        break;
    case VALUE_REAL: /* as SQLite's text affinity writes it */
        sqlite3_snprintf(PG_NUMBER_BYTES, number, "%!.15g", value->real);
        break;
    case VALUE_BLOB:
        return pg_refuse(w, "bytes are no text");
    default:
        if (memchr(value->bytes, '\0', value->length) != NULL) {
            return pg_refuse(w, "it has an inner NUL, which PostgreSQL cannot hold");
        }
        if (!text_is_utf8(value->bytes, value->length)) {
            return pg_refuse(w, "its bytes are not UTF-8");
        }
        *text = value->bytes;
        *length = value->length;
        return STATUS_OK;
    }
    *text = number;
    *length = strlen(number);
    return STATUS_OK;
}

enum status pg_value_write(const struct schema *schema, int column, const struct value *value,
        struct text *out, struct error *err) {
    struct pg_writing writing = {
        .schema = schema,
        .column = &schema->columns[column],
        .pg = pg_column(schema, column),
        .value = value,
        .out = out,
        .err = err,
    };

    return pg_value_rule(writing.pg)->write(&writing);
}
