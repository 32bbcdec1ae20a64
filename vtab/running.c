/* Looks at the statements of the connection that are under way; see running.h.
 *
 * xUpdate gets a NULL for a column that an INSERT leaves out, just as for one that it sets to
 * NULL; the remote's default is only for the former. UPDATE ... FROM hands every column over as
 * if it were set. So the statement's own text is read for its list of columns, or, when it
 * writes elsewhere, the triggers' text. */
#include "vtab/running.h"

#include "vtab/host.h"
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

uint64_t running_row_signature(const struct connection *connection) {
    return connection->row_signature != 0 ? connection->row_signature
                                          : running_signature(connection->db);
}

uint64_t running_mark(sqlite3 *db) {
    uint64_t hash = 1;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        if (sqlite3_stmt_busy(stmt)) {
            hash = mix(hash, (uint64_t)(uintptr_t)stmt);
            hash = mix(hash, (uint64_t)run_of(stmt));
        }
    }
    return hash;
}

sqlite3_stmt *running_only(sqlite3 *db) {
    sqlite3_stmt *running = NULL;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        if (sqlite3_stmt_busy(stmt)) {
            if (running != NULL) {
                return NULL;
            }
            running = stmt;
        }
    }
    return running;
}

int running_writers(sqlite3 *db) {
    int writers = 0;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        writers += is_writer(stmt);
    }
    return writers;
}

static bool shows_rows(sqlite3_stmt *stmt) {
    return is_writer(stmt) && sqlite3_column_count(stmt) > 0;
}

bool running_shows_rows(sqlite3 *db) {
    bool found = false;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        found = found || shows_rows(stmt);
    }
    return found;
}

/* ---- texts that write ---------------------------------------------------------------------
 */

enum { ROWID_NAMES = 3 };

static const char *const rowid_names[ROWID_NAMES] = { "rowid", "oid", "_rowid_" };

struct search {
    const struct table *table;
    struct running_list *list;
    enum running_kind kind;
    bool in_trigger;
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

/* Behind INTO or UPDATE: [place.]table [AS alias]. Stands on what follows. */
static bool reads_target(const struct search *search, struct tokens *tokens) {
    const struct table *table = search->table;
    bool any_place = search->in_trigger && search->kind == RUNNING_UPDATE;
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
        is_table = tokens_names(&first, table->name) && (any_place || bare_name_is(table));
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
    struct running_list *list = search->list;

    for (size_t i = 0; i < schema->column_count; i++) {
        uint8_t said = has_list && !search->named[i] ? LEFT_OUT_YES : LEFT_OUT_NO;

        list->left_out[i] = !list->known                ? said
                            : list->left_out[i] == said ? said
                                                        : LEFT_OUT_UNKNOWN;
    }
    list->known = true;
}

/* Stands behind the target: a list in parentheses, DEFAULT VALUES, or the values. */
static void read_list(struct search *search, struct tokens *tokens) {
    const struct schema *schema = search->table->schema;
    int depth = tokens->depth;
    bool has_list = tokens->start[0] == '(';

    memset(search->named, 0, schema->column_count);
    while (has_list && tokens_next(tokens) && tokens->depth >= depth &&
            tokens->start[0] != ')') {
        for (size_t i = 0; i < schema->column_count; i++) {
            search->named[i] |= tokens_names(tokens, schema->columns[i].name);
        }
    }
    join_list(search, has_list || tokens_is(tokens, "DEFAULT"));
}

static bool is_insert(const struct tokens *tokens) {
    return tokens_is(tokens, "INSERT") || tokens_is(tokens, "REPLACE");
}

/* Stands on INSERT or REPLACE. */
static bool read_insert(struct search *search, struct tokens *tokens) {
    while (!tokens_is(tokens, "INTO")) {
        if (!tokens_next(tokens) || !tokens->is_name) {
            return false;
        }
    }
    if (!tokens_next(tokens) || !reads_target(search, tokens)) {
        return false;
    }
    read_list(search, tokens);
    return true;
}

/* The rowid's names are names of the integer key, where no column has them. */
static void note_named(struct search *search, const struct tokens *tokens) {
    const struct schema *schema = search->table->schema;
    bool found = false;

    for (size_t i = 0; i < schema->column_count; i++) {
        if (tokens_names(tokens, schema->columns[i].name)) {
            search->named[i] = 1;
            found = true;
        }
    }
    for (size_t i = 0; !found && schema->identity == IDENTITY_INTEGER_KEY && i < ROWID_NAMES;
            i++) {
        search->named[schema->key_column] |= tokens_names(tokens, rowid_names[i]);
    }
}

/* Also not a parameter's name, as in SET a = :from. */
static bool ends_set(const struct tokens *tokens, const struct tokens *before) {
    static const char *const words[] = { "WHERE", "RETURNING", "ORDER", "LIMIT", ";" };

    if (tokens_is(before, ":") || tokens_is(before, "@")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tokens_is(tokens, words[i])) {
            return true;
        }
    }
    /* IS DISTINCT FROM is an operator. */
    return tokens_is(tokens, "FROM") && !tokens_is(before, "DISTINCT");
}

/* Stands on SET: a = ..., (b, c) = ..., up to what follows the list. false: it leaves columns
 * out, and has no FROM: SQLite marks those, so this is not the one that writes now. */
static bool read_set(struct search *search, struct tokens *tokens) {
    int depth = tokens->depth;
    bool target = true;
    struct tokens before = *tokens;

    memset(search->named, 0, search->table->schema->column_count);
    while (tokens_next(tokens) && tokens->depth >= depth) {
        if (tokens->depth == depth && ends_set(tokens, &before)) {
            break;
        }
        before = *tokens;
        if (target && tokens->is_name) {
            note_named(search, tokens);
        }
        if (tokens->depth == depth && (tokens->start[0] == '=' || tokens->start[0] == ',')) {
            target = tokens->start[0] == ',';
        }
    }
    if ((tokens->depth != depth || !tokens_is(tokens, "FROM")) &&
            memchr(search->named, 0, search->table->schema->column_count) != NULL) {
        return false;
    }
    join_list(search, true);
    return true;
}

/* Stands on UPDATE. */
static bool read_update(struct search *search, struct tokens *tokens) {
    if (!tokens_next(tokens)) {
        return false;
    }
    if (tokens_is(tokens, "OR")) { /* OR IGNORE */
        tokens_next(tokens);
        tokens_next(tokens);
    }
    if (!reads_target(search, tokens)) {
        return false;
    }
    while (tokens_is(tokens, "INDEXED") || tokens_is(tokens, "NOT")) {
        bool by = tokens_is(tokens, "INDEXED");

        if (tokens_next(tokens) && by && tokens_is(tokens, "BY")) {
            tokens_next(tokens);
            tokens_next(tokens);
        } else if (by) {
            break;
        }
    }
    if (!tokens_is(tokens, "SET")) {
        return false; /* a trigger's UPDATE OF */
    }
    return read_set(search, tokens);
}

/* At a verb that writes: joins its list, where it writes to the table in the way asked for. */
static bool read_verb(struct search *search, struct tokens *tokens) {
    return search->kind == RUNNING_INSERT
                   ? is_insert(tokens) && read_insert(search, tokens)
                   : tokens_is(tokens, "UPDATE") && read_update(search, tokens);
}

/* The statement's own verb: the first word outside parentheses, but for WITH. */
static bool read_statement(struct search *search, const char *sql) {
    struct tokens tokens = { .at = sql };

    while (tokens_next(&tokens)) {
        if (tokens.depth == 0 &&
                (is_insert(&tokens) || tokens_is(&tokens, "UPDATE") ||
                        tokens_is(&tokens, "DELETE") || tokens_is(&tokens, "SELECT"))) {
            return read_verb(search, &tokens);
        }
    }
    return false;
}

static void read_trigger(struct search *search, const char *sql) {
    struct tokens tokens = { .at = sql };

    search->in_trigger = true;
    while (tokens_next(&tokens)) {
        read_verb(search, &tokens);
    }
}

/* *whole becomes false where some could not be read. */
static enum status read_triggers(
        struct search *search, const char *place, bool *whole, struct error *err) {
    sqlite3 *db = search->table->connection->db;
    char *sql = sqlite3_mprintf(
            "SELECT sql FROM \"%w\".sqlite_schema WHERE type = 'trigger'", place);
    sqlite3_stmt *stmt = NULL;
    int code = SQLITE_NOMEM;
    enum status status;

    if (sql != NULL) {
        code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    }
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL) {
            read_trigger(search, (const char *)sqlite3_column_text(stmt, 0));
        }
    }
    status = host_looked(db, code, err);
    if (code != SQLITE_DONE) {
        *whole = false;
    }
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    return status;
}

static enum status read_all_triggers(struct search *search, struct error *err) {
    sqlite3 *db = search->table->connection->db;
    enum status status = STATUS_OK;
    bool whole = true;
    const char *place;

    for (int i = 0; status == STATUS_OK && (place = sqlite3_db_name(db, i)) != NULL; i++) {
        status = read_triggers(search, place, &whole, err);
    }
    if (!whole) { /* those that were read may not be those that write now */
        memset(search->list->left_out, LEFT_OUT_UNKNOWN, search->table->schema->column_count);
        search->list->known = false;
    }
    return status;
}

/* A statement with RETURNING that gave a row and waits is not the one that inserts now. */
static bool is_paused(const struct running_list *list, sqlite3_stmt *stmt) {
    return list->shown == stmt && list->shown_run == run_of(stmt) &&
           list->shown_step != step_of(stmt);
}

/* What a word of RETURNING's list may show. A star may be one that multiplies: then more is
 * noted than is shown. */
static void note_shown(struct search *search, const struct tokens *token) {
    const struct schema *schema = search->table->schema;
    bool all = token->start[0] == '*', found = false;

    if (token->start[0] == '\'') {
        return;
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        bool named = tokens_names(token, schema->columns[i].name);

        found = found || named;
        search->list->shown_columns[i] |= all || named;
    }
    for (size_t i = 0; !found && i < ROWID_NAMES; i++) {
        search->list->shows_rowid |= tokens_names(token, rowid_names[i]);
    }
}

/* INSERT ... VALUES (...) or DEFAULT VALUES, and nothing that makes more of it. */
static bool gives_one_row(const char *sql) {
    struct tokens tokens = { .at = sql };
    int depth = 0;

    while (tokens_next(&tokens) && (depth > 0 || !tokens_is(&tokens, "VALUES"))) {
        depth += (tokens.start[0] == '(') - (tokens.start[0] == ')');
        if (depth == 0 && tokens_is(&tokens, "DEFAULT")) {
            return true;
        }
    }
    if (tokens.length == 0) {
        return false;
    }
    do {
        if (!tokens_next(&tokens)) {
            return false;
        }
        depth += (tokens.start[0] == '(') - (tokens.start[0] == ')');
    } while (depth > 0);
    return !tokens_next(&tokens) || tokens.start[0] == ';' || tokens_is(&tokens, "RETURNING");
}

static void note_statement(struct search *search, sqlite3_stmt *stmt) {
    struct running_list *list = search->list;
    const char *sql = sqlite3_sql(stmt);
    struct tokens tokens = { .at = sql };
    bool returning = false;

    if (sql == NULL || !read_statement(search, sql)) {
        return;
    }
    list->one_row = search->kind == RUNNING_INSERT && gives_one_row(sql);
    list->direct = true;
    if (sqlite3_column_count(stmt) == 0) {
        return;
    }
    while (tokens_next(&tokens)) {
        if (returning) {
            note_shown(search, &tokens);
        }
        returning = returning || (tokens.depth == 0 && tokens_is(&tokens, "RETURNING"));
    }
    list->returning = true;
    list->shown = stmt;
    list->shown_run = run_of(stmt);
    list->shown_step = step_of(stmt);
}

enum status running_learn(const struct table *table, enum running_kind kind,
        struct arena *arena, struct running_list *list, struct error *err) {
    sqlite3 *db = table->connection->db;
    struct search search = { .table = table, .list = list, .kind = kind };
    uint64_t signature =
            mix(running_row_signature(table->connection), table->connection->breaks) | 1;
    size_t count = table->schema->column_count;
    int writers = 0, under_way = 0;
    enum status status = STATUS_OK;

    if (list->signature == signature) {
        return STATUS_OK;
    }
    if (list->left_out == NULL) {
        list->left_out = arena_alloc_array(arena, count, 1);
        list->shown_columns = arena_alloc_array(arena, count, 1);
    }
    search.named = memory_alloc_array(count, 1);
    if (list->left_out == NULL || list->shown_columns == NULL || search.named == NULL) {
        memory_free(search.named);
        return error_nomem(err);
    }
    memset(list->left_out, LEFT_OUT_UNKNOWN, count);
    memset(list->shown_columns, 0, count);
    list->known = list->direct = list->one_row = false;
    list->returning = list->shows_rowid = list->shows_rows = false;
    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        under_way += is_writer(stmt);
        list->shows_rows = list->shows_rows || shows_rows(stmt);
        if (is_writer(stmt) && !is_paused(list, stmt)) {
            writers++;
            note_statement(&search, stmt);
        }
    }
    if (!list->known || writers > 1) {
        status = read_all_triggers(&search, err);
        list->one_row = false;
    }
    memory_free(search.named);
    list->writers = under_way;
    list->signature = status == STATUS_OK ? signature : 0;
    return status;
}
