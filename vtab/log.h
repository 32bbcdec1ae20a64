/* The last N remote statements of a connection, for bridge_log, and the file of log_file=. */
#ifndef DRAWBRIDGE_VTAB_LOG_H
#define DRAWBRIDGE_VTAB_LOG_H

#include "base/options.h"
#include "drivers/driver.h"

struct log_entry {
    int64_t id;
    int64_t at_ms;                                           /* since 1970 */
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

/* The server's log=, log_file= and log_min_ms=. */
struct log_options {
    int64_t keep;
    const char *path; /* borrowed from the options; NULL: no file */
    double min_ms;
};

struct log_options log_options_of(const struct options *);
/* Honours them. Never fails: what cannot be kept for
 * lack of memory is left out, a file that cannot be written is named once in the next entry's
 * error. */
void log_append(struct log *, const char *server, const struct log_options *,
        const struct statement_record *);
enum { LOG_TIME_BYTES = 32 };
void log_time(const struct log_entry *, char *at); /* UTC, 'YYYY-MM-DD HH:MM:SS.mmm' */
const struct log_entry *log_at(const struct log *, size_t index); /* 0 is the oldest */
void log_clear(struct log *);

#endif
