/* What the postgres driver finds in a real catalog. */
#include "tests/contract/server.h"

static const struct key *find_key(const struct schema *schema, const char *name) {
    for (size_t i = 0; i < schema->key_count; i++) {
        if (strcmp(schema->keys[i].name, name) == 0) {
            return &schema->keys[i];
        }
    }
    fail_msg("no key %s", name);
    return NULL;
}

static void types_are_resolved(void **state) {
    static const struct {
        const char *declared, *printed, *type_sql;
        int typmod;
        enum pg_collation_kind collation;
        bool domain;
        uint32_t element;
    } cases[] = {
        { "int", "integer", "pg_catalog.int4", -1, PG_COLLATION_NONE, false, 0 },
        { "wire.\"Dom\"", "wire.\"Dom\"", "pg_catalog.\"numeric\"", 655366, PG_COLLATION_NONE,
                true, 0 },
        { "wire.dom2", "wire.dom2", "pg_catalog.\"numeric\"", 655366, PG_COLLATION_NONE, true,
                0 },
        { "wire.\"Mood\"[]", "wire.\"Mood\"[]", "wire.\"_Mood\"", -1, PG_COLLATION_NONE, false,
                1 },
        { "wire.\"Mood\"", "wire.\"Mood\"", "wire.\"Mood\"", -1, PG_COLLATION_NONE, false, 0 },
        { "text", "text", "pg_catalog.text", -1, PG_COLLATION_DETERMINISTIC, false, 0 },
        { "text COLLATE \"C\"", "text", "pg_catalog.text", -1, PG_COLLATION_C, false, 0 },
        { "text COLLATE \"POSIX\"", "text", "pg_catalog.text", -1, PG_COLLATION_C, false, 0 },
        { "text COLLATE ucs_basic", "text", "pg_catalog.text", -1, PG_COLLATION_C, false, 0 },
        { "text COLLATE \"en-x-icu\"", "text", "pg_catalog.text", -1,
                PG_COLLATION_DETERMINISTIC, false, 0 },
        { "wire.domc", "wire.domc", "pg_catalog.\"varchar\"", 14, PG_COLLATION_C, true, 0 },
        { "text COLLATE wire.nd", "text", "pg_catalog.text", -1, PG_COLLATION_NONDETERMINISTIC,
                false, 0 },
        { "name", "name", "pg_catalog.name", -1, PG_COLLATION_C, false, 0 },
        { "\"char\"", "\"char\"", "pg_catalog.\"char\"", -1, PG_COLLATION_NONE, false, 0 },
        { "point", "point", "pg_catalog.point", -1, PG_COLLATION_NONE, false, 0 },
        { "int2vector", "int2vector", "pg_catalog.int2vector", -1, PG_COLLATION_NONE, false,
                21 },
    };
    struct session *session = open_session(NULL);

    (void)state;
    run("CREATE DOMAIN wire.\"Dom\" AS numeric(10,2); CREATE DOMAIN wire.dom2 AS wire.\"Dom\"; "
        "CREATE TYPE wire.\"Mood\" AS ENUM ('a'); CREATE DOMAIN wire.domc AS varchar(10) "
        "COLLATE \"C\";"
        "CREATE COLLATION wire.nd (provider = icu, locale = 'und', deterministic = false)");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct pg_column *type;
        struct schema *schema;
        char sql[256];

        snprintf(sql, sizeof(sql),
                "DROP TABLE IF EXISTS wire.one; CREATE TABLE wire.one (a %s)",
                cases[i].declared);
        run(sql);
        schema = describe(session, "one");
        type = pg_column(schema, 0);
        if (strcmp(schema->columns[0].remote_type, cases[i].printed) != 0 ||
                strcmp(type->type_sql, cases[i].type_sql) != 0 ||
                type->typmod != cases[i].typmod || type->collation != cases[i].collation ||
                type->domain != cases[i].domain ||
                (type->element_oid != 0) != (cases[i].element != 0)) {
            fail_msg("%s: %s %s %d collation %d", cases[i].declared,
                    schema->columns[0].remote_type, type->type_sql, type->typmod,
                    (int)type->collation);
        }
        schema_release(schema);
    }
    pg_close(session);
}

static void relations_are_described(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema;
    const struct key *key;

    (void)state;
    run("CREATE TABLE wire.ref (a int, b text, PRIMARY KEY (b, a));"
        "CREATE TABLE wire.k (gone int, id int GENERATED ALWAYS AS IDENTITY, "
        "x int DEFAULT 7 CHECK (x > 0), y text NOT NULL, z int GENERATED ALWAYS AS (x * 2) "
        "STORED, "
        "CONSTRAINT k_pk PRIMARY KEY (id), CONSTRAINT k_u UNIQUE (y, x) DEFERRABLE);"
        "ALTER TABLE wire.k ADD CONSTRAINT k_fk FOREIGN KEY (y, x) REFERENCES wire.ref (b, a) "
        "NOT VALID;"
        "ALTER TABLE wire.k DROP COLUMN gone; CREATE UNIQUE INDEX k_part ON wire.k (x) WHERE x "
        "> 1;"
        "CREATE UNIQUE INDEX k_expr ON wire.k (lower(y), x); CREATE INDEX k_inc ON wire.k (x) "
        "INCLUDE (y); COMMENT ON TABLE wire.k IS 'table''s'; COMMENT ON COLUMN wire.k.y IS "
        "'c'");
    schema = describe(session, "k");
    assert_int_equal(4, schema->column_count);
    assert_int_equal(7, schema->key_count);
    assert_string_equal("table's", schema->comment);
    assert_string_equal("c", schema->columns[2].comment);
    assert_int_equal('a', schema->columns[0].identity);
    assert_string_equal("7", schema->columns[1].default_sql);
    assert_int_equal('s', schema->columns[3].generated);
    assert_true(schema->writable);
    key = find_key(schema, "k_pk");
    assert_true(key->kind == KEY_PRIMARY && key->valid && key->immediate && !key->partial &&
                key->column_count == 1 && key->columns[0] == 0);
    assert_string_equal("PRIMARY KEY (id)", key->definition);
    key = find_key(schema, "k_u");
    assert_true(key->kind == KEY_UNIQUE && !key->immediate && key->column_count == 2 &&
                key->columns[0] == 2 && key->columns[1] == 1);
    assert_true(find_key(schema, "k_part")->partial && find_key(schema, "k_expr")->partial);
    key = find_key(schema, "k_fk");
    assert_true(key->kind == KEY_FOREIGN && !key->valid);
    assert_string_equal("wire.ref", key->ref_table);
    assert_string_equal("b,a", key->ref_columns);
    assert_int_equal(1, find_key(schema, "k_inc")->column_count);
    assert_int_equal(KEY_CHECK, find_key(schema, "k_x_check")->kind);
    schema_release(schema);

    run("CREATE VIEW wire.v AS SELECT * FROM wire.t; CREATE VIEW wire.v2 AS SELECT count(*) "
        "FROM wire.t;"
        "CREATE MATERIALIZED VIEW wire.m AS SELECT 1 AS a; CREATE TABLE wire.zero ();"
        "CREATE TABLE wire.part (a int NOT NULL) PARTITION BY LIST (a);"
        "CREATE TABLE wire.part_none (a int) PARTITION BY LIST (a);"
        "CREATE TABLE wire.part1 PARTITION OF wire.part FOR VALUES IN (1);"
        "CREATE TABLE wire.part2 PARTITION OF wire.part FOR VALUES IN (2) PARTITION BY LIST "
        "(a);"
        "CREATE TABLE wire.part3 PARTITION OF wire.part2 DEFAULT;"
        "CREATE TABLE wire.parent (id int PRIMARY KEY); CREATE TABLE wire.child () INHERITS "
        "(wire.parent);"
        "CREATE TABLE wire.\"Odd \"\"x.y\\z\" (\"Ä b\" int, \"select\" int)");
    schema = describe(session, "v");
    assert_true(schema->kind == RELATION_VIEW && schema->writable && schema->rows_estimate < 0);
    schema_release(schema);
    schema = describe(session, "v2");
    assert_true(!schema->writable && strstr(schema->why_not, "view") != NULL);
    schema_release(schema);
    schema = describe(session, "m");
    assert_true(schema->kind == RELATION_MATERIALIZED_VIEW && !schema->writable);
    schema_release(schema);
    schema = describe(session, "zero");
    assert_int_equal(0, schema->column_count);
    schema_release(schema);
    schema = describe(session, "part");
    assert_true(
            schema->kind == RELATION_PARTITIONED_TABLE && schema->columns[0].remote_not_null);
    assert_int_equal(2, pg_relation(schema)->leaf_count);
    assert_true(pg_relation(schema)->leaf_oids[0] < pg_relation(schema)->leaf_oids[1]);
    schema_release(schema);
    schema = describe(session, "part_none");
    assert_int_equal(1, pg_relation(schema)->leaf_count);
    schema_release(schema);
    schema = describe(session, "parent");
    assert_int_equal(2, pg_relation(schema)->leaf_count);
    assert_false(schema->keys[0].valid);
    assert_false(schema->columns[0].remote_not_null);
    schema_release(schema);
    schema = describe(session, "Odd \"x.y\\z");
    assert_string_equal("\303\204 b", schema->columns[0].remote_name);
    assert_int_equal(0, count_rows(session, schema));
    schema_release(schema);
    pg_close(session);
}

/* A name that the server would cut must not find the table it was cut to; no name, no table. */
static void names_are_exact(void **state) {
    static const char *const schemas[] = { "wire", "no such", "quo\"te\\" };
    static const char long_name[] =
            "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg";
    struct catalog_filter filter = { schemas, 3, "T" };
    struct session *session = open_session(NULL);
    struct found found = { 0 };
    struct error err = { 0 };
    char name[128];

    (void)state;
    snprintf(name, sizeof(name), "CREATE TABLE wire.%s (a int)", long_name);
    run(name);
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    snprintf(name, sizeof(name), "%sx", long_name);
    filter.table = name;
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(0, found.count);
    filter.table = long_name;
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(1, found.count);
    /* The search path by default. */
    run("CREATE TABLE IF NOT EXISTS public.wire_public (a int)");
    filter = (struct catalog_filter){ .table = "wire_public" };
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(2, found.count);
    filter.table = "pg_class";
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    assert_int_equal(2, found.count);
    run("DROP TABLE public.wire_public");
    schema_release(found.schema);
    pg_close(session);
}

static void queries_are_described(void **state) {
    static const char sql[] =
            "SELECT 1, 2, name COLLATE \"C\" AS c, name, 1.5::numeric(4,1) AS d "
            "FROM wire.t ORDER BY id; ";
    struct session *session = open_session(NULL);
    struct schema *schema = NULL;
    struct error err = { 0 };
    struct options options;

    (void)state;
    if (pg_describe_query(session, sql, &schema, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(5, schema->column_count);
    assert_string_equal("?column?", schema->columns[0].remote_name);
    assert_string_equal("?column?_2", schema->columns[1].remote_name);
    assert_string_equal("numeric(4,1)", schema->columns[4].remote_type);
    assert_int_equal(PG_COLLATION_NONE, pg_column(schema, 0)->collation);
    assert_int_equal(PG_COLLATION_C, pg_column(schema, 2)->collation);
    assert_string_equal("C", schema->columns[2].collation);
    assert_null(schema->columns[3].collation);
    options_init(&options, option_tables, NULL);
    assert_int_equal(STATUS_OK, pg_present(schema, &options, &err));
    options_clear(&options);
    assert_int_equal(20000, count_rows(session, schema));
    schema_release(schema);
    assert_int_equal(STATUS_UNSUPPORTED,
            pg_describe_query(session, "DELETE FROM wire.t", &schema, &err));
    error_clear(&err);
    assert_int_equal(
            STATUS_REMOTE, pg_describe_query(session, "SELECT 1; SELECT 2", &schema, &err));
    error_clear(&err);
    pg_close(session);
}

/* A thousand tables of ten columns come in one round trip and well under a second. */
static void many_tables(void **state) {
    static const char *const schemas[] = { "wire" };
    struct catalog_filter filter = { schemas, 1, NULL };
    struct session *session = open_session(NULL);
    int64_t trips = session->counts.round_trips;
    struct found found = { 0 };
    struct error err = { 0 };
    double begun;

    (void)state;
    run("DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE wire.m%s (id int "
        "PRIMARY "
        "KEY, a int, b text NOT NULL, c numeric(10,2), d timestamptz DEFAULT now(), e uuid, "
        "f jsonb, g bytea, h date, i boolean, UNIQUE (b))', i); END LOOP; END $$");
    begun = now_ms();
    assert_int_equal(STATUS_OK, pg_catalog(session, &filter, keep_schema, &found, &err));
    print_message("# 1001 tables in %.0f ms\n", now_ms() - begun);
    assert_int_equal(1001, found.count);
    assert_int_equal(trips + 1, session->counts.round_trips);
    assert_true(now_ms() - begun < 5000);
    schema_release(found.schema);
    pg_close(session);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(types_are_resolved, set_up),
        cmocka_unit_test_setup(relations_are_described, set_up),
        cmocka_unit_test_setup(names_are_exact, set_up),
        cmocka_unit_test_setup(queries_are_described, set_up),
        cmocka_unit_test_setup(many_tables, set_up),
    };

    return server_run("postgres_catalog", tests, sizeof(tests) / sizeof(tests[0]));
}
