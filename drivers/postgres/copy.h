/* COPY ... TO STDOUT (FORMAT binary): its framing, its rows on a session, and the scan that is
 * made of them. copy.c reads the frames (pure), copy_wire.c has the session's side, spill.c
 * keeps rows that nobody has read yet, copy_scan.c is the transport. And COPY ... FROM STDIN:
 * copy_in.c has the session's side, write_copy.c makes what it sends. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_COPY_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_COPY_H

#include "drivers/postgres/scan.h"

/* ---- copy.c -------------------------------------------------------------------------------
 */

/* Where the reader of the frames is. Zeroed but for column_count at the beginning. A message
 * holds whole frames, as PostgreSQL sends them: the header, rows, the trailer. */
struct pg_copy_reader {
    size_t column_count;
    const char *at; /* in the message */
    size_t left;
    bool headed, ended;
};

/* The next message: borrowed until all its rows are read. Only when the last one is used up. */
void pg_copy_feed(struct pg_copy_reader *, const char *bytes, size_t length);
/* *row: fields (column_count of them) are filled, and valid as long as the message. Otherwise
 * the message is used up. Bytes that are no such frames are STATUS_PROTOCOL. */
enum status pg_copy_row(
        struct pg_copy_reader *, struct pg_field *fields, bool *row, struct error *err);

/* ---- spill.c ------------------------------------------------------------------------------
 */

/* Messages put aside in a temporary file that has no name: read once, in order, after all are
 * written. Ended by pg_spill_destroy() (wire.h). */
enum status pg_spill_create(struct pg_spill **out, struct error *err);
enum status pg_spill_write(
        struct pg_spill *, const char *bytes, size_t length, struct error *err);
/* Borrowed until the next call. *length 0: the end. */
enum status pg_spill_read(
        struct pg_spill *, const char **bytes, size_t *length, struct error *err);

/* ---- copy_wire.c --------------------------------------------------------------------------
 */

/* Sends statements whose last but one, or last, is the COPY, by the simple protocol: libpq has
 * no COPY in pipeline mode, so the session leaves that until the answer has ended. Waits until
 * the answers to all earlier requests are there. */
enum status pg_copy_send(struct pg_request *, const char *sql, struct error *err);
/* The next message. *length 0: the end, or the failure that pg_request_finish() tells; or, when
 * not told to wait, that none has come yet: request->done makes the difference. Borrowed until
 * the next call. The results of the statements before the COPY are in request->result by the
 * time of the first message. */
enum status pg_copy_next(
        struct pg_request *, bool wait, const char **bytes, size_t *length, struct error *err);

/* ---- copy_in.c ----------------------------------------------------------------------------
 */

/* Sends COPY ... FROM STDIN as pg_copy_send() does, and waits until the server takes bytes
 * (request->feeding) or has refused (request->failure). */
enum status pg_copy_in_start(struct pg_request *, const char *sql, struct error *err);
/* While it is feeding. A failure of the server's shows at the end. */
enum status pg_copy_in_put(
        struct pg_request *, const char *bytes, size_t length, struct error *err);
/* All bytes are put. Waits; then request->failure, or request->affected, say how it went. */
enum status pg_copy_in_end(struct pg_request *, struct error *err);

/* ---- copy_scan.c --------------------------------------------------------------------------
 */

/* May this query over a relation be answered by COPY, here and now? */
bool pg_copy_fits(const struct pg_session *, const struct query *);
/* Sends it; scan->sql is its statement with parameters, for people. */
enum status pg_copy_start(struct pg_scan *, const struct query *, struct error *err);
enum status pg_copy_fill(struct pg_scan *, struct batch *, struct error *err);
/* Ends it where it is: what is left is neither made nor read. Other scans are let be. */
void pg_copy_stop(struct pg_scan *);

#endif
