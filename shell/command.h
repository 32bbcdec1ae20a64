/* The verbs of `drawbridge`: one table, one file each in commands/. */
#ifndef DRAWBRIDGE_SHELL_COMMAND_H
#define DRAWBRIDGE_SHELL_COMMAND_H

#include <stdbool.h>

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

enum output_format { OUTPUT_DEFAULT, OUTPUT_JSON, OUTPUT_CSV, OUTPUT_BOX };

struct invocation {
    char *url; /* a copy: the process's own argument is overwritten */
    const char *sql;
    enum output_format format;
    char *const *rest; /* behind "--": options for sqlite3; NULL-ended */
};

struct command {
    const char *name;
    const char *operands; /* for --help: "URL SQL" */
    int operand_count;    /* 1: URL, 2: URL SQL */
    const char *formats;  /* options it takes: "jcb", "j", "" */
    const char *help;
    int (*run)(const struct invocation *);
};

extern const struct command commands[];   /* ends with a NULL name */
extern const struct command open_command; /* no verb: the shell itself */

int command_query(const struct invocation *);
int command_tables(const struct invocation *);
int command_explain(const struct invocation *);
int command_doctor(const struct invocation *);
int command_open(const struct invocation *);

#endif
