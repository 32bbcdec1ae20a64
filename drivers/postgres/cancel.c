/* Telling the server to stop. PQcancel() makes a connection of its own and blocks, so it runs
 * on a helper thread, which nobody waits for longer than CANCEL_ANSWER_MS: a frozen server must
 * not freeze the host. The helper owns what it needs and may outlive the session. */
#include "drivers/postgres/wire.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct canceller {
    PGcancel *handle;
    atomic_bool sent;   /* PQcancel() has returned */
    atomic_int holders; /* the helper and whoever started it */
};

/* malloc, not the host's allocator: the helper may end after the host has shut SQLite down. */
static struct canceller *canceller_create(PGconn *connection) {
    struct canceller *canceller = calloc(1, sizeof(*canceller));

    if (canceller == NULL) {
        return NULL;
    }
    canceller->handle = PQgetCancel(connection);
    if (canceller->handle == NULL) {
        free(canceller);
        return NULL;
    }
    atomic_init(&canceller->sent, false);
    atomic_init(&canceller->holders, 2);
    return canceller;
}

static void canceller_drop(struct canceller *canceller) {
    if (atomic_fetch_sub(&canceller->holders, 1) == 1) {
        PQfreeCancel(canceller->handle);
        free(canceller);
    }
}

static void *canceller_run(void *argument) {
    struct canceller *canceller = argument;
    char why[256];

    /* A failure shows as an answer that does not come. */
    PQcancel(canceller->handle, why, sizeof(why));
    atomic_store(&canceller->sent, true);
    canceller_drop(canceller);
    return NULL;
}

/* The host's signals stay with the host's threads. */
static bool canceller_start(struct canceller *canceller) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    bool started;

    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&thread, &attributes, canceller_run, canceller) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

static struct canceller *cancel_start(struct pg_session *session) {
    struct canceller *canceller = canceller_create(session->connection);

    if (canceller != NULL && !canceller_start(canceller)) {
        atomic_store(&canceller->holders, 1); /* there is no helper */
        canceller_drop(canceller);
        canceller = NULL;
    }
    return canceller;
}

/* One cancellation: until all answers are there, or for a slice, since the server may have gone
 * on to the next of several statements. False when the cancellation itself may still be on its
 * way and would hit whatever is sent next. */
static bool cancel_once(struct pg_session *session, double deadline) {
    struct canceller *canceller = cancel_start(session);
    double slice_end = pg_now_ms() + WAIT_SLICE_MS;
    bool sent = false;

    if (canceller == NULL) {
        return false;
    }
    while (!session->base.broken && pg_now_ms() < deadline) {
        sent = atomic_load(&canceller->sent);
        if (pg_session_read(session, NULL) != STATUS_OK ||
                (sent && (session->first == NULL || pg_now_ms() > slice_end))) {
            break;
        }
        pg_session_poll(session, 5);
    }
    canceller_drop(canceller);
    return sent;
}

/* True when nothing is under way any more. */
static bool cancel_all(struct pg_session *session, int wait_ms) {
    double deadline = pg_now_ms() + wait_ms;
    bool sent = true;

    while (sent && session->first != NULL && pg_now_ms() < deadline) {
        sent = cancel_once(session, deadline);
    }
    return sent && session->first == NULL;
}

void pg_session_cancel(struct pg_session *session) {
    if (!cancel_all(session, CANCEL_ANSWER_MS) && !session->base.broken) {
        pg_session_break(session, STATUS_LOST,
                "no answer to a cancellation within a second, connection given up", NULL);
    }
}

enum status pg_session_time_out(struct pg_session *session, struct error *err) {
    if (cancel_all(session, STATEMENT_CANCEL_MS) && !session->base.broken) {
        return error_set(err, STATUS_TIMEOUT,
                "canceled due to statement timeout, which the server did not keep");
    }
    return pg_session_break(session, STATUS_TIMEOUT,
            "no answer, although statement_timeout_ms has passed", err);
}
