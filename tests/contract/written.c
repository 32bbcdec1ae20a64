/* Calls on contract_written that must go well; see written.h. */
#include "tests/contract/written.h"

#include "tests/contract/remote.h"

#include <string.h>

enum { COMMIT_MS = 10000 };

struct schema *table;

void begin(void) {
    static const struct transaction_options writing = { .writes = true, .write_first = true };
    struct error err = { 0 };

    must(driver->begin(session, &writing, &err), &err);
}

void commit(void) {
    struct error err = { 0 };

    must(driver->commit(session, COMMIT_MS, &err), &err);
}

struct writer *open_writer(void) {
    struct writer *writer = NULL;
    struct error err = { 0 };

    must(driver->write_start(session, table, &writer, &err), &err);
    assert_ptr_equal(writer->session, session);
    return writer;
}

/* Rows with a key of ours, or (0) of the remote's. */
enum status insert(struct writer *writer, int64_t id, int64_t a, const char *b,
        enum on_conflict conflict, unsigned flags, struct write_result *result,
        struct error *err) {
    struct value values[COLUMNS] = { { .kind = VALUE_INTEGER, .integer = id },
        { .kind = VALUE_INTEGER, .integer = a },
        { .kind = b != NULL ? VALUE_TEXT : VALUE_NULL } };
    uint8_t states[COLUMNS] = { id != 0 ? CELL_SET : CELL_DEFAULT, CELL_SET, CELL_SET };
    struct change change = {
        .kind = CHANGE_INSERT, .on_conflict = conflict, .values = values, .states = states
    };

    if (b != NULL) {
        values[2].bytes = b;
        values[2].length = strlen(b);
    }
    return driver->write_row(writer, &change, flags, result, err);
}

void must_insert(struct writer *writer, int64_t id, int64_t a, const char *b) {
    struct write_result result;
    struct error err = { 0 };

    must(insert(writer, id, a, b, ON_CONFLICT_ABORT, WRITE_SYNC | WRITE_WANT_ROWID, &result,
                 &err),
            &err);
    assert_int_equal(result.affected, 1);
    assert_true(result.has_rowid);
    assert_true(id == 0 || result.rowid == id);
}

enum status update(struct writer *writer, int64_t id, const char *b, unsigned flags,
        struct write_result *result, struct error *err) {
    struct value values[COLUMNS] = { 0 };
    uint8_t states[COLUMNS] = { CELL_UNCHANGED, CELL_UNCHANGED, CELL_SET };
    struct change change = {
        .kind = CHANGE_UPDATE, .row = { .rowid = id }, .values = values, .states = states
    };

    values[2] = (struct value){ .kind = VALUE_TEXT, .bytes = b, .length = strlen(b) };
    return driver->write_row(writer, &change, flags, result, err);
}

enum status delete (struct writer *writer, int64_t id, unsigned flags,
        struct write_result *result, struct error *err) {
    struct change change = { .kind = CHANGE_DELETE, .row = { .rowid = id } };

    return driver->write_row(writer, &change, flags, result, err);
}

int64_t flush(struct writer *writer) {
    struct write_result result;
    struct error err = { 0 };
    int64_t rows = 0;

    must(driver->write_flush(writer, &result, &rows, &err), &err);
    return rows;
}

/* Reads the rows that change_rows() gives to their end; the ids are noted. */
enum status change_rows(const struct change_set *set, size_t *taken, int64_t *ids,
        int64_t *rows, struct error *err) {
    struct scan *scan = NULL;
    struct batch batch;
    enum status status = driver->change_rows(session, set, taken, &scan, err);

    *rows = 0;
    if (status != STATUS_OK) {
        return status;
    }
    batch_init(&batch);
    do {
        status = driver->scan_next(scan, &batch, err);
        for (int64_t row = 0; status == STATUS_OK && row < batch.rows; row++) {
            assert_int_equal(batch.column_count, COLUMNS);
            ids[(*rows)++] = batch_cell(&batch, 0, row)->integer;
        }
    } while (status == STATUS_OK && batch.rows > 0);
    driver->scan_end(scan);
    batch_clear(&batch);
    return status;
}

int64_t count_in(struct session *reader) {
    struct query query = ask_all(table);
    struct session *kept = session;
    int64_t rows;

    session = reader;
    rows = count_rows(&query);
    session = kept;
    return rows;
}

void empty(void) {
    remote_run("DELETE FROM contract_written");
}
