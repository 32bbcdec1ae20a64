/* The keys of one remote table: primary, unique, other indexes, foreign; and by which of them a
 * row can be told from every other one. Works for describe.c. */
#include "drivers/sqlite/internal.h"

#include <assert.h>
#include <string.h>

enum { REFERENCE_BYTES_MAX = 64 * 1024 };

/* The text of a CREATE INDEX is looked up only where its columns do not tell all of it: among
 * the indexes of a thousand tables each look is a search of its own. */
static const char indexes_sql[] =
        "SELECT l.name, l.\"unique\", l.origin, l.partial, x.cid, x.coll,"
        " CASE WHEN l.origin <> 'c' THEN NULL"
        " WHEN l.partial OR min(x.cid) OVER w = -2 THEN"
        " (SELECT s.sql FROM main.sqlite_schema AS s WHERE s.type = 'index' AND s.name = "
        "l.name)"
        " ELSE printf('CREATE %sINDEX \"%w\" ON \"%w\"(%s)',"
        " CASE WHEN l.\"unique\" THEN 'UNIQUE ' ELSE '' END, l.name, ?1,"
        " group_concat(printf('\"%w\"%s%s', x.name,"
        " CASE WHEN x.coll <> 'BINARY' THEN ' COLLATE ' || x.coll ELSE '' END,"
        " CASE WHEN x.desc THEN ' DESC' ELSE '' END), ', ') OVER w) END"
        " FROM pragma_index_list(?1, 'main') AS l, pragma_index_xinfo(l.name, 'main') AS x "
        "WHERE x.key WINDOW w AS (PARTITION BY l.seq ORDER BY x.seqno"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) ORDER BY l.seq, x.seqno";

static const char foreign_sql[] =
        "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete "
        "FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq";

static int find_column(const struct schema *schema, const char *name) {
    for (size_t i = 0; name != NULL && i < schema->column_count; i++) {
        if (sqlite3_stricmp(schema->columns[i].remote_name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static enum status add_key(struct sq_description *described, enum key_kind kind,
        struct key **out, struct error *err) {
    struct schema *schema = described->schema;

    if (schema->key_count == described->keys_max) {
        size_t keys_max = described->keys_max * 2 + 4;
        struct key *keys = arena_alloc_array(&schema->arena, keys_max, sizeof(*keys));

        if (keys == NULL) {
            return error_nomem(err);
        }
        if (schema->key_count > 0) {
            memcpy(keys, schema->keys, schema->key_count * sizeof(*keys));
        }
        schema->keys = keys;
        described->keys_max = keys_max;
    }
    *out = &schema->keys[schema->key_count];
    (*out)->columns = arena_alloc_array(&schema->arena, schema->column_count, sizeof(int));
    if ((*out)->columns == NULL) {
        return error_nomem(err);
    }
    schema->key_count++;
    (*out)->kind = kind;
    (*out)->valid = true;
    (*out)->immediate = true;
    return STATUS_OK;
}

static void add_key_column(const struct schema *schema, struct key *key, int column) {
    assert(key != NULL); /* ensured by the callers: a key was started before its columns */
    if (column < 0 || key->column_count == schema->column_count) {
        key->partial = true; /* an expression, or the rowid */
    } else {
        ((int *)key->columns)[key->column_count++] = column;
    }
}

/* Does the index tell apart whatever SQLite's side tells apart by the column's collation? A
 * collation that SQLite's side does not know is declared as BINARY, the finest of all. */
static bool collation_fits(const struct column *column, const char *index_collation) {
    const char *own = column->collation;
    bool known = own != NULL &&
                 (sqlite3_stricmp(own, "NOCASE") == 0 || sqlite3_stricmp(own, "RTRIM") == 0);

    return !known || sqlite3_stricmp(own, index_collation) == 0;
}

static enum status start_index(struct sq_description *described, sqlite3_stmt *statement,
        struct key **key, struct error *err) {
    const char *origin = (const char *)sqlite3_column_text(statement, 2);
    enum key_kind kind = sqlite3_column_int(statement, 1) ? KEY_UNIQUE : KEY_INDEX;
    enum status status;

    if (origin != NULL && strcmp(origin, "pk") == 0) {
        kind = KEY_PRIMARY;
        described->primary_has_index = true;
    }
    status = add_key(described, kind, key, err);
    if (status == STATUS_OK) {
        status = sq_keep_text(described->schema, statement, 0, &(*key)->name, err);
    }
    if (status == STATUS_OK) {
        status = sq_keep_text(described->schema, statement, 6, &(*key)->definition, err);
        (*key)->partial = sqlite3_column_int(statement, 3) != 0;
    }
    return status;
}

/* One row per column of an index. */
static enum status read_index_row(struct sq_description *described, sqlite3_stmt *statement,
        struct key **key, struct error *err) {
    const struct schema *schema = described->schema;
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    const char *collation = (const char *)sqlite3_column_text(statement, 5);
    int column = sqlite3_column_int(statement, 4);

    if (name == NULL) {
        return error_nomem(err);
    }
    if (*key == NULL || strcmp((*key)->name, name) != 0) {
        enum status status = start_index(described, statement, key, err);

        if (status != STATUS_OK) {
            return status;
        }
    }
    add_key_column(schema, *key, column);
    if (column >= 0 && collation != NULL &&
            !collation_fits(&schema->columns[column], collation)) {
        (*key)->valid = false; /* values that look equal to SQLite's side may be two keys */
    }
    return STATUS_OK;
}

static enum status read_indexes(struct sq_description *described, struct error *err) {
    sqlite3_stmt *statement = NULL;
    struct key *key = NULL;
    bool more = false;
    enum status status = sq_ask(described, indexes_sql, &statement, err);

    if (status == STATUS_OK) {
        status = sq_next_row(described->session, statement, &more, err);
    }
    while (status == STATUS_OK && more) {
        status = read_index_row(described, statement, &key, err);
        if (status == STATUS_OK) {
            status = sq_next_row(described->session, statement, &more, err);
        }
    }
    sq_put_back(described->session, statement);
    return status;
}

/* "FOREIGN KEY (a, b) REFERENCES t(c, d)" and what it does, as one would type it. */
static enum status write_foreign(const struct sq_description *described, struct key *key,
        sqlite3_stmt *statement, struct error *err) {
    struct schema *schema = described->schema;
    const char *update = (const char *)sqlite3_column_text(statement, 4);
    const char *delete_action = (const char *)sqlite3_column_text(statement, 5);
    struct text out;
    enum status status;

    text_init(&out, REFERENCE_BYTES_MAX);
    text_append(&out, "FOREIGN KEY (");
    for (size_t i = 0; i < key->column_count; i++) {
        text_append(&out, i > 0 ? ", " : "");
        sq_append_identifier(&out, schema->columns[key->columns[i]].remote_name);
    }
    text_append(&out, ") REFERENCES ");
    sq_append_identifier(&out, key->ref_table + strlen("main."));
    text_printf(&out, "%s%s%s", key->ref_columns != NULL ? "(" : "",
            key->ref_columns != NULL ? key->ref_columns : "",
            key->ref_columns != NULL ? ")" : "");
    text_printf(&out, " ON UPDATE %s ON DELETE %s", update != NULL ? update : "NO ACTION",
            delete_action != NULL ? delete_action : "NO ACTION");
    status = text_status(&out, err);
    if (status == STATUS_OK) {
        key->definition = arena_copy_text(&schema->arena, text_get(&out));
        status = key->definition != NULL ? STATUS_OK : error_nomem(err);
    }
    text_clear(&out);
    return status;
}

static enum status start_foreign(struct sq_description *described, sqlite3_stmt *statement,
        struct key **key, struct error *err) {
    const char *table = (const char *)sqlite3_column_text(statement, 1);
    enum status status = add_key(described, KEY_FOREIGN, key, err);
    char *name, *ref;

    if (status != STATUS_OK) {
        return status;
    }
    name = sqlite3_mprintf("foreign_key_%d", sqlite3_column_int(statement, 0));
    ref = sqlite3_mprintf("main.%s", table);
    (*key)->name = arena_copy_text(&described->schema->arena, name);
    (*key)->ref_table = arena_copy_text(&described->schema->arena, ref);
    sqlite3_free(name);
    sqlite3_free(ref);
    return (*key)->name != NULL && (*key)->ref_table != NULL && table != NULL
                   ? STATUS_OK
                   : error_nomem(err);
}

/* One row per column of a foreign key; without a list it refers to the primary key. */
static enum status read_foreign_row(struct sq_description *described, sqlite3_stmt *statement,
        struct key *key, struct error *err) {
    struct schema *schema = described->schema;
    const char *to = (const char *)sqlite3_column_text(statement, 3);
    char *columns;

    add_key_column(
            schema, key, find_column(schema, (const char *)sqlite3_column_text(statement, 2)));
    if (to != NULL) {
        columns = key->ref_columns != NULL ? sqlite3_mprintf("%s,%s", key->ref_columns, to)
                                           : sqlite3_mprintf("%s", to);
        key->ref_columns = arena_copy_text(&schema->arena, columns);
        sqlite3_free(columns);
        if (key->ref_columns == NULL) {
            return error_nomem(err);
        }
    }
    return write_foreign(described, key, statement, err);
}

static enum status read_foreign(struct sq_description *described, struct error *err) {
    sqlite3_stmt *statement = NULL;
    struct key *key = NULL;
    int id = -1;
    bool more = false;
    enum status status = sq_ask(described, foreign_sql, &statement, err);

    if (status == STATUS_OK) {
        status = sq_next_row(described->session, statement, &more, err);
    }
    while (status == STATUS_OK && more) {
        if (sqlite3_column_int(statement, 0) != id) {
            id = sqlite3_column_int(statement, 0);
            status = start_foreign(described, statement, &key, err);
        }
        if (status == STATUS_OK) {
            status = read_foreign_row(described, statement, key, err);
        }
        if (status == STATUS_OK) {
            status = sq_next_row(described->session, statement, &more, err);
        }
    }
    sq_put_back(described->session, statement);
    return status;
}

/* ---- identity ---------------------------------------------------------------------- */

/* The column is the rowid: an integer, whatever a NOT NULL says. */
static enum status add_integer_key(struct sq_description *described, struct error *err) {
    struct column *column = &described->schema->columns[described->primary_column];
    struct key *key;
    enum status status = add_key(described, KEY_PRIMARY, &key, err);

    if (status != STATUS_OK) {
        return status;
    }
    key->name = "primary_key"; /* SQLite has none: there is no index */
    add_key_column(described->schema, key, described->primary_column);
    column->identity = 'd';
    column->remote_not_null = true;
    ((struct sq_column *)column->driver_data)->never_text = true;
    described->relation->integer_key = described->primary_column;
    return STATUS_OK;
}

static void find_unique_key(struct sq_description *described) {
    const struct schema *schema = described->schema;

    for (size_t i = 0; i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];

        if (key->kind == KEY_PRIMARY && key->valid && !key->partial &&
                schema->columns[described->primary_column].remote_not_null) {
            described->relation->unique_key = described->primary_column;
        }
    }
}

/* SQLite has three names for it, and a column of such a name hides that one. */
static void find_rowid_name(struct sq_description *described) {
    static const char *const names[] = { "rowid", "_rowid_", "oid" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (find_column(described->schema, names[i]) < 0) {
            described->relation->rowid_name = names[i];
            return;
        }
    }
}

enum status sq_describe_keys(struct sq_description *described, struct error *err) {
    enum status status = read_indexes(described, err);

    if (status == STATUS_OK) {
        status = read_foreign(described, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (!described->listed->without_rowid) {
        find_rowid_name(described);
    }
    if (described->primary_count != 1) {
        return STATUS_OK;
    }
    if (!described->primary_has_index) {
        return add_integer_key(described, err);
    }
    find_unique_key(described);
    return STATUS_OK;
}
