/* One value of SQLite's five storage classes: what a condition compares with, what a row holds.
 */
#ifndef DRAWBRIDGE_DRIVERS_VALUE_H
#define DRAWBRIDGE_DRIVERS_VALUE_H

#include <stddef.h>
#include <stdint.h>

enum value_kind {
    VALUE_NULL,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_TEXT, /* UTF-8; inner NUL bytes are possible in values that came from SQLite */
    VALUE_BLOB,
    VALUE_TEXT_NUL, /* in batches only: TEXT with an inner NUL, its length must be given on */
};

struct value {
    enum value_kind kind;
    enum value_kind number; /* what TEXT was before its column's affinity: INTEGER or REAL;
                             * VALUE_NULL: it was none */
    union {
        int64_t integer;
        double real;
        struct {
            const char *bytes; /* borrowed; TEXT is NUL-terminated as well */
            size_t length;
        };
    };
};

#endif
