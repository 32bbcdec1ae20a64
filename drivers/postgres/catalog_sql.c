/* The questions to the catalogs of PostgreSQL 12 and later. Names rest on connection.c, which
 * keeps pg_catalog first in the search path. */
#include "drivers/postgres/catalog.h"

/* A name that is cut to 63 bytes must not find the table it was cut to, hence ::text; the other
 * comparison is there for the index. */
static const char relations_cte[] =
        "rels AS (SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relpages, "
        "c.relhassubclass, array_position(coalesce($1::text[], "
        "current_schemas(false)::text[]), "
        "n.nspname::text) AS place "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname::text = ANY (coalesce("
        "$1::text[], array_remove(current_schemas(false)::text[], 'pg_catalog'))) "
        "AND ($2::text IS NULL OR (c.relname = $2::name AND c.relname::text = $2)))";

/* A table that was never analyzed has no count of pages either; its file has. */
#define PAGES_SQL                                                                              \
    "CASE WHEN r.reltuples > 0 OR r.relpages > 0 OR r.relkind NOT IN ('r', 'm') "              \
    "THEN r.relpages ELSE pg_relation_size(r.oid) / current_setting('block_size')::int END"

static const char relations_sql[] =
        " SELECT r.oid, r.nspname, r.relname, r.relkind, obj_description(r.oid, 'pg_class'), "
        "r.reltuples, " PAGES_SQL ", has_table_privilege(r.oid, 'INSERT, UPDATE, DELETE') OR "
        "has_any_column_privilege(r.oid, 'INSERT, UPDATE'), "
        "r.relkind NOT IN ('v', 'f') OR pg_relation_is_updatable(r.oid, true) & 28 <> 0, "
        "pg_is_in_recovery(), %s, "
        "r.relkind IN ('r', 'p') AND has_any_column_privilege(r.oid, 'UPDATE') "
        /* FOR UPDATE would pass over rows that the policies for UPDATE hide. */
        "AND NOT c.relrowsecurity, c.relnatts, ";

static const char relations_from_sql[] =
        " FROM rels r JOIN pg_catalog.pg_class c ON c.oid = r.oid ORDER BY r.place, r.relname";

/* Domains down to the type they are made of. Only the one next to it can have a typmod. */
static const char domains_cte[] =
        ", domains AS (SELECT t.oid, t.typbasetype AS base, t.typtypmod AS typmod "
        "FROM pg_catalog.pg_type t WHERE t.typtype = 'd' UNION ALL "
        "SELECT d.oid, t.typbasetype, CASE WHEN d.typmod = -1 THEN t.typtypmod ELSE d.typmod "
        "END "
        "FROM domains d JOIN pg_catalog.pg_type t ON t.oid = d.base AND t.typtype = 'd')";

/* type_facts of "b" in namespace "bn" under collation "co"; %s: printed form, typmod, kind. */
static const char type_facts_sql[] =
        "%s, b.oid, %s, bn.nspname, b.typname, "
        "quote_ident(bn.nspname) || '.' || quote_ident(b.typname), b.typtype, "
        "CASE WHEN b.typlen = -1 THEN b.typelem ELSE 0 END, ";

/* From PostgreSQL 18 on NOT NULL may be declared without having been checked. */
static const char columns_from_sql[] =
        " FROM rels r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 "
        "AND NOT a.attisdropped "
        "LEFT JOIN (SELECT d.oid, d.base, d.typmod FROM domains d JOIN pg_catalog.pg_type t "
        "ON t.oid = d.base AND t.typtype <> 'd') dm ON dm.oid = a.atttypid "
        "JOIN pg_catalog.pg_type b ON b.oid = coalesce(dm.base, a.atttypid) "
        "JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace "
        "LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation "
        "LEFT JOIN pg_catalog.pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum "
        "LEFT JOIN pg_catalog.pg_description de ON de.objoid = a.attrelid "
        "AND de.classoid = 'pg_catalog.pg_class'::regclass AND de.objsubid = a.attnum "
        "LEFT JOIN pg_catalog.pg_constraint nn ON nn.conrelid = a.attrelid "
        "AND nn.contype = 'n' AND NOT nn.convalidated AND nn.conkey[1] = a.attnum "
        "ORDER BY a.attrelid, a.attnum";

static const char columns_sql[] =
        " SELECT a.attrelid, a.attnum, a.attname, pg_get_expr(ad.adbin, ad.adrelid), "
        "de.description, a.attnotnull AND nn.oid IS NULL, a.attidentity, a.attgenerated, "
        "dm.oid IS NOT NULL, ";

/* Keys and indexes from pg_index, which knows whether they hold; the rest from pg_constraint.
 */
static const char keys_sql[] =
        " SELECT i.indrelid, CASE WHEN i.indisprimary THEN 'p' WHEN i.indisunique THEN 'u' "
        "ELSE 'i' END AS kind, ic.relname AS name, "
        "array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' '), NULL, NULL, "
        "coalesce(pg_get_constraintdef(con.oid), pg_get_indexdef(i.indexrelid)), "
        "i.indisvalid AND i.indisready AND i.indislive, i.indimmediate, "
        "i.indpred IS NOT NULL OR i.indexprs IS NOT NULL "
        "FROM rels r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid "
        "JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid "
        "LEFT JOIN pg_catalog.pg_constraint con ON con.conrelid = i.indrelid "
        "AND con.conindid = i.indexrelid AND con.contype IN ('p', 'u') UNION ALL "
        "SELECT con.conrelid, con.contype::text, con.conname, array_to_string(con.conkey, ' "
        "'), "
        "fn.nspname || '.' || fc.relname, (SELECT string_agg(fa.attname, ',' ORDER BY k.n) "
        "FROM unnest(con.confkey) WITH ORDINALITY AS k(attnum, n) JOIN pg_catalog.pg_attribute "
        "fa "
        "ON fa.attrelid = con.confrelid AND fa.attnum = k.attnum), "
        "pg_get_constraintdef(con.oid), "
        "con.convalidated, NOT con.condeferrable, false "
        "FROM rels r JOIN pg_catalog.pg_constraint con ON con.conrelid = r.oid "
        "AND con.contype IN ('f', 'c') LEFT JOIN pg_catalog.pg_class fc ON fc.oid = "
        "con.confrelid "
        "LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace "
        "ORDER BY 1, 2, 3";

/* Everything a SELECT from the root reads rows from: the root itself where it has some. */
static const char leaves_sql[] =
        ", tree AS (SELECT r.oid AS root, r.oid AS leaf FROM rels r WHERE r.relhassubclass "
        "UNION "
        "SELECT t.root, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i "
        "ON i.inhparent = t.leaf) SELECT t.root, t.leaf, c.relkind, c.reltuples, c.relpages "
        "FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.leaf WHERE c.relkind <> 'p' "
        "ORDER BY t.root, t.leaf";

/* Where there are children, the figures over all of them come last and count. Of values only as
 * many as estimates are better for: a few of the most common, every tenth of the bounds, and
 * none of wide columns. The separator stands in no value that matters to an estimate. */
static const char stats_sql[] =
        " SELECT a.attrelid, a.attnum, s.avg_width, s.n_distinct, s.null_frac, "
        "CASE WHEN s.avg_width <= 64 THEN array_to_string("
        "(s.most_common_vals::text::text[])[1:10], E'\\x1f') END, "
        "array_to_string(s.most_common_freqs[1:10], E'\\x1f'), "
        "CASE WHEN s.avg_width <= 64 THEN (SELECT string_agg(h.bounds[1 + "
        "k * (cardinality(h.bounds) - 1) / 10], E'\\x1f' ORDER BY k) FROM "
        "(SELECT s.histogram_bounds::text::text[] AS bounds OFFSET 0) AS h, "
        "generate_series(0, 10) AS k) "
        "END FROM rels r "
        "JOIN pg_catalog.pg_stats s ON s.schemaname = r.nspname AND s.tablename = r.relname "
        "JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attname = s.attname "
        "AND a.attnum > 0 ORDER BY a.attrelid, a.attnum, s.inherited";

/* Which database collations are bytewise: as far as it is certain. libc's C.UTF-8 is not. */
static const struct {
    int server_version; /* from here on */
    const char *bytewise_sql;
} default_collations[] = {
    { 170000, "d.datlocprovider = 'b' OR (d.datlocprovider = 'c' AND "
              "d.datcollate IN ('C', 'POSIX'))" },
    { 150000, "d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX')" },
    { 0, "d.datcollate IN ('C', 'POSIX')" },
};

/* The letter of the collation "co": '-' none, 'C', 'D' deterministic, 'N' not. */
static void append_collation(int server_version, struct text *sql) {
    size_t row = 0;

    while (server_version < default_collations[row].server_version) {
        row++; /* ends: the last row is for all */
    }
    text_printf(sql,
            "CASE WHEN co.oid IS NULL THEN '-' WHEN co.oid = 100 THEN (SELECT CASE WHEN %s "
            "THEN 'C' ELSE 'D' END FROM pg_catalog.pg_database d "
            "WHERE d.datname = current_database()) WHEN NOT co.collisdeterministic THEN 'N' "
            "WHEN co.collprovider = 'b' OR (co.collprovider = 'c' AND "
            "co.collcollate IN ('C', 'POSIX')) THEN 'C' ELSE 'D' END, "
            "CASE WHEN co.oid <> 100 THEN co.collname END",
            default_collations[row].bytewise_sql);
}

void pg_question_sql(
        enum pg_question question, int server_version, bool pinned, struct text *sql) {
    static const char *const simple[PG_QUESTION_COUNT] = {
        [PG_QUESTION_KEYS] = keys_sql,
        [PG_QUESTION_LEAVES] = leaves_sql,
        [PG_QUESTION_STATS] = stats_sql,
    };

    text_append(sql, "WITH RECURSIVE ");
    text_append(sql, relations_cte);
    if (question == PG_QUESTION_RELATIONS) {
        text_printf(sql, relations_sql,
                pinned ? "false" : "current_setting('default_transaction_read_only')::bool");
        pg_definition_sql(sql, "c.relnatts");
        text_append(sql, relations_from_sql);
        return;
    }
    if (simple[question] != NULL) {
        text_append(sql, simple[question]);
        return;
    }
    text_append(sql, domains_cte);
    text_append(sql, columns_sql);
    text_printf(sql, type_facts_sql, "format_type(a.atttypid, a.atttypmod)",
            "CASE WHEN a.atttypmod = -1 THEN coalesce(dm.typmod, -1) ELSE a.atttypmod END");
    append_collation(server_version, sql);
    text_append(sql, columns_from_sql);
}

void pg_types_sql(int server_version, struct text *sql) {
    text_append(sql, "SELECT ");
    text_printf(sql, type_facts_sql, "format_type(k.type, k.typmod)", "k.typmod");
    append_collation(server_version, sql);
    text_append(sql,
            " FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS k(type, typmod, n) "
            "JOIN pg_catalog.pg_type b ON b.oid = k.type "
            "JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace "
            "LEFT JOIN pg_catalog.pg_collation co ON co.oid = b.typcollation ORDER BY k.n");
}

/* pg_collation_for() prints a name as it would have to be written here. */
void pg_collations_sql(int server_version, const struct text *names, const struct text *from,
        struct text *sql) {
    text_append(sql, "SELECT ");
    append_collation(server_version, sql);
    text_append(sql, " FROM (SELECT ARRAY[");
    text_append_bytes(sql, text_get(names), names->length);
    text_append(sql, "]::text[] AS names FROM ");
    text_append_bytes(sql, text_get(from), from->length);
    text_append(sql, ") AS f, unnest(f.names) WITH ORDINALITY AS k(name, n) "
                     "LEFT JOIN pg_catalog.pg_collation co "
                     "ON k.name = CASE WHEN pg_collation_is_visible(co.oid) THEN "
                     "quote_ident(co.collname) "
                     "ELSE (SELECT quote_ident(n.nspname) FROM pg_catalog.pg_namespace n "
                     "WHERE n.oid = co.collnamespace) || '.' || quote_ident(co.collname) END "
                     "ORDER BY k.n");
}
