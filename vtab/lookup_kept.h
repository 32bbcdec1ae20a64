/* Rows kept for later xFilters of a statement: all of an answer, or found by key. */
#ifndef DRAWBRIDGE_VTAB_LOOKUP_KEPT_H
#define DRAWBRIDGE_VTAB_LOOKUP_KEPT_H

#include "vtab/lookup_spill.h"

struct connection;

struct kept {
    struct kept *next; /* in a bucket of answers */
    bool *fixed;       /* of a bulk: the conditions that it was fetched with, in "question" */
    char *question;    /* the values that it answers */
    size_t question_length;
    uint64_t question_hash;
    int references; /* the lookup's, and every cursor that reads it */
    struct connection *connection;
    size_t counted; /* bytes that connection->lookup_bytes has of it */
    struct store store;
    struct spill *spill; /* instead of the store, when that grew too big */
    struct hash hash;    /* of a store fetched in bulk */
    struct lookup_keys keys;
};

struct kept *kept_create(struct connection *); /* one reference; NULL when memory is out */
void kept_release(struct kept *);              /* accepts NULL */
/* Counts what it takes by now against join_cache_bytes. */
void kept_count(struct kept *);

/* Reading: a cursor's place in what it was given. */
struct kept_reader {
    struct kept *kept; /* one reference */
    bool whole;        /* every row, in order; else those with these values */
    bool ended;
    uint32_t number; /* of the next row */
    struct value values[LOOKUP_KEYS_MAX];
    sqlite3_stmt *found;   /* of a spill; kept for the next values */
    struct kept *found_of; /* whose: one reference */
};

void kept_reader_open(struct kept_reader *, struct kept *, bool whole);
void kept_reader_close(struct kept_reader *); /* the prepared statement stays */
void kept_reader_clear(struct kept_reader *);
/* Starts with the rows that have reader->values. */
enum status kept_reader_find(struct kept_reader *, struct error *);
/* Appends rows until the batch is full or none are left. */
enum status kept_reader_fill(struct kept_reader *, struct batch *, struct error *);

#endif
