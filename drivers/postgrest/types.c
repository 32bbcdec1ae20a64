/* How values look, and how they travel for it: the postgres driver's presentation, and the form
 * in which each value is asked of a server that speaks JSON. Pure.
 *
 * What PostgreSQL's own text says exactly is asked for as text: numbers with a fraction, points
 * in time, json (whose null would be a NULL). What is a JSON string or number of exactly that
 * text anyway travels plain. Arrays, composites and hstore are shown as JSON: their bytes are
 * kept as they come. */
#include "drivers/postgrest/internal.h"

#include "drivers/postgres/types.h"
#include "drivers/registry.h"

#include <string.h>

/* By what stands in the expression that the postgres driver selects; the first row counts. */
static const struct {
    const char *part;
    enum pr_select select;
    bool possible;
} selects[] = {
    { "to_json(", PR_SELECT_PLAIN, true },
    { "st_as", PR_SELECT_PLAIN, false },
    { "date_part(", PR_SELECT_PLAIN, false },
    { "::pg_catalog.numeric", PR_SELECT_NUMERIC, true },
    { "concat(", PR_SELECT_PLAIN, true }, /* the output function is JSON's, too */
    { "::pg_catalog.text", PR_SELECT_TEXT, true },
};

/* Of those that travel without an expression. */
static enum pr_select plain_select(enum pg_decoder decoder) {
    switch (decoder) {
    case PG_DECODE_INT2:
    case PG_DECODE_INT4:
    case PG_DECODE_INT8:
    case PG_DECODE_BOOL:
    case PG_DECODE_BOOL_TF:
    case PG_DECODE_TEXT:
    case PG_DECODE_BLOB:
    case PG_DECODE_UUID:
    case PG_DECODE_UUID_HEX:
        return PR_SELECT_PLAIN;
    default:
        return PR_SELECT_TEXT;
    }
}

/* Types of which JSON shows something else than their text. */
static bool output_needs_cast(const struct pg_column *pg) {
    return strncmp(pg->type_name, "geo", 3) == 0 || pg->type_kind == 'c' ||
           pg->element_oid != 0;
}

static enum status choose_select(
        struct pr_column *facts, const struct column *column, struct error *err) {
    const char *expression = facts->pg.select_expression;

    facts->select = plain_select(facts->pg.decoder);
    if (strcmp(expression, "%c") == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof(selects) / sizeof(selects[0]); i++) {
        if (strstr(expression, selects[i].part) == NULL) {
            continue;
        }
        if (!selects[i].possible) {
            return error_set(err, STATUS_UNSUPPORTED,
                    "column \"%s\" cannot be shown with %s over PostgREST", column->name,
                    column->presentation);
        }
        facts->select = selects[i].select;
        facts->raw = i == 0;
        if (strcmp(selects[i].part, "concat(") == 0 && output_needs_cast(&facts->pg)) {
            facts->select = PR_SELECT_TEXT;
        }
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* What a filter of a URL cannot say: it knows columns, no expressions. And documents call a
 * smallint int32, or are of yesterday: that a value is out of an integer's range is left to the
 * server to say. */
static void restrict_column(struct pr_column *facts) {
    if (facts->pg.decoder == PG_DECODE_INT2 || facts->pg.decoder == PG_DECODE_INT4) {
        facts->pg.integer_min = INT64_MIN;
        facts->pg.integer_max = INT64_MAX;
    }
    if (facts->select == PR_SELECT_NUMERIC) {
        facts->pg.family = PG_FAMILY_NULLS_ONLY;
    }
    if (facts->pg.order_expression != NULL && strcmp(facts->pg.order_expression, "%c") != 0) {
        facts->pg.order_expression = NULL;
    }
}

/* The catalog is not there to be asked, so the user's word for a collation is taken. */
static enum status believe_collations(
        struct schema *schema, const struct options *options, struct error *err) {
    enum status status = schema_name_columns(schema, err);

    for (size_t i = 0; status == STATUS_OK && i < schema->column_count; i++) {
        struct pr_column *facts = (struct pr_column *)schema->columns[i].driver_data;

        if (facts->pg.collation != PG_COLLATION_NONE &&
                value_option(options, "collation", schema->columns[i].name) != NULL) {
            facts->pg.collation = PG_COLLATION_C;
        }
    }
    return status;
}

/* What a document requires may be NOT NULL by its domain alone, of which rows can be free. */
static bool is_key_column(const struct schema *schema, size_t column) {
    for (size_t i = 0; i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];

        for (size_t k = 0; k < key->column_count && key->kind == KEY_PRIMARY; k++) {
            if (key->columns[k] == (int)column) {
                return true;
            }
        }
    }
    return false;
}

/* ---- the key that pages go by ---- */

struct key_choice {
    const struct schema *schema;
    int *columns;
    size_t count;
};

static enum status choose_column(void *context, const char *item, size_t length) {
    struct key_choice *choice = context;

    for (size_t i = 0; i < choice->schema->column_count; i++) {
        const struct column *column = &choice->schema->columns[i];

        if ((strlen(column->remote_name) == length &&
                    memcmp(column->remote_name, item, length) == 0) ||
                (strlen(column->name) == length && memcmp(column->name, item, length) == 0)) {
            bool known = false;

            for (size_t k = 0; k < choice->count; k++) {
                known = known || choice->columns[k] == (int)i;
            }
            if (!known) {
                choice->columns[choice->count++] = (int)i;
            }
            return STATUS_OK;
        }
    }
    return STATUS_OK; /* pg_present() has refused what names no column */
}

static enum status choose_key(
        struct schema *schema, const struct options *options, struct error *err) {
    struct pr_relation *relation = (struct pr_relation *)schema->driver_data;
    const char *words = options_knows(options, "key", 3) ? options_text(options, "key") : NULL;
    struct key_choice choice = { .schema = schema };

    for (size_t i = 0; i < schema->key_count; i++) {
        if (schema->keys[i].kind == KEY_PRIMARY) {
            relation->key = schema->keys[i].columns;
            relation->key_count = schema->keys[i].column_count;
        }
    }
    if (words == NULL) {
        return STATUS_OK;
    }
    choice.columns = arena_alloc_array(&schema->arena, schema->column_count + 1, sizeof(int));
    if (choice.columns == NULL || list_each(words, choose_column, &choice) != STATUS_OK) {
        return error_nomem(err);
    }
    relation->key = choice.columns;
    relation->key_count = choice.count;
    relation->key_asserted = true;
    return STATUS_OK;
}

bool pr_is_zoned(const struct pr_column *facts) {
    enum { OID_TSTZRANGE = 3910, OID_TSTZMULTIRANGE = 4534 };
    uint32_t oid = facts->pg.type_oid;

    return facts->pg.element_oid == PG_TYPE_TIMESTAMPTZ || oid == OID_TSTZRANGE ||
           oid == OID_TSTZMULTIRANGE;
}

enum status pr_present(
        struct schema *schema, const struct options *options, struct error *err) {
    enum status status = believe_collations(schema, options, err);

    if (status == STATUS_OK) {
        status = pg_present(schema, options, err);
    }
    for (size_t i = 0; status == STATUS_OK && i < schema->column_count; i++) {
        struct pr_column *facts = (struct pr_column *)schema->columns[i].driver_data;

        status = choose_select(facts, &schema->columns[i], err);
        restrict_column(facts);
        schema->columns[i].default_untold = schema->columns[i].default_sql == NULL;
        schema->columns[i].not_null = schema->columns[i].not_null && is_key_column(schema, i);
    }
    return status == STATUS_OK ? choose_key(schema, options, err) : status;
}
