/* The extension inside this very program, and the system's sqlite3 with it loaded. */
#ifndef DRAWBRIDGE_SHELL_HOST_H
#define DRAWBRIDGE_SHELL_HOST_H

#include "shell/command.h"

#include <sqlite3.h>

/* An in-memory database with the extension; NULL after telling stderr why. sqlite3_close(). */
sqlite3 *host_open(void);

/* Names the URL's server and asks it for an answer. EXIT_DONE, or the exit code after telling
 * stderr why. */
int host_check_url(const char *url);

/* Becomes sqlite3: the extension loaded, the URL attached, then `sql` (NULL: standard input).
 * The URL travels in the environment. Comes back only on failure, with an exit code. */
int host_become_sqlite3(const struct invocation *, const char *sql);

#endif
