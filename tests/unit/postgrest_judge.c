/* drivers/postgrest/judge.c, judge_text.c and dialect.c: what of a condition travels, and how.
 */
#include "drivers/url.h"

#include "tests/support/check.h"
#include "tests/support/rest_schema.h"

#define INTEGER(i)                                                                             \
    { .kind = VALUE_INTEGER, .integer = (i) }
#define REAL(r)                                                                                \
    { .kind = VALUE_REAL, .real = (r) }
#define TEXT(t)                                                                                \
    { .kind = VALUE_TEXT, .bytes = (t), .length = sizeof(t) - 1 }
#define BLOB(b)                                                                                \
    { .kind = VALUE_BLOB, .bytes = (b), .length = sizeof(b) - 1 }

static const char columns[] = "i integer, b boolean, f double precision, r real, n numeric, "
                              "m money, t text, v varchar(9), c char(4), u uuid, d date, "
                              "z timestamptz, y bytea, j jsonb, a integer[], p types.pair, "
                              "e citext, \"o d\" text, \"or\" text";

static const struct {
    const char *column;
    enum condition_operator op;
    enum collation collation;
    struct value value;
    enum verdict verdict;
    const char *filter; /* decoded */
} cases[] = {
    { "i", OPERATOR_EQ, 0, INTEGER(5), VERDICT_EXACT, "&i=eq.5" },
    { "i", OPERATOR_LT, 0, REAL(2.5), VERDICT_EXACT, "&i=lte.2" },
    { "i", OPERATOR_EQ, 0, REAL(2.5), VERDICT_EMPTY, "" },
    { "i", OPERATOR_GT, 0, INTEGER(3000000000), VERDICT_EXACT, "&i=gt.3000000000" },
    { "i", OPERATOR_NE, 0, TEXT("x"), VERDICT_EXACT, "&i=not.is.null" },
    { "i", OPERATOR_IS_NULL, 0, { 0 }, VERDICT_EXACT, "&i=is.null" },
    { "i", OPERATOR_IS_NOT, 0, INTEGER(1), VERDICT_EXACT, "&or=(i.neq.\"1\",i.is.null)" },
    { "b", OPERATOR_EQ, 0, INTEGER(1), VERDICT_EXACT, "&b=is.true" },
    { "f", OPERATOR_GE, 0, REAL(0.1), VERDICT_EXACT, "&f=gte.0.1" },
    { "r", OPERATOR_NE, 0, REAL(0.5), VERDICT_SKIP, "" },
    { "n", OPERATOR_GT, 0, INTEGER(7), VERDICT_SUPERSET, "&n=gte.6.999999999999998" },
    { "m", OPERATOR_EQ, 0, INTEGER(7), VERDICT_SKIP, "" },
    { "m", OPERATOR_NOT_NULL, 0, { 0 }, VERDICT_EXACT, "&m=not.is.null" },
    { "t", OPERATOR_EQ, 0, TEXT("a,b)\""), VERDICT_SUPERSET, "&t=eq.a,b)\"" },
    { "t", OPERATOR_NE, 0, TEXT("a.b"), VERDICT_EXACT, "&t=not.match.^a\\.b$" },
    { "t", OPERATOR_EQ, COLLATION_NOCASE, TEXT("aB"), VERDICT_EXACT, "&t=match.^[Aa][Bb]$" },
    { "t", OPERATOR_EQ, COLLATION_RTRIM, TEXT("ab "), VERDICT_EXACT, "&t=match.^ab *$" },
    { "t", OPERATOR_GT, 0, TEXT("zb"), VERDICT_EXACT,
            "&t=match.^(?:[\\u007b-\\U0010ffff]|z[\\u0063-\\U0010ffff]|zb.)" },
    { "t", OPERATOR_LE, 0, TEXT("zb"), VERDICT_EXACT,
            "&t=match.^(?:$|[\\u0001-\\u0079]|z$|z[\\u0001-\\u0061]|zb$)" },
    { "t", OPERATOR_GT, 0, TEXT("z\xc3\xa9"), VERDICT_SUPERSET,
            "&t=match.^(?:[\\u007b-\\U0010ffff]|z)" },
    { "t", OPERATOR_GT, 0, TEXT("\xc3\xa9"), VERDICT_SKIP, "" },
    { "t", OPERATOR_EQ, COLLATION_OTHER, TEXT("a"), VERDICT_SKIP, "" },
    { "t", OPERATOR_LIKE, 0, TEXT("a%1"), VERDICT_EXACT, "&t=match.^[Aa].*1$" },
    { "t", OPERATOR_LIKE, 0, TEXT("a_"), VERDICT_SUPERSET, "&t=match.^[Aa].{1,4}$" },
    { "t", OPERATOR_GLOB, 0, TEXT("a[x-z]*"), VERDICT_EXACT, "&t=match.^a[x-z].*$" },
    { "t", OPERATOR_GLOB, 0, TEXT("[^a]?"), VERDICT_SUPERSET, "&t=match.^.{1,4}.{1,4}$" },
    { "t", OPERATOR_GLOB, 0, TEXT("[a"), VERDICT_SKIP, "" },
    { "t", OPERATOR_LIKE, 0, BLOB("a"), VERDICT_SKIP, "" },
    { "i", OPERATOR_LIKE, 0, TEXT("1%"), VERDICT_SKIP, "" },
    { "c", OPERATOR_EQ, 0, TEXT("ab"), VERDICT_SUPERSET, "&c=eq.ab" },
    { "c", OPERATOR_LT, 0, TEXT("ab"), VERDICT_SKIP, "" },
    { "e", OPERATOR_EQ, 0, TEXT("ab"), VERDICT_SUPERSET, "&e=eq.ab" },
    { "u", OPERATOR_EQ, 0, TEXT("no"), VERDICT_EMPTY, "" },
    { "d", OPERATOR_GE, 0, TEXT("2024"), VERDICT_SUPERSET,
            "&or=(d.gte.\"2024-01-01\",d.lt.\"0001-01-01\")" },
    { "z", OPERATOR_EQ, 0, TEXT("2024-01-01 00:00:00.000000"), VERDICT_EXACT,
            "&z=eq.2024-01-01 00:00:00.000000+00" },
    { "y", OPERATOR_EQ, 0, BLOB("\x01\xff"), VERDICT_EXACT, "&y=eq.\\x01ff" },
    { "j", OPERATOR_EQ, 0, TEXT("{}"), VERDICT_SKIP, "" },
    { "a", OPERATOR_NOT_NULL, 0, { 0 }, VERDICT_EXACT, "&a=not.is.null" },
    { "p", OPERATOR_NOT_NULL, 0, { 0 }, VERDICT_SKIP, "" },
    { "p", OPERATOR_IS_NULL, 0, { 0 }, VERDICT_SUPERSET, "&p=is.null" },
    { "o d", OPERATOR_EQ, 0, TEXT("x"), VERDICT_SUPERSET, "&\"o d\"=eq.x" },
    { "or", OPERATOR_EQ, 0, TEXT("x"), VERDICT_SUPERSET, "&\"or\"=eq.x" },
};

static struct schema *make_schema(const char *word) {
    struct schema *schema = NULL;
    struct error err = { 0 };

    check_status("schema", STATUS_OK, rest_schema(columns, word, &schema, &err), &err);
    return schema;
}

static void check_filter(const char *label, const struct schema *schema,
        const struct condition *condition, const struct value *values, size_t count,
        enum verdict want_verdict, const char *want) {
    struct text filter, decoded;
    enum verdict verdict = VERDICT_SKIP;
    struct error err = { 0 };

    text_init(&filter, PR_TARGET_BYTES_MAX);
    text_init(&decoded, PR_TARGET_BYTES_MAX);
    check_status(label, STATUS_OK,
            rest_filter(schema, condition, values, count, &filter, &verdict, &err), &err);
    check_int(label, want_verdict, verdict);
    check_status(label, STATUS_OK, url_decode(&decoded, text_get(&filter), filter.length, &err),
            &err);
    check_text(label, want, text_get(&decoded));
    text_clear(&filter);
    text_clear(&decoded);
}

static void conditions_become_filters(void **state) {
    struct schema *schema = make_schema(NULL);

    (void)state;
    for (size_t i = 0; i < check_count(cases); i++) {
        struct condition condition = { schema_find_column(schema, cases[i].column), cases[i].op,
            cases[i].collation };
        bool test = cases[i].op == OPERATOR_IS_NULL || cases[i].op == OPERATOR_NOT_NULL;
        char label[64];

        snprintf(label, sizeof(label), "%zu: %s", i, cases[i].column);
        check_filter(label, schema, &condition, &cases[i].value, test ? 0 : 1, cases[i].verdict,
                cases[i].filter);
        if (cases[i].verdict == VERDICT_EXACT || cases[i].verdict == VERDICT_SUPERSET) {
            check_true(label, pr_may_push(schema, &condition));
        }
    }
    schema_release(schema);
}

static void lists_become_filters(void **state) {
    static const struct value same[] = { INTEGER(3), INTEGER(1), REAL(3), { 0 }, REAL(0.5) };
    static const struct value one[] = { INTEGER(3), { 0 } };
    static const struct value texts[] = { TEXT("b"), TEXT("a\"c") };
    static const struct value empty[] = { TEXT("") };
    struct schema *schema = make_schema(NULL);
    struct condition integers = { schema_find_column(schema, "i"), OPERATOR_IN, 0 };
    struct condition strings = { schema_find_column(schema, "t"), OPERATOR_IN, 0 };

    (void)state;
    check_filter(
            "same", schema, &integers, same, check_count(same), VERDICT_EXACT, "&i=in.(1,3)");
    check_filter("one", schema, &integers, one, 2, VERDICT_EXACT, "&i=eq.3");
    check_filter("none", schema, &integers, one + 1, 1, VERDICT_EMPTY, "");
    check_filter(
            "texts", schema, &strings, texts, 2, VERDICT_SUPERSET, "&t=in.(\"a\\\"c\",\"b\")");
    check_filter("the empty text", schema, &strings, empty, 1, VERDICT_SUPERSET, "&t=eq.");
    schema_release(schema);
}

static void a_word_for_a_collation_is_taken(void **state) {
    struct schema *schema = make_schema("collation.t=C");
    struct condition above = { schema_find_column(schema, "t"), OPERATOR_GT, 0 };
    struct order_term order = { above.column, false }, other = { above.column + 1, false };
    static const struct value text = TEXT("zb");

    (void)state;
    check_filter("range", schema, &above, &text, 1, VERDICT_EXACT, "&t=gt.zb");
    check_true("order", pr_may_order(schema, &order, 1));
    check_true("another column", !pr_may_order(schema, &other, 1));
    schema_release(schema);
}

static void pages_go_on_from_a_row(void **state) {
    static const struct {
        const char *label;
        struct pr_order order[2];
        size_t count;
        const char *values[2];
        const char *want;
    } keysets[] = {
        { "one key", { { 0, false, false } }, 1, { "5" }, "&i=gte.5" },
        { "backwards", { { 0, true, false } }, 1, { "5" }, "&i=lte.5" },
        { "two", { { 0, false, true }, { 6, false, false } }, 2, { "5", "a\"" },
                "&i=gte.5&or=(and(i.gt.\"5\"),and(i.eq.\"5\",t.gt.\"a\\\"\"),"
                "and(i.eq.\"5\",t.eq.\"a\\\"\"))" },
        { "from a NULL that comes first", { { 0, false, true }, { 6, false, false } }, 2,
                { NULL, "a" },
                "&or=(and(i.not.is.null),and(i.is.null,t.gt.\"a\"),and(i.is.null,t.eq.\"a\")"
                ")" },
        { "backwards, NULLs to come", { { 0, true, true }, { 6, false, false } }, 2,
                { "5", "a" },
                "&or=(and(or(i.lt.\"5\",i.is.null)),and(i.eq.\"5\",t.gt.\"a\"),"
                "and(i.eq.\"5\",t.eq.\"a\"))" },
        { "backwards, among the NULLs", { { 0, true, true }, { 6, false, false } }, 2,
                { NULL, "a" }, "&or=(and(i.is.null,t.gt.\"a\"),and(i.is.null,t.eq.\"a\"))" },
    };
    struct schema *schema = make_schema(NULL);

    (void)state;
    for (size_t i = 0; i < check_count(keysets); i++) {
        struct pr_spelling spelling;
        struct text decoded;

        pr_spelling_init(&spelling);
        text_init(&decoded, PR_TARGET_BYTES_MAX);
        pr_append_keyset(
                &spelling, schema, keysets[i].order, keysets[i].count, keysets[i].values);
        url_decode(&decoded, text_get(&spelling.url), spelling.url.length, NULL);
        check_text(keysets[i].label, keysets[i].want, text_get(&decoded));
        text_clear(&decoded);
        pr_spelling_clear(&spelling);
    }
    schema_release(schema);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_become_filters),
        cmocka_unit_test(lists_become_filters),
        cmocka_unit_test(a_word_for_a_collation_is_taken),
        cmocka_unit_test(pages_go_on_from_a_row),
    };

    return check_run(tests);
}
