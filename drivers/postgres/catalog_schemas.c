/* schema=a,b of bridge_attach: a remote schema that is not there must be said, not be taken for
 * one without tables. The question costs a round trip of its own, so it is asked only when some
 * schema of the list gave no relation. Pairs with catalog.c. */
#include "drivers/postgres/catalog.h"

#include <string.h>

static const char missing_sql[] =
        "SELECT s, (SELECT string_agg(n.nspname, ', ' ORDER BY n.nspname) "
        "FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_') "
        "FROM unnest($1::text[]) s WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n "
        "WHERE n.nspname::text = s) LIMIT 1";

static bool schema_gave_relations(const PGresult *relations, const char *schema) {
    for (int row = 0; row < PQntuples(relations); row++) {
        if (strcmp(PQgetvalue(relations, row, RELATION_SCHEMA), schema) == 0) {
            return true;
        }
    }
    return false;
}

static bool all_gave_relations(const struct catalog_filter *filter, const PGresult *relations) {
    for (size_t i = 0; i < filter->schema_count; i++) {
        if (!schema_gave_relations(relations, filter->schemas[i])) {
            return false;
        }
    }
    return true;
}

enum status pg_catalog_check_schemas(struct pg_session *session,
        const struct catalog_filter *filter, const char *list, const PGresult *relations,
        struct error *err) {
    struct pg_command command = { .sql = missing_sql, .values = &list, .count = 1 };
    struct pg_request *request = NULL;
    enum status status;

    if (!filter->strict || all_gave_relations(filter, relations)) {
        return STATUS_OK;
    }
    status = pg_request_create(session, &request, err);
    if (status == STATUS_OK) {
        status = pg_request_add(request, &command, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(request, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_finish(request, false, err);
    }
    if (status == STATUS_OK && PQntuples(request->result) > 0) {
        status = error_set(err, STATUS_USAGE,
                "remote schema \"%s\" does not exist: there are %s",
                PQgetvalue(request->result, 0, 0), PQgetvalue(request->result, 0, 1));
    }
    pg_request_drop(request);
    return status;
}
