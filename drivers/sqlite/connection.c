/* The remote connection: opened through the host's own API table and configured. What may
 * write is looked at statement by statement (statements.c). With readonly=1 a file is opened
 * read-only; when SQLite must repair or create something beside it first (a hot
 * journal, the index of a WAL), it is opened for writing all the same. guard.c has the
 * callbacks, statements.c what is prepared. */
#include "drivers/sqlite/internal.h"

#include "drivers/url.h"

#include <stdio.h>
#include <string.h>

enum { OPEN_NAME_BYTES_MAX = 16 * 1024 };

static const char utf8_collation[] = "drawbridge_utf8";

/* ---- errors ------------------------------------------------------------------------ */

static const struct {
    int code; /* primary */
    enum status status;
} failures[] = {
    { SQLITE_NOMEM, STATUS_NOMEM },
    { SQLITE_BUSY, STATUS_TIMEOUT },
    { SQLITE_LOCKED, STATUS_TIMEOUT },
    { SQLITE_PROTOCOL, STATUS_TIMEOUT }, /* the WAL's locks could not be had */
    { SQLITE_INTERRUPT, STATUS_CANCELLED },
    { SQLITE_CORRUPT, STATUS_PROTOCOL },
    { SQLITE_NOTADB, STATUS_PROTOCOL },
    { SQLITE_TOOBIG, STATUS_TOO_BIG },
    { SQLITE_AUTH, STATUS_DENIED },
    { SQLITE_PERM, STATUS_DENIED },
    { SQLITE_SCHEMA, STATUS_SCHEMA },
    { SQLITE_CONSTRAINT, STATUS_CONSTRAINT },
    { SQLITE_MISMATCH, STATUS_VALUE },
    /* The file is out of reach: opening it again may help, going on cannot. A journal that some
     * crashed writer left shows as READONLY, and is rolled back when opened again. */
    { SQLITE_IOERR, STATUS_LOST },
    { SQLITE_CANTOPEN, STATUS_LOST },
    { SQLITE_READONLY, STATUS_LOST },
};

static enum status failure_status(const struct sq_session *session, int code) {
    int primary = code & 0xff;

    if (session->stopped != STATUS_OK &&
            (primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY)) {
        return session->stopped;
    }
    if (sqlite3_extended_errcode(session->db) == SQLITE_BUSY_SNAPSHOT) {
        return STATUS_RETRY; /* another connection wrote since this transaction began to read */
    }
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (failures[i].code == primary) {
            return failures[i].status;
        }
    }
    return STATUS_REMOTE;
}

enum status sq_fail(struct sq_session *session, int code, const char *sql, struct error *err) {
    enum status status = failure_status(session, code);

    if (status == STATUS_NOMEM) {
        return error_nomem(err);
    }
    if (status == STATUS_LOST) {
        session->base.broken = true;
    }
    if (session->compared_unknown) {
        status = STATUS_REMOTE;
        error_set(err, status, "collation \"%s\" of the remote is not known here",
                session->unknown_collation);
    } else if (status == STATUS_TIMEOUT && (code & 0xff) == SQLITE_INTERRUPT) {
        error_set(err, status, "statement timeout of %.0f ms reached", session->limit_ms);
    } else if (status == STATUS_CANCELLED) {
        error_set(err, status, "interrupted");
    } else {
        error_set(err, status, "%s", sqlite3_errmsg(session->db));
    }
    if (status == STATUS_CONSTRAINT) {
        sq_explain_constraint(sqlite3_extended_errcode(session->db), err);
    }
    error_statement(err, sql);
    return err != NULL ? err->status : status;
}

/* ---- statements without rows ------------------------------------------------------- */

enum status sq_execute(struct sq_session *session, const char *sql, struct error *err) {
    enum status status = sq_guard_start(session, 0, err);
    sqlite3_stmt *statement = NULL;
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    session->trusted = true;
    status = sq_prepare(session, sql, &statement, err);
    if (status == STATUS_OK) {
        code = sq_step(session, statement); /* which may prepare it once more */
        if (code != SQLITE_DONE && code != SQLITE_ROW) {
            status = sq_fail(session, code, sql, err);
        }
        sq_put_back(session, statement);
    }
    session->trusted = false;
    return status;
}

/* ---- questions with one integer for an answer -------------------------------------- */

static enum status ask_integer(
        struct sq_session *session, const char *sql, int64_t *answer, struct error *err) {
    sqlite3_stmt *statement = NULL;
    enum status status = sq_prepare(session, sql, &statement, err);
    int code;

    if (status != STATUS_OK) {
        return status;
    }
    code = sq_step(session, statement);
    if (code == SQLITE_ROW) {
        *answer = sqlite3_column_int64(statement, 0);
    } else {
        status = sq_fail(session, code, sql, err);
    }
    sq_put_back(session, statement);
    return status;
}

enum status sq_schema_version(struct sq_session *session, int64_t *version, struct error *err) {
    if (!session->version_known) {
        enum status status =
                ask_integer(session, "PRAGMA main.schema_version", &session->version, err);

        if (status != STATUS_OK) {
            return status;
        }
        session->version_known = session->in_transaction;
    }
    *version = session->version;
    return STATUS_OK;
}

enum status sq_ping(struct session *base, double *ms, struct error *err) {
    struct sq_session *session = sq_session(base);
    enum status status = sq_guard_start(session, 0, err);
    double started_ms = sq_now_ms();
    int64_t version;

    if (status == STATUS_OK) {
        status = ask_integer(session, "PRAGMA main.schema_version", &version, err);
    }
    if (status == STATUS_OK) {
        base->counts.statements++;
        base->counts.round_trips++;
        *ms = sq_now_ms() - started_ms;
    }
    return status;
}

/* ---- opening ----------------------------------------------------------------------- */

/* Text in UTF-16 databases sorts by its UTF-16 units; the host's sorts by its UTF-8 bytes. */
static int compare_utf8(
        void *context, int a_length, const void *a, int b_length, const void *b) {
    int common = a_length < b_length ? a_length : b_length;
    int order = common > 0 ? memcmp(a, b, (size_t)common) : 0;

    (void)context;
    return order != 0 ? order : a_length - b_length;
}

/* The connection is defensive against its own file, which may be a stranger's: its views and
 * defaults call no functions that the host's extensions may have brought along. */
static enum status configure(struct sq_session *session, struct error *err) {
    int64_t answer = 0;
    enum status status;
    int code = sqlite3_db_config(session->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_db_config(session->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_create_collation(
                session->db, utf8_collation, SQLITE_UTF8, NULL, compare_utf8);
    }
    if (code != SQLITE_OK) {
        return sq_fail(session, code, NULL, err);
    }
    status = sq_guard_install(session, err);
    if (status == STATUS_OK) { /* a remote keeps its own constraints, whoever writes */
        status = sq_execute(session, "PRAGMA foreign_keys = 1", err);
    }
    if (status == STATUS_OK && session->readonly) {
        status = sq_execute(session, "PRAGMA query_only = 1", err);
    }
    if (status ==
            STATUS_OK) { /* the first look at the file: is it a database, can it be read */
        status = ask_integer(session, "PRAGMA main.schema_version", &answer, err);
    }
    if (status == STATUS_OK) {
        status = ask_integer(
                session, "SELECT encoding LIKE 'UTF-16%' FROM pragma_encoding", &answer, err);
        session->utf16 = answer != 0;
    }
    if (status ==
            STATUS_OK) { /* an extension of the host's may have replaced them everywhere */
        status = ask_integer(session,
                "SELECT count(*) FROM pragma_function_list "
                "WHERE lower(name) IN ('like', 'glob') AND NOT builtin",
                &answer, err);
        session->like_builtin = answer == 0;
    }
    return status == STATUS_OK ? sq_guard_collations(session, err) : status;
}

static enum status open_with(
        struct sq_session *session, const char *name, int flags, struct error *err) {
    /* Private: under a shared cache the host's own tables could be locked by a remote scan. */
    int code = sqlite3_open_v2(
            name, &session->db, flags | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOMUTEX, NULL);

    if (session->db == NULL) {
        return error_nomem(err);
    }
    return code == SQLITE_OK ? configure(session, err) : sq_fail(session, code, NULL, err);
}

static void close_database(struct sq_session *session) {
    sq_forget_statements(session);
    sqlite3_close_v2(session->db);
    session->db = NULL;
}

/* Opened for writing SQLite is content with reading where the file allows no more. */
static enum status open_file(struct sq_session *session, const char *path, struct error *err) {
    struct error first = { 0 };
    enum status status = open_with(session, path,
            session->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, &first);

    if (status == STATUS_LOST &&
            session->readonly) { /* reading may need more of the file system than reading */
        error_clear(&first);
        close_database(session);
        session->base.broken = false;
        status = open_with(session, path, SQLITE_OPEN_READWRITE, &first);
    }
    session->is_file = true;
    session->readonly = session->readonly ||
                        (session->db != NULL && sqlite3_db_readonly(session->db, "main") == 1);
    error_move(err, &first);
    return status;
}

static enum status open_shared(
        struct sq_session *session, const char *share, struct error *err) {
    struct text name;
    enum status status;

    text_init(&name, OPEN_NAME_BYTES_MAX);
    text_append(&name, "file:/");
    url_encode(&name, share, strlen(share));
    text_append(&name, "?vfs=memdb"); /* a leading "/" makes the name the process's */
    status = text_status(&name, err);
    if (status == STATUS_OK) {
        status = open_with(session, text_get(&name),
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, err);
    }
    text_clear(&name);
    return status;
}

static enum status open_place(
        struct sq_session *session, const char *path, const char *share, struct error *err) {
    if (share != NULL && path[0] != '\0') {
        return error_set(err, STATUS_USAGE, "option \"share\" is for databases in memory only");
    }
    if (share != NULL) {
        return open_shared(session, share, err);
    }
    if (path[0] == '\0') {
        return open_with(session, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    }
    return open_file(session, path, err);
}

/* Whatever kept a file from being opened, no connection could be made. */
static enum status explain_open(
        struct sq_session *session, const char *path, struct error *cause, struct error *err) {
    int system = session->db != NULL ? sqlite3_system_errno(session->db) : 0;
    char why[128];
    bool known = system != 0 && cause->status == STATUS_LOST &&
                 strerror_r(system, why, sizeof(why)) == 0;

    switch (cause->status) {
    case STATUS_LOST:
    case STATUS_PROTOCOL:
    case STATUS_REMOTE:
    case STATUS_DENIED:
        error_set(err, STATUS_UNREACHABLE, "could not open SQLite database \"%s\": %s",
                path[0] != '\0' ? path : ":memory:", known ? why : cause->message);
        error_clear(cause);
        break;
    default:
        error_move(err, cause);
        break;
    }
    return err != NULL ? err->status : STATUS_UNREACHABLE;
}

enum status sq_open(const char *connection, const struct options *options,
        const struct host *host, struct session **out, struct error *err) {
    struct sq_session *session = memory_alloc(sizeof(*session));
    struct error cause = { 0 };
    enum status status;

    if (session == NULL) {
        return error_nomem(err);
    }
    session->base.driver = &sqlite_driver;
    session->base.host = *host;
    snprintf(session->base.server_version, sizeof(session->base.server_version), "%s",
            sqlite3_libversion());
    session->limit_ms = (double)options_integer(options, "statement_timeout_ms");
    session->busy_limit_ms = session->limit_ms > 0 ? session->limit_ms : SQ_BUSY_MS;
    session->readonly = options_bool(options, "readonly");
    status = open_place(session, connection, options_text(options, "share"), &cause);
    if (status != STATUS_OK) {
        status = explain_open(session, connection, &cause, err);
        close_database(session);
        memory_free(session);
        return status;
    }
    *out = &session->base;
    return STATUS_OK;
}

void sq_close(struct session *base) {
    if (base != NULL) {
        close_database(sq_session(base));
        memory_free(base);
    }
}

const char *sq_local_file(struct session *base) {
    struct sq_session *session = sq_session(base);

    return session->is_file ? sqlite3_db_filename(session->db, "main") : NULL;
}
