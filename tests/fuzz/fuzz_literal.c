/* Any text as a constant in a statement: read back by PostgreSQL's rules, whatever
 * standard_conforming_strings says, it is one constant with that very text in it. */
#include "drivers/postgres/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

/* What the server makes of it; the place behind the constant. */
static const char *read_constant(const char *sql, bool conforming, char *value) {
    bool escapes = !conforming;

    sql += strspn(sql, " ");
    if (*sql == 'E') {
        escapes = true;
        sql++;
    }
    require(*sql++ == '\'');
    for (;; sql++) {
        require(*sql != '\0');
        if (*sql == '\\' && escapes) {
            sql++;
            require(*sql == '\\' || *sql == '\''); /* no other escape is ever written */
        } else if (*sql == '\'') {
            if (sql[1] != '\'') {
                break;
            }
            sql++;
        }
        *value++ = *sql;
    }
    *value = '\0';
    return sql + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *value = malloc(size + 1), *read = malloc(size + 1);
    struct text sql;

    require(value != NULL && read != NULL);
    memcpy(value, data, size);
    value[size] = '\0';
    text_init(&sql, TEXT_SQL_BYTES_MAX);
    pg_append_literal(&sql, value);
    require(text_status(&sql, NULL) == STATUS_OK);
    for (int conforming = 0; conforming < 2; conforming++) {
        require(*read_constant(text_get(&sql), conforming != 0, read) == '\0');
        require(strcmp(value, read) == 0);
    }
    text_clear(&sql);
    free(value);
    free(read);
    return 0;
}
