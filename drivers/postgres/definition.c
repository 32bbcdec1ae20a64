/* Is a relation still what it was described as?
 *
 * A column's type and precision can be seen by what comes over the wire, and are checked there.
 * A dropped key, a dropped NOT NULL or another collation cannot, and would lose rows: SQLite
 * stops after one row of a unique key, and asks for no NULLs where none can be. So the catalog
 * sums up in one number all that a schema relies on; the same number is asked for once per
 * relation and snapshot, in the round trip of its first scan.
 *
 * To ask that of every lookup would cost more than the lookup: see probe.c.
 *
 * A table that was rewritten (by a new type, or TRUNCATE) after the snapshot began looks empty
 * in it: PostgreSQL's rewriting forgets which rows are old. Then the file that the snapshot's
 * catalog names is not the table's file any more. The question is asked behind the statement:
 * that has locked the table, and locking is when the server looks what others have changed. */
#include "drivers/postgres/catalog.h"
#include "drivers/postgres/decode.h"
#include "drivers/postgres/scan.h"

#include <stdio.h>
#include <string.h>

/* Over pg_class "c"; %s: how many columns are known. One added behind them changes nothing. */
static const char definition_sql[] =
        "hashtextextended(concat_ws('/', %s, c.relkind::text, "
        "(SELECT string_agg(concat_ws(' ', a.attname, a.atttypid, a.atttypmod, a.attnotnull, "
        "a.attcollation), ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a "
        "WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attnum <= %s AND NOT a.attisdropped), "
        "'keys', (SELECT string_agg(concat_ws(' ', i.indkey::text, i.indnkeyatts, "
        "i.indisprimary, i.indisvalid AND i.indisready AND i.indislive, i.indimmediate, "
        "i.indpred IS NULL AND i.indexprs IS NULL), ',' ORDER BY i.indkey::text COLLATE \"C\", "
        "i.indexrelid) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique), "
        "'unchecked', (SELECT string_agg(nn.conkey::text, ',' ORDER BY nn.conkey) "
        "FROM pg_catalog.pg_constraint nn WHERE nn.conrelid = c.oid AND nn.contype = 'n' "
        "AND NOT nn.convalidated), "
        "'children', CASE WHEN c.relhassubclass THEN (SELECT string_agg(h.inhrelid::text, ',' "
        "ORDER BY h.inhrelid) FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid) END), "
        "0)";

/* Where the snapshot and the present differ: the name leads to another table, a column's number
 * to another name, a table to another file. A statement that waited for its lock reads the rows
 * of its snapshot under the column names of the present, and in no state of the remote were
 * they together. Functions that tell a name by number see the present. The same goes for what a
 * view or a partitioned table reads, at any depth: other files, other partitions, and another
 * query of a view, which is another version of its rule's row. */
static const char differences_sql[] =
        "CASE WHEN to_regclass(format('%I.%I', $1::text, $2::text))::oid = c.oid THEN "
        "(SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid "
        "AND a.attnum > 0 AND NOT a.attisdropped AND (pg_catalog.pg_identify_object_as_address("
        "'pg_catalog.pg_class'::regclass, c.oid, a.attnum)).object_names[3] <> a.attname) "
        "ELSE 1 END + "
        "CASE WHEN c.relkind = 'v' OR c.relhassubclass THEN (WITH RECURSIVE below(oid) AS ("
        "SELECT c.oid UNION SELECT e.oid FROM below b CROSS JOIN LATERAL ("
        "SELECT h.inhrelid AS oid FROM pg_catalog.pg_inherits h WHERE h.inhparent = b.oid "
        "UNION ALL SELECT d.refobjid FROM pg_catalog.pg_class v "
        "JOIN pg_catalog.pg_rewrite r ON r.ev_class = v.oid JOIN pg_catalog.pg_depend d "
        "ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid "
        "AND d.refclassid = 'pg_catalog.pg_class'::regclass "
        "WHERE v.oid = b.oid AND v.relkind = 'v') AS e) "
        "SELECT count(*) FROM below b JOIN pg_catalog.pg_class k ON k.oid = b.oid WHERE CASE "
        "WHEN k.relkind = 'v' THEN EXISTS (SELECT FROM pg_catalog.pg_rewrite r "
        "WHERE r.ev_class = k.oid AND currtid2('pg_catalog.pg_rewrite', r.ctid) <> r.ctid) "
        "WHEN k.relkind = 'p' THEN ARRAY(SELECT t.relid::oid FROM pg_partition_tree(k.oid) t "
        "WHERE t.level = 1 ORDER BY 1) <> ARRAY(SELECT h.inhrelid FROM pg_catalog.pg_inherits "
        "h "
        "WHERE h.inhparent = k.oid AND (to_jsonb(h) ->> 'inhdetachpending') IS DISTINCT FROM "
        "'true' ORDER BY 1) "
        "ELSE k.relfilenode <> 0 AND pg_relation_filenode(k.oid) IS DISTINCT FROM "
        "k.relfilenode "
        "END) ELSE (c.relfilenode <> 0 AND "
        "pg_relation_filenode(c.oid) IS DISTINCT FROM c.relfilenode)::int END";

void pg_definition_sql(struct text *sql, const char *known) {
    text_printf(sql, definition_sql, known, known);
}

bool pg_definition_read(
        struct schema *schema, struct pg_relation *relation, const PGresult *facts, int row) {
    struct pg_definition *definition = arena_alloc(&schema->arena, sizeof(*definition));
    bool failed = false;

    if (definition == NULL) {
        return false;
    }
    definition->known =
            pg_facts_text(facts, row, RELATION_COLUMNS_KNOWN, &schema->arena, &failed);
    definition->sum = pg_facts_text(facts, row, RELATION_DEFINITION, &schema->arena, &failed);
    relation->definition = definition;
    relation->checked_in = &definition->checked_in;
    return !failed;
}

bool pg_definition_state(struct schema *schema, const struct pg_relation *relation) {
    enum { STATE_BYTES = 64 };
    char *state = arena_alloc(&schema->arena, STATE_BYTES);
    uint64_t leaves = relation->leaf_count;

    if (state == NULL) {
        return false;
    }
    for (size_t i = 0; i < relation->leaf_count; i++) {
        leaves = (leaves ^ relation->leaf_oids[i]) * 0x100000001b3; /* as FNV does */
    }
    snprintf(state, STATE_BYTES, "%s/%016llx", relation->definition->sum,
            (unsigned long long)leaves);
    schema->state = state;
    return true;
}

/* Rows are stored by the definition of the present, whatever the snapshot shows: what of it was
 * changed since the snapshot began. A row of the catalog that was updated has a newer version,
 * an index that was dropped no text; one that is new makes a write fail by itself. That a table
 * was emptied or rewritten is nothing to the rows that are put into it. */
static const char newer_sql[] =
        "CASE WHEN $4::bool THEN "
        "CASE WHEN to_regclass(format('%I.%I', $1::text, $2::text))::oid = c.oid THEN 0 "
        "ELSE 1 END + "
        "(SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid "
        "AND a.attnum > 0 AND a.attnum <= $3::int4 AND NOT a.attisdropped "
        "AND currtid2('pg_catalog.pg_attribute', a.ctid) <> a.ctid) + "
        "(SELECT count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND "
        "i.indisunique "
        "AND (pg_get_indexdef(i.indexrelid) IS NULL "
        "OR currtid2('pg_catalog.pg_index', i.ctid) <> i.ctid)) END";

/* $1 schema, $2 name, $3 columns known, $4 whether rows may be written. No row: there is no
 * such relation in the snapshot. */
static void definition_question(struct text *sql) {
    text_append(sql, "SELECT ");
    pg_definition_sql(sql, "$3::int4");
    text_append(sql, ", ");
    text_append(sql, differences_sql);
    text_append(sql, ", ");
    text_append(sql, newer_sql);
    text_append(sql, " FROM pg_catalog.pg_class c WHERE c.relname = $2::name "
                     "AND c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n "
                     "WHERE n.nspname = $1::name)");
}

/* What became of an attempt is not always known: the next one takes another name. */
static enum status definition_prepare(struct pg_session *session, struct pg_request *request,
        char *name, size_t name_bytes, struct error *err) {
    struct text sql;
    enum status status;

    session->definition_serial += !session->definition_prepared;
    name[0] = '\0'; /* the unnamed one lasts as long as the request, which is all there is */
    if (!session->shared) {
        snprintf(name, name_bytes, "drawbridge_definition_%u", session->definition_serial);
    }
    if (session->definition_prepared) {
        return STATUS_OK;
    }
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    definition_question(&sql);
    status = text_status(&sql, err);
    if (status == STATUS_OK) {
        status = pg_request_prepare(request, name, text_get(&sql), err);
    }
    text_clear(&sql);
    return status;
}

bool pg_definition_due(const struct pg_scan *scan) {
    const struct pg_relation *relation =
            scan->schema != NULL ? pg_relation(scan->schema) : NULL;
    const struct pg_definition *definition = relation != NULL ? relation->definition : NULL;

    return definition != NULL &&
           (scan->writes ? definition->checked_now : definition->checked_in) !=
                   pg_session_from(scan->base.session)->held_since_ms;
}

bool pg_definition_holds(struct session *session, const struct schema *schema) {
    const struct pg_definition *definition = pg_relation(schema)->definition;

    return definition == NULL ||
           (pg_session_from(session)->snapshot_open &&
                   definition->checked_now == pg_session_from(session)->held_since_ms);
}

enum { DEFINITION_VALUES = 4 }; /* its parameters */

static void definition_values(
        const struct pg_scan *scan, const char *values[DEFINITION_VALUES]) {
    bool writes = pg_session_from(scan->base.session)->transaction.writes;

    values[0] = scan->schema->remote_schema;
    values[1] = scan->schema->remote_name;
    values[2] = pg_relation(scan->schema)->definition->known;
    values[3] = writes ? "t" : "f";
}

/* In front of a COPY the question goes as text, prepared all the same: to plan it takes longer
 * than to answer it. */
void pg_definition_append(struct pg_scan *scan, struct text *sql) {
    struct pg_session *session = pg_session_from(scan->base.session);
    const char *values[DEFINITION_VALUES];

    scan->definition_due = pg_definition_due(scan);
    if (!scan->definition_due) {
        return;
    }
    definition_values(scan, values);
    text_append(sql, "SELECT FROM ");
    pg_append_relation(sql, scan->schema);
    text_append(sql, " LIMIT 0; "); /* locks it */
    if (!session->definition_prepared) {
        text_printf(sql, "PREPARE drawbridge_definition_%u AS ", ++session->definition_serial);
        definition_question(sql);
        text_append(sql, "; ");
    }
    text_printf(sql, "EXECUTE drawbridge_definition_%u (", session->definition_serial);
    for (size_t i = 0; i < DEFINITION_VALUES; i++) {
        text_append(sql, i > 0 ? ", " : "");
        pg_append_literal(sql, values[i]);
    }
    text_append(sql, "); ");
}

static enum status definition_send(struct pg_scan *scan, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    char name[48];
    const char *values[DEFINITION_VALUES];
    struct pg_command command = {
        .sql = name, .prepared = true, .values = values, .count = DEFINITION_VALUES
    };
    enum status status = pg_request_create(session, &scan->definition, err);

    definition_values(scan, values);
    if (status == STATUS_OK) {
        status = definition_prepare(session, scan->definition, name, sizeof(name), err);
    }
    if (status == STATUS_OK) {
        status = pg_request_add(scan->definition, &command, err);
    }
    return status == STATUS_OK ? pg_request_send(scan->definition, err) : status;
}

enum status pg_definition_ask(struct pg_scan *scan, struct error *err) {
    return scan->definition_due && !scan->trusted ? definition_send(scan, err) : STATUS_OK;
}

/* ---- the answer ---------------------------------------------------------------------------
 */

static enum status definition_compare(
        const struct pg_scan *scan, const PGresult *answer, struct error *err) {
    const struct pg_definition *definition = pg_relation(scan->schema)->definition;

    if (PQntuples(answer) != 1) {
        return error_set(err, STATUS_SCHEMA,
                "remote table changed: \"%s.%s\" was not there when this statement began",
                scan->schema->remote_schema, scan->schema->remote_name);
    }
    if (strcmp(PQgetvalue(answer, 0, 0), definition->sum) != 0) {
        return error_set(err, STATUS_SCHEMA,
                "remote table changed: \"%s.%s\" has other columns or keys",
                scan->schema->remote_schema, scan->schema->remote_name);
    }
    if (scan->writes && strcmp(PQgetvalue(answer, 0, 2), "0") != 0) {
        return error_set(err, STATUS_SCHEMA,
                "remote table changed: \"%s.%s\" was altered after this transaction began",
                scan->schema->remote_schema, scan->schema->remote_name);
    }
    if (!scan->writes && strcmp(PQgetvalue(answer, 0, 1), "0") != 0) {
        return error_set(err, STATUS_SCHEMA,
                "remote table changed: \"%s.%s\" was replaced or rewritten after this "
                "statement began",
                scan->schema->remote_schema, scan->schema->remote_name);
    }
    return STATUS_OK;
}

/* What fails may fail because the relation has changed, and then nobody could ask any more. */
enum status pg_definition_unknown(enum status failed, struct error *err) {
    if (failed == STATUS_REMOTE && err != NULL && err->status == STATUS_REMOTE) {
        err->status = STATUS_SCHEMA;
    }
    return failed == STATUS_REMOTE ? STATUS_SCHEMA : failed;
}

/* answer NULL: a trusted probe's, by which nothing at all has changed. */
static void definition_checked(const struct pg_scan *scan, const PGresult *answer) {
    struct pg_definition *definition = pg_relation(scan->schema)->definition;
    double now = pg_session_from(scan->base.session)->held_since_ms;

    if (answer == NULL || strcmp(PQgetvalue(answer, 0, 1), "0") == 0) {
        definition->checked_in = now;
    }
    if (answer == NULL || strcmp(PQgetvalue(answer, 0, 2), "0") == 0) {
        definition->checked_now = now;
    }
}

enum status pg_definition_check(
        struct pg_scan *scan, const PGresult *answer, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    enum status status = definition_compare(scan, answer, err);

    session->definition_prepared = !session->shared; /* it was run */
    if (status == STATUS_OK) {
        definition_checked(scan, answer);
    }
    return status;
}

static enum status definition_answer(struct pg_scan *scan, struct error *err) {
    struct pg_session *session = pg_session_from(scan->base.session);
    enum status status = pg_request_finish(scan->definition, true, err);

    scan->base.ms += scan->definition->waited_ms;
    if (status != STATUS_OK) {
        session->definition_prepared = false;
        return pg_definition_unknown(status, err);
    }
    return pg_definition_check(scan, scan->definition->result, err);
}

enum status pg_definition_finish(
        struct pg_scan *scan, enum status statement, struct error *err) {
    enum status status = statement;

    if (!scan->definition_due) {
        return status;
    }
    scan->definition_due = false;
    if (status != STATUS_OK) {
        status = pg_definition_unknown(status, err);
    } else if (scan->trusted) {
        definition_checked(scan, NULL);
    } else if (scan->ends) { /* its snapshot is over: it has to be read again in another */
        status = error_set(err, STATUS_SCHEMA,
                "remote table changed: \"%s.%s\" is perhaps not what it was",
                scan->schema->remote_schema, scan->schema->remote_name);
    } else {
        status = scan->definition == NULL ? definition_send(scan, err) : STATUS_OK;
        if (status == STATUS_OK) {
            status = definition_answer(scan, err);
        }
        if (status == STATUS_OK) {
            pg_definition_learn(scan);
        }
    }
    pg_request_drop(scan->definition);
    scan->definition = NULL;
    return status;
}

void pg_definition_drop(struct pg_scan *scan) {
    pg_definition_probed(scan, NULL);
    pg_request_drop(scan->definition);
    scan->definition = NULL;
    scan->definition_due = false;
    scan->trusted = false;
}
