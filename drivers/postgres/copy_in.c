/* COPY ... FROM STDIN on a session: bytes go as they are made, while the server stores those
 * before them. As for the other direction (copy_wire.c) the session is out of pipeline mode as
 * long as it lasts; whoever needs it meanwhile ends the COPY first. */
#include "drivers/postgres/copy.h"

/* Until the server takes data, or has refused. */
static enum status wait_for_feeding(struct pg_request *request, struct error *err) {
    struct pg_session *session = request->session;
    struct pg_wait waiting = pg_wait_begin(session, pg_now_ms());
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !request->feeding && !request->done) {
        status = pg_session_read(session, err);
        if (status == STATUS_OK && !request->feeding && !request->done) {
            status = pg_session_wait(session, &waiting, err);
        }
    }
    return status;
}

enum status pg_copy_in_start(struct pg_request *request, const char *sql, struct error *err) {
    double start = pg_now_ms();
    enum status status;

    request->feeds = true;
    status = pg_copy_send(request, sql, err);
    if (status == STATUS_OK) {
        status = wait_for_feeding(request, err);
    }
    request->waited_ms = pg_now_ms() - start;
    return status;
}

/* Until libpq has nothing left to send. What the server says meanwhile is read, lest both wait
 * for each other. */
static enum status drain(struct pg_request *request, struct error *err) {
    struct pg_session *session = request->session;
    struct pg_wait waiting = { 0 };
    double start = 0;
    enum status status = STATUS_OK;
    int left = PQflush(session->connection);

    while (status == STATUS_OK && left > 0) {
        if (start <= 0) {
            start = pg_now_ms();
            waiting = pg_wait_begin(session, start);
        }
        status = pg_session_wait(session, &waiting, err);
        if (status == STATUS_OK) {
            status = pg_session_read(session, err);
        }
        left = status == STATUS_OK ? PQflush(session->connection) : 0;
    }
    request->waited_ms += start > 0 ? pg_now_ms() - start : 0;
    return status == STATUS_OK && left < 0 ? pg_session_failed(session, err) : status;
}

/* What was put before must be gone first, so that no more than two pieces wait in memory. */
enum status pg_copy_in_put(
        struct pg_request *request, const char *bytes, size_t length, struct error *err) {
    struct pg_session *session = request->session;
    enum status status = pg_session_check(session, err);

    if (status == STATUS_OK) {
        status = drain(request, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (PQputCopyData(session->connection, bytes, (int)length) <= 0 ||
            PQflush(session->connection) < 0) {
        return pg_session_failed(session, err);
    }
    session->base.counts.bytes_out += (int64_t)length;
    return STATUS_OK;
}

void pg_copy_in_close(struct pg_request *request, const char *why) {
    struct pg_session *session = request->session;

    if (!request->feeding) {
        return;
    }
    request->feeding = false;
    request->trip = session->base.counts.round_trips;
    /* A failure shows in what is read next. */
    PQputCopyEnd(session->connection, why);
    PQflush(session->connection);
}

enum status pg_copy_in_end(struct pg_request *request, struct error *err) {
    if (!request->done) {
        pg_copy_in_close(request, NULL);
    }
    return pg_request_wait(request, err);
}
