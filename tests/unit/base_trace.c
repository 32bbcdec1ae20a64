/* base/trace.c: which areas a list switches on. The list is read once per process, so each case
 * has a process of its own. */
#include "base/trace.h"

#include "tests/support/check.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned areas_on(void) {
    return (trace_on(TRACE_PLAN) ? TRACE_PLAN : 0) |
           (trace_on(TRACE_DRIVER) ? TRACE_DRIVER : 0) |
           (trace_on(TRACE_WIRE) ? TRACE_WIRE : 0);
}

/* What a process that starts with this list says, in areas and on stderr. */
static unsigned run_with(const char *list, char *said, size_t said_bytes) {
    int status = 0, ends[2];
    ssize_t length;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        if (list != NULL) {
            setenv("DRAWBRIDGE_TRACE", list, 1);
        } else {
            unsetenv("DRAWBRIDGE_TRACE");
        }
        dup2(ends[1], STDERR_FILENO);
        trace(TRACE_PLAN, "plan %d", 1);
        trace(TRACE_WIRE, "wire");
        _exit((int)areas_on());
    }
    waitpid(child, &status, 0); /* what it says is less than a pipe holds */
    close(ends[1]);
    length = read(ends[0], said, said_bytes - 1);
    said[length > 0 ? length : 0] = '\0';
    close(ends[0]);
    check_true("child ended", WIFEXITED(status));
    return (unsigned)WEXITSTATUS(status);
}

static void lists_switch_areas(void **state) {
    static const char both[] = "drawbridge: plan 1\ndrawbridge: wire\n";
    static const struct {
        const char *list;
        unsigned want;
        const char *said;
    } cases[] = {
        { NULL, 0, "" },
        { "", 0, "" },
        { "none", 0, "" },
        { "allx", 0, "" },
        { "all", TRACE_PLAN | TRACE_DRIVER | TRACE_WIRE, both },
        { "wire", TRACE_WIRE, "drawbridge: wire\n" },
        { "all,-wire", TRACE_PLAN | TRACE_DRIVER, "drawbridge: plan 1\n" },
        { "-wire,all", TRACE_PLAN | TRACE_DRIVER | TRACE_WIRE, both },
        { "all,-all,plan,", TRACE_PLAN, "drawbridge: plan 1\n" },
        { ",,driver,-", TRACE_DRIVER, "" },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        const char *label = cases[i].list != NULL ? cases[i].list : "unset";
        char said[256];

        check_int(label, cases[i].want, run_with(cases[i].list, said, sizeof(said)));
        check_text(label, cases[i].said, said);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(lists_switch_areas) };

    return check_run(tests);
}
