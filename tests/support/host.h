/* Lets a test call the rooms' code without loading the extension. */
#ifndef DRAWBRIDGE_TESTS_SUPPORT_HOST_H
#define DRAWBRIDGE_TESTS_SUPPORT_HOST_H

/* Points base/sqlite.h's API table at the SQLite this program is linked with. 0, or 1 after
 * telling stderr why not. Call it first, once. */
int host_start(void);

#endif
