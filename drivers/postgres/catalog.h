/* Questions to the remote catalog and the reading of their answers: for catalog*.c (relations)
 * and describe.c (the columns of a user's query). The numbers of the answers' columns stand
 * here, beside the text in catalog_sql.c that they must follow. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_CATALOG_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_CATALOG_H

#include "drivers/postgres/wire.h"

enum relation_fact {
    RELATION_OID,
    RELATION_SCHEMA,
    RELATION_NAME,
    RELATION_KIND,
    RELATION_COMMENT,
    RELATION_ROWS,
    RELATION_PAGES,
    RELATION_PRIVILEGE, /* to insert, update or delete */
    RELATION_UPDATABLE, /* views and foreign tables: for anybody */
    RELATION_STANDBY,
    RELATION_READ_ONLY,     /* the session's transactions are, unless they say otherwise */
    RELATION_LOCKABLE,      /* rows may be read FOR UPDATE */
    RELATION_COLUMNS_KNOWN, /* for pg_definition */
    RELATION_DEFINITION
};

/* Answers about relations below are sorted by the oid in column 0. */
enum column_fact {
    COLUMN_RELATION,
    COLUMN_NUMBER, /* attnum */
    COLUMN_NAME,
    COLUMN_DEFAULT,
    COLUMN_COMMENT,
    COLUMN_NOT_NULL,
    COLUMN_IDENTITY,
    COLUMN_GENERATED,
    COLUMN_DOMAIN,
    COLUMN_TYPE_FACTS /* type_fact follows */
};

enum type_fact {
    TYPE_PRINTED, /* "numeric(10,2)" */
    TYPE_OID,
    TYPE_TYPMOD,
    TYPE_SCHEMA,
    TYPE_NAME,
    TYPE_SQL,
    TYPE_KIND,
    TYPE_ELEMENT,
    TYPE_COLLATION_KIND, /* a letter: see pg_facts_type() */
    TYPE_COLLATION,
    TYPE_FACT_COUNT
};

enum key_fact {
    KEY_RELATION,
    KEY_KIND,
    KEY_NAME,
    KEY_COLUMNS, /* attnums, "1 2" */
    KEY_REF_TABLE,
    KEY_REF_COLUMNS,
    KEY_DEFINITION,
    KEY_VALID,
    KEY_IMMEDIATE,
    KEY_PARTIAL
};

enum leaf_fact { LEAF_ROOT, LEAF_OID, LEAF_KIND, LEAF_ROWS, LEAF_PAGES };

enum stats_fact {
    STATS_RELATION,
    STATS_NUMBER,
    STATS_WIDTH,
    STATS_DISTINCT,
    STATS_NULLS,
    STATS_COMMON, /* lists, with a byte 31 between the items */
    STATS_COMMON_SHARES,
    STATS_BOUNDS
};

/* One question about relations each. $1: text[] of schemas or NULL for the search path, $2: one
 * relation's name or NULL. */
enum pg_question {
    PG_QUESTION_RELATIONS,
    PG_QUESTION_COLUMNS,
    PG_QUESTION_KEYS,
    PG_QUESTION_LEAVES,
    PG_QUESTION_STATS,
    PG_QUESTION_COUNT
};

/* pinned: transactions of this session read only because settings.c says so, not the server. */
void pg_question_sql(enum pg_question, int server_version, bool pinned, struct text *sql);
/* The sum of a relation's definition over pg_class "c", whose first `known` columns count. */
void pg_definition_sql(struct text *sql, const char *known);
/* From a row of PG_QUESTION_RELATIONS. False when memory is out. */
bool pg_definition_read(struct schema *, struct pg_relation *, const PGresult *facts, int row);
/* Fills schema.state. Two schemas of one relation may be taken for each other when it is the
 * same: the sum, and the leaves, which rowids count. */
bool pg_definition_state(struct schema *, const struct pg_relation *);
/* Fills definition.probe, once the leaves are known. False when memory is out. */
bool pg_definition_add_probe(struct schema *, const struct pg_relation *);
/* For query columns: type_facts of types in order. $1: oid[], $2: int4[] of typmods. */
void pg_types_sql(int server_version, struct text *sql);
/* For query columns: a letter and a name for each of the collation names that are listed in
 * `names`, expressions over the one row of `from`. */
void pg_collations_sql(int server_version, const struct text *names, const struct text *from,
        struct text *sql);

/* From a row of PG_QUESTION_STATS. False when memory is out. */
bool pg_statistics_read(struct column_statistics *, const PGresult *, int row, struct arena *);
/* filter->strict: STATUS_USAGE, naming the schemas there are, when one of the filter's is not
 * there. list: the filter's schemas as a text[]; relations: PG_QUESTION_RELATIONS' answer. */
enum status pg_catalog_check_schemas(struct pg_session *, const struct catalog_filter *,
        const char *list, const PGresult *relations, struct error *);

/* Fills a fresh schema from one row of PG_QUESTION_RELATIONS and what the other answers have of
 * that relation; an answer may be NULL. False when memory is out. */
bool pg_catalog_relation(const struct pg_session *,
        const PGresult *const answers[PG_QUESTION_COUNT], int row, struct schema *);
/* A fact's text, copied; NULL where it is NULL. failed is set when memory is out. */
const char *pg_facts_text(const PGresult *, int row, int fact, struct arena *, bool *failed);
/* The type_facts from column `first` on. */
void pg_facts_type(const PGresult *, int row, int first, struct arena *, struct column *,
        struct pg_column *, bool *failed);
enum pg_collation_kind pg_facts_collation(const char *letter);

#endif
