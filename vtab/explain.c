/* bridge_explain and bridge_plan: what becomes of a statement, with and without running it.
 *
 * A read is run to its end while connection->recorder is set, and the cursors report to it. A
 * plan is read from EXPLAIN: VOpen names the table's object, VFilter carries idxStr, whose
 * grammar is in plan.h. EXPLAIN QUERY PLAN shows the same text but only an alias for the table.
 */
#include "vtab/explain.h"

#include "vtab/cursor.h"
#include "vtab/recorder.h"
#include "vtab/rows.h"

#include <stdlib.h>
#include <string.h>

/* ---- the statement ------------------------------------------------------------------------
 */

static bool is_rest_empty(sqlite3 *db, const char *rest) {
    while (rest != NULL && *rest != '\0') {
        sqlite3_stmt *stmt = NULL;
        int code = sqlite3_prepare_v2(db, rest, -1, &stmt, &rest);

        if (code != SQLITE_OK || stmt != NULL) {
            sqlite3_finalize(stmt);
            return false;
        }
    }
    return true;
}

/* *out is the one statement of the text, with the arguments bound. */
static enum status statement_prepare(sqlite3 *db, const char *sql,
        const struct rows_arguments *arguments, sqlite3_stmt **out, struct rows *rows,
        struct error *err) {
    sqlite3_stmt *stmt = NULL;
    int code = SQLITE_OK;

    while (stmt == NULL && *sql != '\0') { /* comments and semicolons in front of it */
        code = sqlite3_prepare_v2(db, sql, -1, &stmt, &sql);
        if (code != SQLITE_OK) {
            return rows_fail_host(rows, db, code);
        }
    }
    if (stmt == NULL) {
        return error_set(err, STATUS_USAGE, "there is no statement in the text");
    }
    *out = stmt; /* the caller finalizes it, whatever follows */
    if (!is_rest_empty(db, sql)) {
        return error_set(err, STATUS_USAGE, "only one statement can be explained");
    }
    if (arguments->count - 1 > sqlite3_bind_parameter_count(stmt)) {
        return error_set(err, STATUS_USAGE, "the statement has %d parameters, %d were given",
                sqlite3_bind_parameter_count(stmt), arguments->count - 1);
    }
    for (int i = 1; i < arguments->count && code == SQLITE_OK; i++) {
        if (arguments->values[i] != NULL) {
            code = sqlite3_bind_value(stmt, i, arguments->values[i]);
        }
    }
    return code == SQLITE_OK ? STATUS_OK : rows_fail_host(rows, db, code);
}

/* ---- plans --------------------------------------------------------------------------------
 */

struct plan_word {
    const char *word;
    enum explain_item item;
    const char *verdict;
    bool is_text; /* the word itself is what there is to say */
};

static const struct plan_word plan_words[] = {
    { "columns", EXPLAIN_COLUMNS, NULL, false },
    { "where", EXPLAIN_WHERE, NULL, false },
    { "and", EXPLAIN_WHERE, NULL, false },
    { "order by", EXPLAIN_ORDER, NULL, false },
    { "limit ?", EXPLAIN_LIMIT, NULL, true },
    { "goal ?", EXPLAIN_LIMIT, NULL, true },
    { "offset ?", EXPLAIN_LIMIT, NULL, true },
    { "unique", EXPLAIN_LIMIT, NULL, true },
    { "|", EXPLAIN_WHERE, NULL, false },
    { "local", EXPLAIN_WHERE, "local", false },
};

static const struct plan_word *plan_word_at(const char *text) {
    for (size_t i = 0; i < sizeof(plan_words) / sizeof(plan_words[0]); i++) {
        size_t length = strlen(plan_words[i].word);

        if (strncmp(text, plan_words[i].word, length) == 0 &&
                (text[length] == ' ' || text[length] == '\0')) {
            return &plan_words[i];
        }
    }
    return NULL;
}

/* The blank in front of the next word, or the end. Names stand in double quotes; a doubled
 * quote closes and opens again. */
static const char *plan_segment_end(const char *text) {
    bool quoted = false;

    for (; *text != '\0'; text++) {
        quoted ^= *text == '"';
        if (!quoted && *text == ' ' && plan_word_at(text + 1) != NULL) {
            break;
        }
    }
    return text;
}

/* `columns "a" where "a" > ? | local "b" regexp` -> one note for each part. */
static void note_plan(struct recorder *recorder, int scan, const char *plan) {
    struct text part;

    text_init(&part, PLAN_TEXT_BYTES_MAX);
    while (*plan != '\0') {
        const struct plan_word *word = plan_word_at(plan);
        const char *end = plan_segment_end(word != NULL ? plan + strlen(word->word) : plan);

        if (word != NULL && !word->is_text) {
            plan += strlen(word->word);
            plan += *plan == ' ';
        }
        if (end > plan) {
            text_truncate(&part, 0);
            text_append_bytes(&part, plan, (size_t)(end - plan));
            recorder_note(recorder, scan, word != NULL ? word->item : EXPLAIN_COLUMNS,
                    text_get(&part), word != NULL ? word->verdict : NULL, NULL);
        }
        recorder->out_of_memory |= part.failure != STATUS_OK;
        plan = *end == ' ' ? end + 1 : end;
    }
    text_clear(&part);
}

/* A cursor number of the program and the object that VOpen opened under it. */
struct opened {
    int cursor;
    const struct table *table; /* NULL: of another module */
};

struct program {
    struct opened *opened;
    size_t count;
    struct recorder *recorder;
};

/* "vtab:7F00..." is an address of this process, valid while the statement that shows it lives.
 */
static const struct table *table_at(const char *text) {
    const sqlite3_vtab *base;

    if (text == NULL || strncmp(text, "vtab:", 5) != 0) {
        return NULL;
    }
    base = (const sqlite3_vtab *)(uintptr_t)strtoull(text + 5, NULL, 16);
    if (base == NULL || base->pModule == NULL || base->pModule->xOpen != cursor_open) {
        return NULL;
    }
    return (const struct table *)base;
}

static enum status program_open(struct program *program, int cursor, const char *text) {
    struct opened *larger =
            memory_resize_array(program->opened, program->count + 1, sizeof(*larger));

    if (larger == NULL) {
        return STATUS_NOMEM;
    }
    program->opened = larger;
    larger[program->count].cursor = cursor;
    larger[program->count].table = table_at(text);
    program->count++;
    return STATUS_OK;
}

/* Triggers are listed behind the statement and count their cursors anew: the last one holds. */
static void program_filter(struct program *program, int cursor, const char *plan) {
    for (size_t i = program->count; i > 0; i--) {
        const struct opened *opened = &program->opened[i - 1];

        if (opened->cursor != cursor) {
            continue;
        }
        if (opened->table != NULL && plan != NULL) {
            note_plan(program->recorder,
                    recorder_scan(program->recorder, opened->table->server->name,
                            opened->table->name),
                    plan);
        }
        return;
    }
}

/* One line of EXPLAIN: addr, opcode, p1, p2, p3, p4, ... */
static enum status program_line(struct program *program, sqlite3_stmt *explain) {
    const char *opcode = (const char *)sqlite3_column_text(explain, 1);
    int cursor = sqlite3_column_int(explain, 2);
    const char *text = (const char *)sqlite3_column_text(explain, 5);

    if (opcode == NULL) {
        return STATUS_NOMEM;
    }
    if (strcmp(opcode, "VOpen") == 0) {
        return program_open(program, cursor, text);
    }
    if (strcmp(opcode, "VFilter") == 0) {
        program_filter(program, cursor, text);
    }
    return STATUS_OK;
}

static enum status plan_statement(sqlite3 *db, sqlite3_stmt *stmt,
        const struct rows_arguments *arguments, struct recorder *recorder, struct rows *rows,
        struct error *err) {
    struct program program = { .recorder = recorder };
    sqlite3_stmt *explain = NULL;
    char *sql = sqlite3_mprintf("EXPLAIN %s", sqlite3_sql(stmt));
    enum status status = STATUS_NOMEM;
    int code = SQLITE_DONE;

    if (sql != NULL) {
        status = statement_prepare(db, sql, arguments, &explain, rows, err);
    }
    while (status == STATUS_OK && (code = sqlite3_step(explain)) == SQLITE_ROW) {
        status = program_line(&program, explain);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = rows_fail_host(rows, db, code);
    }
    sqlite3_finalize(explain);
    sqlite3_free(sql);
    memory_free(program.opened);
    return status;
}

/* ---- the two tables -----------------------------------------------------------------------
 */

/* A statement that is explained may use bridge_explain itself: the recorder in force comes
 * back. */
static enum status run_statement(struct connection *connection, sqlite3_stmt *stmt,
        struct recorder *recorder, struct rows *rows) {
    struct recorder *outer = connection->recorder;
    enum status status = STATUS_OK;
    int code;

    connection->recorder = recorder;
    do {
        code = sqlite3_step(stmt);
    } while (code == SQLITE_ROW);
    if (code != SQLITE_DONE) {
        status = rows_fail_host(rows, connection->db, code);
    }
    sqlite3_reset(stmt); /* cursors close, and report, while their recorder is still there */
    connection->recorder = outer;
    return status;
}

static enum status explain_once(struct connection *connection,
        const struct rows_arguments *arguments, bool may_run, struct rows *rows,
        struct error *err) {
    const char *sql = (const char *)sqlite3_value_text(arguments->values[0]);
    struct recorder recorder = { 0 };
    sqlite3_stmt *stmt = NULL;
    enum status status = STATUS_NOMEM;

    if (sql != NULL) {
        status = statement_prepare(connection->db, sql, arguments, &stmt, rows, err);
    }
    if (status == STATUS_OK && sqlite3_stmt_isexplain(stmt) != 0) {
        status = error_set(err, STATUS_USAGE, "give the statement itself, without EXPLAIN");
    } else if (status == STATUS_OK && may_run && sqlite3_stmt_readonly(stmt) &&
               sqlite3_column_count(stmt) > 0) {
        status = run_statement(connection, stmt, &recorder, rows);
    } else if (status ==
               STATUS_OK) { /* BEGIN and ATTACH count as read-only, but give no rows */
        status = plan_statement(connection->db, stmt, arguments, &recorder, rows, err);
    }
    if (status == STATUS_OK) {
        recorder_put_rows(&recorder, rows);
    }
    sqlite3_finalize(stmt);
    recorder_clear(&recorder);
    return status;
}

/* A remote table that has changed was described again by the statement that failed of it. None
 * of its rows went anywhere, so it may run once more. */
static enum status explain_any(struct connection *connection,
        const struct rows_arguments *arguments, bool may_run, struct rows *rows,
        struct error *err) {
    int64_t redescribed = connection->redescribed;
    struct error why = { 0 };
    enum status status = explain_once(connection, arguments, may_run, rows, &why);

    if (status != STATUS_OK && connection->redescribed != redescribed) {
        error_clear(&why);
        rows_reset(rows);
        status = explain_once(connection, arguments, may_run, rows, &why);
    }
    error_move(err, &why);
    return status;
}

static enum status explain_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **state,
        struct error *err) {
    (void)state;
    return explain_any(connection, arguments, true, rows, err);
}

static enum status plan_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **state,
        struct error *err) {
    (void)state;
    return explain_any(connection, arguments, false, rows, err);
}

static const char explain_columns[] =
        "scan INTEGER, server TEXT, name TEXT, item TEXT, text TEXT, "
        "verdict TEXT, why TEXT, fetched INTEGER, "
        "round_trips INTEGER, ms REAL";
static const char explain_hidden[] =
        "sql HIDDEN, arg1 HIDDEN, arg2 HIDDEN, arg3 HIDDEN, arg4 HIDDEN, "
        "arg5 HIDDEN, arg6 HIDDEN, arg7 HIDDEN, arg8 HIDDEN";

static const struct rows_source explain_sources[] = {
    {
            .name = "bridge_explain",
            .columns = explain_columns,
            .hidden = explain_hidden,
            .column_count = 10,
            .argument_count = 9,
            .arguments_needed = 1,
            .usage = "bridge_explain(sql, argument...) needs a statement",
            .only_column = -1,
            .start = explain_start,
    },
    {
            .name = "bridge_plan",
            .columns = explain_columns,
            .hidden = explain_hidden,
            .column_count = 10,
            .argument_count = 9,
            .arguments_needed = 1,
            .usage = "bridge_plan(sql, argument...) needs a statement",
            .only_column = -1,
            .start = plan_start,
    },
};

int explain_register(struct connection *connection) {
    int code = rows_register(connection, &explain_sources[0]);

    return code == SQLITE_OK ? rows_register(connection, &explain_sources[1]) : code;
}
