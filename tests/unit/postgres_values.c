/* drivers/postgres/values*.c: what of a value is sent as a parameter, and what is refused and
 * why. test_write_grid.py tries every class into every type on a server. */
#include "drivers/postgres/values.h"

#include "tests/support/check.h"
#include "tests/support/pg_schema.h"

#include <endian.h>
#include <math.h>

enum { LABEL_BYTES = 128, SENT_BYTES = 128, SENT_BYTES_MAX = 1024 * 1024 };

#define INT(n)                                                                                 \
    { .kind = VALUE_INTEGER, .integer = (n) }
#define REAL(x)                                                                                \
    { .kind = VALUE_REAL, .real = (x) }
#define TEXT(literal)                                                                          \
    { .kind = VALUE_TEXT, .bytes = (literal), .length = sizeof(literal) - 1 }
#define BLOB(literal)                                                                          \
    { .kind = VALUE_BLOB, .bytes = (literal), .length = sizeof(literal) - 1 }

static const struct value_case {
    const char *type; /* of tests/support/pg_schema.c */
    struct value value;
    const char *sent; /* numbers as decimals, bytes as they are; NULL: refused, */
    const char *why;  /* with these words */
} cases[] = {
    { "int2", INT(-32768), "-32768" },
    { "int2", INT(32768), NULL, "out of range" },
    { "int4", REAL(7.0), "7" },
    { "int4", REAL(2.5), NULL, "it would be rounded" },
    { "int4", TEXT(" 12 "), "12" },
    { "int4", TEXT("1e3"), "1000" },
    { "int4", TEXT("0x10"), NULL, "it is no number" },
    { "int4", BLOB("1"), NULL, "bytes are no number" },
    { "int8", INT(INT64_MAX), "9223372036854775807" },
    { "int8", REAL(9223372036854775808.0), NULL, "it would be rounded" },
    { "oid", INT(-1), NULL, "out of range" },
    { "oid", INT(4294967295), "4294967295" },
    { "float8", REAL(0.1), "0.1" },
    { "float8", INT(3), "3" },
    { "float8", TEXT("-infinity"), "-inf" },
    { "float8", TEXT("0x10"), NULL, "it is no number" },
    { "float4", REAL(0.5), "0.5" },
    { "float4", REAL(0.123456789), NULL, "about 7 digits" },
    { "num10_2", REAL(1.25), "1.25" },
    { "num10_2", REAL(1.005), NULL, "more decimals than the type keeps" },
    { "num10_2", INT(123456789), NULL, "out of range" },
    { "num10_2", TEXT(" 12.50 "), "12.50" },
    { "num10_2", TEXT("Infinity"), NULL, "knows no such number" },
    { "numeric", TEXT("12345678901234567890.123"), "12345678901234567890.123" },
    { "numeric", TEXT("12,5"), NULL, "it is no number" },
    { "money", TEXT("1.234"), NULL, "more decimals" },
    { "bool", INT(1), "t" },
    { "bool", INT(2), NULL, "only 0 and 1" },
    { "bool", TEXT("OFF"), "f" },
    { "bool", TEXT("maybe"), NULL, "it is no truth value" },
    { "text", INT(5), "5" },
    { "text", REAL(0.1), "0.1" },
    { "text", TEXT("a\0b"), NULL, "inner NUL" },
    { "text", TEXT("\xff"), NULL, "not UTF-8" },
    { "text", BLOB("x"), NULL, "bytes are no text" },
    { "name", TEXT("0123456789012345678901234567890123456789012345678901234567890123"), NULL,
            "cut to 63 bytes" },
    { "bpchar", TEXT("a "), NULL, "blanks at its end" },
    { "bytea", BLOB("\x01\xff"), "\x01\xff" },
    { "bytea", TEXT("\\x41"), NULL, "only a BLOB" },
    { "uuid", TEXT("{550E8400E29B41D4A716446655440000}"),
            "550e8400-e29b-41d4-a716-446655440000" },
    { "uuid", TEXT("550e8400"), NULL, "it is no uuid" },
    { "uuid", INT(1), NULL, "only TEXT" },
    { "date", TEXT("2024-02-29"), "2024-02-29" },
    { "date", TEXT("2023-02-29"), NULL, "it is no date" },
    { "date", TEXT("now"), NULL, "it is no date" },
    { "date", TEXT("02/03/2024"), NULL, "it is no date" },
    { "ts", TEXT("2024-02-29 12:30:00+02:00"), NULL, "its offset would be lost" },
    { "ts", TEXT("2024-02-29 12:30:00.1234567"), NULL, "it is no timestamp" },
    { "varbit", TEXT("0101"), "0101" },
    { "varbit", TEXT("012"), NULL, "not made of 0 and 1" },
    { "interval", TEXT("1.1234567 s"), NULL, "finer than a microsecond" },
    { "interval", INT(5), NULL, "only TEXT" },
    { "interval", { .kind = VALUE_TEXT, .number = VALUE_REAL, .bytes = "5.0", .length = 3 },
            NULL, "cannot store a REAL value" },
    { "json", TEXT("{\"a\": 1}"), "{\"a\": 1}" },
    { "enum", TEXT("happy"), "happy" },
};

/* What was sent, as the cases say it. */
static void as_text(enum pg_parameter parameter, const struct text *sent, char *out) {
    uint64_t wire = 0;
    double real;

    if (parameter == PG_PARAMETER_TEXT || parameter == PG_PARAMETER_BYTEA) {
        snprintf(out, SENT_BYTES, "%.*s", (int)sent->length, text_get(sent));
        return;
    }
    check_int("eight bytes", sizeof(wire), (int64_t)sent->length);
    memcpy(&wire, text_get(sent), sizeof(wire));
    wire = be64toh(wire);
    memcpy(&real, &wire, sizeof(real));
    if (parameter == PG_PARAMETER_INT8) {
        snprintf(out, SENT_BYTES, "%lld", (long long)wire);
    } else {
        snprintf(out, SENT_BYTES, "%.15g", real);
    }
}

static void check_case(const struct value_case *one, size_t number) {
    const struct pg_schema_column column = { "c", one->type, false };
    struct schema *schema = pg_schema_make("s", "t", &column, 1, NULL);
    char label[LABEL_BYTES], got[SENT_BYTES];
    struct error err = { 0 };
    struct text sent;
    enum status status;

    snprintf(label, sizeof(label), "case %zu, %s", number, one->type);
    text_init(&sent, SENT_BYTES_MAX);
    status = pg_value_write(schema, 0, &one->value, &sent, &err);
    check_status(label, one->sent != NULL ? STATUS_OK : STATUS_VALUE, status, &err);
    if (one->sent != NULL) {
        as_text(pg_value_rule(pg_column(schema, 0))->parameter, &sent, got);
        check_text(label, one->sent, got);
    } else {
        check_true(label, strstr(err.message, "column \"c\" of table \"t\", type ") != NULL);
        check_true(label, strstr(err.message, pg_value_class(&one->value)) != NULL);
        check_true(err.message, strstr(err.message, one->why) != NULL);
        check_int(label, 0, (int64_t)sent.length); /* nothing is left behind */
    }
    text_clear(&sent);
    error_clear(&err);
    schema_release(schema);
}

static void values_are_sent_or_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        check_case(&cases[i], i);
    }
}

/* Under an option that shows NaN as NULL it cannot be written: it would not be read back. */
static void nan_needs_to_be_seen(void **state) {
    static const char *const options[] = { "nan=null", NULL };
    static const struct pg_schema_column columns[] = { { "c", "float8", false } };
    const struct value nan_text = TEXT("NaN");
    struct schema *shown = pg_schema_make("s", "t", columns, 1, NULL);
    struct schema *hidden = pg_schema_make("s", "t", columns, 1, options);
    struct error err = { 0 };
    struct text sent;
    char got[SENT_BYTES];

    (void)state;
    text_init(&sent, SENT_BYTES_MAX);
    check_status("shown", STATUS_OK, pg_value_write(shown, 0, &nan_text, &sent, &err), &err);
    as_text(PG_PARAMETER_FLOAT8, &sent, got);
    check_true("nan", strstr(got, "nan") != NULL);
    check_status(
            "hidden", STATUS_VALUE, pg_value_write(hidden, 0, &nan_text, &sent, &err), &err);
    check_true("says why", strstr(err.message, "read as NULL") != NULL);
    text_clear(&sent);
    error_clear(&err);
    schema_release(shown);
    schema_release(hidden);
}

static void parameters_have_names(void **state) {
    static const struct {
        enum pg_parameter parameter;
        const char *name;
        uint32_t oid;
    } known[] = { { PG_PARAMETER_INT8, "int8", 20 }, { PG_PARAMETER_FLOAT8, "float8", 701 },
        { PG_PARAMETER_TEXT, "text", 25 }, { PG_PARAMETER_BYTEA, "bytea", 17 } };

    (void)state;
    for (size_t i = 0; i < check_count(known); i++) {
        check_text("name", known[i].name, pg_parameter_name(known[i].parameter));
        check_int(known[i].name, known[i].oid, pg_parameter_oid(known[i].parameter));
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = { cmocka_unit_test(values_are_sent_or_refused),
        cmocka_unit_test(nan_needs_to_be_seen), cmocka_unit_test(parameters_have_names) };

    return check_run(tests);
}
