/* What a plan costs: round trips x latency, the server's search, rows x bytes; see cost.h.
 *
 * SQLite adds our costs to those of its own tables, where a row of a full scan costs 3 and a
 * search by rowid about 20; measured, that is 20 for each microsecond. So whatever a join
 * mixes, costs are microseconds x 20.
 *
 * A search that a join repeats is not paid by the round trip for ever: lookup.c fetches in bulk
 * when that is cheaper. SQLite multiplies one cost by a number of repeats that it does not
 * tell, so the bulk fetch is spread over REPEATS_EXPECTED searches. */
#include "vtab/cost.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    COST_PER_US = 20,
    TRIP_US = 50,                /* of any request, at no latency */
    ROWS_UNKNOWN_TABLE = 100000, /* never analyzed, and its size is not known */
    ROWS_UNKNOWN_VIEW = 1000,
    WIDTH_UNKNOWN_BYTES = 16,
    IN_ITEMS_GUESSED = 25,
    REPEATS_EXPECTED = 10000,
    PROBE_COST = 26, /* one search of what was fetched in bulk */
};

/* Microseconds. */
static const double row_us = 0.15, column_us = 0.04, byte_us = 0.004;
static const double searched_row_us = 0.05; /* that the server looks at and does not send */
static const double sorted_row_us = 0.05;   /* times the logarithm of how many */

/* Shares of rows where nothing is known. */
static const double equality_unknown = 0.05, range_unknown = 0.33, pattern_unknown = 0.1,
                    null_unknown = 0.05, inequality_unknown = 0.95;

static double smaller(double a, double b) {
    return a < b ? a : b;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

double cost_table_rows(const struct table *table) {
    const struct schema *schema = table->schema;

    if (options_given(&table->options, "rows")) {
        return (double)options_integer(&table->options, "rows");
    }
    if (schema->rows_estimate >= 0) {
        return schema->rows_estimate;
    }
    return schema->kind == RELATION_VIEW || schema->kind == RELATION_QUERY ? ROWS_UNKNOWN_VIEW
                                                                           : ROWS_UNKNOWN_TABLE;
}

/* ---- shares of rows -----------------------------------------------------------------------
 */

struct estimate {
    const struct table *table;
    const struct plan *plan;
    sqlite3_value *const *values;
    double rows; /* of the relation */
};

static const struct column_statistics *statistics_of(
        const struct estimate *estimate, int column) {
    static const struct column_statistics none;
    const struct statistics *statistics = estimate->table->schema->statistics;

    return statistics != NULL ? &statistics->columns[column] : &none;
}

/* The order of the remote's texts, as well as it can be told here: numbers by value, all else
 * by bytes. */
static int compare_value(const char *remote, sqlite3_value *value) {
    const char *text;
    double left, right;
    char *end;

    if (sqlite3_value_type(value) == SQLITE_INTEGER ||
            sqlite3_value_type(value) == SQLITE_FLOAT) {
        left = remote[0] == 't' ? 1 : number_read(remote, &end); /* true */
        right = sqlite3_value_double(value);
        return left < right ? -1 : left > right;
    }
    text = (const char *)sqlite3_value_text(value);
    return strcmp(remote, text != NULL ? text : "");
}

/* How many values the column has. */
static double distinct_values(const struct estimate *estimate, int column) {
    double known = estimate->table->schema->columns[column].distinct_count;

    if (known < 0) {
        known = -known * estimate->rows;
    }
    return known > 0 ? larger(known, 1) : 0;
}

/* Does a key of this column alone hold, so that every value is there once? */
static bool column_is_unique(const struct estimate *estimate, int column) {
    const struct schema *schema = estimate->table->schema;

    for (size_t i = 0; i < schema->key_count; i++) {
        const struct key *key = &schema->keys[i];

        if ((key->kind == KEY_PRIMARY || key->kind == KEY_UNIQUE) && !key->partial &&
                key->column_count == 1 && key->columns[0] == column) {
            return true;
        }
    }
    return false;
}

static double equality_share(
        const struct estimate *estimate, int column, sqlite3_value *value) {
    const struct column_statistics *statistics = statistics_of(estimate, column);
    double distinct = distinct_values(estimate, column);
    double rest = 1 - statistics->null_share;

    if (column_is_unique(estimate, column) && estimate->rows >= 1) {
        return 1 / estimate->rows;
    }
    if (value != NULL) {
        for (size_t i = 0; i < statistics->common_count; i++) {
            if (compare_value(statistics->common[i], value) == 0) {
                return statistics->common_shares[i];
            }
            rest -= statistics->common_shares[i];
        }
        distinct = distinct > 0 ? larger(distinct - (double)statistics->common_count, 1) : 0;
    }
    return distinct > 0 ? larger(rest, 0) / distinct : equality_unknown;
}

/* How far a number lies between two bounds; half the way where they are no numbers. */
static double way_between(const char *low, const char *high, sqlite3_value *value) {
    double from = strtod(low, NULL), to = strtod(high, NULL);
    double at = sqlite3_value_double(value);
    bool number = sqlite3_value_type(value) == SQLITE_INTEGER ||
                  sqlite3_value_type(value) == SQLITE_FLOAT;

    return number && from < to && at >= from && at <= to ? (at - from) / (to - from) : 0.5;
}

/* The share of the values that are not common which is below the value. */
static double share_within_bounds(
        const struct column_statistics *statistics, sqlite3_value *value) {
    size_t below = 0;

    while (below < statistics->bound_count &&
            compare_value(statistics->bounds[below], value) < 0) {
        below++;
    }
    if (below == 0 || below == statistics->bound_count) {
        return below == 0 ? 0 : 1;
    }
    return ((double)below - 1 +
                   way_between(
                           statistics->bounds[below - 1], statistics->bounds[below], value)) /
           (double)(statistics->bound_count - 1);
}

/* The share of rows below (or above) a constant; -1 when that cannot be told. */
static double range_share(
        const struct estimate *estimate, int column, sqlite3_value *value, bool below) {
    const struct column_statistics *statistics = statistics_of(estimate, column);
    double common = 0, matching = 0, part;

    if (value == NULL || (statistics->bound_count == 0 && statistics->common_count == 0)) {
        return -1;
    }
    for (size_t i = 0; i < statistics->common_count; i++) {
        int order = compare_value(statistics->common[i], value);

        common += statistics->common_shares[i];
        matching += order == 0 || (order < 0) == below ? statistics->common_shares[i] : 0;
    }
    part = statistics->bound_count > 1 ? share_within_bounds(statistics, value) : 0.5;
    part = below ? part : 1 - part;
    return matching + part * larger(1 - common - statistics->null_share, 0);
}

static bool is_range(enum condition_operator op, bool below) {
    return below ? op == OPERATOR_LT || op == OPERATOR_LE
                 : op == OPERATOR_GT || op == OPERATOR_GE;
}

/* Two sides of one range are one condition: what lies above one end and what lies below the
 * other overlap in what lies between. */
static double interval_share(const struct estimate *estimate, int column) {
    double side[2] = { 1, 1 };
    bool unknown = false, bounded[2] = { false, false };

    for (size_t i = 0; i < estimate->plan->condition_count; i++) {
        const struct condition *condition = &estimate->plan->conditions[i];

        for (int below = 0; below < 2 && condition->column == column; below++) {
            if (is_range(condition->op, below)) {
                double share = range_share(estimate, column, estimate->values[i], below);

                bounded[below] = true;
                unknown = unknown || share < 0;
                side[below] = smaller(side[below], share < 0 ? range_unknown : share);
            }
        }
    }
    if (!bounded[0] || !bounded[1]) {
        return side[0] * side[1];
    }
    return unknown ? smaller(side[0] * side[1], 0.1) : larger(side[0] + side[1] - 1, 0.0005);
}

static bool range_seen_before(const struct estimate *estimate, size_t i) {
    const struct condition *conditions = estimate->plan->conditions;

    for (size_t k = 0; k < i; k++) {
        if (conditions[k].column == conditions[i].column &&
                (is_range(conditions[k].op, true) || is_range(conditions[k].op, false))) {
            return true;
        }
    }
    return false;
}

static double condition_share(const struct estimate *estimate, size_t i) {
    const struct condition *condition = &estimate->plan->conditions[i];
    const struct column_statistics *statistics = statistics_of(estimate, condition->column);
    sqlite3_value *value = estimate->values[i];

    switch (condition->op) {
    case OPERATOR_EQ:
    case OPERATOR_IS:
        return equality_share(estimate, condition->column, value);
    case OPERATOR_IN:
        return smaller(
                0.5, equality_share(estimate, condition->column, NULL) * IN_ITEMS_GUESSED);
    case OPERATOR_LT:
    case OPERATOR_LE:
    case OPERATOR_GT:
    case OPERATOR_GE:
        return range_seen_before(estimate, i) ? 1 : interval_share(estimate, condition->column);
    case OPERATOR_LIKE:
    case OPERATOR_GLOB:
        return pattern_unknown;
    case OPERATOR_IS_NULL:
        return estimate->table->schema->statistics != NULL
                       ? larger(statistics->null_share, 0.0001)
                       : null_unknown;
    default:
        return inequality_unknown;
    }
}

/* ---- microseconds -------------------------------------------------------------------------
 */

double cost_trip_us(const struct table *table) {
    return TRIP_US + server_latency_ms(table->server) * 1000;
}

double cost_rows_us(
        const struct table *table, const int *columns, size_t column_count, double rows) {
    double us = row_us;

    for (size_t i = 0; i < column_count; i++) {
        int width = table->schema->columns[columns[i]].width_bytes;

        us += column_us + byte_us * (width > 0 ? width : WIDTH_UNKNOWN_BYTES);
    }
    return us * rows;
}

static bool condition_uses_index(enum condition_operator op) {
    return op == OPERATOR_EQ || op == OPERATOR_IS || op == OPERATOR_IN || is_range(op, true) ||
           is_range(op, false);
}

/* An index helps when a condition binds its first column; a range of half the table would be
 * scanned all the same, and then its rows dominate the cost anyway. */
double cost_search_us(
        const struct table *table, const struct condition *conditions, size_t count) {
    const struct schema *schema = table->schema;

    for (size_t k = 0; k < schema->key_count; k++) {
        const struct key *key = &schema->keys[k];
        bool index =
                key->kind == KEY_PRIMARY || key->kind == KEY_UNIQUE || key->kind == KEY_INDEX;

        for (size_t i = 0; index && key->column_count > 0 && i < count; i++) {
            if (conditions[i].column == key->columns[0] &&
                    condition_uses_index(conditions[i].op)) {
                return 0;
            }
        }
    }
    return cost_table_rows(table) * searched_row_us;
}

/* ---- the whole ----------------------------------------------------------------------------
 */

static double cost_sort_us(const struct plan *plan, double rows) {
    return plan->order_count > 0 && rows > 2 ? rows * log2(rows) * sorted_row_us : 0;
}

/* Is there a value that another table of a join may bring? And the conditions that are the same
 * every time leave how many rows? */
static bool is_repeated(const struct estimate *estimate, double *bulk_rows) {
    bool repeated = false;

    *bulk_rows = estimate->rows;
    for (size_t i = 0; i < estimate->plan->condition_count; i++) {
        const struct condition *condition = &estimate->plan->conditions[i];

        if (estimate->values[i] != NULL || condition->op == OPERATOR_IN ||
                !plan_operator_has_value(condition->op)) {
            *bulk_rows *= condition_share(estimate, i);
        } else {
            repeated |= condition->op == OPERATOR_EQ || condition->op == OPERATOR_IS;
        }
    }
    return repeated && estimate->table->server->cache_bytes > 0;
}

double cost_rows_left(const struct table *table, const struct plan *plan, const bool *holds,
        sqlite3_value *const *values) {
    struct estimate estimate = {
        .table = table, .plan = plan, .values = values, .rows = cost_table_rows(table)
    };
    double rows = estimate.rows;

    for (size_t i = 0; i < plan->condition_count; i++) {
        rows *= holds[i] ? condition_share(&estimate, i) : 1;
    }
    return rows;
}

struct cost cost_of(
        const struct table *table, const struct plan *plan, sqlite3_value *const *values) {
    struct estimate estimate = {
        .table = table, .plan = plan, .values = values, .rows = cost_table_rows(table)
    };
    struct cost cost = { .rows = estimate.rows };
    double bulk_rows, us;

    for (size_t i = 0; i < plan->condition_count; i++) {
        cost.rows *= condition_share(&estimate, i);
    }
    cost.rows = plan->unique ? 1 : larger(cost.rows, 1);
    us = cost_trip_us(table) + cost_sort_us(plan, cost.rows) +
         cost_search_us(table, plan->conditions, plan->condition_count) +
         cost_rows_us(table, plan->columns, plan->column_count, cost.rows);
    cost.total = us * COST_PER_US;
    if (is_repeated(&estimate, &bulk_rows)) {
        us = cost_trip_us(table) + cost_sort_us(plan, bulk_rows) +
             cost_search_us(table, NULL, 0) +
             cost_rows_us(table, plan->columns, plan->column_count, bulk_rows);
        cost.total = smaller(cost.total, 2 * us * COST_PER_US / REPEATS_EXPECTED + PROBE_COST +
                                                 PROBE_COST / 4.0 * cost.rows);
    }
    return cost;
}
