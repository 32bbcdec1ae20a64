/* Which relations the remote has, and whether one is still what its schema says.
 *
 * Listed are tables and views in the order they were made. Virtual tables, and the shadow
 * tables below them, are not: what they hold is decided by code that is no part of the file. */
#include "drivers/sqlite/internal.h"

#include <string.h>

static const char list_sql[] =
        "SELECT s.name, l.type, l.wr, l.strict FROM pragma_table_list AS l"
        " CROSS JOIN main.sqlite_schema AS s ON s.name = l.name "
        "WHERE l.schema = 'main' AND l.type IN ('table', 'view')"
        " AND s.type IN ('table', 'view') AND lower(s.name) NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND (?1 IS NULL OR s.name = ?1) ORDER BY s.rowid";

/* Runs over the relations; each gets one that was listed. */
static enum status walk(struct sq_session *session, const char *table,
        enum status (*each)(void *context, const struct sq_listed *, struct error *),
        void *context, struct error *err) {
    struct value name = { .kind = table != NULL ? VALUE_TEXT : VALUE_NULL };
    sqlite3_stmt *statement = NULL;
    bool more = true;
    enum status status = sq_prepare(session, list_sql, &statement, err);

    if (status == STATUS_OK) {
        name.bytes = table;
        name.length = table != NULL ? strlen(table) : 0;
        status = sq_bind(session, statement, 1, &name, err);
    }
    while (status == STATUS_OK) {
        struct sq_listed listed;

        status = sq_next_row(session, statement, &more, err);
        if (status != STATUS_OK || !more) {
            break;
        }
        listed.name = (const char *)sqlite3_column_text(statement, 0);
        listed.is_view =
                sqlite3_stricmp((const char *)sqlite3_column_text(statement, 1), "view") == 0;
        listed.without_rowid = sqlite3_column_int(statement, 2) != 0;
        listed.strict = sqlite3_column_int(statement, 3) != 0;
        status = listed.name != NULL ? each(context, &listed, err) : error_nomem(err);
    }
    sq_put_back(session, statement);
    return status;
}

/* ---- are they still the same ------------------------------------------------------- */

static struct sq_verified *verified_place(struct sq_session *session, uint64_t fingerprint) {
    return &session->verified[fingerprint % SQ_VERIFIED_KEPT];
}

static void note_verified(
        struct sq_session *session, const struct schema *schema, int64_t version) {
    uint64_t fingerprint = sq_relation(schema)->fingerprint;

    *verified_place(session, fingerprint) = (struct sq_verified){ fingerprint, version };
}

static bool text_same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int find_same_column(const struct schema *now, const struct schema *was, int column) {
    const char *name = was->columns[column].remote_name;

    if (was->kind == RELATION_QUERY) { /* read by position */
        return (size_t)column < now->column_count &&
                               text_same(now->columns[column].remote_name, name)
                       ? column
                       : -1;
    }
    for (size_t i = 0; i < now->column_count; i++) {
        if (strcmp(now->columns[i].remote_name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool column_holds(const struct schema *now, const struct schema *was, int column) {
    int at = find_same_column(now, was, column);

    return at >= 0 &&
           text_same(now->columns[at].remote_type, was->columns[column].remote_type) &&
           text_same(now->columns[at].collation, was->columns[column].collation) &&
           sq_column(now, at)->remote_affinity == sq_column(was, column)->remote_affinity &&
           sq_column(now, at)->never_text == sq_column(was, column)->never_text &&
           (now->columns[at].remote_not_null || !was->columns[column].remote_not_null);
}

static bool same_columns(const struct schema *now, const struct key *a,
        const struct schema *was, const struct key *b) {
    bool same = a->column_count == b->column_count;

    for (size_t i = 0; same && i < b->column_count; i++) {
        same = find_same_column(now, was, b->columns[i]) == a->columns[i];
    }
    return same;
}

/* A unique key that is gone may let two rows look alike; other keys matter to nobody's rows. */
static bool key_holds(
        const struct schema *now, const struct schema *was, const struct key *key) {
    if ((key->kind != KEY_PRIMARY && key->kind != KEY_UNIQUE) || !key->valid || key->partial) {
        return true;
    }
    for (size_t i = 0; i < now->key_count; i++) {
        const struct key *other = &now->keys[i];

        if ((other->kind == KEY_PRIMARY || other->kind == KEY_UNIQUE) && other->valid &&
                !other->partial && same_columns(now, other, was, key)) {
            return true;
        }
    }
    return false;
}

static bool identity_holds(const struct schema *now, const struct schema *was) {
    const struct sq_relation *a = sq_relation(now), *b = sq_relation(was);

    return now->kind == was->kind && a->without_rowid == b->without_rowid &&
           text_same(a->rowid_name, b->rowid_name) &&
           (b->integer_key < 0 ||
                   find_same_column(now, was, b->integer_key) == a->integer_key) &&
           (b->unique_key < 0 || find_same_column(now, was, b->unique_key) == a->unique_key);
}

/* Columns that were added since change nothing for a reader of the others. */
static bool relation_holds(const struct schema *now, const struct schema *was) {
    bool holds = identity_holds(now, was) &&
                 (was->kind != RELATION_QUERY || now->column_count == was->column_count);

    for (size_t i = 0; holds && i < was->column_count; i++) {
        holds = column_holds(now, was, (int)i);
    }
    for (size_t i = 0; holds && i < was->key_count; i++) {
        holds = key_holds(now, was, &was->keys[i]);
    }
    return holds;
}

struct verification {
    struct sq_session *session;
    struct schema *now;
};

static enum status describe_again(
        void *context, const struct sq_listed *listed, struct error *err) {
    struct verification *verification = context;

    return sq_describe_relation(verification->session, listed, &verification->now, err);
}

/* A view or query that cannot even be described any more has changed as well. */
static enum status describe_now(
        struct verification *verification, const struct schema *was, struct error *err) {
    struct error cause = { 0 };
    enum status status;

    if (was->kind == RELATION_QUERY) {
        status = sq_describe_query(
                &verification->session->base, was->query, &verification->now, &cause);
    } else {
        status = walk(
                verification->session, was->remote_name, describe_again, verification, &cause);
    }
    if (status == STATUS_REMOTE) {
        error_clear(&cause);
        return STATUS_OK;
    }
    error_move(err, &cause);
    return status;
}

enum status sq_verify(
        struct sq_session *session, const struct schema *schema, struct error *err) {
    uint64_t fingerprint = sq_relation(schema)->fingerprint;
    const struct sq_verified *place = verified_place(session, fingerprint);
    struct verification verification = { session, NULL };
    int64_t version = 0;
    enum status status = sq_schema_version(session, &version, err);

    if (status != STATUS_OK ||
            (place->fingerprint == fingerprint && place->version == version)) {
        return status;
    }
    status = describe_now(&verification, schema, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (verification.now != NULL && relation_holds(verification.now, schema)) {
        note_verified(session, schema, version);
    } else {
        status = error_set(err, STATUS_SCHEMA, "remote %s \"%s\" %s",
                relation_kind_name(schema->kind),
                schema->remote_name != NULL ? schema->remote_name : schema->query,
                verification.now != NULL ? "has changed" : "does not exist any more");
    }
    schema_release(verification.now);
    return status;
}

/* ---- the catalog ------------------------------------------------------------------- */

struct catalog_walk {
    struct sq_session *session;
    enum status (*each)(void *context, struct schema *);
    void *context;
    int64_t version;
};

/* A view over something that is gone cannot be described, and is no reason to list nothing. */
static enum status give_relation(
        void *context, const struct sq_listed *listed, struct error *err) {
    struct catalog_walk *catalog = context;
    struct schema *schema = NULL;
    struct error cause = { 0 };
    enum status status = sq_describe_relation(catalog->session, listed, &schema, &cause);

    if (status == STATUS_REMOTE && listed->is_view) {
        error_clear(&cause);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        error_move(err, &cause);
        return status;
    }
    note_verified(catalog->session, schema, catalog->version);
    return catalog->each(catalog->context, schema);
}

/* A file has one schema that others can see; "temp" is this connection's own, and empty. */
static bool wants_main(const struct catalog_filter *filter) {
    for (size_t i = 0; i < filter->schema_count; i++) {
        if (sqlite3_stricmp(filter->schemas[i], "main") == 0) {
            return true;
        }
    }
    return filter->schema_count == 0;
}

static enum status check_schemas(const struct catalog_filter *filter, struct error *err) {
    for (size_t i = 0; filter->strict && i < filter->schema_count; i++) {
        if (sqlite3_stricmp(filter->schemas[i], "main") != 0) {
            return error_set(err, STATUS_USAGE,
                    "remote schema \"%s\" does not exist: a SQLite database has only main",
                    filter->schemas[i]);
        }
    }
    return STATUS_OK;
}

enum status sq_catalog(struct session *base, const struct catalog_filter *filter,
        enum status (*each)(void *context, struct schema *), void *context, struct error *err) {
    struct catalog_walk catalog = { sq_session(base), each, context, 0 };
    enum status status = check_schemas(filter, err);

    if (status != STATUS_OK || !wants_main(filter)) {
        return status;
    }
    status = sq_enter(catalog.session, err);
    if (status != STATUS_OK) {
        return status;
    }
    base->counts.statements++;
    base->counts.round_trips++;
    status = sq_schema_version(catalog.session, &catalog.version, err);
    if (status == STATUS_OK) {
        status = walk(catalog.session, filter->table, give_relation, &catalog, err);
    }
    sq_leave(catalog.session);
    return status;
}
