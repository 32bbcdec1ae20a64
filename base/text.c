/* Growing text; see text.h. */
#include "base/text.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_FIRST = 256 };

void text_init(struct text *text, size_t bytes_max) {
    assert(bytes_max < SIZE_MAX / 4); /* ensured by callers: doubling cannot overflow */
    memset(text, 0, sizeof(*text));
    text->bytes_max = bytes_max;
}

void text_clear(struct text *text) {
    memory_free(text->data);
    text_init(text, text->bytes_max);
}

void text_truncate(struct text *text, size_t length) {
    if (length < text->length) {
        text->length = length;
        text->data[length] = '\0';
    }
}

/* Room for `more` bytes and the NUL behind them. */
static bool text_reserve(struct text *text, size_t more) {
    size_t needed, capacity;
    char *data;

    if (text->failure != STATUS_OK) {
        return false;
    }
    if (more > text->bytes_max || text->length > text->bytes_max - more) {
        text->failure = STATUS_TOO_BIG;
        return false;
    }
    needed = text->length + more + 1;
    if (needed <= text->capacity) {
        return true;
    }
    capacity = text->capacity > 0 ? text->capacity : TEXT_BYTES_FIRST;
    while (capacity < needed) {
        capacity *= 2;
    }
    data = memory_resize_array(text->data, capacity, 1);
    if (data == NULL) {
        text->failure = STATUS_NOMEM;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_append_bytes(struct text *text, const char *bytes, size_t length) {
    if (text_reserve(text, length)) {
        if (length > 0) {
            memcpy(text->data + text->length, bytes, length);
        }
        text->length += length;
        text->data[text->length] = '\0';
    }
}

char *text_extend(struct text *text, size_t length) {
    if (!text_reserve(text, length)) {
        return NULL;
    }
    text->length += length;
    text->data[text->length] = '\0';
    return text->data + text->length - length;
}

void text_append(struct text *text, const char *string) {
    text_append_bytes(text, string, strlen(string));
}

void text_append_char(struct text *text, char c) {
    text_append_bytes(text, &c, 1);
}

void text_append_hex(struct text *text, const void *bytes, size_t length) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    char *to;

    if (length > text->bytes_max / 2 || !text_reserve(text, length * 2)) {
        text->failure = text->failure != STATUS_OK ? text->failure : STATUS_TOO_BIG;
        return;
    }
    to = text->data + text->length;
    for (size_t i = 0; i < length; i++) {
        *to++ = digits[from[i] >> 4];
        *to++ = digits[from[i] & 15];
    }
    *to = '\0';
    text->length += length * 2;
}

/* Mostly there is room, and once is enough. */
void text_printf(struct text *text, const char *format, ...) {
    size_t room = text->capacity - text->length;
    va_list args;
    int length;

    if (text->failure != STATUS_OK) {
        return;
    }
    va_start(args, format);
    length = vsnprintf(room > 0 ? text->data + text->length : NULL, room, format, args);
    va_end(args);
    if (room > 0 && (length < 0 || (size_t)length >= room)) {
        text->data[text->length] = '\0'; /* as it was */
    }
    if (length < 0) { /* longer than an int can count */
        text->failure = STATUS_TOO_BIG;
        return;
    }
    if (!text_reserve(text, (size_t)length)) {
        return;
    }
    if ((size_t)length < room) {
        text->length += (size_t)length;
        return;
    }
    va_start(args, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, args);
    va_end(args);
    text->length += (size_t)length;
}

void text_append_json(struct text *text, const char *string, size_t length) {
    text_append_char(text, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)string[i];

        if (c == '"' || c == '\\') {
            text_append_char(text, '\\');
            text_append_char(text, (char)c);
        } else if (c == '\n') {
            text_append(text, "\\n");
        } else if (c < 0x20) {
            text_printf(text, "\\u%04x", c);
        } else {
            text_append_char(text, (char)c);
        }
    }
    text_append_char(text, '"');
}

enum { REAL_DIGITS_MIN = 15, REAL_DIGITS_MAX = 17, REAL_BYTES = 40 };

void text_append_json_real(struct text *text, double real) {
    char digits[REAL_BYTES];
    size_t length;

    real = real == 0 ? 0.0 : real; /* as batches and columns have it: no -0.0 */
    if (isinf(real)) {
        text_append(text, real > 0 ? "9e999" : "-9e999");
        return;
    }
    for (int count = REAL_DIGITS_MIN; count <= REAL_DIGITS_MAX; count++) {
        snprintf(digits, sizeof(digits), "%.*g", count, real);
        if (strtod(digits, NULL) == real) {
            break;
        }
    }
    length = strspn(digits, "-0123456789");
    text_append_bytes(text, digits, length);
    if (digits[length] == '\0') {
        text_append(text, ".0");
        return;
    }
    if (digits[length] != 'e') { /* the point of whatever locale the host has set */
        text_append_char(text, '.');
        length += strcspn(digits + length, "0123456789");
    }
    text_append(text, digits + length);
}

const char *text_get(const struct text *text) {
    return text->data != NULL && text->failure == STATUS_OK ? text->data : "";
}

enum status text_status(const struct text *text, struct error *err) {
    if (text->failure == STATUS_NOMEM) {
        return error_nomem(err);
    }
    if (text->failure == STATUS_TOO_BIG) {
        return error_set(err, STATUS_TOO_BIG, "text is longer than %zu bytes", text->bytes_max);
    }
    return STATUS_OK;
}

char *text_steal(struct text *text) {
    char *data = NULL;

    if (text->failure == STATUS_OK) {
        data = text->data != NULL ? text->data : memory_copy_text("");
        text->data = NULL;
    }
    text_clear(text);
    return data;
}

static uint64_t hash_mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0xd6e8feb86659fd93u;
    return hash ^ hash >> 32;
}

/* Eight bytes at a time: statements are long, and each lookup looks for one. */
uint64_t text_hash(const char *text) {
    size_t length = strlen(text);
    uint64_t hash = length, word = 0;

    for (; length >= sizeof(word); text += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        hash = hash_mix(hash, word);
    }
    word = 0;
    memcpy(&word, text, length);
    return hash_mix(hash, word);
}
