/* Taking URLs apart; see url.h. Where a "?" may stand follows libpq's own reader of URLs
 * (conninfo_uri_parse), since whatever is left in place goes to it unchanged. */
#include "drivers/url.h"

#include "base/sqlite.h"

#include <string.h>

/* No option's name or value comes near; bounds what one word may cost. */
enum { URL_WORD_BYTES_MAX = 64 * 1024 };

bool url_is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

const char *url_after_scheme(const char *url, const char *scheme) {
    size_t length = strlen(scheme);

    if (sqlite3_strnicmp(url, scheme, (int)length) != 0) {
        return NULL;
    }
    url += length;
    if (*url == '+') {
        do {
            url++;
        } while (url_is_plain(*url));
    }
    return *url == ':' ? url + 1 : NULL;
}

/* 0 to 15, or -1. */
static int hex_digit(char c) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    return found != NULL ? (int)((found - digits) & 15) : -1;
}

enum status url_decode(struct text *out, const char *text, size_t length, struct error *err) {
    for (size_t i = 0; i < length; i++) {
        int high, low;

        if (text[i] != '%') {
            text_append_char(out, text[i]);
            continue;
        }
        high = i + 1 < length ? hex_digit(text[i + 1]) : -1;
        low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return error_set(err, STATUS_USAGE,
                    "URL has a \"%%\" without two hexadecimal digits behind it "
                    "(the sign itself is written as %%25)");
        }
        if (high == 0 && low == 0) {
            return error_set(err, STATUS_USAGE, "URL cannot hold %%00");
        }
        text_append_char(out, (char)(high * 16 + low));
        i += 2;
    }
    return text_status(out, err);
}

void url_encode(struct text *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (url_is_plain(text[i])) {
            text_append_char(out, text[i]);
        } else {
            text_printf(out, "%%%02X", (unsigned)(unsigned char)text[i]);
        }
    }
}

/* Where the query part's "?" stands, or the end. "//user:pass?word@host" has it in a password.
 */
static const char *find_query(const char *url) {
    const char *place = url + strcspn(url, ":/?");

    place = *place == ':' ? place + 1 : url;
    if (strncmp(place, "//", 2) == 0) {
        const char *end = place + 2 + strcspn(place + 2, "@/");

        place = *end == '@' ? end : place;
    }
    return place + strcspn(place, "?");
}

static enum status malformed_query(struct error *err) {
    return error_set(err, STATUS_USAGE,
            "URL has something other than word=value behind its \"?\" "
            "(in a password \"?\", \"@\" and \"/\" are written as %%3F, %%40 and %%2F)");
}

struct split {
    bool (*is_backend_word)(const char *word);
    struct options *options;
    struct text *rest;
    char separator; /* goes in front of the next word that stays */
};

/* One "word=value" of the query part. */
static enum status split_word(
        struct split *split, const char *start, size_t length, struct error *err) {
    const char *equals = memchr(start, '=', length);
    size_t word_length = equals != NULL ? (size_t)(equals - start) : length;
    struct text word, value;
    enum status status;

    /* An unescaped password may end up here, so it is looked at before it is named. */
    if (equals == NULL || strcspn(start, "@/:?#=") < word_length) {
        return malformed_query(err);
    }
    text_init(&word, URL_WORD_BYTES_MAX);
    text_init(&value, URL_WORD_BYTES_MAX);
    status = url_decode(&word, start, word_length, err);
    if (status != STATUS_OK) {
        goto out;
    }
    if (split->is_backend_word(text_get(&word))) {
        text_append_char(split->rest, split->separator);
        text_append_bytes(split->rest, start, length);
        split->separator = '&';
        goto out;
    }
    if (memchr(start, '@', length) != NULL &&
            !options_knows(split->options, text_get(&word), word.length)) {
        status = malformed_query(err);
        goto out;
    }
    status = url_decode(&value, equals + 1, length - word_length - 1, err);
    if (status == STATUS_OK) {
        status = options_set(split->options, text_get(&word), text_get(&value), err);
    }
out:
    text_clear(&word);
    text_clear(&value);
    return status;
}

enum status url_split_query(const char *url, bool (*is_backend_word)(const char *word),
        struct options *options, struct text *rest, struct error *err) {
    struct split split = { is_backend_word, options, rest, '?' };
    const char *query = find_query(url);

    text_append_bytes(rest, url, (size_t)(query - url));
    while (*query != '\0') {
        size_t length = strcspn(++query, "&");

        if (length > 0) {
            enum status status = split_word(&split, query, length, err);

            if (status != STATUS_OK) {
                return status;
            }
        }
        query += length;
    }
    return text_status(rest, err);
}
