/* See remote.h: one record of functions per kind of database. */
#include "tests/contract/remote.h"

#include "base/sqlite.h"

#include <libpq-fe.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct remote {
    const char *driver_name;
    void (*connect)(const char *url);
    const char *(*run)(const char *sql); /* NULL, or what went wrong */
    void (*disconnect)(void);
};

static const struct remote *remote;

/* ---- SQLite ------------------------------------------------------------------------ */

static sqlite3 *file;
static char directory[] = "/tmp/drawbridge-contract-XXXXXX";
static char file_url[sizeof(directory) + 32];
static bool own_file;

/* With a write-ahead log, so that this client can write below an open snapshot. */
static void file_connect(const char *url) {
    if (sqlite3_open(strchr(url, ':') + 1, &file) != SQLITE_OK ||
            sqlite3_exec(file, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "Bail out! %s: %s\n", url, sqlite3_errmsg(file));
        exit(1);
    }
}

static const char *file_run(const char *sql) {
    return sqlite3_exec(file, sql, NULL, NULL, NULL) == SQLITE_OK ? NULL : sqlite3_errmsg(file);
}

static void file_disconnect(void) {
    sqlite3_close(file);
    if (own_file) {
        unlink(strchr(file_url, ':') + 1);
        rmdir(directory);
    }
}

/* ---- PostgreSQL -------------------------------------------------------------------- */

static PGconn *server;

static void ignore_notice(void *context, const char *message) {
    (void)context;
    (void)message;
}

static void server_connect(const char *url) {
    server = PQconnectdb(url);
    if (PQstatus(server) != CONNECTION_OK) {
        fprintf(stderr, "Bail out! %s\n", PQerrorMessage(server));
        exit(1);
    }
    PQsetNoticeProcessor(server, ignore_notice, NULL);
}

/* Behind a PostgREST server. */
static void database_connect(const char *url) {
    const char *database = getenv("CONTRACT_DATABASE");

    (void)url;
    if (database == NULL) {
        fprintf(stderr, "Bail out! CONTRACT_DATABASE is not set\n");
        exit(1);
    }
    server_connect(database);
}

static const char *server_run(const char *sql) {
    PGresult *result = PQexec(server, sql);
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? NULL
                                                                   : PQerrorMessage(server);
}

static void server_disconnect(void) {
    PQfinish(server);
}

/* ------------------------------------------------------------------------------------ */

static const struct remote remotes[] = {
    { "sqlite", file_connect, file_run, file_disconnect },
    { "postgres", server_connect, server_run, server_disconnect },
    { "postgrest", database_connect, server_run, server_disconnect },
};

const char *remote_url(void) {
    const char *url = getenv("CONTRACT_URL");

    if (url != NULL && url[0] != '\0') {
        return url;
    }
    if (mkdtemp(directory) == NULL) {
        fprintf(stderr, "Bail out! could not make a temporary directory\n");
        exit(1);
    }
    own_file = true;
    snprintf(file_url, sizeof(file_url), "sqlite:%s/contract.db", directory);
    return file_url;
}

void remote_connect(const char *driver_name, const char *url) {
    for (size_t i = 0; i < sizeof(remotes) / sizeof(remotes[0]); i++) {
        if (strcmp(remotes[i].driver_name, driver_name) == 0) {
            remote = &remotes[i];
            remote->connect(url);
            return;
        }
    }
    fprintf(stderr, "Bail out! no second client for driver %s\n", driver_name);
    exit(1);
}

void remote_run(const char *sql) {
    const char *why = remote->run(sql);

    if (why != NULL) {
        fail_msg("%s: %s", sql, why);
    }
}

void remote_try(const char *sql) {
    (void)remote->run(sql);
}

void remote_disconnect(void) {
    remote->disconnect();
}
