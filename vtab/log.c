/* The ring behind bridge_log and the lines of log_file=; see log.h.
 *
 * One ring serves all servers of a connection: it holds as many statements as the largest log=
 * of theirs says, whichever server they went to. A statement that failed is logged however
 * short it was. Parameters come only when log_parameters=1 made the driver record them. */
#include "vtab/log.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_BYTES_MAX = TEXT_SQL_BYTES_MAX };

static void log_entry_clear(struct log_entry *entry) {
    memory_free(entry->server);
    memory_free(entry->statement);
    memory_free(entry->error);
    memory_free(entry->notices);
    memory_free(entry->parameters);
    memset(entry, 0, sizeof(*entry));
}

void log_clear(struct log *log) {
    for (size_t i = 0; i < log->capacity; i++) {
        log_entry_clear(&log->entries[i]);
    }
    memory_free(log->entries);
    memory_free(log->file_failure);
    memset(log, 0, sizeof(*log));
}

const struct log_entry *log_at(const struct log *log, size_t index) {
    return index < log->count ? &log->entries[(log->first + index) % log->capacity] : NULL;
}

/* A larger ring with the old entries from its start. */
static bool log_grow(struct log *log, size_t capacity) {
    struct log_entry *entries;

    if (capacity <= log->capacity) {
        return true;
    }
    entries = memory_alloc_array(capacity, sizeof(*entries));
    if (entries == NULL) {
        return log->capacity > 0; /* the old ring still serves */
    }
    for (size_t i = 0; i < log->count; i++) {
        entries[i] = *log_at(log, i);
    }
    memory_free(log->entries);
    log->entries = entries;
    log->capacity = capacity;
    log->first = 0;
    return true;
}

static struct log_entry *log_next(struct log *log) {
    struct log_entry *entry = &log->entries[(log->first + log->count) % log->capacity];

    if (log->count < log->capacity) {
        log->count++;
    } else {
        log->first = (log->first + 1) % log->capacity; /* the oldest makes room */
    }
    log_entry_clear(entry);
    return entry;
}

static int64_t log_now_ms(void) {
    struct timespec now = { 0 };

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void log_time(const struct log_entry *entry, char *at) {
    time_t seconds = (time_t)(entry->at_ms / 1000);
    struct tm parts = { 0 };
    size_t length;

    gmtime_r(&seconds, &parts);
    length = strftime(at, LOG_TIME_BYTES, "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(at + length, LOG_TIME_BYTES - length, ".%03d", (int)(entry->at_ms % 1000));
}

/* The statement's own error, and behind it that an earlier line did not reach the file. */
static char *log_error_text(struct log *log, const char *error) {
    struct text text;
    char *copy;

    if (log->file_failure == NULL) {
        return memory_copy_text(error);
    }
    text_init(&text, LOG_LINE_BYTES_MAX);
    text_append(&text, error != NULL ? error : "");
    text_append(&text, error != NULL ? "; " : "");
    text_append(&text, log->file_failure);
    memory_free(log->file_failure);
    log->file_failure = NULL;
    copy = text_steal(&text);
    text_clear(&text);
    return copy;
}

static void log_fill(struct log *log, struct log_entry *entry, const char *server,
        const struct statement_record *record) {
    entry->id = ++log->last_id;
    entry->at_ms = log_now_ms();
    entry->server = memory_copy_text(server);
    entry->statement = memory_copy_text(record->sql);
    entry->parameters = memory_copy_text(record->parameters);
    entry->notices = memory_copy_text(record->notices);
    entry->error = log_error_text(log, record->error);
    entry->ms = record->ms;
    entry->rows = record->rows;
    entry->bytes = record->bytes;
    entry->round_trips = record->round_trips;
}

/* ---- the file -----------------------------------------------------------------------------
 */

static void line_text(struct text *line, const char *name, const char *value) {
    if (value != NULL) {
        text_printf(line, ",\"%s\":", name);
        text_append_json(line, value, strlen(value));
    }
}

static void line_build(struct text *line, const struct log_entry *entry) {
    char at[LOG_TIME_BYTES];

    log_time(entry, at);
    text_printf(line, "{\"id\":%lld,\"at\":\"%s\"", (long long)entry->id, at);
    line_text(line, "server", entry->server);
    line_text(line, "statement", entry->statement);
    text_append(line, ",\"ms\":");
    text_append_json_real(line, round(entry->ms * 1000) / 1000);
    text_printf(line, ",\"rows\":%lld,\"bytes\":%lld,\"round_trips\":%lld",
            (long long)entry->rows, (long long)entry->bytes, (long long)entry->round_trips);
    line_text(line, "error", entry->error);
    line_text(line, "notices", entry->notices);
    if (entry->parameters != NULL) {
        text_printf(line, ",\"parameters\":");
        text_append(line, entry->parameters); /* JSON already */
    }
    text_append(line, "}\n");
}

/* One write() each, so that lines of several processes do not mix. Statements can hold private
 * data: a new file is for its owner alone. It is opened anew each time, so that it can be
 * rotated.
 */
static int line_write(const char *path, const struct text *line) {
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    ssize_t written;
    int failure = 0;

    if (file < 0) {
        return errno;
    }
    written = write(file, text_get(line), line->length);
    if (written < 0) {
        failure = errno;
    } else if ((size_t)written < line->length) {
        failure = ENOSPC;
    }
    close(file);
    return failure;
}

/* Kept for the next entry; without memory it is left out. */
static void log_note_failure(struct log *log, const char *path, int failure) {
    char reason[128] = "unknown reason";
    struct text text;

    strerror_r(failure, reason, sizeof(reason)); /* leaves it as it is for an unknown number */
    text_init(&text, LOG_LINE_BYTES_MAX);
    text_printf(&text, "could not write log file \"%s\": %s", path, reason);
    memory_free(log->file_failure);
    log->file_failure = text_steal(&text);
    text_clear(&text);
}

static void log_write_file(struct log *log, const char *path, const struct log_entry *entry) {
    struct text line;
    int failure = ENOMEM;

    text_init(&line, LOG_LINE_BYTES_MAX);
    line_build(&line, entry);
    if (line.failure == STATUS_OK) {
        failure = line_write(path, &line);
    }
    text_clear(&line);
    if (failure != 0) {
        log_note_failure(log, path, failure);
    }
}

struct log_options log_options_of(const struct options *options) {
    const char *path = options_text(options, "log_file");

    return (struct log_options){ .keep = options_integer(options, "log"),
        .path = path != NULL && path[0] != '\0' ? path : NULL,
        .min_ms = (double)options_integer(options, "log_min_ms") };
}

void log_append(struct log *log, const char *server, const struct log_options *options,
        const struct statement_record *record) {
    struct log_entry unkept = { 0 }, *entry = &unkept;

    trace(TRACE_WIRE, "server \"%s\": %.2f ms, %lld rows, %lld round trips: %s%s%s", server,
            record->ms, (long long)record->rows, (long long)record->round_trips, record->sql,
            record->error != NULL ? ": " : "", record->error != NULL ? record->error : "");
    if (record->error == NULL && record->ms < options->min_ms) {
        return;
    }
    if (options->keep > 0 && log_grow(log, (size_t)options->keep)) {
        entry = log_next(log);
    } else if (options->path == NULL) {
        return;
    }
    log_fill(log, entry, server, record);
    if (options->path != NULL) {
        log_write_file(log, options->path, entry);
    }
    log_entry_clear(&unkept);
}
