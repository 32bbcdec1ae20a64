/* How the columns of a relation look under its options: facts + options -> presentation.
 *
 * Pure. A column takes the look that types.c has for its type and its options; what depends on
 * the column itself (precision, collation, encoding, a declared type of the user's) is settled
 * here. When it is not proven that the remote sorts or compares as SQLite does, the column says
 * so, and nothing is sent. */
#include "base/sqlite.h"
#include "drivers/postgres/types.h"
#include "drivers/registry.h"

#include <assert.h>
#include <string.h>

enum {
    TYPMOD_HEADER = 4,      /* VARHDRSZ, counted in by every type with a length */
    DOUBLE_DIGITS = 15,     /* decimals that a double gives back unchanged */
    DOUBLE_SCALE_MAX = 290, /* and far from the ends of its range */
    INT64_DIGITS = 18,
    DECLARED_BYTES_MAX = 64,
};

enum affinity { AFFINITY_TEXT, AFFINITY_NUMBER, AFFINITY_REAL, AFFINITY_NONE };

/* A column while it is being presented. */
struct presenting {
    struct schema *schema;
    const struct options *options;
    struct column *column;
    struct pg_column *pg;
    struct pg_look look;
    bool nan_text; /* 'NaN' among numbers */
    struct error *err;
};

static const char *value_of(const struct presenting *at, const char *option) {
    return value_option(at->options, option, at->column->name);
}

/* Keeps what was written for as long as the schema lives; NULL (and err filled) for lack of
 * memory. */
static const char *keep_text(struct presenting *at, struct text *text) {
    const char *copy = NULL;

    if (text_status(text, at->err) == STATUS_OK) {
        copy = arena_copy_text(&at->schema->arena, text_get(text));
        if (copy == NULL) {
            error_nomem(at->err);
        }
    }
    text_clear(text);
    return copy;
}

static enum status kept(const char *text) {
    return text != NULL ? STATUS_OK : STATUS_NOMEM;
}

/* ---- the look ---- */

static enum status present_look(struct presenting *at) {
    const char *values[PG_SET_OPTIONS_MAX] = { NULL };
    const char *const *names;
    const struct pg_look *look = NULL;
    const struct pg_type *type;
    struct text text;

    type = pg_type_of(at->pg);
    if (type == NULL) {
        return error_set(at->err, STATUS_UNSUPPORTED,
                "column \"%s\" cannot be shown: pseudo-type %s has no values of its own",
                at->column->remote_name, at->column->remote_type);
    }
    names = pg_option_names[type->options];
    text_init(&text, TEXT_SQL_BYTES_MAX);
    for (size_t i = 0; i < PG_SET_OPTIONS_MAX && names[i] != NULL; i++) {
        values[i] = value_of(at, names[i]);
        text_printf(&text, "%s%s=%s", i > 0 ? " " : "", names[i], values[i]);
        at->pg->nan_null |= strcmp(names[i], "nan") == 0 && strcmp(values[i], "null") == 0;
    }
    if (names[0] != NULL) {
        look = pg_look_for(type->options, values);
    }
    at->look = look != NULL ? *look : type->look;
    at->column->presentation = keep_text(at, &text);
    return kept(at->column->presentation);
}

/* Puts the quoted schema of the column's type in place of "%s" in an expression. */
static enum status present_schema_name(struct presenting *at, const char **expression) {
    const char *place = *expression != NULL ? strstr(*expression, "%s") : NULL;
    const char *dot = strrchr(at->pg->type_sql, '.'); /* such types' names hold none */
    struct text text;

    if (place == NULL || dot == NULL) {
        return STATUS_OK;
    }
    text_init(&text, TEXT_SQL_BYTES_MAX);
    text_append_bytes(&text, *expression, (size_t)(place - *expression));
    text_append_bytes(&text, at->pg->type_sql, (size_t)(dot - at->pg->type_sql));
    text_append(&text, place + 2);
    *expression = keep_text(at, &text);
    return kept(*expression);
}

/* ---- numbers ---- */

/* What a numeric's type modifier says; false: nothing. PostgreSQL 15 made the scale signed, in
 * bits that were always free. */
static bool numeric_size(int32_t typmod, int *precision, int *scale) {
    if (typmod < TYPMOD_HEADER) {
        return false;
    }
    typmod -= TYPMOD_HEADER;
    *precision = typmod >> 16 & 0xffff;
    *scale = ((typmod & 0x7ff) ^ 1024) - 1024;
    return true;
}

/* Decimals of up to 15 digits and doubles are one to one, integers of up to 18 digits are
 * INTEGERs; anything else is shown rounded. Integers of 15 digits count as decimals: that
 * family knows NaN. */
static void narrow_numeric(struct presenting *at) {
    int precision, scale, integer_digits;

    if (!numeric_size(at->pg->typmod, &precision, &scale)) {
        return;
    }
    integer_digits = scale < 0 ? precision - scale : precision;
    if (integer_digits <= DOUBLE_DIGITS && scale <= DOUBLE_SCALE_MAX) {
        at->look.family = PG_FAMILY_NUMERIC_NARROW;
    } else if (integer_digits <= INT64_DIGITS && scale <= 0) {
        at->look.family = PG_FAMILY_INTEGER;
        at->pg->integer_max = 1;
        for (int i = 0; i < integer_digits; i++) {
            at->pg->integer_max *= 10;
        }
        at->pg->integer_max--;
        at->pg->integer_min = -at->pg->integer_max;
    } else {
        return;
    }
    at->look.order = "%c";
    at->look.flags |= PG_LOOK_ONE_TO_ONE;
    if (scale <= 0) { /* an INTEGER's text is the same on both sides */
        at->look.text = "%c::pg_catalog.text";
    }
}

static const struct {
    enum pg_decoder decoder;
    int64_t min, max;
} integer_bounds[] = {
    { PG_DECODE_INT2, INT16_MIN, INT16_MAX },
    { PG_DECODE_INT4, INT32_MIN, INT32_MAX },
    { PG_DECODE_INT8, INT64_MIN, INT64_MAX },
    { PG_DECODE_OID, 0, UINT32_MAX },
};

/* NaN is the greatest number on the remote; as TEXT it is so in SQLite, too, but not as NULL.
 */
static enum status present_nan(struct presenting *at) {
    struct text text;

    if (!at->pg->nan_null) {
        at->nan_text =
                at->look.family == PG_FAMILY_FLOAT8 || at->look.family == PG_FAMILY_FLOAT4 ||
                (at->look.decoder == PG_DECODE_NUMERIC && at->pg->type_oid == PG_TYPE_NUMERIC);
        return STATUS_OK;
    }
    at->look.flags &= ~(unsigned)PG_LOOK_ONE_TO_ONE;
    if (at->look.decoder == PG_DECODE_NUMERIC || at->look.decoder == PG_DECODE_FLOAT8) {
        at->look.text = NULL;
    }
    if (at->look.order == NULL) {
        return STATUS_OK;
    }
    text_init(&text, TEXT_SQL_BYTES_MAX);
    text_printf(&text, "(CASE WHEN %%c OPERATOR(pg_catalog.<>) 'NaN'::%s THEN %%c END)",
            at->pg->type_sql);
    at->look.order = keep_text(at, &text);
    return kept(at->look.order);
}

static enum status present_number(struct presenting *at) {
    for (size_t i = 0; i < sizeof(integer_bounds) / sizeof(*integer_bounds); i++) {
        if (at->look.decoder == integer_bounds[i].decoder) {
            at->pg->integer_min = integer_bounds[i].min;
            at->pg->integer_max = integer_bounds[i].max;
        }
    }
    if (at->pg->type_oid == PG_TYPE_NUMERIC && at->look.decoder == PG_DECODE_NUMERIC) {
        at->pg->wire_typmod = at->pg->typmod;
        at->pg->wire_typmod_checked = true; /* the family rests on it */
        narrow_numeric(at);
    }
    return present_nan(at);
}

/* ---- text and order ---- */

static bool text_decoder(enum pg_decoder decoder) {
    switch (decoder) {
    case PG_DECODE_TEXT:
    case PG_DECODE_BOOL_TF:
    case PG_DECODE_UUID:
    case PG_DECODE_UUID_HEX:
    case PG_DECODE_DATE:
    case PG_DECODE_TIME:
        return true;
    default:
        return decoder >= PG_DECODE_TIMESTAMP && decoder < PG_DECODE_TIMESTAMP_UNIXEPOCH;
    }
}

/* What is known of a table's collation comes from its catalog and stands; of a query's column
 * nothing is, so there the user's word is taken. A collation nobody vouches for is taken to be
 * nondeterministic: then every expression says what it means. */
static void present_collation(struct presenting *at) {
    const char *asserted = value_of(at, "collation");

    if (at->schema->kind == RELATION_QUERY && asserted != NULL) {
        at->pg->collation = PG_COLLATION_C;
    }
    if (at->look.family == PG_FAMILY_TEXT && at->pg->collation != PG_COLLATION_C &&
            at->pg->collation != PG_COLLATION_DETERMINISTIC) {
        at->look.family = PG_FAMILY_TEXT_NONDETERMINISTIC;
    }
    if ((at->look.flags & PG_LOOK_COLLATED) != 0 && at->pg->collation != PG_COLLATION_C) {
        at->look.order = NULL;
        at->look.flags |= PG_LOOK_ORDER_TEXT;
    }
}

static bool dates_promised(const struct presenting *at) {
    bool date = at->look.family == PG_FAMILY_DATE ||
                (at->look.decoder >= PG_DECODE_TIMESTAMP &&
                        at->look.decoder < PG_DECODE_TIMESTAMP_UNIXEPOCH);

    return date && (at->look.flags & PG_LOOK_ONE_TO_ONE) != 0 && value_of(at, "dates") != NULL;
}

static enum status present_order(struct presenting *at) {
    struct text text;

    present_collation(at);
    if (dates_promised(at)) { /* infinities sort as text at the right ends */
        at->pg->dates_ad = true;
        at->look.order = "%c";
    } else if ((at->look.flags & PG_LOOK_ORDER_TEXT) != 0) {
        text_init(&text, TEXT_SQL_BYTES_MAX);
        text_printf(&text, "%s COLLATE pg_catalog.\"C\"", at->look.text);
        at->look.order = keep_text(at, &text);
        if (at->look.order == NULL) {
            return STATUS_NOMEM;
        }
    }
    /* Bytes of another encoding sort otherwise than those of UTF-8. */
    if (text_decoder(at->look.decoder) && (at->look.flags & PG_LOOK_ASCII) == 0 &&
            !pg_relation(at->schema)->utf8) {
        at->look.order = NULL;
    }
    return STATUS_OK;
}

/* ---- the declared type ---- */

/* ASCII case ignored; what SQLite looks for in a declared type. */
static bool type_says(const char *declared, const char *word) {
    int length = (int)strlen(word);

    while (*declared != '\0' && sqlite3_strnicmp(declared, word, length) != 0) {
        declared++;
    }
    return *declared != '\0';
}

/* SQLite's five rules, in its order; INTEGER and NUMERIC differ for CAST alone. */
static enum affinity affinity_of(const char *declared) {
    if (type_says(declared, "INT")) {
        return AFFINITY_NUMBER;
    }
    if (type_says(declared, "CHAR") || type_says(declared, "CLOB") ||
            type_says(declared, "TEXT")) {
        return AFFINITY_TEXT;
    }
    if (type_says(declared, "BLOB") || declared[0] == '\0') {
        return AFFINITY_NONE;
    }
    if (type_says(declared, "REAL") || type_says(declared, "FLOA") ||
            type_says(declared, "DOUB")) {
        return AFFINITY_REAL;
    }
    return AFFINITY_NUMBER;
}

/* Would a local column of this affinity hold the values as they are? */
static bool values_stable(const struct pg_look *look, enum affinity affinity) {
    if (affinity == AFFINITY_NONE) {
        return true;
    }
    if (text_decoder(look->decoder)) {
        return affinity == AFFINITY_TEXT || (look->flags & PG_LOOK_NEVER_NUMERIC) != 0;
    }
    if (look->decoder == PG_DECODE_BLOB) {
        return true;
    }
    return affinity == (look->decoder == PG_DECODE_FLOAT8 ? AFFINITY_REAL : AFFINITY_NUMBER);
}

/* A type of the user's own, quoted, so that it can say nothing but a type. */
static enum status present_user_type(struct presenting *at, const char *type) {
    bool same = affinity_of(type) == affinity_of(at->look.declared);
    struct text text;

    if (strchr(type, '"') != NULL || type_says(type, "HIDDEN") || type[0] == '\0' ||
            strlen(type) > DECLARED_BYTES_MAX) {
        return error_set(at->err, STATUS_USAGE,
                "invalid declared type \"%s\" for column \"%s\"", type, at->column->name);
    }
    if (!values_stable(&at->look, affinity_of(type))) {
        return error_set(at->err, STATUS_USAGE,
                "column \"%s\" cannot be declared \"%s\": SQLite would change values of type "
                "%s",
                at->column->name, type, at->column->remote_type);
    }
    if (at->look.decoder == PG_DECODE_TEXT && affinity_of(type) == AFFINITY_NONE) {
        at->look.decoder = PG_DECODE_BLOB;
    }
    if (!same) { /* the judge's rules assume the affinity of the type's own declaration */
        at->look.family = PG_FAMILY_NULLS_ONLY;
        at->look.text = NULL;
        at->look.order = NULL;
        at->look.flags &= ~(unsigned)PG_LOOK_NOCASE;
    }
    text_init(&text, TEXT_SQL_BYTES_MAX);
    text_printf(&text, "%s%stype=%s", at->column->presentation,
            at->column->presentation[0] != '\0' ? " " : "", type);
    at->column->presentation = keep_text(at, &text);
    text_printf(&text, "\"%s\"", type);
    at->column->declared = keep_text(at, &text);
    return kept(at->column->presentation != NULL ? at->column->declared : NULL);
}

static enum status present_declared(struct presenting *at) {
    const char *type = value_of(at, "type");
    int precision, scale;
    struct text text;

    if (type != NULL) {
        return present_user_type(at, type);
    }
    text_init(&text, TEXT_SQL_BYTES_MAX);
    text_append(&text, at->look.declared);
    if ((at->look.flags & PG_LOOK_SIZED) != 0 && at->pg->typmod >= TYPMOD_HEADER) {
        if (at->pg->type_oid != PG_TYPE_NUMERIC) {
            text_printf(&text, "(%d)", at->pg->typmod - TYPMOD_HEADER);
        } else if (numeric_size(at->pg->typmod, &precision, &scale) && scale >= 0) {
            text_printf(&text, "(%d,%d)", precision, scale);
        }
    }
    at->column->declared = keep_text(at, &text);
    return kept(at->column->declared);
}

/* ---- a column, a relation ---- */

/* Is the remote's NOT NULL enforced for every row that is read? Not by foreign servers, and a
 * table's children may drop it. */
static bool not_null_holds(const struct schema *schema) {
    const struct pg_relation *relation = pg_relation(schema);

    return (schema->kind == RELATION_TABLE && relation->leaf_count == 0) ||
           (schema->kind == RELATION_PARTITIONED_TABLE && !relation->foreign_leaves);
}

static void present_finish(struct presenting *at) {
    struct pg_column *pg = at->pg;
    struct column *column = at->column;

    pg->family = at->look.family;
    pg->decoder = at->look.decoder;
    pg->select_expression = at->look.select;
    pg->text_expression = at->look.text;
    pg->order_expression = at->look.order;
    pg->never_numeric = (at->look.flags & PG_LOOK_NEVER_NUMERIC) != 0;
    pg->row_null = (at->look.flags & PG_LOOK_ROW_NULL) != 0;
    pg->wire_oid = at->look.wire_oid;
    column->declared_collation = (at->look.flags & PG_LOOK_NOCASE) != 0 ? "NOCASE" : NULL;
    column->not_null = column->remote_not_null && !pg->nan_null && not_null_holds(at->schema);
    column->one_to_one = (at->look.flags & PG_LOOK_ONE_TO_ONE) != 0;
    column->text_values = text_decoder(pg->decoder) || at->nan_text;
}

static enum status present_column(struct presenting *at) {
    enum status status;

    at->pg->name = at->column->remote_name;
    status = present_look(at);
    if (status == STATUS_OK) {
        status = present_schema_name(at, &at->look.select);
    }
    if (status == STATUS_OK) {
        status = present_schema_name(at, &at->look.text);
    }
    if (status == STATUS_OK) {
        status = present_number(at);
    }
    if (status == STATUS_OK) {
        status = present_order(at);
    }
    if (status == STATUS_OK) {
        status = present_declared(at);
    }
    if (status == STATUS_OK) {
        present_finish(at);
    }
    return status;
}

enum status pg_present(
        struct schema *schema, const struct options *options, struct error *err) {
    enum status status = schema_name_columns(schema, err);

    for (size_t i = 0; status == STATUS_OK && i < schema->column_count; i++) {
        struct presenting at = { .schema = schema, .options = options, .err = err };

        at.column = &schema->columns[i];
        /* driver_data is constant to all but the one who fills it, which is this file. */
        at.pg = (struct pg_column *)at.column->driver_data;
        assert(at.pg != NULL); /* ensured by describe.c and catalog.c */
        status = present_column(&at);
    }
    return status == STATUS_OK ? pg_shape(schema, options, err) : status;
}
