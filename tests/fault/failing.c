/* Calls of the drivers that fail when told to. */
#include "tests/fault/failing.h"
#include "drivers/postgres/wire.h"
#include "drivers/sqlite/internal.h"
#include "vtab/module.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- the drivers' calls -------------------------------------------------------------------
 */

const struct outcome outcomes[OUTCOMES] = {
    { STATUS_CANCELLED, SQLITE_INTERRUPT },
    { STATUS_TIMEOUT, SQLITE_BUSY_TIMEOUT },
    { STATUS_UNREACHABLE, SQLITE_CANTOPEN },
    { STATUS_LOST, SQLITE_CANTOPEN },
    { STATUS_RETRY, SQLITE_BUSY },
    { STATUS_CONSTRAINT, SQLITE_CONSTRAINT },
    { STATUS_VALUE, SQLITE_MISMATCH },
    { STATUS_SCHEMA, SQLITE_ERROR },
    { STATUS_DENIED, SQLITE_AUTH },
    { STATUS_READONLY, SQLITE_READONLY },
    { STATUS_UNSUPPORTED, SQLITE_ERROR },
    { STATUS_TOO_BIG, SQLITE_TOOBIG },
    { STATUS_PROTOCOL, SQLITE_CORRUPT_VTAB },
    { STATUS_REMOTE, SQLITE_ERROR },
    { STATUS_USAGE, SQLITE_ERROR },
    { STATUS_NOMEM, SQLITE_NOMEM },
};

static int calls_left = -1;  /* that go well; -1: all */
static enum status injected; /* by the one behind them */

void failing_call(int n, const struct outcome *outcome) {
    calls_left = n;
    injected = outcome->status;
}

bool failing_call_left(void) {
    bool left = calls_left >= 0;

    calls_left = -1;
    return left;
}

void check_outcome(const struct outcome *outcome, const char *label, sqlite3 *db, int code) {
    char named[128];

    snprintf(named, sizeof(named), "%s, %s", label, status_name(outcome->status));
    check_int(named, outcome->code, code == SQLITE_OK ? code : sqlite3_extended_errcode(db));
    if (outcome->status != STATUS_NOMEM && code != SQLITE_INTERRUPT) {
        check_true(named, strstr(sqlite3_errmsg(db), "injected") != NULL);
    }
}

static void session_loses(struct session *session) {
    if (session->driver == &postgres_driver) {
        pg_session_break(pg_session_from(session), STATUS_LOST, "injected", NULL);
    }
    session->broken = true;
}

static bool call_fails(struct session *session, struct error *err) {
    if (calls_left < 0 || calls_left-- > 0) {
        return false;
    }
    error_set(err, injected, "injected");
    if (session != NULL && injected == STATUS_LOST) {
        session_loses(session);
    }
    return true;
}

/* The linker's names for what is called instead, and for what was to be called. */
#define WRAP(slot, session, parameters, arguments)                                             \
    enum status real_##slot parameters __asm__("__real_" #slot);                               \
    enum status wrap_##slot parameters __asm__("__wrap_" #slot);                               \
    enum status wrap_##slot parameters {                                                       \
        return call_fails(session, err) ? injected : real_##slot arguments;                    \
    }

#define WRAP_DRIVER(of)                                                                        \
    WRAP(of##_open, NULL,                                                                      \
            (const char *text, const struct options *options, const struct host *host,         \
                    struct session **out, struct error *err),                                  \
            (text, options, host, out, err))                                                   \
    WRAP(of##_ping, session, (struct session * session, double *ms, struct error *err),        \
            (session, ms, err))                                                                \
    WRAP(of##_catalog, session,                                                                \
            (struct session * session, const struct catalog_filter *filter,                    \
                    enum status (*each)(void *, struct schema *), void *context,               \
                    struct error *err),                                                        \
            (session, filter, each, context, err))                                             \
    WRAP(of##_describe_query, session,                                                         \
            (struct session * session, const char *sql, struct schema **out,                   \
                    struct error *err),                                                        \
            (session, sql, out, err))                                                          \
    WRAP(of##_begin, session, (struct session * session, int64_t idle_ms, struct error * err), \
            (session, idle_ms, err))                                                           \
    WRAP(of##_scan_start, session,                                                             \
            (struct session * session, const struct query *query, struct scan **out,           \
                    struct error *err),                                                        \
            (session, query, out, err))                                                        \
    WRAP(of##_scan_next, scan->session,                                                        \
            (struct scan * scan, struct batch * batch, struct error * err),                    \
            (scan, batch, err))                                                                \
    WRAP(of##_confirm, session,                                                                \
            (struct session * session, const struct schema *schema, struct error *err),        \
            (session, schema, err))                                                            \
    WRAP(of##_query_start, session,                                                            \
            (struct session * session, const char *sql, const struct value *args,              \
                    size_t count, struct scan **out, struct error *err),                       \
            (session, sql, args, count, out, err))

WRAP_DRIVER(sq)
WRAP_DRIVER(pg)

/* ---- both sides ---------------------------------------------------------------------------
 */

bool remote_is_server(void) {
    return getenv("FAULT_URL") != NULL;
}

bool case_is_ours(size_t i) {
    const char *share = getenv("FAULT_SHARE");
    const char *of = share != NULL ? strchr(share, '/') : NULL;

    return of == NULL || i % strtoul(of + 1, NULL, 10) == strtoul(share, NULL, 10);
}

int remote_make(char url[REMOTE_URL_BYTES], const char *tables) {
    sqlite3 *db = NULL;
    int code, file;

    if (remote_is_server()) {
        snprintf(url, REMOTE_URL_BYTES, "%s", getenv("FAULT_URL"));
        return 0;
    }
    snprintf(url, REMOTE_URL_BYTES, "sqlite:/tmp/drawbridge-fault-XXXXXX");
    file = mkstemp(url + strlen("sqlite:"));
    if (file < 0) {
        return -1;
    }
    close(file);
    code = sqlite3_open(url + strlen("sqlite:"), &db);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db, tables, NULL, NULL, NULL);
    }
    sqlite3_close(db);
    return code;
}

int remote_remove(const char *url) {
    return remote_is_server() ? 0 : unlink(url + strlen("sqlite:"));
}

sqlite3 *open_host(const char *label) {
    sqlite3 *db = NULL;
    char *message = NULL;

    check_int(label, SQLITE_OK, sqlite3_open(":memory:", &db));
    check_int(label, SQLITE_OK, module_register_all(db, &message));
    return db;
}
