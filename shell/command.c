/* The table of verbs. */
#include "shell/command.h"

#include <stddef.h>

const struct command commands[] = {
    { "query", "URL SQL", 2, "jcb", "run a statement over the URL's tables", command_query },
    { "tables", "URL", 1, "jcb", "list the tables behind the URL", command_tables },
    { "explain", "URL SQL", 2, "jcb", "run a statement, show what was sent and why",
            command_explain },
    { "doctor", "URL", 1, "j", "connect step by step and say what is wrong", command_doctor },
    { .name = NULL },
};

const struct command open_command = { "URL", "[-- SQLITE3-OPTION...]", 1, "",
    "open sqlite3, the URL's tables attached", command_open };
