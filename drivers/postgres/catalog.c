/* The remote catalog -> schemas, up to how values are presented (that is types.c).
 *
 * All relations come by five questions that travel together, so their number costs no round
 * trips. What the answers say of one relation is read in catalog_relation.c. */
#include "drivers/postgres/catalog.h"

#include <string.h>

/* Each time somebody has to drop something within the milliseconds that the questions take. */
enum { CATALOG_TRIES = 20 };

struct catalog {
    struct pg_session *session;
    struct pg_request *requests[PG_QUESTION_COUNT];
    const PGresult *facts[PG_QUESTION_COUNT]; /* borrowed from the requests */
    bool own_snapshot;                        /* begun here, and ended here */
};

/* text[]'s own spelling of a list; NULL for an empty one. */
static enum status schemas_text(
        const struct catalog_filter *filter, struct text *list, struct error *err) {
    for (size_t i = 0; i < filter->schema_count; i++) {
        text_append(list, i == 0 ? "{\"" : ",\"");
        for (const char *c = filter->schemas[i]; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\') {
                text_append_char(list, '\\');
            }
            text_append_char(list, *c);
        }
        text_append_char(list, '"');
    }
    if (filter->schema_count > 0) {
        text_append_char(list, '}');
    }
    return text_status(list, err);
}

/* All questions see one state: a table that is dropped between two of them would have no
 * columns, and be left out without a word. A snapshot that is open already serves as well, once
 * what failed in it before is undone. */
static enum status catalog_begin(
        struct catalog *catalog, struct pg_request *request, struct error *err) {
    enum status status;

    if (catalog->session->snapshot_open || catalog->own_snapshot) {
        return catalog->own_snapshot ? STATUS_OK
                                     : pg_transaction_enter(catalog->session, request, err);
    }
    catalog->own_snapshot = true;
    catalog->session->snapshot_open = true; /* so that the settings go behind BEGIN */
    status = pg_request_add_text(
            request, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    return status == STATUS_OK ? pg_settings_enter(catalog->session, request, err) : status;
}

/* Sent behind the questions, whatever they come to; nobody waits for it. */
static enum status catalog_commit(struct catalog *catalog, struct error *err) {
    struct pg_request *request = NULL;
    enum status status;

    if (!catalog->own_snapshot) {
        return STATUS_OK;
    }
    status = pg_request_create(catalog->session, &request, err);
    if (status == STATUS_OK) {
        status = pg_request_add_text(request, "COMMIT", err);
        catalog->session->snapshot_open = false;
    }
    if (status == STATUS_OK) {
        status = pg_request_send(request, err);
    }
    pg_request_drop(request);
    return status;
}

static enum status catalog_ask(struct catalog *catalog, enum pg_question question,
        const char *const values[2], struct error *err) {
    struct pg_request **request = &catalog->requests[question];
    struct text sql;
    struct pg_command command = { .values = values, .count = 2 };
    enum status status;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    pg_question_sql(question, PQserverVersion(catalog->session->connection),
            catalog->session->reads_only, &sql);
    command.sql = text_get(&sql);
    status = text_status(&sql, err);
    if (status == STATUS_OK) {
        status = pg_request_create(catalog->session, request, err);
    }
    if (status == STATUS_OK) {
        status = catalog_begin(catalog, *request, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_add(*request, &command, err);
    }
    if (status == STATUS_OK) {
        status = pg_request_send(*request, err);
    }
    text_clear(&sql);
    return status;
}

static enum status catalog_ask_all(
        struct catalog *catalog, const struct catalog_filter *filter, struct error *err) {
    const char *values[2] = { NULL, filter->table };
    struct text schemas;
    enum status status;

    text_init(&schemas, TEXT_SQL_BYTES_MAX);
    status = schemas_text(filter, &schemas, err);
    if (status == STATUS_OK) {
        values[0] = schemas.length > 0 ? text_get(&schemas) : NULL;
        status = pg_session_check(catalog->session, err);
    }
    for (int i = 0; i < PG_QUESTION_COUNT && status == STATUS_OK; i++) {
        if (i != PG_QUESTION_STATS || catalog->session->stats_readable) {
            status = catalog_ask(catalog, (enum pg_question)i, values, err);
        }
    }
    if (status == STATUS_OK) {
        status = catalog_commit(catalog, err);
    }
    if (status != STATUS_OK && catalog->own_snapshot) {
        /* Without its end the snapshot would live on under the next statement. */
        pg_session_break(catalog->session, STATUS_LOST, "snapshot could not be ended", NULL);
    }
    text_clear(&schemas);
    return status;
}

static enum status catalog_give(const struct catalog *catalog,
        enum status (*each)(void *context, struct schema *), void *context, struct error *err) {
    int count = PQntuples(catalog->facts[PG_QUESTION_RELATIONS]);
    enum status status = STATUS_OK;

    for (int row = 0; row < count && status == STATUS_OK; row++) {
        struct schema *schema = schema_create();

        if (schema == NULL ||
                !pg_catalog_relation(catalog->session, catalog->facts, row, schema)) {
            schema_release(schema);
            return error_nomem(err);
        }
        status = each(context, schema);
    }
    return status;
}

static void catalog_drop_answers(struct catalog *catalog) {
    for (int i = 0; i < PG_QUESTION_COUNT; i++) {
        pg_request_drop(catalog->requests[i]);
        catalog->requests[i] = NULL;
        catalog->facts[i] = NULL;
    }
    catalog->own_snapshot = false;
}

static enum status catalog_read(struct catalog *catalog, const struct catalog_filter *filter,
        struct statement_record *record, struct error *err) {
    enum status status = catalog_ask_all(catalog, filter, err);

    for (int i = 0; i < PG_QUESTION_COUNT && status == STATUS_OK; i++) {
        if (catalog->requests[i] != NULL) {
            status = pg_request_finish(catalog->requests[i], false, err);
            catalog->facts[i] = catalog->requests[i]->result;
            record->ms += catalog->requests[i]->waited_ms;
            record->bytes += catalog->requests[i]->bytes;
        }
    }
    return status;
}

/* The server's functions that spell a definition look at the present: what the snapshot has and
 * somebody has dropped since is an internal error of theirs. A newer snapshot has it no more.
 */
static bool catalog_was_overtaken(const struct catalog *catalog, const struct error *why) {
    return catalog->own_snapshot && strcmp(why->sqlstate, "XX000") == 0;
}

static enum status catalog_check_schemas(
        struct catalog *catalog, const struct catalog_filter *filter, struct error *err) {
    struct text schemas;
    enum status status;

    text_init(&schemas, TEXT_SQL_BYTES_MAX);
    status = schemas_text(filter, &schemas, err);
    if (status == STATUS_OK) {
        status = pg_catalog_check_schemas(catalog->session, filter, text_get(&schemas),
                catalog->facts[PG_QUESTION_RELATIONS], err);
    }
    text_clear(&schemas);
    return status;
}

enum status pg_catalog(struct session *base, const struct catalog_filter *filter,
        enum status (*each)(void *context, struct schema *), void *context, struct error *err) {
    struct catalog catalog = { .session = pg_session_from(base) };
    struct statement_record record = { .sql = "-- catalog" };
    int64_t trips = base->counts.round_trips;
    struct error why = { 0 };
    enum status status = catalog_read(&catalog, filter, &record, &why);

    for (int i = 1; i < CATALOG_TRIES && catalog_was_overtaken(&catalog, &why); i++) {
        error_clear(&why);
        catalog_drop_answers(&catalog);
        status = catalog_read(&catalog, filter, &record, &why);
    }
    record.round_trips = base->counts.round_trips - trips;
    record.error = status != STATUS_OK ? why.message : NULL;
    record.rows = status == STATUS_OK ? PQntuples(catalog.facts[PG_QUESTION_RELATIONS]) : 0;
    pg_log(catalog.session, &record);
    if (status == STATUS_OK) {
        status = catalog_check_schemas(&catalog, filter, &why);
    }
    if (status == STATUS_OK) {
        status = catalog_give(&catalog, each, context, err);
    }
    error_move(err, &why);
    catalog_drop_answers(&catalog);
    return status;
}
