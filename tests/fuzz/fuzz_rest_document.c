/* Any bytes as an OpenAPI document, and as the user's own words for a table: schemas that can
 * be presented, or an error. */
#include "tests/support/rest_schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static enum status present(void *context, struct schema *schema) {
    static const struct option_spec *const tables[] = { table_options, value_options, NULL };
    struct error err = { 0 };
    struct options options;

    (void)context;
    options_init(&options, tables, NULL);
    require(pr_present(schema, &options, &err) == err.status);
    options_clear(&options);
    error_clear(&err);
    schema_release(schema);
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct schema *schema = NULL;
    struct error err = { 0 };
    char *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    require(pr_read_document(text, size, "s", NULL, present, NULL, &err) == err.status);
    error_clear(&err);
    require(pr_described_schema("t", text, NULL, &schema, &err) == err.status);
    require((schema != NULL) == (err.status == STATUS_OK));
    if (schema != NULL) {
        present(NULL, schema);
    }
    error_clear(&err);
    free(text);
    return 0;
}
