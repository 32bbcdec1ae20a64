/* struct error -> SQLITE_* code and text. The codes decide what SQLite destroys: IOERR, FULL
 * and NOMEM from a mere SELECT inside BEGIN roll the whole transaction back, so a lost read
 * session is CANTOPEN and a full disk of the server a plain ERROR. */
#include "vtab/report.h"

#include "base/memory.h"
#include "base/text.h"
#include "drivers/schema.h"

#include <string.h>

/* What the primary codes are called here; any other is STATUS_USAGE. */
static const struct {
    int code;
    enum status status;
} statuses[] = {
    { SQLITE_NOMEM, STATUS_NOMEM },
    { SQLITE_INTERRUPT, STATUS_CANCELLED },
    { SQLITE_AUTH, STATUS_DENIED },
    { SQLITE_READONLY, STATUS_READONLY },
    { SQLITE_BUSY, STATUS_TIMEOUT },
    { SQLITE_LOCKED, STATUS_TIMEOUT },
    { SQLITE_CANTOPEN, STATUS_UNREACHABLE },
    { SQLITE_TOOBIG, STATUS_TOO_BIG },
    { SQLITE_MISMATCH, STATUS_VALUE },
    { SQLITE_CORRUPT, STATUS_PROTOCOL },
    { SQLITE_IOERR, STATUS_OUTCOME_UNKNOWN },
    { SQLITE_CONSTRAINT, STATUS_CONSTRAINT },
};

enum { REPORT_BYTES_MAX = 1024 * 1024, REPORT_STATEMENT_BYTES_MAX = 4096 };

static const int report_codes[] = {
    [STATUS_OK] = SQLITE_OK,
    [STATUS_CANCELLED] = SQLITE_INTERRUPT,
    [STATUS_TIMEOUT] = SQLITE_BUSY_TIMEOUT,
    [STATUS_UNREACHABLE] = SQLITE_CANTOPEN,
    [STATUS_LOST] = SQLITE_CANTOPEN,
    [STATUS_RETRY] = SQLITE_BUSY,
    [STATUS_CONSTRAINT] = SQLITE_CONSTRAINT,
    [STATUS_STALE] = SQLITE_BUSY,
    [STATUS_OUTCOME_UNKNOWN] = SQLITE_IOERR,
    [STATUS_VALUE] = SQLITE_MISMATCH,
    [STATUS_SCHEMA] = SQLITE_ERROR,
    [STATUS_DENIED] = SQLITE_AUTH,
    [STATUS_READONLY] = SQLITE_READONLY,
    [STATUS_UNSUPPORTED] = SQLITE_ERROR,
    [STATUS_TOO_BIG] = SQLITE_TOOBIG,
    [STATUS_PROTOCOL] = SQLITE_CORRUPT_VTAB,
    [STATUS_REMOTE] = SQLITE_ERROR,
    [STATUS_USAGE] = SQLITE_ERROR,
    [STATUS_NOMEM] = SQLITE_NOMEM,
};

static const struct {
    int code;
    const char *words;
} constraints[] = {
    [CONSTRAINT_OTHER] = { SQLITE_CONSTRAINT, NULL },
    [CONSTRAINT_NOT_NULL] = { SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: " },
    [CONSTRAINT_UNIQUE] = { SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: " },
    [CONSTRAINT_PRIMARY_KEY] = { SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: " },
    [CONSTRAINT_CHECK] = { SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: " },
    [CONSTRAINT_FOREIGN_KEY] = { SQLITE_CONSTRAINT_FOREIGNKEY,
            "FOREIGN KEY constraint failed" },
};

int report_code(const struct error *err) {
    return err->status == STATUS_CONSTRAINT ? constraints[err->constraint].code
                                            : report_codes[err->status];
}

static const struct column *find_remote(
        const struct schema *schema, const char *name, size_t length) {
    for (size_t i = 0; i < schema->column_count; i++) {
        const char *remote = schema->columns[i].remote_name;

        if (strlen(remote) == length && memcmp(remote, name, length) == 0) {
            return &schema->columns[i];
        }
    }
    return NULL;
}

/* "a,b" -> "t.a, t.b"; false when a column is none of this table's. */
static bool append_columns(struct text *text, const char *columns, const struct schema *schema,
        const char *table) {
    while (*columns != '\0') {
        size_t length = strcspn(columns, ",");
        const struct column *column = find_remote(schema, columns, length);

        if (column == NULL) {
            return false;
        }
        text_printf(text, "%s.%s", table, column->name);
        columns += length;
        columns += strspn(columns, ", ");
        text_append(text, *columns != '\0' ? ", " : "");
    }
    return true;
}

static bool append_what(struct text *text, const struct error *err, const struct schema *schema,
        const char *table) {
    switch (err->constraint) {
    case CONSTRAINT_FOREIGN_KEY:
        return true;
    case CONSTRAINT_CHECK:
        text_append(text, err->constraint_name != NULL ? err->constraint_name : "");
        return err->constraint_name != NULL;
    case CONSTRAINT_UNIQUE:
        if (err->columns == NULL && err->constraint_name != NULL) {
            text_printf(text, "index '%s'", err->constraint_name);
            return true;
        }
        break;
    default:
        break;
    }
    return schema != NULL && err->columns != NULL &&
           append_columns(text, err->columns, schema, table);
}

/* The message becomes the first line of the detail. */
static void keep_message(struct error *err, const char *words) {
    struct text detail;
    char *copy = NULL;

    text_init(&detail, REPORT_BYTES_MAX);
    text_append(&detail, err->message);
    if (err->detail != NULL) {
        text_append(&detail, "; ");
        text_append(&detail, err->detail);
    }
    copy = text_steal(&detail);
    text_clear(&detail);
    if (copy != NULL) {
        memory_free(err->detail);
        err->detail = copy;
        sqlite3_snprintf(sizeof(err->message), err->message, "%s", words);
        err->sqlstate[0] = '\0'; /* the first line is SQLite's to the letter */
    }
}

void report_constraint(struct error *err, const struct schema *schema, const char *table) {
    const char *words = constraints[err->constraint].words;
    struct text text;

    if (err->status != STATUS_CONSTRAINT || words == NULL) {
        return;
    }
    text_init(&text, ERROR_MESSAGE_BYTES);
    text_append(&text, words);
    if (append_what(&text, err, schema, table) && text.failure == STATUS_OK &&
            strcmp(text_get(&text), err->message) != 0) {
        keep_message(err, text_get(&text));
    }
    text_clear(&text);
}

int report_written_code(const struct error *err) {
    return err->status == STATUS_LOST ? SQLITE_IOERR : report_code(err);
}

int report_commit_code(const struct error *err) {
    int code = report_written_code(err);

    return code == SQLITE_BUSY ? SQLITE_BUSY_SNAPSHOT : code;
}

void report_race(struct error *err) {
    if (err->status == STATUS_RETRY || err->status == STATUS_STALE) {
        error_explain(err, NULL, NULL,
                "another session changed the same rows: ROLLBACK, and run the transaction "
                "again");
    }
}

static void report_part(struct text *text, const char *label, const char *part) {
    if (part != NULL && part[0] != '\0') {
        text_printf(text, "\n%s: ", label);
        text_append(text, part);
    }
}

static const char detail_label[] = "detail", hint_label[] = "hint",
                  statement_label[] = "remote statement";

char *report_text(const struct error *err) {
    struct text text;
    char *copy;

    text_init(&text, REPORT_BYTES_MAX);
    text_append(&text, err->message);
    if (err->sqlstate[0] != '\0') {
        text_printf(&text, " (SQLSTATE %s)", err->sqlstate);
    }
    report_part(&text, detail_label, err->detail);
    report_part(&text, hint_label, err->hint);
    if (err->statement != NULL) {
        text_printf(&text, "\n%s: %.*s", statement_label, REPORT_STATEMENT_BYTES_MAX,
                err->statement);
    }
    copy = sqlite3_mprintf("%s", text.failure == STATUS_OK ? text_get(&text) : err->message);
    text_clear(&text);
    return copy;
}

/* Cuts the part with this label off the end of the text; NULL: there is none. */
static const char *cut_part(char *text, const char *label) {
    size_t length = strlen(label);

    for (char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        if (strncmp(at + 1, label, length) == 0 && strncmp(at + 1 + length, ": ", 2) == 0) {
            *at = '\0';
            return at + 1 + length + 2;
        }
    }
    return NULL;
}

void report_read(int extended_code, const char *text, struct error *err) {
    char *copy = memory_copy_text(text);
    enum status status = STATUS_USAGE;
    const char *statement, *hint, *detail;

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].code == (extended_code & 0xff)) {
            status = statuses[i].status;
        }
    }
    if (copy == NULL) {
        error_nomem(err);
        return;
    }
    statement = cut_part(copy, statement_label);
    hint = cut_part(copy, hint_label);
    detail = cut_part(copy, detail_label);
    error_set(err, status, "%s", copy);
    error_explain(err, NULL, detail, hint);
    error_explain(err, NULL, strlen(copy) >= ERROR_MESSAGE_BYTES ? copy : NULL, NULL);
    error_statement(err, statement);
    for (size_t i = 0; i < sizeof(constraints) / sizeof(constraints[0]); i++) {
        if (constraints[i].code == extended_code) {
            err->constraint = (enum constraint_kind)i;
        }
    }
    memory_free(copy);
}

int report_vtab(char **message, struct error *err) {
    int code = report_code(err);

    sqlite3_free(*message);
    *message = report_text(err);
    error_clear(err);
    return code;
}

void report_function(sqlite3_context *context, struct error *err) {
    char *message = report_text(err);

    if (message != NULL && err->status != STATUS_NOMEM) {
        sqlite3_result_error(context, message, -1);
        sqlite3_result_error_code(context, report_code(err));
    } else {
        sqlite3_result_error_nomem(context);
    }
    sqlite3_free(message);
    error_clear(err);
}
