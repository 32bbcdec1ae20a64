/* A remote relation as data: what describe.c of a driver finds, what vtab/ declares and plans
 * by.
 *
 * Life: a driver makes it (schema_create), fills what the remote says, `present` adds how
 * values look in SQLite, and from then on it never changes; it is shared by reference counts.
 * All text and arrays live in the schema's arena. */
#ifndef DRAWBRIDGE_DRIVERS_SCHEMA_H
#define DRAWBRIDGE_DRIVERS_SCHEMA_H

#include "base/memory.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum relation_kind {
    RELATION_TABLE,
    RELATION_VIEW,
    RELATION_MATERIALIZED_VIEW,
    RELATION_PARTITIONED_TABLE,
    RELATION_FOREIGN_TABLE,
    RELATION_QUERY,
};

enum key_kind { KEY_PRIMARY, KEY_UNIQUE, KEY_FOREIGN, KEY_CHECK, KEY_INDEX };

struct key {
    enum key_kind kind;
    const char *name;
    const int *columns; /* indexes into schema.columns; KEY_CHECK: none */
    size_t column_count;
    const char *ref_table, *ref_columns; /* KEY_FOREIGN: "schema.table", "a,b" */
    const char *definition;              /* as the remote prints it */
    bool valid;                          /* usable: validated, index ready */
    bool immediate;                      /* not deferrable */
    bool partial;                        /* has a WHERE, or an expression among its columns */
};

/* How a row is told from every other one; decides the declared shape (design.md 4). */
enum identity {
    IDENTITY_INTEGER_KEY, /* key_column is declared INTEGER PRIMARY KEY: its value is the rowid
                           */
    IDENTITY_KEY,         /* key_column is the primary key of a WITHOUT ROWID declaration */
    IDENTITY_ROWID,       /* the driver makes rowids: batch.rowids under QUERY_IDENTITY */
    IDENTITY_ROW,         /* none: equal rows are counted, vtab/rowid.c gives numbers */
};

/* What the remote counted of one column's values, for estimates alone. Values are in the text
 * that the remote prints. */
struct column_statistics {
    double null_share;           /* of all rows, 0 to 1 */
    const char *const *common;   /* the most common values, most common first */
    const double *common_shares; /* of all rows */
    size_t common_count;
    const char *const *bounds; /* cut the other values into parts of equal share */
    size_t bound_count;        /* 0, or at least 2 */
};

/* Of a relation; in memory of its own, since it may be counted anew while the schema stays. */
struct statistics {
    struct arena arena;
    struct column_statistics *columns; /* as many as the schema has */
};

enum { STATISTICS_COMMON_MAX = 10, STATISTICS_BOUNDS_MAX = 11 };

struct column {
    /* what the remote says */
    const char *remote_name;
    const char *remote_type; /* as the remote prints it: "numeric(10,2)" */
    const char *default_sql; /* NULL: none, or it is not told */
    bool default_untold;     /* there may be one that the remote does not tell of */
    const char *comment;
    const char *collation; /* remote collation's name; NULL: none or default */
    char identity;         /* 0, 'a' always, 'd' by default */
    char generated;        /* 0, 's' stored, 'v' virtual */
    bool remote_not_null;
    double distinct_count; /* > 0 a number, < 0 minus the share of rows, 0 unknown (pg_stats) */
    int width_bytes;       /* average; 0 unknown */

    /* filled by the driver's present() */
    const char *name;     /* the SQLite name, unique in the table whatever the case */
    const char *declared; /* the declared type, quoted where it must be: "\"DATE(TEXT)\"" */
    const char *declared_collation; /* NULL or a built-in collation of SQLite: NOCASE, RTRIM */
    const char *presentation; /* options that shape its values: "timestamp=seconds6"; "" none */
    bool not_null;            /* no row is presented as NULL */
    bool one_to_one;          /* two different remote values never look the same */
    bool text_values;         /* may be presented as TEXT */
    const void *driver_data;  /* the driver's: type, decoder, expressions; in the arena */
};

struct schema {
    struct arena arena;
    int references;
    enum relation_kind kind;
    const char *remote_schema, *remote_name; /* NULL for RELATION_QUERY */
    const char *query;                       /* RELATION_QUERY: the user's SELECT */
    const char *comment;
    struct column *columns;
    size_t column_count;
    struct key *keys;
    size_t key_count;
    double rows_estimate;          /* -1 unknown */
    double row_bytes;              /* average width; 0 unknown */
    struct statistics *statistics; /* owned; NULL: none */
    const char
            *state; /* the driver's mark: others of it mean another definition; may be NULL */
    bool writable;  /* by this role, as far as the remote tells */
    const char *why_not; /* set when it is not */
    bool lockable;       /* QUERY_LOCK keeps its rows as they were read */

    /* filled by the driver's present() */
    enum identity identity;
    int key_column; /* IDENTITY_INTEGER_KEY and IDENTITY_KEY; otherwise -1 */
    /* IDENTITY_ROW: columns whose values find a row on the remote, for writing (key=a,b of a
     * view, the key of a table whose rows have no place); none: it cannot be written. */
    const int *find_columns;
    size_t find_count;
    const void *driver_data;
};

struct schema *schema_create(void); /* one reference; NULL when memory is out */
struct schema *schema_retain(struct schema *);
void schema_release(struct schema *); /* accepts NULL; frees with the last reference */
/* Empty statistics for the columns there are; NULL when memory is out. */
struct statistics *schema_create_statistics(struct schema *);
/* All that was counted, from another description of the same relation: swapped. */
void schema_take_counts(struct schema *, struct schema *from);

/* Names for SQLite, in catalog order: the first keeps its name, the next that differ only in
 * case get _2, _3. Fills columns[].name. */
enum status schema_name_columns(struct schema *, struct error *);
/* Same names, types, keys and presentation: would it be declared and read the same way? */
bool schema_equal(const struct schema *, const struct schema *);
int schema_find_column(
        const struct schema *, const char *name);   /* -1 none; ASCII case ignored */
const char *relation_kind_name(enum relation_kind); /* "materialized view" */
const char *key_kind_name(enum key_kind);           /* "primary" */

#endif
