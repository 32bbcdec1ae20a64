/* Many threads, each with a SQLite connection of its own, ask the same remote and write to it:
 * what they share is the pool of sessions and the extension's constants. Run by
 * test_threads.py; built with the thread sanitizer by `./check tsan`. It prints how many
 * queries were answered right, and how many not at all, since the session was gone.
 *
 *   POSTGRES_URL=... threads EXTENSION THREADS QUERIES [tenants]
 *
 * tenants: the threads are two roles in turn, each with a setting of its own, and nearly every
 * query takes a session from the pool. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS_MAX = 64,
    QUERIES_PER_CONNECTION = 25,
    QUERIES_PER_TENANT = 2,
    TENANTS = 2,
    QUERIES_PER_END = 25
};

struct worker {
    pthread_t thread;
    const char *extension, *url;
    int number, queries, right, lost;
    bool tenant;
};

/* Tenants end each other's sessions: what is said of that is no failure. */
static bool was_lost(const struct worker *worker, sqlite3 *db) {
    const char *message = sqlite3_errmsg(db);

    return worker->tenant && (strstr(message, "connection to server was lost") != NULL ||
                                     strstr(message, "terminating connection") != NULL);
}

static int answer(struct worker *worker, sqlite3 *db, const char *sql, int parameter,
        sqlite3_int64 *value) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK && sqlite3_bind_parameter_count(stmt) > 0) {
        code = sqlite3_bind_int(stmt, 1, parameter);
    }
    if (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        *value = sqlite3_column_int64(stmt, 0);
    }
    code = sqlite3_finalize(stmt);
    if (code != SQLITE_OK && was_lost(worker, db)) {
        worker->lost++;
    } else if (code != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    }
    return code;
}

static sqlite3_stmt *prepare_attach(const struct worker *worker, sqlite3 *db) {
    sqlite3_stmt *stmt = NULL;
    char words[128];

    snprintf(words, sizeof(words),
            "SELECT bridge_attach(?, 'name=s', 'role=tenant_%d', 'set.app.tenant=%d')",
            worker->number % TENANTS, worker->number % TENANTS);
    sqlite3_prepare_v2(db, worker->tenant ? words : "SELECT bridge_attach(?)", -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, worker->url, -1, SQLITE_STATIC);
    return stmt;
}

/* Every few queries the connection is closed and another opened, so that sessions change hands.
 * NULL: it could not be attached. */
static sqlite3 *open_attached(struct worker *worker) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    char *message = NULL;
    int code = sqlite3_open(":memory:", &db);

    if (code == SQLITE_OK) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
        code = sqlite3_load_extension(db, worker->extension, NULL, &message);
    }
    if (code == SQLITE_OK) {
        stmt = prepare_attach(worker, db);
        code = sqlite3_step(stmt) == SQLITE_ROW ? SQLITE_OK : SQLITE_ERROR;
        sqlite3_finalize(stmt);
    }
    if (code != SQLITE_OK && !was_lost(worker, db)) {
        fprintf(stderr, "%s: %s\n", worker->extension,
                message != NULL ? message : sqlite3_errmsg(db));
    }
    sqlite3_free(message);
    if (code != SQLITE_OK) {
        sqlite3_close(db);
        db = NULL;
    }
    return db;
}

/* t holds id 1 to 1000 and twice that; what is put into w is read again. */
static bool ask(sqlite3 *db, struct worker *worker, int turn) {
    static const char *const queries[] = { "SELECT twice / 2 FROM t WHERE id = ?",
        "SELECT count(*) FROM t WHERE id <= ?", "SELECT max(id) FROM t WHERE twice <= ? * 2",
        "SELECT id FROM t WHERE id >= ? ORDER BY id LIMIT 1",
        "SELECT max(turn) FROM w WHERE id = last_insert_rowid() AND turn = ?" };
    int parameter = (worker->number * 131 + turn * 7) % 1000 + 1;
    sqlite3_int64 value = -1;

    if (turn % 5 == 4) {
        answer(worker, db, "INSERT INTO w(turn) VALUES (?)", parameter, &value);
    }
    answer(worker, db, queries[turn % 5], parameter, &value);
    return value == parameter;
}

/* mine tells which tenant asks, by role and by setting; end_one() ends somebody's session. */
static bool ask_tenant(sqlite3 *db, struct worker *worker, int turn) {
    sqlite3_int64 value = worker->number % TENANTS, ended;
    bool answered;

    if (turn % QUERIES_PER_END == 0) {
        answer(worker, db, "SELECT count(*) FROM bridge_query('s', 'SELECT end_one()')", 0,
                &ended);
    }
    answered = answer(worker, db, "SELECT tenant FROM mine", 0, &value) == SQLITE_OK;

    if (answered && value != worker->number % TENANTS) {
        fprintf(stderr, "tenant %d was answered as %lld\n", worker->number % TENANTS,
                (long long)value);
        answered = false;
    }
    return answered;
}

static void *work(void *argument) {
    struct worker *worker = argument;
    int per_connection = worker->tenant ? QUERIES_PER_TENANT : QUERIES_PER_CONNECTION;
    sqlite3 *db = NULL;

    for (int turn = 0; turn < worker->queries; turn++) {
        if (db == NULL || turn % per_connection == 0) {
            sqlite3_close(db);
            db = open_attached(worker);
        }
        if (db == NULL) {
            worker->lost++;
        } else {
            worker->right +=
                    worker->tenant ? ask_tenant(db, worker, turn) : ask(db, worker, turn);
        }
    }
    sqlite3_close(db);
    return NULL;
}

int main(int argc, char **argv) {
    static struct worker workers[THREADS_MAX];
    long count = argc == 4 || argc == 5 ? strtol(argv[2], NULL, 10) : 0;
    int right = 0, lost = 0;

    if (getenv("POSTGRES_URL") == NULL || count < 1 || count > THREADS_MAX) {
        fprintf(stderr,
                "usage: POSTGRES_URL=... threads EXTENSION THREADS QUERIES [tenants]\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){ .extension = argv[1],
            .url = getenv("POSTGRES_URL"),
            .number = i,
            .tenant = argc == 5,
            .queries = (int)strtol(argv[3], NULL, 10) };
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        right += workers[i].right;
        lost += workers[i].lost;
    }
    printf("%d %d\n", right, lost);
    return 0;
}
