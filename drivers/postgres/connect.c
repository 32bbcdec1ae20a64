/* Reaching a server: libpq's own state machine, polled so that the host may interrupt and no
 * wait has no end. libpq goes on to the next of several hosts when one refuses, but leaves
 * those that say nothing to its caller; so each gets a share of the time and is then taken off
 * the list. */
#include "drivers/postgres/wire.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_WORDS_MAX = 96 };

/* Used where the user gave nothing: a peer that vanished is noticed within a minute. */
static const struct {
    const char *word, *value;
} connect_defaults[] = {
    { "keepalives_idle", "30" },
    { "keepalives_interval", "10" },
    { "keepalives_count", "3" },
    { "tcp_user_timeout", "60000" },
};

struct connect_words {
    const char *keywords[CONNECT_WORDS_MAX + 1], *values[CONNECT_WORDS_MAX + 1];
    size_t count;
};

static void words_add(struct connect_words *words, const char *keyword, const char *value) {
    if (words->count < CONNECT_WORDS_MAX) { /* ensured: libpq knows about 50 words */
        words->keywords[words->count] = keyword;
        words->values[words->count] = value;
        words->count++;
    }
}

static bool words_have(const struct connect_words *words, const char *keyword) {
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->keywords[i], keyword) == 0) {
            return true;
        }
    }
    return false;
}

/* The user's words, then ours. A service file fills what is left open, so nothing that it might
 * say is filled here. */
static void words_fill(struct connect_words *words, const PQconninfoOption *given) {
    for (; given->keyword != NULL; given++) {
        if (given->val != NULL && strcmp(given->keyword, "client_encoding") != 0) {
            words_add(words, given->keyword, given->val);
        }
    }
    words_add(words, "client_encoding", "UTF8");
    if (!words_have(words, "fallback_application_name")) {
        words_add(words, "fallback_application_name", "drawbridge");
    }
    if (words_have(words, "service") || getenv("PGSERVICE") != NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(connect_defaults) / sizeof(connect_defaults[0]); i++) {
        if (!words_have(words, connect_defaults[i].word)) {
            words_add(words, connect_defaults[i].word, connect_defaults[i].value);
        }
    }
}

/* ---- several hosts ------------------------------------------------------------------------
 */

struct connecting {
    struct pg_session *session;
    struct connect_words words;
    struct arena arena;      /* lists that became shorter */
    double host_limit_ms;    /* the user's connect_timeout for each host; 0: none */
    double host_start_ms;    /* when the current host's turn began */
    const char *host, *port; /* the current host's, in the arena; NULL at first */
};

static const char *words_get(const struct connect_words *words, const char *keyword) {
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->keywords[i], keyword) == 0) {
            return words->values[i];
        }
    }
    return NULL;
}

/* The item at a place of a list like "a,b"; a list of one is for all places. */
static const char *list_item(const char *list, size_t place, size_t *length) {
    bool single = strchr(list, ',') == NULL;

    for (; place > 0 && !single; place--) {
        list += strcspn(list, ",");
        list += *list == ',';
    }
    *length = strcspn(list, ",");
    return list;
}

static bool list_item_is(const char *list, size_t place, const char *text) {
    size_t length = 0;
    const char *item = list != NULL ? list_item(list, place, &length) : NULL;

    /* A port that was left out is whatever libpq took instead. */
    return item == NULL || length == 0 ||
           (strlen(text) == length && strncmp(item, text, length) == 0);
}

static size_t hosts_count(const struct connect_words *words) {
    const char *list = words_get(words, "host");
    size_t count = 1;

    list = list != NULL ? list : words_get(words, "hostaddr");
    for (; list != NULL && *list != '\0'; list++) {
        count += *list == ',';
    }
    return count;
}

/* Where the current host stands in the lists; their count when it is not in them. */
static size_t hosts_find(const struct connecting *connecting) {
    const struct connect_words *words = &connecting->words;
    const char *hosts = words_get(words, "host");
    size_t place = 0, count = hosts_count(words);

    hosts = hosts != NULL ? hosts : words_get(words, "hostaddr");
    while (place < count &&
            !(list_item_is(hosts, place, connecting->host) &&
                    list_item_is(words_get(words, "port"), place, connecting->port))) {
        place++;
    }
    return place;
}

static bool list_shorten(struct arena *arena, const char **list, size_t place) {
    size_t length = 0;
    const char *item = list_item(*list, place, &length), *rest = item + length;
    size_t before = (size_t)(item - *list);
    char *shorter = arena_copy_text(arena, *list);

    if (shorter == NULL) {
        return false;
    }
    if (*rest == ',') {
        rest++;
    } else if (before > 0) {
        before--; /* the comma in front of the last */
    }
    memcpy(shorter + before, rest, strlen(rest) + 1);
    *list = shorter;
    return true;
}

/* Takes the host off that has used up its time. */
static bool hosts_drop(struct connecting *connecting) {
    static const char *const lists[] = { "host", "hostaddr", "port" };
    size_t place = hosts_find(connecting);
    bool done = place < hosts_count(&connecting->words);

    for (size_t i = 0; i < connecting->words.count && done; i++) {
        for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]) && done; k++) {
            const char **list = &connecting->words.values[i];

            if (strcmp(connecting->words.keywords[i], lists[k]) == 0 &&
                    strchr(*list, ',') != NULL) {
                done = list_shorten(&connecting->arena, list, place);
            }
        }
    }
    return done;
}

/* ---- connecting ---------------------------------------------------------------------------
 */

static enum status connect_refused(struct pg_session *session, struct error *err) {
    return pg_connect_error(PQerrorMessage(session->connection), err);
}

static enum status connect_start(struct connecting *connecting, struct error *err) {
    struct pg_session *session = connecting->session;

    PQfinish(session->connection);
    session->connection =
            PQconnectStartParams(connecting->words.keywords, connecting->words.values, 0);
    if (session->connection == NULL) {
        return error_nomem(err);
    }
    PQsetNoticeReceiver(session->connection, pg_notice_received, session);
    PQsetErrorVerbosity(session->connection, PQERRORS_VERBOSE); /* with the SQLSTATE */
    connecting->host = NULL;
    return PQstatus(session->connection) == CONNECTION_BAD ? connect_refused(session, err)
                                                           : STATUS_OK;
}

static enum status connect_too_late(const struct pg_session *session, struct error *err) {
    const char *host = PQhost(session->connection);

    return error_set(err, STATUS_UNREACHABLE,
            "could not connect to server%s%s: no answer within %lld ms",
            host != NULL ? " at " : "", host != NULL ? host : "",
            (long long)session->connect_timeout_ms);
}

/* Notes whose turn it is; memory that is out only costs the host its own share. */
static void connect_note_host(struct connecting *connecting) {
    const char *host = PQhost(connecting->session->connection);
    const char *port = PQport(connecting->session->connection);

    if (host == NULL || port == NULL ||
            (connecting->host != NULL && strcmp(host, connecting->host) == 0 &&
                    strcmp(port, connecting->port) == 0)) {
        return;
    }
    host = arena_copy_text(&connecting->arena, host);
    port = arena_copy_text(&connecting->arena, port);
    connecting->host = port != NULL ? host : NULL;
    connecting->port = port;
    connecting->host_start_ms = pg_now_ms();
}

/* The current host's time is its share of what is left, or what the user gave each. */
static bool connect_host_is_late(const struct connecting *connecting) {
    double left_ms = connecting->session->deadline_ms - connecting->host_start_ms;
    size_t count = hosts_count(&connecting->words);
    double share_ms = left_ms / (double)count;

    if (connecting->host_limit_ms > 0 && connecting->host_limit_ms < share_ms) {
        share_ms = connecting->host_limit_ms;
    }
    return count > 1 && connecting->host != NULL &&
           pg_now_ms() > connecting->host_start_ms + share_ms;
}

static enum status connect_poll(struct connecting *connecting, struct error *err) {
    struct pg_session *session = connecting->session;
    const struct host *host = &session->base.host;
    PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;

    while (wanted != PGRES_POLLING_OK) {
        struct pollfd wire = { .fd = PQsocket(session->connection),
            .events = wanted == PGRES_POLLING_WRITING ? POLLOUT : POLLIN };

        connect_note_host(connecting);
        if (poll(&wire, 1, WAIT_SLICE_MS) > 0) {
            wanted = PQconnectPoll(session->connection);
        }
        if (wanted == PGRES_POLLING_FAILED) {
            return connect_refused(session, err);
        }
        if (host->interrupted != NULL && host->interrupted(host->context)) {
            return error_set(err, STATUS_CANCELLED, "interrupted");
        }
        if (wanted != PGRES_POLLING_OK && pg_now_ms() > session->deadline_ms) {
            return connect_too_late(session, err);
        }
        if (wanted != PGRES_POLLING_OK && connect_host_is_late(connecting) &&
                hosts_drop(connecting)) {
            enum status status = connect_start(connecting, err);

            if (status != STATUS_OK) {
                return status;
            }
            wanted = PGRES_POLLING_WRITING;
        }
    }
    return STATUS_OK;
}

/* libpq leaves connect_timeout (in seconds for each host; 0 and less: none) to whoever polls.
 */
static void connect_set_limits(struct connecting *connecting) {
    struct pg_session *session = connecting->session;
    const char *limit = words_get(&connecting->words, "connect_timeout");
    long seconds = limit != NULL ? strtol(limit, NULL, 10) : 0;
    int64_t hosts = (int64_t)hosts_count(&connecting->words);

    if (seconds > 0) {
        connecting->host_limit_ms = (double)seconds * 1000;
    }
    if (seconds > 0 && seconds < session->connect_timeout_ms / 1000 / hosts) {
        session->connect_timeout_ms = seconds * 1000 * hosts;
    }
    session->deadline_ms = pg_now_ms() + (double)session->connect_timeout_ms;
}

enum status pg_connect(struct pg_session *session, const char *connection, struct error *err) {
    struct connecting connecting = { .session = session };
    char *why = NULL;
    PQconninfoOption *given = PQconninfoParse(connection, &why);
    enum status status;

    if (given == NULL) { /* its words would repeat the string, a password maybe */
        PQfreemem(why);
        return error_set(err, STATUS_USAGE, "connection string is not valid");
    }
    words_fill(&connecting.words, given);
    connect_set_limits(&connecting);
    status = connect_start(&connecting, err);
    if (status == STATUS_OK) {
        status = connect_poll(&connecting, err);
    }
    PQconninfoFree(given);
    arena_clear(&connecting.arena);
    return status;
}
