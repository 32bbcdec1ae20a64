/* Reads a statement's text to see that it is one SELECT from one table; see alone.h.
 *
 * What is said here is relied upon, so it is no guess: only the plainest form counts, without
 * any word that could make SQLite open another cursor or ask this one again. A name that a view
 * has is none of a table. */
#include "vtab/alone.h"

#include "vtab/tokens.h"

static const char *const more_words[] = { "SELECT", "OR", "IN", "UNION", "INTERSECT", "EXCEPT",
    "JOIN", "EXISTS", "WITH", "VALUES", NULL };
static const char *const behind_words[] = { "WHERE", "ORDER", "GROUP", "LIMIT", "HAVING",
    NULL };

static bool is_any(const struct tokens *tokens, const char *const *words) {
    bool found = false;

    for (size_t i = 0; words[i] != NULL && !found; i++) {
        found = tokens_is(tokens, words[i]);
    }
    return found;
}

/* To the FROM of the statement itself. False: there is none, or a word that may mean more. */
static bool reads_to_from(struct tokens *tokens) {
    while (tokens_next(tokens)) {
        if (is_any(tokens, more_words)) {
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

/* Nothing but conditions, order and limit, to the end. plain: not even those. */
static bool reads_end(struct tokens *tokens, bool *plain) {
    *plain = tokens->length == 0 || tokens->start[0] == ';';
    if (tokens->length > 0 && tokens->start[0] != ';' && !is_any(tokens, behind_words)) {
        return false;
    }
    for (; tokens->length > 0; tokens_next(tokens)) {
        if (is_any(tokens, more_words)) {
            return false;
        }
    }
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
    bool plain;

    if (!tokens_next(&tokens) || !tokens_is(&tokens, "SELECT")) {
        return ALONE_NO;
    }
    select = tokens.at;
    if (!reads_to_from(&tokens) || !reads_table(&tokens, cursor->table) ||
            !reads_end(&tokens, &plain)) {
        return ALONE_NO;
    }
    return plain ? reads_end_of_order(select, cursor) : ALONE_ONCE;
}
