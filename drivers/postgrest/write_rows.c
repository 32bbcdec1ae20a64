/* Rows that are written in one request and come back as they are stored: bridge_insert and its
 * kin.
 *
 * The server has carried it out when its answer begins; what goes wrong from then on leaves
 * untold which rows are there now, and is said so. */
#include "drivers/postgrest/scan.h"
#include "drivers/postgrest/write.h"

#include <string.h>

/* ---- conflicts ----------------------------------------------------------------------------
 */

static bool has_column(const int *columns, size_t count, int column) {
    for (size_t i = 0; i < count; i++) {
        if (columns[i] == column) {
            return true;
        }
    }
    return false;
}

static bool keeps_any(const struct change_conflict *conflict) {
    for (size_t i = 0; i < conflict->update_count; i++) {
        if (conflict->keep[i]) {
            return true;
        }
    }
    return false;
}

/* A row in conflict takes over every column of the row that was sent: those of the target, to
 * what equals them, and all others that it gives. */
static bool sets_what_is_given(
        const struct pr_writer *writer, const struct change_conflict *conflict) {
    bool as_is = conflict->update_count > 0 && conflict->as_is[0];

    for (size_t i = 0; i < writer->base.schema->column_count; i++) {
        if (writer->states[i] &&
                !has_column(conflict->columns, conflict->column_count, (int)i) &&
                (as_is || !has_column(conflict->update, conflict->update_count, (int)i))) {
            return false;
        }
    }
    return true;
}

/* NULL: PostgREST has words for it. */
static const char *why_not(
        const struct pr_writer *writer, const struct change_conflict *conflict) {
    if (conflict->target != NULL) {
        return "a conflict is told by columns alone: a,b";
    }
    if (conflict->nothing) {
        return NULL;
    }
    if (writer->uneven) {
        return "all rows must give the same columns";
    }
    if (keeps_any(conflict)) {
        return "keep_null= cannot be said";
    }
    return sets_what_is_given(writer, conflict)
                   ? NULL
                   : "every column that is given is set, so that update= must name them all";
}

static enum status check_conflict(const struct pr_writer *writer, struct error *err) {
    const char *why = writer->conflict != NULL ? why_not(writer, writer->conflict) : NULL;

    if (why == NULL) {
        return STATUS_OK;
    }
    error_set(err, STATUS_UNSUPPORTED, "cannot upsert into table \"%s\" over PostgREST: %s",
            writer->base.schema->remote_name, why);
    error_explain(err, NULL, NULL, "Nothing was sent.");
    return STATUS_UNSUPPORTED;
}

/* ---- the rows that come back --------------------------------------------------------------
 */

enum status pr_returned_next(struct pr_scan *scan, struct batch *batch, struct error *err) {
    struct error why = { 0 };
    enum status status = pr_scan_rows(scan, batch, &why);

    if (status == STATUS_REMOTE) { /* pr_check_kept() knows the row */
        error_move(err, &why);
        return status;
    }
    if (status != STATUS_OK) {
        return pr_rows_untold(scan->written, &why, err);
    }
    return scan->ended || scan->base.rows > scan->written->count /* they need not end */
                   ? pr_check_count(scan->written, scan->base.rows, err)
                   : STATUS_OK;
}

static enum status name_columns(
        struct pr_scan *scan, const struct schema *schema, struct error *err) {
    size_t count = schema->column_count;

    scan->columns = arena_alloc_array(&scan->arena, count + 1, sizeof(*scan->columns));
    scan->names = arena_alloc_array(&scan->arena, count + 1, sizeof(*scan->names));
    scan->members =
            arena_alloc_array(&scan->arena, count + PR_MEMBERS_MORE, sizeof(*scan->members));
    if (scan->columns == NULL || scan->names == NULL || scan->members == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        scan->columns[i] = (int)i;
        scan->names[i] = schema->columns[i].remote_name;
    }
    scan->column_count = count;
    scan->name_count = count;
    scan->batch_columns = count;
    scan->member_max = count + PR_MEMBERS_MORE;
    return STATUS_OK;
}

/* Made before anything is sent, so that nothing of ours can fail behind it. */
static enum status make_scan(
        struct pr_writer *writer, struct pr_scan **out, struct error *err) {
    struct pr_scan *scan = pr_scan_create(writer->base.session, writer->base.schema);
    enum status status;

    if (scan == NULL) {
        return error_nomem(err);
    }
    scan->written = writer;
    scan->limit = -1;
    scan->page_asked = -1;
    scan->base.transport = "result";
    *out = scan;
    status = name_columns(scan, writer->base.schema, err);
    if (status == STATUS_OK && writer->base.session->host.log_parameters) {
        const struct text *told =
                writer->kind == CHANGE_INSERT ? &writer->body : &writer->parameters;

        scan->parameters = memory_copy_text(text_get(told));
        status = scan->parameters != NULL ? STATUS_OK : error_nomem(err);
    }
    return status;
}

/* "[{},{}]" would be one row. */
static enum status check_columns(const struct pr_writer *writer, struct error *err) {
    const struct schema *schema = writer->base.schema;

    if (writer->kind != CHANGE_INSERT || writer->count < 2 ||
            memchr(writer->states, 1, schema->column_count) != NULL) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_UNSUPPORTED,
            "cannot insert into table \"%s\": of rows that give no column, a request to "
            "PostgREST can hold 1",
            schema->remote_name);
}

static enum status add_rows(
        struct pr_writer *writer, const struct change_set *set, struct error *err) {
    enum status status = STATUS_OK;

    for (size_t i = 0; i < set->row_count && status == STATUS_OK; i++) {
        struct write_result result;

        status = pr_write_row(&writer->base, &set->rows[i], 0, &result, err);
    }
    if (status == STATUS_OK) {
        status = check_columns(writer, err);
    }
    return status == STATUS_OK ? check_conflict(writer, err) : status;
}

enum status pr_change_rows(struct session *session, const struct change_set *set, size_t *taken,
        struct scan **out, struct error *err) {
    struct writer *base = NULL;
    struct pr_scan *scan = NULL;
    enum status status = pr_write_start(session, set->schema, &base, err);

    if (status != STATUS_OK) {
        return status;
    }
    pr_writer(base)->returns = true;
    pr_writer(base)->conflict = set->conflict;
    status = add_rows(pr_writer(base), set, err);
    if (status == STATUS_OK) {
        status = make_scan(pr_writer(base), &scan, err);
    }
    if (status == STATUS_OK) {
        status = pr_send_write(pr_writer(base), &scan->exchange, err);
        error_statement(status == STATUS_OK ? NULL : err, base->statement);
    }
    if (status != STATUS_OK) {
        if (scan != NULL) {
            pr_scan_end(&scan->base); /* with the writer */
        } else {
            pr_write_end(base);
        }
        return status;
    }
    scan->base.statement = base->statement;
    scan->base.round_trips = 1;
    scan->opened = true;
    *taken = set->row_count;
    *out = &scan->base;
    return STATUS_OK;
}
