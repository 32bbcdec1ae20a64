/* The forms a condition can take in PostgreSQL's SQL, one row each. judge*.c choose among them,
 * dialect.c fills in the placeholders that internal.h lists.
 *
 * The session's search_path begins with pg_catalog, at least implicitly, and every operand has
 * an exact type, so plain operators and built-in type names mean what they say; functions are
 * qualified because a user's overload for varchar would fit better than the built-in for text.
 * ESCAPE '' is SQLite's LIKE: it has no escape character. */
#include "drivers/postgres/judge.h"

struct form {
    const char *sql;
    enum judge_template any; /* the same for a list, or FORM_NONE */
    bool accepts_null;       /* can be true for a row whose presented value is NULL */
};

/* "%v <> 'NaN'" is NOT NULL as well, where NaN is presented as NULL. FLOAT4: the presented
 * value is the double nearest to the shortest decimal, and as a float4 it is the column's value
 * or a neighbour (%1, %2); those bounds can use an index. FORM_ENUM: never fails for a label
 * that does not exist, and the subquery runs once, so an index serves. */
static const struct form forms[FORM_COUNT] = {
    [FORM_IS_NULL] = { .sql = "%c IS NULL", .accepts_null = true },
    [FORM_NOT_NULL] = { .sql = "%c IS NOT NULL" },
    [FORM_ROW_IS_NULL] = { .sql = "%c IS NOT DISTINCT FROM NULL", .accepts_null = true },
    [FORM_ROW_NOT_NULL] = { .sql = "%c IS DISTINCT FROM NULL" },
    [FORM_IS_NAN] = { .sql = "%v = 'NaN'", .accepts_null = true },
    [FORM_NOT_NAN] = { .sql = "%v <> 'NaN'" },
    [FORM_TRUE] = { .sql = "%v" },
    [FORM_FALSE] = { .sql = "NOT %v" },
    [FORM_TYPED] = { .sql = "%v %o %1::%t", .any = FORM_TYPED_ANY },
    [FORM_TYPED_ANY] = { .sql = "%v = ANY (%1::%t[])" },
    [FORM_TYPED_NUMBER] = { .sql = "%v %o %1::%t AND %v <> 'NaN'" },
    [FORM_TYPED_BETWEEN] = { .sql = "%v BETWEEN %1::%t AND %2::%t" },
    [FORM_FLOAT4_EQ] = { .sql = "%v BETWEEN %1::float4 AND %2::float4 "
                                "AND %v::text::float8 = %3::float8",
            .any = FORM_FLOAT4_ANY },
    [FORM_FLOAT4_ANY] = { .sql = "%v = ANY (%1::float4[] || %2::float4[] || %4::float4[]) "
                                 "AND %v::text::float8 = ANY (%3::float8[])" },
    [FORM_FLOAT4_NE] = { .sql = "%v::text::float8 <> %1::float8" },
    [FORM_FLOAT4_FROM] = { .sql = "%v >= %1::float4 AND %v::text::float8 %o %2::float8" },
    [FORM_FLOAT4_TO] = { .sql = "%v <= %1::float4 AND %v::text::float8 %o %2::float8" },
    [FORM_NUMERIC] = { .sql = "%s %o %1::numeric" },
    [FORM_NUMERIC_BETWEEN] = { .sql = "%s BETWEEN %1::numeric AND %2::numeric" },
    [FORM_TEXT] = { .sql = "%e %o %1::text", .any = FORM_TEXT_ANY },
    [FORM_TEXT_ANY] = { .sql = "%e = ANY (%1::text[])" },
    [FORM_TEXT_BOTH] = { .sql = "%e = %1::text AND %e COLLATE \"C\" = %1::text",
            .any = FORM_TEXT_BOTH_ANY },
    [FORM_TEXT_BOTH_ANY] = { .sql = "%e = ANY (%1::text[]) "
                                    "AND %e COLLATE \"C\" = ANY (%1::text[])" },
    [FORM_CITEXT] = { .sql = "%v = %1::%t AND %e COLLATE \"C\" = %1::text",
            .any = FORM_CITEXT_ANY },
    [FORM_CITEXT_ANY] = { .sql = "%v = ANY (%1::%t[]) "
                                 "AND %e COLLATE \"C\" = ANY (%1::text[])" },
    [FORM_BYTES] = { .sql = "%e COLLATE \"C\" %o %1::text", .any = FORM_BYTES_ANY },
    [FORM_BYTES_ANY] = { .sql = "%e COLLATE \"C\" = ANY (%1::text[])" },
    [FORM_LOWER] = { .sql = "pg_catalog.lower(%e COLLATE \"C\") COLLATE \"C\" %o %1::text",
            .any = FORM_LOWER_ANY },
    [FORM_LOWER_ANY] = { .sql = "pg_catalog.lower(%e COLLATE \"C\") COLLATE \"C\" "
                                "= ANY (%1::text[])" },
    [FORM_RTRIM] = { .sql = "pg_catalog.rtrim(%e, ' ') COLLATE \"C\" %o %1::text",
            .any = FORM_RTRIM_ANY },
    [FORM_RTRIM_ANY] = { .sql = "pg_catalog.rtrim(%e, ' ') COLLATE \"C\" = ANY (%1::text[])" },
    [FORM_NUMBER_LIKE] = { .sql = "%e COLLATE \"C\" ~ '^[[:space:]]*[-+]?[.]?[0-9]'" },
    [FORM_ENUM] = { .sql = "%v OPERATOR(pg_catalog.=) (SELECT e FROM pg_catalog.unnest("
                           "pg_catalog.enum_range(NULL::%t)) AS e WHERE e::text = %1::text)",
            .any = FORM_ENUM_ANY },
    [FORM_ENUM_ANY] = { .sql = "%v OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT e FROM "
                               "pg_catalog.unnest("
                               "pg_catalog.enum_range(NULL::%t)) AS e "
                               "WHERE e::text = ANY (%1::text[])))" },
    [FORM_LIKE] = { .sql = "pg_catalog.lower(%e COLLATE \"C\") LIKE %1::text ESCAPE ''" },
    [FORM_GLOB] = { .sql = "%e COLLATE \"C\" LIKE %1::text" },
    [FORM_BEFORE_AD] = { .sql = "%v < '0001-01-01'" },
    [FORM_BEFORE_AD_UTC] = { .sql = "%v < '0001-01-01 00:00:00+00'" },
    [FORM_AFTER_9999] = { .sql = "%v >= '10000-01-01'" },
    [FORM_AFTER_9999_UTC] = { .sql = "%v >= '10000-01-01 00:00:00+00'" },
};

static const char *const operators[OPERATOR_COUNT] = {
    [OPERATOR_EQ] = "=",
    [OPERATOR_NE] = "<>",
    [OPERATOR_LT] = "<",
    [OPERATOR_LE] = "<=",
    [OPERATOR_GT] = ">",
    [OPERATOR_GE] = ">=",
};

enum judge_template judge_form_any(enum judge_template form) {
    return forms[form].any;
}

const char *pg_form_sql(int form) {
    return forms[form / OPERATOR_COUNT].sql;
}

const char *pg_form_operator(int form) {
    return operators[form % OPERATOR_COUNT];
}

bool pg_form_accepts_null(int form) {
    return forms[form / OPERATOR_COUNT].accepts_null;
}
