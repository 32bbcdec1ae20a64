/* drivers/postgres/dialect.c: whole statements, and every allocation of judge and dialect
 * failing in turn. */
#include "drivers/postgres/judge.h"

#include "tests/support/failing_memory.h"
#include "tests/support/pg_schema.h"

enum { WIDE_COLUMNS = 1600, ATTEMPTS_MAX = 1000, TOO_MANY = 70000 };

static const struct pg_schema_column columns[] = {
    { "id", "int4", true },
    { "name", "text", false },
    { "City \"x\"", "text_c", false },
    { "ip", "inet", false },
    { "f4", "float4", false },
    { "b", "bool", false },
};

static const struct value five = { .kind = VALUE_TEXT, .bytes = "5", .length = 1 };
static const struct value oslo = { .kind = VALUE_TEXT, .bytes = "Oslo", .length = 4 };

static const struct predicate_term id_is_5[] = {
    { FORM_TYPED * OPERATOR_COUNT + OPERATOR_EQ, &five, 1 },
};
static const struct predicate_term city_is_oslo_or_null[] = {
    { FORM_TEXT * OPERATOR_COUNT + OPERATOR_EQ, &oslo, 1 },
    { FORM_IS_NULL * OPERATOR_COUNT, NULL, 0 },
};
static const struct predicate_term city_below_oslo[] = {
    { FORM_TEXT * OPERATOR_COUNT + OPERATOR_LT, &oslo, 1 },
};
static const struct predicate_term name_is_oslo_twice[] = {
    { FORM_TEXT_BOTH * OPERATOR_COUNT + OPERATOR_EQ, &oslo, 1 },
};
static const struct predicate predicates[] = {
    { 0, id_is_5, 1 },
    { 2, city_is_oslo_or_null, 2 },
    { 1, name_is_oslo_twice, 1 },
};
static const struct predicate city_not_null[] = { { 2, city_below_oslo, 1 } };

static const int id_name[] = { 0, 1 };
static const int ip_id[] = { 0, 3 };

static const struct order_term by_id[] = { { 0, true } };
static const struct order_term by_all[] = { { 1, false }, { 2, true }, { 0, false } };
static const struct order_term by_city[] = { { 2, true } };

static void check_select(const struct query *query, const char *want) {
    struct pg_parameters parameters = { 0 };
    struct error err = { 0 };
    struct text sql;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    check_status(want, STATUS_OK, pg_select(query, &sql, &parameters, &err), &err);
    check_text("statement", want, text_get(&sql));
    text_clear(&sql);
    pg_parameters_clear(&parameters);
}

static const struct {
    struct query query;
    const char *want;
} statement_cases[] = {
    { { .columns = id_name, .column_count = 2, .limit = -1 },
            "SELECT \"id\", \"name\" FROM \"sa\"\"les\".\"t\"" },
    { { .limit = -1 }, "SELECT FROM \"sa\"\"les\".\"t\"" },
    { { .columns = ip_id, .column_count = 2, .limit = 10, .order = by_id, .order_count = 1 },
            "SELECT \"id\", (CASE WHEN \"ip\" IS DISTINCT FROM NULL THEN "
            "pg_catalog.concat(\"ip\") END) FROM \"sa\"\"les\".\"t\" ORDER BY \"t\".\"id\" "
            "DESC "
            "LIMIT 10" },
    { { .columns = id_name,
              .column_count = 2,
              .limit = 0,
              .order = by_id,
              .order_count = 1,
              .predicates = predicates,
              .predicate_count = 3 },
            "SELECT \"id\", \"name\" FROM \"sa\"\"les\".\"t\" WHERE \"id\" = $1::int4 AND "
            "(\"City \"\"x\"\"\" = $2::text OR \"City \"\"x\"\"\" IS NULL) AND \"name\" = "
            "$3::text "
            "AND \"name\" COLLATE \"C\" = $3::text ORDER BY \"id\" DESC LIMIT 0" },
    { { .columns = id_name, .column_count = 1, .limit = -1, .order = by_all, .order_count = 3 },
            "SELECT \"id\" FROM \"sa\"\"les\".\"t\" ORDER BY \"name\" COLLATE "
            "pg_catalog.\"C\" "
            "NULLS FIRST, \"City \"\"x\"\"\" DESC NULLS LAST, \"id\"" },
    /* A condition that no NULL passes spares the clause, one that NULL passes does not. */
    { { .limit = -1,
              .order = by_city,
              .order_count = 1,
              .predicates = city_not_null,
              .predicate_count = 1 },
            "SELECT FROM \"sa\"\"les\".\"t\" WHERE \"City \"\"x\"\"\" < $1::text ORDER BY "
            "\"City \"\"x\"\"\" DESC" },
    { { .limit = -1,
              .order = by_city,
              .order_count = 1,
              .predicates = predicates + 1,
              .predicate_count = 1 },
            "SELECT FROM \"sa\"\"les\".\"t\" WHERE (\"City \"\"x\"\"\" = $1::text OR "
            "\"City \"\"x\"\"\" IS NULL) ORDER BY \"City \"\"x\"\"\" DESC NULLS LAST" },
    { { .limit = -1,
              .flags = QUERY_COUNT_ONLY,
              .predicates = predicates,
              .predicate_count = 1 },
            "SELECT count(*) FROM \"sa\"\"les\".\"t\" WHERE \"id\" = $1::int4" },
    { { .limit = 7, .flags = QUERY_COUNT_ONLY },
            "SELECT count(*) FROM (SELECT FROM \"sa\"\"les\".\"t\" LIMIT 7) AS counted" },
    { { .limit = -1, .flags = QUERY_IDENTITY }, "SELECT ctid FROM \"sa\"\"les\".\"t\"" },
    { { .columns = id_name, .column_count = 1, .limit = -1, .flags = QUERY_IDENTITY },
            "SELECT \"id\", ctid FROM \"sa\"\"les\".\"t\"" },
};

static void statements(void **state) {
    struct schema *schema = pg_schema_make("sa\"les", "t", columns, check_count(columns), NULL);

    (void)state;
    for (size_t i = 0; i < check_count(statement_cases); i++) {
        struct query query = statement_cases[i].query;

        query.schema = schema;
        check_select(&query, statement_cases[i].want);
    }
    schema_release(schema);
}

static void partitions(void **state) {
    static const uint32_t leaves[] = { 1, 2 };
    struct schema *schema = pg_schema_make("s", "t", columns, check_count(columns), NULL);
    struct pg_relation *relation = (struct pg_relation *)schema->driver_data;
    const struct query query = { .schema = schema,
        .columns = id_name,
        .column_count = 1,
        .limit = -1,
        .flags = QUERY_IDENTITY };

    (void)state;
    relation->leaf_oids = leaves;
    relation->leaf_count = 2;
    check_select(&query, "SELECT \"id\", ctid, tableoid FROM \"s\".\"t\"");
    schema_release(schema);
}

static void queries(void **state) {
    static const struct {
        const char *query;
        const char *want;
    } cases[] = {
        { "SELECT 1 AS id",
                "SELECT \"id\" FROM (SELECT 1 AS id) AS q ORDER BY \"id\" DESC NULLS LAST" },
        { "SELECT 1 ; \n;",
                "SELECT \"id\" FROM (SELECT 1) AS q ORDER BY \"id\" DESC NULLS LAST" },
        { "SELECT 1 -- one",
                "SELECT \"id\" FROM (SELECT 1 -- one\n) AS q ORDER BY \"id\" DESC NULLS LAST" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct schema *schema =
                pg_schema_make(NULL, cases[i].query, columns, check_count(columns), NULL);
        struct query query = { .schema = schema,
            .columns = id_name,
            .column_count = 1,
            .limit = -1,
            .order = by_id,
            .order_count = 1 };

        check_select(&query, cases[i].want);
        schema_release(schema);
    }
}

static void wide_tables(void **state) {
    struct pg_schema_column wide[WIDE_COLUMNS];
    char names[WIDE_COLUMNS][16];
    int selected[WIDE_COLUMNS];
    struct query query = { .columns = selected, .column_count = WIDE_COLUMNS, .limit = -1 };
    struct pg_parameters parameters = { 0 };
    struct text sql;

    (void)state;
    for (int i = 0; i < WIDE_COLUMNS; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        wide[i] = (struct pg_schema_column){ names[i], "int4", false };
        selected[i] = i;
    }
    query.schema = pg_schema_make("s", "t", wide, WIDE_COLUMNS, NULL);
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    check_status("wide", STATUS_OK, pg_select(&query, &sql, &parameters, NULL), NULL);
    check_text("its end", "\"c1598\", \"c1599\" FROM \"s\".\"t\"",
            strstr(text_get(&sql), "\"c1598\""));
    text_clear(&sql);
    schema_release((struct schema *)query.schema);
}

static void too_many_values(void **state) {
    struct predicate_term *terms = memory_alloc_array(TOO_MANY, sizeof(*terms));
    const struct predicate many = { 0, terms, TOO_MANY };
    struct schema *schema = pg_schema_make("s", "t", columns, check_count(columns), NULL);
    const struct query query = {
        .schema = schema, .limit = -1, .predicates = &many, .predicate_count = 1
    };
    struct pg_parameters parameters = { 0 };
    struct error err = { 0 };
    struct text sql;

    (void)state;
    for (int i = 0; i < TOO_MANY; i++) {
        terms[i] = id_is_5[0];
    }
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    check_status("too many", STATUS_TOO_BIG, pg_select(&query, &sql, &parameters, &err), &err);
    check_text("says how many",
            "could not send 70000 values in one statement: the protocol allows 65535",
            err.message);
    text_clear(&sql);
    pg_parameters_clear(&parameters);
    error_clear(&err);
    memory_free(terms);
    schema_release(schema);
}

/* ---- memory -------------------------------------------------------------------------------
 */

static enum status judge_and_select(const struct schema *schema) {
    static const struct value list[] = {
        { .kind = VALUE_TEXT, .bytes = "a", .length = 1 },
        { .kind = VALUE_TEXT,
                .bytes = "long enough to need more room in the array",
                .length = 42 },
        { .kind = VALUE_TEXT, .bytes = "b\"\\", .length = 3 },
    };
    static const struct condition conditions[] = {
        { 1, OPERATOR_IN, COLLATION_BINARY },
        { 1, OPERATOR_IS_NOT, COLLATION_BINARY },
        { 1, OPERATOR_EQ, COLLATION_NOCASE },
        { 1, OPERATOR_GLOB, COLLATION_BINARY },
    };
    struct judgement judgements[check_count(conditions)];
    struct predicate made[check_count(conditions)];
    struct query query = { .schema = schema,
        .limit = -1,
        .predicates = made,
        .predicate_count = check_count(conditions) };
    struct pg_parameters parameters = { 0 };
    struct arena arena = { NULL };
    enum status status = STATUS_OK;
    struct text sql;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    for (size_t i = 0; status == STATUS_OK && i < check_count(conditions); i++) {
        status = pg_judge(schema, &conditions[i], list,
                conditions[i].op == OPERATOR_IN ? check_count(list) : 1, &arena,
                &judgements[i]);
        made[i] = judgements[i].predicate;
    }
    if (status == STATUS_OK) {
        status = pg_select(&query, &sql, &parameters, NULL);
    }
    if (status == STATUS_OK) {
        check_int("parameters", 4, (int64_t)parameters.count);
    }
    text_clear(&sql);
    pg_parameters_clear(&parameters);
    arena_clear(&arena);
    return status;
}

static void memory_runs_out(void **state) {
    struct schema *schema = pg_schema_make("s", "t", columns, check_count(columns), NULL);
    enum status status = STATUS_NOMEM;
    int attempt, left;

    (void)state;
    for (attempt = 1; status != STATUS_OK && attempt < ATTEMPTS_MAX; attempt++) {
        failing_allocation(attempt);
        status = judge_and_select(schema);
        left = failing_allocations_left();
        check_true("says so", status == STATUS_OK ? left > 0 : status == STATUS_NOMEM);
    }
    check_true("there were some", attempt > 5 && status == STATUS_OK);
    schema_release(schema);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(statements),
        cmocka_unit_test(partitions), cmocka_unit_test(queries), cmocka_unit_test(wide_tables),
        cmocka_unit_test(too_many_values), cmocka_unit_test(memory_runs_out) };

    failing_memory_install();
    return check_run(tests);
}
