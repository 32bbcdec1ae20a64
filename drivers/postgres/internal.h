/* What the files of the postgres driver share: its own structs and the facts they pass on.
 *
 * - catalog_relation.c, describe.c: the facts of pg_column and pg_relation, from the remote's
 *   catalog
 * - types.c: facts and options -> how values are presented, one row per type
 * - judge.c: presentation and values -> predicates (pure)
 * - dialect.c: query -> SQL and parameters (pure)
 * - connection.c, scan.c: send, wait, fetch
 * - decode.c: binary rows -> values
 */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_INTERNAL_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_INTERNAL_H

#include "base/text.h"
#include "drivers/driver.h"

#include <libpq-fe.h>

/* How the values of a column compare: a row of judge.c's table (semantics.md 4). */
enum pg_family {
    PG_FAMILY_INTEGER, /* int2, int4, int8, oid, numeric(16..18,0): bounds in integer_min, _max;
                        * of these numeric may hold NaN */
    PG_FAMILY_BOOL,
    PG_FAMILY_FLOAT8,
    PG_FAMILY_FLOAT4,
    PG_FAMILY_NUMERIC_NARROW, /* numeric(p<=15,s): value and shortest double are one to one */
    PG_FAMILY_NUMERIC_WIDE,   /* all other numeric, and money as numeric */
    PG_FAMILY_TEXT,           /* text, varchar under a deterministic collation */
    PG_FAMILY_TEXT_NONDETERMINISTIC,
    PG_FAMILY_CITEXT,
    PG_FAMILY_CAST_TEXT, /* compared by text_expression: everything whose value is a text form
                          */
    PG_FAMILY_ENUM,      /* CAST_TEXT, with an indexable form for equality */
    PG_FAMILY_BYTEA,
    PG_FAMILY_UUID, /* presented dashed */
    PG_FAMILY_DATE, /* date, timestamp, timestamptz: years outside 1..9999 sort apart */
    PG_FAMILY_TIMESTAMP,
    PG_FAMILY_TIMESTAMPTZ,
    PG_FAMILY_TIME,
    PG_FAMILY_NULLS_ONLY, /* a presentation for which nothing but NULL tests is proven */
};

/* How the bytes of a binary value become a cell: a row of decode.c's table. */
enum pg_decoder {
    PG_DECODE_INT2,
    PG_DECODE_INT4,
    PG_DECODE_INT8,
    PG_DECODE_OID,
    PG_DECODE_BOOL,    /* 0 or 1 */
    PG_DECODE_BOOL_TF, /* 'T' or 'F': bool=tf */
    PG_DECODE_FLOAT8,  /* NaN is TEXT 'NaN', or NULL under nan=null (PG_DECODE_NAN_NULL flag) */
    PG_DECODE_NUMERIC, /* INTEGER, REAL, or TEXT 'NaN' */
    PG_DECODE_TEXT,    /* the bytes, checked to be UTF-8 */
    PG_DECODE_BLOB,    /* the bytes */
    PG_DECODE_UUID,    /* 16 bytes -> dashed lower case */
    PG_DECODE_UUID_HEX,
    PG_DECODE_DATE,
    PG_DECODE_TIMESTAMP,            /* always six digits; timestamptz is the same, in UTC */
    PG_DECODE_TIMESTAMP_ISOFORMAT,  /* no fraction when it is 0 */
    PG_DECODE_TIMESTAMP_SECONDS,    /* fraction cut */
    PG_DECODE_TIMESTAMP_UTC_OFFSET, /* the same three with +00:00 behind, before " BC" */
    PG_DECODE_TIMESTAMP_ISOFORMAT_UTC_OFFSET,
    PG_DECODE_TIMESTAMP_SECONDS_UTC_OFFSET,
    PG_DECODE_TIMESTAMP_UNIXEPOCH, /* INTEGER when whole, else REAL seconds since 1970 */
    PG_DECODE_TIME,
    PG_DECODER_COUNT
};

enum pg_collation_kind {
    PG_COLLATION_NONE, /* the type has none */
    PG_COLLATION_C,    /* bytewise: C, POSIX, ucs_basic, C.UTF-8 of the builtin provider */
    PG_COLLATION_DETERMINISTIC,
    PG_COLLATION_NONDETERMINISTIC,
};

/* column.driver_data */
struct pg_column {
    /* facts: catalog_relation.c and describe.c. Domains are resolved to their base type,
     * recursively. */
    uint32_t type_oid;
    int32_t typmod;          /* -1 none; of the domain chain where the column has none */
    const char *type_schema; /* "pg_catalog" */
    const char *type_name;   /* pg_type.typname: "int4", "_int4", "mood" */
    const char *type_sql;    /* quoted and qualified, ready for a cast: pg_catalog.int4 */
    char type_kind;          /* pg_type.typtype: b, c, e, r, m, p */
    uint32_t element_oid;    /* arrays: type of the elements, else 0 */
    bool domain;             /* the column's own type is a domain */
    enum pg_collation_kind collation;
    bool parsed_values; /* RELATION_QUERY column whose nullability is unknown */

    /* presentation: types.c */
    const char *name; /* the remote name, for errors */
    enum pg_family family;
    enum pg_decoder decoder;
    bool nan_null; /* a remote NaN is presented as NULL, whatever the family: NULL tests must
                    * look for it as well */
    /* Expressions bind as tightly as "::" does, or stand in parentheses. */
    const char *select_expression; /* what travels; every "%c" is the column's reference */
    const char *text_expression;   /* SQL text of the presented value; NULL: none is exact */
    const char *order_expression;  /* sorts as SQLite sorts the presented values; NULL: none */
    bool dates_ad;                 /* dates=ad: no odd years that sort apart as text */
    bool never_numeric;            /* no presented text looks like a number */
    bool row_null;                 /* composite: NULL tests are IS [NOT] DISTINCT FROM NULL */
    uint32_t wire_oid;             /* type of select_expression's result; 0: not checked */
    int32_t wire_typmod;           /* of the result; checked when wire_typmod_checked */
    bool wire_typmod_checked;
    int64_t integer_min, integer_max; /* PG_FAMILY_INTEGER */
};

/* What a schema relies on, in one number: see definition.c. */
struct pg_definition {
    const char *known; /* the columns that the sum is over: up to this attnum */
    const char *sum;
    char *probe; /* the statement that tells whether it may have changed; NULL: there is none */
    double checked_in, checked_now; /* for reading: as the snapshot has it; for writing */
};

/* schema.driver_data */
struct pg_relation {
    uint32_t oid;
    bool utf8;      /* server_encoding is UTF8 (or SQL_ASCII is not): text order holds */
    bool sql_ascii; /* bytes may be anything: decode.c checks them */
    const uint32_t *leaf_oids; /* partitions and children, ascending; a rowid holds the index */
    size_t leaf_count;         /* 0: a plain table */
    struct pg_definition *definition; /* NULL: RELATION_QUERY */
    double *checked_in;               /* it was found unchanged: the session's held_since_ms */
    bool foreign_leaves; /* some leaf is foreign: no ctid of ours, NOT NULL not enforced */
};

static inline const struct pg_column *pg_column(const struct schema *schema, int column) {
    return schema->columns[column].driver_data;
}
static inline const struct pg_relation *pg_relation(const struct schema *schema) {
    return schema->driver_data;
}

/* ---- types.c ------------------------------------------------------------------------------
 */

enum status pg_present(struct schema *, const struct options *, struct error *);

/* ---- judge.c ------------------------------------------------------------------------------
 */

bool pg_may_push(const struct schema *, const struct condition *);
bool pg_may_order(const struct schema *, const struct order_term *, size_t count);
enum status pg_judge(const struct schema *, const struct condition *, const struct value *,
        size_t count, struct arena *, struct judgement *out);

enum { PG_TERM_VALUES_MAX = 4 }; /* of one term */

/* SQL of a term's form: "%c" the column, "%v" the column as an operand, "%e" its
 * text_expression,
 * "%s" its select_expression, "%t" its type_sql, "%o" the operator, "%1" the first value as a
 * parameter. */
const char *pg_form_sql(int form);
const char *pg_form_operator(int form);
bool pg_form_accepts_null(int form); /* may be true for a row whose presented value is NULL */

/* ---- dialect.c ----------------------------------------------------------------------------
 */

/* Parameters of one statement, in libpq's text format: values[i] is NUL-terminated. */
struct pg_parameters {
    struct arena arena;
    const char **values;
    size_t count, capacity;
};

void pg_parameters_clear(struct pg_parameters *);
void pg_append_identifier(struct text *, const char *name); /* quoted, always */
/* A string constant of no stated type: it becomes what stands beside it, as a parameter does.
 * The only way of a value into the text of a statement. */
void pg_append_literal(struct text *, const char *value);
void pg_append_relation(struct text *, const struct schema *); /* "schema"."name" */
/* The SELECT of a query: columns by their select_expression, then under QUERY_IDENTITY ctid
 * (and tableoid where there are leaves); or count(*) under QUERY_COUNT_ONLY. Without
 * parameters (NULL) the values stand in the text. */
enum status pg_select(
        const struct query *, struct text *sql, struct pg_parameters *, struct error *);

/* ---- decode.c -----------------------------------------------------------------------------
 */

/* One value. bytes NULL is NULL. Malformed bytes are STATUS_PROTOCOL. */
enum status pg_decode(const struct pg_column *, const char *bytes, size_t length,
        struct batch *, struct error *);
/* ctid and leaf index -> rowid: leaf << 48 | block << 16 | offset, a pure function. */
enum status pg_decode_rowid(const struct pg_relation *, const char *ctid, size_t ctid_length,
        const char *tableoid, size_t tableoid_length, int64_t *rowid, struct error *);

/* ---- connection.c -------------------------------------------------------------------------
 */

struct pg_session;
extern const struct driver postgres_driver;
extern const struct option_spec postgres_server_options[];

enum status pg_parse_url(
        const char *url, struct options *, char **connection, char **display, struct error *);
bool pg_has_secret(const char *connection);
enum status pg_open(const char *connection, const struct options *, const struct host *,
        struct session **out, struct error *);
void pg_close(struct session *);
void pg_session_key(const struct options *, struct text *key);
enum status pg_reset(struct session *);
enum status pg_resume(struct session *, struct error *);
void pg_library_version(char *text, size_t bytes);
enum status pg_ping(struct session *, double *ms, struct error *);
enum status pg_begin(struct session *, const struct transaction_options *, struct error *);
void pg_finish(struct session *);

/* ---- transaction.c ------------------------------------------------------------------------
 */

enum status pg_commit(struct session *, int64_t timeout_ms, struct error *);
void pg_rollback(struct session *);
enum status pg_savepoint(struct session *, int level, struct error *);
enum status pg_release(struct session *, int level, struct error *);
enum status pg_rollback_to(struct session *, int level, struct error *);

/* ---- write.c, bulk.c, execute.c -----------------------------------------------------------
 */

enum status pg_write_start(
        struct session *, const struct schema *, struct writer **out, struct error *);
enum status pg_write_row(struct writer *, const struct change *, unsigned flags,
        struct write_result *, struct error *);
enum status pg_write_flush(
        struct writer *, struct write_result *, int64_t *rows, struct error *);
void pg_write_end(struct writer *);
enum status pg_change_rows(struct session *, const struct change_set *, size_t *taken,
        struct scan **out, struct error *);
enum status pg_execute(struct session *, const char *sql, const struct value *args,
        size_t count, int64_t *affected, struct error *);

/* ---- catalog.c, describe.c ----------------------------------------------------------------
 */

enum status pg_catalog(struct session *, const struct catalog_filter *,
        enum status (*each)(void *context, struct schema *), void *context, struct error *);
enum status pg_describe_query(
        struct session *, const char *sql, struct schema **out, struct error *);

/* ---- scan.c -------------------------------------------------------------------------------
 */

enum status pg_scan_start(
        struct session *, const struct query *, struct scan **out, struct error *);
enum status pg_scan_next(struct scan *, struct batch *, struct error *);
enum status pg_confirm(struct session *, const struct schema *, struct error *);
void pg_scan_end(struct scan *);
enum status pg_query_start(struct session *, const char *sql, const struct value *args,
        size_t count, struct scan **out, struct error *);

#endif
