/* From what a user calls a place to a driver and its connection text. The environment is read
 * here and nowhere else; what a URL means is each driver's own parse_url(). */
#include "base/sqlite.h"
#include "drivers/registry.h"
#include "drivers/url.h"

#include <stdlib.h>
#include <string.h>

enum { TARGET_URL_BYTES_MAX = 64 * 1024, TARGET_NAME_BYTES_MAX = 128 };

static const char *const url_variables[] = { "DATABASE_URL", "DB_URI", NULL };

/* One of these is enough for libpq to know where to go; it reads them itself. */
static const char *const libpq_variables[] = { "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT",
    "PGDATABASE", "PGUSER", NULL };

/* What is set to nothing counts as not set, as .env files have it. */
static const char *environment(const char *name) {
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_env(const char *url) {
    return sqlite3_strnicmp(url, "env:", 4) == 0;
}

/* ---- DB_TYPE and its companions ------------------------------------------------------------
 */

static void append_part(struct text *url, const char *before, const char *variable) {
    const char *value = environment(variable);

    if (value != NULL) {
        text_append(url, before);
        url_encode(url, value, strlen(value));
    }
}

static enum status write_postgres_url(struct text *url, struct error *err) {
    text_append(url, "postgresql://");
    append_part(url, "", "DB_USER");
    append_part(url, ":", "DB_PASS");
    text_append(url, environment("DB_USER") || environment("DB_PASS") ? "@" : "");
    append_part(url, "", "DB_HOST");
    append_part(url, ":", "DB_PORT");
    append_part(url, "/", "DB_NAME");
    return text_status(url, err);
}

static enum status write_sqlite_url(struct text *url, struct error *err) {
    const char *name = environment("DB_NAME");

    if (name == NULL) {
        return error_set(err, STATUS_USAGE,
                "environment variable \"DB_NAME\" is not set: with DB_TYPE=sqlite it is the "
                "file");
    }
    text_append(url, "sqlite:"); /* encoded: "?" and "%" may stand in a file's name */
    url_encode(url, name, strlen(name));
    return text_status(url, err);
}

static const struct {
    const char *name;
    enum status (*write_url)(struct text *url, struct error *err);
} db_types[] = {
    { "postgresql", write_postgres_url },
    { "postgres", write_postgres_url },
    { "sqlite", write_sqlite_url },
};

static enum status write_db_url(const char *type, struct text *url, struct error *err) {
    for (size_t i = 0; i < sizeof(db_types) / sizeof(db_types[0]); i++) {
        if (sqlite3_stricmp(type, db_types[i].name) == 0) {
            return db_types[i].write_url(url, err);
        }
    }
    return error_set(err, STATUS_USAGE,
            "DB_TYPE \"%s\" is not supported: it must be postgresql or sqlite", type);
}

/* ---- env: ----------------------------------------------------------------------------------
 */

/* A URL typed behind "env:" holds more than a variable's name does, and must not be repeated.
 */
static bool is_variable_name(const char *name) {
    size_t length = strlen(name);

    return length <= TARGET_NAME_BYTES_MAX &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
                   length;
}

static enum status read_variable(
        const char *name, struct text *url, struct text *source, struct error *err) {
    const char *value;

    if (!is_variable_name(name)) {
        return error_set(
                err, STATUS_USAGE, "\"env:\" is followed by what cannot name a variable");
    }
    value = environment(name);
    if (value == NULL) {
        return error_set(err, STATUS_USAGE, "environment variable \"%s\" is not set", name);
    }
    if (is_env(value)) { /* else two of them could name each other for ever */
        return error_set(err, STATUS_USAGE,
                "environment variable \"%s\" cannot refer to another one", name);
    }
    text_append(url, value);
    text_printf(source, "env:%s", name);
    return text_status(url, err);
}

static const char *first_set(const char *const *names) {
    while (*names != NULL && environment(*names) == NULL) {
        names++;
    }
    return *names;
}

static enum status search_environment(
        struct text *url, struct text *source, struct error *err) {
    const char *name = first_set(url_variables);
    const char *type = environment("DB_TYPE");

    if (name != NULL) {
        return read_variable(name, url, source, err);
    }
    if (type != NULL) {
        text_append(source, "DB_*");
        return write_db_url(type, url, err);
    }
    if (first_set(libpq_variables) != NULL) {
        text_append(source, "PG*");
        text_append(url, "postgresql://");
        if (environment("PGSERVICE") == NULL) { /* else the service says which */
            append_part(url, "/", "PGDATABASE");
        }
        return text_status(url, err);
    }
    return error_set(err, STATUS_USAGE,
            "environment names no database: none of DATABASE_URL, DB_URI, DB_TYPE, PGSERVICE, "
            "PGHOST, PGDATABASE is set");
}

/* The URL proper and where it was found. */
static enum status find_url(
        const char *given, struct text *url, struct text *source, struct error *err) {
    if (!is_env(given)) {
        text_append(url, given);
        text_append(source, "argument");
        return text_status(url, err);
    }
    return given[4] != '\0' ? read_variable(given + 4, url, source, err)
                            : search_environment(url, source, err);
}

/* ---- drivers -------------------------------------------------------------------------------
 */

/* The scheme alone is repeated: what is behind it may hold a password. */
static enum status unknown_url(const char *url, struct error *err) {
    static const char forms[] =
            "postgresql://HOST/DATABASE, host=HOST dbname=DATABASE, "
            "service=NAME, https://HOST/PATH, sqlite:FILE, sqlite::memory:, "
            "env:NAME and env: "
            "are understood";
    size_t length =
            strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+");

    if (length > 0 && length <= 32 && strncmp(url + length, "://", 3) == 0) {
        return error_set(err, STATUS_USAGE, "URL of kind \"%.*s\" is not known: %s",
                (int)length, url, forms);
    }
    return error_set(err, STATUS_USAGE, "URL is of no known kind: %s", forms);
}

static enum status ask_drivers(
        const char *url, struct options *options, struct target *found, struct error *err) {
    enum status status = STATUS_UNSUPPORTED;

    for (size_t i = 0; drivers[i] != NULL && status == STATUS_UNSUPPORTED; i++) {
        status = drivers[i]->parse_url(url, options, &found->connection, &found->display, err);
        found->driver = drivers[i];
    }
    return status == STATUS_UNSUPPORTED ? unknown_url(url, err) : status;
}

enum status target_resolve(
        const char *url, struct options *options, struct target *out, struct error *err) {
    struct target found = { 0 };
    struct text real_url, source;
    enum status status;

    text_init(&real_url, TARGET_URL_BYTES_MAX);
    text_init(&source, TARGET_NAME_BYTES_MAX + sizeof("env:"));
    status = find_url(url, &real_url, &source, err);
    if (status != STATUS_OK) {
        goto out;
    }
    status = ask_drivers(text_get(&real_url), options, &found, err);
    if (status != STATUS_OK) {
        goto out;
    }
    found.source = text_steal(&source);
    if (found.source == NULL) {
        status = error_nomem(err);
        goto out;
    }
    *out = found;
    memset(&found, 0, sizeof(found));
out:
    target_clear(&found);
    text_clear(&real_url);
    text_clear(&source);
    return status;
}

void target_clear(struct target *target) {
    memory_free(target->connection);
    memory_free(target->display);
    memory_free(target->source);
    memset(target, 0, sizeof(*target));
}
