/* Reads a statement's text to see that it is one SELECT from one table; see alone.h.
 *
 * What is said here is relied upon, so it is no guess: only the plainest form counts, without
 * any word that could make SQLite open another cursor or ask this one again. A name that a view
 * has is none of a table. */
#include "vtab/alone.h"

#include "vtab/tokens.h"

#include <string.h>

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
        if (is_any(tokens, more_words)) {
            return false;
        }
        words += words >= 0 && strchr(";?:@", tokens->start[0]) == NULL;
        words = words < 0 && tokens_is(tokens, "LIMIT") ? 0 : words;
    }
    ending->limited = ending->limited && (words == 0 || words == 1);
    return true;
}

/* "max(column) FROM"; SQLite asks for min() without an order, since NULLs count for nothing. */
static bool reads_max(const char *select, const struct cursor *cursor) {
    const struct schema *schema = cursor->table->schema;
    const struct order_term *order = cursor->plan.order;
    struct tokens tokens = { .at = select };

    return cursor->plan.order_count == 1 && order->descending && tokens_next(&tokens) &&
           tokens_is(&tokens, "MAX") && tokens_next(&tokens) && tokens_is(&tokens, "(") &&
           tokens_next(&tokens) && tokens_names(&tokens, schema->columns[order->column].name) &&
           tokens_next(&tokens) && tokens_is(&tokens, ")") && tokens_next(&tokens) &&
           tokens_is(&tokens, "FROM");
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
    if (ending.plain && reads_max(select, cursor)) {
        return ALONE_FIRST;
    }
    return ending.limited ? ALONE_LIMITED : ALONE_ONCE;
}
