/* The scalar functions: bridge_attach, bridge_server, bridge_detach, bridge_refresh,
 * bridge_lock, bridge_ping, bridge_exec, bridge_version; those that write rows are in bulk.c.
 *
 * They reach files, networks and the schema, so all are DIRECTONLY: a view, trigger or index of
 * a stranger's database file cannot call them. bridge_version alone is harmless. */
#include "vtab/attach.h"
#include "vtab/call.h"
#include "vtab/cell.h"
#include "vtab/host.h"
#include "vtab/module.h"
#include "vtab/report.h"
#include "vtab/transaction.h"

#include <string.h>

enum { VERSION_BYTES_MAX = 4096 };

enum status call_text(
        const struct call *call, int i, const char *what, const char **out, struct error *err) {
    if (i >= call->argc || sqlite3_value_type(call->argv[i]) == SQLITE_NULL) {
        return error_set(err, STATUS_USAGE, "%s is missing", what);
    }
    *out = (const char *)sqlite3_value_text(call->argv[i]);
    if (*out == NULL) {
        return error_nomem(err);
    }
    return (*out)[0] != '\0' ? STATUS_OK : error_set(err, STATUS_USAGE, "%s is empty", what);
}

static enum status call_unlocked(const struct call *call, const char *name, struct error *err) {
    if (call->connection->locked) {
        return error_set(err, STATUS_DENIED, "the bridge is locked: %s is refused", name);
    }
    return STATUS_OK;
}

enum status call_writes(const struct call *call, struct error *err) {
    sqlite3 *db = call->connection->db;
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA query_only", -1, &stmt, NULL);
    enum status status = STATUS_OK;

    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code != SQLITE_ROW) {
        status = host_failed(db, code, err);
    } else if (sqlite3_column_int(stmt, 0) != 0) {
        status = error_set(err, STATUS_READONLY, "PRAGMA query_only is on");
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum status call_server(
        const struct call *call, struct server **out, struct error *err) {
    const char *name;
    enum status status = call_text(call, 0, "the server's name", &name, err);

    return status == STATUS_OK ? words_find_server(call->connection, name, out, err) : status;
}

/* ---- functions ----------------------------------------------------------------------------
 */

static enum status call_attach(const struct call *call, struct error *err) {
    const char *url;
    int count = 0;
    enum status status = call_unlocked(call, "bridge_attach", err);

    if (status == STATUS_OK) {
        status = call_text(call, 0, "the URL", &url, err);
    }
    if (status == STATUS_OK) {
        status = attach_server(
                call->connection, url, call->argc - 1, call->argv + 1, &count, err);
    }
    if (status == STATUS_OK) {
        sqlite3_result_int(call->context, count);
    }
    return status;
}

static enum status define_server(
        const struct call *call, const char *name, const char *url, struct error *err) {
    struct words words = { 0 };
    struct server *server;
    enum status status = words_read(url, call->argc - 2, call->argv + 2, false, &words, err);

    if (status == STATUS_OK) {
        status = server_define(
                call->connection, name, &words.target, &words.server, &server, err);
    }
    words_clear(&words);
    return status;
}

static enum status call_define(const struct call *call, struct error *err) {
    const char *name, *url;
    enum status status = call_unlocked(call, "bridge_server", err);

    if (status == STATUS_OK) {
        status = call_text(call, 0, "the server's name", &name, err);
    }
    if (status == STATUS_OK && strstr(name, "://") != NULL) {
        status = error_set(err, STATUS_USAGE,
                "a server's name cannot be a URL: bridge_server(name, url, option...)");
    }
    if (status == STATUS_OK) {
        status = call_text(call, 1, "the URL", &url, err);
    }
    if (status == STATUS_OK) {
        status = define_server(call, name, url, err);
    }
    if (status == STATUS_OK) {
        sqlite3_result_text(call->context, name, -1, SQLITE_TRANSIENT);
    }
    return status;
}

/* By the server's name, or by the schema that as= gave its tables. */
static enum status find_attached(
        const struct call *call, struct server **out, struct error *err) {
    const char *name;
    enum status status = call_text(call, 0, "the server's name", &name, err);

    if (status != STATUS_OK || server_find(call->connection, name) != NULL) {
        return status == STATUS_OK ? call_server(call, out, err) : status;
    }
    for (struct server *server = call->connection->servers; server != NULL;
            server = server->next) {
        if (server->place_attached && sqlite3_stricmp(server->place, name) == 0) {
            *out = server;
            return STATUS_OK;
        }
    }
    return call_server(call, out, err);
}

static enum status call_detach(const struct call *call, struct error *err) {
    struct server *server;
    int count;
    enum status status = find_attached(call, &server, err);

    if (status == STATUS_OK) {
        status = attach_detach(server, &count, err);
    }
    if (status == STATUS_OK) {
        sqlite3_result_int(call->context, count);
    }
    return status;
}

/* Servers that nobody used yet have nothing to bring up to date: they are not connected for it.
 */
static enum status refresh_all(const struct call *call, int *count, struct error *err) {
    struct server *server = call->connection->servers, *next;
    enum status status = STATUS_OK;

    for (; server != NULL && status == STATUS_OK; server = next) {
        int changed = 0;

        next = server->next;
        if (server->tables != NULL || server->place != NULL) {
            status = attach_refresh(server, &changed, err);
        }
        *count += changed;
    }
    return status;
}

static enum status call_refresh(const struct call *call, struct error *err) {
    struct server *server;
    int count = 0;
    enum status status;

    if (call->argc == 0) {
        status = refresh_all(call, &count, err);
    } else {
        status = find_attached(call, &server, err);
        if (status == STATUS_OK) {
            status = attach_refresh(server, &count, err);
        }
    }
    if (status == STATUS_OK) {
        sqlite3_result_int(call->context, count);
    }
    return status;
}

static enum status call_lock(const struct call *call, struct error *err) {
    (void)err;
    call->connection->locked = true;
    sqlite3_result_int(call->context, 1);
    return STATUS_OK;
}

static enum status call_ping(const struct call *call, struct error *err) {
    struct server *server;
    struct session *session;
    double ms;
    enum status status = call_server(call, &server, err);

    if (status != STATUS_OK) {
        return status;
    }
    status = server_session(server, &session, err);
    if (status == STATUS_OK) {
        status = server->target.driver->ping(session, &ms, err);
        if (status != STATUS_OK) {
            server_failed(server, err);
        }
    }
    if (status == STATUS_OK) {
        sqlite3_result_double(call->context, ms);
    }
    return status;
}

enum { EXEC_SERVER, EXEC_SQL, EXEC_FIRST_ARGUMENT };

static enum status exec_run(const struct call *call, struct server *server, const char *sql,
        int64_t *affected, struct error *err) {
    size_t count = (size_t)(call->argc - EXEC_FIRST_ARGUMENT);
    struct value *values = memory_alloc_array(count, sizeof(*values));
    struct session *session;
    enum status status = values != NULL ? STATUS_OK : error_nomem(err);

    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = cell_value(call->argv[EXEC_FIRST_ARGUMENT + (int)i], NULL, &values[i], err);
    }
    if (status == STATUS_OK) {
        status = transaction_write(server, true, &session, err);
        if (status == STATUS_OK) {
            status = table_flush_all(server, err);
        }
        if (status == STATUS_OK) {
            status = session->driver->execute(session, sql, values, count, affected, err);
            transaction_wrote(server, status, err);
        }
    }
    memory_free(values);
    return status;
}

static enum status call_exec(const struct call *call, struct error *err) {
    struct server *server;
    const char *sql;
    int64_t affected = 0;
    bool alone;
    enum status status = call_unlocked(call, "bridge_exec", err);

    if (status == STATUS_OK) {
        status = call_server(call, &server, err);
    }
    if (status == STATUS_OK && (server->target.driver->capabilities & DRIVER_SQL) == 0) {
        status = error_set(
                err, STATUS_UNSUPPORTED, "server \"%s\" takes no statements", server->name);
    }
    if (status == STATUS_OK) {
        status = call_text(call, EXEC_SQL, "the statement", &sql, err);
    }
    if (status == STATUS_OK) {
        status = call_writes(call, err);
    }
    if (status == STATUS_OK) {
        status = transaction_alone_begin(server, &alone, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = exec_run(call, server, sql, &affected, err);
    status = transaction_alone_end(server, alone, status, err);
    if (status == STATUS_OK) {
        sqlite3_result_int64(call->context, affected);
    } else {
        server_failed(server, err);
    }
    return status;
}

/* null where no driver of this build uses the library. */
static void version_library(struct text *json, const char *library) {
    char version[64] = "";

    for (size_t i = 0; drivers[i] != NULL && version[0] == '\0'; i++) {
        if (drivers[i]->library != NULL && strcmp(drivers[i]->library, library) == 0) {
            drivers[i]->library_version(version, sizeof(version));
        }
    }
    text_printf(json, ",\"%s\":", library);
    if (version[0] != '\0') {
        text_append_json(json, version, strlen(version));
    } else {
        text_append(json, "null");
    }
}

static enum status call_version(const struct call *call, struct error *err) {
    struct text json;
    enum status status;

    text_init(&json, VERSION_BYTES_MAX);
    text_printf(&json, "{\"drawbridge\":\"%s\",\"sqlite\":\"%s\"", DRAWBRIDGE_VERSION,
            sqlite3_libversion());
    version_library(&json, "libpq");
    version_library(&json, "libcurl");
    text_append(&json, ",\"drivers\":[");
    for (size_t i = 0; drivers[i] != NULL; i++) {
        text_append(&json, i > 0 ? "," : "");
        text_append_json(&json, drivers[i]->name, strlen(drivers[i]->name));
    }
    text_append(&json, "]}");
    status = text_status(&json, err);
    if (status == STATUS_OK) {
        sqlite3_result_text(call->context, text_get(&json), -1, SQLITE_TRANSIENT);
    }
    text_clear(&json);
    return status;
}

/* ---- registration -------------------------------------------------------------------------
 */

struct function {
    const char *name;
    int argument_count; /* -1: any */
    int flags;
    enum status (*call)(const struct call *, struct error *);
};

static const struct function functions[] = {
    { "bridge_attach", -1, SQLITE_DIRECTONLY, call_attach },
    { "bridge_server", -1, SQLITE_DIRECTONLY, call_define },
    { "bridge_detach", 1, SQLITE_DIRECTONLY, call_detach },
    { "bridge_refresh", 0, SQLITE_DIRECTONLY, call_refresh },
    { "bridge_refresh", 1, SQLITE_DIRECTONLY, call_refresh },
    { "bridge_lock", 0, SQLITE_DIRECTONLY, call_lock },
    { "bridge_ping", 1, SQLITE_DIRECTONLY, call_ping },
    { "bridge_exec", -1, SQLITE_DIRECTONLY, call_exec },
    { "bridge_insert", 2, SQLITE_DIRECTONLY, call_insert },
    { "bridge_update", 3, SQLITE_DIRECTONLY, call_update },
    { "bridge_delete", 2, SQLITE_DIRECTONLY, call_delete },
    { "bridge_upsert", -1, SQLITE_DIRECTONLY, call_upsert },
    { "bridge_version", 0, SQLITE_INNOCUOUS, call_version },
};

/* What SQLite hands back with each call. */
struct registered {
    const struct function *function;
    struct connection *connection;
};

static void registered_free(void *pointer) {
    struct registered *registered = pointer;

    connection_release(registered->connection);
    memory_free(registered);
}

static bool text_has(const char *text, const char *name) {
    int length = (int)strlen(name);

    while (*text != '\0' && sqlite3_strnicmp(text, name, length) != 0) {
        text++;
    }
    return *text != '\0';
}

/* SQLite 3.40 does not hold CHECK constraints to SQLITE_DIRECTONLY, and a stranger's file may
 * have some. A call that no running statement spells out comes from the schema. */
static bool function_is_spelled(sqlite3 *db, const char *name) {
    bool found = false;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL && !found;
            stmt = sqlite3_next_stmt(db, stmt)) {
        const char *sql = sqlite3_stmt_busy(stmt) ? sqlite3_sql(stmt) : NULL;

        found = sql != NULL && text_has(sql, name);
    }
    return found;
}

static void function_called(sqlite3_context *context, int argc, sqlite3_value **argv) {
    struct registered *registered = sqlite3_user_data(context);
    const struct function *function = registered->function;
    struct call call = { context, registered->connection, argc, argv };
    struct error err = { 0 };

    if ((function->flags & SQLITE_DIRECTONLY) != 0 &&
            !function_is_spelled(registered->connection->db, function->name)) {
        error_set(&err, STATUS_DENIED, "unsafe use of %s()", function->name);
        report_function(context, &err);
        return;
    }
    if (function->call(&call, &err) != STATUS_OK) {
        report_function(context, &err);
    }
}

static int function_register(struct connection *connection, const struct function *function) {
    struct registered *registered = memory_alloc(sizeof(*registered));

    if (registered == NULL) {
        return SQLITE_NOMEM;
    }
    registered->function = function;
    registered->connection = connection_retain(connection);
    /* On failure SQLite has called registered_free() already. */
    return sqlite3_create_function_v2(connection->db, function->name, function->argument_count,
            SQLITE_UTF8 | function->flags, registered, function_called, NULL, NULL,
            registered_free);
}

int functions_register(struct connection *connection) {
    int code = SQLITE_OK;

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]) && code == SQLITE_OK; i++) {
        code = function_register(connection, &functions[i]);
    }
    return code;
}
