/* Many threads, each with a SQLite connection of its own, ask the same remote: what they share
 * is the pool of sessions and the extension's constants. Run by test_threads.py; built with the
 * thread sanitizer by `./check tsan`. It prints how many queries were answered right.
 *
 *   POSTGRES_URL=... threads EXTENSION THREADS QUERIES */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64, QUERIES_PER_CONNECTION = 25 };

struct worker {
    pthread_t thread;
    const char *extension, *url;
    int number, queries, right;
};

static int answer(sqlite3 *db, const char *sql, int parameter, sqlite3_int64 *value) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK && sqlite3_bind_parameter_count(stmt) > 0) {
        code = sqlite3_bind_int(stmt, 1, parameter);
    }
    if (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        *value = sqlite3_column_int64(stmt, 0);
    }
    code = sqlite3_finalize(stmt);
    if (code != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    }
    return code;
}

/* Every few queries the connection is closed and another opened, so that sessions change hands.
 */
static sqlite3 *open_attached(const struct worker *worker) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    char *message = NULL;
    int code = sqlite3_open(":memory:", &db);

    if (code == SQLITE_OK) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
        code = sqlite3_load_extension(db, worker->extension, NULL, &message);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(db, "SELECT bridge_attach(?)", -1, &stmt, NULL);
    }
    if (code == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, worker->url, -1, SQLITE_STATIC);
        code = sqlite3_step(stmt) == SQLITE_ROW ? SQLITE_OK : SQLITE_ERROR;
    }
    sqlite3_finalize(stmt);
    if (code != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", worker->extension,
                message != NULL ? message : sqlite3_errmsg(db));
    }
    sqlite3_free(message);
    return db;
}

/* t holds id 1 to 1000 and twice that. */
static int ask(sqlite3 *db, const struct worker *worker, int turn) {
    static const char *const queries[] = { "SELECT twice / 2 FROM t WHERE id = ?",
        "SELECT count(*) FROM t WHERE id <= ?", "SELECT max(id) FROM t WHERE twice <= ? * 2",
        "SELECT id FROM t WHERE id >= ? ORDER BY id LIMIT 1" };
    int parameter = (worker->number * 131 + turn * 7) % 1000 + 1;
    sqlite3_int64 value = -1;

    answer(db, queries[turn % 4], parameter, &value);
    return value == parameter;
}

static void *work(void *argument) {
    struct worker *worker = argument;
    sqlite3 *db = NULL;

    for (int turn = 0; turn < worker->queries; turn++) {
        if (turn % QUERIES_PER_CONNECTION == 0) {
            sqlite3_close(db);
            db = open_attached(worker);
        }
        worker->right += ask(db, worker, turn);
    }
    sqlite3_close(db);
    return NULL;
}

int main(int argc, char **argv) {
    static struct worker workers[THREADS_MAX];
    long count = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
    int right = 0;

    if (getenv("POSTGRES_URL") == NULL || count < 1 || count > THREADS_MAX) {
        fprintf(stderr, "usage: POSTGRES_URL=... threads EXTENSION THREADS QUERIES\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        workers[i] = (struct worker){ .extension = argv[1],
            .url = getenv("POSTGRES_URL"),
            .number = i,
            .queries = (int)strtol(argv[3], NULL, 10) };
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        right += workers[i].right;
    }
    printf("%d\n", right);
    return 0;
}
