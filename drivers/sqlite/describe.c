/* The facts of one remote relation, from the remote's own pragmas. What they mean for SQLite's
 * side is decided in types.c; catalog.c says which relations there are. */
#include "drivers/sqlite/internal.h"

#include "base/number.h"

#include <string.h>

static const char columns_sql[] =
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden, count(*) OVER () "
        "FROM pragma_table_xinfo(?1, 'main') ORDER BY cid";

/* ---- asking (see internal.h) ------------------------------------------------------- */

enum status sq_ask(const struct sq_description *described, const char *sql,
        sqlite3_stmt **statement, struct error *err) {
    struct value name = { .kind = VALUE_TEXT };
    enum status status = sq_prepare(described->session, sql, statement, err);

    name.bytes = described->listed->name;
    name.length = strlen(name.bytes);
    return status == STATUS_OK ? sq_bind(described->session, *statement, 1, &name, err)
                               : status;
}

enum status sq_next_row(
        struct sq_session *session, sqlite3_stmt *statement, bool *more, struct error *err) {
    int code = sq_step(session, statement);

    *more = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE
                   ? STATUS_OK
                   : sq_fail(session, code, sqlite3_sql(statement), err);
}

enum status sq_keep_text(struct schema *schema, sqlite3_stmt *statement, int column,
        const char **out, struct error *err) {
    const char *text = (const char *)sqlite3_column_text(statement, column);

    *out = arena_copy_text(&schema->arena, text);
    if (*out == NULL && sqlite3_column_type(statement, column) != SQLITE_NULL) {
        return error_nomem(err);
    }
    return STATUS_OK;
}

/* ---- schemas ----------------------------------------------------------------------- */

enum status sq_create_schema(struct sq_session *session, size_t column_count,
        struct schema **out, struct error *err) {
    struct schema *schema = schema_create();
    struct sq_relation *relation = NULL;
    struct sq_column *columns = NULL;

    if (schema != NULL) {
        relation = arena_alloc(&schema->arena, sizeof(*relation));
        columns = arena_alloc_array(&schema->arena, column_count, sizeof(*columns));
        schema->columns =
                arena_alloc_array(&schema->arena, column_count, sizeof(*schema->columns));
    }
    if (relation == NULL || columns == NULL || schema->columns == NULL) {
        schema_release(schema);
        return error_nomem(err);
    }
    schema->column_count = column_count;
    for (size_t i = 0; i < column_count; i++) {
        schema->columns[i].driver_data = &columns[i];
    }
    relation->utf16 = session->utf16;
    relation->like_builtin = session->like_builtin;
    relation->integer_key = -1;
    relation->unique_key = -1;
    schema->driver_data = relation;
    schema->why_not = "a query cannot be written";
    *out = schema;
    return STATUS_OK;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length) {
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++) { /* FNV-1a */
        hash = (hash ^ at[i]) * 1099511628211u;
    }
    return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    return text == NULL ? hash_bytes(hash, "\1", 2) : hash_bytes(hash, text, strlen(text) + 1);
}

void sq_take_fingerprint(struct schema *schema) {
    struct sq_relation *relation = (struct sq_relation *)schema->driver_data;
    uint64_t hash = hash_bytes(14695981039346656037u, &schema->kind, sizeof(schema->kind));

    hash = hash_text(hash, schema->remote_name);
    hash = hash_text(hash, schema->query);
    hash = hash_text(hash, relation->rowid_name);
    hash = hash_bytes(hash, &relation->without_rowid, sizeof(relation->without_rowid));
    hash = hash_bytes(hash, &relation->integer_key, sizeof(relation->integer_key));
    hash = hash_bytes(hash, &relation->unique_key, sizeof(relation->unique_key));
    for (size_t i = 0; i < schema->column_count; i++) {
        const struct column *column = &schema->columns[i];

        hash = hash_text(hash, column->remote_name);
        hash = hash_text(hash, column->remote_type);
        hash = hash_text(hash, column->collation);
        hash = hash_bytes(hash, &column->remote_not_null, sizeof(column->remote_not_null));
    }
    for (size_t i = 0; i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];
        char facts[] = { (char)key->kind, (char)key->valid, (char)key->partial };

        hash = hash_bytes(hash, facts, sizeof(facts));
        hash = hash_bytes(hash, key->columns, key->column_count * sizeof(*key->columns));
    }
    relation->fingerprint = hash | 1; /* 0 marks a free place among the verified */
}

/* ---- columns ----------------------------------------------------------------------- */

/* Tables only: a view's columns have no collation that SQLite would tell. */
static enum status read_collation(
        const struct sq_description *described, struct column *column, struct error *err) {
    const char *collation = NULL;
    int code = sqlite3_table_column_metadata(described->session->db, "main",
            described->listed->name, column->remote_name, NULL, &collation, NULL, NULL, NULL);

    if (code != SQLITE_OK) {
        return sq_fail(described->session, code, NULL, err);
    }
    if (collation != NULL && sqlite3_stricmp(collation, "BINARY") != 0) {
        column->collation = arena_copy_text(&described->schema->arena, collation);
        if (column->collation == NULL) {
            return error_nomem(err);
        }
    }
    return STATUS_OK;
}

static enum status read_column(struct sq_description *described, sqlite3_stmt *statement,
        struct column *column, struct error *err) {
    struct sq_column *own = (struct sq_column *)column->driver_data;
    bool strict = described->listed->strict;
    int hidden = sqlite3_column_int(statement, 5);
    enum status status =
            sq_keep_text(described->schema, statement, 0, &column->remote_name, err);

    if (status == STATUS_OK) {
        status = sq_keep_text(described->schema, statement, 1, &column->remote_type, err);
    }
    if (status == STATUS_OK) {
        status = sq_keep_text(described->schema, statement, 3, &column->default_sql, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (column->remote_type == NULL) {
        column->remote_type = "";
    }
    column->remote_not_null = sqlite3_column_int(statement, 2) != 0;
    if (sqlite3_column_int(statement, 4) > 0) {
        described->primary_count++;
        described->primary_column = (int)(column - described->schema->columns);
    }
    column->generated = (char)(hidden == 2 ? 'v' : hidden == 3 ? 's' : 0);
    own->remote_affinity = sq_affinity_of(column->remote_type);
    if (strict && sqlite3_stricmp(column->remote_type, "ANY") == 0) {
        own->remote_affinity = SQ_BLOB; /* only there: elsewhere the word means NUMERIC */
    } else if (strict) {
        own->never_text = own->remote_affinity != SQ_TEXT;
    }
    return described->listed->is_view ? STATUS_OK : read_collation(described, column, err);
}

/* Also makes the schema, whose size is known with the first row. */
static enum status read_columns(struct sq_description *described, struct error *err) {
    sqlite3_stmt *statement = NULL;
    size_t count = 0;
    bool more = false;
    enum status status = sq_ask(described, columns_sql, &statement, err);

    if (status == STATUS_OK) {
        status = sq_next_row(described->session, statement, &more, err);
    }
    if (status == STATUS_OK) {
        size_t column_count = more ? (size_t)sqlite3_column_int64(statement, 6) : 0;

        status = sq_create_schema(described->session, column_count, &described->schema, err);
    }
    while (status == STATUS_OK && more) {
        status = read_column(described, statement, &described->schema->columns[count++], err);
        if (status == STATUS_OK) {
            status = sq_next_row(described->session, statement, &more, err);
        }
    }
    sq_put_back(described->session, statement);
    return status;
}

/* ---- the whole --------------------------------------------------------------------- */

/* What the largest rowid says costs one look at the table's last page. */
static enum status estimate_rows(const struct sq_description *described, struct error *err) {
    struct schema *schema = described->schema;
    sqlite3_stmt *statement = NULL;
    enum status status;
    struct text sql;
    bool more;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    text_append(&sql, "SELECT max(r.");
    sq_append_identifier(&sql, described->relation->rowid_name);
    text_append(&sql, ") FROM main.");
    sq_append_identifier(&sql, schema->remote_name);
    text_append(&sql, " AS r");
    status = text_status(&sql, err);
    if (status == STATUS_OK) {
        status = sq_prepare(described->session, text_get(&sql), &statement, err);
    }
    if (status == STATUS_OK) {
        status = sq_next_row(described->session, statement, &more, err);
    }
    if (status == STATUS_OK) {
        schema->rows_estimate = sqlite3_column_double(statement, 0);
        schema->rows_estimate = schema->rows_estimate > 0 ? schema->rows_estimate : 0;
    }
    sqlite3_finalize(statement); /* no other table has the same */
    text_clear(&sql);
    return status;
}

/* The column's distinct values, from "rows rows-of-one-value ..." of an index that begins with
 * it. */
static void count_distinct(struct schema *schema, const char *index, const char *stat) {
    char *end = NULL;
    double rows = number_read(stat, &end), equal = number_read(end, NULL);

    schema->rows_estimate = rows;
    for (size_t i = 0; index != NULL && equal > 0 && i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];

        if (key->name != NULL && sqlite3_stricmp(key->name, index) == 0 &&
                key->column_count > 0) {
            schema->columns[key->columns[0]].distinct_count = rows / equal;
        }
    }
}

/* What ANALYZE has counted, where it ran. */
static enum status read_counts(const struct sq_description *described, struct error *err) {
    static const char *const questions[] = {
        "SELECT name, NULL FROM main.sqlite_schema WHERE name = 'sqlite_stat1' AND ?1 <> ''",
        "SELECT idx, stat FROM main.sqlite_stat1 WHERE tbl = ?1",
    };
    enum status status = STATUS_OK;
    bool analyzed = true;

    for (size_t i = 0; i < 2 && analyzed && status == STATUS_OK; i++) {
        sqlite3_stmt *statement = NULL;
        bool more = false;

        status = sq_ask(described, questions[i], &statement, err);
        if (status == STATUS_OK) {
            status = sq_next_row(described->session, statement, &more, err);
        }
        analyzed = more;
        while (i == 1 && status == STATUS_OK && more) {
            const char *stat = (const char *)sqlite3_column_text(statement, 1);

            count_distinct(described->schema, (const char *)sqlite3_column_text(statement, 0),
                    stat != NULL ? stat : "");
            status = sq_next_row(described->session, statement, &more, err);
        }
        sq_put_back(described->session, statement);
    }
    return status;
}

static enum status describe_table(struct sq_description *described, struct error *err) {
    enum status status = sq_describe_keys(described, err);

    described->relation->keeps_affinity = true;
    if (status == STATUS_OK && described->relation->rowid_name != NULL) {
        status = estimate_rows(described, err);
    }
    return status == STATUS_OK ? read_counts(described, err) : status;
}

static void describe_writing(const struct sq_session *session, const struct sq_listed *listed,
        struct schema *schema) {
    schema->why_not = listed->is_view     ? "a view cannot be written"
                      : session->readonly ? "the database is read-only"
                                          : NULL;
    schema->writable = schema->why_not == NULL;
}

enum status sq_describe_relation(struct sq_session *session, const struct sq_listed *listed,
        struct schema **out, struct error *err) {
    struct sq_description described = { .session = session, .listed = listed };
    enum status status = read_columns(&described, err);

    if (status != STATUS_OK) {
        goto out;
    }
    described.relation = (struct sq_relation *)described.schema->driver_data;
    described.relation->without_rowid = listed->without_rowid;
    described.schema->kind = listed->is_view ? RELATION_VIEW : RELATION_TABLE;
    described.schema->remote_schema = "main";
    described.schema->remote_name = arena_copy_text(&described.schema->arena, listed->name);
    if (described.schema->remote_name == NULL) {
        status = error_nomem(err);
        goto out;
    }
    if (!listed->is_view) {
        status = describe_table(&described, err);
    }
    if (status == STATUS_OK) {
        describe_writing(session, listed, described.schema);
        sq_take_fingerprint(described.schema);
        *out = described.schema;
        described.schema = NULL;
    }
out:
    schema_release(described.schema);
    return status;
}

/* ---- queries ----------------------------------------------------------------------- */

static enum status describe_result(struct sq_session *session, sqlite3_stmt *statement,
        struct schema **out, struct error *err) {
    int count = sqlite3_column_count(statement);
    struct schema *schema = NULL;
    enum status status = sq_create_schema(session, (size_t)count, &schema, err);

    for (int i = 0; status == STATUS_OK && i < count; i++) {
        struct column *column = &schema->columns[i];
        struct sq_column *own = (struct sq_column *)column->driver_data;
        const char *name = sqlite3_column_name(statement, i);
        const char *type = sqlite3_column_decltype(statement, i);

        column->remote_name = arena_copy_text(&schema->arena, name);
        column->remote_type = arena_copy_text(&schema->arena, type != NULL ? type : "");
        if (column->remote_name == NULL || column->remote_type == NULL) {
            status = error_nomem(err);
            break;
        }
        own->remote_affinity = sq_affinity_of(column->remote_type);
    }
    if (status == STATUS_OK) {
        *out = schema;
    } else {
        schema_release(schema);
    }
    return status;
}

/* Can it stand in a FROM clause? A PRAGMA cannot, nor can what ends within a comment. */
static enum status try_query(
        struct sq_session *session, const struct schema *schema, struct error *err) {
    struct query query = { .schema = schema, .limit = -1, .flags = QUERY_COUNT_ONLY };
    struct sq_parameters parameters = { 0 };
    sqlite3_stmt *statement = NULL;
    struct text sql;
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    status = sq_select(&query, &sql, &parameters, err);
    if (status == STATUS_OK) {
        status = sq_prepare(session, text_get(&sql), &statement, err);
    }
    sqlite3_finalize(statement);
    text_clear(&sql);
    return status;
}

enum status sq_describe_query(
        struct session *base, const char *sql, struct schema **out, struct error *err) {
    struct sq_session *session = sq_session(base);
    sqlite3_stmt *statement = NULL;
    struct schema *schema = NULL;
    size_t length = 0;
    enum status status = sq_prepare_foreign(session, sql, &statement, &length, err);

    if (status != STATUS_OK) {
        return status;
    }
    if (sqlite3_bind_parameter_count(statement) > 0) {
        status = error_set(err, STATUS_USAGE, "query of a table cannot have parameters");
        goto out;
    }
    status = describe_result(session, statement, &schema, err);
    if (status != STATUS_OK) {
        goto out;
    }
    schema->kind = RELATION_QUERY;
    schema->query = arena_copy(&schema->arena, sql, length);
    if (schema->query == NULL) {
        status = error_nomem(err);
        goto out;
    }
    status = try_query(session, schema, err);
    if (status == STATUS_OK) {
        base->counts.statements++;
        base->counts.round_trips++;
        sq_take_fingerprint(schema);
        *out = schema;
        schema = NULL;
    }
out:
    schema_release(schema);
    sqlite3_finalize(statement);
    return status;
}
