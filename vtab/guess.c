/* See guess.h. A view or trigger of the schema counts as part of the statement's text. */
#include "vtab/guess.h"

#include "vtab/alone.h"
#include "vtab/host.h"
#include "vtab/running.h"

#include <string.h>

static bool is_word_part(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || (c & 0x80) != 0;
}

static bool text_has_word(const char *text, const char *word) {
    size_t length = strlen(word);

    for (const char *at = text; *at != '\0'; at++) {
        if ((at == text || !is_word_part(at[-1])) &&
                sqlite3_strnicmp(at, word, (int)length) == 0 && !is_word_part(at[length])) {
            return true;
        }
    }
    return false;
}

static bool text_has_any(const char *text, const char *const *words) {
    bool found = false;

    for (size_t i = 0; words[i] != NULL && !found; i++) {
        found = text_has_word(text, words[i]);
    }
    return found;
}

static const char *const outer_words[] = { "left", "right", "full", NULL };

/* Does one of these words, or the key's name, stand in a running statement's text? It does when
 * there is no text. SQLite does not say whether rowids will be asked for. A statement that
 * names none (nor the key that is one, nor OR, whose branches merge by rowid) rarely needs one;
 * when it does after all, the cursor asks again: never a wrong answer. */
static bool statement_has(sqlite3 *db, const char *const *words, const char *key) {
    bool found = false;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL && !found;
            stmt = sqlite3_next_stmt(db, stmt)) {
        const char *sql = sqlite3_sql(stmt);

        if (sqlite3_stmt_busy(stmt)) {
            found = sql == NULL || text_has_any(sql, words) ||
                    (key != NULL && text_has_word(sql, key));
        }
    }
    return found;
}

bool guess_for_virtual_tables_only(enum condition_operator op) {
    return op == OPERATOR_NE || op == OPERATOR_IS_NOT || op == OPERATOR_NOT_NULL ||
           op == OPERATOR_LIKE || op == OPERATOR_GLOB;
}

/* Views and triggers run with a statement without standing in its text. */
static enum status schema_has(
        sqlite3 *db, const char *const *words, bool *found, struct error *err) {
    static const char find[] =
            "SELECT group_concat('SELECT sql FROM \"' || replace(name, '\"', '\"\"') || "
            "'\".sqlite_schema WHERE type IN (''view'', ''trigger'')', ' UNION ALL ') "
            "FROM pragma_database_list";
    sqlite3_stmt *list = NULL, *sqls = NULL;
    int code = sqlite3_prepare_v2(db, find, -1, &list, NULL);
    enum status status;

    *found = false;
    if (code == SQLITE_OK) {
        code = sqlite3_step(list);
    }
    if (code == SQLITE_ROW) {
        code = sqlite3_prepare_v2(
                db, (const char *)sqlite3_column_text(list, 0), -1, &sqls, NULL);
    }
    while ((code == SQLITE_OK || code == SQLITE_ROW) && !*found) {
        code = sqlite3_step(sqls);
        if (code == SQLITE_ROW) {
            const char *sql = (const char *)sqlite3_column_text(sqls, 0);

            *found = sql == NULL || text_has_any(sql, words);
        }
    }
    status = host_looked(db, code, err);
    *found = *found || code != SQLITE_DONE; /* also when it could not be learned */
    sqlite3_finalize(sqls);
    sqlite3_finalize(list);
    return status;
}

/* Before 3.51 SQLite offers a term of a LEFT JOIN's ON clause to the tables on its left as
 * well, where it must not filter, when its operator is one of those that virtual tables alone
 * are told of. Nothing tells such a term from one of WHERE: they stay local where an outer join
 * may be. */
static enum status terms_of_on_possible(
        const struct cursor *cursor, bool *possible, struct error *err) {
    sqlite3 *db = cursor->table->connection->db;
    bool offered = false;

    for (size_t i = 0; i < cursor->plan.condition_count; i++) {
        offered = offered || guess_for_virtual_tables_only(cursor->plan.conditions[i].op);
    }
    offered = offered && sqlite3_libversion_number() < SQLITE_VERSION_OUTER_TERMS_EXACT;
    *possible = offered && statement_has(db, outer_words, NULL);
    return offered && !*possible ? schema_has(db, outer_words, possible, err) : STATUS_OK;
}

/* A stream cannot be asked for more columns later, and to stop it is dear. So it is asked for
 * where the plan reads more than a handful of rows, and no word of the statement or of a view
 * speaks of an early end, or of rowids that are not fetched anyway. */
static enum status reads_all(const struct cursor *cursor, bool *all, struct error *err) {
    static const char *const end_words[] = { "limit", "exists", NULL };
    static const char *const rowid_words[] = { "rowid", "_rowid_", "oid", "or", "right", "full",
        "update", "delete", NULL };
    const struct plan *plan = &cursor->plan;
    const struct schema *schema = cursor->table->schema;
    sqlite3 *db = cursor->table->connection->db;
    bool in_view = false;
    enum status status = STATUS_OK;

    *all = false;
    if (plan->column_count == 0 || plan->order_count > 0 || plan->limit != PLAN_LIMIT_NONE ||
            schema->identity == IDENTITY_ROW || schema->rows_estimate < BATCH_ROWS_MAX) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < plan->condition_count; i++) {
        enum condition_operator op = plan->conditions[i].op;

        if (op == OPERATOR_EQ || op == OPERATOR_IN || op == OPERATOR_IS) {
            return STATUS_OK;
        }
    }
    *all = !statement_has(db, end_words, NULL) &&
           (cursor->names_rowid || !statement_has(db, rowid_words, NULL));
    if (*all && !cursor->names_rowid) {
        status = schema_has(db, rowid_words, &in_view, err);
        *all = !in_view;
    }
    return status;
}

/* A statement that comes again says the same again. SQLite plans anew when its schema changes.
 */
static bool guess_holds(const struct cursor *cursor, const char *sql, uint64_t mark) {
    bool same = sql == NULL
                        ? cursor->guessed_for == mark
                        : cursor->guessed_sql != NULL && strcmp(cursor->guessed_sql, sql) == 0;

    return same && cursor->guessed_at == cursor->table->plans;
}

static void guess_keep(struct cursor *cursor, const char *sql, uint64_t mark) {
    memory_free(cursor->guessed_sql);
    cursor->guessed_sql = memory_copy_text(sql); /* without memory it is guessed anew */
    cursor->guessed_for = mark;
    cursor->guessed_at = cursor->table->plans;
}

enum status guess_use(struct cursor *cursor, struct error *err) {
    static const char *const rowid_words[] = { "rowid", "_rowid_", "oid", "or", NULL };
    static const char *const count_words[] = { "count", NULL };
    static const char *const exists_words[] = { "exists", NULL };
    const struct table *table = cursor->table;
    const struct schema *schema = table->schema;
    const char *key = schema->identity == IDENTITY_INTEGER_KEY
                              ? schema->columns[schema->key_column].name
                              : NULL;
    sqlite3 *db = table->connection->db;
    sqlite3_stmt *only = running_only(db);
    const char *sql = only != NULL && sqlite3_stmt_readonly(only) ? sqlite3_sql(only) : NULL;
    uint64_t mark = sql == NULL ? running_mark(db) : 0;
    enum status status;

    if (guess_holds(cursor, sql, mark)) {
        return STATUS_OK; /* another cursor's, or another run's */
    }
    status = terms_of_on_possible(cursor, &cursor->on_terms, err);
    cursor->counts = cursor->plan.column_count == 0 && cursor->plan.condition_count == 0 &&
                     cursor->plan.local_text == NULL && cursor->plan.order_count == 0 &&
                     statement_has(db, count_words, NULL);
    /* Without snapshots the rows could not be read again with the key: it always comes. */
    cursor->names_rowid =
            schema->identity != IDENTITY_KEY &&
            ((key != NULL && (table->driver->capabilities & DRIVER_SNAPSHOT) == 0) ||
                    (table->enlisted && running_writers(db) > 0) ||
                    statement_has(db, rowid_words, key));
    /* What is left out can be read later, in the same snapshot and while nothing is written. */
    cursor->narrows = (table->driver->capabilities & DRIVER_SNAPSHOT) != 0 &&
                      running_writers(db) == 0 && statement_has(db, exists_words, NULL);
    if (status == STATUS_OK) {
        status = reads_all(cursor, &cursor->reads_all, err);
    }
    cursor->alone = sql != NULL ? alone_reads(cursor, sql) : ALONE_NO;
    guess_keep(cursor, sql, status == STATUS_OK ? mark : 0);
    if (status != STATUS_OK) {
        cursor->guessed_at = -1;
    }
    return status;
}
