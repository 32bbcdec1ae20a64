/* The first half of xFilter: a plan's text and SQLite's values -> a query, each condition
 * judged for the very value it has. cursor.c runs the query. */
#include "vtab/cursor.h"

#include "vtab/alone.h"
#include "vtab/cell.h"
#include "vtab/explain.h"
#include "vtab/guess.h"
#include "vtab/host.h"
#include "vtab/locking.h"

#include <string.h>

static const char *const verdict_words[] = {
    [VERDICT_SKIP] = "local",
    [VERDICT_SUPERSET] = "superset",
    [VERDICT_EXACT] = "exact",
    [VERDICT_EMPTY] = "empty",
    [VERDICT_ALL] = "exact",
};

struct filter {
    struct cursor *cursor;
    sqlite3_value **argv;
    int argc, next; /* argument due */
    struct predicate *predicates;
    size_t predicate_count;
    bool all_exact, empty, never; /* empty: as described; never: whatever the relation is */
    struct error *err;
};

/* ---- which columns ------------------------------------------------------------------------
 */

static bool finds_rows(const struct schema *schema, int column) {
    bool found = false;

    for (size_t i = 0; i < schema->find_count && !found; i++) {
        found = schema->find_columns[i] == column;
    }
    return found && schema->identity == IDENTITY_ROW;
}

/* A RIGHT JOIN reads what tells rows apart without having said so, and a remote without
 * snapshots cannot be asked for more of the same rows: there it comes with them. */
static bool key_comes_along(const struct cursor *cursor) {
    return (cursor->table->driver->capabilities & DRIVER_SNAPSHOT) == 0 && !cursor->counts;
}

/* Of a WITHOUT ROWID table: a write finds the row by it. */
static bool wants_key(const struct cursor *cursor) {
    return (cursor->query.flags & QUERY_LOCK) != 0 || key_comes_along(cursor);
}

void cursor_choose_columns(struct cursor *cursor, int extra) {
    const struct schema *schema = cursor->table->schema;
    bool all = cursor->identity && schema->identity == IDENTITY_ROW && schema->find_count == 0;
    size_t count = 0, next = 0;

    for (size_t i = 0; i < schema->column_count; i++) {
        bool planned = next < cursor->plan.column_count && cursor->plan.columns[next] == (int)i;
        bool taken = planned && !cursor->narrowed;
        bool had = cursor->places[i] >= 0;
        bool key = schema->key_column == (int)i &&
                   (schema->identity == IDENTITY_INTEGER_KEY
                                   ? cursor->identity
                                   : schema->identity == IDENTITY_KEY && wants_key(cursor));

        next += planned;
        cursor->places[i] = -1;
        key = key || (cursor->identity && finds_rows(schema, (int)i));
        if (taken || had || key || all || extra == (int)i) {
            cursor->places[i] = (int)count;
            cursor->columns[count++] = (int)i;
        }
    }
    cursor->query.columns = cursor->columns;
    cursor->query.column_count = count;
}

/* ---- values and verdicts ------------------------------------------------------------------
 */

static enum status read_in_values(
        struct filter *filter, sqlite3_value *list, struct value **out, size_t *count) {
    struct arena *arena = &filter->cursor->filter_arena;
    struct value *values = NULL;
    size_t capacity = 0;
    sqlite3_value *item = NULL;
    int code = sqlite3_vtab_in_first(list, &item);

    *count = 0;
    for (; code == SQLITE_OK && item != NULL; code = sqlite3_vtab_in_next(list, &item)) {
        enum status status;

        if (*count == capacity) {
            struct value *larger;

            capacity = capacity == 0 ? 16 : capacity * 2;
            larger = arena_alloc_array(arena, capacity, sizeof(*larger));
            if (larger == NULL) {
                return error_nomem(filter->err);
            }
            if (*count > 0) {
                memcpy(larger, values, *count * sizeof(*values));
            }
            values = larger;
        }
        status = cell_value(item, arena, &values[*count], filter->err);
        if (status != STATUS_OK) {
            return status;
        }
        (*count)++;
    }
    *out = values;
    return code == SQLITE_OK || code == SQLITE_DONE ? STATUS_OK : error_nomem(filter->err);
}

static enum status read_values(struct filter *filter, const struct condition *condition,
        struct value **out, size_t *count) {
    *out = NULL;
    *count = 0;
    if (filter->next >= filter->argc) {
        return error_set(filter->err, STATUS_USAGE, "malformed plan: a value is missing");
    }
    if (!plan_operator_has_value(condition->op)) {
        filter->next++; /* NULL: see index.c */
        return STATUS_OK;
    }
    if (condition->op == OPERATOR_IN) {
        return read_in_values(filter, filter->argv[filter->next++], out, count);
    }
    *out = arena_alloc(&filter->cursor->filter_arena, sizeof(**out));
    *count = 1;
    return *out == NULL ? error_nomem(filter->err)
                        : cell_value(filter->argv[filter->next++], NULL, *out, filter->err);
}

/* Applications may put functions of their own under the names of SQLite's, and then the remote
 * would be asked another question than SQLite answers. */
static enum status learn_builtins(struct connection *connection, struct error *err) {
    static const char sql[] =
            "SELECT (SELECT count(*) FROM pragma_function_list WHERE name = 'like' AND NOT "
            "builtin)"
            ", (SELECT count(*) FROM pragma_function_list WHERE name = 'glob' AND NOT builtin)"
            ", 'a' LIKE 'A', 'a' LIKE 'b' OR 'aB' LIKE '_' OR char(233) LIKE char(201)"
            ", 'ab' GLOB 'a*' AND NOT 'ab' GLOB 'A*' AND NOT 'ab' GLOB 'b'"
            ", (SELECT count(*) FROM pragma_function_list WHERE name = 'min' AND NOT builtin)";
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(connection->db, sql, -1, &stmt, NULL);
    enum status status;

    connection->like_builtin = false;
    connection->glob_builtin = false;
    connection->min_builtin = false;
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code == SQLITE_ROW) {
        connection->like_builtin =
                sqlite3_column_int(stmt, 0) == 0 && sqlite3_column_int(stmt, 3) == 0;
        connection->like_case_sensitive = sqlite3_column_int(stmt, 2) == 0;
        connection->glob_builtin =
                sqlite3_column_int(stmt, 1) == 0 && sqlite3_column_int(stmt, 4) == 1;
        connection->min_builtin = sqlite3_column_int(stmt, 5) == 0;
    }
    status = host_looked(connection->db, code, err);
    sqlite3_finalize(stmt);
    connection->builtins_known = status == STATUS_OK;
    return status;
}

static enum status pattern_is_foreign(
        struct filter *filter, enum condition_operator op, bool *foreign) {
    struct connection *connection = filter->cursor->table->connection;
    enum status status = STATUS_OK;

    *foreign = false;
    if (op != OPERATOR_LIKE && op != OPERATOR_GLOB) {
        return STATUS_OK;
    }
    if (!connection->builtins_known) {
        status = learn_builtins(connection, filter->err);
    }
    *foreign = op == OPERATOR_LIKE ? !connection->like_builtin : !connection->glob_builtin;
    return status;
}

/* In a UTF-16 database SQLite compares text by UTF-16 code units: ranges of text stay local. */
static bool range_is_foreign(
        const struct filter *filter, enum condition_operator op, const struct value *value) {
    return filter->cursor->table->utf16 && value != NULL && value->kind == VALUE_TEXT &&
           (op == OPERATOR_LT || op == OPERATOR_LE || op == OPERATOR_GT || op == OPERATOR_GE);
}

static enum status judge(struct filter *filter, const struct condition *condition,
        struct condition_input *input) {
    const struct table *table = filter->cursor->table;
    struct judgement *judgement = &input->judgement;
    struct value *values;
    size_t count;
    bool foreign;
    enum status status = read_values(filter, condition, &values, &count);

    input->values = values;
    input->count = count;
    if (status != STATUS_OK) {
        return status;
    }
    if (filter->cursor->on_terms && guess_for_virtual_tables_only(condition->op)) {
        judgement->why = "it may be the ON clause of an outer join (SQLite before 3.51)";
        return STATUS_OK;
    }
    status = pattern_is_foreign(filter, condition->op, &foreign);
    if (status != STATUS_OK) {
        return status;
    }
    if (foreign) {
        judgement->why = "the application replaced this function";
        return STATUS_OK;
    }
    if (range_is_foreign(filter, condition->op, values)) {
        judgement->why = "text sorts by UTF-16 in this database";
        return STATUS_OK;
    }
    status = table->driver->judge(
            table->schema, condition, values, count, &filter->cursor->filter_arena, judgement);
    if (status != STATUS_OK) {
        return error_nomem(filter->err);
    }
    if (condition->op == OPERATOR_LIKE && judgement->verdict == VERDICT_EXACT &&
            table->connection->like_case_sensitive) {
        judgement->verdict = VERDICT_SUPERSET;
        judgement->why = "PRAGMA case_sensitive_like is on";
    }
    return STATUS_OK;
}

static void explain_condition(const struct cursor *cursor, const struct condition *condition,
        const struct judgement *judgement) {
    struct recorder *recorder = cursor->table->connection->recorder;
    struct text text;

    if (recorder != NULL && cursor->explain_scan >= 0) {
        text_init(&text, PLAN_TEXT_BYTES_MAX);
        plan_print_condition(condition, cursor->table->schema, &text);
        recorder_note(recorder, cursor->explain_scan, EXPLAIN_WHERE, text_get(&text),
                verdict_words[judgement->verdict], judgement->why);
        text_clear(&text);
    }
}

/* No relation has a row for that: nothing needs to be asked. */
static bool compares_with_nulls_only(
        const struct condition *condition, const struct condition_input *input) {
    bool nulls = condition->op != OPERATOR_IS && condition->op != OPERATOR_IS_NOT &&
                 plan_operator_has_value(condition->op);

    for (size_t i = 0; i < input->count && nulls; i++) {
        nulls = input->values[i].kind == VALUE_NULL;
    }
    return nulls;
}

static enum status filter_conditions(struct filter *filter) {
    struct cursor *cursor = filter->cursor;
    const struct plan *plan = &cursor->plan;

    filter->predicates = arena_alloc_array(
            &cursor->filter_arena, plan->condition_count + 1, sizeof(*filter->predicates));
    cursor->inputs = arena_alloc_array(
            &cursor->filter_arena, plan->condition_count + 1, sizeof(*cursor->inputs));
    if (filter->predicates == NULL || cursor->inputs == NULL) {
        return error_nomem(filter->err);
    }
    for (size_t i = 0; i < plan->condition_count; i++) {
        const struct judgement *judgement = &cursor->inputs[i].judgement;
        enum status status = judge(filter, &plan->conditions[i], &cursor->inputs[i]);

        if (status != STATUS_OK) {
            return status;
        }
        explain_condition(cursor, &plan->conditions[i], judgement);
        filter->empty |= judgement->verdict == VERDICT_EMPTY;
        filter->never |= judgement->verdict == VERDICT_EMPTY &&
                         compares_with_nulls_only(&plan->conditions[i], &cursor->inputs[i]);
        filter->all_exact &=
                judgement->verdict == VERDICT_EXACT || judgement->verdict == VERDICT_ALL;
        if (judgement->verdict == VERDICT_EXACT || judgement->verdict == VERDICT_SUPERSET) {
            filter->predicates[filter->predicate_count++] = judgement->predicate;
        }
    }
    return STATUS_OK;
}

static int64_t value_rows(const sqlite3_value *value) {
    int64_t rows = sqlite3_value_int64((sqlite3_value *)value);

    return rows < 0 ? 0 : rows;
}

/* LIMIT -1 is none; an OFFSET is added, since SQLite itself skips those rows. */
static enum status filter_limit(struct filter *filter) {
    const struct plan *plan = &filter->cursor->plan;
    struct query *query = &filter->cursor->query;
    int wanted = (plan->limit != PLAN_LIMIT_NONE) + plan->offset;
    int64_t limit, offset = 0;

    query->limit = -1;
    query->row_goal = 0;
    if (plan->limit == PLAN_LIMIT_NONE) {
        return STATUS_OK;
    }
    if (filter->argc - filter->next < wanted) {
        return error_set(filter->err, STATUS_USAGE, "malformed plan: a value is missing");
    }
    limit = sqlite3_value_int64(filter->argv[filter->next++]);
    if (plan->offset) {
        offset = value_rows(filter->argv[filter->next++]);
    }
    if (limit < 0 || limit > INT64_MAX - offset) {
        return STATUS_OK;
    }
    query->row_goal = limit + offset > 0 ? limit + offset : 1;
    if (plan->limit == PLAN_LIMIT_EXACT && filter->all_exact) {
        query->limit = limit + offset;
    }
    return STATUS_OK;
}

/* ---- the whole ----------------------------------------------------------------------------
 */

static enum status keep_plan(struct cursor *cursor, const char *plan, struct error *err) {
    size_t count = cursor->table->schema->column_count;
    enum status status;

    if (cursor->plan_text != NULL && strcmp(cursor->plan_text, plan) == 0) {
        return cursor->filters == 0 ? guess_use(cursor, err) : STATUS_OK;
    }
    memory_free(cursor->plan_text);
    arena_reset(&cursor->plan_arena);
    cursor->guessed_at = -1;
    cursor->explain_scan = -1;
    cursor->plan_text = memory_copy_text(plan);
    cursor->columns = arena_alloc_array(&cursor->plan_arena, count, sizeof(*cursor->columns));
    cursor->places = arena_alloc_array(&cursor->plan_arena, count, sizeof(*cursor->places));
    cursor->read = arena_alloc_array(&cursor->plan_arena, count, sizeof(*cursor->read));
    if (cursor->plan_text == NULL || cursor->columns == NULL || cursor->places == NULL ||
            cursor->read == NULL) {
        memory_free(cursor->plan_text);
        cursor->plan_text = NULL;
        return error_nomem(err);
    }
    status = plan_parse(
            cursor->plan_text, cursor->table->schema, &cursor->plan_arena, &cursor->plan, err);
    if (status != STATUS_OK) {
        memory_free(cursor->plan_text);
        cursor->plan_text = NULL;
        return status;
    }
    status = guess_use(cursor, err);
    if (status != STATUS_OK) { /* guessed anew when it is asked again */
        memory_free(cursor->plan_text);
        cursor->plan_text = NULL;
    }
    return status;
}

static void explain_plan(struct cursor *cursor) {
    const struct table *table = cursor->table;
    struct recorder *recorder = table->connection->recorder;

    if (recorder == NULL || cursor->explain_scan >= 0) {
        return;
    }
    cursor->explain_scan = recorder_scan(recorder, table->server->name, table->name);
    if (cursor->plan.local_text != NULL) {
        recorder_note(recorder, cursor->explain_scan, EXPLAIN_WHERE,
                cursor->plan.local_text + 1, "local", "such conditions cannot be sent");
    }
}

/* Has the remote find min(): without NULLs, the first row in the column's order has it. */
static enum status filter_min(struct filter *filter) {
    struct cursor *cursor = filter->cursor;
    const struct table *table = cursor->table;
    struct connection *connection = table->connection;
    struct condition given = { .column = cursor->plan.columns[0], .op = OPERATOR_NOT_NULL };
    struct judgement judgement = { .verdict = VERDICT_SKIP };
    struct order_term *order = arena_alloc(&cursor->filter_arena, sizeof(*order));
    enum status status = STATUS_OK;

    if (order == NULL) {
        return error_nomem(filter->err);
    }
    order->column = given.column;
    order->descending = false;
    if (!connection->builtins_known) {
        status = learn_builtins(connection, filter->err);
    }
    if (status != STATUS_OK || !connection->min_builtin || table->utf16 ||
            cursor->plan.condition_count > 0 || cursor->plan.local_text != NULL ||
            !table->driver->may_order(table->schema, order, 1) ||
            !table->driver->may_push(table->schema, &given)) {
        return status;
    }
    if (table->driver->judge(table->schema, &given, NULL, 0, &cursor->filter_arena,
                &judgement) != STATUS_OK) {
        return error_nomem(filter->err);
    }
    if (judgement.verdict != VERDICT_EXACT && judgement.verdict != VERDICT_ALL) {
        return STATUS_OK;
    }
    if (judgement.verdict == VERDICT_EXACT) {
        filter->predicates[0] = judgement.predicate;
        cursor->query.predicate_count = 1;
    }
    cursor->query.order = order;
    cursor->query.order_count = 1;
    cursor->query.limit = 1;
    cursor->query.row_goal = 1;
    return STATUS_OK;
}

enum status cursor_prepare(struct cursor *cursor, const char *plan, int argc,
        sqlite3_value **argv, bool *never, struct error *err) {
    struct filter filter = {
        .cursor = cursor, .argv = argv, .argc = argc, .all_exact = true, .err = err
    };
    enum status status = keep_plan(cursor, plan, err);

    if (status != STATUS_OK) {
        return status;
    }
    arena_reset(&cursor->filter_arena);
    explain_plan(cursor);
    memset(&cursor->query, 0, sizeof(cursor->query));
    cursor->query.schema = cursor->table->schema;
    status = filter_conditions(&filter);
    if (status == STATUS_OK) {
        status = filter_limit(&filter);
    }
    if (status != STATUS_OK) {
        return status;
    }
    cursor->query.predicates = filter.predicates;
    cursor->query.predicate_count = filter.predicate_count;
    cursor->query.order = cursor->plan.order;
    cursor->query.order_count = cursor->plan.order_count;
    for (size_t i = 0; i < cursor->table->schema->column_count; i++) {
        cursor->places[i] = -1;
    }
    cursor->narrowed = false;
    cursor->count_only = cursor->counts && !cursor->table->rowids_used;
    cursor->identity =
            cursor->names_rowid || (cursor->table->rowids_used && !cursor->count_only &&
                                           cursor->table->schema->identity != IDENTITY_KEY);
    cursor->identity |= key_comes_along(cursor) && cursor->table->schema->find_count > 0;
    cursor->query.flags = (cursor->plan.unique && filter.all_exact ? QUERY_UNIQUE : 0);
    cursor->query.flags |= locking_flags(cursor, filter.all_exact);
    cursor_choose_columns(cursor, -1);
    /* One that is asked again and again is the inner side of a join. */
    if (cursor->filters++ == 0 && cursor->table->server->cursors == 1) {
        status = cursor->alone == ALONE_MIN ? filter_min(&filter) : STATUS_OK;
        cursor->query.flags |= cursor->reads_all && cursor->query.limit < 0 ? QUERY_STREAM : 0;
        alone_use(cursor, argv);
    }
    cursor->empty = filter.empty && !filter.never;
    *never = filter.never;
    return status;
}
