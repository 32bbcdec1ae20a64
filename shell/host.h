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

/* Runs sqlite3 with the extension loaded and the URL attached, and gives the exit code: for one
 * statement, or, when sql is NULL, in place of this process, for whoever types or is piped in.
 * The URL travels in the environment. */
int host_run_sqlite3(const struct invocation *, const char *sql);

#endif
