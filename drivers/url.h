/* Taking URLs apart, for every driver's parse_url(). Pure. What is wrong is STATUS_USAGE, in
 * words that repeat no part of a URL where a password may have slipped to. */
#ifndef DRAWBRIDGE_DRIVERS_URL_H
#define DRAWBRIDGE_DRIVERS_URL_H

#include "base/options.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* What stands behind "scheme:" or, as SQLAlchemy writes it, "scheme+library:" (ASCII case
 * ignored); NULL when the URL is of another scheme. "postgresql+asyncpg://h/d" gives "//h/d".
 */
const char *url_after_scheme(const char *url, const char *scheme);

/* Splits "place?word=value&word=value": `rest` receives the place and, behind a "?", the words
 * that is_backend_word() knows, all as they were written; the other words are decoded and set
 * in options. A "?" inside "//user:password@" belongs to the place. */
enum status url_split_query(const char *url, bool (*is_backend_word)(const char *word),
        struct options *options, struct text *rest, struct error *err);

/* Appends the bytes with each %XX resolved. A lone "%" and %00 are refused. */
enum status url_decode(struct text *out, const char *text, size_t length, struct error *err);
/* Appends the bytes with all but letters, digits and "-._~" written as %XX. */
bool url_is_plain(char); /* it stands for itself, and needs no %XX */
void url_encode(struct text *out, const char *text, size_t length);

#endif
