/* idxStr: whatever is read prints to a text that reads the same. */
#include "vtab/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct column columns[] = {
    { .remote_name = "id", .name = "id" },
    { .remote_name = "a\"b", .name = "a\"b" },
    { .remote_name = "c", .name = "c" },
};
static const struct schema schema = { .columns = columns, .column_count = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = { 0 };
    struct plan plan, again;
    struct text text;
    char *input = malloc(size + 1);

    if (input == NULL) {
        return 0;
    }
    memcpy(input, data, size);
    input[size] = '\0';
    text_init(&text, PLAN_TEXT_BYTES_MAX);
    if (plan_parse(input, &schema, &arena, &plan, NULL) == STATUS_OK) {
        plan_print(&plan, &schema, &text);
        if (plan_parse(text_get(&text), &schema, &arena, &again, NULL) != STATUS_OK ||
                again.column_count != plan.column_count ||
                again.condition_count != plan.condition_count ||
                again.order_count != plan.order_count || again.limit != plan.limit) {
            abort();
        }
    }
    text_clear(&text);
    arena_clear(&arena);
    free(input);
    return 0;
}
