/* What a call came to, and the error that explains it.
 *
 * A function that can fail returns enum status and takes a struct error as its last argument.
 * The error is filled where the fault is seen, the first one wins, and its message stands in a
 * fixed array, so that running out of memory can be told too. vtab/report.c alone turns a
 * status into a SQLITE_* code. Wording follows PostgreSQL's guide: lower case, no full stop,
 * "could not" when it failed, "cannot" when it never can, the kind of object with its quoted
 * name, and the reason. */
#ifndef DRAWBRIDGE_BASE_STATUS_H
#define DRAWBRIDGE_BASE_STATUS_H

#include <stddef.h>

enum status {
    STATUS_OK,
    STATUS_CANCELLED,       /* the host was interrupted; the remote was told to stop */
    STATUS_TIMEOUT,         /* a statement or lock timeout, of ours or of the server's */
    STATUS_UNREACHABLE,     /* no connection could be made: nothing was sent */
    STATUS_LOST,            /* the connection ended; whatever was open on it is over */
    STATUS_RETRY,           /* serialization failure or deadlock (40001, 40P01) */
    STATUS_CONSTRAINT,      /* 23xxx: see error.constraint */
    STATUS_STALE,           /* a row to be written was changed or is gone since it was read */
    STATUS_OUTCOME_UNKNOWN, /* COMMIT was sent and nobody can tell what became of it */
    STATUS_VALUE,           /* a value that cannot be represented; nothing was sent */
    STATUS_SCHEMA,          /* the remote table is not as described: describe it again */
    STATUS_DENIED,          /* 42501, or the host forbids it (bridge_lock) */
    STATUS_READONLY,        /* the table or server cannot be written */
    STATUS_UNSUPPORTED,     /* this backend cannot do that */
    STATUS_TOO_BIG,         /* above a stated limit */
    STATUS_PROTOCOL,        /* malformed bytes from the remote */
    STATUS_REMOTE,          /* the remote refused, for a reason of its own: see sqlstate */
    STATUS_USAGE,           /* wrong words from the user: an unknown option, a bad URL */
    STATUS_NOMEM
};

enum { ERROR_MESSAGE_BYTES = 512 };

/* Which kind of constraint was broken: SQLite has a result code and words for each. */
enum constraint_kind {
    CONSTRAINT_OTHER, /* exclusion, restrict, a trigger's own 23xxx */
    CONSTRAINT_NOT_NULL,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_CHECK,
    CONSTRAINT_FOREIGN_KEY,
};

struct error {
    enum status status;
    char sqlstate[6];                  /* "" when the remote gave none */
    char message[ERROR_MESSAGE_BYTES]; /* ends in "..." when it was longer */
    char *detail, *hint, *statement;   /* owned; any may be NULL, also for lack of memory */
    enum constraint_kind constraint;   /* STATUS_CONSTRAINT */
    char *constraint_name, *columns; /* its remote name; "a,b", remote names; owned, or NULL */
};

/* What zeros are, without writing all of them: for what happens once a row. */
static inline void error_init(struct error *err) {
    err->status = STATUS_OK;
    err->sqlstate[0] = '\0';
    err->message[0] = '\0';
    err->detail = err->hint = err->statement = NULL;
    err->constraint = CONSTRAINT_OTHER;
    err->constraint_name = err->columns = NULL;
}

/* All accept a NULL error, for callers that only want the status. error_set returns the status
 * of the error as it then stands, so that `return error_set(err, ...)` is one line. */
enum status error_set(struct error *, enum status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
enum status error_nomem(struct error *);
#if defined(__clang_analyzer__) && !defined(DRAWBRIDGE_DEFINES_ERRORS)
/* The analyzer reads one file at a time and must be told that a failure is never STATUS_OK. */
#define error_set(...)   ((void)error_set(__VA_ARGS__), STATUS_REMOTE)
#define error_nomem(err) ((void)error_nomem(err), STATUS_NOMEM)
#endif
/* Copies of the texts are kept; NULL leaves that part unset.
 * Only the first to set a part counts. */
void error_explain(struct error *, const char *sqlstate, const char *detail, const char *hint);
void error_statement(struct error *, const char *sql);
void error_move(struct error *to, struct error *from); /* from is empty afterwards */
void error_clear(struct error *);                      /* back to zeros; frees */
const char *status_name(enum status);                  /* "unreachable": for traces and tests */

#endif
