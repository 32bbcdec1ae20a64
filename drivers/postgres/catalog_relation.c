/* The catalog's answers -> one relation's schema. Each answer is sorted by the relation's oid
 * and searched from there. */
#include "drivers/postgres/catalog.h"

#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_PER_PAGE_GUESSED = 60 }; /* of about 130 bytes with their headers */

/* The rows of one relation in an answer. */
struct extent {
    const PGresult *facts;
    int first, count;
};

/* ---- reading facts ------------------------------------------------------------------------
 */

static uint32_t facts_oid(const PGresult *facts, int row, int fact) {
    return (uint32_t)strtoul(PQgetvalue(facts, row, fact), NULL, 10);
}

static int facts_int(const PGresult *facts, int row, int fact) {
    return (int)strtol(PQgetvalue(facts, row, fact), NULL, 10);
}

static double facts_real(const PGresult *facts, int row, int fact) {
    return number_read(PQgetvalue(facts, row, fact), NULL);
}

static bool facts_bool(const PGresult *facts, int row, int fact) {
    return PQgetvalue(facts, row, fact)[0] == 't';
}

static char facts_char(const PGresult *facts, int row, int fact) {
    return PQgetvalue(facts, row, fact)[0];
}

const char *pg_facts_text(
        const PGresult *facts, int row, int fact, struct arena *arena, bool *failed) {
    const char *copy = NULL;

    if (!PQgetisnull(facts, row, fact)) {
        copy = arena_copy(
                arena, PQgetvalue(facts, row, fact), (size_t)PQgetlength(facts, row, fact));
        *failed = *failed || copy == NULL;
    }
    return copy;
}

enum pg_collation_kind pg_facts_collation(const char *letter) {
    static const struct {
        char letter;
        enum pg_collation_kind kind;
    } kinds[] = {
        { '-', PG_COLLATION_NONE },
        { 'C', PG_COLLATION_C },
        { 'D', PG_COLLATION_DETERMINISTIC },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].letter == letter[0]) {
            return kinds[i].kind;
        }
    }
    return PG_COLLATION_NONDETERMINISTIC; /* for which least may be assumed */
}

void pg_facts_type(const PGresult *facts, int row, int first, struct arena *arena,
        struct column *column, struct pg_column *type, bool *failed) {
    column->remote_type = pg_facts_text(facts, row, first + TYPE_PRINTED, arena, failed);
    column->collation = pg_facts_text(facts, row, first + TYPE_COLLATION, arena, failed);
    type->type_oid = facts_oid(facts, row, first + TYPE_OID);
    type->typmod = facts_int(facts, row, first + TYPE_TYPMOD);
    type->type_schema = pg_facts_text(facts, row, first + TYPE_SCHEMA, arena, failed);
    type->type_name = pg_facts_text(facts, row, first + TYPE_NAME, arena, failed);
    type->type_sql = pg_facts_text(facts, row, first + TYPE_SQL, arena, failed);
    type->type_kind = facts_char(facts, row, first + TYPE_KIND);
    type->element_oid = facts_oid(facts, row, first + TYPE_ELEMENT);
    type->collation = pg_facts_collation(PQgetvalue(facts, row, first + TYPE_COLLATION_KIND));
}

static struct extent extent_find(const PGresult *facts, uint32_t oid) {
    struct extent extent = { .facts = facts };
    int low = 0, high = facts != NULL ? PQntuples(facts) : 0, end = high;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (facts_oid(facts, middle, 0) < oid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    extent.first = low;
    while (low < end && facts_oid(facts, low, 0) == oid) {
        low++;
    }
    extent.count = low - extent.first;
    return extent;
}

/* ---- one relation -------------------------------------------------------------------------
 */

static enum relation_kind relation_kind(char letter) {
    static const struct {
        char letter;
        enum relation_kind kind;
    } kinds[] = {
        { 'r', RELATION_TABLE },
        { 'v', RELATION_VIEW },
        { 'm', RELATION_MATERIALIZED_VIEW },
        { 'p', RELATION_PARTITIONED_TABLE },
        { 'f', RELATION_FOREIGN_TABLE },
    };
    size_t i = 0;

    while (kinds[i].letter != letter) {
        i++; /* ends: the question asks for these kinds only */
    }
    return kinds[i].kind;
}

static const char *relation_why_not(const PGresult *facts, int row) {
    char kind = facts_char(facts, row, RELATION_KIND);

    if (kind == 'm') {
        return "a materialized view cannot be written";
    }
    if (!facts_bool(facts, row, RELATION_UPDATABLE)) {
        return kind == 'v' ? "the view cannot be updated"
                           : "the foreign table cannot be updated";
    }
    if (!facts_bool(facts, row, RELATION_PRIVILEGE)) {
        return "no privilege to insert, update or delete";
    }
    if (facts_bool(facts, row, RELATION_STANDBY)) {
        return "the server is a standby";
    }
    return facts_bool(facts, row, RELATION_READ_ONLY)
                   ? "the server's default_transaction_read_only is on for this role"
                   : NULL;
}

/* Rows as they were counted, or else as many as would fill the pages. 0 of some pages is a
 * count, and how servers before 14 say "never"; then the pages are taken. */
static void relation_add_rows(
        struct schema *schema, const PGresult *facts, int row, int rows_fact, int pages_fact) {
    double rows = facts_real(facts, row, rows_fact), pages = facts_real(facts, row, pages_fact);

    if (rows <= 0 && pages > 0) {
        rows = pages * ROWS_PER_PAGE_GUESSED;
    }
    if (rows > 0) {
        schema->rows_estimate = (schema->rows_estimate > 0 ? schema->rows_estimate : 0) + rows;
    }
}

/* The tables that rows come from, when they are not the relation alone. A partitioned table
 * without partitions is given itself as leaf: no row bears its oid, so that one which comes
 * from a later partition is noticed. */
static bool relation_leaves(
        struct schema *schema, struct pg_relation *relation, const struct extent *leaves) {
    bool alone = leaves->count == 0 ||
                 (leaves->count == 1 &&
                         facts_oid(leaves->facts, leaves->first, LEAF_OID) == relation->oid);
    uint32_t *oids;

    if (alone && schema->kind != RELATION_PARTITIONED_TABLE) {
        return true;
    }
    oids = arena_alloc_array(&schema->arena, (size_t)leaves->count + 1, sizeof(*oids));
    if (oids == NULL) {
        return false;
    }
    oids[0] = relation->oid;
    schema->rows_estimate = -1;
    for (int i = 0; i < leaves->count; i++) {
        int row = leaves->first + i;

        oids[i] = facts_oid(leaves->facts, row, LEAF_OID);
        relation->foreign_leaves =
                relation->foreign_leaves || facts_char(leaves->facts, row, LEAF_KIND) == 'f';
        relation_add_rows(schema, leaves->facts, row, LEAF_ROWS, LEAF_PAGES);
    }
    relation->leaf_oids = oids;
    relation->leaf_count = leaves->count > 0 ? (size_t)leaves->count : 1;
    return true;
}

/* Children of a plain table need not keep its keys, nor (before PostgreSQL 18) its NOT NULL;
 * whatever stands behind a foreign table need keep nothing. */
static bool relation_promises(const struct schema *schema, const struct pg_relation *relation) {
    return schema->kind != RELATION_FOREIGN_TABLE && !relation->foreign_leaves &&
           (schema->kind != RELATION_TABLE || relation->leaf_count == 0);
}

static bool relation_columns(struct schema *schema, const struct pg_relation *relation,
        const struct extent *columns) {
    size_t count = (size_t)columns->count;
    struct pg_column *types = arena_alloc_array(&schema->arena, count + 1, sizeof(*types));
    bool failed = false;

    schema->columns = arena_alloc_array(&schema->arena, count + 1, sizeof(*schema->columns));
    if (schema->columns == NULL || types == NULL) {
        return false;
    }
    schema->column_count = count;
    for (int i = 0; i < columns->count; i++) {
        const PGresult *facts = columns->facts;
        struct column *column = &schema->columns[i];
        int row = columns->first + i;

        column->remote_name = pg_facts_text(facts, row, COLUMN_NAME, &schema->arena, &failed);
        column->default_sql =
                pg_facts_text(facts, row, COLUMN_DEFAULT, &schema->arena, &failed);
        column->comment = pg_facts_text(facts, row, COLUMN_COMMENT, &schema->arena, &failed);
        column->identity = facts_char(facts, row, COLUMN_IDENTITY);
        column->generated = facts_char(facts, row, COLUMN_GENERATED);
        column->remote_not_null =
                facts_bool(facts, row, COLUMN_NOT_NULL) && relation_promises(schema, relation);
        pg_facts_type(
                facts, row, COLUMN_TYPE_FACTS, &schema->arena, column, &types[i], &failed);
        types[i].domain = facts_bool(facts, row, COLUMN_DOMAIN);
        column->driver_data = &types[i];
    }
    return !failed;
}

/* attnum -> index; -1 for an expression, or a column that is no longer there. */
static int relation_column(const struct extent *columns, int attnum) {
    for (int i = 0; i < columns->count; i++) {
        if (facts_int(columns->facts, columns->first + i, COLUMN_NUMBER) == attnum) {
            return i;
        }
    }
    return -1;
}

/* "1 2" -> indexes of columns. */
static bool key_columns(struct schema *schema, struct key *key, const struct extent *columns,
        const char *attnums) {
    int *indexes = arena_alloc_array(&schema->arena, strlen(attnums) + 1, sizeof(*indexes));
    char *end = NULL;

    if (indexes == NULL) {
        return false;
    }
    for (; *attnums != '\0'; attnums = *end == ' ' ? end + 1 : end) {
        int index = relation_column(columns, (int)strtol(attnums, &end, 10));

        if (index >= 0) {
            indexes[key->column_count++] = index;
        } else {
            key->partial = true;
        }
    }
    key->columns = indexes;
    return true;
}

static enum key_kind key_kind(char letter) {
    static const char letters[] = {
        [KEY_PRIMARY] = 'p',
        [KEY_UNIQUE] = 'u',
        [KEY_FOREIGN] = 'f',
        [KEY_CHECK] = 'c',
        [KEY_INDEX] = 'i',
    };
    const char *found = memchr(letters, letter, sizeof(letters));

    return found != NULL ? (enum key_kind)(found - letters) : KEY_INDEX;
}

static bool relation_keys(struct schema *schema, const struct pg_relation *relation,
        const struct extent *keys, const struct extent *columns) {
    bool failed = false;

    schema->keys =
            arena_alloc_array(&schema->arena, (size_t)keys->count + 1, sizeof(*schema->keys));
    if (schema->keys == NULL) {
        return false;
    }
    schema->key_count = (size_t)keys->count;
    for (int i = 0; i < keys->count && !failed; i++) {
        const PGresult *facts = keys->facts;
        struct key *key = &schema->keys[i];
        int row = keys->first + i;

        key->kind = key_kind(facts_char(facts, row, KEY_KIND));
        key->name = pg_facts_text(facts, row, KEY_NAME, &schema->arena, &failed);
        key->ref_table = pg_facts_text(facts, row, KEY_REF_TABLE, &schema->arena, &failed);
        key->ref_columns = pg_facts_text(facts, row, KEY_REF_COLUMNS, &schema->arena, &failed);
        key->definition = pg_facts_text(facts, row, KEY_DEFINITION, &schema->arena, &failed);
        key->valid = facts_bool(facts, row, KEY_VALID) &&
                     (key->kind > KEY_UNIQUE || relation_promises(schema, relation));
        key->immediate = facts_bool(facts, row, KEY_IMMEDIATE);
        key->partial = facts_bool(facts, row, KEY_PARTIAL);
        if (key->kind != KEY_CHECK) {
            failed = !key_columns(schema, key, columns, PQgetvalue(facts, row, KEY_COLUMNS)) ||
                     failed;
        }
    }
    return !failed;
}

static bool relation_stats(
        struct schema *schema, const struct extent *stats, const struct extent *columns) {
    struct statistics *statistics = NULL;

    if (stats->count > 0) {
        statistics = schema_create_statistics(schema);
        if (statistics == NULL) {
            return false;
        }
    }
    for (int i = 0; i < stats->count; i++) {
        int row = stats->first + i;
        int index = relation_column(columns, facts_int(stats->facts, row, STATS_NUMBER));

        if (index >= 0) {
            schema->columns[index].width_bytes = facts_int(stats->facts, row, STATS_WIDTH);
            schema->columns[index].distinct_count =
                    facts_real(stats->facts, row, STATS_DISTINCT);
            if (!pg_statistics_read(
                        &statistics->columns[index], stats->facts, row, &statistics->arena)) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < schema->column_count; i++) {
        schema->row_bytes += schema->columns[i].width_bytes;
    }
    return true;
}

bool pg_catalog_relation(const struct pg_session *session,
        const PGresult *const answers[PG_QUESTION_COUNT], int row, struct schema *schema) {
    const PGresult *facts = answers[PG_QUESTION_RELATIONS];
    struct pg_relation *relation = arena_alloc(&schema->arena, sizeof(*relation));
    struct extent columns, keys, leaves, stats;
    bool failed = false;

    if (relation == NULL) {
        return false;
    }
    relation->oid = facts_oid(facts, row, RELATION_OID);
    relation->utf8 = session->utf8;
    relation->sql_ascii = session->sql_ascii;
    failed = !pg_definition_read(schema, relation, facts, row);
    columns = extent_find(answers[PG_QUESTION_COLUMNS], relation->oid);
    keys = extent_find(answers[PG_QUESTION_KEYS], relation->oid);
    leaves = extent_find(answers[PG_QUESTION_LEAVES], relation->oid);
    stats = extent_find(answers[PG_QUESTION_STATS], relation->oid);
    schema->driver_data = relation;
    schema->kind = relation_kind(facts_char(facts, row, RELATION_KIND));
    schema->remote_schema = pg_facts_text(facts, row, RELATION_SCHEMA, &schema->arena, &failed);
    schema->remote_name = pg_facts_text(facts, row, RELATION_NAME, &schema->arena, &failed);
    schema->comment = pg_facts_text(facts, row, RELATION_COMMENT, &schema->arena, &failed);
    schema->why_not = relation_why_not(facts, row);
    schema->writable = schema->why_not == NULL;
    relation_add_rows(schema, facts, row, RELATION_ROWS, RELATION_PAGES);
    schema->lockable = facts_bool(facts, row, RELATION_LOCKABLE);
    failed = failed || !relation_leaves(schema, relation, &leaves) ||
             !relation_columns(schema, relation, &columns) ||
             !relation_keys(schema, relation, &keys, &columns) ||
             !pg_definition_state(schema, relation) ||
             !pg_definition_add_probe(schema, relation) ||
             !relation_stats(schema, &stats, &columns);
    schema->lockable = schema->lockable && !relation->foreign_leaves;
    return !failed;
}
