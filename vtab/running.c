/* Looks at the statements of the connection that are under way; see running.h.
 *
 * xUpdate gets a NULL for a column that an INSERT leaves out, just as for one that it sets to
 * NULL; the remote's default is only for the former. So the statement's own text is read for
 * its list of columns, or, when it inserts elsewhere, the triggers' text. */
#include "vtab/running.h"

#include "vtab/table.h"
#include "vtab/tokens.h"

#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t number) {
    hash = (hash ^ number) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

static bool is_writer(sqlite3_stmt *stmt) {
    return sqlite3_stmt_busy(stmt) && !sqlite3_stmt_readonly(stmt);
}

static int run_of(sqlite3_stmt *stmt) {
    return sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 0);
}

/* Counted when a step ends: within one it does not move. */
static int step_of(sqlite3_stmt *stmt) {
    return sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
}

/* A statement may stand where a finished one stood; the count of changes then differs, as soon
 * as that one changed anything. */
uint64_t running_signature(sqlite3 *db) {
    uint64_t hash = mix(1, (uint64_t)sqlite3_total_changes64(db));

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        if (is_writer(stmt)) {
            hash = mix(hash, (uint64_t)(uintptr_t)stmt);
            hash = mix(hash, (uint64_t)run_of(stmt));
            hash = mix(hash, (uint64_t)step_of(stmt));
        }
    }
    return hash | 1; /* 0: of none */
}

int running_writers(sqlite3 *db) {
    int writers = 0;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        writers += is_writer(stmt);
    }
    return writers;
}

/* ---- texts that insert --------------------------------------------------------------------
 */

struct search {
    const struct table *table;
    struct running_insert *insert;
    uint8_t *named; /* by column: the list at hand has it */
};

static bool has_table(sqlite3 *db, const char *place, const char *name) {
    return sqlite3_table_column_metadata(db, place, name, NULL, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

/* A bare name is looked for in temp, then main, then what was attached, in order. */
static bool bare_name_is(const struct table *table) {
    sqlite3 *db = table->connection->db;
    const char *place;

    if (sqlite3_stricmp(table->place, "temp") == 0 || has_table(db, "temp", table->name)) {
        return sqlite3_stricmp(table->place, "temp") == 0;
    }
    for (int i = 0; (place = sqlite3_db_name(db, i)) != NULL; i++) {
        if (sqlite3_stricmp(place, "temp") != 0 && has_table(db, place, table->name)) {
            return sqlite3_stricmp(table->place, place) == 0;
        }
    }
    return false;
}

/* Behind INTO: [place.]table [AS alias]. Stands on what follows. */
static bool reads_target(struct tokens *tokens, const struct table *table) {
    struct tokens first = *tokens;
    bool is_table;

    if (!tokens_next(tokens)) {
        return false;
    }
    if (tokens->start[0] == '.') {
        is_table = tokens_names(&first, table->place) && tokens_next(tokens) &&
                   tokens_names(tokens, table->name);
        tokens_next(tokens);
    } else {
        is_table = tokens_names(&first, table->name) && bare_name_is(table);
    }
    if (tokens_is(tokens, "AS")) {
        tokens_next(tokens);
        tokens_next(tokens);
    }
    return is_table;
}

/* What this text says of each column joins what others said. */
static void join_list(struct search *search, bool has_list) {
    const struct schema *schema = search->table->schema;
    struct running_insert *insert = search->insert;

    for (size_t i = 0; i < schema->column_count; i++) {
        uint8_t said = has_list && !search->named[i] ? LEFT_OUT_YES : LEFT_OUT_NO;

        insert->left_out[i] = !insert->known                ? said
                              : insert->left_out[i] == said ? said
                                                            : LEFT_OUT_UNKNOWN;
    }
    insert->known = true;
}

/* Stands behind the target: a list in parentheses, DEFAULT VALUES, or the values. */
static void read_list(struct search *search, struct tokens *tokens) {
    const struct schema *schema = search->table->schema;
    int depth = tokens->depth;
    bool has_list = tokens->start[0] == '(' || tokens_is(tokens, "DEFAULT");

    memset(search->named, 0, schema->column_count);
    while (tokens->start[0] == '(' || tokens->depth >= depth) {
        if (!tokens_next(tokens) || tokens->depth < depth || tokens->start[0] == ')' ||
                !has_list) {
            break;
        }
        for (size_t i = 0; i < schema->column_count; i++) {
            search->named[i] |= tokens_names(tokens, schema->columns[i].name);
        }
    }
    join_list(search, has_list);
}

static bool starts_insert(const struct tokens *tokens) {
    return tokens_is(tokens, "INSERT") || tokens_is(tokens, "REPLACE");
}

/* Stands on INSERT or REPLACE. */
static bool read_insert(struct search *search, struct tokens *tokens) {
    while (!tokens_is(tokens, "INTO")) {
        if (!tokens_next(tokens) || !tokens->is_name) {
            return false;
        }
    }
    if (!tokens_next(tokens) || !reads_target(tokens, search->table)) {
        return false;
    }
    read_list(search, tokens);
    return true;
}

/* The statement's own INSERT: the first word outside parentheses, but for WITH. */
static bool read_statement(struct search *search, const char *sql) {
    struct tokens tokens = { .at = sql };

    while (tokens_next(&tokens)) {
        if (tokens.depth == 0 && starts_insert(&tokens)) {
            return read_insert(search, &tokens);
        }
        if (tokens.depth == 0 &&
                (tokens_is(&tokens, "UPDATE") || tokens_is(&tokens, "DELETE") ||
                        tokens_is(&tokens, "SELECT"))) {
            return false;
        }
    }
    return false;
}

static void read_trigger(struct search *search, const char *sql) {
    struct tokens tokens = { .at = sql };

    while (tokens_next(&tokens)) {
        if (starts_insert(&tokens)) {
            read_insert(search, &tokens);
        }
    }
}

static enum status read_triggers(struct search *search, const char *place, struct error *err) {
    sqlite3 *db = search->table->connection->db;
    char *sql = sqlite3_mprintf(
            "SELECT sql FROM \"%w\".sqlite_schema WHERE type = 'trigger'", place);
    sqlite3_stmt *stmt = NULL;
    int code = SQLITE_NOMEM;

    if (sql != NULL) {
        code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    }
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL) {
            read_trigger(search, (const char *)sqlite3_column_text(stmt, 0));
        }
    }
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    return code == SQLITE_NOMEM ? error_nomem(err) : STATUS_OK;
}

static enum status read_all_triggers(struct search *search, struct error *err) {
    sqlite3 *db = search->table->connection->db;
    enum status status = STATUS_OK;
    const char *place;

    for (int i = 0; status == STATUS_OK && (place = sqlite3_db_name(db, i)) != NULL; i++) {
        status = read_triggers(search, place, err);
    }
    return status;
}

/* A statement with RETURNING that gave a row and waits is not the one that inserts now. */
static bool is_paused(const struct running_insert *insert, sqlite3_stmt *stmt) {
    return insert->shown == stmt && insert->shown_run == run_of(stmt) &&
           insert->shown_step != step_of(stmt);
}

static void note_statement(struct search *search, sqlite3_stmt *stmt) {
    struct running_insert *insert = search->insert;
    const char *sql = sqlite3_sql(stmt);

    if (sql == NULL || !read_statement(search, sql) || sqlite3_column_count(stmt) == 0) {
        return;
    }
    insert->returning = true;
    insert->shown = stmt;
    insert->shown_run = run_of(stmt);
    insert->shown_step = step_of(stmt);
}

enum status running_insert_learn(const struct table *table, struct arena *arena,
        struct running_insert *insert, struct error *err) {
    sqlite3 *db = table->connection->db;
    struct search search = { table, insert, NULL };
    uint64_t signature = running_signature(db);
    size_t count = table->schema->column_count;
    int writers = 0;
    enum status status = STATUS_OK;

    if (insert->signature == signature) {
        return STATUS_OK;
    }
    if (insert->left_out == NULL) {
        insert->left_out = arena_alloc_array(arena, count, 1);
    }
    search.named = memory_alloc_array(count, 1);
    if (insert->left_out == NULL || search.named == NULL) {
        memory_free(search.named);
        return error_nomem(err);
    }
    memset(insert->left_out, LEFT_OUT_UNKNOWN, count);
    insert->known = false;
    insert->returning = false;
    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        if (is_writer(stmt) && !is_paused(insert, stmt)) {
            writers++;
            note_statement(&search, stmt);
        }
    }
    if (!insert->known || writers > 1) {
        status = read_all_triggers(&search, err);
    }
    memory_free(search.named);
    insert->signature = status == STATUS_OK ? signature : 0;
    return status;
}
