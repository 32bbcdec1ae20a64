/* Rows that came before anybody wanted them: into a temporary file that has no name, so that
 * memory stays bounded and nothing is left behind. */
#include "drivers/postgres/copy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct pg_spill {
    FILE *file;
    bool reading;
    char *message; /* the one being read */
    size_t capacity;
};

/* SQLite's own order of places. */
static int spill_open(void) {
    const char *const places[] = { getenv("SQLITE_TMPDIR"), getenv("TMPDIR"), "/var/tmp",
        "/usr/tmp", "/tmp", "." };
    char path[4096];
    int file = -1;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && file < 0; i++) {
        if (places[i] != NULL && snprintf(path, sizeof(path), "%s/drawbridge-XXXXXX",
                                         places[i]) < (int)sizeof(path)) {
            file = mkstemp(path);
        }
    }
    if (file >= 0) {
        fcntl(file, F_SETFD, FD_CLOEXEC);
        unlink(path);
    }
    return file;
}

static enum status spill_failed(const char *verb, struct error *err) {
    error_set(err, STATUS_REMOTE, "could not %s a temporary file: %m", verb); /* of errno */
    error_explain(err, NULL, NULL,
            "Rows of a running query are put aside there when another one needs its "
            "connection; SQLITE_TMPDIR names a place with more room.");
    return STATUS_REMOTE;
}

enum status pg_spill_create(struct pg_spill **out, struct error *err) {
    struct pg_spill *spill = memory_alloc(sizeof(*spill));
    int file;

    if (spill == NULL) {
        return error_nomem(err);
    }
    file = spill_open();
    spill->file = file >= 0 ? fdopen(file, "w+") : NULL;
    if (spill->file == NULL) {
        spill_failed("make", err);
        if (file >= 0) {
            close(file);
        }
        memory_free(spill);
        return STATUS_REMOTE;
    }
    *out = spill;
    return STATUS_OK;
}

void pg_spill_destroy(struct pg_spill *spill) {
    if (spill != NULL) {
        fclose(spill->file);
        memory_free(spill->message);
        memory_free(spill);
    }
}

enum status pg_spill_write(
        struct pg_spill *spill, const char *bytes, size_t length, struct error *err) {
    if (fwrite(&length, sizeof(length), 1, spill->file) != 1 ||
            fwrite(bytes, 1, length, spill->file) != length) {
        return spill_failed("write", err);
    }
    return STATUS_OK;
}

static enum status spill_room(struct pg_spill *spill, size_t length, struct error *err) {
    if (length > spill->capacity) {
        char *larger = memory_resize_array(spill->message, length, 1);

        if (larger == NULL) {
            return error_nomem(err);
        }
        spill->message = larger;
        spill->capacity = length;
    }
    return STATUS_OK;
}

enum status pg_spill_read(
        struct pg_spill *spill, const char **bytes, size_t *length, struct error *err) {
    enum status status;

    *length = 0;
    if (!spill->reading) {
        if (fflush(spill->file) != 0 || fseek(spill->file, 0, SEEK_SET) != 0) {
            return spill_failed("write", err);
        }
        spill->reading = true;
    }
    if (fread(length, sizeof(*length), 1, spill->file) != 1) {
        *length = 0;
        return feof(spill->file) ? STATUS_OK : spill_failed("read", err);
    }
    status = spill_room(spill, *length, err);
    if (status == STATUS_OK && fread(spill->message, 1, *length, spill->file) != *length) {
        status = spill_failed("read", err);
    }
    *bytes = spill->message;
    return status;
}
