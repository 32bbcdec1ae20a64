/* Any lines as an answer's head, and any bytes as the body of an error: understood or passed
 * over, and an error is always told. */
#include "drivers/postgrest/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error err = { 0 };
    struct pr_head head;
    char *bytes = malloc(size + 1);

    require(bytes != NULL);
    memcpy(bytes, data, size);
    pr_head_clear(&head);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - bytes) - at : size - at;

        pr_head_line(&head, bytes + at, length);
        at += length + 1;
    }
    require(head.first >= -1 && head.last >= -1 && head.total >= -1);
    require(head.retry_after_ms >= -1 &&
            memchr(head.server, '\0', sizeof(head.server)) != NULL);
    require(pr_answer_error(400, bytes, size, &err) == err.status && err.status != STATUS_OK);
    pr_blames_filter(&err);
    error_clear(&err);
    free(bytes);
    return 0;
}
