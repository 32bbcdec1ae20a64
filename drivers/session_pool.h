/* Sessions that outlive their holders: one pool for the process, by driver, connection text,
 * credentials, role and settings.
 *
 * A session is held by one SQLite connection at a time. When that closes or detaches, the
 * session is cleaned and waits here for whoever asks for its like. Any thread may call; a child
 * of fork() starts with an empty pool and only closes its copies of its parent's sockets. */
#ifndef DRAWBRIDGE_DRIVERS_SESSION_POOL_H
#define DRAWBRIDGE_DRIVERS_SESSION_POOL_H

#include "drivers/registry.h"

enum { POOL_IDLE_MAX = 8 }; /* sessions of one key that wait; more are closed */

/* A session that was given back, or a new one; bound to the host. options are those of the
 * server, and are copied as far as they matter. */
enum status session_pool_take(const struct target *, const struct options *,
        const struct host *, struct session **out, struct error *);
/* Ends the loan: no call of the host's will be made any more. Closes what cannot be lent again.
 * Accepts NULL. */
void session_pool_give(struct session *);

/* Ends and begins a time in which the holder does nothing with it. */
void session_pool_rest(struct session *);
void session_pool_wake(struct session *);
/* Has it rested longer than idle_close_ms? */
bool session_pool_is_stale(const struct session *);
/* Does it belong to the process that this one was forked from? Then it must only be closed. */
bool session_pool_is_foreign(const struct session *);

#endif
