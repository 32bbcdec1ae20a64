/* Writing: the statement of a change (write_sql.c, pure), rows that gather (write.c) and go on
 * their way (write_send.c), and rows that come back (bulk.c). */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_WRITE_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_WRITE_H

#include "drivers/postgres/frame.h"
#include "drivers/postgres/scan.h"
#include "drivers/postgres/values.h"

/* Where the row of an INSERT comes from, or the identities of UPDATE and DELETE. */
enum pg_source {
    PG_SOURCE_ROW,    /* one parameter for each column */
    PG_SOURCE_ARRAYS, /* one array for each column: unnest() */
};

/* All changes of one shape are the same statement. Its parameters are the values set, by
 * column, and then the row's identity. */
struct pg_shape {
    const struct schema *schema;
    enum change_kind kind;
    enum on_conflict on_conflict;
    const uint8_t *states; /* enum cell_state by column; CHANGE_DELETE: not looked at */
    enum pg_source source;
    bool returning; /* INSERT: what the rowid is made of comes back */
};

/* How many parameters the identity of a row takes. */
size_t pg_identity_count(const struct schema *);
enum pg_parameter pg_identity_parameter(const struct schema *, size_t part);
bool pg_is_set(const struct pg_shape *, size_t column);
size_t pg_parameter_count(const struct pg_shape *);
enum status pg_write_sql(const struct pg_shape *, struct text *sql, struct error *);
/* CHANGE_DELETE: the same row, looked for. */
enum status pg_find_sql(const struct pg_shape *, struct text *sql, struct error *);

/* One parameter, in the binary format. */
struct pg_argument {
    size_t start;   /* in the bytes of pg_rows */
    int32_t length; /* -1: NULL */
};

/* Rows of one shape that wait. Zeroed is empty, but for text_init(&bytes). */
struct pg_rows {
    struct text bytes;
    struct pg_argument *arguments; /* row by row */
    size_t capacity;
    size_t count; /* rows */
    struct pg_frame frame;
};

enum status pg_rows_add(
        struct pg_rows *, const struct pg_shape *, const struct change *, struct error *);
void pg_rows_reset(struct pg_rows *);
void pg_rows_keep_last(struct pg_rows *, size_t count); /* count: arguments of a row */
void pg_rows_clear(struct pg_rows *);

/* Parameters of one statement as libpq takes them. */
struct pg_sending {
    struct arena arena;
    const char **values;
    int *lengths, *formats;
    size_t count;
};

/* Of a row. The rows must stay as they are. */
enum status pg_sending_row(
        struct pg_sending *, const struct pg_rows *, size_t row, size_t count, struct error *);
/* Of all rows: an array for each of the columns that are set; of UPDATE and DELETE the values
 * of the first row, and an array for each part of the identity. */
enum status pg_sending_arrays(
        struct pg_sending *, const struct pg_rows *, const struct pg_shape *, struct error *);

/* ---- copy_rows.c: rows as the bytes of COPY ... FROM STDIN --------------------------------
 */

enum pg_copy_format {
    PG_COPY_NEVER, /* all columns are written by expressions that only a statement can have */
    PG_COPY_BINARY,
    PG_COPY_TEXT
};

enum pg_copy_format pg_copy_format(const struct pg_shape *);
/* Is there no value in such a column? */
bool pg_copy_holds(const struct pg_shape *, const struct pg_rows *);

struct pg_copy_field {
    uint8_t form, parameter; /* copy_rows.c's own, enum pg_parameter */
};
/* One for each column that is set, as many as pg_parameter_count(). */
void pg_copy_fields(const struct pg_shape *, struct pg_copy_field *fields);
/* The binary form of the column's type: so many of the parameter's last bytes, 0: all of them;
 * -1: another. */
int pg_copy_width(const struct pg_column *);
/* What stands before and behind the rows of the binary format. */
void pg_copy_head(struct text *frame);
void pg_copy_tail(struct text *frame);
typedef void pg_copy_append(struct text *frame, const struct pg_copy_field *,
        const struct pg_rows *, size_t row, size_t count);
pg_copy_append pg_copy_append_binary, pg_copy_append_text;

/* ---- the writer --------------------------------------------------------------------------
 */

/* A COPY of a writer's, and what is known about whether there may be one. Zeroed is none. */
struct pg_copying {
    bool locked;         /* a row was written: until the transaction ends, or this writer does,
                          * the table stays as it is */
    bool asked, refused; /* the server, about the shape's columns; so it cannot be */
    bool binary;
    struct pg_copy_field *fields;
    struct pg_request *request; /* NULL: there is none */
    struct text sql, frame;     /* frame: bytes that were not put yet */
    int64_t rows, bytes, trips; /* of this COPY; the session's round trips before it */
};

struct pg_writer {
    struct writer base;
    struct schema *schema; /* one reference */
    uint8_t *states;       /* of the rows that wait; the shape's */
    struct pg_shape shape;
    struct pg_rows rows;
    struct text sql; /* what base.statement points to */
    struct pg_copying copying;
};

/* ---- write_send.c -------------------------------------------------------------------------
 */

/* Sends what waits, and waits for what comes of it. */
enum status pg_writer_flush(struct pg_writer *, struct write_result *, struct error *);

/* STATUS_REMOTE: fewer rows were stored than were sent. */
enum status pg_rows_left_out(
        const struct schema *, int64_t stored, int64_t sent, struct error *err);

/* ---- write_copy.c -------------------------------------------------------------------------
 */

/* May rows of this shape go by COPY, as far as is known here? */
bool pg_copy_in_fits(const struct pg_writer *);
/* Gives the rows that wait, but_last: save the last one, to a COPY, which begins with the first
 * of them, and goes on. *taken false: the server would not do the same as for an INSERT, they
 * still wait. */
enum status pg_copy_in_rows(struct pg_writer *, bool but_last, bool *taken, struct error *err);
/* Ends it, if there is one, and waits for what came of it. */
enum status pg_copy_in_finish(struct pg_writer *, struct error *err);
/* Gives it up without waiting; memory back. */
void pg_copy_in_clear(struct pg_writer *);

/* ---- write_error.c ------------------------------------------------------------------------
 */

/* What the server said of a COPY, likewise. */
enum status pg_copy_error(const struct pg_shape *, const PGresult *, struct error *);
/* What the server said of a statement that wrote, with the column it speaks of. */
enum status pg_write_error(
        const struct pg_shape *, const struct pg_rows *, const PGresult *, struct error *);

#endif
