/* What is known of one plan of a table: for lookup.c (when to fetch in bulk), lookup_answers.c
 * (earlier answers) and lookup_columns.c (what they hold). */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_INTERNAL_H
#define DRAWBRIDGE_VTAB_LOOKUP_INTERNAL_H

#include "base/text.h"
#include "vtab/cursor.h"

enum { QUESTION_BYTES_MAX = 64 * 1024 }; /* longer ones (IN lists) are not remembered */

/* EXISTS (SELECT *) says that it reads every column, and reads next to none. */
enum lookup_width {
    WIDTH_PLANNED,  /* the plan's columns are fetched, and what is read is noted */
    WIDTH_NARROW,   /* only those that were read */
    WIDTH_RESTORED, /* another one was read after all: the plan's from here on */
};

struct lookup {
    struct lookup *next;
    const struct table *table;
    char *plan_text;
    size_t column_count, condition_count;

    /* what its rows hold: every cursor of the plan asks for all of it */
    bool *wanted; /* schema columns */
    bool identity;
    int64_t shape; /* counts how often that grew */
    bool *read;    /* schema columns that SQLite asked for so far */
    enum lookup_width width;

    /* what was asked */
    int64_t calls;
    double spent_us; /* on single lookups, since the last bulk */
    struct text question;
    size_t *ends;         /* of each condition's part of the question */
    char *first_question; /* the first one, to tell what changes */
    size_t *first_ends;
    bool *changes;

    /* what is kept */
    struct kept **buckets; /* answers */
    size_t bucket_count, answer_count;
    bool answers_too_big;
    struct kept *bulk;
    bool *fixed;             /* room for which conditions the next one goes with */
    int64_t bulk_rows_least; /* seen before it was given up */
};

/* The values of this xFilter, written down in lookup->question. False: they are too long, and
 * nothing of it is remembered. */
bool lookup_ask(struct lookup *, const struct cursor *);
void lookup_learn(struct lookup *); /* which conditions change, from the question */
/* The question's parts that conditions with a mark have. */
void lookup_parts(const struct lookup *, const bool *marks, struct text *);

/* Bytes that may still be kept on this connection. */
size_t lookup_bytes_left(const struct cursor *);
struct kept *lookup_answer(const struct lookup *); /* to the question; NULL: none. Borrowed */
/* The answer that comes is to be kept, if it turns out to be small enough: lookup_note(). */
void lookup_expect(struct lookup *, struct cursor *);
void lookup_drop_pending(struct cursor *); /* it is not kept after all */
void lookup_drop_answers(struct lookup *);
void lookup_drop(struct lookup *); /* and the bulk: all that is kept */

/* Has the cursor ask for less than its plan, once enough was seen of what is read. */
void lookup_narrow(struct lookup *, struct cursor *);
/* Notes what the cursor asks for: what is kept and has less is dropped. */
void lookup_grow(struct lookup *, const struct cursor *);
/* Has the cursor ask for all that the lookup's rows hold. */
void lookup_apply(const struct lookup *, struct cursor *);

#endif
