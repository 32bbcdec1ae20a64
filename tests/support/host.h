/* Lets a test call the rooms' code without loading the extension. */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_HOST_H
#define DRAWBRIDGE_TESTS_SUPPORT_HOST_H

/* Points base/sqlite.h's API table at the SQLite this program is linked with. Call it first, once;
 * ends the program when SQLite does not answer. */
void host_start(void);

#endif
