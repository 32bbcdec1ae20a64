/* A relation's probe: has anything about it changed, asked beside each statement.
 *
 * To ask for a relation's definition with every lookup would cost more than the lookup. So one
 * that is asked for again has a probe: a prepared statement over it that gives a constant, the
 * time at which the server analyzed it. PostgreSQL analyzes a prepared statement afresh when
 * anything about its relations has changed, after it has locked them, and then that time is
 * another. As long as it is the same, so is the definition. The time is that of a transaction's
 * begin, and could not tell two analyses in one transaction from each other: it is trusted once
 * the definition was compared in a later transaction. Partitions are no part of a statement
 * before it is planned: relations that have some are always asked for. */
#include "drivers/postgres/catalog.h"
#include "drivers/postgres/decode.h"
#include "drivers/postgres/prepared.h"
#include "drivers/postgres/scan.h"

#include <string.h>

/* Another sum is another probe, which nobody has learned to trust yet. Partitions are asked for
 * each time. */
bool pg_definition_add_probe(struct schema *schema, const struct pg_relation *relation) {
    struct text sql;
    char *probe = NULL;

    if (relation->leaf_count > 0) {
        return true;
    }
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    text_printf(&sql, "/* %s */ SELECT 'now'::timestamptz FROM (SELECT) AS one LEFT JOIN ",
            relation->definition->sum);
    pg_append_relation(&sql, schema);
    text_append(&sql, " ON false");
    if (text_status(&sql, NULL) == STATUS_OK) {
        probe = arena_copy_text(&schema->arena, text_get(&sql));
    }
    relation->definition->probe = probe;
    text_clear(&sql);
    return probe != NULL;
}

/* The same statement with its probe has the same text as long as the sum is the same. */
static const char *probe_of(const struct pg_scan *scan) {
    return scan->lead > 0 ? text_get(&scan->sql) : pg_relation(scan->schema)->definition->probe;
}

enum { LEAD_MARKER, LEAD_HERE, LEAD_FIELDS };

static bool may_join(const struct pg_scan *scan, const struct query *query) {
    struct pg_session *session = pg_session_from(scan->base.session);
    const struct pg_definition *definition = pg_relation(scan->schema)->definition;
    struct pg_prepared *prepared = NULL;

    if (scan->alone && scan->transport == PG_TRANSPORT_RESULT && scan->field_count > 0 &&
            ((query->flags & QUERY_UNIQUE) != 0 || query->limit == 1) && definition != NULL &&
            definition->probe != NULL) {
        prepared = pg_prepared_find(session, text_get(&scan->sql));
    }
    return prepared != NULL && prepared->ready;
}

enum status pg_definition_join(
        struct pg_scan *scan, const struct query *query, struct error *err) {
    static const char verb[] = "SELECT";
    struct text joined;

    if (!may_join(scan, query)) {
        return STATUS_OK;
    }
    text_init(&joined, TEXT_SQL_BYTES_MAX);
    text_printf(&joined,
            "/* %s */ SELECT 'now'::timestamptz, r.* FROM (SELECT) AS one LEFT JOIN "
            "(SELECT true AS here,",
            pg_relation(scan->schema)->definition->sum);
    text_append_bytes(&joined, text_get(&scan->sql) + strlen(verb),
            scan->sql.length - strlen(verb)); /* pg_select() begins with it */
    text_append(&joined, ") AS r ON true");
    text_clear(&scan->sql);
    scan->sql = joined;
    scan->lead = LEAD_FIELDS;
    return text_status(&scan->sql, err);
}

bool pg_definition_no_row(const struct pg_scan *scan, const PGresult *result, int row) {
    return scan->lead > 0 && PQgetisnull(result, row, LEAD_HERE) != 0;
}

enum status pg_definition_probe(struct pg_scan *scan, struct error *err) {
    struct pg_command command = { .binary = true };
    struct pg_prepared *probe;

    scan->definition_due = pg_definition_due(scan);
    command.sql = scan->definition_due ? probe_of(scan) : NULL;
    probe = command.sql != NULL
                    ? pg_prepared_find(pg_session_from(scan->base.session), command.sql)
                    : NULL;
    if (probe == NULL) {
        return STATUS_OK;
    }
    scan->probed = true;
    scan->trusted = probe->trusted;
    if (scan->lead > 0) {
        return STATUS_OK; /* it is on its way */
    }
    scan->request->both = true;
    return pg_prepared_add(scan->request, probe, &command, err);
}

/* It was not run: the server may not have got as far as keeping it, unless it did before. */
static void probe_unanswered(struct pg_session *session, const char *sql) {
    const struct pg_prepared *probe = pg_prepared_find(session, sql);

    if (probe != NULL && !probe->ready) {
        pg_prepared_forget(session, sql);
    }
}

bool pg_definition_trusted(const struct pg_scan *scan) {
    struct pg_session *session = pg_session_from(scan->base.session);
    const struct pg_definition *definition = pg_relation(scan->schema)->definition;
    const struct pg_prepared *probe = definition != NULL && probe_of(scan) != NULL
                                              ? pg_prepared_find(session, probe_of(scan))
                                              : NULL;

    return probe != NULL && probe->trusted;
}

void pg_definition_probed(struct pg_scan *scan, const PGresult *answer) {
    struct pg_session *session = pg_session_from(scan->base.session);
    struct pg_prepared *probe = NULL;

    if (!scan->probed) {
        return;
    }
    scan->probed = false;
    if (answer == NULL || PQntuples(answer) < 1 || PQgetlength(answer, 0, LEAD_MARKER) != 8) {
        probe_unanswered(session, probe_of(scan));
    } else {
        scan->marker = (int64_t)pg_read_u64(PQgetvalue(answer, 0, LEAD_MARKER));
        probe = pg_prepared_worked(session, probe_of(scan));
    }
    scan->trusted = probe != NULL && probe->trusted && probe->marker == scan->marker;
    if (probe != NULL) { /* the next one asks, or ends its snapshot as this one does */
        probe->trusted = scan->trusted;
    }
}

void pg_definition_learn(const struct pg_scan *scan) {
    struct pg_session *session = pg_session_from(scan->base.session);
    int64_t marker = scan->marker;
    const char *sql = probe_of(scan);
    struct pg_prepared *probe = NULL;

    if (sql != NULL) {
        probe = marker != 0 ? pg_prepared_find(session, sql) : pg_prepared_worked(session, sql);
    }
    if (probe == NULL || marker == 0) {
        return;
    }
    probe->trusted =
            probe->marker == marker && probe->marker_seen != session->snapshot_began_ms;
    if (probe->marker != marker) {
        probe->marker = marker;
        probe->marker_seen = session->snapshot_began_ms;
    }
}
