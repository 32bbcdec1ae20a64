/* What drivers/driver.h promises of writing, run against any driver: see contract.c. */
#include "tests/contract/remote.h"
#include "tests/contract/written.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 2500 };

static struct session *other;

/* Around a row that fails; without savepoints it is a request of its own, which leaves nothing.
 */
static void guard(void) {
    struct error err = { 0 };

    if (can(DRIVER_SAVEPOINT)) {
        must(driver->savepoint(session, 0, &err), &err);
    }
}

static void back(void) {
    struct error err = { 0 };

    if (can(DRIVER_SAVEPOINT)) {
        must(driver->rollback_to(session, 0, &err), &err);
        must(driver->release(session, 0, &err), &err);
    }
}

/* ---- transactions ------------------------------------------------------------------ */

static void test_commit_keeps_and_rollback_drops(void **state) {
    struct writer *writer;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must_insert(writer, 1, 10, "one");
    assert_int_equal(count_in(session), 1); /* own writes are seen */
    driver->write_end(writer);
    if (can(DRIVER_ONE_REQUEST)) { /* a request is for good, there is no way back */
        assert_int_equal(count_in(other), 1);
        driver->rollback(session);
        assert_int_equal(count_in(other), 1);
        return;
    }
    assert_int_equal(count_in(other), 0); /* by nobody else */
    driver->rollback(session);
    assert_int_equal(count_in(session), 0);
    begin();
    writer = open_writer();
    must_insert(writer, 1, 10, "one");
    driver->write_end(writer);
    commit();
    assert_int_equal(count_in(other), 1);
    assert_int_equal(count_in(session), 1);
}

static void test_nothing_done_sends_nothing(void **state) {
    int64_t bytes = session->counts.bytes_out;

    (void)state;
    begin();
    guard();
    back();
    commit();
    assert_int_equal(session->counts.bytes_out, bytes);
}

static void test_two_round_trips_for_a_row(void **state) {
    int64_t trips = session->counts.round_trips;
    struct writer *writer;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must_insert(writer, 0, 1, "row");
    driver->write_end(writer);
    commit();
    assert_true(session->counts.round_trips - trips <= 2);
}

static void test_savepoints(void **state) {
    struct error err = { 0 };
    struct writer *writer;

    (void)state;
    if (!can(DRIVER_SAVEPOINT)) {
        assert_null(driver->savepoint);
        assert_null(driver->rollback_to);
        return;
    }
    empty();
    begin();
    must(driver->savepoint(session, 0, &err), &err);
    writer = open_writer();
    must_insert(writer, 1, 10, "kept");
    must(driver->savepoint(session, 1, &err), &err);
    must(driver->savepoint(session, 2, &err), &err);
    must_insert(writer, 2, 20, "dropped");
    must(driver->release(session, 2, &err), &err);
    must(driver->rollback_to(session, 1, &err), &err);
    assert_int_equal(count_in(session), 1);
    must_insert(writer, 3, 30, "dropped");
    must(driver->rollback_to(session, 1, &err), &err); /* it keeps its level */
    must_insert(writer, 4, 20, "kept");
    must(driver->release(session, 0, &err), &err);
    driver->write_end(writer);
    commit();
    assert_int_equal(count_in(other), 2);
}

/* ---- rows -------------------------------------------------------------------------- */

/* A request names its rows in a URL, and is of one kind. */
static void request_is_full(struct writer *writer, int64_t rows) {
    enum { AT_ONCE = 250 };

    if (can(DRIVER_ONE_REQUEST) && rows % AT_ONCE == 0) {
        flush(writer);
    }
}

static void test_many_rows_wait(void **state) {
    struct write_result result;
    struct error err = { 0 };
    struct writer *writer;
    int64_t done = 0;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    for (int i = 1; i <= MANY; i++) {
        must(insert(writer, i, i, "waits", ON_CONFLICT_ABORT, 0, &result, &err), &err);
    }
    flush(writer);
    assert_int_equal(flush(writer), 0);
    assert_int_equal(count_in(session), MANY);
    for (int i = 1; i <= MANY; i++) {
        must(update(writer, i, "changed", 0, &result, &err), &err);
        request_is_full(writer, i);
    }
    request_is_full(writer, 0);
    for (int i = 1; i <= MANY; i += 2) { /* behind the updates */
        must(delete (writer, i, 0, &result, &err), &err);
        request_is_full(writer, ++done);
    }
    flush(writer);
    driver->write_end(writer);
    commit();
    assert_int_equal(count_in(other), MANY - done);
}

static void test_rows_that_wait_are_dropped(void **state) {
    struct write_result result;
    struct error err = { 0 };
    struct writer *writer;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must(insert(writer, 1, 1, "waits", ON_CONFLICT_ABORT, 0, &result, &err), &err);
    driver->write_end(writer);
    commit();
    assert_true(count_in(other) <= 1); /* a driver need not let rows wait */
}

static void test_keys_of_the_remote(void **state) {
    struct write_result first, second;
    struct error err = { 0 };
    struct writer *writer;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must(insert(writer, 0, 1, "x", ON_CONFLICT_ABORT, WRITE_SYNC | WRITE_WANT_ROWID, &first,
                 &err),
            &err);
    must(insert(writer, 0, 2, "y", ON_CONFLICT_ABORT, WRITE_SYNC | WRITE_WANT_ROWID, &second,
                 &err),
            &err);
    assert_true(first.has_rowid && second.has_rowid);
    assert_true(second.rowid > first.rowid);
    must(update(writer, second.rowid, "z", WRITE_SYNC, &second, &err), &err);
    assert_int_equal(second.affected, 1);
    driver->write_end(writer);
    commit();
}

static void test_rows_that_are_gone(void **state) {
    struct write_result result;
    struct error err = { 0 };
    struct writer *writer;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must_fail(update(writer, 99, "nobody", WRITE_SYNC, &result, &err), STATUS_STALE, &err);
    driver->write_end(writer);
    driver->rollback(session);
    begin();
    writer = open_writer();
    if (can(DRIVER_ONE_REQUEST)) { /* all its rows go at once: no cascade comes before */
        must_fail(delete (writer, 99, WRITE_SYNC, &result, &err), STATUS_STALE, &err);
    } else { /* a cascade of the same statement may have deleted it */
        must(delete (writer, 99, WRITE_SYNC, &result, &err), &err);
    }
    driver->write_end(writer);
    driver->rollback(session);
}

/* ---- constraints ------------------------------------------------------------------- */

struct broken {
    int64_t id, a;
    const char *b;
    enum constraint_kind kind;
    const char *columns;
};

static void test_constraints_are_named(void **state) {
    static const struct broken cases[] = {
        { 1, 20, "key", CONSTRAINT_PRIMARY_KEY, "id" },
        { 2, 10, "unique", CONSTRAINT_UNIQUE, "a" },
        { 3, 30, NULL, CONSTRAINT_NOT_NULL, "b" },
    };
    struct write_result result;
    struct error err = { 0 };
    struct writer *writer;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must_insert(writer, 1, 10, "first");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct broken *row = &cases[i];

        guard();
        assert_int_equal(insert(writer, row->id, row->a, row->b, ON_CONFLICT_ABORT, WRITE_SYNC,
                                 &result, &err),
                STATUS_CONSTRAINT);
        assert_int_equal(err.constraint, row->kind);
        assert_non_null(err.columns);
        assert_string_equal(err.columns, row->columns);
        error_clear(&err);
        back();
    }
    must_insert(writer, 4, 40, "after");
    driver->write_end(writer);
    commit();
    assert_int_equal(count_in(other), 2);
}

/* Nor does a request. */
static void test_a_failed_transaction_keeps_nothing(void **state) {
    struct write_result result;
    struct error err = { 0 };
    struct writer *writer;
    enum status status;
    int64_t rows;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must(insert(writer, 1, 10, "first", ON_CONFLICT_ABORT, 0, &result, &err), &err);
    status = insert(writer, 1, 11, "again", ON_CONFLICT_ABORT, 0, &result, &err);
    status = status == STATUS_OK ? driver->write_flush(writer, &result, &rows, &err) : status;
    assert_int_equal(status, STATUS_CONSTRAINT);
    error_clear(&err);
    driver->write_end(writer);
    driver->rollback(session);
    assert_int_equal(count_in(other), 0);
    still_usable();
}

static void test_conflicts_are_resolved(void **state) {
    struct write_result result;
    struct error err = { 0 };
    struct writer *writer;

    (void)state;
    empty();
    begin();
    writer = open_writer();
    must_insert(writer, 1, 10, "one");
    must_insert(writer, 2, 20, "two");
    must(insert(writer, 3, 10, "no", ON_CONFLICT_IGNORE, WRITE_SYNC, &result, &err), &err);
    assert_int_equal(result.affected, 0);
    must(insert(writer, 3, 30, NULL, ON_CONFLICT_IGNORE, WRITE_SYNC, &result, &err), &err);
    assert_int_equal(result.affected, 0);
    must(insert(writer, 3, 30, "yes", ON_CONFLICT_IGNORE, WRITE_SYNC, &result, &err), &err);
    assert_int_equal(result.affected, 1);
    assert_int_equal(count_in(session), 3);
    /* one row in the way by its key, another by its unique column */
    if (can(DRIVER_ONE_REQUEST)) { /* PostgREST merges by one key: the other is an error */
        must_fail(insert(writer, 1, 20, "both", ON_CONFLICT_REPLACE, WRITE_SYNC, &result, &err),
                STATUS_CONSTRAINT, &err);
        must(insert(writer, 1, 50, "key", ON_CONFLICT_REPLACE, WRITE_SYNC, &result, &err),
                &err);
        must(delete (writer, 2, WRITE_SYNC, &result, &err), &err);
    } else {
        must(insert(writer, 1, 20, "both", ON_CONFLICT_REPLACE, WRITE_SYNC, &result, &err),
                &err);
    }
    assert_int_equal(result.affected, 1);
    driver->write_end(writer);
    commit();
    assert_int_equal(count_in(other), 2);
}

/* ---- locks ------------------------------------------------------------------------- */

/* A remote that has no locks on rows reads as ever. */
static void test_rows_to_be_changed_are_locked(void **state) {
    struct query query = ask_all(table);
    struct scan *scan = NULL;
    struct batch batch = { 0 };
    struct error err = { 0 };
    enum status status;

    (void)state;
    empty();
    remote_run("INSERT INTO contract_written(id, a, b) VALUES(1, 1, 'x')");
    begin();
    assert_int_equal(count_in(session), 1);
    query.flags = QUERY_LOCK;
    if (strcmp(driver->name, "postgres") == 0) {
        remote_run("UPDATE contract_written SET b = 'theirs'");
        status = driver->scan_start(session, &query, &scan, &err);
        if (status == STATUS_OK) {
            status = driver->scan_next(scan, &batch, &err);
        }
        must_fail(status, STATUS_RETRY, &err);
        driver->scan_end(scan);
        batch_clear(&batch);
        driver->rollback(session);
        begin();
    }
    assert_int_equal(count_rows(&query), 1);
    driver->rollback(session);
}

/* ---- many rows in one statement ---------------------------------------------------- */

static void fill_rows(struct change *rows, struct value (*values)[COLUMNS], size_t count) {
    static const uint8_t states[COLUMNS] = { CELL_DEFAULT, CELL_SET, CELL_SET };

    for (size_t i = 0; i < count; i++) {
        values[i][1] = (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)i };
        values[i][2] = (struct value){ .kind = VALUE_TEXT, .bytes = "bulk", .length = 4 };
        rows[i] =
                (struct change){ .kind = CHANGE_INSERT, .values = values[i], .states = states };
    }
}

static void test_rows_come_back(void **state) {
    static struct change rows[CHANGE_SET_ROWS_MAX];
    static struct value values[CHANGE_SET_ROWS_MAX][COLUMNS];
    struct change_set set = { .schema = table, .rows = rows, .row_count = CHANGE_SET_ROWS_MAX };
    int64_t ids[CHANGE_SET_ROWS_MAX], found = 0, trips = 0;
    struct error err = { 0 };
    size_t taken = 0;

    (void)state;
    empty();
    fill_rows(rows, values, CHANGE_SET_ROWS_MAX);
    begin();
    trips = session->counts.round_trips;
    must(change_rows(&set, &taken, ids, &found, &err), &err);
    assert_int_equal(session->counts.round_trips - trips, 1);
    assert_int_equal(taken, CHANGE_SET_ROWS_MAX);
    assert_int_equal(found, CHANGE_SET_ROWS_MAX);
    for (int i = 1; i < CHANGE_SET_ROWS_MAX; i++) {
        assert_true(ids[i] > ids[i - 1]); /* in the order given */
    }
    for (size_t i = 0; i < CHANGE_SET_ROWS_MAX; i++) {
        rows[i] = (struct change){ .kind = CHANGE_DELETE, .row = { .rowid = ids[i] } };
    }
    if (can(DRIVER_ONE_REQUEST)) { /* all or nothing, and a URL cannot hold all */
        must_fail(change_rows(&set, &taken, ids, &found, &err), STATUS_UNSUPPORTED, &err);
        assert_int_equal(count_in(session), CHANGE_SET_ROWS_MAX);
        set.row_count = CHANGE_SET_ROWS_MAX / 2;
        must(change_rows(&set, &taken, ids, &found, &err), &err);
        assert_int_equal(found, CHANGE_SET_ROWS_MAX / 2);
        set.rows += CHANGE_SET_ROWS_MAX / 2;
    }
    must(change_rows(&set, &taken, ids, &found, &err), &err);
    assert_int_equal(found, set.row_count);
    assert_int_equal(taken, set.row_count);
    assert_int_equal(count_in(session), 0);
    commit();
}

static void test_rows_in_conflict(void **state) {
    static const int key[] = { 1 }, update[] = { 2 };
    static const bool no[] = { false };
    struct change_conflict conflict = { .columns = key, .column_count = 1, .nothing = true };
    struct change rows[3];
    struct value values[3][COLUMNS] = { 0 };
    struct change_set set = { .schema = table, .rows = rows, .row_count = 2 };
    int64_t ids[3], found = 0;
    struct error err = { 0 };
    size_t taken = 0;

    (void)state;
    empty();
    fill_rows(rows, values, 3);
    begin();
    must(change_rows(&set, &taken, ids, &found, &err), &err);
    set.row_count = 3;
    set.conflict = &conflict;
    must(change_rows(&set, &taken, ids, &found, &err), &err);
    assert_int_equal(found, 1); /* the others stay as they are */
    conflict = (struct change_conflict){ .columns = key,
        .column_count = 1,
        .update = update,
        .keep = no,
        .as_is = no,
        .update_count = 1 };
    must(change_rows(&set, &taken, ids, &found, &err), &err);
    assert_int_equal(found, 3);
    guard();
    set.conflict = NULL;
    assert_int_equal(change_rows(&set, &taken, ids, &found, &err), STATUS_CONSTRAINT);
    assert_int_equal(err.constraint, CONSTRAINT_UNIQUE);
    assert_string_equal(err.columns, "a");
    error_clear(&err);
    back();
    commit();
    assert_int_equal(count_in(other), 3);
}

/* ---- set-up ------------------------------------------------------------------------ */

static int set_up(void **state) {
    (void)state;
    choose_driver();
    remote_try("DROP TABLE contract_written");
    remote_try("DROP TABLE contract_items");
    remote_run(on_postgres()
                       ? "CREATE TABLE contract_written(id INTEGER GENERATED BY DEFAULT AS "
                         "IDENTITY PRIMARY KEY, a INTEGER UNIQUE, b TEXT NOT NULL)"
                       : "CREATE TABLE contract_written(id INTEGER PRIMARY KEY, a INTEGER "
                         "UNIQUE, b TEXT NOT NULL)");
    remote_run("CREATE TABLE contract_items(id INTEGER PRIMARY KEY)");
    for (int i = 0; i < ROWS; i++) {
        char sql[64];

        snprintf(sql, sizeof(sql), "INSERT INTO contract_items VALUES(%d)", i);
        remote_run(sql);
    }
    session = open_session();
    other = open_session();
    table = describe("contract_written");
    assert_true(table->writable);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    schema_release(table);
    driver->close(other);
    driver->close(session);
    remote_try("DROP TABLE contract_items");
    remote_try("DROP TABLE contract_written");
    leave_driver();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit_keeps_and_rollback_drops),
        cmocka_unit_test(test_nothing_done_sends_nothing),
        cmocka_unit_test(test_two_round_trips_for_a_row),
        cmocka_unit_test(test_savepoints),
        cmocka_unit_test(test_many_rows_wait),
        cmocka_unit_test(test_rows_that_wait_are_dropped),
        cmocka_unit_test(test_keys_of_the_remote),
        cmocka_unit_test(test_rows_that_are_gone),
        cmocka_unit_test(test_constraints_are_named),
        cmocka_unit_test(test_a_failed_transaction_keeps_nothing),
        cmocka_unit_test(test_conflicts_are_resolved),
        cmocka_unit_test(test_rows_to_be_changed_are_locked),
        cmocka_unit_test(test_rows_come_back),
        cmocka_unit_test(test_rows_in_conflict),
    };

    return run_cases(tests, set_up, tear_down);
}
