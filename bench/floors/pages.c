/* The floor of reading over HTTP: libcurl downloads the pages that the extension asks for, one
 * after the other over one connection, and jansson parses each.
 *
 *     pages URL PAGE_ROWS [KEYS_MAX KEYS]
 *
 * With keys the rows of these are asked for instead, as many in one request as its URL holds.
 * URL ends in the query's select= and is followed by the order, the place and the limit of each
 * page. */
#include "bench/floors/measure.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    CURL *easy;
    const char *url;
    int64_t page_rows;
    char *body;
    size_t length, capacity;
    struct curl_slist *headers;
    struct keys keys;
};

static size_t keep(char *bytes, size_t size, size_t count, void *context) {
    struct reader *reader = context;
    size_t length = size * count;

    if (reader->length + length > reader->capacity) {
        size_t capacity = (reader->length + length) * 2;
        char *body = realloc(reader->body, capacity);

        if (body == NULL) {
            return 0;
        }
        reader->body = body;
        reader->capacity = capacity;
    }
    memcpy(reader->body + reader->length, bytes, length);
    reader->length += length;
    return length;
}

/* Every value is looked at; the integers are added up, and the key says where to go on. */
static void take(struct run *run, const json_t *row, int64_t *last) {
    const char *name;
    json_t *value;

    run_row(run);
    *last = json_integer_value(json_object_get(row, "id"));
    json_object_foreach((json_t *)row, name, value) {
        run->sum += (uint64_t)(json_is_integer(value) ? json_integer_value(value)
                               : json_is_true(value)  ? 1
                                                      : 0);
    }
}

/* From this key on, itself left out; 0: from the start. *rows: of the page. */
static bool read_page(struct reader *reader, struct run *run, int64_t *last, size_t *rows) {
    char url[1024], place[64] = "";
    int64_t limit = reader->page_rows + (*last > 0);
    json_t *page, *row;
    size_t i;

    if (*last > 0) {
        snprintf(place, sizeof place, "&id=gte.%" PRId64, *last);
    }
    snprintf(url, sizeof url, "%s%s&order=id.asc&limit=%" PRId64, reader->url, place, limit);
    reader->length = 0;
    curl_easy_setopt(reader->easy, CURLOPT_URL, url);
    if (curl_easy_perform(reader->easy) != CURLE_OK) {
        return complain(url, "could not be read");
    }
    page = json_loadb(reader->body, reader->length, 0, NULL);
    if (page == NULL) {
        return complain(url, "is no JSON");
    }
    *rows = json_array_size(page);
    json_array_foreach(page, i, row) {
        if (i > 0 || place[0] == '\0') {
            take(run, row, last);
        }
    }
    json_decref(page);
    return true;
}

static bool run_pages(void *context, struct run *run) {
    struct reader *reader = context;
    int64_t last = 0;
    size_t rows = 0;
    bool more = true;

    while (more) {
        int64_t wanted = reader->page_rows + (last > 0);

        if (!read_page(reader, run, &last, &rows)) {
            return false;
        }
        more = (int64_t)rows == wanted;
    }
    return true;
}

enum { URL_BYTES_MAX = 4096 }; /* max_url_bytes= */

static bool read_list(struct reader *reader, struct run *run, const char *url) {
    json_t *page, *row;
    int64_t last;
    size_t i;

    reader->length = 0;
    curl_easy_setopt(reader->easy, CURLOPT_URL, url);
    if (curl_easy_perform(reader->easy) != CURLE_OK) {
        return complain(url, "could not be read");
    }
    page = json_loadb(reader->body, reader->length, 0, NULL);
    if (page == NULL) {
        return complain(url, "is no JSON");
    }
    json_array_foreach(page, i, row) {
        take(run, row, &last);
    }
    json_decref(page);
    return true;
}

static bool run_keys(void *context, struct run *run) {
    enum { KEY_BYTES_MAX = 24 };
    struct reader *reader = context;
    char url[URL_BYTES_MAX + 1];

    for (int64_t i = 0; i < reader->keys.repeat;) {
        int used = snprintf(url, sizeof url, "%s&id=in.(", reader->url);

        for (const char *comma = "";
                i < reader->keys.repeat && used < URL_BYTES_MAX - KEY_BYTES_MAX; i++) {
            used += snprintf(url + used, sizeof url - (size_t)used, "%s%" PRId64, comma,
                    keys_number(&reader->keys, i));
            comma = ",";
        }
        snprintf(url + used, sizeof url - (size_t)used, ")");
        if (!read_list(reader, run, url)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    struct reader reader = { .easy = curl_easy_init() };
    int status;

    if ((argc != 3 && argc != 5) || reader.easy == NULL) {
        complain(argv[0], "URL PAGE_ROWS [KEYS_MAX KEYS]");
        return 2;
    }
    reader.url = argv[1];
    reader.page_rows = number_argument(argv[2]);
    reader.headers = curl_slist_append(NULL, "Prefer: timezone=UTC");
    curl_easy_setopt(reader.easy, CURLOPT_HTTPHEADER, reader.headers);
    curl_easy_setopt(reader.easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(reader.easy, CURLOPT_WRITEDATA, &reader);
    if (argc == 5) {
        reader.keys = (struct keys){ .keys_max = number_argument(argv[3]),
            .repeat = number_argument(argv[4]) };
    }
    status = measure_serve(argc == 5 ? run_keys : run_pages, &reader);
    curl_slist_free_all(reader.headers);
    curl_easy_cleanup(reader.easy);
    free(reader.body);
    return status;
}
