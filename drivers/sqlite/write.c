/* Changes run on the remote, one by one, and the user's own statements that write. What a local
 * table would make of a value, a default, a conflict or a trigger, SQLite does here
 * as well. */
#include "drivers/sqlite/internal.h"

#include <string.h>

struct sq_writer {
    struct writer base;
    sqlite3_stmt *statement; /* of the newest change; NULL: none yet */
    char *sql;               /* base.statement */
    enum change_kind kind;
    enum on_conflict on_conflict;
    uint8_t *states;
};

static struct sq_writer *sq_writer(struct writer *writer) {
    return (struct sq_writer *)writer;
}

/* ---- what a broken constraint says ------------------------------------------------- */

static const struct {
    int code;
    enum constraint_kind kind;
} constraint_kinds[] = {
    { SQLITE_CONSTRAINT_NOTNULL, CONSTRAINT_NOT_NULL },
    { SQLITE_CONSTRAINT_UNIQUE, CONSTRAINT_UNIQUE },
    { SQLITE_CONSTRAINT_PRIMARYKEY, CONSTRAINT_PRIMARY_KEY },
    { SQLITE_CONSTRAINT_ROWID, CONSTRAINT_PRIMARY_KEY },
    { SQLITE_CONSTRAINT_CHECK, CONSTRAINT_CHECK },
    { SQLITE_CONSTRAINT_FOREIGNKEY, CONSTRAINT_FOREIGN_KEY },
};

static bool names_columns(enum constraint_kind kind) {
    return kind == CONSTRAINT_NOT_NULL || kind == CONSTRAINT_UNIQUE ||
           kind == CONSTRAINT_PRIMARY_KEY;
}

/* "UNIQUE constraint failed: t.a, t.b" -> "a,b". A name with a dot or comma in it is cut wrong,
 * and then found nowhere: the message itself is kept. */
static char *constraint_columns(const char *message) {
    const char *at = strstr(message, "failed: ");
    struct text columns;
    char *copy = NULL;

    text_init(&columns, ERROR_MESSAGE_BYTES);
    at = at != NULL ? at + strlen("failed: ") : "";
    while (*at != '\0') {
        size_t length = strcspn(at, ",");
        size_t table = strcspn(at, ".");

        if (table < length) {
            text_append(&columns, columns.length > 0 ? "," : "");
            text_append_bytes(&columns, at + table + 1, length - table - 1);
        }
        at += length;
        at += strspn(at, ", ");
    }
    if (columns.length > 0) {
        copy = text_steal(&columns);
    }
    text_clear(&columns);
    return copy;
}

void sq_explain_constraint(int extended_code, struct error *err) {
    if (err == NULL) {
        return;
    }
    err->constraint = CONSTRAINT_OTHER;
    for (size_t i = 0; i < sizeof(constraint_kinds) / sizeof(constraint_kinds[0]); i++) {
        if (constraint_kinds[i].code == extended_code) {
            err->constraint = constraint_kinds[i].kind;
        }
    }
    if (err->columns == NULL && names_columns(err->constraint)) {
        err->columns = constraint_columns(err->message);
    } else if (err->constraint_name == NULL && err->constraint == CONSTRAINT_CHECK) {
        const char *name = strstr(err->message, "failed: ");

        err->constraint_name =
                name != NULL ? memory_copy_text(name + strlen("failed: ")) : NULL;
    }
}

/* ---- writers ----------------------------------------------------------------------- */

enum status sq_write_start(struct session *base, const struct schema *schema,
        struct writer **out, struct error *err) {
    struct sq_writer *writer = memory_alloc(sizeof(*writer));

    if (writer == NULL) {
        return error_nomem(err);
    }
    writer->base.session = base;
    writer->base.schema = schema;
    writer->base.sure = true; /* no row waits */
    writer->states = memory_alloc_array(schema->column_count, sizeof(*writer->states));
    if (writer->states == NULL) {
        memory_free(writer);
        return error_nomem(err);
    }
    *out = &writer->base;
    return STATUS_OK;
}

static void forget_statement(struct sq_writer *writer) {
    sq_put_back(sq_session(writer->base.session), writer->statement);
    memory_free(writer->sql);
    writer->statement = NULL;
    writer->sql = NULL;
    writer->base.statement = NULL;
}

void sq_write_end(struct writer *base) {
    if (base != NULL) {
        forget_statement(sq_writer(base));
        memory_free(sq_writer(base)->states);
        memory_free(base);
    }
}

/* Nothing ever waits. */
enum status sq_write_flush(
        struct writer *base, struct write_result *result, int64_t *rows, struct error *err) {
    (void)base;
    (void)err;
    *result = (struct write_result){ 0 };
    *rows = 0;
    return STATUS_OK;
}

static bool same_shape(const struct sq_writer *writer, const struct change *change) {
    return writer->statement != NULL && writer->kind == change->kind &&
           writer->on_conflict == change->on_conflict &&
           (change->kind == CHANGE_DELETE || memcmp(writer->states, change->states,
                                                     writer->base.schema->column_count) == 0);
}

static enum status prepare_change(
        struct sq_writer *writer, const struct change *change, struct error *err) {
    const struct schema *schema = writer->base.schema;
    struct text sql;
    enum status status;

    if (same_shape(writer, change)) {
        return STATUS_OK;
    }
    forget_statement(writer);
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    status = sq_change_sql(schema, change, &sql, err);
    if (status == STATUS_OK) {
        writer->sql = text_steal(&sql);
        writer->base.statement = writer->sql;
        status = writer->sql == NULL ? error_nomem(err)
                                     : sq_prepare(sq_session(writer->base.session), writer->sql,
                                               &writer->statement, err);
    }
    text_clear(&sql);
    writer->kind = change->kind;
    writer->on_conflict = change->on_conflict;
    if (change->kind != CHANGE_DELETE) {
        memcpy(writer->states, change->states, schema->column_count);
    }
    return status;
}

/* ---- values ------------------------------------------------------------------------ */

enum { REAL_INTEGER_MAX_BITS = 53 };

/* A column under another declared type than its own (type.COLUMN=): would the value come back
 * as it is given? */
enum status sq_check_value(
        const struct schema *schema, size_t i, const struct value *value, struct error *err) {
    const struct sq_column *own = sq_column(schema, (int)i);
    bool exact = value->kind == VALUE_NULL || value->kind == VALUE_BLOB ||
                 (value->kind == VALUE_INTEGER &&
                         (own->remote_affinity != SQ_REAL ||
                                 (value->integer >> REAL_INTEGER_MAX_BITS) + 1 <= 1));

    if (!own->converted || own->remote_affinity == SQ_BLOB || exact) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_VALUE,
            "column \"%s\" is %s on the remote and would not give this value back under the "
            "declared type %s",
            schema->columns[i].name, schema->columns[i].remote_type,
            schema->columns[i].declared);
}

static enum status bind_values(const struct sq_writer *writer, const struct change *change,
        int *parameter, struct error *err) {
    const struct schema *schema = writer->base.schema;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < schema->column_count && status == STATUS_OK; i++) {
        if (change->states[i] != CELL_SET) {
            continue;
        }
        status = sq_check_value(schema, i, &change->values[i], err);
        if (status == STATUS_OK) {
            status = sq_bind(sq_session(writer->base.session), writer->statement, ++*parameter,
                    &change->values[i], err);
        }
    }
    return status;
}

static enum status bind_identity(const struct sq_writer *writer, const struct change *change,
        int parameter, struct error *err) {
    const struct schema *schema = writer->base.schema;
    struct sq_session *session = sq_session(writer->base.session);
    struct value rowid = { .kind = VALUE_INTEGER, .integer = change->row.rowid };
    size_t count = schema->identity == IDENTITY_ROW ? schema->find_count : 1;
    enum status status = STATUS_OK;

    if (schema->identity == IDENTITY_INTEGER_KEY || schema->identity == IDENTITY_ROWID) {
        return sq_bind(session, writer->statement, parameter + 1, &rowid, err);
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = sq_bind(
                session, writer->statement, parameter + 1 + (int)i, &change->row.key[i], err);
    }
    return status;
}

/* ---- running ----------------------------------------------------------------------- */

static void log_change(const struct sq_session *session, const char *sql, double ms,
        int64_t rows, const struct error *cause) {
    struct statement_record record = {
        .sql = sql,
        .ms = ms,
        .rows = rows,
        .round_trips = 1,
        .error = cause->status != STATUS_OK ? cause->message : NULL,
    };

    if (session->base.host.logged != NULL) {
        session->base.host.logged(session->base.host.context, &record);
    }
}

/* Steps to the end; rows that the statement gives are not wanted. */
static enum status step_change(struct sq_session *session, sqlite3_stmt *statement,
        const char *sql, int64_t *affected, struct error *err) {
    double started_ms = sq_now_ms();
    sqlite3_int64 total = sqlite3_total_changes64(session->db);
    struct error cause = { 0 };
    enum status status = STATUS_OK;
    int code;

    do {
        code = sq_step(session, statement);
    } while (code == SQLITE_ROW);
    if (code != SQLITE_DONE) {
        status = sq_fail(session, code, sql, &cause);
    }
    *affected = sqlite3_total_changes64(session->db) != total && status == STATUS_OK
                        ? sqlite3_changes64(session->db)
                        : 0;
    session->base.counts.statements++;
    session->base.counts.round_trips++;
    log_change(session, sql, sq_now_ms() - started_ms, *affected, &cause);
    error_move(err, &cause);
    return status;
}

/* "UNIQUE constraint failed: t.a" */
static bool blames_table(const char *message, const char *table) {
    const char *at = strstr(message, "failed: ");
    size_t length = strlen(table);

    return at != NULL && strncmp(at + strlen("failed: "), table, length) == 0 &&
           at[strlen("failed: ") + length] == '.';
}

void sq_blame_table(const struct schema *schema, struct error *err) {
    if (err != NULL && err->status == STATUS_CONSTRAINT &&
            !blames_table(err->message, schema->remote_name)) {
        memory_free(err->columns);
        err->columns = NULL;
    }
}

/* A cascade or a trigger of the same statement deleted it before its turn came: SQLite passes
 * over such rows. Another session cannot have, of what this transaction has read; a row that a
 * trigger kept is still there. */
static bool row_is_gone(const struct sq_writer *writer, const struct change *change) {
    struct sq_session *session = sq_session(writer->base.session);
    struct sq_writer finder = { .base = writer->base };
    struct text sql;
    bool gone = false;

    if (change->kind != CHANGE_DELETE) {
        return false;
    }
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    if (sq_find_sql(writer->base.schema, &sql, NULL) == STATUS_OK &&
            sq_prepare(session, text_get(&sql), &finder.statement, NULL) == STATUS_OK &&
            bind_identity(&finder, change, 0, NULL) == STATUS_OK) {
        gone = sq_step(session, finder.statement) == SQLITE_DONE;
    }
    sq_put_back(session, finder.statement);
    text_clear(&sql);
    return gone;
}

static enum status run_change(struct sq_writer *writer, const struct change *change,
        struct write_result *result, struct error *err) {
    struct sq_session *session = sq_session(writer->base.session);
    int parameter = 0;
    enum status status = prepare_change(writer, change, err);

    if (status == STATUS_OK && change->kind != CHANGE_DELETE) {
        status = bind_values(writer, change, &parameter, err);
    }
    if (status == STATUS_OK && change->kind != CHANGE_INSERT) {
        status = bind_identity(writer, change, parameter, err);
    }
    if (status == STATUS_OK) {
        status = step_change(session, writer->statement, writer->sql, &result->affected, err);
        sqlite3_reset(writer->statement);
    }
    sq_blame_table(writer->base.schema, err);
    if (status == STATUS_OK && result->affected == 0 && change->kind != CHANGE_INSERT &&
            change->on_conflict != ON_CONFLICT_IGNORE && !row_is_gone(writer, change)) {
        status = error_set(err, STATUS_STALE, "a row of table \"%s\" is gone since it was read",
                writer->base.schema->remote_name);
    }
    result->has_rowid = status == STATUS_OK && change->kind == CHANGE_INSERT &&
                        result->affected > 0 &&
                        !sq_relation(writer->base.schema)->without_rowid;
    result->rowid = result->has_rowid ? sqlite3_last_insert_rowid(session->db) : 0;
    return status;
}

static bool changes_nothing(const struct schema *schema, const struct change *change) {
    bool nothing = change->kind == CHANGE_UPDATE;

    for (size_t i = 0; nothing && i < schema->column_count; i++) {
        nothing = change->states[i] != CELL_SET;
    }
    return nothing;
}

enum status sq_write_row(struct writer *base, const struct change *change, unsigned flags,
        struct write_result *result, struct error *err) {
    struct sq_writer *writer = sq_writer(base);
    struct sq_session *session = sq_session(base->session);
    enum status status = sq_guard_start(session, 0, err);

    (void)flags; /* every answer is there at once */
    *result = (struct write_result){ 0 };
    if (status == STATUS_OK) {
        status = sq_start_writing(session, err);
    }
    if (status == STATUS_OK) {
        status = sq_verify(session, base->schema, err);
    }
    if (status == STATUS_OK && changes_nothing(base->schema, change)) {
        result->affected = 1;
        return STATUS_OK;
    }
    return status == STATUS_OK ? run_change(writer, change, result, err) : status;
}

/* ---- the user's own ---------------------------------------------------------------- */

enum status sq_run(struct session *base, const char *sql, const struct value *args,
        size_t count, int64_t *affected, struct error *err) {
    struct sq_session *session = sq_session(base);
    sqlite3_stmt *statement = NULL;
    enum status status = sq_start_writing(session, err);
    size_t wanted;

    if (status == STATUS_OK) {
        status = sq_prepare_writing(session, sql, &statement, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    wanted = (size_t)sqlite3_bind_parameter_count(statement);
    if (wanted != count) {
        status = error_set(err, STATUS_USAGE, "statement has %zu parameters, %zu were given",
                wanted, count);
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = sq_bind(session, statement, (int)i + 1, &args[i], err);
    }
    if (status == STATUS_OK) {
        status = step_change(session, statement, sql, affected, err);
    }
    sqlite3_finalize(statement);
    session->version_known = false; /* it may have changed the schema */
    return status;
}
