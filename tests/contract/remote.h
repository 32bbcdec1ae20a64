/* A second client of the database under test: the contract must not depend on the driver that
 * it tests to change what that driver sees. */
#ifndef DRAWBRIDGE_TESTS_CONTRACT_REMOTE_H
#define DRAWBRIDGE_TESTS_CONTRACT_REMOTE_H

/* CONTRACT_URL (of a PostgREST server; CONTRACT_DATABASE is the database behind it, then), or a
 * new SQLite file in a temporary directory. Ends the program on failure. */
const char *remote_url(void);
void remote_connect(const char *driver_name, const char *url);
void remote_run(const char *sql); /* several statements are allowed; fails the test on error */
void remote_try(const char *sql); /* the same, errors ignored */
void remote_disconnect(void);

#endif
