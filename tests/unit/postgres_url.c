/* drivers/postgres/url.c: what libpq is given for each spelling, what is shown, what is
 * refused. */
#include "drivers/postgres/internal.h"
#include "drivers/registry.h"

#include "tests/support/check.h"

struct url_case {
    const char *url;
    const char *connection; /* NULL: refused */
    const char *display;    /* or a part of the error */
    const char *role;       /* an option that the URL set; NULL: none */
};

static void check_url(const struct url_case *one) {
    static const struct option_spec *const tables[] = { server_options, value_options,
        postgres_server_options, NULL };
    char *connection = NULL, *display = NULL;
    struct options options;
    struct error err = { 0 };
    enum status status;

    options_init(&options, tables, NULL);
    status = pg_parse_url(one->url, &options, &connection, &display, &err);
    check_status(one->url, one->connection != NULL ? STATUS_OK : STATUS_USAGE, status, &err);
    check_text(one->url, one->connection, connection);
    if (status == STATUS_OK) {
        check_text(one->url, one->display, display);
        check_text(one->url, one->role, options_text(&options, "role"));
        check_true(one->url, strstr(display, "canary") == NULL);
    } else {
        check_true(err.message, strstr(err.message, one->display) != NULL);
        check_true(err.message, strstr(err.message, "canary") == NULL);
        check_true(one->url, display == NULL);
    }
    memory_free(connection);
    memory_free(display);
    options_clear(&options);
    error_clear(&err);
}

static void spellings_are_understood(void **state) {
    static const struct url_case cases[] = {
        { "postgresql://h/d", "dbname='d' host='h'", "postgresql://h/d", NULL },
        { "postgres://u:canary@h:5433/d",
                "user='u' password='canary' dbname='d' "
                "host='h' port='5433'",
                "postgresql://u@h:5433/d", NULL },
        { "POSTGRESQL+asyncpg://u@h/d?ssl=require",
                "user='u' dbname='d' host='h' "
                "sslmode='require'",
                "postgresql://u@h/d?sslmode=require", NULL },
        { "postgresql+psycopg2://h/d?ssl=true&prepared_statement_cache_size=0",
                "dbname='d' host='h' sslmode='require'", "postgresql://h/d?sslmode=require",
                NULL },
        { "postgresql://", "", "postgresql://", NULL },
        { "postgresql:///d?host=/var/run&port=5433", "dbname='d' port='5433' host='/var/run'",
                "postgresql:///d?host=%2Fvar%2Frun&port=5433", NULL },
        { "postgresql://%2Fvar%2Frun/d", "dbname='d' host='/var/run'",
                "postgresql:///d?host=%2Fvar%2Frun", NULL },
        { "postgresql://a:1,b:2/d", "dbname='d' host='a,b' port='1,2'",
                "postgresql://a:1,b:2/d", NULL },
        { "postgresql://a,b/d", "dbname='d' host='a,b' port=','", "postgresql://a,b/d", NULL },
        { "postgresql:///d?host=a:1&host=b:2", "dbname='d' host='a,b' port='1,2'",
                "postgresql://a:1,b:2/d", NULL },
        { "postgresql:///d?host=[::1]:5", "dbname='d' host='::1' port='5'",
                "postgresql://[::1]:5/d", NULL },
        { "postgresql://[::1]:5433/d", "dbname='d' host='::1' port='5433'",
                "postgresql://[::1]:5433/d", NULL },
        { "postgresql://u%40x:can%61ry%2F%3F%27%5C@h/d%20e",
                "user='u@x' password='canary/?\\'\\\\' dbname='d e' host='h'",
                "postgresql://u%40x@h/d%20e", NULL },
        { "postgresql://u:canary?x@h/d", "user='u' password='canary?x' dbname='d' host='h'",
                "postgresql://u@h/d", NULL },
        { "postgresql://u:canary?x@h/d?sslmode=disable",
                "user='u' password='canary?x' dbname='d' host='h' sslmode='disable'",
                "postgresql://u@h/d?sslmode=disable", NULL },
        { "postgresql://h/d?role=reader&application_name=x",
                "dbname='d' host='h' application_name='x'",
                "postgresql://h/d?application_name=x", "reader" },
        { "postgresql://h/d?user=u&password=canary&sslpassword=canary",
                "dbname='d' host='h' user='u' password='canary' sslpassword='canary'",
                "postgresql://u@h/d", NULL },
        { "host=h dbname=d password=canary", "host='h' dbname='d' password='canary'",
                "postgresql://h/d", NULL },
        { " host = h  password = 'can\\'ary x' role='a b' ", "host='h' password='can\\'ary x'",
                "postgresql://h", "a b" },
        { "service=shop", "service='shop'", "postgresql://?service=shop", NULL },
        { "role=reader host=/tmp", "host='/tmp'", "postgresql://?host=%2Ftmp", "reader" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_url(&cases[i]);
    }
}

/* A password with characters that a URL gives another meaning must not come out anywhere. */
static void mistakes_are_told(void **state) {
    static const struct url_case cases[] = {
        { "postgresql:h", NULL, "not of the form", NULL },
        { "postgresql:/h", NULL, "not of the form", NULL },
        { "postgresql://u:canary@canary@h/d", NULL, "%40", NULL },
        { "postgresql://u:can/canary@h/d", NULL, "%2F", NULL },
        { "postgresql://u:canary%zz@h/d", NULL, "URL is not valid: invalid percent-encoded",
                NULL },
        { "postgresql://u:canary%00@h/d", NULL, "URL is not valid: forbidden value %00", NULL },
        { "postgresql://[::1canary", NULL, "URL is not valid: end of string reached", NULL },
        { "postgresql://h:canary/d", NULL, "host or port is not valid", NULL },
        { "postgresql://h/d?rol=x", NULL, "unknown option \"rol\"", NULL },
        { "postgresql://h/d?canary", NULL, "word=value", NULL },
        { "host=h password='canary", NULL, "word=value", NULL },
        { "host=h canary", NULL, "word=value", NULL },
        { "host=h rol=x", NULL, "unknown option \"rol\"", NULL },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_url(&cases[i]);
    }
}

static void others_are_left_alone(void **state) {
    static const char *const urls[] = { "sqlite:x=y", "mysql://h/d", "a=b", "x", "", "=",
        "host" };
    const struct option_spec *const tables[] = { server_options, NULL };
    struct options options;

    (void)state;
    options_init(&options, tables, NULL);
    for (size_t i = 0; i < check_count(urls); i++) {
        char *connection = NULL, *display = NULL;
        struct error err = { 0 };

        check_status(urls[i], STATUS_UNSUPPORTED,
                pg_parse_url(urls[i], &options, &connection, &display, &err), &err);
        check_true(urls[i], err.status == STATUS_OK && connection == NULL && display == NULL);
    }
    options_clear(&options);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_are_understood),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(others_are_left_alone),
    };

    return check_run(tests);
}
