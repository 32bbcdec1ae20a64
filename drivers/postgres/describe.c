/* The columns of a user's SELECT, without running it: the server parses it and tells its types,
 * the catalog tells the rest. */
#include "drivers/postgres/catalog.h"
#include "drivers/postgres/scan.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES_KEPT = 52, NAME_SUFFIX_BYTES = 12 };

struct description {
    struct pg_session *session;
    struct schema *schema;
    struct text query; /* the user's, without what stands behind its end */
    struct statement_record record;
};

static struct pg_column *description_type(const struct description *description, size_t i) {
    /* Made here, and not yet given on. */
    return (struct pg_column *)description->schema->columns[i].driver_data;
}

/* Sends one request and waits for its answer. */
static enum status description_ask(struct description *description, struct pg_request *request,
        enum status added, struct error *err) {
    enum status status = added == STATUS_OK ? pg_request_send(request, err) : added;

    if (status == STATUS_OK) {
        status = pg_request_finish(request, false, err);
        description->record.ms += request->waited_ms;
        description->record.bytes += request->bytes;
    }
    return status;
}

/* The query must stand in FROM (...), as it will when it is read: that alone refuses several
 * statements and everything that is not a SELECT. */
static enum status description_start(
        struct description *description, const char *sql, struct error *err) {
    if (pg_statement_kind(sql) != PG_STATEMENT_SELECT) {
        return error_set(err, STATUS_UNSUPPORTED,
                "query is not a SELECT, WITH, VALUES or TABLE statement");
    }
    text_append_bytes(&description->query, sql, pg_statement_length(sql));
    return text_status(&description->query, err);
}

static enum status description_names(
        struct description *description, const PGresult *described, struct error *err) {
    struct schema *schema = description->schema;
    size_t count = (size_t)PQnfields(described);
    struct pg_column *types = arena_alloc_array(&schema->arena, count + 1, sizeof(*types));

    if (PQnparams(described) > 0) {
        return error_set(err, STATUS_USAGE, "query has parameters, but none can be given");
    }
    schema->columns = arena_alloc_array(&schema->arena, count + 1, sizeof(*schema->columns));
    if (types == NULL || schema->columns == NULL) {
        return error_nomem(err);
    }
    schema->column_count = count;
    for (size_t i = 0; i < count; i++) {
        schema->columns[i].remote_name =
                arena_copy_text(&schema->arena, PQfname(described, (int)i));
        schema->columns[i].driver_data = &types[i];
        types[i].parsed_values = true;
        types[i].type_oid = PQftype(described, (int)i);
        types[i].typmod = PQfmod(described, (int)i);
        if (schema->columns[i].remote_name == NULL) {
            return error_nomem(err);
        }
    }
    return STATUS_OK;
}

static enum status description_columns(struct description *description, struct error *err) {
    struct pg_request *request = NULL;
    struct text sql;
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    text_append(&sql, "SELECT * FROM (");
    text_append_bytes(&sql, text_get(&description->query), description->query.length);
    text_append(&sql, "\n) AS q");
    status = text_status(&sql, err);
    if (status == STATUS_OK) {
        status = pg_request_create(description->session, &request, err);
    }
    if (status == STATUS_OK) {
        status = description_ask(
                description, request, pg_request_describe(request, text_get(&sql), err), err);
    }
    if (status == STATUS_OK) {
        status = description_names(description, request->result, err);
    }
    pg_request_drop(request);
    text_clear(&sql);
    return status;
}

static enum status types_read(
        struct description *description, const PGresult *facts, struct error *err) {
    struct schema *schema = description->schema;
    bool failed = false;

    if ((size_t)PQntuples(facts) != schema->column_count) {
        return error_set(err, STATUS_SCHEMA, "a type of the query's result is gone");
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        pg_facts_type(facts, (int)i, 0, &schema->arena, &schema->columns[i],
                description_type(description, i), &failed);
    }
    return failed ? error_nomem(err) : STATUS_OK;
}

static enum status description_types(struct description *description, struct error *err) {
    struct pg_request *request = NULL;
    struct text sql, oids, typmods;
    const char *values[2];
    struct pg_command command = { .values = values, .count = 2 };
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    text_init(&oids, TEXT_SQL_BYTES_MAX);
    text_init(&typmods, TEXT_SQL_BYTES_MAX);
    for (size_t i = 0; i < description->schema->column_count; i++) {
        const struct pg_column *type = description_type(description, i);

        text_printf(&oids, "%c%u", i == 0 ? '{' : ',', type->type_oid);
        text_printf(&typmods, "%c%d", i == 0 ? '{' : ',', type->typmod);
    }
    text_append(&oids, oids.length > 0 ? "}" : "{}");
    text_append(&typmods, typmods.length > 0 ? "}" : "{}");
    values[0] = text_get(&oids);
    values[1] = text_get(&typmods);
    pg_types_sql(PQserverVersion(description->session->connection), &sql);
    command.sql = text_get(&sql);
    status = text_status(&sql, err);
    if (status == STATUS_OK) {
        status = text_status(&oids, err);
    }
    if (status == STATUS_OK) {
        status = text_status(&typmods, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_create(description->session, &request, err);
    }
    if (status == STATUS_OK) {
        status = description_ask(
                description, request, pg_request_add(request, &command, err), err);
    }
    if (status == STATUS_OK) {
        status = types_read(description, request->result, err);
    }
    pg_request_drop(request);
    text_clear(&sql);
    text_clear(&oids);
    text_clear(&typmods);
    return status;
}

/* The user's query, its columns named by position, beside a row that it need not give: so each
 * column is there once, as NULL, and the query is planned but not run. */
static void collations_append_from(const struct description *description, struct text *from) {
    text_append(from, "(SELECT) AS one LEFT JOIN (");
    text_append_bytes(from, text_get(&description->query), description->query.length);
    text_append(from, "\n) AS q");
    for (size_t i = 0; i < description->schema->column_count; i++) {
        text_printf(from, "%cc%zu", i == 0 ? '(' : ',', i + 1);
    }
    text_append(from, ") ON false");
}

static enum status collations_read(
        struct description *description, const PGresult *facts, struct error *err) {
    struct schema *schema = description->schema;
    bool failed = false;
    int row = 0;

    for (size_t i = 0; i < schema->column_count; i++) {
        struct pg_column *type = description_type(description, i);

        if (type->collation == PG_COLLATION_NONE || row >= PQntuples(facts)) {
            continue;
        }
        /* Where none could be told, as after the union of two, least may be assumed. */
        type->collation = pg_facts_collation(PQgetvalue(facts, row, 0));
        if (type->collation == PG_COLLATION_NONE) {
            type->collation = PG_COLLATION_NONDETERMINISTIC;
        }
        schema->columns[i].collation = pg_facts_text(facts, row, 1, &schema->arena, &failed);
        row++;
    }
    return failed ? error_nomem(err) : STATUS_OK;
}

/* Empty where no column has a collation. */
static enum status collations_sql(
        const struct description *description, struct text *sql, struct error *err) {
    struct text names, from;
    enum status status;

    text_init(&names, TEXT_SQL_BYTES_MAX);
    text_init(&from, TEXT_SQL_BYTES_MAX);
    for (size_t i = 0; i < description->schema->column_count; i++) {
        if (description_type(description, i)->collation != PG_COLLATION_NONE) {
            text_printf(
                    &names, "%spg_collation_for(q.c%zu)", names.length > 0 ? "," : "", i + 1);
        }
    }
    collations_append_from(description, &from);
    status = text_status(&names, err);
    if (status == STATUS_OK) {
        status = text_status(&from, err);
    }
    if (status == STATUS_OK && names.length > 0) {
        pg_collations_sql(
                PQserverVersion(description->session->connection), &names, &from, sql);
        status = text_status(sql, err);
    }
    text_clear(&names);
    text_clear(&from);
    return status;
}

/* The types' own collations are known by now; the columns' may differ. */
static enum status description_collations(struct description *description, struct error *err) {
    struct pg_request *request = NULL;
    struct text sql;
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    status = collations_sql(description, &sql, err);
    if (status != STATUS_OK || sql.length == 0) {
        text_clear(&sql);
        return status;
    }
    status = pg_request_create(description->session, &request, err);
    if (status == STATUS_OK) {
        status = description_ask(
                description, request, pg_request_add_text(request, text_get(&sql), err), err);
    }
    if (status == STATUS_OK) {
        status = collations_read(description, request->result, err);
    }
    pg_request_drop(request);
    text_clear(&sql);
    return status;
}

static bool name_taken(const struct schema *schema, size_t before, const char *name) {
    for (size_t i = 0; i < before; i++) {
        if (strcmp(schema->columns[i].remote_name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "?column?" may come twice, and neither could be asked for then. The second becomes
 * "?column?_2"; names are kept short of the 63 bytes at which the server cuts them. */
static enum status description_rename(
        struct description *description, bool *renamed, struct error *err) {
    struct schema *schema = description->schema;

    for (size_t i = 0; i < schema->column_count; i++) {
        const char *given = schema->columns[i].remote_name;
        size_t length = strlen(given), bytes = length + NAME_SUFFIX_BYTES;

        while (length > 0 && (length > NAME_BYTES_KEPT || (given[length] & 0xC0) == 0x80)) {
            length--;
        }
        for (unsigned n = 2; name_taken(schema, i, schema->columns[i].remote_name); n++) {
            char *name = arena_alloc(&schema->arena, bytes);

            if (name == NULL) {
                return error_nomem(err);
            }
            snprintf(name, bytes, "%.*s_%u", (int)length, given, n);
            schema->columns[i].remote_name = name;
            *renamed = true;
        }
    }
    return STATUS_OK;
}

/* The query with its columns named as the schema has them. */
static enum status description_name_columns(
        struct description *description, struct error *err) {
    struct text named;
    bool renamed = false;
    enum status status = description_rename(description, &renamed, err);

    if (status != STATUS_OK || !renamed) {
        return status;
    }
    text_init(&named, TEXT_SQL_BYTES_MAX);
    text_append(&named, "SELECT * FROM (");
    text_append_bytes(&named, text_get(&description->query), description->query.length);
    text_append(&named, "\n) AS q");
    for (size_t i = 0; i < description->schema->column_count; i++) {
        text_append_char(&named, i == 0 ? '(' : ',');
        pg_append_identifier(&named, description->schema->columns[i].remote_name);
    }
    text_append_char(&named, ')');
    status = text_status(&named, err);
    if (status == STATUS_OK) {
        text_truncate(&description->query, 0);
        text_append_bytes(&description->query, text_get(&named), named.length);
        status = text_status(&description->query, err);
    }
    text_clear(&named);
    return status;
}

static enum status description_relation(struct description *description, struct error *err) {
    struct schema *schema = description->schema;
    struct pg_relation *relation = arena_alloc(&schema->arena, sizeof(*relation));
    double *checked_in = arena_alloc(&schema->arena, sizeof(*checked_in));

    schema->kind = RELATION_QUERY;
    schema->query = arena_copy_text(&schema->arena, text_get(&description->query));
    if (relation == NULL || schema->query == NULL || checked_in == NULL) {
        return error_nomem(err);
    }
    relation->checked_in = checked_in;
    relation->utf8 = description->session->utf8;
    relation->sql_ascii = description->session->sql_ascii;
    schema->driver_data = relation;
    schema->why_not = "a query cannot be written";
    return STATUS_OK;
}

enum status pg_describe_query(
        struct session *base, const char *sql, struct schema **out, struct error *err) {
    struct description description = {
        .session = pg_session_from(base), .schema = schema_create(), .record = { .sql = sql }
    };
    int64_t trips = base->counts.round_trips;
    struct error why = { 0 };
    enum status status = STATUS_OK;

    text_init(&description.query, TEXT_SQL_BYTES_MAX);
    if (description.schema == NULL) {
        status = error_nomem(&why);
    }
    if (status == STATUS_OK) {
        status = description_start(&description, sql, &why);
    }
    if (status == STATUS_OK) {
        status = description_columns(&description, &why);
    }
    if (status == STATUS_OK) {
        status = description_types(&description, &why);
    }
    if (status == STATUS_OK) {
        status = description_collations(&description, &why);
    }
    if (status == STATUS_OK) {
        status = description_name_columns(&description, &why);
    }
    if (status == STATUS_OK) {
        status = description_relation(&description, &why);
    }
    description.record.round_trips = base->counts.round_trips - trips;
    description.record.error = status != STATUS_OK ? why.message : NULL;
    pg_log(description.session, &description.record);
    text_clear(&description.query);
    if (status == STATUS_OK) {
        *out = description.schema;
        return STATUS_OK;
    }
    schema_release(description.schema);
    error_statement(&why, sql);
    error_move(err, &why);
    return status;
}
