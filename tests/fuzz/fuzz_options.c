/* Any lines as options of a table and its server: what was accepted can be asked for, lists and
 * patterns end, and only refused lines leave an error. */
#include "base/text.h"
#include "drivers/registry.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static enum status match_item(void *context, const char *item, size_t length) {
    const char *text = context;

    glob_matches(item, length, text);
    require(glob_matches("*", 1, text));
    require(glob_matches(text, strlen(text), text) || strpbrk(text, "*?") != NULL);
    return STATUS_OK;
}

static void ask(const struct options *options) {
    for (const struct option_entry *entry = options->first; entry != NULL;
            entry = entry->next) {
        require(options_knows(options, entry->name, strlen(entry->name)));
        require(options_text(options, entry->name) != NULL);
        if (entry->spec->flags & OPTION_PREFIX) {
            require(options_given(options, entry->spec->name));
        } else if (entry->suffix != NULL) {
            require(options_column_given(options, entry->spec->name, entry->suffix));
            require(options_column_text(options, entry->spec->name, entry->suffix) != NULL);
        } else {
            require(options_given(options, entry->name));
            options_bool(options, entry->name);
            options_integer(options, entry->name);
        }
        require(list_each(entry->value, match_item, (void *)(uintptr_t)entry->name) ==
                STATUS_OK);
    }
}

static void add_line(struct options *options, const char *line) {
    const struct option_entry *last = options->last;
    struct error err = { 0 };
    enum status status = options_add(options, line, &err);

    require(status == err.status);
    require((status == STATUS_OK) == (options->last != last));
    error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct option_spec *const server_tables[] = { server_options, attach_options,
        value_options, NULL };
    static const struct option_spec *const table_tables[] = { table_options, value_options,
        NULL };
    struct options server, table;
    char *lines = malloc(size + 1), *line = lines;

    require(lines != NULL);
    memcpy(lines, data, size);
    lines[size] = '\0';
    options_init(&server, server_tables, NULL);
    options_init(&table, table_tables, &server);
    for (int n = 0; *line != '\0' && n < 100; n++) {
        size_t length = strcspn(line, "\n");
        bool more = line[length] != '\0';

        line[length] = '\0';
        add_line(n % 2 == 0 ? &server : &table, line);
        line += length + more;
    }
    ask(&server);
    ask(&table);
    value_option(&table, "timestamp", "c");
    options_clear(&table);
    options_clear(&server);
    free(lines);
    return 0;
}
