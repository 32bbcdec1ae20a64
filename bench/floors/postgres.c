/* The floors: libpq alone, every value decoded. Also the client of postgres_fdw, whose work is
 * done inside a server.
 *
 *     postgres [-1] [-s SETUP]... [-k KEYS_MAX] [-r REPEAT] [-p PREFIX] MODE CONNINFO SQL
 *
 * MODE is a row of the table at the end of this file. REPEAT executions make one run; $1 is
 * then a key of struct keys (in mode "any": an array of REPEAT of them, executed once). */
#include "bench/floors/decode.h"
#include "bench/floors/measure.h"

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COLUMNS_MAX = 64,
    SETUPS_MAX = 16,
    PARTS_MAX = 16,
    COPY_HEADER_BYTES = 19,
    KEY_BYTES_MAX = 24,
    LOADED_ROW_BYTES_MAX = 80
};

struct client {
    PGconn *connection;
    const char *conninfo;
    const char *sql;
    char *text;           /* what is sent: COPY around sql, the array of keys, or rows */
    const char *text_end; /* of rows */
    struct keys keys;
    bool first_only;
    unsigned types[COLUMNS_MAX];
    struct decoded decoded;
    struct client *parts; /* of mode "copies" */
    size_t part_count;
};

static bool good(struct client *client, PGresult *result, ExecStatusType expected) {
    if (PQresultStatus(result) != expected) {
        complain(client->sql, PQerrorMessage(client->connection));
        PQclear(result);
        return false;
    }
    return true;
}

static bool execute(struct client *client, const char *sql) {
    PGresult *result = PQexec(client->connection, sql);

    if (PQresultStatus(result) != PGRES_TUPLES_OK && !good(client, result, PGRES_COMMAND_OK)) {
        return false;
    }
    PQclear(result);
    return true;
}

static void take(
        struct client *client, struct run *run, int column, const char *bytes, int length) {
    decode_value(client->types[column], bytes, (size_t)length, &client->decoded);
    run->sum += (uint64_t)client->decoded.integer;
}

static void take_result(struct client *client, struct run *run, const PGresult *result) {
    for (int row = 0; row < PQntuples(result); row++) {
        run_row(run);
        for (int column = 0; column < PQnfields(result); column++) {
            if (!PQgetisnull(result, row, column)) {
                take(client, run, column, PQgetvalue(result, row, column),
                        PQgetlength(result, row, column));
            }
        }
    }
}

/* One row of COPY BINARY: a count of fields, then a length (-1: NULL) and bytes for each. */
static void take_copied(struct client *client, struct run *run, const char *bytes) {
    int fields = read_int16(bytes);

    if (fields < 0) {
        return; /* the trailer */
    }
    bytes += 2;
    run_row(run);
    for (int column = 0; column < fields; column++) {
        int length = read_int32(bytes);

        bytes += 4;
        if (length >= 0) {
            take(client, run, column, bytes, length);
            bytes += length;
        }
    }
}

static void cancel(struct client *client) {
    char why[256];
    PGcancel *request = PQgetCancel(client->connection);

    if (request == NULL || PQcancel(request, why, sizeof why) == 0) {
        complain("cancel", request != NULL ? why : "out of memory");
    }
    PQfreeCancel(request);
}

/* Reads what COPY sends, to its end; gives whether the first row had the rest cancelled. */
static bool read_copied(struct client *client, struct run *run) {
    bool header = true, cancelled = false;
    char *bytes;
    int length;

    while ((length = PQgetCopyData(client->connection, &bytes, 0)) > 0) {
        int skipped = header ? COPY_HEADER_BYTES : 0;

        if (!cancelled && length > skipped) { /* the header may come alone */
            take_copied(client, run, bytes + skipped);
        }
        header = false;
        PQfreemem(bytes);
        if (client->first_only && run->rows == 1 && !cancelled) {
            cancel(client);
            cancelled = true;
        }
    }
    return cancelled;
}

static bool run_copy(void *context, struct run *run) {
    struct client *client = context;
    PGresult *result = PQexec(client->connection, client->text);
    bool cancelled;

    if (!good(client, result, PGRES_COPY_OUT)) {
        return false;
    }
    PQclear(result);
    cancelled = read_copied(client, run);
    result = PQgetResult(client->connection);
    if (!cancelled && !good(client, result, PGRES_COMMAND_OK)) {
        return false;
    }
    PQclear(result);
    return PQgetResult(client->connection) == NULL;
}

static bool run_prepared(void *context, struct run *run) {
    struct client *client = context;
    bool keyed = client->keys.keys_max > 0;

    for (int64_t i = 0; i < client->keys.repeat; i++) {
        const char *key = keyed ? keys_text(&client->keys, i) : NULL;
        PGresult *result = PQexecPrepared(client->connection, "q", keyed, &key, NULL, NULL, 1);

        if (!good(client, result, PGRES_TUPLES_OK)) {
            return false;
        }
        take_result(client, run, result);
        PQclear(result);
    }
    return true;
}

static bool run_any(void *context, struct run *run) {
    struct client *client = context;
    const char *array = client->text;
    PGresult *result = PQexecPrepared(client->connection, "q", 1, &array, NULL, NULL, 1);

    if (!good(client, result, PGRES_TUPLES_OK)) {
        return false;
    }
    take_result(client, run, result);
    PQclear(result);
    return true;
}

/* A command that is not a query, or one whose rows are read as text. */
static bool run_simple(void *context, struct run *run) {
    struct client *client = context;
    PGresult *result = PQexec(client->connection, client->sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK && !good(client, result, PGRES_TUPLES_OK)) {
        return false;
    }
    for (int row = 0; row < PQntuples(result); row++) {
        run_row(run);
    }
    PQclear(result);
    return true;
}

static char *put_bytes(char *to, uint64_t number, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) {
        *to++ = (char)(number >> (8 * i));
    }
    return to;
}

/* REPEAT rows of an int4, an int8 and a text, as the contenders' local tables have them, in the
 * binary format of COPY. */
static bool write_rows(struct client *client) {
    static const char signature[] = "PGCOPY\n\377\r\n";
    char *to =
            malloc((size_t)client->keys.repeat * LOADED_ROW_BYTES_MAX + COPY_HEADER_BYTES + 2);
    char text[LOADED_ROW_BYTES_MAX / 2];

    client->text = to;
    if (to == NULL) {
        return complain("load", "out of memory");
    }
    memcpy(to, signature, sizeof signature);
    to = put_bytes(to + sizeof signature, 0, COPY_HEADER_BYTES - (int)sizeof signature);
    for (int64_t i = 0; i < client->keys.repeat; i++) {
        int length = snprintf(text, sizeof text, "item number %lld", (long long)i);

        to = put_bytes(put_bytes(to, 3, 2), 4, 4);
        to = put_bytes(put_bytes(to, (uint64_t)i, 4), 8, 4);
        to = put_bytes(put_bytes(to, (uint64_t)i * 7, 8), (uint64_t)length, 4);
        memcpy(to, text, (size_t)length);
        to += length;
    }
    client->text_end = put_bytes(to, UINT16_MAX, 2);
    return true;
}

/* sql is COPY ... FROM STDIN (FORMAT binary). */
static bool run_load(void *context, struct run *run) {
    enum { PIECE_BYTES = 64 * 1024 };
    struct client *client = context;
    PGresult *result = PQexec(client->connection, client->sql);

    (void)run;
    if (!good(client, result, PGRES_COPY_IN)) {
        return false;
    }
    PQclear(result);
    for (const char *at = client->text; at < client->text_end; at += PIECE_BYTES) {
        ptrdiff_t left = client->text_end - at;

        PQputCopyData(client->connection, at, left < PIECE_BYTES ? (int)left : PIECE_BYTES);
    }
    PQputCopyEnd(client->connection, NULL);
    result = PQgetResult(client->connection);
    if (!good(client, result, PGRES_COMMAND_OK)) {
        return false;
    }
    PQclear(result);
    return PQgetResult(client->connection) == NULL;
}

static bool connect_client(struct client *client) {
    client->connection = PQconnectdb(client->conninfo);
    return PQstatus(client->connection) == CONNECTION_OK ||
           complain("connect", PQerrorMessage(client->connection));
}

/* Connects anew, then as "simple": what starting a program costs. */
static bool run_connect(void *context, struct run *run) {
    struct client *client = context;

    PQfinish(client->connection);
    return connect_client(client) && run_simple(client, run);
}

/* COPY says nothing of types, so the statement is prepared and described in any case. */
static bool prepare(struct client *client) {
    PGresult *result = PQprepare(client->connection, "q", client->sql, 0, NULL);
    bool described;

    if (!good(client, result, PGRES_COMMAND_OK)) {
        return false;
    }
    PQclear(result);
    result = PQdescribePrepared(client->connection, "q");
    described = good(client, result, PGRES_COMMAND_OK);
    if (!described) {
        return false;
    }
    described = PQnfields(result) <= COLUMNS_MAX || complain(client->sql, "too many columns");
    for (int i = 0; described && i < PQnfields(result); i++) {
        client->types[i] = PQftype(result, i);
    }
    PQclear(result);
    return described;
}

static bool write_copy(struct client *client) {
    size_t bytes = strlen(client->sql) + 64;

    client->text = malloc(bytes);
    if (client->text == NULL) {
        return complain("copy", "out of memory");
    }
    snprintf(client->text, bytes, "COPY (%s) TO STDOUT (FORMAT binary)", client->sql);
    return true;
}

static bool write_array(struct client *client) {
    char *end;

    client->text = malloc((size_t)client->keys.repeat * KEY_BYTES_MAX + 3);
    if (client->text == NULL) {
        return complain("any", "out of memory");
    }
    end = client->text;
    for (int64_t i = 0; i < client->keys.repeat; i++) {
        *end++ = i == 0 ? '{' : ',';
        end += snprintf(end, KEY_BYTES_MAX, "%s", keys_text(&client->keys, i));
    }
    memcpy(end, "}", 2);
    return true;
}

static bool run_copies(void *context, struct run *run) {
    struct client *client = context;
    bool good = true;

    for (size_t i = 0; i < client->part_count && good; i++) {
        good = run_copy(&client->parts[i], run);
    }
    return good;
}

/* Each line of the SQL becomes a client of its own on the same connection. */
static bool write_copies(struct client *client) {
    char *rest = NULL, *line;
    bool good = true;

    client->text = strdup(client->sql);
    client->parts = calloc(PARTS_MAX, sizeof *client->parts);
    if (client->text == NULL || client->parts == NULL) {
        return complain("copies", "out of memory");
    }
    line = strtok_r(client->text, "\n", &rest);
    for (; line != NULL && good; line = strtok_r(NULL, "\n", &rest)) {
        struct client *part = &client->parts[client->part_count];

        if (client->part_count == PARTS_MAX) {
            return complain("copies", "too many lines");
        }
        client->part_count++;
        part->connection = client->connection;
        part->sql = line;
        good = prepare(part) && write_copy(part) && execute(part, "DEALLOCATE q");
    }
    return good;
}

static const struct mode {
    const char *name;
    run_function run;
    bool prepared;
    bool (*write)(struct client *); /* makes client->text; NULL: not needed */
} modes[] = {
    { "copy", run_copy, true, write_copy },        /* COPY (sql) TO STDOUT (FORMAT binary) */
    { "copies", run_copies, false, write_copies }, /* one a line, one after the other */
    { "prepared", run_prepared, true, NULL },
    { "any", run_any, true, write_array },
    { "simple", run_simple, false, NULL },
    { "connect", run_connect, false, NULL },
    { "load", run_load, false, write_rows },
};

static const struct mode *find_mode(const char *name) {
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i].name, name) == 0) {
            return &modes[i];
        }
    }
    complain(name, "no such mode");
    exit(2);
}

/* The options into *client and setup; false when they are wrong. */
static bool read_options(struct client *client, int argc, char **argv, const char **setup) {
    int setups = 0, option;

    while ((option = getopt(argc, argv, "1s:k:r:p:")) != -1) {
        switch (option) {
        case '1':
            client->first_only = true;
            break;
        case 's':
            if (setups == SETUPS_MAX) {
                return complain(optarg, "too many statements before the run");
            }
            setup[setups++] = optarg;
            break;
        case 'k':
            client->keys.keys_max = number_argument(optarg);
            break;
        case 'r':
            client->keys.repeat = number_argument(optarg);
            break;
        case 'p':
            client->keys.prefix = optarg;
            break;
        default:
            return false;
        }
    }
    return argc - optind == 3 || complain(argv[0], "three arguments: MODE CONNINFO SQL");
}

int main(int argc, char **argv) {
    struct client client = { .keys.repeat = 1 };
    const char *setup[SETUPS_MAX + 1] = { NULL };
    const struct mode *mode;
    int status = 1;

    if (!read_options(&client, argc, argv, setup)) {
        return 2;
    }
    mode = find_mode(argv[optind]);
    client.conninfo = argv[optind + 1];
    client.sql = argv[optind + 2];
    if (!connect_client(&client)) {
        goto out;
    }
    for (int i = 0; setup[i] != NULL; i++) {
        if (!execute(&client, setup[i])) {
            goto out;
        }
    }
    if ((mode->prepared && !prepare(&client)) ||
            (mode->write != NULL && !mode->write(&client))) {
        goto out;
    }
    status = measure_serve(mode->run, &client);
out:
    for (size_t i = 0; i < client.part_count; i++) {
        free(client.parts[i].text);
    }
    free(client.parts);
    free(client.text);
    PQfinish(client.connection);
    return status;
}
