/* See sqlite_truth.h. */
#include "tests/support/sqlite_truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct option_spec test_options[] = {
    { .name = "readonly", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "statement_timeout_ms", .type = OPTION_INTEGER, .fallback = "0", .max = 1000000 },
    { .name = "share", .type = OPTION_TEXT },
    { .name = "rowid", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "type", .type = OPTION_TEXT, .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY },
    { .name = NULL },
};

const char *const truth_values[] = { "NULL", "0", "1", "7", "-7", "10", "12", "255",
    "9007199254740993", "9223372036854775807", "-9223372036854775807 - 1", "0.0", "7.0", "0.1",
    "2.5", "-2.5", "1e300", "9e999", "-9e999", "9007199254740992.0", "9223372036854775808.0",
    "0.1 + 0.2", "''", "' '", "'  '", "'7'", "'07'", "'007'", "' 7'", "'7 '", "' 7 '", "'+7'",
    "'-7'", "'7.'", "'.5'", "'7.0'", "'7e0'", "'7E0'", "'1e'", "'1e+'", "'.'", "'-'", "'+'",
    "'0x10'", "'1_0'", "'12abc'", "'inf'", "'nan'", "'9e999'", "'9007199254740993'",
    "'9223372036854775808'", "'0.1'", "'0.3'", "'2024-01-15'", "'2024'", "'2024-01'", "':'",
    "'9'", "'99'", "'9-'", "'/'", "'a'", "'A'", "'abc'", "'ABC'", "'abc '", "'abc  '",
    "'Abc' || char(10)", "'b'", "'_'", "'%'", "'a%'", "char(228)", "char(196)",
    "char(228) || 'x'", "'a' || char(0)", "'7' || char(0)", "'a' || char(0) || 'b'",
    "char(9) || '7'", "char(160) || '7'", "char(128512)", "char(65533)", "X''", "X'00'",
    "X'37'", "X'61'", "X'616263'", "X'ff'", "CAST(X'ff' AS TEXT)", "CAST(X'61ff' AS TEXT)",
    "CAST(X'37ff' AS TEXT)", "'*'", "'a*'", "'[a-c]*'", "'[a'", "'?'", "'a_c'" };

const int truth_value_count = sizeof(truth_values) / sizeof(truth_values[0]);

const char *const truth_types[TRUTH_TYPES] = { "", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB",
    "VARCHAR(10)", "DOUBLE PRECISION", "BOOLEAN", "DATE" };

const char *const truth_collations[] = { "BINARY", "NOCASE", "RTRIM" };

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
void truth_collect(sqlite3_stmt *statement, struct row_set *rows) {
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

/* ---- the remote -------------------------------------------------------------------- */

/* Table t<i>: one row per value in a column of the type; i<i> the same with an index, v<i> a
 * view that changes nothing, u<i> one whose column holds what its type would not. */
static void make_tables(sqlite3 *db) {
    char sql[TRUTH_SQL_BYTES];

    for (int i = 0; i < TRUTH_TYPES; i++) {
        snprintf(sql, sizeof(sql),
                "CREATE TABLE t%d(n INTEGER PRIMARY KEY, c %s);"
                "CREATE TABLE i%d(n INTEGER PRIMARY KEY, c %s);"
                "CREATE INDEX i%d_c ON i%d(c);"
                "CREATE INDEX i%d_n ON i%d(c COLLATE NOCASE);"
                "CREATE INDEX i%d_r ON i%d(c COLLATE RTRIM);"
                "CREATE VIEW v%d AS SELECT n, c FROM t%d;"
                "CREATE VIEW u%d AS SELECT n, c FROM t%d WHERE n < 0 UNION ALL "
                "SELECT n, c FROM t0;",
                i, truth_types[i], i, truth_types[i], i, i, i, i, i, i, i, i, i, i);
        must(db, sql);
        for (int v = 0; v < truth_value_count; v++) {
            snprintf(sql, sizeof(sql), "INSERT INTO t%d VALUES(%d, %s)", i, v, truth_values[v]);
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

struct schema *truth_describe(struct truth *truth, const char *table) {
    struct catalog_filter filter = { .table = table };
    struct schema *schema = NULL;
    struct error err = { 0 };

    if (sqlite_driver.catalog(truth->session, &filter, keep_schema, &schema, &err) !=
            STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_non_null(schema);
    assert_int_equal(sqlite_driver.present(schema, &truth->options, &err), STATUS_OK);
    return schema;
}

/* Reads column 0 (n) of a scan. */
void truth_scan(struct truth *truth, const struct schema *schema,
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
    if (sqlite_driver.scan_start(truth->session, &query, &scan, &err) != STATUS_OK) {
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

/* A local copy, made as an application would: the presented values into the declared column. */
void truth_copy(struct truth *truth, const struct schema *schema, const char *table) {
    static const int columns[] = { 0, 1 };
    struct query query = {
        .schema = schema, .columns = columns, .column_count = 2, .limit = -1
    };
    struct batch batch = { 0 };
    struct scan *scan = NULL;
    struct error err = { 0 };
    char sql[TRUTH_SQL_BYTES];
    sqlite3_stmt *insert, *same;

    (void)table;
    snprintf(sql, sizeof(sql),
            "DROP TABLE IF EXISTS temp.local; CREATE TABLE temp.local(n, c %s);",
            schema->columns[1].declared);
    must(truth->db, sql);
    insert = prepare(truth->db, "INSERT INTO temp.local VALUES(?1, ?2)");
    /* What is presented must be what such a column holds. */
    same = prepare(truth->db, "SELECT typeof(c) = typeof(?2) AND (c IS ?2 OR (typeof(c) = "
                              "'text' AND CAST(c AS BLOB) "
                              "= CAST(?2 AS BLOB))) FROM temp.local WHERE n = ?1");
    assert_int_equal(sqlite_driver.scan_start(truth->session, &query, &scan, &err), STATUS_OK);
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

void truth_open(struct truth *truth, const char *encoding) {
    static const struct option_spec *const tables[] = { test_options, NULL };
    static int databases;
    char sql[TRUTH_SQL_BYTES], name[64], uri[128];
    struct host host = { 0 };
    struct error err = { 0 };
    sqlite3 *remote;

    memset(truth, 0, sizeof(*truth));
    snprintf(name, sizeof(name), "judge%d", databases++);
    snprintf(uri, sizeof(uri), "file:/%s?vfs=memdb", name);
    assert_int_equal(
            sqlite3_open_v2(uri, &remote,
                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL),
            SQLITE_OK);
    snprintf(sql, sizeof(sql), "PRAGMA encoding = '%s'", encoding);
    must(remote, sql);
    make_tables(remote);
    options_init(&truth->options, tables, NULL);
    assert_int_equal(options_set(&truth->options, "share", name, &err), STATUS_OK);
    if (sqlite_driver.open("", &truth->options, &host, &truth->session, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    sqlite3_close(remote);

    assert_int_equal(sqlite3_open(":memory:", &truth->db), SQLITE_OK);
    must(truth->db, "CREATE TABLE temp.rhs(n INTEGER PRIMARY KEY, text TEXT, numeric "
                    "NUMERIC, none BLOB)");
    for (int v = 0; v < truth_value_count; v++) {
        snprintf(sql, sizeof(sql), "INSERT INTO temp.rhs VALUES(%d, %s, %s, %s)", v,
                truth_values[v], truth_values[v], truth_values[v]);
        must(truth->db, sql);
    }
}

void truth_close(struct truth *truth) {
    print_message("# %ld checks: %ld exact, %ld superset, %ld empty, %ld skipped\n",
            truth->checks, truth->exact, truth->superset, truth->empty, truth->skipped);
    sqlite_driver.close(truth->session);
    sqlite3_close(truth->db);
    options_clear(&truth->options);
}

sqlite3_stmt *truth_prepare(struct truth *truth, const char *sql) {
    return prepare(truth->db, sql);
}

sqlite3_stmt *truth_rhs(struct truth *truth) {
    return prepare(
            truth->db, "SELECT none AS plain, text, numeric, none FROM temp.rhs WHERE n = ?1");
}

struct value truth_value(sqlite3_stmt *rhs, int source, int value) {
    sqlite3_reset(rhs);
    assert_int_equal(sqlite3_bind_int(rhs, 1, value), SQLITE_OK);
    assert_int_equal(sqlite3_step(rhs), SQLITE_ROW);
    return column_value(rhs, source);
}

void truth_note(struct truth *truth, enum verdict verdict) {
    long *const counters[] = {
        [VERDICT_SKIP] = &truth->skipped,
        [VERDICT_SUPERSET] = &truth->superset,
        [VERDICT_EXACT] = &truth->exact,
        [VERDICT_EMPTY] = &truth->empty,
        [VERDICT_ALL] = &truth->exact,
    };

    ++*counters[verdict];
}

void truth_check(struct truth *truth, enum verdict verdict, const char *label,
        const struct row_set *wanted, const struct row_set *got) {
    truth->checks++;
    for (int row = 0; row < truth_value_count; row++) {
        if (wanted->has[row] && !got->has[row]) {
            fail_msg("%s: row %s is lost", label, truth_values[row]);
        }
        if (got->has[row] && !wanted->has[row] && verdict != VERDICT_SUPERSET) {
            fail_msg("%s: row %s is too many, and the verdict was exact", label,
                    truth_values[row]);
        }
    }
}
