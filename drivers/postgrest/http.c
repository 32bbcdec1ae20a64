/* One HTTP exchange over libcurl: sent, waited for in slices, its body handed on in bounded
 * pieces. What requests and answers mean is session.c's and answer.c's business.
 *
 * All exchanges of a session share one multi handle, which keeps connections alive and opens
 * another one unseen when an idle one was closed. Redirects are not followed, so that a token
 * goes to no other host. */
#include "drivers/postgrest/internal.h"

#include <string.h>
#include <time.h>

enum {
    BODY_BYTES_SOFT = 1024 * 1024,       /* more stays in the socket until it is read */
    BODY_BYTES_MAX = 1024 * 1024 * 1024, /* of one row: SQLite's own limit is below */
    BODY_BYTES_FIRST = 16 * 1024,
    /* A head may repeat the request's target three times; libcurl itself ends a little above.
     */
    HEAD_BYTES_MAX = 256 * 1024,
};

double pr_now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- what libcurl calls back --------------------------------------------------------------
 */

static bool body_reserve(struct pr_exchange *x, size_t bytes) {
    size_t capacity = x->capacity > 0 ? x->capacity : BODY_BYTES_FIRST;
    char *body;

    if (x->start > 0 &&
            x->used - x->start <= x->start) { /* the copies cost no more than reading */
        memmove(x->body, x->body + x->start, x->used - x->start);
        x->used -= x->start;
        x->start = 0;
    }
    while (capacity < x->used + bytes) {
        capacity *= 2;
    }
    if (capacity > x->capacity) {
        body = memory_resize_array(x->body, capacity, 1);
        if (body == NULL) {
            x->failure = STATUS_NOMEM;
            return false;
        }
        x->body = body;
        x->capacity = capacity;
    }
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    struct pr_exchange *x = context;
    size_t length = size * count, waiting = x->used - x->start;

    x->head_done = true;
    if (waiting > 0 && waiting + length > BODY_BYTES_SOFT && waiting >= x->wanted) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (waiting + length > BODY_BYTES_MAX) {
        x->failure = STATUS_TOO_BIG;
        return 0;
    }
    if (!body_reserve(x, length)) {
        return 0;
    }
    memcpy(x->body + x->used, bytes, length);
    x->used += length;
    x->bytes += (int64_t)length;
    return length;
}

/* Heads of interim answers (100, 103) come first; the last one counts. What comes behind it is
 * a trailer, which was not there when the rows were read, and says nothing. */
static size_t on_header(char *line, size_t size, size_t count, void *context) {
    enum { FINAL = 200 };
    struct pr_exchange *x = context;
    size_t length = size * count;

    x->bytes += (int64_t)length;
    x->head_bytes += length;
    if (x->head_bytes > HEAD_BYTES_MAX) {
        x->failure = STATUS_PROTOCOL;
        return 0;
    }
    if (x->head_ended) {
        return length;
    }
    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
        pr_head_clear(&x->head);
    }
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n')) {
        length--;
    }
    x->head_ended = length == 0 && x->head.status >= FINAL;
    pr_head_line(&x->head, line, length);
    return size * count;
}

/* ---- driving ------------------------------------------------------------------------------
 */

static const struct {
    CURLcode code;
    enum status status;
} code_meanings[] = {
    { CURLE_OUT_OF_MEMORY, STATUS_NOMEM },
    { CURLE_UNSUPPORTED_PROTOCOL, STATUS_USAGE },
    { CURLE_URL_MALFORMAT, STATUS_USAGE },
    { CURLE_COULDNT_RESOLVE_PROXY, STATUS_UNREACHABLE },
    { CURLE_COULDNT_RESOLVE_HOST, STATUS_UNREACHABLE },
    { CURLE_COULDNT_CONNECT, STATUS_UNREACHABLE },
    { CURLE_OPERATION_TIMEDOUT, STATUS_UNREACHABLE }, /* the only timeout set is to connect */
    { CURLE_SSL_CONNECT_ERROR, STATUS_UNREACHABLE },
    { CURLE_PEER_FAILED_VERIFICATION, STATUS_UNREACHABLE },
    { CURLE_SSL_CACERT_BADFILE, STATUS_UNREACHABLE },
    { CURLE_SSL_CERTPROBLEM, STATUS_UNREACHABLE },
    { CURLE_WEIRD_SERVER_REPLY, STATUS_PROTOCOL },
    { CURLE_BAD_CONTENT_ENCODING, STATUS_PROTOCOL },
};

/* A line of the head that is longer than libcurl takes is an allocation that failed to it. */
static bool has_long_line(const struct pr_exchange *x) {
    curl_off_t begun_us = 0;

    curl_easy_getinfo(x->easy, CURLINFO_STARTTRANSFER_TIME_T, &begun_us);
    return x->result == CURLE_OUT_OF_MEMORY && x->failure == STATUS_OK && !x->head_ended &&
           begun_us > 0;
}

static enum status exchange_failed(struct pr_exchange *x, struct error *err) {
    const char *why = x->reason[0] != '\0' ? x->reason : curl_easy_strerror(x->result);
    enum status status = STATUS_LOST;

    if (x->failure == STATUS_TOO_BIG) {
        return error_set(err, STATUS_TOO_BIG, "row of the answer is longer than %d bytes",
                BODY_BYTES_MAX);
    }
    if (x->failure == STATUS_PROTOCOL) {
        return error_set(err, STATUS_PROTOCOL, "head of the answer is longer than %d bytes",
                HEAD_BYTES_MAX);
    }
    if (has_long_line(x)) {
        return error_set(err, STATUS_PROTOCOL, "head of the answer has a line without end");
    }
    for (size_t i = 0; i < sizeof(code_meanings) / sizeof(code_meanings[0]); i++) {
        if (code_meanings[i].code == x->result) {
            status = code_meanings[i].status;
            break;
        }
    }
    if (x->failure == STATUS_NOMEM || status == STATUS_NOMEM) {
        return error_nomem(err);
    }
    if (status == STATUS_UNREACHABLE) {
        return error_set(err, status, "could not connect to server: %s", why);
    }
    if (status == STATUS_USAGE && pr_exchange_sent(x)) {
        return error_set(err, STATUS_PROTOCOL, "answer is no HTTP/1.1 or HTTP/2: %s", why);
    }
    if (status == STATUS_USAGE) {
        return error_set(err, status, "URL cannot be used: %s", why);
    }
    return error_set(err, status, "connection to server was lost: %s", why);
}

static void note_finished(CURLM *multi) {
    int left;

    for (CURLMsg *message = curl_multi_info_read(multi, &left); message != NULL;
            message = curl_multi_info_read(multi, &left)) {
        struct pr_exchange *x = NULL;

        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
            x->result = message->data.result;
            x->done = true;
            x->head_done = true;
        }
    }
}

/* Goes on until `ready`; other exchanges of the session go on as well. */
static enum status drive(
        struct pr_exchange *x, bool (*ready)(const struct pr_exchange *), struct error *err) {
    struct pr_session *session = x->session;
    const struct host *host = &session->base.host;
    double started_ms = pr_now_ms();
    enum status status = STATUS_OK;
    int running;

    while (status == STATUS_OK) {
        if (curl_multi_perform(session->multi, &running) != CURLM_OK) {
            status = error_nomem(err);
            break;
        }
        note_finished(session->multi);
        if (ready(x)) {
            break;
        }
        if (host->interrupted != NULL && host->interrupted(host->context)) {
            status = error_set(err, STATUS_CANCELLED, "interrupted");
        } else if (session->statement_timeout_ms > 0 &&
                   x->ms + pr_now_ms() - started_ms > (double)session->statement_timeout_ms) {
            status = error_set(err, STATUS_TIMEOUT,
                    "server did not answer within statement_timeout_ms=%lld",
                    (long long)session->statement_timeout_ms);
        } else {
            curl_multi_poll(session->multi, NULL, 0, WAIT_SLICE_MS, NULL);
        }
    }
    x->ms += pr_now_ms() - started_ms;
    if (status == STATUS_OK && x->done && x->result != CURLE_OK) {
        status = exchange_failed(x, err);
    }
    return status;
}

static bool head_is_there(const struct pr_exchange *x) {
    return x->head_done;
}

static bool more_is_there(const struct pr_exchange *x) {
    return x->done || x->used - x->start >= x->wanted;
}

enum status pr_exchange_head(struct pr_exchange *x, struct error *err) {
    return drive(x, head_is_there, err);
}

enum status pr_exchange_more(struct pr_exchange *x, struct error *err) {
    size_t waiting = x->used - x->start;

    /* Twice as much each time, so that a long row is looked through few times. */
    x->wanted = waiting < BODY_BYTES_FIRST ? waiting + 1 : waiting * 2;
    if (x->paused) {
        x->paused = false;
        x->result = curl_easy_pause(x->easy, CURLPAUSE_CONT);
    }
    return drive(x, more_is_there, err);
}

void pr_exchange_consume(struct pr_exchange *x, size_t bytes) {
    x->start += bytes;
    if (x->start == x->used) {
        x->start = 0;
        x->used = 0;
    }
}

/* ---- life ---------------------------------------------------------------------------------
 */

static bool exchange_configure(struct pr_exchange *x, const char *url) {
    const struct pr_session *session = x->session;
    CURL *easy = x->easy;
    CURLcode bad = CURLE_OK;

    bad |= curl_easy_setopt(easy, CURLOPT_URL, url);
    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)session->connect_timeout_ms);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, session->tls_verify ? 1L : 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, session->tls_verify ? 2L : 0L);
    if (session->tls_ca != NULL) {
        bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, session->tls_ca);
        bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    bad |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers);
    bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "drawbridge/" DRAWBRIDGE_VERSION);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->reason);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    bad |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    return bad == CURLE_OK;
}

static bool exchange_method(struct pr_exchange *x, const struct pr_request *request) {
    CURL *easy = x->easy;
    CURLcode bad = CURLE_OK;

    bad |= curl_easy_setopt(easy, CURLOPT_NOBODY, request->no_body ? 1L : 0L);
    if (request->body != NULL) {
        bad |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        bad |= curl_easy_setopt(
                easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    }
    if (request->method != NULL) {
        bad |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
        bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    }
    return bad == CURLE_OK;
}

/* What is asked of a proxy counts as bytes, too: over TLS nothing of the request leaves before
 * the handshake is done. */
bool pr_exchange_sent(const struct pr_exchange *x) {
    bool tls = strncmp(x->session->url, "https:", 6) == 0;
    curl_off_t shaken_us = 0;
    long bytes = 0;

    curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &bytes);
    curl_easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME_T, &shaken_us);
    return bytes > 0 && (!tls || shaken_us > 0);
}

enum status pr_exchange_start(struct pr_session *session, const struct pr_request *request,
        struct curl_slist *headers, struct pr_exchange **out, struct error *err) {
    struct pr_exchange *x = memory_alloc(sizeof(*x));
    struct text url;
    int running;

    if (x == NULL) {
        curl_slist_free_all(headers);
        return error_nomem(err);
    }
    x->session = session;
    x->headers = headers;
    pr_head_clear(&x->head);
    text_init(&url, PR_TARGET_BYTES_MAX);
    text_append(&url, session->url);
    text_append(&url, request->target);
    x->easy = curl_easy_init();
    if (text_status(&url, NULL) != STATUS_OK || x->easy == NULL ||
            !exchange_configure(x, text_get(&url)) || !exchange_method(x, request) ||
            curl_multi_add_handle(session->multi, x->easy) != CURLM_OK) {
        enum status status = text_status(&url, err);

        text_clear(&url);
        pr_exchange_end(x);
        return status != STATUS_OK ? status : error_nomem(err);
    }
    session->base.counts.bytes_out += (int64_t)(url.length + request->body_length);
    session->base.counts.round_trips++;
    text_clear(&url);
    curl_multi_perform(session->multi, &running); /* off it goes; what fails is told later */
    note_finished(session->multi);
    *out = x;
    return STATUS_OK;
}

void pr_exchange_end(struct pr_exchange *x) {
    if (x == NULL) {
        return;
    }
    x->session->base.counts.bytes_in += x->bytes;
    if (x->easy != NULL) {
        curl_multi_remove_handle(x->session->multi, x->easy);
        curl_easy_cleanup(x->easy);
    }
    curl_slist_free_all(x->headers);
    memory_free(x->body);
    memory_free(x);
}
