/* bridge_query(server, sql, argument...): a statement of the user's own goes to the server as
 * it is, its rows come back as JSON objects. Reading only, within the server's snapshot. */
#include "vtab/cell.h"
#include "vtab/connection.h"
#include "vtab/module.h"
#include "vtab/rows.h"
#include "vtab/transaction.h"
#include "vtab/words.h"

enum { QUERY_SERVER, QUERY_SQL, QUERY_FIRST_ARGUMENT, QUERY_ARGUMENTS_MAX = 8 };

struct query_state {
    struct server *server; /* one reference */
    struct reader reader;
    struct batch batch;
    int64_t row; /* of the last one given */
};

static void query_end(void *pointer) {
    struct query_state *state = pointer;

    if (state->reader.scan != NULL) {
        state->server->target.driver->scan_end(state->reader.scan);
    }
    server_close_reader(state->server, &state->reader);
    server_release(state->server);
    batch_clear(&state->batch);
    memory_free(state);
}

static void query_put_row(struct query_state *state, int64_t row, struct rows *rows) {
    const union cell *cell = batch_cell(&state->batch, 0, row);

    rows_put_integer(rows, ++state->row);
    if (batch_kind(&state->batch, 0, row) == VALUE_NULL) {
        rows_put_null(rows);
    } else {
        rows_put_bytes(rows, state->batch.heap + cell->start, cell->length);
    }
}

static enum status query_more(void *pointer, struct rows *rows, struct error *err) {
    struct query_state *state = pointer;
    enum status status = reader_next(state->server, &state->reader, &state->batch, err);

    if (status != STATUS_OK) {
        server_failed(state->server, err);
        return status;
    }
    for (int64_t row = 0; row < state->batch.rows; row++) {
        query_put_row(state, row, rows);
    }
    return STATUS_OK;
}

/* Arguments behind the last one given are absent, those before it NULL. */
static enum status query_run(struct query_state *state, const char *sql,
        const struct rows_arguments *arguments, struct error *err) {
    struct value values[QUERY_ARGUMENTS_MAX] = { { .kind = VALUE_NULL } };
    struct server *server = state->server;
    struct session *session;
    size_t count = 0;
    enum status status = server_snapshot(server, &session, err);

    for (int i = QUERY_FIRST_ARGUMENT; status == STATUS_OK && i < arguments->count;
            i++, count++) {
        values[count].kind = VALUE_NULL;
        if (arguments->values[i] != NULL) {
            status = cell_value(arguments->values[i], NULL, &values[count], err);
        }
    }
    if (status == STATUS_OK) {
        server->snapshot_statements++;
        status = server->target.driver->query_start(
                session, sql, values, count, &state->reader.scan, err);
        if (status != STATUS_OK) {
            server_failed(server, err);
        }
    }
    return status;
}

static enum status query_find_server(struct connection *connection, const char *name,
        struct server **out, struct error *err) {
    struct server *server;
    enum status status;

    if (connection->locked) {
        return error_set(err, STATUS_DENIED, "the bridge is locked: bridge_query is refused");
    }
    status = words_find_server(connection, name, &server, err);
    if (status != STATUS_OK) {
        return status;
    }
    if ((server->target.driver->capabilities & DRIVER_SQL) == 0) {
        return error_set(err, STATUS_UNSUPPORTED, "server \"%s\" takes no statements", name);
    }
    *out = server;
    return STATUS_OK;
}

static enum status query_start(struct connection *connection,
        const struct rows_arguments *arguments, struct rows *rows, void **out,
        struct error *err) {
    const char *name = (const char *)sqlite3_value_text(arguments->values[QUERY_SERVER]);
    const char *sql = (const char *)sqlite3_value_text(arguments->values[QUERY_SQL]);
    struct query_state *state;
    struct server *server = NULL;
    enum status status;

    if (name == NULL || sql == NULL) {
        return error_nomem(err);
    }
    status = query_find_server(connection, name, &server, err);
    if (status != STATUS_OK) {
        return status;
    }
    state = memory_alloc(sizeof(*state));
    if (state == NULL) {
        return error_nomem(err);
    }
    state->server = server_retain(server);
    server_open_reader(server, &state->reader);
    *out = state; /* from here query_end() frees it */
    status = query_run(state, sql, arguments, err);
    return status == STATUS_OK ? query_more(state, rows, err) : status;
}

static const struct rows_source query_source = {
    .name = "bridge_query",
    .columns = "n INTEGER, row TEXT",
    .hidden = "server HIDDEN, sql HIDDEN, arg1 HIDDEN, arg2 HIDDEN, arg3 HIDDEN, arg4 HIDDEN, "
              "arg5 HIDDEN, arg6 HIDDEN, arg7 HIDDEN, arg8 HIDDEN",
    .column_count = 2,
    .argument_count = QUERY_FIRST_ARGUMENT + QUERY_ARGUMENTS_MAX,
    .arguments_needed = QUERY_FIRST_ARGUMENT,
    .usage = "bridge_query(server, sql, argument...) needs a server and a statement",
    .only_column = -1,
    .start = query_start,
    .more = query_more,
    .end = query_end,
};

int query_table_register(struct connection *connection) {
    return rows_register(connection, &query_source);
}
