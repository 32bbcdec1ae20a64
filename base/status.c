/* Filling and freeing of struct error. */
#define DRAWBRIDGE_DEFINES_ERRORS
#include "base/status.h"

#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
    [STATUS_OK] = "ok",
    [STATUS_CANCELLED] = "cancelled",
    [STATUS_TIMEOUT] = "timeout",
    [STATUS_UNREACHABLE] = "unreachable",
    [STATUS_LOST] = "lost",
    [STATUS_RETRY] = "retry",
    [STATUS_CONSTRAINT] = "constraint",
    [STATUS_STALE] = "stale",
    [STATUS_OUTCOME_UNKNOWN] = "outcome unknown",
    [STATUS_VALUE] = "value",
    [STATUS_SCHEMA] = "schema",
    [STATUS_DENIED] = "denied",
    [STATUS_READONLY] = "readonly",
    [STATUS_UNSUPPORTED] = "unsupported",
    [STATUS_TOO_BIG] = "too big",
    [STATUS_PROTOCOL] = "protocol",
    [STATUS_REMOTE] = "remote",
    [STATUS_USAGE] = "usage",
    [STATUS_NOMEM] = "out of memory",
};

/* Cut at a character's start, so that the message stays valid UTF-8. */
static void error_mark_cut(char message[ERROR_MESSAGE_BYTES]) {
    size_t end = ERROR_MESSAGE_BYTES - 4;

    while (end > 0 && ((unsigned char)message[end] & 0xC0) == 0x80) {
        end--;
    }
    memcpy(message + end, "...", 4);
}

enum status error_set(struct error *err, enum status status, const char *format, ...) {
    va_list args;
    int length;

    assert(status != STATUS_OK); /* ensured by every caller: an error is never success */
    if (err == NULL) {
        return status;
    }
    if (err->status != STATUS_OK) {
        return err->status;
    }
    err->status = status;
    va_start(args, format);
    length = vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    if (length < 0) { /* the format cannot be followed: the status alone is told */
        err->message[0] = '\0';
    } else if ((size_t)length >= sizeof(err->message)) {
        error_mark_cut(err->message);
    }
    return status;
}

enum status error_nomem(struct error *err) {
    return error_set(err, STATUS_NOMEM, "out of memory");
}

static void error_keep(char **part, const char *text) {
    if (*part == NULL && text != NULL && text[0] != '\0') {
        *part = memory_copy_text(text);
    }
}

void error_explain(
        struct error *err, const char *sqlstate, const char *detail, const char *hint) {
    if (err == NULL) {
        return;
    }
    if (sqlstate != NULL && err->sqlstate[0] == '\0' && strlen(sqlstate) == 5) {
        memcpy(err->sqlstate, sqlstate, 6);
    }
    error_keep(&err->detail, detail);
    error_keep(&err->hint, hint);
}

void error_statement(struct error *err, const char *sql) {
    if (err != NULL) {
        error_keep(&err->statement, sql);
    }
}

void error_clear(struct error *err) {
    if (err == NULL) {
        return;
    }
    memory_free(err->detail);
    memory_free(err->hint);
    memory_free(err->statement);
    memory_free(err->constraint_name);
    memory_free(err->columns);
    memset(err, 0, sizeof(*err));
}

void error_move(struct error *to, struct error *from) {
    if (to != NULL && to->status == STATUS_OK) {
        error_clear(to); /* explanations may have come before the error */
        *to = *from;
        memset(from, 0, sizeof(*from));
    } else {
        error_clear(from);
    }
}

const char *status_name(enum status status) {
    size_t count = sizeof(status_names) / sizeof(status_names[0]);

    return (size_t)status < count ? status_names[status] : "unknown";
}
