/* What an answer means: its head's lines, and the error that its status and body tell, in the
 * words of the server and the terms of enum status. Pure. */
#include "base/sqlite.h"
#include "drivers/postgrest/internal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RETRY_SECONDS_MAX = 3600 };

/* ---- head ---------------------------------------------------------------------------------
 */

void pr_head_clear(struct pr_head *head) {
    *head = (struct pr_head){ .first = -1, .last = -1, .total = -1, .retry_after_ms = -1 };
}

/* Digits up to the end or one of these; -1: none. Numbers that are too long say nothing. */
static int64_t read_number(const char **at, const char *end) {
    int64_t number = 0;
    const char *start = *at;

    while (*at < end && **at >= '0' && **at <= '9') {
        if (*at - start >= 18) {
            return -1;
        }
        number = number * 10 + (**at - '0');
        (*at)++;
    }
    return *at > start ? number : -1;
}

/* "0-9/50", "0-9/[*]", "[*]/50" (a lone star each). */
static void head_range(struct pr_head *head, const char *at, const char *end) {
    head->first = read_number(&at, end);
    if (head->first >= 0 && at < end && *at == '-') {
        at++;
        head->last = read_number(&at, end);
    }
    while (at < end && *at != '/') {
        at++;
    }
    at++;
    head->total = at < end ? read_number(&at, end) : -1;
}

static bool value_has(const char *at, const char *end, const char *word) {
    size_t length = strlen(word);

    for (; (size_t)(end - at) >= length; at++) {
        if (sqlite3_strnicmp(at, word, (int)length) == 0) {
            return true;
        }
    }
    return false;
}

/* "120", or a date: how long until then. -1: neither. */
static int64_t read_seconds(const char *at, const char *end) {
    enum { DATE_BYTES_MAX = 64 };
    bool digits = at < end && *at >= '0' && *at <= '9';
    int64_t seconds = read_number(&at, end), left;
    char date[DATE_BYTES_MAX];
    time_t then;

    if (digits && seconds < 0) {
        return RETRY_SECONDS_MAX; /* more digits than can be read */
    }
    if (seconds >= 0 || end - at >= DATE_BYTES_MAX) {
        return seconds;
    }
    snprintf(date, sizeof(date), "%.*s", (int)(end - at), at);
    then = curl_getdate(date, NULL);
    left = (int64_t)then - (int64_t)time(NULL);
    return then < 0 ? -1 : left > 0 ? left : 0;
}

static bool header_is(const char *line, size_t name_length, const char *name) {
    return strlen(name) == name_length && sqlite3_strnicmp(line, name, (int)name_length) == 0;
}

void pr_head_line(struct pr_head *head, const char *line, size_t length) {
    const char *colon = memchr(line, ':', length), *end = line + length, *value;
    size_t name;

    if (length > 9 && memcmp(line, "HTTP/", 5) == 0) {
        value = memchr(line, ' ', length);
        value = value != NULL ? value + 1 : end;
        head->status = (long)read_number(&value, end);
        return;
    }
    if (colon == NULL) {
        return;
    }
    name = (size_t)(colon - line);
    value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    if (header_is(line, name, "content-range")) {
        head_range(head, value, end);
    } else if (header_is(line, name, "content-type")) {
        head->json = value_has(value, end, "application/openapi+json") ||
                     value_has(value, end, "application/json");
    } else if (header_is(line, name, "preference-applied")) {
        head->utc |= value_has(value, end, "timezone=UTC");
        head->strict |= value_has(value, end, "handling=strict");
        head->missing |= value_has(value, end, "missing=default");
    } else if (header_is(line, name, "server")) {
        snprintf(head->server, sizeof(head->server), "%.*s", (int)(end - value), value);
    } else if (header_is(line, name, "retry-after")) {
        int64_t seconds = read_seconds(value, end);

        head->retry_after_ms = seconds < 0                   ? -1
                               : seconds > RETRY_SECONDS_MAX ? INT64_C(1000) * RETRY_SECONDS_MAX
                                                             : seconds * 1000;
    }
}

/* ---- errors -------------------------------------------------------------------------------
 */

struct meaning {
    const char *code; /* beginning of a SQLSTATE or a code of PostgREST's */
    enum status status;
};

/* The first row that fits counts. */
static const struct meaning code_meanings[] = {
    { "57014", STATUS_TIMEOUT }, /* the server's own: nobody of ours cancels a request */
    { "55P03", STATUS_TIMEOUT },
    { "57P", STATUS_LOST },
    { "08", STATUS_LOST },
    { "40001", STATUS_RETRY },
    { "40P01", STATUS_RETRY },
    { "23", STATUS_CONSTRAINT },
    { "25006", STATUS_READONLY },
    { "42501", STATUS_DENIED },
    { "28", STATUS_DENIED },
    { "3F000", STATUS_SCHEMA },
    { "42P01", STATUS_SCHEMA },
    { "42703", STATUS_SCHEMA },
    { "42846", STATUS_SCHEMA },
    { "PGRST000", STATUS_UNREACHABLE }, /* the server's own way to its database */
    { "PGRST001", STATUS_LOST },
    { "PGRST002", STATUS_UNREACHABLE },
    { "PGRST003", STATUS_TIMEOUT },
    { "PGRST106", STATUS_USAGE }, /* a schema that is not exposed */
    { "PGRST204", STATUS_SCHEMA },
    { "PGRST205", STATUS_SCHEMA },
    { "PGRST3", STATUS_DENIED },
};

static const struct {
    long from, to;
    enum status status;
    const char *hint;
} http_meanings[] = {
    { 300, 399, STATUS_REMOTE,
            "Redirects are not followed, so that no token goes astray: give the URL that the "
            "server redirects to." },
    { 401, 401, STATUS_DENIED, "Say token=, token_env= or token_file=." },
    { 403, 403, STATUS_DENIED, NULL },
    { 404, 404, STATUS_REMOTE, "Is this the URL of a PostgREST server?" },
    { 408, 408, STATUS_TIMEOUT, NULL },
    { 413, 414, STATUS_TOO_BIG, "A smaller max_url_bytes= makes shorter requests." },
    { 431, 431, STATUS_TOO_BIG, "A smaller max_url_bytes= makes shorter requests." },
    { 502, 503, STATUS_UNREACHABLE, NULL },
    { 504, 504, STATUS_TIMEOUT, NULL },
};

static enum status http_error(long http_status, struct error *err) {
    for (size_t i = 0; i < sizeof(http_meanings) / sizeof(http_meanings[0]); i++) {
        if (http_status >= http_meanings[i].from && http_status <= http_meanings[i].to) {
            error_set(err, http_meanings[i].status, "server answered with HTTP status %ld",
                    http_status);
            error_explain(err, NULL, NULL, http_meanings[i].hint);
            return http_meanings[i].status;
        }
    }
    return error_set(err, STATUS_REMOTE, "server answered with HTTP status %ld", http_status);
}

static enum status code_status(const char *code) {
    for (size_t i = 0; i < sizeof(code_meanings) / sizeof(code_meanings[0]); i++) {
        if (strncmp(code, code_meanings[i].code, strlen(code_meanings[i].code)) == 0) {
            return code_meanings[i].status;
        }
    }
    return STATUS_REMOTE;
}

static const char *member_text(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* The words of something between here and the server, which know no codes. They are no part of
 * the message, which says what is certain. */
static void explain_gateway(const json_t *object, const char *message, struct error *err) {
    const char *hint = member_text(object, "hint");

    if (message == NULL) {
        message = member_text(object, "error");
    }
    error_explain(err, NULL, message, hint);
}

enum status pr_answer_error(
        long http_status, const char *body, size_t length, struct error *err) {
    json_t *object = json_loadb(body, length, 0, NULL);
    const char *code = member_text(object, "code"), *message = member_text(object, "message");
    enum status status;

    if (code == NULL) {
        status = http_error(http_status, err);
        explain_gateway(object, message, err);
        json_decref(object);
        return status;
    }
    status = code_status(code);
    if (strcmp(code, "0A000") == 0 && message != NULL &&
            strstr(message, "cached plan") != NULL) {
        status = STATUS_SCHEMA; /* the server's statement is older than the table */
    }
    if (status == STATUS_SCHEMA) {
        error_set(err, status, "remote table changed: %s", message != NULL ? message : code);
    } else if (strlen(code) != 5) { /* no SQLSTATE but PostgREST's own: told in the text */
        error_set(err, status, "%s (%s)", message != NULL ? message : "request failed", code);
    } else {
        error_set(err, status, "%s", message != NULL ? message : "request failed");
    }
    error_explain(err, strlen(code) == 5 ? code : NULL, member_text(object, "details"),
            member_text(object, "hint"));
    json_decref(object);
    return status;
}

bool pr_blames_filter(const struct error *err) {
    static const char *const states[] = { "42883", "22P02", "22P05", "22003", "22007", "22008",
        "22021", "2201B", "0A000", "42704" };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(err->sqlstate, states[i]) == 0) {
            return true;
        }
    }
    /* A URL that some proxy finds too long, or a filter that this server cannot read. */
    return err->status == STATUS_TOO_BIG || strstr(err->message, "(PGRST100)") != NULL;
}
