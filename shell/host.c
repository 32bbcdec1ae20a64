/* The extension inside this program, to check a URL, and the system's sqlite3 to do the rest:
 * line editing, history, dot-commands and output formats are its own. */
#include "shell/host.h"

#include "loadable/drawbridge.h"

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SQLITE3_ARGUMENTS_MAX = 64 };

static const char url_variable[] = "DRAWBRIDGE_URL";

sqlite3 *host_open(void) {
    sqlite3 *db = NULL;
    int code = sqlite3_auto_extension((void (*)(void))sqlite3_drawbridge_init);

    if (code == SQLITE_OK) {
        code = sqlite3_open(":memory:", &db);
    }
    if (code != SQLITE_OK) {
        fprintf(stderr, "drawbridge: could not start SQLite: %s\n",
                db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code));
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

static bool host_run(sqlite3 *db, const char *sql, const char *url) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK && url != NULL) {
        code = sqlite3_bind_text(stmt, 1, url, -1, SQLITE_STATIC);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code != SQLITE_ROW) {
        fprintf(stderr, "drawbridge: %s\n", sqlite3_errmsg(db));
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW;
}

int host_check_url(const char *url) {
    sqlite3 *db = host_open();
    int code = EXIT_DONE;

    if (db == NULL) {
        return EXIT_FAILED;
    }
    if (!host_run(db, "SELECT bridge_server('remote', ?1)", url)) {
        code = EXIT_USAGE;
    } else if (!host_run(db, "SELECT bridge_ping('remote')", NULL)) {
        code = EXIT_UNREACHABLE;
    }
    sqlite3_close(db);
    return code;
}

/* The extension lies beside this program in a build, in the library folder when installed. A
 * bare chroot has no /proc: then the build of the working directory is meant. */
static bool find_extension(char path[PATH_MAX]) {
    static const char *const places[] = { "drawbridge.so",
        "../" DRAWBRIDGE_LIBDIR "/drawbridge/drawbridge.so" };
    char self[PATH_MAX] = "build/drawbridge", candidate[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *folder;

    if (length > 0) {
        self[length] = '\0';
    }
    folder = dirname(self);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(candidate, sizeof(candidate), "%s/%s", folder, places[i]);
        if (realpath(candidate, path) != NULL) {
            return true;
        }
    }
    return false;
}

static const char *format_flag(enum output_format format) {
    static const char *const flags[] = { [OUTPUT_DEFAULT] = "-box",
        [OUTPUT_JSON] = "-json",
        [OUTPUT_CSV] = "-csv",
        [OUTPUT_BOX] = "-box" };

    return flags[format];
}

/* env:NAME holds no secret and goes on as it is; anything else goes by the environment. */
static char *attach_statement(const char *url) {
    if (sqlite3_strnicmp(url, "env:", 4) == 0) {
        return sqlite3_mprintf("SELECT bridge_attach(%Q);", url);
    }
    if (setenv(url_variable, url, 1) != 0) {
        return NULL;
    }
    return sqlite3_mprintf("SELECT bridge_attach('env:%s');", url_variable);
}

struct arguments {
    const char *list[SQLITE3_ARGUMENTS_MAX];
    size_t count;
};

static void add_argument(struct arguments *arguments, const char *argument) {
    if (arguments->count < SQLITE3_ARGUMENTS_MAX - 1) {
        arguments->list[arguments->count] = argument;
    }
    arguments->count++; /* too many are told later, by the count */
}

static void add_command(struct arguments *arguments, const char *command) {
    add_argument(arguments, "-cmd");
    add_argument(arguments, command);
}

static int become_sqlite3(const struct arguments *arguments) {
    execvp("sqlite3", (char *const *)arguments->list);
    fprintf(stderr, "drawbridge: could not run sqlite3 (Debian package sqlite3)\n");
    return EXIT_FAILED;
}

/* sqlite3 ends with the SQLITE_* code of what failed, which would be mistaken for codes of
 * ours. A Ctrl-C is for the child alone. */
static int wait_for_sqlite3(const struct arguments *arguments) {
    int status = 0;
    pid_t child = fork();

    if (child < 0) {
        perror("drawbridge: could not start sqlite3");
        return EXIT_FAILED;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody would read its answer */
        _exit(become_sqlite3(arguments));
    }
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    if (waitpid(child, &status, 0) != child) {
        return EXIT_FAILED;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* What a person set up for the shell (~/.sqliterc) is not for a single statement's output. */
static void add_question_options(struct arguments *arguments, const struct invocation *call) {
    static const char *const options[] = { "-batch", "-init", "/dev/null", "-bail", "-header" };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        add_argument(arguments, options[i]);
    }
    add_argument(arguments, format_flag(call->format));
}

int host_run_sqlite3(const struct invocation *call, const char *sql) {
    struct arguments arguments = { .list = { "sqlite3" }, .count = 1 };
    char path[PATH_MAX], *load, *attach, *statement;

    if (!find_extension(path)) {
        fprintf(stderr, "drawbridge: could not find drawbridge.so beside this program\n");
        return EXIT_FAILED;
    }
    load = sqlite3_mprintf(".load '%s'", path);
    attach = attach_statement(call->url);
    /* What begins with "--" is a comment to SQL, and an option to sqlite3. */
    statement = sqlite3_mprintf("%s%s", sql != NULL && sql[0] == '-' ? " " : "", sql);
    if (load == NULL || attach == NULL || statement == NULL) {
        fprintf(stderr, "drawbridge: out of memory\n");
        return EXIT_FAILED;
    }
    for (int i = 0; call->rest != NULL && call->rest[i] != NULL; i++) {
        add_argument(&arguments, call->rest[i]);
    }
    if (sql != NULL) {
        add_question_options(&arguments, call);
    }
    add_command(&arguments, load);
    add_command(&arguments, ".output /dev/null"); /* nobody asked how many tables there are */
    add_command(&arguments, attach);
    add_command(&arguments, ".output stdout");
    add_argument(&arguments, ":memory:");
    if (sql != NULL) {
        add_argument(&arguments, statement);
    }
    if (arguments.count >= SQLITE3_ARGUMENTS_MAX) {
        fprintf(stderr, "drawbridge: too many options for sqlite3\n");
        return EXIT_USAGE;
    }
    return sql != NULL ? wait_for_sqlite3(&arguments) : become_sqlite3(&arguments);
}
