/* Every spelling of a PostgreSQL place -> one libpq keyword string, and the same without
 * secrets. Pure. libpq itself takes the parts apart; what it must not see are words of ours and
 * of SQLAlchemy's. Errors repeat nothing of what was given: a password may stand anywhere. */
#include "drivers/url.h"
#include "drivers/postgres/internal.h"

#include "base/sqlite.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECTION_BYTES_MAX = 256 * 1024 };

/* Words that libraries in front of libpq understand. */
static const struct {
    const char *word, *value;             /* NULL: any */
    const char *libpq_word, *libpq_value; /* NULL: nothing, or the value as it is */
} foreign_words[] = {
    { "ssl", "true", "sslmode", "require" }, /* asyncpg, JDBC */
    { "ssl", "True", "sslmode", "require" },
    { "ssl", "false", "sslmode", "disable" },
    { "ssl", "False", "sslmode", "disable" },
    { "ssl", NULL, "sslmode", NULL },
    { "prepared_statement_cache_size", NULL, NULL, NULL }, /* SQLAlchemy: of its own drivers */
    { "prepared_statement_name_func", NULL, NULL, NULL },
    { "async_fallback", NULL, NULL, NULL },
    { "pgbouncer", NULL, NULL, NULL }, /* Prisma */
    { "connection_limit", NULL, NULL, NULL },
    { "pool_timeout", NULL, NULL, NULL },
};

enum { FOREIGN_COUNT = sizeof(foreign_words) / sizeof(foreign_words[0]) };

/* Besides those that libpq itself marks as not to be displayed. */
static const char *const secret_words[] = { "password", "sslpassword", "oauth_client_secret",
    "scram_client_key", "scram_server_key" };

static bool is_libpq_word(const char *word) {
    PQconninfoOption *known = PQconninfoParse("", NULL);
    bool found = false;

    for (PQconninfoOption *item = known; item != NULL && item->keyword != NULL; item++) {
        found = found || strcmp(item->keyword, word) == 0;
    }
    PQconninfoFree(known);
    return found;
}

static bool is_kept_word(const char *word) {
    for (size_t i = 0; i < FOREIGN_COUNT; i++) {
        if (strcmp(foreign_words[i].word, word) == 0) {
            return true;
        }
    }
    return is_libpq_word(word);
}

static bool is_secret(const PQconninfoOption *item) {
    for (size_t i = 0; i < sizeof(secret_words) / sizeof(secret_words[0]); i++) {
        if (strcmp(secret_words[i], item->keyword) == 0) {
            return true;
        }
    }
    return item->dispchar != NULL && item->dispchar[0] == '*';
}

/* ---- words -> a keyword string ------------------------------------------------------------
 */

static void append_word(struct text *connection, const char *word, const char *value) {
    text_printf(connection, "%s%s='", connection->length > 0 ? " " : "", word);
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\') {
            text_append_char(connection, '\\');
        }
        text_append_char(connection, *value);
    }
    text_append_char(connection, '\'');
}

/* A word that stayed with the URL, as libpq is to have it. */
static void append_kept_word(struct text *connection, const char *word, const char *value) {
    for (size_t i = 0; i < FOREIGN_COUNT; i++) {
        if (strcmp(foreign_words[i].word, word) == 0 &&
                (foreign_words[i].value == NULL ||
                        strcmp(foreign_words[i].value, value) == 0)) {
            if (foreign_words[i].libpq_word != NULL) {
                append_word(connection, foreign_words[i].libpq_word,
                        foreign_words[i].libpq_value != NULL ? foreign_words[i].libpq_value
                                                             : value);
            }
            return;
        }
    }
    append_word(connection, word, value);
}

/* ---- URLs ---------------------------------------------------------------------------------
 */

/* SQLAlchemy writes several hosts as host=a:1&host=b:2; libpq wants host=a,b and port=1,2. */
struct host_list {
    struct text hosts, ports;
    bool any_port;
};

static void host_list_add(struct host_list *list, const char *value) {
    const char *colon = strrchr(value, ':');
    bool port = colon != NULL && value[0] != '/' &&
                (strchr(value, ':') == colon || (colon > value && colon[-1] == ']')) &&
                colon[1] != '\0' && strspn(colon + 1, "0123456789") == strlen(colon + 1);
    size_t length = port ? (size_t)(colon - value) : strlen(value);

    if (list->hosts.length > 0) {
        text_append_char(&list->hosts, ',');
        text_append_char(&list->ports, ',');
    }
    if (port && length > 2 && value[0] == '[' && value[length - 1] == ']') {
        value++;
        length -= 2;
    }
    text_append_bytes(&list->hosts, value, length);
    text_append(&list->ports, port ? colon + 1 : "");
    list->any_port = list->any_port || port;
}

static enum status query_word(const char *start, size_t length, struct host_list *list,
        struct text *connection, struct error *err) {
    const char *equals = memchr(start, '=', length); /* ensured by url_split_query() */
    size_t word_length = (size_t)(equals - start);
    struct text word, value;
    enum status status;

    text_init(&word, CONNECTION_BYTES_MAX);
    text_init(&value, CONNECTION_BYTES_MAX);
    status = url_decode(&word, start, word_length, err);
    if (status == STATUS_OK) {
        status = url_decode(&value, equals + 1, length - word_length - 1, err);
    }
    if (status == STATUS_OK && strcmp(text_get(&word), "host") == 0) {
        host_list_add(list, text_get(&value));
    } else if (status == STATUS_OK) {
        append_kept_word(connection, text_get(&word), text_get(&value));
    }
    text_clear(&word);
    text_clear(&value);
    return status;
}

static enum status query_words(const char *query, struct text *connection, struct error *err) {
    struct host_list list = { .any_port = false };
    enum status status = STATUS_OK;

    text_init(&list.hosts, CONNECTION_BYTES_MAX);
    text_init(&list.ports, CONNECTION_BYTES_MAX);
    while (*query != '\0' && status == STATUS_OK) {
        size_t length = strcspn(query, "&");

        status = query_word(query, length, &list, connection, err);
        query += length + (query[length] == '&' ? 1 : 0);
    }
    if (status == STATUS_OK && list.hosts.length > 0) {
        append_word(connection, "host", text_get(&list.hosts));
    }
    if (status == STATUS_OK && list.any_port) {
        append_word(connection, "port", text_get(&list.ports));
    }
    if (status == STATUS_OK) {
        status = text_status(&list.hosts, err);
    }
    if (status == STATUS_OK) {
        status = text_status(&list.ports, err);
    }
    text_clear(&list.hosts);
    text_clear(&list.ports);
    return status;
}

/* Where the words begin, or the end. libpq takes a "?" in front of "@" for a password's. */
static const char *query_find(const char *url) {
    const char *place = strstr(url, "//"), *end;

    if (place == NULL) {
        return url + strlen(url);
    }
    end = place + 2 + strcspn(place + 2, "@/");
    return *end == '@' ? end + strcspn(end, "?") : place + strcspn(place, "?");
}

/* "//user:pass/word@host/db" would make a host or a database of half a password, and show it.
 */
static bool place_is_sound(const char *place, size_t length) {
    const char *at = memchr(place, '@', length);
    const char *slash = length > 2 ? memchr(place + 2, '/', length - 2) : NULL;

    return strncmp(place, "//", 2) == 0 &&
           (at == NULL || (memchr(at + 1, '@', length - (size_t)(at + 1 - place)) == NULL &&
                                  (slash == NULL || at < slash)));
}

/* libpq's reason, up to where it begins to quote. */
static enum status url_refused(char *why, struct error *err) {
    size_t length = why != NULL ? strcspn(why, "\"\n") : 0;
    enum status status;

    while (length > 0 && strchr(": ", why[length - 1]) != NULL) {
        length--;
    }
    status = error_set(err, STATUS_USAGE, "URL is not valid: %.*s",
            length > 0 ? (int)length : 7, length > 0 ? why : "unknown");
    PQfreemem(why);
    return status;
}

/* The place by libpq, then the words behind "?", which win as they do in libpq. */
static enum status url_words(const char *url, struct text *connection, struct error *err) {
    const char *query = query_find(url);
    size_t scheme_length = strlen("postgresql:"), place_length = (size_t)(query - url);
    char *why = NULL, *place = NULL;
    PQconninfoOption *parts = NULL;

    if (!place_is_sound(url + scheme_length, place_length - scheme_length)) {
        return error_set(err, STATUS_USAGE,
                "URL is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE "
                "(in a password \"@\" and \"/\" are written as %%40 and %%2F)");
    }
    place = memory_alloc(place_length + 1);
    if (place == NULL) {
        return error_nomem(err);
    }
    memcpy(place, url, place_length);
    parts = PQconninfoParse(place, &why);
    memory_free(place);
    if (parts == NULL) {
        return url_refused(why, err);
    }
    for (PQconninfoOption *part = parts; part->keyword != NULL; part++) {
        if (part->val != NULL && part->val[0] != '\0') {
            append_word(connection, part->keyword, part->val);
        }
    }
    PQconninfoFree(parts);
    return query_words(*query == '?' ? query + 1 : query, connection, err);
}

static enum status parse_uri(const char *behind_scheme, struct options *options,
        struct text *connection, struct error *err) {
    struct text url, rest;
    enum status status;

    text_init(&url, CONNECTION_BYTES_MAX);
    text_init(&rest, CONNECTION_BYTES_MAX);
    text_append(&url, "postgresql:"); /* whatever driver SQLAlchemy was to use */
    text_append(&url, behind_scheme);
    status = text_status(&url, err);
    if (status == STATUS_OK) {
        status = url_split_query(text_get(&url), is_kept_word, options, &rest, err);
    }
    if (status == STATUS_OK) {
        status = url_words(text_get(&rest), connection, err);
    }
    text_clear(&url);
    text_clear(&rest);
    return status;
}

/* ---- keyword strings ----------------------------------------------------------------------
 */

static const char blanks[] = " \t\r\n\f\v";

/* word = value, the value bare or in single quotes, a backslash in front of any character. */
static const char *take_word(const char *at, struct text *word, struct text *value) {
    size_t length = strcspn(at, "= \t\r\n\f\v");
    bool quoted;

    text_append_bytes(word, at, length);
    at += length;
    at += strspn(at, blanks);
    if (*at != '=') {
        return NULL;
    }
    at++;
    at += strspn(at, blanks);
    quoted = *at == '\'';
    at += quoted;
    while (*at != '\0' && (quoted ? *at != '\'' : strchr(blanks, *at) == NULL)) {
        at += *at == '\\' && at[1] != '\0';
        text_append_char(value, *at++);
    }
    if (quoted && *at != '\'') {
        return NULL;
    }
    return at + quoted;
}

static enum status parse_keywords(
        const char *at, struct options *options, struct text *connection, struct error *err) {
    struct text word, value;
    enum status status = STATUS_OK;

    text_init(&word, CONNECTION_BYTES_MAX);
    text_init(&value, CONNECTION_BYTES_MAX);
    for (at += strspn(at, blanks); *at != '\0' && status == STATUS_OK;
            at += strspn(at, blanks)) {
        text_clear(&word);
        text_clear(&value);
        at = take_word(at, &word, &value);
        if (at == NULL) {
            status = error_set(err, STATUS_USAGE,
                    "connection string has something other than word=value (a value with "
                    "blanks "
                    "stands in single quotes)");
            break;
        }
        status = text_status(&word, err);
        if (status == STATUS_OK) {
            status = text_status(&value, err);
        }
        if (status == STATUS_OK && is_libpq_word(text_get(&word))) {
            append_word(connection, text_get(&word), text_get(&value));
        } else if (status == STATUS_OK) {
            status = options_set(options, text_get(&word), text_get(&value), err);
        }
    }
    text_clear(&word);
    text_clear(&value);
    return status;
}

/* Is it of the form word=value at all, and the first word one that can stand there? */
static bool is_keyword_string(const char *text, const struct options *options) {
    char word[64];
    size_t length;

    text += strspn(text, blanks);
    length = strcspn(text, "= \t\r\n\f\v:/");
    if (length == 0 || length >= sizeof(word) ||
            text[length + strspn(text + length, blanks)] != '=') {
        return false;
    }
    memcpy(word, text, length);
    word[length] = '\0';
    return is_libpq_word(word) || options_knows(options, word, length);
}

/* ---- display ------------------------------------------------------------------------------
 */

static const char *part_value(const PQconninfoOption *parts, const char *keyword) {
    for (; parts->keyword != NULL; parts++) {
        if (strcmp(parts->keyword, keyword) == 0) {
            return parts->val;
        }
    }
    return NULL;
}

static void display_host(struct text *display, const char *host, size_t length) {
    bool ipv6 = memchr(host, ':', length) != NULL;

    text_append(display, ipv6 ? "[" : "");
    if (ipv6) {
        text_append_bytes(display, host, length);
    } else {
        url_encode(display, host, length);
    }
    text_append(display, ipv6 ? "]" : "");
}

static void display_hosts(struct text *display, const char *hosts, const char *ports) {
    while (hosts != NULL) {
        size_t length = strcspn(hosts, ",");
        size_t port_length = ports != NULL ? strcspn(ports, ",") : 0;

        display_host(display, hosts, length);
        if (port_length > 0) {
            text_append_char(display, ':');
            text_append_bytes(display, ports, port_length);
        }
        /* One port is for all hosts. */
        ports = ports != NULL && ports[port_length] == ',' ? ports + port_length + 1 : ports;
        hosts = hosts[length] == ',' ? hosts + length + 1 : NULL;
        text_append(display, hosts != NULL ? "," : "");
    }
}

/* A URL again, the same for every spelling; a socket's folder reads better as a word. */
static void display_parts(struct text *display, const PQconninfoOption *parts) {
    const char *user = part_value(parts, "user"), *host = part_value(parts, "host");
    const char *database = part_value(parts, "dbname");
    bool socket = host == NULL || strchr(host, '/') != NULL || host[0] == '@';
    char separator = '?';

    text_append(display, "postgresql://");
    if (user != NULL) {
        url_encode(display, user, strlen(user));
        text_append_char(display, '@');
    }
    display_hosts(display, socket ? NULL : host, part_value(parts, "port"));
    if (database != NULL) {
        text_append_char(display, '/');
        url_encode(display, database, strlen(database));
    }
    for (; parts->keyword != NULL; parts++) {
        bool shown = strcmp(parts->keyword, "user") == 0 ||
                     strcmp(parts->keyword, "dbname") == 0 ||
                     (!socket && (strcmp(parts->keyword, "host") == 0 ||
                                         strcmp(parts->keyword, "port") == 0));

        if (parts->val != NULL && !shown && !is_secret(parts)) {
            text_printf(display, "%c%s=", separator, parts->keyword);
            url_encode(display, parts->val, strlen(parts->val));
            separator = '&';
        }
    }
}

/* What is left to check stands where half a password may have slipped to. */
static enum status display_make(
        const char *connection, struct text *display, struct error *err) {
    PQconninfoOption *parts = PQconninfoParse(connection, NULL);
    const char *host, *port;
    enum status status = STATUS_OK;

    if (parts == NULL) { /* made here, so only memory can be the reason */
        return error_nomem(err);
    }
    host = part_value(parts, "host");
    port = part_value(parts, "port");
    if ((port != NULL && strspn(port, "0123456789,") != strlen(port)) ||
            (host != NULL && host[0] != '@' && strpbrk(host, "@?#") != NULL)) {
        status = error_set(err, STATUS_USAGE,
                "host or port is not valid (in a URL's password \"@\", \"/\", \":\" and \"#\" "
                "are written as %%40, %%2F, %%3A and %%23)");
    } else {
        display_parts(display, parts);
        status = text_status(display, err);
    }
    PQconninfoFree(parts);
    return status;
}

/* What cannot be read, for lack of memory, is taken to hold one. */
bool pg_has_secret(const char *connection) {
    PQconninfoOption *parts = PQconninfoParse(connection, NULL);
    bool found = parts == NULL;

    for (const PQconninfoOption *part = parts; part != NULL && part->keyword != NULL; part++) {
        found = found || (part->val != NULL && is_secret(part));
    }
    PQconninfoFree(parts);
    return found;
}

enum status pg_parse_url(const char *url, struct options *options, char **connection,
        char **display, struct error *err) {
    const char *behind_scheme = url_after_scheme(url, "postgresql");
    struct text words, shown;
    enum status status;

    behind_scheme = behind_scheme != NULL ? behind_scheme : url_after_scheme(url, "postgres");
    if (behind_scheme == NULL && !is_keyword_string(url, options)) {
        return STATUS_UNSUPPORTED;
    }
    text_init(&words, CONNECTION_BYTES_MAX);
    text_init(&shown, CONNECTION_BYTES_MAX);
    status = behind_scheme != NULL ? parse_uri(behind_scheme, options, &words, err)
                                   : parse_keywords(url, options, &words, err);
    if (status == STATUS_OK) {
        status = text_status(&words, err);
    }
    if (status == STATUS_OK) {
        status = display_make(text_get(&words), &shown, err);
    }
    if (status == STATUS_OK) {
        char *made = memory_copy_text(text_get(&words)), *made_display = text_steal(&shown);

        if (made != NULL && made_display != NULL) {
            *connection = made;
            *display = made_display;
        } else {
            memory_free(made);
            memory_free(made_display);
            status = error_nomem(err);
        }
    }
    text_clear(&words);
    text_clear(&shown);
    return status;
}
