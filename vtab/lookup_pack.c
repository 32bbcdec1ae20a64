/* Packing columns; see lookup_pack.h. */
#include "vtab/lookup_pack.h"

#include <string.h>

enum { ALIGNMENT = 8 };

static bool has_bytes(enum value_kind kind) {
    return kind == VALUE_TEXT || kind == VALUE_TEXT_NUL || kind == VALUE_BLOB;
}

static uint8_t width_of(uint64_t span) {
    return span <= UINT8_MAX ? 1 : span <= UINT16_MAX ? 2 : span <= UINT32_MAX ? 4 : 8;
}

static void plan_numbers(struct packed *packed, const union cell *cells, size_t rows) {
    int64_t least = cells[0].integer, most = least;

    for (size_t row = 1; row < rows; row++) {
        least = cells[row].integer < least ? cells[row].integer : least;
        most = cells[row].integer > most ? cells[row].integer : most;
    }
    packed->form = PACK_NUMBERS;
    packed->base = least;
    packed->width = width_of((uint64_t)most - (uint64_t)least);
    packed->bytes = rows * packed->width;
}

static void plan_cells(
        struct packed *packed, const uint8_t *kinds, const union cell *cells, size_t rows) {
    packed->form = PACK_CELLS;
    packed->bytes = rows * (sizeof(union cell) + 1);
    for (size_t row = 0; row < rows; row++) {
        packed->bytes += has_bytes((enum value_kind)kinds[row]) ? cells[row].length : 0;
    }
}

static bool same_length(const union cell *cells, size_t rows) {
    size_t row = 1;

    while (row < rows && cells[row].length == cells[0].length) {
        row++;
    }
    return row == rows;
}

void pack_plan(struct packed *packed, const struct batch *batch, size_t column) {
    const uint8_t *kinds = &batch->kinds[column * BATCH_ROWS_MAX];
    const union cell *cells = &batch->cells[column * BATCH_ROWS_MAX];
    size_t rows = (size_t)batch->rows, same = 1;

    while (same < rows && kinds[same] == kinds[0]) {
        same++;
    }
    packed->kind = kinds[0];
    if (same == rows && kinds[0] == VALUE_INTEGER) {
        plan_numbers(packed, cells, rows);
    } else if (same == rows && kinds[0] == VALUE_REAL) {
        packed->form = PACK_REALS;
        packed->bytes = rows * sizeof(double);
    } else if (same == rows && has_bytes((enum value_kind)kinds[0]) &&
               same_length(cells, rows)) {
        packed->form = PACK_BYTES;
        packed->base = cells[0].length;
        packed->bytes = rows * cells[0].length;
    } else {
        plan_cells(packed, kinds, cells, rows);
    }
    packed->bytes = (packed->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void fill_cells(struct packed *packed, const struct batch *batch, const uint8_t *kinds,
        const union cell *cells) {
    size_t rows = (size_t)batch->rows;
    union cell *to = (union cell *)packed->data;
    char *bytes = packed->data + rows * (sizeof(union cell) + 1);
    uint32_t used = 0;

    memcpy(to, cells, rows * sizeof(union cell));
    memcpy(packed->data + rows * sizeof(union cell), kinds, rows);
    for (size_t row = 0; row < rows; row++) {
        if (has_bytes((enum value_kind)kinds[row])) {
            memcpy(bytes + used, batch->heap + cells[row].start, cells[row].length);
            to[row].start = used;
            used += cells[row].length;
        }
    }
}

static void fill_numbers(struct packed *packed, const union cell *cells, size_t rows) {
    for (size_t row = 0; row < rows; row++) {
        uint64_t above = (uint64_t)cells[row].integer - (uint64_t)packed->base;

        switch (packed->width) {
        case 1:
            ((uint8_t *)packed->data)[row] = (uint8_t)above;
            break;
        case 2:
            ((uint16_t *)packed->data)[row] = (uint16_t)above;
            break;
        case 4:
            ((uint32_t *)packed->data)[row] = (uint32_t)above;
            break;
        default:
            ((uint64_t *)packed->data)[row] = above;
            break;
        }
    }
}

void pack_fill(struct packed *packed, const struct batch *batch, size_t column) {
    const uint8_t *kinds = &batch->kinds[column * BATCH_ROWS_MAX];
    const union cell *cells = &batch->cells[column * BATCH_ROWS_MAX];
    size_t rows = (size_t)batch->rows;

    switch (packed->form) {
    case PACK_NUMBERS:
        fill_numbers(packed, cells, rows);
        break;
    case PACK_REALS:
        memcpy(packed->data, cells, rows * sizeof(double));
        break;
    case PACK_BYTES:
        for (size_t row = 0; row < rows && packed->base > 0; row++) {
            memcpy(packed->data + row * (size_t)packed->base, batch->heap + cells[row].start,
                    (size_t)packed->base);
        }
        break;
    default:
        fill_cells(packed, batch, kinds, cells);
        break;
    }
}

static uint64_t number_at(const struct packed *packed, size_t row) {
    switch (packed->width) {
    case 1:
        return ((const uint8_t *)packed->data)[row];
    case 2:
        return ((const uint16_t *)packed->data)[row];
    case 4:
        return ((const uint32_t *)packed->data)[row];
    default:
        return ((const uint64_t *)packed->data)[row];
    }
}

static void get_cell(const struct packed *packed, size_t rows, size_t row, struct value *out) {
    const union cell *cell = &((const union cell *)packed->data)[row];

    out->kind = (enum value_kind)(uint8_t)packed->data[rows * sizeof(union cell) + row];
    if (has_bytes(out->kind)) {
        out->kind = out->kind == VALUE_BLOB ? VALUE_BLOB : VALUE_TEXT;
        out->bytes = packed->data + rows * (sizeof(union cell) + 1) + cell->start;
        out->length = cell->length;
    } else {
        out->integer = cell->integer; /* or the real: the same 8 bytes */
    }
}

void pack_get(const struct packed *packed, size_t rows, size_t row, struct value *out) {
    switch (packed->form) {
    case PACK_NUMBERS:
        out->kind = VALUE_INTEGER;
        out->integer = (int64_t)((uint64_t)packed->base + number_at(packed, row));
        break;
    case PACK_REALS:
        out->kind = VALUE_REAL;
        out->real = ((const double *)packed->data)[row];
        break;
    case PACK_BYTES:
        out->kind = packed->kind == VALUE_BLOB ? VALUE_BLOB : VALUE_TEXT;
        out->length = (size_t)packed->base;
        out->bytes = packed->data + row * out->length;
        break;
    default:
        get_cell(packed, rows, row, out);
        break;
    }
}
