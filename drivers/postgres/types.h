/* What the files of presentation share: types.c has the rows, present.c applies the options to
 * them, shape.c decides how a row is told from the others. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_TYPES_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_TYPES_H

#include "drivers/postgres/internal.h"

enum {
    PG_TYPE_BOOL = 16,
    PG_TYPE_BYTEA = 17,
    PG_TYPE_NAME = 19,
    PG_TYPE_INT8 = 20,
    PG_TYPE_INT2 = 21,
    PG_TYPE_INT4 = 23,
    PG_TYPE_TEXT = 25,
    PG_TYPE_OID = 26,
    PG_TYPE_FLOAT8 = 701,
    PG_TYPE_BPCHAR = 1042,
    PG_TYPE_VARCHAR = 1043,
    PG_TYPE_DATE = 1082,
    PG_TYPE_TIME = 1083,
    PG_TYPE_TIMESTAMP = 1114,
    PG_TYPE_TIMESTAMPTZ = 1184,
    PG_TYPE_NUMERIC = 1700,
    PG_TYPE_UUID = 2950,
};

/* Which options shape the values: a row of types.c's table of them. */
enum pg_option_set {
    PG_OPTIONS_NONE,
    PG_OPTIONS_BOOL,
    PG_OPTIONS_FLOAT,
    PG_OPTIONS_NUMERIC,
    PG_OPTIONS_MONEY,
    PG_OPTIONS_BPCHAR,
    PG_OPTIONS_CITEXT,
    PG_OPTIONS_TIMESTAMP,
    PG_OPTIONS_TIMESTAMPTZ,
    PG_OPTIONS_INTERVAL,
    PG_OPTIONS_UUID,
    PG_OPTIONS_ARRAY,
    PG_OPTIONS_COMPOSITE,
    PG_OPTIONS_GEOMETRY,
    PG_OPTION_SET_COUNT
};

enum { PG_SET_OPTIONS_MAX = 2 };

enum pg_look_flag {
    PG_LOOK_ONE_TO_ONE = 1,    /* two values that the remote tells apart never look the same */
    PG_LOOK_NEVER_NUMERIC = 2, /* TEXT that SQLite never takes for a number */
    PG_LOOK_ASCII = 4,         /* its text sorts the same in every server encoding */
    PG_LOOK_ORDER_TEXT = 8,    /* sorted by the bytes of the text expression; without this flag
                                * and without an order expression by nothing */
    PG_LOOK_SIZED = 16,        /* the declared type gets the type modifier: VARCHAR(40) */
    PG_LOOK_ROW_NULL = 32,     /* a row of NULLs is a value, whatever IS NULL says */
    PG_LOOK_NOCASE = 64,       /* declared COLLATE NOCASE */
    PG_LOOK_COLLATED = 128,    /* native order is right under a bytewise collation only */
};

/* One way to show the values of a type. In expressions "%c" is the column and "%s." the schema
 * of its type, quoted. */
struct pg_look {
    enum pg_family family;
    enum pg_decoder decoder;
    const char *declared, *select, *text, *order;
    uint32_t wire_oid;
    unsigned flags;
};

struct pg_type {
    uint32_t oid;     /* 0: known by its name, as extensions' types are */
    const char *name; /* of an extension's type */
    enum pg_option_set options;
    struct pg_look look; /* when every option has its default */
};

/* The row of the column's type. NULL: a pseudo-type, which stands for other types or lives
 * inside the server and so has no values to show. */
const struct pg_type *pg_type_of(const struct pg_column *);
/* The look under other option values (in the order of pg_option_names); NULL: the type's own.
 */
const struct pg_look *pg_look_for(
        enum pg_option_set, const char *const values[PG_SET_OPTIONS_MAX]);

extern const char *const pg_option_names[PG_OPTION_SET_COUNT][PG_SET_OPTIONS_MAX];

/* shape.c: identity and key_column, once the columns are presented. */
enum status pg_shape(struct schema *, const struct options *, struct error *);

#endif
