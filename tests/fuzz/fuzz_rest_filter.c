/* Any text as a value of any condition: the filter that travels has no byte that a URL cannot
 * have, and what is exact was judged the same twice. */
#include "tests/support/rest_schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static void check_url(const struct text *url) {
    for (size_t i = 0; i < url->length; i++) {
        unsigned char c = (unsigned char)text_get(url)[i];

        require(c > ' ' && c < 0x7f && c != '+' && c != '#' && c != '"');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct schema *schema;
    struct condition condition;
    struct value values[2];
    char *bytes;

    if (schema == NULL) {
        require(rest_schema("i bigint, f real, n numeric, t text, c char(4), y bytea, u uuid, "
                            "d date, z timestamptz, h time, e citext, \"o.d\" text",
                        NULL, &schema, NULL) == STATUS_OK);
    }
    if (size < 3) {
        return 0;
    }
    condition = (struct condition){ data[0] % (int)schema->column_count,
        data[1] % OPERATOR_COUNT, data[2] % (COLLATION_OTHER + 1) };
    bytes = malloc(size - 2);
    require(bytes != NULL);
    memcpy(bytes, data + 3, size - 3);
    bytes[size - 3] = '\0';
    for (size_t i = 0; i < 2; i++) { /* the second is the text behind its first character */
        size_t skip = i < size - 3 ? i : size - 3;

        values[i] = (struct value){ .kind = data[1] >= 0x80 ? VALUE_BLOB : VALUE_TEXT };
        values[i].bytes = bytes + skip;
        values[i].length = size - 3 - skip;
    }
    {
        struct text url;
        enum verdict verdict;
        size_t count = condition.op == OPERATOR_IN ? 2 : 1;

        text_init(&url, PR_TARGET_BYTES_MAX);
        require(rest_filter(schema, &condition, values, count, &url, &verdict, NULL) ==
                STATUS_OK);
        check_url(&url);
        require((url.length > 0) == (verdict == VERDICT_EXACT || verdict == VERDICT_SUPERSET));
        text_clear(&url);
    }
    free(bytes);
    return 0;
}
