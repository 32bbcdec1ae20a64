/* struct error -> SQLITE_* code and text. The codes decide what SQLite destroys: IOERR, FULL
 * and NOMEM from a mere SELECT inside BEGIN roll the whole transaction back, so a lost read
 * session is CANTOPEN and a full disk of the server a plain ERROR. */
#include "vtab/report.h"

#include "base/memory.h"
#include "base/text.h"

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

int report_code(const struct error *err) {
    return report_codes[err->status];
}

int report_written_code(const struct error *err) {
    return err->status == STATUS_LOST ? SQLITE_IOERR : report_code(err);
}

int report_commit_code(const struct error *err) {
    int code = report_written_code(err);

    return code == SQLITE_BUSY ? SQLITE_BUSY_SNAPSHOT : code;
}

static void report_part(struct text *text, const char *label, const char *part) {
    if (part != NULL && part[0] != '\0') {
        text_printf(text, "\n%s: ", label);
        text_append(text, part);
    }
}

char *report_text(const struct error *err) {
    struct text text;
    char *copy;

    text_init(&text, REPORT_BYTES_MAX);
    text_append(&text, err->message);
    if (err->sqlstate[0] != '\0') {
        text_printf(&text, " (SQLSTATE %s)", err->sqlstate);
    }
    report_part(&text, "detail", err->detail);
    report_part(&text, "hint", err->hint);
    if (err->statement != NULL) {
        text_printf(
                &text, "\nremote statement: %.*s", REPORT_STATEMENT_BYTES_MAX, err->statement);
    }
    copy = sqlite3_mprintf("%s", text.failure == STATUS_OK ? text_get(&text) : err->message);
    text_clear(&text);
    return copy;
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
