/* A named server of a connection: its session, its snapshot, what it costs to ask. known.c
 * keeps the relations it has. */
#include "vtab/connection.h"

#include "base/trace.h"
#include "drivers/session_pool.h"
#include "vtab/lookup.h"
#include "vtab/report.h"
#include "vtab/transaction.h"

#include <string.h>

struct server *server_find(struct connection *connection, const char *name) {
    for (struct server *server = connection->servers; server != NULL; server = server->next) {
        if (sqlite3_stricmp(server->name, name) == 0) {
            return server;
        }
    }
    return NULL;
}

static void counts_add(struct session_counts *to, const struct session_counts *from) {
    to->statements += from->statements;
    to->round_trips += from->round_trips;
    to->rows += from->rows;
    to->bytes_in += from->bytes_in;
    to->bytes_out += from->bytes_out;
}

void server_end_session(struct server *server) {
    if (server->session != NULL) {
        counts_add(&server->past, &server->session->counts);
        session_pool_give(server->session);
        server->session = NULL;
    }
    server->in_snapshot = false;
    lookup_forget(server);
}

/* In a child of fork(): what its parent began may still be read from, each with an error, by
 * cursors that were open; a session of the child's own takes its place. */
static void server_leave_foreign(struct server *server) {
    counts_add(&server->past, &server->session->counts);
    server->session->pool_next = server->foreign;
    server->foreign = server->session;
    server->session = NULL;
    lookup_forget(server);
    server->in_snapshot = false;
    server->snapshot_statements = 0;
}

static void server_close_foreign(struct server *server) {
    while (server->foreign != NULL) {
        struct session *session = server->foreign;

        server->foreign = session->pool_next;
        session_pool_give(session);
    }
}

static void server_forget_tables(struct server *server) {
    while (server->tables != NULL) {
        struct known_table *known = server->tables;

        server->tables = known->next;
        schema_release(known->schema);
        memory_free(known->values);
        memory_free(known->place);
        memory_free(known->name);
        memory_free(known);
    }
    server->catalog_complete = false;
}

struct server *server_retain(struct server *server) {
    server->references++;
    return server;
}

void server_release(struct server *server) {
    if (--server->references > 0) {
        return;
    }
    server_end_session(server);
    server_close_foreign(server);
    server_forget_tables(server);
    target_clear(&server->target);
    options_clear(&server->options);
    options_clear(&server->attach);
    memory_free(server->name);
    memory_free(server->place);
    memory_free(server->last_error);
    memory_free(server);
}

void server_remove(struct server *server) {
    struct server **at = &server->connection->servers;

    while (*at != NULL && *at != server) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return;
    }
    *at = server->next;
    server->next = NULL;
    server->removed = true;
    if (server->cursors == 0 && server->transaction.tables == 0) {
        server_end_session(server);
    }
    server_release(server);
}

static enum status server_new(struct connection *connection, const char *name,
        struct server **out, struct error *err) {
    struct server *server = memory_alloc(sizeof(*server)), **at = &connection->servers;

    if (server == NULL) {
        return error_nomem(err);
    }
    server->name = memory_copy_text(name);
    if (server->name == NULL) {
        memory_free(server);
        return error_nomem(err);
    }
    server->connection = connection;
    server->references = 1;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = server;
    *out = server;
    return STATUS_OK;
}

enum status server_define(struct connection *connection, const char *name,
        struct target *target, struct options *options, struct server **out,
        struct error *err) {
    struct server *server = server_find(connection, name);
    enum status status;

    if (server != NULL && server->readers != NULL) {
        return error_set(err, STATUS_USAGE,
                "server \"%s\" cannot be replaced while a query reads from it", name);
    }
    if (server != NULL && server->transaction.begun &&
            (server->transaction.used || server->transaction.written)) {
        return error_set(err, STATUS_USAGE,
                "server \"%s\" cannot be replaced within a transaction that uses it", name);
    }
    if (server == NULL) {
        status = server_new(connection, name, &server, err);
        if (status != STATUS_OK) {
            return status;
        }
    } else {
        server_end_session(server);
        server_forget_tables(server);
        target_clear(&server->target);
        options_clear(&server->options);
        memset(&server->past, 0, sizeof(server->past));
    }
    server->target = *target;
    server->options = *options;
    server->log = log_options_of(&server->options);
    server->idle_ms = options_integer(&server->options, "idle_snapshot_ms");
    server->cache_bytes = options_integer(&server->options, "join_cache_bytes");
    memset(target, 0, sizeof(*target));
    memset(options, 0, sizeof(*options));
    *out = server;
    return STATUS_OK;
}

static void server_logged(void *context, const struct statement_record *record) {
    struct server *server = context;

    log_append(&server->connection->log, server->name, &server->log, record);
}

static bool server_interrupted(void *context) {
    return connection_interrupted(((struct server *)context)->connection);
}

void server_failed(struct server *server, const struct error *err) {
    char *text = memory_copy_text(err->message);

    if (text != NULL) {
        memory_free(server->last_error);
        server->last_error = text;
    }
}

static bool host_has_file(sqlite3 *db, const char *path) {
    const char *place;
    bool found = false;

    for (int i = 0; !found && (place = sqlite3_db_name(db, i)) != NULL; i++) {
        const char *file = sqlite3_db_filename(db, place);

        found = file != NULL && strcmp(file, path) == 0;
    }
    return found;
}

/* Two handles of one process on one file would wait for each other's locks for ever. */
static enum status server_refuse_host_file(struct server *server, struct error *err) {
    const struct driver *driver = server->target.driver;
    const char *path = driver->local_file != NULL ? driver->local_file(server->session) : NULL;

    if (path != NULL && host_has_file(server->connection->db, path)) {
        return error_set(err, STATUS_USAGE,
                "database \"%s\" is open in this very connection: its tables are here already",
                path);
    }
    return STATUS_OK;
}

static enum status server_connect(struct server *server, struct error *err) {
    struct host host = { .context = server,
        .interrupted = server_interrupted,
        .logged = server_logged,
        .log_parameters = options_bool(&server->options, "log_parameters") };
    enum status status;

    if (server->removed) {
        return error_set(err, STATUS_USAGE, "server \"%s\" was detached", server->name);
    }
    status = session_pool_take(&server->target, &server->options, &host, &server->session, err);
    if (status == STATUS_OK) {
        status = server_refuse_host_file(server, err);
        if (status != STATUS_OK) {
            server_end_session(server);
        }
    }
    trace(TRACE_DRIVER, "server \"%s\": %s, %s %s", server->name, status_name(status),
            server->target.driver->name,
            status == STATUS_OK ? server->session->server_version : "");
    if (status != STATUS_OK && err != NULL) {
        server_failed(server, err);
    }
    return status;
}

/* Looks at a session that nothing is under way on. What died or rested too long is given up. */
static void server_look(struct server *server) {
    struct session *session = server->session;
    const struct driver *driver = server->target.driver;
    bool idle = !server->in_snapshot && server->transaction.tables == 0;

    if (session == NULL || (driver->capabilities & DRIVER_POOL) == 0) {
        return;
    }
    if (session_pool_is_foreign(session)) {
        server_leave_foreign(server);
    } else if (idle && session_pool_is_stale(session)) {
        server_end_session(server);
    } else if (idle && !session->broken) {
        driver->resume(session, NULL); /* it is broken, or it is well */
    }
}

enum status server_session(struct server *server, struct session **out, struct error *err) {
    enum status status = STATUS_OK;

    server_look(server);
    if (server->session != NULL && server->session->broken) {
        if (server->transaction.begun && !server->transaction.finished) {
            return error_set(err, STATUS_LOST,
                    "the connection to server \"%s\" was lost during this transaction",
                    server->name);
        }
        if (server->in_snapshot && server->snapshot_statements > 0) {
            return error_set(err, STATUS_LOST,
                    "the connection to server \"%s\" was lost during this statement",
                    server->name);
        }
        server_end_session(server);
        server->reconnects++;
    }
    if (server->session == NULL) {
        status = server_connect(server, err);
    }
    if (status == STATUS_OK) {
        session_pool_wake(server->session);
        *out = server->session;
    }
    return status;
}

enum status server_snapshot(struct server *server, struct session **out, struct error *err) {
    const struct driver *driver = server->target.driver;
    struct transaction_options options = { .idle_ms = server->idle_ms };
    enum status status;

    if (server->transaction.tables > 0) {
        return transaction_read(server, out, err);
    }
    status = server_session(server, out, err);

    if (status == STATUS_OK && !server->in_snapshot) {
        if ((driver->capabilities & DRIVER_SNAPSHOT) != 0) {
            status = driver->begin(*out, &options, err);
        }
        if (status == STATUS_OK) {
            server->in_snapshot = true;
            server->snapshot_statements = 0;
        }
    }
    return status;
}

void server_end_snapshot(struct server *server) {
    if (server->in_snapshot && server->session != NULL &&
            (server->target.driver->capabilities & DRIVER_SNAPSHOT) != 0) {
        server->target.driver->finish(server->session);
    }
    server->in_snapshot = false;
    server->snapshot_statements = 0;
    lookup_forget(server);
}

void server_wrote(struct server *server) {
    server->writes++;
    lookup_forget(server);
}

void server_open_reader(struct server *server, struct reader *reader) {
    if (server->cursors++ == 0) {
        server->connection->builtins_known = false;
    }
    reader->next = server->readers;
    server->readers = reader;
}

/* The last reader of a session that was put aside ends it. */
static void aside_close_reader(struct server *server, struct aside *aside) {
    struct aside **at = &server->asides;

    if (--aside->readers > 0) {
        return;
    }
    while (*at != aside) {
        at = &(*at)->next;
    }
    *at = aside->next;
    counts_add(&server->past, &aside->session->counts);
    session_pool_give(aside->session);
    memory_free(aside);
}

enum status server_step_aside(struct server *server, struct error *err) {
    struct aside *aside = memory_alloc(sizeof(*aside));

    if (aside == NULL) {
        return error_nomem(err);
    }
    aside->session = server->session;
    for (struct reader *reader = server->readers; reader != NULL; reader = reader->next) {
        if (reader->aside == NULL && !reader->ended) {
            reader->aside = aside;
            aside->readers++;
        }
    }
    server->cursors -= aside->readers;
    aside->next = server->asides;
    server->asides = aside;
    server->session = NULL;
    lookup_forget(server);
    server->in_snapshot = false;
    server->snapshot_statements = 0;
    return STATUS_OK;
}

void server_close_reader(struct server *server, struct reader *reader) {
    struct reader **at = &server->readers;

    reader_forget_drained(reader);

    while (*at != reader) {
        at = &(*at)->next;
    }
    *at = reader->next;
    if (reader->aside != NULL) {
        aside_close_reader(server, reader->aside);
        return;
    }
    if (--server->cursors > 0) {
        return;
    }
    lookup_forget(server); /* in a transaction another statement may see what others wrote */
    if (server->transaction.tables == 0) {
        server_end_snapshot(server);
        server_close_foreign(server);
        if (server->session != NULL) {
            session_pool_rest(server->session);
        }
        if (server->removed) {
            server_end_session(server);
        }
    }
}

void server_restart(struct server *server) {
    if (server->transaction.begun) {
        return; /* what it wrote and read would be another's */
    }
    server_end_snapshot(server);
    if (server->session != NULL && server->session->broken) {
        server_end_session(server);
        server->reconnects++;
    }
}

enum server_state server_state(const struct server *server) {
    if (server->session == NULL) {
        return SERVER_NEW;
    }
    if (server->session->broken) {
        return SERVER_BROKEN;
    }
    if (server->transaction.tables > 0) {
        return SERVER_TRANSACTION;
    }
    return server->cursors > 0 ? SERVER_BUSY : SERVER_IDLE;
}

struct session_counts server_counts(const struct server *server) {
    struct session_counts counts = server->past;

    if (server->session != NULL) {
        counts_add(&counts, &server->session->counts);
    }
    return counts;
}

double server_latency_ms(const struct server *server) {
    if (options_given(&server->options, "latency_ms")) {
        return (double)options_integer(&server->options, "latency_ms");
    }
    return server->session != NULL ? server->session->latency_ms : 0;
}
