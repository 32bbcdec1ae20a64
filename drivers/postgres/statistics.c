/* One column's row of pg_stats -> struct column_statistics. Pairs with stats_sql of
 * catalog_sql.c, which says how many values travel. */
#include "drivers/postgres/catalog.h"

#include "base/number.h"

#include <string.h>

enum { FACTS_SEPARATOR = 31 };

/* A list as catalog_sql.c writes it; empty where it is NULL. */
static size_t facts_list(const PGresult *facts, int row, int fact, size_t most,
        struct arena *arena, const char *const **out, bool *failed) {
    const char **items = arena_alloc_array(arena, most, sizeof(*items));
    char *text = arena_copy_text(arena, PQgetvalue(facts, row, fact));
    size_t count = 0;

    if (items == NULL || text == NULL) {
        *failed = true;
        return 0;
    }
    while (!PQgetisnull(facts, row, fact) && text != NULL && count < most) {
        char *end = strchr(text, FACTS_SEPARATOR);

        items[count++] = text;
        if (end != NULL) {
            *end = '\0';
        }
        text = end != NULL ? end + 1 : NULL;
    }
    *out = items;
    return count;
}

bool pg_statistics_read(
        struct column_statistics *column, const PGresult *facts, int row, struct arena *arena) {
    const char *const *shares = NULL;
    bool failed = false;
    size_t share_count = facts_list(
            facts, row, STATS_COMMON_SHARES, STATISTICS_COMMON_MAX, arena, &shares, &failed);
    double *values = arena_alloc_array(arena, STATISTICS_COMMON_MAX, sizeof(*values));

    column->null_share = number_read(PQgetvalue(facts, row, STATS_NULLS), NULL);
    column->common_count = facts_list(
            facts, row, STATS_COMMON, STATISTICS_COMMON_MAX, arena, &column->common, &failed);
    column->bound_count = facts_list(
            facts, row, STATS_BOUNDS, STATISTICS_BOUNDS_MAX, arena, &column->bounds, &failed);
    if (failed || values == NULL) {
        return false;
    }
    for (size_t i = 0; i < share_count; i++) {
        values[i] = number_read(shares[i], NULL);
    }
    if (column->common_count > share_count) { /* a NULL among the values cannot be */
        column->common_count = share_count;
    }
    if (column->bound_count < 2) {
        column->bound_count = 0;
    }
    column->common_shares = values;
    return true;
}
