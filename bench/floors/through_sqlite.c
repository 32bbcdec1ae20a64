/* A program that reads through SQLite in C, every value of every row: with this project's
 * extension, with a rival's, or with local tables alone.
 *
 *     through_sqlite DATABASE [-1] [-x EXTENSION]... [-s SETUP]... [-k KEYS_MAX] [-r REPEAT]
 *                    [-p PREFIX] SQL
 *
 * REPEAT executions of SQL make one run; ?1, if there is one, is a key of struct keys. -1: no
 * row is read after the first. */
#include "bench/floors/measure.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

struct reader {
    sqlite3 *db;
    sqlite3_stmt *statement;
    struct keys keys;
    bool first_only;
    volatile unsigned char touched; /* the last byte of a text: it has to be there */
};

static void take(struct reader *reader, struct run *run, int column) {
    sqlite3_stmt *statement = reader->statement;

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        run->sum += (uint64_t)sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        reader->touched = sqlite3_column_double(statement, column) > 0;
        break;
    case SQLITE_TEXT: {
        const unsigned char *text = sqlite3_column_text(statement, column);
        int bytes = sqlite3_column_bytes(statement, column);

        reader->touched = bytes > 0 ? text[bytes - 1] : 0;
        break;
    }
    case SQLITE_BLOB: {
        const unsigned char *blob = sqlite3_column_blob(statement, column);
        int bytes = sqlite3_column_bytes(statement, column);

        reader->touched = bytes > 0 ? blob[bytes - 1] : 0;
        break;
    }
    default: /* NULL */
        break;
    }
}

static bool bind_key(struct reader *reader, int64_t i) {
    int code;

    if (sqlite3_bind_parameter_count(reader->statement) == 0) {
        return true;
    }
    if (reader->keys.prefix == NULL) {
        code = sqlite3_bind_int64(reader->statement, 1, keys_number(&reader->keys, i));
    } else {
        code = sqlite3_bind_text(
                reader->statement, 1, keys_text(&reader->keys, i), -1, SQLITE_TRANSIENT);
    }
    return code == SQLITE_OK || complain("bind", sqlite3_errmsg(reader->db));
}

static bool run_statement(void *context, struct run *run) {
    struct reader *reader = context;
    int columns = sqlite3_column_count(reader->statement);

    for (int64_t i = 0; i < reader->keys.repeat; i++) {
        int code;

        if (!bind_key(reader, i)) {
            return false;
        }
        while ((code = sqlite3_step(reader->statement)) == SQLITE_ROW) {
            run_row(run);
            for (int column = 0; column < columns; column++) {
                take(reader, run, column);
            }
            if (reader->first_only) {
                code = SQLITE_DONE;
                break;
            }
        }
        sqlite3_reset(reader->statement);
        if (code != SQLITE_DONE) {
            return complain(sqlite3_sql(reader->statement), sqlite3_errmsg(reader->db));
        }
    }
    return true;
}

static bool set_up(struct reader *reader, int option, const char *word) {
    char *why = NULL;
    int code;

    if (option == 'x') {
        code = sqlite3_load_extension(reader->db, word, NULL, &why);
    } else {
        code = sqlite3_exec(reader->db, word, NULL, NULL, &why);
    }
    if (code != SQLITE_OK) {
        complain(word, why != NULL ? why : sqlite3_errmsg(reader->db));
    }
    sqlite3_free(why);
    return code == SQLITE_OK;
}

/* One thread is all there is: without SQLite's mutex around each sqlite3_column_*() call, which
 * is a fifth of a scan's time, for every contender alike. */
static bool open_database(struct reader *reader, const char *name) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

    return (sqlite3_open_v2(name, &reader->db, flags, NULL) == SQLITE_OK &&
                   sqlite3_enable_load_extension(reader->db, 1) == SQLITE_OK) ||
           complain(name, sqlite3_errmsg(reader->db));
}

static bool read_options(struct reader *reader, int argc, char **argv) {
    int option;

    while ((option = getopt(argc, argv, "1x:s:k:r:p:")) != -1) {
        switch (option) {
        case '1':
            reader->first_only = true;
            break;
        case 'x':
        case 's':
            if (!set_up(reader, option, optarg)) {
                return false;
            }
            break;
        case 'k':
            reader->keys.keys_max = number_argument(optarg);
            break;
        case 'r':
            reader->keys.repeat = number_argument(optarg);
            break;
        case 'p':
            reader->keys.prefix = optarg;
            break;
        default:
            return false;
        }
    }
    return argc - optind == 1 || complain(argv[0], "one statement after the options");
}

int main(int argc, char **argv) {
    struct reader reader = { .keys.repeat = 1 };
    int status = 1;

    if (argc < 3) {
        complain(argv[0], "DATABASE [OPTION]... SQL");
        return 2;
    }
    if (!open_database(&reader, argv[1]) || !read_options(&reader, argc - 1, argv + 1)) {
        goto out;
    }
    if (sqlite3_prepare_v2(reader.db, argv[1 + optind], -1, &reader.statement, NULL) !=
            SQLITE_OK) {
        complain(argv[1 + optind], sqlite3_errmsg(reader.db));
        goto out;
    }
    status = measure_serve(run_statement, &reader);
out:
    sqlite3_finalize(reader.statement);
    sqlite3_close(reader.db);
    return status;
}
