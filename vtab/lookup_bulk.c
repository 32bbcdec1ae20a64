/* The bulk fetch; see lookup_bulk.h. Rows go to memory while they fit, with the hash that will
 * be made of them, and else to a temporary database. */
#include "vtab/lookup_bulk.h"

#include "vtab/cursor.h"
#include "vtab/explain.h"
#include "vtab/transaction.h"

#include <string.h>

enum { SPILL_MEMORY_MAX = 16 * 1024 * 1024 };

struct bulk {
    struct cursor *cursor;
    const struct bulk_plan *plan;
    struct scan *scan;
    struct kept *kept;
    int64_t rows;
    bool refused;
};

/* The cursor's query without the conditions that change. */
static enum status bulk_query(struct bulk *bulk, struct query *query, struct error *err) {
    struct cursor *cursor = bulk->cursor;
    struct predicate *predicates = arena_alloc_array(
            &cursor->filter_arena, cursor->plan.condition_count + 1, sizeof(*predicates));

    if (predicates == NULL) {
        return error_nomem(err);
    }
    *query = cursor->query;
    query->predicates = predicates;
    query->predicate_count = 0;
    query->row_goal = 0;
    query->limit = -1;
    query->flags = QUERY_ALL;
    if (cursor->identity && cursor->table->schema->identity == IDENTITY_ROWID) {
        query->flags |= QUERY_IDENTITY;
    }
    for (size_t i = 0; i < cursor->plan.condition_count; i++) {
        const struct judgement *judgement = &cursor->inputs[i].judgement;

        if (bulk->plan->fixed[i] && (judgement->verdict == VERDICT_EXACT ||
                                            judgement->verdict == VERDICT_SUPERSET)) {
            predicates[query->predicate_count++] = judgement->predicate;
        }
    }
    return STATUS_OK;
}

/* From memory to a temporary database. The batch that is due goes along. */
static enum status bulk_spill(struct bulk *bulk, struct error *err) {
    struct kept *kept = bulk->kept;
    const struct batch *due = &bulk->cursor->batch;
    size_t memory = bulk->plan->bytes_max / 2;
    struct batch batch = { 0 };
    uint32_t number = 0;
    enum status status = spill_create(&kept->spill, due->column_count, due->has_rowids,
            memory < SPILL_MEMORY_MAX ? memory : SPILL_MEMORY_MAX, err);

    while (status == STATUS_OK && store_find(&kept->store, &number)) {
        status = batch_reset(&batch, due->column_count, due->has_rowids, err);
        while (status == STATUS_OK && !batch_full(&batch) &&
                store_find(&kept->store, &number)) {
            status = store_copy(&kept->store, number++, &batch, err);
        }
        if (status == STATUS_OK) {
            status = spill_add(kept->spill, &batch, err);
        }
    }
    batch_clear(&batch);
    store_clear(&kept->store);
    kept_count(kept);
    return status;
}

static enum status bulk_keep(struct bulk *bulk, struct error *err) {
    struct kept *kept = bulk->kept;
    const struct batch *batch = &bulk->cursor->batch;
    enum status status = STATUS_OK;

    lookup_keys_note(&kept->keys, batch);
    bulk->rows += batch->rows;
    bulk->refused = !lookup_keys_fit(&kept->keys) || bulk->rows > bulk->plan->rows_max;
    if (bulk->refused) {
        return STATUS_OK;
    }
    if (kept->spill == NULL &&
            kept->store.bytes + store_batch_bytes(batch) + 2 * hash_bytes_needed(&kept->store) >
                    bulk->plan->bytes_max) {
        status = bulk_spill(bulk, err);
    }
    if (status == STATUS_OK && kept->spill != NULL) {
        return spill_add(kept->spill, batch, err);
    }
    if (status == STATUS_OK) {
        status = store_add(&kept->store, batch, err);
        kept_count(kept);
    }
    return status;
}

static void bulk_explain(const struct bulk *bulk) {
    const struct cursor *cursor = bulk->cursor;
    struct recorder *recorder = cursor->table->connection->recorder;

    if (recorder != NULL && cursor->explain_scan >= 0) {
        recorder_note(recorder, cursor->explain_scan, EXPLAIN_REMOTE, bulk->scan->statement,
                NULL, "one fetch for the lookups that follow");
        recorder_note(recorder, cursor->explain_scan, EXPLAIN_TRANSPORT, bulk->scan->transport,
                NULL, NULL);
        recorder_done(recorder, cursor->explain_scan, bulk->scan->rows, bulk->scan->round_trips,
                bulk->scan->ms);
    }
}

static enum status bulk_read(struct bulk *bulk, struct error *err) {
    struct cursor *cursor = bulk->cursor;
    struct server *server = cursor->table->server;
    const struct driver *driver = server->target.driver;
    struct session *session;
    struct query query;
    enum status status = bulk_query(bulk, &query, err);

    if (status == STATUS_OK) {
        status = reader_session(server, &cursor->reader, &session, err);
    }
    if (status == STATUS_OK) {
        server->snapshot_statements++;
        status = driver->scan_start(session, &query, &bulk->scan, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    do {
        status = driver->scan_next(bulk->scan, &cursor->batch, err);
        if (status == STATUS_OK && cursor->batch.rows > 0) {
            status = bulk_keep(bulk, err);
        }
    } while (status == STATUS_OK && cursor->batch.rows > 0 && !bulk->refused);
    bulk_explain(bulk);
    driver->scan_end(bulk->scan);
    return status;
}

static enum status bulk_finish(struct bulk *bulk, struct error *err) {
    struct kept *kept = bulk->kept;
    enum status status = kept->spill != NULL
                                 ? spill_index(kept->spill, &kept->keys, err)
                                 : hash_build(&kept->hash, &kept->store, &kept->keys, err);

    kept_count(kept);
    return status;
}

enum status bulk_fetch(struct cursor *cursor, const struct bulk_plan *plan, struct kept **out,
        int64_t *rows, struct error *err) {
    struct bulk bulk = { .cursor = cursor, .plan = plan };
    enum status status;

    *out = NULL;
    bulk.kept = kept_create(cursor->table->connection);
    if (bulk.kept == NULL) {
        return error_nomem(err);
    }
    bulk.kept->keys = plan->keys;
    status = bulk_read(&bulk, err);
    *rows = bulk.rows;
    if (status == STATUS_OK && !bulk.refused) {
        status = bulk_finish(&bulk, err);
    }
    if (status != STATUS_OK || bulk.refused) {
        kept_release(bulk.kept);
        return status;
    }
    *out = bulk.kept;
    return STATUS_OK;
}
