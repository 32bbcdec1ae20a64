/* What the files of the postgrest driver share: its own structs and the facts they pass on.
 *
 *   url.c                  URLs -> what open() takes (pure)
 *   http.c                 one exchange: send, wait in slices, body in bounded pieces
 *   session.c              open, close, ping; requests with their headers, tokens and retries
 *   answer.c               what an answer's status, headers and error body mean (pure)
 *   describe.c, columns.c  OpenAPI document or the user's words -> facts of the columns
 *   types.c                present(): the postgres driver's, and how each value travels
 *   judge*.c               the postgres driver's verdicts in what a URL can say (pure)
 *   dialect.c              query -> the target of a request (pure)
 *   scan*.c, page.c        pages of rows until the last row is proven to have come
 *   json.c, decode.c       bytes of a row -> members -> cells of a batch (pure)
 *   confirm.c              is a relation still as described, where no rows can tell
 *   write.c, write_*.c     the rows of a statement -> one request, and what became of it
 *
 * The database behind the server is PostgreSQL, so a value has to look as it does behind the
 * postgres driver: types, presentation and verdicts are that driver's own, by its pure files.
 */
#ifndef DRAWBRIDGE_DRIVERS_POSTGREST_INTERNAL_H
#define DRAWBRIDGE_DRIVERS_POSTGREST_INTERNAL_H

#include "base/text.h"
#include "drivers/driver.h"
#include "drivers/postgres/internal.h"

#include <curl/curl.h>

enum {
    PR_DOCUMENT_BYTES_MAX = 64 * 1024 * 1024,
    PR_MEMBERS_MORE = 64,                   /* of a row: that nobody asked for */
    PR_TARGET_BYTES_MAX = 16 * 1024 * 1024, /* what max_url_bytes= bounds is less */
};

/* How the value of a column is asked for, so that its text is the one that the postgres driver
 * would see whatever the session's DateStyle or the server's JSON encoder. */
enum pr_select {
    PR_SELECT_PLAIN,   /* c: what JSON says exactly: numbers, booleans, strings, raw JSON */
    PR_SELECT_TEXT,    /* c::text */
    PR_SELECT_NUMERIC, /* c::numeric: money */
};

/* column.driver_data; the first member is what the postgres driver's pure files work on. */
struct pr_column {
    struct pg_column pg;
    enum pr_select select;
    bool raw;                  /* shown as the JSON it comes as */
    const char *const *labels; /* of an enum, as the document lists them */
    size_t label_count;
};

/* schema.driver_data */
struct pr_relation {
    struct pg_relation pg;
    const int *key; /* columns that tell rows apart, for paging; after present() */
    size_t key_count;
    bool key_asserted; /* by the user: it may hold NULL */
};

static inline const struct pr_column *pr_column(const struct schema *schema, int column) {
    return schema->columns[column].driver_data;
}
static inline const struct pr_relation *pr_relation(const struct schema *schema) {
    return schema->driver_data;
}

/* columns.NAME=, as given to the session. */
struct pr_described {
    char *table, *columns;
    struct pr_described *next;
};

/* What a server does only when it is new enough, by the preference that asks for it. */
enum pr_heed {
    PR_HEED_MISSING,  /* missing=default: members left out of a row are defaults, not NULL */
    PR_HEED_AFFECTED, /* max-affected=N: more rows than that fail the request */
    PR_HEED_ZONE,     /* timezone=UTC */
    PR_HEED_COUNT
};

struct pr_session {
    struct session base;
    CURLM *multi;
    char *url;                  /* "https://host:3000/path", no slash behind */
    struct curl_slist *headers; /* of the user's own */
    char *token, *token_env, *token_file;
    char *openapi_file, *tls_ca;
    struct pr_described *described;
    bool tls_verify;
    int64_t connect_timeout_ms, statement_timeout_ms, max_url_bytes, max_body_bytes, page_rows;

    /* write.c */
    const struct schema *waiting; /* of the writer that has rows which were not sent yet */
    uint8_t heeds[PR_HEED_COUNT]; /* write_send.c */
};

static inline struct pr_session *pr_session(struct session *session) {
    return (struct pr_session *)session;
}

extern const struct driver postgrest_driver;

/* ---- url.c --------------------------------------------------------------------------------
 */

enum status pr_parse_url(
        const char *url, struct options *, char **connection, char **display, struct error *);

/* ---- http.c -------------------------------------------------------------------------------
 */

/* What is known once an answer's head has come. -1: not said. */
struct pr_head {
    long status;
    int64_t first, last, total; /* Content-Range: 0-9/50 */
    int64_t retry_after_ms;
    bool json; /* Content-Type */
    /* Preference-Applied: timezone=UTC, handling=strict, missing=default */
    bool utc, strict, missing;
    char server[64]; /* Server: "postgrest/14.1", "" */
};

struct pr_request {
    const char *target;  /* behind the session's URL: "/orders?select=id" */
    const char *profile; /* remote schema, or NULL */
    const char *accept;  /* NULL: application/json */
    bool count;          /* ask for an exact count */
    bool no_body;        /* HEAD */

    const char *method; /* of one that writes: POST, PATCH, DELETE; NULL: it reads */
    const char *prefer; /* instead of what a reader prefers */
    const char *body;   /* JSON; NULL: none */
    size_t body_length;
};

struct pr_exchange {
    struct pr_session *session;
    CURL *easy;
    struct curl_slist *headers;
    struct pr_head head;
    bool head_ended; /* its last line has come */
    bool head_done, done, paused;
    CURLcode result;
    enum status failure; /* STATUS_NOMEM, _TOO_BIG, _PROTOCOL: of a callback */
    size_t head_bytes;
    char *body; /* body[start .. used) is not consumed yet */
    size_t start, used, capacity;
    size_t wanted; /* the reader needs so many bytes at once */
    int64_t bytes;
    double ms; /* waited */
    char reason[CURL_ERROR_SIZE];
};

double pr_now_ms(void);
/* headers: given, freed with the exchange; the request's body is borrowed until its end. One
 * that writes gets a connection of its own: libcurl sends a request that an old connection
 * swallowed once more, and nobody could tell whether the first one was carried out. */
enum status pr_exchange_start(struct pr_session *, const struct pr_request *,
        struct curl_slist *headers, struct pr_exchange **out, struct error *);
/* Did anything of the request leave this machine? */
bool pr_exchange_sent(const struct pr_exchange *);
/* Until the head is there. */
enum status pr_exchange_head(struct pr_exchange *, struct error *);
/* Until there are more bytes than before, or the end (exchange->done). */
enum status pr_exchange_more(struct pr_exchange *, struct error *);
void pr_exchange_consume(struct pr_exchange *, size_t bytes);
void pr_exchange_end(struct pr_exchange *); /* accepts NULL; stops what is under way */

/* ---- session.c ----------------------------------------------------------------------------
 */

enum status pr_open(const char *connection, const struct options *, const struct host *,
        struct session **out, struct error *);
void pr_close(struct session *);
enum status pr_ping(struct session *, double *ms, struct error *);
void pr_library_version(char *text, size_t bytes);
/* Sends without waiting. */
enum status pr_send(struct pr_session *, const struct pr_request *, struct pr_exchange **out,
        struct error *);
/* Waits for the head of an answer that is good (200, 206); renews the token and heeds
 * Retry-After, by sending anew: *exchange may be another afterwards. What is not good is an
 * error; *exchange stays the caller's to end either way. */
enum status pr_await(struct pr_session *, const struct pr_request *,
        struct pr_exchange **exchange, struct error *);
void pr_log(struct pr_session *, const struct statement_record *);
/* Sleeps in slices; STATUS_CANCELLED when interrupted. */
enum status pr_pause(struct pr_session *, int64_t ms, struct error *);

/* ---- answer.c -----------------------------------------------------------------------------
 */

void pr_head_clear(struct pr_head *);
void pr_head_line(struct pr_head *, const char *line, size_t length);
/* The error that an answer's status and body tell. */
enum status pr_answer_error(long http_status, const char *body, size_t length, struct error *);
/* Of a request that wrote: constraints by their columns, values that the server cannot take,
 * and STATUS_OUTCOME_UNKNOWN where the answer leaves it open whether something was done. */
enum status pr_write_refusal(const struct schema *, long http_status, const char *body,
        size_t length, struct error *);
/* May the failure be the fault of a filter that SQLite checks anyway? */
bool pr_blames_filter(const struct error *);

/* ---- describe.c, columns.c ----------------------------------------------------------------
 */

enum status pr_catalog(struct session *, const struct catalog_filter *,
        enum status (*each)(void *context, struct schema *), void *context, struct error *);
/* The tables of one document; table NULL: all. Pure. */
enum status pr_read_document(const char *text, size_t length, const char *remote_schema,
        const char *table, enum status (*each)(void *context, struct schema *), void *context,
        struct error *);
/* Facts of a type by the name that format_type() or OpenAPI gives it. Pure. */
enum status pr_column_type(struct schema *, struct column *, const char *type, int64_t length,
        bool labels, struct error *);
/* "id bigint, name text" -> a schema of these columns. Pure. */
enum status pr_described_schema(const char *table, const char *columns,
        const char *remote_schema, struct schema **out, struct error *);
enum status pr_schema_create(const char *remote_schema, const char *name, size_t column_count,
        struct schema **out, struct error *);

/* ---- types.c ------------------------------------------------------------------------------
 */

enum status pr_present(struct schema *, const struct options *, struct error *);
/* Do its values hold points in time that the server's session writes and reads in its zone? */
bool pr_is_zoned(const struct pr_column *);

/* ---- judge.c, judge_text.c ----------------------------------------------------------------
 */

/* What a term says; its `form` is one of these with its operator: form * OPERATOR_COUNT + op.
 */
enum pr_form {
    PR_IS,          /* c=is.VALUE: null, true, false */
    PR_IS_NOT,      /* c=not.is.VALUE */
    PR_COMPARE,     /* c=OP.VALUE */
    PR_BETWEEN,     /* c=gte.VALUE and c=lte.VALUE */
    PR_WITHOUT_NAN, /* c=OP.VALUE and c=neq.NaN */
    PR_MATCH,       /* c=match.VALUE */
    PR_NOT_MATCH,   /* c=not.match.VALUE */
    PR_IN,          /* c=in.(VALUES), each row of one value only: the list may be divided */
    PR_IN_LOOSE,    /* c=in.(VALUES) */
};

static inline int pr_form(enum pr_form form, enum condition_operator op) {
    return (int)form * OPERATOR_COUNT + (int)op;
}

bool pr_may_push(const struct schema *, const struct condition *);
bool pr_may_order(const struct schema *, const struct order_term *, size_t count);
enum status pr_judge(const struct schema *, const struct condition *, const struct value *,
        size_t count, struct arena *, struct judgement *out);

/* One value, or NULL for the tests that have none; a list of them (judge_in.c). */
enum status pr_judge_one(const struct schema *, const struct condition *, const struct value *,
        struct arena *, struct judgement *out);
enum status pr_judge_list(const struct schema *, const struct condition *, const struct value *,
        size_t count, struct arena *, struct judgement *out);

/* Regular expressions that mean the same under every collation and encoding. Each appends one
 * and tells whether it selects just the rows wanted; false in *possible: there is none. */
bool pr_match_equal(struct text *, const char *literal);
bool pr_match_folded(struct text *, const char *lower);
bool pr_match_trimmed(struct text *, const char *trimmed);
bool pr_match_range(
        struct text *, enum condition_operator op, const char *literal, bool *possible);
bool pr_match_like(struct text *, const char *pattern);
bool pr_match_glob(struct text *, const char *pattern, bool *possible);
extern const char *const pr_match_number; /* texts that begin as a number does */

/* ---- dialect.c ----------------------------------------------------------------------------
 */

/* One column of the order that pages follow. */
struct pr_order {
    int column;
    bool descending, may_be_null;
};

/* A filter in two spellings: as it travels, and for people, with $1 for the values. */
struct pr_spelling {
    struct text url, shown, parameters;
    size_t parameter_count;
};

void pr_spelling_init(struct pr_spelling *);
void pr_spelling_clear(struct pr_spelling *);
/* "/table?select=a,b::text". A column that is cast, by us or maybe by the server, or comes as
 * JSON and is sorted by gets another name in the answer (pr_answer_name), so that the order can
 * mean nothing but the column. One of the order that is shown as JSON comes once more behind
 * the columns, as the text that a filter takes for its value (pr_key_name). */
void pr_append_source(struct pr_spelling *, const struct schema *, const int *columns,
        size_t column_count, const struct pr_order *, size_t order_count);
/* NULL when memory is out. */
const char *pr_answer_name(const struct schema *, int column, const struct pr_order *,
        size_t order_count, struct arena *);
const char *pr_key_name(int column, struct arena *);
/* "/table?select=a", a as the server writes it: rows that are to be counted. */
void pr_append_counted(struct pr_spelling *, const struct schema *, int column);
/* ",a::text", or ",a" of what is shown as JSON: a value that is compared with what was sent. */
void pr_append_kept(struct pr_spelling *, const struct schema *, int column);
/* "&columns=a,b" */
void pr_append_names(struct pr_spelling *, const struct schema *, const char *word,
        const int *columns, size_t count);
void pr_append_predicate(struct pr_spelling *, const struct schema *, const struct predicate *);
/* Just these rows: values of the columns, row after row, none of them NULL. */
void pr_append_rows(struct pr_spelling *, const struct schema *, const int *columns,
        size_t column_count, const struct value *keys, size_t count);
void pr_append_order(
        struct pr_spelling *, const struct schema *, const struct pr_order *, size_t count);
/* The rows from this one on, itself included: values[i] is NULL for NULL. */
void pr_append_keyset(struct pr_spelling *, const struct schema *, const struct pr_order *,
        size_t count, const char *const *values);

/* ---- json.c -------------------------------------------------------------------------------
 */

enum pr_kind { PR_STRING, PR_NUMBER, PR_TRUE, PR_FALSE, PR_NULL, PR_OBJECT, PR_ARRAY };

/* Raw bytes of one member; of a string what is between the quotes. */
struct pr_member {
    const char *name, *value;
    size_t name_length, value_length;
    enum pr_kind kind;
    bool name_escaped, value_escaped;
};

enum pr_step { PR_STEP_ROW, PR_STEP_MORE, PR_STEP_END, PR_STEP_BAD, PR_STEP_MANY };

/* Where the reader of a page stands: zeros at its start. */
struct pr_page_reader {
    enum { PR_AT_START, PR_AT_FIRST, PR_AT_NEXT, PR_AT_END } at;
};

/* The next row of "[{..},{..}]": *used tells how many bytes are done with. MORE: the bytes end
 * before the row does. MANY: more members than max. */
/* One value and nothing else; what stands behind a backslash is not looked at. The text ends in
 * a NUL that is not counted. */
bool pr_is_json(const char *text, size_t length);
enum pr_step pr_read_row(struct pr_page_reader *, const char *bytes, size_t length,
        struct pr_member *members, size_t max, size_t *count, size_t *used);
/* Resolves escapes; *length is what was written, never more than the raw length. False: not a
 * string of text. */
bool pr_unescape(const char *raw, size_t raw_length, char *out, size_t *length);
/* scratch: for the call; false when its memory is out. */
bool pr_member_is(const struct pr_member *, const char *name, struct text *scratch);

/* ---- decode.c -----------------------------------------------------------------------------
 */

/* One member -> one cell. scratch: for the call. */
enum status pr_decode(const struct column *, const struct pr_member *, struct text *scratch,
        struct batch *, struct error *);

/* ---- scan.c -------------------------------------------------------------------------------
 */

enum status pr_scan_start(
        struct session *, const struct query *, struct scan **out, struct error *);
enum status pr_scan_next(struct scan *, struct batch *, struct error *);
void pr_scan_end(struct scan *);

/* ---- write.c ------------------------------------------------------------------------------
 */

enum status pr_begin(struct session *, const struct transaction_options *, struct error *);
enum status pr_commit(struct session *, int64_t timeout_ms, struct error *);
void pr_rollback(struct session *);
enum status pr_write_start(
        struct session *, const struct schema *, struct writer **out, struct error *);
enum status pr_write_row(struct writer *, const struct change *, unsigned flags,
        struct write_result *, struct error *);
enum status pr_write_flush(
        struct writer *, struct write_result *, int64_t *rows, struct error *);
void pr_write_end(struct writer *);
/* STATUS_UNSUPPORTED when rows wait that are to change this relation: what is read of it would
 * not be what the statement has made of it. */
enum status pr_write_check_read(
        const struct pr_session *, const struct schema *, struct error *);

/* ---- write_rows.c -------------------------------------------------------------------------
 */

enum status pr_change_rows(struct session *, const struct change_set *, size_t *taken,
        struct scan **out, struct error *);

/* ---- confirm.c ----------------------------------------------------------------------------
 */

enum status pr_confirm(struct session *, const struct schema *, struct error *);

#endif
