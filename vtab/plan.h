/* A scan's plan: made in xBestIndex, carried to xFilter as the text of idxStr.
 *
 * EXPLAIN QUERY PLAN prints idxStr, so the text is meant for people:
 *
 *   plan    = "columns" ( " *" | " none" | names )
 *             [ " where" condition { " and" condition } ]
 *             [ " order by" term { "," term } ]
 *             [ " limit ?" | " goal ?" ] [ " offset ?" ] [ " unique" ]
 *             [ " |" { " local" name word } ]
 *   names     = name { "," name }                 name = blank, then a quoted identifier
 *   condition = name operator [ " collate " ( "nocase" | "rtrim" ) ]
 *   operator  = " = ?" " <> ?" " < ?" " <= ?" " > ?" " >= ?" " is ?" " is not ?" " is null"
 *               " is not null" " like ?" " glob ?" " in ?"
 *   term      = name [ " desc" ]
 *
 * Every "?" is one argument of xFilter, in this order. "limit ?" may become the remote's LIMIT
 * when all conditions turn out exact; "goal ?" only sizes the first fetch. What stands behind
 * "|" was offered by SQLite and cannot be sent; it is there to be read. */
#ifndef DRAWBRIDGE_VTAB_PLAN_H
#define DRAWBRIDGE_VTAB_PLAN_H

#include "base/text.h"
#include "drivers/query.h"

enum { PLAN_TEXT_BYTES_MAX = 1024 * 1024 };

enum plan_limit { PLAN_LIMIT_NONE, PLAN_LIMIT_GOAL, PLAN_LIMIT_EXACT };

struct plan_local {
    int column;
    const char *word; /* "regexp", "match", "function", "unusable" or an operator's own word */
};

struct plan {
    int *columns; /* ascending */
    size_t column_count;
    struct condition *conditions;
    size_t condition_count;
    struct order_term *order;
    size_t order_count;
    enum plan_limit limit;
    bool offset;
    bool unique;              /* at most one row: a unique key is bound to single values */
    struct plan_local *local; /* for plan_print(); reading gives local_text instead */
    size_t local_count;
    const char *local_text; /* what stands behind "|"; NULL: nothing. Borrowed from the text */
};

/* The word of an operator as it stands in the plan: "= ?". */
const char *plan_operator_word(enum condition_operator);
static inline bool plan_operator_has_value(enum condition_operator op) {
    return op != OPERATOR_IS_NULL && op != OPERATOR_NOT_NULL;
}
void plan_print(const struct plan *, const struct schema *, struct text *);
/* The plan and all it points to live in the arena, local_text in the text. What plan_print()
 * would not have written for this schema is STATUS_USAGE. */
enum status plan_parse(const char *text, const struct schema *, struct arena *,
        struct plan *out, struct error *);
/* The condition as a person reads it: "city" = ?. */
void plan_print_condition(const struct condition *, const struct schema *, struct text *);
void plan_append_name(struct text *, const char *name); /* quoted */

#endif
