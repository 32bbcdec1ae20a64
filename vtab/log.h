/* The last N remote statements of a connection, for bridge_log, and the file of log_file=. */
#ifndef DRAWBRIDGE_VTAB_LOG_H
#define DRAWBRIDGE_VTAB_LOG_H

#include "base/options.h"
#include "drivers/driver.h"

struct log_entry {
    int64_t id;
    char at[32]; /* UTC, 'YYYY-MM-DD HH:MM:SS.mmm' */
    char *server, *statement, *error, *notices, *parameters; /* owned; may be NULL but server */
    double ms;
    int64_t rows, bytes, round_trips;
};

struct log {
    struct log_entry *entries; /* ring */
    size_t capacity, count, first;
    int64_t last_id;
    char *file_failure; /* of the last line for log_file=; owned, told in the next entry's error
                         */
};

/* Honours the server's log=, log_file= and log_min_ms=. Never fails: what cannot be kept for
 * lack of memory is left out, a file that cannot be written is named once in the next entry's
 * error. */
void log_append(struct log *, const char *server, const struct options *,
        const struct statement_record *);
const struct log_entry *log_at(const struct log *, size_t index); /* 0 is the oldest */
void log_clear(struct log *);

#endif
