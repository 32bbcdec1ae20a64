/* Reads a statement's text to see that it is one SELECT from one table, and tells the driver
 * what that allows; see alone.h.
 *
 * What is said here is relied upon, so it is no guess: only the plainest form counts, without
 * any word that could make SQLite open another cursor or ask this one again. A name that a view
 * has is none of a table. */
#include "vtab/alone.h"

#include "vtab/cost.h"
#include "vtab/tokens.h"

#include <string.h>

enum { ROWS_FEW_EXPECTED = 20 };

/* REGEXP and MATCH are functions of the application's. */
static const char *const more_words[] = { "SELECT", "OR", "IN", "UNION", "INTERSECT", "EXCEPT",
    "JOIN", "EXISTS", "WITH", "VALUES", "REGEXP", "MATCH", NULL };
static const char *const behind_words[] = { "WHERE", "ORDER", "GROUP", "LIMIT", "HAVING",
    NULL };
/* What may stand in front of a parenthesis: any other name calls a function of the
 * application's, or one of ours, which may ask the same server, and then sees the state that
 * its statement sees. */
static const char *const harmless_words[] = { "WHERE", "AND", "NOT", "BETWEEN", "IS", "LIKE",
    "GLOB", "CASE", "WHEN", "THEN", "ELSE", "BY", "HAVING", "LIMIT", "OFFSET", "DISTINCT",
    "CAST", "CHAR", "VARCHAR", "DECIMAL", "NUMERIC", "OVER", "FILTER", "COUNT", "SUM", "TOTAL",
    "AVG", "MIN", "MAX", "GROUP_CONCAT", "ABS", "ROUND", "COALESCE", "IFNULL", "NULLIF", "IIF",
    "LENGTH", "LOWER", "UPPER", "SUBSTR", "SUBSTRING", "INSTR", "REPLACE", "TRIM", "LTRIM",
    "RTRIM", "HEX", "QUOTE", "TYPEOF", "PRINTF", "FORMAT", "DATE", "TIME", "DATETIME",
    "JULIANDAY", "STRFTIME", "UNIXEPOCH", "JSON", "JSON_EXTRACT", "JSON_OBJECT", "JSON_ARRAY",
    NULL };

static bool is_any(const struct tokens *tokens, const char *const *words) {
    bool found = false;

    for (size_t i = 0; words[i] != NULL && !found; i++) {
        found = tokens_is(tokens, words[i]);
    }
    return found;
}

/* Does the token say, or call, what may ask for more than this table's rows? */
static bool may_ask_more(const struct tokens *tokens) {
    struct tokens next = *tokens;

    if (is_any(tokens, more_words)) {
        return true;
    }
    return tokens->is_name && tokens_next(&next) && tokens_is(&next, "(") &&
           !is_any(tokens, harmless_words);
}

/* To the FROM of the statement itself. False: there is none, or a word that may mean more. */
static bool reads_to_from(struct tokens *tokens) {
    while (tokens_next(tokens)) {
        if (may_ask_more(tokens)) {
            return false;
        }
        if (tokens->depth == 0 && tokens_is(tokens, "FROM")) {
            return true;
        }
    }
    return false;
}

/* Bare, the name is that of the table which SQLite finds first; with several tables of that
 * name only one is read, and it is the cursor's, since nothing else is under way. */
static bool is_table(const struct table *table, const char *place) {
    return sqlite3_table_column_metadata(table->connection->db, place, table->name, NULL, NULL,
                   NULL, NULL, NULL, NULL) == SQLITE_OK;
}

/* [place.]table [[AS] alias]; stands on what follows. */
static bool reads_table(struct tokens *tokens, const struct table *table) {
    struct tokens first;
    bool found, has_place;

    if (!tokens_next(tokens)) {
        return false;
    }
    first = *tokens;
    tokens_next(tokens);
    has_place = tokens->length == 1 && tokens->start[0] == '.';
    if (has_place) {
        found = tokens_names(&first, table->place) && tokens_next(tokens) &&
                tokens_names(tokens, table->name);
        tokens_next(tokens);
    } else {
        found = tokens_names(&first, table->name);
    }
    if (tokens_is(tokens, "AS")) {
        tokens_next(tokens);
        tokens_next(tokens);
    } else if (tokens->is_name && !is_any(tokens, behind_words)) {
        tokens_next(tokens);
    }
    return found && is_table(table, has_place ? table->place : NULL);
}

/* What stands behind the table. */
struct ending {
    bool plain;   /* nothing */
    bool limited; /* at most an order, and a LIMIT that is a number or a parameter */
};

/* Nothing but conditions, order and limit, to the end. */
static bool reads_end(struct tokens *tokens, struct ending *ending) {
    int words = -1; /* behind LIMIT, but for "?" and its kin; -1: there is no LIMIT yet */

    ending->plain = tokens->length == 0 || tokens->start[0] == ';';
    ending->limited = tokens_is(tokens, "ORDER") || tokens_is(tokens, "LIMIT");
    if (!ending->plain && !is_any(tokens, behind_words)) {
        return false;
    }
    for (; tokens->length > 0; tokens_next(tokens)) {
        if (may_ask_more(tokens)) {
            return false;
        }
        words += words >= 0 && strchr(";?:@", tokens->start[0]) == NULL;
        words = words < 0 && tokens_is(tokens, "LIMIT") ? 0 : words;
    }
    ending->limited = ending->limited && (words == 0 || words == 1);
    return true;
}

/* "function(column) FROM" */
static bool reads_call(const char *select, const char *function, const char *column) {
    struct tokens tokens = { .at = select };

    return tokens_next(&tokens) && tokens_is(&tokens, function) && tokens_next(&tokens) &&
           tokens_is(&tokens, "(") && tokens_next(&tokens) && tokens_names(&tokens, column) &&
           tokens_next(&tokens) && tokens_is(&tokens, ")") && tokens_next(&tokens) &&
           tokens_is(&tokens, "FROM");
}

/* SQLite asks for max() by its order, and for min() without one, since NULLs count for nothing.
 */
static enum alone reads_end_of_order(const char *select, const struct cursor *cursor) {
    const struct schema *schema = cursor->table->schema;
    const struct plan *plan = &cursor->plan;

    if (plan->order_count == 1 && plan->order->descending &&
            reads_call(select, "MAX", schema->columns[plan->order->column].name)) {
        return ALONE_FIRST;
    }
    if (plan->order_count == 0 && plan->column_count == 1 &&
            reads_call(select, "MIN", schema->columns[plan->columns[0]].name)) {
        return ALONE_MIN;
    }
    return ALONE_ONCE;
}

enum alone alone_reads(const struct cursor *cursor, const char *sql) {
    struct tokens tokens = { .at = sql };
    const char *select;
    struct ending ending;

    if (!tokens_next(&tokens) || !tokens_is(&tokens, "SELECT")) {
        return ALONE_NO;
    }
    select = tokens.at;
    if (!reads_to_from(&tokens) || !reads_table(&tokens, cursor->table) ||
            !reads_end(&tokens, &ending)) {
        return ALONE_NO;
    }
    if (ending.plain) {
        return reads_end_of_order(select, cursor);
    }
    return ending.limited ? ALONE_LIMITED : ALONE_ONCE;
}

/* ---- what comes of it ---------------------------------------------------------------------
 */

/* By what the server counted: an equality that leaves a handful of rows. The key of a WITHOUT
 * ROWID table may be read later without having been named, and can only be asked for now. */
static bool expects_few(struct cursor *cursor, sqlite3_value *const *argv) {
    const struct plan *plan = &cursor->plan;
    const struct schema *schema = cursor->table->schema;
    bool *holds =
            arena_alloc_array(&cursor->filter_arena, plan->condition_count + 1, sizeof(*holds));
    bool equality = false;

    if (holds == NULL ||
            (schema->identity == IDENTITY_KEY && cursor->places[schema->key_column] < 0)) {
        return false;
    }
    for (size_t i = 0; i < plan->condition_count; i++) {
        enum verdict verdict = cursor->inputs[i].judgement.verdict;

        holds[i] = verdict == VERDICT_EXACT || verdict == VERDICT_SUPERSET;
        equality |= holds[i] && plan->conditions[i].op == OPERATOR_EQ;
    }
    return equality && cost_rows_left(cursor->table, plan, holds, argv) <= ROWS_FEW_EXPECTED;
}

/* The first question of a statement that has no other: a snapshot begun for it can end with the
 * answer. The rows of a long one may still be asked for with more columns. */
void alone_use(struct cursor *cursor, sqlite3_value *const *argv) {
    const struct server *server = cursor->table->server;
    struct query *query = &cursor->query;

    if (cursor->alone == ALONE_FIRST && cursor->plan.condition_count == 0 &&
            cursor->plan.local_text == NULL && query->row_goal == 0) {
        query->limit = 1;
        query->row_goal = 1;
    }
    /* Before 3.41 SQLite tells of a LIMIT even where it checks rows by terms that it does not
     * tell of; here there are none. */
    if (cursor->alone == ALONE_LIMITED && cursor->plan.condition_count == 0 &&
            cursor->plan.local_text == NULL && query->row_goal > 0) {
        query->limit = query->row_goal;
    }
    if (cursor->alone == ALONE_NO || server->in_snapshot || server->transaction.tables > 0 ||
            !sqlite3_get_autocommit(server->connection->db)) {
        return;
    }
    if (query->limit >= 0 || (query->flags & QUERY_UNIQUE) != 0) {
        query->flags |= QUERY_ALONE;
    } else if (expects_few(cursor, argv)) {
        query->flags |= QUERY_ALONE | QUERY_FEW;
    }
}
