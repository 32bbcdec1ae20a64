/* Any bytes as an answer's rows: the reader ends, stays within them, gives the same rows
 * however they are cut into two pieces, and each value is decoded or refused. */
#include "tests/support/rest_schema.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MAX = 16, HASH_SEED = 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static void decode(const struct schema *schema, const struct pr_member *member) {
    struct text scratch;
    struct batch batch = { 0 };

    text_init(&scratch, BATCH_HEAP_BYTES_MAX);
    for (size_t i = 0; i < schema->column_count; i++) {
        struct error err = { 0 };
        enum status status;

        require(batch_reset(&batch, 1, false, NULL) == STATUS_OK);
        batch_begin_row(&batch);
        status = pr_decode(&schema->columns[i], member, &scratch, &batch, &err);
        require(status == err.status);
        error_clear(&err);
    }
    batch_clear(&batch);
    text_clear(&scratch);
}

/* A number that tells one reading from another. */
static size_t read_rows(
        const struct schema *schema, const char *bytes, size_t size, size_t first_piece) {
    struct pr_page_reader reader = { PR_AT_START };
    struct pr_member members[MEMBERS_MAX];
    size_t start = 0, end = first_piece, hash = HASH_SEED, count, used;
    enum pr_step step;

    for (;;) {
        step = pr_read_row(
                &reader, bytes + start, end - start, members, MEMBERS_MAX, &count, &used);
        require(used <= end - start);
        if (step == PR_STEP_MORE && end < size) {
            end = size;
            continue;
        }
        start += used;
        if (step != PR_STEP_ROW) {
            return hash * 31 + (size_t)step;
        }
        require(used > 0);
        for (size_t i = 0; i < count; i++) {
            hash = hash * 31 + members[i].value_length + (size_t)members[i].kind;
            require(members[i].value >= bytes &&
                    members[i].value + members[i].value_length <= bytes + end);
            if (first_piece == size) {
                decode(schema, &members[i]);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct schema *schema;
    char *bytes = malloc(size + 1); /* of its very size, so that a step too far is seen */

    if (schema == NULL) {
        require(rest_schema("i bigint, b boolean, f real, n numeric, t text, y bytea, u uuid, "
                            "d date, z timestamptz, s timestamp, h time, a integer[], m money",
                        NULL, &schema, NULL) == STATUS_OK);
    }
    require(bytes != NULL);
    memcpy(bytes, data, size);
    if (size > 0) {
        size_t whole = read_rows(schema, bytes, size, size);

        require(read_rows(schema, bytes, size, size / 2) == whole);
        require(read_rows(schema, bytes, size, size - 1) == whole);
    }
    free(bytes);
    return 0;
}
