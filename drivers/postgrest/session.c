/* A session with a server: its options, the headers of its requests, and what is done when an
 * answer asks for another try: a token that has expired, a server that is busy.
 *
 * HTTP holds no state between requests, so opening asks nothing but whether the server is there
 * and what it is; a lost connection is replaced unseen by the next request. */
#include "base/sqlite.h"
#include "drivers/postgrest/internal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_BYTES_MAX = 64 * 1024,
    ERROR_BODY_BYTES_MAX = 64 * 1024,
    RETRIES_MAX = 3,         /* of a request that the server was too busy for */
    RETRY_MS_MAX = 10 * 1000 /* a longer Retry-After is the user's to wait */
};

void pr_library_version(char *text, size_t bytes) {
    snprintf(text, bytes, "%s with jansson %s", curl_version_info(CURLVERSION_NOW)->version,
            jansson_version_str());
}

/* ---- tokens and headers -------------------------------------------------------------------
 */

static bool is_header_text(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

/* token_file= and token_env= are read for every request: whoever renews a token renews it
 * there. */
static enum status read_token_file(const char *path, struct text *token, struct error *err) {
    static const char blank[] = "\r\n \t";
    char bytes[4096];
    FILE *file = fopen(path, "re");
    size_t count;

    if (file == NULL) {
        return error_set(err, STATUS_USAGE, "could not open token_file \"%s\"", path);
    }
    while (text_status(token, NULL) == STATUS_OK &&
            (count = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        text_append_bytes(token, bytes, count);
    }
    fclose(file);
    while (text_status(token, NULL) == STATUS_OK && token->length > 0 &&
            memchr(blank, text_get(token)[token->length - 1], sizeof(blank) - 1) != NULL) {
        text_truncate(token, token->length - 1);
    }
    return text_status(token, err);
}

static enum status read_token(
        const struct pr_session *session, struct text *token, struct error *err) {
    enum status status = STATUS_OK;
    const char *value;

    if (session->token_file != NULL) {
        status = read_token_file(session->token_file, token, err);
    } else if (session->token_env != NULL) {
        value = getenv(session->token_env);
        if (value == NULL) {
            return error_set(err, STATUS_USAGE,
                    "environment variable \"%s\" of token_env is not set", session->token_env);
        }
        text_append(token, value);
    } else if (session->token != NULL) {
        text_append(token, session->token);
    }
    if (status == STATUS_OK &&
            (!is_header_text(text_get(token)) || strlen(text_get(token)) != token->length)) {
        status = error_set(err, STATUS_USAGE, "token cannot hold a control character");
    }
    return status == STATUS_OK ? text_status(token, err) : status;
}

static enum status add_header(
        struct curl_slist **headers, struct error *err, const char *name, const char *value) {
    struct text line;
    struct curl_slist *longer = NULL;

    text_init(&line, (size_t)2 * TOKEN_BYTES_MAX);
    text_printf(&line, "%s: %s", name, value);
    if (text_status(&line, NULL) == STATUS_OK) {
        longer = curl_slist_append(*headers, text_get(&line));
    }
    text_clear(&line);
    if (longer == NULL) {
        return error_nomem(err);
    }
    *headers = longer;
    return STATUS_OK;
}

static enum status make_headers(const struct pr_session *session,
        const struct pr_request *request, struct curl_slist **out, struct error *err) {
    struct curl_slist *headers = NULL;
    struct text token, bearer;
    enum status status;

    text_init(&token, TOKEN_BYTES_MAX);
    text_init(&bearer, TOKEN_BYTES_MAX + 16);
    status = read_token(session, &token, err);
    if (status == STATUS_OK && token.length > 0) {
        text_printf(&bearer, "Bearer %s", text_get(&token));
        status = add_header(&headers, err, "Authorization", text_get(&bearer));
    }
    if (status == STATUS_OK) {
        status = add_header(&headers, err, "Accept",
                request->accept != NULL ? request->accept : "application/json");
    }
    if (status == STATUS_OK) {
        status = add_header(&headers, err, "Prefer",
                request->prefer != NULL ? request->prefer
                : request->count        ? "count=exact, timezone=UTC"
                                        : "timezone=UTC");
    }
    if (status == STATUS_OK && request->body != NULL) {
        status = add_header(&headers, err, "Content-Type", "application/json");
    }
    if (status == STATUS_OK && request->body != NULL) { /* no waiting for a "100 Continue" */
        status = add_header(&headers, err, "Expect", "");
    }
    if (status == STATUS_OK && request->profile != NULL) {
        status = add_header(&headers, err,
                request->method != NULL ? "Content-Profile" : "Accept-Profile",
                request->profile);
    }
    for (const struct curl_slist *own = session->headers; own != NULL && status == STATUS_OK;
            own = own->next) {
        struct curl_slist *longer = curl_slist_append(headers, own->data);

        status = longer != NULL ? STATUS_OK : error_nomem(err);
        headers = longer != NULL ? longer : headers;
    }
    text_clear(&token);
    text_clear(&bearer);
    if (status != STATUS_OK) {
        curl_slist_free_all(headers);
        return status;
    }
    *out = headers;
    return STATUS_OK;
}

/* ---- requests -----------------------------------------------------------------------------
 */

enum status pr_send(struct pr_session *session, const struct pr_request *request,
        struct pr_exchange **out, struct error *err) {
    struct curl_slist *headers = NULL;
    enum status status = STATUS_OK;

    if (request->profile != NULL && !is_header_text(request->profile)) {
        return error_set(err, STATUS_USAGE, "schema cannot hold a control character");
    }
    status = make_headers(session, request, &headers, err);
    if (status != STATUS_OK) {
        return status;
    }
    return pr_exchange_start(session, request, headers, out, err);
}

enum status pr_pause(struct pr_session *session, int64_t ms, struct error *err) {
    const struct host *host = &session->base.host;
    double end_ms = pr_now_ms() + (double)ms, left_ms = (double)ms;

    while (left_ms > 0) {
        if (host->interrupted != NULL && host->interrupted(host->context)) {
            return error_set(err, STATUS_CANCELLED, "interrupted");
        }
        curl_multi_poll(session->multi, NULL, 0,
                left_ms < WAIT_SLICE_MS ? (int)left_ms + 1 : WAIT_SLICE_MS, NULL);
        left_ms = end_ms - pr_now_ms();
    }
    return STATUS_OK;
}

/* The whole body of an answer that is an error, as far as it is worth reading. */
static enum status read_refusal(struct pr_exchange *x, struct error *err) {
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !x->done && x->used - x->start < ERROR_BODY_BYTES_MAX) {
        status = pr_exchange_more(x, err);
    }
    return status == STATUS_OK ? pr_answer_error(x->head.status, x->body + x->start,
                                         x->used - x->start, err)
                               : status;
}

/* How long to wait before the request is sent again; -1: it is not. */
static int64_t retry_after(
        const struct pr_session *session, const struct pr_head *head, int tries) {
    bool renews = session->token_file != NULL || session->token_env != NULL;

    if (head->status == 401 && renews && tries == 0) {
        return 0;
    }
    if ((head->status != 429 && head->status != 503) || tries >= RETRIES_MAX ||
            head->retry_after_ms > RETRY_MS_MAX) {
        return -1;
    }
    return head->retry_after_ms > 0 ? head->retry_after_ms : WAIT_SLICE_MS << tries;
}

enum status pr_await(struct pr_session *session, const struct pr_request *request,
        struct pr_exchange **exchange, struct error *err) {
    for (int tries = 0;; tries++) {
        enum status status = pr_exchange_head(*exchange, err);
        const struct pr_head *head = &(*exchange)->head;
        int64_t pause_ms;

        if (status != STATUS_OK) {
            return status;
        }
        if (head->status == 200 || head->status == 206) {
            return STATUS_OK;
        }
        pause_ms = retry_after(session, head, tries);
        if (pause_ms < 0) {
            return read_refusal(*exchange, err);
        }
        pr_exchange_end(*exchange);
        *exchange = NULL;
        status = pr_pause(session, pause_ms, err);
        if (status == STATUS_OK) {
            status = pr_send(session, request, exchange, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
}

void pr_log(struct pr_session *session, const struct statement_record *record) {
    session->base.counts.statements++;
    if (session->base.host.logged != NULL) {
        session->base.host.logged(session->base.host.context, record);
    }
}

/* ---- life ---------------------------------------------------------------------------------
 */

static enum status copy_option(
        const struct options *options, const char *name, char **out, struct error *err) {
    const char *value = options_text(options, name);

    *out = memory_copy_text(value);
    return value != NULL && *out == NULL ? error_nomem(err) : STATUS_OK;
}

static enum status add_described(
        struct pr_session *session, const struct option_entry *entry, struct error *err) {
    struct pr_described *described = memory_alloc(sizeof(*described));

    if (described == NULL) {
        return error_nomem(err);
    }
    described->next = session->described;
    session->described = described;
    described->table = memory_copy_text(entry->name + strlen("columns."));
    described->columns = memory_copy_text(entry->value);
    return described->table != NULL && described->columns != NULL ? STATUS_OK
                                                                  : error_nomem(err);
}

/* Headers that decide what a request does, how long it is, or what its answer means. Another
 * value beside the driver's own could roll a write back that is reported as done, or read from
 * one schema and write to another. */
static const struct {
    const char *name, *hint;
} own_headers[] = {
    { "Accept", NULL },
    { "Accept-Encoding", NULL },
    { "Accept-Profile", "schema=NAME says which schema is read and written." },
    { "Connection", NULL },
    { "Content-Encoding", NULL },
    { "Content-Length", NULL },
    { "Content-Profile", "schema=NAME says which schema is read and written." },
    { "Content-Type", NULL },
    { "Expect", NULL },
    { "Prefer", NULL },
    { "Range", "LIMIT and OFFSET of a query say which rows are wanted." },
    { "Range-Unit", NULL },
    { "TE", NULL },
    { "Transfer-Encoding", NULL },
    { "Upgrade", NULL },
};

static enum status check_header(
        const struct pr_session *session, const char *name, struct error *err) {
    bool tokens =
            session->token != NULL || session->token_env != NULL || session->token_file != NULL;

    for (size_t i = 0; i < sizeof(own_headers) / sizeof(own_headers[0]); i++) {
        if (sqlite3_stricmp(name, own_headers[i].name) == 0) {
            error_set(err, STATUS_USAGE, "header.%s cannot be given: the driver says it itself",
                    own_headers[i].name);
            error_explain(err, NULL, NULL, own_headers[i].hint);
            return STATUS_USAGE;
        }
    }
    if (tokens && sqlite3_stricmp(name, "Authorization") == 0) {
        return error_set(err, STATUS_USAGE,
                "header.Authorization and a token cannot both be given: one request carries "
                "one of them");
    }
    return STATUS_OK;
}

static enum status add_own_header(
        struct pr_session *session, const struct option_entry *entry, struct error *err) {
    const char *name = entry->name + strlen("header.");
    enum status status;

    if (name[0] == '\0' || strpbrk(name, ": \t") != NULL || !is_header_text(name) ||
            !is_header_text(entry->value)) {
        return error_set(err, STATUS_USAGE, "header \"%.64s\" is malformed", name);
    }
    status = check_header(session, name, err);
    return status == STATUS_OK ? add_header(&session->headers, err, name, entry->value)
                               : status;
}

/* The words that stand for any number of them; the set's own come last and so win. */
static enum status copy_prefixed(
        struct pr_session *session, const struct options *options, struct error *err) {
    enum status status = STATUS_OK;

    if (options->parent != NULL) {
        status = copy_prefixed(session, options->parent, err);
    }
    for (const struct option_entry *entry = options->first;
            entry != NULL && status == STATUS_OK; entry = entry->next) {
        if (strcmp(entry->spec->name, "columns.") == 0) {
            status = add_described(session, entry, err);
        } else if (strcmp(entry->spec->name, "header.") == 0) {
            status = add_own_header(session, entry, err);
        }
    }
    return status;
}

static enum status configure(
        struct pr_session *session, const struct options *options, struct error *err) {
    enum status status;

    session->tls_verify = options_bool(options, "tls_verify");
    session->connect_timeout_ms = options_integer(options, "connect_timeout_ms");
    session->statement_timeout_ms = options_integer(options, "statement_timeout_ms");
    session->max_url_bytes = options_integer(options, "max_url_bytes");
    session->page_rows = options_integer(options, "page_rows");
    session->max_body_bytes = options_integer(options, "max_body_bytes");
    if (options_given(options, "role") || options_given(options, "set.")) {
        return error_set(err, STATUS_UNSUPPORTED,
                "role= and set.NAME= cannot be sent over PostgREST: the token says the role");
    }
    status = copy_option(options, "token", &session->token, err);
    status = status == STATUS_OK ? copy_option(options, "token_env", &session->token_env, err)
                                 : status;
    status = status == STATUS_OK ? copy_option(options, "token_file", &session->token_file, err)
                                 : status;
    status = status == STATUS_OK ? copy_option(options, "openapi", &session->openapi_file, err)
                                 : status;
    status = status == STATUS_OK ? copy_option(options, "tls_ca", &session->tls_ca, err)
                                 : status;
    return status == STATUS_OK ? copy_prefixed(session, options, err) : status;
}

/* The root says nothing that is needed yet; the time until it answers is the latency. A server
 * that refuses it (no document, no anonymous role) is there all the same. */
static enum status greet(struct pr_session *session, struct error *err) {
    struct pr_request request = { .target = "/", .no_body = true };
    struct pr_exchange *x = NULL;
    enum status status = pr_send(session, &request, &x, err);

    if (status == STATUS_OK) {
        status = pr_exchange_head(x, err);
    }
    if (status == STATUS_OK) {
        session->base.latency_ms = x->ms;
        snprintf(session->base.server_version, sizeof(session->base.server_version), "%s",
                x->head.server);
    }
    pr_exchange_end(x);
    return status;
}

enum status pr_open(const char *connection, const struct options *options,
        const struct host *host, struct session **out, struct error *err) {
    struct pr_session *session = memory_alloc(sizeof(*session));
    enum status status = STATUS_OK;

    if (session == NULL) {
        return error_nomem(err);
    }
    session->base.driver = &postgrest_driver;
    session->base.host = *host;
    session->url = memory_copy_text(connection);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        session->multi = curl_multi_init();
    }
    if (session->url == NULL || session->multi == NULL) {
        status = error_nomem(err);
    }
    if (status == STATUS_OK) {
        status = configure(session, options, err);
    }
    if (status == STATUS_OK) {
        status = greet(session, err);
    }
    if (status != STATUS_OK) {
        pr_close(&session->base);
        return status;
    }
    *out = &session->base;
    return STATUS_OK;
}

void pr_close(struct session *base) {
    struct pr_session *session = pr_session(base);

    if (session == NULL) {
        return;
    }
    if (session->multi != NULL) {
        curl_multi_cleanup(session->multi);
        curl_global_cleanup();
    }
    curl_slist_free_all(session->headers);
    while (session->described != NULL) {
        struct pr_described *next = session->described->next;

        memory_free(session->described->table);
        memory_free(session->described->columns);
        memory_free(session->described);
        session->described = next;
    }
    memory_free(session->url);
    memory_free(session->token);
    memory_free(session->token_env);
    memory_free(session->token_file);
    memory_free(session->openapi_file);
    memory_free(session->tls_ca);
    memory_free(session);
}

enum status pr_ping(struct session *base, double *ms, struct error *err) {
    struct pr_session *session = pr_session(base);
    struct statement_record record = { .sql = "HEAD /", .round_trips = 1 };
    double started_ms = pr_now_ms();
    enum status status = greet(session, err);

    record.ms = pr_now_ms() - started_ms;
    record.error = status != STATUS_OK && err != NULL ? err->message : NULL;
    pr_log(session, &record);
    if (status == STATUS_OK) {
        *ms = record.ms;
    }
    return status;
}
