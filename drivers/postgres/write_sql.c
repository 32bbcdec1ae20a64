/* The statements that write. Pure. Parameters are of four plain types, stated by a cast, so
 * that the server never has to guess; see values.h. */
#include "drivers/postgres/types.h"
#include "drivers/postgres/write.h"

#include <string.h>

struct write_sql {
    const struct pg_shape *shape;
    struct text *sql;
    size_t parameters; /* so far */
};

bool pg_is_set(const struct pg_shape *shape, size_t column) {
    return shape->kind != CHANGE_DELETE && shape->states[column] == CELL_SET &&
           shape->schema->columns[column].generated == 0;
}

size_t pg_identity_count(const struct schema *schema) {
    switch (schema->identity) {
    case IDENTITY_ROWID:
        return pg_relation(schema)->leaf_count > 0 ? 2 : 1;
    case IDENTITY_ROW:
        return schema->find_count;
    default:
        return 1;
    }
}

static size_t set_count(const struct pg_shape *shape) {
    size_t count = 0;

    for (size_t i = 0; i < shape->schema->column_count; i++) {
        count += pg_is_set(shape, i);
    }
    return count;
}

size_t pg_parameter_count(const struct pg_shape *shape) {
    return set_count(shape) +
           (shape->kind == CHANGE_INSERT ? 0 : pg_identity_count(shape->schema));
}

/* ---- values -------------------------------------------------------------------------------
 */

/* The session's search_path begins with pg_catalog, so built-in names need no schema. */
static void append_plain(struct text *sql, const char *name) {
    static const char built_in[] = "pg_catalog.";
    size_t length = sizeof(built_in) - 1;

    text_append(sql, strncmp(name, built_in, length) == 0 ? name + length : name);
}

/* With its modifier, where that rounds: elements that come in without are rounded unseen when
 * the array is stored. format_type() writes built-in names without a schema, too. */
static void append_exact_type(struct text *sql, const struct column *column) {
    const struct pg_column *pg = column->driver_data;
    bool rounds = pg->element_oid != 0 && pg->element_oid != PG_TYPE_BPCHAR &&
                  pg->typmod >= 0 && !pg->domain && strcmp(pg->type_schema, "pg_catalog") == 0;

    append_plain(sql, rounds ? column->remote_type : pg->type_sql);
}

static void append_type_schema(struct text *sql, const char *type_sql) {
    const char *dot = strrchr(type_sql, '.');

    text_append_bytes(sql, type_sql, dot != NULL ? (size_t)(dot - type_sql) : 0);
}

/* number: that of the parameter, or of the column of unnest(). */
static void append_value(
        struct write_sql *w, int column, size_t number, enum pg_source source) {
    const struct pg_column *pg = pg_column(w->shape->schema, column);
    const struct pg_rule *rule = pg_value_rule(pg);

    for (const char *at = rule->expression; *at != '\0'; at++) {
        if (at[0] != '%') {
            text_append_char(w->sql, *at);
            continue;
        }
        at++;
        if (*at == 't') {
            append_plain(w->sql, pg->type_sql);
        } else if (*at == 'm') {
            append_exact_type(w->sql, &w->shape->schema->columns[column]);
        } else if (*at == 's') {
            append_type_schema(w->sql, pg->type_sql);
        } else if (source == PG_SOURCE_ARRAYS) {
            text_printf(w->sql, "u.c%zu", number);
        } else {
            text_printf(w->sql, "$%zu::%s", number, pg_parameter_name(rule->parameter));
        }
    }
}

/* An operator of an extension's type need not be on the search path. */
static void append_equals(struct write_sql *w, int column) {
    const struct pg_column *pg = pg_column(w->shape->schema, column);

    if (pg->type_kind == 'b' && pg->element_oid == 0 &&
            strcmp(pg->type_schema, "pg_catalog") != 0) {
        text_append(w->sql, " OPERATOR(");
        append_type_schema(w->sql, pg->type_sql);
        text_append(w->sql, ".=) ");
    } else {
        text_append(w->sql, " = ");
    }
}

static void append_column(struct write_sql *w, const char *alias, int column) {
    text_printf(w->sql, "%s%s", alias, alias[0] != '\0' ? "." : "");
    pg_append_identifier(w->sql, w->shape->schema->columns[column].remote_name);
}

static void append_match(struct write_sql *w, const char *alias, int column, size_t number,
        enum pg_source source) {
    append_column(w, alias, column);
    append_equals(w, column);
    append_value(w, column, number, source);
}

/* ---- the row ------------------------------------------------------------------------------
 */

/* Its parameters stand behind those of the values. */
static void append_identity(struct write_sql *w, const char *alias) {
    const struct schema *schema = w->shape->schema;
    size_t number = set_count(w->shape) + 1;
    bool arrays = w->shape->source == PG_SOURCE_ARRAYS;

    switch (schema->identity) {
    case IDENTITY_ROWID:
        text_printf(w->sql, arrays ? "%s.ctid = u.c%zu::tid" : "%s.ctid = $%zu::text::tid",
                alias, number);
        if (pg_relation(schema)->leaf_count > 0) {
            text_printf(w->sql,
                    arrays ? " AND %s.tableoid = u.c%zu::oid"
                           : " AND %s.tableoid = $%zu::int8::oid",
                    alias, number + 1);
        }
        break;
    case IDENTITY_ROW:
        for (size_t i = 0; i < schema->find_count; i++) {
            text_append(w->sql, i > 0 ? " AND " : "");
            append_match(w, alias, schema->find_columns[i], number + i, w->shape->source);
        }
        break;
    default:
        append_match(w, alias, schema->key_column, number, w->shape->source);
    }
}

enum pg_parameter pg_identity_parameter(const struct schema *schema, size_t part) {
    int column =
            schema->identity == IDENTITY_ROW ? schema->find_columns[part] : schema->key_column;

    if (schema->identity == IDENTITY_ROWID) {
        return part == 0 ? PG_PARAMETER_TEXT : PG_PARAMETER_INT8;
    }
    return pg_value_rule(pg_column(schema, column))->parameter;
}

/* word: FROM or USING. Named as the parameters are numbered. */
static void append_identities(struct write_sql *w, const char *word) {
    const struct schema *schema = w->shape->schema;
    size_t first = set_count(w->shape) + 1, count = pg_identity_count(schema);

    if (w->shape->source != PG_SOURCE_ARRAYS) {
        return;
    }
    text_printf(w->sql, " %s unnest(", word);
    for (size_t i = 0; i < count; i++) {
        text_printf(w->sql, "%s$%zu::%s[]", i > 0 ? ", " : "", first + i,
                pg_parameter_name(pg_identity_parameter(schema, i)));
    }
    text_append(w->sql, ") AS u(");
    for (size_t i = 0; i < count; i++) {
        text_printf(w->sql, "%sc%zu", i > 0 ? ", " : "", first + i);
    }
    text_append_char(w->sql, ')');
}

/* ---- rows in the way ----------------------------------------------------------------------
 */

/* The number of the parameter that sets the column; 0: none does. */
static size_t parameter_of(const struct pg_shape *shape, size_t column) {
    size_t number = 0;

    for (size_t i = 0; i <= column; i++) {
        number += pg_is_set(shape, i);
    }
    return pg_is_set(shape, column) ? number : 0;
}

/* Can a row in conflict on this key be found by what is written? */
static bool key_decides(const struct pg_shape *shape, const struct key *key) {
    bool decides = false;

    if ((key->kind != KEY_PRIMARY && key->kind != KEY_UNIQUE) || key->partial ||
            key->column_count == 0) {
        return false; /* the server tells of such a conflict, if there is one */
    }
    for (size_t i = 0; i < key->column_count; i++) {
        bool set = pg_is_set(shape, (size_t)key->columns[i]);

        if (!set && shape->kind == CHANGE_INSERT) {
            return false; /* the server fills it */
        }
        decides = decides || set;
    }
    return decides;
}

static void append_conflict(struct write_sql *w, const struct key *key) {
    for (size_t i = 0; i < key->column_count; i++) {
        int column = key->columns[i];
        size_t number = parameter_of(w->shape, (size_t)column);

        text_append(w->sql, i > 0 ? " AND " : "");
        if (number > 0) {
            append_match(w, "o", column, number, PG_SOURCE_ROW);
        } else {
            append_column(w, "o", column);
            append_equals(w, column);
            append_column(w, "me", column);
        }
    }
}

/* WITH gone AS (DELETE ...): the rows that OR REPLACE removes. The statement behind it reads
 * from `gone`, so that they are gone first. False: no key can be in conflict. */
static bool append_gone(struct write_sql *w) {
    const struct schema *schema = w->shape->schema;
    const char *separator = "";
    bool any = false;

    for (size_t i = 0; i < schema->key_count; i++) {
        any = any || key_decides(w->shape, &schema->keys[i]);
    }
    if (!any) {
        return false;
    }
    text_append(w->sql, "WITH gone AS (DELETE FROM ");
    pg_append_relation(w->sql, schema);
    text_append(w->sql, " AS o");
    if (w->shape->kind == CHANGE_UPDATE) {
        text_append(w->sql, " USING ");
        pg_append_relation(w->sql, schema);
        text_append(w->sql, " AS me WHERE ");
        append_identity(w, "me");
        text_append(w->sql, " AND (o.ctid <> me.ctid OR o.tableoid <> me.tableoid) AND (");
    } else {
        text_append(w->sql, " WHERE (");
    }
    for (size_t i = 0; i < schema->key_count; i++) {
        if (key_decides(w->shape, &schema->keys[i])) {
            text_append(w->sql, separator);
            append_conflict(w, &schema->keys[i]);
            separator = " OR ";
        }
    }
    text_append(w->sql, ") RETURNING 1) ");
    return true;
}

static const char gone_rows[] = "(SELECT count(*) FROM gone) AS g";

/* ---- INSERT -------------------------------------------------------------------------------
 */

/* A number that an identity column has ALWAYS made by itself is stored all the same when it is
 * given, as a local INTEGER PRIMARY KEY would store it. */
static bool overrides(const struct pg_shape *shape) {
    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (pg_is_set(shape, i) && shape->schema->columns[i].identity == 'a') {
            return true;
        }
    }
    return false;
}

static void append_row(struct write_sql *w, bool arrays) {
    size_t number = 0;

    for (size_t i = 0; i < w->shape->schema->column_count; i++) {
        if (pg_is_set(w->shape, i)) {
            text_append(w->sql, number > 0 ? ", " : "");
            append_value(w, (int)i, ++number, arrays ? PG_SOURCE_ARRAYS : PG_SOURCE_ROW);
        }
    }
}

/* The numbers behind the columns keep the order, in which keys are given and come back. */
static void append_unnest(struct write_sql *w) {
    size_t number = 0, count = set_count(w->shape);

    text_append(w->sql, "unnest(");
    for (size_t i = 0; i < w->shape->schema->column_count; i++) {
        if (pg_is_set(w->shape, i)) {
            enum pg_parameter parameter =
                    pg_value_rule(pg_column(w->shape->schema, (int)i))->parameter;

            text_printf(w->sql, "%s$%zu::%s[]", number > 0 ? ", " : "", number + 1,
                    pg_parameter_name(parameter));
            number++;
        }
    }
    text_append(w->sql, ") WITH ORDINALITY AS u(");
    for (size_t i = 1; i <= count; i++) {
        text_printf(w->sql, "c%zu, ", i);
    }
    text_append(w->sql, "n) ORDER BY u.n");
}

static void append_insert(struct text *sql, const struct pg_shape *shape) {
    struct write_sql w = { .shape = shape, .sql = sql };
    bool gone = shape->on_conflict == ON_CONFLICT_REPLACE && append_gone(&w);
    const char *separator = "";

    text_append(sql, "INSERT INTO ");
    pg_append_relation(sql, shape->schema);
    text_append(sql, " AS r");
    if (set_count(shape) == 0) {
        text_append(sql, " DEFAULT VALUES");
        return;
    }
    text_append(sql, " (");
    for (size_t i = 0; i < shape->schema->column_count; i++) {
        if (pg_is_set(shape, i)) {
            text_append(sql, separator);
            append_column(&w, "", (int)i);
            separator = ", ";
        }
    }
    text_append(sql, overrides(shape) ? ") OVERRIDING SYSTEM VALUE " : ") ");
    if (shape->source == PG_SOURCE_ARRAYS) {
        text_append(sql, "SELECT ");
        append_row(&w, true);
        text_append(sql, " FROM ");
        append_unnest(&w);
    } else {
        text_append(sql, gone ? "SELECT " : "VALUES (");
        append_row(&w, false);
        text_append(sql, gone ? " FROM " : ")");
        text_append(sql, gone ? gone_rows : "");
    }
}

static void append_returning(struct write_sql *w) {
    const struct schema *schema = w->shape->schema;

    if (schema->identity == IDENTITY_INTEGER_KEY) {
        text_append(w->sql, " RETURNING ");
        append_column(w, "r", schema->key_column);
    } else if (schema->identity == IDENTITY_ROWID) {
        text_append(w->sql, pg_relation(schema)->leaf_count > 0
                                    ? " RETURNING r.ctid, r.tableoid"
                                    : " RETURNING r.ctid");
    }
}

/* ---- UPDATE and DELETE --------------------------------------------------------------------
 */

/* CELL_DEFAULT: OR REPLACE makes a NULL that may not be the default. */
static void append_set(struct write_sql *w) {
    const char *separator = "";
    size_t number = 0;

    for (size_t i = 0; i < w->shape->schema->column_count; i++) {
        if (!pg_is_set(w->shape, i) && w->shape->states[i] != CELL_DEFAULT) {
            continue;
        }
        text_append(w->sql, separator);
        append_column(w, "", (int)i);
        text_append(w->sql, " = ");
        if (pg_is_set(w->shape, i)) {
            append_value(w, (int)i, ++number, PG_SOURCE_ROW);
        } else {
            text_append(w->sql, "DEFAULT");
        }
        separator = ", ";
    }
}

static void append_update(struct write_sql *w) {
    bool gone = w->shape->on_conflict == ON_CONFLICT_REPLACE && append_gone(w);

    text_append(w->sql, "UPDATE ");
    pg_append_relation(w->sql, w->shape->schema);
    text_append(w->sql, " AS r SET ");
    append_set(w);
    text_append(w->sql, gone ? " FROM " : "");
    text_append(w->sql, gone ? gone_rows : "");
    append_identities(w, "FROM");
    text_append(w->sql, " WHERE ");
    append_identity(w, "r");
}

enum status pg_write_sql(const struct pg_shape *shape, struct text *sql, struct error *err) {
    struct write_sql w = { .shape = shape, .sql = sql };

    switch (shape->kind) {
    case CHANGE_INSERT:
        append_insert(sql, shape);
        text_append(
                sql, shape->on_conflict == ON_CONFLICT_IGNORE ? " ON CONFLICT DO NOTHING" : "");
        if (shape->returning) {
            append_returning(&w);
        }
        break;
    case CHANGE_UPDATE:
        append_update(&w);
        break;
    case CHANGE_DELETE:
        text_append(sql, "DELETE FROM ");
        pg_append_relation(sql, shape->schema);
        text_append(sql, " AS r");
        append_identities(&w, "USING");
        text_append(sql, " WHERE ");
        append_identity(&w, "r");
        break;
    }
    return text_status(sql, err);
}

enum status pg_find_sql(const struct pg_shape *shape, struct text *sql, struct error *err) {
    struct write_sql w = { .shape = shape, .sql = sql };

    text_append(sql, "SELECT 1 FROM ");
    pg_append_relation(sql, shape->schema);
    text_append(sql, " AS r WHERE ");
    append_identity(&w, "r");
    return text_status(sql, err);
}
