/* Any text as a URL: it leads to a driver or is refused, and never both or neither. */
#include "drivers/registry.h"
#include "drivers/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise) {
    if (!promise) {
        abort();
    }
}

static void decode_and_encode(const char *bytes, size_t size) {
    struct text plain, coded, again;

    text_init(&plain, TEXT_SQL_BYTES_MAX);
    text_init(&coded, TEXT_SQL_BYTES_MAX);
    text_init(&again, TEXT_SQL_BYTES_MAX);
    if (url_decode(&plain, bytes, size, NULL) == STATUS_OK &&
            memchr(bytes, '\0', size) == NULL) {
        url_encode(&coded, text_get(&plain), plain.length);
        require(url_decode(&again, text_get(&coded), coded.length, NULL) == STATUS_OK);
        require(plain.length == again.length);
        require(memcmp(text_get(&plain), text_get(&again), plain.length) == 0);
    }
    text_clear(&plain);
    text_clear(&coded);
    text_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct option_spec *const tables[] = { server_options, attach_options,
        value_options, NULL };
    struct target target = { 0 };
    struct error err = { 0 };
    struct options options;
    char *url = malloc(size + 1);
    enum status status;

    require(url != NULL);
    memcpy(url, data, size);
    url[size] = '\0';
    options_init(&options, tables, NULL);
    status = target_resolve(url, &options, &target, &err);
    require(status == err.status);
    require((status == STATUS_OK) == (target.driver != NULL));
    require((status == STATUS_OK) == (target.connection != NULL));
    require((status == STATUS_OK) == (target.display != NULL));
    require((status == STATUS_OK) == (target.source != NULL));
    require(strlen(err.message) < sizeof(err.message));
    decode_and_encode(url, size);
    target_clear(&target);
    options_clear(&options);
    error_clear(&err);
    free(url);
    return 0;
}
