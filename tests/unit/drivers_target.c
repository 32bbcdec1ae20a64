/* drivers/target.c: which driver a URL leads to, and what is found in which environment. */
#include "drivers/postgres/internal.h"
#include "drivers/registry.h"

#include "tests/support/check.h"

#include <stdlib.h>

enum { VARIABLES_MAX = 7 };

static const char *const variables[] = { "DATABASE_URL", "DB_URI", "DB_TYPE", "DB_HOST",
    "DB_PORT", "DB_NAME", "DB_USER", "DB_PASS", "PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT",
    "PGDATABASE", "PGUSER", "PGPASSWORD", "ONE", "TWO" };

static void set_environment(const char *const *pairs) {
    for (size_t i = 0; i < check_count(variables); i++) {
        unsetenv(variables[i]);
    }
    for (; *pairs != NULL; pairs++) {
        char name[64];
        size_t length = strcspn(*pairs, "=");

        snprintf(name, sizeof(name), "%.*s", (int)length, *pairs);
        setenv(name, *pairs + length + 1, 1);
    }
}

struct target_case {
    const char *url;
    const char *environment[VARIABLES_MAX + 1];
    const char *driver; /* NULL: refused */
    const char *source; /* or the beginning of the error */
};

static void check_target(const struct target_case *one) {
    static const struct option_spec *const tables[] = { server_options, value_options,
        postgres_server_options, NULL };
    struct target target = { 0 };
    struct error err = { 0 };
    struct options options;
    enum status status;

    set_environment(one->environment);
    options_init(&options, tables, NULL);
    status = target_resolve(one->url, &options, &target, &err);
    check_status(one->url, one->driver != NULL ? STATUS_OK : STATUS_USAGE, status, &err);
    if (status == STATUS_OK) {
        check_text(one->url, one->driver, target.driver->name);
        check_text(one->url, one->source, target.source);
        check_true(one->url, target.connection != NULL);
        check_true(target.display, strstr(target.display, "canary") == NULL);
    } else {
        check_true(err.message, strncmp(err.message, one->source, strlen(one->source)) == 0);
        check_true(err.message, strstr(err.message, "canary") == NULL);
        check_true(one->url, target.driver == NULL && target.connection == NULL &&
                                     target.display == NULL && target.source == NULL);
    }
    target_clear(&target);
    options_clear(&options);
    error_clear(&err);
}

static void urls_lead_to_drivers(void **state) {
    static const struct target_case cases[] = {
        { "postgresql://h/d", { NULL }, "postgres", "argument" },
        { "postgres://u:canary@h/d", { NULL }, "postgres", "argument" },
        { "postgresql+asyncpg://u:canary@h:5433/d?role=x", { NULL }, "postgres", "argument" },
        { "host=h dbname=d", { NULL }, "postgres", "argument" },
        { "sqlite::memory:", { NULL }, "sqlite", "argument" },
        { "sqlite:///x.db", { NULL }, "sqlite", "argument" },
        { "sqlite+aiosqlite:///x.db", { NULL }, "sqlite", "argument" },
        { "mysql://u:canary@h/d", { NULL }, NULL, "URL of kind \"mysql\" is not known: " },
        { "canary", { NULL }, NULL, "URL is of no known kind: " },
        { "", { NULL }, NULL, "URL is of no known kind: " },
        { "postgresql://h/d?clo=1", { NULL }, NULL, "unknown option \"clo\": known are log" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_target(&cases[i]);
    }
}

static void named_variables_are_read(void **state) {
    static const struct target_case cases[] = {
        { "env:ONE", { "ONE=sqlite::memory:" }, "sqlite", "env:ONE" },
        { "ENV:ONE", { "ONE=postgresql://h/d" }, "postgres", "env:ONE" },
        { "env:ONE", { NULL }, NULL, "environment variable \"ONE\" is not set" },
        { "env:ONE", { "ONE=" }, NULL, "environment variable \"ONE\" is not set" },
        { "env:ONE", { "ONE=env:TWO", "TWO=sqlite::memory:" }, NULL,
                "environment variable \"ONE\" cannot refer to another one" },
        { "env:ONE", { "ONE=Env:" }, NULL,
                "environment variable \"ONE\" cannot refer to another one" },
        { "env:ONE", { "ONE=canary" }, NULL, "URL is of no known kind: " },
        { "env:postgresql://u:canary@h/d", { NULL }, NULL,
                "\"env:\" is followed by what cannot name a variable" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_target(&cases[i]);
    }
}

static void the_environment_is_searched(void **state) {
    static const char none[] = "environment names no database: none of DATABASE_URL, ";
    static const struct target_case cases[] = {
        { "env:", { NULL }, NULL, none },
        { "env:", { "DATABASE_URL=", "DB_URI=", "DB_TYPE=", "PGHOST=" }, NULL, none },
        { "env:", { "DB_HOST=h", "DB_NAME=d", "PGPASSWORD=canary" }, NULL, none },
        { "env:", { "DATABASE_URL=sqlite::memory:", "DB_URI=postgresql://h/d", "PGHOST=h" },
                "sqlite", "env:DATABASE_URL" },
        { "env:", { "DATABASE_URL=", "DB_URI=postgresql://h/d", "DB_TYPE=sqlite" }, "postgres",
                "env:DB_URI" },
        { "env:", { "DATABASE_URL=env:DB_URI", "DB_URI=sqlite::memory:" }, NULL,
                "environment variable \"DATABASE_URL\" cannot refer to another one" },
        { "env:",
                { "DB_TYPE=postgres", "DB_HOST=h", "DB_PORT=5433", "DB_NAME=d", "DB_USER=u@x",
                        "DB_PASS=canary/?@:&%", "PGHOST=other" },
                "postgres", "DB_*" },
        { "env:", { "DB_TYPE=PostgreSQL", "DB_HOST=/tmp", "DB_PASS=canary" }, "postgres",
                "DB_*" },
        { "env:", { "DB_TYPE=sqlite", "DB_NAME=:memory:" }, "sqlite", "DB_*" },
        { "env:", { "DB_TYPE=sqlite", "DB_NAME=/a b?clo=1&x%" }, "sqlite", "DB_*" },
        { "env:", { "DB_TYPE=sqlite", "DB_HOST=h" }, NULL,
                "environment variable \"DB_NAME\" is not set: " },
        { "env:", { "DB_TYPE=mysql", "DB_PASS=canary", "PGHOST=h" }, NULL,
                "DB_TYPE \"mysql\" is not supported: it must be postgresql or sqlite" },
        { "env:", { "PGHOST=h" }, "postgres", "PG*" },
        { "env:", { "PGDATABASE=d", "PGPASSWORD=canary" }, "postgres", "PG*" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_target(&cases[i]);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_lead_to_drivers),
        cmocka_unit_test(named_variables_are_read),
        cmocka_unit_test(the_environment_is_searched),
    };

    return check_run(tests);
}
