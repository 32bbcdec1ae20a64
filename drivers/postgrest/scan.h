/* A running scan, for the files that share it.
 *
 *   filters.c  which filters travel, in how many requests, within max_url_bytes
 *   page.c     requests for pages, and the proof that the last row has come
 *   scan.c     rows of a page -> batches; start and end
 *   scan_key.c the keys of rows, by which pages follow each other
 *   write_rows.c  the rows of a write that come back are read as a page is */
#ifndef DRAWBRIDGE_DRIVERS_POSTGREST_SCAN_H
#define DRAWBRIDGE_DRIVERS_POSTGREST_SCAN_H

#include "drivers/postgrest/internal.h"
#include "drivers/postgrest/write.h"

/* What one of the requests asks for. */
struct pr_part {
    char *filter;
    /* Of the rows that come only those with one of these texts, which no other part has; in
     * order of their bytes. NULL: all of them. */
    const struct value *texts;
    size_t text_count;
    /* Of a list in order: instead of this part and all behind it, whatever the list holds.
     * NULL: there is no such filter. */
    char *onward;
};

struct pr_scan {
    struct scan base;
    struct schema *schema;
    struct arena arena;
    struct text statement, scratch;
    char *parameters; /* JSON, for the log; NULL unless wanted */
    char *notices;

    /* what is asked for */
    const char **names; /* of the members of a row: the columns', then those of key texts */
    size_t name_count;
    int *columns; /* those of the batch, then those that only the order needs */
    size_t column_count, batch_columns;
    struct pr_order *order; /* ends in a key when keyed */
    size_t *key_places;     /* by order column: of its text among the members of a row */
    size_t order_count;
    bool keyed;            /* rows can be asked for from a given one on */
    bool counts;           /* QUERY_COUNT_ONLY */
    struct pr_part *parts; /* one request, or more, after each other */
    size_t part_count, part;
    int divided;   /* column by whose values the parts differ; -1: none */
    bool filtered; /* by any filter: it may be the filter's fault when a request fails */
    int64_t limit; /* rows still wanted, -1: all */
    int64_t goal;  /* rows probably wanted, 0: unknown */

    /* the page under way */
    struct pr_exchange *exchange; /* NULL: it has to be asked for */
    struct pr_request request;
    struct text target;
    struct pr_page_reader reader;
    struct pr_member *members;
    size_t member_max;
    bool opened;     /* its head was looked at */
    bool overlaps;   /* it begins with the last row of the page before, unless that is gone: */
    bool found_last; /* it was there */
    bool count_next; /* ask the next page for an exact count */
    int64_t page_asked, page_rows;
    int64_t expected; /* rows still to come in this part as far as known, -1: unknown */
    struct text key, spare, last_key; /* of this row, of the one before, of the last one of the
                                       * page before: see read_key() */
    char **bound;                     /* last_key as values, by order column; NULL is NULL */

    struct pr_writer *written; /* owned: these are its rows, in its answer; NULL: a query's */
    bool ended;
    bool cut; /* the answer was cut short, and there is no way to the other rows */
    int64_t cut_total;
    enum status failure; /* sticky */
    char *failure_text;
};

static inline struct pr_scan *pr_scan(struct scan *scan) {
    return (struct pr_scan *)scan;
}

/* ---- scan.c ---- */

struct pr_scan *pr_scan_create(struct session *, const struct schema *); /* NULL: no memory */
/* The member of that name in a row of so many. NULL: it is missing. */
const struct pr_member *pr_scan_member(struct pr_scan *, size_t place, size_t count);
/* Rows of the page under way, or of the next one, until there are some. */
enum status pr_scan_rows(struct pr_scan *, struct batch *, struct error *);

/* ---- scan_key.c ---- */

/* A key that this row shares with the row before it, or with the last one of the page before:
 * then pages cannot go by it. *known: this is that last row itself, come again. */
enum status pr_scan_check_key(struct pr_scan *, size_t count, bool *known, struct error *);
/* The row read last becomes where the next page begins. */
enum status pr_scan_keep_bound(struct pr_scan *, struct error *);

/* ---- write_rows.c ---- */

enum status pr_returned_next(struct pr_scan *, struct batch *, struct error *);

/* ---- filters.c ---- */

enum status pr_scan_filter(struct pr_scan *, const struct query *, struct error *);
/* None at all: for when the server refuses one. */
enum status pr_scan_unfilter(struct pr_scan *, const struct error *why, struct error *err);
/* Without the rest of a divided list: for when the server takes some of its values only. */
enum status pr_scan_onward(struct pr_scan *, const struct error *why, struct error *err);

/* ---- page.c ---- */

enum status pr_page_send(struct pr_scan *, struct error *);
/* Waits for the head and looks at what it promises. */
enum status pr_page_open(struct pr_scan *, struct error *);
/* All rows were read: is another page needed? Sends for it when it surely is. */
enum status pr_page_close(struct pr_scan *, struct error *);
/* The error of an answer with so many rows. */
enum status pr_page_miscounted(int64_t rows, struct error *);
/* The error of a scan that was cut. */
enum status pr_page_cut(const struct pr_scan *, struct error *);
/* The total of a part, without rows. */
enum status pr_page_count(struct pr_scan *, int64_t *total, struct error *);

#endif
