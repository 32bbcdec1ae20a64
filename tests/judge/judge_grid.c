/* Asks the judge about one condition per line of stdin and runs what it says on a server, by
 * the dialect's own statement; test_judge_grid.py sends the lines and compares with SQLite.
 *
 *   judge_grid CONNECTION ENCODING [OPTION=VALUE]...
 *
 * A line has fields apart by tabs: type, operator, collation, values. The table is truth.t_TYPE
 * with the columns id and c. A value is n, i:INTEGER, r:REAL (as %a prints it), t:HEX or b:HEX.
 * The answer is one line: verdict, then the ids of the rows sent, apart by commas, then the
 * statement or the reason. "ORDER asc" in place of an operator asks for the rows in order. */
#include "tests/support/host.h"
#include "tests/support/pg_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 2048 };

static const char *const operators[OPERATOR_COUNT] = { "=", "!=", "<", "<=", ">", ">=", "IS",
    "IS NOT", "ISNULL", "NOTNULL", "LIKE", "GLOB", "IN" };
static const char *const collations[] = { "BINARY", "NOCASE", "RTRIM" };
static const char *const verdicts[] = { "skip", "superset", "exact", "empty", "all" };

static _Noreturn void stop(const char *what, const char *why) {
    fprintf(stderr, "judge_grid: %s: %s\n", what, why);
    exit(1);
}

static int find(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return (int)i;
        }
    }
    stop("not known", name);
}

static void parse_hex(struct arena *arena, const char *hex, struct value *value) {
    size_t length = strlen(hex) / 2;
    char *bytes = arena_alloc(arena, length + 1);

    for (size_t i = 0; bytes != NULL && i < length; i++) {
        char digits[] = { hex[2 * i], hex[2 * i + 1], '\0' };

        bytes[i] = (char)strtol(digits, NULL, 16);
    }
    value->bytes = bytes;
    value->length = length;
}

static struct value parse_value(struct arena *arena, const char *field) {
    struct value value = { .kind = VALUE_NULL };

    switch (field[0]) {
    case 'n':
        break;
    case 'i':
        value.kind = VALUE_INTEGER;
        value.integer = strtoll(field + 2, NULL, 10);
        break;
    case 'r':
        value.kind = VALUE_REAL;
        value.real = strtod(field + 2, NULL);
        break;
    default:
        value.kind = field[0] == 't' ? VALUE_TEXT : VALUE_BLOB;
        parse_hex(arena, field + 2, &value);
        break;
    }
    return value;
}

static void print_ids(PGconn *connection, const struct query *query) {
    struct pg_parameters parameters = { 0 };
    struct error err = { 0 };
    struct text sql;
    PGresult *result;

    text_init(&sql, TEXT_SQL_BYTES_MAX);
    if (pg_select(query, &sql, &parameters, &err) != STATUS_OK) {
        stop("dialect", err.message);
    }
    result = PQexecParams(connection, text_get(&sql), (int)parameters.count, NULL,
            parameters.values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

        printf("\terror: %s", message != NULL ? message : "?");
    } else {
        printf("\t");
        for (int row = 0; row < PQntuples(result); row++) {
            printf("%s%s", row > 0 ? "," : "", PQgetvalue(result, row, 0));
        }
    }
    printf("\t%s", text_get(&sql));
    for (size_t i = 0; i < parameters.count; i++) {
        printf(" [");
        for (const char *at = parameters.values[i];
                *at != '\0' && at < parameters.values[i] + 60; at++) {
            putchar((unsigned char)*at < ' ' ? '?' : *at); /* an answer is one line */
        }
        printf("]");
    }
    PQclear(result);
    pg_parameters_clear(&parameters);
    text_clear(&sql);
}

static void answer_order(PGconn *connection, const struct schema *schema, bool descending) {
    static const int id[] = { 0 };
    const struct order_term order = { 1, descending };
    struct query query = { .schema = schema,
        .columns = id,
        .column_count = 1,
        .limit = -1,
        .order = &order,
        .order_count = 1 };

    if (!pg_may_order(schema, &order, 1)) {
        printf("skip\t\tno order is proven");
        return;
    }
    printf("exact");
    print_ids(connection, &query);
}

static void answer(
        PGconn *connection, const struct schema *schema, char **fields, size_t count) {
    static const int id[] = { 0 };
    struct condition condition = { .column = 1 };
    struct value values[FIELDS_MAX];
    struct judgement judgement;
    struct arena arena = { NULL };

    condition.op = (enum condition_operator)find(operators, OPERATOR_COUNT, fields[1]);
    condition.collation = (enum collation)find(collations, 3, fields[2]);
    for (size_t i = 3; i < count; i++) {
        values[i - 3] = parse_value(&arena, fields[i]);
    }
    if (pg_judge(schema, &condition, values, count - 3, &arena, &judgement) != STATUS_OK) {
        stop("judge", "out of memory");
    }
    printf("%s", verdicts[judgement.verdict]);
    if (judgement.verdict == VERDICT_EXACT || judgement.verdict == VERDICT_SUPERSET) {
        struct query query = { .schema = schema,
            .columns = id,
            .column_count = 1,
            .limit = -1,
            .predicates = &judgement.predicate,
            .predicate_count = 1 };

        if (!pg_may_push(schema, &condition)) {
            stop(fields[0], "sent what may_push denied");
        }
        print_ids(connection, &query);
    } else {
        printf("\t\t%s", judgement.why != NULL ? judgement.why : "");
    }
    arena_clear(&arena);
}

static void answer_line(PGconn *connection, char *line, char **argv) {
    char *fields[FIELDS_MAX], *save = NULL, table[128];
    const struct pg_schema_column columns[] = { { "id", "int4", true }, { "c", line, false } };
    struct schema *schema;
    size_t count = 0;

    for (char *field = strtok_r(line, "\t\n", &save); field != NULL && count < FIELDS_MAX;
            field = strtok_r(NULL, "\t\n", &save)) {
        fields[count++] = field;
    }
    if (count < 3) {
        stop("line", "too few fields");
    }
    snprintf(table, sizeof(table), "t_%s", fields[0]);
    schema = pg_schema_make("truth", table, columns, 2, (const char *const *)argv + 3);
    ((struct pg_relation *)schema->driver_data)->utf8 = strcmp(argv[2], "UTF8") == 0;
    if (strcmp(fields[1], "ORDER") == 0) {
        answer_order(connection, schema, strcmp(fields[2], "desc") == 0);
    } else {
        answer(connection, schema, fields, count);
    }
    printf("\n");
    schema_release(schema);
}

/* What connection.c pins, as far as the forms rest on it. */
static void pin_settings(PGconn *connection) {
    PGresult *result = PQexec(connection,
            "SET DateStyle = 'ISO, MDY'; SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'; "
            "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C'; "
            "SET standard_conforming_strings = on; SET client_encoding = 'UTF8'");

    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        stop("settings", PQerrorMessage(connection));
    }
    PQclear(result);
}

int main(int argc, char **argv) {
    static char line[1 << 22];
    PGconn *connection;

    if (argc < 3) {
        stop("usage", "judge_grid CONNECTION ENCODING [OPTION=VALUE]...");
    }
    host_start();
    connection = PQconnectdb(argv[1]);
    if (PQstatus(connection) != CONNECTION_OK) {
        stop("connection", PQerrorMessage(connection));
    }
    pin_settings(connection);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        answer_line(connection, line, argv);
    }
    PQfinish(connection);
    return 0;
}
