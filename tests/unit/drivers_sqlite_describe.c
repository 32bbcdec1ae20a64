/* drivers/sqlite/describe.c, keys.c and types.c: what a CREATE TABLE becomes. */
#include "drivers/sqlite/internal.h"
#include "tests/support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SUMMARY_BYTES = 2048 };

static const struct option_spec test_options[] = {
    { .name = "readonly", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "statement_timeout_ms", .type = OPTION_INTEGER, .fallback = "0", .max = 1000000 },
    { .name = "share", .type = OPTION_TEXT },
    { .name = "rowid", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "type", .type = OPTION_TEXT, .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY },
    { .name = NULL },
};
static const struct option_spec *const option_tables[] = { test_options, NULL };

static int collate_backwards(
        void *context, int a_length, const void *a, int b_length, const void *b) {
    int order = memcmp(b, a, (size_t)(a_length < b_length ? a_length : b_length));

    (void)context;
    return order != 0 ? order : b_length - a_length;
}

struct place {
    sqlite3 *admin;
    struct session *session;
    struct options options;
};

static void run(sqlite3 *db, const char *sql) {
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static void open_place(struct place *place, const char *sql, const char *words) {
    static int count;
    char uri[64], share[32];
    struct host host = { 0 };
    struct error err = { 0 };

    snprintf(share, sizeof(share), "describe%d", count++);
    snprintf(uri, sizeof(uri), "file:/%s?vfs=memdb", share);
    assert_int_equal(
            sqlite3_open_v2(uri, &place->admin,
                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL),
            SQLITE_OK);
    sqlite3_create_collation(place->admin, "backwards", SQLITE_UTF8, NULL, collate_backwards);
    run(place->admin, sql);
    options_init(&place->options, option_tables, NULL);
    assert_int_equal(options_set(&place->options, "share", share, &err), STATUS_OK);
    if (words != NULL) {
        assert_int_equal(options_add(&place->options, words, &err), STATUS_OK);
    }
    assert_int_equal(
            sqlite_driver.open("", &place->options, &host, &place->session, &err), STATUS_OK);
}

static void close_place(struct place *place) {
    sqlite_driver.close(place->session);
    sqlite3_close(place->admin);
    options_clear(&place->options);
}

static enum status keep_schema(void *context, struct schema *schema) {
    *(struct schema **)context = schema;
    return STATUS_OK;
}

static struct schema *describe(struct place *place, const char *table) {
    struct catalog_filter filter = { .table = table };
    struct schema *schema = NULL;
    struct error err = { 0 };

    if (sqlite_driver.catalog(place->session, &filter, keep_schema, &schema, &err) !=
            STATUS_OK) {
        fail_msg("%s", err.message);
    }
    if (schema != NULL && sqlite_driver.present(schema, &place->options, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return schema;
}

/* "identity(key): name declared [COLLATE] [NOT NULL] [=]; ...": "=" is one to one. */
static void summarize(const struct schema *schema, char *out) {
    static const char *const identities[] = { "integer", "key", "rowid", "row" };
    size_t used = (size_t)snprintf(
            out, SUMMARY_BYTES, "%s(%d)", identities[schema->identity], schema->key_column);

    for (size_t i = 0; i < schema->column_count; i++) {
        const struct column *column = &schema->columns[i];

        used += (size_t)snprintf(out + used, SUMMARY_BYTES - used, "; %s %s%s%s%s%s",
                column->name, column->declared, column->declared_collation != NULL ? " " : "",
                column->declared_collation != NULL ? column->declared_collation : "",
                column->not_null ? " NN" : "", column->one_to_one ? " =" : "");
    }
}

/* "kind[!][~](columns) ...": "!" is not valid, "~" is partial. */
static void summarize_keys(const struct schema *schema, char *out) {
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];

        used += (size_t)snprintf(out + used, SUMMARY_BYTES - used, "%s%s%s%s(",
                i > 0 ? " " : "", key_kind_name(key->kind), key->valid ? "" : "!",
                key->partial ? "~" : "");
        for (size_t c = 0; c < key->column_count; c++) {
            used += (size_t)snprintf(out + used, SUMMARY_BYTES - used, "%s%s", c > 0 ? "," : "",
                    schema->columns[key->columns[c]].name);
        }
        used += (size_t)snprintf(out + used, SUMMARY_BYTES - used, ")%s%s%s%s",
                key->ref_table != NULL ? ">" : "", key->ref_table != NULL ? key->ref_table : "",
                key->ref_columns != NULL ? "." : "",
                key->ref_columns != NULL ? key->ref_columns : "");
    }
}

static const struct {
    const char *sql; /* makes t */
    const char *words;
    const char *columns, *keys;
} cases[] = {
    { "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT)", NULL,
            "integer(0); id INTEGER NN =; b TEXT =", "primary(id)" },
    { "CREATE TABLE t(b TEXT, id integer PRIMARY KEY)", NULL,
            "integer(1); b TEXT =; id INTEGER NN =", "primary(id)" },
    { "CREATE TABLE t(id INTEGER PRIMARY KEY)", "rowid=1",
            "integer(0); id INTEGER NN =", "primary(id)" },
    { "CREATE TABLE t(id INTEGER PRIMARY KEY)", "type.id=TEXT", "rowid(-1); id TEXT NN",
            "primary(id)" },
    /* Not the rowid, whatever it looks like; and NULLs are allowed. */
    { "CREATE TABLE t(id INTEGER PRIMARY KEY DESC)", NULL,
            "rowid(-1); id INTEGER =", "primary(id)" },
    { "CREATE TABLE t(id INT PRIMARY KEY)", NULL, "rowid(-1); id INT =", "primary(id)" },
    { "CREATE TABLE t(id BIGINT PRIMARY KEY NOT NULL)", NULL,
            "key(0); id BIGINT NN =", "primary(id)" },
    { "CREATE TABLE t(id TEXT PRIMARY KEY)", NULL, "rowid(-1); id TEXT =", "primary(id)" },
    { "CREATE TABLE t(a, id TEXT NOT NULL PRIMARY KEY)", NULL,
            "key(1); a  =; id TEXT NN =", "primary(id)" },
    { "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY)", "rowid=1",
            "rowid(-1); id TEXT NN =", "primary(id)" },
    { "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY)", "type.id=INTEGER",
            "rowid(-1); id INTEGER NN", "primary(id)" },
    { "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY)", "type.id=BLOB",
            "key(0); id BLOB NN =", "primary(id)" },
    { "CREATE TABLE t(id INTEGER PRIMARY KEY, b) WITHOUT ROWID", NULL,
            "key(0); id INTEGER NN =; b  =", "primary(id)" },
    { "CREATE TABLE t(id REAL PRIMARY KEY) WITHOUT ROWID", "rowid=1",
            "row(-1); id REAL NN =", "primary(id)" },
    { "CREATE TABLE t(a TEXT, b TEXT, PRIMARY KEY(a, b)) WITHOUT ROWID", NULL,
            "row(-1); a TEXT NN =; b TEXT NN =", "primary(a,b)" },
    { "CREATE TABLE t(a TEXT, b TEXT, PRIMARY KEY(a, b))", NULL,
            "rowid(-1); a TEXT =; b TEXT =", "primary(a,b)" },
    { "CREATE TABLE t(a TEXT)", NULL, "rowid(-1); a TEXT =", "" },
    { "CREATE TABLE t(rowid TEXT, _rowid_ TEXT)", NULL,
            "rowid(-1); rowid TEXT =; _rowid_ TEXT =", "" },
    { "CREATE TABLE t(rowid TEXT, _rowid_ TEXT, OID TEXT)", NULL,
            "row(-1); rowid TEXT =; _rowid_ TEXT =; OID TEXT =", "" },
    /* Collations: the key must tell apart what the declared column tells apart. */
    { "CREATE TABLE t(a TEXT COLLATE nocase NOT NULL PRIMARY KEY)", NULL,
            "key(0); a TEXT NOCASE NN =", "primary(a)" },
    { "CREATE TABLE t(a TEXT COLLATE RTRIM, b TEXT COLLATE BINARY)", NULL,
            "rowid(-1); a TEXT RTRIM =; b TEXT =", "" },
    { "CREATE TABLE t(a TEXT COLLATE NOCASE NOT NULL, PRIMARY KEY(a COLLATE BINARY))", NULL,
            "rowid(-1); a TEXT NOCASE NN =", "primary!(a)" },
    { "CREATE TABLE t(a TEXT NOT NULL, PRIMARY KEY(a COLLATE NOCASE))", NULL,
            "key(0); a TEXT NN =", "primary(a)" },
    { "CREATE TABLE t(a TEXT COLLATE backwards NOT NULL PRIMARY KEY)", NULL,
            "key(0); a TEXT NN =", "primary(a)" },
    /* Types. */
    { "CREATE TABLE t(a VARCHAR(10), b DECIMAL(10,2), c UNSIGNED BIG INT, d \"odd; type\")",
            NULL,
            "rowid(-1); a VARCHAR(10) =; b DECIMAL(10,2) =; c UNSIGNED BIG INT =; "
            "d \"odd; type\" =",
            "" },
    { "CREATE TABLE t(a \"TEXT HIDDEN\", b \"hidden\", c \"x\"\"y\", d \"DATE(TEXT)\")", NULL,
            "rowid(-1); a TEXT HIDDE_ =; b hidde_ =; c \"x\"\"y\" =; d \"DATE(TEXT)\" =", "" },
    { "CREATE TABLE t(a \"PRIMARY KEY\", b \"NOT NULL\", c \"INT)--\")", NULL,
            "rowid(-1); a \"PRIMARY KEY\" =; b \"NOT NULL\" =; c \"INT)--\" =", "" },
    { "CREATE TABLE t(a ANY, b INT, c TEXT) STRICT", NULL,
            "rowid(-1); a  =; b INT =; c TEXT =", "" },
    { "CREATE TABLE t(a ANY PRIMARY KEY, b BLOB) STRICT", NULL,
            "key(0); a  NN =; b BLOB =", "primary(a)" },
    { "CREATE TABLE t(a ANY)", NULL, "rowid(-1); a ANY =", "" },
    { "CREATE TABLE t(a INT, b AS (a + 1), c TEXT AS (a) STORED)", NULL,
            "rowid(-1); a INT =; b  =; c TEXT =", "" },
    { "CREATE TABLE t(\"Odd \"\"name\"\"\" TEXT, \"a.b\" TEXT, \"select\" TEXT, \"\xc3\xa4\" "
      "TEXT)",
            NULL,
            "rowid(-1); Odd \"name\" TEXT =; a.b TEXT =; select TEXT =; \xc3\xa4 TEXT =", "" },
    { "CREATE TABLE x(a INT, b TEXT); CREATE VIEW t AS SELECT a, b FROM x", NULL,
            "row(-1); a INT; b TEXT", "" },
    /* Keys. */
    { "CREATE TABLE t(a, b, UNIQUE(a, b)); CREATE UNIQUE INDEX i ON t(b) WHERE b > 1;"
      "CREATE UNIQUE INDEX j ON t(lower(b)); CREATE INDEX k ON t(a)",
            NULL, "rowid(-1); a  =; b  =", "index(a) unique~() unique~(b) unique(a,b)" },
    { "CREATE TABLE t(a TEXT COLLATE NOCASE); CREATE UNIQUE INDEX i ON t(a COLLATE BINARY)",
            NULL, "rowid(-1); a TEXT NOCASE =", "unique!(a)" },
    { "CREATE TABLE p(x INTEGER PRIMARY KEY); CREATE TABLE t(a INT, b INT REFERENCES p, "
      "FOREIGN KEY (a, b) REFERENCES q(y, z) ON DELETE CASCADE)",
            NULL, "rowid(-1); a INT =; b INT =", "foreign(a,b)>main.q.y,z foreign(b)>main.p" },
};

static void test_tables(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char columns[SUMMARY_BYTES], keys[SUMMARY_BYTES];
        struct place place;
        struct schema *schema;

        open_place(&place, cases[i].sql, cases[i].words);
        schema = describe(&place, "t");
        assert_non_null(schema);
        summarize(schema, columns);
        summarize_keys(schema, keys);
        if (strcmp(columns, cases[i].columns) != 0 || strcmp(keys, cases[i].keys) != 0) {
            fail_msg("%s\n  is  %s | %s\n  not %s | %s", cases[i].sql, columns, keys,
                    cases[i].columns, cases[i].keys);
        }
        schema_release(schema);
        close_place(&place);
    }
}

/* A declaration is safe: SQLite takes it as one type, of the same affinity as the remote's. */
static void test_declarations_hold(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct place place;
        struct schema *schema;
        sqlite3 *db;

        open_place(&place, cases[i].sql, cases[i].words);
        schema = describe(&place, "t");
        assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
        for (size_t c = 0; c < schema->column_count; c++) {
            char sql[512];
            sqlite3_stmt *statement = NULL;
            const char *type;

            snprintf(sql, sizeof(sql), "CREATE TABLE local%zu(c %s)", c,
                    schema->columns[c].declared);
            run(db, sql);
            snprintf(sql, sizeof(sql),
                    "SELECT type, (SELECT count(*) FROM pragma_table_xinfo('local%zu')) "
                    "FROM pragma_table_xinfo('local%zu')",
                    c, c);
            assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
            assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
            type = (const char *)sqlite3_column_text(statement, 0);
            assert_int_equal(sq_affinity_of(type), sq_column(schema, (int)c)->affinity);
            assert_int_equal(sqlite3_column_int(statement, 1), 1);
            sqlite3_finalize(statement);
        }
        sqlite3_close(db);
        schema_release(schema);
        close_place(&place);
    }
}

struct listing {
    char names[SUMMARY_BYTES];
};

static enum status add_name(void *context, struct schema *schema) {
    struct listing *listing = context;
    size_t used = strlen(listing->names);

    snprintf(listing->names + used, sizeof(listing->names) - used, "%s%s", used > 0 ? " " : "",
            schema->remote_name);
    schema_release(schema);
    return STATUS_OK;
}

static void test_what_is_listed(void **state) {
    static const char *const other[] = { "elsewhere" }, *const both[] = { "temp", "MAIN" };
    const struct {
        struct catalog_filter filter;
        const char *names;
    } filters[] = {
        { { 0 }, "z a v" },
        { { other, 1, NULL }, "" },
        { { both, 2, NULL }, "z a v" },
        { { .table = "a" }, "a" },
        { { .table = "f" }, "" },
        { { .table = "broken" }, "" },
        { { .table = "sqlite_sequence" }, "" },
    };
    struct place place;

    (void)state;
    open_place(&place,
            "CREATE TABLE z(a INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE gone(a);"
            "CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone; CREATE TABLE a(b);"
            "CREATE VIEW v AS SELECT 1 AS one",
            NULL);
    /* Not every SQLite has it; where it is, neither it nor what is below it is listed. */
    sqlite3_exec(place.admin, "CREATE VIRTUAL TABLE f USING fts5(x)", NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        struct listing listing = { "" };
        struct error err = { 0 };

        assert_int_equal(sqlite_driver.catalog(
                                 place.session, &filters[i].filter, add_name, &listing, &err),
                STATUS_OK);
        assert_string_equal(listing.names, filters[i].names);
    }
    close_place(&place);
}

/* A query's text is anybody's; its columns are read by position. */
static void test_queries(void **state) {
    static const struct {
        const char *sql, *columns; /* NULL: refused */
    } queries[] = {
        { "SELECT a, b FROM x", "row(-1); a INT; b TEXT" },
        { "SELECT a, a AS A, count(*) FROM x GROUP BY a; -- end",
                "row(-1); a INT; A_2 INT; count(*)  =" },
        { "WITH r AS (SELECT 1 AS c) SELECT r.c FROM r -- no end", "row(-1); c  =" },
        { "VALUES(1, 'x')", "row(-1); column1  =; column2  =" },
        { "SELECT * FROM r", "row(-1); c0 INT" },
        { "SELECT 1 /* open", NULL },
        { "SELECT ?1", NULL },
        { "SELECT :x", NULL },
        { "PRAGMA user_version", NULL },
        { "EXPLAIN SELECT 1", NULL },
        { "DELETE FROM x", NULL },
        { "SELECT 1; SELECT 2", NULL },
        { "", NULL },
        { "-- nothing", NULL },
        { "SELECT 1) UNION SELECT (2", NULL },
    };
    struct place place;

    (void)state;
    open_place(&place,
            "CREATE TABLE x(a INT, b TEXT); CREATE TABLE r(c0 INT); INSERT INTO r VALUES(7)",
            NULL);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        char columns[SUMMARY_BYTES];
        struct schema *schema = NULL;
        struct error err = { 0 };
        enum status status =
                sqlite_driver.describe_query(place.session, queries[i].sql, &schema, &err);

        if ((status == STATUS_OK) != (queries[i].columns != NULL)) {
            fail_msg("%s: %s %s", queries[i].sql, status_name(status), err.message);
        }
        if (status == STATUS_OK) {
            assert_int_equal(sqlite_driver.present(schema, &place.options, &err), STATUS_OK);
            summarize(schema, columns);
            if (strcmp(columns, queries[i].columns) != 0) {
                fail_msg("%s: %s", queries[i].sql, columns);
            }
        }
        schema_release(schema);
        error_clear(&err);
    }
    close_place(&place);
}

static void test_a_thousand_tables(void **state) {
    static const struct catalog_filter all = { 0 };
    struct listing listing = { "" };
    struct error err = { 0 };
    struct place place;
    double started_ms;

    (void)state;
    open_place(&place, "BEGIN", NULL);
    for (int i = 0; i < 1000; i++) {
        char sql[256];

        snprintf(sql, sizeof(sql),
                "CREATE TABLE t%d(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b REAL, c, d, e);"
                "CREATE INDEX i%d ON t%d(b)",
                i, i, i);
        run(place.admin, sql);
    }
    run(place.admin, "COMMIT");
    started_ms = sq_now_ms();
    assert_int_equal(
            sqlite_driver.catalog(place.session, &all, add_name, &listing, &err), STATUS_OK);
    print_message("# 1000 tables described in %.0f ms\n", sq_now_ms() - started_ms);
    close_place(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_declarations_hold),
        cmocka_unit_test(test_what_is_listed),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_a_thousand_tables),
    };

    if (host_start() != 0) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
