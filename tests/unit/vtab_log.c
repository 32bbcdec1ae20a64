/* The ring of bridge_log and the lines of its file. */
#include "drivers/registry.h"
#include "tests/support/check.h"
#include "vtab/log.h"

#include <stdlib.h>
#include <unistd.h>

static const struct option_spec *const tables[] = { server_options, NULL };

static void append(struct log *log, const struct options *options, const char *sql, double ms,
        const char *error) {
    struct statement_record record = { .sql = sql, .ms = ms, .rows = 2, .error = error };

    struct log_options honoured = log_options_of(options);

    log_append(log, "s", &honoured, &record);
}

static void keeps_the_last_ones(void **state) {
    static const struct {
        const char *label, *keep;
        int appended;
        size_t count;
        int64_t oldest;
    } cases[] = {
        { "nothing", "0", 5, 0, 0 },
        { "one", "1", 5, 1, 5 },
        { "not full", "10", 3, 3, 1 },
        { "just full", "3", 3, 3, 1 },
        { "wrapped", "3", 8, 3, 6 },
    };

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct options options;
        struct log log = { 0 };

        options_init(&options, tables, NULL);
        check_int(cases[i].label, STATUS_OK, options_set(&options, "log", cases[i].keep, NULL));
        for (int n = 0; n < cases[i].appended; n++) {
            append(&log, &options, "SELECT 1", 1, NULL);
        }
        check_int(cases[i].label, (int64_t)cases[i].count, (int64_t)log.count);
        check_true(cases[i].label, log_at(&log, cases[i].count) == NULL);
        for (size_t k = 0; k < cases[i].count; k++) {
            check_int(cases[i].label, cases[i].oldest + (int64_t)k, log_at(&log, k)->id);
        }
        log_clear(&log);
        options_clear(&options);
    }
}

/* Two servers share the ring: the larger log= counts, and what is there stays in order. */
static void grows_for_another_server(void **state) {
    struct options small, large;
    struct log log = { 0 };

    (void)state;
    options_init(&small, tables, NULL);
    options_init(&large, tables, NULL);
    check_int("small", STATUS_OK, options_set(&small, "log", "2", NULL));
    check_int("large", STATUS_OK, options_set(&large, "log", "4", NULL));
    for (int i = 0; i < 3; i++) {
        append(&log, &small, "a", 1, NULL);
    }
    append(&log, &large, "b", 1, NULL);
    append(&log, &small, "c", 1, NULL);
    check_int("grown", 4, (int64_t)log.count);
    for (size_t i = 0; i < log.count; i++) {
        check_int("in order", (int64_t)i + 2, log_at(&log, i)->id);
    }
    log_clear(&log);
    options_clear(&small);
    options_clear(&large);
}

static void writes_lines(void **state) {
    char path[] = "/tmp/drawbridge-log-XXXXXX", line[512] = "";
    int file = mkstemp(path);
    struct options options;
    struct log log = { 0 };
    FILE *stream;

    (void)state;
    check_true("a file", file >= 0);
    close(file);
    options_init(&options, tables, NULL);
    check_int("file", STATUS_OK, options_set(&options, "log_file", path, NULL));
    check_int("none kept", STATUS_OK, options_set(&options, "log", "0", NULL));
    check_int("slow ones", STATUS_OK, options_set(&options, "log_min_ms", "10", NULL));
    append(&log, &options, "quick", 9.9, NULL);
    append(&log, &options, "a \"b\"\n", 10, NULL);
    append(&log, &options, "failed", 0, "why");
    stream = fopen(path, "r");
    check_true("written", stream != NULL && fgets(line, sizeof(line), stream) != NULL);
    check_true(
            "escaped", strstr(line, "\"statement\":\"a \\\"b\\\"\\n\",\"ms\":10.0,") != NULL);
    check_true("failed", fgets(line, sizeof(line), stream) != NULL &&
                                 strstr(line, "\"error\":\"why\"") != NULL);
    check_true("no more", fgets(line, sizeof(line), stream) == NULL);
    fclose(stream);
    check_int("nothing kept", 0, (int64_t)log.count);
    unlink(path);
    log_clear(&log);
    options_clear(&options);
}

static void names_a_file_that_cannot_be_written_once(void **state) {
    struct options options;
    struct log log = { 0 };

    (void)state;
    options_init(&options, tables, NULL);
    check_int("file", STATUS_OK,
            options_set(&options, "log_file", "/nonexistent/drawbridge.log", NULL));
    append(&log, &options, "a", 1, NULL);
    append(&log, &options, "b", 1, "its own");
    check_true("not in its own line", log_at(&log, 0)->error == NULL);
    check_true("beside the next error",
            strncmp(log_at(&log, 1)->error, "its own; could not write log file \"/none", 38) ==
                    0);
    log_clear(&log);
    options_clear(&options);
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(keeps_the_last_ones),
        cmocka_unit_test(grows_for_another_server), cmocka_unit_test(writes_lines),
        cmocka_unit_test(names_a_file_that_cannot_be_written_once) };

    return check_run(tests);
}
