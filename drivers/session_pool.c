/* The pool of idle sessions; see session_pool.h. It is the one global of the extension that
 * changes, and has one mutex, which nobody holds while a server is asked or a socket closed.
 *
 * There is no thread of its own: what has waited too long is closed when the pool is used. */
#include "drivers/session_pool.h"

#include "base/process.h"
#include "base/text.h"
#include "base/trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    POOL_KEY_BYTES_MAX = 1024 * 1024,
    POOL_END_MS = 200 /* that the end of the process may wait for answers under way */
};

static struct {
    pthread_mutex_t mutex;
    pthread_once_t once;
    pid_t owner;          /* whose sessions they are */
    struct session *idle; /* the one given back last comes first */
} pool = { .mutex = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static double now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- fork ---------------------------------------------------------------------------------
 */

/* Another thread may be in the pool while this one forks. */
static void fork_prepare(void) {
    pthread_mutex_lock(&pool.mutex);
}

static void fork_done(void) {
    pthread_mutex_unlock(&pool.mutex);
}

bool session_pool_is_foreign(const struct session *session) {
    return session->owner != process_id();
}

/* ---- time ---------------------------------------------------------------------------------
 */

void session_pool_rest(struct session *session) {
    session->resting_since_ms = now_ms();
}

void session_pool_wake(struct session *session) {
    session->resting_since_ms = 0;
}

bool session_pool_is_stale(const struct session *session) {
    return session->resting_since_ms > 0 &&
           now_ms() > session->resting_since_ms + (double)session->idle_close_ms;
}

/* ---- the list -----------------------------------------------------------------------------
 */

static void list_close(struct session *session) {
    while (session != NULL) {
        struct session *next = session->pool_next;

        memory_free(session->pool_key);
        session->driver->close(session);
        session = next;
    }
}

/* Takes all out that are too old, the parent's, or more of a key than are kept. */
static struct session *list_expire(void) {
    struct session **at = &pool.idle, *expired = NULL;
    bool foreign = pool.owner != process_id();

    pool.owner = process_id();
    while (*at != NULL) {
        struct session *session = *at;
        size_t alike = 0;

        for (struct session *newer = pool.idle; newer != session; newer = newer->pool_next) {
            alike += strcmp(newer->pool_key, session->pool_key) == 0;
        }
        if (!foreign && alike < POOL_IDLE_MAX && !session_pool_is_stale(session)) {
            at = &session->pool_next;
            continue;
        }
        *at = session->pool_next;
        session->pool_next = expired;
        expired = session;
    }
    return expired;
}

static struct session *pool_remove(const char *key) {
    struct session *expired, *found = NULL;

    pthread_mutex_lock(&pool.mutex);
    expired = list_expire();
    for (struct session **at = &pool.idle; *at != NULL; at = &(*at)->pool_next) {
        if (strcmp((*at)->pool_key, key) == 0) {
            found = *at;
            *at = found->pool_next;
            found->pool_next = NULL;
            break;
        }
    }
    pthread_mutex_unlock(&pool.mutex);
    list_close(expired);
    return found;
}

static void pool_add(struct session *session) {
    struct session *expired;

    pthread_mutex_lock(&pool.mutex);
    session->pool_next = pool.idle;
    pool.idle = session;
    expired = list_expire();
    pthread_mutex_unlock(&pool.mutex);
    list_close(expired);
}

/* ---- the end of the process ---------------------------------------------------------------
 */

static bool end_is_late(void *since_ms) {
    return now_ms() > *(double *)since_ms + POOL_END_MS;
}

/* Says goodbye, so that no server has to note a client that vanished over an unread answer. */
static void pool_end(void) {
    double start_ms = now_ms();
    struct host host = { .context = &start_ms, .interrupted = end_is_late };
    struct session *session;

    pthread_mutex_lock(&pool.mutex);
    session = pool.idle;
    pool.idle = NULL;
    pthread_mutex_unlock(&pool.mutex);
    while (session != NULL) {
        struct session *next = session->pool_next;

        if (!session_pool_is_foreign(session) && !session->ends_silently) {
            session->host = host;
            session->driver->resume(session, NULL);
            memory_free(session->pool_key);
            session->driver->close(session);
        }
        session = next;
    }
}

static void pool_start(void) {
    pthread_atfork(fork_prepare, fork_done, fork_done);
    atexit(pool_end);
}

/* ---- lending ------------------------------------------------------------------------------
 */

/* Length in front of each part, so that no two lists of parts give one key. */
static enum status key_make(const struct target *target, const struct options *options,
        char **out, struct error *err) {
    struct text key;
    enum status status;

    text_init(&key, POOL_KEY_BYTES_MAX);
    text_printf(&key, "%s %zu:%s", target->driver->name, strlen(target->connection),
            target->connection);
    target->driver->session_key(options, &key);
    status = text_status(&key, err);
    if (status == STATUS_OK) {
        *out = memory_copy_text(text_get(&key));
        status = *out == NULL ? error_nomem(err) : STATUS_OK;
    }
    text_clear(&key);
    return status;
}

/* One that waits and still works; those that do not are closed on the way. */
static enum status take_idle(
        const char *key, const struct host *host, struct session **out, struct error *err) {
    struct session *session;

    while ((session = pool_remove(key)) != NULL) {
        struct error why = { 0 };
        enum status status;

        session->host = *host;
        status = session->driver->resume(session, &why);
        if (status == STATUS_OK) {
            memset(&session->counts, 0, sizeof(session->counts));
            *out = session;
            return STATUS_OK;
        }
        trace(TRACE_DRIVER, "pool: a session is closed: %s", why.message);
        list_close(session);
        if (status == STATUS_CANCELLED) {
            error_move(err, &why);
            return status;
        }
        error_clear(&why);
    }
    return STATUS_OK;
}

static enum status take_new(const struct target *target, const struct options *options,
        const struct host *host, struct session **out, struct error *err) {
    enum status status = target->driver->open(target->connection, options, host, out, err);

    if (status == STATUS_OK) {
        (*out)->owner = process_id();
        (*out)->idle_close_ms = options_integer(options, "idle_close_ms");
    }
    return status;
}

enum status session_pool_take(const struct target *target, const struct options *options,
        const struct host *host, struct session **out, struct error *err) {
    struct session *session = NULL;
    char *key = NULL;
    enum status status;

    pthread_once(&pool.once, pool_start);
    if ((target->driver->capabilities & DRIVER_POOL) == 0) {
        return take_new(target, options, host, out, err);
    }
    status = key_make(target, options, &key, err);
    if (status == STATUS_OK) {
        status = take_idle(key, host, &session, err);
    }
    if (status == STATUS_OK && session != NULL) {
        session->lent_before = true;
    } else if (status == STATUS_OK) {
        status = take_new(target, options, host, &session, err);
        if (status == STATUS_OK) {
            session->pool_key = key;
            key = NULL;
        }
    }
    memory_free(key);
    if (status == STATUS_OK) {
        session_pool_wake(session);
        *out = session;
    }
    return status;
}

void session_pool_give(struct session *session) {
    static const struct host nobody = { .context = NULL };
    bool lend;

    if (session == NULL) {
        return;
    }
    lend = session->pool_key != NULL && session->idle_close_ms > 0 && !session->broken &&
           !session_pool_is_foreign(session) && !session_pool_is_stale(session) &&
           session->driver->reset(session) == STATUS_OK;
    session->host = nobody;
    if (lend) {
        session_pool_rest(session);
        pool_add(session);
    } else {
        session->pool_next = NULL;
        list_close(session);
    }
}
