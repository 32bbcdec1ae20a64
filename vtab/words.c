/* Reading of what was said to bridge_attach and bridge_server; see words.h.
 *
 * The driver is known only after the URL was read, but the URL's query part may hold any word:
 * so all of them are taken in first, then sorted. */
#include "vtab/words.h"

#include "drivers/url.h"
#include "vtab/connection.h"

#include <string.h>

enum { SERVER_NAME_BYTES_MAX = 1024 };

static void words_all(struct options *all) {
    const struct option_spec *tables[OPTION_TABLES_MAX] = { attach_options, server_options,
        value_options };
    size_t count = 3;

    for (size_t i = 0; drivers[i] != NULL && count + 1 < OPTION_TABLES_MAX; i++) {
        tables[count++] = drivers[i]->server_options;
    }
    options_init(all, tables, NULL);
}

static void words_init(struct words *words, const struct driver *driver) {
    const struct option_spec *server[] = { server_options, value_options,
        driver->server_options, NULL };
    static const struct option_spec *const attach[] = { attach_options, NULL };

    options_init(&words->server, server, NULL);
    options_init(&words->attach, attach, NULL);
}

/* Refuses a word that nobody knows, with all that could have been meant. */
static enum status words_unknown(
        const struct driver *driver, const char *text, struct error *err) {
    const struct option_spec *tables[] = { attach_options, server_options, value_options,
        driver->server_options, NULL };
    struct options all;
    enum status status;

    options_init(&all, tables, NULL);
    status = options_add(&all, text, err);
    options_clear(&all);
    return status;
}

/* A word that belongs to neither set is refused by the server's, which lists what it knows. */
static enum status words_sort(
        struct words *words, const struct options *all, struct error *err) {
    enum status status = STATUS_OK;

    for (const struct option_entry *entry = all->first; entry != NULL && status == STATUS_OK;
            entry = entry->next) {
        bool attach = options_knows(&words->attach, entry->name, strlen(entry->name));

        status = options_set(
                attach ? &words->attach : &words->server, entry->name, entry->value, err);
    }
    return status;
}

static enum status words_add(
        struct words *words, sqlite3_value *value, bool with_attach, struct error *err) {
    const char *text = (const char *)sqlite3_value_text(value);
    size_t length;
    bool attach;

    if (text == NULL) {
        return sqlite3_value_type(value) == SQLITE_NULL
                       ? error_set(err, STATUS_USAGE, "an option is NULL")
                       : error_nomem(err);
    }
    text += strspn(text, " \t\r\n");
    length = strcspn(text, "= \t\r\n");
    attach = options_knows(&words->attach, text, length);
    if (attach && !with_attach) {
        return error_set(err, STATUS_USAGE, "option \"%.*s\" belongs to bridge_attach",
                (int)length, text);
    }
    if (with_attach && !attach && !options_knows(&words->server, text, length)) {
        return words_unknown(words->target.driver, text, err);
    }
    return options_add(attach ? &words->attach : &words->server, text, err);
}

enum status words_read(const char *url, int argc, sqlite3_value **argv, bool with_attach,
        struct words *words, struct error *err) {
    struct options all;
    enum status status;

    words_all(&all);
    status = target_resolve(url, &all, &words->target, err);
    if (status == STATUS_OK) {
        words_init(words, words->target.driver);
        status = words_sort(words, &all, err);
    }
    for (int i = 0; i < argc && status == STATUS_OK; i++) {
        status = words_add(words, argv[i], with_attach, err);
    }
    options_clear(&all);
    return status;
}

void words_clear(struct words *words) {
    target_clear(&words->target);
    options_clear(&words->server);
    options_clear(&words->attach);
}

/* The keyword form "host=h dbname=shop": the word behind dbname=. */
static const char *database_keyword(const char *display, size_t *length) {
    const char *at = strstr(display, "dbname=");

    if (at == NULL || (at > display && at[-1] != ' ')) {
        return NULL;
    }
    at += strlen("dbname=");
    if (*at == '\'') {
        at++;
        *length = strcspn(at, "'");
    } else {
        *length = strcspn(at, " ");
    }
    return at;
}

/* "postgresql://host/shop?x" and "sqlite:/data/shop.db" both name "shop". */
static const char *database_in_path(const char *display, size_t *length) {
    const char *colon = strchr(display, ':');
    const char *path = colon != NULL ? colon + 1 : display;
    size_t end = strcspn(path, "?#");
    const char *last;

    if (strncmp(path, "//", 2) == 0) { /* a host comes first */
        size_t host = 2 + strcspn(path + 2, "/?#");

        if (host >= end) {
            return NULL;
        }
        path += host;
        end -= host;
    }
    last = path + end;
    while (last > path && last[-1] != '/') {
        last--;
    }
    *length = (size_t)(path + end - last);
    return last;
}

static size_t without_extension(const char *name, size_t length) {
    for (size_t i = length; i > 1; i--) {
        if (name[i - 1] == '.') {
            return i - 1;
        }
    }
    return length;
}

static enum status database_name(
        const struct target *target, struct text *name, struct error *err) {
    const char *display = target->display, *found;
    size_t length = 0;

    if (strstr(display, ":memory:") != NULL) {
        text_append(name, "memory");
        return text_status(name, err);
    }
    found = database_keyword(display, &length);
    if (found == NULL) {
        found = database_in_path(display, &length);
    }
    if (found != NULL && target->driver->local_file != NULL) {
        length = without_extension(found, length);
    }
    if (found == NULL || length == 0) {
        text_append(name, target->driver->name);
        return text_status(name, err);
    }
    return strstr(display, "://") != NULL
                   ? url_decode(name, found, length, err)
                   : (text_append_bytes(name, found, length), text_status(name, err));
}

enum status words_server_name(const struct words *words, struct text *name, struct error *err) {
    const char *given = options_text(&words->server, "name");

    text_init(name, SERVER_NAME_BYTES_MAX);
    if (given == NULL) {
        given = options_text(&words->attach, "as");
    }
    if (given == NULL) {
        return database_name(&words->target, name, err);
    }
    if (given[0] == '\0') {
        return error_set(err, STATUS_USAGE, "a server's name cannot be empty");
    }
    text_append(name, given);
    return text_status(name, err);
}

/* Who gives a URL where a name belongs must not see its password repeated. */
enum status words_find_server(struct connection *connection, const char *name,
        struct server **out, struct error *err) {
    struct server *server = server_find(connection, name);

    if (server != NULL) {
        *out = server;
        return STATUS_OK;
    }
    if (strpbrk(name, ":=@") != NULL) {
        error_set(err, STATUS_USAGE, "no server has that name: give a name, not a URL");
    } else {
        error_set(err, STATUS_USAGE, "no server is named \"%s\"", name);
    }
    error_explain(err, NULL, NULL, "SELECT name FROM bridge_servers lists them");
    return STATUS_USAGE;
}

static const struct option_entry *skip_name(const struct option_entry *entry) {
    while (entry != NULL && strcmp(entry->name, "name") == 0) {
        entry = entry->next;
    }
    return entry;
}

bool words_define(const struct words *words, const struct server *server) {
    const struct option_entry *a = skip_name(words->server.first);
    const struct option_entry *b = skip_name(server->options.first);

    if (words->target.driver != server->target.driver ||
            strcmp(words->target.connection, server->target.connection) != 0) {
        return false;
    }
    while (a != NULL && b != NULL && strcmp(a->name, b->name) == 0 &&
            strcmp(a->value, b->value) == 0) {
        a = skip_name(a->next);
        b = skip_name(b->next);
    }
    return a == NULL && b == NULL;
}
