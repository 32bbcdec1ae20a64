/* Databases in files of a directory of the test's own, and sessions on them whose host can be
 * interrupted and remembers the last statement that was logged. */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_SQLITE_PLACE_H
#define DRAWBRIDGE_TESTS_SUPPORT_SQLITE_PLACE_H

#include "drivers/sqlite/internal.h"

struct place_log {
    int count;
    char sql[512], parameters[512];
};

extern struct place_log place_log;
extern double place_interrupt_at_ms; /* 0: never */

int place_set_up(void **state); /* for cmocka_run_group_tests */
int place_tear_down(void **state);

const char *place_path(const char *name); /* valid until the fourth call after it */
sqlite3 *place_make(const char *name, const char *sql);
void place_run(sqlite3 *, const char *sql);
void place_copy(const char *from, const char *to);
/* word: an option, or NULL. */
enum status place_try(
        const char *place, const char *word, struct session **out, struct error *);
struct session *place_open(const char *place, const char *word);

/* The first row of a query as JSON in `out`, or the status that came instead. */
enum status place_ask(
        struct session *, const char *sql, char *out, size_t size, struct error *);
void place_answers(struct session *, const char *sql, const char *json);
void place_refuses(struct session *, const char *sql, enum status wanted);

#endif
