/* present(): how remote values look in SQLite, which is: as they are.
 *
 * A declared type is kept to the letter, so that the column has the affinity it has in its own
 * database, and a table's values are stable under it. The values of views and queries need not
 * be (a UNION may put text under the name of a number), nor those of a column that the user
 * gave another type: these are read through a CASE that does what storing them in such a column
 * would do. Of the options that shape values only type.COLUMN= has a meaning here; the others
 * belong to types that SQLite does not have, and may be meant for another server.
 *
 * judge.c and dialect.c pair with this file: what is compared is what is presented. */
#include "drivers/sqlite/internal.h"

#include <string.h>

enum { TYPE_BYTES_MAX = 64 * 1024 };

/* "%c" is the column. A text looks like a number if it is not above infinity once the
 * comparison has applied NUMERIC affinity, which is the only thing in SQL that does so without
 * a change. */
static const char *const conversions[] = {
    [SQ_BLOB] = "%c",
    [SQ_TEXT] =
            "(CASE WHEN typeof(%c) IN ('integer', 'real') THEN CAST(%c AS TEXT) ELSE %c END)",
    [SQ_NUMERIC] = "(CASE typeof(%c) WHEN 'text' THEN CASE WHEN %c COLLATE BINARY <= "
                   "CAST('9e999' AS NUMERIC) THEN CAST(%c AS NUMERIC) ELSE %c END "
                   "WHEN 'real' THEN CASE WHEN +%c = CAST(%c AS INTEGER) THEN CAST(%c AS "
                   "INTEGER) ELSE %c END ELSE %c END)",
    [SQ_REAL] = "(CASE typeof(%c) WHEN 'integer' THEN CAST(%c AS REAL) WHEN 'text' THEN "
                "CASE WHEN %c COLLATE BINARY <= CAST('9e999' AS NUMERIC) THEN CAST(%c AS REAL) "
                "ELSE %c END ELSE %c END)",
};

static const struct {
    const char *part;
    enum sq_affinity affinity;
} affinity_rules[] = {
    /* in SQLite's order */
    { "INT", SQ_INTEGER },
    { "CHAR", SQ_TEXT },
    { "CLOB", SQ_TEXT },
    { "TEXT", SQ_TEXT },
    { "BLOB", SQ_BLOB },
    { "REAL", SQ_REAL },
    { "FLOA", SQ_REAL },
    { "DOUB", SQ_REAL },
};

static bool contains(const char *text, const char *part) {
    size_t length = strlen(part);

    for (; *text != '\0'; text++) {
        if (sqlite3_strnicmp(text, part, (int)length) == 0) {
            return true;
        }
    }
    return false;
}

enum sq_affinity sq_affinity_of(const char *type) {
    for (size_t i = 0; i < sizeof(affinity_rules) / sizeof(affinity_rules[0]); i++) {
        if (contains(type, affinity_rules[i].part)) {
            return affinity_rules[i].affinity;
        }
    }
    return type[0] == '\0' ? SQ_BLOB : SQ_NUMERIC;
}

/* INTEGER and NUMERIC keep the same values and compare alike. */
static enum sq_affinity storage(enum sq_affinity affinity) {
    return affinity == SQ_INTEGER ? SQ_NUMERIC : affinity;
}

/* Alone, a quoted name that is gone would become a string. */
static void append_reference(struct text *out, const struct schema *schema, int column) {
    if (schema->kind == RELATION_QUERY) { /* names of a query may be missing or repeat */
        text_printf(out, "r.c%d", column);
        return;
    }
    text_append(out, "r.");
    sq_append_identifier(out, schema->columns[column].remote_name);
}

static void append_name(struct text *out, const struct schema *schema, int column) {
    sq_append_identifier(out, schema->remote_name);
    text_append_char(out, '.');
    sq_append_identifier(out, schema->columns[column].remote_name);
}

/* RETURNING shows a whole number in a REAL column in the form it is stored in: INTEGER. */
static void append_returned(struct text *out, const struct schema *schema, int column) {
    bool real = sq_column(schema, column)->remote_affinity == SQ_REAL;

    text_append(out, real ? "(CASE WHEN typeof(" : "");
    append_name(out, schema, column);
    if (real) {
        text_append(out, ") IN ('integer', 'real') THEN CAST(");
        append_name(out, schema, column);
        text_append(out, " AS REAL) ELSE ");
        append_name(out, schema, column);
        text_append(out, " END)");
    }
}

static void append_column(struct text *out, const struct schema *schema, int column,
        void (*append)(struct text *, const struct schema *, int column)) {
    const struct sq_column *own = sq_column(schema, column);
    const char *form = conversions[own->converted ? storage(own->affinity) : SQ_BLOB];

    for (const char *at; (at = strstr(form, "%c")) != NULL; form = at + 2) {
        text_append_bytes(out, form, (size_t)(at - form));
        append(out, schema, column);
    }
    text_append(out, form);
}

void sq_append_column(struct text *out, const struct schema *schema, int column) {
    append_column(out, schema, column, append_reference);
}

void sq_append_stored(struct text *out, const struct schema *schema, int column) {
    append_column(out, schema, column, append_returned);
}

/* ---- declared types ---------------------------------------------------------------- */

/* VARCHAR(10), DECIMAL(10, 2), UNSIGNED BIG INT: words, none of them a keyword; numbers. */
static bool is_plain_type(const char *type) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t digits;

    do {
        size_t length = strspn(type, letters);

        length = length > 0
                         ? strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "_0123456789")
                         : 0;
        if (length == 0 || sqlite3_keyword_check(type, (int)length)) {
            return false;
        }
        type += length;
    } while (*type == ' ' && *++type != '(');
    if (*type != '(') {
        return *type == '\0';
    }
    do {
        type++;
        type += *type == ' ';
        digits = strspn(type, "0123456789");
        type += digits;
    } while (digits > 0 && *type == ',');
    return digits > 0 && strcmp(type, ")") == 0;
}

/* SQLite hides a virtual table's column whose type has this word for itself. */
static void unhide(char *type) {
    for (char *at = type; *at != '\0'; at++) {
        if (sqlite3_strnicmp(at, "hidden", 6) == 0 && (at == type || at[-1] == ' ') &&
                (at[6] == '\0' || at[6] == ' ')) {
            at[5] = '_';
        }
    }
}

static enum status declare_type(
        struct schema *schema, struct column *column, const char *type, struct error *err) {
    const struct sq_column *own = column->driver_data;
    char *copy = arena_copy_text(&schema->arena, type);
    struct text quoted;
    enum status status;

    if (copy == NULL) {
        return error_nomem(err);
    }
    unhide(copy);
    if (own->affinity == SQ_BLOB && sq_affinity_of(copy) != SQ_BLOB) {
        copy[0] = '\0'; /* ANY of a STRICT table: elsewhere the word would bend values */
    }
    column->declared = copy;
    if (copy[0] == '\0' || is_plain_type(copy)) {
        return STATUS_OK;
    }
    text_init(&quoted, TYPE_BYTES_MAX);
    sq_append_identifier(&quoted, copy);
    status = text_status(&quoted, err);
    if (status == STATUS_OK) {
        column->declared = arena_copy_text(&schema->arena, text_get(&quoted));
        status = column->declared != NULL ? STATUS_OK : error_nomem(err);
    }
    text_clear(&quoted);
    return status;
}

/* ---- columns ----------------------------------------------------------------------- */

static const char *declared_collation(const char *collation) {
    static const char *const known[] = { "NOCASE", "RTRIM" };

    for (size_t i = 0; collation != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (sqlite3_stricmp(collation, known[i]) == 0) {
            return known[i];
        }
    }
    return NULL; /* others are not SQLite's own: the column is compared by its bytes */
}

static enum status describe_presentation(
        struct schema *schema, struct column *column, const char *type, struct error *err) {
    char *shown;

    column->presentation = "";
    if (type == NULL) {
        return STATUS_OK;
    }
    shown = sqlite3_mprintf("type=%s", type);
    column->presentation = arena_copy_text(&schema->arena, shown);
    sqlite3_free(shown);
    return column->presentation != NULL ? STATUS_OK : error_nomem(err);
}

static enum status present_column(struct schema *schema, struct column *column,
        const struct options *options, struct error *err) {
    const struct sq_relation *relation = sq_relation(schema);
    struct sq_column *own = (struct sq_column *)column->driver_data;
    const char *type = options_column_text(options, "type", column->name);
    enum status status;

    own->affinity = type != NULL ? sq_affinity_of(type) : own->remote_affinity;
    own->converted = own->affinity != SQ_BLOB &&
                     (!relation->keeps_affinity ||
                             storage(own->affinity) != storage(own->remote_affinity));
    column->declared_collation = declared_collation(column->collation);
    column->not_null = column->remote_not_null;
    column->text_values = !own->never_text || storage(own->affinity) == SQ_TEXT;
    /* Broken UTF-16 may become the same UTF-8 as a whole one. */
    column->one_to_one = !own->converted && !(relation->utf16 && column->text_values);
    status = declare_type(schema, column, type != NULL ? type : column->remote_type, err);
    return status == STATUS_OK ? describe_presentation(schema, column, type, err) : status;
}

/* ---- shape ------------------------------------------------------------------------- */

/* The key of a table without rowid finds its rows, where no two of it look alike. */
static enum status keep_find_columns(struct schema *schema, struct error *err) {
    int *columns =
            arena_alloc_array(&schema->arena, schema->column_count + 1, sizeof(*columns));

    if (columns == NULL) {
        return error_nomem(err);
    }
    schema->find_columns = columns;
    schema->find_count = 0;
    for (size_t k = 0; k < schema->key_count; k++) {
        const struct key *key = &schema->keys[k];

        for (size_t i = 0; key->kind == KEY_PRIMARY && i < key->column_count; i++) {
            if (!key->valid || key->partial || !schema->columns[key->columns[i]].one_to_one) {
                schema->find_count = 0;
                return STATUS_OK;
            }
            columns[schema->find_count++] = key->columns[i];
        }
    }
    return STATUS_OK;
}

static void choose_identity(struct schema *schema, bool rowid_wanted) {
    const struct sq_relation *relation = sq_relation(schema);
    int integer_key = relation->integer_key, unique_key = relation->unique_key;

    schema->key_column = -1;
    if (integer_key >= 0 && storage(sq_column(schema, integer_key)->affinity) == SQ_NUMERIC) {
        schema->identity = IDENTITY_INTEGER_KEY;
        schema->key_column = integer_key;
        schema->columns[integer_key].declared = "INTEGER";
    } else if (unique_key >= 0 && schema->columns[unique_key].one_to_one && !rowid_wanted) {
        schema->identity = IDENTITY_KEY;
        schema->key_column = unique_key;
    } else {
        schema->identity = relation->rowid_name != NULL ? IDENTITY_ROWID : IDENTITY_ROW;
    }
}

enum status sq_present(
        struct schema *schema, const struct options *options, struct error *err) {
    enum status status = schema_name_columns(schema, err);

    for (size_t i = 0; status == STATUS_OK && i < schema->column_count; i++) {
        status = present_column(schema, &schema->columns[i], options, err);
    }
    if (status == STATUS_OK) {
        choose_identity(schema, options_bool(options, "rowid"));
    }
    if (status == STATUS_OK && schema->identity == IDENTITY_ROW) {
        status = keep_find_columns(schema, err);
    }
    return status;
}
