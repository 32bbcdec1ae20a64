/* The table of drivers and the words that all of them share (target.c resolves URLs with it).
 */
#include "drivers/registry.h"

#include "drivers/postgres/internal.h"
#include "drivers/postgrest/internal.h"
#include "drivers/sqlite/internal.h"

#include <string.h>

const struct driver *const drivers[] = { &postgres_driver, &postgrest_driver, &sqlite_driver,
    NULL };

enum {
    MS_MAX = 2147483647, /* PostgreSQL's own limit for its timeouts */
    BATCH_ROWS = 10000
};

const struct option_spec server_options[] = {
    { .name = "name", .type = OPTION_TEXT, .help = "the server's name" },
    { .name = "readonly", .type = OPTION_BOOL, .fallback = "0", .help = "refuse every write" },
    { .name = "isolation",
            .type = OPTION_CHOICE,
            .fallback = "repeatable",
            .choices = "repeatable|read-committed|serializable",
            .help = "what a transaction sees of others" },
    { .name = "atomic",
            .type = OPTION_CHOICE,
            .fallback = "remote-first",
            .choices = "remote-first|require|besteffort",
            .help = "transactions that also write a local file, or a second server" },
    { .name = "batch",
            .type = OPTION_INTEGER,
            .fallback = "auto",
            .choices = "auto",
            .min = 1,
            .max = BATCH_ROWS,
            .help = "how many rows of one statement wait for each other; 1: none" },
    { .name = "connect_timeout_ms",
            .type = OPTION_INTEGER,
            .fallback = "10000",
            .min = 1,
            .max = MS_MAX,
            .help = "longest wait for a connection" },
    { .name = "statement_timeout_ms",
            .type = OPTION_INTEGER,
            .fallback = "0",
            .min = 0,
            .max = MS_MAX,
            .help = "longest run of a remote statement; 0: the server's own" },
    { .name = "commit_timeout_ms",
            .type = OPTION_INTEGER,
            .fallback = "10000",
            .min = 1,
            .max = MS_MAX,
            .help = "how long a commit is waited for and looked into" },
    { .name = "idle_snapshot_ms",
            .type = OPTION_INTEGER,
            .fallback = "60000",
            .min = 0,
            .max = MS_MAX,
            .help = "how long an unread cursor keeps its snapshot; 0: for ever" },
    { .name = "idle_close_ms",
            .type = OPTION_INTEGER,
            .fallback = "300000",
            .min = 0,
            .max = MS_MAX,
            .help = "how long an unused session stays open; 0: no longer than its connection" },
    { .name = "latency_ms",
            .type = OPTION_INTEGER,
            .min = 0,
            .max = 60000,
            .help = "round trip to plan with; measured when not given" },
    { .name = "join_cache_bytes",
            .type = OPTION_INTEGER,
            .fallback = "67108864",
            .min = 0,
            .max = INT64_MAX,
            .help = "memory of a connection for rows that joins look up again; 0: none" },
    { .name = "log",
            .type = OPTION_INTEGER,
            .fallback = "100",
            .min = 0,
            .max = 100000,
            .help = "statements that bridge_log keeps" },
    { .name = "log_parameters",
            .type = OPTION_BOOL,
            .fallback = "0",
            .help = "keep parameters in bridge_log as well" },
    { .name = "log_file",
            .type = OPTION_TEXT,
            .help = "append every logged statement to a file" },
    { .name = "log_min_ms",
            .type = OPTION_INTEGER,
            .fallback = "0",
            .min = 0,
            .max = MS_MAX,
            .help = "log only statements that took as long" },
    { .name = NULL },
};

const struct option_spec attach_options[] = {
    { .name = "as", .type = OPTION_TEXT, .help = "attach into a schema of this name" },
    { .name = "schema", .type = OPTION_TEXT, .help = "remote schemas: a,b" },
    { .name = "tables", .type = OPTION_TEXT, .fallback = "*", .help = "only these: glob,..." },
    { .name = "except", .type = OPTION_TEXT, .help = "all but these: glob,..." },
    { .name = "prefix", .type = OPTION_TEXT, .fallback = "", .help = "put before every name" },
    { .name = "conflict",
            .type = OPTION_CHOICE,
            .fallback = "error",
            .choices = "error|overlay|skip|replace",
            .help = "when a name is taken" },
    { .name = "overlay_views",
            .type = OPTION_BOOL,
            .fallback = "0",
            .help = "overlay tables that local views or triggers go on reading" },
    { .name = NULL },
};

const struct option_spec table_options[] = {
    { .name = "server", .type = OPTION_TEXT, .help = "a server named by bridge_server" },
    { .name = "url",
            .type = OPTION_TEXT,
            .flags = OPTION_SECRET,
            .help = "where the remote is" },
    { .name = "schema", .type = OPTION_TEXT, .help = "the remote schema" },
    { .name = "table", .type = OPTION_TEXT, .help = "the remote table" },
    { .name = "query", .type = OPTION_TEXT, .help = "a SELECT in place of a table" },
    { .name = "key", .type = OPTION_TEXT, .help = "columns that tell rows apart: a,b" },
    { .name = "rowid",
            .type = OPTION_BOOL,
            .fallback = "0",
            .help = "a rowid table even where a key could be declared" },
    { .name = "rows",
            .type = OPTION_INTEGER,
            .min = 0,
            .max = INT64_MAX,
            .help = "estimate of the number of rows" },
    { .name = NULL },
};

const struct option_spec value_options[] = {
    { .name = "profile",
            .type = OPTION_CHOICE,
            .fallback = "raw",
            .choices = "raw|sqlalchemy|pydal",
            .help = "values as this library writes them itself" },
    { .name = "numeric",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "number",
            .choices = "number|text",
            .help = "digits kept, or a number to reckon with" },
    { .name = "timestamp",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "seconds6",
            .choices = "seconds6|isoformat|seconds|unixepoch",
            .help = "how a point in time is written" },
    { .name = "timestamptz",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "naive",
            .choices = "naive|+00:00",
            .help = "UTC without or with its offset" },
    { .name = "uuid",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "dashed",
            .choices = "dashed|hex|blob",
            .help = "how a uuid is written" },
    { .name = "nan",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "text",
            .choices = "text|null",
            .help = "'NaN' as text or as NULL" },
    { .name = "bool",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "integer",
            .choices = "integer|tf",
            .help = "0 and 1, or F and T" },
    { .name = "citext",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "text",
            .choices = "text|nocase",
            .help = "declare COLLATE NOCASE or not" },
    { .name = "array",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "json",
            .choices = "json|literal",
            .help = "[1,2] or {1,2}" },
    { .name = "composite",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "json",
            .choices = "json|literal",
            .help = "an object, or (1,2)" },
    { .name = "interval",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "text",
            .choices = "text|seconds",
            .help = "PostgreSQL's text, or a number" },
    { .name = "bpchar",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "trimmed",
            .choices = "trimmed|padded",
            .help = "trailing blanks of char(n)" },
    { .name = "geometry",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .fallback = "ewkb",
            .choices = "ewkb|wkt|geojson",
            .help = "how PostGIS values are written" },
    { .name = "type",
            .type = OPTION_TEXT,
            .flags = OPTION_PER_COLUMN | OPTION_COLUMN_ONLY,
            .help = "declared type of a column: type.photo=BLOB" },
    { .name = "collation",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .choices = "C",
            .help = "the user's word that text sorts by its bytes" },
    { .name = "dates",
            .type = OPTION_CHOICE,
            .flags = OPTION_PER_COLUMN,
            .choices = "ad",
            .help = "the user's word that all years are from 1 to 9999" },
    { .name = "declare_keys",
            .type = OPTION_BOOL,
            .fallback = "0",
            .help = "declare composite keys, for reflection" },
    { .name = NULL },
};

/* What a profile says where the user said nothing. */
static const struct {
    const char *profile, *name, *value;
} profile_values[] = {
    { "sqlalchemy", "uuid", "hex" },
    { "pydal", "bool", "tf" },
    { "pydal", "timestamp", "seconds" },
};

const struct driver *driver_find(const char *name) {
    for (size_t i = 0; drivers[i] != NULL; i++) {
        if (strcmp(drivers[i]->name, name) == 0) {
            return drivers[i];
        }
    }
    return NULL;
}

const char *value_option(const struct options *options, const char *name, const char *column) {
    const char *profile = options_text(options, "profile");

    if (options_given(options, name) || options_column_given(options, name, column)) {
        return options_column_text(options, name, column);
    }
    for (size_t i = 0; i < sizeof(profile_values) / sizeof(profile_values[0]); i++) {
        if (strcmp(profile_values[i].profile, profile) == 0 &&
                strcmp(profile_values[i].name, name) == 0) {
            return profile_values[i].value;
        }
    }
    return options_text(options, name);
}
