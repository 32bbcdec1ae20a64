/* drivers/sqlite/judge.c, with dialect.c and types.c behind it: is a verdict true?
 *
 * For each declared type, stored value, operator, right-hand value and collation a plain table
 * of SQLite gives the truth, once for each affinity that the right-hand side may have. The rows
 * that the pushed condition selects from the remote must be the same (EXACT), or at least those
 * (SUPERSET). The same tables are read once more through indexes, and through views. */
#include "drivers/sqlite/internal.h"
#include "tests/support/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 128, SQL_BYTES = 4096 };

static const struct option_spec test_options[] = {
    { .name = "statement_timeout_ms", .type = OPTION_INTEGER, .fallback = "0", .max = 1000000 },
    { .name = "share", .type = OPTION_TEXT },
    { .name = "rowid", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "type", .type = OPTION_TEXT, .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY },
    { .name = NULL },
};

static const char *const values[] = { "NULL", "0", "1", "7", "-7", "10", "12", "255",
    "9007199254740993", "9223372036854775807", "-9223372036854775807 - 1", "0.0", "7.0", "0.1",
    "2.5", "-2.5", "1e300", "9e999", "-9e999", "9007199254740992.0", "9223372036854775808.0",
    "0.1 + 0.2", "''", "' '", "'  '", "'7'", "'07'", "'007'", "' 7'", "'7 '", "' 7 '", "'+7'",
    "'-7'", "'7.'", "'.5'", "'7.0'", "'7e0'", "'7E0'", "'1e'", "'1e+'", "'.'", "'-'", "'+'",
    "'0x10'", "'1_0'", "'12abc'", "'inf'", "'nan'", "'9e999'", "'9007199254740993'",
    "'9223372036854775808'", "'0.1'", "'0.3'", "'2024-01-15'", "'2024'", "'2024-01'", "':'",
    "'9'", "'99'", "'/'", "'a'", "'A'", "'abc'", "'ABC'", "'abc '", "'abc  '",
    "'Abc' || char(10)", "'b'", "'_'", "'%'", "'a%'", "char(228)", "char(196)",
    "char(228) || 'x'", "'a' || char(0)", "'7' || char(0)", "'a' || char(0) || 'b'",
    "char(9) || '7'", "char(160) || '7'", "char(128512)", "char(65533)", "X''", "X'00'",
    "X'37'", "X'61'", "X'616263'", "X'ff'", "CAST(X'ff' AS TEXT)", "CAST(X'61ff' AS TEXT)",
    "CAST(X'37ff' AS TEXT)", "'*'", "'a*'", "'[a-c]*'", "'[a'", "'?'", "'a_c'" };

enum { VALUES = sizeof(values) / sizeof(values[0]) };

/* One per affinity in front; the others are spellings. */
static const char *const types[] = { "", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB",
    "VARCHAR(10)", "DOUBLE PRECISION", "BOOLEAN", "DATE" };

enum { AFFINITIES = 5, TYPES = sizeof(types) / sizeof(types[0]) };

static const struct {
    enum condition_operator op;
    const char *sql;
} operators[] = {
    { OPERATOR_EQ, "=" },
    { OPERATOR_NE, "<>" },
    { OPERATOR_LT, "<" },
    { OPERATOR_LE, "<=" },
    { OPERATOR_GT, ">" },
    { OPERATOR_GE, ">=" },
    { OPERATOR_IS, "IS" },
    { OPERATOR_IS_NOT, "IS NOT" },
    { OPERATOR_LIKE, "LIKE" },
    { OPERATOR_GLOB, "GLOB" },
};

enum { OPERATORS = sizeof(operators) / sizeof(operators[0]) };

static const char *const collations[] = { "BINARY", "NOCASE", "RTRIM" };

/* Where a right-hand value may have come from. */
static const char *const sources[] = { "?1", "r.text", "r.numeric", "r.none" };

enum { SOURCES = sizeof(sources) / sizeof(sources[0]) };

struct row_set {
    unsigned char has[ROWS_MAX * TYPES];
};

struct fixture {
    sqlite3 *truth; /* another connection to the same data: the host's side */
    struct session *session;
    struct options options;
    long checks, exact, superset, skipped, empty;
};

static void must(sqlite3 *db, const char *sql) {
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    return statement;
}

/* Rows by their number n. */
static void collect(sqlite3_stmt *statement, struct row_set *rows) {
    int code;

    memset(rows, 0, sizeof(*rows));
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        rows->has[sqlite3_column_int(statement, 0)] = 1;
    }
    assert_int_equal(code, SQLITE_DONE);
    sqlite3_reset(statement);
}

static struct value column_value(sqlite3_stmt *statement, int column) {
    struct value value = { 0 };

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        value.kind = VALUE_INTEGER;
        value.integer = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        value.kind = VALUE_REAL;
        value.real = sqlite3_column_double(statement, column);
        break;
    case SQLITE_NULL:
        value.kind = VALUE_NULL;
        break;
    default:
        value.kind =
                sqlite3_column_type(statement, column) == SQLITE_TEXT ? VALUE_TEXT : VALUE_BLOB;
        value.bytes = value.kind == VALUE_TEXT
                              ? (const char *)sqlite3_column_text(statement, column)
                              : sqlite3_column_blob(statement, column);
        value.length = (size_t)sqlite3_column_bytes(statement, column);
        break;
    }
    return value;
}

/* ---- the remote -----------------------------------------------------------------------------
 */

/* Table t<i>: one row per value in a column of the type; i<i> the same with an index, v<i> a
 * view that changes nothing, u<i> one whose column holds what its type would not. */
static void make_tables(sqlite3 *db) {
    char sql[SQL_BYTES];

    for (int i = 0; i < TYPES; i++) {
        snprintf(sql, sizeof(sql),
                "CREATE TABLE t%d(n INTEGER PRIMARY KEY, c %s);"
                "CREATE TABLE i%d(n INTEGER PRIMARY KEY, c %s);"
                "CREATE INDEX i%d_c ON i%d(c);"
                "CREATE INDEX i%d_n ON i%d(c COLLATE NOCASE);"
                "CREATE INDEX i%d_r ON i%d(c COLLATE RTRIM);"
                "CREATE VIEW v%d AS SELECT n, c FROM t%d;"
                "CREATE VIEW u%d AS SELECT n, c FROM t%d WHERE n < 0 UNION ALL "
                "SELECT n, c FROM t0;",
                i, types[i], i, types[i], i, i, i, i, i, i, i, i, i, i);
        must(db, sql);
        for (int v = 0; v < VALUES; v++) {
            snprintf(sql, sizeof(sql), "INSERT INTO t%d VALUES(%d, %s)", i, v, values[v]);
            must(db, sql);
        }
        snprintf(sql, sizeof(sql), "INSERT INTO i%d SELECT * FROM t%d", i, i);
        must(db, sql);
    }
    must(db, "ANALYZE");
}

static enum status keep_schema(void *context, struct schema *schema) {
    *(struct schema **)context = schema;
    return STATUS_OK;
}

static struct schema *describe(struct fixture *fixture, const char *table) {
    struct catalog_filter filter = { .table = table };
    struct schema *schema = NULL;
    struct error err = { 0 };

    if (sqlite_driver.catalog(fixture->session, &filter, keep_schema, &schema, &err) !=
            STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_non_null(schema);
    assert_int_equal(sqlite_driver.present(schema, &fixture->options, &err), STATUS_OK);
    return schema;
}

/* Reads column 0 (n) of a scan. */
static void scan_rows(struct fixture *fixture, const struct schema *schema,
        const struct predicate *predicate, struct row_set *rows) {
    static const int columns[] = { 0 };
    struct query query = { .schema = schema,
        .columns = columns,
        .column_count = 1,
        .predicates = predicate,
        .predicate_count = predicate != NULL ? 1 : 0,
        .limit = -1 };
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    struct error err = { 0 };

    memset(rows, 0, sizeof(*rows));
    if (sqlite_driver.scan_start(fixture->session, &query, &scan, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    do {
        if (sqlite_driver.scan_next(scan, &batch, &err) != STATUS_OK) {
            fail_msg("%s: %s", scan->statement, err.message);
        }
        for (int64_t i = 0; i < batch.rows; i++) {
            rows->has[batch_cell(&batch, 0, i)->integer] = 1;
        }
    } while (batch.rows > 0);
    batch_clear(&batch);
    sqlite_driver.scan_end(scan);
}

/* ---- one check
 * -------------------------------------------------------------------------------- */

struct check {
    const char *table, *label;
    enum condition_operator op;
    enum verdict verdict;
};

static void compare(struct fixture *fixture, const struct check *check, const char *source,
        const struct row_set *truth, const struct row_set *remote) {
    fixture->checks++;
    for (int row = 0; row < VALUES; row++) {
        bool lost = truth->has[row] && !remote->has[row];
        bool extra = remote->has[row] && !truth->has[row] && check->verdict == VERDICT_EXACT;

        if (lost || extra) {
            fail_msg("%s row %s: %s, right-hand side %s: %s", check->table, values[row],
                    check->label, source, lost ? "lost" : "not exact");
        }
    }
}

static void note(struct fixture *fixture, enum verdict verdict) {
    switch (verdict) {
    case VERDICT_EXACT:
    case VERDICT_ALL:
        fixture->exact++;
        break;
    case VERDICT_SUPERSET:
        fixture->superset++;
        break;
    case VERDICT_EMPTY:
        fixture->empty++;
        break;
    case VERDICT_SKIP:
        fixture->skipped++;
        break;
    }
}

/* The truth: a local table of the column's declared type with the presented values. */
static sqlite3_stmt *truth_statement(
        struct fixture *fixture, const char *op, const char *collation, const char *source) {
    char sql[SQL_BYTES];

    snprintf(sql, sizeof(sql),
            "SELECT l.n FROM temp.local AS l, temp.rhs AS r WHERE r.n = ?2 AND "
            "l.c COLLATE %s %s %s AND ?1 IS ?1",
            collation, op, source);
    return prepare(fixture->truth, sql);
}

static void check_value(struct fixture *fixture, const struct schema *schema,
        struct check *check, enum collation collation, sqlite3_stmt **truths, int v,
        sqlite3_stmt *rhs) {
    struct arena arena = { 0 };

    for (int source = 0; source < SOURCES; source++) {
        struct condition condition = { 1, check->op, collation };
        struct judgement judgement;
        struct row_set truth, remote;
        struct value value;

        /* The value as that source gives it: a NUMERIC column has made 7 of '7'. */
        assert_int_equal(sqlite3_bind_int(rhs, 1, v), SQLITE_OK);
        assert_int_equal(sqlite3_step(rhs), SQLITE_ROW);
        value = column_value(rhs, source);
        sqlite3_bind_value(truths[source], 1, sqlite3_column_value(rhs, 0));
        sqlite3_bind_int(truths[source], 2, v);
        collect(truths[source], &truth);
        assert_int_equal(sqlite_driver.judge(schema, &condition, &value, 1, &arena, &judgement),
                STATUS_OK);
        check->verdict = judgement.verdict;
        note(fixture, judgement.verdict);
        memset(&remote, 0, sizeof(remote));
        if (judgement.verdict == VERDICT_EXACT || judgement.verdict == VERDICT_SUPERSET) {
            scan_rows(fixture, schema, &judgement.predicate, &remote);
        }
        if (judgement.verdict != VERDICT_SKIP) {
            compare(fixture, check, sources[source], &truth, &remote);
        }
        sqlite3_reset(rhs);
        arena_clear(&arena);
    }
}

/* A local copy, made as an application would: the presented values into the declared column. */
static void make_local(
        struct fixture *fixture, const struct schema *schema, const char *table) {
    static const int columns[] = { 0, 1 };
    struct query query = {
        .schema = schema, .columns = columns, .column_count = 2, .limit = -1
    };
    struct batch batch = { 0 };
    struct scan *scan = NULL;
    struct error err = { 0 };
    char sql[SQL_BYTES];
    sqlite3_stmt *insert, *same;

    (void)table;
    snprintf(sql, sizeof(sql),
            "DROP TABLE IF EXISTS temp.local; CREATE TABLE temp.local(n, c %s);",
            schema->columns[1].declared);
    must(fixture->truth, sql);
    insert = prepare(fixture->truth, "INSERT INTO temp.local VALUES(?1, ?2)");
    /* What is presented must be what such a column holds. */
    same = prepare(fixture->truth, "SELECT typeof(c) = typeof(?2) AND (c IS ?2 OR (typeof(c) = "
                                   "'text' AND CAST(c AS BLOB) "
                                   "= CAST(?2 AS BLOB))) FROM temp.local WHERE n = ?1");
    assert_int_equal(
            sqlite_driver.scan_start(fixture->session, &query, &scan, &err), STATUS_OK);
    do {
        assert_int_equal(sqlite_driver.scan_next(scan, &batch, &err), STATUS_OK);
        for (int64_t i = 0; i < batch.rows; i++) {
            const union cell *cell = batch_cell(&batch, 1, i);
            sqlite3_stmt *both[] = { insert, same };

            for (int s = 0; s < 2; s++) {
                sqlite3_bind_int64(both[s], 1, batch_cell(&batch, 0, i)->integer);
                switch (batch_kind(&batch, 1, i)) {
                case VALUE_NULL:
                    sqlite3_bind_null(both[s], 2);
                    break;
                case VALUE_INTEGER:
                    sqlite3_bind_int64(both[s], 2, cell->integer);
                    break;
                case VALUE_REAL:
                    sqlite3_bind_double(both[s], 2, cell->real);
                    break;
                case VALUE_TEXT:
                case VALUE_TEXT_NUL:
                    sqlite3_bind_text(both[s], 2, batch.heap + cell->start, (int)cell->length,
                            SQLITE_TRANSIENT);
                    break;
                case VALUE_BLOB:
                    sqlite3_bind_blob(both[s], 2, batch.heap + cell->start, (int)cell->length,
                            SQLITE_TRANSIENT);
                    break;
                }
                assert_int_equal(sqlite3_step(both[s]), s == 0 ? SQLITE_DONE : SQLITE_ROW);
                if (s == 1 && !sqlite3_column_int(same, 0)) {
                    fail_msg("%s: row %d is not stable", table,
                            (int)batch_cell(&batch, 0, i)->integer);
                }
                sqlite3_reset(both[s]);
            }
        }
    } while (batch.rows > 0);
    batch_clear(&batch);
    sqlite_driver.scan_end(scan);
    sqlite3_finalize(insert);
    sqlite3_finalize(same);
}

static void check_table(struct fixture *fixture, const char *table) {
    struct schema *schema = describe(fixture, table);
    sqlite3_stmt *rhs;

    make_local(fixture, schema, table);
    rhs = prepare(fixture->truth,
            "SELECT none AS plain, text, numeric, none FROM temp.rhs WHERE n = ?1");
    for (int c = 0; c < 3; c++) {
        for (int o = 0; o < OPERATORS; o++) {
            sqlite3_stmt *truths[SOURCES];

            for (int s = 0; s < SOURCES; s++) {
                truths[s] =
                        truth_statement(fixture, operators[o].sql, collations[c], sources[s]);
            }
            for (int v = 0; v < VALUES; v++) {
                char label[SQL_BYTES];
                struct check check = { table, label, operators[o].op, VERDICT_SKIP };

                snprintf(label, sizeof(label), "c COLLATE %s %s %s", collations[c],
                        operators[o].sql, values[v]);
                check_value(fixture, schema, &check, (enum collation)c, truths, v, rhs);
            }
            for (int s = 0; s < SOURCES; s++) {
                sqlite3_finalize(truths[s]);
            }
        }
    }
    sqlite3_finalize(rhs);
    schema_release(schema);
}

/* ---- the tests
 * ---------------------------------------------------------------------------------- */

static void open_fixture(struct fixture *fixture, const char *encoding) {
    static const struct option_spec *const tables[] = { test_options, NULL };
    static int databases;
    char sql[SQL_BYTES], name[64], uri[128];
    struct host host = { 0 };
    struct error err = { 0 };
    sqlite3 *remote;

    memset(fixture, 0, sizeof(*fixture));
    snprintf(name, sizeof(name), "judge%d", databases++);
    snprintf(uri, sizeof(uri), "file:/%s?vfs=memdb", name);
    assert_int_equal(
            sqlite3_open_v2(uri, &remote,
                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL),
            SQLITE_OK);
    snprintf(sql, sizeof(sql), "PRAGMA encoding = '%s'", encoding);
    must(remote, sql);
    make_tables(remote);
    options_init(&fixture->options, tables, NULL);
    assert_int_equal(options_set(&fixture->options, "share", name, &err), STATUS_OK);
    if (sqlite_driver.open("", &fixture->options, &host, &fixture->session, &err) !=
            STATUS_OK) {
        fail_msg("%s", err.message);
    }
    sqlite3_close(remote);

    assert_int_equal(sqlite3_open(":memory:", &fixture->truth), SQLITE_OK);
    must(fixture->truth, "CREATE TABLE temp.rhs(n INTEGER PRIMARY KEY, text TEXT, numeric "
                         "NUMERIC, none BLOB)");
    for (int v = 0; v < VALUES; v++) {
        snprintf(sql, sizeof(sql), "INSERT INTO temp.rhs VALUES(%d, %s, %s, %s)", v, values[v],
                values[v], values[v]);
        must(fixture->truth, sql);
    }
}

static void close_fixture(struct fixture *fixture) {
    print_message("%ld checks: %ld exact, %ld superset, %ld empty, %ld skipped\n",
            fixture->checks, fixture->exact, fixture->superset, fixture->empty,
            fixture->skipped);
    sqlite_driver.close(fixture->session);
    sqlite3_close(fixture->truth);
    options_clear(&fixture->options);
}

static void check_all(const char *encoding, const char *kinds, int type_count) {
    struct fixture fixture;

    open_fixture(&fixture, encoding);
    for (; *kinds != '\0'; kinds++) {
        for (int i = 0; i < type_count; i++) {
            char table[16];

            snprintf(table, sizeof(table), "%c%d", *kinds, i);
            check_table(&fixture, table);
        }
    }
    close_fixture(&fixture);
}

static void test_tables(void **state) {
    (void)state;
    check_all("UTF-8", "t", TYPES);
}

static void test_indexed_tables(void **state) {
    (void)state;
    check_all("UTF-8", "i", AFFINITIES);
}

static void test_views(void **state) {
    (void)state;
    check_all("UTF-8", "vu", AFFINITIES);
}

static void test_utf16(void **state) {
    (void)state;
    check_all("UTF-16le", "ti", AFFINITIES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_indexed_tables),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_utf16),
    };

    host_start();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
