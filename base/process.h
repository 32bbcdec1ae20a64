/* Which process this is. Sessions belong to the process that opened them, and who uses one asks
 * each time: a join asks once for every row of its outer side. */
#ifndef DRAWBRIDGE_BASE_PROCESS_H
#define DRAWBRIDGE_BASE_PROCESS_H

#include <sys/types.h>

/* getpid(), which the C library does not remember, without its system call. Right in a child
 * from its first instruction on, whichever way it was forked. */
pid_t process_id(void);

#endif
