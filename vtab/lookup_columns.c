/* Which columns are fetched for lookups: what any cursor of the plan asked for, or, where it
 * says more than it reads, what was read so far. */
#include "vtab/lookup_internal.h"

#include <string.h>

enum { CALLS_TELLING = 16 }; /* until what is not read is taken for not wanted */

/* Notes what this cursor reads. When that is more than was known, what is kept has too little.
 */
void lookup_grow(struct lookup *lookup, const struct cursor *cursor) {
    bool grown = cursor->identity && !lookup->identity;

    if (!cursor->narrowed && lookup->width == WIDTH_NARROW) {
        lookup->width = WIDTH_RESTORED;
    }
    lookup->identity |= cursor->identity;
    for (size_t i = 0; i < lookup->column_count; i++) {
        grown |= cursor->places[i] >= 0 && !lookup->wanted[i];
        lookup->wanted[i] |= cursor->places[i] >= 0;
    }
    if (grown) {
        lookup->shape++;
        lookup_drop(lookup);
    }
}

void lookup_apply(const struct lookup *lookup, struct cursor *cursor) {
    cursor->identity |= lookup->identity;
    for (size_t i = 0; i < lookup->column_count; i++) {
        if (lookup->wanted[i] && cursor->places[i] < 0) {
            cursor->places[i] = 0;
        }
    }
    cursor_choose_columns(cursor, -1);
}

/* Enough was seen: what is fetched from here on is what was read, and what is compared. */
static void lookup_learn_width(struct lookup *lookup, const struct cursor *cursor) {
    bool narrower = false;

    if (lookup->width != WIDTH_PLANNED || !cursor->narrows || lookup->calls < CALLS_TELLING ||
            lookup->condition_count == 0) {
        return;
    }
    for (size_t i = 0; i < lookup->condition_count; i++) {
        lookup->read[cursor->plan.conditions[i].column] = true;
    }
    for (size_t i = 0; i < lookup->column_count; i++) {
        narrower = narrower || (lookup->wanted[i] && !lookup->read[i]);
    }
    if (narrower) {
        memcpy(lookup->wanted, lookup->read, lookup->column_count * sizeof(*lookup->wanted));
        lookup->width = WIDTH_NARROW;
        lookup->shape++;
        lookup_drop(lookup);
    }
}

void lookup_narrow(struct lookup *lookup, struct cursor *cursor) {
    lookup_learn_width(lookup, cursor);
    if (lookup->width == WIDTH_NARROW) {
        cursor->narrowed = true;
        for (size_t i = 0; i < lookup->column_count; i++) {
            cursor->places[i] = -1;
        }
        cursor_choose_columns(cursor, -1);
    }
}
