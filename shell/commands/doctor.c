/* drawbridge doctor URL: one step after the other, each with what it found or what is wrong. */
#include "shell/host.h"

#include <stdio.h>
#include <string.h>

enum { FINDING_BYTES = 2048 };

struct step {
    const char *name;
    const char *sql; /* one row, one column: the finding; ?1 is the URL */
    int exit_code;   /* when it fails */
};

/* Names the server, connects, reads the catalog, runs a statement: a later step needs the
 * earlier. */
static const struct step steps[] = {
    { "url",
            "SELECT 'driver ' || driver || ', ' || url || ', from ' || source FROM "
            "bridge_servers "
            "WHERE name = bridge_server('doctor', ?1)",
            EXIT_USAGE },
    { "connect", "SELECT printf('answers in %.2f ms', bridge_ping('doctor'))",
            EXIT_UNREACHABLE },
    { "version",
            "SELECT 'server version ' || coalesce(nullif(server_version, ''), 'not told') "
            "FROM bridge_servers "
            "WHERE name = 'doctor'",
            EXIT_FAILED },
    { "catalog", "SELECT bridge_attach(?1, 'name=doctor') || ' tables attached'", EXIT_FAILED },
    { "read", /* what takes no statements is asked for a row of its first table */
            "SELECT CASE (SELECT driver FROM bridge_servers WHERE name = 'doctor') "
            "WHEN 'postgrest' THEN coalesce((SELECT 'answered: ' || e.text FROM "
            "(SELECT place, name FROM bridge_tables WHERE attached ORDER BY name LIMIT 1) "
            "AS t, bridge_explain("
            "printf('SELECT * FROM \"%w\".\"%w\" LIMIT 1', t.place, t.name)) AS e "
            "WHERE e.item = 'remote'), 'there is no table to read') "
            "ELSE (SELECT 'a read-only transaction answers ' || row "
            "FROM bridge_query('doctor', 'SELECT 1 AS one')) END",
            EXIT_FAILED },
};

/* What to do about words that PostgreSQL and libpq use. */
static const struct {
    const char *words, *advice;
} advices[] = {
    { "28P01", "the password is wrong: check the user, the password, ~/.pgpass" },
    { "password authentication failed", "check the user, the password, ~/.pgpass" },
    { "no password supplied",
            "put the password into ~/.pgpass or the environment (PGPASSWORD)" },
    { "28000", "this user may not connect from here: see pg_hba.conf on the server" },
    { "3D000", "that database does not exist: check its name" },
    { "does not exist", "check the name of the database and of the user" },
    { "could not translate host name", "the host name is not known here: check its spelling" },
    { "Connection refused", "nothing listens there: is the server up, is the port right?" },
    { "No such file or directory", "there is no socket or file of that name: check the path" },
    { "timeout", "no answer in time: a firewall, a wrong address, or connect_timeout_ms= too "
                 "short" },
    { "SSL", "check sslmode= and the server's certificate (over PostgREST: tls_ca=)" },
    { "too many clients", "the server is full: close connections or use a pooler" },
};

static const char *advice_for(const char *message) {
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        if (strstr(message, advices[i].words) != NULL) {
            return advices[i].advice;
        }
    }
    return NULL;
}

static bool run_step(
        sqlite3 *db, const struct step *step, const char *url, char finding[FINDING_BYTES]) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, step->sql, -1, &stmt, NULL);
    const char *text = NULL;

    if (code == SQLITE_OK && sqlite3_bind_parameter_count(stmt) > 0) {
        code = sqlite3_bind_text(stmt, 1, url, -1, SQLITE_STATIC);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code == SQLITE_ROW) {
        text = (const char *)sqlite3_column_text(stmt, 0);
    }
    snprintf(finding, FINDING_BYTES, "%s",
            code == SQLITE_ROW ? (text != NULL ? text : "nothing to see") : sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW;
}

/* json_object() of the very database writes the line, so quoting is SQLite's. */
static void print_json(sqlite3 *db, const char *name, bool good, const char *finding,
        const char *advice, bool last) {
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db,
                "SELECT json_object('step', ?1, 'ok', json(?2), 'finding', ?3, "
                "'advice', ?4)",
                -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, good ? "true" : "false", -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, finding, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, advice, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            printf("  %s%s\n", (const char *)sqlite3_column_text(stmt, 0), last ? "" : ",");
        }
    }
    sqlite3_finalize(stmt);
}

/* A finding may have lines of detail and hint below the first. */
static void print_text(const char *name, bool good, const char *finding, const char *advice) {
    printf("%-8s %s  ", name, good ? "ok  " : "FAIL");
    for (; *finding != '\0'; finding++) {
        putchar(*finding);
        if (*finding == '\n') {
            printf("%15s", "");
        }
    }
    printf("\n");
    if (advice != NULL) {
        printf("%15s%s\n", "", advice);
    }
}

int command_doctor(const struct invocation *call) {
    sqlite3 *db = host_open();
    size_t count = sizeof(steps) / sizeof(steps[0]);
    bool json = call->format == OUTPUT_JSON, good = true;
    int code = EXIT_DONE;

    if (db == NULL) {
        return EXIT_FAILED;
    }
    printf("%s", json ? "[\n" : "");
    for (size_t i = 0; i < count && good; i++) {
        char finding[FINDING_BYTES];
        const char *advice;

        good = run_step(db, &steps[i], call->url, finding);
        advice = good ? NULL : advice_for(finding);
        if (json) {
            print_json(db, steps[i].name, good, finding, advice, !good || i + 1 == count);
        } else {
            print_text(steps[i].name, good, finding, advice);
        }
        code = good ? code : steps[i].exit_code;
    }
    printf("%s", json ? "]\n" : "");
    sqlite3_close(db);
    return code;
}
