/* Growing text with a stated maximum and a sticky failure: appends return nothing, one check
 * before use tells whether all of them went well. The bytes are always NUL-terminated; inner
 * NULs are counted in length. A zeroed struct is not ready: text_init() states the limit. */
#ifndef DRAWBRIDGE_BASE_TEXT_H
#define DRAWBRIDGE_BASE_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_SQL_BYTES_MAX = 64 * 1024 * 1024 }; /* a remote statement: IN lists travel apart */

struct text {
    char *data; /* never NULL to readers: use text_get() */
    size_t length, capacity, bytes_max;
    enum status failure; /* STATUS_OK, STATUS_NOMEM or STATUS_TOO_BIG: the first one stays */
};

void text_init(struct text *, size_t bytes_max);
void text_clear(struct text *); /* memory back; ready for use again with the same limit */
void text_truncate(struct text *, size_t length); /* keeps the memory; a failure stays */
void text_append(struct text *, const char *);
void text_append_bytes(struct text *, const char *, size_t length);
void text_append_char(struct text *, char);
/* Room for bytes that the caller writes: text_truncate() takes back what he does not use. NULL
 * on failure. */
char *text_extend(struct text *, size_t length);
void text_append_hex(struct text *, const void *bytes, size_t length); /* lower case */
void text_printf(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append_json(
        struct text *, const char *, size_t length); /* as a JSON string, with quotes */
/* As few digits as tell the number from its neighbours, and a sign that it is a REAL. JSON has
 * no infinity: 9e999 is what SQLite's own reader makes one of. Never NaN. */
void text_append_json_real(struct text *, double);
const char *text_get(const struct text *);                       /* "" when empty or failed */
enum status text_status(const struct text *, struct error *err); /* fills err on failure */
char *text_steal(
        struct text *); /* given: memory_free(); NULL on failure; the text is empty then */
/* Tells texts apart, nearly always, within this process: for a first look. */
uint64_t text_hash(const char *);

#endif
