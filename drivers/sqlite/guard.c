/* What stops a statement: the host's interrupt, timeouts, another process's lock, and the
 * authorizer that keeps a stranger's file or query from doing more than reading.
 *
 * SQLite calls back in the middle of its work; the reason to stop is left in `stopped`, where
 * sq_fail() finds it. Inside one long operation of SQLite, such as merging a sort that went to
 * disk, there is no callback. */
#include "drivers/sqlite/internal.h"

#include <string.h>
#include <time.h>

enum {
    PROGRESS_OPERATIONS = 1000, /* about 20 us of SQLite's work: a look at the clock is free */
    ASK_MS = WAIT_SLICE_MS / 4, /* so that a slow operation or two stay below the slice */
    BUSY_SLEEP_MS_MAX = 20
};

/* Pragmas that only tell something, also with an argument where that names what to tell. All
 * others change the connection, some of them as early as in sqlite3_prepare(). */
static const struct {
    const char *name;
    bool argument;
} safe_pragmas[] = {
    { "application_id", false },
    { "collation_list", false },
    { "compile_options", false },
    { "data_version", false },
    { "database_list", false },
    { "encoding", false },
    { "foreign_key_check", true },
    { "foreign_key_list", true },
    { "freelist_count", false },
    { "function_list", false },
    { "index_info", true },
    { "index_list", true },
    { "index_xinfo", true },
    { "integrity_check", true },
    { "journal_mode", false },
    { "module_list", false },
    { "page_count", false },
    { "page_size", false },
    { "pragma_list", false },
    { "quick_check", true },
    { "schema_version", false },
    { "table_info", true },
    { "table_list", true },
    { "table_xinfo", true },
    { "user_version", false },
};

double sq_now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Asks the host, unless it was asked a moment ago. */
static bool guard_interrupted(struct sq_session *session, double now_ms) {
    const struct host *host = &session->base.host;

    if (session->stopped == STATUS_OK && now_ms - session->asked_ms >= ASK_MS) {
        session->asked_ms = now_ms;
        if (host->interrupted != NULL && host->interrupted(host->context)) {
            session->stopped = STATUS_CANCELLED;
        }
    }
    return session->stopped != STATUS_OK;
}

static bool guard_too_late(struct sq_session *session, double now_ms, double limit_ms) {
    if (limit_ms > 0 && now_ms - session->started_ms + session->spent_ms >= limit_ms) {
        session->stopped = STATUS_TIMEOUT;
    }
    return session->stopped != STATUS_OK;
}

static int guard_progress(void *context) {
    struct sq_session *session = context;
    double now_ms = sq_now_ms();

    return session->compared_unknown || guard_interrupted(session, now_ms) ||
           guard_too_late(session, now_ms, session->limit_ms);
}

/* Another connection holds a lock: wait in small steps, as long as the limit allows. */
static int guard_busy(void *context, int tries) {
    struct sq_session *session = context;
    double now_ms = sq_now_ms();
    int sleep_ms = tries < 5 ? 1 << tries : BUSY_SLEEP_MS_MAX;

    if (guard_interrupted(session, now_ms) ||
            guard_too_late(session, now_ms, session->busy_limit_ms)) {
        return 0;
    }
    sqlite3_sleep(sleep_ms < BUSY_SLEEP_MS_MAX ? sleep_ms : BUSY_SLEEP_MS_MAX);
    return 1;
}

static bool is_safe_pragma(const char *name, const char *argument) {
    for (size_t i = 0; i < sizeof(safe_pragmas) / sizeof(safe_pragmas[0]); i++) {
        if (sqlite3_stricmp(name, safe_pragmas[i].name) == 0) {
            return argument == NULL || safe_pragmas[i].argument;
        }
    }
    return false;
}

/* Writing is refused elsewhere, by query_only and by a look at each statement of the user's;
 * here are things that change the connection although they only read, or as soon as they are
 * prepared. (Refusing every write here as well would refuse SQLite's own declarations of pragma
 * tables.) */
static int guard_authorize(void *context, int action, const char *first, const char *second,
        const char *database, const char *trigger) {
    const struct sq_session *session = context;
    bool allowed = true;

    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_SAVEPOINT:
    case SQLITE_TRANSACTION:
        allowed = session->trusted;
        break;
    case SQLITE_FUNCTION:
        allowed = sqlite3_stricmp(second, "load_extension") != 0;
        break;
    case SQLITE_PRAGMA:
        allowed = session->trusted || is_safe_pragma(first, second);
        break;
    }
    return allowed ? SQLITE_OK : SQLITE_DENY;
}

/* Collations of the remote's application are not known here. To read a table whose index has
 * one SQLite only wants it to exist, so it gets a stand-in; what it would decide is not to be
 * had, so a statement that calls it fails. */
static int guard_compare(
        void *context, int a_length, const void *a, int b_length, const void *b) {
    (void)a_length;
    (void)a;
    (void)b_length;
    (void)b;
    ((struct sq_session *)context)->compared_unknown = true;
    return 0;
}

static void guard_need_collation(void *context, sqlite3 *db, int encoding, const char *name) {
    struct sq_session *session = context;

    (void)encoding;
    sqlite3_snprintf(
            sizeof(session->unknown_collation), session->unknown_collation, "%s", name);
    sqlite3_create_collation(db, name, SQLITE_UTF8, session, guard_compare);
}

/* Uses a collation once. The list also has those that only the file's schema names: no loss. */
static int warm_collation(void *context, int count, char **names, char **columns) {
    char *sql = sqlite3_mprintf("SELECT '' COLLATE \"%w\" = ''", names[0]);
    int code = sql != NULL ? sqlite3_exec(context, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

    (void)count;
    (void)columns;
    sqlite3_free(sql);
    return (code & 0xff) == SQLITE_NOMEM;
}

/* In a UTF-16 database SQLite asks for every collation that is known for UTF-8 only, its own
 * included, before it makes do with that one: so each is used once before a stand-in could take
 * its place. */
enum status sq_guard_collations(struct sq_session *session, struct error *err) {
    int code = SQLITE_OK;

    if (session->utf16) {
        code = sqlite3_exec(session->db, "SELECT name FROM pragma_collation_list",
                warm_collation, session->db, NULL);
        code = code == SQLITE_ABORT ? SQLITE_NOMEM : code;
    }
    if (code == SQLITE_OK) {
        code = sqlite3_collation_needed(session->db, session, guard_need_collation);
    }
    return code == SQLITE_OK ? STATUS_OK : sq_fail(session, code, NULL, err);
}

int sq_step(struct sq_session *session, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);

    return session->compared_unknown ? SQLITE_ERROR : code;
}

enum status sq_guard_install(struct sq_session *session, struct error *err) {
    int code;

    sqlite3_progress_handler(session->db, PROGRESS_OPERATIONS, guard_progress, session);
    code = sqlite3_busy_handler(session->db, guard_busy, session);
    if (code == SQLITE_OK) {
        code = sqlite3_set_authorizer(session->db, guard_authorize, session);
    }
    return code == SQLITE_OK ? STATUS_OK : sq_fail(session, code, NULL, err);
}

enum status sq_guard_start(struct sq_session *session, double spent_ms, struct error *err) {
    session->started_ms = sq_now_ms();
    session->spent_ms = spent_ms;
    session->stopped = STATUS_OK;
    session->compared_unknown = false;
    if (guard_interrupted(session, session->started_ms)) {
        return error_set(err, STATUS_CANCELLED, "interrupted");
    }
    return STATUS_OK;
}
