/* Prepared statements of a session; see prepared.c. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_PREPARED_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_PREPARED_H

#include "drivers/postgres/wire.h"

struct pg_prepared {
    struct pg_prepared *next;
    char *sql;
    uint64_t hash;
    unsigned serial; /* of its name; 0: not sent yet */
    char name[32];
    bool ready; /* the server has it */

    /* of a probe: definition.c */
    int64_t marker;     /* when the server last analyzed it; 0: never seen */
    double marker_seen; /* the snapshot in which that was: when it began */
    bool trusted;       /* the definition was compared in a later snapshot than the marker's */
};

/* One that has worked before; NULL: none. Valid until the next of these calls. */
struct pg_prepared *pg_prepared_find(struct pg_session *, const char *sql);
/* Parse, where the server has not got it, and its execution. command->sql is its text. */
enum status pg_prepared_add(struct pg_request *, struct pg_prepared *,
        const struct pg_command *command, struct error *err);
/* One without parameters: prepared where it is known, else as text. */
enum status pg_prepared_add_text(struct pg_request *, const char *sql, struct error *err);
/* A statement with this text has worked: it is kept in mind from now on. NULL: out of memory,
 * or the session is shared. */
struct pg_prepared *pg_prepared_worked(struct pg_session *, const char *sql);
/* It has failed. */
void pg_prepared_forget(struct pg_session *, const char *sql);

#endif
