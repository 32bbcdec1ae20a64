/* What happens while bridge_explain runs a statement: scans and their notes, as explain.h says,
 * and as rows of its table. */
#include "vtab/recorder.h"

#include <string.h>

/* Repeats of one scan say the same of their plan, save where a value was judged otherwise; so
 * many different notes tell a reader enough. */
enum { NOTES_PER_SCAN_MAX = 64 };
/* A correlated subquery opens its cursors anew for every outer row; from here on they are
 * counted with the last scan. */
enum { SCANS_MAX = 1024 };

static const char *const item_names[] = {
    [EXPLAIN_REMOTE] = "remote",
    [EXPLAIN_WHERE] = "where",
    [EXPLAIN_ORDER] = "order",
    [EXPLAIN_LIMIT] = "limit",
    [EXPLAIN_COLUMNS] = "columns",
    [EXPLAIN_TRANSPORT] = "transport",
};

struct note {
    struct note *next;
    enum explain_item item;
    const char *text, *verdict, *why;
};

struct recorded_scan {
    const char *server, *table;
    struct note *notes;
    int note_count;
    bool done; /* it asked the remote: the figures below are true */
    int64_t fetched, round_trips;
    double ms;
};

void recorder_clear(struct recorder *recorder) {
    arena_clear(&recorder->arena);
    memory_free(recorder->scans);
    memset(recorder, 0, sizeof(*recorder));
}

/* NULL stays NULL; lack of memory sticks and is told when the rows are made. */
static const char *recorder_copy(struct recorder *recorder, const char *text) {
    const char *copy = arena_copy_text(&recorder->arena, text);

    recorder->out_of_memory |= text != NULL && copy == NULL;
    return copy;
}

static struct recorded_scan *recorder_find(struct recorder *recorder, int number) {
    return number >= 1 && number <= recorder->scan_count ? &recorder->scans[number - 1] : NULL;
}

int recorder_scan(struct recorder *recorder, const char *server, const char *table) {
    struct recorded_scan *scans = recorder->scans;

    if (recorder->scan_count == SCANS_MAX) {
        return SCANS_MAX;
    }
    if (scans == NULL) {
        scans = memory_alloc_array(SCANS_MAX, sizeof(*scans));
        if (scans == NULL) {
            recorder->out_of_memory = true;
            return 0;
        }
        recorder->scans = scans;
    }
    scans[recorder->scan_count].server = recorder_copy(recorder, server);
    scans[recorder->scan_count].table = recorder_copy(recorder, table);
    return ++recorder->scan_count;
}

static bool same_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void recorder_note(struct recorder *recorder, int number, enum explain_item item,
        const char *text, const char *verdict, const char *why) {
    struct recorded_scan *scan = recorder_find(recorder, number);
    struct note **at, *note;

    if (scan == NULL || scan->note_count >= NOTES_PER_SCAN_MAX) {
        return;
    }
    for (at = &scan->notes; *at != NULL; at = &(*at)->next) {
        if ((*at)->item == item && same_text((*at)->text, text) &&
                same_text((*at)->verdict, verdict) && same_text((*at)->why, why)) {
            return;
        }
    }
    note = arena_alloc(&recorder->arena, sizeof(*note));
    if (note == NULL) {
        recorder->out_of_memory = true;
        return;
    }
    note->item = item;
    note->text = recorder_copy(recorder, text);
    note->verdict = recorder_copy(recorder, verdict);
    note->why = recorder_copy(recorder, why);
    *at = note;
    scan->note_count++;
}

void recorder_done(struct recorder *recorder, int number, int64_t fetched, int64_t round_trips,
        double ms) {
    struct recorded_scan *scan = recorder_find(recorder, number);

    if (scan != NULL) {
        scan->done = true;
        scan->fetched += fetched;
        scan->round_trips += round_trips;
        scan->ms += ms;
    }
}

/* The figures are of the whole scan; they stand in its first row alone, so that sum() is right.
 */
static void put_figures(struct rows *rows, const struct recorded_scan *scan, bool first) {
    if (scan->done && first) {
        rows_put_integer(rows, scan->fetched);
        rows_put_integer(rows, scan->round_trips);
        rows_put_real(rows, scan->ms);
    } else {
        rows_put_null(rows);
        rows_put_null(rows);
        rows_put_null(rows);
    }
}

static void put_note(struct rows *rows, const struct recorder *recorder, int number,
        const struct note *note, bool first) {
    const struct recorded_scan *scan = &recorder->scans[number - 1];

    rows_put_integer(rows, number);
    rows_put_text(rows, scan->server);
    rows_put_text(rows, scan->table);
    rows_put_text(rows, item_names[note->item]);
    rows_put_text(rows, note->text);
    rows_put_text(rows, note->verdict);
    rows_put_text(rows, note->why);
    put_figures(rows, scan, first);
}

/* In the order of enum explain_item: what was sent comes before why. */
void recorder_put_rows(const struct recorder *recorder, struct rows *rows) {
    int items = (int)(sizeof(item_names) / sizeof(item_names[0]));

    for (int number = 1; number <= recorder->scan_count; number++) {
        const struct note *notes = recorder->scans[number - 1].notes;
        bool first = true;

        for (int item = 0; item < items; item++) {
            for (const struct note *note = notes; note != NULL; note = note->next) {
                if (note->item == (enum explain_item)item) {
                    put_note(rows, recorder, number, note, first);
                    first = false;
                }
            }
        }
    }
    rows->out_of_memory |= recorder->out_of_memory;
}
