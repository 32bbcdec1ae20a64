/* Waiting for what the server sends, so that the host may stop it. */
#include "drivers/postgres/wire.h"

#include <poll.h>
#include <sched.h>

void pg_session_poll(struct pg_session *session, int ms) {
    struct pollfd wire = { .fd = PQsocket(session->connection), .events = POLLIN };

    if (PQflush(session->connection) > 0) {
        wire.events |= POLLOUT;
    }
    poll(&wire, 1, ms); /* whatever it says, the caller reads and looks */
}

/* A server that is stopped or out of reach does not keep statement_timeout, and none does so in
 * COMMIT. heard_ms: when something came last. */
static bool wait_is_late(const struct pg_session *session, double heard_ms, double now_ms) {
    return session->statement_timeout_ms > 0 && session->deadline_ms <= 0 &&
           now_ms > heard_ms + (double)session->statement_timeout_ms + STATEMENT_GRACE_MS;
}

enum status pg_session_wait(
        struct pg_session *session, struct pg_wait *wait, struct error *err) {
    double now;

    if (session->base.counts.bytes_in != wait->bytes_in) {
        wait->bytes_in = session->base.counts.bytes_in;
        wait->heard_ms = pg_now_ms();
    }
    pg_session_poll(session, WAIT_SLICE_MS);
    now = pg_now_ms();
    if (now - wait->asked_ms < WAIT_SLICE_MS) {
        return STATUS_OK;
    }
    wait->asked_ms = now;
    if (wait_is_late(session, wait->heard_ms, now)) {
        return pg_session_time_out(session, err);
    }
    if (session->deadline_ms > 0 && now > session->deadline_ms) {
        return pg_session_break(session, STATUS_LOST, "no answer in time", err);
    }
    if (session->base.host.interrupted != NULL &&
            session->base.host.interrupted(session->base.host.context)) {
        pg_session_cancel(session);
        return error_set(err, STATUS_CANCELLED, "interrupted");
    }
    return STATUS_OK;
}

/* A process that sleeps is woken late: on a virtual machine by more than a server next door
 * takes for a lookup. So the first moments are waited for awake, and others get their turn in
 * between; who has found a few times that this was in vain tries it seldom. */
enum { SPIN_US = 100, MISSES_MAX = 4, TRY_AGAIN = 64 };

static void wait_awake(struct pg_session *session) {
    struct pollfd wire = { .fd = PQsocket(session->connection), .events = POLLIN };
    double until;

    if (session->spins_missed >= MISSES_MAX && ++session->spins_missed % TRY_AGAIN != 0) {
        return;
    }
    until = pg_now_ms() + SPIN_US / 1e3;
    while (pg_now_ms() < until) {
        if (poll(&wire, 1, 0) > 0) {
            session->spins_missed = 0;
            return;
        }
        sched_yield();
    }
    session->spins_missed++;
}

enum status pg_request_wait(struct pg_request *request, struct error *err) {
    struct pg_session *session = request->session;
    double start = pg_now_ms();
    struct pg_wait waiting = pg_wait_begin(session, start);
    enum status status = STATUS_OK;

    if (!request->done) {
        wait_awake(session);
    }
    while (status == STATUS_OK && !request->done) {
        status = pg_session_read(session, err);
        if (status == STATUS_OK && !request->done) {
            status = pg_session_wait(session, &waiting, err);
        }
    }
    pg_request_note_wait(request, start, pg_now_ms());
    return status == STATUS_OK && request->lost ? pg_session_check(session, err) : status;
}
