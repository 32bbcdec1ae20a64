/* Where a server's description comes from: its root, openapi=FILE, or columns.TABLE=. */
#include "drivers/postgrest/internal.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_BYTES = 4096 };

struct listing {
    struct pr_session *session;
    const char *remote_schema, *table;
    enum status (*each)(void *context, struct schema *);
    void *context;
    struct error *err;
};

/* The user's own words for a table win over the document's. */
static enum status list_one(void *context, struct schema *schema) {
    struct listing *listing = context;

    for (const struct pr_described *at = listing->session->described; at != NULL;
            at = at->next) {
        if (strcmp(at->table, schema->remote_name) == 0) {
            schema_release(schema);
            return STATUS_OK;
        }
    }
    return listing->each(listing->context, schema);
}

static enum status list_described(struct listing *listing) {
    enum status status = STATUS_OK;

    for (const struct pr_described *at = listing->session->described;
            at != NULL && status == STATUS_OK; at = at->next) {
        struct schema *schema = NULL;
        const struct pr_described *newer = listing->session->described;

        while (strcmp(newer->table, at->table) != 0) {
            newer = newer->next;
        }
        if (newer != at || (listing->table != NULL && strcmp(listing->table, at->table) != 0)) {
            continue; /* said again later */
        }
        status = pr_described_schema(
                at->table, at->columns, listing->remote_schema, &schema, listing->err);
        if (status == STATUS_OK) {
            status = listing->each(listing->context, schema);
        }
    }
    return status;
}

static enum status list_text(struct listing *listing, const char *text, size_t length) {
    return pr_read_document(text, length, listing->remote_schema, listing->table, list_one,
            listing, listing->err);
}

static enum status list_file(struct listing *listing) {
    const char *path = listing->session->openapi_file;
    FILE *file = fopen(path, "re");
    struct text text;
    enum status status;

    if (file == NULL) {
        return error_set(
                listing->err, STATUS_USAGE, "could not open OpenAPI document \"%s\"", path);
    }
    text_init(&text, PR_DOCUMENT_BYTES_MAX);
    while (!feof(file) && !ferror(file) && text.failure == STATUS_OK) {
        char piece[PIECE_BYTES];

        text_append_bytes(&text, piece, fread(piece, 1, sizeof(piece), file));
    }
    fclose(file);
    status = text_status(&text, listing->err);
    if (status == STATUS_OK) {
        status = list_text(listing, text_get(&text), text.length);
    }
    text_clear(&text);
    return status;
}

static enum status read_document(struct pr_exchange *x, struct error *err) {
    enum status status = STATUS_OK;

    while (status == STATUS_OK && !x->done) {
        status = pr_exchange_more(x, err);
        if (status == STATUS_OK && x->used - x->start > PR_DOCUMENT_BYTES_MAX) {
            status = error_set(err, STATUS_TOO_BIG, "OpenAPI document is longer than %d bytes",
                    PR_DOCUMENT_BYTES_MAX);
        }
    }
    return status;
}

/* A server without a document, or one that keeps it from this role, can still be read. */
static enum status list_root(struct listing *listing) {
    struct pr_request request = { .target = "/",
        .profile = listing->remote_schema,
        .accept = "application/openapi+json, application/json" };
    struct statement_record record = { .sql = "GET /", .round_trips = 1 };
    struct pr_exchange *x = NULL;
    struct error why = { 0 };
    enum status status = pr_send(listing->session, &request, &x, &why);

    if (status == STATUS_OK) {
        status = pr_await(listing->session, &request, &x, &why);
    }
    if (status == STATUS_OK) {
        status = read_document(x, &why);
    }
    if (x != NULL) {
        record.ms = x->ms;
        record.bytes = x->bytes;
    }
    record.error = status == STATUS_OK ? NULL : why.message;
    pr_log(listing->session, &record);
    error_move(listing->err, &why);
    if (status == STATUS_OK && x != NULL) {
        status = list_text(listing, x->body + x->start, x->used - x->start);
    }
    if (status != STATUS_OK && listing->err != NULL && listing->err->hint == NULL &&
            (status == STATUS_REMOTE || status == STATUS_PROTOCOL || status == STATUS_DENIED)) {
        error_explain(listing->err, NULL, NULL,
                "The tables can be told by openapi=FILE, or by columns.TABLE='id bigint, "
                "...'.");
    }
    pr_exchange_end(x);
    return status;
}

/* Words for the one table that is wanted make the document unnecessary. */
static bool is_described(const struct listing *listing) {
    for (const struct pr_described *at = listing->session->described; at != NULL;
            at = at->next) {
        if (listing->table == NULL || strcmp(at->table, listing->table) == 0) {
            return true;
        }
    }
    return false;
}

static enum status list_schema(struct listing *listing) {
    enum status status = list_described(listing);
    struct error why = { 0 }, *err;

    if (status != STATUS_OK || (listing->table != NULL && is_described(listing))) {
        return status;
    }
    if (listing->session->openapi_file != NULL) {
        return list_file(listing);
    }
    if (!is_described(listing)) {
        return list_root(listing);
    }
    err = listing->err;
    listing->err = &why;
    status = list_root(listing);
    listing->err = err;
    if (status == STATUS_REMOTE || status == STATUS_PROTOCOL || status == STATUS_DENIED) {
        error_clear(
                &why); /* no document, then: what the user described is there all the same */
        return STATUS_OK;
    }
    error_move(err, &why);
    return status;
}

enum status pr_catalog(struct session *base, const struct catalog_filter *filter,
        enum status (*each)(void *context, struct schema *), void *context, struct error *err) {
    struct listing listing = { .session = pr_session(base),
        .table = filter->table,
        .each = each,
        .context = context,
        .err = err };
    enum status status;

    if (filter->schema_count == 0) {
        return list_schema(&listing);
    }
    status = STATUS_OK;
    for (size_t i = 0; i < filter->schema_count && status == STATUS_OK; i++) {
        listing.remote_schema = filter->schemas[i];
        listing.err = err;
        status = list_schema(&listing);
    }
    return status;
}
