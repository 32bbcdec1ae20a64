/* xBestIndex: what SQLite offers -> a plan and what it costs. plan.c writes the plan into
 * idxStr.
 *
 * Only data is consulted: the schema, its statistics, the driver's pure may_push and may_order.
 * omit stays 0 everywhere, so SQLite checks every row again and a condition may be sent, sent
 * as a superset or left out when its value is known. LIMIT is a hint, save where SQLite
 * (from 3.46) offers it only if all else is ours; OFFSET is never consumed. */
#include "base/trace.h"
#include "vtab/cost.h"
#include "vtab/plan.h"
#include "vtab/table.h"

#include <string.h>

struct planner {
    struct table *table;
    sqlite3_index_info *info;
    struct plan plan;
    struct arena arena;
    sqlite3_value **values;  /* of plan.conditions: constants on the right side; NULL: none */
    bool all_sent;           /* every condition that was offered is in the plan */
    bool unknown_range;      /* a range whose right side may be a row value's part */
    int limit_at, offset_at; /* index in aConstraint; -1 none */
};

struct offered_operator {
    unsigned char sqlite;
    signed char op; /* -1: never sent */
    const char *word;
};

static const struct offered_operator offered_operators[] = {
    { SQLITE_INDEX_CONSTRAINT_EQ, OPERATOR_EQ, NULL },
    { SQLITE_INDEX_CONSTRAINT_GT, OPERATOR_GT, NULL },
    { SQLITE_INDEX_CONSTRAINT_LE, OPERATOR_LE, NULL },
    { SQLITE_INDEX_CONSTRAINT_LT, OPERATOR_LT, NULL },
    { SQLITE_INDEX_CONSTRAINT_GE, OPERATOR_GE, NULL },
    { SQLITE_INDEX_CONSTRAINT_MATCH, -1, "match" },
    { SQLITE_INDEX_CONSTRAINT_LIKE, OPERATOR_LIKE, NULL },
    { SQLITE_INDEX_CONSTRAINT_GLOB, OPERATOR_GLOB, NULL },
    { SQLITE_INDEX_CONSTRAINT_REGEXP, -1, "regexp" },
    { SQLITE_INDEX_CONSTRAINT_NE, OPERATOR_NE, NULL },
    { SQLITE_INDEX_CONSTRAINT_ISNOT, OPERATOR_IS_NOT, NULL },
    { SQLITE_INDEX_CONSTRAINT_ISNOTNULL, OPERATOR_NOT_NULL, NULL },
    { SQLITE_INDEX_CONSTRAINT_ISNULL, OPERATOR_IS_NULL, NULL },
    { SQLITE_INDEX_CONSTRAINT_IS, OPERATOR_IS, NULL },
};

static const struct offered_operator *find_offered(unsigned char sqlite) {
    static const struct offered_operator other = { 0, -1, "function" };
    size_t count = sizeof(offered_operators) / sizeof(offered_operators[0]);

    for (size_t i = 0; i < count; i++) {
        if (offered_operators[i].sqlite == sqlite) {
            return &offered_operators[i];
        }
    }
    return &other;
}

static enum collation offered_collation(sqlite3_index_info *info, int i) {
    static const struct {
        const char *name;
        enum collation collation;
    } known[] = {
        { "BINARY", COLLATION_BINARY },
        { "NOCASE", COLLATION_NOCASE },
        { "RTRIM", COLLATION_RTRIM },
    };
    const char *name = sqlite3_vtab_collation(info, i);

    for (size_t k = 0; name != NULL && k < sizeof(known) / sizeof(known[0]); k++) {
        if (sqlite3_stricmp(name, known[k].name) == 0) {
            return known[k].collation;
        }
    }
    return COLLATION_OTHER;
}

/* The schema's column behind SQLite's number; -1 where there is none (a rowid that is no
 * column). */
static int planner_column(const struct planner *planner, int column) {
    const struct schema *schema = planner->table->schema;

    if (column >= 0) {
        return column;
    }
    return schema->identity == IDENTITY_INTEGER_KEY ? schema->key_column : -1;
}

static enum status planner_add_local(struct planner *planner, int column, const char *word) {
    struct plan *plan = &planner->plan;

    plan->local[plan->local_count].column = column;
    plan->local[plan->local_count].word = word;
    plan->local_count++;
    return STATUS_OK;
}

/* IN is offered as EQ; all its values at once make one request of it. */
static void planner_choose_in(struct planner *planner, int i, struct condition *condition) {
    if (condition->op == OPERATOR_EQ && sqlite3_vtab_in(planner->info, i, -1)) {
        condition->op = OPERATOR_IN;
    }
}

static void planner_note_limit(struct planner *planner, int i) {
    if (planner->info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_LIMIT) {
        planner->limit_at = i;
    } else {
        planner->offset_at = i;
    }
}

/* NULL when the right side is no constant. */
static sqlite3_value *planner_constant(const struct planner *planner, int i) {
    sqlite3_value *value = NULL;

    return sqlite3_vtab_rhs_value(planner->info, i, &value) == SQLITE_OK ? value : NULL;
}

static void planner_take(struct planner *planner, int i, int *argument) {
    const struct driver *driver = planner->table->driver;
    const struct schema *schema = planner->table->schema;
    const struct offered_operator *offered = find_offered(planner->info->aConstraint[i].op);
    struct condition condition = { .column = planner_column(
                                           planner, planner->info->aConstraint[i].iColumn) };

    if (!planner->info->aConstraint[i].usable) {
        planner->all_sent = false; /* the same term will be offered again, usable */
        return;
    }
    condition.op = offered->op >= 0 ? (enum condition_operator)offered->op : OPERATOR_EQ;
    condition.collation = offered_collation(planner->info, i);
    if (offered->op >= 0 && condition.column >= 0) {
        planner_choose_in(planner, i, &condition);
    }
    if (offered->op < 0 || condition.column < 0 || condition.collation == COLLATION_OTHER ||
            !driver->may_push(schema, &condition)) {
        planner->all_sent = false;
        planner_add_local(planner, condition.column,
                offered->op < 0 ? offered->word : plan_operator_word(condition.op));
        return;
    }
    if (condition.op == OPERATOR_IN) {
        sqlite3_vtab_in(planner->info, i, 1);
    }
    /* A test for NULL needs no value and takes an argument all the same: SQLite heeds what a
     * term depends on only where one is asked for, and a term of a LEFT JOIN's ON clause
     * depends on every table to the left, so that it never filters one of them. */
    planner->info->aConstraintUsage[i].argvIndex = ++*argument;
    planner->values[planner->plan.condition_count] = planner_constant(planner, i);
    if (condition.op == OPERATOR_GE || condition.op == OPERATOR_LE) {
        planner->unknown_range |= planner->values[planner->plan.condition_count] == NULL;
    }
    planner->plan.conditions[planner->plan.condition_count++] = condition;
}

static enum status planner_conditions(struct planner *planner, int *argument) {
    size_t count = (size_t)planner->info->nConstraint + 1;
    struct plan *plan = &planner->plan;

    plan->conditions = arena_alloc_array(&planner->arena, count, sizeof(*plan->conditions));
    plan->local = arena_alloc_array(&planner->arena, count, sizeof(*plan->local));
    planner->values = arena_alloc_array(&planner->arena, count, sizeof(struct sqlite3_value *));
    if (plan->conditions == NULL || plan->local == NULL || planner->values == NULL) {
        return STATUS_NOMEM;
    }
    planner->all_sent = true;
    for (int i = 0; i < planner->info->nConstraint; i++) {
        unsigned char op = planner->info->aConstraint[i].op;

        if (op != SQLITE_INDEX_CONSTRAINT_LIMIT && op != SQLITE_INDEX_CONSTRAINT_OFFSET) {
            planner_take(planner, i, argument);
        } else if (planner->info->aConstraint[i].usable) {
            planner_note_limit(planner, i);
        }
    }
    return STATUS_OK;
}

/* Bit 63 of colUsed stands for all columns from the 64th on. */
static enum status planner_columns(struct planner *planner) {
    const struct schema *schema = planner->table->schema;
    struct plan *plan = &planner->plan;
    uint64_t used = planner->info->colUsed;

    plan->columns = arena_alloc_array(
            &planner->arena, schema->column_count + 1, sizeof(*plan->columns));
    if (plan->columns == NULL) {
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        if (used >> (i < 63 ? i : 63) & 1) {
            plan->columns[plan->column_count++] = (int)i;
        }
    }
    return STATUS_OK;
}

/* A sorted full answer is right for ORDER BY, GROUP BY and DISTINCT alike. In a UTF-16 database
 * SQLite sorts text by UTF-16 code units, which no remote does. */
static enum status planner_order(struct planner *planner) {
    const struct table *table = planner->table;
    size_t count = (size_t)planner->info->nOrderBy;
    struct order_term *order;

    if (count == 0 || table->utf16) {
        return STATUS_OK;
    }
    order = arena_alloc_array(&planner->arena, count, sizeof(*order));
    if (order == NULL) {
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        order[i].column = planner_column(planner, planner->info->aOrderBy[i].iColumn);
        order[i].descending = planner->info->aOrderBy[i].desc;
        if (order[i].column < 0) {
            return STATUS_OK;
        }
    }
    if (table->driver->may_order(table->schema, order, count)) {
        planner->plan.order = order;
        planner->plan.order_count = count;
        planner->info->orderByConsumed = 1;
    }
    return STATUS_OK;
}

static void planner_limit(struct planner *planner, int *argument) {
    struct plan *plan = &planner->plan;
    bool ordered = planner->info->nOrderBy == 0 || planner->info->orderByConsumed;

    if (planner->limit_at < 0 || !ordered) {
        return; /* without the order the first rows are not the ones wanted */
    }
    planner->info->aConstraintUsage[planner->limit_at].argvIndex = ++*argument;
    plan->limit = PLAN_LIMIT_GOAL;
    if (sqlite3_libversion_number() >= SQLITE_VERSION_LIMIT_EXACT && planner->all_sent &&
            !planner->unknown_range) {
        plan->limit = PLAN_LIMIT_EXACT;
    }
    if (planner->offset_at >= 0) {
        planner->info->aConstraintUsage[planner->offset_at].argvIndex = ++*argument;
        plan->offset = true;
    }
}

static bool planner_binds(const struct plan *plan, int column) {
    for (size_t i = 0; i < plan->condition_count; i++) {
        if (plan->conditions[i].column == column && plan->conditions[i].op == OPERATOR_EQ) {
            return true;
        }
    }
    return false;
}

/* SQLITE_INDEX_SCAN_UNIQUE lets SQLite stop after one row, so "unique" must hold for values as
 * they are presented and compared: never for wide numerics, which round, and never for text,
 * where '7' and '007' both equal a number. */
static bool key_is_unique(const struct schema *schema, const struct key *key) {
    if ((key->kind != KEY_PRIMARY && key->kind != KEY_UNIQUE) || !key->valid ||
            !key->immediate || key->partial || key->column_count == 0) {
        return false;
    }
    for (size_t i = 0; i < key->column_count; i++) {
        const struct column *column = &schema->columns[key->columns[i]];

        if (!column->not_null || !column->one_to_one || column->text_values) {
            return false;
        }
    }
    return true;
}

static void planner_unique(struct planner *planner) {
    const struct schema *schema = planner->table->schema;

    for (size_t i = 0; i < schema->key_count && !planner->plan.unique; i++) {
        const struct key *key = &schema->keys[i];
        bool bound = key_is_unique(schema, key);

        for (size_t k = 0; bound && k < key->column_count; k++) {
            bound = planner_binds(&planner->plan, key->columns[k]);
        }
        planner->plan.unique = bound;
    }
    if (planner->plan.unique) {
        planner->info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
    }
}

static void planner_cost(struct planner *planner) {
    struct cost cost = cost_of(planner->table, &planner->plan, planner->values);

    planner->info->estimatedRows = (sqlite3_int64)cost.rows;
    planner->info->estimatedCost = cost.total;
}

static enum status planner_run(struct planner *planner, struct text *text) {
    int argument = 0;
    enum status status = planner_conditions(planner, &argument);

    if (status == STATUS_OK) {
        status = planner_columns(planner);
    }
    if (status == STATUS_OK) {
        status = planner_order(planner);
    }
    if (status == STATUS_OK) {
        planner_limit(planner, &argument);
        planner_unique(planner);
        planner_cost(planner);
        plan_print(&planner->plan, planner->table->schema, text);
        status = text_status(text, NULL);
    }
    return status;
}

int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    struct planner planner = {
        .table = (struct table *)base, .info = info, .limit_at = -1, .offset_at = -1
    };
    struct text text;
    enum status status;

    planner.table->plans++;
    text_init(&text, PLAN_TEXT_BYTES_MAX);
    status = planner_run(&planner, &text);
    if (status == STATUS_OK) {
        info->idxStr = sqlite3_mprintf("%s", text_get(&text));
        info->needToFreeIdxStr = 1;
        status = info->idxStr != NULL ? STATUS_OK : STATUS_NOMEM;
        trace(TRACE_PLAN, "table \"%s\": %.0f rows, cost %.0f: %s", planner.table->name,
                (double)info->estimatedRows, info->estimatedCost, text_get(&text));
    }
    text_clear(&text);
    arena_clear(&planner.arena);
    return status == STATUS_OK ? SQLITE_OK : SQLITE_NOMEM;
}
