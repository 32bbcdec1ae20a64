/* bridge_upsert's words: what a conflict is, and what becomes of the row that is there. */
#include "vtab/bulk.h"

#include "vtab/tokens.h"

#include <string.h>

static const struct option_spec upsert_options[] = {
    { .name = "do",
            .type = OPTION_CHOICE,
            .fallback = "update",
            .choices = "update|nothing",
            .help = "what becomes of a row that is there already" },
    { .name = "update", .type = OPTION_TEXT, .help = "columns that are set: a,b" },
    { .name = "keep_null",
            .type = OPTION_TEXT,
            .help = "columns that keep their value when NULL is given: a,b" },
    { .name = NULL },
};

enum { UPSERT_TABLE, UPSERT_ROWS, UPSERT_CONFLICT, UPSERT_FIRST_OPTION };

/* ---- lists of columns ---------------------------------------------------------------------
 */

struct column_list {
    const struct bulk_write *write;
    bool *has; /* by column */
    struct error *err;
};

static enum status take_column(void *pointer, const char *item, size_t length) {
    struct column_list *list = pointer;
    char *name = sqlite3_mprintf("%.*s", (int)length, item);
    int column = name != NULL ? schema_find_column(list->write->schema, name) : -1;
    enum status status = STATUS_OK;

    if (name == NULL) {
        return error_nomem(list->err);
    }
    if (column < 0) {
        status = error_set(list->err, STATUS_USAGE, "table \"%s\" has no column \"%s\"",
                list->write->name, name);
    } else {
        list->has[column] = true;
    }
    sqlite3_free(name);
    return status;
}

/* NULL text: none. */
static enum status read_columns(
        struct bulk_write *write, const char *text, bool **out, struct error *err) {
    struct column_list list = { .write = write, .err = err };
    enum status status;

    list.has = arena_alloc_array(&write->arena, write->schema->column_count, sizeof(*list.has));
    if (list.has == NULL) {
        return error_nomem(err);
    }
    *out = list.has;
    status = text != NULL ? list_each(text, take_column, &list) : STATUS_OK;
    return status == STATUS_NOMEM ? error_nomem(err) : status;
}

/* ---- the target ---------------------------------------------------------------------------
 */

/* The remote's own text: in parentheses, then perhaps WHERE. It stands between words of ours,
 * and must not bring any of them along. */
static enum status check_target(const char *text, struct error *err) {
    static const char *const ours[] = { "DO", "SET", "RETURNING", "ON", ";" };
    struct tokens tokens = { .at = text };
    bool whole = strpbrk(text, "\\$") == NULL && strstr(text, "--") == NULL &&
                 strstr(text, "/*") == NULL; /* quotes mean the same on both sides */
    bool behind = false;

    while (whole && tokens_next(&tokens)) {
        whole = tokens.depth >= 0;
        if (tokens.depth > 0 || tokens.start[0] == ')') {
            continue;
        }
        whole = whole && (behind || tokens_is(&tokens, "WHERE"));
        behind = true;
        for (size_t i = 0; whole && i < sizeof(ours) / sizeof(ours[0]); i++) {
            whole = !tokens_is(&tokens, ours[i]);
        }
    }
    if (whole && tokens.depth == 0) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_USAGE,
            "conflict target must be columns (a,b) or the remote's text, (a, b) WHERE "
            "condition");
}

static enum status take_target(struct bulk_write *write, const char *text,
        struct change_conflict *out, struct error *err) {
    size_t count = write->schema->column_count;
    int *columns = arena_alloc_array(&write->arena, count, sizeof(*columns));
    bool *has;
    enum status status;

    if (text[0] == '(') {
        if (write->call->connection->locked) {
            return error_set(err, STATUS_DENIED,
                    "the bridge is locked: name the columns of the conflict, without "
                    "parentheses");
        }
        out->target = arena_copy_text(&write->arena, text);
        return out->target != NULL ? check_target(text, err) : error_nomem(err);
    }
    status = columns != NULL ? read_columns(write, text, &has, err) : error_nomem(err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (has[i]) {
            columns[out->column_count++] = (int)i;
        }
    }
    out->columns = columns;
    return status == STATUS_OK && out->column_count == 0
                   ? error_set(err, STATUS_USAGE, "conflict target names no column")
                   : status;
}

/* ---- what is set --------------------------------------------------------------------------
 */

static bool is_target(const struct change_conflict *conflict, int column) {
    for (size_t i = 0; i < conflict->column_count; i++) {
        if (conflict->columns[i] == column) {
            return true;
        }
    }
    return false;
}

/* A column that may be written as it is, so that a row with nothing to set comes back. */
static bool may_stay(const struct column *column) {
    return column->generated == 0 && column->identity == 0;
}

enum status upsert_updates(const struct upsert *upsert, const struct schema *schema,
        const uint8_t *states, struct arena *arena, struct change_conflict *out,
        struct error *err) {
    size_t count = schema->column_count;
    int *update = arena_alloc_array(arena, count, sizeof(*update));
    bool *as_is = arena_alloc_array(arena, count, sizeof(*as_is));
    bool *keep = arena_alloc_array(arena, count, sizeof(*keep));

    if (update == NULL || as_is == NULL || keep == NULL) {
        return error_nomem(err);
    }
    *out = upsert->conflict;
    for (size_t i = 0; i < count; i++) {
        if (states[i] == CELL_SET &&
                (upsert->listed ? upsert->named[i] : !is_target(out, (int)i))) {
            keep[out->update_count] = upsert->kept[i];
            update[out->update_count++] = (int)i;
        }
    }
    for (size_t i = 0; out->update_count == 0 && i < count; i++) {
        if (may_stay(&schema->columns[i])) {
            as_is[0] = true;
            update[out->update_count++] = (int)i;
        }
    }
    out->nothing = out->nothing || out->update_count == 0;
    out->update = update;
    out->as_is = as_is;
    out->keep = keep;
    return STATUS_OK;
}

static enum status read_options(
        const struct call *call, struct options *options, struct error *err) {
    enum status status = STATUS_OK;

    for (int i = UPSERT_FIRST_OPTION; i < call->argc && status == STATUS_OK; i++) {
        const char *word;

        status = call_text(call, i, "an option", &word, err);
        status = status == STATUS_OK ? options_add(options, word, err) : status;
    }
    return status;
}

enum status upsert_read(struct bulk_write *write, struct upsert *upsert, struct error *err) {
    static const struct option_spec *const tables[] = { upsert_options, NULL };
    struct options options;
    const char *target;
    enum status status;

    options_init(&options, tables, NULL);
    status = call_text(write->call, UPSERT_CONFLICT, "the conflict target", &target, err);
    if (status == STATUS_OK) {
        status = take_target(write, target, &upsert->conflict, err);
    }
    if (status == STATUS_OK) {
        status = read_options(write->call, &options, err);
    }
    if (status == STATUS_OK) {
        upsert->conflict.nothing = strcmp(options_text(&options, "do"), "nothing") == 0;
        upsert->listed = options_given(&options, "update");
        status = read_columns(write, options_text(&options, "update"), &upsert->named, err);
    }
    if (status == STATUS_OK) {
        status = read_columns(write, options_text(&options, "keep_null"), &upsert->kept, err);
    }
    options_clear(&options);
    return status;
}
