/* A statement that writes, for the files that share it.
 *
 *   write_value.c   a value of SQLite's -> JSON, or why it cannot be sent (pure)
 *   write_target.c  which rows of which columns: the URL of the request (pure)
 *   write.c         rows that wait
 *   write_send.c    the one request, and what its answer confirms
 *   write_rows.c    rows that come back as they are stored: bridge_insert and its kin
 *   write_kept.c    are the values stored that were sent? (pure)
 *   write_interval.c  the same of intervals (pure)
 *   write_answer.c  what a refusal means (pure)
 *
 * All rows of a statement travel in one request, because a server knows no transaction beyond
 * one: an INSERT as a list of rows, an UPDATE or DELETE as a filter that lists the keys of its
 * rows. What does not fit into one is refused before anything is sent. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGREST_WRITE_H
#define DRAWBRIDGE_DRIVERS_POSTGREST_WRITE_H

#include "drivers/postgrest/internal.h"

struct pr_writer {
    struct writer base;
    enum change_kind kind;
    enum on_conflict on_conflict;
    int64_t count; /* rows that wait; 0: the rest says nothing */
    struct arena arena;

    /* INSERT: "[{..},{..}"; UPDATE: what all its rows are set to */
    struct text body, row, scratch;
    uint8_t *states; /* of the newest row, by column; then: does any row have it */
    int *sent;       /* columns that any row has, when not all rows have the same */
    size_t sent_count;
    bool uneven, merges; /* not all have the same; rows in conflict are replaced */
    bool zoned;          /* a value means another time unless the server works in UTC */
    const struct change_conflict *conflict; /* of write_rows.c; NULL: none */
    bool returns;                           /* the answer is to hold all columns */

    /* What comes back, beside what was sent (write_kept.c). */
    struct pr_member *members, *sent_members;
    size_t member_max;
    struct pr_page_reader kept_reader;
    size_t kept; /* bytes of the body whose rows have come back */
    bool rounds; /* a column may keep fewer digits, or other elements, than it was sent */

    /* UPDATE, DELETE: values of the columns that a row is found by, row after row */
    const int *find;
    size_t find_count;
    struct value *keys;
    size_t key_capacity, key_bytes, target_bytes;

    struct text target, prefer, statement, parameters;
};

static inline struct pr_writer *pr_writer(struct writer *writer) {
    return (struct pr_writer *)writer;
}

/* ---- write_value.c ---- */

/* The value, which is not NULL, as a literal of the column's type: instead of what scratch
 * held. STATUS_VALUE names the column and why it cannot be. */
enum status pr_value_text(const struct schema *, int column, const struct value *,
        struct text *scratch, struct error *);
/* Appends the value as JSON; scratch is for the call. */
enum status pr_value_json(const struct schema *, int column, const struct value *,
        struct text *scratch, struct text *out, struct error *);

/* ---- write_target.c ---- */

/* The values that find the row by its key, as filters say them, by writer->find: as many as
 * out has room for. Their texts live in the arena. */
enum status pr_key_values(
        struct pr_writer *, const struct row_identity *, struct value *out, struct error *);
/* How many bytes of a URL they take, at most. */
size_t pr_key_bytes(const struct pr_writer *, const struct value *);
/* What the target needs besides its keys: writer->target_bytes. */
enum status pr_measure_target(struct pr_writer *, struct error *);
/* Writes writer->target and the statement as people read it. */
enum status pr_write_target(struct pr_writer *, struct error *);
const char *pr_write_method(const struct pr_writer *); /* "POST" */

/* ---- write_kept.c ---- */

/* May the column keep fewer digits than are sent, for all that is known of it? */
bool pr_may_round(const struct pr_column *);
/* The next row of the answer: STATUS_REMOTE when it was rounded, which names the column. */
enum status pr_check_kept(struct pr_writer *, const struct pr_member *members,
        size_t member_count, struct error *);

/* What became of a value: it is there, digits or fields of it are missing, or something on the
 * server made another one of it. */
enum pr_kept { PR_KEPT, PR_ROUNDED, PR_ANOTHER };

/* ---- write_interval.c ---- */

/* PR_KEPT also when a text is spelt in a way that is not understood. */
enum pr_kept pr_compare_intervals(const struct pr_member *sent, const struct pr_member *stored);

/* ---- write_send.c ---- */

/* Sends the rows that wait, and comes back with an answer that says it was done; they wait no
 * more, however it went, but writer->count tells of them. *x: the caller's to end either way.
 */
enum status pr_send_write(struct pr_writer *, struct pr_exchange **x, struct error *);
/* As many rows as were sent? */
enum status pr_check_count(const struct pr_writer *, int64_t rows, struct error *);
/* "it was done, but not said which rows": whatever went wrong with the answer's body. */
enum status pr_rows_untold(const struct pr_writer *, struct error *why, struct error *err);
/* The same with an answer that is only counted. */
enum status pr_send_rows(struct pr_writer *, struct write_result *, struct error *);

/* ---- write.c ---- */

void pr_forget_waiting(const struct pr_writer *); /* what is read of the table is whole again */
void pr_forget_rows(struct pr_writer *);

#endif
