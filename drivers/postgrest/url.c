/* URLs of PostgREST servers. Pure.
 *
 *   https://HOST[:PORT][/PATH][?option=value&...]
 *
 * Words behind the "?" are options of the server's. */
#include "drivers/url.h"
#include "drivers/postgrest/internal.h"

#include <string.h>

enum { URL_BYTES_MAX = 8 * 1024 };

static bool is_no_word(const char *word) {
    (void)word;
    return false;
}

/* Plain forms only: libcurl would take more, and then nobody knew what is shown or sent. */
static enum status check_place(const char *place, struct error *err) {
    size_t host = strncmp(place, "//", 2) == 0 ? strcspn(place + 2, "/") : 0;

    if (host == 0) {
        return error_set(err, STATUS_USAGE, "URL names no host: write https://HOST/PATH");
    }
    if (memchr(place + 2, '@', host) != NULL) {
        return error_set(err, STATUS_USAGE,
                "URL cannot hold a user's name: say token= or header.Authorization= instead");
    }
    for (const char *at = place; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || *at == '#' ||
                *at == '\\') {
            return error_set(err, STATUS_USAGE,
                    "URL holds a character that has to be written as %%XX, or a \"#\"");
        }
    }
    return STATUS_OK;
}

enum status pr_parse_url(const char *url, struct options *options, char **connection,
        char **display, struct error *err) {
    const char *scheme = url_after_scheme(url, "https") != NULL ? "https" : "http";
    struct text place;
    char *copies[2] = { NULL, NULL };
    enum status status;

    if (url_after_scheme(url, scheme) == NULL) {
        return STATUS_UNSUPPORTED;
    }
    text_init(&place, URL_BYTES_MAX);
    status = url_split_query(url, is_no_word, options, &place, err);
    if (status == STATUS_OK && url[strlen(scheme)] != ':') {
        status = error_set(err, STATUS_USAGE, "URL is of no known kind: write %s://", scheme);
    }
    if (status == STATUS_OK) {
        status = check_place(text_get(&place) + strlen(scheme) + 1, err);
    }
    if (status != STATUS_OK) {
        goto out;
    }
    while (place.length > 0 && text_get(&place)[place.length - 1] == '/') {
        text_truncate(&place, place.length - 1);
    }
    copies[0] = memory_copy_text(text_get(&place));
    copies[1] = memory_copy_text(text_get(&place));
    if (copies[0] == NULL || copies[1] == NULL) {
        memory_free(copies[0]);
        memory_free(copies[1]);
        status = error_nomem(err);
        goto out;
    }
    *connection = copies[0];
    *display = copies[1];
out:
    text_clear(&place);
    return status;
}
