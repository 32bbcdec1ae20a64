/* A value of SQLite's -> JSON in the body of a request. Pure.
 *
 * The postgres driver's rules decide what a column takes (drivers/postgres/values.h); here
 * their result is written as JSON. A server brings JSON strings into any type as it would a
 * literal, but for json itself and arrays, which are sent as they are. What that driver leaves
 * to an expression of SQL's has no way into a body and is refused. */
#include "drivers/postgrest/write.h"

#include "drivers/postgres/judge.h"
#include "drivers/postgres/types.h"
#include "drivers/postgres/values.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OID_JSON = 114,
    OID_JSONB = 3802,
    OID_MONEY = 790,
    OID_TIMETZ = 1266,
    OID_FLOAT4 = 700,
};

struct json_writing {
    const struct schema *schema;
    const struct column *column;
    const struct pr_column *facts;
    const struct value *value;
    struct text *scratch, *out;
    struct error *err;
};

static enum status refuse(const struct json_writing *w, const char *why) {
    return error_set(w->err, STATUS_VALUE,
            "cannot store %s value in column \"%s\" of table \"%s\", type %s: %s",
            pg_value_class(w->value), w->column->remote_name, w->schema->remote_name,
            w->column->remote_type, why);
}

/* ---- JSON that is sent as it is -----------------------------------------------------------
 */

static json_t *load(const struct json_writing *w, json_error_t *why) {
    return json_loadb(text_get(w->scratch), w->scratch->length,
            JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, why);
}

/* jansson has no room for a number beyond double and for more than 2048 brackets; the server
 * has. */
static bool is_beyond_jansson(const struct json_writing *w, const json_error_t *why) {
    enum json_error_code code = json_error_code(why);

    return (code == json_error_numeric_overflow || code == json_error_stack_overflow) &&
           pr_is_json(text_get(w->scratch), w->scratch->length);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* As escape_json() of PostgreSQL has it, and so what a lone string looks like that was a member
 * of a row in JSON. */
static void append_rewritten(struct text *out, const char *text, size_t length) {
    static const char plain[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";

    text_append_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        const char *known = text[i] != '\0' ? strchr(plain, text[i]) : NULL;

        if (known != NULL) {
            text_append_char(out, '\\');
            text_append_char(out, letters[known - plain]);
        } else if ((unsigned char)text[i] < ' ') {
            text_printf(out, "\\u%04x", (unsigned)(unsigned char)text[i]);
        } else {
            text_append_char(out, text[i]);
        }
    }
    text_append_char(out, '"');
}

/* A column of json keeps the bytes of an object, an array and a number. Blanks around them stay
 * behind in the row that they travel in, and a lone string is read there and written anew.
 * NULL: they are kept. */
static const char *why_not_kept(const struct json_writing *w, const json_t *json) {
    const char *text = text_get(w->scratch);
    size_t length = w->scratch->length;
    struct text again;
    bool kept;

    if (w->facts->pg.type_oid != OID_JSON) {
        return NULL;
    }
    if (is_blank(text[0]) || is_blank(text[length - 1])) {
        return "over PostgREST the blanks around it would be lost";
    }
    if (!json_is_string(json)) {
        return NULL;
    }
    text_init(&again, w->scratch->bytes_max);
    append_rewritten(&again, json_string_value(json), json_string_length(json));
    kept = again.length == length && memcmp(text_get(&again), text, length) == 0;
    if (again.failure != STATUS_OK) {
        w->out->failure = again.failure; /* which the row's status tells */
        kept = true;
    }
    text_clear(&again);
    return kept ? NULL
                : "over PostgREST a lone string is stored with other escapes than these: write "
                  "characters as they are";
}

static enum status write_json(const struct json_writing *w) {
    json_error_t why;
    json_t *json = load(w, &why);
    bool null = json_is_null(json), beyond = json == NULL && is_beyond_jansson(w, &why);
    const char *not_kept = json != NULL || beyond ? why_not_kept(w, json) : NULL;

    json_decref(json);
    if (json == NULL && !beyond) {
        return refuse(w, "it is no JSON");
    }
    if (null) {
        return refuse(w, "over PostgREST the null of JSON cannot be told from NULL");
    }
    if (not_kept != NULL) {
        return refuse(w, not_kept);
    }
    text_append_bytes(w->out, text_get(w->scratch), w->scratch->length);
    return STATUS_OK;
}

/* What an element may be, so that it reads back as the kind of JSON that it was. */
static const struct {
    uint32_t oid;
    const char *kinds; /* t text, n number, b boolean, a anything */
} element_kinds[] = {
    { PG_TYPE_INT2, "n" },
    { PG_TYPE_INT4, "n" },
    { PG_TYPE_INT8, "n" },
    { PG_TYPE_NUMERIC, "nt" }, /* "NaN" */
    { PG_TYPE_FLOAT8, "nt" },
    { OID_FLOAT4, "nt" },
    { PG_TYPE_BOOL, "b" },
    { OID_JSON, "a" },
    { OID_JSONB, "a" },
};

static const char *kinds_of(uint32_t oid) {
    for (size_t i = 0; i < sizeof(element_kinds) / sizeof(element_kinds[0]); i++) {
        if (element_kinds[i].oid == oid) {
            return element_kinds[i].kinds;
        }
    }
    return "t";
}

static char element_kind(char first) {
    static const char firsts[] = "\"-0123456789tf{", kinds[] = "tnnnnnnnnnnnbba";
    const char *at = first != '\0' ? strchr(firsts, first) : NULL;

    if (at == NULL) {
        return '\0';
    }
    return kinds[at - firsts];
}

/* Numbers for which JSON has none, as they are shown. */
static bool is_odd_number(const char *at) {
    static const char *const words[] = { "\"NaN\"", "\"Infinity\"", "\"-Infinity\"" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind the string that begins here, at its last quote. */
static const char *string_end(const char *at) {
    for (at++; *at != '"'; at++) {
        at += *at == '\\';
    }
    return at;
}

/* Of a text that is an array in JSON; arrays of arrays are one array of PostgreSQL's. No number
 * is read: one that no double holds is still a numeric. */
static bool elements_fit(const char *at, const char *kinds) {
    for (; *at != '\0' && kinds[0] != 'a'; at++) {
        char kind = element_kind(*at);

        if (kind != '\0' && strchr(kinds, kind) == NULL) {
            return false;
        }
        if (kind == 't') {
            if (kinds[0] == 'n' && !is_odd_number(at)) {
                return false;
            }
            at = string_end(at);
        } else if (kind != '\0') {
            at += strcspn(at, ",] \t\r\n") - 1;
        }
    }
    return true;
}

static enum status write_array(const struct json_writing *w) {
    const char *text = text_get(w->scratch);
    json_error_t why;
    json_t *json = load(w, &why);
    bool array = json_is_array(json);

    if (json == NULL && is_beyond_jansson(w, &why)) {
        array = text[strspn(text, " \t\r\n")] == '[';
    }
    json_decref(json);
    if (!array) {
        return refuse(w, "it is no array in JSON");
    }
    if (!elements_fit(text, kinds_of(w->facts->pg.element_oid))) {
        return refuse(w, "an element is of another kind than the column's");
    }
    text_append_bytes(w->out, text, w->scratch->length);
    return STATUS_OK;
}

/* ---- hstore -------------------------------------------------------------------------------
 */

static void append_hstore_text(struct text *out, const json_t *string) {
    const char *text = json_string_value(string);

    text_append_char(out, '"');
    for (size_t i = 0; i < json_string_length(string); i++) {
        if (text[i] == '"' || text[i] == '\\') {
            text_append_char(out, '\\');
        }
        text_append_char(out, text[i]);
    }
    text_append_char(out, '"');
}

/* ""a"=>"1","b"=>NULL": of an object whose members are strings and nulls, as it is shown. */
static enum status write_hstore(const struct json_writing *w) {
    json_t *json =
            json_loadb(text_get(w->scratch), w->scratch->length, JSON_REJECT_DUPLICATES, NULL);
    bool fits = json_is_object(json);
    const char *name;
    json_t *member;
    struct text literal;

    text_init(&literal, w->scratch->bytes_max);
    json_object_foreach(json, name, member) {
        json_t *key = json_string(name);

        fits = fits && (json_is_string(member) || json_is_null(member));
        text_append(&literal, literal.length > 0 ? "," : "");
        append_hstore_text(&literal, key);
        text_append(&literal, "=>");
        if (json_is_string(member)) {
            append_hstore_text(&literal, member);
        } else {
            text_append(&literal, "NULL");
        }
        json_decref(key);
    }
    json_decref(json);
    if (fits) {
        text_append_json(w->out, text_get(&literal), literal.length);
    }
    if (literal.failure != STATUS_OK) {
        w->out->failure = literal.failure;
    }
    text_clear(&literal);
    return fits ? STATUS_OK
                : refuse(w, "it is no object in JSON whose members are texts and nulls");
}

/* ---- the text of a value ------------------------------------------------------------------
 *
 * Each brings what the postgres driver would send as a parameter into text, in its place. */

static void put_instead(const struct json_writing *w, struct text *text) {
    text_truncate(w->scratch, 0);
    text_append_bytes(w->scratch, text_get(text), text->length);
    if (text->failure != STATUS_OK) {
        w->scratch->failure = text->failure;
    }
    text_clear(text);
}

static uint64_t read_be64(const struct text *text) {
    uint64_t bytes;

    memcpy(&bytes, text_get(text), sizeof(bytes));
    return be64toh(bytes);
}

static enum status text_of_integer(const struct json_writing *w) {
    int64_t integer = (int64_t)read_be64(w->scratch);

    text_truncate(w->scratch, 0);
    text_printf(w->scratch, "%lld", (long long)integer);
    return STATUS_OK;
}

/* All 17 digits as a whole number, and where the point goes as its exponent: the point of
 * printf() is that of the host's locale. */
static void append_double(struct text *out, double real) {
    enum { DIGITS_BEHIND_POINT = 16, DOUBLE_TEXT_BYTES = 64 };
    char printed[DOUBLE_TEXT_BYTES];
    const char *at = printed;

    if (real == 0) {
        text_append(out, signbit(real) ? "-0.0" : "0");
        return;
    }
    snprintf(printed, sizeof(printed), "%.*e", DIGITS_BEHIND_POINT, real);
    for (; *at != 'e'; at++) {
        if (isdigit((unsigned char)*at) || *at == '-') {
            text_append_char(out, *at);
        }
    }
    text_printf(out, "e%ld", strtol(at + 1, NULL, 10) - DIGITS_BEHIND_POINT);
}

static enum status text_of_float8(const struct json_writing *w) {
    uint64_t bits = read_be64(w->scratch);
    double real;

    memcpy(&real, &bits, sizeof(real));
    text_truncate(w->scratch, 0);
    if (isnan(real)) {
        text_append(w->scratch, "NaN");
    } else if (isinf(real)) {
        text_append(w->scratch, real < 0 ? "-Infinity" : "Infinity");
    } else {
        append_double(w->scratch, real);
    }
    return STATUS_OK;
}

static enum status text_of_bytea(const struct json_writing *w) {
    struct text hex;

    text_init(&hex, w->scratch->bytes_max);
    text_append(&hex, "\\x");
    text_append_hex(&hex, text_get(w->scratch), w->scratch->length);
    put_instead(w, &hex);
    return STATUS_OK;
}

/* A point in time that names no zone is meant in UTC, and the server's session may be in any:
 * it is told. " BC" comes last. */
static void tell_zone(const struct json_writing *w) {
    const char *text = text_get(w->scratch);
    const char *clock = strchr(text, ':'), *bc = strstr(text, " BC");
    size_t length = bc != NULL ? (size_t)(bc - text) : w->scratch->length;
    struct text whole;

    if (strstr(text, "infinity") != NULL || (clock != NULL && strpbrk(clock, "+-Zz") != NULL)) {
        return;
    }
    text_init(&whole, w->scratch->bytes_max);
    text_append_bytes(&whole, text, length);
    text_append(&whole, clock != NULL ? "+00" : " 00:00:00+00");
    text_append(&whole, bc != NULL ? " BC" : "");
    put_instead(w, &whole);
}

static enum status text_of_text(const struct json_writing *w) {
    if (w->facts->pg.type_oid == PG_TYPE_TIMESTAMPTZ || w->facts->pg.type_oid == OID_TIMETZ) {
        tell_zone(w);
    }
    if (!text_is_utf8(text_get(w->scratch), w->scratch->length) ||
            memchr(text_get(w->scratch), '\0', w->scratch->length) != NULL) {
        return refuse(w, "its bytes are no text");
    }
    return STATUS_OK;
}

static enum status (*const text_of[])(const struct json_writing *) = {
    [PG_PARAMETER_INT8] = text_of_integer,
    [PG_PARAMETER_FLOAT8] = text_of_float8,
    [PG_PARAMETER_TEXT] = text_of_text,
    [PG_PARAMETER_BYTEA] = text_of_bytea,
};

/* ---- the whole ----------------------------------------------------------------------------
 */

static bool is_hstore(const struct pr_column *facts) {
    return facts->raw && facts->pg.element_oid == 0 &&
           strcmp(facts->pg.type_name, "hstore") == 0;
}

/* NULL: it can be written. */
static const char *why_never(const struct pr_column *facts, const struct pg_rule *rule) {
    if (strstr(rule->expression, "make_interval") != NULL) {
        return "over PostgREST it cannot be written in this presentation";
    }
    if (facts->raw && facts->pg.element_oid == 0 && !is_hstore(facts)) {
        return "over PostgREST composites are written as they are with composite=literal";
    }
    return NULL;
}

/* How a fraction is written depends on the server's lc_monetary. */
static bool is_whole(const struct text *amount) {
    const char *text = text_get(amount);

    return text[strspn(text, "-0123456789")] == '\0';
}

static bool is_json(const struct pr_column *facts) {
    return facts->raw || facts->pg.type_oid == OID_JSON || facts->pg.type_oid == OID_JSONB;
}

enum status pr_value_text(const struct schema *schema, int column, const struct value *value,
        struct text *scratch, struct error *err) {
    struct json_writing w = { schema, &schema->columns[column], pr_column(schema, column),
        value, scratch, NULL, err };
    const struct pg_rule *rule = pg_value_rule(&w.facts->pg);
    const char *why_not = why_never(w.facts, rule);
    enum status status;

    if (why_not != NULL) {
        return refuse(&w, why_not);
    }
    text_truncate(scratch, 0);
    status = pg_value_write(schema, column, value, scratch, err);
    if (status == STATUS_OK) {
        status = text_of[rule->parameter](&w);
    }
    if (status == STATUS_OK && w.facts->pg.type_oid == OID_MONEY && !is_whole(scratch)) {
        return refuse(&w, "over PostgREST money is written in whole amounts alone: how a "
                          "fraction is read depends on the server's locale");
    }
    return status == STATUS_OK ? text_status(scratch, err) : status;
}

enum status pr_value_json(const struct schema *schema, int column, const struct value *value,
        struct text *scratch, struct text *out, struct error *err) {
    struct json_writing w = { schema, &schema->columns[column], pr_column(schema, column),
        value, scratch, out, err };
    enum pg_parameter parameter = pg_value_rule(&w.facts->pg)->parameter;
    enum status status;

    if (value->kind == VALUE_NULL) {
        text_append(out, "null");
        return STATUS_OK;
    }
    status = pr_value_text(schema, column, value, scratch, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (is_json(w.facts)) {
        return !w.facts->raw        ? write_json(&w)
               : is_hstore(w.facts) ? write_hstore(&w)
                                    : write_array(&w);
    }
    if (parameter == PG_PARAMETER_INT8 ||
            (parameter == PG_PARAMETER_FLOAT8 && strpbrk(text_get(scratch), "Ny") == NULL)) {
        text_append(out, text_get(scratch));
    } else {
        text_append_json(out, text_get(scratch), scratch->length);
    }
    return STATUS_OK;
}
