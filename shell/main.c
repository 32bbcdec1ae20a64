/* drawbridge: the command line. Finds the verb, reads the options, hides the URL, runs it. */
#include "shell/command.h"

#include <sqlite3.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },
    { "json", no_argument, NULL, 'j' },
    { "csv", no_argument, NULL, 'c' },
    { "box", no_argument, NULL, 'b' },
    { NULL, 0, NULL, 0 },
};

static void print_help(void) {
    printf("drawbridge shows the tables of a PostgreSQL server or a SQLite file as tables of\n"
           "SQLite. Usage:\n\n"
           "  drawbridge %-21s %s\n",
            "URL [-- OPTION...]", open_command.help);
    for (const struct command *command = commands; command->name != NULL; command++) {
        char words[64];

        snprintf(words, sizeof(words), "%s %s", command->name, command->operands);
        printf("  drawbridge %-21s %s\n", words, command->help);
    }
    printf("\n"
           "  --json, --csv, --box   how rows are printed (doctor: --json)\n"
           "  --help, --version\n\n"
           "URL is postgresql://user@host/database, service=NAME, sqlite:FILE, env:NAME or\n"
           "env: (DATABASE_URL and the like). What stands behind -- goes to sqlite3.\n"
           "Exit status: 0 done, 1 the statement or the remote failed, 2 usage, 3 could\n"
           "not connect.\n");
}

static int usage(const char *why, const char *what) {
    fprintf(stderr, "drawbridge: %s%s; see drawbridge --help\n", why, what);
    return EXIT_USAGE;
}

static const struct command *find_command(const char *word) {
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, word) == 0) {
            return command;
        }
    }
    return &open_command;
}

/* The URL may hold a password, and arguments are everybody's to read. */
static char *take_url(char *argument) {
    char *copy = strdup(argument);

    memset(argument, 'x', strlen(argument));
    return copy;
}

static enum output_format format_of(int letter) {
    return letter == 'j' ? OUTPUT_JSON : letter == 'c' ? OUTPUT_CSV : OUTPUT_BOX;
}

static int run(int argc, char **argv, struct invocation *call, const char *letters) {
    const struct command *command;
    int operands;

    if (optind >= argc) {
        return usage("a URL is missing", "");
    }
    command = find_command(argv[optind]);
    optind += command != &open_command;
    operands = argc - optind;
    if (operands < 1) {
        return usage("a URL is missing", "");
    }
    if (command->operand_count == 2 && operands < 2) {
        return usage("a statement is missing", "");
    }
    for (const char *letter = letters; *letter != '\0'; letter++) {
        if (strchr(command->formats, *letter) == NULL) {
            return usage("that output option does not go with ", command->name);
        }
    }
    call->url = take_url(argv[optind++]);
    if (call->url == NULL) {
        return EXIT_FAILED;
    }
    if (command->operand_count == 2) {
        call->sql = argv[optind++];
    }
    call->rest = &argv[optind];
    if (command != &open_command && optind < argc) {
        return usage("too many words for ", command->name);
    }
    return command->run(call);
}

int main(int argc, char **argv) {
    struct invocation call = { 0 };
    char letters[8] = "";
    int letter, code;

    while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (letter) {
        case 'h':
            print_help();
            return EXIT_DONE;
        case 'v':
            printf("drawbridge %s, SQLite %s\n", DRAWBRIDGE_VERSION, sqlite3_libversion());
            return EXIT_DONE;
        case 'j':
        case 'c':
        case 'b':
            call.format = format_of(letter);
            letters[0] = (char)letter;
            break;
        default:
            return EXIT_USAGE;
        }
    }
    code = run(argc, argv, &call, letters);
    free(call.url);
    return code;
}
