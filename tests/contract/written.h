/* What the cases of writing share: a table, and its rows written by the driver under test. */
#ifndef DRAWBRIDGE_TESTS_CONTRACT_WRITTEN_H
#define DRAWBRIDGE_TESTS_CONTRACT_WRITTEN_H

#include "tests/contract/support.h"

enum { COLUMNS = 3 };

extern struct schema *table; /* contract_written(id, a UNIQUE, b NOT NULL) */

void begin(void); /* to write */
void commit(void);
struct writer *open_writer(void);
/* Rows with a key of ours, or (0) of the remote's; b may be NULL. */
enum status insert(struct writer *writer, int64_t id, int64_t a, const char *b,
        enum on_conflict conflict, unsigned flags, struct write_result *result,
        struct error *err);
void must_insert(struct writer *writer, int64_t id, int64_t a, const char *b);
enum status update(struct writer *writer, int64_t id, const char *b, unsigned flags,
        struct write_result *result, struct error *err);
enum status delete (struct writer *writer, int64_t id, unsigned flags,
        struct write_result *result, struct error *err);
int64_t flush(struct writer *writer); /* rows that it wrote */
/* Reads the rows that change_rows() gives to their end; the ids are noted. */
enum status change_rows(const struct change_set *set, size_t *taken, int64_t *ids,
        int64_t *rows, struct error *err);
int64_t count_in(struct session *reader); /* rows that this session sees */
void empty(void);

#endif
