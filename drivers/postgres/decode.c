/* Binary values of the wire -> cells of a batch: the table of decoders and the plain ones.
 *
 * Pure. types.c decides which decoder a column has and what travels for it; scan.c checks that
 * the remote really sends that type. decode_numeric.c and decode_datetime.c hold the long ones.
 */
#include "drivers/postgres/decode.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    LEAF_INDEX_MAX = 32767, /* 15 bits, so that no rowid is negative */
    OFFSET_BITS = 16,
    BLOCK_BITS = 32,
    UUID_BYTES = 16,
    UUID_TEXT_BYTES = 36
};

struct decoder {
    pg_decode_function *decode;
    size_t length; /* of every value; 0: any */
    const char *what;
};

static const struct decoder decoders[PG_DECODER_COUNT];

enum status pg_malformed(
        const struct pg_column *column, struct error *err, const char *format, ...) {
    char reason[128];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    return error_set(err, STATUS_PROTOCOL, "malformed %s in column \"%s\": %s",
            decoders[column->decoder].what, column->name, reason);
}

enum status pg_decode_nan(
        const struct pg_column *column, struct batch *batch, struct error *err) {
    if (column->nan_null) {
        batch_put_null(batch);
        return STATUS_OK;
    }
    return batch_put_bytes(batch, VALUE_TEXT, "NaN", 3, err);
}

void pg_put_number(struct batch *batch, double number) {
    /* Both ends are left out, as SQLite's own affinity does. */
    if (fabs(number) < 0x1p63 && number == floor(number)) {
        batch_put_integer(batch, (int64_t)number);
    } else {
        batch_put_real(batch, number);
    }
}

static enum status decode_int2(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    (void)column, (void)length, (void)err;
    batch_put_integer(batch, (int16_t)pg_read_u16(bytes));
    return STATUS_OK;
}

static enum status decode_int4(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    (void)column, (void)length, (void)err;
    batch_put_integer(batch, (int32_t)pg_read_u32(bytes));
    return STATUS_OK;
}

static enum status decode_int8(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    (void)column, (void)length, (void)err;
    batch_put_integer(batch, (int64_t)pg_read_u64(bytes));
    return STATUS_OK;
}

static enum status decode_oid(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    (void)column, (void)length, (void)err;
    batch_put_integer(batch, pg_read_u32(bytes));
    return STATUS_OK;
}

static enum status decode_bool(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    unsigned char byte = (unsigned char)bytes[0];

    (void)length;
    if (byte > 1) {
        return pg_malformed(column, err, "byte %u", byte);
    }
    if (column->decoder == PG_DECODE_BOOL_TF) {
        return batch_put_bytes(batch, VALUE_TEXT, byte ? "T" : "F", 1, err);
    }
    batch_put_integer(batch, byte);
    return STATUS_OK;
}

static enum status decode_float8(const struct pg_column *column, const char *bytes,
        size_t length, struct batch *batch, struct error *err) {
    uint64_t bits = pg_read_u64(bytes);
    double real;

    (void)length;
    memcpy(&real, &bits, sizeof(real));
    if (isnan(real)) { /* SQLite has none: it would read NULL */
        return pg_decode_nan(column, batch, err);
    }
    batch_put_real(batch, real + 0.0); /* -0.0 is 0.0 in a column of REAL affinity */
    return STATUS_OK;
}

/* How many bytes at the start are ASCII; eight at a time, since nearly all text is. */
static size_t ascii_length(const char *bytes, size_t length) {
    size_t at = 0;
    uint64_t word;

    for (; at + sizeof(word) <= length; at += sizeof(word)) {
        memcpy(&word, bytes + at, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    while (at < length && (unsigned char)bytes[at] < 0x80) {
        at++;
    }
    return at;
}

/* First bytes of UTF-8 sequences, and what may follow first: this is where overlong forms,
 * surrogates and code points past 10FFFF are kept out. */
static const struct utf8_lead {
    unsigned char from, to, second_from, second_to;
    size_t length;
} utf8_leads[] = {
    { 0xc2, 0xdf, 0x80, 0xbf, 2 },
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
    { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 },
    { 0xee, 0xef, 0x80, 0xbf, 3 },
    { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 },
    { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* The length of the valid sequence that begins with a byte above 0x7f; 0: none is valid. */
static size_t utf8_sequence(const unsigned char *bytes, size_t left) {
    for (size_t i = 0; i < sizeof(utf8_leads) / sizeof(*utf8_leads); i++) {
        const struct utf8_lead *lead = &utf8_leads[i];

        if (bytes[0] < lead->from || bytes[0] > lead->to) {
            continue;
        }
        if (left < lead->length || bytes[1] < lead->second_from || bytes[1] > lead->second_to) {
            return 0;
        }
        for (size_t at = 2; at < lead->length; at++) {
            if ((bytes[at] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return lead->length;
    }
    return 0;
}

/* Where the first invalid sequence begins; length when there is none. */
static size_t utf8_length(const char *bytes, size_t length) {
    size_t at = ascii_length(bytes, length);

    while (at < length) {
        size_t sequence = utf8_sequence((const unsigned char *)bytes + at, length - at);

        if (sequence == 0) {
            break;
        }
        at += sequence;
        at += ascii_length(bytes + at, length - at);
    }
    return at;
}

/* Checked whatever the server's encoding: SQL_ASCII promises nothing, the old "char" sent any
 * byte, and SQLite's functions rely on it. */
static enum status decode_text(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    size_t valid = utf8_length(bytes, length);

    if (valid < length) {
        error_set(err, STATUS_PROTOCOL,
                "text in column \"%s\" is not UTF-8: byte 0x%02x at %zu", column->name,
                (unsigned char)bytes[valid], valid);
        error_explain(
                err, NULL, NULL, "The option type.COLUMN=BLOB gives the bytes as they are.");
        return STATUS_PROTOCOL;
    }
    return batch_put_bytes(batch, VALUE_TEXT, bytes, length, err);
}

static enum status decode_blob(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    (void)column;
    return batch_put_bytes(batch, VALUE_BLOB, bytes, length, err);
}

/* The two digits of every byte. */
#define HEX_ROW(d)                                                                             \
#d "0" #d "1" #d "2" #d "3" #d "4" #d "5" #d "6" #d "7" #d "8" #d "9" #d "a" #d "b" #d     \
       "c" #d "d" #d "e" #d "f"
static const char hex_pairs[] = HEX_ROW(0) HEX_ROW(1) HEX_ROW(2) HEX_ROW(3) HEX_ROW(4)
        HEX_ROW(5) HEX_ROW(6) HEX_ROW(7) HEX_ROW(8) HEX_ROW(9) HEX_ROW(a) HEX_ROW(b) HEX_ROW(c)
                HEX_ROW(d) HEX_ROW(e) HEX_ROW(f);

static char *write_hex(char *to, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        memcpy(to, hex_pairs + (size_t)(unsigned char)bytes[i] * 2, 2);
        to += 2;
    }
    return to;
}

static enum status decode_uuid(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    bool dashes = column->decoder == PG_DECODE_UUID;
    char *text = batch_reserve(batch, UUID_TEXT_BYTES, err), *end;

    (void)length;
    if (text == NULL) {
        return err != NULL ? err->status : STATUS_NOMEM;
    }
    end = write_hex(text, bytes, 4);
    for (size_t at = 4; at < 10; at += 2) {
        *end = '-';
        end = write_hex(end + dashes, bytes + at, 2);
    }
    *end = '-';
    end = write_hex(end + dashes, bytes + 10, UUID_BYTES - 10);
    batch_put_written(batch, (size_t)(end - text));
    return STATUS_OK;
}

static const struct decoder decoders[PG_DECODER_COUNT] = {
    [PG_DECODE_INT2] = { decode_int2, 2, "int2" },
    [PG_DECODE_INT4] = { decode_int4, 4, "int4" },
    [PG_DECODE_INT8] = { decode_int8, 8, "int8" },
    [PG_DECODE_OID] = { decode_oid, 4, "oid" },
    [PG_DECODE_BOOL] = { decode_bool, 1, "bool" },
    [PG_DECODE_BOOL_TF] = { decode_bool, 1, "bool" },
    [PG_DECODE_FLOAT8] = { decode_float8, 8, "float8" },
    [PG_DECODE_NUMERIC] = { pg_decode_numeric, 0, "numeric" },
    [PG_DECODE_TEXT] = { decode_text, 0, "text" },
    [PG_DECODE_BLOB] = { decode_blob, 0, "bytes" },
    [PG_DECODE_UUID] = { decode_uuid, UUID_BYTES, "uuid" },
    [PG_DECODE_UUID_HEX] = { decode_uuid, UUID_BYTES, "uuid" },
    [PG_DECODE_DATE] = { pg_decode_date, 4, "date" },
    [PG_DECODE_TIMESTAMP] = { pg_decode_timestamp, 8, "timestamp" },
    [PG_DECODE_TIMESTAMP_ISOFORMAT] = { pg_decode_timestamp, 8, "timestamp" },
    [PG_DECODE_TIMESTAMP_SECONDS] = { pg_decode_timestamp, 8, "timestamp" },
    [PG_DECODE_TIMESTAMP_UTC_OFFSET] = { pg_decode_timestamp, 8, "timestamp" },
    [PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET] = { pg_decode_timestamp, 8, "timestamp" },
    [PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET] = { pg_decode_timestamp, 8, "timestamp" },
    [PG_DECODE_TIMESTAMP_UNIXEPOCH] = { pg_decode_timestamp, 8, "timestamp" },
    [PG_DECODE_TIME] = { pg_decode_time, 8, "time" },
};

enum status pg_decode(const struct pg_column *column, const char *bytes, size_t length,
        struct batch *batch, struct error *err) {
    const struct decoder *decoder = &decoders[column->decoder];

    if (bytes == NULL) {
        batch_put_null(batch);
        return STATUS_OK;
    }
    if (decoder->length != 0 && length != decoder->length) {
        return pg_malformed(
                column, err, "%zu bytes where %zu are due", length, decoder->length);
    }
    return decoder->decode(column, bytes, length, batch, err);
}

/* The place of an oid among the ascending leaves; -1 when it is not there. */
static int64_t leaf_index(const struct pg_relation *relation, uint32_t oid) {
    size_t low = 0, high = relation->leaf_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (relation->leaf_oids[middle] == oid) {
            return (int64_t)middle;
        }
        if (relation->leaf_oids[middle] < oid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

enum status pg_decode_rowid(const struct pg_relation *relation, const char *ctid,
        size_t ctid_length, const char *tableoid, size_t tableoid_length, int64_t *rowid,
        struct error *err) {
    int64_t leaf = 0;

    if (ctid == NULL || ctid_length != 6) {
        return error_set(err, STATUS_PROTOCOL, "malformed ctid: %zu bytes where 6 are due",
                ctid == NULL ? (size_t)0 : ctid_length);
    }
    if (relation->leaf_count > 0) {
        if (tableoid == NULL || tableoid_length != 4) {
            return error_set(err, STATUS_PROTOCOL,
                    "malformed tableoid: %zu bytes where 4 are due",
                    tableoid == NULL ? (size_t)0 : tableoid_length);
        }
        leaf = leaf_index(relation, pg_read_u32(tableoid));
        if (leaf < 0 || leaf > LEAF_INDEX_MAX) {
            return error_set(err, STATUS_SCHEMA,
                    "remote table changed: partition with oid %u was not there",
                    pg_read_u32(tableoid));
        }
    }
    *rowid = leaf << (OFFSET_BITS + BLOCK_BITS) | (int64_t)pg_read_u32(ctid) << OFFSET_BITS |
             pg_read_u16(ctid + 4);
    return STATUS_OK;
}
