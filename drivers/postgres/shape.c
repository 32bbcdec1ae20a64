/* How a row of a relation is told from the others, and so the shape its table is declared in.
 *
 * Pure. SQLite merges the branches of an OR by rowid or by the declared key: an identity that
 * two rows share would lose one of them. So a key is declared only when the remote enforces it
 * for every row and its values never look alike; a base table has its ctid besides; and where
 * there is nothing, equal rows are counted. */
#include "drivers/postgres/types.h"

#include <string.h>

enum { LEAVES_MAX = 32767 }; /* a rowid has 15 bits for the leaf */

static bool knows(const struct options *options, const char *word) {
    return options_knows(
            options, word, strlen(word)); /* a server's set has none of a table's */
}

/* Does the remote enforce it for every row that a scan gives? */
static bool key_usable(const struct schema *schema, const struct key *key) {
    bool inherited = schema->kind == RELATION_TABLE && pg_relation(schema)->leaf_count > 0;

    if ((key->kind != KEY_PRIMARY && key->kind != KEY_UNIQUE) || key->column_count == 0 ||
            !key->valid || !key->immediate || key->partial || inherited) {
        return false; /* a child's rows are not checked against its parent's key */
    }
    for (size_t i = 0; i < key->column_count; i++) {
        if (!schema->columns[key->columns[i]].remote_not_null) {
            return false;
        }
    }
    return true;
}

static const struct key *primary_key(const struct schema *schema) {
    for (size_t i = 0; i < schema->key_count; i++) {
        if (schema->keys[i].kind == KEY_PRIMARY && key_usable(schema, &schema->keys[i])) {
            return &schema->keys[i];
        }
    }
    return NULL;
}

/* The columns of key=a,b. */
struct key_choice {
    const struct schema *schema;
    bool *chosen; /* by column */
    size_t count;
    int last;
    struct error *err;
};

static int find_column(const struct schema *schema, const char *name, size_t length) {
    for (size_t i = 0; i < schema->column_count; i++) {
        const char *remote = schema->columns[i].remote_name;

        if (strlen(remote) == length && memcmp(remote, name, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static enum status choose_column(void *context, const char *item, size_t length) {
    struct key_choice *choice = context;
    int column = find_column(choice->schema, item, length);
    char *name;

    if (column < 0) {
        name = memory_alloc(length + 1);
        if (name == NULL) {
            return error_nomem(choice->err);
        }
        memcpy(name, item, length);
        column = schema_find_column(choice->schema, name);
        memory_free(name);
    }
    if (column < 0) {
        return error_set(choice->err, STATUS_USAGE, "no column \"%.*s\" for the option key",
                (int)length, item);
    }
    choice->count += !choice->chosen[column];
    choice->chosen[column] = true;
    choice->last = column;
    return STATUS_OK;
}

static bool key_is_chosen(const struct key *key, const struct key_choice *choice) {
    for (size_t i = 0; i < key->column_count; i++) {
        if (!choice->chosen[key->columns[i]]) {
            return false;
        }
    }
    return key->column_count == choice->count;
}

/* Of a table the catalog knows every key, so that a wrong word of the user's can be told; of a
 * view nobody knows, and the word is taken. */
static enum status check_choice(const struct key_choice *choice) {
    const struct schema *schema = choice->schema;

    if (choice->count == 0) {
        return error_set(choice->err, STATUS_USAGE, "the option key names no column");
    }
    if (schema->kind != RELATION_TABLE && schema->kind != RELATION_PARTITIONED_TABLE) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < schema->key_count; i++) {
        if (key_usable(schema, &schema->keys[i]) && key_is_chosen(&schema->keys[i], choice)) {
            return STATUS_OK;
        }
    }
    return error_set(choice->err, STATUS_USAGE,
            "the columns of the option key are not a key of table \"%s\": it needs a unique, "
            "immediate constraint or index on just these, NOT NULL",
            schema->remote_name);
}

static enum status choose_by_words(struct key_choice *choice, const char *words) {
    enum status status = list_each(words, choose_column, choice);

    if (status == STATUS_NOMEM) {
        error_nomem(choice->err);
    }
    return status == STATUS_OK ? check_choice(choice) : status;
}

static enum status choose_by_key(struct key_choice *choice, const struct key *key) {
    for (size_t i = 0; i < key->column_count; i++) {
        choice->chosen[key->columns[i]] = true;
        choice->last = key->columns[i];
    }
    choice->count = key->column_count;
    return STATUS_OK;
}

/* Rows that have a place of their own: rowids are made of it. */
static bool has_places(const struct schema *schema) {
    const struct pg_relation *relation = pg_relation(schema);

    return (schema->kind == RELATION_TABLE || schema->kind == RELATION_PARTITIONED_TABLE ||
                   schema->kind == RELATION_MATERIALIZED_VIEW) &&
           !relation->foreign_leaves && relation->leaf_count <= LEAVES_MAX;
}

/* The columns of a key, for rows that have no place: each must be shown as it is, or another
 * row might be found. */
static enum status keep_find_columns(
        struct schema *schema, const bool *chosen, struct error *err) {
    int *columns = arena_alloc_array(
            &schema->arena, schema->column_count + 1, sizeof(*schema->find_columns));

    if (columns == NULL) {
        return error_nomem(err);
    }
    schema->find_columns = columns;
    schema->find_count = 0;
    for (size_t i = 0; i < schema->column_count; i++) {
        if (chosen[i] && !schema->columns[i].one_to_one) {
            schema->find_count = 0;
            return STATUS_OK;
        }
        if (chosen[i]) {
            columns[schema->find_count++] = (int)i;
        }
    }
    return STATUS_OK;
}

/* -1 as *column: several columns, or no key at all. */
static enum status key_column(
        struct schema *schema, const struct options *options, int *column, struct error *err) {
    const char *words = knows(options, "key") ? options_text(options, "key") : NULL;
    struct key_choice choice = { .schema = schema, .err = err };
    const struct key *key = words == NULL ? primary_key(schema) : NULL;
    enum status status;

    *column = -1;
    if (words == NULL && key == NULL) {
        return STATUS_OK;
    }
    choice.chosen = memory_alloc_array(schema->column_count + 1, sizeof(*choice.chosen));
    if (choice.chosen == NULL) {
        return error_nomem(err);
    }
    status = words != NULL ? choose_by_words(&choice, words) : choose_by_key(&choice, key);
    if (status == STATUS_OK && choice.count == 1) {
        *column = choice.last;
    }
    if (status == STATUS_OK && !has_places(schema)) {
        status = keep_find_columns(schema, choice.chosen, err);
    }
    memory_free(choice.chosen);
    return status;
}

static bool integer_key(const struct column *column) {
    const struct pg_column *pg = column->driver_data;

    return pg->family == PG_FAMILY_INTEGER &&
           (pg->decoder == PG_DECODE_INT2 || pg->decoder == PG_DECODE_INT4 ||
                   pg->decoder == PG_DECODE_INT8) &&
           column->declared[0] != '"'; /* a type of the user's own: no rowid's type */
}

enum status pg_shape(struct schema *schema, const struct options *options, struct error *err) {
    bool rowid = knows(options, "rowid") && options_bool(options, "rowid");
    enum status status;
    int key;

    status = key_column(schema, options, &key, err);
    if (status != STATUS_OK) {
        return status;
    }
    schema->key_column = -1;
    schema->identity = has_places(schema) ? IDENTITY_ROWID : IDENTITY_ROW;
    if (key >= 0 && integer_key(&schema->columns[key])) {
        schema->identity = IDENTITY_INTEGER_KEY;
        schema->key_column = key;
        schema->columns[key].declared =
                "INTEGER"; /* only this word makes the column the rowid */
    } else if (key >= 0 && schema->columns[key].one_to_one && !rowid) {
        schema->identity = IDENTITY_KEY;
        schema->key_column = key;
    }
    return STATUS_OK;
}
