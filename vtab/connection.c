/* One SQLite connection and the interrupt; its servers are in server.c. */
#include "vtab/connection.h"

#include "vtab/host.h"

#include <stdlib.h>
#include <string.h>

struct connection *connection_create(sqlite3 *db) {
    struct connection *connection = memory_alloc(sizeof(*connection));
    const char *lock = getenv("DRAWBRIDGE_LOCK");

    if (connection != NULL) {
        connection->db = db;
        connection->references = 1;
        sqlite3_randomness(sizeof(connection->row_key), connection->row_key);
        connection->locked = lock != NULL && strcmp(lock, "1") == 0;
    }
    return connection;
}

struct connection *connection_retain(struct connection *connection) {
    connection->references++;
    return connection;
}

void connection_release(void *pointer) {
    struct connection *connection = pointer;

    if (connection == NULL || --connection->references > 0) {
        return;
    }
    while (connection->servers != NULL) {
        server_remove(connection->servers);
    }
    while (connection->own != NULL) {
        struct own_definition *next = connection->own->next;

        memory_free(connection->own->place);
        memory_free(connection->own->name);
        memory_free(connection->own->arguments);
        memory_free(connection->own->server);
        memory_free(connection->own);
        connection->own = next;
    }
    log_clear(&connection->log);
    memory_free(connection);
}

/* The API of 3.40 cannot ask for the interrupt flag, and progress handlers belong to running
 * statements, so a small one is run: it ends with SQLITE_INTERRUPT when either says stop. Its
 * twenty thousand steps reach progress handlers of up to that many instructions. */
bool connection_interrupted(void *context) {
    static const char probe[] =
            "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n "
            "LIMIT 1500) SELECT max(i) FROM n";
    struct connection *connection = context;
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(connection->db, probe, -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_INTERRUPT;
}

enum status connection_is_utf16(struct connection *connection, bool *utf16, struct error *err) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(connection->db, "PRAGMA encoding", -1, &stmt, NULL);
    enum status status;

    *utf16 = true;
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);

        *utf16 = name == NULL || strcmp(name, "UTF-8") != 0;
    }
    status = host_looked(connection->db, code, err);
    sqlite3_finalize(stmt);
    return status;
}
