/* Kept rows and their readers; see lookup_kept.h. They are shared by reference counts: a cursor
 * may still read what its lookup has given up. */
#include "vtab/lookup_kept.h"

#include "base/memory.h"
#include "vtab/connection.h"

struct kept *kept_create(struct connection *connection) {
    struct kept *kept = memory_alloc(sizeof(*kept));

    if (kept != NULL) {
        kept->references = 1;
        kept->connection = connection;
    }
    return kept;
}

void kept_release(struct kept *kept) {
    if (kept == NULL || --kept->references > 0) {
        return;
    }
    kept->connection->lookup_bytes -= kept->counted;
    hash_clear(&kept->hash);
    store_clear(&kept->store);
    spill_destroy(kept->spill);
    memory_free(kept->question);
    memory_free(kept->fixed);
    memory_free(kept);
}

void kept_count(struct kept *kept) {
    size_t bytes = sizeof(*kept) + kept->question_length + kept->store.bytes;

    bytes += kept->hash.slots != NULL ? hash_bytes_needed(&kept->store) : 0;
    kept->connection->lookup_bytes += bytes - kept->counted;
    kept->counted = bytes;
}

/* ---- readers ------------------------------------------------------------------------------
 */

void kept_reader_open(struct kept_reader *reader, struct kept *kept, bool whole) {
    kept_reader_close(reader);
    kept->references++;
    reader->kept = kept;
    reader->whole = whole;
    reader->ended = false;
    reader->number = 0;
}

void kept_reader_close(struct kept_reader *reader) {
    kept_release(reader->kept);
    reader->kept = NULL;
}

static void reader_drop_statement(struct kept_reader *reader) {
    if (reader->found_of != NULL) {
        spill_leave(reader->found_of->spill, reader->found);
    }
    kept_release(reader->found_of);
    reader->found = NULL;
    reader->found_of = NULL;
}

void kept_reader_clear(struct kept_reader *reader) {
    kept_reader_close(reader);
    reader_drop_statement(reader);
}

enum status kept_reader_find(struct kept_reader *reader, struct error *err) {
    struct kept *kept = reader->kept;

    if (kept->spill == NULL) {
        reader->number = hash_first(&kept->hash, &kept->store, &kept->keys, reader->values);
        return STATUS_OK;
    }
    if (reader->found_of != kept) {
        reader_drop_statement(reader);
        kept->references++;
        reader->found_of = kept;
    }
    return spill_find(kept->spill, &kept->keys, reader->values, &reader->found, err);
}

static enum status fill_whole(
        struct kept_reader *reader, struct batch *batch, struct error *err) {
    const struct store *store = &reader->kept->store;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !batch_full(batch) && !reader->ended) {
        reader->ended = !store_find(store, &reader->number);
        if (!reader->ended) {
            status = store_copy(store, reader->number++, batch, err);
        }
    }
    return status;
}

static enum status fill_found(
        struct kept_reader *reader, struct batch *batch, struct error *err) {
    struct kept *kept = reader->kept;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !batch_full(batch) && reader->number != HASH_NO_ROW) {
        status = store_copy(&kept->store, reader->number, batch, err);
        reader->number = hash_next(
                &kept->hash, &kept->store, &kept->keys, reader->values, reader->number);
    }
    return status;
}

enum status kept_reader_fill(
        struct kept_reader *reader, struct batch *batch, struct error *err) {
    if (reader->whole) {
        return fill_whole(reader, batch, err);
    }
    if (reader->kept->spill == NULL) {
        return fill_found(reader, batch, err);
    }
    return reader->ended
                   ? STATUS_OK
                   : spill_read(reader->kept->spill, reader->found, batch, &reader->ended, err);
}
