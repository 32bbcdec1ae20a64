/* Texts, bytes and identifiers as parameters: what would be cut, padded away or taken for
 * something else is refused. */
#include "drivers/postgres/judge.h"
#include "drivers/postgres/types.h"
#include "drivers/postgres/values.h"

#include <ctype.h>
#include <string.h>

enum { TYPMOD_HEADER = 4, NAME_BYTES_MAX = 63, UUID_BYTES = 16, UUID_TEXT_BYTES = 37 };

/* UTF-8, so bytes that go on do not count. */
static size_t characters(const char *text, size_t length) {
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

enum status pg_write_text(struct pg_writing *w) {
    char number[PG_NUMBER_BYTES];
    const char *text = NULL;
    size_t length = 0;
    enum status status = pg_writing_text(w, number, &text, &length);

    return status == STATUS_OK ? pg_append_parameter(w, text, length) : status;
}

/* Types whose words the server alone knows. It would read meanings into numbers. */
enum status pg_write_only_text(struct pg_writing *w) {
    if (w->value->kind == VALUE_INTEGER || w->value->kind == VALUE_REAL) {
        return pg_refuse(w, "only TEXT is taken for this type");
    }
    return pg_write_text(w);
}

/* Blanks beyond the length are cut without a word, so the length is checked here. */
static enum status write_sized(struct pg_writing *w, bool trailing_blanks, bool padded) {
    char number[PG_NUMBER_BYTES];
    const char *text = NULL;
    size_t length = 0, sent, limit;
    enum status status = pg_writing_text(w, number, &text, &length);

    if (status != STATUS_OK) {
        return status;
    }
    limit = w->pg->typmod >= TYPMOD_HEADER ? (size_t)(w->pg->typmod - TYPMOD_HEADER) : SIZE_MAX;
    for (sent = length; padded && sent > 0 && text[sent - 1] == ' ';) {
        sent--;
    }
    if (characters(text, sent) > limit) {
        return pg_refuse(w, "it is too long");
    }
    if (!trailing_blanks && length > 0 && text[length - 1] == ' ') {
        return pg_refuse(w, "blanks at its end would be lost");
    }
    return pg_append_parameter(w, text, sent);
}

enum status pg_write_varchar(struct pg_writing *w) {
    return write_sized(w, true, false);
}

enum status pg_write_bpchar(struct pg_writing *w) {
    return write_sized(w, false, false);
}

enum status pg_write_bpchar_padded(struct pg_writing *w) {
    return write_sized(w, true, true);
}

enum status pg_write_name(struct pg_writing *w) {
    if (w->value->kind == VALUE_TEXT && w->value->length > NAME_BYTES_MAX) {
        return pg_refuse(w, "it would be cut to 63 bytes");
    }
    return pg_write_text(w);
}

enum status pg_write_char(struct pg_writing *w) {
    if (w->value->kind == VALUE_TEXT &&
            (w->value->length > 1 ||
                    (w->value->length == 1 && !isascii((unsigned char)w->value->bytes[0])))) {
        return pg_refuse(w, "it would be cut to one byte");
    }
    return pg_write_text(w);
}

/* ---- bits and counters --------------------------------------------------------------------
 */

static enum status write_bits(struct pg_writing *w, bool exactly) {
    size_t limit = w->pg->typmod > 0 ? (size_t)w->pg->typmod : SIZE_MAX;

    if (w->value->kind != VALUE_TEXT || strspn(w->value->bytes, "01") != w->value->length) {
        return pg_refuse(w, "it is not made of 0 and 1");
    }
    if (w->value->length > limit ||
            (exactly && limit != SIZE_MAX && w->value->length < limit)) {
        return pg_refuse(w, "it has another length than the type");
    }
    return pg_write_text(w);
}

enum status pg_write_bit(struct pg_writing *w) {
    return write_bits(w, true);
}

enum status pg_write_varbit(struct pg_writing *w) {
    return write_bits(w, false);
}

/* Older servers take any text for a number, wrap it, and read zeros in front as octal. */
static enum status write_counter(struct pg_writing *w, const char *max) {
    const struct value *value = w->value;

    if (value->kind != VALUE_TEXT || value->length == 0 || value->length > strlen(max) ||
            strspn(value->bytes, "0123456789") != value->length ||
            (value->length > 1 && value->bytes[0] == '0') ||
            (value->length == strlen(max) && strcmp(value->bytes, max) > 0)) {
        return pg_refuse(w, "it is no number in the type's range");
    }
    return pg_write_text(w);
}

enum status pg_write_counter(struct pg_writing *w) {
    return write_counter(w, "4294967295");
}

enum status pg_write_counter8(struct pg_writing *w) {
    return write_counter(w, "18446744073709551615");
}

/* ---- bytes --------------------------------------------------------------------------------
 */

enum status pg_write_bytea(struct pg_writing *w) {
    if (w->value->kind != VALUE_BLOB) {
        return pg_refuse(w, "only a BLOB is taken for this type");
    }
    return pg_append_parameter(w, w->value->bytes, w->value->length);
}

/* Types that cut or pad what is stored in them. */
static bool bends_text(const struct pg_column *pg) {
    static const uint32_t oids[] = { PG_TYPE_VARCHAR, PG_TYPE_BPCHAR, PG_TYPE_NAME,
        18 /* "char" */ };
    bool found = false;

    for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
        found = found || pg->type_oid == oids[i];
    }
    return found;
}

/* A text column that is shown as BLOB: its bytes must be text all the same, and what its type
 * would cut or pad away is refused as ever. */
enum status pg_write_raw_text(struct pg_writing *w) {
    struct value text = *w->value;
    struct pg_writing as_text = *w;

    if (w->value->kind != VALUE_BLOB) {
        return pg_refuse(w, "only a BLOB is taken for this column");
    }
    text.kind = VALUE_TEXT;
    text.bytes = text.bytes != NULL ? text.bytes : "";
    if (memchr(text.bytes, '\0', text.length) != NULL ||
            !text_is_utf8(text.bytes, text.length)) {
        return pg_refuse(w, "its bytes are not UTF-8");
    }
    as_text.value = &text;
    return bends_text(w->pg) ? pg_text_rule(w->pg)->write(&as_text) : pg_write_text(&as_text);
}

/* ---- uuid ---------------------------------------------------------------------------------
 */

static const char hex_digits[] = "0123456789abcdef";

static enum status append_uuid(struct pg_writing *w, const char digits[2 * UUID_BYTES]) {
    char text[UUID_TEXT_BYTES];
    size_t used = 0;

    for (size_t i = 0; i < 2 * (size_t)UUID_BYTES; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            text[used++] = '-';
        }
        text[used++] = digits[i];
    }
    return pg_append_parameter(w, text, used);
}

/* With dashes, without, or in braces: whatever stands between the 32 digits. */
enum status pg_write_uuid(struct pg_writing *w) {
    const struct value *value = w->value;
    char digits[2 * UUID_BYTES];
    size_t count = 0;

    if (value->kind != VALUE_TEXT) {
        return pg_refuse(w, "only TEXT is taken for this type");
    }
    for (size_t i = 0; i < value->length; i++) {
        char byte = (char)tolower((unsigned char)value->bytes[i]);

        if (byte != '\0' && strchr(hex_digits, byte) != NULL) {
            if (count == sizeof(digits)) {
                return pg_refuse(w, "it is no uuid");
            }
            digits[count++] = byte;
        } else if (byte == '\0' || strchr("-{}", byte) == NULL) {
            return pg_refuse(w, "it is no uuid");
        }
    }
    return count == sizeof(digits) ? append_uuid(w, digits) : pg_refuse(w, "it is no uuid");
}

enum status pg_write_uuid_blob(struct pg_writing *w) {
    const struct value *value = w->value;
    char digits[2 * UUID_BYTES];

    if (value->kind != VALUE_BLOB || value->length != UUID_BYTES) {
        return pg_refuse(w, "only a BLOB of 16 bytes is taken for this column");
    }
    for (size_t i = 0; i < UUID_BYTES; i++) {
        unsigned char byte = (unsigned char)value->bytes[i];

        digits[2 * i] = hex_digits[byte >> 4];
        digits[2 * i + 1] = hex_digits[byte & 15];
    }
    return append_uuid(w, digits);
}
