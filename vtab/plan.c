/* The plan as text, both ways; its grammar is in plan.h. index.c makes plans, cursor.c runs
 * them. */
#include "vtab/plan.h"

#include <string.h>

static const char *const operator_words[] = {
    [OPERATOR_EQ] = "= ?",
    [OPERATOR_NE] = "<> ?",
    [OPERATOR_LT] = "< ?",
    [OPERATOR_LE] = "<= ?",
    [OPERATOR_GT] = "> ?",
    [OPERATOR_GE] = ">= ?",
    [OPERATOR_IS] = "is ?",
    [OPERATOR_IS_NOT] = "is not ?",
    [OPERATOR_IS_NULL] = "is null",
    [OPERATOR_NOT_NULL] = "is not null",
    [OPERATOR_LIKE] = "like ?",
    [OPERATOR_GLOB] = "glob ?",
    [OPERATOR_IN] = "in ?",
};

static const char *const collation_words[] = {
    [COLLATION_BINARY] = NULL,
    [COLLATION_NOCASE] = "nocase",
    [COLLATION_RTRIM] = "rtrim",
    [COLLATION_OTHER] = NULL, /* never in a plan: such conditions stay local */
};

const char *plan_operator_word(enum condition_operator op) {
    return operator_words[op];
}

void plan_append_name(struct text *text, const char *name) {
    text_append_char(text, '"');
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"') {
            text_append_char(text, '"');
        }
        text_append_char(text, *c);
    }
    text_append_char(text, '"');
}

static void print_column(struct text *text, const struct schema *schema, int column) {
    text_append_char(text, ' ');
    plan_append_name(text, column < 0 ? "rowid" : schema->columns[column].name);
}

void plan_print_condition(
        const struct condition *condition, const struct schema *schema, struct text *text) {
    plan_append_name(text, schema->columns[condition->column].name);
    text_append_char(text, ' ');
    text_append(text, operator_words[condition->op]);
    if (collation_words[condition->collation] != NULL) {
        text_append(text, " collate ");
        text_append(text, collation_words[condition->collation]);
    }
}

static void print_columns(
        const struct plan *plan, const struct schema *schema, struct text *text) {
    text_append(text, "columns");
    if (plan->column_count == 0) {
        text_append(text, " none");
    } else if (plan->column_count == schema->column_count) {
        text_append(text, " *");
    } else {
        for (size_t i = 0; i < plan->column_count; i++) {
            text_append(text, i > 0 ? "," : "");
            print_column(text, schema, plan->columns[i]);
        }
    }
}

void plan_print(const struct plan *plan, const struct schema *schema, struct text *text) {
    print_columns(plan, schema, text);
    for (size_t i = 0; i < plan->condition_count; i++) {
        text_append(text, i == 0 ? " where " : " and ");
        plan_print_condition(&plan->conditions[i], schema, text);
    }
    for (size_t i = 0; i < plan->order_count; i++) {
        text_append(text, i == 0 ? " order by" : ",");
        print_column(text, schema, plan->order[i].column);
        text_append(text, plan->order[i].descending ? " desc" : "");
    }
    if (plan->limit != PLAN_LIMIT_NONE) {
        text_append(text, plan->limit == PLAN_LIMIT_EXACT ? " limit ?" : " goal ?");
    }
    text_append(text, plan->offset ? " offset ?" : "");
    text_append(text, plan->unique ? " unique" : "");
    text_append(text, plan->local_count > 0 ? " |" : "");
    for (size_t i = 0; i < plan->local_count; i++) {
        text_append(text, " local");
        print_column(text, schema, plan->local[i].column);
        text_append_char(text, ' ');
        text_append(text, plan->local[i].word);
    }
}

/* ---- reading it back ----------------------------------------------------------------------
 */

struct reader {
    const char *at;
    const struct schema *schema;
    struct arena *arena;
    struct error *err;
};

static enum status reader_fail(struct reader *reader) {
    return error_set(reader->err, STATUS_USAGE, "malformed plan at \"%.40s\"", reader->at);
}

/* Takes a word only where a blank, a comma or the end follows it. */
static bool reader_take(struct reader *reader, const char *word) {
    size_t length = strlen(word);
    char next;

    if (strncmp(reader->at, word, length) != 0) {
        return false;
    }
    next = reader->at[length];
    if (next != '\0' && next != ' ' && next != ',') {
        return false;
    }
    reader->at += length;
    return true;
}

static enum status reader_name(struct reader *reader, int *column) {
    struct text name;
    bool closed = false;
    enum status status;

    text_init(&name, PLAN_TEXT_BYTES_MAX);
    if (reader->at[0] != ' ' || reader->at[1] != '"') {
        return reader_fail(reader);
    }
    for (reader->at += 2; *reader->at != '\0' && !closed; reader->at++) {
        if (*reader->at == '"' && reader->at[1] != '"') {
            closed = true;
        } else {
            reader->at += *reader->at == '"';
            text_append_char(&name, *reader->at);
        }
    }
    status = text_status(&name, reader->err);
    *column = status == STATUS_OK && closed
                      ? schema_find_column(reader->schema, text_get(&name))
                      : -1;
    text_clear(&name);
    if (status != STATUS_OK) {
        return status;
    }
    return *column >= 0 ? STATUS_OK : reader_fail(reader);
}

static enum status reader_grow(
        struct reader *reader, void **array, size_t count, size_t bytes) {
    void *larger;

    if (count > 0 && (count < 4 || (count & (count - 1)) != 0)) {
        return STATUS_OK; /* room is made at 0, 4, 8, 16 ... */
    }
    larger = arena_alloc_array(reader->arena, count == 0 ? 4 : count * 2, bytes);
    if (larger == NULL) {
        return error_nomem(reader->err);
    }
    if (count > 0) {
        memcpy(larger, *array, count * bytes);
    }
    *array = larger;
    return STATUS_OK;
}

static enum status read_columns(struct reader *reader, struct plan *plan) {
    size_t all = reader->schema->column_count;
    bool every = false;

    plan->columns = arena_alloc_array(reader->arena, all > 0 ? all : 1, sizeof(*plan->columns));
    if (plan->columns == NULL) {
        return error_nomem(reader->err);
    }
    if (!reader_take(reader, "columns")) {
        return reader_fail(reader);
    }
    if (reader_take(reader, " none")) {
        return STATUS_OK;
    }
    every = reader_take(reader, " *");
    for (size_t i = 0; every && i < all; i++) {
        plan->columns[plan->column_count++] = (int)i;
    }
    while (!every) {
        int column = -1;

        if (reader_name(reader, &column) != STATUS_OK) {
            return reader->err->status;
        }
        if (plan->column_count > 0 && plan->columns[plan->column_count - 1] >= column) {
            return reader_fail(reader); /* ascending: never more than there are */
        }
        plan->columns[plan->column_count++] = column;
        every = *reader->at != ',';
        reader->at += !every;
    }
    return STATUS_OK;
}

static enum status read_condition(struct reader *reader, struct condition *condition) {
    bool found = false;

    if (reader_name(reader, &condition->column) != STATUS_OK) {
        return reader->err->status;
    }
    if (*reader->at != ' ') {
        return reader_fail(reader);
    }
    reader->at++;
    for (int op = OPERATOR_COUNT - 1; op >= 0 && !found; op--) {
        found = reader_take(reader, operator_words[op]);
        if (found) {
            condition->op = (enum condition_operator)op;
        }
    }
    if (!found) {
        return reader_fail(reader);
    }
    condition->collation = COLLATION_BINARY;
    if (reader_take(reader, " collate nocase")) {
        condition->collation = COLLATION_NOCASE;
    } else if (reader_take(reader, " collate rtrim")) {
        condition->collation = COLLATION_RTRIM;
    }
    return STATUS_OK;
}

static enum status read_conditions(struct reader *reader, struct plan *plan) {
    const char *word = " where";

    while (reader_take(reader, word)) {
        void *array = plan->conditions;
        enum status status =
                reader_grow(reader, &array, plan->condition_count, sizeof(*plan->conditions));

        plan->conditions = array;
        if (status == STATUS_OK) {
            status = read_condition(reader, &plan->conditions[plan->condition_count]);
        }
        if (status != STATUS_OK) {
            return status;
        }
        plan->condition_count++;
        word = " and";
    }
    return STATUS_OK;
}

static enum status read_order(struct reader *reader, struct plan *plan) {
    if (!reader_take(reader, " order by")) {
        return STATUS_OK;
    }
    for (;;) {
        void *array = plan->order;
        enum status status =
                reader_grow(reader, &array, plan->order_count, sizeof(*plan->order));

        plan->order = array;
        if (status == STATUS_OK) {
            status = reader_name(reader, &plan->order[plan->order_count].column);
        }
        if (status != STATUS_OK) {
            return status;
        }
        plan->order[plan->order_count].descending = reader_take(reader, " desc");
        plan->order_count++;
        if (*reader->at != ',') {
            return STATUS_OK;
        }
        reader->at++;
    }
}

enum status plan_parse(const char *text, const struct schema *schema, struct arena *arena,
        struct plan *out, struct error *err) {
    struct error ignored = { 0 };
    struct reader reader = {
        .at = text, .schema = schema, .arena = arena, .err = err != NULL ? err : &ignored
    };
    enum status status;

    memset(out, 0, sizeof(*out));
    status = read_columns(&reader, out);
    if (status == STATUS_OK) {
        status = read_conditions(&reader, out);
    }
    if (status == STATUS_OK) {
        status = read_order(&reader, out);
    }
    if (status == STATUS_OK) {
        if (reader_take(&reader, " limit ?")) {
            out->limit = PLAN_LIMIT_EXACT;
        } else if (reader_take(&reader, " goal ?")) {
            out->limit = PLAN_LIMIT_GOAL;
        }
        out->offset = reader_take(&reader, " offset ?");
        out->unique = reader_take(&reader, " unique");
        if (reader_take(&reader, " |")) {
            out->local_text = reader.at;
        } else if (*reader.at != '\0') {
            status = reader_fail(&reader);
        }
    }
    error_clear(&ignored);
    return status;
}
