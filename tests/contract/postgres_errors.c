/* The postgres driver when things go wrong: what is told, and what is usable after. */
#include "tests/contract/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static void backend_is_killed(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct scan *scan = start(session, &query);
    struct batch batch;
    struct error err = { 0 };
    enum status status;

    (void)state;
    batch_init(&batch);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'drawbridge wire'");
    usleep(50000);
    drain(scan, &status, &err);
    assert_int_equal(STATUS_LOST, status);
    assert_non_null(strstr(err.message, "terminating connection due to administrator command"));
    assert_string_equal("57P01", err.sqlstate);
    assert_true(session->broken);
    error_clear(&err);
    drain(scan, &status, &err); /* and again */
    assert_int_equal(STATUS_LOST, status);
    error_clear(&err);
    pg_scan_end(scan);
    assert_int_equal(STATUS_LOST, pg_scan_start(session, &query, &scan, &err));
    error_clear(&err);
    pg_finish(session);
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

/* The server is stopped in the middle, and the host is interrupted: back within two seconds. */
static void server_is_frozen(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct scan *scan = start(session, &query);
    struct batch batch;
    struct error err = { 0 };
    enum status status;
    pid_t backend = (pid_t)ask("SELECT pid FROM pg_stat_activity "
                               "WHERE application_name = 'drawbridge wire'");
    double begun;

    (void)state;
    batch_init(&batch);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    if (kill(backend, SIGSTOP) != 0) {
        skip();
    }
    begun = now_ms();
    interrupt_at_ms = begun + 200;
    drain(scan, &status, &err);
    kill(backend, SIGCONT);
    assert_int_equal(STATUS_CANCELLED, status);
    assert_true(now_ms() - begun < 2000);
    assert_true(session->broken);
    error_clear(&err);
    pg_scan_end(scan);
    pg_finish(session);
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

static void timeouts_are_told(void **state) {
    static const char *const words[] = { "statement_timeout_ms=100", NULL };
    struct session *session = open_session(words);
    struct scan *scan = start_query(session, "SELECT pg_sleep(60)");
    struct error err = { 0 };
    enum status status;

    (void)state;
    drain(scan, &status, &err);
    assert_int_equal(STATUS_TIMEOUT, status);
    assert_string_equal("57014", err.sqlstate);
    error_clear(&err);
    pg_scan_end(scan);
    assert_false(session->broken);
    pg_close(session);
}

static void idle_snapshot_ends(void **state) {
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct error err = { 0 };
    struct batch batch;
    struct scan *scan;
    enum status status;

    (void)state;
    batch_init(&batch);
    pg_begin(session, &(struct transaction_options){ .idle_ms = 100 }, &err);
    scan = start(session, &query);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    usleep(400000);
    drain(scan, &status, &err);
    assert_int_equal(STATUS_LOST, status);
    assert_string_equal("25P03", err.sqlstate);
    error_clear(&err);
    pg_scan_end(scan);
    pg_finish(session);
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

struct change_case {
    const char *sql;
    const char *words;
};

/* DDL behind our back is noticed before a value is shown. */
static void changes_are_noticed(void **state) {
    static const struct change_case cases[] = {
        { "ALTER TABLE wire.t DROP COLUMN price", "price" },
        { "ALTER TABLE wire.t RENAME COLUMN name TO other", "name" },
        { "ALTER TABLE wire.t ALTER COLUMN id TYPE bigint", "\"id\" is of another type" },
        { "ALTER TABLE wire.t ALTER COLUMN price TYPE numeric(12,3)", "\"price\" has another" },
        { "ALTER TABLE wire.t ALTER COLUMN price TYPE text", "price" },
        { "ALTER TABLE wire.t ALTER COLUMN name DROP NOT NULL; UPDATE wire.t SET name = NULL",
                "\"wire.t\" has other columns or keys" },
        { "ALTER TABLE wire.t DROP CONSTRAINT t_pkey", "\"wire.t\" has other columns or keys" },
        { "DROP TABLE wire.t", "wire.t" },
        { "DROP SCHEMA wire CASCADE", "wire.t" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session *session;
        struct schema *schema;
        struct query query;
        struct error err = { 0 };
        struct scan *scan;
        enum status status;

        set_up(state);
        session = open_session(NULL);
        schema = describe(session, "t");
        run(cases[i].sql);
        query = all_columns(schema);
        scan = start(session, &query);
        assert_int_equal(0, drain(scan, &status, &err));
        if (status != STATUS_SCHEMA || strstr(err.message, cases[i].words) == NULL) {
            fail_msg("%s: %s: %s", cases[i].sql, status_name(status), err.message);
        }
        error_clear(&err);
        pg_scan_end(scan);
        assert_int_equal(STATUS_OK, pg_ping(session, &(double){ 0 }, &err));
        schema_release(schema);
        pg_close(session);
    }
}

static void denial_is_told(void **state) {
    static const char *const words[] = { "role=wire_reader", NULL };
    static const char *const nobody[] = { "role=wire_nobody", NULL };
    static const char *const pinned[] = { "set.TimeZone=CET", NULL };
    static const char *const setting[] = { "set.wire.tenant=7", NULL };
    struct session *session = NULL;
    struct schema *schema;
    struct query query;
    struct error err = { 0 };
    struct scan *scan;
    enum status status;

    (void)state;
    run("DROP ROLE IF EXISTS wire_reader");
    run("CREATE ROLE wire_reader; GRANT USAGE ON SCHEMA wire TO wire_reader");
    session = open_session(words);
    schema = describe(session, "t");
    assert_false(schema->writable);
    assert_non_null(strstr(schema->why_not, "privilege"));
    query = all_columns(schema);
    scan = start(session, &query);
    drain(scan, &status, &err);
    assert_int_equal(STATUS_DENIED, status);
    assert_string_equal("42501", err.sqlstate);
    assert_non_null(strstr(err.message, "permission denied for table t"));
    assert_non_null(err.statement);
    error_clear(&err);
    pg_scan_end(scan);
    schema_release(schema);
    pg_close(session);
    run("REVOKE ALL ON SCHEMA wire FROM wire_reader; DROP ROLE wire_reader");

    assert_int_equal(STATUS_REMOTE, open_with(url, nobody, &session, &err));
    assert_non_null(strstr(err.message, "role \"wire_nobody\" does not exist"));
    error_clear(&err);
    assert_int_equal(STATUS_USAGE, open_with(url, pinned, &session, &err));
    error_clear(&err);
    session = open_session(setting);
    scan = start_query(session, "SHOW wire.tenant");
    drain(scan, &status, &err);
    assert_int_equal(STATUS_OK, status);
    pg_scan_end(scan);
    pg_close(session);
}

static void refusals_are_told(void **state) {
    struct session *session = NULL;
    struct error err = { 0 };
    char where[512];

    (void)state;
    assert_int_equal(STATUS_UNREACHABLE,
            open_with("postgresql://u:canary@127.0.0.1:1/d", NULL, &session, &err));
    assert_non_null(strstr(err.message, "Connection refused"));
    error_clear(&err);
    snprintf(where, sizeof(where),
            "host=127.0.0.1 port=%s user=%s password=canary_wrong dbname=%s", PQport(admin),
            PQuser(admin), PQdb(admin));
    assert_int_equal(STATUS_UNREACHABLE, open_with(where, NULL, &session, &err));
    assert_non_null(strstr(err.message, "password authentication failed"));
    assert_null(strstr(err.message, "canary"));
    error_clear(&err);
    snprintf(where, sizeof(where),
            "host=127.0.0.1 port=%s user=%s password=%s dbname=wire_none", PQport(admin),
            PQuser(admin), PQpass(admin));
    assert_int_equal(STATUS_UNREACHABLE, open_with(where, NULL, &session, &err));
    assert_non_null(strstr(err.message, "database \"wire_none\" does not exist"));
    error_clear(&err);
}

/* A statement that fails, at its start or later, leaves the others of its snapshot alone. */
static void failures_stay_alone(void **state) {
    static const char *const failing[] = { "SELECT 1/0", "SELECT nothing",
        "SELECT 1/(i - 40) FROM generate_series(1, 100) i" };
    struct session *session = open_session(NULL);
    struct schema *schema = describe(session, "t");
    struct query query = all_columns(schema);
    struct error err = { 0 };
    struct scan *scan;
    struct batch batch;
    enum status status;
    int64_t rows;

    (void)state;
    batch_init(&batch);
    pg_begin(session, &(struct transaction_options){ .idle_ms = 60000 }, &err);
    scan = start(session, &query);
    assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
    rows = batch.rows;
    run("DELETE FROM wire.t");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
            struct scan *other = start_query(session, failing[i]);

            assert_int_equal(STATUS_OK, pg_scan_next(scan, &batch, &err));
            rows += batch.rows;
            drain(other, &status, &err);
            assert_int_equal(STATUS_REMOTE, status);
            error_clear(&err);
            pg_scan_end(other);
        }
    }
    rows += drain(scan, &status, &err);
    if (status != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(20000, rows);
    pg_scan_end(scan);
    pg_finish(session);
    assert_int_equal(0, count_rows(session, schema));
    batch_clear(&batch);
    schema_release(schema);
    pg_close(session);
}

/* A socket that takes connections and never says a word. */
static int silent_port(int *listener) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof(address);

    *listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(0, bind(*listener, (struct sockaddr *)&address, length));
    assert_int_equal(0, listen(*listener, 8));
    assert_int_equal(0, getsockname(*listener, (struct sockaddr *)&address, &length));
    return ntohs(address.sin_port);
}

/* "S,L" -> the ports in their places. */
static void spell_ports(const char *pattern, int silent, char *ports, size_t bytes) {
    size_t used = 0;

    for (; *pattern != '\0'; pattern++) {
        if (*pattern == 'S') {
            used += (size_t)snprintf(ports + used, bytes - used, "%d", silent);
        } else if (*pattern == 'L') {
            used += (size_t)snprintf(ports + used, bytes - used, "%s", PQport(admin));
        } else {
            used += (size_t)snprintf(ports + used, bytes - used, "%c", *pattern);
        }
    }
}

/* Of several hosts one that says nothing costs its share of the time, not the connection. */
static void silent_hosts_are_passed(void **state) {
    static const char *const soon[] = { "connect_timeout_ms=1500", NULL };
    static const struct {
        const char *hosts, *ports, *more; /* S the silent port, L the server's */
        enum status status;
        double ms_min, ms_max;
    } cases[] = {
        { "127.0.0.1", "S", "", STATUS_UNREACHABLE, 1400, 2500 },
        { "127.0.0.1,127.0.0.1", "S,L", "", STATUS_OK, 700, 1400 },
        { "127.0.0.1,127.0.0.1", "L,S", "", STATUS_OK, 0, 600 },
        { "127.0.0.1,127.0.0.1,127.0.0.1", "1,S,L", "", STATUS_OK, 450, 1400 },
        { "127.0.0.1,127.0.0.1", "S,S", "", STATUS_UNREACHABLE, 1400, 2500 },
        { "127.0.0.1,127.0.0.1", "S,L", "target_session_attrs=read-write", STATUS_OK, 700,
                1400 },
    };
    int listener, port = silent_port(&listener);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session *session = NULL;
        struct error err = { 0 };
        char ports[64], where[512];
        double begun = now_ms(), took;
        enum status status;

        spell_ports(cases[i].ports, port, ports, sizeof(ports));
        snprintf(where, sizeof(where), "host=%s port=%s user=%s password=%s dbname=%s %s",
                cases[i].hosts, ports, PQuser(admin), PQpass(admin), PQdb(admin),
                cases[i].more);
        status = open_with(where, soon, &session, &err);
        took = now_ms() - begun;
        if (status != cases[i].status || took < cases[i].ms_min || took > cases[i].ms_max) {
            fail_msg("%s: %s after %.0f ms: %s", ports, status_name(status), took, err.message);
        }
        error_clear(&err);
        pg_close(session);
    }
    close(listener);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(backend_is_killed, set_up),
        cmocka_unit_test_setup(server_is_frozen, set_up),
        cmocka_unit_test_setup(failures_stay_alone, set_up),
        cmocka_unit_test_setup(timeouts_are_told, set_up),
        cmocka_unit_test_setup(idle_snapshot_ends, set_up),
        cmocka_unit_test_setup(changes_are_noticed, set_up),
        cmocka_unit_test_setup(denial_is_told, set_up),
        cmocka_unit_test_setup(refusals_are_told, set_up),
        cmocka_unit_test_setup(silent_hosts_are_passed, set_up),
    };

    return server_run("postgres_errors", tests, sizeof(tests) / sizeof(tests[0]));
}
