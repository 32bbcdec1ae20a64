/* Which cursor's rows are locked, and what is refused where they cannot be; see locking.h.
 *
 * SQLite does not say for which cursor of a statement it will write. UPDATE and DELETE read all
 * they need before they write the first row (but for one that finds a single row by its key),
 * so any scan of theirs may be locked and stays right; the more are, the more they wait for
 * others. So where a snapshot notices a change anyway only the sole use of the table in the
 * statement is locked, and under isolation=read-committed, where nothing else would notice, all
 * of them. */
#include "vtab/locking.h"

#include "vtab/tokens.h"
#include "vtab/transaction.h"

/* The one statement that writes and is under way; NULL: there are several, or none. */
static sqlite3_stmt *only_writer(sqlite3 *db) {
    sqlite3_stmt *writer = NULL;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        if (sqlite3_stmt_busy(stmt) && !sqlite3_stmt_readonly(stmt)) {
            if (writer != NULL) {
                return NULL;
            }
            writer = stmt;
        }
    }
    return writer;
}

/* Is there no table of that name but this one, so that a bare name means it? */
static bool name_is_its_own(const struct table *table) {
    sqlite3 *db = table->connection->db;
    const char *place;

    for (int i = 0; (place = sqlite3_db_name(db, i)) != NULL; i++) {
        if (sqlite3_stricmp(place, table->place) != 0 &&
                sqlite3_table_column_metadata(db, place, table->name, NULL, NULL, NULL, NULL,
                        NULL, NULL) == SQLITE_OK) {
            return false;
        }
    }
    return true;
}

/* Behind UPDATE [OR word] or DELETE FROM: [place.]table. Stands on the table's name. */
static bool reads_target(struct tokens *tokens, const struct table *table) {
    struct tokens behind = *tokens;

    tokens_next(&behind);
    if (behind.start[0] == '.') {
        bool here = tokens_names(tokens, table->place);

        *tokens = behind;
        return here && tokens_next(tokens) && tokens_names(tokens, table->name);
    }
    return tokens_names(tokens, table->name) && name_is_its_own(table);
}

/* The statement's own verb: the first one outside parentheses, behind what WITH defines. */
static bool finds_target(struct tokens *tokens, const struct table *table) {
    while (tokens_next(tokens)) {
        if (tokens->depth > 0) {
            continue;
        }
        if (tokens_is(tokens, "INSERT") || tokens_is(tokens, "REPLACE")) {
            return false;
        }
        if (tokens_is(tokens, "DELETE")) {
            return tokens_next(tokens) && tokens_next(tokens) && reads_target(tokens, table);
        }
        if (tokens_is(tokens, "UPDATE")) {
            if (tokens_next(tokens) && tokens_is(tokens, "OR")) {
                tokens_next(tokens);
                tokens_next(tokens);
            }
            return reads_target(tokens, table);
        }
    }
    return false;
}

bool locking_is_target(const struct table *table, sqlite3_stmt *stmt) {
    const char *sql = sqlite3_sql(stmt);
    struct tokens tokens = { .at = sql };

    return sql != NULL && finds_target(&tokens, table);
}

static bool names_key(const struct tokens *token, const struct schema *schema) {
    static const char *const rowids[] = { "rowid", "oid", "_rowid_" };

    for (size_t i = 0; i < sizeof(rowids) / sizeof(rowids[0]); i++) {
        if (tokens_names(token, rowids[i])) {
            return true;
        }
    }
    return schema->key_column >= 0 &&
           tokens_names(token, schema->columns[schema->key_column].name);
}

/* Words after which a part of a condition may not be looked at. */
static bool is_branch(const struct tokens *token) {
    return token->depth > 0 || tokens_is(token, "OR") || tokens_is(token, "CASE");
}

bool locking_counts_deleted(const struct table *table) {
    sqlite3 *db = table->connection->db;
    sqlite3_stmt *writer = sqlite3_get_autocommit(db) ? NULL : only_writer(db);
    const char *sql = writer != NULL ? sqlite3_sql(writer) : NULL;
    struct tokens tokens = { .at = sql };
    bool by_key = false, branches = false;

    if (sql == NULL || !tokens_next(&tokens) || !tokens_is(&tokens, "DELETE")) {
        return false;
    }
    tokens = (struct tokens){ .at = sql };
    if (!finds_target(&tokens, table)) {
        return false;
    }
    while (tokens_next(&tokens)) {
        struct tokens behind = tokens;
        bool named = tokens_names(&tokens, table->name);

        tokens_next(&behind);
        by_key = by_key || names_key(&tokens, table->schema);
        branches = branches || is_branch(&tokens);
        if ((named && behind.start[0] != '.') || tokens_is(&tokens, "LIMIT")) {
            return false; /* it is read for more than the rows to be deleted */
        }
    }
    return !by_key || !branches;
}

/* How the statement's text uses the table that it changes. */
struct use {
    bool again; /* its name comes once more: some scans are not of rows to be changed */
    bool where;
};

static bool learn_use(const char *sql, const struct table *table, struct use *use) {
    struct tokens tokens = { .at = sql };
    bool with = tokens_next(&tokens) && tokens_is(&tokens, "WITH");

    tokens = (struct tokens){ .at = sql };
    if (!finds_target(&tokens, table)) {
        return false;
    }
    use->again = with;
    while (tokens_next(&tokens)) {
        struct tokens behind = tokens;
        bool named = tokens_names(&tokens, table->name);

        tokens_next(&behind);
        use->again = use->again || (named && behind.start[0] != '.') ||
                     (tokens.depth == 0 && tokens_is(&tokens, "FROM"));
        use->where = use->where || tokens_is(&tokens, "WHERE");
    }
    return true;
}

static bool is_read_committed(const struct server *server) {
    return server->transaction.tables > 0 &&
           (server->target.driver->capabilities & DRIVER_SHARED_SESSION) == 0 &&
           transaction_isolation(server) == ISOLATION_READ_COMMITTED;
}

/* A part of the rows in their order is not what it was when a lock had to be waited for. */
static bool reads_a_part(const struct cursor *cursor) {
    return cursor->plan.order_count > 0 || cursor->query.limit >= 0;
}

unsigned locking_flags(struct cursor *cursor, bool exact) {
    struct table *table = cursor->table;
    struct server *server = table->server;
    sqlite3 *db = table->connection->db;
    struct use use = { .again = false };
    sqlite3_stmt *writer;
    const char *sql;

    if (!table->enlisted || !table->schema->lockable || reads_a_part(cursor) ||
            options_bool(&server->options, "readonly") || cursor->reader.aside != NULL) {
        return 0;
    }
    writer = only_writer(db);
    sql = writer != NULL ? sqlite3_sql(writer) : NULL;
    if (sql == NULL || !learn_use(sql, table, &use)) {
        return 0;
    }
    if (!is_read_committed(server)) {
        bool all = cursor->plan.condition_count == 0 && !use.where;
        bool some = cursor->plan.condition_count > 0 && exact;

        return !use.again && cursor->plan.local_text == NULL && (all || some) ? QUERY_LOCK : 0;
    }
    table->locked = running_signature(db);
    return QUERY_LOCK;
}

bool locking_is_over(const struct cursor *cursor) {
    return (cursor->query.flags & QUERY_LOCK) != 0 &&
           (cursor->query.flags & QUERY_UNIQUE) == 0 &&
           cursor->writes != cursor->table->server->writes;
}

enum status locking_check(const struct table *table, struct error *err) {
    if (!is_read_committed(table->server) ||
            table->locked == running_row_signature(table->connection)) {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED,
            "rows of table \"%s\" cannot be changed here under isolation=read-committed: what "
            "another session made of them since they were read would be overwritten unseen",
            table->name);
    error_explain(err, NULL, NULL,
            table->schema->lockable
                    ? "say it as an UPDATE or DELETE of its own, or use isolation=repeatable"
                    : "they cannot be locked: use isolation=repeatable");
    return STATUS_UNSUPPORTED;
}
