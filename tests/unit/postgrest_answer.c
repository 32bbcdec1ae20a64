/* drivers/postgrest/answer.c: what lines of a head and the body of an error mean. */
#include "drivers/postgrest/internal.h"

#include "tests/support/check.h"

static void heads_are_understood(void **state) {
    static const struct {
        const char *line;
        struct pr_head want;
    } cases[] = {
        { "HTTP/1.1 206 Partial Content", { .status = 206 } },
        { "HTTP/2 200", { .status = 200 } },
        { "Content-Range: 0-9/50", { .first = 0, .last = 9, .total = 50 } },
        { "content-range:3-5/*", { .first = 3, .last = 5, .total = -1 } },
        { "Content-Range: */7", { .first = -1, .last = -1, .total = 7 } },
        { "Content-Range: */*", { .first = -1, .last = -1, .total = -1 } },
        { "Content-Range: 0-9/99999999999999999999", { .first = 0, .last = 9, .total = -1 } },
        { "Content-Range:", { .first = -1, .last = -1, .total = -1 } },
        { "Content-Type: application/json; charset=utf-8", { .json = true } },
        { "Content-Type: application/openapi+json", { .json = true } },
        { "Content-Type: text/html", { .json = false } },
        { "Preference-Applied: count=exact, timezone=UTC", { .utc = true } },
        { "Retry-After: 2", { .retry_after_ms = 2000 } },
        { "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT",
                { .retry_after_ms = INT64_C(3600) * 1000 } },
        { "Retry-After: soon", { .retry_after_ms = -1 } },
        { "X-Content-Range: 1-2/3", { .total = -1 } },
        { "no colon", { .total = -1 } },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const struct pr_head *want = &cases[i].want;
        struct pr_head head;

        pr_head_clear(&head);
        pr_head_line(&head, cases[i].line, strlen(cases[i].line));
        check_int(cases[i].line, want->status, head.status);
        check_int(cases[i].line, want->json, head.json);
        check_int(cases[i].line, want->utc, head.utc);
        if (want->first != 0 || want->last != 0 || want->total != 0) {
            check_int(cases[i].line, want->total, head.total);
            check_int(cases[i].line, want->last > 0 ? want->last : -1, head.last);
        }
        if (want->retry_after_ms != 0) {
            check_int(cases[i].line, want->retry_after_ms, head.retry_after_ms);
        }
    }
}

#define BODY(code) "{\"code\":\"" code "\",\"message\":\"m\",\"details\":\"d\",\"hint\":\"h\"}"

static void errors_are_understood(void **state) {
    static const struct {
        long http;
        const char *body;
        enum status status;
        const char *message;
        bool blames_filter;
    } cases[] = {
        { 400, BODY("22P02"), STATUS_REMOTE, "m", true },
        { 404, BODY("42883"), STATUS_REMOTE, "m", true },
        { 400, BODY("22003"), STATUS_REMOTE, "m", true },
        { 400, BODY("2201B"), STATUS_REMOTE, "m", true },
        { 400, BODY("PGRST100"), STATUS_REMOTE, "m (PGRST100)", true },
        { 414, "", STATUS_TOO_BIG, "server answered with HTTP status 414", true },
        { 400, BODY("42703"), STATUS_SCHEMA, "remote table changed: m", false },
        { 404, BODY("PGRST205"), STATUS_SCHEMA, "remote table changed: m", false },
        { 401, BODY("42501"), STATUS_DENIED, "m", false },
        { 401, BODY("PGRST301"), STATUS_DENIED, "m (PGRST301)", false },
        { 500, BODY("57014"), STATUS_TIMEOUT, "m", false },
        { 504, BODY("PGRST003"), STATUS_TIMEOUT, "m (PGRST003)", false },
        { 503, BODY("PGRST002"), STATUS_UNREACHABLE, "m (PGRST002)", false },
        { 503, BODY("57P01"), STATUS_LOST, "m", false },
        { 409, BODY("23505"), STATUS_CONSTRAINT, "m", false },
        { 405, BODY("25006"), STATUS_READONLY, "m", false },
        { 301, "<html>", STATUS_REMOTE, "server answered with HTTP status 301", false },
        { 401, "", STATUS_DENIED, "server answered with HTTP status 401", false },
        { 502, "{", STATUS_UNREACHABLE, "server answered with HTTP status 502", false },
        { 500, "[1]", STATUS_REMOTE, "server answered with HTTP status 500", false },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct error err = { 0 };

        check_status(cases[i].body, cases[i].status,
                pr_answer_error(cases[i].http, cases[i].body, strlen(cases[i].body), &err),
                &err);
        check_text(cases[i].body, cases[i].message, err.message);
        check_int(cases[i].body, cases[i].blames_filter, pr_blames_filter(&err));
        if (cases[i].body[0] == '{' && cases[i].body[1] != '\0') {
            check_text(cases[i].body, "d", err.detail);
            check_text(cases[i].body, "h", err.hint);
        }
        error_clear(&err);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_understood),
        cmocka_unit_test(errors_are_understood),
    };

    return check_run(tests);
}
