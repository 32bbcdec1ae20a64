/* What the programs of this folder fail in turn: the n-th allocation (failing_memory.h), the
 * n-th call of a driver.
 *
 * The linker puts functions of failing.c in the place of both drivers' slots (see meson.build),
 * so nothing in the rooms knows of it. FAULT_URL names a server; without it a test makes a
 * SQLite file of its own. */
#ifndef DRAWBRIDGE_TESTS_FAULT_FAILING_H
#define DRAWBRIDGE_TESTS_FAULT_FAILING_H

#include "base/sqlite.h"
#include "tests/support/failing_memory.h"

#include <stdbool.h>

/* What the host would call must be the linked functions, not entries of the table. */
#undef sqlite3_config
#undef sqlite3_open

struct outcome {
    enum status status;
    int code; /* what SQLite says then */
};

enum { OUTCOMES = 16 };
extern const struct outcome outcomes[OUTCOMES];

/* n calls of a driver go well, the next gives the outcome, those behind it go well. */
void failing_call(int n, const struct outcome *);
bool failing_call_left(void);
/* The failure is reported as what it is. */
void check_outcome(const struct outcome *, const char *label, sqlite3 *db, int code);

/* The server's URL, or "sqlite:" and a new file in which `tables` were run. */
enum { REMOTE_URL_BYTES = 512 };
int remote_make(char url[REMOTE_URL_BYTES], const char *tables);
int remote_remove(const char *url);
bool remote_is_server(void);
/* FAULT_SHARE="1/4" runs every fourth case from case 1 on: the rest is another process's. */
bool case_is_ours(size_t i);

sqlite3 *open_host(const char *label); /* a database in memory with all that is registered */

#endif
