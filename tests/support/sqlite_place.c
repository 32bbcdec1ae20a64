/* See sqlite_place.h. */
#include "tests/support/sqlite_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct option_spec test_options[] = {
    { .name = "readonly", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "statement_timeout_ms", .type = OPTION_INTEGER, .fallback = "0", .max = 1000000 },
    { .name = "share", .type = OPTION_TEXT },
    { .name = "rowid", .type = OPTION_BOOL, .fallback = "0" },
    { .name = "type", .type = OPTION_TEXT, .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY },
    { .name = NULL },
};
static const struct option_spec *const option_tables[] = { test_options, NULL };

static char directory[] = "/tmp/drawbridge-sqlite-XXXXXX";
struct place_log place_log;
double place_interrupt_at_ms;

static bool interrupted(void *context) {
    (void)context;
    return place_interrupt_at_ms > 0 && sq_now_ms() >= place_interrupt_at_ms;
}

static void keep_record(void *context, const struct statement_record *record) {
    (void)context;
    place_log.count++;
    snprintf(place_log.sql, sizeof(place_log.sql), "%s", record->sql);
    snprintf(place_log.parameters, sizeof(place_log.parameters), "%s",
            record->parameters != NULL ? record->parameters : "");
}

const char *place_path(const char *name) {
    static char paths[4][256];
    static int turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

void place_run(sqlite3 *db, const char *sql) {
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

sqlite3 *place_make(const char *name, const char *sql) {
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(place_path(name), &db), SQLITE_OK);
    place_run(db, sql);
    return db;
}

void place_copy(const char *from, const char *to) {
    char command[1024];

    snprintf(command, sizeof(command), "cp '%s' '%s'", place_path(from), place_path(to));
    assert_int_equal(system(command), 0);
}

enum status place_try(
        const char *place, const char *word, struct session **out, struct error *err) {
    struct host host = {
        .interrupted = interrupted, .logged = keep_record, .log_parameters = true
    };
    struct options options;
    enum status status = STATUS_OK;

    options_init(&options, option_tables, NULL);
    if (word != NULL) {
        status = options_add(&options, word, err);
    }
    if (status == STATUS_OK) {
        status = sqlite_driver.open(place, &options, &host, out, err);
    }
    options_clear(&options);
    return status;
}

struct session *place_open(const char *place, const char *word) {
    struct session *session = NULL;
    struct error err = { 0 };

    if (place_try(place, word, &session, &err) != STATUS_OK) {
        fail_msg("%s: %s: %s", place, status_name(err.status), err.message);
    }
    return session;
}

enum status place_ask(
        struct session *session, const char *sql, char *out, size_t size, struct error *err) {
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    enum status status = sqlite_driver.query_start(session, sql, NULL, 0, &scan, err);

    if (status == STATUS_OK) {
        status = sqlite_driver.scan_next(scan, &batch, err);
    }
    if (status == STATUS_OK) {
        snprintf(out, size, "%s",
                batch.rows > 0 ? batch.heap + batch_cell(&batch, 0, 0)->start : "");
    }
    if (scan != NULL) {
        sqlite_driver.scan_end(scan);
    }
    batch_clear(&batch);
    return status;
}

void place_answers(struct session *session, const char *sql, const char *json) {
    struct error err = { 0 };
    char out[1024] = "";

    if (place_ask(session, sql, out, sizeof(out), &err) != STATUS_OK) {
        fail_msg("%s: %s: %s", sql, status_name(err.status), err.message);
    }
    assert_string_equal(out, json);
}

void place_refuses(struct session *session, const char *sql, enum status wanted) {
    struct error err = { 0 };
    char out[1024] = "";
    enum status status = place_ask(session, sql, out, sizeof(out), &err);

    if (status != wanted) {
        fail_msg("%s: %s in place of %s: %s", sql, status_name(status), status_name(wanted),
                err.message);
    }
    assert_true(strlen(err.message) > 0);
    error_clear(&err);
}

int place_set_up(void **state) {
    (void)state;
    return mkdtemp(directory) == NULL;
}

int place_tear_down(void **state) {
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r '%s'", directory);
    return system(command) != 0;
}
