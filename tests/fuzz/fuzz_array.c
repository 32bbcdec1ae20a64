/* A list of texts becomes one array literal: read back by PostgreSQL's rules for array input,
 * its elements are the very texts that can be in a database, in their order. */
#include "drivers/postgres/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pg_column facts = { .name = "c",
    .type_oid = 25,
    .typmod = -1,
    .type_sql = "pg_catalog.text",
    .type_kind = 'b',
    .collation = PG_COLLATION_DETERMINISTIC,
    .family = PG_FAMILY_TEXT,
    .decoder = PG_DECODE_TEXT,
    .select_expression = "%c",
    .text_expression = "%c" };
static const struct pg_relation relation = { .utf8 = true };
static struct column columns[] = { { .name = "c", .remote_name = "c", .driver_data = &facts } };
static const struct schema schema = { .columns = columns,
    .column_count = 1,
    .remote_schema = "s",
    .remote_name = "t",
    .driver_data = &relation };

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

/* One element of an array literal, as array_in() reads it; the place behind it. */
static const char *read_element(const char *at, char *out, size_t *length) {
    *length = 0;
    if (*at == '"') {
        for (at++; *at != '"'; at++) {
            at += *at == '\\';
            require(*at != '\0');
            out[(*length)++] = *at;
        }
        return at + 1;
    }
    while (*at != ',' && *at != '}') {
        require(*at != '\0' && strchr("{\\\" \t\n\v\f\r", *at) == NULL);
        out[(*length)++] = *at++;
    }
    out[*length] = '\0';
    require(*length > 0 && strcasecmp(out, "null") != 0);
    return at;
}

static bool same(const struct value *value, const char *bytes, size_t length) {
    return value->length == length && memcmp(value->bytes, bytes, length) == 0;
}

/* In order, each element is the next of the values; those left out cannot be in a database. */
static void check_array(
        const char *literal, const struct value *values, size_t count, char *scratch) {
    size_t next = 0, length;

    require(*literal++ == '{');
    while (*literal != '}') {
        literal = read_element(literal, scratch, &length);
        while (next < count && !same(&values[next], scratch, length)) {
            next++;
        }
        require(next++ < count);
        require(*literal == '}' || (*literal == ',' && *++literal != '}'));
    }
    require(literal[1] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct condition condition = { .op = OPERATOR_IN };
    struct value values[VALUES_MAX];
    struct judgement judgement;
    struct arena arena = { 0 };
    size_t count = 0, start = 0;
    char *copy = malloc(size + 1), *scratch = malloc(size + 1);

    require(copy != NULL && scratch != NULL);
    memcpy(copy, data, size);
    copy[size] = '\0';
    for (size_t i = 0; i <= size && count < VALUES_MAX; i++) {
        if (i == size || (unsigned char)copy[i] == 0xff) { /* 0xff parts the texts */
            copy[i] = '\0';
            values[count++] = (struct value){
                .kind = VALUE_TEXT, .bytes = copy + start, .length = i - start
            };
            start = i + 1;
        }
    }
    require(pg_judge(&schema, &condition, values, count, &arena, &judgement) == STATUS_OK);
    for (size_t i = 0; i < judgement.predicate.term_count; i++) {
        const struct predicate_term *term = &judgement.predicate.terms[i];

        for (size_t k = 0; k < term->value_count; k++) {
            if (strstr(pg_form_sql(term->form), "ANY") != NULL) {
                check_array(term->values[k].bytes, values, count, scratch);
            } else {
                require(memchr(term->values[k].bytes, '\0', term->values[k].length) == NULL);
            }
        }
    }
    arena_clear(&arena);
    free(copy);
    free(scratch);
    return 0;
}
